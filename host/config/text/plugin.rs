//! Plugins, their options and their secrets.

use super::{OrNone, Parsed, options, or_none};
use crate::config::Secret;

/// A policy: a built-in's name or a path.
///
/// # Errors
/// It is empty.
pub fn policy(text: &str) -> Parsed<OrNone<String>> {
    plugin(text).map(OrNone::Just)
}

/// A retriever: a built-in's name or a path, or `none`.
///
/// # Errors
/// It is empty.
pub fn retriever(text: &str) -> Parsed<OrNone<String>> {
    or_none(text, plugin)
}

fn plugin(text: &str) -> Parsed<String> {
    match text.is_empty() {
        true => {
            Err("write a built-in's name (psycache policy list) or the path of a component".into())
        }
        false => Ok(text.to_owned()),
    }
}

/// `name=value` of a plugin's option; see [`options::expand`].
///
/// # Errors
/// There is no `=`, no name before it, or the file that `@file` names can't be read.
pub fn option(text: &str) -> Parsed<(String, String)> {
    let (name, value) = options::parse_pair(text).map_err(|error| error.to_string())?;
    let value = option_value(&name, &value)?;
    Ok((name, value))
}

/// The value of the option `name`.
pub(in crate::config) fn option_value(name: &str, value: &str) -> Parsed<String> {
    options::expand(name, value).map_err(|error| error.to_string())
}

/// `name=env:VARIABLE` or `name=file:PATH` of a retriever's secret; see
/// [`options::reveal`].
///
/// # Errors
/// It has another shape, or the variable or file can't be read. The message never
/// holds a secret that was written where its place should stand.
pub fn secret(text: &str) -> Parsed<(String, Secret)> {
    let (name, place) = options::parse_pair(text).map_err(|error| error.to_string())?;
    let secret = secret_value(&name, &place)?;
    Ok((name, secret))
}

/// The secret `name`, which is at `place`.
pub(crate) fn secret_value(name: &str, place: &str) -> Parsed<Secret> {
    let revealed = options::reveal(name, place).map_err(|error| error.to_string())?;
    Ok(Secret::new(revealed))
}
