//! What a caller needs for each command.

use super::client::ClientCommand;
use super::command::Command;
use crate::access::Role;

/// What a caller needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    /// Nothing: with these a caller says who it is, and ends.
    Nothing,
    /// Any role.
    Account,
    /// The role for the selected group.
    Group(Role),
    /// The role for all groups.
    Node(Role),
}

impl Needs {
    /// What `command` needs.
    pub(super) fn of(command: &Command<'_>) -> Self {
        match command {
            Command::Get { .. }
            | Command::GetMany { .. }
            | Command::Exists { .. }
            | Command::TimeToLive { .. }
            | Command::MemoryUsage { .. }
            | Command::Count => Self::Group(Role::Read),
            Command::Set { .. } | Command::SetMany { .. } | Command::Remove { .. } => {
                Self::Group(Role::Write)
            }
            Command::Clear => Self::Group(Role::Clear),
            // What exporters ask for.
            Command::ConfigGet { .. } | Command::Info { .. } => Self::Node(Role::Metrics),
            Command::Client(ClientCommand::List) => Self::Node(Role::Admin),
            Command::Client(_)
            | Command::Ping { .. }
            | Command::Echo { .. }
            | Command::Select { .. }
            | Command::About { .. }
            | Command::AboutCount
            | Command::AboutDocs { .. } => Self::Account,
            Command::Auth { .. }
            | Command::Hello { .. }
            | Command::Reset
            | Command::Quit
            | Command::Http => Self::Nothing,
        }
    }
}
