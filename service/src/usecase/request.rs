//! Requesting a document for somebody (E4 to E6), and handing out its offer (E8).

use mdoc_core::crypto::CryptoRng;
use mdoc_core::time::Timestamp;
use serde_json::{Map, Value as Json, json};
use zeroize::Zeroizing;

use super::audit::{self, Entry};
use super::authority::{self, Actor};
use super::document::{self, Document, Step, Why};
use super::{Failure, notices, people, profiles};
use crate::domain::Refusal;
use crate::domain::code::{self, CodeForm};
use crate::domain::id::{PersonId, Serial};
use crate::domain::life::{Move, State};
use crate::domain::person::Person;
use crate::domain::profile::{Delivery, GenerateCode, MdmRestriction, Scheme, Settings};
use crate::domain::role::Workflow;
use crate::secrets::{Purpose, random};
use crate::store::{StoreError, Tx};
use crate::terms::Terms;

/// What is requested.
#[derive(Debug, Clone)]
pub struct Wish {
    /// For whom.
    pub person: PersonId,
    /// What, by the name of its profile.
    pub profile: String,
    /// How it is to reach the person; as the profile says if none.
    pub delivery: Option<Delivery>,
    /// In words.
    pub notes: Option<String>,
}

/// What came of a request.
#[derive(Debug)]
pub struct Requested {
    /// The document.
    pub document: Document,
    /// What is shown on the screen, if that was asked.
    pub offer: Option<Offer>,
}

/// What a person needs in order to collect. It is shown or sent once, and only digests of it are kept.
pub struct Offer {
    /// The secret part of the address.
    pub secret: Zeroizing<[u8; 32]>,
    /// The invitation code, which stands for the address where somebody types.
    pub invitation: Zeroizing<String>,
    /// The authentication code, if there is one.
    pub code: Option<Zeroizing<String>>,
    /// Until when.
    pub expires: Timestamp,
}

impl core::fmt::Debug for Offer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Offer")
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

/// Requests a document.
///
/// # Errors
/// [`Refusal`]: of the person, the profile, its settings and roles, or the delivery, the first one that applies.
pub fn request(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    (wish, terms): (&Wish, &Terms),
    rng: &mut dyn CryptoRng,
) -> Result<Requested, Failure> {
    permitted(tx, actor, &wish.person)?;
    let serial = Serial::random(rng);
    begin(tx, actor, now, (&serial, wish, terms), Map::new(), rng)
}

/// The same under a serial, for whom it was found to be permitted; the audit trail tells of it what is given besides.
pub(super) fn begin(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    (serial, wish, terms): (&Serial, &Wish, &Terms),
    tells: Map<String, Json>,
    rng: &mut dyn CryptoRng,
) -> Result<Requested, Failure> {
    let current = profiles::current(tx, &wish.profile)?;
    if !current.enabled {
        return Err(Refusal::ProfileDisabled.into());
    }
    let settings = &current.profile.settings;
    // Two requests for one person come one after the other, so that each sees the other one.
    people::hold(tx, &wish.person)?;
    let person = people::read(tx, &wish.person)?;
    roles_fit(tx, actor, &person, settings)?;
    data_fit(&person, settings)?;
    others_fit(tx, &person.id, (&current.profile.name, settings))?;
    let delivery = delivery(wish.delivery, &person, settings, terms)?;
    let format = terms
        .formats
        .format(&settings.format)
        .ok_or(Refusal::Unknown { what: "format" })?;

    tx.execute(
        "INSERT INTO document (serial, person, profile, profile_version, doc_type, credential_group, exclusive_group, \
         state, since, requested_by, requested, delivery, generation, moves) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $9, $11, 0, 0)",
        &[
            serial.into(),
            (&person.id).into(),
            (&current.profile.name).into(),
            current.profile.version.into(),
            (&format.doctype).into(),
            settings.credential_group.as_ref().into(),
            settings.exclusive_group.as_ref().into(),
            State::Requested.name().into(),
            now.into(),
            actor.person().map_or("", PersonId::as_str).into(),
            delivery.name().into(),
        ],
    )?;
    let mut document = document::read(tx, serial)?;
    let made = if settings.validate_issuance {
        Move::Submit
    } else {
        Move::Release
    };
    let why = Why {
        reason: None,
        notes: wish.notes.as_deref(),
    };
    let step = Step {
        why,
        tells,
        ..Step::default()
    };
    document::step_by(tx, actor, now, &mut document, (made, step))?;
    let offer = match delivery {
        Delivery::Screen => Some(make_offer(tx, actor, now, (&document, settings, terms), rng)?),
        Delivery::Notified if document.state == State::Collectable => {
            notices::offer(tx, actor, now, (&document, &person, settings, terms), rng)?;
            None
        }
        Delivery::Notified | Delivery::Held => None,
    };
    Ok(Requested { document, offer })
}

/// Shows what a person needs to collect, for an operator who hands it out; what was shown before is good no more.
///
/// What a wallet has already is made anew for whichever wallet takes the offer, and the copies before are revoked then:
/// for that an operator needs [`Workflow::RequestUpdate`] besides. It is the way for a wallet that cannot refresh, since its
/// requests are bound to no key, and for one that never got its answer. Where another operator approves what is issued, data
/// that were changed since are approved again, and not by who hands it out.
///
/// # Errors
/// [`Refusal::OwnRequest`]; [`Refusal::IllegalMove`] if the document cannot be collected any more, or what keeps the operator from it.
pub fn offer(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    (serial, terms): (&Serial, &Terms),
    rng: &mut dyn CryptoRng,
) -> Result<Offer, Failure> {
    let document = document::for_workflow(tx, actor, Workflow::IssueDevice, serial)?;
    let over = document.valid_until.is_some_and(|end| end <= now);
    match document.state {
        // Who collects before it is approved waits for the approval with the wallet in hand.
        State::Collectable | State::AwaitingValidation => {}
        State::Active | State::Updating if !over => {
            document::for_workflow(tx, actor, Workflow::RequestUpdate, serial)?;
        }
        state => {
            let made = Move::Begin;
            let state = if over { State::Expired } else { state };
            return Err(Refusal::IllegalMove { made, state }.into());
        }
    }
    let settings = profiles::of_document(tx, &document)?.settings;
    if settings.validate_issuance
        && actor.person().is_some()
        && document.approved_again_by.as_ref() == actor.person()
    {
        return Err(Refusal::OwnRequest.into());
    }
    let offer = make_offer(tx, actor, now, (&document, &settings, terms), rng)?;
    let entry = Entry::new("document.offer", ("document", serial.as_str()));
    let after = json!({ "state": document.state.name() });
    audit::append(tx, actor, now, &entry.change(Json::Null, after))?;
    Ok(offer)
}

/// Makes the offer of a document, in place of all that were made before.
pub(crate) fn make_offer(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    (document, settings, terms): (&Document, &Settings, &Terms),
    rng: &mut dyn CryptoRng,
) -> Result<Offer, StoreError> {
    tx.execute(
        "DELETE FROM offer WHERE document = $1 AND used IS NULL",
        &[(&document.serial).into()],
    )?;
    let form = match settings.generate_code_on_request {
        GenerateCode::None => None,
        GenerateCode::Simple => Some(&terms.simple_code),
        GenerateCode::Complex => Some(&terms.complex_code),
    };
    let offer = Offer {
        secret: random(rng),
        invitation: code::invitation(rng),
        code: form.map(|form| form.generate(rng)),
        expires: Timestamp::from_unix(now.unix() + terms.offer_lifetime),
    };
    let secrets = &terms.secrets;
    let id = secrets.digest(Purpose::Offer, &[&*offer.secret]);
    let invitation = code::invitation_normalised(&offer.invitation).unwrap_or_default();
    let kept_code = match (form, &offer.code) {
        (Some(form), Some(code)) => Some(code_digest(terms, &id, form, code)),
        _ => None,
    };
    let derived = Derived::of(terms, &offer.secret);
    tx.execute(
        "INSERT INTO offer (id, document, pre_authorized, issuer_state, invitation, code, code_form, failures, created, \
         expires, made_by) VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $9, $10)",
        &[
            (&id).into(),
            (&document.serial).into(),
            (&secrets.digest(Purpose::PreAuthorized, &[&derived.pre_authorized])).into(),
            (&secrets.digest(Purpose::IssuerState, &[&derived.issuer_state])).into(),
            (&secrets.digest(Purpose::Invitation, &[invitation.as_bytes()])).into(),
            kept_code.as_ref().map(<[u8; 32]>::as_slice).into(),
            form.map(ToString::to_string).as_ref().into(),
            now.into(),
            offer.expires.into(),
            actor.person().into(),
        ],
    )?;
    Ok(offer)
}

/// The codes of an offer that a machine reads: they follow from the secret of its address, so that none is kept.
pub(crate) struct Derived {
    pub(crate) pre_authorized: [u8; 32],
    pub(crate) issuer_state: [u8; 32],
}

impl Derived {
    pub(crate) fn of(terms: &Terms, secret: &[u8; 32]) -> Self {
        let secrets = &terms.secrets;
        Self {
            pre_authorized: secrets.digest(Purpose::PreAuthorized, &[b"of", secret]),
            issuer_state: secrets.digest(Purpose::IssuerState, &[b"of", secret]),
        }
    }
}

/// What is kept of an authentication code.
pub(crate) fn code_digest(terms: &Terms, offer: &[u8; 32], form: &CodeForm, typed: &str) -> [u8; 32] {
    terms
        .secrets
        .digest(Purpose::Code, &[offer, form.normalised(typed).as_bytes()])
}

/// For oneself by [`Workflow::RequestMyId`] too.
fn permitted(tx: &mut Tx<'_>, actor: &Actor, person: &PersonId) -> Result<(), Failure> {
    if actor.person() == Some(person) && authority::permit(tx, actor, Workflow::RequestMyId).is_ok() {
        return Ok(());
    }
    authority::permit_for(tx, actor, Workflow::RequestId, person)
}

fn roles_fit(tx: &mut Tx<'_>, actor: &Actor, person: &Person, settings: &Settings) -> Result<(), Failure> {
    if !authority::has_one_of(tx, actor.person(), &settings.roles.request)? {
        return Err(Refusal::RequestRole.into());
    }
    if !authority::has_one_of(tx, Some(&person.id), &settings.roles.receive)? {
        return Err(Refusal::ReceiveRole.into());
    }
    Ok(())
}

/// What a person's data have to fulfil, at the request and again at the collection.
pub(crate) fn data_fit(person: &Person, settings: &Settings) -> Result<(), Refusal> {
    if settings.require_user_data_approved && !person.details.user_data_approved {
        return Err(Refusal::RequireUserDataApproved);
    }
    let missing = person.lacks(&settings.requisite_user_data);
    if !missing.is_empty() {
        return Err(Refusal::RequisiteUserData { missing });
    }
    if settings.mdm_restriction != MdmRestriction::Unrestricted {
        return Err(Refusal::MdmRestriction);
    }
    Ok(())
}

fn others_fit(
    tx: &mut Tx<'_>,
    person: &PersonId,
    (profile, settings): (&str, &Settings),
) -> Result<(), Failure> {
    let others = tx.rows(
        "SELECT profile, state, credential_group, exclusive_group FROM document WHERE person = $1",
        &[person.into()],
        |row| {
            Ok((
                row.get::<String>(0)?,
                State::named(&row.get::<String>(1)?),
                row.get::<Option<String>>(2)?,
                row.get::<Option<String>>(3)?,
            ))
        },
    )?;
    for (other, state, credential_group, exclusive_group) in others {
        let Some(state) = state.filter(|state| state.is_open()) else {
            continue;
        };
        if let Some(group) = &settings.exclusive_group
            && exclusive_group.as_ref() == Some(group)
            && other != profile
        {
            let group = group.clone();
            return Err(Refusal::ExclusiveGroup { group }.into());
        }
        if let Some(group) = &settings.credential_group
            && settings.block_multiple_requests
            && credential_group.as_ref() == Some(group)
            && !state.is_issued()
        {
            let group = group.clone();
            return Err(Refusal::BlockMultipleRequests { group }.into());
        }
        if other == profile && state.is_issued() && !settings.issue_over_existing {
            return Err(Refusal::IssueOverExisting.into());
        }
    }
    Ok(())
}

fn delivery(
    wanted: Option<Delivery>,
    person: &Person,
    settings: &Settings,
    terms: &Terms,
) -> Result<Delivery, Refusal> {
    let usual = match (settings.notification_scheme, settings.validate_issuance) {
        (Scheme::None, false) => Delivery::Screen,
        (Scheme::None, true) => Delivery::Held,
        _ => Delivery::Notified,
    };
    let delivery = wanted.unwrap_or(usual);
    match delivery {
        Delivery::Screen if settings.validate_issuance => return Err(Refusal::NotOnScreen),
        Delivery::Notified => notices::possible(person, settings, terms)?,
        Delivery::Screen | Delivery::Held => {}
    }
    Ok(delivery)
}
