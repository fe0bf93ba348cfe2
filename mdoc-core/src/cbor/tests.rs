use proptest::prelude::*;

use super::*;
use crate::error::Stage;
use crate::issuer_signed::IssuerSignedItem;

fn parse(hex: &str) -> Result<Vec<u8>, DecodeError> {
    let bytes: Vec<u8> = (0..hex.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap())
        .collect();
    Item::parse(&bytes, &Limits::DEFAULT).map(|item| item.raw().to_vec())
}

fn fault(hex: &str) -> Fault {
    parse(hex).unwrap_err().fault().clone()
}

#[test]
fn what_is_not_one_well_formed_item_is_refused() {
    assert_eq!(fault(""), Fault::Truncated);
    assert_eq!(fault("19ff"), Fault::Truncated);
    assert_eq!(fault("0000"), Fault::TrailingBytes(1));
    assert_eq!(fault("1c"), Fault::Malformed("reserved additional information"));
    assert_eq!(fault("ff"), Fault::Malformed("a break where an item is due"));
    assert_eq!(
        fault("df00"),
        Fault::Malformed("an indefinite length on a type without one")
    );
    assert_eq!(
        fault("5f6161ff"),
        Fault::Malformed("a chunk of another type in a string")
    );
    assert_eq!(
        fault("62c328"),
        Fault::Malformed("a text string that is not UTF-8")
    );
    assert_eq!(
        fault("f814"),
        Fault::Malformed("a simple value in two bytes that has one of its own")
    );
    assert_eq!(fault("bf00ff"), Fault::Malformed("a break where an item is due"));
}

#[test]
fn trap_07_duplicate_keys_are_refused_however_they_are_written() {
    assert_eq!(fault("a2616100616101"), Fault::DuplicateKey);
    assert_eq!(
        fault("a2050018050 1".replace(' ', "").as_str()),
        Fault::DuplicateKey,
        "5 and 5 in two bytes"
    );
    assert_eq!(fault("bf616100616101ff"), Fault::DuplicateKey);
    assert_eq!(fault("81a2f400f401"), Fault::DuplicateKey);
    assert!(parse("a205002501").is_ok(), "5 and -6 are two keys");
    assert_eq!(
        fault("a27f61616162ff0062616201"),
        Fault::DuplicateKey,
        "ab in chunks and ab"
    );
    assert!(parse("a27f61616162ff00616101").is_ok(), "ab in chunks and a");
    let many: String = (0..40).map(|n| format!("18{:02x}00", 100 + n)).collect();
    assert!(parse(&format!("b828{many}")).is_ok());
    assert_eq!(
        fault(&format!("b829{many}186401")),
        Fault::DuplicateKey,
        "the first of many again"
    );
}

#[test]
fn one_key_twice_is_found_among_many_long_ones_in_any_form() {
    let key = |n: u32, chunked: bool| {
        let text = format!("a key that is longer than eight bytes, {n}");
        let mut out = Vec::new();
        if chunked {
            let (a, b) = text.split_at(20);
            out.push(0x7f);
            write::text(&mut out, a);
            write::text(&mut out, b);
            out.push(0xff);
        } else {
            write::text(&mut out, &text);
        }
        out
    };
    let map = |keys: &[(u32, bool)]| {
        let mut out = vec![0xbf];
        for (n, chunked) in keys {
            out.extend(key(*n, *chunked));
            out.push(0);
        }
        out.push(0xff);
        out
    };
    let distinct: Vec<_> = (0..1000).map(|n| (n, n % 3 == 0)).collect();
    assert!(Item::parse(&map(&distinct), &Limits::DEFAULT).is_ok());
    for (place, again) in [(999, 0), (999, 500), (40, 39), (17, 16), (12, 3)] {
        for chunked in [true, false] {
            let mut keys = distinct.clone();
            keys[place] = (again, chunked);
            let error = Item::parse(&map(&keys), &Limits::DEFAULT).unwrap_err();
            assert_eq!(error.fault(), &Fault::DuplicateKey, "{place} {again} {chunked}");
        }
    }
}

#[test]
fn chunks_of_a_string_count_as_items() {
    let mut string = vec![0x5f];
    string.extend(vec![0x40; 250_000]);
    string.push(0xff);
    let error = Item::parse(&string, &Limits::DEFAULT).unwrap_err();
    assert_eq!(error.fault(), &Fault::Limit("the number of items"));
}

#[test]
fn declared_sizes_beyond_the_input_are_errors_and_no_allocations() {
    assert_eq!(fault("5bffffffffffffffff"), Fault::Truncated);
    assert_eq!(fault("9bffffffffffffffff"), Fault::Truncated);
    assert_eq!(fault("bb7fffffffffffffff"), Fault::Truncated);
}

#[test]
fn nesting_bombs_end_in_an_error() {
    let bomb = [vec![0x81; 100_000], vec![0]].concat();
    let error = Item::parse(&bomb, &Limits::DEFAULT).unwrap_err();
    assert_eq!(error.fault(), &Fault::Limit("the nesting"));
    assert_eq!(error.offset(), Some(65));
    let deepest = [vec![0x81; 64], vec![0]].concat();
    assert!(Item::parse(&deepest, &Limits::DEFAULT).is_ok());
}

#[test]
fn tolerated_forms_are_counted() {
    let input = [0xbf, 0x19, 0x00, 0x01, 0x7f, 0x61, b'a', 0x61, b'b', 0xff, 0xff];
    let (item, shape) = Item::parse_with_shape(&input, &Limits::DEFAULT).unwrap();
    assert_eq!((shape.indefinite, shape.not_shortest), (2, 1));
    assert_eq!(item.get_label(1).unwrap().text().unwrap(), "ab");
}

#[test]
fn embedded_items_keep_their_bytes_and_hold_exactly_one_item() {
    let raw = [0xd8, 0x18, 0x58, 0x02, 0x18, 0x2a];
    let embedded = Embedded::new(Item::parse(&raw, &Limits::DEFAULT).unwrap()).unwrap();
    assert_eq!(embedded.raw(), raw, "the length that is not the shortest is kept");
    assert_eq!(embedded.item(&Limits::DEFAULT).unwrap().unsigned(), Some(42));
    let two = [0xd8, 0x18, 0x42, 0x00, 0x00];
    let embedded = Embedded::new(Item::parse(&two, &Limits::DEFAULT).unwrap()).unwrap();
    assert_eq!(
        embedded.item(&Limits::DEFAULT).unwrap_err().stage(),
        Stage::Embedded
    );
    let tag_25 = [0xd8, 0x19, 0x41, 0x00];
    let error = Embedded::new(Item::parse(&tag_25, &Limits::DEFAULT).unwrap()).unwrap_err();
    assert_eq!(error.stage(), Stage::Structure);
}

#[test]
fn diagnostic_notation_opens_no_more_items_than_a_message_has() {
    // Every content has as many items as are taken at once, each in a line that would be indented by sixty levels.
    let zeros = [&[0x99, 0x4d, 0x00][..], &[0; 0x4d00]].concat();
    let nested = [&[0x81; 60][..], &embed(&zeros)].concat();
    let many = [&[0x98, 100][..], &nested.repeat(100)].concat();
    let text = diagnostic(Item::parse(&many, &Limits::DEFAULT).unwrap(), 16);
    assert!(text.len() < 4 << 20, "{} bytes", text.len());
    assert_eq!(text.matches("<<").count(), 1, "the others stay byte strings");
}

#[test]
fn diagnostic_notation_shows_embedded_items() {
    let raw = [
        0xa2, 0x61, b'a', 0xd8, 0x18, 0x43, 0x82, 0x01, 0x20, 0x02, 0x43, 1, 2, 3,
    ];
    let text = diagnostic(Item::parse(&raw, &Limits::DEFAULT).unwrap(), 2);
    assert_eq!(
        text,
        "{\n  \"a\": 24(<<[\n    1,\n    -1\n  ]>>),\n  2: h'0102' / … 3 bytes in all /\n}"
    );
}

proptest! {
    #[test]
    fn any_bytes_decode_or_err_and_what_decodes_can_be_walked(input in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(item) = Item::parse(&input, &Limits::DEFAULT) {
            prop_assert_eq!(walk::item_len(&input), Some(input.len()));
            let _ = diagnostic(item, 8);
            let counted = item.array().map(Iterator::count).or(item.map().map(Iterator::count));
            prop_assert!(counted.unwrap_or(0) <= input.len());
        }
    }

    #[test]
    fn an_item_that_is_checked_and_decoded_at_once_is_the_same(
        members in proptest::collection::vec((0..6usize, 0..5usize), 0..9), whole in any::<bool>(), cut in 0..60usize,
    ) {
        const NAMES: [&str; 6] = ["digestID", "random", "elementIdentifier", "elementValue", "other", "digestid"];
        let mut content = Vec::new();
        write::map(&mut content, members.len());
        for (name, value) in members {
            match NAMES[name] {
                "random" if value == 0 => content.extend(b"\x7f\x66random\xff"),
                name => write::text(&mut content, name),
            }
            match value {
                0 => write::unsigned(&mut content, 7),
                1 => write::bytes(&mut content, &[1; 16]),
                2 => write::text(&mut content, "name"),
                3 => content.extend([0x18, 5]),
                _ => content.extend([0x9f, 0xa1, 0, 1, 0xff]),
            }
        }
        if !whole {
            content.truncate(cut);
        }
        let bytes = embed(&content);
        let embedded = Embedded::new(Item::parse(&bytes, &Limits::DEFAULT).unwrap()).unwrap();
        let apart = embedded
            .item_with_shape(&Limits::DEFAULT)
            .map(|(item, shape)| (shape, IssuerSignedItem::decode(item)));
        let at_once = IssuerSignedItem::read_with_shape(&embedded, &Limits::DEFAULT);
        prop_assert_eq!(format!("{at_once:?}"), format!("{apart:?}"));
    }

    #[test]
    fn heads_are_the_shortest(value in any::<u64>()) {
        let mut out = Vec::new();
        write::unsigned(&mut out, value);
        let (item, shape) = Item::parse_with_shape(&out, &Limits::DEFAULT).unwrap();
        prop_assert_eq!(item.unsigned(), Some(value));
        prop_assert_eq!(shape.not_shortest, 0);
    }
}
