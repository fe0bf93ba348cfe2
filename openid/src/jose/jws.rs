//! Signed JSON: JWT in the compact form (RFC 7515, RFC 7519).

use core::fmt;

use base64ct::{Base64, Encoding};
use mdoc_core::cose::CoseFault;
use mdoc_core::crypto::{Backend, Curve, PublicKey, SignatureAlgorithm};
use mdoc_core::jws::{self, BadCompact, Compact};
use mdoc_core::seams::{Signer, SignerError};
use mdoc_core::time::Timestamp;
use serde_json::{Map, Value, json};

use super::json::{self, BadJson};
use super::jwk::{Jwk, JwkError};
use super::{LARGEST, base64url};

/// The most certificates in `x5c`.
const MOST_CERTIFICATES: usize = 8;

/// Why a JWS was not accepted, or not made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum JwsError {
    /// It is larger than is read.
    TooLarge,
    /// It is none in the compact form.
    Compact(BadCompact),
    /// The header is not the JSON it should be.
    Header(BadJson),
    /// The payload is no JSON object.
    Payload(BadJson),
    /// The header has no algorithm that we know. `none` and all symmetric ones are not.
    Algorithm,
    /// The algorithm is one that we know and that is not taken here.
    AlgorithmNotAllowed(SignatureAlgorithm),
    /// The header names something that must be understood.
    Critical,
    /// `typ` is missing or another than this.
    Type(&'static str),
    /// `x5c` is no list of certificates in Base64, or is too long.
    Certificates,
    /// `jwk` is no key that can be used.
    Jwk(JwkError),
    /// The signature does not hold, or the algorithm is not that of the key.
    Signature(CoseFault),
    /// The key is on a curve that JOSE has no algorithm for.
    Curve(Curve),
    /// The key's keeper did not sign.
    Signer(SignerError),
}

impl fmt::Display for JwsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => f.write_str("the JWT is larger than is read"),
            Self::Compact(fault) => write!(f, "the JWT cannot be read: {fault}"),
            Self::Header(fault) => write!(f, "the header of the JWT cannot be read: {fault}"),
            Self::Payload(fault) => write!(f, "the claims of the JWT cannot be read: {fault}"),
            Self::Algorithm => f.write_str("the JWT names no algorithm for signatures that is known"),
            Self::AlgorithmNotAllowed(alg) => {
                write!(f, "the JWT is signed by {alg}, which is not taken here")
            }
            Self::Critical => f.write_str("the header of the JWT names something that must be understood"),
            Self::Type(expected) => write!(f, "the JWT is not of the type {expected}"),
            Self::Certificates => f.write_str("x5c of the JWT is no list of certificates"),
            Self::Jwk(_) => f.write_str("the key in the header of the JWT cannot be used"),
            Self::Signature(_) => f.write_str("the signature of the JWT does not hold"),
            Self::Curve(curve) => write!(f, "there is no algorithm for a JWT with a key on {curve}"),
            Self::Signer(_) => f.write_str("the JWT was not signed"),
        }
    }
}

impl core::error::Error for JwsError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Compact(cause) => Some(cause),
            Self::Header(cause) | Self::Payload(cause) => Some(cause),
            Self::Jwk(cause) => Some(cause),
            Self::Signature(cause) => Some(cause),
            Self::Signer(cause) => Some(cause),
            _ => None,
        }
    }
}

/// The protected header.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    members: Map<String, Value>,
    alg: SignatureAlgorithm,
}

impl Header {
    /// The algorithm.
    #[must_use]
    pub const fn alg(&self) -> SignatureAlgorithm {
        self.alg
    }

    /// The text of a member.
    #[must_use]
    pub fn text(&self, member: &str) -> Option<&str> {
        self.members.get(member)?.as_str()
    }

    /// Whether a member is there.
    #[must_use]
    pub fn has(&self, member: &str) -> bool {
        self.members.contains_key(member)
    }

    /// Checks `typ`, which is compared as a media type: `application/` may be left out (RFC 7515, 4.1.9).
    ///
    /// # Errors
    /// [`JwsError::Type`].
    pub fn expect_type(&self, expected: &'static str) -> Result<(), JwsError> {
        let stated = self.text("typ").unwrap_or_default();
        let bare = stated.strip_prefix("application/").unwrap_or(stated);
        if bare.eq_ignore_ascii_case(expected) {
            Ok(())
        } else {
            Err(JwsError::Type(expected))
        }
    }

    /// The key in `jwk`, if there is one.
    ///
    /// # Errors
    /// [`JwsError::Jwk`] if it is of no use, or private.
    pub fn jwk(&self) -> Result<Option<PublicKey>, JwsError> {
        let Some(value) = self.members.get("jwk") else {
            return Ok(None);
        };
        let jwk: Jwk = serde_json::from_value(value.clone()).map_err(|_| JwsError::Header(BadJson::Shape))?;
        jwk.public_key().map(Some).map_err(JwsError::Jwk)
    }

    /// The certificates of `x5c` in DER, that of the signer first, if it is there.
    ///
    /// # Errors
    /// [`JwsError::Certificates`] if it is empty, too long, or not Base64.
    pub fn x5c(&self) -> Result<Option<Vec<Vec<u8>>>, JwsError> {
        let Some(value) = self.members.get("x5c") else {
            return Ok(None);
        };
        let list = value.as_array().ok_or(JwsError::Certificates)?;
        if list.is_empty() || list.len() > MOST_CERTIFICATES {
            return Err(JwsError::Certificates);
        }
        let read = |item: &Value| Base64::decode_vec(item.as_str()?).ok();
        let certificates: Option<Vec<_>> = list.iter().map(read).collect();
        certificates.map(Some).ok_or(JwsError::Certificates)
    }
}

/// The claims of a JWT.
#[derive(Clone, PartialEq, Default)]
pub struct Claims(Map<String, Value>);

impl Claims {
    /// The text of a claim.
    #[must_use]
    pub fn text(&self, claim: &str) -> Option<&str> {
        self.0.get(claim)?.as_str()
    }

    /// The instant of a claim: a number of seconds; a fraction is cut off.
    #[must_use]
    pub fn time(&self, claim: &str) -> Option<Timestamp> {
        let number = self.0.get(claim)?;
        let whole = number.as_i64().or_else(|| {
            let seconds = number.as_f64()?.floor();
            // Through text: a cast is not checked. What is out of range is no time.
            format!("{seconds:.0}").parse().ok()
        })?;
        Some(Timestamp::from_unix(whole))
    }

    /// Whether `aud` is this, or a list that has it (RFC 7519, 4.1.3).
    #[must_use]
    pub fn is_for(&self, audience: &str) -> bool {
        match self.0.get("aud") {
            Some(Value::String(one)) => one == audience,
            Some(Value::Array(all)) => all.iter().any(|one| one == audience),
            _ => false,
        }
    }

    /// A claim.
    #[must_use]
    pub fn get(&self, claim: &str) -> Option<&Value> {
        self.0.get(claim)
    }

    /// Whether a claim is there.
    #[must_use]
    pub fn has(&self, claim: &str) -> bool {
        self.0.contains_key(claim)
    }

    /// All of them.
    #[must_use]
    pub const fn all(&self) -> &Map<String, Value> {
        &self.0
    }
}

impl fmt::Debug for Claims {
    /// The names alone: what is claimed may be personal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// A received JWT whose signature nobody has checked yet.
#[derive(Debug, Clone)]
pub struct Jws<'a> {
    compact: Compact<'a>,
    header: Header,
    claims: Claims,
}

impl<'a> Jws<'a> {
    /// Reads a JWT of at most [`LARGEST`] bytes.
    ///
    /// # Errors
    /// [`JwsError`] for what is no JWT, has a member twice, an unknown algorithm, or `crit`.
    pub fn decode(text: &'a str) -> Result<Self, JwsError> {
        if text.len() > LARGEST {
            return Err(JwsError::TooLarge);
        }
        let compact = Compact::split(text).map_err(JwsError::Compact)?;
        let members = json::object(&compact.header).map_err(JwsError::Header)?;
        if members.contains_key("crit") {
            return Err(JwsError::Critical);
        }
        let alg = members.get("alg").and_then(Value::as_str);
        let alg = alg.and_then(jws::named).ok_or(JwsError::Algorithm)?;
        let claims = json::object(&compact.payload).map_err(JwsError::Payload)?;
        Ok(Self {
            compact,
            header: Header { members, alg },
            claims: Claims(claims),
        })
    }

    /// The header: to find the key with. Not to be relied on before [`Jws::verify`].
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The claims, for finding the key to verify with.
    #[must_use]
    pub const fn unverified_claims(&self) -> &Claims {
        &self.claims
    }

    /// Checks that the holder of `key` signed it, by an algorithm that is allowed.
    ///
    /// # Errors
    /// [`JwsError::AlgorithmNotAllowed`] or [`JwsError::Signature`].
    pub fn verify(
        self,
        key: &PublicKey,
        allowed: &[SignatureAlgorithm],
        backend: &dyn Backend,
    ) -> Result<Verified, JwsError> {
        if !allowed.contains(&self.header.alg) {
            return Err(JwsError::AlgorithmNotAllowed(self.header.alg));
        }
        let alg = self.header.text("alg").unwrap_or_default();
        self.compact
            .verify(alg, key, backend)
            .map_err(JwsError::Signature)?;
        Ok(Verified {
            header: self.header,
            claims: self.claims,
            key: key.clone(),
        })
    }
}

/// A JWT that the holder of a key signed.
#[derive(Debug, Clone)]
pub struct Verified {
    header: Header,
    claims: Claims,
    key: PublicKey,
}

impl Verified {
    /// The header.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The claims.
    #[must_use]
    pub const fn claims(&self) -> &Claims {
        &self.claims
    }

    /// The key that it verifies with.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }
}

/// Who the header of a new JWT says has signed it.
#[derive(Debug, Clone, Copy)]
pub enum Named<'a> {
    /// Nothing: the receiver knows.
    Nobody,
    /// The key itself, as `jwk`.
    Jwk,
    /// A name that the receiver knows, as `kid`.
    Kid(&'a str),
    /// Certificates in DER, that of the signer first, as `x5c`.
    Certificates(&'a [&'a [u8]]),
}

/// Signs claims as a JWT.
///
/// # Errors
/// [`JwsError::Curve`] or [`JwsError::Signer`].
pub fn sign(
    typ: &str,
    named: Named<'_>,
    extra: &[(&str, &str)],
    claims: &Value,
    signer: &dyn Signer,
) -> Result<String, JwsError> {
    let curve = signer.public_key().curve();
    let alg = jws::algorithm(curve).ok_or(JwsError::Curve(curve))?;
    let mut header = Map::new();
    header.insert("typ".to_owned(), typ.into());
    header.insert("alg".to_owned(), alg.to_string().into());
    match named {
        Named::Nobody => {}
        Named::Jwk => {
            header.insert("jwk".to_owned(), json!(Jwk::new(signer.public_key())));
        }
        Named::Kid(kid) => {
            header.insert("kid".to_owned(), kid.into());
        }
        Named::Certificates(chain) => {
            let chain: Vec<Value> = chain
                .iter()
                .map(|der| Base64::encode_string(der).into())
                .collect();
            header.insert("x5c".to_owned(), chain.into());
        }
    }
    for (member, value) in extra {
        header.insert((*member).to_owned(), (*value).into());
    }
    let mut token = jws::to_be_signed(&json::write(&header), &json::write(claims));
    let signature = signer.sign(token.as_bytes()).map_err(JwsError::Signer)?;
    token.push('.');
    token.push_str(&base64url(&signature));
    Ok(token)
}

#[cfg(test)]
mod tests;
