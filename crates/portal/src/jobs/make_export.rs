//! Makes a copy of all that is held about a customer. It takes long, so the worker does it beside its other jobs.

use fairhold_domain::ids::CustomerId;
use fairhold_store::StoreError;
use serde::{Deserialize, Serialize};

use super::{Done, JobError};
use crate::Portal;
use crate::error::{Error, Result};
use crate::export::MakeError;

/// Tries before the customer is told that it did not work: together they take less than half a minute.
const TRIES: i64 = 4;

/// Makes one copy.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct MakeExport {
    /// Whose.
    pub customer: CustomerId,
    /// Which.
    pub export_id: String,
}

impl MakeExport {
    pub const NAME: &'static str = "make_export";

    pub fn payload(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|_| Error::Store(StoreError::Form))
    }

    pub async fn run(self, portal: &Portal, attempts: i64) -> Result<Done, JobError> {
        let customer = match portal.customer(self.customer).await {
            Ok(customer) => customer,
            // The customer has been forgotten, and the copy with them.
            Err(Error::LogInFirst) => return Ok(Done::Once),
            Err(e) => return Err(e.into()),
        };
        match portal.make_copy(&customer, &self.export_id).await {
            Ok(()) => Ok(Done::Once),
            Err(error) if attempts >= TRIES => {
                tracing::error!(%error, "an export could not be made");
                portal.give_copy_up(self.customer, self.export_id).await?;
                Ok(Done::Once)
            }
            Err(MakeError::Portal(error)) => Err(error.into()),
            Err(error) => Err(JobError::Export(error)),
        }
    }
}
