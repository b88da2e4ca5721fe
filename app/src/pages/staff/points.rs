//! To put a customer's points right: an entry of its own in their journal, with a reason that they read.

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use fairhold_domain::points::PointsError;
use fairhold_portal::Error;
use fairhold_portal::rewards::{Correction, FormError};
use leptos::prelude::*;
use serde::Deserialize;

use crate::pages::form::PageForm;
use crate::render::Page;
use crate::staff_session::{StaffIn, staff_error};
use crate::state::AppState;
use crate::ui::field::{EmailField, ErrorSummary, LineField};

const HERE: &str = "/staff/points";

/// What stands behind the page's address.
#[derive(Deserialize)]
pub struct Asked {
    done: Option<String>,
}

/// What is typed.
#[derive(Deserialize)]
pub struct Typed {
    /// So that a form that is sent twice corrects once.
    id: String,
    email: String,
    programme: String,
    points: String,
    reason: String,
}

/// What is wrong with it, and where.
struct Wrong {
    field: &'static str,
    words: String,
}

/// `GET /staff/points`
pub async fn page(State(state): State<AppState>, staff: StaffIn, asked: Query<Asked>) -> Response {
    if let Err(error) = state.portal.may_correct_points(staff.by()).await {
        return staff_error(&state, error);
    }
    let done = asked.done.as_deref() == Some("corrected");
    let typed = Typed {
        id: state.portal.name_of_form(),
        email: String::new(),
        programme: String::new(),
        points: String::new(),
        reason: String::new(),
    };
    show(&state, &staff, typed, None, done)
}

/// `POST /staff/points`
pub async fn correct(
    State(state): State<AppState>,
    staff: StaffIn,
    PageForm(mut typed): PageForm<Typed>,
) -> Response {
    // A minus may be typed as a sign of its own, and thousands with commas between.
    let points = typed.points.trim().replace('−', "-").replace(',', "");
    let correction = Correction {
        id: typed.id.clone(),
        email: typed.email.clone(),
        programme: typed.programme.clone(),
        // What is no number is as wrong as none.
        points: points.parse().unwrap_or(0),
        reason: typed.reason.clone(),
    };
    let wrong = match state.portal.correct_points(staff.by(), correction).await {
        Ok(()) => return Redirect::to("/staff/points?done=corrected").into_response(),
        Err(Error::Email(wrong)) => Wrong {
            field: "email",
            words: wrong.to_string(),
        },
        // Somebody went back and typed other points: that is another correction, if they mean it.
        Err(Error::OtherRequest) => {
            typed.id = state.portal.name_of_form();
            Wrong {
                field: "points",
                words: "You sent this form before with other points, and those are entered. Send it again to enter these as well."
                    .to_owned(),
            }
        }
        Err(Error::Form(wrong)) => Wrong {
            field: match wrong {
                FormError::NoCustomer => "email",
                FormError::Programme => "programme",
                FormError::Reason => "reason",
                _ => "points",
            },
            words: match wrong {
                FormError::Points(PointsError::TooFew) => {
                    "The customer does not have that many points to take.".to_owned()
                }
                wrong => wrong.to_string(),
            },
        },
        Err(error) => return staff_error(&state, error),
    };
    show(&state, &staff, typed, Some(wrong), false)
}

fn show(
    state: &AppState,
    staff: &StaffIn,
    typed: Typed,
    wrong: Option<Wrong>,
    done: bool,
) -> Response {
    let status = if wrong.is_some() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    let current = state.portal.company().current();
    let page = Page::of_staff("Put points right", HERE, staff.0.role()).with_status(status);
    page.render(state, move || {
        let programmes = current.catalog.company.programmes.iter().map(|programme| {
            let selected = programme.key == typed.programme;
            view! { <option value=programme.key.clone() selected=selected>{programme.name.clone()}</option> }
        });
        let field = wrong.as_ref().map_or("email", |wrong| wrong.field);
        let words = wrong.map(|wrong| wrong.words);
        let wrong_address = words.clone().filter(|_| field == "email");
        let done = done.then(|| {
            view! { <p class="notice" role="status">"The points are put right. The customer sees it, with your reason."</p> }
        });
        view! {
            <ErrorSummary error=words field />
            {done}
            <div>
                <h1>"Put points right"</h1>
                <p class="lead">"Nothing is crossed out: this adds an entry to the customer's list. They read it with your reason."</p>
            </div>
            <form method="post" action=HERE class="card">
                <input type="hidden" name="id" value=typed.id />
                <EmailField value=typed.email error=wrong_address own=false />
                <div class="field">
                    <label for="programme">"Programme"</label>
                    <select id="programme" name="programme">{programmes.collect_view()}</select>
                </div>
                <LineField name="points" label="Points" hint="Such as 50 to give them, or -50 to take them back." value=typed.points longest=12 />
                <LineField name="reason" label="Reason" hint="The customer reads it. Such as: You came to our tasting, and we forgot your points."
                    value=typed.reason longest=300 />
                <button class="primary">"Put them right"</button>
            </form>
            <p class="onward"><a href="/staff">"Back to your work"</a></p>
        }
    })
}
