//! Reader and wallet over an air in which things go wrong, ten thousand times, on a clock that runs ahead.
//!
//! Each schedule draws an MTU, the modes, who would use L2CAP, delays, a loss of the connection at either end, values that come twice, and
//! what the holder does. It has to end, within the times that were set, in the right report or in an error that fits.

mod outcomes;

use std::time::Duration;

use integration::world::World;
use mdoc_core::ble::Service;
use mdoc_core::ble::link::{Bearer, Gatt, Timeouts};
use mdoc_core::cbor::Item;
use mdoc_core::crypto::{Curve, fastest};
use mdoc_core::device_request::{DeviceRequest, ItemsRequest, ReaderAuth, encode_request};
use mdoc_core::engagement::{BleOptions, DeviceEngagement};
use mdoc_core::issuer_signed::IssuerSigned;
use mdoc_core::limits::Limits;
use mdoc_core::present::DeviceKey;
use mdoc_core::session::{DeviceSession, ReaderSession};
use mdoc_core::value::Value;
use mdoc_core::verify::{Form, Inputs, MDL_NAME_SPACE, verify};
use mdoc_holder::present::{Decide, Decision, Modes, Presentation, Request};
use mdoc_holder::question::{Held, Question, Session};
use mdoc_holder::reader::ReaderTrust;
use mdoc_radio::memory::Memory;
use mdoc_radio::shape::{Shape, shaped};
use mdoc_radio::{Air, Channel, Interrupted, Offer, Radio};
use mdoc_verifier::read::{Plan, Times, read};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};
use tokio::time::Instant;

use self::outcomes::OK;

/// An air in which one end has its share of what goes wrong.
struct Rough {
    air: Memory,
    shape: Shape,
    seed: u64,
}

impl Air for Rough {
    fn radio(&self, gatt: Gatt, offer: &Offer) -> Radio {
        let rng = ChaCha20Rng::seed_from_u64(self.seed);
        shaped(self.air.radio(gatt, offer), self.shape, rng)
    }
}

/// What the holder does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Yes,
    No,
    /// Yes, after so long.
    Slow(Duration),
}

#[derive(Debug)]
struct Schedule {
    mtu: u16,
    modes: Modes,
    /// Whether the holder, and the reader, would use L2CAP.
    l2cap: [bool; 2],
    big: bool,
    mood: Mood,
    holder: Shape,
    reader: Shape,
}

impl Schedule {
    fn draw(rng: &mut ChaCha20Rng) -> Self {
        let below = |rng: &mut ChaCha20Rng, most: u64| rng.next_u64() % most;
        let modes = [
            Modes::Both,
            Modes::Only(Service::Mdoc),
            Modes::Only(Service::Reader),
        ];
        let shape = |rng: &mut ChaCha20Rng| Shape {
            found: Duration::from_millis(below(rng, 9_000)),
            delay: Duration::from_millis([0, 5, 40, 300][usize::try_from(below(rng, 4)).unwrap()]),
            lost_after: (below(rng, 5) == 0).then(|| u32::try_from(below(rng, 120)).unwrap()),
            pace: Duration::from_millis([0, 0, 5][usize::try_from(below(rng, 3)).unwrap()]),
            twice: (below(rng, 12) == 0).then(|| u32::try_from(1 + below(rng, 40)).unwrap()),
        };
        let big = below(rng, 12) == 0;
        let least = if big { 185 } else { 23 };
        Self {
            mtu: u16::try_from(least + below(rng, 518 - least)).unwrap(),
            modes: modes[usize::try_from(below(rng, 3)).unwrap()],
            big,
            mood: match below(rng, 8) {
                0 => Mood::No,
                1 => Mood::Slow(Duration::from_secs(below(rng, 100))),
                _ => Mood::Yes,
            },
            holder: shape(rng),
            reader: shape(rng),
            // Both of them in one of three.
            l2cap: [
                [true, true],
                [true, true],
                [true, false],
                [false, true],
                [false, false],
                [false, false],
            ][usize::try_from(below(rng, 6)).unwrap()],
        }
    }

    fn bearer(&self) -> Bearer {
        match self.l2cap {
            [true, true] => Bearer::L2cap,
            _ => Bearer::Gatt,
        }
    }

    const fn is_lossy(&self) -> bool {
        self.holder.lost_after.is_some() || self.reader.lost_after.is_some()
    }

    const fn is_twofold(&self) -> bool {
        self.holder.twice.is_some() || self.reader.twice.is_some()
    }

    /// What is sent twice over a channel comes once.
    fn is_rough(&self) -> bool {
        self.is_lossy() || (self.is_twofold() && self.bearer() == Bearer::Gatt)
    }
}

struct Holder<'a> {
    world: &'a World,
    licence: &'a [u8],
    mood: Mood,
}

impl Decide for Holder<'_> {
    async fn decide(&mut self, request: &Request<'_>) -> Decision {
        if let Mood::Slow(wait) = self.mood {
            tokio::time::sleep(wait).await;
        }
        if self.mood == Mood::No {
            return Decision::Decline;
        }
        let limits = Limits::DEFAULT;
        let document = IssuerSigned::decode(self.licence, &limits).unwrap();
        // What came twice may be a request that decrypts, and never one that is half of it.
        let asked = DeviceRequest::decode(request.bytes, &limits).unwrap();
        let session = Session {
            transcript: request.transcript,
            trust: ReaderTrust {
                anchors: &[],
                now: self.world.now,
            },
            limits,
            backend: fastest(),
        };
        let held = [Held {
            document: &document,
            key: DeviceKey::Signature(&self.world.device_key),
        }];
        let question = Question::new(&asked, &held, &session).unwrap();
        Decision::Answer(question.answer(&held, &session).unwrap().response)
    }
}

fn asking(world: &World) -> ([ItemsRequest; 1], Vec<u8>) {
    let asked = [world.ask(&["family_name", "portrait", "age_over_18"])];
    let request = encode_request(&asked, &ReaderAuth::None).unwrap();
    (asked, request)
}

/// The messages of a session: the request, and the answer with that document, or that the holder declines.
fn messages(world: &World, licence: Option<&[u8]>) -> [Vec<u8>; 2] {
    let (limits, backend) = (Limits::DEFAULT, fastest());
    let mut rng = ChaCha20Rng::seed_from_u64(0);
    let mdoc = DeviceSession::engage(Curve::P256, &BleOptions::default(), &mut rng);
    let scanned = DeviceEngagement::decode(mdoc.engagement(), &limits).unwrap();
    let reader = ReaderSession::open(&scanned, &mut rng, backend).unwrap();
    let (_, hello) = reader.ask(&asking(world).1, backend).unwrap();
    let (mdoc, request) = mdoc.accept(&hello, &limits, backend).unwrap();
    let Some(licence) = licence else {
        return [hello, mdoc.decline()];
    };
    let mut holder = Holder {
        world,
        licence,
        mood: Mood::Yes,
    };
    let request = Request {
        bytes: &request,
        transcript: mdoc.transcript(),
        reader_key: mdoc.reader_key(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let Decision::Answer(response) = runtime.block_on(holder.decide(&request)) else {
        panic!("it does not decline")
    };
    let (_, answer) = mdoc.answer(&response, backend).unwrap();
    [hello, answer]
}

/// Everything that does not change from one schedule to the next.
struct Stage {
    world: World,
    small: Vec<u8>,
    big: Vec<u8>,
    /// Of the messages: the request, the answers with the small document and the big one, and none.
    request: usize,
    answers: [usize; 3],
}

impl Stage {
    fn new() -> Self {
        let world = World::new(55);
        let picture: Vec<u8> = (0..30_000_u32)
            .map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0])
            .collect();
        let small = world.issue().sign();
        let big = world.issue().with("portrait", Value::Bytes(picture)).sign();
        let (mut request, mut answers) = (0, [0; 3]);
        for (length, licence) in answers.iter_mut().zip([Some(&small), Some(&big), None]) {
            let messages = messages(&world, licence.map(Vec::as_slice));
            [request, *length] = messages.map(|message| message.len());
        }
        Self {
            world,
            small,
            big,
            request,
            answers,
        }
    }

    /// Of the messages of a schedule.
    const fn lengths(&self, schedule: &Schedule) -> [usize; 2] {
        let [small, big, none] = self.answers;
        let answer = match (schedule.mood, schedule.big) {
            (Mood::No, _) => none,
            (_, true) => big,
            (_, false) => small,
        };
        [self.request, answer]
    }

    /// Runs one to its end.
    async fn run(&self, schedule: &Schedule, seed: u64) {
        let (limits, backend) = (Limits::DEFAULT, fastest());
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let memory = Memory::new(schedule.mtu);
        let air = |shape| Rough {
            air: memory.clone(),
            shape,
            seed,
        };
        let (wallet_air, reader_air) = (air(schedule.holder), air(schedule.reader));
        let channel = match schedule.l2cap[0] {
            true if seed.is_multiple_of(2) => Channel::Any,
            true => Channel::Known(memory.listen().await.unwrap()),
            false => Channel::No,
        };
        let shown = Presentation::new(Curve::P256, schedule.modes, channel, limits, &mut rng, backend);
        let plan = Plan::new(shown.engagement(), None, limits, &mut rng, backend).unwrap();
        let plan = if schedule.l2cap[1] {
            plan.with_l2cap()
        } else {
            plan
        };
        let (asked, request) = asking(&self.world);
        let mut holder = Holder {
            world: &self.world,
            licence: if schedule.big { &self.big } else { &self.small },
            mood: schedule.mood,
        };
        let began = Instant::now();
        let times = Times::default();
        let reader = async {
            let reading = read(&reader_air, plan, &request, &times, backend).await?;
            let mut inputs = Inputs::new(&self.world.anchors, self.world.now);
            inputs.request = Some(&asked);
            let inputs = reading.response.inputs(inputs);
            let report = verify(reading.response.bytes(), Form::DeviceResponse, &inputs);
            assert!(report.accepted(), "{schedule:?}");
            let document = report.documents()[0].accept().unwrap();
            let adult = document
                .get(MDL_NAME_SPACE, "age_over_18")
                .and_then(Item::boolean);
            assert_eq!(adult, Some(true));
            assert_eq!(document.elements().len(), 3);
            drop(document);
            drop(report);
            // One that lost its peer before it began goes on without.
            if schedule.l2cap != [true; 2] || !schedule.is_rough() {
                assert_eq!(reading.bearer(), schedule.bearer(), "{schedule:?}");
            }
            reading.finish().await;
            Ok::<(), Interrupted>(())
        };
        let timeouts = Timeouts::default();
        let (read, presented) = tokio::join!(reader, shown.run(&wallet_air, &mut holder, timeouts, backend));

        // The reader waits for a peer, sets up, waits for an answer and drains; the wallet may be idle once.
        let longest = timeouts.peer + timeouts.setup + times.answer + timeouts.idle + Duration::from_secs(20);
        assert!(began.elapsed() <= longest, "{:?} {schedule:?}", began.elapsed());
        let outcomes = schedule.outcomes(self.lengths(schedule));
        let said = read.as_ref().map_or_else(Interrupted::code, |()| OK);
        assert!(outcomes.contains(&said), "{said}, not {outcomes:?}: {schedule:?}");
        if let Err(interrupted) = &read {
            let declined = said == "session.peer-termination";
            assert_eq!(
                interrupted.is_declined(),
                declined,
                "{interrupted:?} {schedule:?}"
            );
        }
        let held = schedule.held(self.lengths(schedule));
        let said = presented.as_ref().map_or_else(Interrupted::code, |_| OK);
        assert!(
            held.as_ref().is_none_or(|held| held.contains(&said)),
            "the wallet: {said}, not {held:?}: {schedule:?}"
        );
        if let Ok(presented) = &presented {
            assert_eq!(presented.declined, schedule.mood == Mood::No, "{schedule:?}");
            if schedule.l2cap != [true; 2] || !schedule.is_rough() {
                assert_eq!(presented.bearer, schedule.bearer(), "{schedule:?}");
            }
        } else {
            assert!(schedule.is_rough(), "{presented:?} {schedule:?}");
        }
    }
}

fn schedules(from: u64, until: u64) {
    let stage = Stage::new();
    let (mut read, mut determined, mut held) = (0, 0, 0);
    for seed in from..until {
        let schedule = Schedule::draw(&mut ChaCha20Rng::seed_from_u64(seed));
        read += u32::from(!schedule.is_rough() && schedule.mood != Mood::No);
        let outcomes = schedule.outcomes(stage.lengths(&schedule));
        determined += u64::from(schedule.is_rough() && outcomes.len() == 1);
        let of_wallet = schedule.held(stage.lengths(&schedule));
        held += u64::from(of_wallet.is_some_and(|said| said.len() == 1 && said != [OK]));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(stage.run(&schedule, seed));
    }
    assert!(
        u64::from(read) > (until - from) / 4,
        "most of them are not in vain: {read}"
    );
    assert!(
        determined > (until - from) / 10,
        "of many faults it is known what they have to lead to: {determined}"
    );
    assert!(
        held > (until - from) / 60,
        "of many it is known of the wallet, too: {held}"
    );
}

// In two, so that two cores share them.

#[test]
fn five_thousand_schedules_end_in_the_right_report_or_the_right_error() {
    schedules(0, 5_000);
}

#[test]
fn five_thousand_more_schedules_do_so_too() {
    schedules(5_000, 10_000);
}
