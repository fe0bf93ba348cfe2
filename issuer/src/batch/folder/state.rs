//! `batch.json`: what the batch is, to be compared when it is resumed.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use serde_json::{Map, Value as Json, json};

use super::{FolderError, STATE, UNFINISHED, at, sync};

/// What a batch is: to be the same when it is resumed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// SHA-256 of the input file, hexadecimal.
    pub input: String,
    /// How many records are in it.
    pub records: u64,
    /// How many documents each gets.
    pub copies: u32,
    /// Everything else that decides what is issued, by the name of its option.
    pub options: Vec<(String, String)>,
    /// The key of [`crate::batch::Places`], hexadecimal. A batch that is resumed has that of the beginning.
    pub places_key: String,
}

pub(super) fn read_state(path: &Path) -> Result<Option<Identity>, FolderError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(at("batch.json cannot be read")(error).into()),
    };
    parse_state(&text)
        .map(Some)
        .ok_or(FolderError::Damaged { file: STATE, line: 1 })
}

fn parse_state(text: &str) -> Option<Identity> {
    let json: Json = serde_json::from_str(text).ok()?;
    let text = |name: &str| json.get(name)?.as_str().map(str::to_owned);
    let options = json.get("options")?.as_object()?.iter();
    let options = options.map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
    (json.get("version")? == 1).then_some(Identity {
        input: text("inputSha256")?,
        records: json.get("records")?.as_u64()?,
        copies: u32::try_from(json.get("copies")?.as_u64()?).ok()?,
        options: options.collect::<Option<_>>()?,
        places_key: text("statusKey")?,
    })
}

pub(super) fn write_state(root: &Path, identity: &Identity) -> Result<(), FolderError> {
    let options: Map<String, Json> = identity
        .options
        .iter()
        .map(|(name, value)| (name.clone(), Json::from(value.as_str())))
        .collect();
    let state = json!({
        "version": 1,
        "inputSha256": identity.input,
        "records": identity.records,
        "copies": identity.copies,
        "options": options,
        "statusKey": identity.places_key,
    });
    let temporary = root.join(UNFINISHED).join(STATE);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    // With the key of the positions one could tell which belong to one person.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&temporary).and_then(|mut file| {
        file.write_all(format!("{state:#}\n").as_bytes())?;
        file.sync_all()?;
        fs::rename(&temporary, root.join(STATE))
    });
    written.map_err(at("batch.json cannot be written"))?;
    Ok(sync(root)?)
}

/// What is different, in words.
pub(super) fn changes(begun: &Identity, now: &Identity) -> Vec<String> {
    let mut changes = Vec::new();
    if begun.input != now.input {
        changes.push("the input file has changed".to_owned());
    }
    if begun.copies != now.copies {
        changes.push(format!("--copies was {}, now it is {}", begun.copies, now.copies));
    }
    let find = |options: &[(String, String)], wanted: &str| {
        let found = options.iter().find(|(name, _)| name == wanted);
        found.map_or_else(|| "not given".to_owned(), |(_, value)| value.clone())
    };
    let mut names: Vec<&String> = begun
        .options
        .iter()
        .chain(&now.options)
        .map(|(name, _)| name)
        .collect();
    names.sort();
    names.dedup();
    for name in names {
        let (was, is) = (find(&begun.options, name), find(&now.options, name));
        if was != is {
            changes.push(format!("{name} was {was}, now it is {is}"));
        }
    }
    changes
}
