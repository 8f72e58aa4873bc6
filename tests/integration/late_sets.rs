//! Sets of the Rust client that are delayed on their way to a node.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use psycache::client::{Client, ClientConfig};
use psycache::membership::rendezvous::{Ring, RingNode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::harness::{ServedNode, stdout};
use crate::patience::soon;

/// The kind of the frames of HTTP/2 that answers are in.
const DATA: u8 = 0;

/// A network that keeps what a client sends, however long, and whether the client is gone.
struct Network {
    address: SocketAddr,
    keeps: watch::Sender<bool>,
    /// Frames of answers that the node has sent.
    answers: watch::Receiver<u64>,
    _passing: JoinSet<()>,
}

impl Network {
    async fn to(node: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let (keeps, kept) = watch::channel(false);
        let (counted, answers) = watch::channel(0);
        let counted = Arc::new(counted);
        let mut passing = JoinSet::new();
        passing.spawn(async move {
            let mut both_ways = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let node = TcpStream::connect(&node).await.expect("the node listens");
                let ((from_client, to_client), (from_node, to_node)) =
                    (client.into_split(), node.into_split());
                both_ways.spawn(to_the_node(from_client, to_node, kept.clone()));
                both_ways.spawn(from_the_node(from_node, to_client, Arc::clone(&counted)));
            }
        });
        Self { address, keeps, answers, _passing: passing }
    }
}

async fn to_the_node(
    mut client: OwnedReadHalf,
    mut node: OwnedWriteHalf,
    mut keeps: watch::Receiver<bool>,
) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(read @ 1..) = client.read(&mut buffer).await {
        let goes_on = keeps.wait_for(|keeps| !keeps).await.is_ok();
        if !goes_on || node.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
    // The end of the connection is kept, too.
    std::future::pending::<()>().await;
}

async fn from_the_node(
    mut node: OwnedReadHalf,
    mut client: OwnedWriteHalf,
    answers: Arc<watch::Sender<u64>>,
) {
    let mut head = [0; 9];
    while node.read_exact(&mut head).await.is_ok() {
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut frame = vec![0; length as usize];
        if node.read_exact(&mut frame).await.is_err() {
            return;
        }
        answers.send_modify(|answers| *answers += u64::from(head[3] == DATA));
        // The client may be gone.
        let _ = client.write_all(&[&head[..], &frame].concat()).await;
    }
}

/// A key that a client of nodes at `addresses` asks the first of them for, and that the cluster
/// of `members` has at the member `owner`.
fn key_of(addresses: [&str; 2], members: [&str; 2], owner: &str) -> String {
    let ring = |nodes: [&str; 2]| {
        Ring::new(nodes.map(|address| RingNode { address: address.into(), weight: 1 }))
    };
    let (asked, held) = (ring(addresses), ring(members));
    let is = |ring: &Ring, key: &str, address: &str| {
        let owner = ring.owner(psycache::key::ring_hash(key));
        owner.is_some_and(|owner| &*ring.nodes()[owner].address == address)
    };
    let mut keys = (0..).map(|number| format!("key {number}"));
    let key = keys.find(|key| is(&asked, key, addresses[0]) && is(&held, key, owner));
    key.expect("half of a half of all keys are")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_that_was_kept_on_its_way_does_not_replace_a_later_one() {
    let nodes = ServedNode::pair(&[]);
    let members = [nodes[0].address(), nodes[1].address()];
    // The node behind the network owns the key, or has to ask the other.
    for owner in members {
        let network = Network::to(members[0].to_owned()).await;
        let address = network.address.to_string();
        let mut config = ClientConfig::list([&address, members[1]]);
        config.timeout = Duration::from_secs(4);
        let client = Client::connect(config).await.expect("the addresses are right");
        let key = key_of([&address, members[1]], members, owner);
        let set = |value: &'static [u8]| client.set("default", &key, value, None);
        set(b"first").await.expect("it is set");
        network.keeps.send_replace(true);
        // Made by the other node in the end, while the first one has it before itself.
        set(b"kept").await.expect("the other node makes it");
        set(b"later").await.expect("the other node makes it");

        let mut answers = network.answers.clone();
        let before = *answers.borrow_and_update();
        network.keeps.send_replace(false);
        let answered = answers.wait_for(|answers| *answers > before);
        drop(soon("the node answers what was kept", answered).await.expect("it passes"));
        for node in &nodes {
            assert_eq!(stdout(&node.run(["get", "default", &key])), "later", "of {owner}");
        }
    }
}
