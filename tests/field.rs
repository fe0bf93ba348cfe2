//! Documents from the field: what real issuers and wallets made, and what a strict verifier says of it.

use integration::vectors::Vector;
use mdoc_core::crypto::SecretKey;
use mdoc_core::keys;
use mdoc_core::limits::Limits;
use mdoc_core::time::Timestamp;
use mdoc_core::transcript::SessionTranscript;
use mdoc_core::value::Value;
use mdoc_core::verify::{Form, Inputs, Outcome, Report, verify};
use mdoc_core::x509::Certificate;
use mdoc_core::x509::path::TrustAnchor;
use serde_json::{Value as Json, json};

pub(crate) struct Case {
    pub(crate) bytes: Vec<u8>,
    pub(crate) form: Form,
    anchors: Vec<TrustAnchor>,
    now: Timestamp,
    transcript: Option<SessionTranscript>,
    reader_key: Option<SecretKey>,
}

impl Case {
    pub(crate) fn of(vector: &Vector) -> Option<Self> {
        let form = match vector.text("kind") {
            "device-response" => Form::DeviceResponse,
            "document" => Form::Document,
            "issuer-signed" => Form::IssuerSigned,
            _ => return None,
        };
        let certificates = vector
            .files("trust_anchor")
            .into_iter()
            .flat_map(|pem| Certificate::all_from_pem(std::str::from_utf8(&pem).unwrap()).unwrap());
        let transcript = vector.file("session_transcript");
        let reader_key = vector.file("reader_key");
        Some(Self {
            bytes: vector.file("file").unwrap(),
            form,
            anchors: certificates.map(TrustAnchor::new).collect(),
            now: Timestamp::parse(vector.text("now")).unwrap(),
            transcript: transcript.map(|bytes| SessionTranscript::decode(&bytes, &Limits::DEFAULT).unwrap()),
            reader_key: reader_key.map(|text| keys::secret_from_file(&text).unwrap()),
        })
    }

    /// What it is judged by.
    pub(crate) fn inputs(&self) -> Inputs<'_> {
        let mut inputs = Inputs::new(&self.anchors, self.now);
        inputs.transcript = self.transcript.as_ref();
        inputs.reader_key = self.reader_key.as_ref();
        inputs
    }

    fn verify(&self) -> Report<'_> {
        verify(&self.bytes, self.form, &self.inputs())
    }
}

fn failed_steps(report: &Report<'_>) -> Vec<&'static str> {
    let steps = report.documents().iter().flat_map(|document| document.steps());
    steps
        .filter(|step| matches!(step.outcome, Outcome::Failed(_)))
        .map(|step| step.check.id())
        .collect()
}

/// The form of the `*.expected.json` files.
fn to_expected(value: &Value) -> Json {
    match value {
        Value::Bytes(bytes) => {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            json!({ "$hex": hex })
        }
        Value::Tag(0 | 1004, inner) => to_expected(inner),
        Value::Tag(24, inner) => json!({ "$24": to_expected(inner)["$hex"] }),
        Value::Tag(tag, inner) => json!({ "$tag": tag, "value": to_expected(inner) }),
        Value::Array(items) => items.iter().map(to_expected).collect(),
        Value::Map(entries) => Json::Object(
            entries
                .iter()
                .map(|(key, value)| (key.as_text().unwrap().to_owned(), to_expected(value)))
                .collect(),
        ),
        other => mdoc_core::value::to_json(other),
    }
}

/// Long byte strings are recorded by length and digest.
fn same(found: &Json, expected: &Json) -> bool {
    match (found, expected) {
        (Json::Object(found), Json::Object(expected)) => {
            if let Some(length) = expected.get("$bytes") {
                let hex = found.get("$hex").and_then(Json::as_str).unwrap_or_default();
                return json!(hex.len() / 2) == *length;
            }
            found.len() == expected.len()
                && expected
                    .iter()
                    .all(|(key, value)| found.get(key).is_some_and(|found| same(found, value)))
        }
        (Json::Array(found), Json::Array(expected)) => {
            found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| same(a, b))
        }
        _ => found == expected,
    }
}

fn elements(report: &Report<'_>) -> Vec<(String, String, Json)> {
    let mut all = Vec::new();
    for document in report.documents() {
        for element in document.accept().unwrap().elements() {
            let value = to_expected(&element.value.to_value().unwrap());
            all.push((
                element.name_space.to_string(),
                element.identifier.to_string(),
                value,
            ));
        }
    }
    all
}

#[test]
fn every_document_is_judged_as_recorded_and_for_the_recorded_reason() {
    let mut judged = 0;
    for vector in ["index.json", "tampered/index.json"]
        .into_iter()
        .flat_map(Vector::all)
    {
        let (Some(case), id) = (Case::of(&vector), vector.text("id")) else {
            continue;
        };
        judged += 1;
        let report = case.verify();
        let failed = failed_steps(&report);
        match vector.text("expect") {
            "accept" => {
                assert!(report.accepted(), "{id} rejected by {failed:?}");
                assert_values(&vector, &report);
            }
            "reject" => {
                assert!(!report.accepted(), "{id} accepted");
                let expected = vector.texts("failed");
                for step in &failed {
                    assert!(
                        expected.contains(step),
                        "{id} also failed {step}, recorded are {expected:?}"
                    );
                }
                for step in expected {
                    assert!(
                        failed.contains(&step),
                        "{id} did not fail {step}, only {failed:?}"
                    );
                }
            }
            other => panic!("{id} expects {other}"),
        }
    }
    assert!(judged >= 19, "only {judged} documents were found");
}

fn assert_values(vector: &Vector, report: &Report<'_>) {
    let Some(expected) = vector.file("expected") else {
        return;
    };
    let expected: Json = serde_json::from_slice(&expected).unwrap();
    let documents = expected.as_array().cloned().unwrap_or(vec![expected]);
    let mut wanted = Vec::new();
    for document in documents {
        for (name_space, values) in document["elements"].as_object().unwrap() {
            for (identifier, value) in values.as_object().unwrap() {
                wanted.push((name_space.clone(), identifier.clone(), value.clone()));
            }
        }
    }
    let found = elements(report);
    assert_eq!(found.len(), wanted.len(), "{}", vector.text("id"));
    for (name_space, identifier, value) in &wanted {
        let equal = |(ns, id, found): &(String, String, Json)| {
            ns == name_space && id == identifier && same(found, value)
        };
        assert!(
            found.iter().any(equal),
            "{}: {name_space} {identifier}",
            vector.text("id")
        );
    }
}
