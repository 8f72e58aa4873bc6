//! What a node knows of the others: pure, and it forgets nobody because etcd did.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::super::Member;

/// The nodes by address.
#[derive(Debug)]
pub(super) struct Roster {
    /// `None` for one who only looks.
    own: Option<Member>,
    others: BTreeMap<String, Known>,
    /// For how long a node that is missing after an outage still counts.
    patience: Duration,
}

#[derive(Debug)]
struct Known {
    member: Member,
    /// It was missing from a list: it goes then, unless it registers again.
    until: Option<Instant>,
}

impl Roster {
    pub(super) fn new(own: Option<Member>, patience: Duration) -> Self {
        Self { own, others: BTreeMap::new(), patience }
    }

    /// A whole list after a time without news. Nobody was seen to leave, and an
    /// etcd that was started empty knows nobody yet: who is missing gets as long
    /// to come back as a lease lasts.
    pub(super) fn relist(&mut self, listed: Vec<Member>, now: Instant) {
        for known in self.others.values_mut() {
            known.until.get_or_insert(now + self.patience);
        }
        for member in listed {
            self.put(member);
        }
    }

    /// A node registered, or its entry changed.
    pub(super) fn put(&mut self, member: Member) {
        if self.own.as_ref().is_none_or(|own| own.address != member.address) {
            let address = member.address.clone();
            self.others.insert(address, Known { member, until: None });
        }
    }

    /// A node was seen to leave, or its lease to end.
    pub(super) fn delete(&mut self, address: &str) {
        self.others.remove(address);
    }

    /// Drops those whose time is over.
    pub(super) fn expire(&mut self, now: Instant) {
        self.others.retain(|_, known| known.until.is_none_or(|until| until > now));
    }

    /// When [`expire`](Self::expire) will have something to do.
    pub(super) fn next_expiry(&self) -> Option<Instant> {
        self.others.values().filter_map(|known| known.until).min()
    }

    /// All nodes by address, this one among them if it is one.
    pub(super) fn nodes(&self) -> Vec<Member> {
        let others = self.others.values().map(|known| known.member.clone());
        let mut nodes: Vec<Member> = others.chain(self.own.clone()).collect();
        nodes.sort_by(|a, b| a.address.cmp(&b.address));
        nodes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roster() -> (Roster, Instant) {
        let mut roster = Roster::new(Some(Member::own("a:1", 1)), Duration::from_secs(5));
        let now = Instant::now();
        roster.relist(vec![Member::own("b:1", 1), Member::own("c:1", 1)], now);
        (roster, now)
    }

    fn addresses(roster: &Roster) -> Vec<String> {
        roster.nodes().into_iter().map(|node| node.address).collect()
    }

    #[test]
    fn an_empty_list_forgets_nobody_at_once() {
        let (mut roster, now) = roster();
        roster.relist(vec![], now);
        assert_eq!(addresses(&roster), ["a:1", "b:1", "c:1"]);
        roster.put(Member::own("b:1", 1));
        assert_eq!(roster.next_expiry(), Some(now + Duration::from_secs(5)));
        // A second outage does not start the time of c afresh.
        roster.relist(vec![Member::own("b:1", 1)], now + Duration::from_secs(4));
        roster.expire(now + Duration::from_secs(5));
        assert_eq!(addresses(&roster), ["a:1", "b:1"]);
        assert_eq!(roster.next_expiry(), None);
    }

    #[test]
    fn a_node_that_was_seen_to_leave_is_gone_at_once() {
        let (mut roster, _) = roster();
        roster.delete("b:1");
        assert_eq!(addresses(&roster), ["a:1", "c:1"]);
    }

    #[test]
    fn this_node_is_always_there_as_it_is() {
        let (mut roster, now) = roster();
        roster.put(Member::own("a:1", 7));
        roster.delete("a:1");
        roster.relist(vec![], now);
        assert_eq!(roster.nodes()[0].weight, 1);
    }
}
