//! The engine: several threads take a record each from the file, fill and sign; the caller's commits in the order of
//! the records.
//!
//! Whoever signs also hands the document to the sink, which is quick: it need not be on the disk yet. The disk is waited
//! for once a commit, and while it is, the next documents are made. Commits are gathered for some milliseconds, so that
//! they are few.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use mdoc_core::crypto::{Backend, CryptoRng, PublicKey, equal_in_constant_time};
use mdoc_core::issue::ItemOrder;
use mdoc_core::issuer_signed::IssuerSigned;
use mdoc_core::limits::Limits;

use super::fault::{Fault, Problem, of_issue};
use super::{Document, Mode, Name, Outcome, Plan, Portrait, Record, Sink, Stop, Surroundings, Tally};
use crate::data::rows::RowsError;
use crate::issue::{Content, IssueError, Prepared, Terms, is_of_signer, prepare};
use crate::panics::unless_panicked;

/// Records that are on their way at one time; with their pictures they are what takes memory.
const WINDOW: usize = 512;
/// How long what is ready may wait for more, to be committed together.
const GATHER: Duration = Duration::from_millis(20);

/// Deals with all records: see the module. `progress` is told after each commit.
///
/// # Errors
/// [`Stop`] if the batch cannot go on. Everything before the record at fault is committed, and nothing after it.
pub fn run<S: Sink>(
    records: impl Iterator<Item = Result<Record, RowsError>> + Send,
    plan: &Plan<'_>,
    sink: &S,
    surroundings: &Surroundings<'_>,
    progress: &mut dyn FnMut(&Tally),
) -> Result<Tally, Stop> {
    let stopping = AtomicBool::new(false);
    let (permits, permitted) = channel();
    for _ in 0..WINDOW {
        // Nobody has gone away yet.
        let _ = permits.send(());
    }
    let intake = Mutex::new(Intake {
        records,
        permitted,
        last: plan.done,
        over: false,
    });
    let (made, to_commit) = channel::<Made<S::Kept>>();
    let crew = Crew {
        plan,
        surroundings,
        stopping: &stopping,
    };
    thread::scope(|scope| {
        let (crew, intake) = (&crew, &intake);
        for _ in 0..plan.threads.max(1) {
            let made = made.clone();
            scope.spawn(move || {
                let mut rng = (crew.surroundings.random)();
                while let Some((number, record)) = crew.next(intake) {
                    // A library that reads pictures or talks to a token may panic, and so may the sink: the record is
                    // still answered for, or the others would wait for it for ever.
                    let outcome = unless_panicked(|| crew.make(record, sink, rng.as_mut()));
                    let is_lost = outcome.is_none();
                    let gone = made.send((number, outcome.unwrap_or(Err(Stop::Lost)))).is_err();
                    // After a panic nothing is done with what it may have left half done.
                    if gone || is_lost {
                        break;
                    }
                }
            });
        }
        drop(made);
        let result = commit(plan, sink, to_commit, &permits, progress);
        stopping.store(true, Ordering::Relaxed);
        // Wakes who waits for a permit; the channels have gone, or will with their last threads.
        drop(permits);
        result
    })
}

/// A record, or why there are no more.
type Job = (u64, Result<Record, RowsError>);

/// The documents of a record, or what is wrong with it.
type Copies<T> = Result<Vec<Document<T>>, Vec<Fault>>;

/// What is to be committed, by the number of the record.
type Made<T> = (u64, Result<Outcome<T>, Stop>);

/// The records that nobody has taken yet.
struct Intake<I> {
    records: I,
    permitted: Receiver<()>,
    /// The number of the last record.
    last: u64,
    /// There are no more, or none that can be read.
    over: bool,
}

impl<I: Iterator<Item = Result<Record, RowsError>>> Intake<I> {
    /// The next record that was not dealt with before, when there is room for one more on its way.
    fn next(&mut self, done: u64) -> Option<Job> {
        if core::mem::replace(&mut self.over, true) {
            return None;
        }
        // Those passed over are taken in all the same, so that later ones know their keys and names.
        let passed_over = |record: &Result<Record, RowsError>| matches!(record, Ok(Record { number, .. }) if *number <= done);
        let record = self.records.find(|record| !passed_over(record))?;
        self.last = match &record {
            Ok(record) => record.number,
            Err(_) => self.last + 1,
        };
        self.permitted.recv().ok()?;
        self.over = record.is_err();
        Some((self.last, record))
    }
}

struct Crew<'a> {
    plan: &'a Plan<'a>,
    surroundings: &'a Surroundings<'a>,
    stopping: &'a AtomicBool,
}

/// Commits what is ready, in order, as much at once as there is: so that the disk is waited for once a group.
fn commit<S: Sink>(
    plan: &Plan<'_>,
    sink: &S,
    made: Receiver<Made<S::Kept>>,
    permits: &Sender<()>,
    progress: &mut dyn FnMut(&Tally),
) -> Result<Tally, Stop> {
    let mut tally = Tally::default();
    let mut waiting = BTreeMap::new();
    let mut due = plan.done + 1;
    while let Ok((number, outcome)) = made.recv() {
        waiting.insert(number, outcome);
        // Not the first: whoever looks on sees at once that it has begun.
        if tally.records() > 0 {
            let until = Instant::now() + GATHER;
            // With half of the records here the others soon wait for permits.
            while waiting.len() < WINDOW / 2
                && let Ok((number, outcome)) = made.recv_timeout(until.duration_since(Instant::now()))
            {
                waiting.insert(number, outcome);
            }
        }
        waiting.extend(made.try_iter());
        let mut group = Vec::new();
        let mut stop = None;
        while let Some(outcome) = waiting.remove(&due) {
            match outcome {
                Ok(outcome) => group.push(outcome),
                Err(why) => {
                    stop = Some(why);
                    break;
                }
            }
            due += 1;
        }
        let dealt = group.len();
        if dealt > 0 {
            let mut after = tally;
            for outcome in &group {
                match &outcome.result {
                    Ok(documents) => {
                        after.good += 1;
                        let adopted = documents.iter().filter(|document| document.adopted);
                        after.adopted += u64::try_from(adopted.count()).unwrap_or(0);
                    }
                    Err(_) => after.failed += 1,
                }
            }
            sink.commit(group).map_err(Stop::Sink)?;
            tally = after;
            progress(&tally);
        }
        if let Some(stop) = stop {
            return Err(stop);
        }
        for _ in 0..dealt {
            // Whoever takes records in may be done.
            let _ = permits.send(());
        }
    }
    if waiting.is_empty() {
        Ok(tally)
    } else {
        Err(Stop::Lost)
    }
}

impl Crew<'_> {
    fn next<I>(&self, intake: &Mutex<Intake<I>>) -> Option<Job>
    where
        I: Iterator<Item = Result<Record, RowsError>>,
    {
        let mut intake = intake.lock().unwrap_or_else(PoisonError::into_inner);
        if self.stopping.load(Ordering::Relaxed) {
            return None;
        }
        intake.next(self.plan.done)
    }

    fn make<S: Sink>(
        &self,
        record: Result<Record, RowsError>,
        sink: &S,
        rng: &mut dyn CryptoRng,
    ) -> Result<Outcome<S::Kept>, Stop> {
        let mut record = record.map_err(Stop::Rows)?;
        let mut faults = core::mem::take(&mut record.faults);
        for key in &record.device_keys {
            if is_of_signer(key, self.plan.signer) {
                faults.push(Problem::KeyOfSigner.of("device_key"));
            }
        }
        let prepared = self.prepare(&record, &mut faults)?;
        let mut outcome = Outcome {
            number: record.number,
            line: record.line,
            id: record.id.take(),
            result: Err(Vec::new()),
            warnings: Vec::new(),
        };
        match (prepared, &outcome.id) {
            (Some(prepared), Some(id)) if faults.is_empty() => {
                prepared.warnings().clone_into(&mut outcome.warnings);
                outcome.result = match self.plan.mode {
                    Mode::Check => Ok(Vec::new()),
                    Mode::Issue => self.documents(&record, id, &prepared, sink, rng)?,
                };
            }
            _ => outcome.result = Err(faults),
        }
        Ok(outcome)
    }

    /// The elements, if the data are in order; otherwise the faults are more afterwards.
    fn prepare(&self, record: &Record, faults: &mut Vec<Fault>) -> Result<Option<Prepared>, Stop> {
        let Some(data) = &record.data else {
            return Ok(None);
        };
        let read;
        let portrait = match &record.portrait {
            None => None,
            Some(Portrait::Bytes(bytes)) => Some(bytes.as_slice()),
            Some(Portrait::File(path)) => {
                read = super::intake::picture(path);
                match &read {
                    Ok(bytes) => Some(bytes.as_slice()),
                    Err(problem) => {
                        faults.push(problem.clone().of("portrait"));
                        None
                    }
                }
            }
        };
        let content = Content {
            format: self.plan.format,
            data,
            portrait,
            issue_date: self.plan.issue_date,
            authority: self.plan.authority,
        };
        let now = self.surroundings.clock.now();
        match prepare(&content, self.plan.valid_for, self.plan.signer, now) {
            Ok(prepared) => Ok(Some(prepared)),
            Err(error) => match of_issue(&error) {
                Some(found) => {
                    // What could not be read is not missing.
                    let told: BTreeSet<String> = faults.iter().map(|fault| fault.field.clone()).collect();
                    faults.extend(found.into_iter().filter(|fault| !told.contains(&fault.field)));
                    Ok(None)
                }
                None => Err(stop(error)),
            },
        }
    }

    fn documents<S: Sink>(
        &self,
        record: &Record,
        id: &str,
        prepared: &Prepared,
        sink: &S,
        rng: &mut dyn CryptoRng,
    ) -> Result<Copies<S::Kept>, Stop> {
        let plan = self.plan;
        let mut terms = Terms {
            status: None,
            key_authorizations: plan.key_authorizations.clone(),
            digest_algorithm: plan.digest_algorithm,
            decoys: plan.decoys,
        };
        let mut template = None;
        let mut documents = Vec::with_capacity(record.device_keys.len());
        for (key, copy) in record.device_keys.iter().zip(1_u32..) {
            let name = Name {
                number: record.number,
                id,
                copy,
            };
            let position = (record.number - 1) * u64::from(plan.copies) + u64::from(copy - 1);
            let status_index = plan.places.and_then(|places| places.index(position));
            if let Some((bytes, kept)) = sink.find(name).map_err(Stop::Sink)? {
                match self.adopt(&bytes, key, status_index) {
                    Some(document) => documents.push(document.with(kept)),
                    None => return Ok(Err(vec![Problem::ForeignDocument.of("")])),
                }
                continue;
            }
            terms.status = plan
                .places
                .zip(status_index)
                .map(|(places, index)| places.status(index));
            let backend = self.surroundings.backend;
            let document = if plan.copies == 1 && plan.item_order == ItemOrder::Customary {
                prepared.sign(key, &terms, plan.signer, rng, backend)
            } else {
                let template = match &mut template {
                    Some(template) => template,
                    none => none.insert(prepared.template(&terms, key, plan.item_order).map_err(stop)?),
                };
                prepared.copy(template, (key, terms.status.as_ref()), plan.signer, rng, backend)
            };
            documents.push(Document {
                kept: sink.keep(name, &document.map_err(stop)?).map_err(Stop::Sink)?,
                doc_type: prepared.doc_type().to_owned(),
                validity: prepared.validity(),
                status_index,
                adopted: false,
            });
        }
        Ok(Ok(documents))
    }

    /// A document that a run before has made and not noted, if it is whole and the one that this record gets.
    fn adopt(&self, bytes: &[u8], key: &PublicKey, status_index: Option<u64>) -> Option<Document<()>> {
        let limits = Limits::DEFAULT;
        let document = IssuerSigned::decode(bytes, &limits).ok()?;
        let mso = document.mso(&limits).ok()?;
        let auth = document.issuer_auth();
        let leaf = auth.x5chain()?.ok()?.into_iter().next()?;
        let leaf = mdoc_core::x509::Certificate::from_der(&leaf).ok()?;
        let ours = self.plan.signer.certificate();
        // Another signer of the same authority may have signed before the batch was broken off.
        let signer = leaf == *ours || leaf.issuer_der() == ours.issuer_der();
        let backend: &dyn Backend = self.surroundings.backend;
        auth.verify(&leaf.public_key().ok()?, auth.payload()?, backend)
            .ok()?;
        let listed = mso.status.as_ref().and_then(|status| status.status_list.as_ref());
        let whole = document.name_spaces().iter().all(|(name_space, items)| {
            items.iter().all(|embedded| {
                let item = embedded.item(&limits).ok();
                let item =
                    item.and_then(|item| mdoc_core::issuer_signed::IssuerSignedItem::decode(item).ok());
                item.and_then(|item| mso.value_digests.get(name_space, item.digest_id))
                    .is_some_and(|digest| {
                        let found = backend.digest(mso.digest_algorithm, &[embedded.raw()]);
                        equal_in_constant_time(found.as_ref(), digest.as_ref())
                    })
            })
        });
        let elements: BTreeSet<&str> = document
            .name_spaces()
            .iter()
            .map(|(name, _)| name.as_ref())
            .collect();
        let ours = signer
            && whole
            && !elements.is_empty()
            && mso.doc_type == self.plan.format.doctype
            && mso
                .device_key_info
                .device_key
                .as_ref()
                .is_ok_and(|found| found == key)
            && listed.map(|list| list.index) == status_index;
        ours.then_some(Document {
            kept: (),
            doc_type: mso.doc_type,
            validity: mdoc_core::issue::Validity {
                signed: mso.validity_info.signed,
                valid_from: mso.validity_info.valid_from,
                valid_until: mso.validity_info.valid_until,
                expected_update: None,
            },
            status_index,
            adopted: true,
        })
    }
}

impl Document<()> {
    fn with<T>(self, kept: T) -> Document<T> {
        Document {
            kept,
            doc_type: self.doc_type,
            validity: self.validity,
            status_index: self.status_index,
            adopted: self.adopted,
        }
    }
}

/// An error that is not the record's.
fn stop(error: IssueError) -> Stop {
    match error {
        IssueError::Signer(fault) => Stop::Signer(fault),
        IssueError::Key(error) => Stop::Key(error),
        IssueError::Draft(error) => Stop::Draft(error),
        _ => Stop::Lost,
    }
}

/// Reads a picture that is no larger than any that a format takes.
pub(super) fn bounded(path: &std::path::Path, most: u64) -> Result<Vec<u8>, Problem> {
    use std::io::Read as _;
    let unreadable = |error: std::io::Error| {
        Problem::Unreadable(match error.kind() {
            std::io::ErrorKind::NotFound => "does not exist",
            std::io::ErrorKind::PermissionDenied => "may not be read",
            _ => "cannot be read",
        })
    };
    // Before it is opened, too: to open a named pipe waits for a writer, who may never come.
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(Problem::Unreadable("is no regular file"));
    }
    let file = fs::File::open(path).map_err(unreadable)?;
    if !file.metadata().map_err(unreadable)?.is_file() {
        return Err(Problem::Unreadable("is no regular file"));
    }
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    match u64::try_from(bytes.len()) {
        Ok(0) => Err(Problem::Unreadable("is empty")),
        Ok(len) if len <= most => Ok(bytes),
        _ => Err(Problem::Unreadable("is too large")),
    }
}
