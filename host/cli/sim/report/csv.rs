//! A line for each policy and capacity.

use std::fmt::Write;

use super::found::Report;

/// The lines, the headings first.
pub(super) fn render(reports: &[Report]) -> String {
    let mut text = "trace,requests,unique,cache_objects,policy,hit_ratio\n".to_owned();
    for report in reports {
        let Report { trace, requests, unique, .. } = report;
        for row in &report.rows {
            let (trace, policy) = (quoted(trace), quoted(&row.policy));
            let _ = writeln!(
                text,
                "{trace},{requests},{unique},{},{policy},{:.6}",
                row.capacity, row.hit_ratio
            );
        }
    }
    text
}

/// A field as RFC 4180 has it.
fn quoted(field: &str) -> String {
    match field.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", field.replace('"', "\"\"")),
        false => field.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_commas_are_quoted() {
        assert_eq!(quoted("plain"), "plain");
        assert_eq!(quoted("a,\"b\""), "\"a,\"\"b\"\"\"");
    }
}
