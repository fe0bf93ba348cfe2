//! Documents, requests and MSOs that go through the outer checks.

use mdoc_core::cbor::{Item, embed};
use mdoc_core::cose;
use mdoc_core::issuer_signed::IssuerSigned;
use mdoc_core::seams::Signer as _;
use mdoc_core::value::Value;
use mdoc_core::verify::{Form, Inputs, verify};
use mdoc_issuer::inspect;
use mdoc_verifier::show;

use crate::cbor::{Decode, LIMITS, decoders, head};
use crate::certificates;
use crate::measure::Case;
use crate::world::{World, response};
use crate::{SIZE, lists, write};

/// What goes through the outer checks and is hostile further inside.
pub(crate) fn cases(world: &World, run: &mut dyn FnMut(Case<'_>)) {
    let decoders = decoders(world, LIMITS);
    let decode = |name: &str| {
        let found = decoders.iter().find(|(decoder, _)| *decoder == name);
        found.map(|(_, decode)| &**decode).unwrap()
    };
    let text = |out: &mut Vec<u8>, text: &str| write::text(out, text);

    // More elements than are taken, and as many: of a text each, and of hundreds of numbers.
    let text_of = |bytes| Value::Text("x".repeat(bytes));
    let numbers = |count| Value::Array(vec![Value::from(0); count]);
    for (input, elements, value, taken) in [
        ("9,900 elements of 1,000 bytes", 9_900, text_of(1_000), false),
        ("one element of 10 MB", 1, text_of(SIZE), false),
        ("9,900 elements of 250 bytes", 9_900, text_of(250), true),
        ("9,900 elements of 250 numbers", 9_900, numbers(250), true),
        ("3,900 elements of 900 numbers", 3_900, numbers(900), true),
        ("one element of 4 MB", 1, text_of(4_000_000), true),
        (KEYS_IN_KEYS, 1, keys_in_keys(50), true),
        (
            "one element of 4 MB of bytes",
            1,
            Value::Bytes(vec![7; 4_000_000]),
            true,
        ),
    ] {
        let issued = document(world, elements, &value);
        let presented = world.present(&issued);
        for (decoder, bytes) in [
            ("verify, an IssuerSigned", &issued),
            ("verify, a response", &presented),
            ("IssuerSigned::decode, its items and MSO", &issued),
            ("inspect", &issued),
        ] {
            let case = Case::new(decoder, input, bytes, decode(decoder));
            run(if taken { case.decided().small() } else { case });
        }
    }
    for (input, elements, value) in [
        ("2,000 elements of 1,900 bytes, 4 MB", 2_000, text_of(1_900)),
        ("40 elements of 400 numbers", 40, numbers(400)),
    ] {
        let issued = document(world, elements, &value);
        run(Case::new("inspect", input, &issued, decode("inspect"))
            .decided()
            .small());
    }
    // What is accepted or seen, as it is printed.
    let reported = |bytes: &[u8]| {
        let report = verify(bytes, Form::IssuerSigned, &Inputs::new(&world.anchors, world.now));
        if !report.accepted() {
            return Err("not accepted".to_owned());
        }
        Ok(format!("{} bytes", show::to_json(&report).to_string().len()))
    };
    let printed = |bytes: &[u8]| {
        let seen = inspect::Inspection::of_cbor(bytes, world.now).map_err(|error| error.to_string())?;
        let (text, json) = (seen.text(), seen.json().to_string());
        Ok(format!("{} bytes", text.len() + json.len()))
    };
    for (input, elements, value) in [
        (KEYS_IN_KEYS, 1, keys_in_keys(50)),
        ("40 elements of 400 numbers", 40, numbers(400)),
        ("9,000 elements of 250 bytes", 9_000, text_of(250)),
    ] {
        let issued = document(world, elements, &value);
        for (decoder, decode) in [
            ("inspect, as text and JSON", &printed as &Decode<'_>),
            ("verify, an IssuerSigned, as JSON", &reported),
        ] {
            run(Case::new(decoder, input, &issued, decode).decided().small());
        }
    }
    let nested = (0..4).fold(vec![0; 1_300_000], |inner, _| embed(&inner));
    let nested = [head(4, 3), embed(&nested), embed(&nested), embed(&[0])].concat();
    run(
        Case::new("inspect", "tag 24 in tag 24, 3 MB", &nested, decode("inspect"))
            .decided()
            .small(),
    );

    let document = world.document(&document(world, 5, &text_of(10)));
    let many = SIZE / document.len();
    let copies = response(&document.repeat(many), many);
    for decoder in ["DeviceResponse::decode", "verify, a response", "inspect"] {
        let case = Case::new(
            decoder,
            "one document thousands of times",
            &copies,
            decode(decoder),
        );
        run(if decoder == "inspect" {
            case.decided()
        } else {
            case
        });
    }
    let copies = response(&document.repeat(64), 64);
    run(Case::new(
        "verify, a response",
        "one document 64 times",
        &copies,
        decode("verify, a response"),
    )
    .decided()
    .small());

    // Certificates in the signature of the issuer.
    let large_certificate = certificates::with_extension(world, 60_000);
    for (input, chain) in [
        (
            "a chain of ten thousand certificates",
            vec![world.ds.der(); SIZE / world.ds.der().len()],
        ),
        (
            "a chain of sixteen certificates of 60 KB",
            vec![&*large_certificate; 16],
        ),
        (
            "a chain of one byte string of 10 MB",
            vec![&*vec![0x30; SIZE].leak()],
        ),
    ] {
        let issued = world.issue(&[("points".to_owned(), Value::from(1))], &chain);
        run(Case::new(
            "verify, an IssuerSigned",
            input,
            &issued,
            decode("verify, an IssuerSigned"),
        ));
        let presented = world.present(&issued);
        run(Case::new(
            "verify, a response",
            input,
            &presented,
            decode("verify, a response"),
        ));
    }

    // MSOs.
    for (input, payload) in msos(world) {
        let case = Case::new(
            "mso::decode_payload",
            input,
            &payload,
            decode("mso::decode_payload"),
        );
        let small = payload.len() < 1_000_000;
        run(if small { case.decided().small() } else { case });
        let issued = signed_payload(world, &payload);
        let decode = decode("verify, an IssuerSigned");
        let case = Case::new("verify, an IssuerSigned", input, &issued, decode);
        run(if small { case.decided().small() } else { case });
    }

    // Requests.
    let mut request = Vec::new();
    write::map(&mut request, 2);
    text(&mut request, "version");
    text(&mut request, "1.0");
    text(&mut request, "docRequests");
    let mut inner = Vec::new();
    write::map(&mut inner, 2);
    text(&mut inner, "docType");
    text(&mut inner, "org.iso.18013.5.1.mDL");
    text(&mut inner, "nameSpaces");
    write::map(&mut inner, 1);
    text(&mut inner, "org.iso.18013.5.1");
    let elements = 95_000;
    write::map(&mut inner, elements);
    for element in 0..elements {
        text(&mut inner, &format!("{element:090}"));
        inner.push(0xf4);
    }
    let mut wide = request.clone();
    write::array(&mut wide, 1);
    write::map(&mut wide, 1);
    text(&mut wide, "itemsRequest");
    wide.extend_from_slice(&embed(&inner));
    run(Case::new(
        "DeviceRequest::decode",
        "a request for 95,000 elements",
        &wide,
        decode("DeviceRequest::decode"),
    ));
    run(Case::new(
        "inspect",
        "a request for 95,000 elements",
        &wide,
        decode("inspect"),
    ));
    // A name that would be repeated beside each of its elements.
    let long = "n".repeat(3_500_000);
    let mut named = b"\xa2\x67docType\x61x\x6anameSpaces\xa1".to_vec();
    text(&mut named, &long);
    write::map(&mut named, 9_900);
    for element in 0..9_900 {
        text(&mut named, &format!("{element:05}"));
        named.push(0xf4);
    }
    let mut question = request.clone();
    write::array(&mut question, 1);
    write::map(&mut question, 1);
    text(&mut question, "itemsRequest");
    question.extend_from_slice(&embed(&named));
    let decoder = "DeviceRequest::decode";
    run(Case::new(
        decoder,
        "9,900 elements of a name of 3.5 MB",
        &question,
        decode(decoder),
    )
    .small());
    let item = b"\xa4\x68digestID\x00\x66random\x40\x71elementIdentifier\x61e\x6celementValue\x00";
    let mut released = b"\xa2\x6aissuerAuth\x84\x40\xa0\xf6\x40\x6anameSpaces\xa1".to_vec();
    text(&mut released, &long);
    write::array(&mut released, 6_000);
    released.extend_from_slice(&embed(item).repeat(6_000));
    for decoder in ["verify, an IssuerSigned", "inspect"] {
        let case = Case::new(
            decoder,
            "6,000 items of a name of 3.5 MB",
            &released,
            decode(decoder),
        )
        .small();
        run(if decoder == "inspect" {
            case.decided()
        } else {
            case
        });
    }

    let mut one = Vec::new();
    write::map(&mut one, 1);
    text(&mut one, "itemsRequest");
    one.extend_from_slice(&embed(
        b"\xa2\x67docType\x61x\x6anameSpaces\xa1\x61n\xa1\x61e\xf4",
    ));
    let many = 190_000 / 4;
    write::array(&mut request, many);
    request.extend_from_slice(&one.repeat(many));
    run(Case::new(
        "DeviceRequest::decode",
        "47,500 requests",
        &request,
        decode("DeviceRequest::decode"),
    ));

    // Lists of authorities.
    for (input, list) in lists::vicals(world) {
        run(Case::new("vical::verify", input, &list, decode("vical::verify")));
    }
}

const KEYS_IN_KEYS: &str = "one element of fifty maps, each the key of another";

/// A map the key of which is a map, and so on.
fn keys_in_keys(levels: usize) -> Value {
    (0..levels).fold(Value::from("\""), |inner, _| {
        Value::Map(vec![(inner, Value::Null)])
    })
}

/// A document with that many elements of that value, issued in order.
fn document(world: &World, elements: usize, value: &Value) -> Vec<u8> {
    let elements: Vec<_> = (0..elements)
        .map(|at| (format!("e{at:06}"), value.clone()))
        .collect();
    world.issue(&elements, &[world.ds.der()])
}

/// An `IssuerSigned` without elements, around a payload.
fn signed_payload(world: &World, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    write::map(&mut out, 1);
    write::text(&mut out, "issuerAuth");
    let protected = cose::protected_header(world.ds_key.algorithm());
    let signature = world
        .ds_key
        .sign(&cose::to_be_signed(&protected, payload))
        .unwrap();
    write::array(&mut out, 4);
    write::bytes(&mut out, &protected);
    write::map(&mut out, 1);
    write::unsigned(&mut out, 33);
    write::bytes(&mut out, world.ds.der());
    write::bytes(&mut out, payload);
    write::bytes(&mut out, &signature);
    out
}

/// Payloads with MSOs that are larger than any should be.
fn msos(world: &World) -> Vec<(&'static str, Vec<u8>)> {
    let issued = document(world, 1, &Value::from(1));
    let issued = IssuerSigned::decode(&issued, &LIMITS).unwrap();
    let payload = issued.issuer_auth().payload().unwrap();
    let (_, inner) = Item::parse(payload, &LIMITS).unwrap().tagged().unwrap();
    let mso = inner.bytes().unwrap().into_owned();
    let mso = Item::parse(&mso, &LIMITS).unwrap();
    // The same MSO with another value for one member.
    let with = |member: &str, replacement: &[u8]| {
        let mut out = head(5, mso.map().unwrap().count());
        for (name, value) in mso.map().unwrap() {
            out.extend_from_slice(name.raw());
            let replaced = name.text().as_deref() == Some(member);
            out.extend_from_slice(if replaced { replacement } else { value.raw() });
        }
        embed(&out)
    };
    let digests = |count: usize, same: bool| {
        let mut out = head(5, 1);
        write::text(&mut out, "org.iso.18013.5.1");
        write::map(&mut out, count);
        for id in 0..count {
            write::unsigned(&mut out, if same { 7 } else { id as u64 });
            write::bytes(&mut out, &[1; 64]);
        }
        out
    };
    let spaces = |count: usize| {
        let mut out = head(5, count);
        for at in 0..count {
            write::text(&mut out, &format!("{at:090}"));
            out.extend_from_slice(&[0xa1, 0x00, 0x58, 0x20]);
            out.extend_from_slice(&[1; 32]);
        }
        out
    };
    vec![
        (
            "an MSO of 9,900 digests",
            with("valueDigests", &digests(9_900, false)),
        ),
        ("an MSO of 6,000 namespaces", with("valueDigests", &spaces(6_000))),
        ("an MSO with a docType of 900 KB", {
            let mut text = Vec::new();
            write::text(&mut text, &"x".repeat(900_000));
            with("docType", &text)
        }),
        (
            "an MSO of 99,000 digests",
            with("valueDigests", &digests(99_000, false)),
        ),
        (
            "an MSO of 99,000 digests of one ID",
            with("valueDigests", &digests(99_000, true)),
        ),
        (
            "an MSO of 49,000 namespaces",
            with("valueDigests", &spaces(49_000)),
        ),
        ("an MSO with a docType of 10 MB", {
            let mut text = Vec::new();
            write::text(&mut text, &"x".repeat(SIZE));
            with("docType", &text)
        }),
    ]
}
