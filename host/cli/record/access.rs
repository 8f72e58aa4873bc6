//! One line of a recording, and the sums that stand between the lines.

use std::fmt::Write;

use crate::proto::{RecordedAccess, RecordedOperation};

/// The columns of a line. The key is the last, so that a comma in it does no harm.
pub(super) const COLUMNS: &str = "time_ms,op,size,ttl_ms,load_us,key";

/// What is known of all keys of the group, sampled or not, since the recording began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    pub(super) gets: u64,
    pub(super) found: u64,
    pub(super) lost: u64,
}

/// Appends the line of an access.
pub(super) fn write(access: &RecordedAccess, plain_keys: bool, lines: &mut String) {
    let operation = match access.operation() {
        RecordedOperation::Hit => "get",
        RecordedOperation::Miss => "miss",
        RecordedOperation::Loaded => "load",
        RecordedOperation::Set => "set",
        RecordedOperation::Removed => "remove",
        RecordedOperation::Cleared => "clear",
        // Of a later version; what can't be named can't be replayed.
        RecordedOperation::Unspecified => return,
    };
    let RecordedAccess { at_ms, size, ttl_ms, load_us, hash, key, .. } = access;
    // Writing to a string can't fail.
    let _ = write!(lines, "{at_ms},{operation},{size},{ttl_ms},{load_us},");
    if access.operation() == RecordedOperation::Cleared {
        lines.push('-');
    } else if plain_keys {
        // A line break would end the line.
        for c in String::from_utf8_lossy(key).chars() {
            match c {
                '\n' => lines.push_str("\\n"),
                '\r' => lines.push_str("\\r"),
                '\\' => lines.push_str("\\\\"),
                c => lines.push(c),
            }
        }
    } else {
        let _ = write!(lines, "{hash:016x}");
    }
    lines.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_a_hash_or_a_key_without_line_breaks() {
        let access = RecordedAccess {
            operation: RecordedOperation::Loaded.into(),
            at_ms: 7,
            hash: 0xab,
            key: "a,b\n\\n".into(),
            size: 130,
            ttl_ms: 500,
            load_us: 9,
        };
        let mut lines = String::new();
        write(&access, false, &mut lines);
        write(&access, true, &mut lines);
        let cleared = RecordedOperation::Cleared.into();
        write(&RecordedAccess { operation: cleared, ..access }, true, &mut lines);
        let expected = "7,load,130,500,9,00000000000000ab\n7,load,130,500,9,a,b\\n\\\\n\n\
                        7,clear,130,500,9,-\n";
        assert_eq!(lines, expected);
    }
}
