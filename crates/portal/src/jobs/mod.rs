//! Jobs: what is done after the page has answered. A new job is a file here with a struct, its NAME and its `run`, and
//! a line in `Portal::run_job`.

pub mod answer_request;
pub(crate) mod invite_staff;
mod keep_house;
mod look_at_systems;
pub mod send_mail;
mod tell_staff;

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use fairhold_store::jobs::{self, Job};
use futures::FutureExt;
use serde::de::DeserializeOwned;
use tokio::sync::Notify;

use crate::Portal;
use crate::error::Error;
use answer_request::AnswerRequest;
use invite_staff::InviteStaff;
use keep_house::{Checkpoint, Sweep};
use look_at_systems::LookAtSystems;
use send_mail::SendMail;
use tell_staff::TellStaff;

/// How long the worker waits when nothing is due and nobody rings: jobs of other processes and repeating ones are found
/// then.
const LONGEST_WAIT: Duration = Duration::from_secs(2);
/// The jobs that repeat. They are never given up: one that failed is tried again after so many seconds.
const REPEATING: [&str; 3] = [Sweep::NAME, Checkpoint::NAME, LookAtSystems::NAME];
const REPEAT_FAILED_AFTER: i64 = 60;

/// Wakes the worker, and who tells the shops, when something has been queued in this process.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    worker: Notify,
    pub senders: Notify,
}

impl Bell {
    pub fn ring(&self) {
        self.worker.notify_one();
        self.senders.notify_waiters();
    }
}

/// Why a job failed, as it is kept beside it: a closed word, never a message.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JobError {
    #[error("{0}")]
    Portal(#[from] Error),
    #[error("{0}")]
    Mail(#[from] crate::mail::MailError),
    #[error("no such job")]
    Unknown,
    #[error("the payload has an unknown form")]
    Payload,
    #[error("it panicked")]
    Panicked,
}

impl From<fairhold_store::StoreError> for JobError {
    fn from(e: fairhold_store::StoreError) -> Self {
        Self::Portal(e.into())
    }
}

impl JobError {
    const fn word(&self) -> &'static str {
        match self {
            Self::Portal(_) => "store",
            Self::Mail(_) => "mail",
            Self::Unknown => "unknown",
            Self::Payload => "payload",
            Self::Panicked => "panic",
        }
    }
}

/// What becomes of a job that went well.
pub(crate) enum Done {
    /// It is removed.
    Once,
    /// It runs again after so many seconds.
    Again(i64),
}

impl Portal {
    /// Runs jobs, and tells the shops of programmes what happened, until `stop` says so. No shop holds up a job: they are
    /// told side by side with it.
    pub async fn work(&self, stop: impl Future<Output = ()>) {
        let stop = stop.shared();
        let tell = async {
            tokio::select! {
                // What is on its way is told again, under the same id.
                () = stop.clone() => {}
                () = self.tell_receivers() => {}
            }
        };
        tokio::join!(self.run_jobs(stop.clone()), tell);
    }

    async fn run_jobs(&self, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        loop {
            let worked = match self.run_due_jobs().await {
                Ok(worked) => worked,
                Err(e) => {
                    tracing::error!(error = %e, "jobs can't be claimed");
                    false
                }
            };
            let pause = if worked { Duration::ZERO } else { LONGEST_WAIT };
            tokio::select! {
                () = &mut stop => return,
                () = self.inner.bell.worker.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Runs what is due now, one after the other; answers whether there was anything.
    ///
    /// # Errors
    /// When jobs can't be claimed. A job that fails is put back and is no error here.
    pub async fn run_due_jobs(&self) -> crate::Result<bool> {
        let mut worked = false;
        while let Some(job) = jobs::claim(&self.inner.db, self.now()).await? {
            worked = true;
            // One that panics is a job that failed: the others go on.
            let outcome = AssertUnwindSafe(self.run_job(&job)).catch_unwind().await;
            let outcome = outcome.unwrap_or(Err(JobError::Panicked));
            self.settle(job, outcome).await?;
        }
        Ok(worked)
    }

    async fn run_job(&self, job: &Job) -> Result<Done, JobError> {
        match job.name.as_str() {
            AnswerRequest::NAME => payload::<AnswerRequest>(job)?.run(self).await,
            SendMail::NAME => payload::<SendMail>(job)?.run(self).await,
            InviteStaff::NAME => payload::<InviteStaff>(job)?.run(self).await,
            Sweep::NAME => Sweep::run(self).await,
            Checkpoint::NAME => Checkpoint::run(self).await,
            LookAtSystems::NAME => LookAtSystems::run(self).await,
            TellStaff::NAME => payload::<TellStaff>(job)?.run(self).await,
            _ => Err(JobError::Unknown),
        }
    }

    async fn settle(&self, job: Job, outcome: Result<Done, JobError>) -> crate::Result<()> {
        let now = self.now();
        if let Err(error) = &outcome {
            tracing::warn!(job = job.name, attempts = job.attempts, %error, "a job failed and will be tried again");
        }
        self.inner
            .db
            .write(move |tx| {
                Box::pin(async move {
                    match outcome {
                        Ok(Done::Once) => jobs::finish(tx, &job.job_id).await,
                        Ok(Done::Again(seconds)) => {
                            jobs::again(tx, &job.job_id, now.plus_seconds(seconds)).await
                        }
                        Err(error) if REPEATING.contains(&job.name.as_str()) => {
                            let next = now.plus_seconds(REPEAT_FAILED_AFTER);
                            jobs::put_back(tx, &job, error.word(), next).await
                        }
                        Err(error) => jobs::fail(tx, &job, error.word(), now).await,
                    }
                })
            })
            .await?;
        Ok(())
    }

    /// Queues the jobs that repeat, where they are not queued yet.
    pub(crate) async fn queue_repeating(&self) -> crate::Result<()> {
        let now = self.now();
        self.inner
            .db
            .write(move |tx| {
                Box::pin(async move {
                    for name in REPEATING {
                        jobs::queue_once(tx, name, name, now).await?;
                    }
                    Ok::<(), Error>(())
                })
            })
            .await
    }
}

fn payload<T: DeserializeOwned>(job: &Job) -> Result<T, JobError> {
    serde_json::from_str(&job.payload).map_err(|_| JobError::Payload)
}
