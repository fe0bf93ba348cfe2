//! Our CBOR reader against two others.
//!
//! Both ways: what ours takes, `minicbor` walks as the same tree, item by item; what `minicbor` finds malformed, ours
//! refuses. And the tree of values that `ciborium` makes of an item is the one that ours shows.
//!
//! Where they may differ is in the rules below, and nowhere else:
//!
//! 1. *Duplicate keys.* Ours refuses a map with a key twice (RFC 8949, 5.6); `minicbor` and `ciborium` do not look.
//! 2. *Limits.* Ours refuses what is too large, too deep or too numerous; the others have other limits or none.
//! 3. *Simple values in two bytes below 32.* Ours refuses them (RFC 8949, 3.3); `minicbor` passes over them.
//! 4. *Simple values without a meaning* are taken by ours and walked by `minicbor`; `ciborium` has no value for them.
//! 5. *Big numbers* (tags 2 and 3) are tags to ours and to `minicbor`; `ciborium` makes integers of those that fit,
//!    and of those that do not it leaves out the leading zeros, mostly.
//! 6. *`undefined`* is null to `ciborium`, and to [`mdoc_core::cbor::Kind::Null`].
//!
//! `minicbor` is asked item by item: its `skip` takes a lone break and reserved heads for items.

use ciborium::Value;
use mdoc_core::cbor::{Item, Kind};
use mdoc_core::error::{DecodeError, Fault};
use minicbor::Decoder;
use minicbor::data::Type;

use crate::fixtures::LIMITS;

/// Any bytes, read by all three.
pub fn cbor_differential(input: &[u8]) {
    let mut other = Decoder::new(input);
    match Item::parse(input, &LIMITS) {
        Ok(item) => {
            same(item, &mut other);
            assert_eq!(other.position(), input.len(), "there is nothing behind the item");
            match ciborium::from_reader::<Value, _>(input) {
                Ok(value) => equal(item, &value),
                Err(error) => assert!(strange(item), "ciborium refuses it: {error}"),
            }
        }
        Err(error) => {
            let whole = walk(&mut other).is_some() && other.position() == input.len();
            if whole {
                assert!(
                    excused(&error, input),
                    "minicbor takes what ours refuses: {error}"
                );
            }
        }
    }
}

/// Rules 1 to 3: why ours may refuse what the other takes.
fn excused(error: &DecodeError, input: &[u8]) -> bool {
    match error.fault() {
        Fault::DuplicateKey | Fault::Limit(_) => true,
        Fault::Malformed(what) => what.contains("simple value") && input.contains(&0xf8),
        _ => false,
    }
}

/// Takes one item with `minicbor` alone; none if it is not well-formed.
fn walk(other: &mut Decoder<'_>) -> Option<()> {
    match other.datatype().ok()? {
        Type::Bytes | Type::BytesIndef => other
            .bytes_iter()
            .ok()?
            .try_for_each(|chunk| chunk.ok().map(drop)),
        Type::String | Type::StringIndef => other.str_iter().ok()?.try_for_each(|chunk| chunk.ok().map(drop)),
        Type::Array | Type::ArrayIndef => match other.array().ok()? {
            Some(count) => (0..count).try_for_each(|_| walk(other)),
            None => until_break(other),
        },
        Type::Map | Type::MapIndef => match other.map().ok()? {
            Some(count) => (0..count).try_for_each(|_| walk(other).and_then(|()| walk(other))),
            None => {
                while other.datatype().ok()? != Type::Break {
                    walk(other)?;
                    walk(other)?;
                }
                until_break(other)
            }
        },
        Type::Tag => {
            other.tag().ok()?;
            walk(other)
        }
        Type::Break | Type::Unknown(_) => None,
        _ => other.skip().ok(),
    }
}

fn until_break(other: &mut Decoder<'_>) -> Option<()> {
    while other.datatype().ok()? != Type::Break {
        walk(other)?;
    }
    other.set_position(other.position() + 1);
    Some(())
}

/// Walks both at once.
fn same(item: Item<'_>, other: &mut Decoder<'_>) {
    let start = other.position();
    let kind = other.datatype().unwrap();
    match item.kind() {
        Kind::Unsigned(n) => {
            assert_eq!(other.u64().unwrap(), n);
            assert_eq!(item.unsigned(), Some(n));
        }
        Kind::Negative(n) => {
            let found = i128::from(other.int().unwrap());
            assert_eq!(found, -1 - i128::from(n));
            assert_eq!(
                item.integer().map(i128::from),
                i64::try_from(found).ok().map(i128::from)
            );
        }
        Kind::Bytes => {
            let chunks: Result<Vec<&[u8]>, _> = other.bytes_iter().unwrap().collect();
            assert_eq!(item.bytes().unwrap(), chunks.unwrap().concat());
        }
        Kind::Text => {
            let chunks: Result<Vec<&str>, _> = other.str_iter().unwrap().collect();
            assert_eq!(item.text().unwrap(), chunks.unwrap().concat());
        }
        Kind::Array => {
            let count = other.array().unwrap();
            let mut items = 0;
            for inner in item.array().unwrap() {
                same(inner, other);
                items += 1;
            }
            ends(count, items, other);
        }
        Kind::Map => {
            let count = other.map().unwrap();
            let mut entries = 0;
            for (key, value) in item.map().unwrap() {
                same(key, other);
                same(value, other);
                entries += 1;
            }
            ends(count, entries, other);
        }
        Kind::Tag(tag) => {
            assert_eq!(other.tag().unwrap().as_u64(), tag);
            let (found, inner) = item.tagged().unwrap();
            assert_eq!(found, tag);
            same(inner, other);
        }
        Kind::Bool(yes) => assert_eq!(other.bool().unwrap(), yes),
        Kind::Null if kind == Type::Null => other.null().unwrap(),
        Kind::Null => other.undefined().unwrap(),
        Kind::Simple => {
            let simple = matches!(
                kind,
                Type::Simple | Type::F16 | Type::F32 | Type::F64 | Type::Unknown(_)
            );
            assert!(simple, "{kind}");
            other.skip().unwrap();
        }
    }
    assert_eq!(
        item.raw().len(),
        other.position() - start,
        "both took the same bytes"
    );
}

/// The other one counted as many, and is at the break where there is one.
fn ends(count: Option<u64>, found: u64, other: &mut Decoder<'_>) {
    match count {
        Some(count) => assert_eq!(count, found),
        None => {
            assert_eq!(other.datatype().unwrap(), Type::Break);
            other.set_position(other.position() + 1);
        }
    }
}

/// Compares with a tree of values.
fn equal(item: Item<'_>, value: &Value) {
    match (item.kind(), value) {
        (Kind::Unsigned(n), Value::Integer(found)) => assert_eq!(i128::from(*found), i128::from(n)),
        (Kind::Negative(n), Value::Integer(found)) => assert_eq!(i128::from(*found), -1 - i128::from(n)),
        (Kind::Bytes, Value::Bytes(found)) => assert_eq!(item.bytes().unwrap(), found.as_slice()),
        (Kind::Text, Value::Text(found)) => assert_eq!(item.text().unwrap(), found.as_str()),
        (Kind::Bool(yes), Value::Bool(found)) => assert_eq!(yes, *found),
        (Kind::Null, Value::Null) | (Kind::Simple, Value::Float(_)) => {}
        (Kind::Array, Value::Array(found)) => {
            let items: Vec<_> = item.array().unwrap().collect();
            assert_eq!(items.len(), found.len());
            items
                .into_iter()
                .zip(found)
                .for_each(|(item, value)| equal(item, value));
        }
        (Kind::Map, Value::Map(found)) => {
            let entries: Vec<_> = item.map().unwrap().collect();
            assert_eq!(entries.len(), found.len());
            for ((key, value), (found_key, found_value)) in entries.into_iter().zip(found) {
                equal(key, found_key);
                equal(value, found_value);
            }
        }
        // Rule 5.
        (Kind::Tag(tag @ (2 | 3)), Value::Integer(found)) => {
            let bytes = item.tagged().unwrap().1.bytes().unwrap();
            let number = bytes
                .iter()
                .fold(0_i128, |number, byte| (number << 8) | i128::from(*byte));
            let number = if tag == 2 { number } else { -1 - number };
            assert_eq!(number, i128::from(*found));
        }
        (Kind::Tag(tag @ (2 | 3)), Value::Tag(found, inner)) => {
            assert_eq!(tag, *found);
            let content = item.tagged().unwrap().1;
            let Some(bytes) = content.bytes() else {
                return equal(content, inner);
            };
            let Value::Bytes(found) = inner.as_ref() else {
                panic!("a big number is {inner:?} to the other");
            };
            assert_eq!(without_zeros(&bytes), without_zeros(found));
        }
        (Kind::Tag(tag), Value::Tag(found, inner)) => {
            assert_eq!(tag, *found);
            equal(item.tagged().unwrap().1, inner);
        }
        (kind, value) => panic!("{kind:?} is {value:?} to the other"),
    }
}

/// A big number without its leading zeros.
fn without_zeros(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    &bytes[zeros..]
}

/// Rules 4 and 5: whether there is something in it that `ciborium` has no value for.
fn strange(item: Item<'_>) -> bool {
    match item.kind() {
        Kind::Simple => !matches!(item.raw().first(), Some(0xf9..=0xfb)),
        Kind::Tag(2 | 3) => true,
        Kind::Tag(_) => item.tagged().is_some_and(|(_, inner)| strange(inner)),
        Kind::Array => item.array().unwrap().any(strange),
        Kind::Map => item
            .map()
            .unwrap()
            .any(|(key, value)| strange(key) || strange(value)),
        _ => false,
    }
}
