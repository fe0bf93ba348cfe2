//! A wallet that keeps nothing: it collects by OpenID4VCI over HTTP, and shows a copy to a reader.

use std::time::Duration;

use mdoc_cli::net::{self, Network, Reach, Terms, unreachable};
use mdoc_cli::system::{self, SystemClock, SystemRandom};
use mdoc_cli::{Exit, Failure};
use mdoc_core::ble::link::Timeouts;
use mdoc_core::crypto::{Curve, RustCrypto, SecretKey, fastest};
use mdoc_core::device_request::{DeviceRequest, ItemsRequest, ReaderAuth, encode_request};
use mdoc_core::engagement::EngagementUri;
use mdoc_core::issuer_signed::IssuerSigned;
use mdoc_core::limits::Limits;
use mdoc_core::present::DeviceKey;
use mdoc_core::seams::{Clock as _, SoftwareKey};
use mdoc_core::session::Response as Reading;
use mdoc_core::x509::path::TrustAnchor;
use mdoc_holder::collect::{
    Around, Copy, Given, Judge, Operation, Outcome, Progress, Request, Response, Start, start,
};
use mdoc_holder::present::{self, Decide, Decision, Modes, Presentation};
use mdoc_holder::question::{Held, Question, Session};
use mdoc_holder::reader::ReaderTrust;
use mdoc_openid::Secret;
use mdoc_radio::Channel;
use mdoc_radio::memory::Memory;
use mdoc_verifier::read::{Plan, Times, read};

/// How long a question may take.
const TIME: Duration = Duration::from_secs(30);

/// Asks the service on this machine, and whoever it names.
pub(super) struct Wallet {
    network: Network,
    random: SystemRandom,
    anchors: Vec<TrustAnchor>,
}

fn failed(why: impl core::fmt::Display) -> Failure {
    Failure::new(why.to_string()).exit(Exit::Rejected)
}

impl Wallet {
    pub(super) fn new(anchors: Vec<TrustAnchor>) -> Result<Self, Failure> {
        Ok(Self {
            network: Network::new(Reach::Everywhere),
            random: system::random()?,
            anchors,
        })
    }

    fn around(&mut self) -> Around<'_> {
        Around {
            now: SystemClock.now(),
            rng: &mut self.random,
            backend: fastest(),
        }
    }

    fn run<O: Operation>(&mut self, mut operation: O) -> Result<O::Done, Failure> {
        loop {
            let request = operation.request(&mut self.around()).map_err(failed)?;
            let response = self.ask(&request).map_err(failed)?;
            match operation.receive(&response, &mut self.around()).map_err(failed)? {
                Progress::Again(next) => operation = next,
                Progress::Done(done) => return Ok(done),
            }
        }
    }

    fn ask(&self, request: &Request) -> Result<Response, net::Unreachable> {
        let (uri, secure) = net::address(&request.url, true)?;
        let agent = self.network.agent(Terms {
            user_agent: "mdoc-service-demo",
            secure,
            redirects: request.post.is_none(),
            time: TIME,
        })?;
        let answered = match &request.post {
            Some((media_type, body)) => {
                let mut question = agent.post(&uri).header("Content-Type", *media_type);
                for (name, value) in &request.headers {
                    question = question.header(*name, value.as_str());
                }
                question.send(body.as_slice())
            }
            None => {
                let mut question = agent.get(&uri);
                for (name, value) in &request.headers {
                    question = question.header(*name, value.as_str());
                }
                question.call()
            }
        };
        let mut answered = answered.map_err(unreachable)?;
        let text = |value: &ureq::http::HeaderValue| value.to_str().ok().map(str::to_owned);
        let headers = answered.headers().iter();
        let headers = headers.filter_map(|(name, value)| Some((name.as_str().to_owned(), text(value)?)));
        Ok(Response {
            status: answered.status().as_u16(),
            headers: headers.collect(),
            body: answered.body_mut().read_to_vec().map_err(unreachable)?,
        })
    }

    /// Takes up an offer: so many copies, each for a key of its own, judged, and acknowledged.
    pub(super) fn collect(
        &mut self,
        link: &str,
        code: Option<&str>,
        copies: usize,
    ) -> Result<Vec<Copy>, Failure> {
        let fetch = match start(link).map_err(failed)? {
            Start::Fetch(fetch) => self.run(fetch)?,
            Start::Have(fetch) => *fetch,
        };
        let described = self.run(fetch)?;
        let plan = self.run(described.server().map_err(failed)?)?;
        let code = code.map(Secret::new);
        let redeem = plan.redeem(code.as_ref(), "mdoc-service-demo", &mut self.around());
        let session = self.run(redeem.map_err(failed)?)?;
        let keys = (0..copies).map(|_| SecretKey::generate(Curve::P256, &mut self.random));
        let keys: Vec<_> = keys.collect();
        let given = self.run(session.documents(keys).map_err(failed)?)?;
        let Given::Now(collected) = given else {
            return Err(failed("the document is to come later"));
        };
        let judge = Judge {
            anchors: &self.anchors,
            now: SystemClock.now(),
        };
        match collected.judge(&judge) {
            Outcome::Unusable(unusable) => Err(failed(unusable.fault())),
            Outcome::Received(received) => {
                let copies = received.copies().to_vec();
                if let Some(notify) = received.kept() {
                    self.run(notify)?;
                }
                Ok(copies)
            }
        }
    }
}

/// Shows a copy to a reader over an air in memory; gives what the reader received.
pub(super) fn show(copy: &Copy, asks: &[ItemsRequest]) -> Result<Reading, Failure> {
    let (limits, backend, mut random) = (Limits::DEFAULT, fastest(), system::random()?);
    let key = SoftwareKey::new(copy.key.clone()).map_err(failed)?;
    let mut holder = Holder { copy, key };
    let shown = Presentation::new(
        Curve::P256,
        Modes::Both,
        Channel::No,
        limits,
        &mut random,
        backend,
    );
    let scanned = EngagementUri::parse(&shown.uri()).map_err(failed)?;
    let plan = Plan::new(&scanned.bytes, None, limits, &mut random, backend).map_err(failed)?;
    let request = encode_request(asks, &ReaderAuth::None).map_err(failed)?;
    let (air, times) = (Memory::new(517), Times::default());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    runtime.map_err(failed)?.block_on(async {
        let reader = async {
            let reading = read(&air, plan, &request, &times, backend)
                .await
                .map_err(failed)?;
            Ok(reading.finish().await.0)
        };
        let (response, presented) =
            tokio::join!(reader, shown.run(&air, &mut holder, Timeouts::default(), backend));
        presented.map_err(failed)?;
        response
    })
}

/// Says yes to everything.
struct Holder<'a> {
    copy: &'a Copy,
    key: SoftwareKey,
}

impl Decide for Holder<'_> {
    async fn decide(&mut self, request: &present::Request<'_>) -> Decision {
        self.answer(request).map_or(Decision::Decline, Decision::Answer)
    }
}

impl Holder<'_> {
    fn answer(&self, request: &present::Request<'_>) -> Option<Vec<u8>> {
        let limits = Limits::DEFAULT;
        let document = IssuerSigned::decode(&self.copy.document, &limits).ok()?;
        let asked = DeviceRequest::decode(request.bytes, &limits).ok()?;
        let session = Session {
            transcript: request.transcript,
            trust: ReaderTrust {
                anchors: &[],
                now: SystemClock.now(),
            },
            limits,
            backend: &RustCrypto,
        };
        let held = [Held {
            document: &document,
            key: DeviceKey::Signature(&self.key),
        }];
        let question = Question::new(&asked, &held, &session).ok()?;
        Some(question.answer(&held, &session).ok()?.response)
    }
}
