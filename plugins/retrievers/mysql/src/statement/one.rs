//! The query with the place of its key, and the key as a literal of SQL.

use psycache_plugin::ConfigError;
use psycache_plugin::sql::{Dialect, Kind, tokens};

/// One statement with one `?`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Statement {
    before: String,
    after: String,
}

impl Statement {
    /// Finds the one `?` outside of strings, names and comments in the value of `option`.
    pub(crate) fn read(option: &str, query: &str) -> Result<Self, ConfigError> {
        let refused = |problem| ConfigError::invalid(option, problem);
        let tokens = tokens(query, Dialect::MySql).map_err(refused)?;
        let mut places = tokens.iter().filter(|token| token.kind == Kind::Placeholder);
        let place = match (places.next(), places.count()) {
            (Some(token), 0) => token.at,
            (first, more) => {
                let found = usize::from(first.is_some()) + more;
                return Err(refused(format!(
                    "it must have one `?`, where the key goes, and has {found}; those in strings, \
                     names and comments do not count"
                )));
            }
        };
        let end = tokens.iter().position(|token| token.kind == Kind::Semicolon);
        if end.is_some_and(|end| end + 1 < tokens.len()) {
            return Err(refused("it must be one statement; something follows its `;`".to_owned()));
        }
        Ok(Self { before: query[..place].to_owned(), after: query[place + 1..].to_owned() })
    }

    /// The query for a key of that literal.
    pub(crate) fn with(&self, literal: &str) -> String {
        [&*self.before, literal, &self.after].concat()
    }

    /// The query as it was written.
    pub(crate) fn text(&self) -> String {
        [&*self.before, "?", &self.after].concat()
    }

    /// SELECT, say.
    pub(crate) fn first_word(&self) -> &str {
        self.before.split_whitespace().next().unwrap_or("query")
    }
}

/// A text as a literal that means the same in every mode and character set of the server.
/// What a string literal could be read differently for is written as hexadecimal digits: so is
/// an asterisk, which could end a comment that only some servers run.
pub(crate) fn literal(text: &str) -> String {
    let is_plain = |byte: u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'\\' | b'*');
    if text.bytes().all(is_plain) {
        return format!("'{}'", text.replace('\'', "''"));
    }
    let digits: String = text.bytes().map(|byte| format!("{byte:02X}")).collect();
    format!("_utf8mb4 x'{digits}'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_goes_to_the_one_placeholder() {
        for (query, expected) in [
            ("SELECT a FROM b WHERE c = ?", "SELECT a FROM b WHERE c = 'Tom'"),
            ("SELECT '?' FROM `b?` WHERE c = ?;", "SELECT '?' FROM `b?` WHERE c = 'Tom';"),
            (
                "SELECT a -- the student's name?\nFROM b WHERE c=?",
                "SELECT a -- the student's name?\nFROM b WHERE c='Tom'",
            ),
            ("SELECT 5--?", "SELECT 5--'Tom'"),
            (
                "SELECT a # why?\n, ? /* which? */; -- end",
                "SELECT a # why?\n, 'Tom' /* which? */; -- end",
            ),
            (r"SELECT 'it\'s?' , ?, 'it''s?', 'a\\'", r"SELECT 'it\'s?' , 'Tom', 'it''s?', 'a\\'"),
            ("SELECT `a``?`, \"?\"\"\", ?", "SELECT `a``?`, \"?\"\"\", 'Tom'"),
            ("SELECT /*!50000 ? */", "SELECT /*!50000 'Tom' */"),
            ("SELECT /*M!100101 ? */", "SELECT /*M!100101 'Tom' */"),
        ] {
            let statement = Statement::read("query", query).expect(query);
            assert_eq!(
                (statement.with("'Tom'"), statement.text()),
                (expected.into(), query.into())
            );
        }
    }

    #[test]
    fn what_is_no_statement_with_one_key_is_refused_with_the_reason() {
        for (query, part) in [
            ("SELECT 1", "has 0"),
            ("SELECT '?' -- ?", "has 0"),
            ("SELECT ?, ?", "has 2"),
            ("SELECT ?; DELETE FROM a", "one statement"),
            ("SELECT ? FROM 'a", "string or name that ' begins is not closed"),
            (r"SELECT ?, 'a\'", "string or name that ' begins is not closed"),
            ("SELECT ? /* a", "comment that /* begins is not closed"),
        ] {
            let refused = Statement::read("query", query).expect_err(query).to_string();
            assert!(refused.starts_with("option query: ") && refused.contains(part), "{refused}");
        }
    }

    #[test]
    fn no_key_is_anything_but_a_literal() {
        for (key, expected) in [
            ("Tom", "'Tom'"),
            ("it's", "'it''s'"),
            ("' OR '1'='1", "''' OR ''1''=''1'"),
            ("?", "'?'"),
            ("*/", "_utf8mb4 x'2A2F'"),
            (r"\", "_utf8mb4 x'5C'"),
            (r"\' OR 1=1 #", "_utf8mb4 x'5C27204F5220313D312023'"),
            ("Ω", "_utf8mb4 x'CEA9'"),
            ("a\0\n", "_utf8mb4 x'61000A'"),
        ] {
            assert_eq!(literal(key), expected);
        }
    }
}
