//! Collecting: from what a person was given to an access token for one document (E8, E10, E11).

mod refresh;

pub use self::refresh::refresh;

use core::fmt;

use mdoc_core::crypto::{CryptoRng, equal_in_constant_time};
use mdoc_core::time::Timestamp;
use serde_json::{Value as Json, json};
use zeroize::Zeroizing;

use super::audit::{self, Entry};
use super::authority::Actor;
use super::change::end_everything;
use super::devices::{Facts, Sighting};
use super::document::{self, Document, Why};
use super::request::{Derived, code_digest};
use super::{Failure, authority, devices, profiles};
use crate::domain::Refusal;
use crate::domain::code::{CodeForm, invitation_normalised};
use crate::domain::id::{PersonId, Serial};
use crate::domain::life::{Move, State};
use crate::domain::profile::{Profile, Settings};
use crate::secrets::{Purpose, random};
use crate::store::{Row, StoreError, Tx};
use crate::terms::Terms;

/// How long an access token is good at most that is bound to no key, in seconds.
const LONGEST_UNBOUND: i64 = 300;

/// What a rule says after something was noted that stays, such as one more wrong code.
pub type Noted<T> = Result<T, Refusal>;

/// Who collects, by what a wallet proves.
#[derive(Debug, Clone, Default)]
pub struct Holder {
    /// The wallet's product, if it said one.
    pub client_id: Option<String>,
    /// The thumbprint of the key that its requests are bound to (DPoP).
    pub key_thumbprint: Option<[u8; 32]>,
    /// The thumbprint of the installation's key, if its provider vouches for it.
    pub instance_key: Option<[u8; 32]>,
    /// What its provider says of the device that it is on.
    pub facts: Facts,
}

impl Holder {
    /// What it shows of the device that it is on.
    fn sighting(&self) -> Sighting {
        Sighting {
            binding: self.key_thumbprint.map(Vec::from),
            instance: self.instance_key.map(Vec::from),
            facts: self.facts.clone(),
        }
    }
}

/// What a wallet gets for what its holder was given.
pub struct Begun {
    /// The document.
    pub serial: Serial,
    /// The version of its profile that is issued.
    pub profile: Profile,
    /// The access token.
    pub token: Zeroizing<[u8; 32]>,
    /// The refresh token, if the wallet's requests are bound to a key.
    pub refresh: Option<Zeroizing<[u8; 32]>>,
    /// How long the access token is good, in seconds.
    pub lifetime: i64,
    /// Whether it is good with proofs by the wallet's key alone.
    pub bound: bool,
}

/// What an offer says. Two of its members are as good as the document.
#[derive(Clone)]
pub struct Offered {
    /// The profile.
    pub profile: Profile,
    /// The pre-authorized code.
    pub pre_authorized: [u8; 32],
    /// The `issuer_state`.
    pub issuer_state: [u8; 32],
    /// The form of the authentication code, if one is needed.
    pub code: Option<CodeForm>,
}

impl fmt::Debug for Offered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Offered")
            .field("profile", &self.profile.name)
            .finish_non_exhaustive()
    }
}

pub(in crate::usecase) struct Offer {
    pub(super) id: [u8; 32],
    pub(super) serial: Serial,
    code: Option<[u8; 32]>,
    pub(super) form: Option<CodeForm>,
    failures: i64,
    expires: Timestamp,
    used: bool,
}

impl Offer {
    fn of_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let form: Option<String> = row.get(3)?;
        let form = form.as_deref().map(CodeForm::parse).transpose();
        Ok(Self {
            id: digest(row.get(0)?)?,
            serial: row.get(1)?,
            code: row.get::<Option<Vec<u8>>>(2)?.map(digest).transpose()?,
            form: form.map_err(|why| StoreError::Unexpected(why.to_string()))?,
            failures: row.get(4)?,
            expires: row.get(5)?,
            used: row.get::<Option<i64>>(6)?.is_some(),
        })
    }

    /// Whether it can still be taken.
    pub(in crate::usecase) fn check(&self, now: Timestamp, terms: &Terms) -> Result<(), Refusal> {
        if self.used {
            return Err(Refusal::OfferUsed);
        }
        if self.expires < now {
            return Err(Refusal::OfferExpired);
        }
        if self.failures >= terms.code_tries {
            return Err(Refusal::CodeExhausted);
        }
        Ok(())
    }
}

const OFFER: &str = "SELECT id, document, code, code_form, failures, expires, used FROM offer";

fn digest(bytes: Vec<u8>) -> Result<[u8; 32], StoreError> {
    bytes
        .try_into()
        .map_err(|_| StoreError::Unexpected("a digest has not 32 bytes".to_owned()))
}

/// An offer by its identifier; its row stays as it is until the transaction ends if `held`.
pub(in crate::usecase) fn by_id(tx: &mut Tx<'_>, id: &[u8], held: bool) -> Result<Option<Offer>, StoreError> {
    let tail = if held { " FOR UPDATE" } else { "" };
    let sql = format!("{OFFER} WHERE id = $1{tail}");
    tx.row(&sql, &[id.into()], Offer::of_row)
}

/// The offer behind the secret of an address.
///
/// # Errors
/// [`Refusal::OfferUnknown`], [`Refusal::OfferUsed`], [`Refusal::OfferExpired`], [`Refusal::CodeExhausted`].
pub fn offered(
    tx: &mut Tx<'_>,
    now: Timestamp,
    (secret, terms): (&[u8; 32], &Terms),
) -> Result<Offered, Failure> {
    let id = terms.secrets.digest(Purpose::Offer, &[secret]);
    let offer = by_id(tx, &id, false)?.ok_or(Refusal::OfferUnknown)?;
    offer.check(now, terms)?;
    let document = document::look(tx, &offer.serial)?.ok_or(Refusal::OfferUnknown)?;
    let derived = Derived::of(terms, secret);
    Ok(Offered {
        profile: profiles::of_document(tx, &document)?,
        pre_authorized: derived.pre_authorized,
        issuer_state: derived.issuer_state,
        code: offer.form,
    })
}

/// What a person or a wallet presents in order to collect.
#[derive(Clone, Copy)]
pub enum Presented<'a> {
    /// The pre-authorized code of an offer.
    PreAuthorized(&'a [u8]),
    /// What the `issuer_state` of an offer led to: its identifier here.
    Offer(&'a [u8; 32]),
    /// An invitation code, as it was typed.
    Invitation(&'a str),
}

/// Takes an offer: it can be taken once. A wrong authentication code is counted, and noted.
///
/// # Errors
/// [`Failure::Store`]; what a rule says is the inner result: [`Refusal::SessionsFull`] and its like, of the offer, of the code,
/// of the document.
pub fn redeem(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    (presented, code, holder, terms): (Presented<'_>, Option<&str>, &Holder, &Terms),
    rng: &mut dyn CryptoRng,
) -> Result<Noted<Begun>, Failure> {
    match open(tx, actor, now, (presented, code, terms))? {
        Ok(offer) => take(tx, actor, now, (&offer, holder, terms), rng).map(Ok),
        Err(refusal) => Ok(Err(refusal)),
    }
}

/// Takes an offer that was found good, and opens a session for its document.
pub(in crate::usecase) fn take(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    (offer, holder, terms): (&Offer, &Holder, &Terms),
    rng: &mut dyn CryptoRng,
) -> Result<Begun, Failure> {
    tx.execute(
        "UPDATE offer SET used = $2, generation = (SELECT generation FROM document WHERE serial = $3) WHERE id = $1",
        &[(&offer.id).into(), now.into(), (&offer.serial).into()],
    )?;
    let mut document = document::read(tx, &offer.serial)?;
    let state = document.state;
    take_over(tx, now, (&document, offer))?;
    let mut begun = begin(tx, actor, now, (&mut document, holder, terms), rng)?;
    // Of what waits for its wallet, the move tells that one came.
    if document.state == state {
        let entry = Entry::new("offer.take", ("document", document.serial.as_str()));
        let after = json!({ "state": state.name() });
        audit::append(tx, actor, now, &entry.change(Json::Null, after))?;
    }
    if let Some(key) = &holder.key_thumbprint {
        begun.refresh = Some(refresh::new_refresh(
            tx,
            now,
            (&document.serial, holder, key, terms),
            rng,
        )?);
    }
    Ok(begun)
}

/// A document is in one wallet: what was given for an earlier offer leads to it no more.
fn take_over(tx: &mut Tx<'_>, now: Timestamp, (document, offer): (&Document, &Offer)) -> Result<(), Failure> {
    let before: Option<i64> = tx.value(
        "SELECT 1 FROM offer WHERE document = $1 AND used IS NOT NULL AND id <> $2 LIMIT 1",
        &[(&document.serial).into(), (&offer.id).into()],
    )?;
    if before.is_some() {
        end_everything(tx, document, now)?;
    }
    Ok(())
}

/// Finds an offer and checks the code for it, without taking it. The row stays as it is until the transaction ends.
pub(in crate::usecase) fn open(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    (presented, code, terms): (Presented<'_>, Option<&str>, &Terms),
) -> Result<Noted<Offer>, Failure> {
    if let Err(refusal) = room(tx, now, terms)? {
        return Ok(Err(refusal));
    }
    let secrets = &terms.secrets;
    let (column, value) = match presented {
        Presented::PreAuthorized(code) => ("pre_authorized", secrets.digest(Purpose::PreAuthorized, &[code])),
        Presented::Offer(id) => ("id", *id),
        Presented::Invitation(typed) => {
            let typed = invitation_normalised(typed).unwrap_or_default();
            (
                "invitation",
                secrets.digest(Purpose::Invitation, &[typed.as_bytes()]),
            )
        }
    };
    let sql = format!("{OFFER} WHERE {column} = $1 FOR UPDATE");
    let Some(offer) = tx.row(&sql, &[(&value).into()], Offer::of_row)? else {
        return Ok(Err(Refusal::OfferUnknown));
    };
    if let Err(refusal) = offer.check(now, terms) {
        return Ok(Err(refusal));
    }
    let kept = offer.code.as_ref().zip(offer.form.as_ref());
    let (kept, form, typed) = match (kept, code) {
        (None, None) => return Ok(Ok(offer)),
        (None, Some(_)) => return Ok(Err(Refusal::CodeUnexpected)),
        (Some(_), None) => return Ok(Err(Refusal::CodeMissing)),
        (Some((kept, form)), Some(typed)) => (kept, form, typed),
    };
    if equal_in_constant_time(kept, &code_digest(terms, &offer.id, form, typed)) {
        return Ok(Ok(offer));
    }
    tx.execute(
        "UPDATE offer SET failures = failures + 1 WHERE id = $1",
        &[(&offer.id).into()],
    )?;
    let entry = Entry::new("offer.wrong-code", ("document", offer.serial.as_str()));
    audit::append(tx, actor, now, &entry)?;
    let exhausted = offer.failures + 1 >= terms.code_tries;
    Ok(Err(if exhausted {
        Refusal::CodeExhausted
    } else {
        Refusal::CodeWrong
    }))
}

/// Whether one more may collect now.
pub(in crate::usecase) fn room(
    tx: &mut Tx<'_>,
    now: Timestamp,
    terms: &Terms,
) -> Result<Noted<()>, StoreError> {
    let Some(most) = terms.max_sessions else {
        return Ok(Ok(()));
    };
    if most == 0 {
        return Ok(Err(Refusal::SessionsRefused));
    }
    // Nodes count one after the other.
    tx.execute(
        "INSERT INTO setting (name, value) VALUES ('sessions', '') ON CONFLICT DO NOTHING",
        &[],
    )?;
    let _held: Option<String> = tx.value(
        "SELECT value FROM setting WHERE name = 'sessions' FOR UPDATE",
        &[],
    )?;
    let open = tx.row(
        "SELECT CAST(COUNT(*) AS BIGINT), COALESCE(MIN(expires), 0) FROM session \
         WHERE ended IS NULL AND delivered IS NULL AND expires >= $1",
        &[now.into()],
        |row| Ok((row.get::<i64>(0)?, row.get::<i64>(1)?)),
    )?;
    let (open, first) = open.unwrap_or_default();
    if open < most {
        return Ok(Ok(()));
    }
    let retry_after = u32::try_from(first - now.unix()).unwrap_or_default().max(1);
    Ok(Err(Refusal::SessionsFull { retry_after }))
}

/// Whether the person has one of the roles that collect.
pub(in crate::usecase) fn role_fits(
    tx: &mut Tx<'_>,
    person: &PersonId,
    settings: &Settings,
) -> Result<(), Failure> {
    if authority::has_one_of(tx, Some(person), &settings.roles.collect)? {
        Ok(())
    } else {
        Err(Refusal::CollectRole.into())
    }
}

/// Opens a session for a document and gives its access token.
fn begin(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    (document, holder, terms): (&mut Document, &Holder, &Terms),
    rng: &mut dyn CryptoRng,
) -> Result<Begun, Failure> {
    match document.state {
        State::Collectable => document::step(tx, actor, now, document, (Move::Begin, Why::default()))?,
        // The wallet asks again later, or fetches anew what it has.
        State::AwaitingValidation | State::Issuing | State::Active | State::Updating => {}
        state => {
            let made = Move::Begin;
            return Err(Refusal::IllegalMove { made, state }.into());
        }
    }
    let profile = profiles::of_document(tx, document)?;
    role_fits(tx, &document.person, &profile.settings)?;
    let shown = holder.sighting();
    devices::check(tx, profile.settings.devices, (&document.person, None), &shown)?;
    // What is not bound to a key is stolen more easily (OpenID4VCI 1.0, 13.10).
    let lifetime = if shown.binding.is_some() {
        terms.session_lifetime
    } else {
        terms.session_lifetime.min(LONGEST_UNBOUND)
    };
    let token = random(rng);
    let said = serde_json::to_string(&shown.facts)
        .map_err(|_| StoreError::Unexpected("what is said of a device".to_owned()))?;
    tx.execute(
        "INSERT INTO session (token, document, client_id, key_thumbprint, started, expires, by_identifier, \
         instance_key, said) VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8)",
        &[
            (&terms.secrets.digest(Purpose::AccessToken, &[&*token])).into(),
            (&document.serial).into(),
            holder.client_id.as_ref().into(),
            shown.binding.as_ref().into(),
            now.into(),
            (now.unix() + lifetime).into(),
            shown.instance.as_ref().into(),
            (&said).into(),
        ],
    )?;
    Ok(Begun {
        serial: document.serial.clone(),
        profile,
        token,
        refresh: None,
        lifetime,
        bound: holder.key_thumbprint.is_some(),
    })
}

/// A session that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The document.
    pub serial: Serial,
    /// The wallet's product, if it said one when the session began.
    pub client_id: Option<String>,
    /// Whether the wallet was told the identifier of the document with its token; nothing if an older program gave that.
    pub by_identifier: Option<bool>,
}

/// Notes that a wallet was told the identifier of the document with its tokens: it asks by that, and by nothing else.
///
/// # Errors
/// [`StoreError`].
pub fn told_identifier(tx: &mut Tx<'_>, (begun, terms): (&Begun, &Terms)) -> Result<(), StoreError> {
    let kept = terms.secrets.digest(Purpose::AccessToken, &[&*begun.token]);
    tx.execute(
        "UPDATE session SET by_identifier = 1 WHERE token = $1",
        &[(&kept).into()],
    )?;
    let Some(refresh) = &begun.refresh else {
        return Ok(());
    };
    let kept = terms.secrets.digest(Purpose::RefreshToken, &[&**refresh]);
    tx.execute(
        "UPDATE refresh_token SET by_identifier = 1 WHERE token = $1",
        &[(&kept).into()],
    )
    .map(drop)
}

/// The session that an access token is for.
///
/// # Errors
/// [`Refusal::SessionUnknown`] if the token is over, ended, or none; [`Refusal::SessionOfOtherKey`].
pub fn session(
    tx: &mut Tx<'_>,
    now: Timestamp,
    (token, holder, terms): (&[u8], &Holder, &Terms),
) -> Result<Session, Failure> {
    held(tx, (now, "expires >= $2"), (token, holder, terms))
}

/// The session of a token that is good at an instant: `good` is the condition in SQL, where `$2` is the instant.
pub(in crate::usecase) fn held(
    tx: &mut Tx<'_>,
    (now, good): (Timestamp, &'static str),
    (token, holder, terms): (&[u8], &Holder, &Terms),
) -> Result<Session, Failure> {
    let kept = terms.secrets.digest(Purpose::AccessToken, &[token]);
    let found = tx.row(
        &format!(
            "SELECT document, client_id, key_thumbprint, by_identifier FROM session \
             WHERE token = $1 AND ended IS NULL AND ({good})"
        ),
        &[(&kept).into(), now.into()],
        |row| {
            let session = Session {
                serial: row.get(0)?,
                client_id: row.get(1)?,
                by_identifier: row.get::<Option<i64>>(3)?.map(|told| told == 1),
            };
            Ok((session, row.get::<Option<Vec<u8>>>(2)?))
        },
    )?;
    let (session, key) = found.ok_or(Refusal::SessionUnknown)?;
    if !same_key(key.as_deref(), holder.key_thumbprint.as_ref()) {
        return Err(Refusal::SessionOfOtherKey.into());
    }
    Ok(session)
}

pub(in crate::usecase) fn same_key(kept: Option<&[u8]>, shown: Option<&[u8; 32]>) -> bool {
    match (kept, shown) {
        (None, None) => true,
        (Some(kept), Some(key)) => equal_in_constant_time(kept, key),
        _ => false,
    }
}

/// Something that may be presented once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Once {
    /// What it is: `nonce`, `proof`.
    pub what: &'static str,
    /// What tells it from others: a digest, or the thing itself.
    pub value: Vec<u8>,
    /// From when on it would not be taken anyway.
    pub expires: Timestamp,
}

/// Whether what may be presented once is new, without noting it: what follows is much work, and [`once`] decides.
///
/// # Errors
/// [`Refusal::Replayed`] if it was presented before.
pub fn unused(tx: &mut Tx<'_>, presented: &[Once]) -> Result<(), Failure> {
    for one in presented {
        let found: Option<i64> = tx.value(
            "SELECT 1 FROM used_once WHERE kind = $1 AND value = $2",
            &[one.what.into(), (&one.value).into()],
        )?;
        if found.is_some() {
            return Err(Refusal::Replayed { what: one.what }.into());
        }
    }
    Ok(())
}

/// Notes what may be presented once.
///
/// # Errors
/// [`Refusal::Replayed`] if it was presented before.
pub fn once(tx: &mut Tx<'_>, presented: &[Once]) -> Result<(), Failure> {
    for one in presented {
        let new = tx.execute(
            "INSERT INTO used_once (kind, value, expires) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            &[one.what.into(), (&one.value).into(), one.expires.into()],
        )?;
        if new == 0 {
            return Err(Refusal::Replayed { what: one.what }.into());
        }
    }
    Ok(())
}
