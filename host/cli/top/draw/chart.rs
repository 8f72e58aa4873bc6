//! A chart of bars over the last minutes.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{RenderDirection, Sparkline, Widget};

use super::look::Look;
use super::rest::Rest;

/// The width of the labels at the left.
const LABELS: u16 = 6;

/// Steps between nothing and the top, more than a terminal can show.
const STEPS: f64 = 10_000.0;

/// A value over time.
pub(super) struct Chart<'a> {
    pub(super) title: String,
    /// The oldest first. A time whose value is not known is empty.
    pub(super) values: Vec<Option<f64>>,
    pub(super) top: f64,
    /// The text of a value.
    pub(super) text: &'a dyn Fn(f64) -> String,
}

/// The bars that a chart of this width has room for.
pub(super) fn bars(width: usize) -> usize {
    width.saturating_sub(usize::from(LABELS)).max(1)
}

impl Chart<'_> {
    /// Draws it into the first `rows`, its title included.
    pub(super) fn draw(&self, look: Look, rest: &mut Rest<'_>, rows: usize) {
        if rows < 2 {
            return;
        }
        rest.line(&Line::styled(self.title.clone(), look.title()));
        let (area, buffer) = rest.area(rows - 1);
        self.labels(look, area, buffer);
        let steps = |value: f64| (value / self.top.max(f64::MIN_POSITIVE) * STEPS).round() as u64;
        let newest_first = self.values.iter().rev().map(|value| value.map(steps));
        let bars = Rect {
            x: area.x + LABELS.min(area.width),
            width: area.width.saturating_sub(LABELS),
            ..area
        };
        Sparkline::default()
            .data(newest_first.collect::<Vec<_>>())
            .direction(RenderDirection::RightToLeft)
            .max(STEPS as u64)
            .style(look.curve())
            .render(bars, buffer);
    }

    fn labels(&self, look: Look, area: Rect, buffer: &mut Buffer) {
        let width = usize::from(LABELS) - 1;
        let ends = [(area.y, self.top), (area.bottom().saturating_sub(1), 0.0)];
        let ends = &ends[..usize::from(area.height).min(2)];
        for &(y, value) in ends {
            let label = format!("{:>width$.width$}", (self.text)(value));
            buffer.set_stringn(area.x, y, label, usize::from(area.width), look.faint());
        }
    }
}
