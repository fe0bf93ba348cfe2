//! A provider of OpenID Connect at which operators sign in (OpenID Connect Core 1.0, 3.1; PKCE of RFC 7636; `iss` of RFC 9207).
//!
//! The library keeps the rules of the protocol. Here is whom it may ask, how often, and which claim says who somebody is.

use core::fmt;
use core::time::Duration;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use mdoc_cli::net::{self, Network, Reach, Unreachable};
use mdoc_core::crypto::CryptoRng;
use mdoc_core::time::Timestamp;
use mdoc_openid::Secret;
use mdoc_openid::jose::{from_base64url, json};
use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreProviderMetadata};
use openidconnect::{
    AccessTokenHash, AuthenticationContextClass, AuthorizationCode, ClaimsVerificationError, ClientId,
    ClientSecret, CsrfToken, EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse,
    IssuerUrl, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope,
    TokenResponse as _,
};

use crate::random;
use crate::room::{Busy, Room};

/// How long the provider may take for an answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// The most bytes of an answer.
const LARGEST: u64 = 256 * 1024;
/// For how many seconds its metadata and keys are taken as they are.
const FRESH: i64 = 600;
/// For how many seconds it is taken as gone when it does not answer.
const GONE: i64 = 5;
/// How many ask it at once.
const AT_ONCE: usize = 4;

/// What it says of itself.
type Found = Result<Arc<CoreProviderMetadata>, BadProvider>;

/// A provider.
#[derive(Clone)]
pub struct Settings {
    /// What operators call it.
    pub name: String,
    /// Its issuer identifier.
    pub issuer: String,
    /// What it calls this service.
    pub client_id: String,
    /// What this service shows it, by HTTP Basic; none for a public client.
    pub client_secret: Option<Secret>,
    /// Where it sends browsers back to.
    pub redirect: String,
    /// The claim of its tokens that is the external identity key of a person: `sub`.
    pub claim: String,
    /// Scopes that are asked for besides `openid`.
    pub scopes: Vec<String>,
    /// How somebody may have signed in there, as `acr` says; anyhow if empty.
    pub acr: Vec<String>,
    /// Whether it may be in a private network, and without TLS.
    pub internal: bool,
    /// Certificates that TLS trusts instead of those of the system, each in DER.
    pub roots: Option<Vec<Vec<u8>>>,
}

/// Why somebody was not signed in. Nothing of it is for whoever tried: it is for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadProvider {
    /// A setting breaks its rule.
    Setting(&'static str),
    /// It cannot be asked, or says something else than its protocol.
    Answer(String),
    /// Its token is not good.
    Token(String),
    /// Its token says nothing of who somebody is.
    Claim,
}

impl fmt::Display for BadProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setting(key) => write!(f, "{key} is no address"),
            Self::Answer(why) => write!(f, "the provider did not do it: {why}"),
            Self::Token(why) => write!(f, "the token of the provider is not good: {why}"),
            Self::Claim => f.write_str("the token of the provider has not the claim, as text"),
        }
    }
}

impl core::error::Error for BadProvider {}

/// What begins a sign-in at the provider.
pub struct Begun {
    /// Where the browser goes.
    pub address: String,
    /// What comes back with it.
    pub state: Secret,
    /// What the token has to have.
    pub nonce: Secret,
    /// What shows that the code is ours.
    pub verifier: Secret,
}

type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// Asks a provider.
pub struct Provider {
    settings: Settings,
    issuer: IssuerUrl,
    redirect: RedirectUrl,
    network: Network,
    room: Room,
    known: Mutex<Option<(Timestamp, Found)>>,
}

impl Provider {
    /// Takes the settings; nobody is asked yet.
    ///
    /// # Errors
    /// [`BadProvider::Setting`].
    pub fn new(settings: Settings) -> Result<Self, BadProvider> {
        let bad = |key| move |_| BadProvider::Setting(key);
        net::address(&settings.issuer, settings.internal).map_err(|_| BadProvider::Setting("issuer"))?;
        let issuer = IssuerUrl::new(settings.issuer.clone()).map_err(bad("issuer"))?;
        let redirect = RedirectUrl::new(settings.redirect.clone()).map_err(bad("external"))?;
        let reach = if settings.internal {
            Reach::Everywhere
        } else {
            Reach::Public
        };
        let network = match &settings.roots {
            Some(roots) => Network::trusting(reach, roots),
            None => Network::new(reach),
        };
        Ok(Self {
            settings,
            issuer,
            redirect,
            network,
            room: Room::new(AT_ONCE),
            known: Mutex::default(),
        })
    }

    /// What operators call it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// Begins a sign-in.
    ///
    /// # Errors
    /// [`Busy`]; [`BadProvider::Answer`] if its metadata cannot be had.
    pub async fn begin(self: &Arc<Self>, now: Timestamp) -> Result<Result<Begun, BadProvider>, Busy> {
        let this = Arc::clone(self);
        self.room
            .work(move || this.ask_to_sign_in(now, &mut random::system()))
            .await
    }

    fn ask_to_sign_in(&self, now: Timestamp, rng: &mut dyn CryptoRng) -> Result<Begun, BadProvider> {
        let client = self.client(now)?;
        let [state, nonce, verifier] = [(); 3].map(|()| Secret::random(rng));
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(
            verifier.expose().to_owned(),
        ));
        let (asked_state, asked_nonce) = (state.clone(), nonce.clone());
        let mut request = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                move || CsrfToken::new(asked_state.expose().to_owned()),
                move || Nonce::new(asked_nonce.expose().to_owned()),
            )
            .set_pkce_challenge(challenge);
        for scope in &self.settings.scopes {
            request = request.add_scope(Scope::new(scope.clone()));
        }
        for class in &self.settings.acr {
            request = request.add_auth_context_value(AuthenticationContextClass::new(class.clone()));
        }
        let (address, _, _) = request.url();
        Ok(Begun {
            address: address.to_string(),
            state,
            nonce,
            verifier,
        })
    }

    /// Whether an answer is of this provider, as far as it says so (RFC 9207, 2.4).
    #[must_use]
    pub fn is(&self, issuer: Option<&str>) -> bool {
        issuer.is_none_or(|issuer| issuer == self.settings.issuer)
    }

    /// Who signed in: the claim of the token that the provider gives for the code.
    ///
    /// # Errors
    /// [`Busy`]; [`BadProvider`].
    pub async fn identify(
        self: &Arc<Self>,
        now: Timestamp,
        code: Secret,
        (nonce, verifier): (Secret, Secret),
    ) -> Result<Result<String, BadProvider>, Busy> {
        let this = Arc::clone(self);
        let work = move || this.redeem(now, (&code, nonce.expose(), verifier.expose()));
        self.room.work(work).await
    }

    fn redeem(
        &self,
        now: Timestamp,
        (code, nonce, verifier): (&Secret, &str, &str),
    ) -> Result<String, BadProvider> {
        let client = self.client(now)?;
        let exchange = client
            .exchange_code(AuthorizationCode::new(code.expose().to_owned()))
            .map_err(|why| BadProvider::Answer(why.to_string()))?
            .set_pkce_verifier(PkceCodeVerifier::new(verifier.to_owned()))
            .request(&|request| self.ask(request));
        // What the provider says besides its code may repeat what it was sent.
        let answer = exchange.map_err(|why| {
            BadProvider::Answer(match why {
                openidconnect::RequestTokenError::ServerResponse(said) => said.error().to_string(),
                openidconnect::RequestTokenError::Request(why) => why.to_string(),
                _ => "no answer of a token endpoint".to_owned(),
            })
        })?;
        let token = answer
            .id_token()
            .ok_or_else(|| BadProvider::Token("there is none".to_owned()))?;
        let nonce = Nonce::new(nonce.to_owned());
        // A provider may sign by a key that it did not have a while ago.
        if let Err(ClaimsVerificationError::SignatureVerification(_)) = self.verify(&client, token, &nonce) {
            self.forget();
        }
        let client = self.client(now)?;
        self.verify(&client, token, &nonce)
            .map_err(|why| BadProvider::Token(why.to_string()))?;
        let verifier = client.id_token_verifier();
        let claims = token
            .claims(&verifier, &nonce)
            .map_err(|why| BadProvider::Token(why.to_string()))?;
        if let Some(expected) = claims.access_token_hash() {
            let bad = |why: &dyn fmt::Display| BadProvider::Token(why.to_string());
            let algorithm = token.signing_alg().map_err(|why| bad(&why))?;
            let key = token.signing_key(&verifier).map_err(|why| bad(&why))?;
            let found = AccessTokenHash::from_token(answer.access_token(), algorithm, key);
            if found.map_err(|why| bad(&why))? != *expected {
                return Err(BadProvider::Token("it is for another access token".to_owned()));
            }
        }
        self.claim(&token.to_string())
    }

    fn verify(
        &self,
        client: &Client,
        token: &openidconnect::core::CoreIdToken,
        nonce: &Nonce,
    ) -> Result<(), ClaimsVerificationError> {
        let wanted = self.settings.acr.clone();
        let verifier = client.id_token_verifier().set_auth_context_verifier_fn(
            move |found: Option<&AuthenticationContextClass>| {
                let good = wanted.is_empty() || found.is_some_and(|found| wanted.contains(found));
                good.then_some(()).ok_or_else(|| "the wrong acr".to_owned())
            },
        );
        token.claims(&verifier, nonce).map(drop)
    }

    /// The claim of a token that was verified.
    fn claim(&self, token: &str) -> Result<String, BadProvider> {
        let payload = token.split('.').nth(1).and_then(from_base64url);
        let claims = payload.and_then(|bytes| json::parse(&bytes).ok());
        let claims = claims.ok_or(BadProvider::Claim)?;
        let name = self.settings.claim.as_str();
        // Whoever may write any address there would be anybody.
        if name == "email" && claims.get("email_verified") != Some(&true.into()) {
            return Err(BadProvider::Claim);
        }
        let text = claims.get(name).and_then(serde_json::Value::as_str);
        let text = text.filter(|text| !text.is_empty());
        text.map(str::to_owned).ok_or(BadProvider::Claim)
    }

    fn client(&self, now: Timestamp) -> Result<Client, BadProvider> {
        let metadata = self.metadata(now)?;
        let settings = &self.settings;
        let secret = settings.client_secret.as_ref();
        let client = CoreClient::from_provider_metadata(
            CoreProviderMetadata::clone(&metadata),
            ClientId::new(settings.client_id.clone()),
            secret.map(|secret| ClientSecret::new(secret.expose().to_owned())),
        );
        Ok(client.set_redirect_uri(self.redirect.clone()))
    }

    fn metadata(&self, now: Timestamp) -> Result<Arc<CoreProviderMetadata>, BadProvider> {
        // One asks, and the others wait for what it finds.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((since, found)) = &*known {
            let fresh = if found.is_ok() { FRESH } else { GONE };
            if (since.unix()..since.unix() + fresh).contains(&now.unix()) {
                return found.clone();
            }
        }
        let found = CoreProviderMetadata::discover(&self.issuer, &|request| self.ask(request))
            .map(Arc::new)
            .map_err(|why| BadProvider::Answer(why.to_string()));
        *known = Some((now, found.clone()));
        found
    }

    fn forget(&self) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Asks one thing: over TLS unless the provider is in one's own network, and following nobody elsewhere.
    fn ask(&self, request: HttpRequest) -> Result<HttpResponse, io::Error> {
        let refused = |why: Unreachable| io::Error::other(why.to_string());
        let (_, secure) =
            net::address(&request.uri().to_string(), self.settings.internal).map_err(refused)?;
        let agent = self.network.agent(net::Terms {
            user_agent: "mdoc-service",
            secure,
            redirects: false,
            time: PATIENCE,
        });
        let failed = |why: ureq::Error| refused(net::unreachable(why));
        let answer = agent.map_err(refused)?.run(request).map_err(failed)?;
        let (parts, mut body) = answer.into_parts();
        let body = body.with_config().limit(LARGEST).read_to_vec().map_err(failed)?;
        Ok(HttpResponse::from_parts(parts, body))
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider")
            .field("issuer", &self.settings.issuer)
            .finish_non_exhaustive()
    }
}
