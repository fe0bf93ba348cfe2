//! What is asked, shown to the holder, and what the holder says.

use std::fmt::Write as _;
use std::path::PathBuf;

use mdoc_cli::failure::printable_name;
use mdoc_cli::input::{self, Input};
use mdoc_cli::{Exit, Failure, output};
use mdoc_core::crypto::{PublicKey, fastest};
use mdoc_core::device_request::DeviceRequest;
use mdoc_core::issuer_signed::IssuerSigned;
use mdoc_core::limits::Limits;
use mdoc_core::seams::{Signer as _, SoftwareKey};
use mdoc_core::time::Timestamp;
use mdoc_core::x509::path::TrustAnchor;
use mdoc_holder::present::{Decide, Decision, Request};
use mdoc_holder::question::{Held, Question, Release, Session};
use mdoc_holder::reader::{Reader, ReaderTrust};
use tokio::sync::oneshot;

use super::respond::{device_key, element, is_trusted, question_json, restrict, who};

/// What the wallet holds, and whom it trusts.
pub(super) struct Wallet<'a> {
    pub(super) documents: &'a [Input],
    pub(super) keys: &'a [SoftwareKey],
    pub(super) anchors: &'a [TrustAnchor],
    pub(super) now: Timestamp,
    pub(super) mac: bool,
}

/// Who answers for the holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answering {
    Ask,
    Yes,
    No,
}

impl Wallet<'_> {
    /// Whether every document is bound to its key: better said before a reader waits.
    pub(super) fn fits<'a>(
        &self,
        names: impl Iterator<Item = (&'a PathBuf, &'a PathBuf)>,
    ) -> Result<(), Failure> {
        for ((document, key), (path, key_path)) in self.documents.iter().zip(self.keys).zip(names) {
            let mso = decoded(document)?.mso(&Limits::DEFAULT).map_err(|error| {
                document.undecodable(mdoc_cli::recognise::Structure::IssuerSigned, &error)
            })?;
            if mso.device_key_info.device_key.as_ref().ok() != Some(key.public_key()) {
                return Err(Failure::new(format!(
                    "{} is not the key that {} is bound to",
                    input::display(key_path),
                    input::display(path)
                ))
                .hint("give the private key whose public half went to the issuer with --device-key"));
            }
        }
        Ok(())
    }

    fn held<'h>(
        &'h self,
        documents: &'h [IssuerSigned<'h>],
        reader_key: Option<&'h PublicKey>,
    ) -> Vec<Held<'h>> {
        let pairs = documents.iter().zip(self.keys);
        pairs
            .map(|(document, key)| Held {
                document,
                key: device_key(key, reader_key),
            })
            .collect()
    }
}

fn decoded(document: &Input) -> Result<IssuerSigned<'_>, Failure> {
    IssuerSigned::decode(&document.bytes, &Limits::DEFAULT)
        .map_err(|error| document.undecodable(mdoc_cli::recognise::Structure::IssuerSigned, &error))
}

/// Does what has to be done before documents are released.
type Before<'a> = &'a dyn Fn(&[usize]) -> Result<(), Failure>;

/// Asks the holder, and remembers what was said.
pub(super) struct Consent<'a> {
    wallet: &'a Wallet<'a>,
    answering: Answering,
    only: &'a [(String, String)],
    /// Is told the numbers of the documents before they are released.
    before: Option<Before<'a>>,
    /// What was released, request by request.
    questions: Vec<Question>,
    /// Why a request could not be answered.
    pub(super) failure: Option<Failure>,
}

impl<'a> Consent<'a> {
    pub(super) const fn new(
        wallet: &'a Wallet<'a>,
        answering: Answering,
        only: &'a [(String, String)],
    ) -> Self {
        Self {
            wallet,
            answering,
            only,
            before: None,
            questions: Vec::new(),
            failure: None,
        }
    }

    /// Has this done, with the numbers of the documents, before they are released; nothing is if it fails.
    pub(super) const fn before_release(&mut self, before: Before<'a>) {
        self.before = Some(before);
    }

    /// How many elements, each once in a document that was returned.
    pub(super) fn released(&self) -> usize {
        let documents = self.questions.iter().flat_map(Question::releases);
        documents.map(|document| document.elements.len()).sum()
    }

    pub(super) fn to_json(&self) -> Vec<serde_json::Value> {
        self.questions.iter().flat_map(question_json).collect()
    }

    async fn answer(&mut self, request: &Request<'_>) -> Result<Decision, Failure> {
        let limits = Limits::DEFAULT;
        let asked = match DeviceRequest::decode(request.bytes, &limits) {
            Ok(asked) => asked,
            Err(error) => {
                let words = format!("the reader's request does not decode: {error}");
                self.failure = Some(Failure::new(words));
                return Ok(Decision::Refuse);
            }
        };
        let documents = self.wallet.documents.iter().map(decoded);
        let documents = documents.collect::<Result<Vec<_>, _>>()?;
        let session = Session {
            transcript: request.transcript,
            trust: ReaderTrust {
                anchors: self.wallet.anchors,
                now: self.wallet.now,
            },
            limits,
            backend: fastest(),
        };
        let held = self
            .wallet
            .held(&documents, self.wallet.mac.then_some(request.reader_key));
        let refused = |error: mdoc_holder::question::AnswerError| Failure::new(error.to_string());
        let mut question = Question::new(&asked, &held, &session).map_err(refused)?;
        let mut readers = question.documents.iter().map(|document| &document.reader);
        if let Some(forged) = readers.find(|reader| matches!(reader, Reader::Failed(_))) {
            return Err(
                Failure::new(format!("the request is from {forged}; nothing was released"))
                    .exit(Exit::Rejected),
            );
        }
        restrict(&mut question, self.only)?;
        // That there is nothing of it here is said with leave alone, too: a decline would tell otherwise who has it.
        if !self.permitted(&question).await? {
            return Ok(Decision::Decline);
        }
        let answer = question.answer(&held, &session).map_err(refused)?;
        tracing::info!(
            documents = answer.documents,
            bytes = answer.response.len(),
            "response made"
        );
        if let Some(before) = self.before {
            let documents = question.releases();
            let released = documents.iter().filter(|document| !document.elements.is_empty());
            before(&released.filter_map(|document| document.held).collect::<Vec<_>>())?;
        }
        self.questions.push(question);
        Ok(Decision::Answer(answer.response))
    }

    async fn permitted(&self, question: &Question) -> Result<bool, Failure> {
        match self.answering {
            Answering::Yes => Ok(true),
            Answering::No => Ok(false),
            Answering::Ask => {
                output::print(&words(question))?;
                yes().await
            }
        }
    }
}

impl Decide for Consent<'_> {
    async fn decide(&mut self, request: &Request<'_>) -> Decision {
        match self.answer(request).await {
            Ok(decision) => decision,
            Err(failure) => {
                self.failure = Some(failure);
                Decision::Decline
            }
        }
    }
}

/// Waits for a line of standard input, while everything else goes on.
async fn yes() -> Result<bool, Failure> {
    let (tell, told) = oneshot::channel();
    let thread = std::thread::Builder::new().spawn(move || {
        let mut line = String::new();
        let read = std::io::stdin().read_line(&mut line);
        let _gone = tell.send(read.is_ok() && matches!(line.trim(), "y" | "Y" | "yes" | "Yes" | "YES"));
    });
    thread.map_err(|error| Failure::new(format!("standard input cannot be read: {error}")))?;
    Ok(told.await.unwrap_or(false))
}

/// Most readers that are shown of a document, and most documents of which nothing is released.
const MOST_SHOWN: usize = 8;
/// Most elements that are shown and not released.
const MOST_ABSENT: usize = 20;

/// Who asks for what, and what they mean to keep; each document once, as it is returned. What is released stands last, all of
/// it: a request that names thousands of other things moves none of it out of sight.
fn words(question: &Question) -> String {
    let (released, others): (Vec<_>, Vec<_>) = question
        .releases()
        .into_iter()
        .partition(|document| !document.elements.is_empty());
    let mut text = String::new();
    for document in others.iter().take(MOST_SHOWN) {
        who_asks(document, &mut text);
        text.push_str("  nothing of what is asked for is released\n");
    }
    if let Some(more @ 1..) = others.len().checked_sub(MOST_SHOWN) {
        let _ = writeln!(text, "\nand {more} more documents, of which nothing is released");
    }
    for document in &released {
        who_asks(document, &mut text);
        for (name_space, identifier) in document.absent.iter().take(MOST_ABSENT) {
            let _ = writeln!(text, "  {}  (is not released)", element(name_space, identifier));
        }
        if let Some(more @ 1..) = document.absent.len().checked_sub(MOST_ABSENT) {
            let _ = writeln!(text, "  and {more} more that are not released");
        }
        for released in &document.elements {
            let keep = if released.intent_to_retain {
                "  WILL BE KEPT"
            } else {
                ""
            };
            let instead = if released.element == released.requested {
                String::new()
            } else {
                format!(", instead of {}", printable_name(released.requested))
            };
            let element = element(released.name_space, released.element);
            let _ = writeln!(text, "  {element}{instead}{keep}");
        }
    }
    text.push_str(if released.is_empty() {
        "Tell the reader that there is nothing? [y/N] "
    } else {
        "Release this? [y/N] "
    });
    text
}

/// A line for each who asks for a document, those first that are not trusted.
fn who_asks(document: &Release<'_>, text: &mut String) {
    let doc_type = printable_name(document.doc_type);
    let (trusted, others): (Vec<&Reader>, Vec<&Reader>) = document
        .readers
        .iter()
        .copied()
        .partition(|reader| is_trusted(reader));
    text.push('\n');
    for reader in others.iter().chain(&trusted).take(MOST_SHOWN) {
        let _ = writeln!(text, "{} asks for {doc_type}", who(reader));
    }
    if let Some(more @ 1..) = document.readers.len().checked_sub(MOST_SHOWN) {
        let _ = writeln!(text, "and {more} more ask for {doc_type}");
    }
}

#[cfg(test)]
mod tests {
    use mdoc_core::x509::path::BrokenPath;
    use mdoc_holder::question::DocumentQuestion;
    use mdoc_holder::reader::Distrust;

    use super::super::respond::tests::asked_twice;
    use super::*;

    const WORDS: &str = "
an unknown reader (it did not sign its request) asks for other
  nothing of what is asked for is released

an unknown reader (it did not sign its request) asks for type
CN=Bar (trusted) asks for type
  ns c  (is not released)
  ns d  (is not released)
  ns age_over_18, instead of age_over_16
  ns b  WILL BE KEPT
Release this? [y/N] ";

    #[test]
    fn what_is_released_is_in_sight_whatever_else_is_asked_for() {
        let mut question = asked_twice();
        let first = question.documents[0].clone();
        let long = "n".repeat(1024);
        question.documents[0].absent = (0..9_000)
            .map(|at| ("ns".to_owned(), format!("{long}{at}")))
            .collect();
        for at in 0..30 {
            let name = format!("CN=x{}CN=Bar (trusted) asks for type {at}", " ".repeat(40_000));
            let why = Distrust::Path(BrokenPath::NoAnchor { issuer: name.clone() });
            let reader = Reader::Untrusted { name, why };
            question.documents.push(DocumentQuestion {
                reader: reader.clone(),
                found: first.found.clone(),
                ..first.clone()
            });
            question.documents.push(DocumentQuestion {
                doc_type: format!("{long}{at}"),
                reader,
                held: None,
                found: Vec::new(),
                absent: Vec::new(),
            });
        }
        let shown = words(&question);
        let lines: Vec<&str> = shown.lines().collect();
        assert!(lines.len() < 70, "{} lines", lines.len());
        let longest = lines.iter().map(|line| line.chars().count()).max();
        assert!(longest < Some(400), "{longest:?}");
        let end = "  ns age_over_18, instead of age_over_16\n  ns b  WILL BE KEPT\nRelease this? [y/N] ";
        assert!(shown.ends_with(end), "{shown}");
        for more in [
            "\nand 23 more documents, of which nothing is released\n",
            "\n  and 8982 more that are not released\n",
            "\nand 24 more ask for type\n",
        ] {
            assert!(shown.contains(more), "{more:?}: {shown}");
        }
        assert!(lines.iter().any(|line| line.starts_with("an untrusted reader ")));
        assert!(!lines.iter().any(|line| line.starts_with("CN=Bar (trusted)")));
    }

    #[test]
    fn a_document_that_is_asked_for_twice_is_shown_and_counted_once() {
        let question = asked_twice();
        assert_eq!(words(&question), WORDS);
        let wallet = Wallet {
            documents: &[],
            keys: &[],
            anchors: &[],
            now: Timestamp::from_unix(0),
            mac: false,
        };
        let mut consent = Consent::new(&wallet, Answering::Ask, &[]);
        consent.questions.push(question);
        assert_eq!((consent.released(), consent.to_json().len()), (2, 2));
        // The next request of the session is answered with the document again.
        consent.questions.push(asked_twice());
        assert_eq!((consent.released(), consent.to_json().len()), (4, 4));
    }
}
