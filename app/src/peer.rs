//! Whom a request comes from.

use std::net::IpAddr;

/// Whom a request comes from, put beside it by the server, which knows the proxies in front. It is for counting, and never
/// for a log.
#[derive(Clone, Copy)]
pub struct Peer(pub IpAddr);
