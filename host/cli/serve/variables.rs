//! Warns of environment variables that look like settings and are not.

use std::io::{self, Write};

use crate::config::variable;
use crate::nearest::nearest;

/// What all variables of this program begin with.
const PREFIX: &str = "PSYCACHE_";

/// Variables that Kubernetes sets for a service called `psycache`.
const OF_KUBERNETES: [&str; 2] = ["PSYCACHE_PORT", "PSYCACHE_SERVICE_"];

/// Prints a warning for each variable that no command reads. This is no error: an
/// orchestrator may set variables that nobody asked for.
pub(super) fn warn_of_unknown(commands: &[clap::Command]) {
    let args = commands.iter().flat_map(clap::Command::get_arguments);
    let known: Vec<String> = args.filter_map(variable).collect();
    for (name, value) in std::env::vars_os() {
        let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else { continue };
        let is_known = known.iter().any(|known| known == name) || value.is_empty();
        if is_known || OF_KUBERNETES.iter().any(|prefix| name.starts_with(prefix)) {
            continue;
        }
        let mend = match nearest(name, known.iter().map(String::as_str)) {
            Some(near) => format!("did you mean {near}?"),
            None => "see psycache serve --help for the variables of all settings".into(),
        };
        // A failure to write this can't be reported anywhere.
        let _ = writeln!(io::stderr(), "warning: {name} is no setting; {mend}");
    }
}
