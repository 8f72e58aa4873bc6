//! The retriever that a group loads from at present.
//!
//! It can be replaced while loads are running. They finish on the old retriever, which is
//! dropped after the last of them.

use arc_swap::ArcSwap;

use crate::retriever::SharedRetriever;

/// Holds the group's retriever, if it has one.
pub struct Source(ArcSwap<Option<SharedRetriever>>);

impl Source {
    /// The retriever that new loads use. `None`: gets find only values that were set.
    #[must_use]
    pub fn retriever(&self) -> Option<SharedRetriever> {
        self.0.load().as_ref().clone()
    }

    /// Makes loads that begin from now on use `retriever`. Cached values stay. Call
    /// [`Group::clear`](super::Group::clear) if the old source's values must not be
    /// returned any more.
    pub fn replace(&self, retriever: Option<SharedRetriever>) {
        self.0.store(retriever.into());
    }
}

impl From<Option<SharedRetriever>> for Source {
    fn from(retriever: Option<SharedRetriever>) -> Self {
        Self(ArcSwap::from_pointee(retriever))
    }
}
