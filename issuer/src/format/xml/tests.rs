use proptest::prelude::*;

use crate::format::catalogue::SHIPPED;
use crate::format::derive::Derivation;
use crate::format::more::More;
use crate::format::types::ValueType;
use crate::format::{Format, FormatCode, FormatError, FormatErrors, Origin};

const GOOD: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<document-format xmlns="urn:mdoc-issuer:document-format:1" name="badge" version="1"
    doctype="com.example.badge.1" display-name="Badge">
  <description>An access
    badge.</description>
  <namespace name="com.example.badge.1">
    <element identifier="given_name" type="tstr" max-length="40" required="true"/>
    <element identifier="level" type="uint" codes="level" source="access/level"/>
    <element identifier="age_over_18" type="bool" derive="age-over" age="18"/>
    <element identifier="expiry_date" type="full-date" derive="expiry" lifetime="2 years" overridable="true"/>
    <element identifier="zones" type="array" min-items="1">
      <item type="map">
        <member name="site" type="tstr" required="true"/>
        <member name="doors" type="array"><item type="uint" max="99"/></member>
      </item>
    </element>
  </namespace>
  <code-table name="level"><code value="1" label="visitor"/><code value="2"/></code-table>
</document-format>
"#;

fn errors(xml: &str) -> Vec<FormatError> {
    Format::read(xml.as_bytes())
        .expect_err("the format must be refused")
        .0
}

/// Replaces one thing in the good format and returns the only error.
fn one_error(from: &str, to: &str) -> FormatError {
    assert_eq!(GOOD.matches(from).count(), 1, "{from}");
    let errors = errors(&GOOD.replace(from, to));
    assert_eq!(errors.len(), 1, "{from} -> {to}: {errors:#?}");
    errors.into_iter().next().unwrap()
}

#[test]
fn a_good_format_is_read_in_order() {
    let format = Format::read(GOOD.as_bytes()).unwrap();
    assert_eq!(
        (format.name.as_str(), format.doctype.as_str()),
        ("badge", "com.example.badge.1")
    );
    assert_eq!(format.description.as_deref(), Some("An access badge."));
    let identifiers: Vec<&str> = format.elements().map(|(_, e)| e.identifier.as_str()).collect();
    assert_eq!(
        identifiers,
        ["given_name", "level", "age_over_18", "expiry_date", "zones"]
    );
    let level = format.element("com.example.badge.1", "level").unwrap();
    assert_eq!(level.path().to_string(), "access/level");
    let ValueType::Uint(rules) = &level.value_type else {
        panic!("{:?}", level.value_type)
    };
    assert_eq!(
        rules.codes.as_ref().unwrap().codes[0].label.as_deref(),
        Some("visitor")
    );
    let age = format.element("com.example.badge.1", "age_over_18").unwrap();
    assert!(matches!(
        &age.origin,
        Origin::Derived {
            derivation: Derivation::AgeOver(18),
            overridable: false,
            ..
        }
    ));
    let ValueType::Array(zones) = &format.element("com.example.badge.1", "zones").unwrap().value_type else {
        panic!()
    };
    let ValueType::Map(zone) = zones.item.as_ref() else {
        panic!()
    };
    assert_eq!(zone.members.len(), 2);
}

#[test]
fn a_byte_order_mark_and_schema_location_are_no_fault() {
    let xsi =
        r#"xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="a b" name="badge""#;
    let xml = format!("\u{feff}{}", GOOD.replace("name=\"badge\"", xsi));
    assert!(Format::read(xml.as_bytes()).is_ok());
}

#[test]
fn each_fault_has_its_code_and_place() {
    use FormatCode::*;
    // What is replaced, by what, the code, and where the fault must be: at this text, or at the new text if it is empty.
    let given = r#"<element identifier="given_name""#;
    let cases = [
        (given, r#"<elemnt identifier="given_name""#, UnknownElement, ""),
        (r#"max-length="40""#, r#"max-lenght="40""#, UnknownAttribute, ""),
        (r#"max-length="40""#, r#"max="40""#, MisplacedAttribute, ""),
        (r#"max-length="40""#, r#"max-length="-4""#, BadValue, ""),
        (r#"max-length="40""#, r#"pattern="[A-""#, BadPattern, ""),
        (r#"max-length="40""#, r#"charset="latin1""#, BadValue, ""),
        (
            r#"max-length="40""#,
            r#"max-length="4" min-length="5""#,
            BadValue,
            "min-length",
        ),
        (
            r#"max-length="40""#,
            r#"lifetime="1 day""#,
            MisplacedAttribute,
            "",
        ),
        (
            r#"max-length="40""#,
            r#"overridable="true""#,
            MisplacedAttribute,
            "",
        ),
        (
            r#"max-length="40" required="true""#,
            r#"required="yes""#,
            BadValue,
            "",
        ),
        (r#"type="tstr" max-length="40""#, r#"type="text""#, BadType, ""),
        (r#"type="tstr" max-length="40""#, "", Missing, given),
        (
            r#"identifier="given_name""#,
            r#"identifier="level""#,
            Duplicate,
            r#"identifier="level" type="uint""#,
        ),
        (
            r#"identifier="given_name""#,
            r#"identifier="given name""#,
            BadValue,
            "",
        ),
        (r#"codes="level""#, r#"codes="levels""#, UnknownCodeTable, ""),
        (
            r#"source="access/level""#,
            r#"source="access//level""#,
            BadValue,
            "",
        ),
        (
            r#"source="access/level""#,
            r#"source="a/b" derive="constant" value="1""#,
            SourceAndDerivation,
            "",
        ),
        (
            r#"source="access/level""#,
            r#"derive="constant" value="3""#,
            BadValue,
            r#"value="3""#,
        ),
        (
            r#"derive="age-over" age="18""#,
            r#"derive="age_ovr" age="18""#,
            BadDerivation,
            "",
        ),
        (
            r#"derive="age-over" age="18""#,
            r#"derive="age-over" age="100""#,
            BadAge,
            r#"age="100""#,
        ),
        (
            r#"derive="age-over" age="18""#,
            r#"derive="age-over" age="1x""#,
            BadAge,
            r#"age="1x""#,
        ),
        (
            r#"derive="age-over" age="18""#,
            r#"derive="age-over" age="1 2""#,
            BadAge,
            r#"age="1 2""#,
        ),
        (
            r#"derive="age-over" age="18""#,
            r#"derive="age-over" age="21""#,
            BadDerivation,
            r#"identifier="age_over_18""#,
        ),
        (
            r#"derive="age-over" age="18""#,
            r#"derive="age-over""#,
            Missing,
            r#"<element identifier="age_over_18""#,
        ),
        (
            r#"derive="age-over" age="18""#,
            r#"derive="age-over-set" ages="18 21""#,
            BadDerivation,
            r#"identifier="age_over_18""#,
        ),
        (
            r#"derive="age-over" age="18""#,
            r#"derive="age-in-years""#,
            BadDerivation,
            "",
        ),
        (r#"lifetime="2 years""#, r#"lifetime="2 weeks""#, BadValue, ""),
        (
            r#"<item type="uint" max="99"/>"#,
            "",
            Missing,
            r#"<member name="doors""#,
        ),
        (r#"name="doors""#, r#"name="site"   "#, Duplicate, ""),
        (
            r#"<code value="2"/>"#,
            r#"<code  value="1"/>"#,
            Duplicate,
            r#"value="1"/>"#,
        ),
        (r#"name="badge" "#, r#"name="My Badge" "#, BadValue, ""),
        (
            r#" doctype="com.example.badge.1""#,
            "",
            Missing,
            "<document-format",
        ),
        (r#"<code value="2"/>"#, "stray", UnexpectedText, ""),
        ("</namespace>", "</namspace>", NotXml, ""),
    ];
    for (from, to, code, at) in cases {
        let xml = GOOD.replace(from, to);
        let error = one_error(from, to);
        let before = &xml[..xml.find(if at.is_empty() { to } else { at }).expect(at)];
        let place = (
            before.matches('\n').count() + 1,
            before.len() - before.rfind('\n').map_or(0, |at| at + 1) + 1,
        );
        let found = (
            usize::try_from(error.line).unwrap(),
            usize::try_from(error.column).unwrap(),
        );
        assert_eq!((error.code, found), (code, place), "{from} -> {to}: {error}");
    }
}

#[test]
fn a_wrong_xml_namespace_is_told_alone_and_built_in_tables_keep_their_names() {
    let errors_of_root = errors(&GOOD.replace("urn:mdoc-issuer:document-format:1", "urn:other"));
    assert_eq!(
        (errors_of_root.len(), errors_of_root[0].code),
        (1, FormatCode::WrongRoot)
    );
    let renamed = errors(&GOOD.replace(r#"<code-table name="level">"#, r#"<code-table name="country">"#));
    let codes: Vec<FormatCode> = renamed.iter().map(|error| error.code).collect();
    assert_eq!(codes, [FormatCode::UnknownCodeTable, FormatCode::Duplicate]);
}

#[test]
fn messages_name_the_place_and_what_was_meant() {
    let error = one_error(r#"max="99""#, r#"maxx="99""#);
    let path = "document-format/namespace[com.example.badge.1]/element[zones]/item/member[doors]/item";
    assert_eq!(error.path, path);
    assert_eq!(
        error.to_string(),
        "line 14, column 61: item has no attribute maxx, did you mean max?"
    );
    let error = one_error(r#"type="tstr" max-length="40""#, r#"type="full_date""#);
    assert!(
        error
            .message
            .starts_with("there is no type full_date; there are tstr, full-date, "),
        "{error}"
    );
}

#[test]
fn all_faults_are_reported_at_once_in_the_order_of_the_file() {
    let xml = GOOD
        .replace(r#"type="tstr" max-length="40""#, r#"type="text" colour="red""#)
        .replace(r#"codes="level""#, r#"codes="nothing""#)
        .replace(r#"age="18""#, r#"age="200""#)
        .replace(r#"type="uint" max="99""#, r#"type="number""#);
    let found: Vec<(u32, FormatCode)> = errors(&xml)
        .iter()
        .map(|error| (error.line, error.code))
        .collect();
    let expected = [
        (7, FormatCode::BadType),
        (7, FormatCode::UnknownAttribute),
        (8, FormatCode::UnknownCodeTable),
        (9, FormatCode::BadAge),
        (14, FormatCode::BadType),
    ];
    assert_eq!(found, expected);
}

#[test]
fn sets_of_ages_clash_with_single_ages() {
    let set =
        r#"<element identifier="age_over_NN" type="bool" derive="age-over-set" ages="16 18"/></namespace>"#;
    let errors_of_set = errors(&GOOD.replace("</namespace>", set));
    assert_eq!(
        errors_of_set[0].message,
        "the element age_over_18 stands twice, first in line 9"
    );
    let set = r#"<element identifier="age_over_NN" type="bool" derive="nearest-age-set"/></namespace>"#;
    assert_eq!(
        errors(&GOOD.replace("</namespace>", set))[0].code,
        FormatCode::Duplicate
    );
}

#[test]
fn namespaces_must_differ_and_not_be_empty() {
    let second = r#"</namespace><namespace name="com.example.badge.1"></namespace>"#;
    let codes: Vec<FormatCode> = errors(&GOOD.replace("</namespace>", second))
        .iter()
        .map(|e| e.code)
        .collect();
    assert_eq!(codes, [FormatCode::Missing, FormatCode::Duplicate]);
}

#[test]
fn dtd_entities_and_expansion_are_refused() {
    let billion = r#"<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>"#;
    let external = r#"<!DOCTYPE x SYSTEM "file:///etc/hostname">"#;
    for dtd in [billion, external, "<!DOCTYPE document-format>"] {
        let error = one_error(
            "<document-format xmlns",
            &format!("{dtd}\n<document-format xmlns"),
        );
        assert_eq!(
            (error.code, error.line, error.column),
            (FormatCode::Dtd, 2, 1),
            "{dtd}"
        );
    }
    assert_eq!(one_error("Badge\"", "&unknown;\"").code, FormatCode::NotXml);
}

#[test]
fn size_depth_and_encoding_are_bounded() {
    let large = format!("{GOOD}{}", " ".repeat(Format::LARGEST_FILE));
    assert_eq!(errors(&large)[0].code, FormatCode::TooLarge);
    let many = format!("{}{}", GOOD, "<!-- -->".repeat(60_000));
    assert_eq!(errors(&many)[0].code, FormatCode::TooComplex);
    let nested = format!(
        "{}{}",
        r#"<item type="array">"#.repeat(2000),
        "</item>".repeat(2000)
    );
    assert_eq!(
        one_error(r#"<item type="uint" max="99"/>"#, &nested).code,
        FormatCode::TooComplex
    );
    let latin1 = [GOOD.as_bytes(), b"<!-- \xe9 -->"].concat();
    let error = &Format::read(&latin1).unwrap_err().0[0];
    assert_eq!(
        (error.code, error.line, error.column),
        (FormatCode::NotUtf8, 20, 6)
    );
}

#[test]
fn of_very_many_members_the_one_that_stands_twice_is_told() {
    let members: String = (0..20_000)
        .map(|number| format!("<member name=\"m{number}\" type=\"bool\"/>"))
        .collect();
    let site = r#"<member name="site" type="tstr" required="true"/>"#;
    let twice = format!("{members}<member name=\"m0\" type=\"bool\"/>");
    let error = one_error(site, &twice);
    assert_eq!(
        (error.code, error.message.as_str()),
        (FormatCode::Duplicate, "the member m0 stands twice")
    );
}

#[test]
fn a_file_full_of_faults_is_told_in_bounded_space() {
    let long = "x".repeat(100_000);
    let faults = r#"<element identifier="age_NN" type="nothing" colour="red"/>"#.repeat(10_000);
    let xml = GOOD.replace(
        r#"<namespace name="com.example.badge.1">"#,
        &format!("<namespace name=\"{long}\">{faults}"),
    );
    let all = FormatErrors(errors(&xml));
    assert_eq!(all.count().to_string(), "more than 200 faults");
    let errors = all.0;
    assert_eq!(errors.len(), FormatErrors::MOST + 1);
    let last = &errors[FormatErrors::MOST];
    assert_eq!(
        (last.code, last.message.as_str()),
        (FormatCode::More(More::Uncounted), "and more")
    );
    assert!(
        errors
            .iter()
            .all(|error| error.path.len() < 500 && error.message.len() < 1500)
    );
}

#[test]
fn of_more_faults_than_are_told_the_others_are_counted() {
    let of = |faults: usize| {
        let children = "\n<x/>".repeat(faults);
        let namespace = r#"<namespace name="com.example.badge.1">"#;
        let more = format!("{namespace}<element identifier=\"more\" type=\"bool\">{children}</element>");
        FormatErrors(errors(&GOOD.replace(namespace, &more)))
    };
    let most = of(FormatErrors::MOST);
    assert_eq!(
        (most.0.len(), most.count().to_string().as_str()),
        (200, "200 faults")
    );
    assert!(
        most.0
            .iter()
            .all(|error| error.code == FormatCode::UnknownElement)
    );
    let cut = of(250);
    assert_eq!(cut.0.len(), FormatErrors::MOST + 1);
    assert_eq!(cut.0[..200], most.0[..]);
    let (before, last) = (&cut.0[199], &cut.0[200]);
    assert_eq!(
        (last.code, last.code.code()),
        (FormatCode::More(More::Counted(50)), "format.more")
    );
    assert_eq!((last.line, last.column), (before.line + 1, 1), "where they go on");
    let sentence = cut.to_string();
    assert!(
        sentence.starts_with("the format has 250 faults: line "),
        "{sentence}"
    );
    assert!(sentence.ends_with(": and 50 more"), "{sentence}");
}

#[test]
fn very_deep_files_are_refused_without_running_out_of_stack() {
    for depth in [10_000, 100_000] {
        let deep = "<a>".repeat(depth);
        assert!(Format::read(deep.as_bytes()).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_are_a_format_or_faults(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = Format::read(&bytes);
    }

    #[test]
    fn damage_to_a_shipped_format_is_no_panic(file in 0..SHIPPED.len(), at in any::<proptest::sample::Index>(), cut in 0usize..40, byte in any::<u8>()) {
        let mut xml = SHIPPED[file].1.as_bytes().to_vec();
        let start = at.index(xml.len());
        let end = (start + cut).min(xml.len());
        xml.splice(start..end, [byte]);
        if let Err(errors) = Format::read(&xml) {
            prop_assert!(!errors.0.is_empty());
        }
    }
}
