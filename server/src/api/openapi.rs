//! The API's description (`OpenAPI` 3.1): what stands at each call, and what all calls have in common.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use fairhold_domain::policy::Scope;
use serde_json::json;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{HttpMethod, Operation, ParameterIn, PathItem};
use utoipa::openapi::schema::{Object, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    Components, ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, Ref, RefOr,
    Response as Answer, ResponseBuilder, Server,
};
use utoipa::{PartialSchema as _, ToSchema as _};
use utoipa_axum::router::OpenApiRouter;

use super::ask::IDEMPOTENCY_KEY;
use super::problem::{Fault, KIND, Problem, ProblemDocument};
use super::{Call, calls};

/// The name of the way to show a key, in the description.
const KEY: &str = "key";

/// The description, made once.
pub(super) static DESCRIPTION: LazyLock<OpenApi> = LazyLock::new(describe);

/// The same, as it is sent.
static AS_SENT: LazyLock<Option<String>> = LazyLock::new(|| DESCRIPTION.to_pretty_json().ok());

/// Read this description
///
/// It says the same as the page with all calls, for programs.
#[utoipa::path(
    get,
    path = "/v1/openapi.json",
    responses((status = 200, description = "The description, as OpenAPI 3.1.", body = serde_json::Value))
)]
pub(crate) async fn document() -> Response {
    match AS_SENT.as_deref() {
        Some(text) => ([(CONTENT_TYPE, "application/json")], text).into_response(),
        None => Problem::Ours.into_response(),
    }
}

fn describe() -> OpenApi {
    let mut components = Components::new();
    for (name, schema) in [
        (ProblemDocument::name(), ProblemDocument::schema()),
        (Fault::name(), Fault::schema()),
    ] {
        components.schemas.insert(name.into_owned(), schema);
    }
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("A key that an administrator made for one system."))
        .build();
    components.add_security_scheme(KEY, SecurityScheme::Http(bearer));
    let info = InfoBuilder::new()
        .title("The Fairhold API")
        .version("1")
        .description(Some(
            "For a company's own systems. /v1/docs has it for people.",
        ));
    let empty = OpenApiBuilder::new()
        .info(info.build())
        .servers(Some([Server::new("/")]))
        .components(Some(components))
        .build();
    let all = calls()
        .into_iter()
        .fold(OpenApiRouter::with_openapi(empty), |all, call| {
            all.routes(call.described())
        });
    all.into_openapi()
}

impl Call {
    /// With what all calls of its form have in common: the key and its scope, and the problems.
    fn described(
        mut self,
    ) -> utoipa_axum::router::UtoipaMethodRouter<fairhold_app::state::AppState> {
        let scope = self.action.and_then(fairhold_domain::policy::Action::scope);
        for item in self.routes.1.paths.values_mut() {
            for (method, operation) in operations(item) {
                let security =
                    scope.map(|scope: Scope| vec![SecurityRequirement::new(KEY, [scope.key()])]);
                operation.security = Some(security.unwrap_or_default());
                let mut problems = common(&method, operation, self.action.is_some());
                problems.extend(self.problems);
                refuse(operation, &problems);
            }
        }
        self.routes
    }
}

/// The operations at an address.
fn operations(item: &mut PathItem) -> impl Iterator<Item = (HttpMethod, &mut Operation)> {
    [
        (HttpMethod::Get, &mut item.get),
        (HttpMethod::Put, &mut item.put),
        (HttpMethod::Post, &mut item.post),
        (HttpMethod::Delete, &mut item.delete),
        (HttpMethod::Patch, &mut item.patch),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// The problems of every call of this form.
fn common(method: &HttpMethod, operation: &Operation, keyed: bool) -> Vec<Problem> {
    let takes = |place: ParameterIn, name: Option<&str>| {
        let parameters = operation.parameters.iter().flatten();
        parameters.into_iter().any(|parameter| match parameter {
            RefOr::T(p) => p.parameter_in == place && name.is_none_or(|name| p.name == name),
            RefOr::Ref(_) => false,
        })
    };
    let has_body = operation.request_body.is_some();
    [
        (keyed, &[Problem::NoKey, Problem::ScopeMissing][..]),
        (*method != HttpMethod::Get, &[Problem::OtherSite]),
        (takes(ParameterIn::Path, None), &[Problem::NotFound]),
        (takes(ParameterIn::Query, None), &[Problem::WrongQuery]),
        (
            has_body,
            &[
                Problem::NotUnderstood,
                Problem::NotJson,
                Problem::WrongBody,
                Problem::WrongKind,
                Problem::TooLarge,
            ],
        ),
        (
            takes(ParameterIn::Header, Some(IDEMPOTENCY_KEY)),
            &[Problem::WrongIdempotencyKey, Problem::IdempotencyKeyUsed],
        ),
        (true, &[Problem::Busy, Problem::Ours]),
    ]
    .into_iter()
    .filter(|(applies, _)| *applies)
    .flat_map(|(_, problems)| problems.iter().copied())
    .collect()
}

/// Adds the answers of these problems, those of one status together.
fn refuse(operation: &mut Operation, problems: &[Problem]) {
    let mut by_status: BTreeMap<u16, Vec<Problem>> = BTreeMap::new();
    for problem in problems {
        let same = by_status.entry(problem.status().as_u16()).or_default();
        if !same.contains(problem) {
            same.push(*problem);
        }
    }
    for (status, problems) in by_status {
        let answer = RefOr::T(refusal(&problems));
        let answers = &mut operation.responses.responses;
        answers.insert(status.to_string(), answer);
    }
}

fn refusal(problems: &[Problem]) -> Answer {
    let titles: Vec<_> = problems.iter().map(|problem| problem.title()).collect();
    let examples = problems.iter().map(|problem| {
        let example = json!(ProblemDocument::example(*problem));
        let example = ExampleBuilder::new()
            .summary(problem.title())
            .value(Some(example));
        (problem.key(), RefOr::T(example.build()))
    });
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name(ProblemDocument::name())))
        .examples_from_iter(examples);
    let headers = problems.iter().filter_map(|problem| problem.header());
    headers
        .fold(
            ResponseBuilder::new()
                .description(format!("{}.", titles.join(", or: ")))
                .content(KIND, content.build()),
            |answer, (name, _, words)| {
                let header = HeaderBuilder::new()
                    .schema(Some(Object::with_type(Type::String)))
                    .description(Some(words));
                answer.header(name.as_str(), header.build())
            },
        )
        .build()
}
