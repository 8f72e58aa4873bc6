//! Bytes an entry, next to the peers.

use anyhow::Result;

use super::BENCH;
use crate::Settings;
use crate::caches::{Parts, SUBJECTS};
use crate::overhead;
use crate::report::Figure;

/// As filled and after each was read once: a `Bytes`, which the peers keep, allocates
/// the count of its holders when it is first shared.
pub(super) fn measure(settings: &Settings, parts: &Parts) -> Result<Vec<Figure>> {
    let entries = if settings.quick { 20_000 } else { 100_000 };
    let mut figures = Vec::new();
    for subject in SUBJECTS {
        for (case, read) in [("filled", false), ("filled and read", true)] {
            let (_, overhead) = overhead::filled(parts, subject, entries, read)?;
            figures.push(Figure {
                bench: BENCH,
                case: format!("overhead, {case}"),
                subject: subject.into(),
                value: overhead,
                unit: "B/entry",
            });
        }
    }
    Ok(figures)
}
