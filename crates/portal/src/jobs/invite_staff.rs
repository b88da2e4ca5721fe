//! Hands one invitation to the staff over to the mail server. The mail is made when it is sent and kept nowhere: the link's
//! token waits sealed beside the link, and is forgotten when the mail has left.

use fairhold_domain::ids::StaffId;
use fairhold_store::{StoreError, staff};
use serde::{Deserialize, Serialize};

use super::{Done, JobError};
use crate::Portal;
use crate::error::{Error, Result};

/// Sends the newest invitation of somebody.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct InviteStaff {
    /// Whose.
    pub staff: StaffId,
}

impl InviteStaff {
    pub const NAME: &'static str = "invite_staff";

    pub fn payload(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|_| Error::Store(StoreError::Form))
    }

    pub async fn run(self, portal: &Portal) -> Result<Done, JobError> {
        // Revoked or accepted in between: there is nothing to send.
        let Some(waiting) = portal.waiting_invitation(self.staff).await? else {
            return Ok(Done::Once);
        };
        let name = portal.message_id(&portal.new_id());
        if portal.inner.mailer.send(&waiting.mail, name).await? {
            let hash = waiting.token_hash;
            let forget = portal
                .inner
                .db
                .write(move |tx| Box::pin(async move { staff::forget_token(tx, &hash).await }));
            forget.await?;
        }
        Ok(Done::Once)
    }
}
