//! Until messages can go: whom it is with, and over what.

use core::time::Duration;

use super::{
    Action, Bearer, Candidate, Characteristic, Ending, Link, MOST_CANDIDATES, Peer, Phase, Role, Room, State,
};
use crate::crypto::equal_in_constant_time;

impl Link {
    pub(super) fn connected(&mut self, peer: Peer, room: Room, now: Duration) {
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
                    Role::Reader => self.ask_for_channel(),
                }
            }
            Phase::Waiting => {
                self.candidate(peer).room = room;
                self.wait_for_newcomer(now);
            }
            _ => {}
        }
    }

    /// Whoever comes late has the time that it takes; but many that come and do nothing do not keep us for ever.
    fn wait_for_newcomer(&mut self, now: Duration) {
        let until = now.saturating_add(self.setup.timeouts.setup).min(self.latest);
        self.until = self.until.max(until);
    }

    /// The peer among those that are connected.
    pub(super) fn candidate(&mut self, peer: Peer) -> &mut Candidate {
        if self.candidates.len() >= MOST_CANDIDATES && !self.candidates.contains_key(&peer) {
            self.candidates.pop_first();
        }
        self.candidates.entry(peer).or_insert(Candidate {
            room: Room::of_mtu(0),
            subscribed: false,
            channel: false,
        })
    }

    /// Client: a channel if it is wanted, otherwise on with GATT.
    fn ask_for_channel(&mut self) {
        if self.setup.l2cap {
            self.phase = Phase::Opening;
            self.actions.push_back(Action::OpenChannel);
        } else {
            self.subscribe(Characteristic::State);
        }
    }

    /// A channel is there: the one that we asked for, or a client's.
    pub(super) fn channel(&mut self, peer: Peer, now: Duration) {
        let reader = self.setup.role == Role::Reader;
        match self.phase {
            Phase::Opening => self.open_over_channel(now),
            // The engagement says its number, so that nothing has to be asked; an mdoc has yet to see whom it has found.
            Phase::Seeking if reader && self.setup.l2cap => {
                self.peer = Some(peer);
                self.open_over_channel(now);
            }
            Phase::Waiting if self.setup.l2cap && self.peer.is_none_or(|bound| bound == peer) => {
                self.candidate(peer).channel = true;
                self.wait_for_newcomer(now);
                if reader {
                    self.bind_over_channel(peer, now);
                }
            }
            _ if self.peer != Some(peer) => self.actions.push_back(Action::Disconnect(peer)),
            _ => {}
        }
    }

    /// Client: there is none to be had, and GATT has as long as if none had been asked for.
    pub(super) fn no_channel(&mut self, now: Duration) {
        if self.phase == Phase::Opening {
            self.until = now.saturating_add(self.setup.timeouts.setup);
            self.subscribe(Characteristic::State);
        }
    }

    /// Server: from now on it is with this one, over its channel.
    pub(super) fn bind_over_channel(&mut self, peer: Peer, now: Duration) {
        self.peer = Some(peer);
        self.actions.push_back(Action::StopAdvertising);
        self.open_over_channel(now);
    }

    fn open_over_channel(&mut self, now: Duration) {
        self.bearer = Bearer::L2cap;
        self.open(now);
    }

    pub(super) fn resized(&mut self, peer: Peer, room: Room) {
        if self.phase == Phase::Waiting {
            self.candidate(peer).room = room;
        }
        if self.peer == Some(peer) {
            self.room = room;
        }
    }

    pub(super) fn identified(&mut self, ident: Option<&[u8]>) {
        if self.phase != Phase::Identifying {
            return;
        }
        if ident.is_some_and(|ident| equal_in_constant_time(ident, &self.setup.ident)) {
            self.ask_for_channel();
        } else {
            self.over(Ending::WrongIdent);
        }
    }

    pub(super) fn subscribe(&mut self, characteristic: Characteristic) {
        self.phase = Phase::Subscribing(characteristic);
        self.actions.push_back(Action::Subscribe(characteristic));
    }

    pub(super) fn subscribed(&mut self, peer: Peer, characteristic: Characteristic, now: Duration) {
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

    /// Server: from now on it is with this one.
    pub(super) fn bind(&mut self, peer: Peer, now: Duration) {
        self.peer = Some(peer);
        self.room = self.candidate(peer).room;
        self.until = now.saturating_add(self.setup.timeouts.setup);
        self.actions.push_back(Action::StopAdvertising);
        self.open_if_bound(now);
    }

    pub(super) fn open_if_bound(&mut self, now: Duration) {
        let bound = self.peer.and_then(|peer| self.candidates.get(&peer));
        if bound.is_some_and(|candidate| candidate.subscribed) {
            self.open(now);
        }
    }

    pub(super) fn open(&mut self, now: Duration) {
        self.phase = Phase::Open;
        self.until = now.saturating_add(self.setup.timeouts.idle);
        self.actions.push_back(Action::Ready);
        self.go_on(now);
    }
}
