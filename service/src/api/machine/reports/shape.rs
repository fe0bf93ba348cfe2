//! How reports are described: made of the same tables that they are made of.

use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ArrayBuilder, KnownFormat, Schema, SchemaFormat, SchemaType};
use utoipa::openapi::{ObjectBuilder, Ref, RefOr, Required, Type};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use crate::domain::life::State;
use crate::usecase::reports::{Column, Filter, Holds, Kind, MOST, PAGE, Report};

fn parameter(name: &str, words: &str, schema: ObjectBuilder) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .description(Some(words))
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .schema(Some(schema))
        .build()
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn of_filter(filter: &Filter) -> Parameter {
    let schema = match filter.kind {
        Kind::Text => text().min_length(Some(1)).max_length(Some(256)),
        Kind::State => text().enum_values(Some(State::ALL.map(State::name))),
        Kind::Flag => ObjectBuilder::new().schema_type(Type::Boolean),
        Kind::Instant => text().examples(["2026-06-01", "2026-06-01T12:00:00Z"]),
    };
    parameter(filter.name, filter.words, schema)
}

fn of_column(column: &Column) -> ObjectBuilder {
    let kind = match column.holds {
        Holds::Text | Holds::Instant => Type::String,
        Holds::Number => Type::Integer,
        Holds::Flag => Type::Boolean,
    };
    let kind = if column.optional {
        SchemaType::from_iter([kind, Type::Null])
    } else {
        SchemaType::new(kind)
    };
    let schema = ObjectBuilder::new()
        .schema_type(kind)
        .description(Some(column.words));
    match column.holds {
        Holds::Instant => schema.format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime))),
        Holds::Text | Holds::Number | Holds::Flag => schema,
    }
}

/// A row: a member for each column.
fn row(report: Report) -> Schema {
    let mut row = ObjectBuilder::new().schema_type(Type::Object);
    for column in report.columns() {
        row = row.property(column.name, of_column(column)).required(column.name);
    }
    row.description(Some(format!("A row of the report `{}`.", report.name())))
        .build()
        .into()
}

/// A page: its rows, and where the next one begins.
fn page(report: Report, row: &str) -> Schema {
    let rows = ArrayBuilder::new()
        .items(Ref::from_schema_name(row))
        .description(Some("The rows, in order."));
    let next = ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
        .description(Some("The `cursor` of the next page, if there is more."));
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some(format!("A page of the report `{}`.", report.name())))
        .property("rows", rows)
        .required("rows")
        .property("next", next)
        .required("next")
        .build()
        .into()
}

macro_rules! described {
    ($($report:ident: $filters:ident, $page:ident, $row:literal;)*) => {$(
        /// What the report may be narrowed by.
        pub(super) struct $filters;

        impl IntoParams for $filters {
            fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
                Report::$report.filters().iter().map(of_filter).collect()
            }
        }

        /// A page of the report.
        pub(super) struct $page;

        impl PartialSchema for $page {
            fn schema() -> RefOr<Schema> {
                page(Report::$report, $row).into()
            }
        }

        impl ToSchema for $page {
            fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
                schemas.push(($row.to_owned(), row(Report::$report).into()));
            }
        }
    )*};
}

described! {
    Documents: DocumentsFilters, DocumentsReport, "DocumentsRow";
    Requests: RequestsFilters, RequestsReport, "RequestsRow";
    Devices: DevicesFilters, DevicesReport, "DevicesRow";
    Issued: IssuedFilters, IssuedReport, "IssuedRow";
    Expiring: ExpiringFilters, ExpiringReport, "ExpiringRow";
}

/// In which order.
pub(super) struct Sorting;

impl IntoParams for Sorting {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let words = "The column that rows are ordered by, perhaps with `:desc`; an answer that refuses one says which there are.";
        vec![parameter("sort", words, text())]
    }
}

/// Which page.
pub(super) struct Paging;

impl IntoParams for Paging {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let limit = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(1))
            .maximum(Some(MOST))
            .default(Some(PAGE.into()));
        let after = "What the page before said as `next`; it is good for the same report, order and filters.";
        vec![
            parameter("limit", "The most rows that are wanted.", limit),
            parameter("cursor", after, text()),
        ]
    }
}
