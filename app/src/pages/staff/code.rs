//! The second step of the staff's log-in. The first time, an app is set up before any other page opens (ASVS 5.0, 6.3.3).

use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use fairhold_portal::staff::SecondStep;
use leptos::prelude::*;
use serde::Deserialize;

use crate::pages::accounts::refused;
use crate::pages::form::PageForm;
use crate::peer::Peer;
use crate::render::Page;
use crate::staff_session::{go_on_with, staff_error, token};
use crate::state::AppState;
use crate::ui::field::{CodeField, ErrorSummary};

/// The form's fields.
#[derive(Deserialize)]
pub struct Code {
    code: String,
}

/// `GET /staff/code`
pub async fn page(State(state): State<AppState>, headers: HeaderMap) -> Response {
    let token = token(&headers).unwrap_or_default();
    match state.portal.staff_second_step(&token).await {
        Ok(step) => show(&state, step, StatusCode::OK, None),
        Err(error) => staff_error(&state, error),
    }
}

/// `POST /staff/code`
pub async fn submit(
    State(state): State<AppState>,
    Extension(Peer(peer)): Extension<Peer>,
    headers: HeaderMap,
    PageForm(form): PageForm<Code>,
) -> Response {
    let token = token(&headers).unwrap_or_default();
    let step = match state.portal.staff_second_step(&token).await {
        Ok(step) => step,
        Err(error) => return staff_error(&state, error),
    };
    let again = |status, words| show(&state, step, status, Some(words));
    match state.portal.staff_code(&token, &form.code, peer).await {
        Ok(token) => go_on_with(&token, "/staff"),
        Err(fairhold_portal::Error::Code(wrong)) => {
            again(StatusCode::UNPROCESSABLE_ENTITY, wrong.to_string())
        }
        Err(fairhold_portal::Error::LogInFirst) => {
            staff_error(&state, fairhold_portal::Error::LogInFirst)
        }
        Err(error) => refused(&state, error, WRONG, again),
    }
}

const WRONG: &str =
    "That code is not right, or it was used before. Wait for the next code and try again.";

fn show(state: &AppState, step: SecondStep, status: StatusCode, error: Option<String>) -> Response {
    Page::open("One more step", "/staff/log-in")
        .with_status(status)
        .render(state, move || {
            let (heading, set_up) = match step {
                SecondStep::Code => ("One more step", None),
                SecondStep::SetUp(set_up) => ("Set up an app", Some(set_up)),
            };
            let set_up = set_up.map(|set_up| {
                view! {
                    <section class="card">
                        <h2>"1. Scan this picture with an app that makes codes"</h2>
                        <img class="qr" src=set_up.picture alt="A picture for the app to scan. The key below says the same." width="240" height="240" />
                        <p>"Can't you scan it? Type this key into the app:"</p>
                        <p><code class="key">{set_up.key}</code></p>
                    </section>
                }
            });
            view! {
                <ErrorSummary error=error.clone() field="code" />
                <div>
                    <h1>{heading}</h1>
                    <p class="lead">"Your password is right. Everybody who works here also shows a code from an app."</p>
                </div>
                {set_up}
                <form method="post" action="/staff/code" class="card">
                    <CodeField hint="Write the six digits that your app shows now." error=error />
                    <button class="primary">"Log in"</button>
                </form>
                <p class="fine">"Have you lost your app? An administrator ends your way in and invites you again."</p>
            }
        })
}
