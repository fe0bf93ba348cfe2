//! What is explained and what is scanned: `mdoc-verifier decode` and `scan`.

use mdoc_verifier::decode::{self, Known};
use mdoc_verifier::scan;

use crate::SIZE;
use crate::cbor::{LIMITS, shapes};
use crate::measure::{Answer, Bounds, Case};
use crate::pictures;
use crate::sessions::Conversation;

/// All of it.
pub(crate) fn cases(run: &mut dyn FnMut(Case<'_>)) {
    explained(run);
    scanned(run);
}

fn explained(run: &mut dyn FnMut(Case<'_>)) {
    let session = Conversation::new();
    let explain = |bytes: &[u8]| -> Answer {
        let known = Known {
            engagement: Some(session.engagement().to_vec()),
            e_device_key: Some(session.key().clone()),
            ..Known::default()
        };
        let explained = decode::explain(bytes, &known).map_err(|error| error.to_string())?;
        let text = explained.text().len();
        Ok(format!("{}, {text} characters", explained.kind))
    };
    let decoder = "decode::explain, as text";
    for size in [SIZE, LIMITS.message - 1_000] {
        for ((input, bytes), (_, half)) in shapes(size).iter().zip(shapes(size / 2)) {
            let case = Case::new(decoder, input, bytes, &explain).halved(&half);
            run(case.decided());
        }
    }
    let lines = |line: &str| format!("{line}\n").repeat(SIZE / (line.len() + 1));
    let [asked, answered] = session.messages(&[7; 100], &[7; 100]);
    let digits = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let large = "07".repeat(SIZE / 2);
    for (input, text) in [
        ("text: comments", lines("# a comment")),
        ("text: line ends", "\n".repeat(SIZE)),
        ("text: messages of a byte", lines("00")),
        (
            "text: messages that end a session",
            lines("mdoc a16673746174757314"),
        ),
        (
            "text: an answer again and again",
            lines(&format!("mdoc {}", digits(&answered))),
        ),
        (
            "text: a first message again and again",
            lines(&format!("reader {}", digits(&asked))),
        ),
        ("text: fragments of a byte", lines("mdoc server2client 0100")),
        (
            "text: fragments of 512 bytes",
            lines(&format!("mdoc server2client 01{}", "07".repeat(511))),
        ),
        (
            "text: messages of a fragment",
            lines("mdoc server2client 00a16673746174757314"),
        ),
        (
            "text: one fragment of 5 MB",
            format!("mdoc server2client 01{large}"),
        ),
        ("text: one message of 5 MB", format!("mdoc {large}")),
        (
            "text: bytes with blanks between",
            format!("mdoc {}", "07 ".repeat(SIZE / 3)),
        ),
        (
            "text: bytes with colons between",
            format!("mdoc {}", "07:".repeat(SIZE / 3)),
        ),
        ("text: states", lines("reader state 01")),
        ("text: a channel", lines("reader l2cap 0000000100")),
        ("text: letters", "x".repeat(SIZE)),
    ] {
        // Digits, and what they say: five megabytes are taken as they are.
        let case = Case::new(decoder, input, text.as_bytes(), &explain).decided();
        let bounds = Bounds {
            millis: 100.0,
            ..case.bounds
        };
        run(Case { bounds, ..case });
    }
    for (input, bytes) in traces() {
        // Its packets are kept beside it.
        let case = Case::new(decoder, input, &bytes, &explain).decided();
        run(Case {
            bounds: Bounds {
                millis: 100.0,
                times: 3.0,
            },
            ..case
        });
    }
}

/// Traces of a host's talk with its Bluetooth controller (btsnoop, HCI UART).
fn traces() -> Vec<(&'static str, Vec<u8>)> {
    let record = |flags: u32, data: &[u8]| {
        let length = u32::try_from(data.len()).unwrap().to_be_bytes();
        let head = [&length[..], &length[..], &flags.to_be_bytes()[..], &[0; 12][..]].concat();
        [&head, data].concat()
    };
    let file = |records: &[u8]| {
        let head = [&b"btsnoop\0"[..], &[0, 0, 0, 1, 0, 0, 3, 0xea][..]].concat();
        [&head, &*records.repeat(SIZE / records.len())].concat()
    };
    // An ACL packet with one PDU of the attribute protocol.
    let att = |handle: u16, pdu: &[u8]| {
        let length = u16::try_from(pdu.len()).unwrap();
        let [low, high] = length.to_le_bytes();
        let [all_low, all_high] = (length + 4).to_le_bytes();
        let [first, second] = handle.to_le_bytes();
        [&[2, first, second, all_low, all_high, low, high, 4, 0][..], pdu].concat()
    };
    let many: Vec<u8> = (0..4096)
        .flat_map(|handle| record(0, &att(handle, &[0x52, 5, 0, 1, 7])))
        .collect();
    let services: Vec<u8> = (0..4096_u16)
        .flat_map(|at| {
            let [low, high] = at.to_le_bytes();
            record(1, &att(64, &[0x1b, low, high, 1, 7]))
        })
        .collect();
    vec![
        ("btsnoop: empty packets", file(&record(0, &[]))),
        (
            "btsnoop: packets of other kinds",
            file(&record(0, &[1, 3, 12, 0])),
        ),
        (
            "btsnoop: connections",
            file(&record(1, &[4, 0x3e, 19, 1, 0, 64, 0, 1])),
        ),
        ("btsnoop: writes", file(&record(0, &att(64, &[0x52, 5, 0, 1, 7])))),
        ("btsnoop: writes on every connection", file(&many)),
        ("btsnoop: notifications of every handle", file(&services)),
        (
            "btsnoop: beginnings without an end",
            file(&record(0, &[2, 64, 0, 8, 0, 255, 255, 4, 0, 7, 7, 7, 7])),
        ),
        ("btsnoop: a packet that would have 4 GB", {
            let mut out = file(&record(0, &[]));
            out.splice(16..24, [255; 8]);
            out
        }),
    ]
}

fn scanned(run: &mut dyn FnMut(Case<'_>)) {
    let text = |bytes: &[u8]| -> Answer {
        let text = core::str::from_utf8(bytes).map_err(|error| error.to_string())?;
        scan::engagement_from_text(text)
            .map(|_| "an engagement".to_owned())
            .map_err(|error| error.to_string())
    };
    let picture = |bytes: &[u8]| -> Answer {
        scan::engagement_in_picture(bytes)
            .map(|_| "an engagement".to_owned())
            .map_err(|error| error.to_string())
    };
    for size in [SIZE, 64 * 1024] {
        for (input, text_of) in [
            ("blanks", " ".repeat(size)),
            ("quotation marks", "\"".repeat(size)),
            ("letters", "x".repeat(size)),
            (
                "an engagement of all of it",
                format!("mdoc:{}", "A".repeat(size - 5)),
            ),
            ("colons", ":".repeat(size)),
            (
                "line ends within",
                format!("mdoc:{}", "AA\n".repeat(size / 3 - 2)),
            ),
        ] {
            run(Case::new("scan, a text", input, text_of.as_bytes(), &text));
        }
    }
    for (input, bytes) in pictures::hostile() {
        // The library looks at each byte for a marker.
        let case = Case::new("scan, a picture", input, &bytes, &picture);
        run(Case {
            bounds: Bounds {
                millis: 100.0,
                ..Bounds::DEFAULT
            },
            ..case
        });
    }
}
