//! What was found wrong so far: of each element the first hundred faults of every kind are told, and the others counted.

use std::collections::BTreeMap;

use super::error::{FillError, FillProblem};
use crate::format::more::More;

/// Most faults of one kind that are told of one element, and of what no element reads.
pub(super) const MOST_OF_A_KIND: usize = 100;

/// Faults as they are found.
#[derive(Default)]
pub(crate) struct Found {
    told: Vec<FillError>,
    /// How many there are of each kind in the present element.
    kinds: BTreeMap<&'static str, usize>,
    /// How many are not told.
    more: usize,
}

impl Found {
    pub(crate) const fn is_empty(&self) -> bool {
        self.told.is_empty()
    }

    /// How many there are, told or not.
    pub(super) const fn count(&self) -> usize {
        self.told.len() + self.more
    }

    /// Another element begins.
    pub(super) fn begin(&mut self) {
        self.kinds.clear();
    }

    /// Notes a fault.
    pub(super) fn note(&mut self, field: &str, problem: FillProblem) {
        if self.tells(problem.code()) {
            self.told.push(FillError {
                field: field.to_owned(),
                problem,
            });
        }
    }

    /// Notes a field that nothing reads. Its path and the name that was probably meant are asked for only if they are told.
    pub(super) fn note_unknown(
        &mut self,
        field: impl FnOnce() -> String,
        nearest: impl FnOnce() -> Option<String>,
    ) {
        let unknown = |nearest| FillProblem::UnknownField { nearest };
        if self.tells(unknown(None).code()) {
            self.told.push(FillError {
                field: field(),
                problem: unknown(nearest()),
            });
        }
    }

    /// Counts a fault of a kind; whether it is told.
    fn tells(&mut self, kind: &'static str) -> bool {
        let count = self.kinds.entry(kind).or_default();
        *count += 1;
        let tells = *count <= MOST_OF_A_KIND;
        self.more += usize::from(!tells);
        tells
    }

    /// What is told, and at its end how many more there are.
    pub(crate) fn into_told(mut self) -> Vec<FillError> {
        if self.more > 0 {
            self.told.push(FillError {
                field: String::new(),
                problem: FillProblem::More(More::Counted(self.more)),
            });
        }
        self.told
    }
}
