//! What a value may be: the types that a format can name, each with its limits.

use core::fmt;
use std::sync::Arc;

use regex_lite::{Regex, RegexBuilder};

use crate::format::codes::CodeTable;
use crate::photo::ImageKind;

/// Longest text of an element for which the format states no limit, in characters.
pub const DEFAULT_MAX_LENGTH: usize = 10_000;
/// Most bytes of a `bstr` for which the format states no limit.
pub const DEFAULT_MAX_BYTES: usize = 1024 * 1024;
/// Most items of an array for which the format states no limit.
pub const DEFAULT_MAX_ITEMS: usize = 100;

/// The type of a value and its limits.
#[derive(Debug, Clone, PartialEq)]
pub enum ValueType {
    /// `tstr`: text.
    Text(TextRules),
    /// `full-date`: a date, tag 1004.
    FullDate,
    /// `tdate`: a date and time in UTC, tag 0.
    Tdate,
    /// `tdate-or-full-date`: either; the user data decide by how they write it.
    TdateOrFullDate,
    /// `bstr`: bytes, for example a portrait.
    Bytes(BytesRules),
    /// `uint`: a whole number that is not negative.
    Uint(UintRules),
    /// `bool`: true or false.
    Bool,
    /// `array`: values of one type.
    Array(ArrayRules),
    /// `map`: named members, each with its type.
    Map(MapRules),
}

impl ValueType {
    /// The names of all types in format files.
    pub const NAMES: [&'static str; 10] = [
        "tstr",
        "full-date",
        "tdate",
        "tdate-or-full-date",
        "bstr",
        "uint",
        "bool",
        "array",
        "map",
        "driving-privileges",
    ];

    /// The name of this type in format files.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Text(_) => "tstr",
            Self::FullDate => "full-date",
            Self::Tdate => "tdate",
            Self::TdateOrFullDate => "tdate-or-full-date",
            Self::Bytes(_) => "bstr",
            Self::Uint(_) => "uint",
            Self::Bool => "bool",
            Self::Array(_) => "array",
            Self::Map(_) => "map",
        }
    }

    /// What the user data must hold, in the words of an error message.
    #[must_use]
    pub const fn expected(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::FullDate => "a date written YYYY-MM-DD",
            Self::Tdate => "a date and time written YYYY-MM-DDThh:mm:ssZ",
            Self::TdateOrFullDate => "a date written YYYY-MM-DD or YYYY-MM-DDThh:mm:ssZ",
            Self::Bytes(_) => "base64 text",
            Self::Uint(_) => "a whole number",
            Self::Bool => "true or false",
            Self::Array(_) => "a list",
            Self::Map(_) => "an object with named members",
        }
    }

    /// The `driving_privileges` of the mDL: an array of maps that may be empty.
    ///
    /// Source: ISO/IEC 18013-5:2021, data model of the mDL, `DrivingPrivileges`.
    #[must_use]
    pub fn driving_privileges() -> Self {
        let text = || {
            Self::Text(TextRules {
                min_length: 1,
                max_length: 150,
                ..TextRules::default()
            })
        };
        let member = |name: &str, required, value_type| Member {
            name: name.to_owned(),
            required,
            value_type,
        };
        let code = Self::Map(MapRules {
            members: vec![
                member("code", true, text()),
                member("sign", false, text()),
                member("value", false, text()),
            ],
            min_members: 0,
        });
        let codes = Self::Array(ArrayRules {
            item: Box::new(code),
            min_items: 1,
            max_items: DEFAULT_MAX_ITEMS,
        });
        let privilege = Self::Map(MapRules {
            members: vec![
                member("vehicle_category_code", true, text()),
                member("issue_date", false, Self::FullDate),
                member("expiry_date", false, Self::FullDate),
                member("codes", false, codes),
            ],
            min_members: 0,
        });
        Self::Array(ArrayRules {
            item: Box::new(privilege),
            min_items: 0,
            max_items: DEFAULT_MAX_ITEMS,
        })
    }
}

/// Which characters a text may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Charset {
    /// All of Unicode, except control characters other than the line feed.
    #[default]
    Unicode,
    /// The graphic characters of ISO/IEC 8859-1.
    Latin1,
}

impl Charset {
    /// Whether every character of `text` belongs to this set.
    #[must_use]
    pub fn holds(self, text: &str) -> bool {
        text.chars().all(|c| match self {
            Self::Unicode => !c.is_control() || c == '\n',
            Self::Latin1 => !c.is_control() && u32::from(c) <= 0xff,
        })
    }
}

/// Limits of a text.
#[derive(Debug, Clone, PartialEq)]
pub struct TextRules {
    /// Fewest characters.
    pub min_length: usize,
    /// Most characters.
    pub max_length: usize,
    /// The characters that are allowed.
    pub charset: Charset,
    /// What the whole text must match.
    pub pattern: Option<Pattern>,
    /// The table that the text must stand in.
    pub codes: Option<Arc<CodeTable>>,
}

impl Default for TextRules {
    fn default() -> Self {
        Self {
            min_length: 0,
            max_length: DEFAULT_MAX_LENGTH,
            charset: Charset::default(),
            pattern: None,
            codes: None,
        }
    }
}

/// Limits of a byte string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BytesRules {
    /// Most bytes.
    pub max_bytes: usize,
    /// The kinds of image it must be one of; any bytes will do if empty.
    pub images: Vec<ImageKind>,
    /// Whether no bytes at all are a value, too.
    pub allow_empty: bool,
}

/// Limits of a number.
#[derive(Debug, Clone, PartialEq)]
pub struct UintRules {
    /// Smallest value.
    pub min: u64,
    /// Largest value.
    pub max: u64,
    /// The table that the number, written in decimal, must stand in.
    pub codes: Option<Arc<CodeTable>>,
}

/// The type of the items of an array, and how many there may be.
#[derive(Debug, Clone, PartialEq)]
pub struct ArrayRules {
    /// The type of every item.
    pub item: Box<ValueType>,
    /// Fewest items.
    pub min_items: usize,
    /// Most items.
    pub max_items: usize,
}

/// The members of a map, in the order in which they are written.
#[derive(Debug, Clone, PartialEq)]
pub struct MapRules {
    /// What may be in the map; anything else is an error.
    pub members: Vec<Member>,
    /// How many of the members must be there, whichever they are.
    pub min_members: usize,
}

/// A named member of a map.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// The key, a text.
    pub name: String,
    /// Whether every map must have it.
    pub required: bool,
    /// The type of its value.
    pub value_type: ValueType,
}

/// A regular expression that a whole text must match.
#[derive(Clone)]
pub struct Pattern {
    source: String,
    regex: Regex,
}

impl Pattern {
    /// Longest expression, in bytes.
    pub const LONGEST: usize = 256;

    /// Compiles an expression in the syntax of the crate `regex-lite`; it is anchored at both ends.
    ///
    /// Matching takes time linear in the text, whatever the expression.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the expression.
    pub fn new(source: &str) -> Result<Self, String> {
        if source.len() > Self::LONGEST {
            return Err(format!("it is longer than {} bytes", Self::LONGEST));
        }
        // Alone first: `a)|(b` would become valid between the parentheses below.
        Self::compile(source)?;
        let regex = Self::compile(&format!("^(?:{source})$"))?;
        Ok(Self {
            source: source.to_owned(),
            regex,
        })
    }

    fn compile(source: &str) -> Result<Regex, String> {
        RegexBuilder::new(source)
            .size_limit(256 * 1024)
            .nest_limit(20)
            .build()
            .map_err(|error| error.to_string())
    }

    /// Whether the whole text matches.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// The expression as it was written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pattern").field(&self.source).finish()
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_anchored_and_bounded() {
        let pattern = Pattern::new("[A-Z]{2}|x").unwrap();
        for (text, matches) in [
            ("NL", true),
            ("x", true),
            ("NLD", false),
            ("aNL", false),
            ("", false),
            ("NL\n", false),
        ] {
            assert_eq!(pattern.matches(text), matches, "{text:?}");
        }
        for bad in [
            "[",
            "a)|(b",
            "(?:a{1000}){1000}",
            &"(".repeat(100),
            &"a".repeat(300),
        ] {
            assert!(Pattern::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn latin_1_has_no_control_characters_and_nothing_above_ff() {
        assert!(Charset::Latin1.holds("Müller-Ångström ÿ"));
        for bad in ["Łukasz", "a\u{85}b", "a\nb", "日本"] {
            assert!(!Charset::Latin1.holds(bad), "{bad:?}");
        }
        assert!(Charset::Unicode.holds("日本\nline two"));
        assert!(!Charset::Unicode.holds("a\0b"));
    }
}
