//! The part of the screen that is free still, filled from the top. What does not fit is left out.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// Free rows of a buffer.
pub(super) struct Rest<'a> {
    area: Rect,
    buffer: &'a mut Buffer,
}

impl<'a> Rest<'a> {
    pub(super) fn new(area: Rect, buffer: &'a mut Buffer) -> Self {
        Self { area, buffer }
    }

    pub(super) fn width(&self) -> usize {
        usize::from(self.area.width)
    }

    pub(super) fn height(&self) -> usize {
        usize::from(self.area.height)
    }

    /// Fills the first free row.
    pub(super) fn line(&mut self, line: &Line<'_>) {
        let (area, buffer) = self.area(1);
        if !area.is_empty() {
            buffer.set_line(area.x, area.y, line, area.width);
        }
    }

    pub(super) fn lines(&mut self, lines: &[Line<'_>]) {
        lines.iter().for_each(|line| self.line(line));
    }

    /// Fills the first rows with lines, and with how many more there are where they do not fit.
    pub(super) fn some_lines(&mut self, lines: &[Line<'_>], rows: usize) {
        if lines.len() <= rows {
            return self.lines(lines);
        }
        let shown = rows.saturating_sub(1);
        self.lines(&lines[..shown]);
        if rows > 0 {
            self.line(&Line::from(format!("… {} more", lines.len() - shown)));
        }
    }

    pub(super) fn blank(&mut self) {
        self.area(1);
    }

    /// Fills the last row, if it is not the only one.
    pub(super) fn last(&mut self, line: &Line<'_>) {
        if self.area.height > 1 {
            self.area.height -= 1;
            self.buffer.set_line(self.area.x, self.area.bottom(), line, self.area.width);
        }
    }

    /// Takes as many of the first rows, or fewer if there are not so many.
    pub(super) fn area(&mut self, rows: usize) -> (Rect, &mut Buffer) {
        let height = self.area.height.min(u16::try_from(rows).unwrap_or(u16::MAX));
        let taken = Rect { height, ..self.area };
        self.area.y += height;
        self.area.height -= height;
        (taken, self.buffer)
    }
}
