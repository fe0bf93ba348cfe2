//! What is released, by document: what the holder is shown, and what is sent.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use mdoc_core::present::Match;

use super::{DocumentQuestion, Question};
use crate::reader::Reader;

/// What is asked of one document and what of it is released, whichever requests ask for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Release<'q> {
    /// The type that is asked for.
    pub doc_type: &'q str,
    /// Who ask, each once: what is released goes to all of them. Of a request that is signed several times it is who
    /// [`DocumentQuestion::reader`] says.
    pub readers: Vec<&'q Reader>,
    /// Which of the documents held answers; none if the wallet has no such document.
    pub held: Option<usize>,
    /// The elements that are released, each once, in the order of the requests. If there are none, the document is
    /// not returned.
    pub elements: Vec<Released<'q>>,
    /// Namespace and identifier of those that are asked for, and that no request gets: the document does not have them,
    /// or they are not permitted. Each once.
    pub absent: Vec<(&'q str, &'q str)>,
}

/// An element that is released.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Released<'q> {
    /// The namespace.
    pub name_space: &'q str,
    /// The element.
    pub element: &'q str,
    /// The element itself if it was asked for, otherwise the first `age_over_NN` that it answers.
    pub requested: &'q str,
    /// Whether a verifier means to keep it.
    pub intent_to_retain: bool,
}

impl Question {
    /// What [`Question::answer`] releases with what is left in `found`, by document, in the order in which they are
    /// asked for. This is what the holder has to see: a document that is asked for several times is returned once.
    #[must_use]
    pub fn releases(&self) -> Vec<Release<'_>> {
        let mut documents: Vec<(&DocumentQuestion, Vec<&DocumentQuestion>)> = Vec::new();
        for question in &self.documents {
            let known = documents
                .iter_mut()
                .find(|(first, _)| is_one_document(first, question));
            match known {
                Some((_, asked)) => asked.push(question),
                None => documents.push((question, vec![question])),
            }
        }
        let releases = documents.iter();
        releases.map(|(first, asked)| Release::of(first, asked)).collect()
    }
}

/// Whether two requests ask for one document, or both for one that the wallet does not have.
fn is_one_document(one: &DocumentQuestion, other: &DocumentQuestion) -> bool {
    one.held == other.held && (one.held.is_some() || one.doc_type == other.doc_type)
}

impl<'q> Release<'q> {
    fn of(first: &'q DocumentQuestion, asked: &[&'q DocumentQuestion]) -> Self {
        let mut readers: Vec<&'q Reader> = Vec::new();
        for &question in asked {
            if !readers.contains(&&question.reader) {
                readers.push(&question.reader);
            }
        }
        let mut elements: Vec<Released<'q>> = Vec::new();
        let mut places: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        // What was answered once is not absent, even if another request did not get it.
        let mut told: BTreeSet<(&str, &str)> = BTreeSet::new();
        // What the wallet does not have is not released, whatever is said of it.
        let answering = asked.iter().copied().filter(|question| question.held.is_some());
        for found in answering.flat_map(|question| &question.found) {
            let released = Released::of(found);
            let name_space = released.name_space;
            told.extend([(name_space, released.element), (name_space, released.requested)]);
            match places.entry((name_space, released.element)) {
                Entry::Vacant(place) => {
                    place.insert(elements.len());
                    elements.push(released);
                }
                Entry::Occupied(place) => {
                    if let Some(known) = elements.get_mut(*place.get()) {
                        known.join(released);
                    }
                }
            }
        }
        let absent = asked.iter().copied().flat_map(|question| &question.absent);
        let absent = absent.map(|(name_space, element)| (name_space.as_str(), element.as_str()));
        Self {
            doc_type: &first.doc_type,
            readers,
            held: first.held,
            elements,
            absent: absent.filter(|element| told.insert(*element)).collect(),
        }
    }

    /// Whether the wallet trusts all who ask.
    #[must_use]
    pub fn is_trusted(&self) -> bool {
        let mut readers = self.readers.iter();
        readers.all(|reader| matches!(reader, Reader::Trusted { .. }))
    }
}

impl<'q> Released<'q> {
    fn of(found: &'q Match) -> Self {
        Self {
            name_space: &found.name_space,
            element: &found.released,
            requested: &found.requested,
            intent_to_retain: found.intent_to_retain,
        }
    }

    /// Takes in another request for the same element.
    fn join(&mut self, other: Self) {
        self.intent_to_retain |= other.intent_to_retain;
        if other.requested == other.element {
            self.requested = other.requested;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(requested: &str, released: &str, intent_to_retain: bool) -> Match {
        Match {
            name_space: "ns".to_owned(),
            requested: requested.to_owned(),
            released: released.to_owned(),
            intent_to_retain,
        }
    }

    fn asked(doc_type: &str, held: Option<usize>, found: Vec<Match>, absent: &[&str]) -> DocumentQuestion {
        let absent = absent.iter().map(|name| ("ns".to_owned(), (*name).to_owned()));
        DocumentQuestion {
            doc_type: doc_type.to_owned(),
            reader: Reader::Anonymous,
            held,
            found,
            absent: absent.collect(),
        }
    }

    #[test]
    fn requests_for_one_document_are_one_release_with_each_element_once() {
        let trusted = Reader::Trusted {
            name: "CN=Bar".to_owned(),
            warnings: Vec::new(),
        };
        let mut again = asked(
            "type",
            Some(0),
            vec![found("a", "a", true), found("age_over_18", "age_over_18", false)],
            &["x"],
        );
        again.reader = trusted.clone();
        let question = Question {
            documents: vec![
                asked(
                    "type",
                    Some(0),
                    vec![found("age_over_16", "age_over_18", false), found("a", "a", false)],
                    &["x", "age_over_18"],
                ),
                asked("other", None, Vec::new(), &[]),
                again,
                asked("third", Some(1), Vec::new(), &["x"]),
                asked("other", None, Vec::new(), &[]),
            ],
        };
        let releases = question.releases();
        let types: Vec<_> = releases.iter().map(|one| (one.doc_type, one.held)).collect();
        assert_eq!(types, [("type", Some(0)), ("other", None), ("third", Some(1))]);
        let element = |element, intent_to_retain| Released {
            name_space: "ns",
            element,
            requested: element,
            intent_to_retain,
        };
        let expected = [element("age_over_18", false), element("a", true)];
        assert_eq!(releases[0].elements, expected);
        assert_eq!(releases[0].absent, [("ns", "x")], "age_over_18 is released");
        assert_eq!(releases[0].readers, [&Reader::Anonymous, &trusted]);
        assert!(!releases[0].is_trusted());
        assert_eq!(releases[1].readers, [&Reader::Anonymous]);
        assert!(releases[1].elements.is_empty() && releases[1].absent.is_empty());
        assert_eq!(releases[2].absent, [("ns", "x")]);
    }

    #[test]
    fn of_a_document_that_is_not_held_nothing_is_released() {
        let question = Question {
            documents: vec![asked("type", None, vec![found("a", "a", true)], &["b"])],
        };
        let releases = question.releases();
        assert!(releases[0].elements.is_empty());
        assert_eq!(releases[0].absent, [("ns", "b")]);
    }

    #[test]
    fn what_an_element_is_released_instead_of_is_kept() {
        let two = vec![
            found("age_over_16", "age_over_18", false),
            found("age_over_17", "age_over_18", true),
        ];
        let question = Question {
            documents: vec![asked("type", Some(0), two, &[])],
        };
        let expected = Released {
            name_space: "ns",
            element: "age_over_18",
            requested: "age_over_16",
            intent_to_retain: true,
        };
        assert_eq!(question.releases()[0].elements, [expected]);
    }
}
