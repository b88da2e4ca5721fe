//! The second step of a log-in, for whoever has a second factor: a code, or a passkey.

use axum::extract::{Extension, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use fairhold_portal::accounts::LogIn;
use fairhold_portal::factors::Factors;
use leptos::prelude::*;
use serde::Deserialize;
use tower_sessions::Session;

use super::passkey::PasskeyForm;
use super::refused;
use crate::error::PortalError;
use crate::pages::form::PageForm;
use crate::peer::Peer;
use crate::render::Page;
use crate::session::{self, safe_next};
use crate::state::AppState;
use crate::ui::field::{CodeField, ErrorSummary};

/// What stands behind the page's address.
#[derive(Deserialize)]
pub struct Asked {
    next: Option<String>,
}

/// The form's fields.
#[derive(Deserialize)]
pub struct Code {
    code: String,
    next: Option<String>,
}

/// `GET /log-in/code`
pub async fn page(
    State(state): State<AppState>,
    session: Session,
    asked: Query<Asked>,
) -> Response {
    match half_in(&session, &state).await {
        Ok((_, factors)) => show(&state, factors, asked.next.as_deref(), StatusCode::OK, None),
        Err(response) => response,
    }
}

/// `POST /log-in/code`
pub async fn submit(
    State(state): State<AppState>,
    session: Session,
    Extension(Peer(peer)): Extension<Peer>,
    headers: HeaderMap,
    PageForm(form): PageForm<Code>,
) -> Response {
    let (log_in, factors) = match half_in(&session, &state).await {
        Ok(half_in) => half_in,
        Err(response) => return response,
    };
    let next = form.next.as_deref();
    let again = |status, words| show(&state, factors, next, status, Some(words));
    match state.portal.second_step(log_in, &form.code, peer).await {
        Ok(log_in) => session::enter(&state, &session, &headers, log_in, safe_next(next)).await,
        Err(fairhold_portal::Error::Code(wrong)) => {
            again(StatusCode::UNPROCESSABLE_ENTITY, wrong.to_string())
        }
        Err(error) => refused(&state, error, WRONG, again),
    }
}

const WRONG: &str =
    "That code is not right, or it was used before. Wait for the next code and try again.";

/// Whose password was right, and what they can show besides; others are sent to the log-in.
async fn half_in(session: &Session, state: &AppState) -> Result<(LogIn, Factors), Response> {
    let half_in = session::half_in(session, state).await;
    let Some(log_in) = half_in.map_err(|e| e.page(state))? else {
        return Err(Redirect::to("/log-in").into_response());
    };
    let factors = state.portal.factors(log_in.customer).await;
    let factors = factors.map_err(|e| PortalError::from(e).page(state))?;
    Ok((log_in, factors))
}

fn show(
    state: &AppState,
    factors: Factors,
    next: Option<&str>,
    status: StatusCode,
    error: Option<String>,
) -> Response {
    let next = safe_next(next).to_owned();
    let with_passkey = (factors.passkeys > 0 && state.portal.has_passkeys()).then(|| PasskeyForm {
        next: Some(next.clone()),
        words: "Use my passkey",
    });
    let hint = if factors.app {
        "Open the app that makes your codes. Write the six digits that it shows. A recovery code works too."
    } else {
        "Write one of your recovery codes, such as 0AB1C-DE2F3."
    };
    Page::open("One more step", "/log-in")
        .with_status(status)
        .render(state, move || {
            view! {
                <ErrorSummary error=error.clone() field="code" />
                <div>
                    <h1>"One more step"</h1>
                    <p class="lead">"Your password is right. To keep your data safe, show us one more thing that only you have."</p>
                </div>
                {with_passkey.map(PasskeyForm::show)}
                <form method="post" action="/log-in/code" class="card">
                    <CodeField hint error=error />
                    <input type="hidden" name="next" value=next />
                    <button class="primary">"Log in"</button>
                </form>
                <details>
                    <summary>"I have neither my app nor my codes"</summary>
                    <p>"Do you have another device that is logged in? Open “Your log-in” there and take the app off. If you have none, write to us. You find our address at the end of this page."</p>
                </details>
            }
        })
}
