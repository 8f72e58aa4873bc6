//! What happens to etcd: deleted entries, lost data, restored backups.

use crate::act::Act;
use crate::flaw::Flaw;
use crate::names::{N, Names, bit};
use crate::scope::Scope;
use crate::state::{ClusterKey, State};
use crate::steps::Steps;

impl<F: FnMut(Act, State)> Steps<'_, F> {
    pub(crate) fn etcd(&mut self) {
        let (now, scope) = (self.now, self.scope);
        if !self.has_room() {
            return;
        }
        let entries = now.entries();
        if now.spent.deletes < scope.deletes {
            for at in (0..N).filter(|at| entries[*at] != 0) {
                self.go(Act::EntryIsDeleted(at), |next| {
                    next.spent.deletes += 1;
                    next.remove_entry(at, entries[at]);
                    if scope.breaks(Flaw::RecordIsDeleted) {
                        next.records[at] = 0;
                    }
                });
            }
        }
        if now.spent.wipes < scope.wipes {
            self.go(Act::EtcdLosesAll, |next| {
                next.spent.wipes += 1;
                next.lose(scope, 0);
                next.key = ClusterKey::Absent;
            });
        }
        if now.spent.restores < scope.restores {
            for entries in 0..bit(N) {
                self.go(Act::EtcdIsRestored { entries }, |next| {
                    next.spent.restores += 1;
                    next.lose(scope, entries);
                    next.key = match scope.flaw {
                        Some(Flaw::RestoreKeepsTheId) => ClusterKey::PresentId,
                        _ => ClusterKey::FormerId,
                    };
                });
            }
        }
        if scope.breaks(Flaw::WeightChangesUnderAName) && now.spent.swaps == 0 {
            self.go(Act::WeightsChange, |next| {
                next.spent.swaps += 1;
                next.push_view(entries);
                let last = next.swapped.len() - 1;
                next.swapped[last] = !next.swapped[last];
            });
        }
    }

    /// Whether the scope allows one more view that not all nodes have seen.
    pub(crate) fn has_room(&self) -> bool {
        self.now.history.len() <= self.scope.lag
    }
}

impl State {
    /// etcd has nothing but what a backup has: registrations at the addresses `entries`,
    /// with their leases and records. No process has these names, as a name has etcd's
    /// cluster id in it, which is a new one [A5].
    fn lose(&mut self, scope: &Scope, entries: u8) {
        self.lost = self.named;
        (self.leases, self.records) = ([0; N], [0; N]);
        let mut view = [0; N];
        for at in (0..N).filter(|at| entries & bit(*at) != 0) {
            let present = self.nodes[at].name;
            if scope.breaks(Flaw::NamesLackTheClusterId) && present != 0 {
                view[at] = present;
                self.lost[at] = present - 1;
            } else {
                self.named[at] += 1;
                view[at] = self.named[at];
            }
            self.leases[at] = bit(view[at].into());
            self.records[at] = view[at];
        }
        self.push_view(view);
    }

    pub(crate) fn end_lease(&mut self, at: usize, name: u8) {
        self.leases[at] &= !bit(name.into());
        self.remove_entry(at, name);
    }

    fn remove_entry(&mut self, at: usize, name: u8) {
        let mut view = self.entries();
        if view[at] == name {
            view[at] = 0;
            self.push_view(view);
        }
    }

    pub(crate) fn push_view(&mut self, view: Names) {
        self.history.push(view);
        self.swapped.push(self.swapped.newest());
    }
}
