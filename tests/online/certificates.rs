//! Revocation lists and OCSP answers about the signer.

use std::io::Write;
use std::sync::{Arc, Mutex};

use base64ct::{Base64, Encoding as _};
use integration::world::World;
use mdoc_core::seams::{Signer as _, SoftwareKey};
use mdoc_core::x509::Certificate;
use mdoc_core::x509::ocsp::{OcspRequest, Responder, respond};

use super::net::Page;
use super::server::{Seen, answer};
use super::*;

const OCSP: &str = "http://ocsp.utopia.example/answers";

/// The same scene with a document that has no status: its signer alone is in question.
fn scene(seed: u8) -> Scene {
    let mut scene = Scene::new(seed);
    scene.document = scene.world.issue().sign();
    scene
}

/// How the step about the signer's revocation ended.
fn revocation(judged: &Judged<'_>) -> &'static str {
    let steps = judged.report.documents()[0].steps();
    let step = steps
        .iter()
        .find(|step| step.check == Check::DsRevocation)
        .unwrap();
    step.code()
}

fn judged<'s>(scene: &'s Scene, online: &Online<'_>, now: Timestamp) -> (Said, &'static str) {
    let judged: Judged<'s> = scene.judged_by(online, required(), now);
    (Said::of(&judged), revocation(&judged))
}

#[test]
fn the_list_of_the_issuer_tells_of_its_signers() {
    let scene = scene(91);
    assert_eq!(scene.after(Duration::ZERO), said(true, "-", "crl fetched"));
    // It is due in a month, and asked for again after a day.
    assert_eq!(scene.after(23 * HOUR), said(true, "-", "crl kept"));
    assert_eq!(scene.after(24 * HOUR), said(true, "-", "crl confirmed"));
    // Without its server it is used until it is due.
    scene.net.hosts.remove(CRL);
    assert_eq!(
        scene.after(5 * 24 * HOUR),
        said(true, "-", "crl kept-old online.status")
    );
    assert_eq!(
        scene.offline(5 * 24 * HOUR),
        said(true, "-", "crl kept-old online.offline")
    );
    // The signer was revoked.
    let serial = scene.world.ds.serial_number();
    let newer = crl_of(&scene.world, &[serial], scene.world.now, 2);
    scene
        .net
        .hosts
        .put(CRL, "application/octet-stream", newer.to_pem().as_bytes());
    let (cache, now) = (scene.folder.cache(), scene.world.now.plus(6 * 24 * HOUR));
    let online = scene.net.online(&cache, &now);
    assert_eq!(
        judged(&scene, &online, now),
        (said(false, "-", "crl fetched"), "ds.revoked")
    );
    // The older list comes back, and is not believed.
    scene
        .net
        .hosts
        .put(CRL, "application/pkix-crl", crl(&scene.world, &[]).der());
    assert_eq!(
        scene.after(8 * 24 * HOUR),
        said(false, "-", "crl kept-old online.older")
    );
}

#[test]
fn a_list_that_was_published_after_the_question_began_is_believed() {
    let scene = scene(100);
    let (serial, now) = (scene.world.ds.serial_number(), scene.world.now);
    let newer = crl_of(&scene.world, &[serial], now.plus(Duration::from_secs(5)), 2);
    scene.net.hosts.put(CRL, "application/pkix-crl", newer.der());
    let cache = scene.folder.cache();
    let online = scene.net.online(&cache, &now);
    // Most of all where a list that says nothing would be let pass.
    for policy in [Policy::STANDARD.with_status(StatusPolicy::Prefer), required()] {
        let judged = scene.judged_by(&online, policy, now);
        assert_eq!((Said::of(&judged).0, revocation(&judged)), (false, "ds.revoked"));
    }
}

#[test]
fn a_list_that_says_nothing_is_not_kept() {
    let scene = scene(92);
    let other = World::new(93);
    let mut broken = crl(&scene.world, &[]).der().to_vec();
    *broken.last_mut().unwrap() ^= 1;
    let (early, late) = (scene.world.now.plus(HOUR), scene.world.now.minus(31 * 24 * HOUR));
    for (bytes, code) in [
        (crl(&other, &[]).der().to_vec(), "not-done.crl-undetermined"),
        (broken, "not-done.crl-undetermined"),
        (
            crl_of(&scene.world, &[], early, 1).der().to_vec(),
            "not-done.crl-undetermined",
        ),
        (
            crl_of(&scene.world, &[], late, 1).der().to_vec(),
            "not-done.crl-undetermined",
        ),
        (b"0\x03".to_vec(), "not-done.no-crl"),
    ] {
        scene.net.hosts.put(CRL, "application/pkix-crl", &bytes);
        let (cache, now) = (scene.folder.cache(), scene.world.now);
        let online = scene.net.online(&cache, &now);
        assert_eq!(
            judged(&scene, &online, now),
            (said(false, "-", "crl missing online.refused"), code)
        );
        assert!(!scene.folder.0.exists());
    }
    scene
        .net
        .hosts
        .put(CRL, "text/html", crl(&scene.world, &[]).der());
    assert_eq!(
        scene.after(Duration::ZERO),
        said(false, "-", "crl missing online.media-type")
    );
}

#[test]
fn a_list_that_is_at_hand_is_not_asked_for() {
    let scene = scene(94);
    let lists = [crl(&scene.world, &[])];
    let (cache, now) = (scene.folder.cache(), scene.world.now);
    let inputs = Inputs {
        revocation_lists: &lists,
        policy: required(),
        ..scene.world.inputs()
    };
    let judged = scene
        .net
        .online(&cache, &now)
        .verify(&scene.document, Form::IssuerSigned, &inputs);
    assert_eq!(Said::of(&judged), said(true, "-", ""));
    assert_eq!(scene.net.asked(), 0);
}

#[test]
fn the_signer_of_a_status_list_is_looked_up_too() {
    let scene = Scene::new(95);
    let (_, signer) = statuses::signer(&scene.world);
    let list = crl(&scene.world, &[signer.serial_number()]);
    scene.net.hosts.put(CRL, "application/pkix-crl", list.der());
    let (cache, now) = (scene.folder.cache(), scene.world.now);
    let judged = scene.judged_by(&scene.net.online(&cache, &now), required(), now);
    assert_eq!(
        Said::of(&judged),
        said(false, "unknown", "crl fetched, status-list fetched")
    );
    let json = show::to_json(&judged.report);
    assert_eq!(
        json["documents"][0]["status"]["code"],
        "status-list.signer.revoked"
    );
}

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut out = vec![tag];
    match length {
        0..=127 => out.push(u8::try_from(length).unwrap()),
        128..=255 => out.extend([0x81, u8::try_from(length).unwrap()]),
        _ => {
            out.push(0x82);
            out.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
    }
    out.extend_from_slice(content);
    out
}

/// Tag and content of the first element, and what follows it.
fn split(bytes: &[u8]) -> (u8, &[u8], &[u8]) {
    let (head, length) = match bytes[1] {
        0x81 => (3, usize::from(bytes[2])),
        0x82 => (4, usize::from(bytes[2]) << 8 | usize::from(bytes[3])),
        short => (2, usize::from(short)),
    };
    (bytes[0], &bytes[head..head + length], &bytes[head + length..])
}

/// The certificate with the address of a responder, signed again.
fn with_responder(certificate: &Certificate, issuer: &SoftwareKey, url: &str) -> Certificate {
    let (_, mut rest, _) = split(certificate.tbs());
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let (tag, content, after) = split(rest);
        if tag == 0xA3 {
            let access = tlv(
                0x30,
                &[
                    tlv(0x06, b"\x2b\x06\x01\x05\x05\x07\x30\x01"),
                    tlv(0x86, url.as_bytes()),
                ]
                .concat(),
            );
            let value = tlv(0x04, &tlv(0x30, &access));
            let extension = tlv(
                0x30,
                &[tlv(0x06, b"\x2b\x06\x01\x05\x05\x07\x01\x01"), value].concat(),
            );
            let (_, list, _) = split(content);
            fields.extend(tlv(0xA3, &tlv(0x30, &[list, &extension].concat())));
        } else {
            fields.extend_from_slice(&rest[..rest.len() - after.len()]);
        }
        rest = after;
    }
    let tbs = tlv(0x30, &fields);
    let raw = issuer.sign(&tbs).unwrap();
    let half = |octets: &[u8]| {
        let first = octets.iter().position(|octet| *octet != 0).unwrap();
        let sign = if octets[first] > 127 { vec![0] } else { Vec::new() };
        tlv(0x02, &[&sign, &octets[first..]].concat())
    };
    let signature = tlv(0x30, &[half(&raw[..32]), half(&raw[32..])].concat());
    let bits = tlv(0x03, &[&[0], signature.as_slice()].concat());
    let whole = [tbs.as_slice(), certificate.signature_algorithm_der(), &bits].concat();
    let made = Certificate::from_der(&tlv(0x30, &whole)).unwrap();
    made.verify_signed_by(issuer.public_key(), &mdoc_core::crypto::RustCrypto)
        .unwrap();
    made
}

/// What the responder does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Habit {
    /// Answers to GET and POST, and repeats nonces.
    Good,
    /// Answers to POST alone.
    PostOnly,
    /// Signed its answers beforehand.
    NoNonce,
    /// Says what it should in another type.
    WrongType,
}

/// A scene whose signer names a responder and no list that is there.
fn responding(seed: u8, habit: Habit, revoked: bool) -> (Scene, Arc<Mutex<Habit>>) {
    let mut scene = Scene::new(seed);
    scene.world.ds = with_responder(&scene.world.ds, &scene.world.iaca_key, OCSP);
    scene.document = scene.world.issue().sign();
    scene.net.hosts.remove(CRL);
    let serial = scene.world.ds.serial_number().to_vec();
    let serials = if revoked {
        vec![serial.as_slice()]
    } else {
        Vec::new()
    };
    let list = crl(&scene.world, &serials);
    let (iaca, now) = (scene.world.iaca.clone(), scene.world.now);
    let key = World::new(seed).iaca_key;
    let habit = Arc::new(Mutex::new(habit));
    let shared = Arc::clone(&habit);
    let made = move |seen: &Seen, out: &mut dyn Write| {
        let habit = *shared.lock().unwrap();
        let request = if seen.method == "POST" {
            assert_eq!(seen.header("content-type"), Some("application/ocsp-request"));
            seen.body.clone()
        } else if habit == Habit::PostOnly {
            return answer(out, 405, &[], b"");
        } else {
            let (_, encoded) = seen.path.rsplit_once('/').unwrap();
            let encoded = encoded
                .replace("%2B", "+")
                .replace("%2F", "/")
                .replace("%3D", "=");
            Base64::decode_vec(&encoded).unwrap()
        };
        let mut request = OcspRequest::from_der(&request).unwrap();
        if habit == Habit::NoNonce {
            request = OcspRequest::new(request.ids(), None).unwrap();
        }
        let who = Responder {
            certificate: &iaca,
            signer: &key,
        };
        let response = respond(&request, &iaca, &list, who, now).unwrap();
        let media_type = if habit == Habit::WrongType {
            "text/html"
        } else {
            "application/ocsp-response"
        };
        answer(out, 200, &[("Content-Type", media_type)], response.der())
    };
    scene.net.hosts.made(OCSP, Page::Made(Arc::new(made)));
    (scene, habit)
}

#[test]
fn where_no_list_is_there_the_responder_is_asked() {
    for habit in [Habit::Good, Habit::PostOnly, Habit::NoNonce] {
        let (scene, _) = responding(96, habit, false);
        let expected = said(true, "-", "crl missing online.status, ocsp fetched");
        assert_eq!(scene.after(Duration::ZERO), expected);
        let methods: Vec<_> = scene
            .net
            .server
            .seen()
            .into_iter()
            .map(|seen| seen.method)
            .collect();
        let post_too = if habit == Habit::PostOnly {
            &["GET", "GET", "POST"][..]
        } else {
            &["GET", "GET"]
        };
        assert_eq!(methods, post_too);
        // Kept, also without the network.
        let kept = said(true, "-", "crl missing online.offline, ocsp kept");
        assert_eq!(scene.offline(HOUR), kept);
    }
    let (scene, _) = responding(96, Habit::Good, true);
    let (cache, now) = (scene.folder.cache(), scene.world.now);
    let online = scene.net.online(&cache, &now);
    let expected = said(false, "-", "crl missing online.status, ocsp fetched");
    assert_eq!(judged(&scene, &online, now), (expected, "ds.revoked"));
    let (scene, _) = responding(96, Habit::WrongType, false);
    let expected = said(
        false,
        "-",
        "crl missing online.status, ocsp missing online.media-type",
    );
    assert_eq!(scene.after(Duration::ZERO), expected);
}

#[test]
fn a_nonce_that_is_asked_for_has_to_be_repeated_and_makes_every_answer_new() {
    let (scene, habit) = responding(97, Habit::Good, false);
    let (cache, now) = (scene.folder.cache(), scene.world.now);
    let online = Online {
        ocsp_nonce: true,
        ..scene.net.online(&cache, &now)
    };
    let fetched = said(true, "-", "crl missing online.status, ocsp fetched");
    assert_eq!(judged(&scene, &online, now), (fetched, ""));
    assert_eq!(
        judged(&scene, &online, now).0.2,
        "crl missing online.status, ocsp fetched"
    );
    let posted = scene
        .net
        .server
        .seen()
        .into_iter()
        .filter(|seen| seen.method == "POST");
    let nonces: Vec<_> = posted
        .map(|seen| OcspRequest::from_der(&seen.body).unwrap())
        .collect();
    assert_eq!(nonces.len(), 2);
    assert_eq!(nonces[0].nonce().map(<[u8]>::len), Some(32));
    assert_ne!(nonces[0].nonce(), nonces[1].nonce());
    // What was kept is used where there is nothing new; an answer without the nonce is none.
    *habit.lock().unwrap() = Habit::NoNonce;
    let old = said(
        true,
        "-",
        "crl missing online.status, ocsp kept-old online.refused",
    );
    assert_eq!(judged(&scene, &online, now).0, old);
    let (scene, _) = responding(97, Habit::NoNonce, false);
    let (cache, now) = (scene.folder.cache(), scene.world.now);
    let online = Online {
        ocsp_nonce: true,
        ..scene.net.online(&cache, &now)
    };
    let refused = said(
        false,
        "-",
        "crl missing online.status, ocsp missing online.refused",
    );
    assert_eq!(judged(&scene, &online, now), (refused, "not-done.no-crl"));
    assert!(!scene.folder.0.exists());
}

#[test]
fn a_responder_that_nobody_certified_is_not_believed() {
    let (scene, _) = responding(98, Habit::Good, false);
    let stranger = World::new(99);
    let list = crl(&stranger, &[]);
    let made = move |seen: &Seen, out: &mut dyn Write| {
        let (_, encoded) = seen.path.rsplit_once('/').unwrap();
        let encoded = encoded
            .replace("%2B", "+")
            .replace("%2F", "/")
            .replace("%3D", "=");
        let request = OcspRequest::from_der(&Base64::decode_vec(&encoded).unwrap()).unwrap();
        let who = Responder {
            certificate: &stranger.iaca,
            signer: &stranger.iaca_key,
        };
        let response = respond(&request, &stranger.iaca, &list, who, stranger.now).unwrap();
        answer(
            out,
            200,
            &[("Content-Type", "application/ocsp-response")],
            response.der(),
        )
    };
    scene.net.hosts.made(OCSP, Page::Made(Arc::new(made)));
    let expected = said(
        false,
        "-",
        "crl missing online.status, ocsp missing online.refused",
    );
    assert_eq!(scene.after(Duration::ZERO), expected);
    assert!(!scene.folder.0.exists());
}
