//! A query for one key that can be asked for many.

use super::{Dialect, Kind, Token, tokens};

/// The parts of `SELECT … FROM … WHERE column = ? …`, a query whose rows for many keys are those
/// for each of them: one comparison with the key, which every row must pass, and nothing that
/// looks at rows together.
///
/// ```
/// # use psycache_plugin::sql::{Dialect, OneKey};
/// let one = OneKey::of("SELECT score FROM student WHERE name = ?", Dialect::MySql).unwrap();
/// assert_eq!((one.select, one.column, one.rest), ("SELECT score ", "name", ""));
/// assert!(OneKey::of("SELECT count(*) FROM a WHERE b = ?", Dialect::MySql).is_none());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OneKey<'q> {
    /// `SELECT` and what is selected.
    pub select: &'q str,
    /// From `FROM` to the column.
    pub from: &'q str,
    /// What the key is compared with.
    pub column: &'q str,
    /// What stands after the key and belongs to the comparison: ` COLLATE …`, or nothing.
    pub collate: &'q str,
    /// What follows, without a semicolon.
    pub rest: &'q str,
}

/// Words of queries whose rows depend on each other, or on more than the comparison with the key.
/// Aggregates and subqueries have parentheses.
const OTHERWISE: [&str; 29] = [
    "ALL",
    "ANY",
    "BETWEEN",
    "CASE",
    "DISTINCT",
    "DISTINCTROW",
    "EXCEPT",
    "EXISTS",
    "FETCH",
    "FOR",
    "GROUP",
    "HAVING",
    "INTERSECT",
    "INTO",
    "LIMIT",
    "LOCK",
    "MINUS",
    "NOT",
    "OFFSET",
    "OR",
    "OVER",
    "PROCEDURE",
    "RETURNING",
    "ROWNUM",
    "SOME",
    "UNION",
    "WINDOW",
    "WITH",
    "XOR",
];

impl<'q> OneKey<'q> {
    /// The parts of `query`; `None` if it is of another form.
    #[must_use]
    pub fn of(query: &'q str, dialect: Dialect) -> Option<Self> {
        // Whether a backslash escapes may be a setting of the server.
        if query.contains('\\') {
            return None;
        }
        let mut all = tokens(query, dialect).ok()?;
        if let Some(end) = all.iter().position(|token| token.kind == Kind::Semicolon) {
            all.truncate(end);
        }
        let end = all.last()?.end();
        let is_simple = |token: &Token<'_>| match token.kind {
            Kind::Symbol => [",", ".", "=", "<", ">", "*", "+", "-", ":"].contains(&token.text),
            Kind::Word => !OTHERWISE.iter().any(|word| token.is(word)),
            _ => true,
        };
        if !all.first()?.is("SELECT") || !all.iter().all(is_simple) {
            return None;
        }
        let only = |word: &str| {
            let mut found = all.iter().enumerate().filter(|(_, token)| token.is(word));
            found.next().filter(|_| found.next().is_none()).map(|(at, _)| at)
        };
        let (from, place) = (only("FROM")?, only_placeholder(&all)?);
        let first = column(&all, place, dialect)?;
        let before = &all[first.checked_sub(1)?];
        let condition = only("WHERE")?;
        if condition >= first || from >= condition || !(before.is("WHERE") || before.is("AND")) {
            return None;
        }
        let after_key = all[place].end();
        let (collate, next) = match &all[place + 1..] {
            [word, name, ..] if word.is("COLLATE") && dialect == Dialect::MySql => {
                (name.end(), place + 3)
            }
            _ => (after_key, place + 1),
        };
        let follows = all.get(next).is_none_or(|token| token.is("AND") || token.is("ORDER"));
        follows.then(|| Self {
            select: &query[..all[from].at],
            from: &query[all[from].at..all[first].at],
            column: &query[all[first].at..all[place - 2].end()],
            collate: &query[after_key..collate],
            rest: &query[collate..end],
        })
    }
}

/// The one placeholder, behind an equals sign.
fn only_placeholder(all: &[Token<'_>]) -> Option<usize> {
    let mut places = (0..all.len()).filter(|at| all[*at].kind == Kind::Placeholder);
    let place = places.next().filter(|_| places.next().is_none())?;
    let is_first = matches!(all[place].text, "?" | "$1");
    (is_first && place >= 3 && all[place - 1].is("=")).then_some(place)
}

/// Where the name of a column begins that ends before the equals sign: `a`, `a.b`, `a.b.c`.
fn column(all: &[Token<'_>], place: usize, dialect: Dialect) -> Option<usize> {
    let quote = match dialect {
        Dialect::MySql => '`',
        Dialect::Postgres => '"',
    };
    let is_name = |token: &Token<'_>| match token.kind {
        Kind::Word => !token.text.starts_with(|c: char| c.is_ascii_digit()),
        Kind::Quoted => token.text.starts_with(quote),
        _ => false,
    };
    let mut first = place - 2;
    while is_name(&all[first]) {
        if first < 2 || !all[first - 1].is(".") {
            return Some(first);
        }
        first -= 2;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comparison_with_the_key_is_found() {
        for (query, dialect, expected) in [
            (
                "SELECT s.*, 1 FROM student s JOIN class c ON s.c = c.id WHERE c.x = 'a' AND s.`na me`=? AND s.y > 1 ORDER BY z;",
                Dialect::MySql,
                [
                    "SELECT s.*, 1 ",
                    "FROM student s JOIN class c ON s.c = c.id WHERE c.x = 'a' AND ",
                    "s.`na me`",
                    "",
                    " AND s.y > 1 ORDER BY z",
                ],
            ),
            (
                "select score from student where name = ? collate utf8mb4_bin -- the name?",
                Dialect::MySql,
                ["select score ", "from student where ", "name", " collate utf8mb4_bin", ""],
            ),
            (
                "SELECT a::text FROM b WHERE \"Id\" = $1 /* $1 */ ; -- end",
                Dialect::Postgres,
                ["SELECT a::text ", "FROM b WHERE ", "\"Id\"", "", ""],
            ),
        ] {
            let one = OneKey::of(query, dialect).expect(query);
            assert_eq!([one.select, one.from, one.column, one.collate, one.rest], expected);
        }
    }

    #[test]
    fn what_rows_together_or_another_way_decide_is_no_such_query() {
        for query in [
            "SELECT SUM(a) FROM b WHERE c = ?",
            "SELECT a FROM b WHERE c = ? LIMIT 1",
            "SELECT DISTINCT a FROM b WHERE c = ?",
            "SELECT a FROM b WHERE c = ? GROUP BY a",
            "SELECT a FROM b WHERE c = ? OR d = 1",
            "SELECT a FROM b WHERE d = 1 || c = ?",
            "SELECT a FROM b WHERE NOT c = ?",
            "SELECT a FROM b WHERE d BETWEEN 1 AND c = ?",
            "SELECT a FROM b WHERE c = ? + 1",
            "SELECT a FROM b WHERE c < ?",
            "SELECT a FROM b WHERE c <=> ?",
            "SELECT a FROM b WHERE c + 1 = ?",
            "SELECT a FROM b WHERE BINARY c = ?",
            "SELECT a FROM b WHERE 'c' = ?",
            "SELECT a FROM b WHERE \"c\" = ?",
            "SELECT a FROM b WHERE ? = c",
            "SELECT a FROM b WHERE CAST(c AS CHAR) = ?",
            "SELECT a FROM b LEFT JOIN c ON b.d = c.d AND c.e = ?",
            "SELECT a FROM b WHERE c = ? UNION SELECT 1",
            "SELECT a FROM b WHERE c = ? FOR UPDATE",
            "SELECT a FROM b WHERE c = ? AND d = '\\''",
            "SELECT @a FROM b WHERE c = ?",
            "SELECT a FROM b WHERE c = ? /*! AND d = 1 */",
            "SELECT CASE a WHEN 1 THEN 2 END FROM b WHERE c = ?",
            "WITH b AS (SELECT 1) SELECT a FROM b WHERE c = ?",
            "SELECT ?",
            "CALL a(?)",
            "",
        ] {
            assert_eq!(OneKey::of(query, Dialect::MySql), None, "{query}");
        }
        for query in [
            "SELECT a FROM b WHERE c = $1::int",
            "SELECT a FROM b WHERE c = $2",
            "SELECT a FROM b WHERE c = $1 AND d = $1",
            "SELECT a FROM b WHERE c = $1 COLLATE \"C\"",
            "SELECT a FROM b WHERE `c` = $1",
        ] {
            assert_eq!(OneKey::of(query, Dialect::Postgres), None, "{query}");
        }
    }
}
