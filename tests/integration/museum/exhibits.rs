//! Reads exhibits of `tests/plugins/`, and makes components of them.

#[path = "../../plugins/frame.rs"]
mod frame;

use std::path::{Path, PathBuf};

/// The component of an exhibit among the policies.
pub(crate) fn policy(name: &str) -> Vec<u8> {
    policy_of_version(name, "0.1.0")
}

/// The same, built for another version of the contract.
pub(crate) fn policy_of_version(name: &str, version: &str) -> Vec<u8> {
    framed(frame::POLICY, &read(&folder("policies").join(name).with_extension("wat")), version)
}

/// The component of an exhibit among the retrievers.
pub(crate) fn retriever(name: &str) -> Vec<u8> {
    retriever_of(&read(&folder("retrievers").join(name).with_extension("wat")))
}

/// The component of a retriever that is written as the exhibits are.
pub(crate) fn retriever_of(text: &str) -> Vec<u8> {
    framed(frame::RETRIEVER, text, "0.1.0")
}

/// An exhibit that stands without a frame.
pub(crate) fn whole(name: &str) -> Vec<u8> {
    let text = read(&folder("components").join(name).with_extension("wat"));
    wat::parse_str(text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// A component of at least so many bytes: the rest is a section that no tool reads.
pub(crate) fn padded(mut component: Vec<u8>, bytes: usize) -> Vec<u8> {
    // Custom section 0; its length as LEB128 in five bytes; an empty name; zeroes.
    component.push(0);
    let length = u32::try_from(bytes).expect("a section is shorter than 4 GiB");
    component.extend((0..5).map(|nth| {
        let seven = (length >> (7 * nth)) as u8 & 0x7f;
        if nth < 4 { seven | 0x80 } else { seven }
    }));
    component.resize(component.len() + bytes, 0);
    component
}

/// Names of all exhibits of a kind, in order.
pub(crate) fn names(kind: &str) -> Vec<String> {
    let files = std::fs::read_dir(folder(kind)).expect("the museum is there");
    let stem = |path: &Path| Some(path.file_stem()?.to_str()?.to_owned());
    let mut names: Vec<String> = files.filter_map(|file| stem(&file.ok()?.path())).collect();
    names.sort();
    names
}

fn folder(kind: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plugins").join(kind)
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// An exhibit names a hole of its frame on a line of its own after `;;;`, and then
/// comes what fills it.
fn framed(frame: &str, text: &str, version: &str) -> Vec<u8> {
    let holes = text.split(";;; ").skip(1).map(|part| {
        let (hole, filling) = part.split_once('\n').expect("a hole is filled");
        (hole.trim(), filling)
    });
    // Last: it may stand in the fillings.
    frame::filled(frame, &holes.chain([("version", version)]).collect::<Vec<_>>())
}
