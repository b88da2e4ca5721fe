//! What forms send, with a page for what is not a form.

use axum::body::{Body, Bytes};
use axum::extract::{Form, FromRequest, Request};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;

use crate::error::PortalError;
use crate::state::AppState;

/// A form's fields. Anything else gets a page that says what to do.
pub struct PageForm<T>(pub T);

impl<T: DeserializeOwned> FromRequest<AppState> for PageForm<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Response> {
        let refuse = |problem: PortalError| problem.page(state);
        let request = readable(request, state).await.map_err(refuse)?;
        match Form::<T>::from_request(request, state).await {
            Ok(Form(form)) => Ok(Self(form)),
            Err(_) => Err(refuse(PortalError::BadRequest)),
        }
    }
}

/// The request again, if its body is a form whose every byte is text. What decodes a form later would put a mark in place
/// of bytes that are none, and take it for what was typed.
pub(crate) async fn readable(request: Request, state: &AppState) -> Result<Request, PortalError> {
    if !is_form(&request) {
        return Err(PortalError::WrongKind);
    }
    let (parts, body) = request.into_parts();
    let whole = Request::from_parts(parts.clone(), body);
    let bytes =
        Bytes::from_request(whole, state)
            .await
            .map_err(|e| match e.into_response().status() {
                StatusCode::PAYLOAD_TOO_LARGE => PortalError::TooLarge,
                _ => PortalError::BadRequest,
            })?;
    if std::str::from_utf8(&decoded(&bytes)).is_err() {
        return Err(PortalError::BadRequest);
    }
    Ok(Request::from_parts(parts, Body::from(bytes)))
}

fn is_form(request: &Request) -> bool {
    let kind = request.headers().get(header::CONTENT_TYPE);
    let kind = kind.and_then(|k| k.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// The bytes that a form's `%..` stand for, and the rest as it is.
fn decoded(form: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(form.len());
    let mut rest = form;
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).filter(|_| *first == b'%');
        let byte = hex
            .filter(|hex| hex.iter().all(u8::is_ascii_hexdigit))
            .and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = after
            .get(if byte.is_some() { 2 } else { 0 }..)
            .unwrap_or_default();
    }
    bytes
}
