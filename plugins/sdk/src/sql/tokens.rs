//! Which characters of a query are code, by the lexical rules of each server.

/// Whose rules hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// MySQL and MariaDB, in a session where a backslash escapes in strings.
    MySql,
    /// PostgreSQL, with standard strings.
    Postgres,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The place of a parameter: `?`, or `$1` in PostgreSQL.
    Placeholder,
    /// `;`
    Semicolon,
    /// A keyword, a name without quotes or a number.
    Word,
    /// A string or a name with quotes, with these.
    Quoted,
    /// Any other character that is neither space nor comment, and the beginning of a comment that
    /// a server runs.
    Symbol,
}

/// A token and where it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'q> {
    /// The first byte of it in the query.
    pub at: usize,
    /// As it is written.
    pub text: &'q str,
    /// What it is.
    pub kind: Kind,
}

impl Token<'_> {
    /// Whether it is this keyword or symbol, in any case.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        self.kind != Kind::Quoted && self.text.eq_ignore_ascii_case(text)
    }

    /// The byte after it.
    #[must_use]
    pub fn end(&self) -> usize {
        self.at + self.text.len()
    }
}

/// The tokens of `query`, without spaces and comments.
///
/// # Errors
/// A string, name or comment without an end, in words.
pub fn tokens(query: &str, dialect: Dialect) -> Result<Vec<Token<'_>>, String> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < query.len() {
        let rest = &query[at..];
        let (length, kind) = match dialect {
            Dialect::MySql => of_mysql(rest)?,
            Dialect::Postgres => of_postgres(rest)?,
        };
        let text = &rest[..length];
        tokens.extend(kind.map(|kind| Token { at, text, kind }));
        at += length;
    }
    Ok(tokens)
}

/// The length of what begins here, and what it is if it counts.
fn of_mysql(rest: &str) -> Result<(usize, Option<Kind>), String> {
    Ok(match first(rest) {
        quote @ ('\'' | '"' | '`') => (quoted(rest, quote, quote != '`')?, Some(Kind::Quoted)),
        '#' => (line(rest), None),
        '-' if is_dash_comment(rest) => (line(rest), None),
        // A server runs what stands in these; only their beginning is passed over.
        '/' if rest.starts_with("/*!") => (3, Some(Kind::Symbol)),
        '/' if rest.starts_with("/*M!") => (4, Some(Kind::Symbol)),
        '/' if rest.starts_with("/*") => (block(rest, false)?, None),
        '?' => (1, Some(Kind::Placeholder)),
        _ => of_any(rest),
    })
}

fn of_postgres(rest: &str) -> Result<(usize, Option<Kind>), String> {
    Ok(match first(rest) {
        quote @ ('\'' | '"') => (quoted(rest, quote, false)?, Some(Kind::Quoted)),
        'e' | 'E' if rest[1..].starts_with('\'') => {
            (1 + quoted(&rest[1..], '\'', true)?, Some(Kind::Quoted))
        }
        '-' if rest.starts_with("--") => (line(rest), None),
        '/' if rest.starts_with("/*") => (block(rest, true)?, None),
        '$' => match digits(&rest[1..]) {
            0 => dollar_quoted(rest)?,
            digits => (1 + digits, Some(Kind::Placeholder)),
        },
        _ => of_any(rest),
    })
}

fn of_any(rest: &str) -> (usize, Option<Kind>) {
    match first(rest) {
        ';' => (1, Some(Kind::Semicolon)),
        space if space.is_whitespace() => (space.len_utf8(), None),
        c if is_of_word(c) => {
            (rest.find(|c| !is_of_word(c)).unwrap_or(rest.len()), Some(Kind::Word))
        }
        other => (other.len_utf8(), Some(Kind::Symbol)),
    }
}

fn first(rest: &str) -> char {
    rest.chars().next().unwrap_or(' ')
}

fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

/// Two dashes begin a comment only before a space or a control character: `5--2` is 7.
fn is_dash_comment(rest: &str) -> bool {
    let after = rest.strip_prefix("--");
    after.is_some_and(|after| after.chars().next().is_none_or(|c| c == ' ' || c.is_control()))
}

/// The length of a string or a quoted name. Its quote is written in it as two.
fn quoted(rest: &str, quote: char, escapes: bool) -> Result<usize, String> {
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' if escapes => drop(chars.next()),
            _ if c != quote => {}
            _ if chars.next_if(|(_, next)| *next == quote).is_some() => {}
            _ => return Ok(at + 1),
        }
    }
    Err(format!("the string or name that {quote} begins is not closed"))
}

/// A string between two `$tag$`, where the tag may be empty.
fn dollar_quoted(rest: &str) -> Result<(usize, Option<Kind>), String> {
    let tag = rest[1..].find('$').map(|end| &rest[..end + 2]);
    let Some(tag) = tag.filter(|tag| tag.chars().all(is_of_word)) else {
        return Ok((1, Some(Kind::Symbol)));
    };
    match rest[tag.len()..].find(tag) {
        Some(end) => Ok((end + 2 * tag.len(), Some(Kind::Quoted))),
        None => Err(format!("the string that {tag} begins is not closed")),
    }
}

fn line(rest: &str) -> usize {
    rest.find('\n').unwrap_or(rest.len())
}

/// The length of a comment, which may have others in it where they nest.
fn block(rest: &str, nests: bool) -> Result<usize, String> {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        match &rest[at..] {
            part if part.starts_with("*/") && depth == 1 => return Ok(at + 2),
            part if part.starts_with("*/") => (depth, at) = (depth - 1, at + 2),
            part if part.starts_with("/*") && (nests || depth == 0) => {
                (depth, at) = (depth + 1, at + 2);
            }
            part => at += first(part).len_utf8(),
        }
    }
    Err("the comment that /* begins is not closed".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(query: &str, dialect: Dialect) -> Vec<&str> {
        let all = tokens(query, dialect).expect(query);
        all.into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn comments_and_spaces_are_none_and_strings_are_one() {
        for (query, expected) in [
            (
                "SELECT a--5\n-- x\n, 'it\\'s' # ?",
                &["SELECT", "a", "-", "-", "5", ",", "'it\\'s'"][..],
            ),
            ("`a``?` \"?\"\"\" /* ? */ ?", &["`a``?`", "\"?\"\"\"", "?"]),
            ("/*!50000 ? */ /*M!1 x", &["/*!", "50000", "?", "*", "/", "/*M!", "1", "x"]),
        ] {
            assert_eq!(texts(query, Dialect::MySql), expected, "{query}");
        }
        for (query, expected) in [
            ("a--5\n, 'x\\' = $1", &["a", ",", "'x\\'", "=", "$1"][..]),
            (
                "E'it\\'s' \"a\"\"$1\" /* a /* b */ $1 */ $12;",
                &["E'it\\'s'", "\"a\"\"$1\"", "$12", ";"],
            ),
            ("$$it's $1$$ $a$ $$ $a$ $b", &["$$it's $1$$", "$a$ $$ $a$", "$", "b"]),
            ("a$1 é", &["a$1", "é"]),
        ] {
            assert_eq!(texts(query, Dialect::Postgres), expected, "{query}");
        }
    }

    #[test]
    fn what_has_no_end_is_told() {
        for (query, dialect) in [
            ("'a\\'", Dialect::MySql),
            ("/* a", Dialect::MySql),
            ("/*/", Dialect::MySql),
            ("E'a\\'", Dialect::Postgres),
            ("/* /* */", Dialect::Postgres),
            ("$a$ $$", Dialect::Postgres),
        ] {
            let told = tokens(query, dialect).expect_err(query);
            assert!(told.contains("is not closed"), "{told}");
        }
    }
}
