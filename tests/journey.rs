//! From a country to a verified driving licence, and three documents that are refused.
//!
//! ```sh
//! cargo run -p integration --example journey
//! ```

#![expect(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use std::error::Error;
use std::time::Duration;

use mdoc_core::ble::Service;
use mdoc_core::ble::link::Timeouts;
use mdoc_core::crypto::{Curve, PublicKey, RustCrypto, SecretKey, fastest};
use mdoc_core::device_request::{DeviceRequest, ItemsRequest, ReaderAuth, ReaderIdentity, encode_request};
use mdoc_core::engagement::EngagementUri;
use mdoc_core::issuer_signed::IssuerSigned;
use mdoc_core::limits::Limits;
use mdoc_core::present::DeviceKey;
use mdoc_core::seams::SoftwareKey;
use mdoc_core::session::Response;
use mdoc_core::time::Timestamp;
use mdoc_core::transcript::SessionTranscript;
use mdoc_core::verify::{Form, Inputs, Report, verify};
use mdoc_core::x509::build::{
    DocumentSigner as NewSigner, IacaRoot, ReaderAuthentication, ReaderCa, Validity,
};
use mdoc_core::x509::path::TrustAnchor;
use mdoc_core::x509::{Certificate, GeneralName};
use mdoc_holder::present::{Decide, Decision, Modes, Presentation, Request};
use mdoc_holder::question::{Held, Question, Session};
use mdoc_holder::reader::ReaderTrust;
use mdoc_issuer::format::Catalogue;
use mdoc_issuer::issue::{Order, issue};
use mdoc_issuer::signer::{Deviations, DocumentSigner};
use mdoc_radio::Channel;
use mdoc_radio::memory::Memory;
use mdoc_verifier::read::{Plan, Times, read};
use mdoc_verifier::request;
use mdoc_verifier::show::{self, Detail};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const PERSON: &str = include_str!("../document-formats/samples/partial-iso-18013-5.json");
const PORTRAIT: &[u8] = include_bytes!("../document-formats/samples/portrait.jpg");
const DAY: Duration = Duration::from_secs(86_400);

fn main() -> Result<()> {
    // Seeded, so that every run prints the same; a real issuer takes the system's randomness.
    let mut rng = ChaCha20Rng::from_seed([18; 32]);
    let now = Timestamp::parse("2026-06-01T12:00:00Z")?;

    heading("A country");
    let country = Country::new("NL", "Example IACA", now, &mut rng)?;
    println!("IACA             {}", country.iaca.subject());
    println!(
        "document signer  {}, until {}",
        country.signer.subject(),
        country.signer.not_after()
    );

    heading("A driving licence, from document-formats/partial-iso-18013-5.xml and a person's data");
    let wallet = SoftwareKey::new(SecretKey::generate(Curve::P256, &mut rng))?;
    let licence = country.issue(wallet.secret().public_key(), now, &mut rng)?;
    println!(
        "issued           {} bytes, bound to the wallet's key",
        licence.len()
    );

    heading("A bar asks for age-over-18, over Bluetooth in memory");
    let bar = Bar::new(now, &mut rng)?;
    let phone = Phone {
        licence: &licence,
        key: &wallet,
        mac: false,
        trusts: &bar.ca,
        now,
    };
    let reading = meet(phone, Modes::Both, &bar, &mut rng)?;
    let anchors = [TrustAnchor::new(country.iaca.clone())];
    let mut inputs = Inputs::new(&anchors, now);
    inputs.request = Some(&bar.asks);
    let session = reading.inputs(inputs);
    let response = reading.bytes();
    expect(&verify(response, Form::DeviceResponse, &session), true)?;

    heading("Once more, the other way round, with a MAC that only this reader can check");
    // A key signs or MACs for all its life, so this is a second licence with a key of its own.
    let second = SoftwareKey::new(SecretKey::generate(Curve::P256, &mut rng))?;
    let second_licence = country.issue(second.secret().public_key(), now, &mut rng)?;
    let phone_with_mac = Phone {
        licence: &second_licence,
        key: &second,
        mac: true,
        ..phone
    };
    let maced = meet(phone_with_mac, Modes::Only(Service::Mdoc), &bar, &mut rng)?;
    let session_of_mac = maced.inputs(inputs);
    let maced = maced.bytes();
    expect(&verify(maced, Form::DeviceResponse, &session_of_mac), true)?;

    heading("A copy in which \"true\" was made \"false\"");
    let tampered = tamper(response)?;
    expect(&verify(&tampered, Form::DeviceResponse, &session), false)?;

    heading("The same response, two months later");
    let mut later = session;
    later.now = now.plus(60 * DAY);
    expect(&verify(response, Form::DeviceResponse, &later), false)?;

    heading("A licence of a country that nobody knows");
    let elsewhere = Country::new("NL", "Another IACA", now, &mut rng)?;
    let forged = elsewhere.issue(wallet.secret().public_key(), now, &mut rng)?;
    let phone_of_stranger = Phone {
        licence: &forged,
        ..phone
    };
    let foreign = meet(phone_of_stranger, Modes::Both, &bar, &mut rng)?;
    let session = foreign.inputs(inputs);
    expect(&verify(foreign.bytes(), Form::DeviceResponse, &session), false)?;

    println!("\nTwo were accepted and three refused, each for its reason.");
    Ok(())
}

fn heading(text: &str) {
    println!("\n── {text}");
}

/// Prints a report, and fails if it is not the expected one.
fn expect(report: &Report<'_>, accepted: bool) -> Result<()> {
    print!("{}", show::to_text(report, Detail::Brief));
    if report.accepted() == accepted {
        Ok(())
    } else {
        Err("the verdict is another than expected".into())
    }
}

struct Country {
    iaca: Certificate,
    signer: Certificate,
    signer_key: SoftwareKey,
}

impl Country {
    fn new(code: &str, name: &str, now: Timestamp, rng: &mut ChaCha20Rng) -> Result<Self> {
        let contacts = vec![GeneralName::Uri("https://licences.example".to_owned())];
        let crl_uri = "https://licences.example/iaca.crl".to_owned();
        let from = now.minus(DAY);
        let iaca_key = SoftwareKey::new(SecretKey::generate(Curve::P256, rng))?;
        let iaca = IacaRoot {
            country: code.to_owned(),
            state: None,
            common_name: name.to_owned(),
            organization: Some("Example Licensing Authority".to_owned()),
            validity: Validity {
                from,
                until: now.plus(9 * 365 * DAY),
            },
            contacts: contacts.clone(),
            crl_uri: crl_uri.clone(),
        };
        let iaca = iaca.build(&iaca_key, rng)?;
        let signer_key = SoftwareKey::new(SecretKey::generate(Curve::P256, rng))?;
        let signer = NewSigner {
            common_name: format!("{name} document signer"),
            organization: None,
            validity: Validity {
                from,
                until: now.plus(400 * DAY),
            },
            mdoc_purpose: false,
            contacts,
            crl_uri,
        };
        let signer = signer.build(signer_key.secret().public_key(), &iaca, &iaca_key, rng)?;
        Ok(Self {
            iaca,
            signer,
            signer_key,
        })
    }

    fn issue(&self, device_key: &PublicKey, now: Timestamp, rng: &mut ChaCha20Rng) -> Result<Vec<u8>> {
        let catalogue = Catalogue::shipped();
        let format = catalogue
            .format("partial-iso-18013-5")
            .ok_or("the format is gone")?;
        let person = serde_json::from_str(PERSON)?;
        let mut order = Order::new(format, &person, device_key);
        order.portrait = Some(PORTRAIT);
        let signer = DocumentSigner::new(
            self.signer.clone(),
            &self.signer_key,
            &format.doctype,
            Deviations::Refuse,
        )?;
        Ok(issue(&order, &signer, now, rng, &RustCrypto)?.document)
    }
}

/// Who reads: a reader certificate under a CA that the wallet knows, and what it asks for.
struct Bar {
    ca: [TrustAnchor; 1],
    certificate: Certificate,
    key: SoftwareKey,
    asks: Vec<ItemsRequest>,
}

impl Bar {
    fn new(now: Timestamp, rng: &mut ChaCha20Rng) -> Result<Self> {
        let validity = Validity {
            from: now.minus(DAY),
            until: now.plus(365 * DAY),
        };
        let ca_key = SoftwareKey::new(SecretKey::generate(Curve::P256, rng))?;
        let ca = ReaderCa {
            country: Some("NL".to_owned()),
            common_name: "Example Reader CA".to_owned(),
            organization: None,
            validity,
        };
        let ca = ca.build(&ca_key, rng)?;
        let key = SoftwareKey::new(SecretKey::generate(Curve::P256, rng))?;
        let certificate = ReaderAuthentication {
            country: Some("NL".to_owned()),
            common_name: "The Corner Bar".to_owned(),
            organization: None,
            validity,
            contacts: vec![GeneralName::Email("owner@bar.example".to_owned())],
            crl_uri: "https://readers.example/ca.crl".to_owned(),
            mdoc_purpose: true,
            ocsp_uri: None,
        };
        let certificate = certificate.build(key.secret().public_key(), &ca, &ca_key, rng)?;
        Ok(Self {
            ca: [TrustAnchor::new(ca)],
            certificate,
            key,
            asks: request::preset("age-over-18")
                .ok_or("the preset is gone")?
                .request(),
        })
    }

    /// What it asks for, signed for one session.
    fn request(&self, transcript: &SessionTranscript) -> Result<Vec<u8>> {
        let chain = [self.certificate.der()];
        let identity = ReaderIdentity {
            signer: &self.key,
            x5chain: &chain,
        };
        Ok(encode_request(
            &self.asks,
            &ReaderAuth::EachDocument(identity, transcript),
        )?)
    }
}

/// Phone and reader meet: one shows a code, the other scans it, and the rest goes through an air without a radio.
fn meet(mut phone: Phone<'_>, modes: Modes, bar: &Bar, rng: &mut ChaCha20Rng) -> Result<Response> {
    let limits = Limits::DEFAULT;
    let backend = fastest();
    let shown = Presentation::new(Curve::P256, modes, Channel::No, limits, rng, backend);
    println!("QR code          {} characters", shown.uri().len());
    let scanned = EngagementUri::parse(&shown.uri())?;
    let plan = Plan::new(&scanned.bytes, None, limits, rng, backend)?;
    let request = bar.request(plan.transcript())?;
    println!("request          {} bytes, signed by the reader", request.len());

    let air = Memory::new(517);
    let times = Times::default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    runtime.block_on(async {
        let reader = async {
            let reading = read(&air, plan, &request, &times, backend).await?;
            println!(
                "response         {} bytes in {}\n",
                reading.response.bytes().len(),
                reading.service
            );
            Ok(reading.finish().await.0)
        };
        let (response, presented): (Result<Response>, _) =
            tokio::join!(reader, shown.run(&air, &mut phone, Timeouts::default(), backend));
        presented?;
        response
    })
}

/// A wallet whose owner says yes.
#[derive(Clone, Copy)]
struct Phone<'a> {
    licence: &'a [u8],
    key: &'a SoftwareKey,
    mac: bool,
    trusts: &'a [TrustAnchor],
    now: Timestamp,
}

impl Decide for Phone<'_> {
    async fn decide(&mut self, request: &Request<'_>) -> Decision {
        self.answer(request).map_or(Decision::Decline, Decision::Answer)
    }
}

impl Phone<'_> {
    /// Who asks, what can be answered, and the answer with all of it.
    fn answer(&self, request: &Request<'_>) -> Result<Vec<u8>> {
        let limits = Limits::DEFAULT;
        let document = IssuerSigned::decode(self.licence, &limits)?;
        let asked = DeviceRequest::decode(request.bytes, &limits)?;
        let session = Session {
            transcript: request.transcript,
            trust: ReaderTrust {
                anchors: self.trusts,
                now: self.now,
            },
            limits,
            backend: &RustCrypto,
        };
        let key = if self.mac {
            DeviceKey::Mac {
                secret: self.key.secret(),
                reader_key: request.reader_key,
            }
        } else {
            DeviceKey::Signature(self.key)
        };
        let held = [Held {
            document: &document,
            key,
        }];
        let question = Question::new(&asked, &held, &session)?;
        for document in &question.documents {
            println!("the wallet shows {} asks for", document.reader);
            for found in &document.found {
                println!("                   {}", found.requested);
            }
        }
        Ok(question.answer(&held, &session)?.response)
    }
}

/// Turns the value of `age_over_18` round, without a new signature.
fn tamper(response: &[u8]) -> Result<Vec<u8>> {
    let needle = b"age_over_18\x6celementValue\xf5";
    let at = response
        .windows(needle.len())
        .position(|window| window == needle)
        .ok_or("nothing to tamper with")?;
    let mut tampered = response.to_vec();
    if let Some(value) = tampered.get_mut(at + needle.len() - 1) {
        *value = 0xf4;
    }
    Ok(tampered)
}
