//! Hands one message of the outbox over: a mail to the mail server, a text to the gateway.

use fairhold_domain::ids::CustomerId;
use fairhold_store::StoreError;
use fairhold_store::outbox::{self, Channel, Stored};
use serde::{Deserialize, Serialize};

use super::{Done, JobError};
use crate::Portal;
use crate::contact_points::CODE_SECONDS;
use crate::error::{Error, Result};

/// Sends one mail.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SendMail {
    /// Whose.
    pub customer: CustomerId,
    /// Which.
    pub mail_id: String,
}

impl SendMail {
    pub const NAME: &'static str = "send_mail";

    pub fn payload(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|_| Error::Store(StoreError::Form))
    }

    pub async fn run(self, portal: &Portal) -> Result<Done, JobError> {
        let key = match portal.inner.keys.of(self.customer).await {
            Ok(key) => key,
            // The customer has been forgotten, and the mail with them.
            Err(StoreError::KeyDestroyed) => return Ok(Done::Once),
            Err(e) => return Err(e.into()),
        };
        let mut tx = portal.inner.db.read().await?;
        let waiting = outbox::get(&mut tx, &key, self.customer, &self.mail_id).await?;
        drop(tx);
        let Some(Stored {
            mail,
            created_at,
            sent_at: None,
        }) = waiting
        else {
            return Ok(Done::Once);
        };
        let sent = match mail.channel {
            Channel::Mail => {
                let name = portal.message_id(&self.mail_id);
                portal.inner.mailer.send(&mail, name).await?
            }
            // Its code has ended: nobody pays for it.
            Channel::Text if portal.now().seconds_since(created_at) >= CODE_SECONDS => {
                return Ok(Done::Once);
            }
            Channel::Text => {
                let texter = &portal.inner.texter;
                texter.send(&mail.to, &mail.text, &self.mail_id).await?;
                true
            }
        };
        if sent {
            let now = portal.now();
            portal
                .inner
                .db
                .write(move |tx| {
                    Box::pin(async move {
                        outbox::mark_sent(tx, self.customer, &self.mail_id, now).await
                    })
                })
                .await?;
        }
        Ok(Done::Once)
    }
}
