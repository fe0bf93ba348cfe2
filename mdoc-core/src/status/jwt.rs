//! The form of a list as JWT (RFC 7515, compact).

use std::borrow::Cow;

use base64ct::{Base64, Base64UrlUnpadded as Base64Url, Encoding};
use serde::{Deserialize, Serialize};

use super::at_most::AtMost;
use super::claims::{Claims, Content, LIMITS};
use super::list::{Bits, EncodedList};
use super::reason::{Code, Detail, Reason};
use crate::cose::CoseFault;
use crate::crypto::{Backend, PublicKey, SignatureAlgorithm};
use crate::jws::{self, Compact};
use crate::time::Timestamp;

/// A received JWT.
#[derive(Debug, Clone)]
pub(super) struct Jwt<'b> {
    header: Header,
    compact: Compact<'b>,
}

/// Members that matter; others are passed over.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Header {
    pub(super) alg: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) typ: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) x5c: Option<AtMost<{ LIMITS.certificates }>>,
    /// Names what must be understood; we understand nothing besides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) crit: Option<AtMost<0>>,
}

/// The claims in JSON.
#[derive(Serialize, Deserialize)]
struct Payload {
    sub: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    iat: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<u64>,
    status_list: List,
}

#[derive(Serialize, Deserialize)]
struct List {
    bits: u64,
    lst: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    aggregation_uri: Option<String>,
}

fn bad(what: &'static str) -> Reason {
    Reason::new(Code::Malformed, Detail::Json(what))
}

impl<'b> Jwt<'b> {
    /// Reads a JWT and its claims.
    pub(super) fn decode(text: &'b [u8]) -> Result<(Self, Claims), Reason> {
        let text = core::str::from_utf8(text).map_err(|_| bad("no text"))?;
        let compact = Compact::split(text).map_err(|fault| bad(fault.words()))?;
        let header: Header = serde_json::from_slice(&compact.header).map_err(|_| bad("the header"))?;
        if header.crit.is_some() {
            return Err(bad("the header names something that must be understood"));
        }
        let payload: Payload = serde_json::from_slice(&compact.payload).map_err(|_| bad("the claims"))?;
        let claims = payload.read()?;
        Ok((Self { header, compact }, claims))
    }

    pub(super) fn typ(&self) -> Option<Cow<'_, str>> {
        self.header.typ.as_deref().map(Cow::Borrowed)
    }

    pub(super) fn certificates(&self) -> Result<Vec<Cow<'_, [u8]>>, Reason> {
        let malformed = |what| Reason::new(Code::X5chainMalformed, Detail::Json(what));
        match self.header.x5c.as_ref().map(AtMost::as_slice) {
            None => Err(Reason::plain(Code::X5chainMissing)),
            Some(None) => Err(malformed("too many certificates")),
            Some(Some([])) => Err(malformed("x5c is empty")),
            Some(Some(chain)) => chain
                .iter()
                .map(|text| {
                    let der = Base64::decode_vec(text).map_err(|_| malformed("x5c is not Base64"))?;
                    Ok(Cow::Owned(der))
                })
                .collect(),
        }
    }

    pub(super) fn verify(&self, key: &PublicKey, backend: &dyn Backend) -> Result<(), CoseFault> {
        self.compact.verify(&self.header.alg, key, backend)
    }
}

impl Payload {
    fn read(self) -> Result<Claims, Reason> {
        let list = self.status_list;
        if self.ttl == Some(0) {
            return Err(bad("the claim `ttl`"));
        }
        Ok(Claims {
            subject: self.sub,
            issued_at: Timestamp::from_unix(self.iat),
            not_before: self.nbf.map(Timestamp::from_unix),
            expires: self.exp.map(Timestamp::from_unix),
            ttl: self.ttl,
            content: Content::StatusList(EncodedList {
                bits: Bits::from_count(list.bits).ok_or(bad("the number of bits"))?,
                lst: Base64Url::decode_vec(&list.lst).map_err(|_| bad("the list is not Base64url"))?,
                aggregation_uri: list.aggregation_uri,
            }),
        })
    }
}

/// Header and payload of a JWT, each in Base64url, with the dot between: what is to be signed. None if the list is one
/// that has no such form.
pub(super) fn to_be_signed(
    claims: &Claims,
    alg: SignatureAlgorithm,
    typ: &str,
    chain: &[&[u8]],
) -> Option<String> {
    let Content::StatusList(list) = &claims.content else {
        return None;
    };
    let header = Header {
        alg: alg.to_string(),
        typ: Some(typ.to_owned()),
        x5c: (!chain.is_empty()).then(|| chain.iter().map(|der| Base64::encode_string(der)).collect()),
        crit: None,
    };
    let payload = Payload {
        sub: claims.subject.clone(),
        exp: claims.expires.map(Timestamp::unix),
        nbf: claims.not_before.map(Timestamp::unix),
        iat: claims.issued_at.unix(),
        ttl: claims.ttl,
        status_list: List {
            bits: list.bits.count().into(),
            lst: Base64Url::encode_string(&list.lst),
            aggregation_uri: list.aggregation_uri.clone(),
        },
    };
    // Writing texts and numbers to memory has no way to fail.
    let json = [
        serde_json::to_vec(&header).ok()?,
        serde_json::to_vec(&payload).ok()?,
    ];
    let [header, payload] = json;
    Some(jws::to_be_signed(&header, &payload))
}
