//! What the shop of a programme is told: that somebody joined, left, or took a reward. It learns no address and no name,
//! only what it may call the customer (`store::customer_refs`).
//!
//! The form is that of Standard Webhooks: a body with `type`, `timestamp` and `data`, and three headers. `webhook-id` is the
//! same at each try, `webhook-timestamp` is the try's second, and `webhook-signature` is `v1,` and the base64 of
//! HMAC-SHA-256 over `id.timestamp.body`.
//!
//! What is to be told waits in the transaction of the change. Each shop has a sender of its own, beside the worker: one
//! that hangs holds up nobody else.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fairhold_domain::catalog::Catalog;
use fairhold_domain::ids::CustomerId;
use fairhold_domain::policy::Action;
use fairhold_domain::present;
use fairhold_domain::time::Moment;
use fairhold_domain::webhook::next_try;
use fairhold_store::webhook_deliveries::{self as deliveries, Claimed, NewDelivery, Outcome};
use fairhold_store::{SecretKey, StoreError, Tx, customer_refs};
use futures::future::join_all;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::{Client, Url};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use serde::Serialize;
use sha2::Sha256;

use crate::Portal;
use crate::error::{Error, Result};
use crate::outgoing::{self, OutgoingError};
use crate::staff::By;

/// How long a receiver may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How many deliveries to one receiver are on their way at once.
const AT_ONCE: i64 = 8;
/// How long a sender waits when nothing is due and nobody rings.
const LONGEST_WAIT: Duration = Duration::from_secs(2);
/// What a secret begins with, in the words of Standard Webhooks; base64 follows.
const MARK: &str = "whsec_";
/// How long a secret may be, in bytes (Standard Webhooks, "Symmetric").
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;
/// Deliveries on one page.
const A_PAGE: i64 = 50;

/// Something that a programme's shop is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event<'a> {
    /// Somebody joined.
    Joined,
    /// Somebody left.
    Left,
    /// Somebody took a reward.
    Redeemed {
        /// The reward's key.
        reward: &'a str,
        /// The redemption's id.
        redemption: &'a str,
        /// The code that the till has to honour, where there is one.
        code: Option<&'a str>,
    },
}

impl Event<'_> {
    const fn kind(self) -> &'static str {
        match self {
            Self::Joined => "member.joined",
            Self::Left => "member.left",
            Self::Redeemed { .. } => "reward.redeemed",
        }
    }
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: &'static str,
    timestamp: String,
    data: Data<'a>,
}

#[derive(Default, Serialize)]
struct Data<'a> {
    programme: &'a str,
    member: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reward: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    redemption: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
}

/// Where a programme's shop is told, and the secret that proves who tells it.
#[derive(Clone)]
pub struct Receiver {
    client: Client,
    url: Url,
    secret: SecretSlice<u8>,
}

/// Why a receiver's settings can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiverError {
    /// The address has a wrong form.
    #[error("the address has a wrong form. Write it like https://shop.example.com/webhooks.")]
    Address,
    /// Anybody on the way could read along.
    #[error(
        "the address begins with http://, so anybody on the way could read along. Write it with https://."
    )]
    Open,
    /// The secret has a wrong form.
    #[error(
        "the secret has a wrong form: it must be whsec_ and the base64 of 24 to 64 bytes. Make one with `echo \"whsec_$(head -c 32 /dev/urandom | base64)\"`."
    )]
    Secret,
    /// The TLS library refused to start.
    #[error("TLS can't be used")]
    Tls,
}

impl From<OutgoingError> for ReceiverError {
    fn from(error: OutgoingError) -> Self {
        match error {
            OutgoingError::Address => Self::Address,
            OutgoingError::Open => Self::Open,
            OutgoingError::Tls => Self::Tls,
        }
    }
}

impl Receiver {
    /// A receiver at that address, which must be https unless it is on this machine.
    ///
    /// # Errors
    /// When the address or the secret can't be used.
    pub fn new(url: &str, secret: &SecretString) -> Result<Self, ReceiverError> {
        let url = outgoing::address(url)?;
        let bytes = secret.expose_secret().strip_prefix(MARK);
        let bytes = bytes.and_then(|text| STANDARD.decode(text).ok());
        let bytes = bytes.filter(|bytes| SECRET_BYTES.contains(&bytes.len()));
        Ok(Self {
            client: outgoing::client(TIMEOUT)?,
            url,
            secret: bytes.ok_or(ReceiverError::Secret)?.into(),
        })
    }

    /// Sends a delivery; answers the status that came back, or nothing where none did. Of the answer only its head is read.
    async fn send(&self, delivery: &Claimed, now: Moment) -> Option<u16> {
        let id = delivery.webhook_id.as_str();
        let timestamp = now.timestamp().as_second().to_string();
        let signature = self.signature(id, &timestamp, &delivery.body)?;
        let answer = self
            .client
            .post(self.url.clone())
            .header("webhook-id", id)
            .header("webhook-timestamp", &timestamp)
            .header("webhook-signature", signature)
            .header("content-type", "application/json")
            .body(delivery.body.clone())
            .send()
            .await;
        answer.ok().map(|answer| answer.status().as_u16())
    }

    fn signature(&self, id: &str, timestamp: &str, body: &str) -> Option<String> {
        // A key of any length will do for HMAC, so there is always a signature.
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.expose_secret()).ok()?;
        for part in [id, ".", timestamp, ".", body] {
            mac.update(part.as_bytes());
        }
        let code = STANDARD.encode(mac.finalize().into_bytes());
        Some(format!("v1,{code}"))
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}

/// The shops that are told, by their programmes' keys.
#[derive(Clone, Debug, Default)]
pub struct Webhooks(BTreeMap<String, Receiver>);

impl Webhooks {
    /// The key of a programme that the catalog lacks.
    pub(crate) fn unknown(&self, catalog: &Catalog) -> Option<&str> {
        let mut keys = self.0.keys();
        keys.find(|key| catalog.company.programme(key).is_none())
            .map(String::as_str)
    }
}

impl FromIterator<(String, Receiver)> for Webhooks {
    fn from_iter<T: IntoIterator<Item = (String, Receiver)>>(receivers: T) -> Self {
        Self(receivers.into_iter().collect())
    }
}

/// A delivery, as the staff read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldDelivery {
    /// The programme's key.
    pub programme: String,
    /// Its own id.
    pub webhook_id: String,
    /// What happened, in plain words.
    pub what: &'static str,
    /// When, as one speaks of it.
    pub when: String,
    /// When, for machines (RFC 3339).
    pub at: String,
    /// How it stands, in sentences.
    pub status: String,
    /// Whether the shop took it.
    pub delivered: bool,
}

/// A page of the deliveries, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToldDeliveries {
    /// The newest that were asked for.
    pub deliveries: Vec<ToldDelivery>,
    /// Older ones come before this id.
    pub next: Option<String>,
    /// Whether any shop is told anything.
    pub any_receiver: bool,
}

impl Portal {
    /// Has the programme's shop told, once the caller's transaction has been committed. Whoever commits rings the bell.
    /// Nothing is kept where the programme has no shop to tell.
    pub(crate) async fn queue_webhook(
        &self,
        tx: &mut Tx,
        programme: &str,
        customer: CustomerId,
        event: Event<'_>,
    ) -> Result<()> {
        if !self.inner.webhooks.0.contains_key(programme) {
            return Ok(());
        }
        let (now, random) = (self.now(), &*self.inner.world.random);
        let reference = customer_refs::of(tx, random, customer, now).await?;
        let mut data = Data {
            programme,
            member: &reference,
            ..Data::default()
        };
        if let Event::Redeemed {
            reward,
            redemption,
            code,
        } = event
        {
            (data.reward, data.redemption, data.code) = (Some(reward), Some(redemption), code);
        }
        let body = Body {
            r#type: event.kind(),
            timestamp: now.timestamp().to_string(),
            data,
        };
        let body = serde_json::to_string(&body).map_err(|_| StoreError::Form)?;
        let webhook_id = self.new_id();
        let new = NewDelivery {
            programme,
            webhook_id: &webhook_id,
            reference: &reference,
            kind: event.kind(),
            body: &body,
        };
        deliveries::queue(tx, &self.webhook_key(), random, new, now).await?;
        Ok(())
    }

    /// For bodies that wait: a till's codes are in them.
    fn webhook_key(&self) -> SecretKey {
        self.inner.keys.portal().requests.derive("webhooks")
    }

    /// Tells all shops what happened, for ever, each beside the others.
    pub(crate) async fn tell_receivers(&self) {
        let receivers = self.inner.webhooks.0.iter();
        join_all(receivers.map(|(programme, receiver)| self.tell_receiver(programme, receiver)))
            .await;
        // Without any there is nothing to do, also not to stop.
        std::future::pending::<()>().await;
    }

    async fn tell_receiver(&self, programme: &str, receiver: &Receiver) {
        loop {
            // Whoever rings while the last ones are on their way is heard.
            let rung = self.inner.bell.senders.notified();
            tokio::pin!(rung);
            rung.as_mut().enable();
            match self.tell_some(programme, receiver).await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => tracing::error!(%error, programme, "its shop can't be told"),
            }
            tokio::select! {
                () = rung => {}
                () = tokio::time::sleep(LONGEST_WAIT) => {}
            }
        }
    }

    /// Sends what is due now to all shops, side by side, and waits for their answers.
    ///
    /// # Errors
    /// When deliveries can't be claimed. One that fails is put back and is no error here.
    pub async fn send_due_webhooks(&self) -> Result<()> {
        let receivers = self.inner.webhooks.0.iter();
        let all = receivers.map(async |(programme, receiver)| {
            while self.tell_some(programme, receiver).await? {}
            Ok::<(), Error>(())
        });
        join_all(all).await.into_iter().collect()
    }

    /// Sends some of what is due to a shop; answers whether there was anything.
    async fn tell_some(&self, programme: &str, receiver: &Receiver) -> Result<bool> {
        let (db, key, now) = (&self.inner.db, self.webhook_key(), self.now());
        let claimed = deliveries::claim(db, &key, programme, AT_ONCE, now).await?;
        let any = !claimed.is_empty();
        let sent = claimed
            .into_iter()
            .map(|claimed| self.send_one(programme, receiver, claimed));
        join_all(sent)
            .await
            .into_iter()
            .collect::<Result<Vec<()>>>()?;
        Ok(any)
    }

    async fn send_one(&self, programme: &str, receiver: &Receiver, claimed: Claimed) -> Result<()> {
        let status = receiver.send(&claimed, self.now()).await;
        let now = self.now();
        let outcome = match status {
            Some(status @ 200..=299) => Outcome::Delivered(status),
            status => Outcome::Failed {
                status,
                next: next_try(claimed.step, now),
            },
        };
        if let Outcome::Failed { status, next } = outcome {
            let given_up = next.is_none();
            let tries = claimed.tries;
            tracing::warn!(
                programme,
                status,
                tries,
                given_up,
                "its shop did not take what it was told"
            );
        }
        let programme = programme.to_owned();
        let write = self.inner.db.write(move |tx| {
            Box::pin(
                async move { deliveries::settle(tx, &programme, &claimed, outcome, now).await },
            )
        });
        Ok(write.await?)
    }

    /// What the shops were told, for whoever of the staff may read it; `before` is the id of a delivery.
    ///
    /// # Errors
    /// [`Error::NotAllowed`].
    pub async fn webhooks_told(&self, by: By, before: Option<&str>) -> Result<ToldDeliveries> {
        let permit = self.permit(by, Action::ReadWebhooks, None).await?;
        self.note_permit_alone(by, permit).await?;
        let mut tx = self.inner.db.read().await?;
        // Every id comes before it. What is no id, such as a text that PostgreSQL would not take, asks for nothing.
        let before = before.filter(|id| id.bytes().all(|byte| byte.is_ascii_graphic()));
        let page = deliveries::page(&mut tx, before.unwrap_or("~"), A_PAGE + 1).await?;
        drop(tx);
        let full = i64::try_from(page.len()).is_ok_and(|found| found > A_PAGE);
        let shown = page.len() - usize::from(full);
        let deliveries: Vec<_> = page
            .into_iter()
            .take(shown)
            .map(|delivery| self.told(delivery))
            .collect();
        let next = deliveries.last().map(|last| last.webhook_id.clone());
        Ok(ToldDeliveries {
            next: next.filter(|_| full),
            deliveries,
            any_receiver: !self.inner.webhooks.0.is_empty(),
        })
    }

    fn told(&self, delivery: deliveries::Delivery) -> ToldDelivery {
        let zone = &self.company().current().zone;
        let now = self.now();
        let spoken = |at: Moment| present::spoken(at.timestamp(), now.timestamp(), zone);
        let tries = match delivery.tries {
            0 => String::new(),
            1 => "Tried once.".to_owned(),
            tries => format!("Tried {tries} times."),
        };
        let answer = match (delivery.last_try_at, delivery.last_status) {
            (None, _) => String::new(),
            (Some(at), Some(status)) => format!("The last answer was {status}, {}.", spoken(at)),
            (Some(at), None) => format!("No answer came, {}.", spoken(at)),
        };
        let stands = match (delivery.delivered_at, delivery.next_try_at) {
            (Some(_), _) => "The shop knows.".to_owned(),
            (None, Some(at)) if at > now => format!(
                "The next try is {}.",
                present::timestamp(at.timestamp(), zone)
            ),
            (None, Some(_)) => "It is being sent.".to_owned(),
            (None, None) => "We gave up. Send it again when the shop works.".to_owned(),
        };
        let status: Vec<_> = [stands, tries, answer]
            .into_iter()
            .filter(|words| !words.is_empty())
            .collect();
        ToldDelivery {
            what: match delivery.kind.as_str() {
                "member.joined" => "Somebody joined",
                "member.left" => "Somebody left",
                "reward.redeemed" => "Somebody took a reward",
                _ => "Something happened",
            },
            when: spoken(delivery.queued_at),
            at: delivery.queued_at.timestamp().to_string(),
            status: status.join(" "),
            delivered: delivery.delivered_at.is_some(),
            programme: delivery.programme,
            webhook_id: delivery.webhook_id,
        }
    }

    /// Sends a delivery once more, under the same id.
    ///
    /// # Errors
    /// [`Error::NotAllowed`]; [`Error::NotFound`] where there is none, or it is on its way.
    pub async fn send_webhook_again(
        &self,
        by: By,
        programme: String,
        webhook_id: String,
    ) -> Result<()> {
        let permit = self.permit(by, Action::SendWebhookAgain, None).await?;
        let (portal, now) = (self.clone(), self.now());
        let write = self.inner.db.write(move |tx| {
            Box::pin(async move {
                let about = Some(webhook_id.clone());
                portal.note_permit(tx, by, permit, about, None).await?;
                let there = deliveries::send_again(tx, &programme, &webhook_id, now).await?;
                there.then_some(()).ok_or(Error::NotFound)
            })
        });
        write.await?;
        self.inner.bell.ring();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic: that is how it fails")]

    use super::*;

    fn secret(bytes: usize) -> SecretString {
        format!("{MARK}{}", STANDARD.encode(vec![7; bytes])).into()
    }

    #[test]
    fn a_receiver_is_reached_so_that_nobody_reads_along() {
        for (url, refused) in [
            ("https://shop.example.com/hooks", None),
            ("http://127.0.0.1:8080/", None),
            ("http://shop.example.com/", Some(ReceiverError::Open)),
            ("shop.example.com", Some(ReceiverError::Address)),
        ] {
            assert_eq!(Receiver::new(url, &secret(32)).err(), refused, "{url}");
        }
    }

    #[test]
    fn a_secret_is_of_the_form_that_receivers_know() {
        for (secret, works) in [
            (secret(24), true),
            (secret(64), true),
            (secret(23), false),
            (secret(65), false),
            (STANDARD.encode([7; 32]).into(), false),
            ("whsec_?".into(), false),
            ("".into(), false),
        ] {
            let made = Receiver::new("https://shop.example.com/", &secret);
            assert_eq!(made.is_ok(), works);
        }
    }

    #[test]
    fn the_signature_is_the_one_that_other_programs_make() {
        // The example of the specification's own libraries.
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into();
        let receiver = Receiver::new("https://shop.example.com/", &secret).unwrap();
        let signature = receiver.signature(
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "1614265330",
            r#"{"test": 2432232314}"#,
        );
        let known = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(signature.as_deref(), Some(known));
    }
}
