//! Asking over the network.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use tracing::debug;
use ureq::config::Config;
use ureq::http::header::{CONTENT_ENCODING, CONTENT_TYPE, ETAG};
use ureq::http::{Response, Uri};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Body};

use super::{Answer, Fetch, MOST_REDIRECTS, Received, Request, Unreachable};
use crate::online::address::is_public;

/// What the header of an answer may take.
const LARGEST_HEADER: usize = 16 * 1024;

/// The longest validator that is kept.
const LONGEST_ETAG: usize = 256;

/// Which hosts may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reach {
    /// Those with an address of the public Internet.
    #[default]
    Public,
    /// All, also this machine and those of private networks.
    Everywhere,
}

impl Reach {
    const fn permits(self) -> fn(IpAddr) -> bool {
        match self {
            Self::Public => is_public,
            Self::Everywhere => |_| true,
        }
    }
}

/// Asks the network, by HTTP/1.1, without proxies, cookies, credentials or compression.
///
/// Names are resolved once for each connection, and the addresses found are judged and connected to: a name that leads
/// elsewhere a moment later changes nothing, and a redirect is judged as the first address was. TLS trusts the roots of the
/// system, or of the file that `SSL_CERT_FILE` names; they are read when they are first needed.
pub struct HttpFetch {
    permits: fn(IpAddr) -> bool,
    roots: OnceLock<Option<TlsConfig>>,
}

impl HttpFetch {
    /// Nothing is opened or read yet.
    #[must_use]
    pub const fn new(reach: Reach) -> Self {
        Self {
            permits: reach.permits(),
            roots: OnceLock::new(),
        }
    }

    /// TLS that trusts these certificates, each in DER, and no others.
    #[must_use]
    pub fn trusting(reach: Reach, roots: &[Vec<u8>]) -> Self {
        let tls = tls(roots.iter().map(Vec::as_slice));
        Self {
            permits: reach.permits(),
            roots: OnceLock::from(tls),
        }
    }

    /// Rules of a test.
    #[cfg(test)]
    pub(super) const fn judging(permits: fn(IpAddr) -> bool) -> Self {
        Self {
            permits,
            roots: OnceLock::new(),
        }
    }

    fn tls(&self) -> Result<TlsConfig, Unreachable> {
        let load = || {
            let found = rustls_native_certs::load_native_certs();
            debug!(
                roots = found.certs.len(),
                errors = found.errors.len(),
                "roots of the system read"
            );
            tls(found.certs.iter().map(AsRef::as_ref))
        };
        self.roots.get_or_init(load).clone().ok_or(Unreachable::NoRoots)
    }

    fn agent(&self, request: &Request<'_>, secure: bool) -> Result<Agent, Unreachable> {
        let redirects = if request.post.is_some() { 0 } else { MOST_REDIRECTS };
        let mut config = Config::builder()
            .http_status_as_error(false)
            // What begins with TLS stays with it.
            .https_only(secure)
            .proxy(None)
            .max_redirects(redirects)
            .user_agent("mdoc-verifier")
            .accept_encoding("identity")
            .max_response_header_size(LARGEST_HEADER)
            .max_idle_connections(0)
            .timeout_global(Some(request.time));
        // Where the first address has no TLS, a redirect may still lead to one that has.
        match self.tls() {
            Ok(tls) => config = config.tls_config(tls),
            Err(none) if secure => return Err(none),
            Err(_) => config = config.max_redirects(0),
        }
        let resolver = Judged {
            permits: self.permits,
            system: DefaultResolver::default(),
        };
        Ok(Agent::with_parts(
            config.build(),
            DefaultConnector::default(),
            resolver,
        ))
    }
}

impl fmt::Debug for HttpFetch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HttpFetch")
    }
}

fn tls<'a>(roots: impl Iterator<Item = &'a [u8]>) -> Option<TlsConfig> {
    let roots: Vec<_> = roots.map(|der| Certificate::from_der(der).to_owned()).collect();
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    (!roots.is_empty()).then(|| {
        TlsConfig::builder()
            .root_certs(RootCerts::new_with_certs(&roots))
            .unversioned_rustls_crypto_provider(Arc::new(provider))
            .build()
    })
}

impl Fetch for HttpFetch {
    fn fetch(&self, request: &Request<'_>) -> Result<Answer, Unreachable> {
        let uri: Uri = request.url.parse().map_err(|_| Unreachable::Address)?;
        let authority = uri.authority().ok_or(Unreachable::Address)?;
        if authority.as_str().contains('@') || authority.host().is_empty() {
            return Err(Unreachable::Address);
        }
        let secure = match uri.scheme_str() {
            Some("https") => true,
            Some("http") if request.plain => false,
            Some("http") => return Err(Unreachable::Insecure),
            _ => return Err(Unreachable::Address),
        };
        let agent = self.agent(request, secure)?;
        let answered = match request.post {
            Some((media_type, body)) => agent
                .post(&uri)
                .header("Accept", request.accept)
                .header("Content-Type", media_type)
                .send(body),
            None => {
                let mut question = agent.get(&uri).header("Accept", request.accept);
                if let Some(etag) = request.etag {
                    question = question.header("If-None-Match", etag);
                }
                question.call()
            }
        };
        let answered = answered.map_err(unreachable)?;
        take(answered, request)
    }
}

/// Judges status and header before anything of the body is read.
fn take(mut answered: Response<Body>, request: &Request<'_>) -> Result<Answer, Unreachable> {
    match answered.status().as_u16() {
        200 => {}
        304 if request.etag.is_some() => return Ok(Answer::Unchanged),
        300..=399 => return Err(Unreachable::Redirect),
        status => return Err(Unreachable::Status(status)),
    }
    let header = |name| {
        let value = answered.headers().get(name)?;
        value.to_str().ok().map(str::to_owned)
    };
    if let Some(coding) = answered.headers().get(CONTENT_ENCODING)
        && !coding.as_bytes().eq_ignore_ascii_case(b"identity")
    {
        return Err(Unreachable::Compressed);
    }
    let media_type = header(CONTENT_TYPE).map(|stated| {
        let bare = stated.split(';').next().unwrap_or_default();
        bare.trim().to_ascii_lowercase()
    });
    let etag = header(ETAG).filter(|etag| etag.len() <= LONGEST_ETAG);
    let largest = u64::try_from(request.largest).unwrap_or(u64::MAX);
    if answered
        .body()
        .content_length()
        .is_some_and(|length| length > largest)
    {
        return Err(Unreachable::TooLarge);
    }
    // The limit of the library is met by a body that is as long as it.
    let limited = answered.body_mut().with_config().limit(largest.saturating_add(1));
    let body = limited.read_to_vec().map_err(unreachable)?;
    if body.len() > request.largest {
        return Err(Unreachable::TooLarge);
    }
    Ok(Answer::Body(Received {
        media_type,
        etag,
        body,
    }))
}

/// A resolver that leaves out the addresses that may not be asked.
#[derive(Debug)]
struct Judged {
    permits: fn(IpAddr) -> bool,
    system: DefaultResolver,
}

/// The host has only addresses that may not be asked.
#[derive(Debug)]
struct OnlyPrivate;

impl fmt::Display for OnlyPrivate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the host is in a private network")
    }
}

impl std::error::Error for OnlyPrivate {}

impl Resolver for Judged {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self
            .system
            .resolve(uri, config, timeout)
            .map_err(|error| match error {
                // A name that is not known has no kind of its own among the errors of the system.
                ureq::Error::Io(_) => ureq::Error::HostNotFound,
                other => other,
            })?;
        let mut permitted = self.empty();
        for address in found.iter().filter(|address| (self.permits)(address.ip())) {
            permitted.push(*address);
        }
        if permitted.is_empty() {
            return Err(ureq::Error::Other(Box::new(OnlyPrivate)));
        }
        Ok(permitted)
    }
}

fn unreachable(error: ureq::Error) -> Unreachable {
    use ureq::Error as E;
    match error {
        E::BadUri(_) | E::Http(_) => Unreachable::Address,
        E::HostNotFound => Unreachable::HostUnknown,
        E::Timeout(_) => Unreachable::Time,
        E::TooManyRedirects | E::RedirectFailed | E::RequireHttpsOnly(_) => Unreachable::Redirect,
        E::BodyExceedsLimit(_) => Unreachable::TooLarge,
        E::Tls(why) => Unreachable::Tls(why.to_owned()),
        E::Rustls(why) => Unreachable::Tls(why.to_string()),
        E::Other(why) if why.is::<OnlyPrivate>() => Unreachable::Private,
        E::Io(why) => system(&why),
        E::ConnectionFailed => Unreachable::Connection("refused".to_owned()),
        _ => Unreachable::Protocol,
    }
}

/// TLS puts its errors inside those of the system once a connection is there.
fn system(error: &io::Error) -> Unreachable {
    let inner = error.get_ref();
    if let Some(tls) = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return Unreachable::Tls(tls.to_string());
    }
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Unreachable::Truncated,
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Unreachable::Time,
        kind => Unreachable::Connection(kind.to_string()),
    }
}
