//! Of the other messages, and of CBOR itself.

use integration::corpus::Kind;
use mdoc_core::cbor::{Item, embed};
use mdoc_core::cose::{Mac0, key};
use mdoc_core::crypto::{Curve, SecretKey};
use mdoc_core::device_request::{ReaderAuth, ReaderIdentity, encode_request};
use mdoc_core::engagement::{BleOptions, encode_ble, to_uri};

use super::vical;
use super::{documents, hex, issuer_signed};
use crate::fixtures::{LIMITS, backend, files, world};

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

pub(super) fn engagements() -> Vec<Vec<u8>> {
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
        let key = SecretKey::generate(curve, &mut world().rng("cose"));
        let public = key::encode(key.public_key());
        all.push(public.clone());
        // The same with its private half: one entry more, -4.
        let length = u8::try_from(key.dangerous_bytes().len()).unwrap();
        all.push(
            [
                &[public[0] + 1],
                &public[1..],
                &[0x23, 0x58, length],
                key.dangerous_bytes(),
            ]
            .concat(),
        );
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

pub(crate) fn inspect() -> Vec<Vec<u8>> {
    let mut all = files("", &[".cbor"]);
    all.extend(documents(&[Kind::DeviceResponse, Kind::IssuerSigned]));
    all.extend(device_request());
    all.extend(vical());
    all.extend(engagements());
    all.extend(cose());
    all
}
