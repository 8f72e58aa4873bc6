//! Makes texts of guests safe to print.

/// A text that comes from a guest in part, as a log or a terminal can show it: on
/// one line, with escapes for what would move a cursor or ring a bell, and not too long.
pub(super) fn one_line(text: &str) -> String {
    const MOST: usize = 500;
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut line = String::new();
    for c in words.join(" ").chars() {
        match c.is_control() {
            true => line.extend(c.escape_debug()),
            false => line.push(c),
        }
    }
    match line.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_controls_a_terminal() {
        assert_eq!(one_line("a\u{1b}[2J\u{7}\n b\u{9b}é"), "a\\u{1b}[2J\\u{7} b\\u{9b}é");
        assert_eq!(one_line(&"x".repeat(600)).chars().count(), 501);
    }
}
