mod many;
mod traps;

use base64ct::Encoding;
use mdoc_core::value::to_json;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::format::Catalogue;

const PORTRAIT: &[u8] = include_bytes!("../../../../document-formats/samples/portrait.jpg");
const MDL: &str = "org.iso.18013.5.1";

fn facts() -> IssuerFacts {
    IssuerFacts {
        country: "NL".to_owned(),
        jurisdiction: Some("NL-UT".to_owned()),
        authority: Some("Example Authority".to_owned()),
    }
}

fn times(valid_from: &str) -> Times {
    Times {
        valid_from: Timestamp::parse(valid_from).unwrap(),
        issue_date: FullDate::parse("2026-06-01").unwrap(),
    }
}

fn person() -> Json {
    json!({
        "family_name": "Müller", "given_name": "Zoë", "birth_date": "2008-06-02", "document_number": "1",
        "driving_privileges": [{"vehicle_category_code": "AM", "issue_date": "2025-01-02"}]
    })
}

fn try_fill(name: &str, data: &Json) -> Result<Filled, FillErrors> {
    let catalogue = Catalogue::shipped();
    fill(
        catalogue.format(name).unwrap(),
        data,
        Some(PORTRAIT),
        &facts(),
        &times("2026-06-01T00:00:00Z"),
    )
}

/// The person with one field set, in the format of the full mDL.
fn with(field: &str, value: Json) -> Result<Filled, FillErrors> {
    let mut data = person();
    data[field] = value;
    try_fill("iso-18013-5-mdl", &data)
}

fn found(result: Result<Filled, FillErrors>) -> Vec<(String, &'static str)> {
    result
        .expect_err("must be refused")
        .0
        .into_iter()
        .map(|e| (e.field, e.problem.code()))
        .collect()
}

fn own_format(elements: &str) -> Format {
    let xml = format!(
        r#"<document-format xmlns="urn:mdoc-issuer:document-format:1" name="own" version="1" doctype="com.example.1"
            display-name="Own"><namespace name="com.example.1">{elements}</namespace></document-format>"#
    );
    Format::read(xml.as_bytes()).unwrap_or_else(|errors| panic!("{errors}"))
}

#[test]
fn the_nearest_set_follows_the_age_at_valid_from() {
    let filled = with("birth_date", json!("1984-06-01")).unwrap();
    let ages: Vec<(&str, bool)> = filled
        .elements()
        .filter(|(_, i, _)| i.starts_with("age_over_"))
        .map(|(_, i, v)| (&i[9..], v.as_bool().unwrap()))
        .collect();
    let numbers: Vec<&str> = ages.iter().map(|(nn, _)| *nn).collect();
    assert_eq!(
        numbers,
        ["15", "16", "17", "18", "19", "20", "21", "25", "42", "43"]
    );
    assert_eq!(ages.iter().filter(|(_, yes)| !yes).count(), 1);
    assert_eq!(to_json(filled.element(MDL, "age_in_years").unwrap()), json!(42));
    assert_eq!(
        to_json(filled.element(MDL, "age_birth_year").unwrap()),
        json!(1984)
    );
}

#[test]
fn expiry_counts_from_the_issue_date_of_the_data() {
    let filled = with("issue_date", json!("2024-02-29")).unwrap();
    assert_eq!(
        to_json(filled.element(MDL, "expiry_date").unwrap()),
        json!("2034-02-28")
    );
    let filled = with("expiry_date", json!("2027-01-01")).unwrap();
    assert_eq!(
        to_json(filled.element(MDL, "expiry_date").unwrap()),
        json!("2027-01-01")
    );
    assert_eq!(
        to_json(filled.element(MDL, "issue_date").unwrap()),
        json!("2026-06-01")
    );
}

#[test]
fn issuer_facts_fill_their_elements() {
    let filled = try_fill("iso-18013-5-mdl", &person()).unwrap();
    for (identifier, expected) in [
        ("issuing_country", "NL"),
        ("issuing_jurisdiction", "NL-UT"),
        ("issuing_authority", "Example Authority"),
        ("un_distinguishing_sign", "NL"),
    ] {
        assert_eq!(
            filled.element(MDL, identifier).unwrap().as_text(),
            Some(expected),
            "{identifier}"
        );
    }
    let filled = with("un_distinguishing_sign", json!("")).unwrap();
    assert_eq!(
        filled.element(MDL, "un_distinguishing_sign").unwrap().as_text(),
        Some("")
    );
}

#[test]
fn a_state_that_is_a_name_is_left_out_with_a_warning() {
    let catalogue = Catalogue::shipped();
    let facts = IssuerFacts {
        jurisdiction: Some("Utrecht".to_owned()),
        ..facts()
    };
    let format = catalogue.format("iso-18013-5-mdl").unwrap();
    let filled = fill(
        format,
        &person(),
        Some(PORTRAIT),
        &facts,
        &times("2026-06-01T00:00:00Z"),
    )
    .unwrap();
    assert_eq!(filled.element(MDL, "issuing_jurisdiction"), None);
    assert_eq!(filled.warnings[0].notice, FillNotice::JurisdictionNotACode);
}

#[test]
fn issuer_facts_that_are_not_known_are_faults() {
    let catalogue = Catalogue::shipped();
    let facts = IssuerFacts {
        country: "UT".to_owned(),
        ..IssuerFacts::default()
    };
    let format = catalogue.format("partial-iso-18013-5").unwrap();
    let result = fill(
        format,
        &person(),
        Some(PORTRAIT),
        &facts,
        &times("2026-06-01T00:00:00Z"),
    );
    let expected =
        ["issuing_authority", "un_distinguishing_sign"].map(|f| (f.to_owned(), "fill.issuer-fact-missing"));
    assert_eq!(found(result), expected);
}

#[test]
fn derived_values_may_be_repeated_but_not_contradicted() {
    assert!(with("age_over_18", json!(false)).is_ok());
    assert_eq!(
        found(with("age_over_18", json!(true)))[0].1,
        "fill.derived-conflict"
    );
    assert_eq!(found(with("age_over_18", json!("no")))[0].1, "fill.wrong-type");
    assert!(with("issuing_country", json!("NL")).is_ok());
    assert_eq!(
        found(with("issuing_country", json!("DE")))[0].1,
        "fill.derived-conflict"
    );
    assert_eq!(
        found(with("age_over_77", json!(false)))[0].1,
        "fill.unknown-field"
    );
}

#[test]
fn each_rule_of_a_field_has_its_code() {
    for (field, value, code) in [
        ("family_name", json!(7), "fill.wrong-type"),
        ("family_name", json!(""), "fill.too-short"),
        ("family_name", json!("x".repeat(151)), "fill.too-long"),
        ("family_name", json!("Łukasz"), "fill.not-latin1"),
        ("family_name", json!("a\u{0}b"), "fill.control-character"),
        ("family_name", Json::Null, "fill.missing"),
        ("family_nam", json!("x"), "fill.unknown-field"),
        ("birth_date", json!("2023-02-29"), "fill.bad-date"),
        ("birth_date", json!("1990-01-01T00:00:00Z"), "fill.bad-date"),
        ("sex", json!(3), "fill.not-in-table"),
        ("sex", json!("1"), "fill.wrong-type"),
        ("height", json!(-1), "fill.wrong-type"),
        ("height", json!(1.5), "fill.wrong-type"),
        ("height", json!(1000), "fill.out-of-range"),
        ("eye_colour", json!("Brown"), "fill.not-in-table"),
        ("nationality", json!("nl"), "fill.not-in-table"),
        ("biometric_template_face", json!("***"), "fill.not-base64"),
        ("signature_usual_mark", json!("AAAA"), "fill.not-an-image"),
    ] {
        let faults = found(with(field, value.clone()));
        assert_eq!(faults, [(field.to_owned(), code)], "{field} = {value}");
    }
    assert_eq!(
        with("nationality", json!("UT")).unwrap().warnings[0].field,
        "nationality"
    );
}

#[test]
fn the_pid_has_lists_and_maps_and_may_have_no_portrait() {
    let mut data: Json =
        serde_json::from_str(include_str!("../../../../document-formats/samples/eu-pid.json")).unwrap();
    data["portrait"] = json!("");
    let catalogue = Catalogue::shipped();
    let format = catalogue.format("eu-pid").unwrap();
    let fill_it = |data: &Json| fill(format, data, None, &facts(), &times("2026-06-01T00:00:00Z"));
    let filled = fill_it(&data).unwrap();
    let pid = "eu.europa.ec.eudi.pid.1";
    assert_eq!(
        to_json(filled.element(pid, "nationality").unwrap()),
        json!(["PL", "NL"])
    );
    assert_eq!(
        filled.element(pid, "portrait").unwrap(),
        &Value::Bytes(Vec::new())
    );
    assert_eq!(
        filled
            .element(pid, "attestation_legal_category")
            .unwrap()
            .as_text(),
        Some("PID")
    );
    data["place_of_birth"] = json!({});
    data["nationality"] = json!("PL");
    data["mobile_phone_number"] = json!("06-12345678");
    let codes: Vec<&str> = found(fill_it(&data)).into_iter().map(|(_, code)| code).collect();
    assert_eq!(codes, ["fill.too-few-members", "fill.wrong-type", "fill.pattern"]);
}

#[test]
fn structures_described_as_data_carry_the_domestic_privileges_of_aamva() {
    let format = own_format(
        r#"<element identifier="domestic_driving_privileges" type="array"><item type="map">
            <member name="domestic_vehicle_class" type="map">
              <member name="domestic_vehicle_class_code" type="tstr" required="true"/>
              <member name="domestic_vehicle_class_description" type="tstr" required="true"/>
              <member name="issue_date" type="full-date"/>
            </member>
            <member name="domestic_vehicle_restrictions" type="array" min-items="1"><item type="map">
              <member name="domestic_vehicle_restriction_description" type="tstr" required="true"/>
            </item></member></item></element>"#,
    );
    let data = json!({"domestic_driving_privileges": [{
        "domestic_vehicle_class": {"domestic_vehicle_class_code": "C ", "domestic_vehicle_class_description": "x", "issue_date": "2020-01-01"},
        "domestic_vehicle_restrictions": [{"domestic_vehicle_restriction_description": "glasses"}]
    }]});
    let filled = fill(&format, &data, None, &facts(), &times("2026-06-01T00:00:00Z")).unwrap();
    assert_eq!(
        to_json(&filled.namespaces[0].1[0].1),
        data["domestic_driving_privileges"]
    );
}

#[test]
fn values_are_found_along_paths_and_typing_errors_in_them_too() {
    let format = own_format(
        r#"<element identifier="street" type="tstr" source="address/street" required="true"/>
           <element identifier="city" type="tstr" source="address/city"/>"#,
    );
    let times = times("2026-06-01T00:00:00Z");
    let data = json!({"address": {"street": "Lindelaan 12", "city": "Utrecht"}});
    assert_eq!(
        fill(&format, &data, None, &facts(), &times)
            .unwrap()
            .elements()
            .count(),
        2
    );
    let data = json!({"address": {"steet": "Lindelaan 12"}, "cty": "Utrecht"});
    let errors = fill(&format, &data, None, &facts(), &times).unwrap_err();
    let told: Vec<String> = errors.0.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "address/street: it is required and missing",
            "address/steet: the format has no such field",
            "cty: the format has no such field"
        ]
    );
    assert_eq!(
        errors.0[1].problem.hint().as_deref(),
        Some("did you mean street?")
    );
    let errors = fill(
        &format,
        &json!({"address": "Lindelaan 12"}),
        None,
        &facts(),
        &times,
    )
    .unwrap_err();
    assert!(
        errors
            .0
            .iter()
            .any(|e| e.field == "address" && e.problem.code() == "fill.wrong-type")
    );
}

#[test]
fn all_faults_are_told_together_and_show_no_personal_value() {
    let data = json!({
        "family_name": "Sécrèt€", "given_name": ["Sécrèt"], "birth_date": "1999-99-99", "document_number": "S".repeat(200),
        "driving_privileges": "Sécrèt", "sex": 77, "height": 7777, "famly_name": "Sécrèt"
    });
    let errors = try_fill("iso-18013-5-mdl", &data).unwrap_err();
    assert_eq!(errors.0.len(), 8, "{errors}");
    let text = format!(
        "{errors} {:?}",
        errors.0.iter().map(|e| e.problem.hint()).collect::<Vec<_>>()
    );
    for value in ["Sécrèt", "1999-99-99", "SSSS", "7777", " 77 "] {
        assert!(!text.contains(value), "{value} in {text}");
    }
}

#[test]
fn ages_need_a_birth_date() {
    let required =
        r#"<element identifier="age_over_18" type="bool" derive="age-over" age="18" required="true"/>"#;
    let times = times("2026-06-01T00:00:00Z");
    let format = own_format(required);
    assert_eq!(
        found(fill(&format, &json!({}), None, &facts(), &times))[0].1,
        "fill.birth-date-needed"
    );
    let bad = fill(
        &format,
        &json!({"birth_date": "yesterday"}),
        None,
        &facts(),
        &times,
    );
    assert_eq!(found(bad), [("birth_date".to_owned(), "fill.bad-date")]);
    let optional = own_format(&required.replace("required=\"true\"", ""));
    assert_eq!(
        fill(&optional, &json!({}), None, &facts(), &times)
            .unwrap()
            .namespaces,
        []
    );
    assert_eq!(
        found(fill(&optional, &json!([]), None, &facts(), &times))[0].1,
        "fill.not-an-object"
    );
}

#[test]
fn a_portrait_that_is_missing_tells_how_to_give_one() {
    let catalogue = Catalogue::shipped();
    let format = catalogue.format("partial-iso-18013-5").unwrap();
    let errors = fill(format, &person(), None, &facts(), &times("2026-06-01T00:00:00Z")).unwrap_err();
    assert_eq!(errors.0.len(), 1);
    assert_eq!(
        (errors.0[0].code(), errors.0[0].field.as_str()),
        ("fill.missing", "portrait")
    );
    assert_eq!(
        errors.0[0].hint().as_deref(),
        Some("give an image file, or base64 in the data")
    );
}

#[test]
fn a_portrait_for_a_format_without_one_is_a_fault() {
    let format = own_format(r#"<element identifier="level" type="uint"/>"#);
    let result = fill(
        &format,
        &json!({"level": 1}),
        Some(PORTRAIT),
        &facts(),
        &times("2026-06-01T00:00:00Z"),
    );
    assert_eq!(
        found(result),
        [("portrait".to_owned(), "fill.no-portrait-element")]
    );
}

fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        "\\PC{0,12}".prop_map(Json::from),
        "[0-9]{4}-[01][0-9]-[0-3][0-9]".prop_map(Json::from),
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            proptest::collection::btree_map("[a-z_]{1,12}", inner, 0..4)
                .prop_map(|members| Json::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_data_fill_a_document_or_are_refused(values in proptest::collection::vec(any_json(), 8), name in 0..3usize) {
        let fields = ["family_name", "birth_date", "driving_privileges", "place_of_birth", "nationality", "sex", "issue_date"];
        let mut data = person();
        for (field, value) in fields.iter().zip(values) {
            data[*field] = value;
        }
        let name = ["partial-iso-18013-5", "iso-18013-5-mdl", "eu-pid"][name];
        if let Ok(filled) = try_fill(name, &data) {
            let _ = crate::quality::check(&filled, &facts(), Timestamp::from_unix(0));
        }
    }
}

#[test]
fn pictures_lose_their_metadata_and_turned_ones_are_turned_back() {
    use crate::photo::samples;
    let noisy = samples::with_segment(PORTRAIT, 0xe1, b"Exif\0\0II*\0\x08\0\0\0\0\0 GPS 52.09 N");
    let mut data = person();
    data["signature_usual_mark"] = json!(base64ct::Base64::encode_string(&noisy));
    let filled = try_fill("iso-18013-5-mdl", &data).unwrap();
    assert_eq!(
        filled.element(MDL, "signature_usual_mark").unwrap(),
        &Value::Bytes(PORTRAIT.to_vec())
    );
    data["signature_usual_mark"] = json!(base64ct::Base64::encode_string(&samples::turned(PORTRAIT, 6)));
    let filled = try_fill("iso-18013-5-mdl", &data).unwrap();
    let codes: Vec<&str> = filled.warnings.iter().map(FillWarning::code).collect();
    assert_eq!(codes, ["picture.turned", "picture.compressed"]);
    let turned = filled
        .element(MDL, "signature_usual_mark")
        .unwrap()
        .as_bytes()
        .unwrap();
    assert_eq!(crate::photo::inspect(turned).unwrap().pixels, Some((480, 360)));
}

#[test]
fn what_is_stated_is_not_dropped_if_the_rule_yields_nothing() {
    let format = own_format(
        r#"<element identifier="issuing_jurisdiction" type="tstr" derive="issuing-jurisdiction"/>"#,
    );
    let data = json!({"issuing_jurisdiction": "US-CA"});
    let facts = IssuerFacts {
        jurisdiction: None,
        ..facts()
    };
    let times = times("2026-06-01T00:00:00Z");
    assert_eq!(
        found(fill(&format, &data, None, &facts, &times)),
        [("issuing_jurisdiction".to_owned(), "fill.derived-conflict")]
    );
    assert!(fill(&format, &json!({}), None, &facts, &times).is_ok());
}
