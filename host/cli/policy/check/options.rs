//! The rule about options: one that a policy does not have is refused, and each that it has
//! refuses some value. An option whose value is any text can't know nonsense.

use std::sync::Arc;

use super::report::Finding;
use super::script::Setup;
use super::subject::Subject;
use crate::plugin::Outside;
use crate::policy::{Failure, Keys};

/// No policy has an option of this name.
const NO_OPTION: &str = "no-such-option";
/// Values that are wrong for numbers of all kinds.
const NONSENSE: [&str; 4] = ["", "nonsense", "-1e309", "18446744073709551616"];

/// Configures the policy with an option that does not exist, and gives its known options invalid
/// values.
pub(super) fn judge(subject: &Subject, setup: &Setup) -> Finding {
    let refusal = match configured(subject, setup, NO_OPTION, "1") {
        Err(Failure::Refused(refusal)) => refusal,
        Ok(()) => {
            return Finding::failure(format!(
                "it takes an option that it does not have ({NO_OPTION}): a typing error would \
                 go unnoticed"
            ));
        }
        Err(failure) => {
            return Finding::failure(format!("given an option that it does not have it {failure}"));
        }
    };
    let known = known(&refusal);
    let mut taken = Vec::new();
    for name in &known {
        let mut refused = 0;
        for value in NONSENSE {
            match configured(subject, setup, name, value) {
                Ok(()) => {}
                Err(Failure::Refused(_)) => refused += 1,
                Err(failure) => {
                    return Finding::failure(format!("given {name}={value:?} it {failure}"));
                }
            }
        }
        if refused == 0 {
            taken.push(name.as_str());
        }
    }
    let seen = match known.is_empty() {
        true => format!("an unknown one is refused: {refusal}"),
        false => format!("unknown ones are refused, and so is nonsense for {}", known.join(", ")),
    };
    match taken.is_empty() {
        true => Finding::pass(seen),
        false => Finding::warning(format!("no value is wrong for {}", taken.join(", "))),
    }
}

/// Configures an instance with the options of the check, and this one.
fn configured(subject: &Subject, setup: &Setup, name: &str, value: &str) -> Result<(), Failure> {
    let mut config = setup.config();
    config.options.retain(|(given, _)| given != name);
    config.options.push((name.into(), value.into()));
    subject.instance(&config, Arc::new(Nobody), Outside::default()).map(drop)
}

/// The names that the contract asks a policy to tell: `kk (known: k, history)`.
fn known(refusal: &str) -> Vec<String> {
    let list = refusal.split_once("(known: ").and_then(|(_, rest)| rest.split_once(')'));
    let names = list.map_or("", |(names, _)| names).split(", ");
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

struct Nobody;

impl Keys for Nobody {
    fn key(&self, _slot: u32) -> Option<String> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_tells_the_names() {
        assert_eq!(known("it has no option kk (known: k, history)"), ["k", "history"]);
        assert_eq!(known("it has no option kk (there are no options)"), [""; 0]);
    }
}
