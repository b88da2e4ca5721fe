//! A value that the portal itself keeps: changed where the customer types it, or taken away.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use fairhold_domain::answer::AnswerError;
use fairhold_portal::Error;
use fairhold_portal::asks::AskError;
use fairhold_portal::own_fields::OwnField;
use leptos::prelude::*;

use super::answers::Inputs;
use crate::error::PortalError;
use crate::pages::form::PageForm;
use crate::pages::in_address;
use crate::render::Page;
use crate::session::LoggedIn;
use crate::state::AppState;
use crate::ui::answer::AnswerInputs;

/// Where the page stands in the list of places.
const PLACE: &str = "/my-data";

/// `GET /change/{field}`
pub async fn page(
    State(state): State<AppState>,
    LoggedIn(customer): LoggedIn,
    Path(name): Path<String>,
) -> Response {
    match state.portal.own_field(customer, &name).await {
        Ok(field) => show(&state, field, None, None),
        Err(error) => PortalError::from(error).own_page(&state),
    }
}

/// `POST /change/{field}`
pub async fn submit(
    State(state): State<AppState>,
    LoggedIn(customer): LoggedIn,
    Path(name): Path<String>,
    PageForm(sent): PageForm<Vec<(String, String)>>,
) -> Response {
    let (id, inputs) = (customer.id(), Inputs::new(sent));
    let typed = inputs.typed().remove(&name).unwrap_or_default();
    let portal = &state.portal;
    let done = match inputs.one("do") {
        "change" => portal.change_own_field(customer, &name, &typed).await,
        "remove" => portal
            .remove_own_field(customer, &name)
            .await
            .map(|()| None),
        _ => return PortalError::BadRequest.own_page(&state),
    };
    let wrong = match done {
        Ok(Some(contact)) => {
            return Redirect::to(&format!("/account/contacts/code/{contact}")).into_response();
        }
        Ok(None) => return Redirect::to(PLACE).into_response(),
        Err(Error::Ask(wrong)) => wrong,
        Err(error) => return PortalError::from(error).own_page(&state),
    };
    let field = match portal.customer(id).await {
        Ok(customer) => portal.own_field(customer, &name).await,
        Err(error) => Err(error),
    };
    match field {
        Ok(field) => show(
            &state,
            OwnField { typed, ..field },
            field_error(&wrong),
            Some(wrong),
        ),
        Err(error) => PortalError::from(error).own_page(&state),
    }
}

fn field_error(wrong: &AskError) -> Option<AnswerError> {
    match wrong {
        AskError::Typed(fields) => fields.first().map(|(_, error)| error.clone()),
        _ => None,
    }
}

fn show(
    state: &AppState,
    field: OwnField,
    error: Option<AnswerError>,
    wrong: Option<AskError>,
) -> Response {
    let status = match wrong {
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
        None => StatusCode::OK,
    };
    let page = Page::own(&field.label, PLACE, None).with_status(status);
    page.render(state, move || {
        let words = match (&error, &wrong) {
            (Some(error), _) => Some(error.to_string()),
            (None, Some(wrong)) => Some(wrong.to_string()),
            _ => None,
        };
        let input = match error.as_ref().map(AnswerError::input) {
            Some(part) if !part.is_empty() => format!("{}.{part}", field.name),
            _ => field.name.clone(),
        };
        let summary = words.map(|words| {
            view! {
                <div class="error-summary" role="alert">
                    <p><b>"There is a problem"</b></p>
                    <p><a href=format!("#{input}")>{words}</a></p>
                </div>
            }
        });
        let ask = field.ask.clone().filter(|ask| !ask.is_empty()).map(|ask| {
            let to = format!("/share/{}", in_address(&ask));
            view! { <p class="fine">"You gave it when you said yes to a question. If you take it away, your yes stays. "<a href=to>"See the question"</a></p> }
        });
        let keep = field
            .kind
            .is_some()
            .then(|| view! { <button name="do" value="change">"Keep this"</button> });
        let inputs = match field.kind {
            Some(kind) => view! {
                <AnswerInputs name=field.name.clone() label=field.label.clone() kind typed=field.typed error />
            }
            .into_any(),
            None => view! {
                <p>"One of our systems put this in. You see it on My data. Do you want us to forget it?"</p>
            }
            .into_any(),
        };
        view! {
            {summary}
            <div>
                <h1>{field.label.clone()}</h1>
                <p class="lead">{field.why.clone()}</p>
            </div>
            <section class="card">
                <form method="post" action=format!("/change/{}", in_address(&field.name))>
                    {inputs}
                    <div class="answers">
                        {keep}
                        <button name="do" value="remove" formnovalidate=true>"Take it away"</button>
                    </div>
                </form>
                {ask}
            </section>
            <p class="onward"><a href=PLACE>"Back to My data"</a></p>
        }
    })
}
