//! What certificate extensions say, decoded only when asked for.
//!
//! A certificate with a malformed extension is still a certificate: real issuers have them. Whoever
//! needs the extension gets the error, everybody else does not notice.

use core::fmt;
use core::ops::Range;

use super::der::{self, BadCertificate, Reader};
use super::general_name::NameView;
use super::oid::{self, Oid};
use super::parsed::value_range;

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
        Self::read_in_place(from).map(|(extension, _)| extension)
    }

    /// The same, and where its object identifier is.
    pub(super) fn read_in_place(from: &mut Reader<'a>) -> Result<(Self, Range<usize>), BadCertificate> {
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
        let extension = Self {
            oid,
            critical,
            critical_encoded_oddly: !proper,
            value: value.value,
            offset: value.value_offset(),
        };
        Ok((extension, value_range(&kind)))
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

/// The purposes in an extendedKeyUsage (RFC 5280, 4.2.1.12), each given to `purpose`.
pub(super) fn extended_key_usage<'a>(
    extension: &Extension<'a>,
    mut purpose: impl FnMut(Oid<'a>),
) -> Result<(), BadCertificate> {
    const WHAT: &str = "extended key usage";
    let list = extension.one(der::SEQUENCE, WHAT)?;
    let mut inside = list.inside();
    if inside.is_empty() {
        return Err(list.bad(WHAT));
    }
    while !inside.is_empty() {
        let found = inside.one(der::OBJECT_IDENTIFIER, WHAT)?;
        purpose(Oid::from_content(found.value).ok_or(found.bad(WHAT))?);
    }
    Ok(())
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
        let mut uris = Vec::new();
        let points = Points::read(extension, |uri| uris.push(uri.to_owned()))?;
        Ok(Self {
            uris,
            other_than_uri: points.other_than_uri,
            restricted: points.restricted,
        })
    }
}

/// The same without the addresses themselves.
pub(super) struct Points {
    pub(super) other_than_uri: bool,
    pub(super) restricted: bool,
}

impl Points {
    /// Reads the list; each address is given to `uri`.
    pub(super) fn read<'a>(
        extension: &Extension<'a>,
        mut uri: impl FnMut(&'a str),
    ) -> Result<Self, BadCertificate> {
        const WHAT: &str = "list of CRL distribution points";
        let list = extension.one(der::SEQUENCE, WHAT)?;
        let mut points = list.inside();
        let mut all = Self {
            other_than_uri: false,
            restricted: false,
        };
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
                    NameView::read_all(full.inside(), |name| match name {
                        NameView::Uri(address) => uri(address),
                        _ => all.other_than_uri = true,
                    })?;
                }
                _ => all.other_than_uri = true,
            }
        }
        Ok(all)
    }
}

/// The addresses of the OCSP responders in an authorityInfoAccess (RFC 5280, 4.2.2.1), each given to `address`;
/// other kinds of access are passed over.
pub(super) fn ocsp_addresses<'a>(
    extension: &Extension<'a>,
    mut address: impl FnMut(&'a str),
) -> Result<(), BadCertificate> {
    const WHAT: &str = "authority information access";
    let list = extension.one(der::SEQUENCE, WHAT)?;
    let mut inside = list.inside();
    if inside.is_empty() {
        return Err(list.bad(WHAT));
    }
    while !inside.is_empty() {
        let mut parts = inside.one(der::SEQUENCE, WHAT)?.inside();
        let method = parts.one(der::OBJECT_IDENTIFIER, WHAT)?;
        let method = Oid::from_content(method.value).ok_or(method.bad(WHAT))?;
        let place = NameView::read(&parts.any(WHAT)?)?;
        parts.end(WHAT)?;
        if let (oid::AD_OCSP, NameView::Uri(uri)) = (method, place) {
            address(uri);
        }
    }
    Ok(())
}
