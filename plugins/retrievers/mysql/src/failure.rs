//! What a failure says about the connection and about trying again.

use std::io::ErrorKind;

use mysql_async::{DriverError, Error, IoError, ServerError};
use mysql_common::proto::codec::error::PacketCodecError;
use psycache_plugin::FetchError;

use crate::settings::LARGEST_ROW_BYTES;

/// Why an attempt gave no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The connection can't be used any more.
    Broken(String),
    /// The server answered; the connection is as good as before.
    Answered(FetchError),
}

impl From<Failure> for FetchError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Broken(message) => Self::Unavailable(message),
            Failure::Answered(error) => error,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Server(error) => from_server(&error),
            // The two sides cannot agree on how to log in: no retry mends that.
            Error::Driver(
                error @ (DriverError::UnknownAuthPlugin { .. }
                | DriverError::MysqlOldPasswordDisabled
                | DriverError::CleartextPluginDisabled
                | DriverError::CantParseServerVersion { .. }),
            ) => Self::Answered(FetchError::Rejected(error.to_string())),
            Error::Io(IoError::Io(error)) if error.kind() == ErrorKind::PermissionDenied => {
                let mend = "the node does not let this group connect there (--allow-net HOST:PORT)";
                Self::Answered(FetchError::Rejected(mend.to_owned()))
            }
            // The driver has left the connection; the next fetch finds it closed.
            Error::Io(IoError::Io(error)) if is_too_large(&error) => {
                let limit = LARGEST_ROW_BYTES >> 20;
                let problem = format!(
                    "its row is larger than the {limit} MiB that this retriever takes; select less of it"
                );
                Self::Answered(FetchError::BadValue(problem))
            }
            Error::Io(IoError::Io(error)) => Self::Broken(error.to_string()),
            error => Self::Broken(error.to_string()),
        }
    }
}

fn is_too_large(error: &std::io::Error) -> bool {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref());
    matches!(cause, Some(PacketCodecError::PacketTooLarge))
}

/// Numbers are those of the "Server Error Message Reference" of MySQL and of "MariaDB
/// Error Code Reference".
fn from_server(error: &ServerError) -> Failure {
    let message = error.to_string();
    match error.code {
        // The server shuts down, or has ended this connection or its statement.
        1053 | 1077 | 1079 | 1615 | 1927 | 4031 => Failure::Broken(message),
        // Too many connections, by the server's, the user's or the hour's limit.
        1040 | 1203 | 1226
        // Out of memory or threads.
        | 1037 | 1038 | 1041 | 1135
        // Lock wait, deadlock, cancelled, out of time.
        | 1205 | 1213 | 1317 | 1969 | 3024 => Failure::Answered(FetchError::Unavailable(message)),
        _ => Failure::Answered(FetchError::Rejected(message)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: u16) -> Failure {
        Error::Server(ServerError { code, message: "why".into(), state: "HY000".into() }).into()
    }

    #[test]
    fn tells_what_a_retry_may_mend() {
        // Access denied, no such table, syntax, SELECT denied.
        for code in [1045, 1146, 1064, 1142] {
            assert!(matches!(of(code), Failure::Answered(FetchError::Rejected(_))), "{code}");
        }
        for code in [1040, 1205, 1213] {
            assert!(matches!(of(code), Failure::Answered(FetchError::Unavailable(_))), "{code}");
        }
        assert!(matches!(of(1053), Failure::Broken(_)));
        let oversize = Failure::from(Error::from(PacketCodecError::PacketTooLarge));
        assert!(
            matches!(&oversize, Failure::Answered(FetchError::BadValue(problem)) if problem.contains("64 MiB")),
            "{oversize:?}"
        );
        let closed = Failure::from(Error::Driver(DriverError::ConnectionClosed));
        assert!(matches!(FetchError::from(closed), FetchError::Unavailable(_)));
    }
}
