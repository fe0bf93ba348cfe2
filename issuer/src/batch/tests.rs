use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use mdoc_core::crypto::{Curve, RustCrypto, SecretKey};
use mdoc_core::seams::SoftwareKey;
use mdoc_core::time::Timestamp;
use mdoc_core::x509::GeneralName;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use serde_json::json;

use super::folder::{Folder, FolderError, Identity};
use super::*;
use crate::pki::{self, Authority, Terms};
use crate::signer::Deviations;

/// Documents in memory.
#[derive(Default)]
struct Memory {
    committed: Mutex<Vec<Outcome<Vec<u8>>>>,
    /// The record at which the disk is full.
    full_at: Option<u64>,
    /// The record at which it panics.
    panics_at: Option<u64>,
    /// How long the disk lets a commit wait.
    slow: Duration,
    /// Documents taken in.
    kept: AtomicU64,
    /// How many of them while a commit waited.
    during_commits: AtomicU64,
}

impl Sink for Memory {
    type Kept = Vec<u8>;

    fn find(&self, _: Name<'_>) -> Result<Option<(Vec<u8>, Vec<u8>)>, SinkError> {
        Ok(None)
    }

    fn keep(&self, name: Name<'_>, document: &[u8]) -> Result<Vec<u8>, SinkError> {
        if self.full_at == Some(name.number) {
            return Err(SinkError {
                what: "no".to_owned(),
                cause: std::io::ErrorKind::StorageFull.into(),
            });
        }
        assert_ne!(self.panics_at, Some(name.number), "as it was told to");
        self.kept.fetch_add(1, Ordering::SeqCst);
        Ok(document.to_vec())
    }

    fn commit(&self, outcomes: Vec<Outcome<Vec<u8>>>) -> Result<(), SinkError> {
        let before = self.kept.load(Ordering::SeqCst);
        std::thread::sleep(self.slow);
        let during = self.kept.load(Ordering::SeqCst) - before;
        self.during_commits.fetch_add(during, Ordering::SeqCst);
        self.committed.lock().unwrap().extend(outcomes);
        Ok(())
    }
}

fn rng(seed: u8) -> ChaCha20Rng {
    ChaCha20Rng::from_seed([seed; 32])
}

fn now() -> Timestamp {
    Timestamp::parse("2026-06-01T12:00:00Z").unwrap()
}

fn key(seed: u8) -> PublicKey {
    SecretKey::generate(Curve::P256, &mut rng(seed))
        .public_key()
        .clone()
}

fn record(number: u64, keys: &[u8]) -> Record {
    Record {
        number,
        line: number + 1,
        id: Some(number.to_string()),
        data: Some(json!({"family_name": "Ada"})),
        portrait: None,
        device_keys: keys.iter().map(|seed| key(*seed)).collect(),
        faults: Vec::new(),
    }
}

const FORMAT: &str = r#"<document-format xmlns="urn:mdoc-issuer:document-format:1" name="badge" version="1"
    doctype="com.example.badge.1" display-name="Badge">
  <namespace name="com.example.badge.1">
    <element identifier="family_name" type="tstr" required="true" source="family_name"/>
  </namespace>
</document-format>"#;

/// Runs a batch as of noon, with a signer of this country.
fn batch<S: Sink>(records: Vec<Record>, sink: &S, change: impl FnOnce(&mut Plan<'_>)) -> Result<Tally, Stop> {
    let terms = |name: &str| Terms {
        common_name: name.to_owned(),
        organization: None,
        from: Timestamp::parse("2026-01-01T00:00:00Z").unwrap(),
        lifetime: None,
        contacts: vec![GeneralName::Uri("https://a.example/".to_owned())],
        crl_uri: Some("https://a.example/crl".to_owned()),
        curve: Curve::P256,
    };
    let root = pki::iaca("NL", None, &terms("Root"), &mut rng(1)).unwrap();
    let root_key = SoftwareKey::new(root.key.clone()).unwrap();
    let above = Authority {
        certificate: &root.certificate,
        signer: &root_key,
    };
    let made = pki::document_signer(&terms("Signer"), above, &mut rng(2)).unwrap();
    let signer_key = SoftwareKey::new(made.key).unwrap();
    let signer = DocumentSigner::new(
        made.certificate,
        &signer_key,
        "com.example.badge.1",
        Deviations::Warn,
    )
    .unwrap();
    let format = Format::read(FORMAT.as_bytes()).unwrap();
    let mut plan = Plan {
        format: &format,
        signer: &signer,
        valid_for: Duration::from_secs(30 * 86_400),
        issue_date: None,
        authority: None,
        key_authorizations: KeyAuthorizations::default(),
        digest_algorithm: DigestAlgorithm::Sha256,
        decoys: 0,
        copies: 1,
        item_order: ItemOrder::Customary,
        places: None,
        mode: Mode::Issue,
        done: 0,
        threads: 3,
    };
    change(&mut plan);
    let surroundings = Surroundings {
        clock: &now(),
        random: &|| Box::new(rng(3)),
        backend: &RustCrypto,
    };
    run(
        records.into_iter().map(Ok),
        &plan,
        sink,
        &surroundings,
        &mut |_| {},
    )
}

fn identity() -> Identity {
    Identity {
        input: "00".to_owned(),
        records: 3,
        copies: 1,
        options: vec![("--valid-for".to_owned(), "30d".to_owned())],
        places_key: "11".to_owned(),
    }
}

struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("mdoc-batch-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn results_come_in_the_order_of_the_records_and_one_that_fails_stops_no_other() {
    let mut records: Vec<Record> = (1..=600).map(|number| record(number, &[9])).collect();
    records[3].data = Some(json!({"famly_name": "Ada"}));
    records[3]
        .faults
        .push(Problem::KeyMissing { copy: None }.of("device_key"));
    let memory = Memory::default();
    let tally = batch(records, &memory, |_| {}).unwrap();
    assert_eq!((tally.good, tally.failed), (599, 1));
    let committed = memory.committed.into_inner().unwrap();
    assert!(
        committed
            .iter()
            .zip(1..)
            .all(|(outcome, number)| outcome.number == number)
    );
    let faults = committed[3].result.as_ref().unwrap_err();
    let codes: Vec<&str> = faults.iter().map(|fault| fault.code).collect();
    assert_eq!(
        codes,
        ["batch.device-key-missing", "fill.missing", "fill.unknown-field"],
        "all together"
    );
}

#[test]
fn while_the_disk_is_waited_for_the_next_documents_are_made_and_none_is_lost() {
    let records: Vec<Record> = (1..=600).map(|number| record(number, &[9])).collect();
    let memory = Memory {
        slow: Duration::from_millis(30),
        ..Memory::default()
    };
    let tally = batch(records, &memory, |plan| plan.threads = 2).unwrap();
    assert_eq!((tally.good, tally.failed), (600, 0));
    let committed = memory.committed.into_inner().unwrap();
    let numbers: Vec<u64> = committed.iter().map(|outcome| outcome.number).collect();
    assert_eq!(numbers, (1..=600).collect::<Vec<_>>());
    let during = memory.during_commits.into_inner();
    assert!(during > 0, "commits hold up those that sign");
}

#[test]
fn what_is_not_the_fault_of_a_record_stops_the_batch_there() {
    let memory = Memory {
        full_at: Some(5),
        ..Memory::default()
    };
    let records = (1..=100).map(|number| record(number, &[9])).collect();
    assert!(matches!(batch(records, &memory, |_| {}), Err(Stop::Sink(_))));
    assert_eq!(
        memory.committed.into_inner().unwrap().len(),
        4,
        "those before, none after"
    );

    let memory = Memory::default();
    let records = (1..=3).map(|number| record(number, &[9])).collect();
    let too_long = |plan: &mut Plan<'_>| plan.valid_for = Duration::from_secs(20 * 365 * 86_400);
    assert!(matches!(batch(records, &memory, too_long), Err(Stop::Signer(_))));
    assert!(memory.committed.into_inner().unwrap().is_empty());
}

#[test]
fn a_panic_at_a_record_stops_the_batch_there_and_nobody_waits_for_it() {
    let memory = Memory {
        panics_at: Some(3),
        ..Memory::default()
    };
    let records = (1..=1_500).map(|number| record(number, &[9])).collect();
    assert!(matches!(batch(records, &memory, |_| {}), Err(Stop::Lost)));
    assert_eq!(memory.committed.into_inner().unwrap().len(), 2, "those before");
}

#[test]
fn a_check_makes_no_document() {
    let memory = Memory {
        full_at: Some(1),
        ..Memory::default()
    };
    let tally = batch(vec![record(1, &[9])], &memory, |plan| plan.mode = Mode::Check).unwrap();
    assert_eq!(tally.good, 1);
    assert_eq!(memory.committed.into_inner().unwrap()[0].result, Ok(Vec::new()));
}

#[test]
fn a_document_without_a_result_is_taken_over_and_a_strange_one_is_not() {
    let scratch = Scratch::new("adopted");
    let records = || {
        (1..=3_u8)
            .map(|number| record(number.into(), &[number + 20]))
            .collect::<Vec<_>>()
    };
    let (folder, ..) = Folder::open(scratch.path(), identity(), false).unwrap();
    batch(records(), &folder, |_| {}).unwrap();
    drop(folder);
    let place = |number: u64| scratch.path().join(format!("documents/{number}.mdoc"));
    let before: Vec<_> = (1..=3).map(|number| fs::read(place(number)).unwrap()).collect();
    // As a kill leaves it: a result cut off, documents without one, one that nobody moved to its place.
    let results = scratch.path().join("results.jsonl");
    let text = fs::read_to_string(&results).unwrap();
    fs::write(&results, &text[..text.find('\n').unwrap() + 20]).unwrap();
    fs::write(scratch.path().join(".unfinished/77"), "half").unwrap();
    // The document of another person where that of the third was.
    fs::write(place(3), &before[0]).unwrap();

    let (folder, _, done) = Folder::open(scratch.path(), identity(), true).unwrap();
    assert_eq!((done.records, done.failed), (1, 0));
    let tally = batch(records(), &folder, |plan| plan.done = done.records).unwrap();
    assert_eq!((tally.good, tally.failed, tally.adopted), (1, 1, 1));
    assert_eq!(fs::read(place(2)).unwrap(), before[1], "not made a second time");
    assert_eq!(fs::read(place(3)).unwrap(), before[0], "nothing is overwritten");
    assert!(
        fs::read_to_string(&results)
            .unwrap()
            .contains("batch.foreign-document")
    );
    assert_eq!(
        fs::read_dir(scratch.path().join(".unfinished")).unwrap().count(),
        0
    );
}

#[test]
fn what_the_disk_did_not_take_is_in_no_place_and_has_no_result() {
    let scratch = Scratch::new("disk");
    let root = scratch.path().join("in/folders/that/are/new");
    let (mut folder, ..) = Folder::open(&root, identity(), false).unwrap();
    folder.wait_for_each();
    let stopped = batch(vec![record(1, &[21])], &Spoiling(&folder, &root), |_| {}).unwrap_err();
    assert!(
        stopped
            .to_string()
            .contains("documents cannot be written to the disk"),
        "{stopped}"
    );
    assert_eq!(fs::read_dir(root.join("documents")).unwrap().count(), 0);
    assert_eq!(fs::read_to_string(root.join("results.jsonl")).unwrap(), "");
}

/// A folder whose disk loses documents before they are waited for.
struct Spoiling<'a>(&'a Folder, &'a Path);

impl Sink for Spoiling<'_> {
    type Kept = folder::Kept;

    fn find(&self, name: Name<'_>) -> Result<Option<(Vec<u8>, folder::Kept)>, SinkError> {
        self.0.find(name)
    }

    fn keep(&self, name: Name<'_>, document: &[u8]) -> Result<folder::Kept, SinkError> {
        let kept = self.0.keep(name, document)?;
        for entry in fs::read_dir(self.1.join(".unfinished")).unwrap() {
            // It could be moved, but not waited for.
            let path = entry.unwrap().path();
            fs::remove_file(&path).unwrap();
            fs::create_dir(&path).unwrap();
        }
        Ok(kept)
    }

    fn commit(&self, outcomes: Vec<Outcome<folder::Kept>>) -> Result<(), SinkError> {
        self.0.commit(outcomes)
    }
}

#[test]
fn a_damaged_document_is_not_taken_over() {
    let scratch = Scratch::new("damaged");
    let (folder, ..) = Folder::open(scratch.path(), identity(), false).unwrap();
    batch(vec![record(1, &[21])], &folder, |_| {}).unwrap();
    drop(folder);
    let place = scratch.path().join("documents/1.mdoc");
    let mut bytes = fs::read(&place).unwrap();
    let at = bytes.windows(3).position(|window| window == b"Ada").unwrap();
    bytes[at] = b'E';
    fs::write(&place, bytes).unwrap();
    fs::write(scratch.path().join("results.jsonl"), "").unwrap();
    let (folder, ..) = Folder::open(scratch.path(), identity(), true).unwrap();
    assert_eq!(batch(vec![record(1, &[21])], &folder, |_| {}).unwrap().failed, 1);
}

#[test]
fn a_folder_is_for_one_process_and_one_batch() {
    let scratch = Scratch::new("one");
    let open = |identity: Identity, resume| Folder::open(scratch.path(), identity, resume).map(drop);
    let (held, ..) = Folder::open(scratch.path(), identity(), false).unwrap();
    assert!(matches!(open(identity(), true), Err(FolderError::Locked)));
    drop(held);
    assert!(matches!(open(identity(), false), Err(FolderError::Begun)));
    let mut other = identity();
    other.input = "01".to_owned();
    other.options = vec![("--valid-for".to_owned(), "3d".to_owned())];
    other.places_key = "22".to_owned();
    match open(other, true) {
        Err(FolderError::Changed(changes)) => assert_eq!(
            changes,
            ["the input file has changed", "--valid-for was 30d, now it is 3d"]
        ),
        other => panic!("{other:?}"),
    }
    let (_, same, _) = Folder::open(
        scratch.path(),
        Identity {
            places_key: "33".to_owned(),
            ..identity()
        },
        true,
    )
    .unwrap();
    assert_eq!(same.places_key, "11", "positions stay those of the beginning");
    fs::write(scratch.path().join("results.jsonl"), "{}\n").unwrap();
    assert!(matches!(
        open(identity(), true),
        Err(FolderError::Damaged { line: 1, .. })
    ));
    let full = Scratch::new("full");
    fs::create_dir_all(full.path()).unwrap();
    fs::write(full.path().join("x"), "").unwrap();
    assert!(matches!(
        Folder::open(full.path(), identity(), true),
        Err(FolderError::NotEmpty)
    ));
}

#[test]
fn names_of_files_cannot_lead_elsewhere() {
    for (id, name) in [
        ("NL-5501.x_2", "NL-5501.x_2"),
        ("../a", "%2E.%2Fa"),
        (".lock", "%2Elock"),
        ("a b/ü", "a%20b%2F%C3%BC"),
    ] {
        assert_eq!(folder::file_name(id), name);
    }
}
