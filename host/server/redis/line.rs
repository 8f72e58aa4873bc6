//! Splits a line into arguments, by the rules of redis-cli: words, `"quoted"` with escapes, and
//! `'quoted'`.

use std::ops::Range;

/// Appends the arguments of `text` to `line`, and their places to `parts`. `None` if a quote is
/// not closed, or is closed in the middle of a word.
pub(super) fn split(text: &[u8], line: &mut Vec<u8>, parts: &mut Vec<Range<usize>>) -> Option<()> {
    let mut rest = text.trim_ascii_start();
    while let Some(first) = rest.first() {
        let begin = line.len();
        rest = match first {
            quote @ (b'"' | b'\'') => {
                let rest = quoted(*quote, &rest[1..], line)?;
                if rest.first().is_some_and(|next| !next.is_ascii_whitespace()) {
                    return None;
                }
                rest
            }
            _ => {
                let end = rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
                line.extend_from_slice(&rest[..end]);
                &rest[end..]
            }
        };
        parts.push(begin..line.len());
        rest = rest.trim_ascii_start();
    }
    Some(())
}

/// Appends the text up to the closing quote, and returns what is behind it.
fn quoted<'a>(quote: u8, mut rest: &'a [u8], line: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        let (byte, length) = match rest {
            [b'\\', b'x', high, low, ..] if quote == b'"' && is_hex(*high) && is_hex(*low) => {
                (digit(*high) << 4 | digit(*low), 4)
            }
            [b'\\', escaped, ..] if quote == b'"' => (unescaped(*escaped), 2),
            [b'\\', b'\'', ..] if quote == b'\'' => (b'\'', 2),
            [byte, after @ ..] if *byte == quote => return Some(after),
            [byte, ..] => (*byte, 1),
            [] => return None,
        };
        line.push(byte);
        rest = &rest[length..];
    }
}

fn unescaped(byte: u8) -> u8 {
    match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 8,
        b'a' => 7,
        other => other,
    }
}

fn is_hex(byte: u8) -> bool {
    byte.is_ascii_hexdigit()
}

fn digit(byte: u8) -> u8 {
    (byte as char).to_digit(16).unwrap_or(0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(text: &str) -> Option<Vec<Vec<u8>>> {
        let (mut line, mut parts) = (Vec::new(), Vec::new());
        split(text.as_bytes(), &mut line, &mut parts)?;
        Some(parts.into_iter().map(|part| line[part].to_vec()).collect())
    }

    #[test]
    fn quotes_hold_spaces_and_escapes() {
        assert_eq!(arguments("  "), Some(vec![]));
        assert_eq!(arguments("get  a\t"), Some(vec![b"get".to_vec(), b"a".to_vec()]));
        assert_eq!(arguments(r#""a \"b\"\n\x00\xfF""#), Some(vec![b"a \"b\"\n\0\xff".to_vec()]));
        assert_eq!(arguments(r"'a \' \n' ''"), Some(vec![b"a ' \\n".to_vec(), vec![]]));
        assert_eq!(arguments("a\"b"), Some(vec![b"a\"b".to_vec()]));
        for open in ["\"a", "'a", "\"a\"b", "\"\\", "'a'b"] {
            assert_eq!(arguments(open), None, "{open}");
        }
    }
}
