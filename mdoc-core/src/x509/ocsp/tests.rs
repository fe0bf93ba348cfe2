use super::*;
use crate::crypto::Curve;
use crate::seams::{Signer as _, SoftwareKey};
use crate::time::Timestamp;
use crate::x509::build::{ListTerms, OcspResponder, ResponderRevocation, RevokedSerial, Validity, build_crl};
use crate::x509::revocation::RevocationList;
use crate::x509::world::{Parts, World, at, key, world};

struct Town {
    w: World,
    responder: Certificate,
    responder_key: SoftwareKey,
    now: Timestamp,
}

fn town() -> Town {
    let mut w = world();
    let responder_key = key(Curve::P256, &mut w.rng);
    let responder = OcspResponder {
        common_name: "Utopia Answers".into(),
        organization: None,
        validity: Validity {
            from: at("2026-01-01T00:00:00Z"),
            until: at("2026-04-01T00:00:00Z"),
        },
        contacts: crate::x509::world::iaca_root().contacts,
        revocation: ResponderRevocation::NoCheck,
    }
    .build(responder_key.public_key(), &w.iaca, &w.iaca_key, &mut w.rng)
    .unwrap();
    Town {
        w,
        responder,
        responder_key,
        now: at("2026-02-01T00:00:00Z"),
    }
}

impl Town {
    fn list(&self, revoked: &[&Certificate]) -> RevocationList {
        let entries: Vec<_> = revoked
            .iter()
            .map(|certificate| RevokedSerial {
                serial_number: certificate.serial_number().to_vec(),
                at: at("2026-01-20T00:00:00Z"),
            })
            .collect();
        let terms = ListTerms {
            this_update: at("2026-01-25T00:00:00Z"),
            next_update: at("2026-02-25T00:00:00Z"),
            number: 7,
        };
        build_crl(&self.w.iaca, &self.w.iaca_key, &entries, terms).unwrap()
    }

    fn ask(&self, hash: IdHash) -> OcspRequest {
        let id = CertificateId::of(&self.w.ds, &self.w.iaca, hash);
        OcspRequest::new(&[id], Some(b"once only")).unwrap()
    }

    fn answered(&self, request: &OcspRequest, revoked: &[&Certificate]) -> OcspResponse {
        self.answered_by(request, revoked, &self.responder, &self.responder_key)
    }

    fn answered_by(
        &self,
        request: &OcspRequest,
        revoked: &[&Certificate],
        certificate: &Certificate,
        signer: &SoftwareKey,
    ) -> OcspResponse {
        let who = Responder { certificate, signer };
        respond(request, &self.w.iaca, &self.list(revoked), who, self.now).unwrap()
    }

    fn check(&self) -> OcspCheck<'_> {
        OcspCheck {
            certificate: &self.w.ds,
            issuer: &self.w.iaca,
            nonce: Some(b"once only"),
            lists: &[],
            now: self.now,
        }
    }

    fn judge(&self, response: &OcspResponse) -> OcspAnswer {
        self.check().judge(response, &RustCrypto)
    }
}

fn why(answer: OcspAnswer) -> OcspUndetermined {
    match answer {
        OcspAnswer::Undetermined(why) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn good_and_revoked_by_the_authority_and_by_its_responder() {
    let t = town();
    for hash in [IdHash::Sha1, IdHash::Sha256] {
        let request = t.ask(hash);
        assert_eq!(OcspRequest::from_der(request.der()).unwrap(), request);
        let good = t.answered(&request, &[&t.responder]);
        assert_eq!(t.judge(&good), OcspAnswer::Good);
        assert_eq!(OcspResponse::from_der(good.der()).unwrap(), good);
        assert_eq!(good.certificates(), core::slice::from_ref(&t.responder));
        let at = at("2026-01-20T00:00:00Z");
        let bad = t.answered(&request, &[&t.w.ds]);
        assert_eq!(t.judge(&bad), OcspAnswer::Revoked { at });
        let own = t.answered_by(&request, &[&t.w.ds], &t.w.iaca, &t.w.iaca_key);
        assert_eq!(own.certificates(), []);
        assert_eq!(t.judge(&own), OcspAnswer::Revoked { at });
    }
}

#[test]
fn who_was_not_certified_to_answer_is_not_believed() {
    let t = town();
    let request = t.ask(IdHash::Sha1);
    // A document signer of the same authority.
    let by_signer = t.answered_by(&request, &[], &t.w.ds, &t.w.ds_key);
    assert_eq!(why(t.judge(&by_signer)), OcspUndetermined::NotAResponder);
    // A responder that signed itself in the authority's name.
    let forged = Parts::of(&t.responder).sign(&t.responder_key);
    let forged = t.answered_by(&request, &[], &forged, &t.responder_key);
    assert!(matches!(
        why(t.judge(&forged)),
        OcspUndetermined::NotDelegated(Some(_))
    ));
    // One of another authority.
    let other = t.answered_by(&request, &[], &t.w.reader_ca, &t.w.reader_ca_key);
    assert_eq!(why(t.judge(&other)), OcspUndetermined::NotDelegated(None));
    // Neither list nor nocheck.
    let parts = Parts::of(&t.responder).without(oid::OCSP_NO_CHECK);
    let unchecked = parts.clone().sign(&t.w.iaca_key);
    let unchecked = t.answered_by(&request, &[], &unchecked, &t.responder_key);
    assert_eq!(why(t.judge(&unchecked)), OcspUndetermined::ResponderUnchecked);
    // With a list that names it.
    let points = t.w.ds.extension(oid::CRL_DISTRIBUTION_POINTS).unwrap();
    let listed = parts.with(points.oid, false, points.value).sign(&t.w.iaca_key);
    let response = t.answered_by(&request, &[], &listed, &t.responder_key);
    assert_eq!(t.judge(&response), OcspAnswer::Good);
    let lists = [t.list(&[&listed])];
    let check = OcspCheck {
        lists: &lists,
        ..t.check()
    };
    assert_eq!(
        why(check.judge(&response, &RustCrypto)),
        OcspUndetermined::ResponderRevoked
    );
    // Expired.
    let late = OcspCheck {
        now: at("2026-04-02T00:00:00Z"),
        ..t.check()
    };
    let response = t.answered(&request, &[]);
    assert_eq!(
        why(late.judge(&response, &RustCrypto)),
        OcspUndetermined::ResponderNotValid
    );
}

#[test]
fn what_is_not_about_the_question_is_no_answer() {
    let t = town();
    let request = t.ask(IdHash::Sha1);
    let response = t.answered(&request, &[]);
    let with = |nonce| OcspCheck { nonce, ..t.check() };
    assert_eq!(
        why(with(Some(b"another".as_slice())).judge(&response, &RustCrypto)),
        OcspUndetermined::Nonce
    );
    assert_eq!(with(None).judge(&response, &RustCrypto), OcspAnswer::Good);
    let id = CertificateId::of(&t.responder, &t.w.iaca, IdHash::Sha1);
    let other = OcspRequest::new(&[id], None).unwrap();
    let other = t.answered(&other, &[]);
    assert_eq!(
        why(with(None).judge(&other, &RustCrypto)),
        OcspUndetermined::OtherCertificate
    );
    assert_eq!(why(t.judge(&other)), OcspUndetermined::Nonce);
    // A certificate of somebody else is not known.
    let id = CertificateId::of(&t.w.reader, &t.w.reader_ca, IdHash::Sha256);
    let foreign = t.answered(&OcspRequest::new(&[id], None).unwrap(), &[]);
    assert_eq!(foreign.answers()[0].status, CertificateStatus::Unknown);
    let mut check = with(None);
    check.certificate = &t.w.reader;
    assert_eq!(
        why(check.judge(&foreign, &RustCrypto)),
        OcspUndetermined::NotItsIssuer
    );
}

#[test]
fn an_answer_holds_for_as_long_as_it_says_and_revocation_for_ever() {
    let t = town();
    let request = t.ask(IdHash::Sha1);
    let (good, bad) = (t.answered(&request, &[]), t.answered(&request, &[&t.w.ds]));
    let late = OcspCheck {
        now: at("2026-02-25T00:00:01Z"),
        ..t.check()
    };
    assert!(matches!(
        why(late.judge(&good, &RustCrypto)),
        OcspUndetermined::Expired { .. }
    ));
    assert!(matches!(
        late.judge(&bad, &RustCrypto),
        OcspAnswer::Revoked { .. }
    ));
    let early = OcspCheck {
        now: at("2026-01-24T00:00:00Z"),
        ..t.check()
    };
    assert!(matches!(
        why(early.judge(&good, &RustCrypto)),
        OcspUndetermined::NotYetValid { .. }
    ));
}

#[test]
fn an_answer_of_this_moment_is_not_of_the_future() {
    let t = town();
    let request = t.ask(IdHash::Sha1);
    let (good, bad) = (t.answered(&request, &[]), t.answered(&request, &[&t.w.ds]));
    let made = good.answers()[0].this_update;
    let says = |response: &OcspResponse, ahead: u64| {
        let now = made.minus(core::time::Duration::from_secs(ahead));
        OcspCheck { now, ..t.check() }.judge(response, &RustCrypto)
    };
    for ahead in [0, 5, 60] {
        assert_eq!(says(&good, ahead), OcspAnswer::Good, "{ahead}");
        assert!(matches!(says(&bad, ahead), OcspAnswer::Revoked { .. }), "{ahead}");
    }
    let this_update = made;
    let future = OcspUndetermined::NotYetValid { this_update };
    assert_eq!(why(says(&good, 61)), future);
    assert_eq!(why(says(&bad, 61)), future);
}

/// RFC 6960, 4.2.2.1: whoever says nothing of the next answer has a newer one at any time.
#[test]
fn an_answer_without_the_next_one_s_time_holds_for_a_day() {
    let t = town();
    let request = t.ask(IdHash::Sha1);
    let who = Responder {
        certificate: &t.responder,
        signer: &t.responder_key,
    };
    let answered = |revoked: &[&Certificate]| {
        let list = t.list(revoked).without_next_update();
        respond(&request, &t.w.iaca, &list, who, t.now).unwrap()
    };
    let (good, bad) = (answered(&[]), answered(&[&t.w.ds]));
    assert_eq!(good.answers()[0].next_update, None);
    let made = good.answers()[0].this_update;
    let says = |response: &OcspResponse, now| OcspCheck { now, ..t.check() }.judge(response, &RustCrypto);
    let day = made.plus(LONGEST_WITHOUT_NEXT_UPDATE);
    for now in [made, made.plus(core::time::Duration::from_secs(3600)), day] {
        assert_eq!(says(&good, now), OcspAnswer::Good, "{now}");
    }
    let late = day.plus(core::time::Duration::from_secs(1));
    let expired = OcspUndetermined::Expired { next_update: None };
    assert_eq!(why(says(&good, late)), expired);
    assert!(expired.to_string().ends_with("older than a day"));
    // Revocation is final, however old the news.
    assert!(matches!(says(&bad, late), OcspAnswer::Revoked { .. }));
}

#[test]
fn no_changed_octet_makes_a_revoked_certificate_good() {
    let t = town();
    let request = t.ask(IdHash::Sha1);
    let bad = t.answered(&request, &[&t.w.ds]);
    for length in 0..bad.der().len() {
        assert!(OcspResponse::from_der(&bad.der()[..length]).is_err());
    }
    for at in 0..bad.der().len() {
        let mut der = bad.der().to_vec();
        der[at] ^= 0x21;
        if let Ok(read) = OcspResponse::from_der(&der) {
            assert_ne!(t.judge(&read), OcspAnswer::Good, "octet {at}");
        }
    }
    for at in 0..request.der().len() {
        let mut der = request.der().to_vec();
        der[at] ^= 0x21;
        let _ = OcspRequest::from_der(&der);
        assert!(OcspRequest::from_der(&request.der()[..at]).is_err());
    }
    let refused = OcspResponse::from_der(&[0x30, 3, 0x0A, 1, 3]).unwrap();
    assert_eq!(
        why(t.judge(&refused)),
        OcspUndetermined::NoAnswer(OcspStatus::TryLater)
    );
    assert!(OcspRequest::new(&[], None).is_err());
    assert!(OcspRequest::new(request.ids(), Some(&[7; 129])).is_err());
}

#[test]
fn a_path_is_judged_by_lists_and_answers_together() {
    use crate::x509::revocation::{Evidence, PathRevocation, evaluate_path};
    let t = town();
    let request = t.ask(IdHash::Sha1);
    let (good, bad) = (t.answered(&request, &[]), t.answered(&request, &[&t.w.ds]));
    let stranger = OcspRequest::new(&[CertificateId::of(&t.responder, &t.w.iaca, IdHash::Sha1)], None);
    let about_another = t.answered(&stranger.unwrap(), &[]);
    let judged = |lists: &[RevocationList], answers: &[OcspResponse], now| {
        let evidence = Evidence { lists, answers };
        let said = evaluate_path(&t.w.ds, &[], &t.w.iaca, evidence, now, &RustCrypto);
        match said {
            PathRevocation::Revoked(certificate) => {
                assert_eq!(certificate, &t.w.ds);
                "revoked"
            }
            PathRevocation::Good => "good",
            PathRevocation::NoLists => "nothing",
            PathRevocation::Undetermined => "undetermined",
        }
    };
    let (list, revoking) = (t.list(&[]), t.list(&[&t.w.ds]));
    let late = at("2026-03-01T00:00:00Z");
    let one = core::slice::from_ref;
    assert_eq!(judged(&[], &[], t.now), "nothing");
    // The nonce is not compared: it was when the answer came in.
    assert_eq!(judged(&[], one(&good), t.now), "good");
    assert_eq!(judged(&[], one(&about_another), t.now), "undetermined");
    assert_eq!(judged(&[], &[about_another, good.clone()], t.now), "good");
    assert_eq!(judged(core::slice::from_ref(&list), one(&bad), t.now), "revoked");
    assert_eq!(judged(&[revoking], one(&good), t.now), "revoked");
    // What is out of date says nothing, unless that it was revoked.
    assert_eq!(judged(&[list], &[good], late), "undetermined");
    assert_eq!(judged(&[], &[bad], late), "revoked");
}
