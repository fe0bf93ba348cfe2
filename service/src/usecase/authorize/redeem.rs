//! Redeeming the code that a browser brought.

use mdoc_core::crypto::{CryptoRng, fastest};
use mdoc_core::time::Timestamp;
use mdoc_openid::Secret;
use mdoc_openid::vci::pkce;

use super::{Wanted, code_id};
use crate::domain::Refusal;
use crate::domain::id::Serial;
use crate::secrets::Purpose;
use crate::store::{Row, StoreError, Tx};
use crate::terms::Terms;
use crate::usecase::Failure;
use crate::usecase::audit::{self, Entry};
use crate::usecase::authority::Actor;
use crate::usecase::collect::{self, Begun, Holder, Noted, same_key};

/// What a wallet redeems.
pub struct Redeemed<'a> {
    /// What the browser brought.
    pub code: &'a [u8],
    /// As it was pushed.
    pub redirect_uri: Option<&'a str>,
    /// What the challenge was made of.
    pub verifier: Option<&'a Secret>,
    /// Who redeems it.
    pub holder: &'a Holder,
}

/// A code as it is kept.
struct Kept {
    id: Vec<u8>,
    client_id: String,
    keys: (Option<Vec<u8>>, Option<Vec<u8>>),
    redirect_uri: String,
    challenge: String,
    wanted: Wanted,
    offer: Vec<u8>,
    used: bool,
    refresh: Option<Vec<u8>>,
    expires: Timestamp,
}

impl Kept {
    fn of_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get(0)?,
            client_id: row.get(1)?,
            keys: (row.get(2)?, row.get(3)?),
            redirect_uri: row.get(4)?,
            challenge: row.get(5)?,
            wanted: Wanted::of_text(&row.get::<String>(6)?)?,
            offer: row.get::<Option<Vec<u8>>>(7)?.unwrap_or_default(),
            used: row.get::<Option<i64>>(8)?.is_some(),
            refresh: row.get(9)?,
            expires: row.get(10)?,
        })
    }

    /// Whether it is redeemed by who asked for it, as it was asked for.
    fn is_for(&self, redeemed: &Redeemed<'_>) -> bool {
        let holder = redeemed.holder;
        let (instance, key) = (self.keys.0.as_deref(), self.keys.1.as_deref());
        holder.client_id.as_deref() == Some(self.client_id.as_str())
            && redeemed.redirect_uri == Some(self.redirect_uri.as_str())
            && same_key(instance, holder.instance_key.as_ref())
            // A wallet that showed no key before may show one now.
            && (key.is_none() || same_key(key, holder.key_thumbprint.as_ref()))
            && redeemed
                .verifier
                .is_some_and(|verifier| pkce::verify(verifier, &self.challenge, fastest()))
    }
}

/// Takes the offer for which a browser brought a code. The code is good once: who presents it again ends what was given for
/// it (RFC 6749, 4.1.2). Tells whether the wallet asked in detail.
///
/// # Errors
/// [`Failure::Store`]; what a rule says is the inner result, as in [`collect::redeem`].
pub fn redeem(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    (redeemed, terms): (&Redeemed<'_>, &Terms),
    rng: &mut dyn CryptoRng,
) -> Result<Noted<(Begun, bool)>, Failure> {
    let kept = tx.row(
        "SELECT id, client_id, instance_key, key_thumbprint, redirect_uri, challenge, wanted, offer, used, \
         refresh_token, expires FROM authorization_request WHERE code = $1 FOR UPDATE",
        &[(&code_id(terms, redeemed.code)).into()],
        Kept::of_row,
    )?;
    let Some(kept) = kept else {
        return Ok(Err(Refusal::SignInUnknown));
    };
    let offer = collect::by_id(tx, &kept.offer, true)?;
    if kept.used {
        if let Some(offer) = offer {
            revoke(tx, actor, now, (&kept, &offer.serial))?;
        }
        return Ok(Err(Refusal::OfferUsed));
    }
    if kept.expires < now || !kept.is_for(redeemed) {
        return Ok(Err(Refusal::SignInUnknown));
    }
    if let Err(refusal) = collect::room(tx, now, terms)? {
        return Ok(Err(refusal));
    }
    let offer = match offer.ok_or(Refusal::OfferUnknown) {
        Ok(offer) => offer,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if let Err(refusal) = offer.check(now, terms) {
        return Ok(Err(refusal));
    }
    let begun = collect::take(tx, actor, now, (&offer, redeemed.holder, terms), rng)?;
    let refresh = begun
        .refresh
        .as_ref()
        .map(|token| terms.secrets.digest(Purpose::RefreshToken, &[&**token]));
    // Kept as long as what was given for it is good.
    let lifetime = if refresh.is_some() {
        terms.refresh_lifetime
    } else {
        terms.session_lifetime
    };
    tx.execute(
        "UPDATE authorization_request SET used = $2, refresh_token = $3, expires = $4, state = NULL WHERE id = $1",
        &[
            (&kept.id).into(),
            now.into(),
            refresh.as_ref().map(<[u8; 32]>::as_slice).into(),
            (now.unix() + lifetime).into(),
        ],
    )?;
    Ok(Ok((begun, kept.wanted.detailed)))
}

/// Ends what was given for a code.
fn revoke(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    (kept, serial): (&Kept, &Serial),
) -> Result<(), StoreError> {
    if let Some(token) = &kept.refresh {
        tx.execute("DELETE FROM refresh_token WHERE token = $1", &[token.into()])?;
    }
    tx.execute(
        "UPDATE session SET ended = $2 WHERE document = $1 AND ended IS NULL",
        &[serial.into(), now.into()],
    )?;
    let entry = Entry::new("offer.sign-in-twice", ("document", serial.as_str()));
    audit::append(tx, actor, now, &entry)
}
