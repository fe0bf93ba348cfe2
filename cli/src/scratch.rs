//! A folder for the files of one test, which goes away with its value.

use std::fs;
use std::path::PathBuf;

use crate::output::{Existing, NewFile, write};

pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    /// `name` is that of no other test of this package.
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("mdoc-cli-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn with(&self, name: &str, content: impl AsRef<[u8]>, secret: bool) -> PathBuf {
        let path = self.0.join(name);
        let content = content.as_ref();
        let file = NewFile {
            path: &path,
            content,
            secret,
        };
        write(file, Existing::Replace).unwrap();
        path
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(&self.0)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
