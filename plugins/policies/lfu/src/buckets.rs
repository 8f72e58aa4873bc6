//! The frequency buckets: a list in the order of counts, none of them empty.

use psycache_plugin::{Chain, Links, SlotArray};

#[derive(Clone, Copy, Debug)]
struct Bucket {
    count: u64,
    entries: Chain,
}

/// Buckets are known by an id, which is used again once a bucket is empty.
#[derive(Debug)]
pub(crate) struct Buckets {
    all: SlotArray<Bucket>,
    links: Links,
    /// Lowest count at the front.
    by_count: Chain,
    unused: Chain,
    ids: u32,
}

impl Buckets {
    /// No bucket yet; there may be as many as entries and one more.
    pub(crate) fn new(entries: u32) -> Self {
        let bound = entries.saturating_add(1);
        Self {
            all: SlotArray::new(bound, Bucket { count: 0, entries: Chain::default() }),
            links: Links::new(bound),
            by_count: Chain::default(),
            unused: Chain::default(),
            ids: 0,
        }
    }

    /// The entries of a bucket.
    pub(crate) fn entries(&mut self, bucket: u32) -> &mut Chain {
        &mut self.all.get_mut(bucket).entries
    }

    /// The bucket of the lowest count.
    pub(crate) fn lowest(&self) -> Option<u32> {
        self.by_count.front()
    }

    /// The bucket of count 1, new if there is none.
    pub(crate) fn of_count_one(&mut self) -> u32 {
        match self.lowest() {
            Some(lowest) if self.all.get(lowest).count == 1 => lowest,
            _ => {
                let bucket = self.unused_with(1);
                self.by_count.push_front(&mut self.links, bucket);
                bucket
            }
        }
    }

    /// The bucket of the next higher count, for an entry that was just taken out of
    /// `bucket`. That one is recycled if the entry was its last.
    pub(crate) fn successor(&mut self, bucket: u32) -> u32 {
        let Bucket { count, entries } = self.all.get(bucket);
        let count = count + 1;
        if let Some(after) = self.links.after(bucket)
            && self.all.get(after).count == count
        {
            self.recycle_if_empty(bucket);
            return after;
        }
        if entries.is_empty() {
            self.all.get_mut(bucket).count = count;
            return bucket;
        }
        let successor = self.unused_with(count);
        self.by_count.insert_after(&mut self.links, bucket, successor);
        successor
    }

    /// Gives the id of `bucket` free if its last entry is gone.
    pub(crate) fn recycle_if_empty(&mut self, bucket: u32) {
        if self.all.get(bucket).entries.is_empty() {
            self.by_count.remove(&mut self.links, bucket);
            self.unused.push_front(&mut self.links, bucket);
        }
    }

    fn unused_with(&mut self, count: u64) -> u32 {
        let bucket = self.unused.pop_back(&mut self.links).unwrap_or_else(|| {
            self.ids += 1;
            self.ids - 1
        });
        self.all.set(bucket, Bucket { count, entries: Chain::default() });
        bucket
    }

    #[cfg(test)]
    pub(crate) fn dump(&self, links: &Links) -> Vec<(u64, Vec<u32>)> {
        let content = |bucket| {
            let Bucket { count, entries } = self.all.get(bucket);
            (count, entries.iter(links).collect())
        };
        self.by_count.iter(&self.links).map(content).collect()
    }

    #[cfg(test)]
    pub(crate) fn ids(&self) -> u32 {
        self.ids
    }
}
