//! What the issuer gives to the wallet: the signed MSO and the elements that it has digests of.

use std::borrow::Cow;

use crate::cbor::{Embedded, Item, Members, Shape};
use crate::cose::Sign1;
use crate::error::DecodeError;
use crate::limits::Limits;
use crate::mso::{self, MobileSecurityObject};

/// An issued document, or the part of one that a holder released.
///
/// Shape: `{"issuerAuth": COSE_Sign1, ? "nameSpaces": {+ NameSpace => [+ IssuerSignedItemBytes]}}`. Views
/// of the received bytes; having one says that it decoded, not that anything was checked.
///
/// Source: ISO/IEC 18013-5:2021, 8.3.2.1.2.2 and 9.1.2.4.
#[derive(Debug, Clone)]
pub struct IssuerSigned<'b> {
    raw: Item<'b>,
    issuer_auth: Sign1<'b>,
    name_spaces: NameSpaces<'b>,
}

impl<'b> IssuerSigned<'b> {
    /// Decodes the map with its namespaces; the items in them are decoded one by one when asked for.
    ///
    /// # Errors
    /// [`DecodeError`] with the path of the first offending member.
    pub fn decode(bytes: &'b [u8], limits: &Limits) -> Result<Self, DecodeError> {
        Self::from_item(Item::parse(bytes, limits)?, limits)
    }

    /// As [`IssuerSigned::decode`], for an item within a larger message.
    ///
    /// # Errors
    /// [`DecodeError`] with the path of the first offending member.
    pub fn from_item(item: Item<'b>, limits: &Limits) -> Result<Self, DecodeError> {
        let [issuer_auth, spaces] = item.members(["issuerAuth", "nameSpaces"])?;
        let issuer_auth = issuer_auth.ok_or(DecodeError::missing("issuerAuth"))?;
        let issuer_auth = Sign1::decode(issuer_auth, limits).map_err(|error| error.within("issuerAuth"))?;
        Ok(Self {
            raw: item,
            issuer_auth,
            name_spaces: name_spaces(spaces)?,
        })
    }

    /// The map as received.
    #[must_use]
    pub const fn raw(&self) -> &'b [u8] {
        self.raw.raw()
    }

    /// The signature with its certificates.
    #[must_use]
    pub const fn issuer_auth(&self) -> &Sign1<'b> {
        &self.issuer_auth
    }

    /// The issuerAuth as received, for passing it on.
    pub(crate) fn issuer_auth_raw(&self) -> Option<&'b [u8]> {
        self.raw.get("issuerAuth").map(Item::raw)
    }

    /// The MSO in the payload of the issuerAuth.
    ///
    /// # Errors
    /// [`DecodeError`] if the payload is detached or no MSO.
    pub fn mso(&self, limits: &Limits) -> Result<MobileSecurityObject, DecodeError> {
        let payload = self.issuer_auth.payload().ok_or(DecodeError::missing("payload"));
        payload
            .and_then(|payload| mso::decode_payload(payload, limits))
            .map_err(|error| error.within("payload").within("issuerAuth"))
    }

    /// The items by namespace, in the order received.
    #[must_use]
    pub fn name_spaces(&self) -> &[(Cow<'b, str>, Vec<Embedded<'b>>)] {
        &self.name_spaces
    }
}

/// `IssuerSignedItemBytes` by namespace, in the order received.
pub type NameSpaces<'b> = Vec<(Cow<'b, str>, Vec<Embedded<'b>>)>;

/// The items in the `nameSpaces` of an IssuerSigned map; none is as good as an empty map (the mdoc released nothing).
pub(crate) fn name_spaces(spaces: Option<Item<'_>>) -> Result<NameSpaces<'_>, DecodeError> {
    let Some(spaces) = spaces else {
        return Ok(Vec::new());
    };
    let entries = spaces.expect_map().map_err(|error| error.within("nameSpaces"))?;
    let mut name_spaces = Vec::with_capacity(entries.room());
    for (name, items) in entries {
        let name = name.expect_name().map_err(|error| error.within("nameSpaces"))?;
        let items = items_of(items).map_err(|error| error.within(&name).within("nameSpaces"))?;
        name_spaces.push((name, items));
    }
    Ok(name_spaces)
}

fn items_of(items: Item<'_>) -> Result<Vec<Embedded<'_>>, DecodeError> {
    let items = items.expect_array()?;
    let mut decoded = Vec::with_capacity(items.room());
    for item in items {
        decoded.push(Embedded::new(item)?);
    }
    if decoded.is_empty() {
        return Err(DecodeError::expected("at least one item"));
    }
    Ok(decoded)
}

/// The members of an element.
const MEMBERS: [&str; 4] = ["digestID", "random", "elementIdentifier", "elementValue"];

/// One element with its salt.
///
/// ```cddl
/// IssuerSignedItem = {"digestID": uint, "random": bstr, "elementIdentifier": tstr, "elementValue": any}
/// ```
/// The order of the members is the issuer's (trap 6): this is read as a map.
///
/// Source: ISO/IEC 18013-5:2021, 8.3.2.1.2.2.
#[derive(Debug, Clone)]
pub struct IssuerSignedItem<'b> {
    /// The digest in the MSO that belongs to this item.
    pub digest_id: u64,
    /// The salt, at least 16 bytes.
    pub random: Cow<'b, [u8]>,
    /// The name of the element.
    pub element_identifier: Cow<'b, str>,
    /// The value, as received.
    pub element_value: Item<'b>,
}

impl<'b> IssuerSignedItem<'b> {
    /// Decodes the map inside `IssuerSignedItemBytes`.
    ///
    /// # Errors
    /// [`DecodeError`] if a member is missing or has another type.
    pub fn decode(item: Item<'b>) -> Result<Self, DecodeError> {
        item.members(MEMBERS).and_then(Self::of)
    }

    /// Checks and decodes the content of `IssuerSignedItemBytes` in one pass.
    ///
    /// # Errors
    /// [`DecodeError`] if the content is not exactly one well-formed item, or as [`IssuerSignedItem::decode`].
    pub fn read(bytes: &'b Embedded<'_>, limits: &Limits) -> Result<Self, DecodeError> {
        Self::read_with_shape(bytes, limits).and_then(|(_, item)| item)
    }

    /// The same, and tells how it was written; the inner error is that of a well-formed item.
    pub(crate) fn read_with_shape(
        bytes: &'b Embedded<'_>,
        limits: &Limits,
    ) -> Result<(Shape, Result<Self, DecodeError>), DecodeError> {
        let (shape, found) =
            Item::parse_members(bytes.content(), limits, MEMBERS).map_err(DecodeError::embedded)?;
        Ok((shape, found.and_then(Self::of)))
    }

    /// From the members with the names in [`MEMBERS`].
    fn of([id, random, identifier, value]: Members<'b, 4>) -> Result<Self, DecodeError> {
        fn inside(name: &'static str) -> impl Fn(DecodeError) -> DecodeError {
            move |error| error.within(name)
        }
        let there = |member: Option<Item<'b>>, name| member.ok_or(DecodeError::missing(name));
        let id = there(id, "digestID")?;
        let random = there(random, "random")?;
        let identifier = there(identifier, "elementIdentifier")?;
        Ok(Self {
            digest_id: id.expect_unsigned().map_err(inside("digestID"))?,
            random: random.expect_bytes().map_err(inside("random"))?,
            element_identifier: identifier.expect_name().map_err(inside("elementIdentifier"))?,
            element_value: there(value, "elementValue")?,
        })
    }
}
