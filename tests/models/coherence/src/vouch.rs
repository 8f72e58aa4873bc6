//! Rule 7: members vouch for each other while etcd does not answer.

use crate::act::Act;
use crate::flaw::Flaw;
use crate::names::{N, bit};
use crate::scope::Scope;
use crate::state::{Node, State};
use crate::steps::Steps;

impl<F: FnMut(Act, State)> Steps<'_, F> {
    pub(crate) fn vouches(&mut self, at: usize) {
        let (now, scope) = (self.now, self.scope);
        let node = now.nodes[at];
        for of in (0..N).filter(|of| *of != at) {
            let is_news = node.promised[of] != now.nodes[of].name
                || !now.nodes[of].relies_on(at, node.promised[of]);
            if is_news && now.may_vouch(scope, at, of) {
                self.go(Act::Vouches { by: at, of }, |next| {
                    next.nodes[at].promised[of] = next.nodes[of].name;
                    next.nodes[of].vouched |= bit(at);
                });
            }
            let promised = node.promised[of];
            // A promise ends after what the other one makes of it.
            if promised != 0 && !now.nodes[of].relies_on(at, promised) && scope.fine {
                self.go(Act::PromiseEnds { by: at, of }, |next| next.nodes[at].promised[of] = 0);
            }
            if node.vouched & bit(of) != 0 {
                self.go(Act::VouchEnds { by: of, of: at }, |next| {
                    next.nodes[at].vouched &= !bit(of);
                });
            }
        }
    }
}

impl Node {
    /// Whether it is the registration `name` and counts on a vouch of `by`.
    pub(crate) fn relies_on(&self, by: usize, name: u8) -> bool {
        self.name == name && self.vouched & bit(by) != 0
    }
}

impl State {
    /// Whether `at` vouches for `of`.
    fn may_vouch(&self, scope: &Scope, at: usize, of: usize) -> bool {
        let (node, asker) = (&self.nodes[at], &self.nodes[of]);
        let asks = asker.joined || scope.breaks(Flaw::VouchesForTheUnjoined);
        if asker.name == 0 || !asks || asker.certain && asker.vouched & bit(at) != 0 {
            return false;
        }
        let known_as = self.view(of)[at];
        if known_as == 0 {
            return false;
        }
        if node.name != known_as {
            return scope.breaks(Flaw::NewProcessVouches) && node.name == 0;
        }
        self.view(at)[of] == asker.name || scope.breaks(Flaw::VouchesOutsideItsView)
    }
}
