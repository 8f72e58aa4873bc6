//! 64 missing keys are asked for at once while the database is locked. The node sends few queries,
//! and each caller gets its own answer.

use futures::future::join_all;
use psycache::proto::get_result::Result as Found;
use psycache::proto::{GetManyRequest, GetResponse};
use tonic::Code;

use crate::harness::ServedNode;
use crate::patience::until;
use crate::scores::{client, get, metrics};

/// How many keys.
const KEYS: usize = 64;
/// The first so many are there.
pub(crate) const PRESENT: usize = 60;
/// The group's pool, and what makes it so.
pub(crate) const POOL: usize = 4;
pub(crate) const POOL_SIZE: [&str; 2] = ["--pool-size", "4"];
/// The most queries for the keys. A pool's worth of loads runs at once, and one batch takes all
/// loads that wait. As many loads may see a free place, and find it taken.
pub(crate) const MOST_QUERIES: usize = 2 * POOL + 1;

/// How they are asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    /// By a get each, all at a time.
    Gets,
    /// By one call.
    GetMany,
}

impl Way {
    pub(crate) const ALL: [Self; 2] = [Self::Gets, Self::GetMany];
}

/// A key, whose value is its number if it is there.
fn key(way: Way, at: usize) -> String {
    format!("{way:?}{at}")
}

/// Asks, has the database answer by `unlock` once the loads are under way or wait, and asserts
/// that each key has its own answer.
pub(crate) async fn ask(node: &ServedNode, way: Way, unlock: impl FnOnce()) {
    let client = client(node).await;
    let before = Loads::of(node);
    let asking = tokio::spawn(async move {
        match way {
            Way::Gets => {
                let answers = (0..KEYS).map(|at| {
                    let client = client.clone();
                    async move { get(&client, &key(way, at)).await }
                });
                let answers = join_all(answers).await.into_iter();
                answers.map(|answer| answer.map_err(|status| status.code())).collect()
            }
            Way::GetMany => {
                let keys = (0..KEYS).map(|at| key(way, at).into()).collect();
                let request = GetManyRequest { group: "scores".into(), keys };
                let answer = client.clone().get_many(request).await.unwrap().into_inner();
                let results = answer.results.into_iter();
                results.map(|result| own(result.result.unwrap())).collect::<Vec<_>>()
            }
        }
    });
    until("the loads are under way or wait", async || {
        let now = Loads::of(node);
        let batched = now.batched_keys - before.batched_keys;
        // A batch may begin between the two counts.
        let alone = (now.running + before.batches).saturating_sub(now.batches);
        // One that saw a free place and came too late for it counts nowhere.
        alone + batched + now.waiting >= KEYS - POOL
    })
    .await;
    unlock();
    for (at, answer) in asking.await.unwrap().into_iter().enumerate() {
        match at < PRESENT {
            true => assert_eq!(answer.unwrap().value, at.to_string().as_bytes(), "{way:?}"),
            false => assert_eq!(answer.unwrap_err(), Code::NotFound, "{way:?}"),
        }
    }
}

fn own(found: Found) -> Result<GetResponse, Code> {
    match found {
        Found::Found(found) => Ok(found),
        Found::Failure(failure) => Err(Code::from_i32(failure.code as i32)),
    }
}

/// What the node counts.
struct Loads {
    running: usize,
    waiting: usize,
    batches: usize,
    batched_keys: usize,
}

impl Loads {
    fn of(node: &ServedNode) -> Self {
        let page = metrics(node.told("http"));
        let counted = |name: &str| {
            let line = page.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_else(|| panic!("{name} in {page}")).trim().parse().unwrap()
        };
        Self {
            running: counted("psycache_source_loads{group=\"scores\",state=\"running\"}"),
            waiting: counted("psycache_source_loads{group=\"scores\",state=\"waiting\"}"),
            batches: counted("psycache_source_batches_total{group=\"scores\"}"),
            batched_keys: counted("psycache_source_batched_keys_total{group=\"scores\"}"),
        }
    }
}
