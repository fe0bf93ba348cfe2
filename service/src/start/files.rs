//! What settings name by files: secrets, and certificates that TLS trusts.

use std::path::Path;

use mdoc_cli::Failure;
use zeroize::Zeroizing;

/// Certificates of a file of PEM, each in DER; at least one.
///
/// # Errors
/// [`Failure`] that names the file.
pub(crate) fn roots(path: &Path) -> Result<Vec<Vec<u8>>, Failure> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;
    let name = path.display();
    let found: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    let found = found.map_err(|why| Failure::new(format!("{name} has no certificates: {why}")))?;
    if found.is_empty() {
        return Err(Failure::new(format!("{name} has no certificates")).hint("it is a file of PEM"));
    }
    Ok(found
        .into_iter()
        .map(|der: CertificateDer<'static>| der.to_vec())
        .collect())
}

/// The one line of a file that nobody else can read.
///
/// # Errors
/// [`Failure`] that names the file.
pub(super) fn secret(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let name = path.display();
    super::for_owner_alone(path, "a secret")?;
    let text = std::fs::read_to_string(path)
        .map(Zeroizing::new)
        .map_err(|why| Failure::new(format!("{name} cannot be read: {why}")))?;
    Ok(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}
