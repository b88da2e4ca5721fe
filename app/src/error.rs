//! What can go wrong, as the browser learns it: a closed set of words, each with its sentence in plain English.

use leptos::prelude::*;
use leptos::server_fn::codec::JsonEncoding;
use serde::{Deserialize, Serialize};

/// The wire codes. A page or an island shows the sentence; nothing of the inside is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum PortalError {
    /// Nobody is logged in, or the session has ended.
    #[error("Log in first. For your safety we log you out after a while.")]
    LogInFirst,
    /// There is no such page, list or value.
    #[error(
        "We can't find that. Check the address for a typing mistake, or start again from the first page."
    )]
    NotFound,
    /// What was sent is not what this page takes.
    #[error(
        "We did not understand what your browser sent. Go back, load the page again, and try once more."
    )]
    BadRequest,
    /// What was sent is no form.
    #[error(
        "We only take what our own forms send. Go back, load the page again, and try once more."
    )]
    WrongKind,
    /// More was sent than this page takes.
    #[error("That was too much at once. Write less and try again.")]
    TooLarge,
    /// The request came from another site.
    #[error("This did not come from our own page, so we did nothing. Open our page and try again.")]
    OtherSite,
    /// The role of whoever asks does not allow it.
    #[error("Your role can't do this. Ask an administrator if you need it.")]
    NotAllowed,
    /// Too much is going on.
    #[error("We are very busy just now. Wait a minute and try again.")]
    Busy,
    /// One network sends too much at the doors.
    #[error("Too much came from where you are in a short time. Wait a minute and try again.")]
    TooOften,
    /// The system that holds this does not answer.
    #[error("The system that holds this does not answer just now. Try again in a few minutes.")]
    SystemDown,
    /// Something broke on our side.
    #[error("Something went wrong on our side. Nothing was changed. Try again in a few minutes.")]
    Ours,
}

impl FromServerFnError for PortalError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Args(_)
            | ServerFnErrorErr::MissingArg(_)
            | ServerFnErrorErr::Deserialization(_) => Self::BadRequest,
            _ => Self::Ours,
        }
    }
}

#[cfg(feature = "ssr")]
mod page {
    use axum::http::{HeaderValue, StatusCode, header};
    use axum::response::{IntoResponse, Redirect, Response};
    use leptos::prelude::*;

    use super::PortalError;
    use crate::render::Page;
    use crate::state::AppState;

    impl PortalError {
        /// The status that goes with it.
        pub const fn status(self) -> StatusCode {
            match self {
                Self::LogInFirst => StatusCode::UNAUTHORIZED,
                Self::NotFound => StatusCode::NOT_FOUND,
                Self::BadRequest => StatusCode::BAD_REQUEST,
                Self::WrongKind => StatusCode::UNSUPPORTED_MEDIA_TYPE,
                Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
                Self::OtherSite | Self::NotAllowed => StatusCode::FORBIDDEN,
                Self::TooOften => StatusCode::TOO_MANY_REQUESTS,
                Self::Busy | Self::SystemDown => StatusCode::SERVICE_UNAVAILABLE,
                Self::Ours => StatusCode::INTERNAL_SERVER_ERROR,
            }
        }

        const fn heading(self) -> &'static str {
            match self {
                Self::LogInFirst => "Please log in",
                Self::NotFound => "There is nothing here",
                Self::BadRequest | Self::WrongKind => "That did not work",
                Self::TooLarge => "That was too much",
                Self::OtherSite => "We stopped this",
                Self::NotAllowed => "This is not yours to do",
                Self::Busy | Self::TooOften => "Please wait a minute",
                Self::SystemDown => "This part is resting",
                Self::Ours => "Sorry",
            }
        }

        /// The page that says so to a stranger, in the portal's own look.
        pub fn page(self, state: &AppState) -> Response {
            self.on(state, Page::open(self.heading(), ""))
        }

        /// The page that says so to a customer, with the ways to the other pages. It names nobody.
        pub fn own_page(self, state: &AppState) -> Response {
            self.on(state, Page::own(self.heading(), "", None))
        }

        fn on(self, state: &AppState, page: Page) -> Response {
            if self == Self::LogInFirst {
                return Redirect::to("/log-in").into_response();
            }
            let mut response = page.with_status(self.status()).render(state, move || {
                view! {
                    <div>
                        <h1>{self.heading()}</h1>
                        <p class="lead">{self.to_string()}</p>
                    </div>
                    <p class="onward"><a href="/">"Go to the start"</a></p>
                }
            });
            if matches!(self, Self::Busy | Self::TooOften | Self::SystemDown) {
                response
                    .headers_mut()
                    .insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
            }
            response
        }
    }

    impl From<fairhold_portal::Error> for PortalError {
        fn from(error: fairhold_portal::Error) -> Self {
            use fairhold_portal::Error;
            match error {
                Error::LogInFirst | Error::WrongLogIn => Self::LogInFirst,
                Error::Email(_)
                | Error::Password(_)
                | Error::Nickname(_)
                | Error::ReturnTo(_)
                | Error::SecondFact(_)
                | Error::Contact(_)
                | Error::Ask(_)
                | Error::Reward(_)
                | Error::Form(_)
                | Error::Gate(_)
                | Error::Code(_)
                | Error::Passkey
                | Error::LinkEnded
                | Error::AlreadyStaff
                | Error::ApiKey
                | Error::UnknownPurpose
                | Error::MadeAlready
                | Error::OtherRequest
                | Error::TooManyCopies
                | Error::ErasureBegan
                | Error::LastAdministrator => Self::BadRequest,
                Error::NotAllowed => Self::NotAllowed,
                Error::NotFound => Self::NotFound,
                Error::TooManyTries { .. } | Error::Busy => Self::Busy,
                Error::SystemDown => Self::SystemDown,
                Error::Store(e) => {
                    tracing::error!(error = %e, "the store failed");
                    Self::Ours
                }
            }
        }
    }
}
