//! Keys of other systems: for administrators, who make and end them. A new key is shown on the page that answers, once.

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use fairhold_domain::policy::Scope;
use fairhold_domain::present;
use fairhold_portal::api_keys::{ApiKey, NewApiKey};
use leptos::prelude::*;
use serde::Deserialize;

use crate::error::PortalError;
use crate::pages::form::PageForm;
use crate::render::Page;
use crate::staff_session::{StaffIn, staff_error};
use crate::state::AppState;
use crate::ui::field::{ErrorSummary, NameField};

const DAY: i64 = 24 * 3600;
/// The longest time for which the page makes a key, in days.
const MOST_DAYS: i64 = 3650;

/// What stands behind the page's address.
#[derive(Deserialize)]
pub struct Asked {
    done: Option<String>,
}

/// What a new key is for.
#[derive(Deserialize)]
pub struct NewKey {
    /// So that a form that is sent twice makes one key.
    id: Option<String>,
    name: String,
    scope: String,
    #[serde(default)]
    purposes: String,
    days: i64,
}

/// Which key ends.
#[derive(Deserialize)]
pub struct Ended {
    id: String,
}

/// `GET /staff/keys`
pub async fn page(State(state): State<AppState>, staff: StaffIn, asked: Query<Asked>) -> Response {
    let done = (asked.done.as_deref() == Some("ended")).then_some("The key has ended.");
    show(
        &state,
        &staff,
        Told {
            done,
            ..Told::default()
        },
    )
    .await
}

/// `POST /staff/keys`: makes a key and shows it.
pub async fn create(
    State(state): State<AppState>,
    staff: StaffIn,
    PageForm(form): PageForm<NewKey>,
) -> Response {
    let (Some(scope), 1..=MOST_DAYS) = (Scope::parse(&form.scope), form.days) else {
        return PortalError::BadRequest.page(&state);
    };
    let purposes = form.purposes.split([',', ' ', '\n', '\r']);
    let purposes = purposes.filter(|purpose| !purpose.is_empty());
    let mut purposes: Vec<String> = purposes.map(str::to_owned).collect();
    purposes.sort_unstable();
    purposes.dedup();
    let new = NewApiKey {
        id: form.id,
        name: form.name.clone(),
        scopes: vec![scope],
        purposes,
        expires_at: state.portal.now().plus_seconds(form.days * DAY),
    };
    let told = match state.portal.create_api_key(staff.by(), new).await {
        Ok(made) => Told {
            made: Some(made.key),
            ..Told::default()
        },
        Err(fairhold_portal::Error::ApiKey) => Told {
            wrong: Some("Give the system a name of at most 100 letters, and shorter purposes."),
            ..Told::default()
        },
        Err(fairhold_portal::Error::UnknownPurpose) => Told {
            wrong: Some("The catalog has no such purpose. Write the keys of those that it has."),
            ..Told::default()
        },
        Err(fairhold_portal::Error::MadeAlready) => Told {
            done: Some(
                "This key was made already, and shown once. If you did not copy it, end it and make another.",
            ),
            ..Told::default()
        },
        Err(error) => return staff_error(&state, error),
    };
    show(&state, &staff, told).await
}

/// `POST /staff/keys/end`
pub async fn end(
    State(state): State<AppState>,
    staff: StaffIn,
    PageForm(form): PageForm<Ended>,
) -> Response {
    match state.portal.revoke_api_key(staff.by(), &form.id).await {
        Ok(()) => Redirect::to("/staff/keys?done=ended").into_response(),
        Err(error) => staff_error(&state, error),
    }
}

/// What the page says on top.
#[derive(Default)]
struct Told {
    made: Option<String>,
    done: Option<&'static str>,
    wrong: Option<&'static str>,
}

async fn show(state: &AppState, staff: &StaffIn, told: Told) -> Response {
    let keys = match state.portal.list_api_keys(staff.by()).await {
        Ok(keys) => keys,
        Err(error) => return staff_error(state, error),
    };
    let status = if told.wrong.is_some() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    let new_id = state.portal.name_of_new_key();
    let current = state.portal.company().current();
    let moment = state.portal.now();
    let now = moment.timestamp();
    Page::of_staff("Keys of our systems", "/staff/keys", staff.0.role())
        .with_status(status)
        .render(state, move || {
            let cards = keys.into_iter().map(|key| {
                let spoken = |at: fairhold_domain::time::Moment| {
                    present::spoken(at.timestamp(), now, &current.zone)
                };
                let used = key.last_used_at.map_or_else(
                    || "Never used.".to_owned(),
                    |at| format!("Last used {}.", spoken(at)),
                );
                let works = key.works(moment);
                let ends = if works {
                    format!("Ends {}.", spoken(key.expires_at))
                } else {
                    "Has ended.".to_owned()
                };
                let made = format!("Made {}.", spoken(key.created_at));
                card(key, works, &format!("{made} {ends} {used}"))
            });
            let made = told.made.map(|key| {
                view! {
                    <section class="card" role="status">
                        <h2>"The new key"</h2>
                        <p><code class="key">{key}</code></p>
                        <p>"We show it this once. Put it where the system reads its secrets."</p>
                    </section>
                }
            });
            let scopes = Scope::ALL
                .map(|scope| view! { <option value=scope.key()>{scope.key()}</option> })
                .collect_view();
            view! {
                <ErrorSummary error=told.wrong.map(str::to_owned) field="name" />
                {told.done.map(|words| view! { <p class="notice" role="status">{words}</p> })}
                <h1>"Keys of our systems"</h1>
                {made}
                <form method="post" action="/staff/keys" class="card">
                    <h2>"Make a key"</h2>
                    <input type="hidden" name="id" value=new_id />
                    <NameField value=String::new() hint="What you call the system, such as The shop till." longest=100 />
                    <div class="field">
                        <label for="scope">"What it may do"</label>
                        <select id="scope" name="scope">{scopes}</select>
                    </div>
                    <div class="field">
                        <label for="purposes">"Purposes that it may ask about"</label>
                        <p class="hint" id="purposes-hint">"Their keys, with commas between them. You may leave this empty."</p>
                        <input id="purposes" name="purposes" type="text" autocomplete="off" maxlength="1000" aria-describedby="purposes-hint" />
                    </div>
                    <div class="field">
                        <label for="days">"Days until it ends"</label>
                        <input id="days" name="days" type="number" min="1" max=MOST_DAYS.to_string() value="365" required=true />
                    </div>
                    <button class="primary">"Make the key"</button>
                </form>
                <ul class="outbox">{cards.collect_view()}</ul>
                <p class="onward"><a href="/v1/docs">"See what keys open"</a><a href="/staff">"Back to your work"</a></p>
            }
        })
}

fn card(key: ApiKey, works: bool, state: &str) -> impl IntoView + use<> {
    let scopes: Vec<_> = key.scopes.iter().map(|scope| scope.key()).collect();
    let purposes = if key.purposes.is_empty() {
        "none".to_owned()
    } else {
        key.purposes.join(", ")
    };
    let end = works.then(|| {
        view! {
            <form method="post" action="/staff/keys/end">
                <input type="hidden" name="id" value=key.id.clone() />
                <button>{format!("End the key of {}", key.name)}</button>
            </form>
        }
    });
    view! {
        <li class="card">
            <header>
                <h2>{key.name.clone()}</h2>
                <p class="fine">{state.to_owned()}</p>
            </header>
            <p>{format!("It may do: {}. Purposes: {purposes}.", scopes.join(", "))}</p>
            {end}
        </li>
    }
}
