//! The pages of the staff. None of them shows anything of a customer.

pub mod asks;
pub mod code;
pub mod decisions;
pub mod join;
pub mod keys;
pub mod log_in;
pub mod people;
pub mod points;
pub mod rewards;
pub mod webhooks;

use axum::extract::State;
use axum::response::Response;
use fairhold_domain::policy::Action;
use leptos::prelude::*;

use crate::render::Page;
use crate::staff_session::{StaffIn, staff_error};
use crate::state::AppState;

/// `GET /staff`
pub async fn home(State(state): State<AppState>, staff: StaffIn) -> Response {
    let address = match state.portal.staff_address(staff.0).await {
        Ok(address) => address,
        Err(error) => return staff_error(&state, error),
    };
    let role = staff.0.role();
    let may_read_staff = role.may(Action::ReadStaff);
    let may_read_keys = role.may(Action::ReadApiKeys);
    let may_read_decisions = role.may(Action::ReadDecisions);
    let may_read_webhooks = role.may(Action::ReadWebhooks);
    let may_read_rewards = role.may(Action::ReadRewards);
    let may_read_asks = role.may(Action::ReadAsks);
    let may_correct_points = role.may(Action::CorrectPoints);
    Page::of_staff("Your work", "/staff", role).render(&state, move || {
        let duties = role.duties().map(|words| view! { <li>{words}</li> });
        let decisions = may_read_decisions
            .then(|| view! { <a href="/staff/decisions">"What was done"</a> });
        let people =
            may_read_staff.then(|| view! { <a href="/staff/people">"Who works here"</a> });
        let keys =
            may_read_keys.then(|| view! { <a href="/staff/keys">"Keys of our systems"</a> });
        let webhooks = may_read_webhooks
            .then(|| view! { <a href="/staff/webhooks">"What our shops were told"</a> });
        let rewards = may_read_rewards.then(|| view! { <a href="/staff/rewards">"Rewards"</a> });
        let asks = may_read_asks.then(|| view! { <a href="/staff/asks">"What we ask for"</a> });
        let points =
            may_correct_points.then(|| view! { <a href="/staff/points">"Put points right"</a> });
        view! {
            <div>
                <h1>"Your work"</h1>
                <p class="lead">{format!("You are logged in as {address}. Your role is {role}.")}</p>
            </div>
            <section class="card">
                <h2>"What your role may do"</h2>
                <p>"You can:"</p>
                <ul>{duties.collect_view()}</ul>
                <p class="fine">"We write down what you do here. Nobody can change it later."</p>
            </section>
            <p class="onward">{people} {keys} {webhooks} {rewards} {asks} {points} {decisions}</p>
        }
    })
}
