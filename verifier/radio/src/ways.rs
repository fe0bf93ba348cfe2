//! Several ways to the same peer, one after the other.

use core::pin::{Pin, pin};
use core::time::Duration;
use std::collections::VecDeque;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use mdoc_core::ble::Service;
use mdoc_core::ble::link::{Ending, Gatt, Role, Setup, Timeouts};
use mdoc_core::limits::Limits;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::{Air, Channel, Event, Fault, Interrupted, Offer, Wire};

/// One way to the peer.
#[derive(Debug, Clone, Copy)]
pub struct Way {
    /// How the mdoc said that it can be reached.
    pub offer: Offer,
    /// Our end of the link.
    pub setup: Setup,
}

impl Way {
    /// Our end of what was offered.
    #[must_use]
    pub const fn new(role: Role, offer: &Offer, timeouts: Timeouts, limits: Limits) -> Self {
        let gatt = match (role, offer.service) {
            (Role::Mdoc, Service::Mdoc) | (Role::Reader, Service::Reader) => Gatt::Server,
            (Role::Mdoc, Service::Reader) | (Role::Reader, Service::Mdoc) => Gatt::Client,
        };
        Self {
            offer: *offer,
            setup: Setup {
                role,
                gatt,
                ident: offer.ident,
                l2cap: !matches!(offer.channel, Channel::No),
                timeouts,
                limits,
            },
        }
    }
}

/// A way that did not lead there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missed {
    /// Who was to be the server.
    pub service: Service,
    /// How it ended.
    pub ending: Ending,
    /// What kept the radio from it.
    pub fault: Option<Fault>,
    /// What the radio had to say.
    pub warnings: Vec<String>,
}

/// Goes the first way, and each further one when the one before has failed, or has taken `patience`; the first that
/// leads there is kept, and the others are let go. For a reader it leads there when it is open, for an mdoc when the
/// reader has spoken.
///
/// # Errors
/// [`Missed`] for every way if none leads there.
pub async fn first_ready(
    air: &dyn Air,
    ways: &[Way],
    patience: Duration,
) -> Result<(Service, Wire), Vec<Missed>> {
    let found = first(air, ways, patience, pin!(core::future::pending())).await;
    found.map_err(Option::unwrap_or_default)
}

/// As [`first_ready`], unless `stop` comes first: then all ways are ended, whoever is there is told, and the radios have let go.
///
/// # Errors
/// [`Interrupted::NotReached`] if no way leads there, and [`Ending::ByUs`] if it was stopped.
pub async fn first_ready_until(
    air: &dyn Air,
    ways: &[Way],
    patience: Duration,
    stop: impl Future<Output = ()>,
) -> Result<(Service, Wire), Interrupted> {
    let found = first(air, ways, patience, pin!(stop)).await;
    found.map_err(|missed| missed.map_or(Interrupted::Link(Ending::ByUs, None), Interrupted::NotReached))
}

/// The first way that leads there; none is missed if it was stopped.
async fn first(
    air: &dyn Air,
    ways: &[Way],
    patience: Duration,
    mut stop: Pin<&mut impl Future<Output = ()>>,
) -> Result<(Service, Wire), Option<Vec<Missed>>> {
    let mut waiting: VecDeque<&Way> = ways.iter().collect();
    let mut going = FuturesUnordered::new();
    let mut missed = Vec::new();
    let stopped = watch::Sender::new(false);
    let mut next = |going: &mut FuturesUnordered<_>| {
        let way = waiting.pop_front();
        going.extend(way.map(|way| go(air, way, stopped.subscribe())));
        !waiting.is_empty()
    };
    let mut more = next(&mut going);
    let mut late = Box::pin(tokio::time::sleep(patience));
    loop {
        tokio::select! {
            biased;
            () = &mut stop => break,
            gone = going.next() => match gone {
                Some(Ok(found)) => return Ok(found),
                Some(Err(one)) => {
                    missed.push(one);
                    more = next(&mut going);
                }
                None if !more => return Err(Some(missed)),
                None => {}
            },
            () = &mut late, if more => {
                more = next(&mut going);
                late.as_mut().reset(Instant::now() + patience);
            }
        }
    }
    stopped.send_replace(true);
    while let Some(gone) = going.next().await {
        if let Ok((_, wire)) = gone {
            wire.finish().await;
        }
    }
    Err(None)
}

type Going<'a> = Pin<Box<dyn Future<Output = Result<(Service, Wire), Missed>> + Send + 'a>>;

/// How often a client that lost its server before anything was said goes the same way again, and then without L2CAP.
const TRIES: u32 = 3;

fn go<'a>(air: &'a dyn Air, way: &'a Way, mut stopped: watch::Receiver<bool>) -> Going<'a> {
    Box::pin(async move {
        let (mut tried, mut way) = (1, *way);
        loop {
            let gone = go_once(air, &way, &mut stopped).await;
            match &gone {
                Err(missed) if missed.ending == Ending::LostBeforeStart && tried < TRIES => tried += 1,
                _ => return gone,
            }
            if way.setup.gatt == Gatt::Client {
                way.setup.l2cap = false;
                way.offer.channel = Channel::No;
            }
        }
    })
}

async fn go_once(
    air: &dyn Air,
    way: &Way,
    stopped: &mut watch::Receiver<bool>,
) -> Result<(Service, Wire), Missed> {
    let service = way.offer.service;
    let mut wire = Wire::new(way.setup, air.radio(way.setup.gatt, &way.offer));
    let (mut early, mut open) = (VecDeque::new(), false);
    loop {
        let event = tokio::select! {
            biased;
            () = told(stopped) => Event::Over(wire.end_and_wait().await),
            event = wire.next() => event,
        };
        match event {
            Event::Ready => open = true,
            Event::Message(message) => early.push_back(message),
            Event::Over(ending) => {
                let missed = Missed {
                    service,
                    ending,
                    fault: wire.fault().cloned(),
                    warnings: wire.warnings().to_vec(),
                };
                // What closes the connection and forgets the device would do so to the next try.
                wire.close().await;
                return Err(missed);
            }
        }
        // The reader speaks first, and only the way that it took: of two that are open, an mdoc cannot know which.
        if open && (way.setup.role == Role::Reader || !early.is_empty()) {
            wire.put_back(early);
            return Ok((service, wire));
        }
    }
}

/// Until it is to stop.
async fn told(stopped: &mut watch::Receiver<bool>) {
    if stopped.wait_for(|stopped| *stopped).await.is_err() {
        core::future::pending().await
    }
}
