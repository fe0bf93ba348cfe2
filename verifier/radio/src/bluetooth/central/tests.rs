//! A peer that goes before the link knows of it.

use mdoc_core::ble::link::{Ending, Gatt, Role, Setup, Timeouts};
use mdoc_core::limits::Limits;

use super::*;
use crate::{Event, Radio, Wire};

#[test]
fn what_says_that_the_peer_is_gone_is_no_fault_of_the_radio() {
    let of = |error: btleplug::Error, gone| NotJoined::of("reading the services", &error, gone);
    let other = || btleplug::Error::Other("Method \"GetAll\" failed".into());
    for gone in [true, false] {
        assert_eq!(of(btleplug::Error::NotConnected, gone), NotJoined::Lost);
        assert_eq!(of(btleplug::Error::DeviceNotFound, gone), NotJoined::Lost);
        assert_eq!(
            of(btleplug::Error::TimedOut(BETWEEN_TRIES), gone),
            NotJoined::Lost
        );
        assert_eq!(
            of(btleplug::Error::PermissionDenied, gone),
            NotJoined::Fault(Fault::NotPermitted)
        );
    }
    assert_eq!(of(other(), true), NotJoined::Lost);
    assert!(matches!(
        of(other(), false),
        NotJoined::Fault(Fault::Failed { .. })
    ));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_goes_while_its_services_are_read_is_lost_before_start() {
    for role in [Role::Mdoc, Role::Reader] {
        let (radio, mut station) = Radio::new();
        let mut wire = Wire::new(
            Setup {
                role,
                gatt: Gatt::Client,
                ident: [9; 16],
                l2cap: false,
                timeouts: Timeouts::default(),
                limits: Limits::DEFAULT,
            },
            radio,
        );
        let gone = async {
            assert_eq!(station.action().await, Some(Action::Seek));
            lost(&station);
            drop(station);
        };
        let (next, ()) = tokio::join!(wire.next(), gone);
        assert_eq!(next, Event::Over(Ending::LostBeforeStart));
    }
}
