//! Metadata of the issuer (OpenID4VCI 1.0, 12.2): where it is, what it has, what it asks for.

mod configuration;
mod signed;
#[cfg(test)]
mod tests;

use core::fmt;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::configuration::{
    AlgorithmId, ClaimDescription, ClaimDisplay, Configuration, CredentialDisplay, CredentialMetadata, Image,
    KeyAttestationsRequired, ProofType,
};
pub use self::signed::{SIGNED_TYPE, SignedError, sign, verify};
use super::Draft;
use crate::jose::json::{self, BadJson};
use crate::jose::jwe::{self, Encryption, JweError, Recipient};
use crate::jose::jwk::Jwk;
use crate::web::{Address, BadAddress};

/// The name of the document at its well-known place.
pub const WELL_KNOWN: &str = "openid-credential-issuer";

/// The most configurations that are read.
const MOST_CONFIGURATIONS: usize = 1000;

/// Metadata of an issuer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IssuerMetadata {
    /// Its identifier, compared byte for byte.
    pub credential_issuer: String,
    /// Its authorization servers; none if it is its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authorization_servers: Vec<String>,
    /// Where documents are had.
    pub credential_endpoint: String,
    /// Where nonces are had; if there is one, proofs must carry them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce_endpoint: Option<String>,
    /// Where documents are had later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deferred_credential_endpoint: Option<String>,
    /// Where the wallet says what became of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notification_endpoint: Option<String>,
    /// How requests may be encrypted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_request_encryption: Option<RequestEncryption>,
    /// How answers may be encrypted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_response_encryption: Option<ResponseEncryption>,
    /// How many documents may be had at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_credential_issuance: Option<Batch>,
    /// Who it is, for people; one for each language.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub display: Vec<Display>,
    /// What it has.
    pub credential_configurations_supported: BTreeMap<String, Configuration>,
    /// Configurations that were there and could not be read: of formats that are not ours, as a rule.
    #[serde(skip)]
    pub unreadable: Vec<String>,
}

/// Several at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// The most proofs in one request; at least 2.
    pub batch_size: u32,
}

/// Who an issuer is, in one language.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Display {
    /// The name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The language (BCP 47).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// A picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo: Option<Image>,
}

/// How requests may be encrypted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RequestEncryption {
    /// For which keys; each with `kid` and `alg`.
    pub jwks: Jwks,
    /// The encryptions of the content.
    pub enc_values_supported: Vec<String>,
    /// The compressions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub zip_values_supported: Vec<String>,
    /// Whether all of them must be.
    #[serde(default)]
    pub encryption_required: bool,
}

/// A set of keys.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Jwks {
    /// The keys.
    pub keys: Vec<Jwk>,
}

/// How answers may be encrypted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ResponseEncryption {
    /// The ways of agreeing on a key.
    pub alg_values_supported: Vec<String>,
    /// The encryptions of the content.
    pub enc_values_supported: Vec<String>,
    /// The compressions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub zip_values_supported: Vec<String>,
    /// Whether all of them must be.
    pub encryption_required: bool,
}

/// The first of ours that is in a list of names.
fn encryption_of(names: &[String]) -> Option<Encryption> {
    // The stronger first.
    let ours = [Encryption::A256Gcm, Encryption::A128Gcm];
    ours.into_iter()
        .find(|encryption| names.iter().any(|name| name == encryption.name()))
}

impl RequestEncryption {
    /// The key and the way to encrypt a request by, if there is one that we have.
    ///
    /// # Errors
    /// [`JweError::Encryption`] or [`JweError::Algorithm`] if there is none.
    pub fn recipient(&self) -> Result<Recipient, JweError> {
        let encryption = encryption_of(&self.enc_values_supported).ok_or(JweError::Encryption)?;
        let mut ours = self
            .jwks
            .keys
            .iter()
            .filter_map(|jwk| Recipient::new(jwk, encryption, false).ok());
        ours.next().ok_or(JweError::Algorithm)
    }
}

impl ResponseEncryption {
    /// What everybody has.
    #[must_use]
    pub fn baseline(required: bool) -> Self {
        Self {
            alg_values_supported: vec![jwe::ALG.to_owned()],
            enc_values_supported: Encryption::ALL.map(|enc| enc.name().to_owned()).to_vec(),
            zip_values_supported: Vec::new(),
            encryption_required: required,
        }
    }

    /// The way to ask for an encrypted answer by, if there is one that we have.
    #[must_use]
    pub fn encryption(&self) -> Option<Encryption> {
        let agreed = self.alg_values_supported.iter().any(|alg| alg == jwe::ALG);
        encryption_of(&self.enc_values_supported).filter(|_| agreed)
    }
}

/// Why metadata of an issuer is of no use.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetadataError {
    /// It is no such JSON.
    Json(BadJson),
    /// It is that of another issuer.
    OtherIssuer,
    /// An endpoint cannot be used.
    Endpoint(&'static str, BadAddress),
    /// A batch of fewer than two.
    BatchSize,
    /// There are more configurations than are read.
    TooMany,
    /// A configuration has ways of binding and no proofs, or the other way round.
    ProofTypes(String),
    /// A configuration for mobile documents has no `doctype`.
    DocType(String),
    /// A key for requests has no `kid` or no `alg`.
    RequestKey,
}

impl fmt::Display for MetadataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(fault) => write!(f, "the metadata of the issuer cannot be read: {fault}"),
            Self::OtherIssuer => f.write_str("the metadata is that of another issuer"),
            Self::Endpoint(which, fault) => write!(f, "{which} of the issuer cannot be used: {fault}"),
            Self::BatchSize => f.write_str("the metadata allows batches of fewer than two"),
            Self::TooMany => f.write_str("the issuer has more configurations than are read"),
            Self::ProofTypes(id) => write!(
                f,
                "the configuration {id} must have both or neither of cryptographic_binding_methods_supported and \
                 proof_types_supported"
            ),
            Self::DocType(id) => write!(f, "the configuration {id} has no doctype"),
            Self::RequestKey => f.write_str("a key for encrypted requests has no kid or no alg"),
        }
    }
}

impl core::error::Error for MetadataError {}

impl IssuerMetadata {
    /// With the two members that must be there, and no configuration yet.
    #[must_use]
    pub fn new(identifier: &str, credential_endpoint: &str) -> Self {
        Self {
            credential_issuer: identifier.to_owned(),
            authorization_servers: Vec::new(),
            credential_endpoint: credential_endpoint.to_owned(),
            nonce_endpoint: None,
            deferred_credential_endpoint: None,
            notification_endpoint: None,
            credential_request_encryption: None,
            credential_response_encryption: None,
            batch_credential_issuance: None,
            display: Vec::new(),
            credential_configurations_supported: BTreeMap::new(),
            unreadable: Vec::new(),
        }
    }

    /// What an issuer has to see to before it publishes this.
    ///
    /// # Errors
    /// [`MetadataError`] with the first rule that is broken.
    pub fn validate(&self) -> Result<(), MetadataError> {
        self.addresses()?;
        if self
            .batch_credential_issuance
            .is_some_and(|batch| batch.batch_size < 2)
        {
            return Err(MetadataError::BatchSize);
        }
        if let Some(encryption) = &self.credential_request_encryption {
            let named = |jwk: &Jwk| jwk.text("kid").is_some() && jwk.text("alg").is_some();
            if !encryption.jwks.keys.iter().all(named) {
                return Err(MetadataError::RequestKey);
            }
        }
        for (id, configuration) in &self.credential_configurations_supported {
            if configuration.cryptographic_binding_methods_supported.is_empty()
                != configuration.proof_types_supported.is_empty()
            {
                return Err(MetadataError::ProofTypes(id.clone()));
            }
            if configuration.is_mdoc() && configuration.doctype.is_none() {
                return Err(MetadataError::DocType(id.clone()));
            }
        }
        Ok(())
    }

    fn addresses(&self) -> Result<(), MetadataError> {
        Address::identifier(&self.credential_issuer)
            .map_err(|fault| MetadataError::Endpoint("credential_issuer", fault))?;
        for (name, endpoint) in [
            ("credential_endpoint", Some(&self.credential_endpoint)),
            ("nonce_endpoint", self.nonce_endpoint.as_ref()),
            (
                "deferred_credential_endpoint",
                self.deferred_credential_endpoint.as_ref(),
            ),
            ("notification_endpoint", self.notification_endpoint.as_ref()),
        ] {
            if let Some(endpoint) = endpoint {
                Address::parse(endpoint).map_err(|fault| MetadataError::Endpoint(name, fault))?;
            }
        }
        Ok(())
    }

    /// The JSON; for wallets of drafts with `display` and `claims` of each configuration where those look for them, too.
    #[must_use]
    pub fn encode(&self, oldest: Draft) -> Vec<u8> {
        json::write(&self.to_value(oldest))
    }

    fn to_value(&self, oldest: Draft) -> Value {
        let mut value = serde_json::to_value(self).unwrap_or_default();
        if oldest < Draft::Final {
            for (id, configuration) in &self.credential_configurations_supported {
                let place = value
                    .get_mut("credential_configurations_supported")
                    .and_then(|all| all.get_mut(id))
                    .and_then(Value::as_object_mut);
                if let Some(place) = place {
                    configuration.add_drafts(place, oldest);
                }
            }
        }
        value
    }

    /// Reads the document that was fetched for an issuer, whose identifier must be the same byte for byte.
    ///
    /// A configuration that cannot be read is passed over and named in `unreadable`.
    ///
    /// # Errors
    /// [`MetadataError`] if the document is that of another, or an endpoint cannot be used.
    pub fn decode(body: &[u8], identifier: &str) -> Result<Self, MetadataError> {
        let value = json::parse(body).map_err(MetadataError::Json)?;
        Self::from_value(value, identifier)
    }

    fn from_value(mut value: Value, identifier: &str) -> Result<Self, MetadataError> {
        let shape = || MetadataError::Json(BadJson::Shape);
        let all = value
            .get_mut("credential_configurations_supported")
            .and_then(Value::as_object_mut)
            .map(std::mem::take)
            .ok_or_else(shape)?;
        if all.len() > MOST_CONFIGURATIONS {
            return Err(MetadataError::TooMany);
        }
        let mut read: Self = serde_json::from_value(value).map_err(|_| shape())?;
        if read.credential_issuer != identifier {
            return Err(MetadataError::OtherIssuer);
        }
        for (id, configuration) in all {
            match serde_json::from_value::<Configuration>(configuration) {
                Ok(configuration) => {
                    read.credential_configurations_supported.insert(id, configuration);
                }
                Err(_) => read.unreadable.push(id),
            }
        }
        read.addresses()?;
        Ok(read)
    }

    /// The identifier of the authorization server: that which the grant of the offer names, if the metadata has it, else
    /// the first, else the issuer itself.
    ///
    /// # Errors
    /// [`MetadataError::OtherIssuer`] if the offer names one that the metadata does not.
    pub fn authorization_server(&self, named: Option<&str>) -> Result<&str, MetadataError> {
        match named {
            Some(named) => self
                .authorization_servers
                .iter()
                .map(String::as_str)
                .chain(
                    self.authorization_servers
                        .is_empty()
                        .then_some(self.credential_issuer.as_str()),
                )
                .find(|known| *known == named)
                .ok_or(MetadataError::OtherIssuer),
            None => Ok(self
                .authorization_servers
                .first()
                .map_or(&self.credential_issuer, |first| first)),
        }
    }
}
