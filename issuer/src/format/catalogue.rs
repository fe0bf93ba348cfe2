//! The formats that can be asked for by name: those shipped inside the program, and an organisation's own.

use core::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::{Format, FormatErrors};
use mdoc_cli::nearest::nearest;

/// The shipped format files, part of the program.
pub const SHIPPED: [(&str, &str); 11] = [
    (
        "partial-iso-18013-5.xml",
        include_str!("../../../document-formats/partial-iso-18013-5.xml"),
    ),
    (
        "iso-18013-5-mdl.xml",
        include_str!("../../../document-formats/iso-18013-5-mdl.xml"),
    ),
    ("eu-pid.xml", include_str!("../../../document-formats/eu-pid.xml")),
    (
        "aamva-mdl.xml",
        include_str!("../../../document-formats/aamva-mdl.xml"),
    ),
    (
        "iso-23220-photo-id.xml",
        include_str!("../../../document-formats/iso-23220-photo-id.xml"),
    ),
    (
        "eu-age-verification.xml",
        include_str!("../../../document-formats/eu-age-verification.xml"),
    ),
    (
        "vehicle-registration.xml",
        include_str!("../../../document-formats/vehicle-registration.xml"),
    ),
    (
        "loyalty-card.xml",
        include_str!("../../../document-formats/loyalty-card.xml"),
    ),
    (
        "qualification.xml",
        include_str!("../../../document-formats/qualification.xml"),
    ),
    (
        "access-badge.xml",
        include_str!("../../../document-formats/access-badge.xml"),
    ),
    (
        "warrant-card.xml",
        include_str!("../../../document-formats/warrant-card.xml"),
    ),
];

/// Formats by name, and what was odd about their files.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    entries: Vec<Entry>,
    problems: Vec<Problem>,
}

/// A format and where it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The format.
    pub format: Format,
    /// The file it was read from; `None` for a shipped one.
    pub file: Option<PathBuf>,
}

/// What is wrong with a file of a folder, or worth knowing; the other files are in the catalogue all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// The file could not be read.
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why, by the operating system.
        error: io::ErrorKind,
    },
    /// The file is not a format; nothing of it is in the catalogue.
    Faulty {
        /// The file.
        file: PathBuf,
        /// Everything that is wrong with it.
        errors: FormatErrors,
    },
    /// The name was taken; the format of this file replaces the other one.
    Replaces {
        /// The file whose format is in the catalogue now.
        file: PathBuf,
        /// The name of both.
        name: String,
        /// The file of the format that it replaced; `None` for a shipped one.
        replaced: Option<PathBuf>,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { file, error } => write!(f, "{} cannot be read: {error}", file.display()),
            Self::Faulty { file, errors } => write!(f, "{}: {errors}", file.display()),
            Self::Replaces {
                file,
                name,
                replaced: None,
            } => {
                write!(f, "{} replaces the shipped format {name}", file.display())
            }
            Self::Replaces {
                file,
                name,
                replaced: Some(other),
            } => {
                write!(
                    f,
                    "{} replaces the format {name} of {}",
                    file.display(),
                    other.display()
                )
            }
        }
    }
}

impl core::error::Error for Problem {}

/// A folder of formats that could not be listed.
#[derive(Debug)]
pub struct FolderError {
    /// The folder.
    pub folder: PathBuf,
    source: io::Error,
}

impl fmt::Display for FolderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the folder of formats {} cannot be listed",
            self.folder.display()
        )
    }
}

impl core::error::Error for FolderError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        Some(&self.source)
    }
}

impl Catalogue {
    /// The shipped formats.
    #[must_use]
    pub fn shipped() -> Self {
        let mut catalogue = Self::default();
        for (file, xml) in SHIPPED {
            match Format::read(xml.as_bytes()) {
                Ok(format) => catalogue.entries.push(Entry { format, file: None }),
                // A test sees to it that this does not happen; if it did, the others would still be of use.
                Err(errors) => catalogue.problems.push(Problem::Faulty {
                    file: PathBuf::from(file),
                    errors,
                }),
            }
        }
        catalogue
    }

    /// The shipped format of that name; the files of the others are not read.
    #[must_use]
    pub fn shipped_format(name: &str) -> Option<Format> {
        let is_of = |file: &str| file.strip_suffix(".xml") == Some(name);
        let (_, xml) = SHIPPED.iter().find(|(file, _)| is_of(file))?;
        Format::read(xml.as_bytes())
            .ok()
            .filter(|format| format.name == name)
    }

    /// Adds the formats of all `*.xml` files of a folder, in the order of their names; subfolders are not entered.
    ///
    /// A format with a name that is taken replaces the earlier one. Faulty files and replacements are told by
    /// [`Self::problems`].
    ///
    /// # Errors
    /// [`FolderError`] if the folder cannot be listed.
    pub fn with_folder(mut self, folder: &Path) -> Result<Self, FolderError> {
        let failed = |source| FolderError {
            folder: folder.to_owned(),
            source,
        };
        let files = xml_files(folder).map_err(failed)?;
        for file in files {
            match read_bounded(&file).map(|xml| Format::read(&xml)) {
                Ok(Ok(format)) => self.add(format, file),
                Ok(Err(errors)) => self.problems.push(Problem::Faulty { file, errors }),
                Err(error) => self.problems.push(Problem::Unreadable {
                    file,
                    error: error.kind(),
                }),
            }
        }
        Ok(self)
    }

    fn add(&mut self, format: Format, file: PathBuf) {
        let new = Entry {
            format,
            file: Some(file.clone()),
        };
        if let Some(old) = self
            .entries
            .iter_mut()
            .find(|entry| entry.format.name == new.format.name)
        {
            let name = new.format.name.clone();
            let replaced = core::mem::replace(old, new).file;
            self.problems.push(Problem::Replaces { file, name, replaced });
        } else {
            self.entries.push(new);
        }
    }

    /// The format of this name.
    #[must_use]
    pub fn format(&self, name: &str) -> Option<&Format> {
        self.entries
            .iter()
            .map(|entry| &entry.format)
            .find(|format| format.name == name)
    }

    /// The name that was probably meant by one that does not exist.
    #[must_use]
    pub fn nearest(&self, name: &str) -> Option<&str> {
        nearest(name, self.entries.iter().map(|entry| entry.format.name.as_str()))
    }

    /// All formats: the shipped ones first, then the others as they were added.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Files that are no formats, and names that were taken.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

/// The `*.xml` files of a folder, in the order of their names.
pub(crate) fn xml_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    let mut files = entries.collect::<io::Result<Vec<_>>>()?;
    files.retain(|file| {
        file.is_file()
            && file
                .extension()
                .is_some_and(|ext| ext.eq_ignore_ascii_case("xml"))
    });
    files.sort();
    Ok(files)
}

/// Reads a file, but no more of it than tells that it is too large.
pub(crate) fn read_bounded(file: &Path) -> io::Result<Vec<u8>> {
    let limit = u64::try_from(Format::LARGEST_FILE).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    File::open(file)?
        .take(limit.saturating_add(1))
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
