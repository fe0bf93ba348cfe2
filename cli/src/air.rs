//! The options of programs that meet others face to face, and what they say if nobody was met.

use std::path::PathBuf;
use std::time::Duration;

use mdoc_core::ble::Service;
use mdoc_core::ble::link::Timeouts;
use mdoc_radio::{Air, Fault, Interrupted};

#[cfg(feature = "clap")]
use crate::args;
use crate::failure::{Exit, Failure};
use crate::output;

/// What carries the conversation.
#[derive(Debug)]
#[cfg_attr(feature = "clap", derive(clap::Args))]
pub struct AirArguments {
    /// Bluetooth adapter [default: the first].
    #[cfg_attr(feature = "clap", arg(long, value_name = "NAME"))]
    pub adapter: Option<String>,
    /// Instead of Bluetooth, sockets in this folder: to try it out with two programs on one machine.
    #[cfg_attr(feature = "clap", arg(long, value_name = "DIR", conflicts_with = "adapter"))]
    pub radio: Option<PathBuf>,
    /// Which side advertises: in mdoc central client mode the reader, in mdoc peripheral server mode the wallet.
    #[cfg_attr(feature = "clap", arg(long, value_enum, value_name = "MODE", default_value_t = Mode::Both))]
    pub mode: Mode,
    /// Use L2CAP if the other side has it as well (on Linux), and GATT otherwise.
    #[cfg_attr(feature = "clap", arg(long))]
    pub l2cap: bool,
    /// How long the other side is waited for.
    #[cfg_attr(feature = "clap", arg(long, value_name = "DURATION", value_parser = args::duration, default_value = "60s"))]
    pub timeout: Duration,
}

/// The modes of the standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
pub enum Mode {
    // No documentation comments: they would spread the help of all options over three lines each.
    #[cfg_attr(feature = "clap", value(alias = "auto"))]
    #[expect(missing_docs, reason = "its name is what the user types")]
    Both,
    #[expect(missing_docs, reason = "its name is what the user types")]
    CentralClient,
    #[expect(missing_docs, reason = "its name is what the user types")]
    PeripheralServer,
}

impl Mode {
    /// The only mode that is wanted, if one is.
    #[must_use]
    pub const fn only(self) -> Option<Service> {
        match self {
            Self::Both => None,
            Self::CentralClient => Some(Service::Reader),
            Self::PeripheralServer => Some(Service::Mdoc),
        }
    }
}

impl AirArguments {
    /// Opens it, and says on standard error what should be known of it.
    ///
    /// # Errors
    /// [`Failure`] if there is no adapter, it is off, or the system does not let us.
    pub async fn open(&self, program: &str) -> Result<Box<dyn Air>, Failure> {
        if let Some(folder) = &self.radio {
            return open_folder(folder.clone());
        }
        open_bluetooth(self.adapter.as_deref(), program).await
    }

    /// With the time that the other side is waited for.
    #[must_use]
    pub fn timeouts(&self) -> Timeouts {
        Timeouts {
            peer: self.timeout,
            ..Timeouts::default()
        }
    }
}

#[cfg(unix)]
fn open_folder(folder: PathBuf) -> Result<Box<dyn Air>, Failure> {
    if !folder.is_dir() {
        let name = folder.display();
        return Err(Failure::new(format!("--radio {name} is no folder"))
            .hint("make a folder that both programs can write to"));
    }
    Ok(Box::new(mdoc_radio::folder::Folder::new(folder)))
}

#[cfg(not(unix))]
fn open_folder(_folder: PathBuf) -> Result<Box<dyn Air>, Failure> {
    Err(Failure::new("--radio needs a Unix system"))
}

#[cfg(feature = "bluetooth")]
async fn open_bluetooth(adapter: Option<&str>, program: &str) -> Result<Box<dyn Air>, Failure> {
    let bluetooth = mdoc_radio::bluetooth::Bluetooth::open(adapter).await;
    let bluetooth = bluetooth.map_err(|fault| fault_failure(&fault))?;
    tracing::debug!(adapter = bluetooth.adapter(), "adapter opened");
    for warning in bluetooth.warnings() {
        output::warn(program, warning);
    }
    Ok(Box::new(bluetooth))
}

#[cfg(not(feature = "bluetooth"))]
async fn open_bluetooth(_adapter: Option<&str>, program: &str) -> Result<Box<dyn Air>, Failure> {
    output::warn(program, "it was built without Bluetooth");
    Err(fault_failure(&Fault::NoAdapter))
}

fn fault_failure(fault: &Fault) -> Failure {
    Failure::coded(fault, fault.code()).hint_if(fault.hint().map(str::to_owned))
}

/// Says what the radio had to say on ways that were gone in vain.
pub fn warn_of(interrupted: &Interrupted, program: &str) {
    for warning in interrupted.warnings() {
        output::warn(program, warning);
    }
}

/// What is said if it did not come to an answer.
#[must_use]
pub fn interrupted(interrupted: &Interrupted) -> Failure {
    let failure = Failure::coded(interrupted, interrupted.code());
    if interrupted.is_declined() {
        return failure.exit(Exit::Rejected);
    }
    failure.hint_if(interrupted.hint().map(str::to_owned))
}

/// Runs it to its end, on this thread.
///
/// # Errors
/// [`Failure`] of what is run, or if the system has nothing to run it with.
pub fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime =
        runtime.map_err(|error| Failure::new(format!("the program cannot wait for input: {error}")))?;
    runtime.block_on(work)
}

/// Waits for Ctrl-C, or for the system to ask the program to end; from then on the program does not end by itself.
pub async fn stopped() {
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_err() {
            core::future::pending().await
        }
    };
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminated) = signal(SignalKind::terminate()) {
            tokio::select! {
                () = interrupted => {}
                _ended = terminated.recv() => {}
            }
            return;
        }
    }
    interrupted.await;
}
