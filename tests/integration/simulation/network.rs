//! Messages between nodes: late, out of order, lost, or delivered to a node whose
//! asker has gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use psycache::error::Error;
use psycache::transport::remote::{Call, Link, Remote, RemoteError, Request, Response};
use psycache::value::Origin;
use tokio::sync::oneshot;

use super::node::Node;
use super::world::{Flaw, World};

/// The way from one process to the node at an address.
pub(super) struct Wire {
    pub(super) world: Arc<World>,
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) address: String,
    /// Of the asking process.
    pub(super) crashed: Arc<AtomicBool>,
}

type Answer = Result<Response, RemoteError>;

impl Remote for Wire {
    fn address(&self) -> &str {
        &self.address
    }

    fn link(&self) -> Link {
        match self.world.alive(self.to) {
            Some(_) if !self.world.is_cut(self.from, self.to) => Link::Connected,
            _ => Link::Unreachable("cut".into()),
        }
    }

    fn ask(&self, request: Request, within: Duration) -> BoxFuture<'_, Answer> {
        async move {
            if let Some(answer) = self.flawed(&request) {
                return answer;
            }
            if self.crashed.load(Ordering::Relaxed) {
                return std::future::pending().await;
            }
            self.world.note_asked(self.from, &request);
            let Some(callee) = self.world.alive(self.to) else {
                self.world.clock.sleep(Duration::from_millis(1)).await;
                return Err(RemoteError::Unreachable("refused".into()));
            };
            let (answer, answered) = oneshot::channel();
            let greets = matches!(request.call, Call::Greet { .. });
            // It travels whether or not anybody waits for the answer.
            let message = Message { callee, from: self.from, to: self.to, request, within };
            tokio::spawn(message.travel(Arc::clone(&self.world), answer));
            match self.world.clock.timeout(within, answered).await {
                Ok(Ok(answer)) => {
                    if let (true, Some(asker)) = (greets, self.world.alive(self.from)) {
                        asker.heard.lock().insert(self.to);
                    }
                    answer
                }
                Ok(Err(_)) => Err(RemoteError::Unreachable("the connection broke".into())),
                Err(_) => Err(RemoteError::Unreachable("no answer".into())),
            }
        }
        .boxed()
    }
}

impl Wire {
    /// What a node answers that never asks, because something is broken in it.
    fn flawed(&self, request: &Request) -> Option<Answer> {
        let process = self.world.alive(self.to)?.cluster.process();
        let done = Response::Done { count: 0, ring_version: 0, seen: 0, also: vec![], process };
        let done = Ok(done);
        match (self.world.flaw, &request.call) {
            (Flaw::OthersAreNotAsked, Call::Remove) => Some(done),
            (Flaw::DebtsAreKeptByOne, Call::Missed { .. }) => Some(done),
            _ => None,
        }
    }
}

struct Message {
    callee: Arc<Node>,
    from: usize,
    to: usize,
    request: Request,
    within: Duration,
}

impl Message {
    /// Dropping `answer` breaks the connection, for who waits.
    async fn travel(self, world: Arc<World>, answer: oneshot::Sender<Answer>) {
        world.clock.sleep(world.link_delay(self.from, self.to)).await;
        if self.lost(&world) {
            // Who waits finds out by its own time, or at once.
            if world.chance(50) {
                world.clock.sleep(self.within).await;
            }
            return;
        }
        if !matches!(self.request.call, Call::Greet { .. }) {
            world.say(|| {
                let key = String::from_utf8_lossy(&self.request.key);
                let method = self.request.call.method();
                format!("{} has {} {method} {key:?}", self.from, self.to)
            });
        }
        let answering = {
            let (world, callee) = (Arc::clone(&world), Arc::clone(&self.callee));
            let (request, within) = (self.request.clone(), self.within);
            self.callee.run(async move { here(&world, &callee, request, within).await })
        };
        let Ok(response) = answering.await else { return };
        world.clock.sleep(world.link_delay(self.to, self.from)).await;
        if !self.lost(&world) {
            // Nobody may wait any more.
            let _ = answer.send(response.map_err(RemoteError::Answered));
        }
    }

    fn lost(&self, world: &World) -> bool {
        // A connection is to a process, and ends with it.
        let same = world.alive(self.to).is_some_and(|alive| Arc::ptr_eq(&alive, &self.callee));
        !same || world.is_cut(self.from, self.to)
    }
}

/// What the callee does with a request.
async fn here(
    world: &World,
    node: &Node,
    mut request: Request,
    within: Duration,
) -> Result<Response, Error> {
    match (&mut request.call, world.flaw) {
        (Call::Greet { from, leaving, process }, _) => {
            if world.flaw != Flaw::GreetersAreNotTold {
                return node.cluster.greeted_by(from, *process, *leaving);
            }
            let mut others = node.cluster.others().into_iter();
            let in_ring = others.any(|other| other.address() == from);
            return Ok(Response::Greeted { in_ring, process: node.cluster.process() });
        }
        (Call::Remove, Flaw::FlightsAreNotDetached) => {
            let key = std::str::from_utf8(&request.key).expect("text");
            let store = &node.group.parts().store;
            let count = u64::from(store.remove(key, store.hash(key)));
            let (ring_version, process) = (node.cluster.ring_version(), node.cluster.process());
            return Ok(Response::Done { count, ring_version, seen: 0, also: vec![], process });
        }
        _ => {}
    }
    let answering = node.group.answer(request.clone(), within);
    let answer = match world.clock.timeout(within, answering).await {
        Ok(answer) => answer?,
        Err(_) => return Err(Error::DeadlineExceeded { after: within }),
    };
    Ok(match answer {
        // What comes over a wire comes from a peer.
        Response::Value(mut answer) => {
            answer.origin = Origin::Peer;
            Response::Value(answer)
        }
        Response::Done { count, ring_version, seen, process, .. }
            if world.flaw == Flaw::NobodyNamesOthers =>
        {
            Response::Done { count, ring_version, seen, also: vec![], process }
        }
        // As if a late set had come with the latest number: it is taken.
        Response::Overtaken { seen } if world.flaw == Flaw::LateSetsAreTaken => {
            if let Call::Set { seen: told, .. } = &mut request.call {
                *told = seen;
            }
            node.group.answer(request, within).await?
        }
        answer => answer,
    })
}
