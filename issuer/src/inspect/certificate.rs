//! Certificates and keys.

use core::error::Error;
use core::net::{Ipv4Addr, Ipv6Addr};

use base64ct::{Base64UrlUnpadded, Encoding as _};
use mdoc_core::crypto::PublicKey;
use mdoc_core::time::Timestamp;
use mdoc_core::x509::oid::{self, Oid};
use mdoc_core::x509::revocation::RevocationList;
use mdoc_core::x509::{BasicConstraints, Certificate, DistinguishedName, GeneralName, KeyUsage};
use serde_json::{Value as Json, json};

use super::time;
use super::tree::Node;
use super::value::hex;

/// A certificate in DER.
pub(super) fn der(name: impl Into<String>, der: &[u8], now: Timestamp) -> Node {
    match Certificate::from_der(der) {
        Ok(certificate) => node(name, &certificate, now),
        Err(error) => Node::fault(name, error),
    }
}

/// A certificate that was read.
pub(super) fn node(name: impl Into<String>, certificate: &Certificate, now: Timestamp) -> Node {
    let mut children = vec![Node::text("subject", certificate.subject())];
    let issuer = Node::text("issuer", certificate.issuer());
    children.push(issuer.remark(certificate.is_self_issued().then_some("itself")));
    children.push(Node::text("serialNumber", hex(certificate.serial_number())));
    children.push(time::from("notBefore", certificate.not_before(), now));
    children.push(time::until("notAfter", certificate.not_after(), now));
    children.push(match certificate.public_key() {
        Ok(key) => public_key("publicKey", &key),
        Err(error) => Node::fault("publicKey", error),
    });
    children.push(Node::text("signature", certificate.signature_algorithm()));
    extensions(certificate, &mut children);
    let fingerprint = hex(&certificate.fingerprint());
    children.push(Node::text("sha256", fingerprint));
    Node::group(name, children).summary(role(certificate))
}

/// A revocation list that was read.
pub(super) fn list(list: &RevocationList, now: Timestamp) -> Vec<Node> {
    let mut nodes = vec![
        Node::text("issuer", list.issuer()),
        time::from("thisUpdate", list.this_update(), now),
    ];
    if let Some(due) = list.next_update() {
        nodes.push(time::until("nextUpdate", due, now));
    }
    if let Some(number) = list.number() {
        nodes.push(Node::text("cRLNumber", hex(number)));
    }
    let revoked: Vec<Node> = list
        .entries()
        .map(|(serial, at)| {
            let serial = match serial {
                [0, magnitude @ ..] if !magnitude.is_empty() => magnitude,
                all => all,
            };
            Node::text(hex(serial), at)
        })
        .collect();
    let none = revoked.is_empty();
    nodes.push(Node::group("revokedCertificates", revoked).summary(if none { "none" } else { "" }));
    nodes
}

fn extensions(certificate: &Certificate, children: &mut Vec<Node>) {
    let mut add = |name: &str, found: Option<Result<(String, Json), String>>| match found {
        Some(Ok((text, json))) => children.push(Node::value(name, text, json)),
        Some(Err(error)) => children.push(Node::fault(name, error)),
        None => {}
    };
    let constraints = |found: BasicConstraints| {
        let text = match (found.ca, found.path_len) {
            (true, Some(most)) => format!("may issue, {most} certificates between"),
            (true, None) => "may issue".to_owned(),
            (false, _) => "may not issue".to_owned(),
        };
        (text, json!({"cA": found.ca, "pathLenConstraint": found.path_len}))
    };
    let usage = |found: KeyUsage| (found.to_string(), Json::from(found.to_string()));
    let purposes = |found: Vec<Oid<'_>>| {
        let names: Vec<String> = found.into_iter().map(purpose).collect();
        (names.join(", "), Json::from(names))
    };
    let names = |found: Vec<GeneralName>| {
        let names: Vec<String> = found.iter().map(general_name).collect();
        (names.join(", "), Json::from(names))
    };
    let identifier = |found: &[u8]| (hex(found), Json::from(hex(found)));
    add(
        "basicConstraints",
        shown(certificate.basic_constraints(), constraints),
    );
    add("keyUsage", shown(certificate.key_usage(), usage));
    add("extKeyUsage", shown(certificate.extended_key_usage(), purposes));
    add("issuerAltName", shown(certificate.issuer_alt_name(), names));
    add("subjectAltName", shown(certificate.subject_alt_name(), names));
    add(
        "cRLDistributionPoints",
        shown(certificate.crl_distribution_points(), |found| {
            let mut names = found.uris;
            if found.other_than_uri {
                names.push("a name that is no URI".to_owned());
            }
            (names.join(", "), Json::from(names))
        }),
    );
    add(
        "authorityInfoAccess",
        shown(certificate.ocsp_addresses(), |found| {
            (found.join(", "), Json::from(found))
        }),
    );
    if certificate.extension(oid::OCSP_NO_CHECK).is_some() {
        add("ocspNoCheck", Some(Ok(("there".to_owned(), Json::from(true)))));
    }
    add(
        "subjectKeyIdentifier",
        shown(certificate.subject_key_identifier(), identifier),
    );
    add(
        "authorityKeyIdentifier",
        shown(certificate.authority_key_identifier(), |found| {
            identifier(found.key_identifier.unwrap_or_default())
        }),
    );
}

fn shown<T, E: Error>(
    found: Option<Result<T, E>>,
    show: impl FnOnce(T) -> (String, Json),
) -> Option<Result<(String, Json), String>> {
    found.map(|found| found.map(show).map_err(|error| error.to_string()))
}

fn general_name(name: &GeneralName) -> String {
    match name {
        GeneralName::Email(text) | GeneralName::Dns(text) | GeneralName::Uri(text) => text.clone(),
        GeneralName::Directory(name) => {
            let name = DistinguishedName::from_der(name).unwrap_or_default(); // read once before
            name.to_string()
        }
        GeneralName::Ip(octets) => match <[u8; 4]>::try_from(octets.as_slice()) {
            Ok(octets) => Ipv4Addr::from(octets).to_string(),
            Err(_) => <[u8; 16]>::try_from(octets.as_slice())
                .map_or_else(|_| hex(octets), |octets| Ipv6Addr::from(octets).to_string()),
        },
        _ => "a name of another kind".to_owned(),
    }
}

fn purpose(purpose: Oid<'_>) -> String {
    match purpose {
        oid::MDL_DS => "mdlDS".to_owned(),
        oid::MDOC_DS => "mdocDS".to_owned(),
        oid::MDL_READER_AUTH => "mdlReaderAuth".to_owned(),
        oid::MDOC_READER_AUTH => "mdocReaderAuth".to_owned(),
        oid::MDL_VICAL => "mdlVICAL".to_owned(),
        oid::MDOC_VICAL => "mdocVICAL".to_owned(),
        oid::MDL_JWS => "mdlJWS".to_owned(),
        oid::MDL_TLS_CLIENT_AUTH => "mdlTLSClientAuth".to_owned(),
        oid::OCSP_SIGNING => "OCSPSigning".to_owned(),
        oid::SERVER_AUTH => "serverAuth".to_owned(),
        oid::CLIENT_AUTH => "clientAuth".to_owned(),
        other => other.to_string(),
    }
}

/// What a certificate seems to be made for.
fn role(certificate: &Certificate) -> &'static str {
    let issues = matches!(certificate.basic_constraints(), Some(Ok(found)) if found.ca);
    let purposes = match certificate.extended_key_usage() {
        Some(Ok(purposes)) => purposes,
        _ => Vec::new(),
    };
    let has = |wanted: [Oid<'_>; 2]| purposes.iter().any(|found| wanted.contains(found));
    if has([oid::MDL_DS, oid::MDOC_DS]) {
        "a document signer"
    } else if has([oid::MDL_READER_AUTH, oid::MDOC_READER_AUTH]) {
        "a reader"
    } else if has([oid::MDL_VICAL, oid::MDOC_VICAL]) {
        "a signer of lists of authorities"
    } else if purposes.contains(&oid::OCSP_SIGNING) {
        "an OCSP responder"
    } else if issues && certificate.is_self_issued() {
        "a root"
    } else if issues {
        "a certification authority"
    } else {
        "a certificate"
    }
}

/// A public key: its curve, and enough of it to tell it from another.
pub(super) fn public_key(name: &str, key: &PublicKey) -> Node {
    let (x, y) = key.coordinates();
    let encode = Base64UrlUnpadded::encode_string;
    let mut json = json!({"curve": key.curve().to_string(), "x": {"bytes": encode(x)}});
    if let (Some(y), Some(members)) = (y, json.as_object_mut()) {
        members.insert("y".to_owned(), json!({"bytes": encode(y)}));
    }
    let beginning = hex(x.get(..8).unwrap_or_default());
    Node::value(name, format!("{}, x {beginning}…", key.curve()), json)
}
