//! What the process asks of the system at its start: all the open files that it may have, and
//! no core dumps.

use rustix::process::{
    DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit,
};

/// Open files of a node besides its connections: listeners, other nodes, plugins.
const OTHER_FILES: u64 = 256;

/// Raises the limit of open files to the highest that the process may set, and warns if one
/// listener could fill it.
pub(super) fn raise_open_files(most_connections: u32) {
    let before = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: before.maximum, maximum: before.maximum };
    if let Err(problem) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%problem, "The limit of open files can't be raised");
    }
    let wanted = u64::from(most_connections) + OTHER_FILES;
    if let Some(limit) = getrlimit(Resource::Nofile).current.filter(|limit| *limit < wanted) {
        tracing::warn!(
            limit,
            wanted,
            "The limit of open files is too low for max-connections: raise the hard limit (LimitNOFILE= in systemd, ulimit -Hn), or lower max-connections"
        );
    }
}

/// Keeps keys, values and secrets out of core dumps. Where that fails, a crash may write one, and
/// the node runs all the same.
pub(super) fn without_core_dumps() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let _ = setrlimit(Resource::Core, none);
    // A core dump that is piped to a program is not limited by its size.
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}
