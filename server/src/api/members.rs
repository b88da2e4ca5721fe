//! Members of programmes.

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use fairhold_app::state::AppState;
use fairhold_portal::Error;
use fairhold_portal::api_keys::System;
use fairhold_portal::joining::WantsToJoin;
use fairhold_portal::once::AboutNobody;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ask::{self, Change, IdempotencyKey, Path};
use super::problem::{Fault, Problem, Refusal};

/// Somebody who wants to join a programme.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewMember {
    /// Their e-mail address. Nothing else is needed.
    #[schema(example = "ada@example.com", max_length = 254)]
    email: String,
    /// What they want to be called. It need not be their name.
    #[schema(example = "Birdie", max_length = 40)]
    nickname: Option<String>,
    /// Where they go back to when they have joined: an address that the programme allows.
    #[schema(example = "https://shop.example/welcome", max_length = 2000)]
    return_to: Option<String>,
}

/// What became of it.
#[derive(Serialize, ToSchema)]
pub(crate) struct Asked {
    /// `asked`: if the mail arrives, its owner decides.
    #[schema(example = "asked")]
    status: &'static str,
}

impl AboutNobody for Asked {}

/// Ask somebody to join a programme
///
/// We send a mail with a link. They are in when they press the button behind it. Until then we keep the address and the
/// nickname and nothing else, and forget both after a day. The answer is the same for each address, whether or not we know
/// it. One address gets three such mails an hour at most.
#[utoipa::path(
    post,
    path = "/v1/programmes/{id}/members",
    params(
        ("id" = String, Path, description = "The key of the programme.", example = "club"),
        IdempotencyKey
    ),
    request_body = NewMember,
    responses((status = 202, description = "We ask them by mail.", body = Asked))
)]
pub(crate) async fn ask(
    State(state): State<AppState>,
    Extension(system): Extension<System>,
    Path(id): Path<String>,
    change: Change<NewMember>,
) -> Result<Response, Refusal> {
    let asks = &change.asks;
    let wants = WantsToJoin {
        address: &asks.email,
        nickname: asks.nickname.as_deref().unwrap_or_default(),
        return_to: asks.return_to.as_deref(),
    };
    let answer = Asked { status: "asked" };
    let asked = state
        .portal
        .ask_to_join_for(&system, change.once, &id, wants, answer);
    asked.await.map(|kept| ask::kept(&kept)).map_err(refusal)
}

/// With a pointer to the field that it is about.
pub(super) fn refusal(error: Error) -> Refusal {
    let fault = match error {
        Error::Email(wrong) => Fault::new("/email", wrong.to_string()),
        Error::Nickname(wrong) => Fault::new("/nickname", wrong.to_string()),
        Error::ReturnTo(_) => Fault::new(
            "/return_to",
            "The programme allows no such address. Send one that begins as those in the catalog do.",
        ),
        error => return error.into(),
    };
    Problem::WrongBody.with(vec![fault])
}
