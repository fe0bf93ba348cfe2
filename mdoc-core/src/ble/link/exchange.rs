//! While messages go: what comes, what goes, and what it means that the peer is gone.

use core::time::Duration;

use super::{
    Action, Bearer, Characteristic, Ending, Gatt, Going, Link, Oddity, Peer, Phase, State, Timeouts,
};
use crate::ble::frame::Fragments;
use crate::ble::l2cap::{Came, Pieces};

impl Going {
    const fn is_unfinished(&self) -> bool {
        match self {
            Self::Fragments(fragments) => fragments.is_unfinished(),
            Self::Pieces(pieces) => pieces.is_unfinished(),
        }
    }
}

impl Iterator for Going {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        match self {
            Self::Fragments(fragments) => fragments.next(),
            Self::Pieces(pieces) => pieces.next(),
        }
    }
}

impl Link {
    pub(super) fn value(&mut self, peer: Peer, characteristic: Characteristic, value: &[u8], now: Duration) {
        // Others than whom the transaction is with have no say in it.
        if self.peer.is_some_and(|bound| bound != peer) || matches!(self.phase, Phase::Closing(_)) {
            return;
        }
        match (characteristic, self.setup.gatt) {
            (Characteristic::State, _) => self.state(peer, value, now),
            _ if self.bearer == Bearer::L2cap => {}
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

    pub(super) fn state(&mut self, peer: Peer, value: &[u8], now: Duration) {
        match (State::of(value), self.setup.gatt) {
            (Some(State::Start), Gatt::Server) => {
                if self.phase == Phase::Waiting && self.peer.is_none() {
                    self.bind(peer, now);
                }
            }
            (Some(State::Start), Gatt::Client) => self.note(Oddity::Start),
            (Some(State::End), Gatt::Client) => self.ended_by_peer(now),
            (Some(State::End), Gatt::Server) => {
                // Somebody who goes before it has begun is not whom we wait for.
                if self.peer == Some(peer) {
                    self.ended_by_peer(now);
                }
            }
            (None, _) => self.note(Oddity::UnknownState),
        }
    }

    pub(super) fn fragment(&mut self, value: &[u8], now: Duration) {
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

    /// What comes over a channel.
    pub(super) fn bytes(&mut self, peer: Peer, bytes: &[u8], now: Duration) {
        let has_channel = |candidate: &super::Candidate| candidate.channel;
        if self.phase == Phase::Waiting
            && self.peer.is_none_or(|bound| bound == peer)
            && self.candidates.get(&peer).is_some_and(has_channel)
        {
            self.bind_over_channel(peer, now);
        }
        if self.phase != Phase::Open || self.bearer != Bearer::L2cap || self.peer != Some(peer) {
            return;
        }
        self.splitter.push(bytes);
        while self.phase == Phase::Open {
            match self.splitter.next(&self.setup.limits) {
                Ok(Some(Came::Message(message))) => self.actions.push_back(Action::Message(message)),
                // It comes between two messages; what may follow it is none.
                Ok(Some(Came::End)) => self.over_by_peer(false, now),
                Ok(None) => {
                    self.until = self.alive_until(now);
                    return;
                }
                Err(error) => self.over(Ending::Frame(error)),
            }
        }
    }

    /// It is the client that disconnects. Whoever says End within a message, theirs or ours, has not said that they do not
    /// want to: they have broken off.
    fn ended_by_peer(&mut self, now: Duration) {
        let within = !self.take_unfinished() && self.is_receiving();
        self.over_by_peer(within, now);
    }

    fn over_by_peer(&mut self, within: bool, now: Duration) {
        // Who is ending it as well owes nothing.
        let owing = self.ending.is_none() && self.is_owing();
        let ending = if self.phase == Phase::Open && (within || owing) {
            Ending::Lost
        } else {
            Ending::ByPeer
        };
        match self.setup.gatt {
            Gatt::Client => self.over(ending),
            Gatt::Server => self.close(ending, now),
        }
    }

    /// Whether something of ours has not gone.
    fn is_owing(&self) -> bool {
        self.sending || self.going.as_ref().is_some_and(Going::is_unfinished) || !self.outgoing.is_empty()
    }

    /// Whether a message has begun to come and has not ended.
    #[must_use]
    pub const fn is_receiving(&self) -> bool {
        self.joiner.is_within() || self.splitter.is_within()
    }

    /// When something has to have come or gone again.
    pub(super) fn alive_until(&self, now: Duration) -> Duration {
        let Timeouts { idle, stall, .. } = self.setup.timeouts;
        let until = now.saturating_add(if self.is_receiving() { stall } else { idle });
        self.ending.map_or(until, |latest| latest.min(until))
    }

    pub(super) fn put(&mut self, characteristic: Characteristic, value: Vec<u8>) {
        if let Some(peer) = self.peer {
            self.sending = true;
            self.actions.push_back(Action::Put(peer, characteristic, value));
        }
    }

    pub(super) fn sent(&mut self, now: Duration) {
        self.sending = false;
        match self.phase {
            Phase::Starting => self.open(now),
            Phase::Open => {
                if let Some(latest) = &mut self.ending {
                    *latest = now.saturating_add(self.setup.timeouts.last_words);
                }
                self.until = self.alive_until(now);
                self.go_on(now);
            }
            Phase::Closing(_) => self.until = now.saturating_add(self.setup.timeouts.drain),
            _ => {}
        }
    }

    /// Sends what is next, or says End if it is time: a channel has no State, there the session says so.
    pub(super) fn go_on(&mut self, now: Duration) {
        if self.phase != Phase::Open || self.sending {
            return;
        }
        let mut part = self.going.as_mut().and_then(Iterator::next);
        while part.is_none()
            && let Some(message) = self.outgoing.pop_front()
        {
            let going = match self.bearer {
                Bearer::Gatt => Going::Fragments(Fragments::new(message, self.room)),
                Bearer::L2cap => Going::Pieces(Pieces::new(&message)),
            };
            part = self.going.insert(going).next();
        }
        match (part, self.bearer, self.peer) {
            (Some(piece), Bearer::L2cap, Some(peer)) => {
                self.sending = true;
                self.actions.push_back(Action::Send(peer, piece));
            }
            (Some(fragment), ..) => {
                let characteristic = match self.setup.gatt {
                    Gatt::Client => Characteristic::Client2Server,
                    Gatt::Server => Characteristic::Server2Client,
                };
                self.put(characteristic, fragment);
            }
            (None, bearer, _) if self.ending.is_some() => {
                if bearer == Bearer::Gatt {
                    self.put(Characteristic::State, vec![State::End.byte()]);
                }
                self.close(Ending::ByUs, now);
            }
            (None, ..) => {}
        }
    }

    pub(super) fn lost(&mut self, peer: Peer) {
        if self.peer != Some(peer) {
            self.candidates.remove(&peer);
            return;
        }
        let owing = self.is_owing();
        let whole = self.phase == Phase::Open && self.take_unfinished();
        let ending = match self.phase {
            Phase::Closing(ending) => ending,
            Phase::Open if whole => Ending::Disconnected,
            Phase::Open if self.is_receiving() || owing => Ending::Lost,
            Phase::Open => Ending::Disconnected,
            _ => Ending::LostBeforeStart,
        };
        self.peer = None;
        self.over(ending);
    }
}
