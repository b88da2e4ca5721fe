//! What the shops of programmes were told: how each message stands, and a button to send one again.

use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use fairhold_portal::webhooks::ToldDelivery;
use leptos::prelude::*;
use serde::Deserialize;

use crate::pages::form::PageForm;
use crate::render::Page;
use crate::staff_session::{StaffIn, staff_error};
use crate::state::AppState;

/// What stands behind the page's address: the id of a message.
#[derive(Deserialize)]
pub struct Asked {
    before: Option<String>,
    done: Option<String>,
}

/// Which message is sent again.
#[derive(Deserialize)]
pub struct Again {
    programme: String,
    id: String,
}

/// `GET /staff/webhooks`
pub async fn page(State(state): State<AppState>, staff: StaffIn, asked: Query<Asked>) -> Response {
    let told = state
        .portal
        .webhooks_told(staff.by(), asked.before.as_deref());
    let told = match told.await {
        Ok(told) => told,
        Err(error) => return staff_error(&state, error),
    };
    let done = asked.done.as_deref() == Some("again");
    Page::of_staff("What our shops were told", "/staff/webhooks", staff.0.role()).render(&state, move || {
        let done = done.then(|| view! { <p class="notice" role="status">"It is sent again. Load the page anew to see how it went."</p> });
        let none = told.deliveries.is_empty().then(|| {
            let words = if told.any_receiver {
                "Nothing was told yet."
            } else {
                "No programme has a shop to tell. An administrator names one in the settings, in the part called webhooks."
            };
            view! { <p class="empty">{words}</p> }
        });
        let older = told.next.map(|id| {
            view! { <p class="pager"><a class="button" href=format!("/staff/webhooks?before={id}")>"Show older ones"</a></p> }
        });
        view! {
            {done}
            <div>
                <h1>"What our shops were told"</h1>
                <p class="lead">"We tell the shop of a programme when somebody joins, leaves or takes a reward. If it does not answer, we try again for three days."</p>
            </div>
            {none}
            <ul class="outbox">{told.deliveries.into_iter().map(card).collect_view()}</ul>
            {older}
            <p class="onward"><a href="/staff">"Back to your work"</a></p>
        }
    })
}

/// `POST /staff/webhooks/again`
pub async fn again(
    State(state): State<AppState>,
    staff: StaffIn,
    PageForm(form): PageForm<Again>,
) -> Response {
    let sent = state
        .portal
        .send_webhook_again(staff.by(), form.programme, form.id);
    match sent.await {
        Ok(()) => Redirect::to("/staff/webhooks?done=again").into_response(),
        Err(error) => staff_error(&state, error),
    }
}

fn card(delivery: ToldDelivery) -> impl IntoView {
    let about = format!("about-{}", delivery.webhook_id);
    view! {
        <li class="card">
            <header id=about.clone()>
                <h2>{delivery.what}</h2>
                <p class="fine">{delivery.programme.clone()}", "<time datetime=delivery.at>{delivery.when}</time></p>
            </header>
            <p>{delivery.status}</p>
            <form method="post" action="/staff/webhooks/again">
                <input type="hidden" name="programme" value=delivery.programme />
                <input type="hidden" name="id" value=delivery.webhook_id />
                <button aria-describedby=about>"Send it again"</button>
            </form>
        </li>
    }
}
