//! What certificate extensions say, decoded only when asked for.
//!
//! A certificate with a malformed extension is still a certificate: real issuers have them. Whoever
//! needs the extension gets the error, everybody else does not notice.

use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr};

use super::DistinguishedName;
use super::der::{self, BadCertificate, Reader};
use super::oid::{self, Oid};

/// One extension as received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extension<'a> {
    /// Which one.
    pub oid: Oid<'a>,
    /// Whether who does not understand it has to refuse the certificate.
    pub critical: bool,
    /// Whether `critical` is written in another way than DER asks: `FALSE` spelled out, or true not as `FF`.
    pub critical_encoded_oddly: bool,
    /// The content of the OCTET STRING, not yet decoded.
    pub value: &'a [u8],
    /// Where that content begins in the certificate.
    pub(super) offset: usize,
}

impl<'a> Extension<'a> {
    /// `Extension` of RFC 5280 (4.1.2.9).
    pub(super) fn read(from: &mut Reader<'a>) -> Result<Self, BadCertificate> {
        const WHAT: &str = "extension";
        let mut parts = from.one(der::SEQUENCE, WHAT)?.inside();
        let kind = parts.one(der::OBJECT_IDENTIFIER, WHAT)?;
        let oid = Oid::from_content(kind.value).ok_or(kind.bad(WHAT))?;
        let (critical, proper) = match parts.optional(der::BOOLEAN, WHAT)? {
            Some(flag) => {
                let (critical, proper) = flag.boolean(WHAT)?;
                (critical, proper && critical)
            }
            None => (false, true),
        };
        let value = parts.one(der::OCTET_STRING, WHAT)?;
        parts.end(WHAT)?;
        Ok(Self {
            oid,
            critical,
            critical_encoded_oddly: !proper,
            value: value.value,
            offset: value.value_offset(),
        })
    }

    pub(super) fn one(&self, tag: u8, what: &'static str) -> Result<der::Element<'a>, BadCertificate> {
        let mut reader = Reader::at(self.value, self.offset);
        let element = reader.one(tag, what)?;
        reader.end(what)?;
        Ok(element)
    }
}

/// A set of key usages (RFC 5280, 4.2.1.3).
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct KeyUsage(u16);

impl KeyUsage {
    /// No usage at all.
    pub const NONE: Self = Self(0);
    /// May sign data.
    pub const DIGITAL_SIGNATURE: Self = Self(1);
    /// May sign for later proof (contentCommitment).
    pub const NON_REPUDIATION: Self = Self(1 << 1);
    /// May sign certificates.
    pub const KEY_CERT_SIGN: Self = Self(1 << 5);
    /// May sign revocation lists.
    pub const CRL_SIGN: Self = Self(1 << 6);

    const NAMES: [&'static str; 9] = [
        "digitalSignature",
        "nonRepudiation",
        "keyEncipherment",
        "dataEncipherment",
        "keyAgreement",
        "keyCertSign",
        "cRLSign",
        "encipherOnly",
        "decipherOnly",
    ];

    /// The usages in either.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` are in this set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether any of `other` is in this set.
    #[must_use]
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(super) fn read(extension: &Extension<'_>) -> Result<Self, BadCertificate> {
        const WHAT: &str = "key usage";
        let bits = extension.one(der::BIT_STRING, WHAT)?;
        let (unused, octets) = bits.value.split_first().ok_or(bits.bad(WHAT))?;
        if *unused > 7 || octets.is_empty() || octets.len() > 2 {
            return Err(bits.bad(WHAT));
        }
        let mut set = 0;
        for (at, octet) in octets.iter().enumerate() {
            set |= u16::from(octet.reverse_bits()) << (8 * at);
        }
        Ok(Self(set))
    }

    /// The BIT STRING; trailing zero bits are left out, as DER asks of named bits.
    pub(super) fn to_der(self) -> Vec<u8> {
        let [low, high] = self.0.to_le_bytes();
        let octets = [low.reverse_bits(), high.reverse_bits()];
        let (last, octets) = match octets {
            [first, 0] => (first, octets.get(..1).unwrap_or_default()),
            [_, second] => (second, octets.as_slice()),
        };
        let unused = u8::try_from(last.trailing_zeros().min(7)).unwrap_or(0);
        der::tlv(der::BIT_STRING, &[&[unused], octets])
    }
}

impl fmt::Display for KeyUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (at, name) in Self::NAMES.iter().enumerate() {
            if self.0 & (1 << at) != 0 {
                write!(f, "{separator}{name}")?;
                separator = ", ";
            }
        }
        if separator.is_empty() {
            f.write_str("nothing")?;
        }
        Ok(())
    }
}

impl fmt::Debug for KeyUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyUsage({self})")
    }
}

/// Whether the key may issue certificates, and how long a chain (RFC 5280, 4.2.1.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BasicConstraints {
    /// May issue certificates.
    pub ca: bool,
    /// How many intermediate certificates may follow; `None` is no limit.
    pub path_len: Option<u32>,
    /// Whether `cA` is written in another way than DER asks; counted as true if it is not zero.
    pub encoded_oddly: bool,
}

impl BasicConstraints {
    pub(super) fn read(extension: &Extension<'_>) -> Result<Self, BadCertificate> {
        const WHAT: &str = "basic constraints";
        let mut parts = extension.one(der::SEQUENCE, WHAT)?.inside();
        let (ca, encoded_oddly) = match parts.optional(der::BOOLEAN, WHAT)? {
            Some(flag) => {
                let (ca, proper) = flag.boolean(WHAT)?;
                (ca, !(proper && ca))
            }
            None => (false, false),
        };
        let path_len = match parts.optional(der::INTEGER, WHAT)? {
            Some(number) => {
                let digits = number.unsigned(WHAT)?;
                if digits.len() > 4 {
                    return Err(number.bad(WHAT));
                }
                Some(digits.iter().fold(0, |sum, digit| sum << 8 | u32::from(*digit)))
            }
            None => None,
        };
        parts.end(WHAT)?;
        Ok(Self {
            ca,
            path_len,
            encoded_oddly,
        })
    }
}

/// The purposes in an extendedKeyUsage (RFC 5280, 4.2.1.12).
pub(super) fn extended_key_usage<'a>(extension: &Extension<'a>) -> Result<Vec<Oid<'a>>, BadCertificate> {
    const WHAT: &str = "extended key usage";
    let list = extension.one(der::SEQUENCE, WHAT)?;
    let (mut inside, mut purposes) = (list.inside(), Vec::new());
    while !inside.is_empty() {
        let purpose = inside.one(der::OBJECT_IDENTIFIER, WHAT)?;
        purposes.push(Oid::from_content(purpose.value).ok_or(purpose.bad(WHAT))?);
    }
    if purposes.is_empty() {
        return Err(list.bad(WHAT));
    }
    Ok(purposes)
}

/// Which key of the issuer signed (RFC 5280, 4.2.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuthorityKeyIdentifier<'a> {
    /// The subject key identifier of the issuer.
    pub key_identifier: Option<&'a [u8]>,
}

impl<'a> AuthorityKeyIdentifier<'a> {
    pub(super) fn read(extension: &Extension<'a>) -> Result<Self, BadCertificate> {
        const WHAT: &str = "authority key identifier";
        let mut parts = extension.one(der::SEQUENCE, WHAT)?.inside();
        let key_identifier = parts.optional(der::context(0), WHAT)?.map(|id| id.value);
        parts.optional(der::constructed(1), WHAT)?;
        parts.optional(der::context(2), WHAT)?;
        parts.end(WHAT)?;
        Ok(Self { key_identifier })
    }
}

/// An alternative name (RFC 5280, 4.2.1.6).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum GeneralName {
    /// rfc822Name: an e-mail address.
    Email(String),
    /// dNSName: a host.
    Dns(String),
    /// uniformResourceIdentifier.
    Uri(String),
    /// directoryName: a distinguished name in DER.
    Directory(Vec<u8>),
    /// iPAddress: 4 or 16 octets.
    Ip(Vec<u8>),
    /// Any other kind, by its tag number.
    Other(u8),
}

/// The kind and what it says: `DNS name utopia.example`.
impl fmt::Display for GeneralName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Email(text) => write!(f, "e-mail address {}", text.escape_default()),
            Self::Dns(text) => write!(f, "DNS name {}", text.escape_default()),
            Self::Uri(text) => write!(f, "URI {}", text.escape_default()),
            Self::Directory(name) => match DistinguishedName::from_der(name) {
                Ok(name) => write!(f, "directory name {name}"),
                Err(_) => f.write_str("malformed directory name"),
            },
            Self::Ip(octets) => {
                if let Ok(four) = <[u8; 4]>::try_from(octets.as_slice()) {
                    write!(f, "IP address {}", Ipv4Addr::from(four))
                } else if let Ok(sixteen) = <[u8; 16]>::try_from(octets.as_slice()) {
                    write!(f, "IP address {}", Ipv6Addr::from(sixteen))
                } else {
                    f.write_str("malformed IP address")
                }
            }
            Self::Other(tag) => write!(f, "name of kind [{tag}]"),
        }
    }
}

impl GeneralName {
    fn read(element: &der::Element<'_>) -> Result<Self, BadCertificate> {
        const WHAT: &str = "general name";
        if element.tag & 0xC0 != 0x80 {
            return Err(element.bad(WHAT));
        }
        let text = || match core::str::from_utf8(element.value) {
            Ok(text) if text.is_ascii() && !text.is_empty() => Ok(text.to_owned()),
            _ => Err(element.bad(WHAT)),
        };
        match element.tag {
            0x81 => text().map(Self::Email),
            0x82 => text().map(Self::Dns),
            0x86 => text().map(Self::Uri),
            0xA4 => {
                let mut inside = element.inside();
                let name = inside.one(der::SEQUENCE, WHAT)?;
                inside.end(WHAT)?;
                DistinguishedName::read(name)?;
                Ok(Self::Directory(name.raw.to_vec()))
            }
            0x87 if matches!(element.value.len(), 4 | 16) => Ok(Self::Ip(element.value.to_vec())),
            other => Ok(Self::Other(other & 0x1F)),
        }
    }

    fn read_all(mut names: Reader<'_>) -> Result<Vec<Self>, BadCertificate> {
        let mut all = Vec::new();
        while !names.is_empty() {
            all.push(Self::read(&names.any("general name")?)?);
        }
        Ok(all)
    }

    pub(super) fn to_der(&self) -> Vec<u8> {
        match self {
            Self::Email(text) => der::tlv(der::context(1), &[text.as_bytes()]),
            Self::Dns(text) => der::tlv(der::context(2), &[text.as_bytes()]),
            Self::Uri(text) => der::tlv(der::context(6), &[text.as_bytes()]),
            Self::Directory(name) => der::tlv(der::constructed(4), &[name]),
            Self::Ip(octets) => der::tlv(der::context(7), &[octets]),
            Self::Other(_) => Vec::new(),
        }
    }
}

/// The names in an issuerAltName or subjectAltName.
pub(super) fn general_names(extension: &Extension<'_>) -> Result<Vec<GeneralName>, BadCertificate> {
    const WHAT: &str = "list of general names";
    let list = extension.one(der::SEQUENCE, WHAT)?;
    let names = GeneralName::read_all(list.inside())?;
    if names.is_empty() {
        return Err(list.bad(WHAT));
    }
    Ok(names)
}

/// Where revocation lists are to be had (RFC 5280, 4.2.1.13).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CrlDistributionPoints {
    /// All URIs, in the order given.
    pub uris: Vec<String>,
    /// Whether a point names something that is no URI, or nothing.
    pub other_than_uri: bool,
    /// Whether a point has `reasons` or `cRLIssuer`, which the profile excludes.
    pub restricted: bool,
}

/// The addresses, and what the profile does not allow beside them.
impl fmt::Display for CrlDistributionPoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.uris.is_empty() {
            f.write_str("no URI")?;
        }
        let mut between = "";
        for uri in &self.uris {
            write!(f, "{between}URI {}", uri.escape_default())?;
            between = ", ";
        }
        if self.other_than_uri {
            f.write_str(", a point without a URI or with another name")?;
        }
        if self.restricted {
            f.write_str(", a point with reasons or a CRL issuer")?;
        }
        Ok(())
    }
}

impl CrlDistributionPoints {
    pub(super) fn read(extension: &Extension<'_>) -> Result<Self, BadCertificate> {
        const WHAT: &str = "list of CRL distribution points";
        let list = extension.one(der::SEQUENCE, WHAT)?;
        let (mut points, mut all) = (list.inside(), Self::default());
        if points.is_empty() {
            return Err(list.bad(WHAT));
        }
        while !points.is_empty() {
            let mut parts = points.one(der::SEQUENCE, WHAT)?.inside();
            let name = match parts.optional(der::constructed(0), WHAT)? {
                Some(point) => {
                    let mut choice = point.inside();
                    let name = choice.any(WHAT)?;
                    choice.end(WHAT)?;
                    Some(name)
                }
                None => None,
            };
            all.restricted |= parts.optional(der::context(1), WHAT)?.is_some();
            all.restricted |= parts.optional(der::constructed(2), WHAT)?.is_some();
            parts.end(WHAT)?;
            match name {
                Some(full) if full.tag == der::constructed(0) => {
                    for name in GeneralName::read_all(full.inside())? {
                        match name {
                            GeneralName::Uri(uri) => all.uris.push(uri),
                            _ => all.other_than_uri = true,
                        }
                    }
                }
                _ => all.other_than_uri = true,
            }
        }
        Ok(all)
    }
}

/// The addresses of the OCSP responders in an authorityInfoAccess (RFC 5280, 4.2.2.1); other kinds of access
/// are passed over.
pub(super) fn ocsp_addresses(extension: &Extension<'_>) -> Result<Vec<String>, BadCertificate> {
    const WHAT: &str = "authority information access";
    let list = extension.one(der::SEQUENCE, WHAT)?;
    let (mut inside, mut addresses) = (list.inside(), Vec::new());
    if inside.is_empty() {
        return Err(list.bad(WHAT));
    }
    while !inside.is_empty() {
        let mut parts = inside.one(der::SEQUENCE, WHAT)?.inside();
        let method = parts.one(der::OBJECT_IDENTIFIER, WHAT)?;
        let method = Oid::from_content(method.value).ok_or(method.bad(WHAT))?;
        let place = GeneralName::read(&parts.any(WHAT)?)?;
        parts.end(WHAT)?;
        if let (oid::AD_OCSP, GeneralName::Uri(uri)) = (method, place) {
            addresses.push(uri);
        }
    }
    Ok(addresses)
}
