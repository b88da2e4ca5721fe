//! Is it you? One more thing to tell where a system holds the customer's address and nobody checked it.

use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use fairhold_domain::facts::capitalised;
use fairhold_portal::second_fact::{Outcome, Question};
use leptos::prelude::*;
use secrecy::SecretString;
use serde::Deserialize;

use crate::error::PortalError;
use crate::pages::form::PageForm;
use crate::pages::in_address;
use crate::render::Page;
use crate::session::LoggedIn;
use crate::state::AppState;
use crate::ui::field::{AnswerField, ErrorSummary};

/// The page's address. It stands beside My data and not below it, where any table's name may follow the system's.
pub(crate) fn address(dataset: &str) -> String {
    format!("/is-it-you/{}", in_address(dataset))
}

/// The form's field.
#[derive(Deserialize)]
pub struct AnswerForm {
    answer: SecretString,
}

/// `GET /is-it-you/{dataset}`
pub async fn page(
    State(state): State<AppState>,
    LoggedIn(customer): LoggedIn,
    Path(dataset): Path<String>,
) -> Response {
    match state.portal.second_fact_question(&customer, &dataset).await {
        Ok(question) => view_of(&state, &dataset, question, StatusCode::OK, None),
        Err(error) => PortalError::from(error).own_page(&state),
    }
}

/// `POST /is-it-you/{dataset}`: what is wrong is said in the same words, whatever was wrong.
pub async fn submit(
    State(state): State<AppState>,
    LoggedIn(customer): LoggedIn,
    Path(dataset): Path<String>,
    PageForm(form): PageForm<AnswerForm>,
) -> Response {
    let answered = state
        .portal
        .answer_second_fact(&customer, &dataset, &form.answer)
        .await;
    let (status, wrong) = match answered {
        Ok(Outcome::Proven) => return Redirect::to("/my-data").into_response(),
        Ok(Outcome::Wrong) => (StatusCode::UNPROCESSABLE_ENTITY, Some(WRONG.to_owned())),
        Ok(Outcome::NoTryLeft) => (StatusCode::TOO_MANY_REQUESTS, None),
        Err(fairhold_portal::Error::SecondFact(wrong)) => {
            (StatusCode::UNPROCESSABLE_ENTITY, Some(wrong.to_string()))
        }
        Err(error) => return PortalError::from(error).own_page(&state),
    };
    match state.portal.second_fact_question(&customer, &dataset).await {
        Ok(question) => view_of(&state, &dataset, question, status, wrong),
        Err(error) => PortalError::from(error).own_page(&state),
    }
}

const WRONG: &str = "That does not match what we hold.";

fn view_of(
    state: &AppState,
    dataset: &str,
    question: Question,
    status: StatusCode,
    wrong: Option<String>,
) -> Response {
    let seconds = question.wait.as_ref().map(|wait| wait.seconds);
    let action = address(dataset);
    // This page shows no value, so it leaves no look; the address on top would be one.
    let page = Page::own("Is it you?", "/my-data", None).with_status(status);
    let mut response = page.render(state, move || {
        let lead = format!(
            "{} may know you. Nobody checked that your e-mail address is yours there. Before we show what it holds, tell us one thing that a stranger would not know.",
            question.system
        );
        let rest = match question.wait {
            Some(wait) => view! { <Waiting until=wait.until wrong=wrong /> }.into_any(),
            None => {
                view! { <Asking action=action label=capitalised(&question.asks) wrong=wrong /> }
                    .into_any()
            }
        };
        view! {
            <p class="onward"><a href="/my-data">"Back to My data"</a></p>
            <div>
                <h1>"Is it you?"</h1>
                <p class="lead">{lead}</p>
            </div>
            {rest}
        }
    });
    if let Some(seconds) = seconds.filter(|_| status == StatusCode::TOO_MANY_REQUESTS) {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// The form.
#[component]
fn Asking(action: String, label: String, wrong: Option<String>) -> impl IntoView {
    view! {
        <ErrorSummary error=wrong.clone() field="answer" />
        <form method="post" action=action class="card">
            <AnswerField label=label hint="You can try three times. After that you wait for a day." error=wrong />
            <button class="primary">"Check it"</button>
        </form>
    }
}

/// In place of the form, while there is no try.
#[component]
fn Waiting(until: String, wrong: Option<String>) -> impl IntoView {
    let wrong = wrong.map(|words| format!("{words} "));
    view! {
        <p class="notice" role="alert">
            {wrong}
            "You have tried three times. To keep your data safe from guessing, we take a break. "
            {format!("You can try again {until}. ")}
            "If you need help before then, write to us."
        </p>
    }
}
