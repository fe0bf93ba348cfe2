//! `mdoc-issuer batch`

mod failures;
mod progress;
mod sinks;
mod source;

use std::path::{Path, PathBuf};
use std::thread::available_parallelism;
use std::time::Instant;

use base16ct::lower::encode_string as hex;
use clap::Args;
use mdoc_cli::input;
use mdoc_cli::output;
use mdoc_cli::system;
use mdoc_cli::{Exit, Failure, args};
use mdoc_core::crypto::{CryptoRng, fastest, fastest_random};
use mdoc_core::issue::ItemOrder;
use mdoc_core::mso::KeyAuthorizations;
use mdoc_core::seams::Clock as _;
use mdoc_issuer::batch::folder::{Before, Folder, FolderError, Identity, Lines, RESULTS};
use mdoc_issuer::batch::intake::Intake;
use mdoc_issuer::batch::{Mode, Places, Plan, Sink, Surroundings, Tally, run as run_batch};
use mdoc_issuer::data::rows::Rows;
use mdoc_issuer::format::Format;
use mdoc_issuer::signer::DocumentSigner;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use self::failures::{failure_of_folder, failure_of_rows, failure_of_stop};
use self::progress::Progress;
use self::sinks::{Beside, Noting};
use self::source::Source;
use super::signing::{Loaded, Signing};
use super::terms::Terms;
use super::{PROGRAM, format};

/// Records with faults that are named on stderr; the results have all of them.
const SHOWN: usize = 10;

/// Options of `mdoc-issuer batch`.
#[derive(Debug, Args)]
#[command(after_help = "\
The records are JSON lines (an object on every line) or CSV (a header row, UTF-8).
Their fields are those that `mdoc-issuer format show NAME` lists, and
  device_key   the holder's public key: PEM, a JWK, or a file in --device-keys
  device_keys  with --copies: a JSON list of them, one a copy
Without these, the keys are --device-keys DIR/ID.pem, or ID-1.pem, ID-2.pem … with
--copies; ID is the value of --id-field, or the number of the record.

In CSV an empty cell is an absent field, and a cell is read as the type that the
format gives its field: 00123 stays a text where a text is wanted. Structured
fields are JSON in a cell or columns such as place_of_birth/country; lists of
simple values are JSON or separated by semicolons: NL;BE.

DIR of --out gets documents/ID.mdoc (in folders of 1,000 records if there are many),
results.jsonl with a line for every record, in their order, and batch.json. With
--resume a batch that was broken off, however that was, goes on where it was: no
document is lost or made twice. Positions in the status list are spread over N to
N + documents - 1, never given twice, and unused where a record fails.

--salt-last makes copies with large pictures twice as fast. The standard leaves the
order open, and libraries that were tried take it; try the wallets of your holders.

Exit status: 0 all records issued, 3 some failed, 1 all failed, 2 it could not be done.

Examples:
  mdoc-issuer batch --format iso-18013-5-mdl --data people.csv --id-field document_number \\
      --portraits photos --device-keys keys --check \\
      --signer demo/ds.pem --signer-key demo/ds.key.pem
  mdoc-issuer batch --format iso-18013-5-mdl --data people.csv --id-field document_number \\
      --portraits photos --device-keys keys --out issued \\
      --signer demo/ds.pem --signer-key demo/ds.key.pem
  mdoc-issuer batch … --out issued --resume
  mdoc-issuer batch … --copies 5 --status-list https://status.example/1 --status-index-from 0")]
pub(super) struct Arguments {
    /// Name of a format, or a format file
    #[arg(long, value_name = "NAME|FILE")]
    format: String,
    /// A folder with formats of your own (*.xml); they come before the shipped ones
    #[arg(long, value_name = "DIR")]
    formats: Option<PathBuf>,
    /// The records: JSON lines or CSV
    #[arg(long, value_name = "FILE")]
    data: PathBuf,
    /// What separates the cells of CSV: a character, or `tab`
    #[arg(long, value_name = "CHAR", default_value = ",", value_parser = delimiter)]
    delimiter: u8,
    /// The field that names the documents of a record [default: its number]
    #[arg(long, value_name = "FIELD", value_parser = args::line)]
    id_field: Option<String>,
    /// The folder with the pictures that the portrait field names; otherwise it has base64
    #[arg(long, value_name = "DIR")]
    portraits: Option<PathBuf>,
    /// The folder with the holders' public keys
    #[arg(long, value_name = "DIR")]
    device_keys: Option<PathBuf>,
    /// Documents for each person, each for a key of its own
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    copies: u32,
    /// With --copies: write what copies have in common before their salts, so that it is hashed once a person
    #[arg(long, requires = "copies")]
    salt_last: bool,
    /// Let several records have the same device key
    #[arg(long)]
    allow_shared_device_keys: bool,
    #[command(flatten)]
    signing: Signing,
    #[command(flatten)]
    terms: Terms,
    /// Where the status list will be published (second edition)
    #[arg(long, value_name = "URI", requires = "status_index_from", value_parser = args::web_address)]
    status_list: Option<String>,
    /// The first position in the status list that is free
    #[arg(long, value_name = "N", requires = "status_list")]
    status_index_from: Option<u64>,
    /// The folder for the documents and the results; new or empty
    #[arg(long, value_name = "DIR", required_unless_present = "check")]
    out: Option<PathBuf>,
    /// Go on with the batch that was begun in the folder
    #[arg(long)]
    resume: bool,
    /// Check all records, sign nothing and write no document
    #[arg(long, conflicts_with_all = ["out", "resume"])]
    check: bool,
    /// With --check: write the results to this file
    #[arg(long, value_name = "FILE", requires = "check")]
    results: Option<PathBuf>,
    /// Threads that read, fill and sign [default: one a core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Option<u16>,
    /// Say nothing of the progress
    #[arg(long, short)]
    quiet: bool,
    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
}

fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        _ if text.eq_ignore_ascii_case("tab") || text == "\\t" => Ok(b'\t'),
        [byte]
            if byte.is_ascii_graphic() && !matches!(byte, b'"' | b'/') && !byte.is_ascii_alphanumeric() =>
        {
            Ok(*byte)
        }
        _ => Err("a character such as ; or the word tab is expected".to_owned()),
    }
}

/// Issues or checks all records.
///
/// # Errors
/// [`Failure`] if it cannot begin, or cannot go on; what was issued before counts then.
pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let (format, file) = format::load(arguments.formats.as_deref(), &arguments.format)?;
    let terms = &arguments.terms;
    let loaded = arguments
        .signing
        .load(&format.doctype, terms.now(), terms.valid_for)?;
    let signer = loaded.signer(&format.doctype)?;
    for folder in arguments.portraits.iter().chain(&arguments.device_keys) {
        if !folder.is_dir() {
            return Err(Failure::new(format!("there is no folder {}", folder.display()))
                .hint("check the spelling of the path"));
        }
    }
    let source = Source::open(arguments, &format)?;
    if let Some(warning) = loaded.warning() {
        output::warn(PROGRAM, &warning);
    }
    let job = Job {
        arguments,
        format: &format,
        loaded: &loaded,
        signer: &signer,
    };
    match &arguments.out {
        Some(out) => issue(job, file.as_deref(), source, out),
        None => check(job, source),
    }
}

/// What is wanted, of what kind, and who signs.
#[derive(Clone, Copy)]
struct Job<'a> {
    arguments: &'a Arguments,
    format: &'a Format,
    loaded: &'a Loaded,
    signer: &'a DocumentSigner<'a>,
}

fn intake(arguments: &Arguments) -> Intake {
    Intake {
        id_field: arguments.id_field.clone(),
        portraits: arguments.portraits.clone(),
        device_keys: arguments.device_keys.clone(),
        copies: arguments.copies,
        shared_device_keys: arguments.allow_shared_device_keys,
    }
}

fn check(job: Job<'_>, source: Source) -> Result<Exit, Failure> {
    let arguments = job.arguments;
    let records = source.records;
    if let Some(path) = &arguments.results {
        let inputs = inputs(arguments)?;
        output::not_over(path, &inputs.iter().map(PathBuf::as_path).collect::<Vec<_>>())?;
    }
    let lines = Lines::new(arguments.results.as_deref().map(Beside::new).transpose()?);
    let begun = Instant::now();
    let noting = Noting::new(lines);
    let work = Work {
        job,
        places: None,
        before: Before::default(),
    };
    let tally = work.run(source, &noting, Mode::Check)?;
    let (lines, failures) = noting.into_parts();
    if let Some(results) = lines.into_inner() {
        results.publish()?;
    }
    show(&failures, tally.failed);
    if arguments.json {
        output::print_json(&json!({
            "records": records,
            "valid": tally.good,
            "failed": tally.failed,
            "seconds": seconds(begun),
        }))?;
    } else {
        output::print(&format!(
            "{} of {} records can be issued, {} cannot\n",
            tally.good, records, tally.failed
        ))?;
    }
    Ok(exit(records, tally.failed))
}

fn issue(job: Job<'_>, format_file: Option<&Path>, source: Source, out: &Path) -> Result<Exit, Failure> {
    let Job {
        arguments, format, ..
    } = job;
    let documents = source.records.saturating_mul(u64::from(arguments.copies));
    let places = |key| match (&arguments.status_list, arguments.status_index_from) {
        (Some(uri), Some(from)) => Places::new(uri, from, documents, key).map(Some).ok_or_else(|| {
            Failure::new("there are not that many positions in a status list")
                .hint("give a smaller --status-index-from")
        }),
        _ => Ok(None),
    };
    // Before anything is written.
    places([0; 32])?;
    let mut random = system::random()?;
    let mut key = [0; 32];
    let rng: &mut dyn CryptoRng = &mut random;
    rng.fill_bytes(&mut key);
    let identity = Identity {
        input: source.sha256.clone(),
        records: source.records,
        copies: arguments.copies,
        options: options(arguments, format, format_file)?,
        places_key: hex(&key),
    };
    let opened = Folder::open(out, identity, arguments.resume);
    let (folder, identity, before) = opened.map_err(|error| failure_of_folder(&error, out))?;
    let key = unhex(&identity.places_key).ok_or_else(|| {
        failure_of_folder(
            &FolderError::Damaged {
                file: mdoc_issuer::batch::folder::STATE,
                line: 1,
            },
            out,
        )
    })?;
    let places = places(key)?;
    let records = source.records;
    let begun = Instant::now();
    let noting = Noting::new(folder);
    let work = Work {
        job,
        places: places.as_ref(),
        before,
    };
    let tally = work.run(source, &noting, Mode::Issue)?;
    let (folder, failures) = noting.into_parts();
    drop(folder);
    show(&failures, tally.failed);
    let failed = before.failed + tally.failed;
    let issued = before.records - before.failed + tally.good;
    let results = out.join(RESULTS);
    if arguments.json {
        output::print_json(&json!({
            "records": records,
            "issued": issued,
            "failed": failed,
            "documents": issued * u64::from(arguments.copies),
            "before": before.records,
            "adopted": tally.adopted,
            "results": results.display().to_string(),
            "seconds": seconds(begun),
        }))?;
    } else {
        output::print(&format!(
            "issued {} document{} for {issued} of {records} records, {failed} failed: {}\n",
            issued * u64::from(arguments.copies),
            if issued * u64::from(arguments.copies) == 1 {
                ""
            } else {
                "s"
            },
            results.display()
        ))?;
    }
    Ok(exit(records, failed))
}

/// Everything but the records and where documents go.
struct Work<'a> {
    job: Job<'a>,
    places: Option<&'a Places>,
    before: Before,
}

impl Work<'_> {
    fn run<S: Sink>(&self, source: Source, sink: &S, mode: Mode) -> Result<Tally, Failure> {
        let Job {
            arguments,
            format,
            loaded,
            signer,
        } = self.job;
        let intake = intake(arguments);
        let rows = Rows::new(source.file, source.layout, format, &intake.beside())
            .map_err(|error| failure_of_rows(&error, arguments))?;
        let cores = || available_parallelism().map_or(1, usize::from);
        let plan = Plan {
            format,
            signer,
            valid_for: arguments.terms.valid_for,
            issue_date: arguments.terms.issue_date,
            authority: arguments.terms.authority.as_deref(),
            key_authorizations: KeyAuthorizations::default(),
            digest_algorithm: arguments.terms.digest_algorithm(),
            decoys: arguments.terms.decoys(),
            copies: arguments.copies,
            item_order: if arguments.salt_last {
                ItemOrder::SaltLast
            } else {
                ItemOrder::Customary
            },
            places: self.places,
            mode,
            done: self.before.records,
            threads: arguments.threads.map_or_else(cores, usize::from),
        };
        let random = system::random()?;
        let surroundings = Surroundings {
            clock: &arguments.terms,
            random: &move || fastest_random().unwrap_or_else(|| Box::new(random)),
            backend: fastest(),
        };
        let mut progress = Progress::new(source.records, self.before, arguments.quiet);
        let records = intake.records(rows, format);
        let result = run_batch(records, &plan, sink, &surroundings, &mut |tally| {
            progress.tell(tally)
        });
        progress.end();
        let tally = result.map_err(|stop| failure_of_stop(&stop, arguments, loaded))?;
        if self.before.records + tally.records() == source.records {
            Ok(tally)
        } else {
            Err(Failure::new(format!(
                "{} has changed while it was read",
                arguments.data.display()
            ))
            .hint("see in the results which records were issued"))
        }
    }
}

fn show(failures: &[String], failed: u64) {
    for failure in failures {
        output::warn(PROGRAM, failure);
    }
    let more = failed.saturating_sub(u64::try_from(failures.len()).unwrap_or(0));
    if more > 0 {
        output::warn(
            PROGRAM,
            &format!("{more} more are not issued either; the results tell why"),
        );
    }
}

const fn exit(records: u64, failed: u64) -> Exit {
    match failed {
        0 => Exit::Done,
        _ if failed == records => Exit::Rejected,
        _ => Exit::SomeFailed,
    }
}

fn seconds(begun: Instant) -> f64 {
    (begun.elapsed().as_secs_f64() * 1000.0).round() / 1000.0
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    let decoded = base16ct::lower::decode(text, &mut bytes).ok()?;
    (decoded.len() == 32).then_some(bytes)
}

fn inputs(arguments: &Arguments) -> Result<Vec<PathBuf>, Failure> {
    let mut files = arguments.signing.files()?;
    files.push(arguments.data.clone());
    Ok(files)
}

/// What decides what is issued, for comparing it when the batch is resumed. Not the signer, which may have to be renewed
/// in between, and not where the folders are.
fn options(
    arguments: &Arguments,
    format: &Format,
    format_file: Option<&Path>,
) -> Result<Vec<(String, String)>, Failure> {
    let description = match format_file {
        Some(path) => format!(
            "{} of SHA-256 {}",
            format.name,
            hex(&Sha256::digest(input::read_bytes(path)?))
        ),
        None => format!("{} of {PROGRAM} {}", format.name, env!("CARGO_PKG_VERSION")),
    };
    let terms = &arguments.terms;
    let given = |given: bool| given.then(|| "given".to_owned());
    let all = [
        ("--format", Some(description)),
        (
            "--delimiter",
            (arguments.delimiter != b',').then(|| char::from(arguments.delimiter).to_string()),
        ),
        ("--id-field", arguments.id_field.clone()),
        ("--portraits", given(arguments.portraits.is_some())),
        ("--device-keys", given(arguments.device_keys.is_some())),
        (
            "--allow-shared-device-keys",
            given(arguments.allow_shared_device_keys),
        ),
        ("--salt-last", given(arguments.salt_last)),
        ("--valid-for", Some(args::duration_text(terms.valid_for))),
        ("--issue-date", terms.issue_date.map(|date| date.to_string())),
        ("--authority", terms.authority.clone()),
        ("--digest", Some(terms.digest_algorithm().name().to_owned())),
        ("--decoys", Some(terms.decoys().to_string())),
        ("--at", terms.at.map(|at| at.to_string())),
        ("--status-list", arguments.status_list.clone()),
        (
            "--status-index-from",
            arguments.status_index_from.map(|index| index.to_string()),
        ),
    ];
    let named = |(name, value): (&str, Option<String>)| Some((name.to_owned(), value?));
    Ok(all.into_iter().filter_map(named).collect())
}
