//! Making what the options say, writing it and telling of it.

use std::path::Path;

use mdoc_cli::input::Input;
use mdoc_cli::keys::{self, KeySource};
use mdoc_cli::output::{self, Existing, NewFile};
use mdoc_cli::{Exit, Failure, system};
use mdoc_core::crypto::{PublicKey, SecretKey};
use mdoc_core::keys::secret_to_pem;
use mdoc_core::x509::Certificate;
use mdoc_core::x509::build::BuildError;
use mdoc_issuer::pki::{self, Certified, Kind, Terms};

use super::super::PROGRAM;
use super::options::{Loaded, OutputOptions};

/// What to make, of which key, below whom.
pub(super) struct Recipe<'a> {
    pub(super) kind: Kind,
    pub(super) terms: Terms,
    /// A key that is there; a new one if none.
    pub(super) key: Option<&'a KeySource>,
    /// Nobody above a root.
    pub(super) ca: Option<&'a Loaded>,
    pub(super) output: &'a OutputOptions,
}

impl Recipe<'_> {
    /// Makes certificate and key, writes both or none, and tells what to do next.
    ///
    /// # Errors
    /// [`Failure`] in words, with no file written.
    pub(super) fn make(&self) -> Result<Exit, Failure> {
        let mut rng = system::random()?;
        let authority = self.ca.map(Loaded::authority);
        let refused = |error: BuildError| refused(&error, self.ca);
        let (certified, new_key) = match (self.key, authority) {
            (None, authority) => {
                let made = pki::make(&self.kind, &self.terms, authority, &mut rng).map_err(refused)?;
                let certified = Certified {
                    certificate: made.certificate,
                    placeholder: made.placeholder,
                };
                (certified, Some(made.key))
            }
            (Some(source), None) => {
                let signer = keys::signer(source)?;
                let root = self.kind.root(&self.terms, signer.as_ref(), &mut rng);
                (root.map_err(refused)?, None)
            }
            (Some(source), Some(authority)) => {
                let key = public_half(source)?;
                let leaf = self.kind.certify(&self.terms, &key, authority, &mut rng);
                (leaf.map_err(refused)?, None)
            }
        };
        let next = next(&self.kind, &self.output.out, self.ca, self.key);
        finish(
            self.kind.stem(),
            &certified,
            new_key.as_ref(),
            self.output,
            &[&next],
        )
    }
}

/// The public half of a key wherever it is: a file with either half, or a token.
pub(super) fn public_half(source: &KeySource) -> Result<PublicKey, Failure> {
    let Some(path) = source.file() else {
        return Ok(keys::signer(source)?.public_key().clone());
    };
    if mdoc_cli::input::is_stdio(path) || Input::read(path)?.kind() == "a private key" {
        return Ok(keys::secret_key(path)?.public_key().clone());
    }
    keys::public_key(path)
}

/// What the profile does not allow, with the option to change.
pub(super) fn refused(error: &BuildError, ca: Option<&Loaded>) -> Failure {
    let message = match (error, ca) {
        (BuildError::NotTheKeyOfTheIssuer, Some(ca)) => {
            format!("{} is not the key of {}", ca.key, ca.certificate_path.display())
        }
        _ => keys::sentence(error),
    };
    let hint = match error {
        BuildError::Text { .. } => "give --name and --organization, or shorten them",
        BuildError::Country(_) | BuildError::State(_) => {
            "--country is two letters (ISO 3166-1); --state begins with them, as in NL-UT (ISO 3166-2)"
        }
        BuildError::Contact(_) => "give --email name@example.org or --uri https://example.org/",
        BuildError::CrlUri(_) => "give --crl-url https://example.org/iaca.crl",
        BuildError::OcspUri(_) => "give --ocsp-url https://example.org/ocsp",
        BuildError::Host(_) => "give --host mdl.example.org or --host 192.0.2.1",
        BuildError::ValidTooLong { .. } => "give a shorter --validity",
        BuildError::EndsBeforeItBegins(_) => {
            "the certificate above has expired at that time; make a new one, or give another --at"
        }
        BuildError::OutsideIssuer { .. } => {
            "give a shorter --validity or another --at, or renew the certificate above"
        }
        BuildError::Curve(_) => "give --curve P-256, P-384 or P-521; Ed25519 is for signers and readers",
        BuildError::NotTheKeyOfTheIssuer => {
            "give the key of that certificate; in a folder they are NAME.pem and NAME.key.pem"
        }
        BuildError::KeyOfTheIssuer => "every certificate has a key of its own; give another --key, or none",
        BuildError::OtherCountry { .. } => "a link leads from a root to the next root of the same authority",
        BuildError::IssuerNotCa(_) => "give the folder of a root, as `mdoc-issuer pki iaca` makes it",
        _ => "`mdoc-issuer inspect` shows what is in the certificate above",
    };
    Failure::new(message).hint(hint)
}

/// How to name the private key in the next command. Of a public key that was certified the private half is where
/// its holder keeps it.
fn place_of_private(key: &KeySource) -> String {
    match key.file() {
        Some(path) if !is_private(path) => "KEY".to_owned(),
        _ => format!("'{key}'"),
    }
}

/// Whether a file has a private key. Standard input can be read only once, and is no place to name.
fn is_private(path: &Path) -> bool {
    !mdoc_cli::input::is_stdio(path) && Input::read(path).is_ok_and(|input| input.kind() == "a private key")
}

/// The command that one is likely to want next.
fn next(kind: &Kind, out: &Path, ca: Option<&Loaded>, key: Option<&KeySource>) -> String {
    let file = |name: &str| match key {
        Some(key) if name.ends_with(".key.pem") => place_of_private(key),
        _ => out.join(name).display().to_string(),
    };
    let folder = out.display();
    // A key that is not in the folder has to be named again.
    let with = |option: &str| key.map_or_else(String::new, |key| format!(" {option} '{key}'"));
    match kind {
        Kind::Iaca { .. } => {
            let key = with("--iaca-key");
            format!("mdoc-issuer pki signer --iaca {folder}{key} --out {folder}")
        }
        Kind::ReaderCa { .. } => {
            format!(
                "mdoc-issuer pki reader --ca {folder}{} --out {folder}",
                with("--ca-key")
            )
        }
        Kind::OtherCa { .. } => {
            let key = with("--ca-key");
            format!("mdoc-issuer pki vical-signer --ca {folder}{key} --organization … --out {folder}")
        }
        Kind::DocumentSigner { .. } => format!(
            "mdoc-issuer issue --signer {} --signer-key {} …",
            file("ds.pem"),
            file("ds.key.pem")
        ),
        Kind::Reader { .. } => format!(
            "mdoc-verifier request --reader-cert {} --reader-key {} …",
            file("reader.pem"),
            file("reader.key.pem")
        ),
        Kind::OcspResponder { .. } => format!("mdoc-issuer pki ocsp respond --responder {folder} …"),
        _ => {
            let role = super::options::RoleName::of(kind.role()).unwrap_or_default();
            let stem = kind.stem();
            let issuer = ca.map_or_else(String::new, |ca| {
                format!(" --issuer {}", ca.certificate_path.display())
            });
            format!(
                "mdoc-issuer pki lint {} --role {role}{issuer}",
                file(&format!("{stem}.pem"))
            )
        }
    }
}

/// Writes the certificate, and its key if it is new, both or none, and tells what was made and what to do next.
///
/// # Errors
/// [`Failure`] that names the file which cannot be written.
pub(super) fn finish(
    stem: &str,
    certified: &Certified,
    new_key: Option<&SecretKey>,
    output_options: &OutputOptions,
    next: &[&str],
) -> Result<Exit, Failure> {
    let OutputOptions { out, force, json } = output_options;
    let certificate_path = out.join(format!("{stem}.pem"));
    let key_path = out.join(format!("{stem}.key.pem"));
    output::make_folder(out)?;
    let pem = certified.certificate.to_pem();
    let key = new_key.map(secret_to_pem);
    let certificate_file = NewFile {
        path: &certificate_path,
        content: pem.as_bytes(),
        secret: false,
    };
    match &key {
        Some(key) => output::write_pair(
            (&key_path, key.as_bytes()),
            (&certificate_path, pem.as_bytes()),
            *force,
        )?,
        None if *force => output::write(certificate_file, Existing::Replace)?,
        None => output::write(certificate_file, Existing::Keep)?,
    }
    if certified.placeholder {
        output::warn(
            PROGRAM,
            "a placeholder stands in the certificate for what was not given: a contact (--email or --uri) \
             or the address of the revocation list (--crl-url)",
        );
    }
    let certificate = &certified.certificate;
    if *json {
        output::print_json(&summary(
            certificate,
            &certificate_path,
            new_key.map(|_| &*key_path),
        ))?;
        return Ok(Exit::Done);
    }
    let key_line = if new_key.is_some() {
        format!("{}  its private key, mode 0600\n", key_path.display())
    } else {
        String::new()
    };
    let (last, before) = next.split_last().unwrap_or((&"", &[]));
    let remarks: String = before.iter().map(|line| format!("{line}\n")).collect();
    output::print(&format!(
        "{}  {}, valid until {}\n{key_line}{remarks}next: {last}\n",
        certificate_path.display(),
        certificate.subject(),
        certificate.not_after().date(),
    ))?;
    Ok(Exit::Done)
}

/// A new certificate in JSON.
pub(super) fn summary(certificate: &Certificate, path: &Path, key: Option<&Path>) -> serde_json::Value {
    let sha256 = base16ct::lower::encode_string(&certificate.fingerprint());
    let mut json = serde_json::Map::new();
    json.insert("certificate".to_owned(), path.display().to_string().into());
    if let Some(key) = key {
        json.insert("key".to_owned(), key.display().to_string().into());
    }
    for (name, text) in [
        ("subject", certificate.subject().to_string()),
        ("issuer", certificate.issuer().to_string()),
        ("notBefore", certificate.not_before().to_string()),
        ("notAfter", certificate.not_after().to_string()),
        ("sha256", sha256),
    ] {
        json.insert(name.to_owned(), text.into());
    }
    json.into()
}
