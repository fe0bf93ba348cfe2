//! The token endpoint (OpenID4VCI 1.0, 6; RFC 6749, 4.1.3, 5 and 6).

use core::fmt;

use serde::{Deserialize, Serialize};

use super::Draft;
use super::authorization::AuthorizationDetail;
use super::error::ErrorCode;
use super::offer::PRE_AUTHORIZED_CODE;
use crate::Secret;
use crate::jose::json::{self, BadJson};
use crate::web::{BadForm, Form};

/// What a token is asked for with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grant {
    /// The code of an offer.
    PreAuthorizedCode {
        /// The code.
        code: Secret,
        /// The second one, if there was to be one.
        tx_code: Option<Secret>,
    },
    /// What the browser brought back.
    AuthorizationCode {
        /// The code.
        code: Secret,
        /// The secret of PKCE.
        verifier: Option<Secret>,
        /// As in the authorization request.
        redirect_uri: Option<String>,
    },
    /// What came with an earlier token.
    RefreshToken {
        /// The token.
        token: Secret,
    },
}

/// A request for a token.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenRequest {
    /// With what.
    pub grant: Grant,
    /// Who asks, if it is somebody in particular.
    pub client_id: Option<String>,
    /// Which of several documents.
    pub authorization_details: Vec<AuthorizationDetail>,
    /// Which scopes, when refreshing.
    pub scope: Option<String>,
    /// The issuer, if it is not the server itself (RFC 8707).
    pub resource: Option<String>,
}

/// Why a request for a token cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenError {
    /// The form is not what it should be.
    Form(BadForm),
    /// The grant is not known.
    Grant,
}

impl TokenError {
    /// The code of the answer.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Form(BadForm::Value("authorization_details")) => ErrorCode::InvalidAuthorizationDetails,
            Self::Form(_) => ErrorCode::InvalidRequest,
            Self::Grant => ErrorCode::UnsupportedGrantType,
        }
    }
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form(fault) => fault.fmt(f),
            Self::Grant => f.write_str("grant_type is not one of this server"),
        }
    }
}

impl core::error::Error for TokenError {}

impl From<BadForm> for TokenError {
    fn from(fault: BadForm) -> Self {
        Self::Form(fault)
    }
}

impl TokenRequest {
    /// With a grant and nothing else.
    #[must_use]
    pub const fn new(grant: Grant) -> Self {
        Self {
            grant,
            client_id: None,
            authorization_details: Vec::new(),
            scope: None,
            resource: None,
        }
    }

    /// The form.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut form = Form::default();
        match &self.grant {
            Grant::PreAuthorizedCode { code, tx_code } => {
                form.add("grant_type", PRE_AUTHORIZED_CODE);
                form.add("pre-authorized_code", code.expose());
                form.add_if("tx_code", tx_code.as_ref().map(Secret::expose));
            }
            Grant::AuthorizationCode {
                code,
                verifier,
                redirect_uri,
            } => {
                form.add("grant_type", "authorization_code");
                form.add("code", code.expose());
                form.add_if("code_verifier", verifier.as_ref().map(Secret::expose));
                form.add_if("redirect_uri", redirect_uri.as_deref());
            }
            Grant::RefreshToken { token } => {
                form.add("grant_type", "refresh_token");
                form.add("refresh_token", token.expose());
            }
        }
        form.add_if("client_id", self.client_id.as_deref());
        AuthorizationDetail::add_all(&mut form, &self.authorization_details);
        form.add_if("scope", self.scope.as_deref());
        form.add_if("resource", self.resource.as_deref());
        form.encode()
    }

    /// Reads the form.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn decode(body: &[u8]) -> Result<Self, TokenError> {
        let form = Form::parse(body)?;
        let text = |name| form.get(name).map(|value| value.map(str::to_owned));
        let secret = |name| form.get(name).map(|value| value.map(Secret::from));
        let grant = match form.required("grant_type")? {
            PRE_AUTHORIZED_CODE => Grant::PreAuthorizedCode {
                code: form.required("pre-authorized_code")?.into(),
                tx_code: secret("tx_code")?,
            },
            "authorization_code" => Grant::AuthorizationCode {
                code: form.required("code")?.into(),
                verifier: secret("code_verifier")?,
                redirect_uri: text("redirect_uri")?,
            },
            "refresh_token" => Grant::RefreshToken {
                token: form.required("refresh_token")?.into(),
            },
            _ => return Err(TokenError::Grant),
        };
        Ok(Self {
            grant,
            client_id: text("client_id")?,
            authorization_details: AuthorizationDetail::all_of(&form)?,
            scope: text("scope")?,
            resource: text("resource")?,
        })
    }
}

/// A token.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TokenResponse {
    /// The token.
    pub access_token: Secret,
    /// `DPoP` or `Bearer`; without regard to case.
    pub token_type: String,
    /// For how many seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u64>,
    /// What to get the next one with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<Secret>,
    /// The scopes that were granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// What was granted in detail.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authorization_details: Vec<AuthorizationDetail>,
    /// A nonce for proofs (drafts 13 and 14).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub c_nonce: Option<Secret>,
    /// For how many seconds (drafts 13 and 14).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub c_nonce_expires_in: Option<u64>,
}

impl TokenResponse {
    /// Whether the token is bound to a key.
    #[must_use]
    pub fn is_dpop(&self) -> bool {
        self.token_type.eq_ignore_ascii_case("DPoP")
    }

    /// The JSON; with the nonce only for wallets of drafts 13 and 14.
    #[must_use]
    pub fn encode(&self, oldest: Draft) -> Vec<u8> {
        if oldest <= Draft::Draft14 || (self.c_nonce.is_none() && self.c_nonce_expires_in.is_none()) {
            return json::write(self);
        }
        let without = Self {
            c_nonce: None,
            c_nonce_expires_in: None,
            ..self.clone()
        };
        json::write(&without)
    }

    /// Reads the answer.
    ///
    /// # Errors
    /// [`BadJson`].
    pub fn decode(body: &[u8]) -> Result<Self, BadJson> {
        json::read(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants() -> Vec<Grant> {
        vec![
            Grant::PreAuthorizedCode {
                code: "q1Zb&=+ä".into(),
                tx_code: Some("493536".into()),
            },
            Grant::PreAuthorizedCode {
                code: "a".into(),
                tx_code: None,
            },
            Grant::AuthorizationCode {
                code: "c".into(),
                verifier: Some("v".into()),
                redirect_uri: Some("https://a/b".to_owned()),
            },
            Grant::RefreshToken { token: "r".into() },
        ]
    }

    #[test]
    fn requests_come_back() {
        for grant in grants() {
            let request = TokenRequest {
                client_id: Some("w".to_owned()),
                authorization_details: vec![AuthorizationDetail::new("mdl")],
                ..TokenRequest::new(grant)
            };
            assert_eq!(TokenRequest::decode(request.encode().as_bytes()), Ok(request));
        }
    }

    #[test]
    fn requests_that_are_wrong_are_refused() {
        let decode = |text: &str| TokenRequest::decode(text.as_bytes()).unwrap_err();
        assert_eq!(decode(""), BadForm::Missing("grant_type").into());
        assert_eq!(decode("grant_type=password"), TokenError::Grant);
        assert_eq!(
            decode("grant_type=password").code(),
            ErrorCode::UnsupportedGrantType
        );
        assert_eq!(
            decode("grant_type=refresh_token"),
            BadForm::Missing("refresh_token").into()
        );
        assert_eq!(
            decode("grant_type=authorization_code&code=a&code=b"),
            BadForm::Repeated("code").into()
        );
        assert_eq!(
            decode(&format!("grant_type={PRE_AUTHORIZED_CODE}")),
            BadForm::Missing("pre-authorized_code").into()
        );
        assert_eq!(
            decode("grant_type=refresh_token&refresh_token=r&authorization_details={").code(),
            ErrorCode::InvalidAuthorizationDetails
        );
    }

    #[test]
    fn the_nonce_of_the_drafts_is_only_for_them() {
        let response = TokenResponse::decode(
            br#"{"access_token":"t","token_type":"dpop","c_nonce":"n","c_nonce_expires_in":9,"new":1}"#,
        )
        .unwrap();
        assert!(response.is_dpop());
        let text = |oldest| String::from_utf8(response.encode(oldest)).unwrap();
        assert_eq!(text(Draft::Final), r#"{"access_token":"t","token_type":"dpop"}"#);
        assert_eq!(text(Draft::Draft15), text(Draft::Final));
        assert!(text(Draft::Draft14).contains(r#""c_nonce":"n""#));
    }

    #[test]
    fn tokens_and_codes_are_not_shown() {
        for grant in grants() {
            let shown = format!("{grant:?}");
            assert!(!shown.contains("q1Zb") && !shown.contains("493536"), "{shown}");
        }
    }
}
