//! Recovery codes: they are shown once, until their owner says that they wrote them down.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use fairhold_portal::Customer;
use fairhold_portal::factors::NewRecoveryCodes;
use leptos::prelude::*;
use tower_sessions::Session;

use super::app_codes::Nothing;
use crate::error::PortalError;
use crate::render::Page;
use crate::session;
use crate::state::AppState;
use crate::step_up::{JustProven, ProvenForm};

/// Under this name the session keeps new recovery codes until their owner wrote them down.
const NEW: &str = "recovery_codes";

/// On after a factor was added: to the recovery codes, where it brought any.
pub(super) async fn after(
    state: &AppState,
    session: &Session,
    made: Option<NewRecoveryCodes>,
    done: &str,
) -> Response {
    let Some(made) = made else {
        return Redirect::to(&format!("/account?done={done}")).into_response();
    };
    match session::put(session, NEW, made).await {
        Ok(()) => Redirect::to("/account/recovery-codes").into_response(),
        Err(error) => error.own_page(state),
    }
}

/// `GET /account/recovery-codes`
pub async fn page(
    State(state): State<AppState>,
    session: Session,
    JustProven(customer): JustProven,
) -> Response {
    match not_kept_yet(&state, &session, &customer).await {
        Ok(Some(codes)) => return show_new(&state, codes),
        Ok(None) => (),
        Err(error) => return error.own_page(&state),
    }
    match state.portal.factors(customer.id()).await {
        Ok(factors) => show(&state, factors.any(), factors.recovery_codes),
        Err(error) => PortalError::from(error).own_page(&state),
    }
}

/// `POST /account/recovery-codes`: makes new ones.
pub async fn renew(
    State(state): State<AppState>,
    session: Session,
    ProvenForm(customer, Nothing {}): ProvenForm<Nothing>,
) -> Response {
    match state.portal.renew_recovery_codes(customer).await {
        Ok(made) => after(&state, &session, Some(made), "codes").await,
        Err(error) => PortalError::from(error).own_page(&state),
    }
}

/// `POST /account/recovery-codes/kept`: they are written down.
pub async fn kept(
    State(state): State<AppState>,
    session: Session,
    ProvenForm(customer, Nothing {}): ProvenForm<Nothing>,
) -> Response {
    let stand = match not_kept_yet(&state, &session, &customer).await {
        Ok(codes) => codes.is_some(),
        Err(error) => return error.own_page(&state),
    };
    let next = if stand {
        "/account?done=codes"
    } else {
        // There is nothing to keep: the page says what there is.
        "/account/recovery-codes"
    };
    match session::take::<NewRecoveryCodes>(&session, NEW).await {
        Ok(_) => Redirect::to(next).into_response(),
        Err(error) => error.own_page(&state),
    }
}

/// Codes that were made in this session and not kept yet, if they are still those that let the customer in: they end with the
/// last factor, and with newer ones from elsewhere.
async fn not_kept_yet(
    state: &AppState,
    session: &Session,
    customer: &Customer,
) -> Result<Option<NewRecoveryCodes>, PortalError> {
    let Some(codes) = session::get::<NewRecoveryCodes>(session, NEW).await? else {
        return Ok(None);
    };
    let stand = state.portal.recovery_codes_stand(customer, &codes).await?;
    Ok(stand.then_some(codes))
}

fn show_new(state: &AppState, codes: NewRecoveryCodes) -> Response {
    Page::own("Recovery codes", "/account/recovery-codes", None).render(state, move || {
        view! {
            <div>
                <h1>"Your recovery codes"</h1>
                <p class="lead">"Write these down or print them, and keep them safe. If you lose your phone, one of them lets you in. Each works once. We can't show them again."</p>
            </div>
            <section class="card">
                <ol class="codes">
                    {codes.into_iter().map(|code| view! { <li><code>{code}</code></li> }).collect_view()}
                </ol>
            </section>
            <form method="post" action="/account/recovery-codes/kept" class="tools">
                <button class="primary">"I have kept them"</button>
            </form>
        }
    })
}

fn show(state: &AppState, any: bool, left: i64) -> Response {
    let left = match left {
        0 => "You have no recovery code left. Make new ones now.".to_owned(),
        1 => "You have one recovery code left. Make new ones soon.".to_owned(),
        left => format!("You have {left} recovery codes left."),
    };
    Page::own("Recovery codes", "/account/recovery-codes", None).render(state, move || {
        let codes = if any {
            view! {
                <section class="card">
                    <p>{left}</p>
                    <p>"If you lost your list, make new codes. The old ones end at once."</p>
                    <form method="post" action="/account/recovery-codes" class="alone"><button>"Make new codes"</button></form>
                </section>
            }
            .into_any()
        } else {
            view! { <p class="empty">"You get recovery codes when you add a passkey or an app."</p> }.into_any()
        };
        view! {
            <h1>"Recovery codes"</h1>
            {codes}
            <p class="onward"><a href="/account">"Back to your log-in"</a></p>
        }
    })
}
