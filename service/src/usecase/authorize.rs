//! Collecting by a sign-in: what a wallet pushes, what its holder says in a browser, and the code that comes of it (RFC 6749,
//! 4.1; RFC 9126; OpenID4VCI 1.0, 5).
//!
//! The service knows people by what it sent them. So the sign-in is the authentication code of the offer that the wallet
//! names by its `issuer_state`, or the invitation code, typed by hand, where the wallet names none. An `issuer_state` may
//! have been made up or passed on: it finds an offer and opens nothing.

mod redeem;
mod shown;

pub use self::redeem::{Redeemed, redeem};

use mdoc_core::crypto::{CryptoRng, equal_in_constant_time};
use mdoc_core::time::Timestamp;
use serde_json::json;
use zeroize::Zeroizing;

use super::audit::{self, Entry};
use super::authority::Actor;
use super::collect::{self, Holder, Noted, Presented};
use super::{Failure, document, profiles};
use crate::domain::Refusal;
use crate::domain::code::CodeForm;
use crate::domain::profile::Profile;
use crate::secrets::{Purpose, random};
use crate::store::{Row, StoreError, Tx};
use crate::terms::Terms;

/// How long a person may take in the browser, in seconds.
pub const REQUEST_LIFETIME: i64 = 600;
/// How long the code is good that the browser brings to the wallet, in seconds.
pub const CODE_LIFETIME: i64 = 60;
/// How often a page may be sent for a request, whatever is in it.
const MOST_POSTS: i64 = 50;

/// What a wallet asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Any one of these profiles.
    pub profiles: Vec<String>,
    /// Whether it asked with `authorization_details`, so that the answer has to name the dataset.
    pub detailed: bool,
}

impl Wanted {
    fn to_text(&self) -> String {
        json!({ "profiles": self.profiles, "detailed": self.detailed }).to_string()
    }

    fn of_text(text: &str) -> Result<Self, StoreError> {
        let unexpected = || StoreError::Unexpected("what a wallet asked for cannot be read".to_owned());
        let value: serde_json::Value = serde_json::from_str(text).map_err(|_| unexpected())?;
        let names = value.get("profiles").and_then(serde_json::Value::as_array);
        let profiles: Option<Vec<String>> = names
            .ok_or_else(unexpected)?
            .iter()
            .map(|name| name.as_str().map(str::to_owned))
            .collect();
        Ok(Self {
            profiles: profiles.ok_or_else(unexpected)?,
            detailed: value.get("detailed").and_then(serde_json::Value::as_bool) == Some(true),
        })
    }
}

/// What a wallet pushes.
#[derive(Clone)]
pub struct Pushed {
    /// Who it is, and which keys the code is bound to.
    pub holder: Holder,
    /// What it calls itself.
    pub client_id: String,
    /// Where the browser is sent at the end: one that is allowed.
    pub redirect_uri: String,
    /// Comes back as it is.
    pub state: Option<String>,
    /// The challenge of PKCE.
    pub challenge: String,
    /// What is asked for.
    pub wanted: Wanted,
    /// From an offer, or from anybody.
    pub issuer_state: Option<Vec<u8>>,
}

/// Keeps what a wallet pushes; gives what its request is called from now on.
///
/// # Errors
/// [`Failure::Store`].
pub fn push(
    tx: &mut Tx<'_>,
    now: Timestamp,
    (pushed, terms): (&Pushed, &Terms),
    rng: &mut dyn CryptoRng,
) -> Result<Zeroizing<[u8; 32]>, Failure> {
    let offer: Option<Vec<u8>> = match &pushed.issuer_state {
        None => None,
        Some(state) => {
            let state = terms.secrets.digest(Purpose::IssuerState, &[state]);
            tx.value("SELECT id FROM offer WHERE issuer_state = $1", &[(&state).into()])?
        }
    };
    let name = random(rng);
    let slice = <[u8; 32]>::as_slice;
    tx.execute(
        "INSERT INTO authorization_request (id, client_id, instance_key, key_thumbprint, redirect_uri, state, challenge, \
         wanted, offer, posts, failures, expires) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, 0, $10)",
        &[
            (&request_id(terms, &*name)).into(),
            (&pushed.client_id).into(),
            pushed.holder.instance_key.as_ref().map(slice).into(),
            pushed.holder.key_thumbprint.as_ref().map(slice).into(),
            (&pushed.redirect_uri).into(),
            pushed.state.as_ref().into(),
            (&pushed.challenge).into(),
            (&pushed.wanted.to_text()).into(),
            offer.as_ref().into(),
            (now.unix() + REQUEST_LIFETIME).into(),
        ],
    )?;
    Ok(name)
}

fn request_id(terms: &Terms, name: &[u8]) -> [u8; 32] {
    terms.secrets.digest(Purpose::Authorization, &[b"request", name])
}

fn code_id(terms: &Terms, code: &[u8]) -> [u8; 32] {
    terms.secrets.digest(Purpose::Authorization, &[b"code", code])
}

/// A request that was pushed.
struct Request {
    id: Vec<u8>,
    client_id: String,
    redirect_uri: String,
    state: Option<String>,
    wanted: Wanted,
    offer: Option<[u8; 32]>,
    posts: i64,
    failures: i64,
    coded: bool,
    expires: Timestamp,
}

const REQUEST: &str = "SELECT id, client_id, redirect_uri, state, wanted, offer, posts, failures, code, expires \
                       FROM authorization_request WHERE id = $1";

impl Request {
    fn of_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let offer: Option<Vec<u8>> = row.get(5)?;
        Ok(Self {
            id: row.get(0)?,
            client_id: row.get(1)?,
            redirect_uri: row.get(2)?,
            state: row.get(3)?,
            wanted: Wanted::of_text(&row.get::<String>(4)?)?,
            offer: offer.and_then(|id| id.try_into().ok()),
            posts: row.get(6)?,
            failures: row.get(7)?,
            coded: row.get::<Option<Vec<u8>>>(8)?.is_some(),
            expires: row.get(9)?,
        })
    }

    /// The request by its name, if it is still open and of that wallet.
    fn find(
        tx: &mut Tx<'_>,
        now: Timestamp,
        (asked, terms): (&Asked<'_>, &Terms),
        held: bool,
    ) -> Result<Option<Self>, StoreError> {
        let tail = if held { " FOR UPDATE" } else { "" };
        let found = tx.row(
            &format!("{REQUEST}{tail}"),
            &[(&request_id(terms, asked.request)).into()],
            Self::of_row,
        )?;
        let open = |found: &Self| found.client_id == asked.client_id && !found.coded && found.expires >= now;
        Ok(found.filter(open))
    }

    /// What the page carries: made anew whenever one was sent.
    fn ticket(&self, terms: &Terms) -> [u8; 32] {
        terms
            .secrets
            .digest(Purpose::Page, &[&self.id, &self.posts.to_be_bytes()])
    }

    fn end(&self) -> End {
        End {
            redirect_uri: self.redirect_uri.clone(),
            state: self.state.clone(),
        }
    }
}

/// Which request a browser is about. Who knows its name sees its page.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// What [`push`] called it.
    pub request: &'a [u8],
    /// Whose it is said to be.
    pub client_id: &'a str,
}

/// What a person has to type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Types {
    /// Nothing: the address of the offer is enough.
    Nothing,
    /// The authentication code.
    Code(CodeForm),
    /// The invitation code, and the authentication code if there is one.
    Invitation,
}

/// What the browser shows.
#[derive(Clone)]
pub struct Page {
    /// What the wallet calls itself. Nobody vouches for it.
    pub wallet: String,
    /// The documents that it asks for.
    pub documents: Vec<Profile>,
    /// What is asked.
    pub types: Types,
    /// Goes into the form and is good once.
    pub ticket: [u8; 32],
    /// Where the browser goes in the end.
    pub end: End,
    /// Nothing that is typed helps any more.
    pub over: bool,
}

/// Where a browser goes in the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// The address.
    pub redirect_uri: String,
    /// What the wallet wants to see there.
    pub state: Option<String>,
}

/// What the browser shows for a request.
///
/// # Errors
/// [`Refusal::SignInUnknown`] if it is over, of another wallet, or was never made.
pub fn page(tx: &mut Tx<'_>, now: Timestamp, (asked, terms): (&Asked<'_>, &Terms)) -> Result<Page, Failure> {
    let request = Request::find(tx, now, (asked, terms), false)?.ok_or(Refusal::SignInUnknown)?;
    let offer = match &request.offer {
        Some(id) => collect::by_id(tx, id, false)?,
        None => None,
    };
    let types = match &offer {
        None => Types::Invitation,
        Some(offer) => offer.form.clone().map_or(Types::Nothing, Types::Code),
    };
    let gone = offer
        .as_ref()
        .is_some_and(|offer| offer.check(now, terms).is_err());
    let mut documents = Vec::new();
    for current in profiles::all(tx)? {
        if request.wanted.profiles.contains(&current.profile.name) {
            documents.push(current.profile);
        }
    }
    Ok(Page {
        over: gone || request.failures >= terms.code_tries || request.posts >= MOST_POSTS,
        ticket: request.ticket(terms),
        wallet: request.client_id.clone(),
        end: request.end(),
        documents,
        types,
    })
}

/// What a person sent.
#[derive(Clone, Copy)]
pub struct Said<'a> {
    /// From the page.
    pub ticket: &'a [u8],
    /// The invitation code, if one was asked for.
    pub invitation: Option<&'a str>,
    /// The authentication code.
    pub code: Option<&'a str>,
}

/// What comes of it.
pub struct Granted {
    /// The code for the wallet.
    pub code: Zeroizing<[u8; 32]>,
    /// Where the browser brings it.
    pub end: End,
}

/// Judges what a person sent, and gives a code for the wallet if it is right. What is wrong is counted.
///
/// # Errors
/// [`Refusal::SignInUnknown`]; what else a rule says is the inner result: [`Refusal::PageStale`], [`Refusal::OfferOfOther`], and
/// those of [`collect::redeem`].
pub fn decide(
    tx: &mut Tx<'_>,
    actor: &Actor,
    now: Timestamp,
    (asked, said, terms): (&Asked<'_>, &Said<'_>, &Terms),
    rng: &mut dyn CryptoRng,
) -> Result<Noted<Granted>, Failure> {
    let request = Request::find(tx, now, (asked, terms), true)?.ok_or(Refusal::SignInUnknown)?;
    if request.posts >= MOST_POSTS || request.failures >= terms.code_tries {
        return Ok(Err(Refusal::CodeExhausted));
    }
    tx.execute(
        "UPDATE authorization_request SET posts = posts + 1 WHERE id = $1",
        &[(&request.id).into()],
    )?;
    if !equal_in_constant_time(&request.ticket(terms), said.ticket) {
        return Ok(Err(Refusal::PageStale));
    }
    let known = match &request.offer {
        Some(id) => collect::by_id(tx, id, false)?.map(|offer| offer.id),
        None => None,
    };
    let presented = match &known {
        Some(id) => Presented::Offer(id),
        None => Presented::Invitation(said.invitation.unwrap_or_default()),
    };
    let offer = match collect::open(tx, actor, now, (presented, said.code, terms))? {
        Ok(offer) => offer,
        Err(refusal) => {
            if matches!(refusal, Refusal::OfferUnknown | Refusal::CodeWrong) {
                tx.execute(
                    "UPDATE authorization_request SET failures = failures + 1 WHERE id = $1",
                    &[(&request.id).into()],
                )?;
            }
            return Ok(Err(refusal));
        }
    };
    let document = document::look(tx, &offer.serial)?.ok_or(Refusal::SignInUnknown)?;
    if !request.wanted.profiles.contains(&document.profile.0) {
        return Ok(Err(Refusal::OfferOfOther));
    }
    let code = random(rng);
    tx.execute(
        "UPDATE authorization_request SET code = $2, offer = $3, expires = $4 WHERE id = $1",
        &[
            (&request.id).into(),
            (&code_id(terms, &*code)).into(),
            (&offer.id).into(),
            (now.unix() + CODE_LIFETIME).into(),
        ],
    )?;
    let entry = Entry::new("offer.sign-in", ("document", offer.serial.as_str()));
    audit::append(tx, actor, now, &entry)?;
    Ok(Ok(Granted {
        code,
        end: request.end(),
    }))
}

/// Ends a request because the person does not want it; tells where the browser goes.
///
/// # Errors
/// [`Refusal::SignInUnknown`].
pub fn give_up(
    tx: &mut Tx<'_>,
    now: Timestamp,
    (asked, terms): (&Asked<'_>, &Terms),
) -> Result<End, Failure> {
    let request = Request::find(tx, now, (asked, terms), true)?.ok_or(Refusal::SignInUnknown)?;
    tx.execute(
        "DELETE FROM authorization_request WHERE id = $1",
        &[(&request.id).into()],
    )?;
    Ok(request.end())
}
