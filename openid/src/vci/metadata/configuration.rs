//! What an issuer has, and what it asks for.

use std::collections::BTreeMap;

use mdoc_core::crypto::SignatureAlgorithm;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::vci::{Draft, MSO_MDOC};

/// One kind of document.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Configuration {
    /// [`MSO_MDOC`], or a format of others.
    pub format: String,
    /// The document type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doctype: Option<String>,
    /// The scope that it is asked for by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// How it is signed: numbers of COSE; from older issuers names of JOSE.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub credential_signing_alg_values_supported: Vec<AlgorithmId>,
    /// What it is bound to: `cose_key`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cryptographic_binding_methods_supported: Vec<String>,
    /// How the key is proved: `jwt`, `attestation`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub proof_types_supported: BTreeMap<String, ProofType>,
    /// What it looks like and has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential_metadata: Option<CredentialMetadata>,
    /// What it looks like, where drafts had it. Written by [`super::IssuerMetadata::encode`] when asked to.
    #[serde(skip_serializing)]
    pub display: Vec<CredentialDisplay>,
}

/// An algorithm by its number in COSE or its name in JOSE.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AlgorithmId {
    /// In COSE: −7 and −9 are both ECDSA with SHA-256 on P-256.
    Cose(i64),
    /// In JOSE.
    Jose(String),
}

impl AlgorithmId {
    /// Whether it is this algorithm; numbers that say the curve, too (RFC 9864), included.
    #[must_use]
    pub fn is(&self, algorithm: SignatureAlgorithm) -> bool {
        match self {
            Self::Cose(number) => match algorithm {
                SignatureAlgorithm::Es256 => matches!(number, -7 | -9),
                SignatureAlgorithm::Es384 => matches!(number, -35 | -51),
                SignatureAlgorithm::Es512 => matches!(number, -36 | -52),
                SignatureAlgorithm::EdDsa => matches!(number, -8 | -19),
            },
            Self::Jose(name) => *name == algorithm.to_string(),
        }
    }
}

/// How a key is proved.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProofType {
    /// The algorithms, in JOSE.
    pub proof_signing_alg_values_supported: Vec<String>,
    /// That the key must be attested, and how.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_attestations_required: Option<KeyAttestationsRequired>,
}

/// What an attestation of keys must say; even without members one is needed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeyAttestationsRequired {
    /// How the keys are kept, any of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub key_storage: Vec<String>,
    /// How the person proves to be the one before a key is used, any of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub user_authentication: Vec<String>,
}

/// What a document looks like and has.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CredentialMetadata {
    /// What it looks like; one for each language.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub display: Vec<CredentialDisplay>,
    /// What it has, in the order to show it in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<ClaimDescription>,
}

/// What a document looks like, in one language.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CredentialDisplay {
    /// The name.
    pub name: String,
    /// The language (BCP 47).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// A picture of who issued it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo: Option<Image>,
    /// What it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// A colour of CSS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub background_color: Option<String>,
    /// A picture behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub background_image: Option<Image>,
    /// A colour of CSS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text_color: Option<String>,
}

/// A picture by its address, `https` or `data`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Image {
    /// The address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// What is on it, for who cannot see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alt_text: Option<String>,
}

/// An element that a document has.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClaimDescription {
    /// Namespace, element, then keys of maps, numbers of entries, or null for all.
    pub path: Vec<Value>,
    /// Whether every such document has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mandatory: Option<bool>,
    /// What it is called; one for each language.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub display: Vec<ClaimDisplay>,
}

/// What an element is called, in one language.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClaimDisplay {
    /// The name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The language (BCP 47).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
}

impl Configuration {
    /// A mobile document that is bound to keys proved by JWT with ES256 and signed with ES256.
    #[must_use]
    pub fn mdoc(doctype: &str) -> Self {
        let proof = ProofType {
            proof_signing_alg_values_supported: vec!["ES256".to_owned()],
            key_attestations_required: None,
        };
        Self {
            format: MSO_MDOC.to_owned(),
            doctype: Some(doctype.to_owned()),
            credential_signing_alg_values_supported: vec![AlgorithmId::Cose(-7), AlgorithmId::Cose(-9)],
            cryptographic_binding_methods_supported: vec!["cose_key".to_owned()],
            proof_types_supported: BTreeMap::from([("jwt".to_owned(), proof)]),
            ..Self::default()
        }
    }

    /// Whether it is a mobile document.
    #[must_use]
    pub fn is_mdoc(&self) -> bool {
        self.format == MSO_MDOC
    }

    /// What it looks like, wherever that stands.
    #[must_use]
    pub fn displays(&self) -> &[CredentialDisplay] {
        match &self.credential_metadata {
            Some(metadata) if !metadata.display.is_empty() => &metadata.display,
            _ => &self.display,
        }
    }

    /// Adds what wallets of drafts look for at the top.
    pub(super) fn add_drafts(&self, place: &mut Map<String, Value>, oldest: Draft) {
        let Some(metadata) = &self.credential_metadata else {
            return;
        };
        if !metadata.display.is_empty() {
            place.insert("display".to_owned(), json!(metadata.display));
        }
        if metadata.claims.is_empty() {
            return;
        }
        if oldest == Draft::Draft15 {
            place.insert("claims".to_owned(), json!(metadata.claims));
            return;
        }
        let (mut claims, mut order) = (Map::new(), Vec::new());
        for claim in &metadata.claims {
            let [Value::String(name_space), Value::String(element)] = claim.path.as_slice() else {
                continue;
            };
            let mut described = json!(claim);
            if let Some(described) = described.as_object_mut() {
                described.remove("path");
            }
            let place = claims.entry(name_space.clone()).or_insert_with(|| json!({}));
            if let Some(place) = place.as_object_mut() {
                place.insert(element.clone(), described);
            }
            order.push(format!("{name_space}~{element}"));
        }
        place.insert("claims".to_owned(), claims.into());
        place.insert("order".to_owned(), order.into());
    }
}
