//! The rules of the certificate profiles: identifier, source and weight.

use core::fmt;

/// How badly a finding bodes for who has yet to hand the certificate out.
///
/// Stricter than [`Weight`]: a verifier tolerates what real certificates have, a maker should not rely on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Readers in use refuse it.
    Error,
    /// Against the profile: strict readers refuse it, others warn or do not notice.
    Warning,
    /// Worth knowing; readers take it.
    Note,
}

impl Severity {
    /// `error`, `warning` or `note`.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// How much a finding weighs under the standard policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Weight {
    /// The certificate must not be relied on in that role.
    Hard,
    /// The certificate differs from its profile, as real ones do; worth a warning.
    Deviation,
}

macro_rules! rules {
    ($(#[doc = $doc:literal] $name:ident = $id:literal, $weight:ident, $clause:literal, $why:literal;)*) => {
        /// A rule that a certificate can break.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Rule {
            $(#[doc = $doc] $name,)*
        }

        impl Rule {
            /// All rules.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The name of the rule: stable, never reused.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)* }
            }

            /// What the rule asks for, one sentence.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$name => $doc,)* }.trim()
            }

            /// Why it matters in practice: what readers and wallets do if the rule is broken. Small letters, no
            /// full stop.
            #[must_use]
            pub const fn why(self) -> &'static str {
                match self { $(Self::$name => $why,)* }
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
    Version = "cert.version", Deviation, "ISO/IEC 18013-5:2021, Annex B",
        "the extensions that say what a key is for exist in version 3 only, so a reader finds none of them";
    /// Positive, at most 20 octets, long enough to be random.
    SerialNumber = "cert.serial-number", Deviation, "ISO/IEC 18013-5:2021, Annex B",
        "revocation lists name a certificate by its serial number alone, and one that can be guessed or repeats makes forging or revoking easier; several libraries refuse more than 20 octets or a negative number";
    /// One of the ECDSA algorithms with SHA-2, or EdDSA where the role allows it, without parameters.
    SignatureAlgorithm = "cert.signature-algorithm", Deviation, "ISO/IEC 18013-5:2021, Annex B",
        "readers have the algorithms of Annex B only and cannot check any other signature; strict libraries refuse parameters behind the identifier";
    /// A named curve and an uncompressed point, of a curve that the role allows.
    PublicKey = "cert.public-key", Deviation, "ISO/IEC 18013-5:2021, Annex B",
        "many readers, secure elements among them, cannot decompress a point and have the named curves only";
    /// The key of the certificate is not that of its issuer.
    KeyReuse = "cert.key-reuse", Deviation, "ISO/IEC 18013-5:2021, Annex B",
        "a key that signs documents every day is easier to lose, and losing the root's key loses every document of the authority";
    /// No longer than the role allows.
    ValidityPeriod = "cert.validity-period", Deviation, "ISO/IEC 18013-5:2021, Annex B",
        "readers refuse documents whose signer is valid for longer than the profile allows; a day too many, 458 days, is the usual mistake";
    /// UTCTime before 2050, GeneralizedTime from then on.
    TimeForm = "cert.time-form", Deviation, "RFC 5280, 4.1.2.5",
        "DER has one way to write a time, and strict parsers refuse the whole certificate if it is written in the other";
    /// The subject has a country, that of its issuer.
    Country = "cert.country", Hard, "ISO/IEC 18013-5:2021, Annex B",
        "readers compare the country of the signer with that of its root and refuse what differs; issuing_country of the document is compared with it too";
    /// The country is two upper-case letters in a PrintableString, once.
    CountryForm = "cert.country-form", Deviation, "ISO/IEC 18013-5:2021, Annex B",
        "names are compared octet for octet, and `us` or a UTF8String is another country than `US`";
    /// If subject and issuer both have a state, it is the same.
    State = "cert.state", Hard, "ISO/IEC 18013-5:2021, Annex B",
        "readers refuse a signer of another state than its root, so that one state cannot issue for another";
    /// Subject and issuer both have a state or neither.
    StatePresence = "cert.state.presence", Deviation, "ISO/IEC 18013-5:2021, Annex B",
        "readers of the AAMVA profile ask for the state in both certificates and refuse if it is in one only";
    /// The state is a code of ISO 3166-2 in that country.
    StateForm = "cert.state-form", Deviation, "ISO/IEC 18013-5:2021, Annex B; ISO 3166-2",
        "readers compare the state with issuing_jurisdiction of the document, which is a code such as US-MD; a name never equals it";
    /// The subject has a common name, and it and other texts are PrintableString or UTF8String.
    CommonName = "cert.common-name", Deviation, "ISO/IEC 18013-5:2021, Annex B",
        "readers and their operators tell authorities apart by the common name, and one without it looks like any other";
    /// The subject has no attribute that the role does not know.
    SubjectAttribute = "cert.subject-attribute", Deviation, "ISO/IEC 18013-5:2021, Annex B",
        "real roots have such attributes and readers take them; checks of conformity report them";
    /// No extension is there twice.
    DuplicateExtension = "cert.extension-duplicate", Hard, "RFC 5280, 4.2",
        "one reader takes the first and another the last, so that they disagree on what the key may do; RFC 5280 has them refuse it";
    /// Every critical extension is understood.
    CriticalExtension = "cert.critical-extension", Hard, "RFC 5280, 4.2 and 6.1",
        "critical means: refuse if you do not understand it, and readers do";
    /// Extensions that are understood can be decoded.
    ExtensionMalformed = "cert.extension-malformed", Deviation, "RFC 5280, 4.2",
        "readers that decode the extension refuse the whole certificate, others do not notice, so it works for some only";
    /// Truth values are encoded as DER asks.
    BooleanForm = "cert.boolean-form", Deviation, "ITU-T X.690, 11.1",
        "strict DER parsers refuse the certificate, so that trust lists lose this entry in some readers";
    /// None of the extensions that the role excludes.
    ForbiddenExtension = "cert.forbidden-extension", Deviation, "ISO/IEC 18013-5:2021, Annex B",
        "the profile excludes it, and readers that check for exactly the profile refuse the certificate or warn of it";
    /// subjectKeyIdentifier is there and is the SHA-1 of the key.
    SubjectKeyIdentifier = "cert.ski", Deviation, "ISO/IEC 18013-5:2021, Annex B",
        "readers find the root of a document by its key identifier, and several roots share one name: with a wrong one they may not find it";
    /// authorityKeyIdentifier is there and is the issuer's subjectKeyIdentifier.
    AuthorityKeyIdentifier = "cert.aki", Deviation, "ISO/IEC 18013-5:2021, Annex B",
        "readers find the issuer by it; if it differs from the issuer's key identifier the chain is not built";
    /// issuerAltName is there, with an e-mail address or a URI.
    IssuerAltName = "cert.issuer-alt-name", Deviation, "ISO/IEC 18013-5:2021, Annex B",
        "readers that check the profile refuse a certificate without it, and nobody knows whom to call about the certificate";
    /// cRLDistributionPoints is there, with URIs only.
    CrlDistributionPoints = "cert.crl-dp", Deviation, "ISO/IEC 18013-5:2021, Annex B",
        "without the address of a revocation list readers cannot learn that the certificate was revoked; those that check the profile refuse it";

    /// Subject and issuer of a root are the same name.
    SelfIssued = "cert.self-issued", Deviation, "ISO/IEC 18013-5:2021, Annex B, IACA root certificate",
        "a root that another name issued is an intermediate certificate, and the profile has no chain above a root";
    /// basicConstraints say that a root is a CA.
    IacaBasicConstraints = "iaca.basic-constraints", Hard, "ISO/IEC 18013-5:2021, Annex B, IACA root certificate",
        "readers accept nothing issued by a certificate that does not say it is a CA";
    /// The basicConstraints of a root are critical.
    IacaBasicConstraintsCritical = "iaca.basic-constraints.critical", Hard, "ISO/IEC 18013-5:2021, Annex B, IACA root certificate",
        "RFC 5280 has it critical in a CA, and readers refuse a root where it is not";
    /// The path length of a root is 0.
    IacaPathLen = "iaca.path-len", Deviation, "ISO/IEC 18013-5:2021, Annex B, IACA root certificate",
        "without path length 0 whoever gets a CA certificate from this root can make signers that readers believe";
    /// A root may sign certificates.
    IacaKeyUsage = "iaca.key-usage", Hard, "ISO/IEC 18013-5:2021, Annex B, IACA root certificate",
        "readers accept no signer from a root whose key may not sign certificates";
    /// The key usage of a root is critical.
    IacaKeyUsageCritical = "iaca.key-usage.critical", Hard, "ISO/IEC 18013-5:2021, Annex B, IACA root certificate",
        "software that passes over what is not critical would not know the limits of this key, so readers refuse it";
    /// A root may sign certificates and revocation lists, and nothing else.
    IacaKeyUsageExact = "iaca.key-usage.exact", Deviation, "ISO/IEC 18013-5:2021, Annex B, IACA root certificate",
        "without cRLSign readers do not believe its revocation lists; with more than the two, the key of the root serves other ends than certifying";
    /// A root has no authorityKeyIdentifier.
    IacaAki = "iaca.aki", Deviation, "ISO/IEC 18013-5:2021, Annex B, IACA root certificate",
        "a self-signed certificate names nobody above it; readers take it, checks of conformity report it";

    /// A document signer may sign data, and neither certificates nor revocation lists.
    DsKeyUsage = "ds.key-usage", Hard, "ISO/IEC 18013-5:2021, Annex B, Table B.3",
        "readers refuse documents whose signer may not sign data, or may also sign certificates";
    /// The key usage of a document signer is critical.
    DsKeyUsageCritical = "ds.key-usage.critical", Hard, "ISO/IEC 18013-5:2021, Annex B, Table B.3",
        "software that passes over what is not critical would not know the limits of this key, so readers refuse it";
    /// A document signer may do nothing but sign data.
    DsKeyUsageExact = "ds.key-usage.exact", Deviation, "ISO/IEC 18013-5:2021, Annex B, Table B.3",
        "some readers insist on digitalSignature alone and refuse the documents of any other signer";
    /// The signer of a mobile driving licence has the purpose mdlDS.
    DsEku = "ds.eku", Hard, "ISO/IEC 18013-5:2021, Annex B, Table B.3",
        "without mdlDS any certificate below the root, a reader's for example, could sign licences; readers refuse it";
    /// The certificate is not one for another purpose of the standard, such as reading.
    DsEkuForeign = "ds.eku.foreign", Hard, "ISO/IEC 18013-5:2021, Annex B, Table B.3; RFC 5280, 4.2.1.12",
        "under one root it would let everybody who is certified to read make documents as well";
    /// The signer of another document has the purpose mdocDS or mdlDS.
    DsEkuOther = "ds.eku.other", Deviation, "ISO/IEC 23220-4; ISO/IEC 18013-5:2021, Annex B, Table B.3",
        "without a purpose of its own any certificate below the root could sign documents; readers that look for it refuse";
    /// The purposes of a document signer are critical.
    DsEkuCritical = "ds.eku.critical", Deviation, "ISO/IEC 18013-5:2021, Annex B, Table B.3",
        "readers differ: most pass over it, strict ones refuse; the profile has it critical";
    /// A document signer has no other purpose.
    DsEkuExact = "ds.eku.exact", Deviation, "ISO/IEC 18013-5:2021, Annex B, Table B.3",
        "a signer that also serves TLS or e-mail exposes its key to more, and strict readers refuse it";

    /// The issuer of reader certificates is a CA.
    ReaderCaBasicConstraints = "reader-ca.basic-constraints", Hard, "RFC 5280, 4.2.1.9",
        "wallets accept no reader below a certificate that does not say it is a CA";
    /// Its basicConstraints are critical.
    ReaderCaBasicConstraintsCritical = "reader-ca.basic-constraints.critical", Deviation, "RFC 5280, 4.2.1.9",
        "RFC 5280 has it critical in a CA, and strict libraries refuse the chain if it is not";
    /// It may sign certificates.
    ReaderCaKeyUsage = "reader-ca.key-usage", Hard, "RFC 5280, 4.2.1.3",
        "wallets accept no reader from a root whose key may not sign certificates";
    /// Its key usage is critical.
    ReaderCaKeyUsageCritical = "reader-ca.key-usage.critical", Deviation, "RFC 5280, 4.2.1.3",
        "RFC 5280 asks for it, and strict libraries warn of it or refuse";

    /// A reader may sign data, and neither certificates nor revocation lists.
    ReaderKeyUsage = "reader.key-usage", Hard, "ISO/IEC 18013-5:2021, Annex B, reader authentication certificate",
        "wallets do not trust requests whose key may not sign data, or may also sign certificates";
    /// The key usage of a reader is critical.
    ReaderKeyUsageCritical = "reader.key-usage.critical", Deviation, "ISO/IEC 18013-5:2021, Annex B, reader authentication certificate",
        "strict wallets call the reader unknown, and the holder is warned instead of told who asks";
    /// A reader may do nothing but sign data.
    ReaderKeyUsageExact = "reader.key-usage.exact", Deviation, "ISO/IEC 18013-5:2021, Annex B, reader authentication certificate",
        "some wallets insist on digitalSignature alone and call any other reader unknown";
    /// A reader has the purpose mdlReaderAuth or mdocReaderAuth.
    ReaderEku = "reader.eku", Hard, "ISO/IEC 18013-5:2021, Annex B, reader authentication certificate",
        "wallets look for mdlReaderAuth; without it the reader is shown as unknown or refused";
    /// The purposes of a reader are critical.
    ReaderEkuCritical = "reader.eku.critical", Deviation, "ISO/IEC 18013-5:2021, Annex B, reader authentication certificate",
        "strict wallets call the reader unknown, and the holder is warned instead of told who asks";
    /// A reader has no other purpose.
    ReaderEkuExact = "reader.eku.exact", Deviation, "ISO/IEC 18013-5:2021, Annex B, reader authentication certificate",
        "a reader certificate that also serves TLS exposes its key to more, and strict wallets refuse it";

    /// A status-list signer may sign data, and neither certificates nor revocation lists.
    StatusKeyUsage = "status.key-usage", Hard, "ISO/IEC 18013-5 second edition, Annex B, MSO revocation list signer",
        "readers do not believe a status list whose signer may not sign data, and then cannot tell what was revoked";
    /// The key usage of a status-list signer is critical.
    StatusKeyUsageCritical = "status.key-usage.critical", Deviation, "ISO/IEC 18013-5 second edition, Annex B, MSO revocation list signer",
        "strict readers pass over the list, and then cannot tell what was revoked";
    /// A status-list signer may do nothing but sign data.
    StatusKeyUsageExact = "status.key-usage.exact", Deviation, "ISO/IEC 18013-5 second edition, Annex B, MSO revocation list signer",
        "the profile has digitalSignature alone, and strict readers pass over the list of any other signer";

    /// A link certificate that changes the name of the root has the new name as directoryName in subjectAltName.
    LinkSubjectAltName = "link.subject-alt-name", Deviation, "ISO/IEC 18013-5:2021, Annex B, IACA link certificate",
        "software that follows the link from the old root to the new one looks for the new name there, and otherwise takes the link for one of another authority";

    /// The issuer of other certificates, such as VICAL signers, is a CA.
    CaBasicConstraints = "ca.basic-constraints", Hard, "RFC 5280, 4.2.1.9",
        "nobody accepts what was issued by a certificate that does not say it is a CA";
    /// Its basicConstraints are critical.
    CaBasicConstraintsCritical = "ca.basic-constraints.critical", Deviation, "RFC 5280, 4.2.1.9",
        "RFC 5280 has it critical in a CA, and strict libraries refuse the chain if it is not";
    /// It may sign certificates.
    CaKeyUsage = "ca.key-usage", Hard, "RFC 5280, 4.2.1.3",
        "nobody accepts what was issued by a key that may not sign certificates";
    /// Its key usage is critical.
    CaKeyUsageCritical = "ca.key-usage.critical", Deviation, "RFC 5280, 4.2.1.3",
        "RFC 5280 asks for it, and strict libraries warn of it or refuse";

    /// An OCSP responder may sign data, and neither certificates nor revocation lists.
    OcspKeyUsage = "ocsp.key-usage", Hard, "ISO/IEC 18013-5:2021, Annex B, OCSP signer certificate; RFC 6960, 4.2.2.2",
        "readers do not believe the answers of a responder whose key may not sign data, and then cannot tell what was revoked";
    /// The key usage of an OCSP responder is critical.
    OcspKeyUsageCritical = "ocsp.key-usage.critical", Deviation, "ISO/IEC 18013-5:2021, Annex B, OCSP signer certificate; RFC 6960, 4.2.2.2",
        "strict readers pass over the answers of the responder, and then cannot tell what was revoked";
    /// An OCSP responder may do nothing but sign data.
    OcspKeyUsageExact = "ocsp.key-usage.exact", Deviation, "ISO/IEC 18013-5:2021, Annex B, OCSP signer certificate; RFC 6960, 4.2.2.2",
        "the profile has digitalSignature alone, and strict readers pass over the answers of any other responder";
    /// An OCSP responder has the purpose OCSPSigning.
    OcspEku = "ocsp.eku", Hard, "ISO/IEC 18013-5:2021, Annex B, OCSP signer certificate; RFC 6960, 4.2.2.2",
        "without OCSPSigning the authority has not delegated anything to this key, and readers pass over its answers";
    /// The purposes of an OCSP responder are critical.
    OcspEkuCritical = "ocsp.eku.critical", Deviation, "ISO/IEC 18013-5:2021, Annex B, OCSP signer certificate; RFC 6960, 4.2.2.2",
        "the profile has it critical; strict readers pass over the answers otherwise";
    /// An OCSP responder has no other purpose.
    OcspEkuExact = "ocsp.eku.exact", Deviation, "ISO/IEC 18013-5:2021, Annex B, OCSP signer certificate; RFC 6960, 4.2.2.2",
        "a responder is online all day, and a key that also signs documents would be exposed with it";
    /// An OCSP responder names a revocation list, or has ocsp-nocheck.
    OcspRevocation = "ocsp.revocation", Deviation, "ISO/IEC 18013-5:2021, Annex B, OCSP signer certificate; RFC 6960, 4.2.2.2.1",
        "readers cannot learn whether the responder itself was revoked, and some then pass over all its answers";

    /// A VICAL signer may vouch for content, and sign neither certificates nor revocation lists.
    VicalKeyUsage = "vical.key-usage", Hard, "ISO/IEC 18013-5:2021, Annex B, VICAL signer certificate",
        "readers refuse a list of authorities whose signer lacks nonRepudiation, and are left without trust anchors";
    /// The key usage of a VICAL signer is critical.
    VicalKeyUsageCritical = "vical.key-usage.critical", Deviation, "ISO/IEC 18013-5:2021, Annex B, VICAL signer certificate",
        "strict readers refuse the list, and are left without trust anchors";
    /// A VICAL signer may do nothing but vouch for content, by nonRepudiation.
    VicalKeyUsageExact = "vical.key-usage.exact", Deviation, "ISO/IEC 18013-5:2021, Annex B, VICAL signer certificate",
        "the profile has nonRepudiation alone, and strict readers refuse the list of any other signer";
    /// A VICAL signer has the purpose mdlVICAL.
    VicalEku = "vical.eku", Hard, "ISO/IEC 18013-5:2021, Annex B, VICAL signer certificate",
        "without mdlVICAL any certificate below the root could say which authorities are to be trusted; readers refuse the list";
    /// The purposes of a VICAL signer are critical.
    VicalEkuCritical = "vical.eku.critical", Deviation, "ISO/IEC 18013-5:2021, Annex B, VICAL signer certificate",
        "the profile has it critical; strict readers refuse the list otherwise";
    /// A VICAL signer has no other purpose.
    VicalEkuExact = "vical.eku.exact", Deviation, "ISO/IEC 18013-5:2021, Annex B, VICAL signer certificate",
        "a key that also signs other things is exposed to more, and strict readers refuse the list";
    /// The subject of a VICAL signer has an organisation.
    VicalOrganization = "vical.organization", Deviation, "ISO/IEC 18013-5:2021, Annex B, VICAL signer certificate",
        "operators of readers tell providers of lists apart by it, and readers that check the profile refuse the list";

    /// A JWS signer may sign data, and neither certificates nor revocation lists.
    JwsKeyUsage = "jws.key-usage", Hard, "ISO/IEC 18013-5:2021, Annex B, JWS signer certificate",
        "readers refuse tokens whose signer may not sign data, or may also sign certificates";
    /// The key usage of a JWS signer is critical.
    JwsKeyUsageCritical = "jws.key-usage.critical", Deviation, "ISO/IEC 18013-5:2021, Annex B, JWS signer certificate",
        "strict readers refuse the tokens of server retrieval that it signed";
    /// A JWS signer may do nothing but sign data.
    JwsKeyUsageExact = "jws.key-usage.exact", Deviation, "ISO/IEC 18013-5:2021, Annex B, JWS signer certificate",
        "the profile has digitalSignature alone, and strict readers refuse the tokens of any other signer";
    /// A JWS signer has the purpose mdlJWS.
    JwsEku = "jws.eku", Hard, "ISO/IEC 18013-5:2021, Annex B, JWS signer certificate",
        "without mdlJWS any certificate below the root could sign the data of server retrieval; readers refuse the tokens";
    /// The purposes of a JWS signer are critical.
    JwsEkuCritical = "jws.eku.critical", Deviation, "ISO/IEC 18013-5:2021, Annex B, JWS signer certificate",
        "the profile has it critical; strict readers refuse the tokens otherwise";
    /// A JWS signer has no other purpose.
    JwsEkuExact = "jws.eku.exact", Deviation, "ISO/IEC 18013-5:2021, Annex B, JWS signer certificate",
        "a key that answers over the network should not sign documents as well; strict readers refuse the tokens";

    /// A TLS server may sign data, and neither certificates nor revocation lists.
    TlsServerKeyUsage = "tls-server.key-usage", Hard, "ISO/IEC 18013-5:2021, Annex B, TLS server certificate",
        "readers end the connection if the key of the server may not sign the handshake";
    /// The key usage of a TLS server is critical.
    TlsServerKeyUsageCritical = "tls-server.key-usage.critical", Deviation, "ISO/IEC 18013-5:2021, Annex B, TLS server certificate",
        "software that passes over what is not critical would not know the limits of this key";
    /// A TLS server may do nothing but sign data.
    TlsServerKeyUsageExact = "tls-server.key-usage.exact", Deviation, "ISO/IEC 18013-5:2021, Annex B, TLS server certificate",
        "the profile has digitalSignature alone; other usages are for old kinds of handshake";
    /// A TLS server has the purpose serverAuth.
    TlsServerEku = "tls-server.eku", Hard, "ISO/IEC 18013-5:2021, Annex B, TLS server certificate",
        "clients end the connection if the certificate is not one for servers";
    /// The purposes of a TLS server are critical.
    TlsServerEkuCritical = "tls-server.eku.critical", Deviation, "ISO/IEC 18013-5:2021, Annex B, TLS server certificate",
        "authorities of the public web never make it critical, and clients take both";
    /// A TLS server has no other purpose.
    TlsServerEkuExact = "tls-server.eku.exact", Deviation, "ISO/IEC 18013-5:2021, Annex B, TLS server certificate",
        "a server is open to the network, and a key that also serves something else is exposed with it";
    /// The certificate of a TLS server names a host.
    TlsServerHost = "tls-server.host", Deviation, "ISO/IEC 18013-5:2021, Annex B, TLS server certificate; RFC 9525, 6",
        "clients compare the host they wanted with these names alone, and end the connection if there are none";

    /// A TLS client may sign data, and neither certificates nor revocation lists.
    TlsClientKeyUsage = "tls-client.key-usage", Hard, "ISO/IEC 18013-5:2021, Annex B, TLS client certificate",
        "servers end the connection if the key of the client may not sign the handshake";
    /// The key usage of a TLS client is critical.
    TlsClientKeyUsageCritical = "tls-client.key-usage.critical", Deviation, "ISO/IEC 18013-5:2021, Annex B, TLS client certificate",
        "software that passes over what is not critical would not know the limits of this key";
    /// A TLS client may do nothing but sign data.
    TlsClientKeyUsageExact = "tls-client.key-usage.exact", Deviation, "ISO/IEC 18013-5:2021, Annex B, TLS client certificate",
        "the profile has digitalSignature alone, and strict servers end the connection";
    /// A TLS client has the purpose mdlTLSClientAuth and clientAuth.
    TlsClientEku = "tls-client.eku", Hard, "ISO/IEC 18013-5:2021, Annex B, TLS client certificate",
        "servers of issuing authorities let in who has both purposes: one is what TLS asks for, the other what the standard does";
    /// The purposes of a TLS client are critical.
    TlsClientEkuCritical = "tls-client.eku.critical", Deviation, "ISO/IEC 18013-5:2021, Annex B, TLS client certificate",
        "the profile has it critical; strict servers end the connection otherwise";
    /// A TLS client has no other purpose.
    TlsClientEkuExact = "tls-client.eku.exact", Deviation, "ISO/IEC 18013-5:2021, Annex B, TLS client certificate",
        "a key that also serves something else is exposed to more, and strict servers end the connection";
}

impl Rule {
    /// Whether no step of a verification of documents or readers looks at it: the rule is of a role that has no
    /// part in one, and the linter alone knows it.
    #[must_use]
    pub fn is_of_linter_alone(self) -> bool {
        let role = self.id().split('.').next().unwrap_or_default();
        matches!(
            role,
            "status" | "link" | "ca" | "ocsp" | "vical" | "jws" | "tls-server" | "tls-client"
        )
    }

    /// How badly breaking it bodes for who has yet to hand the certificate out.
    #[must_use]
    pub const fn severity(self) -> Severity {
        match (self, self.weight()) {
            (_, Weight::Hard)
            | (
                Self::SignatureAlgorithm
                | Self::PublicKey
                | Self::ValidityPeriod
                | Self::DsKeyUsageExact
                | Self::ReaderKeyUsageExact,
                _,
            ) => Severity::Error,
            (Self::SubjectAttribute | Self::IacaAki | Self::TlsServerEkuCritical, _) => Severity::Note,
            _ => Severity::Warning,
        }
    }
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
