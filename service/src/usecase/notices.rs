//! Telling people of their documents (E9): what is sent is written down with what it tells of.

use mdoc_core::crypto::CryptoRng;
use mdoc_core::time::Timestamp;
use mdoc_openid::jose::base64url;

use super::Failure;
use super::authority::Actor;
use super::document::Document;
use super::outbox::{self, Letter, New};
use super::request::make_offer;
use crate::domain::Refusal;
use crate::domain::notice::{Channel, Notice};
use crate::domain::person::Person;
use crate::domain::profile::Settings;
use crate::secrets::Purpose;
use crate::store::{StoreError, Tx};
use crate::terms::Terms;

/// Whether the profile's scheme can be followed for a person.
pub(super) fn possible(person: &Person, settings: &Settings, terms: &Terms) -> Result<(), Refusal> {
    let sends = settings.notification_scheme.sends();
    if sends.is_empty() {
        return Err(Refusal::field(
            "delivery",
            "the notification scheme of the profile sends nothing",
        ));
    }
    if person.details.email.is_none() {
        return Err(Refusal::NoEmail);
    }
    if person.details.mobile_phone.is_none() {
        return Err(Refusal::NoMobilePhone);
    }
    if sends.iter().all(|(_, channel)| terms.channels.contains(channel)) {
        Ok(())
    } else {
        Err(Refusal::NotificationsNotSetUp)
    }
}

/// Makes the offer of a document, and sends address and code by the profile's scheme.
pub(super) fn offer(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    (document, person, settings, terms): (&Document, &Person, &Settings, &Terms),
    rng: &mut dyn CryptoRng,
) -> Result<(), Failure> {
    let offer = make_offer(tx, actor, now, (document, settings, terms), rng)?;
    let id = terms.secrets.digest(Purpose::Offer, &[&*offer.secret]);
    for (notice, channel) in settings.notification_scheme.sends() {
        let mut letter = letter(person, settings, *channel)?;
        letter.expires = offer.expires.date().to_string();
        match notice {
            Notice::Address => {
                letter.address = format!("{}{}", terms.offers, base64url(&*offer.secret));
                letter.invitation = offer.invitation.to_string();
            }
            Notice::Code => {
                letter.code = offer
                    .code
                    .as_ref()
                    .map(|code| code.to_string())
                    .unwrap_or_default();
            }
            Notice::Update => {}
        }
        let new = New {
            person: &person.id,
            document: Some(&document.serial),
            offer: Some(&id),
            notice: *notice,
            channel: *channel,
            letter: &letter,
        };
        outbox::add(tx, now, (&new, &terms.secrets), rng)?;
    }
    Ok(())
}

/// Tells a person that a document was made anew, if the profile's scheme tells anybody and something sends.
pub(super) fn update(
    tx: &mut Tx<'_>,
    now: Timestamp,
    (document, person, settings, terms): (&Document, &Person, &Settings, &Terms),
    rng: &mut dyn CryptoRng,
) -> Result<(), Failure> {
    let tells = settings.notification_scheme.tells();
    let Some(channel) = tells.filter(|channel| terms.channels.contains(channel)) else {
        return Ok(());
    };
    let Ok(letter) = letter(person, settings, channel) else {
        return Ok(());
    };
    let new = New {
        person: &person.id,
        document: Some(&document.serial),
        offer: None,
        notice: Notice::Update,
        channel,
        letter: &letter,
    };
    outbox::add(tx, now, (&new, &terms.secrets), rng)?;
    Ok(())
}

fn letter(person: &Person, settings: &Settings, channel: Channel) -> Result<Letter, Refusal> {
    let details = &person.details;
    let to = match channel {
        Channel::Mail => details.email.clone().ok_or(Refusal::NoEmail)?,
        Channel::Sms => details.mobile_phone.clone().ok_or(Refusal::NoMobilePhone)?,
    };
    Ok(Letter {
        to,
        given_name: details.given_name.clone(),
        family_name: details.family_name.clone(),
        document: settings.display_name.clone(),
        address: String::new(),
        invitation: String::new(),
        code: String::new(),
        expires: String::new(),
    })
}

/// The day of an instant: `2027-01-31`.
/// Whether somebody was given an offer of the document already that was taken, or can be taken.
pub(super) fn has_offer(tx: &mut Tx<'_>, now: Timestamp, document: &Document) -> Result<bool, StoreError> {
    let found: Option<i64> = tx.value(
        "SELECT 1 FROM offer WHERE document = $1 AND (used IS NOT NULL OR expires >= $2) LIMIT 1",
        &[(&document.serial).into(), now.into()],
    )?;
    Ok(found.is_some())
}
