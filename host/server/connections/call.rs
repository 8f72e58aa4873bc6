//! The answers of one call that the client has not read.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};

use super::account::Account;
use crate::server::in_flight::Running;

/// What a call may always leave unread, so that one slow reader of a large answer holds up no
/// small answers on its connection.
pub(super) const SMALL_BYTES: u64 = 64 << 10;

/// One call of a connection. The counters guard no data, so they are relaxed.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) account: Arc<Account>,
    /// Bytes of its answers that the transport has and the client has not.
    unread: AtomicU64,
    has_waited: AtomicBool,
    is_cancelled: AtomicBool,
    /// The call is in flight until its answer is written or given up: what is unread holds this.
    _running: Running,
}

impl Call {
    pub(super) fn begin(account: &Arc<Account>, running: Running) -> Arc<Self> {
        account.asks();
        Arc::new(Self {
            account: Arc::clone(account),
            unread: AtomicU64::new(0),
            has_waited: AtomicBool::new(false),
            is_cancelled: AtomicBool::new(false),
            _running: running,
        })
    }

    /// Notes that the client gave it up.
    pub(super) fn cancel(&self) {
        if !self.is_cancelled.swap(true, Relaxed) {
            self.account.cancels();
        }
    }

    /// Waits until the connection may have another `bytes` of this call.
    pub(super) fn poll_room(self: &Arc<Self>, bytes: u64, cx: &mut Context<'_>) -> Poll<()> {
        if self.unread.load(Relaxed) + bytes < SMALL_BYTES {
            return Poll::Ready(());
        }
        let room = self.account.poll_room(self.number(), cx);
        if room.is_pending() {
            self.has_waited.store(true, Relaxed);
        }
        room
    }

    /// A part of an answer, which is unread until it is dropped.
    pub(super) fn unread(self: &Arc<Self>, bytes: Bytes) -> Unread {
        let count = bytes.len() as u64;
        self.account.hold(count);
        self.account.leave_unread(count);
        self.unread.fetch_add(count, Relaxed);
        Unread { bytes, count, call: Arc::clone(self) }
    }

    fn number(self: &Arc<Self>) -> usize {
        Arc::as_ptr(self).addr()
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if self.has_waited.load(Relaxed) {
            self.account.wait_no_more(std::ptr::from_ref(self).addr());
        }
    }
}

/// Bytes of an answer that the client has not read.
#[derive(Debug)]
pub(in crate::server) struct Unread {
    bytes: Bytes,
    /// How many there were.
    count: u64,
    call: Arc<Call>,
}

impl Buf for Unread {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
    }

    fn copy_to_bytes(&mut self, count: usize) -> Bytes {
        self.bytes.copy_to_bytes(count)
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        self.call.unread.fetch_sub(self.count, Relaxed);
        self.call.account.read(self.count);
        self.call.account.release(self.count);
    }
}
