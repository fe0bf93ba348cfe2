//! Signing in by a provider of OpenID Connect: the request that was made in a browser, and who came back with its answer.

use mdoc_core::crypto::CryptoRng;
use mdoc_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::super::Failure;
use super::super::authority::Actor;
use super::session::{Begun, begin, refused};
use super::sign_in::unwritable;
use super::{Judged, Patience, has_account};
use crate::domain::Refusal;
use crate::domain::id::PersonId;
use crate::domain::operator::Method;
use crate::secrets::{Purpose, Secrets};
use crate::store::Tx;

/// How long somebody has at the provider, in seconds.
const AT_PROVIDER: i64 = 600;
/// How many are there at once at most: anybody can be sent there.
const MOST_AWAY: i64 = 10_000;

/// What a request to a provider was made with, and which browser made it.
#[derive(Serialize, Deserialize)]
pub struct Asked {
    /// What the token of the provider has to have.
    pub nonce: String,
    /// What shows the provider that the code is ours (RFC 7636).
    pub verifier: String,
    /// What only the browser has that was sent there.
    pub browser: String,
}

impl Drop for Asked {
    fn drop(&mut self) {
        use zeroize::Zeroize as _;
        self.nonce.zeroize();
        self.verifier.zeroize();
        self.browser.zeroize();
    }
}

/// Keeps a request to a provider under its `state`.
///
/// # Errors
/// [`Refusal::SignInsFull`] if too many are on their way.
pub fn ask_openid(
    tx: &mut Tx<'_>,
    now: Timestamp,
    (state, asked): (&str, &Asked),
    (secrets, rng): (&Secrets, &mut dyn CryptoRng),
) -> Result<(), Failure> {
    let away: Option<i64> = tx.value(
        "SELECT COUNT(*) FROM operator_ceremony WHERE kind = 'openid' AND expires > $1",
        &[now.into()],
    )?;
    if away.is_some_and(|away| away >= MOST_AWAY) {
        return Err(Refusal::SignInsFull.into());
    }
    let digest = secrets.digest(Purpose::Ceremony, &[state.as_bytes()]);
    let plain = Zeroizing::new(serde_json::to_vec(asked).map_err(unwritable)?);
    tx.execute(
        "INSERT INTO operator_ceremony (token, kind, sealed, expires) VALUES ($1, 'openid', $2, $3)",
        &[
            (&digest).into(),
            (&secrets.seal(&[b"openid", &digest], &plain, rng)).into(),
            Timestamp::from_unix(now.unix() + AT_PROVIDER).into(),
        ],
    )?;
    Ok(())
}

/// The request to a provider with that `state`, once.
///
/// # Errors
/// [`Refusal::OperatorCeremony`].
pub fn asked_openid(
    tx: &mut Tx<'_>,
    now: Timestamp,
    (state, secrets): (&str, &Secrets),
) -> Result<Asked, Failure> {
    let digest = secrets.digest(Purpose::Ceremony, &[state.as_bytes()]);
    let sealed = tx.value::<Vec<u8>>(
        "SELECT sealed FROM operator_ceremony WHERE token = $1 AND kind = 'openid' AND expires > $2",
        &[(&digest).into(), now.into()],
    )?;
    let taken = tx.execute(
        "DELETE FROM operator_ceremony WHERE token = $1",
        &[(&digest).into()],
    )?;
    let plain = sealed
        .filter(|_| taken == 1)
        .and_then(|sealed| secrets.open(&[b"openid", &digest], &sealed));
    let asked = plain.and_then(|plain| serde_json::from_slice(&plain).ok());
    Ok(asked.ok_or(Refusal::OperatorCeremony)?)
}

/// Signs in the person whom a provider named, by the external identity key (E1), and who has an account: that is given by
/// whoever has the files of the service. Who sees to people and roles alone would otherwise make another operator of an
/// identity of their own.
///
/// # Errors
/// [`Failure::Store`]; [`Refusal::OperatorRefused`] is kept.
pub fn sign_in_by_openid(
    tx: &mut Tx<'_>,
    now: Timestamp,
    (external_id, from): (&str, &str),
    (secrets, patience, rng): (&Secrets, Patience, &mut dyn CryptoRng),
) -> Result<Judged<Begun>, Failure> {
    let person: Option<PersonId> = tx.value(
        "SELECT id FROM person WHERE external_id = $1",
        &[external_id.into()],
    )?;
    let Some(person) = person else {
        return Ok(Err(Refusal::OperatorRefused));
    };
    let method = Method::OpenId;
    if !has_account(tx, &person)? {
        let actor = Actor::outsider(from.to_owned());
        refused(tx, &actor, now, (&person, method, "account.none"))?;
        return Ok(Err(Refusal::OperatorRefused));
    }
    begin(tx, now, (&person, method, from), (secrets, patience, rng))
}
