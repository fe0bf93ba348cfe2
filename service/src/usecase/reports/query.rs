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
        query.sql.push_str(&format!("{by}, {id} {}{covered}", spec.from));
        for (filter, given) in &wanted.filters {
            query.narrow(filter, given.clone());
        }
        if wanted.report == Report::Expiring {
            let now = wanted.now.unix();
            for (name, otherwise) in [("expires_from", now), ("expires_to", now + AHEAD)] {
                let filter = spec.filters.iter().find(|filter| filter.name == name);
                if let (Some(filter), None) = (filter, wanted.given(name)) {
                    query.narrow(filter, Given::Number(otherwise));
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
            query
                .sql
                .push_str(&format!(" AND ({by}, {id}) {than} ({value}, {last})"));
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
        format!(" AND {}", here(authority::IS_COVERED))
    }

    fn narrow(&mut self, filter: &Filter, given: Given) {
        let place = self.take(given);
        self.sql
            .push_str(&format!(" AND {}", filter.sql.replace("$?", &place)));
    }

    /// Adds a parameter, and gives its place.
    fn take(&mut self, given: Given) -> String {
        self.values.push(given);
        format!("${}", self.values.len())
    }
}
