use mdoc_core::crypto::RustCrypto;
use mdoc_core::keys::secret_from_encrypted;
use mdoc_core::time::Timestamp;
use mdoc_openid::vci::credential::{Badge, BadgeSide};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("mdoc-wallet-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn rng(seed: u8) -> ChaCha20Rng {
    ChaCha20Rng::from_seed([seed; 32])
}

fn wallet(folder: &Folder) -> Wallet<'static> {
    let master = create(&folder.0, b"passphrase", &mut rng(1)).unwrap();
    Wallet::open(&folder.0, master, &RustCrypto).unwrap()
}

fn side(name: &str) -> BadgeSide {
    BadgeSide {
        svg: format!("<svg>document {name}</svg>"),
        png: format!("document {name}").into_bytes(),
    }
}

fn record(id: &str) -> Record {
    let copy = |seed: u8, document: Option<&[u8]>, used: Option<i64>| Held {
        key: SecretKey::generate(Curve::P256, &mut rng(seed)),
        document: document.map(<[u8]>::to_vec),
        used: used.map(Timestamp::from_unix),
    };
    Record {
        id: id.to_owned(),
        state: State::Pending("tx-secret".to_owned()),
        issuer: "https://id.example.org".to_owned(),
        doc_type: "org.example.secret-type".to_owned(),
        collected: Timestamp::from_unix(1_700_000_000),
        copies: vec![
            copy(10, Some(b"document one"), Some(20)),
            copy(11, Some(b"document two"), None),
            copy(12, None, None),
            copy(13, Some(b"document four"), Some(10)),
        ],
        session: None,
        badge: Some(Badge {
            front: side("front"),
            back: Some(side("back")),
        }),
        replaces: Some("earlier1".to_owned()),
    }
}

#[test]
fn records_come_back_and_nothing_of_them_can_be_read_from_the_folder() {
    let folder = Folder::new("back");
    let wallet = wallet(&folder);
    let id = wallet.new_id(&mut rng(2));
    assert_eq!(id.len(), 8);
    wallet.write(&record(&id), &mut rng(3)).unwrap();
    let read = wallet.read(&id).unwrap();
    assert_eq!(read.state, State::Pending("tx-secret".to_owned()));
    assert_eq!(read.copies.len(), 4);
    assert_eq!(read.badge, record(&id).badge);
    assert_eq!(read.replaces.as_deref(), Some("earlier1"));
    for (read, written) in read.copies.iter().zip(record(&id).copies) {
        assert_eq!(read.key.dangerous_bytes(), written.key.dangerous_bytes());
        assert_eq!((&read.document, read.used), (&written.document, written.used));
    }
    for entry in fs::read_dir(&folder.0).unwrap() {
        let path = entry.unwrap().path();
        let content = fs::read(&path).unwrap();
        let has = |text: &[u8]| content.windows(text.len()).any(|bytes| bytes == text);
        for text in [&b"document"[..], b"secret-type", b"id.example.org", b"tx-secret"] {
            assert!(!has(text), "{}", path.display());
        }
    }
}

#[test]
fn the_key_is_under_the_passphrase() {
    let folder = Folder::new("passphrase");
    let master = create(&folder.0, b"passphrase", &mut rng(1)).unwrap();
    let file = fs::read(key_path(&folder.0)).unwrap();
    let opened = secret_from_encrypted(&file, b"passphrase").unwrap();
    assert_eq!(opened.dangerous_bytes(), master.dangerous_bytes());
    assert!(secret_from_encrypted(&file, b"other").is_err());
    assert!(create(&folder.0, b"other", &mut rng(2)).is_err(), "one is there");
    assert_eq!(fs::read(key_path(&folder.0)).unwrap(), file);
}

#[cfg(unix)]
#[test]
fn files_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new("owner");
    let wallet = wallet(&folder);
    wallet.write(&record("abcdefgh"), &mut rng(3)).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder.0), 0o700);
    let mut files = 0;
    for entry in fs::read_dir(&folder.0).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
        files += 1;
    }
    assert_eq!(files, 3, "key, lock, record");
}

#[test]
fn a_record_is_bound_to_its_name_its_wallet_and_each_of_its_bits() {
    let folder = Folder::new("bound");
    let wallet = wallet(&folder);
    wallet.write(&record("abcdefgh"), &mut rng(3)).unwrap();
    let path = folder.0.join("abcdefgh.record");
    let good = fs::read(&path).unwrap();
    fs::write(folder.0.join("bbbbbbbb.record"), &good).unwrap();
    assert!(wallet.read("bbbbbbbb").is_err(), "under another name");
    for at in [0, 3, 4, 35, 36, good.len() - 1] {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(&path, &bad).unwrap();
        assert!(wallet.read("abcdefgh").is_err(), "{at}");
    }
    for len in [0, 3, 20, 36, good.len() - 1] {
        fs::write(&path, &good[..len]).unwrap();
        assert!(wallet.read("abcdefgh").is_err(), "{len}");
    }
    fs::write(&path, &good).unwrap();
    let (records, damaged) = wallet.records().unwrap();
    assert_eq!((records.len(), damaged), (1, vec!["bbbbbbbb.record".to_owned()]));
    drop(wallet);
    let stranger = SecretKey::generate(Curve::P256, &mut rng(9));
    let stranger = Wallet::open(&folder.0, stranger, &RustCrypto).unwrap();
    assert!(stranger.read("abcdefgh").is_err());
}

#[test]
fn no_two_files_are_sealed_under_one_key() {
    let folder = Folder::new("salt");
    let wallet = wallet(&folder);
    let mut rng = rng(3);
    let mut seen = Vec::new();
    for _ in 0..3 {
        wallet.write(&record("abcdefgh"), &mut rng).unwrap();
        let content = fs::read(folder.0.join("abcdefgh.record")).unwrap();
        let salt = content[4..36].to_vec();
        assert!(!seen.contains(&salt));
        seen.push(salt);
    }
}

#[test]
fn one_program_at_a_time_has_it_open() {
    let folder = Folder::new("lock");
    let first = wallet(&folder);
    let master = SecretKey::generate(Curve::P256, &mut rng(1));
    let second = Wallet::open(&folder.0, master.clone(), &RustCrypto).unwrap_err();
    assert!(second.to_string().contains("in use"), "{second}");
    drop(first);
    Wallet::open(&folder.0, master, &RustCrypto).unwrap();
}

#[test]
fn what_a_crash_leaves_beside_a_record_is_no_record() {
    let folder = Folder::new("crash");
    let wallet = wallet(&folder);
    wallet.write(&record("abcdefgh"), &mut rng(3)).unwrap();
    fs::write(folder.0.join(".abcdefgh.record"), b"half").unwrap();
    fs::write(folder.0.join(".abcdefgh.record.tmp"), b"half").unwrap();
    let (records, damaged) = wallet.records().unwrap();
    assert_eq!((records.len(), damaged.len()), (1, 0));
}

#[test]
fn deleted_records_are_gone_and_names_are_no_paths() {
    let folder = Folder::new("delete");
    let wallet = wallet(&folder);
    wallet.write(&record("abcdefgh"), &mut rng(3)).unwrap();
    for id in ["../x", "", "a/b", ".", "unknown1"] {
        assert!(wallet.delete(id).is_err(), "{id}");
    }
    wallet.delete("abcdefgh").unwrap();
    assert!(wallet.read("abcdefgh").is_err());
    assert!(wallet.records().unwrap().0.is_empty());
}

#[test]
fn copies_that_were_not_shown_come_first_then_the_one_shown_longest_ago() {
    let mut record = record("abcdefgh");
    assert_eq!((record.count(), record.next()), ((1, 3), Some(1)));
    record.copies[1].used = Some(Timestamp::from_unix(30));
    assert_eq!((record.count(), record.next()), ((0, 3), Some(3)));
    record.copies[3].used = Some(Timestamp::from_unix(40));
    assert_eq!(record.next(), Some(0));
    record.copies.clear();
    assert_eq!((record.count(), record.next()), ((0, 0), None));
}

#[test]
fn keys_and_documents_are_not_shown() {
    let shown = format!("{:?}", record("abcdefgh"));
    assert!(!shown.contains("100, 111, 99"), "{shown}");
}
