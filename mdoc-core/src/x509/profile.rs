//! Judging a certificate by the profile of its role.
//!
//! Every rule is looked at and every breach is a [`Finding`] with the values that decided; nothing is
//! refused here. What a finding means is its [`Weight`] and, in the end, the policy of the caller.
//!
//! Source: ISO/IEC 18013-5:2021, Annex B.

mod rule;
mod subject;
mod table;

pub use self::rule::{Finding, Rule, Severity, Weight};
pub(in crate::x509) use self::table::Limit;
pub(in crate::x509) use self::table::NO_CHECK_LIMIT;
use self::table::{CaRules, FORBIDDEN, KNOWN, KeyUsageRules, Profile, PurposeRules, RevocationRules};
use super::extension::{Points, ocsp_addresses};
use super::oid::{self, Oid};
use super::{BadCertificate, Certificate, CertificateSignature, KeyUsage};
use crate::time::Timestamp;

/// What a certificate is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Role {
    /// The root of an issuing authority.
    IacaRoot,
    /// Signs the mobile security object of documents.
    DocumentSigner {
        /// Whether the document is a mobile driving licence; other documents have looser purposes.
        mdl: bool,
    },
    /// Tells that the root of an issuing authority has a new key: signed by the old one.
    IacaLink,
    /// The root of those who certify readers. The standard does not say much of it.
    ReaderCa,
    /// The root of others: of a VICAL provider, or of TLS servers and clients. The standard does not say much
    /// of it.
    OtherCa,
    /// Signs the requests of a reader.
    ReaderAuthentication,
    /// Signs the lists that tell which documents were revoked (second edition).
    StatusListSigner,
    /// Answers for its authority whether certificates were revoked (RFC 6960).
    OcspResponder,
    /// Signs lists of issuing authorities.
    VicalSigner,
    /// Signs the tokens of server retrieval (first edition).
    JwsSigner,
    /// The server of server retrieval (first edition).
    TlsServer,
    /// The client of server retrieval (first edition).
    TlsClient,
}

/// Judges a certificate by its role; `issuer` is the anchor it leads to, if it is not a root itself.
///
/// Where intermediate certificates lie between, the anchor is still the one to compare with: country and
/// state come from the root. That the key identifiers then differ is a finding, as the profile has no
/// intermediate certificates.
///
/// Neither signatures nor the present time are looked at: see [`super::path`].
#[must_use]
pub fn check(role: Role, certificate: &Certificate, issuer: Option<&Certificate>) -> Vec<Finding> {
    let mut check = Check {
        certificate,
        issuer: issuer.filter(|issuer| *issuer != certificate),
        profile: role.profile(),
        findings: Vec::new(),
    };
    check.basics();
    check.key();
    check.names();
    check.extensions();
    check.key_usage();
    check.purposes();
    check.authority();
    check.identifiers();
    check.contacts();
    check.revocation();
    check.alternative_names();
    check.findings
}

/// Whether a period is no longer than the role allows.
pub(in crate::x509) fn is_within(limit: Limit, from: Timestamp, until: Timestamp) -> bool {
    const DAY: i64 = 86_400;
    let latest = match limit {
        Limit::Days(days) => from.unix() + i64::from(days) * DAY,
        Limit::Years(years) => {
            let into_the_day = from.unix() - from.date().midnight().unix();
            from.date().plus_years(years).midnight().unix() + into_the_day
        }
    };
    until.unix() <= latest
}

struct Check<'a> {
    certificate: &'a Certificate,
    issuer: Option<&'a Certificate>,
    profile: Profile,
    findings: Vec<Finding>,
}

fn list(oids: &[Oid<'_>]) -> String {
    let texts: Vec<_> = oids.iter().map(ToString::to_string).collect();
    texts.join(", ")
}

const ABSENT: &str = "absent";

impl Check<'_> {
    fn add(&mut self, rule: Rule, found: impl Into<String>, expected: impl Into<String>) {
        self.findings.push(Finding {
            rule,
            found: found.into(),
            expected: expected.into(),
        });
    }

    fn basics(&mut self) {
        let certificate = self.certificate;
        if certificate.version() != 3 {
            self.add(
                Rule::Version,
                format!("version {}", certificate.version()),
                "version 3",
            );
        }
        let serial = certificate.serial_number_der();
        let negative = serial.first().is_some_and(|first| *first >= 0x80);
        // 63 random bits may begin with zeros; below 8 octets they hardly are 63.
        if negative || serial.len() > 20 || certificate.serial_number().len() < 8 {
            self.add(
                Rule::SerialNumber,
                format!(
                    "{}{}",
                    if negative { "negative " } else { "" },
                    base16ct::lower::encode_string(serial)
                ),
                "a positive number of at least 63 random bits in at most 20 octets",
            );
        }
        let (from, until) = (certificate.not_before(), certificate.not_after());
        let limit = self.longest();
        if !is_within(limit, from, until) {
            let expected = format!("at most {}", limit.words());
            self.add(Rule::ValidityPeriod, format!("{from} to {until}"), expected);
        }
        if certificate.times_encoded_oddly() {
            self.add(
                Rule::TimeForm,
                format!("{from} to {until} in another form"),
                "UTCTime before 2050, GeneralizedTime from then on",
            );
        }
        if self.profile.root && self.issuer.is_none() && !certificate.is_self_issued() {
            self.add(
                Rule::SelfIssued,
                format!("issuer {}", certificate.issuer()),
                format!("issuer {}", certificate.subject()),
            );
        }
    }

    /// A responder that nobody asks about has to be short-lived.
    fn longest(&self) -> Limit {
        let unchecked = self.certificate.extension(oid::OCSP_NO_CHECK).is_some();
        match self.profile.revocation {
            RevocationRules::ListOrNoCheck(_) if unchecked => NO_CHECK_LIMIT,
            _ => self.profile.validity,
        }
    }

    fn key(&mut self) {
        let certificate = self.certificate;
        let algorithm = certificate.signature_algorithm();
        let plain = match algorithm {
            // The identifier and nothing behind it: SEQUENCE { OID } of 10 and 5 octets.
            CertificateSignature::Ecdsa(_) => certificate.signature_algorithm_der().len() == 12,
            CertificateSignature::Ed25519 => {
                self.profile.edwards && certificate.signature_algorithm_der().len() == 7
            }
            CertificateSignature::Other(_) => false,
        };
        if !plain {
            self.add(
                Rule::SignatureAlgorithm,
                algorithm.to_string(),
                "ECDSA with SHA-256, SHA-384 or SHA-512, without parameters",
            );
        }
        let expected = "an uncompressed point on a curve of Annex B, by name";
        match certificate.key() {
            Err(why) => self.add(Rule::PublicKey, why.to_string(), expected),
            Ok(key) if !self.profile.allows(key.curve()) => {
                self.add(Rule::PublicKey, key.curve().to_string(), expected);
            }
            Ok(key) if key.as_bytes() != certificate.public_key_octets() => {
                self.add(Rule::PublicKey, "a compressed point", expected);
            }
            Ok(_) => {}
        }
        if self
            .issuer
            .is_some_and(|issuer| issuer.public_key_octets() == certificate.public_key_octets())
        {
            self.add(Rule::KeyReuse, "the key of its issuer", "a key of its own");
        }
    }

    fn extensions(&mut self) {
        let certificate = self.certificate;
        for twice in certificate.duplicate_extensions() {
            let found = format!("extension {twice} more than once");
            self.add(Rule::DuplicateExtension, found, "once");
        }
        for extension in certificate.extensions() {
            let oid = extension.oid;
            if extension.critical && !KNOWN.contains(&oid) {
                let found = format!("critical extension {oid}");
                self.add(Rule::CriticalExtension, found, "none that is not understood");
            } else if FORBIDDEN.contains(&oid) || self.profile.forbidden.contains(&oid) {
                self.add(Rule::ForbiddenExtension, format!("extension {oid}"), ABSENT);
            }
            if extension.critical_encoded_oddly {
                let found = format!("criticality of extension {oid} in another form");
                self.add(Rule::BooleanForm, found, "FF for true, nothing for false");
            }
            if let Some(Err(why)) = self.decode(oid) {
                // RFC 5280, 4.2: critical, and contains what cannot be processed.
                let rule = if extension.critical {
                    Rule::CriticalExtension
                } else {
                    Rule::ExtensionMalformed
                };
                self.add(rule, format!("extension {oid}: {why}"), "an extension in DER");
            }
        }
        if let Some(Ok(constraints)) = certificate.basic_constraints()
            && constraints.encoded_oddly
        {
            self.add(
                Rule::BooleanForm,
                "cA in another form",
                "FF for true, nothing for false",
            );
        }
    }

    /// Whether an extension can be decoded. Those that a rule of their own asks for are left to that rule.
    fn decode(&self, oid: Oid<'_>) -> Option<Result<(), BadCertificate>> {
        let certificate = self.certificate;
        match oid {
            oid::SUBJECT_KEY_IDENTIFIER => certificate.subject_key_identifier().map(|r| r.map(drop)),
            oid::AUTHORITY_KEY_IDENTIFIER => certificate.authority_key_identifier().map(|r| r.map(drop)),
            oid::ISSUER_ALT_NAME | oid::SUBJECT_ALT_NAME => certificate.names(oid, drop),
            oid::CRL_DISTRIBUTION_POINTS => {
                let extension = certificate.extension(oid)?;
                Some(Points::read(&extension, drop).map(drop))
            }
            oid::AUTHORITY_INFO_ACCESS => {
                let extension = certificate.extension(oid)?;
                Some(ocsp_addresses(&extension, drop))
            }
            oid::EXTENDED_KEY_USAGE if self.profile.extended.is_none() => certificate.purposes(drop),
            oid::BASIC_CONSTRAINTS if self.profile.ca.is_none() => {
                certificate.basic_constraints().map(|r| r.map(drop))
            }
            _ => None,
        }
    }

    fn is_critical(&self, oid: Oid<'_>) -> bool {
        self.certificate
            .extension(oid)
            .is_some_and(|extension| extension.critical)
    }

    fn key_usage(&mut self) {
        let KeyUsageRules {
            needed,
            excluded,
            exact,
            rule,
            critical,
            exactly,
        } = self.profile.key_usage;
        match self.certificate.key_usage() {
            None => return self.add(rule, ABSENT, exact.to_string()),
            Some(Err(why)) => self.add(rule, why.to_string(), exact.to_string()),
            Some(Ok(usage)) if !usage.contains(needed) || usage.meets(excluded) => {
                self.add(rule, usage.to_string(), exact.to_string());
            }
            Some(Ok(usage)) => {
                if let Some(exactly) = exactly
                    && usage != exact
                {
                    self.add(exactly, usage.to_string(), exact.to_string());
                }
            }
        }
        if !self.is_critical(oid::KEY_USAGE) {
            self.add(critical, "not critical", "critical");
        }
    }

    fn purposes(&mut self) {
        let Some(PurposeRules {
            accepted,
            also,
            companions,
            rule,
            critical,
            exactly,
        }) = self.profile.extended
        else {
            return;
        };
        let expected = || match also {
            [] => list(accepted),
            _ => format!("{} and {}", list(accepted), list(also)),
        };
        let (mut any_accepted, mut strangers) = (false, false);
        let read = self.certificate.purposes(|purpose| {
            any_accepted |= accepted.contains(&purpose);
            strangers |= !companions.contains(&purpose);
        });
        match read {
            None => return self.add(rule, ABSENT, expected()),
            Some(Err(why)) => self.add(rule, why.to_string(), expected()),
            // As good as always: what is needed is there, and nothing else.
            Some(Ok(())) if any_accepted && !strangers && also.is_empty() => {}
            Some(Ok(())) => {
                let purposes = match self.certificate.extended_key_usage() {
                    Some(Ok(purposes)) => purposes,
                    _ => Vec::new(),
                };
                if !any_accepted {
                    // What is certified to read, or to list authorities, must not sign documents: under one
                    // root that would let every reader make them.
                    let foreign =
                        rule == Rule::DsEkuOther && purposes.iter().any(|purpose| is_foreign(*purpose));
                    let rule = if foreign { Rule::DsEkuForeign } else { rule };
                    self.add(rule, list(&purposes), expected());
                } else if !also.iter().all(|purpose| purposes.contains(purpose)) {
                    self.add(rule, list(&purposes), expected());
                } else if strangers {
                    self.add(exactly, list(&purposes), list(companions));
                }
            }
        }
        if !self.is_critical(oid::EXTENDED_KEY_USAGE) {
            self.add(critical, "not critical", "critical");
        }
    }

    fn authority(&mut self) {
        let Some(CaRules {
            rule,
            critical,
            path_len,
        }) = self.profile.ca
        else {
            return;
        };
        match self.certificate.basic_constraints() {
            None => return self.add(rule, ABSENT, "a CA"),
            Some(Err(why)) => self.add(rule, why.to_string(), "a CA"),
            Some(Ok(constraints)) if !constraints.ca => self.add(rule, "not a CA", "a CA"),
            Some(Ok(constraints)) => {
                if let Some(path_len) = path_len
                    && constraints.path_len != Some(0)
                {
                    let found = constraints.path_len.map(|length| length.to_string());
                    self.add(path_len, found.unwrap_or_else(|| ABSENT.to_owned()), "0");
                }
            }
        }
        if !self.is_critical(oid::BASIC_CONSTRAINTS) {
            self.add(critical, "not critical", "critical");
        }
    }
}

/// Whether a purpose is that of another role of ISO/IEC 18013-5 or 23220-4, or of OCSP responders.
pub(crate) fn is_foreign(purpose: Oid<'_>) -> bool {
    const MDL: &[u8] = &[0x28, 0x81, 0x8c, 0x5d, 5, 1]; // 1.0.18013.5.1
    const MDOC: &[u8] = &[0x28, 0x81, 0xb5, 0x34, 4, 1]; // 1.0.23220.4.1
    match purpose.content() {
        // JWS, IACA link, reader authentication, IACA, VICAL, TLS client
        [arc @ .., 3 | 4 | 6 | 7 | 8 | 9] if arc == MDL || arc == MDOC => true,
        _ => purpose == oid::OCSP_SIGNING,
    }
}

/// Whether a certificate may issue others: CA in basicConstraints, and keyCertSign, each said once.
pub(crate) fn may_issue(certificate: &Certificate) -> bool {
    let ca = matches!(certificate.basic_constraints(), Some(Ok(constraints)) if constraints.ca);
    let signs = matches!(certificate.key_usage(), Some(Ok(usage)) if usage.contains(KeyUsage::KEY_CERT_SIGN));
    ca && signs && certificate.duplicate_extensions().is_empty()
}

/// The first critical extension that is not understood.
pub(in crate::x509) fn unknown_critical(certificate: &Certificate) -> Option<Oid<'_>> {
    certificate
        .extensions()
        .filter(|extension| extension.critical)
        .map(|extension| extension.oid)
        .find(|oid| !KNOWN.contains(oid))
}

#[cfg(test)]
mod tests;
