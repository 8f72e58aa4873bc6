//! Styles, with colours or without: what a colour says is said in another way too.

use ratatui::style::{Color, Style};

use crate::cli::table::Tone;

/// What the terminal may show.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli::top) struct Look {
    pub(in crate::cli::top) colour: bool,
}

impl Look {
    pub(super) fn plain(self) -> Style {
        Style::new()
    }

    pub(super) fn title(self) -> Style {
        Style::new().bold()
    }

    /// Less important than the rest.
    pub(super) fn faint(self) -> Style {
        Style::new().dim()
    }

    pub(super) fn chosen(self) -> Style {
        Style::new().reversed()
    }

    pub(super) fn bad(self) -> Style {
        self.coloured(Color::Red).bold()
    }

    pub(super) fn curve(self) -> Style {
        self.coloured(Color::Cyan)
    }

    /// The style of a cell.
    pub(super) fn of(self, tone: Tone) -> Style {
        match tone {
            Tone::Plain => self.plain(),
            Tone::Heading => self.title(),
            Tone::Good => self.coloured(Color::Green),
            Tone::Bad => self.bad(),
        }
    }

    fn coloured(self, colour: Color) -> Style {
        if self.colour { Style::new().fg(colour) } else { Style::new() }
    }
}
