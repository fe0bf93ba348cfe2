//! The issuer's own status query: about one document, with authentication, answered of this instant.
//!
//! No standard has it. This is the one of `mdoc-service`: a token by OAuth 2.0 client credentials (RFC 6749, 4.4) from
//! `ISSUER/oauth/token`, then the reference of the document to `ISSUER/api/v1/status`. An issuer is asked about those
//! references alone whose list is published under its own address: nobody else learns of a document.

mod asked;
mod file;

use core::fmt;
use std::sync::Mutex;

use mdoc_core::status::{Reference, Told};
use zeroize::Zeroizing;

use self::asked::Token;
pub use self::file::BadQuery;
use super::cache::Key;
use super::gather::Gather;
use super::{Kind, Problem, Supply};

/// Whom to ask, and as whom. Its secret is wiped with it and never shown.
pub struct StatusQuery {
    /// Without a slash at its end.
    issuer: String,
    client: String,
    secret: Zeroizing<String>,
    /// Kept as long as it is good.
    token: Mutex<Option<Token>>,
}

impl StatusQuery {
    /// The issuer's address.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Whether a list of that address is the issuer's.
    fn has(&self, uri: &str) -> bool {
        uri.strip_prefix(&self.issuer)
            .is_some_and(|path| path.starts_with('/'))
    }
}

impl fmt::Debug for StatusQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StatusQuery({})", self.issuer)
    }
}

impl<'i: 's, 's> Gather<'_, 'i, 's> {
    /// Asks the issuer itself, if it is one that may be asked.
    pub(super) fn query(&mut self, reference: Reference<'s>) {
        let uri = reference.uri();
        let Some(query) = self.online.queries.iter().find(|query| query.has(uri)) else {
            return;
        };
        let body = asked::body(reference);
        let key = Key::of(Kind::StatusQuery.id(), uri, &body);
        let given = self.inputs.told.iter().any(|told| told.reference == reference);
        if given || self.was_asked(&key) {
            return;
        }
        let answer = if self.may_ask(key) {
            query.ask(self, &body)
        } else {
            Err(Problem::TooMany)
        };
        let supply = match answer {
            Ok((standing, at)) => {
                self.evidence.told.push(Told {
                    reference,
                    standing,
                    at,
                });
                Supply::Fetched
            }
            Err(problem) => Supply::Missing(problem),
        };
        self.note(Kind::StatusQuery, query.issuer(), supply);
    }
}
