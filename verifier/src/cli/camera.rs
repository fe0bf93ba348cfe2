//! `--camera` of `read` and `kiosk`.

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use mdoc_cli::Failure;
use mdoc_verifier::camera::{self, Camera, CameraError, NotSeen};
use tokio::sync::{mpsc, oneshot};

use super::{PROGRAM, scanned};

/// How often the line about progress is written again.
const PROGRESS: Duration = Duration::from_millis(250);

#[derive(Args)]
pub(super) struct CameraArguments {
    /// Look for the code with a camera, of which this is the device [default: the first].
    #[arg(long, value_name = "DEVICE", num_args = 0..=1)]
    #[expect(
        clippy::option_option,
        reason = "it may be left out, or its value, or neither"
    )]
    camera: Option<Option<PathBuf>>,
}

impl CameraArguments {
    /// The camera, if one is to be used.
    ///
    /// # Errors
    /// [`Failure`] if it takes no pictures.
    pub(super) fn open(&self) -> Result<Option<Camera>, Failure> {
        let Some(device) = &self.camera else {
            return Ok(None);
        };
        let camera = Camera::open(device.as_deref()).map_err(|error| failure(&error))?;
        // In one piece: two programs may speak to one terminal.
        let said = format!("{PROGRAM}: looking for codes with {camera}\n");
        let _ = std::io::stderr().write_all(said.as_bytes());
        Ok(Some(camera))
    }
}

fn failure(error: &CameraError) -> Failure {
    Failure::new(error.to_string()).hint_if(error.hint().map(str::to_owned))
}

/// The encoded engagement that is held in front of the camera first.
pub(super) fn first(camera: Camera, timeout: Duration) -> Result<Vec<u8>, Failure> {
    let mut line = Line::default();
    let seen = camera::first(camera, timeout, |frames| line.show(frames));
    line.clear();
    match seen {
        Ok(found) => Ok(scanned::taken(&found)),
        Err(NotSeen::Camera(error)) => Err(failure(&error)),
        Err(NotSeen::InVain(words)) => Err(Failure::new(words).hint(
            "hold the code so that it fills a third of the picture, still and without glare; --timeout waits longer",
        )),
    }
}

/// Gives every engagement to the kiosk, as its scanner would; says if the camera fails.
pub(super) fn feed(
    mut camera: Camera,
    codes: mpsc::Sender<String>,
) -> Result<oneshot::Receiver<Failure>, Failure> {
    let (failed, fails) = oneshot::channel();
    let thread = std::thread::Builder::new().spawn(move || {
        let ended = camera::each(&mut camera, |found| {
            let uri = mdoc_core::engagement::to_uri(found.bytes());
            codes.blocking_send(uri).is_ok()
        });
        if let Err(error) = ended {
            // Nobody listens any more if the kiosk has ended.
            let _unheard = failed.send(failure(&error));
        }
    });
    thread.map_err(|error| Failure::new(format!("the camera cannot be looked through: {error}")))?;
    Ok(fails)
}

/// One line of a terminal, written again and again.
struct Line {
    terminal: bool,
    next: Instant,
    shown: bool,
}

impl Default for Line {
    fn default() -> Self {
        Self {
            terminal: std::io::stderr().is_terminal(),
            next: Instant::now(),
            shown: false,
        }
    }
}

impl Line {
    fn show(&mut self, frames: usize) {
        if !self.terminal || Instant::now() < self.next {
            return;
        }
        let text = format!("\r\x1b[Klooking for a code … {frames} pictures, Ctrl-C ends it");
        let _ = std::io::stderr().write_all(text.as_bytes());
        (self.next, self.shown) = (Instant::now() + PROGRESS, true);
    }

    fn clear(&mut self) {
        if core::mem::take(&mut self.shown) {
            let _ = std::io::stderr().write_all(b"\r\x1b[K");
        }
    }
}
