//! CBOR that is hostile to any reader, for every decoder of it.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use mdoc_core::cbor::Item;
use mdoc_core::device_request::DeviceRequest;
use mdoc_core::device_response::{DeviceResponse, Document};
use mdoc_core::engagement::{DeviceEngagement, EngagementUri};
use mdoc_core::error::DecodeError;
use mdoc_core::issuer_signed::{IssuerSigned, IssuerSignedItem};
use mdoc_core::limits::Limits;
use mdoc_core::mso::decode_payload;
use mdoc_core::transcript::SessionTranscript;
use mdoc_core::verify::{Form, Inputs, Report, verify};
use mdoc_core::vical;
use mdoc_issuer::inspect;

use crate::measure::{Answer, Case};
use crate::world::World;
use crate::{SIZE, signatures, structures, write};

pub(crate) const LIMITS: Limits = Limits::DEFAULT;

pub(crate) type Decoder<'d> = (&'d str, Box<Decode<'d>>);

/// What is tried with each input.
pub(crate) type Decode<'d> = dyn Fn(&[u8]) -> Answer + Sync + 'd;

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
pub(crate) fn head(major: u8, count: usize) -> Vec<u8> {
    let mut out = Vec::new();
    if major == 4 {
        write::array(&mut out, count)
    } else {
        write::map(&mut out, count)
    }
    out
}

/// What is hostile to any reader of CBOR, of about that size.
pub(crate) fn shapes(size: usize) -> Vec<(&'static str, Vec<u8>)> {
    let repeated = |what: &[u8]| what.repeat(size / what.len());
    let around = |head: &[u8], inside: &[u8], end: &[u8]| [head, &repeated(inside), end].concat();
    let numbered = |first: u32| {
        let mut entries = Vec::with_capacity(size);
        for key in first.. {
            entries.push(0x1a);
            entries.extend_from_slice(&key.to_be_bytes());
            entries.push(0);
            if entries.len() >= size {
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
        let left = size - nested.len() - 4;
        nested.extend_from_slice(&u32::try_from(left).unwrap().to_be_bytes());
    }
    nested.resize(size, 0);
    let chunk = size / 2;
    vec![
        ("arrays in arrays", repeated(&[0x81])),
        ("arrays of indefinite length in each other", repeated(&[0x9f])),
        ("maps in maps", repeated(&[0xa1, 0x00])),
        ("tags in tags", repeated(&[0xc1])),
        ("tag 24 in tag 24, two thousand deep", nested),
        ("an array of ten million zeros", around(&head(4, size), &[0], &[])),
        ("the same without a length", around(&[0x9f], &[0], &[0xff])),
        ("an array of empty maps", around(&head(4, size), &[0xa0], &[])),
        ("a wide map", [head(5, many.len() / 6), many.clone()].concat()),
        ("a wide map, the last key as the first", twice),
        (
            "a map with one key five million times",
            around(&head(5, size / 2), &[0, 0], &[]),
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
            text.extend_from_slice(&u32::try_from(size).unwrap().to_be_bytes());
            text.resize(size + 4, b'a');
            text.push(0xff);
            text
        }),
        ("one number and ten million bytes after it", repeated(&[0])),
    ]
}

pub(crate) fn decoders<'d>(world: &'d World) -> Vec<Decoder<'d>> {
    fn boxed<'d>(decode: impl Fn(&[u8]) -> Answer + Sync + 'd) -> Box<Decode<'d>> {
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
    let shapes = shapes(SIZE);
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
    structures::cases(&world, run);
    signatures::cases(&world, run);
}
