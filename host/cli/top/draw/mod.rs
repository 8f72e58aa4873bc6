//! The whole screen, made anew from the view each time.

mod look;

mod chart;
mod table;
mod text;

mod group;
mod head;
mod overview;

mod rest;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::keys::KEYS;
use super::view::{Page, View};

pub(super) use look::Look;
use rest::Rest;

/// Most rows of a frame of plain text: a node may tell of any number of groups.
const MOST_ROWS: usize = 5_000;

/// Draws what the reader chose, with the keys in the last line.
pub(super) fn frame(view: &View, look: Look, area: Rect, buffer: &mut Buffer) {
    let mut rest = Rest::new(area, buffer);
    rest.last(&Line::styled("? keys  ↑↓ choose  Enter group  q end", look.faint()));
    head::draw(view, look, &mut rest);
    match view.page() {
        Page::All => overview::draw(view, look, &mut rest),
        Page::Group => group::draw(view, look, &mut rest),
        Page::Keys => keys(look, &mut rest),
    }
}

/// The overview as plain text, of as many rows as it takes.
pub(super) fn text(view: &View, columns: u16) -> String {
    let report = view.report();
    // A fourth of the rows is for the nodes.
    let tables = report.nodes.len() * 4 + report.groups.len();
    // What stands around the tables, with sentences that are broken into lines.
    let others = 200 + view.shadow().map_or(0, |shadow| shadow.rows.len());
    let rows = (tables + others).min(MOST_ROWS) as u16;
    let area = Rect::new(0, 0, columns.max(1), rows);
    let mut buffer = Buffer::empty(area);
    let look = Look { colour: false };
    let mut rest = Rest::new(area, &mut buffer);
    head::draw(view, look, &mut rest);
    overview::draw(view, look, &mut rest);
    let row = |y| {
        let cells = (0..area.width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
        cells.trim_end().to_owned()
    };
    let lines: Vec<String> = (0..area.height).map(row).collect();
    lines.join("\n").trim_end().to_owned() + "\n"
}

fn keys(look: Look, rest: &mut Rest) {
    let widest = KEYS.iter().map(|(keys, _)| keys.chars().count()).max().unwrap_or(0);
    rest.line(&Line::styled("Keys", look.title()));
    for (keys, meaning) in KEYS {
        rest.line(&Line::from(format!("{keys:widest$}  {meaning}")));
    }
    rest.blank();
    let words = "Hit ratios and rates are those of the last ten seconds, or since the last look \
                 where that is longer. IN ALL is the hit ratio since the node began. All is of this node alone: a get that another node answers \
                 is no hit.";
    rest.lines(&text::wrapped(words, rest.width(), look.plain()));
}

#[cfg(test)]
mod tests;
