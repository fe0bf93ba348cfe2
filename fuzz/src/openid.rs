//! What a wallet and an issuer send each other over OpenID4VCI.

use std::hint::black_box;
use std::sync::OnceLock;

use mdoc_core::crypto::{Curve, SecretKey, SignatureAlgorithm};
use mdoc_core::time::Timestamp;
use mdoc_openid::Secret;
use mdoc_openid::jose::jwe::{self, Encryption, Opening, OwnKey};
use mdoc_openid::jose::jws::Jws;
use mdoc_openid::vci::credential::{Answer, CredentialRequest, DeferredRequest};
use mdoc_openid::vci::dpop::{self, DpopRules};
use mdoc_openid::vci::offer::{CredentialOffer, Received, reference_uri};
use mdoc_openid::vci::proof::{self, Attestations, ProofRules, Proofs, Wallet};
use mdoc_openid::vci::{Draft, Nonces, Window};

use crate::fixtures::world;
use crate::memory::remembering;

/// The issuer of the seeds.
pub(crate) const ISSUER: &str = "https://id.example.org/t/dmv";
/// The nonce of the seeds.
pub(crate) const NONCE: &str = "n-1";
/// When the seeds were made.
pub(crate) const NOW: i64 = 1_780_315_200;

/// The algorithms that are taken.
pub(crate) const ALGORITHMS: &[SignatureAlgorithm] = &[
    SignatureAlgorithm::Es256,
    SignatureAlgorithm::Es384,
    SignatureAlgorithm::Es512,
    SignatureAlgorithm::EdDsa,
];

/// The key that seeds are encrypted for.
pub(crate) fn recipient() -> &'static SecretKey {
    static KEY: OnceLock<SecretKey> = OnceLock::new();
    KEY.get_or_init(|| SecretKey::generate(Curve::P256, &mut world().rng("jwe")))
}

/// A JWT, as such and as a proof of either kind. What is accepted says what was asked for.
pub fn jws(input: &[u8]) {
    let Ok(text) = core::str::from_utf8(input) else {
        return;
    };
    match Jws::decode(text) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(jws) => {
            black_box(jws.header().x5c().is_ok());
            if let Ok(Some(key)) = jws.header().jwk() {
                black_box(jws.verify(&key, ALGORITHMS, remembering()).is_ok());
            }
        }
    }
    let known = |nonce: &str| nonce == NONCE;
    let window = Window::at(Timestamp::from_unix(NOW));
    let rules = ProofRules {
        issuer: ISSUER,
        algorithms: ALGORITHMS,
        most: 2,
        wallet: Wallet::Anonymous,
        nonces: Nonces::Required(&known),
        window,
        attestations: Attestations::NotAsked,
        attestation_alone: false,
    };
    let proofs = Proofs::Jwt(vec![text.to_owned()]);
    if let Ok(proved) = proof::verify(Some(&proofs), &rules, remembering()) {
        assert!(proved.nonces() == [NONCE] && proved.keys().len() == 1);
    }
    let token = Secret::from("t-1");
    let rules = DpopRules {
        method: "POST",
        url: ISSUER,
        access_token: Some(&token),
        bound_to: None,
        nonces: Nonces::NotUsed,
        window,
        algorithms: ALGORITHMS,
    };
    if let Ok(proof) = dpop::verify(text, &rules, remembering()) {
        assert!(window.contains(proof.issued()) && !proof.jti().is_empty());
    }
}

/// A JWE. What is opened is no larger than is allowed.
pub fn jwe(input: &[u8]) {
    let Ok(text) = core::str::from_utf8(input) else {
        return;
    };
    let keys = [OwnKey {
        kid: None,
        secret: recipient(),
    }];
    let opening = Opening {
        keys: &keys,
        encryptions: &Encryption::ALL,
        compressed: true,
    };
    match jwe::decrypt(text, &opening, remembering()) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(opened) => assert!(opened.plaintext.len() <= jwe::LARGEST_PLAINTEXT.max(text.len())),
    }
}

/// The bodies of requests for documents, of their answers, and offers: one kind by the first byte. What is read is written
/// and read to itself.
pub fn credential_request(input: &[u8]) {
    let Some((kind, body)) = input.split_first() else {
        return;
    };
    match kind % 8 {
        0 => request(body, Draft::Final),
        1 => request(body, Draft::Draft15),
        2 => request(body, Draft::Draft13),
        3 => match DeferredRequest::decode(body, true, Draft::Final) {
            Err(error) => assert!(!error.code().text().is_empty()),
            Ok(request) => {
                let again = DeferredRequest::decode(&request.encode(), true, Draft::Final);
                assert!(again.as_ref() == Ok(&request));
            }
        },
        4 | 5 => answer(if kind % 8 == 4 { 200 } else { 400 }, body),
        6 => match CredentialOffer::decode(body) {
            Err(error) => assert!(!error.to_string().is_empty()),
            Ok(offer) => {
                assert_eq!(CredentialOffer::decode(&offer.encode()).as_ref(), Ok(&offer));
            }
        },
        _ => {
            let text = core::str::from_utf8(body).unwrap_or_default();
            match CredentialOffer::parse(text) {
                Err(error) => assert!(!error.to_string().is_empty()),
                Ok(Received::ByValue(offer)) => {
                    let uri = offer.to_uri("openid-credential-offer://");
                    assert_eq!(CredentialOffer::parse(&uri), Ok(Received::ByValue(offer)));
                }
                Ok(Received::ByReference(address)) => {
                    let uri = reference_uri("openid-credential-offer://", &address);
                    assert_eq!(CredentialOffer::parse(&uri), Ok(Received::ByReference(address)));
                }
            }
        }
    }
}

fn request(body: &[u8], version: Draft) {
    match CredentialRequest::decode(body, true, version) {
        Err(error) => assert!(!error.code().text().is_empty()),
        Ok(request) => {
            let rewritten = |request: &CredentialRequest| {
                CredentialRequest::decode(&request.encode(version), true, version).unwrap()
            };
            let again = rewritten(&request);
            assert!(again.wanted == request.wanted && again.proofs == request.proofs);
            // For drafts the algorithm is written beside the key, and read as one of the key.
            assert!(again == request || version < Draft::Final);
            assert!(again.response_encryption.is_some() == request.response_encryption.is_some());
            assert!(rewritten(&again) == again);
        }
    }
}

fn answer(status: u16, body: &[u8]) {
    match Answer::decode(status, body, Some("t")) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(Answer::Response(response)) => {
            let (status, written) = response.encode(Draft::Draft13);
            assert!(Answer::decode(status, &written, None) == Ok(Answer::Response(response)));
        }
        Ok(answer @ Answer::Error { .. }) => drop(black_box(answer.fresh_nonce().is_some())),
    }
}
