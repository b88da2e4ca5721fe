//! Delete your data: what would go, what stays and why, and the buttons that do it or stop it (P17).

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use fairhold_domain::access::join;
use fairhold_domain::erasure::KeptPart;
use fairhold_domain::facts::{capitalised, in_sentence};
use fairhold_domain::present::number;
use fairhold_portal::erasure::{Asked, Preview, TablePreview, When};
use fairhold_portal::{Customer, Error};
use leptos::prelude::*;
use serde::Deserialize;

use crate::error::PortalError;
use crate::render::Page;
use crate::session::LoggedIn;
use crate::state::AppState;
use crate::step_up::ProvenForm;

const HERE: &str = "/delete";
const NOT_TICKED: &str = "Tick the box first. Then nobody can say that it was by mistake.";
/// Seconds after which the page looks again while it is done.
const LOOK_AGAIN: u32 = 2;

/// The form's fields.
#[derive(Deserialize)]
pub struct Wish {
    act: Act,
    /// Whether the box is ticked that says: I know that this can not be undone.
    #[serde(default)]
    sure: String,
}

/// What a button asks for.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Act {
    Later,
    Now,
    Stop,
}

/// `GET /delete`
pub async fn page(State(state): State<AppState>, LoggedIn(customer): LoggedIn) -> Response {
    show(&state, &customer, false).await
}

/// `POST /delete`: asks for it, or stops it.
pub async fn submit(
    State(state): State<AppState>,
    ProvenForm(customer, wish): ProvenForm<Wish>,
) -> Response {
    let portal = &state.portal;
    let now = wish.act == Act::Now;
    let done = match wish.act {
        Act::Stop => portal.call_erasure_off(&customer).await,
        Act::Now if wish.sure != "yes" => {
            return show(&state, &customer, true).await;
        }
        act => {
            let when = if act == Act::Now {
                When::Now
            } else {
                When::Later
            };
            portal.ask_to_be_erased(customer, when).await
        }
    };
    match done {
        Ok(()) if now => begun(&state),
        // One that has begun says so on the page.
        Ok(()) | Err(Error::ErasureBegan) => Redirect::to(HERE).into_response(),
        Err(error) => PortalError::from(error).own_page(&state),
    }
}

/// `wrong`: the box was not ticked.
async fn show(state: &AppState, customer: &Customer, wrong: bool) -> Response {
    let preview = match state.portal.erasure_preview(customer).await {
        Ok(preview) => preview,
        Err(error) => return PortalError::from(error).own_page(state),
    };
    let status = if wrong {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    let begun = preview.asked.as_ref().is_some_and(|asked| asked.begun);
    let page = Page::own("Delete your data", HERE, None).with_status(status);
    let page = page.that_looks_again(begun.then_some(LOOK_AGAIN));
    page.render(state, move || {
        let problem = wrong.then(|| {
            view! {
                <div class="error-summary" role="alert">
                    <p><b>"There is a problem"</b></p>
                    <p><a href="#sure">{NOT_TICKED}</a></p>
                </div>
            }
        });
        let Preview {
            tables,
            silent,
            unproven,
            points,
            asked,
            unreadable_from,
            later,
        } = preview;
        let act = match &asked {
            Some(asked) if asked.begun => under_way(asked).into_any(),
            Some(asked) => waiting(asked, wrong).into_any(),
            None => ().into_any(),
        };
        view! {
            {problem}
            <div>
                <h1>"Delete your data"</h1>
                <p class="lead">"You can have everything erased that we hold about you, in all our systems."{(!begun).then_some(" Below you see table by table what goes, and what the law makes us keep.")}</p>
            </div>
            {act}
            {(!begun).then(|| view! {
                <Tables tables silent unproven />
                <WhatElse points unreadable_from />
            })}
            {(!begun).then(|| view! {
                <p class="notice">"Do you want to keep a copy first? "<a href="/download">"Take your data"</a></p>
            })}
            {asked.is_none().then(|| choices(&later, wrong))}
        }
    })
}

/// The box to tick before what can't be stopped; `wrong` where it was left out.
fn sure(wrong: bool) -> impl IntoView {
    let error = wrong.then(|| view! { <p class="error" id="sure-error">{NOT_TICKED}</p> });
    view! {
        {error}
        <label class="tick"><input type="checkbox" id="sure" name="sure" value="yes" aria-invalid=wrong.then_some("true") aria-describedby=wrong.then_some("sure-error") />"I know that this can not be undone."</label>
    }
}

/// The two buttons: with a week to think, and without.
fn choices(later: &str, wrong: bool) -> impl IntoView + use<> {
    view! {
        <section class="card" id="erase">
            <h2>"Erase everything"</h2>
            <form method="post" action=HERE>
                <p>{format!("We wait for a week, until {later}. Until then you can stop it with one click, and no system can put anything new about you in here.")}</p>
                <p class="tools"><button name="act" value="later">"Erase it in a week"</button></p>
            </form>
            <form method="post" action=HERE>
                <p>"Or we do it now. Then it can not be stopped any more."</p>
                {sure(wrong)}
                <p class="tools"><button name="act" value="now">"Erase it now"</button></p>
            </form>
        </section>
    }
}

fn waiting(asked: &Asked, wrong: bool) -> impl IntoView + use<> {
    let day = asked.day.clone();
    view! {
        <section class="card" id="asked">
            <h2>"You asked us to erase everything"</h2>
            <p role="status">{format!("We do it on {day}. Until then nothing is touched, and no system can put anything new about you in here.")}</p>
            <form method="post" action=HERE class="tools">
                <button class="primary" name="act" value="stop">"Stop it"</button>
            </form>
            <form method="post" action=HERE>
                {sure(wrong)}
                <p class="tools"><button name="act" value="now">"Do not wait, erase it now"</button></p>
            </form>
        </section>
    }
}

fn under_way(asked: &Asked) -> impl IntoView + use<> {
    let failing = (!asked.failing.is_empty()).then(|| {
        let names = capitalised(&join(asked.failing.iter().map(|name| in_sentence(name))));
        view! { <p class="notice mind">{format!("{names} has not done its part yet. We try again until it has.")}</p> }
    });
    view! {
        <section class="card" id="asked">
            <h2>"We are erasing it"</h2>
            <p role="status">{BEGUN}</p>
            {failing}
        </section>
    }
}

/// What whoever had it erased at once reads.
const BEGUN: &str = "It has begun. We send you a mail with your certificate when every part is done. Then this log-in is gone.";

/// The answer to "now": the log-in may be gone before another page is asked for.
fn begun(state: &AppState) -> Response {
    Page::open("We are erasing your data", "").render(state, || {
        view! {
            <div>
                <h1>"We are erasing your data"</h1>
                <p class="lead">{BEGUN}</p>
            </div>
            <p class="onward"><a href=HERE>"See how far it is"</a></p>
        }
    })
}

/// Table by table: what goes, what is written over, what stays and why.
#[component]
fn Tables(tables: Vec<TablePreview>, silent: Vec<String>, unproven: Vec<String>) -> impl IntoView {
    let silent = (!silent.is_empty()).then(|| {
        let names = capitalised(&join(silent.iter().map(|name| in_sentence(name))));
        view! { <p class="notice mind">{format!("{names} does not answer just now, so we can not show what is there. We erase nothing before it answers.")}</p> }
    });
    let unproven = unproven.into_iter().map(|name| {
        let name = capitalised(&in_sentence(&name));
        view! { <p class="notice mind">{format!("{name} has entries with your address that may be somebody else’s, so they stay. ")}<a href="/my-data">"My data tells you what to do"</a></p> }
    });
    let unproven = unproven.collect_view();
    let mut systems: Vec<(String, Vec<TablePreview>)> = Vec::new();
    for table in tables {
        match systems.iter_mut().find(|(name, _)| *name == table.system) {
            Some((_, tables)) => tables.push(table),
            None => systems.push((table.system.clone(), vec![table])),
        }
    }
    let systems = systems.into_iter().map(|(name, tables)| {
        let rows = tables.into_iter().map(|table| {
            let parts = by_reason(table.kept_parts).into_iter().map(|(labels, why)| {
                view! { <li><b>{join(labels.into_iter())}</b>": "{why}</li> }
            });
            let parts = parts.collect_view();
            let goes = (table.goes > 0).then(|| {
                let words = match (table.shared, table.goes) {
                    (true, 1) => "goes, if nobody else needs it",
                    (true, _) => "go, if nobody else needs them",
                    (false, 1) => "goes",
                    (false, _) => "go",
                };
                view! { <p><b>{entries(table.goes)}</b>" "{words}"."</p> }
            });
            let changes = (table.changes > 0).then(|| {
                let parts = table.changed_parts.iter().cloned();
                let parts = parts.map(|part| view! { <li>{part}</li> }).collect_view();
                view! {
                    <p>"We write over parts of "<b>{entries(table.changes)}</b>", so that they lead to nobody."</p>
                    <details>
                        <summary>"Which parts we write over"</summary>
                        <ul>{parts}</ul>
                    </details>
                }
            });
            let only_stays = (table.goes == 0 && table.changes == 0).then(|| {
                view! { <p>"We keep "<b>{entries(table.stays)}</b>" for now."</p> }
            });
            let stays = (table.stays > 0).then(|| {
                view! {
                    <details>
                        <summary>{format!("What stays in {}", entries(table.stays))}</summary>
                        <ul>{parts}</ul>
                    </details>
                }
            });
            view! {
                <li class="stacked">
                    <h3>{table.label}</h3>
                    {goes}
                    {changes}
                    {only_stays}
                    {stays}
                </li>
            }
        });
        view! {
            <section class="card">
                <h2>{name}</h2>
                <ul class="plain-list">{rows.collect_view()}</ul>
            </section>
        }
    });
    view! {
        {silent}
        {unproven}
        {systems.collect_view()}
    }
}

#[component]
fn WhatElse(points: u64, unreadable_from: String) -> impl IntoView {
    let points = (points > 0).then(|| {
        view! { <li>{format!("You lose {} points. You may want to spend them first.", number(points))}</li> }
    });
    view! {
        <section class="card">
            <h2>"What else changes"</h2>
            <ul>
                {points}
                <li>"You can not log in here any more. You can make a new log-in at any time."</li>
                <li>"What stands in our copies can not be read any more, because we destroy the key that opens it. The last copy of the key is gone on "{unreadable_from}"."</li>
                <li>"You get a certificate. It says what is gone and what stays, and has nothing about you in it."</li>
            </ul>
        </section>
    }
}

/// Parts that stay for the same reason, together: a reason is read once.
fn by_reason(parts: Vec<KeptPart>) -> Vec<(Vec<String>, String)> {
    let mut reasons: Vec<(Vec<String>, String)> = Vec::new();
    for KeptPart { label, why } in parts {
        match reasons.iter_mut().find(|(_, known)| *known == why) {
            Some((labels, _)) => labels.push(label),
            None => reasons.push((vec![label], why)),
        }
    }
    reasons
}

fn entries(rows: u64) -> String {
    match rows {
        1 => "1 entry".to_owned(),
        rows => format!("{} entries", number(rows)),
    }
}
