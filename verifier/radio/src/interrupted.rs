//! Why a transaction did not come to its answer.

use core::fmt;

use mdoc_core::ble::link::{Bearer, Ending, Gatt};
use mdoc_core::session::{Status, Why};

use crate::{Air, Fault, Missed};

/// Why a transaction did not come to its answer, with a word on what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Interrupted {
    /// None of the ways led to the other side.
    NotReached(Vec<Missed>),
    /// The link ended, and what kept the radio from going on if that is why.
    Link(Ending, Option<Fault>),
    /// The session ended.
    Session(Why),
    /// It ended as this says, and our server is known to lose what is written to it ([`Air::loses_long_writes`]), which is
    /// the likely cause.
    LongWrites(Box<Self>),
}

/// What to do about a server that loses what is written to it.
const LONG_WRITES: &str = "the Bluetooth service of this machine (BlueZ before 5.69) loses long writes, which is the likely cause: \
    update it, or use the mode in which the other side advertises";

/// What to do about somebody who does not want to.
const DECLINED: &str = "ask again for no more than is needed, with a new code, and with a reader's certificate that the wallet knows";

impl Interrupted {
    /// Tells of what came of a conversation over this air, as which end of GATT and over what: if something of what was
    /// written to our server is missing, and the air is known to lose it, that is why.
    #[must_use]
    pub fn over(self, air: &dyn Air, gatt: Gatt, bearer: Bearer) -> Self {
        let is_missing = matches!(
            self,
            Self::Session(Why::Decode(_) | Why::Decrypt) | Self::Link(Ending::Lost, None)
        );
        if is_missing && gatt == Gatt::Server && bearer == Bearer::Gatt && air.loses_long_writes() {
            Self::LongWrites(Box::new(self))
        } else {
            self
        }
    }

    /// Stable for ever: for programs and logs. See [`Fault::code`], [`Ending::code`] and [`Why::code`].
    #[must_use]
    pub fn code(&self) -> &'static str {
        match (self.fault(), self) {
            (Some(fault), _) => fault.code(),
            (None, Self::NotReached(missed)) => tried(missed).map_or("link.no-way", |ending| ending.code()),
            (None, Self::Link(ending, _)) => ending.code(),
            (None, Self::Session(why)) => why.code(),
            (None, Self::LongWrites(ended)) => ended.code(),
        }
    }

    /// What the radio could not do, if that is why: of several ways, only if none of them could be gone. That this
    /// machine cannot go one of them at all is said only if it is all there is to say.
    #[must_use]
    pub fn fault(&self) -> Option<&Fault> {
        match self {
            Self::NotReached(missed) => {
                let faults: Option<Vec<&Fault>> = missed.iter().map(|one| one.fault.as_ref()).collect();
                let faults = faults?;
                // A service that has gone takes its adapters with it, which look as if they were switched off.
                let of_the_service = |fault: &&&Fault| matches!(fault, Fault::NoService);
                let can_be_mended = |fault: &&&Fault| !matches!(fault, Fault::NotSupported(_));
                let found = faults.iter().find(of_the_service);
                found
                    .or_else(|| faults.iter().find(can_be_mended))
                    .or(faults.first())
                    .copied()
            }
            Self::Link(_, fault) => fault.as_ref(),
            Self::Session(_) | Self::LongWrites(_) => None,
        }
    }

    /// What the radio had to say on the ways that were gone in vain.
    pub fn warnings(&self) -> impl Iterator<Item = &str> {
        let missed = match self {
            Self::NotReached(missed) => missed.as_slice(),
            _ => &[],
        };
        missed.iter().flat_map(|one| &one.warnings).map(String::as_str)
    }

    /// Whether the other side said that it does not want to go on, and nothing was wrong. One that disconnects says
    /// nothing: it may have declined, and it may be out of range.
    #[must_use]
    pub const fn is_declined(&self) -> bool {
        matches!(
            self,
            Self::Session(Why::ByPeer(Status::Termination)) | Self::Link(Ending::ByPeer, _)
        )
    }

    /// What the people at both ends can do.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        if let Some(fault) = self.fault() {
            return fault.hint();
        }
        let ending = match self {
            Self::NotReached(missed) => tried(missed)?,
            Self::Link(ending, _) => *ending,
            Self::Session(Why::ByPeer(Status::Termination)) => return Some(DECLINED),
            Self::LongWrites(_) => return Some(LONG_WRITES),
            Self::Session(Why::CipherSuite(_) | Why::Key(_)) => {
                return Some("the wallet is of a kind that this reader does not know; update the reader");
            }
            Self::Session(_) => {
                return Some("start again, with a new code; if it stays, one of the two sides is at fault");
            }
        };
        Some(match ending {
            Ending::NoPeer | Ending::NotSetUp | Ending::LostBeforeStart => {
                "hold both devices close to each other with Bluetooth on and the code still shown, and start again with a \
                 new code"
            }
            Ending::Lost | Ending::Idle => {
                "keep both devices close to each other until it is done; a new code is needed now"
            }
            Ending::Disconnected => {
                "if nobody declined, keep both devices close to each other until it is done; a new code is needed now"
            }
            Ending::ByPeer => DECLINED,
            Ending::WrongIdent => "another reader has answered; start again, with a new code",
            Ending::Frame(_) => "start again, with a new code; if it stays, one of the two sides is at fault",
            _ => return None,
        })
    }
}

/// How the first way ended that could be gone.
fn tried(missed: &[Missed]) -> Option<Ending> {
    let gone = missed.iter().find(|one| one.fault.is_none());
    gone.or(missed.first()).map(|one| one.ending)
}

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotReached(missed) => {
                for (at, one) in missed.iter().enumerate() {
                    let comma = if at == 0 { "" } else { "; " };
                    match &one.fault {
                        Some(fault) => write!(f, "{comma}{}: {fault}", one.service)?,
                        None => write!(f, "{comma}{}: {}", one.service, one.ending)?,
                    }
                }
                Ok(())
            }
            Self::Link(_, Some(fault)) => fault.fmt(f),
            Self::Link(Ending::Disconnected, None) => {
                f.write_str("the other side ended the connection: it declined, or is out of range")
            }
            Self::Link(ending, None) => ending.fmt(f),
            Self::Session(why) => why.fmt(f),
            Self::LongWrites(ended) => ended.fmt(f),
        }
    }
}

impl core::error::Error for Interrupted {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        self.fault()
            .map(|fault| -> &(dyn core::error::Error + 'static) { fault })
    }
}
