//! Which sides of a set of layouts make the badge.

use core::fmt;

use super::{Layout, Side};

/// The sides of a badge.
#[derive(Debug, Clone, Copy)]
pub struct Selected<'l> {
    /// The default front.
    pub front: &'l Layout,
    /// Its back, if it has one.
    pub back: Option<&'l Layout>,
}

/// A set of layouts does not say which badge it makes.
///
/// The name is that of the error in interfaces: `LayoutSelectionInvalid`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LayoutSelectionInvalid {
    /// There is no default front.
    NoDefaultFront,
    /// There is more than one default front.
    SeveralDefaultFronts {
        /// Their names.
        names: Vec<String>,
    },
    /// There is more than one back for the default front.
    SeveralBacks {
        /// The front.
        front: String,
        /// The names of the backs.
        names: Vec<String>,
    },
    /// A back belongs to a front that is not in the set.
    BackWithoutFront {
        /// The back.
        back: String,
        /// The front that it names.
        front: String,
    },
    /// Two layouts have the same name.
    SameName {
        /// The name.
        name: String,
    },
    /// Front and back are for documents of different formats, or of different sizes.
    Mismatch {
        /// The front.
        front: String,
        /// The back.
        back: String,
    },
    /// There is no layout of that name.
    Unknown {
        /// The name.
        name: String,
        /// The one that was probably meant.
        nearest: Option<String>,
    },
    /// A layout is for documents of another format.
    OtherFormat {
        /// The layout.
        name: String,
        /// The format that it is for.
        format: String,
        /// The format of the documents.
        wanted: String,
    },
    /// A layout shows an element that no document of the format has.
    UnknownElement {
        /// The layout.
        name: String,
        /// The line in its file.
        line: u32,
        /// The element.
        element: String,
    },
    /// The pictures of both sides are too large to go out with every document.
    PicturesTooLarge {
        /// Bytes of their files together.
        bytes: usize,
        /// The most that they may have.
        most: usize,
    },
}

impl LayoutSelectionInvalid {
    /// The name of the error. Stable for ever.
    pub const NAME: &'static str = "LayoutSelectionInvalid";

    /// What to do about it, in one line.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::NoDefaultFront => "mark one front with default=\"true\"",
            Self::SeveralDefaultFronts { .. } => "leave default=\"true\" on one of them",
            Self::SeveralBacks { .. } => "give one of them",
            Self::BackWithoutFront { .. } => "give the front, too, or correct back-of",
            Self::SameName { .. } => "give each layout a name of its own",
            Self::Mismatch { .. } => "both sides of a badge have the same width, height and format",
            Self::Unknown { .. } => {
                "`mdoc-issuer badge list` lists the shipped ones; others are files in the folder of layouts"
            }
            Self::OtherFormat { .. } => "give layouts of the format of the documents",
            Self::UnknownElement { .. } => "`mdoc-issuer badge check` looks at the layout alone",
            Self::PicturesTooLarge { .. } => "every document has them again: use fewer pixels, or JPEG",
        }
    }
}

impl fmt::Display for LayoutSelectionInvalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoDefaultFront => f.write_str("none of the layouts is a default front"),
            Self::SeveralDefaultFronts { names } => {
                write!(f, "more than one default front: {}", names.join(", "))
            }
            Self::SeveralBacks { front, names } => {
                write!(f, "more than one back for {front}: {}", names.join(", "))
            }
            Self::BackWithoutFront { back, front } => {
                write!(f, "{back} is the back of {front}, which is not among the layouts")
            }
            Self::SameName { name } => write!(f, "two layouts have the name {name}"),
            Self::Mismatch { front, back } => write!(f, "{front} and {back} do not belong to the same badge"),
            Self::Unknown { name, nearest: None } => write!(f, "there is no layout {name:?}"),
            Self::Unknown {
                name,
                nearest: Some(nearest),
            } => write!(f, "there is no layout {name:?}; {nearest} is one"),
            Self::OtherFormat { name, format, wanted } => write!(
                f,
                "{name} is for documents of the format {format}, and these are of {wanted}"
            ),
            Self::UnknownElement { name, line, element } => write!(
                f,
                "{name} shows in line {line} the element {element}, which no document of the format has"
            ),
            Self::PicturesTooLarge { bytes, most } => write!(
                f,
                "the pictures of the layouts have {bytes} bytes, and {most} are the most"
            ),
        }
    }
}

impl core::error::Error for LayoutSelectionInvalid {}

/// Finds the sides of the badge in a set of layouts: exactly one default front, and at most one back for it.
///
/// Other fronts, and their backs, may be in the set; they are for those who ask for them by name.
///
/// # Errors
/// [`LayoutSelectionInvalid`].
pub fn select<'l>(layouts: &[&'l Layout]) -> Result<Selected<'l>, LayoutSelectionInvalid> {
    for (at, layout) in layouts.iter().enumerate() {
        if layouts.iter().take(at).any(|other| other.name == layout.name) {
            let name = layout.name.clone();
            return Err(LayoutSelectionInvalid::SameName { name });
        }
    }
    let fronts = || {
        layouts
            .iter()
            .copied()
            .filter(|layout| layout.side == Side::Front)
    };
    let backs = || layouts.iter().copied().filter(|layout| layout.side == Side::Back);
    for back in backs() {
        let of = back.back_of.clone().unwrap_or_default();
        if !fronts().any(|front| front.name == of) {
            return Err(LayoutSelectionInvalid::BackWithoutFront {
                back: back.name.clone(),
                front: of,
            });
        }
    }
    let names = |layouts: &[&Layout]| layouts.iter().map(|layout| layout.name.clone()).collect();
    let defaults: Vec<&Layout> = fronts().filter(|front| front.default).collect();
    let front = match defaults.as_slice() {
        [front] => *front,
        [] => return Err(LayoutSelectionInvalid::NoDefaultFront),
        several => {
            return Err(LayoutSelectionInvalid::SeveralDefaultFronts {
                names: names(several),
            });
        }
    };
    let own: Vec<&Layout> = backs()
        .filter(|back| back.back_of.as_ref() == Some(&front.name))
        .collect();
    let back = match own.as_slice() {
        [] => None,
        [back] => Some(*back),
        several => {
            return Err(LayoutSelectionInvalid::SeveralBacks {
                front: front.name.clone(),
                names: names(several),
            });
        }
    };
    if let Some(back) = back.filter(|back| back.size != front.size || back.format != front.format) {
        return Err(LayoutSelectionInvalid::Mismatch {
            front: front.name.clone(),
            back: back.name.clone(),
        });
    }
    Ok(Selected { front, back })
}
