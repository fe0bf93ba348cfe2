//! Documents that are generated from the code, and must not fall behind it.

mod formats;

use std::fmt::Write as _;
use std::path::Path;

use mdoc_core::ble::frame::FrameError;
use mdoc_core::ble::link::Ending;
use mdoc_core::session::{Status, Why as Ended};
use mdoc_core::verify::{Check, Code, Why};
use mdoc_core::x509::profile::{Role, Rule, Weight};
use mdoc_core::{status, vical};
use mdoc_issuer::lint;
use mdoc_radio::Fault;

const fn weight(weight: Weight) -> &'static str {
    match weight {
        Weight::Hard => "rejects",
        Weight::Deviation => "warns; rejects under `strict`",
    }
}

fn reason_codes() -> String {
    let mut out = String::from(
        "# Steps and reason codes\n\n\
         Generated from the code by `UPDATE_DOCS=1 cargo test -p integration reason_codes`; do not edit.\n\n\
         A verification lists every step below, each `passed`, `failed`, `warning` or `not_done`. Ids and codes\n\
         are stable: they are never renamed and never used again for something else.\n\n\
         ## Steps\n\n| Step | What it makes sure of | Source |\n|---|---|---|\n",
    );
    for check in Check::ALL {
        let _ = writeln!(
            out,
            "| `{}` | {} | {} |",
            check.id(),
            check.meaning(),
            check.source()
        );
    }
    out.push_str("\n## Reasons\n\n| Code | Step | Policy `standard` | What is wrong |\n|---|---|---|---|\n");
    for code in Code::ALL {
        let step = code.check().id();
        let _ = writeln!(
            out,
            "| `{}` | `{step}` | {} | {} |",
            code.id(),
            weight(code.weight()),
            code.meaning()
        );
    }
    out.push_str(
        "\n## Rules of certificate profiles\n\n\
         Found by the steps about certificates (`ds-*`, `iaca-profile`, `cert-country`).\n\n\
         | Code | Policy `standard` | Source |\n|---|---|---|\n",
    );
    for rule in Rule::ALL.iter().filter(|rule| !rule.is_of_linter_alone()) {
        let _ = writeln!(
            out,
            "| `{}` | {} | {} |",
            rule.id(),
            weight(rule.weight()),
            rule.clause()
        );
    }
    out.push_str("\n## Why a step was not done\n\n| Code | Why |\n|---|---|\n");
    for why in Why::ALL {
        let _ = writeln!(out, "| `{}` | {} |", why.id(), why.meaning());
    }
    out.push_str(
        "\n## What stands against a status list\n\n\
         The reason behind a step `status` that was not done, or that found `status.form`: a list with a hard fault says\n\
         nothing of any document.\n\n\
         | Code | Policy `standard` | What is wrong |\n|---|---|---|\n",
    );
    for code in status::Code::ALL {
        let weight = match code.weight() {
            Weight::Hard => "leaves the status unknown",
            Weight::Deviation => "warns",
        };
        let _ = writeln!(out, "| `{}` | {weight} | {} |", code.id(), code.meaning());
    }
    out
}

/// Compares a file of docs/ with what the code makes, or writes it.
fn current(name: &Path, expected: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, expected).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == expected,
        "docs/{} is behind the code: run the command in its head",
        name.display()
    );
}

fn vical_codes() -> String {
    let mut out = String::from(
        "# Lists of issuing authorities: steps and codes\n\n\
         Generated from the code by `UPDATE_DOCS=1 cargo test -p integration vical_codes`; do not edit.\n\n\
         `mdoc-verifier vical verify` lists every step below, each `passed`, `failed`, `warning` or `not_done`; a list\n\
         that is given to `--trust` is checked by the same steps. Ids and codes are stable: they are never renamed and\n\
         never used again for something else. What is wrong with one entry costs that entry at most.\n\n\
         ## Steps\n\n| Step | What it makes sure of | Source |\n|---|---|---|\n",
    );
    for check in vical::Check::ALL {
        let (id, meaning, source) = (check.id(), check.meaning(), check.source());
        let _ = writeln!(out, "| `{id}` | {meaning} | {source} |");
    }
    out.push_str(
        "\n## Reasons\n\n| Code | Step | What it means for the list | What is wrong |\n|---|---|---|---|\n",
    );
    for code in vical::Code::ALL {
        let weight = match code.weight() {
            vical::Weight::Hard => weight(Weight::Hard),
            vical::Weight::Deviation => weight(Weight::Deviation),
            vical::Weight::Note => "warns",
        };
        let (id, step, meaning) = (code.id(), code.check().id(), code.meaning());
        let _ = writeln!(out, "| `{id}` | `{step}` | {weight} | {meaning} |");
    }
    out.push_str(
        "\nThe steps `vical-signer-profile` and `vical-entries-profile` find the rules of `certificate-rules.md`: those\n\
         about the signer weigh as they do there, those about an entry warn. Whether a root is fit to be one is judged\n\
         when a document leads to it.\n\n\
         ## Why a step was not done\n\n| Code | Why |\n|---|---|\n",
    );
    for why in vical::Why::ALL {
        let _ = writeln!(out, "| `{}` | {} |", why.id(), why.meaning());
    }
    out
}

#[test]
fn vical_codes_are_documented_as_they_are() {
    current(Path::new("vical-codes.md"), &vical_codes());
}

#[test]
fn reason_codes_are_documented_as_they_are() {
    current(Path::new("reason-codes.md"), &reason_codes());
}

fn certificate_rules() -> String {
    let mut out = String::from(
        "# Rules for certificates\n\n\
         Generated from the code by `UPDATE_DOCS=1 cargo test -p integration certificate_rules`; do not edit.\n\n\
         `mdoc-issuer pki lint` judges certificates by these rules. Names are stable: they are never renamed and\n\
         never used again for something else. An *error* is what readers in use refuse, a *warning* what strict\n\
         readers refuse and others pass over, a *note* what readers take. What a verifier does about the rules that\n\
         are its business too is in `reason-codes.md`: it tolerates more than a maker should rely on.\n\n\
         ## Roles\n\n| Role | Longest validity |\n|---|---|\n",
    );
    for (role, longest) in [
        (Role::IacaRoot, "20 years"),
        (Role::IacaLink, "20 years, and that of the old root"),
        (Role::DocumentSigner { mdl: true }, "457 days"),
        (Role::DocumentSigner { mdl: false }, "457 days"),
        (Role::ReaderCa, "20 years"),
        (Role::ReaderAuthentication, "1187 days"),
        (Role::StatusListSigner, "1187 days"),
        (Role::OcspResponder, "457 days; 90 days with ocsp-nocheck"),
        (Role::OtherCa, "20 years"),
        (Role::VicalSigner, "1187 days"),
        (Role::JwsSigner, "457 days"),
        (Role::TlsServer, "822 days"),
        (Role::TlsClient, "1187 days"),
    ] {
        let _ = writeln!(out, "| {} | {longest} |", lint::words(role));
    }
    out.push_str("\n## Rules\n\n| Rule | Severity | What it asks for | Why it matters | Source |\n|---|---|---|---|---|\n");
    for (id, severity, clause, meaning, why) in lint::rules() {
        let _ = writeln!(
            out,
            "| `{id}` | {} | {meaning} | {why} | {clause} |",
            severity.id()
        );
    }
    out
}

#[test]
fn certificate_rules_are_documented_as_they_are() {
    current(Path::new("certificate-rules.md"), &certificate_rules());
}

#[test]
fn no_code_or_step_is_used_twice() {
    let mut all: Vec<&str> = Code::ALL.iter().map(|code| code.id()).collect();
    all.extend(Rule::ALL.iter().map(|rule| rule.id()));
    all.extend(Why::ALL.iter().map(|why| why.id()));
    all.extend(status::Code::ALL.iter().map(|code| code.id()));
    all.extend(vical::Code::ALL.iter().map(|code| code.id()));
    all.extend(vical::Why::ALL.iter().map(|why| why.id()));
    let mut steps: Vec<&str> = Check::ALL.iter().map(|check| check.id()).collect();
    steps.extend(vical::Check::ALL.iter().map(|check| check.id()));
    for list in [&mut all, &mut steps] {
        let count = list.len();
        list.sort_unstable();
        list.dedup();
        assert_eq!(list.len(), count);
    }
}

#[test]
fn the_library_example_of_the_readme_is_one_that_is_compiled() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let compiled = std::fs::read_to_string(root.join("verifier/src/lib.rs")).unwrap();
    let example = readme
        .split("```rust\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    let expected: String = example.lines().map(|line| format!("//! {line}\n")).collect();
    assert!(
        compiled.contains(&expected),
        "the example in README.md is not that of verifier/src/lib.rs"
    );
}

/// A rule is held by the test that the table names, if there is one of that name.
#[test]
fn the_tests_that_hold_the_rules_for_issuers_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let document = std::fs::read_to_string(root.join("docs/openid4vci.md")).unwrap();
    let (_, rules) = document.split_once("## The rules for issuers").unwrap();
    let mut sources = String::new();
    let mut folders = vec![
        root.join("service/src"),
        root.join("openid/src"),
        root.join("tests"),
    ];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                sources.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
    }
    let named: Vec<&str> = rules
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|name| name.matches('_').count() >= 3)
        .collect();
    assert!(named.len() > 50, "{}", named.len());
    for name in named {
        assert!(
            sources.contains(&format!("fn {name}(")),
            "there is no test {name}"
        );
    }
}

/// Whoever is told one by `read`, `kiosk` or `present` finds it in the guide.
#[test]
fn every_code_of_a_radio_or_a_link_is_in_the_guide_for_readers() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let guide = std::fs::read_to_string(root.join("docs/verifying-in-person.md")).unwrap();
    let (_, table) = guide.split_once("## If it does not work").unwrap();
    let text = String::new;
    let faults = [
        Fault::NoAdapter,
        Fault::NoSuchAdapter {
            name: text(),
            there: Vec::new(),
        },
        Fault::AdapterOff(text()),
        Fault::NoService,
        Fault::NotPermitted,
        Fault::NotSupported(""),
        Fault::Service(""),
        Fault::Failed {
            what: "",
            cause: text(),
        },
    ];
    let endings = [
        Ending::ByPeer,
        Ending::Disconnected,
        Ending::Lost,
        Ending::LostBeforeStart,
        Ending::NoPeer,
        Ending::NotSetUp,
        Ending::Idle,
        Ending::WrongIdent,
        Ending::Frame(FrameError::Empty),
    ];
    let codes = faults.iter().map(Fault::code);
    let codes = codes.chain(endings.iter().map(Ending::code));
    for code in codes.chain([Ended::ByPeer(Status::Termination).code()]) {
        assert!(table.contains(&format!("`[{code}]`")), "{code}");
    }
}
