//! Who is asking: the customer of the session, never of the request.

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::HeaderMap;
use axum::http::Method;
use axum::http::header::{SET_COOKIE, USER_AGENT};
use axum::http::request::Parts;
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fairhold_domain::ids::CustomerId;
use fairhold_domain::time::Moment;
use fairhold_portal::Customer;
use fairhold_portal::accounts::LogIn;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tower_sessions::session::Error;
use tower_sessions::{Session, session_store};

use crate::cookie;
use crate::error::PortalError;
use crate::state::AppState;

/// Under this name the session keeps whose it is; the session store reads it too, to find all sessions of a customer.
pub const CUSTOMER: &str = "customer";

/// Under this name the session keeps when the password that opened it was set. The session store ends a session whose
/// customer has another password by now.
pub const PASSWORD_SET_AT: &str = "password_set_at";

/// Under this name the session keeps what the session store calls it where its customer may see it.
pub const SESSION_ID: &str = "session_id";

/// Under this name the session keeps the device that it began on, sealed for its customer, in base64.
pub const DEVICE: &str = "device";

/// Under this name the session keeps when its customer last showed who they are.
const PROVEN_AT: &str = "proven_at";

/// Under this name the session keeps whose password was right, until they took the second step.
const HALF_IN: &str = "half_in";

/// The cookie by which a device is known again to a customer who logged in with it.
const DEVICE_COOKIE: &str = "__Host-fairhold-device";

/// How long a device is known: as long as browsers keep a cookie.
const DEVICE_SECONDS: i64 = 400 * 24 * 3600;

/// Seconds for which it is enough to have shown who one is (ASVS 5.0, 7.5.1 and 7.5.3).
const PROVEN_FOR: i64 = 10 * 60;

/// What the session store says when too much is going on.
pub const BUSY: &str = "busy";

/// The customer who is logged in. A page that takes it sends everybody else to the log-in, and back afterwards.
pub struct LoggedIn(pub Customer);

impl FromRequestParts<AppState> for LoggedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        match customer(parts, state).await {
            Ok(customer) => Ok(Self(customer)),
            Err(PortalError::LogInFirst) if parts.method == Method::GET => {
                Err(Redirect::to(&format!("/log-in?next={}", parts.uri.path())).into_response())
            }
            Err(error) => Err(error.page(state)),
        }
    }
}

impl OptionalFromRequestParts<AppState> for LoggedIn {
    type Rejection = Response;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &AppState,
    ) -> Result<Option<Self>, Response> {
        Ok(customer(parts, state).await.ok().map(Self))
    }
}

/// The customer of the session.
///
/// # Errors
/// [`PortalError::LogInFirst`] for a stranger.
pub async fn customer(parts: &Parts, state: &AppState) -> Result<Customer, PortalError> {
    let session = parts.extensions.get::<Session>().ok_or(PortalError::Ours)?;
    let id: Option<CustomerId> = get(session, CUSTOMER).await?;
    Ok(state
        .portal
        .customer(id.ok_or(PortalError::LogInFirst)?)
        .await?)
}

/// Makes the session a customer's who has just shown who they are, under a new id (ASVS 5.0, 7.2.4), and goes on to
/// a page of ours.
pub async fn enter(
    state: &AppState,
    session: &Session,
    headers: &HeaderMap,
    log_in: LogIn,
    to: &str,
) -> Response {
    match begin(state, session, headers, log_in).await {
        Ok(device) => {
            let onward = Redirect::to(to);
            (AppendHeaders([(SET_COOKIE, device)]), onward).into_response()
        }
        Err(error) => error.page(state),
    }
}

/// Begins the session; answers the cookie by which the device is known again.
async fn begin(
    state: &AppState,
    session: &Session,
    headers: &HeaderMap,
    log_in: LogIn,
) -> Result<String, PortalError> {
    let user_agent = user_agent(headers);
    let portal = &state.portal;
    let customer = portal.customer(log_in.customer).await?;
    let new = portal.new_session(&customer, user_agent)?;
    // What it keeps of anybody else, such as new recovery codes, is not for whoever comes next in the same browser.
    if get::<CustomerId>(session, CUSTOMER).await? != Some(log_in.customer) {
        session.clear().await;
    }
    session.cycle_id().await.map_err(broken)?;
    put(session, CUSTOMER, log_in.customer).await?;
    put(session, PASSWORD_SET_AT, log_in.password_set_at.0).await?;
    put(session, SESSION_ID, new.session_id).await?;
    put(session, DEVICE, STANDARD.encode(new.device)).await?;
    put(session, PROVEN_AT, portal.now().0).await?;
    take::<HalfIn>(session, HALF_IN).await?;
    let known = cookie::token(headers, DEVICE_COOKIE);
    let token = portal.note_device(customer, known, user_agent).await?;
    Ok(format!(
        "{DEVICE_COOKIE}={token}; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age={DEVICE_SECONDS}"
    ))
}

/// What the request's browser calls itself; nothing where it does not say.
pub(crate) fn user_agent(headers: &HeaderMap) -> &str {
    let name = headers.get(USER_AGENT);
    name.and_then(|name| name.to_str().ok()).unwrap_or_default()
}

/// Somebody whose password was right, and who has to take a second step.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct HalfIn {
    customer: CustomerId,
    password_set_at: i64,
    since: i64,
}

/// After the password: in, or on to the second step for whoever has a second factor (ASVS 5.0, 6.3.3).
pub async fn after_password(
    state: &AppState,
    session: &Session,
    headers: &HeaderMap,
    log_in: LogIn,
    next: Option<&str>,
) -> Response {
    let factors = match state.portal.factors(log_in.customer).await {
        Ok(factors) => factors,
        Err(error) => return PortalError::from(error).page(state),
    };
    if !factors.any() {
        return enter(state, session, headers, log_in, safe_next(next)).await;
    }
    let half_in = HalfIn {
        customer: log_in.customer,
        password_set_at: log_in.password_set_at.0,
        since: state.portal.now().0,
    };
    match put(session, HALF_IN, half_in).await {
        Ok(()) => Redirect::to(&format!("/log-in/code?next={}", safe_next(next))).into_response(),
        Err(error) => error.page(state),
    }
}

/// Whose password was right a short time ago in this session.
pub(crate) async fn half_in(
    session: &Session,
    state: &AppState,
) -> Result<Option<LogIn>, PortalError> {
    let half_in: Option<HalfIn> = get(session, HALF_IN).await?;
    let young = |half_in: &HalfIn| {
        let since = state.portal.now().seconds_since(Moment(half_in.since));
        (0..PROVEN_FOR).contains(&since)
    };
    Ok(half_in.filter(young).map(|half_in| LogIn {
        customer: half_in.customer,
        password_set_at: Moment(half_in.password_set_at),
    }))
}

/// Whether a log-in may go on in this session: it is nobody's yet, or the same customer's.
pub(crate) async fn fits(session: &Session, log_in: LogIn) -> Result<bool, PortalError> {
    let whose: Option<CustomerId> = get(session, CUSTOMER).await?;
    Ok(whose.is_none_or(|id| id == log_in.customer))
}

/// Whether the customer of the session showed who they are a short time ago.
pub(crate) async fn just_proven(session: &Session, state: &AppState) -> Result<bool, PortalError> {
    let proven_at: Option<i64> = get(session, PROVEN_AT).await?;
    let since = proven_at.map(|at| state.portal.now().seconds_since(Moment(at)));
    Ok(since.is_some_and(|seconds| (0..PROVEN_FOR).contains(&seconds)))
}

/// What the session's customer may call it by.
pub(crate) async fn name(session: &Session) -> Result<String, PortalError> {
    get(session, SESSION_ID).await?.ok_or(PortalError::Ours)
}

/// A value that the session keeps.
pub(crate) async fn get<T: DeserializeOwned>(
    session: &Session,
    name: &str,
) -> Result<Option<T>, PortalError> {
    session.get(name).await.map_err(broken)
}

/// Has the session keep a value.
pub(crate) async fn put(
    session: &Session,
    name: &str,
    value: impl Serialize,
) -> Result<(), PortalError> {
    session.insert(name, value).await.map_err(broken)
}

/// Takes a value out of the session.
pub(crate) async fn take<T: DeserializeOwned>(
    session: &Session,
    name: &str,
) -> Result<Option<T>, PortalError> {
    session.remove(name).await.map_err(broken)
}

/// What the browser learns of a session store that failed.
fn broken(error: Error) -> PortalError {
    match error {
        Error::Store(session_store::Error::Backend(what)) if what == BUSY => PortalError::Busy,
        _ => PortalError::Ours,
    }
}

/// Where to go after the log-in: a page of our own, whatever the address bar said.
pub fn safe_next(next: Option<&str>) -> &str {
    let ours = |path: &&str| {
        [
            "/my-data",
            "/is-it-you",
            "/who-looked",
            "/account",
            "/join",
            "/download",
        ]
        .iter()
        .any(|own| *path == *own || path.strip_prefix(own).is_some_and(|r| r.starts_with('/')))
            && path.len() <= 300
            && path
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"/-_.%~".contains(&b))
            && !path.contains("//")
            && !path.contains("..")
    };
    next.filter(ours).unwrap_or("/my-data")
}

#[cfg(test)]
mod tests {
    use super::safe_next;

    #[test]
    fn never_leads_away() {
        for (asked, goes) in [
            (None, "/my-data"),
            (Some("/who-looked"), "/who-looked"),
            (Some("/my-data/shop/orders"), "/my-data/shop/orders"),
            (Some("/is-it-you/shop"), "/is-it-you/shop"),
            (Some("/account/devices"), "/account/devices"),
            (Some("/join/club"), "/join/club"),
            (Some("/download"), "/download"),
            (Some("//evil.example"), "/my-data"),
            (Some("https://evil.example/my-data"), "/my-data"),
            (Some("/my-data@evil.example"), "/my-data"),
            (Some("/my-data/..//evil"), "/my-data"),
            (Some("/my-data/\r\nSet-Cookie:x"), "/my-data"),
            (Some("/log-out"), "/my-data"),
        ] {
            assert_eq!(safe_next(asked), goes);
        }
    }
}
