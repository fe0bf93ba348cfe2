//! The signers of a configuration: read when the service starts, and those of documents again while it runs (C3).

use std::sync::Arc;

use mdoc_cli::Failure;
use mdoc_cli::keys::{self, KeySource};
use mdoc_cli::system::SystemClock;
use mdoc_core::seams::{Clock as _, Signer};
use mdoc_core::time::Timestamp;
use mdoc_core::x509::Certificate;
use mdoc_issuer::signer::{Deviations, DocumentSigner};

use super::status;
use crate::config::{Config, SignerFiles};
use crate::making::Signers;
use crate::service::Service;
use crate::terms::Terms;

type Key = Arc<dyn Signer>;

/// How long before its end a certificate is to be replaced, in seconds.
const AHEAD: i64 = 30 * 86_400;

/// The document signers, and their certificates.
pub(super) fn load(config: &Config, terms: &Terms) -> Result<(Signers, Vec<Certificate>), Failure> {
    let (mut signers, mut documents) = (Signers::default(), Vec::new());
    for files in &config.signers {
        let (certificate, key) = pair(files)?;
        check_signer(&certificate, &*key, terms)?;
        documents.push(certificate.clone());
        signers.add(files.certificate.display().to_string(), certificate, key);
    }
    Ok((signers, documents))
}

/// Whether the signer of status lists fits those of documents.
pub(super) fn fit(config: &Config, status: &Certificate, documents: &[Certificate]) -> Result<(), Failure> {
    status::judge(status, documents, SystemClock.now()).map_err(|why| {
        let name = config.status.certificate.display();
        Failure::new(format!("{name} cannot sign status lists: {why}")).hint(
            "name another certificate in `[status]`, made by `mdoc-issuer pki status-signer` or `pki csr --role \
             status-signer` at the authority of the document signers",
        )
    })
}

/// Reads the document signers of a configuration again, for a service that runs; says how many there are now. Nothing else of
/// the configuration is taken over.
///
/// # Errors
/// [`Failure`] as for a start: the signers are those that they were then.
pub fn again(config: &Config, service: &Service) -> Result<usize, Failure> {
    let (signers, documents) = load(config, &service.terms)?;
    let now = service.now();
    let good = |one: &Certificate| one.not_before() <= now && now <= one.not_after();
    if !documents.iter().any(good) {
        return Err(
            Failure::new("no document signer of the configuration is valid now")
                .hint("name the one that is valid beside the one that will be"),
        );
    }
    let status = service.publisher.certificate();
    status::judge(status, &documents, now).map_err(|why| {
        Failure::new(format!(
            "the signer of status lists that runs does not fit them: {why}"
        ))
        .hint("start the service anew to change both")
    })?;
    let count = signers.len();
    service.signers.set(signers);
    Ok(count)
}

/// The certificates that are to be replaced soon, and when they end: of document signers the last one to end, since others
/// have one that goes on; those of status lists and of the metadata.
#[must_use]
pub fn ending(
    signers: &Signers,
    (status, metadata): (&Certificate, Option<&Certificate>),
    now: Timestamp,
) -> Vec<(String, Timestamp)> {
    let last = signers
        .certificates()
        .max_by_key(|(_, certificate)| certificate.not_after());
    let status = ("the signer of status lists", status);
    let metadata = metadata.map(|certificate| ("the signer of metadata", certificate));
    let all = last.into_iter().chain([status]).chain(metadata);
    all.map(|(name, certificate)| (name.to_owned(), certificate.not_after()))
        .filter(|(_, end)| end.unix() - now.unix() < AHEAD)
        .collect()
}

pub(super) fn pair(files: &SignerFiles) -> Result<(Certificate, Key), Failure> {
    let certificate = keys::certificate(&files.certificate)?;
    let Ok(source) = files.key.parse::<KeySource>();
    let key: Key = Arc::from(keys::signer(&source)?);
    let name = files.certificate.display();
    let certified = certificate
        .public_key()
        .map_err(|why| Failure::new(format!("{name}: {why}")))?;
    if certified != *key.public_key() {
        return Err(
            Failure::new(format!("{name} belongs to another key than {source}"))
                .hint("a certificate and its key go in pairs"),
        );
    }
    Ok((certificate, key))
}

/// Judged for the first format, as if a document were signed: what is wrong with it is said before anybody collects.
fn check_signer(certificate: &Certificate, key: &dyn Signer, terms: &Terms) -> Result<(), Failure> {
    let Some(entry) = terms.formats.entries().first() else {
        return Ok(());
    };
    DocumentSigner::new(
        certificate.clone(),
        key,
        &entry.format.doctype,
        Deviations::Refuse,
    )
    .map(drop)
    .map_err(|why| Failure::new(why.to_string()).hint("`mdoc-issuer pki check` says more of a certificate"))
}
