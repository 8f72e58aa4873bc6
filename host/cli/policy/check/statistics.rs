//! The rule about a policy's own statistics: each has a name and a number.

use std::collections::BTreeSet;

use super::drive::Driver;
use super::report::Finding;
use super::script::Script;
use super::subject::Subject;
use crate::plugin::Outside;
use crate::policy::{Failure, Policy};

/// Reads the statistics when a script has run.
pub(super) fn judge(subject: &Subject, script: &Script) -> Result<Finding, Failure> {
    let mut driver = Driver::new(subject, &script.setup, Outside::default())?;
    driver.run(&script.steps);
    let told = driver.policy().statistics()?;
    if told.is_empty() {
        return Ok(Finding::pass("it has none"));
    }
    let mut names = BTreeSet::new();
    for (name, value) in &told {
        let is_name = !name.is_empty() && !name.chars().any(char::is_control);
        let wrong = match () {
            () if !is_name => "its name is empty or has a control character",
            () if !names.insert(name) => "its name is given twice",
            () if !value.is_finite() => "its value is no finite number",
            () => continue,
        };
        return Ok(Finding::failure(format!(
            "the node leaves out {}={value}: {wrong}",
            name.escape_debug()
        )));
    }
    let names: Vec<&str> = names.into_iter().map(String::as_str).collect();
    Ok(Finding::pass(format!("it has {}", names.join(", "))))
}
