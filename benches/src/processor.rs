//! The processor time of other processes, as Linux counts it.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// Of all threads of the process with this number so far. Those of a server live as
/// long as it does.
pub(crate) fn time(process: u32) -> Result<Duration> {
    let threads = format!("/proc/{process}/task");
    let mut nanos = 0;
    for thread in fs::read_dir(threads).context("processor time is read from /proc")? {
        // A thread may end meanwhile.
        let Ok(text) = fs::read_to_string(thread?.path().join("schedstat")) else { continue };
        let on_processor = text.split(' ').next().context("schedstat has fields")?;
        nanos += on_processor.parse::<u64>().context("schedstat counts nanoseconds")?;
    }
    Ok(Duration::from_nanos(nanos))
}

/// Of the children of this process that have ended and were waited for, to a hundredth of a
/// second.
pub(crate) fn of_ended_children() -> Result<Duration> {
    let stat = fs::read_to_string("/proc/self/stat").context("times are read from /proc")?;
    // The name before may have blanks. Behind it, from the third field on: 16 and 17.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks = fields.skip(13).take(2).map(str::parse::<u64>);
    let ticks: u64 = ticks.sum::<Result<u64, _>>().context("stat counts ticks")?;
    // What the kernel counts for programs on every platform that it has.
    Ok(Duration::from_millis(ticks * 10))
}
