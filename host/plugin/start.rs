//! The errors of instantiating a plugin, and the text of a plugin's refusal.

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
    /// The error for an operator who loads a plugin.
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

    /// The error for a caller that needs another instance of a plugin that worked before.
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
        Failure::AddressSpace => "",
        Failure::Deadline { .. } => "; mend its start or its `configure`",
        _ => "; what it printed stands in the log",
    }
}

/// The text of a refusal. Beside the refused option, a plugin may list the options that it has,
/// as the built-in plugins do.
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
