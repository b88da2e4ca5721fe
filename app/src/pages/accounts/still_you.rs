//! Shows once more who somebody is, before what is grave, and leads back.

use axum::extract::{Extension, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use leptos::prelude::*;
use secrecy::SecretString;
use serde::Deserialize;
use tower_sessions::Session;

use super::passkey::PasskeyForm;
use super::refused;
use crate::pages::form::PageForm;
use crate::peer::Peer;
use crate::render::Page;
use crate::session::{self, LoggedIn, safe_next};
use crate::state::AppState;
use crate::ui::field::{ErrorSummary, PasswordField};

/// What stands behind the page's address.
#[derive(Deserialize)]
pub struct Asked {
    next: Option<String>,
}

/// The form's fields.
#[derive(Deserialize)]
pub struct StillYou {
    password: SecretString,
    next: Option<String>,
}

/// `GET /still-you`
pub async fn page(State(state): State<AppState>, _: LoggedIn, asked: Query<Asked>) -> Response {
    show(&state, asked.next.as_deref(), StatusCode::OK, None)
}

/// `POST /still-you`
pub async fn submit(
    State(state): State<AppState>,
    LoggedIn(customer): LoggedIn,
    session: Session,
    Extension(Peer(peer)): Extension<Peer>,
    headers: HeaderMap,
    PageForm(form): PageForm<StillYou>,
) -> Response {
    let next = form.next.as_deref();
    match state
        .portal
        .prove_again(&customer, form.password, peer)
        .await
    {
        Ok(log_in) => session::after_password(&state, &session, &headers, log_in, next).await,
        Err(error) => refused(&state, error, WRONG, |status, words| {
            show(&state, next, status, Some(words))
        }),
    }
}

const WRONG: &str = "That is not your password. Check it and try again.";

fn show(
    state: &AppState,
    next: Option<&str>,
    status: StatusCode,
    error: Option<String>,
) -> Response {
    let next = safe_next(next).to_owned();
    let with_passkey = state.portal.has_passkeys().then(|| PasskeyForm {
        next: Some(next.clone()),
        words: "Use my passkey",
    });
    Page::own("Is it still you?", "", None)
        .with_islands()
        .with_status(status)
        .render(state, move || {
            view! {
                <ErrorSummary error=error.clone() field="password" />
                <div>
                    <h1>"Is it still you?"</h1>
                    <p class="lead">"What you want to do is important. Show us that it is you, and not somebody who found your screen open."</p>
                </div>
                <form method="post" action="/still-you" class="card">
                    <PasswordField new=false error=error />
                    <input type="hidden" name="next" value=next />
                    <button class="primary">"Go on"</button>
                </form>
                {with_passkey.map(PasskeyForm::show)}
                <p class="onward"><a href="/forgot-password">"I forgot my password"</a></p>
            }
        })
}
