//! What a get answers.

use bytes::Bytes;

use crate::value;

/// A value as a client gets it.
pub type Answer = value::Answer<Bytes>;
