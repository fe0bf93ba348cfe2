//! Which certificates sign status lists and documents, and how one takes over from another (C3).

use std::sync::Arc;
use std::time::Duration;

use mdoc_core::crypto::{Curve, RustCrypto, SecretKey};
use mdoc_core::issuer_signed::IssuerSigned;
use mdoc_core::limits::Limits;
use mdoc_core::seams::{Signer, SoftwareKey};
use mdoc_core::time::Timestamp;
use mdoc_core::verify::{Form, Inputs, verify};
use mdoc_core::x509::path::TrustAnchor;
use mdoc_issuer::pki::{self, Authority};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::collecting::{begun, bound};
use super::world::{NOON, World, certified, everywhere};
use crate::making::{Signers, Workshop, make};
use crate::rota::Rota;
use crate::start::ending;
use crate::start::status::{StatusFault, judge};
use crate::usecase::collect::Begun;

const DAY: i64 = 86_400;

#[test]
fn a_certificate_that_may_not_sign_lists_starts_no_service() {
    let [ds, status] = certified(1).map(|made| made.certificate);
    let [other, _] = certified(2).map(|made| made.certificate);
    let at = |seconds: i64| Timestamp::from_unix(NOON + seconds);
    let documents = [other.clone(), ds.clone()];
    assert_eq!(judge(&status, &documents, at(0)), Ok(()));
    // Of another key of the authority, too: it has the same name.
    let foreign = judge(&status, &[other], at(0));
    assert!(
        matches!(foreign, Err(StatusFault::OtherAuthority(_))),
        "{foreign:?}"
    );
    let role = judge(&ds, &documents, at(0));
    assert!(
        matches!(role, Err(StatusFault::Profile(_) | StatusFault::Purpose(_))),
        "{role:?}"
    );
    let early = judge(&status, &documents, at(-2 * 86_400));
    assert_eq!(early, Err(StatusFault::NotYetValid(at(-86_400))));
    let late = judge(&status, &documents, at(10 * 366 * 86_400));
    assert_eq!(late, Err(StatusFault::Expired(status.not_after())));
}

/// A country with document signers that begin so many days after the world and last for so many; its root, and its signer of
/// status lists.
fn country(signers: &[(i64, u32)]) -> (TrustAnchor, Vec<pki::Made>, pki::Made) {
    let mut rng = ChaCha20Rng::seed_from_u64(4);
    let terms = |name: &str, from: i64, days: Option<u32>| pki::Terms {
        common_name: name.to_owned(),
        organization: None,
        from: Timestamp::from_unix(NOON + from * DAY),
        lifetime: days.map(|days| Duration::from_secs(86_400) * days),
        contacts: Vec::new(),
        crl_uri: None,
        curve: Curve::P256,
    };
    let iaca = pki::iaca("NL", None, &terms("Test IACA", -1, None), &mut rng).unwrap();
    let key = SoftwareKey::new(iaca.key).unwrap();
    let authority = Authority {
        certificate: &iaca.certificate,
        signer: &key,
    };
    let made = signers
        .iter()
        .map(|(from, days)| {
            let terms = terms(&format!("DS {from}"), *from, Some(*days));
            pki::document_signer(&terms, authority, &mut rng).unwrap()
        })
        .collect();
    let status = pki::status_list_signer(&terms("Status", -1, None), authority, &mut rng).unwrap();
    (TrustAnchor::new(iaca.certificate), made, status)
}

fn set(made: &[&pki::Made]) -> Signers {
    let mut signers = Signers::default();
    for one in made {
        let key: Arc<dyn Signer + Send + Sync> = Arc::new(SoftwareKey::new(one.key.clone()).unwrap());
        signers.add("ds".to_owned(), one.certificate.clone(), key);
    }
    signers
}

/// A document of Ada, signed by one of them.
async fn signed(world: &mut World, begun: &Begun, signers: &Signers) -> Vec<u8> {
    let order = world.gathered(begun, 1).await.unwrap();
    let mut rng = world.rng();
    let key = SecretKey::generate(Curve::P256, &mut rng).public_key().clone();
    let workshop = Workshop {
        terms: &world.terms,
        signers,
        lists: "https://id.example.org/status",
        backend: &RustCrypto,
    };
    let made = make(&order, &[(key, [7; 32])], world.now, workshop, &mut rng).unwrap();
    made.copies.into_iter().next().unwrap().document
}

/// Who signed it, as its certificate says; it holds at that instant.
fn signer_of(document: &[u8], anchor: &TrustAnchor, now: Timestamp) -> Vec<u8> {
    let anchors = [anchor.clone()];
    let report = verify(document, Form::IssuerSigned, &Inputs::new(&anchors, now));
    let failed: Vec<_> = report.documents()[0].failures().collect();
    assert!(failed.is_empty(), "{failed:?}");
    let decoded = IssuerSigned::decode(document, &Limits::DEFAULT).unwrap();
    decoded.issuer_auth().x5chain().unwrap().unwrap()[0].to_vec()
}

#[test]
fn a_second_signer_takes_over_and_nothing_is_interrupted() {
    everywhere(async |mut world| {
        let (anchor, made, status) = country(&[(-1, 80), (20, 90)]);
        let [old, new] = made.as_slice() else { panic!() };
        world.profile("licence", |s| s.copy_days = 30).await;
        let begun = begun(&mut world, &bound(1)).await;
        let rota = Rota::new(set(&[old]));
        let first = signed(&mut world, &begun, &rota.now()).await;
        assert_eq!(signer_of(&first, &anchor, world.now), old.certificate.der());
        // The next one is named ahead of its time; who is signing goes on with what was there.
        let meanwhile = rota.now();
        rota.set(set(&[old, new]));
        assert_eq!((meanwhile.len(), rota.now().len()), (1, 2));
        let second = signed(&mut world, &begun, &rota.now()).await;
        assert_eq!(signer_of(&second, &anchor, world.now), old.certificate.der());
        let later = |days: i64| Timestamp::from_unix(NOON + days * DAY);
        world.now = later(20);
        let third = signed(&mut world, &begun, &rota.now()).await;
        assert_eq!(signer_of(&third, &anchor, world.now), new.certificate.der());
        // What the old one signed holds to its end, and the lists are signed by who signed them.
        signer_of(&first, &anchor, later(29));
        let certificates = [old.certificate.clone(), new.certificate.clone()];
        for documents in [&certificates[..], &certificates[1..]] {
            assert_eq!(judge(&status.certificate, documents, later(29)), Ok(()));
        }
        // The old one may go, and signed nothing that it does not outlive.
        rota.set(set(&[new]));
        signed(&mut world, &begun, &rota.now()).await;
    });
}

#[test]
fn a_document_is_signed_by_the_newest_signer_that_outlives_it() {
    everywhere(async |mut world| {
        // The newest one is brief.
        let (anchor, made, _) = country(&[(-1, 90), (-1, 80), (0, 10)]);
        world.profile("licence", |s| s.copy_days = 30).await;
        let begun = begun(&mut world, &bound(1)).await;
        let all: Vec<&pki::Made> = made.iter().collect();
        let document = signed(&mut world, &begun, &set(&all)).await;
        let by = signer_of(&document, &anchor, world.now);
        assert_eq!(by, made[0].certificate.der());
    });
}

#[test]
fn whoever_has_no_successor_is_warned_of_a_month_ahead() {
    let (_, made, status) = country(&[(-1, 40), (-1, 90)]);
    let [soon, late] = made.as_slice() else { panic!() };
    let others = (&status.certificate, None);
    let named = |signers: &[&pki::Made], days: i64| {
        let now = Timestamp::from_unix(NOON + days * DAY);
        ending(&set(signers), others, now)
    };
    assert_eq!(named(&[soon], 0), []);
    let warned = [("ds".to_owned(), soon.certificate.not_after())];
    assert_eq!(named(&[soon], 10), warned);
    // Somebody else goes on.
    assert_eq!(named(&[soon, late], 10), []);
    assert_eq!(named(&[soon, late], 80).len(), 1);
    let metadata = (&status.certificate, Some(&soon.certificate));
    let now = Timestamp::from_unix(NOON + 10 * DAY);
    let named = ending(&set(&[late]), metadata, now);
    assert_eq!(named[0].0, "the signer of metadata");
}
