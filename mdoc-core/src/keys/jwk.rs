//! JSON Web Keys.

use base64ct::{Base64UrlUnpadded, Encoding};
use serde::Deserialize;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::KeyError;
use crate::crypto::{Curve, PublicKey, SecretKey};
use crate::scrub::scrubbed;
use crate::x509::UnusableKey;

/// The members that matter; others are passed over.
#[derive(Deserialize)]
struct Jwk<'a> {
    kty: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    /// As it stands in the text, with its quotes: the reader would take escapes apart in a buffer that nobody wipes.
    #[serde(borrow)]
    d: Option<&'a RawValue>,
}

impl Jwk<'_> {
    /// The text of the private member, its escapes undone.
    fn d(&self) -> Result<Option<Zeroizing<String>>, KeyError> {
        let Some(raw) = self.d else { return Ok(None) };
        let broken = KeyError::Jwk { member: "d" };
        let inside = raw.get().strip_prefix('"').and_then(|raw| raw.strip_suffix('"'));
        let mut rest = inside.ok_or(broken.clone())?;
        let mut text = Zeroizing::new(String::with_capacity(rest.len()));
        while let Some((before, escape)) = rest.split_once("\\u") {
            text.push_str(before);
            let (digits, after) = escape.split_at_checked(4).ok_or(broken.clone())?;
            let code = u32::from_str_radix(digits, 16).ok().and_then(char::from_u32);
            text.push(code.ok_or(broken.clone())?);
            rest = after;
        }
        text.push_str(rest);
        Ok(Some(text))
    }
}

/// The names of RFC 7518 (6.2.1.1), RFC 8037 (2) and RFC 8812's manner for Brainpool.
const fn name(curve: Curve) -> &'static str {
    match curve {
        Curve::P256 => "P-256",
        Curve::P384 => "P-384",
        Curve::P521 => "P-521",
        Curve::X25519 => "X25519",
        Curve::Ed25519 => "Ed25519",
        Curve::BrainpoolP256r1 => "brainpoolP256r1",
        Curve::BrainpoolP384r1 => "brainpoolP384r1",
    }
}

/// Other names that are met for the Brainpool curves.
fn named(crv: &str) -> Option<Curve> {
    match crv {
        "BP-256" => Some(Curve::BrainpoolP256r1),
        "BP-384" => Some(Curve::BrainpoolP384r1),
        crv => Curve::ALL.into_iter().find(|curve| name(*curve) == crv),
    }
}

fn read(text: &str) -> Result<(Jwk<'_>, Curve), KeyError> {
    if text.len() > super::LARGEST_FILE {
        return Err(KeyError::Unrecognised);
    }
    // The message of the JSON reader may quote what it read: left out.
    let jwk: Jwk<'_> = serde_json::from_str(text).map_err(|_| KeyError::Unrecognised)?;
    let kty = jwk.kty.as_deref().ok_or(KeyError::Jwk { member: "kty" })?;
    let crv = jwk.crv.as_deref();
    if !matches!(kty, "EC" | "OKP") {
        return Err(KeyError::JwkKind);
    }
    let curve = named(crv.ok_or(KeyError::Jwk { member: "crv" })?).ok_or(KeyError::JwkKind)?;
    if curve.is_octet_string() != (kty == "OKP") {
        return Err(KeyError::JwkKind);
    }
    Ok((jwk, curve))
}

/// A value of exactly the length of the curve: leading zeros are part of it (RFC 7518, 6.2.1.2).
fn value(text: Option<&str>, member: &'static str, curve: Curve) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let text = text.ok_or(KeyError::Jwk { member })?;
    // Wiped also when the text turns out to be none in the middle of a key.
    let mut value = Zeroizing::new(vec![0; text.len() / 4 * 3 + 3]);
    let decoded = Base64UrlUnpadded::decode(text.as_bytes(), &mut value);
    let length = decoded.map_err(|_| KeyError::Jwk { member })?.len();
    value.truncate(length);
    if value.len() != curve.field_len() {
        return Err(KeyError::JwkLength {
            member,
            found: value.len(),
            expected: curve.field_len(),
        });
    }
    Ok(value)
}

fn public(jwk: &Jwk<'_>, curve: Curve) -> Result<PublicKey, KeyError> {
    let x = value(jwk.x.as_deref(), "x", curve)?;
    let octets = if curve.is_octet_string() {
        x.to_vec()
    } else {
        let y = value(jwk.y.as_deref(), "y", curve)?;
        [&[4][..], &x, &y].concat()
    };
    PublicKey::from_bytes(curve, &octets).map_err(|why| UnusableKey::Point(why).into())
}

/// Reads a private key from a JWK; its public members must belong to it.
///
/// # Errors
/// [`KeyError`] saying what is wrong with it.
pub fn secret_from_jwk(text: &str) -> Result<SecretKey, KeyError> {
    let (jwk, curve) = read(text)?;
    if jwk.d.is_none() && jwk.x.is_some() {
        return Err(KeyError::PublicOnly);
    }
    let secret = scrubbed(|| {
        let text = jwk.d()?;
        let scalar = value(text.as_ref().map(|text| text.as_str()), "d", curve)?;
        SecretKey::from_bytes(curve, &scalar).map_err(KeyError::Secret)
    })?;
    if *secret.public_key() != public(&jwk, curve)? {
        return Err(KeyError::Mismatch);
    }
    Ok(secret)
}

/// Reads a public key from a JWK; a private member is passed over.
///
/// # Errors
/// [`KeyError`] saying what is wrong with it.
pub fn public_from_jwk(text: &str) -> Result<PublicKey, KeyError> {
    let (jwk, curve) = read(text)?;
    public(&jwk, curve)
}

/// Writes a public key as a JWK with the members of RFC 7638, in their order.
#[must_use]
pub fn public_to_jwk(key: &PublicKey) -> String {
    let encode = Base64UrlUnpadded::encode_string;
    let crv = name(key.curve());
    match key.coordinates() {
        (x, Some(y)) => format!(
            r#"{{"crv":"{crv}","kty":"EC","x":"{}","y":"{}"}}"#,
            encode(x),
            encode(y)
        ),
        (x, None) => format!(r#"{{"crv":"{crv}","kty":"OKP","x":"{}"}}"#, encode(x)),
    }
}
