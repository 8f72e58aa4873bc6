//! The processor time of another process, as Linux counts it.

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
