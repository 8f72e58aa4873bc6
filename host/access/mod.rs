//! Who may do what: tokens and certificates with roles for groups, from a file that is read
//! again when it changes, and the record of who changed or tried what.
//!
//! [`Access`] keeps the file. A `Principal` is one caller on something that lasts, and a
//! `Memory` spares single calls of one connection the search for their account.

mod account;
mod error;
mod pattern;
mod rate;
mod role;
mod rules;
mod token;

mod audit;

mod keeper;
mod memory;
mod principal;
mod shown;

pub use audit::Audit;
pub use error::AccessError;
pub use keeper::Access;
pub use role::Role;

pub(crate) use audit::{Audited, Note};
pub(crate) use memory::Memory;
#[cfg(feature = "cli")]
pub(crate) use pattern::Pattern;
pub(crate) use principal::Principal;
#[cfg(feature = "cli")]
pub(crate) use rate::PerSecond;
pub(crate) use shown::Shown;
#[cfg(feature = "cli")]
pub(crate) use {role::Grant, token::TokenDigest};
