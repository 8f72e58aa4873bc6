//! The files of the compile cache, each with the digest of what was written. Compiled code is
//! run as it is, so a file that is damaged could do anything: it is removed, and made again.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// The files below one folder.
#[derive(Debug)]
pub(super) struct CompiledFiles {
    code: PathBuf,
    digests: PathBuf,
}

impl CompiledFiles {
    /// The files below `folder`. Removes damaged files, and files without a digest: their writer
    /// ended before it wrote one.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        let files = Self { code: folder.join("code"), digests: folder.join("digests") };
        fs::create_dir_all(&files.code)?;
        fs::create_dir_all(&files.digests)?;
        let all = files.all();
        for file in &all {
            if !files.is_sound(file)? {
                remove(file)?;
            }
        }
        let known: HashSet<PathBuf> = all.iter().map(|file| files.digest_of(file)).collect();
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
        for file in self.all() {
            // Another thread may have written it, and not its digest yet.
            if self.digest_of(&file).exists() && !self.is_sound(&file)? {
                remove(&file)?;
            }
        }
        Ok(())
    }

    /// Writes the digests of new files.
    pub(super) fn note(&self) -> io::Result<()> {
        for file in self.all() {
            let digest = self.digest_of(&file);
            if !digest.exists()
                && let Some(now) = digest_now(&file)?
            {
                // Other threads and processes read and write it meanwhile.
                let writer = format!("{}-{:?}", std::process::id(), std::thread::current().id());
                let whole = digest.with_extension(writer);
                fs::write(&whole, now)?;
                absent_is_fine(fs::rename(whole, digest))?;
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
        let (Ok(written), Some(now)) = (fs::read(&path), digest_now(file)?) else {
            return Ok(false);
        };
        if written != now {
            tracing::warn!(file = %file.display(), "Compiled code is not as it was written; it is compiled again");
            remove(&path)?;
        }
        Ok(written == now)
    }
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
