//! Status lists of the seeded country: who signs them, and how documents refer to them.

use core::time::Duration;

use mdoc_core::crypto::Curve;
use mdoc_core::mso::{Status, StatusListReference};
use mdoc_core::seams::{Signer as _, SoftwareKey};
use mdoc_core::status::{Bits, Claims, Content, Evidence, StatusList};
use mdoc_core::x509::Certificate;
use mdoc_core::x509::build::{StatusListSigner, Validity};

use crate::world::{World, at};

/// Where the list of these tests is.
pub const URI: &str = "https://status.utopia.example/lists/1";
/// The entry of the document.
pub const INDEX: u64 = 412;

/// What an MSO says of it.
#[must_use]
pub fn reference() -> Status {
    Status {
        status_list: Some(StatusListReference {
            index: INDEX,
            uri: URI.to_owned(),
            certificate: None,
        }),
        ..Status::default()
    }
}

/// A list of which every entry is 0 but that of the document: made an hour ago, to be kept for two, good for a day.
///
/// # Panics
/// If an entry has not as many bits as the value.
#[must_use]
pub fn claims(world: &World, bits: Bits, value: u8) -> Claims {
    let mut list = StatusList::new(bits, 1000).unwrap();
    list.set(INDEX, value).unwrap();
    Claims {
        subject: URI.to_owned(),
        issued_at: world.now.minus(Duration::from_secs(3600)),
        not_before: None,
        expires: Some(world.now.plus(Duration::from_secs(24 * 3600))),
        ttl: Some(2 * 3600),
        content: Content::StatusList(list.deflate()),
    }
}

/// The signer of lists below the IACA.
///
/// # Panics
/// If the certificate cannot be made.
#[must_use]
pub fn signer(world: &World) -> (SoftwareKey, Certificate) {
    let key = world.key("status signer", Curve::P256);
    let terms = StatusListSigner {
        country: Some("UT".to_owned()),
        common_name: "Utopia Status Lists".to_owned(),
        organization: None,
        validity: Validity {
            from: at("2026-01-01T00:00:00Z"),
            until: at("2028-01-01T00:00:00Z"),
        },
        crl_uri: Some("https://utopia.example/crl".to_owned()),
    };
    let rng = &mut world.rng("status signer's certificate");
    let certificate = terms.build(key.public_key(), &world.iaca, &world.iaca_key, rng);
    (key, certificate.unwrap())
}

/// The list signed by who may.
///
/// # Panics
/// If the key does not sign.
#[must_use]
pub fn sign(world: &World, claims: &Claims) -> Vec<u8> {
    let (key, certificate) = signer(world);
    claims.sign_cwt(&key, &[certificate.der()]).unwrap()
}

/// The list as it was fetched just now.
#[must_use]
pub const fn fetched<'a>(world: &World, token: &'a [u8]) -> Evidence<'a> {
    Evidence {
        uri: URI,
        token,
        fetched: world.now,
    }
}
