//! What a get ends with.

use crate::error::Error;
use crate::value::Answer;

/// All who wait for one load get the same.
pub(super) type Reply = Result<Answer, Error>;
