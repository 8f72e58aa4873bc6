//! What a failure says about the connection and about trying again.

use std::io::ErrorKind;

use mysql_async::{DriverError, Error, IoError, ServerError};
use mysql_common::proto::codec::error::PacketCodecError;
use psycache_plugin::net::Failure;
use psycache_plugin::{FetchError, io_words};

use crate::settings::LARGEST_ROW_BYTES;

/// Of `error`, in a query for `key` if it was one.
pub(crate) fn of(error: Error, key: Option<&str>) -> Failure {
    match error {
        Error::Server(error) => of_server(&error, key),
        // The two sides cannot agree on how to log in: no retry mends that.
        Error::Driver(DriverError::UnknownAuthPlugin { name }) => {
            Failure::Answered(FetchError::Rejected(format!(
                "the server wants the user to log in by `{name}`, which this retriever can't; \
                 give the user another plugin, such as mysql_native_password"
            )))
        }
        Error::Driver(
            error @ (DriverError::MysqlOldPasswordDisabled
            | DriverError::CleartextPluginDisabled
            | DriverError::CantParseServerVersion { .. }),
        ) => Failure::Answered(FetchError::Rejected(error.to_string())),
        Error::Io(IoError::Io(error)) if error.kind() == ErrorKind::PermissionDenied => {
            let mend = "the node does not let this group connect there; start it with \
                        --allow-net HOST:PORT of this server";
            Failure::Answered(FetchError::Rejected(mend.to_owned()))
        }
        // The driver has left the connection; the next fetch finds it closed.
        Error::Io(IoError::Io(error)) if is_too_large(&error) => {
            let limit = LARGEST_ROW_BYTES >> 20;
            let problem = format!(
                "its row is larger than the {limit} MiB that this retriever takes; select less of it"
            );
            Failure::Answered(FetchError::BadValue(problem))
        }
        Error::Io(IoError::Io(error)) => Failure::Broken(io_words(&error)),
        error => Failure::Broken(error.to_string()),
    }
}

fn is_too_large(error: &std::io::Error) -> bool {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref());
    matches!(cause, Some(PacketCodecError::PacketTooLarge))
}

/// By the class of the SQLSTATE, but for numbers that stand in a class that says less or
/// something else. Numbers are those of the "Server Error Message Reference" of MySQL, of
/// the "MariaDB Error Code Reference", and of proxies and servers that speak their protocol.
fn of_server(error: &ServerError, key: Option<&str>) -> Failure {
    let message = error.to_string();
    match (error.code, error.state.get(..2).unwrap_or_default()) {
        // max_statement_time of MariaDB, max_execution_time of MySQL.
        (1969 | 3024, _) => Failure::OutOfTime(message),
        // Illegal mix of collations, or no such character in the column's character set.
        (1267 | 1270 | 1271 | 1300 | 1366 | 1977 | 3854 | 3988, _)
            if key.is_some_and(|key| !key.is_ascii()) =>
        {
            let problem = format!("the query can't compare its characters: {message}");
            Failure::Answered(FetchError::BadKey(problem))
        }
        // The server shuts down, has ended this connection, or does not know its statement.
        (1053 | 1077 | 1079 | 1243 | 1615 | 1927 | 4031, _) | (_, "08") => Failure::Broken(message),
        // Too many connections, by the server's, the user's or the hour's limit; host blocked.
        (1040 | 1129 | 1203 | 1226
        // Out of memory, threads, locks or prepared statements.
        | 1037 | 1038 | 1041 | 1135 | 1206 | 1461
        // Lock wait, offline, and what TiDB and ProxySQL say while they have no server.
        | 1205 | 3032 | 9001..=9013, _)
        // Deadlock; killed or cancelled.
        | (_, "40" | "70") => Failure::Answered(FetchError::Unavailable(message)),
        _ => Failure::Answered(FetchError::Rejected(message)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: u16, state: &str, key: &str) -> Failure {
        let error = ServerError { code, message: "why".into(), state: state.into() };
        super::of(Error::Server(error), Some(key))
    }

    #[test]
    fn tells_what_a_retry_may_mend() {
        // Access denied, no such table, syntax, SELECT denied, SIGNAL.
        for (code, state) in
            [(1045, "28000"), (1146, "42S02"), (1064, "42000"), (1142, "42000"), (1644, "45000")]
        {
            let failure = of(code, state, "Tom");
            assert!(matches!(failure, Failure::Answered(FetchError::Rejected(_))), "{code}");
        }
        for (code, state) in [
            (1040, "HY000"),
            (1129, "HY000"),
            (1203, "42000"),
            (1205, "HY000"),
            (1213, "40001"),
            (1461, "42000"),
            (3032, "HY000"),
            (9001, "HY000"),
        ] {
            let failure = of(code, state, "Tom");
            assert!(matches!(failure, Failure::Answered(FetchError::Unavailable(_))), "{code}");
        }
        let broken =
            [(1053, "08S01"), (1047, "08S01"), (1158, "08S01"), (1184, "08S01"), (1243, "HY000")];
        for (code, state) in broken {
            assert!(matches!(of(code, state, "Tom"), Failure::Broken(_)), "{code}");
        }
        assert!(matches!(of(1969, "70100", "Tom"), Failure::OutOfTime(_)));
        let oversize = super::of(Error::from(PacketCodecError::PacketTooLarge), None);
        assert!(
            matches!(&oversize, Failure::Answered(FetchError::BadValue(problem)) if problem.contains("64 MiB")),
            "{oversize:?}"
        );
        let closed = super::of(Error::Driver(DriverError::ConnectionClosed), None);
        assert!(matches!(FetchError::from(closed), FetchError::Unavailable(_)));
    }

    #[test]
    fn a_mix_of_collations_is_the_keys_fault_only_where_the_key_can_cause_it() {
        assert!(matches!(of(1267, "HY000", "Ω"), Failure::Answered(FetchError::BadKey(_))));
        assert!(matches!(of(1267, "HY000", "Tom"), Failure::Answered(FetchError::Rejected(_))));
    }
}
