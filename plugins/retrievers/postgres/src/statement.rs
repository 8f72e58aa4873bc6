//! The query for many keys, which are an array.

use psycache_plugin::sql::{Dialect, OneKey};

/// How many keys are asked for at once.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Many {
    /// It has `$1` in the place of the array.
    pub(crate) query: String,
    /// Whether the operator wrote it, so that its first column is the key. Else the server tells
    /// in the last column at which places of the array it found the key.
    pub(crate) is_written: bool,
}

impl Many {
    /// The query that finds for many keys what `query` finds for each, if it is of such a form.
    pub(crate) fn of(query: &str) -> Option<Self> {
        let OneKey { select, from, column, rest, .. } = OneKey::of(query, Dialect::Postgres)?;
        // The server compares: by the type and the collation of the column.
        let query = format!(
            "{}, array_positions($1, {column}) AS psycache_keys {from}{column} = ANY($1){rest}",
            select
        );
        Some(Self { query, is_written: false })
    }

    /// The query that the operator wrote.
    pub(crate) fn written(query: String) -> Self {
        Self { query, is_written: true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_for_one_key_becomes_one_for_many_where_that_is_the_same() {
        let many = Many::of("SELECT score FROM student WHERE name = $1 AND age > 7;").expect("yes");
        assert_eq!(
            many.query,
            "SELECT score , array_positions($1, name) AS psycache_keys \
             FROM student WHERE name = ANY($1) AND age > 7"
        );
        assert_eq!(Many::of("SELECT max(score) FROM student WHERE name = $1"), None);
    }
}
