//! The call of the node that is under way. What the node does for it in any case, and what it
//! answers alike throughout, is not asked of the node again: that costs more than most of what a
//! load computes.

use std::cell::Cell;
#[cfg(feature = "net")]
use std::time::{Duration, Instant};

thread_local! {
    static UNDER_WAY: Cell<Option<Call>> = const { Cell::new(None) };
}

#[derive(Clone, Copy)]
struct Call {
    #[cfg_attr(not(feature = "net"), expect(dead_code, reason = "only sockets have a deadline"))]
    timeout_ms: u32,
    /// When that is over; `None` until it was asked for.
    #[cfg(feature = "net")]
    deadline: Option<Instant>,
    /// Whether it is traced; `None` until it was asked for.
    is_traced: Option<bool>,
}

/// Answers a call that the node ends by itself soon after `timeout_ms`.
pub fn within<T>(timeout_ms: u32, answer: impl FnOnce() -> T) -> T {
    UNDER_WAY.set(Some(Call {
        timeout_ms,
        #[cfg(feature = "net")]
        deadline: None,
        is_traced: None,
    }));
    let answer = answer();
    UNDER_WAY.set(None);
    answer
}

/// When a call is over that has had `timeout_ms` when it began.
#[cfg(feature = "net")]
pub(crate) fn deadline(timeout_ms: u32) -> Instant {
    let call = UNDER_WAY.get().filter(|call| call.timeout_ms == timeout_ms);
    call.and_then(|call| call.deadline).unwrap_or_else(|| {
        let deadline = Instant::now() + Duration::from_millis(timeout_ms.into());
        if let Some(call) = call {
            UNDER_WAY.set(Some(Call { deadline: Some(deadline), ..call }));
        }
        deadline
    })
}

/// Whether what must end by `by` may be left to the node to end. The node then ends the instance
/// too, which would not be used again anyway. A call that is traced has to report before that.
#[cfg(all(feature = "net", any(test, target_os = "wasi")))]
pub(crate) fn ends_by(by: Instant) -> bool {
    UNDER_WAY.get().is_some_and(|call| {
        call.is_traced != Some(true) && call.deadline.is_some_and(|deadline| by >= deadline)
    })
}

/// Whether the call is traced, which the node tells by `ask`.
pub(crate) fn is_traced(ask: impl FnOnce() -> bool) -> bool {
    let call = UNDER_WAY.get();
    call.and_then(|call| call.is_traced).unwrap_or_else(|| {
        let is_traced = ask();
        UNDER_WAY.set(call.map(|call| Call { is_traced: Some(is_traced), ..call }));
        is_traced
    })
}

#[cfg(all(test, feature = "net"))]
mod tests {
    use super::*;

    #[test]
    fn the_node_is_asked_once_in_a_call() {
        within(60_000, || {
            assert!(!is_traced(|| false) && !is_traced(|| true));
            assert_eq!(deadline(60_000), deadline(60_000));
        });
        within(60_000, || assert!(is_traced(|| true) && is_traced(|| false)));
        assert!(is_traced(|| true) && !is_traced(|| false), "there is no call");
    }

    #[test]
    fn what_ends_with_the_call_is_the_nodes_to_end_unless_there_is_something_to_report() {
        let ahead = Instant::now() + Duration::from_secs(3600);
        assert!(!ends_by(ahead), "there is no call");
        within(60_000, || {
            assert!(!ends_by(ahead), "nothing has to end with the call");
            let deadline = deadline(60_000);
            assert!(ends_by(deadline) && ends_by(ahead));
            assert!(!ends_by(deadline - Duration::from_millis(1)));
            is_traced(|| true);
            assert!(!ends_by(deadline));
        });
    }
}
