//! Of certificates, lists and requests.

use integration::corpus::Kind;
use integration::world::at;
use mdoc_core::cbor::Item;
use mdoc_core::vical::build::{Draft, Entry};
use mdoc_core::x509::csr::RequestTerms;
use mdoc_core::x509::ocsp::{CertificateId, IdHash, OcspRequest, Responder, respond};
use mdoc_core::x509::profile::Role;
use mdoc_core::x509::{Certificate, GeneralName};

use super::{certificates_of, documents, hex, pem_files};
use crate::fixtures::{LIMITS, cases, lists, world};

pub(crate) fn certificate() -> Vec<Vec<u8>> {
    let mut all = documents(&[Kind::ReaderCertificate, Kind::ReaderCa]);
    for folder in ["certs", "trust", "annex-d", "real"] {
        all.extend(certificates_of(folder).iter().map(|one| one.der().to_vec()));
    }
    for (_, case) in cases() {
        let anchors = Certificate::readable_from_pem(&case.anchors).0;
        all.extend(anchors.iter().map(|one| one.der().to_vec()));
        if let Some(leaf) = leaf_of(&case.document) {
            all.push(leaf);
        }
    }
    all.sort();
    all.dedup();
    all
}

/// The certificate beside the signature of a document.
fn leaf_of(document: &[u8]) -> Option<Vec<u8>> {
    let item = Item::parse(document, &LIMITS).ok()?;
    let auth = item.get("issuerAuth").or_else(|| {
        let document = item.get("documents")?.array()?.next()?;
        document.get("issuerSigned")?.get("issuerAuth")
    })?;
    let chain = auth.array()?.nth(1)?.get_label(33)?;
    Some(chain.bytes()?.into_owned())
}

pub(crate) fn chain() -> Vec<Vec<u8>> {
    let world = world();
    let mut all = vec![
        world.ds.der().to_vec(),
        [world.ds.der(), world.iaca.der()].concat(),
        world.reader.der().to_vec(),
        [world.reader.der(), world.reader_ca.der()].concat(),
        world.stranger.der().to_vec(),
    ];
    for (_, case) in cases() {
        let Some(leaf) = leaf_of(&case.document) else {
            continue;
        };
        all.push(leaf);
    }
    // The corpus has a path through intermediate certificates.
    for (name, case) in cases().iter().filter(|(name, _)| name.contains("intermediate")) {
        let document = Item::parse(&case.document, &LIMITS).unwrap();
        let chain = document
            .get("documents")
            .and_then(Item::array)
            .and_then(|mut all| all.next());
        let chain = chain.and_then(|one| {
            one.get("issuerSigned")?
                .get("issuerAuth")?
                .array()?
                .nth(1)?
                .get_label(33)
        });
        let chain = chain.and_then(Item::array).unwrap_or_else(|| panic!("{name}"));
        all.push(
            chain
                .filter_map(Item::bytes)
                .flat_map(|der| der.into_owned())
                .collect(),
        );
    }
    all
}

pub(crate) fn crl() -> Vec<Vec<u8>> {
    let mut all: Vec<_> = lists().iter().map(|list| list.der().to_vec()).collect();
    all.extend(cases().iter().filter_map(|(_, case)| case.crl.clone()));
    all
}

fn ocsp_questions() -> Vec<OcspRequest> {
    let world = world();
    let ids: Vec<_> = [IdHash::Sha1, IdHash::Sha256]
        .map(|hash| CertificateId::of(&world.ds, &world.iaca, hash))
        .into();
    vec![
        OcspRequest::new(&ids[..1], None).unwrap(),
        OcspRequest::new(&ids, Some(b"a nonce")).unwrap(),
    ]
}

pub(crate) fn ocsp_request() -> Vec<Vec<u8>> {
    ocsp_questions()
        .iter()
        .map(|request| request.der().to_vec())
        .collect()
}

pub(crate) fn ocsp_response() -> Vec<Vec<u8>> {
    let world = world();
    let mut all = vec![hex("30030a0106")];
    for request in ocsp_questions() {
        for list in lists() {
            for (certificate, signer) in [(&world.iaca, &world.iaca_key), (&world.ds, &world.ds_key)] {
                let responder = Responder { certificate, signer };
                let response = respond(&request, &world.iaca, list, responder, world.now).unwrap();
                all.push(response.der().to_vec());
            }
        }
    }
    all
}

pub(crate) fn csr() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for (role, hosts) in [
        (Role::DocumentSigner { mdl: true }, Vec::new()),
        (Role::TlsServer, vec![GeneralName::Dns("a.example".to_owned())]),
    ] {
        let terms = RequestTerms {
            role,
            country: Some("UT".to_owned()),
            state: Some("UT-NB".to_owned()),
            organization: None,
            common_name: "Signer".to_owned(),
            hosts,
        };
        let request = terms.build(&world().ds_key).unwrap();
        all.extend([request.der().to_vec(), request.to_pem().into_bytes()]);
    }
    all
}

pub(crate) fn pem() -> Vec<Vec<u8>> {
    let world = world();
    let mut all: Vec<_> = ["trust", "annex-d", "keys"]
        .iter()
        .flat_map(|folder| pem_files(folder))
        .collect();
    all.push(world.ds.to_pem() + &world.iaca.to_pem());
    all.push(lists()[0].to_pem());
    all.push("x\r\n-----BEGIN CERTIFICATE-----\r\nMAA=\r\n-----END CERTIFICATE-----".to_owned());
    all.into_iter().map(String::into_bytes).chain(csr()).collect()
}

pub(crate) fn vical() -> Vec<Vec<u8>> {
    let world = world();
    let entry = Entry::new(world.iaca.clone(), vec!["org.iso.18013.5.1.mDL".to_owned()]);
    let draft = Draft {
        provider: "Utopia".to_owned(),
        issue_id: Some(7),
        date: world.now,
        next_update: Some(at("2026-07-01T00:00:00Z")),
        not_after: Some(at("2026-08-01T00:00:00Z")),
        url: Some("https://utopia.example/list".to_owned()),
        entries: vec![entry],
    };
    let chain = [world.stranger.der()];
    vec![
        draft.sign(&world.stranger_key, &chain).unwrap(),
        draft.sign(&world.ds_key, &[world.ds.der()]).unwrap(),
    ]
}
