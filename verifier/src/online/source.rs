//! What was asked for, and what came of it.

use core::fmt;

use serde_json::{Value, json};

use super::fetch::Unreachable;

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A token status list.
    StatusList,
    /// An identifier list.
    IdentifierList,
    /// A revocation list of certificates.
    Crl,
    /// The answer of an OCSP responder.
    Ocsp,
    /// The issuer's own answer about one document.
    StatusQuery,
}

impl Kind {
    /// `status-list`, `identifier-list`, `crl`, `ocsp` or `status-query`.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::StatusList => "status-list",
            Self::IdentifierList => "identifier-list",
            Self::Crl => "crl",
            Self::Ocsp => "ocsp",
            Self::StatusQuery => "status-query",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::StatusList => "status list",
            Self::IdentifierList => "identifier list",
            Self::Crl => "revocation list",
            Self::Ocsp => "OCSP answer",
            Self::StatusQuery => "answer to a status query",
        })
    }
}

/// Why a source did not give what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// Nobody was asked.
    Offline,
    /// There is no answer.
    Unreachable(Unreachable),
    /// The answer is of another media type.
    MediaType(String),
    /// The answer is none to rely on: a code, if it has one, and the reason in words.
    Refused(Option<&'static str>, String),
    /// The answer is older than the one that is kept.
    Older,
    /// There were too many questions before.
    TooMany,
}

impl Problem {
    /// Stable for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Offline => "online.offline",
            Self::Unreachable(why) => why.code(),
            Self::MediaType(_) => "online.media-type",
            Self::Refused(Some(code), _) => code,
            Self::Refused(None, _) => "online.refused",
            Self::Older => "online.older",
            Self::TooMany => "online.too-many",
        }
    }

    /// What may help, if anything on this side can.
    #[must_use]
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Unreachable(why) => why.hint(),
            _ => None,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Offline => f.write_str("nobody was asked"),
            Self::Unreachable(why) => why.fmt(f),
            Self::MediaType(found) => write!(f, "the answer is of the type {found}"),
            Self::Refused(_, why) => f.write_str(why),
            Self::Older => f.write_str("the answer is older than the one that is kept"),
            Self::TooMany => f.write_str("not asked for: there were too many questions before"),
        }
    }
}

/// Where evidence is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Supply {
    /// From the network, just now.
    Fetched,
    /// Kept since earlier, and confirmed just now by its server.
    Confirmed,
    /// Kept since earlier, and no newer one is due.
    Kept,
    /// Kept since earlier. A newer one is due, and was not to be had for this reason.
    KeptOld(Problem),
    /// There is none, for this reason.
    Missing(Problem),
}

impl Supply {
    /// `fetched`, `confirmed`, `kept`, `kept-old` or `missing`.
    #[must_use]
    pub const fn id(&self) -> &'static str {
        match self {
            Self::Fetched => "fetched",
            Self::Confirmed => "confirmed",
            Self::Kept => "kept",
            Self::KeptOld(_) => "kept-old",
            Self::Missing(_) => "missing",
        }
    }

    /// Why it is not new, or not there.
    #[must_use]
    pub const fn problem(&self) -> Option<&Problem> {
        match self {
            Self::KeptOld(problem) | Self::Missing(problem) => Some(problem),
            Self::Fetched | Self::Confirmed | Self::Kept => None,
        }
    }
}

/// One piece of evidence that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// What it is.
    pub kind: Kind,
    /// The host that has it. The rest of the address may be of one document alone, and is left out.
    pub host: String,
    /// Where it is from, or why it is not there.
    pub supply: Supply,
}

impl Source {
    /// `{"kind", "host", "supply"}`, with `"code"` and `"message"` if there is a problem.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut out = json!({ "kind": self.kind.id(), "host": self.host, "supply": self.supply.id() });
        if let (Value::Object(out), Some(problem)) = (&mut out, self.supply.problem()) {
            out.insert("code".to_owned(), json!(problem.code()));
            out.insert("message".to_owned(), json!(problem.to_string()));
        }
        out
    }
}

impl fmt::Display for Source {
    /// A sentence without a full stop.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, host) = (self.kind, &self.host);
        match &self.supply {
            Supply::Fetched => write!(f, "{kind} of {host} fetched"),
            Supply::Confirmed => write!(f, "{kind} of {host} kept, and confirmed just now"),
            Supply::Kept => write!(f, "{kind} of {host} kept"),
            Supply::KeptOld(problem) => write!(f, "{kind} of {host} kept, no newer one: {problem}"),
            Supply::Missing(problem) => write!(f, "no {kind} of {host}: {problem}"),
        }
    }
}
