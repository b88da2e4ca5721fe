//! The demo's own pages: only in demo mode, and only for this machine.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, State};
use axum::response::Response;
use fairhold_domain::present;
use leptos::prelude::*;

use crate::error::PortalError;
use crate::render::Page;
use crate::state::AppState;

/// `GET /demo/outbox`: the mails that the demo would have sent.
pub async fn outbox(
    State(state): State<AppState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
) -> Response {
    if !peer.ip().to_canonical().is_loopback() {
        return PortalError::NotFound.page(&state);
    }
    let mails = match state.portal.demo_outbox().await {
        Ok(mails) => mails,
        Err(error) => return PortalError::from(error).page(&state),
    };
    let current = state.portal.company().current();
    let now = state.portal.now().timestamp();
    let base = state.portal.settings().public_url.clone();
    Page::open("Mail in the demo", "/demo/outbox").render(&state, move || {
        let none = mails
            .is_empty()
            .then(|| view! { <p class="empty">"No mail yet. "<a href="">"Look again"</a></p> });
        let mails = mails
            .into_iter()
            .map(|(at, mail)| {
                let when = present::spoken(at.timestamp(), now, &current.zone);
                view! {
                    <li class="mail card">
                        <header>
                            <h2>{mail.subject}</h2>
                            <p class="fine">{format!("To {}, {when}", mail.to)}</p>
                        </header>
                        <div>{linked(&mail.text, &base)}</div>
                    </li>
                }
            })
            .collect_view();
        view! {
            <div>
                <h1>"Mail in the demo"</h1>
                <p class="lead">"No mail leaves the demo. It lands here, the newest first."</p>
            </div>
            {none}
            <ul class="outbox">{mails}</ul>
        }
    })
}

/// A mail's text, with links to the portal that can be followed.
fn linked(text: &str, base: &str) -> impl IntoView + use<> {
    text.split("\n\n")
        .map(|paragraph| {
            let paragraph = paragraph.trim().to_owned();
            match paragraph
                .strip_prefix(base)
                .filter(|path| path.starts_with('/'))
            {
                Some(path) => {
                    view! { <p class="onward"><a href=path.to_owned()>{paragraph.clone()}</a></p> }.into_any()
                }
                None => view! { <p>{paragraph}</p> }.into_any(),
            }
        })
        .collect_view()
}
