//! What is held, released, waited for and ended.
#![allow(clippy::disallowed_methods, reason = "#[tokio::test] blocks on its runtime")]

use std::task::Wake;
use std::time::Duration;

use super::*;

fn accounts(limits: ConnectionLimits) -> (Arc<Accounts>, [Arc<Account>; 2]) {
    let (all, limits) = (Arc::<Accounts>::default(), Arc::new(limits));
    let two = [1, 2].map(|number| all.open(number, &limits));
    (all, two)
}

#[test]
fn the_sum_is_that_of_whole_units_whatever_comes_and_goes() {
    let (all, [one, other]) = accounts(ConnectionLimits::default());
    let small: Vec<Held> = (0..100).map(|_| Held::new(&one, 1000)).collect();
    assert_eq!(all.held(), 65_536);
    let mut large = Held::new(&other, 1 << 20);
    assert_eq!(all.held(), 65_536 + (1 << 20));
    large.set(3);
    drop(small);
    assert_eq!(all.held(), 0);
    drop(large);
    assert_eq!((one.held.load(Relaxed), other.held.load(Relaxed)), (0, 0));
}

#[test]
fn the_connection_that_holds_the_most_ends_and_the_other_stays() {
    let limits = ConnectionLimits { max_client_bytes: 1 << 20, ..ConnectionLimits::default() };
    let (_all, [one, other]) = accounts(limits);
    let _little = Held::new(&one, 400 << 10);
    let _more = Held::new(&other, 600 << 10);
    assert_eq!((one.ends.get(), other.ends.get()), (None, None));
    // The smaller one asks for what is too much.
    let _too_much = Held::new(&one, 150 << 10);
    assert_eq!((one.ends.get(), other.ends.get()), (None, Some(&Reason::Bytes)));
    // The larger one is about to release what it holds, so the other stays.
    let _again = Held::new(&one, 300 << 10);
    assert_eq!(one.ends.get(), None);
}

#[test]
fn strangers_end_before_known_clients_that_hold_more() {
    let limits = Arc::new(ConnectionLimits { max_client_bytes: 1 << 20, ..Default::default() });
    let all = Arc::<Accounts>::default();
    let [known, one, other, small] = [1, 2, 3, 4].map(|number| all.open(number, &limits));
    known.becomes_known();
    let _most = Held::new(&known, 900 << 10);
    let _little = Held::new(&one, 70 << 10);
    let _nothing_to_gain = Held::new(&small, 60 << 10);
    let ends = || [&known, &one, &other, &small].map(|account| account.ends.get().is_some());
    assert_eq!(ends(), [false; 4]);
    // A stranger asks for what is too much, and the other one stays.
    let _more = Held::new(&other, 130 << 10);
    assert_eq!(ends(), [false, false, true, false]);
    // The known one is too large by more than a stranger holds.
    let _too_much = Held::new(&known, 500 << 10);
    assert_eq!(ends(), [true, true, true, false]);
}

#[test]
fn cancels_count_in_a_second_only() {
    let limits = ConnectionLimits { max_cancels: 10, ..ConnectionLimits::default() };
    let (_all, [account, _]) = accounts(limits);
    (0..10).for_each(|_| account.cancels());
    assert_eq!(account.ends.get(), None);
    // As if they had been in the second before.
    account.cancels.fetch_add(7 << 32, Relaxed);
    (0..10).for_each(|_| account.cancels());
    assert_eq!(account.ends.get(), None);
    account.cancels();
    assert_eq!(account.ends.get(), Some(&Reason::Cancels));
}

#[test]
fn what_waits_for_the_client_is_woken_when_it_has_read() {
    struct Woken(AtomicBool);
    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Relaxed);
        }
    }
    let limits = ConnectionLimits { max_unread_bytes: 100, ..ConnectionLimits::default() };
    let (_all, [account, _]) = accounts(limits);
    let woken = Arc::new(Woken(AtomicBool::new(false)));
    let waker = Waker::from(Arc::clone(&woken));
    let mut cx = Context::from_waker(&waker);
    account.leave_unread(99);
    assert!(account.poll_room(1, &mut cx).is_ready());
    account.leave_unread(61);
    assert!(account.poll_room(1, &mut cx).is_pending());
    account.read(60);
    assert!(!woken.0.load(Relaxed), "as much as may be is unread");
    account.read(1);
    assert!(woken.0.load(Relaxed));
    assert!(account.poll_room(1, &mut cx).is_ready());
}

#[tokio::test]
async fn a_connection_without_a_request_ends_and_one_with_a_request_stays() {
    let within = |ms| {
        let first_request_timeout = Duration::from_millis(ms);
        ConnectionLimits { first_request_timeout, ..ConnectionLimits::default() }
    };
    let (_all, [asking, _]) = accounts(within(1));
    let (_all, [silent, _]) = accounts(within(50));
    asking.asks();
    // The time of the one that asks has passed when the silent one ends.
    tokio::select! {
        () = asking.asks_nothing(Duration::ZERO) => panic!("it asks"),
        () = silent.asks_nothing(Duration::ZERO) => {}
    }
}
