//! The demo's own pages: only in demo mode, and only for this machine.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, FromRequestParts, State};
use axum::http::header::{FORWARDED, HOST};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::response::Response;
use fairhold_domain::present;
use fairhold_portal::demo::ShownStaff;
use leptos::prelude::*;

use crate::error::PortalError;
use crate::render::Page;
use crate::state::AppState;

/// Somebody at this machine, who typed this machine's own name. A page that takes it is not there for anybody else: not
/// for another machine, not through a proxy on this one, and not for a site whose name leads here (DNS rebinding).
pub struct AtThisMachine;

impl FromRequestParts<AppState> for AtThisMachine {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let from_here = peer.is_some_and(|peer| peer.0.ip().to_canonical().is_loopback());
        if from_here && asks_for_this_machine(parts) && !is_passed_on(parts) {
            Ok(Self)
        } else {
            Err(PortalError::NotFound.page(state))
        }
    }
}

/// Whether every name that the request asks for is this machine's own; at least one must be there.
fn asks_for_this_machine(parts: &Parts) -> bool {
    let hosts = parts.headers.get_all(HOST).iter();
    let hosts = hosts.map(|host| Authority::try_from(host.as_bytes()).ok());
    let mut names = hosts
        .chain(parts.uri.authority().cloned().map(Some))
        .peekable();
    names.peek().is_some()
        && names.all(|name| {
            name.is_some_and(|name| {
                let bare = !name.as_str().contains('@');
                bare && ["localhost", "127.0.0.1", "[::1]"]
                    .iter()
                    .any(|own| name.host().eq_ignore_ascii_case(own))
            })
        })
}

/// Whether a proxy says that it passed the request on (RFC 7239, and what was there before it).
fn is_passed_on(parts: &Parts) -> bool {
    parts
        .headers
        .keys()
        .any(|name| name == FORWARDED || name.as_str().starts_with("x-forwarded-"))
}

/// `GET /demo/outbox`: the mails that the demo would have sent.
pub async fn outbox(State(state): State<AppState>, _: AtThisMachine) -> Response {
    let mails = match state.portal.demo_outbox().await {
        Ok(mails) => mails,
        Err(error) => return PortalError::from(error).page(&state),
    };
    let staff = match state.portal.demo_staff().await {
        Ok(staff) => staff,
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
            {staff_keys(staff)}
        }
    })
}

/// The keys from which the apps of the demo's staff make codes.
fn staff_keys(staff: Vec<ShownStaff>) -> impl IntoView {
    (!staff.is_empty()).then(|| {
        let keys = staff.into_iter().map(|person| {
            let who = format!("{}, {}", person.role, person.email);
            view! { <li>{who}<br /><code class="key">{person.code_key}</code></li> }
        });
        view! {
            <section class="card">
                <h2>"Codes of the demo's staff"</h2>
                <p>"The staff log in at "<a href="/staff">"their own door"</a>" with a code as well. Type one of these keys into an app that makes codes."</p>
                <ul>{keys.collect_view()}</ul>
            </section>
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
                    view! { <p class="onward"><a href=path.to_owned()>{paragraph.clone()}</a></p> }
                        .into_any()
                }
                None => view! { <p>{paragraph}</p> }.into_any(),
            }
        })
        .collect_view()
}
