//! The columns of an answer, and the value in a row of it.

use fallible_iterator::FallibleIterator;
use postgres_protocol::message::backend::{DataRowBody, RowDescriptionBody};
use psycache_plugin::net::Failure;
use psycache_plugin::{FetchError, sql};

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

/// The columns of this very answer: the table may have changed since the last one.
pub(crate) fn columns(columns: &RowDescriptionBody) -> Result<Vec<Column>, Failure> {
    let mut all = Vec::new();
    let mut fields = columns.fields();
    while let Some(field) = fields.next()? {
        let (at, name) = (all.len(), field.name().to_owned());
        all.push(Column { at, name, is_bytea: field.type_oid() == BYTEA });
    }
    Ok(all)
}

/// The column that is the value.
pub(crate) fn chosen(columns: &[Column], wanted: Option<&str>) -> Result<Column, Failure> {
    let names: Vec<&str> = columns.iter().map(|column| &*column.name).collect();
    let at = sql::value_column(&names, wanted).map_err(Failure::Answered)?;
    Ok(columns[at].clone())
}

/// The bytes that the server printed in `column`; `None` for NULL.
pub(crate) fn printed<'r>(
    row: &'r DataRowBody,
    column: &Column,
) -> Result<Option<&'r [u8]>, Failure> {
    let range = row.ranges().nth(column.at)?.flatten();
    Ok(range.and_then(|range| row.buffer().get(range)))
}

/// The value in `row`: text as the server prints it, bytes as they are.
pub(crate) fn value(
    row: &DataRowBody,
    column: &Column,
    settings: &Settings,
) -> Result<Vec<u8>, Failure> {
    match printed(row, column)? {
        Some(text) if column.is_bytea => bytes_of(text).map_err(Failure::Answered),
        Some(text) => Ok(text.to_vec()),
        None => Err(Failure::Answered(sql::null(&column.name, &settings.query))),
    }
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

    #[test]
    fn bytes_are_read_from_their_digits() {
        assert_eq!(bytes_of(b"\\x00fFa0"), Ok(vec![0, 255, 160]));
        assert_eq!(bytes_of(b"\\x"), Ok(Vec::new()));
        for text in [&b"\\x0"[..], b"\\xzz", b"00", b"\\000"] {
            assert!(bytes_of(text).is_err());
        }
    }
}
