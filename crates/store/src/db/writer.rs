//! SQLite's one writer. It takes what is waiting, runs each piece in its savepoint, commits once, and only then answers
//! them all, so that many small durable writes share a commit. PostgreSQL does the same by itself.

use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use futures::future::BoxFuture;
use sqlx::SqlitePool;
use tokio::sync::{mpsc, oneshot};

use super::tx::{Connection, Tx};
use super::{Result, SqliteDb, StoreError};

/// How many waiting pieces share one commit at most; more would make the first of them wait too long.
const PIECES_A_COMMIT: usize = 64;
/// How many pieces may wait for the writer before callers are told that the store is busy.
const PIECES_WAITING: usize = 4096;

/// A piece of work for the SQLite writer.
pub(super) type Piece = Box<dyn for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Outcome> + Send>;

/// What a piece came to: whether to keep its changes, and how to tell its caller once that is durable.
pub(super) struct Outcome {
    keep: bool,
    tell: Box<dyn FnOnce(Result<()>) + Send>,
}

/// Starts the writer task; pieces are handed to it through what this returns.
pub(super) fn start(writer: SqlitePool) -> mpsc::Sender<Piece> {
    let (pieces, waiting) = mpsc::channel(PIECES_WAITING);
    tokio::spawn(write_pieces(writer, waiting));
    pieces
}

impl SqliteDb {
    pub(super) async fn write<T, E, F>(&self, piece: F) -> Result<T, E>
    where
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let piece: Piece = Box::new(move |tx| {
            Box::pin(async move {
                let result = piece(tx).await;
                Outcome {
                    keep: result.is_ok(),
                    tell: Box::new(move |committed| {
                        let result = match committed {
                            Err(lost) if result.is_ok() => Err(E::from(lost)),
                            _ => result,
                        };
                        // The caller may have gone; the work stands all the same.
                        drop(answer.send(result));
                    }),
                }
            })
        });
        self.pieces.try_send(piece).map_err(|e| match e {
            mpsc::error::TrySendError::Full(_) => StoreError::Busy,
            mpsc::error::TrySendError::Closed(_) => StoreError::Closed,
        })?;
        answered.await.unwrap_or_else(|_| {
            Err(if self.writer.is_closed() {
                StoreError::Closed
            } else {
                StoreError::Undone
            }
            .into())
        })
    }
}

/// The writer task: one batch after the other, until the last [`Db`] is dropped or closed.
async fn write_pieces(writer: SqlitePool, mut waiting: mpsc::Receiver<Piece>) {
    let mut batch = Vec::with_capacity(PIECES_A_COMMIT);
    while waiting.recv_many(&mut batch, PIECES_A_COMMIT).await > 0 {
        let mut outcomes = Vec::with_capacity(batch.len());
        let committed = write_batch(&writer, &mut batch, &mut outcomes).await;
        // The callers of pieces that were never begun learn of it by the answer that never comes.
        batch.clear();
        if let Err(e) = &committed {
            tracing::error!(error = %e, "a batch of writes was undone");
        }
        for outcome in outcomes {
            (outcome.tell)(if committed.is_ok() {
                Ok(())
            } else {
                Err(StoreError::Undone)
            });
        }
    }
}

async fn write_batch(
    writer: &SqlitePool,
    batch: &mut Vec<Piece>,
    outcomes: &mut Vec<Outcome>,
) -> Result<()> {
    let mut tx = Tx(Connection::Sqlite(writer.acquire().await?));
    let result = write_and_commit(&mut tx, batch, outcomes).await;
    if result.is_err()
        && let Connection::Sqlite(connection) = tx.0
    {
        // Its transaction may still be open. Closing undoes it, and the next batch begins on a new connection.
        drop(connection.close().await);
    }
    result
}

async fn write_and_commit(
    tx: &mut Tx,
    batch: &mut Vec<Piece>,
    outcomes: &mut Vec<Outcome>,
) -> Result<()> {
    // A batch of one needs no savepoint: its transaction does the same.
    let alone = batch.len() == 1;
    tx.run("BEGIN IMMEDIATE").await?;
    let any = write_all(tx, batch.drain(..), alone, outcomes).await?;
    tx.run(if any { "COMMIT" } else { "ROLLBACK" }).await
}

/// Runs the pieces; answers whether there is anything to commit.
async fn write_all(
    tx: &mut Tx,
    pieces: impl Iterator<Item = Piece>,
    alone: bool,
    outcomes: &mut Vec<Outcome>,
) -> Result<bool> {
    let mut any = false;
    for piece in pieces {
        if !alone {
            tx.run("SAVEPOINT piece").await?;
        }
        let outcome = caught(piece(tx)).await;
        let keep = outcome.as_ref().is_some_and(|o| o.keep);
        any |= keep;
        if !alone {
            if !keep {
                tx.run("ROLLBACK TO piece").await?;
            }
            tx.run("RELEASE piece").await?;
        }
        // The caller of one that panicked learns of it by the answer that never comes.
        outcomes.extend(outcome);
    }
    Ok(any)
}

/// What the work came to; `None` when it panicked.
pub(super) async fn caught<T>(work: impl Future<Output = T>) -> Option<T> {
    let result = AssertUnwindSafe(work).catch_unwind().await;
    if result.is_err() {
        tracing::error!("a piece of work panicked and is undone");
    }
    result.ok()
}
