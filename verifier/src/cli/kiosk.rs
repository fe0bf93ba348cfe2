//! `mdoc-verifier kiosk`.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use mdoc_cli::air;
use mdoc_cli::failure::printable_line;
use mdoc_cli::output;
use mdoc_cli::system::SystemClock;
use mdoc_cli::{Exit, Failure, args, input};
use mdoc_core::seams::Clock as _;
use mdoc_radio::Air;
use mdoc_verifier::kiosk::{Board, Outcome, Phase, Verdict, web};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::read::no_plan;
use super::reader::{NotRead, Reader, ReaderArguments};
use super::{PROGRAM, scanned};

#[derive(Args)]
#[command(after_help = "\
Reads one wallet after another: a line of standard input is the text of a QR code,
as a keyboard-wedge scanner types it, and so is what is typed into the page of
--web. The screen says ACCEPTED, NOT ACCEPTED or COULD NOT TELL, and what was asked
for, until the next code or --show-for. Who is under the age that was asked for is
not accepted. Counts and log hold nothing of a person. The end of standard input
ends it, unless there is a page.

Examples:
  mdoc-verifier kiosk --preset age-over-18 --trust trusted
  mdoc-verifier kiosk --preset age-over-21 --trust trusted --web 127.0.0.1:8018 \\
      --reader-cert reader.pem --reader-key reader.key.pem --log kiosk.log")]
pub(super) struct Arguments {
    /// Serve the screen as a page at this address of this machine.
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = loopback)]
    web: Option<SocketAddr>,
    /// Append a line of JSON for each wallet to this file: when, what, why; nothing of a person.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// How long a result stays on the screen.
    #[arg(long, value_name = "DURATION", value_parser = args::duration, default_value = "15s")]
    show_for: Duration,
    #[cfg(feature = "camera")]
    #[command(flatten)]
    camera: super::camera::CameraArguments,
    #[command(flatten)]
    reader: ReaderArguments,
}

/// The page shows portraits, without a password and without encryption.
fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text
        .parse()
        .map_err(|_| "give an address and a port, as 127.0.0.1:8018".to_owned())?;
    if address.ip().is_loopback() {
        Ok(address)
    } else {
        Err(
            "only an address of this machine is possible, as 127.0.0.1:8018: the page shows personal data"
                .to_owned(),
        )
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let reader = arguments.reader.prepare()?;
    let log = arguments.log.as_deref().map(append).transpose()?;
    air::block_on(async {
        let air = arguments.reader.air.open(PROGRAM).await?;
        let board = Board::default();
        // One waits while one is read.
        let (scans, scanned) = mpsc::channel(1);
        let page = match arguments.web {
            Some(address) => Some(listen(address).await?),
            None => None,
        };
        let typed = scans.clone();
        let thread = std::thread::Builder::new().spawn(move || {
            for line in std::io::stdin().lock().lines().map_while(Result::ok) {
                if !line.trim().is_empty() && typed.blocking_send(line).is_err() {
                    return;
                }
            }
        });
        thread.map_err(|error| Failure::new(format!("standard input cannot be read: {error}")))?;
        let mut kiosk = Kiosk {
            reader,
            air: air.as_ref(),
            board: board.clone(),
            scanned,
            log,
            show_for: arguments.show_for,
        };
        let camera = looking(arguments, &scans)?;
        let served = async {
            let Some(listener) = page else {
                drop(scans);
                return core::future::pending().await;
            };
            let served = web::serve(listener, board, scans).await;
            let words = served.err().map_or_else(String::new, |error| error.to_string());
            Failure::new(format!("the page cannot be served any longer: {words}"))
        };
        tokio::select! {
            failure = served => return Err(failure),
            failure = camera => return Err(failure),
            went = kiosk.go() => went?,
        }
        output::print(&format!("{}\n", kiosk.board.now().counts))?;
        Ok(Exit::Done)
    })
}

/// Has a camera look for codes, if there is one; comes to an end if it fails.
#[cfg(feature = "camera")]
fn looking(
    arguments: &Arguments,
    scans: &mpsc::Sender<String>,
) -> Result<impl Future<Output = Failure> + use<>, Failure> {
    let camera = arguments.camera.open()?;
    let fails = camera.map(|camera| super::camera::feed(camera, scans.clone()));
    let fails = fails.transpose()?;
    Ok(async move {
        if let Some(fails) = fails
            && let Ok(failure) = fails.await
        {
            return failure;
        }
        core::future::pending().await
    })
}

/// There is no camera in this program.
#[cfg(not(feature = "camera"))]
#[expect(clippy::unnecessary_wraps, reason = "it is fallible where there is a camera")]
fn looking(_: &Arguments, _: &mpsc::Sender<String>) -> Result<core::future::Pending<Failure>, Failure> {
    Ok(core::future::pending())
}

async fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(format!("no page can be served at {address}: {error}"))
            .hint("another program may have the port; choose one above 1024 that is free")
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    output::warn(PROGRAM, &format!("the screen is at http://{bound}/"));
    Ok(listener)
}

fn append(path: &Path) -> Result<File, Failure> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .map_err(|error| {
            Failure::new(format!(
                "the log {} cannot be written: {error}",
                input::display(path)
            ))
        })
}

struct Kiosk<'a> {
    reader: Reader<'a>,
    air: &'a dyn Air,
    board: Board,
    scanned: mpsc::Receiver<String>,
    log: Option<File>,
    show_for: Duration,
}

impl Kiosk<'_> {
    /// One wallet after another, until nobody can scan any more or Ctrl-C is pressed.
    async fn go(&mut self) -> Result<(), Failure> {
        output::print("ready: scan a code\n")?;
        let mut clear = None;
        loop {
            let text = tokio::select! {
                text = self.scanned.recv() => text,
                () = sleep_until(clear) => {
                    clear = None;
                    // The page may have cleared it.
                    if matches!(self.board.now().phase, Phase::Shown(_)) {
                        self.board.show(Phase::Ready);
                    }
                    continue;
                }
                _ended = tokio::signal::ctrl_c() => return Ok(()),
            };
            let Some(text) = text else { return Ok(()) };
            self.board.show(Phase::Reading);
            let outcome = Arc::new(self.one(&text).await?);
            output::print(&screen(&outcome))?;
            self.write(&outcome)?;
            self.board.show(Phase::Shown(outcome));
            output::print(&format!("{}\n\n", self.board.now().counts))?;
            clear = Some(tokio::time::Instant::now() + self.show_for);
        }
    }

    async fn one(&self, text: &str) -> Result<Outcome, Failure> {
        let began = Instant::now();
        let engagement = match scanned::of_text(text, "") {
            Ok(engagement) => engagement,
            Err(failure) => {
                return Ok(Outcome::without_answer(
                    failure.message,
                    "kiosk.no-code",
                    began.elapsed(),
                ));
            }
        };
        match self.reader.read(self.air, &engagement).await {
            Ok(mut reading) => {
                self.reader.let_go(&mut reading).await;
                let reached = (reading.service, reading.bearer());
                let judged = self.reader.verify(&reading);
                let outcome = Outcome::of(&judged.report, &self.reader.asked, reached, began.elapsed());
                drop(judged);
                reading.finish().await;
                Ok(outcome)
            }
            Err(NotRead::Interrupted(interrupted)) => {
                let words = if interrupted.is_declined() {
                    "the holder declined, or the wallet has nothing to give".to_owned()
                } else {
                    interrupted.to_string()
                };
                Ok(Outcome::without_answer(
                    words,
                    interrupted.code(),
                    began.elapsed(),
                ))
            }
            Err(NotRead::Plan(error)) => {
                let words = no_plan(&error).message;
                Ok(Outcome::without_answer(words, error.code(), began.elapsed()))
            }
            Err(NotRead::Failed(failure)) => Err(failure),
        }
    }

    fn write(&mut self, outcome: &Outcome) -> Result<(), Failure> {
        let Some(log) = &mut self.log else { return Ok(()) };
        let line = outcome.log_line(&SystemClock.now().to_string());
        let written = log.write_all(line.as_bytes());
        written.map_err(|error| Failure::new(format!("the log cannot be written any longer: {error}")))
    }
}

async fn sleep_until(when: Option<tokio::time::Instant>) {
    match when {
        Some(when) => tokio::time::sleep_until(when).await,
        None => core::future::pending().await,
    }
}

/// The screen of the terminal: large enough to be seen from the side.
fn screen(outcome: &Outcome) -> String {
    let colour = match outcome.verdict {
        Verdict::Accepted => "1;37;42",
        Verdict::NotAccepted => "1;37;41",
        Verdict::CouldNotTell => "1;30;43",
    };
    let (on, off) = if std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        (format!("\x1b[{colour}m"), "\x1b[0m")
    } else {
        (String::new(), "")
    };
    let mut text = String::new();
    let bar = " ".repeat(60);
    for line in [
        bar.as_str(),
        &format!("{:^60}", outcome.verdict.to_string()),
        bar.as_str(),
    ] {
        text.push_str(&format!("{on}{line}{off}\n"));
    }
    for fact in &outcome.facts {
        let (label, value) = (printable_line(&fact.label), printable_line(&fact.value));
        text.push_str(&format!("  {label:<24} {value}\n"));
    }
    for reason in &outcome.reasons {
        text.push_str(&format!("  {}\n", printable_line(reason)));
    }
    text
}
