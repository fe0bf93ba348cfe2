//! Lists of issuing authorities.

use mdoc_core::cbor::Item;
use mdoc_core::vical::{CertificateInfo, SignedVical, Vical};

use super::tree::Node;
use super::{Context, certificate, document, signed_message, time};

/// A list with its signature.
pub(super) fn nodes(item: Item<'_>, context: Context<'_>) -> Vec<Node> {
    match SignedVical::decode(item.raw(), context.limits) {
        Ok(list) => {
            let mut nodes = document::signature(list.sign1(), context);
            nodes.push(Node::group("payload", payload(list.vical(), context)));
            nodes
        }
        // As far as it goes, with the fault in its place.
        Err(error) => {
            let mut nodes = signed_message(item, context);
            nodes.push(Node::fault("VICAL", error));
            nodes
        }
    }
}

fn payload(vical: &Vical, context: Context<'_>) -> Vec<Node> {
    let mut nodes = vec![
        Node::text("version", &vical.version),
        Node::text("vicalProvider", &vical.provider),
    ];
    if let Some(issue_id) = vical.issue_id {
        nodes.push(Node::value("vicalIssueID", issue_id.to_string(), issue_id));
    }
    nodes.push(time::from("date", vical.date, context.now));
    if let Some(next_update) = vical.next_update {
        nodes.push(time::until("nextUpdate", next_update, context.now));
    }
    if let Some(not_after) = vical.not_after {
        nodes.push(time::until("notAfter", not_after, context.now));
    }
    if let Some(url) = &vical.url {
        nodes.push(Node::text("vicalURL", url));
    }
    let entries = vical.entries.iter().enumerate();
    let entries = entries.map(|(index, entry)| entry_node(index.saturating_add(1), entry, context));
    nodes.push(Node::list("certificateInfos", entries.collect()));
    nodes
}

fn entry_node(number: usize, entry: &CertificateInfo, context: Context<'_>) -> Node {
    let mut children = vec![Node::text("docType", entry.doc_types.join(", "))];
    for (name, value) in [
        ("issuingAuthority", &entry.issuing_authority),
        ("issuingCountry", &entry.issuing_country),
        ("stateOrProvinceName", &entry.state_or_province),
    ] {
        if let Some(value) = value {
            children.push(Node::text(name, value));
        }
    }
    children.push(match &entry.certificate {
        Ok(found) => certificate::node("certificate", found, context.now),
        Err(error) => Node::fault("certificate", error),
    });
    let node = Node::group(format!("entry {number}"), children);
    match entry.faults.first() {
        Some(fault) => node.with_fault(fault),
        None => node,
    }
}
