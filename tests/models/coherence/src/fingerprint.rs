//! A state as 64 bits.

use crate::hash::{Hash, word};
use crate::names::Names;
use crate::state::{Kind, Node, State};

impl State {
    /// Never 0, which is no state.
    pub(crate) fn fingerprint(&self) -> u64 {
        let mut hash = Hash::default();
        for (view, swapped) in self.history.iter().zip(self.swapped.iter()) {
            hash.add(packed(view) << 1 | u64::from(*swapped));
        }
        // No view has this bit: it ends the history.
        hash.add(1 << 63 | packed(&self.leases) << 32 | packed(&self.records));
        hash.add(packed(&self.named) << 32 | packed(&self.cleared));
        hash.add((self.key as u64) << 32 | packed(&self.lost));
        for node in &self.nodes {
            node.add_to(&mut hash);
        }
        let kind = match self.kind {
            Kind::Remove => 0,
            Kind::Set => 1,
            Kind::Clear(at) => 2 + at,
        };
        let spent = &self.spent;
        hash.add(word([
            self.source,
            self.floor,
            self.active,
            kind,
            spent.joins,
            spent.crashes,
            spent.leaves,
            spent.deletes << 6 | spent.wipes << 4 | spent.restores << 2 | spent.swaps,
        ]));
        for set in self.sets.iter() {
            hash.add(word([1, set.to, set.version, 0, 0, 0, 0, 0]));
        }
        for push in self.pushes.iter() {
            hash.add(word([2, push.to, push.from.0, push.from.1, push.version, 0, 0, 0]));
        }
        hash.finish().max(1)
    }
}

impl Node {
    fn add_to(&self, hash: &mut Hash) {
        let flags = [
            self.joined,
            self.vetted,
            self.checked,
            self.certain,
            self.long,
            self.late,
            self.looked,
            self.owner_throughout,
            self.changed,
        ];
        let flags = flags.iter().fold(0_u16, |all, flag| all << 1 | u16::from(*flag));
        let flags = (flags << 4 | u16::from(self.earlier)).to_le_bytes();
        hash.add(word([
            flags[0],
            flags[1],
            self.name,
            self.view,
            self.acks << 4 | self.vouched,
            self.held,
            self.flight,
            self.copy,
        ]));
        hash.add(packed(&self.promised) << 32 | packed(&self.ghosts));
        let (left_to, heir_of, copy_of) = (self.left_to, self.heir_of, self.copy_of);
        hash.add(word([
            self.left,
            left_to.0,
            left_to.1,
            heir_of.0,
            heir_of.1,
            copy_of.0,
            copy_of.1,
            self.dropped,
        ]));
    }
}

/// A byte for each address.
fn packed(names: &Names) -> u64 {
    names.iter().fold(0, |all, name| all << 8 | u64::from(*name))
}
