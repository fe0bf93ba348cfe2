//! What only this service knows: a key, with which it recognises what it gave out without keeping it.

use core::fmt;

use hmac::{Hmac, KeyInit, Mac};
use mdoc_core::crypto::{CryptoRng, fastest};
use sha2::Sha256;
use zeroize::Zeroizing;

/// The key of the service. In the database there are only digests under it, so that a copy of the database opens nothing.
#[derive(Clone)]
pub struct Secrets {
    key: Zeroizing<[u8; 32]>,
}

/// What a digest is for; one is never taken for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The secret part of an offer's address.
    Offer,
    /// A pre-authorized code.
    PreAuthorized,
    /// An `issuer_state`.
    IssuerState,
    /// An authentication code, together with its offer.
    Code,
    /// An invitation code.
    Invitation,
    /// An access token.
    AccessToken,
    /// A refresh token.
    RefreshToken,
    /// The secret of a machine.
    ClientSecret,
    /// A token of a machine.
    ClientToken,
    /// An authorization code, or the name of a pushed request.
    Authorization,
    /// A nonce for proofs of keys.
    Nonce,
    /// A nonce for proofs of DPoP.
    DpopNonce,
    /// A challenge for client attestations.
    Challenge,
    /// What the page of a sign-in carries, once.
    Page,
    /// The name of a deferred collection, or of a delivery.
    Transaction,
    /// The key that seals a message to a person.
    Letter,
    /// An invitation of an operator.
    Enrolment,
    /// What an authenticator is given, made of what the page that shows it carries.
    Authenticator,
    /// A recovery code of an operator.
    Recovery,
    /// What an operator's browser has while a sign-in is half done.
    Ceremony,
    /// What an operator's browser has while the operator is signed in.
    OperatorSession,
    /// The key that seals what belongs to an operator's account.
    Account,
}

impl Purpose {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::Offer => b"offer",
            Self::PreAuthorized => b"pre-authorized",
            Self::IssuerState => b"issuer-state",
            Self::Code => b"code",
            Self::Invitation => b"invitation",
            Self::AccessToken => b"access-token",
            Self::RefreshToken => b"refresh-token",
            Self::ClientSecret => b"client-secret",
            Self::ClientToken => b"client-token",
            Self::Authorization => b"authorization",
            Self::Nonce => b"nonce",
            Self::DpopNonce => b"dpop-nonce",
            Self::Challenge => b"challenge",
            Self::Page => b"page",
            Self::Transaction => b"transaction",
            Self::Letter => b"letter",
            Self::Enrolment => b"enrolment",
            Self::Authenticator => b"authenticator",
            Self::Recovery => b"recovery",
            Self::Ceremony => b"ceremony",
            Self::OperatorSession => b"operator-session",
            Self::Account => b"account",
        }
    }
}

impl Secrets {
    /// A new key.
    #[must_use]
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        let mut key = Zeroizing::new([0; 32]);
        rng.fill_bytes(&mut *key);
        Self { key }
    }

    /// The key from its file: 32 bytes. None if it is anything else.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let key = Zeroizing::new(bytes.try_into().ok()?);
        Some(Self { key })
    }

    /// The key for its file.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.key
    }

    /// The digest of something for a purpose: HMAC-SHA-256.
    #[must_use]
    pub fn digest(&self, purpose: Purpose, what: &[&[u8]]) -> [u8; 32] {
        // A key of 32 bytes is always taken.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&*self.key) else {
            return [0; 32];
        };
        let parts = core::iter::once(purpose.label()).chain(what.iter().copied());
        for part in parts {
            let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
            mac.update(&length.to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    /// Seals what is read again by whoever has this key, and belongs to what it is about: AES-256-GCM under a key that seals
    /// nothing else, after the salt of which that is made.
    #[must_use]
    pub fn seal(&self, about: &[&[u8]], plain: &[u8], rng: &mut dyn CryptoRng) -> Vec<u8> {
        let salt = random(rng);
        let key = self.sealing(about, &*salt);
        let mut sealed = salt.to_vec();
        sealed.extend(fastest().seal(&key, &[0; 12], plain));
        sealed
    }

    /// What was sealed; nothing if it is about something else, or was sealed under another key.
    #[must_use]
    pub fn open(&self, about: &[&[u8]], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (salt, sealed) = sealed.split_at_checked(32)?;
        let key = self.sealing(about, salt);
        fastest().open(&key, &[0; 12], sealed).ok()
    }

    fn sealing(&self, about: &[&[u8]], salt: &[u8]) -> Zeroizing<[u8; 32]> {
        let mut parts = vec![salt];
        parts.extend(about);
        Zeroizing::new(self.digest(Purpose::Account, &parts))
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets")
    }
}

/// 256 random bits.
#[must_use]
pub fn random(rng: &mut dyn CryptoRng) -> Zeroizing<[u8; 32]> {
    let mut bytes = Zeroizing::new([0; 32]);
    rng.fill_bytes(&mut *bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_for_one_purpose_one_key_and_one_division() {
        let one = Secrets::from_bytes(&[1; 32]).unwrap();
        let digest = one.digest(Purpose::Code, &[b"ab", b"c"]);
        assert_eq!(digest, one.digest(Purpose::Code, &[b"ab", b"c"]));
        assert_ne!(digest, one.digest(Purpose::Nonce, &[b"ab", b"c"]));
        assert_ne!(digest, one.digest(Purpose::Code, &[b"a", b"bc"]));
        assert_ne!(
            digest,
            Secrets::from_bytes(&[2; 32])
                .unwrap()
                .digest(Purpose::Code, &[b"ab", b"c"])
        );
        assert_eq!(format!("{one:?}"), "Secrets");
        assert!(Secrets::from_bytes(&[1; 31]).is_none());
    }

    #[test]
    fn what_is_sealed_is_read_by_its_key_and_for_what_it_is_about() {
        let one = Secrets::from_bytes(&[1; 32]).unwrap();
        let sealed = one.seal(&[b"ada", b"x"], b"secret", &mut crate::random::system());
        assert!(!sealed.windows(6).any(|part| part == b"secret"));
        assert_eq!(**one.open(&[b"ada", b"x"], &sealed).unwrap(), *b"secret");
        let again = one.seal(&[b"ada", b"x"], b"secret", &mut crate::random::system());
        assert_ne!(sealed, again);
        let other = Secrets::from_bytes(&[2; 32]).unwrap();
        assert_eq!(other.open(&[b"ada", b"x"], &sealed), None);
        assert_eq!(one.open(&[b"bob", b"x"], &sealed), None);
        assert_eq!(one.open(&[b"ada", b"x"], &sealed[..31]), None);
    }
}
