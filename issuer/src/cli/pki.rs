//! `mdoc-issuer pki`

mod crl;
mod lint;

use core::time::Duration;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use mdoc_cli::output;
use mdoc_cli::{Exit, Failure, args, keys, system};
use mdoc_core::crypto::Curve;
use mdoc_core::keys::secret_to_pem;
use mdoc_core::seams::Clock as _;
use mdoc_core::time::Timestamp;
use mdoc_core::x509::build::BuildError;
use mdoc_core::x509::{Certificate, GeneralName};
use serde_json::json;

use super::PROGRAM;
use mdoc_issuer::pki::{self, Authority, Made, Terms};

/// What to make.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make the root of an issuing authority: iaca.pem and iaca.key.pem
    #[command(after_help = "\
Examples:
  mdoc-issuer pki iaca --country NL --name \"Example IACA\" --out demo
  mdoc-issuer pki iaca --country US --state US-UT --name \"Utah IACA\" \\
      --email mdl@example.org --crl-url https://example.org/iaca.crl --out utah")]
    Iaca(Iaca),
    /// Make a document signer below an issuing authority: ds.pem and ds.key.pem
    #[command(after_help = "\
Example:
  mdoc-issuer pki signer --iaca demo --out demo

Contacts and the address of the revocation list are those of the authority,
unless they are given.")]
    Signer(DocumentSigner),
    /// Make a signer of status lists: status.pem and status.key.pem
    #[command(after_help = "\
Example:
  mdoc-issuer pki status-signer --iaca demo --name \"Status lists\" --out demo")]
    StatusSigner(StatusSigner),
    /// Make the root of those who certify readers: reader-ca.pem and reader-ca.key.pem
    #[command(after_help = "\
Example:
  mdoc-issuer pki reader-ca --country NL --name \"Example Reader CA\" --out readers")]
    ReaderCa(ReaderCa),
    /// Make a reader certificate: reader.pem and reader.key.pem
    #[command(after_help = "\
Example:
  mdoc-issuer pki reader --ca readers --name \"Example Bar\" --out bar")]
    Reader(Reader),
    /// Make the revocation list of an issuing authority, or the next one
    Crl(crl::Arguments),
    /// Show a certificate or a revocation list
    Show(crl::Show),
    /// Judge certificates by the rules of their role, and by those that issued them
    Lint(lint::Arguments),
}

/// Options that all of them have.
#[derive(Debug, Args)]
struct Common {
    /// The organisation in the subject
    #[arg(long, value_name = "TEXT", value_parser = args::line)]
    organization: Option<String>,
    /// The folder for certificate and key; made if it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// How long it is valid: 90d, 1y [default: 10y for roots, else 1y]
    #[arg(long, value_name = "DURATION", value_parser = args::duration)]
    validity: Option<Duration>,
    /// The first instant of validity [default: now]
    #[arg(long, value_name = "RFC3339", value_parser = args::instant)]
    at: Option<Timestamp>,
    /// The curve of the new key; an IACA cannot have Ed25519
    #[arg(long, value_enum, default_value = "P-256")]
    curve: CurveName,
    /// Replace a certificate and a key that are there
    #[arg(long)]
    force: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// How to reach the authority, and where its revocation list is.
#[derive(Debug, Args)]
struct Addresses {
    /// An e-mail address for the certificate
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// A web address for the certificate
    #[arg(long, value_name = "URI")]
    uri: Option<String>,
    /// The address of the issuer's revocation list
    #[arg(long, value_name = "URL")]
    crl_url: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum CurveName {
    #[value(name = "P-256")]
    P256,
    #[value(name = "P-384")]
    P384,
    #[value(name = "P-521")]
    P521,
    #[value(name = "Ed25519")]
    Ed25519,
}

/// `pki iaca`
#[derive(Debug, Args)]
pub(super) struct Iaca {
    /// The country: two letters of ISO 3166-1
    #[arg(long, value_name = "CC", value_parser = args::country)]
    country: String,
    /// The state or province: a code of ISO 3166-2, such as NL-UT
    #[arg(long, value_name = "CC-XX", value_parser = args::subdivision)]
    state: Option<String>,
    /// The name of the authority, the CN of the certificate
    #[arg(long, value_name = "TEXT", value_parser = args::line)]
    name: String,
    #[command(flatten)]
    addresses: Addresses,
    #[command(flatten)]
    common: Common,
}

/// `pki signer`
#[derive(Debug, Args)]
pub(super) struct DocumentSigner {
    /// The folder of the issuing authority, with iaca.pem and iaca.key.pem
    #[arg(long, value_name = "DIR")]
    iaca: PathBuf,
    /// The name of the signer, the CN of the certificate
    #[arg(long, value_name = "TEXT", default_value = "Document Signer", value_parser = args::line)]
    name: String,
    #[command(flatten)]
    addresses: Addresses,
    #[command(flatten)]
    common: Common,
}

/// `pki status-signer`
#[derive(Debug, Args)]
pub(super) struct StatusSigner {
    /// The folder of the issuing authority, with iaca.pem and iaca.key.pem
    #[arg(long, value_name = "DIR")]
    iaca: PathBuf,
    /// The name of the signer, the CN of the certificate
    #[arg(long, value_name = "TEXT", default_value = "Status List Signer", value_parser = args::line)]
    name: String,
    /// The address of the authority's revocation list [default: as in its certificate]
    #[arg(long, value_name = "URL")]
    crl_url: Option<String>,
    #[command(flatten)]
    common: Common,
}

/// `pki reader-ca`
#[derive(Debug, Args)]
pub(super) struct ReaderCa {
    /// The country: two letters of ISO 3166-1
    #[arg(long, value_name = "CC", value_parser = args::country)]
    country: String,
    /// The name of the root, the CN of the certificate
    #[arg(long, value_name = "TEXT", value_parser = args::line)]
    name: String,
    #[command(flatten)]
    common: Common,
}

/// `pki reader`
#[derive(Debug, Args)]
pub(super) struct Reader {
    /// The folder of a reader CA (reader-ca.pem and its key), or of an issuing authority (iaca.pem)
    #[arg(long, value_name = "DIR")]
    ca: PathBuf,
    /// Who reads, the CN of the certificate
    #[arg(long, value_name = "TEXT", default_value = "Reader", value_parser = args::line)]
    name: String,
    /// The country of the reader [default: that of the CA]
    #[arg(long, value_name = "CC", value_parser = args::country)]
    country: Option<String>,
    #[command(flatten)]
    addresses: Addresses,
    #[command(flatten)]
    common: Common,
}

/// Makes what was asked for.
///
/// # Errors
/// [`Failure`] in words, with no file written.
pub(super) fn run(command: &Command) -> Result<Exit, Failure> {
    let mut rng = system::random()?;
    match command {
        Command::Iaca(options) => {
            let out = options.common.out.display();
            let terms = terms(&options.name, &options.common, Some(&options.addresses));
            let made = pki::iaca(&options.country, options.state.as_deref(), &terms, &mut rng);
            let made = made.map_err(|error| refused(&error, None))?;
            let next = format!("mdoc-issuer pki signer --iaca {out} --out {out}");
            finish("iaca", &made, &options.common, &next)
        }
        Command::Signer(options) => {
            let ca = Loaded::from(&options.iaca, &["iaca"])?;
            let mut terms = terms(&options.name, &options.common, Some(&options.addresses));
            if options.common.at.is_none() {
                terms.from = terms.from.max(ca.certificate.not_before());
            }
            let made = pki::document_signer(&terms, ca.authority(), &mut rng);
            let made = made.map_err(|error| refused(&error, Some(&ca)))?;
            let out = &options.common.out;
            let next = format!(
                "mdoc-issuer issue --signer {} --signer-key {} …",
                out.join("ds.pem").display(),
                out.join("ds.key.pem").display()
            );
            finish("ds", &made, &options.common, &next)
        }
        Command::StatusSigner(options) => {
            let ca = Loaded::from(&options.iaca, &["iaca"])?;
            let mut terms = terms(&options.name, &options.common, None);
            terms.crl_uri.clone_from(&options.crl_url);
            if options.common.at.is_none() {
                terms.from = terms.from.max(ca.certificate.not_before());
            }
            let made = pki::status_list_signer(&terms, ca.authority(), &mut rng);
            let made = made.map_err(|error| refused(&error, Some(&ca)))?;
            let next = format!(
                "mdoc-issuer pki lint {} --role status-signer --issuer {}",
                options.common.out.join("status.pem").display(),
                ca.certificate_path.display()
            );
            finish("status", &made, &options.common, &next)
        }
        Command::ReaderCa(options) => {
            let out = options.common.out.display();
            let terms = terms(&options.name, &options.common, None);
            let made = pki::reader_ca(&options.country, &terms, &mut rng);
            let made = made.map_err(|error| refused(&error, None))?;
            let next = format!("mdoc-issuer pki reader --ca {out} --out {out}");
            finish("reader-ca", &made, &options.common, &next)
        }
        Command::Reader(options) => {
            let ca = Loaded::from(&options.ca, &["reader-ca", "iaca"])?;
            let mut terms = terms(&options.name, &options.common, Some(&options.addresses));
            if options.common.at.is_none() {
                terms.from = terms.from.max(ca.certificate.not_before());
            }
            let made = pki::reader(options.country.as_deref(), &terms, ca.authority(), &mut rng);
            let made = made.map_err(|error| refused(&error, Some(&ca)))?;
            let out = &options.common.out;
            let next = format!(
                "mdoc-verifier request --reader-cert {} --reader-key {} …",
                out.join("reader.pem").display(),
                out.join("reader.key.pem").display()
            );
            finish("reader", &made, &options.common, &next)
        }
        Command::Crl(arguments) => crl::run(arguments),
        Command::Show(arguments) => crl::show(arguments),
        Command::Lint(arguments) => lint::run(arguments),
    }
}

/// Certificates are valid from a little earlier, so that readers whose clocks are behind take them at once.
const BACKDATED: Duration = Duration::from_secs(5 * 60);

fn terms(name: &str, common: &Common, addresses: Option<&Addresses>) -> Terms {
    let mut contacts = Vec::new();
    if let Some(addresses) = addresses {
        contacts.extend(addresses.email.clone().map(GeneralName::Email));
        contacts.extend(addresses.uri.clone().map(GeneralName::Uri));
    }
    Terms {
        common_name: name.to_owned(),
        organization: common.organization.clone(),
        from: common
            .at
            .unwrap_or_else(|| system::SystemClock.now().minus(BACKDATED)),
        lifetime: common.validity,
        contacts,
        crl_uri: addresses.and_then(|addresses| addresses.crl_url.clone()),
        curve: match common.curve {
            CurveName::P256 => Curve::P256,
            CurveName::P384 => Curve::P384,
            CurveName::P521 => Curve::P521,
            CurveName::Ed25519 => Curve::Ed25519,
        },
    }
}

/// A CA from a folder.
struct Loaded {
    certificate: Certificate,
    certificate_path: PathBuf,
    key_path: PathBuf,
    signer: Box<dyn mdoc_core::seams::Signer>,
}

impl Loaded {
    /// Reads `STEM.pem` and `STEM.key.pem` of the first stem that is there.
    fn from(folder: &Path, stems: &[&str]) -> Result<Self, Failure> {
        let wanted = |stem: &str| folder.join(format!("{stem}.pem"));
        let Some(stem) = stems.iter().find(|stem| wanted(stem).is_file()) else {
            let names: Vec<String> = stems.iter().map(|stem| format!("{stem}.pem")).collect();
            let names = names.join(" nor ");
            let missing = if folder.is_dir() {
                format!("{} has no {names}", folder.display())
            } else {
                format!("there is no folder {}", folder.display())
            };
            let make = match stems {
                ["iaca", ..] => "make an issuing authority with `mdoc-issuer pki iaca`",
                _ => "make a CA for readers with `mdoc-issuer pki reader-ca`",
            };
            return Err(Failure::new(missing).hint(make));
        };
        let certificate_path = wanted(stem);
        let key_path = folder.join(format!("{stem}.key.pem"));
        Ok(Self {
            certificate: keys::certificate(&certificate_path)?,
            signer: keys::signer(&key_path.clone().into())?,
            certificate_path,
            key_path,
        })
    }

    fn authority(&self) -> Authority<'_> {
        Authority {
            certificate: &self.certificate,
            signer: self.signer.as_ref(),
        }
    }
}

/// What the profile does not allow, with the option to change.
fn refused(error: &BuildError, ca: Option<&Loaded>) -> Failure {
    let message = match (error, ca) {
        (BuildError::NotTheKeyOfTheIssuer, Some(ca)) => format!(
            "{} is not the key of {}",
            ca.key_path.display(),
            ca.certificate_path.display()
        ),
        _ => keys::sentence(error),
    };
    let hint = match error {
        BuildError::Text { .. } => "shorten or give --name and --organization",
        BuildError::Country(_) | BuildError::State(_) => {
            "--country is two letters (ISO 3166-1); --state begins with them, as in NL-UT (ISO 3166-2)"
        }
        BuildError::Contact(_) => "give --email name@example.org or --uri https://example.org/",
        BuildError::CrlUri(_) => "give --crl-url https://example.org/iaca.crl",
        BuildError::ValidTooLong { .. } => "give a shorter --validity",
        BuildError::EndsBeforeItBegins(_) => {
            "the certificate above has expired at that time; make a new one, or give another --at"
        }
        BuildError::OutsideIssuer { .. } => {
            "give a shorter --validity or another --at, or renew the certificate above"
        }
        BuildError::Curve(_) => "give --curve P-256, P-384 or P-521; Ed25519 is for signers and readers",
        BuildError::NotTheKeyOfTheIssuer => {
            "put the certificate and the key that belong together into one folder"
        }
        BuildError::IssuerNotCa(_) => "give the folder of a root, as `mdoc-issuer pki iaca` makes it",
        _ => "`mdoc-issuer inspect` shows what is in the certificate above",
    };
    Failure::new(message).hint(hint)
}

/// Writes certificate and key, both or none, and tells what was made and what to do next.
fn finish(stem: &str, made: &Made, common: &Common, next: &str) -> Result<Exit, Failure> {
    let certificate_path = common.out.join(format!("{stem}.pem"));
    let key_path = common.out.join(format!("{stem}.key.pem"));
    output::make_folder(&common.out)?;
    let pem = made.certificate.to_pem();
    let key = secret_to_pem(&made.key);
    output::write_pair(
        (&key_path, key.as_bytes()),
        (&certificate_path, pem.as_bytes()),
        common.force,
    )?;
    if made.placeholder {
        output::warn(
            PROGRAM,
            "a placeholder stands in the certificate for what was not given: a contact (--email or --uri) \
             or the address of the revocation list (--crl-url)",
        );
    }
    let certificate = &made.certificate;
    if common.json {
        let fingerprint = certificate.fingerprint();
        let sha256 = fingerprint
            .iter()
            .fold(String::new(), |text, octet| format!("{text}{octet:02x}"));
        output::print_json(&json!({
            "certificate": certificate_path.display().to_string(),
            "key": key_path.display().to_string(),
            "subject": certificate.subject().to_string(),
            "issuer": certificate.issuer().to_string(),
            "notBefore": certificate.not_before().to_string(),
            "notAfter": certificate.not_after().to_string(),
            "sha256": sha256,
        }))?;
        return Ok(Exit::Done);
    }
    output::print(&format!(
        "{}  {}, valid until {}\n{}  its private key, mode 0600\nnext: {next}\n",
        certificate_path.display(),
        certificate.subject(),
        certificate.not_after().date(),
        key_path.display(),
    ))?;
    Ok(Exit::Done)
}
