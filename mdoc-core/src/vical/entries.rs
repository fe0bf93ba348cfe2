//! The steps about the entries of a list. None of them costs more than the entry.

use std::collections::BTreeMap;

use super::check::Check;
use super::decode::{CertificateInfo, Vical, without_leading_zeros};
use super::reason::{Code, Detail, Reason, Why};
use super::report::Steps;
use crate::time::Timestamp;
use crate::x509::Certificate;
use crate::x509::profile::{self, Role};

pub(super) fn inspect(vical: &Vical, steps: &mut Steps, now: Timestamp) {
    let mut seen: BTreeMap<[u8; 32], usize> = BTreeMap::new();
    let mut usable = false;
    for (index, entry) in vical.entries.iter().enumerate() {
        let certificate = match &entry.certificate {
            Ok(certificate) => certificate,
            Err(fault) => {
                let reason = Reason::new(Code::EntryUnreadable, Detail::Text(fault.to_string()));
                steps.find(reason.of_entry(index, stated_name(entry)));
                continue;
            }
        };
        let subject = certificate.subject().to_string();
        let mut find = |code, detail| steps.find(Reason::new(code, detail).of_entry(index, subject.clone()));
        if entry.doc_types.is_empty() {
            find(Code::EntryDocType, Detail::None);
        } else {
            usable = true;
        }
        agreement(entry, certificate, &mut find);
        if let Some(first) = seen.insert(certificate.fingerprint(), index) {
            let also = format!("entry {} is the same", first.saturating_add(1));
            find(Code::EntryDuplicate, Detail::Text(also));
        }
        let (from, until) = (certificate.not_before(), certificate.not_after());
        if now < from {
            find(Code::EntryNotYetValid, Detail::Time { limit: from, at: now });
        } else if now > until {
            find(
                Code::EntryExpired,
                Detail::Time {
                    limit: until,
                    at: now,
                },
            );
        }
        for finding in profile::check(role_of(certificate), certificate, None) {
            steps.find(Reason::entry_profile(finding).of_entry(index, subject.clone()));
        }
    }
    if !usable {
        steps.find(Reason::new(Code::EntriesNone, Detail::None));
    }
    for check in [
        Check::EntriesReadable,
        Check::EntriesAgree,
        Check::EntriesOnce,
        Check::EntriesValid,
        Check::EntriesProfile,
    ] {
        if vical.entries.is_empty() && check != Check::EntriesReadable {
            steps.not_done(check, Why::NoEntries);
        } else {
            steps.pass_unless_found(check);
        }
    }
}

/// The role that the certificate of an entry has: a root, or a link from an old root to a new one.
///
/// A link between roots of one name has that name as its issuer too, but not its own key as the issuer's.
#[must_use]
pub fn role_of(certificate: &Certificate) -> Role {
    let by_another_key = matches!(
        certificate.authority_key_identifier(),
        Some(Ok(above)) if above
            .key_identifier
            .is_some_and(|above| above != certificate.computed_key_identifier())
    );
    if certificate.is_self_issued() && !by_another_key {
        Role::IacaRoot
    } else {
        Role::IacaLink
    }
}

/// How an entry without a certificate is called.
fn stated_name(entry: &CertificateInfo) -> String {
    let parts = [
        &entry.issuing_authority,
        &entry.state_or_province,
        &entry.issuing_country,
    ];
    parts.into_iter().flatten().next().cloned().unwrap_or_default()
}

/// Compares what the list says of a certificate with what the certificate says.
fn agreement(entry: &CertificateInfo, certificate: &Certificate, find: &mut impl FnMut(Code, Detail)) {
    for fault in &entry.faults {
        find(Code::EntryMember, Detail::Decode(fault.clone()));
    }
    if !entry.ski_agrees(certificate) {
        let code = if entry.ski_is_wrapped(certificate) {
            Code::EntrySkiWrapped
        } else {
            Code::EntrySki
        };
        let stated = entry.ski.as_deref().unwrap_or_default();
        let detail = match code {
            Code::EntrySki => differs(stated, &certificate.computed_key_identifier()),
            _ => Detail::None,
        };
        find(code, detail);
    }
    let own = without_leading_zeros(certificate.serial_number());
    if let Some(stated) = entry.serial_number.as_deref().filter(|stated| *stated != own) {
        find(Code::EntrySerial, differs(stated, own));
    }
    for (what, stated, own) in [
        ("issuer", &entry.issuer, certificate.issuer_der()),
        ("subject", &entry.subject, certificate.subject_der()),
    ] {
        if stated.as_deref().is_some_and(|stated| stated != own) {
            find(Code::EntryName, Detail::Text(what.to_owned()));
        }
    }
    for (stated, own) in [
        (entry.not_before, certificate.not_before()),
        (entry.not_after, certificate.not_after()),
    ] {
        if let Some(stated) = stated.filter(|stated| *stated != own) {
            let (found, expected) = (stated.to_string(), own.to_string());
            find(Code::EntryValidity, Detail::Differs { found, expected });
        }
    }
    if let (Some(found), Some(expected)) = (&entry.issuing_country, certificate.subject().country())
        && *found != expected
    {
        let found = found.clone();
        find(Code::EntryCountry, Detail::Differs { found, expected });
    }
}

fn differs(found: &[u8], expected: &[u8]) -> Detail {
    let hex = |octets: &[u8]| {
        // Longer ones are no identifiers, and nobody reads them.
        base16ct::lower::encode_string(octets.get(..40).unwrap_or(octets))
    };
    Detail::Differs {
        found: hex(found),
        expected: hex(expected),
    }
}
