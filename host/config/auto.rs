//! `policy = "auto"`: the node chooses among candidates.

use std::time::Duration;

use super::plugin::Plugin;
use super::text::{PluginName, Points, PolicyText, Time};

/// The name that stands in the place of a policy.
pub(crate) const AUTO: &str = "auto";

/// The candidates that are taken where none are named. The first is the default of a group.
const CANDIDATES: &str = "lru,lfu,lruk,sieve,s3fifo,adaptive";

/// Most candidates. Each is another cache that the shadow replays into.
const MOST_CANDIDATES: usize = 12;

/// Half a point.
const BETTER_BY: f64 = 0.005;

const SPAN: Duration = Duration::from_secs(600);
const SHORTEST_SPAN: Duration = Duration::from_secs(1);
const LONGEST_SPAN: Duration = Duration::from_secs(7 * 24 * 3_600);

/// The candidates of a group, and what makes the node change from one to another.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct AutoPolicy {
    /// The policies to choose among, at least two. A group begins with the first.
    pub candidates: Vec<Plugin>,
    /// By how much the hit ratio of another one must be higher, from 0 to 1.
    pub better_by: f64,
    /// How long the candidates are measured before a change, and the group is watched after
    /// it.
    pub span: Duration,
}

impl AutoPolicy {
    /// Chooses among `candidates`: half a point must be gained, and ten minutes go into each
    /// look.
    #[must_use]
    pub fn among(candidates: Vec<Plugin>) -> Self {
        Self { candidates, better_by: BETTER_BY, span: SPAN }
    }

    /// Reads the options. Each candidate may have one of the digests in `sha256` only.
    pub(super) fn of_options(
        options: &[(String, String)],
        sha256: &[String],
    ) -> Result<Self, String> {
        let mut auto = Self::among(candidates(CANDIDATES, sha256)?);
        for (name, value) in options {
            let problem = |problem| format!("the option {name} of the policy auto: {problem}");
            match name.as_str() {
                "candidates" => auto.candidates = candidates(value, sha256).map_err(problem)?,
                "if-better" => Points(auto.better_by) = value.parse().map_err(problem)?,
                "for" => auto.span = span(value).map_err(problem)?,
                _ => {
                    return Err(format!(
                        "the policy auto has no option {name:?}; it has candidates, if-better and \
                         for"
                    ));
                }
            }
        }
        Ok(auto)
    }
}

fn candidates(list: &str, sha256: &[String]) -> Result<Vec<Plugin>, String> {
    let mut candidates = Vec::new();
    for text in list.split(',') {
        let PolicyText { name, options } = text.parse()?;
        if name == AUTO {
            return Err("auto can't choose itself; name policies".into());
        }
        let PluginName(name) = name.parse()?;
        let (options, sha256) = (options.into_iter().collect(), sha256.to_vec());
        let candidate = Plugin { options, sha256, ..Plugin::new(&name) };
        if candidates.contains(&candidate) {
            return Err(format!("{} is named twice; leave one of them out", text.trim()));
        }
        candidates.push(candidate);
    }
    match candidates.len() {
        0 | 1 => Err("name two policies or more, separated by commas, such as lru,lfu".into()),
        2..=MOST_CANDIDATES => Ok(candidates),
        more => Err(format!("{more} candidates are more than {MOST_CANDIDATES}; leave some out")),
    }
}

fn span(value: &str) -> Result<Duration, String> {
    let Time(span) = value.parse()?;
    match (SHORTEST_SPAN..=LONGEST_SPAN).contains(&span) {
        true => Ok(span),
        false => Err("write a time from 1s to 7days, such as 10m".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(options: &[(&str, &str)]) -> Result<AutoPolicy, String> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        AutoPolicy::of_options(&options.iter().map(owned).collect::<Vec<_>>(), &["ab".into()])
    }

    #[test]
    fn candidates_have_options_of_their_own() {
        let auto = of(&[("candidates", "fifo, lruk?k=3"), ("if-better", "1pp"), ("for", "1m")]);
        let auto = auto.unwrap();
        let names: Vec<_> = auto.candidates.iter().map(|plugin| plugin.plugin.as_str()).collect();
        assert_eq!(names, ["fifo", "lruk"]);
        assert_eq!(auto.candidates[1].options["k"], "3");
        assert_eq!(auto.candidates[1].sha256, ["ab"]);
        assert_eq!((auto.better_by, auto.span), (0.01, Duration::from_secs(60)));
    }

    #[test]
    fn without_options_there_are_some_of_each_kind() {
        let auto = of(&[]).unwrap();
        assert_eq!((auto.candidates[0].plugin.as_str(), auto.candidates.len()), ("lru", 6));
        assert_eq!((auto.better_by, auto.span), (BETTER_BY, SPAN));
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (options, words) in [
            (("candidates", "lru"), "name two policies or more"),
            (("candidates", "lru,"), "name a built-in policy"),
            (("candidates", "lru,lru"), "lru is named twice"),
            (("candidates", "lru,auto"), "auto can't choose itself"),
            (("candidates", "lruk?k=1&k=2,lru"), "the option k is given twice"),
            (("if-better", "1"), "such as 1pp"),
            (("for", "1ms"), "from 1s to 7days"),
            (("for", "soon"), "for of the policy auto"),
            (("k", "3"), "it has candidates, if-better and for"),
        ] {
            let problem = of(&[options]).unwrap_err();
            assert!(problem.contains(words), "{options:?}: {problem}");
        }
    }
}
