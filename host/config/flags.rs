//! Extensions of clap for the settings: environment variables and hidden values.

use std::ffi::OsStr;

use clap::builder::TypedValueParser;
use clap::{Arg, ArgAction, Command};

use super::text::Parsed;

/// Makes a flag readable from a variable too, such as `--max-entries` from
/// `PSYCACHE_MAX_ENTRIES`. The variable of a flag that may be given several times has a
/// value in each line; a line that begins with a space goes on with the one before it.
#[must_use]
pub(crate) fn with_variable(arg: Arg) -> Arg {
    let Some(variable) = variable(&arg) else { return arg };
    let is_repeated = matches!(arg.get_action(), ArgAction::Append);
    let text = std::env::var(&variable).unwrap_or_default();
    if is_repeated && arg.get_value_delimiter().is_none() && text.contains('\n') {
        return arg.default_values(values(&text)).hide_default_value(true);
    }
    unless_empty(arg.env(variable))
}

/// The variable that [`with_variable`] makes a flag readable from.
pub(crate) fn variable(arg: &Arg) -> Option<String> {
    Some(format!("PSYCACHE_{}", arg.get_long()?.to_uppercase().replace('-', "_")))
}

/// The values in the lines of a variable.
fn values(text: &str) -> Vec<String> {
    let mut values: Vec<String> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        match values.last_mut().filter(|_| line.starts_with([' ', '\t'])) {
            Some(value) => value.extend(["\n", line]),
            None => values.push(line.to_owned()),
        }
    }
    values
}

/// Takes the variable from a flag if it is set and empty, which means the same as unset.
#[must_use]
pub(crate) fn unless_empty(arg: Arg) -> Arg {
    let variable = arg.get_env().and_then(std::env::var_os);
    if variable.is_some_and(|value| value.is_empty()) { arg.env(None::<&str>) } else { arg }
}

/// A parser whose errors do not contain the value, which may be a password.
#[derive(Clone)]
pub(super) struct Hidden<T>(pub(super) fn(&str) -> Parsed<T>);

impl<T: Clone + Send + Sync + 'static> TypedValueParser for Hidden<T> {
    type Value = T;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<T, clap::Error> {
        let parsed = self.0(&value.to_string_lossy());
        let answer = move |_: &str| parsed.clone();
        answer.parse_ref(command, arg, OsStr::new("…"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_has_a_value_in_each_line() {
        let text = "dsn=mysql://db\nquery=SELECT a\n  FROM b\n  WHERE c = ?\n\nvalue-column=a\n";
        let query = "query=SELECT a\n  FROM b\n  WHERE c = ?";
        assert_eq!(values(text), ["dsn=mysql://db", query, "value-column=a"]);
        assert_eq!(values("\n\n"), [""; 0]);
    }
}
