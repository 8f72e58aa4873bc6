//! What a kind of value is: one parser, by which clap and serde both read it.

/// What a parser gives: the value, or what would have been accepted.
pub(crate) type Parsed<T> = Result<T, String>;

/// `kind!(Name(Inner), "what is written", parser)`: a type that clap reads by
/// [`FromStr`](std::str::FromStr) and serde from a scalar, both with that parser. It
/// gives an [`Outcome`].
macro_rules! kind {
    ($name:ident($inner:ty), $written:literal, $parse:expr) => {
        #[doc = concat!("Written as `", $written, "`.")]
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name(pub $inner);

        impl std::str::FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                let outcome = ($parse)(text);
                $crate::config::text::kind::Outcome::or_write(outcome, $written).map(Self)
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

/// `None`: what is written was not. An error: in words of its own.
pub(super) trait Outcome<T> {
    fn or_write(self, written: &str) -> Parsed<T>;
}

impl<T> Outcome<T> for Option<T> {
    fn or_write(self, written: &str) -> Parsed<T> {
        self.ok_or_else(|| format!("write {written}"))
    }
}

impl<T> Outcome<T> for Parsed<T> {
    fn or_write(self, _: &str) -> Parsed<T> {
        self
    }
}
