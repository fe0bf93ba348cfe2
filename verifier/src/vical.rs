//! Lists of issuing authorities (VICAL) for people and for programs: reports, contents, differences.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use base16ct::lower::encode_string as hex;
use mdoc_cli::failure::printable_line;
use mdoc_core::time::Timestamp;
use mdoc_core::vical::compare::Changes;
use mdoc_core::vical::{Outcome, Report, Step, Vical, Why};
use mdoc_core::x509::Certificate;
use serde_json::{Value, json};

use crate::show::Detail;

/// A report as JSON, stable across versions: `{"accepted", "provider", "issueId", "date", …, "steps": […]}`.
#[must_use]
pub fn report_json(report: &Report) -> Value {
    let steps: Vec<Value> = report.steps().iter().map(step_json).collect();
    let mut out = json!({ "accepted": report.accepted(), "steps": steps });
    if let (Some(vical), Value::Object(out)) = (report.claimed(), &mut out)
        && let Value::Object(head) = head_json(vical)
    {
        out.extend(head);
        out.insert("entries".to_owned(), vical.entries.len().into());
    }
    out
}

fn step_json(step: &Step) -> Value {
    json!({
        "id": step.check.id(),
        "outcome": step.outcome_name(),
        "code": step.code(),
        "message": step.message(),
        "source": step.check.source(),
        // As people count, and as the messages do.
        "entry": step.entry().map(|index| index.saturating_add(1)),
    })
}

fn head_json(vical: &Vical) -> Value {
    let time = |time: Option<Timestamp>| time.map(|time| time.to_string());
    json!({
        "version": vical.version,
        "provider": vical.provider,
        "issueId": vical.issue_id,
        "date": vical.date.to_string(),
        "nextUpdate": time(vical.next_update),
        "notAfter": time(vical.not_after),
        "url": vical.url,
    })
}

/// A report as text for a terminal. Findings about entries are counted by code unless every step is asked for.
#[must_use]
pub fn report_text(report: &Report, detail: Detail) -> String {
    let mut out = String::new();
    let verdict = if report.accepted() { "ACCEPTED" } else { "REJECTED" };
    match report.claimed() {
        Some(vical) => {
            let _ = writeln!(out, "{verdict}  {}", head(vical));
        }
        None => {
            let _ = writeln!(out, "{verdict}  unreadable list");
        }
    }
    let against: Vec<&Step> = report.failures().collect();
    let mut counted: Vec<(&Step, usize)> = Vec::new();
    for step in report.steps() {
        let missing = matches!(step.outcome, Outcome::NotDone(_)) && against.contains(&step);
        if detail == Detail::Full {
            line(step, missing, &mut out);
            continue;
        }
        match step.outcome {
            Outcome::Passed | Outcome::NotDone(Why::EarlierFailure) => {}
            Outcome::Warning(_) if step.entry().is_some() => {
                match counted.iter_mut().find(|(first, _)| first.code() == step.code()) {
                    Some((_, count)) => *count += 1,
                    None => counted.push((step, 1)),
                }
            }
            _ => line(step, missing, &mut out),
        }
    }
    for (first, count) in counted {
        if count == 1 {
            line(first, false, &mut out);
        } else {
            let (check, code, more) = (first.check.id(), first.code(), count - 1);
            let message = printable_line(&first.message());
            let _ = writeln!(
                out,
                "  warning   {check:<24} {message}, and {more} more  [{code}]"
            );
        }
    }
    if detail == Detail::Brief {
        let passed = report
            .steps()
            .iter()
            .filter(|step| step.outcome == Outcome::Passed);
        let _ = writeln!(
            out,
            "  ok        {} steps passed (all of them with --verbose)",
            passed.count()
        );
    }
    out
}

fn line(step: &Step, missing: bool, out: &mut String) {
    let mark = match step.outcome {
        Outcome::Passed => "ok      ",
        Outcome::Failed(_) => "FAILED  ",
        Outcome::Warning(_) => "warning ",
        Outcome::NotDone(_) if missing => "MISSING ",
        Outcome::NotDone(_) => "not done",
    };
    let source = match step.outcome {
        Outcome::Failed(_) | Outcome::Warning(_) => format!("{}; {}", step.code(), step.check.source()),
        _ => step.check.source().to_owned(),
    };
    let (check, message) = (step.check.id(), printable_line(&step.message()));
    let _ = writeln!(out, "  {mark}  {check:<24} {message}  [{source}]");
}

/// A list in a line: `AAMVA, issue 227602 of 2025-11-18T18:38:12Z, 14 entries`.
fn head(vical: &Vical) -> String {
    let issue = vical
        .issue_id
        .map_or("a list".to_owned(), |issue| format!("issue {issue}"));
    let entries = match vical.entries.len() {
        1 => "1 entry".to_owned(),
        count => format!("{count} entries"),
    };
    format!(
        "{}, {issue} of {}, {entries}",
        printable_line(&vical.provider),
        vical.date
    )
}

/// What is in a list as JSON. Nothing of it was verified, which the member `verified` says.
#[must_use]
pub fn contents_json(vical: &Vical, report: &Report, now: Timestamp) -> Value {
    let by_entry = by_entry(report);
    let entries = vical.entries.iter().enumerate().map(|(index, entry)| {
        let certificate = entry.certificate.as_ref().ok();
        let about = by_entry.get(&index).into_iter().flatten().copied();
        let findings: Vec<Value> = about.map(step_json).collect();
        json!({
            "docTypes": entry.doc_types,
            "issuingAuthority": entry.issuing_authority,
            "issuingCountry": entry.issuing_country,
            "stateOrProvinceName": entry.state_or_province,
            "certificateProfile": entry.certificate_profiles,
            "certificate": certificate.map(certificate_json),
            "validNow": certificate.map(|certificate| certificate.is_valid_at(now)),
            "findings": findings,
        })
    });
    let entries: Vec<Value> = entries.collect();
    let mut out = json!({ "verified": false, "entries": entries });
    if let (Value::Object(out), Value::Object(head)) = (&mut out, head_json(vical)) {
        out.extend(head);
    }
    out
}

fn certificate_json(certificate: &Certificate) -> Value {
    let subject = certificate.subject();
    json!({
        "subject": subject.to_string(),
        "country": subject.country(),
        "stateOrProvince": subject.state_or_province(),
        "serialNumber": hex(certificate.serial_number()),
        "notBefore": certificate.not_before().to_string(),
        "notAfter": certificate.not_after().to_string(),
        "sha256": hex(&certificate.fingerprint()),
    })
}

/// The lines about each entry. The profile is left to `vical verify`: most roots in use deviate a little.
fn by_entry(report: &Report) -> BTreeMap<usize, Vec<&Step>> {
    let mut by_entry: BTreeMap<usize, Vec<&Step>> = BTreeMap::new();
    for step in report.steps() {
        if let Some(index) = step.entry() {
            by_entry.entry(index).or_default().push(step);
        }
    }
    by_entry
}

/// What is in a list as a table, with the findings about each entry below it.
#[must_use]
pub fn contents_text(vical: &Vical, report: &Report, now: Timestamp) -> String {
    let mut out = format!("{}\n", head(vical));
    for (name, time) in [("next update", vical.next_update), ("not after", vical.not_after)] {
        if let Some(time) = time {
            let passed = if time < now { ", which has passed" } else { "" };
            let _ = writeln!(out, "{name}: {time}{passed}");
        }
    }
    if let Some(url) = &vical.url {
        let _ = writeln!(out, "newest list: {}", printable_line(url));
    }
    out.push('\n');
    let by_entry = by_entry(report);
    for (index, entry) in vical.entries.iter().enumerate() {
        let number = index.saturating_add(1);
        match &entry.certificate {
            Ok(certificate) => {
                let subject = certificate.subject();
                let country = subject.country().or_else(|| entry.issuing_country.clone());
                let state = subject
                    .state_or_province()
                    .or_else(|| entry.state_or_province.clone());
                let place: Vec<String> = [country, state]
                    .into_iter()
                    .flatten()
                    .map(|name| printable_line(&name))
                    .collect();
                let remark = if now < certificate.not_before() {
                    " (not yet valid)"
                } else if now > certificate.not_after() {
                    " (expired)"
                } else {
                    ""
                };
                let name = printable_line(&subject.to_string());
                let _ = writeln!(out, "{number:>4}  {:<10} {name}", place.join(" "));
                let (from, until) = (certificate.not_before().date(), certificate.not_after().date());
                let _ = writeln!(out, "      valid      {from} to {until}{remark}");
                let _ = writeln!(out, "      sha256     {}", hex(&certificate.fingerprint()));
            }
            Err(error) => {
                let _ = writeln!(out, "{number:>4}  passed over: {error}");
            }
        }
        let doc_types: Vec<String> = entry.doc_types.iter().map(|name| printable_line(name)).collect();
        if !doc_types.is_empty() {
            let _ = writeln!(out, "      docTypes   {}", doc_types.join(", "));
        }
        for step in by_entry.get(&index).into_iter().flatten() {
            let message = step.message();
            // The subject is two lines above.
            let message = message.split_once("): ").map_or(&*message, |(_, rest)| rest);
            let _ = writeln!(
                out,
                "      finding    {}  [{}]",
                printable_line(message),
                step.code()
            );
        }
    }
    out
}

/// What changed from one list to another as JSON, stable across versions.
#[must_use]
pub fn changes_json(old: &Vical, new: &Vical, changes: &Changes<'_>) -> Value {
    let all = |certificates: &[&Certificate]| -> Vec<Value> {
        certificates.iter().map(|found| certificate_json(found)).collect()
    };
    let renewed = changes.renewed.iter().map(
        |renewal| json!({ "old": all(&renewal.old), "new": all(&renewal.new), "newKey": renewal.new_key() }),
    );
    let doc_types = changes.doc_types.iter().map(|change| {
        json!({
            "certificate": certificate_json(change.certificate),
            "added": change.added,
            "removed": change.removed,
        })
    });
    let stated = changes.stated.iter().map(
        |(certificate, members)| json!({ "certificate": certificate_json(certificate), "members": members }),
    );
    json!({
        "same": changes.is_empty(),
        "old": head_json(old),
        "new": head_json(new),
        "added": all(&changes.added),
        "removed": all(&changes.removed),
        "renewed": renewed.collect::<Vec<_>>(),
        "docTypes": doc_types.collect::<Vec<_>>(),
        "stated": stated.collect::<Vec<_>>(),
        "unreadable": changes.unreadable.map(|(old, new)| json!({ "old": old, "new": new })),
    })
}

/// What changed from one list to another, a line each.
#[must_use]
pub fn changes_text(old: &Vical, new: &Vical, changes: &Changes<'_>) -> String {
    let mut out = format!("old  {}\nnew  {}\n", head(old), head(new));
    if changes.is_empty() {
        out.push_str("the same authorities for the same documents\n");
        return out;
    }
    let named = |certificate: &Certificate| {
        let print = hex(&certificate.fingerprint());
        let short = print.get(..16).unwrap_or_default();
        format!(
            "{} (sha256 {short}…)",
            printable_line(&certificate.subject().to_string())
        )
    };
    let joined = |names: &[String]| {
        let names: Vec<String> = names.iter().map(|name| printable_line(name)).collect();
        names.join(", ")
    };
    for certificate in &changes.added {
        let _ = writeln!(out, "added     {}", named(certificate));
    }
    for certificate in &changes.removed {
        let _ = writeln!(out, "removed   {}", named(certificate));
    }
    for renewal in &changes.renewed {
        let key = if renewal.new_key() {
            "a new key"
        } else {
            "the same key"
        };
        let (before, after): (Vec<_>, Vec<_>) = (
            renewal.old.iter().map(|found| named(found)).collect(),
            renewal.new.iter().map(|found| named(found)).collect(),
        );
        let (before, after) = (before.join(", "), after.join(", "));
        let _ = writeln!(out, "renewed   {before}\n     by   {after}, with {key}");
    }
    for change in &changes.doc_types {
        let _ = writeln!(out, "docTypes  {}", named(change.certificate));
        for (sign, doc_types) in [('+', &change.added), ('-', &change.removed)] {
            if !doc_types.is_empty() {
                let _ = writeln!(out, "       {sign}  {}", joined(doc_types));
            }
        }
    }
    for (certificate, members) in &changes.stated {
        let _ = writeln!(out, "stated    {}: {}", named(certificate), members.join(", "));
    }
    if let Some((before, after)) = changes.unreadable {
        let _ = writeln!(out, "unreadable entries: {before} before, {after} now");
    }
    out
}

#[cfg(test)]
mod tests {
    use mdoc_core::vical::{Inputs, verify};

    use super::*;

    const AAMVA: &[u8] = include_bytes!("../../tests/vectors/vical/aamva-2025-11-18.cbor");

    #[test]
    fn each_entry_has_the_findings_about_it_and_no_others() {
        let now = Timestamp::parse("2025-11-19T00:00:00Z").unwrap();
        let report = verify(AAMVA, &Inputs::new(&[], now));
        let vical = report.claimed().unwrap();
        let contents = contents_json(vical, &report, now);
        let entries = contents["entries"].as_array().unwrap();
        assert_eq!(entries.len(), 14);
        let mut all = 0;
        for (index, entry) in entries.iter().enumerate() {
            let about = report.steps().iter().filter(|step| step.entry() == Some(index));
            let about: Vec<Value> = about.map(step_json).collect();
            assert!(!about.is_empty(), "the wrapped key identifier at least");
            all += about.len();
            assert_eq!(entry["findings"], Value::Array(about));
        }
        let text = contents_text(vical, &report, now);
        let findings = text.lines().filter(|line| line.starts_with("      finding "));
        assert_eq!(findings.count(), all);
    }
}
