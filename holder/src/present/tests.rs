//! A wallet that is told to stop, and what its reader hears.

use mdoc_core::crypto::RustCrypto;
use mdoc_core::session::ReaderSession;
use mdoc_radio::memory::Memory;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

use super::*;

const LIMITS: Limits = Limits::DEFAULT;
/// When the wallet is told to stop.
const STOP: Duration = Duration::from_secs(7);

/// A holder who answers at once, or who thinks for ever.
struct Holder {
    answers: bool,
}

impl Decide for Holder {
    async fn decide(&mut self, request: &Request<'_>) -> Decision {
        assert_eq!(request.bytes, b"request");
        if self.answers {
            return Decision::Answer(vec![5; 2_000]);
        }
        core::future::pending().await
    }
}

/// What came of it for the wallet, what the reader heard, if there was one, and how many seconds it took.
type Outcome = (
    Result<Presented, Interrupted>,
    Option<(Vec<Vec<u8>>, Ending)>,
    u64,
);

fn stopped(service: Service, l2cap: bool, answers: bool, met: bool) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut rng = ChaCha20Rng::from_seed([4; 32]);
        let air = Memory::new(517);
        let channel = if l2cap { Channel::Any } else { Channel::No };
        let modes = Modes::Only(service);
        let shown = Presentation::new(Curve::P256, modes, channel, LIMITS, &mut rng, &RustCrypto);
        let scanned = DeviceEngagement::decode(shown.engagement(), &LIMITS).unwrap();
        let session = ReaderSession::open(&scanned, &mut rng, &RustCrypto).unwrap();
        let (_, hello) = session.ask(b"request", &RustCrypto).unwrap();
        let timeouts = Timeouts::default();
        let way = Way::new(Role::Reader, &shown.offers[0], timeouts, LIMITS);
        let reader = async {
            if !met {
                return None;
            }
            let mut wire = Wire::new(way.setup, air.radio(way.setup.gatt, &way.offer));
            wire.send(hello);
            let mut heard = Vec::new();
            loop {
                match wire.next().await {
                    Event::Ready => {}
                    Event::Message(message) => heard.push(message),
                    Event::Over(ending) => return Some((heard, ending)),
                }
            }
        };
        let began = tokio::time::Instant::now();
        let wallet = async {
            let stop = tokio::time::sleep(STOP);
            let mut holder = Holder { answers };
            let presented = shown
                .run_until(&air, &mut holder, timeouts, stop, &RustCrypto)
                .await;
            (presented, began.elapsed().as_secs())
        };
        let ((presented, seconds), heard) = tokio::join!(wallet, reader);
        (presented, heard, seconds)
    })
}

#[test]
fn a_wallet_that_is_told_to_stop_tells_its_reader_in_both_modes_over_either_bearer() {
    let over = SessionData::status(Status::Termination).encode();
    for service in [Service::Mdoc, Service::Reader] {
        for (l2cap, ending) in [(false, Ending::ByPeer), (true, Ending::Disconnected)] {
            let (presented, heard, seconds) = stopped(service, l2cap, false, true);
            assert_eq!(presented, Err(Interrupted::Link(Ending::ByUs, None)));
            assert_eq!(heard, Some((vec![over.clone()], ending)), "{service}");
            assert_eq!(seconds, STOP.as_secs());
            // What was answered before that was answered.
            let (presented, heard, _) = stopped(service, l2cap, true, true);
            let presented = presented.unwrap();
            assert_eq!((presented.answers, presented.declined), (1, false));
            let (heard, _) = heard.unwrap();
            assert_eq!((heard.len(), heard.last()), (2, Some(&over)));
        }
        let (presented, _, seconds) = stopped(service, false, false, false);
        assert_eq!(presented, Err(Interrupted::Link(Ending::ByUs, None)));
        assert_eq!(seconds, STOP.as_secs(), "nobody came");
    }
}
