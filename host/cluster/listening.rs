//! Those outside of the ring who are told of changes all the same: they asked to
//! be, a moment ago.
//!
//! So it does not matter to a change whose list of nodes is behind: a node that
//! joins is told by those who have not seen it yet, and one that lost the registry
//! by those who have dropped it already.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::standing::PROMISE;
use crate::sync::Mutex;
use crate::transport::remote::Remote;

/// More have asked than any cluster has nodes; the rest must be in the ring.
const MOST: usize = 1_024;

/// By address.
#[derive(Default)]
pub(super) struct Listening(Mutex<BTreeMap<String, Listener>>);

struct Listener {
    /// Until when it is told; 0: it did not ask, but somebody named it.
    told_until_ms: u64,
    /// The process that asked last; 0: none did.
    process: u64,
    /// Until when the connection is kept.
    until_ms: u64,
    remote: Arc<dyn Remote>,
}

impl Listening {
    /// Has a process at `address` told for a while, by what `dial` gives if it is new. Answers
    /// whether it was not told until now; `None`, and it is not, if there are too many.
    pub(super) fn asks(
        &self,
        address: &str,
        process: u64,
        now_ms: u64,
        dial: impl FnOnce() -> Arc<dyn Remote>,
    ) -> Option<bool> {
        self.with(address, now_ms, dial, |listener| {
            listener.process = process;
            let told_until_ms = std::mem::replace(&mut listener.told_until_ms, listener.until_ms);
            told_until_ms <= now_ms
        })
    }

    /// The node at `address`, of which another told. It is kept for the next time
    /// but named to nobody, or a node that is gone would be named for ever. `None`
    /// if there are too many.
    pub(super) fn named(
        &self,
        address: &str,
        now_ms: u64,
        dial: impl FnOnce() -> Arc<dyn Remote>,
    ) -> Option<Arc<dyn Remote>> {
        self.with(address, now_ms, dial, |listener| Arc::clone(&listener.remote))
    }

    fn with<T>(
        &self,
        address: &str,
        now_ms: u64,
        dial: impl FnOnce() -> Arc<dyn Remote>,
        then: impl FnOnce(&mut Listener) -> T,
    ) -> Option<T> {
        let until_ms = now_ms + PROMISE.as_millis() as u64;
        let mut listeners = self.0.lock();
        listeners.retain(|_, listener| listener.until_ms > now_ms);
        if !listeners.contains_key(address) && listeners.len() < MOST {
            let listener = Listener { told_until_ms: 0, process: 0, until_ms, remote: dial() };
            listeners.insert(address.to_owned(), listener);
        }
        let listener = listeners.get_mut(address)?;
        listener.until_ms = until_ms;
        Some(then(listener))
    }

    /// The process holds nothing any more.
    pub(super) fn leaves(&self, address: &str, process: u64) {
        self.0.lock().retain(|known, listener| known != address || listener.process != process);
    }

    /// Who is told at `now_ms`.
    pub(super) fn at(&self, now_ms: u64) -> Vec<Arc<dyn Remote>> {
        let listeners = self.0.lock();
        let listening = listeners.values().filter(|listener| listener.told_until_ms > now_ms);
        listening.map(|listener| Arc::clone(&listener.remote)).collect()
    }
}
