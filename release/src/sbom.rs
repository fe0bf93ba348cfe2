//! The software bill of materials: CycloneDX 1.5 as JSON (ECMA-424, first edition is 1.6; 1.5 is read everywhere).

use core::fmt::Write as _;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::parts::{Id, PROGRAMS, Part, Parts};

/// Writes the bill of materials. The same parts and the same instant give the same text.
///
/// `made_at` is the instant of the release in RFC 3339; none leaves it out.
#[must_use]
pub fn to_json(parts: &Parts, made_at: Option<&str>) -> Value {
    let programs: Vec<Value> = parts
        .parts
        .values()
        .filter(|part| is_program(part))
        .map(component)
        .collect();
    let libraries = parts.parts.values().filter(|part| !is_program(part));
    let release = json!({
        "type": "application",
        "bom-ref": "mdoc",
        "name": "mdoc",
        "version": parts.version(),
        "licenses": [{ "expression": "MIT OR Apache-2.0" }],
        "components": programs,
    });
    let mut dependencies = vec![json!({
        "ref": "mdoc",
        "dependsOn": parts.parts.values().filter(|part| is_program(part)).map(reference).collect::<Vec<_>>(),
    })];
    dependencies.extend(parts.parts.values().map(|part| {
        json!({
            "ref": reference(part),
            "dependsOn": part.needs.iter().map(purl).collect::<Vec<_>>(),
        })
    }));
    let mut metadata = json!({
        "tools": { "components": [{
            "type": "application",
            "name": "mdoc-release",
            "version": env!("CARGO_PKG_VERSION"),
        }] },
        "component": release,
    });
    if let (Some(made_at), Some(metadata)) = (made_at, metadata.as_object_mut()) {
        metadata.insert("timestamp".to_owned(), made_at.into());
    }
    json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": serial(parts),
        "version": 1,
        "metadata": metadata,
        "components": libraries.map(component).collect::<Vec<_>>(),
        "dependencies": dependencies,
    })
}

fn is_program(part: &Part) -> bool {
    PROGRAMS.contains(&part.name.as_str())
}

fn component(part: &Part) -> Value {
    let mut component = json!({
        "type": if is_program(part) { "application" } else { "library" },
        "bom-ref": reference(part),
        "name": part.name,
        "version": part.version,
        "scope": "required",
        "licenses": [{ "expression": part.licence }],
        "purl": reference(part),
    });
    let Some(members) = component.as_object_mut() else {
        return component;
    };
    if part.licence.is_empty() {
        members.remove("licenses");
    }
    if let Some(checksum) = &part.checksum {
        members.insert(
            "hashes".to_owned(),
            json!([{ "alg": "SHA-256", "content": checksum }]),
        );
    }
    if let Some(repository) = &part.repository {
        members.insert(
            "externalReferences".to_owned(),
            json!([{ "type": "vcs", "url": repository }]),
        );
    }
    component
}

fn reference(part: &Part) -> String {
    purl(&(part.name.clone(), part.version.clone()))
}

/// The package URL; a `+` of a version is escaped in it.
fn purl((name, version): &Id) -> String {
    format!("pkg:cargo/{name}@{}", version.replace('+', "%2B"))
}

/// A UUID of version 8 (RFC 9562) that follows from what is listed, so that a release can be made again.
fn serial(parts: &Parts) -> String {
    let mut hash = Sha256::new();
    for (name, version) in parts.parts.keys() {
        hash.update(format!("{name} {version}\n"));
    }
    hash.update(&parts.lock);
    let digest = hash.finalize();
    let mut text = String::from("urn:uuid:");
    for (at, octet) in digest.iter().take(16).enumerate() {
        let octet = match at {
            6 => octet & 0x0f | 0x80,
            8 => octet & 0x3f | 0x80,
            _ => *octet,
        };
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        // Nothing goes wrong when a string is written to.
        let _ = write!(text, "{octet:02x}");
    }
    text
}
