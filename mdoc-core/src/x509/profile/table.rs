//! One table for each role.

use super::{Role, Rule};
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
    /// Country and state belong to the role.
    pub(super) country: bool,
    /// Attributes the subject may have; `None` is any.
    pub(super) attributes: Option<&'static [Oid<'static>]>,
    pub(super) issuer_alt_name: bool,
    pub(super) crl_distribution_points: bool,
    /// Extensions that the role excludes, beside those excluded everywhere.
    pub(super) forbidden: &'static [Oid<'static>],
}

/// How long a certificate may be valid.
#[derive(Clone, Copy)]
pub(in crate::x509) enum Limit {
    Days(u32),
    Years(u16),
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

pub(super) struct PurposeRules {
    /// One of these is needed.
    pub(super) accepted: &'static [Oid<'static>],
    /// These may be there besides.
    pub(super) companions: &'static [Oid<'static>],
    pub(super) rule: Rule,
    pub(super) critical: Rule,
    pub(super) exactly: Rule,
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

impl Role {
    pub(in crate::x509) const fn longest(self) -> Limit {
        match self {
            Self::IacaRoot | Self::ReaderCa => Limit::Years(20),
            Self::DocumentSigner { .. } => Limit::Days(457),
            Self::ReaderAuthentication | Self::StatusListSigner => Limit::Days(1187),
        }
    }

    pub(super) const fn profile(self) -> Profile {
        let validity = self.longest();
        match self {
            Self::IacaRoot => Profile {
                validity,
                key_usage: KeyUsageRules {
                    needed: KeyUsage::KEY_CERT_SIGN,
                    excluded: KeyUsage::NONE,
                    exact: CERTIFICATES_AND_LISTS,
                    rule: Rule::IacaKeyUsage,
                    critical: Rule::IacaKeyUsageCritical,
                    exactly: Some(Rule::IacaKeyUsageExact),
                },
                extended: None,
                ca: Some(CaRules {
                    rule: Rule::IacaBasicConstraints,
                    critical: Rule::IacaBasicConstraintsCritical,
                    path_len: Some(Rule::IacaPathLen),
                }),
                root: true,
                edwards: false,
                country: true,
                attributes: Some(&[
                    oid::COUNTRY,
                    oid::STATE_OR_PROVINCE,
                    oid::COMMON_NAME,
                    oid::ORGANIZATION,
                    oid::SERIAL_NUMBER,
                ]),
                issuer_alt_name: true,
                crl_distribution_points: true,
                forbidden: &[oid::EXTENDED_KEY_USAGE, oid::SUBJECT_ALT_NAME],
            },
            Self::DocumentSigner { mdl } => Profile {
                validity,
                key_usage: KeyUsageRules {
                    needed: KeyUsage::DIGITAL_SIGNATURE,
                    excluded: CERTIFICATES_AND_LISTS,
                    exact: KeyUsage::DIGITAL_SIGNATURE,
                    rule: Rule::DsKeyUsage,
                    critical: Rule::DsKeyUsageCritical,
                    exactly: Some(Rule::DsKeyUsageExact),
                },
                extended: Some(PurposeRules {
                    accepted: if mdl {
                        &[oid::MDL_DS]
                    } else {
                        &[oid::MDL_DS, oid::MDOC_DS]
                    },
                    companions: &[oid::MDL_DS, oid::MDOC_DS],
                    rule: if mdl { Rule::DsEku } else { Rule::DsEkuOther },
                    critical: Rule::DsEkuCritical,
                    exactly: Rule::DsEkuExact,
                }),
                ca: None,
                root: false,
                edwards: true,
                country: true,
                attributes: Some(&[
                    oid::COUNTRY,
                    oid::STATE_OR_PROVINCE,
                    oid::COMMON_NAME,
                    oid::ORGANIZATION,
                    oid::LOCALITY,
                    oid::SERIAL_NUMBER,
                ]),
                issuer_alt_name: true,
                crl_distribution_points: true,
                forbidden: &[oid::BASIC_CONSTRAINTS],
            },
            Self::ReaderCa => Profile {
                validity,
                key_usage: KeyUsageRules {
                    needed: KeyUsage::KEY_CERT_SIGN,
                    excluded: KeyUsage::NONE,
                    exact: CERTIFICATES_AND_LISTS,
                    rule: Rule::ReaderCaKeyUsage,
                    critical: Rule::ReaderCaKeyUsageCritical,
                    exactly: None,
                },
                extended: None,
                ca: Some(CaRules {
                    rule: Rule::ReaderCaBasicConstraints,
                    critical: Rule::ReaderCaBasicConstraintsCritical,
                    path_len: None,
                }),
                root: true,
                edwards: true,
                country: false,
                attributes: None,
                issuer_alt_name: false,
                crl_distribution_points: false,
                forbidden: &[],
            },
            Self::ReaderAuthentication => Profile {
                validity,
                key_usage: KeyUsageRules {
                    needed: KeyUsage::DIGITAL_SIGNATURE,
                    excluded: CERTIFICATES_AND_LISTS,
                    exact: KeyUsage::DIGITAL_SIGNATURE,
                    rule: Rule::ReaderKeyUsage,
                    critical: Rule::ReaderKeyUsageCritical,
                    exactly: Some(Rule::ReaderKeyUsageExact),
                },
                extended: Some(PurposeRules {
                    accepted: &[oid::MDL_READER_AUTH, oid::MDOC_READER_AUTH],
                    companions: &[oid::MDL_READER_AUTH, oid::MDOC_READER_AUTH],
                    rule: Rule::ReaderEku,
                    critical: Rule::ReaderEkuCritical,
                    exactly: Rule::ReaderEkuExact,
                }),
                ca: None,
                root: false,
                edwards: true,
                country: false,
                attributes: None,
                issuer_alt_name: false,
                crl_distribution_points: true,
                forbidden: &[oid::BASIC_CONSTRAINTS],
            },
            // Its purpose is optional, and has no number yet: a draft that still says "to be determined".
            Self::StatusListSigner => Profile {
                validity,
                key_usage: KeyUsageRules {
                    needed: KeyUsage::DIGITAL_SIGNATURE,
                    excluded: CERTIFICATES_AND_LISTS,
                    exact: KeyUsage::DIGITAL_SIGNATURE,
                    rule: Rule::StatusKeyUsage,
                    critical: Rule::StatusKeyUsageCritical,
                    exactly: Some(Rule::StatusKeyUsageExact),
                },
                extended: None,
                ca: None,
                root: false,
                edwards: false,
                country: false,
                attributes: None,
                issuer_alt_name: false,
                crl_distribution_points: false,
                forbidden: &[oid::BASIC_CONSTRAINTS],
            },
        }
    }
}
