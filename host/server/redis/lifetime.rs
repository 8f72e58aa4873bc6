//! The options of SET that say how long a value is kept.

use std::time::{Duration, SystemTime};

use super::refused::{Refused, is};
use super::request::Arguments;

/// How long a value that is set is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lifetime {
    /// As long as the group says.
    OfGroup,
    For(Duration),
    /// It has ended already, so the key is removed.
    Over,
}

/// Options of SET that need the key's present value or deadline, which only its owner knows.
const REFUSED: [(&str, &str); 4] = [
    ("NX", "whether a key has a value is not asked before it is set"),
    ("XX", "whether a key has a value is not asked before it is set"),
    ("GET", "the value before is not known where the new one is set"),
    ("KEEPTTL", "the time to live before is not known where the value is set; give it with EX"),
];

/// Parses the options of SET.
pub(super) fn of_set(options: Arguments<'_>) -> Result<Lifetime, Refused> {
    let mut options = options.iter();
    let mut lifetime = None;
    while let Some(option) = options.next() {
        if let Some((name, why)) = REFUSED.iter().find(|(name, _)| is(option, name)) {
            return Err(Refused::new(format_args!("SET can't have {name} here: {why}")));
        }
        let unit = unit(option).ok_or_else(Refused::syntax)?;
        let number = options.next().ok_or_else(Refused::syntax)?;
        if lifetime.replace(parse("set", unit, number)?).is_some() {
            return Err(Refused::syntax());
        }
    }
    Ok(lifetime.unwrap_or(Lifetime::OfGroup))
}

pub(super) fn in_seconds(command: &str, number: &[u8]) -> Result<Lifetime, Refused> {
    parse(command, Unit::Seconds, number)
}

pub(super) fn in_millis(command: &str, number: &[u8]) -> Result<Lifetime, Refused> {
    parse(command, Unit::Millis, number)
}

#[derive(Clone, Copy)]
enum Unit {
    Seconds,
    Millis,
    /// Seconds since 1970.
    AtSeconds,
    AtMillis,
}

fn unit(option: &[u8]) -> Option<Unit> {
    let units = [
        ("EX", Unit::Seconds),
        ("PX", Unit::Millis),
        ("EXAT", Unit::AtSeconds),
        ("PXAT", Unit::AtMillis),
    ];
    units.into_iter().find(|(name, _)| is(option, name)).map(|(_, unit)| unit)
}

fn parse(command: &str, unit: Unit, number: &[u8]) -> Result<Lifetime, Refused> {
    let number = str::from_utf8(number).ok().and_then(|number| number.parse::<i64>().ok());
    let number = number.ok_or_else(|| Refused::new("value is not an integer or out of range"))?;
    let invalid = || Refused::new(format_args!("invalid expire time in '{command}' command"));
    let number = u64::try_from(number).ok().filter(|number| *number > 0).ok_or_else(invalid)?;
    let (time, is_absolute) = match unit {
        Unit::Seconds => (Duration::from_secs(number), false),
        Unit::Millis => (Duration::from_millis(number), false),
        Unit::AtSeconds => (Duration::from_secs(number), true),
        Unit::AtMillis => (Duration::from_millis(number), true),
    };
    if !is_absolute {
        return Ok(Lifetime::For(time));
    }
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let left = time.saturating_sub(now);
    Ok(if left.is_zero() { Lifetime::Over } else { Lifetime::For(left) })
}

#[cfg(test)]
mod tests {
    use super::super::command::{Command, parse as command};
    use super::super::request::Decoder;
    use super::*;

    /// The lifetime of a SET, written as a line.
    fn set(line: &str) -> Result<Lifetime, String> {
        let input = format!("{line}\n");
        let mut decoder = Decoder::new(1000);
        decoder.decode(input.as_bytes(), true).unwrap().unwrap();
        match command(decoder.arguments(input.as_bytes())) {
            Ok(Command::Set { lifetime, .. }) => Ok(lifetime),
            Ok(other) => panic!("{other:?}"),
            Err(Refused(text)) => Err(text),
        }
    }

    #[test]
    fn each_unit_is_read_in_any_case() {
        assert_eq!(set("SET k v"), Ok(Lifetime::OfGroup));
        assert_eq!(set("set k v ex 10"), Ok(Lifetime::For(Duration::from_secs(10))));
        assert_eq!(set("SET k v PX 10"), Ok(Lifetime::For(Duration::from_millis(10))));
        assert_eq!(set("SETEX k 10 v"), Ok(Lifetime::For(Duration::from_secs(10))));
        assert_eq!(set("PSETEX k 10 v"), Ok(Lifetime::For(Duration::from_millis(10))));
        assert_eq!(set("SET k v EXAT 1"), Ok(Lifetime::Over));
        assert_eq!(set("SET k v PXAT 1"), Ok(Lifetime::Over));
        let Ok(Lifetime::For(left)) = set("SET k v EXAT 9000000000") else { panic!() };
        assert!(left > Duration::from_secs(1_000_000_000), "{left:?}");
    }

    #[test]
    fn what_cant_be_kept_is_refused_in_words() {
        for (line, part) in [
            ("SET k v NX", "SET can't have NX here"),
            ("SET k v EX 1 xx", "SET can't have XX here"),
            ("SET k v GET", "SET can't have GET here"),
            ("SET k v KEEPTTL", "give it with EX"),
            ("SET k v EX", "syntax error"),
            ("SET k v EX 1 PX 1", "syntax error"),
            ("SET k v SOON", "syntax error"),
            ("SET k v EX 0", "invalid expire time in 'set' command"),
            ("SET k v EX -1", "invalid expire time in 'set' command"),
            ("SET k v EX 1.5", "not an integer"),
            ("SETEX k 0 v", "invalid expire time in 'setex' command"),
            ("SET k", "wrong number of arguments for 'set' command"),
            ("GETEX k EX 1", "GETEX can't have options"),
        ] {
            let refused = set(line).unwrap_err();
            assert!(refused.starts_with("ERR ") && refused.contains(part), "{line}: {refused}");
        }
    }
}
