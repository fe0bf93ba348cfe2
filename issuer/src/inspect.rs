//! Looking into files: what is in them, as far as it can be read, in words and as JSON.
//!
//! Reads anything, changes nothing, trusts nothing: no signature, digest or certificate is checked here.
//! What is broken is shown as far as it goes, with the fault in its place.

mod certificate;
mod document;
mod exchange;
mod extent;
mod session;
mod time;
mod tree;
mod value;
mod vical;

use core::fmt;

use mdoc_cli::recognise::Structure;
use mdoc_core::cbor::{self, Embedded, Item};
use mdoc_core::cose::{Sign1, key};
use mdoc_core::crypto::PublicKey;
use mdoc_core::error::{DecodeError, Fault};
use mdoc_core::limits::Limits;
use mdoc_core::mso::MobileSecurityObject;
use mdoc_core::time::Timestamp;
use mdoc_core::value::Value;
use mdoc_core::x509::Certificate;
use mdoc_core::x509::csr::CertificationRequest;
use mdoc_core::x509::ocsp::{OcspRequest, OcspResponse};
use mdoc_core::x509::revocation::RevocationList;
use serde_json::{Value as Json, json};

pub use self::extent::LARGEST;
pub use self::tree::{MOST_FAULTS, Node};

/// What every part of a look needs: the instant for remarks such as `expired`, and how much is read.
#[derive(Clone, Copy)]
struct Context<'a> {
    now: Timestamp,
    limits: &'a Limits,
}

/// What was found in a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Inspection {
    /// The name of the structure in the standard, `Certificate` or `Key`.
    pub structure: &'static str,
    /// What that is in plain words, with an article.
    pub words: &'static str,
    /// What is in it.
    pub nodes: Vec<Node>,
    /// Whether it is one of several of the same kind.
    list: bool,
}

impl Inspection {
    /// Looks into an encoded structure, whichever it is.
    ///
    /// # Errors
    /// [`DecodeError`] if it is not well-formed CBOR, or larger than can be shown: [`LARGEST`]. Everything else that is wrong is in the tree.
    pub fn of_cbor(bytes: &[u8], now: Timestamp) -> Result<Self, DecodeError> {
        let limits = extent::LIMITS;
        let context = Context { now, limits: &limits };
        let item = match extent::parse(bytes) {
            Ok(item) => item,
            Err(error) => return with_duplicate_keys(bytes, error),
        };
        let structure = Structure::of(item);
        let nodes = match structure {
            Structure::SessionTranscript => session::transcript(item, context),
            Structure::Unknown => vec![value::item("content", item)],
            _ => match opened(item, &limits) {
                Some(embedded) => match embedded.item(&limits) {
                    Ok(inner) => nodes(structure, inner, context),
                    Err(error) => vec![Node::fault(structure.name(), error)],
                },
                None => nodes(structure, item, context),
            },
        };
        Ok(Self {
            structure: structure.name(),
            words: structure.words(),
            nodes,
            list: false,
        })
    }

    /// Looks into certificates.
    #[must_use]
    pub fn of_certificates(certificates: &[Certificate], now: Timestamp) -> Self {
        let nodes = certificates.iter().enumerate().map(|(index, certificate)| {
            certificate::node(format!("certificate {}", index + 1), certificate, now)
        });
        Self {
            structure: "Certificate",
            words: if certificates.len() == 1 {
                "a certificate"
            } else {
                "several certificates"
            },
            nodes: nodes.collect(),
            list: true,
        }
    }

    /// Looks into a revocation list.
    #[must_use]
    pub fn of_revocation_list(list: &RevocationList, now: Timestamp) -> Self {
        Self {
            structure: "CertificateList",
            words: "a revocation list",
            nodes: certificate::list(list, now),
            list: false,
        }
    }

    /// Looks into a certification request.
    #[must_use]
    pub fn of_certification_request(request: &CertificationRequest) -> Self {
        Self {
            structure: "CertificationRequest",
            words: "a certification request",
            nodes: exchange::certification_request(request),
            list: false,
        }
    }

    /// Looks into an OCSP request.
    #[must_use]
    pub fn of_ocsp_request(request: &OcspRequest) -> Self {
        Self {
            structure: "OCSPRequest",
            words: "an OCSP request",
            nodes: exchange::ocsp_request(request),
            list: false,
        }
    }

    /// Looks into an OCSP response.
    #[must_use]
    pub fn of_ocsp_response(response: &OcspResponse, now: Timestamp) -> Self {
        Self {
            structure: "OCSPResponse",
            words: "an OCSP response",
            nodes: exchange::ocsp_response(response, now),
            list: false,
        }
    }

    /// Tells of a key; of a private one only its public half.
    #[must_use]
    pub fn of_key(key: &PublicKey, private: bool) -> Self {
        let mut nodes = vec![certificate::public_key("publicKey", key)];
        if private {
            nodes.push(Node::value("privateKey", "there, and not shown", Json::Null));
        }
        Self {
            structure: "Key",
            words: if private { "a private key" } else { "a public key" },
            nodes,
            list: false,
        }
    }

    /// The tree for people, a line each, without a title.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::new();
        tree::render(&self.nodes, 0, &mut out);
        out
    }

    /// The same for programs: `structure`, `content`, `faults`, and `verified`, which is always false.
    #[must_use]
    pub fn json(&self) -> Json {
        let mut faults: Vec<Json> = self
            .faults()
            .into_iter()
            .map(|(path, message)| json!({"path": path, "message": message}))
            .collect();
        let count = self.fault_count();
        if count > faults.len() {
            let message = format!("only the first {MOST_FAULTS} of {count} faults are listed");
            faults.push(json!({"path": "", "message": message}));
        }
        json!({
            "structure": self.structure,
            "content": tree::children_to_json(&self.nodes, self.list),
            "faults": faults,
            "verified": false,
        })
    }

    /// How much is wrong.
    #[must_use]
    pub fn fault_count(&self) -> usize {
        tree::count(&self.nodes)
    }

    /// What is wrong, the first [`MOST_FAULTS`] of it: path, with long names cut, and sentence.
    #[must_use]
    pub fn faults(&self) -> Vec<(String, String)> {
        tree::faults(&self.nodes)
    }
}

/// What tag 24 is around, if it is there.
fn opened<'b>(item: Item<'b>, limits: &Limits) -> Option<Embedded<'b>> {
    Embedded::new(item)
        .ok()
        .filter(|embedded| embedded.item(limits).is_ok())
}

fn nodes(structure: Structure, item: Item<'_>, context: Context<'_>) -> Vec<Node> {
    match structure {
        Structure::IssuerSigned => document::issuer_signed(item, context),
        Structure::Document => document::document(item, context),
        Structure::DeviceResponse => document::response(item, context),
        Structure::DeviceRequest => session::request(item.raw(), context),
        Structure::DeviceEngagement => session::engagement(item.raw(), context),
        Structure::MobileSecurityObject => match MobileSecurityObject::decode(item) {
            Ok(mso) => document::mso(&mso, context.now, None),
            Err(error) => vec![value::item("mso", item).with_fault(error)],
        },
        Structure::CoseKey => vec![match key::decode(item) {
            Ok(found) if holds_private_key(item) => {
                certificate::public_key("publicKey", &found).remark(Some("its private half is not shown"))
            }
            Ok(found) => certificate::public_key("publicKey", &found),
            Err(error) => Node::fault("publicKey", error),
        }],
        Structure::CoseSign1 => signed_message(item, context),
        Structure::Vical => vical::nodes(item, context),
        _ => vec![value::item("content", item)],
    }
}

fn signed_message(item: Item<'_>, context: Context<'_>) -> Vec<Node> {
    let inner = item
        .tagged()
        .filter(|(tag, _)| *tag == 61)
        .map_or(item, |(_, inner)| inner);
    let auth = match Sign1::decode(inner, context.limits) {
        Ok(auth) => auth,
        Err(error) => return vec![value::item("COSE_Sign1", item).with_fault(error)],
    };
    let mut nodes = document::signature(&auth, context);
    nodes.push(match auth.payload() {
        None => Node::value("payload", "detached", Json::Null),
        Some(payload) => match document::mso_payload(payload, context, None) {
            Ok(mso) => Node::group("payload", mso),
            Err(_) => match Item::parse(payload, context.limits) {
                Ok(payload) => value::item("payload", payload),
                Err(_) => value::value("payload", &Value::Bytes(payload.to_vec())),
            },
        },
    });
    nodes
}

/// The largest file that is shown although a map has a key twice, in bytes: nothing has counted its items.
pub const LARGEST_WITH_DUPLICATES: usize = 64 * 1024;

/// A map with a key twice is refused by every decoder of ours; what is in it can be shown all the same.
fn with_duplicate_keys(bytes: &[u8], error: DecodeError) -> Result<Inspection, DecodeError> {
    if error.fault() != &Fault::DuplicateKey || bytes.len() > LARGEST_WITH_DUPLICATES {
        return Err(error);
    }
    let Ok(found) = ciborium::de::from_reader_with_recursion_limit::<Value, _>(bytes, 128) else {
        return Err(error);
    };
    Ok(Inspection {
        structure: Structure::Unknown.name(),
        words: Structure::Unknown.words(),
        nodes: vec![value::value("content", &found).with_fault(error)],
        list: false,
    })
}

/// Whether a COSE_Key has its private half, which is never shown.
fn holds_private_key(item: Item<'_>) -> bool {
    item.get_label(-4).is_some()
}

/// CBOR in diagnostic notation, tag 24 opened.
///
/// # Errors
/// [`NoDiagnostic`] if it is not well-formed, or would show a private key.
pub fn diagnostic(bytes: &[u8]) -> Result<String, NoDiagnostic> {
    let limits = extent::LIMITS;
    let item = extent::parse(bytes).map_err(NoDiagnostic::Decode)?;
    let private = Structure::of(item) == Structure::CoseKey
        && (holds_private_key(item)
            || opened(item, &limits)
                .is_some_and(|embedded| embedded.item(&limits).is_ok_and(holds_private_key)));
    if private {
        return Err(NoDiagnostic::PrivateKey);
    }
    Ok(cbor::diagnostic(item, 0))
}

/// Why there is no diagnostic notation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoDiagnostic {
    /// The bytes are not well-formed CBOR.
    Decode(DecodeError),
    /// It is a private key.
    PrivateKey,
}

/// Why there is no portrait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoPortrait {
    /// The bytes are not well-formed CBOR.
    Decode(DecodeError),
    /// The structure has no elements: its name.
    NoDocument(&'static str),
    /// There is no `portrait`; the elements that are pictures.
    Missing(Vec<String>),
}

impl fmt::Display for NoPortrait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decode(error) => error.fmt(f),
            Self::NoDocument(structure) => write!(f, "a {structure} has no portrait"),
            Self::Missing(_) => f.write_str("there is no element `portrait` among the elements released"),
        }
    }
}

impl core::error::Error for NoPortrait {}

/// The bytes of the first element `portrait` of a document or response.
///
/// # Errors
/// [`NoPortrait`] saying why there is none.
pub fn portrait(bytes: &[u8]) -> Result<Vec<u8>, NoPortrait> {
    let limits = extent::LIMITS;
    let item = extent::parse(bytes).map_err(NoPortrait::Decode)?;
    let structure = Structure::of(item);
    if !matches!(
        structure,
        Structure::IssuerSigned | Structure::Document | Structure::DeviceResponse
    ) {
        return Err(NoPortrait::NoDocument(structure.name()));
    }
    let pictures = match opened(item, &limits) {
        Some(embedded) => embedded
            .item(&limits)
            .map(|inner| document::pictures(inner, &limits))
            .unwrap_or_default(),
        None => document::pictures(item, &limits),
    };
    let names = pictures.iter().map(|(name, _)| name.clone()).collect();
    pictures
        .into_iter()
        .find(|(name, _)| name == "portrait")
        .map(|(_, bytes)| bytes)
        .ok_or(NoPortrait::Missing(names))
}

#[cfg(test)]
mod tests;
