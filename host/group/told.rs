//! One change on its way round the nodes: who was told, who confirmed, who is
//! silent.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::join_all;

use super::Group;
use crate::cluster::CHANGE_WITHIN;
use crate::error::Error;
use crate::transport::remote::{Call, Remote, RemoteError, Response};

/// A change of one key, or of the whole group.
pub(super) struct Told<'a> {
    group: &'a Group,
    /// Empty: the whole group.
    key: &'a str,
    /// Addresses of all who were asked, whatever they answered.
    asked: BTreeSet<String>,
    /// Addresses named by others, which this node may not know.
    named: BTreeSet<String>,
    confirmed: Vec<Arc<dyn Remote>>,
    silent: BTreeSet<String>,
    /// Entries that others dropped.
    dropped: u64,
    refused: Option<Error>,
}

/// How one node took a change.
pub(super) enum Taken {
    Done,
    Overtaken,
    Silent,
}

impl<'a> Told<'a> {
    pub(super) fn new(group: &'a Group, key: &'a str) -> Self {
        Self {
            group,
            key,
            asked: BTreeSet::new(),
            named: BTreeSet::new(),
            confirmed: Vec::new(),
            silent: BTreeSet::new(),
            dropped: 0,
            refused: None,
        }
    }

    /// Has `node` make the change.
    ///
    /// # Errors
    /// It refuses.
    pub(super) async fn one(&mut self, node: &Arc<dyn Remote>, call: Call) -> Result<Taken, Error> {
        let answer = node.ask(self.group.request(self.key, call), CHANGE_WITHIN).await;
        self.note(node, answer)
    }

    /// Has all other nodes drop the key, until there is none left that was not
    /// told. Nodes may come, and be named by those that were told, meanwhile.
    pub(super) async fn all_others(&mut self) {
        loop {
            let cluster = &self.group.parts.cluster;
            let mut next = cluster.audience();
            let unasked = self.named.difference(&self.asked);
            next.extend(unasked.filter_map(|address| cluster.heard_of(address)));
            next.retain(|node| self.asked.insert(node.address().to_owned()));
            if next.is_empty() {
                return;
            }
            let call = if self.key.is_empty() { Call::Clear } else { Call::Remove };
            let request = self.group.request(self.key, call);
            let answers = next.iter().map(|node| node.ask(request.clone(), CHANGE_WITHIN));
            let answers = join_all(answers).await;
            for (node, answer) in next.iter().zip(answers) {
                if let Err(error) = self.note(node, answer) {
                    self.refused = Some(error);
                }
            }
        }
    }

    /// Sees to it that the silent get the change later, and answers how many
    /// entries were dropped.
    ///
    /// # Errors
    /// [`Error::NotConfirmed`], or what some node refused with.
    pub(super) async fn end(self) -> Result<u64, Error> {
        let cluster = &self.group.parts.cluster;
        let name = Bytes::copy_from_slice(self.group.config.name.as_bytes());
        let key = Bytes::copy_from_slice(self.key.as_bytes());
        cluster.owe_who_comes(&name, &key);
        for node in &self.silent {
            cluster.owe(node, &name, &key);
        }
        // This node may be gone before they are back: all that are there remember.
        let missed = self.confirmed.iter().flat_map(|node| {
            self.silent.iter().map(|silent| {
                let missed = Call::Missed { node: silent.clone() };
                node.ask(self.group.request(self.key, missed), CHANGE_WITHIN)
            })
        });
        join_all(missed.collect::<Vec<_>>()).await;
        match self.refused {
            Some(error) => Err(error),
            None if self.silent.is_empty() => Ok(self.dropped),
            None => Err(Error::NotConfirmed { nodes: self.silent.into_iter().collect() }),
        }
    }

    fn note(
        &mut self,
        node: &Arc<dyn Remote>,
        answer: Result<Response, RemoteError>,
    ) -> Result<Taken, Error> {
        let address = node.address();
        match answer {
            Ok(Response::Done { count, seen, also, process, .. }) => {
                self.group.seen.note(address, seen);
                self.named.extend(also);
                self.dropped += count;
                // It has dropped the key, but can't name those who rely on the one
                // that was there before.
                if !self.group.parts.cluster.standing().speaks_for(address, process) {
                    return Ok(self.silent(address));
                }
            }
            Ok(Response::Overtaken { seen }) => {
                self.group.seen.note(address, seen);
                return Ok(Taken::Overtaken);
            }
            // A node without this group holds nothing of it.
            Err(RemoteError::Answered(Error::UnknownGroup { .. })) => {}
            Err(RemoteError::Answered(Error::Stopping | Error::DeadlineExceeded { .. }))
            | Err(RemoteError::Unreachable(_))
            | Ok(_) => return Ok(self.silent(address)),
            Err(RemoteError::Answered(error)) => return Err(error),
        }
        self.asked.insert(address.to_owned());
        self.confirmed.push(Arc::clone(node));
        let name = self.group.config.name.as_bytes();
        self.group.parts.cluster.confirmed(address, name, self.key.as_bytes());
        Ok(Taken::Done)
    }

    fn silent(&mut self, address: &str) -> Taken {
        self.asked.insert(address.to_owned());
        self.silent.insert(address.to_owned());
        Taken::Silent
    }
}
