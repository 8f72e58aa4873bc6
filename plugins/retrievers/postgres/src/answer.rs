//! The value in the first row of an answer.

use fallible_iterator::FallibleIterator;
use postgres_protocol::message::backend::{DataRowBody, RowDescriptionBody};
use psycache_plugin::FetchError;
use psycache_plugin::net::Failure;

use crate::settings::Settings;

/// The type whose text is not its bytes.
const BYTEA: u32 = 17;

/// A column of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    at: usize,
    name: String,
    is_bytea: bool,
}

/// The column that is the value, by the names of this very answer: the table may have changed
/// since the last one.
pub(crate) fn value_column(
    columns: &RowDescriptionBody,
    wanted: Option<&str>,
) -> Result<Result<Column, FetchError>, Failure> {
    let mut all = Vec::new();
    let mut fields = columns.fields();
    while let Some(field) = fields.next()? {
        let (at, name) = (all.len(), field.name().to_owned());
        all.push(Column { at, name, is_bytea: field.type_oid() == BYTEA });
    }
    Ok(chosen(&all, wanted))
}

fn chosen(columns: &[Column], wanted: Option<&str>) -> Result<Column, FetchError> {
    let is_wanted =
        |column: &&Column| wanted.is_none_or(|wanted| column.name.eq_ignore_ascii_case(wanted));
    let mut found = columns.iter().filter(is_wanted);
    let names = || columns.iter().map(|column| &*column.name).collect::<Vec<_>>().join(", ");
    let problem = match (found.next(), found.next(), wanted) {
        (Some(column), None, _) => return Ok(column.clone()),
        _ if columns.is_empty() => no_columns(),
        (None, _, wanted) => format!(
            "option value-column: the query returns {}, no `{}`",
            names(),
            wanted.unwrap_or_default()
        ),
        (_, _, Some(wanted)) => {
            format!(
                "option value-column: the query returns more than one `{wanted}`; rename one by AS"
            )
        }
        (_, _, None) => format!(
            "the query returns the columns {}; name the one to cache in the option value-column",
            names()
        ),
    };
    Err(FetchError::Rejected(problem))
}

/// What is said of a query that is no question.
pub(crate) fn no_columns() -> String {
    "the query returns no columns; it must be a SELECT".to_owned()
}

/// The value in `row`: text as the server prints it, bytes as they are.
pub(crate) fn value(
    row: &DataRowBody,
    column: &Column,
    settings: &Settings,
) -> Result<Result<Vec<u8>, FetchError>, Failure> {
    let range = row.ranges().nth(column.at)?.flatten();
    let bytes = range.and_then(|range| row.buffer().get(range));
    Ok(match bytes {
        Some(text) if column.is_bytea => bytes_of(text),
        Some(text) => Ok(text.to_vec()),
        None => Err(FetchError::BadValue(format!(
            "column `{}` is NULL for this key; exclude such rows in `{}` or give them a value",
            column.name, settings.query
        ))),
    })
}

/// The bytes that `\x00ff` stands for.
fn bytes_of(text: &[u8]) -> Result<Vec<u8>, FetchError> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let digits = text.strip_prefix(b"\\x").filter(|digits| digits.len() % 2 == 0);
    let pairs = digits.map(|digits| digits.chunks_exact(2));
    let bytes = pairs
        .and_then(|pairs| pairs.map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect());
    bytes.ok_or_else(|| {
        let problem = "its bytes are not in hexadecimal; set bytea_output to hex for the user";
        FetchError::BadValue(problem.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(names: &[&str]) -> Vec<Column> {
        let column =
            |(at, name): (usize, &&str)| Column { at, name: (*name).to_owned(), is_bytea: false };
        names.iter().enumerate().map(column).collect()
    }

    #[test]
    fn the_value_is_the_only_column_or_the_named_one() {
        assert_eq!(chosen(&columns(&["score"]), None).map(|column| column.at), Ok(0));
        let two = columns(&["name", "score"]);
        assert_eq!(chosen(&two, Some("SCORE")).map(|column| column.at), Ok(1));
        for (columns, wanted, part) in [
            (two.clone(), None, "the columns name, score; name the one"),
            (two, Some("points"), "returns name, score, no `points`"),
            (columns(&["a", "A"]), Some("a"), "more than one `a`"),
            (columns(&[]), None, "must be a SELECT"),
        ] {
            let problem = chosen(&columns, wanted).expect_err(part).to_string();
            assert!(problem.contains(part), "{problem}");
        }
    }

    #[test]
    fn bytes_are_read_from_their_digits() {
        assert_eq!(bytes_of(b"\\x00fFa0"), Ok(vec![0, 255, 160]));
        assert_eq!(bytes_of(b"\\x"), Ok(Vec::new()));
        for text in [&b"\\x0"[..], b"\\xzz", b"00", b"\\000"] {
            assert!(bytes_of(text).is_err());
        }
    }
}
