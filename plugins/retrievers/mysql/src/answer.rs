//! The columns of an answer, and the fields of a row of it.

use std::ops::Range;

use psycache_plugin::net::Failure;
use psycache_plugin::sql;

use crate::fields::Fields;

/// A column of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    at: usize,
    name: String,
}

impl Column {
    /// Reads the definition of the column at that place.
    pub(crate) fn read(at: usize, definition: &[u8]) -> Result<Self, Failure> {
        let mut fields = Fields::of(definition);
        // Catalog, schema, and the table by both of its names.
        for _ in 0..4 {
            fields.text()?;
        }
        let name = String::from_utf8_lossy(fields.text()?.unwrap_or_default()).into_owned();
        Ok(Self { at, name })
    }

    /// Where its field is in `row`; `None` for NULL.
    pub(crate) fn range(&self, row: &[u8]) -> Result<Option<Range<usize>>, Failure> {
        let mut fields = Fields::of(row);
        for _ in 0..self.at {
            fields.text()?;
        }
        let text = fields.text()?;
        Ok(text.map(|text| fields.at() - text.len()..fields.at()))
    }

    /// The value in `row`, in the row's own memory: two large ones would be too much.
    pub(crate) fn value(&self, mut row: Vec<u8>, query: &str) -> Result<Vec<u8>, Failure> {
        let Some(range) = self.range(&row)? else {
            return Err(Failure::Answered(sql::null(&self.name, query)));
        };
        row.truncate(range.end);
        row.drain(..range.start);
        Ok(row)
    }
}

/// The column that is the value.
pub(crate) fn chosen(columns: &[Column], wanted: Option<&str>) -> Result<Column, Failure> {
    let names: Vec<&str> = columns.iter().map(|column| &*column.name).collect();
    let at = sql::value_column(&names, wanted).map_err(Failure::Answered)?;
    Ok(columns[at].clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_is_taken_out_of_its_row() {
        let row = b"\x03Tom\xfb\x03630".to_vec();
        let column = |at| Column { at, name: "score".to_owned() };
        assert_eq!(column(2).value(row.clone(), "q").ok(), Some(b"630".to_vec()));
        let null = column(1).value(row.clone(), "SELECT 1").expect_err("it is NULL").to_string();
        assert!(null.contains("`score` is NULL") && null.contains("SELECT 1"), "{null}");
        assert!(matches!(column(3).value(row, "q"), Err(Failure::Broken(_))));
    }

    #[test]
    fn the_name_of_a_column_is_that_of_the_answer() {
        let definition = b"\x03def\x06school\x01s\x07student\x06points\x05score\x0c\x3f\x00";
        let column = Column::read(4, definition).ok();
        assert_eq!(column, Some(Column { at: 4, name: "points".to_owned() }));
        assert!(Column::read(0, b"\x03de").is_err());
    }
}
