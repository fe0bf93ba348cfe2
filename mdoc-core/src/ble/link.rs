//! One transaction over GATT, as a machine without I/O: for the mdoc and the reader, as client and as server.
//!
//! The radio tells what happened ([`Input`]), with the time, and is told what to do ([`Action`]). Messages go in and come
//! out whole; what is in them, and the session's keys, are not the link's business.
//!
//! ```text
//! client  Seeking → Identifying (the mdoc) → Subscribing → Starting → Open → Closing → Over
//! server  Waiting → Open → Closing → Over
//! ```
//!
//! Tolerances, each for what real wallets do: a server takes Start before the subscriptions and a message before
//! Start; a second Start is nothing; a message whose last fragment forgets to say so is taken when nothing has come for
//! two seconds; who disconnects after a whole message has ended well.
//!
//! Source: ISO/IEC 18013-5:2021, 8.3.3.1.1.

mod event;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};

use core::time::Duration;

pub use self::event::{Action, Ending, Input, Oddity, Peer};
use super::frame::{Fragments, Joiner, Room};
use super::{Characteristic, State};
use crate::crypto::equal_in_constant_time;
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
    /// Between our end and the disconnection, for what is still on its way.
    pub drain: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            peer: Duration::from_secs(60),
            setup: Duration::from_secs(20),
            idle: Duration::from_secs(300),
            pause: Duration::from_secs(2),
            stall: Duration::from_secs(10),
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
    /// Server: who is connected, and none of them bound yet or the one that is.
    candidates: BTreeMap<Peer, Candidate>,
    /// Whom the transaction is with.
    peer: Option<Peer>,
    room: Room,
    joiner: Joiner,
    outgoing: VecDeque<Vec<u8>>,
    fragments: Option<Fragments>,
    /// A value is on its way.
    sending: bool,
    /// End is to be said when everything else is.
    ending: bool,
    actions: VecDeque<Action>,
}

#[derive(Debug, Clone, Copy)]
struct Candidate {
    room: Room,
    subscribed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Client: looking for the service.
    Seeking,
    /// Client of the mdoc: reading Ident.
    Identifying,
    /// Client: subscribing to this.
    Subscribing(Characteristic),
    /// Client: Start is on its way.
    Starting,
    /// Server: for somebody who connects, subscribes and starts.
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
            candidates: BTreeMap::new(),
            peer: None,
            room: Room::of_mtu(0),
            joiner: Joiner::default(),
            outgoing: VecDeque::new(),
            fragments: None,
            sending: false,
            ending: false,
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

    /// Sends a message after those that were given before; dropped if the transaction is ending.
    pub fn send(&mut self, message: Vec<u8>, now: Duration) {
        if !self.ending && !matches!(self.phase, Phase::Closing(_) | Phase::Over) {
            self.outgoing.push_back(message);
            self.go_on(now);
        }
    }

    /// Ends the transaction, after everything that was given to be sent.
    pub fn end(&mut self, now: Duration) {
        match self.phase {
            Phase::Open => {
                self.ending = true;
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

    fn connected(&mut self, peer: Peer, room: Room, now: Duration) {
        match self.phase {
            Phase::Seeking => {
                self.peer = Some(peer);
                self.room = room;
                self.until = now.saturating_add(self.setup.timeouts.setup);
                match self.setup.role {
                    Role::Mdoc => {
                        self.phase = Phase::Identifying;
                        self.actions.push_back(Action::ReadIdent);
                    }
                    Role::Reader => self.subscribe(Characteristic::State),
                }
            }
            Phase::Waiting => {
                self.candidate(peer).room = room;
                // Whoever comes late has the time that it takes.
                self.until = self.until.max(now.saturating_add(self.setup.timeouts.setup));
            }
            _ => {}
        }
    }

    /// The peer among those that are connected.
    fn candidate(&mut self, peer: Peer) -> &mut Candidate {
        if self.candidates.len() >= MOST_CANDIDATES && !self.candidates.contains_key(&peer) {
            self.candidates.pop_first();
        }
        self.candidates.entry(peer).or_insert(Candidate {
            room: Room::of_mtu(0),
            subscribed: false,
        })
    }

    fn resized(&mut self, peer: Peer, room: Room) {
        if self.phase == Phase::Waiting {
            self.candidate(peer).room = room;
        }
        if self.peer == Some(peer) {
            self.room = room;
        }
    }

    fn identified(&mut self, ident: Option<&[u8]>) {
        if self.phase != Phase::Identifying {
            return;
        }
        if ident.is_some_and(|ident| equal_in_constant_time(ident, &self.setup.ident)) {
            self.subscribe(Characteristic::State);
        } else {
            self.over(Ending::WrongIdent);
        }
    }

    fn subscribe(&mut self, characteristic: Characteristic) {
        self.phase = Phase::Subscribing(characteristic);
        self.actions.push_back(Action::Subscribe(characteristic));
    }

    fn subscribed(&mut self, peer: Peer, characteristic: Characteristic, now: Duration) {
        match self.phase {
            Phase::Subscribing(wanted) if wanted == characteristic => {
                if wanted == Characteristic::State {
                    self.subscribe(Characteristic::Server2Client);
                } else {
                    self.phase = Phase::Starting;
                    self.put(Characteristic::State, vec![State::Start.byte()]);
                }
            }
            Phase::Waiting if characteristic == Characteristic::Server2Client => {
                self.candidate(peer).subscribed = true;
                self.open_if_bound(now);
            }
            _ => {}
        }
    }

    fn value(&mut self, peer: Peer, characteristic: Characteristic, value: &[u8], now: Duration) {
        // Others than whom the transaction is with have no say in it.
        if self.peer.is_some_and(|bound| bound != peer) || matches!(self.phase, Phase::Closing(_)) {
            return;
        }
        match (characteristic, self.setup.gatt) {
            (Characteristic::State, _) => self.state(peer, value, now),
            (Characteristic::Client2Server, Gatt::Server) | (Characteristic::Server2Client, Gatt::Client) => {
                if self.phase == Phase::Waiting && self.peer.is_none() {
                    self.note(Oddity::MessageBeforeStart);
                    self.bind(peer, now);
                }
                self.fragment(value, now);
            }
            _ => {}
        }
    }

    fn state(&mut self, peer: Peer, value: &[u8], now: Duration) {
        match (State::of(value), self.setup.gatt) {
            (Some(State::Start), Gatt::Server) => {
                if self.phase == Phase::Waiting && self.peer.is_none() {
                    self.bind(peer, now);
                }
            }
            (Some(State::Start), Gatt::Client) => self.note(Oddity::Start),
            (Some(State::End), Gatt::Client) => self.over(Ending::ByPeer),
            (Some(State::End), Gatt::Server) => {
                // Somebody who goes before it has begun is not whom we wait for.
                if self.peer == Some(peer) {
                    self.close(Ending::ByPeer, now);
                }
            }
            (None, _) => self.note(Oddity::UnknownState),
        }
    }

    /// Server: from now on it is with this one.
    fn bind(&mut self, peer: Peer, now: Duration) {
        self.peer = Some(peer);
        self.room = self.candidate(peer).room;
        self.until = now.saturating_add(self.setup.timeouts.setup);
        self.actions.push_back(Action::StopAdvertising);
        self.open_if_bound(now);
    }

    fn open_if_bound(&mut self, now: Duration) {
        let bound = self.peer.and_then(|peer| self.candidates.get(&peer));
        if bound.is_some_and(|candidate| candidate.subscribed) {
            self.open(now);
        }
    }

    fn open(&mut self, now: Duration) {
        self.phase = Phase::Open;
        self.until = now.saturating_add(self.setup.timeouts.idle);
        self.actions.push_back(Action::Ready);
        self.go_on(now);
    }

    fn fragment(&mut self, value: &[u8], now: Duration) {
        match self.joiner.push(value, &self.setup.limits) {
            Ok(message) => self.actions.extend(message.map(Action::Message)),
            Err(error) => self.over(Ending::Frame(error)),
        }
        let within = self.joiner.is_within();
        self.pause = within.then(|| now.saturating_add(self.setup.timeouts.pause));
        if self.phase == Phase::Open {
            self.until = self.alive_until(now);
        }
    }

    /// When something has to have come or gone again.
    fn alive_until(&self, now: Duration) -> Duration {
        let Timeouts { idle, stall, .. } = self.setup.timeouts;
        now.saturating_add(if self.joiner.is_within() { stall } else { idle })
    }

    fn put(&mut self, characteristic: Characteristic, value: Vec<u8>) {
        if let Some(peer) = self.peer {
            self.sending = true;
            self.actions.push_back(Action::Put(peer, characteristic, value));
        }
    }

    fn sent(&mut self, now: Duration) {
        self.sending = false;
        match self.phase {
            Phase::Starting => self.open(now),
            Phase::Open => {
                self.until = self.alive_until(now);
                self.go_on(now);
            }
            Phase::Closing(_) => self.until = now.saturating_add(self.setup.timeouts.drain),
            _ => {}
        }
    }

    /// Sends the next fragment, or says End if it is time.
    fn go_on(&mut self, now: Duration) {
        if self.phase != Phase::Open || self.sending {
            return;
        }
        let mut fragment = self.fragments.as_mut().and_then(Iterator::next);
        while fragment.is_none()
            && let Some(message) = self.outgoing.pop_front()
        {
            fragment = self.fragments.insert(Fragments::new(message, self.room)).next();
        }
        match fragment {
            Some(fragment) => {
                let characteristic = match self.setup.gatt {
                    Gatt::Client => Characteristic::Client2Server,
                    Gatt::Server => Characteristic::Server2Client,
                };
                self.put(characteristic, fragment);
            }
            None if self.ending => {
                self.put(Characteristic::State, vec![State::End.byte()]);
                self.close(Ending::ByUs, now);
            }
            None => {}
        }
    }

    fn lost(&mut self, peer: Peer) {
        if self.peer != Some(peer) {
            self.candidates.remove(&peer);
            return;
        }
        let owing = self.sending || self.fragments.as_ref().is_some_and(Fragments::is_unfinished);
        let ending = match self.phase {
            Phase::Closing(ending) => ending,
            Phase::Open => match self.joiner.take_whole(&self.setup.limits) {
                Some(message) => {
                    self.note(Oddity::UnfinishedMessage);
                    self.actions.push_back(Action::Message(message));
                    Ending::Disconnected
                }
                None if self.joiner.is_within() || owing || !self.outgoing.is_empty() => Ending::Lost,
                None => Ending::Disconnected,
            },
            _ => Ending::LostBeforeStart,
        };
        self.peer = None;
        self.over(ending);
    }

    /// What the time says.
    fn look_at(&mut self, now: Duration) {
        if self.pause.is_some_and(|pause| pause <= now) {
            self.pause = None;
            if let Some(message) = self.joiner.take_whole(&self.setup.limits) {
                self.note(Oddity::UnfinishedMessage);
                self.actions.push_back(Action::Message(message));
            }
        }
        if now < self.until {
            return;
        }
        match self.phase {
            Phase::Seeking => self.over(Ending::NoPeer),
            Phase::Waiting if self.candidates.is_empty() => self.over(Ending::NoPeer),
            Phase::Identifying | Phase::Subscribing(_) | Phase::Starting | Phase::Waiting => {
                self.over(Ending::NotSetUp);
            }
            Phase::Open => self.over(Ending::Idle),
            Phase::Closing(ending) => self.over(ending),
            Phase::Over => {}
        }
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
        self.outgoing.clear();
        self.fragments = None;
    }
}
