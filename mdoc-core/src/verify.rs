//! The inspection procedure of ISO/IEC 18013-5 (2021 edition, 9.3): every check a named step.
//!
//! [`verify`] runs every step it can and never stops at the first failure. A step ends in one of four
//! ways ([`Outcome`]); what was not done is said, with the reason. A [`Policy`] decides what a deviation
//! or a missing piece of evidence means, and [`DocumentReport::accept`] is the one door to the data.

mod cache;
mod certificates;
mod check;
mod device;
mod elements;
mod issuer;
mod items;
mod mso;
mod policy;
mod reason;
mod report;
mod status;

pub use self::cache::ChainCache;
pub use self::check::Check;
pub use self::policy::{Policy, StatusPolicy};
pub use self::reason::{Code, Detail, Reason, ReasonCode, Why};
use self::report::Steps;
pub use self::report::{Accepted, DocumentReport, Element, Outcome, Rejected, Report, Source, Step};
use crate::cbor::{Item, Shape};
use crate::crypto::{Backend, Counted, SecretKey, fastest};
use crate::device_request::ItemsRequest;
use crate::device_response::{DeviceResponse, document_members};
use crate::error::{DecodeError, Fault};
use crate::limits::Limits;
use crate::status::{Evidence, Told};
use crate::time::Timestamp;
use crate::transcript::SessionTranscript;
use crate::x509::ocsp::OcspResponse;
use crate::x509::path::TrustAnchor;
use crate::x509::revocation::RevocationList;

/// Document type of the mobile driving licence.
pub const MDL_DOC_TYPE: &str = "org.iso.18013.5.1.mDL";
/// Namespace of its elements.
pub const MDL_NAME_SPACE: &str = "org.iso.18013.5.1";

/// The elements that every driving licence has; a holder need not release them.
///
/// Source: ISO/IEC 18013-5:2021, 7.2.1.
pub const MDL_MANDATORY: [&str; 11] = [
    "family_name",
    "given_name",
    "birth_date",
    "issue_date",
    "expiry_date",
    "issuing_country",
    "issuing_authority",
    "document_number",
    "portrait",
    "driving_privileges",
    "un_distinguishing_sign",
];

/// What a verification is judged by. The bytes under test are not among it.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    /// Certificates that are trusted to have issued document signers.
    pub anchors: &'a [TrustAnchor],
    /// The instant to judge by.
    pub now: Timestamp,
    /// What decides where there is a choice.
    pub policy: Policy,
    /// The transcript of this session, built by ourselves.
    pub transcript: Option<&'a SessionTranscript>,
    /// Our ephemeral key of this session, for device MACs.
    pub reader_key: Option<&'a SecretKey>,
    /// What we asked for.
    pub request: Option<&'a [ItemsRequest]>,
    /// Revocation lists at hand.
    pub revocation_lists: &'a [RevocationList],
    /// Answers of OCSP responders at hand. Whether one repeats a nonce is for whoever asked to check.
    pub ocsp_answers: &'a [OcspResponse],
    /// Status lists at hand, each with the address it was asked for by.
    pub status_lists: &'a [Evidence<'a>],
    /// What the issuer said when it was asked itself.
    pub told: &'a [Told<'a>],
    /// Bounds on the input.
    pub limits: Limits,
    /// Who computes.
    pub backend: &'a dyn Backend,
    /// What earlier verifications under the same anchors found out, if there are several. Not used with anchors
    /// other than those it was made for.
    pub cache: Option<&'a ChainCache>,
}

impl<'a> Inputs<'a> {
    /// The least that is needed; the rest is none or default, to be set by field.
    #[must_use]
    pub fn new(anchors: &'a [TrustAnchor], now: Timestamp) -> Self {
        Self {
            anchors,
            now,
            policy: Policy::STANDARD,
            transcript: None,
            reader_key: None,
            request: None,
            revocation_lists: &[],
            ocsp_answers: &[],
            status_lists: &[],
            told: &[],
            limits: Limits::DEFAULT,
            backend: fastest(),
            cache: None,
        }
    }

    /// As [`Inputs::new`] with the anchors of a cache and the cache itself: for whoever verifies more than one
    /// document.
    #[must_use]
    pub fn cached(cache: &'a ChainCache, now: Timestamp) -> Self {
        Self {
            cache: Some(cache),
            ..Self::new(cache.anchors(), now)
        }
    }
}

/// What the bytes under test are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A `DeviceResponse`.
    DeviceResponse,
    /// A `Document`, one of those in a response.
    Document,
    /// An `IssuerSigned`, as a wallet stores it: without device authentication.
    IssuerSigned,
}

/// Runs the inspection procedure over received bytes.
#[must_use]
pub fn verify<'b>(bytes: &'b [u8], form: Form, inputs: &Inputs<'_>) -> Report<'b> {
    let parsed = || Item::parse_with_shape(bytes, &inputs.limits);
    let report = match form {
        Form::DeviceResponse => DeviceResponse::decode_with_shape(bytes, &inputs.limits)
            .map(|(decoded, shape)| response(decoded, shape, inputs)),
        Form::Document => parsed().map(|(item, shape)| Report {
            documents: vec![document(item, shape, 0, inputs)],
        }),
        Form::IssuerSigned => parsed().map(|(item, shape)| {
            let steps = Steps::new(inputs.policy);
            let parts = issuer::Parts {
                doc_type: None,
                issuer_signed: Some(item),
                device_signed: None,
            };
            Report {
                documents: vec![issuer::inspect(parts, shape, steps, inputs)],
            }
        }),
    };
    report.unwrap_or_else(|error| unreadable(error, inputs))
}

fn unreadable<'b>(error: DecodeError, inputs: &Inputs<'_>) -> Report<'b> {
    let mut steps = Steps::new(inputs.policy);
    steps.decode_error(error);
    Report {
        documents: vec![without_document(steps, inputs)],
    }
}

/// A document that comes after too many signatures.
fn too_much<'b>(at: usize, inputs: &Inputs<'_>) -> DocumentReport<'b> {
    let mut steps = Steps::new(inputs.policy);
    let limit = DecodeError::new(Fault::Limit("the signatures of one message"));
    steps.decode_error(limit.within(&format!("documents[{at}]")));
    without_document(steps, inputs)
}

fn without_document<'b>(steps: Steps, inputs: &Inputs<'_>) -> DocumentReport<'b> {
    DocumentReport {
        doc_type: None,
        steps: steps.finish(),
        policy: inputs.policy,
        issuer_signed: Vec::new(),
        device_signed: None,
        status: None,
        limits: inputs.limits,
    }
}

fn response<'b>(response: DeviceResponse<'b>, shape: Shape, inputs: &Inputs<'_>) -> Report<'b> {
    if response.documents.is_empty() {
        let mut steps = Steps::new(inputs.policy);
        report_status(response.status, &mut steps);
        let errors: Vec<_> = response
            .document_errors
            .iter()
            .map(|(name, code)| format!("{name} {code}"))
            .collect();
        steps.find(
            Code::ResponseEmpty,
            if errors.is_empty() {
                Detail::None
            } else {
                Detail::Text(errors.join(", "))
            },
        );
        return Report {
            documents: vec![without_document(steps, inputs)],
        };
    }
    let counted = Counted::new(inputs.backend);
    let inputs = &Inputs {
        backend: &counted,
        ..*inputs
    };
    let documents = response.documents.into_iter().enumerate();
    let documents = documents
        .map(|(at, item)| {
            if counted.spent() > inputs.limits.signatures {
                too_much(at, inputs)
            } else {
                document(item, shape, response.status, inputs)
            }
        })
        .collect();
    Report { documents }
}

fn report_status(status: u64, steps: &mut Steps) {
    if status != 0 {
        steps.find(Code::ResponseStatusError, Detail::Text(status.to_string()));
    }
}

fn document<'b>(item: Item<'b>, shape: Shape, status: u64, inputs: &Inputs<'_>) -> DocumentReport<'b> {
    let mut steps = Steps::new(inputs.policy);
    report_status(status, &mut steps);
    steps.pass_unless_found(Check::ResponseStatus);
    let members = match document_members(item) {
        Ok((members, _)) => members,
        Err(error) => [Err(error.clone()), Err(error.clone()), Err(error)],
    };
    let [doc_type, issuer_signed, device_signed] =
        members.map(|member| member.map_err(|error| steps.decode_error(error)).ok());
    let doc_type = doc_type.and_then(|doc_type| {
        let text = doc_type.expect_name();
        text.map_err(|error| steps.decode_error(error.within("docType")))
            .ok()
    });
    let device_signed = Some(device_signed.ok_or(()));
    issuer::inspect(
        issuer::Parts {
            doc_type,
            issuer_signed,
            device_signed,
        },
        shape,
        steps,
        inputs,
    )
}
