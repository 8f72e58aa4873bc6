//! Which keys are valid, and the two hashes of a key.

use std::hash::BuildHasher;

use xxhash_rust::xxh3::xxh3_64;

use crate::error::Error;

/// The longest key, in bytes.
pub const MAX_KEY_BYTES: usize = 1024;

/// Checks a key from outside and returns it as text.
///
/// # Errors
/// [`Error::InvalidKey`] unless it is UTF-8 of 1 to [`MAX_KEY_BYTES`] bytes.
pub fn parse(bytes: &[u8]) -> Result<&str, Error> {
    let refuse = |problem: String| Err(Error::InvalidKey { problem });
    match bytes.len() {
        0 => refuse("it is empty; a key has 1 to 1,024 bytes".into()),
        1..=MAX_KEY_BYTES => match std::str::from_utf8(bytes) {
            Ok(key) => Ok(key),
            Err(error) => refuse(format!(
                "it is not UTF-8 from byte {} on; encode binary keys as text, in hexadecimal say",
                error.valid_up_to()
            )),
        },
        bytes => refuse(format!("it has {bytes} bytes; at most 1,024 are allowed")),
    }
}

/// The hash that determines the owner of a key: XXH3. It is the same on every node and in
/// every version.
#[must_use]
pub fn ring_hash(key: &str) -> u64 {
    xxh3_64(key.as_bytes())
}

/// The hash that places a key inside this node. Each node has a random seed, so that a client
/// can't choose keys that collide.
#[derive(Clone, Debug, Default)]
pub struct LocalHasher(foldhash::quality::RandomState);

impl LocalHasher {
    /// The hash of `key` in this node.
    #[must_use]
    pub fn hash(&self, key: &str) -> u64 {
        self.0.hash_one(key)
    }
}
