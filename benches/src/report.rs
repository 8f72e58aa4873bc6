//! What a benchmark prints: a table with ratios, or one JSON object a line.

use std::collections::BTreeMap;

use serde::Serialize;

/// One measured figure.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Figure {
    /// Which benchmark.
    pub bench: &'static str,
    /// What was done.
    pub case: String,
    /// Who did it.
    pub subject: String,
    /// The median of the rounds.
    pub value: f64,
    /// What is counted.
    pub unit: &'static str,
}

/// Prints `figures`, as JSON lines or as a table in which each figure of a case
/// stands next to the first one of the same case and unit.
pub(crate) fn print(figures: &[Figure], json: bool) -> anyhow::Result<()> {
    if json {
        for figure in figures {
            println!("{}", serde_json::to_string(figure)?);
        }
        return Ok(());
    }
    let widest = |text: fn(&Figure) -> &str| figures.iter().map(|f| text(f).len()).max();
    let case_width = widest(|f| &f.case).unwrap_or(0);
    let subject_width = widest(|f| &f.subject).unwrap_or(0);
    let mut first: BTreeMap<(&str, &str), f64> = BTreeMap::new();
    for figure in figures {
        let Figure { case, subject, value, unit, .. } = figure;
        let base = *first.entry((case, unit)).or_insert(*value);
        print!("{case:case_width$}  {subject:subject_width$}  {value:>14.3} {unit:<12}");
        // A figure that is a comparison already gets no ratio.
        match unit.starts_with("x ") || *unit == "points" || base == 0.0 {
            true => println!(),
            false => println!(" {:>7.2}x", value / base),
        }
    }
    Ok(())
}

/// The middle one of several rounds.
///
/// # Panics
/// Without a round.
pub(crate) fn median(mut rounds: Vec<f64>) -> f64 {
    rounds.sort_by(f64::total_cmp);
    rounds[rounds.len() / 2]
}
