//! The two protocols that gets are asked in.

use super::VALUE_BYTES;

#[derive(Clone, Copy, Debug)]
pub(super) enum Protocol {
    Redis,
    Memcached,
}

impl Protocol {
    /// Sets a key of 16 bytes.
    pub(super) fn set(self, key: usize) -> String {
        let value = "v".repeat(VALUE_BYTES);
        match self {
            Self::Redis => {
                format!("*3\r\n$3\r\nSET\r\n$16\r\nkey:{key:012}\r\n${VALUE_BYTES}\r\n{value}\r\n")
            }
            Self::Memcached => format!("set key:{key:012} 0 0 {VALUE_BYTES}\r\n{value}\r\n"),
        }
    }

    /// The answer to a set.
    pub(super) fn stored(self) -> &'static str {
        match self {
            Self::Redis => "+OK\r\n",
            Self::Memcached => "STORED\r\n",
        }
    }

    pub(super) fn get(self, key: usize) -> String {
        match self {
            Self::Redis => format!("*2\r\n$3\r\nGET\r\n$16\r\nkey:{key:012}\r\n"),
            Self::Memcached => format!("get key:{key:012}\r\n"),
        }
    }

    /// Bytes of an answer to a get.
    pub(super) fn answer_bytes(self) -> usize {
        let around = match self {
            Self::Redis => "$100\r\n\r\n",
            Self::Memcached => "VALUE key:000000000000 0 100\r\n\r\nEND\r\n",
        };
        around.len() + VALUE_BYTES
    }
}
