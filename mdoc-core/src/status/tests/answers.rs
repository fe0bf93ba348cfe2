//! What lists say.

use proptest::prelude::*;

use super::*;
use crate::keys::public_from_jwk;
use crate::verify::MDL_DOC_TYPE;

const VECTOR: &[u8] = include_bytes!("../../../../tests/vectors/status-list/status_list_cwt.cbor");
const VECTOR_KEY: &str = include_str!("../../../../tests/vectors/status-list/key.jwk.json");
const REFERENCED: &[u8] = include_bytes!("../../../../tests/vectors/status-list/referenced_token_cwt.cbor");

#[test]
fn the_signed_list_of_the_draft() {
    let key = public_from_jwk(VECTOR_KEY).unwrap();
    let uri = "https://example.com/statuslists/1";
    let fetched = at("2024-01-01T00:00:00Z");
    let evidence = Evidence {
        uri,
        token: VECTOR,
        fetched,
    };
    let inputs = Inputs::new(Trust::Key(&key), fetched);
    let entries = [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1];
    for (index, value) in (0..).zip(entries) {
        let place = StatusListReference {
            uri: uri.into(),
            ..place(index)
        };
        let finding = look_up(Reference::StatusList(&place), &evidence, &inputs);
        let expected = if value == 1 {
            Answer::Revoked
        } else {
            Answer::Valid
        };
        assert_eq!(finding.answer, expected, "{index}");
        assert_eq!(finding.deviations, []);
        let freshness = finding.freshness.unwrap();
        assert_eq!(freshness.issued_at, Timestamp::from_unix(1_686_920_170));
        assert_eq!(freshness.fresh_until, at("2024-01-01T12:00:00Z"), "ttl is 43200");
    }
    let claims = Token::decode(VECTOR).unwrap().claims().clone();
    assert_eq!(claims.expires, Some(Timestamp::from_unix(2_291_720_170)));
    let beyond = StatusListReference {
        uri: uri.into(),
        ..place(16)
    };
    let finding = look_up(Reference::StatusList(&beyond), &evidence, &inputs);
    unknown(&finding, Code::Index);
    // Without the key: it has no certificates, and says nothing.
    let country = country();
    let finding = look_up(Reference::StatusList(&beyond), &evidence, &country.inputs());
    unknown(&finding, Code::X5chainMissing);
    // What refers to a list is no list.
    assert_eq!(Token::decode(REFERENCED).unwrap_err().code(), Code::Malformed);
}

#[test]
fn trap_76_valid_revoked_suspended_and_unknown_are_apart() {
    let country = country();
    let cwt = country.cwt(&claims());
    let said = |index| {
        look_up(
            Reference::StatusList(&place(index)),
            &fetched(&cwt),
            &country.inputs(),
        )
    };
    let expected = [
        (0, Answer::Valid, "valid", "the document was not revoked"),
        (1, Answer::Revoked, "revoked", "the document was revoked"),
        (2, Answer::Suspended, "suspended", "the document was suspended"),
        (
            3,
            Answer::Application(3),
            "application-specific",
            "the status 3 is one that only the issuer knows",
        ),
    ];
    for (index, answer, id, sentence) in expected {
        let finding = said(index);
        assert_eq!(
            (finding.answer.id(), finding.answer.to_string().as_str()),
            (id, sentence)
        );
        assert_eq!(finding.answer, answer);
        assert_eq!(finding.deviations, []);
        assert!(finding.freshness.is_some());
    }
    let finding = said(1000);
    unknown(&finding, Code::Index);
    assert_eq!(finding.answer.id(), "unknown");
    assert_eq!(
        finding.answer.to_string(),
        "the status list ends before the entry of the document: `1000 entries`, expected `more`"
    );
    unknown(&said(u64::MAX), Code::Index);
}

#[test]
fn values_without_a_meaning_are_unknown() {
    let mut list = StatusList::new(Bits::Eight, 256).unwrap();
    for value in 0..=255 {
        list.set(value.into(), value).unwrap();
    }
    let country = country();
    let cwt = country.cwt(&Claims {
        content: Content::StatusList(list.deflate()),
        ..claims()
    });
    for value in 3..=255 {
        let place = place(value.into());
        let finding = look_up(Reference::StatusList(&place), &fetched(&cwt), &country.inputs());
        match value {
            3 | 12..=15 => assert_eq!(finding.answer, Answer::Application(value)),
            _ => unknown(&finding, Code::Reserved),
        }
    }
}

#[test]
fn an_identifier_that_is_listed_was_revoked() {
    let country = country();
    let cwt = country.cwt(&identifiers());
    let said = |id: &[u8]| {
        let finding = look_up(
            Reference::IdentifierList(&identifier(id)),
            &fetched(&cwt),
            &country.inputs(),
        );
        assert_eq!(finding.deviations, []);
        finding.answer
    };
    assert_eq!(said(&[1]), Answer::Revoked);
    assert_eq!(said(&[2]), Answer::Revoked);
    assert_eq!(said(&[3]), Answer::Valid);
    assert_eq!(said(&[]), Answer::Valid);
    assert_eq!(said(&[1, 0]), Answer::Valid);
}

#[test]
fn one_kind_of_list_says_nothing_of_the_other() {
    let country = country();
    let (list, ids) = (country.cwt(&claims()), country.cwt(&identifiers()));
    let finding = look_up(
        Reference::IdentifierList(&identifier(&[9])),
        &fetched(&list),
        &country.inputs(),
    );
    unknown(&finding, Code::Type);
    unknown(&country.judge(&ids), Code::Type);
}

#[test]
fn what_was_not_fetched_is_unknown() {
    let country = country();
    let status = Status {
        status_list: Some(place(0)),
        ..Status::default()
    };
    unknown(&check(&status, &[], &country.inputs()), Code::NotFetched);
    let cwt = country.cwt(&claims());
    let elsewhere = Evidence {
        uri: "https://status.utopia.example/lists/2",
        ..fetched(&cwt)
    };
    unknown(&check(&status, &[elsewhere], &country.inputs()), Code::NotFetched);
    assert_eq!(
        check(&status, &[fetched(&cwt)], &country.inputs()).answer,
        Answer::Valid
    );
    let strange = Status {
        unknown: true,
        ..Status::default()
    };
    unknown(
        &check(&strange, &[fetched(&cwt)], &country.inputs()),
        Code::Unsupported,
    );
}

/// The list, made so many seconds before now, with entry 0 set.
fn made(country: &Country, before: u64, value: u8) -> Vec<u8> {
    let mut list = list();
    list.set(0, value).unwrap();
    country.cwt(&Claims {
        issued_at: now().minus(Duration::from_secs(before)),
        content: Content::StatusList(list.deflate()),
        ..claims()
    })
}

#[test]
fn of_several_lists_the_newest_counts_and_revoked_is_for_good() {
    let country = country();
    let status = Status {
        status_list: Some(place(0)),
        ..Status::default()
    };
    let [valid, revoked, suspended] = [0, 1, 2].map(|value| [20, 10].map(|age| made(&country, age, value)));
    let broken = b"neither CBOR nor JSON".to_vec();
    let said = |tokens: [&[u8]; 2]| {
        let both = tokens.map(fetched);
        let there = check(&status, &both, &country.inputs());
        let [first, second] = both;
        let back = check(&status, &[second, first], &country.inputs());
        assert_eq!(there, back, "the order is of no matter");
        there.answer
    };
    assert_eq!(said([&valid[0], &suspended[1]]), Answer::Suspended);
    assert_eq!(said([&suspended[0], &valid[1]]), Answer::Valid, "it came back");
    assert_eq!(said([&valid[0], &revoked[1]]), Answer::Revoked);
    assert_eq!(
        said([&revoked[0], &valid[1]]),
        Answer::Revoked,
        "trap 79: nothing is un-revoked"
    );
    assert_eq!(said([&broken, &valid[1]]), Answer::Valid);
    assert_eq!(said([&broken, &revoked[1]]), Answer::Revoked);
}

#[test]
fn of_both_kinds_of_list_the_worse_answer_counts() {
    let country = country();
    let ids_uri = "https://status.utopia.example/ids";
    let ids = country.cwt(&Claims {
        subject: ids_uri.into(),
        ..identifiers()
    });
    let cwt = country.cwt(&claims());
    let evidence = [
        fetched(&cwt),
        Evidence {
            uri: ids_uri,
            ..fetched(&ids)
        },
    ];
    let said = |index, id: &[u8], evidence: &[Evidence<'_>]| {
        let status = Status {
            status_list: Some(place(index)),
            identifier_list: Some(IdentifierListReference {
                uri: ids_uri.into(),
                ..identifier(id)
            }),
            unknown: false,
        };
        check(&status, evidence, &country.inputs()).answer
    };
    assert_eq!(said(0, &[7], &evidence), Answer::Valid);
    assert_eq!(said(0, &[1], &evidence), Answer::Revoked);
    assert_eq!(said(1, &[7], &evidence), Answer::Revoked);
    assert_eq!(said(2, &[7], &evidence), Answer::Suspended);
    assert_eq!(
        said(0, &[1], &evidence[..1]),
        Answer::Valid,
        "the other was not fetched"
    );
}

#[test]
fn trap_79_lists_of_driving_licences_have_one_bit() {
    let country = country();
    let cwt = country.cwt(&claims());
    let said = |index, policy, doc_type| {
        let inputs = Inputs {
            policy,
            doc_type,
            ..country.inputs()
        };
        look_up(Reference::StatusList(&place(index)), &fetched(&cwt), &inputs)
    };
    let lax = said(0, Policy::STANDARD, Some(MDL_DOC_TYPE));
    assert_eq!(
        (lax.answer.clone(), deviations(&lax)),
        (Answer::Valid, vec![Code::Bits])
    );
    let other = said(0, Policy::STANDARD, Some("org.iso.23220.photoid.1"));
    assert_eq!(
        (other.answer.clone(), deviations(&other)),
        (Answer::Valid, vec![])
    );
    let strict = Policy {
        evidence_required: false,
        ..Policy::STRICT
    };
    unknown(&said(0, strict, Some(MDL_DOC_TYPE)), Code::Bits);
    // Against the rules, and all the same no reason to let it pass.
    assert_eq!(said(1, strict, Some(MDL_DOC_TYPE)).answer, Answer::Revoked);
    assert_eq!(said(2, strict, Some(MDL_DOC_TYPE)).answer, Answer::Suspended);
}

#[test]
fn a_document_that_names_its_list_is_told_where_to_ask_and_for_what() {
    let status = Status {
        status_list: Some(place(0)),
        identifier_list: Some(identifier(&[1])),
        unknown: false,
    };
    let asked: Vec<_> = Reference::all(&status)
        .map(|r| (r.uri(), r.media_type()))
        .collect();
    assert_eq!(
        asked,
        [
            (URI, "application/statuslist+cwt"),
            (URI, "application/identifierlist+cwt")
        ]
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn what_was_signed_is_read(
        subject in "[a-z:/]{0,40}",
        issued_at in 0..4_000_000_000_i64,
        not_before in prop::option::of(0..4_000_000_000_i64),
        expires in prop::option::of(0..4_000_000_000_i64),
        ttl in prop::option::of(1..u64::MAX),
        bits in prop::sample::select(&Bits::ALL[..]),
        lst in prop::collection::vec(any::<u8>(), 0..50),
        aggregation_uri in prop::option::of("[a-z]{0,9}"),
        ids in prop::option::of(prop::collection::btree_set(prop::collection::vec(any::<u8>(), 0..9), 0..9)),
    ) {
        let content = match &ids {
            Some(ids) => Content::IdentifierList(IdentifierList { identifiers: ids.clone(), aggregation_uri }),
            None => Content::StatusList(EncodedList { bits, lst, aggregation_uri }),
        };
        let claims = Claims {
            subject,
            issued_at: Timestamp::from_unix(issued_at),
            not_before: not_before.map(Timestamp::from_unix),
            expires: expires.map(Timestamp::from_unix),
            ttl,
            content,
        };
        prop_assert_eq!(&Claims::decode(&claims.encode()).unwrap(), &claims);
        let key = key(Curve::Ed25519, 3);
        let cwt = claims.sign_cwt(&key, &[b"certificate"]).unwrap();
        let token = Token::decode(&cwt).unwrap();
        prop_assert_eq!(token.claims(), &claims);
        prop_assert_eq!(token.deviations(), &[]);
        prop_assert_eq!(token.certificates().unwrap(), [b"certificate".as_slice()]);
        prop_assert!(token.verify(key.public_key(), fastest()).is_ok());
        match claims.sign_jwt(&key, &[b"certificate", b"another"]) {
            Ok(jwt) => {
                prop_assert!(ids.is_none());
                let token = Token::decode(jwt.as_bytes()).unwrap();
                prop_assert_eq!(token.claims(), &claims);
                prop_assert_eq!(token.certificates().unwrap(), [b"certificate".as_slice(), b"another"]);
                prop_assert!(token.verify(key.public_key(), fastest()).is_ok());
            }
            Err(error) => prop_assert!(ids.is_some() && error == BuildError::IdentifierListAsJwt),
        }
    }
}
