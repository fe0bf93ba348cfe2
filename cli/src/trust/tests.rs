use super::*;
use crate::scratch::Folder;

const ROOT: &str = include_str!("../../../tests/vectors/certs/us-production-iaca/US-AZ-MDL-CA.pem");

#[test]
fn trap_35_one_broken_certificate_does_not_lose_the_list() {
    let folder = Folder::new("trust-bundle");
    let broken = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    let bundle = folder.with("bundle.pem", format!("{broken}{ROOT}"), false);
    let anchors = trust_anchors(&[&bundle]).unwrap();
    assert_eq!(anchors.certificates.len(), 1);
    assert!(
        anchors.warnings[0].contains("broken and passed over"),
        "{:?}",
        anchors.warnings
    );
    let alone = folder.with("alone.pem", broken, false);
    assert!(trust_anchors(&[&alone]).unwrap_err().message.contains("broken"));
}

#[test]
fn anchors_from_a_folder_one_level_deep() {
    let folder = Folder::new("trust-anchors");
    fs::create_dir_all(folder.0.join("nl/deeper")).unwrap();
    let root = folder.with("root.pem", ROOT, false);
    folder.with("nl/same.CRT", ROOT, false);
    folder.with("nl/deeper/unseen.pem", "nothing", false);
    folder.with("iaca.key.pem", "never opened", false);
    folder.with("readme.txt", "not looked at", false);
    let note = folder.with("note.pem", "not a certificate", false);
    let anchors = trust_anchors(&[&folder.0]).unwrap();
    assert_eq!(anchors.certificates.len(), 1, "the same one twice counts once");
    assert_eq!(
        anchors.warnings,
        [format!(
            "{} holds no certificate and is passed over",
            note.display()
        )]
    );
    assert_eq!(trust_anchors(&[&root]).unwrap().certificates.len(), 1);
    assert!(trust_anchors(&[&note]).is_err());
    assert!(trust_anchors(&[folder.0.join("nl/deeper")]).is_err());
}

#[test]
fn certificates_that_take_long_to_tell_from_anchors_are_refused() {
    let read = |text| Certificate::from_pem(text).unwrap();
    let signer = read(include_str!("../../../tests/vectors/certs/utopia-test/ds.pem"));
    let root = read(include_str!("../../../tests/vectors/certs/utopia-test/iaca.pem"));
    let of = |named: &[[u8; 32]], most: usize| {
        let mut anchors = TrustAnchors {
            certificates: vec![signer.clone(), root.clone()],
            warnings: Vec::new(),
        };
        let told = anchors.leave_out_leaves(named, most);
        told.map(|()| anchors.certificates)
    };
    assert_eq!(of(&[], 1).unwrap(), core::slice::from_ref(&root));
    assert_eq!(of(&[signer.fingerprint()], 0).unwrap().len(), 2);
    let refused = of(&[], 0).unwrap_err();
    assert!(
        refused.message.contains("more than 0 verifications"),
        "{refused:?}"
    );
}
