//! What a new policy's folder is made of: the SDK and its test kit as they are in this
//! version, a built-in to begin with, and the contract.

/// A path below the folder, and the text that goes there.
pub(super) type File = (&'static str, &'static str);

macro_rules! sources {
    ($($folder:literal: $($file:literal)*;)*) => {
        &[$($((
            concat!($folder, "/src/", $file),
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/plugins/", $folder, "/src/", $file)),
        )),*),*]
    };
}

/// The SDK and the test kit, but for the [bindings](CUTS) and what needs them.
pub(super) const SDK: &[File] = sources! {
    "sdk": "arena.rs" "config.rs" "export.rs" "exported.rs" "ghosts.rs" "introspect.rs" "keys.rs" "lib.rs" "links.rs"
        "policy.rs" "residents.rs" "slot_array.rs" "slot_list.rs" "slot_queue.rs"
        "slot_queues/mod.rs" "slot_queues/tests.rs" "snapshot.rs" "stepped.rs" "stepped/tests.rs";
    "testing": "heap.rs" "lib.rs" "simulator.rs" "streams.rs";
};

/// `policy.lib.rs` and `policy.tests.rs` of the policy that a new one is like.
macro_rules! policy {
    ($name:literal) => {
        (
            include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/plugins/policies/",
                $name,
                "/src/lib.rs"
            )),
            include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/plugins/policies/",
                $name,
                "/src/tests.rs"
            )),
        )
    };
}

pub(super) const LRU: (&str, &str) = policy!("lru");
pub(super) const SIEVE: (&str, &str) = policy!("sieve");
pub(super) const FIFO: (&str, &str) = policy!("fifo");

/// The contract.
pub(super) const WIT: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/wit/psycache-plugin.wit"));

/// What is taken out of the SDK. `psycache policy build` puts the type of the component into
/// it, so that the folder needs no generated bindings, and with them no crate of a registry.
/// Data sources do need them.
const CUTS: [(&str, &str); 14] = [
    (ROOT, "#[cfg(target_family = \"wasm\")]\n#[doc(hidden)]\npub mod bindings;\n"),
    (ROOT, "#[doc(hidden)]\npub mod call;\n"),
    (ROOT, "mod io_words;\n"),
    (ROOT, "pub use io_words::io_words;\n"),
    (ROOT, "#[cfg(feature = \"net\")]\npub mod net;\n"),
    (ROOT, "pub mod sql;\n"),
    (ROOT, "mod retriever;\n"),
    (ROOT, "mod span;\n"),
    (ROOT, "pub use retriever::{FetchError, Fetched, Retriever, RetrieverConfig};\n"),
    (ROOT, "pub use span::Span;\n"),
    (ROOT, ", [`Retriever`] fetches what is\n//! missing"),
    (
        EXPORT,
        "\n            $crate::bindings::policy::export_policy_world!(Component with_types_in \
         $crate::exported);\n",
    ),
    (
        EXPORT,
        "\n        $crate::bindings::introspect::export_introspect_world!(Component with_types_in \
         $crate::exported);\n",
    ),
    (
        EXPORT,
        "\n        $crate::bindings::snapshot::export_snapshot_world!(Component with_types_in \
         $crate::exported);\n",
    ),
];

const ROOT: &str = "sdk/src/lib.rs";
const EXPORT: &str = "sdk/src/export.rs";

/// The macro for data sources, at the end of its file, which needs the bindings.
const RETRIEVERS: (&str, &str) = (EXPORT, "\n/// Exports a [`Retriever`]");

/// The text of a file of [`SDK`] as it goes into the folder.
pub(super) fn edited((path, text): File) -> String {
    let mut text = text.to_owned();
    for (_, cut) in CUTS.iter().filter(|(in_path, _)| *in_path == path) {
        text = text.replacen(cut, "", 1);
    }
    if path == RETRIEVERS.0 {
        let end = text.find(RETRIEVERS.1).unwrap_or(text.len());
        text.truncate(end);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    fn files(folder: &Path, below: &str, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = format!("{below}/{}", path.file_name().unwrap().to_str().unwrap());
            match path.is_dir() {
                true => files(&path, &name, found),
                false => drop(found.insert(name)),
            }
        }
    }

    #[test]
    fn no_file_of_the_sdk_is_forgotten() {
        let mut there = BTreeSet::new();
        for folder in ["sdk", "testing"] {
            let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("plugins").join(folder);
            files(&root.join("src"), &format!("{folder}/src"), &mut there);
        }
        for left_out in ["bindings.rs", "call.rs", "io_words.rs", "retriever.rs", "span.rs"] {
            assert!(there.remove(&format!("sdk/src/{left_out}")), "{left_out}");
        }
        there
            .retain(|file| !["sdk/src/net/", "sdk/src/sql/"].iter().any(|of| file.starts_with(of)));
        let listed: BTreeSet<String> = SDK.iter().map(|(path, _)| (*path).to_owned()).collect();
        assert_eq!(listed, there);
    }

    #[test]
    fn what_is_taken_out_is_there_once() {
        for (path, cut) in CUTS.into_iter().chain([RETRIEVERS]) {
            let file = SDK.iter().find(|(known, _)| *known == path).unwrap();
            assert_eq!(file.1.matches(cut).count(), 1, "{path}: {cut}");
        }
        for file in SDK.iter().copied() {
            assert!(!edited(file).contains("bindings::"), "{}", file.0);
        }
    }
}
