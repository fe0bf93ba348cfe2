//! The answer, made.

use super::{CertificateStatus, OcspRequest, OcspResponse, nonce_extension};
use crate::seams::Signer;
use crate::time::Timestamp;
use crate::x509::build::{BuildError, sign};
use crate::x509::revocation::RevocationList;
use crate::x509::{Certificate, der, oid};

/// Who answers: the authority itself, or somebody whom it certified for that.
#[derive(Clone, Copy)]
pub struct Responder<'a> {
    /// The certificate; it goes along with the answer unless it is that of the authority.
    pub certificate: &'a Certificate,
    /// The keeper of its key.
    pub signer: &'a dyn Signer,
}

/// Answers a request by the revocation list of the authority, which is taken for authentic and current.
///
/// Of a certificate of the authority that the list does not name the answer is `good`, of one of somebody else
/// `unknown`. The answer holds for as long as the list; the nonce is repeated.
///
/// # Errors
/// [`BuildError`] if the signer has another key than the certificate, or did not sign.
pub fn respond(
    request: &OcspRequest,
    authority: &Certificate,
    list: &RevocationList,
    responder: Responder<'_>,
    now: Timestamp,
) -> Result<OcspResponse, BuildError> {
    let Responder { certificate, signer } = responder;
    if certificate.public_key().ok().as_ref() != Some(signer.public_key()) {
        return Err(BuildError::NotTheKeyOfTheIssuer);
    }
    let answers: Vec<Vec<u8>> = request
        .ids()
        .iter()
        .map(|id| {
            let revoked = list
                .entries()
                .find(|(serial, _)| *serial == id.serial_number_der());
            let status = match revoked {
                _ if !id.is_of(authority) => CertificateStatus::Unknown,
                Some((_, at)) => CertificateStatus::Revoked { at },
                None => CertificateStatus::Good,
            };
            let next = list.next_update().map_or_else(Vec::new, |due| {
                der::tlv(der::constructed(0), &[&der::generalized_time(due)])
            });
            der::tlv(
                der::SEQUENCE,
                &[
                    &id.der,
                    &status_der(status),
                    &der::generalized_time(list.this_update()),
                    &next,
                ],
            )
        })
        .collect();
    let answers: Vec<&[u8]> = answers.iter().map(Vec::as_slice).collect();
    let key_hash = der::tlv(der::OCTET_STRING, &[&certificate.computed_key_identifier()]);
    let extensions = request.nonce().map_or_else(Vec::new, |nonce| {
        der::tlv(der::constructed(1), &[&nonce_extension(nonce)])
    });
    let tbs = der::tlv(
        der::SEQUENCE,
        &[
            &der::tlv(der::constructed(2), &[&key_hash]),
            &der::generalized_time(now),
            &der::tlv(der::SEQUENCE, &answers),
            &extensions,
        ],
    );
    let mut basic = sign(&tbs, signer)?;
    if certificate != authority {
        let list = der::tlv(der::SEQUENCE, &[certificate.der()]);
        let certificates = der::tlv(der::constructed(0), &[&list]);
        let inside = der::Reader::only(&basic, der::SEQUENCE, "basic response")
            .map_err(BuildError::Unreadable)?
            .value
            .to_vec();
        basic = der::tlv(der::SEQUENCE, &[&inside, &certificates]);
    }
    let content = der::tlv(
        der::SEQUENCE,
        &[
            &der::tlv(der::OBJECT_IDENTIFIER, &[oid::OCSP_BASIC.content()]),
            &der::tlv(der::OCTET_STRING, &[&basic]),
        ],
    );
    let whole = der::tlv(
        der::SEQUENCE,
        &[
            &der::tlv(der::ENUMERATED, &[&[0]]),
            &der::tlv(der::constructed(0), &[&content]),
        ],
    );
    let response = OcspResponse::from_der(&whole).map_err(BuildError::Unreadable)?;
    response
        .verify_signed_by(signer.public_key(), &crate::crypto::RustCrypto)
        .map_err(BuildError::Signature)?;
    Ok(response)
}

fn status_der(status: CertificateStatus) -> Vec<u8> {
    match status {
        CertificateStatus::Good => der::tlv(der::context(0), &[]),
        CertificateStatus::Revoked { at } => der::tlv(der::constructed(1), &[&der::generalized_time(at)]),
        CertificateStatus::Unknown => der::tlv(der::context(2), &[]),
    }
}
