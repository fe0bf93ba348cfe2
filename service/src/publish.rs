//! The signed lists, ready to be sent: made when something changed or their time runs out, and kept in memory.
//!
//! The bits are kept too, so that a change of one among a million costs a compression and a signature, not a million rows.

mod packed;

use std::collections::{BTreeSet, HashMap};
use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use core::fmt;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use mdoc_core::seams::SignerError;
use mdoc_core::status::{
    Bits, BuildError, Claims, Content, EncodedList, IDENTIFIER_LIST_CWT, IdentifierList, STATUS_LIST_CWT,
    StatusList,
};
use mdoc_core::time::Timestamp;
use mdoc_core::x509::Certificate;
use mdoc_openid::jose::base64url;
use sha2::{Digest, Sha256};
use tokio::sync::Mutex as AsyncMutex;

use self::packed::Packed;
use crate::metrics::Metrics;
use crate::service::Identity;
use crate::store::{Row, Store, StoreError, Tx};

/// A list as it is sent.
pub struct Published {
    /// The CWT.
    pub cwt: Bytes,
    /// Its media type.
    pub media_type: &'static str,
    /// What tells one version from another.
    pub tag: String,
    /// For how long it may be kept before it is asked for again, in seconds.
    pub ttl: u32,
    signed: Timestamp,
    entries: u64,
    claims: Claims,
    /// The JWT, made when the first one asks for it.
    jwt: OnceLock<Option<Jwt>>,
}

/// A JWT in the two forms in which it is sent.
#[derive(Debug)]
pub struct Jwt {
    /// As it is.
    pub plain: Bytes,
    /// Compressed by gzip.
    pub gzip: Bytes,
}

/// How long lists are good.
#[derive(Debug, Clone, Copy)]
pub struct Lifetimes {
    /// From the signature to the end, in seconds.
    pub expiry: i64,
    /// Until it is asked for again, in seconds.
    pub ttl: u32,
    /// For how many seconds a node need not ask the database whether another node changed something.
    pub look: i64,
}

impl Default for Lifetimes {
    /// A day, five minutes, not at all: what another node or the command line changed is told at once.
    fn default() -> Self {
        Self {
            expiry: 86_400,
            ttl: 300,
            look: 0,
        }
    }
}

/// Why there is no list to send.
#[derive(Debug)]
#[non_exhaustive]
pub enum PublishError {
    /// There is none of that number.
    Unknown,
    /// The database could not.
    Store(StoreError),
    /// The key did not sign.
    Signer(SignerError),
    /// A list of that size or kind cannot be made.
    Build(String),
}

impl fmt::Display for PublishError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("there is no such list"),
            Self::Store(error) => error.fmt(f),
            Self::Signer(error) => write!(f, "the list was not signed: {error}"),
            Self::Build(why) => write!(f, "the list cannot be made: {why}"),
        }
    }
}

impl core::error::Error for PublishError {}

impl From<StoreError> for PublishError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<SignerError> for PublishError {
    fn from(error: SignerError) -> Self {
        Self::Signer(error)
    }
}

impl From<BuildError> for PublishError {
    fn from(error: BuildError) -> Self {
        Self::Build(error.to_string())
    }
}

/// Makes and keeps the lists.
pub struct Publisher {
    maker: Arc<Maker>,
    /// Counts what this node wrote: what was looked up before is looked up again.
    written: AtomicU64,
    lists: Mutex<HashMap<i64, Arc<AsyncMutex<Kept>>>>,
}

/// What makes lists.
struct Maker {
    signer: Identity,
    /// What addresses of lists begin with.
    prefix: String,
    lifetimes: Lifetimes,
}

#[derive(Default)]
struct Kept {
    entries: Option<Entries>,
    published: Option<Arc<Published>>,
    changes: i64,
    /// When the database was last asked, and what this node had written then.
    looked: Option<(Timestamp, u64)>,
    /// When the last look began: it saw what was there for whoever asked before.
    began: Option<Instant>,
}

enum Entries {
    Bits(Packed),
    Identifiers(BTreeSet<Vec<u8>>),
}

/// What the database says of a list.
struct Found {
    kind: String,
    bits: i64,
    size: i64,
    changes: i64,
    /// Entries that changed since the number of changes that was followed: place, identifier, status.
    rows: Vec<(i64, Option<Vec<u8>>, i64)>,
}

impl Publisher {
    /// Lists at `prefix/NUMBER`, signed by a status signer.
    #[must_use]
    pub fn new(signer: Identity, prefix: String, lifetimes: Lifetimes) -> Self {
        Self {
            maker: Arc::new(Maker {
                signer,
                prefix,
                lifetimes,
            }),
            written: AtomicU64::new(0),
            lists: Mutex::default(),
        }
    }

    /// What addresses of lists begin with.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.maker.prefix
    }

    /// The certificate of who signs.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        &self.maker.signer.certificate
    }

    /// The JWT of a list, made when the first one asks for it; none for lists of identifiers.
    ///
    /// # Errors
    /// [`PublishError`] if it cannot be signed.
    pub async fn jwt<'p>(&self, list: &'p Arc<Published>) -> Result<Option<&'p Jwt>, PublishError> {
        if let Some(made) = list.jwt.get() {
            return Ok(made.as_ref());
        }
        let (maker, signed) = (Arc::clone(&self.maker), Arc::clone(list));
        let made = elsewhere(move || maker.jwt(&signed.claims)).await?;
        Ok(list.jwt.get_or_init(|| made).as_ref())
    }

    /// Notes what the lists are like that were sent.
    pub fn measure(&self, metrics: &Metrics, now: Timestamp) {
        let lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        for (number, kept) in lists.iter() {
            // One that is being made is told of the next time.
            let published = kept.try_lock().ok().and_then(|kept| kept.published.clone());
            if let Some(list) = published {
                let age = now.unix() - list.signed.unix();
                metrics.list(*number, age, (list.entries, list.cwt.len()));
            }
        }
    }

    /// Says that this node changed something: whoever asks from now on is told.
    pub fn changed(&self) {
        self.written.fetch_add(1, Ordering::Release);
    }

    /// The list of that number as of now.
    ///
    /// # Errors
    /// [`PublishError`].
    pub async fn get(
        &self,
        store: &Store,
        list: i64,
        now: Timestamp,
    ) -> Result<Arc<Published>, PublishError> {
        let kept = {
            let mut lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(lists.entry(list).or_default())
        };
        let asked = Instant::now();
        let mut kept = kept.lock_owned().await;
        // Who waited for one that looked meanwhile is told the same.
        if let (Some(began), Some(published)) = (kept.began, &kept.published)
            && began > asked
            && !self.maker.is_old(published, now)
        {
            return Ok(Arc::clone(published));
        }
        let written = self.written.load(Ordering::Acquire);
        let fresh = kept.looked.is_some_and(|(at, before)| {
            before == written && (0..self.maker.lifetimes.look).contains(&(now.unix() - at.unix()))
        });
        if let (true, Some(published)) = (fresh, &kept.published)
            && !self.maker.is_old(published, now)
        {
            return Ok(Arc::clone(published));
        }
        let since = kept.entries.as_ref().map(|_| kept.changes);
        let began = Instant::now();
        let found = store
            .read(move |tx| look(tx, list, since))
            .await?
            .ok_or_else(|| {
                self.forget(list);
                PublishError::Unknown
            })?;
        kept.looked = Some((now, written));
        kept.began = None;
        if let Some(published) = &kept.published
            && found.changes == kept.changes
            && !self.maker.is_old(published, now)
        {
            let published = Arc::clone(published);
            kept.began = Some(began);
            return Ok(published);
        }
        // The lock goes along: whoever asked may go, and what was begun is finished.
        let (maker, metrics) = (Arc::clone(&self.maker), Arc::clone(store.metrics()));
        elsewhere(move || {
            let making = Instant::now();
            let made = maker.make_anew(&mut kept, list, &found, now);
            metrics.list_made(making.elapsed());
            if made.is_ok() {
                kept.began = Some(began);
            }
            made
        })
        .await
    }

    /// How many lists are kept in memory.
    #[cfg(test)]
    pub(crate) fn kept(&self) -> usize {
        self.lists.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Numbers that do not exist are not kept.
    fn forget(&self, list: i64) {
        let mut lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        lists.remove(&list);
    }
}

/// Signs on a thread that may wait: the key may be elsewhere, and where it is not, this is work of the processor.
async fn elsewhere<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, PublishError> + Send + 'static,
) -> Result<T, PublishError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|why| Err(PublishError::Build(why.to_string())))
}

impl Maker {
    /// Half of its time is over: what is sent is always good for as long again.
    fn is_old(&self, published: &Published, now: Timestamp) -> bool {
        now.unix() - published.signed.unix() > self.lifetimes.expiry / 2
    }

    fn jwt(&self, claims: &Claims) -> Result<Option<Jwt>, PublishError> {
        match &claims.content {
            Content::StatusList(_) => {
                let chain = [self.signer.certificate.der()];
                let plain = claims.sign_jwt(&*self.signer.signer, &chain)?;
                Ok(Some(Jwt {
                    gzip: gzip(plain.as_bytes())?.into(),
                    plain: plain.into(),
                }))
            }
            Content::IdentifierList(_) => Ok(None),
        }
    }

    fn make_anew(
        &self,
        kept: &mut Kept,
        list: i64,
        found: &Found,
        now: Timestamp,
    ) -> Result<Arc<Published>, PublishError> {
        // What cannot be followed to its end is begun anew the next time.
        let mut entries = match kept.entries.take() {
            Some(entries) => entries,
            None => Entries::new(found)?,
        };
        entries.follow(found)?;
        let made = self.make(list, &mut entries, now).map(Arc::new);
        kept.entries = Some(entries);
        kept.changes = found.changes;
        // What was sent before says less than what is known: if there is nothing newer, it is good no more.
        kept.published = made.as_ref().ok().map(Arc::clone);
        made
    }

    fn make(&self, list: i64, entries: &mut Entries, now: Timestamp) -> Result<Published, PublishError> {
        let (content, media_type) = entries.content()?;
        let claims = Claims {
            subject: format!("{}/{list}", self.prefix),
            issued_at: now,
            not_before: None,
            expires: Some(Timestamp::from_unix(now.unix() + self.lifetimes.expiry)),
            ttl: Some(self.lifetimes.ttl.into()),
            content,
        };
        let chain = [self.signer.certificate.der()];
        let cwt = claims.sign_cwt(&*self.signer.signer, &chain)?;
        let digest = Sha256::digest(&cwt);
        Ok(Published {
            tag: format!("\"{}\"", base64url(digest.get(..12).unwrap_or_default())),
            cwt: cwt.into(),
            media_type,
            ttl: self.lifetimes.ttl,
            signed: now,
            entries: entries.count(),
            claims,
            jwt: OnceLock::new(),
        })
    }
}

impl Entries {
    fn new(found: &Found) -> Result<Self, PublishError> {
        if found.kind == "identifier" {
            return Ok(Self::Identifiers(BTreeSet::new()));
        }
        let size = u64::try_from(found.size).unwrap_or_default();
        let bits = u64::try_from(found.bits).ok().and_then(Bits::from_count);
        let bits = bits.ok_or_else(|| PublishError::Build(format!("{} bits", found.bits)))?;
        StatusList::new(bits, size)
            .map(|list| Self::Bits(Packed::new(list)))
            .map_err(|why| PublishError::Build(why.to_string()))
    }

    fn follow(&mut self, found: &Found) -> Result<(), PublishError> {
        for (place, identifier, status) in &found.rows {
            match (&mut *self, identifier) {
                (Self::Bits(list), _) => {
                    let place = u64::try_from(*place).unwrap_or(u64::MAX);
                    let status = u8::try_from(*status).unwrap_or(1);
                    list.set(place, status)?;
                }
                (Self::Identifiers(ids), Some(id)) if *status != 0 => drop(ids.insert(id.clone())),
                (Self::Identifiers(ids), Some(id)) => drop(ids.remove(id)),
                (Self::Identifiers(_), None) => {}
            }
        }
        Ok(())
    }

    fn count(&self) -> u64 {
        match self {
            Self::Bits(packed) => packed.list().entries(),
            Self::Identifiers(identifiers) => u64::try_from(identifiers.len()).unwrap_or(u64::MAX),
        }
    }

    fn content(&mut self) -> Result<(Content, &'static str), PublishError> {
        Ok(match self {
            Self::Bits(packed) => {
                let content = EncodedList {
                    lst: packed.compressed()?,
                    bits: packed.list().bits(),
                    aggregation_uri: None,
                };
                (Content::StatusList(content), STATUS_LIST_CWT)
            }
            Self::Identifiers(identifiers) => {
                let content = IdentifierList {
                    identifiers: identifiers.clone(),
                    aggregation_uri: None,
                };
                (Content::IdentifierList(content), IDENTIFIER_LIST_CWT)
            }
        })
    }
}

fn look(tx: &mut Tx<'_>, list: i64, since: Option<i64>) -> Result<Option<Found>, StoreError> {
    let found = tx.row(
        "SELECT kind, bits, size, changes FROM status_list WHERE id = $1",
        &[list.into()],
        |row| {
            Ok(Found {
                kind: row.get(0)?,
                bits: row.get(1)?,
                size: row.get(2)?,
                changes: row.get(3)?,
                rows: Vec::new(),
            })
        },
    )?;
    let Some(mut found) = found else { return Ok(None) };
    let entry = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    found.rows = match since {
        None => tx.rows(
            "SELECT place, identifier, status FROM copy WHERE list = $1 AND status <> 0",
            &[list.into()],
            entry,
        )?,
        Some(since) => tx.rows(
            "SELECT place, identifier, status FROM copy WHERE list = $1 AND changed > $2",
            &[list.into(), since.into()],
            entry,
        )?,
    };
    Ok(Some(found))
}

/// The numbers of all lists, for who fetches them ahead.
///
/// # Errors
/// [`StoreError`].
pub fn numbers(tx: &mut Tx<'_>) -> Result<Vec<i64>, StoreError> {
    tx.rows("SELECT id FROM status_list ORDER BY id", &[], |row| row.get(0))
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>, PublishError> {
    // What is compressed already and then written in 64 characters loses a quarter, whatever the level.
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let done = encoder.write_all(bytes).and_then(|()| encoder.finish());
    done.map_err(|why| PublishError::Build(why.to_string()))
}
