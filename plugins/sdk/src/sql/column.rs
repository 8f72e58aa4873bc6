//! Which column of an answer is the value.

use crate::FetchError;

/// The place of the column that is the value, by the names of this very answer: the table may
/// have changed since the last one. `wanted` is the option `value-column`, in any case.
///
/// # Errors
/// [`FetchError::Rejected`]: there is none, or more than one.
pub fn value_column(names: &[&str], wanted: Option<&str>) -> Result<usize, FetchError> {
    let is_wanted = |name: &str| wanted.is_none_or(|wanted| name.eq_ignore_ascii_case(wanted));
    let mut found = names.iter().enumerate().filter(|(_, name)| is_wanted(name));
    let all = || names.join(", ");
    let problem = match (found.next(), found.next(), wanted) {
        (Some((at, _)), None, _) => return Ok(at),
        _ if names.is_empty() => return Err(no_columns()),
        (None, _, wanted) => {
            let wanted = wanted.unwrap_or_default();
            format!("option value-column: the query returns {}, no `{wanted}`", all())
        }
        (_, _, Some(wanted)) => format!(
            "option value-column: the query returns more than one `{wanted}`; rename one by AS"
        ),
        (_, _, None) => format!(
            "the query returns the columns {}; name the one to cache in the option value-column",
            all()
        ),
    };
    Err(FetchError::Rejected(problem))
}

/// The error for a query without columns.
#[must_use]
pub fn no_columns() -> FetchError {
    FetchError::Rejected("the query returns no columns; it must be a SELECT".to_owned())
}

/// What is said where the value in `column` is NULL.
#[must_use]
pub fn null(column: &str, query: &str) -> FetchError {
    FetchError::BadValue(format!(
        "column `{column}` is NULL for this key; exclude such rows in `{query}` or give them a value"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_is_the_only_column_or_the_named_one() {
        assert_eq!(value_column(&["score"], None), Ok(0));
        assert_eq!(value_column(&["name", "score"], Some("SCORE")), Ok(1));
        for (names, wanted, part) in [
            (&["name", "score"][..], None, "the columns name, score; name the one"),
            (&["name", "score"], Some("points"), "returns name, score, no `points`"),
            (&["a", "A"], Some("a"), "more than one `a`"),
            (&[], None, "must be a SELECT"),
            (&[], Some("a"), "must be a SELECT"),
        ] {
            let problem = value_column(names, wanted).expect_err(part).to_string();
            assert!(problem.contains(part), "{problem}");
        }
    }
}
