//! The description of the interface: what the handlers say of themselves, and what all of them have in common.

use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, ClientCredentials, Flow, OAuth2, Scopes, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    ComponentsBuilder, InfoBuilder, LicenseBuilder, ObjectBuilder, OpenApi, OpenApiBuilder, Ref, RefOr,
    Response, Type,
};
use utoipa::{PartialSchema as _, ToSchema as _};

use super::problem::{PROBLEM, Problem};
use crate::domain::scope::ApiScope;

/// The description, as it is sent and for who makes a page of it.
pub(super) struct Description {
    /// For programs.
    pub(super) json: String,
    /// The same, to be walked.
    pub(super) value: serde_json::Value,
}

/// What no handler says.
pub(super) fn about() -> OpenApi {
    let license = LicenseBuilder::new()
        .name("MIT OR Apache-2.0")
        .identifier(Some("MIT OR Apache-2.0"));
    let info = InfoBuilder::new()
        .title("Issuing service for mobile documents")
        .description(Some(
            "People, requests, documents and their status. A machine gets a token for its secret at the token endpoint \
             and acts in the name of an operator: what it may do is what its scopes and the operator's roles both allow. \
             Pages of this service use the session of the operator who is signed in; what they change they send with the \
             header Origin or Sec-Fetch-Site, as browsers do. \
             Whoever is out of scope is as invisible as who is not there. Every refusal has a code that never changes.",
        ))
        .version("1")
        .license(Some(license.build()))
        .build();
    let tags = [
        ("Tokens", "Who asks"),
        ("People", "The registry, and groups"),
        ("Documents", "Requested, approved, switched off and on, cancelled"),
        ("Messages", "What people were sent, and whether it went out"),
        ("Batches", "Something is done to many, row by row"),
        (
            "Reports",
            "Lists and counts of it all, for programs and spreadsheets",
        ),
        ("Status", "How documents stand, for verifiers"),
        ("Profiles", "What is issued, to whom, by which rules"),
        ("Roles", "Who may do what to whom"),
        ("Devices", "What documents go onto"),
        ("Audit", "Who did what"),
    ];
    let tags = tags.map(|(name, words)| TagBuilder::new().name(name).description(Some(words)).build());
    OpenApiBuilder::new().info(info).tags(Some(tags)).build()
}

/// What every operation with a token may answer besides.
const COMMON: [(&str, &str); 10] = [
    ("400", "The request is not one."),
    ("401", "There is no token, or it is over."),
    (
        "403",
        "The token is not for that, or no role of the operator grants it.",
    ),
    ("404", "There is no such thing, or none in scope."),
    ("409", "A rule refuses it; the code says which."),
    ("413", "The body is too large."),
    ("415", "The body is of another media type."),
    ("422", "A member breaks its rule."),
    ("429", "Too many requests; `Retry-After` says when to come again."),
    (
        "503",
        "The service cannot answer now; `Retry-After` says when to come again.",
    ),
];

impl Description {
    pub(super) fn new(mut document: OpenApi, base: &str) -> Self {
        for (path, item) in &mut document.paths.paths {
            let with_token = !path.ends_with(super::TOKEN);
            for (verb, operation) in operations(item) {
                operation.operation_id = Some(name(verb, path.strip_prefix(base).unwrap_or(path)));
                if with_token {
                    let session = SecurityRequirement::new("session", Vec::<String>::new());
                    operation.security.get_or_insert_default().push(session);
                    for (status, _) in COMMON {
                        let named = RefOr::Ref(Ref::from_response_name(format!("Problem{status}")));
                        operation
                            .responses
                            .responses
                            .entry(status.to_owned())
                            .or_insert(named);
                    }
                }
            }
        }
        let known = document.components.take().unwrap_or_default();
        let mut components = ComponentsBuilder::from(known).schema(Problem::name(), Problem::schema());
        for (status, words) in COMMON {
            components = components.response(format!("Problem{status}"), problem(status, words));
        }
        let scopes = Scopes::from_iter(ApiScope::ALL.map(|scope| (scope.name(), scope.description())));
        let flow = Flow::ClientCredentials(ClientCredentials::new(format!("{base}{}", super::TOKEN), scopes));
        let scheme = OAuth2::with_description([flow], "A token for the secret of a machine");
        let words = "The session of an operator, which a browser gets at `/operator/sign-in`";
        let session = ApiKeyValue::with_description("__Host-mdoc-operator", words);
        document.components = Some(
            components
                .security_scheme("machine", SecurityScheme::OAuth2(scheme))
                .security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(session)))
                .build(),
        );
        Self {
            json: document.to_pretty_json().unwrap_or_default(),
            value: serde_json::to_value(&document).unwrap_or_default(),
        }
    }
}

/// The operations of an address.
fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let all = [
        ("get", item.get.as_mut()),
        ("post", item.post.as_mut()),
        ("put", item.put.as_mut()),
        ("delete", item.delete.as_mut()),
    ];
    all.into_iter()
        .filter_map(|(verb, operation)| Some((verb, operation?)))
}

/// What programs that are generated call an operation: the verb and the words of the address.
fn name(verb: &str, path: &str) -> String {
    let path = path.strip_prefix(super::BASE).unwrap_or(path);
    let words = path.split('/').filter(|part| !part.is_empty());
    let words = words.map(|part| part.trim_matches(['{', '}']));
    words
        .fold(verb.to_owned(), |name, word| format!("{name}-{word}"))
        .replace('.', "-")
}

fn problem(status: &str, words: &str) -> Response {
    let mut response = ResponseBuilder::new().description(words);
    // What limits how often one may ask knows of no interface.
    if status != "429" {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(Problem::name())));
        response = response.content(PROBLEM, content.build());
    }
    if words.contains("Retry-After") {
        let header = HeaderBuilder::new()
            .schema(Some(ObjectBuilder::new().schema_type(Type::Integer)))
            .description(Some("Seconds"));
        response = response.header("Retry-After", header.build());
    }
    response.build()
}
