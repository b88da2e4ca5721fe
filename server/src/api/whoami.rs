//! What a key may do.

use axum::{Extension, Json};
use fairhold_portal::api_keys::System;
use serde::Serialize;
use utoipa::ToSchema;

/// A key, as its own system sees it.
#[derive(Serialize, ToSchema)]
pub(crate) struct Whoami {
    /// The name of the key in lists, which opens nothing.
    #[schema(example = "0192c7a0-5b1e-7c11-9d0e-3f6f2a8f1d55")]
    id: String,
    /// What the company calls the system.
    #[schema(example = "The shop till")]
    name: String,
    /// What the key opens.
    #[schema(example = json!(["whoami"]))]
    scopes: Vec<&'static str>,
    /// The purposes that the key may ask about.
    #[schema(example = json!(["loyalty"]))]
    purposes: Vec<String>,
    /// When the key ends, in universal time.
    #[schema(format = DateTime, example = "2030-12-31T00:00:00Z")]
    expires_at: String,
}

/// Ask what your key may do
///
/// A good first call: it shows that the key works, what it opens, and when it ends.
#[utoipa::path(
    get,
    path = "/v1/whoami",
    responses((status = 200, description = "The key works.", body = Whoami))
)]
pub(crate) async fn whoami(Extension(system): Extension<System>) -> Json<Whoami> {
    let key = system.key();
    Json(Whoami {
        id: key.id.clone(),
        name: key.name.clone(),
        scopes: key.scopes.iter().map(|scope| scope.key()).collect(),
        purposes: key.purposes.clone(),
        expires_at: key.expires_at.timestamp().to_string(),
    })
}
