//! Formats and layouts in XML, data in JSON and CSV, requests in TOML, and files of an unknown kind.

use std::fmt::Write as _;

use mdoc_cli::input::{Input, LARGEST_TEXT};
#[cfg(feature = "badge")]
use mdoc_issuer::badge::Layout;
use mdoc_issuer::data;
use mdoc_issuer::data::rows::{self, Rows};
use mdoc_issuer::format::{Catalogue, Format};
use mdoc_issuer::vical::Listing;
use mdoc_verifier::request;

use crate::SIZE;
use crate::cbor::Decode;
use crate::measure::{Answer, Bounds, Case};

fn text(bytes: &[u8]) -> Result<&str, String> {
    core::str::from_utf8(bytes).map_err(|error| error.to_string())
}

/// All of it.
pub(crate) fn cases(run: &mut dyn FnMut(Case<'_>)) {
    xml(run);
    json(run);
    rows(run);
    requests(run);
    files(run);
}

fn xml(run: &mut dyn FnMut(Case<'_>)) {
    let format = |bytes: &[u8]| -> Answer {
        Format::read(bytes)
            .map(|format| format.name.clone())
            .map_err(|errors| errors.to_string())
    };
    #[cfg(feature = "badge")]
    let layout = |bytes: &[u8]| -> Answer {
        let mut no_files = |_: &str| Err("no files here".to_owned());
        Layout::read(bytes, &mut no_files)
            .map(|_| String::new())
            .map_err(|errors| errors.to_string())
    };
    let decoders: Vec<(&str, &Decode<'_>)> = vec![
        ("Format::read", &format),
        #[cfg(feature = "badge")]
        ("badge::Layout::read", &layout),
    ];
    let bomb = |levels: usize| {
        let mut out = String::from("<!DOCTYPE x [<!ENTITY e0 \"xxxxxxxxxx\">");
        for level in 1..levels {
            let _ = write!(
                out,
                "<!ENTITY e{level} \"{}\">",
                format!("&e{};", level - 1).repeat(10)
            );
        }
        let _ = write!(out, "]><x>&e{};</x>", levels - 1);
        out
    };
    // Beyond the largest file that is read, and as large as it may be.
    for (size, more) in [(SIZE, ""), (Format::LARGEST_FILE - 200, ", 1 MB")] {
        let (inputs, halves) = (xml_texts(size), xml_texts(size / 2));
        for &(decoder, decode) in &decoders {
            for ((input, text), (_, half)) in inputs.iter().zip(&halves) {
                let case = Case::new(decoder, "", text.as_bytes(), decode).halved(half.as_bytes());
                let input = format!("{input}{more}");
                run(Case {
                    input: &input,
                    ..if more.is_empty() { case } else { case.small() }
                });
            }
        }
    }
    for &(decoder, decode) in &decoders {
        run(Case::new(
            decoder,
            "entities that expand to 10 GB",
            bomb(10).as_bytes(),
            decode,
        )
        .small());
        let twice = format!(
            "<!DOCTYPE x [<!ENTITY e \"{}\">]><x>{}</x>",
            "y".repeat(400_000),
            "&e;".repeat(100_000)
        );
        run(Case::new(decoder, "a long entity many times", twice.as_bytes(), decode).small());
    }
}

/// Texts in XML of that size.
fn xml_texts(size: usize) -> Vec<(&'static str, String)> {
    vec![
        ("elements in elements", "<x>".repeat(size / 3)),
        (
            "a wide element",
            format!("<x>{}</x>", "<y/>".repeat(size / 4 - 2)),
        ),
        (
            "an attribute of all of it",
            format!("<x a=\"{}\"/>", "y".repeat(size)),
        ),
        ("a hundred thousand attributes", {
            let mut out = String::from("<x");
            for at in 0.. {
                let _ = write!(out, " a{at}=\"\"");
                if out.len() > size - 20 {
                    break;
                }
            }
            out + "/>"
        }),
        (
            "the same attribute again and again",
            format!("<x{}/>", " a=\"\"".repeat(size / 5)),
        ),
        ("one text", format!("<x>{}</x>", "y".repeat(size))),
        ("comments", format!("<x>{}</x>", "<!---->".repeat(size / 7))),
        ("namespaces", {
            let mut out = String::from("<x");
            for at in 0.. {
                let _ = write!(out, " xmlns:a{at}=\"u{at}\"");
                if out.len() > size - 40 {
                    break;
                }
            }
            out + "/>"
        }),
        (
            "character references",
            format!("<x>{}</x>", "&#65;".repeat(size / 5)),
        ),
        ("line ends", "\n".repeat(size)),
        ("64 attributes in every tag", {
            let attributes: String = (0..64).map(|at| format!(" a{at}=''")).collect();
            let tag = format!("<y{attributes}/>");
            format!("<x>{}</x>", tag.repeat(size / tag.len()))
        }),
        ("16 namespaces, and elements and attributes in them", {
            let declared: String = (0..16).map(|at| format!(" xmlns:a{at}='u{at}'")).collect();
            let tag = "<a15:y a15:b=''/>";
            format!("<x{declared}>{}</x>", tag.repeat(size / tag.len() - 60))
        }),
    ]
}

/// Texts in JSON of that size, none of which should be read: too deep, too many, twice, too long, or without an end.
pub(crate) fn json_texts(size: usize) -> Vec<(&'static str, String)> {
    let distinct = |value: &str| {
        let mut out = String::from("{");
        for at in 0.. {
            let _ = write!(out, "\"{at}\":{value},");
            if out.len() > size - 20 {
                break;
            }
        }
        out + "\"end\":0}"
    };
    vec![
        ("arrays in arrays", "[".repeat(size)),
        ("objects in objects", "{\"a\":".repeat(size / 5)),
        (
            "an array of millions of zeros",
            format!("{{\"a\":[{}0]}}", "0,".repeat(size / 2 - 5)),
        ),
        (
            "an array of millions of empty arrays",
            format!("{{\"a\":[{}0]}}", "[],".repeat(size / 3 - 5)),
        ),
        (
            "an array of millions of empty objects",
            format!("{{\"a\":[{}0]}}", "{},".repeat(size / 3 - 5)),
        ),
        (
            "an array of millions of empty texts",
            format!("{{\"a\":[{}0]}}", "\"\",".repeat(size / 3 - 5)),
        ),
        ("hundreds of thousands of fields", distinct("0")),
        (
            "one field millions of times",
            format!("{{{}\"b\":0}}", "\"a\":0,".repeat(size / 6)),
        ),
        (
            "a number of all of it",
            format!("{{\"a\":{}}}", "9".repeat(size - 10)),
        ),
        (
            "a number with a point and all of it",
            format!("{{\"a\":0.{}}}", "9".repeat(size - 10)),
        ),
        (
            "an exponent of all of it",
            format!("{{\"a\":1e{}}}", "9".repeat(size - 10)),
        ),
        (
            "a text that does not end",
            format!("{{\"a\":\"{}", "x".repeat(size - 10)),
        ),
        (
            "a text of escapes that does not end",
            format!("{{\"a\":\"{}", "\\u0041".repeat(size / 6)),
        ),
    ]
}

fn json(run: &mut dyn FnMut(Case<'_>)) {
    let read = |bytes: &[u8]| -> Answer {
        data::read(text(bytes)?)
            .map(|_| "data".to_owned())
            .map_err(|error| error.to_string())
    };
    for ((input, text), (_, half)) in json_texts(SIZE).iter().zip(json_texts(SIZE / 2)) {
        let case = Case::new("data::read (JSON)", input, text.as_bytes(), &read);
        run(case.halved(half.as_bytes()));
    }
}

fn rows(run: &mut dyn FnMut(Case<'_>)) {
    let catalogue = Catalogue::shipped();
    let format = catalogue.format("partial-iso-18013-5").unwrap();
    let all = |bytes: &[u8], layout: rows::Layout| -> Answer {
        let rows = Rows::new(bytes, layout, format, &["device_key"]).map_err(|error| error.to_string())?;
        let (mut good, mut bad, mut first) = (0, 0, None);
        for row in rows {
            let row = row.map_err(|error| error.to_string())?;
            match row.faults.first() {
                None => good += 1,
                Some(fault) => {
                    bad += 1;
                    first = first.or_else(|| Some(fault.to_string()));
                }
            }
        }
        match first {
            Some(fault) if good == 0 => Err(format!("{bad} refused, the first: {fault}")),
            _ => Ok(format!("{good} rows, {bad} refused")),
        }
    };
    let lines = |bytes: &[u8]| all(bytes, rows::Layout::JsonLines);
    let table = |bytes: &[u8]| all(bytes, rows::Layout::Csv(b','));
    for (input, text) in json_texts(SIZE) {
        run(Case::new("batch, JSON lines", input, text.as_bytes(), &lines));
    }
    let longest = rows::LONGEST_ROW - 100;
    for ((input, text), (_, half)) in json_texts(longest).iter().zip(json_texts(longest / 2)) {
        let input = format!("{input}, as long as a row may be");
        let case = Case::new("batch, JSON lines", &input, text.as_bytes(), &lines);
        run(case.halved(half.as_bytes()));
    }
    let nonsense = "x\n".repeat(SIZE / 2);
    let input = "millions of lines with one letter";
    run(Case::new("batch, JSON lines", input, nonsense.as_bytes(), &lines));
    // Many small records are work, not an attack: they are read one after another. So they are taken, and files without
    // any have no rows.
    let streamed = Bounds {
        millis: 2_000.0,
        times: 0.1,
    };
    for (decoder, decode, input, text) in [
        (
            "batch, JSON lines",
            &lines as &(dyn Fn(&[u8]) -> Answer + Sync),
            "millions of empty lines",
            "\n".repeat(SIZE),
        ),
        (
            "batch, JSON lines",
            &lines,
            "millions of empty records",
            "{}\n".repeat(SIZE / 3),
        ),
        (
            "batch, CSV",
            &table,
            "millions of rows with one letter",
            format!("family_name\n{}", "x\n".repeat(SIZE / 2)),
        ),
        (
            "batch, CSV",
            &table,
            "millions of empty lines",
            format!("family_name\n{}", "\n".repeat(SIZE)),
        ),
    ] {
        let case = Case::new(decoder, input, text.as_bytes(), decode).decided();
        run(Case {
            bounds: streamed,
            ..case
        });
    }
    for ((input, text), (_, half)) in tables(SIZE).iter().zip(tables(SIZE / 2)) {
        let case = Case::new("batch, CSV", input, text.as_bytes(), &table);
        run(case.halved(half.as_bytes()));
    }
}

/// Files in CSV of that size without any row that could be read.
fn tables(size: usize) -> Vec<(&'static str, String)> {
    vec![
        ("a header of millions of empty cells", ",".repeat(size)),
        ("a header of one cell", "x".repeat(size)),
        ("a header of hundreds of thousands of columns", {
            let mut out = String::new();
            for at in 0.. {
                let _ = write!(out, "c{at},");
                if out.len() > size {
                    break;
                }
            }
            out
        }),
        (
            "a header of 1,000 columns of 8 KB",
            format!("{}\n", vec!["x".repeat(8_000); 1_000].join(",")),
        ),
        (
            "rows of thousands of cells",
            format!(
                "family_name\n{}",
                format!("{}\n", "x,".repeat(2_000)).repeat(size / 4_001)
            ),
        ),
        (
            "a row of millions of empty cells",
            format!("family_name\n{}", ",".repeat(size)),
        ),
        (
            "a quote that is not closed",
            format!("family_name\n\"{}", "x,\n".repeat(size / 3)),
        ),
        ("nothing but quotes", "\"".repeat(size)),
    ]
}

fn requests(run: &mut dyn FnMut(Case<'_>)) {
    let parse = |bytes: &[u8]| -> Answer {
        request::parse(text(bytes)?)
            .map(|_| "a request".to_owned())
            .map_err(|error| error.to_string())
    };
    let listing = |bytes: &[u8]| -> Answer {
        Listing::parse(text(bytes)?)
            .map(|_| "a listing".to_owned())
            .map_err(|error| error.to_string())
    };
    for (input, text) in [
        ("arrays in arrays", format!("a = {}", "[".repeat(SIZE))),
        ("tables in tables", format!("a = {}", "{a=".repeat(SIZE / 3))),
        ("a key of many parts", format!("{}a = 1", "a.".repeat(SIZE / 2))),
        ("a million tables", "[[document]]\n".repeat(SIZE / 13)),
        ("one key a million times", "a = 1\n".repeat(SIZE / 6)),
        ("a text that does not end", format!("a = \"{}", "x".repeat(SIZE))),
        (
            "a number of ten million digits",
            format!("a = {}", "9".repeat(SIZE)),
        ),
        ("line ends", "\n".repeat(SIZE)),
        (
            "an array of millions of zeros",
            format!("a = [{}]", "0,".repeat(SIZE / 2)),
        ),
        ("a request for hundreds of thousands of elements", {
            let mut out = String::from("[[document]]\ndocType = \"t\"\n[document.elements.n]\n");
            for at in 0.. {
                let _ = writeln!(out, "e{at} = false");
                if out.len() > SIZE {
                    break;
                }
            }
            out
        }),
    ] {
        run(Case::new("request::parse (TOML)", input, text.as_bytes(), &parse));
        run(Case::new(
            "vical::Listing::parse (TOML)",
            input,
            text.as_bytes(),
            &listing,
        ));
        // As large as they may be. The request is whole even then, and a listing may be empty.
        let (asks, nothing) = (input.starts_with("a request"), input == "line ends");
        let beginning = |bytes: usize| text.chars().take(bytes).collect::<String>();
        // Of what has lines the last one is whole, as that of the whole is.
        let lines = |text: String| match text.rfind('\n') {
            Some(end) if asks => text[..=end].to_owned(),
            _ => text,
        };
        let (text, half) = (beginning(64 * 1024), lines(beginning(32 * 1024)));
        let input = format!("{input}, 64 KiB");
        let case = Case::new("request::parse (TOML)", &input, text.as_bytes(), &parse);
        let case = case.small().halved(half.as_bytes());
        run(if asks { case.decided() } else { case });
        let (text, half) = (text.repeat(2), half.repeat(2));
        let case = Case::new("vical::Listing::parse (TOML)", &input, text.as_bytes(), &listing);
        let case = case.small().halved(half.as_bytes());
        run(if nothing { case.decided() } else { case });
    }
}

fn files(run: &mut dyn FnMut(Case<'_>)) {
    let recognise = |bytes: &[u8]| -> Answer {
        let input = Input::recognise("input".to_owned(), bytes.to_vec());
        Err(input.kind().to_owned())
    };
    for (input, bytes) in [
        ("ten million zeros", vec![0; SIZE]),
        ("hexadecimal digits", "0a".repeat(SIZE / 2).into_bytes()),
        (
            "hexadecimal digits and one letter",
            ("0a".repeat(SIZE / 2) + "!").into_bytes(),
        ),
        ("Base64", "QUJD".repeat(SIZE / 4).into_bytes()),
        (
            "hexadecimal digits, as long as is tried",
            "0a".repeat(LARGEST_TEXT / 2).into_bytes(),
        ),
        (
            "hexadecimal digits and one letter, as long as is tried",
            ("0a".repeat(LARGEST_TEXT / 2 - 1) + "!").into_bytes(),
        ),
        (
            "Base64, as long as is tried",
            "QUJD".repeat(LARGEST_TEXT / 4).into_bytes(),
        ),
        (
            "digits and spaces, as long as is tried",
            "4 ".repeat(LARGEST_TEXT / 2).into_bytes(),
        ),
        ("spaces", vec![b' '; SIZE]),
        ("arrays in arrays", vec![0x81; SIZE]),
        ("an mdoc: URI", format!("mdoc:{}", "A".repeat(SIZE)).into_bytes()),
        (
            "PEM",
            "-----BEGIN CERTIFICATE-----\n".repeat(SIZE / 28).into_bytes(),
        ),
        ("braces", vec![b'{'; SIZE]),
    ] {
        // The copy of the input that the program has read is its own.
        let case = Case::new("files of the programs, recognised", input, &bytes, &recognise);
        run(Case {
            bounds: Bounds {
                times: 3.0,
                ..Bounds::DEFAULT
            },
            ..case
        });
    }
}
