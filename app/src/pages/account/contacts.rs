//! Addresses and numbers: what the customer is found by in the company's systems, and what they log in with.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use fairhold_domain::contact_point::Kind;
use fairhold_portal::Error;
use fairhold_portal::contact_points::{ContactError, ContactState, Contacts, Proof, ShownContact};
use leptos::prelude::*;
use serde::Deserialize;

use crate::error::PortalError;
use crate::pages::form::PageForm;
use crate::render::Page;
use crate::session::LoggedIn;
use crate::state::AppState;
use crate::step_up::{Draft, ProvenForm};
use crate::ui::field::{CodeField, ContactField, ErrorSummary};

const HERE: &str = "/account/contacts";

/// What stands behind the page's address.
#[derive(Deserialize)]
pub struct Asked {
    done: Option<String>,
}

/// The fields of the forms that add one: an address or a number.
#[derive(Deserialize)]
pub struct Added {
    email: Option<String>,
    phone: Option<String>,
}

/// Which one a form is about.
#[derive(Deserialize)]
pub struct Chosen {
    id: String,
}

/// The field of the form for the code.
#[derive(Deserialize)]
pub struct Code {
    code: String,
}

/// What was typed into the form that adds one, and what is wrong with it.
#[derive(Clone, Default)]
struct Typed {
    email: String,
    phone: String,
    wrong: Option<(Kind, String)>,
}

impl Typed {
    fn wrong_with(&self, kind: Kind) -> Option<String> {
        let of_kind = self.wrong.as_ref().filter(|(of, _)| *of == kind);
        of_kind.map(|(_, words)| words.clone())
    }
}

/// `GET /account/contacts`
pub async fn page(
    State(state): State<AppState>,
    LoggedIn(customer): LoggedIn,
    asked: Query<Asked>,
    draft: Draft,
) -> Response {
    let typed = Typed {
        email: draft.get("email"),
        phone: draft.get("phone"),
        wrong: None,
    };
    match state.portal.contacts(&customer).await {
        Ok(contacts) => show(&state, contacts, typed, asked.done.as_deref()),
        Err(error) => PortalError::from(error).own_page(&state),
    }
}

/// `POST /account/contacts`: sends a code to the address or number.
pub async fn add(
    State(state): State<AppState>,
    ProvenForm(customer, form): ProvenForm<Added>,
) -> Response {
    let (kind, text) = match (form.email, form.phone) {
        (Some(email), _) => (Kind::Email, email),
        (None, Some(phone)) => (Kind::Phone, phone),
        (None, None) => return PortalError::BadRequest.own_page(&state),
    };
    let id = customer.id();
    let wrong = match state.portal.add_contact(customer, kind, &text).await {
        Ok(id) => return Redirect::to(&format!("{HERE}/code/{id}")).into_response(),
        Err(Error::Contact(wrong)) => wrong.to_string(),
        Err(error) => return PortalError::from(error).own_page(&state),
    };
    let mut typed = Typed {
        wrong: Some((kind, wrong)),
        ..Typed::default()
    };
    match kind {
        Kind::Email => typed.email = text,
        Kind::Phone => typed.phone = text,
    }
    let contacts = match state.portal.customer(id).await {
        Ok(customer) => state.portal.contacts(&customer).await,
        Err(error) => Err(error),
    };
    match contacts {
        Ok(contacts) => show(&state, contacts, typed, None),
        Err(error) => PortalError::from(error).own_page(&state),
    }
}

/// `GET /account/contacts/code/{id}`
pub async fn code(
    State(state): State<AppState>,
    LoggedIn(customer): LoggedIn,
    Path(id): Path<String>,
    asked: Query<Asked>,
) -> Response {
    match state.portal.contact(&customer, &id).await {
        Ok(contact) => match contact.state {
            ContactState::Proven => Redirect::to(HERE).into_response(),
            ContactState::HeldElsewhere => choose(&state, contact),
            ContactState::Waiting => {
                let again = asked.done.as_deref() == Some("again");
                ask_for_code(&state, contact, None, again)
            }
        },
        Err(error) => gone_or(&state, error),
    }
}

/// `POST /account/contacts/code/{id}`
pub async fn prove(
    State(state): State<AppState>,
    LoggedIn(customer): LoggedIn,
    Path(id): Path<String>,
    PageForm(form): PageForm<Code>,
) -> Response {
    let contact = match state.portal.contact(&customer, &id).await {
        Ok(contact) => contact,
        Err(error) => return gone_or(&state, error),
    };
    match state.portal.prove_contact(customer, &id, &form.code).await {
        Ok(Proof::Proven) => done("proven"),
        Ok(Proof::HeldElsewhere) => Redirect::to(&format!("{HERE}/code/{id}")).into_response(),
        Ok(Proof::LogInElsewhere) => done("elsewhere"),
        Err(Error::Contact(wrong)) => ask_for_code(&state, contact, Some(wrong.to_string()), false),
        Err(error) => gone_or(&state, error),
    }
}

/// `POST /account/contacts/again`: sends another code.
pub async fn send_again(
    State(state): State<AppState>,
    ProvenForm(customer, form): ProvenForm<Chosen>,
) -> Response {
    let id = customer.id();
    match state.portal.send_another_code(customer, &form.id).await {
        Ok(()) => Redirect::to(&format!("{HERE}/code/{}?done=again", form.id)).into_response(),
        Err(Error::Contact(wrong @ ContactError::TooManyCodes)) => {
            let contact = match state.portal.customer(id).await {
                Ok(customer) => state.portal.contact(&customer, &form.id).await,
                Err(error) => Err(error),
            };
            match contact {
                Ok(contact) => ask_for_code(&state, contact, Some(wrong.to_string()), false),
                Err(error) => gone_or(&state, error),
            }
        }
        Err(error) => gone_or(&state, error),
    }
}

/// `POST /account/contacts/take-over`
pub async fn take_over(
    State(state): State<AppState>,
    ProvenForm(customer, form): ProvenForm<Chosen>,
) -> Response {
    match state.portal.take_contact_over(customer, &form.id).await {
        Ok(()) => done("proven"),
        Err(error) => gone_or(&state, error),
    }
}

/// `POST /account/contacts/log-in`: makes it the address to log in with.
pub async fn log_in_with(
    State(state): State<AppState>,
    ProvenForm(customer, form): ProvenForm<Chosen>,
) -> Response {
    match state.portal.log_in_with(customer, &form.id).await {
        Ok(()) => done("log-in"),
        Err(error) => gone_or(&state, error),
    }
}

/// `POST /account/contacts/off`
pub async fn remove(
    State(state): State<AppState>,
    ProvenForm(customer, form): ProvenForm<Chosen>,
) -> Response {
    match state.portal.remove_contact(customer, &form.id).await {
        // It has gone in between: that is what was asked for.
        Ok(()) | Err(Error::NotFound) => done("removed"),
        Err(error) => PortalError::from(error).own_page(&state),
    }
}

fn done(what: &str) -> Response {
    Redirect::to(&format!("{HERE}?done={what}")).into_response()
}

/// What has gone in between leads back to what is there.
fn gone_or(state: &AppState, error: Error) -> Response {
    match error {
        Error::NotFound => done("gone"),
        error => PortalError::from(error).own_page(state),
    }
}

fn show(state: &AppState, contacts: Contacts, typed: Typed, done: Option<&str>) -> Response {
    let done = match done {
        Some("proven") => Some("It is yours now. My data shows what we hold under it."),
        Some("removed") => Some("It is removed. My data no longer shows what we hold under it."),
        Some("log-in") => Some(
            "From now on you log in with this address. We wrote to the old one too. For three days you can take it back from there.",
        ),
        Some("elsewhere") => Some(
            "Your code was right. But that address belongs to another account that logs in with it, or did until a few days ago. So it stays there. Is that account yours? Then log in there.",
        ),
        Some("gone") => Some("That one is not here any more, or your time to choose is over."),
        _ => None,
    };
    let status = match typed.wrong {
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
        None => StatusCode::OK,
    };
    Page::own("Addresses and numbers", HERE, None)
        .with_status(status)
        .render(state, move || {
            let summary = typed.wrong.clone().map(|(kind, words)| {
                view! { <ErrorSummary error=Some(words) field=kind.as_str() /> }
            });
            let none = contacts.others.is_empty().then(|| {
                view! { <p class="empty">"None so far."</p> }
            });
            let phone = contacts.phones.then(|| {
                view! {
                    <form method="post" action=HERE class="card">
                        <h2>"Add a number"</h2>
                        <ContactField kind=Kind::Phone value=typed.phone.clone() error=typed.wrong_with(Kind::Phone) />
                        <button>"Text me a code"</button>
                    </form>
                }
            });
            view! {
                {summary}
                {done.map(|words| view! { <p class="notice" role="status">{words}</p> })}
                <div>
                    <h1>"Addresses and numbers"</h1>
                    <p class="lead">"Did you use another address or a phone number with us? Add it here. Then My data also shows what we hold under it."</p>
                </div>
                <section class="card">
                    <h2>"You log in with"</h2>
                    <p><b class="address">{contacts.log_in.as_str().to_owned()}</b></p>
                    <p class="fine">"Do you want to log in with another address? Add it below first."</p>
                </section>
                <section class="card">
                    <h2>"Also yours"</h2>
                    {none}
                    <ul class="plain-list">
                        {contacts.others.into_iter().map(|contact| view! { <li><About contact /></li> }).collect_view()}
                    </ul>
                </section>
                <form method="post" action=HERE class="card">
                    <h2>"Add an address"</h2>
                    <ContactField kind=Kind::Email value=typed.email.clone() error=typed.wrong_with(Kind::Email) />
                    <button>"Send me a code"</button>
                </form>
                {phone}
                <p class="onward"><a href="/account">"Back to your log-in"</a></p>
            }
        })
}

/// One address or number, and what can be done with it.
#[component]
fn About(contact: ShownContact) -> impl IntoView {
    let code = format!("{HERE}/code/{}", contact.id);
    let state = match contact.state {
        ContactState::Proven => {
            view! { <span class="fine">{format!("Yours since {}.", contact.since)}</span> }
                .into_any()
        }
        ContactState::Waiting => view! { <a href=code>"Type the code that we sent"</a> }.into_any(),
        ContactState::HeldElsewhere => {
            view! { <a href=code>"Another account has it. Choose"</a> }.into_any()
        }
    };
    let can_log_in = contact.kind == Kind::Email && contact.state == ContactState::Proven;
    let log_in = can_log_in.then(|| {
        let label = format!("Log in with this one: {}", contact.value);
        view! {
            <form method="post" action=format!("{HERE}/log-in")>
                <input type="hidden" name="id" value=contact.id.clone() />
                <button aria-label=label>"Log in with this one"</button>
            </form>
        }
    });
    let remove = format!("Remove {}", contact.value);
    view! {
        <p><b class="address">{contact.value}</b><br />{state}</p>
        <div class="tools">
            {log_in}
            <form method="post" action=format!("{HERE}/off")>
                <input type="hidden" name="id" value=contact.id />
                <button aria-label=remove>"Remove"</button>
            </form>
        </div>
    }
}

fn ask_for_code(
    state: &AppState,
    contact: ShownContact,
    wrong: Option<String>,
    again: bool,
) -> Response {
    let status = match wrong {
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
        None => StatusCode::OK,
    };
    Page::own("Type your code", HERE, None)
        .with_status(status)
        .render(state, move || {
            let sent = match contact.kind {
                Kind::Email => "We sent a mail with six digits to",
                Kind::Phone => "We sent a text with six digits to",
            };
            view! {
                <ErrorSummary error=wrong.clone() field="code" />
                {again.then(|| view! { <p class="notice" role="status">"A new code is on its way. The old one no longer works."</p> })}
                <div>
                    <h1>"Type your code"</h1>
                    <p class="lead">{sent}" "<b class="address">{contact.value}</b>". They work for 10 minutes."</p>
                </div>
                <form method="post" action=format!("{HERE}/code/{}", contact.id) class="card">
                    <CodeField hint="Six digits, such as 123 456." error=wrong />
                    <button class="primary">"This is my code"</button>
                </form>
                <form method="post" action=format!("{HERE}/again")>
                    <input type="hidden" name="id" value=contact.id />
                    <p class="tools">"Nothing came? "<button>"Send another code"</button></p>
                </form>
                <p class="onward"><a href=HERE>"Back to your addresses"</a></p>
            }
        })
}

/// Two accounts proved the same: the customer is told what happens, and chooses.
fn choose(state: &AppState, contact: ShownContact) -> Response {
    Page::own("Another account has it", HERE, None).render(state, move || {
        let id = contact.id.clone();
        view! {
            <div>
                <h1>"Another account has it"</h1>
                <p class="lead">"Your code was right. But another account has "<b class="address">{contact.value}</b>" too, and only one can."</p>
            </div>
            <section class="card">
                <h2>"Take it over"</h2>
                <p>"My data here then shows what we hold under it. The other account no longer does. We tell its owner, without your name."</p>
                <form method="post" action=format!("{HERE}/take-over")>
                    <input type="hidden" name="id" value=id />
                    <button>"Take it over"</button>
                </form>
            </section>
            <section class="card">
                <h2>"Leave it there"</h2>
                <p>"Nothing changes in the other account. It is not added here."</p>
                <form method="post" action=format!("{HERE}/off")>
                    <input type="hidden" name="id" value=contact.id />
                    <button>"Leave it there"</button>
                </form>
            </section>
        }
    })
}
