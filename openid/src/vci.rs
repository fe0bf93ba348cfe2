//! OpenID for Verifiable Credential Issuance 1.0: a wallet collects documents from an issuer.
//!
//! | Step | Wallet | Issuer |
//! |---|---|---|
//! | offer | [`offer::CredentialOffer::parse`] | [`offer::CredentialOffer::to_uri`] |
//! | metadata | [`metadata::IssuerMetadata::decode`], [`server::ServerMetadata::decode`] | the same types, `encode` |
//! | authorization | [`authorization::AuthorizationRequest::encode`], [`pkce`] | `decode`, [`pkce::verify`] |
//! | token | [`token::TokenRequest::encode`] | [`token::TokenRequest::decode`], [`client::verify`], [`dpop::verify`] |
//! | nonce, credential | [`proof::sign`], [`credential::CredentialRequest::encode`] | `decode`, [`proof::verify`] |
//! | later, and afterwards | [`credential::DeferredRequest`], [`credential::Notification`] | the same |
//!
//! Members and parameters that are not known are passed over in both directions. What goes wrong has a code of the
//! protocol: [`error::ErrorCode`].

pub mod attestation;
pub mod authorization;
pub mod client;
pub mod credential;
pub mod dpop;
pub mod error;
pub mod metadata;
pub mod offer;
pub mod pkce;
pub mod proof;
pub mod server;
pub mod token;

#[cfg(test)]
mod world;

pub use self::error::{ErrorAnswer, ErrorCode};

/// The format of mobile documents.
pub const MSO_MDOC: &str = "mso_mdoc";

/// What every answer with a token, a nonce or an error says to caches: the value of `Cache-Control`.
pub const NO_STORE: &str = "no-store";

/// The oldest version of the protocol that is spoken besides the final one.
///
/// Older wallets are still met. What they send is taken, and what they need is added, if the setting says so; off by
/// default, because a strict wallet of the final version may stumble over what is added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Draft {
    /// From draft 13 (February 2024) on.
    Draft13,
    /// From draft 14 (August 2024) on.
    Draft14,
    /// From draft 15 (December 2024) on.
    Draft15,
    /// The final version (September 2025) alone.
    #[default]
    Final,
}

/// How the nonces of proofs are judged.
#[derive(Clone, Copy)]
pub enum Nonces<'a> {
    /// None was given out, so none is asked for.
    NotUsed,
    /// Each proof must carry one for which this says yes.
    Required(&'a dyn Fn(&str) -> bool),
}

impl core::fmt::Debug for Nonces<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::NotUsed => "NotUsed",
            Self::Required(_) => "Required",
        })
    }
}

/// When something may have been signed, seen from now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The present.
    pub now: mdoc_core::time::Timestamp,
    /// How long ago at most.
    pub longest: core::time::Duration,
    /// How far the clocks may differ: in the future, and after the end of a validity.
    pub skew: core::time::Duration,
}

impl Window {
    /// Five minutes, clocks a minute apart.
    #[must_use]
    pub const fn at(now: mdoc_core::time::Timestamp) -> Self {
        Self {
            now,
            longest: core::time::Duration::from_secs(300),
            skew: core::time::Duration::from_secs(60),
        }
    }

    /// Whether something of that instant is neither too old nor of the future.
    #[must_use]
    pub fn contains(&self, instant: mdoc_core::time::Timestamp) -> bool {
        instant >= self.now.minus(self.longest).minus(self.skew) && instant <= self.now.plus(self.skew)
    }

    /// Whether something with that end is over.
    #[must_use]
    pub fn is_over(&self, end: mdoc_core::time::Timestamp) -> bool {
        end.plus(self.skew) <= self.now
    }

    /// Whether something with that beginning has not begun.
    #[must_use]
    pub fn is_before(&self, begin: mdoc_core::time::Timestamp) -> bool {
        begin > self.now.plus(self.skew)
    }
}
