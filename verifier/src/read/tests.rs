//! How long the reader waits, and what it says when that was long enough.

use mdoc_core::crypto::{Curve, RustCrypto};
use mdoc_core::engagement::BleOptions;
use mdoc_core::session::{DeviceSession, SessionData, Status};
use mdoc_radio::Radio;
use mdoc_radio::memory::Memory;
use mdoc_radio::shape::{Shape, shaped};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;
use tokio::time::Instant;

use super::*;

const LIMITS: Limits = Limits::DEFAULT;
const UUID: [u8; 16] = [7; 16];
/// Forty thousand bytes are 79 fragments.
static ANSWER: [u8; 40_000] = [5; 40_000];

/// An air in which every value takes so long.
struct Paced(Memory, Duration);

impl Air for Paced {
    fn radio(&self, gatt: Gatt, offer: &Offer) -> Radio {
        let pace = self.1;
        let shape = Shape {
            pace,
            ..Shape::default()
        };
        shaped(self.0.radio(gatt, offer), shape, ChaCha20Rng::from_seed([1; 32]))
    }
}

/// A reader, and a wallet that thinks.
#[derive(Clone, Copy)]
struct Meeting {
    l2cap: bool,
    /// After which the wallet answers, if it does.
    thinks: Option<Duration>,
    pace: Duration,
    answer: Duration,
    /// After which the reader is told to stop, if it is.
    stop: Option<Duration>,
}

const MEETING: Meeting = Meeting {
    l2cap: false,
    thinks: None,
    pace: Duration::ZERO,
    answer: Duration::from_secs(300),
    stop: None,
};

/// What came of it: for the reader, how many seconds after the beginning, and what the wallet was told after the request.
type Outcome = (Result<usize, &'static str>, u64, Vec<Vec<u8>>);

impl Meeting {
    fn run(self) -> Outcome {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(self.go())
    }

    async fn go(self) -> Outcome {
        let mut rng = ChaCha20Rng::from_seed([2; 32]);
        let options = BleOptions {
            peripheral_server_uuid: Some(UUID),
            ..BleOptions::default()
        };
        let mdoc = DeviceSession::engage(Curve::P256, &options, &mut rng);
        let plan = Plan::new(mdoc.engagement(), None, LIMITS, &mut rng, &RustCrypto).unwrap();
        let plan = if self.l2cap { plan.with_l2cap() } else { plan };
        let offer = plan.offers[0];
        let air = Paced(Memory::new(517), self.pace);
        // Not the wallet's patience is looked at here.
        let timeouts = Timeouts {
            idle: Duration::from_secs(36_000),
            ..Timeouts::default()
        };
        let way = Way::new(Role::Mdoc, &offer, timeouts, LIMITS);
        let mut wire = Wire::new(way.setup, air.0.radio(way.setup.gatt, &offer));
        let wallet = async {
            let hello = message(&mut wire).await.unwrap();
            let (mdoc, request) = mdoc.accept(&hello, &LIMITS, &RustCrypto).unwrap();
            assert_eq!(request.as_slice(), b"request");
            if let Some(thinks) = self.thinks {
                tokio::time::sleep(thinks).await;
                wire.send(mdoc.answer(&ANSWER, &RustCrypto).unwrap().1);
            }
            let mut told = Vec::new();
            while let Ok(message) = message(&mut wire).await {
                told.push(message);
            }
            told
        };
        let times = Times {
            answer: self.answer,
            ..Times::default()
        };
        let began = Instant::now();
        let reader = async {
            let stop = async {
                match self.stop {
                    Some(after) => tokio::time::sleep(after).await,
                    None => core::future::pending().await,
                }
            };
            let reading = read_until(&air, plan, b"request", &times, stop, &RustCrypto).await;
            let seconds = began.elapsed().as_secs();
            let said = match reading {
                Ok(reading) => {
                    let bearer = if self.l2cap { Bearer::L2cap } else { Bearer::Gatt };
                    assert_eq!(reading.bearer(), bearer);
                    Ok(reading.finish().await.0.bytes().len())
                }
                Err(interrupted) => Err(interrupted.code()),
            };
            (said, seconds)
        };
        let ((said, seconds), told) = tokio::join!(reader, wallet);
        (said, seconds, told)
    }
}

#[test]
fn the_reader_waits_five_minutes_and_says_that_it_gives_up_over_either_bearer() {
    assert_eq!(Times::default().answer, MEETING.answer);
    let over = SessionData::status(Status::Termination).encode();
    for l2cap in [false, true] {
        let (said, seconds, told) = Meeting { l2cap, ..MEETING }.run();
        assert_eq!((said, told), (Err("link.idle"), vec![over.clone()]));
        assert!((300..=302).contains(&seconds), "{seconds}");
    }
}

#[test]
fn who_is_given_longer_than_that_has_it() {
    for l2cap in [false, true] {
        let meeting = Meeting {
            l2cap,
            thinks: Some(Duration::from_secs(500)),
            answer: Duration::from_secs(600),
            ..MEETING
        };
        let (said, seconds, _) = meeting.run();
        assert_eq!((said, seconds), (Ok(ANSWER.len()), 500));
    }
}

#[test]
fn an_answer_that_has_begun_is_heard_to_its_end_within_bounds() {
    let meeting = Meeting {
        thinks: Some(Duration::from_secs(299)),
        pace: Duration::from_millis(200),
        ..MEETING
    };
    let (said, seconds, _) = meeting.run();
    assert_eq!(said, Ok(ANSWER.len()));
    assert!((310..=320).contains(&seconds), "{seconds}");
    // It would take most of twelve minutes from the first fragment on, which comes in time.
    let meeting = Meeting {
        thinks: Some(Duration::from_secs(285)),
        pace: Duration::from_secs(9),
        ..meeting
    };
    let (said, seconds, _) = meeting.run();
    assert_eq!(said, Err("link.idle"));
    assert!((600..=612).contains(&seconds), "{seconds}");
}

#[test]
fn a_wallet_that_is_broken_off_is_told_so_over_either_bearer() {
    let over = SessionData::status(Status::Termination).encode();
    for l2cap in [false, true] {
        let stop = Some(Duration::from_secs(7));
        let (said, seconds, told) = Meeting {
            l2cap,
            stop,
            ..MEETING
        }
        .run();
        assert_eq!((said, told), (Err("link.ended"), vec![over.clone()]));
        assert!((7..=8).contains(&seconds), "{seconds}");
    }
}

#[test]
fn what_was_decrypted_and_is_no_response_is_answered_by_status_11() {
    let thinks = Some(Duration::ZERO);
    let (said, _, told) = Meeting { thinks, ..MEETING }.run();
    assert_eq!(said, Ok(ANSWER.len()), "whoever verifies it says what is wrong");
    assert_eq!(told, [SessionData::status(Status::DecodingError).encode()]);
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
fn where_our_server_would_lose_what_the_wallet_writes_we_are_the_client_first() {
    let mut rng = ChaCha20Rng::from_seed([3; 32]);
    let options = BleOptions {
        peripheral_server_uuid: Some(UUID),
        central_client_uuid: Some([8; 16]),
        ..BleOptions::default()
    };
    let mdoc = DeviceSession::engage(Curve::P256, &options, &mut rng);
    let mut order = |air: &dyn Air, only| -> Vec<Service> {
        let plan = Plan::new(mdoc.engagement(), only, LIMITS, &mut rng, &RustCrypto).unwrap();
        let ways = plan.ways(Timeouts::default(), air);
        ways.iter().map(|way| way.offer.service).collect()
    };
    let (good, old) = (Memory::new(517), Losing(Memory::new(517)));
    let (mdoc, reader) = (Service::Mdoc, Service::Reader);
    assert_eq!(order(&good, None), [reader, mdoc]);
    assert_eq!(order(&old, None), [mdoc, reader]);
    // What was asked for is done.
    for only in [mdoc, reader] {
        assert_eq!(order(&old, Some(only)), [only]);
    }
}

#[test]
fn a_way_that_does_not_decode_does_not_spoil_bluetooth_and_is_told_where_it_was_the_only_one() {
    let mut rng = ChaCha20Rng::from_seed([4; 32]);
    let options = BleOptions {
        peripheral_server_uuid: Some(UUID),
        ..BleOptions::default()
    };
    let mdoc = DeviceSession::engage(Curve::P256, &options, &mut rng);
    let mut changed = |from: &[u8], to: &[u8]| {
        let whole = mdoc.engagement();
        let at = whole.windows(from.len()).position(|part| part == from).unwrap();
        let bytes = [&whole[..at], to, &whole[at + from.len()..]].concat();
        let plan = Plan::new(&bytes, None, LIMITS, &mut rng, &RustCrypto);
        plan.map(|plan| plan.offers.len()).map_err(|error| error.code())
    };
    // NFC without its lengths before it.
    assert_eq!(
        changed(&[0x81, 0x83, 2, 1], &[0x82, 0x83, 1, 1, 0xa0, 0x83, 2, 1]),
        Ok(1)
    );
    // Bluetooth without its UUID; an NFC beside which there is none.
    let ble = [&[0xa3, 0, 0xf5, 1, 0xf4, 10, 0x50][..], &UUID].concat();
    assert_eq!(
        changed(&ble, &[0xa2, 0, 0xf5, 1, 0xf4]),
        Err("engagement.malformed")
    );
    let nfc = [&[0x83, 2, 1][..], &ble].concat();
    assert_eq!(
        changed(&nfc, &[0x83, 1, 1, 0xa2, 0, 0x19, 1, 0, 1, 0x19, 1, 0]),
        Err("engagement.no-bluetooth")
    );
}
