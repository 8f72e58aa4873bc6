//! Asks for many keys by one query.

use std::time::Instant;

use psycache_plugin::net::Failure;
use psycache_plugin::sql::{self, Batch};

use crate::answer::{self, Column};
use crate::connection::{Asked, Connection, Told};
use crate::settings::Settings;
use crate::statement::Many;

impl Many {
    /// The values of `keys`.
    pub(crate) fn ask(
        &self,
        connection: &mut Connection,
        settings: &Settings,
        keys: &[String],
        deadline: Instant,
    ) -> Result<Vec<Option<Vec<u8>>>, Failure> {
        let mut batch = Batch::new(keys);
        let mut columns = None;
        let asked = Asked { query: &self.query, parameter: &array(keys), most_rows: 0 };
        connection.run(settings, &asked, deadline, |told| {
            match (told, &columns) {
                (Told::Columns(all), _) => columns = Some(self.columns(&all, settings)?),
                (Told::Row(row), Some((key, value))) => {
                    let value = answer::value(row, value, settings)?;
                    let key = answer::printed(row, key)?;
                    let taken = match self.is_written {
                        true => batch.take_printed(key, &value),
                        false => batch.take(places(key), &value),
                    };
                    taken.map_err(Failure::Answered)?;
                }
                (Told::Row(_), None) => {}
            }
            Ok(())
        })?;
        let mut found = batch.found();
        if self.is_written {
            // The server may call a key equal that it prints in another way.
            for (key, value) in keys.iter().zip(&mut found).filter(|(_, value)| value.is_none()) {
                *value = connection.ask(settings, key, deadline)?;
            }
        }
        Ok(found)
    }

    /// The columns of the key and of the value.
    fn columns(&self, all: &[Column], settings: &Settings) -> Result<(Column, Column), Failure> {
        let parts = match self.is_written {
            true => all.split_first(),
            false => all.split_last(),
        };
        let (key, others) = parts.ok_or_else(|| Failure::Answered(sql::no_columns()))?;
        let value = answer::chosen(others, settings.value_column.as_deref())?;
        Ok((key.clone(), value))
    }
}

/// The text of an array of `keys`.
fn array(keys: &[String]) -> String {
    let quoted = |key: &String| format!("\"{}\"", key.replace('\\', "\\\\").replace('"', "\\\""));
    format!("{{{}}}", keys.iter().map(quoted).collect::<Vec<_>>().join(","))
}

/// The places that `{1,3}` names, counted from 0.
fn places(printed: Option<&[u8]>) -> Vec<usize> {
    let text = String::from_utf8_lossy(printed.unwrap_or_default());
    let numbers = text.split(|c: char| !c.is_ascii_digit());
    numbers.filter_map(|number| number.parse::<usize>().ok()?.checked_sub(1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_holds_any_text_and_places_are_read() {
        let keys = ["a", "b\"c\\", "{,}", " "].map(str::to_owned);
        assert_eq!(array(&keys), r#"{"a","b\"c\\","{,}"," "}"#);
        assert_eq!(places(Some(b"{1,12}")), [0, 11]);
        assert_eq!((places(Some(b"{}")), places(None)), (vec![], vec![]));
    }
}
