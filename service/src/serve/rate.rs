//! How often one address may ask: by kind of endpoint, with bounded memory.

use core::num::NonZeroU32;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use governor::clock::{Clock as _, MonotonicClock};
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use serde::Deserialize;

use crate::api::remote;
use crate::metrics::Metrics;
use crate::wallets::Proxies;

/// Addresses that are told apart at once; further ones share what one of them may do.
const MOST: usize = 100_000;
/// After so many requests it is looked how many there are.
const LOOK: u32 = 256;

/// How often one address may ask in a minute, and at once; 0 is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rates {
    /// Where codes and tokens could be guessed: offers, tokens, pushed requests, sign-in.
    pub token: u32,
    /// Nonces and challenges.
    pub nonce: u32,
    /// Credentials, at once and later, and notifications.
    pub credential: u32,
    /// Status lists.
    pub status: u32,
    /// The interface for machines.
    pub api: u32,
    /// Where operators sign in.
    pub operator: u32,
    /// Everything else.
    pub other: u32,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            token: 240,
            nonce: 600,
            credential: 600,
            status: 6000,
            api: 30_000,
            operator: 120,
            other: 6000,
        }
    }
}

/// A kind of endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Token,
    Nonce,
    Credential,
    Status,
    Api,
    Operator,
    Other,
}

impl Class {
    const ALL: [Self; 7] = [
        Self::Token,
        Self::Nonce,
        Self::Credential,
        Self::Status,
        Self::Api,
        Self::Operator,
        Self::Other,
    ];

    /// Of the template of a route, with the path that the service's address has before it. None is never limited: a probe
    /// that is refused would have the service stopped.
    fn of(base: &str, route: &str) -> Option<Self> {
        let route = route.strip_prefix(base).unwrap_or(route);
        let begins = |part: &str| route.split('/').nth(1) == Some(part);
        let ends = |parts: &[&str]| {
            let last = route.trim_end_matches('/').rsplit('/').next();
            last.is_some_and(|last| parts.contains(&last))
        };
        if ends(&["health", "ready"]) {
            return None;
        }
        Some(if begins("operator") {
            Self::Operator
        } else if ends(&["token", "par", "authorize", "authorization"]) {
            Self::Token
        } else if begins("api") {
            Self::Api
        } else if begins("offer") {
            Self::Token
        } else if ends(&["nonce", "challenge"]) {
            Self::Nonce
        } else if ends(&["credential", "deferred", "notification"]) {
            Self::Credential
        } else if begins("status") {
            Self::Status
        } else {
            Self::Other
        })
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Nonce => "nonce",
            Self::Credential => "credential",
            Self::Status => "status",
            Self::Api => "api",
            Self::Operator => "operator",
            Self::Other => "other",
        }
    }

    const fn rate(self, rates: &Rates) -> u32 {
        match self {
            Self::Token => rates.token,
            Self::Nonce => rates.nonce,
            Self::Credential => rates.credential,
            Self::Status => rates.status,
            Self::Api => rates.api,
            Self::Operator => rates.operator,
            Self::Other => rates.other,
        }
    }
}

/// Who is counted as one; none is everybody who came when there were too many to tell apart.
type Who = Option<IpAddr>;

struct Gate {
    limiter: RateLimiter<Who, DashMapStateStore<Who>, MonotonicClock>,
    asked: AtomicU32,
    full: AtomicBool,
}

impl Gate {
    fn new(per_minute: u32) -> Option<Self> {
        let quota = Quota::per_minute(NonZeroU32::new(per_minute)?);
        Some(Self {
            limiter: RateLimiter::new(quota, DashMapStateStore::default(), MonotonicClock),
            asked: AtomicU32::new(0),
            full: AtomicBool::new(false),
        })
    }

    /// After how many seconds the address may ask again, if not now.
    fn closed(&self, who: IpAddr) -> Option<u64> {
        if self.asked.fetch_add(1, Ordering::Relaxed).is_multiple_of(LOOK) {
            if self.limiter.len() > MOST / 2 {
                self.limiter.retain_recent();
                self.limiter.shrink_to_fit();
            }
            self.full.store(self.limiter.len() >= MOST, Ordering::Relaxed);
        }
        let who = (!self.full.load(Ordering::Relaxed)).then(|| network(who));
        let no = self.limiter.check_key(&who).err()?;
        Some(no.wait_time_from(MonotonicClock.now()).as_secs() + 1)
    }
}

/// Whoever has an address of IPv6 has all of its 2^64 neighbours.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let mask = u128::from(u64::MAX) << 64;
            Ipv6Addr::from_bits(address.to_bits() & mask).into()
        }
    }
}

/// The limits of a service.
pub(super) struct Limiter {
    gates: Vec<(Class, Gate)>,
    proxies: Proxies,
    base: String,
}

impl Limiter {
    /// For a service whose address has that path before everything.
    pub(super) fn new(rates: &Rates, proxies: Proxies, base: &str) -> Self {
        let gate = |class: Class| Some((class, Gate::new(class.rate(rates))?));
        Self {
            gates: Class::ALL.into_iter().filter_map(gate).collect(),
            proxies,
            base: base.to_owned(),
        }
    }

    fn closed(&self, class: Class, who: IpAddr) -> Option<u64> {
        let (_, gate) = self.gates.iter().find(|(of, _)| *of == class)?;
        gate.closed(who)
    }

    /// Lets the request pass, or says when to come again.
    pub(super) async fn pass(
        self: Arc<Self>,
        metrics: Arc<Metrics>,
        request: Request,
        next: Next,
    ) -> Response {
        let route = request.extensions().get::<MatchedPath>();
        let class = Class::of(&self.base, route.map_or("", MatchedPath::as_str));
        if let (Some(class), Some(who)) = (
            class,
            remote::client(request.extensions(), request.headers(), &self.proxies),
        ) && let Some(seconds) = self.closed(class, who)
        {
            metrics.rate_limited(class.name());
            tracing::warn!(class = class.name(), "somebody asks too often");
            let headers = [
                (header::RETRY_AFTER, HeaderValue::from(seconds)),
                (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
            ];
            return (StatusCode::TOO_MANY_REQUESTS, headers).into_response();
        }
        next.run(request).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn who_asks_too_often_waits_and_nobody_else_does() {
        let rates = Rates {
            token: 3,
            nonce: 0,
            ..Rates::default()
        };
        let limiter = Limiter::new(&rates, Proxies::default(), "");
        let mallory = address("192.0.2.1");
        for _ in 0..3 {
            assert_eq!(limiter.closed(Class::Token, mallory), None);
        }
        let wait = limiter.closed(Class::Token, mallory).unwrap();
        assert!((1..=21).contains(&wait), "{wait}");
        assert_eq!(limiter.closed(Class::Token, address("192.0.2.2")), None);
        assert_eq!(limiter.closed(Class::Status, mallory), None);
        for _ in 0..1000 {
            assert_eq!(limiter.closed(Class::Nonce, mallory), None);
        }
    }

    #[test]
    fn one_network_of_ipv6_is_one_and_ipv4_in_ipv6_is_ipv4() {
        assert_eq!(
            network(address("2001:db8::1")),
            network(address("2001:db8::ffff:1"))
        );
        assert_ne!(
            network(address("2001:db8::1")),
            network(address("2001:db8:0:1::1"))
        );
        assert_eq!(network(address("::ffff:192.0.2.1")), address("192.0.2.1"));
    }

    #[test]
    fn a_flood_of_addresses_takes_no_more_memory() {
        let gate = Gate::new(1).unwrap();
        let many = u32::try_from(MOST * 2).unwrap();
        for number in 0..many {
            let _passed = gate.closed(IpAddr::V4(number.into()));
        }
        let look = usize::try_from(LOOK).unwrap();
        assert!(gate.limiter.len() <= MOST + look, "{}", gate.limiter.len());
        // Those that are not told apart have one allowance together.
        assert!(gate.closed(address("192.0.2.1")).is_some());
    }

    #[test]
    fn every_route_has_a_kind() {
        for (base, route, class) in [
            ("", "/token", Some(Class::Token)),
            ("/tenant", "/tenant/par", Some(Class::Token)),
            ("", "/offer/{secret}", Some(Class::Token)),
            ("", "/nonce", Some(Class::Nonce)),
            ("/t", "/t/credential", Some(Class::Credential)),
            ("", "/deferred", Some(Class::Credential)),
            ("", "/status/{number}", Some(Class::Status)),
            ("", "/api/v1/token", Some(Class::Token)),
            ("", "/api/v1/people", Some(Class::Api)),
            // Machines guess nothing there: they make offers.
            ("/t", "/t/api/v1/documents/{serial}/offer", Some(Class::Api)),
            // What the service's address is called makes no difference.
            ("/api", "/api/offer/{secret}", Some(Class::Token)),
            ("/api", "/api/credential", Some(Class::Credential)),
            ("/offer/status", "/offer/status/api/v1/people", Some(Class::Api)),
            ("", "/.well-known/openid-credential-issuer", Some(Class::Other)),
            ("", "", Some(Class::Other)),
            ("/t", "/t/operator/sign-in", Some(Class::Operator)),
            ("", "/operator/join/{token}", Some(Class::Operator)),
            ("", "/health", None),
            ("/t", "/t/ready", None),
        ] {
            assert_eq!(Class::of(base, route), class, "{base} {route}");
        }
    }
}
