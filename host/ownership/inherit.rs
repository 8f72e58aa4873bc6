//! The previous holder of a key, and whether its value may be taken over (rule 9).

use std::sync::Arc;

use super::heirs::REMEMBERED;
use super::knowledge::ms;
use super::right::Ownership;
use crate::membership::rendezvous::Ring;
use crate::membership::view::Name;
use crate::transport::remote::Remote;

/// From whom a new owner may take over the value of a key.
pub struct Inheritance {
    /// The previous holder.
    pub from: Arc<dyn Remote>,
    /// The registration of a previous holder that left; this node's own, for one that
    /// stays.
    pub name: Name,
    /// The value is outdated if the key has changed since then, by this node's clock.
    pub unchanged_since_ms: u64,
}

impl Ownership {
    /// From which node the value of the key with this hash may be taken over; `None` if
    /// there was no recent change of its owner.
    #[must_use]
    pub fn inheritance(&self, ring_hash: u64) -> Option<Inheritance> {
        let now_ms = self.clock.now_ms();
        let owner = |ring: &Ring| ring.owner(ring_hash).map(|at| ring.nodes()[at].address.clone());
        let known = self.heirs.0.lock();
        let went = known.went.iter().rev().find(|went| {
            now_ms < went.at_ms + ms(REMEMBERED)
                && owner(&went.before).as_ref() == Some(&went.who.0)
                && owner(&went.after).as_ref() == Some(&self.own)
        });
        if let Some(went) = went {
            let from = Arc::clone(&went.node);
            let unchanged_since_ms = now_ms.saturating_sub(ms(REMEMBERED));
            return Some(Inheritance { from, name: went.who.1, unchanged_since_ms });
        }
        let joined = known.joined.as_ref()?;
        let unchanged_since_ms = joined.inherits(&self.own, ring_hash, now_ms)?;
        let (address, name) = (owner(&joined.before)?, joined.name);
        drop(known);
        // A node that has left since has handed its entries to its own heirs.
        let from = self.now.load().remote(&address)?;
        Some(Inheritance { from, name, unchanged_since_ms })
    }

    /// Whether this node, as the registration `name`, may take over the previous owner's
    /// value of the key with this hash. Returns the time since which the key must not
    /// have changed.
    #[must_use]
    pub fn inherits(&self, name: Name, ring_hash: u64) -> Option<u64> {
        let known = self.heirs.0.lock();
        let joined = known.joined.as_ref().filter(|joined| joined.name == name)?;
        joined.inherits(&self.own, ring_hash, self.clock.now_ms())
    }

    /// The other member that is registered under `name`.
    #[must_use]
    pub fn member(&self, name: Name) -> Option<Arc<dyn Remote>> {
        let others = self.state.lock().others();
        let (address, _) = others.into_iter().find(|(_, known)| *known == name)?;
        Some(self.remote_at(&address))
    }

    /// Whether this node may keep a value of the key with this hash that the registration
    /// `name` at `address` hands over as it leaves.
    #[must_use]
    pub fn is_heir_of(&self, address: &str, name: Name, ring_hash: u64) -> bool {
        let owner = |ring: &Ring| ring.owner(ring_hash).map(|at| ring.nodes()[at].address.clone());
        let known = self.heirs.0.lock();
        known.went.iter().any(|went| {
            (&*went.who.0, went.who.1) == (address, name)
                && owner(&went.before).as_deref() == Some(address)
                && owner(&went.after).as_ref() == Some(&self.own)
        })
    }

    /// Whether the registration `name` at `address` has gone, and nothing else changed in
    /// that step.
    #[must_use]
    pub fn has_gone(&self, address: &str, name: Name) -> bool {
        let known = self.heirs.0.lock();
        known.went.iter().any(|went| (&*went.who.0, went.who.1) == (address, name))
    }
}
