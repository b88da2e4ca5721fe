//! Requests to the company's own servers: its gateway for texts, the shops of its programmes.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, Url};

/// Why a server can't be reached as its settings say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OutgoingError {
    /// The address has a wrong form.
    Address,
    /// Anybody on the way could read along.
    Open,
    /// The TLS library refused to start.
    Tls,
}

/// An address that is https, unless it is on this machine.
pub(crate) fn address(url: &str) -> Result<Url, OutgoingError> {
    let url = Url::parse(url).map_err(|_| OutgoingError::Address)?;
    let is_here = match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => return Err(OutgoingError::Address),
    };
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_here => Ok(url),
        "http" => Err(OutgoingError::Open),
        _ => Err(OutgoingError::Address),
    }
}

/// What sends requests, each of which may take so long. It goes nowhere that an answer leads to: whoever answers for a
/// server must not send on what is meant for it.
pub(crate) fn client(timeout: Duration) -> Result<Client, OutgoingError> {
    let roots = rustls::RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| OutgoingError::Tls)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Client::builder()
        .tls_backend_preconfigured(tls)
        .timeout(timeout)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .map_err(|_| OutgoingError::Tls)
}
