//! Your log-in: how a customer gets in, and where they are logged in.

pub mod app_codes;
pub mod contacts;
pub mod devices;
pub mod passkeys;
pub mod password;
pub mod recovery_codes;

use axum::extract::{Query, State};
use axum::http::Uri;
use axum::response::{Redirect, Response};
use fairhold_portal::factors::Factors;
use leptos::prelude::*;
use serde::Deserialize;

use crate::error::PortalError;
use crate::render::Page;
use crate::session::LoggedIn;
use crate::state::AppState;

/// What stands behind the page's address.
#[derive(Deserialize)]
pub struct Asked {
    done: Option<String>,
}

/// `GET /account`
pub async fn page(
    State(state): State<AppState>,
    LoggedIn(customer): LoggedIn,
    asked: Query<Asked>,
) -> Response {
    let factors = match state.portal.factors(customer.id()).await {
        Ok(factors) => factors,
        Err(error) => return PortalError::from(error).own_page(&state),
    };
    let done = match asked.done.as_deref() {
        Some("password") => {
            Some("Your new password is saved. All your other devices are logged out.")
        }
        Some("app") => Some("Your app is set up. When you log in, we ask for a code from it."),
        Some("passkey") => Some("Your passkey is added. You can log in with it from now on."),
        Some("codes") => Some("Well done. Keep your recovery codes in a safe place."),
        _ => None,
    };
    Page::own("Your log-in", "/account", None).render(&state, move || {
        view! {
            {done.map(|words| view! { <p class="notice" role="status">{words}</p> })}
            <div>
                <h1>"Your log-in"</h1>
                <p class="lead">"How you get in here, and where you are logged in."</p>
            </div>
            {safer(factors)}
            <Way address="/account/passkeys" name="Passkeys" words=passkeys(factors) />
            <Way address="/account/app" name="Codes from an app" words=app(factors) />
            <Way address="/account/recovery-codes" name="Recovery codes" words=recovery_codes(factors) />
            <Way address="/account/contacts" name="Addresses and numbers" words="Add an address or a number that you used with us. Change the address that you log in with.".to_owned() />
            <Way address="/account/password" name="Password" words="Choose a new password.".to_owned() />
            <Way address="/account/devices" name="Devices" words="See where you are logged in. Log out a device that you lost or do not know.".to_owned() />
        }
    })
}

/// `GET` of an address that only takes a form: back to the page with the form. Whoever was asked on the way who they are
/// comes back here.
pub async fn back(_: LoggedIn, uri: Uri) -> Redirect {
    let page = uri.path().rsplit_once('/').map(|(page, _)| page);
    Redirect::to(page.unwrap_or("/account"))
}

/// The one friendly step, offered to whoever has not taken it.
fn safer(factors: Factors) -> Option<impl IntoView> {
    (!factors.any()).then(|| {
        view! {
            <section class="notice">
                <p><b>"Make your account safer in one minute."</b>" So far, somebody who learns your password gets in here. Add a passkey, and nobody gets in without your device."</p>
                <p><a class="button" href="/account/passkeys">"Add a passkey"</a></p>
            </section>
        }
    })
}

fn passkeys(factors: Factors) -> String {
    match factors.passkeys {
        0 => "Log in by your finger, your face or your PIN.".to_owned(),
        1 => "You have one passkey.".to_owned(),
        many => format!("You have {many} passkeys."),
    }
}

fn app(factors: Factors) -> String {
    if factors.app {
        "Your app is set up.".to_owned()
    } else {
        "An app on your phone shows a code. We ask for it when you log in.".to_owned()
    }
}

fn recovery_codes(factors: Factors) -> String {
    match (factors.any(), factors.recovery_codes) {
        (false, _) => {
            "They let you in when you lose your phone. You get them with a passkey or an app."
                .to_owned()
        }
        (true, 1) => "You have one left.".to_owned(),
        (true, left) => format!("You have {left} left."),
    }
}

/// The way to a page of the account.
#[component]
fn Way(address: &'static str, name: &'static str, words: String) -> impl IntoView {
    view! {
        <section class="card">
            <h2><a href=address>{name}</a></h2>
            <p>{words}</p>
        </section>
    }
}
