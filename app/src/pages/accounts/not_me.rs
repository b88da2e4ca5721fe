//! "This was not me": the page that the link of an alert opens. Opening it changes nothing; its button does.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use leptos::prelude::*;

use crate::error::PortalError;
use crate::render::Page;
use crate::state::AppState;

/// `GET /not-me/{token}`
pub async fn page(State(state): State<AppState>, Path(token): Path<String>) -> Response {
    match state.portal.not_me_link_works(&token).await {
        Ok(true) => show(&state),
        Ok(false) => link_ended(&state),
        Err(error) => PortalError::from(error).page(&state),
    }
}

/// `POST /not-me/{token}`
pub async fn submit(State(state): State<AppState>, Path(token): Path<String>) -> Response {
    match state.portal.it_was_not_me(&token).await {
        Ok(reset) => Redirect::to(&format!("/set-password/{reset}")).into_response(),
        Err(fairhold_portal::Error::LinkEnded) => link_ended(&state),
        Err(error) => PortalError::from(error).page(&state),
    }
}

fn show(state: &AppState) -> Response {
    Page::open("Was it not you?", "").render(state, || {
        view! {
            <div>
                <h1>"Was it not you?"</h1>
                <p class="lead">"Press the button if somebody else got into your account. Then this happens at once:"</p>
            </div>
            <ul>
                <li>"All devices are logged out, also yours."</li>
                <li>"A passkey, an app, an address or a number that was added in the last three days is taken off."</li>
                <li>"If another address became the one to log in with, you get the old one back."</li>
                <li>"Your recovery codes no longer work. You can make new ones."</li>
                <li>"You choose a new password on the next page. The old one no longer works."</li>
            </ul>
            // No action: the form goes to the address of the page, which holds the link's secret.
            <form method="post" class="tools">
                <button class="primary">"It was not me"</button>
                <a class="button" href="/">"It was me"</a>
            </form>
        }
    })
}

fn link_ended(state: &AppState) -> Response {
    Page::open("This link has ended", "").with_status(StatusCode::GONE).render(state, || {
        view! {
            <div>
                <h1>"This link has ended"</h1>
                <p class="lead">"A link works once, for three days. You can still log everybody out: choose a new password."</p>
            </div>
            <p class="tools">
                <a class="button primary" href="/forgot-password">"Choose a new password"</a>
                <a class="button" href="/log-in">"Log in"</a>
            </p>
        }
    })
}
