//! The status of documents as a step of the inspection procedure.

use core::time::Duration;

use integration::forgery::Forgery;
use integration::statuses::{self, URI, claims, fetched, reference, sign};
use integration::world::{World, at};
use mdoc_core::mso::{Status, StatusListReference};
use mdoc_core::status::{
    Answer, Bits, By, Claims, Code, Content, Evidence, IdentifierList, Reference, Standing, Told,
};
use mdoc_core::verify::{Check, Form, Inputs, Outcome, Policy, StatusPolicy, verify};
use mdoc_core::x509::build::StatusListSigner;
use mdoc_core::x509::path::TrustAnchor;

/// A licence that refers to the list, issued and not presented.
fn document(world: &World) -> Vec<u8> {
    world.issue().status(reference()).sign()
}

/// How the step ended, with the code; and whether the document is accepted.
fn judged(
    world: &World,
    document: &[u8],
    lists: &[Evidence<'_>],
    policy: StatusPolicy,
) -> (&'static str, String, bool) {
    let inputs = Inputs {
        status_lists: lists,
        policy: Policy::STANDARD.with_status(policy),
        ..world.inputs()
    };
    let report = verify(document, Form::IssuerSigned, &inputs);
    let lines: Vec<_> = report.documents()[0]
        .steps()
        .iter()
        .filter(|step| step.check == Check::Status)
        .collect();
    let codes: Vec<_> = lines.iter().map(|step| step.code()).collect();
    (lines[0].outcome_name(), codes.join(" "), report.accepted())
}

#[test]
fn what_a_policy_makes_of_what_is_known() {
    let world = World::new(60);
    let document = document(&world);
    let of = |bits, value| sign(&world, &claims(&world, bits, value));
    let (valid, revoked, suspended) = (of(Bits::One, 0), of(Bits::One, 1), of(Bits::Two, 2));
    let mut broken = valid.clone();
    *broken.last_mut().unwrap() ^= 1;
    let said = |lists: &[&[u8]]| {
        let lists: Vec<_> = lists.iter().map(|token| fetched(&world, token)).collect();
        StatusPolicy::ALL.map(|policy| {
            let (outcome, codes, accepted) = judged(&world, &document, &lists, policy);
            format!("{outcome} {codes} {accepted}")
        })
    };
    let skipped = "not_done not-done.status-skipped true";
    let same = |line: &str| [line.to_owned(), line.to_owned(), skipped.to_owned()];
    let unknown = |code: &str| {
        [
            format!("not_done {code} false"),
            format!("not_done {code} true"),
            skipped.to_owned(),
        ]
    };
    assert_eq!(said(&[&valid]), same("passed  true"));
    assert_eq!(said(&[&revoked]), same("failed status.revoked false"));
    let both = "failed status.suspended status.form false";
    assert_eq!(
        said(&[&suspended]),
        same(both),
        "and a licence knows no such thing"
    );
    assert_eq!(said(&[]), unknown("not-done.status-not-fetched"));
    assert_eq!(said(&[&broken]), unknown("not-done.status-signature"));
    assert_eq!(said(&[&broken, &revoked]), same("failed status.revoked false"));
}

#[test]
fn the_issuers_own_word_counts_and_takes_nothing_back_that_was_signed() {
    let world = World::new(65);
    let document = document(&world);
    let of = |bits, value| sign(&world, &claims(&world, bits, value));
    let (valid, revoked, suspended) = (of(Bits::One, 0), of(Bits::One, 1), of(Bits::Two, 2));
    let place = reference();
    let place = Reference::StatusList(place.status_list.as_ref().unwrap());
    let said = |lists: &[&[u8]], standing, at| {
        let lists: Vec<_> = lists.iter().map(|token| fetched(&world, token)).collect();
        let told = [Told {
            reference: place,
            standing,
            at,
        }];
        let inputs = Inputs {
            status_lists: &lists,
            told: &told,
            policy: Policy::STANDARD.with_status(StatusPolicy::Require),
            ..world.inputs()
        };
        let report = verify(&document, Form::IssuerSigned, &inputs);
        let document = &report.documents()[0];
        let mut steps = document.steps().iter();
        let step = steps.find(|step| step.check == Check::Status).unwrap();
        let by = document.status().map(|finding| finding.by);
        (step.code(), report.accepted(), by.unwrap_or(By::List))
    };
    let issuer = |code, accepted| (code, accepted, By::Issuer);
    let list = |code| (code, false, By::List);
    let now = world.now;
    // Where no list is known, and beside one that says valid.
    for lists in [&[][..], &[valid.as_slice()]] {
        let said = |standing| said(lists, standing, now);
        assert_eq!(said(Standing::Valid), issuer("", true));
        assert_eq!(said(Standing::Disabled), issuer("status.suspended", false));
        assert_eq!(said(Standing::Cancelled), issuer("status.revoked", false));
        assert_eq!(said(Standing::Expired), issuer("status.expired", false));
        let unknown = issuer("not-done.status-issuer-unknown", false);
        assert_eq!(said(Standing::Unknown), unknown);
    }
    // A signature stands against the document, whatever the issuer says now.
    for standing in [Standing::Valid, Standing::Unknown, Standing::Expired] {
        assert_eq!(said(&[&revoked], standing, now), list("status.revoked"));
        assert_eq!(said(&[&suspended], standing, now), list("status.suspended"));
    }
    let cancelled = said(&[&suspended], Standing::Cancelled, now);
    assert_eq!(cancelled, issuer("status.revoked", false));
    // It is of this time, or it is worth nothing.
    let apart = |seconds: u64| Duration::from_secs(300 + seconds);
    for (at, good) in [
        (now.minus(apart(0)), false),
        (now.minus(Duration::from_secs(299)), true),
        (now.plus(apart(0)), true),
        (now.plus(apart(1)), false),
    ] {
        let alone = said(&[], Standing::Valid, at);
        let expected = if good {
            ("", true)
        } else {
            ("not-done.status-time", false)
        };
        assert_eq!(alone, issuer(expected.0, expected.1), "{at}");
        let old = said(&[&valid], Standing::Cancelled, at);
        assert_eq!(old.1, !good, "{at}");
    }
    // About another copy it says nothing.
    let mut other = reference();
    other.status_list.as_mut().unwrap().index += 1;
    let told = [Told {
        reference: Reference::StatusList(other.status_list.as_ref().unwrap()),
        standing: Standing::Valid,
        at: now,
    }];
    let inputs = Inputs {
        told: &told,
        policy: Policy::STANDARD.with_status(StatusPolicy::Require),
        ..world.inputs()
    };
    assert!(!verify(&document, Form::IssuerSigned, &inputs).accepted());
}

#[test]
fn a_document_without_a_reference_has_nothing_to_be_looked_up() {
    let world = World::new(61);
    let document = world.issue().sign();
    let list = sign(&world, &claims(&world, Bits::One, 1));
    for policy in StatusPolicy::ALL {
        let lists = [fetched(&world, &list)];
        let (outcome, code, accepted) = judged(&world, &document, &lists, policy);
        assert_eq!(
            (outcome, code.as_str(), accepted),
            ("not_done", "not-done.no-status", true)
        );
    }
}

#[test]
fn every_way_in_which_nothing_is_known() {
    let world = World::new(62);
    let document = document(&world);
    let good = || claims(&world, Bits::One, 0);
    let stranger = {
        let rng = &mut world.rng("another signer");
        let (key, _) = statuses::signer(&world);
        let terms = StatusListSigner {
            country: Some("UT".to_owned()),
            common_name: "Utopia Status Lists".to_owned(),
            organization: None,
            validity: mdoc_core::x509::build::Validity {
                from: at("2026-01-01T00:00:00Z"),
                until: at("2028-01-01T00:00:00Z"),
            },
            crl_uri: None,
        };
        let public = mdoc_core::seams::Signer::public_key(&key).clone();
        let certificate = terms.build(&public, &world.stranger, &world.stranger_key, rng);
        good().sign_cwt(&key, &[certificate.unwrap().der()]).unwrap()
    };
    let mut short = good();
    let Content::StatusList(list) = &mut short.content else {
        panic!()
    };
    *list = mdoc_core::status::StatusList::new(Bits::One, 8)
        .unwrap()
        .deflate();
    let cases = [
        (
            b"no list at all".to_vec(),
            "not-done.status-malformed",
            Code::Malformed,
        ),
        (stranger, "not-done.status-signer", Code::ChainUntrusted),
        (
            sign(
                &world,
                &Claims {
                    subject: format!("{URI}0"),
                    ..good()
                },
            ),
            "not-done.status-subject",
            Code::Subject,
        ),
        (
            sign(
                &world,
                &Claims {
                    expires: Some(world.now),
                    ..good()
                },
            ),
            "not-done.status-time",
            Code::Expired,
        ),
        (
            sign(
                &world,
                &Claims {
                    issued_at: world.now.plus(Duration::from_secs(61)),
                    ..good()
                },
            ),
            "not-done.status-time",
            Code::NotYetValid,
        ),
        (
            sign(
                &world,
                &Claims {
                    content: Content::IdentifierList(IdentifierList::default()),
                    ..good()
                },
            ),
            "not-done.status-malformed",
            Code::Type,
        ),
        (sign(&world, &short), "not-done.status-index", Code::Index),
    ];
    for (token, why, code) in &cases {
        let lists = [fetched(&world, token)];
        let (outcome, codes, _) = judged(&world, &document, &lists, StatusPolicy::Prefer);
        assert_eq!((outcome, codes.as_str()), ("not_done", *why));
        assert!(
            !judged(&world, &document, &lists, StatusPolicy::Require).2,
            "{why}"
        );
        let inputs = Inputs {
            status_lists: &lists,
            ..world.inputs()
        };
        let report = verify(&document, Form::IssuerSigned, &inputs);
        let finding = report.documents()[0].status().unwrap();
        let Answer::Unknown(reason) = &finding.answer else {
            panic!("{why}")
        };
        assert_eq!(reason.code(), *code, "the report has the very reason");
    }
    let strange = world
        .issue()
        .status(Status {
            unknown: true,
            ..Status::default()
        })
        .sign();
    let (outcome, codes, accepted) = judged(&world, &strange, &[], StatusPolicy::Require);
    assert_eq!(
        (outcome, codes.as_str(), accepted),
        ("not_done", "not-done.status-unsupported", false)
    );
}

#[test]
fn a_stale_list_counts_until_it_expires_and_that_is_said() {
    let world = World::new(63);
    let document = document(&world);
    let token = sign(&world, &claims(&world, Bits::One, 0));
    let list = |hours: u64| {
        [Evidence {
            fetched: world.now.minus(Duration::from_secs(hours * 3600)),
            ..fetched(&world, &token)
        }]
    };
    let (outcome, code, accepted) = judged(&world, &document, &list(1), StatusPolicy::Require);
    assert_eq!((outcome, code.as_str(), accepted), ("passed", "", true));
    let (outcome, code, accepted) = judged(&world, &document, &list(2), StatusPolicy::Require);
    assert_eq!(
        (outcome, code.as_str(), accepted),
        ("warning", "status.stale", true)
    );
}

#[test]
fn what_nobody_vouches_for_names_no_signer_of_lists() {
    // The attacker changes the MSO: its list is now signed by somebody of theirs.
    let world = World::new(64);
    let named = Status {
        status_list: Some(StatusListReference {
            certificate: Some(world.stranger.der().to_vec()),
            ..reference().status_list.unwrap()
        }),
        ..Status::default()
    };
    let issued = world.issue().status(named).sign();
    let response = world.present(&issued).response();
    let mut forgery = Forgery::of(&world, &response);
    let signature = forgery.issuer_auth().at(3).bytes();
    *signature.last_mut().unwrap() ^= 1;
    let forged = forgery.encode();
    let token = sign(&world, &claims(&world, Bits::One, 0));
    let lists = [fetched(&world, &token)];
    let inputs = Inputs {
        status_lists: &lists,
        ..world.inputs()
    };
    for (bytes, expected) in [
        (&response, "not-done.status-signer"),
        (&forged, "not-done.earlier-failure"),
    ] {
        let report = verify(bytes, Form::DeviceResponse, &inputs);
        let steps = report.documents()[0].steps();
        let step = steps.iter().find(|step| step.check == Check::Status).unwrap();
        assert_eq!(step.code(), expected);
        assert!(!matches!(step.outcome, Outcome::Passed));
    }
}

#[test]
fn where_the_signer_itself_is_the_anchor_only_a_named_certificate_will_do() {
    let world = World::new(65);
    let token = sign(&world, &claims(&world, Bits::One, 0));
    let lists = [fetched(&world, &token)];
    let anchors = [TrustAnchor::new(world.ds.clone())];
    let named = Status {
        status_list: Some(StatusListReference {
            certificate: Some(world.iaca.der().to_vec()),
            ..reference().status_list.unwrap()
        }),
        ..Status::default()
    };
    for (status, expected) in [(reference(), "not-done.status-signer"), (named, "")] {
        let document = world.issue().status(status).sign();
        let inputs = Inputs {
            status_lists: &lists,
            anchors: &anchors,
            ..world.inputs()
        };
        let report = verify(&document, Form::IssuerSigned, &inputs);
        let steps = report.documents()[0].steps();
        let step = steps.iter().find(|step| step.check == Check::Status).unwrap();
        assert_eq!(step.code(), expected);
    }
}

/// What others read in the lists that are made here, with code and libraries of their own.
#[cfg(unix)]
#[test]
fn python_reads_the_lists_that_are_made() {
    let Some(python) = crate::python::with(&["cryptography"]) else {
        return;
    };
    let world = World::new(66);
    let folder = std::env::temp_dir().join(format!("mdoc-status-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("iaca.pem"), world.iaca.to_pem()).unwrap();
    let (key, certificate) = statuses::signer(&world);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/status_list.py");
    let said = |token: &[u8], keys: &[&str]| {
        std::fs::write(folder.join("token"), token).unwrap();
        let output = std::process::Command::new(python)
            .args([script, "token", "iaca.pem", URI])
            .args(keys)
            .current_dir(&folder)
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    };
    for bits in Bits::ALL {
        let claims = claims(&world, bits, bits.highest());
        let highest = bits.highest();
        let keys = ["0", "411", "412", "413", "999"];
        let cwt = sign(&world, &claims);
        let expected = format!("application/statuslist+cwt 0 0 {highest} 0 0\n");
        assert_eq!(said(&cwt, &keys), expected);
        let jwt = claims.sign_jwt(&key, &[certificate.der()]).unwrap();
        let expected = format!("statuslist+jwt 0 0 {highest} 0 0\n");
        assert_eq!(said(jwt.as_bytes(), &keys), expected);
    }
    let listed = IdentifierList {
        identifiers: [vec![0x0a, 0x0b], vec![0x0c]].into_iter().collect(),
        aggregation_uri: None,
    };
    let cwt = sign(
        &world,
        &Claims {
            content: Content::IdentifierList(listed),
            ..claims(&world, Bits::One, 0)
        },
    );
    let expected = "application/identifierlist+cwt 1 0 1\n";
    assert_eq!(said(&cwt, &["0a0b", "0a", "0c"]), expected);
    std::fs::remove_dir_all(&folder).unwrap();
}
