//! Which column of a table is what, as `--format csv:key=2,size=3` says.

use std::str::FromStr;

use crate::nearest::nearest;

/// What a column may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli::sim) enum Field {
    Key,
    Size,
    Operation,
    /// Counted in so many of these a second.
    Time(u32),
    Ttl(u32),
    Load(u32),
}

use Field::{Key, Load, Operation, Size, Time, Ttl};

/// Seconds, milliseconds and microseconds.
const S: u32 = 1;
const MS: u32 = 1_000;
const US: u32 = 1_000_000;

/// Names of fields, as they are written and as headings have them. The first of a field is the
/// one that messages show.
const NAMES: [(&str, Field); 22] = [
    ("key", Key),
    ("obj-id", Key),
    ("object-id", Key),
    ("id", Key),
    ("size", Size),
    ("obj-size", Size),
    ("value-size", Size),
    ("bytes", Size),
    ("op", Operation),
    ("operation", Operation),
    ("command", Operation),
    ("time", Time(S)),
    ("timestamp", Time(S)),
    ("time-ms", Time(MS)),
    ("time-us", Time(US)),
    ("ttl", Ttl(S)),
    ("ttl-ms", Ttl(MS)),
    ("load", Load(S)),
    ("load-ms", Load(MS)),
    ("load-us", Load(US)),
    ("latency-ms", Load(MS)),
    ("latency-us", Load(US)),
];

impl Field {
    /// The field of a heading.
    pub(super) fn named(heading: &str) -> Option<Self> {
        let heading = heading.trim().to_ascii_lowercase().replace([' ', '_'], "-");
        NAMES.iter().find(|(name, _)| *name == heading).map(|(_, field)| *field)
    }

    /// Whether both are the same thing, in whatever unit.
    fn is_like(self, other: Self) -> bool {
        std::mem::discriminant(&self) == std::mem::discriminant(&other)
    }
}

/// A column by its place, from 1 on, or by its heading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli::sim) enum Column {
    Place(usize),
    Heading(String),
}

/// The columns that are used. None: those whose headings are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::cli::sim) struct Columns(pub(super) Vec<(Field, Column)>);

impl Columns {
    /// Seconds, key, its length, length of the value, client, operation, time to live: J. Yang
    /// et al., "A large scale analysis of hundreds of in-memory cache clusters at Twitter", OSDI
    /// 2020.
    pub(super) fn twitter() -> Self {
        let columns = [(Time(S), 1), (Key, 2), (Size, 4), (Operation, 6), (Ttl(S), 7)];
        Self(columns.map(|(field, place)| (field, Column::Place(place))).into())
    }
}

impl FromStr for Columns {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut columns: Vec<(Field, Column)> = Vec::new();
        for part in text.split(',') {
            let (name, column) = part.split_once('=').ok_or_else(|| {
                format!("{part:?}: write a field and its column, such as key=2 or size=bytes")
            })?;
            let (name, column) = (name.trim(), column.trim());
            let field = Field::named(name).ok_or_else(|| unknown(name))?;
            if columns.iter().any(|(other, _)| other.is_like(field)) {
                return Err(format!("{name} is given twice; leave one of them out"));
            }
            columns.push((
                field,
                match column.parse() {
                    Ok(0) => return Err(format!("{part:?}: columns are counted from 1")),
                    Ok(place) => Column::Place(place),
                    Err(_) if column.is_empty() => {
                        return Err(format!("{part:?}: the column is missing"));
                    }
                    Err(_) => Column::Heading(column.into()),
                },
            ));
        }
        match columns.iter().any(|(field, _)| *field == Key) {
            true => Ok(Self(columns)),
            false => Err("say which column is the key, such as csv:key=2".into()),
        }
    }
}

fn unknown(name: &str) -> String {
    let names = NAMES.iter().map(|(name, _)| *name);
    let meant =
        nearest(name, names).map_or_else(String::new, |near| format!(" (did you mean {near}?)"));
    format!(
        "there is no field {name:?}{meant}; known are key, size, op, time, ttl and load, the last \
         three in seconds or as time-ms, ttl-ms, load-us"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_places_or_headings() {
        let columns: Columns = "key=2,size=bytes, ttl-ms = 4".parse().unwrap();
        assert_eq!(columns.0[0], (Key, Column::Place(2)));
        assert_eq!(columns.0[1], (Size, Column::Heading("bytes".into())));
        assert_eq!(columns.0[2], (Ttl(MS), Column::Place(4)));
    }

    #[test]
    fn what_can_be_no_columns_is_refused_in_words() {
        for (text, part) in [
            ("size=3", "which column is the key"),
            ("key=0", "counted from 1"),
            ("key=1,sizes=2", "did you mean size?"),
            ("key=1,time=2,time-ms=3", "time-ms is given twice"),
            ("key", "such as key=2"),
            ("key=", "the column is missing"),
        ] {
            let refusal = text.parse::<Columns>().unwrap_err();
            assert!(refusal.contains(part), "{text}: {refusal}");
        }
    }

    #[test]
    fn headings_are_known_however_they_are_written() {
        assert_eq!(Field::named(" Obj_ID"), Some(Key));
        assert_eq!(Field::named("Load us"), Some(Load(US)));
        assert_eq!(Field::named("colour"), None);
    }
}
