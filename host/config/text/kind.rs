//! A macro for kinds of values: one parser that both clap and serde use.

/// The result of a parser: the value, or a description of what would be accepted.
pub(crate) type Parsed<T> = Result<T, String>;

/// `kind!(Name(Inner), "what is accepted", parser)` defines a type that clap reads by
/// [`FromStr`](std::str::FromStr) and serde from a scalar, both with that parser. The parser
/// returns an [`ParserResult`].
macro_rules! kind {
    ($name:ident($inner:ty), $written:literal, $parse:expr) => {
        #[doc = concat!("Written as `", $written, "`.")]
        #[derive(Clone, Debug, PartialEq)]
        pub(crate) struct $name(pub(crate) $inner);

        impl std::str::FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                let outcome = ($parse)(text);
                $crate::config::text::kind::ParserResult::or_write(outcome, $written).map(Self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::config::text::parsed(deserializer)
            }
        }
    };
}
pub(super) use kind;

/// The return value of a parser. `None` means that the text is not what the kind accepts. An
/// `Err` has its own message.
pub(super) trait ParserResult<T> {
    fn or_write(self, written: &str) -> Parsed<T>;
}

impl<T> ParserResult<T> for Option<T> {
    fn or_write(self, written: &str) -> Parsed<T> {
        self.ok_or_else(|| format!("write {written}"))
    }
}

impl<T> ParserResult<T> for Parsed<T> {
    fn or_write(self, _: &str) -> Parsed<T> {
        self
    }
}
