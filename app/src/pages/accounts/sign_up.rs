//! Sign up: an e-mail address and nothing else (P4).

use axum::extract::State;
use axum::response::Response;
use fairhold_portal::Request;

use super::{AddressForm, AskPage};
use crate::pages::form::PageForm;
use crate::session::LoggedIn;
use crate::state::AppState;

const PAGE: AskPage = AskPage {
    path: "/sign-up",
    asks: Request::SignUp,
    heading: "See my data",
    lead: "Write the e-mail address that we know you by. We send you a link, to be sure that it is you. We ask for nothing else.",
    button: "Send me the link",
};

/// `GET /sign-up`
pub async fn page(State(state): State<AppState>, visitor: Option<LoggedIn>) -> Response {
    PAGE.show(&state, visitor.as_ref(), String::new(), None)
}

/// `POST /sign-up`
pub async fn submit(
    State(state): State<AppState>,
    visitor: Option<LoggedIn>,
    PageForm(form): PageForm<AddressForm>,
) -> Response {
    PAGE.submit(&state, visitor.as_ref(), form).await
}
