//! A seeded country: its authority, a document signer, a reader, a wallet, and a clock that stands still.
//!
//! Everything follows from the seed, so what a test issues today is byte for byte what it issued yesterday.

use mdoc_core::cbor::embed;
use mdoc_core::cose::key;
use mdoc_core::crypto::{Curve, DigestAlgorithm, PublicKey, RustCrypto, SecretKey};
use mdoc_core::device_request::{ItemsRequest, ReaderAuth, ReaderIdentity, RequestedElement, encode_request};
use mdoc_core::issue::{CopyOf, Draft, ItemOrder, NameSpaces, Validity};
use mdoc_core::issuer_signed::{IssuerSigned, IssuerSignedItem};
use mdoc_core::limits::Limits;
use mdoc_core::mso::{KeyAuthorizations, Status};
use mdoc_core::present::{self, DeviceKey, Presentation, encode_response};
use mdoc_core::seams::{Signer as _, SoftwareKey};
use mdoc_core::time::{FullDate, Timestamp};
use mdoc_core::transcript::SessionTranscript;
use mdoc_core::value::{Value, full_date};
use mdoc_core::verify::{Inputs, MDL_DOC_TYPE, MDL_NAME_SPACE};
use mdoc_core::x509::build::{self, DocumentSigner, IacaRoot, ReaderAuthentication, ReaderCa};
use mdoc_core::x509::path::TrustAnchor;
use mdoc_core::x509::{Certificate, GeneralName};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use sha2::{Digest as _, Sha256};

/// The smallest bytes that pass for a JPEG: start, an empty JFIF header, end.
pub const SMALL_JPEG: &[u8] = &[
    0xff, 0xd8, 0xff, 0xe0, 0x00, 0x10, b'J', b'F', b'I', b'F', 0x00, 0x01, 0x01, 0x00, 0x00, 0x01, 0x00,
    0x01, 0x00, 0x00, 0xff, 0xd9,
];

/// The country with everybody in it.
pub struct World {
    seed: u8,
    /// What time it is: 2026-06-01T12:00:00Z.
    pub now: Timestamp,
    /// The root that everybody trusts.
    pub iaca: Certificate,
    /// Its key.
    pub iaca_key: SoftwareKey,
    /// The document signer below it, valid for all of 2026.
    pub ds: Certificate,
    /// Its key.
    pub ds_key: SoftwareKey,
    /// A root of the same form that nobody trusts.
    pub stranger: Certificate,
    /// Its key.
    pub stranger_key: SoftwareKey,
    /// The root of those who certify readers.
    pub reader_ca: Certificate,
    /// Its key.
    pub reader_ca_key: SoftwareKey,
    /// The certificate of a reader.
    pub reader: Certificate,
    /// Its key.
    pub reader_key: SoftwareKey,
    /// The key that documents are bound to.
    pub device_key: SoftwareKey,
    /// The reader's key of this session.
    pub e_reader_key: SecretKey,
    /// The session, begun with a QR code.
    pub transcript: SessionTranscript,
    /// Whom the verifier trusts: the IACA.
    pub anchors: Vec<TrustAnchor>,
}

/// An instant from its text.
///
/// # Panics
/// If it is none.
#[must_use]
pub fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

/// A `full-date` value from its text.
///
/// # Panics
/// If there is no such day.
#[must_use]
pub fn day(text: &str) -> Value {
    full_date(FullDate::parse(text).unwrap())
}

/// The elements of a driving licence, all mandatory ones and some more.
#[must_use]
pub fn licence() -> NameSpaces {
    let text = |text: &str| Value::Text(text.to_owned());
    let category = Value::Map(vec![
        (text("vehicle_category_code"), text("B")),
        (text("issue_date"), day("2019-08-14")),
        (text("expiry_date"), day("2029-08-14")),
    ]);
    let elements = [
        ("family_name", text("Vlasáková")),
        ("given_name", text("Ada")),
        ("birth_date", day("1998-08-14")),
        ("issue_date", day("2024-08-14")),
        ("expiry_date", day("2034-08-14")),
        ("issuing_country", text("UT")),
        ("issuing_authority", text("Utopia Motor Vehicles")),
        ("issuing_jurisdiction", text("UT-NB")),
        ("document_number", text("UT-123456789")),
        ("portrait", Value::Bytes(SMALL_JPEG.to_vec())),
        ("driving_privileges", Value::Array(vec![category])),
        ("un_distinguishing_sign", text("UT")),
        ("age_over_18", Value::Bool(true)),
        ("age_over_21", Value::Bool(true)),
        ("age_over_65", Value::Bool(false)),
    ];
    let elements = elements.map(|(identifier, value)| (identifier.to_owned(), value));
    vec![(MDL_NAME_SPACE.to_owned(), elements.into())]
}

const fn years(from: Timestamp, until: Timestamp) -> build::Validity {
    build::Validity { from, until }
}

impl World {
    /// The country of that seed, everybody on P-256.
    #[must_use]
    pub fn new(seed: u8) -> Self {
        Self::on(seed, Curve::P256, Curve::P256)
    }

    /// The country of that seed with the document signer and the device on other curves. The reader's
    /// key of the session is on the device's curve, so that they can agree on a MAC key; where that
    /// curve only signs, it is on P-256.
    ///
    /// # Panics
    /// If a certificate cannot be made.
    #[must_use]
    pub fn on(seed: u8, ds: Curve, device: Curve) -> Self {
        let key = |name: &str, curve| {
            let secret = SecretKey::generate(curve, &mut rng(seed, name));
            SoftwareKey::new(secret).unwrap()
        };
        let rng = |name: &str| rng(seed, name);
        let (iaca_key, stranger_key) = (key("iaca", Curve::P256), key("stranger", Curve::P256));
        let (ds_key, device_key) = (key("ds", ds), key("device", device));
        let (reader_ca_key, reader_key) = (key("reader ca", Curve::P256), key("reader", Curve::P256));
        let root = |name: &str| IacaRoot {
            country: "UT".to_owned(),
            state: Some("UT-NB".to_owned()),
            common_name: name.to_owned(),
            organization: Some("Utopia Motor Vehicles".to_owned()),
            validity: years(at("2025-01-01T00:00:00Z"), at("2045-01-01T00:00:00Z")),
            contacts: vec![GeneralName::Uri("https://utopia.example/".to_owned())],
            crl_uri: "https://utopia.example/crl".to_owned(),
        };
        let iaca = root("Utopia IACA").build(&iaca_key, &mut rng("iaca certificate"));
        let iaca = iaca.unwrap();
        let stranger = root("Dystopia IACA").build(&stranger_key, &mut rng("stranger certificate"));
        let signer = DocumentSigner {
            common_name: "Utopia Signer 1".to_owned(),
            organization: None,
            validity: years(at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z")),
            mdoc_purpose: false,
            contacts: vec![GeneralName::Email("office@utopia.example".to_owned())],
            crl_uri: "https://utopia.example/crl".to_owned(),
        };
        let signer = signer.build(ds_key.public_key(), &iaca, &iaca_key, &mut rng("ds certificate"));
        let readers = ReaderCa {
            country: Some("UT".to_owned()),
            common_name: "Utopia Readers".to_owned(),
            organization: None,
            validity: years(at("2025-01-01T00:00:00Z"), at("2035-01-01T00:00:00Z")),
        };
        let reader_ca = readers.build(&reader_ca_key, &mut rng("reader ca certificate"));
        let reader_ca = reader_ca.unwrap();
        let reader = ReaderAuthentication {
            country: None,
            common_name: "Corner Shop".to_owned(),
            organization: None,
            validity: years(at("2026-01-01T00:00:00Z"), at("2029-01-01T00:00:00Z")),
            contacts: Vec::new(),
            crl_uri: "https://readers.example/crl".to_owned(),
            mdoc_purpose: true,
            ocsp_uri: None,
        };
        let reader = reader.build(
            reader_key.public_key(),
            &reader_ca,
            &reader_ca_key,
            &mut rng("reader certificate"),
        );
        let session = if device == Curve::Ed25519 {
            Curve::P256
        } else {
            device
        };
        let e_reader_key = SecretKey::generate(session, &mut rng("ephemeral reader"));
        let e_device_key = SecretKey::generate(session, &mut rng("ephemeral device"));
        Self {
            seed,
            now: at("2026-06-01T12:00:00Z"),
            anchors: vec![TrustAnchor::new(iaca.clone())],
            iaca,
            iaca_key,
            ds: signer.unwrap(),
            ds_key,
            stranger: stranger.unwrap(),
            stranger_key,
            reader_ca,
            reader_ca_key,
            reader: reader.unwrap(),
            reader_key,
            device_key,
            transcript: qr(e_device_key.public_key(), e_reader_key.public_key()),
            e_reader_key,
        }
    }

    /// Randomness of this world for that purpose: the same every time.
    #[must_use]
    pub fn rng(&self, purpose: &str) -> ChaCha20Rng {
        rng(self.seed, purpose)
    }

    /// A new key of this world for that purpose: the same every time.
    ///
    /// # Panics
    /// If the backend cannot use the curve.
    #[must_use]
    pub fn key(&self, purpose: &str, curve: Curve) -> SoftwareKey {
        SoftwareKey::new(SecretKey::generate(curve, &mut self.rng(purpose))).unwrap()
    }

    /// A driving licence in the making: [`licence`], for the device, valid for 30 days from today.
    #[must_use]
    pub fn issue(&self) -> Issue<'_> {
        let today = self.now.date().midnight();
        Issue {
            world: self,
            doc_type: MDL_DOC_TYPE.to_owned(),
            elements: licence(),
            validity: Validity {
                signed: today,
                valid_from: today,
                valid_until: today.date().plus_days(30).midnight(),
                expected_update: None,
            },
            device_key: self.device_key.public_key().clone(),
            authorizations: KeyAuthorizations::default(),
            status: None,
            digest: DigestAlgorithm::Sha256,
            decoys: 0,
            order: ItemOrder::Customary,
            number: 0,
        }
    }

    /// A presentation in the making, of an encoded `IssuerSigned`: everything, with a signature.
    #[must_use]
    pub fn present<'w>(&'w self, issued: &'w [u8]) -> Present<'w> {
        Present {
            world: self,
            issued,
            release: None,
            vouched: NameSpaces::new(),
            key: &self.device_key,
            mac: false,
        }
    }

    /// A question for elements of the driving licence, none of which is to be kept.
    #[must_use]
    pub fn ask(&self, elements: &[&str]) -> ItemsRequest {
        let element = |identifier: &&str| RequestedElement {
            identifier: (*identifier).to_owned(),
            intent_to_retain: false,
        };
        ItemsRequest {
            doc_type: MDL_DOC_TYPE.to_owned(),
            name_spaces: vec![(MDL_NAME_SPACE.to_owned(), elements.iter().map(element).collect())],
        }
    }

    /// An encoded `DeviceRequest` that the reader signed in this session, a signature for each document.
    ///
    /// # Panics
    /// Never: the reader's key is in memory.
    #[must_use]
    pub fn request(&self, questions: &[ItemsRequest]) -> Vec<u8> {
        let x5chain = [self.reader.der()];
        let reader = ReaderIdentity {
            signer: &self.reader_key,
            x5chain: &x5chain,
        };
        encode_request(questions, &ReaderAuth::EachDocument(reader, &self.transcript)).unwrap()
    }

    /// What the verifier judges by: the IACA, the clock, this session.
    #[must_use]
    pub fn inputs(&self) -> Inputs<'_> {
        let mut inputs = Inputs::new(&self.anchors, self.now);
        inputs.transcript = Some(&self.transcript);
        inputs.reader_key = Some(&self.e_reader_key);
        inputs
    }
}

fn rng(seed: u8, purpose: &str) -> ChaCha20Rng {
    let seed = Sha256::digest([&[seed], purpose.as_bytes()].concat());
    ChaCha20Rng::from_seed(seed.into())
}

/// The transcript after a QR code for BLE was scanned.
fn qr(device: &PublicKey, reader: &PublicKey) -> SessionTranscript {
    // {0: "1.0", 1: [1, EDeviceKeyBytes], 2: [[2, 1, {0: false, 1: true, 11: uuid}]]}
    let mut engagement = b"\xa3\x00\x631.0\x01\x82\x01".to_vec();
    engagement.extend(embed(&key::encode(device)));
    engagement.extend(b"\x02\x81\x83\x02\x01\xa3\x00\xf4\x01\xf5\x0b\x50a made-up service");
    SessionTranscript::qr(&embed(&engagement), &embed(&key::encode(reader)))
}

/// A document in the making. Finish with [`Issue::sign`].
pub struct Issue<'w> {
    world: &'w World,
    doc_type: String,
    elements: NameSpaces,
    validity: Validity,
    device_key: PublicKey,
    authorizations: KeyAuthorizations,
    status: Option<Status>,
    digest: DigestAlgorithm,
    decoys: usize,
    order: ItemOrder,
    number: u32,
}

impl Issue<'_> {
    /// Another type of document, with its elements.
    #[must_use]
    pub fn document(mut self, doc_type: &str, elements: NameSpaces) -> Self {
        doc_type.clone_into(&mut self.doc_type);
        self.elements = elements;
        self
    }

    /// Another value for an element of the first namespace, or one more element.
    #[must_use]
    pub fn with(mut self, identifier: &str, value: Value) -> Self {
        let (_, elements) = &mut self.elements[0];
        match elements.iter_mut().find(|(name, _)| name == identifier) {
            Some((_, old)) => *old = value,
            None => elements.push((identifier.to_owned(), value)),
        }
        self
    }

    /// Only these elements of the first namespace.
    #[must_use]
    pub fn only(mut self, identifiers: &[&str]) -> Self {
        self.elements[0]
            .1
            .retain(|(name, _)| identifiers.contains(&name.as_str()));
        self
    }

    /// Signed, and valid, from one instant to another.
    #[must_use]
    pub const fn valid(mut self, from: Timestamp, until: Timestamp) -> Self {
        self.validity.signed = from;
        self.validity.valid_from = from;
        self.validity.valid_until = until;
        self
    }

    /// For another device key.
    #[must_use]
    pub fn device_key(mut self, key: &PublicKey) -> Self {
        self.device_key = key.clone();
        self
    }

    /// With elements that the device may vouch for itself.
    #[must_use]
    pub fn authorize(mut self, authorizations: KeyAuthorizations) -> Self {
        self.authorizations = authorizations;
        self
    }

    /// With a place where the status is published.
    #[must_use]
    pub fn status(mut self, status: Status) -> Self {
        self.status = Some(status);
        self
    }

    /// With another digest than SHA-256.
    #[must_use]
    pub const fn digest(mut self, digest: DigestAlgorithm) -> Self {
        self.digest = digest;
        self
    }

    /// With random digests among the real ones.
    #[must_use]
    pub const fn decoys(mut self, count: usize) -> Self {
        self.decoys = count;
        self
    }

    /// As one of several copies, with the entries of each item in that order.
    #[must_use]
    pub const fn order(mut self, order: ItemOrder) -> Self {
        self.order = order;
        self
    }

    /// The document of that number, counted from 0, of several alike: with other salts and digest IDs.
    #[must_use]
    pub const fn number(mut self, number: u32) -> Self {
        self.number = number;
        self
    }

    /// The encoded `IssuerSigned`, signed by the document signer.
    ///
    /// # Panics
    /// If it can never be issued, for example because nothing is left in it.
    #[must_use]
    pub fn sign(self) -> Vec<u8> {
        let mut draft = Draft::new(&self.doc_type, &self.elements, &self.device_key, self.validity)
            .digest_algorithm(self.digest)
            .authorize(self.authorizations)
            .decoys(self.decoys);
        let mut rng = self.world.rng(&format!("document {}", self.number));
        let unsigned = match self.order {
            ItemOrder::Customary => {
                if let Some(status) = self.status {
                    draft = draft.status(status);
                }
                draft.salt(&mut rng, &RustCrypto).unwrap()
            }
            order => {
                let copy = CopyOf {
                    device_key: &self.device_key,
                    validity: self.validity,
                    status: self.status.as_ref(),
                };
                let template = draft.template(order).unwrap();
                template.copy(&copy, &mut rng, &RustCrypto).unwrap()
            }
        };
        unsigned.sign(&self.world.ds_key, &[self.world.ds.der()]).unwrap()
    }
}

/// A presentation in the making. Finish with [`Present::response`] or [`Present::document`].
pub struct Present<'w> {
    world: &'w World,
    issued: &'w [u8],
    release: Option<Vec<(String, String)>>,
    vouched: NameSpaces,
    key: &'w SoftwareKey,
    mac: bool,
}

impl<'w> Present<'w> {
    /// Only these elements of the driving licence's namespace.
    #[must_use]
    pub fn only(mut self, identifiers: &[&str]) -> Self {
        let name = |identifier: &&str| (MDL_NAME_SPACE.to_owned(), (*identifier).to_owned());
        self.release = Some(identifiers.iter().map(name).collect());
        self
    }

    /// What answers a question, by the rules of the wallet.
    ///
    /// # Panics
    /// If the document does not decode.
    #[must_use]
    pub fn answer(mut self, question: &ItemsRequest) -> Self {
        let document = IssuerSigned::decode(self.issued, &Limits::DEFAULT).unwrap();
        let matches = present::find(&document, question, &Limits::DEFAULT).unwrap();
        let found = matches.found.into_iter();
        self.release = Some(found.map(|found| (found.name_space, found.released)).collect());
        self
    }

    /// With elements that the device vouches for.
    #[must_use]
    pub fn vouch(mut self, elements: NameSpaces) -> Self {
        self.vouched = elements;
        self
    }

    /// By another device key.
    #[must_use]
    pub const fn by(mut self, key: &'w SoftwareKey) -> Self {
        self.key = key;
        self
    }

    /// With a MAC in place of a signature.
    #[must_use]
    pub const fn mac(mut self) -> Self {
        self.mac = true;
        self
    }

    /// The encoded `Document`.
    ///
    /// # Panics
    /// If the document does not decode, is bound to another key, or the device may not vouch for an element.
    #[must_use]
    pub fn document(&self) -> Vec<u8> {
        let limits = Limits::DEFAULT;
        let document = IssuerSigned::decode(self.issued, &limits).unwrap();
        let release = self.release.clone().unwrap_or_else(|| names(&document));
        let release: Vec<_> = release
            .iter()
            .map(|(ns, id)| (ns.as_str(), id.as_str()))
            .collect();
        let reader_key = self.world.e_reader_key.public_key();
        let key = if self.mac {
            DeviceKey::Mac {
                secret: self.key.secret(),
                reader_key,
            }
        } else {
            DeviceKey::Signature(self.key)
        };
        let presentation = Presentation {
            document: &document,
            release: &release,
            device_elements: &self.vouched,
            transcript: &self.world.transcript,
            key: &key,
        };
        presentation.encode(&limits, &RustCrypto).unwrap()
    }

    /// The encoded `DeviceResponse` with this one document.
    #[must_use]
    pub fn response(&self) -> Vec<u8> {
        encode_response(&[self.document()], &[])
    }
}

/// Namespace and identifier of everything in a document.
fn names(document: &IssuerSigned<'_>) -> Vec<(String, String)> {
    let mut names = Vec::new();
    for (name_space, items) in document.name_spaces() {
        for embedded in items {
            let item = embedded.item(&Limits::DEFAULT).unwrap();
            let item = IssuerSignedItem::decode(item).unwrap();
            names.push((name_space.to_string(), item.element_identifier.into_owned()));
        }
    }
    names
}
