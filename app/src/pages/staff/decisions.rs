//! What was done: what the staff, other systems and the operator were allowed and refused, for whoever may read it.

use axum::extract::{Query, State};
use axum::response::Response;
use leptos::prelude::*;
use serde::Deserialize;

use crate::render::Page;
use crate::staff_session::{StaffIn, staff_error};
use crate::state::AppState;

/// What stands behind the page's address: a number in the record.
#[derive(Deserialize)]
pub struct Asked {
    before: Option<i64>,
}

/// `GET /staff/decisions`
pub async fn page(State(state): State<AppState>, staff: StaffIn, asked: Query<Asked>) -> Response {
    let told = match state.portal.decisions_told(staff.by(), asked.before).await {
        Ok(told) => told,
        Err(error) => return staff_error(&state, error),
    };
    Page::of_staff("What was done", "/staff/decisions", staff.0.role()).render(&state, move || {
        let lines = told.decisions.into_iter().map(|decision| {
            view! {
                <li class=if decision.allowed { "own" } else { "other" }>
                    <time datetime=decision.at>{decision.when}</time>
                    <p>{decision.sentence}</p>
                </li>
            }
        });
        let lines = lines.collect_view();
        let older = told.next.map(|seq| {
            view! { <a class="button" href=format!("/staff/decisions?before={seq}")>"Show older lines"</a> }
        });
        view! {
            <div>
                <h1>"What was done"</h1>
                <p class="lead">"What our people and our systems asked to do here, and whether they might. Nobody can change or delete a line without our noticing."</p>
            </div>
            <section class="card">
                <ol class="timeline">{lines}</ol>
                <p class="pager">{older}</p>
            </section>
            <p class="onward"><a href="/staff">"Back to your work"</a></p>
        }
    })
}
