//! The JSON API for the company's other systems.
//!
//! A new call is a function with `#[utoipa::path]` in a file of its area, and a line in `calls`, which routes and
//! describes it in one. What it takes and answers are types (`serde` and `utoipa::ToSchema`); whoever asks is an
//! `Extension<System>`; bodies and parts of the address come through [`ask`], refusals through [`problem`]. Which scope
//! opens a call stands in the table of who may do what (`fairhold_domain::policy`), once. What all calls of a form are
//! refused with is added to the description by `openapi`; a call names only the problems that are its own.
//!
//! ```text
//! /// Add a customer to a programme
//! #[utoipa::path(post, path = "/v1/programmes/{id}/members",
//!     params(("id" = String, Path, description = "Which programme."), IdempotencyKey),
//!     request_body = NewMember, responses((status = 201, description = "They are in.", body = Member)))]
//! pub(crate) async fn join(
//!     State(state): State<AppState>,
//!     Extension(system): Extension<System>,
//!     Path(id): Path<String>,
//!     change: Change<NewMember>,
//! ) -> Result<Response, Refusal> {
//!     let kept = state.portal.join_for(&system, &id, change.asks, change.once).await?;
//!     Ok(ask::kept(&kept))
//! }
//!
//! Call::keyed(Action::JoinForCustomer, routes!(members::join)).refused(&[Problem::NoGrant]),
//! ```

pub mod ask;
mod customers;
mod docs;
mod fields;
mod members;
mod openapi;
pub mod problem;
mod whoami;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use fairhold_app::state::AppState;
use fairhold_domain::policy::Action;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter, UtoipaMethodRouterExt as _};
use utoipa_axum::routes;

use problem::{Problem, Refusal};

/// All calls.
fn calls() -> Vec<Call> {
    vec![
        Call::open(routes!(openapi::document)),
        Call::open(routes!(docs::page)),
        Call::keyed(Action::AskWhoami, routes!(whoami::whoami)),
        Call::keyed(Action::AskToJoin, routes!(members::ask)),
        Call::keyed(Action::FindCustomer, routes!(customers::find)).refused(&[Problem::NotFound]),
        Call::keyed(Action::PutField, routes!(fields::put)).refused(&[
            Problem::NotFound,
            Problem::NoGrant,
            Problem::PurposeMissing,
        ]),
    ]
}

/// A call: its function, who may make it, and what it is refused with.
struct Call {
    routes: UtoipaMethodRouter<AppState>,
    /// What a key must be allowed; `None`: it takes no key.
    action: Option<Action>,
    problems: &'static [Problem],
}

impl Call {
    /// One for everybody.
    const fn open(routes: UtoipaMethodRouter<AppState>) -> Self {
        Self {
            routes,
            action: None,
            problems: &[],
        }
    }

    /// One for systems whose key may do this. The key is asked about before anything else of the request is read.
    fn keyed(action: Action, routes: UtoipaMethodRouter<AppState>) -> Self {
        Self {
            action: Some(action),
            ..Self::open(routes)
        }
    }

    /// The same, which has problems of its own.
    fn refused(self, problems: &'static [Problem]) -> Self {
        Self { problems, ..self }
    }

    /// As the server answers it.
    fn routed(self, state: &AppState) -> UtoipaMethodRouter<AppState> {
        match self.action {
            None => self.routes,
            Some(action) => self.routes.map(|routes| {
                routes.route_layer(from_fn_with_state((state.clone(), action), ask_about_key))
            }),
        }
    }
}

/// The routes of all calls.
pub(crate) fn router(state: &AppState) -> Router<AppState> {
    let router = calls()
        .into_iter()
        .fold(OpenApiRouter::default(), |router, call| {
            router.routes(call.routed(state))
        });
    router.split_for_parts().0
}

/// Whether an address is one of the API's, so that its refusals are problem documents.
pub(crate) fn is_ours(path: &str) -> bool {
    let rest = path.strip_prefix("/v1");
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Middleware of each call that needs a key.
async fn ask_about_key(
    State((state, action)): State<(AppState, Action)>,
    mut request: Request,
    next: Next,
) -> Response {
    let sent = bearer(request.headers()).unwrap_or_default();
    match state.portal.system(sent, action).await {
        Ok(system) => {
            request.extensions_mut().insert(system);
            next.run(request).await
        }
        Err(error) => Refusal::from(error).into_response(),
    }
}

/// What stands behind `Bearer` (RFC 6750, 2.1). A key is never taken from an address.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, key) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}
