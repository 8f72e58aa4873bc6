//! Which commands of a connection may run at a time. A command never overtakes an earlier one
//! that has a key in common with it, if one of the two changes the key.

use bytes::Bytes;

use super::command::Command;

/// The keys that a command touches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Touch<K> {
    Nothing,
    Read(K),
    ReadMany,
    Change(K),
    ChangeMany,
}

impl<'a> Touch<&'a [u8]> {
    pub(super) fn of(command: &Command<'a>) -> Self {
        match command {
            Command::Get { key }
            | Command::TimeToLive { key, .. }
            | Command::MemoryUsage { key } => Self::Read(key),
            Command::GetMany { .. } | Command::Exists { .. } | Command::Count => Self::ReadMany,
            Command::Set { key, .. } => Self::Change(key),
            Command::Remove { keys } => match (keys.len(), keys.get(0)) {
                (1, Some(key)) => Self::Change(key),
                _ => Self::ChangeMany,
            },
            Command::SetMany { .. } | Command::Clear => Self::ChangeMany,
            _ => Self::Nothing,
        }
    }

    pub(super) fn to_owned(&self) -> Touch<Bytes> {
        match self {
            Self::Nothing => Touch::Nothing,
            Self::Read(key) => Touch::Read(Bytes::copy_from_slice(key)),
            Self::ReadMany => Touch::ReadMany,
            Self::Change(key) => Touch::Change(Bytes::copy_from_slice(key)),
            Self::ChangeMany => Touch::ChangeMany,
        }
    }

    /// Whether the command has to wait until `running` has ended.
    pub(super) fn waits_for(&self, running: &Touch<Bytes>) -> bool {
        match (self, running) {
            (Self::Nothing, _) | (_, Touch::Nothing) => false,
            (Self::Read(_), Touch::Read(_) | Touch::ReadMany) => false,
            (Self::ReadMany, Touch::Read(_)) => false,
            (Self::Read(key), Touch::Change(other))
            | (Self::Change(key), Touch::Read(other) | Touch::Change(other)) => key == other,
            (Self::ChangeMany, _)
            | (_, Touch::ChangeMany)
            | (Self::ReadMany, Touch::Change(_))
            | (Self::Change(_), Touch::ReadMany) => true,
            // The answer of each can be long, so one is made at a time.
            (Self::ReadMany, Touch::ReadMany) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_could_be_seen_in_another_order_waits() {
        use Touch::{Change, ChangeMany, Nothing, Read, ReadMany};
        let (a, b): (&[u8], &[u8]) = (b"a", b"b");
        let all = [Nothing, Read(a), ReadMany, Change(a), Change(b), ChangeMany];
        let waits = |touch: &Touch<&[u8]>| {
            all.iter().map(|running| touch.waits_for(&running.to_owned())).collect::<Vec<_>>()
        };
        let (no, yes) = (false, true);
        assert_eq!(waits(&Nothing), [no; 6]);
        assert_eq!(waits(&Read(a)), [no, no, no, yes, no, yes]);
        assert_eq!(waits(&ReadMany), [no, no, yes, yes, yes, yes]);
        assert_eq!(waits(&Change(a)), [no, yes, yes, yes, no, yes]);
        assert_eq!(waits(&ChangeMany), [no, yes, yes, yes, yes, yes]);
    }
}
