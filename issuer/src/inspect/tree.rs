//! What is shown: a tree that people read, and the JSON that programs read.

use std::borrow::Cow;

use serde_json::{Map, Value as Json};

/// One thing with a name: a value, or more things below.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The name, in the words of the standard.
    pub name: String,
    /// What people see beside the name.
    pub text: String,
    /// A plain remark that follows it: `expired 3 days ago`.
    pub remark: Option<String>,
    /// What is wrong here.
    pub fault: Option<String>,
    /// What programs see; none if that follows from what is below.
    pub json: Option<Json>,
    /// What is below.
    pub children: Vec<Self>,
    /// Whether what is below is a list rather than named members.
    pub list: bool,
}

impl Node {
    /// A value that is the same for people and programs.
    pub(crate) fn text(name: impl Into<String>, text: impl ToString) -> Self {
        let text = text.to_string();
        let json = Json::from(text.as_str());
        Self::value(name, text, json)
    }

    /// A value.
    pub(crate) fn value(name: impl Into<String>, text: impl Into<String>, json: impl Into<Json>) -> Self {
        Self {
            name: name.into(),
            text: text.into(),
            remark: None,
            fault: None,
            json: Some(json.into()),
            children: Vec::new(),
            list: false,
        }
    }

    /// Named members.
    pub(crate) fn group(name: impl Into<String>, children: Vec<Self>) -> Self {
        Self {
            json: None,
            children,
            ..Self::value(name, "", Json::Null)
        }
    }

    /// A list; the names of its children are for people only.
    pub(crate) fn list(name: impl Into<String>, children: Vec<Self>) -> Self {
        Self {
            list: true,
            ..Self::group(name, children)
        }
    }

    /// Something that cannot be read; programs see `null` and the fault.
    pub(crate) fn fault(name: impl Into<String>, fault: impl ToString) -> Self {
        Self {
            fault: Some(fault.to_string()),
            ..Self::value(name, "", Json::Null)
        }
    }

    pub(crate) fn remark(mut self, remark: Option<impl Into<String>>) -> Self {
        self.remark = remark.map(Into::into);
        self
    }

    pub(crate) fn with_fault(mut self, fault: impl ToString) -> Self {
        self.fault = Some(fault.to_string());
        self
    }

    pub(crate) fn summary(mut self, text: impl Into<String>) -> Self {
        self.text = text.into();
        self
    }

    /// The node for programs.
    #[must_use]
    pub fn to_json(&self) -> Json {
        match &self.json {
            Some(json) => json.clone(),
            None => children_to_json(&self.children, self.list),
        }
    }
}

/// The children for programs, as a list or as members.
pub(crate) fn children_to_json(children: &[Node], list: bool) -> Json {
    if list {
        children.iter().map(Node::to_json).collect()
    } else {
        let members = children.iter().map(|child| (child.name.clone(), child.to_json()));
        Json::Object(members.collect::<Map<_, _>>())
    }
}

/// Most faults that are listed; every one of them is in its place in the text.
pub const MOST_FAULTS: usize = 1_000;

/// Longest name in the path to a fault, in characters: names are of any length, and stand in many paths.
const LONGEST_IN_PATH: usize = 100;

/// The first [`MOST_FAULTS`] faults of a tree, each with the path to it.
pub(crate) fn faults(nodes: &[Node]) -> Vec<(String, String)> {
    fn collect<'n>(nodes: &'n [Node], above: &mut Vec<&'n str>, faults: &mut Vec<(String, String)>) {
        for node in nodes {
            if faults.len() == MOST_FAULTS {
                return;
            }
            above.push(&node.name);
            if let Some(fault) = &node.fault {
                faults.push((path(above), fault.clone()));
            }
            collect(&node.children, above, faults);
            above.pop();
        }
    }
    let mut found = Vec::new();
    collect(nodes, &mut Vec::new(), &mut found);
    found
}

/// How many faults a tree has.
pub(crate) fn count(nodes: &[Node]) -> usize {
    let of = |node: &Node| usize::from(node.fault.is_some()) + count(&node.children);
    nodes.iter().map(of).sum()
}

fn path(names: &[&str]) -> String {
    let names: Vec<_> = names.iter().map(|name| shortened(name)).collect();
    names.join("/")
}

fn shortened(name: &str) -> Cow<'_, str> {
    match name.char_indices().nth(LONGEST_IN_PATH) {
        Some((end, _)) => Cow::Owned(format!("{}…", name.get(..end).unwrap_or(name))),
        None => Cow::Borrowed(name),
    }
}

/// Names beside each other are as wide as this at most.
const WIDEST: usize = 28;

/// The tree for people, two spaces a level.
pub(crate) fn render(nodes: &[Node], level: usize, out: &mut String) {
    let names: Vec<String> = nodes.iter().map(|node| one_line(&node.name)).collect();
    let plain = nodes
        .iter()
        .zip(&names)
        .filter(|(node, _)| !node.text.is_empty() || node.fault.is_some());
    let width = plain
        .map(|(_, name)| name.chars().count())
        .filter(|width| *width <= WIDEST)
        .max()
        .unwrap_or(0);
    for (node, name) in nodes.iter().zip(&names) {
        let mut line = format!("{}{name}", "  ".repeat(level));
        let mut parts = Vec::new();
        if !node.text.is_empty() {
            parts.push(one_line(&node.text));
        }
        if let Some(remark) = &node.remark {
            parts.push(format!("({})", one_line(remark)));
        }
        if let Some(fault) = &node.fault {
            parts.push(format!("FAULT: {}", one_line(fault)));
        }
        if !parts.is_empty() {
            let padding = width.saturating_sub(name.chars().count());
            line.push_str(&" ".repeat(padding + 2));
            line.push_str(&parts.join(" "));
        }
        out.push_str(&line);
        out.push('\n');
        render(&node.children, level + 1, out);
    }
}

/// Text of others on one line: with a line break in it, it could pass for something that we say.
fn one_line(text: &str) -> String {
    text.chars().fold(String::new(), |mut line, c| {
        match c {
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => line.extend(c.escape_default()),
            c => line.push(c),
        }
        line
    })
}
