//! Badges: a document as a picture, front and perhaps back, drawn by a layout file.
//!
//! A [`Layout`] describes one side of a badge: its size, texts, the photo, logos, barcodes and simple shapes.
//! [`Layout::read`] makes one from XML, [`Layouts`] has those of a folder by name, [`select`] finds the sides that
//! belong together, and [`draw`] puts the elements of a filled document into it. What comes out is a [`Drawing`],
//! which is written as SVG ([`Drawing::svg`]) and as PNG ([`Drawing::png`]): both from the same shapes, so that they
//! cannot differ.
//!
//! Text becomes outlines. A badge looks the same on a machine without fonts, and needs nothing but its own file.
//!
//! How to write a layout is told in `document-formats/README.md`.

mod barcode;
mod catalogue;
mod drawing;
mod fit;
mod fonts;
mod layout;
mod picture;
mod png;
mod render;
mod select;
mod shipped;
mod svg;
mod template;
mod xml;

pub use barcode::BarcodeFault;
pub use catalogue::{LayoutFolderError, LayoutProblem, Layouts, beside};
pub use drawing::Drawing;
pub use fonts::{FontError, Fonts};
pub use layout::{Layout, LayoutErrors, Side};
pub use png::PngError;
pub use render::{BadgeError, BadgeErrors, BadgeNotice, draw};
pub use select::{LayoutSelectionInvalid, Selected, select};
pub use shipped::{SHIPPED, shipped};

/// The XML namespace of a layout file.
pub const XML_NAMESPACE: &str = "urn:mdoc-issuer:badge-layout:1";

#[cfg(test)]
mod tests;
