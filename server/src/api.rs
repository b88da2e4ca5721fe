//! The JSON API for the company's other systems. Errors are problem details (RFC 9457).

use axum::Json;
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use fairhold_app::state::AppState;
use fairhold_domain::policy::{Action, Scope};
use fairhold_portal::Error;
use serde_json::json;

/// `GET /v1/whoami`: what the key may do.
pub(crate) async fn whoami(State(state): State<AppState>, headers: HeaderMap) -> Response {
    let sent = bearer(&headers).unwrap_or_default();
    let asked = state.portal.system(sent, Action::AskWhoami, Scope::Whoami);
    match asked.await {
        Ok(system) => {
            let key = system.key();
            let scopes: Vec<_> = key.scopes.iter().map(|scope| scope.key()).collect();
            Json(json!({
                "id": key.id,
                "name": key.name,
                "scopes": scopes,
                "purposes": key.purposes,
                "expires_at": key.expires_at.timestamp().to_string(),
            }))
            .into_response()
        }
        Err(error) => refused(&error),
    }
}

/// What stands behind `Bearer` (RFC 6750, 2.1). A key is never taken from an address.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, key) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

fn refused(error: &Error) -> Response {
    match error {
        Error::LogInFirst => problem(StatusCode::UNAUTHORIZED),
        Error::NotAllowed => problem(StatusCode::FORBIDDEN),
        Error::Busy => problem(StatusCode::SERVICE_UNAVAILABLE),
        error => {
            tracing::error!(%error, "a call of a system failed");
            problem(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

/// A refusal: what happened and what to do, and nothing of the inside.
pub(crate) fn problem(status: StatusCode) -> Response {
    let detail = match status {
        StatusCode::UNAUTHORIZED => {
            "Send a key that works, as the header Authorization: Bearer KEY."
        }
        StatusCode::FORBIDDEN => "The key lacks the scope of this call. Ask for a key with it.",
        StatusCode::NOT_FOUND => "There is no such call. docs/api.md lists all of them.",
        StatusCode::METHOD_NOT_ALLOWED => "This call takes another method.",
        StatusCode::SERVICE_UNAVAILABLE => "The portal is busy. Wait a minute and try again.",
        s if s.is_client_error() => "The call was not understood. Nothing was changed.",
        _ => "Something went wrong in the portal. Nothing was changed. Try again later.",
    };
    let title = status.canonical_reason().unwrap_or("Error");
    let body = json!({"title": title, "status": status.as_u16(), "detail": detail});
    let mut response = (status, Json(body)).into_response();
    let headers = response.headers_mut();
    let kind = HeaderValue::from_static("application/problem+json");
    headers.insert(CONTENT_TYPE, kind);
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}
