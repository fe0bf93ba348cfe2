//! What is in messages: requests and responses, by names and values.

use mdoc_cli::recognise::Structure;
use mdoc_core::cbor::{Item, diagnostic};
use mdoc_core::device_request::DeviceRequest;
use mdoc_core::device_response::{DeviceResponse, Document};
use mdoc_core::issuer_signed::IssuerSignedItem;
use mdoc_core::session::capture::Sender;

use super::LIMITS;
use super::tree::Node;

/// Most bytes of a byte string that are shown.
const LONGEST_BYTES: usize = 32;
/// Most characters of a value that are shown.
const LONGEST_VALUE: usize = 200;

/// What `sender` says in a message that was decrypted.
pub(super) fn content(bytes: &[u8], sender: Sender) -> Node {
    let item = match Item::parse(bytes, &LIMITS) {
        Ok(item) => item,
        Err(error) => {
            return Node::new(format!("{} bytes", bytes.len()))
                .fault(format!("what was encrypted does not decode: {error}"));
        }
    };
    let found = Structure::of(item);
    let expected = match sender {
        Sender::Reader => Structure::DeviceRequest,
        Sender::Mdoc => Structure::DeviceResponse,
    };
    let node = match found {
        Structure::DeviceRequest => request(bytes),
        Structure::DeviceResponse => response(bytes),
        other => Node::new(format!("{}, {} bytes", other.name(), bytes.len())),
    };
    if found == expected {
        return node;
    }
    node.fault(format!("a {} is expected here", expected.name()))
}

fn request(bytes: &[u8]) -> Node {
    let node = Node::new(format!("DeviceRequest, {} bytes", bytes.len()));
    let read = match DeviceRequest::decode(bytes, &LIMITS) {
        Ok(read) => read,
        Err(error) => return node.fault(error),
    };
    let mut node = node.value("version", &*read.version);
    for asked in &read.doc_requests {
        let mut document = Node::new(asked.items_request.doc_type.as_str());
        document = document.value(
            "readerAuth",
            if asked.reader_auth.is_some() {
                "signed"
            } else {
                "none"
            },
        );
        for (space, elements) in &asked.items_request.name_spaces {
            let mut space = Node::new(space.as_str());
            for element in elements {
                let keeps = if element.intent_to_retain {
                    ", to be kept"
                } else {
                    ""
                };
                space = space.part(Node::new(format!("{}{keeps}", element.identifier)));
            }
            document = document.part(space);
        }
        node = node.part(document);
    }
    node.note("`mdoc-issuer inspect` shows all of it")
}

fn response(bytes: &[u8]) -> Node {
    let node = Node::new(format!("DeviceResponse, {} bytes", bytes.len()));
    let read = match DeviceResponse::decode(bytes, &LIMITS) {
        Ok(read) => read,
        Err(error) => return node.fault(error),
    };
    let mut node = node.value("version", &*read.version).value("status", read.status);
    if read.status != 0 {
        node = node.fault(match read.status {
            10 => "status 10: the mdoc could not answer, general error".to_owned(),
            11 => "status 11: the mdoc could not decode the request's CBOR".to_owned(),
            12 => "status 12: the mdoc could not make sense of the request".to_owned(),
            other => format!("status {other}, which the standard does not define"),
        });
    }
    for (doc_type, code) in &read.document_errors {
        node = node.note(format!("{doc_type} is not returned, error {code}"));
    }
    for item in &read.documents {
        node = node.part(match Document::from_item(*item, &LIMITS) {
            Ok(document) => self::document(&document),
            Err(error) => Node::new("document").fault(error),
        });
    }
    if read.documents.is_empty() {
        node = node.note("there is no document in it");
    }
    node.note("nothing is verified; `mdoc-verifier check` does it")
}

fn document(document: &Document<'_>) -> Node {
    let mut node = Node::new(&*document.doc_type);
    for (name, items) in document.issuer_signed.name_spaces() {
        let mut space = Node::new(&**name);
        for item in items {
            let part = match IssuerSignedItem::read(item, &LIMITS) {
                Ok(item) => Node::new(format!(
                    "{}: {}",
                    item.element_identifier,
                    shown(item.element_value)
                )),
                Err(error) => Node::new("element").fault(error),
            };
            space = space.part(part);
        }
        node = node.part(space);
    }
    for error in &document.errors {
        node = node.note(format!(
            "{} is not returned, error {}",
            error.element_identifier, error.code
        ));
    }
    node
}

/// A value on one line.
fn shown(value: Item<'_>) -> String {
    let text = diagnostic(value, LONGEST_BYTES);
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(LONGEST_VALUE) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}
