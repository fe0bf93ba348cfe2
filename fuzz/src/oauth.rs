//! What is said around the issuing of documents: metadata, authorization, tokens, and statements that are signed.

use std::hint::black_box;
use std::sync::OnceLock;

use mdoc_core::crypto::PublicKey;
use mdoc_core::seams::Signer as _;
use mdoc_core::time::Timestamp;
use mdoc_openid::Secret;
use mdoc_openid::jose::base64url;
use mdoc_openid::jose::trust::Trust;
use mdoc_openid::vci::attestation::{self, AttestationRules};
use mdoc_openid::vci::authorization::{
    AuthorizationRequest, Callback, PushedResponse, address, pushed_address,
};
use mdoc_openid::vci::client::{self, ChallengeResponse, ClientRules};
use mdoc_openid::vci::credential::{NonceResponse, Notification};
use mdoc_openid::vci::dpop::{self, DpopRules};
use mdoc_openid::vci::error::ErrorAnswer;
use mdoc_openid::vci::metadata::{self, IssuerMetadata, KeyAttestationsRequired};
use mdoc_openid::vci::proof::{self, Attestations, ProofRules, Proofs, Wallet};
use mdoc_openid::vci::server::ServerMetadata;
use mdoc_openid::vci::token::{TokenRequest, TokenResponse};
use mdoc_openid::vci::{Draft, Nonces, Window};
use mdoc_openid::web::{Address, Form, well_known};
use serde_json::Value;

use crate::fixtures::world;
use crate::memory::{remembering, signed as sign};
use crate::openid::{ALGORITHMS, ISSUER, NONCE, NOW};

/// Whether a JSON text has a number that is not whole: such a one may differ in its last digit when it is read again.
fn has_fraction(body: &[u8]) -> bool {
    fn fraction(value: &Value) -> bool {
        match value {
            Value::Number(number) => number.is_f64(),
            Value::Array(items) => items.iter().any(fraction),
            Value::Object(members) => members.values().any(fraction),
            _ => false,
        }
    }
    serde_json::from_slice(body).is_ok_and(|value| fraction(&value))
}

/// Metadata of an issuer or of its authorization server, as the first byte says. What is read is written and read to itself,
/// but for what nobody could read.
pub fn metadata(input: &[u8]) {
    let Some((kind, body)) = input.split_first() else {
        return;
    };
    if kind % 3 == 2 {
        match ServerMetadata::decode(body, ISSUER) {
            Err(error) => assert!(!error.to_string().is_empty()),
            Ok(read) => {
                assert_eq!(read.issuer, ISSUER);
                assert_eq!(ServerMetadata::decode(&read.encode(), ISSUER).as_ref(), Ok(&read));
                black_box((read.has_dpop(), read.has_grant("authorization_code")));
            }
        }
        return;
    }
    match IssuerMetadata::decode(body, ISSUER) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(mut read) => {
            assert_eq!(read.credential_issuer, ISSUER);
            let _ = read.validate().map_err(|error| error.to_string());
            let servers = &read.authorization_servers;
            let server = read.authorization_server(None).unwrap();
            assert!(server == ISSUER || servers.iter().any(|known| known == server));
            black_box(
                read.credential_request_encryption
                    .as_ref()
                    .map(|terms| terms.recipient().is_ok()),
            );
            for configuration in read.credential_configurations_supported.values() {
                black_box((configuration.is_mdoc(), configuration.displays().len()));
            }
            let oldest = if kind % 3 == 0 {
                Draft::Final
            } else {
                Draft::Draft13
            };
            let written = read.encode(oldest);
            let again = IssuerMetadata::decode(&written, ISSUER).unwrap();
            assert!(again.unreadable.is_empty());
            read.unreadable.clear();
            // For drafts things stand at a second place, which is read if they do not stand at the first, and not written for
            // the final version.
            for configuration in read.credential_configurations_supported.values_mut() {
                configuration.display.clear();
            }
            if oldest == Draft::Final && !has_fraction(&written) {
                assert!(again == read);
            }
        }
    }
}

/// Requests and answers of the authorization server, one kind by the first byte. What is read is written and read to itself,
/// and what the browser brings is the answer to our question.
pub fn authorization(input: &[u8]) {
    let Some((kind, body)) = input.split_first() else {
        return;
    };
    match kind % 12 {
        0 => match AuthorizationRequest::decode(body) {
            Err(error) => assert!(!error.to_string().is_empty() && !error.code().text().is_empty()),
            Ok(read) => {
                assert_eq!(read.code_challenge.len(), 43);
                let written = read.encode();
                let again = AuthorizationRequest::decode(written.as_bytes()).unwrap();
                assert!(
                    again == read
                        || read
                            .authorization_details
                            .iter()
                            .any(|one| !one.claims.is_empty())
                );
                assert!(address("https://a/b", &written).starts_with("https://a/b?"));
            }
        },
        1 => {
            if let Ok(read) = PushedResponse::decode(body) {
                assert_eq!(PushedResponse::decode(&read.encode()).as_ref(), Ok(&read));
                let address = pushed_address(ISSUER, "wallet", &read.request_uri);
                let form = Form::parse(address.split_once('?').unwrap().1.as_bytes());
                let said = form.map(|form| form.get("request_uri").unwrap().map(str::to_owned));
                let wanted = Some(read.request_uri.clone()).filter(|uri| !uri.is_empty());
                assert!(said == Ok(wanted) || read.request_uri.contains('\0'));
            }
        }
        2 => callback(body),
        3 => match TokenRequest::decode(body) {
            Err(error) => assert!(!error.to_string().is_empty() && !error.code().text().is_empty()),
            Ok(read) => {
                let again = TokenRequest::decode(read.encode().as_bytes()).unwrap();
                assert!(
                    again == read
                        || read
                            .authorization_details
                            .iter()
                            .any(|one| !one.claims.is_empty())
                );
            }
        },
        4 => {
            if let Ok(read) = TokenResponse::decode(body) {
                let written = read.encode(Draft::Draft13);
                let again = TokenResponse::decode(&written).unwrap();
                assert!(again == read || has_fraction(&written));
                let last = TokenResponse::decode(&read.encode(Draft::Final)).unwrap();
                assert!(last.c_nonce.is_none() && last.access_token == read.access_token);
                assert_eq!(last.is_dpop(), read.is_dpop());
            }
        }
        5 => {
            if let Ok(read) = ErrorAnswer::decode(body) {
                assert_eq!(ErrorAnswer::decode(&read.encode()).as_ref(), Ok(&read));
                if let Some(code) = read.code() {
                    assert_eq!(code.text(), read.error);
                    let made = ErrorAnswer::new(code, read.error_description.as_deref().unwrap_or_default());
                    let said = made.error_description.unwrap_or_default();
                    assert!(
                        said.bytes()
                            .all(|byte| matches!(byte, b' '..=b'~') && byte != b'"')
                    );
                }
            }
        }
        6 => {
            if let Ok(read) = ChallengeResponse::decode(body) {
                assert_eq!(ChallengeResponse::decode(&read.encode()).as_ref(), Ok(&read));
            }
        }
        7 => {
            if let Ok(read) = NonceResponse::decode(body) {
                assert_eq!(NonceResponse::decode(&read.encode()).as_ref(), Ok(&read));
            }
        }
        8 => {
            if let Ok(read) = Notification::decode(body) {
                assert_eq!(Notification::decode(&read.encode()).as_ref(), Ok(&read));
            }
        }
        9 => {
            if let Ok(form) = Form::parse(body) {
                let value = form.get("a").unwrap_or(None);
                assert!(value.is_none_or(|value| !value.is_empty() && !value.contains('\0')));
            }
        }
        _ => place(core::str::from_utf8(body).unwrap_or_default()),
    }
}

/// What the browser brings back.
fn callback(query: &[u8]) {
    for promised in [false, true] {
        if let Ok(read) = Callback::decode(query, "s-1", (ISSUER, promised)) {
            let address = read.encode("https://w.example/cb", Some("s-1"), ISSUER);
            let query = address.split_once('?').unwrap().1;
            assert_eq!(
                Callback::decode(query.as_bytes(), "s-1", (ISSUER, true)),
                Ok(read)
            );
            assert!(Callback::decode(query.as_bytes(), "s-2", (ISSUER, true)).is_err());
        }
    }
}

/// An address: its parts make the whole again, and it is where it is.
fn place(text: &str) {
    let Ok(read) = Address::parse(text) else { return };
    let mut whole = format!("{}{}", read.origin, read.path);
    for (mark, part) in [('?', read.query), ('#', read.fragment)] {
        if let Some(part) = part {
            whole.push(mark);
            whole.push_str(part);
        }
    }
    assert_eq!(whole, text);
    assert!(read.same_place(&read));
    assert!(read.path.is_empty() || read.path.starts_with('/'));
    if let Ok([new, old]) = well_known(text, "x") {
        for document in [new, old] {
            assert_eq!(Address::parse(&document).unwrap().origin, read.origin);
        }
    }
}

/// Who is trusted: a key by its name, and whoever the root of the world certified.
fn trust() -> &'static Trust {
    static TRUST: OnceLock<Trust> = OnceLock::new();
    TRUST.get_or_init(|| Trust {
        anchors: vec![world().iaca.clone()],
        keys: vec![("k".to_owned(), world().ds_key.public_key().clone())],
    })
}

/// A JWT with that header and those claims, signed by the one who is trusted.
fn token(header: &str, claims: &str) -> String {
    let message = mdoc_core::jws::to_be_signed(header.as_bytes(), claims.as_bytes());
    let signature = sign(&world().ds_key, message.as_bytes());
    format!("{message}.{}", base64url(&signature))
}

/// Signed statements, one kind by the first byte. With its highest bit the rest are headers and claims as lines, which are
/// signed here, so that the rules behind the signature are reached; without it they are tokens.
pub fn signed_jwt(input: &[u8]) {
    holds(input);
}

/// Whether a statement holds.
pub(crate) fn holds(input: &[u8]) -> bool {
    let Some((kind, rest)) = input.split_first() else {
        return false;
    };
    let Ok(text) = core::str::from_utf8(rest) else {
        return false;
    };
    let lines: Vec<&str> = text.split('\n').take(8).collect();
    let tokens: Vec<String> = if kind & 0x80 == 0 {
        lines.into_iter().take(4).map(str::to_owned).collect()
    } else {
        let pairs = lines.chunks(2);
        pairs
            .map(|pair| token(pair[0], pair.get(1).unwrap_or(&"")))
            .collect()
    };
    let (first, second) = (&tokens[0], tokens.get(1).map_or("", String::as_str));
    let known = |nonce: &str| nonce == NONCE;
    let nonces = Nonces::Required(&known);
    let window = Window::at(Timestamp::from_unix(NOW));
    let required = KeyAttestationsRequired {
        key_storage: vec!["iso_18045_high".to_owned()],
        user_authentication: Vec::new(),
    };
    let rules = AttestationRules {
        trust: trust(),
        required: &required,
        algorithms: ALGORITHMS,
        window,
        oldest: if kind & 0x40 == 0 {
            Draft::Final
        } else {
            Draft::Draft13
        },
    };
    let some = |keys: &[PublicKey]| assert!(!keys.is_empty() && keys.len() <= 100);
    match kind % 6 {
        0 => match attestation::verify(first, &rules, nonces, remembering()) {
            Err(error) => {
                assert!(!error.to_string().is_empty());
                return false;
            }
            Ok(attested) => {
                some(attested.keys());
                assert_eq!(attested.nonce(), Some(NONCE));
                let end = attested.claims().time("exp");
                assert!(end.is_none_or(|end| !window.is_over(end)));
                assert!(attested.named("0").is_some());
            }
        },
        1 => {
            let rules = ClientRules {
                server: ISSUER,
                trust: trust(),
                client_id: None,
                challenges: nonces,
                window,
                algorithms: ALGORITHMS,
            };
            match client::verify(first, second, &rules, remembering()) {
                Err(error) => {
                    assert!(!error.to_string().is_empty() && !error.code().text().is_empty());
                    return false;
                }
                Ok(client) => {
                    assert!(!client.client_id().is_empty() && !client.jti().is_empty());
                    assert_eq!(client.challenge(), Some(NONCE));
                    assert_eq!(client.claims().text("sub"), Some(client.client_id()));
                    assert_eq!(client.thumbprint().len(), 43);
                }
            }
        }
        2 => match metadata::verify(first, ISSUER, trust(), &window, remembering()) {
            Err(error) => {
                assert!(!error.to_string().is_empty());
                return false;
            }
            Ok(metadata) => assert_eq!(metadata.credential_issuer, ISSUER),
        },
        3 | 4 => {
            let proofs = if kind % 6 == 3 {
                Proofs::Jwt(tokens)
            } else {
                Proofs::Attestation(first.clone())
            };
            let rules = ProofRules {
                issuer: ISSUER,
                algorithms: ALGORITHMS,
                most: 3,
                wallet: Wallet::Client("wallet"),
                nonces,
                window,
                attestations: if kind & 0x20 == 0 {
                    Attestations::Required(&rules)
                } else {
                    Attestations::NotAsked
                },
                attestation_alone: true,
            };
            match proof::verify(Some(&proofs), &rules, remembering()) {
                Err(error) => {
                    assert!(!error.to_string().is_empty() && !error.code().text().is_empty());
                    return false;
                }
                Ok(proved) => {
                    some(proved.keys());
                    assert!(proved.nonces().iter().all(|nonce| nonce == NONCE));
                }
            }
        }
        _ => {
            let token = Secret::from("t-1");
            let rules = DpopRules {
                method: "POST",
                url: ISSUER,
                access_token: Some(&token),
                bound_to: None,
                nonces,
                window,
                algorithms: ALGORITHMS,
            };
            match dpop::verify(first, &rules, remembering()) {
                Err(error) => {
                    assert!(!error.to_string().is_empty() && !error.code().text().is_empty());
                    return false;
                }
                Ok(proof) => {
                    assert!(window.contains(proof.issued()) && !proof.jti().is_empty());
                    assert_eq!(proof.nonce(), Some(NONCE));
                }
            }
        }
    }
    true
}
