//! Tables for people: aligned, cut to the terminal, coloured where it can show it.

use clap::builder::styling::{AnsiColor, Style};

use crate::cli::output::{Screen, escaped};

/// What stands between two columns.
pub(super) const GAP: &str = "  ";
/// No column is cut below this.
const NARROWEST: usize = 6;

/// What the colour of a cell says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Heading,
    Good,
    Bad,
}

impl Tone {
    fn style(self) -> Style {
        let coloured = |colour: AnsiColor| Style::new().fg_color(Some(colour.into()));
        match self {
            Self::Plain => Style::new(),
            Self::Heading => Style::new().bold(),
            Self::Good => coloured(AnsiColor::Green),
            Self::Bad => coloured(AnsiColor::Red),
        }
    }
}

/// One cell.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    /// Plain text. What could affect the terminal is escaped.
    pub(super) fn new(text: impl AsRef<str>) -> Self {
        Self { text: escaped(text.as_ref()), tone: Tone::Plain }
    }

    /// A state, with a colour that stands out if the state is not good.
    pub(super) fn state(text: impl AsRef<str>, good: bool) -> Self {
        Self { tone: if good { Tone::Good } else { Tone::Bad }, ..Self::new(text) }
    }

    pub(super) fn heading(text: &str) -> Self {
        Self { tone: Tone::Heading, ..Self::new(text) }
    }

    /// The text as it is shown.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn tone(&self) -> Tone {
        self.tone
    }

    pub(super) fn width(&self) -> usize {
        self.text.chars().count()
    }

    /// The text, cut or padded to `width` on its side of the column.
    pub(super) fn aligned(&self, side: Side, width: usize) -> [String; 3] {
        let text = self.cut_to(width);
        let padding = " ".repeat(width.saturating_sub(text.chars().count()));
        match side {
            Side::Left => [String::new(), text, padding],
            Side::Right => [padding, text, String::new()],
        }
    }

    fn cut_to(&self, width: usize) -> String {
        if self.width() <= width {
            return self.text.clone();
        }
        let kept: String = self.text.chars().take(width.saturating_sub(1)).collect();
        kept + "…"
    }
}

/// On which side of its column a cell stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

/// Lays out rows under headings, each line with its line break.
pub(super) fn render(columns: &[(&str, Side)], rows: &[Vec<Cell>], screen: Screen) -> String {
    let headings: Vec<Cell> = columns.iter().map(|(name, _)| Cell::heading(name)).collect();
    let mut widths: Vec<usize> = headings.iter().map(Cell::width).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.width().max(*width);
        }
    }
    if let Some(columns) = screen.columns {
        narrow(&mut widths, columns);
    }
    let mut text = String::new();
    for row in std::iter::once(&headings).chain(rows) {
        let cells = row.iter().zip(columns).zip(&widths);
        let cells: Vec<String> = cells
            .map(|((cell, (_, side)), width)| paint(cell, *side, *width, screen.colour))
            .collect();
        text += cells.join(GAP).trim_end();
        text.push('\n');
    }
    text
}

/// Shrinks the widest column until the line fits.
pub(super) fn narrow(widths: &mut [usize], columns: usize) {
    let gaps = GAP.len() * widths.len().saturating_sub(1);
    while widths.iter().sum::<usize>() + gaps > columns {
        match widths.iter_mut().max() {
            Some(widest) if *widest > NARROWEST => *widest -= 1,
            _ => return,
        }
    }
}

fn paint(cell: &Cell, side: Side, width: usize, colour: bool) -> String {
    let [before, text, after] = cell.aligned(side, width);
    let style = cell.tone.style();
    match colour {
        true => format!("{before}{style}{text}{style:#}{after}"),
        false => before + &text + &after,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [(&str, Side); 2] = [("NAME", Side::Left), ("N", Side::Right)];

    fn rows() -> Vec<Vec<Cell>> {
        vec![
            vec![Cell::new("a-long-name"), Cell::new("1")],
            vec![Cell::state("b", false), Cell::new("22")],
        ]
    }

    #[test]
    fn columns_are_aligned_and_lines_end_with_their_text() {
        let text = render(&COLUMNS, &rows(), Screen::default());
        assert_eq!(text, "NAME          N\na-long-name   1\nb            22\n");
    }

    #[test]
    fn the_widest_column_gives_way_to_the_terminal() {
        let screen = Screen { columns: Some(12), colour: false };
        let text = render(&COLUMNS, &rows(), screen);
        assert_eq!(text, "NAME       N\na-long-…   1\nb         22\n");
    }

    #[test]
    fn colour_changes_no_width_and_control_characters_are_shown() {
        let screen = Screen { columns: None, colour: true };
        let text = render(&COLUMNS, &rows(), screen);
        assert!(text.contains("\u{1b}[31mb\u{1b}[0m            22"), "{text:?}");
        assert_eq!(Cell::new("a\u{1b}[2Jb").text, "a\\u{1b}[2Jb");
    }
}
