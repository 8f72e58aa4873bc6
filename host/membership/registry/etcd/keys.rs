//! The keys of a cluster in etcd, and how their values are read.

use etcd_client::{KeyValue, ResponseHeader};
use xxhash_rust::xxh3::xxh3_64;

use super::super::super::view::{Entry, Member, View};
use super::super::{Listing, Record};

/// The prefix of a cluster's keys, without a slash at the end.
#[derive(Clone, Debug)]
pub(super) struct Keys(pub(super) String);

impl Keys {
    /// The id of the cluster: of the etcd that answered, combined with the prefix. A
    /// restored etcd has another id (A5), and so have two clusters in one etcd.
    pub(super) fn cluster(&self, header: Option<&ResponseHeader>) -> u64 {
        header.map_or(0, ResponseHeader::cluster_id) ^ self.salt()
    }

    /// The id of the etcd itself.
    pub(super) fn etcd(&self, cluster: u64) -> u64 {
        cluster ^ self.salt()
    }

    fn salt(&self) -> u64 {
        xxh3_64(self.0.as_bytes())
    }

    /// The key of the entry of the node at `address`.
    pub(super) fn node(&self, address: &str) -> String {
        format!("{}/nodes/{address}", self.0)
    }

    /// The key of its record.
    pub(super) fn record(&self, address: &str) -> String {
        format!("{}/records/{address}", self.0)
    }

    /// The key with the id of the etcd in which a node has joined last.
    pub(super) fn joined(&self) -> String {
        format!("{}/cluster", self.0)
    }

    pub(super) fn prefix(&self) -> String {
        format!("{}/", self.0)
    }

    /// The node that an entry describes. `None` if the key does not match the address in
    /// the entry: another program wrote it, or it belongs to another cluster. `None` also
    /// if the entry was written more than once: a node writes it once, because its lease
    /// and weight must not change under one name.
    pub(super) fn member(&self, entry: &KeyValue) -> Option<Member> {
        let described: Entry = serde_json::from_slice(entry.value()).ok()?;
        let is_its_own = entry.key() == self.node(&described.address).as_bytes();
        let is_as_made = entry.lease() != 0 && entry.version() == 1;
        (is_its_own && is_as_made).then(|| Member {
            entry: described,
            name: entry.create_revision(),
            lease: entry.lease(),
        })
    }

    pub(super) fn address<'a>(&self, key: &'a [u8], folder: &str) -> Option<&'a str> {
        let key = std::str::from_utf8(key).ok()?;
        let prefix = format!("{}/{folder}/", self.0);
        key.strip_prefix(&prefix).filter(|address| !address.contains('/'))
    }

    pub(super) fn listing(&self, answer: &etcd_client::GetResponse) -> Listing {
        let header = answer.header();
        let mut listing = Listing {
            view: View {
                cluster: self.cluster(header),
                revision: header.map_or(0, ResponseHeader::revision),
                ..View::default()
            },
            ..Listing::default()
        };
        for entry in answer.kvs() {
            if let Some(member) = self.member(entry) {
                listing.view.members.insert(member.entry.address.as_str().into(), member);
            } else if let Some(address) = self.address(entry.key(), "records") {
                // The transaction that puts the record also creates the node's entry, so
                // this revision is the name.
                let name = entry.mod_revision();
                listing.records.push(Record { address: address.to_owned(), name });
            } else if entry.key() == self.joined().as_bytes() {
                let id = std::str::from_utf8(entry.value()).ok().and_then(|id| id.parse().ok());
                listing.joined_in = id.map(|etcd: u64| etcd ^ self.salt());
            } else {
                listing.ignored += 1;
            }
        }
        listing
    }
}
