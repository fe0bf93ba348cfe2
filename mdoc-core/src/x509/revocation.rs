//! Whether a certificate was revoked, judged by the revocation list of its issuer.
//!
//! Three answers, never two: what could not be determined is neither good nor revoked, and what to do with
//! it is the policy of the caller.
//!
//! Source: RFC 5280, 5 and 6.3; ISO/IEC 18013-5:2021, Annex B, CRL profile.

mod undetermined;

use core::fmt;
use core::ops::Range;
use std::sync::OnceLock;

pub use self::undetermined::Undetermined;
use super::der::{self, BadCertificate, Reader};
use super::extension::Extension;
use super::ocsp::{OcspAnswer, OcspCheck, OcspResponse};
use super::oid::{self, Oid};
use super::parsed::{raw_range, value_range};
use super::{Certificate, CertificateSignature, DistinguishedName, KeyUsage, SignatureError, pem};
use crate::crypto::{Backend, PublicKey};
use crate::time::{CLOCK_AHEAD, Timestamp};

/// The largest revocation list that is read, in bytes of DER.
pub const LARGEST_LIST: usize = 4 * 1024 * 1024;

/// A revocation list whose structure was read; nobody has vouched for it yet.
#[derive(Clone)]
pub struct RevocationList {
    der: Vec<u8>,
    tbs: Range<usize>,
    algorithm: CertificateSignature,
    signature: Range<usize>,
    issuer: Range<usize>,
    this_update: Timestamp,
    next_update: Option<Timestamp>,
    entries: Range<usize>,
    /// An extension, of the list or of an entry, that is critical: none is understood.
    critical: Option<String>,
    number: Option<Vec<u8>>,
    /// The key that was found to have signed it: a fact of the bytes, so it is found once however many certificates
    /// are judged.
    signed_by: OnceLock<PublicKey>,
}

/// What a revocation list says of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revocation {
    /// The list is authentic and current, and does not name the certificate.
    Good,
    /// The list is authentic and names the certificate. Whatever the reason given: it counts as revoked.
    Revoked {
        /// Since when.
        at: Timestamp,
    },
    /// The list says nothing to rely on.
    Undetermined(Undetermined),
}

/// What is at hand about certificates that were revoked.
#[derive(Debug, Clone, Copy, Default)]
pub struct Evidence<'a> {
    /// Revocation lists.
    pub lists: &'a [RevocationList],
    /// Answers of OCSP responders. Whether one repeats a nonce is for whoever asked to check.
    pub answers: &'a [OcspResponse],
}

impl<'a> Evidence<'a> {
    /// Lists alone.
    #[must_use]
    pub const fn lists(lists: &'a [RevocationList]) -> Self {
        Self { lists, answers: &[] }
    }

    const fn is_empty(&self) -> bool {
        self.lists.is_empty() && self.answers.is_empty()
    }

    /// What all of it says, at `now`, of a certificate of `issuer`: whether it was revoked, which counts before all
    /// else; nothing if there is nothing to rely on.
    #[must_use]
    pub fn revoked(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        now: Timestamp,
        backend: &dyn Backend,
    ) -> Option<bool> {
        let by_list = self
            .lists
            .iter()
            .map(|list| match list.evaluate(certificate, issuer, now, backend) {
                Revocation::Revoked { .. } => Some(true),
                Revocation::Good => Some(false),
                Revocation::Undetermined(_) => None,
            });
        let check = OcspCheck {
            certificate,
            issuer,
            nonce: None,
            lists: self.lists,
            now,
        };
        let by_answer = self
            .answers
            .iter()
            .map(|answer| match check.judge(answer, backend) {
                OcspAnswer::Revoked { .. } => Some(true),
                OcspAnswer::Good => Some(false),
                OcspAnswer::Undetermined(_) => None,
            });
        by_list.chain(by_answer).flatten().reduce(|a, b| a || b)
    }
}

/// What revocation lists and OCSP answers say of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathRevocation<'a> {
    /// Of every certificate something says that it is not revoked.
    Good,
    /// This certificate was revoked.
    Revoked(&'a Certificate),
    /// There are neither lists nor answers.
    NoLists,
    /// Of some certificate nothing says anything to rely on.
    Undetermined,
}

/// What the evidence says, at `now`, of every certificate of a path but the anchor: of `leaf`, and of `intermediates`, the
/// one that signed the leaf first. Each is judged by the lists and responders of its own issuer.
#[must_use]
pub fn evaluate_path<'a>(
    leaf: &'a Certificate,
    intermediates: &'a [Certificate],
    anchor: &Certificate,
    evidence: Evidence<'_>,
    now: Timestamp,
    backend: &dyn Backend,
) -> PathRevocation<'a> {
    if evidence.is_empty() {
        return PathRevocation::NoLists;
    }
    let issuers = intermediates.iter().chain([anchor]);
    let mut good = true;
    for (certificate, issuer) in core::iter::once(leaf).chain(intermediates).zip(issuers) {
        match evidence.revoked(certificate, issuer, now, backend) {
            Some(true) => return PathRevocation::Revoked(certificate),
            Some(false) => {}
            None => good = false,
        }
    }
    if good {
        PathRevocation::Good
    } else {
        PathRevocation::Undetermined
    }
}

const WHAT: &str = "revocation list";

/// One entry: serial number (content octets), date, and its critical extension, if any.
fn entry<'a>(from: &mut Reader<'a>) -> Result<(&'a [u8], Timestamp, Option<Oid<'a>>), BadCertificate> {
    let mut parts = from.one(der::SEQUENCE, "revoked certificate")?.inside();
    let serial = parts
        .one(der::INTEGER, "serial number")?
        .integer("serial number")?;
    let at = parts.any("revocation date")?.time("revocation date")?;
    let critical = match parts.optional(der::SEQUENCE, "extensions")? {
        Some(list) => first_critical(list.inside())?.0,
        None => None,
    };
    parts.end("revoked certificate")?;
    Ok((serial, at, critical))
}

/// The first critical extension, and the content of the CRL number.
fn first_critical<'a>(mut list: Reader<'a>) -> Result<(Option<Oid<'a>>, Option<&'a [u8]>), BadCertificate> {
    let (mut critical, mut number) = (None, None);
    while !list.is_empty() {
        let extension = Extension::read(&mut list)?;
        if extension.critical && critical.is_none() {
            critical = Some(extension.oid);
        }
        if extension.oid == oid::CRL_NUMBER {
            number = extension
                .one(der::INTEGER, "CRL number")
                .and_then(|n| n.unsigned("CRL number"))
                .ok();
        }
    }
    Ok((critical, number))
}

impl RevocationList {
    /// Reads a list in DER.
    ///
    /// # Errors
    /// [`BadCertificate`] with the first place where the structure is broken, or above 4 MiB.
    pub fn from_der(bytes: &[u8]) -> Result<Self, BadCertificate> {
        if bytes.len() > LARGEST_LIST {
            return Err(BadCertificate {
                what: "revocation list of at most 4 MiB",
                offset: LARGEST_LIST,
            });
        }
        let mut outer = Reader::only(bytes, der::SEQUENCE, WHAT)?.inside();
        let tbs = outer.one(der::SEQUENCE, WHAT)?;
        let outer_algorithm = outer.one(der::SEQUENCE, "signature algorithm")?;
        let signature = outer.one(der::BIT_STRING, "signature")?;
        signature.whole_octets("signature")?;
        outer.end(WHAT)?;

        let mut fields = tbs.inside();
        if let Some(version) = fields.optional(der::INTEGER, "version")?
            && version.value != [1]
        {
            return Err(version.bad("version"));
        }
        let algorithm = fields.one(der::SEQUENCE, "signature algorithm")?;
        if algorithm.raw != outer_algorithm.raw {
            return Err(algorithm.bad("signature algorithm, the same inside and outside"));
        }
        let issuer = fields.one(der::SEQUENCE, "issuer")?;
        DistinguishedName::read(issuer)?;
        let this_update = fields.any("thisUpdate")?.time("thisUpdate")?;
        let next_update = match fields.optional(der::UTC_TIME, "nextUpdate")? {
            Some(time) => Some(time),
            None => fields.optional(der::GENERALIZED_TIME, "nextUpdate")?,
        };
        let next_update = next_update.map(|time| time.time("nextUpdate")).transpose()?;
        let mut critical = None;
        let entries = match fields.optional(der::SEQUENCE, "revoked certificates")? {
            Some(list) => {
                let mut inside = list.inside();
                while !inside.is_empty() {
                    let (_, _, found) = entry(&mut inside)?;
                    critical = critical.or_else(|| found.map(|oid| oid.to_string()));
                }
                value_range(&list)
            }
            None => 0..0,
        };
        let mut number = None;
        if let Some(explicit) = fields.optional(der::constructed(0), "extensions")? {
            let mut inside = explicit.inside();
            let list = inside.one(der::SEQUENCE, "extensions")?;
            inside.end("extensions")?;
            let (found, written) = first_critical(list.inside())?;
            critical = found.map(|oid| oid.to_string()).or(critical);
            number = written.map(<[u8]>::to_vec);
        }
        fields.end(WHAT)?;
        let signature = value_range(&signature);
        Ok(Self {
            tbs: raw_range(&tbs),
            algorithm: CertificateSignature::read(algorithm.inside())?,
            signature: signature.start + 1..signature.end,
            issuer: raw_range(&issuer),
            this_update,
            next_update,
            entries,
            critical,
            number,
            signed_by: OnceLock::new(),
            der: bytes.to_vec(),
        })
    }

    /// Reads a list in PEM or DER: both are served under the addresses in real certificates.
    ///
    /// # Errors
    /// [`BadCertificate`] with the first place where the structure is broken.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BadCertificate> {
        if bytes.len() > 2 * LARGEST_LIST {
            return Self::from_der(bytes);
        }
        let text = core::str::from_utf8(bytes).unwrap_or_default();
        match pem::blocks(text).find(|block| block.label == "X509 CRL") {
            Some(block) => {
                let der = block.decode().ok_or(BadCertificate {
                    what: "Base64 text of a revocation list",
                    offset: 0,
                })?;
                Self::from_der(&der)
            }
            None => Self::from_der(bytes),
        }
    }

    /// The received bytes.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The list as a PEM text.
    #[must_use]
    pub fn to_pem(&self) -> String {
        pem::encode("X509 CRL", &self.der).to_string()
    }

    fn part(&self, range: &Range<usize>) -> &[u8] {
        self.der.get(range.clone()).unwrap_or_default()
    }

    /// The issuer's name as received.
    #[must_use]
    pub fn issuer_der(&self) -> &[u8] {
        self.part(&self.issuer)
    }

    /// The issuer's name.
    #[must_use]
    pub fn issuer(&self) -> DistinguishedName<'_> {
        DistinguishedName::from_der(self.issuer_der()).unwrap_or_default() // read once before
    }

    /// When it was made.
    #[must_use]
    pub const fn this_update(&self) -> Timestamp {
        self.this_update
    }

    /// When a newer one is due.
    #[must_use]
    pub const fn next_update(&self) -> Option<Timestamp> {
        self.next_update
    }

    /// The same as if it did not say so; its signature is over what it says.
    #[cfg(test)]
    pub(super) fn without_next_update(mut self) -> Self {
        self.next_update = None;
        self
    }

    /// Its number, most significant octet first, if it has one.
    #[must_use]
    pub fn number(&self) -> Option<&[u8]> {
        self.number.as_deref()
    }

    /// Serial numbers (content octets of the INTEGER) and dates of all revoked certificates.
    pub fn entries(&self) -> impl Iterator<Item = (&[u8], Timestamp)> {
        let mut entries = Reader::at(self.part(&self.entries), self.entries.start);
        core::iter::from_fn(move || {
            let (serial, at, _) = entry(&mut entries).ok()?; // read once before
            Some((serial, at))
        })
    }

    /// The date of the first entry with that serial number. Of the others only the number is looked at: all of them
    /// were read once before.
    fn revoked_at(&self, serial: &[u8]) -> Option<Timestamp> {
        let mut entries = Reader::at(self.part(&self.entries), self.entries.start);
        while !entries.is_empty() {
            let mut parts = entries.any(WHAT).ok()?.inside();
            if parts.any(WHAT).ok()?.value == serial {
                return parts.any(WHAT).ok()?.time(WHAT).ok();
            }
        }
        None
    }

    /// Checks that the holder of `issuer_key` signed this list.
    ///
    /// # Errors
    /// [`SignatureError`] saying why it does not stand.
    pub fn verify_signed_by(
        &self,
        issuer_key: &PublicKey,
        backend: &dyn Backend,
    ) -> Result<(), SignatureError> {
        self.algorithm.verify(
            issuer_key,
            self.part(&self.tbs),
            self.part(&self.signature),
            backend,
        )
    }

    /// What the list says, at `now`, of a certificate of `issuer`.
    ///
    /// An authentic list that names the certificate is believed even when a newer one is due, since
    /// revocation is final; one that does not name it is believed only while it is current. It may be made up to
    /// [`CLOCK_AHEAD`] later than `now`.
    #[must_use]
    pub fn evaluate(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        now: Timestamp,
        backend: &dyn Backend,
    ) -> Revocation {
        match self.trusted_by(certificate, issuer, now, backend) {
            Err(why) => Revocation::Undetermined(why),
            Ok(()) => {
                let serial = certificate.serial_number_der();
                if let Some(at) = self.revoked_at(serial) {
                    return Revocation::Revoked { at };
                }
                match self.next_update {
                    Some(due) if now <= due => Revocation::Good,
                    next_update => Revocation::Undetermined(Undetermined::Expired { next_update }),
                }
            }
        }
    }

    fn trusted_by(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        now: Timestamp,
        backend: &dyn Backend,
    ) -> Result<(), Undetermined> {
        if certificate.issuer_der() != issuer.subject_der() {
            return Err(Undetermined::NotItsIssuer);
        }
        if self.issuer_der() != issuer.subject_der() {
            return Err(Undetermined::OtherIssuer(self.issuer().to_string()));
        }
        match issuer.key_usage() {
            Some(Ok(usage)) if !usage.contains(KeyUsage::CRL_SIGN) => {
                return Err(Undetermined::IssuerMayNotSign);
            }
            Some(Err(_)) => return Err(Undetermined::IssuerMayNotSign),
            _ => {} // RFC 5280, 6.3.3 (f): only if the extension is there
        }
        let key = issuer.public_key().map_err(Undetermined::IssuerKey)?;
        if self.signed_by.get() != Some(&key) {
            self.verify_signed_by(&key, backend)
                .map_err(Undetermined::Signature)?;
            // A second key under which it stands, if there could be one, is tried each time.
            let _ = self.signed_by.set(key);
        }
        if let Some(oid) = &self.critical {
            return Err(Undetermined::CriticalExtension(oid.clone()));
        }
        // One that was published this moment, perhaps because it revokes.
        if now.plus(CLOCK_AHEAD) < self.this_update {
            return Err(Undetermined::NotYetValid {
                this_update: self.this_update,
            });
        }
        Ok(())
    }
}

impl fmt::Debug for RevocationList {
    /// Issuer and date.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RevocationList({}, {})", self.issuer(), self.this_update)
    }
}

#[cfg(test)]
mod tests;
