//! One transaction over GATT or L2CAP, as a machine without I/O: for the mdoc and the reader, as client and as server.
//!
//! The radio tells what happened ([`Input`]), with the time, and is told what to do ([`Action`]). Messages go in and come
//! out whole; what is in them, and the session's keys, are not the link's business.
//!
//! ```text
//! client  Seeking → Identifying (the mdoc) → [Opening] → Subscribing → Starting → Open → Closing → Over
//! server  Waiting → Open → Closing → Over
//! ```
//!
//! L2CAP is used if [`Setup::l2cap`] says so and the other side has it: a client asks for a channel before it subscribes,
//! or has one as soon as the peer is found, and goes on with GATT if there is none. There is no Start on a channel: an
//! mdoc is bound to who speaks first, a reader to who opens it.
//!
//! Tolerances, each for what real wallets do: a server takes Start before the subscriptions and a message before
//! Start; a second Start is nothing; a message whose last fragment forgets to say so is taken when nothing has come for
//! two seconds; who disconnects after a whole message has ended well.
//!
//! Source: ISO/IEC 18013-5:2021, 8.3.3.1.1.

mod begin;
mod event;
mod exchange;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};

use core::fmt;
use core::time::Duration;

pub use self::event::{Action, Ending, Input, Oddity, Peer};
use super::frame::{Fragments, Joiner, Room};
use super::l2cap::{Pieces, Splitter};
use super::{Characteristic, State};
use crate::limits::Limits;

/// Whose end of the link this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The holder's.
    Mdoc,
    /// The verifier's.
    Reader,
}

/// What this end is to GATT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gatt {
    /// It scans, connects, writes.
    Client,
    /// It advertises and notifies.
    Server,
}

/// What messages go over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Bearer {
    /// The characteristics of the standard.
    #[default]
    Gatt,
    /// A channel of bytes.
    L2cap,
}

impl Bearer {
    /// Stable for ever: for programs and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gatt => "gatt",
            Self::L2cap => "l2cap",
        }
    }
}

impl fmt::Display for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gatt => "GATT",
            Self::L2cap => "L2CAP",
        })
    }
}

/// How long what may take, at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// From the beginning until a peer is there. The standard: not less than 30 seconds.
    pub peer: Duration,
    /// From then until messages can go.
    pub setup: Duration,
    /// Without anything coming or going. The standard: not less than 300 seconds.
    pub idle: Duration,
    /// Within a message, after which it is taken if it is whole.
    pub pause: Duration,
    /// Within a message, after which nothing more is waited for: some radios do not say that the peer is gone.
    pub stall: Duration,
    /// From our wish to end, and from each piece that goes after it, until the next one has gone: the other side may take
    /// nothing any more.
    pub last_words: Duration,
    /// Between our end and the disconnection, for what is still on its way.
    pub drain: Duration,
}

impl Timeouts {
    /// When a server has waited for long enough, whoever still comes: each newcomer has the time of [`Timeouts::setup`],
    /// and together they have no more than [`Timeouts::peer`] once again.
    fn latest(&self, now: Duration) -> Duration {
        now.saturating_add(self.peer.saturating_mul(2))
            .saturating_add(self.setup)
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            peer: Duration::from_secs(60),
            setup: Duration::from_secs(20),
            idle: Duration::from_secs(300),
            pause: Duration::from_secs(2),
            stall: Duration::from_secs(10),
            last_words: Duration::from_secs(10),
            drain: Duration::from_millis(200),
        }
    }
}

/// What a link is made for.
#[derive(Debug, Clone, Copy)]
pub struct Setup {
    /// Whose end it is.
    pub role: Role,
    /// What it is to GATT.
    pub gatt: Gatt,
    /// What the reader's Ident has to be, which an mdoc that is a client looks at.
    pub ident: [u8; 16],
    /// Whether L2CAP is used if the other side has it.
    pub l2cap: bool,
    /// How long what may take.
    pub timeouts: Timeouts,
    /// Bounds on what comes in.
    pub limits: Limits,
}

/// Most peers of a server that are looked at before one of them begins.
const MOST_CANDIDATES: usize = 16;

/// One transaction.
#[derive(Debug)]
pub struct Link {
    setup: Setup,
    phase: Phase,
    /// When the phase has lasted too long.
    until: Duration,
    /// When a pause within a message has.
    pause: Option<Duration>,
    /// Server: until when newcomers may put off the end of waiting.
    latest: Duration,
    /// Server: who is connected, and none of them bound yet or the one that is.
    candidates: BTreeMap<Peer, Candidate>,
    /// Whom the transaction is with.
    peer: Option<Peer>,
    room: Room,
    bearer: Bearer,
    joiner: Joiner,
    splitter: Splitter,
    outgoing: VecDeque<Vec<u8>>,
    /// What is left of the message that is being sent.
    going: Option<Going>,
    /// A value is on its way.
    sending: bool,
    /// End is to be said when everything else is; if nothing more goes, that is by then.
    ending: Option<Duration>,
    actions: VecDeque<Action>,
}

#[derive(Debug, Clone, Copy)]
struct Candidate {
    room: Room,
    subscribed: bool,
    /// It has opened a channel.
    channel: bool,
}

/// A message on its way out.
#[derive(Debug)]
enum Going {
    Fragments(Fragments),
    Pieces(Pieces),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Client: looking for the service.
    Seeking,
    /// Client of the mdoc: reading Ident.
    Identifying,
    /// Client: asking for a channel.
    Opening,
    /// Client: subscribing to this.
    Subscribing(Characteristic),
    /// Client: Start is on its way.
    Starting,
    /// Server: for somebody who connects, subscribes and starts, or opens a channel.
    Waiting,
    /// Messages go.
    Open,
    /// Only the disconnection is to come.
    Closing(Ending),
    Over,
}

impl Link {
    /// Begins. `now` is of any clock that does not run backwards.
    #[must_use]
    pub fn new(setup: Setup, now: Duration) -> Self {
        let (phase, action) = match setup.gatt {
            Gatt::Client => (Phase::Seeking, Action::Seek),
            Gatt::Server => (Phase::Waiting, Action::Advertise),
        };
        Self {
            setup,
            phase,
            until: now.saturating_add(setup.timeouts.peer),
            pause: None,
            latest: setup.timeouts.latest(now),
            candidates: BTreeMap::new(),
            peer: None,
            room: Room::of_mtu(0),
            bearer: Bearer::Gatt,
            joiner: Joiner::default(),
            splitter: Splitter::default(),
            outgoing: VecDeque::new(),
            going: None,
            sending: false,
            ending: None,
            actions: VecDeque::from([action]),
        }
    }

    /// What to do next.
    pub fn poll(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When to give [`Input::Tick`] if nothing else happens; none when it is over.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        let until = self.pause.map_or(self.until, |pause| pause.min(self.until));
        (self.phase != Phase::Over).then_some(until)
    }

    /// What messages go over, once they do.
    #[must_use]
    pub const fn bearer(&self) -> Bearer {
        self.bearer
    }

    /// Sends a message after those that were given before; dropped if the transaction is ending.
    pub fn send(&mut self, message: Vec<u8>, now: Duration) {
        if self.ending.is_none() && !matches!(self.phase, Phase::Closing(_) | Phase::Over) {
            self.outgoing.push_back(message);
            self.go_on(now);
        }
    }

    /// Ends the transaction, after everything that was given to be sent, or when nothing of it has gone for
    /// [`Timeouts::last_words`].
    pub fn end(&mut self, now: Duration) {
        match self.phase {
            Phase::Open => {
                let latest = now.saturating_add(self.setup.timeouts.last_words);
                self.ending.get_or_insert(latest);
                self.until = self.until.min(latest);
                self.go_on(now);
            }
            Phase::Closing(_) | Phase::Over => {}
            _ => self.over(Ending::ByUs),
        }
    }

    /// Takes what happened, at `now`.
    pub fn handle(&mut self, input: Input, now: Duration) {
        if self.phase == Phase::Over {
            return;
        }
        match input {
            Input::Connected { peer, room } => self.connected(peer, room, now),
            Input::Resized { peer, room } => self.resized(peer, room),
            Input::Ident(ident) => self.identified(ident.as_deref()),
            Input::Subscribed { peer, characteristic } => self.subscribed(peer, characteristic, now),
            Input::Value {
                peer,
                characteristic,
                value,
            } => self.value(peer, characteristic, &value, now),
            Input::Channel { peer } => self.channel(peer, now),
            Input::NoChannel => self.no_channel(now),
            Input::Bytes { peer, bytes } => self.bytes(peer, &bytes, now),
            Input::Sent => self.sent(now),
            Input::Failed => match self.phase {
                Phase::Closing(ending) => self.over(ending),
                _ => self.over(Ending::Radio),
            },
            Input::Lost { peer } => self.lost(peer),
            Input::Tick => {}
        }
        self.look_at(now);
    }

    /// What the time says.
    fn look_at(&mut self, now: Duration) {
        if self.pause.is_some_and(|pause| pause <= now) {
            self.pause = None;
            if self.take_unfinished() && self.phase == Phase::Open {
                // Nothing is awaited within a message any longer.
                self.until = self.alive_until(now);
            }
        }
        if now < self.until {
            return;
        }
        match self.phase {
            Phase::Seeking => self.over(Ending::NoPeer),
            Phase::Waiting if self.candidates.is_empty() => self.over(Ending::NoPeer),
            Phase::Identifying
            | Phase::Opening
            | Phase::Subscribing(_)
            | Phase::Starting
            | Phase::Waiting => self.over(Ending::NotSetUp),
            Phase::Open => self.over(Ending::Idle),
            Phase::Closing(ending) => self.over(ending),
            Phase::Over => {}
        }
    }

    /// Takes what came of a message that does not say that it is over, if it is whole; whether it was.
    fn take_unfinished(&mut self) -> bool {
        let message = self.joiner.take_whole(&self.setup.limits);
        let taken = message.is_some();
        if let Some(message) = message {
            self.note(Oddity::UnfinishedMessage);
            self.actions.push_back(Action::Message(message));
        }
        taken
    }

    fn note(&mut self, oddity: Oddity) {
        self.actions.push_back(Action::Note(oddity));
    }

    /// What is on its way may still arrive.
    fn close(&mut self, ending: Ending, now: Duration) {
        self.phase = Phase::Closing(ending);
        self.until = now.saturating_add(self.setup.timeouts.drain);
        self.pause = None;
    }

    fn over(&mut self, ending: Ending) {
        if self.setup.gatt == Gatt::Server && self.peer.is_none() && self.phase == Phase::Waiting {
            self.actions.push_back(Action::StopAdvertising);
        }
        if let Some(peer) = self.peer {
            self.actions.push_back(Action::Disconnect(peer));
        }
        self.actions.push_back(Action::Over(ending));
        self.phase = Phase::Over;
        self.joiner = Joiner::default();
        self.splitter = Splitter::default();
        self.outgoing.clear();
        self.going = None;
    }
}
