//! A client that lost its server before anything was said, and one that is told to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use mdoc_core::ble::link::{Action, Input, Peer};

use super::*;

/// An air whose first radios lose their peer as soon as it is found.
struct Weak {
    air: Memory,
    left: AtomicU32,
}

impl Air for Weak {
    fn radio(&self, gatt: Gatt, offer: &Offer) -> Radio {
        let radio = self.air.radio(gatt, offer);
        let weak = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
            .is_ok();
        let shape = Shape {
            lost_after: weak.then_some(0),
            ..Shape::default()
        };
        shaped(radio, shape, ChaCha20Rng::from_seed([5; 32]))
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_lost_before_start_is_tried_again() {
    for (weak, reached) in [(2, true), (3, false)] {
        let air = Weak {
            air: Memory::new(517),
            left: weak.into(),
        };
        let mut mdoc = wire(&air.air, Role::Mdoc, Service::Mdoc);
        let ways = [way(Role::Reader, Service::Mdoc)];
        let found = async {
            let found = first_ready(&air, &ways, Duration::ZERO).await;
            let Ok((_, mut reader)) = found else { return false };
            reader.send(vec![5]);
            reader.end_and_wait().await == Ending::ByUs
        };
        let holder = async {
            let _asked = message(&mut mdoc).await;
        };
        let (found, ()) = tokio::join!(found, holder);
        assert_eq!(found, reached, "{weak}");
    }
}

/// An air whose radios lose their peer as soon as it is found, and take their time to let go of it.
struct Slow {
    lets_go: Duration,
    /// How many have not let go.
    held: Arc<AtomicU32>,
    /// How many there were.
    made: AtomicU32,
}

impl Air for Slow {
    fn radio(&self, _: Gatt, _: &Offer) -> Radio {
        assert_eq!(
            self.held.fetch_add(1, Ordering::Relaxed),
            0,
            "the one before has not let go"
        );
        self.made.fetch_add(1, Ordering::Relaxed);
        let (radio, mut station) = Radio::new();
        let (held, lets_go) = (Arc::clone(&self.held), self.lets_go);
        tokio::spawn(async move {
            assert_eq!(station.action().await, Some(Action::Seek));
            let (peer, room) = (Peer(0), mdoc_core::ble::frame::Room::of_mtu(23));
            station.tell(Input::Connected { peer, room });
            station.tell(Input::Lost { peer });
            while station.action().await.is_some() {}
            tokio::time::sleep(lets_go).await;
            held.fetch_sub(1, Ordering::Relaxed);
            drop(station);
        });
        radio
    }
}

#[tokio::test(start_paused = true)]
async fn who_comes_again_has_let_go_before() {
    let air = Slow {
        lets_go: Duration::from_secs(3),
        held: Arc::default(),
        made: AtomicU32::new(0),
    };
    let began = Instant::now();
    let ways = [way(Role::Reader, Service::Mdoc)];
    let missed = first_ready(&air, &ways, Duration::ZERO).await.unwrap_err();
    assert_eq!(missed[0].ending, Ending::LostBeforeStart);
    let tries = air.made.load(Ordering::Relaxed);
    assert_eq!((tries, air.held.load(Ordering::Relaxed)), (3, 0));
    assert_eq!(began.elapsed().as_secs(), 9, "three tries, and each has let go");
}

#[tokio::test(start_paused = true)]
async fn who_is_told_to_stop_has_told_the_other_side_and_let_go() {
    let air = Memory::new(517);
    let began = Instant::now();
    let stop = || tokio::time::sleep(Duration::from_secs(7));
    let stopped = async |ways: &[Way]| {
        let found = first_ready_until(&air, ways, Duration::from_secs(1), stop()).await;
        assert_eq!(found.unwrap_err(), Interrupted::Link(Ending::ByUs, None));
    };
    // Nobody was there.
    stopped(&both(Role::Mdoc)).await;
    assert_eq!(began.elapsed().as_secs(), 7);
    // Somebody was, and has said nothing yet.
    let mut reader = wire(&air, Role::Reader, Service::Mdoc);
    let ways = [way(Role::Mdoc, Service::Mdoc)];
    let (ended, ()) = tokio::join!(over(&mut reader), stopped(&ways));
    assert_eq!(ended, Ending::ByPeer);
    // Nobody is served any more.
    let mut late = wire(&air, Role::Reader, Service::Mdoc);
    assert_eq!(over(&mut late).await, Ending::NoPeer);
}
