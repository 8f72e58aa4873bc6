//! Fifty changes and five hundred gets a second while nodes come, leave, hang, die and
//! are cut off. In each case no get is stale, and no change fails that had ten seconds,
//! except where `docs/consistency.md` says so.

mod comings;
mod crashes;
mod cut_off;
mod etcd_away;
