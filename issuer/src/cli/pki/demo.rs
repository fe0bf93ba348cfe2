//! `mdoc-issuer pki demo`

use std::path::PathBuf;

use clap::Args;
use mdoc_cli::output::{self, Existing, NewFile};
use mdoc_cli::{Exit, Failure, args, system};
use mdoc_core::crypto::Curve;
use mdoc_core::keys::secret_to_pem;
use mdoc_core::seams::{Clock as _, SoftwareKey};
use mdoc_core::time::Timestamp;
use mdoc_core::x509::GeneralName;
use mdoc_issuer::pki::{self, Authority, Kind, LIST_LIFETIME, Made, Terms};
use serde_json::{Value as Json, json};

use super::super::PROGRAM;
use super::finish::{refused, summary};
use super::options::begin;

/// What the certificates say of themselves.
const MARK: &str = "DEVELOPMENT ONLY";
/// An address that cannot exist (RFC 6761).
const CONTACT: &str = "https://development.invalid/";
const LIST: &str = "https://development.invalid/iaca.crl";
const READERS_LIST: &str = "https://development.invalid/reader-ca.crl";

/// Where to.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  mdoc-issuer pki demo --out demo

Makes iaca, ds, status, ocsp, reader-ca and reader, each with its key, and iaca.crl.
Every certificate says that it is for development only: nobody is to trust them.")]
pub(in crate::cli) struct Arguments {
    /// The folder for all of it; made if it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The country; a real one, as documents take its distinguishing sign
    #[arg(long, value_name = "CC", default_value = "NL", value_parser = args::country)]
    country: String,
    /// The first instant of validity [default: now]
    #[arg(long, value_name = "RFC3339", value_parser = args::instant)]
    at: Option<Timestamp>,
    /// Replace what is there
    #[arg(long)]
    force: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Makes a whole country: everything is written, or nothing.
///
/// # Errors
/// [`Failure`] in words, with no file written.
pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let mut rng = system::random()?;
    let from = begin(arguments.at, None);
    let terms = |name: &str, list: &str| Terms {
        common_name: format!("{name} ({MARK})"),
        organization: Some(MARK.to_owned()),
        from,
        lifetime: None,
        contacts: vec![GeneralName::Uri(CONTACT.to_owned())],
        crl_uri: Some(list.to_owned()),
        curve: Curve::P256,
    };
    let mut made: Vec<(&'static str, Made)> = Vec::new();
    let country = Some(arguments.country.clone());
    let iaca = Kind::Iaca {
        country: arguments.country.clone(),
        state: None,
    };
    let readers = Kind::ReaderCa { country };
    let roots = [
        (
            iaca,
            "IACA",
            LIST,
            vec![
                (Kind::DocumentSigner { mdoc_purpose: false }, "Document Signer"),
                (Kind::StatusListSigner, "Status List Signer"),
                (Kind::OcspResponder { no_check: true }, "OCSP Responder"),
            ],
        ),
        (
            readers,
            "Reader CA",
            READERS_LIST,
            vec![(
                Kind::Reader {
                    country: None,
                    mdoc_purpose: false,
                    ocsp_uri: None,
                },
                "Reader",
            )],
        ),
    ];
    let mut list = None;
    for (kind, name, address, below) in roots {
        let root =
            pki::make(&kind, &terms(name, address), None, &mut rng).map_err(|error| refused(&error, None))?;
        let signer = SoftwareKey::new(root.key.clone())
            .map_err(|error| Failure::new(format!("the new key cannot sign: {error}")))?;
        let authority = Authority {
            certificate: &root.certificate,
            signer: &signer,
        };
        let mut leaves = Vec::new();
        for (kind, name) in below {
            let leaf = pki::make(&kind, &terms(name, address), Some(authority), &mut rng);
            leaves.push((kind.stem(), leaf.map_err(|error| refused(&error, None))?));
        }
        if list.is_none() {
            let now = arguments.at.unwrap_or_else(|| system::SystemClock.now());
            let first = pki::revocation_list(authority, None, &[], now, LIST_LIFETIME);
            list = Some(first.map_err(|error| Failure::new(error.to_string()))?);
        }
        made.push((kind.stem(), root));
        made.append(&mut leaves);
    }
    let mut contents = Vec::new();
    for (stem, one) in &made {
        let (certificate, key) = (one.certificate.to_pem(), secret_to_pem(&one.key));
        contents.push((arguments.out.join(format!("{stem}.key.pem")), key, true));
        contents.push((
            arguments.out.join(format!("{stem}.pem")),
            certificate.into(),
            false,
        ));
    }
    let list_path = arguments.out.join("iaca.crl");
    let mut files: Vec<NewFile<'_>> = contents
        .iter()
        .map(|(path, content, secret)| NewFile {
            path,
            content: content.as_bytes(),
            secret: *secret,
        })
        .collect();
    files.extend(list.as_ref().map(|list| NewFile {
        path: &list_path,
        content: list.der(),
        secret: false,
    }));
    output::make_folder(&arguments.out)?;
    let existing = if arguments.force {
        Existing::Replace
    } else {
        Existing::Keep
    };
    output::write_all(&files, existing)?;
    output::warn(
        PROGRAM,
        "this country is for development only: nobody is to trust its certificates",
    );
    let folder = arguments.out.display();
    if arguments.json {
        let certificates: Vec<Json> = made
            .iter()
            .map(|(stem, one)| {
                let path = arguments.out.join(format!("{stem}.pem"));
                let key = arguments.out.join(format!("{stem}.key.pem"));
                summary(&one.certificate, &path, Some(&key))
            })
            .collect();
        output::print_json(&json!({
            "certificates": certificates,
            "revocationList": list_path.display().to_string(),
        }))?;
        return Ok(Exit::Done);
    }
    let mut text = String::new();
    for (stem, one) in &made {
        let path = arguments.out.join(format!("{stem}.pem"));
        let until = one.certificate.not_after().date();
        text.push_str(&format!(
            "{}  {}, valid until {until}\n",
            path.display(),
            one.certificate.subject()
        ));
    }
    output::print(&format!(
        "{text}{}  nothing revoked yet\nnext: mdoc-holder key new --out {folder}\n",
        list_path.display()
    ))?;
    Ok(Exit::Done)
}
