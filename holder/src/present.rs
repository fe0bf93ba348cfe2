//! Presenting documents face to face: from the engagement to the last answer.
//!
//! The wallet shows [`Presentation::uri`] as a QR code and runs the presentation over an [`Air`]. What a reader asks
//! comes to a [`Decide`] that asks the holder; what it decides goes back.

use core::pin::pin;
use core::time::Duration;

use mdoc_core::ble::link::{Bearer, Ending, Gatt, Oddity, Role, Timeouts};
use mdoc_core::ble::{Service, ident};
use mdoc_core::crypto::{Backend, CryptoRng, Curve, PublicKey};
use mdoc_core::engagement::{BleOptions, DeviceEngagement};
use mdoc_core::limits::Limits;
use mdoc_core::session::{Answered, Asked, DeviceSession, Engaged, SessionData, Status, Why};
use mdoc_core::transcript::SessionTranscript;
use mdoc_radio::{Air, Channel, Event, Interrupted, Offer, Way, Wire, first_ready_until};

/// What a reader asks.
#[derive(Debug)]
pub struct Request<'a> {
    /// The encoded `DeviceRequest`.
    pub bytes: &'a [u8],
    /// What the reader's signature and ours are tied to.
    pub transcript: &'a SessionTranscript,
    /// The reader's ephemeral key, for a device MAC.
    pub reader_key: &'a PublicKey,
}

/// What the holder wants.
#[derive(Debug)]
pub enum Decision {
    /// Send this encoded `DeviceResponse`.
    Answer(Vec<u8>),
    /// Send nothing, and end it.
    Decline,
    /// It is no request: say so, and end it.
    Refuse,
}

/// Who decides. The future may take as long as a person does; it is dropped if the reader goes meanwhile.
pub trait Decide {
    /// What to do with a request.
    fn decide(&mut self, request: &Request<'_>) -> impl Future<Output = Decision>;
}

/// A presentation that is shown, and that nobody has read yet.
#[derive(Debug)]
pub struct Presentation {
    session: DeviceSession<Engaged>,
    offers: Vec<Offer>,
    limits: Limits,
}

/// How a presentation went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presented {
    /// In which mode.
    pub service: Service,
    /// Over what.
    pub bearer: Bearer,
    /// How many requests were answered.
    pub answers: usize,
    /// Whether the holder declined, or what was asked was no request.
    pub declined: bool,
    /// How it ended.
    pub ending: Ending,
    /// What the reader did that the standard does not have, and that was put up with.
    pub oddities: Vec<Oddity>,
    /// What the radio has to say to whoever sits at the machine.
    pub warnings: Vec<String>,
}

/// The modes in which a presentation can be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Modes {
    /// Whichever the reader prefers.
    #[default]
    Both,
    /// This one alone.
    Only(Service),
}

impl Modes {
    fn include(self, service: Service) -> bool {
        match self {
            Self::Both => true,
            Self::Only(only) => only == service,
        }
    }
}

impl Presentation {
    /// A new ephemeral key on the curve, and services that nobody has used before. With a `channel`, L2CAP is used where
    /// the reader has it as well; its number, if it is known ([`Air::listen`]), is in the engagement.
    #[must_use]
    pub fn new(
        curve: Curve,
        modes: Modes,
        channel: Channel,
        limits: Limits,
        rng: &mut dyn CryptoRng,
        backend: &dyn Backend,
    ) -> Self {
        let mut fresh = |service| modes.include(service).then(|| random_uuid(rng));
        let options = BleOptions {
            central_client_uuid: fresh(Service::Reader),
            peripheral_server_uuid: fresh(Service::Mdoc),
            peripheral_psm: match channel {
                Channel::Known(psm) => Some(psm.number().into()),
                Channel::Any | Channel::No => None,
            },
            ..BleOptions::default()
        };
        let session = DeviceSession::engage(curve, &options, rng);
        let ident = DeviceEngagement::decode(session.engagement(), &limits)
            .map(|engagement| ident(engagement.e_device_key_bytes.raw(), backend))
            .unwrap_or_default();
        let offers = Offer::all(&options, ident).map(|offer| Offer {
            channel: match (offer.service, channel) {
                // The reader's number is its own.
                (Service::Reader, Channel::Known(_)) => Channel::Any,
                _ => channel,
            },
            ..offer
        });
        Self {
            offers: offers.collect(),
            session,
            limits,
        }
    }

    /// The text of the QR code.
    #[must_use]
    pub fn uri(&self) -> String {
        self.session.uri()
    }

    /// The encoded `DeviceEngagement`.
    #[must_use]
    pub fn engagement(&self) -> &[u8] {
        self.session.engagement()
    }

    /// Waits for a reader in all modes at once, lets `decide` answer what it asks, until it is over.
    ///
    /// # Errors
    /// [`Interrupted`] if nobody came, or it broke off before a request was answered.
    pub async fn run(
        self,
        air: &dyn Air,
        decide: &mut impl Decide,
        timeouts: Timeouts,
        backend: &dyn Backend,
    ) -> Result<Presented, Interrupted> {
        let never = core::future::pending();
        self.run_until(air, decide, timeouts, never, backend).await
    }

    /// As [`Presentation::run`], unless `stop` comes first: then the reader is told that the session is over, if one was met
    /// already. If nothing was answered, the end is [`Ending::ByUs`].
    ///
    /// # Errors
    /// As [`Presentation::run`].
    pub async fn run_until(
        self,
        air: &dyn Air,
        decide: &mut impl Decide,
        timeouts: Timeouts,
        stop: impl Future<Output = ()>,
        backend: &dyn Backend,
    ) -> Result<Presented, Interrupted> {
        let mut stop = pin!(stop);
        let way = |offer| Way::new(Role::Mdoc, offer, timeouts, self.limits);
        let ways: Vec<Way> = self.offers.iter().map(way).collect();
        let (service, wire) = first_ready_until(air, &ways, Duration::ZERO, stop.as_mut()).await?;
        let bearer = wire.bearer();
        tracing::info!(mode = service.mode(), bearer = bearer.name(), "connected");
        let mut talk = Talk {
            wire,
            limits: self.limits,
            backend,
            answers: 0,
        };
        let ended = tokio::select! {
            biased;
            () = stop => Err(Stop::Told),
            ended = talk.go(self.session, decide) => ended,
        };
        let mut wire = talk.wire;
        if matches!(ended, Err(Stop::Told)) {
            // After an answer that is on its way; over a channel there is no other way to say so, over GATT, End follows.
            wire.send(SessionData::status(Status::Termination).encode());
        }
        let oddities = wire.oddities().to_vec();
        let warnings = wire.warnings().to_vec();
        let fault = wire.fault().cloned();
        let ending = wire.finish().await;
        let gatt = match service {
            Service::Mdoc => Gatt::Server,
            Service::Reader => Gatt::Client,
        };
        let interrupted = |interrupted: Interrupted| Err(interrupted.over(air, gatt, bearer));
        let (declined, answers) = match ended {
            Ok(()) => (false, talk.answers),
            Err(Stop::Declined) => (true, talk.answers),
            Err(Stop::Session(why)) => return interrupted(Interrupted::Session(why)),
            Err(Stop::Told) if talk.answers == 0 => return Err(Interrupted::Link(Ending::ByUs, fault)),
            Err(Stop::Told) if is_good(ending) => (false, talk.answers),
            Err(Stop::Told) => return interrupted(Interrupted::Link(ending, fault)),
            // Whoever has an answer may go as it likes, if all of it has gone.
            Err(Stop::Over(ending)) if talk.answers > 0 && is_good(ending) => (false, talk.answers),
            Err(Stop::Over(ending)) => return interrupted(Interrupted::Link(ending, fault)),
        };
        Ok(Presented {
            service,
            bearer,
            answers,
            declined,
            ending,
            oddities,
            warnings,
        })
    }
}

const fn is_good(ending: Ending) -> bool {
    matches!(ending, Ending::ByUs | Ending::ByPeer | Ending::Disconnected)
}

/// A random UUID (RFC 9562, 5.4).
fn random_uuid(rng: &mut dyn CryptoRng) -> [u8; 16] {
    let mut uuid = [0; 16];
    rng.fill_bytes(&mut uuid);
    let [.., version, _, variant, _, _, _, _, _, _, _] = &mut uuid;
    *version = *version & 0x0f | 0x40;
    *variant = *variant & 0x3f | 0x80;
    uuid
}

/// The conversation over an open link.
struct Talk<'a> {
    wire: Wire,
    limits: Limits,
    backend: &'a dyn Backend,
    answers: usize,
}

/// Why a conversation stops before the reader ends it with a status.
enum Stop {
    /// We were told to.
    Told,
    Declined,
    Session(Why),
    Over(Ending),
}

impl Talk<'_> {
    async fn go(&mut self, session: DeviceSession<Engaged>, decide: &mut impl Decide) -> Result<(), Stop> {
        let message = self.message().await?;
        let accepted = session.accept(&message, &self.limits, self.backend);
        let (mut asked, mut request) = match accepted {
            Ok(accepted) => accepted,
            Err(ended) => return self.ended(ended.why, ended.owed),
        };
        loop {
            let answered = self.answer(asked, &request, decide).await?;
            let message = self.message().await?;
            match answered.receive(&message, &self.limits, self.backend) {
                Ok((next, next_request)) => (asked, request) = (next, next_request),
                Err(ended) => return self.ended(ended.why, ended.owed),
            }
        }
    }

    async fn answer(
        &mut self,
        asked: DeviceSession<Asked>,
        request: &[u8],
        decide: &mut impl Decide,
    ) -> Result<DeviceSession<Answered>, Stop> {
        let question = Request {
            bytes: request,
            transcript: asked.transcript(),
            reader_key: asked.reader_key(),
        };
        let decision = tokio::select! {
            decision = decide.decide(&question) => decision,
            stop = gone(&mut self.wire, &self.limits) => return Err(stop),
        };
        match decision {
            Decision::Answer(response) => {
                let answered = asked.answer(&response, self.backend);
                let (session, message) = answered.map_err(|ended| Stop::Session(ended.why))?;
                self.wire.send(message);
                self.answers += 1;
                Ok(session)
            }
            Decision::Decline => {
                self.wire.send(asked.decline());
                Err(Stop::Declined)
            }
            Decision::Refuse => {
                self.wire.send(asked.refuse());
                Err(Stop::Declined)
            }
        }
    }

    /// The reader's last word is the good end, once it has had an answer.
    fn ended(&mut self, why: Why, owed: Option<Vec<u8>>) -> Result<(), Stop> {
        if let Some(owed) = owed {
            self.wire.send(owed);
        }
        match why {
            Why::ByPeer(Status::Termination) if self.answers > 0 => Ok(()),
            why => Err(Stop::Session(why)),
        }
    }

    async fn message(&mut self) -> Result<Vec<u8>, Stop> {
        loop {
            match self.wire.next().await {
                Event::Ready => {}
                Event::Message(message) => return Ok(message),
                Event::Over(ending) => return Err(Stop::Over(ending)),
            }
        }
    }
}

/// Until the reader goes while the holder thinks. It may say so; a message that is none, or establishes the session a
/// second time, ends it with status 11. Another request is against the order of things, and not decrypted.
async fn gone(wire: &mut Wire, limits: &Limits) -> Stop {
    loop {
        match wire.next().await {
            Event::Ready => {}
            Event::Message(message) => match SessionData::decode(&message, limits) {
                Ok(said) => {
                    if let Some(status) = said.status {
                        return Stop::Session(Why::ByPeer(status));
                    }
                }
                Err(error) => {
                    wire.send(SessionData::status(Status::DecodingError).encode());
                    return Stop::Session(Why::Decode(error));
                }
            },
            Event::Over(ending) => return Stop::Over(ending),
        }
    }
}

#[cfg(test)]
mod tests;
