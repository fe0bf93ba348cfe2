use mdoc_core::crypto::RustCrypto;
use mdoc_core::seams::SoftwareKey;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::jose::jwk::{Jwk, JwkError};
use crate::jose::trust::TrustError;
use crate::vci::attestation::{self, AttestationError, AttestationRules, Statement};
use crate::vci::error::ErrorCode;
use crate::vci::metadata::KeyAttestationsRequired;
use crate::vci::world::{ES256, ISSUER, ago, ahead, changed, key, now, provider, window};
use crate::vci::{Draft, Nonces};

const NONCE: &str = "n-1";

fn known(nonce: &str) -> bool {
    nonce == NONCE
}

fn rules<'a>() -> ProofRules<'a> {
    ProofRules {
        issuer: ISSUER,
        algorithms: ES256,
        most: 3,
        wallet: Wallet::Anonymous,
        nonces: Nonces::Required(&known),
        window: window(),
        attestations: Attestations::NotAsked,
        attestation_alone: false,
    }
}

fn good(signer: &SoftwareKey) -> String {
    sign(ISSUER, None, Some(NONCE), None, now(), signer).unwrap()
}

fn verdict(tokens: Vec<String>, rules: &ProofRules<'_>) -> Result<ProvedKeys, ProofError> {
    verify(Some(&Proofs::Jwt(tokens)), rules, &RustCrypto)
}

fn fault(token: String, rules: &ProofRules<'_>) -> ProofFault {
    verdict(vec![token], rules).unwrap_err().fault
}

#[test]
fn good_proofs_give_their_keys_in_order() {
    let (a, b) = (key(1), key(2));
    let proved = verdict(vec![good(&b), good(&a)], &rules()).unwrap();
    assert_eq!(proved.keys(), [b.public_key().clone(), a.public_key().clone()]);
    assert_eq!(proved.nonces(), [NONCE.to_owned()]);
    assert!(proved.attestations().is_empty());
}

#[test]
fn each_rule_has_its_own_fault() {
    let wallet = key(1);
    let with = |header, claims| fault(changed(&good(&wallet), header, claims, &wallet), &rules());
    let none = || json!({});
    assert_eq!(
        with(json!({ "typ": "JWT" }), none()),
        ProofFault::Jwt(JwsError::Type(TYPE))
    );
    assert_eq!(
        with(json!({ "typ": null }), none()),
        ProofFault::Jwt(JwsError::Type(TYPE))
    );
    assert_eq!(
        with(json!({ "alg": "none" }), none()),
        ProofFault::Jwt(JwsError::Algorithm)
    );
    assert_eq!(with(json!({ "jwk": null }), none()), ProofFault::KeyNaming);
    assert_eq!(with(json!({ "kid": "0" }), none()), ProofFault::KeyNaming);
    assert_eq!(with(json!({ "jwk": null, "kid": "0" }), none()), ProofFault::Kid);
    assert_eq!(
        with(json!({ "jwk": null, "x5c": ["AAAA"] }), none()),
        ProofFault::Certificate
    );
    let private = json!({ "jwk": Jwk::new(wallet.public_key()).with("d", "AA") });
    assert_eq!(
        with(private, none()),
        ProofFault::Jwt(JwsError::Jwk(JwkError::Private))
    );
    let other = json!({ "jwk": Jwk::new(key(2).public_key()) });
    assert!(matches!(
        with(other, none()),
        ProofFault::Jwt(JwsError::Signature(_))
    ));
    assert_eq!(
        with(none(), json!({ "aud": "https://id.example.org/t/dmv/" })),
        ProofFault::Audience
    );
    assert_eq!(with(none(), json!({ "aud": null })), ProofFault::Audience);
    assert_eq!(with(none(), json!({ "iat": null })), ProofFault::IssuedAt);
    assert_eq!(
        with(none(), json!({ "iat": ago(361).unix() })),
        ProofFault::IssuedAt
    );
    assert_eq!(
        with(none(), json!({ "iat": ahead(61).unix() })),
        ProofFault::IssuedAt
    );
    assert_eq!(with(none(), json!({ "nonce": null })), ProofFault::NonceMissing);
    assert_eq!(with(none(), json!({ "nonce": "n-2" })), ProofFault::NonceWrong);
    assert_eq!(
        with(none(), json!({ "iss": "wallet" })),
        ProofFault::IssuerNotAllowed
    );
}

#[test]
fn times_at_the_edges_are_taken() {
    let wallet = key(1);
    for instant in [ago(360), ahead(60)] {
        let token = changed(
            &good(&wallet),
            json!({}),
            json!({ "iat": instant.unix() }),
            &wallet,
        );
        verdict(vec![token], &rules()).unwrap();
    }
}

#[test]
fn a_wrong_nonce_has_a_code_of_its_own() {
    for (fault, code) in [
        (ProofFault::NonceWrong, ErrorCode::InvalidNonce),
        (
            ProofFault::Attestation(AttestationError::NonceWrong),
            ErrorCode::InvalidNonce,
        ),
        (ProofFault::NonceMissing, ErrorCode::InvalidProof),
        (ProofFault::None, ErrorCode::InvalidProof),
    ] {
        assert_eq!(ProofError { at: 0, fault }.code(), code);
    }
}

#[test]
fn without_a_nonce_endpoint_none_is_asked_for() {
    let token = sign(ISSUER, None, None, None, now(), &key(1)).unwrap();
    let without = ProofRules {
        nonces: Nonces::NotUsed,
        ..rules()
    };
    assert!(verdict(vec![token], &without).unwrap().nonces().is_empty());
}

#[test]
fn a_client_may_be_named_if_it_is_that_of_the_token() {
    let wallet = key(1);
    let token = |client| sign(ISSUER, client, Some(NONCE), None, now(), &wallet).unwrap();
    let client = ProofRules {
        wallet: Wallet::Client("wallet"),
        ..rules()
    };
    assert!(verdict(vec![token(Some("wallet"))], &client).is_ok());
    assert!(verdict(vec![token(None)], &client).is_ok());
    assert_eq!(fault(token(Some("other")), &client), ProofFault::Issuer);
    let number = changed(&token(None), json!({}), json!({ "iss": 1 }), &wallet);
    assert_eq!(fault(number, &client), ProofFault::Issuer);
}

#[test]
fn batches_are_limited_and_their_keys_distinct() {
    let error = |at, fault| Err(ProofError { at, fault });
    let tokens = |seeds: &[u8]| seeds.iter().map(|seed| good(&key(*seed))).collect();
    let judged = |seeds: &[u8]| verdict(tokens(seeds), &rules()).map(|proved| proved.keys().len());
    assert_eq!(judged(&[1, 2, 3]), Ok(3));
    assert_eq!(judged(&[1, 2, 3, 4]), error(3, ProofFault::TooMany));
    assert_eq!(judged(&[1, 2, 1]), error(2, ProofFault::KeyRepeated));
    assert_eq!(judged(&[]), error(0, ProofFault::None));
    let none = verify(None, &rules(), &RustCrypto).map(|proved| proved.keys().len());
    assert_eq!(none, error(0, ProofFault::None));
}

struct Attested {
    provider: crate::vci::world::Provider,
    required: KeyAttestationsRequired,
}

impl Attested {
    fn new() -> Self {
        Self {
            provider: provider(),
            required: KeyAttestationsRequired {
                key_storage: vec!["iso_18045_high".to_owned(), "iso_18045_moderate".to_owned()],
                user_authentication: vec!["iso_18045_high".to_owned()],
            },
        }
    }

    fn rules(&self) -> AttestationRules<'_> {
        AttestationRules {
            trust: &self.provider.trust,
            required: &self.required,
            algorithms: ES256,
            window: window(),
            oldest: Draft::Final,
        }
    }

    fn statement(&self, keys: &[&SoftwareKey], nonce: Option<&str>) -> String {
        let keys: Vec<_> = keys.iter().map(|key| key.public_key().clone()).collect();
        let statement = Statement {
            keys: &keys,
            issued: ago(10),
            expires: ahead(3600),
            nonce,
            levels: &self.required,
        };
        attestation::sign(&statement, Named::Kid("provider-1"), &self.provider.key).unwrap()
    }
}

#[test]
fn attested_keys_are_proved_by_one_proof_or_alone() {
    let world = Attested::new();
    let attestation_rules = world.rules();
    let rules = ProofRules {
        attestations: Attestations::Required(&attestation_rules),
        ..rules()
    };
    let (a, b) = (key(1), key(2));
    let statement = world.statement(&[&a, &b], Some(NONCE));
    let token = |signer: &SoftwareKey, statement: Option<&str>| {
        sign(ISSUER, None, Some(NONCE), statement, now(), signer).unwrap()
    };
    let proved = verdict(vec![token(&b, Some(&statement))], &rules).unwrap();
    assert_eq!(proved.keys().len(), 2, "all that are attested");
    assert_eq!(proved.attestations().len(), 1);
    let two = vec![token(&a, Some(&statement)), token(&b, Some(&statement))];
    assert_eq!(verdict(two, &rules).unwrap().keys().len(), 2);

    assert_eq!(fault(token(&a, None), &rules), ProofFault::AttestationMissing);
    assert_eq!(
        fault(token(&key(3), Some(&statement)), &rules),
        ProofFault::NotAttested
    );
    let four = [key(1), key(2), key(3), key(4)];
    let many = world.statement(&four.iter().collect::<Vec<_>>(), Some(NONCE));
    assert_eq!(fault(token(&a, Some(&many)), &rules), ProofFault::TooMany);

    // By the number of the key, and by its name.
    let by_kid = |kid: &str| {
        let token = token(&b, Some(&statement));
        changed(&token, json!({ "jwk": null, "kid": kid }), json!({}), &b)
    };
    assert_eq!(verdict(vec![by_kid("1")], &rules).unwrap().keys().len(), 2);
    assert!(matches!(
        fault(by_kid("0"), &rules),
        ProofFault::Jwt(JwsError::Signature(_))
    ));
    assert_eq!(fault(by_kid("2"), &rules), ProofFault::Kid);

    // Alone, if that is allowed.
    let alone = Proofs::Attestation(statement);
    let refused = verify(Some(&alone), &rules, &RustCrypto).unwrap_err();
    assert_eq!(refused.fault, ProofFault::ProofType);
    let allowed = ProofRules {
        attestation_alone: true,
        ..rules
    };
    let proved = verify(Some(&alone), &allowed, &RustCrypto).unwrap();
    assert_eq!(
        (proved.keys().len(), proved.nonces()),
        (2, &[NONCE.to_owned()][..])
    );
}

#[test]
fn attestations_are_judged_by_each_rule() {
    let world = Attested::new();
    let rules = world.rules();
    let wallet = key(1);
    let good = world.statement(&[&wallet], Some(NONCE));
    let judged = |token: &str, rules: &AttestationRules<'_>| {
        attestation::verify(token, rules, Nonces::Required(&known), &RustCrypto).map(|keys| keys.keys().len())
    };
    assert_eq!(judged(&good, &rules), Ok(1));
    let with =
        |header, claims| judged(&changed(&good, header, claims, &world.provider.key), &rules).unwrap_err();
    let none = || json!({});
    assert_eq!(
        with(json!({ "typ": "keyattestation+jwt" }), none()),
        AttestationError::Jwt(JwsError::Type(attestation::TYPE))
    );
    assert_eq!(
        with(json!({ "kid": "provider-2" }), none()),
        AttestationError::Trust(TrustError::UnknownKid)
    );
    assert_eq!(
        with(json!({ "kid": null }), none()),
        AttestationError::Trust(TrustError::NoKey)
    );
    assert_eq!(with(none(), json!({ "iat": null })), AttestationError::IssuedAt);
    assert_eq!(
        with(none(), json!({ "iat": ahead(61).unix() })),
        AttestationError::IssuedAt
    );
    assert_eq!(
        with(none(), json!({ "exp": ago(60).unix() })),
        AttestationError::Expired
    );
    assert_eq!(with(none(), json!({ "exp": "soon" })), AttestationError::Expired);
    assert_eq!(
        with(none(), json!({ "nonce": null })),
        AttestationError::NonceMissing
    );
    assert_eq!(
        with(none(), json!({ "nonce": "old" })),
        AttestationError::NonceWrong
    );
    assert_eq!(
        with(none(), json!({ "attested_keys": [] })),
        AttestationError::Keys
    );
    assert_eq!(
        with(none(), json!({ "attested_keys": null })),
        AttestationError::Keys
    );
    assert_eq!(
        with(none(), json!({ "attested_keys": [{ "kty": "RSA" }] })),
        AttestationError::Key(
            Jwk::public_key(&serde_json::from_str(r#"{"kty":"RSA"}"#).unwrap()).unwrap_err()
        )
    );
    assert_eq!(
        with(none(), json!({ "key_storage": ["iso_18045_basic"] })),
        AttestationError::KeyStorage
    );
    assert_eq!(
        with(none(), json!({ "user_authentication": null })),
        AttestationError::UserAuthentication
    );
    let forged = changed(&good, none(), none(), &key(9));
    assert!(matches!(
        judged(&forged, &rules),
        Err(AttestationError::Jwt(JwsError::Signature(_)))
    ));
    // The name of the type in draft 15, where that is spoken.
    let old = changed(
        &good,
        json!({ "typ": "keyattestation+jwt" }),
        none(),
        &world.provider.key,
    );
    let spoken = AttestationRules {
        oldest: Draft::Draft15,
        ..rules
    };
    assert_eq!(judged(&old, &spoken), Ok(1));
}

#[test]
fn inside_a_proof_an_attestation_has_an_end_and_may_leave_out_the_nonce() {
    let world = Attested::new();
    let attestation_rules = world.rules();
    let rules = ProofRules {
        attestations: Attestations::Required(&attestation_rules),
        ..rules()
    };
    let wallet = key(1);
    let proof = |statement: &str| sign(ISSUER, None, Some(NONCE), Some(statement), now(), &wallet).unwrap();
    let without_nonce = world.statement(&[&wallet], None);
    assert!(verdict(vec![proof(&without_nonce)], &rules).is_ok());
    let stale = world.statement(&[&wallet], Some("old"));
    let error = verdict(vec![proof(&stale)], &rules).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidNonce);
    let endless = changed(
        &without_nonce,
        json!({}),
        json!({ "exp": null }),
        &world.provider.key,
    );
    assert_eq!(
        fault(proof(&endless), &rules),
        ProofFault::Attestation(AttestationError::NoEnd)
    );
}

#[test]
fn chains_of_certificates_lead_to_an_anchor() {
    let world = Attested::new();
    let wallet = key(1);
    let keys = [wallet.public_key().clone()];
    let statement = Statement {
        keys: &keys,
        issued: ago(10),
        expires: ahead(3600),
        nonce: Some(NONCE),
        levels: &world.required,
    };
    let signed = |chain: &[&[u8]], signer: &SoftwareKey| {
        attestation::sign(&statement, Named::Certificates(chain), signer).unwrap()
    };
    let judged = |token: &str, rules: &AttestationRules<'_>| match attestation::verify(
        token,
        rules,
        Nonces::Required(&known),
        &RustCrypto,
    ) {
        Ok(_) => Ok(()),
        Err(AttestationError::Trust(fault)) => Err(fault),
        Err(other) => panic!("{other}"),
    };
    let (leaf, root) = (world.provider.leaf.der(), world.provider.root.der());
    let rules = world.rules();
    let token = signed(&[leaf], &world.provider.key);
    assert_eq!(judged(&token, &rules), Ok(()));
    assert_eq!(
        judged(&signed(&[leaf, root], &world.provider.key), &rules),
        Ok(())
    );
    assert_eq!(
        judged(&signed(&[root], &key(100)), &rules),
        Err(TrustError::SelfSigned)
    );
    assert_eq!(
        judged(&signed(&[root, leaf], &key(100)), &rules),
        Err(TrustError::SelfSigned)
    );
    assert_eq!(
        judged(&signed(&[leaf, leaf], &key(101)), &rules),
        Err(TrustError::NotTrusted)
    );
    let both = changed(
        &token,
        json!({ "kid": "provider-1" }),
        json!({}),
        &world.provider.key,
    );
    assert_eq!(judged(&both, &rules), Err(TrustError::SeveralKeys));
    let mut late = rules;
    late.window.now = ahead(86_400 * 401);
    assert_eq!(judged(&token, &late), Err(TrustError::Validity));
    let nobody = crate::jose::Trust::default();
    let mut untrusting = rules;
    untrusting.trust = &nobody;
    assert_eq!(judged(&token, &untrusting), Err(TrustError::NotTrusted));
}

proptest! {
    #[test]
    fn any_proof_is_judged(text in "[A-Za-z0-9_.-]{0,300}") {
        prop_assert!(verdict(vec![text], &rules()).is_err());
    }
}
