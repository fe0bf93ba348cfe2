//! `mdoc-issuer batch` as its users have it: killed at any moment, over many records, several copies each.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests: where something is not as it should be, the test is to stop"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use mdoc_core::crypto::{Curve, SecretKey};
use mdoc_core::issuer_signed::{IssuerSigned, IssuerSignedItem};
use mdoc_core::keys::{public_to_jwk, public_to_pem};
use mdoc_core::limits::Limits;
use mdoc_core::time::Timestamp;
use mdoc_core::verify::{Form, Inputs, Outcome, verify};
use mdoc_core::x509::Certificate;
use mdoc_core::x509::path::TrustAnchor;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};
use serde_json::Value as Json;

use crate::programs::{self, NOW, Workspace};

const FORMAT: &str = r#"<document-format xmlns="urn:mdoc-issuer:document-format:1" name="pass" version="1"
    doctype="com.example.pass.1" display-name="Pass">
  <namespace name="com.example.pass.1">
    <element identifier="family_name" type="tstr" required="true" source="family_name"/>
    <element identifier="seat" type="uint" source="seat"/>
  </namespace>
</document-format>"#;

fn jwk(rng: &mut ChaCha20Rng) -> String {
    public_to_jwk(SecretKey::generate(Curve::Ed25519, rng).public_key())
}

/// Records of a pass, of which every fortieth has a fault.
fn records(count: u64, copies: u32) -> String {
    let mut rng = ChaCha20Rng::from_seed([5; 32]);
    let mut text = String::new();
    for number in 1..=count {
        let keys: Vec<String> = (0..copies).map(|_| jwk(&mut rng)).collect();
        let seat = if number % 40 == 7 {
            "\"none\"".to_owned()
        } else {
            number.to_string()
        };
        let _ = writeln!(
            text,
            r#"{{"family_name": "N{number}", "seat": {seat}, "device_keys": [{}]}}"#,
            keys.join(",")
        );
    }
    text
}

fn command(space: &Workspace, more: &[&str]) -> Command {
    let mut command = Command::new(programs::program("mdoc-issuer"));
    command
        .current_dir(&space.0)
        .args(["batch", "--format", "pass.xml", "--data", "people.jsonl"]);
    command.args([
        "--signer",
        "pki/ds.pem",
        "--signer-key",
        "pki/ds.key.pem",
        "--at",
        NOW,
        "--quiet",
    ]);
    command
        .args(more)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn space(records: &str) -> Workspace {
    let space = Workspace::new();
    fs::write(space.0.join("pass.xml"), FORMAT).unwrap();
    fs::write(space.0.join("people.jsonl"), records).unwrap();
    space
}

fn results(space: &Workspace) -> Vec<Json> {
    let text = fs::read_to_string(space.0.join("out/results.jsonl")).unwrap_or_default();
    // The last line may be cut off.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn count(lines: &[Json]) -> u64 {
    lines.len().try_into().unwrap()
}

fn documents(folder: &Path, found: &mut BTreeMap<String, Vec<u8>>, root: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            documents(&path, found, root);
        } else {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            found.insert(name, fs::read(path).unwrap());
        }
    }
}

fn all_documents(space: &Workspace) -> BTreeMap<String, Vec<u8>> {
    let root = space.0.join("out");
    let mut found = BTreeMap::new();
    documents(&root.join("documents"), &mut found, &root);
    found
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout)
}

/// Everything that could link two copies: keys, salts, digests, signatures, positions.
fn marks(bytes: &[u8]) -> Vec<Vec<u8>> {
    let document = IssuerSigned::decode(bytes, &Limits::DEFAULT).unwrap();
    let mso = document.mso(&Limits::DEFAULT).unwrap();
    let mut marks = vec![
        mso.device_key_info
            .device_key
            .as_ref()
            .unwrap()
            .as_bytes()
            .to_vec(),
        document.raw()[document.raw().len() - 64..].to_vec(),
    ];
    let list = mso.status.as_ref().and_then(|status| status.status_list.as_ref());
    marks.extend(list.map(|list| list.index.to_be_bytes().to_vec()));
    for (name_space, items) in document.name_spaces() {
        for embedded in items {
            let item = IssuerSignedItem::decode(embedded.item(&Limits::DEFAULT).unwrap()).unwrap();
            marks.push(item.random.to_vec());
            marks.push(
                mso.value_digests
                    .get(name_space, item.digest_id)
                    .unwrap()
                    .as_ref()
                    .to_vec(),
            );
        }
    }
    marks
}

#[test]
fn fifty_kills_lose_and_double_no_document() {
    const RECORDS: u64 = 1_500;
    let space = space(&records(RECORDS, 2));
    let options = [
        "--copies",
        "2",
        "--out",
        "out",
        "--resume",
        "--status-list",
        "https://status.example/1",
    ];
    let options = [options.as_slice(), &["--status-index-from", "1000"]].concat();
    let mut rng = ChaCha20Rng::from_seed([6; 32]);
    let mut acknowledged: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut lines = Vec::new();
    let (mut killed, mut in_the_middle) = (0, 0);
    while killed < 50 {
        let mut child = command(&space, &options).spawn().unwrap();
        // From the start of the program to the middle of its work.
        std::thread::sleep(Duration::from_millis(rng.next_u64() % 90));
        child.kill().unwrap();
        let status = child.wait().unwrap();
        killed += 1;
        in_the_middle += u32::from(status.code().is_none());
        let now = results(&space);
        assert_eq!(
            now[..lines.len()],
            lines,
            "a line that was written stays as it was"
        );
        let there = all_documents(&space);
        for (name, bytes) in &acknowledged {
            assert_eq!(there.get(name), Some(bytes), "{name} is another one, or lost");
        }
        for document in now[lines.len()..]
            .iter()
            .filter_map(|line| line["documents"].as_array())
            .flatten()
        {
            let name = document["file"].as_str().unwrap();
            acknowledged.insert(name.to_owned(), there[name].clone());
        }
        lines = now;
        if count(&lines) == RECORDS && killed < 50 {
            // This machine is fast: begin again, so that the rest of the kills have something to interrupt.
            fs::remove_dir_all(space.0.join("out")).unwrap();
            acknowledged.clear();
            lines.clear();
        }
    }
    assert!(in_the_middle >= 40, "{in_the_middle} of 50 ended by the kill");
    let unnoted: BTreeMap<String, Vec<u8>> = all_documents(&space);
    let output = command(&space, &options).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));

    let lines = results(&space);
    assert_eq!(count(&lines), RECORDS);
    let there = all_documents(&space);
    for (name, bytes) in &unnoted {
        assert_eq!(
            there.get(name),
            Some(bytes),
            "{name} was there after the last kill and was made again"
        );
    }
    let anchor = Certificate::from_pem(&fs::read_to_string(space.0.join("pki/iaca.pem")).unwrap()).unwrap();
    let anchors = [TrustAnchor::new(anchor)];
    let inputs = Inputs::new(&anchors, Timestamp::parse(NOW).unwrap());
    let (mut named, mut seen) = (BTreeSet::new(), BTreeSet::new());
    for (line, number) in lines.iter().zip(1_u64..) {
        assert_eq!(line["record"], number);
        let expected = if number % 40 == 7 { "failed" } else { "issued" };
        assert_eq!(line["status"], expected);
        let files = line["documents"].as_array().map_or(&[][..], Vec::as_slice);
        assert_eq!(files.len(), if expected == "issued" { 2 } else { 0 });
        for file in files {
            let name = file["file"].as_str().unwrap();
            assert!(named.insert(name.to_owned()));
            let report = verify(&there[name], Form::IssuerSigned, &inputs);
            let steps = report.documents()[0].steps();
            assert!(
                !steps
                    .iter()
                    .any(|step| matches!(step.outcome, Outcome::Failed(_))),
                "{steps:?}"
            );
            for mark in marks(&there[name]) {
                assert!(seen.insert(mark), "{name} shares something with another document");
            }
        }
    }
    assert_eq!(
        named,
        there.keys().cloned().collect(),
        "a document for every line, a line for every document"
    );
    assert_eq!(fs::read_dir(space.0.join("out/.unfinished")).unwrap().count(), 0);
}

/// The most memory that a finished child took, in KiB, as `/usr/bin/env` cannot tell: asked while it waits for us.
#[cfg(target_os = "linux")]
fn peak(count: u64) -> u64 {
    let space = space(&records(count, 1));
    let mut child = command(&space, &["--out", "out", "--json"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut most = 0;
    while child.try_wait().unwrap().is_none() {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        most = most.max(kib.unwrap_or(0));
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(self::count(&results(&space)), count);
    most
}

#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_grow_with_the_number_of_records() {
    let (few, many) = (peak(1_000), peak(10_000));
    assert!(
        few > 0 && many < few + 8 * 1024,
        "{few} KiB for 1,000 records, {many} KiB for 10,000"
    );
}

#[test]
fn copies_have_nothing_in_common_but_the_person_and_the_hour() {
    let mut rng = ChaCha20Rng::from_seed([8; 32]);
    let keys: Vec<String> = (0..5).map(|_| jwk(&mut rng)).collect();
    let space = space(&format!(
        "{{\"family_name\": \"N\", \"device_keys\": [{}]}}\n",
        keys.join(",")
    ));
    let status = [
        "--status-list",
        "https://status.example/1",
        "--status-index-from",
        "0",
    ];
    let options = [&["--out", "out", "--copies", "5", "--decoys", "3"][..], &status].concat();
    for salt_last in [true, false] {
        let more = if salt_last { &["--salt-last"][..] } else { &[] };
        let _ = fs::remove_dir_all(space.0.join("out"));
        let output = command(&space, &[&options[..], more].concat()).output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
        let there = all_documents(&space);
        assert_eq!(there.len(), 5);
        let all: Vec<Vec<u8>> = there.values().flat_map(|document| marks(document)).collect();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
        let first = |key: &[u8]| {
            there
                .values()
                .all(|document| document.windows(20).any(|w| w.starts_with(key)))
        };
        assert_eq!(first(b"\xa4\x71elementIdentifier"), salt_last);
        assert_eq!(first(b"\xa4\x68digestID"), !salt_last);
    }
    let times: BTreeSet<String> = results(&space)[0]["documents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|document| document["signed"].to_string())
        .collect();
    assert_eq!(times.len(), 1);

    let twice = format!(
        "{{\"family_name\": \"N\", \"device_keys\": [{0},{0}]}}\n",
        keys[0]
    );
    fs::write(space.0.join("people.jsonl"), twice).unwrap();
    let output = command(&space, &["--copies", "2", "--out", "other"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).contains("batch.device-key-twice"),
        "{}",
        said(&output)
    );
}

#[test]
fn keys_and_pictures_come_from_their_folders_and_from_nowhere_else() {
    let space = Workspace::new();
    let at = |name: &str| space.0.join(name);
    let mut rng = ChaCha20Rng::from_seed([9; 32]);
    fs::create_dir_all(at("keys")).unwrap();
    fs::create_dir_all(at("photos")).unwrap();
    fs::copy(at("photo.jpg"), at("photos/a.jpg")).unwrap();
    for name in ["K%2F1", "K2", "K3"] {
        let key = SecretKey::generate(Curve::P256, &mut rng);
        fs::write(
            at("keys").join(format!("{name}.pem")),
            public_to_pem(key.public_key()),
        )
        .unwrap();
    }
    std::os::unix::fs::symlink(at("photo.jpg"), at("photos/out.jpg")).unwrap();
    // Nobody writes into it: whoever opens it waits for ever.
    let pipe = Command::new("mkfifo").arg(at("photos/pipe.jpg")).status();
    assert!(pipe.is_ok_and(|status| status.success()));
    let rest = "1994-05-17,Authority,\"[]\"";
    let mut table =
        "document_number,family_name,given_name,birth_date,issuing_authority,driving_privileges,portrait\n"
            .to_owned();
    for (id, picture) in [
        ("K/1", "a.jpg"),
        ("K2", "../photo.jpg"),
        ("K3", "out.jpg"),
        ("K4", "no.jpg"),
        ("K2", "a.jpg"),
        ("K5", "pipe.jpg"),
    ] {
        let _ = writeln!(table, "{id},de Vries,Anna Maria,{rest},{picture}");
    }
    fs::write(at("people.csv"), table).unwrap();
    let arguments = [
        "mdoc-issuer",
        "batch",
        "--format",
        "partial-iso-18013-5",
        "--data",
        "people.csv",
        "--out",
        "out",
        "--id-field",
        "document_number",
        "--portraits",
        "photos",
        "--device-keys",
        "keys",
        "--signer",
        "pki/ds.pem",
        "--signer-key",
        "pki/ds.key.pem",
        "--at",
        NOW,
    ];
    let output = programs::run(&space.0, &arguments, b"");
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(at("out/documents/K%2F1.mdoc").exists());
    let codes: Vec<Vec<String>> = results(&space)
        .iter()
        .map(|line| {
            let errors = line["errors"].as_array().map_or(&[][..], Vec::as_slice);
            errors
                .iter()
                .map(|error| error["code"].as_str().unwrap().to_owned())
                .collect()
        })
        .collect();
    let expected: [&[&str]; 6] = [
        &[],
        &["batch.path-outside"],
        &["batch.path-outside"],
        &["batch.device-key-missing", "batch.file-unreadable"],
        &["batch.id-twice"],
        &["batch.device-key-missing", "batch.file-unreadable"],
    ];
    assert_eq!(codes, expected);
}
