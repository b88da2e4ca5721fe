//! The form to join, for a frame in a page of the company's own. It knows no session and sets no cookie, so that nobody can
//! be tricked through the frame into anything that is theirs.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use leptos::prelude::*;

use super::{Asked, JoinForm, Place, Wrong, fields, points, refused};
use crate::error::PortalError;
use crate::pages::form::PageForm;
use crate::render::Page;
use crate::state::AppState;

/// `GET /join/{programme}/embed`
pub async fn page(
    State(state): State<AppState>,
    Path(programme): Path<String>,
    asked: Query<Asked>,
) -> Response {
    match Place::find(&state, &programme, asked.return_to.as_deref()) {
        Ok(place) => show(&state, place, JoinForm::default(), Wrong::default()),
        Err(error) => refused(&state, None, error),
    }
}

/// `POST /join/{programme}/embed`
pub async fn submit(
    State(state): State<AppState>,
    Path(programme): Path<String>,
    PageForm(form): PageForm<JoinForm>,
) -> Response {
    let place = match Place::find(&state, &programme, form.return_to()) {
        Ok(place) => place,
        Err(error) => return refused(&state, None, error),
    };
    let asked = state.portal.ask_to_join(&programme, form.wants()).await;
    match asked.map_err(Wrong::of) {
        Ok(()) => asked_by_mail(&state, &place),
        Err(Ok(wrong)) => show(&state, place, form, wrong),
        Err(Err(error)) => PortalError::from(error).page(&state),
    }
}

fn show(state: &AppState, place: Place, form: JoinForm, wrong: Wrong) -> Response {
    Page::framed(&place.programme.name, &place.programme.embedded_by)
        .with_status(wrong.status())
        .render(state, move || {
            let programme = &place.programme;
            let more = place.address();
            view! {
                {wrong.summary()}
                <div>
                    <h1>{programme.name.clone()}</h1>
                    <p>{programme.words.clone()}" "{points(programme)}</p>
                </div>
                <form method="post" action=format!("{}/embed", place.path()) class="card">
                    {fields(place.return_to.as_ref(), form, &wrong)}
                    <button class="primary">"Send me the link to join"</button>
                </form>
                <p class="fine"><a href=more target="_blank" rel="noopener">"How it works (opens a new page)"</a></p>
            }
        })
}

/// What follows every request, whether or not a mail was sent.
fn asked_by_mail(state: &AppState, place: &Place) -> Response {
    let demo = state.portal.settings().demo;
    Page::framed("Check your mail", &place.programme.embedded_by)
        .with_status(StatusCode::OK)
        .render(state, move || {
            let outbox = demo.then(|| {
                view! { <p class="notice">"This is a demo, so no mail leaves it. "<a href="/demo/outbox" target="_blank" rel="noopener">"Read the mail here (opens a new page)"</a>"."</p> }
            });
            view! {
                <div>
                    <h1>"Check your mail"</h1>
                    <p>"If we can help, a mail is on its way to you. Open the link in it within 30 minutes."</p>
                </div>
                {outbox}
            }
        })
}
