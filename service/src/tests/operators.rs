//! Operators sign in, over HTTP as browsers do it.

mod account;
mod attacks;
mod browser;
mod certificates;
mod invitations;
mod passkeys;
mod provider;
mod sign_in;

use mdoc_core::time::Timestamp;

use self::browser::Browser;
use super::world::{World, everywhere, operator, system};
use crate::domain::id::PersonId;
use crate::domain::operator::Authenticator;
use crate::domain::role::{Scope, Workflow};
use crate::usecase::operators::{self, Patience};

const ISSUER: &str = "https://id.example.org/t/club";
const PASSWORD: &str = "kettle moss 7 orbit";

/// What an operator knows and has.
struct Account {
    logon: &'static str,
    secret: Vec<u8>,
    codes: Vec<String>,
}

impl Account {
    /// The code that the authenticator shows.
    fn code(&self, now: Timestamp) -> String {
        Authenticator::new(&self.secret, ("", "")).unwrap().code(now)
    }
}

/// An invitation, as its address.
async fn invited(world: &mut World, who: &PersonId) -> String {
    let (now, mut rng, secrets) = (world.now, world.rng(), world.terms.secrets.clone());
    let who = who.clone();
    let invited = world
        .run(move |tx| {
            operators::invite(
                tx,
                &system(),
                now,
                &who,
                (&secrets, Patience::default(), &mut rng),
            )
        })
        .await;
    let address = crate::api::invitation_address(ISSUER, &invited.token);
    address.strip_prefix(ISSUER).unwrap().to_owned()
}

/// What a page shows to be typed into an authenticator.
fn shown_secret(body: &str) -> Vec<u8> {
    let typed = body
        .split("<code>")
        .nth(1)
        .unwrap()
        .split("</code>")
        .next()
        .unwrap();
    let typed: String = typed.chars().filter(|c| !c.is_whitespace()).collect();
    totp_rs::Secret::try_from_base32(typed)
        .unwrap()
        .as_bytes()
        .to_vec()
}

/// The codes that a page shows.
fn shown_codes(body: &str) -> Vec<String> {
    let items = body.split("<li><code>").skip(1);
    items
        .map(|item| item.split('<').next().unwrap().to_owned())
        .collect()
}

/// An account that was set up half an hour ago.
async fn account(world: &mut World, who: &PersonId, logon: &'static str) -> Account {
    let address = invited(world, who).await;
    let mut browser = Browser::new(world);
    let page = browser.get(&address).await;
    assert_eq!(page.status, 200, "{}", page.body);
    let mut account = Account {
        logon,
        secret: shown_secret(&page.body),
        codes: Vec::new(),
    };
    let code = account.code(world.now);
    let form = [("password", PASSWORD), ("again", PASSWORD), ("code", &code)];
    let page = browser.post(&address, &form).await;
    assert_eq!(page.status, 200, "{}", page.body);
    account.codes = shown_codes(&page.body);
    assert_eq!(account.codes.len(), 10);
    world.later(1800);
    account
}

/// A browser whose operator is signed in.
async fn signed_in(world: &World, account: &Account) -> Browser {
    let mut browser = Browser::new(world);
    let page = browser.password(account.logon, PASSWORD).await;
    assert_eq!(
        (page.status, page.location()),
        (303, "/operator/second"),
        "{}",
        page.body
    );
    let code = account.code(world.now);
    let page = browser.post("/operator/second", &[("code", &code)]).await;
    assert_eq!(
        (page.status, page.location()),
        (303, "/operator"),
        "{}",
        page.body
    );
    browser
}
