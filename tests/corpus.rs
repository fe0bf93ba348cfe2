//! The negative corpus: one file for each reason code, with one fault and what a verifier must say of it.
//!
//! The form of the files is described in `vectors/reasons/README.md`.

use std::fmt::Write as _;
use std::path::PathBuf;

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use mdoc_core::crypto::SecretKey;
use mdoc_core::device_request::{DeviceRequest, ItemsRequest};
use mdoc_core::keys;
use mdoc_core::limits::Limits;
use mdoc_core::status::{Evidence, Reference, Standing, Told};
use mdoc_core::time::Timestamp;
use mdoc_core::transcript::SessionTranscript;
use mdoc_core::verify::{Form, Inputs, Outcome, Policy, verify};
use mdoc_core::x509::Certificate;
use mdoc_core::x509::path::TrustAnchor;
use mdoc_core::x509::profile::{self, Role, Weight};
use mdoc_core::x509::revocation::RevocationList;
use toml::{Table, Value};

use crate::{statuses, vectors};

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A `DeviceResponse`.
    DeviceResponse,
    /// An `IssuerSigned`.
    IssuerSigned,
    /// DER of a reader's certificate; the anchor is its issuer.
    ReaderCertificate,
    /// DER of a root for reader certificates.
    ReaderCa,
}

impl Kind {
    const ALL: [Self; 4] = [
        Self::DeviceResponse,
        Self::IssuerSigned,
        Self::ReaderCertificate,
        Self::ReaderCa,
    ];

    /// The name in the file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DeviceResponse => "device-response",
            Self::IssuerSigned => "issuer-signed",
            Self::ReaderCertificate => "reader-certificate",
            Self::ReaderCa => "reader-ca",
        }
    }
}

/// A line of a report that is no plain pass: step, `failed` or `warning`, code.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line {
    /// The step; for a certificate alone empty.
    pub step: String,
    /// `failed` or `warning`.
    pub outcome: String,
    /// The reason code.
    pub code: String,
}

/// One file.
#[derive(Debug, Clone)]
pub struct Case {
    /// The reason code that it is about.
    pub code: String,
    /// What is wrong, in a sentence.
    pub what: String,
    /// What the bytes are.
    pub kind: Kind,
    /// The bytes under test.
    pub document: Vec<u8>,
    /// PEM of the trusted certificates.
    pub anchors: String,
    /// The types of document that they are trusted for, if not all.
    pub anchor_doc_types: Option<Vec<String>>,
    /// The instant to judge by.
    pub now: Timestamp,
    /// The name of the policy.
    pub policy: String,
    /// The SessionTranscript.
    pub transcript: Option<Vec<u8>>,
    /// The reader's ephemeral key as a JWK.
    pub reader_key: Option<String>,
    /// What was asked for, as a DeviceRequest.
    pub request: Option<Vec<u8>>,
    /// A revocation list in DER.
    pub crl: Option<Vec<u8>>,
    /// A status list at hand.
    pub status_list: Option<StatusList>,
    /// What the issuer said itself, at the instant to judge by, of the entry that documents of the seeded country refer
    /// to: `expired`, or nothing.
    pub issuer_says: Option<String>,
    /// Whether the document is accepted.
    pub accepted: bool,
    /// Everything in the report that is neither passed nor not done.
    pub expect: Vec<Line>,
}

/// A status list of a file.
#[derive(Debug, Clone)]
pub struct StatusList {
    /// The address that it was asked for by.
    pub uri: String,
    /// When.
    pub fetched: Timestamp,
    /// The signed list.
    pub token: Vec<u8>,
}

/// The folder of the corpus.
#[must_use]
pub fn folder() -> PathBuf {
    vectors::folder().join("reasons")
}

/// What a verifier said.
#[derive(Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the document is accepted.
    pub accepted: bool,
    /// Everything in the report that is neither passed nor not done, sorted.
    pub lines: Vec<Line>,
}

impl Case {
    /// All files of the folder, by name without its ending.
    ///
    /// # Panics
    /// If one cannot be read.
    #[must_use]
    pub fn all() -> Vec<(String, Self)> {
        let mut all = Vec::new();
        for entry in std::fs::read_dir(folder()).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "toml") {
                let name = path.file_stem().unwrap().to_string_lossy().into_owned();
                let text = std::fs::read_to_string(&path).unwrap();
                all.push((
                    name.clone(),
                    Self::read(&text).unwrap_or_else(|why| panic!("{name}: {why}")),
                ));
            }
        }
        all.sort_by(|(a, _), (b, _)| a.cmp(b));
        all
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// What is missing or wrong, in words.
    pub fn read(text: &str) -> Result<Self, String> {
        let table: Table = text.parse().map_err(|why| format!("{why}"))?;
        let optional = |name: &str| table.get(name).and_then(Value::as_str).map(str::to_owned);
        let required = |name: &str| optional(name).ok_or(format!("`{name}` is missing"));
        let base64 = |name: &str| optional(name).map(|text| decode(&text)).transpose();
        let kind = required("kind")?;
        let expect = table
            .get("expect")
            .and_then(Value::as_table)
            .ok_or("no `expect`")?;
        let lines = expect
            .get("steps")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let line = |line: &Value| {
            let text = |name: &str| {
                line.get(name)
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned()
            };
            Line {
                step: text("step"),
                outcome: text("outcome"),
                code: text("code"),
            }
        };
        let doc_types = table
            .get("anchor_doc_types")
            .and_then(Value::as_array)
            .map(|list| {
                let texts = list.iter().filter_map(Value::as_str);
                texts.map(str::to_owned).collect()
            });
        Ok(Self {
            code: required("code")?,
            what: required("what")?,
            kind: *Kind::ALL
                .iter()
                .find(|known| known.name() == kind)
                .ok_or(format!("unknown kind `{kind}`"))?,
            document: base64("document")?.ok_or("`document` is missing")?,
            anchors: optional("anchors").unwrap_or_default(),
            anchor_doc_types: doc_types,
            now: Timestamp::parse(&required("now")?).map_err(|why| why.to_string())?,
            policy: required("policy")?,
            transcript: base64("transcript")?,
            reader_key: optional("reader_key"),
            request: base64("request")?,
            crl: base64("crl")?,
            status_list: match base64("status_list")? {
                None => None,
                Some(token) => Some(StatusList {
                    uri: required("status_uri")?,
                    fetched: Timestamp::parse(&required("status_fetched")?).map_err(|why| why.to_string())?,
                    token,
                }),
            },
            issuer_says: optional("issuer_says"),
            accepted: expect
                .get("accepted")
                .and_then(Value::as_bool)
                .ok_or("no `expect.accepted`")?,
            expect: lines.map(line).collect(),
        })
    }

    /// The text of the file; reading it gives the same case.
    #[must_use]
    pub fn write(&self) -> String {
        let mut out =
            String::from("# Made by `UPDATE_CORPUS=1 cargo test -p integration reasons`; do not edit.\n");
        let mut member = |name: &str, value: &str| {
            let _ = writeln!(out, "{name} = {}", Value::from(value));
        };
        member("what", &self.what);
        member("code", &self.code);
        member("kind", self.kind.name());
        member("now", &self.now.to_string());
        member("policy", &self.policy);
        if let Some(list) = &self.status_list {
            member("status_uri", &list.uri);
            member("status_fetched", &list.fetched.to_string());
        }
        if let Some(word) = &self.issuer_says {
            member("issuer_says", word);
        }
        if let Some(key) = &self.reader_key {
            let _ = writeln!(out, "reader_key = '{key}'");
        }
        if let Some(types) = &self.anchor_doc_types {
            let _ = writeln!(out, "anchor_doc_types = {}", Value::from(types.clone()));
        }
        block(&mut out, "document", &encode(&self.document));
        if !self.anchors.is_empty() {
            block(&mut out, "anchors", &self.anchors);
        }
        for (name, bytes) in [
            ("transcript", &self.transcript),
            ("request", &self.request),
            ("crl", &self.crl),
            (
                "status_list",
                &self.status_list.as_ref().map(|list| list.token.clone()),
            ),
        ] {
            if let Some(bytes) = bytes {
                block(&mut out, name, &encode(bytes));
            }
        }
        let _ = writeln!(out, "\n[expect]\naccepted = {}", self.accepted);
        for Line { step, outcome, code } in &self.expect {
            out.push_str("\n[[expect.steps]]\n");
            if !step.is_empty() {
                let _ = writeln!(out, "step = \"{step}\"");
            }
            let _ = writeln!(out, "outcome = \"{outcome}\"\ncode = \"{code}\"");
        }
        out
    }

    /// Has the file judged, by its own policy or another one.
    ///
    /// # Panics
    /// If something besides the bytes under test cannot be read.
    #[must_use]
    pub fn judge(&self, policy: Policy) -> Verdict {
        let anchors = Certificate::all_from_pem(&self.anchors).unwrap();
        match self.kind {
            Kind::ReaderCertificate => {
                return self.judge_certificate(Role::ReaderAuthentication, anchors.first(), policy);
            }
            Kind::ReaderCa => return self.judge_certificate(Role::ReaderCa, None, policy),
            Kind::DeviceResponse | Kind::IssuerSigned => {}
        }
        let mut verdict = Verdict {
            accepted: false,
            lines: Vec::new(),
        };
        self.with_inputs(policy, |inputs, form| {
            let report = verify(&self.document, form, inputs);
            let steps = report.documents().iter().flat_map(|document| document.steps());
            let mut lines: Vec<_> = steps
                .filter(|step| matches!(step.outcome, Outcome::Failed(_) | Outcome::Warning(_)))
                .map(|step| Line {
                    step: step.check.id().to_owned(),
                    outcome: step.outcome_name().to_owned(),
                    code: step.code().to_owned(),
                })
                .collect();
            lines.sort();
            verdict = Verdict {
                accepted: report.accepted(),
                lines,
            };
        });
        verdict
    }

    /// Calls `judge` with what a document of the file is judged by, and not at all for a certificate.
    ///
    /// # Panics
    /// If something besides the bytes under test cannot be read.
    pub fn with_inputs(&self, policy: Policy, judge: impl FnOnce(&Inputs<'_>, Form)) {
        let form = match self.kind {
            Kind::DeviceResponse => Form::DeviceResponse,
            Kind::IssuerSigned => Form::IssuerSigned,
            Kind::ReaderCertificate | Kind::ReaderCa => return,
        };
        let anchors: Vec<_> = Certificate::all_from_pem(&self.anchors)
            .unwrap()
            .into_iter()
            .map(|certificate| TrustAnchor {
                certificate,
                doc_types: self.anchor_doc_types.clone(),
            })
            .collect();
        let transcript = self.transcript.as_ref();
        let transcript = transcript.map(|bytes| SessionTranscript::decode(bytes, &Limits::DEFAULT).unwrap());
        let reader_key: Option<SecretKey> = self
            .reader_key
            .as_ref()
            .map(|jwk| keys::secret_from_jwk(jwk).unwrap());
        let request: Option<Vec<ItemsRequest>> = self.request.as_ref().map(|bytes| {
            let request = DeviceRequest::decode(bytes, &Limits::DEFAULT).unwrap();
            request
                .doc_requests
                .into_iter()
                .map(|one| one.items_request)
                .collect()
        });
        let lists: Vec<_> = self
            .crl
            .iter()
            .map(|der| RevocationList::from_der(der).unwrap())
            .collect();
        let status_lists: Vec<_> = self
            .status_list
            .iter()
            .map(|list| Evidence {
                uri: &list.uri,
                token: &list.token,
                fetched: list.fetched,
            })
            .collect();
        let place = statuses::reference().status_list;
        let told: Vec<_> = match (&self.issuer_says, &place) {
            (Some(word), Some(place)) => {
                assert_eq!(word, "expired", "another word has no file yet");
                vec![Told {
                    reference: Reference::StatusList(place),
                    standing: Standing::Expired,
                    at: self.now,
                }]
            }
            _ => Vec::new(),
        };
        let mut inputs = Inputs::new(&anchors, self.now);
        inputs.policy = policy;
        inputs.told = &told;
        inputs.transcript = transcript.as_ref();
        inputs.reader_key = reader_key.as_ref();
        inputs.request = request.as_deref();
        inputs.revocation_lists = &lists;
        inputs.status_lists = &status_lists;
        judge(&inputs, form);
    }

    fn judge_certificate(&self, role: Role, issuer: Option<&Certificate>, policy: Policy) -> Verdict {
        let certificate = Certificate::from_der(&self.document).unwrap();
        let findings = profile::check(role, &certificate, issuer);
        let rejects = |weight| weight == Weight::Hard || policy.deviations_reject;
        let mut lines: Vec<_> = findings
            .iter()
            .map(|finding| Line {
                step: String::new(),
                outcome: if rejects(finding.weight()) {
                    "failed"
                } else {
                    "warning"
                }
                .to_owned(),
                code: finding.rule.id().to_owned(),
            })
            .collect();
        lines.sort();
        Verdict {
            accepted: !findings.iter().any(|finding| rejects(finding.weight())),
            lines,
        }
    }
}

fn block(out: &mut String, name: &str, text: &str) {
    let _ = writeln!(out, "{name} = '''\n{}'''", text.trim_end().to_owned() + "\n");
}

fn encode(bytes: &[u8]) -> String {
    let text = Base64::encode_string(bytes);
    let lines: Vec<_> = text.as_bytes().chunks(100).map(String::from_utf8_lossy).collect();
    lines.join("\n")
}

fn decode(text: &str) -> Result<Vec<u8>, String> {
    let joined: String = text.split_whitespace().collect();
    Base64::decode_vec(&joined).map_err(|why| why.to_string())
}

/// A private key as a JWK, for the files of the corpus: test keys only.
#[must_use]
pub fn jwk(key: &SecretKey) -> String {
    let public = keys::public_to_jwk(key.public_key());
    let scalar = Base64UrlUnpadded::encode_string(key.dangerous_bytes());
    format!(r#"{},"d":"{scalar}"}}"#, public.trim_end_matches('}'))
}
