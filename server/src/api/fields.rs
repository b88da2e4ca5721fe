//! Fields of a customer that the portal keeps: a value goes in only where the customer said yes, or the catalog says that no
//! yes is needed (P14).

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use fairhold_app::state::AppState;
use fairhold_domain::answer::Typed;
use fairhold_domain::catalog::Origin;
use fairhold_portal::Error;
use fairhold_portal::api_keys::System;
use fairhold_portal::once::AboutNobody;
use fairhold_portal::own_fields::{NewValue, Refusal as Gate};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ask::{self, Change, IdempotencyKey, Path};
use super::problem::{Fault, Problem, Refusal};

/// A value for a field.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewFieldValue {
    /// What is to stand there.
    value: FieldValue,
    /// The key of the purpose that it is for. The field must be held for it.
    #[schema(example = "your_offers", max_length = 100)]
    purpose: String,
    /// How you came by it. The customer reads this.
    #[serde(default)]
    origin: HowObtained,
}

/// What stands in a field: one text, several words to pick from, or a postal address.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum FieldValue {
    /// A phone number, a day (`1985-03-27`), a word to pick, or any other text.
    Text(String),
    /// Words to pick from.
    Words(Vec<String>),
    /// A postal address.
    Address(PostalAddress),
}

/// A postal address.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PostalAddress {
    /// Street and house number.
    #[schema(example = "7 Quiet Lane", max_length = 100)]
    street: String,
    /// A second line, such as a flat.
    #[schema(max_length = 100)]
    more: Option<String>,
    /// Town or city.
    #[schema(example = "Galway", max_length = 100)]
    town: String,
    /// Post code, where the country has them.
    #[schema(example = "H91 E2K3", max_length = 20)]
    code: Option<String>,
    /// The country's code (ISO 3166-1).
    #[schema(example = "IE", max_length = 2)]
    country: String,
}

/// How data was obtained (P1).
#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum HowObtained {
    /// The customer gave it to you.
    Provided,
    /// You saw it.
    #[default]
    Observed,
    /// You worked it out.
    Inferred,
    /// You got it from somebody else.
    Obtained,
}

/// What became of it.
#[derive(Serialize, ToSchema)]
pub(crate) struct Kept {
    /// `kept`: it stands on the customer's page from now on.
    #[schema(example = "kept")]
    status: &'static str,
}

impl AboutNobody for Kept {}

/// Keep a value about a customer
///
/// It is kept only while the customer's yes to the purpose covers the field, or where the catalog says that the purpose needs
/// no yes. Otherwise nothing of it is kept. The customer sees the value on My data at once, with how you came by it.
#[utoipa::path(
    put,
    path = "/v1/customers/{ref}/fields/{key}",
    params(
        ("ref" = String, Path, description = "What your systems call the customer.", example = "3f6b1e0c9a7d4c52b8e1f0a2d4c6e8ab"),
        ("key" = String, Path, description = "The name of the field, as the catalog has it.", example = "favourite_drink"),
        IdempotencyKey
    ),
    request_body = NewFieldValue,
    responses((status = 200, description = "It is kept.", body = Kept))
)]
pub(crate) async fn put(
    State(state): State<AppState>,
    Extension(system): Extension<System>,
    Path((reference, key)): Path<(String, String)>,
    change: Change<NewFieldValue>,
) -> Result<Response, Refusal> {
    let asks = change.asks;
    let new = NewValue {
        field: key,
        typed: typed(asks.value),
        purpose: asks.purpose,
        origin: match asks.origin {
            HowObtained::Provided => Origin::Provided,
            HowObtained::Observed => Origin::Observed,
            HowObtained::Inferred => Origin::Inferred,
            HowObtained::Obtained => Origin::Obtained,
        },
    };
    let answer = Kept { status: "kept" };
    let kept = state
        .portal
        .put_own_field(&system, change.once, &reference, new, answer);
    kept.await.map(|kept| ask::kept(&kept)).map_err(refusal)
}

/// As a form would send it.
fn typed(value: FieldValue) -> Typed {
    let one = |name: &str, value: String| (name.to_owned(), vec![value]);
    match value {
        FieldValue::Text(text) => Typed::from([one("", text)]),
        FieldValue::Words(words) => Typed::from([(String::new(), words)]),
        FieldValue::Address(address) => Typed::from([
            one("street", address.street),
            one("more", address.more.unwrap_or_default()),
            one("town", address.town),
            one("code", address.code.unwrap_or_default()),
            one("country", address.country),
        ]),
    }
}

fn refusal(error: Error) -> Refusal {
    let Error::Gate(gate) = error else {
        return error.into();
    };
    let pointer = match &gate {
        Gate::UnknownField => return Problem::NotFound.into(),
        Gate::NoGrant => return Problem::NoGrant.into(),
        Gate::NotYours => return Problem::PurposeMissing.into(),
        Gate::UnknownPurpose | Gate::NotForThis => "/purpose".to_owned(),
        Gate::Value(error) if error.input().is_empty() || error.input() == "day" => {
            "/value".to_owned()
        }
        Gate::Value(error) => format!("/value/{}", error.input()),
    };
    Problem::WrongBody.with(vec![Fault::new(pointer, gate.to_string())])
}
