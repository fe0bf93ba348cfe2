//! The certificates in mobile documents and requests.

use mdoc_cli::recognise::Structure;
use mdoc_core::cbor::{Embedded, Item};
use mdoc_core::cose::Sign1;
use mdoc_core::error::DecodeError;
use mdoc_core::limits::Limits;
use mdoc_core::mso::decode_payload;
use mdoc_core::x509::Certificate;

use super::{Bundle, Origin};

/// The x5chains of an IssuerSigned, a Document, a DeviceResponse, a DeviceRequest or a signed message; `place`
/// is how to call it. None if there is no signature with certificates.
///
/// # Errors
/// [`DecodeError`] if it is not well-formed CBOR, or a signature is not what it should be.
pub fn bundles_of_cbor(place: &str, bytes: &[u8]) -> Result<Vec<Bundle>, DecodeError> {
    let limits = Limits {
        message: bytes.len().max(Limits::DEFAULT.message),
        ..Limits::DEFAULT
    };
    let item = Item::parse(bytes, &limits)?;
    let mut found = Finder {
        place,
        limits: &limits,
        bundles: Vec::new(),
    };
    match Embedded::new(item) {
        Ok(embedded) => found.all(embedded.item(&limits)?)?,
        Err(_) => found.all(item)?,
    }
    Ok(found.bundles)
}

struct Finder<'a> {
    place: &'a str,
    limits: &'a Limits,
    bundles: Vec<Bundle>,
}

impl Finder<'_> {
    fn all(&mut self, item: Item<'_>) -> Result<(), DecodeError> {
        match Structure::of(item) {
            Structure::IssuerSigned => self.issuer_signed("issuerAuth", item),
            Structure::Document => self.document("document", item),
            Structure::DeviceResponse => {
                let documents = item.get("documents").and_then(Item::array).into_iter().flatten();
                documents.enumerate().try_for_each(|(index, document)| {
                    self.document(&format!("document {}", index + 1), document)
                })
            }
            Structure::DeviceRequest => self.request(item),
            Structure::CoseSign1 | Structure::Vical => {
                let message = item.tagged().filter(|(tag, _)| *tag == 61);
                self.signature(
                    "x5chain",
                    message.map_or(item, |(_, inner)| inner),
                    Origin::Message,
                )
            }
            _ => Ok(()),
        }
    }

    fn document(&mut self, name: &str, document: Item<'_>) -> Result<(), DecodeError> {
        document
            .get("issuerSigned")
            .map_or(Ok(()), |inner| self.issuer_signed(name, inner))
    }

    fn issuer_signed(&mut self, name: &str, item: Item<'_>) -> Result<(), DecodeError> {
        let Some(auth) = item.get("issuerAuth") else {
            return Ok(());
        };
        let doc_type = Sign1::decode(auth, self.limits)?
            .payload()
            .and_then(|payload| decode_payload(payload, self.limits).ok())
            .map(|mso| mso.doc_type);
        self.signature(name, auth, Origin::Document { doc_type })
    }

    fn request(&mut self, item: Item<'_>) -> Result<(), DecodeError> {
        let requests = item
            .get("docRequests")
            .and_then(Item::array)
            .into_iter()
            .flatten();
        for (index, request) in requests.enumerate() {
            if let Some(auth) = request.get("readerAuth") {
                self.signature(&format!("docRequest {}", index + 1), auth, Origin::Request)?;
            }
        }
        let all = item
            .get("readerAuthAll")
            .and_then(Item::array)
            .into_iter()
            .flatten();
        all.take(self.limits.documents)
            .enumerate()
            .try_for_each(|(index, auth)| {
                self.signature(&format!("readerAuthAll {}", index + 1), auth, Origin::Request)
            })
    }

    fn signature(&mut self, name: &str, auth: Item<'_>, origin: Origin) -> Result<(), DecodeError> {
        let auth = Sign1::decode(auth, self.limits)?;
        let Some(chain) = auth.x5chain() else {
            return Ok(());
        };
        let certificates: Vec<_> = chain?.iter().map(|der| Certificate::from_der(der)).collect();
        // The same signer under several documents, or requests, is told of once.
        let known = |bundle: &Bundle| bundle.certificates == certificates && bundle.origin == origin;
        if !self.bundles.iter().any(known) {
            self.bundles.push(Bundle {
                place: format!("{}, {name}", self.place),
                certificates,
                origin,
            });
        }
        Ok(())
    }
}
