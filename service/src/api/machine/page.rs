//! The description served: as JSON for programs, as a page for people. The page is made when the service starts and needs
//! no script.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::http::header;
use axum::routing::get;
use serde_json::{Map, Value};

use super::description::Description;
use crate::api::html::escaped;
use crate::service::Service;

const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

const CACHED: (header::HeaderName, &str) = (header::CACHE_CONTROL, "public, max-age=3600");

pub(super) fn routes(base: &str, description: Description) -> Router<Arc<Service>> {
    let page: Bytes = page(base, &description.value).into();
    let json: Bytes = description.json.into();
    let json = get(async move || ([(header::CONTENT_TYPE, "application/json"), CACHED], json));
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        CACHED,
    ];
    Router::new()
        .route(&format!("{base}/api/openapi.json"), json)
        .route(&format!("{base}/api"), get(async move || (headers, page)))
}

const STYLE: &str = "\
:root{color-scheme:light dark}\
body{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1rem}\
h2{margin-top:2.5rem;border-bottom:1px solid}\
h3{margin:2rem 0 .25rem;font:600 1rem ui-monospace,monospace;overflow-wrap:anywhere}\
p{margin:.25rem 0}\
code,th{font-family:ui-monospace,monospace}th{width:9rem}\
table{border-collapse:collapse;margin:.5rem 0;width:100%}\
td,th{text-align:left;vertical-align:top;padding:.2rem .8rem .2rem 0;border-bottom:1px solid #8884}\
.verb{display:inline-block;min-width:4rem;font-weight:700}\
nav ul{columns:16rem;padding-left:1.2rem}";

fn page(base: &str, description: &Value) -> String {
    let info = description.get("info").unwrap_or(&Value::Null);
    let mut page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title><style>{STYLE}</style></head>\
         <body><main><h1>{title}</h1><p>{about}</p>\
         <p>For programs: <a href=\"{base}/api/openapi.json\">the same as OpenAPI 3.1</a>.</p>",
        title = text(info, "title"),
        about = text(info, "description"),
        base = escaped(base),
    );
    let none = Map::new();
    let members = |name| {
        description
            .pointer(name)
            .and_then(Value::as_object)
            .unwrap_or(&none)
    };
    page.push_str("<nav aria-label=\"Parts\"><ul>");
    for tag in list(description, "tags") {
        let name = text(tag, "name");
        let _ = write!(page, "<li><a href=\"#{name}\">{name}</a></li>");
    }
    page.push_str("<li><a href=\"#shapes\">Shapes</a></li></ul></nav>");
    for tag in list(description, "tags") {
        let name = text(tag, "name");
        let _ = write!(
            page,
            "<h2 id=\"{name}\">{name}</h2><p>{}</p>",
            text(tag, "description")
        );
        for (path, item) in members("/paths") {
            for (verb, operation) in item.as_object().unwrap_or(&none) {
                if list(operation, "tags").contains(tag.get("name").unwrap_or(&Value::Null)) {
                    describe(&mut page, (verb, path), operation);
                }
            }
        }
    }
    page.push_str("<h2 id=\"shapes\">Shapes</h2>");
    for (name, schema) in members("/components/schemas") {
        let name = escaped(name);
        let _ = write!(
            page,
            "<h3 id=\"{name}\">{name}</h3><p>{}</p><table>",
            text(schema, "description")
        );
        for (member, schema) in schema
            .get("properties")
            .and_then(Value::as_object)
            .unwrap_or(&none)
        {
            row(
                &mut page,
                member,
                &format!("{} {}", text(schema, "description"), shape(schema)),
            );
        }
        let values: Vec<&str> = list(schema, "enum").iter().filter_map(Value::as_str).collect();
        if !values.is_empty() {
            row(&mut page, "one of", &escaped(&values.join(", ")));
        }
        page.push_str("</table>");
    }
    page.push_str("</main></body></html>");
    page
}

fn describe(page: &mut String, (verb, path): (&str, &str), operation: &Value) {
    let verb = verb.to_ascii_uppercase();
    let _ = write!(
        page,
        "<h3><span class=\"verb\">{verb}</span> {}</h3>",
        escaped(path)
    );
    for words in [text(operation, "summary"), text(operation, "description")] {
        let _ = write!(page, "<p>{words}</p>");
    }
    page.push_str("<table>");
    for requirement in list(operation, "security") {
        let scopes: Vec<&str> = list(requirement, "machine")
            .iter()
            .filter_map(Value::as_str)
            .collect();
        if !scopes.is_empty() {
            row(
                page,
                "scope",
                &format!("<code>{}</code>", escaped(&scopes.join(" "))),
            );
        }
    }
    for parameter in list(operation, "parameters") {
        let name = parameter.get("name").and_then(Value::as_str).unwrap_or_default();
        row(page, name, &text(parameter, "description"));
    }
    let none = Map::new();
    let content = operation
        .pointer("/requestBody/content")
        .and_then(Value::as_object);
    for (media_type, content) in content.unwrap_or(&none) {
        let schema = content.get("schema").map(shape).unwrap_or_default();
        row(page, "body", &format!("{} {schema}", escaped(media_type)));
    }
    for (status, answer) in operation
        .get("responses")
        .and_then(Value::as_object)
        .unwrap_or(&none)
    {
        if answer.get("$ref").is_some() {
            continue;
        }
        let content = answer.get("content").and_then(Value::as_object).unwrap_or(&none);
        let schema = content.values().find_map(|content| content.get("schema"));
        let schema = schema.map(shape).unwrap_or_default();
        row(page, status, &format!("{} {schema}", text(answer, "description")));
    }
    page.push_str("</table>");
}

fn row(page: &mut String, name: &str, content: &str) {
    let _ = write!(
        page,
        "<tr><th scope=\"row\">{}</th><td>{content}</td></tr>",
        escaped(name)
    );
}

/// A member that is text, escaped.
fn text(value: &Value, member: &str) -> String {
    escaped(value.get(member).and_then(Value::as_str).unwrap_or_default())
}

fn list<'v>(value: &'v Value, member: &str) -> &'v [Value] {
    value
        .get(member)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// The name of a schema as a link, or its type.
fn shape(schema: &Value) -> String {
    let named = |value: &Value| -> Option<String> {
        let name = escaped(value.get("$ref")?.as_str()?.rsplit('/').next()?);
        Some(format!("<a href=\"#{name}\"><code>{name}</code></a>"))
    };
    let of_items = schema
        .get("items")
        .and_then(named)
        .map(|name| format!("list of {name}"));
    let choice = || list(schema, "oneOf").iter().find_map(named);
    let plain = || match schema.get("type") {
        Some(Value::String(name)) => escaped(name),
        Some(Value::Array(names)) => {
            let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
            escaped(&names.join(" or "))
        }
        _ => String::new(),
    };
    named(schema).or(of_items).or_else(choice).unwrap_or_else(plain)
}
