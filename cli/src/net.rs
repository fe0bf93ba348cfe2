//! The network as programs meet it: who may be asked, by which TLS, and why there is no answer.
//!
//! HTTP/1.1 without proxies, cookies or compression. Names are resolved once for each connection, and the addresses found
//! are judged and connected to: a name that leads elsewhere a moment later changes nothing, and a redirect is judged as the
//! first address was. TLS trusts the roots of the system, or of the file that `SSL_CERT_FILE` names; they are read when they
//! are first needed.

mod address;

use core::fmt;
use core::time::Duration;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use tracing::debug;
use ureq::Agent;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

pub use self::address::is_public;

/// Redirects that are followed for one question.
pub const MOST_REDIRECTS: u32 = 3;

/// What the header of an answer may take.
const LARGEST_HEADER: usize = 16 * 1024;

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
    /// The rule.
    const fn permits(self) -> fn(IpAddr) -> bool {
        match self {
            Self::Public => is_public,
            Self::Everywhere => |_| true,
        }
    }
}

/// Who may be asked, and whom TLS trusts. Nothing is opened or read before it is needed.
pub struct Network {
    permits: fn(IpAddr) -> bool,
    roots: OnceLock<Option<TlsConfig>>,
}

/// How one question is asked.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// What the program calls itself.
    pub user_agent: &'static str,
    /// Whether all of it goes by TLS.
    pub secure: bool,
    /// Whether redirects are followed, at most [`MOST_REDIRECTS`].
    pub redirects: bool,
    /// The longest time for all of it, redirects and the body included.
    pub time: Duration,
}

impl Network {
    /// TLS trusts the roots of the system.
    #[must_use]
    pub const fn new(reach: Reach) -> Self {
        Self::judging(reach.permits())
    }

    /// A rule of one's own for addresses.
    #[must_use]
    pub const fn judging(permits: fn(IpAddr) -> bool) -> Self {
        Self {
            permits,
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

    /// What asks one question. A status is no error to it.
    ///
    /// # Errors
    /// [`Unreachable::NoRoots`] if TLS is needed and nothing is trusted.
    pub fn agent(&self, terms: Terms) -> Result<Agent, Unreachable> {
        let redirects = if terms.redirects { MOST_REDIRECTS } else { 0 };
        let mut config = Config::builder()
            .http_status_as_error(false)
            // What begins with TLS stays with it.
            .https_only(terms.secure)
            .proxy(None)
            .max_redirects(redirects)
            .user_agent(terms.user_agent)
            .accept_encoding("identity")
            .max_response_header_size(LARGEST_HEADER)
            .max_idle_connections(0)
            .timeout_global(Some(terms.time));
        // Where the first address has no TLS, a redirect may still lead to one that has.
        match self.tls() {
            Ok(tls) => config = config.tls_config(tls),
            Err(none) if terms.secure => return Err(none),
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

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Network")
    }
}

/// Reads an address, and whether it is one of TLS.
///
/// # Errors
/// [`Unreachable::Address`], or [`Unreachable::Insecure`] if it is without TLS and `plain` is not allowed.
pub fn address(url: &str, plain: bool) -> Result<(Uri, bool), Unreachable> {
    let uri: Uri = url.parse().map_err(|_| Unreachable::Address)?;
    let authority = uri.authority().ok_or(Unreachable::Address)?;
    if authority.as_str().contains('@') || authority.host().is_empty() {
        return Err(Unreachable::Address);
    }
    let secure = match uri.scheme_str() {
        Some("https") => true,
        Some("http") if plain => false,
        Some("http") => return Err(Unreachable::Insecure),
        _ => return Err(Unreachable::Address),
    };
    Ok((uri, secure))
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

/// Why there is no answer. Nothing of it says anything about a document.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unreachable {
    /// The address cannot be read, has a user in it, or is not of the web.
    Address,
    /// The address is without TLS, and that is not allowed here.
    Insecure,
    /// The host has no public address, and others are not allowed.
    Private,
    /// The host is not known.
    HostUnknown,
    /// The host does not take the connection, or breaks it; in the words of the system.
    Connection(String),
    /// TLS fails: a certificate that is not trusted, or no common version.
    Tls(String),
    /// No certificates are known that TLS could trust.
    NoRoots,
    /// The time is over.
    Time,
    /// There are more redirects than are followed, or one that leads away from TLS.
    Redirect,
    /// The answer has this status.
    Status(u16),
    /// The answer is larger than is taken.
    TooLarge,
    /// The answer ends early.
    Truncated,
    /// The answer is compressed, which was not asked for.
    Compressed,
    /// The answer is no HTTP.
    Protocol,
}

impl Unreachable {
    /// Stable for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Address => "online.address",
            Self::Insecure => "online.insecure",
            Self::Private => "online.private-address",
            Self::HostUnknown => "online.host-unknown",
            Self::Connection(_) => "online.connection",
            Self::Tls(_) => "online.tls",
            Self::NoRoots => "online.no-roots",
            Self::Time => "online.time",
            Self::Redirect => "online.redirect",
            Self::Status(_) => "online.status",
            Self::TooLarge => "online.too-large",
            Self::Truncated => "online.truncated",
            Self::Compressed => "online.compressed",
            Self::Protocol => "online.protocol",
        }
    }

    /// What may help, if anything on this side can.
    #[must_use]
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Private => Some("--allow-private-addresses allows it, for lists of your own network"),
            Self::Time => Some("--time-limit gives more time"),
            Self::NoRoots => {
                Some("install the certificates of your system, or name a file of them in SSL_CERT_FILE")
            }
            Self::Tls(_) => {
                Some("SSL_CERT_FILE names a file with the roots to trust instead of those of your system")
            }
            _ => None,
        }
    }
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address => f.write_str("the address is not one of the web"),
            Self::Insecure => f.write_str("the address is without TLS"),
            Self::Private => f.write_str("the host is in a private network"),
            Self::HostUnknown => f.write_str("the host is not known"),
            Self::Connection(why) => write!(f, "no connection: {why}"),
            Self::Tls(why) => write!(f, "no secure connection: {why}"),
            Self::NoRoots => f.write_str("no secure connection: this system has no certificates to trust"),
            Self::Time => f.write_str("no answer in time"),
            Self::Redirect => f.write_str("too many redirects, or one that leads away from TLS"),
            Self::Status(status) => write!(f, "answered with status {status}"),
            Self::TooLarge => f.write_str("the answer is larger than allowed"),
            Self::Truncated => f.write_str("the answer ends early"),
            Self::Compressed => f.write_str("the answer is compressed, which was not asked for"),
            Self::Protocol => f.write_str("the answer is no HTTP"),
        }
    }
}

impl core::error::Error for Unreachable {}

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

/// What an error of the library means.
#[must_use]
pub fn unreachable(error: ureq::Error) -> Unreachable {
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
