//! The groups of a node by name.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;

use crate::error::Error;
use crate::group::Group;

/// Most bytes of an unknown name that an error message repeats.
const LONGEST_ECHO: usize = 64;

/// How long a scrape waits for the statistics of the policies. For a policy that takes
/// longer, the page shows its previous statistics.
const STATISTICS_WAIT: Duration = Duration::from_millis(100);

/// The groups of a node. They do not change while the node runs.
#[derive(Clone)]
pub struct Groups(Arc<Indexed>);

struct Indexed {
    by_name: BTreeMap<Vec<u8>, Arc<Group>>,
    /// As in the configuration. The place of a group is its number for Redis clients.
    in_order: Vec<Arc<Group>>,
}

impl Groups {
    /// Indexes groups by their names.
    pub fn new(groups: impl IntoIterator<Item = Arc<Group>>) -> Self {
        let in_order: Vec<_> = groups.into_iter().collect();
        let named = |group: &Arc<Group>| (group.name().as_bytes().to_vec(), Arc::clone(group));
        let by_name = in_order.iter().map(named).collect();
        Self(Arc::new(Indexed { by_name, in_order }))
    }

    /// The group of this name.
    ///
    /// # Errors
    /// [`Error::UnknownGroup`] lists the groups that exist.
    pub fn find(&self, name: &str) -> Result<&Arc<Group>, Error> {
        self.of_request(name.as_bytes())
    }

    /// Like [`find`](Self::find), with the bytes of a name from a request.
    pub(crate) fn of_request(&self, name: &[u8]) -> Result<&Arc<Group>, Error> {
        self.0.by_name.get(name).ok_or_else(|| {
            let echo = String::from_utf8_lossy(&name[..name.len().min(LONGEST_ECHO)]).into_owned();
            let known: Vec<_> = self.names().collect();
            Error::UnknownGroup { name: echo, known: known.join(", ") }
        })
    }

    /// All groups, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Group>> {
        self.0.by_name.values()
    }

    /// All groups, in the order of the configuration.
    pub(super) fn in_order(&self) -> impl Iterator<Item = &Arc<Group>> {
        self.0.in_order.iter()
    }

    /// The group with this place in the configuration, from 0.
    pub(super) fn at(&self, place: usize) -> Option<&Arc<Group>> {
        self.0.in_order.get(place)
    }

    /// The names of all groups, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.iter().map(|group| group.name())
    }

    /// Asks each policy for its statistics and waits at most [`STATISTICS_WAIT`]. Later readings
    /// include the answers.
    pub(super) async fn ask_statistics(&self) {
        let asked = join_all(self.iter().map(|group| group.parts().worker.statistics()));
        // A failure of a policy is logged by its worker.
        let _ = tokio::time::timeout(STATISTICS_WAIT, asked).await;
    }
}
