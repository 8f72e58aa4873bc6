//! The query for many keys.

use psycache_plugin::ConfigError;
use psycache_plugin::sql::{Dialect, OneKey};

use super::one::Statement;

/// How many keys are asked for at once.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Many {
    /// By the query for one key. The server tells in the last column which of the keys it found,
    /// as a 0 or a 1 for each.
    Compared {
        /// Up to `FROM`.
        select: String,
        /// From there to the column.
        from: String,
        column: String,
        collate: String,
        rest: String,
    },
    /// By a query of the operator's, whose first column is the key.
    Written(Statement),
}

impl Many {
    /// The query that finds for many keys what `query` finds for each, if it is of such a form.
    pub(crate) fn of(query: &str) -> Option<Self> {
        let one = OneKey::of(query, Dialect::MySql)?;
        Some(Self::Compared {
            select: one.select.to_owned(),
            from: one.from.to_owned(),
            column: one.column.to_owned(),
            collate: one.collate.to_owned(),
            rest: one.rest.to_owned(),
        })
    }

    /// The query that the operator wrote.
    pub(crate) fn written(query: &str) -> Result<Self, ConfigError> {
        Statement::read("query-many", query).map(Self::Written)
    }

    /// The query for keys of these literals.
    pub(crate) fn with(&self, literals: &[String]) -> String {
        match self {
            Self::Written(statement) => statement.with(&literals.join(", ")),
            Self::Compared { select, from, column, collate, rest } => {
                let keys: Vec<String> =
                    literals.iter().map(|literal| format!("{literal}{collate}")).collect();
                // Each by itself: of keys that the server calls equal, each finds the row.
                let found: Vec<String> =
                    keys.iter().map(|key| format!("{column} = {key}")).collect();
                let (keys, found) = (keys.join(", "), found.join(", "));
                format!(
                    "{select}, CONCAT({found}) AS psycache_keys {from}{column} IN ({keys}){rest}"
                )
            }
        }
    }

    /// The query as it is shown.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Written(statement) => statement.text(),
            Self::Compared { .. } => self.with(&["?".to_owned()]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_for_one_key_becomes_one_for_many_where_that_is_the_same() {
        let many = Many::of("SELECT * FROM a WHERE a.b = ? COLLATE utf8mb4_bin ORDER BY c;");
        let literals = ["'x'", "'y'"].map(str::to_owned);
        assert_eq!(
            many.expect("it is simple").with(&literals),
            "SELECT * , CONCAT(a.b = 'x' COLLATE utf8mb4_bin, a.b = 'y' COLLATE utf8mb4_bin) \
             AS psycache_keys FROM a WHERE a.b IN ('x' COLLATE utf8mb4_bin, 'y' COLLATE \
             utf8mb4_bin) ORDER BY c"
        );
        assert_eq!(Many::of("SELECT MAX(a) FROM b WHERE c = ?"), None);
    }

    #[test]
    fn a_query_of_the_operators_has_one_place_for_all_keys() {
        let many = Many::written("SELECT b, a FROM c WHERE b IN (?)").expect("it is one");
        assert_eq!(
            many.with(&["1", "2"].map(str::to_owned)),
            "SELECT b, a FROM c WHERE b IN (1, 2)"
        );
        let refused = Many::written("SELECT b, a FROM c").expect_err("it has none").to_string();
        assert!(refused.starts_with("option query-many: "), "{refused}");
    }
}
