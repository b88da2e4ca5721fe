//! The pages, one folder an area: `page` shows, `submit` does what the page's form asks and answers with a page.

pub mod account;
pub mod accounts;
pub mod api_docs;
pub mod certificates;
pub mod delete;
pub mod demo;
pub mod download;
pub mod form;
pub mod home;
pub mod join;
pub mod my_data;
pub mod permissions;
pub mod rewards;
pub mod second_fact;
pub mod share;
pub mod staff;
pub mod who_looked;

use axum::extract::State;
use axum::response::Response;

use crate::error::PortalError;
use crate::session::LoggedIn;
use crate::state::AppState;

/// What is not in the route table.
pub async fn not_found(State(state): State<AppState>, visitor: Option<LoggedIn>) -> Response {
    match visitor {
        Some(_) => PortalError::NotFound.own_page(&state),
        None => PortalError::NotFound.page(&state),
    }
}

/// A name as one part of an address, whatever is in it.
pub(crate) fn in_address(name: &str) -> String {
    let byte = |byte: u8| match byte {
        b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    name.bytes().map(byte).collect()
}
