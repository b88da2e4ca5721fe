//! The web server's router: the pages, the files, and the middleware around them.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_RANGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, Entry, HeaderName,
    SET_COOKIE, STRICT_TRANSPORT_SECURITY, X_FRAME_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use fairhold_app::error::PortalError;
use fairhold_app::render::FramedBy;
use fairhold_app::routes::{embeddable, long_forms, routes};
use fairhold_app::state::AppState;
use fairhold_domain::peer::Network;
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::csrf::CsrfLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;
use tower_sessions::SessionManagerLayer;
use tower_sessions::cookie::SameSite;

use crate::api;
use crate::api::problem::Problem;
use crate::company_style;
use crate::config::Config;
use crate::peer::know_peer;
use crate::sessions::Sessions;
use crate::wall::{Wall, hold_back};

/// Larger forms are refused: nothing here asks for more than a few lines (ASVS 5.0, 5.2.1).
const LARGEST_BODY: usize = 64 * 1024;
/// The same for lists that the staff paste: 10,000 codes of rewards, with what a form makes of the ends of lines.
const LARGEST_LIST: usize = 1024 * 1024;
/// No request may take longer: connected systems have their own, shorter limit.
const LONGEST_REQUEST: Duration = Duration::from_secs(30);

/// The session's cookie.
const COOKIE: &str = "__Host-fairhold";

/// Has the browser forget it.
const ENDED_COOKIE: &str = "__Host-fairhold=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0";

/// The whole server.
pub fn router(state: AppState, config: &Config) -> Router {
    let https = state.portal.settings().public_url.starts_with("https://");
    let sessions = Sessions {
        db: state.portal.db().clone(),
        world: state.portal.world().clone(),
        idle_seconds: state.portal.settings().idle_seconds,
        absolute_seconds: config.sessions.absolute_hours * 3600,
    };
    // `__Host-`: only over HTTPS or to this machine, only this host, every path (ASVS 5.0, 3.3.1 to 3.3.4).
    let sessions = SessionManagerLayer::new(sessions)
        .with_name(COOKIE)
        .with_secure(true)
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_path("/");
    let room = Arc::new(Semaphore::new(config.server.most_requests));
    let wall = Arc::new(Wall::new(&state.portal));
    let proxies: Arc<[Network]> = config.server.proxies.clone().into();
    let behind_the_wall = |routes: Router<AppState>| {
        routes
            .layer(from_fn_with_state((state.clone(), wall.clone()), hold_back))
            .layer(from_fn_with_state(proxies.clone(), know_peer))
    };
    behind_the_wall(routes().merge(api::router(&state)))
        .layer(sessions)
        .layer(from_fn(end_cookie_securely))
        // No session reaches what stands in other people's pages.
        .merge(behind_the_wall(embeddable()))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(RequestBodyLimitLayer::new(LARGEST_BODY))
        // The staff have a cookie of their own, so a customer's session is none of these forms' business.
        .merge(
            behind_the_wall(long_forms())
                .layer(DefaultBodyLimit::max(LARGEST_LIST))
                .layer(RequestBodyLimitLayer::new(LARGEST_LIST)),
        )
        .layer(CsrfLayer::new())
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            LONGEST_REQUEST,
        ))
        .layer(CatchPanicLayer::new())
        .layer(from_fn(refuse_nul))
        .layer(from_fn_with_state(state.clone(), plain_words))
        .layer(from_fn_with_state(
            (state.clone(), room.clone()),
            refuse_when_full,
        ))
        .merge(
            files(&state)
                .layer(TimeoutLayer::with_status_code(
                    StatusCode::SERVICE_UNAVAILABLE,
                    LONGEST_REQUEST,
                ))
                .layer(from_fn_with_state((state.clone(), room), refuse_when_full)),
        )
        // However much is going on: who watches the program must not take a busy one for a dead one.
        .route("/healthz", get(async || "ok"))
        .layer(from_fn(log))
        .layer(from_fn_with_state(https, web_rows))
        .with_state(state)
}

/// No page, key or number has a NUL in it, and PostgreSQL takes no text with one.
async fn refuse_nul(request: Request, next: Next) -> Response {
    if request.uri().path().contains("%00") {
        return StatusCode::NOT_FOUND.into_response();
    }
    next.run(request).await
}

/// What is the same for everybody, and how the server is.
fn files(state: &AppState) -> Router<AppState> {
    let packed = ServeDir::new(state.assets.site.join("pkg"))
        .precompressed_br()
        .precompressed_gzip();
    // The names hold a hash of the contents: what has the name is the same for ever.
    let forever = SetResponseHeaderLayer::overriding(CACHE_CONTROL, |response: &Response| {
        let value = if response.status().is_success() {
            "public, max-age=31536000, immutable"
        } else {
            "no-store"
        };
        Some(HeaderValue::from_static(value))
    });
    // A company's picture may be SVG: nothing in it may run.
    let inert = SetResponseHeaderLayer::overriding(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; sandbox"),
    );
    let public = ServeDir::new(state.portal.company().public_folder());
    Router::new()
        .nest(
            "/pkg",
            Router::new().fallback_service(packed).layer(forever),
        )
        .nest(
            "/company",
            Router::new().fallback_service(public).layer(inert),
        )
        .route("/company.css", get(company_style::style))
        .route("/favicon.svg", get(company_style::favicon))
        .route("/readyz", get(ready))
}

/// Whether the stores answer.
async fn ready(State(state): State<AppState>) -> Response {
    match state.portal.ready().await {
        Ok(()) => "ready".into_response(),
        Err(error) => {
            tracing::error!(%error, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "not ready").into_response()
        }
    }
}

/// Turns refusals that have no words of their own (of the router, a limit, a parser) into the portal's page.
async fn plain_words(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let for_island = request.uri().path().starts_with("/act/");
    let for_system = api::is_ours(request.uri().path());
    let response = next.run(request).await;
    let status = response.status();
    let failed = status.is_client_error() || status.is_server_error();
    if for_system && failed {
        let is_problem = response.headers().get(CONTENT_TYPE);
        let is_problem = is_problem.is_some_and(|kind| kind == "application/problem+json");
        return if is_problem {
            response
        } else {
            let problem = Problem::of_status(status).into_response();
            keep_headers(&response, problem)
        };
    }
    let is_page = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|t| t.as_bytes().starts_with(b"text/html"));
    if is_page || for_island || !failed {
        return response;
    }
    let error = match status {
        StatusCode::NOT_FOUND => PortalError::NotFound,
        StatusCode::PAYLOAD_TOO_LARGE => PortalError::TooLarge,
        StatusCode::FORBIDDEN => PortalError::OtherSite,
        StatusCode::SERVICE_UNAVAILABLE => PortalError::Busy,
        s if s.is_client_error() => PortalError::BadRequest,
        _ => PortalError::Ours,
    };
    let mut page = error.page(&state);
    *page.status_mut() = status;
    keep_headers(&response, page)
}

/// What goes with a refusal in whatever words it comes.
fn keep_headers(refused: &Response, mut in_words: Response) -> Response {
    for name in [ALLOW, CONTENT_RANGE, SET_COOKIE] {
        if let Some(value) = refused.headers().get(&name) {
            in_words.headers_mut().insert(name, value.clone());
        }
    }
    in_words
}

/// Browsers take a `__Host-` cookie, and the word that it has ended, only with `Secure`; tower-sessions says the word
/// without.
async fn end_cookie_securely(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if let Entry::Occupied(mut cookie) = response.headers_mut().entry(SET_COOKIE) {
        let ended = cookie.get().as_bytes().strip_prefix(COOKIE.as_bytes());
        if ended.is_some_and(|rest| rest.starts_with(b"=;")) {
            cookie.insert(HeaderValue::from_static(ENDED_COOKIE));
        }
    }
    response
}

/// Under overload: a quick answer, no queue without end.
async fn refuse_when_full(
    State((state, room)): State<(AppState, Arc<Semaphore>)>,
    request: Request,
    next: Next,
) -> Response {
    match room.try_acquire() {
        Ok(_place) => next.run(request).await,
        Err(_) if api::is_ours(request.uri().path()) => Problem::Busy.into_response(),
        Err(_) => PortalError::Busy.page(&state),
    }
}

/// One line a request: the route's pattern, never the address, which may hold a secret; nothing of the sender.
async fn log(request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("-", MatchedPath::as_str)
        .to_owned();
    let response = next.run(request).await;
    let status = response.status().as_u16();
    if response.status().is_server_error() {
        tracing::warn!(%method, route, status);
    } else {
        tracing::debug!(%method, route, status);
    }
    response
}

/// Headers for every answer (ASVS 5.0, 3.4).
async fn web_rows(State(https): State<bool>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let framed = response.extensions().get::<FramedBy>();
    let framed = framed.is_some_and(FramedBy::any);
    let headers = response.headers_mut();
    let rows = [
        ("x-content-type-options", "nosniff"),
        // `same-origin`, not `no-referrer`: the check for forged requests looks at where a form came from.
        ("referrer-policy", "same-origin"),
        ("x-frame-options", "DENY"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        (
            "permissions-policy",
            "camera=(), microphone=(), geolocation=(), browsing-topics=()",
        ),
    ];
    for (name, value) in rows {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    if framed {
        // The page's own policy says who may hold it, which the older header can't.
        headers.remove(X_FRAME_OPTIONS);
        let anybody = HeaderValue::from_static("cross-origin");
        headers.insert("cross-origin-resource-policy", anybody);
    }
    // Pages bring their own. What is no page needs nothing.
    headers
        .entry(CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static(
            "default-src 'none'; frame-ancestors 'none'",
        ));
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    if https {
        let year = HeaderValue::from_static("max-age=31536000; includeSubDomains");
        headers.insert(STRICT_TRANSPORT_SECURITY, year);
    }
    response
}
