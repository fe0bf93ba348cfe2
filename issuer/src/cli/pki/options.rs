//! Options that several commands about certificates have.

use core::time::Duration;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use mdoc_cli::args::{self, CurveName};
use mdoc_cli::keys::{self, KeySource};
use mdoc_cli::{Failure, system};
use mdoc_core::seams::{Clock as _, Signer};
use mdoc_core::time::Timestamp;
use mdoc_core::x509::profile::Role;
use mdoc_core::x509::{Certificate, GeneralName};
use mdoc_issuer::pki::{self, Terms};

/// Options of every command that makes a certificate.
#[derive(Debug, Args)]
pub(super) struct Common {
    /// The organisation in the subject
    #[arg(long, value_name = "TEXT", value_parser = args::line)]
    pub(super) organization: Option<String>,
    #[command(flatten)]
    pub(super) output: OutputOptions,
    /// How long it is valid: 90d, 1y [default: 10y for roots, else 1y]
    #[arg(long, value_name = "DURATION", value_parser = args::duration)]
    pub(super) validity: Option<Duration>,
    /// The first instant of validity [default: now]
    #[arg(long, value_name = "RFC3339", value_parser = args::instant)]
    pub(super) at: Option<Timestamp>,
    /// The curve of the new key; an IACA cannot have Ed25519
    #[arg(long, value_enum, default_value = "P-256")]
    pub(super) curve: CurveName,
    /// A key that is there already, instead of a new one: a file, or a pkcs11: URI; the public half is enough
    /// unless it is a root
    #[arg(long, value_name = "KEY", conflicts_with = "curve")]
    pub(super) key: Option<KeySource>,
}

/// Where the result goes.
#[derive(Debug, Args)]
pub(super) struct OutputOptions {
    /// The folder for certificate and key; made if it is not there
    #[arg(long, value_name = "DIR")]
    pub(super) out: PathBuf,
    /// Replace a certificate and a key that are there
    #[arg(long)]
    pub(super) force: bool,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// How to reach the authority, and where its revocation list is.
#[derive(Debug, Args)]
pub(super) struct Addresses {
    /// An e-mail address for the certificate
    #[arg(long, value_name = "ADDRESS")]
    pub(super) email: Option<String>,
    /// A web address for the certificate
    #[arg(long, value_name = "URI")]
    pub(super) uri: Option<String>,
    #[command(flatten)]
    pub(super) list: ListAddress,
}

/// Where the revocation list is.
#[derive(Debug, Args)]
pub(super) struct ListAddress {
    /// The address of the issuer's revocation list [default: as in its certificate]
    #[arg(long, value_name = "URL")]
    pub(super) crl_url: Option<String>,
}

/// The issuing authority above.
#[derive(Debug, Args)]
pub(super) struct Iaca {
    /// The folder of the issuing authority, with iaca.pem and iaca.key.pem
    #[arg(long, value_name = "DIR")]
    iaca: PathBuf,
    /// Its private key, if it is elsewhere: a file, or a pkcs11: URI
    #[arg(long, value_name = "KEY")]
    iaca_key: Option<KeySource>,
}

/// Another CA above.
#[derive(Debug, Args)]
pub(super) struct Ca {
    /// The folder of the CA: reader-ca.pem, ca.pem or iaca.pem, with its key
    #[arg(long, value_name = "DIR")]
    ca: PathBuf,
    /// Its private key, if it is elsewhere: a file, or a pkcs11: URI
    #[arg(long, value_name = "KEY")]
    ca_key: Option<KeySource>,
}

/// Any authority: one of the two, or none.
#[derive(Debug, Args)]
pub(super) struct Authority {
    /// The folder of the issuing authority, with iaca.pem and its key
    #[arg(long, value_name = "DIR", conflicts_with = "ca")]
    pub(super) iaca: Option<PathBuf>,
    /// The folder of another CA: reader-ca.pem or ca.pem, with its key
    #[arg(long, value_name = "DIR")]
    pub(super) ca: Option<PathBuf>,
    /// The authority's private key, if it is elsewhere: a file, or a pkcs11: URI
    #[arg(long, value_name = "KEY", visible_alias = "iaca-key")]
    ca_key: Option<KeySource>,
}

const OF_IACA: &[&str] = &["iaca"];

impl Iaca {
    pub(super) fn load(&self) -> Result<Loaded, Failure> {
        Loaded::from(&self.iaca, OF_IACA, self.iaca_key.as_ref())
    }
}

impl Ca {
    /// The first of these that is in the folder.
    pub(super) fn load(&self, stems: &[&str]) -> Result<Loaded, Failure> {
        Loaded::from(&self.ca, stems, self.ca_key.as_ref())
    }
}

impl Authority {
    /// The authority, if one is given.
    pub(super) fn find(&self) -> Result<Option<Loaded>, Failure> {
        let key = self.ca_key.as_ref();
        match (&self.iaca, &self.ca) {
            (Some(folder), _) => Loaded::from(folder, OF_IACA, key).map(Some),
            (None, Some(folder)) => Loaded::from(folder, &["reader-ca", "ca", "iaca"], key).map(Some),
            (None, None) => Ok(None),
        }
    }

    /// The authority.
    pub(super) fn load(&self) -> Result<Loaded, Failure> {
        self.find()?.ok_or_else(|| {
            Failure::new("no authority is given")
                .hint("give its folder: --iaca DIR, or --ca DIR of another CA")
        })
    }
}

/// A role by its name on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum RoleName {
    /// The root of an issuing authority
    Iaca,
    /// Leads from the old root of an issuing authority to its new one
    IacaLink,
    /// Signs mobile driving licences
    DocumentSigner,
    /// Signs other documents
    OtherDocumentSigner,
    /// The root of those who certify readers
    ReaderCa,
    /// Signs requests
    Reader,
    /// Signs status lists
    StatusSigner,
    /// Answers whether certificates were revoked
    OcspResponder,
    /// The root of others, such as VICAL signers
    Ca,
    /// Signs lists of issuing authorities
    VicalSigner,
    /// Signs the tokens of server retrieval
    JwsSigner,
    /// The server of server retrieval
    TlsServer,
    /// The client of server retrieval
    TlsClient,
}

impl RoleName {
    pub(super) const fn role(self) -> Role {
        match self {
            Self::Iaca => Role::IacaRoot,
            Self::IacaLink => Role::IacaLink,
            Self::DocumentSigner => Role::DocumentSigner { mdl: true },
            Self::OtherDocumentSigner => Role::DocumentSigner { mdl: false },
            Self::ReaderCa => Role::ReaderCa,
            Self::Reader => Role::ReaderAuthentication,
            Self::StatusSigner => Role::StatusListSigner,
            Self::OcspResponder => Role::OcspResponder,
            Self::Ca => Role::OtherCa,
            Self::VicalSigner => Role::VicalSigner,
            Self::JwsSigner => Role::JwsSigner,
            Self::TlsServer => Role::TlsServer,
            Self::TlsClient => Role::TlsClient,
        }
    }

    /// The name of a role.
    pub(super) fn of(role: Role) -> Option<String> {
        let name = Self::value_variants().iter().find(|name| name.role() == role)?;
        Some(name.to_possible_value()?.get_name().to_owned())
    }
}

/// Certificates are valid from a little earlier, so that readers whose clocks are behind take them at once.
const BACKDATED: Duration = Duration::from_secs(5 * 60);

/// What the options say of a certificate; it does not begin before `ca` does, unless that was asked for.
pub(super) fn terms(
    name: &str,
    common: &Common,
    (email, uri, crl_url): (Option<&str>, Option<&str>, Option<&str>),
    ca: Option<&Loaded>,
) -> Terms {
    let email = email.map(|address| GeneralName::Email(address.to_owned()));
    let uri = uri.map(|uri| GeneralName::Uri(uri.to_owned()));
    Terms {
        common_name: name.to_owned(),
        organization: common.organization.clone(),
        from: begin(common.at, ca.map(|ca| &ca.certificate)),
        lifetime: common.validity,
        contacts: email.into_iter().chain(uri).collect(),
        crl_uri: crl_url.map(str::to_owned),
        curve: common.curve.curve(),
    }
}

/// When a certificate begins: as asked for, or now but not before its issuer.
pub(super) fn begin(asked: Option<Timestamp>, issuer: Option<&Certificate>) -> Timestamp {
    asked.unwrap_or_else(|| {
        let now = system::SystemClock.now().minus(BACKDATED);
        issuer.map_or(now, |issuer| now.max(issuer.not_before()))
    })
}

/// A CA from a folder.
pub(super) struct Loaded {
    pub(super) certificate: Certificate,
    pub(super) certificate_path: PathBuf,
    pub(super) key: KeySource,
    signer: Box<dyn Signer>,
}

impl Loaded {
    /// Reads `STEM.pem` of the first stem that is there, and its key: `STEM.key.pem`, or the one that is given.
    pub(super) fn from(folder: &Path, stems: &[&str], key: Option<&KeySource>) -> Result<Self, Failure> {
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
                ["ca", ..] => "make a CA with `mdoc-issuer pki ca`",
                _ => "make a CA for readers with `mdoc-issuer pki reader-ca`",
            };
            return Err(Failure::new(missing).hint(make));
        };
        let certificate_path = wanted(stem);
        let key = key.map_or_else(|| folder.join(format!("{stem}.key.pem")).into(), Clone::clone);
        Ok(Self {
            certificate: keys::certificate(&certificate_path)?,
            signer: keys::signer(&key)?,
            certificate_path,
            key,
        })
    }

    pub(super) fn authority(&self) -> pki::Authority<'_> {
        pki::Authority {
            certificate: &self.certificate,
            signer: self.signer.as_ref(),
        }
    }

    /// The files that were read.
    pub(super) fn files(&self) -> Vec<&Path> {
        let certificate = self.certificate_path.as_path();
        core::iter::once(certificate).chain(self.key.file()).collect()
    }
}
