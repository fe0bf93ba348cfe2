//! What a signed list says: its claims, the same in a CWT and in a JWT.

use std::collections::BTreeSet;

use super::list::{EncodedList, aggregation_uri, write_aggregation_uri};
use super::token::{IDENTIFIER_LIST_CWT, STATUS_LIST_CWT};
use crate::cbor::Item;
use crate::cbor::write::{self, Output};
use crate::error::{DecodeError, Fault};
use crate::limits::Limits;
use crate::time::Timestamp;

/// Bounds on a received list: 4 MiB, and 500,000 CBOR items, so that an identifier list may have some 200,000 entries.
pub const LIMITS: Limits = Limits {
    message: 4 << 20,
    items: 500_000,
    ..Limits::DEFAULT
};

pub(super) const SUBJECT: i64 = 2;
pub(super) const EXPIRES: i64 = 4;
pub(super) const NOT_BEFORE: i64 = 5;
pub(super) const ISSUED_AT: i64 = 6;
/// The type, for those who put it among the claims.
pub(super) const TYPE: i64 = 16;
pub(super) const IDENTIFIER_LIST: i64 = 65530;
pub(super) const STATUS_LIST: i64 = 65533;
pub(super) const TTL: i64 = 65534;

/// What a signed list says.
///
/// ```cddl
/// { 2: tstr, ? 4: int, ? 5: int, 6: int, ? 65534: uint, 65533: StatusList // 65530: IdentifierList }
/// ```
/// Instants are seconds since 1970. Having one says that it decoded, not that anybody signed it; for that see
/// [`super::check`].
///
/// Source: draft-ietf-oauth-status-list, 5; ISO/IEC 18013-5 second edition, 12.3.6.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// Where the list is published: the very text that documents refer to it by.
    pub subject: String,
    /// When it was made.
    pub issued_at: Timestamp,
    /// From when on it is valid, if that is said.
    pub not_before: Option<Timestamp>,
    /// When it expires. The second edition requires it; other lists may lack it.
    pub expires: Option<Timestamp>,
    /// For how many seconds it may be kept before a newer one is asked for; not 0.
    pub ttl: Option<u64>,
    /// The list.
    pub content: Content,
}

/// The two kinds of list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A number for each document, found by its index.
    StatusList(EncodedList),
    /// The identifiers of those that were revoked.
    IdentifierList(IdentifierList),
}

impl Content {
    /// The media type of a CWT with it, which is also what the signed object says it is.
    pub(super) const fn media_type(&self) -> &'static str {
        match self {
            Self::StatusList(_) => STATUS_LIST_CWT,
            Self::IdentifierList(_) => IDENTIFIER_LIST_CWT,
        }
    }
}

/// The identifiers of documents that were revoked.
///
/// ```cddl
/// IdentifierList = { "identifiers": { * bstr => { * (tstr / int) => any } }, ? "aggregation_uri": tstr, * tstr => any }
/// ```
/// What is said of an identifier is passed over: nothing is defined there.
///
/// Source: ISO/IEC 18013-5 second edition, 12.3.6.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IdentifierList {
    /// The identifiers.
    pub identifiers: BTreeSet<Vec<u8>>,
    /// Where the addresses of all lists of the issuer are.
    pub aggregation_uri: Option<String>,
}

impl IdentifierList {
    /// Whether the document with that identifier was revoked.
    #[must_use]
    pub fn contains(&self, id: &[u8]) -> bool {
        self.identifiers.contains(id)
    }

    fn decode(item: Item<'_>) -> Result<Self, DecodeError> {
        let inside = |error: DecodeError| error.within("identifiers");
        let entries = item.member("identifiers")?.expect_map().map_err(inside)?;
        let ids = entries.map(|(id, info)| {
            info.expect_map()?;
            Ok(id.expect_bytes()?.into_owned())
        });
        // All at once: a set is made of hundreds of thousands sooner than they are put into one.
        let identifiers: Result<BTreeSet<_>, DecodeError> = ids.collect();
        Ok(Self {
            identifiers: identifiers.map_err(inside)?,
            aggregation_uri: aggregation_uri(item)?,
        })
    }

    fn write(&self, out: &mut impl Output) {
        write::map(out, 1 + usize::from(self.aggregation_uri.is_some()));
        write::text(out, "identifiers");
        write::map(out, self.identifiers.len());
        for id in &self.identifiers {
            write::bytes(out, id);
            write::map(out, 0);
        }
        write_aggregation_uri(out, self.aggregation_uri.as_deref());
    }
}

impl Claims {
    /// Reads the payload of a CWT.
    ///
    /// # Errors
    /// [`DecodeError`] if a claim is missing or has another type, or there are both kinds of list.
    pub fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        Item::parse(payload, &LIMITS).and_then(Self::read)
    }

    pub(super) fn read(item: Item<'_>) -> Result<Self, DecodeError> {
        item.expect_map()?;
        let claim = |label| item.get_label(label);
        let subject = claim(SUBJECT).ok_or(DecodeError::missing("sub"))?;
        let content = match (claim(STATUS_LIST), claim(IDENTIFIER_LIST)) {
            (Some(list), None) => {
                let list = EncodedList::decode(list);
                Content::StatusList(list.map_err(|error| error.within("status_list"))?)
            }
            (None, Some(list)) => {
                let list = IdentifierList::decode(list);
                Content::IdentifierList(list.map_err(|error| error.within("identifier_list"))?)
            }
            (None, None) => return Err(DecodeError::missing("status_list")),
            (Some(_), Some(_)) => {
                return Err(DecodeError::expected("one kind of list"));
            }
        };
        Ok(Self {
            subject: subject
                .expect_text()
                .map_err(|error| error.within("sub"))?
                .into_owned(),
            issued_at: instant(item, ISSUED_AT, "iat")?.ok_or(DecodeError::missing("iat"))?,
            not_before: instant(item, NOT_BEFORE, "nbf")?,
            expires: instant(item, EXPIRES, "exp")?,
            ttl: claim(TTL).map(ttl).transpose()?,
            content,
        })
    }

    /// The payload of a CWT.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let optional = [
            self.expires.is_some(),
            self.not_before.is_some(),
            self.ttl.is_some(),
        ];
        write::map(&mut out, 3 + optional.into_iter().filter(|there| *there).count());
        write::integer(&mut out, SUBJECT);
        write::text(&mut out, &self.subject);
        for (label, at) in [
            (EXPIRES, self.expires),
            (NOT_BEFORE, self.not_before),
            (ISSUED_AT, Some(self.issued_at)),
        ] {
            if let Some(at) = at {
                write::integer(&mut out, label);
                write::integer(&mut out, at.unix());
            }
        }
        match &self.content {
            Content::StatusList(list) => {
                write::integer(&mut out, STATUS_LIST);
                list.write(&mut out);
            }
            Content::IdentifierList(list) => {
                write::integer(&mut out, IDENTIFIER_LIST);
                list.write(&mut out);
            }
        }
        if let Some(ttl) = self.ttl {
            write::integer(&mut out, TTL);
            write::unsigned(&mut out, ttl);
        }
        out
    }
}

fn instant(claims: Item<'_>, label: i64, name: &'static str) -> Result<Option<Timestamp>, DecodeError> {
    let Some(at) = claims.get_label(label) else {
        return Ok(None);
    };
    match at.integer() {
        Some(seconds) => Ok(Some(Timestamp::from_unix(seconds))),
        None => Err(DecodeError::expected("whole seconds since 1970").within(name)),
    }
}

fn ttl(item: Item<'_>) -> Result<u64, DecodeError> {
    let seconds = item.unsigned().filter(|seconds| *seconds > 0);
    seconds.ok_or(DecodeError::new(Fault::Expected("a number of seconds")).within("ttl"))
}
