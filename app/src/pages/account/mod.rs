//! Your account: how a customer gets in, and where they are logged in.

pub mod devices;
pub mod password;

use axum::extract::{Query, State};
use axum::response::Response;
use leptos::prelude::*;
use serde::Deserialize;

use crate::render::Page;
use crate::session::LoggedIn;
use crate::state::AppState;

/// What stands behind the page's address.
#[derive(Deserialize)]
pub struct Asked {
    done: Option<String>,
}

/// `GET /account`
pub async fn page(State(state): State<AppState>, _: LoggedIn, asked: Query<Asked>) -> Response {
    let done = match asked.done.as_deref() {
        Some("password") => {
            Some("Your new password is saved. All your other devices are logged out.")
        }
        _ => None,
    };
    Page::own("Your account", "/account", None).render(&state, move || {
        view! {
            {done.map(|words| view! { <p class="notice" role="status">{words}</p> })}
            <div>
                <h1>"Your account"</h1>
                <p class="lead">"How you get in here, and where you are logged in."</p>
            </div>
            <Way address="/account/password" name="Password" words="Choose a new password." />
            <Way address="/account/devices" name="Devices" words="See where you are logged in. Log out a device that you lost or do not know." />
        }
    })
}

/// The way to a page of the account.
#[component]
fn Way(address: &'static str, name: &'static str, words: &'static str) -> impl IntoView {
    view! {
        <section class="card">
            <h2><a href=address>{name}</a></h2>
            <p>{words}</p>
        </section>
    }
}
