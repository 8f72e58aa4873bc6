//! The keys of a command line.

use clap::builder::{StringValueParser, TypedValueParser};

use crate::cli::parse;

/// One key or more. The first is an argument of its own, because only an argument of one value
/// can begin with a hyphen and leave flags what they are.
#[derive(clap::Args)]
pub(super) struct Keys {
    /// The key; one that is not the first and begins with a hyphen goes behind --
    #[arg(allow_hyphen_values = true, value_parser = StringValueParser::new().try_map(parse::hyphened))]
    key: String,
    /// More keys
    #[arg(value_name = "KEY", allow_negative_numbers = true)]
    more: Vec<String>,
}

impl Keys {
    /// All of them, in their order.
    pub(super) fn all(self) -> Vec<String> {
        std::iter::once(self.key).chain(self.more).collect()
    }
}
