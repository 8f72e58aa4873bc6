//! Asks for many keys by one query.

use std::time::Instant;

use psycache_plugin::net::Failure;
use psycache_plugin::sql::{self, Batch};

use crate::answer::{self, Column};
use crate::connection::{Asked, Connection, Told};
use crate::key::KeyType;
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
        if keys.is_empty() {
            // `IN ()` is no SQL.
            return Ok(Vec::new());
        }
        let literals = keys.iter().map(|key| settings.key_type.literal(key));
        let literals = literals.collect::<Result<Vec<_>, _>>().map_err(Failure::Answered)?;
        let (statement, text) = (self.with(&literals), self.text());
        // One that not every character set has may be why the server can't compare.
        let key = keys.iter().find(|key| !key.is_ascii()).map_or("", String::as_str);
        let mut batch = Batch::new(keys);
        let mut columns = None;
        let asked = Asked { statement: &statement, text: &text, key };
        connection.run(settings, &asked, deadline, |told| {
            match (told, &columns) {
                (Told::Columns(all), _) => columns = Some(self.columns(&all, settings)?),
                (Told::Row(row), Some((key, value))) => {
                    let found = key.range(&row)?.map(|range| row[range].to_vec());
                    let value = value.value(row, &text)?;
                    let taken = match self {
                        Self::Written(_) => batch.take_printed(found.as_deref(), &value),
                        Self::Compared { .. } => {
                            batch.take(places(&found.unwrap_or_default()), &value)
                        }
                    };
                    taken.map_err(Failure::Answered)?;
                }
                (Told::Row(_), None) => {}
            }
            Ok(())
        })?;
        // The server may call a key equal that it prints in another way, but for numbers.
        let is_decided = settings.key_type == KeyType::Integer && batch.is_exact();
        let mut found = batch.found();
        if matches!(self, Self::Written(_)) && !is_decided {
            for (key, value) in keys.iter().zip(&mut found).filter(|(_, value)| value.is_none()) {
                *value = connection.ask(settings, key, deadline)?;
            }
        }
        Ok(found)
    }

    /// The columns of the key and of the value.
    fn columns(&self, all: &[Column], settings: &Settings) -> Result<(Column, Column), Failure> {
        let parts = match self {
            Self::Written(_) => all.split_first(),
            Self::Compared { .. } => all.split_last(),
        };
        let (key, others) = parts.ok_or_else(|| Failure::Answered(sql::no_columns()))?;
        let value = answer::chosen(others, settings.value_column.as_deref())?;
        Ok((key.clone(), value))
    }
}

/// The places of the ones among zeros.
fn places(found: &[u8]) -> impl Iterator<Item = usize> {
    found.iter().enumerate().filter(|(_, digit)| **digit == b'1').map(|(place, _)| place)
}
