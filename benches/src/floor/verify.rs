//! Verifying: the signatures and digests of a response, and no rule beside them.

use super::issue::{PROTECTED, signature_structure};
use super::write::{ARRAY, BYTES, TAG, bytes, head, head_len, text};
use super::{Primitives, read};
use crate::world::DOC_TYPE;

/// Whom a verifier trusts.
pub struct Verifier<P: Primitives> {
    /// The key of the root.
    pub root: P::VerifyingKey,
    /// A certificate of a document signer that was checked before, with its key.
    pub known: Option<(Vec<u8>, P::VerifyingKey)>,
}

/// What is not as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// It does not decode.
    Malformed,
    /// The signature of the certificate.
    Certificate,
    /// The signature of the MSO.
    IssuerSignature,
    /// The digest of an item.
    Digest,
    /// The signature of the device.
    DeviceSignature,
}

/// Checks a response in the session of that transcript and counts its items.
///
/// # Errors
/// [`Refused`] for the first thing that is wrong.
pub fn verify<P: Primitives>(
    verifier: &Verifier<P>,
    response: &[u8],
    transcript: &[u8],
) -> Result<usize, Refused> {
    let response = read::response(response).map_err(|_| Refused::Malformed)?;
    let fresh;
    let signer = match &verifier.known {
        Some((certificate, key)) if certificate == response.certificate => key,
        _ => {
            let certificate = certificate(response.certificate).ok_or(Refused::Malformed)?;
            let signature = raw(certificate.signature).ok_or(Refused::Malformed)?;
            if !P::verify(&verifier.root, certificate.tbs, &signature) {
                return Err(Refused::Certificate);
            }
            fresh = P::verifying_key(certificate.point);
            &fresh
        }
    };
    let to_sign = signature_structure(response.payload);
    if !P::verify(signer, &to_sign, response.issuer_signature) {
        return Err(Refused::IssuerSignature);
    }
    let mso = read::mso(response.mso).map_err(|_| Refused::Malformed)?;
    for item in &response.items {
        if mso.digests.get(item.digest_id as usize) != Some(&P::sha256(item.raw).as_slice()) {
            return Err(Refused::Digest);
        }
    }
    let mut point = [4; 65];
    point[1..33].copy_from_slice(mso.x);
    point[33..].copy_from_slice(mso.y);
    let authenticated = device_authentication(transcript, response.device_name_spaces);
    if !P::verify(
        &P::verifying_key(&point),
        &authenticated,
        response.device_signature,
    ) {
        return Err(Refused::DeviceSignature);
    }
    Ok(response.items.len())
}

/// The bytes that the device signs.
fn device_authentication(transcript: &[u8], name_spaces: &[u8]) -> Vec<u8> {
    let mut inner = Vec::with_capacity(transcript.len() + 80);
    head(&mut inner, ARRAY, 4);
    text(&mut inner, "DeviceAuthentication");
    inner.extend_from_slice(transcript);
    text(&mut inner, DOC_TYPE);
    head(&mut inner, TAG, 24);
    bytes(&mut inner, name_spaces);
    let mut out = Vec::with_capacity(inner.len() + 32);
    head(&mut out, ARRAY, 4);
    text(&mut out, "Signature1");
    bytes(&mut out, PROTECTED);
    bytes(&mut out, &[]);
    head(&mut out, BYTES, 2 + head_len(inner.len()) + inner.len());
    head(&mut out, TAG, 24);
    bytes(&mut out, &inner);
    out
}

/// The parts of a certificate that a signature check needs.
pub(super) struct Certificate<'b> {
    tbs: &'b [u8],
    pub(super) point: &'b [u8],
    /// A DER sequence of two integers.
    signature: &'b [u8],
}

/// Reads `SEQUENCE { tbs, algorithm, signature }`.
pub(super) fn certificate(der: &[u8]) -> Option<Certificate<'_>> {
    let (body, _) = element(der)?;
    let (tbs_content, after_tbs) = element(body)?;
    let tbs = &body[..body.len() - after_tbs.len()];
    let (_, after_algorithm) = element(after_tbs)?;
    let (signature, _) = element(after_algorithm)?;
    // version, serial number, algorithm, issuer, validity, subject, key
    let mut rest = tbs_content;
    for _ in 0..6 {
        rest = element(rest)?.1;
    }
    let (key, _) = element(rest)?;
    let (_, after_algorithm) = element(key)?;
    let (point, _) = element(after_algorithm)?;
    Some(Certificate {
        tbs,
        point: point.get(1..)?,
        signature: signature.get(1..)?,
    })
}

/// Content of the first DER element, and what follows it.
fn element(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (_, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (len, rest) = match first {
        0..0x80 => (usize::from(first), rest),
        _ => {
            let (len, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (
                len.iter().fold(0, |len, byte| len << 8 | usize::from(*byte)),
                rest,
            )
        }
    };
    rest.split_at_checked(len)
}

/// `r ‖ s` of two DER integers.
fn raw(signature: &[u8]) -> Option<[u8; 64]> {
    let (r, rest) = element(element(signature)?.0)?;
    let (s, _) = element(rest)?;
    let mut raw = [0; 64];
    let (left, right) = raw.split_at_mut(32);
    for (to, integer) in [(left, r), (right, s)] {
        let digits = if integer.len() > 32 {
            &integer[integer.len() - 32..]
        } else {
            integer
        };
        to[32 - digits.len()..].copy_from_slice(digits);
    }
    Some(raw)
}
