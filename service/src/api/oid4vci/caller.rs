//! Who sends a request: what its headers prove.

use axum::http::{HeaderMap, header};
use mdoc_core::crypto::SignatureAlgorithm;
use mdoc_openid::Secret;
use mdoc_openid::jose::from_base64url;
use mdoc_openid::vci::client::{self, ATTESTATION_HEADER, ClientRules, POP_HEADER};
use mdoc_openid::vci::dpop::{self, DpopRules};
use mdoc_openid::vci::{ErrorCode, Nonces, Window};

use crate::api::answer::No;
use crate::domain::Refusal;
use crate::nonce::{self, Kind};
use crate::service::Service;
use crate::usecase::collect::{self, Holder, Once};
use crate::usecase::devices::Facts;

/// What may sign proofs.
pub(super) const ALGORITHMS: [SignatureAlgorithm; 1] = [SignatureAlgorithm::Es256];

/// Who sends a request, and what of it may be presented once.
pub(super) struct Caller {
    pub(super) holder: Holder,
    pub(super) once: Vec<Once>,
}

impl Caller {
    /// At an endpoint of the authorization server: perhaps a wallet whose provider vouches for it, perhaps bound to a key.
    pub(super) fn at_server(
        service: &Service,
        path: &str,
        client_id: Option<&str>,
        headers: &HeaderMap,
    ) -> Result<Self, No> {
        let mut once = Vec::new();
        let window = Window::at(service.now());
        let mut holder = Holder {
            client_id: client_id.map(str::to_owned),
            ..Holder::default()
        };
        let fresh = Fresh(service);
        let (challenge, nonce) = (fresh.check(Kind::Challenge), fresh.check(Kind::Dpop));
        match (text(headers, ATTESTATION_HEADER)?, text(headers, POP_HEADER)?) {
            (None, None) if !service.wallets.attested => {}
            (None, None) => {
                let words = "a wallet has to come with the word of its provider: a client attestation";
                return Err(No::server(ErrorCode::InvalidClient, words));
            }
            (Some(attestation), Some(pop)) => {
                let rules = ClientRules {
                    server: &service.identifier,
                    trust: &service.wallets.trust,
                    client_id,
                    challenges: asked(service.wallets.challenges, &challenge),
                    window,
                    algorithms: &ALGORITHMS,
                };
                let verified = client::verify(attestation, pop, &rules, service.backend)
                    .map_err(|why| No::server(why.code(), why))?;
                holder.client_id = Some(verified.client_id().to_owned());
                holder.instance_key = digest(verified.thumbprint());
                holder.facts = Facts::said(|claim| verified.claims().text(claim));
                once.push(once_only(
                    "attestation",
                    verified.jti(),
                    verified.thumbprint(),
                    window,
                ));
            }
            _ => {
                let words = "one of the two headers of a client attestation is missing";
                return Err(No::server(ErrorCode::InvalidClient, words));
            }
        }
        if let Some(proof) = text(headers, "dpop")? {
            let rules = DpopRules {
                method: "POST",
                url: &service.address(path),
                access_token: None,
                bound_to: None,
                nonces: asked(service.wallets.dpop_nonces, &nonce),
                window,
                algorithms: &ALGORITHMS,
            };
            let verified =
                dpop::verify(proof, &rules, service.backend).map_err(|why| No::server(why.code(), why))?;
            holder.key_thumbprint = digest(verified.thumbprint());
            once.push(once_only("proof", verified.jti(), verified.thumbprint(), window));
        }
        Ok(Self { holder, once })
    }

    /// At an endpoint for which an access token is needed; gives the token as well.
    pub(super) fn with_token(
        service: &Service,
        path: &str,
        headers: &HeaderMap,
    ) -> Result<(Self, Vec<u8>), No> {
        let missing = || No::resource(ErrorCode::InvalidToken, "there is no access token");
        let given = headers.get(header::AUTHORIZATION).ok_or_else(missing)?;
        let (scheme, token) = given
            .to_str()
            .ok()
            .and_then(|text| text.split_once(' '))
            .ok_or_else(missing)?;
        let token = Secret::new(token.trim());
        let bytes = from_base64url(token.expose()).ok_or_else(missing)?;
        let window = Window::at(service.now());
        let fresh = Fresh(service);
        let nonce = fresh.check(Kind::Dpop);
        let mut caller = Self {
            holder: Holder::default(),
            once: Vec::new(),
        };
        match (scheme.to_ascii_lowercase().as_str(), text(headers, "dpop")?) {
            ("bearer", None) => {}
            ("dpop", Some(proof)) => {
                let rules = DpopRules {
                    method: "POST",
                    url: &service.address(path),
                    access_token: Some(&token),
                    bound_to: None,
                    nonces: asked(service.wallets.dpop_nonces, &nonce),
                    window,
                    algorithms: &ALGORITHMS,
                };
                let verified = dpop::verify(proof, &rules, service.backend)
                    .map_err(|why| No::resource(why.code(), why))?;
                caller.holder.key_thumbprint = digest(verified.thumbprint());
                caller
                    .once
                    .push(once_only("proof", verified.jti(), verified.thumbprint(), window));
            }
            ("dpop", None) | ("bearer", Some(_)) => {
                let words = "a token that is bound to a key is presented as DPoP, with a proof";
                return Err(No::resource(ErrorCode::InvalidDpopProof, words));
            }
            _ => return Err(missing()),
        }
        Ok((caller, bytes))
    }
}

/// Notes what may be presented once, whatever comes of the request.
pub(super) async fn spend(service: &Service, once: Vec<Once>, refused: fn(&Refusal) -> No) -> Result<(), No> {
    if once.is_empty() {
        return Ok(());
    }
    service
        .store
        .write(move |tx| collect::once(tx, &once))
        .await
        .map_err(|why| No::of_failure(&why, refused))
}

/// What the service gave out lately.
struct Fresh<'s>(&'s Service);

impl Fresh<'_> {
    fn check(&self, kind: Kind) -> impl Fn(&str) -> bool {
        let (secrets, now) = (&self.0.terms.secrets, self.0.now());
        move |nonce| nonce::good_until(secrets, kind, now, nonce).is_some()
    }
}

fn asked<'a>(wanted: bool, good: &'a dyn Fn(&str) -> bool) -> Nonces<'a> {
    if wanted {
        Nonces::Required(good)
    } else {
        Nonces::NotUsed
    }
}

/// A header that may be there once.
fn text<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h str>, No> {
    let mut values = headers.get_all(name).iter();
    let (first, second) = (values.next(), values.next());
    let bad = |words: &str| No::server(ErrorCode::InvalidRequest, format!("the header {name} {words}"));
    if second.is_some() {
        return Err(bad("is there twice"));
    }
    first
        .map(|value| value.to_str().map_err(|_| bad("is no text")))
        .transpose()
}

/// An identifier is the signer's own: two keys may choose the same one.
fn once_only(what: &'static str, jti: &str, key: &str, window: Window) -> Once {
    let expires = window
        .now
        .plus(window.longest)
        .plus(window.skew)
        .plus(window.skew);
    Once {
        what,
        value: format!("{key} {jti}").into_bytes(),
        expires,
    }
}

pub(super) fn digest(thumbprint: &str) -> Option<[u8; 32]> {
    from_base64url(thumbprint)?.try_into().ok()
}
