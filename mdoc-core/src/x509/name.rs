//! Distinguished names.

use core::fmt;
use std::borrow::Cow;

use super::LONGEST_NAME;
use super::der::{self, BadCertificate, Reader};
use super::oid::{self, Oid};

/// Attributes in one name; real ones have fewer than ten.
const MOST_ATTRIBUTES: usize = 64;

/// The name of an issuer or a subject, as a view of the received bytes.
///
/// Names are compared by their bytes, never by this view (ISO/IEC 18013-5, Annex B: byte-identical).
#[derive(Debug, Clone, Copy, Default)]
pub struct DistinguishedName<'a> {
    /// The relative names; read once before.
    relative_names: Reader<'a>,
}

/// One attribute of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// What it is, for example [`oid::COUNTRY`].
    pub oid: Oid<'a>,
    /// The tag of its string type.
    pub tag: u8,
    /// The content octets of the string.
    pub value: &'a [u8],
    /// Whether it shares a relative name with the one before it.
    joined: bool,
}

impl<'a> Attribute<'a> {
    const fn is_text(&self) -> bool {
        matches!(
            self.tag,
            der::UTF8_STRING | der::PRINTABLE_STRING | der::IA5_STRING | der::T61_STRING | der::BMP_STRING
        )
    }

    /// The text: of UTF8String, PrintableString, IA5String, BMPString and T61String (read as Latin-1).
    /// Octets that are no text become U+FFFD; other types are shown as `#` and hexadecimal digits.
    #[must_use]
    pub fn text(&self) -> Cow<'a, str> {
        Cow::Owned(match self.tag {
            der::UTF8_STRING | der::PRINTABLE_STRING | der::IA5_STRING => {
                return String::from_utf8_lossy(self.value);
            }
            der::T61_STRING => self.value.iter().copied().map(char::from).collect(),
            der::BMP_STRING => {
                let units = self
                    .value
                    .chunks(2)
                    .map(|pair| pair.iter().fold(0, |sum, octet| sum << 8 | u16::from(*octet)));
                char::decode_utf16(units)
                    .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
                    .collect()
            }
            _ => format!("#{}", base16ct::lower::encode_string(self.value)),
        })
    }
}

/// The attributes of a name one after another, with whatever is wrong with them.
struct Attributes<'a> {
    relative_names: Reader<'a>,
    /// What is left of the relative name begun last.
    inside: Reader<'a>,
    joined: bool,
    count: usize,
}

impl<'a> Attributes<'a> {
    fn read(&mut self) -> Result<Option<Attribute<'a>>, BadCertificate> {
        if self.inside.is_empty() {
            if self.relative_names.is_empty() {
                return Ok(None);
            }
            let set = self.relative_names.one(der::SET, "relative name")?;
            self.inside = set.inside();
            self.joined = false;
            if self.inside.is_empty() {
                return Err(set.bad("relative name"));
            }
        }
        let pair = self.inside.one(der::SEQUENCE, "name attribute")?;
        let mut parts = pair.inside();
        let kind = parts.one(der::OBJECT_IDENTIFIER, "name attribute")?;
        let value = parts.any("name attribute")?;
        parts.end("name attribute")?;
        let oid = Oid::from_content(kind.value).ok_or(kind.bad("name attribute"))?;
        if self.count == MOST_ATTRIBUTES {
            return Err(pair.bad("name of at most 64 attributes"));
        }
        self.count += 1;
        let joined = core::mem::replace(&mut self.joined, true);
        Ok(Some(Attribute {
            oid,
            tag: value.tag,
            value: value.value,
            joined,
        }))
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Attribute<'a>;

    fn next(&mut self) -> Option<Attribute<'a>> {
        self.read().ok().flatten()
    }
}

impl<'a> DistinguishedName<'a> {
    /// Reads a `Name` (RFC 5280, 4.1.2.4): the SEQUENCE with its tag.
    ///
    /// # Errors
    /// [`BadCertificate`] if it is not a sequence of sets of attributes, has more than 64 of them, or is longer than
    /// [`LONGEST_NAME`].
    pub fn from_der(name: &'a [u8]) -> Result<Self, BadCertificate> {
        Self::read(Reader::only(name, der::SEQUENCE, "name")?)
    }

    pub(super) fn read(name: der::Element<'a>) -> Result<Self, BadCertificate> {
        if name.raw.len() > LONGEST_NAME {
            return Err(name.bad("name of at most 2 KiB"));
        }
        let name = Self {
            relative_names: name.inside(),
        };
        let mut attributes = name.all();
        while attributes.read()?.is_some() {}
        Ok(name)
    }

    const fn all(&self) -> Attributes<'a> {
        Attributes {
            relative_names: self.relative_names,
            inside: Reader::new(&[]),
            joined: false,
            count: 0,
        }
    }

    /// All attributes, in the order received.
    pub fn attributes(&self) -> impl Iterator<Item = Attribute<'a>> + use<'a> {
        self.all()
    }

    /// The first attribute of that kind.
    #[must_use]
    pub fn attribute(&self, oid: Oid<'_>) -> Option<Attribute<'a>> {
        self.all().find(|attribute| attribute.oid == oid)
    }

    /// The text of the first attribute of that kind.
    #[must_use]
    pub fn text(&self, oid: Oid<'_>) -> Option<Cow<'a, str>> {
        self.attribute(oid).map(|attribute| attribute.text())
    }

    /// `C`, countryName.
    #[must_use]
    pub fn country(&self) -> Option<String> {
        self.text(oid::COUNTRY).map(Cow::into_owned)
    }

    /// `ST`, stateOrProvinceName.
    #[must_use]
    pub fn state_or_province(&self) -> Option<String> {
        self.text(oid::STATE_OR_PROVINCE).map(Cow::into_owned)
    }

    /// `CN`, commonName.
    #[must_use]
    pub fn common_name(&self) -> Option<String> {
        self.text(oid::COMMON_NAME).map(Cow::into_owned)
    }

    /// `O`, organizationName.
    #[must_use]
    pub fn organization(&self) -> Option<String> {
        self.text(oid::ORGANIZATION).map(Cow::into_owned)
    }

    /// `L`, localityName.
    #[must_use]
    pub fn locality(&self) -> Option<String> {
        self.text(oid::LOCALITY).map(Cow::into_owned)
    }
}

/// The short name of RFC 4514 (section 3), or the dotted form.
pub(super) fn short(oid: Oid<'_>) -> String {
    match oid {
        oid::COUNTRY => "C".to_owned(),
        oid::STATE_OR_PROVINCE => "ST".to_owned(),
        oid::LOCALITY => "L".to_owned(),
        oid::ORGANIZATION => "O".to_owned(),
        oid::ORGANIZATIONAL_UNIT => "OU".to_owned(),
        oid::COMMON_NAME => "CN".to_owned(),
        oid::SERIAL_NUMBER => "serialNumber".to_owned(),
        other => other.to_string(),
    }
}

impl fmt::Display for DistinguishedName<'_> {
    /// As RFC 4514 writes it: last attribute first, `CN=…,O=…,C=US`; control characters escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        let attributes: Vec<_> = self.attributes().collect();
        for attribute in attributes.iter().rev() {
            write!(f, "{separator}{}=", short(attribute.oid))?;
            let text = attribute.text();
            let last = text.chars().count().saturating_sub(1);
            for (at, c) in text.chars().enumerate() {
                match c {
                    ',' | '+' | '"' | '\\' | '<' | '>' | ';' => write!(f, "\\{c}")?,
                    '#' if at == 0 && attribute.is_text() => f.write_str("\\#")?,
                    ' ' if at == 0 || at == last => f.write_str("\\ ")?,
                    c if c.is_control() => {
                        let mut utf8 = [0; 4];
                        for octet in c.encode_utf8(&mut utf8).bytes() {
                            write!(f, "\\{octet:02x}")?;
                        }
                    }
                    c => write!(f, "{c}")?,
                }
            }
            separator = if attribute.joined { "+" } else { "," };
        }
        Ok(())
    }
}
