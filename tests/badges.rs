//! Badges as a till or a door sees them: a barcode reader reads them from the PNG.

use std::io::Cursor;
use std::path::Path;
use std::process::Command;

use mdoc_core::time::Timestamp;
use mdoc_core::value::Value;
use mdoc_issuer::badge::{Drawing, Fonts, Layout, draw, shipped};
use mdoc_issuer::format::Catalogue;
use mdoc_issuer::format::fill::{Filled, IssuerFacts, Times, fill};
use proptest::prelude::*;
use rxing::common::HybridBinarizer;
use rxing::{BarcodeFormat, BinaryBitmap, DecodeHints, Luma8LuminanceSource, MultiFormatReader, Reader as _};
use serde_json::Value as Json;

use crate::missing::not_done;

const PORTRAIT: &[u8] = include_bytes!("../document-formats/samples/portrait.jpg");

/// The sample person of a format, filled in.
fn sample(format: &str) -> Filled {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../document-formats/samples/{format}.json"));
    let mut data: Json = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let catalogue = Catalogue::shipped();
    let format = catalogue.format(format).unwrap();
    let takes = format
        .elements()
        .any(|(_, element)| element.identifier == "portrait");
    if let Some(object) = data.as_object_mut() {
        object.remove("portrait");
    }
    let now = Timestamp::parse("2026-06-01T12:00:00Z").unwrap();
    let facts = IssuerFacts {
        country: "NL".to_owned(),
        ..IssuerFacts::default()
    };
    let times = Times {
        valid_from: now,
        issue_date: now.date(),
    };
    fill(format, &data, takes.then_some(PORTRAIT), &facts, &times).unwrap()
}

fn drawn(layout: &str, document: &Filled) -> Drawing {
    let layouts = shipped();
    let layout = layouts.iter().find(|other| other.name == layout).unwrap();
    let (drawing, notices) = draw(layout, document, Fonts::built_in()).unwrap();
    assert_eq!(notices, []);
    drawing
}

/// Width, height and brightness of the pixels.
fn luma(file: &[u8]) -> (u32, u32, Vec<u8>) {
    let mut decoder = png::Decoder::new(Cursor::new(file));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().unwrap();
    let mut data = vec![0; reader.output_buffer_size().unwrap()];
    let frame = reader.next_frame(&mut data).unwrap();
    data.truncate(frame.buffer_size());
    let channels = frame.color_type.samples();
    let grey = data.chunks_exact(channels).map(|pixel| {
        let colours = &pixel[..channels.min(3)];
        let sum: u32 = colours.iter().map(|channel| u32::from(*channel)).sum();
        u8::try_from(sum / u32::try_from(colours.len()).unwrap()).unwrap()
    });
    (frame.width, frame.height, grey.collect())
}

/// What a reader reads from a picture.
fn read(file: &[u8], format: BarcodeFormat) -> Option<String> {
    let (width, height, luma) = luma(file);
    let source = Luma8LuminanceSource::new(luma, width, height).unwrap();
    let mut bitmap = BinaryBitmap::new(HybridBinarizer::new(source));
    let hints = DecodeHints {
        PossibleFormats: Some([format].into()),
        TryHarder: Some(true),
        ..DecodeHints::default()
    };
    let result = MultiFormatReader::default().decode_with_hints(&mut bitmap, &hints);
    result.ok().map(|result| result.getText().to_owned())
}

#[test]
fn the_barcodes_of_the_shipped_badges_are_read_from_the_picture() {
    for (layout, format, kind, expected) in [
        (
            "access-badge-front",
            "access-badge",
            BarcodeFormat::CODE_128,
            "0012345678",
        ),
        (
            "loyalty-card-front",
            "loyalty-card",
            BarcodeFormat::CODE_128,
            "LC-0041-7723",
        ),
        (
            "warrant-card-back",
            "warrant-card",
            BarcodeFormat::PDF_417,
            "WI-0771;Kowalczyk;Beata;2029-06-01",
        ),
    ] {
        let drawing = drawn(layout, &sample(format));
        for dpi in [200, 300, 600] {
            let read = read(&drawing.png(dpi).unwrap(), kind);
            assert_eq!(read.as_deref(), Some(expected), "{layout} at {dpi}");
        }
    }
}

/// A badge with nothing but one barcode with the element `value`.
fn barcode(kind: &str, value: &str) -> Option<Drawing> {
    let xml = format!(
        "<badge-layout xmlns=\"urn:mdoc-issuer:badge-layout:1\" name=\"b\" version=\"1\" display-name=\"b\" \
         side=\"front\" width=\"90\" height=\"60\"><barcode type=\"{kind}\" x=\"5\" y=\"5\" width=\"80\" \
         height=\"40\">{{value}}</barcode></badge-layout>"
    );
    let layout = Layout::read(xml.as_bytes(), &mut |_| Err(String::new())).unwrap();
    let element = ("value".to_owned(), Value::Text(value.to_owned()));
    let document = Filled {
        doctype: "d".to_owned(),
        namespaces: vec![("n".to_owned(), vec![element])],
        warnings: Vec::new(),
    };
    draw(&layout, &document, Fonts::built_in())
        .ok()
        .map(|(drawing, _)| drawing)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_code_128_that_is_drawn_is_read(value in "[!-~]([ -~]{0,14}[!-~])?") {
        if let Some(drawing) = barcode("code128", &value) {
            prop_assert_eq!(read(&drawing.png(300).unwrap(), BarcodeFormat::CODE_128), Some(value));
        }
    }

    #[test]
    fn any_pdf417_that_is_drawn_is_read(value in "[!-~a-zà-ÿŁ-ž0-9]([ -~à-ÿŁ-žα-ω]{0,60}[!-~])?") {
        if let Some(drawing) = barcode("pdf417", &value) {
            prop_assert_eq!(read(&drawing.png(300).unwrap(), BarcodeFormat::PDF_417), Some(value));
        }
    }
}

#[test]
fn another_renderer_shows_the_svg_like_the_png() {
    if Command::new("rsvg-convert").arg("--version").output().is_err() {
        not_done("the SVG of badges drawn a second time, for want of rsvg-convert (package librsvg2-bin)");
        return;
    }
    let folder = std::env::temp_dir().join(format!("mdoc-badges-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for (layout, format) in [
        ("access-badge-front", "access-badge"),
        ("loyalty-card-front", "loyalty-card"),
        ("warrant-card-front", "warrant-card"),
        ("warrant-card-back", "warrant-card"),
    ] {
        let drawing = drawn(layout, &sample(format));
        let (width, height, ours) = luma(&drawing.png(150).unwrap());
        let (svg, other) = (folder.join("badge.svg"), folder.join("badge.png"));
        std::fs::write(&svg, drawing.svg()).unwrap();
        let status = Command::new("rsvg-convert")
            .args([
                "--width",
                &width.to_string(),
                "--height",
                &height.to_string(),
                "--output",
            ])
            .args([&other, &svg])
            .status();
        assert!(status.unwrap().success());
        let (other_width, other_height, theirs) = luma(&std::fs::read(&other).unwrap());
        assert_eq!((width, height), (other_width, other_height));
        let different = ours.iter().zip(&theirs).filter(|(a, b)| a.abs_diff(**b) > 128);
        let share = different.count() * 1000 / ours.len();
        assert!(share < 10, "{layout}: {share} of 1000 pixels differ");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}
