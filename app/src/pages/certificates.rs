//! Certificates of erasures: one by its number, and a form that tells whether one is genuine.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use fairhold_portal::erasure::NotGenuine;
use leptos::prelude::*;
use serde::Deserialize;

use crate::error::PortalError;
use crate::pages::form::PageForm;
use crate::render::Page;
use crate::state::AppState;

const HERE: &str = "/certificates";

/// The form's field.
#[derive(Deserialize)]
pub struct Pasted {
    certificate: String,
}

/// `GET /certificates`
pub async fn page(State(state): State<AppState>) -> Response {
    show(&state, None)
}

/// `POST /certificates`: whether what was pasted is genuine.
pub async fn submit(State(state): State<AppState>, PageForm(pasted): PageForm<Pasted>) -> Response {
    show(
        &state,
        Some(state.portal.check_certificate(&pasted.certificate)),
    )
}

/// `GET /certificates/{erasure}`: a certificate, as a file to keep. It says nothing about whom.
pub async fn one(State(state): State<AppState>, Path(erasure): Path<String>) -> Response {
    match state.portal.certificate(&erasure).await {
        Ok(document) => {
            let headers = [
                (CONTENT_TYPE, "text/plain; charset=utf-8"),
                (CONTENT_DISPOSITION, "inline; filename=\"certificate.txt\""),
            ];
            (headers, document).into_response()
        }
        Err(error) => PortalError::from(error).page(&state),
    }
}

fn show(state: &AppState, checked: Option<Result<(), NotGenuine>>) -> Response {
    let status = match checked {
        Some(Err(_)) => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::OK,
    };
    let page = Page::open("Check a certificate", "").with_status(status);
    page.render(state, move || {
        let checked = checked.map(|checked| match checked {
            Ok(()) => view! { <p class="notice" role="status">"This certificate is genuine. We signed it, and nobody changed it."</p> }.into_any(),
            Err(wrong) => view! {
                <div class="error-summary" role="alert">
                    <p><b>"This certificate is not genuine"</b></p>
                    <p><a href="#certificate">{wrong.to_string()}</a></p>
                </div>
            }
            .into_any(),
        });
        view! {
            {checked}
            <div>
                <h1>"Check a certificate"</h1>
                <p class="lead">"Whoever has their data erased here gets a certificate. Paste one here, and we tell you whether we wrote it and nobody changed it."</p>
            </div>
            <section class="card">
                <form method="post" action=HERE>
                    <div class="field">
                        <label for="certificate">"The whole text of the certificate"</label>
                        <textarea id="certificate" name="certificate" rows="12"></textarea>
                    </div>
                    <button class="primary">"Check it"</button>
                </form>
            </section>
        }
    })
}
