//! What setting up an instance can fail with, and how a plugin's refusal reads.

use super::contract::ConfigError;
use super::{LoadError, Plugin, builtin};
use crate::policy::Failure;

/// Why there is no instance.
pub(super) enum StartError {
    /// A function is not of the contract's type.
    Shape {
        interface: &'static str,
        problem: String,
    },
    Failed(Failure),
}

impl From<Failure> for StartError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl StartError {
    /// As the operator reads it who loads a plugin.
    pub(super) fn loading(self, plugin: &Plugin) -> LoadError {
        let plugin = plugin.name().to_owned();
        match self {
            Self::Shape { interface, problem } => LoadError::OtherShape {
                plugin,
                interface,
                problem,
            },
            Self::Failed(Failure::Refused(problem)) => LoadError::Refused { plugin, problem },
            Self::Failed(failure) => {
                let mend = mend(&failure);
                LoadError::Start {
                    plugin,
                    failure,
                    mend,
                }
            }
        }
    }

    /// As the caller sees it who wants one more instance of a plugin that worked.
    pub(super) fn failure(self) -> Failure {
        match self {
            Self::Shape { interface, problem } => Failure::Trap(format!("{interface}: {problem}")),
            Self::Failed(failure) => failure,
        }
    }
}

fn mend(failure: &Failure) -> &'static str {
    match failure {
        Failure::Memory { .. } => "; raise its memory limit, or lower max-entries",
        Failure::Deadline { .. } => "; mend its start or its `configure`",
        _ => "; what it printed stands in the log",
    }
}

/// A refusal for the operator. `known`: the plugin's options, if anybody knows them.
pub(super) fn refusal(error: ConfigError, known: &[&str]) -> String {
    match error {
        ConfigError::UnknownOption(name) => {
            let nearest = builtin::nearest(&name, known.iter().copied());
            let hint = nearest
                .map(|near| format!("; did you mean {near}?"))
                .unwrap_or_default();
            format!("it has no option {name:?}{hint}{}", options(known))
        }
        ConfigError::InvalidValue(bad) => {
            format!(
                "the value of option {:?} is wrong: {}",
                bad.name, bad.problem
            )
        }
        ConfigError::MissingOption(name) => {
            format!("the option {name:?} is missing{}", options(known))
        }
    }
}

fn options(known: &[&str]) -> String {
    if known.is_empty() {
        String::new()
    } else {
        format!(" (it has {})", known.join(", "))
    }
}
