//! What a failure says about the connection and about trying again.

use psycache_plugin::FetchError;
use psycache_plugin::net::Failure;

use crate::fields::Fields;

/// An error as the server tells it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ServerError {
    code: u16,
    /// SQLSTATE; where a server tells none, that for any error.
    state: String,
    message: String,
}

impl ServerError {
    /// Reads one; `None` if the payload is something else.
    pub(crate) fn read(payload: &[u8]) -> Option<Self> {
        let mut fields = Fields::of(payload.strip_prefix(&[0xFF])?);
        let code = fields.number(2).ok()? as u16;
        let text = String::from_utf8_lossy(fields.rest()).into_owned();
        // Who is turned away before the greeting may get no state.
        let marked = text.strip_prefix('#').and_then(|marked| marked.split_at_checked(5));
        let (state, message) = marked.unwrap_or(("HY000", &text));
        Some(Self { code, state: state.to_owned(), message: message.to_owned() })
    }
}

impl std::fmt::Display for ServerError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "ERROR {} ({}): {}", self.code, self.state, self.message)
    }
}

/// What `error` says, in a query for `key` if it was one.
///
/// By the class of the SQLSTATE, but for numbers that stand in a class that says less or
/// something else. Numbers are those of the "Server Error Message Reference" of MySQL, of
/// the "MariaDB Error Code Reference", and of proxies and servers that speak their protocol.
pub(crate) fn of(error: &ServerError, key: Option<&str>) -> Failure {
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
        super::of(&error, Some(key))
    }

    #[test]
    fn an_error_is_read_with_a_state_and_without() {
        let read = |payload: &[u8]| ServerError::read(payload).map(|error| error.to_string());
        assert_eq!(
            read(b"\xff\x15\x04#28000Access denied").as_deref(),
            Some("ERROR 1045 (28000): Access denied")
        );
        assert_eq!(read(b"\xff\x69\x04blocked").as_deref(), Some("ERROR 1129 (HY000): blocked"));
        assert_eq!((read(b"\x00"), read(b"\xff\x15")), (None, None));
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
    }

    #[test]
    fn a_mix_of_collations_is_the_keys_fault_only_where_the_key_can_cause_it() {
        assert!(matches!(of(1267, "HY000", "Ω"), Failure::Answered(FetchError::BadKey(_))));
        assert!(matches!(of(1267, "HY000", "Tom"), Failure::Answered(FetchError::Rejected(_))));
    }
}
