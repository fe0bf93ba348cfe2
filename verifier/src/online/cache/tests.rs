use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use super::*;

/// A folder that goes away with its value.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let (process, count) = (std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(format!("mdoc-verifier-cache-{process}-{count}"));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }

    fn cache(&self) -> Cache {
        Cache::new(&self.0)
    }

    /// Names without the lock, sorted.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter(|name| name != "lock").collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn kept(fetched: i64, bytes: &[u8]) -> Kept {
    Kept {
        fetched: Timestamp::from_unix(fetched),
        etag: Some("\"a\"".to_owned()),
        bytes: bytes.to_vec(),
    }
}

fn key(url: &str) -> Key {
    Key::of("status-list", url, &[])
}

const fn always(_: &Kept) -> bool {
    true
}

#[test]
fn what_was_kept_is_there_as_it_was() {
    let folder = Folder::new();
    let (cache, key) = (folder.cache(), key("https://a.example/1"));
    assert_eq!(cache.get(&key), None);
    assert!(!folder.0.exists(), "looking makes no folder");
    for bytes in [b"\n{}\n".as_slice(), b"", &[0; 100_000]] {
        let new = kept(1_700_000_000, bytes);
        cache.keep(&key, &new, always).unwrap();
        assert_eq!(cache.get(&key), Some(new));
    }
    let without = Kept {
        etag: None,
        ..kept(-5, b"x")
    };
    cache.keep(&key, &without, always).unwrap();
    assert_eq!(cache.get(&key), Some(without));
    assert_eq!(folder.names().len(), 1);
    assert!(
        !folder.names()[0].contains("example"),
        "the name of the file tells no address"
    );
}

#[cfg(unix)]
#[test]
fn nobody_else_sees_what_was_asked() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    let cache = Cache::new(folder.0.join("cache/of/door"));
    let key = key("https://a.example/1");
    cache.keep(&key, &kept(5, b"x"), always).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    // Names are digests of addresses that can be guessed.
    for made in ["cache", "cache/of", "cache/of/door"] {
        assert_eq!(mode(&folder.0.join(made)), 0o700, "{made}");
    }
    assert_eq!(mode(&cache.path(&key)), 0o600);
    assert_eq!(mode(&cache.folder.join("lock")), 0o600);
    // What somebody has made for it is theirs.
    let shared = Folder::new();
    fs::create_dir(&shared.0).unwrap();
    fs::set_permissions(&shared.0, fs::Permissions::from_mode(0o750)).unwrap();
    shared.cache().keep(&key, &kept(5, b"x"), always).unwrap();
    assert_eq!(mode(&shared.0), 0o750);
}

#[test]
fn questions_that_differ_have_answers_of_their_own() {
    let keys = [
        Key::of("crl", "https://a.example/", b""),
        Key::of("ocsp", "https://a.example/", b""),
        Key::of("ocsp", "https://a.example/", b"1"),
        Key::of("ocsp", "https://a.example", b"/"),
        Key::of("ocs", "phttps://a.example/", b""),
    ];
    for (at, key) in keys.iter().enumerate() {
        assert!(keys.iter().skip(at + 1).all(|other| other != key));
    }
}

#[test]
fn an_answer_that_is_damaged_or_cut_is_not_there() {
    let folder = Folder::new();
    let (cache, key) = (folder.cache(), key("u"));
    cache
        .keep(&key, &kept(5, b"a list of some length"), always)
        .unwrap();
    let path = cache.path(&key);
    let whole = fs::read(&path).unwrap();
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        assert_eq!(cache.get(&key), None, "cut after {length}");
    }
    let begin = whole.iter().position(|octet| *octet == b'\n').unwrap();
    for at in begin..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        fs::write(&path, &damaged).unwrap();
        assert_eq!(cache.get(&key), None, "damaged at {at}");
    }
    fs::write(&path, [whole.as_slice(), b"more"].concat()).unwrap();
    assert_eq!(cache.get(&key), None);
    // And is replaced.
    cache.keep(&key, &kept(6, b"whole"), |_| false).unwrap();
    assert_eq!(cache.get(&key), Some(kept(6, b"whole")));
}

#[test]
fn a_kill_between_writing_and_naming_leaves_what_was_there() {
    let folder = Folder::new();
    let (cache, key) = (folder.cache(), key("u"));
    cache.keep(&key, &kept(5, b"old"), always).unwrap();
    let name = cache.path(&key);
    let name = name.file_name().unwrap().to_str().unwrap();
    let half = folder.0.join(format!(".{name}.1234-0.tmp"));
    fs::write(&half, b"{\"version\":1,\"fet").unwrap();
    assert_eq!(cache.get(&key), Some(kept(5, b"old")));
    cache.keep(&key, &kept(6, b"new"), always).unwrap();
    assert_eq!(cache.get(&key), Some(kept(6, b"new")));
    assert!(half.exists(), "somebody may be writing it");
    let long_ago = SystemTime::now() - 2 * UNFINISHED;
    File::options()
        .write(true)
        .open(&half)
        .unwrap()
        .set_modified(long_ago)
        .unwrap();
    cache.keep(&key, &kept(7, b"newer"), always).unwrap();
    assert_eq!(folder.names(), [name]);
}

#[test]
fn an_older_answer_takes_no_newer_ones_place() {
    let folder = Folder::new();
    let (cache, key) = (folder.cache(), key("u"));
    let keep = |at: i64| {
        let newer = |there: &Kept| there.fetched.unix() <= at;
        cache.keep(&key, &kept(at, b"x"), newer).unwrap();
        cache.get(&key).unwrap().fetched.unix()
    };
    assert_eq!([5, 7, 6, 7, 9].map(keep), [5, 7, 7, 7, 9]);
}

#[test]
fn many_at_once_leave_the_newest_and_whole_answers() {
    let folder = Folder::new();
    let key = key("u");
    let of = |at: i64| kept(at, at.to_string().repeat(2_000).as_bytes());
    thread::scope(|scope| {
        for lane in 0..4 {
            let (cache, key) = (folder.cache(), &key);
            scope.spawn(move || {
                for step in 0..4 {
                    let new = of(step * 4 + lane);
                    let newer = |there: &Kept| there.fetched <= new.fetched;
                    cache.keep(key, &new, newer).unwrap();
                    let seen = cache.get(key).expect("there is always one");
                    assert_eq!(seen, of(seen.fetched.unix()), "whole");
                    assert!(seen.fetched >= new.fetched, "never an older one");
                }
            });
        }
    });
    assert_eq!(folder.cache().get(&key), Some(of(15)));
    assert_eq!(folder.names().len(), 1);
}

#[test]
fn the_oldest_go_when_there_is_no_room() {
    let folder = Folder::new();
    let cache = folder.cache().bounded(Size {
        octets: 10_000,
        answers: 5,
    });
    let begin = SystemTime::now() - Duration::from_secs(10_000);
    let keep = |number: u32, length: usize| {
        let key = key(&number.to_string());
        cache.keep(&key, &kept(0, &vec![7; length]), always).unwrap();
        if let Ok(file) = File::options().write(true).open(cache.path(&key)) {
            file.set_modified(begin + Duration::from_secs(number.into()))
                .unwrap();
        }
    };
    let there = || {
        (0..20)
            .filter(|number| cache.get(&key(&number.to_string())).is_some())
            .collect::<Vec<u32>>()
    };
    (0..7).for_each(|number| keep(number, 10));
    assert_eq!(there(), [2, 3, 4, 5, 6]);
    keep(7, 9_500);
    assert_eq!(there(), [4, 5, 6, 7]);
    // What is larger than all that may be there is not kept, and displaces nothing.
    keep(8, 10_001);
    assert_eq!(there(), [4, 5, 6, 7]);
    keep(9, 9_500);
    assert_eq!(there(), [9]);
}

#[test]
fn a_folder_that_cannot_be_is_said() {
    let folder = Folder::new();
    fs::create_dir_all(&folder.0).unwrap();
    let file = folder.0.join("file");
    fs::write(&file, b"").unwrap();
    let failure = Cache::new(file.join("cache"))
        .keep(&key("u"), &kept(0, b""), always)
        .unwrap_err();
    assert!(failure.to_string().contains("cannot be made"), "{failure}");
}

#[test]
fn a_program_that_does_not_let_go_of_the_folder_stops_nobody() {
    let folder = Folder::new();
    let (cache, key) = (folder.cache(), key("u"));
    cache.keep(&key, &kept(1, b"a"), always).unwrap();
    let held = cache.lock().unwrap();
    let began = std::time::Instant::now();
    cache.keep(&key, &kept(2, b"b"), always).unwrap();
    assert!(began.elapsed() < Duration::from_secs(10));
    assert_eq!(cache.get(&key), Some(kept(2, b"b")));
    drop(held);
}
