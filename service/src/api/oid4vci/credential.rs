//! Documents for keys: at once, later, and what became of them.

mod signing;

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use mdoc_core::crypto::PublicKey;
use mdoc_core::time::Timestamp;
use mdoc_openid::jose::jwe::OwnKey;
use mdoc_openid::jose::{base64url, from_base64url, jwk};
use mdoc_openid::vci::attestation::AttestationRules;
use mdoc_openid::vci::credential::{
    self, APPLICATION_JWT, CredentialRequest, CredentialResponse, DeferredRequest, Event, Notification,
    ResponseTerms, Wanted,
};
use mdoc_openid::vci::metadata::{KeyAttestationsRequired, ResponseEncryption};
use mdoc_openid::vci::proof::{Attestations, ProofFault, ProofRules, Proofs, ProvedKeys, Wallet, verify};
use mdoc_openid::vci::{Draft, ErrorCode, Nonces, Window};
use zeroize::Zeroizing;

use self::signing::sign_and_record;
use super::caller::{ALGORITHMS, Caller, spend};
use super::paths;
use crate::api::Shared;
use crate::api::answer::{No, json};
use crate::api::remote::Remote;
use crate::domain::Refusal;
use crate::domain::profile::{KeyAttestation, MOST_COPIES, Profile};
use crate::nonce::Kind;
use crate::service::Service;
use crate::store::Tx;
use crate::terms::Terms;
use crate::usecase::collect::{self, Holder, Once, Session};
use crate::usecase::deferred::{self, Later};
use crate::usecase::devices::Facts;
use crate::usecase::issue;
use crate::usecase::{Failure, delivery};
use crate::{nonce, random, secrets};

/// After how many seconds a wallet may ask again for what somebody has to approve.
const INTERVAL: u64 = 60;

/// A key of the wallet, and its thumbprint.
type Key = (PublicKey, [u8; 32]);

/// What a wallet asks documents with.
struct Asked {
    /// A document for each of them.
    keys: Vec<Key>,
    /// What may be presented once.
    once: Vec<Once>,
    /// How well the keys are kept, if somebody trusted said so.
    key_security: Option<String>,
}

pub(super) async fn credential(
    State(service): Shared,
    remote: Remote,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, No> {
    let (caller, token) = Caller::with_token(&service, paths::CREDENTIAL, &headers)?;
    let session = session(&service, &caller, &token, collect::session).await?;
    let answer = asked(&service, (&session, &token, &caller), (&headers, &body), &remote).await;
    if answer.is_err() {
        // Whoever saw the request that failed does not try another one with its proof.
        spend(&service, caller.once, No::of_credential).await?;
    }
    answer
}

async fn asked(
    service: &Arc<Service>,
    (session, token, caller): (&Session, &[u8], &Caller),
    (headers, body): (&HeaderMap, &[u8]),
    remote: &Remote,
) -> Result<Response, No> {
    let (body, encrypted) = open(service, headers, body)?;
    let request = CredentialRequest::decode(&body, encrypted, service.oldest)
        .map_err(|why| No::resource(why.code(), why))?;
    let recipient = response_terms(service, request.response_encryption.as_ref())?;
    let profile = wanted(service, session, &request.wanted).await?;
    let proved =
        proved(service, session, &profile, request.proofs.as_ref()).map_err(|no| no.with_nonce(service))?;
    let mut keys = keys(service, &proved);
    // A wallet may prove as many as the metadata say; it gets fewer where the profile gives fewer (OpenID4VCI 1.0, 8.3).
    keys.truncate(usize::try_from(profile.settings.copies).unwrap_or(1));
    let mut once = caller.once.clone();
    once.extend(nonces(service, &proved));
    let name = transaction(is_of_draft(service, &body));
    let asked = Asked {
        keys,
        once,
        key_security: key_security(&proved),
    };
    let response = issue_now(service, session, token, (asked, name), remote).await?;
    send(service, &response, recipient)
}

/// What a name of a transaction ends in that a wallet of a draft was told: it wants to be told otherwise that it waits.
const OF_DRAFT: u8 = 1;
/// What is random in such a name.
const NAME: usize = 32;

/// A name for what a wallet waits for.
fn transaction(of_draft: bool) -> Vec<u8> {
    let mut name = secrets::random(&mut random::system()).to_vec();
    if of_draft {
        name.push(OF_DRAFT);
    }
    name
}

/// Whether a request has the form that drafts 13 to 15 have and the final version has not; whoever sends `proofs` is taken for
/// a wallet of that.
fn is_of_draft(service: &Service, body: &[u8]) -> bool {
    let members: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let has = |member| members.get(member).is_some();
    service.oldest < Draft::Final && !has("proofs") && (has("proof") || has("format"))
}

pub(super) async fn deferred(
    State(service): Shared,
    remote: Remote,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, No> {
    let (caller, token) = Caller::with_token(&service, paths::DEFERRED, &headers)?;
    let session = session(&service, &caller, &token, deferred::session).await?;
    // Even if the wallet has to wait: its proof would be good for whoever saw it, when the wait is over.
    spend(&service, caller.once, No::of_credential).await?;
    let (body, encrypted) = open(&service, &headers, &body)?;
    let request = DeferredRequest::decode(&body, encrypted, service.oldest)
        .map_err(|why| No::resource(why.code(), why))?;
    let recipient = response_terms(&service, request.response_encryption.as_ref())?;
    let unknown = || No::resource(ErrorCode::InvalidTransactionId, "there is no such transaction");
    let id = from_base64url(&request.transaction_id).ok_or_else(unknown)?;
    let (terms, serial, now) = (service.terms.clone(), session.serial.clone(), service.now());
    let name = id.clone();
    let waiting = service
        .store
        .read(move |tx| deferred::find(tx, now, (&name, &serial, &terms)))
        .await
        .map_err(|why| No::inside(&why))?;
    let waiting = waiting.ok_or_else(unknown)?;
    let keys = waiting
        .iter()
        .filter_map(|encoded| decoded(encoded))
        .map(|key| with_thumbprint(&service, key));
    let of_draft = service.oldest < Draft::Final && id.len() > NAME && id.last() == Some(&OF_DRAFT);
    let asked = Asked {
        keys: keys.collect(),
        once: Vec::new(),
        key_security: None,
    };
    let waiting = (asked, id);
    let response = collect_later(&service, &session, &token, waiting, &remote).await?;
    if let (CredentialResponse::Pending { interval, .. }, true) = (&response, of_draft) {
        return Ok(json(
            400,
            CredentialResponse::pending_in_drafts(*interval).encode(),
        ));
    }
    send(&service, &response, recipient)
}

pub(super) async fn notification(
    State(service): Shared,
    remote: Remote,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, No> {
    let (caller, token) = Caller::with_token(&service, paths::NOTIFICATION, &headers)?;
    let session = session(&service, &caller, &token, deferred::session).await?;
    let told = Notification::decode(&body)
        .map_err(|why| No::resource(ErrorCode::InvalidNotificationRequest, why))?;
    let unknown = || No::resource(ErrorCode::InvalidNotificationId, "there is no such delivery");
    let id = from_base64url(&told.notification_id).ok_or_else(unknown)?;
    let event = match told.event {
        Event::CredentialAccepted => "credential_accepted",
        Event::CredentialFailure => "credential_failure",
        Event::CredentialDeleted => "credential_deleted",
    };
    let (terms, now, serial) = (service.terms.clone(), service.now(), session.serial);
    let known = service
        .store
        .write(move |tx| {
            collect::once(tx, &caller.once)?;
            delivery::note(tx, &remote.outsider(), now, (&id, &serial, event, &terms))
        })
        .await
        .map_err(|why| No::of_failure(&why, No::of_credential))?;
    if !known {
        return Err(unknown());
    }
    Ok((StatusCode::NO_CONTENT, [(header::CACHE_CONTROL, "no-store")]).into_response())
}

/// Which session a token is for, by the rules of the endpoint.
type Find = fn(&mut Tx<'_>, Timestamp, (&[u8], &Holder, &Terms)) -> Result<Session, Failure>;

async fn session(service: &Service, caller: &Caller, token: &[u8], find: Find) -> Result<Session, No> {
    let (token, holder) = (Zeroizing::new(token.to_vec()), caller.holder.clone());
    let (terms, now) = (service.terms.clone(), service.now());
    service
        .store
        .read(move |tx| find(tx, now, (&token, &holder, &terms)))
        .await
        .map_err(|why| No::of_failure(&why, No::of_credential))
}

/// The body as JSON, and whether it came encrypted.
fn open(service: &Service, headers: &HeaderMap, body: &[u8]) -> Result<(Zeroizing<Vec<u8>>, bool), No> {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    if kind.is_none_or(|kind| kind.split(';').next() != Some(APPLICATION_JWT)) {
        return Ok((Zeroizing::new(body.to_vec()), false));
    }
    let refused = |why: &dyn core::fmt::Display| No::resource(ErrorCode::InvalidEncryptionParameters, why);
    let Some((name, secret)) = &service.encryption else {
        return Err(refused(&"requests are not encrypted here"));
    };
    let keys = [OwnKey {
        kid: Some(name),
        secret,
    }];
    let body = credential::decrypt(body, &keys, true, service.backend).map_err(|why| refused(&why))?;
    Ok((body, true))
}

type Recipient = Option<mdoc_openid::jose::Recipient>;

fn response_terms(service: &Service, terms: Option<&ResponseTerms>) -> Result<Recipient, No> {
    let Some(terms) = terms else { return Ok(None) };
    let offered = service
        .encryption
        .is_some()
        .then(|| ResponseEncryption::baseline(false));
    terms
        .recipient(offered.as_ref())
        .map(Some)
        .map_err(|why| No::resource(ErrorCode::InvalidEncryptionParameters, why))
}

fn send(service: &Service, response: &CredentialResponse, recipient: Recipient) -> Result<Response, No> {
    let (status, body) = response.encode(service.oldest);
    let Some(recipient) = recipient else {
        return Ok(json(status, body));
    };
    let body = credential::encrypt(&body, &recipient, &mut random::system(), service.backend)
        .map_err(|why| No::inside(&why))?;
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let headers = [
        (header::CONTENT_TYPE, APPLICATION_JWT),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((status, headers, body).into_response())
}

/// The profile of the session's document, if that is what is asked for, in the words that go with its token: by the
/// identifier if that was told with it, and only then (OpenID4VCI 1.0, 8.2).
async fn wanted(service: &Service, session: &Session, wanted: &Wanted) -> Result<Profile, No> {
    let serial = session.serial.clone();
    let profile = service
        .store
        .read(move |tx| issue::profile_of(tx, &serial))
        .await
        .map_err(|why| No::of_failure(&why, No::of_credential))?;
    let refused = |code| Err(No::resource(code, "the access token is for another document"));
    match wanted {
        Wanted::Configuration(id) if *id != profile.name => {
            refused(ErrorCode::UnknownCredentialConfiguration)
        }
        Wanted::Identifier(id) if id != session.serial.as_str() => {
            refused(ErrorCode::UnknownCredentialIdentifier)
        }
        Wanted::DocType(doc_type) => {
            let format = service.terms.formats.format(&profile.settings.format);
            if format.is_some_and(|format| format.doctype == *doc_type) {
                Ok(())
            } else {
                refused(ErrorCode::UnknownCredentialConfiguration)
            }
        }
        Wanted::Configuration(_) | Wanted::Identifier(_) => Ok(()),
    }?;
    let by_identifier = matches!(wanted, Wanted::Identifier(_));
    if session.by_identifier.is_some_and(|told| told != by_identifier) {
        let words = if by_identifier {
            "no credential_identifier came with the access token: ask by credential_configuration_id"
        } else {
            "a credential_identifier came with the access token: ask by that"
        };
        return Err(No::resource(ErrorCode::InvalidCredentialRequest, words));
    }
    Ok(profile)
}

fn proved(
    service: &Service,
    session: &Session,
    profile: &Profile,
    proofs: Option<&Proofs>,
) -> Result<ProvedKeys, No> {
    let window = Window::at(service.now());
    let good =
        |nonce: &str| nonce::good_until(&service.terms.secrets, Kind::Proof, window.now, nonce).is_some();
    let any_level = KeyAttestationsRequired::default();
    let attested = AttestationRules {
        trust: &service.wallets.trust,
        required: &any_level,
        algorithms: &ALGORITHMS,
        window,
        oldest: service.oldest,
    };
    let rules = ProofRules {
        issuer: &service.identifier,
        algorithms: &ALGORITHMS,
        most: usize::try_from(MOST_COPIES).unwrap_or(1),
        wallet: session
            .client_id
            .as_deref()
            .map_or(Wallet::Anonymous, Wallet::Client),
        nonces: Nonces::Required(&good),
        window,
        attestations: match profile.settings.key_attestation {
            KeyAttestation::None => Attestations::NotAsked,
            KeyAttestation::Required => Attestations::Required(&attested),
        },
        attestation_alone: profile.settings.key_attestation == KeyAttestation::Required,
    };
    verify(proofs, &rules, service.backend).map_err(|why| {
        let said = No::resource(why.code(), &why);
        match why.fault {
            ProofFault::AttestationMissing | ProofFault::Attestation(_) | ProofFault::NotAttested => {
                No::Rule(Refusal::KeyAttestation.code(), Box::new(said))
            }
            _ => said,
        }
    })
}

fn keys(service: &Service, proved: &ProvedKeys) -> Vec<Key> {
    let keys = proved.keys().iter().cloned();
    keys.map(|key| with_thumbprint(service, key)).collect()
}

fn key_security(proved: &ProvedKeys) -> Option<String> {
    let said = proved
        .attestations()
        .iter()
        .filter_map(|statement| statement.claims().get("key_storage")?.as_array());
    Facts::levels(said.flatten().filter_map(serde_json::Value::as_str))
}

fn with_thumbprint(service: &Service, key: PublicKey) -> Key {
    let thumbprint = from_base64url(&jwk::thumbprint(&key, service.backend));
    let thumbprint = thumbprint
        .and_then(|bytes| bytes.try_into().ok())
        .unwrap_or_default();
    (key, thumbprint)
}

/// A nonce is good for one request, with all its proofs.
fn nonces<'a>(service: &'a Service, proved: &'a ProvedKeys) -> impl Iterator<Item = Once> + 'a {
    let now = service.now();
    proved.nonces().iter().map(move |nonce| Once {
        what: "nonce",
        value: nonce.clone().into_bytes(),
        expires: nonce::good_until(&service.terms.secrets, Kind::Proof, now, nonce).unwrap_or(now),
    })
}

async fn issue_now(
    service: &Arc<Service>,
    session: &Session,
    token: &[u8],
    (asked, name): (Asked, Vec<u8>),
    remote: &Remote,
) -> Result<CredentialResponse, No> {
    match sign_and_record(service, session, token, (&asked, None), remote).await? {
        Some(issued) => Ok(CredentialResponse::Issued(issued)),
        None => {
            let transaction_id = base64url(&name);
            let later = Later {
                transaction: name,
                token: token.to_vec(),
                serial: session.serial.clone(),
                keys: asked.keys.iter().map(|(key, _)| encoded(key)).collect(),
                key_security: asked.key_security,
                once: asked.once,
            };
            let (terms, now) = (service.terms.clone(), service.now());
            service
                .store
                .write(move |tx| deferred::keep(tx, now, (&later, &terms)))
                .await
                .map_err(|why| No::of_failure(&why, No::of_credential))?;
            Ok(CredentialResponse::Pending {
                transaction_id,
                interval: INTERVAL,
            })
        }
    }
}

async fn collect_later(
    service: &Arc<Service>,
    session: &Session,
    token: &[u8],
    (asked, id): (Asked, Vec<u8>),
    remote: &Remote,
) -> Result<CredentialResponse, No> {
    let transaction_id = base64url(&id);
    Ok(
        match sign_and_record(service, session, token, (&asked, Some(id)), remote).await? {
            Some(issued) => CredentialResponse::Issued(issued),
            None => CredentialResponse::Pending {
                transaction_id,
                interval: INTERVAL,
            },
        },
    )
}

fn encoded(key: &PublicKey) -> Vec<u8> {
    mdoc_core::cose::key::encode(key)
}

fn decoded(bytes: &[u8]) -> Option<PublicKey> {
    let item = mdoc_core::cbor::Item::parse(bytes, &mdoc_core::limits::Limits::DEFAULT).ok()?;
    mdoc_core::cose::key::decode(item).ok()
}
