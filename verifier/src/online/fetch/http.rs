//! Asking over the network.

use std::fmt;
#[cfg(test)]
use std::net::IpAddr;

use mdoc_cli::net::{self, Network, Terms, unreachable};
use ureq::Body;
use ureq::http::Response;
use ureq::http::header::{CONTENT_ENCODING, CONTENT_TYPE, ETAG};

use super::{Answer, Fetch, Reach, Received, Request, Unreachable};

/// The longest validator that is kept.
const LONGEST_ETAG: usize = 256;

/// Asks the network, by HTTP/1.1, without proxies, cookies, credentials or compression; see [`mdoc_cli::net`].
pub struct HttpFetch(Network);

impl HttpFetch {
    /// Nothing is opened or read yet.
    #[must_use]
    pub const fn new(reach: Reach) -> Self {
        Self(Network::new(reach))
    }

    /// TLS that trusts these certificates, each in DER, and no others.
    #[must_use]
    pub fn trusting(reach: Reach, roots: &[Vec<u8>]) -> Self {
        Self(Network::trusting(reach, roots))
    }

    /// Rules of a test.
    #[cfg(test)]
    pub(super) const fn judging(permits: fn(IpAddr) -> bool) -> Self {
        Self(Network::judging(permits))
    }
}

impl fmt::Debug for HttpFetch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HttpFetch")
    }
}

impl Fetch for HttpFetch {
    fn fetch(&self, request: &Request<'_>) -> Result<Answer, Unreachable> {
        let (uri, secure) = net::address(request.url, request.plain)?;
        let agent = self.0.agent(Terms {
            user_agent: "mdoc-verifier",
            secure,
            redirects: request.post.is_none(),
            time: request.time,
        })?;
        let answered = match request.post {
            Some((media_type, body)) => {
                let mut question = agent
                    .post(&uri)
                    .header("Accept", request.accept)
                    .header("Content-Type", media_type);
                if let Some(authorization) = request.authorization {
                    question = question.header("Authorization", authorization);
                }
                question.send(body)
            }
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
