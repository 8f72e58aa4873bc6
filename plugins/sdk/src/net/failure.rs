//! What a failure says about the connection and about trying again.

use std::{fmt, io};

use crate::{FetchError, io_words};

/// Why an attempt gave no answer.
#[derive(Debug)]
pub enum Failure {
    /// The connection can't be used any more, or its state is not known.
    Broken(String),
    /// The source has ended its work, which has run for as long as it may.
    OutOfTime(String),
    /// The source answered; the connection is as good as before.
    Answered(FetchError),
}

impl From<Failure> for FetchError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Broken(message) | Failure::OutOfTime(message) => Self::Unavailable(message),
            Failure::Answered(error) => error,
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Broken(io_words(&error))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken(message) | Self::OutOfTime(message) => out.write_str(message),
            Self::Answered(error) => error.fmt(out),
        }
    }
}
