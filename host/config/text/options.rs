//! Reads the values of options and secrets from where they refer to: `@FILE`, `env:NAME`.

use std::fs::File;
use std::io::Read;

use super::folder;

/// Most bytes of a file that is read as an option or a secret.
const LARGEST_FILE: u64 = 64 << 20;

/// Why a value can't be read. No message contains a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum OptionError {
    /// The text is not `NAME=VALUE`.
    #[error("{0:?} is no option; write NAME=VALUE")]
    NoPair(String),
    /// The text is not `NAME=env:…` or `NAME=file:…`.
    #[error(
        "the secret {0} must not stand in the open; \
         write {0}=env:NAME for a variable of the environment, or {0}=file:PATH"
    )]
    InTheOpen(String),
    /// The variable can't be used.
    #[error("{what} comes from the variable {variable}, which {problem}; export it for the node")]
    Variable {
        /// The option or secret.
        what: String,
        /// Name of the variable.
        variable: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The file can't be used.
    #[error("{what} comes from the file {path}: {problem}")]
    File {
        /// The option or secret.
        what: String,
        /// The file.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
}

/// Splits `NAME=VALUE`.
///
/// # Errors
/// [`OptionError::NoPair`].
pub(super) fn parse_pair(text: &str) -> Result<(String, String), OptionError> {
    match text.split_once('=') {
        // `k = 2` means `k=2`. A value keeps its spaces where the name has none behind it.
        Some((name, value)) if !name.trim().is_empty() => match name.trim_end() == name {
            true => Ok((name.trim_start().into(), value.into())),
            false => Ok((name.trim().into(), value.trim_start().into())),
        },
        // The error contains only the name, because the value may be a secret.
        _ => Err(OptionError::NoPair(text.split('=').next().unwrap_or("").into())),
    }
}

/// The value of the option `name`. `@FILE` is the content of that file, `@@…` is a text that
/// begins with `@`, and any other text is the value itself.
///
/// # Errors
/// [`OptionError::File`].
pub(super) fn expand(name: &str, value: &str) -> Result<String, OptionError> {
    match value.strip_prefix('@') {
        None => Ok(value.into()),
        Some(rest) if rest.starts_with('@') => Ok(rest.into()),
        Some(path) => read(&format!("the option {name}"), path),
    }
}

/// The value of the secret `name`. `env:NAME` is an environment variable, and `file:PATH` is
/// the content of a file without the newline at its end.
///
/// # Errors
/// [`OptionError::InTheOpen`], [`OptionError::Variable`] or [`OptionError::File`].
pub(super) fn reveal(name: &str, source: &str) -> Result<String, OptionError> {
    reveal_from(name, source, |variable| std::env::var(variable))
}

fn reveal_from(
    name: &str,
    source: &str,
    variables: impl Fn(&str) -> Result<String, std::env::VarError>,
) -> Result<String, OptionError> {
    let what = format!("the secret {name}");
    if let Some(variable) = source.strip_prefix("env:") {
        let wrong = |problem| OptionError::Variable { what, variable: variable.into(), problem };
        return match variables(variable) {
            Ok(value) => Ok(value),
            Err(std::env::VarError::NotPresent) => Err(wrong("is not set")),
            Err(std::env::VarError::NotUnicode(_)) => Err(wrong("is not UTF-8")),
        };
    }
    let Some(path) = source.strip_prefix("file:") else {
        return Err(OptionError::InTheOpen(name.into()));
    };
    let mut text = read(&what, path)?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(text)
}

fn read(what: &str, path: &str) -> Result<String, OptionError> {
    let path = folder::path(path);
    let shown = path.display().to_string();
    let wrong =
        |problem: String| OptionError::File { what: what.into(), path: shown.clone(), problem };
    let failed = |error: std::io::Error| wrong(format!("{error}; check the path"));
    let file = File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.is_dir() {
        return Err(wrong("it is a directory".into()));
    }
    // Room for all of it: a buffer that grows leaves copies behind, which may be a secret's. The
    // size of a device or a pipe is not known before it is read.
    let size = file.metadata().map_err(failed)?.len().min(LARGEST_FILE);
    let mut bytes = Vec::with_capacity(size as usize + 1);
    file.take(LARGEST_FILE + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(wrong(format!("it is longer than the {LARGEST_FILE} bytes that are read")));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        wrong(format!("it is not UTF-8 from byte {at} on"))
    })
}

#[cfg(test)]
mod tests {
    use std::env::VarError;
    use std::io::Write;

    use super::*;

    fn file(content: &[u8]) -> (tempfile::NamedTempFile, String) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content).unwrap();
        let path = file.path().to_str().unwrap().to_owned();
        (file, path)
    }

    #[test]
    fn a_pair_is_cut_at_the_first_sign() {
        assert_eq!(parse_pair("dsn=a=b"), Ok(("dsn".into(), "a=b".into())));
        assert_eq!(parse_pair("empty="), Ok(("empty".into(), String::new())));
        assert_eq!(
            parse_pair("k").unwrap_err().to_string(),
            "\"k\" is no option; write NAME=VALUE"
        );
        assert!(parse_pair("=v").is_err());
    }

    #[test]
    fn an_option_is_itself_or_a_file() {
        let (_file, path) = file(b"key,value\nTom,630\n");
        assert_eq!(expand("data", "plain").unwrap(), "plain");
        assert_eq!(expand("data", &format!("@{path}")).unwrap(), "key,value\nTom,630\n");
        assert_eq!(expand("data", "@@tom").unwrap(), "@tom");
        assert_eq!(expand("data", "a@b").unwrap(), "a@b");
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named_with_its_option() {
        let text = expand("data", "@./no/such.csv").unwrap_err().to_string();
        assert!(text.starts_with("the option data comes from the file ./no/such.csv: "), "{text}");
        let (_file, path) = file(b"ab\xff");
        let text = expand("data", &format!("@{path}")).unwrap_err().to_string();
        assert!(text.ends_with("it is not UTF-8 from byte 2 on"), "{text}");
        let folder = tempfile::tempdir().unwrap();
        let text = expand("data", &format!("@{}", folder.path().display())).unwrap_err();
        assert!(text.to_string().ends_with("it is a directory"), "{text}");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_without_an_end_is_not_read_to_it() {
        let text = expand("data", "@/dev/zero").unwrap_err().to_string();
        assert!(text.contains("it is longer than the 67108864 bytes"), "{text}");
    }

    #[test]
    fn a_secret_comes_from_a_file_or_a_variable() {
        for (content, secret) in [
            (b"hunter2\n".as_slice(), "hunter2"),
            (b"hunter2\r\n", "hunter2"),
            (b"hunter2\n\n", "hunter2\n"),
            (b"hunter2", "hunter2"),
        ] {
            let (_file, path) = file(content);
            assert_eq!(reveal("password", &format!("file:{path}")).unwrap(), secret);
        }
        let set = |name: &str| match name {
            "DB_PASSWORD" => Ok("hunter2".to_owned()),
            _ => Err(VarError::NotPresent),
        };
        assert_eq!(reveal_from("password", "env:DB_PASSWORD", set).unwrap(), "hunter2");
        let text = reveal_from("password", "env:DB_PASS", set).unwrap_err().to_string();
        assert!(text.contains("the variable DB_PASS, which is not set"), "{text}");
    }

    #[test]
    fn a_secret_in_the_open_is_refused_and_not_repeated() {
        let text = reveal("password", "hunter2").unwrap_err().to_string();
        assert!(text.contains("write password=env:NAME"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
}
