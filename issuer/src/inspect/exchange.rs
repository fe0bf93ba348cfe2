//! What authorities are asked and what they answer: certification requests and OCSP.

use mdoc_core::time::Timestamp;
use mdoc_core::x509::csr::CertificationRequest;
use mdoc_core::x509::ocsp::{
    CertificateId, CertificateStatus, IdHash, OcspRequest, OcspResponse, ResponderId,
};
use mdoc_core::x509::{Certificate, DistinguishedName};

use super::tree::Node;
use super::value::hex;
use super::{certificate, time};

pub(super) fn certification_request(request: &CertificationRequest) -> Vec<Node> {
    let key = match request.public_key() {
        Ok(key) => certificate::public_key("publicKey", &key),
        Err(error) => Node::fault("publicKey", error),
    };
    let asked: Vec<Node> = request
        .extensions()
        .map(|extension| Node::text(extension.oid.to_string(), hex(extension.value)))
        .collect();
    let none = asked.is_empty();
    vec![
        Node::text("subject", request.subject()),
        key,
        Node::text("signature", request.signature_algorithm()),
        Node::group("extensionRequest", asked).summary(if none { "none" } else { "" }),
    ]
}

fn identifier(id: &CertificateId) -> Vec<Node> {
    let hash = match id.hash() {
        Some(IdHash::Sha1) => "SHA-1",
        Some(IdHash::Sha256) => "SHA-256",
        None => "one that is not known here",
    };
    let serial = match id.serial_number_der() {
        [0, magnitude @ ..] if !magnitude.is_empty() => magnitude,
        all => all,
    };
    vec![
        Node::text("serialNumber", hex(serial)),
        Node::text("hashAlgorithm", hash),
    ]
}

pub(super) fn ocsp_request(request: &OcspRequest) -> Vec<Node> {
    let ids = request
        .ids()
        .iter()
        .enumerate()
        .map(|(index, id)| Node::group(format!("certificate {}", index + 1), identifier(id)));
    let mut nodes = vec![Node::list("requestList", ids.collect())];
    nodes.extend(request.nonce().map(|nonce| Node::text("nonce", hex(nonce))));
    nodes
}

pub(super) fn ocsp_response(response: &OcspResponse, now: Timestamp) -> Vec<Node> {
    let mut nodes = vec![Node::text("responseStatus", response.status())];
    nodes.extend(response.responder().map(|responder| match responder {
        ResponderId::Name(name) => {
            let name = DistinguishedName::from_der(name).unwrap_or_default(); // read once before
            Node::text("responder", name)
        }
        ResponderId::Key(hash) => Node::text("responder", format!("key {}", hex(hash))),
    }));
    nodes.extend(response.produced_at().map(|at| time::from("producedAt", at, now)));
    let answers = response.answers().iter().enumerate().map(|(index, answer)| {
        let mut children = identifier(&answer.id);
        children.push(match answer.status {
            CertificateStatus::Good => Node::text("certStatus", "good"),
            CertificateStatus::Revoked { at } => Node::text("certStatus", format!("revoked since {at}")),
            CertificateStatus::Unknown => Node::text("certStatus", "unknown"),
        });
        children.push(time::from("thisUpdate", answer.this_update, now));
        children.extend(answer.next_update.map(|due| time::until("nextUpdate", due, now)));
        Node::group(format!("answer {}", index + 1), children)
    });
    nodes.push(Node::list("responses", answers.collect()));
    nodes.extend(response.nonce().map(|nonce| Node::text("nonce", hex(nonce))));
    let came = |(index, one): (usize, &Certificate)| {
        certificate::node(format!("certificate {}", index + 1), one, now)
    };
    let certificates: Vec<Node> = response.certificates().iter().enumerate().map(came).collect();
    if !certificates.is_empty() {
        nodes.push(Node::list("certs", certificates));
    }
    nodes
}
