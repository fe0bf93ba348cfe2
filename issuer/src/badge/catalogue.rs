//! The layouts that can be asked for by name: those shipped inside the program, and an organisation's own.

use core::fmt;
use std::io;
use std::path::{Path, PathBuf};

use mdoc_cli::nearest::nearest;

use super::{Fonts, Layout, LayoutErrors, LayoutSelectionInvalid, Selected, select, shipped};
use crate::format::Format;
use crate::format::catalogue::{read_bounded, xml_files};

/// Layouts by name, and what was odd about their files.
#[derive(Debug, Clone, Default)]
pub struct Layouts {
    layouts: Vec<Layout>,
    problems: Vec<LayoutProblem>,
}

/// What is wrong with a file of a folder, or worth knowing; the other files are in the catalogue all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LayoutProblem {
    /// The file could not be read.
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why, by the operating system.
        error: io::ErrorKind,
    },
    /// The file is not a layout; nothing of it is in the catalogue.
    Faulty {
        /// The file.
        file: PathBuf,
        /// Everything that is wrong with it.
        errors: LayoutErrors,
    },
    /// The name was taken; the layout of this file replaces the other one.
    Replaces {
        /// The file whose layout is in the catalogue now.
        file: PathBuf,
        /// The name of both.
        name: String,
    },
}

impl fmt::Display for LayoutProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { file, error } => write!(f, "{} cannot be read: {error}", file.display()),
            Self::Faulty { file, errors } => write!(f, "{}: {errors}", file.display()),
            Self::Replaces { file, name } => {
                write!(f, "{} replaces another layout {name}", file.display())
            }
        }
    }
}

impl core::error::Error for LayoutProblem {}

/// A folder of layouts that could not be listed.
#[derive(Debug)]
pub struct LayoutFolderError {
    /// The folder.
    pub folder: PathBuf,
    source: io::Error,
}

impl fmt::Display for LayoutFolderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let folder = self.folder.display();
        write!(f, "the folder of layouts {folder} cannot be listed")
    }
}

impl core::error::Error for LayoutFolderError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        Some(&self.source)
    }
}

impl Layouts {
    /// The shipped layouts.
    #[must_use]
    pub fn shipped() -> Self {
        Self {
            layouts: shipped(),
            problems: Vec::new(),
        }
    }

    /// Adds the layouts of all `*.xml` files of a folder, in the order of their names; subfolders are entered for the
    /// pictures and fonts alone that a layout names.
    ///
    /// A layout with a name that is taken replaces the earlier one. Faulty files and replacements are told by
    /// [`Self::problems`].
    ///
    /// # Errors
    /// [`LayoutFolderError`] if the folder cannot be listed.
    pub fn with_folder(mut self, folder: &Path) -> Result<Self, LayoutFolderError> {
        let files = xml_files(folder).map_err(|source| LayoutFolderError {
            folder: folder.to_owned(),
            source,
        })?;
        for file in files {
            let read = read_bounded(&file).map(|xml| Layout::read(&xml, &mut beside(folder)));
            match read {
                Ok(Ok(layout)) => self.add(layout, file),
                Ok(Err(errors)) => self.problems.push(LayoutProblem::Faulty { file, errors }),
                Err(error) => self.problems.push(LayoutProblem::Unreadable {
                    file,
                    error: error.kind(),
                }),
            }
        }
        Ok(self)
    }

    fn add(&mut self, layout: Layout, file: PathBuf) {
        let name = layout.name.clone();
        match self.layouts.iter_mut().find(|known| known.name == name) {
            Some(known) => {
                *known = layout;
                self.problems.push(LayoutProblem::Replaces { file, name });
            }
            None => self.layouts.push(layout),
        }
    }

    /// The layout of this name.
    #[must_use]
    pub fn layout(&self, name: &str) -> Option<&Layout> {
        self.layouts.iter().find(|layout| layout.name == name)
    }

    /// All layouts: the shipped ones first, then the others as they were added.
    #[must_use]
    pub fn layouts(&self) -> &[Layout] {
        &self.layouts
    }

    /// Files that are no layouts, and names that were taken.
    #[must_use]
    pub fn problems(&self) -> &[LayoutProblem] {
        &self.problems
    }

    /// The sides of the badge that these layouts make for documents of a format.
    ///
    /// # Errors
    /// [`LayoutSelectionInvalid`] if one is not there, is for documents of another format or shows an element that they
    /// never have, if their pictures are larger than [`Layout::MOST_PICTURE_BYTES`] together, and as [`select`].
    pub fn set(&self, names: &[String], format: &Format) -> Result<Selected<'_>, LayoutSelectionInvalid> {
        let found = names.iter().map(|name| self.of_format(name, format));
        let layouts = found.collect::<Result<Vec<_>, _>>()?;
        let set = select(&layouts)?;
        let sides = [Some(set.front), set.back].into_iter().flatten();
        let bytes = sides.map(Layout::picture_bytes).fold(0, usize::saturating_add);
        let most = Layout::MOST_PICTURE_BYTES;
        if bytes > most {
            return Err(LayoutSelectionInvalid::PicturesTooLarge { bytes, most });
        }
        Ok(set)
    }

    fn of_format(&self, name: &str, format: &Format) -> Result<&Layout, LayoutSelectionInvalid> {
        let layout = self.layout(name).ok_or_else(|| LayoutSelectionInvalid::Unknown {
            name: name.to_owned(),
            nearest: nearest(name, self.layouts.iter().map(|layout| layout.name.as_str())).map(str::to_owned),
        })?;
        if let Some(other) = layout.format.as_ref().filter(|other| **other != format.name) {
            return Err(LayoutSelectionInvalid::OtherFormat {
                name: name.to_owned(),
                format: other.clone(),
                wanted: format.name.clone(),
            });
        }
        match layout.unknown_elements(format).into_iter().next() {
            Some((line, element)) => Err(LayoutSelectionInvalid::UnknownElement {
                name: name.to_owned(),
                line,
                element,
            }),
            None => Ok(layout),
        }
    }
}

/// Finds the pictures and fonts that a layout names, in the folder of its file.
pub fn beside(folder: &Path) -> impl FnMut(&str) -> Result<Vec<u8>, String> + use<> {
    let folder = folder.to_owned();
    move |name| {
        let file = folder.join(name);
        let length = std::fs::metadata(&file).map_err(|_| format!("{} is not there", file.display()))?;
        if usize::try_from(length.len()).map_or(true, |length| length > Fonts::LARGEST_FILE) {
            return Err(format!("{} is too large", file.display()));
        }
        std::fs::read(&file).map_err(|error| format!("{} cannot be read: {}", file.display(), error.kind()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Catalogue;

    fn set(layouts: &Layouts, names: &[&str], format: &str) -> Result<Vec<String>, LayoutSelectionInvalid> {
        let catalogue = Catalogue::shipped();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let sides = layouts.set(&names, catalogue.format(format).unwrap())?;
        let sides = [Some(sides.front), sides.back].into_iter().flatten();
        Ok(sides.map(|layout| layout.name.clone()).collect())
    }

    #[test]
    fn the_layouts_of_a_set_are_there_and_of_the_format() {
        let layouts = Layouts::shipped();
        let both = ["warrant-card-back", "warrant-card-front"];
        let sides = set(&layouts, &both, "warrant-card").unwrap();
        assert_eq!(sides, ["warrant-card-front", "warrant-card-back"]);
        assert_eq!(
            set(&layouts, &["warrant-card-frnt"], "warrant-card"),
            Err(LayoutSelectionInvalid::Unknown {
                name: "warrant-card-frnt".to_owned(),
                nearest: Some("warrant-card-front".to_owned()),
            })
        );
        assert_eq!(
            set(&layouts, &["access-badge-front"], "warrant-card"),
            Err(LayoutSelectionInvalid::OtherFormat {
                name: "access-badge-front".to_owned(),
                format: "access-badge".to_owned(),
                wanted: "warrant-card".to_owned(),
            })
        );
        assert_eq!(
            set(&layouts, &["warrant-card-back"], "warrant-card"),
            Err(LayoutSelectionInvalid::BackWithoutFront {
                back: "warrant-card-back".to_owned(),
                front: "warrant-card-front".to_owned(),
            })
        );
    }

    #[test]
    fn pictures_of_a_set_have_a_bound_together() {
        let mut picture = Vec::new();
        let mut encoder = png::Encoder::new(&mut picture, 500, 500);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_compression(png::Compression::NoCompression);
        let pixels = vec![7; 750_000];
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(&pixels).unwrap();
        writer.finish().unwrap();
        let layout = |side: &str| {
            let xml = format!(
                "<badge-layout xmlns=\"{}\" name=\"own-{}\" version=\"1\" display-name=\"Own\" {side} width=\"60\" \
                 height=\"40\"><image x=\"1\" y=\"1\" width=\"9\" height=\"9\" file=\"picture.png\"/></badge-layout>",
                crate::badge::XML_NAMESPACE,
                if side.contains("back") { "back" } else { "front" }
            );
            Layout::read(xml.as_bytes(), &mut |_| Ok(picture.clone())).unwrap()
        };
        let layouts = Layouts {
            layouts: vec![
                layout("side=\"front\" default=\"true\""),
                layout("side=\"back\" back-of=\"own-front\""),
            ],
            problems: Vec::new(),
        };
        assert_eq!(
            set(&layouts, &["own-front"], "warrant-card").unwrap(),
            ["own-front"]
        );
        assert_eq!(
            set(&layouts, &["own-front", "own-back"], "warrant-card"),
            Err(LayoutSelectionInvalid::PicturesTooLarge {
                bytes: 2 * picture.len(),
                most: Layout::MOST_PICTURE_BYTES,
            })
        );
    }

    #[test]
    fn a_folder_adds_layouts_replaces_some_and_tells_what_is_none() {
        let folder = std::env::temp_dir().join(format!("mdoc-layouts-{}", std::process::id()));
        let _none = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let own = |name: &str, element: &str| {
            format!(
                "<badge-layout xmlns=\"{}\" name=\"{name}\" version=\"2\" display-name=\"Own\" side=\"front\" \
                 default=\"true\" width=\"60\" height=\"40\"><text x=\"1\" y=\"1\" width=\"50\" \
                 size=\"8\">{{{element}}}</text></badge-layout>",
                crate::badge::XML_NAMESPACE
            )
        };
        for (name, content) in [
            ("a.xml", own("own", "agency")),
            ("b.xml", own("access-badge-front", "site")),
            ("c.xml", own("typo", "agncy")),
            ("d.xml", "<nothing/>".to_owned()),
            ("e.txt", own("unseen", "agency")),
        ] {
            std::fs::write(folder.join(name), content).unwrap();
        }
        let layouts = Layouts::shipped().with_folder(&folder).unwrap();
        assert_eq!(layouts.layouts().len(), super::super::SHIPPED.len() + 2);
        assert_eq!(layouts.layout("access-badge-front").unwrap().version, "2");
        assert!(layouts.layout("unseen").is_none());
        let replaced = LayoutProblem::Replaces {
            file: folder.join("b.xml"),
            name: "access-badge-front".to_owned(),
        };
        assert_eq!(layouts.problems().len(), 2);
        assert_eq!(layouts.problems()[0], replaced);
        assert!(
            layouts.problems()[1]
                .to_string()
                .contains("d.xml: the layout has")
        );
        assert_eq!(
            set(&layouts, &["own"], "warrant-card").unwrap(),
            ["own"],
            "one that names no format is for each that has its elements"
        );
        assert_eq!(
            set(&layouts, &["typo"], "warrant-card"),
            Err(LayoutSelectionInvalid::UnknownElement {
                name: "typo".to_owned(),
                line: 1,
                element: "agncy".to_owned(),
            })
        );
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(Layouts::shipped().with_folder(&folder).is_err());
    }
}
