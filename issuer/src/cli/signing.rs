//! The options that name the document signer, for every command that signs documents.

use std::path::{Path, PathBuf};

use clap::Args;
use mdoc_cli::Failure;
use mdoc_cli::keys::{self, KeySource};
use mdoc_core::seams::Signer;
use mdoc_core::x509::Certificate;
use mdoc_issuer::signer::{Deviations, DocumentSigner, SignerFault};

/// Who signs.
#[derive(Debug, Args)]
pub(super) struct Signing {
    /// The document signer's certificate
    #[arg(long, value_name = "FILE")]
    signer: PathBuf,
    /// The document signer's private key
    #[arg(long, value_name = "KEY")]
    signer_key: KeySource,
    /// Sign although the signer's certificate deviates from its profile in ways that readers tolerate
    #[arg(long)]
    accept_signer_deviations: bool,
}

/// A certificate with its key, as read.
pub(super) struct Loaded {
    certificate: Certificate,
    key: Box<dyn Signer>,
}

impl Signing {
    /// The files that are read, none of which may be written over.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        [Some(self.signer.as_path()), self.signer_key.file()]
            .into_iter()
            .flatten()
    }

    /// Reads the certificate and finds its key.
    ///
    /// # Errors
    /// [`Failure`] that names the file or the token.
    pub(super) fn load(&self) -> Result<Loaded, Failure> {
        Ok(Loaded {
            certificate: keys::certificate(&self.signer)?,
            key: keys::signer(&self.signer_key)?,
        })
    }

    /// The signer for documents of that type.
    ///
    /// # Errors
    /// [`Failure`] with every rule of the profile that the certificate breaks.
    pub(super) fn signer<'a>(
        &self,
        loaded: &'a Loaded,
        doc_type: &str,
    ) -> Result<DocumentSigner<'a>, Failure> {
        let deviations = if self.accept_signer_deviations {
            Deviations::Warn
        } else {
            Deviations::Refuse
        };
        DocumentSigner::new(
            loaded.certificate.clone(),
            loaded.key.as_ref(),
            doc_type,
            deviations,
        )
        .map_err(|fault| self.failure(&fault))
    }

    /// A fault of the signer with what to do about it.
    pub(super) fn failure(&self, fault: &SignerFault) -> Failure {
        let (certificate, key) = (self.signer.display(), &self.signer_key);
        let failure = Failure::new(format!("{certificate}: {fault}"));
        match fault {
            SignerFault::OtherKey => failure.hint(format!(
                "give the key that was made with {certificate}; {key} is another one"
            )),
            SignerFault::Profile(_) => failure.hint(
                "make a new one with `mdoc-issuer pki signer`; deviations that readers tolerate pass with \
                 --accept-signer-deviations",
            ),
            SignerFault::Expired { .. } => failure.hint("make a new one with `mdoc-issuer pki signer`"),
            SignerFault::NotYetValid { .. } => {
                failure.hint("wait, correct the clock, or give another certificate")
            }
            SignerFault::DocumentOutlives { .. } => {
                failure.hint("shorten --valid-for, or renew the signer with `mdoc-issuer pki signer`")
            }
            _ => failure,
        }
    }
}
