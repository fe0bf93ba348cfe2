//! The layouts that are part of the program.

use super::Layout;

/// The shipped layout files.
pub const SHIPPED: [(&str, &str); 4] = [
    (
        "access-badge-front.xml",
        include_str!("../../../document-formats/layouts/access-badge-front.xml"),
    ),
    (
        "loyalty-card-front.xml",
        include_str!("../../../document-formats/layouts/loyalty-card-front.xml"),
    ),
    (
        "warrant-card-front.xml",
        include_str!("../../../document-formats/layouts/warrant-card-front.xml"),
    ),
    (
        "warrant-card-back.xml",
        include_str!("../../../document-formats/layouts/warrant-card-back.xml"),
    ),
];

/// The shipped layouts. None of them needs a file beside it.
#[must_use]
pub fn shipped() -> Vec<Layout> {
    let mut none = |_: &str| Err("is not part of the program".to_owned());
    // A test sees to it that all of them can be read.
    SHIPPED
        .into_iter()
        .filter_map(|(_, xml)| Layout::read(xml.as_bytes(), &mut none).ok())
        .collect()
}
