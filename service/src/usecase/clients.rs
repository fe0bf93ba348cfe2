//! Machines that use the interface: each acts in the name of an operator, within the scopes that it was given (E3).

use mdoc_core::crypto::CryptoRng;
use mdoc_core::time::Timestamp;
use serde_json::json;
use zeroize::Zeroizing;

use super::Failure;
use super::audit::{self, Entry};
use super::authority::{self, Actor};
use crate::domain::Refusal;
use crate::domain::id::{ClientId, PersonId};
use crate::domain::role::Workflow;
use crate::domain::scope::ApiScope;
use crate::secrets::{self, Purpose, Secrets};
use crate::store::{Row, StoreError, Tx};

/// How long a token of a machine is good, in seconds.
pub const TOKEN_LIFETIME: i64 = 300;

/// A machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// What it calls itself when it asks for a token.
    pub id: ClientId,
    /// What operators call it.
    pub name: String,
    /// In whose name it acts.
    pub operator: PersonId,
    /// What its tokens may be for.
    pub scopes: Vec<ApiScope>,
    /// Whether it may do anything.
    pub enabled: bool,
}

/// A secret that is shown once.
pub type Shown = Zeroizing<[u8; 32]>;

/// Adds a machine; its secret is known to nobody but who is given it here.
///
/// # Errors
/// [`Refusal::OtherOperator`], [`Refusal::Unknown`] for the operator, [`Refusal::Field`], [`Refusal::Exists`],
/// [`Refusal::NotGranted`].
pub fn add(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    (name, operator, scopes): (&str, &PersonId, &[ApiScope]),
    (secrets, rng): (&Secrets, &mut dyn CryptoRng),
) -> Result<(Client, Shown), Failure> {
    permit(tx, actor, operator)?;
    Refusal::check_name("name", name, 64)?;
    if scopes.is_empty() {
        return Err(Refusal::field("scopes", "there is none").into());
    }
    super::people::hold(tx, operator)?;
    let client = Client {
        id: ClientId::random(rng),
        name: name.to_owned(),
        operator: operator.clone(),
        scopes: scopes.to_vec(),
        enabled: true,
    };
    let secret = secrets::random(rng);
    let names = ApiScope::names(scopes);
    let added = tx.execute(
        "INSERT INTO client (id, name, operator, scopes, secret, enabled, created) VALUES ($1, $2, $3, $4, $5, 1, $6) \
         ON CONFLICT (name) DO NOTHING",
        &[
            (&client.id).into(),
            name.into(),
            operator.into(),
            (&names).into(),
            (&digest(secrets, &client.id, &*secret)).into(),
            now.into(),
        ],
    )?;
    if added == 0 {
        let name = name.to_owned();
        let (what, field) = ("machine", "name");
        return Err(Refusal::Exists { what, field, name }.into());
    }
    let entry = Entry::new("client.add", ("client", client.id.as_str()));
    let after = json!({ "operator": operator.as_str(), "scopes": names });
    audit::append(tx, actor, now, &entry.change(serde_json::Value::Null, after))?;
    Ok((client, secret))
}

/// Who may see to a machine that acts in an operator's name: a machine of somebody else would be a way round the rules that
/// two persons are needed for.
fn permit(tx: &mut Tx<'_>, actor: &Actor, operator: &PersonId) -> Result<(), Failure> {
    authority::permit(tx, actor, Workflow::EditRoles)?;
    match actor.person() {
        Some(person) if person != operator => Err(Refusal::OtherOperator.into()),
        _ => Ok(()),
    }
}

/// All machines, by name.
///
/// # Errors
/// [`Refusal::NotGranted`].
pub fn list(tx: &mut Tx<'_>, actor: &Actor) -> Result<Vec<Client>, Failure> {
    authority::permit(tx, actor, Workflow::EditRoles)?;
    let sql = format!("SELECT {COLUMNS} FROM client ORDER BY name");
    Ok(tx.rows(&sql, &[], of_row)?)
}

/// Switches a machine off or on; its tokens are over at once.
///
/// # Errors
/// [`Refusal::Unknown`], and as for [`add`].
pub fn enable(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    (name, enabled): (&str, bool),
) -> Result<Client, Failure> {
    let client = named(tx, actor, name)?;
    if enabled {
        super::people::hold(tx, &client.operator)?;
    }
    tx.execute(
        "UPDATE client SET enabled = $2 WHERE id = $1",
        &[(&client.id).into(), enabled.into()],
    )?;
    end_tokens(tx, &client)?;
    let action = if enabled {
        "client.enable"
    } else {
        "client.disable"
    };
    audit::append(
        tx,
        actor,
        now,
        &Entry::new(action, ("client", client.id.as_str())),
    )?;
    Ok(Client { enabled, ..client })
}

/// Gives a machine another secret; the one before and its tokens are good no more.
///
/// # Errors
/// As for [`enable`].
pub fn renew(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    name: &str,
    (secrets, rng): (&Secrets, &mut dyn CryptoRng),
) -> Result<(Client, Shown), Failure> {
    let client = named(tx, actor, name)?;
    super::people::hold(tx, &client.operator)?;
    let secret = secrets::random(rng);
    tx.execute(
        "UPDATE client SET secret = $2 WHERE id = $1",
        &[
            (&client.id).into(),
            (&digest(secrets, &client.id, &*secret)).into(),
        ],
    )?;
    end_tokens(tx, &client)?;
    audit::append(
        tx,
        actor,
        now,
        &Entry::new("client.renew", ("client", client.id.as_str())),
    )?;
    Ok((client, secret))
}

fn named(tx: &mut Tx<'_>, actor: &Actor, name: &str) -> Result<Client, Failure> {
    authority::permit(tx, actor, Workflow::EditRoles)?;
    let sql = format!("SELECT {COLUMNS} FROM client WHERE name = $1");
    let client = tx.row(&sql, &[name.into()], of_row)?;
    let client = client.ok_or(Refusal::Unknown { what: "machine" })?;
    permit(tx, actor, &client.operator)?;
    Ok(client)
}

fn end_tokens(tx: &mut Tx<'_>, client: &Client) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM client_token WHERE client = $1",
        &[(&client.id).into()],
    )
    .map(drop)
}

/// Whether there is such a machine.
///
/// # Errors
/// [`StoreError`].
pub fn is_there(tx: &mut Tx<'_>, id: &ClientId) -> Result<bool, StoreError> {
    let found: Option<i64> = tx.value("SELECT 1 FROM client WHERE id = $1", &[id.into()])?;
    Ok(found.is_some())
}

/// A token that was given.
pub struct Granted {
    /// The token.
    pub token: Shown,
    /// What it is for.
    pub scopes: Vec<ApiScope>,
}

impl core::fmt::Debug for Granted {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Granted")
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

/// Gives a token for a secret (RFC 6749, 4.4): for what is wanted of what the machine may, or for all of that.
///
/// # Errors
/// [`Refusal::ClientUnknown`], [`Refusal::ScopeMissing`].
pub fn token(
    tx: &mut Tx<'_>,
    now: Timestamp,
    (id, secret, wanted): (&ClientId, &[u8], &[ApiScope]),
    (secrets, rng): (&Secrets, &mut dyn CryptoRng),
) -> Result<Granted, Failure> {
    // The digest is found by its value, so that no time tells how much of it is right.
    let scopes: Option<String> = tx.value(
        "SELECT scopes FROM client WHERE id = $1 AND secret = $2 AND enabled = 1",
        &[id.into(), (&digest(secrets, id, secret)).into()],
    )?;
    let may = scopes_of(&scopes.ok_or(Refusal::ClientUnknown)?)?;
    if let Some(scope) = wanted.iter().find(|scope| !may.contains(scope)) {
        return Err(Refusal::ScopeMissing { scope: *scope }.into());
    }
    let scopes = if wanted.is_empty() { may } else { wanted.to_vec() };
    let token = secrets::random(rng);
    tx.execute(
        "INSERT INTO client_token (token, client, scopes, expires) VALUES ($1, $2, $3, $4)",
        &[
            (&secrets.digest(Purpose::ClientToken, &[&*token])).into(),
            id.into(),
            (&ApiScope::names(&scopes)).into(),
            Timestamp::from_unix(now.unix() + TOKEN_LIFETIME).into(),
        ],
    )?;
    Ok(Granted { token, scopes })
}

/// In whose name the bearer of a token acts, if it is for that.
///
/// # Errors
/// [`Refusal::TokenUnknown`], [`Refusal::ScopeMissing`].
pub fn authorize(
    tx: &mut Tx<'_>,
    now: Timestamp,
    (token, secrets, scope): (&[u8], &Secrets, ApiScope),
    from: &str,
) -> Result<Actor, Failure> {
    let found = tx.row(
        "SELECT c.id, c.operator, t.scopes FROM client_token t JOIN client c ON c.id = t.client \
         WHERE t.token = $1 AND t.expires > $2 AND c.enabled = 1",
        &[
            (&secrets.digest(Purpose::ClientToken, &[token])).into(),
            now.into(),
        ],
        |row| Ok((row.get(0)?, row.get(1)?, row.get::<String>(2)?)),
    )?;
    let (client, operator, scopes): (ClientId, PersonId, String) = found.ok_or(Refusal::TokenUnknown)?;
    if !scopes_of(&scopes)?.contains(&scope) {
        return Err(Refusal::ScopeMissing { scope }.into());
    }
    Ok(Actor::operator(operator, Some(client), from.to_owned()))
}

fn digest(secrets: &Secrets, id: &ClientId, secret: &[u8]) -> [u8; 32] {
    secrets.digest(Purpose::ClientSecret, &[id.as_str().as_bytes(), secret])
}

const COLUMNS: &str = "id, name, operator, scopes, enabled";

fn of_row(row: &Row<'_>) -> Result<Client, StoreError> {
    Ok(Client {
        id: row.get(0)?,
        name: row.get(1)?,
        operator: row.get(2)?,
        scopes: scopes_of(&row.get::<String>(3)?)?,
        enabled: row.get(4)?,
    })
}

fn scopes_of(text: &str) -> Result<Vec<ApiScope>, StoreError> {
    ApiScope::list(text).ok_or_else(|| StoreError::Unexpected("a machine has an unknown scope".to_owned()))
}
