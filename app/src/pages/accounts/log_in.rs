//! Log in and log out.

use axum::extract::{Extension, Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use leptos::prelude::*;
use secrecy::SecretString;
use serde::Deserialize;
use tower_sessions::Session;

use super::passkey::PasskeyForm;
use super::refused;
use crate::error::PortalError;
use crate::pages::form::PageForm;
use crate::peer::Peer;
use crate::render::Page;
use crate::session::{self, LoggedIn, safe_next};
use crate::state::AppState;
use crate::ui::field::{EmailField, ErrorSummary, PasswordField};

/// What stands behind the page's address.
#[derive(Default, Deserialize)]
pub struct Asked {
    next: Option<String>,
    done: Option<String>,
}

/// The form's fields.
#[derive(Deserialize)]
pub struct LogInForm {
    email: String,
    password: SecretString,
    next: Option<String>,
}

/// `GET /log-in`
pub async fn page(
    State(state): State<AppState>,
    visitor: Option<LoggedIn>,
    asked: Query<Asked>,
) -> Response {
    if visitor.is_some() {
        return Redirect::to(safe_next(asked.next.as_deref())).into_response();
    }
    show(&state, &asked, String::new(), StatusCode::OK, None)
}

/// `POST /log-in`
pub async fn submit(
    State(state): State<AppState>,
    session: Session,
    Extension(Peer(peer)): Extension<Peer>,
    headers: HeaderMap,
    PageForm(form): PageForm<LogInForm>,
) -> Response {
    let log_in = state.portal.log_in(&form.email, form.password, peer).await;
    let again = |status, words: String| {
        let words = match status {
            // A link in a mail ends the wait.
            StatusCode::TOO_MANY_REQUESTS => format!("{words} Or set a new password."),
            _ => words,
        };
        let typed = form.email.chars().take(254).collect();
        let asked = Asked {
            next: form.next.clone(),
            done: None,
        };
        show(&state, &asked, typed, status, Some(words))
    };
    match log_in {
        Ok(log_in) => {
            let next = form.next.as_deref();
            session::after_password(&state, &session, &headers, log_in, next).await
        }
        Err(error) => refused(&state, error, WRONG, again),
    }
}

const WRONG: &str = "The e-mail address or the password is not right. Check both and try again.";

/// `POST /log-out`: ends the session and has the browser forget what it kept (ASVS 5.0, 14.3.1).
pub async fn log_out(State(state): State<AppState>, session: Session) -> Response {
    if session.flush().await.is_err() {
        return PortalError::Ours.page(&state);
    }
    let mut response = Redirect::to("/log-in?done=out").into_response();
    response.headers_mut().insert(
        HeaderName::from_static("clear-site-data"),
        // Not "cookies": those of the company's whole domain would go, and its shop's with them. Ours is ended above.
        HeaderValue::from_static("\"cache\", \"storage\""),
    );
    response
}

fn show(
    state: &AppState,
    asked: &Asked,
    typed: String,
    status: StatusCode,
    error: Option<String>,
) -> Response {
    let next = asked
        .next
        .as_deref()
        .map(|next| safe_next(Some(next)).to_owned());
    let with_passkey = state.portal.has_passkeys().then(|| PasskeyForm {
        next: next.clone(),
        words: "Log in with a passkey",
    });
    let done = match asked.done.as_deref() {
        Some("password") => Some("Your password is saved. Log in with it."),
        Some("out") => Some("You are logged out."),
        _ => None,
    };
    Page::open("Log in", "/log-in")
        .with_islands()
        .with_status(status)
        .render(state, move || {
            view! {
                <ErrorSummary error=error.clone() field="email" />
                {done.map(|words| view! { <p class="notice" role="status">{words}</p> })}
                <h1>"Log in"</h1>
                <form method="post" action="/log-in" class="card">
                    <EmailField value=typed error=None />
                    <PasswordField new=false error=None />
                    {next.map(|next| view! { <input type="hidden" name="next" value=next /> })}
                    <button class="primary">"Log in"</button>
                </form>
                {with_passkey.map(PasskeyForm::show)}
                <p class="onward">
                    <a href="/forgot-password">"I forgot my password"</a>
                    <a href="/sign-up">"I have no password yet"</a>
                </p>
            }
        })
}
