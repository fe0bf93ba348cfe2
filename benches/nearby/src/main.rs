//! What an exchange face to face costs beside the time on the air: both sides in this program, on one core.
//!
//! First over an air that takes no time, so that everything is protocol and cryptography; then over one on which each
//! value takes as long as at a rate, so that what is above that time is ours.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use mdoc_benches::world::{DOC_TYPE, NAME_SPACE, World};
use mdoc_core::ble::Service;
use mdoc_core::ble::link::{Gatt, Timeouts};
use mdoc_core::crypto::{Curve, fastest};
use mdoc_core::device_request::{DeviceRequest, ItemsRequest, ReaderAuth, RequestedElement, encode_request};
use mdoc_core::issuer_signed::IssuerSigned;
use mdoc_core::limits::Limits;
use mdoc_core::present::DeviceKey;
use mdoc_core::seams::SoftwareKey;
use mdoc_core::value::Value;
use mdoc_core::verify::{Form, Inputs, verify};
use mdoc_holder::present::{Decide, Decision, Modes, Presentation, Request};
use mdoc_holder::question::{Held, Question, Session};
use mdoc_holder::reader::ReaderTrust;
use mdoc_radio::memory::Memory;
use mdoc_radio::shape::{Shape, shaped};
use mdoc_radio::{Air, Channel, Offer, Radio};
use mdoc_verifier::read::{Plan, Times, read};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

/// The largest that wallets negotiate.
const MTU: u16 = 517;

/// Bytes of the portrait, with which the response has forty thousand.
const PORTRAIT: usize = 35_100;

const ROUNDS: usize = 201;

/// What protocol and cryptography of both sides may add to the time on the air.
const GOAL: Duration = Duration::from_millis(5);

const HELP: &str = "\
Measures an exchange face to face, in memory and at two rates of the air, and prints a table in Markdown.

Usage: mdoc-nearby [--goals]

  --goals  exit status 1 if the median of an exchange takes 5 ms or more beside the time on the air
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let goals = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => false,
        ["--goals"] => true,
        ["-h" | "--help"] => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("mdoc-nearby: only `--goals` is known; see --help");
            return ExitCode::from(2);
        }
    };
    let missed = measure();
    for line in &missed {
        eprintln!("mdoc-nearby: {line}");
    }
    if goals && !missed.is_empty() {
        ExitCode::from(1)
    } else {
        ExitCode::SUCCESS
    }
}

/// Measures and prints; gives the goals that were missed.
fn measure() -> Vec<String> {
    mdoc_benches::pin();
    let stage = Stage::new();
    println!(
        "| Exchange | Response | Total | Reader's decryption and verification | Air alone | Total / air |"
    );
    println!("|---|---:|---:|---:|---:|---:|");
    let mut missed = Vec::new();
    // A hundred kilobytes a second is what good radios reach, a quarter of that what many do.
    for (name, pace) in [
        ("no time on the air", None),
        ("100 kB/s", Some(Duration::from_micros(5_120))),
        ("25 kB/s", Some(Duration::from_micros(20_480))),
    ] {
        let rounds = if pace.is_some() { 7 } else { ROUNDS };
        let mut runs: Vec<Run> = (0..rounds).map(|_| stage.exchange(pace)).collect();
        runs.sort_by_key(|run| run.total);
        let run = runs[rounds / 2];
        let air = pace.map(|pace| pace * u32::try_from(run.response.div_ceil(511)).unwrap_or(u32::MAX));
        println!(
            "| {name} | {} bytes | {:.2} ms | {:.2} ms | {} | {} |",
            run.response,
            millis(run.total),
            millis(run.ours),
            air.map_or("—".to_owned(), |air| format!("{:.1} ms", millis(air))),
            air.map_or("—".to_owned(), |air| format!(
                "{:.3}",
                millis(run.total) / millis(air)
            )),
        );
        missed.extend(miss(name, run.total, air.unwrap_or_default()));
    }
    missed
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// What is to be said if an exchange takes too long beside the time on the air.
fn miss(name: &str, total: Duration, air: Duration) -> Option<String> {
    let added = total.saturating_sub(air);
    (added >= GOAL).then(|| {
        let (added, goal) = (millis(added), millis(GOAL));
        format!("{name}: protocol and cryptography add {added:.2} ms to an exchange, not less than {goal} ms")
    })
}

#[derive(Clone, Copy)]
struct Run {
    /// From the link being open to the verified report.
    total: Duration,
    /// Of that, decryption and verification.
    ours: Duration,
    response: usize,
}

struct Stage {
    world: World,
    licence: Vec<u8>,
    key: SoftwareKey,
    asked: [ItemsRequest; 1],
}

/// Memory, in which what the reader gets takes time.
struct Slow {
    air: Memory,
    pace: Option<Duration>,
}

impl Air for Slow {
    fn radio(&self, gatt: Gatt, offer: &Offer) -> Radio {
        let radio = self.air.radio(gatt, offer);
        let Some(pace) = self.pace else { return radio };
        let shape = Shape {
            pace,
            ..Shape::default()
        };
        shaped(radio, shape, ChaCha20Rng::from_seed([1; 32]))
    }
}

impl Stage {
    fn new() -> Self {
        let mut world = World::new();
        let elements = world.elements.iter_mut().flat_map(|(_, elements)| elements);
        for (identifier, value) in elements {
            if identifier == "portrait" {
                *value = Value::Bytes((0..PORTRAIT).map(|at| at.to_le_bytes()[0]).collect());
            }
        }
        let licence = world.licence();
        let elements = world.elements.iter().flat_map(|(_, elements)| elements);
        let elements = elements.map(|(identifier, _)| RequestedElement {
            identifier: identifier.clone(),
            intent_to_retain: false,
        });
        let asked = [ItemsRequest {
            doc_type: DOC_TYPE.to_owned(),
            name_spaces: vec![(NAME_SPACE.to_owned(), elements.collect())],
        }];
        let key = SoftwareKey::new(world.device_key.clone()).unwrap();
        Self {
            world,
            licence,
            key,
            asked,
        }
    }

    fn exchange(&self, pace: Option<Duration>) -> Run {
        let (limits, backend) = (Limits::DEFAULT, fastest());
        let mut rng = ChaCha20Rng::from_seed([2; 32]);
        let air = Memory::new(MTU);
        let reader_air = Slow {
            air: air.clone(),
            pace,
        };
        let shown = Presentation::new(
            Curve::P256,
            Modes::Only(Service::Mdoc),
            Channel::No,
            limits,
            &mut rng,
            backend,
        );
        let plan = Plan::new(shown.engagement(), None, limits, &mut rng, backend).unwrap();
        let request = encode_request(&self.asked, &ReaderAuth::None).unwrap();
        let times = Times::default();
        let reader = async {
            let reading = read(&reader_air, plan, &request, &times, backend).await.unwrap();
            let began = Instant::now();
            let mut inputs = Inputs::new(&self.world.anchors, self.world.now);
            inputs.request = Some(&self.asked);
            inputs.revocation_lists = &self.world.revocation_lists;
            let response = &reading.response;
            let report = verify(response.bytes(), Form::DeviceResponse, &response.inputs(inputs));
            assert!(report.accepted());
            drop(report);
            let verifying = began.elapsed();
            let run = Run {
                total: reading.took.answering + verifying,
                ours: reading.took.decrypting + verifying,
                response: reading.response.bytes().len(),
            };
            reading.finish().await;
            run
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut holder = Holder(self);
            let (run, presented) =
                tokio::join!(reader, shown.run(&air, &mut holder, Timeouts::default(), backend));
            assert_eq!(presented.unwrap().answers, 1);
            run
        })
    }
}

struct Holder<'a>(&'a Stage);

impl Decide for Holder<'_> {
    async fn decide(&mut self, request: &Request<'_>) -> Decision {
        let limits = Limits::DEFAULT;
        let document = IssuerSigned::decode(&self.0.licence, &limits).unwrap();
        let asked = DeviceRequest::decode(request.bytes, &limits).unwrap();
        let session = Session {
            transcript: request.transcript,
            trust: ReaderTrust {
                anchors: &[],
                now: self.0.world.now,
            },
            limits,
            backend: fastest(),
        };
        let held = [Held {
            document: &document,
            key: DeviceKey::Signature(&self.0.key),
        }];
        let question = Question::new(&asked, &held, &session).unwrap();
        Decision::Answer(question.answer(&held, &session).unwrap().response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_milliseconds_beside_the_air_are_too_many() {
        let air = Duration::from_millis(400);
        assert_eq!(miss("it", air + GOAL - Duration::from_micros(1), air), None);
        let said = miss("it", air + GOAL, air).unwrap();
        assert!(
            said.starts_with("it: protocol and cryptography add 5.00 ms"),
            "{said}"
        );
        assert_eq!(miss("it", GOAL / 2, Duration::ZERO), None);
        assert!(miss("it", GOAL, Duration::ZERO).is_some());
    }
}
