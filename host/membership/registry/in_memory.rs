//! A register in the memory of one program that runs several nodes.

use std::sync::Arc;

use tokio::sync::watch;

use super::{Member, Membership, RegistryError};
use crate::sync::Mutex;

/// A register for nodes of one program: the test of an application, a
/// demonstration. Clones are the same register. Nothing is ever lost with it, so
/// it is always connected.
#[derive(Clone, Debug, Default)]
pub struct InMemory {
    /// Held only to change the list and to tell all of it, so that they are told
    /// of changes in the order in which these were made.
    registered: Arc<Mutex<Vec<Registered>>>,
}

#[derive(Debug)]
struct Registered {
    member: Member,
    told: watch::Sender<Arc<Membership>>,
}

impl InMemory {
    /// A register without nodes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `own`, and tells everybody.
    pub(super) fn register(
        &self,
        own: Member,
    ) -> Result<(Registration, watch::Receiver<Arc<Membership>>), RegistryError> {
        let mut registered = self.registered.lock();
        let holder = registered.iter().find(|other| other.member.address == own.address);
        if let Some(holder) = holder {
            let holder = Box::new(holder.member.clone());
            return Err(RegistryError::AddressTaken { address: own.address, holder });
        }
        let address = own.address.clone();
        let (told, membership) = watch::channel(Arc::default());
        registered.push(Registered { member: own, told });
        tell(&registered);
        drop(registered);
        Ok((Registration { register: self.clone(), address }, membership))
    }
}

impl PartialEq for InMemory {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.registered, &other.registered)
    }
}

/// A node's place in the register. Dropping it gives the place up; the node's own
/// membership then stays as it was last.
#[derive(Debug)]
pub(super) struct Registration {
    register: InMemory,
    address: String,
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut registered = self.register.registered.lock();
        registered.retain(|other| other.member.address != self.address);
        tell(&registered);
    }
}

fn tell(registered: &[Registered]) {
    let mut nodes: Vec<Member> = registered.iter().map(|other| other.member.clone()).collect();
    nodes.sort_by(|a, b| a.address.cmp(&b.address));
    let membership = Arc::new(Membership { nodes, connected: true, ..Membership::default() });
    for other in registered {
        other.told.send_replace(Arc::clone(&membership));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(membership: &watch::Receiver<Arc<Membership>>) -> Vec<String> {
        membership.borrow().nodes.iter().map(|node| node.address.clone()).collect()
    }

    #[test]
    fn nodes_see_each_other_come_and_go() {
        let register = InMemory::new();
        let (_b, seen_by_b) = register.register(Member::own("b:1", 1)).unwrap();
        let (a, seen_by_a) = register.clone().register(Member::own("a:1", 2)).unwrap();
        assert_eq!(addresses(&seen_by_b), ["a:1", "b:1"]);
        assert_eq!(*seen_by_a.borrow(), *seen_by_b.borrow());
        drop(a);
        assert_eq!(addresses(&seen_by_b), ["b:1"]);
        assert_eq!(addresses(&seen_by_a), ["a:1", "b:1"], "as it was when it left");
    }

    #[test]
    fn an_address_is_held_by_one_node() {
        let register = InMemory::new();
        let (held, _) = register.register(Member::own("a:1", 1)).unwrap();
        let refused = register.register(Member::own("a:1", 1));
        assert!(matches!(refused, Err(RegistryError::AddressTaken { .. })));
        drop(held);
        assert!(register.register(Member::own("a:1", 1)).is_ok());
    }
}
