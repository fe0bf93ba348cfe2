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

pub(crate) use crate::measure::Decode;
use crate::measure::{Answer, Case};
use crate::world::World;
use crate::{SIZE, chains, signatures, structures, write};

pub(crate) const LIMITS: Limits = Limits::DEFAULT;

/// Limits that let inputs of 10 MB in, and fifty times as many items as the usual ones, of which what is known of each takes
/// less than twice the input.
const RAISED: Limits = Limits {
    message: 16 << 20,
    items: 1_000_000,
    ..LIMITS
};

/// Half as much of each, for half of an input: what ends at the number of items ends half way there.
const HALF: Limits = Limits {
    message: RAISED.message / 2,
    items: RAISED.items / 2,
    ..LIMITS
};

/// Both, in turn.
pub(crate) const BOTH: [Limits; 2] = [LIMITS, RAISED];

/// Nearly as large as a message may be: shapes of a size have up to thirty bytes more.
pub(crate) const LARGE: usize = LIMITS.message - 32;

/// The shape that is tried beyond the largest message, where one is as good as the other.
const ZEROS: &str = "an array of ten million zeros";

/// Whose limits have room for 10 MB anyway.
const LISTS: &str = "vical::verify";

/// What takes no limits, and shows what is there with its faults.
const INSPECT: &str = "inspect";

/// Which decoders are compared with themselves on half of each shape: one of each way to begin. All walk alike, and
/// walking takes its time.
const COMPARED: [&str; 4] = [
    "DeviceResponse::decode",
    "IssuerSigned::decode, its items and MSO",
    "verify, a document",
    "DeviceEngagement::decode",
];

pub(crate) type Decoder<'d> = (&'d str, Box<Decode<'d>>);

fn no(error: &DecodeError) -> String {
    error.to_string()
}

pub(crate) fn judged(report: &Report<'_>) -> Answer {
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
        (ZEROS, around(&head(4, size), &[0], &[])),
        ("the same without a length", around(&[0x9f], &[0], &[0xff])),
        ("an array of empty maps", around(&head(4, size), &[0xa0], &[])),
        ("a wide map", [head(5, many.len() / 6), many.clone()].concat()),
        ("a wide map, the last key as the first", twice),
        (
            "a map with one key five million times",
            around(&head(5, size / 2), &[0, 0], &[]),
        ),
        ("a map with nine keys, the last of them again and again", {
            // The first eight are compared as they come.
            let few: Vec<u8> = (0..9).flat_map(|key| [key, 0]).collect();
            [&head(5, size / 2 + 9)[..], &few, &repeated(&[8, 0])].concat()
        }),
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

/// All decoders of CBOR, with those limits.
pub(crate) fn decoders(world: &World, limits: Limits) -> Vec<Decoder<'_>> {
    fn boxed<'d>(decode: impl Fn(&[u8]) -> Answer + Sync + 'd) -> Box<Decode<'d>> {
        Box::new(decode)
    }
    let inputs = move || Inputs {
        transcript: Some(&world.transcript),
        limits,
        ..Inputs::new(&world.anchors, world.now)
    };
    let of_list = move || {
        let inputs = vical::Inputs::new(&world.anchors, world.now);
        if limits == LIMITS {
            inputs
        } else {
            vical::Inputs { limits, ..inputs }
        }
    };
    vec![
        (
            "DeviceResponse::decode",
            boxed(move |bytes| {
                let response = DeviceResponse::decode(bytes, &limits).map_err(|error| no(&error))?;
                Ok(format!("{} documents", response.documents.len()))
            }),
        ),
        (
            "Document::from_item",
            boxed(move |bytes| {
                let item = Item::parse(bytes, &limits).map_err(|error| no(&error))?;
                Document::from_item(item, &limits).map_err(|error| no(&error))?;
                Ok("a document".to_owned())
            }),
        ),
        (
            "IssuerSigned::decode, its items and MSO",
            boxed(move |bytes| {
                let issued = IssuerSigned::decode(bytes, &limits).map_err(|error| no(&error))?;
                let mut items = 0;
                for embedded in issued.name_spaces().iter().flat_map(|(_, items)| items) {
                    embedded
                        .item(&limits)
                        .and_then(IssuerSignedItem::decode)
                        .map_err(|error| no(&error))?;
                    items += 1;
                }
                issued.mso(&limits).map_err(|error| no(&error))?;
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
            boxed(move |bytes| {
                DeviceRequest::decode(bytes, &limits).map_err(|error| no(&error))?;
                Ok("a request".to_owned())
            }),
        ),
        (
            "mso::decode_payload",
            boxed(move |bytes| {
                decode_payload(bytes, &limits).map_err(|error| no(&error))?;
                Ok("an MSO".to_owned())
            }),
        ),
        (
            "SessionTranscript::decode",
            boxed(move |bytes| {
                SessionTranscript::decode(bytes, &limits).map_err(|error| no(&error))?;
                Ok("a transcript".to_owned())
            }),
        ),
        (
            "DeviceEngagement::decode",
            boxed(move |bytes| {
                DeviceEngagement::decode(bytes, &limits).map_err(|error| no(&error))?;
                Ok("an engagement".to_owned())
            }),
        ),
        (
            LISTS,
            boxed(move |bytes| {
                let report = vical::verify(bytes, &of_list());
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
            INSPECT,
            boxed(move |bytes| {
                let seen = inspect::Inspection::of_cbor(bytes, world.now).map_err(|error| no(&error))?;
                Ok(format!("{} faults", seen.faults().len()))
            }),
        ),
    ]
}

/// The shapes, made once.
pub(crate) struct Shapes {
    /// Of 10 MB.
    whole: Vec<(&'static str, Vec<u8>)>,
    /// Of half of that.
    half: Vec<(&'static str, Vec<u8>)>,
    /// As large as messages may be.
    large: Vec<(&'static str, Vec<u8>)>,
}

impl Shapes {
    pub(crate) fn new() -> Self {
        Self {
            whole: shapes(SIZE),
            half: shapes(SIZE / 2),
            large: shapes(LARGE),
        }
    }

    /// Every shape for a decoder with these limits: as large as a message may be, and one that is larger. With limits that
    /// let 10 MB in, all of them of 10 MB.
    pub(crate) fn cases(
        &self,
        (decoder, decode): (&str, &Decode<'_>),
        limits: Limits,
        run: &mut dyn FnMut(Case<'_>),
    ) {
        if limits != LIMITS {
            self.raised((decoder, decode), None, run);
            return;
        }
        let all = decoder == LISTS;
        for (input, bytes) in self.whole.iter().filter(|(input, _)| all || *input == ZEROS) {
            run(Case::new(decoder, input, bytes, decode));
        }
        for (input, bytes) in &self.large {
            let input = format!("{input}, 4 MB");
            let case = Case::new(decoder, &input, bytes, decode);
            run(if decoder == INSPECT { case.decided() } else { case });
        }
    }

    /// All shapes of 10 MB for a decoder with limits that let them in, compared with half of them if there is a decoder with
    /// half of these limits.
    fn raised(
        &self,
        (decoder, decode): (&str, &Decode<'_>),
        of_half: Option<&Decode<'_>>,
        run: &mut dyn FnMut(Case<'_>),
    ) {
        for ((input, bytes), (_, half)) in self.whole.iter().zip(&self.half) {
            let input = format!("{input}, higher limits");
            let case = Case::new(decoder, &input, bytes, decode);
            run(match of_half {
                Some(of_half) => case.halved_by(half, of_half),
                None => case,
            });
        }
    }
}

/// All of CBOR.
pub(crate) fn cases(run: &mut dyn FnMut(Case<'_>)) {
    let world = World::new();
    let shapes = Shapes::new();
    for (decoder, decode) in decoders(&world, LIMITS) {
        shapes.cases((decoder, &*decode), LIMITS, run);
    }
    let raised = decoders(&world, RAISED);
    for ((decoder, decode), (_, of_half)) in raised.iter().zip(decoders(&world, HALF)) {
        if *decoder != INSPECT {
            let of_half = COMPARED.contains(decoder).then_some(&*of_half);
            shapes.raised((decoder, &**decode), of_half, run);
        }
    }
    drop(shapes);
    engagements(run);
    structures::cases(&world, run);
    signatures::cases(&world, run);
    chains::cases(&world, run);
}

/// Texts of QR codes.
fn engagements(run: &mut dyn FnMut(Case<'_>)) {
    let decoder = "EngagementUri::parse";
    let uri = |bytes: &[u8]| {
        let text = core::str::from_utf8(bytes).map_err(|error| error.to_string())?;
        let uri = EngagementUri::parse(text).map_err(|error| error.to_string())?;
        DeviceEngagement::decode(&uri.bytes, &LIMITS).map_err(|error| no(&error))?;
        Ok("an engagement".to_owned())
    };
    // As long as they may be.
    for (input, bytes) in shapes(EngagementUri::LONGEST / 4 * 3 - 32) {
        let text = format!("mdoc:{}", Base64UrlUnpadded::encode_string(&bytes));
        let input = format!("{input}, 64 KiB");
        run(Case::new(decoder, &input, text.as_bytes(), &uri).small());
    }
    for (input, text) in [
        ("an engagement of 10 MB", format!("mdoc:{}", "A".repeat(SIZE))),
        ("ten million spaces", " ".repeat(SIZE)),
        ("nothing but `=`", format!("mdoc:{}", "=".repeat(SIZE))),
        ("nothing but colons", ":".repeat(SIZE)),
    ] {
        run(Case::new(decoder, input, text.as_bytes(), &uri));
    }
}
