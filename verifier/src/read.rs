//! Reading a document face to face: from the engagement to the response.
//!
//! ```
//! use mdoc_verifier::read::{Plan, Times, read};
//! # use mdoc_core::{crypto::{Curve, RustCrypto}, device_request::{ReaderAuth, encode_request}, limits::Limits};
//! # use mdoc_core::{ble::Uuid, engagement::BleOptions, session::DeviceSession};
//! # use mdoc_radio::{Interrupted, memory::Memory};
//! # use rand_core::SeedableRng;
//! # let mut rng = rand_chacha::ChaCha20Rng::from_seed([1; 32]);
//! # let (air, backend) = (Memory::new(517), &RustCrypto);
//! # let options = BleOptions { peripheral_server_uuid: Some([7; 16]), ..BleOptions::default() };
//! # let nobody = DeviceSession::engage(Curve::P256, &options, &mut rng);
//! # let engagement = nobody.engagement();
//! # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
//! // Wherever the engagement comes from: a QR code that was scanned, a file, a test.
//! let plan = Plan::new(engagement, None, Limits::DEFAULT, &mut rng, backend)?;
//! let request = encode_request(&[], &ReaderAuth::None)?; // signed over `plan.transcript()` by a reader with a name
//! match read(&air, plan, &request, &Times::default(), backend).await {
//!     Ok(reading) => println!("{} bytes in {}", reading.response.bytes().len(), reading.service),
//!     Err(interrupted) => assert_eq!(interrupted.code(), "link.no-peer"),
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```

use core::fmt;
use core::pin::pin;
use std::time::{Duration, Instant};

use mdoc_core::ble::l2cap::Psm;
use mdoc_core::ble::link::{Bearer, Ending, Gatt, Oddity, Role, Timeouts};
use mdoc_core::ble::{Service, ident};
use mdoc_core::crypto::{Backend, CryptoRng};
use mdoc_core::device_request::ItemsRequest;
use mdoc_core::device_response::DeviceResponse;
use mdoc_core::engagement::DeviceEngagement;
use mdoc_core::error::DecodeError;
use mdoc_core::limits::Limits;
use mdoc_core::present::age_threshold;
use mdoc_core::session::{MayAsk, ReaderSession, Received, Response, Why};
use mdoc_core::transcript::SessionTranscript;
use mdoc_core::verify::{Accepted, Code, DocumentReport, Outcome, ReasonCode, Report};
use mdoc_radio::{Air, Channel, Event, Interrupted, Offer, Way, Wire, first_ready_until};

/// Whether the wallet answered without a document: its holder released nothing of what was asked, or it has nothing of it.
#[must_use]
pub fn released_nothing(report: &Report<'_>) -> bool {
    let empty = ReasonCode::Document(Code::ResponseEmpty);
    let mut steps = report.documents().iter().flat_map(DocumentReport::steps);
    steps.any(|step| matches!(&step.outcome, Outcome::Failed(reason) if reason.code() == empty))
}

/// The types of documents that were asked for and of which nothing that was asked for is in the answer: a document of another
/// type does not answer for them. One that is there and is not accepted is no concern of this; the report says so.
#[must_use]
pub fn not_shown<'a>(report: &Report<'_>, asked: &'a [ItemsRequest]) -> Vec<&'a str> {
    let shown = |request: &&ItemsRequest| {
        let mut documents = report.documents().iter();
        documents.any(|document| {
            document.doc_type() == Some(&request.doc_type)
                && document
                    .accept()
                    .map_or(true, |accepted| answers(&accepted, request))
        })
    };
    let missing = asked.iter().filter(|request| !shown(request));
    let mut types: Vec<&str> = missing.map(|request| request.doc_type.as_str()).collect();
    types.dedup();
    types
}

/// Whether anything that was asked for is there; an age is asked for by any of its limits (7.2.5).
fn answers(accepted: &Accepted<'_>, request: &ItemsRequest) -> bool {
    let is_age = |identifier: &str| age_threshold(identifier).is_some();
    accepted.elements().iter().any(|element| {
        let mut spaces = request.name_spaces.iter();
        spaces.any(|(name_space, asked)| {
            *name_space == element.name_space
                && asked.iter().any(|asked| {
                    asked.identifier == element.identifier
                        || is_age(&asked.identifier) && is_age(&element.identifier)
                })
        })
    })
}

/// How long what may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// Of one link.
    pub link: Timeouts,
    /// For the mode that comes first alone, before the other mode is tried beside it.
    pub patience: Duration,
    /// For the wallet to begin its answer, its holder included; the answer itself may take as long again. The standard:
    /// not less than 300 seconds.
    pub answer: Duration,
}

/// What the link has beyond the time for the answer.
const SAYING: Duration = Duration::from_secs(1);

/// For our last word to a wallet that did not answer, after which the connection is dropped.
const LAST_WORD: Duration = Duration::from_secs(10);

impl Default for Times {
    fn default() -> Self {
        Self {
            link: Timeouts::default(),
            patience: Duration::from_secs(6),
            answer: Duration::from_secs(300),
        }
    }
}

/// A session that is to be, and the ways to the wallet in the order in which they are tried.
#[derive(Debug)]
pub struct Plan {
    session: ReaderSession<MayAsk>,
    offers: Vec<Offer>,
    /// The mdoc's channel, if it has one.
    psm: Option<Psm>,
    limits: Limits,
}

/// Why an engagement is of no use.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlanError {
    /// It does not decode.
    Engagement(DecodeError),
    /// Its key or its cipher suite cannot be used.
    Session(Why),
    /// It offers no Bluetooth Low Energy.
    NoBluetooth,
    /// It does not offer the mode that was asked for.
    NotOffered(Service),
}

impl PlanError {
    /// Stable for ever: for programs and logs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Engagement(_) => "engagement.malformed",
            Self::Session(why) => why.code(),
            Self::NoBluetooth => "engagement.no-bluetooth",
            Self::NotOffered(_) => "engagement.mode-not-offered",
        }
    }
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Engagement(error) => write!(f, "the engagement does not decode: {error}"),
            Self::Session(why) => write!(f, "no session can be had with this engagement: {why}"),
            Self::NoBluetooth => f.write_str("the wallet does not offer Bluetooth Low Energy"),
            Self::NotOffered(service) => write!(f, "the wallet does not offer {service}"),
        }
    }
}

impl core::error::Error for PlanError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Engagement(error) => Some(error),
            _ => None,
        }
    }
}

impl Plan {
    /// With a new ephemeral key. If the wallet offers both modes, mdoc central client mode comes first, as the standard
    /// recommends, unless our server would lose what the wallet writes ([`Air::loses_long_writes`]); with `only`, there is no
    /// other.
    ///
    /// # Errors
    /// [`PlanError`] if there is no way to this wallet.
    pub fn new(
        engagement: &[u8],
        only: Option<Service>,
        limits: Limits,
        rng: &mut dyn CryptoRng,
        backend: &dyn Backend,
    ) -> Result<Self, PlanError> {
        let engagement = DeviceEngagement::decode(engagement, &limits).map_err(PlanError::Engagement)?;
        // What was passed over is why there is none, if anything was.
        let without = || {
            let fault = engagement.passed_over.first();
            fault.map_or(PlanError::NoBluetooth, |fault| {
                PlanError::Engagement(fault.clone())
            })
        };
        let ble = engagement.ble().ok_or_else(without)?;
        let ident = ident(engagement.e_device_key_bytes.raw(), backend);
        let offers: Vec<Offer> = Offer::all(ble, ident)
            .filter(|offer| only.is_none_or(|only| only == offer.service))
            .collect();
        if offers.is_empty() {
            return Err(only.map_or_else(without, PlanError::NotOffered));
        }
        for fault in &engagement.passed_over {
            tracing::warn!(%fault, "a way to the wallet was passed over");
        }
        let session = ReaderSession::open(&engagement, rng, backend);
        Ok(Self {
            session: session.map_err(|ended| PlanError::Session(ended.why))?,
            offers,
            psm: ble.peripheral_psm.and_then(Psm::of_number),
            limits,
        })
    }

    /// Uses L2CAP where the wallet has it as well: a channel is offered to it, or asked for if the engagement does not say
    /// its number. Whatever goes wrong with that, GATT is used.
    #[must_use]
    pub fn with_l2cap(mut self) -> Self {
        for offer in &mut self.offers {
            offer.channel = match (offer.service, self.psm) {
                (Service::Mdoc, Some(psm)) => Channel::Known(psm),
                _ => Channel::Any,
            };
        }
        self
    }

    /// What the signatures of a reader are over.
    #[must_use]
    pub const fn transcript(&self) -> &SessionTranscript {
        self.session.transcript()
    }

    /// Where our server is known to lose what wallets write, the mode in which we are none comes first.
    fn ways(&self, timeouts: Timeouts, air: &dyn Air) -> Vec<Way> {
        let way = |offer| Way::new(Role::Reader, offer, timeouts, self.limits);
        let mut ways: Vec<Way> = self.offers.iter().map(way).collect();
        if air.loses_long_writes() {
            ways.sort_by_key(|way| way.setup.gatt == Gatt::Server);
        }
        ways
    }
}

/// What came of it. [`Reading::finish`] has to be called: only then has the wallet been told that it is over.
#[derive(Debug)]
pub struct Reading {
    /// The decrypted response, and what it takes to verify it.
    pub response: Response,
    /// In which mode.
    pub service: Service,
    /// How long what took.
    pub took: Took,
    wire: Wire,
}

/// How long what took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Took {
    /// Until the link was open.
    pub connecting: Duration,
    /// From the request to the whole response, the holder's decision included.
    pub answering: Duration,
    /// Of that, decryption.
    pub decrypting: Duration,
}

impl Reading {
    /// Over what.
    #[must_use]
    pub const fn bearer(&self) -> Bearer {
        self.wire.bearer()
    }

    /// What the wallet did that the standard does not have, and that was put up with.
    #[must_use]
    pub fn oddities(&self) -> &[Oddity] {
        self.wire.oddities()
    }

    /// What the radio has to say to whoever sits at the machine.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        self.wire.warnings()
    }

    /// Tells the wallet that it is over; gives how it ended.
    pub async fn end(&mut self) -> Ending {
        self.wire.end_and_wait().await
    }

    /// Tells the wallet that it is over and waits until the connection is closed; gives how it ended.
    pub async fn finish(self) -> (Response, Ending) {
        (self.response, self.wire.finish().await)
    }
}

/// Reaches the wallet, asks, and takes the answer.
///
/// # Errors
/// [`Interrupted`] if the wallet was not reached, did not want to answer, or was lost on the way.
pub async fn read(
    air: &dyn Air,
    plan: Plan,
    request: &[u8],
    times: &Times,
    backend: &dyn Backend,
) -> Result<Reading, Interrupted> {
    read_until(air, plan, request, times, core::future::pending(), backend).await
}

/// As [`read`], unless `stop` comes first: then the wallet is told that the session is over, if it was reached already, and
/// the end is [`Ending::ByUs`].
///
/// # Errors
/// As [`read`].
pub async fn read_until(
    air: &dyn Air,
    plan: Plan,
    request: &[u8],
    times: &Times,
    stop: impl Future<Output = ()>,
    backend: &dyn Backend,
) -> Result<Reading, Interrupted> {
    let mut stop = pin!(stop);
    let began = Instant::now();
    // The link waits as long as we do: we have something to say before it ends.
    let idle = times.link.idle.max(times.answer.saturating_add(SAYING));
    let ways = plan.ways(Timeouts { idle, ..times.link }, air);
    let (service, mut wire) = first_ready_until(air, &ways, times.patience, stop.as_mut()).await?;
    let connecting = began.elapsed();
    tracing::info!(mode = service.mode(), bearer = wire.bearer().name(), "connected");
    let asked = Instant::now();
    match ask(&mut wire, plan, request, (times.answer, stop), backend).await {
        Ok((response, decrypting)) => Ok(Reading {
            response,
            service,
            took: Took {
                connecting,
                answering: asked.elapsed(),
                decrypting,
            },
            wire,
        }),
        Err(interrupted) => {
            let gatt = match service {
                Service::Mdoc => Gatt::Client,
                Service::Reader => Gatt::Server,
            };
            let interrupted = interrupted.over(air, gatt, wire.bearer());
            tracing::info!(code = interrupted.code(), "interrupted");
            let _late = tokio::time::timeout(LAST_WORD, wire.finish()).await;
            Err(interrupted)
        }
    }
}

/// The next message.
async fn message(wire: &mut Wire) -> Result<Vec<u8>, Interrupted> {
    loop {
        match wire.next().await {
            Event::Ready => {}
            Event::Message(message) => return Ok(message),
            Event::Over(ending) => return Err(Interrupted::Link(ending, wire.fault().cloned())),
        }
    }
}

/// The answer, unless it does not come in time; one that has begun to come has as long again.
async fn answer(wire: &mut Wire, patience: Duration) -> Option<Result<Vec<u8>, Interrupted>> {
    let mut message = tokio::time::timeout(patience, message(wire)).await;
    if message.is_err() && wire.is_receiving() {
        message = tokio::time::timeout(patience, self::message(wire)).await;
    }
    message.ok()
}

async fn ask(
    wire: &mut Wire,
    plan: Plan,
    request: &[u8],
    (patience, stop): (Duration, impl Future<Output = ()>),
    backend: &dyn Backend,
) -> Result<(Response, Duration), Interrupted> {
    let session = plan.session.ask(request, backend);
    let (session, hello) = session.map_err(|ended| Interrupted::Session(ended.why))?;
    wire.send(hello);
    let message = tokio::select! {
        biased;
        () = stop => Err(Ending::ByUs),
        message = answer(wire, patience) => message.ok_or(Ending::Idle),
    };
    let message = match message {
        Ok(message) => message?,
        Err(ending) => {
            // Over a channel there is no other way to say so; over GATT, End follows.
            wire.send(session.terminate());
            return Err(Interrupted::Link(ending, None));
        }
    };
    let received = Instant::now();
    match session.receive(&message, &plan.limits, backend) {
        Ok(Received::Last(response)) => Ok((response, received.elapsed())),
        Ok(Received::More(session, response)) => {
            let took = received.elapsed();
            // Why it is nothing, the report of its verification says.
            let decodes = DeviceResponse::decode(response.bytes(), &plan.limits).is_ok();
            wire.send(if decodes {
                session.terminate()
            } else {
                session.refuse()
            });
            Ok((response, took))
        }
        Err(ended) => {
            if let Some(owed) = ended.owed {
                wire.send(owed);
            }
            Err(Interrupted::Session(ended.why))
        }
    }
}

#[cfg(test)]
mod tests;
