//! What wallets learn of the issuer before they ask for anything: from the profiles and the formats, at the moment.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use mdoc_core::time::Timestamp;
use mdoc_issuer::format::{Format, Origin};
use mdoc_openid::jose::{Jwk, jwe};
use mdoc_openid::vci::authorization::OPENID_CREDENTIAL;
use mdoc_openid::vci::metadata::{
    Batch, ClaimDescription, ClaimDisplay, Configuration, CredentialDisplay, CredentialMetadata, Display,
    Image, IssuerMetadata, Jwks, KeyAttestationsRequired, RequestEncryption, ResponseEncryption,
};
use mdoc_openid::vci::offer::PRE_AUTHORIZED_CODE;
use mdoc_openid::vci::server::{ATTEST_JWT_CLIENT_AUTH, ServerMetadata};
use serde_json::json;

use super::paths;
use crate::api::Shared;
use crate::api::answer::No;
use crate::domain::profile::{KeyAttestation, MOST_COPIES, Profile};
use crate::service::Service;
use crate::usecase::profiles;

/// How long signed metadata is good, in seconds.
const SIGNED_LIFETIME: i64 = 86_400;

pub(super) async fn issuer(State(service): Shared, headers: HeaderMap) -> Result<Response, No> {
    let metadata = describe(&service).await?;
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let signer = service.metadata_signer.as_ref();
    if let (true, Some(signer)) = (accepted.is_some_and(wants_jwt), signer) {
        let now = service.now();
        let times = (now, Some(Timestamp::from_unix(now.unix() + SIGNED_LIFETIME)));
        let (signer, oldest) = (signer.clone(), service.oldest);
        let says = metadata.encode(oldest);
        let sign = move || {
            let chain = [signer.certificate.der()];
            mdoc_openid::vci::metadata::sign(&metadata, oldest, times, &chain, &*signer.signer)
        };
        let signed = service
            .signed_metadata
            .get(&says, (now, SIGNED_LIFETIME), sign)
            .await;
        return Ok(public("application/jwt", signed.map_err(|why| No::inside(&why))?));
    }
    Ok(public("application/json", metadata.encode(service.oldest)))
}

/// Whether a list of media ranges has that of signed metadata (RFC 9110, 12.5.1).
fn wants_jwt(accepted: &str) -> bool {
    accepted.split(',').any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let named = parts
            .next()
            .is_some_and(|kind| kind.eq_ignore_ascii_case("application/jwt"));
        let unwanted = |part: &str| {
            let weight = part.strip_prefix("q=").or_else(|| part.strip_prefix("Q="));
            weight.is_some_and(|weight| weight.parse() == Ok(0.0_f32))
        };
        named && !parts.any(unwanted)
    })
}

pub(super) async fn server(State(service): Shared) -> Response {
    let text = |text: &str| text.to_owned();
    let wallets = &service.wallets;
    let mut metadata = ServerMetadata {
        issuer: service.identifier.clone(),
        token_endpoint: Some(service.address(paths::TOKEN)),
        grant_types_supported: vec![text(PRE_AUTHORIZED_CODE), text("refresh_token")],
        token_endpoint_auth_methods_supported: vec![text(ATTEST_JWT_CLIENT_AUTH)],
        client_attestation_signing_alg_values_supported: vec![text("ES256")],
        client_attestation_pop_signing_alg_values_supported: vec![text("ES256")],
        challenge_endpoint: wallets.challenges.then(|| service.address(paths::CHALLENGE)),
        dpop_signing_alg_values_supported: vec![text("ES256")],
        authorization_details_types_supported: vec![text(OPENID_CREDENTIAL)],
        pre_authorized_grant_anonymous_access_supported: !wallets.attested,
        status_list_aggregation_endpoint: Some(service.address(paths::STATUS)),
        ..ServerMetadata::default()
    };
    if !wallets.attested {
        metadata.token_endpoint_auth_methods_supported.push(text("none"));
    }
    if !wallets.redirect_uris.is_empty() {
        metadata.authorization_endpoint = Some(service.address(paths::AUTHORIZE));
        metadata.pushed_authorization_request_endpoint = Some(service.address(paths::PAR));
        metadata.require_pushed_authorization_requests = true;
        metadata.response_types_supported = vec![text("code")];
        metadata
            .grant_types_supported
            .insert(0, text("authorization_code"));
        metadata.code_challenge_methods_supported = vec![text("S256")];
        metadata.authorization_response_iss_parameter_supported = true;
    }
    public("application/json", metadata.encode())
}

fn public(media_type: &'static str, body: impl Into<Bytes>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, media_type),
        (header::CACHE_CONTROL, "public, max-age=60"),
        (header::VARY, "accept"),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    ];
    (headers, body.into()).into_response()
}

/// What the issuer has, as of now.
pub(super) async fn describe(service: &Arc<Service>) -> Result<IssuerMetadata, No> {
    let offered = service
        .store
        .read(profiles::offered)
        .await
        .map_err(|why| No::inside(&why))?;
    let mut configurations = BTreeMap::new();
    for profile in &offered {
        if let Some(format) = service.terms.formats.format(&profile.settings.format) {
            configurations.insert(profile.name.clone(), configuration(profile, format));
        }
    }
    Ok(IssuerMetadata {
        nonce_endpoint: Some(service.address(paths::NONCE)),
        deferred_credential_endpoint: Some(service.address(paths::DEFERRED)),
        notification_endpoint: Some(service.address(paths::NOTIFICATION)),
        credential_request_encryption: request_encryption(service),
        credential_response_encryption: service
            .encryption
            .is_some()
            .then(|| ResponseEncryption::baseline(false)),
        batch_credential_issuance: Some(Batch {
            batch_size: MOST_COPIES,
        }),
        display: vec![Display {
            name: Some(service.display_name.clone()),
            locale: None,
            logo: service
                .logo
                .as_deref()
                .map(|uri| image(uri, &service.display_name)),
        }],
        credential_configurations_supported: configurations,
        ..IssuerMetadata::new(&service.identifier, &service.address(paths::CREDENTIAL))
    })
}

pub(super) fn request_encryption(service: &Service) -> Option<RequestEncryption> {
    let (name, key) = service.encryption.as_ref()?;
    let jwk = Jwk::new(key.public_key())
        .with("kid", name)
        .with("use", "enc")
        .with("alg", jwe::ALG);
    Some(RequestEncryption {
        jwks: Jwks { keys: vec![jwk] },
        enc_values_supported: jwe::Encryption::ALL
            .iter()
            .map(|one| one.name().to_owned())
            .collect(),
        zip_values_supported: vec![jwe::DEFLATE.to_owned()],
        encryption_required: false,
    })
}

fn configuration(profile: &Profile, format: &Format) -> Configuration {
    let settings = &profile.settings;
    let mut configuration = Configuration::mdoc(&format.doctype);
    configuration.scope = Some(profile.name.clone());
    if settings.key_attestation == KeyAttestation::Required {
        let types = &mut configuration.proof_types_supported;
        for proof in types.values_mut() {
            proof.key_attestations_required = Some(KeyAttestationsRequired::default());
        }
        // Where keys are attested anyway, the attestation alone says all.
        if let Some(jwt) = types.get("jwt").cloned() {
            types.insert("attestation".to_owned(), jwt);
        }
    }
    let described = |description: &String| Some(description.clone()).filter(|text| !text.is_empty());
    configuration.credential_metadata = Some(CredentialMetadata {
        display: vec![CredentialDisplay {
            name: settings.display_name.clone(),
            description: described(&settings.description),
            logo: settings
                .logo
                .as_deref()
                .map(|uri| image(uri, &settings.display_name)),
            background_color: settings.background_color.clone(),
            text_color: settings.text_color.clone(),
            ..CredentialDisplay::default()
        }],
        claims: claims(format),
    });
    configuration
}

/// A picture, with words for who cannot see it.
fn image(uri: &str, words: &str) -> Image {
    Image {
        uri: Some(uri.to_owned()),
        alt_text: Some(words.to_owned()),
    }
}

/// The elements whose identifiers are the same in every document.
fn claims(format: &Format) -> Vec<ClaimDescription> {
    let is_set =
        |origin: &Origin| matches!(origin, Origin::Derived { derivation, .. } if derivation.is_set());
    format
        .elements()
        .filter(|(_, element)| !is_set(&element.origin))
        .map(|(namespace, element)| ClaimDescription {
            path: vec![json!(namespace), json!(element.identifier)],
            mandatory: Some(element.required),
            display: element
                .display_name
                .iter()
                .map(|name| ClaimDisplay {
                    name: Some(name.clone()),
                    locale: None,
                })
                .collect(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signed_metadata_are_for_who_asks_for_them() {
        for wanted in ["application/jwt", "application/json;q=0.5, Application/JWT;q=0.9"] {
            assert!(wants_jwt(wanted), "{wanted}");
        }
        for not in [
            "*/*",
            "application/json",
            "application/jwt;q=0",
            "application/jwt; q=0.000",
            "application/jwts",
        ] {
            assert!(!wants_jwt(not), "{not}");
        }
    }
}
