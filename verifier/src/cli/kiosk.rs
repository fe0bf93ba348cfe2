//! `mdoc-verifier kiosk`.

mod screen;

use core::pin::{Pin, pin};
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use mdoc_cli::air;
use mdoc_cli::output;
use mdoc_cli::system::SystemClock;
use mdoc_cli::{Exit, Failure, args, input};
use mdoc_core::seams::Clock as _;
use mdoc_radio::Air;
use mdoc_verifier::kiosk::{Board, Outcome, Phase, web};
use mdoc_verifier::read::Reading;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use self::screen::Screen;
use super::read::no_plan;
use super::reader::{NotRead, Reader, ReaderArguments};
use super::{PROGRAM, scanned};

/// How long radios have to let go of a wallet, if the kiosk is to end.
const LETTING_GO: Duration = Duration::from_millis(500);

/// How long a wallet that is broken off has to take our last word.
const LAST_WORD: Duration = Duration::from_millis(1500);

const ESC: char = '\x1b';

const READY: &str = "ready: scan a code";

#[derive(Args)]
#[command(after_help = "\
Reads one wallet after another: a line of standard input is the text of a QR code,
as a keyboard-wedge scanner types it, and so is what is typed into the page of
--web. The screen says ACCEPTED, NOT ACCEPTED or COULD NOT TELL, and what was asked
for, until the next code or --show-for; a terminal is then cleared, with what has
scrolled off it. Who is under the age that was asked for is not accepted; if
anything that was asked for is not shown, nobody can tell. Esc (in the terminal Esc
and Enter) clears, and breaks off a reading. Counts and log hold nothing of a
person. Ctrl-C ends it, and so does the end of standard input, unless there is a
page.

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

pub(super) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let given = Arc::new(arguments.reader);
    let reader = Reader::prepare(Arc::clone(&given))?;
    let log = arguments.log.as_deref().map(append).transpose()?;
    air::block_on(async {
        let air = given.air.open(PROGRAM).await?;
        let board = Board::new(arguments.show_for);
        // One waits while one is read.
        let (scans, scanned) = mpsc::channel(1);
        let page = match arguments.web {
            Some(address) => Some(listen(address).await?),
            None => None,
        };
        let address = page.as_ref().map(|(_, address)| address.clone());
        typed(scans.clone(), board.clone())?;
        let mut kiosk = Kiosk {
            reader: Arc::new(reader),
            air: air.as_ref(),
            board: board.clone(),
            scanned,
            log,
            screen: Screen::of_output(address),
            letting_go: None,
        };
        #[cfg(feature = "camera")]
        let camera = looking(&arguments.camera, &scans)?;
        #[cfg(not(feature = "camera"))]
        let camera = core::future::pending();
        let served = async {
            let Some((listener, _)) = page else {
                drop(scans);
                return core::future::pending().await;
            };
            let served = web::serve(listener, board, scans).await;
            let words = served.err().map_or_else(String::new, |error| error.to_string());
            Failure::new(format!("the page cannot be served any longer: {words}"))
        };
        let ended = tokio::select! {
            failure = served => Err(failure),
            failure = camera => Err(failure),
            went = kiosk.go() => went,
        };
        // However it ends, nobody stays on the screen.
        kiosk.screen.end()?;
        ended?;
        output::print(&format!("{}\n", kiosk.board.now().counts))?;
        Ok(Exit::Done)
    })
}

/// Takes codes from standard input, on a thread of its own; a line of nothing but Esc clears.
fn typed(scans: mpsc::Sender<String>, board: Board) -> Result<(), Failure> {
    let thread = std::thread::Builder::new().spawn(move || {
        let mut input = std::io::stdin().lock();
        loop {
            let line = match scanned::line(&mut input) {
                Ok(Some(line)) => line,
                Ok(None) => return,
                Err(error) => {
                    output::warn(
                        PROGRAM,
                        &format!("standard input cannot be read any longer: {error}"),
                    );
                    return;
                }
            };
            let text = line.trim_matches(|c: char| c.is_whitespace() || c == ESC);
            if !text.is_empty() {
                if scans.blocking_send(line).is_err() {
                    return;
                }
            } else if line.contains(ESC) {
                board.clear();
            }
        }
    });
    thread.map_err(|error| Failure::new(format!("standard input cannot be read: {error}")))?;
    Ok(())
}

/// Has a camera look for codes, if there is one; comes to an end if it fails.
#[cfg(feature = "camera")]
fn looking(
    arguments: &super::camera::CameraArguments,
    scans: &mpsc::Sender<String>,
) -> Result<impl Future<Output = Failure> + use<>, Failure> {
    let camera = arguments.open()?;
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

/// The page, and its address.
async fn listen(address: SocketAddr) -> Result<(TcpListener, String), Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(format!("no page can be served at {address}: {error}"))
            .hint("another program may have the port; choose one above 1024 that is free")
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = format!("http://{}/", listener.local_addr().map_err(failed)?);
    output::warn(PROGRAM, &format!("the screen is at {bound}"));
    Ok((listener, bound))
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
    reader: Arc<Reader<Arc<ReaderArguments>>>,
    air: &'a dyn Air,
    board: Board,
    scanned: mpsc::Receiver<String>,
    log: Option<File>,
    screen: Screen,
    /// The last wallet's connection is being closed, which takes BlueZ some seconds.
    letting_go: Option<JoinHandle<()>>,
}

/// Whether there is a next wallet.
#[derive(PartialEq, Eq)]
enum Then {
    Next,
    End,
}

impl Kiosk<'_> {
    /// One wallet after another, until nobody can scan any more or Ctrl-C is pressed.
    async fn go(&mut self) -> Result<(), Failure> {
        let mut stopped = pin!(air::stopped());
        let mut more = true;
        self.screen.begin()?;
        loop {
            let now = self.board.now();
            let shown = matches!(now.phase, Phase::Shown(_));
            if !shown {
                // Its time is over, or the page has cleared it.
                self.screen.forget(READY, now.counts)?;
            }
            // Nobody scans any more, but somebody may still be looking.
            let looked_at = shown && self.screen.is_terminal();
            if !more && !looked_at {
                break;
            }
            tokio::select! {
                biased;
                () = &mut stopped => {
                    let _late = tokio::time::timeout(LETTING_GO, self.let_go()).await;
                    return Ok(());
                }
                text = self.scanned.recv(), if more => match text {
                    Some(text) => if self.turn(&text, stopped.as_mut()).await? == Then::End {
                        tokio::time::sleep(LETTING_GO).await;
                        return Ok(());
                    },
                    None => more = false,
                },
                () = sleep_until(now.until) => self.board.clear(),
                _ = self.board.after(now.number) => {}
            }
        }
        tokio::select! {
            () = stopped => {}
            () = self.let_go() => {}
        }
        Ok(())
    }

    /// One wallet, unless Esc or Ctrl-C is pressed before it is judged: then it is told that it is over.
    async fn turn(
        &mut self,
        text: &str,
        stopped: Pin<&mut impl Future<Output = ()>>,
    ) -> Result<Then, Failure> {
        let number = self.board.show(Phase::Reading);
        let board = self.board.clone();
        self.screen.forget("reading …", board.now().counts)?;
        let (stop, told) = oneshot::channel();
        let (outcome, reading) = {
            let mut one = pin!(self.one(text, told));
            let went = tokio::select! {
                biased;
                () = stopped => Err(Then::End),
                _ = board.after(number) => Err(Then::Next),
                judged = &mut one => Ok(judged?),
            };
            match went {
                Ok(judged) => judged,
                Err(then) => {
                    if then == Then::Next {
                        output::print("broken off: scan a code\n\n")?;
                    }
                    let _judged = stop.send(());
                    let _late = tokio::time::timeout(LAST_WORD, one).await;
                    return Ok(then);
                }
            }
        };
        let outcome = Arc::new(outcome);
        self.screen.show(&outcome)?;
        self.write(&outcome)?;
        self.board.show(Phase::Shown(outcome));
        output::print(&format!("{}\n\n", self.board.now().counts))?;
        // Nobody waits for that.
        self.letting_go = reading.map(|reading| {
            tokio::spawn(async move {
                let (_, ending) = reading.finish().await;
                tracing::debug!(code = ending.code(), "finished");
            })
        });
        Ok(Then::Next)
    }

    /// Waits until the last wallet's connection is closed.
    async fn let_go(&mut self) {
        if let Some(going) = &mut self.letting_go {
            let _broken = going.await;
        }
        self.letting_go = None;
    }

    /// What came of one wallet, and its connection if it is still there; `stop` ends the reading.
    async fn one(
        &mut self,
        text: &str,
        stop: oneshot::Receiver<()>,
    ) -> Result<(Outcome, Option<Reading>), Failure> {
        let began = Instant::now();
        self.let_go().await;
        let nothing = |reason: String, hint: Option<String>, code| {
            let outcome = Outcome::without_answer(reason, hint, code, began.elapsed());
            Ok((outcome, None))
        };
        let engagement = match scanned::of_text(text, "") {
            Ok(engagement) => engagement,
            Err(failure) => return nothing(failure.message, failure.hint, "kiosk.no-code"),
        };
        let stop = async {
            if stop.await.is_err() {
                core::future::pending().await
            }
        };
        match self.reader.read(self.air, &engagement, stop).await {
            Ok(mut reading) => {
                self.reader.let_go(&mut reading).await;
                match judged(Arc::clone(&self.reader), reading, began)?.await {
                    Ok((outcome, reading)) => Ok((outcome, Some(reading))),
                    Err(_) => nothing(
                        "the verification broke off: that is a fault of this program".to_owned(),
                        None,
                        "kiosk.broken-off",
                    ),
                }
            }
            Err(NotRead::Interrupted(interrupted)) if interrupted.is_declined() => nothing(
                "the holder declined, or the wallet has nothing to give".to_owned(),
                None,
                interrupted.code(),
            ),
            Err(NotRead::Interrupted(interrupted)) => {
                let hint = interrupted.hint().map(str::to_owned);
                nothing(interrupted.to_string(), hint, interrupted.code())
            }
            Err(NotRead::Plan(error)) => {
                let failure = no_plan(&error);
                nothing(failure.message, failure.hint, error.code())
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

/// Judges what a wallet answered on a thread of its own: evidence from the network may take ten seconds, in which the page
/// and the keys have to go on. If nobody waits for it any more, the wallet is let go.
fn judged(
    reader: Arc<Reader<Arc<ReaderArguments>>>,
    reading: Reading,
    began: Instant,
) -> Result<oneshot::Receiver<(Outcome, Reading)>, Failure> {
    let (tell, told) = oneshot::channel();
    let thread = std::thread::Builder::new().spawn(move || {
        let reached = (reading.service, reading.bearer());
        let judged = reader.verify(&reading);
        let outcome = Outcome::of(&judged.report, &reader.asked, reached, began.elapsed());
        drop(judged);
        let _unheard = tell.send((outcome, reading));
    });
    thread.map_err(|error| Failure::new(format!("the answer cannot be verified: {error}")))?;
    Ok(told)
}

async fn sleep_until(when: Option<tokio::time::Instant>) {
    match when {
        Some(when) => tokio::time::sleep_until(when).await,
        None => core::future::pending().await,
    }
}
