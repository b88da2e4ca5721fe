//! The first wall at the doors: whatever comes from one network is held back together, so that nobody tries many addresses
//! or fills many people's mailboxes by turns (ASVS 5.0, 2.4.1 and 6.3.1).
//!
//! It is generous, as a school or an office shares one address, and it forgets by the second: whoever waits gets in. What it
//! counts lives in this process alone; the counters of each address (`domain::log_in_tries`) hold across processes.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::{Extension, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use fairhold_app::error::PortalError;
use fairhold_app::peer::Peer;
use fairhold_app::state::AppState;
use fairhold_domain::peer::Network;
use fairhold_portal::Portal;
use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

/// Forms that a stranger may send, each of which hashes a password, sends a mail or tries a code. What follows a slash is a
/// link's token.
const DOORS: &[&str] = &[
    "/sign-up",
    "/log-in",
    "/log-in/code",
    "/log-in/passkey",
    "/forgot-password",
    "/set-password",
    "/not-me",
    "/join",
    "/joining",
    "/staff/log-in",
    "/staff/code",
    "/staff/join",
];

/// What a network may send at once.
const AT_ONCE: NonZeroU32 = NonZeroU32::new(100).unwrap();
/// And then every second.
const A_SECOND: NonZeroU32 = NonZeroU32::new(2).unwrap();
/// After so many requests the networks that have waited long enough are forgotten.
const BETWEEN_SWEEPS: usize = 1000;

/// Middleware: answers that the portal is busy where a network sends too much.
pub(crate) async fn hold_back(
    State((state, wall)): State<(AppState, Arc<Wall>)>,
    Extension(Peer(peer)): Extension<Peer>,
    request: Request,
    next: Next,
) -> Response {
    let is_try = request.method() == Method::POST && is_door(request.uri().path());
    if is_try && !wall.lets_in(Network::of_peer(peer)) {
        return PortalError::TooOften.page(&state);
    }
    next.run(request).await
}

fn is_door(path: &str) -> bool {
    DOORS.iter().any(|door| {
        let rest = path.strip_prefix(door);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// What each network sent lately.
pub(crate) struct Wall {
    limiter: RateLimiter<Network, DashMapStateStore<Network>, PortalClock, NoOpMiddleware<Nanos>>,
    since_sweep: AtomicUsize,
}

impl Wall {
    pub(crate) fn new(portal: &Portal) -> Self {
        let quota = Quota::per_second(A_SECOND).allow_burst(AT_ONCE);
        let store = DashMapStateStore::default();
        Self {
            limiter: RateLimiter::new(quota, store, PortalClock(portal.clone())),
            since_sweep: AtomicUsize::new(0),
        }
    }

    fn lets_in(&self, network: Network) -> bool {
        if self.since_sweep.fetch_add(1, Ordering::Relaxed) >= BETWEEN_SWEEPS {
            self.since_sweep.store(0, Ordering::Relaxed);
            self.limiter.retain_recent();
        }
        self.limiter.check_key(&network).is_ok()
    }
}

/// The portal's own clock, which tests set.
#[derive(Clone)]
struct PortalClock(Portal);

impl Clock for PortalClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        let micros = u64::try_from(self.0.now().0).unwrap_or_default();
        Nanos::new(micros.saturating_mul(1000))
    }
}
