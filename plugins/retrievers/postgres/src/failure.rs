//! What an error of the server says about the connection and about trying again.

use fallible_iterator::FallibleIterator;
use postgres_protocol::message::backend::ErrorResponseBody;
use psycache_plugin::FetchError;
use psycache_plugin::net::Failure;

/// Reads an error.
///
/// # Errors
/// It is not one.
pub(crate) fn of(error: &ErrorResponseBody) -> Result<Failure, Failure> {
    let (mut state, mut message, mut detail) = (String::new(), String::new(), String::new());
    let mut fields = error.fields();
    while let Some(field) = fields.next()? {
        let text = String::from_utf8_lossy(field.value_bytes()).into_owned();
        match field.type_() {
            b'C' => state = text,
            b'M' => message = text,
            b'H' => detail = format!(" ({text})"),
            _ => {}
        }
    }
    Ok(classified(&state, format!("ERROR {state}: {message}{detail}")))
}

/// By SQLSTATE (appendix A of PostgreSQL's manual), class by class, but for what stands in a
/// class that says less or something else.
fn classified(state: &str, message: String) -> Failure {
    match (state, state.get(..2).unwrap_or_default()) {
        // A statement that was cancelled: by its time limit, or by somebody else.
        ("57014", _) => Failure::OutOfTime(message),
        // The query has another number of places than one: no retry mends that.
        ("08P01", _) => Failure::Answered(FetchError::Rejected(message)),
        // The server or a proxy has ended this connection, or does not know its statement.
        ("57P01" | "57P02" | "57P05" | "25P03" | "26000", _) | (_, "08") => {
            Failure::Broken(message)
        }
        // The database was dropped.
        ("57P04", _) => Failure::Answered(FetchError::Rejected(message)),
        // It starts, or can't be reached by a proxy; locks; serialization and deadlock; out of
        // connections, memory or disk; the system around the server.
        ("55P03", _) | (_, "40" | "53" | "57" | "58") => {
            Failure::Answered(FetchError::Unavailable(message))
        }
        // The key is no number, date or text of the type that the query compares.
        ("22P02" | "22003" | "22007" | "22008" | "22009" | "22021" | "22P05", _) => {
            Failure::Answered(FetchError::BadKey(message))
        }
        _ => Failure::Answered(FetchError::Rejected(message)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_what_a_retry_may_mend() {
        let of = |state: &str| classified(state, String::new());
        for state in ["57P01", "57P02", "08006", "08003", "26000"] {
            assert!(matches!(of(state), Failure::Broken(_)), "{state}");
        }
        for state in ["40001", "40P01", "53300", "53200", "55P03", "57P03", "58030"] {
            let failure = of(state);
            assert!(matches!(failure, Failure::Answered(FetchError::Unavailable(_))), "{state}");
        }
        // Password, privilege, no such table, syntax, division, read-only, places, a raise.
        for state in
            ["28P01", "42501", "42P01", "42601", "22012", "25006", "08P01", "P0001", "57P04", ""]
        {
            let failure = of(state);
            assert!(matches!(failure, Failure::Answered(FetchError::Rejected(_))), "{state}");
        }
        for state in ["22P02", "22003", "22021"] {
            assert!(matches!(of(state), Failure::Answered(FetchError::BadKey(_))), "{state}");
        }
        assert!(matches!(of("57014"), Failure::OutOfTime(_)));
    }
}
