//! Jobs: queued in the transaction that makes the change, claimed with a lease, retried with growing waits, and kept
//! in sight when they have failed for good.

use fairhold_domain::ids::CustomerId;
use fairhold_domain::time::Moment;

use crate::db::{ClaimSql, Db, Result, Tx};

/// Tries before a job is given up: with the waits below, about a day.
pub const MOST_TRIES: i64 = 19;
/// Seconds for which a claimed job is another worker's.
const LEASE_SECONDS: i64 = 120;

/// A claimed job.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Job {
    /// Its own id.
    pub job_id: String,
    /// Which handler runs it.
    pub name: String,
    /// Ids only, as JSON.
    pub payload: String,
    /// How often it was tried, this time included.
    pub attempts: i64,
}

/// Queues a job. It runs only if the transaction commits.
pub async fn queue(
    tx: &mut Tx,
    job_id: &str,
    name: &str,
    payload: &str,
    run_at: Moment,
) -> Result<()> {
    let sql = "INSERT INTO jobs (job_id, name, payload, run_at, attempts, dead) VALUES ($1, $2, $3, $4, 0, FALSE)";
    tx.execute(
        sql,
        [job_id.into(), name.into(), payload.into(), run_at.into()],
    )
    .await
    .map(|_| ())
}

/// Queues a job of which one is enough: `job_id` names it, and one that is queued already stays as it is. One that was
/// given up starts anew.
pub async fn queue_once(tx: &mut Tx, job_id: &str, name: &str, run_at: Moment) -> Result<()> {
    let sql = "INSERT INTO jobs (job_id, name, payload, run_at, attempts, dead) VALUES ($1, $2, '{}', $3, 0, FALSE) \
               ON CONFLICT (job_id) DO UPDATE SET run_at = excluded.run_at, attempts = 0, dead = FALSE WHERE jobs.dead";
    tx.execute(sql, [job_id.into(), name.into(), run_at.into()])
        .await
        .map(|_| ())
}

/// A job that was just claimed, or given up instead.
#[derive(sqlx::FromRow)]
struct Claimed {
    #[sqlx(flatten)]
    job: Job,
    dead: bool,
}

/// Takes the job that is due longest, if there is one. The claim ends by itself when the worker dies; a job whose worker
/// died at every try is given up.
pub async fn claim(db: &Db, now: Moment) -> Result<Option<Job>> {
    claim_but(db, now, "").await
}

/// The same, which leaves jobs of this name to others.
pub async fn claim_but(db: &Db, now: Moment, left: &'static str) -> Result<Option<Job>> {
    let clause = db.claim_clause();
    db.write(move |tx| {
        Box::pin(async move {
            let sql = match clause {
                ClaimSql::OneWriter => {
                    "UPDATE jobs SET attempts = attempts + 1, leased_until = $2, dead = attempts >= $3, \
                     last_error = CASE WHEN attempts >= $3 THEN 'crash' ELSE last_error END WHERE job_id = \
                     (SELECT job_id FROM jobs WHERE dead = FALSE AND name <> $4 AND run_at <= $1 AND (leased_until IS NULL OR leased_until < $1) \
                      ORDER BY run_at, job_id LIMIT 1) RETURNING job_id, name, payload, attempts, dead"
                }
                ClaimSql::SkipLocked => {
                    "UPDATE jobs SET attempts = attempts + 1, leased_until = $2, dead = attempts >= $3, \
                     last_error = CASE WHEN attempts >= $3 THEN 'crash' ELSE last_error END WHERE job_id = \
                     (SELECT job_id FROM jobs WHERE dead = FALSE AND name <> $4 AND run_at <= $1 AND (leased_until IS NULL OR leased_until < $1) \
                      ORDER BY run_at, job_id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING job_id, name, payload, attempts, dead"
                }
            };
            let until = now.plus_seconds(LEASE_SECONDS);
            loop {
                let args = [now.into(), until.into(), MOST_TRIES.into(), left.into()];
                match tx.optional::<Claimed>(sql, args).await? {
                    Some(claimed) if claimed.dead => {}
                    claimed => return Ok(claimed.map(|claimed| claimed.job)),
                }
            }
        })
    })
    .await
}

/// Keeps a long job this worker's for another while; `false` when another worker has claimed it since.
pub async fn renew(tx: &mut Tx, job: &Job, now: Moment) -> Result<bool> {
    let sql = "UPDATE jobs SET leased_until = $2 WHERE job_id = $1 AND attempts = $3";
    let until = now.plus_seconds(LEASE_SECONDS);
    let args = [
        job.job_id.as_str().into(),
        until.into(),
        job.attempts.into(),
    ];
    Ok(tx.execute(sql, args).await? > 0)
}

/// Gives a job back that this worker can't end, because it stops: it is due again, and this was no try.
pub async fn give_back(tx: &mut Tx, job: &Job) -> Result<()> {
    let sql = "UPDATE jobs SET leased_until = NULL, attempts = attempts - 1 WHERE job_id = $1 AND attempts = $2";
    let args = [job.job_id.as_str().into(), job.attempts.into()];
    tx.execute(sql, args).await.map(|_| ())
}

/// Removes a job that is done.
pub async fn finish(tx: &mut Tx, job_id: &str) -> Result<()> {
    tx.execute("DELETE FROM jobs WHERE job_id = $1", [job_id.into()])
        .await
        .map(|_| ())
}

/// Puts a job that repeats back for its next time.
pub async fn again(tx: &mut Tx, job_id: &str, run_at: Moment) -> Result<()> {
    let sql = "UPDATE jobs SET run_at = $2, attempts = 0, leased_until = NULL, last_error = NULL WHERE job_id = $1";
    tx.execute(sql, [job_id.into(), run_at.into()])
        .await
        .map(|_| ())
}

/// Whether a job of that name that is about a customer waits to be done. Payloads hold ids alone.
pub async fn any_about(tx: &mut Tx, name: &str, customer: CustomerId) -> Result<bool> {
    let sql = "SELECT COUNT(*) FROM jobs WHERE name = $1 AND dead = FALSE AND payload LIKE $2";
    let about = format!("%{customer}%");
    let (waiting,): (i64,) = tx.one(sql, [name.into(), about.into()]).await?;
    Ok(waiting > 0)
}

/// Puts a job back that waits for something outside, with the count of its tries, but never so many that it is given up.
pub async fn wait(tx: &mut Tx, job: &Job, run_at: Moment) -> Result<()> {
    let sql = "UPDATE jobs SET run_at = $2, attempts = CASE WHEN attempts > 6 THEN 6 ELSE attempts END, leased_until = NULL \
               WHERE job_id = $1 AND attempts = $3";
    let args = [
        job.job_id.as_str().into(),
        run_at.into(),
        job.attempts.into(),
    ];
    tx.execute(sql, args).await.map(|_| ())
}

/// Puts a failed job back, later each time, and gives it up in the end. `error` is a closed word, never a message.
/// Nothing happens when another worker has claimed the job since.
pub async fn fail(tx: &mut Tx, job: &Job, error: &'static str, now: Moment) -> Result<()> {
    let dead = job.attempts >= MOST_TRIES;
    let sql = "UPDATE jobs SET run_at = $2, leased_until = NULL, last_error = $3, dead = $4 \
               WHERE job_id = $1 AND attempts = $5";
    let next = now.plus_seconds(wait_seconds(job.attempts));
    let args = [
        job.job_id.as_str().into(),
        next.into(),
        error.into(),
        dead.into(),
        job.attempts.into(),
    ];
    tx.execute(sql, args).await.map(|_| ())
}

/// Puts a failed job that repeats back for `run_at`; it is never given up. Nothing happens when another worker has claimed
/// the job since.
pub async fn put_back(tx: &mut Tx, job: &Job, error: &'static str, run_at: Moment) -> Result<()> {
    let sql = "UPDATE jobs SET run_at = $2, attempts = 0, leased_until = NULL, last_error = $3 \
               WHERE job_id = $1 AND attempts = $4";
    let args = [
        job.job_id.as_str().into(),
        run_at.into(),
        error.into(),
        job.attempts.into(),
    ];
    tx.execute(sql, args).await.map(|_| ())
}

/// Removes jobs that were given up and were due before `before`.
pub async fn sweep_dead(tx: &mut Tx, before: Moment) -> Result<u64> {
    let sql = "DELETE FROM jobs WHERE dead AND run_at < $1";
    tx.execute(sql, [before.into()]).await
}

/// How many jobs wait, and how many were given up.
pub async fn counts(tx: &mut Tx) -> Result<(i64, i64)> {
    let sql = "SELECT COALESCE(SUM(CASE WHEN dead THEN 0 ELSE 1 END), 0), COALESCE(SUM(CASE WHEN dead THEN 1 ELSE 0 END), 0) FROM jobs";
    tx.one(sql, []).await
}

/// 2, 4, 8 ... seconds, four hours at most, so that a system that is down is not hammered.
const fn wait_seconds(attempts: i64) -> i64 {
    let doublings = if attempts > 14 { 14 } else { attempts };
    let seconds = 1_i64 << doublings;
    if seconds > 14_400 { 14_400 } else { seconds }
}
