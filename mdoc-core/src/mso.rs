//! The mobile security object: what the issuer signs.

mod digests;
mod draft;
mod validity;

use std::borrow::Cow;
use std::collections::BTreeSet;

pub use self::digests::ValueDigests;
pub(crate) use self::draft::{Digests, MsoDraft};
pub use self::validity::ValidityInfo;
use crate::cbor::write::{self, Output};
use crate::cbor::{Embedded, Item};
use crate::cose::key::{self, KeyFault};
use crate::crypto::{DigestAlgorithm, PublicKey};
use crate::error::{DecodeError, Fault};
use crate::limits::Limits;

/// The largest MSO that is decoded, in bytes: room for 9,900 digests of 64 bytes.
pub const LARGEST_MSO: usize = 1 << 20;

/// What the issuer vouches for: a digest of every element, the holder's key, a period of validity.
///
/// ```cddl
/// MobileSecurityObject = {
///   "version": tstr, "digestAlgorithm": tstr, "valueDigests": {+ NameSpace => {+ DigestID => Digest}},
///   "deviceKeyInfo": DeviceKeyInfo, "docType": DocType, "validityInfo": ValidityInfo,
///   ? "status": Status
/// }
/// ```
/// Having one says that it decoded, not that anybody signed it; for that see [`crate::verify`].
///
/// Source: ISO/IEC 18013-5:2021, 9.1.2.4; `status` from the second edition.
#[derive(Debug, Clone)]
pub struct MobileSecurityObject {
    /// The version as received; its major number is 1.
    pub version: String,
    /// The hash of all digests.
    pub digest_algorithm: DigestAlgorithm,
    /// The digests, by namespace and digest ID.
    pub value_digests: ValueDigests,
    /// The holder's key and what it may sign itself.
    pub device_key_info: DeviceKeyInfo,
    /// The type of document.
    pub doc_type: String,
    /// When it was signed and is valid.
    pub validity_info: ValidityInfo,
    /// Where to ask whether it was revoked (second edition).
    pub status: Option<Status>,
}

impl MobileSecurityObject {
    /// Decodes the content of `MobileSecurityObjectBytes`.
    ///
    /// # Errors
    /// [`DecodeError`] with the path of the first offending member, or above [`LARGEST_MSO`].
    pub fn decode(item: Item<'_>) -> Result<Self, DecodeError> {
        if item.raw().len() > LARGEST_MSO {
            return Err(DecodeError::new(Fault::Limit("the MSO")));
        }
        let [version, algorithm, digests, key_info, doc_type, validity, status] = item.members([
            "version",
            "digestAlgorithm",
            "valueDigests",
            "deviceKeyInfo",
            "docType",
            "validityInfo",
            "status",
        ])?;
        let inside = |name: &'static str| move |error: DecodeError| error.within(name);
        let there = |member: Option<_>, name| member.ok_or(DecodeError::missing(name));
        let version = version_in(version)?.into_owned();
        let algorithm = there(algorithm, "digestAlgorithm")?;
        let algorithm = algorithm.expect_text().map_err(inside("digestAlgorithm"))?;
        let digest_algorithm = DigestAlgorithm::from_name(&algorithm)
            .ok_or_else(|| DecodeError::expected("SHA-256, SHA-384 or SHA-512").within("digestAlgorithm"))?;
        let value_digests = ValueDigests::decode(there(digests, "valueDigests")?);
        let value_digests = value_digests.map_err(inside("valueDigests"))?;
        let device_key_info = DeviceKeyInfo::decode(there(key_info, "deviceKeyInfo")?);
        let device_key_info = device_key_info.map_err(inside("deviceKeyInfo"))?;
        let doc_type = there(doc_type, "docType")?;
        let doc_type = doc_type.expect_name().map_err(inside("docType"))?.into_owned();
        let validity_info = ValidityInfo::decode(there(validity, "validityInfo")?);
        Ok(Self {
            version,
            digest_algorithm,
            value_digests,
            device_key_info,
            doc_type,
            validity_info: validity_info.map_err(inside("validityInfo"))?,
            status: status.filter(|status| !status.is_null()).map(Status::decode),
        })
    }
}

/// The version of a structure: `major.minor`. An unknown minor number is no error; another major one is.
pub(crate) fn version_of<'b>(item: Item<'b>) -> Result<Cow<'b, str>, DecodeError> {
    item.expect_map()?;
    version_in(item.get("version"))
}

/// As [`version_of`], for the member itself.
pub(crate) fn version_in(member: Option<Item<'_>>) -> Result<Cow<'_, str>, DecodeError> {
    let version = member
        .and_then(Item::text)
        .ok_or(DecodeError::new(Fault::NoVersion))?;
    check_version(&version).map_err(|error| error.within("version"))?;
    Ok(version)
}

/// Checks the major number of a version.
pub(crate) fn check_version(version: &str) -> Result<(), DecodeError> {
    match version.split('.').next() {
        Some("1") => Ok(()),
        _ => Err(DecodeError::new(Fault::Version(
            version.chars().take(16).collect(),
        ))),
    }
}

/// The holder's key, and which elements it may sign itself.
#[derive(Debug, Clone)]
pub struct DeviceKeyInfo {
    /// The key with which the device authenticates; a fault if it is none that we can use.
    pub device_key: Result<PublicKey, KeyFault>,
    /// What the key may sign; empty if the issuer authorised nothing.
    pub key_authorizations: KeyAuthorizations,
}

impl DeviceKeyInfo {
    fn decode(item: Item<'_>) -> Result<Self, DecodeError> {
        let [device_key, authorizations] = item.members(["deviceKey", "keyAuthorizations"])?;
        let device_key = device_key.ok_or(DecodeError::missing("deviceKey"))?;
        device_key
            .expect_map()
            .map_err(|error| error.within("deviceKey"))?;
        let key_authorizations = match authorizations.filter(|item| !item.is_null()) {
            Some(item) => {
                KeyAuthorizations::decode(item).map_err(|error| error.within("keyAuthorizations"))?
            }
            None => KeyAuthorizations::default(),
        };
        Ok(Self {
            device_key: key::decode(device_key),
            key_authorizations,
        })
    }
}

/// Elements that the device key may sign or MAC itself.
///
/// Shape: `{? "nameSpaces": [+ NameSpace], ? "dataElements": {+ NameSpace => [+ DataElementIdentifier]}}`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyAuthorizations {
    /// Namespaces of which every element is authorised.
    pub name_spaces: Vec<String>,
    /// Single elements, by namespace.
    pub data_elements: Vec<(String, Vec<String>)>,
}

impl KeyAuthorizations {
    fn decode(item: Item<'_>) -> Result<Self, DecodeError> {
        fn texts(item: Item<'_>) -> Result<Vec<String>, DecodeError> {
            item.expect_array()?
                .map(|name| Ok(name.expect_name()?.into_owned()))
                .collect()
        }
        item.expect_map()?;
        let name_spaces = item
            .optional("nameSpaces")
            .map(texts)
            .transpose()?
            .unwrap_or_default();
        let mut data_elements = Vec::new();
        if let Some(elements) = item.optional("dataElements") {
            for (name, identifiers) in elements.expect_map()? {
                data_elements.push((name.expect_name()?.into_owned(), texts(identifiers)?));
            }
        }
        Ok(Self {
            name_spaces,
            data_elements,
        })
    }

    /// The same in a form that is searched: made once for a message, however many elements it has.
    #[must_use]
    pub fn lookup(&self) -> Authorized<'_> {
        let name_spaces = self.name_spaces.iter().map(String::as_str).collect();
        let elements = self
            .data_elements
            .iter()
            .flat_map(|(name, elements)| elements.iter().map(|element| (name.as_str(), element.as_str())));
        Authorized {
            name_spaces,
            elements: elements.collect(),
        }
    }

    fn is_empty(&self) -> bool {
        self.name_spaces.is_empty() && self.data_elements.is_empty()
    }

    fn write(&self, out: &mut impl Output) {
        let parts = usize::from(!self.name_spaces.is_empty()) + usize::from(!self.data_elements.is_empty());
        write::map(out, parts);
        if !self.name_spaces.is_empty() {
            write::text(out, "nameSpaces");
            write::array(out, self.name_spaces.len());
            for name in &self.name_spaces {
                write::text(out, name);
            }
        }
        if !self.data_elements.is_empty() {
            write::text(out, "dataElements");
            write::map(out, self.data_elements.len());
            for (name, elements) in &self.data_elements {
                write::text(out, name);
                write::array(out, elements.len());
                for element in elements {
                    write::text(out, element);
                }
            }
        }
    }
}

/// [`KeyAuthorizations`] to be searched.
#[derive(Debug, Clone)]
pub struct Authorized<'a> {
    name_spaces: BTreeSet<&'a str>,
    elements: BTreeSet<(&'a str, &'a str)>,
}

impl Authorized<'_> {
    /// Whether the device key may vouch for this element (ISO/IEC 18013-5:2021, 9.1.2.4).
    #[must_use]
    pub fn permits(&self, name_space: &str, element: &str) -> bool {
        self.name_spaces.contains(name_space) || self.elements.contains(&(name_space, element))
    }
}

/// Where the status of the document is published (second edition).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// Position in a token status list.
    pub status_list: Option<StatusListReference>,
    /// Identifier to look for in an identifier list.
    pub identifier_list: Option<IdentifierListReference>,
    /// Whether there is something this crate cannot read.
    pub unknown: bool,
}

/// `{"idx": uint, "uri": tstr, ? "certificate": bstr}`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusListReference {
    /// Position in the list, from 0.
    pub index: u64,
    /// Where the list is.
    pub uri: String,
    /// DER of the certificate that the list's chain ends in, if it is not the IACA.
    pub certificate: Option<Vec<u8>>,
}

/// `{"id": bstr, "uri": tstr, ? "certificate": bstr}`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentifierListReference {
    /// The identifier of this document.
    pub id: Vec<u8>,
    /// Where the list is.
    pub uri: String,
    /// DER of the certificate that the list's chain ends in, if it is not the IACA.
    pub certificate: Option<Vec<u8>>,
}

impl Status {
    fn decode(item: Item<'_>) -> Self {
        let text = |item: Item<'_>, name| Some(item.optional(name)?.text()?.into_owned());
        let bytes = |item: Item<'_>, name| Some(item.optional(name)?.bytes()?.into_owned());
        let status_list = item.optional("status_list").and_then(|list| {
            let index = list.optional("idx")?.unsigned()?;
            Some(StatusListReference {
                index,
                uri: text(list, "uri")?,
                certificate: bytes(list, "certificate"),
            })
        });
        let identifier_list = item.optional("identifier_list").and_then(|list| {
            let id = bytes(list, "id")?;
            Some(IdentifierListReference {
                id,
                uri: text(list, "uri")?,
                certificate: bytes(list, "certificate"),
            })
        });
        let unknown = status_list.is_none() && identifier_list.is_none();
        Self {
            status_list,
            identifier_list,
            unknown,
        }
    }

    fn write(&self, out: &mut impl Output) {
        let lists = usize::from(self.status_list.is_some()) + usize::from(self.identifier_list.is_some());
        write::map(out, lists);
        if let Some(list) = &self.status_list {
            write::text(out, "status_list");
            write::map(out, 2 + usize::from(list.certificate.is_some()));
            write::text(out, "idx");
            write::unsigned(out, list.index);
            write::text(out, "uri");
            write::text(out, &list.uri);
            write_certificate(out, list.certificate.as_deref());
        }
        if let Some(list) = &self.identifier_list {
            write::text(out, "identifier_list");
            write::map(out, 2 + usize::from(list.certificate.is_some()));
            write::text(out, "id");
            write::bytes(out, &list.id);
            write::text(out, "uri");
            write::text(out, &list.uri);
            write_certificate(out, list.certificate.as_deref());
        }
    }
}

fn write_certificate(out: &mut impl Output, certificate: Option<&[u8]>) {
    if let Some(der) = certificate {
        write::text(out, "certificate");
        write::bytes(out, der);
    }
}

/// The MSO inside the payload of an issuerAuth: `MobileSecurityObjectBytes` is a tag 24 item.
///
/// # Errors
/// [`DecodeError`] if the payload is not exactly that.
pub fn decode_payload(payload: &[u8], limits: &Limits) -> Result<MobileSecurityObject, DecodeError> {
    let bytes = Item::parse(payload, limits).and_then(Embedded::new)?;
    bytes.item(limits).and_then(MobileSecurityObject::decode)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_mso_has_a_largest_size() {
        let fault = |content: usize| {
            let mut bytes = vec![0x5a];
            bytes.extend_from_slice(&u32::try_from(content).unwrap().to_be_bytes());
            bytes.resize(5 + content, 0);
            let item = Item::parse(&bytes, &Limits::DEFAULT).unwrap();
            MobileSecurityObject::decode(item).unwrap_err().fault().clone()
        };
        assert_eq!(fault(LARGEST_MSO - 4), Fault::Limit("the MSO"));
        assert_ne!(fault(LARGEST_MSO - 5), Fault::Limit("the MSO"), "no map");
    }
}
