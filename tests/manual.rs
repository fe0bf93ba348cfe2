//! The manual and the completions of every program, made by the programs.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::programs::{NAMES, run, run_command};

/// Goldens of help screens name every command that there is (`golden.rs` demands it).
fn commands(program: &str) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/help");
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            entry
                .unwrap()
                .path()
                .file_stem()
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned()
        })
        .filter(|name| name.starts_with(program))
        .collect()
}

#[test]
fn every_command_has_a_page_of_the_manual_with_examples() {
    let folder = std::env::temp_dir().join(format!("manual-{}", std::process::id()));
    for program in NAMES {
        let out = folder.join(program);
        let written = run(
            &std::env::temp_dir(),
            &[program, "man", "--out", out.to_str().unwrap()],
            b"",
        );
        assert!(
            written.status.success(),
            "{}",
            String::from_utf8_lossy(&written.stderr)
        );
        let mut pages = BTreeSet::new();
        for entry in fs::read_dir(&out).unwrap() {
            let path = entry.unwrap().path();
            let page = fs::read_to_string(&path).unwrap();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            assert!(page.contains(".SH EXAMPLES\n"), "{name} has no examples");
            assert!(page.contains(".SH SYNOPSIS\n"), "{name} has no synopsis");
            pages.insert(name);
        }
        assert_eq!(pages, commands(program));
    }
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn the_completions_are_a_script_that_bash_reads_and_that_knows_the_commands() {
    for program in NAMES {
        let script = run(&std::env::temp_dir(), &[program, "completions", "bash"], b"");
        assert!(script.status.success());
        let function = format!("_{}", program.replace('-', "__"));
        let ask = format!("{function} {program} comp {program}; echo \"${{COMPREPLY[@]}}\"");
        let mut bash = Command::new("bash");
        bash.arg("-s");
        let script = format!(
            "{}\nCOMP_WORDS=({program} comp); COMP_CWORD=1; {ask}\n",
            String::from_utf8(script.stdout).unwrap()
        );
        let answer = run_command(bash, &std::env::temp_dir(), script.as_bytes());
        let words = String::from_utf8_lossy(&answer.stdout);
        assert!(
            words.trim() == "completions",
            "{words} {}",
            String::from_utf8_lossy(&answer.stderr)
        );
    }
}
