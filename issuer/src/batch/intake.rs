//! From a row of a file to a record: its name, its picture, and the keys of its holder.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::{Component, Path, PathBuf};

use mdoc_core::cbor::Item;
use mdoc_core::cose;
use mdoc_core::crypto::PublicKey;
use mdoc_core::keys;
use mdoc_core::limits::Limits;
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use super::fault::{Fault, Problem};
use super::run::bounded;
use super::{Portrait, Record};
use crate::data::rows::{Row, Rows, RowsError};
use crate::format::types::ValueType;
use crate::format::{DataPath, Format, Origin};

/// The field with the holder's key.
pub const DEVICE_KEY: &str = "device_key";
/// The field with the holder's keys, a list.
pub const DEVICE_KEYS: &str = "device_keys";

const PORTRAIT: &str = "portrait";
/// Largest picture that is read, in bytes.
const LARGEST_PICTURE: u64 = 64 << 20;
/// Largest key that is read, in bytes.
const LARGEST_KEY: u64 = 64 << 10;
/// Names that a key in the folder of keys may have behind that of its record.
const KEY_ENDINGS: [&str; 4] = [".pem", ".pub.pem", ".jwk", ".cbor"];

/// Where the parts of a record are.
#[derive(Debug, Clone, Default)]
pub struct Intake {
    /// The field that names the documents of a record; its number if none.
    pub id_field: Option<String>,
    /// The folder with the pictures that the field of the portrait names; base64 is in the field if none.
    pub portraits: Option<PathBuf>,
    /// The folder with the holders' keys.
    pub device_keys: Option<PathBuf>,
    /// How many documents each person gets, 1 or more.
    pub copies: u32,
    /// Whether several records may have one key.
    pub shared_device_keys: bool,
}

impl Intake {
    /// Fields of a record that are not fields of the format.
    #[must_use]
    pub fn beside(&self) -> Vec<&str> {
        let id = self.id_field.as_deref();
        [DEVICE_KEY, DEVICE_KEYS].into_iter().chain(id).collect()
    }

    /// The records of a file. Of each, the name and the keys are remembered in some fifty bytes, so that none is there
    /// twice.
    pub fn records<R: std::io::Read>(
        self,
        rows: Rows<R>,
        format: &Format,
    ) -> impl Iterator<Item = Result<Record, RowsError>> {
        let portrait = portrait_path(format);
        let id_is_data = self.id_field.as_deref().is_some_and(|id| {
            format
                .elements()
                .any(|(_, element)| element.path().names() == [id])
        });
        let mut taking = Taking {
            intake: self,
            portrait,
            id_is_data,
            number: 0,
            ids: HashMap::new(),
            keys: HashMap::new(),
        };
        rows.map(move |row| Ok(taking.record(row?)))
    }
}

/// The beginning of a digest: enough to tell millions of names and keys apart.
type Mark = [u8; 16];

fn mark(kind: &[u8], bytes: &[u8]) -> Mark {
    let digest = Sha256::new().chain_update(kind).chain_update(bytes).finalize();
    let mut mark = Mark::default();
    for (to, from) in mark.iter_mut().zip(digest) {
        *to = from;
    }
    mark
}

struct Taking {
    intake: Intake,
    portrait: Option<DataPath>,
    id_is_data: bool,
    number: u64,
    /// The line of each name and key.
    ids: HashMap<Mark, u64>,
    keys: HashMap<Mark, u64>,
}

impl Taking {
    fn record(&mut self, row: Row) -> Record {
        self.number += 1;
        let mut record = Record {
            number: self.number,
            line: row.line,
            id: None,
            data: None,
            portrait: None,
            device_keys: Vec::new(),
            faults: Vec::new(),
        };
        record.faults = row.faults.into_iter().map(Fault::from).collect();
        let Some(mut data) = row.data else {
            return record;
        };
        self.name(&mut record, &mut data);
        self.device_keys(&mut record, &mut data);
        self.portrait(&mut record, &mut data);
        record.data = Some(data);
        record
    }

    fn name(&mut self, record: &mut Record, data: &mut Json) {
        let Some(field) = self.intake.id_field.as_deref() else {
            record.id = Some(record.number.to_string());
            return;
        };
        let stated = if self.id_is_data {
            data.get(field).cloned()
        } else {
            take(data, &[field.to_owned()])
        };
        let id = match stated {
            Some(Json::String(text)) => text,
            Some(Json::Number(number)) if number.is_u64() => number.to_string(),
            _ => return record.faults.push(Problem::IdMissing.of(field)),
        };
        if id.trim().is_empty() || id.len() > 64 || id.chars().any(char::is_control) {
            return record.faults.push(Problem::IdUnusable.of(field));
        }
        // Not by its letters alone: some file systems do not tell A from a.
        match self.ids.entry(mark(b"id", id.to_lowercase().as_bytes())) {
            Entry::Occupied(first) => {
                let line = *first.get();
                record.faults.push(Problem::IdTwice { line }.of(field));
            }
            Entry::Vacant(free) => {
                free.insert(record.line);
                record.id = Some(id);
            }
        }
    }

    fn device_keys(&mut self, record: &mut Record, data: &mut Json) {
        let one = take(data, &[DEVICE_KEY.to_owned()]);
        let several = take(data, &[DEVICE_KEYS.to_owned()]);
        let found = match (one, several) {
            (Some(one), None) => vec![self.key(&one)],
            (None, Some(Json::Array(all))) => all.iter().map(|key| self.key(key)).collect(),
            // The cell of a table is a text; JSON is in it.
            (None, Some(Json::String(text))) => match crate::data::read(&text) {
                Ok(Json::Array(all)) => all.iter().map(|key| self.key(key)).collect(),
                _ => vec![Err(Problem::KeyUnreadable(
                    "a JSON list of keys is expected".to_owned(),
                ))],
            },
            // Without a name there are none to look for, and that it is missing was told.
            (None, None) if record.id.is_none() && self.intake.device_keys.is_some() => return,
            (None, None) => self.keys_by_name(record.id.as_deref()),
            _ => vec![Err(Problem::KeyUnreadable(
                "give device_key, or device_keys with a list".to_owned(),
            ))],
        };
        let count = found.len();
        for key in found {
            match key {
                Ok(key) => record.device_keys.push(key),
                Err(problem) => record.faults.push(problem.of(DEVICE_KEY)),
            }
        }
        if count != usize::try_from(self.intake.copies).unwrap_or(usize::MAX)
            && record.device_keys.len() == count
        {
            let problem = Problem::KeyCount {
                found: count,
                copies: self.intake.copies,
            };
            record.faults.push(problem.of(DEVICE_KEY));
        }
        self.claim(record);
    }

    /// Notes whose the keys are: those of the first record that has them, whether it is issued or not.
    fn claim(&mut self, record: &mut Record) {
        let mut own = Vec::new();
        for key in &record.device_keys {
            let mark = mark(b"key", key.as_bytes());
            if own.contains(&mark) {
                record.faults.push(Problem::KeyTwice.of(DEVICE_KEY));
                continue;
            }
            own.push(mark);
            let line = *self.keys.entry(mark).or_insert(record.line);
            if line != record.line && !self.intake.shared_device_keys {
                record.faults.push(Problem::KeyOfAnother { line }.of(DEVICE_KEY));
            }
        }
    }

    /// A key as a field has it: PEM or JWK, or the path of a file.
    fn key(&self, field: &Json) -> Result<PublicKey, Problem> {
        match field {
            Json::Object(_) => parse_key(field.to_string().as_bytes()),
            Json::String(text) if text.contains("-----BEGIN ") || text.trim_start().starts_with('{') => {
                parse_key(text.as_bytes())
            }
            Json::String(text) => {
                let folder = self.intake.device_keys.as_deref();
                let folder = folder.ok_or(Problem::NoFolder("--device-keys"))?;
                parse_key(&bounded(&inside(folder, text)?, LARGEST_KEY)?)
            }
            _ => Err(Problem::KeyUnreadable(
                "PEM, a JWK or a path is expected".to_owned(),
            )),
        }
    }

    /// The keys that the folder has for a record: `NAME.pem`, or of several copies `NAME-1.pem` and so on.
    fn keys_by_name(&self, id: Option<&str>) -> Vec<Result<PublicKey, Problem>> {
        let Some(folder) = &self.intake.device_keys else {
            return vec![Err(Problem::KeyMissing { copy: None })];
        };
        let Some(id) = id else { return Vec::new() };
        let name = super::folder::file_name(id);
        let find = |stem: String, copy: Option<u32>| {
            let mut candidates = KEY_ENDINGS
                .iter()
                .map(|ending| folder.join(format!("{stem}{ending}")));
            let path = candidates
                .find(|path| path.exists())
                .ok_or(Problem::KeyMissing { copy })?;
            parse_key(&bounded(&path, LARGEST_KEY)?)
        };
        if self.intake.copies == 1 {
            vec![find(name, None)]
        } else {
            (1..=self.intake.copies)
                .map(|copy| find(format!("{name}-{copy}"), Some(copy)))
                .collect()
        }
    }

    fn portrait(&self, record: &mut Record, data: &mut Json) {
        let (Some(folder), Some(path)) = (&self.intake.portraits, &self.portrait) else {
            return;
        };
        match take(data, path.names()) {
            None => {}
            Some(Json::String(text)) => match inside(folder, &text) {
                Ok(path) => record.portrait = Some(Portrait::File(path)),
                Err(problem) => record.faults.push(problem.of(PORTRAIT)),
            },
            Some(_) => record.faults.push(Problem::NotAPath.of(PORTRAIT)),
        }
    }
}

/// Where the data of the format have the portrait, if it is a picture that a file may give.
fn portrait_path(format: &Format) -> Option<DataPath> {
    let element = format.elements().find_map(|(_, element)| {
        let stated = matches!(element.origin, Origin::Data(_));
        let bytes = matches!(element.value_type, ValueType::Bytes(_));
        (element.identifier == PORTRAIT && stated && bytes).then_some(element)
    });
    element.map(|element| element.path().clone())
}

/// Takes a value out of the data; `null` is none.
fn take(data: &mut Json, path: &[String]) -> Option<Json> {
    let (last, above) = path.split_last()?;
    let object = above.iter().try_fold(data, |object, name| object.get_mut(name))?;
    // The order of the others stays.
    let found = object.as_object_mut()?.shift_remove(last)?;
    (!found.is_null()).then_some(found)
}

/// The file in a folder that a path leads to, by no way out of it.
fn inside(folder: &Path, path: &str) -> Result<PathBuf, Problem> {
    let relative = Path::new(path.trim());
    let plain = relative
        .components()
        .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if path.trim().is_empty() || !plain || path.contains('\0') {
        return Err(Problem::PathOutside);
    }
    let joined = folder.join(relative);
    // A link may lead out.
    match (joined.canonicalize(), folder.canonicalize()) {
        (Ok(file), Ok(folder)) if file.starts_with(&folder) => Ok(file),
        (Ok(_), Ok(_)) => Err(Problem::PathOutside),
        (Err(error), _) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(Problem::Unreadable("does not exist"))
        }
        _ => Err(Problem::Unreadable("cannot be read")),
    }
}

pub(super) fn picture(path: &Path) -> Result<Vec<u8>, Problem> {
    bounded(path, LARGEST_PICTURE)
}

/// Reads a public key: PEM, DER, JWK or a `COSE_Key`.
fn parse_key(bytes: &[u8]) -> Result<PublicKey, Problem> {
    let why = |error: &dyn core::error::Error| Problem::KeyUnreadable(mdoc_cli::keys::sentence(error));
    let private = || Problem::KeyUnreadable("it is a private key; give its public half".to_owned());
    // A JWK with a private part is read by some as the public key that is in it too.
    if keys::secret_from_file(bytes).is_ok() {
        return Err(private());
    }
    match keys::public_from_file(bytes) {
        Ok(key) => Ok(key),
        Err(error) => match Item::parse(bytes, &Limits::DEFAULT) {
            Ok(item) => cose::key::decode(item).map_err(|error| why(&error)),
            Err(_) => Err(why(&error)),
        },
    }
}
