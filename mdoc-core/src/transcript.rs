//! The session transcript: what both sides saw before the first document was sent.

use crate::cbor::{Item, embed, write};
use crate::crypto::{Backend, Digest, DigestAlgorithm};
use crate::error::DecodeError;
use crate::limits::Limits;
use crate::value::TAG_ENCODED;

/// The bytes that tie a response to one session.
///
/// Shape: `[DeviceEngagementBytes / null, EReaderKeyBytes / null, Handover]`, kept as it was built or
/// received: its parts are the bytes that were scanned and sent, never encoded again.
///
/// Source: ISO/IEC 18013-5:2021, 9.1.5.1; OpenID4VP 1.0, B.2.6; ISO/IEC TS 18013-7, annexes B and C.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionTranscript {
    raw: Vec<u8>,
}

/// How a device engagement came to the reader.
///
/// Source: ISO/IEC 18013-5:2021, 9.1.5.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Handover<'a> {
    /// By a QR code.
    Qr,
    /// By NFC: whole NDEF messages, without the two bytes of their length.
    Nfc {
        /// The Handover Select message.
        select: &'a [u8],
        /// The Handover Request message of a negotiated handover; none of a static one.
        request: Option<&'a [u8]>,
    },
}

impl SessionTranscript {
    /// Takes an encoded transcript: the array itself, or `SessionTranscriptBytes` (tag 24 around it).
    ///
    /// # Errors
    /// [`DecodeError`] if it is neither.
    pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Self, DecodeError> {
        let item = Item::parse(bytes, limits)?;
        if let Some((TAG_ENCODED, inner)) = item.tagged() {
            let content = inner.expect_bytes()?;
            let inner = Item::parse(&content, limits).map_err(DecodeError::embedded)?;
            return Self::from_array(inner);
        }
        Self::from_array(item)
    }

    fn from_array(item: Item<'_>) -> Result<Self, DecodeError> {
        match item.array().map(Iterator::count) {
            Some(3) => Ok(Self {
                raw: item.raw().to_vec(),
            }),
            _ => Err(DecodeError::expected("a SessionTranscript, an array of three")),
        }
    }

    /// The transcript after a QR code was scanned. Both arguments are whole tag 24 items: the scanned
    /// engagement, and the reader's key as it is sent.
    #[must_use]
    pub fn qr(device_engagement_bytes: &[u8], e_reader_key_bytes: &[u8]) -> Self {
        Self::proximity(device_engagement_bytes, e_reader_key_bytes, &Handover::Qr)
    }

    /// The transcript of a session face to face, however the engagement came. The first two arguments are as for
    /// [`SessionTranscript::qr`].
    #[must_use]
    pub fn proximity(
        device_engagement_bytes: &[u8],
        e_reader_key_bytes: &[u8],
        handover: &Handover<'_>,
    ) -> Self {
        let mut raw = Vec::with_capacity(device_engagement_bytes.len() + e_reader_key_bytes.len() + 16);
        write::array(&mut raw, 3);
        raw.extend_from_slice(device_engagement_bytes);
        raw.extend_from_slice(e_reader_key_bytes);
        match handover {
            Handover::Qr => write::null(&mut raw),
            Handover::Nfc { select, request } => {
                write::array(&mut raw, 2);
                write::bytes(&mut raw, select);
                match request {
                    Some(request) => write::bytes(&mut raw, request),
                    None => write::null(&mut raw),
                }
            }
        }
        Self { raw }
    }

    /// The transcript of OpenID4VP 1.0 over redirects. `client_id` has its prefix, `response_uri` is as it was sent
    /// (or the `redirect_uri` that was used), and `jwk_thumbprint` is the SHA-256 thumbprint (RFC 7638) of the key that
    /// the response is encrypted to, none if it is not encrypted.
    ///
    /// Source: OpenID4VP 1.0, B.2.6.1.
    #[must_use]
    pub fn openid4vp(
        client_id: &str,
        nonce: &str,
        jwk_thumbprint: Option<&[u8]>,
        response_uri: &str,
        backend: &dyn Backend,
    ) -> Self {
        let info = [
            Part::Text(client_id),
            Part::Text(nonce),
            Part::Bytes(jwk_thumbprint),
            Part::Text(response_uri),
        ];
        Self::online(&[Part::Text("OpenID4VPHandover"), Part::DigestOf(&info)], backend)
    }

    /// The transcript of OpenID4VP 1.0 over the Digital Credentials API of a browser. `origin` is the serialized origin of
    /// the page, without a prefix and without a slash at its end; `jwk_thumbprint` as for [`SessionTranscript::openid4vp`].
    ///
    /// Source: OpenID4VP 1.0, B.2.6.2.
    #[must_use]
    pub fn openid4vp_dc_api(
        origin: &str,
        nonce: &str,
        jwk_thumbprint: Option<&[u8]>,
        backend: &dyn Backend,
    ) -> Self {
        let info = [Part::Text(origin), Part::Text(nonce), Part::Bytes(jwk_thumbprint)];
        Self::online(
            &[Part::Text("OpenID4VPDCAPIHandover"), Part::DigestOf(&info)],
            backend,
        )
    }

    /// The transcript of a request of ISO alone over the Digital Credentials API (`org-iso-mdoc`). `encryption_info` is the
    /// base64url text as it was sent, never one that was made of its content; `origin` is as for
    /// [`SessionTranscript::openid4vp_dc_api`].
    ///
    /// Source: ISO/IEC TS 18013-7, annex C.
    #[must_use]
    pub fn iso_dc_api(encryption_info: &str, origin: &str, backend: &dyn Backend) -> Self {
        let info = [Part::Text(encryption_info), Part::Text(origin)];
        Self::online(&[Part::Text("dcapi"), Part::DigestOf(&info)], backend)
    }

    /// The transcript of the profile of OpenID4VP draft 18 in ISO/IEC TS 18013-7. `client_id` has no prefix;
    /// `mdoc_generated_nonce` is what the mdoc put into `apu` of its encrypted response, decoded.
    ///
    /// Source: ISO/IEC TS 18013-7, annex B (B.6.9 of the second edition's candidate).
    #[must_use]
    pub fn iso_openid4vp(
        client_id: &str,
        response_uri: &str,
        nonce: &str,
        mdoc_generated_nonce: &str,
        backend: &dyn Backend,
    ) -> Self {
        let mdoc = Part::Text(mdoc_generated_nonce);
        Self::online(
            &[
                Part::DigestOf(&[Part::Text(client_id), mdoc]),
                Part::DigestOf(&[Part::Text(response_uri), mdoc]),
                Part::Text(nonce),
            ],
            backend,
        )
    }

    /// Neither engagement nor reader's key, and this handover.
    fn online(handover: &[Part<'_>], backend: &dyn Backend) -> Self {
        let mut raw = Vec::new();
        write::array(&mut raw, 3);
        write::null(&mut raw);
        write::null(&mut raw);
        write_parts(&mut raw, handover, backend);
        Self { raw }
    }

    /// The array, without a tag: as it stands in DeviceAuthentication and ReaderAuthentication.
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// SHA-256 of `SessionTranscriptBytes`, the salt of every key derivation.
    #[must_use]
    pub fn salt(&self, backend: &dyn Backend) -> Digest {
        backend.digest(DigestAlgorithm::Sha256, &[&embed(&self.raw)])
    }
}

/// A part of a handover, or of what is hashed into one.
#[derive(Clone, Copy)]
enum Part<'a> {
    Text(&'a str),
    /// Null if there are none.
    Bytes(Option<&'a [u8]>),
    /// SHA-256 of the encoded array of these.
    DigestOf(&'a [Self]),
}

fn write_parts(out: &mut Vec<u8>, parts: &[Part<'_>], backend: &dyn Backend) {
    write::array(out, parts.len());
    for part in parts {
        match part {
            Part::Text(text) => write::text(out, text),
            Part::Bytes(Some(bytes)) => write::bytes(out, bytes),
            Part::Bytes(None) => write::null(out),
            Part::DigestOf(parts) => {
                let mut info = Vec::new();
                write_parts(&mut info, parts, backend);
                write::bytes(out, backend.digest(DigestAlgorithm::Sha256, &[&info]).as_ref());
            }
        }
    }
}
