//! The result of a get.

use crate::error::Error;
use crate::value::Answer;

/// The result of a load, which all its waiters receive.
pub(super) type Reply = Result<Answer, Error>;
