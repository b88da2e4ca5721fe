//! Who looked: every look, in sentences (P22).

use axum::extract::{Query, State};
use axum::response::Response;
use leptos::prelude::*;
use serde::Deserialize;

use crate::error::PortalError;
use crate::render::Page;
use crate::session::LoggedIn;
use crate::state::AppState;

/// What stands behind the page's address: a number in the customer's own chain, nothing personal.
#[derive(Deserialize)]
pub struct Asked {
    before: Option<i64>,
}

/// `GET /who-looked`
pub async fn page(
    State(state): State<AppState>,
    LoggedIn(customer): LoggedIn,
    asked: Query<Asked>,
) -> Response {
    let looks = match state.portal.who_looked(&customer, asked.before).await {
        Ok(looks) => looks,
        Err(error) => return PortalError::from(error).own_page(&state),
    };
    // This page shows no value, so it leaves no look; the address on top would be one.
    Page::own("Who looked", "/who-looked", None).render(&state, move || {
        let none = looks.looks.is_empty().then(|| view! { <p class="empty">"Nobody has looked yet."</p> });
        let lines = looks.looks.into_iter().map(|look| {
            let failed = (!look.failed.is_empty())
                .then(|| view! { <p class="fine">{format!("This did not answer then: {}.", look.failed.join(", "))}</p> });
            let reason = look.reason.map(|why| view! { <p class="fine">{format!("Why: {why}")}</p> });
            let parts = look.parts.map(|parts| {
                view! { <details><summary>"Which parts"</summary><p>{format!("{}.", fairhold_domain::facts::capitalised(&parts))}</p></details> }
            });
            view! {
                <li class=if look.own { "own" } else { "other" }>
                    <time datetime=look.at>{look.when}</time>
                    <p>{look.sentence}</p>
                    {parts}
                    {reason}
                    {failed}
                </li>
            }
        });
        let lines = lines.collect_view();
        let older = looks.next.map(|seq| view! { <a class="button" href=format!("/who-looked?before={seq}")>"Show older looks"</a> });
        view! {
            <div>
                <h1>"Who looked"</h1>
                <p class="lead">
                    "Each time somebody looks at your data, we write it down here: you, our people, and our systems. Nobody can change or delete a line without our noticing."
                </p>
            </div>
            <section class="card">
                {none}
                <ol class="timeline">{lines}</ol>
                <p class="pager">{older}</p>
            </section>
        }
    })
}
