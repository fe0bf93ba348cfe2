//! The rules of the certificate profiles: identifier, source and weight.

use core::fmt;

/// How much a finding weighs under the standard policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Weight {
    /// The certificate must not be relied on in that role.
    Hard,
    /// The certificate differs from its profile, as real ones do; worth a warning.
    Deviation,
}

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident = $id:literal, $weight:ident, $clause:literal;)*) => {
        /// A rule that a certificate can break.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Rule {
            $($(#[$doc])* $name,)*
        }

        impl Rule {
            /// All rules.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The name of the rule: stable, never reused.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)* }
            }

            /// Where the rule comes from.
            #[must_use]
            pub const fn clause(self) -> &'static str {
                match self { $(Self::$name => $clause,)* }
            }

            /// How much breaking it weighs under the standard policy.
            #[must_use]
            pub const fn weight(self) -> Weight {
                match self { $(Self::$name => Weight::$weight,)* }
            }
        }
    };
}

rules! {
    /// Extensions and profiles need version 3.
    Version = "cert.version", Deviation, "ISO/IEC 18013-5:2021, Annex B";
    /// Positive, at most 20 octets, long enough to be random.
    SerialNumber = "cert.serial-number", Deviation, "ISO/IEC 18013-5:2021, Annex B";
    /// One of the ECDSA algorithms with SHA-2, or EdDSA where the role allows it, without parameters.
    SignatureAlgorithm = "cert.signature-algorithm", Deviation, "ISO/IEC 18013-5:2021, Annex B";
    /// A named curve and an uncompressed point, of a curve that the role allows.
    PublicKey = "cert.public-key", Deviation, "ISO/IEC 18013-5:2021, Annex B";
    /// The key of the certificate is not that of its issuer.
    KeyReuse = "cert.key-reuse", Deviation, "ISO/IEC 18013-5:2021, Annex B";
    /// No longer than the role allows.
    ValidityPeriod = "cert.validity-period", Deviation, "ISO/IEC 18013-5:2021, Annex B";
    /// UTCTime before 2050, GeneralizedTime from then on.
    TimeForm = "cert.time-form", Deviation, "RFC 5280, 4.1.2.5";
    /// The subject has a country, that of its issuer.
    Country = "cert.country", Hard, "ISO/IEC 18013-5:2021, Annex B";
    /// The country is two upper-case letters in a PrintableString, once.
    CountryForm = "cert.country-form", Deviation, "ISO/IEC 18013-5:2021, Annex B";
    /// If subject and issuer both have a state, it is the same.
    State = "cert.state", Hard, "ISO/IEC 18013-5:2021, Annex B";
    /// Subject and issuer both have a state or neither.
    StatePresence = "cert.state.presence", Deviation, "ISO/IEC 18013-5:2021, Annex B";
    /// The state is a code of ISO 3166-2 in that country.
    StateForm = "cert.state-form", Deviation, "ISO/IEC 18013-5:2021, Annex B; ISO 3166-2";
    /// The subject has a common name, and it and other texts are PrintableString or UTF8String.
    CommonName = "cert.common-name", Deviation, "ISO/IEC 18013-5:2021, Annex B";
    /// The subject has no attribute that the role does not know.
    SubjectAttribute = "cert.subject-attribute", Deviation, "ISO/IEC 18013-5:2021, Annex B";
    /// No extension is there twice.
    DuplicateExtension = "cert.extension-duplicate", Hard, "RFC 5280, 4.2";
    /// Every critical extension is understood.
    CriticalExtension = "cert.critical-extension", Hard, "RFC 5280, 4.2 and 6.1";
    /// Extensions that are understood can be decoded.
    ExtensionMalformed = "cert.extension-malformed", Deviation, "RFC 5280, 4.2";
    /// Truth values are encoded as DER asks.
    BooleanForm = "cert.boolean-form", Deviation, "ITU-T X.690, 11.1";
    /// None of the extensions that the role excludes.
    ForbiddenExtension = "cert.forbidden-extension", Deviation, "ISO/IEC 18013-5:2021, Annex B";
    /// subjectKeyIdentifier is there and is the SHA-1 of the key.
    SubjectKeyIdentifier = "cert.ski", Deviation, "ISO/IEC 18013-5:2021, Annex B";
    /// authorityKeyIdentifier is there and is the issuer's subjectKeyIdentifier.
    AuthorityKeyIdentifier = "cert.aki", Deviation, "ISO/IEC 18013-5:2021, Annex B";
    /// issuerAltName is there, with an e-mail address or a URI.
    IssuerAltName = "cert.issuer-alt-name", Deviation, "ISO/IEC 18013-5:2021, Annex B";
    /// cRLDistributionPoints is there, with URIs only.
    CrlDistributionPoints = "cert.crl-dp", Deviation, "ISO/IEC 18013-5:2021, Annex B";

    /// Subject and issuer of a root are the same name.
    SelfIssued = "cert.self-issued", Deviation, "ISO/IEC 18013-5:2021, Annex B, IACA root certificate";
    /// basicConstraints say that a root is a CA.
    IacaBasicConstraints = "iaca.basic-constraints", Hard, "ISO/IEC 18013-5:2021, Annex B, IACA root certificate";
    /// The basicConstraints of a root are critical.
    IacaBasicConstraintsCritical = "iaca.basic-constraints.critical", Hard, "ISO/IEC 18013-5:2021, Annex B, IACA root certificate";
    /// The path length of a root is 0.
    IacaPathLen = "iaca.path-len", Deviation, "ISO/IEC 18013-5:2021, Annex B, IACA root certificate";
    /// A root may sign certificates.
    IacaKeyUsage = "iaca.key-usage", Hard, "ISO/IEC 18013-5:2021, Annex B, IACA root certificate";
    /// The key usage of a root is critical.
    IacaKeyUsageCritical = "iaca.key-usage.critical", Hard, "ISO/IEC 18013-5:2021, Annex B, IACA root certificate";
    /// A root may sign certificates and revocation lists, and nothing else.
    IacaKeyUsageExact = "iaca.key-usage.exact", Deviation, "ISO/IEC 18013-5:2021, Annex B, IACA root certificate";
    /// A root has no authorityKeyIdentifier.
    IacaAki = "iaca.aki", Deviation, "ISO/IEC 18013-5:2021, Annex B, IACA root certificate";

    /// A document signer may sign data, and neither certificates nor revocation lists.
    DsKeyUsage = "ds.key-usage", Hard, "ISO/IEC 18013-5:2021, Annex B, Table B.3";
    /// The key usage of a document signer is critical.
    DsKeyUsageCritical = "ds.key-usage.critical", Hard, "ISO/IEC 18013-5:2021, Annex B, Table B.3";
    /// A document signer may do nothing but sign data.
    DsKeyUsageExact = "ds.key-usage.exact", Deviation, "ISO/IEC 18013-5:2021, Annex B, Table B.3";
    /// The signer of a mobile driving licence has the purpose mdlDS.
    DsEku = "ds.eku", Hard, "ISO/IEC 18013-5:2021, Annex B, Table B.3";
    /// The certificate is not one for another purpose of the standard, such as reading.
    DsEkuForeign = "ds.eku.foreign", Hard, "ISO/IEC 18013-5:2021, Annex B, Table B.3; RFC 5280, 4.2.1.12";
    /// The signer of another document has the purpose mdocDS or mdlDS.
    DsEkuOther = "ds.eku.other", Deviation, "ISO/IEC 23220-4; ISO/IEC 18013-5:2021, Annex B, Table B.3";
    /// The purposes of a document signer are critical.
    DsEkuCritical = "ds.eku.critical", Deviation, "ISO/IEC 18013-5:2021, Annex B, Table B.3";
    /// A document signer has no other purpose.
    DsEkuExact = "ds.eku.exact", Deviation, "ISO/IEC 18013-5:2021, Annex B, Table B.3";

    /// The issuer of reader certificates is a CA.
    ReaderCaBasicConstraints = "reader-ca.basic-constraints", Hard, "RFC 5280, 4.2.1.9";
    /// Its basicConstraints are critical.
    ReaderCaBasicConstraintsCritical = "reader-ca.basic-constraints.critical", Deviation, "RFC 5280, 4.2.1.9";
    /// It may sign certificates.
    ReaderCaKeyUsage = "reader-ca.key-usage", Hard, "RFC 5280, 4.2.1.3";
    /// Its key usage is critical.
    ReaderCaKeyUsageCritical = "reader-ca.key-usage.critical", Deviation, "RFC 5280, 4.2.1.3";

    /// A reader may sign data, and neither certificates nor revocation lists.
    ReaderKeyUsage = "reader.key-usage", Hard, "ISO/IEC 18013-5:2021, Annex B, reader authentication certificate";
    /// The key usage of a reader is critical.
    ReaderKeyUsageCritical = "reader.key-usage.critical", Deviation, "ISO/IEC 18013-5:2021, Annex B, reader authentication certificate";
    /// A reader may do nothing but sign data.
    ReaderKeyUsageExact = "reader.key-usage.exact", Deviation, "ISO/IEC 18013-5:2021, Annex B, reader authentication certificate";
    /// A reader has the purpose mdlReaderAuth or mdocReaderAuth.
    ReaderEku = "reader.eku", Hard, "ISO/IEC 18013-5:2021, Annex B, reader authentication certificate";
    /// The purposes of a reader are critical.
    ReaderEkuCritical = "reader.eku.critical", Deviation, "ISO/IEC 18013-5:2021, Annex B, reader authentication certificate";
    /// A reader has no other purpose.
    ReaderEkuExact = "reader.eku.exact", Deviation, "ISO/IEC 18013-5:2021, Annex B, reader authentication certificate";
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// A rule that a certificate breaks, with what decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which rule.
    pub rule: Rule,
    /// What the certificate has.
    pub found: String,
    /// What the profile asks for.
    pub expected: String,
}

impl Finding {
    /// How much it weighs under the standard policy.
    #[must_use]
    pub const fn weight(&self) -> Weight {
        self.rule.weight()
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} where {} is expected",
            self.rule.id(),
            self.found,
            self.expected
        )
    }
}
