//! Which structure of the standard an encoded item is, judged by the names of its members.

use mdoc_core::cbor::{Embedded, Item, Kind};
use mdoc_core::limits::Limits;

/// A structure of ISO/IEC 18013-5, or of COSE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Structure {
    /// What the issuer gives to the wallet.
    IssuerSigned,
    /// One document of a response.
    Document,
    /// What the wallet sends.
    DeviceResponse,
    /// What the reader asks.
    DeviceRequest,
    /// What is in the QR code.
    DeviceEngagement,
    /// What ties a response to a session.
    SessionTranscript,
    /// The first message of a session, from the reader.
    SessionEstablishment,
    /// Any other message of a session.
    SessionData,
    /// What the issuer signs.
    MobileSecurityObject,
    /// A public key, or a private one.
    CoseKey,
    /// A signed message, for example an issuerAuth alone or a status list token.
    CoseSign1,
    /// A signed list of issuing authorities.
    Vical,
    /// Well-formed, and nothing of these.
    Unknown,
}

impl Structure {
    /// Recognises an item; tag 24 around it is looked through.
    ///
    /// Says what it is meant to be, not that it is right: one name that only this structure has suffices.
    #[must_use]
    pub fn of(item: Item<'_>) -> Self {
        Self::within(item, 0)
    }

    fn within(item: Item<'_>, depth: usize) -> Self {
        match item.kind() {
            Kind::Map => Self::of_map(item),
            Kind::Array => Self::of_array(item),
            Kind::Tag(24) if depth < 2 => Embedded::new(item)
                .and_then(|embedded| {
                    embedded
                        .item(&Limits::DEFAULT)
                        .map(|item| Self::within(item, depth + 1))
                })
                .unwrap_or(Self::Unknown),
            Kind::Tag(18 | 61) => item
                .tagged()
                .filter(|_| depth < 2)
                .map_or(Self::Unknown, |(_, inner)| Self::within(inner, depth + 1)),
            _ => Self::Unknown,
        }
    }

    fn of_map(item: Item<'_>) -> Self {
        let has = |name| item.get(name).is_some();
        let label = |number| item.get_label(number);
        if has("issuerAuth") {
            Self::IssuerSigned
        } else if has("issuerSigned") {
            Self::Document
        } else if has("docRequests") {
            Self::DeviceRequest
        } else if has("documents") || has("documentErrors") || (has("version") && has("status")) {
            Self::DeviceResponse
        } else if has("valueDigests") || has("deviceKeyInfo") {
            Self::MobileSecurityObject
        } else if has("eReaderKey") {
            Self::SessionEstablishment
        } else if of_session(item) {
            Self::SessionData
        } else if label(0).is_some_and(|version| version.kind() == Kind::Text) {
            Self::DeviceEngagement
        } else if label(1).and_then(Item::integer).is_some() && label(-1).is_some() {
            Self::CoseKey
        } else {
            Self::Unknown
        }
    }

    fn of_array(item: Item<'_>) -> Self {
        let parts: Vec<Item<'_>> = item.array().into_iter().flatten().take(5).collect();
        match parts.as_slice() {
            [engagement, key, _]
                if [engagement, key]
                    .iter()
                    .all(|part| matches!(part.kind(), Kind::Tag(24) | Kind::Null)) =>
            {
                Self::SessionTranscript
            }
            [protected, unprotected, payload, signature]
                if protected.kind() == Kind::Bytes
                    && unprotected.kind() == Kind::Map
                    && matches!(payload.kind(), Kind::Bytes | Kind::Null)
                    && signature.kind() == Kind::Bytes =>
            {
                let vical = payload.bytes().is_some_and(|payload| {
                    Item::parse(&payload, &Limits::DEFAULT)
                        .is_ok_and(|list| list.get("certificateInfos").is_some())
                });
                if vical { Self::Vical } else { Self::CoseSign1 }
            }
            _ => Self::Unknown,
        }
    }

    /// The name in the standard.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::IssuerSigned => "IssuerSigned",
            Self::Document => "Document",
            Self::DeviceResponse => "DeviceResponse",
            Self::DeviceRequest => "DeviceRequest",
            Self::DeviceEngagement => "DeviceEngagement",
            Self::SessionTranscript => "SessionTranscript",
            Self::SessionEstablishment => "SessionEstablishment",
            Self::SessionData => "SessionData",
            Self::MobileSecurityObject => "MobileSecurityObject",
            Self::CoseKey => "COSE_Key",
            Self::CoseSign1 => "COSE_Sign1",
            Self::Vical => "VICAL",
            Self::Unknown => "CBOR",
        }
    }

    /// What it is in plain words, with an article.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::IssuerSigned => "an issued document (IssuerSigned)",
            Self::Document => "a presented document (Document)",
            Self::DeviceResponse => "a wallet's answer (DeviceResponse)",
            Self::DeviceRequest => "a reader's request (DeviceRequest)",
            Self::DeviceEngagement => "an engagement, the content of a QR code (DeviceEngagement)",
            Self::SessionTranscript => "a session transcript (SessionTranscript)",
            Self::SessionEstablishment => "the first message of a session (SessionEstablishment)",
            Self::SessionData => "a message of a session (SessionData)",
            Self::MobileSecurityObject => "a mobile security object without its signature",
            Self::CoseKey => "a key (COSE_Key)",
            Self::CoseSign1 => "a signed message (COSE_Sign1)",
            Self::Vical => "a list of issuing authorities (VICAL)",
            Self::Unknown => "CBOR of an unknown structure",
        }
    }
}

/// Whether it has data or a status, and nothing else: short names, which others may have among many.
fn of_session(item: Item<'_>) -> bool {
    let mut found = false;
    let mut members = item.map().into_iter().flatten();
    members.all(|(name, value)| {
        found = true;
        match name.text().as_deref() {
            Some("data") => value.kind() == Kind::Bytes,
            Some("status") => matches!(value.kind(), Kind::Unsigned(_)),
            _ => false,
        }
    }) && found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bytes: &[u8]) -> Structure {
        Structure::of(Item::parse(bytes, &Limits::DEFAULT).unwrap())
    }

    fn map(name: &str) -> Vec<u8> {
        let mut bytes = vec![0xa1, 0x78, u8::try_from(name.len()).unwrap()];
        bytes.extend_from_slice(name.as_bytes());
        bytes.push(0xf6);
        bytes
    }

    #[test]
    fn members_tell_the_structure() {
        for (name, structure) in [
            ("issuerAuth", Structure::IssuerSigned),
            ("issuerSigned", Structure::Document),
            ("documents", Structure::DeviceResponse),
            ("documentErrors", Structure::DeviceResponse),
            ("docRequests", Structure::DeviceRequest),
            ("valueDigests", Structure::MobileSecurityObject),
            ("eReaderKey", Structure::SessionEstablishment),
            ("version", Structure::Unknown),
        ] {
            assert_eq!(of(&map(name)), structure, "{name}");
        }
        assert_eq!(
            of(&[0xa1, 0x00, 0x63, b'1', b'.', b'0']),
            Structure::DeviceEngagement
        );
        assert_eq!(of(&[0xa2, 0x01, 0x02, 0x20, 0x01]), Structure::CoseKey);
        assert_eq!(of(&[0x83, 0xf6, 0xf6, 0x80]), Structure::SessionTranscript);
        assert_eq!(
            of(&[0xd8, 0x18, 0x44, 0x83, 0xf6, 0xf6, 0x80]),
            Structure::SessionTranscript
        );
        assert_eq!(of(&[0xd2, 0x84, 0x40, 0xa0, 0xf6, 0x40]), Structure::CoseSign1);
        assert_eq!(of(&[0x83, 1, 2, 3]), Structure::Unknown);
        assert_eq!(of(b"\xa1\x66status\x14"), Structure::SessionData);
        assert_eq!(of(b"\xa2\x64data\x41\x00\x66status\x14"), Structure::SessionData);
        assert_eq!(of(b"\xa2\x64data\x41\x00\x64else\x14"), Structure::Unknown);
        assert_eq!(of(&[0xa0]), Structure::Unknown);
        let list = include_bytes!("../../tests/vectors/vical/aamva-2025-11-18.cbor");
        assert_eq!(of(list), Structure::Vical);
    }
}
