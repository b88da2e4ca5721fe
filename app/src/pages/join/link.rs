//! The page that a link to join opens. Opening it changes nothing; its button does.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use fairhold_portal::Error;
use fairhold_portal::joining::{JoinLink, Joined};
use leptos::prelude::*;

use super::{button_back, terms};
use crate::error::PortalError;
use crate::render::Page;
use crate::state::AppState;

/// `GET /joining/{token}`
pub async fn page(State(state): State<AppState>, Path(token): Path<String>) -> Response {
    match state.portal.join_link(&token).await {
        Ok(link) => show(&state, link),
        Err(error) => refused(&state, error),
    }
}

/// `POST /joining/{token}`: no password is asked for. Whoever wants to come back and see their data chooses one afterwards.
pub async fn submit(State(state): State<AppState>, Path(token): Path<String>) -> Response {
    match state.portal.confirm_joining(&token).await {
        Ok(joined) => welcome(&state, joined),
        Err(error) => refused(&state, error),
    }
}

fn show(state: &AppState, link: JoinLink) -> Response {
    let JoinLink {
        programme,
        nickname,
    } = link;
    let title = format!("Join {}", programme.name);
    Page::open(&title, "").render(state, move || {
        let nickname = nickname.map(|name| {
            view! { <p>"We will call you "<b>{name}</b>". You can change that later."</p> }
        });
        view! {
            <div>
                <h1>{format!("Do you want to join {}?", programme.name)}</h1>
                <p class="lead">{programme.words.clone()}</p>
            </div>
            {nickname}
            // No action: the form goes to the address of the page, which holds the link's secret.
            <form method="post" class="tools">
                <button class="primary">"Yes, I join"</button>
                <a class="button" href="/">"No, I do not"</a>
            </form>
            {terms(&programme)}
        }
    })
}

fn welcome(state: &AppState, joined: Joined) -> Response {
    let Joined {
        programme,
        return_to,
        first_password,
    } = joined;
    Page::open("You are in", "").render(state, move || {
        let next = match first_password {
            Some(token) => view! {
                <section class="card">
                    <h2>"Choose a password when you like"</h2>
                    <p>"With it you can log in here, see what we hold about you, and spend your points. This link works for 30 minutes. Later you get a new one under "<a href="/forgot-password">"I forgot my password"</a>"."</p>
                    <p class="tools"><a class="button" href=format!("/set-password/{token}")>"Choose a password"</a></p>
                </section>
            }
            .into_any(),
            None => view! { <p class="onward"><a href="/log-in">"Log in and see your data"</a></p> }
                .into_any(),
        };
        view! {
            <div>
                <h1>"You are in"</h1>
                <p class="lead">{format!("Welcome to {}. You can leave at any time, with one click.", programme.name)}</p>
            </div>
            {return_to.as_ref().map(button_back)}
            {next}
        }
    })
}

fn refused(state: &AppState, error: Error) -> Response {
    match error {
        Error::LinkEnded => Page::open("This link has ended", "")
            .with_status(StatusCode::GONE)
            .render(state, || {
                view! {
                    <div>
                        <h1>"This link has ended"</h1>
                        <p class="lead">"A link works once, for 30 minutes. If you pressed its button, you are in. If not, go back to where you began, and get a new one."</p>
                    </div>
                    <p class="onward"><a href="/">"Go to the start"</a></p>
                }
            }),
        error => PortalError::from(error).page(state),
    }
}
