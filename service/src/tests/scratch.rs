//! Folders for the files of tests.

use std::ops::Deref;
use std::path::{Path, PathBuf};

/// A folder for the files of one test, which goes away with this value.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// `name` is that of no other test of this package.
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("mdoc-service-{name}-{}", std::process::id()));
        let _left_over = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Deref for Scratch {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}

impl AsRef<Path> for Scratch {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}
