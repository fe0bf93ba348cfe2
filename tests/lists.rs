//! Lists of issuing authorities (VICAL) in the hands of the programs: trusted, kept, refused, made.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "support for tests: where something is not as it should be, the test is to stop"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use integration::vectors;
use mdoc_core::crypto::{Curve, SecretKey};
use mdoc_core::keys::secret_to_pem;
use mdoc_core::seams::SoftwareKey;
use mdoc_core::time::Timestamp;
use mdoc_core::verify::MDL_DOC_TYPE;
use mdoc_core::vical::build::{Draft, Entry};
use mdoc_core::x509::build::{IacaRoot, OtherCa, Validity, VicalSigner};
use mdoc_core::x509::{Certificate, GeneralName};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use serde_json::Value;

use crate::programs::{NOW, Workspace, program, run};
use crate::python;

const DAY: Duration = Duration::from_secs(86_400);
const PID: &str = "eu.europa.ec.eudi.pid.1";

/// A provider of lists.
struct Provider {
    root: Certificate,
    signer: Certificate,
    key: SoftwareKey,
    /// An authority beside the one that issues the documents of the folder.
    other: Certificate,
}

impl Provider {
    /// Providers of all seeds have the same names.
    fn new(seed: u8) -> Self {
        let mut rng = ChaCha20Rng::from_seed([seed; 32]);
        let now = Timestamp::parse(NOW).unwrap();
        let validity = Validity {
            from: now.minus(30 * DAY),
            until: now.plus(1_000 * DAY),
        };
        let keys = [(); 3].map(|()| SoftwareKey::new(SecretKey::generate(Curve::P256, &mut rng)).unwrap());
        let [root_key, key, other_key] = keys;
        let root = OtherCa {
            country: Some("NL".to_owned()),
            common_name: "Example Trust Root".to_owned(),
            organization: Some("Example Trust".to_owned()),
            validity,
        };
        let root = root.build(&root_key, &mut rng).unwrap();
        let signer = VicalSigner {
            country: "NL".to_owned(),
            organization: "Example Trust".to_owned(),
            common_name: "Example Trust List Signer".to_owned(),
            validity,
            mdoc_purpose: false,
            crl_uri: "https://trust.example/root.crl".to_owned(),
            ocsp_uri: None,
        };
        let signer = signer
            .build(
                mdoc_core::seams::Signer::public_key(&key),
                &root,
                &root_key,
                &mut rng,
            )
            .unwrap();
        let other = IacaRoot {
            country: "BE".to_owned(),
            state: None,
            common_name: "Other IACA".to_owned(),
            organization: None,
            validity,
            contacts: vec![GeneralName::Uri("https://other.example/".to_owned())],
            crl_uri: "https://other.example/iaca.crl".to_owned(),
        };
        let other = other.build(&other_key, &mut rng).unwrap();
        Self {
            root,
            signer,
            key,
            other,
        }
    }

    /// The list of that number, made that many days after the folder.
    fn list(&self, issue_id: u64, days: i32, entries: &[(&Certificate, &str)]) -> Vec<u8> {
        let now = Timestamp::parse(NOW).unwrap();
        let by = days.unsigned_abs() * DAY;
        let date = if days < 0 { now.minus(by) } else { now.plus(by) };
        let entry = |(certificate, doc_type): &(&Certificate, &str)| {
            Entry::new((*certificate).clone(), vec![(*doc_type).to_owned()])
        };
        let draft = Draft {
            provider: "Example Trust".to_owned(),
            issue_id: Some(issue_id),
            date,
            next_update: Some(date.plus(30 * DAY)),
            not_after: None,
            url: None,
            entries: entries.iter().map(entry).collect(),
        };
        draft.sign(&self.key, &[self.signer.der()]).unwrap()
    }
}

/// The files that the folder of the programs has of this: name, content, and whether it is a private key.
pub(crate) fn files(iaca: &Certificate) -> Vec<(&'static str, Vec<u8>, bool)> {
    let provider = Provider::new(50);
    let stranger = Provider::new(60);
    let both = [(iaca, MDL_DOC_TYPE), (&provider.other, PID)];
    let list = provider.list(7, 0, &both);
    let mut tampered = list.clone();
    let place = tampered.len() - 200;
    tampered[place] ^= 1;
    // The last entry's certificate begins with another byte; signed all the same.
    let broken = {
        let mut draft = both.to_vec();
        draft.push((&stranger.other, MDL_DOC_TYPE));
        let plain = provider.list(9, 0, &draft);
        resigned(&provider, &plain, stranger.other.der())
    };
    let aamva = |name: &str| fs::read(vectors::folder().join("vical").join(name)).unwrap();
    let deviating = vectors::folder().join("certs/us-production-iaca/US-AZ-MDL-CA.pem");
    let toml = format!(
        "[[entry]]\ncertificate = \"../pki/iaca.pem\"\ndocTypes = [\"{MDL_DOC_TYPE}\", \"{PID}\"]\n\
         issuingAuthority = \"RDW\"\n\n[[entry]]\ncertificate = \"other.pem\"\ndocTypes = [\"{PID}\"]\n"
    );
    vec![
        ("lists/provider.pem", provider.root.to_pem().into_bytes(), false),
        ("lists/vical.pem", provider.signer.to_pem().into_bytes(), false),
        (
            "lists/vical.key.pem",
            secret_to_pem(provider.key.secret()).as_bytes().to_vec(),
            true,
        ),
        ("lists/other.pem", provider.other.to_pem().into_bytes(), false),
        ("lists/deviating.pem", fs::read(deviating).unwrap(), false),
        ("lists/list.toml", toml.into_bytes(), false),
        ("lists/old.vical", provider.list(6, -1, &both[..1]), false),
        ("lists/pid.vical", provider.list(8, 0, &[(iaca, PID)]), false),
        ("lists/newer.vical", provider.list(10, 1, &both), false),
        ("lists/stranger.vical", stranger.list(7, 0, &both), false),
        ("lists/tampered.vical", tampered, false),
        ("lists/broken.vical", broken, false),
        ("lists/list.vical", list, false),
        ("lists/aamva.cbor", aamva("aamva-2025-11-18.cbor"), false),
        ("lists/aamva.pem", aamva("aamva-2025-11-18.ca0.pem"), false),
    ]
}

/// The same list with one certificate broken, signed again.
fn resigned(provider: &Provider, list: &[u8], certificate: &[u8]) -> Vec<u8> {
    use mdoc_core::cose::{protected_header, to_be_signed, write_sign1};
    use mdoc_core::limits::Limits;
    use mdoc_core::seams::Signer as _;
    let decoded = mdoc_core::vical::SignedVical::decode(list, &Limits::DEFAULT).unwrap();
    let mut payload = decoded.payload().to_vec();
    let place = payload
        .windows(certificate.len())
        .position(|window| window == certificate)
        .unwrap();
    payload[place] = 0x31;
    let protected = protected_header(provider.key.algorithm());
    let signature = provider.key.sign(&to_be_signed(&protected, &payload)).unwrap();
    let mut out = Vec::new();
    write_sign1(
        &mut out,
        &protected,
        &[provider.signer.der()],
        Some(&payload),
        &signature,
    );
    out
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

/// Checks the licence of the folder, trusting a list.
fn check(space: &Workspace, list: &str, more: &[&str]) -> Output {
    let mut arguments = vec!["mdoc-verifier", "check", "licence.mdoc", "--at", NOW];
    arguments.extend(["--vical-root", "lists/provider.pem", "--trust", list]);
    arguments.extend(more);
    run(&space.0, &arguments, b"")
}

fn stored(space: &Workspace) -> Vec<Vec<u8>> {
    let listed = fs::read_dir(space.0.join("state")).unwrap();
    listed
        .map(|file| fs::read(file.unwrap().path()).unwrap())
        .collect()
}

#[test]
fn a_root_that_is_listed_for_other_documents_is_not_trusted_for_a_licence() {
    let space = Workspace::new();
    let code = |output: &Output| output.status.code();
    let accepted = check(&space, "lists/list.vical", &[]);
    assert_eq!(code(&accepted), Some(0), "{}", words(&accepted));
    let refused = check(&space, "lists/pid.vical", &["--json"]);
    assert_eq!(code(&refused), Some(1), "{}", words(&refused));
    let report: Value = serde_json::from_slice(&refused.stdout).unwrap();
    let steps = report["documents"][0]["steps"].as_array().unwrap();
    let failed: Vec<&Value> = steps.iter().filter(|step| step["outcome"] == "failed").collect();
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert_eq!(failed[0]["id"], "anchor-doctype");
    assert_eq!(failed[0]["code"], "anchor.doctype");
    // Whoever gives the root by itself trusts it for everything.
    let mixed = check(&space, "lists/pid.vical", &["--trust", "pki/iaca.pem"]);
    assert_eq!(code(&mixed), Some(0), "{}", words(&mixed));
}

#[test]
fn a_list_that_is_not_accepted_is_an_error_and_never_partial_trust() {
    let space = Workspace::new();
    for (list, expected) in [
        ("lists/tampered.vical", "vical.signature.invalid"),
        ("lists/stranger.vical", "vical.chain.signature"),
    ] {
        // The root beside it would do.
        let output = check(&space, list, &["--trust", "pki/iaca.pem"]);
        assert_eq!(output.status.code(), Some(2), "{}", words(&output));
        assert!(words(&output).contains(expected), "{}", words(&output));
        assert!(output.stdout.is_empty());
    }
    let arguments = ["mdoc-verifier", "check", "licence.mdoc", "--at", NOW];
    let without_root = [&arguments[..], &["--trust", "pki", "--trust", "lists/list.vical"]].concat();
    let output = run(&space.0, &without_root, b"");
    assert_eq!(output.status.code(), Some(2));
    assert!(words(&output).contains("--vical-root"), "{}", words(&output));
    // A folder of lists, one of them damaged: not passed over.
    fs::create_dir(space.0.join("trusted")).unwrap();
    fs::copy(space.0.join("lists/list.vical"), space.0.join("trusted/a.vical")).unwrap();
    assert_eq!(check(&space, "trusted", &[]).status.code(), Some(0));
    fs::copy(
        space.0.join("lists/tampered.vical"),
        space.0.join("trusted/b.vical"),
    )
    .unwrap();
    assert_eq!(check(&space, "trusted", &[]).status.code(), Some(2));
    fs::write(space.0.join("trusted/b.vical"), "nothing").unwrap();
    assert_eq!(check(&space, "trusted", &[]).status.code(), Some(2));
    // Two lists of one provider could contradict each other.
    let two = check(&space, "lists/list.vical", &["--trust", "lists/old.vical"]);
    assert_eq!(two.status.code(), Some(2));
    assert!(words(&two).contains("may contradict"), "{}", words(&two));
}

#[test]
fn an_older_list_is_refused_once_a_newer_one_was_accepted() {
    let space = Workspace::new();
    let state = ["--vical-state", "state"];
    let bytes = |name: &str| fs::read(space.0.join(name)).unwrap();
    assert_eq!(check(&space, "lists/old.vical", &state).status.code(), Some(0));
    assert_eq!(stored(&space), [bytes("lists/old.vical")]);
    assert_eq!(check(&space, "lists/list.vical", &state).status.code(), Some(0));
    assert_eq!(stored(&space), [bytes("lists/list.vical")]);
    let old = check(&space, "lists/old.vical", &state);
    assert_eq!(old.status.code(), Some(2));
    for code in ["vical.rollback.issue-id", "vical.rollback.date"] {
        assert!(words(&old).contains(code), "{}", words(&old));
    }
    // Nor does one that is refused for another reason change what is known.
    assert_eq!(
        check(&space, "lists/tampered.vical", &state).status.code(),
        Some(2)
    );
    assert_eq!(stored(&space), [bytes("lists/list.vical")]);
    let verify = |list: &str, at: &str| {
        let arguments = [
            "mdoc-verifier",
            "vical",
            "verify",
            list,
            "--root",
            "lists/provider.pem",
        ];
        let arguments = [&arguments[..], &["--at", at, "--state", "state"]].concat();
        run(&space.0, &arguments, b"").status.code()
    };
    assert_eq!(verify("lists/old.vical", NOW), Some(1));
    assert_eq!(verify("lists/list.vical", NOW), Some(0), "the same one again");
    assert_eq!(verify("lists/newer.vical", NOW), Some(1), "made tomorrow");
    assert_eq!(verify("lists/newer.vical", "2026-06-03T00:00:00Z"), Some(0));
    assert_eq!(stored(&space), [bytes("lists/newer.vical")]);
}

#[test]
fn what_a_crash_leaves_behind_brings_no_older_list_back() {
    let space = Workspace::new();
    let state = ["--vical-state", "state"];
    assert_eq!(check(&space, "lists/list.vical", &state).status.code(), Some(0));
    let folder = space.0.join("state");
    let name = fs::read_dir(&folder)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .file_name();
    let name = name.into_string().unwrap();
    // Cut off while a newer list was written: that one has no name yet.
    fs::write(folder.join(format!(".{name}.99-0.tmp")), b"\x84\x43").unwrap();
    // Cut off before the older one was removed: both are there, and the newer one counts.
    let older = name.rsplit_once('-').unwrap().0.to_owned() + "-0000000000000000.vical";
    fs::copy(space.0.join("lists/old.vical"), folder.join(&older)).unwrap();
    let refused = check(&space, "lists/old.vical", &state);
    assert_eq!(refused.status.code(), Some(2), "{}", words(&refused));
    assert_eq!(check(&space, "lists/list.vical", &state).status.code(), Some(0));
    // What was kept and cannot be read any more is not passed over: nobody knows what it was.
    fs::write(folder.join(&name), b"\x84\x43").unwrap();
    let damaged = check(&space, "lists/list.vical", &state);
    assert_eq!(damaged.status.code(), Some(2));
    assert!(words(&damaged).contains("accepted before"), "{}", words(&damaged));
}

#[test]
fn programs_at_once_and_killed_ones_never_bring_an_older_list_back() {
    let space = Workspace::new();
    let start = |list: &str| {
        let mut command = Command::new(program("mdoc-verifier"));
        command.args([
            "vical",
            "verify",
            list,
            "--root",
            "lists/provider.pem",
            "--state",
            "state",
        ]);
        command.args(["--at", NOW]).current_dir(&space.0);
        command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    };
    let lists = ["lists/old.vical", "lists/list.vical"];
    for round in 0..6_u32 {
        let mut running: Vec<_> = (0..6).map(|index| start(lists[index % 2])).collect();
        std::thread::sleep(Duration::from_millis(u64::from(5 * round)));
        // Some are cut off wherever they are.
        for child in &mut running[..4] {
            let _ = child.kill();
        }
        for child in &mut running {
            child.wait().unwrap();
        }
        // The last one of the newer list was left alone.
        let refused = check(&space, "lists/old.vical", &["--vical-state", "state"]);
        assert_eq!(refused.status.code(), Some(2), "{round}: {}", words(&refused));
        assert!(words(&refused).contains("vical.rollback"), "{}", words(&refused));
        let accepted = check(&space, "lists/list.vical", &["--vical-state", "state"]);
        assert_eq!(accepted.status.code(), Some(0), "{round}: {}", words(&accepted));
        fs::remove_dir_all(space.0.join("state")).unwrap();
    }
}

#[test]
fn a_list_that_was_made_is_trusted_and_grows() {
    let space = Workspace::new();
    let make = |more: &[&str]| {
        let arguments = ["mdoc-issuer", "vical", "make", "--provider", "Example Trust"];
        let signer = [
            "--signer",
            "lists/vical.pem",
            "--signer-key",
            "lists/vical.key.pem",
        ];
        let rest = ["--root", "lists/provider.pem", "--next-update", "30d"];
        run(&space.0, &[&arguments[..], &signer, &rest, more].concat(), b"")
    };
    let first = [
        "--iaca",
        "pki/iaca.pem",
        "--issue-id",
        "1",
        "--date",
        NOW,
        "--out",
        "made.vical",
    ];
    let output = make(&first);
    assert_eq!(output.status.code(), Some(0), "{}", words(&output));
    assert_eq!(check(&space, "made.vical", &[]).status.code(), Some(0));
    let tomorrow = "2026-06-02T12:00:00Z";
    let second = [
        "--list",
        "lists/list.toml",
        "--previous",
        "made.vical",
        "--date",
        tomorrow,
        "--out",
        "next.vical",
    ];
    let output = make(&second);
    assert_eq!(output.status.code(), Some(0), "{}", words(&output));
    assert!(words(&output).contains("issue 2"), "{}", words(&output));
    let list = run(
        &space.0,
        &["mdoc-verifier", "vical", "list", "next.vical", "--json"],
        b"",
    );
    let list: Value = serde_json::from_slice(&list.stdout).unwrap();
    assert_eq!(
        list["entries"][0]["docTypes"],
        serde_json::json!([MDL_DOC_TYPE, PID])
    );
    assert_eq!(list["entries"][0]["issuingAuthority"], "RDW");
    assert_eq!(list["entries"][0]["issuingCountry"], "NL");
    let diff = run(
        &space.0,
        &["mdoc-verifier", "vical", "diff", "made.vical", "next.vical"],
        b"",
    );
    assert_eq!(diff.status.code(), Some(1));
    let diff = run(
        &space.0,
        &["mdoc-verifier", "vical", "diff", "made.vical", "made.vical"],
        b"",
    );
    assert_eq!(diff.status.code(), Some(0));
    // Neither number nor date may stand still, and the wrong key signs nothing.
    let before = space.list();
    for wrong in [
        &[
            "--list",
            "lists/list.toml",
            "--previous",
            "next.vical",
            "--issue-id",
            "2",
            "--date",
            "2026-06-03",
        ][..],
        &[
            "--list",
            "lists/list.toml",
            "--previous",
            "next.vical",
            "--date",
            tomorrow,
        ],
        &["--iaca", "lists/deviating.pem", "--issue-id", "1", "--date", NOW],
        &[
            "--iaca",
            "pki/iaca.pem",
            "--issue-id",
            "1",
            "--date",
            NOW,
            "--root",
            "pki/iaca.pem",
            "--signer-key",
            "pki/iaca.key.pem",
        ],
    ] {
        let output = make(&[wrong, &["--out", "wrong.vical"]].concat());
        assert_ne!(output.status.code(), Some(0), "{wrong:?}");
        assert!(space.list() == before, "{wrong:?} wrote something");
    }
}

/// Python's cbor2 and cryptography read what we made, and the list of AAMVA.
#[test]
fn an_independent_reader_finds_the_same_in_our_lists() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("second-opinion/vical.py");
    let Some(python) = python::with(&["cbor2", "cryptography"]) else {
        return;
    };
    let space = Workspace::new();
    for (list, root) in [
        ("lists/list.vical", "lists/provider.pem"),
        ("lists/newer.vical", "lists/provider.pem"),
        ("lists/aamva.cbor", "lists/aamva.pem"),
    ] {
        let theirs = Command::new(python)
            .arg(&script)
            .args([list, root])
            .current_dir(&space.0)
            .output()
            .unwrap();
        assert!(theirs.status.success(), "{list}: {}", words(&theirs));
        let theirs: Value = serde_json::from_slice(&theirs.stdout).unwrap();
        let ours = ["mdoc-verifier", "vical", "list", list, "--at", NOW, "--json"];
        let ours: Value = serde_json::from_slice(&run(&space.0, &ours, b"").stdout).unwrap();
        for member in ["version", "provider", "issueId", "date", "nextUpdate", "notAfter"] {
            assert_eq!(theirs[member], ours[member], "{list}: {member}");
        }
        let (theirs, ours) = (
            theirs["entries"].as_array().unwrap(),
            ours["entries"].as_array().unwrap(),
        );
        assert_eq!(theirs.len(), ours.len());
        for (theirs, ours) in theirs.iter().zip(ours) {
            assert_eq!(theirs["docTypes"], ours["docTypes"], "{list}");
            for member in ["sha256", "serialNumber", "notBefore", "notAfter"] {
                assert_eq!(theirs[member], ours["certificate"][member], "{list}: {member}");
            }
        }
        // They see a changed byte too.
        let mut changed = fs::read(space.0.join(list)).unwrap();
        let place = changed.len() - 300;
        changed[place] ^= 1;
        fs::write(space.0.join("changed.vical"), changed).unwrap();
        let refused = Command::new(python)
            .arg(&script)
            .args(["changed.vical", root])
            .current_dir(&space.0)
            .output()
            .unwrap();
        assert_eq!(refused.status.code(), Some(1), "{list}: {}", words(&refused));
    }
}
