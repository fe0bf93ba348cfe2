//! Certificates, alone, in bundles and in chains.

use mdoc_core::crypto::RustCrypto;
use mdoc_core::x509::path;
use mdoc_core::x509::profile::{Role, check};
use mdoc_core::x509::{Certificate, MOST_CERTIFICATES};

use crate::measure::{Answer, Case};
use crate::world::World;
use crate::{SIZE, keys, lists};

/// An element of DER.
pub(crate) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
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
pub(crate) fn extension(number: usize, content: &[u8]) -> Vec<u8> {
    let digit = |shift: usize| u8::try_from(number >> shift & 0x7f).unwrap();
    let oid = [0x2b, 0x84, 0x80 | digit(14), 0x80 | digit(7), digit(0)];
    tlv(0x30, &[tlv(6, &oid), tlv(4, content)].concat())
}

pub(crate) fn name(attributes: usize, text: &[u8]) -> Vec<u8> {
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
        (
            "64 attributes in a name of 2 KB",
            certificate(world, &name(64, &[b'x'; 18]), &[]),
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
        match (read.len(), broken.first()) {
            (0, None) => Err("none".to_owned()),
            (count, None) => Ok(format!("{count} certificates")),
            (count, Some(fault)) => Err(format!("{count} read, {} not: {fault}", broken.len())),
        }
    };
    let pem = world.ds.to_pem();
    let decoder = "Certificate::readable_from_pem";
    for ((input, text), (_, half)) in bundles(&pem, SIZE).iter().zip(bundles(&pem, SIZE / 2)) {
        run(Case::new(decoder, input, text.as_bytes(), &bundle).halved(half.as_bytes()));
    }
    // That many are read, whatever stands between them.
    let most = format!("{}{pem}", "# Utopia\n".repeat(450)).repeat(MOST_CERTIFICATES);
    let input = "as many certificates as are read, 4 KB of text before each";
    run(Case::new(decoder, input, most.as_bytes(), &bundle).decided());

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

    lists::cases(&world, run);
    keys::cases(run);
}

/// Texts of that size that are no bundles, or too many certificates.
fn bundles(pem: &str, size: usize) -> Vec<(&'static str, String)> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----\n";
    const END: &str = "-----END CERTIFICATE-----\n";
    vec![
        ("thousands of certificates", pem.repeat(size / pem.len())),
        ("beginnings without an end", BEGIN.repeat(size / BEGIN.len())),
        ("ends without a beginning", END.repeat(size / END.len())),
        (
            "empty blocks",
            format!("{BEGIN}{END}").repeat(size / (BEGIN.len() + END.len())),
        ),
        (
            "one block of 10 MB",
            format!("{BEGIN}{}\n{END}", "A".repeat(size)),
        ),
        ("ten million line ends", "\n".repeat(size)),
        ("ten million hyphens", "-".repeat(size)),
    ]
}
