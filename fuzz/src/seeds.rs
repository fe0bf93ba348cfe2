//! Inputs to begin with: the vectors, the negative corpus, and what the toolkit makes itself.

use std::path::Path;

use integration::corpus::Kind;
use integration::vectors;
use integration::world::{World, at};
use mdoc_core::cbor::{Item, embed};
use mdoc_core::cose::{Mac0, key};
use mdoc_core::crypto::{Curve, SecretKey};
use mdoc_core::device_request::{ReaderAuth, ReaderIdentity, encode_request};
use mdoc_core::engagement::{BleOptions, encode_ble, to_uri};
use mdoc_core::issuer_signed::IssuerSigned;
use mdoc_core::keys::{self, Kdf};
use mdoc_core::seams::Signer as _;
use mdoc_core::time::FullDate;
use mdoc_core::vical::build::{Draft, Entry};
use mdoc_core::x509::csr::RequestTerms;
use mdoc_core::x509::ocsp::{CertificateId, IdHash, OcspRequest, Responder, respond};
use mdoc_core::x509::profile::Role;
use mdoc_core::x509::{Certificate, GeneralName};
use mdoc_issuer::format::{Catalogue, sample};
use mdoc_issuer::photo::{ImageKind, Wanted, prepare};

use crate::fixtures::{LIMITS, backend, cases, files, lists, world};

fn documents(kinds: &[Kind]) -> Vec<Vec<u8>> {
    let cases = cases().iter().filter(|(_, case)| kinds.contains(&case.kind));
    cases.map(|(_, case)| case.document.clone()).collect()
}

fn pem_files(folder: &str) -> Vec<String> {
    let files = files(folder, &[".pem"]).into_iter();
    files.map(|pem| String::from_utf8(pem).unwrap()).collect()
}

fn certificates_of(folder: &str) -> Vec<Certificate> {
    let texts = pem_files(folder);
    texts
        .iter()
        .flat_map(|text| Certificate::readable_from_pem(text).0)
        .collect()
}

/// Every response of the vectors, and some that this world makes.
pub(crate) fn every_response() -> Vec<Vec<u8>> {
    let world = world();
    let licence = world.issue().sign();
    let small = world.issue().only(&["family_name", "age_over_18"]).sign();
    let mut all = vec![
        world.present(&small).response(),
        world.present(&small).mac().response(),
        world.present(&licence).response(),
    ];
    all.extend(documents(&[Kind::DeviceResponse]));
    all.extend(files("real", &[".cbor"]));
    all.extend(files("tampered", &[".cbor"]));
    all.extend(files("annex-d", &["device_response.cbor"]));
    all
}

pub(crate) fn device_response() -> Vec<Vec<u8>> {
    every_response()
}

pub(crate) fn verify_response() -> Vec<Vec<u8>> {
    let mut all = every_response();
    all.extend(documents(&[Kind::IssuerSigned]));
    all.push(world().issue().only(&["family_name"]).sign());
    all
}

pub(crate) fn issuer_signed() -> Vec<Vec<u8>> {
    let mut all = documents(&[Kind::IssuerSigned]);
    all.extend(files("annex-d", &["issuer_signed.cbor"]));
    all.extend(files("real", &["waltid-photoid.cbor", "bdr-mdl.cbor"]));
    for curve in [Curve::P256, Curve::P521, Curve::Ed25519] {
        all.push(
            World::on(1, curve, Curve::P256)
                .issue()
                .only(&["given_name"])
                .sign(),
        );
    }
    all
}

pub(crate) fn mso() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for bytes in issuer_signed() {
        let Ok(document) = IssuerSigned::decode(&bytes, &LIMITS) else {
            continue;
        };
        let Some(payload) = document.issuer_auth().payload() else {
            continue;
        };
        all.push(payload.to_vec());
        if let Ok(item) = Item::parse(payload, &LIMITS)
            && let Some(inner) = item.tagged().and_then(|(_, inner)| inner.bytes())
        {
            all.push(inner.into_owned());
        }
    }
    all
}

pub(crate) fn device_request() -> Vec<Vec<u8>> {
    let world = world();
    let question = world.ask(&["family_name", "portrait", "age_over_21"]);
    let questions = [question.clone(), question];
    let x5chain = [world.reader.der()];
    let reader = ReaderIdentity {
        signer: &world.reader_key,
        x5chain: &x5chain,
    };
    let whole = ReaderAuth::WholeRequest(reader, &world.transcript);
    let mut all = files("requests", &["request.cbor"]);
    all.extend(files("annex-d", &["device_request.cbor"]));
    all.extend(files("second-edition", &[".cbor"]));
    all.extend([
        world.request(&questions),
        encode_request(&questions[..1], &ReaderAuth::None).unwrap(),
        encode_request(&questions, &whole).unwrap(),
    ]);
    all
}

pub(crate) fn transcript() -> Vec<Vec<u8>> {
    let mut all = files("", &["transcript.cbor"]);
    let own = world().transcript.raw().to_vec();
    all.extend([embed(&own), own]);
    all
}

fn engagements() -> Vec<Vec<u8>> {
    let mut all = files("annex-d", &["device_engagement.cbor"]);
    for curve in Curve::ALL {
        let key = SecretKey::generate(curve, &mut world().rng("engagement"));
        let options = BleOptions {
            peripheral_server_uuid: Some([1; 16]),
            central_client_uuid: (curve == Curve::P384).then_some([2; 16]),
            peripheral_address: Some([3; 6]),
            peripheral_psm: Some(192),
        };
        all.push(encode_ble(key.public_key(), &options));
    }
    // {0: "1.1", 1: [...], 5: [{...}], 6: {...}} beside a method over NFC and one that nobody knows
    let mut modern = b"\xa5\x00\x631.1\x01\x82\x01".to_vec();
    modern.extend(embed(&key::encode(world().e_reader_key.public_key())));
    modern.extend(b"\x02\x82\x83\x01\x01\xa2\x00\x18\xff\x01\x19\x01\x00\x83\x09\x01\xa0");
    modern.extend(b"\x05\x81\xa3\x63cat\x01\x64type\x01\x67details\xa1\x66domain\x61a");
    modern.extend(b"\x06\xa5\x00\xf5\x01\x81\x01\x02\xf5\x03\xf5\x04\xf5");
    all.push(modern);
    all
}

pub(crate) fn engagement() -> Vec<Vec<u8>> {
    engagements()
}

pub(crate) fn engagement_uri() -> Vec<Vec<u8>> {
    let all = engagements();
    let uris = all.iter().map(|bytes| to_uri(bytes));
    let mut uris: Vec<_> = uris.map(String::into_bytes).collect();
    uris.push(b"MDOC://oA ==".to_vec());
    uris
}

pub(crate) fn cose() -> Vec<Vec<u8>> {
    let mut all = files("annex-d", &["auth.cbor"]);
    for curve in Curve::ALL {
        all.push(key::encode(world().key("cose", curve).public_key()));
    }
    let mut mac = Vec::new();
    Mac0::write(&mut mac, &[7; 32], b"never authenticated either", backend());
    all.push(mac);
    for bytes in issuer_signed() {
        if let Ok(item) = Item::parse(&bytes, &LIMITS)
            && let Some(auth) = item.get("issuerAuth")
        {
            all.push(auth.raw().to_vec());
        }
    }
    all
}

pub(crate) fn cbor_differential() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = [
        "00",
        "1818",
        "1903e8",
        "1bffffffffffffffff",
        "20",
        "3903e7",
        "3bffffffffffffffff",
        "c249010000000000000000",
        "c349010000000000000000",
        "f90000",
        "fa47c35000",
        "fb3ff199999999999a",
        "f97e00",
        "f4",
        "f5",
        "f6",
        "f7",
        "f0",
        "f8ff",
        "f818",
        "c074323031332d30332d32315432303a30343a30305a",
        "d818456449455446",
        "40",
        "4401020304",
        "60",
        "62225c",
        "62c3bc",
        "80",
        "8301820203820405",
        "a0",
        "a201020304",
        "a26161016162820203",
        "5f42010243030405ff",
        "7f657374726561646d696e67ff",
        "9fff",
        "9f018202039f0405ffff",
        "bf61610161629f0203ffff",
        "1800",
        "190000",
        "bf0102ff",
        "a2016100180101",
        "7f61c361bcff",
        "fc",
        "1c",
        "ff",
        "5f00ff",
        "9f",
        "818181",
        "d9d9f780",
    ]
    .iter()
    .map(|text| hex(text))
    .collect();
    all.extend(engagements());
    all
}

fn hex(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks(2);
    let pair = |pair: &[u8]| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap();
    pairs.map(pair).collect()
}

pub(crate) fn inspect() -> Vec<Vec<u8>> {
    let mut all = files("", &[".cbor"]);
    all.extend(documents(&[Kind::DeviceResponse, Kind::IssuerSigned]));
    all.extend(device_request());
    all.extend(vical());
    all.extend(engagements());
    all.extend(cose());
    all
}

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

pub(crate) fn private_key() -> Vec<Vec<u8>> {
    let mut all = files("keys", &[".pem"]);
    all.extend(files("annex-d", &[".jwk.json"]));
    for curve in Curve::ALL {
        let pem = keys::secret_to_pem(world().key("file", curve).secret()).to_string();
        let body: String = pem.lines().filter(|line| !line.starts_with("--")).collect();
        all.push(<base64ct::Base64 as base64ct::Encoding>::decode_vec(&body).unwrap());
        all.push(keys::public_to_jwk(world().key("file", curve).public_key()).into_bytes());
    }
    all
}

pub(crate) fn encrypted_key() -> Vec<Vec<u8>> {
    // Those that cost nothing to open are in the kept corpus.
    let mut all = kept("encrypted_key");
    for kdf in [Kdf::Scrypt, Kdf::Pbkdf2] {
        let key = world().key("file", Curve::P256);
        let pem = keys::secret_to_encrypted_pem(key.secret(), b"fuzz", kdf, &mut world().rng("kdf")).unwrap();
        let body: String = pem.lines().filter(|line| !line.starts_with("--")).collect();
        all.push(<base64ct::Base64 as base64ct::Encoding>::decode_vec(&body).unwrap());
    }
    all
}

pub(crate) fn pkcs11_uri() -> Vec<Vec<u8>> {
    [
        "pkcs11:token=My%20Token;object=ds;type=private;id=%01%a2?module-path=/usr/lib/m.so&pin-source=file:/pin",
        "pkcs11:slot-id=7;library-version=2.40;serial=1?module-name=softhsm2&pin-value=123456",
        "PKCS11:manufacturer=a;model=b;slot-description=c;slot-manufacturer=d;library-description=e;x-v=1",
        "pkcs11:?",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into()
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

pub(crate) fn request_toml() -> Vec<Vec<u8>> {
    let text = "[[document]]\ndocType = \"org.iso.18013.5.1.mDL\"\n\n[document.elements.\"org.iso.18013.5.1\"]\n\
                family_name = false\nportrait = true\n";
    vec![
        text.as_bytes().to_vec(),
        format!("# two\n{text}{text}").into_bytes(),
    ]
}

fn formats_folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../document-formats")
}

fn formats(folder: &str, ending: &str) -> Vec<Vec<u8>> {
    let folder = vectors::folder().join(formats_folder().join(folder));
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    let wanted = paths
        .iter()
        .filter(|path| path.extension().is_some_and(|found| found == ending));
    wanted.map(|path| std::fs::read(path).unwrap()).collect()
}

pub(crate) fn format_xml() -> Vec<Vec<u8>> {
    let mut all = formats("", "xml");
    // Whole formats are longer than what is fuzzed: their beginnings, closed again.
    for format in formats("", "xml") {
        let text = String::from_utf8(format).unwrap();
        for keep in [1500, 3000] {
            let cut = text
                .char_indices()
                .map(|(at, _)| at)
                .take_while(|at| *at < keep)
                .last()
                .unwrap_or(0);
            let end = text[..cut].rfind("/>").map_or(0, |at| at + 2);
            all.push(format!("{}\n</namespace></document-format>", &text[..end]).into_bytes());
        }
    }
    all.extend(formats("samples/faulty", "xml"));
    all
}

pub(crate) fn badge_layout() -> Vec<Vec<u8>> {
    formats("layouts", "xml")
}

fn people() -> Vec<serde_json::Value> {
    let catalogue = Catalogue::shipped();
    let format = catalogue.format("iso-18013-5-mdl").unwrap();
    let today = FullDate::from_ymd(2026, 6, 1).unwrap();
    let mut person = sample::sample(format, "DE", today).unwrap();
    let small =
        serde_json::json!({"family_name": "A", "birth_date": "1990-02-29", "driving_privileges": [{}]});
    person.as_object_mut().unwrap().remove("portrait");
    vec![person, small]
}

pub(crate) fn person() -> Vec<Vec<u8>> {
    let mut all: Vec<_> = people().iter().map(|one| one.to_string().into_bytes()).collect();
    all.extend(formats("samples", "json"));
    all
}

pub(crate) fn batch_json() -> Vec<Vec<u8>> {
    let people = people();
    let lines: Vec<_> = people.iter().map(ToString::to_string).collect();
    vec![
        lines.join("\n").into_bytes(),
        b"{\"device_key\":\"\"}\n\n[]\n".to_vec(),
    ]
}

pub(crate) fn batch_csv() -> Vec<Vec<u8>> {
    [
        "document_number,family_name,given_name,birth_date,driving_privileges\n1,A,\"B \"\"C\"\"\",1990-01-02,\"[]\"\n2,D\n",
        ";document_number;family_name;device_key\n1;A;x\n",
        "family_name,family_name,nothing\n1,2,3\n",
        "\u{feff}given_name\r\nÅsa\r\n",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into()
}

fn portrait() -> Vec<u8> {
    std::fs::read(formats_folder().join("samples/portrait.jpg")).unwrap()
}

/// Samples of the tests of pictures.
fn samples(ending: &str) -> Vec<Vec<u8>> {
    formats("../issuer/src/photo/samples", ending)
}

pub(crate) fn picture_jpeg() -> Vec<Vec<u8>> {
    let mut all = samples("jpg");
    all.push(integration::world::SMALL_JPEG.to_vec());
    for pixels in [64, 400, 1600] {
        let wanted = Wanted {
            max_pixels: pixels,
            aim_bytes: 900,
            ..Wanted::new(&[ImageKind::Jpeg], 1 << 20)
        };
        if let Ok(prepared) = prepare(&portrait(), &wanted) {
            all.push(prepared.bytes);
        }
    }
    all
}

pub(crate) fn picture_png() -> Vec<Vec<u8>> {
    let mut all = samples("png");
    // Eight pixels by eight: grey, palette, colour with transparency and in rows that are interlaced.
    for (kind, depth, interlace) in [
        (0_u8, 8_u8, 0_u8),
        (0, 1, 1),
        (2, 8, 0),
        (3, 4, 0),
        (4, 8, 1),
        (6, 16, 0),
    ] {
        all.push(png(kind, depth, interlace));
    }
    all
}

/// A PNG with stored blocks alone, so that a change in its pixels is one in its bytes.
fn png(kind: u8, depth: u8, interlace: u8) -> Vec<u8> {
    let channels = [1, 0, 3, 1, 2, 0, 4][usize::from(kind)];
    let row = 1 + (8 * channels * usize::from(depth)).div_ceil(8);
    let raw = vec![0_u8; row * 16];
    let mut body = vec![0x78, 1, 1];
    let len = u16::try_from(raw.len()).unwrap();
    body.extend(len.to_le_bytes());
    body.extend((!len).to_le_bytes());
    body.extend(&raw);
    body.extend([0, 0, 0, 1]);
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut chunk = |name: &[u8; 4], content: &[u8]| {
        out.extend(u32::try_from(content.len()).unwrap().to_be_bytes());
        let start = out.len();
        out.extend(name);
        out.extend(content);
        let sum = crc(&out[start..]);
        out.extend(sum.to_be_bytes());
    };
    chunk(b"IHDR", &[0, 0, 0, 8, 0, 0, 0, 8, depth, kind, 0, 0, interlace]);
    if kind == 3 {
        chunk(b"PLTE", &[0; 48]);
    }
    chunk(b"IDAT", &body);
    chunk(b"IEND", &[]);
    out
}

fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32| {
        if crc & 1 == 1 {
            0xedb8_8320 ^ crc >> 1
        } else {
            crc >> 1
        }
    };
    let byte = |crc: u32, byte: &u8| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc));
    !bytes.iter().fold(u32::MAX, byte)
}

pub(crate) fn picture_jpeg2000() -> Vec<Vec<u8>> {
    let mut all = samples("jp2");
    for stream in [
        // SOC, SIZ of one component of 8 by 8, COD, QCD, an empty tile, EOC.
        "ff4fff51002900000000000800000008000000000000000000000008000000080000000000000000000107 0101",
        "ff52000c00000001000104040001 ff5c00042040 ff90000a0000000000000001 ff93ffd9",
    ] {
        all.push(hex(&stream.replace(' ', "")));
    }
    all.push(all[all.len() - 2..].concat());
    all
}

fn kept(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    entries
        .map(|entry| std::fs::read(entry.unwrap().path()).unwrap())
        .collect()
}

pub(crate) fn resigned_issued() -> Vec<Vec<u8>> {
    crate::resigned::seeds()
}

pub(crate) fn resigned_response() -> Vec<Vec<u8>> {
    crate::resigned::seeds()
}
