//! The page that an invitation opens. Opening it changes nothing; its button does.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use leptos::prelude::*;
use secrecy::SecretString;
use serde::Deserialize;

use crate::pages::form::PageForm;
use crate::render::Page;
use crate::staff_session::staff_error;
use crate::state::AppState;
use crate::ui::field::{ErrorSummary, PasswordField};

/// The form's fields.
#[derive(Deserialize)]
pub struct NewPassword {
    password: SecretString,
}

/// `GET /staff/join/{token}`
pub async fn page(State(state): State<AppState>, Path(token): Path<String>) -> Response {
    match state.portal.invitation_works(&token).await {
        Ok(true) => show(&state, None),
        Ok(false) => ended(&state),
        Err(error) => staff_error(&state, error),
    }
}

/// `POST /staff/join/{token}`: a log-in follows, so that whoever holds only the link gets no further.
pub async fn submit(
    State(state): State<AppState>,
    Path(token): Path<String>,
    PageForm(form): PageForm<NewPassword>,
) -> Response {
    match state.portal.accept_invitation(&token, form.password).await {
        Ok(()) => Redirect::to("/staff/log-in?done=password").into_response(),
        Err(fairhold_portal::Error::Password(wrong)) => show(&state, Some(wrong.to_string())),
        Err(fairhold_portal::Error::LinkEnded) => ended(&state),
        Err(error) => staff_error(&state, error),
    }
}

fn show(state: &AppState, error: Option<String>) -> Response {
    let status = if error.is_some() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    Page::open("Welcome to the staff", "")
        .with_islands()
        .with_status(status)
        .render(state, move || {
            view! {
                <ErrorSummary error=error.clone() field="password" />
                <div>
                    <h1>"Welcome to the staff"</h1>
                    <p class="lead">"Choose a password that you use nowhere else. Then you set up an app that makes codes."</p>
                </div>
                // No action: the form goes to the address of the page, which holds the link's secret.
                <form method="post" class="card">
                    <PasswordField new=true error=error />
                    <button class="primary">"Save my password"</button>
                </form>
            }
        })
}

fn ended(state: &AppState) -> Response {
    Page::open("This invitation has ended", "")
        .with_status(StatusCode::GONE)
        .render(state, || {
            view! {
                <div>
                    <h1>"This invitation has ended"</h1>
                    <p class="lead">"An invitation works once, for 24 hours. Ask an administrator for a new one."</p>
                </div>
                <p class="onward"><a href="/staff/log-in">"Log in"</a></p>
            }
        })
}
