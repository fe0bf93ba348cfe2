//! What the device vouches for itself: its own elements, and that the document is in its hands.

use std::borrow::Cow;

use crate::cbor::{Embedded, Item, write};
use crate::cose::{Mac0, Sign1};
use crate::crypto::{Backend, CryptoError, PublicKey, SecretKey};
use crate::error::DecodeError;
use crate::limits::Limits;
use crate::transcript::SessionTranscript;
use crate::value::TAG_ENCODED;
use zeroize::Zeroizing;

/// The device's part of a document.
///
/// Shape: `{"nameSpaces": #6.24(bstr .cbor {* NameSpace => {+ tstr => any}}), "deviceAuth": DeviceAuth}`.
///
/// Source: ISO/IEC 18013-5:2021, 8.3.2.1.2.2 and 9.1.3.
#[derive(Debug, Clone)]
pub struct DeviceSigned<'b> {
    /// The elements, as the bytes that are authenticated; usually the empty map.
    pub name_spaces: Embedded<'b>,
    /// The signature or MAC.
    pub device_auth: DeviceAuth<'b>,
}

/// `{"deviceSignature": COSE_Sign1} / {"deviceMac": COSE_Mac0}`: exactly one.
#[derive(Debug, Clone)]
pub enum DeviceAuth<'b> {
    /// A signature by the device key.
    Signature(Sign1<'b>),
    /// A MAC by a key agreed between the device key and the reader's ephemeral key.
    Mac(Mac0<'b>),
}

impl<'b> DeviceSigned<'b> {
    /// Decodes the map; the elements are decoded by [`device_elements`].
    ///
    /// # Errors
    /// [`DecodeError`] with the path of the first offending member.
    pub fn from_item(item: Item<'b>, limits: &Limits) -> Result<Self, DecodeError> {
        let [name_spaces, auth] = item.members(["nameSpaces", "deviceAuth"])?;
        let name_spaces = name_spaces.ok_or(DecodeError::missing("nameSpaces"))?;
        let name_spaces = Embedded::new(name_spaces).map_err(|error| error.within("nameSpaces"))?;
        let auth = auth.ok_or(DecodeError::missing("deviceAuth"))?;
        let device_auth = Self::auth(auth, limits).map_err(|error| error.within("deviceAuth"))?;
        Ok(Self {
            name_spaces,
            device_auth,
        })
    }

    fn auth(auth: Item<'b>, limits: &Limits) -> Result<DeviceAuth<'b>, DecodeError> {
        let [signature, mac] = auth.members(["deviceSignature", "deviceMac"])?;
        match (signature, mac) {
            (Some(signature), None) => Sign1::decode(signature, limits)
                .map(DeviceAuth::Signature)
                .map_err(|error| error.within("deviceSignature")),
            (None, Some(mac)) => Mac0::decode(mac, limits)
                .map(DeviceAuth::Mac)
                .map_err(|error| error.within("deviceMac")),
            _ => Err(DecodeError::expected(
                "exactly one of deviceSignature and deviceMac",
            )),
        }
    }
}

/// Elements by namespace, as received.
pub type Elements<'b> = Vec<(Cow<'b, str>, Vec<(Cow<'b, str>, Item<'b>)>)>;

/// Decodes the map inside `DeviceNameSpacesBytes`.
///
/// # Errors
/// [`DecodeError`] if it is not a map of maps with text keys.
pub fn device_elements(item: Item<'_>) -> Result<Elements<'_>, DecodeError> {
    let mut name_spaces = Vec::new();
    for (name, elements) in item.expect_map()? {
        let name = name.expect_name()?;
        let mut decoded = Vec::new();
        for (identifier, value) in elements.expect_map().map_err(|error| error.within(&name))? {
            decoded.push((
                identifier.expect_name().map_err(|error| error.within(&name))?,
                value,
            ));
        }
        name_spaces.push((name, decoded));
    }
    Ok(name_spaces)
}

/// `DeviceAuthenticationBytes`, the detached payload of both forms (ISO/IEC 18013-5:2021, 9.1.3.4).
///
/// `name_spaces` is the whole tag 24 item as it is sent; the transcript goes in without its tag.
#[must_use]
pub fn device_authentication_bytes(
    transcript: &SessionTranscript,
    doc_type: &str,
    name_spaces: &[u8],
) -> Vec<u8> {
    const CONTEXT: &str = "DeviceAuthentication";
    let doc_type_len = write::head_len(doc_type.len()) + doc_type.len();
    let array_len = 2 + CONTEXT.len() + transcript.raw().len() + doc_type_len + name_spaces.len();
    let mut out = Vec::with_capacity(2 + write::head_len(array_len) + array_len);
    write::tag(&mut out, TAG_ENCODED);
    write::bytes_head(&mut out, array_len);
    write::array(&mut out, 4);
    write::text(&mut out, CONTEXT);
    out.extend_from_slice(transcript.raw());
    write::text(&mut out, doc_type);
    out.extend_from_slice(name_spaces);
    out
}

/// `EMacKey` (ISO/IEC 18013-5:2021, 9.1.3.5): the static device key with the reader's ephemeral key,
/// whichever of the two is ours.
///
/// # Errors
/// [`CryptoError::CurveMismatch`] if the two keys cannot agree on a secret.
pub fn mac_key(
    secret: &SecretKey,
    peer: &PublicKey,
    transcript: &SessionTranscript,
    backend: &dyn Backend,
) -> Result<Zeroizing<[u8; 32]>, CryptoError> {
    let shared = backend.agree(secret, peer)?;
    Ok(mac_key_of_shared(&shared, transcript, backend))
}

/// The same from the secret on which the two keys agree.
pub(crate) fn mac_key_of_shared(
    shared: &[u8],
    transcript: &SessionTranscript,
    backend: &dyn Backend,
) -> Zeroizing<[u8; 32]> {
    backend.hkdf_sha256(shared, transcript.salt(backend).as_ref(), b"EMacKey")
}
