//! The badge of a document, beside it in the answer: a member of this toolkit, which other wallets pass over.

use core::fmt;

use serde_json::{Map, Value, json};

use crate::jose::{base64url, from_base64url};

/// The member of the answer that has the badge.
pub const BADGE: &str = "urn:mdoc-issuer:badge:1";

/// The largest file of a badge that is read, in bytes.
pub const LARGEST_BADGE_FILE: usize = 4 * 1024 * 1024;

/// The largest badge that is read: all its files, in bytes, so that documents find room beside it.
pub const LARGEST_BADGE: usize = 6 * 1024 * 1024;

/// A document as a picture. Nobody signs it: it shows what the document says, and proves nothing.
///
/// Shape: an object with `front` and perhaps `back`, each an object with `svg`, a text, and `png`, in Base64url without
/// padding. One is for all copies of the answer. Largest file: [`LARGEST_BADGE_FILE`].
///
/// Source: none; OpenID4VCI 1.0, 8.3, lets an answer have further members.
#[derive(Clone, PartialEq, Eq)]
pub struct Badge {
    /// The side with the photo.
    pub front: BadgeSide,
    /// The other one, if it has one.
    pub back: Option<BadgeSide>,
}

/// One side of a badge, in both forms.
#[derive(Clone, PartialEq, Eq)]
pub struct BadgeSide {
    /// An SVG file that needs no other.
    pub svg: String,
    /// The same as PNG.
    pub png: Vec<u8>,
}

impl fmt::Debug for Badge {
    /// How many sides there are: what is on them is personal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Badge({} sides)", self.sides().count())
    }
}

impl fmt::Debug for BadgeSide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "BadgeSide({} bytes of SVG, {} of PNG)",
            self.svg.len(),
            self.png.len()
        )
    }
}

impl Badge {
    /// The sides with their names.
    pub fn sides(&self) -> impl Iterator<Item = (&'static str, &BadgeSide)> {
        let back = self.back.iter().map(|back| ("back", back));
        core::iter::once(("front", &self.front)).chain(back)
    }

    /// Whether each of its files, and all of them, are small enough to be read.
    #[must_use]
    pub fn fits(&self) -> bool {
        let files = || {
            self.sides()
                .flat_map(|(_, side)| [side.svg.len(), side.png.len()])
        };
        files().all(|bytes| bytes <= LARGEST_BADGE_FILE)
            && files().fold(0, usize::saturating_add) <= LARGEST_BADGE
    }

    /// The value of the member.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let side = |side: &BadgeSide| json!({ "svg": side.svg, "png": base64url(&side.png) });
        let sides = self.sides().map(|(name, of)| (name.to_owned(), side(of)));
        Value::Object(sides.collect::<Map<_, _>>())
    }

    /// Reads the value of the member; none if it is no badge, or one of its files is too large.
    #[must_use]
    pub fn of_json(value: &Value) -> Option<Self> {
        let side = |value: &Value| {
            Some(BadgeSide {
                svg: value.get("svg")?.as_str()?.to_owned(),
                png: from_base64url(value.get("png")?.as_str()?)?,
            })
        };
        let badge = Self {
            front: side(value.get("front")?)?,
            back: match value.get("back") {
                None => None,
                Some(back) => Some(side(back)?),
            },
        };
        badge.fits().then_some(badge)
    }
}
