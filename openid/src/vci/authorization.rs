//! The authorization code flow: what is asked for, pushed beforehand, and answered through the browser.
//!
//! Source: OpenID4VCI 1.0, 5; RFC 6749, 4.1; RFC 9126; RFC 9207; RFC 9396.

use core::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::ErrorCode;
use super::pkce::S256;
use crate::Secret;
use crate::jose::json::{self, BadJson};
use crate::web::{BadForm, Form};

/// The type of an authorization detail for documents.
pub const OPENID_CREDENTIAL: &str = "openid_credential";

/// What is asked for, or granted, in detail (RFC 9396).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuthorizationDetail {
    /// [`OPENID_CREDENTIAL`].
    #[serde(rename = "type")]
    pub kind: String,
    /// Which configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential_configuration_id: Option<String>,
    /// The issuer; mandatory if its metadata names authorization servers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub locations: Vec<String>,
    /// Which elements, each an object with a `path`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<Value>,
    /// The datasets that were granted; in a token response alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub credential_identifiers: Vec<String>,
}

impl AuthorizationDetail {
    /// For one configuration.
    #[must_use]
    pub fn new(configuration: &str) -> Self {
        Self {
            kind: OPENID_CREDENTIAL.to_owned(),
            credential_configuration_id: Some(configuration.to_owned()),
            ..Self::default()
        }
    }

    /// Reads the parameter `authorization_details`.
    pub(super) fn all_of(form: &Form) -> Result<Vec<Self>, BadForm> {
        const NAME: &str = "authorization_details";
        match form.get(NAME)? {
            None => Ok(Vec::new()),
            Some(text) => json::read(text.as_bytes()).map_err(|_| BadForm::Value(NAME)),
        }
    }

    pub(super) fn add_all(form: &mut Form, details: &[Self]) {
        if !details.is_empty() {
            let text = String::from_utf8(json::write(details)).unwrap_or_default();
            form.add("authorization_details", &text);
        }
    }
}

/// An authorization request with `response_type=code` and PKCE, as it is pushed or stands in an address.
#[derive(Debug, Clone, PartialEq)]
pub struct AuthorizationRequest {
    /// Who asks.
    pub client_id: String,
    /// Where the browser is sent with the answer.
    pub redirect_uri: Option<String>,
    /// What is asked for, by scopes with blanks between.
    pub scope: Option<String>,
    /// What is asked for, in detail.
    pub authorization_details: Vec<AuthorizationDetail>,
    /// Comes back with the answer.
    pub state: Option<String>,
    /// The challenge of PKCE, by S256.
    pub code_challenge: String,
    /// From the offer. A stranger may have made it up.
    pub issuer_state: Option<String>,
    /// The issuer, if it is not the server itself (RFC 8707).
    pub resource: Option<String>,
    /// The thumbprint of the key that the code is to be bound to (RFC 9449, 10); a proof in a header of PAR says the same.
    pub dpop_jkt: Option<String>,
}

/// Why an authorization request was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthorizationError {
    /// The form is not what it should be.
    Form(BadForm),
    /// `response_type` is another than `code`.
    ResponseType,
    /// There is no PKCE with S256.
    Pkce,
    /// It says that it stands elsewhere, which is not allowed in what is pushed (RFC 9126, 2.1).
    RequestUri,
}

impl AuthorizationError {
    /// The code of the answer.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::ResponseType => ErrorCode::UnsupportedResponseType,
            Self::Form(BadForm::Value("authorization_details")) => ErrorCode::InvalidAuthorizationDetails,
            _ => ErrorCode::InvalidRequest,
        }
    }
}

impl fmt::Display for AuthorizationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form(fault) => fault.fmt(f),
            Self::ResponseType => f.write_str("response_type must be code"),
            Self::Pkce => f.write_str("code_challenge with the method S256 is needed"),
            Self::RequestUri => f.write_str("request_uri must not be pushed"),
        }
    }
}

impl core::error::Error for AuthorizationError {}

impl From<BadForm> for AuthorizationError {
    fn from(fault: BadForm) -> Self {
        Self::Form(fault)
    }
}

impl AuthorizationRequest {
    /// The form for the body of PAR, or for the query of the authorization endpoint.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut form = Form::default();
        form.add("response_type", "code");
        form.add("client_id", &self.client_id);
        form.add_if("redirect_uri", self.redirect_uri.as_deref());
        form.add_if("scope", self.scope.as_deref());
        AuthorizationDetail::add_all(&mut form, &self.authorization_details);
        form.add_if("state", self.state.as_deref());
        form.add("code_challenge", &self.code_challenge);
        form.add("code_challenge_method", S256);
        form.add_if("issuer_state", self.issuer_state.as_deref());
        form.add_if("resource", self.resource.as_deref());
        form.add_if("dpop_jkt", self.dpop_jkt.as_deref());
        form.encode()
    }

    /// Reads what was pushed, or a query.
    ///
    /// # Errors
    /// [`AuthorizationError`].
    pub fn decode(body: &[u8]) -> Result<Self, AuthorizationError> {
        let form = Form::parse(body)?;
        if form.get("request_uri")?.is_some() {
            return Err(AuthorizationError::RequestUri);
        }
        if form.required("response_type")? != "code" {
            return Err(AuthorizationError::ResponseType);
        }
        let text = |name| form.get(name).map(|value| value.map(str::to_owned));
        let challenge = form.get("code_challenge")?.ok_or(AuthorizationError::Pkce)?;
        // 32 bytes in Base64url.
        if form.get("code_challenge_method")? != Some(S256) || challenge.len() != 43 {
            return Err(AuthorizationError::Pkce);
        }
        Ok(Self {
            client_id: form.required("client_id")?.to_owned(),
            redirect_uri: text("redirect_uri")?,
            scope: text("scope")?,
            authorization_details: AuthorizationDetail::all_of(&form)?,
            state: text("state")?,
            code_challenge: challenge.to_owned(),
            issuer_state: text("issuer_state")?,
            resource: text("resource")?,
            dpop_jkt: text("dpop_jkt")?,
        })
    }
}

/// The answer to what was pushed: 201.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushedResponse {
    /// What the browser says instead of the request.
    pub request_uri: String,
    /// For how many seconds.
    pub expires_in: u64,
}

impl PushedResponse {
    /// The JSON.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        json::write(self)
    }

    /// Reads the answer.
    ///
    /// # Errors
    /// [`BadJson`].
    pub fn decode(body: &[u8]) -> Result<Self, BadJson> {
        json::read(body)
    }
}

/// The address to open in a browser after a push.
#[must_use]
pub fn pushed_address(endpoint: &str, client_id: &str, request_uri: &str) -> String {
    let mut form = Form::default();
    form.add("client_id", client_id);
    form.add("request_uri", request_uri);
    address(endpoint, &form.encode())
}

/// The address to open in a browser without a push.
#[must_use]
pub fn address(endpoint: &str, query: &str) -> String {
    let between = if endpoint.contains('?') { '&' } else { '?' };
    format!("{endpoint}{between}{query}")
}

/// What the browser brings back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Callback {
    /// A code.
    Code {
        /// To be redeemed for a token.
        code: Secret,
    },
    /// No.
    Error {
        /// Why.
        code: String,
    },
}

/// Why what the browser brought back is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallbackError {
    /// The query cannot be read.
    Form(BadForm),
    /// `state` is not that of our request.
    State,
    /// `iss` is another server, or missing where it was promised.
    Issuer,
}

impl fmt::Display for CallbackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form(fault) => fault.fmt(f),
            Self::State => f.write_str("the answer is to another request"),
            Self::Issuer => f.write_str("the answer is from another server"),
        }
    }
}

impl core::error::Error for CallbackError {}

impl Callback {
    /// Reads the query of the address that the browser was sent to.
    ///
    /// `state` is that of the request. `issuer` is the server that was asked, and whether its metadata says that it
    /// names itself.
    ///
    /// # Errors
    /// [`CallbackError`].
    pub fn decode(query: &[u8], state: &str, issuer: (&str, bool)) -> Result<Self, CallbackError> {
        let form = Form::parse(query).map_err(CallbackError::Form)?;
        let parameter = |name| form.get(name).map_err(CallbackError::Form);
        if !parameter("state")?.is_some_and(|found| Secret::from(found) == Secret::from(state)) {
            return Err(CallbackError::State);
        }
        let (issuer, promised) = issuer;
        match parameter("iss")? {
            Some(iss) if iss != issuer => return Err(CallbackError::Issuer),
            None if promised => return Err(CallbackError::Issuer),
            _ => {}
        }
        if let Some(error) = parameter("error")? {
            return Ok(Self::Error {
                code: error.to_owned(),
            });
        }
        let code = form.required("code").map_err(CallbackError::Form)?;
        Ok(Self::Code { code: code.into() })
    }

    /// The address to send the browser to.
    #[must_use]
    pub fn encode(&self, redirect_uri: &str, state: Option<&str>, issuer: &str) -> String {
        let mut form = Form::default();
        match self {
            Self::Code { code } => form.add("code", code.expose()),
            Self::Error { code } => form.add("error", code),
        }
        form.add_if("state", state);
        form.add("iss", issuer);
        address(redirect_uri, &form.encode())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> AuthorizationRequest {
        AuthorizationRequest {
            client_id: "wallet".to_owned(),
            redirect_uri: Some("com.example.wallet:/cb?x=1&y=2".to_owned()),
            scope: Some("org.example.mdl a b".to_owned()),
            authorization_details: vec![AuthorizationDetail::new("mdl-2025")],
            state: Some("s+/=&".to_owned()),
            code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".to_owned(),
            issuer_state: Some("i".to_owned()),
            resource: None,
            dpop_jkt: Some("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I".to_owned()),
        }
    }

    #[test]
    fn requests_come_back() {
        let text = request().encode();
        assert_eq!(
            AuthorizationRequest::decode(format!("{text}&unknown=1").as_bytes()),
            Ok(request())
        );
    }

    #[test]
    fn requests_that_are_wrong_are_refused() {
        let text = request().encode();
        let with = |from: &str, to: &str| {
            assert!(text.contains(from), "{from}");
            AuthorizationRequest::decode(text.replace(from, to).as_bytes()).unwrap_err()
        };
        assert_eq!(
            with("response_type=code", "response_type=token"),
            AuthorizationError::ResponseType
        );
        assert_eq!(
            with("challenge_method=S256", "challenge_method=plain"),
            AuthorizationError::Pkce
        );
        assert_eq!(with("&code_challenge_method=S256", ""), AuthorizationError::Pkce);
        assert_eq!(with("E9Mel", "E9Me"), AuthorizationError::Pkce);
        assert_eq!(
            with("state=", "request_uri=a&state="),
            AuthorizationError::RequestUri
        );
        assert_eq!(
            with("client_id=wallet", "client_id="),
            BadForm::Missing("client_id").into()
        );
        assert_eq!(
            with("client_id=wallet", "client_id=wallet&client_id=w"),
            BadForm::Repeated("client_id").into()
        );
        let details = with("authorization_details=%5B", "authorization_details=");
        assert_eq!(details.code(), ErrorCode::InvalidAuthorizationDetails);
    }

    #[test]
    fn what_the_browser_brings_back_must_be_the_answer_to_our_request() {
        let good = Callback::Code { code: "c".into() };
        let issuer = "https://as.example";
        let address = good.encode("https://w.example/cb", Some("s"), issuer);
        assert_eq!(
            address,
            "https://w.example/cb?code=c&state=s&iss=https%3A%2F%2Fas.example"
        );
        let query = address.split_once('?').unwrap().1.as_bytes();
        assert_eq!(Callback::decode(query, "s", (issuer, true)), Ok(good));
        assert_eq!(
            Callback::decode(query, "t", (issuer, true)),
            Err(CallbackError::State)
        );
        assert_eq!(
            Callback::decode(query, "s", ("https://other.example", false)),
            Err(CallbackError::Issuer)
        );
        assert_eq!(
            Callback::decode(b"code=c&state=s", "s", (issuer, true)),
            Err(CallbackError::Issuer)
        );
        assert_eq!(
            Callback::decode(b"error=access_denied&state=s", "s", (issuer, false)),
            Ok(Callback::Error {
                code: "access_denied".to_owned()
            })
        );
    }

    #[test]
    fn the_browser_is_given_the_name_of_what_was_pushed() {
        assert_eq!(
            pushed_address("https://a/authorize", "w", "urn:ietf:params:oauth:request_uri:6"),
            "https://a/authorize?client_id=w&request_uri=urn%3Aietf%3Aparams%3Aoauth%3Arequest_uri%3A6"
        );
        let pushed = PushedResponse {
            request_uri: "urn:x".to_owned(),
            expires_in: 60,
        };
        assert_eq!(PushedResponse::decode(&pushed.encode()), Ok(pushed));
    }
}
