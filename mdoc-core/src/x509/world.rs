//! A small country for tests: its authority, a document signer, a reader; and the means to spoil them.

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::build::{self, DocumentSigner, IacaRoot, ReaderAuthentication, ReaderCa, Validity};
use super::oid::{self, Oid};
use super::profile::{Finding, Role, check};
use super::{Certificate, CertificateSignature, GeneralName, der};
use crate::crypto::{Curve, SecretKey};
use crate::seams::{Signer, SoftwareKey};
use crate::time::Timestamp;

pub(super) struct World {
    pub(super) rng: ChaCha20Rng,
    pub(super) iaca_key: SoftwareKey,
    pub(super) iaca: Certificate,
    pub(super) ds_key: SoftwareKey,
    pub(super) ds: Certificate,
    pub(super) reader_ca_key: SoftwareKey,
    pub(super) reader_ca: Certificate,
    pub(super) reader: Certificate,
}

pub(super) fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

pub(super) fn years(from: u16, until: u16) -> Validity {
    Validity {
        from: at(&format!("{from}-01-01T00:00:00Z")),
        until: at(&format!("{until}-01-01T00:00:00Z")),
    }
}

pub(super) fn key(curve: Curve, rng: &mut ChaCha20Rng) -> SoftwareKey {
    SoftwareKey::new(SecretKey::generate(curve, rng)).unwrap()
}

pub(super) fn iaca_root() -> IacaRoot {
    IacaRoot {
        country: "UT".into(),
        state: Some("UT-NB".into()),
        common_name: "Utopia IACA".into(),
        organization: Some("Utopia Motor Vehicles".into()),
        validity: years(2025, 2045),
        contacts: vec![GeneralName::Uri("https://utopia.example/".into())],
        crl_uri: "https://utopia.example/crl".into(),
    }
}

pub(super) fn document_signer() -> DocumentSigner {
    DocumentSigner {
        common_name: "Utopia DS 1".into(),
        organization: None,
        validity: Validity {
            from: at("2026-01-01T00:00:00Z"),
            until: at("2027-04-03T00:00:00Z"), // 457 days
        },
        mdoc_purpose: false,
        contacts: vec![GeneralName::Email("office@utopia.example".into())],
        crl_uri: "https://utopia.example/crl".into(),
    }
}

pub(super) fn reader_authentication() -> ReaderAuthentication {
    ReaderAuthentication {
        country: None,
        common_name: "Utopia Police".into(),
        organization: None,
        validity: years(2026, 2029),
        contacts: vec![],
        crl_uri: "https://readers.example/crl".into(),
        mdoc_purpose: true,
        ocsp_uri: None,
    }
}

pub(super) fn world() -> World {
    world_on(Curve::P256, Curve::P256)
}

pub(super) fn world_on(root: Curve, leaf: Curve) -> World {
    let mut rng = ChaCha20Rng::from_seed([18; 32]);
    let (iaca_key, ds_key) = (key(root, &mut rng), key(leaf, &mut rng));
    let (reader_ca_key, reader_key) = (key(root, &mut rng), key(leaf, &mut rng));
    let iaca = iaca_root().build(&iaca_key, &mut rng).unwrap();
    let ds = document_signer()
        .build(ds_key.public_key(), &iaca, &iaca_key, &mut rng)
        .unwrap();
    let reader_ca = ReaderCa {
        country: Some("UT".into()),
        common_name: "Utopia Readers".into(),
        organization: None,
        validity: years(2025, 2035),
    }
    .build(&reader_ca_key, &mut rng)
    .unwrap();
    let reader = reader_authentication()
        .build(reader_key.public_key(), &reader_ca, &reader_ca_key, &mut rng)
        .unwrap();
    World {
        rng,
        iaca_key,
        iaca,
        ds_key,
        ds,
        reader_ca_key,
        reader_ca,
        reader,
    }
}

/// The fields of a certificate, each with its tag, to be changed and signed again.
#[derive(Clone)]
pub(super) struct Parts {
    pub(super) version: Vec<u8>,
    pub(super) serial: Vec<u8>,
    pub(super) issuer: Vec<u8>,
    pub(super) not_before: Vec<u8>,
    pub(super) not_after: Vec<u8>,
    pub(super) subject: Vec<u8>,
    pub(super) key: Vec<u8>,
    pub(super) extensions: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Parts {
    pub(super) fn of(certificate: &Certificate) -> Self {
        Self {
            version: der::tlv(
                der::constructed(0),
                &[&der::unsigned(&[certificate.version() - 1])],
            ),
            serial: der::unsigned(certificate.serial_number()),
            issuer: certificate.issuer_der().to_vec(),
            not_before: der::time(certificate.not_before()),
            not_after: der::time(certificate.not_after()),
            subject: certificate.subject_der().to_vec(),
            key: certificate.public_key_info_der().to_vec(),
            extensions: certificate
                .extensions()
                .map(|e| {
                    let whole = build::extension(e.oid, e.critical, e.value);
                    (e.oid.content().to_vec(), whole)
                })
                .collect(),
        }
    }

    pub(super) fn without(mut self, oid: Oid<'_>) -> Self {
        self.extensions.retain(|(kind, _)| kind != oid.content());
        self
    }

    pub(super) fn with(mut self, oid: Oid<'_>, critical: bool, value: &[u8]) -> Self {
        let whole = build::extension(oid, critical, value);
        match self.extensions.iter_mut().find(|(kind, _)| kind == oid.content()) {
            Some((_, old)) => *old = whole,
            None => self.extensions.push((oid.content().to_vec(), whole)),
        }
        self
    }

    /// The same extension, critical or not.
    pub(super) fn critical(self, certificate: &Certificate, oid: Oid<'_>, critical: bool) -> Self {
        let value = certificate.extension(oid).unwrap().value.to_vec();
        self.with(oid, critical, &value)
    }

    pub(super) fn subject(mut self, attributes: &[(Oid<'_>, u8, &str)]) -> Self {
        let names: Vec<_> = attributes
            .iter()
            .map(|(oid, tag, text)| {
                let kind = der::tlv(der::OBJECT_IDENTIFIER, &[oid.content()]);
                let pair = der::tlv(der::SEQUENCE, &[&kind, &der::tlv(*tag, &[text.as_bytes()])]);
                der::tlv(der::SET, &[&pair])
            })
            .collect();
        self.subject = der::tlv(
            der::SEQUENCE,
            &names.iter().map(Vec::as_slice).collect::<Vec<_>>(),
        );
        self
    }

    pub(super) fn sign(&self, signer: &dyn Signer) -> Certificate {
        Certificate::from_der(&self.signed(signer)).unwrap()
    }

    /// The DER, whether or not it is a certificate.
    pub(super) fn signed(&self, signer: &dyn Signer) -> Vec<u8> {
        let algorithm = CertificateSignature::der_for(signer.public_key().curve());
        let list: Vec<_> = self.extensions.iter().map(|(_, e)| e.as_slice()).collect();
        let tbs = der::tlv(
            der::SEQUENCE,
            &[
                &self.version,
                &self.serial,
                &algorithm,
                &self.issuer,
                &der::tlv(der::SEQUENCE, &[&self.not_before, &self.not_after]),
                &self.subject,
                &self.key,
                &der::tlv(der::constructed(3), &[&der::tlv(der::SEQUENCE, &list)]),
            ],
        );
        let raw = signer.sign(&tbs).unwrap();
        let signature = super::signature::to_x509(signer.public_key().curve(), &raw);
        der::tlv(der::SEQUENCE, &[&tbs, &algorithm, &der::bit_string(&signature)])
    }
}

pub(super) const DS: Role = Role::DocumentSigner { mdl: true };

pub(super) fn rules(
    role: Role,
    certificate: &Certificate,
    issuer: Option<&Certificate>,
) -> Vec<&'static str> {
    ids(&check(role, certificate, issuer))
}

pub(super) fn ids(findings: &[Finding]) -> Vec<&'static str> {
    findings.iter().map(|finding| finding.rule.id()).collect()
}

/// All PEM files of a folder of kept certificates, by name.
pub(super) fn kept(folder: &str) -> Vec<(String, Certificate)> {
    let folder = format!("{}/../tests/vectors/certs/{folder}", env!("CARGO_MANIFEST_DIR"));
    let mut all: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "pem"))
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, Certificate::from_pem(&text).unwrap())
        })
        .collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    assert!(!all.is_empty());
    all
}

/// The subject of [`DocumentSigner`] in this world.
pub(super) const DS_NAME: [(Oid<'static>, u8, &str); 3] = [
    (oid::COUNTRY, der::PRINTABLE_STRING, "UT"),
    (oid::STATE_OR_PROVINCE, der::UTF8_STRING, "UT-NB"),
    (oid::COMMON_NAME, der::UTF8_STRING, "Utopia DS 1"),
];
