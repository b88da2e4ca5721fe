//! The file itself, opened on its way out. A download that broke off can go on where it ended (RFC 9110, 14).

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE,
    ETAG, HeaderName, IF_RANGE, RANGE,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Response};
use fairhold_domain::export::Part;
use fairhold_portal::export::Download;
use futures::stream;

use crate::error::PortalError;
use crate::state::AppState;
use crate::step_up::JustProven;

/// `GET /download/{id}`: for the customer of the session, who showed a short time ago who they are. That they take it is
/// written down before the first byte leaves.
pub async fn file(
    State(state): State<AppState>,
    JustProven(customer): JustProven,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let said = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let download = state
        .portal
        .download(&customer, &id, said(RANGE), said(IF_RANGE))
        .await;
    match download {
        Ok(download) => answer(download),
        Err(error) => PortalError::from(error).own_page(&state),
    }
}

fn answer(download: Download) -> Response {
    let all = download.bytes;
    let (status, range) = match download.part {
        Part::Whole => (StatusCode::OK, None),
        Part::From(first, last) => (
            StatusCode::PARTIAL_CONTENT,
            Some(format!("bytes {first}-{last}/{all}")),
        ),
        Part::Nowhere => (
            StatusCode::RANGE_NOT_SATISFIABLE,
            Some(format!("bytes */{all}")),
        ),
    };
    let name = format!("attachment; filename=\"{}\"", download.name);
    let headers = [
        (CONTENT_TYPE, "application/zip".to_owned()),
        (CONTENT_DISPOSITION, name),
        (CONTENT_LENGTH, download.length().to_string()),
        (ACCEPT_RANGES, "bytes".to_owned()),
        (CACHE_CONTROL, "no-store".to_owned()),
        (ETAG, download.tag.clone()),
    ];
    let range = range.map(|range| AppendHeaders([(CONTENT_RANGE, range)]));
    let body = Body::from_stream(stream::try_unfold(download, Download::next));
    (status, headers, range, body).into_response()
}
