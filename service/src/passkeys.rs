//! Passkeys (W3C Web Authentication, Level 3): what a browser is asked, and what its answer means. The library keeps the
//! rules of the ceremonies; here is what of them is kept where.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use webauthn_rs::prelude::{
    CreationChallengeResponse, Passkey, PasskeyAuthentication, PasskeyRegistration, PublicKeyCredential,
    RegisterPublicKeyCredential, RequestChallengeResponse, Url, Uuid, Webauthn, WebauthnBuilder,
};

/// The most passkeys of an account.
pub const MOST: usize = 10;

/// What knows for which site passkeys are.
pub struct Passkeys(Webauthn);

/// A browser was asked to sign in.
#[derive(Serialize, Deserialize)]
pub struct Asked {
    /// What it was asked, as JSON for `navigator.credentials.get`.
    pub options: String,
    state: PasskeyAuthentication,
}

/// A browser was asked for a new passkey.
#[derive(Serialize, Deserialize)]
pub struct Offered {
    /// What it was asked, as JSON for `navigator.credentials.create`.
    pub options: String,
    state: PasskeyRegistration,
}

/// A passkey as it is kept: its key, what it is called by, how often it was used if it counts that.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Kept(Passkey);

impl Kept {
    /// What it is called by.
    #[must_use]
    pub fn id(&self) -> &[u8] {
        self.0.cred_id().as_ref()
    }
}

/// For whom a passkey is.
#[derive(Debug, Clone, Copy)]
pub struct Owner<'a> {
    /// The id of the person, a UUID.
    pub id: &'a str,
    /// The name to sign in by.
    pub logon_name: &'a str,
    /// The name that authenticators show.
    pub name: &'a str,
}

impl Passkeys {
    /// Of the service at that address; none if browsers have no passkeys for such an address, as for one that is a number.
    #[must_use]
    pub fn new(identifier: &str, name: &str) -> Option<Self> {
        let origin = Url::parse(identifier).ok()?;
        let host = origin.domain()?.to_owned();
        let builder = WebauthnBuilder::new(&host, &origin).ok()?.rp_name(name);
        builder.build().ok().map(Self)
    }

    /// Asks for one of those that are kept; nothing if there is none.
    #[must_use]
    pub fn ask(&self, kept: &[Kept]) -> Option<Asked> {
        let kept: Vec<Passkey> = kept.iter().map(|kept| kept.0.clone()).collect();
        if kept.is_empty() {
            return None;
        }
        let (options, state): (RequestChallengeResponse, _) =
            logged(self.0.start_passkey_authentication(&kept))?;
        let options = serde_json::to_string(&options.public_key).ok()?;
        Some(Asked { options, state })
    }

    /// The passkey that answered, as it is kept from now on. None if the answer is not good.
    #[must_use]
    pub fn answered(&self, answer: &str, asked: &Asked, kept: Vec<Kept>) -> Option<Kept> {
        let answer: PublicKeyCredential = read(answer)?;
        let good = logged(self.0.finish_passkey_authentication(&answer, &asked.state))?;
        let mut one = kept
            .into_iter()
            .find(|one| one.id() == good.cred_id().as_slice())?;
        let moved = one.0.update_credential(&good)?;
        // One that counts has counted further since it was kept, whichever sign-in that was.
        (moved || good.counter() == 0).then_some(one)
    }

    /// Asks for a new one, on an authenticator that has none of those that are kept.
    #[must_use]
    pub fn offer(&self, owner: Owner<'_>, kept: &[Kept]) -> Option<Offered> {
        let id = Uuid::parse_str(owner.id).ok()?;
        let there = kept.iter().map(|kept| kept.0.cred_id().clone()).collect();
        let started = self
            .0
            .start_passkey_registration(id, owner.logon_name, owner.name, Some(there));
        let (options, state): (CreationChallengeResponse, _) = logged(started)?;
        let options = serde_json::to_string(&options.public_key).ok()?;
        Some(Offered { options, state })
    }

    /// The new one, as it is kept. None if the answer is not good.
    #[must_use]
    pub fn made(&self, answer: &str, offered: &Offered) -> Option<Kept> {
        let answer: RegisterPublicKeyCredential = read(answer)?;
        logged(self.0.finish_passkey_registration(&answer, &offered.state)).map(Kept)
    }
}

impl core::fmt::Debug for Passkeys {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Passkeys")
    }
}

fn read<T: DeserializeOwned>(answer: &str) -> Option<T> {
    serde_json::from_str(answer).ok()
}

/// What is wrong with an answer is for the log; whoever sent it is told that it is not good.
fn logged<T>(done: Result<T, webauthn_rs::prelude::WebauthnError>) -> Option<T> {
    done.inspect_err(|why| tracing::info!(?why, "a passkey was not taken"))
        .ok()
}
