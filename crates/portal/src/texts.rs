//! Texts to phones: handed to the company's own gateway by one HTTP request, or to a file in the demo.
//!
//! The gateway gets `POST` with `{"to": "+353871234567", "text": "…"}`, the token as `Authorization: Bearer` (RFC 6750), and
//! an `Idempotency-Key`, which is the same at each try to send the same text. Any status of 200 to 299 means that it took
//! the text over.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio::io::AsyncWriteExt;

use crate::mail::MailError;
use crate::outgoing::{self, OutgoingError};

/// How long a gateway may take.
const TIMEOUT: Duration = Duration::from_secs(20);

/// How texts leave.
#[derive(Clone)]
pub enum Texter {
    /// Not at all: phone numbers can't be proven.
    Nowhere,
    /// Into a file, one JSON object a line: the demo.
    File(PathBuf),
    /// Through the company's gateway.
    Gateway(Gateway),
}

/// A gateway that takes texts by HTTP.
#[derive(Clone)]
pub struct Gateway {
    client: reqwest::Client,
    url: reqwest::Url,
    token: SecretString,
}

/// Why a gateway's settings can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GatewayError {
    /// The address has a wrong form.
    #[error(
        "the address of the gateway has a wrong form. Write it like https://texts.example.com/send."
    )]
    Address,
    /// Anybody on the way could read along.
    #[error(
        "the address of the gateway begins with http://, so anybody on the way could read the codes. Write it with https://."
    )]
    Open,
    /// The TLS library refused to start.
    #[error("TLS can't be used")]
    Tls,
}

impl From<OutgoingError> for GatewayError {
    fn from(error: OutgoingError) -> Self {
        match error {
            OutgoingError::Address => Self::Address,
            OutgoingError::Open => Self::Open,
            OutgoingError::Tls => Self::Tls,
        }
    }
}

impl Gateway {
    /// A gateway at that address, which must be https unless it is on this machine.
    ///
    /// # Errors
    /// When the address can't be used.
    pub fn new(url: &str, token: SecretString) -> Result<Self, GatewayError> {
        let url = outgoing::address(url)?;
        let client = outgoing::client(TIMEOUT)?;
        Ok(Self { client, url, token })
    }

    async fn send(&self, to: &str, text: &str, id: &str) -> Result<(), MailError> {
        let answer = self
            .client
            .post(self.url.clone())
            .bearer_auth(self.token.expose_secret())
            .header("Idempotency-Key", id)
            .header("Content-Type", "application/json")
            .body(line(to, text))
            .send()
            .await
            .map_err(|_| MailError::Gateway)?;
        if answer.status().is_success() {
            Ok(())
        } else {
            Err(MailError::Gateway)
        }
    }
}

impl Texter {
    /// Whether texts leave at all.
    pub const fn sends(&self) -> bool {
        !matches!(self, Self::Nowhere)
    }

    /// Hands a text over under its id.
    pub(crate) async fn send(&self, to: &str, text: &str, id: &str) -> Result<(), MailError> {
        match self {
            Self::Nowhere => Err(MailError::Address),
            Self::File(path) => {
                let mut lines = tokio::fs::OpenOptions::new()
                    .create(true)
                    .append(true)
                    // Codes and numbers, for the demo's owner alone.
                    .mode(0o600)
                    .open(path)
                    .await
                    .map_err(|_| MailError::Gateway)?;
                let text = format!("{}\n", line(to, text));
                let written = lines.write_all(text.as_bytes()).await;
                written.map_err(|_| MailError::Gateway)?;
                lines.flush().await.map_err(|_| MailError::Gateway)
            }
            Self::Gateway(gateway) => gateway.send(to, text, id).await,
        }
    }
}

fn line(to: &str, text: &str) -> String {
    serde_json::json!({ "to": to, "text": text }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_is_reached_so_that_nobody_reads_along() {
        for (url, refused) in [
            ("https://texts.example.com/send", None),
            ("http://127.0.0.1:8080/send", None),
            ("http://[::1]:8080/", None),
            ("http://texts.example.com/", Some(GatewayError::Open)),
            ("http://127.0.0.1.example.com/", Some(GatewayError::Open)),
            ("ftp://texts.example.com/", Some(GatewayError::Address)),
            ("texts.example.com", Some(GatewayError::Address)),
            ("", Some(GatewayError::Address)),
        ] {
            let made = Gateway::new(url, SecretString::from("token"));
            assert_eq!(made.err(), refused, "{url}");
        }
    }
}
