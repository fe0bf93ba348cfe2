//! The memory of a process after it has used secrets: none of them is left in it.
//!
//! The process that is looked at is this test binary, run again. It gets files, does what wallets and issuers do
//! with them, and waits. The one that looks made the files, so that the patterns it looks for are in its own
//! memory only. While the other holds the secrets the same look has to find them, or it would prove nothing.

mod child;
mod patterns;
mod scan;
mod session;

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use self::patterns::Patterns;
use self::scan::scan;
use crate::missing::not_done;
use crate::programs::mode;

/// Where the other process finds its files, and with which backend it computes.
const FOLDER: &str = "MDOC_TEST_MEMORY_FOLDER";
const BACKEND: &str = "MDOC_TEST_MEMORY_BACKEND";

/// The other process.
struct Other {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Other {
    fn start(folder: &Path, backend: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "memory::the_process_that_is_looked_at", "--nocapture"])
            .env(FOLDER, folder)
            .env(BACKEND, backend)
            .env("MDOC_KEY_PASSPHRASE_FILE", folder.join("passphrase"))
            .env_remove("MDOC_KEY_PASSPHRASE");
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self {
            child,
            input,
            output: BufReader::new(output),
        }
    }

    /// Reads on until it says that it has come to that point.
    fn until(&mut self, point: &str) {
        let mut line = String::new();
        loop {
            line.clear();
            let read = self.output.read_line(&mut line).unwrap();
            assert!(read > 0, "it ended before it was at `{point}`");
            if line.trim_end() == format!("at: {point}") {
                return;
            }
        }
    }

    fn go_on(&mut self) {
        self.input.write_all(b"go on\n").unwrap();
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_process_that_is_looked_at() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        child::run(Path::new(&folder), &std::env::var(BACKEND).unwrap());
    }
}

fn look(backend: &str) {
    let folder = std::env::temp_dir().join(format!("mdoc-memory-{backend}-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let patterns = Patterns::make(&folder, backend);
    for entry in fs::read_dir(&folder).unwrap().flatten() {
        mode(&entry.path(), 0o600);
    }
    let mut other = Other::start(&folder, backend);

    // The positive control: what is held is found, each secret in the way that it is held.
    other.until("held");
    let held = match scan(other.child.id(), &patterns) {
        Ok(held) => held,
        Err(why) => {
            not_done(&format!(
                "looking for secrets in the memory of a process, which cannot be read: {why}"
            ));
            fs::remove_dir_all(&folder).unwrap();
            return;
        }
    };
    for name in patterns.held() {
        assert!(
            held.iter().any(|hit| hit.name == *name),
            "{backend}: {name} is held and was not found, so that the look is worth nothing"
        );
    }
    let mut left = Vec::new();
    let mut open = Vec::new();
    for point in [
        "dropped",
        "read",
        "issued",
        "presented",
        "agreed",
        "open",
        "ended",
        "failed",
        "encrypted",
    ] {
        other.go_on();
        other.until(point);
        let hits = scan(other.child.id(), &patterns).unwrap();
        if point == "open" {
            open = hits;
            continue;
        }
        for hit in hits {
            left.push(format!("after `{point}`: {hit}"));
        }
    }
    for name in patterns.of_session() {
        assert!(
            open.iter().any(|hit| hit.name == *name),
            "{backend}: {name} is in use and was not found, so that the look is worth nothing"
        );
    }
    fs::remove_dir_all(&folder).unwrap();
    assert!(
        left.is_empty(),
        "{backend}: secrets are left in memory\n{}",
        left.join("\n")
    );
}

#[test]
fn no_secret_is_left_in_memory_after_use_with_rust_crypto() {
    look("RustCrypto");
}

#[test]
fn no_secret_is_left_in_memory_after_use_with_aws_lc() {
    look("AwsLc");
}
