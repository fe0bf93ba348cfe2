//! Which certificates sign status lists.

use mdoc_core::crypto::Curve;
use mdoc_core::seams::SoftwareKey;
use mdoc_core::time::Timestamp;
use mdoc_core::x509::Certificate;
use mdoc_issuer::pki::{self, Authority, Terms};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::world::NOON;
use crate::start::status::{StatusFault, judge};

fn terms(name: &str) -> Terms {
    Terms {
        common_name: name.to_owned(),
        organization: None,
        from: Timestamp::from_unix(NOON - 86_400),
        lifetime: None,
        contacts: Vec::new(),
        crl_uri: None,
        curve: Curve::P256,
    }
}

/// A document signer and a signer of lists of one authority.
fn certified(seed: u64) -> [Certificate; 2] {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let iaca = pki::iaca("NL", None, &terms("Test IACA"), &mut rng).unwrap();
    let key = SoftwareKey::new(iaca.key).unwrap();
    let authority = Authority {
        certificate: &iaca.certificate,
        signer: &key,
    };
    let ds = pki::document_signer(&terms("Test DS"), authority, &mut rng).unwrap();
    let status = pki::status_list_signer(&terms("Test status"), authority, &mut rng).unwrap();
    [ds.certificate, status.certificate]
}

#[test]
fn a_certificate_that_may_not_sign_lists_starts_no_service() {
    let [ds, status] = certified(1);
    let [other, _] = certified(2);
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
