//! The operations of the protocol as requests to etcd.

use std::future::Future;
use std::time::Duration;

use etcd_client::{
    Client, Compare, CompareOp, EventType, GetOptions, PutOptions, Txn, TxnOp, TxnOpResponse,
    WatchOptions, WatchStream,
};
use futures::FutureExt;

use super::super::super::view::{Entry, Name};
use super::super::{
    Change, Lease, Listing, Registered, Registry, RegistryAnswer, RegistryFailure, Watch,
};
use super::client::{Etcd, Renewals, connect_options};
use super::keys::Keys;

/// The first versions in which a lease never ends before its time (etcd issue 15247).
const SOUND: [(u64, u64, u64); 2] = [(3, 4, 31), (3, 5, 13)];

impl Etcd {
    /// Sends one request, within the time limit of a request. After a failure the next
    /// one connects anew.
    async fn ask<T, F>(&self, request: impl FnOnce(Client) -> F) -> Result<T, RegistryFailure>
    where
        F: Future<Output = Result<T, etcd_client::Error>>,
    {
        let patience = self.config.patience();
        let asked = async {
            let client = self.client().await?;
            request(client).await.map_err(failure)
        };
        let answer = match tokio::time::timeout(patience, asked).await {
            Ok(answer) => answer,
            // An etcd that hangs counts as out of reach.
            Err(_) => Err(RegistryFailure::Broken(format!("no answer within {patience:?}"))),
        };
        if answer.is_err() {
            self.client.lock().take();
        }
        answer
    }

    async fn client(&self) -> Result<Client, RegistryFailure> {
        let known = self.client.lock().clone();
        if let Some(client) = known {
            return Ok(client);
        }
        let options = connect_options(&self.config);
        let client = Client::connect(&self.config.endpoints, Some(options)).await;
        let client = client.map_err(failure)?;
        *self.client.lock() = Some(client.clone());
        Ok(client)
    }
}

impl Registry for Etcd {
    fn grant(&self, ttl: Duration) -> RegistryAnswer<'_, Lease> {
        async move {
            // etcd counts in whole seconds.
            let seconds = ttl.as_secs().max(1) as i64;
            let grant = |mut client: Client| async move { client.lease_grant(seconds, None).await };
            let granted = self.ask(grant).await?;
            let ttl = Duration::from_secs(granted.ttl().max(1) as u64);
            Ok(Lease { cluster: self.keys.cluster(granted.header()), id: granted.id(), ttl })
        }
        .boxed()
    }

    fn keep_alive(&self, lease: Lease) -> RegistryAnswer<'_, bool> {
        async move {
            let known = self.renewals.lock().remove(&lease.id);
            let renew = |mut client: Client| async move {
                // The answer that opens the stream does not show the id of the etcd, so
                // the lease is renewed once more then.
                let (mut keeper, mut answers) = match known {
                    Some(known) => known,
                    None => match client.lease_keep_alive(lease.id).await {
                        Ok(open) => open,
                        Err(etcd_client::Error::LeaseKeepAliveError(problem))
                            if problem == "lease not found" =>
                        {
                            return Ok(Renewed::Gone);
                        }
                        Err(error) => return Err(error),
                    },
                };
                keeper.keep_alive().await?;
                Ok(match answers.message().await? {
                    Some(answer) if self.keys.cluster(answer.header()) != lease.cluster => {
                        Renewed::Gone
                    }
                    Some(answer) if answer.ttl() > 0 => Renewed::Lives(Box::new((keeper, answers))),
                    Some(_) => Renewed::Gone,
                    None => Renewed::Closed,
                })
            };
            match self.ask(renew).await? {
                Renewed::Lives(stream) => {
                    self.renewals.lock().insert(lease.id, *stream);
                    Ok(true)
                }
                Renewed::Gone => Ok(false),
                Renewed::Closed => {
                    Err(RegistryFailure::Broken("etcd closed the connection".into()))
                }
            }
        }
        .boxed()
    }

    fn time_to_live(&self, cluster_of_lease: u64, id: i64) -> RegistryAnswer<'_, Option<Duration>> {
        async move {
            let look =
                |mut client: Client| async move { client.lease_time_to_live(id, None).await };
            let answer = self.ask(look).await?;
            if self.keys.cluster(answer.header()) != cluster_of_lease {
                return Err(RegistryFailure::Broken("etcd is another one".into()));
            }
            // A lease that has expired but was not revoked yet has a negative remaining
            // time, and still exists.
            let exists = answer.granted_ttl() > 0;
            Ok(exists.then(|| Duration::from_secs(answer.ttl().max(0).unsigned_abs())))
        }
        .boxed()
    }

    fn revoke(&self, lease: i64) -> RegistryAnswer<'_, ()> {
        async move {
            self.renewals.lock().remove(&lease);
            let revoke = |mut client: Client| async move {
                match client.lease_revoke(lease).await {
                    Err(etcd_client::Error::GRpcStatus(status))
                        if status.code() == tonic::Code::NotFound =>
                    {
                        Ok(())
                    }
                    revoked => revoked.map(drop),
                }
            };
            self.ask(revoke).await
        }
        .boxed()
    }

    fn register<'a>(
        &'a self,
        entry: &'a Entry,
        short: i64,
        long: i64,
    ) -> RegistryAnswer<'a, Registered> {
        async move {
            let node = self.keys.node(&entry.address);
            let record = self.keys.record(&entry.address);
            let value = serde_json::to_vec(entry).expect("an entry is plain data");
            let put = |key: String, value, lease| {
                TxnOp::put(key, value, Some(PutOptions::new().with_lease(lease)))
            };
            let transaction = Txn::new()
                .when([Compare::create_revision(node.clone(), CompareOp::Equal, 0)])
                .and_then([put(node.clone(), value, short), put(record, Vec::new(), long)])
                .or_else([TxnOp::get(node.clone(), None)]);
            let taken = |mut client: Client| async move { client.txn(transaction).await };
            let answer = self.ask(taken).await?;
            if answer.succeeded() {
                let revision = answer.header().map_or(0, etcd_client::ResponseHeader::revision);
                return Ok(Registered::Now(revision));
            }
            let found = answer.op_responses().into_iter().find_map(|found| match found {
                TxnOpResponse::Get(found) => {
                    found.kvs().first().map(|entry| self.keys.member(entry))
                }
                _ => None,
            });
            match found {
                Some(Some(holder)) => Ok(Registered::Before(holder)),
                Some(None) => Err(RegistryFailure::Refused(format!(
                    "the key {node} is no entry of a node under a lease; delete it"
                ))),
                None => {
                    Err(RegistryFailure::Broken("the entry was removed while it was read".into()))
                }
            }
        }
        .boxed()
    }

    fn list(&self) -> RegistryAnswer<'_, Listing> {
        async move {
            let prefix = self.keys.prefix();
            let all = GetOptions::new().with_prefix();
            let list = |mut client: Client| async move { client.get(prefix, Some(all)).await };
            Ok(self.keys.listing(&self.ask(list).await?))
        }
        .boxed()
    }

    fn note_joined<'a>(
        &'a self,
        address: &'a str,
        name: Name,
        lease: Lease,
    ) -> RegistryAnswer<'a, ()> {
        async move {
            let node = self.keys.node(address);
            // In an emptied etcd names repeat, because revisions begin anew. Lease ids do
            // not repeat, so the lease is compared too.
            let stands = [
                Compare::create_revision(node.clone(), CompareOp::Equal, name),
                Compare::lease(node, CompareOp::Equal, lease.id),
            ];
            let put =
                TxnOp::put(self.keys.joined(), self.keys.etcd(lease.cluster).to_string(), None);
            let transaction = Txn::new().when(stands).and_then([put]);
            let noted = |mut client: Client| async move { client.txn(transaction).await.map(drop) };
            self.ask(noted).await
        }
        .boxed()
    }

    fn watch(&self, cluster: u64, revision: i64) -> RegistryAnswer<'_, Box<dyn Watch>> {
        async move {
            let key = self.keys.node("");
            let from = WatchOptions::new().with_prefix().with_start_revision(revision + 1);
            let watch = |mut client: Client| async move { client.watch(key, Some(from)).await };
            let stream = self.ask(watch).await?;
            Ok(Box::new(Changes { keys: self.keys.clone(), cluster, stream }) as Box<dyn Watch>)
        }
        .boxed()
    }

    fn warning(&self) -> RegistryAnswer<'_, Option<String>> {
        async move {
            let status = |mut client: Client| async move { client.status().await };
            let version = self.ask(status).await?.version().to_owned();
            Ok(unsound(&version).then(|| {
                format!(
                    "etcd {version} may end a lease before its time (etcd issue 15247); use 3.5.13, \
                     3.4.31 or later"
                )
            }))
        }
        .boxed()
    }
}

/// The outcome of renewing a lease.
enum Renewed {
    /// The lease lives. The next renewal uses this stream.
    Lives(Box<Renewals>),
    Gone,
    Closed,
}

/// Whether leases of this version of etcd may end early. A version that can't be parsed
/// counts as a new one.
fn unsound(version: &str) -> bool {
    let mut numbers = version.split(['.', '-']).map_while(|part| part.parse::<u64>().ok());
    let (Some(major), Some(minor), Some(patch)) = (numbers.next(), numbers.next(), numbers.next())
    else {
        return false;
    };
    let of_its_line = SOUND.into_iter().find(|sound| (sound.0, sound.1) == (major, minor));
    match of_its_line {
        Some(sound) => (major, minor, patch) < sound,
        None => (major, minor) < (3, 4),
    }
}

struct Changes {
    keys: Keys,
    cluster: u64,
    stream: WatchStream,
}

impl Watch for Changes {
    fn next(&mut self) -> RegistryAnswer<'_, Vec<Change>> {
        async move {
            let Some(news) = self.stream.message().await.map_err(failure)? else {
                return Err(RegistryFailure::Broken("etcd closed the watch".into()));
            };
            if self.keys.cluster(news.header()) != self.cluster {
                return Err(RegistryFailure::Broken("etcd is another one".into()));
            }
            if news.canceled() {
                return Err(RegistryFailure::Broken(match news.compact_revision() {
                    0 => format!("etcd ended the watch: {}", news.cancel_reason()),
                    _ => "the watch fell behind a compaction".into(),
                }));
            }
            let changes = news.events().iter().filter_map(|event| {
                let entry = event.kv()?;
                let revision = entry.mod_revision();
                if let (EventType::Put, Some(member)) =
                    (event.event_type(), self.keys.member(entry))
                {
                    return Some(Change::Came { revision, member });
                }
                // Deleted or overwritten. A list does not show an overwritten entry as a
                // node either.
                let address = self.keys.address(entry.key(), "nodes")?.to_owned();
                Some(Change::Went { revision, address })
            });
            Ok(changes.collect())
        }
        .boxed()
    }
}

fn failure(error: etcd_client::Error) -> RegistryFailure {
    // InvalidArgument: a wrong password. FailedPrecondition: this etcd has no
    // authentication. The messages of both say so.
    const MEND: [tonic::Code; 4] = [
        tonic::Code::InvalidArgument,
        tonic::Code::FailedPrecondition,
        tonic::Code::PermissionDenied,
        tonic::Code::Unauthenticated,
    ];
    match error {
        etcd_client::Error::GRpcStatus(status) if MEND.contains(&status.code()) => {
            RegistryFailure::Refused(format!("{}; check user, password and role", status.message()))
        }
        etcd_client::Error::InvalidArgs(problem) => RegistryFailure::Refused(problem),
        etcd_client::Error::InvalidUri(error) => RegistryFailure::Refused(error.to_string()),
        etcd_client::Error::GRpcStatus(status) => {
            RegistryFailure::Broken(status.message().to_owned())
        }
        error => RegistryFailure::Broken(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_etcd_whose_leases_may_end_early_is_known_by_its_version() {
        for version in ["3.4.30", "3.5.12", "3.5.0-rc.1", "3.3.27", "2.3.8"] {
            assert!(unsound(version), "{version}");
        }
        for version in ["3.4.31", "3.5.13", "3.6.0", "4.0.0", "3.5", "unknown"] {
            assert!(!unsound(version), "{version}");
        }
    }
}
