//! Mails the company's staff what is new in the connected systems. Such a mail belongs to no customer, so no key seals it:
//! it is made from what the store remembers when it is sent, and is kept nowhere.

use fairhold_store::outbox::{Channel, Mail};
use fairhold_store::{StoreError, told_findings};
use serde::{Deserialize, Serialize};

use super::{Done, JobError};
use crate::Portal;
use crate::error::{Error, Result};
use crate::mail::DriftMail;

/// Sends one mail to the staff.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TellStaff {
    /// What was found together.
    pub telling_id: String,
}

impl TellStaff {
    pub const NAME: &'static str = "tell_staff";

    pub fn payload(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|_| Error::Store(StoreError::Form))
    }

    pub async fn run(self, portal: &Portal) -> Result<Done, JobError> {
        let Some(staff) = &portal.settings().staff else {
            return Ok(Done::Once);
        };
        let mut tx = portal.inner.db.read().await?;
        let told = told_findings::of_telling(&mut tx, &self.telling_id).await?;
        drop(tx);
        let current = portal.company().current();
        // What went away before the mail could leave is no news any more.
        if let Some((subject, text)) = DriftMail::of(&current.catalog.company.name, &told)? {
            let mail = Mail {
                channel: Channel::Mail,
                to: staff.as_str().to_owned(),
                subject,
                text,
            };
            let name = portal.message_id(&portal.new_id());
            portal.inner.mailer.send(&mail, name).await?;
        }
        Ok(Done::Once)
    }
}
