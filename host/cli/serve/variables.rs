//! Warns of variables of the environment that look like settings and are none.

use std::io::{self, Write};

use crate::config::text::nearest;

/// What all variables of this program begin with.
const PREFIX: &str = "PSYCACHE_";

/// Variables that Kubernetes sets for a service called `psycache`.
const OF_KUBERNETES: [&str; 2] = ["PSYCACHE_PORT", "PSYCACHE_SERVICE_"];

/// Variables of other commands.
const OF_CLIENTS: [&str; 2] = ["PSYCACHE_NODE", "PSYCACHE_TIMEOUT"];

/// Names each variable that is none of `command`, on standard error. This is no error: an
/// orchestrator may set variables that nobody asked for.
pub(super) fn warn_of_unknown(command: &clap::Command) {
    let ours = command.get_arguments().filter_map(|arg| arg.get_env()?.to_str());
    let known: Vec<&str> = ours.chain(OF_CLIENTS).collect();
    for (name, value) in std::env::vars_os() {
        let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else { continue };
        let is_known = known.contains(&name) || value.is_empty();
        if is_known || OF_KUBERNETES.iter().any(|prefix| name.starts_with(prefix)) {
            continue;
        }
        let mend = match nearest(name, known.iter().copied()) {
            Some(near) => format!("did you mean {near}?"),
            None => "psycache serve --help lists those that are".into(),
        };
        // A failure to write this can't be reported anywhere.
        let _ = writeln!(io::stderr(), "warning: {name} is no setting; {mend}");
    }
}
