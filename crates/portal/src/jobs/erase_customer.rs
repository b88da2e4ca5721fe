//! Erases everything of a customer, step by step, however often it is interrupted.

use fairhold_domain::ids::CustomerId;
use fairhold_store::StoreError;
use serde::{Deserialize, Serialize};

use super::{Done, JobError};
use crate::Portal;
use crate::erasure::NotDone;
use crate::error::{Error, Result};

/// Seconds between two tries while a system stays down, by how many there were: it is never given up.
const WAITS: [i64; 6] = [5, 30, 120, 600, 1_800, 3_600];

/// After so many tries the staff are told, once.
const TELL_STAFF_AFTER: i64 = 3;

/// Erases one customer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct EraseCustomer {
    /// Whom.
    pub customer: CustomerId,
}

impl EraseCustomer {
    pub const NAME: &'static str = "erase_customer";

    pub fn payload(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|_| Error::Store(StoreError::Form))
    }

    pub async fn run(self, portal: &Portal, attempts: i64) -> Result<Done, JobError> {
        match portal.erase(self.customer).await {
            Ok(None) => Ok(Done::Once),
            Ok(Some(seconds)) => Ok(Done::Again(seconds)),
            Err(error) => {
                if let NotDone::Portal(error) = &error {
                    tracing::error!(%error, customer = %self.customer, "an erasure could not go on");
                }
                if attempts == TELL_STAFF_AFTER {
                    portal
                        .tell_staff_that_an_erasure_waits(self.customer)
                        .await?;
                }
                let waits = usize::try_from(attempts).unwrap_or_default();
                let wait = WAITS.get(waits.saturating_sub(1)).or(WAITS.last());
                Ok(Done::Wait(wait.copied().unwrap_or(3_600)))
            }
        }
    }
}
