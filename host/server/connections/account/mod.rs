//! What one connection takes of the node, and the sum of all. Where all hold more bytes than
//! they may, connections end: those of strangers first, and of these the one that holds the most.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::limits::ConnectionLimits;
use super::listener::Reason;
use crate::sync::Mutex;

/// Accounts are summed in units of 64 KiB, so that most changes touch no memory that
/// connections share.
const UNIT_SHIFT: u32 = 16;

/// The accounts of all open connections.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    /// The whole units of all accounts. It is signed because a release may be added before the
    /// hold of another thread that it undoes.
    units: AtomicI64,
    /// Locked when a connection begins or ends, and to find the connections that hold the most.
    open: Mutex<HashMap<u64, Arc<Account>>>,
}

/// What one connection takes of the node. The counters guard no data, so they are relaxed.
#[derive(Debug)]
pub(in crate::server) struct Account {
    number: u64,
    all: Arc<Accounts>,
    limits: Arc<ConnectionLimits>,
    /// Bytes of its requests and answers.
    held: AtomicU64,
    /// Bytes of its answers that the transport has and the client has not.
    unread: AtomicU64,
    /// Calls whose answers wait until less is unread, by their numbers. Locked where a call
    /// begins to wait, and where the waiting ends.
    waiting: Mutex<HashMap<usize, Waker>>,
    has_asked: AtomicBool,
    /// The client has shown a token, a certificate or a secret that this node knows.
    is_known: AtomicBool,
    since: Instant,
    /// The second that `cancels` counts, from `since`, in the upper half; the count in the lower.
    cancels: AtomicU64,
    ends: OnceLock<Reason>,
    end: Notify,
}

impl Accounts {
    /// Opens the account of a connection. `number` is one that no other has.
    pub(super) fn open(
        self: &Arc<Self>,
        number: u64,
        limits: &Arc<ConnectionLimits>,
    ) -> Arc<Account> {
        let account = Arc::new(Account::new(number, Arc::clone(self), Arc::clone(limits)));
        self.open.lock().insert(number, Arc::clone(&account));
        account
    }

    /// Closes an account. What is still held is subtracted when it is released.
    pub(super) fn close(&self, account: &Account) {
        self.open.lock().remove(&account.number);
    }

    /// Bytes that all connections hold, rounded down to units of each.
    pub(super) fn held(&self) -> u64 {
        u64::try_from(self.units.load(Relaxed)).unwrap_or(0) << UNIT_SHIFT
    }

    /// Ends connections until the others hold no more than `limit`: those of strangers before
    /// those of known clients, and of each kind the largest first.
    fn end_largest(&self, limit: u64) {
        let open = self.open.lock();
        let staying = || open.values().filter(|account| account.ends.get().is_none());
        let mut held: i64 = staying().map(|account| account.units()).sum();
        let most = units(limit);
        if held <= most {
            return;
        }
        let mut largest: Vec<_> = staying().filter(|account| account.units() > 0).collect();
        largest.sort_by_cached_key(|account| (account.is_known(), Reverse(account.units())));
        for account in largest {
            account.end(Reason::Bytes);
            held -= account.units();
            if held <= most {
                return;
            }
        }
    }
}

impl Account {
    fn new(number: u64, all: Arc<Accounts>, limits: Arc<ConnectionLimits>) -> Self {
        Self {
            number,
            all,
            limits,
            held: AtomicU64::new(0),
            unread: AtomicU64::new(0),
            waiting: Mutex::default(),
            has_asked: AtomicBool::new(false),
            is_known: AtomicBool::new(false),
            since: Instant::now(),
            cancels: AtomicU64::new(0),
            ends: OnceLock::new(),
            end: Notify::new(),
        }
    }

    /// The account of a connection that no listener accepted. Nothing ends it.
    pub(in crate::server) fn of_no_listener() -> Arc<Self> {
        Arc::new(Self::new(0, Arc::default(), Arc::default()))
    }

    /// Notes that a request has come.
    pub(in crate::server) fn asks(&self) {
        if !self.has_asked.load(Relaxed) {
            self.has_asked.store(true, Relaxed);
        }
    }

    /// Notes that the client has shown who it is.
    pub(in crate::server) fn becomes_known(&self) {
        if !self.is_known() {
            self.is_known.store(true, Relaxed);
        }
    }

    pub(in crate::server) fn is_known(&self) -> bool {
        self.is_known.load(Relaxed)
    }

    fn units(&self) -> i64 {
        units(self.held.load(Relaxed))
    }

    /// Notes that the client gave up a call.
    pub(super) fn cancels(&self) {
        let second = self.since.elapsed().as_secs() << 32;
        let count =
            |before: u64| Some(if before >> 32 == second >> 32 { before + 1 } else { second | 1 });
        let before = self.cancels.fetch_update(Relaxed, Relaxed, count).unwrap_or(0);
        let counted = if before >> 32 == second >> 32 { before as u32 } else { 0 };
        if counted >= self.limits.max_cancels {
            self.end(Reason::Cancels);
        }
    }

    /// Tells the connection to end.
    fn end(&self, reason: Reason) {
        if self.ends.set(reason).is_ok() {
            self.end.notify_one();
        }
    }

    /// Resolves when the connection must end at once.
    pub(super) async fn ended(&self) -> Reason {
        loop {
            if let Some(reason) = self.ends.get() {
                return *reason;
            }
            self.end.notified().await;
        }
    }

    /// Resolves when no request has come within `first_request_timeout` and this time.
    pub(super) async fn asks_nothing(&self, and: Duration) {
        tokio::time::sleep(self.limits.first_request_timeout + and).await;
        if self.has_asked.load(Relaxed) {
            std::future::pending().await
        }
    }

    /// Adds to what it holds.
    pub(super) fn hold(&self, bytes: u64) {
        let before = self.held.fetch_add(bytes, Relaxed);
        let units = units(before + bytes) - units(before);
        if units > 0 {
            let all = self.all.units.fetch_add(units, Relaxed) + units;
            let limit = self.limits.max_client_bytes;
            if all > self::units(limit) {
                self.all.end_largest(limit);
            }
        }
    }

    /// Subtracts from what it holds.
    pub(super) fn release(&self, bytes: u64) {
        let before = self.held.fetch_sub(bytes, Relaxed);
        let units = units(before) - units(before - bytes);
        if units > 0 {
            self.all.units.fetch_sub(units, Relaxed);
        }
    }

    /// Adds to what the client has not read.
    pub(super) fn leave_unread(&self, bytes: u64) {
        self.unread.fetch_add(bytes, Relaxed);
    }

    /// Subtracts from what the client has not read, and wakes the calls that wait for that.
    pub(super) fn read(&self, bytes: u64) {
        let limit = self.limits.max_unread_bytes;
        let before = self.unread.fetch_sub(bytes, Relaxed);
        if before >= limit && before - bytes < limit {
            let waiting = std::mem::take(&mut *self.waiting.lock());
            waiting.into_values().for_each(Waker::wake);
        }
    }

    /// Waits until less is unread than may be.
    pub(super) fn poll_room(&self, call: usize, cx: &mut Context<'_>) -> Poll<()> {
        let has_room = || self.unread.load(Relaxed) < self.limits.max_unread_bytes;
        if has_room() {
            return Poll::Ready(());
        }
        self.waiting.lock().insert(call, cx.waker().clone());
        // What was read before the lock was taken woke nobody.
        if has_room() { Poll::Ready(()) } else { Poll::Pending }
    }

    /// The call waits no more.
    pub(super) fn wait_no_more(&self, call: usize) {
        self.waiting.lock().remove(&call);
    }
}

fn units(bytes: u64) -> i64 {
    (bytes >> UNIT_SHIFT) as i64
}

/// Bytes that a connection holds until this is dropped.
#[derive(Debug)]
pub(in crate::server) struct Held {
    account: Arc<Account>,
    bytes: u64,
}

impl Held {
    pub(in crate::server) fn new(account: &Arc<Account>, bytes: u64) -> Self {
        account.hold(bytes);
        Self { account: Arc::clone(account), bytes }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Changes the number of bytes.
    pub(in crate::server) fn set(&mut self, bytes: u64) {
        if bytes > self.bytes {
            self.account.hold(bytes - self.bytes);
        } else if bytes < self.bytes {
            self.account.release(self.bytes - bytes);
        }
        self.bytes = bytes;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.account.release(self.bytes);
    }
}

#[cfg(test)]
mod tests;
