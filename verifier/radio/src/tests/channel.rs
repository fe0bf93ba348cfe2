//! Over a channel of L2CAP, and what is done where there is none.

use mdoc_core::ble::l2cap::Psm;
use mdoc_core::ble::link::{Action, Bearer, Input, Peer};

use super::*;
use crate::Listening;

/// An end that would use L2CAP as `channel` says.
fn over(air: &dyn Air, role: Role, service: Service, channel: Channel) -> Wire {
    let way = way(role, service, channel);
    Wire::new(way.setup, air.radio(way.setup.gatt, &way.offer))
}

fn way(role: Role, service: Service, channel: Channel) -> Way {
    let offer = Offer {
        channel,
        ..offer(service)
    };
    Way::new(role, &offer, Timeouts::default(), Limits::DEFAULT)
}

/// Exchanges in every combination of what both sides say of L2CAP; gives what they went over.
async fn bearer(air: &dyn Air, service: Service, mdoc: Channel, reader: Channel) -> (Bearer, Vec<String>) {
    let mut mdoc = over(air, Role::Mdoc, service, mdoc);
    let mut reader = over(air, Role::Reader, service, reader);
    let answer: Vec<u8> = (0..40_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let (got, ending) = exchange(&mut mdoc, &mut reader, &answer).await;
    assert_eq!(got.unwrap(), answer);
    let bearer = mdoc.bearer();
    assert_eq!(reader.bearer(), bearer);
    // There is no State on a channel: the session says when it is over.
    let expected = match bearer {
        Bearer::Gatt => Ending::ByPeer,
        Bearer::L2cap => Ending::Disconnected,
    };
    assert_eq!(ending, expected);
    let warnings = [mdoc.warnings(), reader.warnings()].concat();
    mdoc.close().await;
    reader.close().await;
    (bearer, warnings)
}

#[tokio::test(start_paused = true)]
async fn a_channel_is_used_where_both_sides_have_it_and_gatt_otherwise() {
    use Channel::{Any, Known, No};
    let air = Memory::new(185);
    let psm = Known(air.listen().await.unwrap());
    for (service, mdoc, reader, expected) in [
        (Service::Mdoc, Any, Any, Bearer::L2cap),
        (Service::Mdoc, psm, psm, Bearer::L2cap),
        (Service::Mdoc, psm, Any, Bearer::L2cap),
        (Service::Mdoc, No, Any, Bearer::Gatt),
        (Service::Mdoc, psm, No, Bearer::Gatt),
        (Service::Reader, Any, Any, Bearer::L2cap),
        (Service::Reader, No, Any, Bearer::Gatt),
        (Service::Reader, Any, No, Bearer::Gatt),
    ] {
        let (bearer, warnings) = bearer(&air, service, mdoc, reader).await;
        assert_eq!(bearer, expected, "{service}: {mdoc:?}, {reader:?}");
        assert!(warnings.is_empty(), "{warnings:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_number_that_is_wrong_is_asked_for_and_one_that_is_refused_is_done_without() {
    let air = Memory::new(517);
    let wrong = Channel::Known(Psm::LAST);
    let (over, _) = bearer(&air, Service::Mdoc, Channel::Any, wrong).await;
    assert_eq!(over, Bearer::L2cap, "the characteristic has the right one");
    let (over, _) = bearer(&air, Service::Mdoc, Channel::No, wrong).await;
    assert_eq!(over, Bearer::Gatt);
}

#[cfg(unix)]
#[tokio::test]
async fn a_folder_has_channels() {
    use crate::folder::Folder;
    let folder = std::env::temp_dir().join(format!("mdoc-radio-l2cap-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let air = Folder::new(folder.clone());
    let psm = Channel::Known(air.listen().await.unwrap());
    for (service, mdoc) in [(Service::Mdoc, psm), (Service::Reader, Channel::Any)] {
        let (over, warnings) = bearer(&air, service, mdoc, mdoc).await;
        assert_eq!((over, warnings.len()), (Bearer::L2cap, 0));
    }
    std::fs::remove_dir(&folder).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_channel_that_is_lost_half_way_is_told_at_both_ends() {
    for service in [Service::Mdoc, Service::Reader] {
        for lost_after in [1, 2, 5, 9] {
            let air = Memory::new(517);
            let mut mdoc = over(&air, Role::Mdoc, service, Channel::Any);
            let shape = Shape {
                lost_after: Some(lost_after),
                ..Shape::default()
            };
            let way = way(Role::Reader, service, Channel::Any);
            let radio = air.radio(way.setup.gatt, &way.offer);
            let radio = shaped(radio, shape, ChaCha20Rng::from_seed([3; 32]));
            let mut reader = Wire::new(way.setup, radio);
            let (got, ending) = exchange(&mut mdoc, &mut reader, &[7; 40_000]).await;
            let told = |ending: Ending| matches!(ending, Ending::Lost | Ending::Disconnected);
            assert!(got.is_err_and(told), "{service}, {lost_after}");
            assert!(told(ending), "{service}, {lost_after}: {ending:?}");
            assert_eq!((mdoc.bearer(), reader.bearer()), (Bearer::L2cap, Bearer::L2cap));
        }
    }
}

/// A reader that opens the channel of an mdoc and says these bytes.
async fn said(bytes: &[u8]) -> Ending {
    let air = Memory::new(517);
    let mut mdoc = over(&air, Role::Mdoc, Service::Mdoc, Channel::Any);
    let way = way(Role::Reader, Service::Mdoc, Channel::Known(Psm::FIRST));
    let mut radio = air.radio(Gatt::Client, &way.offer);
    radio.act(Action::Seek);
    let heard = async {
        let opened = radio.happened().await;
        assert!(matches!(opened, Some(Happened::Input(Input::Channel { .. }))));
        radio.act(Action::Send(Peer(0), bytes.to_vec()));
        while !matches!(
            radio.happened().await,
            None | Some(Happened::Input(Input::Lost { .. }))
        ) {}
    };
    tokio::join!(heard, super::over(&mut mdoc)).1
}

#[tokio::test(start_paused = true)]
async fn a_length_that_cannot_be_and_one_that_never_comes_end_it() {
    let frame = |ending| matches!(ending, Ending::Frame(_));
    assert!(
        frame(said(&[0xa2, 0x64, 0x64, 0x61, 0x74, 0x61]).await),
        "no length"
    );
    assert!(frame(said(&[0, 0x40, 0, 1]).await), "more than is taken");
    assert_eq!(said(&[0, 0, 0, 9, 1, 2]).await, Ending::Idle, "only a part of it");
    assert_eq!(said(&[0, 0, 0, 0]).await, Ending::ByPeer);
}

/// An air in which every channel closes as soon as it is open.
struct Closing(Memory);

impl Air for Closing {
    fn radio(&self, gatt: Gatt, offer: &Offer) -> Radio {
        let radio = self.0.radio(gatt, offer);
        if offer.channel == Channel::No {
            return radio;
        }
        // The first thing that happens is that it is found, or that the channel is there.
        let shape = Shape {
            lost_after: Some(0),
            ..Shape::default()
        };
        shaped(radio, shape, ChaCha20Rng::from_seed([5; 32]))
    }

    fn listen(&self) -> Listening<'_> {
        self.0.listen()
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_whose_connection_is_lost_over_it_comes_again_without() {
    let air = Closing(Memory::new(517));
    let mut mdoc = over(&air.0, Role::Mdoc, Service::Mdoc, Channel::Any);
    let ways = [way(Role::Reader, Service::Mdoc, Channel::Any)];
    let reader = async {
        let (_, mut reader) = first_ready(&air, &ways, Duration::ZERO).await.unwrap();
        reader.send(vec![5]);
        assert_eq!(reader.bearer(), Bearer::Gatt);
        reader.end_and_wait().await
    };
    let (ending, asked) = tokio::join!(reader, message(&mut mdoc));
    assert_eq!((ending, asked), (Ending::ByUs, Ok(vec![5])));
    assert_eq!(mdoc.bearer(), Bearer::Gatt);
}

#[tokio::test]
async fn an_air_without_channels_says_so() {
    let fault = ClientsOnly(Memory::new(23)).listen().await.unwrap_err();
    assert_eq!(fault.code(), "radio.not-supported");
}
