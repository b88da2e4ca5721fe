//! What follows every request for a link, whether or not a mail was sent.

use axum::extract::State;
use axum::response::Response;
use leptos::prelude::*;

use crate::render::Page;
use crate::session::LoggedIn;
use crate::state::AppState;

/// `GET /check-your-mail`
pub async fn page(State(state): State<AppState>, visitor: Option<LoggedIn>) -> Response {
    let demo = state.portal.settings().demo;
    Page::for_visitor("Check your mail", "/check-your-mail", visitor.as_ref()).render(&state, move || {
        let outbox = demo.then(|| {
            view! { <p class="notice">"This is a demo, so no mail leaves it. "<a href="/demo/outbox">"Read the mail here"</a>"."</p> }
        });
        view! {
            <div>
                <h1>"Check your mail"</h1>
                <p class="lead">"If we can help, a mail is on its way to you. Open the link in it within 30 minutes."</p>
            </div>
            {outbox}
            <p>"No mail? Look in your spam folder, check the address for a typing mistake, and "<a href="/sign-up">"try again"</a>"."</p>
        }
    })
}
