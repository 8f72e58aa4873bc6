//! A membership that never changes.

use super::{Member, Membership};

/// The nodes of `addresses` and `own`. Nodes of a list weigh the same on every
/// node, or their rings would differ: so does `own`.
pub(super) fn membership(own: Member, addresses: &[String]) -> Membership {
    let listed =
        addresses.iter().filter(|address| **address != own.address).map(|address| Member {
            address: address.clone(),
            weight: 1,
            version: String::new(),
            started: String::new(),
        });
    let mut nodes: Vec<Member> = listed.collect();
    nodes.push(Member { weight: 1, ..own });
    nodes.sort_by(|a, b| a.address.cmp(&b.address));
    nodes.dedup_by(|a, b| a.address == b.address);
    Membership { nodes, connected: true, ..Membership::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_node_makes_the_same_of_a_list() {
        let addresses = ["b:1", "a:1", "c:1", "a:1"].map(String::from);
        let seen_by = |own| {
            let membership = membership(Member::own(own, 9), &addresses);
            let nodes = membership.nodes.into_iter();
            nodes.map(|node| (node.address, node.weight)).collect::<Vec<_>>()
        };
        let expected = ["a:1", "b:1", "c:1"].map(|address| (address.to_owned(), 1));
        assert_eq!(seen_by("a:1"), expected);
        assert_eq!(seen_by("c:1"), expected);
        assert_eq!(seen_by("d:1").len(), 4, "a node that is not listed still serves");
    }
}
