//! The command lines as they were seen and found good: `golden/<command>/<case>.toml`.
//!
//! A case runs one program in a copy of the folder of [`programs`](crate::programs) and compares what it says,
//! its status, and every file that it wrote. See `golden/README.md`; `UPDATE_GOLDEN=1` writes what was seen.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "support for tests: where something is not as it should be, the test is to stop"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use toml::{Table, Value};

use crate::programs::{self, PERSONAL, Workspace};

/// What is below is written by `UPDATE_GOLDEN=1`.
const MARK: &str = "# What was seen\n";

/// Stands for anything within a line.
const WILDCARD: &str = "[..]";

/// A case, and what was seen of it.
struct Run {
    name: String,
    path: PathBuf,
    head: String,
    case: Table,
    status: i64,
    stdout: String,
    stderr: String,
    /// Private keys that were in the folder before or after.
    secrets: Vec<String>,
    /// Files that are there afterwards and were not, or are others; folders end with `/`.
    written: Vec<String>,
    /// Files that are gone.
    removed: Vec<String>,
    /// Names of written files with their content.
    contents: BTreeMap<String, Vec<u8>>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden")
}

fn cases(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            cases(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            found.push(path);
        }
    }
}

/// Every case, run once for all tests.
fn runs() -> &'static [Run] {
    static RUNS: OnceLock<Vec<Run>> = OnceLock::new();
    RUNS.get_or_init(|| {
        let mut found = Vec::new();
        cases(&folder(), &mut found);
        found.iter().filter_map(|path| run(path)).collect()
    })
}

fn texts<'t>(case: &'t Table, key: &str) -> Vec<&'t str> {
    let values = case.get(key).and_then(Value::as_array).into_iter().flatten();
    values.map(|value| value.as_str().unwrap()).collect()
}

fn table<'t>(case: &'t Table, key: &str) -> impl Iterator<Item = (&'t String, &'t Value)> {
    case.get(key).and_then(Value::as_table).into_iter().flatten()
}

/// Runs a case; none if it cannot be run here.
fn run(path: &Path) -> Option<Run> {
    let text = fs::read_to_string(path).unwrap();
    let name = path.strip_prefix(folder()).unwrap().display().to_string();
    let case: Table = toml::from_str(&text).unwrap_or_else(|why| panic!("{name}: {why}"));
    let space = Workspace::new();
    let root = &space.0;
    for (file, content) in table(&case, "files") {
        let path = root.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let content = content.as_str().unwrap();
        match content.strip_prefix('@') {
            Some(other) => drop(fs::copy(root.join(other), path).unwrap()),
            None => fs::write(path, content).unwrap(),
        }
    }
    for (file, mode) in table(&case, "modes") {
        let bits = u32::from_str_radix(mode.as_str().unwrap(), 8).unwrap();
        programs::mode(&root.join(file), bits);
        // For root no folder is closed.
        if root.join(file).is_dir() && fs::write(root.join(file).join("probe"), "").is_ok() {
            return None;
        }
    }
    let input = match (case.get("stdin"), case.get("stdin-file")) {
        (Some(text), _) => text.as_str().unwrap().as_bytes().to_vec(),
        (None, Some(file)) => fs::read(root.join(file.as_str().unwrap())).unwrap(),
        (None, None) => Vec::new(),
    };
    let before = space.list();
    let output = programs::run(root, &texts(&case, "args"), &input);
    let after = space.list();
    for (file, _) in table(&case, "modes") {
        // A closed folder could not be removed.
        programs::mode(&root.join(file), 0o700);
    }
    let changed = |(name, content): &(&String, &Vec<u8>)| before.get(*name) != Some(*content);
    let contents: BTreeMap<String, Vec<u8>> = after
        .iter()
        .filter(changed)
        .map(|(name, content)| (name.clone(), content.clone()))
        .collect();
    let keys = before.values().chain(after.values());
    let secrets = keys.filter_map(|content| std::str::from_utf8(content).ok());
    // What is no UTF-8, as a document on stdout, is told by its length.
    let words = |bytes: Vec<u8>| {
        String::from_utf8(bytes).unwrap_or_else(|error| format!("<{} bytes>\n", error.as_bytes().len()))
    };
    Some(Run {
        name,
        path: path.to_owned(),
        head: text.split(MARK).next().unwrap().to_owned(),
        status: output.status.code().unwrap_or(-1).into(),
        stdout: words(output.stdout),
        stderr: words(output.stderr),
        secrets: secrets.flat_map(programs::secrets_of).collect(),
        written: contents.keys().cloned().collect(),
        removed: before
            .keys()
            .filter(|name| !after.contains_key(*name))
            .cloned()
            .collect(),
        contents,
        case,
    })
}

/// Whether a line is as expected, which may have wildcards.
fn line_matches(expected: &str, seen: &str) -> bool {
    let mut parts = expected.split(WILDCARD);
    let Some(mut rest) = seen.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// Where two texts differ, for a person; nothing if they do not.
fn difference(what: &str, expected: &str, seen: &str) -> Option<String> {
    let (mut wanted, mut found) = (expected.lines(), seen.lines());
    for number in 1.. {
        match (wanted.next(), found.next()) {
            (None, None) => break,
            (Some(expected), Some(seen)) if line_matches(expected, seen) => {}
            (expected, seen) => {
                let shown =
                    |line: Option<&str>| line.map_or("the end".to_owned(), |line| format!("{line:?}"));
                let (expected, seen) = (shown(expected), shown(seen));
                return Some(format!(
                    "{what}, line {number}:\n    expected {expected}\n    seen     {seen}"
                ));
            }
        }
    }
    (expected.ends_with('\n') != seen.ends_with('\n')).then(|| format!("{what}: the last line end differs"))
}

impl Run {
    fn text(&self, key: &str) -> &str {
        self.case.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    fn differences(&self) -> Vec<String> {
        let mut all = Vec::new();
        let status = self.case.get("status").and_then(Value::as_integer).unwrap_or(-1);
        if status != self.status {
            all.push(format!("status: expected {status}, seen {}", self.status));
        }
        all.extend(difference("stdout", self.text("stdout"), &self.stdout));
        all.extend(difference("stderr", self.text("stderr"), &self.stderr));
        if texts(&self.case, "written") != self.written {
            all.push(format!("written: {:?}", self.written));
        }
        if !self.removed.is_empty() {
            all.push(format!("removed: {:?}", self.removed));
        }
        all
    }

    /// The case with what was seen; a line with wildcards stays if it still fits.
    fn update(&self) {
        let text = |key, seen: &str| {
            let mut expected = self.text(key).lines();
            let lines = seen.split_inclusive('\n').map(|line| {
                let body = line.strip_suffix('\n').unwrap_or(line);
                match expected.next() {
                    Some(old) if line_matches(old, body) => line.replacen(body, old, 1),
                    _ => line.to_owned(),
                }
            });
            lines.collect::<String>()
        };
        let mut out = format!("{}{MARK}status = {}\n", self.head, self.status);
        for (key, seen) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            let _ = writeln!(out, "{key} = {}", quoted(&text(key, seen)));
        }
        let _ = writeln!(out, "written = {}", Value::from(self.written.clone()));
        fs::write(&self.path, out).unwrap();
    }
}

/// A TOML string, over several lines where that can be read.
fn quoted(text: &str) -> String {
    let plain = |c: char| c == '\n' || !c.is_control();
    match text.lines().count() {
        0 => "\"\"".to_owned(),
        _ if text.chars().all(plain) && !text.contains("'''") => format!("'''\n{text}'''"),
        _ => Value::from(text).to_string(),
    }
}

#[test]
fn every_command_line_does_what_it_did_when_it_was_found_good() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut report = String::new();
    for run in runs() {
        let differences = run.differences();
        if update && !differences.is_empty() {
            run.update();
        } else if !differences.is_empty() {
            let _ = writeln!(report, "{}:\n  {}", run.name, differences.join("\n  "));
        }
    }
    assert!(
        report.is_empty(),
        "UPDATE_GOLDEN=1 writes what was seen.\n{report}"
    );
    assert!(runs().len() >= 45, "{} cases are left", runs().len());
}

#[test]
fn no_private_key_is_ever_shown_or_written_where_it_does_not_belong() {
    for run in runs() {
        for secret in &run.secrets {
            for (what, text) in [("stdout", &run.stdout), ("stderr", &run.stderr)] {
                assert!(
                    !text.contains(secret.as_str()),
                    "{}: {what} has a private key",
                    run.name
                );
            }
            for (file, content) in &run.contents {
                let own = file.ends_with(".key.pem");
                let found = content
                    .windows(secret.len())
                    .any(|window| window == secret.as_bytes());
                assert!(own || !found, "{}: {file} has a private key", run.name);
            }
        }
    }
    let with_keys = runs().iter().filter(|run| run.secrets.len() > 50).count();
    assert_eq!(with_keys, runs().len(), "the keys to look for were found");
}

#[test]
fn no_personal_value_is_in_talk_or_in_a_refusal() {
    for run in runs() {
        for value in PERSONAL {
            assert!(
                !run.stderr.contains(value),
                "{}: stderr has a personal value",
                run.name
            );
            let refused = run.status != 0;
            assert!(
                !refused || !run.stdout.contains(value),
                "{}: a refusal has a personal value",
                run.name
            );
        }
    }
}

#[test]
fn every_failure_is_a_sentence_with_a_hint_and_writes_nothing() {
    for run in runs().iter().filter(|run| run.status == 2) {
        // The help screen that a program without arguments shows is its own hint.
        if run.stderr.contains("\nUsage: ") {
            continue;
        }
        let program = texts(&run.case, "args")[0];
        let talk = &run.stderr;
        let sentence = talk.contains(&format!("{program}: error: "));
        assert!(sentence && talk.contains("\nhint: "), "{}: {talk}", run.name);
        assert!(run.stdout.is_empty(), "{}: a failure has no result", run.name);
        assert!(
            run.written.is_empty(),
            "{}: {:?} was written",
            run.name,
            run.written
        );
        assert!(!talk.contains("os error"), "{}: {talk}", run.name);
    }
}

#[test]
fn every_command_has_a_help_screen_with_an_example() {
    let space = Workspace::new();
    let mut commands: Vec<Vec<String>> = programs::NAMES
        .iter()
        .map(|name| vec![(*name).to_owned()])
        .collect();
    while let Some(command) = commands.pop() {
        let mut arguments: Vec<&str> = command.iter().map(String::as_str).collect();
        arguments.push("--help");
        let help = String::from_utf8(programs::run(&space.0, &arguments, b"").stdout).unwrap();
        assert!(
            help.contains("\nExample") || help.contains("\nFrom nothing"),
            "{command:?} has no example"
        );
        let case = format!("help/{}.toml", command.join("-"));
        assert!(runs().iter().any(|run| run.name == case), "{case} is missing");
        let below = help.lines().skip_while(|line| *line != "Commands:").skip(1);
        for line in below.take_while(|line| !line.is_empty()) {
            let name = line.split_whitespace().next().unwrap();
            if name != "help" {
                commands.push([command.clone(), vec![name.to_owned()]].concat());
            }
        }
        let wide = help
            .lines()
            .filter(|line| !line.starts_with("Usage: "))
            .find(|line| line.chars().count() > 100);
        assert_eq!(wide, None, "{command:?}");
    }
}

#[test]
fn nothing_that_is_said_steers_the_terminal() {
    let steers = |c: char| {
        c != '\n' && (c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
    };
    for run in runs() {
        let said = [&run.stdout, &run.stderr];
        assert!(said.iter().all(|text| !text.contains(steers)), "{}", run.name);
    }
}

#[test]
fn wildcards_stand_for_anything_within_a_line() {
    assert!(line_matches("a [..] c", "a b b c"));
    assert!(line_matches("[..]", ""));
    assert!(line_matches("a[..]b[..]c", "axbxbyc"));
    assert!(!line_matches("a[..]b[..]c", "axcyb"));
    assert!(!line_matches("a", "ab") && !line_matches("b", "ab"));
    assert!(difference("x", "a\n", "a").is_some() && difference("x", "a\nb", "a\nb").is_none());
}
