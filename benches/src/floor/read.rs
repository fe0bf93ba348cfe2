//! Reading a response without a copy: minicbor, borrowed, one allocation for the list of items.

use minicbor::Decoder;
use minicbor::decode::Error;

use super::issue::PROTECTED;
use crate::world::{DOC_TYPE, NAME_SPACE};

/// What a verifier needs of a response with one document.
#[derive(Default)]
pub struct Response<'b> {
    /// The items.
    pub items: Vec<Item<'b>>,
    /// The certificate of the document signer.
    pub certificate: &'b [u8],
    /// The payload of the issuer's signature, the whole byte string.
    pub payload: &'b [u8],
    /// The MSO.
    pub mso: &'b [u8],
    /// The issuer's signature.
    pub issuer_signature: &'b [u8],
    /// The content of the device's namespaces.
    pub device_name_spaces: &'b [u8],
    /// The device's signature.
    pub device_signature: &'b [u8],
}

/// An item: the same members as our own library has them.
#[derive(Default)]
pub struct Item<'b> {
    /// `IssuerSignedItemBytes`.
    pub raw: &'b [u8],
    /// The digest ID.
    pub digest_id: u64,
    /// The salt.
    pub random: &'b [u8],
    /// The name of the element.
    pub identifier: &'b str,
    /// The value, as received.
    pub value: &'b [u8],
}

/// What a verifier needs of an MSO.
pub struct Mso<'b> {
    /// The digest of that ID.
    pub digests: Vec<&'b [u8]>,
    /// The coordinates of the device key.
    pub x: &'b [u8],
    /// The second of them.
    pub y: &'b [u8],
}

type Result<T> = core::result::Result<T, Error>;

/// The entries of a map of text keys, each value to be read or skipped by `member`.
fn map<'b>(
    decoder: &mut Decoder<'b>,
    mut member: impl FnMut(&mut Decoder<'b>, &'b str) -> Result<()>,
) -> Result<()> {
    for _ in 0..count(decoder.map()?)? {
        let key = decoder.str()?;
        member(decoder, key)?;
    }
    Ok(())
}

fn count(definite: Option<u64>) -> Result<u64> {
    definite.ok_or_else(|| Error::message("a definite length"))
}

fn expect(right: bool, what: &'static str) -> Result<()> {
    if right { Ok(()) } else { Err(Error::message(what)) }
}

/// Reads a response with one document, down to the items.
///
/// # Errors
/// If it is not as [`super::issue`] and our own library make it.
pub fn response(bytes: &[u8]) -> Result<Response<'_>> {
    let mut response = Response {
        items: Vec::with_capacity(32),
        ..Response::default()
    };
    map(&mut Decoder::new(bytes), |decoder, key| match key {
        "documents" => {
            expect(decoder.array()? == Some(1), "one document")?;
            map(decoder, |decoder, key| match key {
                "docType" => expect(decoder.str()? == DOC_TYPE, "the docType"),
                "issuerSigned" => issuer_signed(bytes, decoder, &mut response),
                "deviceSigned" => device_signed(decoder, &mut response),
                _ => decoder.skip(),
            })
        }
        _ => decoder.skip(),
    })?;
    Ok(response)
}

fn issuer_signed<'b>(bytes: &'b [u8], decoder: &mut Decoder<'b>, response: &mut Response<'b>) -> Result<()> {
    map(decoder, |decoder, key| match key {
        "nameSpaces" => map(decoder, |decoder, name| {
            expect(name == NAME_SPACE, "the namespace")?;
            for _ in 0..count(decoder.array()?)? {
                let start = decoder.position();
                decoder.tag()?;
                let inner = decoder.bytes()?;
                let mut item = Item::default();
                map(&mut Decoder::new(inner), |decoder, key| match key {
                    "digestID" => decoder.u64().map(|read| item.digest_id = read),
                    "random" => decoder.bytes().map(|read| item.random = read),
                    "elementIdentifier" => decoder.str().map(|read| item.identifier = read),
                    "elementValue" => {
                        let start = decoder.position();
                        decoder.skip()?;
                        item.value = &inner[start..decoder.position()];
                        Ok(())
                    }
                    _ => decoder.skip(),
                })?;
                item.raw = &bytes[start..decoder.position()];
                response.items.push(item);
            }
            Ok(())
        }),
        "issuerAuth" => {
            decoder.array()?;
            expect(decoder.bytes()? == PROTECTED, "ES256")?;
            for _ in 0..count(decoder.map()?)? {
                if decoder.i64()? == 33 {
                    response.certificate = decoder.bytes()?;
                } else {
                    decoder.skip()?;
                }
            }
            let start = decoder.position();
            let mut payload = Decoder::new(decoder.bytes()?);
            response.payload = &bytes[start..decoder.position()];
            payload.tag()?;
            response.mso = payload.bytes()?;
            response.issuer_signature = decoder.bytes()?;
            Ok(())
        }
        _ => decoder.skip(),
    })
}

fn device_signed<'b>(decoder: &mut Decoder<'b>, response: &mut Response<'b>) -> Result<()> {
    map(decoder, |decoder, key| match key {
        "nameSpaces" => {
            decoder.tag()?;
            response.device_name_spaces = decoder.bytes()?;
            Ok(())
        }
        "deviceAuth" => map(decoder, |decoder, key| {
            expect(key == "deviceSignature", "a signature")?;
            decoder.array()?;
            expect(decoder.bytes()? == PROTECTED, "ES256")?;
            decoder.skip()?;
            decoder.null()?;
            response.device_signature = decoder.bytes()?;
            Ok(())
        }),
        _ => decoder.skip(),
    })
}

/// Reads an MSO.
///
/// # Errors
/// If it is not as [`super::issue`] and our own library make it.
pub fn mso(bytes: &[u8]) -> Result<Mso<'_>> {
    let mut mso = Mso {
        digests: Vec::with_capacity(32),
        x: &[],
        y: &[],
    };
    map(&mut Decoder::new(bytes), |decoder, key| match key {
        "valueDigests" => map(decoder, |decoder, _| {
            for at in 0..count(decoder.map()?)? {
                // Our library writes them in the order of their IDs, as the floor does.
                expect(decoder.u64()? == at, "digests in order")?;
                mso.digests.push(decoder.bytes()?);
            }
            Ok(())
        }),
        "deviceKeyInfo" => map(decoder, |decoder, key| {
            if key != "deviceKey" {
                return decoder.skip();
            }
            for _ in 0..count(decoder.map()?)? {
                match decoder.i64()? {
                    -2 => mso.x = decoder.bytes()?,
                    -3 => mso.y = decoder.bytes()?,
                    _ => decoder.skip()?,
                }
            }
            Ok(())
        }),
        _ => decoder.skip(),
    })?;
    Ok(mso)
}
