//! Refresh tokens: by one of them a wallet fetches its document anew without its holder.

use mdoc_core::crypto::CryptoRng;
use mdoc_core::time::Timestamp;
use serde_json::{Value as Json, json};
use zeroize::Zeroizing;

use super::{Begun, Holder, Noted, begin, room, same_key};
use crate::domain::Refusal;
use crate::domain::id::Serial;
use crate::secrets::{Purpose, random};
use crate::store::{StoreError, Tx};
use crate::terms::Terms;
use crate::usecase::audit::{self, Entry};
use crate::usecase::authority::Actor;
use crate::usecase::{Failure, document};

/// Opens a session by a refresh token, which is bound to the wallet's key, and to its installation where its provider
/// vouched for that, and stays good until it expires. Tells whether the wallet asks by the identifier of the document.
///
/// # Errors
/// [`Failure::Store`]; what a rule says is the inner result: [`Refusal::SessionUnknown`], [`Refusal::SessionOfOtherKey`], which
/// is noted, and those of the document.
pub fn refresh(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    (token, holder, terms): (&[u8], &Holder, &Terms),
    rng: &mut dyn CryptoRng,
) -> Result<Noted<(Begun, bool)>, Failure> {
    if let Err(refusal) = room(tx, now, terms)? {
        return Ok(Err(refusal));
    }
    let kept = terms.secrets.digest(Purpose::RefreshToken, &[token]);
    let found = tx.row(
        "SELECT document, key_thumbprint, instance_key, client_id, by_identifier FROM refresh_token \
         WHERE token = $1 AND expires >= $2 FOR UPDATE",
        &[(&kept).into(), now.into()],
        |row| {
            let keys = (row.get::<Option<Vec<u8>>>(1)?, row.get::<Option<Vec<u8>>>(2)?);
            let told = row.get::<Option<i64>>(4)? == Some(1);
            Ok((row.get::<Serial>(0)?, keys, row.get::<Option<String>>(3)?, told))
        },
    )?;
    let Some((serial, (key, instance), client, told)) = found else {
        return Ok(Err(Refusal::SessionUnknown));
    };
    // A wallet need not say who it is, but it does not say that it is another one.
    let other_client = client.is_some() && holder.client_id.is_some() && client != holder.client_id;
    if !same_key(key.as_deref(), holder.key_thumbprint.as_ref())
        || instance.is_some() && !same_key(instance.as_deref(), holder.instance_key.as_ref())
        || other_client
    {
        let entry = Entry::new("refresh.other-key", ("document", serial.as_str()));
        audit::append(tx, actor, now, &entry)?;
        return Ok(Err(Refusal::SessionOfOtherKey));
    }
    let mut document = document::read(tx, &serial)?;
    let begun = begin(tx, actor, now, (&mut document, holder, terms), rng)?;
    // Whoever uses it goes on: a document that is renewed lasts longer than one token would. What a code that is presented
    // again ends is known for as long.
    let until = now.unix() + terms.refresh_lifetime;
    for sql in [
        "UPDATE refresh_token SET expires = $2 WHERE token = $1 AND expires < $2",
        "UPDATE authorization_request SET expires = $2 WHERE refresh_token = $1 AND expires < $2",
    ] {
        tx.execute(sql, &[(&kept).into(), until.into()])?;
    }
    let entry = Entry::new("refresh.begin", ("document", serial.as_str()));
    let after = json!({ "state": document.state.name() });
    audit::append(tx, actor, now, &entry.change(Json::Null, after))?;
    Ok(Ok((begun, told)))
}

/// Makes one for the key that a wallet's requests are bound to.
pub(super) fn new_refresh(
    tx: &mut Tx<'_>,
    now: Timestamp,
    (serial, holder, key, terms): (&Serial, &Holder, &[u8; 32], &Terms),
    rng: &mut dyn CryptoRng,
) -> Result<Zeroizing<[u8; 32]>, StoreError> {
    let token = random(rng);
    tx.execute(
        "INSERT INTO refresh_token (token, document, client_id, key_thumbprint, issued, expires, instance_key) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        &[
            (&terms.secrets.digest(Purpose::RefreshToken, &[&*token])).into(),
            serial.into(),
            holder.client_id.as_ref().into(),
            key.into(),
            now.into(),
            (now.unix() + terms.refresh_lifetime).into(),
            holder.instance_key.as_ref().map(<[u8; 32]>::as_slice).into(),
        ],
    )?;
    Ok(token)
}
