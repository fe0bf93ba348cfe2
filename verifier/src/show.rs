//! A report for people (terminal) and for programs (JSON).

use std::fmt::Write as _;

use mdoc_cli::failure::printable_line;
use mdoc_core::cbor::{Item, Kind};
use mdoc_core::device_request::ItemsRequest;
use mdoc_core::status::{Answer, By};
use mdoc_core::value;
use mdoc_core::verify::{
    Accepted, Code, DocumentReport, Element, Outcome, ReasonCode, Report, Source, Step, Why,
};
use serde_json::{Map, Value, json};

/// The report as JSON, stable across versions:
/// `{"accepted", "documents": [{"docType", "accepted", "steps": […], "elements": {…}}]}`.
///
/// Elements are there only if the document is accepted: before that nobody vouches for them. A document that
/// refers to a list has `"status": {"state", "code", "message", "issuedAt", "freshUntil", "usableUntil"}`, where the state is
/// `valid`, `stale` (valid by a list of which a newer one is due), `revoked`, `suspended`, `application-specific` or
/// `unknown`; the code is there if it is unknown, the times if it is not.
#[must_use]
pub fn to_json(report: &Report<'_>) -> Value {
    to_json_of(report, None)
}

/// The same with those elements only that were asked for.
#[must_use]
pub fn to_json_of(report: &Report<'_>, asked: Option<&[ItemsRequest]>) -> Value {
    let documents: Vec<Value> = report
        .documents()
        .iter()
        .map(|document| document_json(document, asked))
        .collect();
    json!({ "accepted": report.accepted(), "documents": documents })
}

fn document_json(document: &DocumentReport<'_>, asked: Option<&[ItemsRequest]>) -> Value {
    let steps: Vec<Value> = document.steps().iter().map(step_json).collect();
    let mut elements = Map::new();
    let mut device_signed = Map::new();
    if let Ok(accepted) = document.accept() {
        for element in shown(document, &accepted, asked) {
            let target = match element.source {
                Source::Issuer => &mut elements,
                Source::Device => &mut device_signed,
            };
            let name_space = target
                .entry(element.name_space.as_ref())
                .or_insert_with(|| json!({}));
            if let Value::Object(values) = name_space {
                let value = element
                    .value
                    .to_value()
                    .map_or(Value::Null, |value| value::to_json(&value));
                values.insert(element.identifier.to_string(), value);
            }
        }
    }
    let mut out = json!({
        "docType": document.doc_type(),
        "accepted": document.accepted(),
        "steps": steps,
        "elements": elements,
    });
    if let (Value::Object(out), Some(status)) = (&mut out, status_json(document)) {
        out.insert("status".to_owned(), status);
    }
    if let (Value::Object(out), false) = (&mut out, device_signed.is_empty()) {
        out.insert("deviceSignedElements".to_owned(), Value::Object(device_signed));
    }
    out
}

/// Whether a newer list is due than the one that was used.
fn is_stale(document: &DocumentReport<'_>) -> bool {
    let stale = ReasonCode::Document(Code::StatusStale);
    document.steps().iter().any(|step| match &step.outcome {
        Outcome::Failed(reason) | Outcome::Warning(reason) => reason.code() == stale,
        Outcome::Passed | Outcome::NotDone(_) => false,
    })
}

/// What is known of the status of a document, in one word: that of the answer, or `stale` for one that was valid by a
/// list of which a newer one is due. None if the document refers to no list, or lists are left aside.
#[must_use]
pub fn status_word(document: &DocumentReport<'_>) -> Option<&'static str> {
    match document.status().map(|finding| &finding.answer) {
        Some(Answer::Valid) if is_stale(document) => Some("stale"),
        Some(answer) => Some(answer.id()),
        None => not_fetched(document).then_some("unknown"),
    }
}

/// Whether the document refers to a list, and none is at hand.
fn not_fetched(document: &DocumentReport<'_>) -> bool {
    let not_fetched = Outcome::NotDone(Why::StatusNotFetched);
    document.steps().iter().any(|step| step.outcome == not_fetched)
}

fn status_json(document: &DocumentReport<'_>) -> Option<Value> {
    let state = status_word(document)?;
    let Some(finding) = document.status() else {
        let why = Why::StatusNotFetched;
        return Some(json!({ "state": state, "message": why.meaning(), "code": why.id() }));
    };
    let by = match finding.by {
        By::List => "list",
        By::Issuer => "issuer",
    };
    let mut out = json!({ "state": state, "message": finding.answer.to_string(), "by": by });
    if let Value::Object(out) = &mut out {
        if let Answer::Unknown(reason) = &finding.answer {
            out.insert("code".to_owned(), json!(reason.code().id()));
        }
        if let Some(held) = finding.freshness {
            let times = [
                ("issuedAt", held.issued_at),
                ("freshUntil", held.fresh_until),
                ("usableUntil", held.usable_until),
            ];
            out.extend(times.map(|(name, at)| (name.to_owned(), json!(at.to_string()))));
        }
    }
    Some(out)
}

/// The status on a line of its own: with the reason if it is unknown, and until when it holds if it is not.
fn status_text(document: &DocumentReport<'_>, out: &mut String) {
    let (Some(word), Some(finding)) = (status_word(document), document.status()) else {
        return;
    };
    let _ = match (&finding.answer, finding.freshness) {
        (Answer::Unknown(reason), _) => {
            let reason = printable_line(&reason.to_string());
            writeln!(out, "  status    {word}: {reason}")
        }
        (_, Some(held)) if finding.by == By::Issuer => writeln!(
            out,
            "  status    {word}, as the issuer said itself at {}",
            held.issued_at
        ),
        (_, Some(held)) => writeln!(
            out,
            "  status    {word}, by a list of {}; a newer one is due from {}, this one ends {}",
            held.issued_at, held.fresh_until, held.usable_until
        ),
        (_, None) => writeln!(out, "  status    {word}"),
    };
}

fn step_json(step: &Step) -> Value {
    json!({
        "id": step.check.id(),
        "outcome": step.outcome_name(),
        "code": step.code(),
        "message": step.message(),
        "source": step.check.source(),
    })
}

/// How much of a report a person wants to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// What stands against the document, warnings, what was not done though it applies; passes counted.
    Brief,
    /// Every step with its source.
    Full,
}

/// The report as text for a terminal.
#[must_use]
pub fn to_text(report: &Report<'_>, detail: Detail) -> String {
    to_text_of(report, detail, None)
}

/// The same with those elements only that were asked for.
#[must_use]
pub fn to_text_of(report: &Report<'_>, detail: Detail, asked: Option<&[ItemsRequest]>) -> String {
    let mut out = String::new();
    for (index, document) in report.documents().iter().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        document_text(document, detail, asked, &mut out);
    }
    out
}

/// What was asked for, if that is known; an age is asked for by any of its limits (7.2.5).
fn shown<'r>(
    document: &DocumentReport<'_>,
    accepted: &'r Accepted<'_>,
    asked: Option<&[ItemsRequest]>,
) -> impl Iterator<Item = &'r Element<'r>> {
    let doc_type = document.doc_type().unwrap_or_default();
    let wanted = asked.map(|asked| {
        let of_type = asked.iter().filter(|request| request.doc_type == doc_type);
        let spaces = of_type.flat_map(|request| &request.name_spaces);
        let names = spaces.flat_map(|(name_space, elements)| {
            elements
                .iter()
                .map(|element| (name_space.clone(), element.identifier.clone()))
        });
        names.collect::<Vec<(String, String)>>()
    });
    let is_age = |identifier: &str| identifier.starts_with("age_over_");
    accepted.elements().iter().filter(move |element| {
        wanted.as_ref().is_none_or(|wanted| {
            wanted.iter().any(|(name_space, identifier)| {
                element.name_space == name_space.as_str()
                    && (element.identifier == identifier.as_str()
                        || is_age(identifier) && is_age(&element.identifier))
            })
        })
    })
}

fn document_text(
    document: &DocumentReport<'_>,
    detail: Detail,
    asked: Option<&[ItemsRequest]>,
    out: &mut String,
) {
    let verdict = if document.accepted() {
        "ACCEPTED"
    } else {
        "REJECTED"
    };
    let _ = writeln!(
        out,
        "{verdict}  {}",
        printable_line(document.doc_type().unwrap_or("unreadable document"))
    );
    let passed = document
        .steps()
        .iter()
        .filter(|step| step.outcome == Outcome::Passed)
        .count();
    match detail {
        Detail::Brief => brief(document, out),
        Detail::Full => full(document, out),
    }
    if detail == Detail::Brief {
        let _ = writeln!(
            out,
            "  ok        {passed} steps passed (all of them with --verbose)"
        );
    }
    status_text(document, out);
    let Ok(accepted) = document.accept() else { return };
    let mut name_space = String::new();
    for element in shown(document, &accepted, asked) {
        if element.name_space != name_space.as_str() {
            name_space = element.name_space.to_string();
            let _ = writeln!(out, "  {}", printable_line(&name_space));
        }
        let by = if element.source == Source::Device {
            "  (says the device)"
        } else {
            ""
        };
        let identifier = printable_line(&element.identifier);
        let _ = writeln!(out, "    {identifier:<30} {}{by}", value_text(element.value));
    }
}

/// Every step on a line of its own.
fn full(document: &DocumentReport<'_>, out: &mut String) {
    let against: Vec<&Step> = document.failures().collect();
    for step in document.steps() {
        let missing = matches!(step.outcome, Outcome::NotDone(_)) && against.contains(&step);
        let source = match step.outcome {
            Outcome::Failed(_) | Outcome::Warning(_) => format!("{}; {}", step.code(), step.check.source()),
            _ => step.check.source().to_owned(),
        };
        let (mark, check, message) = (
            mark(step, missing),
            step.check.id(),
            printable_line(&step.message()),
        );
        let _ = writeln!(out, "  {mark}  {check:<17} {message}  [{source}]");
    }
}

/// What failed or is a warning, then what was not done, the steps of one reason together.
fn brief(document: &DocumentReport<'_>, out: &mut String) {
    for step in document.steps() {
        if matches!(step.outcome, Outcome::Failed(_) | Outcome::Warning(_)) {
            let (mark, check, message) = (
                mark(step, false),
                step.check.id(),
                printable_line(&step.message()),
            );
            let (code, source) = (step.code(), step.check.source());
            let _ = writeln!(out, "  {mark}  {check:<17} {message}  [{code}; {source}]");
        }
    }
    let against: Vec<&Step> = document.failures().collect();
    // After a failure there is no need to say of each later step that it misses.
    let missing = |step: &Step, why| why != Why::EarlierFailure && against.contains(&step);
    let mut groups: Vec<(Why, bool, Vec<&Step>)> = Vec::new();
    for step in document.steps() {
        let Outcome::NotDone(why) = step.outcome else {
            continue;
        };
        if why == Why::NotApplicable {
            continue;
        }
        let missing = missing(step, why);
        match groups
            .iter_mut()
            .find(|(of, how, _)| (*of, *how) == (why, missing))
        {
            Some((_, _, steps)) => steps.push(step),
            None => groups.push((why, missing, vec![step])),
        }
    }
    for (why, missing, steps) in groups {
        let ids: Vec<&str> = steps.iter().map(|step| step.check.id()).collect();
        let mark = steps.first().map_or("", |step| mark(step, missing));
        let meaning = why.meaning();
        let _ = match ids.as_slice() {
            [one] => writeln!(out, "  {mark}  {one:<17} {meaning}"),
            few if few.len() <= 6 => writeln!(out, "  {mark}  {}: {meaning}", few.join(", ")),
            many => writeln!(out, "  {mark}  {:<17} {meaning}", format!("{} steps", many.len())),
        };
    }
}

const fn mark(step: &Step, missing: bool) -> &'static str {
    match step.outcome {
        Outcome::Passed => "ok      ",
        Outcome::Failed(_) => "FAILED  ",
        Outcome::Warning(_) => "warning ",
        Outcome::NotDone(_) if missing => "MISSING ",
        Outcome::NotDone(_) => "not done",
    }
}

/// A value on one line; byte strings by their length.
#[must_use]
pub fn value_text(item: Item<'_>) -> String {
    match item.kind() {
        Kind::Bytes => bytes_text(&item.bytes().unwrap_or_default()),
        Kind::Text => printable_line(&item.text().unwrap_or_default()),
        Kind::Tag(_) => item
            .tagged()
            .map_or_else(String::new, |(_, inner)| value_text(inner)),
        Kind::Array => {
            let parts: Vec<String> = item.array().into_iter().flatten().map(value_text).collect();
            format!("[{}]", parts.join(", "))
        }
        Kind::Map => {
            let entry = |(key, value)| format!("{}: {}", value_text(key), value_text(value));
            let parts: Vec<String> = item.map().into_iter().flatten().map(entry).collect();
            format!("{{{}}}", parts.join(", "))
        }
        _ => item
            .to_value()
            .map_or_else(|_| String::new(), |value| value::to_json(&value).to_string()),
    }
}

fn bytes_text(bytes: &[u8]) -> String {
    let kind = match bytes {
        [0xff, 0xd8, 0xff, ..] => ", JPEG",
        [0xff, 0x4f, 0xff, 0x51, ..] | [0, 0, 0, 0x0c, 0x6a, 0x50, ..] => ", JPEG 2000",
        _ => "",
    };
    format!("{} bytes{kind}", bytes.len())
}
