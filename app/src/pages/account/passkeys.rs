//! Passkeys: add, name, take off.

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use fairhold_domain::device;
use fairhold_portal::passkeys::{Ceremony, LONGEST_NAME, OwnPasskey};
use leptos::prelude::*;
use serde::Deserialize;
use tower_sessions::Session;

use super::app_codes::Nothing;
use super::recovery_codes;
use crate::error::PortalError;
use crate::islands::{Passkey, PasskeyAct};
use crate::render::Page;
use crate::session;
use crate::state::AppState;
use crate::step_up::{Draft, JustProven, ProvenForm};
use crate::ui::field::{ErrorSummary, NameField};

/// Under this name the session keeps what was asked of the browser, until it answers.
const ASKED: &str = "passkey_made";

/// What stands behind the page's address.
#[derive(Deserialize)]
pub struct Asked {
    done: Option<String>,
}

/// A new passkey: what the browser answered, as JSON, and what its owner calls it.
#[derive(Deserialize)]
pub struct New {
    passkey: String,
    name: String,
}

/// A passkey, and its new name.
#[derive(Deserialize)]
pub struct Rename {
    id: String,
    name: String,
}

/// A passkey.
#[derive(Deserialize)]
pub struct Remove {
    id: String,
}

/// `GET /account/passkeys`
pub async fn page(
    State(state): State<AppState>,
    JustProven(customer): JustProven,
    draft: Draft,
    asked: Query<Asked>,
) -> Response {
    match state.portal.passkeys(&customer).await {
        Ok(passkeys) => show(&state, passkeys, &draft, asked.done.as_deref()),
        Err(error) => PortalError::from(error).own_page(&state),
    }
}

/// `POST /account/passkeys`: begins to add one.
pub async fn begin(
    State(state): State<AppState>,
    session: Session,
    ProvenForm(customer, Nothing {}): ProvenForm<Nothing>,
) -> Response {
    let ceremony = match state.portal.start_passkey(&customer).await {
        Ok(ceremony) => ceremony,
        Err(error) => return PortalError::from(error).own_page(&state),
    };
    match session::put(&session, ASKED, ceremony).await {
        Ok(()) => Redirect::to("/account/passkeys/new").into_response(),
        Err(error) => error.own_page(&state),
    }
}

/// `GET /account/passkeys/new`
pub async fn new(
    State(state): State<AppState>,
    session: Session,
    headers: HeaderMap,
    _: JustProven,
    draft: Draft,
) -> Response {
    let typed = draft.get("name");
    let name = if typed.is_empty() {
        device::describe(session::user_agent(&headers))
    } else {
        typed
    };
    match session::get::<Ceremony>(&session, ASKED).await {
        Ok(Some(asked)) => show_new(&state, asked.options, name),
        Ok(None) => Redirect::to("/account/passkeys").into_response(),
        Err(error) => error.own_page(&state),
    }
}

/// `POST /account/passkeys/new`
pub async fn keep(
    State(state): State<AppState>,
    session: Session,
    headers: HeaderMap,
    ProvenForm(customer, form): ProvenForm<New>,
) -> Response {
    // Whatever becomes of it: what was asked is answered once.
    let asked = match session::take::<Ceremony>(&session, ASKED).await {
        Ok(Some(asked)) => asked,
        Ok(None) => return Redirect::to("/account/passkeys").into_response(),
        Err(error) => return error.own_page(&state),
    };
    let name = name(&form.name).unwrap_or_else(|| device::describe(session::user_agent(&headers)));
    let added = state
        .portal
        .add_passkey(customer, &asked.state, &form.passkey, &name)
        .await;
    match added {
        Ok(made) => recovery_codes::after(&state, &session, made, "passkey").await,
        Err(fairhold_portal::Error::Passkey) => refused(&state),
        Err(error) => PortalError::from(error).own_page(&state),
    }
}

/// `POST /account/passkeys/name`
pub async fn rename(
    State(state): State<AppState>,
    ProvenForm(customer, form): ProvenForm<Rename>,
) -> Response {
    let Some(name) = name(&form.name) else {
        return Redirect::to("/account/passkeys").into_response();
    };
    let renamed = state.portal.rename_passkey(&customer, &form.id, &name);
    match renamed.await {
        Ok(()) => Redirect::to("/account/passkeys?done=name").into_response(),
        Err(error) => PortalError::from(error).own_page(&state),
    }
}

/// `POST /account/passkeys/off`
pub async fn remove(
    State(state): State<AppState>,
    ProvenForm(customer, form): ProvenForm<Remove>,
) -> Response {
    match state.portal.remove_passkey(customer, &form.id).await {
        Ok(()) => Redirect::to("/account/passkeys?done=off").into_response(),
        Err(error) => PortalError::from(error).own_page(&state),
    }
}

/// A name as it is kept; `None` where nothing was written.
fn name(typed: &str) -> Option<String> {
    let seen = typed.chars().filter(|c| !c.is_control());
    let name: String = seen.take(LONGEST_NAME).collect();
    let name = name.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

fn show(
    state: &AppState,
    passkeys: Vec<OwnPasskey>,
    draft: &Draft,
    done: Option<&str>,
) -> Response {
    let (renamed, typed) = (draft.get("id"), draft.get("name"));
    let typed = move |passkey: &OwnPasskey| {
        (passkey.passkey_id == renamed && !typed.is_empty()).then(|| typed.clone())
    };
    let done = match done {
        Some("name") => Some("The new name is saved."),
        Some("off") => Some("The passkey is taken off. Delete it on your device too."),
        _ => None,
    };
    let can_add = state.portal.has_passkeys();
    Page::own("Passkeys", "/account/passkeys", None).render(state, move || {
        let add = if can_add {
            let primary = passkeys.is_empty().then_some("primary");
            view! {
                <form method="post" action="/account/passkeys" class="tools">
                    <button class=primary>"Add a passkey"</button>
                </form>
            }
            .into_any()
        } else {
            view! { <p class="notice">"Passkeys do not work at this address. They need a name such as localhost, and no bare number."</p> }
                .into_any()
        };
        let none = passkeys.is_empty().then(|| view! { <p class="empty">"You have no passkey yet."</p> });
        view! {
            {done.map(|words| view! { <p class="notice" role="status">{words}</p> })}
            <div>
                <h1>"Passkeys"</h1>
                <p class="lead">"With a passkey you log in by your finger, your face or your PIN. Nobody can guess it or steal it from us. When you have one, your password alone is not enough any more."</p>
            </div>
            {none}
            {passkeys.into_iter().map(|passkey| {
                let typed = typed(&passkey);
                view! { <About passkey typed /> }
            }).collect_view()}
            {add}
            <p class="onward"><a href="/account">"Back to your log-in"</a></p>
        }
    })
}

/// One passkey, with what can be done to it, and the name that was typed for it before its customer was asked who they are.
#[component]
fn About(passkey: OwnPasskey, typed: Option<String>) -> impl IntoView {
    let OwnPasskey {
        passkey_id,
        name,
        added,
        used,
    } = passkey;
    let used = used.map_or_else(
        || "Not used yet.".to_owned(),
        |used| format!("Used {used}."),
    );
    let field = format!("name-{passkey_id}");
    let open = typed.is_some();
    let in_field = typed.unwrap_or_else(|| name.clone());
    view! {
        <section class="card">
            <h2>{name.clone()}</h2>
            <p class="fine">{format!("Added {added}. {used}")}</p>
            <details open=open>
                <summary>"Change the name"</summary>
                <form method="post" action="/account/passkeys/name">
                    <input type="hidden" name="id" value=passkey_id.clone() />
                    <div class="field">
                        <label for=field.clone()>"Name"</label>
                        <input id=field name="name" type="text" autocomplete="off" required=true maxlength=LONGEST_NAME.to_string() value=in_field />
                    </div>
                    <button>"Save the name"</button>
                </form>
            </details>
            <form method="post" action="/account/passkeys/off" class="alone">
                <input type="hidden" name="id" value=passkey_id />
                <button aria-label=format!("Take it off: {name}")>"Take it off"</button>
            </form>
        </section>
    }
}

fn show_new(state: &AppState, options: String, name: String) -> Response {
    Page::own("Add a passkey", "/account/passkeys/new", None)
        .with_islands()
        .render(state, move || {
            view! {
                <div>
                    <h1>"Add a passkey"</h1>
                    <p class="lead">"Your device asks for your finger, your face or your PIN. We never see it."</p>
                </div>
                <form method="post" action="/account/passkeys/new" class="card">
                    <NameField value=name hint="So that you know it again, such as “my phone”." longest=LONGEST_NAME />
                    <Passkey act=PasskeyAct::Make options words="Make a passkey".to_owned() />
                </form>
                <p class="onward"><a href="/account/passkeys">"Not now"</a></p>
            }
        })
}

const WRONG: &str = "We could not use what your device sent. Nothing was added. Try again.";

fn refused(state: &AppState) -> Response {
    Page::own("Add a passkey", "/account/passkeys/new", None)
        .with_status(StatusCode::UNPROCESSABLE_ENTITY)
        .render(state, || {
            view! {
                <ErrorSummary error=Some(WRONG.to_owned()) field="again" />
                <h1>"Add a passkey"</h1>
                <form method="post" action="/account/passkeys" class="tools" id="again">
                    <button class="primary">"Try again"</button>
                </form>
                <p class="onward"><a href="/account/passkeys">"Not now"</a></p>
            }
        })
}
