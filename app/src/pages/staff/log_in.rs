//! The staff's log-in, its first step, and the log-out.

use axum::extract::{Extension, Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use leptos::prelude::*;
use secrecy::SecretString;
use serde::Deserialize;

use crate::pages::accounts::refused;
use crate::pages::form::PageForm;
use crate::peer::Peer;
use crate::render::Page;
use crate::staff_session::{go_on_with, go_on_without, staff_error, token};
use crate::state::AppState;
use crate::ui::field::{EmailField, ErrorSummary, PasswordField};

/// What stands behind the page's address.
#[derive(Deserialize)]
pub struct Asked {
    done: Option<String>,
}

/// The form's fields.
#[derive(Deserialize)]
pub struct LogInForm {
    email: String,
    password: SecretString,
}

/// `GET /staff/log-in`
pub async fn page(State(state): State<AppState>, asked: Query<Asked>) -> Response {
    let done = match asked.done.as_deref() {
        Some("password") => Some("Your password is saved. Log in with it."),
        Some("out") => Some("You are logged out."),
        _ => None,
    };
    show(&state, String::new(), StatusCode::OK, None, done)
}

/// `POST /staff/log-in`
pub async fn submit(
    State(state): State<AppState>,
    Extension(Peer(peer)): Extension<Peer>,
    PageForm(form): PageForm<LogInForm>,
) -> Response {
    let portal = &state.portal;
    let log_in = portal.staff_log_in(&form.email, form.password, peer).await;
    let again = |status, words| {
        let typed = form.email.chars().take(254).collect();
        show(&state, typed, status, Some(words), None)
    };
    match log_in {
        Ok(token) => go_on_with(&token, "/staff/code"),
        Err(error) => refused(&state, error, WRONG, again),
    }
}

const WRONG: &str = "The e-mail address or the password is not right. Check both and try again.";

/// `POST /staff/log-out`
pub async fn log_out(State(state): State<AppState>, headers: HeaderMap) -> Response {
    if let Some(token) = token(&headers)
        && let Err(error) = state.portal.staff_log_out(&token).await
    {
        return staff_error(&state, error);
    }
    let mut response = go_on_without("/staff/log-in?done=out");
    response.headers_mut().insert(
        HeaderName::from_static("clear-site-data"),
        HeaderValue::from_static("\"cache\", \"storage\""),
    );
    response
}

fn show(
    state: &AppState,
    typed: String,
    status: StatusCode,
    error: Option<String>,
    done: Option<&'static str>,
) -> Response {
    Page::open("Staff log-in", "/staff/log-in")
        .with_islands()
        .with_status(status)
        .render(state, move || {
            view! {
                <ErrorSummary error=error.clone() field="email" />
                {done.map(|words| view! { <p class="notice" role="status">{words}</p> })}
                <div>
                    <h1>"Staff log-in"</h1>
                    <p class="lead">"This door is for people who work here. You need your password and the app that makes your codes."</p>
                </div>
                <form method="post" action="/staff/log-in" class="card">
                    <EmailField value=typed error=None />
                    <PasswordField new=false error=None />
                    <button class="primary">"Log in"</button>
                </form>
                <p class="onward"><a href="/log-in">"I am a customer"</a></p>
            }
        })
}
