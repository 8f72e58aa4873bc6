//! The retriever that a group loads from now. It is replaced while loads are
//! under way: those end on the old one, which goes when the last of them ended.

use arc_swap::ArcSwap;

use crate::retriever::SharedRetriever;

/// A place for a retriever, or for none.
pub struct Source(ArcSwap<Option<SharedRetriever>>);

impl Source {
    /// What loads begin with; `None`: only what was set can be read.
    #[must_use]
    pub fn retriever(&self) -> Option<SharedRetriever> {
        self.0.load().as_ref().clone()
    }

    /// Has loads that begin from now on use `retriever`. What is held stays: drop
    /// it with [`Group::clear`](super::Group::clear) where the old source's values
    /// must not be answered any more.
    pub fn replace(&self, retriever: Option<SharedRetriever>) {
        self.0.store(retriever.into());
    }
}

impl From<Option<SharedRetriever>> for Source {
    fn from(retriever: Option<SharedRetriever>) -> Self {
        Self(ArcSwap::from_pointee(retriever))
    }
}
