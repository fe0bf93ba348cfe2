//! Collecting documents over OpenID4VCI, as steps that take answers of HTTP and give requests.
//!
//! Nothing here opens a connection. Each step is an [`Operation`]: it says what to ask, takes the answer, and is then done
//! or wants to ask again, for example with the nonce that a server insists on. What a step is done with has the next steps:
//!
//! ```text
//! FetchOffer → FetchIssuer → Described → FetchServer → Plan ─┬─ tx_code ────────────────→ GetToken → Session
//!                                                            └─ Authorize → browser ───→ GetToken → Session
//! Session → GetDocuments ─┬─ Received → Notify        Pending → GetDeferred → …        Refused session → Notify
//!                         └─ Session::refresh → GetToken
//! ```
//!
//! What is received is judged before it is called received: see [`check`]. Keys have to be kept before
//! [`Session::documents`] is asked with them, and documents before [`Received::kept`] says to the issuer that they are.
//!
//! Source: OpenID4VCI 1.0; RFC 9449; the messages are those of `mdoc_openid::vci`.

mod badge;
pub mod check;
mod discover;
mod documents;
mod notify;
mod session;
#[cfg(test)]
mod tests;
mod token;

use core::fmt;

use mdoc_core::crypto::{Backend, CryptoRng};
use mdoc_core::time::Timestamp;
use mdoc_openid::jose::{JweError, JwsError};
use mdoc_openid::vci::authorization::CallbackError;
use mdoc_openid::vci::credential::ResponseError;
use mdoc_openid::vci::error::ErrorAnswer;
use mdoc_openid::vci::metadata::MetadataError;
use mdoc_openid::vci::offer::OfferError;
use mdoc_openid::vci::server::ServerError;
use zeroize::Zeroizing;

pub use self::badge::{BadgeFault, check as check_badge};
pub use self::check::{DocumentFault, Judge};
pub use self::discover::{Described, FetchIssuer, FetchOffer, FetchServer, Plan, Start, start};
pub use self::documents::{
    Collected, Copy, GetDeferred, GetDocuments, Given, Outcome, Pending, Received, Unusable,
};
pub use self::notify::Notify;
pub use self::session::Session;
pub use self::token::{Authorize, GetToken, Push, Waiting};

/// The largest answer that is taken, in bytes: a batch of documents with portraits, and a badge.
pub const LARGEST_ANSWER: usize = mdoc_openid::vci::credential::LARGEST_ANSWER;

/// The largest metadata or token that is taken, in bytes.
pub const LARGEST_MESSAGE: usize = 1024 * 1024;

/// What comes from outside: the time, randomness, and who computes.
pub struct Around<'a> {
    /// The present.
    pub now: Timestamp,
    /// Randomness.
    pub rng: &'a mut dyn CryptoRng,
    /// Who computes.
    pub backend: &'a dyn Backend,
}

/// A request of HTTP.
#[derive(Clone)]
pub struct Request {
    /// The address.
    pub url: String,
    /// Headers besides those of the body.
    pub headers: Vec<(&'static str, Zeroizing<String>)>,
    /// Media type and body: then the method is POST, else GET.
    pub post: Option<(&'static str, Zeroizing<Vec<u8>>)>,
    /// The most octets of the answer's body.
    pub largest: usize,
}

impl Request {
    fn get(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            headers: vec![("Accept", Zeroizing::new("application/json".to_owned()))],
            post: None,
            largest: LARGEST_MESSAGE,
        }
    }

    fn post(url: &str, media_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            post: Some((media_type, Zeroizing::new(body.into()))),
            ..Self::get(url)
        }
    }

    fn form(url: &str, body: String) -> Self {
        Self::post(url, "application/x-www-form-urlencoded", body)
    }

    fn with(mut self, header: &'static str, value: String) -> Self {
        self.headers.push((header, Zeroizing::new(value)));
        self
    }

    /// The method.
    #[must_use]
    pub const fn method(&self) -> &'static str {
        if self.post.is_some() { "POST" } else { "GET" }
    }
}

impl fmt::Debug for Request {
    /// Without header and body: tokens and codes are in them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method(), self.url)
    }
}

/// An answer of HTTP, whatever its status.
#[derive(Clone, Default)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The headers; names without regard to case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// A header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self
            .headers
            .iter()
            .filter(|(known, _)| known.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.as_str())
    }

    const fn is_good(&self) -> bool {
        self.status >= 200 && self.status < 300
    }

    /// What a refusal says.
    fn refusal(&self, at: Step) -> CollectError {
        let answer = ErrorAnswer::decode(&self.body).ok();
        CollectError::Refused {
            at,
            status: self.status,
            answer,
        }
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} bytes)", self.status, self.body.len())
    }
}

/// A step.
pub trait Operation: Sized {
    /// What it is done with.
    type Done;

    /// What to ask.
    ///
    /// # Errors
    /// [`CollectError`] if there is no way to ask.
    fn request(&mut self, around: &mut Around<'_>) -> Result<Request, CollectError>;

    /// Takes the answer.
    ///
    /// # Errors
    /// [`CollectError`] if it ends here.
    fn receive(self, response: &Response, around: &mut Around<'_>) -> Result<Progress<Self>, CollectError>;
}

/// After an answer.
#[derive(Debug)]
pub enum Progress<O: Operation> {
    /// There is more to ask.
    Again(O),
    /// It is done.
    Done(O::Done),
}

/// Where something went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Getting the offer.
    Offer,
    /// Getting the metadata of the issuer.
    Issuer,
    /// Getting the metadata of the authorization server.
    Server,
    /// Leaving the authorization request.
    Push,
    /// Signing in.
    Authorization,
    /// Getting a token.
    Token,
    /// Getting a nonce.
    Nonce,
    /// Getting the documents.
    Credential,
    /// Asking for them later.
    Deferred,
    /// Saying what became of them.
    Notification,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Offer => "the offer",
            Self::Issuer => "the metadata of the issuer",
            Self::Server => "the metadata of the authorization server",
            Self::Push => "the authorization request",
            Self::Authorization => "the sign-in",
            Self::Token => "the token",
            Self::Nonce => "the nonce",
            Self::Credential => "the documents",
            Self::Deferred => "the documents that were to come later",
            Self::Notification => "the notification",
        })
    }
}

/// Why documents were not collected.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CollectError {
    /// The offer cannot be used.
    Offer(OfferError),
    /// The metadata of the issuer cannot be used.
    Issuer(MetadataError),
    /// The metadata of the authorization server cannot be used.
    Server(ServerError),
    /// An endpoint that is needed is not in the metadata.
    Missing(&'static str),
    /// None of what is offered is a mobile document that the metadata describes.
    NoDocument,
    /// This is not among what is offered.
    NotOffered(String),
    /// The offer has no such grant.
    NoGrant,
    /// A transaction code is asked for.
    TxCodeNeeded,
    /// A transaction code was given, and none is asked for.
    TxCodeNotNeeded,
    /// What the browser brought back is not taken.
    Callback(CallbackError),
    /// The person, or the server, said no to the sign-in; with the code of the error.
    Denied(String),
    /// The server or the issuer refuses.
    Refused {
        /// What.
        at: Step,
        /// The status.
        status: u16,
        /// What it says, if that can be read.
        answer: Option<ErrorAnswer>,
    },
    /// An answer cannot be read.
    Unreadable(Step),
    /// The answer with documents cannot be read.
    Response(ResponseError),
    /// Proofs are asked for in a way that we do not have.
    Proof,
    /// The issuer wants encryption that we do not have, or encrypted wrongly.
    Encryption(Option<JweError>),
    /// Something was not signed.
    Sign(JwsError),
}

impl fmt::Display for CollectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Offer(fault) => fault.fmt(f),
            Self::Issuer(fault) => fault.fmt(f),
            Self::Server(fault) => fault.fmt(f),
            Self::Missing(endpoint) => write!(f, "the metadata has no {endpoint}"),
            Self::NoDocument => f.write_str("no mobile document is offered"),
            Self::NotOffered(what) => write!(f, "{what} is not among what is offered"),
            Self::NoGrant => f.write_str("the offer cannot be taken up in this way"),
            Self::TxCodeNeeded => f.write_str("a code is needed, which the issuer sent another way"),
            Self::TxCodeNotNeeded => f.write_str("a code was given, and the offer asks for none"),
            Self::Callback(fault) => fault.fmt(f),
            Self::Denied(code) => write!(f, "the sign-in was refused: {code}"),
            Self::Refused { at, status, answer } => {
                write!(f, "{at} was refused with status {status}")?;
                if let Some(answer) = answer {
                    write!(f, ": {}", answer.error)?;
                    if let Some(description) = &answer.error_description {
                        write!(f, " ({description})")?;
                    }
                }
                Ok(())
            }
            Self::Unreadable(at) => write!(f, "the answer with {at} cannot be read"),
            Self::Response(fault) => fault.fmt(f),
            Self::Proof => f.write_str("the issuer asks for proofs of keys that this wallet cannot give"),
            Self::Encryption(None) => {
                f.write_str("the issuer asks for encryption that this wallet does not have")
            }
            Self::Encryption(Some(fault)) => fault.fmt(f),
            Self::Sign(fault) => fault.fmt(f),
        }
    }
}

impl core::error::Error for CollectError {}
