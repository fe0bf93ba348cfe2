//! `COSE_Key`: public keys on the wire.

use std::borrow::Cow;

use core::fmt;
use coset::iana::{self, EnumI64 as _};
use zeroize::Zeroizing;

use crate::cbor::Item;
use crate::cbor::write::{self, Length, Output};
use crate::crypto::{Curve, PublicKey, SecretKey};
use crate::scrub::scrubbed;

const KTY: i64 = 1;
const CRV: i64 = -1;
const X: i64 = -2;
const Y: i64 = -3;
const D: i64 = -4;

/// Why a `COSE_Key` is of no use.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyFault {
    /// A member is missing or has the wrong type; its name in the IANA registry.
    Member(&'static str),
    /// The curve or key type is none that this crate computes on.
    Unsupported {
        /// kty
        key_type: i64,
        /// crv
        curve: i64,
    },
    /// The coordinates are no point of the curve.
    NotOnCurve(Curve),
    /// The private half is none of its curve, or belongs to another public one.
    Private,
}

impl fmt::Display for KeyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Member(name) => write!(f, "the COSE_Key has no usable `{name}`"),
            Self::Unsupported { key_type, curve } => {
                write!(f, "key type {key_type} with curve {curve} is not supported")
            }
            Self::NotOnCurve(curve) => write!(f, "the coordinates are no point of {curve}"),
            Self::Private => f.write_str("the private half `d` is not that of the public key"),
        }
    }
}

impl core::error::Error for KeyFault {}

fn curve_number(curve: Curve) -> (i64, i64) {
    let ec2 = iana::KeyType::EC2.to_i64();
    match curve {
        Curve::P256 => (ec2, iana::EllipticCurve::P_256.to_i64()),
        Curve::P384 => (ec2, iana::EllipticCurve::P_384.to_i64()),
        Curve::P521 => (ec2, iana::EllipticCurve::P_521.to_i64()),
        Curve::X25519 => (iana::KeyType::OKP.to_i64(), iana::EllipticCurve::X25519.to_i64()),
        Curve::Ed25519 => (iana::KeyType::OKP.to_i64(), iana::EllipticCurve::Ed25519.to_i64()),
        Curve::BrainpoolP256r1 => (ec2, 256),
        Curve::BrainpoolP384r1 => (ec2, 258),
    }
}

/// Reads the public key in a `COSE_Key` map; `y` may be a byte string or, compressed, a sign. Other
/// parameters are ignored. Coordinates that lost leading zeros are filled up again.
///
/// Source: ISO/IEC 18013-5:2021, 9.1.5.2; RFC 9053, 7.1 and 7.2.
///
/// # Errors
/// [`KeyFault`] with the member at fault.
pub fn decode(item: Item<'_>) -> Result<PublicKey, KeyFault> {
    let number = |label, name| {
        item.get_label(label)
            .and_then(Item::integer)
            .ok_or(KeyFault::Member(name))
    };
    let (key_type, curve) = (number(KTY, "kty")?, number(CRV, "crv")?);
    let x = item
        .get_label(X)
        .and_then(Item::bytes)
        .ok_or(KeyFault::Member("x"))?;
    let unsupported = KeyFault::Unsupported { key_type, curve };
    let curve = Curve::ALL
        .into_iter()
        .find(|known| curve_number(*known) == (key_type, curve))
        .ok_or(unsupported)?;
    let point = if curve.is_octet_string() {
        x.into_owned()
    } else {
        let len = curve.field_len();
        let y = item.get_label(Y).ok_or(KeyFault::Member("y"))?;
        let x = padded(&x, len).ok_or(KeyFault::NotOnCurve(curve))?;
        match (y.boolean(), y.bytes()) {
            (Some(odd), _) => [&[if odd { 3 } else { 2 }], x.as_ref()].concat(),
            (None, Some(y)) => {
                let y = padded(&y, len).ok_or(KeyFault::NotOnCurve(curve))?;
                [&[4], x.as_ref(), y.as_ref()].concat()
            }
            (None, None) => return Err(KeyFault::Member("y")),
        }
    };
    PublicKey::from_bytes(curve, &point).map_err(|_| KeyFault::NotOnCurve(curve))
}

/// Reads the private key in a `COSE_Key` map, which holds its public half, too.
///
/// Source: RFC 9053, 7.1.1 and 7.2.
///
/// # Errors
/// [`KeyFault`] with the member at fault.
pub fn decode_secret(item: Item<'_>) -> Result<SecretKey, KeyFault> {
    let public = decode(item)?;
    let secret = scrubbed(|| {
        let bytes = item.get_label(D).and_then(Item::bytes);
        let bytes = bytes.map(|bytes| Zeroizing::new(bytes.into_owned()));
        let bytes = bytes.ok_or(KeyFault::Member("d"))?;
        SecretKey::from_bytes(public.curve(), &bytes).map_err(|_| KeyFault::Private)
    })?;
    let matches = *secret.public_key() == public;
    if matches {
        Ok(secret)
    } else {
        Err(KeyFault::Private)
    }
}

/// A coordinate in full length: lost leading zeros are filled up, and those beyond the length (the sign
/// byte of a big integer) are dropped.
fn padded(coordinate: &[u8], len: usize) -> Option<Cow<'_, [u8]>> {
    let Some(missing) = len.checked_sub(coordinate.len()) else {
        let (extra, rest) = coordinate.split_at_checked(coordinate.len() - len)?;
        return extra.iter().all(|byte| *byte == 0).then_some(Cow::Borrowed(rest));
    };
    match missing {
        0 => Some(Cow::Borrowed(coordinate)),
        missing => Some(Cow::Owned([vec![0; missing].as_slice(), coordinate].concat())),
    }
}

/// The key as an untagged `COSE_Key`, uncompressed, in the order kty, crv, x, y.
#[must_use]
pub fn encode(key: &PublicKey) -> Vec<u8> {
    let mut out = Vec::with_capacity(Length::of(|counted| write_key(counted, key)));
    write_key(&mut out, key);
    out
}

/// Like [`encode`], to the end of an output.
pub(crate) fn write_key(out: &mut impl Output, key: &PublicKey) {
    let (key_type, curve) = curve_number(key.curve());
    let (x, y) = key.coordinates();
    write::map(out, if y.is_some() { 4 } else { 3 });
    for (label, number) in [(KTY, key_type), (CRV, curve)] {
        write::integer(out, label);
        write::integer(out, number);
    }
    write::integer(out, X);
    write::bytes(out, x);
    if let Some(y) = y {
        write::integer(out, Y);
        write::bytes(out, y);
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;
    use crate::crypto::SecretKey;
    use crate::limits::Limits;

    #[test]
    fn keys_come_back_and_have_no_tag() {
        let mut rng = ChaCha20Rng::from_seed([5; 32]);
        for curve in Curve::ALL {
            let key = SecretKey::generate(curve, &mut rng);
            let bytes = encode(key.public_key());
            assert_eq!(bytes[0] >> 5, 5, "a bare map");
            assert_eq!(
                &decode(Item::parse(&bytes, &Limits::DEFAULT).unwrap()).unwrap(),
                key.public_key()
            );
        }
    }

    #[test]
    fn private_keys_come_with_their_public_half() {
        let mut rng = ChaCha20Rng::from_seed([7; 32]);
        for curve in Curve::ALL {
            let key = SecretKey::generate(curve, &mut rng);
            let mut bytes = encode(key.public_key());
            bytes[0] += 1;
            bytes.push(0x23);
            write::bytes(&mut bytes, key.dangerous_bytes());
            let read = |bytes: &[u8]| decode_secret(Item::parse(bytes, &Limits::DEFAULT).unwrap());
            assert_eq!(read(&bytes).unwrap().dangerous_bytes(), key.dangerous_bytes());
            assert_eq!(
                read(&encode(key.public_key())).unwrap_err(),
                KeyFault::Member("d")
            );
            *bytes.last_mut().unwrap() ^= 1;
            assert_eq!(read(&bytes).unwrap_err(), KeyFault::Private);
        }
    }

    #[test]
    fn trap_24_leading_zeros_are_written_and_missing_ones_are_filled_up() {
        let mut rng = ChaCha20Rng::from_seed([6; 32]);
        let key = loop {
            let key = SecretKey::generate(Curve::P256, &mut rng);
            if key.public_key().coordinates().0[0] == 0 {
                break key;
            }
        };
        let bytes = encode(key.public_key());
        assert_eq!(bytes.len(), 75, "full coordinates");
        let (x, y) = key.public_key().coordinates();
        let mut short = vec![0xa4, 0x01, 0x02, 0x20, 0x01, 0x21];
        write::bytes(&mut short, &x[1..]);
        short.push(0x22);
        write::bytes(&mut short, y.unwrap());
        assert_eq!(
            &decode(Item::parse(&short, &Limits::DEFAULT).unwrap()).unwrap(),
            key.public_key()
        );
    }

    #[test]
    fn trap_25_a_key_without_alg_and_a_compressed_one_are_taken() {
        let key = SecretKey::generate(Curve::P384, &mut ChaCha20Rng::from_seed([7; 32]));
        let (x, y) = key.public_key().coordinates();
        let mut bytes = vec![0xa4, 0x01, 0x02, 0x20, 0x02, 0x21];
        write::bytes(&mut bytes, x);
        bytes.push(0x22);
        write::boolean(&mut bytes, y.unwrap().last().unwrap() & 1 == 1);
        assert_eq!(
            &decode(Item::parse(&bytes, &Limits::DEFAULT).unwrap()).unwrap(),
            key.public_key()
        );
    }

    #[test]
    fn trap_10_labels_that_became_text_are_no_labels() {
        let bytes = [0xa2, 0x61, b'1', 0x02, 0x62, b'-', b'1', 0x01];
        let item = Item::parse(&bytes, &Limits::DEFAULT).unwrap();
        assert_eq!(decode(item), Err(KeyFault::Member("kty")));
    }
}
