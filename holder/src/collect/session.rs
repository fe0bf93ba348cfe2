//! What a wallet keeps of an issuer while it collects, and afterwards to refresh.

use mdoc_core::crypto::{Curve, SecretKey};
use mdoc_core::seams::SoftwareKey;
use mdoc_openid::Secret;
use mdoc_openid::jose::{JwsError, base64url, from_base64url};
use mdoc_openid::vci::authorization::OPENID_CREDENTIAL;
use mdoc_openid::vci::dpop;
use mdoc_openid::vci::metadata::{Configuration, IssuerMetadata};
use mdoc_openid::vci::server::ServerMetadata;
use mdoc_openid::vci::token::{Grant, TokenResponse};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::token::GetToken;
use super::{Around, CollectError, Request, Response};

/// An issuer, a token, and the key that the token is bound to.
///
/// It is written to JSON for keeping: that has tokens and a private key in it, and belongs under a passphrase.
#[derive(Clone, Serialize, Deserialize)]
pub struct Session {
    pub(super) metadata: IssuerMetadata,
    pub(super) server: ServerMetadata,
    pub(super) configuration: String,
    pub(super) client_id: Option<String>,
    pub(super) token: Option<TokenResponse>,
    /// The scalar of the key of DPoP.
    dpop: Option<Secret>,
    /// The nonces of DPoP that were told last.
    server_nonce: Option<String>,
    resource_nonce: Option<String>,
    /// A nonce for proofs that came without asking (drafts 13 and 14).
    pub(super) proof_nonce: Option<Secret>,
}

/// For whom a proof of DPoP is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum For {
    Server,
    Resource,
}

impl core::fmt::Debug for Session {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(
            f,
            "Session({} at {})",
            self.configuration, self.metadata.credential_issuer
        )
    }
}

impl Session {
    pub(super) fn new(
        metadata: IssuerMetadata,
        server: ServerMetadata,
        configuration: &str,
        client_id: Option<&str>,
        around: &mut Around<'_>,
    ) -> Result<Self, CollectError> {
        let dpop = server.has_dpop().then(|| {
            let key = SecretKey::generate(Curve::P256, around.rng);
            Secret::new(base64url(key.dangerous_bytes()))
        });
        Ok(Self {
            metadata,
            server,
            configuration: configuration.to_owned(),
            client_id: client_id.map(str::to_owned),
            token: None,
            dpop,
            server_nonce: None,
            resource_nonce: None,
            proof_nonce: None,
        })
    }

    /// The identifier of the issuer.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.metadata.credential_issuer
    }

    /// The name of the configuration.
    #[must_use]
    pub fn configuration_id(&self) -> &str {
        &self.configuration
    }

    /// The type of the documents.
    #[must_use]
    pub fn doc_type(&self) -> Option<&str> {
        self.described()?.doctype.as_deref()
    }

    /// Whether new documents can be had without the person.
    #[must_use]
    pub fn can_refresh(&self) -> bool {
        self.token
            .as_ref()
            .is_some_and(|token| token.refresh_token.is_some())
    }

    /// Gets a new token, for more documents.
    ///
    /// # Errors
    /// [`CollectError::NoGrant`] if the issuer gave nothing to refresh with.
    pub fn refresh(self) -> Result<GetToken, CollectError> {
        let token = self.token.as_ref().and_then(|token| token.refresh_token.clone());
        let token = token.ok_or(CollectError::NoGrant)?;
        GetToken::new(self, Grant::RefreshToken { token })
    }

    pub(super) fn described(&self) -> Option<&Configuration> {
        self.metadata
            .credential_configurations_supported
            .get(&self.configuration)
    }

    /// The dataset that the token names, if it names any for our configuration.
    pub(super) fn identifier(&self) -> Option<&str> {
        let details = &self.token.as_ref()?.authorization_details;
        let ours = details.iter().find(|detail| {
            let configuration = detail.credential_configuration_id.as_deref();
            detail.kind == OPENID_CREDENTIAL && configuration.is_none_or(|id| id == self.configuration)
        });
        ours?.credential_identifiers.first().map(String::as_str)
    }

    fn dpop_key(&self) -> Result<Option<SoftwareKey>, CollectError> {
        let Some(secret) = &self.dpop else { return Ok(None) };
        let bytes = from_base64url(secret.expose())
            .map(Zeroizing::new)
            .unwrap_or_default();
        let key = SecretKey::from_bytes(Curve::P256, &bytes).and_then(SoftwareKey::new);
        key.map(Some)
            .map_err(|_| CollectError::Sign(JwsError::Curve(Curve::P256)))
    }

    /// Puts the token and its proof on a request.
    pub(super) fn authorized(
        &self,
        request: Request,
        place: For,
        around: &mut Around<'_>,
    ) -> Result<Request, CollectError> {
        let token = match place {
            For::Server => None,
            For::Resource => self.token.as_ref(),
        };
        let bound = token.is_none_or(TokenResponse::is_dpop);
        let mut request = request;
        if bound && let Some(key) = self.dpop_key()? {
            let nonce = match place {
                For::Server => &self.server_nonce,
                For::Resource => &self.resource_nonce,
            };
            let terms = dpop::Request {
                method: request.method(),
                url: &request.url,
                access_token: token.map(|token| &token.access_token),
                nonce: nonce.as_deref(),
            };
            let jti = Secret::random(around.rng);
            let proof = dpop::sign(&terms, &jti, around.now, &key, around.backend);
            let proof = proof.map_err(CollectError::Sign)?;
            request = request.with("DPoP", proof);
        }
        if let Some(token) = token {
            let scheme = if token.is_dpop() { "DPoP" } else { "Bearer" };
            request = request.with(
                "Authorization",
                format!("{scheme} {}", token.access_token.expose()),
            );
        }
        Ok(request)
    }

    /// Remembers the nonce of DPoP that came with an answer; says whether it is another one.
    pub(super) fn take_nonce(&mut self, response: &Response, place: For) -> bool {
        let Some(found) = response.header("DPoP-Nonce") else {
            return false;
        };
        let known = match place {
            For::Server => &mut self.server_nonce,
            For::Resource => &mut self.resource_nonce,
        };
        let new = known.as_deref() != Some(found);
        *known = Some(found.to_owned());
        new
    }

    /// Counts a try, and says whether the request is to be made again with the nonce of DPoP that the answer tells.
    pub(super) fn asks_again(&mut self, response: &Response, place: For, tries: &mut Tries) -> bool {
        tries.0 += 1;
        let new = self.take_nonce(response, place);
        new && wants_dpop_nonce(response) && tries.more()
    }
}

/// How often a request was made, because of nonces of one kind or the other.
#[derive(Debug, Default)]
pub(super) struct Tries(u32);

impl Tries {
    const MOST: u32 = 4;

    /// Whether it may be made once more.
    pub(super) const fn more(&self) -> bool {
        self.0 < Self::MOST
    }
}

/// Whether an answer says that DPoP needs a nonce.
fn wants_dpop_nonce(response: &Response) -> bool {
    const CODE: &str = "use_dpop_nonce";
    let said = response.header("WWW-Authenticate").unwrap_or_default();
    let body = mdoc_openid::vci::ErrorAnswer::decode(&response.body);
    matches!(response.status, 400 | 401) && (said.contains(CODE) || body.is_ok_and(|body| body.error == CODE))
}
