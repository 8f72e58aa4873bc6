//! The files of a new policy's folder.

use super::like::Like;
use super::sources::WIT;
use super::template::{File, Page, named, readme, trace};
use super::{other, rust};
use crate::cli::policy::language::Language;

/// What is not kept with the sources: what tools make, and what they install.
const IGNORED: &str =
    "/*.wasm\n/.build\n/.venv\n/policy_test\n/node_modules\n/target\n__pycache__\n";

/// All files of a policy, with their paths below its folder.
pub(super) fn files(name: &str, language: Language, like: Like) -> Vec<File> {
    let (own, page): (Vec<File>, &Page) = match language {
        Language::Rust => (rust::files(like), &rust::PAGE),
        Language::Go => other::GO.parts(like),
        Language::C => other::C.parts(like),
        Language::Zig => other::ZIG.parts(like),
        Language::JavaScript => other::JAVASCRIPT.parts(like),
        Language::Python => other::PYTHON.parts(like),
    };
    let common = [
        ("README.md", readme(&language.name(), page)),
        (".gitignore", IGNORED.to_owned()),
        ("trace.txt", trace()),
        ("wit/psycache-plugin.wit", WIT.to_owned()),
    ];
    let common = common.map(|(path, text)| (path.to_owned(), text));
    own.into_iter().chain(common).map(|(path, text)| (path, named(&text, name))).collect()
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    fn all() -> impl Iterator<Item = (Language, Like)> {
        Language::value_variants()
            .iter()
            .flat_map(|&language| Like::value_variants().iter().map(move |&like| (language, like)))
    }

    #[test]
    fn no_hole_of_a_template_stays_open() {
        for (language, like) in all() {
            for (path, text) in files("my-own", language, like) {
                // Literals of Go and C have two braces too, but no name after them.
                let mut ends = text.split("{{").skip(1);
                let is_hole = |end: &str| end.starts_with(|c: char| c.is_ascii_lowercase());
                assert!(!ends.any(is_hole), "{language:?}, {path}");
            }
        }
    }

    #[test]
    fn each_folder_has_the_policy_that_was_asked_for() {
        for (language, like) in all() {
            let files = files("my-own", language, like);
            let texts: String = files.iter().map(|(_, text)| text.as_str()).collect();
            let begins = match like {
                Like::Lru => "LRU: the entry whose last use",
                Like::Sieve => "SIEVE: entries stand in the order",
                Like::Blank => "FIFO",
            };
            let policy = files.iter().find(|(_, text)| {
                let text = text.trim_start_matches(['/', '!', ' ', '"']);
                text.starts_with(begins)
            });
            assert!(policy.is_some(), "{language:?} {like:?}");
            let is_marked = texts.contains("Write here: what a use changes");
            assert_eq!(is_marked, matches!(like, Like::Blank), "{language:?} {like:?}");
        }
    }

    #[test]
    fn each_folder_is_known_by_its_files() {
        for language in Language::value_variants() {
            let folder = tempfile::tempdir().unwrap();
            for (path, text) in files("my-own", *language, Like::Lru) {
                let path = folder.path().join(path);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, text).unwrap();
            }
            assert_eq!(Language::of(folder.path()).unwrap(), *language);
        }
    }
}
