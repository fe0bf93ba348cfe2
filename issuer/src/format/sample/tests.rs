use super::*;
use crate::format::Catalogue;

fn today() -> FullDate {
    FullDate::parse("2026-06-01").unwrap()
}

fn format(elements: &str) -> Format {
    let xml = format!(
        "<document-format xmlns=\"urn:mdoc-issuer:document-format:1\" name=\"x\" version=\"1\" doctype=\"x.1\" \
         display-name=\"X\"><namespace name=\"x.1\">{elements}</namespace></document-format>"
    );
    Format::read(xml.as_bytes()).unwrap_or_else(|errors| panic!("{errors}"))
}

#[test]
fn every_shipped_format_has_sample_data_that_pass_without_a_finding() {
    for entry in Catalogue::shipped().entries() {
        let format = &entry.format;
        for country in ["NL", "US"] {
            let data = sample(format, country, today()).unwrap_or_else(|e| panic!("{}: {e}", format.name));
            assert_eq!(faults(format, &data, country, today()), [], "{}", format.name);
            // Everything that the data can state is there, but bytes of which nothing is known.
            for (_, element) in format.elements() {
                let left_out =
                    matches!(element.value_type, ValueType::Bytes(_)) && element.identifier != "portrait";
                if matches!(element.origin, Origin::Data(_)) && !left_out {
                    let found = element.path().find(&data);
                    assert!(
                        found.is_some(),
                        "{}: {} is missing",
                        format.name,
                        element.identifier
                    );
                }
            }
        }
    }
}

#[test]
fn one_field_for_two_elements_suits_both() {
    let two = format(
        "<element identifier=\"a\" type=\"uint\" max=\"9\" source=\"n/of\"/>\
         <element identifier=\"b\" type=\"uint\" min=\"9\" source=\"n/of\"/>",
    );
    let data = sample(&two, "NL", today()).unwrap();
    assert_eq!(data, serde_json::json!({"n": {"of": 9}}));
}

#[test]
fn every_limit_is_kept() {
    let limits = format(
        "<element identifier=\"short\" type=\"tstr\" max-length=\"2\" required=\"true\"/>\
         <element identifier=\"long\" type=\"tstr\" min-length=\"300\" required=\"true\"/>\
         <element identifier=\"both\" type=\"tstr\" min-length=\"5\" pattern=\"[0-9]+\" required=\"true\"/>\
         <element identifier=\"far\" type=\"uint\" min=\"7000\" required=\"true\"/>\
         <element identifier=\"key\" type=\"bstr\" max-bytes=\"3\" required=\"true\"/>\
         <element identifier=\"three\" type=\"array\" min-items=\"3\" required=\"true\"><item type=\"tdate\"/></element>\
         <element identifier=\"none\" type=\"array\" max-items=\"0\" required=\"true\"><item type=\"bool\"/></element>\
         <element identifier=\"age_over_99\" type=\"bool\" required=\"true\"/>\
         <element identifier=\"issuing_country\" type=\"tstr\" required=\"true\"/>\
         <element identifier=\"nationality\" type=\"array\" min-items=\"1\"><item type=\"tstr\"/></element>\
         <element identifier=\"adult_over_18\" type=\"bool\" derive=\"age-over\" age=\"18\" required=\"true\"/>",
    );
    let data = sample(&limits, "BE", today()).unwrap();
    assert!(data["both"].as_str().unwrap().len() >= 5);
    assert_eq!(data["three"].as_array().unwrap().len(), 3);
    assert_eq!(data["age_over_99"], false);
    assert_eq!(data["issuing_country"], "BE");
    assert!(data.get("birth_date").is_some());
}

#[test]
fn what_cannot_be_made_is_left_out_or_told() {
    let intricate = |required: &str| {
        format(&format!(
            "<element identifier=\"a\" type=\"bool\"/>\
             <element identifier=\"b\" type=\"tstr\" min-length=\"9\" pattern=\"[0-9]\" {required}/>"
        ))
    };
    let data = sample(&intricate(""), "NL", today()).unwrap();
    assert_eq!(data, serde_json::json!({"a": true}));
    let error = sample(&intricate("required=\"true\""), "NL", today()).unwrap_err();
    assert_eq!(error.0, ["b: it does not match the pattern [0-9]"]);
}

#[test]
fn one_field_for_very_many_elements_is_looked_at_once() {
    let mut many = format("<element identifier=\"a\" type=\"bool\" source=\"n\"/>");
    let elements = &mut many.namespaces[0].elements;
    let first = elements[0].clone();
    elements.extend((1..20_000).map(|number| Element {
        identifier: format!("a{number}"),
        ..first.clone()
    }));
    assert_eq!(
        sample(&many, "NL", today()).unwrap(),
        serde_json::json!({"n": true})
    );
}

#[test]
fn after_the_last_round_no_value_is_left_out_any_more() {
    let one_too_many = format(
        "<element identifier=\"a\" type=\"bool\"/>\
         <element identifier=\"b\" type=\"tstr\" min-length=\"9\" pattern=\"[0-9]\"/>",
    );
    let error = sample_within(1, &one_too_many, "NL", today()).unwrap_err();
    assert_eq!(error.0, ["b: it does not match the pattern [0-9]"]);
    assert!(sample_within(2, &one_too_many, "NL", today()).is_ok());
}

#[test]
fn a_finding_is_about_all_that_its_field_is_in() {
    let faults = [
        ("a/b[0]/c".to_owned(), String::new()),
        ("de".to_owned(), String::new()),
    ];
    let found: Vec<&str> = names(&faults).into_iter().collect();
    assert_eq!(found, ["a", "a/b", "a/b[0]", "a/b[0]/c", "de"]);
}
