//! Replaces `plugins` in a program without that feature. Every plugin is refused with an
//! error that contains its name.

#![allow(clippy::unused_async, reason = "as with the feature")]

use super::error::Cause;
use crate::config;
use crate::error::Error;
use crate::group::GroupConfig;
use crate::policy::{PolicyConfig, SharedPolicySource};
use crate::retriever::{LoadLimits, SharedRetriever};
use crate::server::PolicySwap;

/// Loads no plugins.
#[derive(Default)]
pub(super) struct Plugins;

impl Plugins {
    /// Refuses.
    pub(super) async fn policy(
        &self,
        wanted: &config::Plugin,
        _told: &PolicyConfig,
    ) -> Result<SharedPolicySource, Cause> {
        Err(Cause::WithoutPlugins(wanted.plugin.clone()))
    }

    /// Refuses.
    pub(super) async fn sent_policy(
        &self,
        swap: &PolicySwap,
        _pinned: &[String],
        _told: PolicyConfig,
    ) -> Result<SharedPolicySource, Error> {
        let problem = Cause::WithoutPlugins(swap.name.clone()).to_string();
        Err(Error::InvalidArgument { argument: "name", problem })
    }

    /// Refuses.
    pub(super) async fn retriever(
        &self,
        _group: &GroupConfig,
        _loads: &LoadLimits,
        wanted: &config::Plugin,
    ) -> Result<SharedRetriever, Cause> {
        Err(Cause::WithoutPlugins(wanted.plugin.clone()))
    }
}
