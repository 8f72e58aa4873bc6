//! The components that come with the binary, built from `plugins/`.

use super::Kind;

/// A component of `plugins/dist`.
#[derive(Debug)]
pub(super) struct Builtin {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) bytes: &'static [u8],
}

macro_rules! builtin {
    ($kind:ident $name:literal) => {
        Builtin {
            name: $name,
            kind: Kind::$kind,
            bytes: include_bytes!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/plugins/dist/",
                $name,
                ".wasm"
            )),
        }
    };
}

/// All of them, policies first. A constant would be in the binary once for each part of the crate
/// that is compiled apart.
pub(super) static BUILTINS: [Builtin; 14] = [
    builtin!(Policy "fifo"),
    builtin!(Policy "lru"),
    builtin!(Policy "lfu"),
    builtin!(Policy "lruk"),
    builtin!(Policy "twoq"),
    builtin!(Policy "sieve"),
    builtin!(Policy "s3fifo"),
    builtin!(Policy "gdsf"),
    builtin!(Policy "adaptive"),
    builtin!(Retriever "static"),
    builtin!(Retriever "http"),
    builtin!(Retriever "mysql"),
    builtin!(Retriever "postgres"),
    builtin!(Retriever "redis"),
];

/// The built-in of that name.
pub(super) fn find(name: &str) -> Option<&'static Builtin> {
    BUILTINS.iter().find(|builtin| builtin.name == name)
}

/// Names of all built-in plugins.
pub(super) fn names() -> Vec<&'static str> {
    BUILTINS.iter().map(|builtin| builtin.name).collect()
}
