//! An app that makes codes: set it up, take it off, and the recovery codes.

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use fairhold_portal::factors::Factors;
use fairhold_portal::totp::SetUp;
use leptos::prelude::*;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tower_sessions::Session;

use super::recovery_codes;
use crate::error::PortalError;
use crate::render::Page;
use crate::session;
use crate::state::AppState;
use crate::step_up::{JustProven, ProvenForm};
use crate::ui::field::{CodeField, ErrorSummary};

/// Under this name the session keeps the secret of an app until a code shows that it is set up.
const SECRET: &str = "app_secret";

/// What stands behind the page's address.
#[derive(Deserialize)]
pub struct Asked {
    done: Option<String>,
}

/// A form with nothing but its button.
#[derive(Deserialize)]
pub struct Nothing {}

/// The form's fields.
#[derive(Deserialize)]
pub struct Code {
    code: String,
}

/// `GET /account/app`
pub async fn page(
    State(state): State<AppState>,
    JustProven(customer): JustProven,
    asked: Query<Asked>,
) -> Response {
    match state.portal.factors(customer.id()).await {
        Ok(factors) => show(&state, factors, asked.done.as_deref() == Some("off")),
        Err(error) => PortalError::from(error).own_page(&state),
    }
}

/// `POST /account/app`: begins to set one up.
pub async fn begin(
    State(state): State<AppState>,
    session: Session,
    ProvenForm(_, Nothing {}): ProvenForm<Nothing>,
) -> Response {
    let secret = state.portal.new_app_secret();
    match session::put(&session, SECRET, secret.expose_secret()).await {
        Ok(()) => Redirect::to("/account/app/new").into_response(),
        Err(error) => error.own_page(&state),
    }
}

/// `GET /account/app/new`
pub async fn new(
    State(state): State<AppState>,
    session: Session,
    JustProven(customer): JustProven,
) -> Response {
    let secret = match secret(&session, &state).await {
        Ok(secret) => secret,
        Err(response) => return response,
    };
    match state.portal.app_set_up(&customer, &secret).await {
        Ok(set_up) => show_new(&state, set_up, None),
        Err(error) => PortalError::from(error).own_page(&state),
    }
}

/// `POST /account/app/new`
pub async fn keep(
    State(state): State<AppState>,
    session: Session,
    ProvenForm(customer, form): ProvenForm<Code>,
) -> Response {
    let secret = match secret(&session, &state).await {
        Ok(secret) => secret,
        Err(response) => return response,
    };
    let set_up = match state.portal.app_set_up(&customer, &secret).await {
        Ok(set_up) => set_up,
        Err(error) => return PortalError::from(error).own_page(&state),
    };
    let again = |words: String| show_new(&state, set_up, Some(words));
    match state.portal.add_app(customer, &secret, &form.code).await {
        Ok(made) => {
            let taken = session::take::<String>(&session, SECRET).await;
            match taken {
                Ok(_) => recovery_codes::after(&state, &session, made, "app").await,
                Err(error) => error.own_page(&state),
            }
        }
        Err(fairhold_portal::Error::Code(_)) => again(NO_CODE.to_owned()),
        Err(fairhold_portal::Error::WrongLogIn) => again(WRONG.to_owned()),
        Err(error) => PortalError::from(error).own_page(&state),
    }
}

/// `POST /account/app/off`
pub async fn off(
    State(state): State<AppState>,
    ProvenForm(customer, Nothing {}): ProvenForm<Nothing>,
) -> Response {
    match state.portal.remove_app(customer).await {
        Ok(()) => Redirect::to("/account/app?done=off").into_response(),
        Err(error) => PortalError::from(error).own_page(&state),
    }
}

const NO_CODE: &str = "This is no code. Write the six digits that your app shows.";

const WRONG: &str =
    "That is not the code that your app shows now. Wait for the next one and try again.";

async fn secret(session: &Session, state: &AppState) -> Result<SecretString, Response> {
    let secret: Option<String> = session::get(session, SECRET)
        .await
        .map_err(|e| e.own_page(state))?;
    let begin = || Redirect::to("/account/app").into_response();
    secret.map(SecretString::from).ok_or_else(begin)
}

fn show(state: &AppState, factors: Factors, is_off: bool) -> Response {
    let is_off =
        is_off.then(|| view! { <p class="notice" role="status">"The app is taken off."</p> });
    Page::own("Codes from an app", "/account/app", None).render(state, move || {
        let state = if factors.app {
            view! {
                <section class="card">
                    <p><b>"Your app is set up."</b>" When you log in, we ask for a code from it."</p>
                    <form method="post" action="/account/app" class="alone"><button>"Set up another app in its place"</button></form>
                    <form method="post" action="/account/app/off" class="alone"><button>"Take the app off"</button></form>
                </section>
            }
            .into_any()
        } else {
            view! {
                <section class="card">
                    <p>"With an app on your phone, nobody gets in here who has only your password. The app shows a new code every 30 seconds. You can use any app that makes such codes."</p>
                    <form method="post" action="/account/app" class="alone"><button class="primary">"Set up an app"</button></form>
                </section>
            }
            .into_any()
        };
        view! {
            {is_off}
            <h1>"Codes from an app"</h1>
            {state}
            <p class="onward"><a href="/account">"Back to your log-in"</a></p>
        }
    })
}

fn show_new(state: &AppState, set_up: SetUp, error: Option<String>) -> Response {
    let status = if error.is_some() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    Page::own("Set up an app", "/account/app/new", None)
        .with_status(status)
        .render(state, move || {
            view! {
                <ErrorSummary error=error.clone() field="code" />
                <h1>"Set up an app"</h1>
                <section class="card">
                    <h2>"1. Scan this picture with the app"</h2>
                    <img class="qr" src=set_up.picture alt="A picture for the app to scan. The key below says the same." width="240" height="240" />
                    <p>"Can't you scan it? Type this key into the app:"</p>
                    <p><code class="key">{set_up.key}</code></p>
                </section>
                <form method="post" action="/account/app/new" class="card">
                    <h2>"2. Write the code that the app shows"</h2>
                    <CodeField hint="Six digits. They change every 30 seconds." error=error />
                    <button class="primary">"Turn it on"</button>
                </form>
                <p class="onward"><a href="/account/app">"Not now"</a></p>
            }
        })
}
