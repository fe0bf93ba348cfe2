//! Lists that are served and are not to be relied on.

use super::*;

#[test]
fn a_list_that_is_not_to_be_relied_on_is_not_kept() {
    let scene = Scene::new(75);
    let world = &scene.world;
    let good = sign(world, &claims(world, Bits::One, 0));
    let mut broken = good.clone();
    *broken.last_mut().unwrap() ^= 1;
    let mut elsewhere = claims(world, Bits::One, 0);
    elsewhere.subject = "https://status.utopia.example/lists/2".to_owned();
    let stranger = World::new(76);
    let foreign = sign(&stranger, &claims(&stranger, Bits::One, 0));
    let mut expired = claims(world, Bits::One, 0);
    expired.expires = Some(world.now);
    let mut short = claims(world, Bits::One, 0);
    short.content = Content::StatusList(StatusList::new(Bits::One, INDEX - 12).unwrap().deflate());
    for (bytes, code) in [
        (broken, "status-list.signature"),
        (sign(world, &elsewhere), "status-list.subject"),
        (foreign, "status-list.chain"),
        (sign(world, &expired), "status-list.expired"),
        (sign(world, &short), "status-list.index"),
        (good[..good.len() - 1].to_vec(), "status-list.malformed"),
        (b"<html>".to_vec(), "status-list.malformed"),
        (Vec::new(), "status-list.malformed"),
    ] {
        scene.net.hosts.put(URI, STATUS_LIST_CWT, &bytes);
        let crl = if scene.folder.0.exists() {
            "kept"
        } else {
            "fetched"
        };
        let expected = said(
            false,
            "unknown",
            &format!("crl {crl}, status-list missing {code}"),
        );
        assert_eq!(scene.after(Duration::ZERO), expected);
        let offline = said(false, "unknown", "crl kept, status-list missing online.offline");
        assert_eq!(scene.offline(Duration::ZERO), offline, "{code}");
    }
    scene.net.hosts.put(URI, STATUS_LIST_CWT, &good);
    assert_eq!(
        scene.after(Duration::ZERO),
        said(true, "valid", "crl kept, status-list fetched")
    );
    // One that was kept is not given up for one that is not to be relied on.
    scene.net.hosts.put(URI, STATUS_LIST_CWT, b"\xd2");
    let old = said(
        true,
        "stale",
        "crl kept, status-list kept-old status-list.malformed",
    );
    assert_eq!(scene.after(3 * HOUR), old);
}

#[test]
fn an_older_list_takes_no_newer_ones_place() {
    let scene = Scene::new(77);
    let mut newer = claims(&scene.world, Bits::One, 1);
    newer.issued_at = scene.world.now;
    scene
        .net
        .hosts
        .put(URI, STATUS_LIST_CWT, &sign(&scene.world, &newer));
    assert_eq!(
        scene.after(Duration::ZERO),
        said(false, "revoked", "crl fetched, status-list fetched")
    );
    scene.says(Bits::One, 0);
    let replayed = said(false, "revoked", "crl kept, status-list kept-old online.older");
    assert_eq!(scene.after(3 * HOUR), replayed);
    assert_eq!(scene.offline(3 * HOUR).1, "revoked");
}

#[test]
fn media_types_that_are_none_of_a_list_are_refused() {
    let scene = Scene::new(78);
    let list = sign(&scene.world, &claims(&scene.world, Bits::One, 0));
    for wrong in ["text/html", "application/json", "image/png", IDENTIFIER_LIST_CWT] {
        scene.net.hosts.put(URI, wrong, &list);
        let crl = if scene.folder.0.exists() {
            "kept"
        } else {
            "fetched"
        };
        let expected = said(
            false,
            "unknown",
            &format!("crl {crl}, status-list missing online.media-type"),
        );
        assert_eq!(scene.after(Duration::ZERO), expected, "{wrong}");
    }
    for right in [
        "application/octet-stream",
        "application/cbor",
        "Application/StatusList+CWT; v=1",
    ] {
        let scene = Scene::new(78);
        scene.net.hosts.put(URI, right, &list);
        assert_eq!(scene.after(Duration::ZERO).1, "valid", "{right}");
    }
}
