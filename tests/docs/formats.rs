//! docs/document-formats.md: every shipped format with its elements and codes.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use mdoc_issuer::format::codes::CodeTable;
use mdoc_issuer::format::types::ValueType;
use mdoc_issuer::format::{Catalogue, Format, describe};

fn document_formats() -> String {
    let mut out = String::from(
        "# The shipped document formats\n\n\
         Generated from the format files by `UPDATE_DOCS=1 cargo test -p integration document_formats`; do not edit.\n\n\
         What each format puts into a document, and what it wants to know for it. A format is a file, no program: how\n\
         to write one of your own is told in `document-formats/README.md`. `mdoc-issuer format show NAME` prints one of\n\
         these tables, `mdoc-issuer format sample NAME` data of a person who does not exist.\n\n\
         | Format | Document | docType | Elements, required |\n|---|---|---|---|\n",
    );
    let catalogue = Catalogue::shipped();
    let formats: Vec<&Format> = catalogue.entries().iter().map(|entry| &entry.format).collect();
    for format in &formats {
        let required = format.elements().filter(|(_, element)| element.required).count();
        let _ = writeln!(
            out,
            "| [{0}](#{0}) | {1} | `{2}` | {3}, {required} |",
            format.name,
            format.display_name,
            format.doctype,
            format.elements().count(),
        );
    }
    let mut shared = BTreeMap::new();
    for format in formats {
        let tables = section(&mut out, format);
        shared.extend(tables.into_iter().filter(is_built_in));
    }
    out.push_str("\n## Tables that are built in\n");
    shared.values().for_each(|table| list(&mut out, table));
    out
}

/// Countries and their signs, which every format may refer to.
fn is_built_in((name, _): &(String, CodeTable)) -> bool {
    ["country", "un-distinguishing-sign"].contains(&name.as_str())
}

fn section(out: &mut String, format: &Format) -> BTreeMap<String, CodeTable> {
    let _ = write!(
        out,
        "\n## {}\n\n{}, docType `{}`.",
        format.name, format.display_name, format.doctype
    );
    for line in format.description.iter().flat_map(|text| wrapped(text)) {
        let _ = write!(out, "\n{line}");
    }
    out.push('\n');
    let mut tables = BTreeMap::new();
    for namespace in &format.namespaces {
        let _ = write!(
            out,
            "\n### `{}`\n\n| Element | | Type and limits | Value |\n|---|---|---|---|\n",
            namespace.name
        );
        for element in &namespace.elements {
            codes(&element.value_type, &mut tables);
            let required = if element.required { "required" } else { "" };
            let origin = describe::origin(element).unwrap_or_default();
            let _ = writeln!(
                out,
                "| `{}` | {required} | {} | {} |",
                element.identifier,
                cell(&describe::value_type(&element.value_type)),
                cell(&origin)
            );
        }
    }
    for entry in tables.clone().into_iter().filter(|entry| !is_built_in(entry)) {
        list(out, &entry.1);
    }
    tables
}

fn list(out: &mut String, table: &CodeTable) {
    let values: Vec<String> = table
        .codes
        .iter()
        .map(|code| match &code.label {
            Some(label) if *label != code.value => format!("`{}` {label}", code.value),
            _ => format!("`{}`", code.value),
        })
        .collect();
    let open = if table.open {
        " (others with a warning)"
    } else {
        ""
    };
    let _ = write!(out, "\nCodes of *{}*{open}:", table.name);
    for line in wrapped(&values.join("; ")) {
        let _ = write!(out, "\n{line}");
    }
    out.push_str(".\n");
}

/// The tables that a type refers to, with those of its items and members.
fn codes(value_type: &ValueType, tables: &mut BTreeMap<String, CodeTable>) {
    let table = match value_type {
        ValueType::Text(rules) => &rules.codes,
        ValueType::Uint(rules) => &rules.codes,
        ValueType::Array(rules) => return codes(&rules.item, tables),
        ValueType::Map(rules) => {
            return rules
                .members
                .iter()
                .for_each(|member| codes(&member.value_type, tables));
        }
        _ => return,
    };
    if let Some(table) = table {
        tables.insert(table.name.clone(), table.as_ref().clone());
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.last_mut().unwrap();
        if last.len() + word.len() > 118 {
            lines.push(word.to_owned());
        } else {
            if !last.is_empty() {
                last.push(' ');
            }
            last.push_str(word);
        }
    }
    lines
}

#[test]
fn document_formats_are_documented_as_they_are() {
    super::current(Path::new("document-formats.md"), &document_formats());
}
