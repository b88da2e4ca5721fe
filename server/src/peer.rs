//! Finds out whom a request comes from, and puts it beside the request.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::FORWARDED;
use axum::http::{HeaderMap, HeaderName};
use axum::middleware::Next;
use axum::response::Response;
use fairhold_app::peer::Peer;
use fairhold_domain::peer::{Headers, Network, peer};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Middleware: a page that takes a [`Peer`] gets whoever sent the request, as far as the connection or a proxy of ours knows.
pub(crate) async fn know_peer(
    State(proxies): State<Arc<[Network]>>,
    ConnectInfo(connection): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Response {
    let forwarded = joined(request.headers(), &FORWARDED);
    let x_forwarded_for = joined(request.headers(), &X_FORWARDED_FOR);
    let headers = Headers {
        forwarded: forwarded.as_deref(),
        x_forwarded_for: x_forwarded_for.as_deref(),
    };
    let peer = Peer(peer(connection.ip(), headers, &proxies));
    request.extensions_mut().insert(peer);
    next.run(request).await
}

/// All lines of a header as one; what is no text stands for itself, and can be no address.
fn joined(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let lines: Vec<_> = headers
        .get_all(name)
        .iter()
        .map(|line| String::from_utf8_lossy(line.as_bytes()))
        .collect();
    (!lines.is_empty()).then(|| lines.join(","))
}
