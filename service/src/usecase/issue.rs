//! From an access token to signed copies (E5, E10). What is to be signed is gathered in one transaction, signed outside of
//! any, and recorded in another one, which looks at every rule again: nobody waits for a signature, and a copy that a wallet
//! gets is recorded.

mod fail;

pub use self::fail::fail;

use mdoc_core::crypto::CryptoRng;
use mdoc_core::time::Timestamp;
use serde_json::{Map, Value as Json, json};

use super::audit::{self, Entry};
use super::authority::Actor;
use super::change::end_everything;
use super::collect::Once;
use super::devices::{Facts, Sighting};
use super::document::{self, Document, Step, Why};
use super::request::data_fit;
use super::{Failure, collect, devices, people, profiles};
use crate::domain::Refusal;
use crate::domain::id::{DeviceId, Serial};
use crate::domain::life::{Move, State};
use crate::domain::person::Person;
use crate::domain::profile::{Profile, Settings, StatusKind};
use crate::secrets::Purpose;
use crate::status::{self, Place, Shape};
use crate::store::{StoreError, Tx};
use crate::terms::Terms;

/// How many times the copies that a profile gives a wallet gets within [`LATELY`], whatever sessions it has: once, and again
/// if the answer did not reach it. A session never lasts longer.
const ROUNDS: u32 = 4;
/// Where a profile gives few copies, so many at least: a document that is switched off and on is fetched anew.
const SOME: u32 = 12;
/// An hour, in seconds.
const LATELY: i64 = 3600;

/// For how long a wallet that waited tells how it went, in seconds.
const AFTERWARDS: i64 = 300;

/// Everything that goes into the copies of a document.
#[derive(Clone)]
pub struct Order {
    /// The document.
    pub document: Document,
    /// The version of its profile that is issued.
    pub profile: Profile,
    /// The person.
    pub person: Person,
    /// The person's photograph.
    pub photo: Option<Vec<u8>>,
    /// An entry of a list for each copy.
    pub places: Vec<Place>,
    /// The identifier of each copy, where its list has identifiers.
    pub identifiers: Vec<[u8; 16]>,
}

/// What a wallet that asks for its document gets.
pub enum Next {
    /// Copies, once they are signed.
    Sign(Box<Order>),
    /// An answer later: somebody has to approve the document first.
    Wait,
    /// There is no list for their status: [`status::open_list`] makes one.
    NoList(Shape),
}

/// Gathers what is to be signed for so many keys.
///
/// # Errors
/// [`Refusal::DataChanged`], [`Refusal::TooManyKeys`], [`Refusal::CopiesExhausted`], [`Refusal::CollectRole`], those of the person's data, and
/// [`Refusal::IllegalMove`] if the document cannot be collected.
pub fn gather(
    tx: &mut Tx<'_>,
    now: Timestamp,
    (serial, keys, terms): (&Serial, usize, &Terms),
    rng: &mut dyn CryptoRng,
) -> Result<Next, Failure> {
    let document = document::look(tx, serial)?.ok_or(Refusal::SessionUnknown)?;
    if document.state == State::AwaitingValidation {
        return Ok(Next::Wait);
    }
    collectable(&document, now)?;
    let profile = profiles::of_document(tx, &document)?;
    still_approved(tx, &document, &profile.settings)?;
    let most = profile.settings.copies;
    if u32::try_from(keys).unwrap_or(u32::MAX) > most {
        return Err(Refusal::TooManyKeys { most }.into());
    }
    within_bounds(tx, now, (serial, keys, most))?;
    let person = people::read(tx, &document.person)?;
    collect::role_fits(tx, &person.id, &profile.settings)?;
    data_fit(&person, &profile.settings)?;
    let photo = people::photo(tx, &person.id)?;
    if profile.settings.enforce_photo_at_issuance && photo.is_none() {
        return Err(Refusal::EnforcePhotoAtIssuance.into());
    }
    let made = doc_type(&document, &profile.settings, terms);
    let shape = Shape::of(profile.settings.status, terms.suspends(&made));
    let Some(places) = status::choose(tx, shape, keys, rng)? else {
        return Ok(Next::NoList(shape));
    };
    let identifiers = match profile.settings.status {
        StatusKind::StatusList => Vec::new(),
        StatusKind::IdentifierList => places.iter().map(|_| identifier(rng)).collect(),
    };
    Ok(Next::Sign(Box::new(Order {
        document,
        profile,
        person,
        photo,
        places,
        identifiers,
    })))
}

/// Four eyes saw what is signed: data that were changed after the approval are approved again. What a wallet has already is
/// made of the newest data when it is fetched anew: nobody approves that (E15). A wallet that took an offer and has collected
/// nothing since has nothing of the document, even if another one had.
fn still_approved(tx: &mut Tx<'_>, document: &Document, settings: &Settings) -> Result<(), Failure> {
    if !settings.validate_issuance || document.issued.is_some() && !taken_anew(tx, document)? {
        return Ok(());
    }
    if document.approved_data == Some(people::data_version(tx, &document.person)?) {
        Ok(())
    } else {
        Err(Refusal::DataChanged.into())
    }
}

/// Whether an offer was taken since the document was last collected.
fn taken_anew(tx: &mut Tx<'_>, document: &Document) -> Result<bool, StoreError> {
    let taken: Option<i64> = tx.value(
        "SELECT 1 FROM offer WHERE document = $1 AND used IS NOT NULL AND generation >= $2 LIMIT 1",
        &[(&document.serial).into(), document.generation.into()],
    )?;
    Ok(taken.is_some())
}

/// Each copy takes an entry of a list for ever, so that one wallet does not take those of all.
fn within_bounds(
    tx: &mut Tx<'_>,
    now: Timestamp,
    (serial, keys, copies): (&Serial, usize, u32),
) -> Result<(), Failure> {
    let since = now.unix().saturating_sub(LATELY);
    let given = tx.row(
        "SELECT CAST(COALESCE(SUM(copies), 0) AS BIGINT), COALESCE(MIN(made), 0) FROM delivery \
         WHERE document = $1 AND made > $2",
        &[serial.into(), since.into()],
        |row| Ok((row.get::<i64>(0)?, row.get::<i64>(1)?)),
    )?;
    let (given, first) = given.unwrap_or_default();
    let most = i64::from(copies.saturating_mul(ROUNDS).max(SOME));
    if given.saturating_add(i64::try_from(keys).unwrap_or(i64::MAX)) <= most {
        return Ok(());
    }
    let retry_after = u32::try_from(first.saturating_sub(since))
        .unwrap_or_default()
        .max(1);
    Err(Refusal::CopiesExhausted { retry_after }.into())
}

/// The version of a document's profile that is issued.
///
/// # Errors
/// [`Refusal::SessionUnknown`] if there is no such document.
pub fn profile_of(tx: &mut Tx<'_>, serial: &Serial) -> Result<Profile, Failure> {
    let document = document::look(tx, serial)?.ok_or(Refusal::SessionUnknown)?;
    profiles::of_document(tx, &document)
}

/// The type of what is made by settings: those of an update may have another format than the document had.
fn doc_type(document: &Document, settings: &Settings, terms: &Terms) -> String {
    let format = terms.formats.format(&settings.format);
    format
        .map_or(&document.doc_type, |format| &format.doctype)
        .clone()
}

fn identifier(rng: &mut dyn CryptoRng) -> [u8; 16] {
    let mut id = [0; 16];
    rng.fill_bytes(&mut id);
    id
}

fn collectable(document: &Document, now: Timestamp) -> Result<(), Refusal> {
    let over = document.valid_until.is_some_and(|end| end <= now);
    match document.state {
        State::Collectable | State::Issuing | State::Active | State::Updating if !over => Ok(()),
        state => Err(Refusal::IllegalMove {
            made: Move::Issue,
            state: if over { State::Expired } else { state },
        }),
    }
}

/// What is kept of a signed copy.
#[derive(Debug, Clone)]
pub struct Signed {
    /// SHA-256 of the payload of its signature.
    pub mso_digest: [u8; 32],
    /// The thumbprint of its key.
    pub key_thumbprint: [u8; 32],
    /// Until when it is valid.
    pub valid_until: Timestamp,
    /// When an age in it becomes another one, at the beginning of that birthday in UTC; none if none does.
    pub ages_change: Option<Timestamp>,
}

/// What comes with the copies and may come once.
pub struct Delivery<'a> {
    /// The access token.
    pub token: &'a [u8],
    /// What may be presented once: the nonces of the proofs, the proof of the request.
    pub once: &'a [Once],
    /// By what the wallet tells how it went.
    pub notification_id: &'a [u8],
    /// Whether the wallet waited for it: its session may be over then.
    pub waited: bool,
    /// How well the keys are kept, if that was said now; of keys that waited it was noted before.
    pub key_security: Option<&'a str>,
}

/// Records signed copies: only then they are given to the wallet.
///
/// # Errors
/// Those of [`gather`] again; [`Refusal::ChangedMeanwhile`] if what was signed is not what would be signed now;
/// [`Refusal::Replayed`]; [`Refusal::ExclusiveGroup`] if another document came first; [`Refusal::KnownDevices`],
/// [`Refusal::MyDevices`].
pub fn record(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    (order, copies, delivery, terms): (&Order, &[Signed], &Delivery<'_>, &Terms),
    rng: &mut dyn CryptoRng,
) -> Result<Document, Failure> {
    let mut document = document::read(tx, &order.document.serial)?;
    collectable(&document, now)?;
    if document != order.document || people::read(tx, &document.person)?.version != order.person.version {
        return Err(Refusal::ChangedMeanwhile.into());
    }
    let bounds = (&document.serial, copies.len(), order.profile.settings.copies);
    within_bounds(tx, now, bounds)?;
    collect::once(tx, delivery.once)?;
    let secrets = &terms.secrets;
    let token = secrets.digest(Purpose::AccessToken, &[delivery.token]);
    let session = tx.execute(
        "UPDATE session SET delivered = $2, waits = CASE WHEN $3 = 1 THEN $4 ELSE waits END \
         WHERE token = $1 AND ended IS NULL AND (expires >= $2 OR ($3 = 1 AND waits >= $2))",
        &[
            (&token).into(),
            now.into(),
            delivery.waited.into(),
            (now.unix() + AFTERWARDS).into(),
        ],
    )?;
    if session == 0 {
        return Err(Refusal::SessionUnknown.into());
    }
    let (shown, began) = sighting(tx, (&token, delivery.key_security))?;
    // A session lasts long enough that a role is withdrawn, or a device is switched off meanwhile.
    let settings = &order.profile.settings;
    collect::role_fits(tx, &document.person, settings)?;
    // The person is taken before the device, whose row refers to it, and before the trail: as everybody does.
    one_each(tx, &document, settings)?;
    let before = document.device.as_ref().map(|id| (id, began));
    devices::check(tx, settings.devices, (&document.person, before), &shown)?;
    let device = devices::seen(tx, actor, now, (&document.person, before, &shown), rng)?;
    document.device = Some(device);
    let generation = document.generation + 1;
    if document.state == State::Updating {
        status::revoke_older(tx, now, (&document.serial, generation))?;
    } else if document.issued.is_some() {
        replace(tx, now, &document)?;
    }
    keep_copies(tx, now, (order, copies, generation))?;
    tx.execute(
        "INSERT INTO delivery (notification_id, document, generation, copies, made) VALUES ($1, $2, $3, $4, $5)",
        &[
            (&secrets.digest(Purpose::Transaction, &[delivery.notification_id])).into(),
            (&document.serial).into(),
            generation.into(),
            i64::try_from(copies.len()).unwrap_or(i64::MAX).into(),
            now.into(),
        ],
    )?;
    let lifetime = i64::from(order.profile.settings.lifetime_days) * 86_400;
    let first = document.issued.is_none();
    let issued = document.issued.unwrap_or(now);
    document.doc_type = doc_type(&document, settings, terms);
    let valid_until = document
        .bound()
        .unwrap_or_else(|| whole_hour(now.unix() + lifetime));
    let ages_change = copies.iter().filter_map(|copy| copy.ages_change).min();
    tx.execute(
        "UPDATE document SET generation = $2, issued = $3, valid_until = $4, profile_version = $5, device = $6, \
         approved_again_by = NULL, renews = 0, doc_type = $7, ages_change = $10, \
         credential_group = CASE WHEN state = 'updating' THEN $8 ELSE credential_group END, \
         exclusive_group = CASE WHEN state = 'updating' THEN $9 ELSE exclusive_group END WHERE serial = $1",
        &[
            (&document.serial).into(),
            generation.into(),
            issued.into(),
            valid_until.into(),
            order.profile.version.into(),
            document.device.as_ref().into(),
            (&document.doc_type).into(),
            settings.credential_group.as_ref().into(),
            settings.exclusive_group.as_ref().into(),
            ages_change.into(),
        ],
    )?;
    document.generation = generation;
    (document.issued, document.valid_until) = (Some(issued), Some(valid_until));
    document.profile.1 = order.profile.version;
    if document.state == State::Collectable {
        document::step(tx, actor, now, &mut document, (Move::Begin, Why::default()))?;
    }
    let device = document.device.as_ref().map(DeviceId::as_str);
    let tells = [
        ("generation", json!(generation)),
        ("copies", json!(copies.len())),
        ("device", json!(device)),
    ];
    let tells: Map<String, Json> = tells
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    if document.state == State::Active {
        let entry = Entry::new("document.refresh", ("document", document.serial.as_str()));
        audit::append(tx, actor, now, &entry.change(Json::Null, tells.into()))?;
    } else {
        let step = Step {
            tells,
            ..Step::default()
        };
        document::step_by(tx, actor, now, &mut document, (Move::Issue, step))?;
        if first && settings.cancel_previously_issued {
            supersede(tx, actor, now, (&document, order))?;
        }
    }
    Ok(document)
}

/// What the wallet of a session shows of its device, and when the session began.
fn sighting(
    tx: &mut Tx<'_>,
    (token, key_security): (&[u8; 32], Option<&str>),
) -> Result<(Sighting, Timestamp), StoreError> {
    let shown = tx.row(
        "SELECT key_thumbprint, instance_key, said, key_security, started FROM session WHERE token = $1",
        &[token.into()],
        |row| {
            let said: Option<String> = row.get(2)?;
            let facts: Facts = said
                .map_or(Ok(Facts::default()), |said| serde_json::from_str(&said))
                .map_err(|_| StoreError::Unexpected("what is said of a device".to_owned()))?;
            let noted: Option<String> = row.get(3)?;
            let facts = Facts {
                key_security: key_security.map(str::to_owned).or(noted),
                ..facts
            };
            let shown = Sighting {
                binding: row.get(0)?,
                instance: row.get(1)?,
                facts,
            };
            Ok((shown, row.get(4)?))
        },
    )?;
    shown.ok_or_else(|| StoreError::Unexpected("a session is there and cannot be found".to_owned()))
}

/// Copies that were given out before the last offer was taken are in the wallet that had the document then: they are revoked
/// as soon as there are others. What a wallet refreshes by itself it keeps beside.
fn replace(tx: &mut Tx<'_>, now: Timestamp, document: &Document) -> Result<(), StoreError> {
    let taken: Option<Option<i64>> = tx.value(
        "SELECT MAX(used) FROM offer WHERE document = $1",
        &[(&document.serial).into()],
    )?;
    match taken.flatten() {
        Some(taken) => status::revoke_before(tx, now, (&document.serial, Timestamp::from_unix(taken))),
        None => Ok(()),
    }
}

/// The end of a document is a whole hour: the copies of its last days end with it, and would be known by the second.
const fn whole_hour(seconds: i64) -> Timestamp {
    const HOUR: i64 = 3600;
    Timestamp::from_unix(seconds - seconds.rem_euclid(HOUR))
}

fn keep_copies(
    tx: &mut Tx<'_>,
    now: Timestamp,
    (order, copies, generation): (&Order, &[Signed], i64),
) -> Result<(), StoreError> {
    let mut identifiers = order.identifiers.iter();
    for (place, copy) in order.places.iter().zip(copies) {
        tx.execute(
            "INSERT INTO copy (list, place, document, generation, identifier, mso_digest, key_thumbprint, issued, \
             valid_until, status, changed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, 0)",
            &[
                place.list.into(),
                place.index.into(),
                (&order.document.serial).into(),
                generation.into(),
                identifiers.next().map(<[u8; 16]>::as_slice).into(),
                (&copy.mso_digest).into(),
                (&copy.key_thumbprint).into(),
                now.into(),
                copy.valid_until.into(),
            ],
        )?;
    }
    match order.places.first() {
        Some(place) => status::taken(tx, place.list, copies.len()),
        None => Ok(()),
    }
}

/// Of an exclusive group, a person has one document at most, and of a profile if that says so. Those who collect at once
/// come one after the other.
fn one_each(tx: &mut Tx<'_>, document: &Document, settings: &Settings) -> Result<(), Failure> {
    people::hold(tx, &document.person)?;
    let others = tx.rows(
        "SELECT state, profile, exclusive_group FROM document WHERE person = $1 AND serial <> $2",
        &[(&document.person).into(), (&document.serial).into()],
        |row| {
            let state = State::named(&row.get::<String>(0)?);
            Ok((state, row.get::<String>(1)?, row.get::<Option<String>>(2)?))
        },
    )?;
    for (state, profile, group) in others {
        if !state.is_some_and(State::is_issued) {
            continue;
        }
        if profile == document.profile.0 {
            // What is fetched anew was the person's before the other one.
            if document.issued.is_none() && !settings.issue_over_existing {
                return Err(Refusal::IssueOverExisting.into());
            }
        } else if let Some(group) = group.filter(|group| settings.exclusive_group.as_ref() == Some(group)) {
            return Err(Refusal::ExclusiveGroup { group }.into());
        }
    }
    Ok(())
}

/// Ends what the new document stands for: what nobody has to approve is cancelled, for everything else a cancellation is
/// requested. A wallet approves nothing: what waits for an approval already goes on waiting. Four eyes are two people here
/// too, so that the request counts as one by who requested the new document.
fn supersede(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    (document, order): (&Document, &Order),
) -> Result<(), Failure> {
    let Some(group) = &order.profile.settings.credential_group else {
        return Ok(());
    };
    let others = tx.rows(
        "SELECT serial FROM document WHERE person = $1 AND credential_group = $2 AND serial <> $3 ORDER BY serial",
        &[(&document.person).into(), group.into(), (&document.serial).into()],
        |row| row.get::<Serial>(0),
    )?;
    for serial in others {
        let mut other = document::read(tx, &serial)?;
        if !other.state.is_issued() || other.state == State::CancelRequested {
            continue;
        }
        let (name, version) = &other.profile;
        let approved = profiles::version(tx, name, *version)?
            .settings
            .validate_cancellation;
        let made = if approved {
            Move::RequestCancel
        } else {
            Move::Cancel
        };
        let step = Step {
            why: Why {
                reason: Some("superseded"),
                notes: None,
            },
            canceller: document.requested_by.as_ref(),
            ..Step::default()
        };
        document::step_by(tx, actor, now, &mut other, (made, step))?;
        if made == Move::Cancel {
            end_everything(tx, &other, now)?;
            status::follow(tx, now, &other)?;
        }
    }
    Ok(())
}
