//! `mdoc-verifier read`.

use std::io::BufRead as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::{ArgGroup, Args};
use mdoc_cli::air::{self, AirArguments};
use mdoc_cli::input::{Form as FileForm, Input};
use mdoc_cli::keys::KeySource;
use mdoc_cli::output::{self, Existing, NewFile};
use mdoc_cli::trust::Anchors;
use mdoc_cli::{Exit, Failure, args, system};
use mdoc_core::crypto::fastest;
use mdoc_core::device_request::{ItemsRequest, ReaderAuth, encode_request};
use mdoc_core::engagement::EngagementUri;
use mdoc_core::limits::Limits;
use mdoc_core::verify::{Form, Inputs, Report, verify};
use mdoc_core::x509::revocation::RevocationList;
use mdoc_verifier::read::{Plan, PlanError, Reading, Times, Took, read};
use mdoc_verifier::show::{self, Detail};

use super::PROGRAM;
use super::request::{Identity, requests};
use super::trust::{JudgeArguments, Judged, PolicyArguments, TrustArguments};

#[derive(Args)]
#[command(
    group = ArgGroup::new("from").required(true).args(["engagement", "engagement_file"]),
    group = ArgGroup::new("what").required(true).args(["preset", "file"]),
    after_help = "\
The wallet shows a QR code; what it says starts with `mdoc:`. It is asked for what
the preset or file names, over Bluetooth Low Energy in whichever mode it offers,
and what it answers is checked as `mdoc-verifier check` does. Only what was asked
for is shown, and nothing is stored unless --portrait says where.

Examples:
  mdoc-verifier read --engagement - --preset age-over-18 --trust trusted
  mdoc-verifier read --engagement mdoc:owBjMS4w… --preset identity --trust trusted \\
      --reader-cert reader.pem --reader-key reader.key.pem --portrait face.jpg
  mdoc-verifier read --engagement-file engagement.txt --file request.toml \\
      --trust trusted --radio air --json

Exit status: 0 accepted, 1 rejected or declined, 2 could not tell (usage, files,
no wallet, connection lost)."
)]
pub(super) struct Arguments {
    /// The text of the QR code; `-` takes a line of standard input, as a keyboard-wedge scanner types it.
    #[arg(long, value_name = "TEXT")]
    engagement: Option<String>,
    /// A file with the text, or with the encoded engagement.
    #[arg(long, value_name = "FILE")]
    engagement_file: Option<PathBuf>,
    /// A request by name; `mdoc-verifier request --list` shows them.
    #[arg(long, value_name = "NAME")]
    preset: Option<String>,
    /// A request in TOML.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// The reader's certificate, followed by intermediate ones if there are any; signs the request.
    #[arg(long, value_name = "FILE", requires = "reader_key")]
    reader_cert: Option<PathBuf>,
    /// The reader's private key.
    #[arg(long, value_name = "KEY", requires = "reader_cert")]
    reader_key: Option<KeySource>,
    #[command(flatten)]
    air: AirArguments,
    /// How long the wallet and its holder may take to answer.
    #[arg(long, value_name = "DURATION", value_parser = args::duration, default_value = "120s")]
    answer_timeout: Duration,
    #[command(flatten)]
    trust: TrustArguments,
    #[command(flatten)]
    judge: JudgeArguments,
    #[command(flatten)]
    policy: PolicyArguments,
    /// Write the portrait to this file, if it was asked for and the document is accepted.
    #[arg(long, value_name = "FILE")]
    portrait: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Show every step, with its source.
    #[arg(long, short, conflicts_with = "json")]
    verbose: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let judged = arguments.judge.judged(&arguments.policy);
    let lists = arguments.judge.revocation_lists()?;
    let anchors = arguments.trust.anchors(&judged, &lists)?;
    for warning in &anchors.warnings {
        output::warn(PROGRAM, warning);
    }
    let asked = requests(arguments.preset.as_deref(), arguments.file.as_deref())?;
    let identity = match (&arguments.reader_cert, &arguments.reader_key) {
        (Some(cert), Some(key)) => Some(Identity::load(cert, key)?),
        _ => None,
    };
    let times = Times {
        link: arguments.air.timeouts(),
        answer: arguments.answer_timeout,
        ..Times::default()
    };
    let engagement = engagement(arguments)?;
    let began = Instant::now();
    let mut rng = system::random()?;
    let plan = Plan::new(
        &engagement,
        arguments.air.mode.only(),
        Limits::DEFAULT,
        &mut rng,
        fastest(),
    )
    .map_err(|error| no_plan(&error))?;
    let request = match &identity {
        Some(identity) => identity.sign(&asked, plan.transcript(), false)?,
        None => encode_request(&asked, &ReaderAuth::None).map_err(|error| Failure::new(error.to_string()))?,
    };
    air::block_on(async {
        let air = arguments.air.open(PROGRAM).await?;
        let reading = read(air.as_ref(), plan, &request, &times, fastest()).await;
        let reading = match reading {
            Ok(reading) => reading,
            Err(interrupted) => return no_answer(&interrupted, arguments),
        };
        for warning in reading.warnings() {
            output::warn(PROGRAM, warning);
        }
        let exit = told(&reading, &asked, &judged, (&anchors, &lists), began, arguments);
        // Only then does the wallet know that it is over; whatever was wrong is said after that.
        let ending = reading.finish().await;
        tracing::debug!(code = ending.code(), "finished");
        exit
    })
}

/// Judges the response and shows it.
fn told(
    reading: &Reading,
    asked: &[ItemsRequest],
    judged: &Judged,
    (anchors, lists): (&Anchors, &[RevocationList]),
    began: Instant,
    arguments: &Arguments,
) -> Result<Exit, Failure> {
    let received = Instant::now();
    let mut inputs = Inputs::new(&anchors.anchors, judged.now);
    inputs.policy = judged.policy;
    inputs.request = Some(asked);
    inputs.revocation_lists = lists;
    let report = verify(
        reading.response.bytes(),
        Form::DeviceResponse,
        &reading.response.inputs(inputs),
    );
    let verifying = received.elapsed();
    let total = began.elapsed();
    super::check::log(&report);
    if let Some(path) = &arguments.portrait {
        portrait(&report, path)?;
    }
    let released = report.documents().len();
    if arguments.json {
        output::print_json(&serde_json::json!({
            "mode": reading.service.mode(),
            "timings": timings(&reading.took, verifying, total),
            "report": show::to_json_of(&report, Some(asked)),
        }))?;
    } else {
        let detail = if arguments.verbose {
            Detail::Full
        } else {
            Detail::Brief
        };
        output::print(&show::to_text_of(&report, detail, Some(asked)))?;
        output::print(&format!(
            "read in {}, {:.1} s\n",
            reading.service,
            total.as_secs_f64()
        ))?;
    }
    if released == 0 {
        output::warn(
            PROGRAM,
            "the wallet answered, and released nothing of what was asked for",
        );
    }
    Ok(if report.accepted() && released > 0 {
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

/// Writes the first portrait of an accepted document.
fn portrait(report: &Report<'_>, path: &Path) -> Result<(), Failure> {
    for document in report.documents() {
        let Ok(accepted) = document.accept() else { continue };
        let mut elements = accepted.elements().iter();
        let found = elements.find(|element| element.identifier == "portrait");
        if let Some(bytes) = found.and_then(|element| element.value.bytes()) {
            let file = NewFile {
                path,
                content: &bytes,
                secret: true,
            };
            return output::write(file, Existing::Replace);
        }
    }
    output::warn(
        PROGRAM,
        "there is no accepted document with a portrait: nothing was written",
    );
    Ok(())
}

/// Says why there is no answer; for programs on standard output as well.
fn no_answer(interrupted: &mdoc_radio::Interrupted, arguments: &Arguments) -> Result<Exit, Failure> {
    if arguments.json {
        output::print_json(&serde_json::json!({
            "code": interrupted.code(),
            "message": interrupted.to_string(),
            "declined": interrupted.is_declined(),
        }))?;
    }
    let failure = air::interrupted(interrupted);
    if interrupted.is_declined() {
        return Err(Failure::new(format!(
            "the wallet did not answer: its holder declined, or it has nothing to give [{}]",
            interrupted.code()
        ))
        .exit(Exit::Rejected));
    }
    Err(failure)
}

fn no_plan(error: &PlanError) -> Failure {
    let failure = Failure::new(format!("{error} [{}]", error.code()));
    match error {
        PlanError::Engagement(_) => failure.hint("scan the code again: some of it is missing or was changed"),
        PlanError::NotOffered(_) => failure.hint("leave --mode out to take what the wallet offers"),
        PlanError::NoBluetooth => failure.hint("this reader speaks Bluetooth Low Energy alone"),
        _ => failure,
    }
}

/// The encoded engagement, wherever it comes from.
fn engagement(arguments: &Arguments) -> Result<Vec<u8>, Failure> {
    if let Some(path) = &arguments.engagement_file {
        let input = Input::read(path)?;
        return match input.form {
            FileForm::EngagementUri => of_text(input.text()?),
            _ => input.cbor("an engagement").map(|bytes| bytes.into_owned()),
        };
    }
    match arguments.engagement.as_deref() {
        Some("-") | None => {
            let mut line = String::new();
            let read = std::io::stdin().lock().read_line(&mut line);
            read.map_err(|error| Failure::new(format!("standard input cannot be read: {error}")))?;
            of_text(&line)
        }
        Some(text) => of_text(text),
    }
}

fn of_text(text: &str) -> Result<Vec<u8>, Failure> {
    let read = EngagementUri::parse(text).map_err(|error| {
        Failure::new(format!("this is not the code of a wallet: {error}"))
            .hint("the wallet's QR code says `mdoc:` and then many letters and digits")
    })?;
    if read.with_slashes {
        output::warn(
            PROGRAM,
            "the wallet's code says `mdoc://`, which is not the form of the standard; it was taken all the same",
        );
    }
    Ok(read.bytes)
}
