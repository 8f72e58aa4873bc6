//! The folder that relative paths start from while a config file is read.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

thread_local! {
    /// Deserializers of values take no parameters, so they find the folder here. Empty outside
    /// of [`within`]: paths of flags start from the working directory.
    static FOLDER: RefCell<PathBuf> = const { RefCell::new(PathBuf::new()) };
}

/// Calls `read`, for which relative paths start from `folder`.
pub(in crate::config) fn within<T>(folder: &Path, read: impl FnOnce() -> T) -> T {
    let before = FOLDER.replace(folder.to_owned());
    let outcome = read();
    FOLDER.set(before);
    outcome
}

/// The path as it is to be opened.
pub(super) fn path(written: &str) -> PathBuf {
    FOLDER.with_borrow(|folder| folder.join(written))
}

/// A plugin by its name or path. A bare name is a path only if the folder has a component of
/// that name.
pub(super) fn plugin(written: &str) -> String {
    let path = path(written);
    let is_path = written.contains(['/', '\\']) || written.ends_with(".wasm") && path.is_file();
    match path.to_str() {
        Some(path) if is_path => path.to_owned(),
        _ => written.to_owned(),
    }
}
