//! Badges: the layouts of a profile make a picture that goes out with the document, and is kept nowhere (B6).

use core::fmt;

use mdoc_issuer::badge::{self, BadgeErrors, Drawing, Fonts, Layout, PngError, Selected};
use mdoc_issuer::format::fill::Filled;
use mdoc_openid::vci::credential::{Badge, BadgeSide};

use crate::domain::Refusal;
use crate::domain::profile::Settings;
use crate::terms::Terms;

/// The most pixels of a side as it is delivered: a card has less than a third of it at the resolution of printers.
const MOST_PIXELS: f32 = 2_500_000.0;

/// The most bytes of a side as PNG, unless it has the least resolution.
const MOST_PNG: usize = 1 << 20;

/// The resolutions of a side, in dots per inch: the first at which it does not have too many pixels.
const RESOLUTIONS: [u16; 5] = [Drawing::DPI, 240, 180, 120, Drawing::LEAST_DPI];

/// The sides of the badge of a profile; none if it names no layouts.
///
/// # Errors
/// [`Refusal::Field`] if there is no such document format, [`Refusal::LayoutSelectionInvalid`] if a layout is not there, is
/// not of the format, or they do not make one badge.
pub fn sides<'t>(settings: &Settings, terms: &'t Terms) -> Result<Option<Selected<'t>>, Refusal> {
    let format = terms.formats.format(&settings.format);
    let format = format.ok_or_else(|| Refusal::field("format", "there is no such document format"))?;
    if !settings.has_badge() {
        return Ok(None);
    }
    let set = terms.layouts.set(&settings.badge_layouts, format);
    set.map(Some)
        .map_err(|why| Refusal::LayoutSelectionInvalid { why: why.to_string() })
}

/// Why a badge was not drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Undrawn {
    /// The document does not fit the layout of that name.
    Document(String, BadgeErrors),
    /// The layout of that name cannot be drawn at any resolution.
    Png(String, PngError),
    /// What was drawn is larger than wallets read.
    TooLarge,
}

impl fmt::Display for Undrawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Document(layout, errors) => write!(f, "{layout}: {errors}"),
            Self::Png(layout, why) => write!(f, "{layout}: {why}"),
            Self::TooLarge => f.write_str("the badge is larger than wallets read"),
        }
    }
}

impl core::error::Error for Undrawn {}

impl Undrawn {
    /// What of the person's data fits no badge, if that is why: layouts, lines and codes, and none of the data.
    #[must_use]
    pub fn faults(&self) -> Option<Vec<String>> {
        let (layout, errors) = match self {
            Self::Document(layout, errors) => (layout, errors),
            Self::TooLarge => return Some(vec![self.to_string()]),
            Self::Png(..) => return None,
        };
        let fault = |error: &badge::BadgeError| format!("{layout}, {error} [{}]", error.code());
        Some(errors.0.iter().map(fault).collect())
    }
}

/// Draws the badge of a document, each side as SVG and as PNG. What a person should look at is logged by its code: the words
/// have characters of names.
///
/// # Errors
/// [`Undrawn`].
pub fn draw(sides: &Selected<'_>, document: &Filled) -> Result<Badge, Undrawn> {
    let badge = Badge {
        front: side(sides.front, document)?,
        back: sides.back.map(|layout| side(layout, document)).transpose()?,
    };
    if badge.fits() {
        Ok(badge)
    } else {
        Err(Undrawn::TooLarge)
    }
}

fn side(layout: &Layout, document: &Filled) -> Result<BadgeSide, Undrawn> {
    let (drawing, notices) = badge::draw(layout, document, Fonts::built_in())
        .map_err(|errors| Undrawn::Document(layout.name.clone(), errors))?;
    for notice in notices {
        tracing::warn!(code = notice.code(), layout = %layout.name, "a badge needs a look");
    }
    Ok(BadgeSide {
        svg: drawing.svg(),
        png: png(&drawing).map_err(|why| Undrawn::Png(layout.name.clone(), why))?,
    })
}

/// A picture without repetitions takes many bytes: then it has fewer pixels.
fn png(drawing: &Drawing) -> Result<Vec<u8>, PngError> {
    let most = resolution(drawing.size());
    let mut png = drawing.png(most)?;
    for dpi in RESOLUTIONS.into_iter().filter(|dpi| *dpi < most) {
        if png.len() <= MOST_PNG {
            break;
        }
        png = drawing.png(dpi)?;
    }
    Ok(png)
}

/// The resolution of a side of that size, in millimetres.
fn resolution((width, height): (f32, f32)) -> u16 {
    let fits = |dpi: &u16| {
        let scale = f32::from(*dpi) / 25.4;
        width * scale * height * scale <= MOST_PIXELS
    };
    RESOLUTIONS.into_iter().find(fits).unwrap_or(Drawing::LEAST_DPI)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_has_the_resolution_of_printers_and_the_largest_badge_is_drawn_too() {
        assert_eq!(resolution((85.6, 54.0)), Drawing::DPI);
        assert_eq!(resolution((148.0, 105.0)), Drawing::DPI);
        let (dpi, side) = (resolution((300.0, 300.0)), 300.0 / 25.4);
        assert!((Drawing::LEAST_DPI..Drawing::DPI).contains(&dpi), "{dpi}");
        assert!((side * f32::from(dpi)).powi(2) <= MOST_PIXELS);
    }
}
