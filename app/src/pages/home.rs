//! The first page: what this is, and the way in.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use leptos::prelude::*;

use crate::render::Page;
use crate::session::LoggedIn;
use crate::state::AppState;

/// `GET /`: who is logged in goes on to the data.
pub async fn page(State(state): State<AppState>, visitor: Option<LoggedIn>) -> Response {
    if visitor.is_some() {
        return Redirect::to("/my-data").into_response();
    }
    let current = state.portal.company().current();
    let company = &current.catalog.company;
    let name = company.name.clone();
    let never: Vec<String> = company
        .never_collected
        .iter()
        .map(|n| n.words.clone())
        .collect();
    Page::open("Your data", "/").render(&state, move || {
        let never = (!never.is_empty()).then(|| {
            let items = never.into_iter().map(|words| view! { <li>{words}</li> }).collect_view();
            view! {
                <section class="card">
                    <h2>"What we never collect"</h2>
                    <ul>{items}</ul>
                </section>
            }
        });
        view! {
            <div>
                <h1>{format!("See everything {name} holds about you")}</h1>
                <p class="lead">
                "Every fact, in plain English: what it is, why we have it, where it came from, who looked at it, and how long we keep it."
            </p>
            </div>
            <p class="tools">
                <a class="button primary" href="/sign-up">"See my data"</a>
                <a class="button" href="/log-in">"Log in"</a>
            </p>
            <section class="card">
                <h2>"How it works"</h2>
                <ol>
                    <li>"Write your e-mail address. We ask for nothing else."</li>
                    <li>"Open the mail that we send you, and choose a password."</li>
                    <li>"See what our systems know under this address."</li>
                </ol>
            </section>
            {never}
        }
    })
}
