//! Very many faults: the first of every kind are told, and how many more there are.

use serde_json::{Map, json};

use super::*;

fn errors(format: &Format, data: &Json) -> FillErrors {
    fill(format, data, None, &facts(), &times("2026-06-01T00:00:00Z")).expect_err("must be refused")
}

/// Members that no format has.
fn unknown(count: usize) -> Map<String, Json> {
    (0..count)
        .map(|number| (format!("zz{number}"), json!(number)))
        .collect()
}

/// How many are told of each kind, in the order in which the kinds come.
fn kinds(errors: &FillErrors) -> Vec<(&'static str, usize)> {
    let mut kinds: Vec<(&str, usize)> = Vec::new();
    for error in &errors.0 {
        match kinds.last_mut() {
            Some((kind, count)) if *kind == error.code() => *count += 1,
            _ => kinds.push((error.code(), 1)),
        }
    }
    kinds
}

#[test]
fn of_lists_full_of_faults_a_hundred_each_are_told_and_the_others_counted() {
    let format = own_format(
        r#"<element identifier="a" type="array" max-items="20000"><item type="tstr" pattern="[0-9]"/></element>
           <element identifier="b" type="map"><member name="c" type="bool"/></element>"#,
    );
    let data = json!({"a": vec!["x"; 20_000], "b": unknown(5_000)});
    let errors = errors(&format, &data);
    let expected = [
        ("fill.pattern", 100),
        ("fill.unknown-field", 100),
        ("fill.more", 1),
    ];
    assert_eq!(kinds(&errors), expected);
    assert_eq!(
        (errors.0[99].field.as_str(), errors.0[199].field.as_str()),
        ("a[99]", "b/zz99")
    );
    assert_eq!(errors.0[200].to_string(), "and 24800 more");
    let sentence = errors.to_string();
    assert!(
        sentence.starts_with("the user data have 25000 faults: a[0]: it does"),
        "{sentence}"
    );
    assert!(sentence.ends_with("; and 24800 more"), "{sentence}");
}

#[test]
fn a_hundred_faults_are_all_there_are_if_nothing_follows() {
    let format = own_format(r#"<element identifier="a" type="tstr"/>"#);
    let all = errors(&format, &Json::Object(unknown(100)));
    assert_eq!(kinds(&all), [("fill.unknown-field", 100)]);
    assert_eq!(all.count().to_string(), "100 faults");
    let all = errors(&format, &Json::Object(unknown(101)));
    assert_eq!(kinds(&all), [("fill.unknown-field", 100), ("fill.more", 1)]);
    assert_eq!(all.0[100].to_string(), "and 1 more");
}

#[test]
fn faults_of_one_kind_hide_no_others() {
    let format = own_format(
        r#"<element identifier="street" type="tstr" source="address/street"/>
           <element identifier="list" type="array" max-items="500"><item type="tstr"/></element>
           <element identifier="later" type="tstr"/>"#,
    );
    let mut list = vec![json!(1); 150];
    list.push(json!("a\u{0}b"));
    let mut data = unknown(150);
    data.insert("address".to_owned(), json!("Lindelaan 12"));
    data.insert("list".to_owned(), json!(list));
    data.insert("later".to_owned(), json!(2));
    let errors = errors(&format, &Json::Object(data));
    let expected = [
        ("fill.wrong-type", 100),
        ("fill.control-character", 1),
        ("fill.wrong-type", 1),
        ("fill.unknown-field", 100),
        ("fill.wrong-type", 1),
        ("fill.more", 1),
    ];
    assert_eq!(kinds(&errors), expected);
    assert_eq!(
        (errors.0[101].field.as_str(), errors.0[202].field.as_str()),
        ("later", "address")
    );
    assert_eq!(errors.0[203].to_string(), "and 100 more");
}

#[test]
fn of_thousands_of_ages_what_no_set_makes_is_found() {
    let elements: String = (0..2_000)
        .map(|set| {
            format!(
                r#"<element identifier="x{set}_over_18" type="bool" derive="age-over" age="18" required="true"/>
                   <element identifier="y{set}_over_NN" type="bool" derive="age-over-set" ages="16 18"/>"#
            )
        })
        .collect();
    let format = own_format(&elements);
    let mut data = unknown(1);
    for set in 0..2_000 {
        data.insert(format!("y{set}_over_16"), json!(true));
    }
    let missing = errors(&format, &Json::Object(data.clone()));
    let expected = [("fill.birth-date-needed", 2_000), ("fill.unknown-field", 1)];
    assert_eq!(kinds(&missing), expected);
    data.insert("birth_date".to_owned(), json!("2000-01-01"));
    let told = errors(&format, &Json::Object(data));
    assert_eq!(kinds(&told), [("fill.unknown-field", 1)]);
}

#[test]
fn a_format_takes_the_members_that_it_reads() {
    let format = own_format(
        r#"<element identifier="street" type="tstr" source="address/street"/>
           <element identifier="age_over_18" type="bool" derive="age-over" age="18"/>"#,
    );
    let data = json!({"address": {"city": "Utrecht"}, "street": 1, "birth_date": "2000-01-01", "other": 2});
    let Json::Object(data) = data else { panic!() };
    let expected = json!({"address": {"city": "Utrecht"}, "birth_date": "2000-01-01"});
    assert_eq!(taken(&format, data.clone()), expected);
    let ageless = own_format(r#"<element identifier="other" type="uint"/>"#);
    assert_eq!(taken(&ageless, data), json!({"other": 2}));
}
