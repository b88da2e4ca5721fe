//! What the company asks for: how many said what, and which asks are paused. Counts alone: nobody learns who.

use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use fairhold_domain::policy::Action;
use fairhold_domain::present::number;
use fairhold_portal::paused_asks::StaffAsk;
use leptos::prelude::*;
use serde::Deserialize;

use crate::pages::form::PageForm;
use crate::render::Page;
use crate::staff_session::{StaffIn, staff_error};
use crate::state::AppState;

const HERE: &str = "/staff/asks";

/// What stands behind the page's address.
#[derive(Deserialize)]
pub struct Asked {
    done: Option<String>,
}

/// Which ask to pause, or to go on with.
#[derive(Deserialize)]
pub struct Pause {
    ask: String,
    pause: bool,
}

/// `GET /staff/asks`
pub async fn page(State(state): State<AppState>, staff: StaffIn, asked: Query<Asked>) -> Response {
    let asks = match state.portal.list_asks(staff.by()).await {
        Ok(asks) => asks,
        Err(error) => return staff_error(&state, error),
    };
    let done = match asked.done.as_deref() {
        Some("paused") => Some("Nobody is asked this for now. What was answered stays as it is."),
        Some("on") => Some("Customers are asked this again."),
        _ => None,
    };
    let may_pause = staff.0.role().may(Action::PauseAsks);
    Page::of_staff("What we ask for", HERE, staff.0.role()).render(&state, move || {
        let none = asks
            .is_empty()
            .then(|| view! { <p class="empty">"The catalog asks customers for nothing."</p> });
        let cards = asks.into_iter().map(|ask| card(ask, may_pause));
        view! {
            {done.map(|words| view! { <p class="notice" role="status">{words}</p> })}
            <div>
                <h1>"What we ask for"</h1>
                <p class="lead">"One thing at a time, in steps. You see how many said what, and never who."</p>
            </div>
            {none}
            <ul class="outbox">{cards.collect_view()}</ul>
            <p class="onward"><a href="/staff">"Back to your work"</a></p>
        }
    })
}

/// `POST /staff/asks`: pauses one, or goes on with it.
pub async fn pause(
    State(state): State<AppState>,
    staff: StaffIn,
    PageForm(form): PageForm<Pause>,
) -> Response {
    let paused = state.portal.pause_ask(staff.by(), &form.ask, form.pause);
    match paused.await {
        Ok(()) => {
            let done = if form.pause { "paused" } else { "on" };
            Redirect::to(&format!("{HERE}?done={done}")).into_response()
        }
        Err(error) => staff_error(&state, error),
    }
}

fn card(ask: StaffAsk, may_pause: bool) -> impl IntoView + use<> {
    let state = if ask.paused {
        "Paused: nobody is asked"
    } else {
        "Customers are asked"
    };
    let points = match ask.points {
        0 => "no points".to_owned(),
        1 => "1 point".to_owned(),
        points => format!("{} points", number(points.into())),
    };
    let form = may_pause.then(|| {
        let (value, words) = if ask.paused {
            ("false", "Ask again")
        } else {
            ("true", "Pause it")
        };
        view! {
            <form method="post" action=HERE>
                <input type="hidden" name="ask" value=ask.key.clone() />
                <button name="pause" value=value>
                    {words}
                    <span class="visually-hidden">{format!(": {}", ask.question)}</span>
                </button>
            </form>
        }
    });
    view! {
        <li class="card">
            <header>
                <h2>{ask.question.clone()}</h2>
                <p class="fine">{state}</p>
            </header>
            <p>{ask.purpose}</p>
            <dl>
                <dt>"Said yes"</dt><dd>{number(ask.yes)}</dd>
                <dt>"Said no"</dt><dd>{number(ask.no)}</dd>
                <dt>"Said “not now”"</dt><dd>{number(ask.not_now)}</dd>
            </dl>
            <p class="fine">{format!("Step {}, {points}.", ask.step)}</p>
            {form}
        </li>
    }
}
