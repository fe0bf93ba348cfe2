//! Certificates with one fault: the fields of a good one, to be changed and signed again.

use mdoc_core::crypto::{Curve, PublicKey};
use mdoc_core::seams::{Signer, SoftwareKey};
use mdoc_core::time::Timestamp;
use mdoc_core::x509::Certificate;
use mdoc_core::x509::oid::{self, Oid};
use sha1::{Digest as _, Sha1};

/// SEQUENCE
pub const SEQUENCE: u8 = 0x30;
/// PrintableString
pub const PRINTABLE: u8 = 0x13;
/// UTF8String
pub const UTF8: u8 = 0x0c;

/// Tag, length, content.
///
/// # Panics
/// If the content is longer than 64 KiB.
#[must_use]
pub fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(content.len()).unwrap().to_be_bytes();
    let mut out = match (high, low) {
        (0, 0..0x80) => vec![tag, low],
        (0, _) => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    out.extend(content);
    out
}

/// A time in the form that it should have: UTCTime before 2050, GeneralizedTime from then on.
#[must_use]
pub fn time(instant: Timestamp) -> Vec<u8> {
    let mut digits = instant.to_string();
    digits.retain(|letter| letter.is_ascii_digit());
    digits.push('Z');
    if instant.date().year() < 2050 {
        tlv(0x17, &digits.as_bytes()[2..])
    } else {
        tlv(0x18, digits.as_bytes())
    }
}

/// A distinguished name: kind, string type and text of each attribute.
#[must_use]
pub fn name(attributes: &[(Oid<'_>, u8, &str)]) -> Vec<u8> {
    let mut sets = Vec::new();
    for (oid, tag, text) in attributes {
        let pair = [tlv(6, oid.content()), tlv(*tag, text.as_bytes())].concat();
        sets.extend(tlv(0x31, &tlv(SEQUENCE, &pair)));
    }
    tlv(SEQUENCE, &sets)
}

/// The content of an extended key usage.
#[must_use]
pub fn purposes(oids: &[Oid<'_>]) -> Vec<u8> {
    let list: Vec<u8> = oids.iter().flat_map(|oid| tlv(6, oid.content())).collect();
    tlv(SEQUENCE, &list)
}

/// A `SubjectPublicKeyInfo` for an elliptic curve: its name and the octets of the point.
#[must_use]
pub fn key_info(curve: Oid<'_>, point: &[u8]) -> Vec<u8> {
    let algorithm = [tlv(6, oid::EC_PUBLIC_KEY.content()), tlv(6, curve.content())].concat();
    let point = tlv(3, &[&[0], point].concat());
    tlv(SEQUENCE, &[tlv(SEQUENCE, &algorithm), point].concat())
}

/// The content of a subjectKeyIdentifier: SHA-1 of the octets of the point.
#[must_use]
pub fn key_identifier(point: &[u8]) -> Vec<u8> {
    tlv(4, &Sha1::digest(point))
}

/// One extension.
#[derive(Clone)]
struct Extension {
    oid: Vec<u8>,
    /// The encoded `critical`, empty if it is left out.
    critical: Vec<u8>,
    value: Vec<u8>,
}

/// The fields of a certificate, each with its tag.
#[derive(Clone)]
pub struct Parts {
    /// `[0] { INTEGER }`, empty for version 1.
    pub version: Vec<u8>,
    /// INTEGER
    pub serial: Vec<u8>,
    /// AlgorithmIdentifier; none for the one of the key that signs.
    pub algorithm: Option<Vec<u8>>,
    /// Name
    pub issuer: Vec<u8>,
    /// Time
    pub not_before: Vec<u8>,
    /// Time
    pub not_after: Vec<u8>,
    /// Name
    pub subject: Vec<u8>,
    /// SubjectPublicKeyInfo
    pub key: Vec<u8>,
    extensions: Vec<Extension>,
}

impl Parts {
    /// Takes a certificate apart.
    #[must_use]
    pub fn of(certificate: &Certificate) -> Self {
        let extension = |extension: mdoc_core::x509::Extension<'_>| Extension {
            oid: extension.oid.content().to_vec(),
            critical: if extension.critical {
                vec![1, 1, 0xff]
            } else {
                Vec::new()
            },
            value: extension.value.to_vec(),
        };
        Self {
            version: tlv(0xa0, &tlv(2, &[2])),
            serial: tlv(2, certificate.serial_number_der()),
            algorithm: None,
            issuer: certificate.issuer_der().to_vec(),
            not_before: time(certificate.not_before()),
            not_after: time(certificate.not_after()),
            subject: certificate.subject_der().to_vec(),
            key: certificate.public_key_info_der().to_vec(),
            extensions: certificate.extensions().map(extension).collect(),
        }
    }

    /// Without an extension.
    #[must_use]
    pub fn without(mut self, oid: Oid<'_>) -> Self {
        self.extensions.retain(|extension| extension.oid != oid.content());
        self
    }

    /// With an extension, in the place of the old one or at the end.
    #[must_use]
    pub fn with(mut self, oid: Oid<'_>, critical: bool, value: &[u8]) -> Self {
        let new = Extension {
            oid: oid.content().to_vec(),
            critical: if critical { vec![1, 1, 0xff] } else { Vec::new() },
            value: value.to_vec(),
        };
        match self.extensions.iter_mut().find(|old| old.oid == new.oid) {
            Some(old) => *old = new,
            None => self.extensions.push(new),
        }
        self
    }

    /// With the first extension twice.
    #[must_use]
    pub fn with_one_twice(mut self) -> Self {
        self.extensions.push(self.extensions[0].clone());
        self
    }

    /// With an extension whose `critical` is encoded as given.
    ///
    /// # Panics
    /// If there is no such extension.
    #[must_use]
    pub fn critical(mut self, oid: Oid<'_>, encoded: &[u8]) -> Self {
        let mut list = self.extensions.iter_mut();
        list.find(|old| old.oid == oid.content()).unwrap().critical = encoded.to_vec();
        self
    }

    /// With another key, and the identifier that goes with it.
    #[must_use]
    pub fn key(mut self, curve: Oid<'_>, point: &[u8]) -> Self {
        self.key = key_info(curve, point);
        self.with(oid::SUBJECT_KEY_IDENTIFIER, false, &key_identifier(point))
    }

    /// With the key of somebody on P-256.
    #[must_use]
    pub fn key_of(self, key: &PublicKey) -> Self {
        self.key(oid::P256, key.as_bytes())
    }

    /// Signs what is there now.
    ///
    /// # Panics
    /// If the outcome is no certificate any more.
    #[must_use]
    pub fn sign(&self, key: &SoftwareKey) -> Certificate {
        let algorithm = self.algorithm.clone().unwrap_or_else(|| algorithm(key));
        let mut extensions = Vec::new();
        for extension in &self.extensions {
            let whole = [
                &tlv(6, &extension.oid),
                &extension.critical,
                &tlv(4, &extension.value),
            ];
            extensions.extend(tlv(SEQUENCE, &whole.map(Vec::as_slice).concat()));
        }
        let validity = tlv(
            SEQUENCE,
            &[self.not_before.clone(), self.not_after.clone()].concat(),
        );
        let fields: [&[u8]; 8] = [
            &self.version,
            &self.serial,
            &algorithm,
            &self.issuer,
            &validity,
            &self.subject,
            &self.key,
            &tlv(0xa3, &tlv(SEQUENCE, &extensions)),
        ];
        let tbs = tlv(SEQUENCE, &fields.concat());
        let signature = tlv(3, &[vec![0], signature(key, &tbs)].concat());
        Certificate::from_der(&tlv(SEQUENCE, &[tbs, algorithm, signature].concat())).unwrap()
    }
}

fn algorithm(key: &SoftwareKey) -> Vec<u8> {
    let oid = match key.public_key().curve() {
        Curve::P256 | Curve::BrainpoolP256r1 => oid::ECDSA_SHA256,
        Curve::P384 | Curve::BrainpoolP384r1 => oid::ECDSA_SHA384,
        Curve::P521 => oid::ECDSA_SHA512,
        Curve::Ed25519 => oid::ED25519,
        Curve::X25519 => panic!("X25519 signs nothing"),
    };
    tlv(SEQUENCE, &tlv(6, oid.content()))
}

/// A signature in the form that certificates have.
///
/// # Panics
/// If the key does not sign.
#[must_use]
pub fn signature(key: &SoftwareKey, message: &[u8]) -> Vec<u8> {
    let raw = key.sign(message).unwrap();
    if key.public_key().curve() == Curve::Ed25519 {
        return raw;
    }
    der_signature(&raw)
}

/// Raw `r ‖ s` as the SEQUENCE of two INTEGERs.
#[must_use]
pub fn der_signature(raw: &[u8]) -> Vec<u8> {
    let integer = |magnitude: &[u8]| {
        let zeros = magnitude.iter().take_while(|byte| **byte == 0).count();
        let digits = &magnitude[zeros..];
        let sign: &[u8] = if digits[0] < 0x80 { &[] } else { &[0] };
        tlv(2, &[sign, digits].concat())
    };
    let (r, s) = raw.split_at(raw.len() / 2);
    tlv(SEQUENCE, &[integer(r), integer(s)].concat())
}
