//! Keeping in touch: who is told of changes, and greeting those who are to tell this
//! node.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use futures::future::join_all;
use futures::stream::FuturesUnordered;

use super::owners::Cluster;
use super::standing::{Greeted, Standing};
use crate::error::Error;
use crate::transport::remote::{Call, Remote, Request, Response};

/// How long a node may take to make a change.
pub const CHANGE_WITHIN: Duration = Duration::from_secs(1);

/// Several greetings may be lost before a promise ends.
const GREET_EVERY: Duration = Duration::from_secs(1);
const GREET_WITHIN: Duration = Duration::from_secs(1);

/// For how long a node that leaves waits for the others to hear of it.
const GOODBYE_WITHIN: Duration = Duration::from_millis(300);

/// No change takes longer from its beginning until all who confirm it have heard who
/// did not.
pub const LONGEST_CHANGE: Duration = Duration::from_secs(10);

impl Cluster {
    /// Whether what this node holds may be answered.
    #[must_use]
    pub fn standing(&self) -> &Arc<Standing> {
        &self.standing
    }

    /// Every other node that is told of changes: those of the ring, and those who
    /// asked to be.
    #[must_use]
    pub fn audience(&self) -> Vec<Arc<dyn Remote>> {
        let mut told = self.others();
        let listening = self.listening.at(self.clock.now_ms());
        let in_ring = told.len();
        for remote in listening {
            if told[..in_ring].iter().all(|known| known.address() != remote.address()) {
                told.push(remote);
            }
        }
        told
    }

    /// Those who must hear of a change of an asker with this ring, and whom it may
    /// not know.
    #[must_use]
    pub fn audience_beyond(&self, ring_version: u64) -> Vec<String> {
        let told = self.audience();
        let known = if ring_version == self.ring_version() { self.others().len() } else { 0 };
        told[known.min(told.len())..].iter().map(|remote| remote.address().to_owned()).collect()
    }

    /// The node at `address`, which another one named.
    #[must_use]
    pub fn heard_of(&self, address: &str) -> Option<Arc<dyn Remote>> {
        if address == &*self.own {
            return None;
        }
        self.listening.named(address, self.clock.now_ms(), || self.remote_at(address))
    }

    /// Answers a greeting of a node's process at `from`: it is told of changes from now
    /// on, or no more if it is `leaving`. Answers with [`Response::Greeted`].
    ///
    /// # Errors
    /// [`Error::InvalidArgument`]: nobody can be there. [`Error::Unavailable`]: there
    /// are too many of them.
    pub fn greeted_by(&self, from: &str, process: u64, leaving: bool) -> Result<Response, Error> {
        ensure_address("from", from)?;
        if leaving {
            self.listening.leaves(from, process);
            self.standing.leaves(from, process);
        } else {
            self.listens(from, process)?;
        }
        // A process that waits for its first list knows nobody. What it changes is owed
        // to who greets it, and to all in that list.
        let in_ring =
            self.others().iter().any(|other| other.address() == from) || self.knows_nobody();
        Ok(Response::Greeted { in_ring, process: self.process() })
    }

    fn listens(&self, from: &str, process: u64) -> Result<(), Error> {
        let now_ms = self.clock.now_ms();
        let asks = self.listening.asks(from, process, now_ms, || self.remote_at(from));
        let Some(is_new) = asks else {
            let reason = "it tells too many others of changes already".into();
            return Err(Error::Unavailable { who: self.own.to_string(), reason });
        };
        if is_new {
            self.debts.has_come(from);
        }
        if !self.debts.is_empty() {
            self.debts.news.notify_one();
        }
        Ok(())
    }

    /// Greets the others, again and again, for as long as it is polled.
    pub async fn keep_in_touch(&self) {
        let mut greetings = FuturesUnordered::new();
        let mut under_way: BTreeSet<String> = BTreeSet::new();
        let pause = || Box::pin(self.clock.sleep(GREET_EVERY));
        let mut next_round = pause();
        loop {
            tokio::select! {
                biased;
                Some(ended) = greetings.next() => {
                    under_way.remove::<String>(&ended);
                    continue;
                }
                () = self.standing.greet.notified() => {}
                () = &mut next_round => next_round = pause(),
            }
            self.standing.look();
            for other in self.others() {
                if under_way.insert(other.address().to_owned()) {
                    greetings.push(async move {
                        self.greet(&other).await;
                        other.address().to_owned()
                    });
                }
            }
        }
    }

    /// Answers which process answered, if one did.
    pub(super) async fn greet(&self, other: &Arc<dyn Remote>) -> Option<u64> {
        let sent_ms = self.clock.now_ms();
        let greeting = self.greeting(false);
        let answer = other.ask(self.about(Bytes::new(), Bytes::new(), greeting), GREET_WITHIN);
        let (greeted, process) = match answer.await {
            Ok(Response::Greeted { in_ring, process }) => {
                (Greeted::Answered { in_ring, process }, Some(process))
            }
            _ => (Greeted::OutOfReach, None),
        };
        self.standing.greeted(other.address(), sent_ms, greeted);
        process
    }

    /// Tells the others that this node holds nothing any more, which must be so,
    /// and need not be told of changes. Waits for those who answer soon.
    pub async fn say_goodbye(&self) {
        let audience = self.audience();
        let goodbyes = audience.iter().map(|other| {
            let call = self.greeting(true);
            other.ask(self.about(Bytes::new(), Bytes::new(), call), GOODBYE_WITHIN)
        });
        join_all(goodbyes).await;
    }

    fn greeting(&self, leaving: bool) -> Call {
        Call::Greet { from: self.own.to_string(), leaving, process: self.process() }
    }

    pub(super) fn about(&self, group: Bytes, key: Bytes, call: Call) -> Request {
        Request { group, key, call, ring_version: self.ring_version() }
    }
}

/// The longest name of a host (RFC 1035), a colon and a port.
const LONGEST_ADDRESS: usize = 253 + 1 + 5;

pub(super) fn ensure_address(argument: &'static str, text: &str) -> Result<(), Error> {
    let port = text.rsplit_once(':').filter(|(host, _)| !host.is_empty());
    let port = port.and_then(|(_, port)| port.parse::<u16>().ok());
    if text.len() <= LONGEST_ADDRESS && port.is_some_and(|port| port > 0) {
        return Ok(());
    }
    Err(Error::InvalidArgument { argument, problem: "it is no host:port".into() })
}
