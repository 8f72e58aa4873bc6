//! Tables. In a narrow terminal the columns that matter least are left out.

use ratatui::text::{Line, Span};

use super::look::Look;
use crate::cli::table::{Cell, GAP, Side, narrow};

/// Texts may be cut to so many characters before a column is left out.
const LEAST: usize = 10;

/// The lines of a table, the headings first. `importance` has the places of the columns, of which
/// the last are left out first.
pub(super) fn lines(
    columns: &[(&str, Side)],
    importance: &[usize],
    rows: &[Vec<Cell>],
    width: usize,
    look: Look,
) -> Vec<Line<'static>> {
    let headings: Vec<Cell> = columns.iter().map(|(name, _)| Cell::heading(name)).collect();
    let all = || std::iter::once(&headings).chain(rows);
    let wanted = |column: usize| all().map(|row| row[column].width()).max().unwrap_or(0);
    let least = |column: usize| match columns[column].1 {
        Side::Left => wanted(column).min(LEAST),
        // A number that is cut would be another number.
        Side::Right => wanted(column),
    };
    let (mut kept, mut used) = (Vec::new(), 0);
    for &column in importance {
        let more = least(column) + if kept.is_empty() { 0 } else { GAP.len() };
        if kept.is_empty() || used + more <= width {
            kept.push(column);
            used += more;
        }
    }
    kept.sort_unstable();
    let mut widths: Vec<usize> = kept.iter().map(|column| wanted(*column)).collect();
    narrow(&mut widths, width);
    let line = |row: &Vec<Cell>| {
        let cells = kept.iter().zip(&widths).enumerate().flat_map(|(place, (&column, &width))| {
            let cell = &row[column];
            let [before, text, after] = cell.aligned(columns[column].1, width);
            let gap = if place > 0 { GAP } else { "" };
            let style = look.of(cell.tone());
            [Span::raw(gap), Span::raw(before), Span::styled(text, style), Span::raw(after)]
        });
        Line::from_iter(cells)
    };
    all().map(line).collect()
}
