//! The cases: ours, and the floor of each.

use std::hint::black_box;

use getrandom::SysRng;
use mdoc_core::crypto::{AwsLc, AwsLcRandom, Backend, CryptoRng, RustCrypto};
use mdoc_core::issue::{CopyOf, Draft, ItemOrder};
use mdoc_core::seams::SoftwareKey;
use mdoc_core::verify::{ChainCache, Check, Form, Inputs, Outcome, verify};
use rand_core::UnwrapErr;

use crate::floor::{self, Primitives};
use crate::harness::Case;
use crate::world::{self, DOC_TYPE, World};

/// Name of the fast backend in names of cases.
pub const FAST: &str = "aws-lc-rs";
/// Name of the pure backend in names of cases.
pub const PURE: &str = "RustCrypto";

/// An issued licence and the response that shows it, with the floor's view of the data.
pub struct Data {
    /// An encoded `IssuerSigned`.
    pub licence: Vec<u8>,
    /// An encoded `DeviceResponse`.
    pub response: Vec<u8>,
    elements: Vec<floor::Element>,
}

impl Data {
    /// Of that world.
    #[must_use]
    pub fn of(world: &World) -> Self {
        let licence = world.licence();
        Self {
            response: world.response(&licence),
            elements: world.encoded_elements(),
            licence,
        }
    }
}

/// All cases of both backends.
///
/// # Panics
/// If what was issued does not verify: then there is nothing to measure.
#[must_use]
pub fn cases<'a>(world: &'a World, data: &'a Data) -> Vec<Case<'a>> {
    let mut cases = Vec::new();
    floors::<floor::AwsLc>(world, data, FAST, &mut cases);
    floors::<floor::Pure>(world, data, PURE, &mut cases);
    // Each with the source of randomness that its floor has.
    backend(world, data, &AwsLc, UnwrapErr(AwsLcRandom), FAST, &mut cases);
    backend(world, data, &RustCrypto, UnwrapErr(SysRng), PURE, &mut cases);
    cases.push(Case::new("floor: decode", || {
        let response = floor::response(black_box(&data.response)).unwrap();
        assert_eq!(response.items.len(), 25);
        black_box(&response);
    }));
    cases.push(Case::new("decode", || {
        assert_eq!(black_box(world::decoded(black_box(&data.response))), 25);
    }));
    cases
}

fn floors<'a, P: Primitives + 'a>(world: &'a World, data: &'a Data, name: &str, cases: &mut Vec<Case<'a>>)
where
    P::SigningKey: 'a,
    P::VerifyingKey: 'a,
{
    let issuer = || floor::Issuer::<P> {
        key: P::signing_key(
            world.ds_key.dangerous_bytes(),
            world.ds_key.public_key().as_bytes(),
        ),
        certificate: world.ds.der().to_vec(),
        from: world.validity.signed.to_string(),
        until: world.validity.valid_until.to_string(),
    };
    let device_key = &world.device_key.public_key().as_bytes()[1..];
    let (one, copies) = (issuer(), issuer());
    cases.push(Case::new(format!("floor: issue, {name}"), move || {
        black_box(floor::issue(&one, black_box(&data.elements), device_key));
    }));
    let template = floor::Template::new(&data.elements);
    cases.push(Case::new(format!("floor: copies, {name}"), move || {
        black_box(template.copy(&copies, black_box(device_key)));
    }));
    let root = || P::verifying_key(floor::point_of(world.iaca.der()).unwrap());
    let ds = P::verifying_key(floor::point_of(world.ds.der()).unwrap());
    let known = [
        ("floor: verify", None),
        ("floor: verify, chain cached", Some((world.ds.der().to_vec(), ds))),
    ];
    for (kind, known) in known {
        let verifier = floor::Verifier::<P> { root: root(), known };
        let transcript = world.transcript.raw();
        cases.push(Case::new(format!("{kind}, {name}"), move || {
            let verified = floor::verify(&verifier, black_box(&data.response), transcript);
            assert_eq!(verified, Ok(25));
        }));
    }
}

fn backend<'a>(
    world: &'a World,
    data: &'a Data,
    backend: &'a dyn Backend,
    rng: impl CryptoRng + Copy + 'a,
    name: &str,
    cases: &mut Vec<Case<'a>>,
) {
    let device_key = world.device_key.public_key();
    let ds_key = || SoftwareKey::with_backend(world.ds_key.clone(), backend).unwrap();
    let (key, mut own) = (ds_key(), rng);
    cases.push(Case::new(format!("issue, {name}"), move || {
        let draft = Draft::new(DOC_TYPE, black_box(&world.elements), device_key, world.validity);
        let unsigned = draft.salt(&mut own, backend).unwrap();
        black_box(unsigned.sign(&key, &[world.ds.der()]).unwrap());
    }));
    for (kind, order) in [
        ("copies", ItemOrder::Customary),
        ("copies, salt last", ItemOrder::SaltLast),
    ] {
        let (key, mut own) = (ds_key(), rng);
        let template = Draft::new(DOC_TYPE, &world.elements, device_key, world.validity)
            .template(order)
            .unwrap();
        cases.push(Case::new(format!("{kind}, {name}"), move || {
            let copy = CopyOf {
                device_key: black_box(device_key),
                validity: world.validity,
                status: None,
            };
            let unsigned = template.copy(&copy, &mut own, backend).unwrap();
            black_box(unsigned.sign(&key, &[world.ds.der()]).unwrap());
        }));
    }
    let inputs = move || Inputs {
        transcript: Some(&world.transcript),
        revocation_lists: &world.revocation_lists,
        backend,
        ..Inputs::new(&world.anchors, world.now)
    };
    let accepted = |inputs: &Inputs<'_>| {
        let report = verify(black_box(&data.response), Form::DeviceResponse, inputs);
        let steps = report.documents()[0].steps();
        assert!(report.accepted(), "{steps:?}");
        let revocation = steps.iter().find(|step| step.check == Check::DsRevocation);
        assert!(
            revocation.is_some_and(|step| matches!(step.outcome, Outcome::Passed)),
            "{steps:?}"
        );
    };
    cases.push(Case::new(format!("verify, {name}"), move || accepted(&inputs())));
    let cache = ChainCache::new(world.anchors.clone());
    cases.push(Case::new(format!("verify, chain cached, {name}"), move || {
        let inputs = Inputs {
            transcript: Some(&world.transcript),
            revocation_lists: &world.revocation_lists,
            backend,
            ..Inputs::cached(&cache, world.now)
        };
        accepted(&inputs);
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verifier<P: Primitives>(world: &World) -> floor::Verifier<P> {
        floor::Verifier {
            root: P::verifying_key(floor::point_of(world.iaca.der()).unwrap()),
            known: None,
        }
    }

    /// The floor is no straw man: what it issues is accepted with every check of ours.
    #[test]
    fn what_the_floor_issues_is_a_document() {
        fn check<P: Primitives>(world: &World) {
            let issuer = floor::Issuer::<P> {
                key: P::signing_key(
                    world.ds_key.dangerous_bytes(),
                    world.ds_key.public_key().as_bytes(),
                ),
                certificate: world.ds.der().to_vec(),
                from: world.validity.signed.to_string(),
                until: world.validity.valid_until.to_string(),
            };
            let elements = world.encoded_elements();
            let device_key = &world.device_key.public_key().as_bytes()[1..];
            let copy = floor::Template::new(&elements).copy(&issuer, device_key);
            for issued in [floor::issue(&issuer, &elements, device_key), copy] {
                let response = world.response(&issued);
                let inputs = Inputs {
                    transcript: Some(&world.transcript),
                    ..Inputs::new(&world.anchors, world.now)
                };
                let report = verify(&response, Form::DeviceResponse, &inputs);
                assert!(report.accepted(), "{:?}", report.documents()[0].steps());
                let transcript = world.transcript.raw();
                assert_eq!(
                    floor::verify(&verifier::<P>(world), &response, transcript),
                    Ok(25)
                );
            }
        }
        let world = World::new();
        check::<floor::AwsLc>(&world);
        check::<floor::Pure>(&world);
    }

    /// Nor does the floor leave out what makes verifying worth its name.
    #[test]
    fn the_floor_refuses_what_was_changed() {
        fn check<P: Primitives>(world: &World, data: &Data) {
            let transcript = world.transcript.raw();
            let refused = |bytes: &[u8], transcript: &[u8]| {
                floor::verify(&verifier::<P>(world), bytes, transcript).unwrap_err()
            };
            let changed = |what: &[u8]| {
                let mut bytes = data.response.clone();
                let at = bytes
                    .windows(what.len())
                    .position(|window| window == what)
                    .unwrap();
                bytes[at + what.len() - 1] ^= 1;
                bytes
            };
            assert_eq!(refused(&changed(b"Ada"), transcript), floor::Refused::Digest);
            assert_eq!(
                refused(&changed(b"Utopia Signer"), transcript),
                floor::Refused::Certificate
            );
            assert_eq!(
                refused(&changed(b"validUntil\xc0\x74"), transcript),
                floor::Refused::IssuerSignature
            );
            assert_eq!(refused(&data.response, &[0xf6]), floor::Refused::DeviceSignature);
        }
        let world = World::new();
        let data = Data::of(&world);
        check::<floor::AwsLc>(&world, &data);
        check::<floor::Pure>(&world, &data);
    }
}
