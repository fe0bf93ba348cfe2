use miniz_oxide::deflate::core::{CompressorOxide, TDEFLFlush, compress, create_comp_flags_from_zip_params};
use proptest::prelude::*;
use serde_json::Value as Json;

use super::super::LIMITS;
use super::*;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/status-list");

fn decode(bytes: &[u8]) -> Result<EncodedList, DecodeError> {
    Item::parse(bytes, &LIMITS).and_then(EncodedList::decode)
}

fn encode(list: &EncodedList) -> Vec<u8> {
    let mut out = Vec::new();
    list.write(&mut out);
    out
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the vectors are walked, so that none is forgotten"
)]
fn every_entry_of_every_list_of_the_draft() {
    let mut seen = Vec::new();
    for entry in std::fs::read_dir(FOLDER).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if !name.starts_with("status_list_encoding") || path.extension().is_none_or(|e| e != "cbor") {
            continue;
        }
        let received = std::fs::read(&path).unwrap();
        let expected = std::fs::read_to_string(path.with_extension("expected.json")).unwrap();
        let expected: Json = serde_json::from_str(&expected).unwrap();
        let encoded = decode(&received).unwrap();
        let list = encoded.inflate().unwrap();
        assert_eq!(Some(list.entries()), expected["entries"].as_u64(), "{name}");
        assert_eq!(
            Some(u64::from(list.bits().count())),
            expected["bits"].as_u64(),
            "{name}"
        );
        let mut non_zero = 0;
        for index in 0..list.entries() {
            let value = list.get(index).unwrap();
            if value != 0 {
                non_zero += 1;
                assert_eq!(expected["non_zero"][index.to_string()], value, "{name} {index}");
            }
        }
        assert_eq!(
            non_zero,
            expected["non_zero"].as_object().unwrap().len(),
            "{name}"
        );
        assert_eq!(encode(&encoded), received, "{name}: written as received");
        // Made by ourselves from the expectation alone, it says the same; the stream may be another.
        let mut made = StatusList::new(list.bits(), list.entries()).unwrap();
        for (index, value) in expected["non_zero"].as_object().unwrap() {
            let value = u8::try_from(value.as_u64().unwrap()).unwrap();
            made.set(index.parse().unwrap(), value).unwrap();
        }
        assert_eq!(made, list, "{name}");
        assert_eq!(made.deflate().inflate().as_ref(), Ok(&list), "{name}");
        seen.push(name);
    }
    assert_eq!(seen.len(), 6, "{seen:?}");
}

#[test]
fn the_example_of_the_standard_byte_for_byte() {
    let mut list = StatusList::new(Bits::One, 16).unwrap();
    for (index, value) in [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1]
        .into_iter()
        .enumerate()
    {
        list.set(u64::try_from(index).unwrap(), value).unwrap();
    }
    assert_eq!(list.bytes, [0xb9, 0xa3]);
    let lst = base16ct::lower::decode_vec("78dadbb918000217015d").unwrap();
    let published = EncodedList {
        bits: Bits::One,
        lst,
        aggregation_uri: None,
    };
    assert_eq!(published.inflate().unwrap(), list);
    let cbor = base16ct::lower::decode_vec("a2646269747301636c73744a78dadbb918000217015d").unwrap();
    assert_eq!(encode(&published), cbor);
    assert_eq!(list.deflate().lst[..2], [0x78, 0xda], "zlib, highest level");
}

#[test]
fn entries_are_set_one_by_one_and_may_be_set_back() {
    for bits in Bits::ALL {
        let mut list = StatusList::new(bits, 21).unwrap();
        assert_eq!(list.entries() % u64::from(8 / bits.count()), 0);
        assert!(list.entries() >= 21);
        list.set(20, bits.highest()).unwrap();
        list.set(20, bits.highest() - 1).unwrap();
        assert_eq!(list.get(20), Some(bits.highest() - 1));
        assert_eq!(list.get(19), Some(0));
        let entries = list.entries();
        assert_eq!(list.get(entries), None);
        let beyond = |index| Err(ListError::Beyond { index, entries });
        assert_eq!(list.set(entries, 1), beyond(entries));
        assert_eq!(list.set(u64::MAX, 1), beyond(u64::MAX));
        assert_eq!(list.get(u64::MAX), None);
        if let Some(value) = bits.highest().checked_add(1) {
            assert_eq!(list.set(0, value), Err(ListError::Value { value, bits }));
        }
    }
}

#[test]
fn lists_have_a_largest_size() {
    let most = 8 * u64::try_from(LARGEST_LIST).unwrap();
    assert_eq!(StatusList::new(Bits::One, most).unwrap().entries(), most);
    assert_eq!(StatusList::new(Bits::One, most + 1), Err(ListError::TooLarge));
    assert_eq!(StatusList::new(Bits::Eight, u64::MAX), Err(ListError::TooLarge));
    assert_eq!(StatusList::new(Bits::Two, 0).unwrap().entries(), 0);
}

/// A stream of some 10 MB that inflates to some 10 GB: the same 16 MiB of zeros over and over.
fn bomb() -> Vec<u8> {
    let zeros = vec![0; 16 << 20];
    let mut piece = vec![0; 1 << 20];
    let mut state = CompressorOxide::new(create_comp_flags_from_zip_params(9, -15, 0));
    let (_, read, written) = compress(&mut state, &zeros, &mut piece, TDEFLFlush::Full);
    assert_eq!(read, zeros.len());
    let mut stream = vec![0x78, 0xda];
    while stream.len() < 10_000_000 {
        stream.extend_from_slice(&piece[..written]);
    }
    stream
}

#[test]
fn trap_78_a_bomb_is_refused_before_room_is_made_for_it() {
    let published = EncodedList {
        bits: Bits::One,
        lst: bomb(),
        aggregation_uri: None,
    };
    assert!(published.lst.len() >= 10_000_000);
    assert_eq!(published.inflate(), Err(ListError::TooLarge));
    // The largest that is taken, and one byte more: a good stream both.
    let of = |len| EncodedList {
        lst: compress_to_vec_zlib(&vec![0; len], 1),
        ..published.clone()
    };
    assert_eq!(
        of(LARGEST_LIST).inflate().map(|list| list.bytes.len()),
        Ok(LARGEST_LIST)
    );
    assert_eq!(of(LARGEST_LIST + 1).inflate(), Err(ListError::TooLarge));
}

#[test]
fn raw_deflate_is_no_list() {
    let lst = miniz_oxide::deflate::compress_to_vec(&[0xb9, 0xa3], 9);
    let published = EncodedList {
        bits: Bits::One,
        lst,
        aggregation_uri: None,
    };
    assert_eq!(published.inflate(), Err(ListError::NoZlib));
}

#[test]
fn members_have_to_be_there_and_of_their_types() {
    let good = "a2646269747301636c73744a78dadbb918000217015d";
    let said = |hex: &str| match decode(&base16ct::lower::decode_vec(hex).unwrap()) {
        Ok(_) => String::new(),
        Err(error) => error.to_string(),
    };
    assert_eq!(said(good), "");
    assert_eq!(said("80"), "a map expected");
    assert_eq!(said("a0"), "`bits` is missing");
    assert_eq!(said("a1646269747301"), "`lst` is missing");
    assert_eq!(
        said(&good.replace("7301", "7303")),
        "1, 2, 4 or 8 expected in bits"
    );
    assert_eq!(
        said(&good.replace("7301", "7320")),
        "1, 2, 4 or 8 expected in bits"
    );
    assert_eq!(
        said("a2646269747301636c73746161"),
        "a byte string expected in lst"
    );
    let uri = "a3646269747301636c7374406f6167677265676174696f6e5f757269";
    assert_eq!(said(&format!("{uri}6161")), "");
    assert_eq!(
        said(&format!("{uri}01")),
        "a text string expected in aggregation_uri"
    );
}

proptest! {
    #[test]
    fn what_was_set_is_found(
        bits in prop::sample::select(&Bits::ALL[..]),
        values in prop::collection::vec(any::<u8>(), 0..3000),
        uri in prop::option::of("[a-z]{0,20}"),
    ) {
        let entries = u64::try_from(values.len()).unwrap();
        let mut list = StatusList::new(bits, entries).unwrap();
        for (index, value) in (0..).zip(&values) {
            list.set(index, value & bits.highest()).unwrap();
        }
        let published = EncodedList { aggregation_uri: uri, ..list.deflate() };
        let received = decode(&encode(&published)).unwrap();
        prop_assert_eq!(&received, &published);
        let received = received.inflate().unwrap();
        for (index, value) in (0..).zip(&values) {
            prop_assert_eq!(received.get(index), Some(value & bits.highest()));
        }
        for index in entries..received.entries() {
            prop_assert_eq!(received.get(index), Some(0));
        }
        prop_assert_eq!(received.get(received.entries()), None);
    }

    #[test]
    fn any_stream_inflates_or_is_refused(lst in prop::collection::vec(any::<u8>(), 0..300), zlib: bool) {
        let lst = if zlib { [&[0x78, 0xda], lst.as_slice()].concat() } else { lst };
        let published = EncodedList { bits: Bits::Four, lst, aggregation_uri: None };
        if let Ok(list) = published.inflate() {
            prop_assert!(list.bytes.len() <= LARGEST_LIST);
        }
    }
}
