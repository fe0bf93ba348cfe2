//! The data of every measurement, made at start: keys, certificates, a driving licence with 25 elements.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mdoc_core::crypto::{Curve, RustCrypto, SecretKey};
use mdoc_core::issue::{Draft, NameSpaces, Validity};
use mdoc_core::issuer_signed::{IssuerSigned, IssuerSignedItem};
use mdoc_core::limits::Limits;
use mdoc_core::present::{DeviceKey, Presentation, encode_response};
use mdoc_core::seams::SoftwareKey;
use mdoc_core::time::{FullDate, Timestamp};
use mdoc_core::transcript::SessionTranscript;
use mdoc_core::value::{self, Value, full_date};
use mdoc_core::x509::build::{self, DocumentSigner, IacaRoot, ListTerms, RevokedSerial, build_crl};
use mdoc_core::x509::path::TrustAnchor;
use mdoc_core::x509::revocation::RevocationList;
use mdoc_core::x509::{Certificate, GeneralName};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};

pub use mdoc_core::verify::{MDL_DOC_TYPE as DOC_TYPE, MDL_NAME_SPACE as NAME_SPACE};

/// Bytes of the portrait.
pub const PORTRAIT: usize = 30_000;

const DAY: Duration = Duration::from_secs(86_400);

/// An authority, a signer, a wallet and a session.
pub struct World {
    /// The present time, to the second.
    pub now: Timestamp,
    /// When documents are signed and valid.
    pub validity: Validity,
    /// Twenty-five elements, one of them a portrait of [`PORTRAIT`] bytes.
    pub elements: NameSpaces,
    /// The root.
    pub iaca: Certificate,
    /// The certificate of the document signer.
    pub ds: Certificate,
    /// Its key.
    pub ds_key: SecretKey,
    /// The key of the wallet.
    pub device_key: SecretKey,
    /// The session in which the document is shown.
    pub transcript: SessionTranscript,
    /// The root as one to be trusted.
    pub anchors: Vec<TrustAnchor>,
    /// The root's current list, which names a hundred other certificates.
    pub revocation_lists: Vec<RevocationList>,
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl World {
    /// Makes all of it; keys and serial numbers are the same every time.
    ///
    /// # Panics
    /// If a certificate cannot be made.
    #[must_use]
    pub fn new() -> Self {
        let mut rng = ChaCha20Rng::from_seed([18; 32]);
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let now = Timestamp::from_unix(i64::try_from(since.as_secs()).unwrap());
        let mut key = || SecretKey::generate(Curve::P256, &mut rng);
        let (iaca_key, ds_key, device_key) = (key(), key(), key());
        let iaca_key = SoftwareKey::new(iaca_key).unwrap();
        let validity = |days| build::Validity {
            from: now.minus(30 * DAY),
            until: now.plus(days * DAY),
        };
        let iaca = IacaRoot {
            country: "UT".to_owned(),
            state: None,
            common_name: "Utopia IACA".to_owned(),
            organization: None,
            validity: validity(3_600),
            contacts: vec![GeneralName::Email("iaca@utopia.example".to_owned())],
            crl_uri: "https://utopia.example/iaca.crl".to_owned(),
        };
        let iaca = iaca.build(&iaca_key, &mut rng).unwrap();
        let ds = DocumentSigner {
            common_name: "Utopia Signer".to_owned(),
            organization: None,
            validity: validity(420),
            mdoc_purpose: false,
            contacts: vec![GeneralName::Email("iaca@utopia.example".to_owned())],
            crl_uri: "https://utopia.example/iaca.crl".to_owned(),
        };
        let ds = ds.build(ds_key.public_key(), &iaca, &iaca_key, &mut rng).unwrap();
        let revoked = |number: u8| RevokedSerial {
            serial_number: vec![1, number, 3, 4, 5, 6, 7, 8],
            at: now.minus(10 * DAY),
        };
        let revoked: Vec<_> = (0..100).map(revoked).collect();
        let terms = ListTerms {
            this_update: now.minus(DAY),
            next_update: now.plus(30 * DAY),
            number: 7,
        };
        let list = build_crl(&iaca, &iaca_key, &revoked, terms).unwrap();
        Self {
            now,
            revocation_lists: vec![list],
            validity: Validity {
                signed: now.minus(DAY),
                valid_from: now.minus(DAY),
                valid_until: now.plus(365 * DAY),
                expected_update: None,
            },
            elements: vec![(NAME_SPACE.to_owned(), elements(&mut rng))],
            anchors: vec![TrustAnchor::new(iaca.clone())],
            iaca,
            ds,
            ds_key,
            device_key,
            transcript: SessionTranscript::openid4vp(
                "verifier.example",
                "a nonce of this session",
                None,
                "https://verifier.example/response",
                &RustCrypto,
            ),
        }
    }

    /// The licence, issued: an encoded `IssuerSigned`.
    ///
    /// # Panics
    /// If it cannot be issued.
    #[must_use]
    pub fn licence(&self) -> Vec<u8> {
        let device_key = self.device_key.public_key();
        let draft = Draft::new(DOC_TYPE, &self.elements, device_key, self.validity);
        let mut rng = ChaCha20Rng::from_seed([5; 32]);
        let key = SoftwareKey::new(self.ds_key.clone()).unwrap();
        let unsigned = draft.salt(&mut rng, &RustCrypto).unwrap();
        unsigned.sign(&key, &[self.ds.der()]).unwrap()
    }

    /// The response that shows all elements of an issued licence.
    ///
    /// # Panics
    /// If it cannot be shown.
    #[must_use]
    pub fn response(&self, issued: &[u8]) -> Vec<u8> {
        let limits = Limits::DEFAULT;
        let document = IssuerSigned::decode(issued, &limits).unwrap();
        let release: Vec<(&str, &str)> = self.elements[0]
            .1
            .iter()
            .map(|(identifier, _)| (NAME_SPACE, identifier.as_str()))
            .collect();
        let key = SoftwareKey::new(self.device_key.clone()).unwrap();
        let presentation = Presentation {
            document: &document,
            release: &release,
            device_elements: &NameSpaces::new(),
            transcript: &self.transcript,
            key: &DeviceKey::Signature(&key),
        };
        let shown = presentation.encode(&limits, &RustCrypto).unwrap();
        encode_response(&[shown], &[])
    }

    /// Identifier and encoded value of each element.
    #[must_use]
    pub fn encoded_elements(&self) -> Vec<(String, Vec<u8>)> {
        self.elements[0]
            .1
            .iter()
            .map(|(identifier, element)| (identifier.clone(), value::encode(element)))
            .collect()
    }
}

/// Whether a response shows as many elements as there are, by our own decoder.
///
/// # Panics
/// If it does not decode.
#[must_use]
pub fn decoded(response: &[u8]) -> usize {
    use mdoc_core::device_response::{DeviceResponse, Document};

    let limits = Limits::DEFAULT;
    let response = DeviceResponse::decode(response, &limits).unwrap();
    let document = Document::from_item(response.documents[0], &limits).unwrap();
    let mut read = 0;
    for (_, items) in document.issuer_signed.name_spaces() {
        for item in items {
            let item = IssuerSignedItem::read(item, &limits).unwrap();
            read += usize::from(!item.element_identifier.is_empty());
        }
    }
    read
}

fn elements(rng: &mut ChaCha20Rng) -> Vec<(String, Value)> {
    let text = |text: &str| Value::Text(text.to_owned());
    let day = |text: &str| full_date(FullDate::parse(text).unwrap());
    // The marks of a JPEG with bytes between them that do not compress: what a portrait is to whoever hashes it.
    let mut portrait = vec![0; PORTRAIT];
    rng.fill_bytes(&mut portrait);
    portrait[..4].copy_from_slice(&[0xff, 0xd8, 0xff, 0xe0]);
    portrait[PORTRAIT - 2..].copy_from_slice(&[0xff, 0xd9]);
    let category = |code: &str, from: &str| {
        Value::Map(vec![
            (text("vehicle_category_code"), text(code)),
            (text("issue_date"), day(from)),
            (text("expiry_date"), day("2034-01-15")),
        ])
    };
    let categories = vec![category("A", "2018-08-09"), category("B", "2017-02-23")];
    [
        ("family_name", text("Vlasáková")),
        ("given_name", text("Ada")),
        ("birth_date", day("1984-08-12")),
        ("issue_date", day("2024-01-15")),
        ("expiry_date", day("2034-01-15")),
        ("issuing_country", text("UT")),
        ("issuing_authority", text("Utopia Motor Vehicles")),
        ("document_number", text("UT123456789")),
        ("portrait", Value::Bytes(portrait)),
        ("driving_privileges", Value::Array(categories)),
        ("un_distinguishing_sign", text("UTO")),
        ("administrative_number", text("ABC-123-456")),
        ("sex", Value::from(2)),
        ("height", Value::from(175)),
        ("weight", Value::from(68)),
        ("eye_colour", text("brown")),
        ("hair_colour", text("black")),
        ("birth_place", text("Utopia City")),
        ("resident_address", text("123 Main Street")),
        ("age_in_years", Value::from(42)),
        ("age_birth_year", Value::from(1984)),
        ("age_over_18", Value::Bool(true)),
        ("age_over_21", Value::Bool(true)),
        ("nationality", text("UT")),
        ("resident_city", text("Utopia City")),
    ]
    .map(|(identifier, value)| (identifier.to_owned(), value))
    .into()
}
