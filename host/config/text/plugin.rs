//! Plugins, their options and their secrets.

use super::{OrNone, Parsed, or_none};
use crate::config::Secret;

/// What is said of a secret that stands where its place should.
pub(in crate::config) const NOT_A_PLACE: &str =
    "write where the secret is, env:NAME or file:PATH, not the secret itself";

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

/// `name=value` of a plugin's option.
///
/// # Errors
/// There is no `=`, no name before it, or the file that `@file` names can't be read.
pub fn option(text: &str) -> Parsed<(String, String)> {
    let (name, value) = pair(text, "k=2")?;
    Ok((name, option_value(value)?))
}

/// The value of a plugin's option: `@file` stands for the content of that file,
/// `@@` for one `@`, so that no plugin needs the file system.
///
/// # Errors
/// The file can't be read or is not UTF-8.
pub fn option_value(text: &str) -> Parsed<String> {
    match text.strip_prefix('@') {
        None => Ok(text.to_owned()),
        Some(rest) if rest.starts_with('@') => Ok(rest.to_owned()),
        Some(path) => std::fs::read_to_string(path).map_err(|error| {
            format!(
                "the file {path:?} can't be read: {error}; write @@ for a value that begins with @"
            )
        }),
    }
}

/// `name=env:VARIABLE` or `name=file:PATH` of a retriever's secret.
///
/// # Errors
/// It has another shape, or the variable or file can't be read.
pub fn secret(text: &str) -> Parsed<(String, Secret)> {
    let (name, place) = pair(text, "password=env:DB_PASSWORD")?;
    Ok((name, secret_value(place)?))
}

/// The secret that `env:VARIABLE` or `file:PATH` (without its last line break) holds.
///
/// # Errors
/// It has another shape, or the variable or file can't be read. The message
/// never holds a secret that was written where its place should stand.
pub fn secret_value(place: &str) -> Parsed<Secret> {
    match place.split_once(':') {
        Some(("env", variable)) => std::env::var(variable).map(Secret::new).map_err(|error| {
            format!("the variable {variable:?} can't be read: {error}; set it first")
        }),
        Some(("file", path)) => std::fs::read_to_string(path)
            .map(|text| {
                Secret::new(
                    text.strip_suffix('\n')
                        .unwrap_or(&text)
                        .trim_end_matches('\r')
                        .to_owned(),
                )
            })
            .map_err(|error| format!("the file {path:?} can't be read: {error}")),
        _ => Err(NOT_A_PLACE.into()),
    }
}

fn pair<'a>(text: &'a str, example: &str) -> Parsed<(String, &'a str)> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value)),
        _ => Err(format!("write NAME=VALUE, such as {example}")),
    }
}
