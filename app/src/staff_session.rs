//! Who is asking behind the staff door: a cookie and sessions of their own, so that a customer's session never opens a
//! page of the staff, nor the other way round (ASVS 5.0, 8.4.2).

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::SET_COOKIE;
use axum::http::request::Parts;
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use fairhold_portal::staff::{By, StaffMember};

use crate::cookie;
use crate::error::PortalError;
use crate::state::AppState;

/// The cookie of the staff's sessions. `Strict`: no other site leads behind the staff door.
const STAFF_COOKIE: &str = "__Host-fairhold-staff";

/// Somebody of the staff who took both steps. A page that takes it sends everybody else to the staff's log-in.
pub struct StaffIn(pub StaffMember);

impl StaffIn {
    /// On whose word this request does something.
    pub const fn by(&self) -> By {
        By::Staff(self.0)
    }
}

impl FromRequestParts<AppState> for StaffIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        let token = token(&parts.headers).unwrap_or_default();
        match state.portal.staff(&token).await {
            Ok(member) => Ok(Self(member)),
            Err(error) => Err(staff_error(state, error)),
        }
    }
}

/// The token of a session of the staff, whether or not it still works.
pub fn token(headers: &HeaderMap) -> Option<String> {
    cookie::token(headers, STAFF_COOKIE)
}

/// Goes on with this token in the browser.
pub fn go_on_with(token: &str, to: &str) -> Response {
    let cookie = format!("{STAFF_COOKIE}={token}; HttpOnly; SameSite=Strict; Secure; Path=/");
    (AppendHeaders([(SET_COOKIE, cookie)]), Redirect::to(to)).into_response()
}

/// Goes on without a token in the browser.
pub fn go_on_without(to: &str) -> Response {
    let cookie = format!("{STAFF_COOKIE}=; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=0");
    (AppendHeaders([(SET_COOKIE, cookie)]), Redirect::to(to)).into_response()
}

/// What went wrong, for somebody at the staff door.
pub fn staff_error(state: &AppState, error: fairhold_portal::Error) -> Response {
    match error {
        fairhold_portal::Error::LogInFirst => to_log_in(),
        error => PortalError::from(error).page(state),
    }
}

fn to_log_in() -> Response {
    Redirect::to("/staff/log-in").into_response()
}
