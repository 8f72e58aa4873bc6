//! A policy with its options in one word: `lruk?k=3&history=2`.

use std::fmt;
use std::str::FromStr;

use super::options;

/// A policy with its options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PolicyText {
    /// A built-in's name or a file.
    pub(crate) name: String,
    /// `name = value`, in the order given.
    pub(crate) options: Vec<(String, String)>,
}

impl FromStr for PolicyText {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, given) = text.trim().split_once('?').unwrap_or((text.trim(), ""));
        if name.is_empty() {
            return Err("name a built-in policy (psycache policy list) or a file".into());
        }
        let option = |text| {
            let (name, value) = options::parse_pair(text)?;
            let value = options::expand(&name, &value)?;
            Ok((name, value))
        };
        let given = given.split('&').filter(|option| !option.is_empty()).map(option);
        let options: Result<Vec<_>, options::OptionError> = given.collect();
        let options = options.map_err(|error| error.to_string())?;
        let is_before = |(at, (name, _)): &(usize, &(String, String))| {
            options[..*at].iter().any(|(before, _)| before == name)
        };
        match options.iter().enumerate().find(is_before) {
            Some((_, (name, _))) => {
                Err(format!("the option {name} is given twice; leave one of them out"))
            }
            None => Ok(Self { name: name.to_owned(), options }),
        }
    }
}

impl fmt::Display for PolicyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        self.options.iter().enumerate().try_for_each(|(at, (name, value))| {
            let separator = if at == 0 { '?' } else { '&' };
            write!(f, "{separator}{name}={value}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_stand_behind_a_question_mark() {
        let policy: PolicyText = "lruk?k=3&history=2".parse().unwrap();
        assert_eq!(policy.name, "lruk");
        let options = [("k", "3"), ("history", "2")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        assert_eq!(policy.options, options);
        assert_eq!(policy.to_string(), "lruk?k=3&history=2");
        assert_eq!("mine.wasm".parse::<PolicyText>().unwrap().to_string(), "mine.wasm");
        for (wrong, words) in [
            ("lruk?k", "="),
            ("lruk?k=1&k=2", "the option k is given twice"),
            ("?k=1", "name a built-in policy"),
            ("", "name a built-in policy"),
        ] {
            let problem = PolicyText::from_str(wrong).unwrap_err();
            assert!(problem.contains(words), "{wrong}: {problem}");
        }
    }
}
