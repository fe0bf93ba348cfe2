//! Lists of texts in JSON of which no more are kept than may be there.

use core::fmt;

use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// Texts, `MOST` of them at most: of a list with more nothing is kept beyond them, so that millions of empty texts cost
/// no memory.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(transparent)]
pub(super) struct AtMost<const MOST: usize> {
    kept: Vec<String>,
    #[serde(skip)]
    more: bool,
}

impl<const MOST: usize> AtMost<MOST> {
    /// The texts, if there are no more than may be.
    pub(super) fn all(self) -> Option<Vec<String>> {
        (!self.more).then_some(self.kept)
    }

    /// The same, borrowed.
    pub(super) fn as_slice(&self) -> Option<&[String]> {
        (!self.more).then_some(&self.kept)
    }
}

impl<const MOST: usize> FromIterator<String> for AtMost<MOST> {
    fn from_iter<I: IntoIterator<Item = String>>(texts: I) -> Self {
        Self {
            kept: texts.into_iter().collect(),
            more: false,
        }
    }
}

impl<'de, const MOST: usize> Deserialize<'de> for AtMost<MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Texts)
    }
}

struct Texts<const MOST: usize>;

impl<'de, const MOST: usize> Visitor<'de> for Texts<MOST> {
    type Value = AtMost<MOST>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of texts")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut texts: A) -> Result<Self::Value, A::Error> {
        let mut all = AtMost::default();
        while all.kept.len() < MOST {
            match texts.next_element()? {
                Some(text) => all.kept.push(text),
                None => return Ok(all),
            }
        }
        while texts.next_element::<IgnoredAny>()?.is_some() {
            all.more = true;
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_as_may_be_are_kept_and_of_more_none_beyond() {
        let read = |json: &str| serde_json::from_str::<AtMost<2>>(json).unwrap();
        assert_eq!(
            read(r#"["a", "b"]"#).all(),
            Some(vec!["a".to_owned(), "b".to_owned()])
        );
        let more = read(r#"["a", "b", "c", "d"]"#);
        assert_eq!((more.kept.len(), more.as_slice()), (2, None));
        assert!(serde_json::from_str::<AtMost<2>>(r#"["a", 1]"#).is_err());
    }
}
