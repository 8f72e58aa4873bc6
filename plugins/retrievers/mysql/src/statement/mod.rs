//! The query with the place of its key, that for many keys, and a key as a literal of SQL.

mod many;
mod one;

pub(crate) use many::Many;
pub(crate) use one::{Statement, literal};
