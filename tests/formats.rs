//! Every shipped format through the programs: its sample is issued, verified and shown; its faulty one is refused.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use mdoc_issuer::format::{Catalogue, Format};
use serde_json::Value as Json;

use crate::programs::{NOW, Workspace, run};

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../document-formats/samples")
}

/// `issue` with the data of a file of the samples' folder.
fn issue(space: &Workspace, format: &Format, data: &str) -> (Option<i32>, String) {
    let portrait = samples().join("portrait.jpg");
    let data = samples().join(data);
    let mut arguments = vec!["mdoc-issuer", "issue", "--format", &format.name, "--at", NOW];
    arguments.extend(["--data", data.to_str().unwrap(), "--out", "document.mdoc"]);
    arguments.extend(["--device-key", "wallet/device.pub.pem"]);
    arguments.extend(["--signer", "pki/ds.pem", "--signer-key", "pki/ds.key.pem"]);
    let has_portrait = format
        .elements()
        .any(|(_, element)| element.identifier == "portrait");
    if has_portrait && !std::fs::read_to_string(&data).unwrap().contains("\"portrait\"") {
        arguments.extend(["--portrait", portrait.to_str().unwrap()]);
    }
    let output = run(&space.0, &arguments, b"");
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

fn json(space: &Workspace, arguments: &[&str]) -> Json {
    let output = run(&space.0, arguments, b"");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Namespace and identifier of everything that a list of elements has.
fn identifiers(elements: &Json) -> BTreeSet<String> {
    elements
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(namespace, members)| {
            let members = members.as_object().unwrap().keys();
            members.map(move |identifier| format!("{namespace} {identifier}"))
        })
        .collect()
}

#[test]
fn the_sample_of_every_format_is_issued_verified_and_shown() {
    let catalogue = Catalogue::shipped();
    assert_eq!(catalogue.entries().len(), 11);
    for entry in catalogue.entries() {
        let (space, format) = (Workspace::new(), &entry.format);
        let (status, words) = issue(&space, format, &format!("{}.json", format.name));
        assert_eq!(status, Some(0), "{}: {words}", format.name);

        let check = [
            "mdoc-verifier",
            "check",
            "document.mdoc",
            "--trust",
            "pki",
            "--at",
            NOW,
            "--json",
        ];
        let verdict = json(&space, &check);
        assert_eq!(verdict["accepted"], true, "{}: {verdict}", format.name);
        let document = &verdict["documents"][0];
        assert_eq!(document["docType"], format.doctype.as_str());
        let found = identifiers(&document["elements"]);
        for (namespace, element) in format.elements().filter(|(_, element)| element.required) {
            let wanted = format!("{namespace} {}", element.identifier);
            let stem = wanted.trim_end_matches("NN");
            assert!(
                found.iter().any(|name| name.starts_with(stem)),
                "{}: {wanted}",
                format.name
            );
        }

        let shown = run(&space.0, &["mdoc-issuer", "inspect", "document.mdoc"], b"");
        assert!(shown.status.success());
        let shown = String::from_utf8_lossy(&shown.stdout);
        for name in &found {
            let identifier = name.split(' ').nth(1).unwrap();
            assert!(
                shown.contains(identifier),
                "{}: {identifier} is not shown",
                format.name
            );
        }
    }
}

#[test]
fn the_faulty_sample_of_every_format_is_refused_for_all_its_faults_at_once() {
    for entry in Catalogue::shipped().entries() {
        let (space, format) = (Workspace::new(), &entry.format);
        let (status, words) = issue(&space, format, &format!("faulty/{}.json", format.name));
        assert_eq!(status, Some(2), "{}: {words}", format.name);
        let faults = words.lines().filter(|line| line.ends_with(']')).count();
        assert!(faults >= 5, "{}: {faults} faults: {words}", format.name);
        assert!(!space.0.join("document.mdoc").exists());
    }
}
