//! The page of a node for people: its cluster, and its groups over the last hour.
//!
//! The HTML is made here, charts included, so the page needs no script. Names come from
//! outside; the macro of `maud` escapes whatever is put into the HTML.

mod history;
mod reading;

mod chart;
mod timeline;

mod cluster;
mod document;
mod group;
mod shadow;

#[cfg(test)]
mod tests;

pub(super) use document::render;
pub(super) use history::History;
pub(super) use reading::read;

/// The style of the page.
pub(super) const STYLE: &str = include_str!("page.css");

/// The script of the page, which asks for it again while it is open.
pub(super) const SCRIPT: &str = include_str!("page.js");
