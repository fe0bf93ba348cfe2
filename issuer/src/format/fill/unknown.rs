//! What is in a person's data and no element reads.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::convert::{Converter, kind_of};
use super::error::FillProblem;
use super::{BIRTH_DATE, needs_birth_date};
use crate::format::derive::set_identifier;
use crate::format::{Format, Origin};

/// A place in the data that elements are read from, or that leads to such places: all paths of a format in one tree, so
/// that a name of the data is looked up once, however many elements there are.
#[derive(Default)]
pub(super) struct Known<'p> {
    /// Whether a value may stand here, and not only members that lead further.
    read: bool,
    below: BTreeMap<Cow<'p, str>, Self>,
}

impl<'p> Known<'p> {
    /// What a format reads of the data of a person of this age.
    pub(super) fn of(format: &'p Format, age: u16) -> Self {
        let mut known = Self::default();
        let (mut needed, mut there) = (false, false);
        for (_, element) in format.elements() {
            match &element.origin {
                Origin::Derived { derivation, .. } if derivation.is_set() => {
                    for nn in derivation.ages(age) {
                        let name: Cow<'p, str> = Cow::Owned(set_identifier(&element.identifier, nn));
                        known.add([name]);
                    }
                }
                _ => {
                    let names = element.path().names().iter();
                    known.add(names.map(|name| Cow::Borrowed(name.as_str())));
                }
            }
            needed |= needs_birth_date(element);
            there |= element.identifier == BIRTH_DATE;
        }
        if needed && !there {
            known.add([Cow::Borrowed(BIRTH_DATE)]);
        }
        known
    }

    fn add(&mut self, path: impl IntoIterator<Item = Cow<'p, str>>) {
        let mut place = self;
        for name in path {
            place = place.below.entry(name).or_default();
        }
        place.read = true;
    }

    /// Notes everything that no path leads to; `above` are the names that led here.
    pub(super) fn refuse_others(&self, data: &Json, above: &[&str], converter: &mut Converter) {
        let Some(object) = data.as_object() else { return };
        for (name, value) in object {
            let path = || -> Vec<&str> { above.iter().copied().chain([name.as_str()]).collect() };
            match self.below.get(name.as_str()) {
                None => {
                    let known = self.below.keys().map(|known| &**known);
                    converter.unknown(name, known, || path().join("/"));
                }
                Some(known) if known.read || value.is_null() => {}
                Some(known) if value.is_object() => known.refuse_others(value, &path(), converter),
                Some(_) => {
                    let problem = FillProblem::WrongType {
                        expected: "an object with named members",
                        found: kind_of(value),
                    };
                    converter.fail::<()>(&path().join("/"), problem);
                }
            }
        }
    }
}
