//! `mdoc-verifier read`.

use std::borrow::Cow;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::{ArgGroup, Args};
use mdoc_cli::air;
use mdoc_cli::input::{self, Form as FileForm, Input};
use mdoc_cli::output::{self, Existing, NewFile};
use mdoc_cli::{Exit, Failure};
use mdoc_core::ble::link::Ending;
use mdoc_core::cbor::Item;
use mdoc_core::device_request::ItemsRequest;
use mdoc_core::verify::Report;
use mdoc_radio::Interrupted;
use mdoc_verifier::online::Source;
use mdoc_verifier::portrait::Terminal;
use mdoc_verifier::read::{PlanError, Reading, Took, not_shown, released_nothing};
use mdoc_verifier::show::{self, Detail};

use super::check::print_not_shown;
use super::reader::{NotRead, Reader, ReaderArguments};
use super::{PROGRAM, scanned};

const PORTRAIT: &str = "portrait";

/// Wide enough to know somebody by, and not the whole screen.
const PORTRAIT_COLUMNS: usize = 48;

/// Where the engagement may come from: one of these options.
#[cfg(feature = "camera")]
const FROM: [&str; 4] = ["engagement", "engagement_file", "qr_image", "camera"];
/// Where the engagement may come from: one of these options.
#[cfg(not(feature = "camera"))]
const FROM: [&str; 3] = ["engagement", "engagement_file", "qr_image"];

#[derive(Args)]
#[command(
    group = ArgGroup::new("from").required(true).args(FROM),
    after_help = "\
The wallet shows a QR code; what it says starts with `mdoc:`. It is asked for what
the preset or file names, over Bluetooth Low Energy in whichever mode it offers,
and what it answers is checked as `mdoc-verifier check` does. Only what was asked
for is shown, and nothing is stored unless --portrait says where.

Examples:
  mdoc-verifier read --engagement - --preset age-over-18 --trust trusted
  mdoc-verifier read --qr-image photo.jpg --preset identity --trust trusted \\
      --reader-cert reader.pem --reader-key reader.key.pem --portrait face.jpg
  mdoc-verifier read --engagement-file engagement.txt --file request.toml \\
      --trust trusted --radio air --json

Exit status: 0 accepted, 1 rejected, declined, or a document that was asked for was
not shown, 2 could not tell (usage, files, no wallet, connection lost)."
)]
pub(super) struct Arguments {
    /// The text of the QR code; `-` takes a line of standard input, as a keyboard-wedge scanner types it.
    #[arg(long, value_name = "TEXT")]
    engagement: Option<String>,
    /// A file with the text, or with the encoded engagement.
    #[arg(long, value_name = "FILE")]
    engagement_file: Option<PathBuf>,
    /// A picture of the code, PNG or JPEG: a photograph or a screenshot.
    #[arg(long, value_name = "FILE")]
    qr_image: Option<PathBuf>,
    #[cfg(feature = "camera")]
    #[command(flatten)]
    camera: super::camera::CameraArguments,
    /// Write the portrait to this file, if it was asked for and the document is accepted.
    #[arg(long, value_name = "FILE")]
    portrait: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Show every step, with its source.
    #[arg(long, short, conflicts_with = "json")]
    verbose: bool,
    #[command(flatten)]
    reader: ReaderArguments,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    output::failed_as_json(arguments.json, read(arguments))
}

fn read(arguments: &Arguments) -> Result<Exit, Failure> {
    let reader = Reader::prepare(&arguments.reader)?;
    let engagement = engagement(arguments).map_err(|failure| failure.code("engagement.not-read"))?;
    let began = Instant::now();
    air::block_on(async {
        let air = arguments.reader.air.open(PROGRAM).await?;
        let mut reading = match reader.read(air.as_ref(), &engagement, air::stopped()).await {
            Ok(reading) => reading,
            Err(NotRead::Interrupted(interrupted)) => return Err(no_answer(&interrupted)),
            Err(NotRead::Plan(error)) => return Err(no_plan(&error)),
            Err(NotRead::Failed(failure)) => return Err(failure),
        };
        reader.let_go(&mut reading).await;
        let exit = told(&reading, &reader, began, arguments);
        // Only then does the wallet know that it is over; whatever was wrong is said after that.
        let (_, ending) = reading.finish().await;
        tracing::debug!(code = ending.code(), "finished");
        exit
    })
}

/// Judges the response and shows it.
fn told(
    reading: &Reading,
    reader: &Reader<&ReaderArguments>,
    began: Instant,
    arguments: &Arguments,
) -> Result<Exit, Failure> {
    let received = Instant::now();
    let judged = reader.verify(reading);
    let report = &judged.report;
    let (verifying, total) = (received.elapsed(), began.elapsed());
    let asked = Some(reader.asked.as_slice());
    if let Some(path) = &arguments.portrait {
        write_portrait(report, &reader.asked, path)?;
    }
    let nothing = released_nothing(report);
    let missing = not_shown(report, &reader.asked);
    if arguments.json {
        output::print_json(&serde_json::json!({
            "mode": reading.service.mode(),
            "bearer": reading.bearer().name(),
            "timings": timings(&reading.took, verifying, total),
            "sources": judged.sources.iter().map(Source::to_json).collect::<Vec<_>>(),
            "notShown": missing,
            "report": show::to_json_of(report, asked),
        }))?;
    } else {
        let detail = if arguments.verbose {
            Detail::Full
        } else {
            Detail::Brief
        };
        show_portrait(report, &reader.asked)?;
        print_not_shown(&missing)?;
        output::print(&show::to_text_of(report, detail, asked))?;
        output::print(&format!(
            "read in {} over {}, {:.1} s\n",
            reading.service,
            reading.bearer(),
            total.as_secs_f64()
        ))?;
    }
    if nothing {
        output::warn(
            PROGRAM,
            "the wallet answered, and released nothing of what was asked for: it does not have it, or its holder kept it back; \
             ask for less, or for a document that it has",
        );
    } else if !missing.is_empty() {
        output::warn(
            PROGRAM,
            &format!(
                "the wallet showed nothing of what was asked for of {}",
                missing.join(", ")
            ),
        );
    }
    Ok(if report.accepted() && missing.is_empty() {
        Exit::Done
    } else {
        Exit::Rejected
    })
}

fn timings(took: &Took, verifying: Duration, total: Duration) -> serde_json::Value {
    let millis = |duration: Duration| duration.as_secs_f64() * 1000.0;
    serde_json::json!({
        "connectingMs": millis(took.connecting),
        "answeringMs": millis(took.answering),
        "decryptingMs": millis(took.decrypting),
        "verifyingMs": millis(verifying),
        "totalMs": millis(total),
    })
}

/// The first portrait that was asked for, of an accepted document.
fn portrait<'r>(report: &'r Report<'_>, asked: &[ItemsRequest]) -> Option<Cow<'r, [u8]>> {
    let documents = report.documents().iter();
    let accepted = documents.filter_map(|document| document.accept().ok());
    accepted
        .filter_map(|accepted| {
            let of_type = asked
                .iter()
                .filter(|request| request.doc_type == accepted.doc_type());
            let mut spaces = of_type.flat_map(|request| &request.name_spaces);
            spaces.find_map(|(name_space, elements)| {
                let mut elements = elements.iter();
                let asked = elements.any(|element| element.identifier == PORTRAIT);
                let found = asked.then(|| accepted.get(name_space, PORTRAIT)).flatten();
                found.and_then(Item::bytes)
            })
        })
        .next()
}

fn write_portrait(report: &Report<'_>, asked: &[ItemsRequest], path: &Path) -> Result<(), Failure> {
    let Some(content) = portrait(report, asked) else {
        output::warn(
            PROGRAM,
            "there is no accepted document with a portrait that was asked for: nothing was written",
        );
        return Ok(());
    };
    let file = NewFile {
        path,
        content: &content,
        secret: true,
    };
    output::write(file, Existing::Replace)
}

/// In the terminal, where it can.
fn show_portrait(report: &Report<'_>, asked: &[ItemsRequest]) -> Result<(), Failure> {
    if !std::io::stdout().is_terminal() {
        return Ok(());
    }
    let terminal = Terminal::of(|name| std::env::var(name).ok());
    let shown = portrait(report, asked).and_then(|picture| terminal.show(&picture, PORTRAIT_COLUMNS));
    // It is made of escape sequences, all of them ours.
    shown.map_or(Ok(()), |shown| output::print_bytes(shown.as_bytes()))
}

/// Why there is no answer.
fn no_answer(interrupted: &Interrupted) -> Failure {
    let failure = |words: &str| {
        Failure::coded(words, interrupted.code()).hint_if(interrupted.hint().map(str::to_owned))
    };
    match interrupted {
        interrupted if interrupted.is_declined() => {
            failure("the wallet did not answer: its holder declined, or it has nothing to give")
                .exit(Exit::Rejected)
        }
        // Several wallets say nothing when their holder declines.
        Interrupted::Link(Ending::Disconnected, None) => {
            failure("the wallet ended the connection: its holder declined, or it is out of range")
        }
        interrupted => air::interrupted(interrupted),
    }
}

pub(super) fn no_plan(error: &PlanError) -> Failure {
    let failure = Failure::coded(error, error.code());
    match error {
        PlanError::Engagement(_) => failure.hint("scan the code again: some of it is missing or was changed"),
        PlanError::NotOffered(_) => failure.hint("leave --mode out to take what the wallet offers"),
        PlanError::NoBluetooth => failure.hint("this reader speaks Bluetooth Low Energy alone"),
        _ => failure,
    }
}

/// The encoded engagement, wherever it comes from.
fn engagement(arguments: &Arguments) -> Result<Vec<u8>, Failure> {
    #[cfg(feature = "camera")]
    if let Some(camera) = arguments.camera.open()? {
        return super::camera::first(camera, arguments.reader.air.timeout);
    }
    if let Some(path) = &arguments.qr_image {
        let picture = input::read_bytes(path)?;
        return scanned::of_picture(&picture, &format!("{}: ", input::display(path)));
    }
    if let Some(path) = &arguments.engagement_file {
        let input = Input::read(path)?;
        return match input.form {
            FileForm::EngagementUri | FileForm::Text => scanned::of_text(input.text()?, ""),
            _ => input.cbor("an engagement").map(Cow::into_owned),
        };
    }
    match arguments.engagement.as_deref() {
        Some("-") | None => {
            let line = scanned::line(&mut std::io::stdin().lock())
                .map_err(|error| Failure::new(format!("standard input cannot be read: {error}")))?;
            scanned::of_text(&line.unwrap_or_default(), "")
        }
        Some(text) => scanned::of_text(text, ""),
    }
}
