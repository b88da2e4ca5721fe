//! Jobs: what is done after the page has answered. A new job is a file here with a struct, its NAME and its `run`, and
//! a line in `Portal::run_job`.

pub mod answer_request;
pub(crate) mod erase_customer;
pub(crate) mod invite_staff;
mod keep_house;
mod look_at_systems;
pub(crate) mod make_export;
pub mod send_mail;
mod tell_staff;

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use fairhold_store::jobs::{self, Job};
use futures::FutureExt;
use serde::de::DeserializeOwned;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::Portal;
use crate::error::Error;
use answer_request::AnswerRequest;
use erase_customer::EraseCustomer;
use invite_staff::InviteStaff;
use keep_house::{Checkpoint, Sweep};
use look_at_systems::LookAtSystems;
use make_export::MakeExport;
use send_mail::SendMail;
use tell_staff::TellStaff;

/// How long the worker waits when nothing is due and nobody rings: jobs of other processes and repeating ones are found
/// then.
const LONGEST_WAIT: Duration = Duration::from_secs(2);
/// The jobs that repeat. They are never given up: one that failed is tried again after so many seconds.
const REPEATING: [&str; 3] = [Sweep::NAME, Checkpoint::NAME, LookAtSystems::NAME];
const REPEAT_FAILED_AFTER: i64 = 60;
/// The job that takes long, and how many of it run side by side: each reads all systems.
const LONG: &str = MakeExport::NAME;
const MOST_LONG: usize = 2;
/// How often a long job is kept this worker's: well before others may take it.
const RENEW_EVERY: Duration = Duration::from_secs(30);

/// Wakes the worker, and who tells the shops, when something has been queued in this process.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    worker: Notify,
    pub senders: Notify,
    /// A copy of a customer's data has been made, or given up.
    pub made: Notify,
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
    #[error("{0}")]
    Export(crate::export::MakeError),
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
            Self::Export(_) => "export",
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
    /// The same, while it counts how often it waited. It is never given up.
    Wait(i64),
}

impl Portal {
    /// Runs jobs, and tells the shops of programmes what happened, until `stop` says so. No shop holds up a job: they are
    /// told side by side with it.
    pub async fn work(&self, stop: impl Future<Output = ()> + Send + 'static) {
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

    async fn run_jobs(&self, stop: impl Future<Output = ()> + Clone + Send + 'static) {
        let mut long = JoinSet::new();
        loop {
            let worked = match self.start_due_jobs(&mut long, &stop).await {
                Ok(worked) => worked,
                Err(e) => {
                    tracing::error!(error = %e, "jobs can't be claimed");
                    false
                }
            };
            let pause = if worked { Duration::ZERO } else { LONGEST_WAIT };
            tokio::select! {
                () = stop.clone() => break,
                () = self.inner.bell.worker.notified() => {}
                // There is room for another long one.
                Some(_) = long.join_next(), if !long.is_empty() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        // Each gives its job back.
        while long.join_next().await.is_some() {}
    }

    /// Runs what is due now; answers whether there was anything.
    ///
    /// # Errors
    /// When jobs can't be claimed. A job that fails is put back and is no error here.
    pub async fn run_due_jobs(&self) -> crate::Result<bool> {
        let mut long = JoinSet::new();
        let never = futures::future::pending::<()>().shared();
        let worked = self.start_due_jobs(&mut long, &never).await?;
        while long.join_next().await.is_some() {}
        Ok(worked)
    }

    /// Runs what is due now, one after the other, but for what takes long: a few of these run side by side with all others.
    async fn start_due_jobs(
        &self,
        long: &mut JoinSet<()>,
        stop: &(impl Future<Output = ()> + Clone + Send + 'static),
    ) -> crate::Result<bool> {
        let mut worked = false;
        loop {
            while long.try_join_next().is_some() {}
            let left = if long.len() < MOST_LONG { "" } else { LONG };
            let Some(job) = jobs::claim_but(&self.inner.db, self.now(), left).await? else {
                return Ok(worked);
            };
            worked = true;
            if job.name == LONG {
                let (portal, stop) = (self.clone(), stop.clone());
                long.spawn(async move { portal.run_long_job(job, stop).await });
            } else {
                let outcome = self.caught(&job).await;
                self.settle(job, outcome).await?;
            }
        }
    }

    /// Runs a job; one that panics is a job that failed: the others go on.
    async fn caught(&self, job: &Job) -> Result<Done, JobError> {
        let outcome = AssertUnwindSafe(self.run_job(job)).catch_unwind().await;
        outcome.unwrap_or(Err(JobError::Panicked))
    }

    /// Runs a job for as long as it takes, and keeps it this worker's meanwhile. It is given back when the worker stops, and left
    /// alone when another one has it.
    async fn run_long_job(&self, job: Job, stop: impl Future<Output = ()>) {
        let run = Box::pin(self.caught(&job));
        let ended = tokio::select! {
            outcome = run => Ok(outcome),
            () = stop => Err(true),
            () = self.lose(&job) => Err(false),
        };
        let settled = match ended {
            Ok(outcome) => self.settle(job, outcome).await,
            Err(true) => {
                let back = self
                    .inner
                    .db
                    .write(move |tx| Box::pin(async move { jobs::give_back(tx, &job).await }));
                back.await.map_err(Error::from)
            }
            Err(false) => Ok(()),
        };
        if let Err(e) = settled {
            tracing::error!(error = %e, "a long job can't be put back");
        }
    }

    /// Keeps a job this worker's; ends when another one has it.
    async fn lose(&self, job: &Job) {
        loop {
            tokio::time::sleep(RENEW_EVERY).await;
            let (job, now) = (job.clone(), self.now());
            let renew = self
                .inner
                .db
                .write(move |tx| Box::pin(async move { jobs::renew(tx, &job, now).await }));
            match renew.await {
                Ok(true) => {}
                Ok(false) => return,
                Err(e) => {
                    let e: fairhold_store::StoreError = e;
                    tracing::error!(error = %e, "a long job can't be renewed");
                }
            }
        }
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
            EraseCustomer::NAME => payload::<EraseCustomer>(job)?.run(self, job.attempts).await,
            MakeExport::NAME => payload::<MakeExport>(job)?.run(self, job.attempts).await,
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
                        Ok(Done::Wait(seconds)) => {
                            jobs::wait(tx, &job, now.plus_seconds(seconds)).await
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
