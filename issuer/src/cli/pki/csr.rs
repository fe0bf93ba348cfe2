//! `mdoc-issuer pki csr` and `mdoc-issuer pki sign-csr`

use core::time::Duration;
use std::path::{Path, PathBuf};

use clap::Args;
use mdoc_cli::args::{self, CurveName};
use mdoc_cli::input::Input;
use mdoc_cli::keys::{self, KeySource};
use mdoc_cli::output::{self, Existing, NewFile};
use mdoc_cli::{Exit, Failure, failure, system};
use mdoc_core::crypto::{PublicKey, SecretKey, fastest};
use mdoc_core::keys::secret_to_pem;
use mdoc_core::seams::{Signer, SoftwareKey};
use mdoc_core::time::Timestamp;
use mdoc_core::x509::csr::{CertificationRequest, RequestTerms, Unproven};
use mdoc_core::x509::profile::Role;
use mdoc_core::x509::{Certificate, GeneralName};
use mdoc_issuer::pki::{Kind, Terms};
use serde_json::json;

use super::super::PROGRAM;
use super::finish::{finish, refused};
use super::host;
use super::options::{Addresses, Authority, OutputOptions, RoleName, begin};

/// What to ask for.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mdoc-issuer pki csr --role document-signer --name \"Signer 2\" --country NL --out signer
  mdoc-issuer pki csr --role tls-server --name mdl.example.org --host mdl.example.org --out tls

Writes ROLE.csr (PKCS#10 in PEM) and, unless --key is given, the new key. What the
authority grants is its decision: `mdoc-issuer pki lint` judges what comes back.")]
pub(in crate::cli) struct Arguments {
    /// What the certificate is to be used for
    #[arg(long, value_enum)]
    role: RoleName,
    /// The CN of the certificate
    #[arg(long, value_name = "TEXT", value_parser = args::line)]
    name: String,
    /// The country: two letters of ISO 3166-1
    #[arg(long, value_name = "CC", value_parser = args::country)]
    country: Option<String>,
    /// The state or province: a code of ISO 3166-2, such as NL-UT
    #[arg(long, value_name = "CC-XX", value_parser = args::subdivision, requires = "country")]
    state: Option<String>,
    /// The organisation in the subject
    #[arg(long, value_name = "TEXT", value_parser = args::line)]
    organization: Option<String>,
    /// A name or an IP address of a TLS server; several times for several
    #[arg(long, value_name = "HOST")]
    host: Vec<String>,
    /// The curve of the new key
    #[arg(long, value_enum, default_value = "P-256")]
    curve: CurveName,
    /// A private key that is there already, instead of a new one: a file, or a pkcs11: URI
    #[arg(long, value_name = "KEY", conflicts_with = "curve")]
    key: Option<KeySource>,
    #[command(flatten)]
    output: OutputOptions,
}

/// Makes a certification request.
///
/// # Errors
/// [`Failure`] in words, with no file written.
pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let role = arguments.role.role();
    if arguments.role == RoleName::IacaLink {
        return Err(Failure::new("nobody asks for a link: it is made of two roots")
            .hint("use `mdoc-issuer pki link --iaca OLD --new NEW/iaca.pem`"));
    }
    if arguments.host.is_empty() != (role != Role::TlsServer) {
        return Err(Failure::new("a TLS server has hosts, and nobody else has")
            .hint("give --host with --role tls-server, and only then"));
    }
    let (signer, new_key): (Box<dyn Signer>, Option<SecretKey>) = match &arguments.key {
        Some(source) => (keys::signer(source)?, None),
        None => {
            let key = SecretKey::generate(arguments.curve.curve(), &mut system::random()?);
            let signer = SoftwareKey::new(key.clone())
                .map_err(|error| Failure::new(format!("the new key cannot sign: {error}")))?;
            (Box::new(signer), Some(key))
        }
    };
    let request = RequestTerms {
        role,
        country: arguments.country.clone(),
        state: arguments.state.clone(),
        organization: arguments.organization.clone(),
        common_name: arguments.name.clone(),
        hosts: arguments.host.iter().map(|text| host(text)).collect(),
    }
    .build(signer.as_ref())
    .map_err(|error| refused(&error, None))?;
    let stem = RoleName::of(role).unwrap_or_default();
    let OutputOptions { out, force, json } = &arguments.output;
    let request_path = out.join(format!("{stem}.csr"));
    let key_path = out.join(format!("{stem}.key.pem"));
    output::make_folder(out)?;
    let pem = request.to_pem();
    match new_key.as_ref().map(secret_to_pem) {
        Some(key) => {
            output::write_pair(
                (&key_path, key.as_bytes()),
                (&request_path, pem.as_bytes()),
                *force,
            )?;
        }
        None => {
            let file = NewFile {
                path: &request_path,
                content: pem.as_bytes(),
                secret: false,
            };
            output::write(file, if *force { Existing::Replace } else { Existing::Keep })?;
        }
    }
    let subject = request.subject().to_string();
    if *json {
        output::print_json(&json!({
            "request": request_path.display().to_string(),
            "key": new_key.as_ref().map(|_| key_path.display().to_string()),
            "role": stem,
            "subject": subject,
        }))?;
        return Ok(Exit::Done);
    }
    let key_line = if new_key.is_some() {
        format!("{}  its private key, mode 0600\n", key_path.display())
    } else {
        String::new()
    };
    output::print(&format!(
        "{}  asks for {} with the name {subject}\n{key_line}next: mdoc-issuer pki sign-csr {} --role {stem} --iaca …\n",
        request_path.display(),
        mdoc_issuer::lint::words(role),
        request_path.display(),
    ))?;
    Ok(Exit::Done)
}

/// What to certify.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  mdoc-issuer pki sign-csr signer/document-signer.csr --role document-signer --iaca demo --out signed

Of the request the key is taken, once it is proven that its maker holds it, and the
names: country and state are those of the authority where the profile says so. What
else it asks for is not granted but told: the profile of the role decides.")]
pub(in crate::cli) struct SignArguments {
    /// The certification request, in PEM or DER; `-` for standard input
    #[arg(value_name = "FILE")]
    request: PathBuf,
    /// What the certificate is to be used for
    #[arg(long, value_enum)]
    role: RoleName,
    #[command(flatten)]
    authority: Authority,
    /// Another CN than the one that is asked for
    #[arg(long, value_name = "TEXT", value_parser = args::line)]
    name: Option<String>,
    /// A host that is granted to a TLS server; needed, as those that it asks for are not believed
    #[arg(long, value_name = "HOST")]
    host: Vec<String>,
    #[command(flatten)]
    addresses: Addresses,
    /// How long it is valid: 90d, 1y [default: 1y]
    #[arg(long, value_name = "DURATION", value_parser = args::duration)]
    validity: Option<Duration>,
    /// The first instant of validity [default: now]
    #[arg(long, value_name = "RFC3339", value_parser = args::instant)]
    at: Option<Timestamp>,
    #[command(flatten)]
    output: OutputOptions,
}

/// Certifies the key of a request.
///
/// # Errors
/// [`Failure`] in words, with no file written; the request is rejected if it proves nothing.
pub(super) fn sign(arguments: &SignArguments) -> Result<Exit, Failure> {
    let (request, key) = proven(&arguments.request)?;
    let ca = arguments.authority.load()?;
    let kind = kind(arguments, &request)?;
    let path = arguments.output.out.join(format!("{}.pem", kind.stem()));
    let mut inputs = ca.files();
    inputs.push(&arguments.request);
    output::not_over(&path, &inputs)?;
    let subject = request.subject();
    let name = arguments.name.clone().or_else(|| subject.common_name());
    let (email, uri) = (&arguments.addresses.email, &arguments.addresses.uri);
    let contacts = email.clone().map(GeneralName::Email).into_iter();
    let terms = Terms {
        common_name: name.unwrap_or_default(),
        organization: subject.organization(),
        from: begin(arguments.at, Some(&ca.certificate)),
        lifetime: arguments.validity,
        contacts: contacts.chain(uri.clone().map(GeneralName::Uri)).collect(),
        crl_uri: arguments.addresses.list.crl_url.clone(),
        curve: key.curve(),
    };
    let certified = kind
        .certify(&terms, &key, ca.authority(), &mut system::random()?)
        .map_err(|error| refused(&error, Some(&ca)))?;
    for refused in not_granted(&request, &certified.certificate) {
        output::warn(PROGRAM, &format!("not granted: {refused}"));
    }
    let next = format!(
        "mdoc-issuer pki lint {} --issuer {}",
        path.display(),
        ca.certificate_path.display()
    );
    finish(kind.stem(), &certified, None, &arguments.output, &[&next])
}

/// Reads a request and makes sure that its maker holds the key.
fn proven(path: &Path) -> Result<(CertificationRequest, PublicKey), Failure> {
    let input = Input::read(path)?;
    let request = CertificationRequest::from_bytes(&input.bytes).map_err(|error| {
        Failure::new(format!("{} is no certification request: {error}", input.name))
            .hint("a request is PKCS#10 in PEM or DER, as `mdoc-issuer pki csr` makes it")
    })?;
    let key = request.verify(fastest()).map_err(|error| {
        let hint = match error {
            Unproven::Key(_) => {
                "keys are on P-256, P-384, P-521 or brainpool curves, or Ed25519; have another made"
            }
            _ => "have the request made again by whoever holds the key",
        };
        Failure::new(format!("{}: {}", input.name, keys::sentence(&error)))
            .hint(hint)
            .exit(Exit::Rejected)
    })?;
    Ok((request, key))
}

fn kind(arguments: &SignArguments, request: &CertificationRequest) -> Result<Kind, Failure> {
    let country = request.subject().country();
    let hosts: Vec<GeneralName> = arguments.host.iter().map(|text| host(text)).collect();
    if arguments.role != RoleName::TlsServer && !hosts.is_empty() {
        return Err(Failure::new("only a TLS server has hosts").hint("give no --host, or --role tls-server"));
    }
    Ok(match arguments.role {
        RoleName::DocumentSigner | RoleName::OtherDocumentSigner => Kind::DocumentSigner {
            mdoc_purpose: arguments.role == RoleName::OtherDocumentSigner,
        },
        RoleName::StatusSigner => Kind::StatusListSigner,
        RoleName::Reader => Kind::Reader {
            country,
            mdoc_purpose: false,
            ocsp_uri: None,
        },
        RoleName::OcspResponder => Kind::OcspResponder { no_check: false },
        RoleName::VicalSigner => Kind::VicalSigner {
            country,
            mdoc_purpose: false,
            ocsp_uri: None,
        },
        RoleName::JwsSigner => Kind::JwsSigner,
        RoleName::TlsServer => Kind::TlsServer { country, hosts },
        RoleName::TlsClient => Kind::TlsClient { country },
        RoleName::Iaca | RoleName::IacaLink | RoleName::ReaderCa | RoleName::Ca => {
            return Err(Failure::new("a root signs itself: nobody certifies it by request")
                .hint("use `mdoc-issuer pki iaca`, `reader-ca` or `ca`, or `mdoc-issuer pki link` for a new root"));
        }
    })
}

/// What the request asks for and the certificate does not have.
fn not_granted(request: &CertificationRequest, certificate: &Certificate) -> Vec<String> {
    let mut all = Vec::new();
    let granted = certificate.subject();
    for asked in request.subject().attributes() {
        let same = |one: mdoc_core::x509::Attribute<'_>| one.oid == asked.oid && one.text() == asked.text();
        if !granted.attributes().any(same) {
            let text = failure::printable_line(&asked.text());
            all.push(format!("{text:?} in the subject ({})", asked.oid));
        }
    }
    for asked in request.extensions() {
        let what = match certificate.extension(asked.oid) {
            Some(extension) if extension.value == asked.value => continue,
            Some(_) => "another value of",
            None => "",
        };
        let words = format!("{what} extension {}", asked.oid);
        all.push(words.trim_start().to_owned());
    }
    all
}
