//! Reading the vectors of `tests/vectors`: documents that other people's software made.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// The folder of the vectors.
#[must_use]
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors")
}

/// An entry of an `index.json`, with the folder that its paths start from.
#[derive(Debug, Clone)]
pub struct Vector {
    base: PathBuf,
    entry: Value,
}

impl Vector {
    /// All entries of an index below the folder of the vectors.
    #[must_use]
    pub fn all(index: &str) -> Vec<Self> {
        let path = folder().join(index);
        let base = path.parent().map(Path::to_path_buf).unwrap_or_default();
        let text = std::fs::read(&path).unwrap_or_default();
        let entries: Vec<Value> = serde_json::from_slice(&text).unwrap_or_default();
        entries
            .into_iter()
            .map(|entry| Self {
                base: base.clone(),
                entry,
            })
            .collect()
    }

    /// A member as text, empty if there is none.
    #[must_use]
    pub fn text(&self, member: &str) -> &str {
        self.entry.get(member).and_then(Value::as_str).unwrap_or_default()
    }

    /// A member as a list of texts.
    #[must_use]
    pub fn texts(&self, member: &str) -> Vec<&str> {
        self.entry
            .get(member)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect()
    }

    /// The file that a member names, if it names one.
    #[must_use]
    pub fn file(&self, member: &str) -> Option<Vec<u8>> {
        let name = self.entry.get(member)?.as_str()?;
        std::fs::read(self.base.join(name)).ok()
    }

    /// The files of a member that is a list.
    #[must_use]
    pub fn files(&self, member: &str) -> Vec<Vec<u8>> {
        self.texts(member)
            .into_iter()
            .filter_map(|name| std::fs::read(self.base.join(name)).ok())
            .collect()
    }
}
