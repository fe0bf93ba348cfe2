//! The options that name the document signer, for every command that signs documents.

use core::time::Duration;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use mdoc_cli::keys::{self, KeySource};
use mdoc_cli::{Failure, log};
use mdoc_core::seams::Signer;
use mdoc_core::time::Timestamp;
use mdoc_core::x509::Certificate;
use mdoc_issuer::signer::{Deviations, DocumentSigner, NearExpiry, NoSigner, SignerFault, SignerSet, Wanted};

/// The most signers that a folder may have.
const MOST_SIGNERS: usize = 1000;

/// Who signs.
#[derive(Debug, Args)]
pub(super) struct Signing {
    /// The document signer's certificate; may be given several times
    #[arg(long, value_name = "FILE", required_unless_present = "signers")]
    signer: Vec<PathBuf>,
    /// The document signer's private key: a file or a pkcs11: URI; one for each --signer
    #[arg(long, value_name = "KEY", required_unless_present = "signers")]
    signer_key: Vec<KeySource>,
    /// A folder of signers: *.pem, each with its *.key.pem
    #[arg(long, value_name = "DIR")]
    signers: Option<PathBuf>,
    /// Sign although the signer's certificate deviates from its profile in ways that readers tolerate
    #[arg(long)]
    accept_signer_deviations: bool,
}

/// The signer that was chosen, with its key: it may be used by several threads.
pub(super) struct Loaded {
    name: String,
    source: KeySource,
    certificate: Certificate,
    key: Box<dyn Signer>,
    deviations: Deviations,
    near_expiry: Option<NearExpiry>,
}

impl Signing {
    /// The files that are read, none of which may be written over.
    ///
    /// # Errors
    /// [`Failure`] if certificates and keys do not go in pairs, or the folder cannot be read.
    pub(super) fn files(&self) -> Result<Vec<PathBuf>, Failure> {
        let pairs = self.pairs()?;
        let both =
            |(certificate, key): (PathBuf, KeySource)| [Some(certificate), key.file().map(Path::to_owned)];
        Ok(pairs.into_iter().flat_map(both).flatten().collect())
    }

    /// Chooses the signer for documents of that type, signed now, and finds its key. Keys of the others are not
    /// touched, so that nobody is asked for their passphrases.
    ///
    /// # Errors
    /// [`Failure`] that names the file or the token, or says of each signer why it cannot sign.
    pub(super) fn load(
        &self,
        doc_type: &str,
        now: Timestamp,
        valid_for: Duration,
    ) -> Result<Loaded, Failure> {
        let mut set = SignerSet::default();
        for (path, key) in self.pairs()? {
            let certificate = keys::certificate(&path)?;
            // The folder of `pki iaca` has the authority in it as well.
            let is_ca = matches!(certificate.basic_constraints(), Some(Ok(found)) if found.ca);
            if is_ca && !self.signer.contains(&path) {
                continue;
            }
            set.add(path.display().to_string(), certificate, key);
        }
        if set.is_empty() {
            let folder = self.signers.clone().unwrap_or_default();
            return Err(Failure::new(format!("{} has no signer", folder.display())).hint(
                "a signer is NAME.pem with NAME.key.pem beside it; `mdoc-issuer pki signer` makes one",
            ));
        }
        let deviations = if self.accept_signer_deviations {
            Deviations::Warn
        } else {
            Deviations::Refuse
        };
        let wanted = Wanted {
            doc_type,
            now,
            valid_for,
            deviations,
        };
        let chosen = set.choose(&wanted).map_err(|none| refusal(&none))?;
        tracing::info!(
            path = chosen.name,
            fingerprint = log::digest(chosen.certificate.der()),
            not_after = %chosen.certificate.not_after(),
            of = set.len(),
            "signer chosen"
        );
        Ok(Loaded {
            name: chosen.name.to_owned(),
            source: chosen.key.clone(),
            certificate: chosen.certificate.clone(),
            key: keys::signer(chosen.key)?,
            deviations,
            near_expiry: chosen.near_expiry,
        })
    }

    /// Certificates with the places of their keys.
    fn pairs(&self) -> Result<Vec<(PathBuf, KeySource)>, Failure> {
        if self.signer.len() != self.signer_key.len() {
            return Err(Failure::new(format!(
                "{} --signer and {} --signer-key do not go in pairs",
                self.signer.len(),
                self.signer_key.len()
            ))
            .hint("give --signer and --signer-key alternately, each certificate with its key"));
        }
        let mut pairs: Vec<_> = self
            .signer
            .iter()
            .cloned()
            .zip(self.signer_key.iter().cloned())
            .collect();
        if let Some(folder) = &self.signers {
            pairs.extend(in_folder(folder)?);
        }
        Ok(pairs)
    }
}

/// `NAME.pem` with `NAME.key.pem` in a folder, by name.
fn in_folder(folder: &Path) -> Result<Vec<(PathBuf, KeySource)>, Failure> {
    let listed = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let entries = listed.map_err(|error| {
        Failure::new(format!(
            "the folder {} cannot be listed: {}",
            folder.display(),
            error.kind()
        ))
        .hint("give a folder with NAME.pem and NAME.key.pem")
    })?;
    let mut paths: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    paths.sort();
    let mut pairs = Vec::new();
    for path in paths {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let Some(stem) = name.strip_suffix(".pem").filter(|stem| !stem.ends_with(".key")) else {
            continue;
        };
        let key = path.with_file_name(format!("{stem}.key.pem"));
        if key.is_file() {
            pairs.push((path, KeySource::File(key)));
        }
    }
    if pairs.len() > MOST_SIGNERS {
        return Err(Failure::new(format!(
            "{} has more than {MOST_SIGNERS} signers",
            folder.display()
        ))
        .hint("give a folder with the signers that are in use"));
    }
    Ok(pairs)
}

impl Loaded {
    /// The file of the certificate.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The signer for documents of that type.
    ///
    /// # Errors
    /// [`Failure`] if the key is another one, with every rule of the profile that the certificate breaks.
    pub(super) fn signer(&self, doc_type: &str) -> Result<DocumentSigner<'_>, Failure> {
        let certificate = self.certificate.clone();
        DocumentSigner::new(certificate, self.key.as_ref(), doc_type, self.deviations)
            .map_err(|fault| self.failure(&fault))
    }

    /// That the signer is to be renewed soon. To be said once, not for each document.
    pub(super) fn warning(&self) -> Option<String> {
        self.near_expiry.map(|near| {
            format!(
                "{}: {near}; make the next one with `mdoc-issuer pki signer`",
                self.name
            )
        })
    }

    /// A fault of the signer with what to do about it.
    pub(super) fn failure(&self, fault: &SignerFault) -> Failure {
        let failure = Failure::new(format!("{}: {fault}", self.name));
        match fault {
            SignerFault::OtherKey => failure.hint(format!(
                "give the key that was made with {}; {} is another one",
                self.name, self.source
            )),
            fault => failure.hint_if(hint(fault)),
        }
    }
}

fn refusal(none: &NoSigner) -> Failure {
    let failure = Failure::new(none.to_string());
    match none.0.as_slice() {
        [(_, fault)] => failure.hint_if(hint(fault)),
        _ => failure.hint("make the next one with `mdoc-issuer pki signer`, or shorten --valid-for"),
    }
}

fn hint(fault: &SignerFault) -> Option<String> {
    let words = match fault {
        SignerFault::Profile(_) => {
            "make a new one with `mdoc-issuer pki signer`; deviations that readers tolerate pass with \
             --accept-signer-deviations"
        }
        SignerFault::Expired { .. } => "make a new one with `mdoc-issuer pki signer`",
        SignerFault::NotYetValid { .. } => "wait, correct the clock, or give another certificate",
        SignerFault::DocumentOutlives { .. } => {
            "shorten --valid-for, or renew the signer with `mdoc-issuer pki signer`"
        }
        _ => return None,
    };
    Some(words.to_owned())
}
