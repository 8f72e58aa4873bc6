//! Extensions of clap for the settings: environment variables and hidden values.

use std::ffi::OsStr;

use clap::builder::TypedValueParser;
use clap::{Arg, Command};

use super::text::Parsed;

/// Makes a flag readable from a variable too, such as `--max-entries` from
/// `PSYCACHE_MAX_ENTRIES`.
#[must_use]
pub(crate) fn with_variable(arg: Arg) -> Arg {
    let Some(long) = arg.get_long() else { return arg };
    let variable = format!("PSYCACHE_{}", long.to_uppercase().replace('-', "_"));
    unless_empty(arg.env(variable))
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
