//! What is known of whether another node tells this one.

use super::PROMISE;

/// Whether another node has this one in its ring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum TheirRing {
    #[default]
    Unheard,
    /// Or will have before it does anything.
    HasUs,
    /// Taken for granted, as it can't be reached.
    Assumed,
    /// As it said last. That is not assumed away while it can't be reached: lists
    /// that were written by hand may differ for ever.
    HasUsNot,
}

/// What is known of another node.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Promise {
    pub(super) ring: TheirRing,
    /// Until when it has promised to tell.
    pub(super) until_ms: u64,
    /// Whether it has answered a greeting since this node fell, or can't be reached.
    pub(super) settled: bool,
    /// The process that answered last.
    pub(super) process: Option<Process>,
    /// The process that said last that it stops.
    pub(super) left: Option<u64>,
}

/// What runs at an address, from its start to its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Process {
    /// Its own.
    pub(super) number: u64,
    /// When it answered first.
    pub(super) since_ms: u64,
    /// The one before it ended without a word, so there may be nodes that rest on what
    /// that promised.
    replaces: bool,
}

impl Process {
    /// Whether all those are told of a change who rely on somebody at its address.
    pub(super) fn speaks_for_its_address(&self, now_ms: u64) -> bool {
        !self.replaces || now_ms >= self.since_ms + PROMISE.as_millis() as u64
    }
}

impl Promise {
    /// Until when the other node is certain to tell this one, which is registered until
    /// `registered_until_ms`.
    pub(super) fn tells_until_ms(&self, registered_until_ms: u64) -> u64 {
        match self.ring {
            TheirRing::HasUs | TheirRing::Assumed => self.until_ms.max(registered_until_ms),
            TheirRing::Unheard | TheirRing::HasUsNot => self.until_ms,
        }
    }

    /// What is left of it when this node falls.
    pub(super) fn fallen(self) -> Self {
        let ring = match self.ring {
            TheirRing::HasUsNot => TheirRing::HasUsNot,
            _ => TheirRing::Unheard,
        };
        Self { ring, process: self.process, left: self.left, ..Self::default() }
    }

    /// A greeting that went out at `sent_ms` was answered. Answers whether this node
    /// took for granted until now what turns out to be wrong.
    pub(super) fn answered(
        &mut self,
        in_ring: bool,
        process: u64,
        sent_ms: u64,
        now_ms: u64,
    ) -> bool {
        if self.left == Some(process) {
            // It was on its way when the process said that it stops, or that one lingers:
            // it need not be waited for, and is not relied on.
            self.settled = true;
            return false;
        }
        // It did not tell this node before, and neither is bound by what the process
        // before it has promised.
        let before = self.process.filter(|known| known.number != process);
        let has_not_told = self.ring == TheirRing::Assumed || before.is_some();
        if before.is_some() || self.process.is_none() {
            let replaces = before.is_some_and(|before| self.left != Some(before.number));
            self.process = Some(Process { number: process, since_ms: now_ms, replaces });
        }
        self.ring = if in_ring { TheirRing::HasUs } else { TheirRing::HasUsNot };
        self.until_ms = self.until_ms.max(sent_ms + PROMISE.as_millis() as u64);
        self.settled = true;
        !in_ring && has_not_told
    }

    /// It can't be reached, and what can't be reached need not tell.
    pub(super) fn assume(&mut self) {
        if self.ring != TheirRing::HasUsNot {
            self.ring = TheirRing::Assumed;
        }
        self.settled = true;
    }
}
