//! How a session starts: what the holder's QR code or NFC tag says, and the `mdoc:` URI around it.

use std::borrow::Cow;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use core::fmt;

use crate::cbor::{Embedded, Item, embed, write};
use crate::cose::key::{self, KeyFault};
use crate::crypto::PublicKey;
use crate::error::{DecodeError, Fault};
use crate::limits::Limits;
use crate::mso::check_version;

/// The one cipher suite that the standard defines: ECDH, HKDF with SHA-256, AES-256-GCM.
pub const CIPHER_SUITE: u64 = 1;

const NFC: u64 = 1;
const BLE: u64 = 2;
const WIFI_AWARE: u64 = 3;

/// What the mdoc offers to a reader: an ephemeral key, and the ways in which it can be reached.
///
/// ```cddl
/// DeviceEngagement = {0: tstr, 1: [uint, EDeviceKeyBytes], ? 2: [+ [uint, uint, any]],
///                     ? 5: [* OriginInfo], ? 6: Capabilities, * int => any}
/// ```
/// The received bytes are kept: they enter the session transcript as they came, with keys that nobody
/// knows yet (trap 13). Those keys are ignored otherwise.
///
/// Source: ISO/IEC 18013-5:2021, 8.2.1.1; keys 5 and 6 from the second edition and ISO/IEC TS 18013-7.
#[derive(Debug, Clone)]
pub struct DeviceEngagement<'b> {
    raw: Item<'b>,
    /// The version as received; its major number is 1.
    pub version: Cow<'b, str>,
    /// The cipher suite; a reader can go on with [`CIPHER_SUITE`] only.
    pub cipher_suite: u64,
    /// The mdoc's ephemeral key, as the tag 24 item it arrived in.
    pub e_device_key_bytes: Embedded<'b>,
    /// The same key, decoded; a fault if it is none that we can use.
    pub e_device_key: Result<PublicKey, KeyFault>,
    /// How the mdoc can be reached, in its order of preference. Empty over NFC, where the methods are in
    /// the NDEF records.
    pub retrieval_methods: Vec<RetrievalMethod<'b>>,
    /// What of the options of the methods does not decode, and was passed over: one way that cannot be gone does not spoil
    /// the others. The method is [`RetrievalMethod::Other`] then, or Bluetooth without that mode.
    pub passed_over: Vec<DecodeError>,
    /// Where the mdoc believes that the transaction was started; what cannot be read is left out.
    pub origin_infos: Vec<OriginInfo>,
    /// What the mdoc can do beyond version 1.0; none if it does not say.
    pub capabilities: Option<Capabilities>,
}

/// One way of reaching the mdoc.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RetrievalMethod<'b> {
    /// NFC data transfer, with the lengths that the mdoc can take.
    Nfc {
        /// Largest command data field, 255 to 65535.
        max_command: u64,
        /// Largest response data field, 256 to 65536.
        max_response: u64,
    },
    /// Bluetooth Low Energy.
    Ble(BleOptions),
    /// Wi-Fi Aware; the options as received.
    WifiAware(Item<'b>),
    /// A method or version that this crate does not know, or with options that do not decode; to be passed over.
    Other {
        /// The type.
        kind: u64,
        /// The version.
        version: u64,
    },
}

/// How the mdoc can be reached over Bluetooth Low Energy.
///
/// A mode that is not offered is none. UUIDs are in network order, 16 bytes (trap 63).
///
/// Source: ISO/IEC 18013-5:2021, 8.2.2.3; key 21 from the second edition.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BleOptions {
    /// The service that the mdoc advertises as a peripheral server.
    pub peripheral_server_uuid: Option<[u8; 16]>,
    /// The service that the reader has to advertise for the mdoc as a central client.
    pub central_client_uuid: Option<[u8; 16]>,
    /// The Bluetooth address of the mdoc as a peripheral, in the order received.
    pub peripheral_address: Option<[u8; 6]>,
    /// The L2CAP channel of the mdoc as a peripheral (second edition).
    pub peripheral_psm: Option<u64>,
}

/// `{"cat": uint, "type": uint, "details": {+ tstr => any}}`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginInfo {
    /// The category; 1 is the transport of the engagement.
    pub category: u64,
    /// The type: 0 other, 1 a domain.
    pub kind: u64,
    /// The host name of a domain; may be empty.
    pub domain: Option<String>,
}

/// What the mdoc can do beyond version 1.0. Anything unknown or oddly typed counts as not there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// Key 0: the mdoc can authenticate by MAC without an ephemeral key of the reader (ISO/IEC TS 18013-7).
    pub mac_keys_support: bool,
    /// Key 1: the curves of such MACs, by their COSE numbers.
    pub mac_keys_curves: Vec<i64>,
    /// Key 2: takes a SessionEstablishment during the negotiated NFC handover.
    pub handover_session_establishment: bool,
    /// Key 3: understands `readerAuthAll`.
    pub reader_auth_all: bool,
    /// Key 4: understands alternative elements, issuer identifiers and use cases.
    pub extended_request: bool,
}

impl<'b> DeviceEngagement<'b> {
    /// Decodes an engagement of either edition. What is wrong with the options of a single method is no error, see
    /// [`DeviceEngagement::passed_over`].
    ///
    /// # Errors
    /// [`DecodeError`] with the path of the first offending member.
    pub fn decode(bytes: &'b [u8], limits: &Limits) -> Result<Self, DecodeError> {
        Self::from_item(Item::parse(bytes, limits)?, limits)
    }

    /// As [`DeviceEngagement::decode`], for an item that was parsed before.
    ///
    /// # Errors
    /// [`DecodeError`] with the path of the first offending member.
    pub fn from_item(item: Item<'b>, limits: &Limits) -> Result<Self, DecodeError> {
        item.expect_map()?;
        let version = item.get_label(0).ok_or(DecodeError::missing("0 (version)"))?;
        let version = version
            .expect_text()
            .map_err(|error| error.within("0 (version)"))?;
        check_version(&version).map_err(|error| error.within("0 (version)"))?;
        let security = item.get_label(1).ok_or(DecodeError::missing("1 (security)"))?;
        let (cipher_suite, e_device_key_bytes) =
            security_of(security).map_err(|error| error.within("1 (security)"))?;
        let e_device_key = match e_device_key_bytes.item(limits) {
            Ok(key) => key::decode(key),
            Err(error) => return Err(error.within("EDeviceKeyBytes").within("1 (security)")),
        };
        let (mut retrieval_methods, mut passed_over) = (Vec::new(), Vec::new());
        if let Some(list) = item.get_label(2).filter(|list| !list.is_null()) {
            let inside = |error: DecodeError| error.within("2 (retrieval methods)");
            for method in list.expect_array().map_err(inside)? {
                if retrieval_methods.len() == limits.documents {
                    return Err(DecodeError::new(Fault::Limit("the number of retrieval methods")));
                }
                let (method, faults) = RetrievalMethod::from_item(method).map_err(inside)?;
                retrieval_methods.push(method);
                passed_over.extend(faults.into_iter().map(inside));
            }
        }
        let origins = item.get_label(5).and_then(Item::array).into_iter().flatten();
        let origin_infos = origins
            .take(limits.documents)
            .filter_map(OriginInfo::from_item)
            .collect();
        Ok(Self {
            raw: item,
            version,
            cipher_suite,
            e_device_key_bytes,
            e_device_key,
            retrieval_methods,
            passed_over,
            origin_infos,
            capabilities: item.get_label(6).and_then(Capabilities::from_item),
        })
    }

    /// The engagement as received, which is what the session transcript holds.
    #[must_use]
    pub const fn raw(&self) -> &'b [u8] {
        self.raw.raw()
    }

    /// The Bluetooth options, if that is one of the ways.
    #[must_use]
    pub fn ble(&self) -> Option<&BleOptions> {
        self.retrieval_methods.iter().find_map(|method| match method {
            RetrievalMethod::Ble(options) => Some(options),
            _ => None,
        })
    }

    /// Keys of the map that this crate does not know; they are kept in [`DeviceEngagement::raw`].
    pub fn unknown_keys(&self) -> impl Iterator<Item = Item<'b>> {
        let keys = self.raw.map().into_iter().flatten().map(|(name, _)| name);
        keys.filter(|name| !matches!(name.integer(), Some(0..=2 | 5 | 6)))
    }
}

fn security_of(item: Item<'_>) -> Result<(u64, Embedded<'_>), DecodeError> {
    let mut parts = item.expect_array()?;
    let (Some(suite), Some(key)) = (parts.next(), parts.next()) else {
        return Err(DecodeError::expected("an array of cipher suite and key"));
    };
    let suite = suite
        .expect_unsigned()
        .map_err(|error| error.within("cipher suite"))?;
    let key = Embedded::new(key).map_err(|error| error.within("EDeviceKeyBytes"))?;
    Ok((suite, key))
}

impl<'b> RetrievalMethod<'b> {
    /// The method, and what of its options does not decode.
    fn from_item(item: Item<'b>) -> Result<(Self, Vec<DecodeError>), DecodeError> {
        let mut parts = item.expect_array()?;
        let (Some(kind), Some(version), options) = (parts.next(), parts.next(), parts.next()) else {
            return Err(DecodeError::expected("an array of type, version and options"));
        };
        let (kind, version) = (kind.expect_unsigned()?, version.expect_unsigned()?);
        let mut faults = Vec::new();
        let method = Self::with_options((kind, version), options, &mut faults);
        let method = method.unwrap_or_else(|error| {
            faults.push(error);
            Self::Other { kind, version }
        });
        Ok((method, faults))
    }

    fn with_options(
        method: (u64, u64),
        options: Option<Item<'b>>,
        faults: &mut Vec<DecodeError>,
    ) -> Result<Self, DecodeError> {
        let options = || options.ok_or(DecodeError::missing("options"));
        Ok(match method {
            (NFC, 1) => {
                let options = options()?;
                let length = |label, name| {
                    options
                        .get_label(label)
                        .and_then(Item::unsigned)
                        .ok_or(DecodeError::missing(name))
                };
                Self::Nfc {
                    max_command: length(0, "the largest command length of NFC")?,
                    max_response: length(1, "the largest response length of NFC")?,
                }
            }
            (BLE, 1) => {
                let inside = |error: DecodeError| error.within("BLE");
                let ble = BleOptions::from_item(options()?).map_err(inside)?;
                faults.extend(ble.faults.into_iter().map(inside));
                Self::Ble(ble.options)
            }
            (WIFI_AWARE, 1) => Self::WifiAware(options()?),
            (kind, version) => Self::Other { kind, version },
        })
    }
}

/// Bluetooth options, with what is wrong with a mode beside one that can be used.
struct ReadBle {
    options: BleOptions,
    faults: Vec<DecodeError>,
}

impl BleOptions {
    /// A mode without its UUID counts as one that is not offered, if the other one is.
    fn from_item(item: Item<'_>) -> Result<ReadBle, DecodeError> {
        fn exactly<const N: usize>(item: Item<'_>, what: &'static str) -> Result<[u8; N], DecodeError> {
            let bytes = item.bytes().ok_or(DecodeError::expected(what))?;
            bytes.as_ref().try_into().map_err(|_| DecodeError::expected(what))
        }
        item.expect_map()?;
        let uuid = |mode: i64, label: i64, name: &'static str| {
            if item.get_label(mode).and_then(Item::boolean) != Some(true) {
                return Ok(None);
            }
            let uuid = item.get_label(label).ok_or(DecodeError::missing(name))?;
            exactly::<16>(uuid, "a UUID, a byte string of 16")
                .map(Some)
                .map_err(|error| error.within(name))
        };
        let server = uuid(0, 10, "10 (peripheral server UUID)");
        let client = uuid(1, 11, "11 (central client UUID)");
        let ((peripheral_server_uuid, central_client_uuid), faults) = match (server, client) {
            (Ok(server), Ok(client)) => ((server, client), Vec::new()),
            (Ok(Some(server)), Err(fault)) => ((Some(server), None), vec![fault]),
            (Err(fault), Ok(Some(client))) => ((None, Some(client)), vec![fault]),
            (Err(fault), _) | (_, Err(fault)) => return Err(fault),
        };
        let address = item.get_label(20).filter(|_| peripheral_server_uuid.is_some());
        let options = Self {
            peripheral_server_uuid,
            central_client_uuid,
            // A help in connecting only: one that cannot be read is no reason to refuse the rest.
            peripheral_address: address.and_then(|address| exactly(address, "").ok()),
            peripheral_psm: item.get_label(21).and_then(Item::unsigned),
        };
        Ok(ReadBle { options, faults })
    }

    fn write(&self, out: &mut Vec<u8>) {
        let server = self.peripheral_server_uuid.as_ref();
        let client = self.central_client_uuid.as_ref();
        let address = self.peripheral_address.as_ref().filter(|_| server.is_some());
        let psm = self.peripheral_psm.filter(|_| server.is_some());
        let strings = [(10, server), (11, client)];
        let count = strings.iter().filter(|(_, uuid)| uuid.is_some()).count();
        write::map(
            out,
            2 + count + usize::from(address.is_some()) + usize::from(psm.is_some()),
        );
        write::unsigned(out, 0);
        write::boolean(out, server.is_some());
        write::unsigned(out, 1);
        write::boolean(out, client.is_some());
        for (label, uuid) in strings {
            if let Some(uuid) = uuid {
                write::unsigned(out, label);
                write::bytes(out, uuid);
            }
        }
        if let Some(address) = address {
            write::unsigned(out, 20);
            write::bytes(out, address);
        }
        if let Some(psm) = psm {
            write::unsigned(out, 21);
            write::unsigned(out, psm);
        }
    }
}

impl OriginInfo {
    fn from_item(item: Item<'_>) -> Option<Self> {
        let domain = item.get("details").and_then(|details| details.get("domain"));
        Some(Self {
            category: item.get("cat")?.unsigned()?,
            kind: item.get("type")?.unsigned()?,
            domain: domain.and_then(Item::text).map(Cow::into_owned),
        })
    }
}

impl Capabilities {
    fn from_item(item: Item<'_>) -> Option<Self> {
        item.map()?;
        let says = |label| item.get_label(label).and_then(Item::boolean) == Some(true);
        let curves = item.get_label(1).and_then(Item::array).into_iter().flatten();
        Some(Self {
            mac_keys_support: says(0),
            mac_keys_curves: curves.filter_map(Item::integer).take(32).collect(),
            handover_session_establishment: says(2),
            reader_auth_all: says(3),
            extended_request: says(4),
        })
    }
}

/// An engagement of version 1.0 for a QR code: the mdoc's new ephemeral key, reachable over Bluetooth.
#[must_use]
pub fn encode_ble(e_device_key: &PublicKey, options: &BleOptions) -> Vec<u8> {
    let mut out = Vec::with_capacity(192);
    write::map(&mut out, 3);
    write::unsigned(&mut out, 0);
    write::text(&mut out, "1.0");
    write::unsigned(&mut out, 1);
    write::array(&mut out, 2);
    write::unsigned(&mut out, CIPHER_SUITE);
    out.extend(embed(&key::encode(e_device_key)));
    write::unsigned(&mut out, 2);
    write::array(&mut out, 1);
    write::array(&mut out, 3);
    write::unsigned(&mut out, BLE);
    write::unsigned(&mut out, 1);
    options.write(&mut out);
    out
}

/// What an `mdoc:` URI carried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngagementUri {
    /// The encoded engagement, for [`DeviceEngagement::decode`].
    pub bytes: Vec<u8>,
    /// Whether it was `mdoc://…`, which is not the form of the standard (trap 63). Worth a warning.
    pub with_slashes: bool,
}

/// Why a text is no `mdoc:` URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadUri {
    /// Longer than [`EngagementUri::LONGEST`].
    TooLong,
    /// It does not begin with `mdoc:`.
    Scheme,
    /// Nothing follows the scheme.
    Empty,
    /// What follows is not base64url.
    NotBase64Url,
}

impl fmt::Display for BadUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the text is longer than 64 KiB",
            Self::Scheme => "the text does not begin with `mdoc:`",
            Self::Empty => "nothing follows `mdoc:`",
            Self::NotBase64Url => "what follows `mdoc:` is not base64url",
        })
    }
}

impl core::error::Error for BadUri {}

impl EngagementUri {
    /// Longest text that is read, in bytes; a QR code holds at most some four thousand characters.
    pub const LONGEST: usize = 64 * 1024;

    /// Reads the text of a QR code: `mdoc:` in any case, then base64url. White space anywhere and `=` at
    /// the end are passed over, `mdoc://` is taken and told.
    ///
    /// Source: ISO/IEC 18013-5:2021, 8.2.2.3.
    ///
    /// # Errors
    /// [`BadUri`] if it is anything else.
    pub fn parse(text: &str) -> Result<Self, BadUri> {
        if text.len() > Self::LONGEST {
            return Err(BadUri::TooLong);
        }
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let (scheme, rest) = text.split_once(':').ok_or(BadUri::Scheme)?;
        if !scheme.eq_ignore_ascii_case("mdoc") {
            return Err(BadUri::Scheme);
        }
        let encoded = rest.strip_prefix("//").unwrap_or(rest);
        let encoded_bytes = encoded.trim_end_matches('=');
        if encoded_bytes.is_empty() {
            return Err(BadUri::Empty);
        }
        Ok(Self {
            bytes: Base64UrlUnpadded::decode_vec(encoded_bytes).map_err(|_| BadUri::NotBase64Url)?,
            with_slashes: rest.len() != encoded.len(),
        })
    }
}

/// The text of the QR code for an encoded engagement.
#[must_use]
pub fn to_uri(engagement: &[u8]) -> String {
    format!("mdoc:{}", Base64UrlUnpadded::encode_string(engagement))
}

#[cfg(test)]
mod tests;
