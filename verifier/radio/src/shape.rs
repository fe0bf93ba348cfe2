//! What goes wrong in a real air, put in front of any radio: delay, loss, and what comes twice.

use core::time::Duration;
use std::collections::VecDeque;

use mdoc_core::ble::link::{Input, Peer};
use rand_core::Rng;
use tokio::time::Instant;

use crate::{Happened, Radio, Station};

/// What goes wrong, for one end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shape {
    /// Until the peer is found.
    pub found: Duration,
    /// Everything that happens is late by up to this; the order stays.
    pub delay: Duration,
    /// Every value, or piece of a channel, that comes takes this long on the air, one after the other.
    pub pace: Duration,
    /// The connection is lost after so many values have come or gone; after none, as soon as it is there.
    pub lost_after: Option<u32>,
    /// Every so-many-th value comes twice; not over a channel.
    pub twice: Option<u32>,
}

/// A radio to which all of that happens. It has to be made within a tokio runtime.
#[must_use]
pub fn shaped(radio: Radio, shape: Shape, rng: impl Rng + Send + 'static) -> Radio {
    let (outer, station) = Radio::new();
    tokio::spawn(run(radio, station, shape, rng));
    outer
}

async fn run(mut radio: Radio, mut station: Station, shape: Shape, mut rng: impl Rng) {
    let mut late: VecDeque<(Instant, Happened)> = VecDeque::new();
    let (mut last, mut values, mut peer) = (Instant::now(), 0, Peer(0));
    let teller = station.teller();
    let mut there = true;
    loop {
        let front = late.front().map(|(at, _)| *at);
        tokio::select! {
            biased;
            () = tokio::time::sleep_until(front.unwrap_or(last)), if front.is_some() => {
                if let Some((_, happened)) = late.pop_front() {
                    let _gone = teller.send(happened);
                }
            }
            action = station.action() => match action {
                Some(action) => radio.act(action),
                None => break,
            },
            happened = radio.happened(), if there => {
                let Some(happened) = happened else {
                    there = false;
                    continue;
                };
                let mut wait = random(&mut rng, shape.delay);
                match &happened {
                    Happened::Input(Input::Connected { peer: whom, .. }) => {
                        wait += shape.found;
                        peer = *whom;
                    }
                    Happened::Input(Input::Channel { peer: whom }) => peer = *whom,
                    _ => {}
                }
                if matches!(happened, Happened::Input(Input::Value { .. } | Input::Bytes { .. })) {
                    // The air is taken by what came before.
                    last = last.max(Instant::now()) + shape.pace;
                }
                last = last.max(Instant::now() + wait);
                let twice = match &happened {
                    Happened::Input(input @ Input::Value { .. }) => {
                        values += 1;
                        let again = shape.twice.is_some_and(|every| values % every.max(1) == 0);
                        again.then(|| input.clone())
                    }
                    // A channel has numbers of its own: what comes twice there is taken once.
                    Happened::Input(Input::Sent | Input::Bytes { .. }) => {
                        values += 1;
                        None
                    }
                    _ => None,
                };
                late.push_back((last, happened));
                late.extend(twice.map(|input| (last, Happened::Input(input))));
                if shape.lost_after.is_some_and(|after| values >= after) {
                    late.push_back((last, Happened::Input(Input::Lost { peer })));
                    there = false;
                    // The other end loses us as well.
                    radio = Radio::new().0;
                }
            }
        }
    }
    radio.close().await;
}

fn random(rng: &mut impl Rng, most: Duration) -> Duration {
    let most = u64::try_from(most.as_micros()).unwrap_or(u64::MAX);
    Duration::from_micros(rng.next_u64() % most.saturating_add(1))
}
