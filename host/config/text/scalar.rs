//! Deserializes the scalar values of the file, with errors that point at the value.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};

use super::kind::Parsed;

/// Prefix of the message of a refused value. Messages of TOML and serde begin with a word,
/// so it identifies ours.
const REFUSED: &str = "= ";

/// The message of a refused value: the value as shown, and what would be accepted.
pub(in crate::config) fn refused(shown: &str, allowed: &str) -> String {
    format!("{REFUSED}{shown:?}: {allowed}")
}

/// Whether an error's message is one of [`refused`].
pub(in crate::config) fn is_refused(message: &str) -> bool {
    message.starts_with(REFUSED)
}

/// Reads a scalar with the parser of its kind.
pub(in crate::config) fn parsed<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err = String>,
{
    let parse = |text: &str| text.parse().map_err(|allowed: String| refused(text, &allowed));
    Scalar(parse).deserialize(deserializer)
}

/// Reads a table whose values are scalars. The parser gets the name of each value too.
pub(in crate::config) fn named<'de, D, T>(
    deserializer: D,
    parse: fn(&str, &str) -> Parsed<T>,
) -> Result<Vec<(String, T)>, D::Error>
where
    D: Deserializer<'de>,
{
    struct Table<T>(fn(&str, &str) -> Parsed<T>);

    impl<'de, T> Visitor<'de> for Table<T> {
        type Value = Vec<(String, T)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut values = Vec::new();
            while let Some(name) = map.next_key::<String>()? {
                // As a flag takes it: `k = 2` is `k=2`.
                let name = name.trim().to_owned();
                if values.iter().any(|(other, _)| *other == name) {
                    let problem = "it is given twice; leave one of them out";
                    return Err(A::Error::custom(refused(&name, problem)));
                }
                let value = map.next_value_seed(Scalar(|text: &str| self.0(&name, text)))?;
                values.push((name, value));
            }
            Ok(values)
        }
    }
    deserializer.deserialize_map(Table(parse))
}

/// Reads the table of a plugin, or its name alone.
pub(in crate::config) fn table_or_plugin<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + FromStr<Err = String>,
{
    struct Either<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de> + FromStr<Err = String>> Visitor<'de> for Either<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a plugin's name, or a table with `plugin`")
        }
        fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
            text.parse().map_err(|allowed: String| E::custom(refused(text, &allowed)))
        }
        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
            T::deserialize(MapAccessDeserializer::new(map))
        }
    }
    deserializer.deserialize_any(Either(PhantomData))
}

/// Reads a text, or a number or boolean as its text. The parser's error becomes the message.
/// The parser runs inside the visitor, because TOML adds the position of the value to an
/// error from there.
pub(in crate::config) struct Scalar<P>(pub(in crate::config) P);

impl<'de, T, P: FnOnce(&str) -> Parsed<T>> DeserializeSeed<'de> for Scalar<P> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<T, P: FnOnce(&str) -> Parsed<T>> Visitor<'_> for Scalar<P> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a number, true or false")
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        self.0(text).map_err(E::custom)
    }
    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }
    fn visit_f64<E: Error>(self, number: f64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }
    fn visit_bool<E: Error>(self, flag: bool) -> Result<T, E> {
        self.visit_str(&flag.to_string())
    }
}
