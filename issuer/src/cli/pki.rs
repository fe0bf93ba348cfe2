//! `mdoc-issuer pki`

mod crl;
mod csr;
mod demo;
mod finish;
mod link;
mod lint;
mod ocsp;
mod options;
mod renew;

use clap::{Args, Subcommand};
use mdoc_cli::{Exit, Failure, args};
use mdoc_core::x509::GeneralName;
use mdoc_issuer::pki::Kind;

use self::finish::Recipe;
use self::options::{Addresses, Ca, Common, Iaca, ListAddress, Loaded, terms};

/// What to make.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a whole country to try things with: root, signers, readers, revocation list
    Demo(demo::Arguments),
    /// Make the root of an issuing authority: iaca.pem and iaca.key.pem
    #[command(after_help = "\
Examples:
  mdoc-issuer pki iaca --country NL --name \"Example IACA\" --out demo
  mdoc-issuer pki iaca --country US --state US-UT --name \"Utah IACA\" \\
      --email mdl@example.org --crl-url https://example.org/iaca.crl --out utah")]
    Iaca(IacaRoot),
    /// Make the link from the old root of an authority to its new one: link.pem
    Link(link::Arguments),
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
    /// Make an OCSP responder below an issuing authority: ocsp.pem and ocsp.key.pem
    #[command(after_help = "\
Examples:
  mdoc-issuer pki ocsp-responder --iaca demo --out demo
  mdoc-issuer pki ocsp-responder --iaca demo --no-check --out demo

With --no-check nobody asks whether the responder itself was revoked, and it is
valid for at most 90 days; otherwise for at most 457.")]
    OcspResponder(OcspResponder),
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
    /// Make a root for VICAL signers, TLS servers and clients: ca.pem and ca.key.pem
    #[command(after_help = "\
Example:
  mdoc-issuer pki ca --country NL --name \"Example VICAL Root\" --out vical

The standard leaves such roots to those who make them.")]
    Ca(OtherCa),
    /// Make a signer of lists of issuing authorities: vical.pem and vical.key.pem
    #[command(after_help = "\
Example:
  mdoc-issuer pki vical-signer --ca vical --organization \"Example Lists\" \\
      --crl-url https://example.org/ca.crl --out vical")]
    VicalSigner(VicalSigner),
    /// Make a signer of the tokens of server retrieval: jws.pem and jws.key.pem
    #[command(after_help = "\
Example:
  mdoc-issuer pki jws-signer --iaca demo --out demo

Server retrieval is of the first edition of ISO/IEC 18013-5 alone.")]
    JwsSigner(JwsSigner),
    /// Make the certificate of a TLS server: tls-server.pem and tls-server.key.pem
    #[command(after_help = "\
Example:
  mdoc-issuer pki tls-server --ca tls --host mdl.example.org --out tls

For server retrieval of the first edition of ISO/IEC 18013-5. A server that
everybody is to reach has a certificate of a public authority: see `pki csr`.")]
    TlsServer(TlsServer),
    /// Make the certificate of a TLS client: tls-client.pem and tls-client.key.pem
    #[command(after_help = "\
Example:
  mdoc-issuer pki tls-client --ca tls --name \"Reader 7\" --out tls")]
    TlsClient(TlsClient),
    /// Make a certificate again: the same subject and profile, another validity
    Renew(renew::Arguments),
    /// Ask another authority for a certificate: a certification request (PKCS#10)
    Csr(csr::Arguments),
    /// Certify the key in a certification request, by the profile of its role
    SignCsr(csr::SignArguments),
    /// Make the revocation list of an issuing authority, or the next one
    Crl(crl::Arguments),
    /// Ask, answer and judge whether a certificate was revoked (OCSP)
    #[command(
        subcommand,
        after_help = "\
Examples:
  mdoc-issuer pki ocsp request --cert demo/ds.pem --issuer demo/iaca.pem --out ds.ocsp-request
  mdoc-issuer pki ocsp respond ds.ocsp-request --iaca demo --crl demo/iaca.crl --out ds.ocsp
  mdoc-issuer pki ocsp check ds.ocsp --cert demo/ds.pem --issuer demo/iaca.pem \\
      --request ds.ocsp-request"
    )]
    Ocsp(ocsp::Command),
    /// Show a certificate, a request for one, a revocation list, or an OCSP message
    Show(crl::Show),
    /// Judge certificates by the rules of their role, and by those that issued them
    Lint(lint::Arguments),
}

/// `pki iaca`
#[derive(Debug, Args)]
pub(super) struct IacaRoot {
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
    #[command(flatten)]
    iaca: Iaca,
    /// The name of the signer, the CN of the certificate
    #[arg(long, value_name = "TEXT", default_value = "Document Signer", value_parser = args::line)]
    name: String,
    /// Add the purpose mdocDS of ISO/IEC 23220-4 to mdlDS: some readers in use refuse a signer with both
    #[arg(long)]
    mdoc: bool,
    #[command(flatten)]
    addresses: Addresses,
    #[command(flatten)]
    common: Common,
}

/// `pki status-signer`
#[derive(Debug, Args)]
pub(super) struct StatusSigner {
    #[command(flatten)]
    iaca: Iaca,
    /// The name of the signer, the CN of the certificate
    #[arg(long, value_name = "TEXT", default_value = "Status List Signer", value_parser = args::line)]
    name: String,
    #[command(flatten)]
    list: ListAddress,
    #[command(flatten)]
    common: Common,
}

/// `pki ocsp-responder`
#[derive(Debug, Args)]
pub(super) struct OcspResponder {
    #[command(flatten)]
    iaca: Iaca,
    /// The name of the responder, the CN of the certificate
    #[arg(long, value_name = "TEXT", default_value = "OCSP Responder", value_parser = args::line)]
    name: String,
    /// Nobody need ask whether the responder itself was revoked: ocsp-nocheck instead of a list
    #[arg(long, conflicts_with = "crl_url")]
    no_check: bool,
    #[command(flatten)]
    addresses: Addresses,
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
    #[command(flatten)]
    ca: Ca,
    /// Who reads, the CN of the certificate
    #[arg(long, value_name = "TEXT", default_value = "Reader", value_parser = args::line)]
    name: String,
    /// Add the purpose mdocReaderAuth of ISO/IEC 23220-4 to mdlReaderAuth: some wallets in use refuse a
    /// reader with both
    #[arg(long)]
    mdoc: bool,
    /// The country of the reader [default: that of the CA]
    #[arg(long, value_name = "CC", value_parser = args::country)]
    country: Option<String>,
    /// The address of the CA's OCSP responder, if it has one
    #[arg(long, value_name = "URL")]
    ocsp_url: Option<String>,
    #[command(flatten)]
    addresses: Addresses,
    #[command(flatten)]
    common: Common,
}

/// `pki ca`
#[derive(Debug, Args)]
pub(super) struct OtherCa {
    /// The country: two letters of ISO 3166-1
    #[arg(long, value_name = "CC", value_parser = args::country)]
    country: Option<String>,
    /// The name of the root, the CN of the certificate
    #[arg(long, value_name = "TEXT", value_parser = args::line)]
    name: String,
    #[command(flatten)]
    common: Common,
}

/// `pki vical-signer`
#[derive(Debug, Args)]
pub(super) struct VicalSigner {
    #[command(flatten)]
    ca: Ca,
    /// The name of the signer, the CN of the certificate
    #[arg(long, value_name = "TEXT", default_value = "VICAL Signer", value_parser = args::line)]
    name: String,
    /// The country of the provider [default: that of the CA]
    #[arg(long, value_name = "CC", value_parser = args::country)]
    country: Option<String>,
    /// Add the purpose mdocVICAL of ISO/IEC 23220-4 to mdlVICAL
    #[arg(long)]
    mdoc: bool,
    /// The address of the CA's OCSP responder, if it has one
    #[arg(long, value_name = "URL")]
    ocsp_url: Option<String>,
    #[command(flatten)]
    list: ListAddress,
    #[command(flatten)]
    common: Common,
}

/// `pki jws-signer`
#[derive(Debug, Args)]
pub(super) struct JwsSigner {
    #[command(flatten)]
    iaca: Iaca,
    /// The name of the signer, the CN of the certificate
    #[arg(long, value_name = "TEXT", default_value = "JWS Signer", value_parser = args::line)]
    name: String,
    #[command(flatten)]
    addresses: Addresses,
    #[command(flatten)]
    common: Common,
}

/// `pki tls-server`
#[derive(Debug, Args)]
pub(super) struct TlsServer {
    #[command(flatten)]
    ca: Ca,
    /// A name or an IP address of the server; several times for several
    #[arg(long, value_name = "HOST", required = true)]
    host: Vec<String>,
    /// The CN of the certificate [default: the first host]
    #[arg(long, value_name = "TEXT", value_parser = args::line)]
    name: Option<String>,
    /// The country in the subject
    #[arg(long, value_name = "CC", value_parser = args::country)]
    country: Option<String>,
    #[command(flatten)]
    list: ListAddress,
    #[command(flatten)]
    common: Common,
}

/// `pki tls-client`
#[derive(Debug, Args)]
pub(super) struct TlsClient {
    #[command(flatten)]
    ca: Ca,
    /// The name of the client, the CN of the certificate
    #[arg(long, value_name = "TEXT", default_value = "TLS Client", value_parser = args::line)]
    name: String,
    /// The country in the subject
    #[arg(long, value_name = "CC", value_parser = args::country)]
    country: Option<String>,
    #[command(flatten)]
    list: ListAddress,
    #[command(flatten)]
    common: Common,
}

/// What a command that makes a certificate says: the kind, the name, where to, the addresses, and who is above.
struct Wish<'a> {
    kind: Kind,
    name: &'a str,
    common: &'a Common,
    /// E-mail address, web address, and address of the revocation list.
    addresses: (Option<&'a str>, Option<&'a str>, Option<&'a str>),
    ca: Option<Loaded>,
}

impl Wish<'_> {
    fn fulfil(self) -> Result<Exit, Failure> {
        Recipe {
            terms: terms(self.name, self.common, self.addresses, self.ca.as_ref()),
            kind: self.kind,
            key: self.common.key.as_ref(),
            ca: self.ca.as_ref(),
            output: &self.common.output,
        }
        .make()
    }
}

impl Addresses {
    fn all(&self) -> (Option<&str>, Option<&str>, Option<&str>) {
        (
            self.email.as_deref(),
            self.uri.as_deref(),
            self.list.crl_url.as_deref(),
        )
    }
}

impl ListAddress {
    fn all(&self) -> (Option<&'static str>, Option<&'static str>, Option<&str>) {
        (None, None, self.crl_url.as_deref())
    }
}

/// A host as it is written: an IP address or a name.
fn host(text: &str) -> GeneralName {
    match text.parse() {
        Ok(std::net::IpAddr::V4(address)) => GeneralName::Ip(address.octets().to_vec()),
        Ok(std::net::IpAddr::V6(address)) => GeneralName::Ip(address.octets().to_vec()),
        Err(_) => GeneralName::Dns(text.to_owned()),
    }
}

/// Roots that issue VICAL signers, and those of TLS.
const OF_OTHERS: &[&str] = &["ca", "iaca"];

/// Makes what was asked for.
///
/// # Errors
/// [`Failure`] in words, with no file written.
pub(super) fn run(command: &Command) -> Result<Exit, Failure> {
    let wish = match command {
        Command::Iaca(o) => Wish {
            kind: Kind::Iaca {
                country: o.country.clone(),
                state: o.state.clone(),
            },
            name: &o.name,
            common: &o.common,
            addresses: o.addresses.all(),
            ca: None,
        },
        Command::Signer(o) => Wish {
            kind: Kind::DocumentSigner { mdoc_purpose: o.mdoc },
            name: &o.name,
            common: &o.common,
            addresses: o.addresses.all(),
            ca: Some(o.iaca.load()?),
        },
        Command::StatusSigner(o) => Wish {
            kind: Kind::StatusListSigner,
            name: &o.name,
            common: &o.common,
            addresses: o.list.all(),
            ca: Some(o.iaca.load()?),
        },
        Command::OcspResponder(o) => Wish {
            kind: Kind::OcspResponder { no_check: o.no_check },
            name: &o.name,
            common: &o.common,
            addresses: o.addresses.all(),
            ca: Some(o.iaca.load()?),
        },
        Command::ReaderCa(o) => Wish {
            kind: Kind::ReaderCa {
                country: Some(o.country.clone()),
            },
            name: &o.name,
            common: &o.common,
            addresses: (None, None, None),
            ca: None,
        },
        Command::Reader(o) => Wish {
            kind: Kind::Reader {
                country: o.country.clone(),
                mdoc_purpose: o.mdoc,
                ocsp_uri: o.ocsp_url.clone(),
            },
            name: &o.name,
            common: &o.common,
            addresses: o.addresses.all(),
            ca: Some(o.ca.load(&["reader-ca", "iaca"])?),
        },
        Command::Ca(o) => Wish {
            kind: Kind::OtherCa {
                country: o.country.clone(),
            },
            name: &o.name,
            common: &o.common,
            addresses: (None, None, None),
            ca: None,
        },
        Command::VicalSigner(o) => Wish {
            kind: Kind::VicalSigner {
                country: o.country.clone(),
                mdoc_purpose: o.mdoc,
                ocsp_uri: o.ocsp_url.clone(),
            },
            name: &o.name,
            common: &o.common,
            addresses: o.list.all(),
            ca: Some(o.ca.load(OF_OTHERS)?),
        },
        Command::JwsSigner(o) => Wish {
            kind: Kind::JwsSigner,
            name: &o.name,
            common: &o.common,
            addresses: o.addresses.all(),
            ca: Some(o.iaca.load()?),
        },
        Command::TlsServer(o) => Wish {
            kind: Kind::TlsServer {
                country: o.country.clone(),
                hosts: o.host.iter().map(|text| host(text)).collect(),
            },
            name: o
                .name
                .as_deref()
                .or(o.host.first().map(String::as_str))
                .unwrap_or_default(),
            common: &o.common,
            addresses: o.list.all(),
            ca: Some(o.ca.load(OF_OTHERS)?),
        },
        Command::TlsClient(o) => Wish {
            kind: Kind::TlsClient {
                country: o.country.clone(),
            },
            name: &o.name,
            common: &o.common,
            addresses: o.list.all(),
            ca: Some(o.ca.load(OF_OTHERS)?),
        },
        Command::Demo(arguments) => return demo::run(arguments),
        Command::Link(arguments) => return link::run(arguments),
        Command::Renew(arguments) => return renew::run(arguments),
        Command::Csr(arguments) => return csr::run(arguments),
        Command::SignCsr(arguments) => return csr::sign(arguments),
        Command::Crl(arguments) => return crl::run(arguments),
        Command::Ocsp(command) => return ocsp::run(command),
        Command::Show(arguments) => return crl::show(arguments),
        Command::Lint(arguments) => return lint::run(arguments),
    };
    wish.fulfil()
}
