//! The query for a page, of the fragments of a report and parameters alone.

use super::table::Filter;
use super::{Given, Report, Wanted, cursor};
use crate::domain::Refusal;
use crate::domain::id::PersonId;
use crate::domain::role::Scope;
use crate::usecase::authority::{self, Actor};

/// How far ahead the report of what expires looks if nobody says.
const AHEAD: i64 = 30 * 86_400;

/// A query.
#[derive(Default)]
pub(crate) struct Query {
    pub(crate) sql: String,
    /// The parameters, in the order of their numbers.
    pub(super) values: Vec<Given>,
}

impl Query {
    /// That for a page: its columns, the value that rows are ordered by, and their name; a row more than the page has.
    ///
    /// # Errors
    /// [`Refusal::Field`] for the cursor.
    pub(crate) fn of(wanted: &Wanted, scope: Scope, actor: &Actor) -> Result<Self, Refusal> {
        let (mut query, spec) = (Self::default(), wanted.report.spec());
        let covered = query.covered(scope, actor);
        query.sql.push_str("SELECT ");
        for column in spec.columns {
            query.sql.push_str(column.sql);
            query.sql.push_str(", ");
        }
        let (by, id) = (wanted.sort.sql, spec.id);
        let of_people = |(filter, _): &(&Filter, Given)| filter.sql.contains("p.");
        let from = if covered.is_empty() && !wanted.filters.iter().any(of_people) {
            // Without the lookup of a million people whom nothing is asked of.
            spec.from.replacen(spec.joined, "", 1)
        } else {
            spec.from.to_owned()
        };
        query.sql.push_str(&format!("{by}, {id} {from}{covered}"));
        for (filter, given) in &wanted.filters {
            let passing = filter.passing.filter(|_| wanted.sort.name != "requested");
            query.narrow(passing.unwrap_or(filter.sql), given.clone());
        }
        if wanted.report == Report::Expiring {
            let now = wanted.now.unix();
            for (name, otherwise) in [("expires_from", now), ("expires_to", now + AHEAD)] {
                let filter = spec.filters.iter().find(|filter| filter.name == name);
                if let (Some(filter), None) = (filter, wanted.given(name)) {
                    query.narrow(filter.sql, Given::Number(otherwise));
                }
            }
        }
        query.sql.push_str(spec.end);
        let (than, direction) = if wanted.descending {
            ("<", "DESC")
        } else {
            (">", "ASC")
        };
        if let Some(text) = &wanted.cursor {
            let (value, last) = cursor::read(text, &wanted.named(), wanted.sort.holds)?;
            let (value, last) = (query.take(value), query.take(Given::Text(last)));
            // The first condition is in the second one; by it SQLite finds the place in the index of an expression.
            let further = format!(" AND {by} {than}= {value} AND ({by}, {id}) {than} ({value}, {last})");
            query.sql.push_str(&further);
        }
        let limit = query.take(Given::Number(i64::from(wanted.limit) + 1));
        let order = format!(" ORDER BY {by} {direction}, {id} {direction} LIMIT {limit}");
        query.sql.push_str(&order);
        Ok(query)
    }

    /// What is before the query, so that it sees whom the actor sees; and the condition for that.
    fn covered(&mut self, scope: Scope, actor: &Actor) -> String {
        if scope == Scope::All {
            return String::new();
        }
        let operator = actor.person().map_or("", PersonId::as_str).to_owned();
        let who = self.take(Given::Text(operator));
        let width = self.take(Given::Number(authority::width(scope)));
        let here = |part: &str| part.replace("$4", &who).replace("$5", &width);
        self.sql.push_str(&here(authority::BELOW));
        self.sql.push(' ');
        // Few people, mostly: their documents are looked up, instead of the people of all documents.
        let covered = here(authority::IS_COVERED).replace("p.", "q.");
        format!(" AND p.id IN (SELECT q.id FROM person q WHERE {covered})")
    }

    fn narrow(&mut self, sql: &str, given: Given) {
        let place = self.take(given);
        self.sql.push_str(&format!(" AND {}", sql.replace("$?", &place)));
    }

    /// Adds a parameter, and gives its place.
    fn take(&mut self, given: Given) -> String {
        self.values.push(given);
        format!("${}", self.values.len())
    }
}
