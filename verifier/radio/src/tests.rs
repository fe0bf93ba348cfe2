//! Links over the airs that need no radio, on a clock that runs as fast as there is nothing to do.

mod channel;
mod retry;
mod shared;

use core::time::Duration;

use mdoc_core::ble::link::{Ending, Gatt, Role, Timeouts};
use mdoc_core::ble::{Service, Uuid};
use mdoc_core::limits::Limits;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;
use tokio::time::Instant;

use crate::memory::Memory;
use crate::shape::{Shape, shaped};
use crate::{
    Air, Channel, Event, Fault, Happened, Interrupted, Missed, Offer, Radio, Way, Wire, first_ready,
    first_ready_until,
};

const IDENT: [u8; 16] = [9; 16];

const fn offer(service: Service) -> Offer {
    let uuid = match service {
        Service::Mdoc => [7; 16],
        Service::Reader => [8; 16],
    };
    Offer {
        service,
        uuid: Uuid(uuid),
        ident: IDENT,
        channel: Channel::No,
    }
}

fn way(role: Role, service: Service) -> Way {
    Way::new(role, &offer(service), Timeouts::default(), Limits::DEFAULT)
}

fn wire(air: &dyn Air, role: Role, service: Service) -> Wire {
    let Way { offer, setup } = way(role, service);
    Wire::new(setup, air.radio(setup.gatt, &offer))
}

/// Until a message comes, or it is over.
async fn message(wire: &mut Wire) -> Result<Vec<u8>, Ending> {
    loop {
        match wire.next().await {
            Event::Ready => {}
            Event::Message(message) => return Ok(message),
            Event::Over(ending) => return Err(ending),
        }
    }
}

async fn over(wire: &mut Wire) -> Ending {
    loop {
        if let Event::Over(ending) = wire.next().await {
            return ending;
        }
    }
}

/// The reader asks, the mdoc answers with many bytes, the reader ends it.
async fn exchange(mdoc: &mut Wire, reader: &mut Wire, answer: &[u8]) -> (Result<Vec<u8>, Ending>, Ending) {
    reader.send(vec![1, 2, 3]);
    let holder = async {
        match message(mdoc).await {
            Ok(asked) => {
                assert_eq!(asked, [1, 2, 3]);
                mdoc.send(answer.to_vec());
                over(mdoc).await
            }
            Err(ending) => ending,
        }
    };
    let verifier = async {
        let answer = message(reader).await;
        reader.end();
        over(reader).await;
        answer
    };
    let (ending, answer) = tokio::join!(holder, verifier);
    (answer, ending)
}

#[tokio::test(start_paused = true)]
async fn messages_pass_in_both_modes_over_any_mtu() {
    for service in [Service::Mdoc, Service::Reader] {
        for mtu in [23, 185, 515, 517] {
            let air = Memory::new(mtu);
            let mut mdoc = wire(&air, Role::Mdoc, service);
            let mut reader = wire(&air, Role::Reader, service);
            let answer: Vec<u8> = (0..40_000_u32).map(|n| n.to_le_bytes()[0]).collect();
            let (got, ending) = exchange(&mut mdoc, &mut reader, &answer).await;
            assert_eq!(got.unwrap(), answer);
            assert_eq!(ending, Ending::ByPeer, "{service}, MTU {mtu}");
            mdoc.close().await;
            reader.close().await;
        }
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_folder_is_an_air_for_two_programs() {
    use crate::folder::Folder;
    let folder = std::env::temp_dir().join(format!("mdoc-radio-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for service in [Service::Mdoc, Service::Reader] {
        // Two airs: nothing is shared but the folder.
        let mut mdoc = wire(&Folder::new(folder.clone()), Role::Mdoc, service);
        let mut reader = wire(&Folder::new(folder.clone()), Role::Reader, service);
        let (got, ending) = exchange(&mut mdoc, &mut reader, &[7; 30_000]).await;
        assert_eq!((got, ending), (Ok(vec![7; 30_000]), Ending::ByPeer));
        mdoc.close().await;
        reader.close().await;
    }
    let left = std::fs::read_dir(&folder).unwrap().count();
    assert_eq!(left, 0, "sockets are taken away");
    std::fs::remove_dir(&folder).unwrap();
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_a_fault_of_the_server() {
    use crate::folder::Folder;
    let mut mdoc = wire(&Folder::new("/nonexistent/air".into()), Role::Mdoc, Service::Mdoc);
    assert_eq!(over(&mut mdoc).await, Ending::Radio);
    assert_eq!(mdoc.fault().unwrap().code(), "radio.failed");
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_lost_is_told_at_both_ends() {
    for lost_after in [0, 1, 5, 40, 79] {
        let air = Memory::new(517);
        let mut mdoc = wire(&air, Role::Mdoc, Service::Mdoc);
        let shape = Shape {
            lost_after: Some(lost_after),
            ..Shape::default()
        };
        let radio = air.radio(Gatt::Client, &offer(Service::Mdoc));
        let radio = shaped(radio, shape, ChaCha20Rng::from_seed([3; 32]));
        let mut reader = Wire::new(way(Role::Reader, Service::Mdoc).setup, radio);
        let (got, ending) = exchange(&mut mdoc, &mut reader, &[7; 40_000]).await;
        assert!(
            matches!(
                got,
                Err(Ending::Lost | Ending::LostBeforeStart | Ending::Disconnected)
            ),
            "{lost_after}: {got:?}"
        );
        assert!(
            matches!(
                ending,
                Ending::Lost | Ending::NotSetUp | Ending::NoPeer | Ending::Disconnected
            ),
            "{lost_after}: {ending:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_comes_late_is_waited_for_and_what_comes_twice_is_no_message() {
    let air = Memory::new(185);
    let exchanged = async |shape: Shape, answer: &'static [u8]| {
        let mut mdoc = wire(&air, Role::Mdoc, Service::Mdoc);
        let radio = air.radio(Gatt::Client, &offer(Service::Mdoc));
        let radio = shaped(radio, shape, ChaCha20Rng::from_seed([4; 32]));
        let mut reader = Wire::new(way(Role::Reader, Service::Mdoc).setup, radio);
        exchange(&mut mdoc, &mut reader, answer).await.0
    };
    let late = Shape {
        found: Duration::from_secs(20),
        delay: Duration::from_millis(900),
        ..Shape::default()
    };
    assert_eq!(exchanged(late, &[7; 4_000]).await, Ok(vec![7; 4_000]));
    // It is the session that tells: the link has no numbers.
    let twice = Shape {
        twice: Some(5),
        ..Shape::default()
    };
    assert_ne!(exchanged(twice, &[8; 4_000]).await, Ok(vec![8; 4_000]));
}

#[tokio::test(start_paused = true)]
async fn nobody_is_waited_for_longer_than_said() {
    let began = Instant::now();
    let mut reader = wire(&Memory::new(517), Role::Reader, Service::Mdoc);
    assert_eq!(over(&mut reader).await, Ending::NoPeer);
    assert_eq!(began.elapsed().as_secs(), 60);
}

/// An air in which nobody can be a server.
struct ClientsOnly(Memory);

impl Air for ClientsOnly {
    fn radio(&self, gatt: Gatt, offer: &Offer) -> Radio {
        if gatt == Gatt::Client {
            return self.0.radio(gatt, offer);
        }
        let (radio, mut station) = Radio::new();
        tokio::spawn(async move {
            if station.action().await.is_some() {
                station.fail(Fault::NotSupported("being a server"));
            }
        });
        radio
    }
}

fn both(role: Role) -> Vec<Way> {
    vec![way(role, Service::Reader), way(role, Service::Mdoc)]
}

#[tokio::test(start_paused = true)]
async fn trap_64_the_first_way_that_leads_there_is_kept() {
    let patience = Duration::from_secs(8);
    for (theirs, expected, seconds) in [
        (Service::Reader, Service::Reader, 0),
        (Service::Mdoc, Service::Mdoc, 8),
    ] {
        let air = Memory::new(517);
        let mut mdoc = wire(&air, Role::Mdoc, theirs);
        let began = Instant::now();
        let ways = both(Role::Reader);
        let found = async {
            let (service, mut reader) = first_ready(&air, &ways, patience).await.unwrap();
            assert_eq!((service, began.elapsed().as_secs()), (expected, seconds));
            reader.send(vec![5]);
            over(&mut reader).await
        };
        let holder = async {
            assert_eq!(message(&mut mdoc).await, Ok(vec![5]));
            mdoc.end();
            over(&mut mdoc).await
        };
        assert_eq!(tokio::join!(found, holder), (Ending::ByPeer, Ending::ByUs));
    }
}

#[tokio::test(start_paused = true)]
async fn a_way_that_is_not_possible_here_costs_no_time() {
    let air = ClientsOnly(Memory::new(517));
    let _mdoc = tokio::spawn({
        let mut mdoc = wire(&air.0, Role::Mdoc, Service::Mdoc);
        async move { over(&mut mdoc).await }
    });
    let began = Instant::now();
    let (service, _) = first_ready(&air, &both(Role::Reader), Duration::from_secs(8))
        .await
        .unwrap();
    assert_eq!((service, began.elapsed().as_secs()), (Service::Mdoc, 0));
}

#[tokio::test(start_paused = true)]
async fn if_no_way_leads_there_every_one_says_why_and_the_one_that_was_gone_counts() {
    let air = ClientsOnly(Memory::new(517));
    let missed = first_ready(&air, &both(Role::Reader), Duration::from_secs(8))
        .await
        .unwrap_err();
    let interrupted = Interrupted::NotReached(missed);
    // The wallet is absent: that it could not have been met in the other mode either helps nobody.
    assert_eq!(interrupted.code(), "link.no-peer");
    assert_eq!(interrupted.fault(), None);
    assert_eq!(
        interrupted.to_string(),
        "mdoc central client mode: being a server is not possible here; mdoc peripheral server mode: the other side was not \
         found in time"
    );
    assert!(interrupted.hint().unwrap().starts_with("hold both devices close"));
    // Where no way could be gone, the radio is why.
    let missed = first_ready(&air, &[way(Role::Reader, Service::Reader)], Duration::ZERO).await;
    let interrupted = Interrupted::NotReached(missed.unwrap_err());
    assert_eq!(interrupted.code(), "radio.not-supported");
    assert!(interrupted.hint().unwrap().starts_with("use the other mode"));
}

#[test]
fn of_faults_in_every_way_the_one_that_can_be_mended_counts() {
    let missed = |fault: Fault| Missed {
        service: Service::Reader,
        ending: Ending::Radio,
        fault: Some(fault),
        warnings: Vec::new(),
    };
    let both = |one: Fault, other: Fault| Interrupted::NotReached(vec![missed(one), missed(other)]).code();
    let cannot = Fault::NotSupported("being a server");
    let off = Fault::AdapterOff("hci0".to_owned());
    assert_eq!(both(cannot.clone(), off.clone()), "radio.adapter-off");
    assert_eq!(both(Fault::NoService, off.clone()), "radio.no-service");
    // It takes its adapters with it.
    assert_eq!(both(off, Fault::NoService), "radio.no-service");
    assert_eq!(both(cannot.clone(), cannot), "radio.not-supported");
    assert_eq!(Interrupted::NotReached(Vec::new()).code(), "link.no-way");
}

#[test]
fn who_disconnects_has_not_said_that_they_decline() {
    use mdoc_core::session::{Status, Why};
    let silent = Interrupted::Link(Ending::Disconnected, None);
    assert!(!silent.is_declined());
    let words = silent.to_string();
    assert!(
        words.contains("declined") && words.contains("out of range"),
        "{words}"
    );
    assert!(silent.hint().unwrap().contains("a new code is needed"));
    assert_eq!(silent.code(), "link.disconnected");
    assert!(!Interrupted::Link(Ending::Lost, None).is_declined());
    for said in [
        Interrupted::Link(Ending::ByPeer, None),
        Interrupted::Session(Why::ByPeer(Status::Termination)),
    ] {
        assert!(said.is_declined(), "{said}");
    }
}

/// An air whose servers lose long values, as a machine with an old BlueZ.
struct Losing(Memory);

impl Air for Losing {
    fn radio(&self, gatt: Gatt, offer: &Offer) -> Radio {
        self.0.radio(gatt, offer)
    }

    fn loses_long_writes(&self) -> bool {
        true
    }
}

#[test]
fn what_a_server_that_loses_long_writes_has_not_heard_is_blamed_on_it_and_nothing_else_is() {
    use mdoc_core::ble::link::Bearer;
    use mdoc_core::session::{Status, Why};
    let (old, good) = (Losing(Memory::new(517)), Memory::new(517));
    let blamed = |ended: &Interrupted, air: &dyn Air, gatt, bearer| {
        let told = ended.clone().over(air, gatt, bearer);
        assert_eq!((told.code(), told.to_string()), (ended.code(), ended.to_string()));
        assert_eq!(told.is_declined(), ended.is_declined());
        told.hint().is_some_and(|hint| hint.contains("BlueZ before 5.69"))
    };
    let missing = mdoc_core::error::Fault::Missing("data");
    let malformed = Why::Decode(mdoc_core::error::DecodeError::new(missing));
    for ended in [
        Interrupted::Session(malformed),
        Interrupted::Session(Why::Decrypt),
        Interrupted::Link(Ending::Lost, None),
    ] {
        assert!(
            blamed(&ended, &old, Gatt::Server, Bearer::Gatt),
            "{}",
            ended.code()
        );
        assert!(!blamed(&ended, &good, Gatt::Server, Bearer::Gatt));
        assert!(!blamed(&ended, &old, Gatt::Client, Bearer::Gatt));
        assert!(!blamed(&ended, &old, Gatt::Server, Bearer::L2cap));
    }
    for ended in [
        Interrupted::Session(Why::ByPeer(Status::Termination)),
        Interrupted::Link(Ending::ByPeer, None),
        Interrupted::Link(Ending::Lost, Some(Fault::NoService)),
        Interrupted::Link(Ending::ByUs, None),
    ] {
        assert!(
            !blamed(&ended, &old, Gatt::Server, Bearer::Gatt),
            "{}",
            ended.code()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_comes_before_all_is_set_up_is_kept() {
    let (radio, station) = Radio::new();
    let mut radio = Some(radio);
    struct One(std::sync::Mutex<Option<Radio>>);
    impl Air for One {
        fn radio(&self, _: Gatt, _: &Offer) -> Radio {
            self.0.lock().unwrap().take().unwrap()
        }
    }
    let air = One(std::sync::Mutex::new(radio.take()));
    let peer = mdoc_core::ble::link::Peer(1);
    let tell = station.teller();
    use mdoc_core::ble::Characteristic::{Client2Server, Server2Client};
    use mdoc_core::ble::link::Input;
    for input in [
        Input::Value {
            peer,
            characteristic: Client2Server,
            value: vec![0, 42],
        },
        Input::Subscribed {
            peer,
            characteristic: Server2Client,
        },
    ] {
        tell.send(Happened::Input(input)).unwrap();
    }
    let ways = [way(Role::Mdoc, Service::Mdoc)];
    let (_, mut mdoc) = first_ready(&air, &ways, Duration::ZERO).await.unwrap();
    assert_eq!(mdoc.next().await, Event::Message(vec![42]));
}
