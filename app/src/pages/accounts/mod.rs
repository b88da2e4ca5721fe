//! Accounts: sign up, log in, log out, forgotten password.

pub mod check_your_mail;
pub mod code;
pub mod forgot;
pub mod log_in;
pub mod not_me;
pub mod passkey;
pub mod set_password;
pub mod sign_up;
pub mod still_you;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use fairhold_portal::Request;
use leptos::prelude::*;
use serde::Deserialize;

use crate::error::PortalError;
use crate::render::Page;
use crate::session::LoggedIn;
use crate::state::AppState;
use crate::ui::field::{EmailField, ErrorSummary};

/// A form with an address and nothing else.
#[derive(Default, Deserialize)]
pub struct AddressForm {
    email: String,
}

/// A page that asks for an address and answers by mail.
#[derive(Clone, Copy)]
struct AskPage {
    path: &'static str,
    asks: Request,
    heading: &'static str,
    lead: &'static str,
    button: &'static str,
}

impl AskPage {
    fn show(
        self,
        state: &AppState,
        visitor: Option<&LoggedIn>,
        typed: String,
        error: Option<String>,
    ) -> Response {
        let status = if error.is_some() {
            StatusCode::UNPROCESSABLE_ENTITY
        } else {
            StatusCode::OK
        };
        let onward = visitor.is_none().then(|| {
            view! { <p class="onward"><a href="/log-in">"I have a password. Let me log in."</a></p> }
        });
        Page::for_visitor(self.heading, self.path, visitor)
            .with_status(status)
            .render(state, move || {
                view! {
                    <ErrorSummary error=error.clone() field="email" />
                    <div>
                        <h1>{self.heading}</h1>
                        <p class="lead">{self.lead}</p>
                    </div>
                    <form method="post" action=self.path class="card">
                        <EmailField value=typed error=error />
                        <button class="primary">{self.button}</button>
                    </form>
                    {onward}
                }
            })
    }

    /// The same answer for every address, known or not.
    async fn submit(
        self,
        state: &AppState,
        visitor: Option<&LoggedIn>,
        form: AddressForm,
    ) -> Response {
        match state.portal.ask_by_mail(self.asks, &form.email).await {
            Ok(()) => Redirect::to("/check-your-mail").into_response(),
            Err(fairhold_portal::Error::Email(wrong)) => {
                let typed = form.email.chars().take(254).collect();
                self.show(state, visitor, typed, Some(wrong.to_string()))
            }
            Err(error) => PortalError::from(error).page(state),
        }
    }
}

/// The page again, for whoever did not show who they are: what was wrong, or how long to wait.
pub(super) fn refused(
    state: &AppState,
    error: fairhold_portal::Error,
    wrong: &str,
    again: impl FnOnce(StatusCode, String) -> Response,
) -> Response {
    match error {
        fairhold_portal::Error::WrongLogIn => {
            again(StatusCode::UNPROCESSABLE_ENTITY, wrong.to_owned())
        }
        fairhold_portal::Error::TooManyTries { seconds } => {
            let mut response = again(StatusCode::TOO_MANY_REQUESTS, too_many(seconds));
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            response
        }
        error => PortalError::from(error).page(state),
    }
}

/// The same words for every address and every password.
fn too_many(seconds: i64) -> String {
    let wait = match seconds {
        1 => "1 second".to_owned(),
        ..=90 => format!("{seconds} seconds"),
        // Never too few.
        _ => format!("{} minutes", (seconds + 59) / 60),
    };
    format!("There were too many wrong tries. Wait {wait}, then try again.")
}
