//! Reads a format from XML: everything that is wrong is reported at once, with line and column.

mod element;
pub(crate) mod place;
mod scan;
mod value_type;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use roxmltree::{Document, Node, ParsingOptions};

use super::codes::{Code, CodeTable};
use super::error::{FormatCode, FormatErrors};
use super::{Format, Namespace, WhenDisabled, XML_NAMESPACE};
use place::{Faults, position};

/// Most XML nodes (elements, texts, comments) of a file.
const MOST_NODES: u32 = 50_000;
/// Deepest nesting of XML elements: root, namespace, element, and a few levels of structured types.
const DEEPEST: usize = 12;

/// See [`Format::read`].
pub(super) fn read(bytes: &[u8]) -> Result<Format, FormatErrors> {
    parse(bytes, |document| {
        let mut reader = Reader {
            faults: Faults::new(document, XML_NAMESPACE),
            tables: Vec::new(),
        };
        let format = reader.format(document.root_element());
        reader.faults.into_result(format)
    })
}

/// Reads bytes as XML of a bounded size, without a document type declaration, and gives it to `work`.
pub(crate) fn parse<T>(
    bytes: &[u8],
    work: impl FnOnce(&Document<'_>) -> Result<T, FormatErrors>,
) -> Result<T, FormatErrors> {
    if bytes.len() > Format::LARGEST_FILE {
        let message = format!("the file is larger than {} bytes", Format::LARGEST_FILE);
        return Err(Faults::single("", 0, FormatCode::TooLarge, message));
    }
    let text = match core::str::from_utf8(bytes) {
        Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text),
        Err(error) => {
            let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let good = core::str::from_utf8(good).unwrap_or_default();
            let message = "the file is not encoded in UTF-8".to_owned();
            return Err(Faults::single(good, good.len(), FormatCode::NotUtf8, message));
        }
    };
    scan::check(text).map_err(|(at, message)| Faults::single(text, at, FormatCode::TooComplex, message))?;
    let options = ParsingOptions {
        allow_dtd: false,
        nodes_limit: MOST_NODES,
        ..ParsingOptions::default()
    };
    let document = Document::parse_with_options(text, options).map_err(|error| not_xml(text, &error))?;
    work(&document)
}

/// Line and column of the end of a text, both from 1.
fn end_of(text: &str) -> (u32, u32) {
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let last = text.rsplit('\n').next().unwrap_or_default();
    (number(text.split('\n').count()), number(last.chars().count() + 1))
}

fn not_xml(text: &str, error: &roxmltree::Error) -> FormatErrors {
    match error {
        roxmltree::Error::DtdDetected => {
            let at = text.find("<!DOCTYPE").unwrap_or(0);
            let message = "a document type declaration is refused, and with it every entity".to_owned();
            Faults::single(text, at, FormatCode::Dtd, message)
        }
        roxmltree::Error::NodesLimitReached => {
            let message = format!("the file has more than {MOST_NODES} XML nodes");
            Faults::single(text, 0, FormatCode::TooComplex, message)
        }
        other => {
            // The position is part of the error and of its text; it is shown once.
            let (row, col) = (other.pos().row, other.pos().col);
            let sentence = other.to_string();
            let sentence = sentence
                .strip_suffix(&format!(" at {row}:{col}"))
                .unwrap_or(&sentence);
            let message = format!("the file is not well-formed XML: {sentence}");
            let mut errors = Faults::single(text, 0, FormatCode::NotXml, message);
            // Where the file ends too soon, the reader does not say where that is.
            let (line, column) = match other {
                roxmltree::Error::UnexpectedEndOfStream => end_of(text),
                _ => (row, col),
            };
            for error in &mut errors.0 {
                (error.line, error.column) = (line, column);
            }
            errors
        }
    }
}

/// The work of [`read`]: methods note what is wrong and go on.
struct Reader<'d> {
    faults: Faults<'d>,
    tables: Vec<Arc<CodeTable>>,
}

impl<'d> Reader<'d> {
    fn format(&mut self, root: Node<'d, 'd>) -> Option<Format> {
        let name = root.tag_name();
        if name.name() != "document-format" || name.namespace() != Some(XML_NAMESPACE) {
            let message = format!("the root must be document-format in the XML namespace {XML_NAMESPACE}");
            return self.faults.note(root, FormatCode::WrongRoot, message);
        }
        if let Some(deep) = root
            .descendants()
            .filter(Node::is_element)
            .find(|n| n.ancestors().count() > DEEPEST + 1)
        {
            let message = format!("elements are nested deeper than {DEEPEST} levels");
            return self.faults.note(deep, FormatCode::TooComplex, message);
        }
        self.faults.check_attributes(
            root,
            &["name", "version", "doctype", "display-name", "when-disabled"],
        );
        let name = self
            .faults
            .required(root, "name")
            .filter(|name| self.format_name(root, name));
        let version = self.faults.required_text(root, "version", 32);
        let doctype = self.faults.required_name(root, "doctype");
        let display_name = self.faults.required_text(root, "display-name", 150);
        let when_disabled = self.when_disabled(root);
        let children = self
            .faults
            .children(root, &["description", "code-table", "namespace"]);

        // Tables first, because an element may stand before the table that it names.
        for table in children
            .iter()
            .filter(|node| node.has_tag_name((XML_NAMESPACE, "code-table")))
        {
            self.code_table(*table);
        }
        let mut description = None;
        let mut namespaces: Vec<Namespace> = Vec::new();
        for child in children {
            match child.tag_name().name() {
                "description" if description.is_some() => {
                    self.faults.note::<()>(
                        child,
                        FormatCode::Duplicate,
                        "description stands twice".to_owned(),
                    );
                }
                "description" => {
                    self.faults.check_attributes(child, &[]);
                    let text: String = child.children().filter_map(|node| node.text()).collect();
                    let words: Vec<&str> = text.split_whitespace().collect();
                    description = Some(words.join(" "));
                }
                "namespace" => {
                    let namespace = self.namespace(child);
                    if namespaces.iter().any(|known| known.name == namespace.name)
                        && !namespace.name.is_empty()
                    {
                        let message = format!("the namespace {} stands twice", namespace.name);
                        self.faults
                            .note_attribute::<()>(child, "name", FormatCode::Duplicate, message);
                    }
                    namespaces.push(namespace);
                }
                _ => {}
            }
        }
        if namespaces.is_empty() {
            self.faults.note::<()>(
                root,
                FormatCode::Missing,
                "the format has no namespace".to_owned(),
            );
        }
        Some(Format {
            name: name?.to_owned(),
            version: version?.to_owned(),
            display_name: display_name?.to_owned(),
            description,
            doctype: doctype?.to_owned(),
            when_disabled,
            namespaces,
        })
    }

    fn when_disabled(&mut self, root: Node<'d, 'd>) -> WhenDisabled {
        match root.attribute("when-disabled") {
            None | Some("suspended") => WhenDisabled::Suspended,
            Some("revoked") => WhenDisabled::Revoked,
            Some(_) => {
                let message = "when-disabled is suspended or revoked".to_owned();
                self.faults
                    .note_attribute::<()>(root, "when-disabled", FormatCode::BadValue, message);
                WhenDisabled::default()
            }
        }
    }

    /// A name must be usable as a file name and on the command line.
    fn format_name(&mut self, root: Node<'d, 'd>, name: &str) -> bool {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.' | b'_');
        let good = name.len() <= 64
            && name.bytes().all(allowed)
            && name
                .bytes()
                .next()
                .is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if !good {
            let message = "name must be at most 64 lower-case letters, digits, hyphens, dots and underscores, and \
                           begin with a letter or digit";
            self.faults
                .note_attribute::<()>(root, "name", FormatCode::BadValue, message.to_owned());
        }
        good
    }

    fn code_table(&mut self, node: Node<'d, 'd>) {
        self.faults.check_attributes(node, &["name", "open"]);
        let name = self.faults.required_name(node, "name");
        let open = self.faults.flag(node, "open");
        let mut codes: Vec<Code> = Vec::new();
        let mut values = BTreeSet::new();
        for child in self.faults.children(node, &["code"]) {
            self.faults.check_attributes(child, &["value", "label"]);
            self.faults.children(child, &[]);
            let Some(value) = self.faults.required(child, "value") else {
                continue;
            };
            if !values.insert(value) {
                let message = format!("the code {value} stands twice");
                self.faults
                    .note_attribute::<()>(child, "value", FormatCode::Duplicate, message);
            }
            codes.push(Code {
                value: value.to_owned(),
                label: child.attribute("label").map(str::to_owned),
            });
        }
        if codes.is_empty() {
            self.faults
                .note::<()>(node, FormatCode::Missing, "the code table has no code".to_owned());
        }
        let Some(name) = name else { return };
        if CodeTable::built_in(name).is_some() || self.tables.iter().any(|table| table.name == name) {
            let message = format!("there is already a code table {name}");
            self.faults
                .note_attribute::<()>(node, "name", FormatCode::Duplicate, message);
        }
        self.tables
            .push(Arc::new(CodeTable::new(name.to_owned(), open, codes)));
    }

    fn namespace(&mut self, node: Node<'d, 'd>) -> Namespace {
        self.faults.check_attributes(node, &["name"]);
        let name = self
            .faults
            .required_name(node, "name")
            .unwrap_or_default()
            .to_owned();
        let mut elements = Vec::new();
        let mut identifiers: BTreeMap<String, Node<'d, 'd>> = BTreeMap::new();
        let mut nearest_age_set = None;
        for child in self.faults.children(node, &["element"]) {
            if self.faults.is_full() {
                break;
            }
            let (element, names) = self.element(child);
            for name in names {
                if let Some(first) = identifiers.get(&name) {
                    let (line, _) = position(*first);
                    let message = format!("the element {name} stands twice, first in line {line}");
                    self.faults
                        .note_attribute::<()>(child, "identifier", FormatCode::Duplicate, message);
                } else {
                    identifiers.insert(name, child);
                }
            }
            if child.attribute("derive") == Some("nearest-age-set") {
                nearest_age_set = Some(child);
            }
            elements.extend(element);
        }
        if let Some(set) = nearest_age_set {
            self.forbid_other_ages(set, &identifiers);
        }
        if node.children().all(|child| !child.is_element()) {
            self.faults.note::<()>(
                node,
                FormatCode::Missing,
                "the namespace has no element".to_owned(),
            );
        }
        Namespace { name, elements }
    }

    /// Which ages the nearest-age set has is known only with a person's birth date, so no other element may have a
    /// name that it could make.
    fn forbid_other_ages(&mut self, set: Node<'d, 'd>, identifiers: &BTreeMap<String, Node<'d, 'd>>) {
        let template = set.attribute("identifier").unwrap_or_default();
        let Some(prefix) = template.strip_suffix("NN") else {
            return;
        };
        for (name, node) in identifiers.iter().filter(|(_, node)| **node != set) {
            let digits = name.strip_prefix(prefix).unwrap_or_default();
            if digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit()) {
                let message =
                    format!("the element {name} may also be made by the nearest-age-set {template}");
                self.faults
                    .note_attribute::<()>(*node, "identifier", FormatCode::Duplicate, message);
            }
        }
    }

    /// The code table of this name: one of the file, or one that is built in.
    fn table(&self, name: &str) -> Option<Arc<CodeTable>> {
        self.tables
            .iter()
            .find(|table| table.name == name)
            .cloned()
            .or_else(|| CodeTable::built_in(name))
    }
}

#[cfg(test)]
mod tests;
