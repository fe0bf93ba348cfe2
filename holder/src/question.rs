//! A request, as the holder has to see it, and the answer that the holder permits.

mod release;

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

use mdoc_core::cose::CoseFault;
use mdoc_core::crypto::{Backend, Counted, PublicKey};
use mdoc_core::device_request::DeviceRequest;
use mdoc_core::error::DecodeError;
use mdoc_core::issue::NameSpaces;
use mdoc_core::issuer_signed::IssuerSigned;
use mdoc_core::limits::Limits;
use mdoc_core::present::{self, DeviceKey, Match, Matches, PresentError, Presentation};
use mdoc_core::transcript::SessionTranscript;

use crate::reader::{Judge, Reader, ReaderFault, ReaderTrust};

pub use self::release::{Release, Released};

/// A document in the wallet with its key.
pub struct Held<'a> {
    /// The document as issued.
    pub document: &'a IssuerSigned<'a>,
    /// Its key, and how it authenticates.
    pub key: DeviceKey<'a>,
}

/// A request as the holder has to see it before saying yes.
#[derive(Debug, Clone)]
pub struct Question {
    /// What is asked for, in the order of the request. A document that is asked for several times is here as often;
    /// [`Question::releases`] has it once.
    pub documents: Vec<DocumentQuestion>,
}

/// What is asked of a document, once.
#[derive(Debug, Clone)]
pub struct DocumentQuestion {
    /// The type that is asked for.
    pub doc_type: String,
    /// Who asks.
    pub reader: Reader,
    /// Which of the documents held answers; none if the wallet has no such document.
    pub held: Option<usize>,
    /// The elements that can be answered. [`Question::permit`] removes what the holder does not permit: an element is
    /// released for as long as one of these releases it.
    pub found: Vec<Match>,
    /// Namespace and identifier of those that the document does not have, or that are not permitted.
    pub absent: Vec<(String, String)>,
}

/// An encoded response.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The `DeviceResponse`.
    pub response: Vec<u8>,
    /// How many documents are in it.
    pub documents: usize,
}

/// Why a request cannot be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AnswerError {
    /// A document of the wallet does not decode.
    Document(DecodeError),
    /// A document cannot be presented.
    Present(PresentError),
}

impl fmt::Display for AnswerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Document(error) => write!(f, "the document does not decode: {error}"),
            Self::Present(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for AnswerError {}

/// Everything of a session that a request is judged and answered by.
#[derive(Clone, Copy)]
pub struct Session<'a> {
    /// The transcript of the session.
    pub transcript: &'a SessionTranscript,
    /// Whom the wallet trusts to certify readers.
    pub trust: ReaderTrust<'a>,
    /// Bounds on the input.
    pub limits: Limits,
    /// Who computes.
    pub backend: &'a dyn Backend,
}

impl Question {
    /// What a request asks of the documents held. Signatures for the whole request and for a single
    /// document are both checked; if one of them fails, that is what [`DocumentQuestion::reader`] says. Those beyond what
    /// one request may ask for ([`Limits::signatures`]) are not checked, and count as failed ones.
    ///
    /// # Errors
    /// [`AnswerError::Document`] if a document of the wallet does not decode.
    pub fn new(
        request: &DeviceRequest<'_>,
        held: &[Held<'_>],
        session: &Session<'_>,
    ) -> Result<Self, AnswerError> {
        let mut types = Vec::new();
        for held in held {
            types.push(
                held.document
                    .mso(&session.limits)
                    .map_err(AnswerError::Document)?
                    .doc_type,
            );
        }
        let counted = Counted::new(session.backend);
        let session = &Session {
            backend: &counted,
            ..*session
        };
        let most = session.limits.signatures;
        let judge = Judge::new(session.trust, session.backend);
        let judge = |signature, verify: &dyn Fn(&PublicKey) -> Result<(), CoseFault>| {
            if counted.spent() > most {
                return Reader::Failed(ReaderFault::Effort);
            }
            judge.judge(signature, verify)
        };
        let whole = request.reader_auth_all.iter().map(|signature| {
            judge(signature, &|key| {
                request.verify_reader_auth_all(signature, key, session.transcript, session.backend)
            })
        });
        // Several entries are one signature each, with other certificates, for wallets that trust other authorities.
        let whole = whole.reduce(|one, other| combine(Some(one), Some(other)));
        let mut documents = Vec::new();
        let mut ages: BTreeMap<usize, Ages> = BTreeMap::new();
        for doc_request in &request.doc_requests {
            let asked = &doc_request.items_request;
            let at = types.iter().position(|doc_type| *doc_type == asked.doc_type);
            let mut matches = match at.and_then(|at| held.get(at)) {
                Some(held) => {
                    present::find(held.document, asked, &session.limits).map_err(AnswerError::Document)?
                }
                None => Matches::default(),
            };
            if let Some(at) = at {
                leave_out_ages(&mut matches, ages.entry(at).or_default());
            }
            let own = doc_request.reader_auth.as_ref().map(|signature| {
                judge(signature, &|key| {
                    let transcript = session.transcript;
                    doc_request
                        .verify_reader_auth(key, transcript, session.backend)
                        .unwrap_or(Ok(()))
                })
            });
            documents.push(DocumentQuestion {
                doc_type: asked.doc_type.clone(),
                reader: combine(own, whole.clone()),
                held: at,
                found: matches.found,
                absent: matches.absent,
            });
        }
        Ok(Self { documents })
    }

    /// Leaves what the holder permits, by the type of the document and the namespace and the name of the element that would be
    /// released. What is not permitted is `absent`, whoever asks for it and as whatever.
    pub fn permit(&mut self, mut is_permitted: impl FnMut(&str, &str, &str) -> bool) {
        for document in &mut self.documents {
            for found in core::mem::take(&mut document.found) {
                if is_permitted(&document.doc_type, &found.name_space, &found.released) {
                    document.found.push(found);
                } else {
                    document.absent.push((found.name_space, found.requested));
                }
            }
        }
    }

    /// The response with what is left in `found` of each document. A document of which nothing is left
    /// is not returned at all; a document that was asked for and is not returned is reported without a
    /// reason, so that the reader does not learn whether the wallet has it. A document that was asked for
    /// more than once is returned once, with what is left of all of that: as [`Question::releases`] says.
    ///
    /// # Errors
    /// [`AnswerError`] if a document cannot be presented.
    pub fn answer(&self, held: &[Held<'_>], session: &Session<'_>) -> Result<Answer, AnswerError> {
        let nothing = NameSpaces::new();
        let (mut documents, mut not_returned) = (Vec::new(), Vec::new());
        let releases = self.releases();
        let returned = |release: &Release<'_>| match release.held.and_then(|at| held.get(at)) {
            Some(held) if !release.elements.is_empty() => Some(held),
            _ => None,
        };
        // What is returned is not reported as well, nor anything twice.
        let mut told: BTreeSet<&str> = releases
            .iter()
            .filter(|release| returned(release).is_some())
            .map(|release| release.doc_type)
            .collect();
        for release in &releases {
            let Some(held) = returned(release) else {
                if told.insert(release.doc_type) {
                    not_returned.push(release.doc_type);
                }
                continue;
            };
            let elements = release.elements.iter();
            let elements: Vec<(&str, &str)> = elements.map(|one| (one.name_space, one.element)).collect();
            let presentation = Presentation {
                document: held.document,
                release: &elements,
                device_elements: &nothing,
                transcript: session.transcript,
                key: &held.key,
            };
            let encoded = presentation.encode(&session.limits, session.backend);
            documents.push(encoded.map_err(AnswerError::Present)?);
        }
        let response = present::encode_response(&documents, &not_returned);
        Ok(Answer {
            response,
            documents: documents.len(),
        })
    }
}

/// What two signatures say of one reader: a failing signature is failed, not absent; otherwise a trusted one counts more
/// than one that is not, and one more than none. Of two that are alike the second is told.
fn combine(own: Option<Reader>, whole: Option<Reader>) -> Reader {
    const fn rank(reader: &Reader) -> u8 {
        match reader {
            Reader::Failed(_) => 3,
            Reader::Trusted { .. } => 2,
            Reader::Untrusted { .. } => 1,
            Reader::Anonymous => 0,
        }
    }
    own.into_iter()
        .chain(whole)
        .max_by_key(rank)
        .unwrap_or(Reader::Anonymous)
}

/// The age statements of a document that are released, by namespace and name.
type Ages = BTreeSet<(String, String)>;

/// Requests for one document get no more age statements together than one of them would.
fn leave_out_ages(matches: &mut Matches, ages: &mut Ages) {
    let is_kept = |found: &Match, ages: &mut Ages| {
        if present::age_threshold(&found.released).is_none() {
            return true;
        }
        let statement = (found.name_space.clone(), found.released.clone());
        let is_room = ages.len() < present::MOST_AGE_STATEMENTS;
        ages.contains(&statement) || (is_room && ages.insert(statement))
    };
    for found in core::mem::take(&mut matches.found) {
        if is_kept(&found, ages) {
            matches.found.push(found);
        } else {
            matches.absent.push((found.name_space, found.requested));
        }
    }
}

#[cfg(test)]
mod tests {
    use mdoc_core::crypto::{Curve, RustCrypto, SecretKey};
    use mdoc_core::device_request::{ItemsRequest, ReaderAuth, RequestedElement, encode_request};
    use mdoc_core::device_response::{DeviceResponse, Document};
    use mdoc_core::issue::{Draft, Validity};
    use mdoc_core::seams::SoftwareKey;
    use mdoc_core::time::Timestamp;
    use mdoc_core::value::Value;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng as _;

    use super::*;

    const LIMITS: Limits = Limits::DEFAULT;

    fn key(seed: u8) -> SoftwareKey {
        let secret = SecretKey::generate(Curve::P256, &mut ChaCha20Rng::from_seed([seed; 32]));
        SoftwareKey::new(secret).unwrap()
    }

    /// A document with the elements `a`, `b` and `c`.
    fn issue(device: &SoftwareKey) -> Vec<u8> {
        let elements = ["a", "b", "c"].map(|name| (name.to_owned(), Value::Bool(true)));
        let name_spaces = vec![("ns".to_owned(), elements.to_vec())];
        let validity = Validity {
            signed: Timestamp::from_unix(0),
            valid_from: Timestamp::from_unix(0),
            valid_until: Timestamp::from_unix(9),
            expected_update: None,
        };
        let draft = Draft::new("type", &name_spaces, device.secret().public_key(), validity);
        let salted = draft.salt(&mut ChaCha20Rng::from_seed([0; 32]), &RustCrypto);
        salted.unwrap().sign(&key(2), &[b"certificate"]).unwrap()
    }

    fn ask(doc_type: &str, element: &str) -> ItemsRequest {
        let element = RequestedElement {
            identifier: element.to_owned(),
            intent_to_retain: false,
        };
        ItemsRequest {
            doc_type: doc_type.to_owned(),
            name_spaces: vec![("ns".to_owned(), vec![element])],
        }
    }

    #[test]
    fn a_document_that_is_asked_for_many_times_is_returned_once_with_all_that_was_permitted() {
        let device = key(1);
        let issued = issue(&device);
        let document = IssuerSigned::decode(&issued, &LIMITS).unwrap();
        let held = [Held {
            document: &document,
            key: DeviceKey::Signature(&device),
        }];
        let transcript = SessionTranscript::decode(&[0x83, 0xf6, 0xf6, 0xf6], &LIMITS).unwrap();
        let session = Session {
            transcript: &transcript,
            trust: ReaderTrust {
                anchors: &[],
                now: Timestamp::from_unix(5),
            },
            limits: LIMITS,
            backend: &RustCrypto,
        };
        let mut asked = vec![ask("type", "a"), ask("other", "a"), ask("other", "b")];
        asked.resize(LIMITS.documents - 1, ask("type", "b"));
        asked.push(ask("type", "c"));
        let request = encode_request(&asked, &ReaderAuth::None).unwrap();
        let request = DeviceRequest::decode(&request, &LIMITS).unwrap();
        let mut question = Question::new(&request, &held, &session).unwrap();
        assert_eq!(question.documents.len(), LIMITS.documents);
        // The holder does not permit the first of them.
        question.documents[0].found.clear();

        let answer = question.answer(&held, &session).unwrap();
        assert_eq!(answer.documents, 1);
        let response = DeviceResponse::decode(&answer.response, &LIMITS).unwrap();
        assert_eq!(response.documents.len(), 1);
        assert_eq!(response.document_errors, [("other".into(), 0)]);
        let returned = Document::from_item(response.documents[0], &LIMITS).unwrap();
        let spaces = returned.issuer_signed.name_spaces();
        assert_eq!((spaces.len(), spaces[0].1.len()), (1, 2), "b and c");
        // What the holder is shown is what was sent.
        let shown = question.releases();
        let types: Vec<&str> = shown.iter().map(|one| one.doc_type).collect();
        assert_eq!(types, ["type", "other"]);
        let elements: Vec<&str> = shown[0].elements.iter().map(|one| one.element).collect();
        assert_eq!((elements, shown[1].elements.len()), (vec!["b", "c"], 0));

        question.documents.iter_mut().for_each(|one| one.found.clear());
        let answer = question.answer(&held, &session).unwrap();
        let response = DeviceResponse::decode(&answer.response, &LIMITS).unwrap();
        assert_eq!(response.documents.len(), 0);
        assert_eq!(
            response.document_errors,
            [("type".into(), 0), ("other".into(), 0)]
        );
    }

    #[test]
    fn requests_for_one_document_share_the_age_statements_of_one() {
        let mut ages = Ages::new();
        let mut left = |name_space: &str, asked: [u8; 2]| {
            let found = asked.map(|age| Match {
                name_space: name_space.to_owned(),
                requested: format!("age_over_{age}"),
                released: format!("age_over_{age}"),
                intent_to_retain: false,
            });
            let mut matches = Matches {
                found: found.to_vec(),
                absent: Vec::new(),
            };
            leave_out_ages(&mut matches, &mut ages);
            (matches.found.len(), matches.absent)
        };
        assert_eq!(left("ns", [18, 21]), (2, Vec::new()));
        let absent = |name_space: &str, age: u8| (name_space.to_owned(), format!("age_over_{age}"));
        assert_eq!(left("ns", [21, 65]), (1, vec![absent("ns", 65)]));
        assert_eq!(
            left("ns", [16, 67]),
            (0, vec![absent("ns", 16), absent("ns", 67)])
        );
        // One with the name of another, elsewhere, is a statement of its own.
        let elsewhere = vec![absent("other", 18), absent("other", 21)];
        assert_eq!(left("other", [18, 21]), (0, elsewhere));
    }

    #[test]
    fn what_is_not_permitted_is_absent_whoever_asks_for_it() {
        let found = |requested: &str, released: &str, intent_to_retain| Match {
            name_space: "ns".to_owned(),
            requested: requested.to_owned(),
            released: released.to_owned(),
            intent_to_retain,
        };
        let document = |found| DocumentQuestion {
            doc_type: "type".to_owned(),
            reader: Reader::Anonymous,
            held: Some(0),
            found,
            absent: Vec::new(),
        };
        let mut question = Question {
            documents: vec![
                document(vec![
                    found("age_over_16", "age_over_18", false),
                    found("b", "b", false),
                ]),
                document(vec![
                    found("age_over_18", "age_over_18", true),
                    found("b", "b", false),
                ]),
            ],
        };
        question.permit(|doc_type, name_space, element| {
            assert_eq!((doc_type, name_space), ("type", "ns"));
            element == "age_over_18"
        });
        let releases = question.releases();
        let [release] = &releases[..] else {
            panic!("{} releases", releases.len());
        };
        let elements: Vec<_> = release.elements.iter().collect();
        assert_eq!((elements.len(), elements[0].element), (1, "age_over_18"));
        assert!(elements[0].intent_to_retain, "the second means to keep it");
        assert_eq!(release.absent, [("ns", "b")]);
        question.permit(|_, _, _| false);
        let releases = question.releases();
        assert!(releases[0].elements.is_empty());
        let absent = [("ns", "b"), ("ns", "age_over_16"), ("ns", "age_over_18")];
        assert_eq!(releases[0].absent, absent);
    }
}
