//! Of documents and responses.

use integration::corpus::Kind;
use integration::world::World;
use mdoc_core::cbor::Item;
use mdoc_core::crypto::Curve;
use mdoc_core::device_response::DeviceResponse;
use mdoc_core::issuer_signed::IssuerSigned;

use super::documents;
use crate::fixtures::{LIMITS, files, world};

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
    let first = |bytes: &Vec<u8>| {
        let response = DeviceResponse::decode(bytes, &LIMITS).ok()?;
        Some(response.documents.first()?.raw().to_vec())
    };
    let alone: Vec<_> = all.iter().filter_map(first).collect();
    all.extend(alone);
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
