//! One question over HTTP, bounded in every way: size, time, redirects, and whom it may reach.

mod http;

use core::fmt;
use std::time::Duration;

pub use self::http::{HttpFetch, Reach};

/// Redirects that are followed for one question.
pub const MOST_REDIRECTS: u32 = 3;

/// What is asked, and how much of an answer is taken.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// An absolute address, `http` or `https`.
    pub url: &'a str,
    /// The media types to ask for; the header `Accept`.
    pub accept: &'a str,
    /// What to send along: a media type and a body. Then the method is POST, and no redirect is followed.
    pub post: Option<(&'a str, &'a [u8])>,
    /// The validator that came with an earlier answer; the header `If-None-Match`.
    pub etag: Option<&'a str>,
    /// The most octets of the answer's body.
    pub largest: usize,
    /// The longest time for all of it, redirects and the body included.
    pub time: Duration,
    /// Whether the answer may come without TLS: for what is signed and not secret.
    pub plain: bool,
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// This.
    Body(Received),
    /// That the earlier answer is still the present one (304).
    Unchanged,
}

/// An answer with a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The media type without parameters, in lower case, if it was stated.
    pub media_type: Option<String>,
    /// The validator to ask with the next time, if there is one.
    pub etag: Option<String>,
    /// The octets.
    pub body: Vec<u8>,
}

/// Who asks. [`HttpFetch`] asks the network; tests and programs with rules of their own for the network pass another.
pub trait Fetch {
    /// Asks once, within the bounds of the request.
    ///
    /// # Errors
    /// [`Unreachable`] if there is no answer that may be used.
    fn fetch(&self, request: &Request<'_>) -> Result<Answer, Unreachable>;
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

#[cfg(test)]
mod tests;
