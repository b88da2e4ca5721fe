//! Choose a new password, for somebody who is logged in.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use leptos::prelude::*;
use secrecy::SecretString;
use serde::Deserialize;
use tower_sessions::Session;

use crate::error::PortalError;
use crate::render::Page;
use crate::session;
use crate::state::AppState;
use crate::step_up::{JustProven, ProvenForm};
use crate::ui::field::{ErrorSummary, PasswordField};

/// The form's fields.
#[derive(Deserialize)]
pub struct NewPassword {
    password: SecretString,
}

/// `GET /account/password`
pub async fn page(State(state): State<AppState>, _: JustProven) -> Response {
    show(&state, None)
}

/// `POST /account/password`: ends all sessions and begins a new one here.
pub async fn submit(
    State(state): State<AppState>,
    session: Session,
    headers: HeaderMap,
    ProvenForm(customer, form): ProvenForm<NewPassword>,
) -> Response {
    match state.portal.change_password(customer, form.password).await {
        Ok(log_in) => {
            let done = "/account?done=password";
            session::enter(&state, &session, &headers, log_in, done).await
        }
        Err(fairhold_portal::Error::Password(wrong)) => show(&state, Some(wrong.to_string())),
        Err(error) => PortalError::from(error).own_page(&state),
    }
}

fn show(state: &AppState, error: Option<String>) -> Response {
    let status = if error.is_some() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    Page::own("New password", "/account/password", None)
        .with_islands()
        .with_status(status)
        .render(state, move || {
            view! {
                <ErrorSummary error=error.clone() field="password" />
                <div>
                    <h1>"New password"</h1>
                    <p class="lead">"Choose a password that you use nowhere else. It logs out all your other devices."</p>
                </div>
                <form method="post" action="/account/password" class="card">
                    <PasswordField new=true error=error />
                    <button class="primary">"Save my password"</button>
                </form>
                <p class="onward"><a href="/account">"Back to your log-in"</a></p>
            }
        })
}
