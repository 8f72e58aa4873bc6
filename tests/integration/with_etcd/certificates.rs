//! An authority and what it signed for an etcd and its users.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::certificates::{Authority, Signed, Valid};

/// Files with one authority, a certificate of 127.0.0.1 and its key.
pub(super) struct Certificates {
    folder: TempDir,
    ca: PathBuf,
    leaf: Signed,
}

impl Certificates {
    pub(super) fn generate() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let authority = Authority::new("an authority of the tests");
        let ca = authority.write(folder.path(), "ca.pem");
        let signed = authority.sign(folder.path(), "psycache", &["127.0.0.1"], Valid::Now);
        let file = |name: &str| folder.path().join(name);
        let leaf = Signed { cert: file("cert.pem"), key: file("key.pem") };
        for (from, to) in [(signed.cert, &leaf.cert), (signed.key, &leaf.key)] {
            std::fs::rename(from, to).expect("it can be renamed");
        }
        Self { folder, ca, leaf }
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn ca(&self) -> PathBuf {
        self.ca.clone()
    }

    pub(super) fn cert(&self) -> PathBuf {
        self.leaf.cert.clone()
    }

    pub(super) fn key(&self) -> PathBuf {
        self.leaf.key.clone()
    }
}
