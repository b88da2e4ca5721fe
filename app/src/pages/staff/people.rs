//! Who works here: for administrators, who invite, change roles and end ways in.

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use fairhold_domain::ids::StaffId;
use fairhold_domain::policy::Role;
use fairhold_domain::present;
use fairhold_portal::staff::{Listed, State as Stage};
use leptos::prelude::*;
use serde::Deserialize;

use crate::error::PortalError;
use crate::pages::form::PageForm;
use crate::render::Page;
use crate::staff_session::{StaffIn, staff_error};
use crate::state::AppState;
use crate::ui::field::{EmailField, ErrorSummary};

/// What stands behind the page's address.
#[derive(Deserialize)]
pub struct Asked {
    done: Option<String>,
}

/// Whom to invite, and as what.
#[derive(Deserialize)]
pub struct Invitation {
    email: String,
    role: String,
}

/// Who gets which role.
#[derive(Deserialize)]
pub struct NewRole {
    id: String,
    role: String,
}

/// Whose way in ends.
#[derive(Deserialize)]
pub struct Revocation {
    id: String,
}

/// `GET /staff/people`
pub async fn page(State(state): State<AppState>, staff: StaffIn, asked: Query<Asked>) -> Response {
    let done = match asked.done.as_deref() {
        Some("invited") => Some("The invitation is on its way."),
        Some("role") => Some("The new role is saved. They have to log in again."),
        Some("revoked") => Some("Their way in has ended, and so have their sessions."),
        _ => None,
    };
    show(&state, &staff, Problem::default(), done).await
}

/// `POST /staff/people`: invites somebody.
pub async fn invite(
    State(state): State<AppState>,
    staff: StaffIn,
    PageForm(form): PageForm<Invitation>,
) -> Response {
    let Some(role) = Role::parse(&form.role) else {
        return PortalError::BadRequest.page(&state);
    };
    let invited = state
        .portal
        .invite_staff(staff.by(), &form.email, role)
        .await;
    let words = match invited {
        Ok(()) => return done("invited"),
        Err(fairhold_portal::Error::Email(wrong)) => wrong.to_string(),
        Err(fairhold_portal::Error::AlreadyStaff) => {
            "Somebody with this address works here already. You find them below.".to_owned()
        }
        Err(error) => return staff_error(&state, error),
    };
    let problem = Problem {
        field: "email",
        words: Some(words),
        typed: form.email.chars().take(254).collect(),
    };
    show(&state, &staff, problem, None).await
}

/// `POST /staff/people/role`
pub async fn change_role(
    State(state): State<AppState>,
    staff: StaffIn,
    PageForm(form): PageForm<NewRole>,
) -> Response {
    let (Ok(id), Some(role)) = (StaffId::parse(&form.id), Role::parse(&form.role)) else {
        return PortalError::BadRequest.page(&state);
    };
    let portal = &state.portal;
    match portal.change_staff_role(staff.by(), id, role, false).await {
        Ok(()) => done("role"),
        Err(fairhold_portal::Error::LastAdministrator) => last(&state, &staff).await,
        Err(error) => staff_error(&state, error),
    }
}

/// `POST /staff/people/revoke`
pub async fn revoke(
    State(state): State<AppState>,
    staff: StaffIn,
    PageForm(form): PageForm<Revocation>,
) -> Response {
    let Ok(id) = StaffId::parse(&form.id) else {
        return PortalError::BadRequest.page(&state);
    };
    match state.portal.revoke_staff(staff.by(), id, false).await {
        Ok(()) => done("revoked"),
        Err(fairhold_portal::Error::LastAdministrator) => last(&state, &staff).await,
        Err(error) => staff_error(&state, error),
    }
}

async fn last(state: &AppState, staff: &StaffIn) -> Response {
    let problem = Problem {
        field: "people",
        words: Some(
            "This is the last administrator, so it stays. Make somebody else an administrator first."
                .to_owned(),
        ),
        typed: String::new(),
    };
    show(state, staff, problem, None).await
}

fn done(what: &str) -> Response {
    Redirect::to(&format!("/staff/people?done={what}")).into_response()
}

/// What is wrong with what was typed, and where.
#[derive(Default)]
struct Problem {
    field: &'static str,
    words: Option<String>,
    typed: String,
}

async fn show(
    state: &AppState,
    staff: &StaffIn,
    problem: Problem,
    done: Option<&'static str>,
) -> Response {
    let people = match state.portal.list_staff(staff.by()).await {
        Ok(people) => people,
        Err(error) => return staff_error(state, error),
    };
    let status = if problem.words.is_some() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    let current = state.portal.company().current();
    let now = state.portal.now().timestamp();
    Page::of_staff("Who works here", "/staff/people", staff.0.role())
        .with_status(status)
        .render(state, move || {
            let people = people.into_iter().map(|person| {
                let when = present::spoken(person.invited_at.timestamp(), now, &current.zone);
                person_card(person, &when)
            });
            let wrong_address = problem.words.clone().filter(|_| problem.field == "email");
            view! {
                <ErrorSummary error=problem.words.clone() field=problem.field />
                {done.map(|words| view! { <p class="notice" role="status">{words}</p> })}
                <h1>"Who works here"</h1>
                <form method="post" action="/staff/people" class="card">
                    <h2>"Invite somebody"</h2>
                    <EmailField value=problem.typed error=wrong_address own=false />
                    <div class="field">
                        <label for="role">"Role"</label>
                        <select id="role" name="role">{roles(None)}</select>
                    </div>
                    <button class="primary">"Send the invitation"</button>
                </form>
                <ul class="outbox" id="people">{people.collect_view()}</ul>
                <p class="onward"><a href="/staff">"Back to your work"</a></p>
            }
        })
}

fn person_card(person: Listed, when: &str) -> impl IntoView + use<> {
    let state = match person.state {
        Stage::Invited => format!("Invited {when}, and has not joined yet."),
        Stage::Joining => "Has a password, and has to set up an app.".to_owned(),
        Stage::Active => "Can log in.".to_owned(),
        Stage::Revoked => "Has no way in any more.".to_owned(),
    };
    let id = person.id.to_string();
    let select = format!("role-{id}");
    let forms = (person.state != Stage::Revoked).then(|| {
        let revoke = format!("End the way in of {}", person.address);
        view! {
            <form method="post" action="/staff/people/role">
                <input type="hidden" name="id" value=id.clone() />
                <div class="field">
                    <label for=select.clone()>{format!("Role of {}", person.address)}</label>
                    <select id=select.clone() name="role">{roles(Some(person.role))}</select>
                </div>
                <button>"Save this role"</button>
            </form>
            <details>
                <summary>{revoke}</summary>
                <form method="post" action="/staff/people/revoke">
                    <input type="hidden" name="id" value=id.clone() />
                    <p>"They are out at once, on every device. To let them in again, invite them anew."</p>
                    <button>"End it now"</button>
                </form>
            </details>
        }
    });
    view! {
        <li class="card">
            <header>
                <h2>{person.address.clone()}</h2>
                <p class="fine">{format!("{}. {state}", person.role)}</p>
            </header>
            {forms}
        </li>
    }
}

fn roles(chosen: Option<Role>) -> impl IntoView {
    let option = |role: Role| {
        let selected = chosen == Some(role);
        view! { <option value=role.key() selected=selected>{role.name()}</option> }
    };
    Role::ALL.map(option).collect_view()
}
