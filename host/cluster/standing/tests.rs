//! A node among two others, on a clock set by hand.

use std::sync::Arc;

use super::*;

const PROMISE_MS: u64 = PROMISE.as_millis() as u64;
const HAS_US: Greeted = Greeted::Answered { in_ring: true, process: 1 };
const HAS_US_NOT: Greeted = Greeted::Answered { in_ring: false, process: 1 };

struct Rig {
    standing: Standing,
    clock: Clock,
    drops: Arc<AtomicU64>,
}

fn rig() -> Rig {
    let clock = Clock::manual();
    let standing = Standing::new(clock.clone());
    let drops = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&drops);
    standing.on_fall(move || counted.fetch_add(1, Ordering::Relaxed));
    Rig { standing, clock, drops }
}

impl Rig {
    /// How often everything was dropped since the last question.
    fn drops(&self) -> u64 {
        self.drops.swap(0, Ordering::Relaxed)
    }

    fn others_are(&self, others: &[&str], registrations: u64) {
        self.standing.others_are(others.iter().copied(), registrations);
    }

    fn greeted(&self, other: &str, greeted: Greeted) {
        self.standing.greeted(other, self.clock.now_ms(), greeted);
    }

    /// Registered for a second from now on, and known to both others.
    fn registered() -> Self {
        let rig = rig();
        assert_eq!(rig.standing.registers(), 1);
        rig.standing.registered_until(rig.clock.now_ms() + 1_000);
        rig.others_are(&["b:1", "c:1"], 1);
        rig.greeted("b:1", HAS_US);
        rig.greeted("c:1", HAS_US);
        assert!(rig.standing.holds() && !rig.standing.is_cut_off());
        rig.drops();
        rig
    }
}

#[test]
fn a_node_that_joins_keeps_nothing_until_all_tell_it() {
    let rig = rig();
    assert!(rig.standing.holds(), "alone, nobody else changes anything");
    assert_eq!(rig.standing.registers(), 1);
    assert!(!rig.standing.holds() && rig.drops() == 1);
    rig.others_are(&["b:1"], 0);
    assert!(!rig.standing.holds(), "a list from before says nothing");
    rig.standing.registered_until(1_000);
    rig.others_are(&["b:1", "c:1"], 1);
    rig.greeted("b:1", HAS_US_NOT);
    assert!(!rig.standing.holds() && rig.drops() == 0);
    rig.greeted("c:1", Greeted::OutOfReach);
    assert!(rig.standing.holds());
    assert_eq!(rig.drops(), 1, "loads that began before the promises go as well");
    rig.others_are(&["b:1", "c:1", "d:1"], 1);
    assert!(rig.standing.holds(), "who comes later finds this node in its list");
}

#[test]
fn a_list_that_never_changes_is_good_for_ever() {
    let rig = rig();
    rig.others_are(&["b:1"], 0);
    assert!(!rig.standing.holds());
    rig.greeted("b:1", Greeted::OutOfReach);
    rig.clock.advance(1_000_000);
    assert!(rig.standing.holds());
}

#[test]
fn who_does_not_list_this_node_is_not_trusted_to_tell_it() {
    let rig = rig();
    rig.others_are(&["b:1"], 0);
    rig.greeted("b:1", HAS_US_NOT);
    assert!(rig.standing.holds() && !rig.standing.is_cut_off());
    rig.clock.advance(PROMISE_MS);
    rig.standing.look();
    rig.greeted("b:1", Greeted::OutOfReach);
    assert!(rig.standing.is_cut_off(), "it may change keys without telling");
    rig.greeted("b:1", HAS_US_NOT);
    rig.greeted("b:1", HAS_US_NOT);
    assert!(rig.standing.holds() && !rig.standing.is_cut_off());
}

#[test]
fn who_was_taken_to_list_this_node_and_does_not_has_not_told_it() {
    let rig = rig();
    rig.others_are(&["b:1"], 0);
    rig.greeted("b:1", Greeted::OutOfReach);
    rig.drops();
    rig.greeted("b:1", HAS_US_NOT);
    assert!(!rig.standing.holds() && rig.drops() == 1, "it changed keys meanwhile");
    rig.greeted("b:1", HAS_US_NOT);
    assert!(rig.standing.holds() && !rig.standing.is_cut_off());
}

#[test]
fn a_promise_ends_with_the_node_that_gave_it() {
    let rig = Rig::registered();
    rig.standing.leaves("b:1", 1);
    assert!(rig.standing.holds() && rig.drops() == 0, "whoever comes finds it registered");
    rig.greeted("b:1", Greeted::Answered { in_ring: true, process: 2 });
    rig.clock.advance(1_000);
    rig.standing.leaves("b:1", 1);
    assert!(rig.standing.holds(), "it rests on what both have promised");
    rig.standing.leaves("b:1", 2);
    assert!(!rig.standing.holds() && rig.drops() == 1);
}

#[test]
fn a_late_answer_renews_no_promise_of_a_node_that_left() {
    let rig = Rig::registered();
    rig.standing.leaves("b:1", 1);
    rig.greeted("b:1", HAS_US);
    rig.clock.advance(1_000);
    assert!(!rig.standing.holds(), "only the registration was left, and has ended");
}

#[test]
fn nobody_waits_for_a_node_that_lingers_after_its_goodbye() {
    let rig = rig();
    rig.others_are(&["b:1", "c:1"], 0);
    rig.greeted("b:1", HAS_US);
    rig.standing.leaves("b:1", 1);
    rig.greeted("c:1", HAS_US);
    assert!(rig.standing.holds());
    assert_eq!(rig.standing.registers(), 1);
    rig.others_are(&["b:1", "c:1"], 1);
    rig.greeted("c:1", HAS_US);
    rig.greeted("b:1", HAS_US);
    assert!(futures::FutureExt::now_or_never(rig.standing.settled()).is_some());
}

#[test]
fn a_new_process_is_not_bound_by_what_the_one_before_it_promised() {
    let rig = rig();
    rig.others_are(&["b:1"], 0);
    rig.greeted("b:1", HAS_US_NOT);
    rig.drops();
    rig.greeted("b:1", Greeted::Answered { in_ring: false, process: 2 });
    assert!(!rig.standing.holds() && rig.drops() == 1, "it changed keys before it was greeted");
    rig.greeted("b:1", Greeted::Answered { in_ring: false, process: 2 });
    rig.drops();
    rig.greeted("b:1", Greeted::Answered { in_ring: true, process: 3 });
    assert!(rig.standing.holds() && rig.drops() == 0, "it has told this node from its start");
}

#[test]
fn a_new_process_does_not_speak_for_who_relied_on_the_one_before_it() {
    let rig = rig();
    let first = Greeted::Answered { in_ring: true, process: 1 };
    let second = Greeted::Answered { in_ring: true, process: 2 };
    assert!(rig.standing.speaks_for("b:1", 1), "nothing is known of anybody");
    rig.others_are(&["b:1"], 0);
    rig.greeted("b:1", first);
    assert!(rig.standing.speaks_for("b:1", 1), "nobody was there before it");
    assert!(!rig.standing.speaks_for("b:1", 2), "somebody was");
    rig.greeted("b:1", second);
    rig.clock.advance(PROMISE_MS - 1);
    rig.greeted("b:1", second);
    assert!(!rig.standing.speaks_for("b:1", 2));
    rig.clock.advance(1);
    assert!(rig.standing.speaks_for("b:1", 2), "whatever was promised has ended");
    rig.standing.leaves("b:1", 2);
    rig.greeted("b:1", Greeted::Answered { in_ring: true, process: 3 });
    assert!(rig.standing.speaks_for("b:1", 3), "the one before it has told who relied on it");
}

#[test]
fn promises_bridge_the_time_without_a_registry() {
    let rig = Rig::registered();
    for _ in 0..10 {
        rig.clock.advance(PROMISE_MS - 1);
        rig.greeted("b:1", HAS_US);
        rig.greeted("c:1", HAS_US);
        assert!(rig.standing.holds());
    }
    assert_eq!(rig.drops(), 0);
    rig.clock.advance(1);
    rig.greeted("b:1", HAS_US);
    rig.clock.advance(PROMISE_MS - 1);
    assert!(!rig.standing.holds(), "c may have changed something");
}

#[test]
fn what_was_held_in_a_gap_goes_even_if_nobody_looked_in_it() {
    let rig = Rig::registered();
    rig.clock.advance(PROMISE_MS);
    assert!(!rig.standing.holds(), "the time alone decides");
    assert_eq!(rig.drops(), 0);
    // A process that was stopped goes on, and its renewal arrives.
    rig.standing.registered_until(rig.clock.now_ms() + 1_000);
    assert!(!rig.standing.holds());
    assert_eq!(rig.drops(), 1);
    rig.greeted("b:1", HAS_US);
    rig.greeted("c:1", HAS_US);
    assert!(rig.standing.holds());
    assert_eq!(rig.drops(), 1);
}

#[test]
fn a_node_that_is_cut_off_serves_on_and_drops_that_when_it_is_back() {
    let rig = Rig::registered();
    rig.clock.advance(PROMISE_MS);
    rig.standing.look();
    rig.greeted("b:1", HAS_US);
    rig.greeted("c:1", Greeted::OutOfReach);
    assert!(rig.standing.holds() && rig.standing.is_cut_off());
    assert_eq!(rig.drops(), 2);
    rig.greeted("c:1", HAS_US);
    assert!(!rig.standing.holds() && rig.drops() == 1, "c changed things meanwhile");
    rig.greeted("b:1", HAS_US);
    rig.greeted("c:1", HAS_US);
    assert!(rig.standing.holds() && !rig.standing.is_cut_off());
}

#[test]
fn a_registry_that_lost_its_data_costs_nothing() {
    let rig = Rig::registered();
    assert_eq!(rig.standing.registers(), 2);
    rig.others_are(&["b:1", "c:1"], 2);
    rig.standing.registered_until(rig.clock.now_ms() + 1_000);
    assert!(rig.standing.holds() && rig.drops() == 0, "both others told it all the time");
    // Now somebody is there who registered while this node did not stand in it.
    assert_eq!(rig.standing.registers(), 3);
    rig.others_are(&["b:1", "c:1", "d:1"], 3);
    assert!(!rig.standing.holds() && rig.drops() == 1);
}

#[test]
fn a_registration_counts_once_the_others_have_heard_of_it() {
    let rig = Rig::registered();
    rig.clock.advance(PROMISE_MS - 1);
    assert_eq!(rig.standing.registers(), 2);
    rig.others_are(&["b:1", "c:1"], 2);
    rig.standing.registered_until(rig.clock.now_ms() + 1_000);
    assert!(rig.standing.holds() && rig.drops() == 0);
    rig.greeted("b:1", HAS_US);
    rig.clock.advance(1);
    assert!(!rig.standing.holds(), "c may not have heard, and has promised no more");
    rig.standing.look();
    rig.greeted("b:1", HAS_US);
    rig.greeted("c:1", Greeted::OutOfReach);
    assert!(rig.standing.holds() && !rig.standing.is_cut_off());
}

#[test]
fn a_node_that_retires_keeps_nobody_waiting() {
    let rig = Rig::registered();
    rig.standing.retire();
    rig.greeted("b:1", HAS_US);
    rig.greeted("c:1", HAS_US);
    assert!(!rig.standing.holds());
    let settled = rig.standing.settled();
    assert!(futures::FutureExt::now_or_never(settled).is_some());
}
