//! Alternative names.

use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr};

use super::DistinguishedName;
use super::der::{self, BadCertificate, Reader};
use super::extension::Extension;

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

/// A [`GeneralName`] as a view of the received bytes.
#[derive(Clone, Copy)]
pub(super) enum NameView<'a> {
    Email(&'a str),
    Dns(&'a str),
    Uri(&'a str),
    Directory(&'a [u8]),
    Ip(&'a [u8]),
    Other(u8),
}

impl<'a> NameView<'a> {
    pub(super) fn read(element: &der::Element<'a>) -> Result<Self, BadCertificate> {
        const WHAT: &str = "general name";
        if element.tag & 0xC0 != 0x80 {
            return Err(element.bad(WHAT));
        }
        let text = || match core::str::from_utf8(element.value) {
            Ok(text) if text.is_ascii() && !text.is_empty() => Ok(text),
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
                Ok(Self::Directory(name.raw))
            }
            0x87 if matches!(element.value.len(), 4 | 16) => Ok(Self::Ip(element.value)),
            other => Ok(Self::Other(other & 0x1F)),
        }
    }

    /// Reads names one after another; each is given to `name`.
    pub(super) fn read_all(mut names: Reader<'a>, mut name: impl FnMut(Self)) -> Result<(), BadCertificate> {
        while !names.is_empty() {
            name(Self::read(&names.any("general name")?)?);
        }
        Ok(())
    }

    pub(super) fn to_name(self) -> GeneralName {
        match self {
            Self::Email(text) => GeneralName::Email(text.to_owned()),
            Self::Dns(text) => GeneralName::Dns(text.to_owned()),
            Self::Uri(text) => GeneralName::Uri(text.to_owned()),
            Self::Directory(name) => GeneralName::Directory(name.to_vec()),
            Self::Ip(octets) => GeneralName::Ip(octets.to_vec()),
            Self::Other(tag) => GeneralName::Other(tag),
        }
    }
}

/// The names in an issuerAltName or subjectAltName, each given to `name`.
pub(super) fn general_names<'a>(
    extension: &Extension<'a>,
    name: impl FnMut(NameView<'a>),
) -> Result<(), BadCertificate> {
    const WHAT: &str = "list of general names";
    let list = extension.one(der::SEQUENCE, WHAT)?;
    if list.inside().is_empty() {
        return Err(list.bad(WHAT));
    }
    NameView::read_all(list.inside(), name)
}
