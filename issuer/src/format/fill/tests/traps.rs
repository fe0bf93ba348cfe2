//! Traps that others fell into, by their numbers.

use mdoc_core::value::{TAG_FULL_DATE, TAG_TDATE, to_json};
use serde_json::json;

use super::*;

#[test]
fn trap_30_full_date_is_tag_1004() {
    let filled = try_fill("partial-iso-18013-5", &person()).unwrap();
    for identifier in ["birth_date", "issue_date", "expiry_date"] {
        let Value::Tag(TAG_FULL_DATE, _) = filled.element(MDL, identifier).unwrap() else {
            panic!("{identifier}")
        };
    }
    let filled = with("portrait_capture_date", json!("2026-01-01T12:00:00+01:00")).unwrap();
    let Value::Tag(TAG_TDATE, text) = filled.element(MDL, "portrait_capture_date").unwrap() else {
        panic!()
    };
    assert_eq!(text.as_text(), Some("2026-01-01T11:00:00Z"));
    assert_eq!(
        found(with("portrait_capture_date", json!("2026-01-01")))[0].1,
        "fill.bad-date"
    );
}

#[test]
fn trap_31_no_offset_and_z_together() {
    assert_eq!(
        found(with("issue_date", json!("2026-01-01T00:00:00+00:00Z")))[0].1,
        "fill.bad-date"
    );
    let filled = with("issue_date", json!("2026-01-01T00:00:00+00:00")).unwrap();
    assert_eq!(
        to_json(filled.element(MDL, "issue_date").unwrap()),
        json!("2026-01-01T00:00:00Z")
    );
}

#[test]
fn trap_35_portrait_is_raw_bytes_with_both_markers() {
    let filled = try_fill("partial-iso-18013-5", &person()).unwrap();
    assert_eq!(
        filled.element(MDL, "portrait").unwrap(),
        &Value::Bytes(PORTRAIT.to_vec())
    );

    let format = Catalogue::shipped();
    let format = format.format("partial-iso-18013-5").unwrap();
    let times = times("2026-06-01T00:00:00Z");
    let mut data = person();
    data["portrait"] = json!(base64ct::Base64::encode_string(PORTRAIT));
    let in_data = fill(format, &data, None, &facts(), &times).unwrap();
    assert_eq!(in_data.namespaces, filled.namespaces);
    assert_eq!(
        found(fill(format, &data, Some(PORTRAIT), &facts(), &times))[0].1,
        "fill.portrait-twice"
    );

    data["portrait"] = json!(format!(
        "data:image/jpeg;base64,{}",
        base64ct::Base64::encode_string(PORTRAIT)
    ));
    assert_eq!(
        found(fill(format, &data, None, &facts(), &times)),
        [("portrait".to_owned(), "fill.data-uri")]
    );
    for bad in [&PORTRAIT[..PORTRAIT.len() - 2], b"/9j/4AAQSkZJRg==", b""] {
        let result = fill(format, &person(), Some(bad), &facts(), &times);
        assert_eq!(found(result), [("portrait".to_owned(), "fill.not-an-image")]);
    }
    let result = fill(format, &person(), Some(b"\x89PNG\r\n\x1a\n"), &facts(), &times);
    assert_eq!(found(result), [("portrait".to_owned(), "fill.image-undecodable")]);
}

#[test]
fn trap_36_driving_privileges_are_maps_with_full_dates() {
    let filled = try_fill("partial-iso-18013-5", &person()).unwrap();
    let privileges = filled
        .element(MDL, "driving_privileges")
        .unwrap()
        .as_array()
        .unwrap();
    let members = privileges[0].as_map().unwrap();
    assert_eq!(
        members[0],
        (
            Value::Text("vehicle_category_code".into()),
            Value::Text("AM".into())
        )
    );
    let date = value::full_date(FullDate::parse("2025-01-02").unwrap());
    assert_eq!(members[1], (Value::Text("issue_date".into()), date));

    assert!(with("driving_privileges", json!([])).is_ok());
    assert_eq!(
        found(with("driving_privileges", json!("[]")))[0].1,
        "fill.wrong-type"
    );
    let bad = json!([{"issue_date": "2025-02-30", "codes": [], "catgory": "B"}]);
    let expected = [
        ("driving_privileges[0]/vehicle_category_code", "fill.missing"),
        ("driving_privileges[0]/issue_date", "fill.bad-date"),
        ("driving_privileges[0]/codes", "fill.item-count"),
        ("driving_privileges[0]/catgory", "fill.unknown-field"),
    ];
    assert_eq!(
        found(with("driving_privileges", bad)),
        expected.map(|(field, code)| (field.to_owned(), code))
    );
}

#[test]
fn trap_37_age_over_18_spelled_with_both_underscores() {
    let filled = try_fill("partial-iso-18013-5", &person()).unwrap();
    let ages: Vec<&str> = filled
        .elements()
        .map(|(_, i, _)| i)
        .filter(|i| i.starts_with("age"))
        .collect();
    let expected = [
        "age_over_16",
        "age_over_18",
        "age_over_21",
        "age_over_25",
        "age_over_60",
        "age_over_65",
    ];
    assert_eq!(ages, expected);
    let xml = r#"<document-format xmlns="urn:mdoc-issuer:document-format:1" name="own" version="1" doctype="d"
        display-name="Own"><namespace name="n"><element identifier="age_over18" type="bool" derive="age-over"
        age="18"/></namespace></document-format>"#;
    assert!(
        Format::read(xml.as_bytes())
            .unwrap_err()
            .to_string()
            .contains("ends with _18")
    );
}

#[test]
fn trap_38_no_age_attribute_unless_the_format_asks_and_computed_at_valid_from() {
    let plain = own_format(r#"<element identifier="birth_date" type="full-date"/>"#);
    let data = json!({"birth_date": "2008-06-02"});
    let filled = fill(&plain, &data, None, &facts(), &times("2026-06-01T00:00:00Z")).unwrap();
    assert_eq!(
        filled.elements().map(|(_, i, _)| i).collect::<Vec<_>>(),
        ["birth_date"]
    );

    let asks = own_format(r#"<element identifier="age_over_18" type="bool" derive="age-over" age="18"/>"#);
    for (valid_from, over) in [("2026-06-01T23:59:59Z", false), ("2026-06-02T00:00:00Z", true)] {
        let filled = fill(&asks, &data, None, &facts(), &times(valid_from)).unwrap();
        assert_eq!(
            filled.namespaces[0].1,
            [("age_over_18".to_owned(), Value::Bool(over))],
            "{valid_from}"
        );
    }
}
