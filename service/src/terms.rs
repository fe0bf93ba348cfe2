//! What the organisation decided, besides its profiles: how long things last, how often a code may be tried.

use std::sync::Arc;

use mdoc_issuer::badge::Layouts;
use mdoc_issuer::format::{Catalogue, WhenDisabled};

use crate::domain::code::CodeForm;
use crate::domain::notice::Channel;
use crate::secrets::Secrets;
use crate::usecase::retention::Retention;

/// What every verb needs to know.
#[derive(Debug, Clone)]
pub struct Terms {
    /// The document formats.
    pub formats: Arc<Catalogue>,
    /// The badge layouts.
    pub layouts: Arc<Layouts>,
    /// The key of the service.
    pub secrets: Secrets,
    /// The form of simple authentication codes.
    pub simple_code: CodeForm,
    /// The form of complex ones.
    pub complex_code: CodeForm,
    /// How long an offer may be taken, in seconds.
    pub offer_lifetime: i64,
    /// How long a request waits for somebody who approves or rejects it, in seconds.
    pub request_lifetime: i64,
    /// How often a wrong code may be given for an offer.
    pub code_tries: i64,
    /// The channels over which people can be told something.
    pub channels: Vec<Channel>,
    /// What the addresses of offers begin with: `https://id.example.org/offer/`.
    pub offers: String,
    /// How many may collect at once; none is no limit, zero nobody (E11).
    pub max_sessions: Option<i64>,
    /// How long a collection may take, in seconds, which is also how long its access token is good.
    pub session_lifetime: i64,
    /// How long a wallet may refresh without its holder, in seconds.
    pub refresh_lifetime: i64,
    /// How long what is over is kept.
    pub retention: Retention,
    /// Entries of a status list.
    pub list_size: i64,
}

impl Terms {
    /// What is good for a beginning.
    #[must_use]
    pub fn new(formats: Arc<Catalogue>, secrets: Secrets) -> Self {
        const DAY: i64 = 86_400;
        Self {
            formats,
            layouts: Arc::new(Layouts::shipped()),
            secrets,
            simple_code: CodeForm::default(),
            complex_code: CodeForm::complex(),
            offer_lifetime: 14 * DAY,
            request_lifetime: 90 * DAY,
            code_tries: 5,
            channels: Vec::new(),
            offers: String::new(),
            max_sessions: None,
            session_lifetime: 300,
            refresh_lifetime: 365 * DAY,
            retention: Retention::default(),
            list_size: 1 << 20,
        }
    }

    /// Whether a disabled document of that type is suspended; if not, its copies are revoked, and an enabled one is
    /// fetched anew. The standard knows nothing but revoked for driving licences.
    #[must_use]
    pub fn suspends(&self, doc_type: &str) -> bool {
        let formats = self.formats.entries().iter();
        let mut same = formats.filter(|entry| entry.format.doctype == doc_type);
        same.all(|entry| entry.format.when_disabled == WhenDisabled::Suspended)
    }
}
