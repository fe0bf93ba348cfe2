//! Certificates, revocation lists, OCSP, certification requests, keys, lists of authorities.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mdoc_core::crypto::RustCrypto;
use mdoc_core::keys;
use mdoc_core::seams::{Signer as _, SoftwareKey};
use mdoc_core::time::Timestamp;
use mdoc_core::transcript::SessionTranscript;
use mdoc_core::vical::build::{Draft, Entry};
use mdoc_core::x509::build::{DocumentSigner, IacaRoot, Validity};
use mdoc_core::x509::csr::CertificationRequest;
use mdoc_core::x509::ocsp::{OcspRequest, OcspResponse};
use mdoc_core::x509::path::{self, TrustAnchor};
use mdoc_core::x509::profile::{Role, check};
use mdoc_core::x509::revocation::RevocationList;
use mdoc_core::x509::{Certificate, GeneralName};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

use crate::SIZE;
use crate::measure::{Answer, Case};

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
        const DAY: Duration = Duration::from_secs(86_400);
        let mut rng = ChaCha20Rng::from_seed([1; 32]);
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let now = Timestamp::from_unix(i64::try_from(since.as_secs()).unwrap());
        let (iaca_key, ds_key) = (Self::key(11), Self::key(12));
        let validity = |days| Validity {
            from: now.minus(DAY),
            until: now.plus(days * DAY),
        };
        let contacts = vec![GeneralName::Email("office@utopia.example".to_owned())];
        let iaca = IacaRoot {
            country: "UT".to_owned(),
            state: None,
            common_name: "Utopia IACA".to_owned(),
            organization: None,
            validity: validity(3_000),
            contacts: contacts.clone(),
            crl_uri: "https://utopia.example/crl".to_owned(),
        };
        let iaca = iaca.build(&iaca_key, &mut rng).unwrap();
        let ds = DocumentSigner {
            common_name: "Utopia Signer".to_owned(),
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
            device_key: Self::key(13),
            transcript: SessionTranscript::openid4vp("c", "n", None, "u", &RustCrypto),
        }
    }
}

/// An element of DER.
fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let len = content.len();
    let digits = len.to_be_bytes();
    let zeros = digits.iter().take_while(|digit| **digit == 0).count();
    if len < 0x80 {
        out.push(digits[7]);
    } else {
        out.push(0x80 | u8::try_from(digits.len() - zeros).unwrap());
        out.extend_from_slice(&digits[zeros..]);
    }
    out.extend_from_slice(content);
    out
}

/// A certificate as that of the document signer, with another subject, other extensions, and no good signature.
fn certificate(world: &World, subject: &[u8], extensions: &[u8]) -> Vec<u8> {
    let ds = &world.ds;
    let validity = [tlv(0x17, b"260101000000Z"), tlv(0x17, b"300101000000Z")].concat();
    let tbs = [
        vec![0xa0, 3, 2, 1, 2],
        tlv(2, &[1]),
        ds.signature_algorithm_der().to_vec(),
        ds.issuer_der().to_vec(),
        tlv(0x30, &validity),
        subject.to_vec(),
        ds.public_key_info_der().to_vec(),
        tlv(0xa3, &tlv(0x30, extensions)),
    ]
    .concat();
    let signature = [&[0][..], ds.signature()].concat();
    tlv(
        0x30,
        &[
            tlv(0x30, &tbs),
            ds.signature_algorithm_der().to_vec(),
            tlv(3, &signature),
        ]
        .concat(),
    )
}

/// An extension with an OID of its own for each number.
fn extension(number: usize, content: &[u8]) -> Vec<u8> {
    let digit = |shift: usize| u8::try_from(number >> shift & 0x7f).unwrap();
    let oid = [0x2b, 0x84, 0x80 | digit(14), 0x80 | digit(7), digit(0)];
    tlv(0x30, &[tlv(6, &oid), tlv(4, content)].concat())
}

fn name(attributes: usize, text: &[u8]) -> Vec<u8> {
    let attribute = tlv(
        0x31,
        &tlv(0x30, &[tlv(6, &[0x55, 4, 3]), tlv(0x0c, text)].concat()),
    );
    tlv(0x30, &attribute.repeat(attributes))
}

/// A certificate in which one extension has about `bytes` bytes.
pub(crate) fn with_extension(world: &World, bytes: usize) -> Vec<u8> {
    certificate(world, world.ds.subject_der(), &extension(1, &vec![0x5a; bytes]))
}

fn hostile_certificates(world: &World) -> Vec<(&'static str, Vec<u8>)> {
    let subject = world.ds.subject_der();
    let extensions = |count: usize, numbered: bool| -> Vec<u8> {
        (0..count)
            .flat_map(|at| extension(if numbered { at } else { 1 }, &[5, 0]))
            .collect()
    };
    let many = SIZE / extension(1, &[5, 0]).len();
    let alternative = tlv(0x30, &tlv(0x82, b"a.example").repeat(SIZE / 11));
    let alternative = tlv(
        0x30,
        &[tlv(6, &[0x55, 0x1d, 0x11]), tlv(4, &alternative)].concat(),
    );
    let mut deep = Vec::new();
    while deep.len() < SIZE - 6 {
        deep.extend_from_slice(&[0x30, 0x84]);
        deep.extend_from_slice(&u32::try_from(SIZE - deep.len() - 4).unwrap().to_be_bytes());
    }
    deep.resize(SIZE, 0);
    vec![
        (
            "a name of one attribute of 10 MB",
            certificate(world, &name(1, &vec![b'x'; SIZE]), &[]),
        ),
        (
            "a name of a million attributes",
            certificate(world, &name(SIZE / 14, b"x"), &[]),
        ),
        (
            "hundreds of thousands of extensions",
            certificate(world, subject, &extensions(many, true)),
        ),
        (
            "one extension hundreds of thousands of times",
            certificate(world, subject, &extensions(many, false)),
        ),
        ("an extension of 10 MB", with_extension(world, SIZE)),
        (
            "a million alternative names",
            certificate(world, subject, &alternative),
        ),
        ("sequences in sequences", deep),
        (
            "a length of 2⁶³",
            [&[0x30, 0x88, 0x80, 0, 0, 0, 0, 0, 0, 0][..], &vec![0; SIZE]].concat(),
        ),
        ("ten million zeros", vec![0; SIZE]),
        // As large as a certificate may be: read and judged in full.
        (
            "64 extensions of one kind, 60 KB",
            certificate(
                world,
                subject,
                &(0..63).flat_map(|_| extension(1, &[0; 900])).collect::<Vec<_>>(),
            ),
        ),
        ("3,000 alternative names, 60 KB", {
            let names = tlv(0x30, &tlv(0x82, b"a.example.of.a.name").repeat(2_800));
            certificate(
                world,
                subject,
                &tlv(0x30, &[tlv(6, &[0x55, 0x1d, 0x11]), tlv(4, &names)].concat()),
            )
        }),
        (
            "64 attributes of 900 bytes in a name",
            certificate(world, &name(63, &[b'x'; 900]), &[]),
        ),
    ]
}

/// Reads a certificate and asks it everything that reports ask.
fn judge(certificate: &Certificate) -> usize {
    let names = certificate.subject().to_string().len() + certificate.issuer().to_string().len();
    let twice = certificate.duplicate_extensions().len();
    let alternative = certificate
        .subject_alt_name()
        .map_or(0, |names| names.map_or(0, |names| names.len()));
    let findings = check(Role::DocumentSigner { mdl: true }, certificate, None).len();
    names + twice + alternative + findings
}

/// All of it.
pub(crate) fn cases(run: &mut dyn FnMut(Case<'_>)) {
    let world = World::new();
    let read = |bytes: &[u8]| -> Answer {
        let certificate = Certificate::from_der(bytes).map_err(|error| error.to_string())?;
        Ok(format!("a certificate, {}", judge(&certificate)))
    };
    for (input, bytes) in hostile_certificates(&world) {
        let case = Case::new("Certificate::from_der, profile", input, &bytes, &read);
        run(if bytes.len() < 100_000 {
            case.decided().small()
        } else {
            case
        });
    }

    let bundle = |bytes: &[u8]| -> Answer {
        let text = core::str::from_utf8(bytes).map_err(|error| error.to_string())?;
        let (read, broken) = Certificate::readable_from_pem(text);
        if read.is_empty() {
            Err(format!("{} broken, none read", broken.len()))
        } else {
            Ok(format!("{} certificates", read.len()))
        }
    };
    let pem = world.ds.to_pem();
    for (input, text, decided) in [
        ("thousands of certificates", pem.repeat(SIZE / pem.len()), true),
        (
            "beginnings without an end",
            "-----BEGIN CERTIFICATE-----\n".repeat(SIZE / 28),
            false,
        ),
        (
            "ends without a beginning",
            "-----END CERTIFICATE-----\n".repeat(SIZE / 26),
            false,
        ),
        (
            "empty blocks",
            "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n".repeat(SIZE / 54),
            false,
        ),
        (
            "one block of 10 MB",
            format!(
                "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
                "A".repeat(SIZE)
            ),
            false,
        ),
        ("ten million line ends", "\n".repeat(SIZE), false),
        ("ten million hyphens", "-".repeat(SIZE), false),
    ] {
        let case = Case::new("Certificate::readable_from_pem", input, text.as_bytes(), &bundle);
        run(if decided { case.decided() } else { case });
    }

    let chain = vec![world.ds.clone(); SIZE / world.ds.der().len()];
    let all: Vec<u8> = chain
        .iter()
        .flat_map(|certificate| certificate.der())
        .copied()
        .collect();
    let climb = |_: &[u8]| -> Answer {
        match path::find(&chain, &world.anchors, world.now, &RustCrypto) {
            path::Path::Broken(broken) => Err(broken.to_string()),
            _ => Ok("a path".to_owned()),
        }
    };
    run(Case::new(
        "path::find",
        "a chain of thousands of certificates",
        &all,
        &climb,
    ));

    lists(&world, run);
    files(&world, run);
}

fn lists(world: &World, run: &mut dyn FnMut(Case<'_>)) {
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
    let evaluate = |bytes: &[u8]| -> Answer {
        let list = RevocationList::from_bytes(bytes).map_err(|error| error.to_string())?;
        let verdict = list.evaluate(&world.ds, &world.iaca, world.now, &RustCrypto);
        Ok(format!("{} entries, {verdict:?}", list.entries().count()))
    };
    let large: Vec<u8> = (0..many).flat_map(entry).collect();
    let number = extension(1, &[5, 0]);
    for (input, bytes, decided) in [
        ("hundreds of thousands of entries", list(&large, &[]), true),
        (
            "one entry hundreds of thousands of times",
            list(&entry(1).repeat(many), &[]),
            true,
        ),
        ("an entry of 10 MB", list(&tlv(0x30, &vec![5; SIZE]), &[]), false),
        (
            "hundreds of thousands of extensions",
            list(&[], &number.repeat(SIZE / number.len())),
            true,
        ),
    ] {
        let case = Case::new("RevocationList, evaluate", input, &bytes, &evaluate);
        run(if decided { case.decided() } else { case });
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

fn files(world: &World, run: &mut dyn FnMut(Case<'_>)) {
    let _ = world;
    let secret = |bytes: &[u8]| {
        keys::secret_from_file(bytes)
            .map(|_| String::new())
            .map_err(|error| error.to_string())
    };
    let public = |bytes: &[u8]| {
        keys::public_from_file(bytes)
            .map(|_| String::new())
            .map_err(|error| error.to_string())
    };
    let sealed = |bytes: &[u8]| {
        keys::secret_from_encrypted(bytes, b"passphrase")
            .map(|_| String::new())
            .map_err(|error| error.to_string())
    };
    let text = |bytes: &[u8]| {
        let text = core::str::from_utf8(bytes).map_err(|error| error.to_string())?;
        match keys::secret_from_pem(text).or_else(|_| keys::secret_from_jwk(text)) {
            Ok(_) => Ok(String::new()),
            Err(error) => keys::public_from_pem(text)
                .map(|_| String::new())
                .map_err(|_| error.to_string()),
        }
    };
    let decoders: [(&str, &(dyn Fn(&[u8]) -> Answer + Sync)); 4] = [
        ("keys::secret_from_file", &secret),
        ("keys::public_from_file", &public),
        ("keys::secret_from_encrypted", &sealed),
        ("keys, from text that is at hand", &text),
    ];
    for (decoder, decode) in decoders {
        for (input, bytes) in [
            (
                "a PEM block of 10 MB",
                format!(
                    "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
                    "M".repeat(SIZE)
                ),
            ),
            (
                "an encrypted PEM block of 10 MB",
                format!(
                    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n{}\n-----END ENCRYPTED PRIVATE KEY-----\n",
                    "M".repeat(SIZE)
                ),
            ),
            (
                "beginnings without an end",
                "-----BEGIN PRIVATE KEY-----\n".repeat(SIZE / 28),
            ),
            (
                "a million empty blocks of another kind",
                "-----BEGIN EC PARAMETERS-----\n-----END EC PARAMETERS-----\n".repeat(SIZE / 58),
            ),
            (
                "a JWK with a member of 10 MB",
                format!(
                    "{{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"{}\"}}",
                    "A".repeat(SIZE)
                ),
            ),
            (
                "a JWK with a million members",
                format!("{{\"kty\":\"EC\"{}}}", ",\"a\":0".repeat(SIZE / 6)),
            ),
            (
                "a JWK of arrays in arrays",
                format!("{{\"kty\":{}", "[".repeat(SIZE)),
            ),
            ("DER of 10 MB", "0\u{1}".repeat(SIZE / 2)),
        ] {
            run(Case::new(decoder, input, bytes.as_bytes(), decode));
        }
    }
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
