//! Revocation lists, OCSP, certification requests, lists of authorities.

use mdoc_core::crypto::RustCrypto;
use mdoc_core::seams::Signer as _;
use mdoc_core::vical::build::{Draft, Entry};
use mdoc_core::x509::csr::CertificationRequest;
use mdoc_core::x509::ocsp::{OcspRequest, OcspResponse};
use mdoc_core::x509::revocation::{LARGEST_LIST, RevocationList};

use crate::SIZE;
use crate::certificates::{extension, name, tlv};
use crate::measure::{Answer, Case};
use crate::world::World;

/// All of it.
pub(crate) fn cases(world: &World, run: &mut dyn FnMut(Case<'_>)) {
    let iaca = &world.iaca;
    let list = |entries: &[u8], extensions: &[u8]| {
        let mut tbs = vec![
            tlv(2, &[1]),
            iaca.signature_algorithm_der().to_vec(),
            iaca.subject_der().to_vec(),
            tlv(0x17, b"260101000000Z"),
            tlv(0x17, b"300101000000Z"),
            tlv(0x30, entries),
        ];
        if !extensions.is_empty() {
            tbs.push(tlv(0xa0, &tlv(0x30, extensions)));
        }
        let tbs = tlv(0x30, &tbs.concat());
        let raw = world.iaca_key.sign(&tbs).unwrap();
        let integer = |digits: &[u8]| tlv(2, &[&[0][..usize::from(digits[0] >= 0x80)], digits].concat());
        let signature = tlv(0x30, &[integer(&raw[..32]), integer(&raw[32..])].concat());
        let parts = [
            tbs,
            iaca.signature_algorithm_der().to_vec(),
            tlv(3, &[vec![0], signature].concat()),
        ];
        tlv(0x30, &parts.concat())
    };
    let entry = |number: usize| {
        let serial = u32::try_from(number).unwrap().to_be_bytes();
        tlv(
            0x30,
            &[tlv(2, &[&[1][..], &serial].concat()), tlv(0x17, b"260101000000Z")].concat(),
        )
    };
    let many = SIZE / entry(1).len();
    let most = (LARGEST_LIST - 1_000) / entry(1).len();
    let evaluate = |bytes: &[u8]| -> Answer {
        let list = RevocationList::from_bytes(bytes).map_err(|error| error.to_string())?;
        let verdict = list.evaluate(&world.ds, &world.iaca, world.now, &RustCrypto);
        Ok(format!("{} entries, {verdict:?}", list.entries().count()))
    };
    let large: Vec<u8> = (0..many).flat_map(entry).collect();
    let number = extension(1, &[5, 0]);
    for (input, bytes, decided) in [
        ("hundreds of thousands of entries", list(&large, &[]), false),
        (
            "as many entries as are read",
            list(&(0..most).flat_map(entry).collect::<Vec<u8>>(), &[]),
            true,
        ),
        (
            "one entry hundreds of thousands of times",
            list(&entry(1).repeat(many), &[]),
            false,
        ),
        ("an entry of 10 MB", list(&tlv(0x30, &vec![5; SIZE]), &[]), false),
        (
            "hundreds of thousands of extensions",
            list(&[], &number.repeat(SIZE / number.len())),
            false,
        ),
    ] {
        let case = Case::new("RevocationList, evaluate", input, &bytes, &evaluate);
        run(if decided { case.decided().small() } else { case });
    }
    let text = format!(
        "-----BEGIN X509 CRL-----\n{}\n-----END X509 CRL-----\n",
        "M".repeat(SIZE)
    );
    run(Case::new(
        "RevocationList, evaluate",
        "PEM of 10 MB",
        text.as_bytes(),
        &evaluate,
    ));

    let request = |bytes: &[u8]| {
        OcspRequest::from_der(bytes)
            .map(|_| String::new())
            .map_err(|error| error.to_string())
    };
    let response = |bytes: &[u8]| {
        OcspResponse::from_der(bytes)
            .map(|_| String::new())
            .map_err(|error| error.to_string())
    };
    let csr = |bytes: &[u8]| {
        CertificationRequest::from_bytes(bytes)
            .map(|_| String::new())
            .map_err(|error| error.to_string())
    };
    let nested = tlv(0x30, &tlv(0x30, &tlv(0x30, &tlv(0x30, &[5, 0]).repeat(SIZE / 4))));
    let success = tlv(
        0x30,
        &[
            vec![0x0a, 1, 0],
            tlv(
                0xa0,
                &tlv(
                    0x30,
                    &[tlv(6, &[0x2b, 6, 1, 5, 5, 7, 48, 1, 1]), tlv(4, &nested)].concat(),
                ),
            ),
        ]
        .concat(),
    );
    let whole = tlv(
        0x30,
        &[
            tlv(0x30, &[vec![2, 1, 0], name(SIZE / 14, b"x")].concat()),
            vec![0x30, 0],
        ]
        .concat(),
    );
    let pem = format!(
        "-----BEGIN CERTIFICATE REQUEST-----\n{}\n-----END CERTIFICATE REQUEST-----\n",
        "M".repeat(SIZE)
    );
    run(Case::new(
        "OcspRequest::from_der",
        "millions of empty requests",
        &nested,
        &request,
    ));
    run(Case::new(
        "OcspResponse::from_der",
        "millions of empty answers",
        &success,
        &response,
    ));
    run(Case::new(
        "CertificationRequest::from_bytes",
        "a name of a million attributes",
        &whole,
        &csr,
    ));
    run(Case::new(
        "CertificationRequest::from_bytes",
        "PEM of 10 MB",
        pem.as_bytes(),
        &csr,
    ));
}

/// Lists of authorities that are signed and too large.
pub(crate) fn vicals(world: &World) -> Vec<(&'static str, Vec<u8>)> {
    let list = |entries: usize, doc_types: usize| {
        let doc_types = (0..doc_types).map(|at| format!("org.example.{at:080}")).collect();
        let entry = Entry::new(world.iaca.clone(), doc_types);
        let draft = Draft {
            provider: "Example".to_owned(),
            issue_id: Some(1),
            date: world.now,
            next_update: None,
            not_after: None,
            url: None,
            entries: vec![entry; entries],
        };
        draft.sign(&world.ds_key, &[world.ds.der()]).unwrap()
    };
    vec![
        ("nine thousand entries", list(9_000, 1)),
        ("an entry for 95,000 types of documents", list(1, 95_000)),
    ]
}
