//! `mdoc-holder respond`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use mdoc_cli::failure::{printable_line, printable_name};
use mdoc_cli::input::{self, Form, Input};
use mdoc_cli::nearest::nearest;
use mdoc_cli::output::{self, Existing, NewFile};
use mdoc_cli::recognise::Structure;
use mdoc_cli::system::SystemClock;
use mdoc_cli::{Exit, Failure, args, keys, trust};
use mdoc_core::crypto::{PublicKey, fastest};
use mdoc_core::device_request::DeviceRequest;
use mdoc_core::issuer_signed::IssuerSigned;
use mdoc_core::limits::Limits;
use mdoc_core::present::{DeviceKey, PresentError};
use mdoc_core::seams::{Clock as _, SoftwareKey};
use mdoc_core::time::Timestamp;
use mdoc_core::transcript::SessionTranscript;
use mdoc_core::x509::path::TrustAnchor;
use mdoc_holder::question::{AnswerError, Held, Question, Release, Session};
use mdoc_holder::reader::{Reader, ReaderFault, ReaderTrust};

use super::PROGRAM;

#[derive(Args)]
#[command(after_help = "\
Releases what the request asks for and the document has; --only releases less.
Every use of a device key is a signature, or every use is a MAC: do not mix them
with one key. A reader whose signature does not hold is not answered. If nothing
can be answered, the response says so, and the exit status is 1.

Examples:
  mdoc-holder respond --document document.mdoc --key device.key.pem \\
      --request request.cbor --transcript transcript.cbor --out response.cbor
  mdoc-holder respond … --mac --reader-key reader.pub.pem
  mdoc-holder respond … --only org.iso.18013.5.1:age_over_18 \\
      --reader-trust reader-ca.pem")]
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
    /// Judge the reader's certificate by this instant [default: now].
    #[arg(long, value_name = "RFC3339", value_parser = args::instant)]
    at: Option<Timestamp>,
    /// Where to write the DeviceResponse; `-` is standard output.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let limits = Limits::DEFAULT;
    let inputs = [
        &arguments.document,
        &arguments.key,
        &arguments.request,
        &arguments.transcript,
    ];
    let inputs = inputs
        .into_iter()
        .chain(&arguments.reader_key)
        .map(PathBuf::as_path);
    output::not_over(&arguments.out, &inputs.collect::<Vec<_>>())?;
    let document = issued(&arguments.document)?;
    let document = IssuerSigned::decode(&document.bytes, &limits)
        .map_err(|error| document.undecodable(Structure::IssuerSigned, &error))?;
    let request = cbor(&arguments.request, Structure::DeviceRequest)?;
    let request = DeviceRequest::decode(&request.bytes, &limits)
        .map_err(|error| request.undecodable(Structure::DeviceRequest, &error))?;
    let transcript = cbor(&arguments.transcript, Structure::SessionTranscript)?;
    let transcript = SessionTranscript::decode(&transcript.bytes, &limits)
        .map_err(|error| transcript.undecodable(Structure::SessionTranscript, &error))?;
    let key = keys::software_key(&arguments.key)?;
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
        backend: fastest(),
    };
    tracing::debug!(
        documents = request.doc_requests.len(),
        version = &*request.version,
        "request decoded"
    );
    let held = [Held {
        document: &document,
        key: device_key(&key, reader_key.as_ref()),
    }];
    let mut question =
        Question::new(&request, &held, &session).map_err(|error| refused(&error, arguments))?;
    refuse_forged(&question)?;
    restrict(&mut question, &arguments.only)?;
    let answer = question
        .answer(&held, &session)
        .map_err(|error| refused(&error, arguments))?;
    for asked in question.releases() {
        let (doc_type, elements) = (asked.doc_type, asked.elements.len());
        tracing::debug!(
            doc_type,
            elements,
            absent = asked.absent.len(),
            "document asked for"
        );
    }
    tracing::info!(
        documents = answer.documents,
        bytes = answer.response.len(),
        proof = if reader_key.is_some() { "mac" } else { "signature" },
        "response made"
    );
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
    if answer.documents == 0 {
        output::warn(
            PROGRAM,
            "the response holds no document: nothing of what was asked can be answered",
        );
        return Ok(Exit::Rejected);
    }
    Ok(Exit::Done)
}

pub(super) const fn device_key<'a>(key: &'a SoftwareKey, reader_key: Option<&'a PublicKey>) -> DeviceKey<'a> {
    match reader_key {
        Some(reader_key) => DeviceKey::Mac {
            secret: key.secret(),
            reader_key,
        },
        None => DeviceKey::Signature(key),
    }
}

/// A document as issued; decoded by whoever keeps its bytes.
pub(super) fn issued(path: &Path) -> Result<Input, Failure> {
    cbor(path, Structure::IssuerSigned)
}

fn cbor(path: &Path, expected: Structure) -> Result<Input, Failure> {
    let input = Input::read(path)?;
    match input.form {
        Form::EngagementUri => Err(input.not(expected.words())),
        _ => input.cbor(expected.words()).map(drop).map(|()| input),
    }
}

/// A signature that does not hold is an attack, or the transcript of another session.
fn refuse_forged(question: &Question) -> Result<(), Failure> {
    let mut readers = question.documents.iter().map(|document| &document.reader);
    match readers.find(|reader| matches!(reader, Reader::Failed(_))) {
        Some(reader) => {
            let failure = Failure::new(format!("the request is from {reader}"));
            let failure = match reader {
                Reader::Failed(ReaderFault::Effort) => failure,
                _ => {
                    failure.hint("--transcript must be that of the session for which the request was signed")
                }
            };
            Err(failure.exit(Exit::Rejected))
        }
        None => Ok(()),
    }
}

pub(super) fn reader_anchors(paths: &[PathBuf]) -> Result<Vec<TrustAnchor>, Failure> {
    if paths.is_empty() {
        return Ok(Vec::new());
    }
    let anchors = trust::trust_anchors(paths)?;
    for warning in &anchors.warnings {
        output::warn(PROGRAM, warning);
    }
    Ok(anchors.certificates.into_iter().map(TrustAnchor::new).collect())
}

fn refused(error: &AnswerError, arguments: &Arguments) -> Failure {
    let failure = Failure::new(error.to_string());
    match error {
        AnswerError::Present(PresentError::WrongDeviceKey) => Failure::new(format!(
            "{} is not the key that {} is bound to",
            input::display(&arguments.key),
            input::display(&arguments.document)
        ))
        .hint("give the private key whose public half went to the issuer with --device-key"),
        AnswerError::Present(PresentError::Mac(_)) => {
            failure.hint("device key and reader key must be on the same curve, and that not Ed25519")
        }
        _ => failure,
    }
}

/// Leaves what --only names. A name that answers nothing is a typing error, not a wish.
pub(super) fn restrict(question: &mut Question, only: &[(String, String)]) -> Result<(), Failure> {
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
            let wanted = format!("{name_space}:{element}");
            let all = question.documents.iter().flat_map(|document| &document.found);
            let names: Vec<String> = all
                .map(|found| format!("{}:{}", found.name_space, found.released))
                .collect();
            let hint = nearest(&wanted, names.iter().map(String::as_str)).map_or_else(
                || {
                    "`mdoc-issuer inspect` shows what the request asks for and what the document has"
                        .to_owned()
                },
                |meant| format!("did you mean {meant}?"),
            );
            return Err(Failure::new(format!(
                "--only {wanted} names an element that was not asked for, or that the document lacks"
            ))
            .hint(hint));
        }
    }
    let all = question.documents.iter().flat_map(|document| &document.found);
    let named = all.filter(|found| only.iter().any(|wanted| answers(found, wanted)));
    let permitted: BTreeSet<(String, String)> = named
        .map(|found| (found.name_space.clone(), found.released.clone()))
        .collect();
    question
        .permit(|_, name_space, element| permitted.contains(&(name_space.to_owned(), element.to_owned())));
    Ok(())
}

fn report(question: &Question, arguments: &Arguments) -> Result<(), Failure> {
    let out = arguments.out.display().to_string();
    if arguments.json {
        let documents: Vec<_> = question_json(question).collect();
        return output::print_json(&serde_json::json!({ "response": out, "documents": documents }));
    }
    output::print(&format!("{}wrote {out}\n", words(question)))
}

/// What is released of each document, and to whom; and what is not.
fn words(question: &Question) -> String {
    let mut text = String::new();
    for document in question.releases() {
        for reader in &document.readers {
            let _ = writeln!(text, "{} for {}", printable_name(document.doc_type), who(reader));
        }
        if document.held.is_none() {
            let _ = writeln!(text, "  the document is of another type");
        }
        for released in &document.elements {
            let keep = if released.intent_to_retain {
                ", will be kept"
            } else {
                ""
            };
            let instead = if released.element == released.requested {
                String::new()
            } else {
                format!(" for {}", printable_name(released.requested))
            };
            let element = element(released.name_space, released.element);
            let _ = writeln!(text, "  released  {element}{instead}{keep}");
        }
        for (name_space, identifier) in &document.absent {
            let _ = writeln!(text, "  not released {}", element(name_space, identifier));
        }
    }
    text
}

/// Who asks, for a line of their own: anybody can write anything into the name of a certificate.
pub(super) fn who(reader: &Reader) -> String {
    match reader {
        Reader::Trusted { name, .. } => format!("{} (trusted)", printable_name(name)),
        Reader::Untrusted { name, why } => format!(
            "an untrusted reader that calls itself {} ({})",
            printable_name(name),
            printable_name(&why.to_string())
        ),
        other => printable_line(&other.to_string()),
    }
}

/// Namespace and identifier of an element, for people.
pub(super) fn element(name_space: &str, identifier: &str) -> String {
    format!("{} {}", printable_name(name_space), printable_name(identifier))
}

/// Of all who ask for a document, the first that is not trusted; if all are, the first.
fn least_trusted<'q>(document: &Release<'q>) -> Option<&'q Reader> {
    let mut readers = document.readers.iter().copied();
    let untrusted = readers.find(|reader| !is_trusted(reader));
    untrusted.or_else(|| document.readers.first().copied())
}

pub(super) const fn is_trusted(reader: &Reader) -> bool {
    matches!(reader, Reader::Trusted { .. })
}

/// What is released of each document, and to whom.
pub(super) fn question_json(question: &Question) -> impl Iterator<Item = serde_json::Value> {
    question.releases().into_iter().map(|document| {
        let released = document.elements.iter().map(|released| {
            serde_json::json!({
                "namespace": released.name_space,
                "requested": released.requested,
                "released": released.element,
                "intentToRetain": released.intent_to_retain,
            })
        });
        let readers = document
            .readers
            .iter()
            .map(|reader| serde_json::json!({ "reader": reader.to_string(), "trusted": is_trusted(reader) }));
        serde_json::json!({
            "docType": document.doc_type,
            "reader": least_trusted(&document).map(ToString::to_string),
            "readerTrusted": document.is_trusted(),
            "readers": readers.collect::<Vec<_>>(),
            "released": released.collect::<Vec<_>>(),
        })
    })
}

#[cfg(test)]
pub(super) mod tests {
    use mdoc_core::present::Match;
    use mdoc_holder::question::DocumentQuestion;

    use super::*;

    /// A document is asked for twice, by nobody known and by a reader that is trusted, and another one that is not here.
    pub(in crate::cli) fn asked_twice() -> Question {
        let found = |requested: &str, released: &str, intent_to_retain| Match {
            name_space: "ns".to_owned(),
            requested: requested.to_owned(),
            released: released.to_owned(),
            intent_to_retain,
        };
        let absent = |name: &str| ("ns".to_owned(), name.to_owned());
        let first = DocumentQuestion {
            doc_type: "type".to_owned(),
            reader: Reader::Anonymous,
            held: Some(0),
            found: vec![found("age_over_16", "age_over_18", false), found("b", "b", false)],
            absent: vec![absent("c")],
        };
        let other = DocumentQuestion {
            doc_type: "other".to_owned(),
            reader: Reader::Anonymous,
            held: None,
            found: Vec::new(),
            absent: Vec::new(),
        };
        let again = DocumentQuestion {
            reader: Reader::Trusted {
                name: "CN=Bar".to_owned(),
                warnings: Vec::new(),
            },
            found: vec![found("b", "b", true)],
            absent: vec![absent("c"), absent("d")],
            ..first.clone()
        };
        Question {
            documents: vec![first, other, again],
        }
    }

    #[test]
    fn a_document_that_is_asked_for_twice_is_told_once() {
        let question = asked_twice();
        let expected = "\
type for an unknown reader (it did not sign its request)
type for CN=Bar (trusted)
  released  ns age_over_18 for age_over_16
  released  ns b, will be kept
  not released ns c
  not released ns d
other for an unknown reader (it did not sign its request)
  the document is of another type
";
        assert_eq!(words(&question), expected);
        let told: Vec<_> = question_json(&question).collect();
        let element = |requested: &str, released: &str, intent_to_retain: bool| {
            serde_json::json!({
                "namespace": "ns",
                "requested": requested,
                "released": released,
                "intentToRetain": intent_to_retain,
            })
        };
        let unknown = "an unknown reader (it did not sign its request)";
        let expected = [
            serde_json::json!({
                "docType": "type",
                "reader": unknown,
                "readerTrusted": false,
                "readers": [
                    { "reader": unknown, "trusted": false },
                    { "reader": "CN=Bar (trusted)", "trusted": true },
                ],
                "released": [element("age_over_16", "age_over_18", false), element("b", "b", true)],
            }),
            serde_json::json!({
                "docType": "other",
                "reader": unknown,
                "readerTrusted": false,
                "readers": [{ "reader": unknown, "trusted": false }],
                "released": [],
            }),
        ];
        assert_eq!(told, expected);
    }
}
