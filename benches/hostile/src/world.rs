//! Who issues, signs and presents what is measured.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mdoc_core::cbor::embed;
use mdoc_core::cose;
use mdoc_core::crypto::{Curve, RustCrypto, SecretKey};
use mdoc_core::issue::{Draft, Validity as Period};
use mdoc_core::seams::{Signer as _, SoftwareKey};
use mdoc_core::time::Timestamp;
use mdoc_core::transcript::SessionTranscript;
use mdoc_core::value::Value;
use mdoc_core::x509::build::{DocumentSigner, IacaRoot, Validity};
use mdoc_core::x509::path::TrustAnchor;
use mdoc_core::x509::{Certificate, GeneralName};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

use crate::write;

/// An authority, a document signer, a device and a session.
pub(crate) struct World {
    pub(crate) now: Timestamp,
    pub(crate) iaca: Certificate,
    pub(crate) iaca_key: SoftwareKey,
    pub(crate) ds: Certificate,
    pub(crate) ds_key: SoftwareKey,
    pub(crate) device_key: SoftwareKey,
    pub(crate) anchors: Vec<TrustAnchor>,
    pub(crate) transcript: SessionTranscript,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::on(Curve::P256, "Utopia", 11)
    }

    /// The same of another place, on that curve, with keys of that seed and the next two.
    pub(crate) fn on(curve: Curve, place: &str, seed: u8) -> Self {
        const DAY: Duration = Duration::from_secs(86_400);
        let mut rng = ChaCha20Rng::from_seed([1; 32]);
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let now = Timestamp::from_unix(i64::try_from(since.as_secs()).unwrap());
        let (iaca_key, ds_key) = (Self::key(curve, seed), Self::key(curve, seed + 1));
        let validity = |days| Validity {
            from: now.minus(DAY),
            until: now.plus(days * DAY),
        };
        let contacts = vec![GeneralName::Email("office@utopia.example".to_owned())];
        let iaca = IacaRoot {
            country: "UT".to_owned(),
            state: None,
            common_name: format!("{place} IACA"),
            organization: None,
            validity: validity(3_000),
            contacts: contacts.clone(),
            crl_uri: "https://utopia.example/crl".to_owned(),
        };
        let iaca = iaca.build(&iaca_key, &mut rng).unwrap();
        let ds = DocumentSigner {
            common_name: format!("{place} Signer"),
            organization: None,
            validity: validity(400),
            mdoc_purpose: false,
            contacts,
            crl_uri: "https://utopia.example/crl".to_owned(),
        };
        let ds = ds.build(ds_key.public_key(), &iaca, &iaca_key, &mut rng).unwrap();
        Self {
            now,
            anchors: vec![TrustAnchor::new(iaca.clone())],
            iaca,
            iaca_key,
            ds,
            ds_key,
            device_key: Self::key(curve, seed + 2),
            transcript: SessionTranscript::openid4vp("c", "n", None, "u", &RustCrypto),
        }
    }
}

impl World {
    /// A loyalty card with those elements and certificates.
    pub(crate) fn issue(&self, elements: &[(String, Value)], chain: &[&[u8]]) -> Vec<u8> {
        let spaces = vec![("org.iso.18013.5.1".to_owned(), elements.to_vec())];
        let validity = Period {
            signed: self.now,
            valid_from: self.now,
            valid_until: Timestamp::from_unix(self.now.unix() + 1_000_000),
            expected_update: None,
        };
        let key = self.device_key.public_key();
        let draft = Draft::new("org.iso.18013.5.1.mDL", &spaces, key, validity);
        let unsigned = draft
            .salt(&mut ChaCha20Rng::from_seed([3; 32]), &RustCrypto)
            .unwrap();
        unsigned.sign(&self.ds_key, chain).unwrap()
    }

    /// A document that shows the whole of an issued one with a signature of the device.
    pub(crate) fn document(&self, issued: &[u8]) -> Vec<u8> {
        let name_spaces = embed(&[0xa0]);
        let payload = mdoc_core::device_signed::device_authentication_bytes(
            &self.transcript,
            "org.iso.18013.5.1.mDL",
            &name_spaces,
        );
        let protected = cose::protected_header(self.device_key.algorithm());
        let signature = self
            .device_key
            .sign(&cose::to_be_signed(&protected, &payload))
            .unwrap();
        let mut out = Vec::with_capacity(issued.len() + 500);
        write::map(&mut out, 3);
        write::text(&mut out, "docType");
        write::text(&mut out, "org.iso.18013.5.1.mDL");
        write::text(&mut out, "issuerSigned");
        out.extend_from_slice(issued);
        write::text(&mut out, "deviceSigned");
        write::map(&mut out, 2);
        write::text(&mut out, "nameSpaces");
        out.extend_from_slice(&name_spaces);
        write::text(&mut out, "deviceAuth");
        write::map(&mut out, 1);
        write::text(&mut out, "deviceSignature");
        write::array(&mut out, 4);
        write::bytes(&mut out, &protected);
        write::map(&mut out, 0);
        write::null(&mut out);
        write::bytes(&mut out, &signature);
        out
    }

    /// A response with that document alone.
    pub(crate) fn present(&self, issued: &[u8]) -> Vec<u8> {
        response(&self.document(issued), 1)
    }

    /// A new key.
    pub(crate) fn key(curve: Curve, seed: u8) -> SoftwareKey {
        SoftwareKey::new(SecretKey::generate(
            curve,
            &mut ChaCha20Rng::from_seed([seed; 32]),
        ))
        .unwrap()
    }
}

/// A response with so many documents.
pub(crate) fn response(documents: &[u8], count: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(documents.len() + 50);
    write::map(&mut out, 3);
    write::text(&mut out, "version");
    write::text(&mut out, "1.0");
    write::text(&mut out, "documents");
    write::array(&mut out, count);
    out.extend_from_slice(documents);
    write::text(&mut out, "status");
    write::unsigned(&mut out, 0);
    out
}
