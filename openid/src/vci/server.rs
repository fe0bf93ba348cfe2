//! Metadata of the authorization server (RFC 8414; OpenID4VCI 1.0, 12.3).

use core::fmt;

use serde::{Deserialize, Serialize};

use super::offer::PRE_AUTHORIZED_CODE;
use crate::jose::json::{self, BadJson};
use crate::web::{Address, BadAddress};

/// The name of the document at its well-known place.
pub const WELL_KNOWN: &str = "oauth-authorization-server";

/// The client authenticates with a wallet attestation.
pub const ATTEST_JWT_CLIENT_AUTH: &str = "attest_jwt_client_auth";

/// What the server can do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServerMetadata {
    /// Its identifier.
    pub issuer: String,
    /// Where tokens are had.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint: Option<String>,
    /// Where a person signs in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_endpoint: Option<String>,
    /// Where an authorization request is left beforehand (RFC 9126).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pushed_authorization_request_endpoint: Option<String>,
    /// Whether it has to be.
    pub require_pushed_authorization_requests: bool,
    /// What an authorization answers with.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub response_types_supported: Vec<String>,
    /// The grants.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub grant_types_supported: Vec<String>,
    /// The methods of PKCE.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub code_challenge_methods_supported: Vec<String>,
    /// Whether the answer of an authorization names the server (RFC 9207).
    pub authorization_response_iss_parameter_supported: bool,
    /// How clients authenticate.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub token_endpoint_auth_methods_supported: Vec<String>,
    /// Algorithms of client attestations.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub client_attestation_signing_alg_values_supported: Vec<String>,
    /// Algorithms of their proofs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub client_attestation_pop_signing_alg_values_supported: Vec<String>,
    /// Where a challenge for a client attestation's proof is had.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub challenge_endpoint: Option<String>,
    /// Algorithms of DPoP proofs; any says that DPoP is spoken.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dpop_signing_alg_values_supported: Vec<String>,
    /// Types of authorization details.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authorization_details_types_supported: Vec<String>,
    /// Whether a pre-authorized code may be redeemed by nobody in particular.
    #[serde(rename = "pre-authorized_grant_anonymous_access_supported")]
    pub pre_authorized_grant_anonymous_access_supported: bool,
    /// Where the status lists are listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_list_aggregation_endpoint: Option<String>,
    /// Where its keys are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
}

/// Why metadata of a server is of no use.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServerError {
    /// It is no such JSON.
    Json(BadJson),
    /// It is that of another server.
    OtherIssuer,
    /// An endpoint cannot be used.
    Endpoint(&'static str, BadAddress),
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(fault) => write!(
                f,
                "the metadata of the authorization server cannot be read: {fault}"
            ),
            Self::OtherIssuer => f.write_str("the metadata is that of another authorization server"),
            Self::Endpoint(which, fault) => {
                write!(f, "{which} of the authorization server cannot be used: {fault}")
            }
        }
    }
}

impl core::error::Error for ServerError {}

impl ServerMetadata {
    /// The JSON.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        json::write(self)
    }

    /// Reads the document that was fetched for a server, whose identifier must be the same byte for byte.
    ///
    /// # Errors
    /// [`ServerError`].
    pub fn decode(body: &[u8], identifier: &str) -> Result<Self, ServerError> {
        let read: Self = json::read(body).map_err(ServerError::Json)?;
        if read.issuer != identifier {
            return Err(ServerError::OtherIssuer);
        }
        for (name, endpoint) in [
            ("token_endpoint", &read.token_endpoint),
            ("authorization_endpoint", &read.authorization_endpoint),
            (
                "pushed_authorization_request_endpoint",
                &read.pushed_authorization_request_endpoint,
            ),
            ("challenge_endpoint", &read.challenge_endpoint),
        ] {
            if let Some(endpoint) = endpoint {
                Address::parse(endpoint).map_err(|fault| ServerError::Endpoint(name, fault))?;
            }
        }
        Ok(read)
    }

    /// Whether a grant is there. Without a list there are those of RFC 8414: the authorization code, and the implicit one
    /// that nobody wants. A pre-authorized code comes with an offer, which says itself that it is there.
    #[must_use]
    pub fn has_grant(&self, grant: &str) -> bool {
        if self.grant_types_supported.is_empty() {
            return matches!(grant, "authorization_code" | PRE_AUTHORIZED_CODE);
        }
        self.grant_types_supported.iter().any(|known| known == grant)
    }

    /// Whether tokens can be bound to a key with ES256, which is what everybody has.
    #[must_use]
    pub fn has_dpop(&self) -> bool {
        self.dpop_signing_alg_values_supported
            .iter()
            .any(|alg| alg == "ES256")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HAIP: &str = r#"{"issuer":"https://id.example.org/t/dmv",
        "token_endpoint":"https://id.example.org/t/dmv/token",
        "authorization_endpoint":"https://id.example.org/t/dmv/authorize",
        "pushed_authorization_request_endpoint":"https://id.example.org/t/dmv/par",
        "require_pushed_authorization_requests":true,"response_types_supported":["code"],
        "grant_types_supported":["authorization_code","refresh_token",
            "urn:ietf:params:oauth:grant-type:pre-authorized_code"],
        "code_challenge_methods_supported":["S256"],"dpop_signing_alg_values_supported":["ES256"],
        "pre-authorized_grant_anonymous_access_supported":true,"unknown":{}}"#;

    #[test]
    fn metadata_comes_back_and_is_that_of_the_server_that_was_asked() {
        let issuer = "https://id.example.org/t/dmv";
        let read = ServerMetadata::decode(HAIP.as_bytes(), issuer).unwrap();
        assert!(read.has_dpop() && read.has_grant("refresh_token") && !read.has_grant("password"));
        assert!(read.pre_authorized_grant_anonymous_access_supported);
        assert_eq!(ServerMetadata::decode(&read.encode(), issuer).as_ref(), Ok(&read));
        for other in ["https://id.example.org/t/dmv/", "https://ID.example.org/t/dmv"] {
            assert_eq!(
                ServerMetadata::decode(HAIP.as_bytes(), other),
                Err(ServerError::OtherIssuer)
            );
        }
        let bad = HAIP.replace("https://id.example.org/t/dmv/par", "javascript:alert");
        assert_eq!(
            ServerMetadata::decode(bad.as_bytes(), issuer),
            Err(ServerError::Endpoint(
                "pushed_authorization_request_endpoint",
                BadAddress::Scheme
            ))
        );
    }
}
