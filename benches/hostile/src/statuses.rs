//! Who was revoked: signed lists as CWT and JWT, what is compressed in them, and lists of lists.

use std::collections::BTreeSet;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use mdoc_core::status::{
    self, Bits, Claims, Content, EncodedList, Evidence, IdentifierList, LARGEST_LIST, StatusList, Token,
    Trust, aggregated,
};
use mdoc_core::time::Timestamp;

use crate::cbor::{Decode, shapes};
use crate::measure::{Answer, Case};
use crate::text::json_texts;
use crate::world::World;
use crate::{SIZE, streams};

/// Nearly as much as a signed list may have.
const LARGE: usize = (4 << 20) - 2_000;

const URI: &str = "https://utopia.example/list";

fn claims(world: &World, content: Content) -> Claims {
    Claims {
        subject: URI.to_owned(),
        issued_at: world.now,
        not_before: None,
        expires: Some(Timestamp::from_unix(world.now.unix() + 10_000)),
        ttl: None,
        content,
    }
}

/// A list as CWT and as JWT, signed by the document signer.
fn signed(world: &World, content: Content) -> Vec<Vec<u8>> {
    let claims = claims(world, content);
    let chain = [world.ds.der()];
    let mut out = vec![claims.sign_cwt(&world.ds_key, &chain).unwrap()];
    if let Ok(token) = claims.sign_jwt(&world.ds_key, &chain) {
        out.push(token.into_bytes());
    }
    out
}

fn compressed(lst: Vec<u8>) -> Content {
    Content::StatusList(EncodedList {
        bits: Bits::from_count(1).unwrap(),
        lst,
        aggregation_uri: None,
    })
}

fn identifiers(count: u32) -> Content {
    Content::IdentifierList(IdentifierList {
        identifiers: (0..count)
            .map(|at| at.to_be_bytes().to_vec())
            .collect::<BTreeSet<_>>(),
        aggregation_uri: None,
    })
}

/// Tokens that are signed, and hostile inside.
fn tokens(world: &World) -> Vec<(String, Vec<u8>)> {
    let mut out = Vec::new();
    let full = StatusList::new(Bits::from_count(1).unwrap(), 8 * LARGEST_LIST as u64).unwrap();
    for (input, content) in [
        ("16 MiB of noughts, compressed", compressed(full.deflate().lst)),
        (
            "64 MB of noughts, compressed",
            compressed(miniz_oxide::deflate::compress_to_vec_zlib(&vec![0; 64 << 20], 1)),
        ),
        (
            "a list of empty blocks with the fixed codes",
            compressed(streams::as_zlib(&streams::empty_blocks(LARGE / 2))),
        ),
        (
            "a list of empty blocks with codes of their own",
            compressed(streams::as_zlib(&streams::dynamic_blocks(LARGE / 2))),
        ),
        ("a list of 10 MB", compressed(vec![7; SIZE])),
        (
            "a list of 4 MB that is not compressed",
            compressed(vec![7; LARGE]),
        ),
        ("240,000 identifiers", identifiers(240_000)),
        ("a million identifiers", identifiers(1_000_000)),
    ] {
        let forms = ["CWT", "JWT"];
        for (form, token) in forms.iter().zip(signed(world, content)) {
            out.push((format!("{input}, {form}"), token));
        }
    }
    out
}

/// JWT with that header or those claims, signed by nobody.
fn jwt(header: &[u8], claims: &[u8]) -> Vec<u8> {
    let [header, claims] = [header, claims].map(Base64UrlUnpadded::encode_string);
    format!("{header}.{claims}.{}", "A".repeat(86)).into_bytes()
}

/// All of it.
pub(crate) fn cases(run: &mut dyn FnMut(Case<'_>)) {
    let world = World::new();
    let read = |bytes: &[u8]| -> Answer {
        let token = Token::decode(bytes).map_err(|reason| reason.to_string())?;
        let certificates = token.certificates().map_or(0, |chain| chain.len());
        match &token.claims().content {
            Content::StatusList(list) => {
                let entries = list.inflate().map_err(|error| error.to_string())?.entries();
                Ok(format!("{entries} entries, {certificates} certificates"))
            }
            Content::IdentifierList(list) => Ok(format!(
                "{} identifiers, {}",
                list.identifiers.len(),
                list.contains(b"x")
            )),
        }
    };
    let reference = mdoc_core::mso::Status {
        status_list: Some(mdoc_core::mso::StatusListReference {
            index: 7,
            uri: URI.to_owned(),
            certificate: None,
        }),
        ..mdoc_core::mso::Status::default()
    };
    let judge = |bytes: &[u8]| -> Answer {
        let evidence = [Evidence {
            uri: URI,
            token: bytes,
            fetched: world.now,
        }];
        let inputs = status::Inputs::new(Trust::Issuer(&world.iaca), world.now);
        let finding = status::check(&reference, &evidence, &inputs);
        match finding.answer {
            status::Answer::Unknown(reason) => Err(reason.to_string()),
            answer => Ok(answer.to_string()),
        }
    };
    let lists = |bytes: &[u8]| -> Answer {
        aggregated(bytes)
            .map(|lists| format!("{} lists", lists.len()))
            .map_err(|reason| reason.to_string())
    };
    let tokens = tokens(&world);
    let header = br#"{"alg":"ES256","typ":"statuslist+jwt"}"#;
    let of_json = |size: usize| {
        let texts = json_texts(size * 3 / 4 - 200).into_iter();
        texts
            .flat_map(|(input, text)| {
                [
                    (format!("header: {input}"), jwt(text.as_bytes(), b"{}")),
                    (format!("claims: {input}"), jwt(header, text.as_bytes())),
                ]
            })
            .chain(["x5c", "crit"].map(|member| {
                let texts = "\"\",".repeat(size / 4 - 200);
                let header =
                    format!("{{\"alg\":\"ES256\",\"typ\":\"statuslist+jwt\",\"{member}\":[{texts}\"\"]}}");
                (
                    format!("header: a list of empty texts as {member}"),
                    jwt(header.as_bytes(), b"{}"),
                )
            }))
    };
    let decoders: [(&str, &Decode<'_>); 2] = [
        ("status::Token::decode, its list", &read),
        ("status::check", &judge),
    ];
    for (decoder, decode) in decoders {
        for size in [SIZE, LARGE] {
            for ((input, bytes), (_, half)) in shapes(size).iter().zip(shapes(size / 2)) {
                let case = Case::new(decoder, input, bytes, decode).halved(&half);
                run(if size < SIZE { case.small() } else { case });
            }
            for (input, bytes) in of_json(size) {
                let case = Case::new(decoder, &input, &bytes, decode);
                run(if size < SIZE { case.small() } else { case });
            }
        }
        for (input, bytes) in &tokens {
            let mut case = Case::new(decoder, input, bytes, decode).decided();
            if bytes.len() < LARGE {
                case = case.small();
            }
            // Each is looked up in those before it, as a key, and kept.
            if input.starts_with("240,000") {
                case.bounds.millis = 100.0;
            }
            run(case);
        }
    }
    for size in [SIZE, LARGE] {
        for ((input, text), (_, half)) in json_texts(size).iter().zip(json_texts(size / 2)) {
            let case = Case::new("status::aggregated", input, text.as_bytes(), &lists);
            run(case.halved(half.as_bytes()));
        }
        for (input, item) in [
            ("millions of empty addresses", "\"\""),
            ("an address again and again", "\"https://utopia.example/list\""),
        ] {
            let count = size / (item.len() + 1) - 10;
            let text = format!(
                "{{\"status_lists\":[{}{item}]}}",
                format!("{item},").repeat(count)
            );
            run(Case::new("status::aggregated", input, text.as_bytes(), &lists));
        }
        let text = format!("{{\"status_lists\":[\"{}\"]}}", "x".repeat(size - 40));
        run(Case::new("status::aggregated", "one long address", text.as_bytes(), &lists).decided());
    }
}
