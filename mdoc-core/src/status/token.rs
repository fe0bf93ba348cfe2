//! A received list with its signature: CWT or JWT.

use std::borrow::Cow;

use super::claims::{Claims, LIMITS, TYPE};
use super::jwt::Jwt;
use super::reason::{Code, Detail, Reason};
use crate::cbor::Item;
use crate::cose::{CoseFault, Sign1, TAG_SIGN1};
use crate::crypto::{Backend, PublicKey};
use crate::error::DecodeError;

/// Type of a status list as CWT; also what to ask for and to expect over HTTP.
pub const STATUS_LIST_CWT: &str = "application/statuslist+cwt";
/// Type of a status list as JWT; in the header of the JWT without `application/`.
pub const STATUS_LIST_JWT: &str = "application/statuslist+jwt";
/// Type of an identifier list, which is always a CWT.
pub const IDENTIFIER_LIST_CWT: &str = "application/identifierlist+cwt";

const TAG_CWT: u64 = 61;
/// Label of the type (RFC 9596).
pub(super) const HEADER_TYPE: i64 = 16;

/// A received list with its signature. Decoded, not verified.
///
/// Shape: a `COSE_Sign1` with tag 18 whose payload is the claims (untagged, and one with the tag 61 of CWTs before
/// it, are taken), or a JWT in compact form. Of at most 4 MiB ([`LIMITS`]).
///
/// Source: draft-ietf-oauth-status-list, 5; ISO/IEC 18013-5 second edition, 12.3.6.
#[derive(Debug, Clone)]
pub struct Token<'b> {
    envelope: Envelope<'b>,
    claims: Claims,
    deviations: Vec<Reason>,
}

#[derive(Debug, Clone)]
enum Envelope<'b> {
    Cwt(Sign1<'b>),
    Jwt(Jwt<'b>),
}

impl<'b> Token<'b> {
    /// Reads a list, in either form. What it holds is not inflated.
    ///
    /// # Errors
    /// A [`Reason`] if it is too large, does not decode, or is not of the type of the list in it. Never panics,
    /// whatever the bytes.
    pub fn decode(bytes: &'b [u8]) -> Result<Self, Reason> {
        // An object in JSON begins with a brace, of which Base64 makes an `e`; in CBOR that is a text.
        match bytes.trim_ascii() {
            text @ [b'e', ..] => Self::from_jwt(text),
            _ => Self::from_cwt(bytes),
        }
    }

    fn from_jwt(text: &'b [u8]) -> Result<Self, Reason> {
        if text.len() > LIMITS.message {
            return Err(Reason::plain(Code::TooLarge));
        }
        let (jwt, claims) = Jwt::decode(text)?;
        let typed = named(jwt.typ(), STATUS_LIST_JWT);
        Ok(Self {
            deviations: typed?.into_iter().chain([Reason::plain(Code::Jwt)]).collect(),
            envelope: Envelope::Jwt(jwt),
            claims,
        })
    }

    fn from_cwt(bytes: &'b [u8]) -> Result<Self, Reason> {
        let item = Item::parse(bytes, &LIMITS)?;
        let mut deviations = Vec::new();
        let item = match item.tagged() {
            Some((TAG_SIGN1, inner)) => inner,
            Some((TAG_CWT, inner)) => {
                deviations.push(Reason::text(Code::Tag, "the tag of CWTs is before it"));
                match inner.tagged() {
                    Some((TAG_SIGN1, innermost)) => innermost,
                    _ => inner,
                }
            }
            Some(_) => return Err(DecodeError::expected("a COSE_Sign1").into()),
            None => {
                deviations.push(Reason::text(Code::Tag, "it has none"));
                item
            }
        };
        // Any tag that is left is none that may stand here, though COSE structures elsewhere may have it.
        item.expect_array()?;
        let sign1 = Sign1::decode(item, &LIMITS)?;
        let payload = sign1.payload().ok_or(DecodeError::missing("payload"))?;
        let payload = Item::parse(payload, &LIMITS).map_err(|error| error.within("payload"))?;
        let claims = Claims::read(payload).map_err(|error| error.within("payload"))?;
        let (typ, place) = match (sign1.protected_header(HEADER_TYPE), payload.get_label(TYPE)) {
            (Some(header), _) => (Some(header), None),
            (None, claim) => (claim, claim.map(|_| Reason::plain(Code::TypePlace))),
        };
        let number = typ
            .and_then(Item::unsigned)
            .map(|number| number.to_string().into());
        deviations.extend(named(
            typ.and_then(Item::text).or(number),
            claims.content.media_type(),
        )?);
        deviations.extend(place);
        if sign1.x5chain().is_some() && !sign1.x5chain_is_protected() {
            deviations.push(Reason::plain(Code::X5chainUnprotected));
        }
        Ok(Self {
            envelope: Envelope::Cwt(sign1),
            claims,
            deviations,
        })
    }

    /// What the list says. Nobody has vouched for it yet.
    #[must_use]
    pub const fn claims(&self) -> &Claims {
        &self.claims
    }

    /// What is not as it should be about the form, and lets the list be read all the same.
    #[must_use]
    pub fn deviations(&self) -> &[Reason] {
        &self.deviations
    }

    /// Whether it is a JWT.
    #[must_use]
    pub const fn is_jwt(&self) -> bool {
        matches!(self.envelope, Envelope::Jwt(_))
    }

    /// The certificates that came with the signature, the signer's own first, each in DER.
    ///
    /// # Errors
    /// A [`Reason`] if there are none, too many, or they are not encoded as they should be.
    pub fn certificates(&self) -> Result<Vec<Cow<'_, [u8]>>, Reason> {
        match &self.envelope {
            Envelope::Cwt(sign1) => match sign1.x5chain() {
                None => Err(Reason::plain(Code::X5chainMissing)),
                Some(Err(error)) => Err(Reason::new(Code::X5chainMalformed, Detail::Decode(error))),
                Some(Ok(chain)) => Ok(chain),
            },
            Envelope::Jwt(jwt) => jwt.certificates(),
        }
    }

    /// Checks the signature by a key. Whose key that is, and whether it may sign lists, is for the caller to know:
    /// [`super::check`] does all of it.
    ///
    /// # Errors
    /// [`CoseFault`] if the algorithm does not fit or the signature does not verify.
    pub fn verify(&self, key: &PublicKey, backend: &dyn Backend) -> Result<(), CoseFault> {
        match &self.envelope {
            Envelope::Cwt(sign1) => sign1.verify(key, sign1.payload().unwrap_or_default(), backend),
            Envelope::Jwt(jwt) => jwt.verify(key, backend),
        }
    }
}

/// A type without the first part that many leave out.
pub(super) fn bare(name: &str) -> &str {
    name.strip_prefix("application/").unwrap_or(name)
}

/// Whether a type is the one that is wanted, with or without `application/`; a deviation if only nearly.
fn named(typ: Option<Cow<'_, str>>, wanted: &str) -> Result<Option<Reason>, Reason> {
    let Some(found) = typ else {
        return Err(Reason::differs(Code::Type, "", wanted));
    };
    // Names of types are compared without regard to case (RFC 6838, 4.2).
    match bare(&found.to_ascii_lowercase()) {
        name if name == bare(wanted) => Ok(None),
        // As the example in a draft of the second edition has it.
        name if name == "identfierlist+cwt" && wanted == IDENTIFIER_LIST_CWT => {
            Ok(Some(Reason::differs(Code::TypeName, name, wanted)))
        }
        _ => {
            let shown: String = found.chars().take(64).collect();
            Err(Reason::differs(Code::Type, shown, wanted))
        }
    }
}
