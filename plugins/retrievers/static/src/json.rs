//! A JSON object from keys to values.

use std::collections::HashMap;
use std::fmt;

use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde_json::Value;

/// Reads the object in `data`. A problem names the line.
pub(crate) fn read(data: &str) -> Result<HashMap<String, String>, String> {
    let mut source = serde_json::Deserializer::from_str(data);
    let values = source.deserialize_map(Rows).and_then(|values| source.end().map(|()| values));
    values.map_err(|error| format!("as a JSON object: {error}"))
}

/// Takes the object apart while the reader still knows the line, and so that a key
/// written twice shows.
struct Rows;

impl<'de> Visitor<'de> for Rows {
    type Value = HashMap<String, String>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object from keys to strings or numbers")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut rows: A) -> Result<Self::Value, A::Error> {
        let mut values = HashMap::new();
        while let Some((key, value)) = rows.next_entry::<String, Value>()? {
            let value = match value {
                Value::String(text) => text,
                Value::Number(number) => number.to_string(),
                _ => return Err(A::Error::custom(format!("`{key}` is no string or number"))),
            };
            if values.insert(key.clone(), value).is_some() {
                return Err(A::Error::custom(format!("`{key}` stands there twice")));
            }
        }
        Ok(values)
    }
}
