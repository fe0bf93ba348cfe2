//! Forms of a signed list, and how they can be wrong.

use base64ct::{Base64UrlUnpadded as Base64Url, Encoding};
use proptest::prelude::*;

use super::*;

#[test]
fn trap_77_a_list_is_a_tagged_sign1_with_its_type_and_certificates_protected() {
    let country = country();
    for (claims, typ) in [(claims(), STATUS_LIST_CWT), (identifiers(), IDENTIFIER_LIST_CWT)] {
        let cwt = country.cwt(&claims);
        assert_eq!(cwt[..2], [0xd2, 0x84], "tag 18, an array of four");
        let Value::Tag(18, inner) = ciborium::from_reader::<Value, _>(&cwt[..]).unwrap() else {
            panic!("no tag")
        };
        let [protected, unprotected, payload, _] = inner.into_array().unwrap().try_into().unwrap();
        let protected = protected.into_bytes().unwrap();
        let protected: Value = ciborium::from_reader(&protected[..]).unwrap();
        let expected = Value::Map(vec![
            (1.into(), (-7).into()),
            (16.into(), typ.into()),
            (33.into(), country.signer.der().to_vec().into()),
        ]);
        assert_eq!(protected, expected);
        assert_eq!(unprotected, Value::Map(vec![]));
        let payload = payload.into_bytes().unwrap();
        assert!(payload[0] >> 5 == 5, "a bare map, not wrapped in tag 24");
    }
    let forgery = Forgery::of(&country).tags(&[24]);
    unknown(&forgery.judge(), Code::Malformed);
}

#[test]
fn another_library_reads_what_is_signed() {
    use coset::{CoseSign1 as Reference, TaggedCborSerializable};
    for curve in Curve::SIGNING {
        let signer = key(curve, 4);
        let cwt = claims().sign_cwt(&signer, &[b"certificate"]).unwrap();
        let reference = Reference::from_tagged_slice(&cwt).unwrap();
        let (algorithm, key) = (signer.algorithm().digest(), signer.public_key());
        reference
            .verify_signature(b"", |signature, signed| {
                fastest().verify(key, algorithm, &[signed], signature)
            })
            .unwrap();
    }
}

#[test]
fn forms_that_are_met_are_taken_and_said() {
    let country = country();
    let good = || Forgery::of(&country);
    let mut unprotected = good().without_header(33);
    unprotected.unprotected = vec![(33.into(), country.signer.der().to_vec().into())];
    let moved = good().without_header(16).claim(16, "application/statuslist+cwt");
    let cases = [
        (good().tags(&[]), vec![Code::Tag]),
        (good().tags(&[61, 18]), vec![Code::Tag]),
        (good().tags(&[61]), vec![Code::Tag]),
        (good().header(16, "statuslist+cwt"), vec![]),
        (good().header(16, "Application/StatusList+CWT"), vec![]),
        (moved, vec![Code::TypePlace]),
        (unprotected, vec![Code::X5chainUnprotected]),
        (good().claim(1, "an issuer, which nobody asked for"), vec![]),
        (good().header(-70_000, "a header that nobody knows"), vec![]),
    ];
    for (index, (forgery, expected)) in cases.into_iter().enumerate() {
        let finding = forgery.judge();
        assert_eq!(finding.answer, Answer::Valid, "{index}");
        assert_eq!(deviations(&finding), expected, "{index}");
        let strict = Inputs {
            policy: Policy {
                evidence_required: false,
                ..Policy::STRICT
            },
            ..country.inputs()
        };
        let strictly = why(&look(&forgery.encode(), &strict));
        assert_eq!(strictly, expected.first().copied(), "{index}");
    }
}

#[test]
fn trap_75_types_of_identifier_lists() {
    let country = country();
    let list = Value::Map(vec![("identifiers".into(), Value::Map(vec![]))]);
    let said = |typ: &str| {
        let forgery = Forgery::of(&country)
            .without_claim(65533)
            .claim(65530, list.clone())
            .header(16, typ);
        let id = identifier(&[7]);
        look_up(
            Reference::IdentifierList(&id),
            &fetched(&forgery.encode()),
            &country.inputs(),
        )
    };
    for (typ, expected) in [
        ("application/identifierlist+cwt", vec![]),
        ("identifierlist+cwt", vec![]),
        ("identfierlist+cwt", vec![Code::TypeName]),
    ] {
        let finding = said(typ);
        assert_eq!(
            (finding.answer.clone(), deviations(&finding)),
            (Answer::Valid, expected)
        );
    }
    unknown(&said("application/statuslist+cwt"), Code::Type);
}

#[test]
fn of_another_type_or_of_none_is_no_list() {
    let country = country();
    let good = || Forgery::of(&country);
    let cases = [
        good().without_header(16),
        good().header(16, "application/cwt"),
        good().header(16, "application/identifierlist+cwt"),
        good().header(16, "application/statuslist+jwt"),
        good().header(16, 271),
        good().header(16, vec![1_u8]),
        good()
            .header(16, "application/cwt")
            .claim(16, "application/statuslist+cwt"),
        good().header(16, "identfierlist+cwt"),
    ];
    for forgery in cases {
        unknown(&forgery.judge(), Code::Type);
    }
}

#[test]
fn what_does_not_decode_is_malformed() {
    let country = country();
    let good = || Forgery::of(&country);
    let text = |text: &str| Value::from(text);
    let list = |bits: i64, lst: Value| Value::Map(vec![("bits".into(), bits.into()), ("lst".into(), lst)]);
    let ids = |id: Value, info: Value| Value::Map(vec![("identifiers".into(), Value::Map(vec![(id, info)]))]);
    let cases = [
        good().tags(&[17]),
        good().tags(&[18, 18]),
        good().tags(&[18, 17]),
        good().tags(&[61, 61, 18]),
        good().tags(&[61, 24]),
        good().without_claim(2),
        good().claim(2, 7),
        good().without_claim(6),
        good().claim(6, text("2026-06-01T12:00:00Z")),
        good().claim(6, 1.5),
        good().claim(6, Value::Tag(1, Box::new(0.into()))),
        good().claim(4, text("never")),
        good().claim(5, text("always")),
        good().claim(65534, 0),
        good().claim(65534, -1),
        good().claim(65534, text("a day")),
        good().without_claim(65533),
        good().claim(65533, Value::Map(vec![])),
        good().claim(65533, list(3, vec![1_u8].into())),
        good().claim(65533, list(2, text("lst"))),
        good().claim(65533, list(2, vec![1_u8].into())), // no zlib
        good().claim(65530, ids(vec![1_u8].into(), Value::Map(vec![]))), // both
        good()
            .without_claim(65533)
            .claim(65530, ids(text("1"), Value::Map(vec![]))),
        good()
            .without_claim(65533)
            .claim(65530, ids(vec![1_u8].into(), 1.into())),
        good().without_claim(65533).claim(65530, Value::Map(vec![])),
        good().header(2, vec![Value::from(99)]), // crit
    ];
    for (index, forgery) in cases.iter().enumerate() {
        assert_eq!(why(&forgery.judge()), Some(Code::Malformed), "{index}");
    }
    let mut twice = good();
    twice.claims.extend(good().claims);
    unknown(&twice.judge(), Code::Malformed);
    for bytes in [&b""[..], b"e", b"ey", b"eyJ9..", b"{}", &[0x84, 0x40], &[0xd2]] {
        unknown(&country.judge(bytes), Code::Malformed);
    }
    let cwt = country.cwt(&claims());
    for len in 0..cwt.len() {
        unknown(&country.judge(&cwt[..len]), Code::Malformed);
    }
    unknown(&country.judge(&[cwt.as_slice(), &[0]].concat()), Code::Malformed);
}

#[test]
fn trap_78_what_is_larger_than_allowed_is_refused_unread() {
    let country = country();
    let mut long = country.cwt(&claims());
    long.resize(LIMITS.message + 1, 0);
    unknown(&country.judge(&long), Code::TooLarge);
    let jwt = [b"eyJ".as_slice(), &vec![b'a'; LIMITS.message]].concat();
    unknown(&country.judge(&jwt), Code::TooLarge);
    // Small, and signed: it becomes too large only when inflated.
    let lst = miniz_oxide::deflate::compress_to_vec_zlib(&vec![0; LARGEST_LIST + 1], 9);
    assert!(lst.len() < 20_000);
    let bomb = Claims {
        content: Content::StatusList(EncodedList {
            lst,
            ..list().deflate()
        }),
        ..claims()
    };
    unknown(&country.judge(&country.cwt(&bomb)), Code::TooLarge);
    unknown(&country.judge(&country.jwt(&bomb)), Code::TooLarge);
    // More identifiers than there is room for.
    let identifiers = (0..250_000_u32).map(|id| id.to_be_bytes().to_vec()).collect();
    let many = Claims {
        content: Content::IdentifierList(IdentifierList {
            identifiers,
            aggregation_uri: None,
        }),
        ..claims()
    };
    unknown(&country.judge(&country.cwt(&many)), Code::TooLarge);
}

#[test]
fn a_jwt_says_the_same() {
    for curve in [Curve::P256, Curve::P384, Curve::P521] {
        let country = country_on(curve);
        let jwt = country.jwt(&claims());
        let finding = country.judge(&jwt);
        assert_eq!(finding.answer, Answer::Valid, "{curve}");
        assert_eq!(deviations(&finding), [Code::Jwt], "documents refer to the CWT");
        let revoked = look_up(
            Reference::StatusList(&place(1)),
            &fetched(&jwt),
            &country.inputs(),
        );
        assert_eq!(revoked.answer, Answer::Revoked);
        let token = Token::decode(&jwt).unwrap();
        assert!(token.is_jwt());
        assert_eq!(token.claims(), &claims());
        let lines = [jwt.as_slice(), b"\r\n"].concat();
        assert_eq!(country.judge(&lines).answer, Answer::Valid);
    }
    let brainpool = country_on(Curve::BrainpoolP256r1);
    let error = claims().sign_jwt(&brainpool.key, &[]).unwrap_err();
    assert_eq!(error, BuildError::CurveAsJwt(Curve::BrainpoolP256r1));
    let error = identifiers().sign_jwt(&brainpool.key, &[]).unwrap_err();
    assert_eq!(error, BuildError::CurveAsJwt(Curve::BrainpoolP256r1));
    let error = identifiers().sign_jwt(&country().key, &[]).unwrap_err();
    assert_eq!(error, BuildError::IdentifierListAsJwt);
}

/// A JWT with these parts, signed by the country's signer.
fn jwt(country: &Country, header: &str, payload: &str) -> Vec<u8> {
    let encode = |part: &str| Base64Url::encode_string(part.as_bytes());
    let signed = format!("{}.{}", encode(header), encode(payload));
    let signature = Base64Url::encode_string(&country.key.sign(signed.as_bytes()).unwrap());
    format!("{signed}.{signature}").into_bytes()
}

#[test]
fn every_way_a_jwt_can_be_wrong() {
    let country = country();
    let good = String::from_utf8(country.jwt(&claims())).unwrap();
    let parts: Vec<_> = good.split('.').collect();
    let text = |part: &str| String::from_utf8(Base64Url::decode_vec(part).unwrap()).unwrap();
    let (header, payload) = (text(parts[0]), text(parts[1]));
    assert!(
        header.starts_with(r#"{"alg":"ES256","typ":"statuslist+jwt","x5c":["#),
        "{header}"
    );
    assert_eq!(
        country.judge(&jwt(&country, &header, &payload)).answer,
        Answer::Valid
    );
    let in_header = |from: &str, to: &str| {
        assert!(header.contains(from), "{from}");
        why(&country.judge(&jwt(&country, &header.replacen(from, to, 1), &payload)))
    };
    let in_payload = |from: &str, to: &str| {
        assert!(payload.contains(from), "{from} in {payload}");
        why(&country.judge(&jwt(&country, &header, &payload.replacen(from, to, 1))))
    };
    for alg in ["none", "HS256", "es256", "ES256K", ""] {
        let alg = format!(r#""{alg}""#);
        assert_eq!(in_header(r#""ES256""#, &alg), Some(Code::Algorithm), "{alg}");
    }
    assert_eq!(
        in_header(r#""ES256""#, r#""ES384""#),
        Some(Code::Algorithm),
        "another curve"
    );
    assert_eq!(in_header(r#""alg":"ES256","#, ""), Some(Code::Malformed));
    for typ in ["JWT", "statuslist+cwt", "identifierlist+jwt", ""] {
        assert_eq!(in_header("statuslist+jwt", typ), Some(Code::Type), "{typ}");
    }
    assert_eq!(in_header(r#""typ":"statuslist+jwt","#, ""), Some(Code::Type));
    assert_eq!(in_header("statuslist+jwt", "application/statuslist+jwt"), None);
    assert_eq!(
        in_header(r#"{"alg""#, r#"{"crit":["x"],"alg""#),
        Some(Code::Malformed)
    );
    assert_eq!(in_header(r#""x5c":["#, r#""x5u":["#), Some(Code::X5chainMissing));
    assert_eq!(
        in_header(r#""x5c":[""#, r#""x5c":["-"#),
        Some(Code::X5chainMalformed)
    );
    let many = format!(r#""x5c":[{}""#, r#""AAAA","#.repeat(100_000));
    assert_eq!(
        in_header(r#""x5c":[""#, &many),
        Some(Code::X5chainMalformed),
        "more certificates than are kept"
    );
    assert_eq!(
        in_header(r#"{"alg""#, r#"{"alg":"ES256","alg""#),
        Some(Code::Malformed),
        "twice"
    );
    assert_eq!(in_payload(URI, "https://elsewhere.example/"), Some(Code::Subject));
    assert_eq!(in_payload(r#""sub""#, r#""subject""#), Some(Code::Malformed));
    assert_eq!(in_payload(r#""iat""#, r#""i""#), Some(Code::Malformed));
    assert_eq!(in_payload(r#""ttl":7200"#, r#""ttl":0"#), Some(Code::Malformed));
    assert_eq!(in_payload(r#""ttl":7200"#, r#""ttl":-1"#), Some(Code::Malformed));
    assert_eq!(in_payload(r#""ttl":7200,"#, ""), None);
    assert_eq!(in_payload(r#""bits":2"#, r#""bits":3"#), Some(Code::Malformed));
    assert_eq!(
        in_payload(r#""lst":""#, r#""lst":"/"#),
        Some(Code::Malformed),
        "no Base64url"
    );
    assert_eq!(
        in_payload(r#""lst":"eN"#, r#""lst":"AA"#),
        Some(Code::Malformed),
        "no zlib"
    );
    assert_eq!(in_payload(r#""status_list""#, r#""list""#), Some(Code::Malformed));
    let of = |text: String| why(&country.judge(text.as_bytes()));
    assert_eq!(of(format!("{}.{}", parts[0], parts[1])), Some(Code::Malformed));
    assert_eq!(of(format!("{good}.")), Some(Code::Malformed));
    assert_eq!(of(format!("{good}=")), Some(Code::Malformed), "padded");
    assert_eq!(
        of(format!("{}.{}.", parts[0], parts[1])),
        Some(Code::Signature),
        "no signature"
    );
    let other = country.jwt(&Claims {
        ttl: None,
        ..claims()
    });
    let other = String::from_utf8(other).unwrap();
    let moved = format!("{}.{}", other.rsplit_once('.').unwrap().0, parts[2]);
    assert_eq!(of(moved), Some(Code::Signature));
}

/// Beginnings with which a decoder gets further.
const STARTS: &[&[u8]] = &[b"", b"\xd2\x84", b"\xd8\x3d\xd2\x84\x43\xa1\x01\x26\xa0", b"eyJ"];

proptest! {
    #[test]
    fn any_bytes_decode_or_err(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        start in prop::sample::select(STARTS),
    ) {
        let _ = Token::decode(&[start, &bytes].concat());
        let _ = Claims::decode(&bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_list_is_never_more_than_it_was(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        as_jwt: bool,
    ) {
        let country = country();
        let whole = if as_jwt { country.jwt(&claims()) } else { country.cwt(&claims()) };
        let mut damaged = whole.clone();
        for (place, value) in edits {
            let place = place.index(damaged.len());
            damaged[place] = value;
        }
        let finding = country.judge(&damaged);
        if why(&finding).is_none() {
            // Another outer form of the same, signed claims.
            let token = Token::decode(&damaged).unwrap();
            prop_assert_eq!(token.claims(), &claims());
        }
    }
}
