//! Makes texts of guests safe to print.

/// A text that comes from a guest in part, as a log or a terminal can show it: on
/// one line, without characters that would move a cursor, and not too long.
pub(super) fn one_line(text: &str) -> String {
    const MOST: usize = 500;
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ").replace(char::is_control, "\u{fffd}");
    match line.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}
