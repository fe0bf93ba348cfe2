//! The rules between certificates, and those about a certificate as a whole.

use mdoc_core::x509::Certificate;
use mdoc_core::x509::profile::Severity;

use super::{Bundle, Origin, Remark, Terms, is_ca, signed_by};

macro_rules! rules {
    ($(#[doc = $doc:literal] $name:ident = $id:literal, $severity:ident, $clause:literal, $why:literal;)*) => {
        /// A rule that is not about the profile of one certificate.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum LinkRule {
            $(#[doc = $doc] $name,)*
        }

        impl LinkRule {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The name of the rule: stable, never reused.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)* }
            }

            /// How badly breaking it bodes.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)* }
            }

            /// Where it comes from.
            #[must_use]
            pub const fn clause(self) -> &'static str {
                match self { $(Self::$name => $clause,)* }
            }

            /// What it asks for, one sentence.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$name => $doc,)* }.trim()
            }

            /// Why it matters in practice.
            #[must_use]
            pub const fn why(self) -> &'static str {
                match self { $(Self::$name => $why,)* }
            }
        }
    };
}

rules! {
    /// The certificate can be read.
    Unreadable = "lint.unreadable", Error, "RFC 5280, 4.1",
        "a reader that cannot read the certificate refuses what it signed";
    /// The role is known, so that its profile can be looked at.
    Role = "lint.role", Note, "ISO/IEC 18013-5:2021, Annex B",
        "each role has a profile of its own; without the role none was looked at";
    /// The certificate has not expired.
    Expired = "lint.expired", Warning, "RFC 5280, 6.1.3",
        "readers refuse what an expired certificate signed, and trust nothing below an expired root";
    /// The certificate is valid already.
    NotYetValid = "lint.not-yet-valid", Note, "RFC 5280, 6.1.3",
        "readers refuse what it signs until its validity begins";
    /// The issuer was given, so that the certificate can be compared with it.
    NoIssuer = "lint.no-issuer", Note, "RFC 5280, 6.1",
        "signature, names, key identifiers, country and validity were not compared with the issuer's";
    /// The issuer's name is the subject of the issuer, octet for octet.
    IssuerName = "lint.issuer-name", Error, "ISO/IEC 18013-5:2021, Annex B; RFC 5280, 6.1.3",
        "readers find the root by these octets; another order or string type is another name, however alike it looks";
    /// The issuer's key made the signature.
    Signature = "lint.signature", Error, "RFC 5280, 6.1.3",
        "no reader believes a certificate that its issuer did not sign";
    /// The issuer is a CA that may sign certificates.
    IssuerNotCa = "lint.issuer-not-ca", Error, "RFC 5280, 6.1.4",
        "readers accept nothing issued by a certificate that may not issue";
    /// The certificate is valid only while its issuer is.
    OutlivesIssuer = "lint.outlives-issuer", Warning, "ISO/IEC 18013-5:2021, Annex B",
        "outside the validity of its issuer readers refuse it, earlier than its own dates say";
    /// No CA above allows fewer certificates below it than there are.
    PathLength = "lint.path-length", Error, "RFC 5280, 6.1.4",
        "a root with path length 0 has no intermediate certificates; readers refuse the chain";
    /// In an x5chain each certificate is followed by its issuer.
    ChainOrder = "lint.chain-order", Error, "RFC 9360, 2; ISO/IEC 18013-5:2021, 9.1.2.4",
        "readers take the first certificate for the signer's and climb in the order given";
    /// A root is not in an x5chain.
    ChainRoot = "lint.chain-root", Warning, "ISO/IEC 18013-5:2021, 9.1.2.4",
        "readers trust roots that they know, not those that come along; some refuse the chain, all carry it for nothing";
}

impl LinkRule {
    pub(super) fn add(
        self,
        remarks: &mut Vec<Remark>,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) {
        remarks.push(Remark {
            id: self.id(),
            severity: self.severity(),
            clause: self.clause(),
            found: found.into(),
            expected: expected.into(),
            why: self.why(),
        });
    }
}

/// Who issued a certificate, as far as what was given shows.
pub(super) enum Issuer<'a> {
    /// The certificate itself: it is a root.
    Itself,
    /// Another certificate, which need not have signed it.
    Other(&'a Certificate),
    /// Nobody here.
    Missing,
}

impl<'a> Issuer<'a> {
    /// Whoever has the name and made the signature; else the name; else who is likely meant.
    pub(super) fn find(
        certificate: &Certificate,
        (bundle, index): (&'a Bundle, usize),
        pool: &[&'a Certificate],
        terms: Terms<'a>,
    ) -> Self {
        let others = || pool.iter().copied().filter(|other| *other != certificate);
        let named = || others().filter(|other| other.subject_der() == certificate.issuer_der());
        if certificate.is_self_issued() {
            // A link certificate between two roots of one name is self-issued and not self-signed.
            return match named().find(|other| signed_by(certificate, other)) {
                Some(other) if !signed_by(certificate, certificate) => Self::Other(other),
                _ => Self::Itself,
            };
        }
        // A certificate whose validity has to be compared with the issuer that was given, if it can be that one.
        let given = terms.issuer.filter(|issuer| *issuer != certificate);
        let alike = |other: &&Certificate| {
            let (subject, issuer) = (other.subject().to_string(), certificate.issuer().to_string());
            is_ca(other) && subject.eq_ignore_ascii_case(&issuer)
        };
        let identified = |other: &&Certificate| match certificate.authority_key_identifier() {
            Some(Ok(found)) => found.key_identifier == Some(other.computed_key_identifier().as_slice()),
            _ => false,
        };
        let next = || match &bundle.origin {
            Origin::File => None,
            _ => bundle
                .certificates
                .get(index + 1)
                .and_then(|next| next.as_ref().ok()),
        };
        let found = given
            .filter(|issuer| issuer.subject_der() == certificate.issuer_der())
            .or_else(|| named().find(|other| signed_by(certificate, other)))
            .or_else(|| named().next())
            .or_else(|| others().find(|other| signed_by(certificate, other)))
            .or_else(|| others().find(identified))
            .or_else(|| others().find(alike))
            .or(given)
            .or_else(next);
        found.map_or(Self::Missing, Self::Other)
    }

    pub(super) const fn certificate(&self) -> Option<&'a Certificate> {
        match self {
            Self::Other(issuer) => Some(issuer),
            Self::Itself | Self::Missing => None,
        }
    }
}

pub(super) fn check(
    certificate: &Certificate,
    (bundle, index): (&Bundle, usize),
    issuer: &Issuer<'_>,
    pool: &[&Certificate],
    terms: Terms<'_>,
    remarks: &mut Vec<Remark>,
) {
    let (from, until) = (certificate.not_before(), certificate.not_after());
    if terms.now > until {
        LinkRule::Expired.add(remarks, format!("expired on {until}"), "a date to come");
    } else if terms.now < from {
        LinkRule::NotYetValid.add(remarks, format!("valid from {from}"), "valid now");
    }
    match issuer {
        Issuer::Missing => LinkRule::NoIssuer.add(
            remarks,
            format!("issued by {}, which is not here", certificate.issuer()),
            "the issuer among the files, or by --issuer",
        ),
        Issuer::Itself => signature(certificate, certificate, remarks),
        Issuer::Other(issuer) => {
            compare(certificate, issuer, remarks);
            path_lengths(certificate, issuer, pool, remarks);
        }
    }
    if bundle.origin != Origin::File {
        order(certificate, (bundle, index), remarks);
    }
}

fn signature(certificate: &Certificate, issuer: &Certificate, remarks: &mut Vec<Remark>) {
    let found = match issuer.public_key() {
        Err(error) => error.to_string(),
        Ok(key) => match certificate.verify_signed_by(&key, mdoc_core::crypto::fastest()) {
            Err(error) => error.to_string(),
            Ok(()) => return,
        },
    };
    let expected = format!("signed by the key of {}", issuer.subject());
    LinkRule::Signature.add(remarks, found, expected);
}

fn compare(certificate: &Certificate, issuer: &Certificate, remarks: &mut Vec<Remark>) {
    if certificate.issuer_der() != issuer.subject_der() {
        let (found, expected) = (certificate.issuer().to_string(), issuer.subject().to_string());
        let found = if found == expected {
            format!("{found} in another order or string type")
        } else {
            found
        };
        LinkRule::IssuerName.add(remarks, found, expected);
    }
    signature(certificate, issuer, remarks);
    if !is_issuer(issuer) {
        let expected = "a CA with key usage keyCertSign";
        LinkRule::IssuerNotCa.add(remarks, issuer.subject().to_string(), expected);
    }
    if certificate.not_before() < issuer.not_before() || certificate.not_after() > issuer.not_after() {
        LinkRule::OutlivesIssuer.add(
            remarks,
            format!("{} to {}", certificate.not_before(), certificate.not_after()),
            format!(
                "within {} to {}, as its issuer",
                issuer.not_before(),
                issuer.not_after()
            ),
        );
    }
}

fn is_issuer(certificate: &Certificate) -> bool {
    use mdoc_core::x509::KeyUsage;
    let signs = match certificate.key_usage() {
        Some(Ok(usage)) => usage.contains(KeyUsage::KEY_CERT_SIGN),
        _ => false,
    };
    signs && matches!(certificate.basic_constraints(), Some(Ok(found)) if found.ca)
}

/// Climbs from an end-entity certificate, and looks whether each CA allows the CAs between.
fn path_lengths(
    certificate: &Certificate,
    issuer: &Certificate,
    pool: &[&Certificate],
    remarks: &mut Vec<Remark>,
) {
    if is_ca(certificate) {
        return;
    }
    let (mut ca, mut between) = (issuer, 0_u32);
    // More levels than any chain has; a circle of names ends as well.
    while between < 16 {
        if let Some(Ok(found)) = ca.basic_constraints()
            && found.path_len.is_some_and(|most| most < between)
        {
            let most = found.path_len.unwrap_or_default();
            LinkRule::PathLength.add(
                remarks,
                format!("{between} certificates between it and {}", ca.subject()),
                format!("at most {most}"),
            );
        }
        if ca.is_self_issued() {
            return;
        }
        let Some(above) = pool
            .iter()
            .find(|other| other.subject_der() == ca.issuer_der() && **other != ca)
        else {
            return;
        };
        ca = above;
        between += 1;
    }
}

fn order(certificate: &Certificate, (bundle, index): (&Bundle, usize), remarks: &mut Vec<Remark>) {
    if certificate.is_self_issued() {
        if is_ca(certificate) {
            let found = format!("a root as certificate {} of the x5chain", index + 1);
            LinkRule::ChainRoot.add(
                remarks,
                found,
                "the signer and, if any, those between it and the root",
            );
        }
        return;
    }
    let Some(Ok(next)) = bundle.certificates.get(index + 1) else {
        return;
    };
    if next.subject_der() != certificate.issuer_der() {
        let found = format!("followed by {}", next.subject());
        LinkRule::ChainOrder.add(remarks, found, format!("followed by {}", certificate.issuer()));
    }
}
