//! What each side may say of a schedule.

use mdoc_core::ble::Service;
use mdoc_core::ble::frame::Room;
use mdoc_core::ble::link::Bearer;
use mdoc_holder::present::Modes;
use mdoc_radio::shape::Shape;

use super::{Mood, Schedule};

pub(super) const OK: &str = "ok";
const MALFORMED: &str = "session.malformed";
/// The wallet says that it was asked something that does not decode.
const TOLD_SO: &str = "session.peer-decoding-error";

impl Schedule {
    /// What the reader may say, in the order of what comes first: `OK` or the code of an error. One alone wherever the
    /// faults determine it. `lengths` are those of the request's message and of the answer's.
    pub(super) fn outcomes(&self, lengths: [usize; 2]) -> Vec<&'static str> {
        let [request, answer] = self.fragments(lengths);
        let end = match self.mood {
            Mood::No => "session.peer-termination",
            Mood::Yes | Mood::Slow(_) => OK,
        };
        match (self.is_rough(), self.is_lossy(), self.modes, self.bearer()) {
            (false, ..) => vec![end],
            (true, false, ..) => self.twice(request, answer, end),
            (true, true, Modes::Only(service), Bearer::Gatt) if !self.is_twofold() => {
                match (self.holder.lost_after, self.reader.lost_after) {
                    (None, Some(after)) => vec![reader_lost(after, service, request, answer, end)],
                    (Some(after), None) => holder_lost(after, request, answer, end),
                    _ => lost(end),
                }
            }
            _ if self.is_twofold() => [&lost(end)[..], &[MALFORMED, TOLD_SO]].concat(),
            _ => lost(end),
        }
    }

    /// What the wallet may say of a schedule over GATT in one mode; none if that is not said of this one.
    pub(super) fn held(&self, lengths: [usize; 2]) -> Option<Vec<&'static str>> {
        let [request, answer] = self.fragments(lengths);
        let (Modes::Only(service), Bearer::Gatt) = (self.modes, self.bearer()) else {
            return None;
        };
        Some(match (self.holder.lost_after, self.reader.lost_after) {
            (None, None) => self.held_twice(request, answer),
            _ if self.is_twofold() => [&held_lost()[..], &[MALFORMED, TOLD_SO]].concat(),
            (Some(after), None) => held_holder_lost(after, service, request, answer, self.mood),
            (None, Some(after)) => held_reader_lost(after, request, answer, self.mood),
            _ => held_lost(),
        })
    }

    fn fragments(&self, lengths: [usize; 2]) -> [u32; 2] {
        lengths.map(|length| {
            let room = Room::of_mtu(self.mtu).bytes() - 1;
            u32::try_from(length.div_ceil(room)).unwrap()
        })
    }

    /// As [`Schedule::twice`], for the wallet.
    fn held_twice(&self, request: u32, answer: u32) -> Vec<&'static str> {
        let told = self.twice(request, answer, OK);
        told.into_iter()
            .map(|said| match said {
                TOLD_SO => MALFORMED,
                MALFORMED => TOLD_SO,
                said => said,
            })
            .collect()
    }

    /// Values come twice, and nothing is lost. Each end counts Start first, then the request's fragments, then the
    /// answer's. One that is not the last makes its message longer than it says; the last one is another message.
    fn twice(&self, request: u32, answer: u32, end: &'static str) -> Vec<&'static str> {
        let doubled = |shape: Shape, at: u32| shape.twice.is_some_and(|every| at.is_multiple_of(every));
        let within = (1..request).any(|at| doubled(self.holder, 1 + at));
        let heard = (1..answer).any(|at| doubled(self.reader, 1 + request + at));
        let read = if heard { MALFORMED } else { end };
        match self.mood {
            _ if within => vec![TOLD_SO],
            _ if !doubled(self.holder, 1 + request) => vec![read],
            // While the holder thinks.
            Mood::Slow(wait) if !wait.is_zero() => vec![TOLD_SO],
            // As soon as the request is there, and so is the answer.
            _ => vec![read, TOLD_SO],
        }
    }
}

/// The reader's end loses the connection after so many values, over GATT in this mode: Start, the request's fragments,
/// those of the answer.
fn reader_lost(after: u32, service: Service, request: u32, answer: u32, end: &'static str) -> &'static str {
    match (after, service) {
        // It goes there again, and in vain; who is sought is not told of it.
        (0, Service::Mdoc) => "link.lost-before-start",
        (0, Service::Reader) => "link.no-peer",
        _ if after == 1 + request => "link.disconnected",
        _ if after < 1 + request + answer => "link.lost",
        _ => end,
    }
}

/// The wallet's end does.
fn holder_lost(after: u32, request: u32, answer: u32, end: &'static str) -> Vec<&'static str> {
    match after {
        0 => vec!["link.no-peer"],
        // Whether the reader has got rid of its fragments when it hears of it, or of its Start, is a matter of luck.
        _ if after <= request => vec!["link.lost", "link.disconnected", "link.no-peer"],
        _ if after == 1 + request => vec!["link.disconnected"],
        _ if after < 1 + request + answer => vec!["link.lost"],
        _ => vec![end],
    }
}

/// One of the two ends does, in one of the ways or over a channel, which has no values to count.
fn lost(end: &'static str) -> Vec<&'static str> {
    vec![
        end,
        "link.lost",
        "link.disconnected",
        "link.lost-before-start",
        "link.no-peer",
        "link.not-set-up",
    ]
}

/// What the wallet says if its own end loses the connection.
fn held_holder_lost(
    after: u32,
    service: Service,
    request: u32,
    answer: u32,
    mood: Mood,
) -> Vec<&'static str> {
    match (after, service) {
        // A server goes on waiting; a client goes there again, and in vain.
        (0, Service::Mdoc) => vec!["link.no-peer"],
        (0, Service::Reader) => vec!["link.lost-before-start"],
        (1, _) => vec!["link.disconnected"],
        _ if after <= request => vec!["link.lost"],
        _ => held_answer_lost(after, request, answer, mood),
    }
}

/// What it says if the reader's end does. The reader's last value has not come then, or has.
fn held_reader_lost(after: u32, request: u32, answer: u32, mood: Mood) -> Vec<&'static str> {
    match after {
        0 => vec!["link.no-peer", "link.lost-before-start"],
        1 => vec!["link.disconnected"],
        _ if after <= request => vec!["link.lost"],
        // What is on its way is taken for what has come.
        _ if after > 1 + request && after < 1 + request + answer => vec!["link.lost", OK],
        _ => held_answer_lost(after, request, answer, mood),
    }
}

/// All of the request has come.
fn held_answer_lost(after: u32, request: u32, answer: u32, mood: Mood) -> Vec<&'static str> {
    match mood {
        _ if after >= 1 + request + answer => vec![OK],
        // Who declines has declined, whoever hears it.
        Mood::No if after > 1 + request => vec![OK],
        Mood::No => vec!["link.disconnected", OK],
        _ if after == 1 + request => vec!["link.disconnected", "link.lost"],
        _ => vec!["link.lost"],
    }
}

/// What it says if either does.
fn held_lost() -> Vec<&'static str> {
    lost(OK)
}
