//! Take your data: a copy of all that is held, or of a part of it, as one file.

mod file;

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use fairhold_domain::access::join;
use fairhold_domain::export::Wanted;
use fairhold_domain::facts::{capitalised, in_sentence};
use fairhold_domain::present::number;
use fairhold_portal::Customer;
use fairhold_portal::export::{Copies, Copy, Stage};
use leptos::prelude::*;
use serde::Deserialize;

use crate::error::PortalError;
use crate::render::Page;
use crate::session::LoggedIn;
use crate::state::AppState;
use crate::step_up::{Draft, ProvenForm};

pub use file::file;

const HERE: &str = "/download";
/// A small copy is there when the page comes back: so long it waits for it.
const WAIT: Duration = Duration::from_secs(2);
/// Seconds after which the page looks again while a copy is made.
const LOOK_AGAIN: u32 = 2;

/// The form's fields: what to do, and with what.
#[derive(Deserialize)]
pub struct Asked {
    act: Act,
    #[serde(default)]
    what: String,
    #[serde(default)]
    id: String,
}

/// What a button asks for.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Act {
    Take,
    Cancel,
    Delete,
    Again,
}

/// `GET /download`
pub async fn page(
    State(state): State<AppState>,
    LoggedIn(customer): LoggedIn,
    draft: Draft,
) -> Response {
    show(&state, &customer, None, &draft.get("what")).await
}

/// `POST /download`: asks for a copy and waits a moment for it, calls one off, deletes one, or tries once more.
pub async fn submit(
    State(state): State<AppState>,
    ProvenForm(customer, asked): ProvenForm<Asked>,
) -> Response {
    let portal = &state.portal;
    let done = match asked.act {
        Act::Take => match Wanted::parse(&asked.what) {
            Some(wanted) => portal.ask_for_copy(&customer, wanted).await.map(Some),
            None => return PortalError::BadRequest.own_page(&state),
        },
        Act::Again => portal.try_copy_again(&customer, &asked.id).await.map(Some),
        Act::Cancel => portal
            .cancel_copy(&customer, &asked.id)
            .await
            .map(|()| None),
        Act::Delete => portal
            .delete_copy(&customer, &asked.id)
            .await
            .map(|()| None),
    };
    match done {
        Ok(made) => {
            if let Some(id) = made {
                portal.wait_for_copy(&customer, &id, WAIT).await;
            }
            Redirect::to(HERE).into_response()
        }
        Err(fairhold_portal::Error::TooManyCopies) => {
            let words = "You have as many copies as we can keep for you. Delete one, or wait until one is ready. Then ask again.";
            show(&state, &customer, Some(words), &asked.what).await
        }
        Err(error) => PortalError::from(error).own_page(&state),
    }
}

async fn show(
    state: &AppState,
    customer: &Customer,
    problem: Option<&'static str>,
    picked: &str,
) -> Response {
    let copies = match state.portal.copies(customer).await {
        Ok(copies) => copies,
        Err(error) => return PortalError::from(error).own_page(state),
    };
    let status = if problem.is_some() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    let waits = copies.copies.iter().any(|copy| copy.stage.is_under_way());
    let page = Page::own("Take your data", HERE, None).with_status(status);
    let page = page.that_looks_again(waits.then_some(LOOK_AGAIN));
    let picked = picked.to_owned();
    page.render(state, move || view_of(copies, problem, &picked))
}

fn view_of(copies: Copies, problem: Option<&'static str>, picked: &str) -> impl IntoView + use<> {
    let Copies {
        copies,
        systems,
        headings,
        has_room,
    } = copies;
    let options = |all: Vec<(String, String)>| {
        all.into_iter()
            .map(|(value, words)| {
                let is_picked = value == picked;
                view! { <option value=value selected=is_picked>{words}</option> }
            })
            .collect_view()
    };
    let a_part = !picked.is_empty() && picked != "everything";
    let (headings, systems) = (options(headings), options(systems));
    let problem = problem.map(|words| view! { <p class="notice bad" role="alert">{words}</p> });
    let choice = if has_room {
        view! {
            <section class="card">
                <h2>"Make a copy"</h2>
                <p>"It has all that this portal shows you, from all our systems. You get a page that you can read, tables for a spreadsheet, and files for other programs."</p>
                <form method="post" action=HERE class="alone">
                    <input type="hidden" name="what" value="everything" />
                    <button class="primary" name="act" value="take">"Make a copy of everything"</button>
                </form>
                <details open=a_part>
                    <summary>"I want only a part"</summary>
                    <form method="post" action=HERE>
                        <div class="field">
                            <label for="what">"Which part"</label>
                            <select id="what" name="what">
                                <optgroup label="By what it is about">{headings}</optgroup>
                                <optgroup label="By where we hold it">{systems}</optgroup>
                            </select>
                        </div>
                        <button name="act" value="take">"Make a copy of this part"</button>
                    </form>
                </details>
            </section>
        }
        .into_any()
    } else {
        view! { <p class="empty">"You have as many copies as we can keep for you. Delete one to make a new one."</p> }.into_any()
    };
    let list = (!copies.is_empty()).then(|| {
        let items = copies.into_iter().map(|copy| view! { <Item copy /> });
        view! {
            <section class="card" id="copies">
                <h2>"Your copies"</h2>
                <ul class="plain-list">{items.collect_view()}</ul>
            </section>
        }
    });
    view! {
        {problem}
        <div>
            <h1>"Take your data"</h1>
            <p class="lead">"Get a copy of what we hold about you, as one file. It is yours: read it, keep it, or give it to somebody else."</p>
        </div>
        {list}
        {choice}
        <p class="fine">"We keep each copy for seven days, locked so that nobody but you can open it. Who looked tells you each time that one is taken."</p>
    }
}

/// One copy, how far it is, and what can be done with it.
#[component]
fn Item(copy: Copy) -> impl IntoView {
    let Copy {
        id,
        what,
        asked,
        stage,
        missing,
    } = copy;
    let button = |act: &'static str, label: &'static str, about: &str| {
        view! {
            <form method="post" action=HERE>
                <input type="hidden" name="id" value=id.clone() />
                <button name="act" value=act>{label}<span class="visually-hidden">{format!(": {about}")}</span></button>
            </form>
        }
    };
    let again = |label: &'static str| button("again", label, &what);
    let delete = || button("delete", "Delete it", &what);
    let state = match &stage {
        Stage::Waiting => view! {
            <p role="status">"It is next. This page looks again by itself."</p>
            <div class="tools">{button("cancel", "Stop", &what)}</div>
        }
        .into_any(),
        Stage::Working { done, expected } => {
            let words = match expected {
                Some(expected) => format!(
                    "We are making it: {} of about {} rows. This page looks again by itself.",
                    number(*done),
                    number(*expected)
                ),
                None => "We are counting what we hold. This page looks again by itself.".to_owned(),
            };
            let bar = expected.filter(|expected| *expected > 0).map(|expected| {
                view! { <progress value=done.to_string() max=expected.to_string() aria-label="How much is done"></progress> }
            });
            view! {
                <p role="status">{words}</p>
                {bar}
                <div class="tools">{button("cancel", "Stop", &what)}</div>
            }
            .into_any()
        }
        Stage::Ready { size, until } => {
            let lacks = (!missing.is_empty()).then(|| {
                let names = capitalised(&join(missing.iter().map(|name| in_sentence(name))));
                let words = format!("{names} did not answer. Everything else is here.");
                view! { <p class="notice mind">{words}</p> }
            });
            let once_more = (!missing.is_empty()).then(|| again("Try again"));
            view! {
                {lacks}
                <p class="fine">{format!("It is ready. It is {size} long, and we keep it until {until}.")}</p>
                <div class="tools">
                    <a class="button primary" href=format!("{HERE}/{id}") download="">"Download it"<span class="visually-hidden">{format!(": {what}")}</span></a>
                    {once_more}
                    {delete()}
                </div>
            }
            .into_any()
        }
        Stage::Failed => view! {
            <p class="notice bad">"Something went wrong on our side, so there is no copy. Try again."</p>
            <div class="tools">{again("Try again")}{delete()}</div>
        }
        .into_any(),
        Stage::Cancelled => view! {
            <p>"You stopped it, so there is no copy."</p>
            <div class="tools">{again("Try again")}{delete()}</div>
        }
        .into_any(),
    };
    view! {
        <li>
            <p><b>{what.clone()}</b><br /><span class="fine">{format!("You asked for it {asked}.")}</span></p>
            {state}
        </li>
    }
}
