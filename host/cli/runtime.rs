//! Where a command waits for its work.

/// Runs a client's few calls; one thread is plenty and starts at once.
pub(super) fn wait_for(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    block_on(&runtime, work)
}

#[allow(clippy::disallowed_methods, reason = "the main thread, where a command waits for its work")]
pub(super) fn block_on<T>(runtime: &tokio::runtime::Runtime, work: impl Future<Output = T>) -> T {
    runtime.block_on(work)
}
