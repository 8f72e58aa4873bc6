//! What a simulation found, as people and programs read it.

mod found;

mod csv;
mod matrix;
mod over_time;
mod picture;

use crate::cli::output::{self, Screen};
pub(super) use found::{Report, Row};

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Output {
    /// A table for people
    Table,
    /// A line for each policy and capacity
    Csv,
    Json,
    /// Curves: the hit ratio over the capacity, and over the requests
    Svg,
}

/// Writes the reports. A table, JSON and a picture are written as a whole.
///
/// # Errors
/// Those of writing.
pub(super) fn write(reports: &[Report], output: Output) -> anyhow::Result<()> {
    match output {
        Output::Csv => output::write(csv::render(reports).as_bytes())?,
        Output::Json => output::json(&reports)?,
        Output::Table => {
            let screen = Screen::of_stdout();
            let tables: Vec<String> = reports.iter().map(|report| table(report, screen)).collect();
            output::write(tables.join("\n").as_bytes())?;
        }
        Output::Svg => output::write(picture::render(reports)?.as_bytes())?,
    }
    Ok(())
}

fn table(report: &Report, screen: Screen) -> String {
    matrix::render(report, screen) + &over_time::render(report, screen)
}
