//! Who is asking: the customer of the session, never of the request.

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::Method;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use fairhold_domain::ids::CustomerId;
use fairhold_portal::Customer;
use fairhold_portal::accounts::LogIn;
use tower_sessions::session::Error;
use tower_sessions::{Session, session_store};

use crate::error::PortalError;
use crate::state::AppState;

/// Under this name the session keeps whose it is; the session store reads it too, to find all sessions of a customer.
pub const CUSTOMER: &str = "customer";

/// Under this name the session keeps when the password that opened it was set. The session store ends a session whose
/// customer has another password by now.
pub const PASSWORD_SET_AT: &str = "password_set_at";

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
    let id: Option<CustomerId> = session.get(CUSTOMER).await.map_err(broken)?;
    Ok(state
        .portal
        .customer(id.ok_or(PortalError::LogInFirst)?)
        .await?)
}

/// Makes the session a customer's, under a new id (ASVS 5.0, 7.2.4).
///
/// # Errors
/// When the session can't be stored.
pub async fn log_in(session: &Session, log_in: LogIn) -> Result<(), PortalError> {
    session.cycle_id().await.map_err(broken)?;
    session
        .insert(CUSTOMER, log_in.customer)
        .await
        .map_err(broken)?;
    session
        .insert(PASSWORD_SET_AT, log_in.password_set_at.0)
        .await
        .map_err(broken)
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
        ["/my-data", "/is-it-you", "/who-looked"]
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
