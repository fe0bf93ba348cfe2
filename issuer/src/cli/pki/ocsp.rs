//! `mdoc-issuer pki ocsp`

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use mdoc_cli::input::Input;
use mdoc_cli::output::{self, Existing, NewFile};
use mdoc_cli::{Exit, Failure, args, failure, keys, system};
use mdoc_core::crypto::{CryptoRng, fastest};
use mdoc_core::seams::Clock as _;
use mdoc_core::time::Timestamp;
use mdoc_core::x509::ocsp::{
    CertificateId, CertificateStatus, IdHash, OcspAnswer, OcspCheck, OcspRequest, OcspResponse, Responder,
    respond,
};
use mdoc_core::x509::revocation::RevocationList;
use mdoc_issuer::pki::{ListFault, current_list};
use serde_json::json;

use super::crl::list_of;
use super::finish::refused;
use super::options::{Authority, Loaded};

/// What to do about revocation by OCSP.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Command {
    /// Ask about certificates: an OCSP request, to be sent to the authority's responder
    #[command(after_help = "\
Example:
  mdoc-issuer pki ocsp request --cert demo/ds.pem --issuer demo/iaca.pem --out ds.ocsp-request

The nonce in it ties the answer to the question. Send it by HTTP POST as
application/ocsp-request.")]
    Request(Request),
    /// Answer a request by the revocation list of the authority
    #[command(after_help = "\
Examples:
  mdoc-issuer pki ocsp respond ds.ocsp-request --iaca demo --crl demo/iaca.crl --out ds.ocsp
  mdoc-issuer pki ocsp respond ds.ocsp-request --authority-cert demo/iaca.pem --responder demo \\
      --crl demo/iaca.crl --out ds.ocsp

Signed by the key of the authority, or by a responder that it certified: then the
key of the authority is not needed. The answer holds for as long as the list.")]
    Respond(Respond),
    /// Judge a response: good, revoked, or why it says nothing to rely on
    #[command(after_help = "\
Example:
  mdoc-issuer pki ocsp check ds.ocsp --cert demo/ds.pem --issuer demo/iaca.pem \\
      --request ds.ocsp-request

Exit status: 0 good, 1 revoked, 2 could not tell.")]
    Check(Check),
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum HashName {
    #[value(name = "SHA-1")]
    Sha1,
    #[value(name = "SHA-256")]
    Sha256,
}

/// `pki ocsp request`
#[derive(Debug, Args)]
pub(in crate::cli) struct Request {
    /// The certificate in question; several times for several
    #[arg(long, value_name = "FILE", required = true)]
    cert: Vec<PathBuf>,
    /// The certificate of their issuer
    #[arg(long, value_name = "FILE")]
    issuer: PathBuf,
    /// By which hash the issuer is named; all responders know SHA-1
    #[arg(long, value_enum, default_value = "SHA-1")]
    hash: HashName,
    /// Leave out the nonce: for responders that sign their answers beforehand
    #[arg(long)]
    no_nonce: bool,
    /// The file for the request
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Replace a file that is there
    #[arg(long)]
    force: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// `pki ocsp respond`
#[derive(Debug, Args)]
pub(in crate::cli) struct Respond {
    /// The request; `-` for standard input
    #[arg(value_name = "REQUEST")]
    request: PathBuf,
    #[command(flatten)]
    authority: Authority,
    /// The certificate of the authority, if its key is not here; needs --responder
    #[arg(long, value_name = "FILE", requires = "responder", conflicts_with_all = ["iaca", "ca"])]
    authority_cert: Option<PathBuf>,
    /// The folder of a responder that the authority certified, with ocsp.pem and ocsp.key.pem
    #[arg(long, value_name = "DIR")]
    responder: Option<PathBuf>,
    /// The responder's private key, if it is elsewhere: a file, or a pkcs11: URI
    #[arg(long, value_name = "KEY", requires = "responder")]
    responder_key: Option<keys::KeySource>,
    /// The revocation list of the authority
    #[arg(long, value_name = "CRL")]
    crl: PathBuf,
    /// The instant of the answer [default: now]
    #[arg(long, value_name = "RFC3339", value_parser = args::instant)]
    at: Option<Timestamp>,
    /// The file for the response
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Replace a file that is there
    #[arg(long)]
    force: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// `pki ocsp check`
#[derive(Debug, Args)]
pub(in crate::cli) struct Check {
    /// The response; `-` for standard input
    #[arg(value_name = "RESPONSE")]
    response: PathBuf,
    /// The certificate in question
    #[arg(long, value_name = "FILE")]
    cert: PathBuf,
    /// The certificate of its issuer, which you trust
    #[arg(long, value_name = "FILE")]
    issuer: PathBuf,
    /// The request, whose nonce has to be repeated
    #[arg(long, value_name = "REQUEST")]
    request: Option<PathBuf>,
    /// The revocation list of the issuer, by which the responder may have been revoked
    #[arg(long, value_name = "CRL")]
    crl: Vec<PathBuf>,
    /// The instant of the question [default: now]
    #[arg(long, value_name = "RFC3339", value_parser = args::instant)]
    at: Option<Timestamp>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Asks, answers or judges.
///
/// # Errors
/// [`Failure`] in words, with no file written.
pub(super) fn run(command: &Command) -> Result<Exit, Failure> {
    match command {
        Command::Request(arguments) => request(arguments),
        Command::Respond(arguments) => answer(arguments),
        Command::Check(arguments) => check(arguments),
    }
}

fn write(path: &Path, content: &[u8], force: bool) -> Result<(), Failure> {
    let file = NewFile {
        path,
        content,
        secret: false,
    };
    output::write(file, if force { Existing::Replace } else { Existing::Keep })
}

fn request(arguments: &Request) -> Result<Exit, Failure> {
    let issuer = keys::certificate(&arguments.issuer)?;
    let mut inputs: Vec<&Path> = arguments.cert.iter().map(PathBuf::as_path).collect();
    inputs.push(&arguments.issuer);
    output::not_over(&arguments.out, &inputs)?;
    let hash = match arguments.hash {
        HashName::Sha1 => IdHash::Sha1,
        HashName::Sha256 => IdHash::Sha256,
    };
    let mut ids = Vec::new();
    for path in &arguments.cert {
        let certificate = keys::certificate(path)?;
        if certificate.issuer_der() != issuer.subject_der() {
            let name = failure::printable(&certificate.issuer().to_string());
            return Err(Failure::new(format!(
                "{} was issued by {name}, not by the issuer given",
                path.display()
            ))
            .hint("give the certificate of that issuer to --issuer"));
        }
        ids.push(CertificateId::of(&certificate, &issuer, hash));
    }
    let mut nonce = [0; 32];
    let mut rng = system::random()?;
    let rng: &mut dyn CryptoRng = &mut rng;
    rng.fill_bytes(&mut nonce);
    let nonce = (!arguments.no_nonce).then_some(nonce.as_slice());
    let request = OcspRequest::new(&ids, nonce).map_err(|error| {
        Failure::new(format!("such a request cannot be made: {error}")).hint("ask about fewer certificates")
    })?;
    write(&arguments.out, request.der(), arguments.force)?;
    if arguments.json {
        output::print_json(&json!({
            "request": arguments.out.display().to_string(),
            "certificates": ids.len(),
            "nonce": nonce.is_some(),
        }))?;
    } else {
        let nonce = if nonce.is_some() {
            "with a nonce"
        } else {
            "without a nonce"
        };
        output::print(&format!(
            "{}  asks about {} of {}, {nonce}\n",
            arguments.out.display(),
            plural(ids.len()),
            failure::printable(&issuer.subject().to_string()),
        ))?;
    }
    Ok(Exit::Done)
}

fn plural(count: usize) -> String {
    format!("{count} certificate{}", if count == 1 { "" } else { "s" })
}

fn request_of(path: &Path) -> Result<OcspRequest, Failure> {
    let input = Input::read(path)?;
    OcspRequest::from_der(&input.bytes).map_err(|error| {
        Failure::new(format!("{} is no OCSP request: {error}", input.name))
            .hint("a request is DER, as `mdoc-issuer pki ocsp request` makes it")
    })
}

fn answer(arguments: &Respond) -> Result<Exit, Failure> {
    let request = request_of(&arguments.request)?;
    let own = arguments.authority.find()?;
    let authority = match (&own, &arguments.authority_cert) {
        (Some(loaded), _) => loaded.certificate.clone(),
        (None, Some(path)) => keys::certificate(path)?,
        (None, None) => {
            return Err(Failure::new("no authority is given")
                .hint("give --iaca DIR or --ca DIR, or --authority-cert FILE with --responder DIR"));
        }
    };
    let delegated = match &arguments.responder {
        Some(folder) => Some(Loaded::from(folder, &["ocsp"], arguments.responder_key.as_ref())?),
        None => None,
    };
    let Some(who) = delegated.as_ref().or(own.as_ref()) else {
        return Err(Failure::new("nobody is given who signs the answer").hint("give --responder DIR"));
    };
    let mut inputs = vec![arguments.request.as_path(), arguments.crl.as_path()];
    inputs.extend(own.iter().chain(&delegated).flat_map(Loaded::files));
    output::not_over(&arguments.out, &inputs)?;
    if let Some(oid) = request.unknown_critical() {
        return Err(
            Failure::new(format!("the request has the unknown critical extension {oid}"))
                .hint("such a request is not to be answered")
                .exit(Exit::Rejected),
        );
    }
    let list = list_of(&arguments.crl)?;
    let now = arguments.at.unwrap_or_else(|| system::SystemClock.now());
    current_list(&list, &authority, now).map_err(|fault| {
        let hint = match fault {
            ListFault::Due(_) | ListFault::NotYet(_) => {
                "make the next list with `mdoc-issuer pki crl --from …`"
            }
            _ => "give the list of this authority to --crl",
        };
        Failure::new(format!("{}: {}", arguments.crl.display(), keys::sentence(&fault))).hint(hint)
    })?;
    let serial = who.certificate.serial_number_der();
    if delegated.is_some() && list.entries().any(|(revoked, _)| revoked == serial) {
        return Err(Failure::new(format!(
            "{} is revoked by {}, so nobody should believe its answers",
            who.certificate_path.display(),
            arguments.crl.display()
        ))
        .hint("make a new responder with `mdoc-issuer pki ocsp-responder`"));
    }
    let responder = Responder {
        certificate: &who.certificate,
        signer: who.authority().signer,
    };
    let response =
        respond(&request, &authority, &list, responder, now).map_err(|error| refused(&error, Some(who)))?;
    // The authority may have certified that key for something else, or the responder may have expired.
    believed(&response, &request, &authority, &list, now)?;
    write(&arguments.out, response.der(), arguments.force)?;
    let count = |wanted: fn(&CertificateStatus) -> bool| {
        response
            .answers()
            .iter()
            .filter(|one| wanted(&one.status))
            .count()
    };
    let good = count(|status| matches!(status, CertificateStatus::Good));
    let revoked = count(|status| matches!(status, CertificateStatus::Revoked { .. }));
    let unknown = response.answers().len() - good - revoked;
    let due = list.next_update().unwrap_or(now);
    if arguments.json {
        output::print_json(&json!({
            "response": arguments.out.display().to_string(),
            "good": good,
            "revoked": revoked,
            "unknown": unknown,
            "nextUpdate": due.to_string(),
        }))?;
    } else {
        output::print(&format!(
            "{}  {good} good, {revoked} revoked, {unknown} unknown; holds until {due}\n",
            arguments.out.display(),
        ))?;
    }
    Ok(Exit::Done)
}

/// Looks at the answer as whoever asked will: if it is not to be believed, it is not given out.
fn believed(
    response: &OcspResponse,
    request: &OcspRequest,
    authority: &mdoc_core::x509::Certificate,
    list: &RevocationList,
    now: Timestamp,
) -> Result<(), Failure> {
    let lists = [list.clone()];
    let fault = OcspCheck {
        certificate: authority,
        issuer: authority,
        nonce: request.nonce(),
        lists: &lists,
        now,
    }
    .trusted(response, fastest());
    fault.map_err(|why| {
        Failure::new(format!(
            "nobody would believe the answer: {}",
            keys::sentence(&why)
        ))
        .hint("make a responder of this authority with `mdoc-issuer pki ocsp-responder`")
    })
}

fn check(arguments: &Check) -> Result<Exit, Failure> {
    let input = Input::read(&arguments.response)?;
    let response = OcspResponse::from_der(&input.bytes).map_err(|error| {
        Failure::new(format!("{} is no OCSP response: {error}", input.name))
            .hint("a response is DER, as a responder sends it")
    })?;
    let certificate = keys::certificate(&arguments.cert)?;
    let issuer = keys::certificate(&arguments.issuer)?;
    let request = arguments.request.as_deref().map(request_of).transpose()?;
    let lists: Vec<RevocationList> = arguments
        .crl
        .iter()
        .map(|path| list_of(path))
        .collect::<Result<_, _>>()?;
    let answer = OcspCheck {
        certificate: &certificate,
        issuer: &issuer,
        nonce: request.as_ref().and_then(OcspRequest::nonce),
        lists: &lists,
        now: arguments.at.unwrap_or_else(|| system::SystemClock.now()),
    }
    .judge(&response, fastest());
    let (id, words, exit) = match &answer {
        OcspAnswer::Good => ("good", "good: it was not revoked".to_owned(), Exit::Done),
        OcspAnswer::Revoked { at } => ("revoked", format!("revoked since {at}"), Exit::Rejected),
        OcspAnswer::Undetermined(why) => (
            "undetermined",
            format!("undetermined: {}", keys::sentence(why)),
            Exit::CouldNotTell,
        ),
    };
    if arguments.json {
        let why = match &answer {
            OcspAnswer::Undetermined(why) => Some(keys::sentence(why)),
            _ => None,
        };
        let since = match &answer {
            OcspAnswer::Revoked { at } => Some(at.to_string()),
            _ => None,
        };
        output::print_json(&json!({"status": id, "since": since, "why": why}))?;
    } else {
        let subject = failure::printable(&certificate.subject().to_string());
        output::print(&format!("{subject}\n  {words}\n"))?;
    }
    Ok(exit)
}
