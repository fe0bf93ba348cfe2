//! What is explained, as a tree: for people and for programs.

use mdoc_cli::failure::printable_line;
use serde_json::{Map, Value as Json, json};

/// Most characters of a title: room for a name and what is said of it.
const LONGEST_TITLE: usize = 1_300;
/// Most faults in the list for programs, each of which has the titles on the way to it.
const MOST_FAULTS: usize = 1_000;

/// Something that is explained.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// What it is.
    pub title: String,
    /// What it says, by names.
    pub values: Vec<(&'static str, Json)>,
    /// What is worth knowing.
    pub notes: Vec<String>,
    /// What is wrong.
    pub faults: Vec<String>,
    /// What is in it.
    pub parts: Vec<Self>,
}

impl Node {
    pub(super) fn new(title: impl Into<String>) -> Self {
        let mut title: String = title.into();
        let cut = title.char_indices().nth(LONGEST_TITLE).map(|(at, _)| at);
        if let Some(at) = cut {
            title.truncate(at);
            title.push('…');
        }
        Self {
            title,
            values: Vec::new(),
            notes: Vec::new(),
            faults: Vec::new(),
            parts: Vec::new(),
        }
    }

    pub(super) fn value(mut self, name: &'static str, value: impl Into<Json>) -> Self {
        self.values.push((name, value.into()));
        self
    }

    pub(super) fn fault(mut self, fault: impl ToString) -> Self {
        self.faults.push(fault.to_string());
        self
    }

    pub(super) fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    pub(super) fn part(mut self, part: Self) -> Self {
        self.parts.push(part);
        self
    }

    /// Whether something is wrong with it, or in it.
    #[must_use]
    pub fn has_faults(&self) -> bool {
        !self.faults.is_empty() || self.parts.iter().any(Self::has_faults)
    }

    pub(super) fn json(&self) -> Json {
        let values: Map<String, Json> = self
            .values
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        let mut members = Map::new();
        members.insert("title".into(), json!(self.title));
        if !values.is_empty() {
            members.insert("values".into(), Json::Object(values));
        }
        for (name, list) in [("notes", &self.notes), ("faults", &self.faults)] {
            if !list.is_empty() {
                members.insert(name.into(), json!(list));
            }
        }
        if !self.parts.is_empty() {
            let parts: Vec<Json> = self.parts.iter().map(Self::json).collect();
            members.insert("parts".into(), parts.into());
        }
        Json::Object(members)
    }

    fn write(&self, level: usize, out: &mut String) {
        let indent = "  ".repeat(level);
        let mut line = |text: &str| {
            out.push_str(&indent);
            out.push_str(&printable_line(text));
            out.push('\n');
        };
        line(&self.title);
        let widest = self.values.iter().map(|(name, _)| name.len()).max();
        for (name, value) in &self.values {
            let value = match value {
                Json::String(text) => text.clone(),
                other => other.to_string(),
            };
            let wide = widest.unwrap_or_default();
            line(&format!("  {name:wide$}  {value}"));
        }
        for note in &self.notes {
            line(&format!("  note: {note}"));
        }
        for fault in &self.faults {
            line(&format!("  FAULT: {fault}"));
        }
        for part in &self.parts {
            part.write(level + 1, out);
        }
    }
}

pub(super) fn text(parts: &[Node]) -> String {
    let mut out = String::new();
    for part in parts {
        part.write(0, &mut out);
    }
    out
}

/// Faults, each with the titles on the way to it; the last one says so if there are more than are listed.
pub(super) fn faults(parts: &[Node]) -> Vec<Json> {
    fn collect(parts: &[Node], path: &[&str], count: &mut usize, out: &mut Vec<Json>) {
        for part in parts {
            let path = [path, &[part.title.as_str()]].concat();
            *count += part.faults.len();
            let room = MOST_FAULTS.saturating_sub(out.len());
            let listed = part.faults.iter().take(room);
            out.extend(listed.map(|fault| json!({"at": path, "message": fault})));
            collect(&part.parts, &path, count, out);
        }
    }
    let mut count = 0;
    let mut out = Vec::new();
    collect(parts, &[], &mut count, &mut out);
    if count > MOST_FAULTS {
        let message = format!("only the first {MOST_FAULTS} of {count} faults are listed");
        out.push(json!({"at": [], "message": message}));
    }
    out
}
