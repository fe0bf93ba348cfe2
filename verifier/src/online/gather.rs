//! One question after another, each answered from what was kept or from the network.

use std::time::{Duration, Instant};

use mdoc_core::status;
use mdoc_core::time::Timestamp;
use mdoc_core::verify::{Inputs, StatusPolicy};
use mdoc_core::x509::ocsp::OcspResponse;
use mdoc_core::x509::path::{self, Path};
use mdoc_core::x509::revocation::RevocationList;
use tracing::{debug, warn};

use super::cache::{Kept, Key};
use super::fetch::{Answer, Received, Request, Unreachable};
use super::subject::Subject;
use super::{Kind, MOST_QUESTIONS, Online, Problem, Source, Supply};

/// What was gathered, beside what there was.
pub(super) struct Evidence<'s> {
    tokens: Vec<Token>,
    pub(super) told: Vec<status::Told<'s>>,
    pub(super) revocation_lists: Vec<RevocationList>,
    pub(super) ocsp_answers: Vec<OcspResponse>,
    pub(super) sources: Vec<Source>,
    pub(super) not_kept: Option<String>,
}

struct Token {
    uri: String,
    bytes: Vec<u8>,
    fetched: Timestamp,
}

impl Evidence<'_> {
    /// The status lists, after those that were there before.
    pub(super) fn status_lists<'e>(&'e self, before: &[status::Evidence<'e>]) -> Vec<status::Evidence<'e>> {
        let gathered = self.tokens.iter().map(|token| status::Evidence {
            uri: &token.uri,
            token: &token.bytes,
            fetched: token.fetched,
        });
        before.iter().copied().chain(gathered).collect()
    }
}

/// A question, with what makes an answer to it one.
pub(super) struct Question<'q> {
    pub(super) kind: Kind,
    pub(super) url: &'q str,
    pub(super) key: Key,
    pub(super) accept: &'q str,
    /// For OCSP: media type and body.
    pub(super) post: Option<(&'q str, &'q [u8])>,
    /// The same question as an address, which is tried before it is posted.
    pub(super) get: Option<String>,
    pub(super) largest: usize,
    pub(super) plain: bool,
    /// Whether the network is asked though there is an answer that is not due yet.
    pub(super) always: bool,
    /// Whether answers of that media type are looked at.
    pub(super) media_type: &'q dyn Fn(Option<&str>) -> bool,
}

/// What an authentic answer says of itself.
#[derive(Clone, Copy)]
pub(super) struct Worth {
    /// When it was made.
    pub(super) made: Timestamp,
    /// From when on a newer one is to be asked for.
    pub(super) fresh_until: Timestamp,
}

/// Judges an answer that came in then.
pub(super) type Judge<'j> = dyn Fn(&[u8], Timestamp, Origin) -> Result<Worth, Problem> + 'j;

/// Where the octets under judgement are from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    Received,
    Kept,
}

/// An answer.
pub(super) struct Found {
    pub(super) bytes: Vec<u8>,
    /// When it came in.
    pub(super) fetched: Timestamp,
    /// Whether it is to be relied on: not if it is there for the reason in it alone.
    pub(super) reliable: bool,
}

impl Found {
    fn of(kept: Kept, reliable: bool) -> Self {
        Self {
            bytes: kept.bytes,
            fetched: kept.fetched,
            reliable,
        }
    }
}

pub(super) struct Gather<'a, 'i, 's> {
    pub(super) online: &'a Online<'a>,
    pub(super) inputs: &'a Inputs<'i>,
    until: Option<Instant>,
    asked: Vec<Key>,
    pub(super) evidence: Evidence<'s>,
}

impl<'a, 'i: 's, 's> Gather<'a, 'i, 's> {
    pub(super) fn new(online: &'a Online<'a>, inputs: &'a Inputs<'i>) -> Self {
        Self {
            online,
            inputs,
            until: Instant::now().checked_add(online.time),
            asked: Vec::new(),
            evidence: Evidence {
                tokens: Vec::new(),
                told: inputs.told.to_vec(),
                revocation_lists: inputs.revocation_lists.to_vec(),
                ocsp_answers: inputs.ocsp_answers.to_vec(),
                sources: Vec::new(),
                not_kept: None,
            },
        }
    }

    pub(super) fn finish(self) -> Evidence<'s> {
        self.evidence
    }

    /// Looks up one document: its signer, then itself.
    pub(super) fn document(&mut self, subject: &'s Subject) {
        let (inputs, doc_type) = (self.inputs, Some(subject.doc_type.as_str()));
        let Some(signer) = subject.chain.first() else {
            return;
        };
        let trust = match path::find_for(
            doc_type,
            &subject.chain,
            inputs.anchors,
            inputs.now,
            inputs.backend,
        ) {
            Path::Anchored {
                anchor,
                intermediates,
            } => {
                self.certificates(signer, intermediates, &anchor.certificate);
                status::Trust::Issuer(&anchor.certificate)
            }
            Path::Pinned { .. } => status::Trust::Named,
            Path::Broken(_) => return,
        };
        if inputs.policy.status == StatusPolicy::Skip {
            return;
        }
        for reference in subject.status.iter().flat_map(status::Reference::all) {
            self.query(reference);
            self.status(reference, trust, doc_type);
        }
    }

    pub(super) fn token(&mut self, uri: &str, found: Found) {
        self.evidence.tokens.push(Token {
            uri: uri.to_owned(),
            bytes: found.bytes,
            fetched: found.fetched,
        });
    }

    /// Whether that was asked before, in vain or not.
    pub(super) fn was_asked(&self, key: &Key) -> bool {
        self.asked.contains(key)
    }

    /// The best answer there is: one that was kept and is not due yet, one from the network, or one that was kept and is
    /// due. One that is not to be relied on is given too, if there is no other: the report then has the reason.
    pub(super) fn ask(&mut self, question: &Question<'_>, judge: &Judge<'_>) -> Option<Found> {
        let (supply, found) = if self.may_ask(question.key.clone()) {
            self.answer(question, judge)
        } else {
            (Supply::Missing(Problem::TooMany), None)
        };
        self.note(question.kind, question.url, supply);
        found
    }

    /// Whether one more question is not too many. It is counted.
    pub(super) fn may_ask(&mut self, key: Key) -> bool {
        self.asked.push(key);
        self.asked.len() <= MOST_QUESTIONS
    }

    /// Says what came of a question.
    pub(super) fn note(&mut self, kind: Kind, url: &str, supply: Supply) {
        let (supplied, code) = (supply.id(), supply.problem().map(Problem::code));
        debug!(kind = kind.id(), address = shown(url), supplied, code, "asked");
        self.evidence.sources.push(Source {
            kind,
            host: host(url).to_owned(),
            supply,
        });
    }

    fn answer(&mut self, question: &Question<'_>, judge: &Judge<'_>) -> (Supply, Option<Found>) {
        let (now, clock) = (self.inputs.now, self.online.clock.now());
        let kept = self.online.cache.and_then(|cache| cache.get(&question.key));
        let worth = |kept: &Kept| judge(&kept.bytes, kept.fetched, Origin::Kept).ok();
        let held = kept.as_ref().and_then(worth);
        // A clock that was put back must not make what was kept last longer.
        let due = held.is_none_or(|worth| now >= worth.fresh_until)
            || kept.as_ref().is_some_and(|kept| kept.fetched > clock);
        if !due && !question.always {
            return (Supply::Kept, kept.map(|kept| Found::of(kept, true)));
        }
        let etag = kept
            .as_ref()
            .filter(|_| held.is_some())
            .and_then(|kept| kept.etag.as_deref());
        let problem = match self.send(question, etag) {
            Ok(Answer::Unchanged) => match kept {
                Some(mut kept) => {
                    kept.fetched = clock;
                    let made = held.map(|held| held.made);
                    self.keep(question, &kept, &|there| {
                        worth(there).map(|there| there.made) <= made
                    });
                    return (Supply::Confirmed, Some(Found::of(kept, true)));
                }
                None => Problem::Unreachable(Unreachable::Protocol),
            },
            Ok(Answer::Body(Received { media_type, .. }))
                if !(question.media_type)(media_type.as_deref()) =>
            {
                let named = media_type.unwrap_or_else(|| "none".to_owned());
                Problem::MediaType(named.chars().filter(char::is_ascii_graphic).take(64).collect())
            }
            Ok(Answer::Body(Received { body, etag, .. })) => match judge(&body, clock, Origin::Received) {
                Ok(new) if held.is_none_or(|held| held.made <= new.made) => {
                    let kept = Kept {
                        fetched: clock,
                        etag,
                        bytes: body,
                    };
                    self.keep(question, &kept, &|there| {
                        worth(there).is_none_or(|there| there.made <= new.made)
                    });
                    return (Supply::Fetched, Some(Found::of(kept, true)));
                }
                Ok(_) => Problem::Older,
                Err(problem) if held.is_none() => {
                    let found = Found {
                        bytes: body,
                        fetched: clock,
                        reliable: false,
                    };
                    return (Supply::Missing(problem), Some(found));
                }
                Err(problem) => problem,
            },
            Err(problem) => problem,
        };
        let found = kept.map(|kept| Found::of(kept, held.is_some()));
        if held.is_some() {
            (Supply::KeptOld(problem), found)
        } else {
            (Supply::Missing(problem), found)
        }
    }

    /// The time left for questions.
    pub(super) fn left(&self) -> Result<Duration, Unreachable> {
        let left = self.until.map_or(self.online.time, |until| {
            until.saturating_duration_since(Instant::now())
        });
        if left.is_zero() {
            return Err(Unreachable::Time);
        }
        Ok(left)
    }

    fn send(&self, question: &Question<'_>, etag: Option<&str>) -> Result<Answer, Problem> {
        let fetch = self.online.fetch.ok_or(Problem::Offline)?;
        let send = |url: &str, post| {
            fetch.fetch(&Request {
                url,
                accept: question.accept,
                post,
                authorization: None,
                etag,
                largest: question.largest,
                time: self.left()?,
                plain: question.plain,
            })
        };
        let asked = match &question.get {
            Some(url) => match send(url, None) {
                // Not all responders answer to GET.
                Err(Unreachable::Status(_) | Unreachable::Redirect) => send(question.url, question.post),
                asked => asked,
            },
            None => send(question.url, question.post),
        };
        asked.map_err(Problem::Unreachable)
    }

    fn keep(&mut self, question: &Question<'_>, kept: &Kept, newer: &dyn Fn(&Kept) -> bool) {
        let Some(cache) = self.online.cache else { return };
        if let Err(failure) = cache.keep(&question.key, kept, newer) {
            warn!(kind = question.kind.id(), "an answer was not kept");
            self.evidence.not_kept = Some(failure.to_string());
        }
    }
}

/// The host of an address.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

/// An address without what may be of one document alone.
fn shown(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}
