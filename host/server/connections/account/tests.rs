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
        reason = asking.ended() => panic!("{reason:?}"),
        reason = silent.ended() => assert_eq!(reason, Reason::FirstRequest),
    }
}
