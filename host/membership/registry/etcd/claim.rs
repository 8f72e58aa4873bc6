//! Taking an address: one holder at a time, told apart from a dead one.

use std::time::Duration;

use etcd_client::{Client, Compare, CompareOp, KeyValue, PutOptions, Txn, TxnOp};
use tokio::time::Instant;

use super::super::Member;
use super::Config;
use super::session::{Last, SessionError, member, within};
use crate::cluster::PROMISE;
use crate::cluster::Standing;

/// A registration that has just been made.
pub(super) struct Claimed {
    pub(super) lease: i64,
    /// As granted, which may be longer than asked for.
    pub(super) ttl: Duration,
    /// What [`Standing::registers`] said, if the entry was not there before.
    pub(super) registrations: Option<u64>,
}

/// Puts `own` under a fresh lease. An entry that this process made is replaced.
/// One of another process is given until its lease runs out, as after a crash, and what
/// that process has promised to others; a holder that renews it meanwhile is alive, and
/// keeps the address.
pub(super) async fn claim(
    client: &mut Client,
    config: &Config,
    own: &Member,
    last: &mut Last,
    standing: &Standing,
) -> Result<Claimed, SessionError> {
    let patience = config.patience();
    let key = config.key(&own.address);
    let value = serde_json::to_vec(own).expect("a member is plain data");
    loop {
        let found = within(patience, client.get(key.clone(), None)).await?;
        let unchanged = match found.kvs().first() {
            None => Compare::create_revision(key.clone(), CompareOp::Equal, 0),
            Some(entry) if entry.value() == value || entry.lease() == last.lease => {
                Compare::mod_revision(key.clone(), CompareOp::Equal, entry.mod_revision())
            }
            Some(entry) => {
                last.promises_end.get_or_insert_with(|| Instant::now() + PROMISE);
                wait_for_the_end(client, patience, entry).await?;
                continue;
            }
        };
        if let Some(end) = last.promises_end {
            tokio::time::sleep_until(end).await;
        }
        // Before the others hear of this node.
        let registrations = found.kvs().is_empty().then(|| standing.registers());
        // etcd counts in whole seconds.
        let seconds = config.lease_ttl.as_secs().max(1) as i64;
        let granted_ms = standing.now_ms();
        let lease = within(patience, client.lease_grant(seconds, None)).await?;
        let put =
            TxnOp::put(key.clone(), value.clone(), Some(PutOptions::new().with_lease(lease.id())));
        let taken = Txn::new().when([unchanged]).and_then([put]);
        let taken = within(patience, client.txn(taken)).await?;
        if taken.succeeded() {
            let ttl = Duration::from_secs(lease.ttl().max(1) as u64);
            standing.registered_until(granted_ms + ttl.as_millis() as u64);
            return Ok(Claimed { lease: lease.id(), ttl, registrations });
        }
    }
}

/// Returns when the lease of `entry` has run out.
async fn wait_for_the_end(
    client: &mut Client,
    patience: Duration,
    entry: &KeyValue,
) -> Result<(), SessionError> {
    let taken = || match member(entry) {
        Some(holder) => SessionError::Taken(Box::new(holder)),
        None => SessionError::Refused(format!(
            "the key {} holds something else than a node; delete it",
            String::from_utf8_lossy(entry.key())
        )),
    };
    if entry.lease() == 0 {
        // It never ends, so somebody means it.
        return Err(taken());
    }
    let mut first_end = None;
    loop {
        let rest = within(patience, client.lease_time_to_live(entry.lease(), None)).await?;
        if rest.ttl() <= 0 {
            // The entry goes an instant after its lease.
            tokio::time::sleep(POLL).await;
            return Ok(());
        }
        let end = Instant::now() + Duration::from_secs(rest.ttl() as u64);
        // Whole seconds: an end that moves by less may not have moved.
        if end > *first_end.get_or_insert(end) + Duration::from_millis(1_200) {
            return Err(taken());
        }
        tokio::time::sleep(POLL).await;
    }
}

const POLL: Duration = Duration::from_millis(100);
