//! What was collected at one time: copies of one document, each with its key, and how to get more.

use mdoc_cli::Failure;
use mdoc_core::crypto::{Curve, SecretKey};
use mdoc_core::time::Timestamp;
use mdoc_openid::Secret;
use mdoc_openid::jose::{base64url, from_base64url};
use mdoc_openid::vci::credential::{Badge, BadgeSide};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::collect::{self, BadgeFault, Received, Session};

/// A record of a wallet.
#[derive(Debug, Clone)]
pub struct Record {
    /// Its name.
    pub id: String,
    /// How far it has come.
    pub state: State,
    /// The issuer's identifier.
    pub issuer: String,
    /// The document type.
    pub doc_type: String,
    /// When it was begun.
    pub collected: Timestamp,
    /// The copies.
    pub copies: Vec<Held>,
    /// How to get more.
    pub session: Option<Session>,
    /// The document as a picture, as the issuer drew it with the copies.
    pub badge: Option<Badge>,
    /// The record that it takes the place of once its documents are there.
    pub replaces: Option<String>,
}

/// How far a record has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The keys are there, and documents were asked for.
    Requested,
    /// The issuer has documents later, under the name of this transaction.
    Pending(String),
    /// The documents are there.
    Ready,
}

/// A key, and the document that is bound to it.
#[derive(Clone)]
pub struct Held {
    /// The key.
    pub key: SecretKey,
    /// The encoded `IssuerSigned`, once it is there.
    pub document: Option<Vec<u8>>,
    /// When it was shown last; a copy that was shown can be recognised by who sees it again.
    pub used: Option<Timestamp>,
}

impl core::fmt::Debug for Held {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let there = self.document.is_some();
        f.debug_struct("Held")
            .field("document", &there)
            .field("used", &self.used)
            .finish()
    }
}

impl Record {
    /// A record of new keys, for which no document is there yet.
    #[must_use]
    pub fn requested(id: String, session: &Session, keys: &[SecretKey], now: Timestamp) -> Self {
        let held = |key: &SecretKey| Held {
            key: key.clone(),
            document: None,
            used: None,
        };
        Self {
            id,
            state: State::Requested,
            issuer: session.issuer().to_owned(),
            doc_type: session.doc_type().unwrap_or_default().to_owned(),
            collected: now,
            copies: keys.iter().map(held).collect(),
            session: None,
            badge: None,
            replaces: None,
        }
    }

    /// Takes the documents that were received for its keys. Keys without a document are of no use any more; the badge of
    /// before is that of other documents. [`Self::take_badge`] comes after they are written.
    pub(super) fn take(&mut self, received: &Received) {
        for copy in &mut self.copies {
            let same = |got: &&collect::Copy| got.key.public_key() == copy.key.public_key();
            let got = received.copies().iter().find(same);
            copy.document = got.map(|got| got.document.clone());
        }
        self.copies.retain(|copy| copy.document.is_some());
        self.state = State::Ready;
        self.session = Some(received.session().clone());
        self.badge = None;
    }

    /// Takes the badge, if one came; gives whether it did.
    ///
    /// # Errors
    /// [`BadgeFault`] if it is not to be kept.
    pub(super) fn take_badge(&mut self, received: &Received) -> Result<bool, BadgeFault> {
        self.badge = received.badge().transpose()?.cloned();
        Ok(self.badge.is_some())
    }

    /// Copies that were not shown yet, and all that are there.
    #[must_use]
    pub fn count(&self) -> (usize, usize) {
        let there = || self.copies.iter().filter(|copy| copy.document.is_some());
        (
            there().filter(|copy| copy.used.is_none()).count(),
            there().count(),
        )
    }

    /// The number of the copy to show next: one that was not shown, or else the one that was shown the longest ago.
    #[must_use]
    pub fn next(&self) -> Option<usize> {
        let there = self
            .copies
            .iter()
            .enumerate()
            .filter(|(_, copy)| copy.document.is_some());
        // None comes before any time.
        there.min_by_key(|(at, copy)| (copy.used, *at)).map(|(at, _)| at)
    }

    pub(super) fn encode(&self) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let stored = Stored {
            state: self.state.clone(),
            issuer: self.issuer.clone(),
            doc_type: self.doc_type.clone(),
            collected: self.collected.unix(),
            copies: self.copies.iter().map(StoredCopy::of).collect(),
            session: self.session.clone(),
            badge: self.badge.as_ref().map(StoredBadge::of),
            replaces: self.replaces.clone(),
        };
        serde_json::to_vec(&stored)
            .map(Zeroizing::new)
            .map_err(|_| Failure::new("the record cannot be written"))
    }

    pub(super) fn decode(id: &str, plain: &[u8]) -> Option<Self> {
        let stored: Stored = serde_json::from_slice(plain).ok()?;
        let copies = stored.copies.iter().map(StoredCopy::read);
        Some(Self {
            id: id.to_owned(),
            state: stored.state,
            issuer: stored.issuer,
            doc_type: stored.doc_type,
            collected: Timestamp::from_unix(stored.collected),
            copies: copies.collect::<Option<_>>()?,
            session: stored.session,
            badge: match &stored.badge {
                None => None,
                Some(badge) => Some(badge.read()?),
            },
            replaces: stored.replaces,
        })
    }
}

#[derive(Serialize, Deserialize)]
struct Stored {
    state: State,
    issuer: String,
    doc_type: String,
    collected: i64,
    copies: Vec<StoredCopy>,
    session: Option<Session>,
    /// Records of before there were badges do not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    badge: Option<StoredBadge>,
    /// Nor do those that were collected for the first time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replaces: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct StoredCopy {
    key: Secret,
    document: Option<Secret>,
    used: Option<i64>,
}

impl StoredCopy {
    fn of(copy: &Held) -> Self {
        Self {
            // All are on P-256, which every issuer takes.
            key: Secret::new(base64url(copy.key.dangerous_bytes())),
            document: copy
                .document
                .as_deref()
                .map(|bytes| Secret::new(base64url(bytes))),
            used: copy.used.map(Timestamp::unix),
        }
    }

    fn read(&self) -> Option<Held> {
        let scalar = from_base64url(self.key.expose()).map(Zeroizing::new)?;
        let document = match &self.document {
            None => None,
            Some(text) => Some(from_base64url(text.expose())?),
        };
        Some(Held {
            key: SecretKey::from_bytes(Curve::P256, &scalar).ok()?,
            document,
            used: self.used.map(Timestamp::from_unix),
        })
    }
}

#[derive(Serialize, Deserialize)]
struct StoredBadge {
    front: StoredSide,
    back: Option<StoredSide>,
}

#[derive(Serialize, Deserialize)]
struct StoredSide {
    svg: Secret,
    png: Secret,
}

impl StoredBadge {
    fn of(badge: &Badge) -> Self {
        Self {
            front: StoredSide::of(&badge.front),
            back: badge.back.as_ref().map(StoredSide::of),
        }
    }

    fn read(&self) -> Option<Badge> {
        Some(Badge {
            front: self.front.read()?,
            back: match &self.back {
                None => None,
                Some(back) => Some(back.read()?),
            },
        })
    }
}

impl StoredSide {
    fn of(side: &BadgeSide) -> Self {
        Self {
            svg: Secret::new(side.svg.as_str()),
            png: Secret::new(base64url(&side.png)),
        }
    }

    fn read(&self) -> Option<BadgeSide> {
        Some(BadgeSide {
            svg: self.svg.expose().to_owned(),
            png: from_base64url(self.png.expose())?,
        })
    }
}
