//! Where somebody is logged in, and how to end it (ASVS 5.0, 7.4.2, 7.4.3, 7.5.2).

use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use fairhold_portal::sessions::Device;
use leptos::prelude::*;
use serde::Deserialize;
use tower_sessions::Session;

use crate::error::PortalError;
use crate::pages::form::PageForm;
use crate::render::Page;
use crate::session::{self, LoggedIn};
use crate::state::AppState;

/// What stands behind the page's address.
#[derive(Deserialize)]
pub struct Asked {
    done: Option<String>,
}

/// The form's fields: which device to log out, or all others.
#[derive(Deserialize)]
pub struct LogOut {
    session: Option<String>,
}

/// `GET /account/devices`
pub async fn page(
    State(state): State<AppState>,
    LoggedIn(customer): LoggedIn,
    session: Session,
    asked: Query<Asked>,
) -> Response {
    let this = match session::name(&session).await {
        Ok(this) => this,
        Err(error) => return error.own_page(&state),
    };
    match state.portal.devices(&customer).await {
        Ok(devices) => show(&state, devices, &this, asked.done.as_deref()),
        Err(error) => PortalError::from(error).own_page(&state),
    }
}

/// `POST /account/devices`
pub async fn submit(
    State(state): State<AppState>,
    LoggedIn(customer): LoggedIn,
    session: Session,
    PageForm(form): PageForm<LogOut>,
) -> Response {
    let this = match session::name(&session).await {
        Ok(this) => this,
        Err(error) => return error.own_page(&state),
    };
    let (ended, done) = match form.session.as_deref() {
        Some(one) => (state.portal.end_session(&customer, one).await, "one"),
        None => (
            state.portal.end_other_sessions(&customer, &this).await,
            "others",
        ),
    };
    match ended {
        // It has ended in between: that is what was asked for.
        Ok(()) | Err(fairhold_portal::Error::NotFound) => {
            Redirect::to(&format!("/account/devices?done={done}")).into_response()
        }
        Err(error) => PortalError::from(error).own_page(&state),
    }
}

fn show(state: &AppState, devices: Vec<Device>, this: &str, done: Option<&str>) -> Response {
    let done = match done {
        Some("one") => Some("That device is logged out."),
        Some("others") => Some("All your other devices are logged out."),
        _ => None,
    };
    let (here, others): (Vec<_>, Vec<_>) = devices.into_iter().partition(|d| d.session_id == this);
    Page::own("Devices", "/account/devices", None).render(state, move || {
        let nowhere_else = others.is_empty().then(|| {
            view! { <p class="empty">"You are logged in nowhere else."</p> }
        });
        let end_all = (others.len() > 1).then(|| {
            view! {
                <form method="post" action="/account/devices">
                    <button>"Log out all other devices"</button>
                </form>
            }
        });
        view! {
            {done.map(|words| view! { <p class="notice" role="status">{words}</p> })}
            <div>
                <h1>"Devices"</h1>
                <p class="lead">"Here you are logged in. If you do not know a device, log it out and choose a new password."</p>
            </div>
            <section class="card">
                <h2>"This device"</h2>
                {here.into_iter().map(|device| view! { <About device /> }).collect_view()}
            </section>
            <section class="card">
                <h2>"Other devices"</h2>
                {nowhere_else}
                <ul class="plain-list">
                    {others.into_iter().map(|device| {
                        let session = device.session_id.clone();
                        let label = format!("Log out {}", device.words);
                        view! {
                            <li>
                                <About device />
                                <form method="post" action="/account/devices">
                                    <input type="hidden" name="session" value=session />
                                    <button aria-label=label>"Log out"</button>
                                </form>
                            </li>
                        }
                    }).collect_view()}
                </ul>
                {end_all}
            </section>
            <p class="tools"><a class="button" href="/account/password">"Choose a new password"</a></p>
            <p class="onward"><a href="/account">"Back to your log-in"</a></p>
        }
    })
}

/// One device in words.
#[component]
fn About(device: Device) -> impl IntoView {
    view! {
        <p>
            <b>{device.words}</b>
            <br />
            <span class="fine">{format!("Used {}. Logged in {}.", device.used, device.logged_in)}</span>
        </p>
    }
}
