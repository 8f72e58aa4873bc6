//! The files of the compile cache, each with the digest of what was written. Compiled code is
//! run as it is, so a file that is damaged could do anything: it is removed, and made again.
//!
//! Which file a component is in is known to wasmtime alone, so all of them are checked. To read
//! hundreds of megabytes at each start would take seconds. A file is read once after each boot of
//! the machine, and when its date or size has changed.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use sha2::{Digest, Sha256};

/// How old a change must be to be told from another one by its date. File systems count ticks.
const SETTLED: Duration = Duration::from_secs(2);

/// What a file without a digest is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum WithoutDigest {
    /// Its writer has ended before it wrote one.
    Damaged,
    /// Another thread has written it, and not its digest yet.
    Written,
}

/// The files below one folder.
#[derive(Debug)]
pub(super) struct CompiledFiles {
    code: PathBuf,
    /// A file for each file with code: its digest, and what [`stamp`](Self::stamp) gave when it
    /// was read last.
    digests: PathBuf,
    /// Names the time since the machine was started; `None` if the system does not tell.
    boot: Option<String>,
}

impl CompiledFiles {
    /// The files below `folder`. Removes damaged files, and files without a digest: their writer
    /// ended before it wrote one.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok();
        let files = Self { code: folder.join("code"), digests: folder.join("digests"), boot };
        fs::create_dir_all(&files.code)?;
        fs::create_dir_all(&files.digests)?;
        files.remove_damaged(WithoutDigest::Damaged)?;
        let known: HashSet<PathBuf> =
            files.all().iter().map(|file| files.digest_of(file)).collect();
        for digest in fs::read_dir(&files.digests)?.flatten() {
            if !known.contains(&digest.path()) {
                remove(&digest.path())?;
            }
        }
        Ok(files)
    }

    /// The folder of the files themselves.
    pub(super) fn code(&self) -> &Path {
        &self.code
    }

    /// Removes the files that were damaged since they were written. To be called before any is
    /// used.
    pub(super) fn check(&self) -> io::Result<()> {
        self.remove_damaged(WithoutDigest::Written)
    }

    fn remove_damaged(&self, without_digest: WithoutDigest) -> io::Result<()> {
        for file in self.all() {
            let is_judged =
                without_digest == WithoutDigest::Damaged || self.digest_of(&file).exists();
            if is_judged && !self.is_sound(&file)? {
                remove(&file)?;
            }
        }
        Ok(())
    }

    /// Writes the digests of new files.
    pub(super) fn note(&self) -> io::Result<()> {
        for file in self.all() {
            let digest = self.digest_of(&file);
            if !digest.exists() {
                let stamp = self.stamp(&file);
                if let Some(now) = digest_now(&file)? {
                    write(&digest, now, stamp)?;
                }
            }
        }
        Ok(())
    }

    /// The files with code. The others are of the library that writes them.
    fn all(&self) -> Vec<PathBuf> {
        let versions = fs::read_dir(self.code.join("modules")).into_iter().flatten().flatten();
        let files = versions.flat_map(|version| fs::read_dir(version.path()).into_iter().flatten());
        let paths = files.flatten().map(|file| file.path());
        paths.filter(|path| path.extension().is_none()).collect()
    }

    fn digest_of(&self, file: &Path) -> PathBuf {
        self.digests.join(file.file_name().unwrap_or_default())
    }

    /// Whether the file is as it was written. If not, its digest is gone afterwards.
    fn is_sound(&self, file: &Path) -> io::Result<bool> {
        let path = self.digest_of(file);
        let Ok(noted) = fs::read(&path) else { return Ok(false) };
        let (written, seen) = noted.split_at(noted.len().min(Sha256::output_size()));
        let stamp = self.stamp(file);
        if stamp.as_deref().is_some_and(|stamp| stamp.as_bytes() == seen) {
            return Ok(true);
        }
        let Some(now) = digest_now(file)? else { return Ok(false) };
        let is_sound = written == now;
        if !is_sound {
            tracing::warn!(file = %file.display(), "Compiled code is not as it was written; it is compiled again");
            remove(&path)?;
        } else if stamp.is_some() {
            write(&path, now, stamp)?;
        }
        Ok(is_sound)
    }

    /// What changes whenever the file is changed, and with each boot. `None` if that can't be
    /// told, or the file was changed just now. Taken before the file is read.
    fn stamp(&self, file: &Path) -> Option<String> {
        let (boot, of) = (self.boot.as_ref()?, fs::metadata(file).ok()?);
        let changed = Duration::new(of.ctime().unsigned_abs(), of.ctime_nsec() as u32);
        let age = (UNIX_EPOCH + changed).elapsed().ok()?;
        (age > SETTLED).then(|| format!("{boot}{} {} {changed:?}", of.ino(), of.size()))
    }
}

/// Writes a file of digests, which other threads and processes may read and write meanwhile.
fn write(path: &Path, digest: Vec<u8>, stamp: Option<String>) -> io::Result<()> {
    let writer = format!("{}-{:?}", std::process::id(), std::thread::current().id());
    let whole = path.with_extension(writer);
    fs::write(&whole, [digest, stamp.unwrap_or_default().into_bytes()].concat())?;
    absent_is_fine(fs::rename(whole, path))
}

/// The digest of what the file has now; `None` if another process has removed it.
fn digest_now(file: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(file) {
        Ok(bytes) => Ok(Some(Sha256::digest(bytes).to_vec())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Removes a file, which another process may have removed.
fn remove(file: &Path) -> io::Result<()> {
    absent_is_fine(fs::remove_file(file))
}

fn absent_is_fine(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    /// One file, which was changed long ago and is not the digest's.
    fn with_another_digest(folder: &Path) -> (CompiledFiles, PathBuf) {
        let files = CompiledFiles::open(folder).expect("a folder");
        let version = files.code.join("modules/version");
        fs::create_dir_all(&version).expect("a folder");
        let file = version.join("code");
        let old = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        std::os::unix::fs::symlink(old, &file).expect("a link");
        let stamp = files.stamp(&file);
        assert!(stamp.is_some(), "it is older than its compilation");
        write(&files.digest_of(&file), vec![0; Sha256::output_size()], stamp).expect("a file");
        (files, file)
    }

    #[test]
    fn a_file_is_read_once_after_each_boot() {
        let folder = tempfile::tempdir().expect("a folder");
        let (files, file) = with_another_digest(folder.path());
        files.check().expect("readable");
        assert!(file.exists(), "it was read in this boot");
        let files = CompiledFiles { boot: Some("another".to_owned()), ..files };
        files.check().expect("readable");
        assert!(!file.exists());
    }

    #[test]
    fn a_file_is_read_whose_size_or_date_is_another() {
        let folder = tempfile::tempdir().expect("a folder");
        let (files, file) = with_another_digest(folder.path());
        fs::remove_file(&file).expect("it is there");
        fs::write(&file, "changed just now").expect("a file");
        assert_eq!(files.stamp(&file), None);
        files.check().expect("readable");
        assert!(!file.exists());
    }

    #[test]
    fn what_was_read_and_is_right_gets_its_stamp() {
        let folder = tempfile::tempdir().expect("a folder");
        let (files, file) = with_another_digest(folder.path());
        let digest = digest_now(&file).expect("readable").expect("it is there");
        write(&files.digest_of(&file), digest.clone(), None).expect("a file");
        files.check().expect("readable");
        let noted = fs::read(files.digest_of(&file)).expect("it is there");
        let stamp = files.stamp(&file).expect("it is old");
        assert_eq!(noted, [digest, stamp.into_bytes()].concat());
    }
}
