//! What edits choose from.

use core::time::Duration;
use std::sync::OnceLock;

use integration::corpus::Case;
use integration::statuses::{URI, claims, sign};
use integration::tree::Tree;
use integration::world::at;
use mdoc_core::cbor::Item;
use mdoc_core::crypto::Curve;
use mdoc_core::device_request::{ItemsRequest, RequestedElement};
use mdoc_core::seams::SoftwareKey;
use mdoc_core::status::{Bits, Evidence};
use mdoc_core::time::Timestamp;
use mdoc_core::x509::Certificate;
use mdoc_core::x509::path::TrustAnchor;

use crate::fixtures::{LIMITS, cases, world};

/// Something of a list, whatever the number.
pub(super) fn pick<T>(list: &[T], number: u8) -> &T {
    &list[usize::from(number) % list.len()]
}

/// Chains of certificates: that of the world, and those of the negative corpus, whose faults they have.
pub(super) fn chains() -> &'static [Vec<Vec<u8>>] {
    static CHAINS: OnceLock<Vec<Vec<Vec<u8>>>> = OnceLock::new();
    CHAINS.get_or_init(|| {
        let world = world();
        let mut all = vec![
            vec![world.ds.der().to_vec()],
            Vec::new(),
            vec![world.ds.der().to_vec(), world.iaca.der().to_vec()],
            vec![world.stranger.der().to_vec()],
            vec![world.iaca.der().to_vec()],
            vec![world.reader.der().to_vec()],
            vec![b"no certificate".to_vec()],
            vec![world.ds.der().to_vec(); 17],
        ];
        for (_, case) in cases() {
            let chain = chain_of(&case.document).unwrap_or_default();
            if !all.contains(&chain) {
                all.push(chain);
            }
        }
        all
    })
}

/// Which chain and which anchors go together in the negative corpus.
pub(super) fn pairs() -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    for (_, case) in cases() {
        let chain = chain_of(&case.document).unwrap_or_default();
        let chain = chains().iter().position(|known| *known == chain);
        let anchors = anchors().iter().position(|known| *known == anchors_of(case));
        pairs.extend(chain.zip(anchors));
    }
    pairs.sort_unstable();
    pairs.dedup();
    pairs
}

fn anchors_of(case: &Case) -> Vec<TrustAnchor> {
    let found = Certificate::readable_from_pem(&case.anchors).0.into_iter();
    let anchor = |certificate| TrustAnchor {
        certificate,
        doc_types: case.anchor_doc_types.clone(),
    };
    found.map(anchor).collect()
}

fn chain_of(document: &[u8]) -> Option<Vec<Vec<u8>>> {
    let item = Item::parse(document, &LIMITS).ok()?;
    let document = item.get("documents")?.array()?.next()?;
    let auth = document.get("issuerSigned")?.get("issuerAuth")?;
    let chain = auth.array()?.nth(1)?.get_label(33)?;
    if let Some(single) = chain.bytes() {
        return Some(vec![single.into_owned()]);
    }
    Some(
        chain
            .array()?
            .filter_map(Item::bytes)
            .map(|der| der.into_owned())
            .collect(),
    )
}

/// Whom the verifier trusts: the root of the world, and what the negative corpus has.
pub(super) fn anchors() -> &'static [Vec<TrustAnchor>] {
    static ANCHORS: OnceLock<Vec<Vec<TrustAnchor>>> = OnceLock::new();
    ANCHORS.get_or_init(|| {
        let world = world();
        let pinned = [&world.ds, &world.stranger, &world.reader_ca];
        let mut all = vec![world.anchors.clone(), Vec::new()];
        all.extend(pinned.map(|one| vec![TrustAnchor::new(one.clone())]));
        for (_, case) in cases() {
            let set = anchors_of(case);
            if !all.contains(&set) {
                all.push(set);
            }
        }
        all
    })
}

/// Who signs for the issuer, and for the device: the first is the right one.
pub(super) fn keys() -> &'static [SoftwareKey; 8] {
    static KEYS: OnceLock<[SoftwareKey; 8]> = OnceLock::new();
    KEYS.get_or_init(|| {
        let world = world();
        let own = |key: &SoftwareKey| {
            SoftwareKey::with_backend(key.secret().clone(), crate::fixtures::backend()).unwrap()
        };
        [
            own(&world.ds_key),
            own(&world.device_key),
            own(&world.iaca_key),
            own(&world.stranger_key),
            own(&world.key("resigned", Curve::P384)),
            own(&world.key("resigned", Curve::P521)),
            world.key("resigned", Curve::Ed25519),
            world.key("resigned", Curve::BrainpoolP256r1),
        ]
    })
}

/// Status lists at hand, and whether the document that refers to them may not be accepted: valid, revoked, suspended, with
/// a value of an application, with more bits than a licence has, fetched long ago, with a signature that does not hold, and
/// signed by a stranger.
pub(super) fn statuses() -> &'static [(Evidence<'static>, bool); 9] {
    static TOKENS: OnceLock<[Vec<u8>; 7]> = OnceLock::new();
    static STATUSES: OnceLock<[(Evidence<'static>, bool); 9]> = OnceLock::new();
    let world = world();
    let tokens = TOKENS.get_or_init(|| {
        let of = |bits, value| sign(world, &claims(world, bits, value));
        let mut broken = of(Bits::One, 1);
        *broken.last_mut().unwrap() ^= 1;
        let stranger = claims(world, Bits::One, 1);
        let stranger = stranger.sign_cwt(&world.stranger_key, &[world.stranger.der()]);
        [
            of(Bits::One, 0),
            of(Bits::One, 1),
            of(Bits::Two, 2),
            of(Bits::Two, 3),
            of(Bits::Two, 0),
            broken,
            stranger.unwrap(),
        ]
    });
    STATUSES.get_or_init(|| {
        let earlier = |hours: u64| world.now.minus(Duration::from_secs(hours * 3600));
        let at = |which: usize, hours, bad| {
            let evidence = Evidence {
                uri: URI,
                token: &tokens[which],
                fetched: earlier(hours),
            };
            (evidence, bad)
        };
        [
            at(0, 0, false),
            at(1, 0, true),
            at(2, 0, true),
            at(3, 0, true),
            at(4, 0, false),
            at(0, 3, false),
            at(1, 3, true),
            at(5, 0, false),
            at(6, 0, false),
        ]
    })
}

/// Instants to judge by.
pub(super) fn instants() -> &'static [Timestamp; 7] {
    static INSTANTS: OnceLock<[Timestamp; 7]> = OnceLock::new();
    INSTANTS.get_or_init(|| {
        [
            "2026-06-01T12:00:00Z",
            "2024-06-01T12:00:00Z",
            "2025-06-01T12:00:00Z",
            "2026-05-31T23:59:59Z",
            "2026-07-01T00:00:00Z",
            "2027-06-01T12:00:00Z",
            "2050-06-01T12:00:00Z",
        ]
        .map(at)
    })
}

/// Instants as they are written.
pub(super) const TIMES: [&str; 14] = [
    "2026-06-01T00:00:00Z",
    "2026-06-01T12:00:00Z",
    "2026-06-01T12:00:01Z",
    "2026-05-01T00:00:00Z",
    "2025-12-31T23:59:59Z",
    "2024-02-29T00:00:00Z",
    "2027-01-01T00:00:00Z",
    "2027-02-01T00:00:00Z",
    "2026-06-01T12:00:00.5Z",
    "2026-06-01T14:00:00+02:00",
    "9999-12-31T23:59:59Z",
    "0000-01-01T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "",
];

/// Values for any place.
pub(super) fn values() -> &'static [Tree] {
    static VALUES: OnceLock<Vec<Tree>> = OnceLock::new();
    VALUES.get_or_init(|| {
        let text = |text: &str| Tree::from(text);
        let raw = |bytes: &[u8]| Tree::Raw(bytes.to_vec());
        let mut all = vec![
            Tree::Unsigned(0),
            Tree::Unsigned(1),
            Tree::Unsigned(1 << 31),
            Tree::Unsigned(u64::MAX),
            Tree::Negative(0),
            Tree::Negative(u64::MAX),
            text(""),
            text("a"),
            text("1.0"),
            text("1.9"),
            text("2.0"),
            text("UT"),
            text("XX"),
            text("UT-XX"),
            text("2000-01-01"),
            Tree::Bytes(Vec::new()),
            Tree::Bytes(vec![0; 16]),
            Tree::Bytes(vec![0xff; 33]),
            Tree::Array(Vec::new()),
            Tree::Map(Vec::new()),
            Tree::Array(vec![Tree::null()]),
            Tree::Map(vec![(text("a"), Tree::null())]),
            Tree::Map(vec![(text("a"), Tree::null()), (text("a"), Tree::null())]),
            Tree::Tag(24, Box::new(Tree::Bytes(vec![0xff]))),
            Tree::Tag(24, Box::new(Tree::Bytes(Vec::new()))),
            Tree::Tag(1004, Box::new(text("2000-02-30"))),
            Tree::Tag(1004, Box::new(text("2000-01-02"))),
            Tree::Tag(0, Box::new(text("2000-01-02"))),
            Tree::null(),
            raw(&[0xf7]),
            raw(&[0xf4]),
            raw(&[0xf5]),
            raw(&[0xfb, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0]),
            raw(&[0x18, 5]),
            raw(&[0x9f, 0xff]),
            raw(&[0xbf, 0xff]),
            raw(&[0x5f, 0x41, 0, 0xff]),
            raw(&[0x7f, 0x61, b'a', 0xff]),
            raw(&[0x61, 0xff]),
            raw(&[0xff]),
            raw(&[]),
            raw(&[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
            raw(&[[0x81; 90].as_slice(), &[0]].concat()),
        ];
        all.extend(TIMES.map(Tree::tdate));
        all
    })
}

/// Elements with a meaning of their own in a driving licence.
pub(super) const ELEMENTS: [&str; 16] = [
    "family_name",
    "given_name",
    "birth_date",
    "issuing_country",
    "issuing_jurisdiction",
    "issuing_authority",
    "portrait",
    "driving_privileges",
    "age_over_18",
    "age_over_1",
    "sex",
    "height",
    "biometric_template_xx",
    "document_number",
    "unknown_element",
    "age_in_years",
];

/// What was asked for.
pub(super) fn requests() -> &'static [Vec<ItemsRequest>; 3] {
    static REQUESTS: OnceLock<[Vec<ItemsRequest>; 3]> = OnceLock::new();
    REQUESTS.get_or_init(|| {
        let world = world();
        let other = ItemsRequest {
            doc_type: "org.example.other".to_owned(),
            name_spaces: vec![(
                "org.example".to_owned(),
                vec![RequestedElement {
                    identifier: "a".to_owned(),
                    intent_to_retain: false,
                }],
            )],
        };
        [world.ask(&["family_name"]), world.ask(&ELEMENTS), other].map(|one| vec![one])
    })
}
