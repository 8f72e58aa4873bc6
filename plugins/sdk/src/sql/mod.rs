//! What retrievers share that ask by a query of SQL: its tokens, the query for many keys that
//! asks as the one for one key does, and the values that it gives.

mod batch;
mod column;
mod one_key;
mod tokens;

pub use batch::{Batch, alone};
pub use column::{no_columns, null, value_column};
pub use one_key::OneKey;
pub use tokens::{Dialect, Kind, Token, tokens};
