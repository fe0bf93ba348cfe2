//! One kind of certificate for each command, and what it takes from the authority above it.

use mdoc_core::crypto::{CryptoRng, PublicKey};
use mdoc_core::seams::Signer;
use mdoc_core::x509::build::{
    BuildError, DocumentSigner, IacaRoot, JwsSigner, OcspResponder, OtherCa, ReaderAuthentication, ReaderCa,
    ResponderRevocation, StatusListSigner, TlsClient, TlsServer, VicalSigner,
};
use mdoc_core::x509::oid;
use mdoc_core::x509::profile::Role;
use mdoc_core::x509::{Certificate, GeneralName};

use super::{Authority, Certified, LEAF_LIFETIME, PLACEHOLDER_CRL, ROOT_LIFETIME, Terms, UNCHECKED_LIFETIME};

/// What to make, with what only this kind has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// The root of an issuing authority.
    Iaca {
        /// `C`.
        country: String,
        /// `ST`.
        state: Option<String>,
    },
    /// The root of those who certify readers.
    ReaderCa {
        /// `C`.
        country: Option<String>,
    },
    /// The root of others: VICAL signers, TLS servers and clients.
    OtherCa {
        /// `C`.
        country: Option<String>,
    },
    /// Signs documents.
    DocumentSigner {
        /// Whether mdocDS is added to mdlDS.
        mdoc_purpose: bool,
    },
    /// Signs status lists.
    StatusListSigner,
    /// Signs requests.
    Reader {
        /// `C`; that of the issuer if none.
        country: Option<String>,
        /// Whether mdocReaderAuth is added to mdlReaderAuth.
        mdoc_purpose: bool,
        /// Where the OCSP responder of the issuer is.
        ocsp_uri: Option<String>,
    },
    /// Answers whether certificates were revoked.
    OcspResponder {
        /// Whether nobody need ask about the responder itself.
        no_check: bool,
    },
    /// Signs lists of authorities.
    VicalSigner {
        /// `C`; that of the issuer if none.
        country: Option<String>,
        /// Whether mdocVICAL is added to mdlVICAL.
        mdoc_purpose: bool,
        /// Where the OCSP responder of the issuer is.
        ocsp_uri: Option<String>,
    },
    /// Signs tokens of server retrieval.
    JwsSigner,
    /// The server of server retrieval.
    TlsServer {
        /// `C`, if any.
        country: Option<String>,
        /// Its names and addresses.
        hosts: Vec<GeneralName>,
    },
    /// The client of server retrieval.
    TlsClient {
        /// `C`, if any.
        country: Option<String>,
    },
}

impl Kind {
    /// The role that its certificates have.
    #[must_use]
    pub const fn role(&self) -> Role {
        match self {
            Self::Iaca { .. } => Role::IacaRoot,
            Self::ReaderCa { .. } => Role::ReaderCa,
            Self::OtherCa { .. } => Role::OtherCa,
            Self::DocumentSigner { .. } => Role::DocumentSigner { mdl: true },
            Self::StatusListSigner => Role::StatusListSigner,
            Self::Reader { .. } => Role::ReaderAuthentication,
            Self::OcspResponder { .. } => Role::OcspResponder,
            Self::VicalSigner { .. } => Role::VicalSigner,
            Self::JwsSigner => Role::JwsSigner,
            Self::TlsServer { .. } => Role::TlsServer,
            Self::TlsClient { .. } => Role::TlsClient,
        }
    }

    /// The name of its files: `STEM.pem`, `STEM.key.pem`.
    #[must_use]
    pub const fn stem(&self) -> &'static str {
        match self {
            Self::Iaca { .. } => "iaca",
            Self::ReaderCa { .. } => "reader-ca",
            Self::OtherCa { .. } => "ca",
            Self::DocumentSigner { .. } => "ds",
            Self::StatusListSigner => "status",
            Self::Reader { .. } => "reader",
            Self::OcspResponder { .. } => "ocsp",
            Self::VicalSigner { .. } => "vical",
            Self::JwsSigner => "jws",
            Self::TlsServer { .. } => "tls-server",
            Self::TlsClient { .. } => "tls-client",
        }
    }

    /// The kind that a certificate of that role is, with what it says; none for a link.
    #[must_use]
    pub fn of(role: Role, certificate: &Certificate) -> Option<Self> {
        let subject = certificate.subject();
        let country = subject.country();
        let has = |purpose| matches!(certificate.extended_key_usage(), Some(Ok(purposes)) if purposes.contains(&purpose));
        let ocsp_uri = match certificate.ocsp_addresses() {
            Some(Ok(addresses)) => addresses.into_iter().next(),
            _ => None,
        };
        Some(match role {
            Role::IacaRoot => Self::Iaca {
                country: country.unwrap_or_default(),
                state: subject.state_or_province(),
            },
            Role::ReaderCa => Self::ReaderCa { country },
            Role::OtherCa => Self::OtherCa { country },
            Role::DocumentSigner { .. } => Self::DocumentSigner {
                mdoc_purpose: has(oid::MDOC_DS),
            },
            Role::StatusListSigner => Self::StatusListSigner,
            Role::ReaderAuthentication => Self::Reader {
                country,
                mdoc_purpose: has(oid::MDOC_READER_AUTH),
                ocsp_uri,
            },
            Role::OcspResponder => Self::OcspResponder {
                no_check: certificate.extension(oid::OCSP_NO_CHECK).is_some(),
            },
            Role::VicalSigner => Self::VicalSigner {
                country,
                mdoc_purpose: has(oid::MDOC_VICAL),
                ocsp_uri,
            },
            Role::JwsSigner => Self::JwsSigner,
            Role::TlsServer => Self::TlsServer {
                country,
                hosts: match certificate.subject_alt_name() {
                    Some(Ok(names)) => names,
                    _ => Vec::new(),
                },
            },
            Role::TlsClient => Self::TlsClient { country },
            _ => return None,
        })
    }

    /// Makes a root, signed by its own key.
    ///
    /// # Errors
    /// [`BuildError`] for what its profile does not allow; of a kind that is no root, that it may not issue.
    pub fn root(
        &self,
        terms: &Terms,
        signer: &dyn Signer,
        rng: &mut dyn CryptoRng,
    ) -> Result<Certified, BuildError> {
        let validity = terms.validity(ROOT_LIFETIME, None);
        let (common_name, organization) = (terms.common_name.clone(), terms.organization.clone());
        let (certificate, placeholder) = match self {
            Self::Iaca { country, state } => {
                let (contacts, crl_uri, placeholder) = terms.addresses(None);
                let root = IacaRoot {
                    country: country.clone(),
                    state: state.clone(),
                    common_name,
                    organization,
                    validity,
                    contacts,
                    crl_uri,
                };
                (root.build(signer, rng)?, placeholder)
            }
            Self::ReaderCa { country } => {
                let root = ReaderCa {
                    country: country.clone(),
                    common_name,
                    organization,
                    validity,
                };
                (root.build(signer, rng)?, false)
            }
            Self::OtherCa { country } => {
                let root = OtherCa {
                    country: country.clone(),
                    common_name,
                    organization,
                    validity,
                };
                (root.build(signer, rng)?, false)
            }
            _ => return Err(BuildError::IssuerNotCa(common_name)),
        };
        Ok(Certified {
            certificate,
            placeholder,
        })
    }

    /// Makes a certificate for `key`, signed by an authority.
    ///
    /// # Errors
    /// [`BuildError`] for what its profile does not allow; of a root, that nobody issues it.
    pub fn certify(
        &self,
        terms: &Terms,
        key: &PublicKey,
        authority: Authority<'_>,
        rng: &mut dyn CryptoRng,
    ) -> Result<Certified, BuildError> {
        let Authority {
            certificate: issuer,
            signer,
        } = authority;
        let (contacts, crl_uri, mut placeholder) = terms.addresses(Some(issuer));
        let usual = match self {
            Self::OcspResponder { no_check: true } => UNCHECKED_LIFETIME,
            _ => LEAF_LIFETIME,
        };
        let validity = terms.validity(usual, Some(issuer));
        let (common_name, organization) = (terms.common_name.clone(), terms.organization.clone());
        let above = issuer.subject().country();
        let known_list = Some(crl_uri.clone()).filter(|uri| uri != PLACEHOLDER_CRL);
        let certificate = match self {
            Self::Iaca { .. } | Self::ReaderCa { .. } | Self::OtherCa { .. } => {
                return Err(BuildError::IssuerNotCa(issuer.subject().to_string()));
            }
            Self::DocumentSigner { mdoc_purpose } => DocumentSigner {
                common_name,
                organization,
                validity,
                mdoc_purpose: *mdoc_purpose,
                contacts,
                crl_uri,
            }
            .build(key, issuer, signer, rng)?,
            Self::StatusListSigner => {
                placeholder = false;
                StatusListSigner {
                    country: above,
                    common_name,
                    organization,
                    validity,
                    crl_uri: known_list,
                }
                .build(key, issuer, signer, rng)?
            }
            Self::Reader {
                country,
                mdoc_purpose,
                ocsp_uri,
            } => ReaderAuthentication {
                mdoc_purpose: *mdoc_purpose,
                country: country.clone().or(above),
                common_name,
                organization,
                validity,
                contacts,
                crl_uri,
                ocsp_uri: ocsp_uri.clone(),
            }
            .build(key, issuer, signer, rng)?,
            Self::OcspResponder { no_check } => OcspResponder {
                common_name,
                organization,
                validity,
                contacts,
                revocation: if *no_check {
                    ResponderRevocation::NoCheck
                } else {
                    ResponderRevocation::List(crl_uri)
                },
            }
            .build(key, issuer, signer, rng)?,
            Self::VicalSigner {
                country,
                mdoc_purpose,
                ocsp_uri,
            } => {
                placeholder = known_list.is_none();
                VicalSigner {
                    country: country.clone().or(above).unwrap_or_default(),
                    organization: organization
                        .or_else(|| issuer.subject().organization())
                        .unwrap_or_default(),
                    common_name,
                    validity,
                    mdoc_purpose: *mdoc_purpose,
                    crl_uri,
                    ocsp_uri: ocsp_uri.clone(),
                }
                .build(key, issuer, signer, rng)?
            }
            Self::JwsSigner => JwsSigner {
                common_name,
                organization,
                validity,
                contacts,
                crl_uri,
            }
            .build(key, issuer, signer, rng)?,
            Self::TlsServer { country, hosts } => {
                placeholder = false;
                TlsServer {
                    country: country.clone(),
                    common_name,
                    organization,
                    validity,
                    hosts: hosts.clone(),
                    crl_uri: known_list,
                }
                .build(key, issuer, signer, rng)?
            }
            Self::TlsClient { country } => {
                placeholder = false;
                TlsClient {
                    country: country.clone(),
                    common_name,
                    organization,
                    validity,
                    crl_uri: known_list,
                }
                .build(key, issuer, signer, rng)?
            }
        };
        Ok(Certified {
            certificate,
            placeholder,
        })
    }
}
