//! What setting up an instance can fail with, and how a plugin's refusal reads.

use super::contract::ConfigError;
use super::one_line::one_line;
use super::{LoadError, Plugin};
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
            Self::Shape { interface, problem } => {
                LoadError::OtherShape { plugin, interface, problem }
            }
            Self::Failed(Failure::Refused(problem)) => LoadError::Refused { plugin, problem },
            Self::Failed(failure) => {
                let mend = mend(&failure);
                LoadError::Start { plugin, failure, mend }
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

/// A refusal for the operator. A plugin may list beside an option's name those
/// that it has, as the built-in ones do.
pub(super) fn refusal(error: ConfigError) -> String {
    let refusal = match error {
        ConfigError::UnknownOption(name) => format!("it has no option {name}"),
        ConfigError::InvalidValue(bad) => {
            format!("the value of option {} is wrong: {}", bad.name, bad.problem)
        }
        ConfigError::MissingOption(name) => format!("the option {name} is missing"),
    };
    one_line(&refusal)
}
