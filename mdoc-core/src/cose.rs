//! COSE structures as ISO/IEC 18013-5 uses them: `COSE_Sign1`, `COSE_Mac0`, `COSE_Key` (RFC 9052, RFC 9053).
//!
//! Taken: tagged or untagged, fully specified algorithm numbers (RFC 9864), x5chain as one byte string
//! or an array of them, in either header. Emitted: untagged, polymorphic numbers, x5chain unprotected.

pub mod key;
mod mac0;
mod sign1;

use std::borrow::Cow;

use core::fmt;

pub use self::mac0::Mac0;
pub use self::sign1::{Sign1, protected_header, to_be_signed, write_sign1};
pub(crate) use self::sign1::{protected, write_x5chain};
use crate::cbor::Item;
use crate::crypto::{CryptoError, Curve, SignatureAlgorithm};
use crate::error::DecodeError;
use crate::limits::Limits;

const TAG_MAC0: u64 = 17;
pub(crate) const TAG_SIGN1: u64 = 18;

/// Label of the algorithm, in the protected header.
const ALG: i64 = 1;
/// Label of the list of headers that must be understood.
const CRIT: i64 = 2;
/// Label of the certificate chain (RFC 9360).
const X5CHAIN: i64 = 33;
/// Label of the certificate's thumbprint (RFC 9360).
const X5T: i64 = 34;

/// What is wrong with a COSE message that decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CoseFault {
    /// The protected header names no algorithm.
    AlgorithmMissing,
    /// The algorithm is none that the standard allows here, or not a number.
    AlgorithmUnknown(Option<i64>),
    /// The algorithm does not go with the curve of the key.
    AlgorithmCurve(SignatureAlgorithm, Curve),
    /// The cryptographic check failed.
    Crypto(CryptoError),
    /// A detached payload was expected and another one is attached.
    AttachedPayload,
}

impl CoseFault {
    /// Whether the fault is in the choice of algorithm rather than in the signature.
    #[must_use]
    pub const fn is_algorithm(&self) -> bool {
        matches!(
            self,
            Self::AlgorithmMissing | Self::AlgorithmUnknown(_) | Self::AlgorithmCurve(..)
        )
    }
}

impl fmt::Display for CoseFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlgorithmMissing => f.write_str("the protected header names no algorithm"),
            Self::AlgorithmUnknown(Some(number)) => write!(f, "algorithm {number} is not allowed here"),
            Self::AlgorithmUnknown(None) => f.write_str("the algorithm is not a number"),
            Self::AlgorithmCurve(algorithm, curve) => {
                write!(f, "{algorithm} does not go with a key on {curve}")
            }
            Self::Crypto(cause) => cause.fmt(f),
            Self::AttachedPayload => f.write_str("the attached payload is not the one to be authenticated"),
        }
    }
}

impl core::error::Error for CoseFault {}

/// The curves that an algorithm number may be used with: section 2.5 of the facts, RFC 9864.
fn suite(number: i64) -> Option<(SignatureAlgorithm, &'static [Curve])> {
    use Curve::{BrainpoolP256r1, BrainpoolP384r1, Ed25519, P256, P384, P521};
    use SignatureAlgorithm::{EdDsa, Es256, Es384, Es512};
    Some(match number {
        -7 => (Es256, &[P256, BrainpoolP256r1]),
        -9 => (Es256, &[P256]),
        -265 => (Es256, &[BrainpoolP256r1]),
        -35 => (Es384, &[P384, BrainpoolP384r1]),
        -51 => (Es384, &[P384]),
        -267 => (Es384, &[BrainpoolP384r1]),
        -36 => (Es512, &[P521]),
        -52 => (Es512, &[P521]),
        -8 | -19 => (EdDsa, &[Ed25519]),
        _ => return None,
    })
}

/// The four parts that `COSE_Sign1` and `COSE_Mac0` share.
#[derive(Debug, Clone)]
struct Envelope<'b> {
    protected: Cow<'b, [u8]>,
    unprotected: Item<'b>,
    payload: Option<Cow<'b, [u8]>>,
    proof: Cow<'b, [u8]>,
    tagged: bool,
}

impl<'b> Envelope<'b> {
    fn decode(item: Item<'b>, limits: &Limits) -> Result<Self, DecodeError> {
        // The tag of the other structure is no less superfluous: what it is follows from where it stands.
        let (item, tagged) = match item.tagged() {
            Some((TAG_SIGN1 | TAG_MAC0, inner)) => (inner, true),
            _ => (item, false),
        };
        let mut parts = item.expect_array()?;
        let (Some(protected), Some(unprotected), Some(payload), Some(proof), None) = (
            parts.next(),
            parts.next(),
            parts.next(),
            parts.next(),
            parts.next(),
        ) else {
            return Err(DecodeError::expected("an array of four"));
        };
        let protected = protected
            .expect_bytes()
            .map_err(|error| error.within("protected"))?;
        if !protected.is_empty() {
            let map = Item::parse(&protected, limits);
            map.and_then(check_protected)
                .map_err(|error| error.within("protected"))?;
        }
        unprotected
            .expect_map()
            .map_err(|error| error.within("unprotected"))?;
        let payload = if payload.is_null() {
            None
        } else {
            Some(payload.expect_bytes().map_err(|error| error.within("payload"))?)
        };
        let proof = proof.expect_bytes().map_err(|error| error.within("signature"))?;
        Ok(Self {
            protected,
            unprotected,
            payload,
            proof,
            tagged,
        })
    }

    fn protected_header(&self, label: i64, limits: &Limits) -> Option<Item<'_>> {
        Item::parse(&self.protected, limits).ok()?.get_label(label)
    }

    fn algorithm(&self, limits: &Limits) -> Result<i64, CoseFault> {
        let item = self
            .protected_header(ALG, limits)
            .ok_or(CoseFault::AlgorithmMissing)?;
        item.integer().ok_or(CoseFault::AlgorithmUnknown(None))
    }
}

/// RFC 9052, 3.1: a `crit` list that names a header we do not process makes the message unusable.
fn check_protected(map: Item<'_>) -> Result<(), DecodeError> {
    map.expect_map()?;
    let Some(critical) = map.get_label(CRIT) else {
        return Ok(());
    };
    let known = |label: Item<'_>| matches!(label.integer(), Some(ALG | CRIT | X5CHAIN | X5T));
    if critical.expect_array()?.all(known) {
        Ok(())
    } else {
        Err(DecodeError::expected(
            "no critical header besides alg, x5chain and x5t",
        ))
    }
}
