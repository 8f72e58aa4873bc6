//! A request to read the settings again, on its way to the program that reads them.

use tokio::sync::oneshot;

use crate::server::Reloaded;

/// A request of an operator to read the settings again. Dropping it tells the operator that
/// the node is stopping.
#[derive(Debug)]
pub struct ReloadRequest {
    pub(super) reply: oneshot::Sender<Result<Reloaded, String>>,
}

impl ReloadRequest {
    /// Answers it: what has changed, or what is wrong with the settings.
    pub fn answer(self, result: Result<Reloaded, String>) {
        // The operator may have stopped waiting.
        let _ = self.reply.send(result);
    }
}
