//! Customers, as other systems call them.

use axum::Extension;
use axum::extract::State;
use fairhold_app::state::AppState;
use fairhold_portal::api_keys::System;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ask::Json;
use super::members::refusal;
use super::problem::Refusal;

/// Whom a system looks for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sought {
    /// The e-mail address that the customer logs in with.
    #[schema(example = "ada@example.com", max_length = 254)]
    email: String,
}

/// What to call a customer.
#[derive(Serialize, ToSchema)]
pub(crate) struct Found {
    /// A random word. It says nothing about the customer, and stays the same.
    #[schema(
        example = "3f6b1e0c9a7d4c52b8e1f0a2d4c6e8ab",
        pattern = "^[0-9a-f]{32}$"
    )]
    r#ref: String,
}

/// Learn what to call a customer
///
/// Other calls take the word that you get here, and webhooks call members by it. So your systems need not keep the address.
#[utoipa::path(
    post,
    path = "/v1/customers/find",
    request_body = Sought,
    responses((status = 200, description = "This is what to call them.", body = Found))
)]
pub(crate) async fn find(
    State(state): State<AppState>,
    Extension(system): Extension<System>,
    Json(sought): Json<Sought>,
) -> Result<axum::Json<Found>, Refusal> {
    let found = state.portal.reference_of(&system, &sought.email).await;
    found
        .map(|r#ref| axum::Json(Found { r#ref }))
        .map_err(refusal)
}
