//! `mdoc-holder present`.

use std::path::{Path, PathBuf};

use clap::Args;
use mdoc_cli::air::{self, AirArguments, Mode};
use mdoc_cli::input::Input;
use mdoc_cli::output::{self, Existing, NewFile};
use mdoc_cli::system::{self, SystemClock};
use mdoc_cli::{Exit, Failure, args, input, keys};
use mdoc_core::crypto::{Curve, fastest};
use mdoc_core::limits::Limits;
use mdoc_core::seams::{Clock as _, SoftwareKey};
use mdoc_core::time::Timestamp;
use mdoc_holder::present::{Modes, Presentation, Presented};
use mdoc_holder::qr::{self, QrCode, Screen};
use mdoc_radio::{Air, Channel};

use super::PROGRAM;
use super::consent::{Answering, Consent, Wallet};
use super::respond::reader_anchors;
use super::taken::Taken;

#[derive(Args)]
#[command(after_help = "\
Shows a QR code, waits for a reader, asks you what to release, and sends it. Both
modes of Bluetooth Low Energy are offered unless --mode names one. Without a
Bluetooth adapter, --radio lets two programs on one machine meet in a folder.

Examples:
  mdoc-holder present --document licence.mdoc --key device.key.pem
  mdoc-holder present --document licence.mdoc --key device.key.pem \\
      --document pid.mdoc --key pid.key.pem --reader-trust reader-ca.pem
  mdoc-holder present --wallet wallet
  mdoc-holder present --document licence.mdoc --key device.key.pem \\
      --radio air --engagement-out engagement.txt --yes

Exit status: 0 something was released, 1 nothing was (you declined, or the wallet
has nothing of it), 2 the reader was not met or was lost.")]
pub(super) struct Arguments {
    /// A document as issued; may be given more than once.
    #[arg(long, value_name = "FILE", required_unless_present = "wallet")]
    document: Vec<PathBuf>,
    /// The private key that the document is bound to; one for each --document, in the same order.
    #[arg(long, value_name = "FILE", required_unless_present = "wallet")]
    key: Vec<PathBuf>,
    /// Present what is in this wallet: of each document a copy that was not shown yet.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["document", "key"])]
    wallet: Option<PathBuf>,
    #[command(flatten)]
    air: AirArguments,
    /// Write the QR code to this file too, as PNG or SVG by its name.
    #[arg(long, value_name = "FILE", value_parser = qr::file_name)]
    qr: Option<PathBuf>,
    /// Write the text of the QR code to this file; `-` is standard output.
    #[arg(long, value_name = "FILE")]
    engagement_out: Option<PathBuf>,
    /// Release what is asked for without asking you.
    #[arg(long, conflicts_with = "decline")]
    yes: bool,
    /// Decline whatever is asked.
    #[arg(long)]
    decline: bool,
    /// Release this element only; may be given more than once.
    #[arg(long, value_name = "NAMESPACE:ELEMENT", value_parser = args::element, num_args = 1..)]
    only: Vec<(String, String)>,
    /// Authenticate with a MAC, which only this reader can check, instead of a signature.
    #[arg(long)]
    mac: bool,
    /// Certificate of a reader CA, or folder of them, to judge who asks; may be given more than once.
    #[arg(long, value_name = "FILE|DIR")]
    reader_trust: Vec<PathBuf>,
    /// Judge the reader's certificate by this instant [default: now].
    #[arg(long, value_name = "RFC3339", value_parser = args::instant)]
    at: Option<Timestamp>,
    /// Print JSON, and no QR code.
    #[arg(long)]
    json: bool,
}

fn from_files(arguments: &Arguments) -> Result<(Vec<Input>, Vec<SoftwareKey>), Failure> {
    let documents = arguments.document.iter();
    let documents = documents.map(|path| super::respond::issued(path));
    let keys = arguments.key.iter().map(|path| keys::software_key(path));
    Ok((
        documents.collect::<Result<_, _>>()?,
        keys.collect::<Result<_, _>>()?,
    ))
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    output::failed_as_json(arguments.json, present(arguments))
}

fn present(arguments: &Arguments) -> Result<Exit, Failure> {
    if arguments.document.len() != arguments.key.len() {
        return Err(Failure::new(format!(
            "there are {} --document and {} --key",
            arguments.document.len(),
            arguments.key.len()
        ))
        .hint("give the key of each document, in the same order"));
    }
    let taken = arguments.wallet.as_deref().map(Taken::open).transpose()?;
    let (documents, keys) = match &taken {
        Some(taken) => taken.copies()?,
        None => from_files(arguments)?,
    };
    let wallet = Wallet {
        documents: &documents,
        keys: &keys,
        anchors: &reader_anchors(&arguments.reader_trust)?,
        now: arguments.at.unwrap_or_else(|| SystemClock.now()),
        mac: arguments.mac,
    };
    wallet.fits(arguments.document.iter().zip(&arguments.key))?;
    let mut rng = system::random()?;
    let modes = arguments.air.mode.only().map_or(Modes::Both, Modes::Only);
    let answering = match (arguments.yes, arguments.decline) {
        (true, _) => Answering::Yes,
        (_, true) => Answering::No,
        _ => Answering::Ask,
    };
    air::block_on(async {
        let air = arguments.air.open(PROGRAM).await?;
        let channel = channel(air.as_ref(), &arguments.air).await;
        // The reader has to take any curve; P-256 is the one that it surely takes fast.
        let (curve, limits) = (Curve::P256, Limits::DEFAULT);
        let presentation = Presentation::new(curve, modes, channel, limits, &mut rng, fastest());
        show(&presentation, arguments)?;
        let uri = presentation.uri();
        let mut consent = Consent::new(&wallet, answering, &arguments.only);
        let mark = |shown: &[usize]| taken.as_ref().map_or(Ok(()), |taken| taken.mark(shown));
        consent.before_release(&mark);
        let presented = presentation
            .run_until(
                air.as_ref(),
                &mut consent,
                arguments.air.timeouts(),
                air::stopped(),
                fastest(),
            )
            .await;
        if let Some(failure) = consent.failure.take() {
            return Err(failure);
        }
        let presented = presented.map_err(|interrupted| {
            air::warn_of(&interrupted, PROGRAM);
            air::interrupted(&interrupted)
        })?;
        told(&presented, &consent, &uri, arguments)
    })
}

/// The channel for L2CAP, if it is wanted, with its number if we may be the server.
async fn channel(air: &dyn Air, arguments: &AirArguments) -> Channel {
    match (arguments.l2cap, arguments.mode) {
        (false, _) => Channel::No,
        (true, Mode::CentralClient) => Channel::Any,
        (true, Mode::Both | Mode::PeripheralServer) => match air.listen().await {
            Ok(psm) => Channel::Known(psm),
            Err(fault) => {
                output::warn(PROGRAM, &format!("no L2CAP, {fault}: GATT is used"));
                Channel::No
            }
        },
    }
}

/// The code, wherever it is wanted.
fn show(presentation: &Presentation, arguments: &Arguments) -> Result<(), Failure> {
    let uri = presentation.uri();
    let code = QrCode::new(&uri).map_err(|error| Failure::new(error.to_string()))?;
    if let Some(path) = &arguments.qr {
        let content = code
            .to_file(path)
            .map_err(|error| Failure::new(error.to_string()))?;
        write(path, &content)?;
    }
    if let Some(path) = &arguments.engagement_out {
        let line = format!("{uri}\n");
        if input::is_stdio(path) {
            output::print(&line)?;
        } else {
            write(path, line.as_bytes())?;
        }
    }
    if arguments.json {
        return Ok(());
    }
    output::print(&format!("{}\n{uri}\n", code.to_text(Screen::of_output())))?;
    output::warn(PROGRAM, "waiting for a reader; Ctrl-C ends it");
    Ok(())
}

fn write(path: &Path, content: &[u8]) -> Result<(), Failure> {
    let file = NewFile {
        path,
        content,
        secret: false,
    };
    output::write(file, Existing::Replace)
}

/// What came of it.
fn told(
    presented: &Presented,
    consent: &Consent<'_>,
    uri: &str,
    arguments: &Arguments,
) -> Result<Exit, Failure> {
    for warning in &presented.warnings {
        output::warn(PROGRAM, warning);
    }
    let released = consent.released();
    if arguments.json {
        output::print_json(&serde_json::json!({
            "engagement": uri,
            "mode": presented.service.mode(),
            "bearer": presented.bearer.name(),
            "answers": presented.answers,
            "declined": presented.declined,
            "ended": presented.ending.code(),
            "documents": consent.to_json(),
        }))?;
    } else if presented.declined {
        output::print(&format!("declined ({})\n", presented.service))?;
    } else if released == 0 {
        output::print(&format!(
            "nothing was released: the wallet has nothing of what was asked for ({})\n",
            presented.service
        ))?;
    } else {
        output::print(&format!("released {released} elements ({})\n", presented.service))?;
    }
    Ok(if presented.declined || released == 0 {
        Exit::Rejected
    } else {
        Exit::Done
    })
}
