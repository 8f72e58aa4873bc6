//! Which characters of a query are code, by the lexical rules of MySQL and MariaDB.

/// What matters of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Placeholder,
    Semicolon,
    /// Anything else that is neither space nor comment.
    Other,
}

/// The tokens of `query` with their places. A backslash escapes in strings, because a
/// session of ours is never in the mode NO_BACKSLASH_ESCAPES.
pub(super) fn read(query: &str) -> Result<Vec<(usize, Token)>, String> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = query[at..].chars().next() {
        let rest = &query[at..];
        let (length, token) = match first {
            '\'' | '"' | '`' => (quoted(rest, first)?, Some(Token::Other)),
            '#' => (line(rest), None),
            '-' if is_dash_comment(rest) => (line(rest), None),
            // A server runs what stands in these; only their beginning is passed over.
            '/' if rest.starts_with("/*!") => (3, None),
            '/' if rest.starts_with("/*M!") => (4, None),
            '/' if rest.starts_with("/*") => (block(rest)?, None),
            '?' => (1, Some(Token::Placeholder)),
            ';' => (1, Some(Token::Semicolon)),
            space if space.is_whitespace() => (space.len_utf8(), None),
            other => (other.len_utf8(), Some(Token::Other)),
        };
        tokens.extend(token.map(|token| (at, token)));
        at += length;
    }
    Ok(tokens)
}

/// Two dashes begin a comment only before a space or a control character: `5--2` is 7.
fn is_dash_comment(rest: &str) -> bool {
    let after = rest.strip_prefix("--");
    after.is_some_and(|after| after.chars().next().is_none_or(|c| c == ' ' || c.is_control()))
}

/// The length of a string or a quoted name. Its quote is written in it as two.
fn quoted(rest: &str, quote: char) -> Result<usize, String> {
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' if quote != '`' => drop(chars.next()),
            _ if c != quote => {}
            _ if chars.next_if(|(_, next)| *next == quote).is_some() => {}
            _ => return Ok(at + 1),
        }
    }
    Err(format!("the string or name that {quote} begins is not closed"))
}

fn line(rest: &str) -> usize {
    rest.find('\n').unwrap_or(rest.len())
}

fn block(rest: &str) -> Result<usize, String> {
    let end = rest[2..].find("*/").ok_or("the comment that /* begins is not closed")?;
    Ok(end + 4)
}
