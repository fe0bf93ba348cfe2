//! The lists that were accepted before, so that an older one is refused.
//!
//! A folder with the last accepted list of each provider, whole and as received. Files are never changed: a newer
//! list is written beside the one before, whole and on the disk before it has its name, and only then are older
//! ones removed. So neither a loss of power nor two programs at once can bring an older list back.

use std::fs;
use std::path::{Path, PathBuf};

use mdoc_core::crypto::{Backend as _, DigestAlgorithm, RustCrypto};
use mdoc_core::limits::Limits;
use mdoc_core::vical::{Known, SignedVical};

use crate::failure::Failure;
use crate::input::read_bytes;
use crate::output::{self, Existing, NewFile, make_folder};

/// A folder of accepted lists.
#[derive(Debug, Clone)]
pub struct ListStore {
    folder: PathBuf,
}

impl ListStore {
    /// Opens the folder, and makes it if it is not there.
    ///
    /// # Errors
    /// [`Failure`] that names it.
    pub fn open(folder: &Path) -> Result<Self, Failure> {
        make_folder(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    /// The newest list of a provider that was accepted, if there was one.
    ///
    /// # Errors
    /// [`Failure`] if a stored list cannot be read: without it nobody knows which lists are older.
    pub fn last(&self, provider: &str) -> Result<Option<Known>, Failure> {
        let newest = self
            .of(provider)?
            .into_iter()
            .max_by_key(|(_, known)| rank(known));
        Ok(newest.map(|(_, known)| known))
    }

    /// Keeps a list that was accepted, and removes older ones of its provider.
    ///
    /// # Errors
    /// [`Failure`] with what was stored before still there.
    pub fn keep(&self, list: &SignedVical<'_>, known: &Known) -> Result<(), Failure> {
        let name = format!("{}{}.vical", prefix(&known.provider), short(&known.payload));
        let path = self.folder.join(name);
        let file = NewFile {
            path: &path,
            content: list.raw(),
            secret: false,
        };
        output::write(file, Existing::Replace)?;
        let stored = self.of(&known.provider)?;
        let newest = stored.iter().map(|(_, known)| rank(known)).max();
        for (path, _) in stored.iter().filter(|(_, known)| Some(rank(known)) < newest) {
            // One too many does no harm: the newest counts.
            let _ = fs::remove_file(path);
        }
        Ok(())
    }

    fn of(&self, provider: &str) -> Result<Vec<(PathBuf, Known)>, Failure> {
        let listed = fs::read_dir(&self.folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let entries = listed.map_err(|error| {
            let name = self.folder.display();
            Failure::new(format!("the folder {name} cannot be listed: {error}"))
                .hint(format!("see who may with `ls -ld {name}`"))
        })?;
        let prefix = prefix(provider);
        let mut stored = Vec::new();
        for entry in entries {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if !name.starts_with(&prefix) || !name.ends_with(".vical") {
                continue;
            }
            let path = entry.path();
            let bytes = match read_bytes(&path) {
                Ok(bytes) => bytes,
                Err(_) if !path.exists() => continue, // another program replaced it
                Err(failure) => return Err(failure),
            };
            let known = SignedVical::decode(&bytes, &Limits::VICAL)
                .map(|list| Known::of(&list))
                .map_err(|error| {
                    Failure::new(format!(
                        "{} was a list that was accepted before, and cannot be read: {error}",
                        path.display()
                    ))
                    .hint(
                        "put the provider's newest list in its place; without it an older one cannot be told",
                    )
                })?;
            if known.provider == provider {
                stored.push((path, known));
            }
        }
        Ok(stored)
    }
}

/// Later is greater; among lists of one date the issue decides.
fn rank(known: &Known) -> (i64, Option<u64>) {
    (known.date.unix(), known.issue_id)
}

/// What the names of a provider's files begin with: for people its name, for programs a digest of it.
fn prefix(provider: &str) -> String {
    let shown = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    let slug: String = provider.chars().take(32).map(shown).collect();
    let digest = RustCrypto.digest(DigestAlgorithm::Sha256, &[provider.as_bytes()]);
    format!("{slug}-{}-", short(digest.as_ref()))
}

fn short(digest: &[u8]) -> String {
    base16ct::lower::encode_string(digest.get(..8).unwrap_or(digest))
}
