//! Changes the capacity of a group while it serves.

use std::sync::Arc;
use std::time::Duration;

use super::{COPIES_SHARE, Group, INHERITANCE_SHARE};
use crate::own_task::in_own_task;
use crate::policy::Failure;
use crate::store::StoreConfig;

/// How long the policy is asked to evict what is more than a lower capacity. What remains
/// after that is evicted later; nothing is added before.
const LONGEST_EVICTION: Duration = Duration::from_secs(10);

impl Group {
    /// Sets the limits of the store. If they are lower, the policy evicts until the entries
    /// fit. Then a new instance of the policy, configured for the new limits, takes the
    /// entries over in the order of the old one. Dropping the future ends the wait, not the
    /// change: store and policy would have different limits otherwise.
    ///
    /// # Errors
    /// The policy does not take the new limits: the old instance resumes, and the limits are
    /// those of `before` again.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn resize(
        self: &Arc<Self>,
        before: &StoreConfig,
        config: &StoreConfig,
    ) -> Result<(), Failure> {
        let (group, before, config) = (Arc::clone(self), before.clone(), config.clone());
        let resized = in_own_task(async move { group.change_limits(&before, &config).await });
        resized.await.unwrap_or(Err(Failure::Stopped))
    }

    async fn change_limits(
        &self,
        before: &StoreConfig,
        config: &StoreConfig,
    ) -> Result<(), Failure> {
        let (store, worker) = (&self.parts.store, &self.parts.worker);
        let slot_bound = self.limit(config);
        let evicting = async {
            while !store.is_within_limits() {
                worker.room().await;
                tokio::task::yield_now().await;
            }
        };
        // The limits hold whether the time was enough or not.
        let _ = tokio::time::timeout(LONGEST_EVICTION, evicting).await;
        if let Err(refused) = worker.resize(config.capacity_bytes, slot_bound).await {
            self.limit(before);
            return Err(refused);
        }
        store.open_slots(config);
        Ok(())
    }

    /// Sets the limits of what is kept. Returns the number of slots that the store needs.
    fn limit(&self, config: &StoreConfig) -> u32 {
        self.inheritance.limit(config.capacity_bytes / INHERITANCE_SHARE);
        self.copies.limit(config.capacity_bytes / COPIES_SHARE);
        self.parts.store.resize(config)
    }
}
