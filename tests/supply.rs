//! What the programs are made of: the bill of materials is complete, the list of licences is current.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use mdoc_release::{Parts, Platform, licences, sbom};
use serde_json::Value;
use toml::Table;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Version, checksum, and what it depends on in whatever way.
type Locked = (String, Option<String>, Vec<String>);

/// The packages of the lock file by name.
fn lock() -> BTreeMap<String, Vec<Locked>> {
    let text = std::fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let table: Table = toml::from_str(&text).unwrap();
    let mut all = BTreeMap::<_, Vec<_>>::new();
    for package in table["package"].as_array().unwrap() {
        let text = |key: &str| {
            package
                .get(key)
                .and_then(|value| value.as_str())
                .map(str::to_owned)
        };
        let needs = package.get("dependencies").and_then(|needs| needs.as_array());
        let needs = needs
            .into_iter()
            .flatten()
            .map(|need| need.as_str().unwrap().to_owned());
        let entry = (text("version").unwrap(), text("checksum"), needs.collect());
        all.entry(text("name").unwrap()).or_default().push(entry);
    }
    all
}

#[test]
fn the_bill_of_materials_has_every_package_that_goes_into_the_programs() {
    let parts = Parts::of(root(), &Platform::Host).unwrap();
    let text = sbom::to_json(&parts, Some("2026-06-01T12:00:00Z")).to_string();
    let bill: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&bill["bomFormat"], &bill["specVersion"]),
        (&"CycloneDX".into(), &"1.5".into())
    );
    assert_eq!(bill["metadata"]["timestamp"], "2026-06-01T12:00:00Z");
    let serial = bill["serialNumber"].as_str().unwrap();
    assert!(serial.starts_with("urn:uuid:") && serial.len() == 45, "{serial}");
    assert_eq!(&serial[23..24], "8", "a UUID that is not random says so");

    let programs = bill["metadata"]["component"]["components"].as_array().unwrap();
    let libraries = bill["components"].as_array().unwrap();
    let text = |component: &Value, key: &str| component[key].as_str().unwrap_or_default().to_owned();
    let names: Vec<String> = programs.iter().map(|program| text(program, "name")).collect();
    assert_eq!(
        names,
        ["mdoc-holder", "mdoc-issuer", "mdoc-service", "mdoc-verifier"]
    );

    // Each is in the lock file with that version and checksum, has a licence, and is there once.
    let lock = lock();
    let mut listed = BTreeSet::new();
    for component in programs.iter().chain(libraries) {
        let (name, version) = (text(component, "name"), text(component, "version"));
        let locked = lock[&name].iter().find(|(locked, ..)| *locked == version);
        let (_, checksum, _) = locked.unwrap_or_else(|| panic!("{name} {version} is not locked"));
        let hash = component["hashes"][0]["content"].as_str();
        assert_eq!(hash, checksum.as_deref(), "{name}");
        let licence = component["licenses"][0]["expression"].as_str().unwrap();
        assert!(!licence.is_empty() && !licence.contains('/'), "{name}: {licence}");
        assert_eq!(text(component, "purl"), text(component, "bom-ref"));
        assert!(
            listed.insert(text(component, "bom-ref")),
            "{name} {version} is listed twice"
        );
    }

    // From the lock file alone: whatever a listed package depends on and is not listed is a build script, a macro,
    // for tests or for other machines, and these do not go into a program. None of the libraries that do is left out.
    let listed_names: BTreeSet<&str> = libraries
        .iter()
        .filter_map(|library| library["name"].as_str())
        .collect();
    for needed in [
        "mdoc-core",
        "mdoc-cli",
        "aws-lc-rs",
        "aws-lc-sys",
        "p256",
        "ecdsa",
        "sha2",
        "aes-gcm",
        "ciborium",
        "coset",
        "clap",
        "serde_json",
        "roxmltree",
        "tiny-skia",
        "zeroize",
        "tracing-subscriber",
        "cryptoki",
        "subtle",
    ] {
        assert!(listed_names.contains(needed), "{needed} is not listed");
    }
    for foreign in [
        "proptest",
        "rand_xorshift",
        "cc",
        "syn",
        "serde_derive",
        "integration",
        "mdoc-release",
    ] {
        assert!(!listed_names.contains(foreign), "{foreign} goes into no program");
    }
    let mut reached: BTreeSet<&str> = BTreeSet::new();
    let mut due: Vec<&str> = names.iter().map(String::as_str).collect();
    while let Some(name) = due.pop() {
        for (_, _, needs) in &lock[name] {
            let needs = needs.iter().map(|need| need.split(' ').next().unwrap());
            due.extend(needs.filter(|need| reached.insert(need)));
        }
    }
    assert!(
        listed_names.is_subset(&reached),
        "something is listed that no program depends on"
    );

    // The graph is closed: every reference is to something that is listed, and everything is reached.
    let edges = bill["dependencies"].as_array().unwrap();
    let mut needed = BTreeSet::new();
    for edge in edges {
        let from = edge["ref"].as_str().unwrap();
        assert!(from == "mdoc" || listed.contains(from), "{from}");
        for to in edge["dependsOn"].as_array().unwrap() {
            let to = to.as_str().unwrap();
            assert!(listed.contains(to), "{from} depends on {to}, which is not listed");
            needed.insert(to.to_owned());
        }
    }
    assert_eq!(edges.len(), listed.len() + 1);
    assert_eq!(needed, listed);
    assert_eq!(sbom::to_json(&parts, None)["serialNumber"], bill["serialNumber"]);
}

#[test]
fn the_list_of_licences_is_current() {
    let parts = Parts::of(root(), &Platform::All).unwrap();
    let page = licences::page(&parts);
    assert!(page.contains("| [p256](") && !page.contains("proptest"), "{page}");
    let path = root().join("docs/licences.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    assert!(
        std::fs::read_to_string(&path).unwrap_or_default() == page,
        "docs/licences.md is out of date: UPDATE_DOCS=1 cargo test -p integration licences"
    );
}

#[test]
fn the_texts_of_the_licences_are_there() {
    let parts = Parts::of(root(), &Platform::Host).unwrap();
    let folder = std::env::temp_dir().join(format!("mdoc-licences-{}", std::process::id()));
    let without = licences::copy_texts(&parts, &folder).unwrap();
    let with = std::fs::read_dir(&folder).unwrap().count();
    let others = parts.parts.values().filter(|part| !part.is_ours()).count();
    assert_eq!(with + without.len(), others);
    // Some packages forget theirs; what they say in their description holds all the same.
    assert!(without.len() * 20 < others, "{without:?}");
    let jpeg = std::fs::read_dir(&folder).unwrap().flatten();
    let jpeg = jpeg.filter(|entry| entry.file_name().to_string_lossy().starts_with("jpeg-encoder-"));
    assert_eq!(jpeg.count(), 1);
    std::fs::remove_dir_all(folder).unwrap();
}
