//! Messages between nodes: late, out of order, lost, or delivered to a node whose
//! asker has gone, or to another process at the same address.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::oneshot;

use super::node::Node;
use super::world::World;
use psycache::error::Error;
use psycache::transport::remote::{PeerCall, Reachability, Remote, RemoteError, Request, Response};
use psycache::value::Origin;

/// The way from one process to the node at an address.
pub(super) struct Wire {
    pub(super) world: Arc<World>,
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) address: String,
}

/// In this time a node notices that a connection is dead: as `transport` does.
const NOTICED_WITHIN: Duration = Duration::from_millis(1_500);

type Answer = Result<Response, RemoteError>;

impl Remote for Wire {
    fn address(&self) -> &str {
        &self.address
    }

    fn reachability(&self) -> Reachability {
        Reachability::Connected
    }

    fn ask(&self, request: Request, within: Duration) -> BoxFuture<'_, Answer> {
        async move {
            let world = &self.world;
            world.note_asked(self.from, &request);
            let is_inherited = matches!(request.call, PeerCall::Inherit { .. });
            let (answer, answered) = oneshot::channel();
            // Now and then it waits for a connection, and goes to whoever is there then.
            let callee = world.alive(self.to).filter(|_| !world.chance(20));
            let message = Message { callee, from: self.from, to: self.to, request, within };
            // It travels whether or not anybody waits for the answer.
            let carries = Arc::clone(world);
            world.outside.run(async move { message.travel(&carries, answer).await });
            let answer = match world.clock.timeout(within, answered).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(_)) => Err(RemoteError::Unreachable("the connection broke".into())),
                Err(_) => Err(RemoteError::Unreachable("no answer".into())),
            };
            match &answer {
                Ok(Response::Value { .. }) if is_inherited => {
                    world.count(|outcome| outcome.inherited += 1);
                }
                Ok(Response::Vouched { .. }) => world.count(|outcome| outcome.vouches += 1),
                _ => {}
            }
            answer
        }
        .boxed()
    }
}

struct Message {
    /// `None`: whoever is there when it arrives.
    callee: Option<Arc<Node>>,
    from: usize,
    to: usize,
    request: Request,
    within: Duration,
}

impl Message {
    /// Dropping `answer` breaks the connection, for who waits.
    async fn travel(self, world: &Arc<World>, answer: oneshot::Sender<Answer>) {
        let delay = match self.request.call.is_change() && world.lags() {
            true => world.ms(100, 2_500),
            false => world.link_delay(self.from, self.to),
        };
        world.clock.sleep(delay).await;
        let callee = self.callee.clone().or_else(|| world.alive(self.to));
        let Some(callee) = callee.filter(|callee| self.arrives(world, callee)) else {
            return self.is_lost(world).await;
        };
        world.say(|| {
            let key = String::from_utf8_lossy(&self.request.key);
            let method = self.request.call.method();
            format!("{} has {} {method} {key:?}", self.from, self.to)
        });
        let is_change = self.request.call.is_change();
        let within = self.within;
        let (node, request) = (Arc::clone(&callee), self.request.clone());
        let mut answering =
            callee.process.run(async move { answer_of(&node, request, within).await });
        let stands_still = callee.process.is_paused();
        let limit = if stands_still { self.within.min(NOTICED_WITHIN) } else { self.within };
        let response = match world.clock.timeout(limit, answering.end()).await {
            Ok(Some(response)) => response,
            Ok(None) => return self.is_lost(world).await,
            // It is in the callee's hands, which may go on with it later.
            Err(_) if stands_still => return,
            Err(_) => {
                // A change that began goes on.
                if !is_change {
                    answering.give_up();
                }
                Err(Error::DeadlineExceeded { after: self.within })
            }
        };
        world.clock.sleep(world.link_delay(self.to, self.from)).await;
        if self.arrives(world, &callee) {
            // Nobody may wait any more.
            let _ = answer.send(response.map_err(RemoteError::Answered));
        } else {
            self.is_lost(world).await;
        }
    }

    fn arrives(&self, world: &World, callee: &Node) -> bool {
        // A connection is to a process, and ends with it.
        !world.goes_astray()
            && !callee.process.has_ended()
            && !world.links.is_cut(self.from, self.to)
    }

    /// Who waits finds out at once, or when pings are not answered.
    async fn is_lost(&self, world: &World) {
        if world.chance(50) {
            world.clock.sleep(self.within.min(NOTICED_WITHIN)).await;
        }
    }
}

/// What the callee does with a request.
async fn answer_of(node: &Node, request: Request, within: Duration) -> Result<Response, Error> {
    let answer = match request.call {
        call @ (PeerCall::Hello(_) | PeerCall::Join { .. } | PeerCall::Vouch { .. }) => {
            node.ownership.answer(call, within).await
        }
        _ => match node.ownership.refuse_stranger(&request) {
            Some(refusal) => Ok(refusal),
            None => node.group.answer(request, within).await,
        },
    };
    match answer? {
        // What comes over a wire comes from a peer.
        Response::Value { mut answer, lent_ms } => {
            answer.origin = Origin::Peer;
            Ok(Response::Value { answer, lent_ms })
        }
        answer => Ok(answer),
    }
}
