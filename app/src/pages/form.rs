//! What forms send, with a page for what is not a form.

use axum::extract::rejection::FormRejection;
use axum::extract::{Form, FromRequest, Request};
use axum::http::StatusCode;
use axum::response::Response;
use serde::de::DeserializeOwned;

use crate::error::PortalError;
use crate::state::AppState;

/// A form's fields. Anything else gets a page that says what to do.
pub struct PageForm<T>(pub T);

impl<T: DeserializeOwned> FromRequest<AppState> for PageForm<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Response> {
        match Form::<T>::from_request(request, state).await {
            Ok(Form(form)) => Ok(Self(form)),
            Err(rejection) => Err(problem(&rejection).page(state)),
        }
    }
}

fn problem(rejection: &FormRejection) -> PortalError {
    let too_large = match rejection {
        FormRejection::BytesRejection(bytes) => bytes.status() == StatusCode::PAYLOAD_TOO_LARGE,
        _ => false,
    };
    if too_large {
        PortalError::TooLarge
    } else {
        PortalError::BadRequest
    }
}
