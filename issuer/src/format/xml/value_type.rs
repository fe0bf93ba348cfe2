//! The type of a value with its limits: of an element, of the items of an array, of a member of a map.

use std::collections::BTreeSet;
use std::sync::Arc;

use roxmltree::Node;

use super::Reader;
use crate::format::codes::CodeTable;
use crate::format::error::FormatCode;
use crate::format::types::{
    ArrayRules, BytesRules, Charset, DEFAULT_MAX_BYTES, DEFAULT_MAX_ITEMS, DEFAULT_MAX_LENGTH, MapRules,
    Member, Pattern, TextRules, UintRules, ValueType,
};
use crate::photo::ImageKind;
use mdoc_cli::nearest::nearest;

/// Attributes of everything that has a type: the type itself and its limits.
pub(super) const TYPED: [&str; 14] = [
    "min-length",
    "max-length",
    "pattern",
    "charset",
    "codes",
    "min",
    "max",
    "max-bytes",
    "images",
    "allow-empty",
    "min-items",
    "max-items",
    "min-members",
    "type",
];
/// The attributes that go with a type.
fn limits_of(name: &str) -> &'static [&'static str] {
    match name {
        "tstr" => &["min-length", "max-length", "pattern", "charset", "codes"],
        "bstr" => &["max-bytes", "images", "allow-empty"],
        "uint" => &["min", "max", "codes"],
        "array" => &["min-items", "max-items"],
        "map" => &["min-members"],
        _ => &[],
    }
}

impl<'d> Reader<'d> {
    /// The type of an `element`, `item` or `member`, with the children that describe a structure.
    pub(super) fn value_type(&mut self, node: Node<'d, 'd>) -> Option<ValueType> {
        let Some(name) = self.faults.required(node, "type") else {
            // Children are looked at all the same, so that one missing attribute hides nothing.
            self.structure(node, "");
            self.every_limit(node);
            return None;
        };
        if !ValueType::NAMES.contains(&name) {
            let message = format!(
                "there is no type {name}; there are {}",
                ValueType::NAMES.join(", ")
            );
            self.faults
                .note_attribute::<()>(node, "type", FormatCode::BadType, message);
            self.structure(node, "");
            self.every_limit(node);
            return None;
        }
        let misplaced = |limit: &&&str| {
            !limits_of(name).contains(limit) && **limit != "type" && node.has_attribute(**limit)
        };
        for limit in TYPED.iter().filter(misplaced) {
            let message = format!("{limit} does not go with the type {name}");
            self.faults
                .note_attribute::<()>(node, limit, FormatCode::MisplacedAttribute, message);
        }
        match name {
            "array" | "map" => self.structure(node, name),
            _ => {
                self.faults.children(node, &[]);
                self.scalar(node, name)
            }
        }
    }

    /// Looks at the limits of a node whose type is not known, so that its faults are told together.
    fn every_limit(&mut self, node: Node<'d, 'd>) {
        let has = |names: &[&str]| names.iter().any(|name| node.has_attribute(*name));
        if has(limits_of("tstr")) {
            self.text_rules(node);
        }
        if has(limits_of("bstr")) {
            self.bytes_rules(node);
        }
        if has(&["min", "max"]) {
            self.faults.limits(node, ("min", "max"), (0, u64::MAX));
        }
    }

    fn scalar(&mut self, node: Node<'d, 'd>, name: &str) -> Option<ValueType> {
        Some(match name {
            "tstr" => ValueType::Text(self.text_rules(node)),
            "bstr" => ValueType::Bytes(self.bytes_rules(node)),
            "uint" => {
                let (min, max) = self.faults.limits(node, ("min", "max"), (0, u64::MAX));
                ValueType::Uint(UintRules {
                    min,
                    max,
                    codes: self.codes(node),
                })
            }
            "bool" => ValueType::Bool,
            "full-date" => ValueType::FullDate,
            "tdate" => ValueType::Tdate,
            "tdate-or-full-date" => ValueType::TdateOrFullDate,
            "driving-privileges" => ValueType::driving_privileges(),
            _ => return None,
        })
    }

    fn text_rules(&mut self, node: Node<'d, 'd>) -> TextRules {
        let (min, max) =
            self.faults
                .limits(node, ("min-length", "max-length"), (0, wide(DEFAULT_MAX_LENGTH)));
        let charset = match node.attribute("charset") {
            None | Some("unicode") => Charset::Unicode,
            Some("latin-1") => Charset::Latin1,
            Some(_) => {
                let message = "charset must be latin-1 or unicode".to_owned();
                self.faults
                    .note_attribute::<()>(node, "charset", FormatCode::BadValue, message);
                Charset::Unicode
            }
        };
        let pattern = node
            .attribute("pattern")
            .and_then(|source| match Pattern::new(source) {
                Ok(pattern) => Some(pattern),
                Err(why) => {
                    let message = format!("pattern is no usable regular expression: {why}");
                    self.faults
                        .note_attribute(node, "pattern", FormatCode::BadPattern, message)
                }
            });
        TextRules {
            min_length: narrow(min),
            max_length: narrow(max),
            charset,
            pattern,
            codes: self.codes(node),
        }
    }

    fn bytes_rules(&mut self, node: Node<'d, 'd>) -> BytesRules {
        let max_bytes = narrow(self.faults.number(node, "max-bytes", wide(DEFAULT_MAX_BYTES)));
        let mut images = Vec::new();
        for word in node
            .attribute("images")
            .unwrap_or_default()
            .split_ascii_whitespace()
        {
            match ImageKind::from_name(word) {
                Some(kind) => images.push(kind),
                None => {
                    let message = format!("{word} is no kind of image; there are jpeg and jpeg2000");
                    self.faults
                        .note_attribute::<()>(node, "images", FormatCode::BadValue, message);
                }
            }
        }
        BytesRules {
            max_bytes,
            images,
            allow_empty: self.faults.flag(node, "allow-empty"),
        }
    }

    fn codes(&mut self, node: Node<'d, 'd>) -> Option<Arc<CodeTable>> {
        let name = node.attribute("codes")?;
        self.table(name).or_else(|| {
            let mut message = format!("there is no code table {name}");
            if let Some(meant) = nearest(name, self.tables.iter().map(|table| table.name.as_str())) {
                message.push_str(&format!(", did you mean {meant}?"));
            }
            self.faults
                .note_attribute(node, "codes", FormatCode::UnknownCodeTable, message)
        })
    }

    /// An array with its one `item`, or a map with its `member`s.
    fn structure(&mut self, node: Node<'d, 'd>, name: &str) -> Option<ValueType> {
        let known: &[&str] = match name {
            "array" => &["item"],
            "map" => &["member"],
            _ => &["item", "member"],
        };
        let mut items = Vec::new();
        let mut members: Vec<Member> = Vec::new();
        let mut names: BTreeSet<&'d str> = BTreeSet::new();
        let children = self.faults.children(node, known);
        let complete = !children.is_empty();
        for child in &children {
            if child.tag_name().name() == "item" {
                self.faults.check_attributes(*child, &TYPED);
                items.push(self.value_type(*child));
            } else {
                members.extend(self.member(*child, &mut names));
            }
        }
        match name {
            "array" => {
                let (min, max) =
                    self.faults
                        .limits(node, ("min-items", "max-items"), (0, wide(DEFAULT_MAX_ITEMS)));
                if items.len() != 1 {
                    let message = "an array needs exactly one item, which describes all of them".to_owned();
                    return self.faults.note(node, FormatCode::Missing, message);
                }
                let item = Box::new(items.pop().flatten()?);
                Some(ValueType::Array(ArrayRules {
                    item,
                    min_items: narrow(min),
                    max_items: narrow(max),
                }))
            }
            "map" if complete => {
                let min = self.faults.number(node, "min-members", 0);
                if min > wide(children.len()) {
                    let message = "min-members is more than there are members".to_owned();
                    return self
                        .faults
                        .note_attribute(node, "min-members", FormatCode::BadValue, message);
                }
                Some(ValueType::Map(MapRules {
                    members,
                    min_members: narrow(min),
                }))
            }
            "map" => self.faults.note(
                node,
                FormatCode::Missing,
                "a map needs at least one member".to_owned(),
            ),
            _ => None,
        }
    }

    /// A `member`; `before` has the names of those before it, and gets its own.
    fn member(&mut self, node: Node<'d, 'd>, before: &mut BTreeSet<&'d str>) -> Option<Member> {
        let known: Vec<&str> = ["name", "required", "display-name"]
            .iter()
            .chain(&TYPED)
            .copied()
            .collect();
        self.faults.check_attributes(node, &known);
        let name = self.faults.required_name(node, "name");
        let required = self.faults.flag(node, "required");
        let value_type = self.value_type(node);
        let name = name?;
        if before.contains(name) {
            let message = format!("the member {name} stands twice");
            return self
                .faults
                .note_attribute(node, "name", FormatCode::Duplicate, message);
        }
        let value_type = value_type?;
        before.insert(name);
        Some(Member {
            name: name.to_owned(),
            required,
            value_type,
        })
    }
}

fn wide(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn narrow(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
