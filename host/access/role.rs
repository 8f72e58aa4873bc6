//! Roles, and the groups that a caller has them for.

use std::fmt;
use std::str::FromStr;

use super::pattern::Pattern;

/// What a caller may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Get values.
    Read,
    /// Set and remove values.
    Write,
    /// Clear a group.
    Clear,
    /// See the status, swap policies, try them, reload.
    Admin,
    /// Read the page of metrics. [`Admin`](Self::Admin) for all groups may do that, too.
    Metrics,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 5] = [Self::Read, Self::Write, Self::Clear, Self::Admin, Self::Metrics];

    /// Its name in the file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Clear => "clear",
            Self::Admin => "admin",
            Self::Metrics => "metrics",
        }
    }
}

/// A role for the groups of a pattern, written `read:scores-*`, or `read` for all groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grant {
    role: Role,
    groups: Pattern,
}

impl Grant {
    /// Whether it is `role` for `group`, or for the whole node if that is `None`.
    pub(super) fn allows(&self, role: Role, group: Option<&[u8]>) -> bool {
        let is_role = self.role == role || role == Role::Metrics && self.role == Role::Admin;
        is_role
            && match group {
                Some(group) => self.groups.matches(group),
                None => self.groups.is_all(),
            }
    }
}

#[cfg(feature = "cli")]
impl Grant {
    /// Whether it could be for some groups.
    pub(crate) fn takes_groups(&self) -> bool {
        self.role != Role::Metrics
    }

    /// The same role for the groups of a pattern.
    pub(crate) fn of(&self, groups: Pattern) -> Self {
        Self { role: self.role, groups }
    }
}

impl FromStr for Grant {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, groups) = text.split_once(':').unwrap_or((text, "*"));
        let known = Role::ALL.into_iter().find(|role| role.name() == name);
        let role = known.ok_or_else(|| {
            let known = Role::ALL.map(Role::name).join(", ");
            format!("{name:?} is no role; the roles are {known}, and read:scores-* is one for some groups")
        })?;
        let groups: Pattern = groups.parse()?;
        match role {
            Role::Metrics if !groups.is_all() => {
                Err("the page of metrics is about all groups; write metrics without one".into())
            }
            _ => Ok(Self { role, groups }),
        }
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.groups == Pattern::all() {
            true => f.write_str(self.role.name()),
            false => write!(f, "{}:{}", self.role.name(), self.groups),
        }
    }
}
