//! Keys as tokens describe them: `CKA_EC_PARAMS` and `CKA_EC_POINT`, in the forms that are met.

use mdoc_core::crypto::{Curve, PublicKey};

/// `CKA_EC_PARAMS`, what a new key is asked for by first: the DER of the name of the curve.
const PARAMETERS: [(Curve, &[u8]); 8] = [
    (
        Curve::P256,
        &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07],
    ),
    (Curve::P384, &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22]),
    (Curve::P521, &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23]),
    (
        Curve::BrainpoolP256r1,
        &[0x06, 0x09, 0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x07],
    ),
    (
        Curve::BrainpoolP384r1,
        &[0x06, 0x09, 0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0b],
    ),
    // RFC 8410; then PrintableString "edwards25519" (PKCS#11 3.0, 2.3.10); then the OID of GnuPG, in old tokens.
    (Curve::Ed25519, &[0x06, 0x03, 0x2b, 0x65, 0x70]),
    (Curve::Ed25519, b"\x13\x0cedwards25519"),
    (
        Curve::Ed25519,
        &[0x06, 0x09, 0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x0f, 0x01],
    ),
];

/// The ways to ask a token for a key on a curve, the usual one first.
pub(crate) fn parameters(curve: Curve) -> impl Iterator<Item = &'static [u8]> {
    let of_curve = move |(known, _): &(Curve, _)| *known == curve;
    PARAMETERS.into_iter().filter(of_curve).map(|(_, der)| der)
}

/// The curve of `CKA_EC_PARAMS`; none if it is not one that is computed on.
pub(crate) fn curve(parameters: &[u8]) -> Option<Curve> {
    let known = PARAMETERS.into_iter().find(|(_, der)| *der == parameters);
    known.map(|(curve, _)| curve)
}

/// The key of `CKA_EC_POINT`: an OCTET STRING around the point as the standard has it, or the point alone, as
/// many tokens have it. The lengths tell them apart: an OCTET STRING is two or three octets longer, and no
/// point has the length of what would be inside.
pub(crate) fn public_key(curve: Curve, value: &[u8]) -> Option<PublicKey> {
    let inner = match value {
        [0x04, 0x81, length @ 0x80..=0xff, rest @ ..] | [0x04, length @ ..=0x7f, rest @ ..]
            if usize::from(*length) == rest.len() && is_point(curve, rest) =>
        {
            rest
        }
        // A BIT STRING, which PKCS#11 3.0 knows for Edwards curves.
        [0x03, length @ ..=0x7f, 0, rest @ ..]
            if usize::from(*length) == rest.len() + 1 && curve == Curve::Ed25519 && is_point(curve, rest) =>
        {
            rest
        }
        _ => value,
    };
    PublicKey::from_bytes(curve, inner).ok()
}

/// Whether something has a length and a beginning that a point of the curve can have.
fn is_point(curve: Curve, bytes: &[u8]) -> bool {
    let length = curve.field_len();
    match (curve, bytes.first()) {
        (Curve::Ed25519, _) => bytes.len() == length,
        (_, Some(0x04)) => bytes.len() == 2 * length + 1,
        (_, Some(0x02 | 0x03)) => bytes.len() == length + 1,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The generator of P-256 (SEC 2, 2.4.2), and the key of RFC 8032, 7.1, test 1.
    const P256: &str = "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296\
                        4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";
    const EDWARDS: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

    fn bytes(hex: &str) -> Vec<u8> {
        let pair = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        (0..hex.len()).step_by(2).map(pair).collect()
    }

    #[test]
    fn a_point_with_and_without_its_wrapping() {
        let point = bytes(P256);
        let wrapped = [&[0x04, 65][..], &point].concat();
        let compressed = [&[0x03][..], &point[1..33]].concat();
        for value in [
            point.clone(),
            wrapped.clone(),
            compressed.clone(),
            [&[0x04, 33][..], &compressed].concat(),
        ] {
            assert_eq!(public_key(Curve::P256, &value).unwrap().as_bytes(), point);
        }
        let edwards = bytes(EDWARDS);
        for value in [
            edwards.clone(),
            [&[0x04, 32][..], &edwards].concat(),
            [&[0x03, 33, 0][..], &edwards].concat(),
        ] {
            assert_eq!(public_key(Curve::Ed25519, &value).unwrap().as_bytes(), edwards);
        }
        for wrong in [
            vec![],
            vec![4],
            point[..64].to_vec(),
            wrapped[..66].to_vec(),
            [&wrapped[..], &[0]].concat(),
            [&[0x04, 64][..], &point[1..]].concat(),
        ] {
            assert!(public_key(Curve::P256, &wrong).is_none(), "{wrong:02x?}");
        }
        // On another curve, and off the curve.
        assert!(public_key(Curve::P384, &point).is_none());
        let mut off = wrapped;
        off[66] ^= 1;
        assert!(public_key(Curve::P256, &off).is_none());
    }

    #[test]
    fn the_long_form_of_a_length_for_p_521() {
        use mdoc_core::crypto::SecretKey;
        let mut scalar = [0; 66];
        scalar[65] = 7;
        let key = SecretKey::from_bytes(Curve::P521, &scalar).unwrap();
        let point = key.public_key().as_bytes();
        let wrapped = [&[0x04, 0x81, 133][..], point].concat();
        assert_eq!(public_key(Curve::P521, &wrapped).unwrap(), *key.public_key());
        assert_eq!(public_key(Curve::P521, point).unwrap(), *key.public_key());
    }

    #[test]
    fn every_curve_is_known_by_what_new_keys_are_asked_for() {
        for curve in Curve::SIGNING {
            assert!(parameters(curve).count() > 0);
            assert!(parameters(curve).all(|der| super::curve(der) == Some(curve)));
        }
        assert_eq!(
            curve(&[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a]),
            None,
            "secp256k1"
        );
        assert_eq!(curve(&[]), None);
    }
}
