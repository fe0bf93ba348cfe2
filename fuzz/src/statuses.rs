//! Status of documents: tokens, the lists in them, and lists of lists.

use core::time::Duration;
use std::sync::OnceLock;

use integration::statuses::{INDEX, URI, reference, signer};
use mdoc_core::crypto::PublicKey;
use mdoc_core::mso::{IdentifierListReference, Status};
use mdoc_core::seams::{Signer as _, SoftwareKey};
use mdoc_core::status::{self, Answer, Claims, Content, Evidence, Token, Trust, aggregated};
use mdoc_core::verify::{Form, Inputs, MDL_DOC_TYPE, Policy, verify};
use mdoc_core::x509::Certificate;

use crate::fixtures::{backend, world};
use crate::memory::remembering;

/// A key that signed no status list: nothing stands under it.
fn nobody() -> PublicKey {
    world().device_key.public_key().clone()
}

/// A status list token of either form, or an aggregation.
pub fn status_token(input: &[u8]) {
    if let Ok(uris) = aggregated(input) {
        assert!(uris.iter().all(|uri| !uri.is_empty()));
    }
    if let Ok(claims) = Claims::decode(input) {
        taken(&claims);
        let again = Claims::decode(&claims.encode()).unwrap();
        assert_eq!(format!("{again:?}"), format!("{claims:?}"));
    }
    match Token::decode(input) {
        Err(reason) => assert!(!reason.to_string().is_empty()),
        Ok(token) => {
            assert!(token.verify(&nobody(), backend()).is_err(), "nobody signed it");
            taken(token.claims());
            let _ = token.certificates();
        }
    }
}

fn taken(claims: &Claims) {
    match &claims.content {
        Content::StatusList(list) => {
            if let Ok(inflated) = list.inflate() {
                let entries = inflated.entries();
                assert!(inflated.get(entries).is_none());
                assert!(entries == 0 || inflated.get(entries - 1).is_some());
                assert_eq!(inflated.deflate().inflate().unwrap().entries(), entries);
            }
        }
        Content::IdentifierList(list) => assert!(!list.contains(b"an identifier of nobody's")),
    }
}

/// What a document says of its status: a place in a status list, or an identifier.
fn references() -> &'static [Status; 2] {
    static REFERENCES: OnceLock<[Status; 2]> = OnceLock::new();
    REFERENCES.get_or_init(|| {
        let by_identifier = Status {
            identifier_list: Some(IdentifierListReference {
                id: IDENTIFIER.to_vec(),
                uri: URI.to_owned(),
                certificate: None,
            }),
            ..Status::default()
        };
        [reference(), by_identifier]
    })
}

/// The identifier of the document.
pub(crate) const IDENTIFIER: &[u8] = b"id";

/// Documents with these references.
fn documents() -> &'static [Vec<u8>; 2] {
    static DOCUMENTS: OnceLock<[Vec<u8>; 2]> = OnceLock::new();
    DOCUMENTS.get_or_init(|| {
        let issue = |status: &Status| {
            world()
                .issue()
                .only(&["family_name"])
                .status(status.clone())
                .sign()
        };
        references().each_ref().map(issue)
    })
}

/// Who signs the lists, with the fast backend.
fn list_signer() -> &'static (SoftwareKey, Certificate) {
    static SIGNER: OnceLock<(SoftwareKey, Certificate)> = OnceLock::new();
    SIGNER.get_or_init(|| {
        let (key, certificate) = signer(world());
        let key = SoftwareKey::with_backend(key.secret().clone(), backend()).unwrap();
        (key, certificate)
    })
}

/// The claims of a list, which is signed here so that what they say is reached, and a document that refers to it. The first
/// byte chooses the reference, the form, the clock and the policy.
pub fn status_check(input: &[u8]) {
    let Some((how, claims)) = input.split_first() else {
        return;
    };
    let Ok(claims) = Claims::decode(claims) else {
        return;
    };
    let world = world();
    let (key, certificate) = list_signer();
    let chain: &[&[u8]] = &[certificate.der()];
    let token = if how & 2 == 0 {
        claims.sign_cwt(key, chain).unwrap()
    } else {
        match claims.sign_jwt(key, chain) {
            Ok(token) => token.into_bytes(),
            Err(error) => return assert!(!error.to_string().is_empty()),
        }
    };
    let which = usize::from(how & 1);
    let evidence = [Evidence {
        uri: URI,
        token: &token,
        fetched: world.now.minus(Duration::from_secs(u64::from(how >> 4) * 1800)),
    }];
    let policy = if how & 4 == 0 {
        Policy::STANDARD
    } else {
        Policy::STRICT
    };
    let inputs = status::Inputs {
        doc_type: (how & 8 == 0).then_some(MDL_DOC_TYPE),
        policy,
        backend: remembering(),
        ..status::Inputs::new(Trust::Issuer(&world.iaca), world.now)
    };
    let finding = status::check(&references()[which], &evidence, &inputs);
    assert!(!finding.answer.to_string().is_empty());
    let said = entry(&claims, which == 1);
    match &finding.answer {
        Answer::Unknown(reason) => assert!(!reason.to_string().is_empty()),
        Answer::Valid => assert_eq!(said, Some(0)),
        Answer::Revoked => assert_eq!(said, Some(1)),
        Answer::Suspended => assert_eq!(said, Some(2)),
        Answer::Expired => panic!("no list says so"),
        Answer::Application(value) => assert_eq!(said, Some(*value)),
    }
    if !matches!(finding.answer, Answer::Unknown(_)) {
        assert_eq!(claims.subject, URI);
        assert!(
            claims
                .expires
                .is_none_or(|end| end.plus(Duration::from_secs(60)) > world.now)
        );
    }
    let judged = Inputs {
        status_lists: &evidence,
        policy,
        backend: remembering(),
        ..world.inputs()
    };
    let report = verify(&documents()[which], Form::IssuerSigned, &judged);
    if report.accepted() {
        assert!(matches!(finding.answer, Answer::Valid | Answer::Unknown(_)));
    }
}

/// What a list says of the document, looked up here.
fn entry(claims: &Claims, by_identifier: bool) -> Option<u8> {
    match (&claims.content, by_identifier) {
        (Content::StatusList(list), false) => list.inflate().ok()?.get(INDEX),
        (Content::IdentifierList(list), true) => {
            Some(u8::from(list.identifiers.iter().any(|id| id == IDENTIFIER)))
        }
        _ => None,
    }
}
