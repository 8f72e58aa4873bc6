//! The events of a check: what a policy is told, step by step, and the file that keeps it.
//!
//! The file has one JSON object a line: first the configuration and the rule, then the steps.
//! Each part of a script can be left out and the rest is still a script that a node could
//! send, which is what makes shrinking possible: a slot is admitted or overwritten according
//! to what the policy holds when the script runs, and unknown slots may be touched or removed.

use std::collections::BTreeSet;
use std::fmt::Write;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::policy::{Attributes, Batch, PolicyConfig};

/// An entry that is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stored {
    pub(super) slot: u32,
    /// The number of its key: its hash follows from it.
    pub(super) key: u64,
    pub(super) weight: u32,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) cost_us: u32,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) ttl_ms: u32,
}

impl Stored {
    /// Spreads the keys over the 53 bits of a hash; distinct keys stay distinct.
    pub(super) fn hash(self) -> u64 {
        self.key.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

/// One call of `step`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Step {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) touched: Vec<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) removed: Vec<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) admitted: Vec<Stored>,
    pub(super) need: u64,
    pub(super) now: u64,
}

impl Step {
    /// A step that only asks for victims.
    pub(super) fn asking(need: u64, now: u64) -> Self {
        Self { need, now, ..Self::default() }
    }

    /// Whether nothing happened since the step before.
    pub(super) fn is_quiet(&self) -> bool {
        self.touched.is_empty() && self.removed.is_empty() && self.admitted.is_empty()
    }

    /// The lists of the contract.
    pub(super) fn batch(&self) -> Batch {
        let mut batch = Batch::default();
        batch.touched.extend(&self.touched);
        batch.removed.extend(&self.removed);
        for stored in &self.admitted {
            let Stored { slot, weight, cost_us, ttl_ms, .. } = *stored;
            batch.admit(slot, stored.hash(), Attributes { weight, cost_us, ttl_ms });
        }
        batch
    }
}

/// A configuration and all steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Script {
    pub(super) setup: Setup,
    pub(super) steps: Vec<Step>,
}

/// What a policy is configured with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Setup {
    pub(super) capacity: u64,
    pub(super) max_entries: u32,
    pub(super) max_victims: u32,
    pub(super) seed: u64,
    #[serde(default)]
    pub(super) options: Vec<(String, String)>,
}

impl Setup {
    pub(super) fn config(&self) -> PolicyConfig {
        PolicyConfig {
            capacity: self.capacity,
            max_entries: self.max_entries,
            max_victims: self.max_victims,
            seed: self.seed,
            options: self.options.clone(),
        }
    }
}

/// The first line of a file.
#[derive(Serialize, Deserialize)]
struct Head {
    rule: String,
    #[serde(flatten)]
    setup: Setup,
}

impl Script {
    /// The text of a file that says how `rule` is broken.
    pub(super) fn text(&self, rule: &str) -> serde_json::Result<String> {
        let head = Head { rule: rule.into(), setup: self.setup.clone() };
        let mut text = serde_json::to_string(&head)?;
        for step in &self.steps {
            // Writing to a string does not fail.
            let _ = write!(text, "\n{}", serde_json::to_string(step)?);
        }
        Ok(text + "\n")
    }

    /// Reads such a text: the rule, and the script.
    ///
    /// # Errors
    /// Names the line and what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<(String, Self)> {
        let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let (_, first) = lines.next().context(
            "the file is empty; give one that `psycache policy check` wrote for a failure",
        )?;
        let Head { rule, setup } = serde_json::from_str(first).context("line 1")?;
        let mut script = Self { setup, steps: Vec::new() };
        ensure!(script.setup.max_victims > 0, "line 1: max-victims must be at least 1");
        let mut now = 0;
        for (at, line) in lines {
            let line_number = at + 1;
            let step: Step =
                serde_json::from_str(line).with_context(|| format!("line {line_number}"))?;
            script.check(&step, now).with_context(|| format!("line {line_number}"))?;
            now = step.now;
            script.steps.push(step);
        }
        Ok((rule, script))
    }

    /// What a node guarantees to a policy.
    fn check(&self, step: &Step, now: u64) -> Result<()> {
        let bound = self.setup.max_entries;
        let slots = step.admitted.iter().map(|stored| stored.slot);
        let all = step.touched.iter().chain(&step.removed).copied().chain(slots.clone());
        if let Some(slot) = all.into_iter().find(|slot| *slot >= bound) {
            anyhow::bail!("slot {slot} must be below max-entries, which is {bound}");
        }
        let distinct: BTreeSet<u32> = slots.collect();
        ensure!(distinct.len() == step.admitted.len(), "a slot is admitted twice in one step");
        let is_weightless = step.admitted.iter().any(|stored| stored.weight == 0);
        ensure!(!is_weightless, "a weight must be at least 1");
        ensure!(step.now >= now, "now must not go back: it was {now} before");
        Ok(())
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script() -> Script {
        let setup =
            Setup { capacity: 9, max_entries: 4, max_victims: 2, seed: 7, options: Vec::new() };
        let stored = Stored { slot: 3, key: 5, weight: 1, cost_us: 0, ttl_ms: 9 };
        let first = Step { admitted: vec![stored], now: 1, ..Step::default() };
        let second =
            Step { touched: vec![3, 3], removed: vec![1], need: 4, now: 2, ..Step::default() };
        Script { setup, steps: vec![first, second] }
    }

    #[test]
    fn a_file_says_the_same_again() {
        let text = script().text("need").unwrap();
        assert_eq!(text.lines().count(), 3, "{text}");
        assert_eq!(Script::parse(&text).unwrap(), ("need".to_owned(), script()));
    }

    #[test]
    fn what_no_node_would_send_is_refused_with_its_line() {
        let good = script().text("need").unwrap();
        for (from, to, why) in [
            (r#""slot":3"#, r#""slot":4"#, "line 2: slot 4 must be below max-entries, which is 4"),
            (r#""weight":1"#, r#""weight":0"#, "line 2: a weight must be at least 1"),
            (r#""now":2"#, r#""now":0"#, "line 3: now must not go back: it was 1 before"),
            (r#""need":4"#, r#""needs":4"#, "line 3: unknown field `needs`"),
            (r#""max-victims":2"#, r#""max-victims":0"#, "line 1: max-victims must be at least 1"),
        ] {
            assert!(good.contains(from));
            let error = Script::parse(&good.replace(from, to)).unwrap_err();
            assert!(format!("{error:#}").contains(why), "{error:#}");
        }
        assert!(Script::parse("").unwrap_err().to_string().contains("the file is empty"));
    }
}
