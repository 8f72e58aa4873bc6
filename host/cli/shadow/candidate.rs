//! A policy to try, as it is written on the command line and sent to a node.

use std::str::FromStr;

use bytes::Bytes;

use crate::cli::policy::chunks::chunks;
use crate::config::text::{Parsed, PolicyText};
use crate::plugin::{LoadError, Plugin};
use crate::proto::ShadowPolicy;
use crate::proto::start_shadow_request::Part;

/// A policy with its options: `lruk?k=3&history=2`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate(PolicyText);

impl FromStr for Candidate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse().map(Self)
    }
}

impl Candidate {
    /// The messages that send it. A file is read here.
    ///
    /// # Errors
    /// There is no such plugin.
    pub(super) fn parts(self) -> Result<Vec<Part>, LoadError> {
        let PolicyText { name, options } = self.0;
        let plugin = Plugin::resolve(&name)?;
        let is_builtin = plugin.is_builtin();
        let policy = ShadowPolicy {
            name: plugin.name().into(),
            // A built-in is sent as its name, because the node has the component itself.
            sha256: if is_builtin { String::new() } else { plugin.sha256().into() },
            options: options.into_iter().collect(),
        };
        let component =
            if is_builtin { Bytes::new() } else { Bytes::copy_from_slice(plugin.bytes()) };
        let chunks = chunks(&component).map(Part::Component);
        Ok(std::iter::once(Part::Policy(policy)).chain(chunks).collect())
    }
}

/// A multiple of the group's capacity: `0.5x`.
pub(super) fn times(text: &str) -> Parsed<f64> {
    let times = text.strip_suffix('x').and_then(|number| number.parse::<f64>().ok());
    times.filter(|times| (0.01..=100.0).contains(times)).ok_or_else(|| {
        "write a multiple of the group's capacity from 0.01x to 100x, such as 0.5x or 2x".into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capacity_is_a_multiple() {
        assert_eq!([times("0.5x"), times("2x")], [Ok(0.5), Ok(2.0)]);
        for wrong in ["", "x", "1", "0x", "-1x", "NaNx", "infx", "1000x", "64MiB"] {
            assert!(times(wrong).is_err(), "{wrong}");
        }
    }
}
