use mdoc_core::crypto::RustCrypto;
use mdoc_core::seams::SoftwareKey;

use super::*;
use crate::vci::world::{ES256, Provider, ago, ahead, changed, key, now, provider, window};

const SERVER: &str = "https://id.example.org/t/dmv";
const WALLET: &str = "https://wallet.example.org";

struct World {
    provider: Provider,
    wallet: SoftwareKey,
    attestation: String,
    pop: String,
}

fn world() -> World {
    let (provider, wallet) = (provider(), key(1));
    let times = (ago(100), ahead(3600));
    let attestation = sign_attestation(
        WALLET,
        wallet.public_key(),
        times,
        &[("wallet_name", "Wallet"), ("sub", "another")],
        Named::Kid("provider-1"),
        &provider.key,
    )
    .unwrap();
    let pop = sign_pop(WALLET, SERVER, Some("c-1"), &Secret::from("j-1"), now(), &wallet).unwrap();
    World {
        provider,
        wallet,
        attestation,
        pop,
    }
}

fn known(challenge: &str) -> bool {
    challenge == "c-1"
}

impl World {
    fn rules(&self) -> ClientRules<'_> {
        ClientRules {
            server: SERVER,
            trust: &self.provider.trust,
            client_id: Some(WALLET),
            challenges: Nonces::Required(&known),
            window: window(),
            algorithms: ES256,
        }
    }

    fn judged(&self, attestation: &str, pop: &str) -> Result<VerifiedClient, ClientError> {
        verify(attestation, pop, &self.rules(), &RustCrypto)
    }
}

#[test]
fn a_wallet_authenticates() {
    let world = world();
    let client = world.judged(&world.attestation, &world.pop).unwrap();
    assert_eq!(client.client_id(), WALLET);
    assert_eq!(client.claims().text("wallet_name"), Some("Wallet"));
    assert_eq!(client.key(), world.wallet.public_key());
    assert_eq!((client.jti(), client.challenge()), ("j-1", Some("c-1")));
    assert_eq!(client.thumbprint(), jwk::thumbprint(client.key(), &RustCrypto));
}

#[test]
fn each_rule_of_the_statement_has_its_own_error() {
    let world = world();
    let with = |header, claims| {
        let other = changed(&world.attestation, header, claims, &world.provider.key);
        world.judged(&other, &world.pop).unwrap_err()
    };
    let none = || json!({});
    assert_eq!(
        with(json!({ "typ": "jwt" }), none()),
        ClientError::Attestation(JwsError::Type(ATTESTATION_TYPE))
    );
    assert_eq!(
        with(json!({ "kid": "x" }), none()),
        ClientError::Trust(TrustError::UnknownKid)
    );
    assert_eq!(with(none(), json!({ "sub": "other" })), ClientError::Subject);
    assert_eq!(with(none(), json!({ "sub": null })), ClientError::Subject);
    assert_eq!(
        with(none(), json!({ "exp": ago(60).unix() })),
        ClientError::Expired
    );
    assert_eq!(with(none(), json!({ "exp": null })), ClientError::Expired);
    assert_eq!(
        with(none(), json!({ "nbf": ahead(61).unix() })),
        ClientError::NotYet
    );
    assert_eq!(with(none(), json!({ "iat": "x" })), ClientError::NotYet);
    assert_eq!(with(none(), json!({ "cnf": {} })), ClientError::Confirmation);
    assert_eq!(with(none(), json!({ "cnf": null })), ClientError::Confirmation);
    let forged = changed(&world.attestation, none(), none(), &key(7));
    assert!(matches!(
        world.judged(&forged, &world.pop),
        Err(ClientError::Attestation(JwsError::Signature(_)))
    ));
}

#[test]
fn each_rule_of_the_proof_has_its_own_error() {
    let world = world();
    let with = |header, claims| {
        let other = changed(&world.pop, header, claims, &world.wallet);
        world.judged(&world.attestation, &other).unwrap_err()
    };
    let none = || json!({});
    assert_eq!(
        with(json!({ "typ": "jwt" }), none()),
        ClientError::Pop(JwsError::Type(POP_TYPE))
    );
    assert_eq!(
        with(none(), json!({ "aud": "https://id.example.org" })),
        ClientError::Audience
    );
    assert_eq!(with(none(), json!({ "iss": "other" })), ClientError::PopIssuer);
    assert_eq!(with(none(), json!({ "jti": null })), ClientError::Identifier);
    assert_eq!(
        with(none(), json!({ "iat": ago(361).unix() })),
        ClientError::PopIssuedAt
    );
    assert_eq!(with(none(), json!({ "iat": null })), ClientError::PopIssuedAt);
    assert_eq!(
        with(none(), json!({ "challenge": null })),
        ClientError::ChallengeMissing
    );
    assert_eq!(
        with(none(), json!({ "challenge": "old" })),
        ClientError::ChallengeWrong
    );
    let stolen = changed(&world.pop, none(), none(), &key(7));
    assert!(matches!(
        world.judged(&world.attestation, &stolen),
        Err(ClientError::Pop(JwsError::Signature(_)))
    ));
}

#[test]
fn later_drafts_leave_out_the_issuer_and_challenges_are_not_always_asked_for() {
    let world = world();
    let pop = changed(
        &world.pop,
        json!({}),
        json!({ "iss": null, "challenge": null }),
        &world.wallet,
    );
    assert!(matches!(
        world.judged(&world.attestation, &pop),
        Err(ClientError::ChallengeMissing)
    ));
    let mut rules = world.rules();
    rules.challenges = Nonces::NotUsed;
    rules.client_id = None;
    let client = verify(&world.attestation, &pop, &rules, &RustCrypto).unwrap();
    assert_eq!(client.challenge(), None);
}

#[test]
fn codes_say_what_to_do() {
    for (fault, code) in [
        (ClientError::ChallengeMissing, ErrorCode::UseAttestationChallenge),
        (ClientError::ChallengeWrong, ErrorCode::UseAttestationChallenge),
        (ClientError::Expired, ErrorCode::UseFreshAttestation),
        (ClientError::Audience, ErrorCode::InvalidClientAttestation),
    ] {
        assert_eq!(fault.code(), code);
    }
}
