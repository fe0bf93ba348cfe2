//! One table for each role.

use super::{Role, Rule};
use crate::crypto::Curve;
use crate::x509::KeyUsage;
use crate::x509::oid::{self, Oid};

/// What a role asks of its certificates.
pub(super) struct Profile {
    pub(super) validity: Limit,
    pub(super) key_usage: KeyUsageRules,
    pub(super) extended: Option<PurposeRules>,
    pub(super) ca: Option<CaRules>,
    pub(super) root: bool,
    /// EdDSA is allowed beside ECDSA.
    pub(super) edwards: bool,
    pub(super) place: Place,
    /// The subject needs an organisation; this is the rule that says so.
    pub(super) organization: Option<Rule>,
    /// Attributes the subject may have; `None` is any.
    pub(super) attributes: Option<&'static [Oid<'static>]>,
    pub(super) issuer_alt_name: bool,
    pub(super) revocation: RevocationRules,
    pub(super) alternative: AlternativeName,
    /// Extensions that the role excludes, beside those excluded everywhere.
    pub(super) forbidden: &'static [Oid<'static>],
}

/// How long a certificate may be valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::x509) enum Limit {
    Days(u32),
    Years(u16),
}

impl Limit {
    /// `457 days`, `20 years`.
    pub(in crate::x509) fn words(self) -> String {
        match self {
            Self::Days(days) => format!("{days} days"),
            Self::Years(years) => format!("{years} years"),
        }
    }
}

/// How long an OCSP responder may be valid if nobody is to ask whether it was revoked.
pub(in crate::x509) const NO_CHECK_LIMIT: Limit = Limit::Days(90);

/// What the subject has to say of its country and state.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Nothing.
    Free,
    /// Some country.
    Own,
    /// The country of its issuer.
    Country,
    /// The country of its issuer, and its state if it has one.
    CountryAndState,
}

/// How one learns that the certificate was revoked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum RevocationRules {
    /// The address of a list is needed.
    List,
    /// It may be there.
    Optional,
    /// It is needed, or ocsp-nocheck instead.
    ListOrNoCheck(Rule),
}

/// What subjectAltName has to hold.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum AlternativeName {
    /// Anything.
    Free,
    /// The subject, if it is another than that of the issuer.
    NewSubject(Rule),
    /// A host.
    Host(Rule),
}

pub(super) struct KeyUsageRules {
    pub(super) needed: KeyUsage,
    pub(super) excluded: KeyUsage,
    /// Exactly these, if somebody insists.
    pub(super) exact: KeyUsage,
    pub(super) rule: Rule,
    pub(super) critical: Rule,
    pub(super) exactly: Option<Rule>,
}

impl KeyUsageRules {
    /// Signs certificates.
    const fn of_authority(rule: Rule, critical: Rule, exactly: Option<Rule>) -> Self {
        Self {
            needed: KeyUsage::KEY_CERT_SIGN,
            excluded: KeyUsage::NONE,
            exact: CERTIFICATES_AND_LISTS,
            rule,
            critical,
            exactly,
        }
    }

    /// Signs something else, and never certificates or revocation lists.
    const fn of_signer(usage: KeyUsage, [rule, critical, exactly]: [Rule; 3]) -> Self {
        Self {
            needed: usage,
            excluded: CERTIFICATES_AND_LISTS,
            exact: usage,
            rule,
            critical,
            exactly: Some(exactly),
        }
    }
}

pub(super) struct PurposeRules {
    /// One of these is needed.
    pub(super) accepted: &'static [Oid<'static>],
    /// All of these are needed besides.
    pub(super) also: &'static [Oid<'static>],
    /// No others than these may be there.
    pub(super) companions: &'static [Oid<'static>],
    pub(super) rule: Rule,
    pub(super) critical: Rule,
    pub(super) exactly: Rule,
}

impl PurposeRules {
    /// One of these and nothing else.
    const fn of(accepted: &'static [Oid<'static>], [rule, critical, exactly]: [Rule; 3]) -> Self {
        Self {
            accepted,
            also: &[],
            companions: accepted,
            rule,
            critical,
            exactly,
        }
    }
}

pub(super) struct CaRules {
    pub(super) rule: Rule,
    pub(super) critical: Rule,
    pub(super) path_len: Option<Rule>,
}

/// Extensions that no profile allows.
pub(super) const FORBIDDEN: [Oid<'static>; 5] = [
    oid::POLICY_MAPPINGS,
    oid::NAME_CONSTRAINTS,
    oid::POLICY_CONSTRAINTS,
    oid::INHIBIT_ANY_POLICY,
    oid::FRESHEST_CRL,
];

/// Critical extensions that are looked at, or cannot change the outcome.
pub(super) const KNOWN: [Oid<'static>; 11] = [
    oid::SUBJECT_KEY_IDENTIFIER,
    oid::KEY_USAGE,
    oid::SUBJECT_ALT_NAME,
    oid::ISSUER_ALT_NAME,
    oid::BASIC_CONSTRAINTS,
    oid::CRL_DISTRIBUTION_POINTS,
    oid::CERTIFICATE_POLICIES,
    oid::AUTHORITY_KEY_IDENTIFIER,
    oid::EXTENDED_KEY_USAGE,
    oid::FRESHEST_CRL,
    oid::AUTHORITY_INFO_ACCESS,
];

const CERTIFICATES_AND_LISTS: KeyUsage = KeyUsage::KEY_CERT_SIGN.and(KeyUsage::CRL_SIGN);

/// Attributes of the subject of an IACA.
const OF_AUTHORITY: &[Oid<'static>] = &[
    oid::COUNTRY,
    oid::STATE_OR_PROVINCE,
    oid::COMMON_NAME,
    oid::ORGANIZATION,
    oid::SERIAL_NUMBER,
];

/// Attributes of the subjects below an IACA.
const BELOW_AUTHORITY: &[Oid<'static>] = &[
    oid::COUNTRY,
    oid::STATE_OR_PROVINCE,
    oid::COMMON_NAME,
    oid::ORGANIZATION,
    oid::LOCALITY,
    oid::SERIAL_NUMBER,
];

impl Profile {
    /// Whether a key may be on that curve: one with ECDSA, and where EdDSA is allowed beside it, Ed25519.
    pub(super) const fn allows(&self, curve: Curve) -> bool {
        match curve {
            Curve::X25519 => false,
            Curve::Ed25519 => self.edwards,
            _ => true,
        }
    }
}

impl Role {
    pub(in crate::x509) const fn longest(self) -> Limit {
        match self {
            Self::IacaRoot | Self::IacaLink | Self::ReaderCa | Self::OtherCa => Limit::Years(20),
            Self::DocumentSigner { .. } | Self::OcspResponder | Self::JwsSigner => Limit::Days(457),
            Self::TlsServer => Limit::Days(822),
            Self::ReaderAuthentication | Self::StatusListSigner | Self::VicalSigner | Self::TlsClient => {
                Limit::Days(1187)
            }
        }
    }

    /// Whether its key may be on that curve.
    pub(in crate::x509) const fn allows(self, curve: Curve) -> bool {
        self.profile().allows(curve)
    }

    /// The key usage of the role.
    pub(in crate::x509) const fn usage(self) -> KeyUsage {
        self.profile().key_usage.exact
    }

    /// Whether its certificates issue others.
    #[must_use]
    pub const fn is_ca(self) -> bool {
        self.profile().ca.is_some()
    }

    /// The purposes that its certificates need: the first of those that are accepted, and those besides.
    pub(in crate::x509) fn purposes(self) -> Vec<Oid<'static>> {
        let rules = self.profile().extended;
        rules.map_or_else(Vec::new, |rules| {
            rules.accepted.iter().take(1).chain(rules.also).copied().collect()
        })
    }

    pub(super) const fn profile(self) -> Profile {
        match self {
            Self::IacaRoot => Profile {
                root: true,
                revocation: RevocationRules::List,
                forbidden: &[oid::EXTENDED_KEY_USAGE, oid::SUBJECT_ALT_NAME],
                ..self.issuing_authority()
            },
            Self::IacaLink => Profile {
                place: Place::Country,
                revocation: RevocationRules::List,
                alternative: AlternativeName::NewSubject(Rule::LinkSubjectAltName),
                forbidden: &[oid::EXTENDED_KEY_USAGE],
                ..self.issuing_authority()
            },
            Self::ReaderCa => self.other_authority(
                [
                    Rule::ReaderCaBasicConstraints,
                    Rule::ReaderCaBasicConstraintsCritical,
                ],
                [Rule::ReaderCaKeyUsage, Rule::ReaderCaKeyUsageCritical],
            ),
            Self::OtherCa => self.other_authority(
                [Rule::CaBasicConstraints, Rule::CaBasicConstraintsCritical],
                [Rule::CaKeyUsage, Rule::CaKeyUsageCritical],
            ),
            Self::DocumentSigner { mdl } => Profile {
                extended: Some(PurposeRules {
                    accepted: if mdl {
                        &[oid::MDL_DS]
                    } else {
                        &[oid::MDL_DS, oid::MDOC_DS]
                    },
                    also: &[],
                    companions: &[oid::MDL_DS, oid::MDOC_DS],
                    rule: if mdl { Rule::DsEku } else { Rule::DsEkuOther },
                    critical: Rule::DsEkuCritical,
                    exactly: Rule::DsEkuExact,
                }),
                edwards: true,
                ..self.below_authority([Rule::DsKeyUsage, Rule::DsKeyUsageCritical, Rule::DsKeyUsageExact])
            },
            Self::OcspResponder => Profile {
                extended: Some(PurposeRules::of(
                    &[oid::OCSP_SIGNING],
                    [Rule::OcspEku, Rule::OcspEkuCritical, Rule::OcspEkuExact],
                )),
                revocation: RevocationRules::ListOrNoCheck(Rule::OcspRevocation),
                ..self.below_authority([
                    Rule::OcspKeyUsage,
                    Rule::OcspKeyUsageCritical,
                    Rule::OcspKeyUsageExact,
                ])
            },
            Self::JwsSigner => Profile {
                extended: Some(PurposeRules::of(
                    &[oid::MDL_JWS],
                    [Rule::JwsEku, Rule::JwsEkuCritical, Rule::JwsEkuExact],
                )),
                ..self.below_authority([
                    Rule::JwsKeyUsage,
                    Rule::JwsKeyUsageCritical,
                    Rule::JwsKeyUsageExact,
                ])
            },
            Self::ReaderAuthentication => Profile {
                extended: Some(PurposeRules::of(
                    &[oid::MDL_READER_AUTH, oid::MDOC_READER_AUTH],
                    [Rule::ReaderEku, Rule::ReaderEkuCritical, Rule::ReaderEkuExact],
                )),
                edwards: true,
                revocation: RevocationRules::List,
                ..self.leaf([
                    Rule::ReaderKeyUsage,
                    Rule::ReaderKeyUsageCritical,
                    Rule::ReaderKeyUsageExact,
                ])
            },
            // Its purpose is optional, and has no number yet: a draft that still says "to be determined".
            Self::StatusListSigner => self.leaf([
                Rule::StatusKeyUsage,
                Rule::StatusKeyUsageCritical,
                Rule::StatusKeyUsageExact,
            ]),
            Self::VicalSigner => Profile {
                key_usage: KeyUsageRules::of_signer(
                    KeyUsage::NON_REPUDIATION,
                    [
                        Rule::VicalKeyUsage,
                        Rule::VicalKeyUsageCritical,
                        Rule::VicalKeyUsageExact,
                    ],
                ),
                extended: Some(PurposeRules {
                    accepted: &[oid::MDL_VICAL],
                    also: &[],
                    companions: &[oid::MDL_VICAL, oid::MDOC_VICAL],
                    rule: Rule::VicalEku,
                    critical: Rule::VicalEkuCritical,
                    exactly: Rule::VicalEkuExact,
                }),
                place: Place::Own,
                organization: Some(Rule::VicalOrganization),
                revocation: RevocationRules::List,
                ..self.leaf([
                    Rule::VicalKeyUsage,
                    Rule::VicalKeyUsageCritical,
                    Rule::VicalKeyUsageExact,
                ])
            },
            Self::TlsServer => Profile {
                extended: Some(PurposeRules::of(
                    &[oid::SERVER_AUTH],
                    [
                        Rule::TlsServerEku,
                        Rule::TlsServerEkuCritical,
                        Rule::TlsServerEkuExact,
                    ],
                )),
                edwards: true,
                alternative: AlternativeName::Host(Rule::TlsServerHost),
                ..self.leaf([
                    Rule::TlsServerKeyUsage,
                    Rule::TlsServerKeyUsageCritical,
                    Rule::TlsServerKeyUsageExact,
                ])
            },
            Self::TlsClient => Profile {
                extended: Some(PurposeRules {
                    accepted: &[oid::MDL_TLS_CLIENT_AUTH],
                    also: &[oid::CLIENT_AUTH],
                    companions: &[oid::MDL_TLS_CLIENT_AUTH, oid::CLIENT_AUTH],
                    rule: Rule::TlsClientEku,
                    critical: Rule::TlsClientEkuCritical,
                    exactly: Rule::TlsClientEkuExact,
                }),
                edwards: true,
                ..self.leaf([
                    Rule::TlsClientKeyUsage,
                    Rule::TlsClientKeyUsageCritical,
                    Rule::TlsClientKeyUsageExact,
                ])
            },
        }
    }

    /// A root or link of an issuing authority.
    const fn issuing_authority(self) -> Profile {
        Profile {
            key_usage: KeyUsageRules::of_authority(
                Rule::IacaKeyUsage,
                Rule::IacaKeyUsageCritical,
                Some(Rule::IacaKeyUsageExact),
            ),
            ca: Some(CaRules {
                rule: Rule::IacaBasicConstraints,
                critical: Rule::IacaBasicConstraintsCritical,
                path_len: Some(Rule::IacaPathLen),
            }),
            place: Place::CountryAndState,
            attributes: Some(OF_AUTHORITY),
            issuer_alt_name: true,
            ..self.leaf([
                Rule::IacaKeyUsage,
                Rule::IacaKeyUsageCritical,
                Rule::IacaKeyUsageExact,
            ])
        }
    }

    /// A root that the standard leaves to whoever makes it.
    const fn other_authority(self, constraints: [Rule; 2], usage: [Rule; 2]) -> Profile {
        let [rule, critical] = constraints;
        let [usage_rule, usage_critical] = usage;
        Profile {
            key_usage: KeyUsageRules::of_authority(usage_rule, usage_critical, None),
            ca: Some(CaRules {
                rule,
                critical,
                path_len: None,
            }),
            root: true,
            edwards: true,
            forbidden: &[],
            ..self.leaf([usage_rule, usage_critical, usage_rule])
        }
    }

    /// Below an issuing authority, with its country, state and contacts.
    const fn below_authority(self, usage: [Rule; 3]) -> Profile {
        Profile {
            place: Place::CountryAndState,
            attributes: Some(BELOW_AUTHORITY),
            issuer_alt_name: true,
            revocation: RevocationRules::List,
            ..self.leaf(usage)
        }
    }

    /// Signs with digitalSignature, and is otherwise free.
    const fn leaf(self, usage: [Rule; 3]) -> Profile {
        Profile {
            validity: self.longest(),
            key_usage: KeyUsageRules::of_signer(KeyUsage::DIGITAL_SIGNATURE, usage),
            extended: None,
            ca: None,
            root: false,
            edwards: false,
            place: Place::Free,
            organization: None,
            attributes: None,
            issuer_alt_name: false,
            revocation: RevocationRules::Optional,
            alternative: AlternativeName::Free,
            forbidden: &[oid::BASIC_CONSTRAINTS],
        }
    }
}
