//! The operations of the admin service, which the node implements.

use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::mpsc;

use super::sent_policy::PolicySwap;
use super::shadow_calls::{GroupShadow, ShadowStart};
use super::trial_calls::{PolicyTrial, TrialNews};
use crate::error::Error;
use crate::proto::StatusResponse;

/// The operations of the admin service. The node implements them, because only it has both
/// the groups and the plugins.
pub trait Operations: Send + Sync + 'static {
    /// The status of the node and its view of the cluster. Does not wait for a worker or
    /// for another node.
    fn status(&self) -> StatusResponse;

    /// Replaces the policy of an existing group, which keeps serving.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] with the argument `component`, `name` or
    /// `options` if the plugin can't be used. The old policy then stays.
    fn swap_policy(&self, swap: PolicySwap) -> BoxFuture<'_, Result<PolicySwapped, Error>>;

    /// Tries a policy for an existing group. What happens is told until its end. A caller
    /// who drops the receiver ends the trial, unless it has swapped.
    ///
    /// # Errors
    /// As [`swap_policy`](Self::swap_policy), and [`Error::Unavailable`] while another swap runs.
    fn try_policy(
        &self,
        trial: PolicyTrial,
    ) -> BoxFuture<'_, Result<mpsc::Receiver<TrialNews>, Error>>;

    /// Reads the settings again, and applies each setting that can change while the node runs.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] with the argument `settings` if they have a mistake. Nothing
    /// changes then.
    fn reload(&self) -> BoxFuture<'_, Result<Reloaded, Error>>;

    /// Starts a shadow of an existing group. One that it has ends.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] with the argument `policy`, `capacity`, `component`, `name` or
    /// `options`. A shadow that the group has goes on then.
    fn start_shadow(&self, start: ShadowStart) -> BoxFuture<'_, Result<(), Error>>;

    /// The shadows that run, by the name of their group.
    fn shadows(&self) -> Vec<GroupShadow>;

    /// Ends the shadow of a group. Returns whether there was one.
    fn stop_shadow(&self, group: &str) -> bool;
}

/// What became of changed settings. They are named as in the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reloaded {
    /// Settings that are in effect now.
    pub changed: Vec<String>,
    /// Settings that take effect when the node is restarted.
    pub needs_restart: Vec<String>,
}

/// The result of a swap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicySwapped {
    /// Entries handed to the new policy.
    pub entries: u64,
    /// How long the swap took.
    pub took: Duration,
}
