//! What a plugin is configured with, and a reader that words every mistake in it.

use std::cell::RefCell;
use std::fmt;
use std::ops::RangeBounds;
use std::str::FromStr;

/// Why a plugin refuses its configuration: what the operator can mend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigError {
    /// The name, and after it the names that would have been known.
    UnknownOption(String),
    /// A value that makes no sense.
    InvalidValue {
        /// The option's name.
        name: String,
        /// What is wrong, with the value and what is allowed.
        problem: String,
    },
    /// The name of an option that has no default.
    MissingOption(String),
}

impl ConfigError {
    /// An [`InvalidValue`](Self::InvalidValue).
    pub fn invalid(name: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::InvalidValue { name: name.into(), problem: problem.into() }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownOption(name) => write!(out, "unknown option {name}"),
            Self::InvalidValue { name, problem } => write!(out, "option {name}: {problem}"),
            Self::MissingOption(name) => write!(out, "option {name} is missing"),
        }
    }
}

impl std::error::Error for ConfigError {}

/// What a policy is configured with.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Budget, in the unit of the weights (bytes unless the group says otherwise).
    pub capacity: u64,
    /// Exclusive upper bound of every slot.
    pub max_entries: u32,
    /// Most victims that one step may return.
    pub max_victims: u32,
    /// For policies that randomise: same seed and same calls, same victims.
    pub seed: u64,
    /// `name = value` pairs as the operator wrote them; see [`Config::options`].
    pub pairs: Vec<(String, String)>,
}

impl Config {
    /// A configuration without options, whose steps may return any number of victims.
    pub fn new(capacity: u64, max_entries: u32) -> Self {
        Self { capacity, max_entries, max_victims: u32::MAX, seed: 0, pairs: Vec::new() }
    }

    /// Adds an option.
    #[must_use]
    pub fn option(mut self, name: &str, value: &str) -> Self {
        self.pairs.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A reader over the options.
    pub fn options(&self) -> Options<'_> {
        Options::new(&self.pairs)
    }
}

/// Reads options by name and knows in the end which ones nobody asked for.
///
/// ```
/// # use psycache_plugin::{Config, ConfigError};
/// # let config = Config::new(100, 100).option("k", "3");
/// let options = config.options();
/// let k = options.parse("k", 2, 1..=16)?;
/// options.finish()?;
/// assert_eq!(k, 3);
/// # Ok::<(), ConfigError>(())
/// ```
#[derive(Debug)]
pub struct Options<'a> {
    pairs: &'a [(String, String)],
    known: RefCell<Vec<&'static str>>,
}

impl<'a> Options<'a> {
    /// Reads from `pairs` of name and value.
    pub fn new(pairs: &'a [(String, String)]) -> Self {
        Self { pairs, known: RefCell::new(Vec::new()) }
    }

    /// The value of option `name`, if it was given.
    pub fn text(&self, name: &'static str) -> Option<&'a str> {
        self.known.borrow_mut().push(name);
        self.pairs.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// The value of option `name`.
    ///
    /// # Errors
    /// [`ConfigError::MissingOption`].
    pub fn required(&self, name: &'static str) -> Result<&'a str, ConfigError> {
        self.text(name).ok_or_else(|| ConfigError::MissingOption(name.to_owned()))
    }

    /// The number in option `name`, or `default` where it is not given.
    ///
    /// # Errors
    /// [`ConfigError::InvalidValue`] for a value that is no such number or lies
    /// outside `allowed`; it names the value and the range.
    pub fn parse<T>(
        &self,
        name: &'static str,
        default: T,
        allowed: impl RangeBounds<T> + fmt::Debug,
    ) -> Result<T, ConfigError>
    where
        T: FromStr + PartialOrd,
    {
        let Some(text) = self.text(name) else {
            return Ok(default);
        };
        match text.trim().parse() {
            Ok(value) if allowed.contains(&value) => Ok(value),
            _ => Err(ConfigError::invalid(
                name,
                format!("`{text}` is not allowed, it must be a number in {allowed:?}"),
            )),
        }
    }

    /// What option `name` switches, or `default` where it is not given.
    ///
    /// # Errors
    /// [`ConfigError::InvalidValue`] for anything but `true` and `false`.
    pub fn switch(&self, name: &'static str, default: bool) -> Result<bool, ConfigError> {
        match self.text(name).map(str::trim) {
            None => Ok(default),
            Some("true") => Ok(true),
            Some("false") => Ok(false),
            Some(other) => Err(ConfigError::invalid(
                name,
                format!("`{other}` is not allowed, it must be `true` or `false`"),
            )),
        }
    }

    /// The options whose names begin with `prefix`, which ends in a dot: the rest of each
    /// name, and the value.
    pub fn below(&self, prefix: &'static str) -> Vec<(&'a str, &'a str)> {
        debug_assert!(prefix.ends_with('.'), "it is told from a name by its dot");
        self.known.borrow_mut().push(prefix);
        let pairs = self.pairs.iter();
        pairs.filter_map(|(name, value)| Some((name.strip_prefix(prefix)?, &**value))).collect()
    }

    /// Call it when every option has been asked for.
    ///
    /// # Errors
    /// [`ConfigError::UnknownOption`] for an option that nobody asked for, with the
    /// names that are known; [`ConfigError::InvalidValue`] for one given twice.
    pub fn finish(self) -> Result<(), ConfigError> {
        let known = self.known.into_inner();
        let is_known = |name: &str| {
            known.iter().any(|known| match known.ends_with('.') {
                true => name.strip_prefix(known).is_some_and(|rest| !rest.is_empty()),
                false => name == *known,
            })
        };
        for (at, (name, _)) in self.pairs.iter().enumerate() {
            if !is_known(name) {
                let shown = |known: &&str| match known.ends_with('.') {
                    true => format!("{known}NAME"),
                    false => (*known).to_owned(),
                };
                let hint = match known.is_empty() {
                    true => "there are no options".to_owned(),
                    false => {
                        let names: Vec<String> = known.iter().map(shown).collect();
                        format!("known: {}", names.join(", "))
                    }
                };
                return Err(ConfigError::UnknownOption(format!("{name} ({hint})")));
            }
            if self.pairs[..at].iter().any(|(earlier, _)| earlier == name) {
                return Err(ConfigError::invalid(name, "is given twice"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(config: &Config) -> Result<(u32, f64), ConfigError> {
        let options = config.options();
        let read = (options.parse("k", 2, 1..=16)?, options.parse("share", 0.25, 0.0..=1.0)?);
        options.finish()?;
        Ok(read)
    }

    #[test]
    fn options_have_defaults_and_values() {
        assert_eq!(read(&Config::default()), Ok((2, 0.25)));
        let config = Config::default().option("share", "0.5").option("k", " 16 ");
        assert_eq!(read(&config), Ok((16, 0.5)));
    }

    #[test]
    fn a_value_out_of_range_is_named_with_the_range() {
        for value in ["0", "17", "-1", "two", ""] {
            let error = read(&Config::default().option("k", value)).expect_err(value);
            let expected =
                format!("option k: `{value}` is not allowed, it must be a number in 1..=16");
            assert_eq!(error.to_string(), expected);
        }
        let error =
            read(&Config::default().option("share", "NaN")).expect_err("NaN is in no range");
        assert!(error.to_string().contains("0.0..=1.0"), "{error}");
    }

    #[test]
    fn an_unknown_option_names_the_known_ones() {
        let error = read(&Config::default().option("kay", "2")).expect_err("there is no kay");
        assert_eq!(error, ConfigError::UnknownOption("kay (known: k, share)".to_owned()));
        let nothing = Config::default().option("k", "2");
        let error = nothing.options().finish().expect_err("nothing was asked for");
        assert_eq!(error.to_string(), "unknown option k (there are no options)");
    }

    #[test]
    fn an_option_given_twice_is_refused() {
        let error = read(&Config::default().option("k", "2").option("k", "3")).expect_err("twice");
        assert_eq!(error.to_string(), "option k: is given twice");
    }

    #[test]
    fn a_switch_is_true_or_false() {
        let config = Config::default().option("on", "true").option("off", "maybe");
        let options = config.options();
        assert_eq!(options.switch("on", false), Ok(true));
        assert_eq!(options.switch("none", true), Ok(true));
        let error = options.switch("off", false).expect_err("it is neither");
        assert!(error.to_string().contains("`maybe` is not allowed"), "{error}");
    }

    #[test]
    fn options_below_a_prefix_have_any_name_but_none() {
        let config = Config::default().option("header.accept", "text/plain").option("header.", "x");
        let options = config.options();
        assert_eq!(options.below("header."), [("accept", "text/plain"), ("", "x")]);
        let error = options.finish().expect_err("a name is missing");
        assert_eq!(error.to_string(), "unknown option header. (known: header.NAME)");
    }

    #[test]
    fn a_required_option_is_missed() {
        let config = Config::default();
        let error = config.options().required("dsn").expect_err("none was given");
        assert_eq!(error.to_string(), "option dsn is missing");
    }
}
