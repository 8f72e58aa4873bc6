//! The node in a sentence, and above it why it does not answer.

use std::time::Instant;

use super::look::Look;
use super::rest::Rest;
use super::text::wrapped;
use crate::cli::status;
use crate::cli::top::view::View;
use crate::words::time;

/// Most lines of a sentence here: a long one must not hide the tables.
const MOST_LINES: usize = 4;

/// Draws both.
pub(super) fn draw(view: &View, look: Look, rest: &mut Rest<'_>) {
    let mut style = look.plain();
    if let Some(lost) = view.lost() {
        style = look.faint();
        let now = Instant::now();
        let silent = time(now.duration_since(view.seen().at).as_millis() as u64);
        let again = time(lost.again_at.saturating_duration_since(now).as_millis() as u64);
        let problem = &lost.problem;
        let sentence = format!("No answer for {silent}; asked again in {again}: {problem}");
        say(&sentence, look.bad(), rest);
    }
    say(&status::head(view.report()), style, rest);
    rest.blank();
}

fn say(sentence: &str, style: ratatui::style::Style, rest: &mut Rest<'_>) {
    let lines = wrapped(sentence, rest.width(), style);
    rest.lines(&lines[..lines.len().min(MOST_LINES)]);
}
