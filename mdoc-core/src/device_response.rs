//! What the holder sends: documents, or the reasons why there are none.

use std::borrow::Cow;

use crate::cbor::{Item, Members, Shape};
use crate::device_signed::DeviceSigned;
use crate::error::{DecodeError, Fault};
use crate::issuer_signed::IssuerSigned;
use crate::limits::Limits;
use crate::mso::version_in;

/// The members of a response.
const MEMBERS: [&str; 4] = ["version", "status", "documents", "documentErrors"];

/// An answer to a DeviceRequest.
///
/// ```cddl
/// DeviceResponse = {"version": tstr, ? "documents": [+ Document],
///                   ? "documentErrors": [+ {DocType => int}], "status": uint}
/// ```
/// The documents stay undecoded, so that a fault in one does not hide the others.
///
/// Source: ISO/IEC 18013-5:2021, 8.3.2.1.2.2.
#[derive(Debug, Clone)]
pub struct DeviceResponse<'b> {
    /// The version as received; its major number is 1.
    pub version: Cow<'b, str>,
    /// 0 for OK; 10, 11, 12 for errors.
    pub status: u64,
    /// The documents, each to be given to [`Document::from_item`].
    pub documents: Vec<Item<'b>>,
    /// Documents that were asked for and not returned, with their error codes; 0 gives no reason.
    pub document_errors: Vec<(Cow<'b, str>, i64)>,
}

impl<'b> DeviceResponse<'b> {
    /// Decodes a response down to its documents.
    ///
    /// # Errors
    /// [`DecodeError`] with the path of the first offending member.
    pub fn decode(bytes: &'b [u8], limits: &Limits) -> Result<Self, DecodeError> {
        Self::decode_with_shape(bytes, limits).map(|(response, _)| response)
    }

    /// The same in one pass, and tells how it was written.
    pub(crate) fn decode_with_shape(bytes: &'b [u8], limits: &Limits) -> Result<(Self, Shape), DecodeError> {
        let (shape, found) = Item::parse_members(bytes, limits, MEMBERS)?;
        let response = found.and_then(|found| Self::of(found, limits))?;
        Ok((response, shape))
    }

    /// As [`DeviceResponse::decode`], for an item that was parsed before.
    ///
    /// # Errors
    /// [`DecodeError`] with the path of the first offending member.
    pub fn from_item(item: Item<'b>, limits: &Limits) -> Result<Self, DecodeError> {
        item.members(MEMBERS).and_then(|found| Self::of(found, limits))
    }

    /// From the members with the names in [`MEMBERS`].
    fn of(
        [version, status, documents_member, errors]: Members<'b, 4>,
        limits: &Limits,
    ) -> Result<Self, DecodeError> {
        let version = version_in(version)?;
        let status = status
            .ok_or(DecodeError::missing("status"))?
            .expect_unsigned()
            .map_err(|error| error.within("status"))?;
        let mut documents = Vec::new();
        if let Some(list) = documents_member.filter(|list| !list.is_null()) {
            let list = list.expect_array().map_err(|error| error.within("documents"))?;
            documents.reserve_exact(list.room().min(limits.documents));
            for document in list {
                if documents.len() == limits.documents {
                    return Err(DecodeError::new(Fault::Limit("the number of documents")));
                }
                documents.push(document);
            }
        }
        let document_errors = errors
            .filter(|errors| !errors.is_null())
            .map(document_errors)
            .unwrap_or_default();
        Ok(Self {
            version,
            status,
            documents,
            document_errors,
        })
    }
}

/// Codes are a courtesy of the wallet: what cannot be read of them is left out.
fn document_errors(list: Item<'_>) -> Vec<(Cow<'_, str>, i64)> {
    let maps = list.array().into_iter().flatten().filter_map(Item::map);
    maps.flatten()
        .filter_map(|(doc_type, code)| Some((doc_type.expect_name().ok()?, code.integer()?)))
        .collect()
}

/// One document of a response.
///
/// ```cddl
/// Document = {"docType": tstr, "issuerSigned": IssuerSigned, "deviceSigned": DeviceSigned,
///             ? "errors": {+ NameSpace => {+ DataElementIdentifier => int}}}
/// ```
///
/// Source: ISO/IEC 18013-5:2021, 8.3.2.1.2.2.
#[derive(Debug, Clone)]
pub struct Document<'b> {
    /// The type that the document claims; the MSO must say the same.
    pub doc_type: Cow<'b, str>,
    /// The issuer's part.
    pub issuer_signed: IssuerSigned<'b>,
    /// The device's part.
    pub device_signed: DeviceSigned<'b>,
    /// Elements that were asked for and not returned.
    pub errors: Vec<ElementError<'b>>,
}

/// An element that was not returned, with the wallet's code; 0 gives no reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ElementError<'b> {
    /// The namespace of the element.
    pub name_space: Cow<'b, str>,
    /// The name of the element.
    pub element_identifier: Cow<'b, str>,
    /// 0, or a negative code of the application.
    pub code: i64,
}

impl<'b> Document<'b> {
    /// Decodes one document.
    ///
    /// # Errors
    /// [`DecodeError`] with the path of the first offending member.
    pub fn from_item(item: Item<'b>, limits: &Limits) -> Result<Self, DecodeError> {
        let ([doc_type, issuer_signed, device_signed], errors) = document_members(item)?;
        let doc_type = doc_type?.expect_name().map_err(|error| error.within("docType"))?;
        let issuer_signed =
            IssuerSigned::from_item(issuer_signed?, limits).map_err(|error| error.within("issuerSigned"))?;
        let device_signed =
            DeviceSigned::from_item(device_signed?, limits).map_err(|error| error.within("deviceSigned"))?;
        Ok(Self {
            doc_type,
            issuer_signed,
            device_signed,
            errors: errors.map(codes).unwrap_or_default(),
        })
    }
}

/// A member of a document, or that it is missing.
type Required<'b> = Result<Item<'b>, DecodeError>;

/// The required members of a document, in the order docType, issuerSigned, deviceSigned; then the errors, if it has any.
///
/// # Errors
/// [`DecodeError`] if it is no map; of a single member if it is missing.
pub(crate) fn document_members(
    document: Item<'_>,
) -> Result<([Required<'_>; 3], Option<Item<'_>>), DecodeError> {
    const NAMES: [&str; 4] = ["docType", "issuerSigned", "deviceSigned", "errors"];
    let [doc_type, issuer_signed, device_signed, errors] = document.members(NAMES)?;
    let there = |member: Option<_>, name| member.ok_or(DecodeError::missing(name));
    let required = [
        there(doc_type, "docType"),
        there(issuer_signed, "issuerSigned"),
        there(device_signed, "deviceSigned"),
    ];
    Ok((required, errors))
}

/// The per-element errors of a document; what cannot be read of them is left out.
#[must_use]
pub fn element_errors(document: Item<'_>) -> Vec<ElementError<'_>> {
    document.get("errors").map(codes).unwrap_or_default()
}

/// The codes in the `errors` of a document.
fn codes(errors: Item<'_>) -> Vec<ElementError<'_>> {
    let spaces = errors.map().into_iter().flatten();
    let mut errors = Vec::new();
    for (name_space, codes) in spaces {
        let Ok(name_space) = name_space.expect_name() else {
            continue;
        };
        for (identifier, code) in codes.map().into_iter().flatten() {
            if let (Ok(element_identifier), Some(code)) = (identifier.expect_name(), code.integer()) {
                errors.push(ElementError {
                    name_space: name_space.clone(),
                    element_identifier,
                    code,
                });
            }
        }
    }
    errors
}
