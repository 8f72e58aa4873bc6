//! Hostile plugins, and what becomes of a node that is given them: nothing. The
//! exhibits stand in `tests/plugins/`.

pub(crate) mod exhibits;
mod load;
mod operator;

mod contract;
mod groups;
mod policies;
mod refused;
mod retrievers;
mod sockets;
mod steady;
mod swaps;

/// How often a test does what it does: `default`, or as often as the variable says
/// for a run of hours.
fn rounds(variable: &str, default: usize) -> usize {
    let wanted = std::env::var(variable).ok();
    wanted.map_or(default, |text| text.parse().expect("a number of rounds"))
}

/// A whole number of `/proc/PID/status`: `VmRSS` in KiB, say.
fn proc_status(pid: u32, field: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.unwrap_or_else(|| panic!("no {field} in {status}"))
}
