//! A client of a cluster, for programs in Rust.
//!
//! The client keeps one connection with one stream to each node. It asks the node that
//! owns the key, so that most answers come from memory without a second hop. The list of
//! nodes is fixed, or the client follows it in etcd. If a node leaves, dies or hangs, no
//! request fails: any other node can answer for any key.
//!
//! A node may lend the client the value of a hot key for a quarter of a second. Gets of it
//! are answered with [`Origin::Hot`](crate::value::Origin::Hot) meanwhile, and changes of
//! the key wait, so no get returns an older value after a change.
//!
//! ```
//! use psycache::client::{Client, ClientConfig, Reason};
//! # use psycache::config;
//! # use psycache::node::Node;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let mut config = config::Config::default();
//! # config.listen = "127.0.0.1:0".into();
//! # config.http = None;
//! # config.groups = vec![config::Group::new("scores")];
//! # let node = Node::start(config).await?;
//! # let address = node.address().to_string();
//! let client = Client::connect(ClientConfig::list([address])).await?;
//! client.set("scores", "Ada", "1815", None).await?;
//! assert_eq!(client.get("scores", "Ada").await?.value, "1815");
//!
//! client.remove("scores", "Ada").await?;
//! let error = client.get("scores", "Ada").await.unwrap_err();
//! assert_eq!(error.reason, Reason::NoRetriever);
//! # node.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! In a cluster with etcd, the client follows it:
//!
//! ```no_run
//! use psycache::client::{Client, ClientConfig};
//! use psycache::config::EtcdConfig;
//!
//! # async fn connect() -> Result<(), Box<dyn std::error::Error>> {
//! let etcd = EtcdConfig::new(vec!["http://10.0.0.9:2379".into()]);
//! let client = Client::connect(ClientConfig::etcd(etcd)).await?;
//! # Ok(())
//! # }
//! ```

mod borrowed;
mod call;
mod config;
mod error;
mod node;
mod nodes;

#[doc(inline)]
pub use crate::tls::ClientTls;
pub use config::{ClientConfig, Nodes};
pub use error::{ConnectError, Error, Reason};

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, timeout_at};

use crate::key;
use crate::proto::session_request::Call;
use crate::proto::session_response::Answer;
use crate::proto::{
    ClearRequest, GetManyRequest, GetRequest, RemoveManyRequest, RemoveRequest, SetEntry,
    SetManyRequest, SetRequest, get_result, remove_result, set_result,
};
use crate::value::{self, Ttl};
use borrowed::Borrowed;
use node::CallOutcome;
use nodes::{Route, Routes};

/// The upper limit of a timeout, so that adding it to an instant can't overflow.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// A client of a cluster. Clones share the connections, which close with the last clone.
#[derive(Clone, Debug)]
pub struct Client {
    routes: Arc<Routes>,
    borrowed: Arc<Borrowed>,
    timeout: Duration,
}

impl Client {
    /// Makes a client of the nodes in `config`. With etcd it waits for the first list of nodes.
    /// It connects to a node at the first call.
    ///
    /// # Errors
    /// [`ConnectError`]: an address is invalid, or etcd does not answer or refuses access.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn connect(config: ClientConfig) -> Result<Self, ConnectError> {
        let timeout = config.timeout;
        let borrowed = Arc::new(Borrowed::new(config.copies_bytes));
        let routes = Arc::new(Routes::start(config).await?);
        Ok(Self { routes, borrowed, timeout })
    }

    /// Returns the same client with this timeout for its calls.
    #[must_use]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        Self { timeout, ..self.clone() }
    }

    /// The value of `key`.
    ///
    /// # Errors
    /// [`Error`]; [`Reason::NotFound`]: the source has no such key.
    pub async fn get(&self, group: &str, key: &str) -> Result<value::Answer, Error> {
        let hash = key::ring_hash(key);
        if let Some(copy) = self.borrowed.get(group, key, hash) {
            return Ok(copy);
        }
        let asked_ms = self.borrowed.asks();
        let may_lend = asked_ms.is_some();
        let call = Call::Get(GetRequest { group: bytes(group), key: bytes(key), may_lend });
        match self.ask(Some(key), call).await? {
            Answer::Get(found) => {
                let lent_ms = found.lent_ms;
                let answer = call::found(found);
                if let Some(asked_ms) = asked_ms {
                    self.borrowed.keep((group, key, hash), &answer, (asked_ms, lent_ms));
                }
                Ok(answer)
            }
            other => Err(Error::strange(&other)),
        }
    }

    /// The values of `keys`, in their order; at most 10,000.
    ///
    /// # Errors
    /// [`Error`] for the call as a whole; each result has that of its key.
    pub async fn get_many<K: AsRef<str>>(
        &self,
        group: &str,
        keys: &[K],
    ) -> Result<Vec<Result<value::Answer, Error>>, Error> {
        let all = keys.iter().map(|key| bytes(key.as_ref())).collect();
        let call = Call::GetMany(GetManyRequest { group: bytes(group), keys: all });
        match self.ask(keys.first().map(AsRef::as_ref), call).await? {
            Answer::GetMany(many) if many.results.len() == keys.len() => {
                let result = |result: get_result::Result| match result {
                    get_result::Result::Found(found) => Ok(call::found(found)),
                    get_result::Result::Failure(failure) => Err(failure.into()),
                };
                Ok(many.results.into_iter().map(|r| call::each(r.result, result)).collect())
            }
            other => Err(Error::strange(&other)),
        }
    }

    /// Replaces the value of the key on every node. A `ttl` of `None` is the default of the
    /// group; [`Ttl::NoLimit`] is none. If a connection breaks before the answer comes, the client asks another node, so
    /// the set may be done twice.
    ///
    /// # Errors
    /// [`Error`]; [`Reason::NotConfirmed`]: some node may still answer with an
    /// older value.
    pub async fn set(
        &self,
        group: &str,
        key: &str,
        value: impl Into<Bytes>,
        ttl: impl Into<Ttl>,
    ) -> Result<(), Error> {
        let (ttl_ms, no_expiry) = call::ttl(ttl.into())?;
        let (group, value) = (bytes(group), value.into());
        let call = Call::Set(SetRequest { group, key: bytes(key), value, ttl_ms, no_expiry });
        match self.ask(Some(key), call).await? {
            Answer::Set(_) => Ok(()),
            other => Err(Error::strange(&other)),
        }
    }

    /// [`set`](Self::set) for each key and value, in their order; at most 10,000. Of a key that
    /// is given twice the last value counts.
    ///
    /// # Errors
    /// [`Error`] for the call as a whole; inside, for one key.
    pub async fn set_many<K: AsRef<str>, V: Clone + Into<Bytes>>(
        &self,
        group: &str,
        entries: &[(K, V)],
        ttl: impl Into<Ttl>,
    ) -> Result<Vec<Result<(), Error>>, Error> {
        let (ttl_ms, no_expiry) = call::ttl(ttl.into())?;
        let entry = |(key, value): &(K, V)| SetEntry {
            key: bytes(key.as_ref()),
            value: value.clone().into(),
            ttl_ms,
            no_expiry,
        };
        let all = entries.iter().map(entry).collect();
        let call = Call::SetMany(SetManyRequest { group: bytes(group), entries: all });
        match self.ask(entries.first().map(|(key, _)| key.as_ref()), call).await? {
            Answer::SetMany(many) if many.results.len() == entries.len() => {
                let result = |result: set_result::Result| match result {
                    set_result::Result::Set(_) => Ok(()),
                    set_result::Result::Failure(failure) => Err(failure.into()),
                };
                Ok(many.results.into_iter().map(|r| call::each(r.result, result)).collect())
            }
            other => Err(Error::strange(&other)),
        }
    }

    /// Drops the key on every node. Returns whether a node held it.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub async fn remove(&self, group: &str, key: &str) -> Result<bool, Error> {
        let call = Call::Remove(RemoveRequest { group: bytes(group), key: bytes(key) });
        match self.ask(Some(key), call).await? {
            Answer::Remove(removed) => Ok(removed.existed),
            other => Err(Error::strange(&other)),
        }
    }

    /// [`remove`](Self::remove) for each of `keys`, in their order; at most 10,000.
    ///
    /// # Errors
    /// [`Error`] for the call as a whole; inside, for one key.
    pub async fn remove_many<K: AsRef<str>>(
        &self,
        group: &str,
        keys: &[K],
    ) -> Result<Vec<Result<bool, Error>>, Error> {
        let all = keys.iter().map(|key| bytes(key.as_ref())).collect();
        let call = Call::RemoveMany(RemoveManyRequest { group: bytes(group), keys: all });
        match self.ask(keys.first().map(AsRef::as_ref), call).await? {
            Answer::RemoveMany(many) if many.results.len() == keys.len() => {
                let result = |result: remove_result::Result| match result {
                    remove_result::Result::Removed(removed) => Ok(removed.existed),
                    remove_result::Result::Failure(failure) => Err(failure.into()),
                };
                Ok(many.results.into_iter().map(|r| call::each(r.result, result)).collect())
            }
            other => Err(Error::strange(&other)),
        }
    }

    /// Drops every entry of a group. Returns how many there were.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub async fn clear(&self, group: &str) -> Result<u64, Error> {
        match self.ask(None, Call::Clear(ClearRequest { group: bytes(group) })).await? {
            Answer::Clear(cleared) => Ok(cleared.entries),
            other => Err(Error::strange(&other)),
        }
    }

    /// Asks one node after another until one answers. If the first has not answered after half
    /// of the timeout, the client also asks the next: the node may hang. It keeps waiting for
    /// the first, because only the source may be slow.
    async fn ask(&self, key: Option<&str>, call: Call) -> Result<Answer, Error> {
        let timeout = self.timeout.min(LONGEST);
        let end = Instant::now() + timeout;
        let mut route = self.routes.route(key);
        let Some(first) = route.next() else {
            return Err(Error::unreachable(route.problem()));
        };
        let mut asked = pin!(first.ask(call.clone(), end));
        let early = timeout_at(end - timeout / 2, &mut asked).await;
        let late = async {
            match early {
                Ok(CallOutcome::Answered(answer)) => answer,
                Ok(CallOutcome::Lost(problem)) => {
                    route.lost(first.address(), &problem);
                    self.ask_the_rest(key, route, &call, end).await
                }
                Err(_) => beside(asked, self.ask_the_rest(key, route, &call, end)).await,
            }
        };
        timeout_at(end, late).await.unwrap_or_else(|_| Err(Error::late(self.timeout)))
    }

    /// Asks the nodes of `route`, and then the nodes that came since it was made.
    async fn ask_the_rest(
        &self,
        key: Option<&str>,
        mut route: Route,
        call: &Call,
        end: Instant,
    ) -> Result<Answer, Error> {
        loop {
            while let Some(node) = route.next() {
                match node.ask(call.clone(), end).await {
                    CallOutcome::Answered(answer) => return answer,
                    CallOutcome::Lost(problem) => route.lost(node.address(), &problem),
                }
            }
            if self.routes.is_current(&route) {
                return Err(Error::unreachable(route.problem()));
            }
            route = self.routes.route(key);
        }
    }
}

/// The answer of `first` or of `rest`, whichever comes first.
async fn beside(
    mut first: Pin<&mut impl Future<Output = CallOutcome>>,
    rest: impl Future<Output = Result<Answer, Error>>,
) -> Result<Answer, Error> {
    let mut rest = pin!(rest);
    tokio::select! {
        answer = &mut first => match answer {
            CallOutcome::Answered(answer) => answer,
            CallOutcome::Lost(_) => rest.await,
        },
        answer = &mut rest => match answer {
            Err(error) if error.reason == Reason::Unreachable => match first.await {
                CallOutcome::Answered(answer) => answer,
                CallOutcome::Lost(_) => Err(error),
            },
            answer => answer,
        },
    }
}

fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}
