//! One question over HTTP, bounded in every way: size, time, redirects, and whom it may reach.

mod http;

use std::time::Duration;

pub use mdoc_cli::net::{MOST_REDIRECTS, Reach, Unreachable};

pub use self::http::HttpFetch;

/// What is asked, and how much of an answer is taken. It may hold secrets, and is not for logs.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// An absolute address, `http` or `https`.
    pub url: &'a str,
    /// The media types to ask for; the header `Accept`.
    pub accept: &'a str,
    /// What to send along: a media type and a body. Then the method is POST, and no redirect is followed.
    pub post: Option<(&'a str, &'a [u8])>,
    /// The header `Authorization`, with a request that is posted. It is a secret.
    pub authorization: Option<&'a str>,
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

#[cfg(test)]
mod tests;
