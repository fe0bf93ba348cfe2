//! Formats in words: the types with their limits, and where values come from.

use super::derive::Derivation;
use super::types::{Charset, DEFAULT_MAX_LENGTH, TextRules, ValueType};
use super::{Element, Origin};

/// Where the value of an element comes from; `None` if it is the user data under the element's own name.
#[must_use]
pub fn origin(element: &Element) -> Option<String> {
    match &element.origin {
        Origin::Data(path) => {
            let path = path.to_string();
            (path != element.identifier).then(|| format!("from {path}"))
        }
        Origin::Derived {
            derivation,
            overridable,
            ..
        } => {
            let or = if *overridable {
                ", or from the user data"
            } else {
                ""
            };
            Some(format!("{}{or}", rule(derivation)))
        }
    }
}

fn rule(derivation: &Derivation) -> String {
    match derivation {
        Derivation::AgeOverSet(ages) => {
            let ages: Vec<String> = ages.iter().map(ToString::to_string).collect();
            format!("derived: over {}", ages.join(", "))
        }
        Derivation::Constant(value) => format!("always {value}"),
        Derivation::Expiry(lifetime) => format!("derived: issue date plus {lifetime}"),
        other => format!("derived: {}", other.name()),
    }
}

/// A type with its limits, on one line.
#[must_use]
pub fn value_type(value_type: &ValueType) -> String {
    let name = value_type.name();
    match value_type {
        ValueType::Text(rules) => {
            let limits = text_limits(rules);
            if limits.is_empty() {
                name.to_owned()
            } else {
                format!("{name} ({})", limits.join(", "))
            }
        }
        ValueType::Bytes(rules) => {
            let mut limits = Vec::new();
            if !rules.images.is_empty() {
                let images: Vec<String> = rules.images.iter().map(ToString::to_string).collect();
                limits.push(images.join(" or "));
            }
            limits.push(format!("up to {} bytes", rules.max_bytes));
            if rules.allow_empty {
                limits.push("may be empty".to_owned());
            }
            format!("{name} ({})", limits.join(", "))
        }
        ValueType::Uint(rules) => match (&rules.codes, rules.max) {
            (Some(codes), _) => format!("{name} (code of {})", codes.name),
            (None, u64::MAX) => format!("{name} (from {})", rules.min),
            (None, max) => format!("{name} ({} to {max})", rules.min),
        },
        ValueType::Array(rules) => format!(
            "{name} of {} to {} {}",
            rules.min_items,
            rules.max_items,
            self::value_type(&rules.item)
        ),
        ValueType::Map(rules) => {
            let members: Vec<String> = rules
                .members
                .iter()
                .map(|member| {
                    let optional = if member.required { "" } else { "?" };
                    format!("{}{optional}", member.name)
                })
                .collect();
            format!("{name} {{{}}}", members.join(", "))
        }
        _ => name.to_owned(),
    }
}

fn text_limits(rules: &TextRules) -> Vec<String> {
    let mut limits = Vec::new();
    if let Some(codes) = &rules.codes {
        limits.push(format!("code of {}", codes.name));
    } else if rules.max_length < DEFAULT_MAX_LENGTH {
        limits.push(format!("{} to {} characters", rules.min_length, rules.max_length));
    }
    if rules.charset == Charset::Latin1 {
        limits.push("Latin-1".to_owned());
    }
    if let Some(pattern) = &rules.pattern {
        limits.push(format!("matching {}", pattern.source()));
    }
    limits
}
