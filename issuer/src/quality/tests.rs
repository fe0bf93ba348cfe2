use mdoc_core::value::{full_date, tdate};

use super::*;
use crate::photo::PhotoError;

const PORTRAIT: &[u8] = include_bytes!("../../../document-formats/samples/portrait.jpg");

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn date(text: &str) -> Value {
    full_date(FullDate::parse(text).unwrap())
}

fn map(members: &[(&str, Value)]) -> Value {
    Value::Map(
        members
            .iter()
            .map(|(name, value)| (text(name), value.clone()))
            .collect(),
    )
}

fn good() -> Filled {
    let privilege = map(&[
        ("vehicle_category_code", text("B")),
        ("issue_date", date("2020-01-01")),
    ]);
    let elements = [
        ("family_name", text("Müller")),
        ("given_name", text("Zoë")),
        ("birth_date", date("2000-06-02")),
        ("issue_date", date("2026-06-01")),
        ("expiry_date", date("2036-06-01")),
        ("issuing_country", text("NL")),
        ("issuing_authority", text("Example")),
        ("document_number", text("1")),
        ("portrait", Value::Bytes(PORTRAIT.to_vec())),
        ("driving_privileges", Value::Array(vec![privilege])),
        ("un_distinguishing_sign", text("NL")),
        ("issuing_jurisdiction", text("NL-UT")),
        ("age_over_25", Value::Bool(true)),
        ("age_over_26", Value::Bool(false)),
    ];
    let elements = elements
        .into_iter()
        .map(|(identifier, value)| (identifier.to_owned(), value))
        .collect();
    Filled {
        doctype: MDL_DOCTYPE.to_owned(),
        namespaces: vec![(MDL_NAMESPACE.to_owned(), elements)],
        warnings: Vec::new(),
    }
}

fn pid() -> Filled {
    let elements = [
        ("family_name", text("Nowak")),
        ("given_name", text("Łukasz")),
        ("birth_date", date("1979-11-30")),
        ("place_of_birth", map(&[("country", text("PL"))])),
        ("nationality", Value::Array(vec![text("PL")])),
        ("portrait", Value::Bytes(PORTRAIT.to_vec())),
        ("issuing_authority", text("Example")),
        ("issuing_country", text("NL")),
    ];
    let elements = elements
        .into_iter()
        .map(|(identifier, value)| (identifier.to_owned(), value))
        .collect();
    Filled {
        doctype: PID.to_owned(),
        namespaces: vec![(PID.to_owned(), elements)],
        warnings: Vec::new(),
    }
}

fn set(filled: &mut Filled, identifier: &str, value: Value) {
    let elements = &mut filled.namespaces[0].1;
    elements.retain(|(known, _)| known != identifier);
    elements.push((identifier.to_owned(), value));
}

fn findings(filled: &Filled) -> Vec<(String, &'static str)> {
    let facts = IssuerFacts {
        country: "NL".to_owned(),
        jurisdiction: Some("NL-UT".to_owned()),
        authority: None,
    };
    let valid_from = Timestamp::parse("2026-06-01T00:00:00Z").unwrap();
    check(filled, &facts, valid_from)
        .into_iter()
        .map(|finding| (finding.field.clone(), finding.code()))
        .collect()
}

#[test]
fn good_documents_have_no_findings() {
    assert_eq!(findings(&good()), []);
    assert_eq!(findings(&pid()), []);
}

#[test]
fn a_photo_id_and_a_proof_of_age_have_what_is_mandatory() {
    let document = |doctype: &str, namespace: &str, identifiers: &[&str]| {
        let all = [
            ("family_name_unicode", text("Νικολάου")),
            ("given_name_unicode", text("Ελένη")),
            ("birth_date", date("2001-03-08")),
            ("portrait", Value::Bytes(PORTRAIT.to_vec())),
            ("issue_date", date("2026-06-01")),
            ("expiry_date", date("2036-06-01")),
            ("issuing_authority_unicode", text("Example")),
            ("issuing_country", text("NL")),
            ("age_over_18", Value::Bool(true)),
            ("age_over_21", Value::Bool(true)),
        ];
        let elements = all
            .into_iter()
            .filter(|(identifier, _)| identifiers.contains(identifier))
            .map(|(identifier, value)| (identifier.to_owned(), value));
        Filled {
            doctype: doctype.to_owned(),
            namespaces: vec![(namespace.to_owned(), elements.collect())],
            warnings: Vec::new(),
        }
    };
    for doctype in PHOTO_ID {
        assert_eq!(findings(&document(doctype, ISO_23220, &PHOTO_ID_MANDATORY)), []);
        for missing in PHOTO_ID_MANDATORY {
            let others: Vec<&str> = PHOTO_ID_MANDATORY.into_iter().filter(|i| *i != missing).collect();
            let found = findings(&document(doctype, ISO_23220, &others));
            assert_eq!(found, [(missing.to_owned(), "quality.mandatory-missing")]);
        }
    }
    let proof = |identifiers: &[&str]| findings(&document(AGE_VERIFICATION, AGE_VERIFICATION, identifiers));
    assert_eq!(proof(&["age_over_18"]), []);
    assert_eq!(
        proof(&["age_over_21"]),
        [("age_over_18".to_owned(), "quality.mandatory-missing")]
    );
}

#[test]
fn one_change_one_finding() {
    let jp2 = crate::photo::samples::jpeg_2000(480, 600);
    let undecodable = b"\xff\xd8\xff\xe0\xff\xd9".to_vec();
    let large = [&PORTRAIT[..PORTRAIT.len() - 2], &[0; 41 * 1024], &[0xff, 0xd9]].concat();
    let privileges = |members: &[(&str, Value)]| Value::Array(vec![map(members)]);
    for (identifier, value, field, code) in [
        (
            "birth_date",
            date("2026-06-02"),
            "birth_date",
            "quality.birth-date-future",
        ),
        (
            "birth_date",
            date("1874-12-31"),
            "birth_date",
            "quality.birth-date-implausible",
        ),
        (
            "birth_date",
            text("2000-06-02"),
            "birth_date",
            "quality.date-form",
        ),
        (
            "birth_date",
            tdate(Timestamp::from_unix(0)),
            "birth_date",
            "quality.date-form",
        ),
        (
            "birth_date",
            Value::Tag(1004, Box::new(text("2000-02-30"))),
            "birth_date",
            "quality.date-form",
        ),
        (
            "issue_date",
            Value::Tag(0, Box::new(text("2020-01-01T00:00:00+00:00Z"))),
            "issue_date",
            "quality.date-form",
        ),
        (
            "issue_date",
            date("2026-06-02"),
            "issue_date",
            "quality.issue-date-future",
        ),
        (
            "issue_date",
            date("2000-06-01"),
            "issue_date",
            "quality.issue-before-birth",
        ),
        (
            "expiry_date",
            date("2026-05-31"),
            "expiry_date",
            "quality.expiry-before-issue",
        ),
        (
            "family_name",
            text(&"x".repeat(151)),
            "family_name",
            "quality.text-too-long",
        ),
        (
            "family_name",
            text("Łukasz"),
            "family_name",
            "quality.text-not-latin1",
        ),
        ("family_name", text(" "), "family_name", "quality.text-empty"),
        (
            "family_name",
            Value::Integer(1.into()),
            "family_name",
            "quality.value-type",
        ),
        ("nationality", text("nl"), "nationality", "quality.country-form"),
        (
            "nationality",
            text("UT"),
            "nationality",
            "quality.country-unlisted",
        ),
        (
            "nationality",
            Value::Array(vec![text("NL")]),
            "nationality",
            "quality.value-type",
        ),
        (
            "issuing_jurisdiction",
            text("Utrecht"),
            "issuing_jurisdiction",
            "quality.jurisdiction-form",
        ),
        (
            "issuing_jurisdiction",
            text("NL-NH"),
            "issuing_jurisdiction",
            "quality.jurisdiction-not-of-signer",
        ),
        (
            "un_distinguishing_sign",
            text("NMK"),
            "un_distinguishing_sign",
            "quality.sign-unlisted",
        ),
        ("portrait", text("/9j/4AAQ"), "portrait", "quality.value-type"),
        (
            "portrait",
            Value::Bytes(b"/9j/4AAQ".to_vec()),
            "portrait",
            "quality.image-not-an-image",
        ),
        (
            "portrait",
            Value::Bytes(undecodable),
            "portrait",
            "quality.image-undecodable",
        ),
        (
            "portrait",
            Value::Bytes(PORTRAIT[..4000].to_vec()),
            "portrait",
            "quality.image-truncated",
        ),
        (
            "portrait",
            Value::Bytes(jp2),
            "portrait",
            "quality.image-undecodable",
        ),
        (
            "portrait",
            Value::Bytes(large),
            "portrait",
            "quality.portrait-large",
        ),
        (
            "portrait",
            Value::Bytes(Vec::new()),
            "portrait",
            "quality.image-not-an-image",
        ),
        (
            "driving_privileges",
            privileges(&[
                ("vehicle_category_code", text("B")),
                ("issue_date", date("1900-01-01")),
            ]),
            "driving_privileges[0]/issue_date",
            "quality.issue-before-birth",
        ),
        (
            "driving_privileges",
            text("[]"),
            "driving_privileges",
            "quality.privilege-form",
        ),
        (
            "driving_privileges",
            privileges(&[]),
            "driving_privileges[0]",
            "quality.privilege-form",
        ),
        (
            "driving_privileges",
            privileges(&[
                ("vehicle_category_code", text("B")),
                ("issue_date", text("2020-01-01")),
            ]),
            "driving_privileges[0]/issue_date",
            "quality.date-form",
        ),
        (
            "driving_privileges",
            privileges(&[
                ("vehicle_category_code", text("B")),
                ("issue_date", date("2020-01-02")),
                ("expiry_date", date("2020-01-01")),
            ]),
            "driving_privileges[0]/expiry_date",
            "quality.privilege-dates",
        ),
        (
            "driving_privileges",
            privileges(&[
                ("vehicle_category_code", text("B")),
                ("codes", Value::Array(vec![map(&[("sign", text("="))])])),
            ]),
            "driving_privileges[0]/codes[0]",
            "quality.privilege-form",
        ),
        ("age_over_18", text("true"), "age_over_18", "quality.value-type"),
        (
            "age_in_years",
            Value::Integer(26.into()),
            "age_in_years",
            "quality.age-wrong",
        ),
        (
            "age_birth_year",
            Value::Integer(2001.into()),
            "age_birth_year",
            "quality.birth-year-wrong",
        ),
        (
            "shoe_size",
            Value::Integer(43.into()),
            "shoe_size",
            "quality.unknown-identifier",
        ),
    ] {
        let mut filled = good();
        set(&mut filled, identifier, value);
        let mut found = findings(&filled);
        // A changed birth date changes the ages, too; an expiry date before the issue date is past here.
        found.retain(|(_, code)| !code.starts_with("quality.age-over-"));
        found.retain(|(_, code)| *code != "quality.expired" || !identifier.starts_with("expiry"));
        found.retain(|(_, code)| !(identifier == "birth_date" && *code == "quality.issue-before-birth"));
        found.retain(|(_, other)| {
            !(code == "quality.jurisdiction-form" && other.starts_with("quality.jurisdiction-not"))
        });
        assert_eq!(found, [(field.to_owned(), code)], "{identifier}");
    }
}

#[test]
fn an_expiry_date_that_is_past_is_found() {
    let mut filled = good();
    set(&mut filled, "issue_date", date("2016-05-31"));
    set(&mut filled, "expiry_date", date("2026-05-31"));
    assert_eq!(findings(&filled), [("expiry_date".to_owned(), "quality.expired")]);
    set(&mut filled, "expiry_date", date("2026-06-01"));
    assert_eq!(findings(&filled), [], "the last day is still good");
}

#[test]
fn every_mandatory_element_is_missed() {
    for (document, mandatory) in [
        (good(), MDL_MANDATORY.as_slice()),
        (pid(), PID_MANDATORY.as_slice()),
    ] {
        for identifier in mandatory {
            let mut filled = document.clone();
            filled.namespaces[0].1.retain(|(known, _)| known != identifier);
            let found = findings(&filled);
            assert_eq!(found, [((*identifier).to_owned(), "quality.mandatory-missing")]);
        }
    }
    let empty = Filled {
        namespaces: Vec::new(),
        ..good()
    };
    assert_eq!(findings(&empty).len(), 11);
}

#[test]
fn country_and_jurisdiction_are_those_of_the_signer() {
    let mut filled = good();
    set(&mut filled, "issuing_country", text("DE"));
    let expected = [
        ("issuing_country", "quality.country-not-of-signer"),
        ("issuing_jurisdiction", "quality.jurisdiction-not-of-country"),
    ];
    assert_eq!(
        findings(&filled),
        expected.map(|(field, code)| (field.to_owned(), code))
    );
}

#[test]
fn trap_37_age_over_18_spelled_without_an_underscore_is_found() {
    for identifier in ["age_over18", "ageOver18", "age_over_8", "AGE_OVER_18"] {
        let mut filled = pid();
        set(&mut filled, identifier, Value::Bool(true));
        assert_eq!(
            findings(&filled),
            [(identifier.to_owned(), "quality.age-over-spelling")]
        );
    }
}

#[test]
fn trap_38_ages_that_disagree_with_the_birth_date_at_valid_from_are_found() {
    let mut filled = good();
    set(&mut filled, "age_over_26", Value::Bool(true));
    assert_eq!(
        findings(&filled),
        [("age_over_26".to_owned(), "quality.age-over-wrong")]
    );

    let contradiction = Filled {
        doctype: "com.example.1".to_owned(),
        namespaces: vec![(
            "com.example.1".to_owned(),
            vec![
                ("age_over_18".to_owned(), Value::Bool(false)),
                ("age_over_21".to_owned(), Value::Bool(true)),
            ],
        )],
        warnings: Vec::new(),
    };
    assert_eq!(
        findings(&contradiction),
        [("age_over_18".to_owned(), "quality.age-over-contradiction")]
    );
}

#[test]
fn the_pid_has_its_own_rules() {
    for (identifier, value, field, code) in [
        ("nationality", text("PL"), "nationality", "quality.value-type"),
        (
            "nationality",
            Value::Array(Vec::new()),
            "nationality",
            "quality.nothing-stated",
        ),
        (
            "nationality",
            Value::Array(vec![text("Polish")]),
            "nationality[0]",
            "quality.country-form",
        ),
        (
            "place_of_birth",
            map(&[]),
            "place_of_birth",
            "quality.nothing-stated",
        ),
        (
            "place_of_birth",
            map(&[("country", text("Poland"))]),
            "place_of_birth/country",
            "quality.country-form",
        ),
        (
            "place_of_birth",
            text("Łódź"),
            "place_of_birth",
            "quality.value-type",
        ),
        (
            "portrait",
            Value::Bytes(Vec::new()),
            "portrait",
            "quality.image-empty",
        ),
        (
            "portrait",
            Value::Bytes(crate::photo::samples::JP2.to_vec()),
            "portrait",
            "quality.image-kind",
        ),
        (
            "email_address",
            text(&"x".repeat(151)),
            "email_address",
            "quality.text-too-long",
        ),
    ] {
        let mut filled = pid();
        set(&mut filled, identifier, value);
        assert_eq!(findings(&filled), [(field.to_owned(), code)], "{identifier}");
    }
}

#[test]
fn only_errors_refuse_and_findings_show_no_value() {
    let mut filled = good();
    set(&mut filled, "un_distinguishing_sign", text("QQQ"));
    set(&mut filled, "nationality", text("UT"));
    let facts = IssuerFacts {
        country: "NL".to_owned(),
        ..IssuerFacts::default()
    };
    let valid_from = Timestamp::parse("2026-06-01T00:00:00Z").unwrap();
    let found = check(&filled, &facts, valid_from);
    assert_eq!(found.len(), 2);
    assert!(!refuses(&found));
    set(&mut filled, "given_name", text("Łukasz"));
    let found = check(&filled, &facts, valid_from);
    assert!(refuses(&found));
    for finding in &found {
        let shown = format!("{finding} {}", finding.hint());
        assert!(
            !["QQQ", "UT", "Łukasz"].iter().any(|value| shown.contains(value)),
            "{shown}"
        );
    }
    assert_eq!(Rule::Image(PhotoError::Png).code(), "quality.image-not-an-image");
}

#[test]
fn a_blank_name_stops_the_document() {
    assert_eq!(Rule::TextEmpty.severity(), Severity::Error);
}
