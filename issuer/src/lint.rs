//! Judging certificates before anybody relies on them: each by the profile of its role, and all against those
//! that issued them.
//!
//! Reads nothing but what it is given, and asks nobody the time. A certificate that cannot be read, or has a
//! malformed extension, is a finding like any other.
//!
//! Source: ISO/IEC 18013-5:2021, Annex B; RFC 5280.

mod find;
mod link;

use core::fmt;

use mdoc_core::crypto::fastest;
use mdoc_core::time::Timestamp;
use mdoc_core::x509::oid::{self, Oid};
use mdoc_core::x509::profile::{self, Finding, Role, Rule, Severity};
use mdoc_core::x509::{BadCertificate, Certificate, KeyUsage};

pub use self::find::bundles_of_cbor;
use self::link::Issuer;
pub use self::link::LinkRule;

/// The docType of a mobile driving licence, whose signers have a stricter profile.
const MDL_DOC_TYPE: &str = "org.iso.18013.5.1.mDL";

/// Certificates that came together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// Where they are from: a file, and the place in it.
    pub place: String,
    /// The certificates in their order, or why they cannot be read.
    pub certificates: Vec<Result<Certificate, BadCertificate>>,
    /// What they were found in.
    pub origin: Origin,
}

/// What certificates were found in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A file of certificates, in any order.
    File,
    /// The x5chain of a document's signature, signer first.
    Document {
        /// What kind of document, if that could be read.
        doc_type: Option<String>,
    },
    /// The x5chain of a request's signature, reader first.
    Request,
    /// The x5chain of another signed message, signer first.
    Message,
}

/// What certificates are judged by.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// The role of the first certificate of each bundle; guessed if none is given.
    pub role: Option<Role>,
    /// The issuer of the certificates, if it is not among them.
    pub issuer: Option<&'a Certificate>,
    /// The instant at which they should be valid.
    pub now: Timestamp,
}

/// A rule that a certificate breaks, or something to know about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// The name of the rule: stable, never reused.
    pub id: &'static str,
    /// How badly it bodes.
    pub severity: Severity,
    /// Where the rule comes from.
    pub clause: &'static str,
    /// What the certificate has.
    pub found: String,
    /// What the rule asks for.
    pub expected: String,
    /// What readers do about it.
    pub why: &'static str,
}

impl From<Finding> for Remark {
    fn from(finding: Finding) -> Self {
        Self {
            id: finding.rule.id(),
            severity: finding.rule.severity(),
            clause: finding.rule.clause(),
            why: finding.rule.why(),
            found: finding.found,
            expected: finding.expected,
        }
    }
}

/// What was found of one certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linted {
    /// Where it is from.
    pub place: String,
    /// The certificate, if it can be read.
    pub certificate: Option<Certificate>,
    /// What it was judged as.
    pub role: Option<Role>,
    /// If the role was guessed, from what; of a role that could not be guessed, why not.
    pub guess: Option<&'static str>,
    /// The subject of the certificate that was taken for its issuer.
    pub issuer: Option<String>,
    /// What is to be said of it, errors first.
    pub remarks: Vec<Remark>,
}

impl Linted {
    /// The worst of the remarks.
    #[must_use]
    pub fn worst(&self) -> Option<Severity> {
        self.remarks.iter().map(|remark| remark.severity).min()
    }
}

/// The answer about all certificates together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// No errors.
    Clean,
    /// At least one error.
    Errors,
    /// No errors, but a certificate whose role is not known, so that its profile was not looked at.
    Unknown,
}

/// The answer about all certificates together.
#[must_use]
pub fn verdict(linted: &[Linted]) -> Verdict {
    if linted.iter().any(|one| one.worst() == Some(Severity::Error)) {
        Verdict::Errors
    } else if linted.iter().any(|one| one.role.is_none()) {
        Verdict::Unknown
    } else {
        Verdict::Clean
    }
}

/// The name of a role in plain words, with an article.
#[must_use]
pub const fn words(role: Role) -> &'static str {
    match role {
        Role::IacaRoot => "an IACA root",
        Role::DocumentSigner { mdl: true } => "a document signer",
        Role::DocumentSigner { mdl: false } => "a document signer for documents other than licences",
        Role::IacaLink => "an IACA link",
        Role::ReaderCa => "a reader CA",
        Role::OtherCa => "a root for other certificates",
        Role::ReaderAuthentication => "a reader",
        Role::StatusListSigner => "a status-list signer",
        Role::OcspResponder => "an OCSP responder",
        Role::VicalSigner => "a VICAL signer",
        Role::JwsSigner => "a JWS signer",
        Role::TlsServer => "a TLS server",
        Role::TlsClient => "a TLS client",
        _ => "a certificate of another role",
    }
}

/// Judges certificates. All that are given together are looked at as issuers of each other.
#[must_use]
pub fn lint(bundles: &[Bundle], terms: Terms<'_>) -> Vec<Linted> {
    let pool: Vec<&Certificate> = bundles
        .iter()
        .flat_map(|bundle| bundle.certificates.iter().flatten())
        .chain(terms.issuer)
        .collect();
    let mut all = Vec::new();
    for bundle in bundles {
        for (index, certificate) in bundle.certificates.iter().enumerate() {
            let place = if bundle.certificates.len() > 1 {
                format!("{}, certificate {}", bundle.place, index + 1)
            } else {
                bundle.place.clone()
            };
            all.push(match certificate {
                Err(error) => unreadable(place, *error),
                Ok(certificate) => one(place, certificate, (bundle, index), &pool, terms),
            });
        }
    }
    all
}

fn unreadable(place: String, error: BadCertificate) -> Linted {
    let mut remarks = Vec::new();
    LinkRule::Unreadable.add(&mut remarks, error.to_string(), "a certificate in DER");
    Linted {
        place,
        certificate: None,
        role: None,
        guess: Some("it cannot be read"),
        issuer: None,
        remarks,
    }
}

fn one(
    place: String,
    certificate: &Certificate,
    (bundle, index): (&Bundle, usize),
    pool: &[&Certificate],
    terms: Terms<'_>,
) -> Linted {
    let issuer = Issuer::find(certificate, (bundle, index), pool, terms);
    let given = terms.role.filter(|_| index == 0);
    let (role, guess) = match given {
        Some(role) => (Some(role), None),
        None => {
            let (role, why) = guess(certificate, (bundle, index), pool);
            (role, Some(why))
        }
    };
    let mut remarks = Vec::new();
    if let Some(role) = role {
        let above = match role {
            Role::IacaRoot => None,
            _ => issuer.certificate(),
        };
        remarks.extend(
            profile::check(role, certificate, above)
                .into_iter()
                .map(Remark::from),
        );
    } else {
        LinkRule::Role.add(&mut remarks, guess.unwrap_or_default(), "the role, by --role");
    }
    link::check(certificate, (bundle, index), &issuer, pool, terms, &mut remarks);
    remarks.sort_by_key(|remark| remark.severity);
    Linted {
        place,
        certificate: Some(certificate.clone()),
        role,
        guess,
        issuer: issuer.certificate().map(|issuer| issuer.subject().to_string()),
        remarks,
    }
}

fn is_ca(certificate: &Certificate) -> bool {
    let constraints = matches!(certificate.basic_constraints(), Some(Ok(found)) if found.ca);
    let usage = matches!(certificate.key_usage(), Some(Ok(usage)) if usage.contains(KeyUsage::KEY_CERT_SIGN));
    constraints || usage
}

fn signed_by(certificate: &Certificate, issuer: &Certificate) -> bool {
    issuer
        .public_key()
        .is_ok_and(|key| certificate.verify_signed_by(&key, fastest()).is_ok())
}

fn has_purpose(certificate: &Certificate, wanted: &[Oid<'_>]) -> bool {
    matches!(certificate.extended_key_usage(), Some(Ok(found)) if found.iter().any(|p| wanted.contains(p)))
}

/// The role of a certificate by itself, if it can be told.
#[must_use]
pub fn role_of(certificate: &Certificate) -> Option<Role> {
    let bundle = Bundle {
        place: String::new(),
        certificates: Vec::new(),
        origin: Origin::File,
    };
    guess(certificate, (&bundle, 0), &[]).0
}

/// Roles that a purpose tells, beside those of documents and readers.
const BY_PURPOSE: [(Oid<'static>, Role, &str); 6] = [
    (
        oid::OCSP_SIGNING,
        Role::OcspResponder,
        "its purpose is OCSPSigning",
    ),
    (oid::MDL_VICAL, Role::VicalSigner, "its purpose is mdlVICAL"),
    (oid::MDOC_VICAL, Role::VicalSigner, "its purpose is mdocVICAL"),
    (oid::MDL_JWS, Role::JwsSigner, "its purpose is mdlJWS"),
    (
        oid::MDL_TLS_CLIENT_AUTH,
        Role::TlsClient,
        "its purpose is mdlTLSClientAuth",
    ),
    (oid::SERVER_AUTH, Role::TlsServer, "its purpose is serverAuth"),
];

/// Whether a CA names another key than its own as that of its issuer.
fn has_issuer(certificate: &Certificate) -> bool {
    let own = certificate.computed_key_identifier();
    matches!(certificate.authority_key_identifier(),
        Some(Ok(found)) if found.key_identifier.is_some_and(|id| id != own))
}

/// The role of a certificate, and what it was guessed from.
fn guess(
    certificate: &Certificate,
    (bundle, index): (&Bundle, usize),
    pool: &[&Certificate],
) -> (Option<Role>, &'static str) {
    const READER: [Oid<'static>; 2] = [oid::MDL_READER_AUTH, oid::MDOC_READER_AUTH];
    const SIGNER: [Oid<'static>; 2] = [oid::MDL_DS, oid::MDOC_DS];
    if is_ca(certificate) {
        let below = |purposes: &[Oid<'_>]| {
            pool.iter().any(|other| {
                *other != certificate
                    && other.issuer_der() == certificate.subject_der()
                    && has_purpose(other, purposes)
            })
        };
        let nameless = certificate.issuer_alt_name().is_none();
        let others: Vec<Oid<'_>> = BY_PURPOSE.iter().map(|(purpose, ..)| *purpose).collect();
        let names_itself = certificate.subject_alt_name().is_some() || certificate.is_self_issued();
        return if !nameless && has_issuer(certificate) && names_itself {
            (
                Some(Role::IacaLink),
                "it is a CA of an authority that another key signed",
            )
        } else if nameless && below(&others) && !below(&READER) && !below(&SIGNER) {
            (
                Some(Role::OtherCa),
                "it is a CA, issued neither signers nor readers, and names no contact of an authority",
            )
        } else if nameless && below(&READER) && !below(&SIGNER) {
            (
                Some(Role::ReaderCa),
                "it is a CA, issued a reader, and names no contact of an authority",
            )
        } else if nameless && certificate.subject().country().is_none() && !below(&SIGNER) {
            (
                Some(Role::ReaderCa),
                "it is a CA, and names neither a country nor a contact of an authority",
            )
        } else if certificate.is_self_issued() {
            (Some(Role::IacaRoot), "it is a self-issued CA")
        } else {
            (None, "it is a CA below another, which no profile has")
        };
    }
    let document = match &bundle.origin {
        Origin::Document { doc_type } if index == 0 => Some(doc_type.as_deref()),
        _ => None,
    };
    let mdl = match document {
        Some(Some(doc_type)) => doc_type == MDL_DOC_TYPE,
        _ => !has_purpose(certificate, &[oid::MDOC_DS]) || has_purpose(certificate, &[oid::MDL_DS]),
    };
    if document.is_some() {
        (Some(Role::DocumentSigner { mdl }), "it signed a document")
    } else if bundle.origin == Origin::Request && index == 0 {
        (Some(Role::ReaderAuthentication), "it signed a request")
    } else if has_purpose(certificate, &SIGNER) {
        (
            Some(Role::DocumentSigner { mdl }),
            "its purpose is mdlDS or mdocDS",
        )
    } else if has_purpose(certificate, &READER) {
        (
            Some(Role::ReaderAuthentication),
            "its purpose is mdlReaderAuth or mdocReaderAuth",
        )
    } else if let Some((_, role, why)) = BY_PURPOSE
        .iter()
        .find(|(purpose, ..)| has_purpose(certificate, &[*purpose]))
    {
        (Some(*role), why)
    } else if certificate.is_self_issued() {
        (None, "it issued itself and says nowhere that it is a CA")
    } else {
        (None, "it has no purpose that tells its role")
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {}: {} where {} is expected",
            self.severity.id(),
            self.id,
            self.found,
            self.expected
        )
    }
}

/// Every rule of a profile or between certificates: name, severity, source, what it asks for, why it matters.
pub fn rules() -> impl Iterator<Item = (&'static str, Severity, &'static str, &'static str, &'static str)> {
    let profile = Rule::ALL.iter().map(|rule| {
        (
            rule.id(),
            rule.severity(),
            rule.clause(),
            rule.meaning(),
            rule.why(),
        )
    });
    let links = LinkRule::ALL.iter().map(|rule| {
        (
            rule.id(),
            rule.severity(),
            rule.clause(),
            rule.meaning(),
            rule.why(),
        )
    });
    profile.chain(links)
}

#[cfg(test)]
mod tests;
