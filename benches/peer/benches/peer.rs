//! isomdl 0.2.0 among our cases: the same data, the same machine, the same rounds.
//!
//! isomdl signs with p256 0.13 and is given no decoys, which makes it faster than its default. It verifies with
//! less: its reader compares no digest of an element and does not look at the validity of the MSO. Allocations are not
//! counted here: it makes 120,000 of them to verify, and counting takes time.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::process::ExitCode;

use ciborium::Value;
use isomdl::definitions::device_key::cose_key::{CoseKey, EC2Curve, EC2Y};
use isomdl::definitions::session::SessionTranscript;
use isomdl::definitions::x509::X5Chain;
use isomdl::definitions::x509::trust_anchor::{PemTrustAnchor, TrustAnchorRegistry, TrustPurpose};
use isomdl::definitions::{DeviceKeyInfo, DeviceResponse, DigestAlgorithm, IssuerSigned, ValidityInfo};
use isomdl::issuance::Mdoc;
use isomdl::presentation::authentication::AuthenticationStatus;
use isomdl::presentation::reader;
use isomdl::presentation::reader_utils::validate_response;
use mdoc_benches::harness::Case;
use mdoc_benches::suite::{PEER_ISSUES, PEER_VERIFIES};
use mdoc_benches::world::{DOC_TYPE, NAME_SPACE, World};
use p256::ecdsa::{Signature, SigningKey};
use time::OffsetDateTime;

/// Our transcript as a value of theirs.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Transcript(Value);

impl SessionTranscript for Transcript {}

fn main() -> ExitCode {
    // `cargo bench` adds an argument of its own.
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    mdoc_benches::run("peer", &arguments, |world, data, cases| {
        cases.push(issuing(world));
        cases.push(verifying(world, &data.response));
    })
}

fn issuing(world: &World) -> Case<'static> {
    let elements = world.encoded_elements();
    let values = elements.iter().map(|(name, bytes)| {
        let value: Value = ciborium::from_reader(bytes.as_slice()).unwrap();
        (name.clone(), value)
    });
    let name_spaces: BTreeMap<String, BTreeMap<String, Value>> =
        BTreeMap::from([(NAME_SPACE.to_owned(), values.collect())]);
    let signer = SigningKey::from_slice(world.ds_key.dangerous_bytes()).unwrap();
    let (x, y) = world.device_key.public_key().coordinates();
    let device_key = DeviceKeyInfo {
        device_key: CoseKey::EC2 {
            crv: EC2Curve::P256,
            x: x.to_vec(),
            y: EC2Y::Value(y.unwrap().to_vec()),
        },
        key_authorizations: None,
        key_info: None,
    };
    let at =
        |instant: mdoc_core::time::Timestamp| OffsetDateTime::from_unix_timestamp(instant.unix()).unwrap();
    let validity = ValidityInfo {
        signed: at(world.validity.signed),
        valid_from: at(world.validity.valid_from),
        valid_until: at(world.validity.valid_until),
        expected_update: None,
    };
    let pem = world.ds.to_pem();
    let chain = X5Chain::builder()
        .with_pem_certificate(pem.as_bytes())
        .unwrap()
        .build()
        .unwrap();
    Case::new(PEER_ISSUES, move || {
        let issued = Mdoc::issue::<SigningKey, Signature>(
            DOC_TYPE.to_owned(),
            name_spaces.clone(),
            validity.clone(),
            DigestAlgorithm::SHA256,
            device_key.clone(),
            chain.clone(),
            false,
            signer.clone(),
        )
        .unwrap();
        let issued = IssuerSigned {
            namespaces: Some(issued.namespaces),
            issuer_auth: issued.issuer_auth,
        };
        black_box(isomdl::cbor::to_vec(&issued).unwrap());
    })
}

fn verifying<'a>(world: &World, response: &'a [u8]) -> Case<'a> {
    let transcript = Transcript(ciborium::from_reader(world.transcript.raw()).unwrap());
    let anchors = TrustAnchorRegistry::from_pem_certificates(vec![PemTrustAnchor {
        certificate_pem: world.iaca.to_pem(),
        purpose: TrustPurpose::Iaca,
    }])
    .unwrap();
    Case::new(PEER_VERIFIES, move || {
        let response: DeviceResponse = isomdl::cbor::from_slice(black_box(response)).unwrap();
        let (document, chain, elements) = reader::parse(&response).unwrap();
        let seen = validate_response(
            transcript.clone(),
            anchors.clone(),
            chain,
            document.clone(),
            elements,
        );
        assert!(
            matches!(seen.issuer_authentication, AuthenticationStatus::Valid)
                && matches!(seen.device_authentication, AuthenticationStatus::Valid),
            "{:?}",
            seen.errors
        );
        black_box(&seen);
    })
}
