//! The groups of a node, found by the name in a request.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;

use crate::error::Error;
use crate::group::Group;

/// How much of an unknown name an error repeats.
const LONGEST_ECHO: usize = 64;

/// The groups of a node by name. Made once: a node's groups don't change.
#[derive(Clone)]
pub struct Groups(Arc<BTreeMap<Vec<u8>, Arc<Group>>>);

impl Groups {
    /// These groups, each under its own name.
    pub fn new(groups: impl IntoIterator<Item = Arc<Group>>) -> Self {
        let named = groups.into_iter().map(|group| (group.config().name.clone().into(), group));
        Self(Arc::new(named.collect()))
    }

    /// The group of this name.
    ///
    /// # Errors
    /// [`Error::UnknownGroup`] names those that exist.
    pub fn find(&self, name: &str) -> Result<&Arc<Group>, Error> {
        self.of_request(name.as_bytes())
    }

    /// The same for a name as it stands in a request.
    pub(crate) fn of_request(&self, name: &[u8]) -> Result<&Arc<Group>, Error> {
        self.0.get(name).ok_or_else(|| {
            let echo = String::from_utf8_lossy(&name[..name.len().min(LONGEST_ECHO)]).into_owned();
            let known: Vec<_> = self.names().collect();
            Error::UnknownGroup { name: echo, known: known.join(", ") }
        })
    }

    /// Every group, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Group>> {
        self.0.values()
    }

    /// Their names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.iter().map(|group| group.config().name.as_str())
    }

    /// Has each policy tell its statistics, for the readings that follow, or as many
    /// as do so within `limit`.
    pub(super) async fn ask_statistics(&self, limit: Duration) {
        let asked = join_all(self.iter().map(|group| group.parts().worker.statistics()));
        // A policy that fails over it is told of by its worker.
        let _ = tokio::time::timeout(limit, asked).await;
    }
}
