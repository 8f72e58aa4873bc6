//! The two text formats for scrapers, and the choice between them by the `Accept` header.

use std::borrow::Cow;
use std::collections::HashMap;

/// Text format of the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exposition {
    /// OpenMetrics 1.0, which Prometheus asks for.
    OpenMetrics,
    /// The older format of Prometheus. It is the default for clients that do not ask for a
    /// format, such as curl and `promtool check metrics`.
    Text,
}

impl Exposition {
    /// The format that an `Accept` header prefers.
    #[must_use]
    pub fn accepted_by(accept: &str) -> Self {
        let open = quality(accept, &["application/openmetrics-text"]);
        let text = quality(accept, &["text/plain", "text/*", "*/*"]);
        match open > 0.0 && open >= text {
            true => Self::OpenMetrics,
            false => Self::Text,
        }
    }

    /// The `Content-Type` header. Prometheus 3 refuses a page with an unknown one.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
        }
    }

    /// Converts metrics from OpenMetrics to this format.
    pub(super) fn of_open_metrics(self, text: String) -> String {
        match self {
            Self::OpenMetrics => text,
            Self::Text => plain(&text),
        }
    }
}

/// The highest quality that an `Accept` header gives to one of `types`; 0 if it accepts
/// none of them.
fn quality(accept: &str, types: &[&str]) -> f64 {
    let ranges = accept.split(',').filter_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let named = parts.next()?;
        let quality = parts.find_map(|part| part.strip_prefix("q="));
        types.contains(&named).then(|| quality.map_or(1.0, |q| q.parse().unwrap_or(0.0)))
    });
    ranges.fold(0.0, f64::max)
}

/// Converts OpenMetrics to the older format. The samples stay the same, but families have
/// other names, and there are no units, no info metrics and no end marker.
fn plain(open: &str) -> String {
    let kinds: HashMap<&str, &str> =
        open.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' ')).collect();
    let name = |family: &str| match kinds.get(family) {
        Some(&"counter") => format!("{family}_total"),
        Some(&"info") => format!("{family}_info"),
        _ => family.to_owned(),
    };
    let line = |line: &str| -> Option<Cow<'_, str>> {
        if let Some((family, help)) = line.strip_prefix("# HELP ").and_then(|l| l.split_once(' ')) {
            return Some(format!("# HELP {} {help}", name(family)).into());
        }
        if let Some((family, kind)) = line.strip_prefix("# TYPE ").and_then(|l| l.split_once(' ')) {
            let kind = if kind == "info" { "gauge" } else { kind };
            return Some(format!("# TYPE {} {kind}", name(family)).into());
        }
        (!line.starts_with('#')).then(|| line.to_owned().into())
    };
    open.lines().filter_map(line).flat_map(|line| [line, "\n".into()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_for_open_metrics_gets_it() {
        let prometheus = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
                          text/plain;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.4,*/*;q=0.2";
        assert_eq!(Exposition::accepted_by(prometheus), Exposition::OpenMetrics);
        for accept in ["", "*/*", "text/plain", "text/html", "application/openmetrics-text;q=0"] {
            assert_eq!(Exposition::accepted_by(accept), Exposition::Text, "{accept}");
        }
        let text_first = "text/plain;version=0.0.4;q=0.5, application/openmetrics-text;q=0.4";
        assert_eq!(Exposition::accepted_by(text_first), Exposition::Text);
    }

    #[test]
    fn families_are_renamed_for_the_older_format_and_samples_are_not() {
        let open = "# HELP a Gets.\n# TYPE a counter\na_total{x=\"# TYPE a\"} 1\n\
                    # HELP b_seconds Time.\n# TYPE b_seconds histogram\n# UNIT b_seconds seconds\n\
                    b_seconds_sum 2\n# HELP c What.\n# TYPE c info\nc_info{v=\"1\"} 1\n# EOF\n";
        let expected = "# HELP a_total Gets.\n# TYPE a_total counter\na_total{x=\"# TYPE a\"} 1\n\
                        # HELP b_seconds Time.\n# TYPE b_seconds histogram\nb_seconds_sum 2\n\
                        # HELP c_info What.\n# TYPE c_info gauge\nc_info{v=\"1\"} 1\n";
        assert_eq!(Exposition::Text.of_open_metrics(open.into()), expected);
    }
}
