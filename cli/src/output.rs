//! Results: to stdout, and to files that appear whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::failure::{Failure, printable, steers};
use crate::input::is_stdio;

/// Writes a result to stdout as it is. That nobody reads it any more (`| head`) is no error.
///
/// # Errors
/// [`Failure`] if it cannot be written for another reason.
pub fn print_bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::new(format!(
            "the result cannot be written to standard output: {error}"
        ))),
        _ => Ok(()),
    }
}

/// Writes a text to stdout, with what could steer a terminal taken out of it.
///
/// # Errors
/// [`Failure`] if it cannot be written; a broken pipe is no error.
pub fn print(text: &str) -> Result<(), Failure> {
    print_bytes(printable(text).as_bytes())
}

/// Writes JSON to stdout, indented, with a line end. What could steer a terminal is escaped, so that the
/// values stay what they are.
///
/// # Errors
/// [`Failure`] if it cannot be written; a broken pipe is no error.
pub fn print_json(value: &serde_json::Value) -> Result<(), Failure> {
    print_bytes(json_text(value).as_bytes())
}

/// Says on stdout as well why a command failed that was to print JSON ([`Failure::to_json`]).
///
/// # Errors
/// The failure itself, whether or not it could be written.
pub fn failed_as_json<T>(json: bool, went: Result<T, Failure>) -> Result<T, Failure> {
    if json && let Err(failure) = &went {
        // There is a failure to be told already.
        let _unwritten = print_json(&failure.to_json());
    }
    went
}

fn json_text(value: &serde_json::Value) -> String {
    let mut text = String::new();
    for c in format!("{value:#}\n").chars() {
        // Outside of strings JSON has no such characters but line ends.
        if c != '\n' && steers(c) {
            text.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            text.push(c);
        }
    }
    text
}

/// Says something on stderr that is no failure: `mdoc-issuer: warning: …`.
pub fn warn(program: &str, text: &str) {
    // Nobody is left to be told if this cannot be written.
    let _ = writeln!(io::stderr(), "{program}: warning: {}", printable(text));
}

/// A file to be written.
#[derive(Clone, Copy)]
pub struct NewFile<'a> {
    /// Where.
    pub path: &'a Path,
    /// The whole content.
    pub content: &'a [u8],
    /// Whether others must not read it: created with mode 0600.
    pub secret: bool,
}

/// What to do about a file that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Replace it.
    Replace,
    /// Leave it, and fail: for keys and certificates without `--force`.
    Keep,
}

/// Writes one file whole or not at all; `-` is standard output.
///
/// # Errors
/// [`Failure`] with the file untouched.
pub fn write(file: NewFile<'_>, existing: Existing) -> Result<(), Failure> {
    if is_stdio(file.path) {
        return print_bytes(file.content);
    }
    write_all(&[file], existing)
}

/// Writes a private key and the public file that belongs to it: both, or none. The private one is for its
/// owner alone; files that are there already are replaced only by `force`.
///
/// # Errors
/// [`Failure`] that names the first file at fault.
pub fn write_pair(private: (&Path, &[u8]), public: (&Path, &[u8]), force: bool) -> Result<(), Failure> {
    let file = |(path, content), secret| NewFile {
        path,
        content,
        secret,
    };
    let existing = if force { Existing::Replace } else { Existing::Keep };
    write_all(&[file(private, true), file(public, false)], existing)
}

/// Writes several files that belong together: all of them, or none.
///
/// Each is written beside its place and moved there when all are complete and on the disk. With
/// [`Existing::Keep`] a file that appears in the meantime is not overwritten either.
///
/// # Errors
/// [`Failure`] that names the first file at fault.
pub fn write_all(files: &[NewFile<'_>], existing: Existing) -> Result<(), Failure> {
    let mut staged = Staged::default();
    for file in files {
        staged.add(file, existing)?;
    }
    staged.publish(existing)?;
    for file in files {
        let (path, bytes) = (file.path.display(), file.content.len());
        tracing::debug!(%path, bytes, secret = file.secret, "file written");
    }
    Ok(())
}

/// Makes a folder with those above it, if it is not there.
///
/// # Errors
/// [`Failure`] that names the folder.
pub fn make_folder(folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|error| unmakable(folder, &error))
}

/// The same for its owner alone (mode 0700), with those above it that are not there. One that is there stays as it is.
///
/// # Errors
/// [`Failure`] that names the folder.
pub fn make_private_folder(folder: &Path) -> Result<(), Failure> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|error| unmakable(folder, &error))
}

fn unmakable(folder: &Path, error: &io::Error) -> Failure {
    let name = folder.display();
    match error.kind() {
        ErrorKind::AlreadyExists | ErrorKind::NotADirectory => Failure::new(format!(
            "the folder {name} cannot be made: a file is in its place"
        ))
        .hint("give another folder"),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            Failure::new(format!("you are not permitted to make the folder {name}"))
                .hint("give a folder that you may write in")
        }
        _ => Failure::new(format!("the folder {name} cannot be made: {error}"))
            .hint("give a folder that you may write in"),
    }
}

/// Files that are complete but not yet in their places; removed if they never get there.
#[derive(Default)]
struct Staged {
    files: Vec<(PathBuf, PathBuf)>,
    published: Vec<PathBuf>,
    done: bool,
}

impl Staged {
    fn add(&mut self, file: &NewFile<'_>, existing: Existing) -> Result<(), Failure> {
        let name = file.path.display();
        let target = match fs::metadata(file.path) {
            Ok(found) if found.is_dir() => {
                return Err(Failure::new(format!("{name} is a folder, a file is expected"))
                    .hint("give the name of a file that is to be written"));
            }
            // Devices and pipes are written to and never replaced.
            Ok(found) if !found.is_file() => {
                if file.secret {
                    return Err(Failure::new(format!("{name} is not a file that can keep a key")));
                }
                let opened = OpenOptions::new().write(true).open(file.path);
                return opened
                    .and_then(|mut device| device.write_all(file.content))
                    .or_else(|error| {
                        if error.kind() == ErrorKind::BrokenPipe {
                            Ok(())
                        } else {
                            Err(error)
                        }
                    })
                    .map_err(|error| unwritable(file.path, &error));
            }
            Ok(_) if existing == Existing::Keep => return Err(exists(file.path)),
            Ok(_) if !file.secret && holds_a_key(file.path) => {
                return Err(
                    Failure::new(format!("{name} is a private key and is not replaced"))
                        .hint("give another name for the file that is to be written"),
                );
            }
            // What a link points to is replaced, not the link.
            Ok(_) => fs::canonicalize(file.path).map_err(|error| unwritable(file.path, &error))?,
            Err(_) => file.path.to_owned(),
        };
        let temporary = beside(&target);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        if file.secret {
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        }
        let opened = options
            .open(&temporary)
            .map_err(|error| unwritable(file.path, &error))?;
        self.files.push((temporary, target));
        fill(opened, file.content).map_err(|error| unwritable(file.path, &error))
    }

    fn publish(mut self, existing: Existing) -> Result<(), Failure> {
        for (temporary, target) in &self.files {
            let moved = match existing {
                Existing::Replace => fs::rename(temporary, target),
                // Unlike a rename, a link fails if the name is taken.
                Existing::Keep => match fs::hard_link(temporary, target) {
                    Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(exists(target)),
                    Err(_) if !target.exists() => fs::rename(temporary, target), // no links on this file system
                    linked => linked,
                },
            };
            moved.map_err(|error| unwritable(target, &error))?;
            if existing == Existing::Keep {
                self.published.push(target.clone());
            }
            sync_folder(target);
        }
        self.done = true;
        Ok(())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // Best effort: what cannot be removed here, nobody could.
        for (temporary, _) in &self.files {
            let _ = fs::remove_file(temporary);
        }
        if !self.done {
            for target in &self.published {
                let _ = fs::remove_file(target);
            }
        }
    }
}

/// Whether a PEM file has a private key in it, which nothing but another key may replace.
fn holds_a_key(path: &Path) -> bool {
    const MARK: &[u8] = b"PRIVATE KEY-----";
    const MOST: u16 = 16_384;
    // Room for all of it from the beginning: a buffer that grows leaves copies behind.
    let mut head = zeroize::Zeroizing::new(Vec::with_capacity(usize::from(MOST) + 64));
    let read = File::open(path).and_then(|file| file.take(u64::from(MOST)).read_to_end(&mut head));
    read.is_ok() && head.windows(MARK.len()).any(|window| window == MARK)
}

/// Refuses to write a result over a file that the same command reads.
///
/// # Errors
/// [`Failure`] that names the file.
pub fn not_over(out: &Path, inputs: &[&Path]) -> Result<(), Failure> {
    let real = |path: &Path| (!is_stdio(path)).then(|| fs::canonicalize(path).ok()).flatten();
    let Some(target) = real(out) else { return Ok(()) };
    let read = |input: &&&Path| real(input).is_some_and(|input| input == target);
    match target.is_file() && inputs.iter().any(|input| read(&input)) {
        false => Ok(()),
        true => Err(Failure::new(format!(
            "{} is read by this command and would be lost",
            out.display()
        ))
        .hint("give another name for the file that is to be written")),
    }
}

fn fill(mut file: File, content: &[u8]) -> io::Result<()> {
    file.write_all(content)?;
    file.sync_all()
}

/// A name in the same folder that nobody else uses.
fn beside(target: &Path) -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    target.with_file_name(format!(".{name}.{}-{count}.tmp", std::process::id()))
}

/// Makes the new name survive a crash; not every system can.
fn sync_folder(file: &Path) {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Ok(folder) = File::open(folder.unwrap_or(Path::new("."))) {
        let _ = folder.sync_all();
    }
}

fn exists(path: &Path) -> Failure {
    Failure::new(format!("{} exists already, nothing was written", path.display()))
        .hint("choose another place, or give --force to replace it")
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let name = path.display();
    match error.kind() {
        ErrorKind::NotFound if !folder.exists() => Failure::new(format!(
            "{name} cannot be written: there is no folder {}",
            folder.display()
        ))
        .hint(format!("make it with `mkdir -p {}`", folder.display())),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            Failure::new(format!("you are not permitted to write {name}"))
                .hint(format!("see who may with `ls -ld {}`", folder.display()))
        }
        ErrorKind::NotADirectory => {
            Failure::new(format!("{name} cannot be written: a part of its path is a file"))
                .hint("check the spelling of the path")
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            Failure::new(format!("{name} cannot be written: there is no room left"))
                .hint(format!("see how much with `df {}`", folder.display()))
        }
        _ => {
            Failure::new(format!("{name} cannot be written: {error}")).hint("give another place for the file")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Folder;

    fn file<'a>(path: &'a Path, content: &'a [u8]) -> NewFile<'a> {
        NewFile {
            path,
            content,
            secret: false,
        }
    }

    #[test]
    fn files_that_belong_together_appear_together() {
        let folder = Folder::new("together");
        let (a, b) = (folder.0.join("a"), folder.0.join("b"));
        fs::write(&b, b"old").unwrap();
        let failure = write_all(&[file(&a, b"1"), file(&b, b"2")], Existing::Keep).unwrap_err();
        assert!(failure.message.contains("exists already"), "{failure}");
        assert!(failure.hint.unwrap().contains("--force"));
        assert_eq!(folder.names(), ["b"], "nothing half-done, nothing left over");
        assert_eq!(fs::read(&b).unwrap(), b"old");
        write_all(&[file(&a, b"1"), file(&b, b"2")], Existing::Replace).unwrap();
        assert_eq!(folder.names(), ["a", "b"]);
        assert_eq!(fs::read(&b).unwrap(), b"2");
    }

    #[cfg(unix)]
    #[test]
    fn keys_are_for_their_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = Folder::new("secret");
        let path = folder.0.join("key.pem");
        let key = NewFile {
            path: &path,
            content: b"secret",
            secret: true,
        };
        write(key, Existing::Keep).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(write(key, Existing::Keep).is_err());
        assert!(write(key, Existing::Replace).is_ok());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[cfg(unix)]
    #[test]
    fn devices_are_not_replaced_and_links_are_followed() {
        use std::os::unix::fs::FileTypeExt as _;
        write(file(Path::new("/dev/null"), b"x"), Existing::Replace).unwrap();
        assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
        let folder = Folder::new("links");
        let (real, link) = (folder.0.join("real"), folder.0.join("link"));
        fs::write(&real, b"old").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        write(file(&link, b"new"), Existing::Replace).unwrap();
        assert_eq!(fs::read(&real).unwrap(), b"new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }

    #[test]
    fn a_private_key_is_not_replaced_by_something_else() {
        let folder = Folder::new("replaced");
        let path = folder.0.join("ds.key.pem");
        fs::write(&path, "-----BEGIN PRIVATE KEY-----").unwrap();
        let failure = write(file(&path, b"a document"), Existing::Replace).unwrap_err();
        assert!(
            failure.message.ends_with("is a private key and is not replaced"),
            "{failure}"
        );
        assert!(fs::read_to_string(&path).unwrap().contains("PRIVATE"));
        assert_eq!(folder.names(), ["ds.key.pem"]);
    }

    #[test]
    fn what_is_read_is_not_written_over() {
        let folder = Folder::new("over");
        let path = folder.0.join("document.mdoc");
        fs::write(&path, "x").unwrap();
        let other_way = folder
            .0
            .join("../")
            .join(folder.0.file_name().unwrap())
            .join("document.mdoc");
        assert!(not_over(&other_way, &[&folder.0, &path]).is_err());
        assert!(not_over(&folder.0.join("new"), &[&path]).is_ok());
        assert!(not_over(Path::new("-"), &[Path::new("-")]).is_ok());
    }

    #[test]
    fn json_keeps_its_values_and_does_not_steer_the_terminal() {
        let value = serde_json::json!({"name": "a\u{9b}31m\u{202e}é\u{7f}"});
        let text = json_text(&value);
        assert_eq!(text, "{\n  \"name\": \"a\\u009b31m\\u202eé\\u007f\"\n}\n");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }

    #[test]
    fn a_missing_folder_is_named() {
        let folder = Folder::new("missing");
        let path = folder.0.join("no/where.cbor");
        let failure = write(file(&path, b"x"), Existing::Replace).unwrap_err();
        assert!(failure.message.contains("there is no folder"), "{failure}");
        assert!(failure.hint.unwrap().contains("mkdir -p"));
    }
}
