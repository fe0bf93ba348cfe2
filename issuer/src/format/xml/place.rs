//! Where in the file something stands, and what is wrong there.

use roxmltree::{Attribute, Document, Node};

use crate::format::error::{FormatCode, FormatError, FormatErrors};
use crate::format::more::More;
use mdoc_cli::nearest::nearest;

/// The XML namespace of `schemaLocation`, which editors put on the root.
const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";
/// Longest docType, namespace, identifier or name of a member, in characters.
const LONGEST_NAME: usize = 128;

/// Longest sentence about a fault, in characters: it may quote the file.
const LONGEST_MESSAGE: usize = 400;
/// Most faults that are kept before sorting; of these [`FormatErrors::MOST`] are reported.
const MOST_NOTED: usize = 2 * FormatErrors::MOST;

/// Line and column of a node.
pub(crate) fn position(node: Node<'_, '_>) -> (u32, u32) {
    let at = node.document().text_pos_at(node.range().start);
    (at.row, at.col)
}

/// Reads attributes and children, and collects what is wrong with them.
pub(crate) struct Faults<'d> {
    document: &'d Document<'d>,
    namespace: &'static str,
    errors: Vec<FormatError>,
}

impl<'d> Faults<'d> {
    /// `namespace` is the XML namespace that all elements of the file must have.
    pub(crate) const fn new(document: &'d Document<'d>, namespace: &'static str) -> Self {
        Self {
            document,
            namespace,
            errors: Vec::new(),
        }
    }

    /// The only fault of a file that could not be read as XML; `at` is a byte of `text`.
    pub(crate) fn single(text: &str, at: usize, code: FormatCode, message: String) -> FormatErrors {
        let before = text.get(..at).unwrap_or_default();
        let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        FormatErrors(vec![FormatError {
            line: number(line),
            column: number(column),
            path: String::new(),
            code,
            message,
        }])
    }

    /// The value, unless something is wrong with the file.
    pub(crate) fn into_result<T>(mut self, value: Option<T>) -> Result<T, FormatErrors> {
        match value {
            Some(value) if self.errors.is_empty() => Ok(value),
            _ => {
                let full = self.is_full();
                self.errors.sort_by_key(|error| (error.line, error.column));
                let told = self.errors.len().min(FormatErrors::MOST);
                let others = self.errors.split_off(told);
                if let Some(first) = others.first() {
                    let more = if full {
                        More::Uncounted
                    } else {
                        More::Counted(others.len())
                    };
                    self.errors.push(FormatError {
                        line: first.line,
                        column: first.column,
                        path: String::new(),
                        code: FormatCode::More(more),
                        message: more.to_string(),
                    });
                }
                Err(FormatErrors(self.errors))
            }
        }
    }

    /// Whether there are so many faults that looking for more is a waste of time.
    pub(crate) fn is_full(&self) -> bool {
        self.errors.len() >= MOST_NOTED
    }

    /// How many faults there are so far.
    pub(crate) fn count(&self) -> usize {
        self.errors.len()
    }

    /// Notes a fault at the beginning of a node.
    pub(crate) fn note<T>(&mut self, node: Node<'d, 'd>, code: FormatCode, message: String) -> Option<T> {
        self.note_at(node, node.range().start, code, message)
    }

    /// Notes a fault at an attribute, or at its node if it is not there.
    pub(crate) fn note_attribute<T>(
        &mut self,
        node: Node<'d, 'd>,
        name: &str,
        code: FormatCode,
        message: String,
    ) -> Option<T> {
        let at = node
            .attribute_node(name)
            .map_or(node.range().start, |attribute| attribute.range().start);
        self.note_at(node, at, code, message)
    }

    fn note_at<T>(&mut self, node: Node<'d, 'd>, at: usize, code: FormatCode, message: String) -> Option<T> {
        if self.is_full() {
            return None;
        }
        let place = self.document.text_pos_at(at);
        let path = path_of(node);
        let message = short(&message, LONGEST_MESSAGE);
        self.errors.push(FormatError {
            line: place.row,
            column: place.col,
            path,
            code,
            message,
        });
        None
    }

    /// Notes every attribute that is not one of `known`.
    pub(crate) fn check_attributes(&mut self, node: Node<'d, 'd>, known: &[&str]) {
        let foreign = |a: &Attribute<'_, '_>| {
            a.namespace()
                .is_some_and(|n| n == XSI || n.ends_with("/XML/1998/namespace"))
        };
        for attribute in node.attributes() {
            let name = attribute.name();
            if foreign(&attribute) || (attribute.namespace().is_none() && known.contains(&name)) {
                continue;
            }
            let mut message = format!("{} has no attribute {name}", node.tag_name().name());
            if let Some(meant) = nearest(name, known.iter().copied()) {
                message.push_str(&format!(", did you mean {meant}?"));
            }
            self.note_at::<()>(
                node,
                attribute.range().start,
                FormatCode::UnknownAttribute,
                message,
            );
        }
    }

    /// The children of a node that are one of `known`; everything else in it is noted.
    pub(crate) fn children(&mut self, node: Node<'d, 'd>, known: &[&str]) -> Vec<Node<'d, 'd>> {
        let mut children = Vec::new();
        for child in node.children() {
            let text = if child.is_text() {
                child.text().unwrap_or_default()
            } else {
                ""
            };
            if !text.trim().is_empty() {
                let message = format!("there must be no text in {}", node.tag_name().name());
                let blank = text.len() - text.trim_start().len();
                self.note_at::<()>(
                    child,
                    child.range().start + blank,
                    FormatCode::UnexpectedText,
                    message,
                );
            }
            if !child.is_element() {
                continue;
            }
            let name = child.tag_name();
            if name.namespace() == Some(self.namespace) && known.contains(&name.name()) {
                children.push(child);
                continue;
            }
            let mut message = format!("{} does not belong in {}", name.name(), node.tag_name().name());
            if name.namespace() != Some(self.namespace) {
                message = format!("{} is not in the XML namespace {}", name.name(), self.namespace);
            } else if let Some(meant) = nearest(name.name(), known.iter().copied()) {
                message.push_str(&format!(", did you mean {meant}?"));
            }
            self.note::<()>(child, FormatCode::UnknownElement, message);
        }
        children
    }

    /// An attribute that must be there and not be empty.
    pub(crate) fn required(&mut self, node: Node<'d, 'd>, name: &str) -> Option<&'d str> {
        match node.attribute(name) {
            None => {
                let message = format!("{} needs the attribute {name}", node.tag_name().name());
                self.note(node, FormatCode::Missing, message)
            }
            Some("") => self.note_attribute(
                node,
                name,
                FormatCode::BadValue,
                format!("{name} must not be empty"),
            ),
            text => text,
        }
    }

    /// A text for people that must be there.
    pub(crate) fn required_text(
        &mut self,
        node: Node<'d, 'd>,
        name: &str,
        longest: usize,
    ) -> Option<&'d str> {
        let text = self.required(node, name)?;
        if text.chars().count() > longest {
            let message = format!("{name} is longer than {longest} characters");
            return self.note_attribute(node, name, FormatCode::BadValue, message);
        }
        Some(text)
    }

    /// A name that programs compare: no blanks, no control characters, not too long.
    pub(crate) fn required_name(&mut self, node: Node<'d, 'd>, name: &str) -> Option<&'d str> {
        let text = self.required(node, name)?;
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) || text.chars().count() > LONGEST_NAME {
            let message = format!("{name} must be at most {LONGEST_NAME} characters and have no blanks");
            return self.note_attribute(node, name, FormatCode::BadValue, message);
        }
        Some(text)
    }

    /// `true` or `false`; false if the attribute is not there.
    pub(crate) fn flag(&mut self, node: Node<'d, 'd>, name: &str) -> bool {
        match node.attribute(name) {
            None | Some("false" | "0") => false,
            Some("true" | "1") => true,
            Some(_) => {
                let message = format!("{name} must be true or false");
                self.note_attribute::<()>(node, name, FormatCode::BadValue, message);
                false
            }
        }
    }

    /// A whole number; `default` if the attribute is not there.
    pub(crate) fn number(&mut self, node: Node<'d, 'd>, name: &str, default: u64) -> u64 {
        let Some(text) = node.attribute(name) else {
            return default;
        };
        let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        text.parse().ok().filter(|_| plain).unwrap_or_else(|| {
            let message = format!("{name} must be a whole number");
            self.note_attribute::<()>(node, name, FormatCode::BadValue, message);
            default
        })
    }

    /// A pair of limits; notes if the lower one is above the upper one.
    pub(crate) fn limits(
        &mut self,
        node: Node<'d, 'd>,
        names: (&str, &str),
        defaults: (u64, u64),
    ) -> (u64, u64) {
        let min = self.number(node, names.0, defaults.0);
        let max = self.number(node, names.1, defaults.1.max(min));
        if min > max {
            let message = format!("{} is larger than {}", names.0, names.1);
            self.note_attribute::<()>(node, names.0, FormatCode::BadValue, message);
        }
        (min, max)
    }
}

/// The elements around a node, with their names in brackets, outermost first.
fn path_of(node: Node<'_, '_>) -> String {
    let mut steps: Vec<String> = node
        .ancestors()
        .filter(Node::is_element)
        .map(|element| {
            let name = element.tag_name().name();
            let key = match name {
                "element" => element.attribute("identifier"),
                "namespace" | "code-table" | "member" => element.attribute("name"),
                "code" => element.attribute("value"),
                _ => None,
            };
            let name = short(name, LONGEST_NAME);
            match key {
                Some(key) => format!("{name}[{}]", short(key, LONGEST_NAME)),
                None => name,
            }
        })
        .take(20)
        .collect();
    steps.reverse();
    steps.join("/")
}

/// The beginning of a text that came from the file.
fn short(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
