//! `mdoc-issuer vical`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use mdoc_cli::input::{self, Input};
use mdoc_cli::keys::{self, KeySource};
use mdoc_cli::output::{self, Existing, NewFile};
use mdoc_cli::recognise::Structure;
use mdoc_cli::system::SystemClock;
use mdoc_cli::trust::trust_anchors;
use mdoc_cli::{Exit, Failure, args};
use mdoc_core::limits::Limits;
use mdoc_core::seams::Clock as _;
use mdoc_core::time::Timestamp;
use mdoc_core::verify::MDL_DOC_TYPE;
use mdoc_core::vical::SignedVical;
use mdoc_core::vical::build::{Draft, Entry};
use mdoc_core::x509::path::TrustAnchor;
use mdoc_issuer::signer::Deviations;
use mdoc_issuer::vical::{Fault, Listing, Order, make};
use serde_json::json;

use super::PROGRAM;

/// What to do with lists of issuing authorities.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a list of issuing authorities, as its provider
    Make(Box<Make>),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Serial numbers, key identifiers, names and validity come from the certificates.
Every root is checked by its profile, and the list by the provider's root before
it is written. The root itself does not go into the list.

Examples:
  mdoc-issuer vical make --iaca roots --provider \"Example Trust\" --issue-id 1 \\
      --next-update 90d --signer vical.pem --signer-key vical.key.pem \\
      --root provider.pem --out list.vical
  mdoc-issuer vical make --list list.toml --provider \"Example Trust\" \\
      --previous list.vical --next-update 90d --signer vical.pem \\
      --signer-key vical.key.pem --root provider.pem --out new.vical

A list file:
  [[entry]]
  certificate = \"roots/nl.pem\"      # seen from the folder of this file
  docTypes = [\"org.iso.18013.5.1.mDL\", \"eu.europa.ec.eudi.pid.1\"]
  issuingAuthority = \"RDW\"          # this and the following are optional
  issuingCountry = \"NL\"
  stateOrProvinceName = \"NL-UT\"
  certificateProfile = [\"urn:oid:1.0.18013.5.1.7\"]")]
pub(super) struct Make {
    /// Root certificate of an authority, or folder of them; may be given more than once
    #[arg(long, value_name = "FILE|DIR", required_unless_present = "list")]
    iaca: Vec<PathBuf>,
    /// What the roots of --iaca are trusted for; may be given more than once [default: org.iso.18013.5.1.mDL]
    #[arg(long, value_name = "TYPE", value_parser = args::line, requires = "iaca")]
    doctype: Vec<String>,
    /// Authorities with their documents in TOML, as below
    #[arg(long, value_name = "FILE")]
    list: Option<PathBuf>,
    /// The name of the provider
    #[arg(long, value_name = "NAME", value_parser = args::line)]
    provider: String,
    /// The number of the issue [default: one more than that of --previous]
    #[arg(long, value_name = "NUMBER", required_unless_present = "previous")]
    issue_id: Option<u64>,
    /// The list before this one: number and date have to be greater than its own
    #[arg(long, value_name = "FILE")]
    previous: Option<PathBuf>,
    /// When the list is made [default: now]
    #[arg(long, value_name = "RFC3339", value_parser = args::instant)]
    date: Option<Timestamp>,
    /// Until when there will be a newer list: an instant, or a duration from --date
    #[arg(long, value_name = "RFC3339|DURATION", value_parser = End::parse)]
    next_update: Option<End>,
    /// From when on the list must not be used any more (second edition)
    #[arg(long, value_name = "RFC3339|DURATION", value_parser = End::parse)]
    not_after: Option<End>,
    /// Where the newest list is (second edition)
    #[arg(long, value_name = "URL", value_parser = args::web_address)]
    url: Option<String>,
    /// The VICAL signer's certificate, followed by intermediate ones if there are any
    #[arg(long, value_name = "FILE")]
    signer: PathBuf,
    /// The VICAL signer's private key
    #[arg(long, value_name = "KEY")]
    signer_key: KeySource,
    /// The provider's root, that readers check the list by
    #[arg(long, value_name = "FILE|DIR", required = true)]
    root: Vec<PathBuf>,
    /// List roots that deviate from their profile in ways that readers tolerate
    #[arg(long)]
    accept_root_deviations: bool,
    /// Sign although the signer's certificate deviates from its profile in ways that readers tolerate
    #[arg(long)]
    accept_signer_deviations: bool,
    /// Where to write the list; `-` is standard output
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Replace a list that is there
    #[arg(long)]
    force: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// An end: an instant, or a time after the date of the list.
#[derive(Debug, Clone, Copy)]
enum End {
    At(Timestamp),
    After(std::time::Duration),
}

impl End {
    fn parse(text: &str) -> Result<Self, String> {
        args::duration(text).map(Self::After).or_else(|_| {
            args::instant(text).map(Self::At).map_err(|_| {
                "an instant such as 2026-06-01T12:00:00Z or a duration such as 90d is expected".to_owned()
            })
        })
    }

    fn from(self, date: Timestamp) -> Timestamp {
        match self {
            Self::At(instant) => instant,
            Self::After(duration) => date.plus(duration),
        }
    }
}

pub(super) fn run(command: &Command) -> Result<Exit, Failure> {
    match command {
        Command::Make(arguments) => run_make(arguments),
    }
}

fn run_make(arguments: &Make) -> Result<Exit, Failure> {
    let (entries, files) = entries(arguments)?;
    let named = [&arguments.list, &arguments.previous].into_iter().flatten();
    let named = named
        .chain(&arguments.root)
        .chain([&arguments.signer])
        .chain(&files);
    let named = named.map(PathBuf::as_path).chain(arguments.signer_key.file());
    // That an older list is replaced by its successor is what a provider does every day.
    let named = named.filter(|file| arguments.previous.as_deref() != Some(*file));
    output::not_over(&arguments.out, &named.collect::<Vec<_>>())?;

    let previous = arguments.previous.as_deref().map(read_list).transpose()?;
    let previous = previous
        .as_ref()
        .map(|input| {
            SignedVical::decode(&input.bytes, &Limits::VICAL)
                .map_err(|error| input.undecodable(Structure::Vical, &error))
        })
        .transpose()?;
    let before = previous.as_ref().and_then(|list| list.vical().issue_id);
    let issue_id = arguments.issue_id.or_else(|| before?.checked_add(1));
    let Some(issue_id) = issue_id else {
        return Err(Failure::new("the list before has no number to count on from")
            .hint("give the number of this issue with --issue-id"));
    };
    let date = arguments.date.unwrap_or_else(|| SystemClock.now());
    let draft = Draft {
        provider: arguments.provider.clone(),
        issue_id: Some(issue_id),
        date,
        next_update: arguments.next_update.map(|end| end.from(date)),
        not_after: arguments.not_after.map(|end| end.from(date)),
        url: arguments.url.clone(),
        entries,
    };
    let chain = keys::certificates(&arguments.signer)?;
    let key = keys::signer(&arguments.signer_key)?;
    let roots = trust_anchors(&arguments.root)?;
    for warning in &roots.warnings {
        output::warn(PROGRAM, warning);
    }
    let roots: Vec<TrustAnchor> = roots.certificates.into_iter().map(TrustAnchor::new).collect();
    let deviations = |accept| {
        if accept {
            Deviations::Warn
        } else {
            Deviations::Refuse
        }
    };
    let made = make(&Order {
        draft: &draft,
        signer: key.as_ref(),
        chain: &chain,
        roots: &roots,
        previous: previous.as_ref(),
        root_deviations: deviations(arguments.accept_root_deviations),
        signer_deviations: deviations(arguments.accept_signer_deviations),
    })
    .map_err(|faults| failure(&faults))?;
    for warning in &made.warnings {
        output::warn(PROGRAM, warning);
    }
    let file = NewFile {
        path: &arguments.out,
        content: &made.bytes,
        secret: false,
    };
    let existing = if arguments.force {
        Existing::Replace
    } else {
        Existing::Keep
    };
    output::write(file, existing)?;
    if !input::is_stdio(&arguments.out) {
        report(&draft, &made.bytes, arguments)?;
    }
    Ok(Exit::Done)
}

fn report(draft: &Draft, bytes: &[u8], arguments: &Make) -> Result<(), Failure> {
    let out = arguments.out.display();
    if arguments.json {
        return output::print_json(&json!({
            "out": out.to_string(),
            "bytes": bytes.len(),
            "provider": draft.provider,
            "issueId": draft.issue_id,
            "date": draft.date.to_string(),
            "nextUpdate": draft.next_update.map(|end| end.to_string()),
            "entries": draft.entries.len(),
        }));
    }
    let entries = match draft.entries.len() {
        1 => "1 entry".to_owned(),
        count => format!("{count} entries"),
    };
    let issue = draft.issue_id.unwrap_or_default();
    output::print(&format!(
        "wrote {out}: issue {issue} of {}, {entries}, {} bytes\n",
        draft.date,
        bytes.len()
    ))
}

/// The entries, and the files that they came from.
fn entries(arguments: &Make) -> Result<(Vec<Entry>, Vec<PathBuf>), Failure> {
    let (mut entries, mut files) = (Vec::new(), Vec::new());
    if !arguments.iaca.is_empty() {
        let found = trust_anchors(&arguments.iaca)?;
        // Nobody is left out of a list without a word: what cannot be read stops everything.
        if let Some(warning) = found.warnings.first() {
            return Err(Failure::new(warning.clone())
                .hint("take the file out of the folder, or name the files one by one"));
        }
        let doc_types = if arguments.doctype.is_empty() {
            vec![MDL_DOC_TYPE.to_owned()]
        } else {
            arguments.doctype.clone()
        };
        let with = |certificate| Entry::new(certificate, doc_types.clone());
        entries.extend(found.certificates.into_iter().map(with));
        files.extend(arguments.iaca.iter().filter(|path| path.is_file()).cloned());
    }
    let Some(path) = &arguments.list else {
        return Ok((entries, files));
    };
    let input = Input::read(path)?;
    let listing = Listing::parse(input.text()?).map_err(|error| {
        let text = error.to_string();
        Failure::new(format!(
            "{} is no list of authorities: {}",
            input.name,
            text.trim_end()
        ))
        .hint("`mdoc-issuer vical make --help` shows what such a file looks like")
    })?;
    let folder = path.parent().unwrap_or(Path::new(""));
    for listed in &listing.entries {
        let file = folder.join(&listed.certificate);
        let certificates = keys::certificates(&file)?;
        let [certificate] = certificates.as_slice() else {
            return Err(Failure::new(format!(
                "{} holds {} certificates, and one is expected",
                file.display(),
                certificates.len()
            ))
            .hint("write each to a file of its own"));
        };
        entries.push(listed.entry(certificate.clone()));
        files.push(file);
    }
    Ok((entries, files))
}

fn read_list(path: &Path) -> Result<Input, Failure> {
    let input = Input::read(path)?;
    input.cbor(Structure::Vical.words())?;
    Ok(input)
}

/// All faults in words, with what to do about the first.
fn failure(faults: &[Fault]) -> Failure {
    let words: Vec<String> = faults.iter().map(ToString::to_string).collect();
    let failure = Failure::new(format!("no list was made: {}", words.join("\n"))).exit(Exit::Rejected);
    match faults.first() {
        Some(Fault::RootProfile { .. }) => failure.hint(
            "`mdoc-issuer pki lint` explains each rule; deviations that readers tolerate pass with \
             --accept-root-deviations",
        ),
        Some(Fault::RootNotValid { .. }) => failure.hint("leave it out, or correct --date"),
        Some(Fault::SignerProfile(_)) => failure.hint(
            "make a certificate for a VICAL signer; deviations that readers tolerate pass with \
             --accept-signer-deviations",
        ),
        Some(Fault::OtherKey) => failure.hint("give the key that was made with the certificate of --signer"),
        Some(Fault::OutlivesSigner { .. }) => {
            failure.hint("shorten --next-update, or renew the signer's certificate")
        }
        Some(Fault::Twice { .. }) => {
            failure.hint("name it once, with all its documents, in a file for --list")
        }
        Some(Fault::Rejected(_)) => {
            failure.hint("is --root the root that issued the certificate of --signer, and valid at --date?")
        }
        Some(Fault::IssueId { .. }) => failure.hint("leave out --issue-id to count on from --previous"),
        _ => failure,
    }
}
