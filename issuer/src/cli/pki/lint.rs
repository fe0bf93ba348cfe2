//! `mdoc-issuer pki lint`

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Args;
use mdoc_cli::input::{Form, Input};
use mdoc_cli::{Exit, Failure, args, failure, keys, output, system};
use mdoc_core::keys::{public_from_file, secret_from_file};
use mdoc_core::seams::Clock as _;
use mdoc_core::time::Timestamp;
use mdoc_core::x509::Certificate;
use mdoc_core::x509::profile::Severity;
use serde_json::{Value as Json, json};

use super::super::PROGRAM;
use super::options::RoleName;
use mdoc_issuer::lint::{self, Bundle, Linted, Origin, Remark, Terms, Verdict};

/// The most files that are looked at in a folder.
const MOST_FILES: usize = 10_000;

/// What to judge, and by what.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mdoc-issuer pki lint demo/ds.pem --issuer demo/iaca.pem
  mdoc-issuer pki lint demo
  mdoc-issuer pki lint licence.mdoc --issuer demo/iaca.pem --json
  mdoc-issuer pki lint signer.pem --role document-signer --verbose

Takes certificates in PEM or DER, folders of them, and the certificates in an
issued document, a response or a request. Files that are given together are
looked at as issuers of each other. All rules: docs/certificate-rules.md.

An error is what readers refuse, a warning what strict readers refuse, a note
what they take. Exit status: 0 no errors, 1 errors found, 2 could not tell.")]
pub(in crate::cli) struct Arguments {
    /// Certificates, mdocs or folders; `-` for standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The role of the first certificate of each file [default: guessed]
    #[arg(long, value_enum)]
    role: Option<RoleName>,
    /// The certificate of the issuer, if it is not among the files
    #[arg(long, value_name = "FILE")]
    issuer: Option<PathBuf>,
    /// The instant at which the certificates should be valid [default: now]
    #[arg(long, value_name = "RFC3339", value_parser = args::instant)]
    at: Option<Timestamp>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Tell where each rule comes from, and of each certificate its issuer and validity
    #[arg(long, conflicts_with = "json")]
    verbose: bool,
}

/// Judges the certificates.
///
/// # Errors
/// [`Failure`] if a file cannot be read or holds no certificate.
pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let mut bundles = Vec::new();
    for path in &arguments.files {
        if path.is_dir() {
            folder(path, &mut bundles)?;
        } else {
            bundles.extend(bundles_of(&Input::read(path)?)?);
        }
    }
    let issuer = arguments.issuer.as_deref().map(keys::certificate).transpose()?;
    let linted = lint::lint(
        &bundles,
        Terms {
            role: arguments.role.map(RoleName::role),
            issuer: issuer.as_ref(),
            now: arguments.at.unwrap_or_else(|| system::SystemClock.now()),
        },
    );
    let verdict = lint::verdict(&linted);
    if arguments.json {
        output::print_json(&json(&linted, verdict))?;
    } else {
        output::print(&text(&linted, verdict, arguments.verbose))?;
    }
    Ok(match verdict {
        Verdict::Clean => Exit::Done,
        Verdict::Errors => Exit::Rejected,
        Verdict::Unknown => Exit::CouldNotTell,
    })
}

/// The certificates of a file, which has some.
fn bundles_of(input: &Input) -> Result<Vec<Bundle>, Failure> {
    let of_file = |certificates| {
        vec![Bundle {
            place: input.name.clone(),
            certificates,
            origin: Origin::File,
        }]
    };
    let found = match input.form {
        Form::Pem => of_file(Certificate::each_from_pem(&String::from_utf8_lossy(&input.bytes))),
        Form::Der if is_key(&input.bytes) => Vec::new(),
        Form::Der => of_file(vec![Certificate::from_der(&input.bytes)]),
        Form::Cbor => lint::bundles_of_cbor(&input.name, &input.bytes).map_err(|error| {
            Failure::new(format!("{} cannot be read: {error}", input.name)).hint(format!(
                "`mdoc-issuer inspect {}` shows it as far as it goes",
                input.name
            ))
        })?,
        _ => Vec::new(),
    };
    if found.iter().all(|bundle| bundle.certificates.is_empty()) {
        return Err(input.not("a certificate, or a document or request with certificates"));
    }
    Ok(found)
}

fn is_key(der: &[u8]) -> bool {
    public_from_file(der).is_ok() && Certificate::from_der(der).is_err() || secret_from_file(der).is_ok()
}

/// The certificates of the files right in a folder; files without any are passed over with a warning.
fn folder(path: &Path, bundles: &mut Vec<Bundle>) -> Result<(), Failure> {
    let name = path.display();
    let listed = std::fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let entries = listed.map_err(|error| {
        Failure::new(format!("the folder {name} cannot be listed: {error}"))
            .hint(format!("see who may with `ls -ld {name}`"))
    })?;
    let mut files: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    files.retain(|file| is_certificate_name(file));
    files.sort();
    if files.len() > MOST_FILES {
        return Err(
            Failure::new(format!("{name} has more than {MOST_FILES} certificate files"))
                .hint("give a folder with nothing but certificates"),
        );
    }
    let before = bundles.len();
    for file in files {
        match Input::read(&file).and_then(|input| bundles_of(&input)) {
            Ok(found) => bundles.extend(found),
            Err(failure) => output::warn(PROGRAM, &format!("{}; it is passed over", failure.message)),
        }
    }
    if bundles.len() == before {
        return Err(Failure::new(format!("{name} has no file with a certificate"))
            .hint("of a folder *.pem, *.der, *.crt, *.cer and *.mdoc are taken"));
    }
    Ok(())
}

fn is_certificate_name(path: &Path) -> bool {
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    let ends = [".pem", ".der", ".crt", ".cer", ".mdoc"];
    let keys = [".key.pem", ".pub.pem"];
    path.is_file()
        && ends.iter().any(|end| name.ends_with(end))
        && !keys.iter().any(|end| name.ends_with(end))
}

fn text(linted: &[Linted], verdict: Verdict, verbose: bool) -> String {
    let mut out = String::new();
    let mut explained = BTreeSet::new();
    for one in linted {
        let role = match (one.role, one.guess) {
            (Some(role), Some(why)) => format!("{}, as {why}", lint::words(role)),
            (Some(role), None) => format!("{}, as you say", lint::words(role)),
            (None, why) => format!("not judged by a profile: {}", why.unwrap_or_default()),
        };
        out.push_str(&format!("{}: {role}\n", one.place));
        if let Some(certificate) = &one.certificate {
            let subject = failure::printable(&certificate.subject().to_string());
            out.push_str(&format!("  {subject}\n"));
            if verbose {
                let issuer = failure::printable(&certificate.issuer().to_string());
                let (from, until) = (certificate.not_before(), certificate.not_after());
                out.push_str(&format!("  issued by {issuer}\n  valid from {from} to {until}\n"));
            }
        }
        for remark in &one.remarks {
            let first = explained.insert(remark.id);
            describe(remark, first, verbose, &mut out);
        }
        if one.remarks.is_empty() {
            out.push_str("  nothing to report\n");
        }
        out.push('\n');
    }
    let count = |severity| {
        let remarks = linted.iter().flat_map(|one| &one.remarks);
        remarks.filter(|remark| remark.severity == severity).count()
    };
    let plural = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    out.push_str(&format!(
        "{}: {}, {}, {}{}\n",
        plural(linted.len(), "certificate"),
        plural(count(Severity::Error), "error"),
        plural(count(Severity::Warning), "warning"),
        plural(count(Severity::Note), "note"),
        match verdict {
            Verdict::Unknown => "; of some the role is not known: give --role",
            Verdict::Clean | Verdict::Errors => "",
        }
    ));
    out
}

/// A remark in words; why it matters is said the first time, or always if `verbose`.
fn describe(remark: &Remark, first: bool, verbose: bool, out: &mut String) {
    let (severity, id) = (remark.severity.id(), remark.id);
    let (found, expected) = (failure::printable(&remark.found), &remark.expected);
    let expected = failure::printable(expected);
    out.push_str(&format!("  {severity:<8} {id}\n           found:    {found}\n"));
    out.push_str(&format!("           expected: {expected}\n"));
    if first || verbose {
        out.push_str(&format!("           why:      {}\n", remark.why));
    }
    if verbose {
        out.push_str(&format!("           source:   {}\n", remark.clause));
    }
}

fn json(linted: &[Linted], verdict: Verdict) -> Json {
    let certificates: Vec<Json> = linted
        .iter()
        .map(|one| {
            let certificate = one.certificate.as_ref();
            let findings: Vec<Json> = one
                .remarks
                .iter()
                .map(|remark| {
                    json!({
                        "rule": remark.id,
                        "severity": remark.severity.id(),
                        "found": remark.found,
                        "expected": remark.expected,
                        "why": remark.why,
                        "source": remark.clause,
                    })
                })
                .collect();
            json!({
                "place": one.place,
                "subject": certificate.map(|found| found.subject().to_string()),
                "issuer": certificate.map(|found| found.issuer().to_string()),
                "comparedWith": one.issuer,
                "role": one.role.and_then(RoleName::of),
                "guessedFrom": one.guess,
                "findings": findings,
            })
        })
        .collect();
    json!({
        "verdict": match verdict {
            Verdict::Clean => "no errors",
            Verdict::Errors => "errors",
            Verdict::Unknown => "unknown",
        },
        "certificates": certificates,
    })
}
