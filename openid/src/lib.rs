//! OpenID for Verifiable Credential Issuance 1.0: its messages and its rules, for issuer and wallet alike.
//!
//! Bytes and values in, bytes and values out: nothing here opens a connection, asks for the time, or draws a random
//! number. The issuing service, the wallet and an online verifier bring their own HTTP, clock, randomness and store.
//!
//! [`jose`] has what is signed and encrypted in JSON: JWS, JWE, JWK. [`vci`] has the messages of the protocol and what
//! each side has to check of them. What was checked is a type that nothing else makes:
//! [`vci::proof::ProvedKeys`], [`vci::dpop::VerifiedDpop`], [`vci::client::VerifiedClient`].
//!
//! Source: OpenID for Verifiable Credential Issuance 1.0; RFC 6749, 7515 to 7519, 7636, 7638, 8414, 9126, 9396, 9449;
//! draft-ietf-oauth-attestation-based-client-auth-07.

pub mod jose;
pub mod secret;
pub mod vci;
pub mod web;

pub use self::secret::Secret;
