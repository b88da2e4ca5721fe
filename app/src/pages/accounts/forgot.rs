//! Forgotten password.

use axum::extract::State;
use axum::response::Response;
use fairhold_portal::Request;

use super::{AddressForm, AskPage};
use crate::pages::form::PageForm;
use crate::session::LoggedIn;
use crate::state::AppState;

const PAGE: AskPage = AskPage {
    path: "/forgot-password",
    asks: Request::Reset,
    heading: "Choose a new password",
    lead: "Write your e-mail address. If you have an account, we send you a link to choose a new password.",
    button: "Send me the link",
};

/// `GET /forgot-password`
pub async fn page(State(state): State<AppState>, visitor: Option<LoggedIn>) -> Response {
    PAGE.show(&state, visitor.as_ref(), String::new(), None)
}

/// `POST /forgot-password`
pub async fn submit(
    State(state): State<AppState>,
    visitor: Option<LoggedIn>,
    PageForm(form): PageForm<AddressForm>,
) -> Response {
    PAGE.submit(&state, visitor.as_ref(), form).await
}
