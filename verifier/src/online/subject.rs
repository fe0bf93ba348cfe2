//! What is to be looked up of a message: the certificates of each document's signer, and where its status is.

use mdoc_core::cbor::Item;
use mdoc_core::device_response::{DeviceResponse, Document};
use mdoc_core::issuer_signed::IssuerSigned;
use mdoc_core::limits::Limits;
use mdoc_core::mso::Status;
use mdoc_core::verify::Form;
use mdoc_core::x509::Certificate;

/// What is to be looked up of one document.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) doc_type: String,
    /// The certificates of the signature, the signer's own first.
    pub(super) chain: Vec<Certificate>,
    pub(super) status: Option<Status>,
}

/// One for each document, in their order; none for one that cannot be read, which the report says.
pub(super) fn of(bytes: &[u8], form: Form, limits: &Limits) -> Vec<Option<Subject>> {
    match form {
        Form::DeviceResponse => DeviceResponse::decode(bytes, limits).map_or_else(
            |_| Vec::new(),
            |response| {
                let documents = response.documents.into_iter();
                documents.map(|item| of_document(item, limits)).collect()
            },
        ),
        Form::Document => {
            let item = Item::parse(bytes, limits).ok();
            vec![item.and_then(|item| of_document(item, limits))]
        }
        Form::IssuerSigned => {
            let signed = IssuerSigned::decode(bytes, limits).ok();
            vec![signed.and_then(|signed| Subject::of(&signed, limits))]
        }
    }
}

fn of_document(item: Item<'_>, limits: &Limits) -> Option<Subject> {
    let document = Document::from_item(item, limits).ok()?;
    Subject::of(&document.issuer_signed, limits)
}

impl Subject {
    fn of(signed: &IssuerSigned<'_>, limits: &Limits) -> Option<Self> {
        let mso = signed.mso(limits).ok()?;
        let encoded = signed.issuer_auth().x5chain()?.ok()?;
        let chain = encoded
            .iter()
            .map(|der| Certificate::from_der(der))
            .collect::<Result<_, _>>();
        Some(Self {
            doc_type: mso.doc_type,
            chain: chain.ok()?,
            status: mso.status,
        })
    }
}
