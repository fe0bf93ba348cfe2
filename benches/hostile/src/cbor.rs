//! CBOR: responses, documents, requests, MSOs, transcripts, engagements, lists of authorities.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use mdoc_core::cbor::{Item, embed};
use mdoc_core::cose;
use mdoc_core::crypto::{Curve, RustCrypto, SecretKey};
use mdoc_core::device_request::DeviceRequest;
use mdoc_core::device_response::{DeviceResponse, Document};
use mdoc_core::engagement::{DeviceEngagement, EngagementUri};
use mdoc_core::error::DecodeError;
use mdoc_core::issue::{Draft, Validity};
use mdoc_core::issuer_signed::{IssuerSigned, IssuerSignedItem};
use mdoc_core::limits::Limits;
use mdoc_core::mso::decode_payload;
use mdoc_core::seams::{Signer as _, SoftwareKey};
use mdoc_core::time::Timestamp;
use mdoc_core::transcript::SessionTranscript;
use mdoc_core::value::Value;
use mdoc_core::verify::{Form, Inputs, Report, verify};
use mdoc_core::vical;
use mdoc_issuer::inspect;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

use crate::certificates::{self, World};
use crate::measure::{Answer, Case};
use crate::{SIZE, write};

const LIMITS: Limits = Limits::DEFAULT;

type Decoder<'d> = (&'d str, Box<dyn Fn(&[u8]) -> Answer + Sync + 'd>);

fn no(error: &DecodeError) -> String {
    error.to_string()
}

fn judged(report: &Report<'_>) -> Answer {
    if report.accepted() {
        return Ok("accepted".to_owned());
    }
    let steps = report.documents().iter().flat_map(|document| document.steps());
    let failed = steps
        .filter(|step| step.outcome_name() == "failed")
        .map(|step| step.message());
    Err(failed
        .map(|words| words.to_string())
        .next()
        .unwrap_or_else(|| "not accepted".to_owned()))
}

/// The head of an array or a map.
fn head(major: u8, count: usize) -> Vec<u8> {
    let mut out = Vec::new();
    if major == 4 {
        write::array(&mut out, count)
    } else {
        write::map(&mut out, count)
    }
    out
}

/// What is hostile to any reader of CBOR.
fn shapes() -> Vec<(&'static str, Vec<u8>)> {
    let repeated = |what: &[u8]| what.repeat(SIZE / what.len());
    let around = |head: &[u8], inside: &[u8], end: &[u8]| [head, &repeated(inside), end].concat();
    let numbered = |first: u32| {
        let mut entries = Vec::with_capacity(SIZE);
        for key in first.. {
            entries.push(0x1a);
            entries.extend_from_slice(&key.to_be_bytes());
            entries.push(0);
            if entries.len() >= SIZE {
                break;
            }
        }
        entries
    };
    let many = numbered(1 << 16);
    let mut twice = head(5, many.len() / 6 + 1);
    twice.extend_from_slice(&many);
    twice.extend_from_slice(&many[..6]);
    let mut nested = Vec::new();
    while nested.len() < 16_000 {
        nested.extend_from_slice(&[0xd8, 0x18, 0x5a]);
        let left = SIZE - nested.len() - 4;
        nested.extend_from_slice(&u32::try_from(left).unwrap().to_be_bytes());
    }
    nested.resize(SIZE, 0);
    let chunk = SIZE / 2;
    vec![
        ("arrays in arrays", repeated(&[0x81])),
        ("arrays of indefinite length in each other", repeated(&[0x9f])),
        ("maps in maps", repeated(&[0xa1, 0x00])),
        ("tags in tags", repeated(&[0xc1])),
        ("tag 24 in tag 24, two thousand deep", nested),
        ("an array of ten million zeros", around(&head(4, SIZE), &[0], &[])),
        ("the same without a length", around(&[0x9f], &[0], &[0xff])),
        ("an array of empty maps", around(&head(4, SIZE), &[0xa0], &[])),
        ("a wide map", [head(5, many.len() / 6), many.clone()].concat()),
        ("a wide map, the last key as the first", twice),
        (
            "a map with one key five million times",
            around(&head(5, SIZE / 2), &[0, 0], &[]),
        ),
        (
            "a byte string that would have 2⁶⁴ bytes",
            around(&[0x5b, 255, 255, 255, 255, 255, 255, 255, 255], &[0], &[]),
        ),
        (
            "an array that would have 2⁶⁴ items",
            around(&[0x9b, 255, 255, 255, 255, 255, 255, 255, 255], &[0], &[]),
        ),
        (
            "a map that would have 2⁶³ entries",
            around(&[0xbb, 128, 0, 0, 0, 0, 0, 0, 0], &[0], &[]),
        ),
        (
            "a byte string of ten million empty chunks",
            around(&[0x5f], &[0x40], &[0xff]),
        ),
        (
            "a byte string of chunks of a byte",
            around(&[0x5f], &[0x41, 0], &[0xff]),
        ),
        (
            "a text of chunks of a byte",
            around(&[0x7f], &[0x61, b'a'], &[0xff]),
        ),
        ("a map with a key of five million chunks, twice", {
            let key = [&[0x5f][..], &[0x40].repeat(chunk), &[0xff]].concat();
            [&[0xa2][..], &key, &[0], &key, &[0]].concat()
        }),
        ("a text of ten megabytes that is not UTF-8 at its end", {
            let mut text = vec![0x7a];
            text.extend_from_slice(&u32::try_from(SIZE).unwrap().to_be_bytes());
            text.resize(SIZE + 4, b'a');
            text.push(0xff);
            text
        }),
        ("one number and ten million bytes after it", repeated(&[0])),
    ]
}

fn decoders<'d>(world: &'d World) -> Vec<Decoder<'d>> {
    fn boxed<'d>(decode: impl Fn(&[u8]) -> Answer + Sync + 'd) -> Box<dyn Fn(&[u8]) -> Answer + Sync + 'd> {
        Box::new(decode)
    }
    let inputs = move || Inputs {
        transcript: Some(&world.transcript),
        ..Inputs::new(&world.anchors, world.now)
    };
    vec![
        (
            "DeviceResponse::decode",
            boxed(|bytes| {
                let response = DeviceResponse::decode(bytes, &LIMITS).map_err(|error| no(&error))?;
                Ok(format!("{} documents", response.documents.len()))
            }),
        ),
        (
            "Document::from_item",
            boxed(|bytes| {
                let item = Item::parse(bytes, &LIMITS).map_err(|error| no(&error))?;
                Document::from_item(item, &LIMITS).map_err(|error| no(&error))?;
                Ok("a document".to_owned())
            }),
        ),
        (
            "IssuerSigned::decode, its items and MSO",
            boxed(|bytes| {
                let issued = IssuerSigned::decode(bytes, &LIMITS).map_err(|error| no(&error))?;
                let mut items = 0;
                for embedded in issued.name_spaces().iter().flat_map(|(_, items)| items) {
                    embedded
                        .item(&LIMITS)
                        .and_then(IssuerSignedItem::decode)
                        .map_err(|error| no(&error))?;
                    items += 1;
                }
                issued.mso(&LIMITS).map_err(|error| no(&error))?;
                Ok(format!("{items} items"))
            }),
        ),
        (
            "verify, a response",
            boxed(move |bytes| judged(&verify(bytes, Form::DeviceResponse, &inputs()))),
        ),
        (
            "verify, a document",
            boxed(move |bytes| judged(&verify(bytes, Form::Document, &inputs()))),
        ),
        (
            "verify, an IssuerSigned",
            boxed(move |bytes| judged(&verify(bytes, Form::IssuerSigned, &inputs()))),
        ),
        (
            "DeviceRequest::decode",
            boxed(|bytes| {
                DeviceRequest::decode(bytes, &LIMITS).map_err(|error| no(&error))?;
                Ok("a request".to_owned())
            }),
        ),
        (
            "mso::decode_payload",
            boxed(|bytes| {
                decode_payload(bytes, &LIMITS).map_err(|error| no(&error))?;
                Ok("an MSO".to_owned())
            }),
        ),
        (
            "SessionTranscript::decode",
            boxed(|bytes| {
                SessionTranscript::decode(bytes, &LIMITS).map_err(|error| no(&error))?;
                Ok("a transcript".to_owned())
            }),
        ),
        (
            "DeviceEngagement::decode",
            boxed(|bytes| {
                DeviceEngagement::decode(bytes, &LIMITS).map_err(|error| no(&error))?;
                Ok("an engagement".to_owned())
            }),
        ),
        (
            "vical::verify",
            boxed(move |bytes| {
                let report = vical::verify(bytes, &vical::Inputs::new(&world.anchors, world.now));
                if report.accepted() {
                    return Ok("accepted".to_owned());
                }
                Err(report
                    .failures()
                    .next()
                    .map(|step| step.message().to_string())
                    .unwrap_or_default())
            }),
        ),
        (
            "inspect",
            boxed(move |bytes| {
                let seen = inspect::Inspection::of_cbor(bytes, world.now).map_err(|error| no(&error))?;
                Ok(format!("{} faults", seen.faults().len()))
            }),
        ),
    ]
}

/// All of CBOR.
pub(crate) fn cases(run: &mut dyn FnMut(Case<'_>)) {
    let world = World::new();
    let shapes = shapes();
    for (decoder, decode) in decoders(&world) {
        for (input, bytes) in &shapes {
            let case = Case::new(decoder, input, bytes, &*decode);
            // It shows what is there, with its faults.
            run(if *decoder == *"inspect" {
                case.decided()
            } else {
                case
            });
        }
    }
    let uri = |bytes: &[u8]| {
        let text = core::str::from_utf8(bytes).map_err(|error| error.to_string())?;
        let uri = EngagementUri::parse(text).map_err(|error| error.to_string())?;
        DeviceEngagement::decode(&uri.bytes, &LIMITS).map_err(|error| no(&error))?;
        Ok("an engagement".to_owned())
    };
    for (input, bytes) in &shapes {
        let text = format!(
            "mdoc:{}",
            Base64UrlUnpadded::encode_string(&bytes[..bytes.len() * 3 / 4])
        );
        run(Case::new("EngagementUri::parse", input, text.as_bytes(), &uri));
    }
    for (input, text) in [
        ("ten million spaces", " ".repeat(SIZE)),
        ("nothing but `=`", format!("mdoc:{}", "=".repeat(SIZE))),
        ("nothing but colons", ":".repeat(SIZE)),
    ] {
        run(Case::new("EngagementUri::parse", input, text.as_bytes(), &uri));
    }
    structures(&world, run);
}

/// What goes through the outer checks and is hostile further inside.
fn structures(world: &World, run: &mut dyn FnMut(Case<'_>)) {
    let decoders = decoders(world);
    let decode = |name: &str| {
        let found = decoders.iter().find(|(decoder, _)| *decoder == name);
        found.map(|(_, decode)| &**decode).unwrap()
    };
    let text = |out: &mut Vec<u8>, text: &str| write::text(out, text);

    let large = large_document(world, 85_000);
    let presented = world.present(&large);
    run(Case::new(
        "verify, an IssuerSigned",
        "85,000 elements, issued in order",
        &large,
        decode("verify, an IssuerSigned"),
    )
    .decided());
    run(Case::new(
        "verify, a response",
        "85,000 elements, issued in order",
        &presented,
        decode("verify, a response"),
    )
    .decided());
    run(Case::new(
        "IssuerSigned::decode, its items and MSO",
        "85,000 elements, issued in order",
        &large,
        decode("IssuerSigned::decode, its items and MSO"),
    )
    .decided());
    run(Case::new(
        "inspect",
        "85,000 elements, issued in order",
        &large,
        decode("inspect"),
    )
    .decided());

    let small = world.present(&large_document(world, 5));
    let document = {
        let item = Item::parse(&small, &LIMITS).unwrap();
        item.get("documents")
            .and_then(Item::array)
            .unwrap()
            .next()
            .unwrap()
            .raw()
            .to_vec()
    };
    let response = |documents: &[u8], count: usize| {
        let mut out = Vec::new();
        write::map(&mut out, 3);
        text(&mut out, "version");
        text(&mut out, "1.0");
        text(&mut out, "documents");
        write::array(&mut out, count);
        out.extend_from_slice(documents);
        text(&mut out, "status");
        write::unsigned(&mut out, 0);
        out
    };
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
    .decided());

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
        run(case.decided());
        let issued = signed_payload(world, &payload);
        let decode = decode("verify, an IssuerSigned");
        run(Case::new("verify, an IssuerSigned", input, &issued, decode).decided());
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
    )
    .decided());
    run(Case::new(
        "inspect",
        "a request for 95,000 elements",
        &wide,
        decode("inspect"),
    )
    .decided());
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
    for (input, list) in certificates::vicals(world) {
        run(Case::new("vical::verify", input, &list, decode("vical::verify")));
    }
}

/// A licence with that many elements of about 10 MB together, issued in order.
fn large_document(world: &World, elements: usize) -> Vec<u8> {
    let padding = "x".repeat(10_000_000_usize.saturating_sub(elements * 140) / elements.max(1) % 100);
    let elements: Vec<_> = (0..elements)
        .map(|at| (format!("e{at:06}"), Value::Text(padding.clone())))
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
    let issued = large_document(world, 1);
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

impl World {
    /// A loyalty card with those elements and certificates.
    pub(crate) fn issue(&self, elements: &[(String, Value)], chain: &[&[u8]]) -> Vec<u8> {
        let spaces = vec![("org.iso.18013.5.1".to_owned(), elements.to_vec())];
        let validity = Validity {
            signed: self.now,
            valid_from: self.now,
            valid_until: Timestamp::from_unix(self.now.unix() + 1_000_000),
            expected_update: None,
        };
        let key = self.device_key.public_key();
        let draft = Draft::new("org.iso.18013.5.1.mDL", &spaces, key, validity);
        let unsigned = draft
            .salt(&mut ChaCha20Rng::from_seed([3; 32]), &RustCrypto)
            .unwrap();
        unsigned.sign(&self.ds_key, chain).unwrap()
    }

    /// A response that shows the whole of an issued document with a signature of the device.
    pub(crate) fn present(&self, issued: &[u8]) -> Vec<u8> {
        let name_spaces = embed(&[0xa0]);
        let payload = mdoc_core::device_signed::device_authentication_bytes(
            &self.transcript,
            "org.iso.18013.5.1.mDL",
            &name_spaces,
        );
        let protected = cose::protected_header(self.device_key.algorithm());
        let signature = self
            .device_key
            .sign(&cose::to_be_signed(&protected, &payload))
            .unwrap();
        let mut out = Vec::with_capacity(issued.len() + 500);
        write::map(&mut out, 3);
        write::text(&mut out, "version");
        write::text(&mut out, "1.0");
        write::text(&mut out, "documents");
        write::array(&mut out, 1);
        write::map(&mut out, 3);
        write::text(&mut out, "docType");
        write::text(&mut out, "org.iso.18013.5.1.mDL");
        write::text(&mut out, "issuerSigned");
        out.extend_from_slice(issued);
        write::text(&mut out, "deviceSigned");
        write::map(&mut out, 2);
        write::text(&mut out, "nameSpaces");
        out.extend_from_slice(&name_spaces);
        write::text(&mut out, "deviceAuth");
        write::map(&mut out, 1);
        write::text(&mut out, "deviceSignature");
        write::array(&mut out, 4);
        write::bytes(&mut out, &protected);
        write::map(&mut out, 0);
        write::null(&mut out);
        write::bytes(&mut out, &signature);
        write::text(&mut out, "status");
        write::unsigned(&mut out, 0);
        out
    }

    /// A new key.
    pub(crate) fn key(seed: u8) -> SoftwareKey {
        SoftwareKey::new(SecretKey::generate(
            Curve::P256,
            &mut ChaCha20Rng::from_seed([seed; 32]),
        ))
        .unwrap()
    }
}
