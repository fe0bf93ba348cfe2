//! What operators bring: formats, layouts of badges, people's data, requests.

use std::hint::black_box;
use std::sync::OnceLock;

use mdoc_core::time::FullDate;
use mdoc_issuer::badge::Layout;
use mdoc_issuer::batch::intake::Intake;
use mdoc_issuer::data::{self, rows};
use mdoc_issuer::format::fill::{IssuerFacts, Times, fill};
use mdoc_issuer::format::types::ValueType;
use mdoc_issuer::format::{Catalogue, Format, describe, sample};
use mdoc_issuer::vical::Listing;
use mdoc_verifier::request;
use serde_json::Value;

use crate::fixtures::{LIMITS, one_in, world};

/// A document format in XML. Every fault has a place; a format that is read can be described.
pub fn format_xml(input: &[u8]) {
    match Format::read(input) {
        Err(errors) => {
            assert!(!errors.0.is_empty());
            for error in &errors.0 {
                assert!(!error.to_string().is_empty() && !error.code.code().is_empty());
            }
        }
        Ok(format) => {
            for (namespace, element) in format.elements() {
                black_box((
                    describe::origin(element),
                    describe::value_type(&element.value_type),
                ));
                let found = format.element(namespace, &element.identifier).unwrap();
                assert_eq!(found.identifier, element.identifier);
            }
            // Sample data are made by the rules of the format, and are what it takes.
            let day = FullDate::from_ymd(2026, 6, 1).unwrap();
            let pictured = format
                .elements()
                .any(|(_, element)| matches!(element.value_type, ValueType::Bytes(_)));
            // Their sample is a portrait that is decoded each time.
            if pictured && !one_in(16, input) {
                return;
            }
            let _ = sample::sample(&format, "DE", day).map_err(|error| error.to_string());
        }
    }
}

/// The layout of a badge in XML, with a picture and a font that are not there.
pub fn badge_layout(input: &[u8]) {
    let mut files = |_: &str| Err("not there".to_owned());
    match Layout::read(input, &mut files) {
        Err(errors) => {
            assert!(!errors.0.is_empty() && !errors.to_string().is_empty());
        }
        Ok(layout) => drop(black_box(layout.unknown_elements(licence()))),
    }
}

fn licence() -> &'static Format {
    static CATALOGUE: OnceLock<Catalogue> = OnceLock::new();
    let catalogue = CATALOGUE.get_or_init(Catalogue::shipped);
    catalogue.format("iso-18013-5-mdl").unwrap()
}

/// One person's data as JSON, filled into the format of the driving licence.
pub fn person(input: &[u8]) {
    let Ok(text) = core::str::from_utf8(input) else {
        return;
    };
    let data = match data::read(text) {
        Err(error) => return assert!(!error.to_string().is_empty()),
        Ok(data) => data,
    };
    let data = if one_in(16, input) {
        data
    } else {
        without_pictures(data)
    };
    let facts = IssuerFacts {
        country: "DE".to_owned(),
        jurisdiction: Some("DE-BE".to_owned()),
        authority: None,
    };
    let times = Times {
        valid_from: world().now,
        issue_date: FullDate::from_ymd(2026, 6, 1).unwrap(),
    };
    match fill(licence(), &data, None, &facts, &times) {
        Err(errors) => assert!(!errors.to_string().is_empty()),
        Ok(filled) => {
            for (namespace, identifier, value) in filled.elements() {
                assert_eq!(filled.element(namespace, identifier), Some(value));
                assert!(licence().element(namespace, identifier).is_some());
            }
        }
    }
}

/// Without what may be a picture, which takes far longer than all else.
fn without_pictures(mut data: Value) -> Value {
    if let Some(members) = data.as_object_mut() {
        members.retain(|_, value| value.as_str().is_none_or(|text| text.len() < 200));
    }
    data
}

/// Many people's data as JSON lines.
pub fn batch_json(input: &[u8]) {
    batch(input, rows::Layout::JsonLines);
}

/// Many people's data as CSV; the first byte chooses the delimiter.
pub fn batch_csv(input: &[u8]) {
    let delimiter = match input.first() {
        Some(b';') => b';',
        Some(b'\t') => b'\t',
        _ => b',',
    };
    let csv = rows::Layout::Csv(delimiter);
    if let Ok(layout) = rows::Layout::of(input, delimiter)
        && layout != csv
    {
        batch(input, layout);
    }
    batch(input, csv);
}

/// Every row is a record, with faults or without; of one input in four, as many are read as are counted.
fn batch(input: &[u8], layout: rows::Layout) {
    let intake = Intake {
        id_field: Some("document_number".to_owned()),
        copies: 1,
        ..Intake::default()
    };
    let rows = match rows::Rows::new(input, layout, licence(), &intake.beside()) {
        Err(error) => return assert!(!error.to_string().is_empty()),
        Ok(rows) => rows,
    };
    let mut records = 0;
    for record in intake.records(rows, licence()) {
        let record = record.unwrap();
        records += 1;
        assert_eq!(record.number, records);
        assert!(record.data.is_some() || !record.faults.is_empty());
        for fault in &record.faults {
            assert!(!fault.to_string().is_empty());
        }
    }
    // A reader of tables takes longer to make than most of them take to read.
    if one_in(4, input) {
        assert_eq!(rows::count(input, layout).unwrap(), records);
    }
}

/// A request in TOML. What is asked for is written and read to itself.
pub fn request_toml(input: &[u8]) {
    let Ok(text) = core::str::from_utf8(input) else {
        return;
    };
    match request::parse(text) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(requests) => {
            assert!(!requests.is_empty());
            let none = mdoc_core::device_request::ReaderAuth::None;
            let encoded = mdoc_core::device_request::encode_request(&requests, &none).unwrap();
            match mdoc_core::device_request::DeviceRequest::decode(&encoded, &LIMITS) {
                Ok(decoded) => {
                    let decoded = decoded.doc_requests.into_iter().map(|one| one.items_request);
                    assert!(decoded.eq(requests));
                }
                Err(error) => assert!(requests.len() > LIMITS.documents, "{error}"),
            }
        }
    }
}

/// The listing of a list of authorities in TOML. An entry that is read makes one with what it says.
pub fn vical_listing(input: &[u8]) {
    let Ok(text) = core::str::from_utf8(input) else {
        return;
    };
    match Listing::parse(text) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(listing) => {
            for file in &listing.entries {
                let entry = file.entry(world().iaca.clone());
                assert_eq!(entry.doc_types, file.doc_types);
                assert!(file.issuing_country.is_none() || entry.issuing_country == file.issuing_country);
            }
        }
    }
}
