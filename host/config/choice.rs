//! A choice between a plugin and Rust code of a program that embeds the node.

use std::fmt;
use std::sync::Arc;

use super::auto::AutoPolicy;
use super::plugin::Plugin;
use crate::policy::{PolicySource, SharedPolicySource};
use crate::retriever::{Retriever, SharedRetriever};

/// The eviction policy of a group.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum PolicyChoice {
    /// A component.
    Plugin(Plugin),
    /// Rust code. Like a component, it runs on the worker thread of the group, and its
    /// instance is replaced when it fails.
    Native(NativePolicy),
    /// The best of several components, chosen by the node.
    Auto(AutoPolicy),
}

/// The data source from which a group loads missing values.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum RetrieverChoice {
    /// A component.
    Plugin(Plugin),
    /// Rust code.
    Native(NativeRetriever),
}

/// A policy in Rust, and its options. Two are equal if they have the same source instance
/// and equal options.
#[derive(Clone)]
pub struct NativePolicy {
    source: SharedPolicySource,
    /// `name = value`, in the order given.
    pub options: Vec<(String, String)>,
}

/// A data source in Rust. Two are equal if they are the same instance.
#[derive(Clone)]
pub struct NativeRetriever(SharedRetriever);

impl PolicyChoice {
    /// A policy whose instances `source` makes, without options.
    pub fn native(source: impl PolicySource + 'static) -> Self {
        Self::Native(NativePolicy { source: Arc::new(source), options: Vec::new() })
    }
}

impl RetrieverChoice {
    /// Wraps a data source in Rust.
    pub fn native(retriever: impl Retriever + 'static) -> Self {
        Self::Native(NativeRetriever(Arc::new(retriever)))
    }
}

impl NativePolicy {
    pub(crate) fn source(&self) -> SharedPolicySource {
        Arc::clone(&self.source)
    }
}

impl NativeRetriever {
    pub(crate) fn retriever(&self) -> SharedRetriever {
        Arc::clone(&self.0)
    }
}

impl From<Plugin> for PolicyChoice {
    fn from(plugin: Plugin) -> Self {
        Self::Plugin(plugin)
    }
}

impl From<Plugin> for RetrieverChoice {
    fn from(plugin: Plugin) -> Self {
        Self::Plugin(plugin)
    }
}

impl From<SharedRetriever> for RetrieverChoice {
    fn from(retriever: SharedRetriever) -> Self {
        Self::Native(NativeRetriever(retriever))
    }
}

impl PartialEq for NativePolicy {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.source, &other.source) && self.options == other.options
    }
}

impl PartialEq for NativeRetriever {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for NativePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NativePolicy").field(&self.source.name()).finish()
    }
}

impl fmt::Debug for NativeRetriever {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NativeRetriever").field(&self.0.name()).finish()
    }
}
