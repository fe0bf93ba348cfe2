//! `mdoc-holder respond`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use mdoc_cli::input::{self, Input};
use mdoc_cli::output::{self, Existing, NewFile};
use mdoc_cli::system::SystemClock;
use mdoc_cli::{Exit, Failure, args, failure, keys};
use mdoc_core::crypto::{PublicKey, RustCrypto};
use mdoc_core::device_request::DeviceRequest;
use mdoc_core::error::DecodeError;
use mdoc_core::issuer_signed::IssuerSigned;
use mdoc_core::limits::Limits;
use mdoc_core::present::{DeviceKey, PresentError};
use mdoc_core::seams::{Clock as _, SoftwareKey};
use mdoc_core::time::Timestamp;
use mdoc_core::transcript::SessionTranscript;
use mdoc_core::x509::path::TrustAnchor;
use mdoc_holder::question::{AnswerError, Held, Question, Session};
use mdoc_holder::reader::{Reader, ReaderTrust};

use super::PROGRAM;

#[derive(Args)]
#[command(after_help = "\
Releases what the request asks for and the document has; --only releases less. Every use of a device key is a
signature, or every use is a MAC: do not mix them with one key.

Examples:
  mdoc-holder respond --document document.mdoc --key device.key.pem --request request.cbor \\
      --transcript transcript.cbor --out response.cbor
  mdoc-holder respond … --mac --reader-key reader.pub.pem --out response.cbor
  mdoc-holder respond … --only org.iso.18013.5.1:age_over_18 --reader-trust reader-ca.pem --out response.cbor")]
pub(super) struct Arguments {
    /// The document as issued.
    #[arg(long, value_name = "FILE")]
    document: PathBuf,
    /// The private key that the document is bound to.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The request.
    #[arg(long, value_name = "FILE")]
    request: PathBuf,
    /// The transcript of the session.
    #[arg(long, value_name = "FILE")]
    transcript: PathBuf,
    /// Authenticate with a MAC, which only this reader can check, instead of a signature.
    #[arg(long, requires = "reader_key")]
    mac: bool,
    /// The reader's ephemeral public key of the session, for --mac.
    #[arg(long, value_name = "FILE", requires = "mac")]
    reader_key: Option<PathBuf>,
    /// Release this element only; may be given more than once.
    #[arg(long, value_name = "NAMESPACE:ELEMENT", value_parser = args::element, num_args = 1..)]
    only: Vec<(String, String)>,
    /// Certificate of a reader CA, or folder of them, to judge who asks; may be given more than once.
    #[arg(long, value_name = "FILE|DIR")]
    reader_trust: Vec<PathBuf>,
    /// Judge the reader's certificate by this instant (RFC 3339) instead of now.
    #[arg(long, value_name = "RFC3339", value_parser = args::instant)]
    at: Option<Timestamp>,
    /// Where to write the DeviceResponse; `-` is standard output.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Print what was done as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let limits = Limits::DEFAULT;
    let document = cbor(&arguments.document, "an issued document")?;
    let document = IssuerSigned::decode(&document, &limits)
        .map_err(|error| undecodable(&arguments.document, "issued document", &error))?;
    let request = cbor(&arguments.request, "a DeviceRequest")?;
    let request = DeviceRequest::decode(&request, &limits)
        .map_err(|error| undecodable(&arguments.request, "DeviceRequest", &error))?;
    let transcript = cbor(&arguments.transcript, "a session transcript")?;
    let transcript = SessionTranscript::decode(&transcript, &limits)
        .map_err(|error| undecodable(&arguments.transcript, "session transcript", &error))?;
    let key = keys::signer(&arguments.key)?;
    let reader_key = arguments
        .reader_key
        .as_deref()
        .map(keys::public_key)
        .transpose()?;
    let anchors = reader_anchors(&arguments.reader_trust)?;
    let now = arguments.at.unwrap_or_else(|| SystemClock.now());
    let session = Session {
        transcript: &transcript,
        trust: ReaderTrust {
            anchors: &anchors,
            now,
        },
        limits,
        backend: &RustCrypto,
    };
    let held = [Held {
        document: &document,
        key: device_key(&key, reader_key.as_ref()),
    }];
    let mut question = Question::new(&request, &held, &session).map_err(|error| refused(&error))?;
    restrict(&mut question, &arguments.only)?;
    let nothing = question
        .documents
        .iter()
        .all(|document| document.found.is_empty());
    let answer = question
        .answer(&held, &session)
        .map_err(|error| refused(&error))?;
    if input::is_stdio(&arguments.out) {
        output::print_bytes(&answer.response)?;
    } else {
        let file = NewFile {
            path: &arguments.out,
            content: &answer.response,
            secret: false,
        };
        output::write(file, Existing::Replace)?;
        report(&question, arguments)?;
    }
    if nothing {
        output::warn(
            PROGRAM,
            "the response holds no document: nothing of what was asked can be answered",
        );
        return Ok(Exit::Rejected);
    }
    Ok(Exit::Done)
}

const fn device_key<'a>(key: &'a SoftwareKey, reader_key: Option<&'a PublicKey>) -> DeviceKey<'a> {
    match reader_key {
        Some(reader_key) => DeviceKey::Mac {
            secret: key.secret(),
            reader_key,
        },
        None => DeviceKey::Signature(key),
    }
}

fn cbor(path: &Path, expected: &str) -> Result<Vec<u8>, Failure> {
    let input = Input::read(path)?;
    input.cbor(expected).map(std::borrow::Cow::into_owned)
}

fn undecodable(path: &Path, what: &str, error: &DecodeError) -> Failure {
    Failure::new(format!("{} is no {what}: {error}", input::display(path)))
        .hint("`mdoc-issuer inspect FILE` shows what is in it")
}

fn reader_anchors(paths: &[PathBuf]) -> Result<Vec<TrustAnchor>, Failure> {
    if paths.is_empty() {
        return Ok(Vec::new());
    }
    let anchors = keys::trust_anchors(paths)?;
    for warning in &anchors.warnings {
        output::warn(PROGRAM, warning);
    }
    Ok(anchors.certificates.into_iter().map(TrustAnchor::new).collect())
}

fn refused(error: &AnswerError) -> Failure {
    let failure = Failure::new(error.to_string());
    match error {
        AnswerError::Present(PresentError::WrongDeviceKey) => {
            failure.hint("give the private key whose public half went to the issuer with --device-key")
        }
        AnswerError::Present(PresentError::Mac(_)) => {
            failure.hint("device key and reader key must be on the same curve, and that not Ed25519")
        }
        _ => failure,
    }
}

/// Leaves what --only names. A name that answers nothing is a typing error, not a wish.
fn restrict(question: &mut Question, only: &[(String, String)]) -> Result<(), Failure> {
    if only.is_empty() {
        return Ok(());
    }
    let answers = |found: &mdoc_core::present::Match, (name_space, element): &(String, String)| {
        found.name_space == *name_space && (found.released == *element || found.requested == *element)
    };
    for wanted in only {
        let found = question.documents.iter().flat_map(|document| &document.found);
        if !found.into_iter().any(|found| answers(found, wanted)) {
            let (name_space, element) = wanted;
            return Err(Failure::new(format!(
                "--only {name_space}:{element} names an element that was not asked for, or that the document lacks"
            ))
            .hint("`mdoc-issuer inspect` shows what the request asks for and what the document has"));
        }
    }
    for document in &mut question.documents {
        document
            .found
            .retain(|found| only.iter().any(|wanted| answers(found, wanted)));
    }
    Ok(())
}

fn report(question: &Question, arguments: &Arguments) -> Result<(), Failure> {
    let out = arguments.out.display().to_string();
    if arguments.json {
        let documents: Vec<_> = question
            .documents
            .iter()
            .map(|document| {
                let released = document.found.iter().map(|found| {
                    serde_json::json!({
                        "namespace": found.name_space,
                        "requested": found.requested,
                        "released": found.released,
                        "intentToRetain": found.intent_to_retain,
                    })
                });
                serde_json::json!({
                    "docType": document.doc_type,
                    "reader": document.reader.to_string(),
                    "readerTrusted": matches!(document.reader, Reader::Trusted { .. }),
                    "released": released.collect::<Vec<_>>(),
                })
            })
            .collect();
        return output::print_json(&serde_json::json!({ "response": out, "documents": documents }));
    }
    let mut text = String::new();
    for document in &question.documents {
        let reader = failure::printable(&document.reader.to_string());
        let _ = writeln!(text, "{} for {reader}", failure::printable(&document.doc_type));
        for found in &document.found {
            let keep = if found.intent_to_retain {
                ", will be kept"
            } else {
                ""
            };
            let instead = if found.released == found.requested {
                String::new()
            } else {
                format!(" for {}", found.requested)
            };
            let _ = writeln!(
                text,
                "  released  {} {}{instead}{keep}",
                found.name_space, found.released
            );
        }
        for (name_space, element) in &document.absent {
            let line = failure::printable(&format!("{name_space} {element}"));
            let _ = writeln!(text, "  not there {line}");
        }
    }
    let _ = writeln!(text, "wrote {out}");
    output::print(&text)
}
