//! What changed from one list to another.
//!
//! Nobody's signature is looked at here: both lists are taken as they are.

use std::collections::{BTreeMap, BTreeSet};

use super::decode::{CertificateInfo, Vical};
use crate::x509::Certificate;

/// What changed from one list to another. Everything is empty if they trust the same authorities for the same
/// documents and say the same of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes<'v> {
    /// Certificates that only the new list has, and that replace none.
    pub added: Vec<&'v Certificate>,
    /// Certificates that only the old list has, and that none replaces.
    pub removed: Vec<&'v Certificate>,
    /// Certificates of one list that have the same subject as certificates only the other one has.
    pub renewed: Vec<Renewal<'v>>,
    /// Certificates that are trusted for other documents now.
    pub doc_types: Vec<DocTypes<'v>>,
    /// Certificates of which the list says something else now: the members that differ.
    pub stated: Vec<(&'v Certificate, Vec<&'static str>)>,
    /// How many entries without a readable certificate there are, before and now, if they are not the same.
    pub unreadable: Option<(usize, usize)>,
}

/// An authority with other certificates than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewal<'v> {
    /// Those that are gone.
    pub old: Vec<&'v Certificate>,
    /// Those that came.
    pub new: Vec<&'v Certificate>,
}

impl Renewal<'_> {
    /// Whether there is a key that the authority did not have before.
    #[must_use]
    pub fn new_key(&self) -> bool {
        let had = |new: &&Certificate| {
            let key = new.public_key_info_der();
            self.old.iter().any(|old| old.public_key_info_der() == key)
        };
        !self.new.iter().all(had)
    }
}

/// A certificate that is trusted for other documents than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocTypes<'v> {
    /// The certificate.
    pub certificate: &'v Certificate,
    /// Document types that came.
    pub added: Vec<String>,
    /// Document types that are gone.
    pub removed: Vec<String>,
}

impl Changes<'_> {
    /// Whether nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// All entries of one certificate.
struct Listed<'v> {
    certificate: &'v Certificate,
    doc_types: BTreeSet<&'v str>,
    entry: &'v CertificateInfo,
}

fn listed(vical: &Vical) -> BTreeMap<[u8; 32], Listed<'_>> {
    let mut all: BTreeMap<[u8; 32], Listed<'_>> = BTreeMap::new();
    for entry in &vical.entries {
        let Ok(certificate) = &entry.certificate else {
            continue;
        };
        all.entry(certificate.fingerprint())
            .or_insert_with(|| Listed {
                certificate,
                doc_types: BTreeSet::new(),
                entry,
            })
            .doc_types
            .extend(entry.doc_types.iter().map(String::as_str));
    }
    all
}

/// Tells what changed from `old` to `new`. Certificates are the same if their bytes are; the order of entries does
/// not matter.
#[must_use]
pub fn compare<'v>(old: &'v Vical, new: &'v Vical) -> Changes<'v> {
    let (before, after) = (listed(old), listed(new));
    let mut changes = Changes::default();
    // By subject: what is gone, and what came.
    let mut names: BTreeMap<&[u8], Renewal<'v>> = BTreeMap::new();
    let nothing = || Renewal {
        old: Vec::new(),
        new: Vec::new(),
    };
    for (key, found) in &before {
        match after.get(key) {
            Some(now) => same_certificate(found, now, &mut changes),
            None => names
                .entry(found.certificate.subject_der())
                .or_insert_with(nothing)
                .old
                .push(found.certificate),
        }
    }
    for (_, found) in after.iter().filter(|(key, _)| !before.contains_key(*key)) {
        names
            .entry(found.certificate.subject_der())
            .or_insert_with(nothing)
            .new
            .push(found.certificate);
    }
    for renewal in names.into_values() {
        match (renewal.old.as_slice(), renewal.new.as_slice()) {
            (old, []) => changes.removed.extend(old),
            ([], new) => changes.added.extend(new),
            _ => changes.renewed.push(renewal),
        }
    }
    let unreadable = |vical: &Vical| vical.entries.iter().filter(|e| e.certificate.is_err()).count();
    let counts = (unreadable(old), unreadable(new));
    changes.unreadable = Some(counts).filter(|(before, now)| before != now);
    changes
}

fn same_certificate<'v>(old: &Listed<'v>, new: &Listed<'v>, changes: &mut Changes<'v>) {
    let only = |here: &BTreeSet<&str>, there: &BTreeSet<&str>| -> Vec<String> {
        here.difference(there).map(|text| (*text).to_owned()).collect()
    };
    let (added, removed) = (
        only(&new.doc_types, &old.doc_types),
        only(&old.doc_types, &new.doc_types),
    );
    if !added.is_empty() || !removed.is_empty() {
        changes.doc_types.push(DocTypes {
            certificate: new.certificate,
            added,
            removed,
        });
    }
    let (old, new, certificate) = (old.entry, new.entry, new.certificate);
    let differing: Vec<&'static str> = [
        ("serialNumber", old.serial_number != new.serial_number),
        ("ski", old.ski != new.ski),
        (
            "certificateProfile",
            old.certificate_profiles != new.certificate_profiles,
        ),
        ("issuingAuthority", old.issuing_authority != new.issuing_authority),
        ("issuingCountry", old.issuing_country != new.issuing_country),
        (
            "stateOrProvinceName",
            old.state_or_province != new.state_or_province,
        ),
        ("issuer", old.issuer != new.issuer),
        ("subject", old.subject != new.subject),
        ("notBefore", old.not_before != new.not_before),
        ("notAfter", old.not_after != new.not_after),
    ]
    .into_iter()
    .filter_map(|(name, differs)| differs.then_some(name))
    .collect();
    if !differing.is_empty() {
        changes.stated.push((certificate, differing));
    }
}
