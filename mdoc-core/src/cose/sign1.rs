//! `COSE_Sign1`: build, bytes to sign, check.

use std::borrow::Cow;

use super::{CoseFault, Envelope, X5CHAIN, X5T, suite};
use crate::cbor::Item;
use crate::cbor::write::{self, Length, Output};
use crate::crypto::{Backend, PublicKey, SignatureAlgorithm};
use crate::error::{DecodeError, Fault};
use crate::limits::Limits;

/// A received `COSE_Sign1`. Having one says that it decoded, not that the signature was checked.
///
/// Shape: `[protected: bstr .cbor map, unprotected: map, payload: bstr / nil, signature: bstr]`.
///
/// Source: RFC 9052, 4.2; ISO/IEC 18013-5:2021, 9.1.2.4 and 9.1.3.6.
#[derive(Debug, Clone)]
pub struct Sign1<'b> {
    envelope: Envelope<'b>,
    limits: Limits,
}

impl<'b> Sign1<'b> {
    /// Decodes a `COSE_Sign1`, with or without a COSE tag.
    ///
    /// # Errors
    /// [`DecodeError`] if a part is missing or of another type.
    pub fn decode(item: Item<'b>, limits: &Limits) -> Result<Self, DecodeError> {
        Envelope::decode(item, limits).map(|envelope| Self {
            envelope,
            limits: *limits,
        })
    }

    /// Whether it came with a tag, which the standard does not use here.
    #[must_use]
    pub const fn tagged(&self) -> bool {
        self.envelope.tagged
    }

    /// The attached payload.
    #[must_use]
    pub fn payload(&self) -> Option<&[u8]> {
        self.envelope.payload.as_deref()
    }

    /// The certificates of the x5chain, leaf first: unprotected header, otherwise the protected one.
    /// None if there is no x5chain at all.
    ///
    /// # Errors
    /// [`DecodeError`] if it is neither a byte string nor an array of at least one.
    pub fn x5chain(&self) -> Option<Result<Vec<Cow<'_, [u8]>>, DecodeError>> {
        let chain = self.envelope.unprotected.get_label(X5CHAIN);
        let chain = chain.or_else(|| self.envelope.protected_header(X5CHAIN, &self.limits))?;
        Some(certificates(chain, &self.limits).map_err(|error| error.within("x5chain")))
    }

    /// Whether the x5chain is only in the protected header.
    #[must_use]
    pub fn x5chain_is_protected(&self) -> bool {
        self.envelope.unprotected.get_label(X5CHAIN).is_none()
            && self.envelope.protected_header(X5CHAIN, &self.limits).is_some()
    }

    /// A header of the protected ones, by its label.
    pub(crate) fn protected_header(&self, label: i64) -> Option<Item<'_>> {
        self.envelope.protected_header(label, &self.limits)
    }

    /// The SHA-256 thumbprint of the leaf that the signer put under the signature, if any (x5t,
    /// RFC 9360): `[-16, bstr]`. One with another hash is not looked at.
    #[must_use]
    pub fn thumbprint(&self) -> Option<Vec<u8>> {
        let mut parts = self.envelope.protected_header(X5T, &self.limits)?.array()?;
        let (hash, value) = (parts.next()?, parts.next()?);
        if hash.integer() == Some(-16) {
            value.bytes().map(Cow::into_owned)
        } else {
            None
        }
    }

    /// The algorithm of the protected header.
    ///
    /// # Errors
    /// [`CoseFault`] if there is none, or none that is allowed.
    pub fn algorithm(&self) -> Result<SignatureAlgorithm, CoseFault> {
        let number = self.envelope.algorithm(&self.limits)?;
        suite(number)
            .map(|(algorithm, _)| algorithm)
            .ok_or(CoseFault::AlgorithmUnknown(Some(number)))
    }

    /// The algorithm of the protected header, if it goes with the curve of `key`.
    ///
    /// # Errors
    /// [`CoseFault`] if there is none, none that is allowed, or one for other curves.
    pub fn algorithm_for(&self, key: &PublicKey) -> Result<SignatureAlgorithm, CoseFault> {
        let number = self.envelope.algorithm(&self.limits)?;
        let (algorithm, curves) = suite(number).ok_or(CoseFault::AlgorithmUnknown(Some(number)))?;
        if curves.contains(&key.curve()) {
            Ok(algorithm)
        } else {
            Err(CoseFault::AlgorithmCurve(algorithm, key.curve()))
        }
    }

    /// Checks the signature over `payload` (the attached or the detached one) as received.
    ///
    /// # Errors
    /// [`CoseFault`] if the algorithm does not fit or the signature does not verify.
    pub fn verify(&self, key: &PublicKey, payload: &[u8], backend: &dyn Backend) -> Result<(), CoseFault> {
        let algorithm = self.algorithm_for(key)?;
        let before = before_payload(&self.envelope.protected, payload.len());
        backend
            .verify(key, algorithm.digest(), &[&before, payload], &self.envelope.proof)
            .map_err(CoseFault::Crypto)
    }

    /// Checks a signature whose payload is detached. An attached one is taken only if it is the same.
    ///
    /// # Errors
    /// [`CoseFault`] as [`Sign1::verify`], and if another payload is attached.
    pub fn verify_detached(
        &self,
        key: &PublicKey,
        payload: &[u8],
        backend: &dyn Backend,
    ) -> Result<(), CoseFault> {
        if self.payload().is_some_and(|attached| attached != payload) {
            return Err(CoseFault::AttachedPayload);
        }
        self.verify(key, payload, backend)
    }
}

fn certificates<'b>(chain: Item<'b>, limits: &Limits) -> Result<Vec<Cow<'b, [u8]>>, DecodeError> {
    if let Some(single) = chain.bytes() {
        return Ok(vec![single]);
    }
    let items = chain
        .array()
        .ok_or(DecodeError::expected("a byte string or an array of byte strings"))?;
    let mut certificates = Vec::new();
    for item in items {
        if certificates.len() == limits.certificates {
            return Err(DecodeError::new(Fault::Limit("the number of certificates")));
        }
        certificates.push(item.expect_bytes()?);
    }
    if certificates.is_empty() {
        return Err(DecodeError::expected("at least one certificate"));
    }
    Ok(certificates)
}

/// The `Sig_structure` (RFC 9052, 4.4) up to and including the head of the payload.
fn before_payload(protected: &[u8], payload_len: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(protected.len() + 32);
    write_before_payload(&mut out, protected, payload_len);
    out
}

fn write_before_payload(out: &mut impl Output, protected: &[u8], payload_len: usize) {
    write::array(out, 4);
    write::text(out, "Signature1");
    write::bytes(out, protected);
    write::bytes(out, &[]); // external_aad: the empty byte string, never null
    write::bytes_head(out, payload_len);
}

/// The protected header with the algorithm alone, as the standard wants it.
#[must_use]
pub fn protected_header(algorithm: SignatureAlgorithm) -> Vec<u8> {
    protected(algorithm).to_vec()
}

/// The same, without an allocation: `{1: −7}` and so on.
pub(crate) const fn protected(algorithm: SignatureAlgorithm) -> &'static [u8] {
    match algorithm {
        SignatureAlgorithm::Es256 => &[0xa1, 0x01, 0x26],
        SignatureAlgorithm::Es384 => &[0xa1, 0x01, 0x38, 0x22],
        SignatureAlgorithm::Es512 => &[0xa1, 0x01, 0x38, 0x23],
        SignatureAlgorithm::EdDsa => &[0xa1, 0x01, 0x27],
    }
}

/// The bytes that a `COSE_Sign1` signature is made over.
#[must_use]
pub fn to_be_signed(protected: &[u8], payload: &[u8]) -> Vec<u8> {
    let len = Length::of(|counted| write_before_payload(counted, protected, payload.len()));
    let mut out = Vec::with_capacity(len + payload.len());
    write_before_payload(&mut out, protected, payload.len());
    out.extend_from_slice(payload);
    out
}

/// Appends an untagged `COSE_Sign1`: certificates in the unprotected header, one as a byte string,
/// several as an array (RFC 9360); no payload stands for a detached one.
pub fn write_sign1(
    out: &mut Vec<u8>,
    protected: &[u8],
    x5chain: &[&[u8]],
    payload: Option<&[u8]>,
    signature: &[u8],
) {
    let parts = Sign1Parts {
        protected,
        x5chain,
        payload,
        signature,
    };
    out.reserve(Length::of(|counted| parts.write(counted)));
    parts.write(out);
}

/// What a `COSE_Sign1` is made of.
struct Sign1Parts<'a> {
    protected: &'a [u8],
    x5chain: &'a [&'a [u8]],
    payload: Option<&'a [u8]>,
    signature: &'a [u8],
}

impl Sign1Parts<'_> {
    fn write(&self, out: &mut impl Output) {
        write::array(out, 4);
        write::bytes(out, self.protected);
        write::map(out, usize::from(!self.x5chain.is_empty()));
        write_x5chain(out, self.x5chain);
        match self.payload {
            Some(payload) => write::bytes(out, payload),
            None => write::null(out),
        }
        write::bytes(out, self.signature);
    }
}

/// The entry of a header with certificates: one as a byte string, several as an array (RFC 9360); none is no entry.
pub(crate) fn write_x5chain(out: &mut impl Output, chain: &[&[u8]]) {
    match chain {
        [] => {}
        [single] => {
            write::integer(out, X5CHAIN);
            write::bytes(out, single);
        }
        several => {
            write::integer(out, X5CHAIN);
            write::array(out, several.len());
            for certificate in several {
                write::bytes(out, certificate);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use coset::{CborSerializable, CoseSign1 as Reference};
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;
    use crate::crypto::{CryptoError, Curve, RustCrypto, SecretKey};
    use crate::seams::{Signer, SoftwareKey};

    fn key(curve: Curve) -> SoftwareKey {
        SoftwareKey::new(SecretKey::generate(curve, &mut ChaCha20Rng::from_seed([3; 32]))).unwrap()
    }

    fn signed(key: &SoftwareKey, protected: &[u8], payload: Option<&[u8]>) -> Vec<u8> {
        let signature = key
            .sign(&to_be_signed(protected, payload.unwrap_or(b"detached")))
            .unwrap();
        let mut out = Vec::new();
        write_sign1(&mut out, protected, &[b"cert"], payload, &signature);
        out
    }

    fn check(bytes: &[u8], key: &PublicKey, payload: &[u8]) -> Result<(), CoseFault> {
        let item = Item::parse(bytes, &Limits::DEFAULT).unwrap();
        Sign1::decode(item, &Limits::DEFAULT)
            .unwrap()
            .verify_detached(key, payload, &RustCrypto)
    }

    #[test]
    fn every_curve_makes_what_another_library_reads() {
        for curve in Curve::SIGNING {
            let key = key(curve);
            let protected = protected_header(key.algorithm());
            let bytes = signed(&key, &protected, Some(b"payload"));
            check(&bytes, key.public_key(), b"payload").unwrap();
            let reference = Reference::from_slice(&bytes).unwrap();
            assert_eq!(reference.payload.as_deref(), Some(b"payload".as_slice()));
            let tbs = reference.tbs_data(b"");
            assert_eq!(tbs, to_be_signed(&protected, b"payload"), "{curve}");
        }
    }

    #[test]
    fn trap_22_fully_specified_numbers_are_taken_and_bound_to_their_curve() {
        let p256 = key(Curve::P256);
        let bytes = signed(&p256, &[0xa1, 0x01, 0x28], Some(b"p"));
        check(&bytes, p256.public_key(), b"p").unwrap();
        let brainpool = key(Curve::BrainpoolP256r1);
        let bytes = signed(&brainpool, &[0xa1, 0x01, 0x28], Some(b"p"));
        let fault = CoseFault::AlgorithmCurve(SignatureAlgorithm::Es256, Curve::BrainpoolP256r1);
        assert_eq!(check(&bytes, brainpool.public_key(), b"p"), Err(fault));
        assert_eq!(
            protected_header(SignatureAlgorithm::Es256),
            [0xa1, 0x01, 0x26],
            "-7 is written"
        );
    }

    #[test]
    fn trap_19_an_empty_protected_header_names_no_algorithm() {
        for protected in [&[][..], &[0xa0]] {
            let key = key(Curve::P256);
            let bytes = signed(&key, protected, Some(b"p"));
            assert_eq!(
                check(&bytes, key.public_key(), b"p"),
                Err(CoseFault::AlgorithmMissing)
            );
        }
    }

    #[test]
    fn trap_17_tagged_is_taken_and_untagged_is_written() {
        let key = key(Curve::P256);
        let bytes = signed(&key, &protected_header(key.algorithm()), None);
        assert_eq!(bytes[0], 0x84);
        let tagged = [&[0xd2], bytes.as_slice()].concat();
        check(&tagged, key.public_key(), b"detached").unwrap();
        let other_tag = [&[0xd1], bytes.as_slice()].concat();
        check(&other_tag, key.public_key(), b"detached").unwrap();
        let twice = [&[0xd2, 0xd2], bytes.as_slice()].concat();
        let item = Item::parse(&twice, &Limits::DEFAULT).unwrap();
        assert!(
            Sign1::decode(item, &Limits::DEFAULT).is_err(),
            "one tag is enough"
        );
    }

    #[test]
    fn trap_23_der_signatures_are_refused() {
        let key = key(Curve::P256);
        let protected = protected_header(key.algorithm());
        let raw = key.sign(&to_be_signed(&protected, b"p")).unwrap();
        let der = p256::ecdsa::Signature::from_slice(&raw).unwrap().to_der();
        let mut bytes = Vec::new();
        write_sign1(&mut bytes, &protected, &[], Some(b"p"), der.as_bytes());
        let result = check(&bytes, key.public_key(), b"p");
        assert!(matches!(
            result,
            Err(CoseFault::Crypto(CryptoError::SignatureLength { .. }))
        ));
    }

    #[test]
    fn trap_14_one_certificate_is_a_byte_string_and_several_an_array() {
        for (count, expected) in [(1, 1), (3, 3)] {
            let certificates = vec![b"cert".as_slice(); count];
            let mut bytes = Vec::new();
            write_sign1(&mut bytes, &[], &certificates, None, &[]);
            let item = Item::parse(&bytes, &Limits::DEFAULT).unwrap();
            let is_bytes = item
                .array()
                .unwrap()
                .nth(1)
                .unwrap()
                .get_label(33)
                .unwrap()
                .bytes()
                .is_some();
            assert_eq!(is_bytes, count == 1);
            let message = Sign1::decode(item, &Limits::DEFAULT).unwrap();
            assert_eq!(message.x5chain().unwrap().unwrap().len(), expected);
        }
        let array_of_one = [0x84, 0x40, 0xa1, 0x18, 0x21, 0x81, 0x41, 0x00, 0xf6, 0x40];
        let item = Item::parse(&array_of_one, &Limits::DEFAULT).unwrap();
        assert_eq!(
            Sign1::decode(item, &Limits::DEFAULT)
                .unwrap()
                .x5chain()
                .unwrap()
                .unwrap()
                .len(),
            1
        );
    }

    #[test]
    fn trap_15_a_chain_in_the_protected_header_is_taken_too() {
        let bytes = [0x84, 0x45, 0xa1, 0x18, 0x21, 0x41, 0x07, 0xa0, 0xf6, 0x40];
        let item = Item::parse(&bytes, &Limits::DEFAULT).unwrap();
        let message = Sign1::decode(item, &Limits::DEFAULT).unwrap();
        assert_eq!(message.x5chain().unwrap().unwrap(), [[7u8].as_slice()]);
        assert!(message.x5chain_is_protected());
    }

    #[test]
    fn trap_27_an_empty_chain_is_an_error_and_no_chain_is_none() {
        let empty = [0x84, 0x40, 0xa1, 0x18, 0x21, 0x80, 0xf6, 0x40];
        let item = Item::parse(&empty, &Limits::DEFAULT).unwrap();
        assert!(
            Sign1::decode(item, &Limits::DEFAULT)
                .unwrap()
                .x5chain()
                .unwrap()
                .is_err()
        );
        let none = [0x84, 0x40, 0xa0, 0xf6, 0x40];
        let item = Item::parse(&none, &Limits::DEFAULT).unwrap();
        assert!(Sign1::decode(item, &Limits::DEFAULT).unwrap().x5chain().is_none());
    }

    #[test]
    fn a_critical_header_that_is_not_understood_is_refused() {
        // protected {1: -7, 2: [99], 99: 0}
        let bytes = [
            0x84, 0x4a, 0xa3, 0x01, 0x26, 0x02, 0x81, 0x18, 0x63, 0x18, 0x63, 0x00, 0xa0, 0xf6, 0x40,
        ];
        let item = Item::parse(&bytes, &Limits::DEFAULT).unwrap();
        assert!(Sign1::decode(item, &Limits::DEFAULT).is_err());
    }
}
