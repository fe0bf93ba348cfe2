//! Two ways over one connection, as between two adapters.

use std::sync::Arc;

use mdoc_core::ble::link::{Action, Input};
use tokio::sync::watch;

use super::*;
use crate::Station;
use crate::connections::{Connections, Left};

const PEER: [u8; 6] = [1, 2, 3, 4, 5, 6];

#[test]
fn only_the_last_way_that_lets_go_closes_and_forgets() {
    let connections = Connections::default();
    connections.join(PEER, true);
    connections.join(PEER, false);
    connections.join([0; 6], false);
    let left = |last, found| Left { last, found };
    assert_eq!(connections.leave(PEER), left(false, false));
    assert_eq!(connections.leave(PEER), left(true, true));
    assert_eq!(connections.leave([0; 6]), left(true, false));
    connections.join(PEER, false);
    assert_eq!(
        connections.leave(PEER),
        left(true, false),
        "nothing is remembered"
    );
}

/// One of two adapters between which there is one connection, whichever side began it.
#[derive(Clone)]
struct Adapter {
    air: Memory,
    connections: Connections,
    /// How often the connection was closed, by either side.
    closed: Arc<watch::Sender<u32>>,
    /// The way that takes a second for a subscription.
    slow: Service,
}

impl Air for Adapter {
    fn radio(&self, gatt: Gatt, offer: &Offer) -> Radio {
        let (radio, station) = Radio::new();
        let inner = self.air.radio(gatt, offer);
        let pause = Duration::from_secs(u64::from(offer.service == self.slow && gatt == Gatt::Client));
        tokio::spawn(self.clone().relay(inner, station, pause));
        radio
    }
}

impl Adapter {
    /// Until the way is let go, the peer has closed it, or the connection is closed below it.
    async fn relay(self, mut inner: Radio, mut station: Station, pause: Duration) {
        let mut closed = self.closed.subscribe();
        let mut with = None;
        loop {
            tokio::select! {
                biased;
                Ok(()) = closed.changed(), if with.is_some() => {
                    let peer = with.unwrap();
                    station.tell(Input::Lost { peer });
                    break;
                }
                happened = inner.happened() => match happened {
                    Some(Happened::Input(input)) => {
                        if let Input::Connected { peer, .. } = input {
                            closed.mark_unchanged();
                            self.connections.join(PEER, false);
                            with = Some(peer);
                        }
                        station.tell(input);
                    }
                    Some(_) => {}
                    None => break,
                },
                action = station.action() => match action {
                    Some(Action::Disconnect(_)) | None => break,
                    Some(action) => {
                        if matches!(action, Action::Subscribe(_)) {
                            tokio::time::sleep(pause).await;
                        }
                        inner.act(action);
                    }
                },
            }
        }
        if with.is_some() && self.connections.leave(PEER).last {
            self.closed.send_modify(|closed| *closed += 1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn letting_go_of_one_way_leaves_the_other_its_connection() {
    for (slow, quick) in [(Service::Mdoc, Service::Reader), (Service::Reader, Service::Mdoc)] {
        let mdoc = Adapter {
            air: Memory::new(185),
            connections: Connections::default(),
            closed: Arc::new(watch::Sender::new(0)),
            slow,
        };
        let reader = Adapter {
            connections: Connections::default(),
            ..mdoc.clone()
        };
        let closed = Arc::clone(&mdoc.closed);
        let holder = async {
            let ways = both(Role::Mdoc);
            let (service, mut wire) = first_ready(&mdoc, &ways, Duration::ZERO).await.unwrap();
            assert_eq!(message(&mut wire).await, Ok(vec![1]));
            // By now both sides have let go of the other way.
            tokio::time::sleep(Duration::from_secs(5)).await;
            wire.send(vec![7; 4_000]);
            let ending = over(&mut wire).await;
            wire.close().await;
            (service, ending)
        };
        let verifier = async {
            let ways = both(Role::Reader);
            let (service, mut wire) = first_ready(&reader, &ways, Duration::ZERO).await.unwrap();
            wire.send(vec![1]);
            let answer = message(&mut wire).await;
            let before = *closed.borrow();
            wire.finish().await;
            (service, answer, before)
        };
        let (held, read) = tokio::join!(holder, verifier);
        assert_eq!(held, (quick, Ending::ByPeer));
        assert_eq!(read, (quick, Ok(vec![7; 4_000]), 0));
        assert_ne!(*closed.borrow(), 0, "whoever is last closes it");
    }
}
