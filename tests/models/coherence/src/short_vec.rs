//! A short vector without an allocation, so that a state is copied as plain memory.

use std::ops::{Deref, DerefMut};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ShortVec<T, const MOST: usize> {
    all: [T; MOST],
    len: u8,
}

impl<T: Copy + Default, const MOST: usize> ShortVec<T, MOST> {
    pub(crate) fn new() -> Self {
        Self { all: [T::default(); MOST], len: 0 }
    }

    /// # Panics
    /// Beyond `MOST` items.
    pub(crate) fn push(&mut self, item: T) {
        self.all[usize::from(self.len)] = item;
        self.len += 1;
    }

    pub(crate) fn retain(&mut self, keep: impl Fn(&T) -> bool) {
        let old = *self;
        *self = Self::new();
        old.iter().filter(|item| keep(item)).for_each(|item| self.push(*item));
    }

    pub(crate) fn has_room(&self) -> bool {
        usize::from(self.len) < MOST
    }

    pub(crate) fn remove(&mut self, nth: usize) {
        let old = *self;
        *self = Self::new();
        let others = old.iter().enumerate().filter(|(at, _)| *at != nth);
        others.for_each(|(_, item)| self.push(*item));
    }

    /// Of equal neighbours the first stays.
    pub(crate) fn dedup(&mut self)
    where
        T: PartialEq,
    {
        let old = *self;
        *self = Self::new();
        for item in old.iter() {
            if self.last() != Some(item) {
                self.push(*item);
            }
        }
    }

    pub(crate) fn drop_first(&mut self, count: usize) {
        let old = *self;
        *self = Self::new();
        old[count..].iter().for_each(|item| self.push(*item));
    }

    pub(crate) fn newest(&self) -> T {
        self[self.len() - 1]
    }
}

impl<T, const MOST: usize> Deref for ShortVec<T, MOST> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.all[..usize::from(self.len)]
    }
}

impl<T, const MOST: usize> DerefMut for ShortVec<T, MOST> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.all[..usize::from(self.len)]
    }
}
