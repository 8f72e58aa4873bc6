//! Validation of the statistics that a policy reports.

use std::collections::BTreeSet;

/// Most statistics of one policy. Each one becomes a time series in the monitoring.
const MOST: usize = 64;
const LONGEST_NAME: usize = 64;

/// The valid statistics of `told`: finite numbers with short plain names. Of several with
/// the same name, the first is kept.
pub(super) fn credible(told: Vec<(String, f64)>) -> Vec<(String, f64)> {
    let mut names = BTreeSet::new();
    let mut kept = told;
    kept.retain(|(name, value)| is_name(name) && value.is_finite() && names.insert(name.clone()));
    kept.truncate(MOST);
    kept
}

fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    (1..=LONGEST_NAME).contains(&name.len()) && name.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_shown_is_left_out() {
        let told = [
            ("ghosts", 3.0),
            ("ghosts", 4.0),
            ("", 1.0),
            ("a b", 1.0),
            ("a\"\n# HELP", 1.0),
            ("none", f64::NAN),
            ("endless", f64::INFINITY),
            ("share.of-hits_2", -0.5),
        ];
        let told = told.map(|(name, value)| (name.to_owned(), value)).to_vec();
        let kept = [("ghosts".to_owned(), 3.0), ("share.of-hits_2".to_owned(), -0.5)];
        assert_eq!(credible(told), kept);
    }

    #[test]
    fn of_many_the_first_are_kept() {
        let many = |count: usize| (0..count).map(|nth| (nth.to_string(), 0.0)).collect::<Vec<_>>();
        assert_eq!(credible(many(1_000)), many(MOST));
        assert!(credible(vec![("x".repeat(LONGEST_NAME + 1), 0.0)]).is_empty());
    }
}
