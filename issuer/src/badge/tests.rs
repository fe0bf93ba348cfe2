use mdoc_core::value::Value;

use super::layout::{Area, Symbology};
use super::*;
use crate::format::Catalogue;
use crate::format::fill::Filled;

const PORTRAIT: &[u8] = include_bytes!("../../../document-formats/samples/portrait.jpg");

fn no_files(_: &str) -> Result<Vec<u8>, String> {
    Err("is not there".to_owned())
}

/// A front of 60 by 40 mm with these parts.
fn xml(parts: &str) -> String {
    format!(
        "<badge-layout xmlns=\"{XML_NAMESPACE}\" name=\"test\" version=\"1\" display-name=\"A &lt;test&gt;\"\n \
         side=\"front\" default=\"true\" width=\"60\" height=\"40\">\n{parts}\n</badge-layout>"
    )
}

fn layout(parts: &str) -> Layout {
    Layout::read(xml(parts).as_bytes(), &mut no_files).unwrap()
}

fn document(elements: &[(&str, Value)]) -> Filled {
    let elements = elements
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()));
    Filled {
        doctype: "com.example".to_owned(),
        namespaces: vec![("com.example".to_owned(), elements.collect())],
        warnings: Vec::new(),
    }
}

fn named(name: &str) -> Filled {
    document(&[("name", Value::Text(name.to_owned()))])
}

fn text(attributes: &str) -> Layout {
    layout(&format!(
        "<text x=\"5\" y=\"5\" width=\"20\" size=\"10\" {attributes}>{{name}}</text>"
    ))
}

fn faults(parts: &str) -> Vec<(u32, String, String)> {
    let errors = Layout::read(xml(parts).as_bytes(), &mut no_files).unwrap_err();
    let fault =
        |error: &crate::format::FormatError| (error.line, LayoutErrors::code(error), error.message.clone());
    errors.0.iter().map(fault).collect()
}

#[test]
fn shipped_layouts_are_in_order_and_name_elements_of_their_formats() {
    let layouts = shipped();
    assert_eq!(layouts.len(), SHIPPED.len());
    let catalogue = Catalogue::shipped();
    for layout in &layouts {
        let format = catalogue.format(layout.format.as_deref().unwrap()).unwrap();
        assert_eq!(layout.unknown_elements(format), [], "{}", layout.name);
    }
    let warrant: Vec<&Layout> = layouts
        .iter()
        .filter(|layout| layout.format.as_deref() == Some("warrant-card"))
        .collect();
    let selected = select(&warrant).unwrap();
    assert_eq!(selected.front.name, "warrant-card-front");
    assert_eq!(selected.back.unwrap().name, "warrant-card-back");
}

#[test]
fn faults_are_told_all_at_once_with_their_lines() {
    let found = faults(
        "<txt/>\n<text x=\"5\" y=\"5\" width=\"20\" size=\"ten\">a</text>\n<text x=\"50\" y=\"5\" width=\"20\" \
         size=\"10\">{a</text>\n<rectangle x=\"1\" y=\"1\" width=\"1\" height=\"1\" fill=\"red\"/>\n<barcode \
         type=\"qr\" x=\"1\" y=\"1\" width=\"70\" height=\"5\">{a}</barcode>\n<photo x=\"1\" y=\"1\" width=\"5\"/>\n\
         <image x=\"1\" y=\"1\" width=\"5\" height=\"5\" file=\"../secret.png\"/>\n<image x=\"1\" y=\"1\" width=\"5\" \
         height=\"5\" file=\"logo.png\"/>",
    );
    let expected = [
        (
            3,
            "layout.unknown-element",
            "txt does not belong in badge-layout, did you mean text?",
        ),
        (4, "layout.bad-value", "size must be a number such as 12.5"),
        (5, "layout.bad-value", "a { has no }; for a brace itself write {{"),
        (5, "layout.bad-value", "text reaches beyond the edge of the badge"),
        (6, "layout.bad-value", "fill must be a colour such as #1a2b3c"),
        (7, "layout.bad-value", "type must be code128 or pdf417"),
        (
            7,
            "layout.bad-value",
            "barcode reaches beyond the edge of the badge",
        ),
        (8, "layout.missing", "photo needs the attribute height"),
        (
            9,
            "layout.bad-value",
            "file must be in the folder of the layout, or below it",
        ),
        (10, "layout.bad-value", "file is not there"),
    ]
    .map(|(line, code, message)| (line, code.to_owned(), message.to_owned()));
    let mut found = found;
    found.sort();
    let mut expected = expected.to_vec();
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn a_set_of_layouts_has_one_default_front_and_at_most_one_back() {
    let side = |name: &str, attributes: &str| {
        let xml = format!(
            "<badge-layout xmlns=\"{XML_NAMESPACE}\" name=\"{name}\" version=\"1\" display-name=\"x\" {attributes} \
             width=\"60\" height=\"40\"/>"
        );
        Layout::read(xml.as_bytes(), &mut no_files).unwrap()
    };
    let front = side("f", "side=\"front\" default=\"true\"");
    let other = side("o", "side=\"front\"");
    let second = side("g", "side=\"front\" default=\"true\"");
    let back = side("b", "side=\"back\" back-of=\"f\"");
    let more = side("c", "side=\"back\" back-of=\"f\"");
    let of_other = side("d", "side=\"back\" back-of=\"o\"");
    let selected =
        |layouts: &[&Layout]| select(layouts).map(|s| (s.front.name.clone(), s.back.map(|b| b.name.clone())));
    assert_eq!(selected(&[&front]), Ok(("f".to_owned(), None)));
    assert_eq!(
        selected(&[&of_other, &other, &back, &front]),
        Ok(("f".to_owned(), Some("b".to_owned())))
    );
    assert_eq!(selected(&[]), Err(LayoutSelectionInvalid::NoDefaultFront));
    assert_eq!(selected(&[&other]), Err(LayoutSelectionInvalid::NoDefaultFront));
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(
        selected(&[&front, &second]),
        Err(LayoutSelectionInvalid::SeveralDefaultFronts {
            names: names(&["f", "g"])
        })
    );
    assert_eq!(
        selected(&[&front, &back, &more]),
        Err(LayoutSelectionInvalid::SeveralBacks {
            front: "f".to_owned(),
            names: names(&["b", "c"])
        })
    );
    assert!(matches!(
        selected(&[&back]),
        Err(LayoutSelectionInvalid::BackWithoutFront { .. })
    ));
    assert!(matches!(
        selected(&[&front, &front]),
        Err(LayoutSelectionInvalid::SameName { .. })
    ));
}

#[test]
fn svg_is_well_formed_and_texts_are_escaped() {
    let parts = "<text x=\"5\" y=\"5\" width=\"40\" size=\"10\">{name}</text><photo x=\"5\" y=\"15\" width=\"10\" \
                 height=\"20\" element=\"picture\"/><line x1=\"0\" y1=\"0\" x2=\"9\" y2=\"9\"/>";
    let document = document(&[
        ("name", Value::Text("A <b> & \"c\"".to_owned())),
        ("picture", Value::Bytes(PORTRAIT.to_vec())),
    ]);
    let (drawing, notices) = draw(&layout(parts), &document, Fonts::built_in()).unwrap();
    assert_eq!(notices, []);
    let svg = drawing.svg();
    let tree = roxmltree::Document::parse(&svg).unwrap();
    let labels: Vec<&str> = tree
        .descendants()
        .filter_map(|node| node.attribute("aria-label"))
        .collect();
    assert_eq!(labels, ["A <b> & \"c\"", "photo"]);
    let title = tree.descendants().find(|node| node.tag_name().name() == "title");
    assert_eq!(title.and_then(|title| title.text()), Some("A <test>"));
    // Nothing is fetched: every address is inside of the file.
    assert!(svg.matches("href=\"").count() == svg.matches("href=\"data:image/jpeg;base64,").count());
}

#[test]
fn a_long_text_shrinks_is_cut_or_is_refused() {
    let long = "Maximiliane Hohenlohe-Waldenburg-Schillingsfürst";
    let notices = |layout: &Layout, name: &str| draw(layout, &named(name), Fonts::built_in()).unwrap().1;
    let cut = [BadgeNotice::TextCut { line: 3 }];
    assert_eq!(notices(&text(""), "Maximiliane"), []);
    assert_eq!(
        notices(&text("overflow=\"ellipsis\""), "Maximiliane"),
        [],
        "it fits"
    );
    assert_eq!(
        notices(&text("overflow=\"ellipsis\""), "Maximiliane Hohenlohe"),
        cut
    );
    assert_eq!(notices(&text(""), long), cut);
    assert_eq!(notices(&text("min-size=\"2\""), long), [], "small enough");
    assert_eq!(
        notices(&text("lines=\"3\""), "Maximiliane von Hohenlohe"),
        [],
        "on three lines"
    );
    assert_eq!(
        draw(&text("overflow=\"error\""), &named(long), Fonts::built_in()).unwrap_err(),
        BadgeErrors(vec![BadgeError::TextTooLong { line: 3 }])
    );
    assert_eq!(notices(&text("lines=\"2\""), &"x".repeat(9000)), cut);
}

#[test]
fn no_text_leaves_its_field() {
    for name in ["i", "Maximiliane Hohenlohe", &"W".repeat(200), "Anna\nMaria"] {
        for attributes in [
            "",
            "align=\"right\" weight=\"bold\"",
            "align=\"centre\" lines=\"2\"",
            "overflow=\"ellipsis\"",
        ] {
            let (drawing, _) = draw(&text(attributes), &named(name), Fonts::built_in()).unwrap();
            let Some(drawing::Shape::Path { path, .. }) = drawing.shapes.last() else {
                panic!("no text")
            };
            let bounds = path.bounds();
            // Outlines may hang over their advance by a hair.
            assert!(
                bounds.left() > 4.5 && bounds.right() < 25.5,
                "{name} {attributes}: {bounds:?}"
            );
        }
    }
}

#[test]
fn characters_without_a_glyph_are_named_and_other_scripts_are_set() {
    let notices = |name: &str| {
        draw(&text("lines=\"3\""), &named(name), Fonts::built_in())
            .unwrap()
            .1
    };
    for name in [
        "Łukasz Żółć",
        "Ștefan Țurcanu",
        "Γιώργος",
        "Ольга Щукина",
        "Đặng Thị",
        "Ħal Għaxaq",
    ] {
        assert_eq!(notices(name), [], "{name}");
    }
    assert_eq!(
        notices("山田 x"),
        [BadgeNotice::NoGlyph {
            line: 3,
            characters: vec!['山', '田']
        }]
    );
    assert_eq!(
        notices("山").first().unwrap().to_string(),
        "line 3: no font has U+5C71; add a font that has"
    );
}

#[test]
fn what_is_missing_is_an_error_unless_it_is_optional() {
    let parts = |optional: &str| {
        format!(
            "<text x=\"5\" y=\"5\" width=\"20\" size=\"10\" {optional}>{{nothing}}</text>\n<photo x=\"5\" y=\"10\" \
             width=\"10\" height=\"10\" {optional}/>\n<barcode type=\"code128\" x=\"5\" y=\"20\" width=\"50\" \
             height=\"10\" {optional}>{{nothing}}</barcode>"
        )
    };
    let missing = |line, element: &str| BadgeError::Missing {
        line,
        element: element.to_owned(),
    };
    assert_eq!(
        draw(&layout(&parts("")), &named("x"), Fonts::built_in()).unwrap_err(),
        BadgeErrors(vec![
            missing(3, "nothing"),
            missing(4, "portrait"),
            missing(5, "nothing")
        ])
    );
    let (drawing, _) = draw(
        &layout(&parts("optional=\"true\"")),
        &named("x"),
        Fonts::built_in(),
    )
    .unwrap();
    assert_eq!(drawing.shapes.len(), 1, "the ground alone");
}

#[test]
fn barcodes_say_why_they_cannot_be() {
    let area = Area {
        x: 0.0,
        y: 0.0,
        width: 50.0,
        height: 12.0,
    };
    let fault = |symbology, text: &str| barcode::bars(symbology, text, area).err();
    assert_eq!(fault(Symbology::Code128, "0012345678"), None);
    assert_eq!(fault(Symbology::Code128, ""), Some(BarcodeFault::Empty));
    assert_eq!(fault(Symbology::Code128, "Łódź"), Some(BarcodeFault::Unencodable));
    assert_eq!(fault(Symbology::Code128, "a\tb"), Some(BarcodeFault::Unencodable));
    assert_eq!(
        fault(Symbology::Code128, &"x".repeat(81)),
        Some(BarcodeFault::TooLong { limit: 80 })
    );
    assert_eq!(
        fault(Symbology::Code128, &"x".repeat(60)),
        Some(BarcodeFault::TooDense)
    );
    assert_eq!(fault(Symbology::Pdf417, "Łódź"), None);
    assert_eq!(
        fault(Symbology::Pdf417, &"x".repeat(700)),
        Some(BarcodeFault::TooDense)
    );
    assert!(matches!(
        fault(Symbology::Pdf417, &"é".repeat(1500)),
        Some(BarcodeFault::TooLong { .. })
    ));
}

#[test]
fn a_png_has_its_size_and_resolution_within_limits() {
    let (drawing, _) = draw(&layout(""), &named("x"), Fonts::built_in()).unwrap();
    let png = drawing.png(300).unwrap();
    let reader = ::png::Decoder::new(std::io::Cursor::new(&png))
        .read_info()
        .unwrap();
    let info = reader.info();
    assert_eq!((info.width, info.height), (709, 472));
    assert_eq!(info.pixel_dims.unwrap().xppu, 11_811);
    assert_eq!(drawing.png(71), Err(PngError::Resolution));
}

#[test]
fn the_readme_has_a_layout_in_order_and_names_every_part_and_attribute() {
    let readme = include_str!("../../../document-formats/README.md");
    let at = readme.find("<badge-layout").unwrap();
    let end = readme[at..].find("</badge-layout>").unwrap() + "</badge-layout>".len();
    let layout = Layout::read(&readme.as_bytes()[at..at + end], &mut no_files).unwrap();
    let catalogue = Catalogue::shipped();
    assert_eq!(
        layout.unknown_elements(catalogue.format("access-badge").unwrap()),
        []
    );
    // The schema has each name of parts and attributes, and the text tells each of them.
    let schema = include_str!("../../../document-formats/layouts/badge-layout.xsd");
    let schema = roxmltree::Document::parse(schema).unwrap();
    for node in schema.descendants() {
        if let ("element" | "attribute", Some(name)) = (node.tag_name().name(), node.attribute("name")) {
            assert!(readme.contains(&format!("`{name}`")), "{name}");
        }
    }
}

#[test]
fn shipped_layouts_follow_the_schema() {
    use std::path::Path;
    use std::process::Command;
    if Command::new("xmllint").arg("--version").output().is_err() {
        eprintln!("xmllint is not installed, the layouts were not compared with their schema");
        return;
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../document-formats/layouts");
    for (file, _) in SHIPPED {
        let output = Command::new("xmllint")
            .args(["--noout", "--schema"])
            .arg(folder.join("badge-layout.xsd"))
            .arg(folder.join(file))
            .output()
            .unwrap();
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{words}");
    }
}
