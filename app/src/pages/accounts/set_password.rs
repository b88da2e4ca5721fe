//! The page that a link in a mail opens. Opening it changes nothing; its button does.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use leptos::prelude::*;
use secrecy::SecretString;
use serde::Deserialize;

use crate::error::PortalError;
use crate::pages::form::PageForm;
use crate::render::Page;
use crate::state::AppState;
use crate::ui::field::{ErrorSummary, PasswordField};

/// The form's fields.
#[derive(Deserialize)]
pub struct NewPassword {
    password: SecretString,
}

/// `GET /set-password/{token}`
pub async fn page(State(state): State<AppState>, Path(token): Path<String>) -> Response {
    match state.portal.link_works(&token).await {
        Ok(true) => show(&state, None),
        Ok(false) => link_ended(&state),
        Err(error) => PortalError::from(error).page(&state),
    }
}

/// `POST /set-password/{token}`: afterwards the owner logs in, so that whoever holds only the link gets no further.
pub async fn submit(
    State(state): State<AppState>,
    Path(token): Path<String>,
    PageForm(form): PageForm<NewPassword>,
) -> Response {
    match state.portal.set_password(&token, form.password).await {
        Ok(()) => Redirect::to("/log-in?done=password").into_response(),
        Err(fairhold_portal::Error::Password(wrong)) => show(&state, Some(wrong.to_string())),
        Err(fairhold_portal::Error::LinkEnded) => link_ended(&state),
        Err(error) => PortalError::from(error).page(&state),
    }
}

fn show(state: &AppState, error: Option<String>) -> Response {
    let status = if error.is_some() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    Page::open("Choose a password", "").with_islands().with_status(status).render(state, move || {
        view! {
            <ErrorSummary error=error.clone() field="password" />
            <div>
                <h1>"Choose a password"</h1>
                <p class="lead">"You have shown that this e-mail address is yours. Now choose a password that you use nowhere else."</p>
            </div>
            // No action: the form goes to the address of the page, which holds the link's secret.
            <form method="post" class="card">
                <PasswordField new=true error=error />
                <button class="primary">"Save my password"</button>
            </form>
        }
    })
}

fn link_ended(state: &AppState) -> Response {
    Page::open("This link has ended", "").with_status(StatusCode::GONE).render(state, || {
        view! {
            <div>
                <h1>"This link has ended"</h1>
                <p class="lead">"A link works once, for 30 minutes. Get a new one and open it soon."</p>
            </div>
            <p class="tools">
                <a class="button primary" href="/sign-up">"Send me a new link"</a>
                <a class="button" href="/log-in">"Log in"</a>
            </p>
        }
    })
}
