//! What a call is refused with: problem documents (RFC 9457). A new kind is a variant of [`Problem`]; the exhaustive
//! matches then ask what it is called, which status it has and what to do about it. The description and the page that
//! explains the API are made from them.

use std::borrow::Cow;

use axum::Json;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use fairhold_portal::Error;
use serde::Serialize;
use utoipa::ToSchema;

/// The media type of all refusals.
pub const KIND: &str = "application/problem+json";

/// The kinds of refusals. Their keys are stable: programs tell them apart by them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Problem {
    /// There is no key that works.
    NoKey,
    /// The key lacks the scope of the call.
    ScopeMissing,
    /// The key may not speak for the purpose.
    PurposeMissing,
    /// The customer has not said yes.
    NoGrant,
    /// A browser sent it from another site.
    OtherSite,
    /// There is no such call, or nothing of that name.
    NotFound,
    /// The address takes other methods.
    WrongMethod,
    /// The request makes no sense for a reason that has no kind of its own.
    NotUnderstood,
    /// What stands behind the question mark is not what the call takes.
    WrongQuery,
    /// The body is no JSON.
    NotJson,
    /// The body is JSON, and not what the call takes.
    WrongBody,
    /// The body is said to be something else than JSON.
    WrongKind,
    /// The body is too large.
    TooLarge,
    /// The `Idempotency-Key` is too short, too long, or has odd characters.
    WrongIdempotencyKey,
    /// The `Idempotency-Key` came before, with another request.
    IdempotencyKeyUsed,
    /// Too much is going on.
    Busy,
    /// Something broke in the portal.
    Ours,
}

impl Problem {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::NoKey,
        Self::ScopeMissing,
        Self::PurposeMissing,
        Self::NoGrant,
        Self::OtherSite,
        Self::NotFound,
        Self::WrongMethod,
        Self::NotUnderstood,
        Self::WrongQuery,
        Self::NotJson,
        Self::WrongBody,
        Self::WrongKind,
        Self::TooLarge,
        Self::WrongIdempotencyKey,
        Self::IdempotencyKeyUsed,
        Self::Busy,
        Self::Ours,
    ];

    /// Its name in the `type` of its documents.
    pub const fn key(self) -> &'static str {
        match self {
            Self::NoKey => "no-key",
            Self::ScopeMissing => "scope-missing",
            Self::PurposeMissing => "purpose-missing",
            Self::NoGrant => "no-grant",
            Self::OtherSite => "other-site",
            Self::NotFound => "not-found",
            Self::WrongMethod => "wrong-method",
            Self::NotUnderstood => "not-understood",
            Self::WrongQuery => "wrong-query",
            Self::NotJson => "not-json",
            Self::WrongBody => "wrong-body",
            Self::WrongKind => "wrong-kind",
            Self::TooLarge => "too-large",
            Self::WrongIdempotencyKey => "wrong-idempotency-key",
            Self::IdempotencyKeyUsed => "idempotency-key-used",
            Self::Busy => "busy",
            Self::Ours => "ours",
        }
    }

    /// The status of its answers.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::NoKey => StatusCode::UNAUTHORIZED,
            Self::ScopeMissing | Self::PurposeMissing | Self::NoGrant | Self::OtherSite => {
                StatusCode::FORBIDDEN
            }
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotUnderstood | Self::WrongQuery | Self::NotJson | Self::WrongIdempotencyKey => {
                StatusCode::BAD_REQUEST
            }
            Self::WrongBody | Self::IdempotencyKeyUsed => StatusCode::UNPROCESSABLE_ENTITY,
            Self::WrongKind => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Ours => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What happened, in a few words.
    pub const fn title(self) -> &'static str {
        match self {
            Self::NoKey => "No key that works",
            Self::ScopeMissing => "The key is not for this",
            Self::PurposeMissing => "The key is not for this purpose",
            Self::NoGrant => "The customer has not said yes",
            Self::OtherSite => "Sent by another site",
            Self::NotFound => "Not found",
            Self::WrongMethod => "Another method is needed",
            Self::NotUnderstood => "Not understood",
            Self::WrongQuery => "A wrong part in the address",
            Self::NotJson => "The body is no JSON",
            Self::WrongBody => "A wrong field in the body",
            Self::WrongKind => "The body is of another kind",
            Self::TooLarge => "Too large",
            Self::WrongIdempotencyKey => "Not an Idempotency-Key",
            Self::IdempotencyKeyUsed => "The Idempotency-Key was used before",
            Self::Busy => "Busy",
            Self::Ours => "Our mistake",
        }
    }

    /// What happened and what to do.
    pub const fn detail(self) -> &'static str {
        match self {
            Self::NoKey => {
                "This call needs a key that works. Send it as the header Authorization: Bearer KEY."
            }
            Self::ScopeMissing => {
                "Your key does not open this call. Ask for a key with the scope that the call needs."
            }
            Self::PurposeMissing => {
                "Your key may not speak for this purpose, so nothing was kept. Ask for a key that names it."
            }
            Self::NoGrant => {
                "The customer has not said yes to this, or took it back, so nothing was kept. Ask them first."
            }
            Self::OtherSite => {
                "A page of another site sent this, so we did nothing. Make the call from a server."
            }
            Self::NotFound => "We can't find that. Check the address: /v1/docs lists all calls.",
            Self::WrongMethod => {
                "This address does not take that method. The header Allow says which ones it takes."
            }
            Self::NotUnderstood => {
                "We did not understand this call. Nothing was changed. /v1/docs says how it is made."
            }
            Self::WrongQuery => {
                "Something behind the question mark is not what this call takes. The errors say what."
            }
            Self::NotJson => {
                "We can't read the body as JSON. Nothing was changed. The errors say where we stopped."
            }
            Self::WrongBody => {
                "The body is not what this call takes. Nothing was changed. The errors say which fields to mend."
            }
            Self::WrongKind => {
                "This call takes JSON. Send the header Content-Type: application/json."
            }
            Self::TooLarge => "The body is larger than any call needs. Send less.",
            Self::WrongIdempotencyKey => {
                "An Idempotency-Key has 16 to 64 letters, digits and signs, without spaces. Send another, or none."
            }
            Self::IdempotencyKeyUsed => {
                "This Idempotency-Key came before with another call, so we did nothing. Make a new one for each change."
            }
            Self::Busy => "The portal is busy. Nothing was changed. Wait a minute and try again.",
            Self::Ours => {
                "Something went wrong in the portal. Nothing was changed. Try again in a few minutes."
            }
        }
    }

    /// A reference to its place on the page that explains the API, which names no host (RFC 9457, 3.1.1).
    pub fn reference(self) -> String {
        format!("/v1/docs#{}", self.anchor())
    }

    /// Its place on that page.
    pub fn anchor(self) -> String {
        format!("problem-{}", self.key())
    }

    /// The header that goes with it, and its meaning.
    pub(crate) const fn header(self) -> Option<(HeaderName, &'static str, &'static str)> {
        match self {
            Self::NoKey => Some((WWW_AUTHENTICATE, "Bearer", "How to send a key.")),
            Self::Busy => Some((RETRY_AFTER, "60", "Seconds to wait before the next try.")),
            _ => None,
        }
    }

    /// What a refusal of a part that has no words of its own (the router, a limit) is.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => Self::WrongMethod,
            StatusCode::PAYLOAD_TOO_LARGE => Self::TooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::WrongKind,
            StatusCode::FORBIDDEN => Self::OtherSite,
            StatusCode::SERVICE_UNAVAILABLE => Self::Busy,
            s if s.is_client_error() => Self::NotUnderstood,
            _ => Self::Ours,
        }
    }

    /// The same with what is wrong, field by field.
    pub fn with(self, errors: Vec<Fault>) -> Refusal {
        Refusal {
            problem: self,
            errors,
        }
    }
}

/// One wrong field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Fault {
    /// Where it stands: a JSON pointer (RFC 6901) into the body, or the name of a part of the address.
    #[schema(example = "/email")]
    pub pointer: String,
    /// What is wrong and what to send. It never repeats what was sent.
    #[schema(example = "This field is missing.")]
    pub detail: Cow<'static, str>,
}

impl Fault {
    /// A wrong field, by its pointer.
    pub fn new(pointer: impl Into<String>, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            pointer: pointer.into(),
            detail: detail.into(),
        }
    }
}

/// A call that was refused, on its way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Of which kind.
    pub problem: Problem,
    /// The wrong fields, where it is about fields.
    pub errors: Vec<Fault>,
}

/// Why a call was refused (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemDocument {
    /// Which kind of problem it is: the address of its explanation. It stays the same for ever.
    #[schema(example = "/v1/docs#problem-no-key")]
    r#type: String,
    /// What happened, in a few words.
    title: &'static str,
    /// The status of the answer once more.
    status: u16,
    /// What happened and what to do.
    detail: &'static str,
    /// The wrong fields, where it is about fields.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<Fault>,
}

impl ProblemDocument {
    /// One as it may come.
    pub(crate) fn example(problem: Problem) -> Self {
        let errors = match problem {
            Problem::NotJson => vec![Fault::new("", "We stopped at line 1, column 9.")],
            Problem::WrongBody => vec![Fault::new("/name", "This field is missing.")],
            Problem::WrongQuery => vec![Fault::new("/most", "Send a whole number here.")],
            _ => Vec::new(),
        };
        problem.with(errors).into()
    }
}

impl From<Refusal> for ProblemDocument {
    fn from(refusal: Refusal) -> Self {
        let problem = refusal.problem;
        Self {
            r#type: problem.reference(),
            title: problem.title(),
            status: problem.status().as_u16(),
            detail: problem.detail(),
            errors: refusal.errors,
        }
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        problem.with(Vec::new())
    }
}

impl From<Error> for Refusal {
    /// What all calls answer alike. A call that takes an address or a password maps the errors of those itself, with a
    /// pointer to the field.
    fn from(error: Error) -> Self {
        match error {
            Error::LogInFirst => Problem::NoKey,
            Error::NotAllowed => Problem::ScopeMissing,
            Error::NotFound => Problem::NotFound,
            Error::OtherRequest => Problem::IdempotencyKeyUsed,
            Error::Busy | Error::SystemDown => Problem::Busy,
            error => {
                tracing::error!(%error, "a call of a system failed");
                Problem::Ours
            }
        }
        .into()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        Refusal::from(self).into_response()
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let problem = self.problem;
        let body = ProblemDocument::from(self);
        let mut response = (problem.status(), Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(KIND));
        if let Some((name, value, _)) = problem.header() {
            headers.insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use fairhold_domain::reading::is_hard_to_read;

    use super::*;

    #[test]
    fn all_kinds_are_listed_once_and_have_keys_of_their_own() {
        let listed: BTreeSet<_> = Problem::ALL.into_iter().collect();
        let keys: BTreeSet<_> = Problem::ALL.map(Problem::key).into();
        // The last variant: one more makes this fail until it is listed.
        assert_eq!(listed.len(), Problem::Ours as usize + 1);
        assert_eq!(keys.len(), listed.len());
    }

    #[test]
    fn every_kind_says_in_easy_words_what_to_do() {
        for problem in Problem::ALL {
            for words in [problem.title(), problem.detail()] {
                assert_eq!(is_hard_to_read(words), None, "{words}");
            }
            assert!(problem.detail().ends_with('.'), "{}", problem.detail());
            let status = problem.status();
            assert!(status.is_client_error() || status.is_server_error());
        }
    }
}
