//! Sentences, broken into lines. What comes from a node is escaped.

use ratatui::style::Style;
use ratatui::text::Line;

use crate::cli::output::escaped;

/// `text` in lines of at most `width` characters.
pub(super) fn wrapped(text: &str, width: usize, style: Style) -> Vec<Line<'static>> {
    let width = width.max(1);
    let text = escaped(text);
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    let mut length = 0;
    for word in text.split_whitespace() {
        let mut word: Vec<char> = word.chars().collect();
        if length > 0 && length + 1 + word.len() > width {
            lines.push(std::mem::take(&mut line));
            length = 0;
        }
        if length > 0 {
            line.push(' ');
            length += 1;
        }
        // A word that no line can hold is cut.
        while length + word.len() > width {
            lines.push(word.drain(..width).collect());
        }
        length += word.len();
        line.extend(word);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines.into_iter().map(|line| Line::styled(line, style)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str, width: usize) -> Vec<String> {
        wrapped(text, width, Style::new()).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn lines_are_broken_between_words_and_within_long_ones() {
        assert_eq!(lines("one two three", 8), ["one two", "three"]);
        assert_eq!(lines("a bcdefghij k", 4), ["a", "bcde", "fghi", "j k"]);
        assert_eq!(lines("a\u{1b}[2J", 40), ["a\\u{1b}[2J"]);
        assert_eq!(lines("ab", 0), ["a", "b"]);
        assert!(lines("", 10).is_empty());
    }
}
