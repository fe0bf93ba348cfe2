//! `mdoc-issuer pki crl` and `mdoc-issuer pki show`

use core::time::Duration;
use std::path::{Path, PathBuf};

use clap::Args;
use mdoc_cli::input::{Form, Input};
use mdoc_cli::output::{self, Existing, NewFile};
use mdoc_cli::{Exit, Failure, args, failure, keys, system};
use mdoc_core::seams::Clock as _;
use mdoc_core::time::Timestamp;
use mdoc_core::x509::csr::CertificationRequest;
use mdoc_core::x509::ocsp::{OcspRequest, OcspResponse};
use mdoc_core::x509::revocation::RevocationList;
use serde_json::json;

use super::options::{Authority, Loaded};
use mdoc_issuer::inspect::Inspection;
use mdoc_issuer::pki::{self, ListError};

/// What to revoke.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mdoc-issuer pki crl --iaca demo --out demo/iaca.crl
  mdoc-issuer pki crl --iaca demo --from demo/iaca.crl --out demo/iaca.crl --revoke demo/ds.pem
  mdoc-issuer pki crl --iaca demo --from demo/iaca.crl --out demo/iaca.crl --revoke 4A:01:FF:…
  mdoc-issuer pki crl --ca readers --out readers/ca.crl

Publish the list at the address in the certificates (--crl-url). Make the next one
from the last before it is due, and within 48 hours after revoking: the number
grows, and what was revoked stays revoked. DER is written, or PEM to *.pem.")]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    authority: Authority,
    /// The file for the list
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The list before; it may be the file that is written
    #[arg(long, value_name = "CRL")]
    from: Option<PathBuf>,
    /// Revoke a certificate: its file, or its serial number in hexadecimal digits
    #[arg(long, value_name = "SERIAL|FILE")]
    revoke: Vec<String>,
    /// How long the list holds, at most 90d [default: 30d]
    #[arg(long, value_name = "DURATION", value_parser = args::duration)]
    validity: Option<Duration>,
    /// The instant at which it is made [default: now]
    #[arg(long, value_name = "RFC3339", value_parser = args::instant)]
    at: Option<Timestamp>,
    /// Replace another list that is there; its numbers and entries are lost
    #[arg(long)]
    force: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Makes a revocation list.
///
/// # Errors
/// [`Failure`] in words, with no file written.
pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let ca = arguments.authority.load()?;
    output::not_over(&arguments.out, &ca.files())?;
    let before = arguments.from.as_deref().map(list_of).transpose()?;
    let mut serials = Vec::new();
    for wanted in &arguments.revoke {
        serials.push(serial(wanted, &ca)?);
    }
    let now = arguments.at.unwrap_or_else(|| system::SystemClock.now());
    let lifetime = arguments.validity.unwrap_or(pki::LIST_LIFETIME);
    let list = pki::revocation_list(ca.authority(), before.as_ref(), &serials, now, lifetime)
        .map_err(|error| refused(&error))?;
    let pem;
    let content = if arguments.out.extension().is_some_and(|end| end == "pem") {
        pem = list.to_pem();
        pem.as_bytes()
    } else {
        list.der()
    };
    let in_place = arguments.from.as_ref() == Some(&arguments.out);
    if !in_place && !arguments.force && arguments.out.exists() {
        let out = arguments.out.display();
        return Err(
            Failure::new(format!("{out} exists already, nothing was written")).hint(format!(
                "make the next list with `--from {out}`; --force begins anew and forgets what was revoked"
            )),
        );
    }
    let file = NewFile {
        path: &arguments.out,
        content,
        secret: false,
    };
    let existing = if in_place || arguments.force {
        Existing::Replace
    } else {
        Existing::Keep
    };
    output::write(file, existing)?;
    let due = list.next_update().unwrap_or(now);
    let (number, revoked) = (number(&list), list.entries().count());
    if arguments.json {
        output::print_json(&json!({
            "list": arguments.out.display().to_string(),
            "issuer": list.issuer().to_string(),
            "number": number,
            "revoked": revoked,
            "thisUpdate": list.this_update().to_string(),
            "nextUpdate": due.to_string(),
        }))?;
        return Ok(Exit::Done);
    }
    output::print(&format!(
        "{}  list 0x{number} of {}, {revoked} revoked, the next one is due by {}\n",
        arguments.out.display(),
        failure::printable(&list.issuer().to_string()),
        due.date(),
    ))?;
    Ok(Exit::Done)
}

pub(super) fn list_of(path: &Path) -> Result<RevocationList, Failure> {
    let input = Input::read(path)?;
    RevocationList::from_bytes(&input.bytes).map_err(|error| {
        Failure::new(format!("{} is no revocation list: {error}", input.name))
            .hint("give the list that was made last, as `mdoc-issuer pki crl` wrote it")
    })
}

/// A serial number, or that of a certificate in a file, which this authority issued.
fn serial(wanted: &str, ca: &Loaded) -> Result<Vec<u8>, Failure> {
    let path = Path::new(wanted);
    if path.is_file() {
        let certificate = keys::certificate(path)?;
        if certificate.issuer_der() != ca.certificate.subject_der() {
            let issuer = failure::printable(&certificate.issuer().to_string());
            return Err(
                Failure::new(format!("{wanted} was issued by {issuer}, not by this authority"))
                    .hint("a certificate is revoked by whoever issued it"),
            );
        }
        if certificate == ca.certificate {
            return Err(Failure::new(format!(
                "{wanted} is the authority itself, which no list of its own can revoke"
            ))
            .hint(
                "tell those who trust it to remove it; docs/key-ceremony.md tells what else is to be done",
            ));
        }
        return Ok(certificate.serial_number().to_vec());
    }
    let digits: Vec<u8> = wanted
        .trim_start_matches("0x")
        .chars()
        .filter(|c| *c != ':')
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()
        .ok_or_else(|| {
            Failure::new(format!("{wanted} is neither a file nor a serial number")).hint(
                "a serial number is written in hexadecimal digits; `mdoc-issuer pki show ds.pem` shows it",
            )
        })?;
    let odd = digits.len() % 2;
    let padded: Vec<u8> = core::iter::repeat_n(0, odd).chain(digits).collect();
    Ok(padded
        .chunks(2)
        .map(|pair| pair.iter().fold(0, |octet, digit| octet << 4 | digit))
        .collect())
}

fn refused(error: &ListError) -> Failure {
    let failure = Failure::new(keys::sentence(error));
    match error {
        ListError::TooLong(_) => failure.hint("give a --validity of at most 90d"),
        ListError::OtherIssuer(_) | ListError::Signature(_) => {
            failure.hint("give the list of this authority to --from, or another --iaca")
        }
        ListError::Older { .. } => failure.hint("give a later --at, or look at the clock"),
        ListError::Serial => failure.hint("`mdoc-issuer pki show ds.pem` shows the serial number"),
        _ => failure.hint("give the folder of an authority, as `mdoc-issuer pki iaca` makes it"),
    }
}

fn number(list: &RevocationList) -> String {
    base16ct::lower::encode_string(list.number().unwrap_or_default())
}

/// What to show.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mdoc-issuer pki show demo/ds.pem
  mdoc-issuer pki show demo/iaca.crl --json
  mdoc-issuer pki show ds.ocsp

Nothing is verified: that is what `mdoc-issuer pki lint` is for.")]
pub(in crate::cli) struct Show {
    /// A certificate, request or revocation list in PEM or DER, an OCSP request or response; `-` for standard
    /// input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The instant for remarks such as "expired" [default: now]
    #[arg(long, value_name = "RFC3339", value_parser = args::instant)]
    at: Option<Timestamp>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Shows a certificate, a request, a revocation list, or what OCSP exchanges.
///
/// # Errors
/// [`Failure`] if it is none of these.
pub(super) fn show(arguments: &Show) -> Result<Exit, Failure> {
    let now = arguments.at.unwrap_or_else(|| system::SystemClock.now());
    let input = Input::read(&arguments.file)?;
    let known = matches!(input.form, Form::Pem | Form::Der)
        .then(|| known(&input.bytes, now))
        .flatten();
    let inspection = match known {
        Some(inspection) => inspection,
        None => {
            let certificates = keys::certificates_in(&input)?;
            if certificates.is_empty() {
                return Err(input.not("a certificate, a request, a list or an OCSP message"));
            }
            Inspection::of_certificates(&certificates, now)
        }
    };
    if arguments.json {
        output::print_json(&inspection.json())?;
    } else {
        let (name, words) = (&input.name, inspection.words);
        output::print(&format!(
            "{name}: {words}\n\n{}\nnothing was verified\n",
            inspection.text()
        ))?;
    }
    Ok(Exit::Done)
}

/// What is no certificate, by the first structure that fits.
fn known(bytes: &[u8], now: Timestamp) -> Option<Inspection> {
    if let Ok(list) = RevocationList::from_bytes(bytes) {
        return Some(Inspection::of_revocation_list(&list, now));
    }
    if let Ok(request) = CertificationRequest::from_bytes(bytes) {
        return Some(Inspection::of_certification_request(&request));
    }
    if let Ok(response) = OcspResponse::from_der(bytes) {
        return Some(Inspection::of_ocsp_response(&response, now));
    }
    let request = OcspRequest::from_der(bytes).ok()?;
    Some(Inspection::of_ocsp_request(&request))
}
