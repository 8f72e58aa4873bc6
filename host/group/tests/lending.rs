//! Gets by callers that may borrow a value: other nodes, and clients.

use super::*;
use crate::store::{AccessKind, Listening, Sample};
use crate::transport::remote::Response;

/// More gets of one key than it takes to be hot.
const GETS: usize = 200;

fn hits(listening: &Listening) -> usize {
    let told = std::iter::from_fn(|| listening.take());
    told.filter(|access| access.kind == AccessKind::Hit).count()
}

#[tokio::test]
async fn a_get_of_a_hot_key_is_one_use_whoever_may_borrow() {
    let rig = rig();
    rig.set("Tom", "630").await;
    let listening = rig.group.parts().store.listen(Sample::of(1.0), 2 * GETS, false);
    let mut lent = 0;
    for _ in 0..GETS {
        let answer = rig.group.answer_from_memory(b"Tom").expect("it is in memory");
        let Ok(Response::Value { lent_ms, .. }) = answer else { panic!("{answer:?}") };
        lent += usize::from(lent_ms > 0);
    }
    assert_eq!(hits(&listening), GETS);
    assert!(lent > GETS / 4, "{lent}: it is not hot");

    let mut lent = 0;
    for _ in 0..GETS {
        let (_, reply, lent_ms) = rig.group.get_and_lend("Tom", PATIENCE).await;
        assert_eq!(reply.expect("it is in memory").value, "630");
        lent += usize::from(lent_ms > 0);
    }
    assert_eq!(hits(&listening), GETS);
    assert!(lent > GETS / 4, "{lent}: it is not hot");
}

#[tokio::test]
async fn what_is_not_in_memory_is_left_to_a_load() {
    let mut rig = rig();
    let listening = rig.group.parts().store.listen(Sample::of(1.0), 2 * GETS, false);
    assert!(rig.group.answer_from_memory(b"Tom").is_none());
    assert!(rig.group.answer_from_memory(b"").is_none());
    assert!(rig.group.answer_from_memory(b"\xff").is_none());
    assert!(listening.take().is_none() && rig.calls.try_recv().is_err());
}
