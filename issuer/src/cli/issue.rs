//! `mdoc-issuer issue`

use std::path::{Path, PathBuf};

use clap::Args;
use mdoc_cli::input::{self, Form, Input};
use mdoc_cli::output::{self, Existing, NewFile};
use mdoc_cli::system;
use mdoc_cli::{Exit, Failure, args, keys, log as diagnostic};
use mdoc_core::crypto::fastest;
use mdoc_core::issuer_signed::IssuerSigned;
use mdoc_core::limits::Limits;
use mdoc_core::mso::{Status, StatusListReference};
use mdoc_core::seams::Clock as _;
use serde_json::{Value as Json, json};

use super::badge::{Badge, Look};
use super::signing::{Loaded, Signing};
use super::terms::Terms;
use super::{PROGRAM, format, portrait};
use mdoc_issuer::data;
use mdoc_issuer::format::fill::{FillError, FillErrors};
use mdoc_issuer::issue::{IssueError, Issued, Order, issue};

/// Options of `mdoc-issuer issue`.
#[derive(Debug, Args)]
#[command(after_help = "\
The data are a JSON object; its fields are those that
`mdoc-issuer format show NAME` lists. Everything that is wrong with them is said
at once, and nothing is written then.

Examples:
  mdoc-issuer issue --format partial-iso-18013-5 --data person.json \\
      --portrait photo.jpg --device-key wallet/device.pub.pem \\
      --signer demo/ds.pem --signer-key demo/ds.key.pem --out document.mdoc
  mdoc-issuer issue … --valid-for 14d --json \\
      --status-list https://status.example/1 --status-index 4711
  mdoc-issuer issue … --signer ds.pem --signer-key 'pkcs11:token=issuing;object=ds'
  mdoc-issuer issue … --signers signers   (a folder: 2026.pem with 2026.key.pem, …)
  mdoc-issuer issue --format access-badge … --badge access-badge-front --out badge.mdoc

Of several signers the newest signs that is valid and outlives the document.
A badge is written beside the document: badge-front.svg and badge-front.png.")]
pub(super) struct Arguments {
    /// Name of a format, or a format file
    #[arg(long, value_name = "NAME|FILE")]
    format: String,
    /// A folder with formats of your own (*.xml); they come before the shipped ones
    #[arg(long, value_name = "DIR")]
    formats: Option<PathBuf>,
    /// The person's data, JSON; `-` for standard input
    #[arg(long, value_name = "FILE")]
    data: PathBuf,
    /// The person's portrait, JPEG, JPEG 2000 or PNG; otherwise the data have it in base64
    #[arg(long, value_name = "FILE")]
    portrait: Option<PathBuf>,
    /// The holder's public key: PEM, JWK or COSE_Key
    #[arg(long, value_name = "FILE")]
    device_key: PathBuf,
    #[command(flatten)]
    signing: Signing,
    #[command(flatten)]
    terms: Terms,
    /// Where the status list will be published (second edition)
    #[arg(long, value_name = "URI", requires = "status_index", value_parser = args::web_address)]
    status_list: Option<String>,
    /// The document's position in the status list
    #[arg(long, value_name = "N", requires = "status_list")]
    status_index: Option<u64>,
    /// Where to write the IssuerSigned, CBOR; `-` for standard output
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Draw the badge, too: name of a layout, or a layout file; give front and back by two of them
    #[arg(long, value_name = "NAME|FILE")]
    badge: Vec<String>,
    #[command(flatten)]
    look: Look,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Issues one document.
///
/// # Errors
/// [`Failure`] with everything that is wrong; nothing is written then.
pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let (format, _) = format::load(arguments.formats.as_deref(), &arguments.format)?;
    let inputs = [&arguments.data, &arguments.device_key]
        .into_iter()
        .chain(&arguments.portrait)
        .map(PathBuf::as_path);
    let signing = arguments.signing.files()?;
    let inputs: Vec<&Path> = inputs.chain(signing.iter().map(PathBuf::as_path)).collect();
    output::not_over(&arguments.out, &inputs)?;
    let badge = (!arguments.badge.is_empty())
        .then(|| Badge::load(&arguments.badge, &arguments.look))
        .transpose()?;
    if badge.is_some() && input::is_stdio(&arguments.out) {
        return Err(
            Failure::new("a badge is written beside the document, which goes to standard output")
                .hint("give a file with --out, or draw the badge with `mdoc-issuer badge render`"),
        );
    }
    let data = person(&arguments.data)?;
    let portrait = arguments.portrait.as_deref().map(portrait::read).transpose()?;
    let device_key = keys::public_key(&arguments.device_key)?;
    let now = arguments.terms.now();
    let loaded = arguments
        .signing
        .load(&format.doctype, now, arguments.terms.valid_for)?;
    let signer = loaded.signer(&format.doctype)?;

    let mut order = Order::new(&format, &data, &device_key);
    order.portrait = portrait.as_deref();
    order.valid_for = arguments.terms.valid_for;
    order.issue_date = arguments.terms.issue_date;
    order.authority = arguments.terms.authority.as_deref();
    order.decoys = arguments.terms.decoys();
    order.digest_algorithm = arguments.terms.digest_algorithm();
    if let (Some(uri), Some(index)) = (&arguments.status_list, arguments.status_index) {
        let list = StatusListReference {
            index,
            uri: uri.clone(),
            certificate: None,
        };
        order.status = Some(Status {
            status_list: Some(list),
            ..Status::default()
        });
    }
    let mut issued = issue(&order, &signer, now, &mut system::random()?, fastest())
        .map_err(|error| failure(&error, arguments, &loaded))?;
    issued.warnings.extend(loaded.warning());
    log(&issued);
    for warning in &issued.warnings {
        output::warn(PROGRAM, warning);
    }
    let badge = badge.map(|badge| badge.draw(&issued.filled)).transpose()?;
    let beside = |end: &str| {
        let stem = arguments.out.file_stem().unwrap_or_default().to_string_lossy();
        arguments.out.with_file_name(format!("{stem}{end}"))
    };
    let badge: Vec<(PathBuf, Vec<u8>)> = badge
        .unwrap_or_default()
        .into_iter()
        .map(|(end, content)| (beside(&end), content))
        .collect();
    for (path, _) in &badge {
        output::not_over(path, &inputs)?;
    }
    let document = (&arguments.out, &issued.document);
    let files: Vec<NewFile<'_>> = [document]
        .into_iter()
        .chain(badge.iter().map(|(path, content)| (path, content)))
        .map(|(path, content)| NewFile {
            path,
            content,
            secret: false,
        })
        .collect();
    match files.as_slice() {
        [alone] => output::write(*alone, Existing::Replace)?,
        several => output::write_all(several, Existing::Replace)?,
    }
    if !input::is_stdio(&arguments.out) {
        let badge: Vec<String> = badge.iter().map(|(path, _)| path.display().to_string()).collect();
        report(&issued, &badge, arguments, &loaded)?;
    }
    Ok(Exit::Done)
}

/// Logs what was signed: the digest of the MSO, which is one of salted digests and tells nothing of the person.
fn log(issued: &Issued) {
    let mso = || {
        let document = IssuerSigned::decode(&issued.document, &Limits::DEFAULT).ok()?;
        Some(diagnostic::digest(document.issuer_auth().payload()?))
    };
    tracing::info!(
        doc_type = issued.doc_type,
        elements = issued.elements,
        bytes = issued.document.len(),
        mso = mso().unwrap_or_default(),
        valid_until = %issued.validity.valid_until,
        warnings = issued.warnings.len(),
        "document signed"
    );
}

/// Reads a person's data.
///
/// # Errors
/// [`Failure`] if they are no JSON, with line and column.
pub(super) fn person(path: &Path) -> Result<Json, Failure> {
    let input = Input::read(path)?;
    if !matches!(input.form, Form::Json | Form::Text | Form::Unknown) {
        return Err(input.not("user data in JSON"));
    }
    data::read(input.text()?).map_err(|error| {
        let place = match (error.line, error.column) {
            // A line end where none may be counts as the beginning of the next line.
            (line @ 2.., 0) => format!("line {}, at its end", line - 1),
            (line, column) => format!("line {line}, column {column}"),
        };
        let what = match error.fault {
            data::Fault::Syntax(_) => "is not well-formed JSON",
            _ => "is not data of a person",
        };
        Failure::new(format!("{} {what}: {place}: {}", input.name, error.fault))
            .hint("the data are a JSON object such as {\"family_name\": \"…\", …}")
    })
}

/// Data that do not fit the format, with what to do about the first fault that says it.
pub(super) fn data_failure(errors: &FillErrors, format: &str) -> Failure {
    let list = format!("`mdoc-issuer format show {format}` lists the fields");
    Failure::new(IssueError::Data(errors.clone()).to_string())
        .hint(errors.0.iter().find_map(FillError::hint).unwrap_or(list))
}

fn failure(error: &IssueError, arguments: &Arguments, loaded: &Loaded) -> Failure {
    let words = Failure::new(error.to_string());
    match error {
        IssueError::Data(errors) => data_failure(errors, &arguments.format),
        IssueError::Quality(findings) => {
            words.hint_if(findings.first().map(|finding| finding.hint().to_owned()))
        }
        IssueError::Signer(fault) => loaded.failure(fault),
        IssueError::DeviceKeyOfSigner => {
            words.hint("give the file that `mdoc-holder key new` wrote: --device-key device.pub.pem")
        }
        _ => words,
    }
}

fn report(issued: &Issued, badge: &[String], arguments: &Arguments, loaded: &Loaded) -> Result<(), Failure> {
    let out = arguments.out.display().to_string();
    let validity = issued.validity;
    if arguments.json {
        return output::print_json(&json!({
            "document": out,
            "docType": issued.doc_type,
            "signer": loaded.name(),
            "elements": issued.elements,
            "bytes": issued.document.len(),
            "signed": validity.signed.to_string(),
            "validFrom": validity.valid_from.to_string(),
            "validUntil": validity.valid_until.to_string(),
            "warnings": issued.warnings,
            "badge": badge,
        }));
    }
    output::print(&format!(
        "wrote {out}: {}, {} elements, valid from {} until {}\n",
        issued.doc_type, issued.elements, validity.valid_from, validity.valid_until
    ))?;
    badge
        .iter()
        .try_for_each(|file| output::print(&format!("wrote {file}\n")))
}
