//! The lease that a node stands in the register by, renewed for as long as somebody
//! waits for it to break.

use std::sync::Arc;
use std::time::Duration;

use etcd_client::{Client, LeaseKeepAliveStream, LeaseKeeper};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep_until};

use super::claim::Claimed;
use super::session::{SessionError, within};
use crate::cluster::Standing;

/// A lease of this node.
pub(super) struct Lease {
    client: Client,
    id: i64,
    keeper: LeaseKeeper,
    renewals: LeaseKeepAliveStream,
    renew: Interval,
    /// Without a renewal until then it counts as broken.
    renewed_by: Instant,
    patience: Duration,
    ttl: Duration,
    standing: Arc<Standing>,
    /// When the oldest renewal went out that was not answered.
    asked_ms: Option<u64>,
}

impl Lease {
    /// Holds what was claimed.
    pub(super) async fn hold(
        mut client: Client,
        claimed: &Claimed,
        patience: Duration,
        standing: Arc<Standing>,
    ) -> Result<Self, SessionError> {
        let (keeper, renewals) = within(patience, client.lease_keep_alive(claimed.lease)).await?;
        let mut renew = interval(claimed.ttl / 3);
        renew.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let patience = claimed.ttl * 2 / 3;
        let renewed_by = Instant::now() + patience;
        Ok(Self {
            client,
            id: claimed.lease,
            keeper,
            renewals,
            renew,
            renewed_by,
            patience,
            ttl: claimed.ttl,
            standing,
            asked_ms: None,
        })
    }

    /// Renews it until it breaks. May be dropped and called again.
    pub(super) async fn broken(&mut self) -> SessionError {
        loop {
            tokio::select! {
                _ = self.renew.tick() => {
                    self.asked_ms.get_or_insert(self.standing.now_ms());
                    if let Err(error) = self.keeper.keep_alive().await {
                        return error.into();
                    }
                }
                renewal = self.renewals.message() => match renewal {
                    Ok(Some(renewal)) if renewal.ttl() > 0 => {
                        self.renewed_by = Instant::now() + self.patience;
                        if let Some(asked_ms) = self.asked_ms.take() {
                            let ttl_ms = self.ttl.as_millis() as u64;
                            self.standing.registered_until(asked_ms + ttl_ms);
                        }
                    }
                    Ok(Some(_)) => return SessionError::Broken("the lease has ended".into()),
                    Ok(None) => return SessionError::Broken("etcd closed the connection".into()),
                    Err(error) => return error.into(),
                },
                () = sleep_until(self.renewed_by) => {
                    let problem = format!("the lease was not renewed within {:?}", self.patience);
                    return SessionError::Broken(problem);
                }
            }
        }
    }

    /// Ends it, and the registration with it.
    pub(super) async fn revoke(&mut self) {
        if let Err(error) = within(self.patience, self.client.lease_revoke(self.id)).await {
            tracing::warn!(%error, "still registered in etcd until the lease runs out");
        }
    }
}
