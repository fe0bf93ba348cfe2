use proptest::prelude::*;

use super::*;

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        // The lengths of heads turn here.
        prop::sample::select(vec![
            0_u64,
            23,
            24,
            255,
            256,
            65_535,
            65_536,
            4_294_967_295,
            4_294_967_296
        ])
        .prop_map(Value::from),
        any::<u64>().prop_map(|n| {
            let negative = -1 - i128::from(n);
            Value::Integer(ciborium::value::Integer::try_from(negative).unwrap())
        }),
        prop::collection::vec(any::<u8>(), 0..300).prop_map(Value::Bytes),
        ".{0,40}".prop_map(Value::Text),
        any::<bool>().prop_map(Value::Bool),
        any::<f64>().prop_map(Value::Float),
        Just(Value::Float(1.5)),
        Just(Value::Null),
    ];
    leaf.prop_recursive(4, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..30).prop_map(Value::Array),
            prop::collection::vec((inner.clone(), inner.clone()), 0..30).prop_map(Value::Map),
            (any::<u64>(), inner).prop_map(|(tag, inner)| Value::Tag(tag, Box::new(inner))),
        ]
    })
}

fn by_ciborium(item: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    ciborium::into_writer(item, &mut out).unwrap();
    out
}

proptest! {
    #[test]
    fn values_are_written_as_another_library_writes_them(item in values()) {
        let mut out = Vec::new();
        value(&mut out, &item);
        prop_assert_eq!(Length::of(|counted| value(counted, &item)), out.len());
        prop_assert_eq!(out, by_ciborium(&item));
    }
}

#[test]
fn long_strings_and_lists_have_the_shortest_heads() {
    for len in [0, 23, 24, 255, 256, 65_535, 65_536, 70_000] {
        for item in [
            Value::Bytes(vec![7; len]),
            Value::Text("x".repeat(len)),
            Value::Array(vec![Value::Null; len]),
        ] {
            let mut out = Vec::new();
            value(&mut out, &item);
            assert_eq!(out, by_ciborium(&item), "{len}");
            assert_eq!(out.len() - len, head_len(len));
        }
    }
}
