//! Stepping up: before what is grave, a customer shows once more who they are, and comes back with what they typed.

use axum::body::{Body, Bytes};
use axum::extract::{Form, FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use fairhold_portal::Customer;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tower_sessions::Session;

use crate::error::PortalError;
use crate::pages::form::readable;
use crate::session::{self, just_proven};
use crate::state::AppState;

/// Under this name the session keeps what was typed until its customer is back.
const DRAFT: &str = "draft";

/// Fields that nobody keeps: a secret is typed again.
const SECRETS: [&str; 2] = ["password", "code"];

/// A customer who showed who they are a short time ago. Whoever did not is asked to, and comes back to the same page.
pub struct JustProven(pub Customer);

impl FromRequestParts<AppState> for JustProven {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        let session::LoggedIn(customer) =
            <session::LoggedIn as FromRequestParts<_>>::from_request_parts(parts, state).await?;
        match is_just_proven(parts, state).await {
            Ok(true) => Ok(Self(customer)),
            Ok(false) => Err(ask_again(parts.uri.path())),
            Err(error) => Err(error.page(state)),
        }
    }
}

/// A form of a customer who showed who they are a short time ago. What anybody else typed is kept, but for secrets, while
/// they show it; the form's page then has it again ([`Draft`]), and they send it themselves.
pub struct ProvenForm<T>(pub Customer, pub T);

impl<T: DeserializeOwned + Send> FromRequest<AppState> for ProvenForm<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Response> {
        let refuse = |problem: PortalError| problem.page(state);
        let (mut parts, body) = request.into_parts();
        let session::LoggedIn(customer) =
            <session::LoggedIn as FromRequestParts<_>>::from_request_parts(&mut parts, state)
                .await?;
        let request = Request::from_parts(parts.clone(), body);
        let request = readable(request, state).await.map_err(refuse)?;
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|_| refuse(PortalError::BadRequest))?;
        let Ok(form) = form(&parts, bytes.clone(), state).await else {
            return Err(refuse(PortalError::BadRequest));
        };
        if is_just_proven(&parts, state).await.map_err(refuse)? {
            forget(&parts).await.map_err(refuse)?;
            return Ok(Self(customer, form));
        }
        keep(&parts, bytes, state).await.map_err(refuse)?;
        Err(ask_again(parts.uri.path()))
    }
}

/// What a customer had typed into the form of a page before they were asked who they are. It is kept until they send it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Draft {
    path: String,
    fields: Vec<(String, String)>,
}

impl Draft {
    /// Whether it was typed on that page: its form goes to the page's own address, or to one right below.
    fn is_of(&self, page: &str) -> bool {
        let below = self.path.rsplit_once('/').map(|(above, _)| above);
        self.path == page || below == Some(page)
    }

    /// What was typed into a field.
    pub fn get(&self, field: &str) -> String {
        let typed = self.fields.iter().find(|(name, _)| name == field);
        typed.map(|(_, text)| text.clone()).unwrap_or_default()
    }
}

impl FromRequestParts<AppState> for Draft {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        let session = own(parts).map_err(|e| e.page(state))?;
        let kept: Option<Self> = session::get(session, DRAFT)
            .await
            .map_err(|e| e.page(state))?;
        Ok(kept
            .filter(|draft| draft.is_of(parts.uri.path()))
            .unwrap_or_default())
    }
}

fn own(parts: &Parts) -> Result<&Session, PortalError> {
    parts.extensions.get::<Session>().ok_or(PortalError::Ours)
}

async fn is_just_proven(parts: &Parts, state: &AppState) -> Result<bool, PortalError> {
    just_proven(own(parts)?, state).await
}

fn ask_again(next: &str) -> Response {
    Redirect::to(&format!("/still-you?next={next}")).into_response()
}

async fn form<T: DeserializeOwned>(
    parts: &Parts,
    bytes: Bytes,
    state: &AppState,
) -> Result<T, PortalError> {
    let request = Request::from_parts(parts.clone(), Body::from(bytes));
    let form = Form::<T>::from_request(request, state).await;
    form.map(|Form(form)| form)
        .map_err(|_| PortalError::BadRequest)
}

async fn keep(parts: &Parts, bytes: Bytes, state: &AppState) -> Result<(), PortalError> {
    let mut fields: Vec<(String, String)> = form(parts, bytes, state).await?;
    fields.retain(|(name, _)| !SECRETS.contains(&name.as_str()));
    let path = parts.uri.path().to_owned();
    session::put(own(parts)?, DRAFT, Draft { path, fields }).await
}

async fn forget(parts: &Parts) -> Result<(), PortalError> {
    let session = own(parts)?;
    if session::get::<Draft>(session, DRAFT).await?.is_some() {
        session::take::<Draft>(session, DRAFT).await?;
    }
    Ok(())
}
