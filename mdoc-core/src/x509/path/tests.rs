use super::*;
use crate::crypto::{Curve, RustCrypto};
use crate::seams::{Signer, SoftwareKey};
use crate::x509::build::Draft;
use crate::x509::oid;
use crate::x509::profile::{Role, check};
use crate::x509::world::{Parts, World, at, document_signer, iaca_root, ids, kept, key, world};
use crate::x509::{KeyUsage, public_key_der};

fn now() -> Timestamp {
    at("2026-06-01T00:00:00Z")
}

fn anchors(certificates: &[&Certificate]) -> Vec<TrustAnchor> {
    certificates
        .iter()
        .map(|certificate| TrustAnchor::new((*certificate).clone()))
        .collect()
}

/// An authority between the root and what `key` will sign, with that path length.
fn between(
    w: &mut World,
    name: &str,
    under: (&Certificate, &SoftwareKey),
    path_len: Option<u8>,
) -> (Certificate, SoftwareKey) {
    let own = key(Curve::P256, &mut w.rng);
    let constraints = match path_len {
        Some(length) => vec![0x30, 6, 1, 1, 0xFF, 2, 1, length],
        None => vec![0x30, 3, 1, 1, 0xFF],
    };
    let mut parts = Parts::of(&w.iaca)
        .with(oid::BASIC_CONSTRAINTS, true, &constraints)
        .subject(&[(oid::COMMON_NAME, 0x0C, name)]);
    parts.issuer = under.0.subject_der().to_vec();
    parts.key = public_key_der(own.public_key());
    (parts.sign(under.1), own)
}

fn signed_by(w: &World, issuer: &Certificate, signer: &SoftwareKey) -> Certificate {
    let mut parts = Parts::of(&w.ds);
    parts.issuer = issuer.subject_der().to_vec();
    parts.sign(signer)
}

/// The root of the world without a path length.
fn open_root(w: &World) -> Certificate {
    Parts::of(&w.iaca)
        .with(oid::BASIC_CONSTRAINTS, true, &[0x30, 3, 1, 1, 0xFF])
        .sign(&w.iaca_key)
}

#[test]
fn a_signer_leads_to_its_root() {
    let w = world();
    let anchors = anchors(&[&w.reader_ca, &w.iaca]);
    let chain = [w.ds.clone()];
    assert_eq!(
        find(&chain, &anchors, now(), &RustCrypto),
        Path::Anchored {
            anchor: &anchors[1],
            intermediates: &[]
        }
    );
    let kept = kept("utopia-test"); // made by another program
    let (ds, iaca) = (kept[0].1.clone(), kept[1].1.clone());
    assert!(matches!(
        find(&[ds], &[TrustAnchor::new(iaca)], now(), &RustCrypto),
        Path::Anchored { .. }
    ));
}

#[test]
fn a_root_that_was_brought_along_counts_for_nothing() {
    let w = world();
    let chain = [w.ds.clone(), w.iaca.clone()];
    let broken = BrokenPath::NoAnchor {
        issuer: "CN=Utopia IACA,O=Utopia Motor Vehicles,ST=UT-NB,C=UT".into(),
    };
    assert_eq!(
        find(&chain, &anchors(&[&w.reader_ca]), now(), &RustCrypto),
        Path::Broken(broken.clone())
    );
    assert_eq!(find(&chain[..1], &[], now(), &RustCrypto), Path::Broken(broken));
    assert_eq!(
        find(&[], &[], now(), &RustCrypto),
        Path::Broken(BrokenPath::Empty)
    );
    assert_eq!(
        find(&vec![w.ds.clone(); LONGEST_CHAIN + 1], &[], now(), &RustCrypto),
        Path::Broken(BrokenPath::TooLong {
            certificates: LONGEST_CHAIN + 1
        })
    );
}

#[test]
fn every_root_of_the_name_is_tried() {
    let mut w = world();
    let other_key = key(Curve::P384, &mut w.rng);
    let other = iaca_root().build(&other_key, &mut w.rng).unwrap();
    assert_eq!(other.subject_der(), w.iaca.subject_der());
    let ds = Parts::of(&w.ds)
        .without(oid::AUTHORITY_KEY_IDENTIFIER)
        .sign(&w.iaca_key);
    let both = anchors(&[&other, &w.iaca]);
    for chain in [[ds], [w.ds.clone()]] {
        assert!(matches!(
            find(&chain, &both, now(), &RustCrypto),
            Path::Anchored { anchor, .. } if anchor.certificate == w.iaca
        ));
    }
    assert_eq!(
        find(&[w.ds.clone()], &anchors(&[&other]), now(), &RustCrypto),
        Path::Broken(BrokenPath::BadSignature {
            issuer: other.subject().to_string(),
            anchors: 1
        })
    );
}

#[test]
fn of_many_anchors_with_one_name_so_many_are_tried() {
    let mut w = world();
    let other_key = key(Curve::P256, &mut w.rng);
    let other = iaca_root().build(&other_key, &mut w.rng).unwrap();
    let issuer = other.subject().to_string();
    let broken = |chain: &[Certificate], count: usize| {
        let anchors = anchors(&vec![&other; count]);
        match find(chain, &anchors, now(), &RustCrypto) {
            Path::Broken(broken) => broken,
            path => panic!("{path:?}"),
        }
    };
    let chain = [w.ds.clone()];
    let tried = BrokenPath::BadSignature {
        issuer: issuer.clone(),
        anchors: MOST_TRIED,
    };
    assert_eq!(broken(&chain, MOST_TRIED), tried);
    let all = BrokenPath::BadSignature {
        issuer: issuer.clone(),
        anchors: ALWAYS_TRIED + MOST_TRIED,
    };
    assert_eq!(broken(&chain, ALWAYS_TRIED + MOST_TRIED), all);
    let too_many = BrokenPath::TooManyAnchors { issuer };
    assert_eq!(broken(&chain, ALWAYS_TRIED + MOST_TRIED + 1), too_many);
    // The one with the key that the certificate points to is the first.
    let mut all = vec![&other; ALWAYS_TRIED + MOST_TRIED + 1];
    all.push(&w.iaca);
    assert!(matches!(
        find(&chain, &anchors(&all), now(), &RustCrypto),
        Path::Anchored { anchor, .. } if anchor.certificate == w.iaca
    ));
    // Namesakes of an authority in between do not keep anybody from the root above it.
    let root = open_root(&w);
    let root_key = SoftwareKey::new(w.iaca_key.secret().clone()).unwrap();
    let (lower, lower_key) = between(&mut w, "lower", (&root, &root_key), None);
    let (stranger, _) = between(&mut w, "lower", (&root, &root_key), None);
    let mut all = vec![&stranger; ALWAYS_TRIED + MOST_TRIED + 1];
    all.push(&root);
    let chain = [signed_by(&w, &lower, &lower_key), lower];
    assert!(matches!(
        find(&chain, &anchors(&all), now(), &RustCrypto),
        Path::Anchored { anchor, .. } if anchor.certificate == root
    ));
}

#[test]
fn of_a_renewed_root_the_valid_one_is_found() {
    let w = world();
    let mut old = Parts::of(&w.iaca);
    old.not_after = crate::x509::der::time(at("2026-05-01T00:00:00Z"));
    let old = old.sign(&w.iaca_key);
    let both = anchors(&[&old, &w.iaca]);
    let found = |now| match find(std::slice::from_ref(&w.ds), &both, now, &RustCrypto) {
        Path::Anchored { anchor, .. } => anchor.certificate.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(found(now()), w.iaca);
    assert_eq!(found(at("2026-04-01T00:00:00Z")), old);
}

#[test]
fn names_are_compared_octet_by_octet() {
    let w = world();
    let mut parts = Parts::of(&w.ds);
    let mut reordered = w.iaca.subject_der().to_vec();
    let country = reordered[2..15].to_vec(); // SET { SEQUENCE { C, "UT" } }
    assert_eq!(&country[11..], b"UT");
    reordered.drain(2..15);
    reordered.extend(country);
    parts.issuer = reordered;
    let ds = parts.sign(&w.iaca_key);
    assert_eq!(ds.issuer().country().as_deref(), Some("UT"));
    assert!(matches!(
        find(&[ds], &anchors(&[&w.iaca]), now(), &RustCrypto),
        Path::Broken(BrokenPath::NoAnchor { .. })
    ));
}

#[test]
fn a_pinned_signer_is_told_apart_from_a_self_signed_one() {
    let mut w = world();
    let pinned = anchors(&[&w.ds]);
    let chain = [w.ds.clone()];
    assert_eq!(
        find(&chain, &pinned, now(), &RustCrypto),
        Path::Pinned { anchor: &pinned[0] }
    );
    // With the root beside it, as in a folder that holds both, the path to the root counts.
    let both = anchors(&[&w.ds, &w.iaca]);
    assert!(matches!(
        find(&chain, &both, now(), &RustCrypto),
        Path::Anchored { anchor, .. } if anchor.certificate == w.iaca
    ));
    // Self-signed: its own root, so that it has to be one.
    let mut own = Draft {
        issuer: w.ds.subject_der().to_vec(),
        subject: w.ds.subject_der().to_vec(),
        validity: document_signer().validity,
        extensions: vec![],
    }
    .sign(w.ds_key.public_key(), &w.ds_key, &mut w.rng)
    .unwrap();
    own = Parts::of(&own)
        .with(oid::KEY_USAGE, true, &KeyUsage::DIGITAL_SIGNATURE.to_der())
        .sign(&w.ds_key);
    let configured = anchors(&[&own]);
    let chain = [own.clone()];
    assert!(matches!(
        find(&chain, &configured, now(), &RustCrypto),
        Path::Anchored { anchor, .. } if anchor.certificate == own
    ));
    let findings = ids(&check(Role::IacaRoot, &own, None));
    assert!(findings.contains(&"iaca.basic-constraints"));
    assert!(findings.contains(&"iaca.key-usage"));
}

#[test]
fn intermediates_are_taken_only_if_everything_above_permits_them() {
    let mut w = world();
    let root = open_root(&w);
    let root_key = SoftwareKey::new(w.iaca_key.secret().clone()).unwrap();
    let (upper, upper_key) = between(&mut w, "upper", (&root, &root_key), Some(1));
    let (lower, lower_key) = between(&mut w, "lower", (&upper, &upper_key), Some(0));
    let ds = signed_by(&w, &lower, &lower_key);
    let open = anchors(&[&root]);
    let closed = anchors(&[&w.iaca]);
    let chain = [ds.clone(), lower.clone(), upper.clone()];
    assert_eq!(
        find(&chain, &open, now(), &RustCrypto),
        Path::Anchored {
            anchor: &open[0],
            intermediates: &chain[1..]
        }
    );
    assert_eq!(
        find(&chain, &closed, now(), &RustCrypto),
        Path::Broken(BrokenPath::PathLength {
            subject: root.subject().to_string(),
            below: 2
        })
    );
    // A chain may go on beyond the anchor.
    assert!(matches!(
        find(&chain, &anchors(&[&upper]), now(), &RustCrypto),
        Path::Anchored { intermediates: [only], .. } if *only == lower
    ));
    assert!(matches!(
        find(&[ds, upper.clone()], &open, now(), &RustCrypto),
        Path::Broken(BrokenPath::NoAnchor { issuer }) if issuer == "CN=lower"
    ));
    let (short, short_key) = between(&mut w, "short", (&root, &root_key), Some(0));
    let (last, last_key) = between(&mut w, "last", (&short, &short_key), None);
    let ds = signed_by(&w, &last, &last_key);
    assert_eq!(
        find(&[ds, last, short], &open, now(), &RustCrypto),
        Path::Broken(BrokenPath::PathLength {
            subject: "CN=short".into(),
            below: 1
        })
    );
}

#[test]
fn an_intermediate_is_a_valid_authority_itself() {
    let mut w = world();
    let root = open_root(&w);
    let root_key = SoftwareKey::new(w.iaca_key.secret().clone()).unwrap();
    let open = anchors(&[&root]);
    let (middle, middle_key) = between(&mut w, "middle", (&root, &root_key), Some(0));
    let ds = signed_by(&w, &middle, &middle_key);
    let subject = || "CN=middle".to_owned();
    let with = |middle: Certificate| match find(&[ds.clone(), middle], &open, now(), &RustCrypto) {
        Path::Broken(broken) => broken,
        other => panic!("{other:?}"),
    };
    let parts = || Parts::of(&middle);
    let not_ca = BrokenPath::IntermediateNotCa { subject: subject() };
    assert_eq!(
        with(parts().without(oid::BASIC_CONSTRAINTS).sign(&root_key)),
        not_ca
    );
    assert_eq!(
        with(
            parts()
                .with(oid::BASIC_CONSTRAINTS, true, &[0x30, 0])
                .sign(&root_key)
        ),
        not_ca
    );
    let usage = KeyUsage::CRL_SIGN.to_der();
    assert_eq!(
        with(parts().with(oid::KEY_USAGE, true, &usage).sign(&root_key)),
        not_ca
    );
    let mut twice = parts();
    let again = twice.extensions[0].clone();
    twice.extensions.push(again);
    assert_eq!(with(twice.sign(&root_key)), not_ca);
    let mut late = parts();
    late.not_before = crate::x509::der::time(at("2026-06-01T00:00:01Z"));
    assert!(matches!(
        with(late.sign(&root_key)),
        BrokenPath::IntermediateNotValid { .. }
    ));
    assert_eq!(
        with(
            parts()
                .with(oid::NAME_CONSTRAINTS, true, &[0x30, 0])
                .sign(&root_key)
        ),
        BrokenPath::IntermediateCritical {
            subject: subject(),
            extension: "2.5.29.30".into()
        }
    );
    let mut other = parts();
    other.key = w.iaca.public_key_info_der().to_vec();
    assert_eq!(
        with(other.sign(&root_key)),
        BrokenPath::IntermediateSignature { subject: subject() }
    );
    // The document signer of the same root is no authority, whatever the names say.
    let forged = signed_by(&w, &w.ds, &w.ds_key);
    assert!(matches!(
        find(&[forged, w.ds.clone()], &open, now(), &RustCrypto),
        Path::Broken(BrokenPath::IntermediateNotCa { .. })
    ));
}

#[test]
fn anchors_may_be_limited_to_kinds_of_document() {
    let mut anchor = TrustAnchor::new(world().iaca);
    assert!(anchor.permits("org.iso.18013.5.1.mDL"));
    anchor.doc_types = Some(vec!["org.iso.7367.1.mVRC".into()]);
    assert!(!anchor.permits("org.iso.18013.5.1.mDL"));
    assert!(anchor.permits("org.iso.7367.1.mVRC"));
}

#[test]
fn of_anchors_with_one_key_the_one_for_the_documents_is_found() {
    let w = world();
    let mut old = Parts::of(&w.iaca);
    old.not_after = crate::x509::der::time(at("2026-07-01T00:00:00Z"));
    let old = old.sign(&w.iaca_key);
    let limited = |certificate: &Certificate, doc_type: &str| TrustAnchor {
        certificate: certificate.clone(),
        doc_types: Some(vec![doc_type.to_owned()]),
    };
    // A list has the old root for licences and the renewed one, of the same key, for another document.
    let both = [limited(&w.iaca, "other"), limited(&old, "licence")];
    let chain = [w.ds.clone()];
    for (doc_type, expected) in [("licence", &old), ("other", &w.iaca), ("neither", &w.iaca)] {
        match find_for(Some(doc_type), &chain, &both, now(), &RustCrypto) {
            Path::Anchored { anchor, .. } => assert_eq!(&anchor.certificate, expected, "{doc_type}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn an_anchor_that_is_given_twice_is_trusted_for_everything_it_was_given_for() {
    let w = world();
    let anchor = |doc_types: Option<&[&str]>| TrustAnchor {
        certificate: w.iaca.clone(),
        doc_types: doc_types.map(|all| all.iter().map(|one| (*one).to_owned()).collect()),
    };
    let together = merged([anchor(Some(&["a"])), anchor(Some(&["a", "b"]))]);
    assert_eq!(together, [anchor(Some(&["a", "b"]))]);
    for both in [
        [anchor(None), anchor(Some(&["a"]))],
        [anchor(Some(&["a"])), anchor(None)],
    ] {
        assert_eq!(merged(both), [anchor(None)]);
    }
    let reader = TrustAnchor::new(w.reader_ca.clone());
    assert_eq!(
        merged([reader.clone(), anchor(None), reader.clone()]),
        [reader, anchor(None)]
    );
}

#[test]
fn anchors_of_very_many_documents_are_merged_at_once_and_in_order() {
    let w = world();
    let anchor = |doc_types: core::ops::Range<u32>| TrustAnchor {
        certificate: w.iaca.clone(),
        doc_types: Some(doc_types.map(|number| number.to_string()).collect()),
    };
    let together = merged([anchor(0..100_000), anchor(50_000..150_000), anchor(0..100_000)]);
    assert!(together == [anchor(0..150_000)], "{} anchors", together.len());
}

#[test]
fn a_chain_that_no_anchor_signed_has_nobody_verify_with_the_keys_it_brings() {
    let mut w = world();
    let root = open_root(&w);
    let open = anchors(&[&root]);
    let stranger = key(Curve::BrainpoolP384r1, &mut w.rng);
    let verified = Cell::new(0);
    let count = |certificate: &Certificate, issuer: &Certificate| {
        verified.set(verified.get() + 1);
        signed(certificate, issuer, &RustCrypto)
    };
    let chain_under = |w: &mut World, top: &str, above: &Certificate| {
        let mut chain = vec![between(w, top, (above, &stranger), None)];
        while chain.len() < LONGEST_CHAIN - 1 {
            let (certificate, key) = &chain[chain.len() - 1];
            let next = between(w, &format!("CA {}", chain.len()), (certificate, key), None);
            chain.push(next);
        }
        let (last, last_key) = &chain[chain.len() - 1];
        let mut all = vec![signed_by(w, last, last_key)];
        all.extend(chain.into_iter().rev().map(|(certificate, _)| certificate));
        all
    };
    let nobody = w.reader_ca.clone();
    let unknown = chain_under(&mut w, "top", &nobody);
    assert_eq!(unknown.len(), LONGEST_CHAIN);
    let find = |chain: &[Certificate]| match find_with(None, chain, &open, now(), &count) {
        Path::Broken(broken) => broken,
        path => panic!("{path:?}"),
    };
    assert!(matches!(find(&unknown), BrokenPath::NoAnchor { .. }));
    assert_eq!(verified.take(), 0);
    // One that bears the name of an anchor is verified with the key of the anchor, and no other.
    let named = chain_under(&mut w, "top", &root);
    assert!(matches!(
        find(&named),
        BrokenPath::BadSignature { anchors: 1, .. }
    ));
    assert_eq!(verified.take(), 1);
}
