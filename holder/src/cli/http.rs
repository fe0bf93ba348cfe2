//! Asks the network what a step of collecting wants to know.

use std::time::{Duration, Instant};

use mdoc_cli::net::{self, Network, Reach, Terms, Unreachable, unreachable};
use mdoc_cli::system::{SystemClock, SystemRandom};
use mdoc_cli::{Exit, Failure, system};
use mdoc_core::crypto::fastest;
use mdoc_core::seams::Clock as _;
use mdoc_holder::collect::{Around, CollectError, Operation, Progress, Request, Response};
use mdoc_openid::vci::ErrorCode;

/// Who asks, and within which bounds.
pub(super) struct Http {
    network: Network,
    plain: bool,
    end: Instant,
    random: SystemRandom,
}

/// Why a step was not done.
pub(super) enum Undone {
    /// There was no answer.
    Unreachable(Unreachable, String),
    /// The answer ends it.
    Collect(CollectError),
}

impl From<CollectError> for Undone {
    fn from(error: CollectError) -> Self {
        Self::Collect(error)
    }
}

impl Http {
    /// `everywhere` allows private addresses, and those without TLS.
    pub(super) fn new(everywhere: bool, time: Duration) -> Result<Self, Failure> {
        let reach = if everywhere {
            Reach::Everywhere
        } else {
            Reach::Public
        };
        Ok(Self {
            network: Network::new(reach),
            plain: everywhere,
            end: Instant::now() + time,
            random: system::random()?,
        })
    }

    /// The time that is left for all questions together.
    pub(super) fn left(&self) -> Duration {
        self.end.saturating_duration_since(Instant::now())
    }

    /// What steps need besides answers.
    pub(super) fn around(&mut self) -> Around<'_> {
        Around {
            now: SystemClock.now(),
            rng: &mut self.random,
            backend: fastest(),
        }
    }

    /// Asks until the step is done.
    pub(super) fn run<O: Operation>(&mut self, mut operation: O) -> Result<O::Done, Undone> {
        loop {
            let request = operation.request(&mut self.around())?;
            let response = self.ask(&request).map_err(|why| {
                let host = request.url.split('/').nth(2).unwrap_or_default();
                Undone::Unreachable(why, host.to_owned())
            })?;
            tracing::debug!(method = request.method(), status = response.status, "asked");
            match operation.receive(&response, &mut self.around())? {
                Progress::Again(next) => operation = next,
                Progress::Done(done) => return Ok(done),
            }
        }
    }

    fn ask(&self, request: &Request) -> Result<Response, Unreachable> {
        let (uri, secure) = net::address(&request.url, self.plain)?;
        let time = self.left();
        if time.is_zero() {
            return Err(Unreachable::Time);
        }
        let agent = self.network.agent(Terms {
            user_agent: "mdoc-holder",
            secure,
            // What is posted has codes and tokens in it, which are for this address alone.
            redirects: request.post.is_none(),
            time,
        })?;
        let answered = match &request.post {
            Some((media_type, body)) => {
                let question = agent.post(&uri).header("Content-Type", *media_type);
                with_headers(question, request).send(body.as_slice())
            }
            None => with_headers(agent.get(&uri), request).call(),
        };
        let mut answered = answered.map_err(unreachable)?;
        let status = answered.status().as_u16();
        if (300..400).contains(&status) {
            return Err(Unreachable::Redirect);
        }
        let text = |value: &ureq::http::HeaderValue| value.to_str().ok().map(str::to_owned);
        let headers = answered
            .headers()
            .iter()
            .filter_map(|(name, value)| Some((name.as_str().to_owned(), text(value)?)))
            .collect();
        let largest = u64::try_from(request.largest).unwrap_or(u64::MAX);
        // The limit of the library is met by a body that is as long as it.
        let limited = answered.body_mut().with_config().limit(largest.saturating_add(1));
        let body = limited.read_to_vec().map_err(unreachable)?;
        if body.len() > request.largest {
            return Err(Unreachable::TooLarge);
        }
        Ok(Response {
            status,
            headers,
            body,
        })
    }
}

fn with_headers<B>(question: ureq::RequestBuilder<B>, request: &Request) -> ureq::RequestBuilder<B> {
    let headers = request.headers.iter();
    headers.fold(question, |question, (name, value)| {
        question.header(*name, value.as_str())
    })
}

/// In words, with what may help.
pub(super) fn failure(undone: Undone) -> Failure {
    match undone {
        Undone::Unreachable(why, host) => {
            let failure = Failure::new(format!("{host}: {why}"));
            failure.hint(match why {
                Unreachable::Private => {
                    "--allow-private-addresses allows it, for issuers of your own network"
                }
                Unreachable::Insecure => "--allow-private-addresses allows it, for tries on your own machine",
                Unreachable::Address => "the issuer has to put that right; ask it for another offer",
                why => why
                    .hint()
                    .unwrap_or("try again later; the offer may still be good"),
            })
        }
        Undone::Collect(error) => {
            let failure = Failure::new(error.to_string()).hint(hint(&error));
            match &error {
                CollectError::Refused { status, .. } if (400..500).contains(status) => {
                    failure.exit(Exit::Rejected)
                }
                CollectError::Denied(_) => failure.exit(Exit::Rejected),
                _ => failure,
            }
        }
    }
}

fn hint(error: &CollectError) -> &'static str {
    match error {
        CollectError::TxCodeNeeded => "give it with --code",
        CollectError::TxCodeNotNeeded => "leave --code away",
        CollectError::Offer(_) => "give the whole text of the QR code, between quotation marks",
        CollectError::NotOffered(_) => "leave --document away to take the first that is offered",
        CollectError::Callback(_) => "give the whole address that the browser ended at, of this sign-in",
        CollectError::Denied(_) => "ask the issuer why",
        CollectError::Refused {
            answer: Some(answer), ..
        } => match answer.code() {
            Some(ErrorCode::InvalidGrant) => {
                "the code may be mistyped, used up or too old; the issuer can make a new offer"
            }
            Some(ErrorCode::InvalidTransactionId) => "the issuer does not keep it any longer; collect anew",
            Some(ErrorCode::TemporarilyUnavailable | ErrorCode::ServerError) => "try again later",
            _ => "ask the issuer, and tell it this code",
        },
        CollectError::Refused { status: 500.., .. } => "try again later",
        CollectError::Proof => {
            "the issuer wants attested keys or other algorithms than ES256; another wallet may have them"
        }
        _ => "the issuer has to put that right",
    }
}
