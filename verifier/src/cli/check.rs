//! `mdoc-verifier check`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use mdoc_cli::failure::printable_line;
use mdoc_cli::input::{self, Form as FileForm, Input};
use mdoc_cli::recognise::Structure;
use mdoc_cli::trust::Anchors;
use mdoc_cli::{Exit, Failure, keys, output};
use mdoc_core::cbor::Item;
use mdoc_core::device_request::{DeviceRequest, ItemsRequest};
use mdoc_core::limits::Limits;
use mdoc_core::transcript::SessionTranscript;
use mdoc_core::verify::{Form, Inputs, Outcome, Report, Why};
use mdoc_verifier::online::{Judged, Source};
use mdoc_verifier::read::not_shown;
use mdoc_verifier::show::{self, Detail};

use super::PROGRAM;
use super::online::OnlineArguments;
use super::trust::{JudgeArguments, PolicyArguments, TrustArguments};

#[derive(Args)]
#[command(after_help = "\
FILE is an IssuerSigned, a Document or a DeviceResponse: CBOR, raw, base64url or
hexadecimal. Every step of the inspection procedure is passed, failed, a warning
or not done; what was not done is never a pass. docs/reason-codes.md explains
each code.

Examples:
  mdoc-verifier check document.mdoc --trust iaca.pem
  mdoc-verifier check response.cbor --trust trusted \\
      --transcript transcript.cbor --json
  mdoc-verifier check response.cbor --trust trusted \\
      --transcript transcript.cbor --reader-key reader.key.pem --crl iaca.crl \\
      --policy strict --at 2026-06-01T12:00:00Z
  mdoc-verifier check response.cbor --trust trusted \\
      --transcript transcript.cbor --status require
  mdoc-verifier check response.cbor --transcript transcript.cbor \\
      --trust list.vical --vical-root provider.pem --vical-state /var/lib/vical

A VICAL is trusted as a whole or not at all: one that is not accepted is an error.
An authority on it is trusted for the document types of its entry only.

With --status, a document that is accepted otherwise is looked up: its issuer's
server learns that somebody has it. Lists are kept until they expire, so that
most documents need no question, and --offline none.

Exit status: 0 accepted, 1 rejected, or with --request nothing shown of a type
that was asked for, 2 could not tell (usage, files).")]
pub(super) struct Arguments {
    /// The document or response; `-` is standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    trust: TrustArguments,
    /// Session transcript, for the device authentication.
    #[arg(long, value_name = "FILE")]
    transcript: Option<PathBuf>,
    /// The reader's ephemeral private key of the session, for a device MAC.
    #[arg(long, value_name = "FILE")]
    reader_key: Option<PathBuf>,
    /// The request that was sent: what was not asked for is reported, and of what type nothing that was asked for is there.
    #[arg(long, value_name = "FILE")]
    request: Option<PathBuf>,
    #[command(flatten)]
    judge: JudgeArguments,
    /// Take FILE for this and nothing else, instead of recognising it.
    #[arg(long = "as", value_enum, value_name = "FORM")]
    form: Option<FormName>,
    #[command(flatten)]
    policy: PolicyArguments,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Show every step, with its source.
    #[arg(long, short, conflicts_with = "json")]
    verbose: bool,
    #[command(flatten)]
    online: OnlineArguments,
}

#[derive(Clone, Copy, ValueEnum)]
enum FormName {
    // No documentation comments: they would spread the help of all options over three lines each.
    IssuerSigned,
    Document,
    DeviceResponse,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let judged = arguments.judge.judged(&arguments.policy);
    let asking = arguments.online.open()?;
    let lists = arguments.judge.revocation_lists()?;
    let Anchors { anchors, warnings } = arguments.trust.anchors(&judged, &lists)?;
    for warning in &warnings {
        output::warn(PROGRAM, warning);
    }
    let transcript = arguments.transcript.as_deref().map(transcript).transpose()?;
    let reader_key = arguments
        .reader_key
        .as_deref()
        .map(keys::secret_key)
        .transpose()?;
    let request = arguments.request.as_deref().map(request).transpose()?;
    let (bytes, form) = document(&arguments.file, arguments.form)?;

    if form == Form::IssuerSigned && (transcript.is_some() || reader_key.is_some() || request.is_some()) {
        let name = input::display(&arguments.file);
        return Err(Failure::new(format!(
            "{name} is an issued document alone: nobody presented it in a session, so there is nothing to compare \
             --transcript, --reader-key or --request with"
        ))
        .hint("give the DeviceResponse that the wallet sent, or leave these options out"));
    }
    let mut inputs = Inputs::new(&anchors, judged.now);
    inputs.policy = arguments.online.policy(judged.policy);
    inputs.transcript = transcript.as_ref();
    inputs.reader_key = reader_key.as_ref();
    inputs.request = request.as_deref();
    inputs.revocation_lists = &lists;
    let judged = asking.verify(&bytes, form, &inputs);
    log(&judged.report);
    let missing = request.as_deref().map(|asked| not_shown(&judged.report, asked));
    print(&judged, missing.as_deref(), arguments)?;
    Ok(
        if judged.report.accepted() && missing.is_none_or(|types| types.is_empty()) {
            Exit::Done
        } else {
            Exit::Rejected
        },
    )
}

/// Logs every step by its id and code: what a code stands for is no value of the document.
pub(super) fn log(report: &Report<'_>) {
    for document in report.documents() {
        let doc_type = document.doc_type().unwrap_or("unknown");
        for step in document.steps() {
            let (check, outcome, code) = (step.check.id(), step.outcome_name(), step.code());
            tracing::debug!(check, outcome, code, "step");
        }
        let failures = document.failures().count();
        tracing::info!(
            doc_type,
            accepted = document.accepted(),
            failures,
            "document judged"
        );
    }
}

/// A line for each type of which nothing that was asked for is there.
pub(super) fn print_not_shown(types: &[&str]) -> Result<(), Failure> {
    for doc_type in types {
        output::print(&format!("NOT SHOWN  {}\n", printable_line(doc_type)))?;
    }
    Ok(())
}

/// `missing`: the types that the request asked for and that are not shown; none without a request.
fn print(judged: &Judged<'_>, missing: Option<&[&str]>, arguments: &Arguments) -> Result<(), Failure> {
    let report = &judged.report;
    if arguments.json {
        let mut shown = show::to_json(report);
        if let serde_json::Value::Object(shown) = &mut shown {
            if !judged.sources.is_empty() {
                let sources = judged.sources.iter().map(Source::to_json).collect();
                shown.insert("sources".to_owned(), sources);
            }
            if let Some(missing) = missing {
                shown.insert("notShown".to_owned(), missing.into());
            }
        }
        return output::print_json(&shown);
    }
    let detail = if arguments.verbose {
        Detail::Full
    } else {
        Detail::Brief
    };
    print_not_shown(missing.unwrap_or_default())?;
    output::print(&show::to_text(report, detail))?;
    let steps = report.documents().iter().flat_map(|document| document.steps());
    for step in steps {
        if let Outcome::NotDone(why) = step.outcome
            && let Some(hint) = hint(why)
        {
            output::warn(PROGRAM, &format!("{} was not done: {hint}", step.check));
        }
    }
    Ok(())
}

/// What to give so that a step can be done that matters to whoever relies on the answer.
const fn hint(why: Why) -> Option<&'static str> {
    match why {
        Why::NoTranscript => Some("anybody could have sent this; give --transcript to check who did"),
        Why::RevocationUndetermined => {
            Some("no list is a current one of the certificate's issuer; --crl names more of them")
        }
        Why::NoReaderKey => Some("anybody could have sent this; give --reader-key to check the MAC"),
        _ => None,
    }
}

/// Reads the bytes under test. What is no CBOR at all is not judged; what is broken CBOR is, and rejected.
fn document(path: &Path, stated: Option<FormName>) -> Result<(Vec<u8>, Form), Failure> {
    let input = Input::read(path)?;
    if !matches!(input.form, FileForm::Cbor | FileForm::Unknown) {
        return Err(input.not("an mdoc"));
    }
    if let Some(stated) = stated {
        let form = match stated {
            FormName::IssuerSigned => Form::IssuerSigned,
            FormName::Document => Form::Document,
            FormName::DeviceResponse => Form::DeviceResponse,
        };
        return Ok((input.bytes.to_vec(), form));
    }
    let structure = Item::parse(&input.bytes, &Limits::DEFAULT).map(Structure::of);
    let form = match structure {
        Ok(Structure::IssuerSigned) => Form::IssuerSigned,
        Ok(Structure::Document) => Form::Document,
        Ok(
            Structure::DeviceRequest
            | Structure::DeviceEngagement
            | Structure::SessionTranscript
            | Structure::CoseKey,
        ) => {
            return Err(input.not("an mdoc"));
        }
        _ => Form::DeviceResponse,
    };
    Ok((input.bytes.to_vec(), form))
}

pub(super) fn transcript(path: &Path) -> Result<SessionTranscript, Failure> {
    let input = Input::read(path)?;
    let expected = Structure::SessionTranscript;
    let bytes = input.cbor(expected.words())?;
    SessionTranscript::decode(&bytes, &Limits::DEFAULT).map_err(|error| input.undecodable(expected, &error))
}

fn request(path: &Path) -> Result<Vec<ItemsRequest>, Failure> {
    let input = Input::read(path)?;
    let expected = Structure::DeviceRequest;
    let bytes = input.cbor(expected.words())?;
    let request = DeviceRequest::decode(&bytes, &Limits::DEFAULT)
        .map_err(|error| input.undecodable(expected, &error))?;
    Ok(request
        .doc_requests
        .into_iter()
        .map(|request| request.items_request)
        .collect())
}
