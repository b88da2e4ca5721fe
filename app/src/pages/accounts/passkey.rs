//! Log in with a passkey. Whoever does says nothing else, so nothing can be learnt here about an address.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use fairhold_portal::passkeys::Ceremony;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use tower_sessions::Session;

use crate::error::PortalError;
use crate::islands::{Passkey, PasskeyAct};
use crate::pages::form::PageForm;
use crate::render::Page;
use crate::session::{self, safe_next};
use crate::state::AppState;
use crate::ui::field::ErrorSummary;

/// Under this name the session keeps what was asked of the browser, until it answers.
const ASKED: &str = "passkey_asked";

/// What was asked of the browser, and where its answer leads.
#[derive(Serialize, Deserialize)]
struct AskedFor {
    ceremony: Ceremony,
    next: Option<String>,
}

/// The form that begins.
#[derive(Deserialize)]
pub struct Begin {
    next: Option<String>,
}

/// The form that ends: what the browser answered, as JSON.
#[derive(Deserialize)]
pub struct Answer {
    passkey: String,
}

/// A button that begins a log-in with a passkey.
pub(super) struct PasskeyForm {
    /// Where it leads.
    pub next: Option<String>,
    /// What is on it.
    pub words: &'static str,
}

impl PasskeyForm {
    pub fn show(self) -> impl IntoView {
        let next = self
            .next
            .map(|next| view! { <input type="hidden" name="next" value=next /> });
        view! {
            <form method="post" action="/log-in/passkey" class="alone">
                {next}
                <button>{self.words}</button>
            </form>
        }
    }
}

/// `POST /log-in/passkey`
pub async fn begin(
    State(state): State<AppState>,
    session: Session,
    PageForm(form): PageForm<Begin>,
) -> Response {
    let ceremony = match state.portal.ask_for_passkey() {
        Ok(ceremony) => ceremony,
        Err(error) => return PortalError::from(error).page(&state),
    };
    let next = form.next;
    match session::put(&session, ASKED, AskedFor { ceremony, next }).await {
        Ok(()) => Redirect::to("/log-in/passkey").into_response(),
        Err(error) => error.page(&state),
    }
}

/// `GET /log-in/passkey`
pub async fn page(State(state): State<AppState>, session: Session) -> Response {
    match session::get::<AskedFor>(&session, ASKED).await {
        Ok(Some(asked)) => show(&state, asked.ceremony.options),
        Ok(None) => Redirect::to("/log-in").into_response(),
        Err(error) => error.page(&state),
    }
}

/// `POST /log-in/passkey/answer`
pub async fn submit(
    State(state): State<AppState>,
    session: Session,
    headers: HeaderMap,
    PageForm(form): PageForm<Answer>,
) -> Response {
    // Whatever becomes of it: what was asked is answered once.
    let asked = match session::take::<AskedFor>(&session, ASKED).await {
        Ok(Some(asked)) => asked,
        Ok(None) => return Redirect::to("/log-in").into_response(),
        Err(error) => return error.page(&state),
    };
    let log_in = state
        .portal
        .log_in_with_passkey(&asked.ceremony.state, &form.passkey)
        .await;
    let log_in = match log_in {
        Ok(log_in) => log_in,
        Err(fairhold_portal::Error::Passkey) => return refused(&state),
        Err(error) => return PortalError::from(error).page(&state),
    };
    match session::fits(&session, log_in).await {
        Ok(true) => {
            let to = safe_next(asked.next.as_deref());
            session::enter(&state, &session, &headers, log_in, to).await
        }
        Ok(false) => refused(&state),
        Err(error) => error.page(&state),
    }
}

const WRONG: &str =
    "We do not know this passkey here. Choose another one, or log in with your password.";

fn refused(state: &AppState) -> Response {
    Page::open("Log in with a passkey", "/log-in")
        .with_status(StatusCode::UNPROCESSABLE_ENTITY)
        .render(state, || {
            view! {
                <ErrorSummary error=Some(WRONG.to_owned()) field="again" />
                <h1>"Log in with a passkey"</h1>
                <div id="again">
                    {PasskeyForm { next: None, words: "Try again" }.show()}
                </div>
                <p class="onward"><a href="/log-in">"Log in with my password"</a></p>
            }
        })
}

fn show(state: &AppState, options: String) -> Response {
    Page::open("Log in with a passkey", "/log-in")
        .with_islands()
        .render(state, move || {
            view! {
                <div>
                    <h1>"Log in with a passkey"</h1>
                    <p class="lead">"Your device asks for your finger, your face or your PIN. We never see it."</p>
                </div>
                <form method="post" action="/log-in/passkey/answer" class="card">
                    <Passkey act=PasskeyAct::Use options words="Use my passkey".to_owned() />
                </form>
                <p class="onward"><a href="/log-in">"Log in with my password"</a></p>
            }
        })
}
