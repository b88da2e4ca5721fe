//! What only SQLite needs: one writer that shares commits, files that stay private, text that is really erased.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use fairhold_store::db::{Part, Result};
use fairhold_store::{Db, StoreError, jobs, seal};
use futures::future::join_all;
use tokio::sync::oneshot;

use crate::support::{Stores, at, change, number, on_sqlite, random, try_change};

/// What is set on every connection: synchronous 2 is FULL.
const PRAGMAS: [(&str, i64); 4] = [
    ("PRAGMA synchronous", 2),
    ("PRAGMA foreign_keys", 1),
    ("PRAGMA secure_delete", 1),
    ("PRAGMA busy_timeout", 10_000),
];
const COUNT: &str = "SELECT COUNT(*) FROM jobs";

async fn queue(db: &Db, id: String) -> Result<()> {
    db.write(move |tx| Box::pin(async move { jobs::queue(tx, &id, "greet", "{}", at(0)).await }))
        .await
}

/// Keeps the writer at work until it is told to go on.
struct Held {
    go_on: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<Result<()>>,
}

async fn hold(db: &Db) -> Held {
    let ((go_on, told), (begun, begins), db) = (oneshot::channel(), oneshot::channel(), db.clone());
    let task = tokio::spawn(async move {
        db.write(move |_| {
            Box::pin(async move {
                begun.send(()).unwrap();
                told.await.map_err(|_| StoreError::Conflict)
            })
        })
        .await
    });
    begins.await.unwrap();
    Held { go_on, task }
}

impl Held {
    async fn release(self) {
        self.go_on.send(()).unwrap();
        self.task.await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_writes_share_one_commit() {
    on_sqlite(async |stores| {
        let held = hold(&stores.db).await;
        let waiting = join_all((0..20).map(|n| queue(&stores.db, n.to_string())));
        let reader = stores.db.clone();
        let last = stores.db.write(move |tx| {
            Box::pin(async move {
                let (inside,): (i64,) = tx.one(COUNT, []).await?;
                let (outside,): (i64,) = reader.read().await?.one(COUNT, []).await?;
                Ok::<_, StoreError>((inside, outside))
            })
        });
        let (results, seen, ()) = futures::join!(waiting, last, held.release());
        assert!(results.iter().all(Result::is_ok));
        assert_eq!(
            seen.unwrap(),
            (20, 0),
            "what one write of a batch did was committed before the last one's"
        );
        assert_eq!(number(&stores.db, COUNT).await, 20);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queued_write_is_done_when_its_caller_has_gone() {
    on_sqlite(async |stores| {
        let held = hold(&stores.db).await;
        let mut writing = Box::pin(queue(&stores.db, "left".to_owned()));
        assert!(futures::poll!(&mut writing).is_pending());
        drop(writing);
        held.release().await;
        queue(&stores.db, "next".to_owned()).await.unwrap();
        assert_eq!(number(&stores.db, COUNT).await, 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_too_much_waits_the_next_caller_is_told_at_once() {
    on_sqlite(async |stores| {
        let held = hold(&stores.db).await;
        let mut waiting = Vec::new();
        let refused = loop {
            let mut next = Box::pin(queue(&stores.db, waiting.len().to_string()));
            match futures::poll!(&mut next) {
                std::task::Poll::Pending => waiting.push(next),
                std::task::Poll::Ready(answer) => break answer,
            }
            assert!(waiting.len() < 100_000, "callers wait without bound");
        };
        assert!(matches!(refused, Err(StoreError::Busy)));
        let (results, ()) = futures::join!(join_all(waiting), held.release());
        assert!(results.iter().all(Result::is_ok));
        assert_eq!(
            number(&stores.db, COUNT).await,
            i64::try_from(results.len()).unwrap()
        );
    })
    .await;
}

/// Breaks a rule that SQLite checks at the commit, so that the commit itself fails.
async fn fail_the_commit(stores: &Stores) -> Result<()> {
    let nobody = stores.new_id();
    stores
        .db
        .write(move |tx| {
            Box::pin(async move {
                tx.execute("PRAGMA defer_foreign_keys = ON", []).await?;
                let sql =
                    "INSERT INTO own_records (customer_id, version, sealed) VALUES ($1, 1, $2)";
                tx.execute(sql, [nobody.into(), vec![0].into()])
                    .await
                    .map(|_| ())
            })
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_commit_that_failed_the_next_write_works() {
    on_sqlite(async |stores| {
        assert!(matches!(
            fail_the_commit(stores).await,
            Err(StoreError::Undone)
        ));
        assert_eq!(
            number(&stores.db, "SELECT COUNT(*) FROM own_records").await,
            0
        );
        queue(&stores.db, "next".to_owned()).await.unwrap();
        assert_eq!(number(&stores.db, COUNT).await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_in_a_batch_whose_commit_failed_is_told_that_it_was_kept() {
    on_sqlite(async |stores| {
        let held = hold(&stores.db).await;
        let before = join_all((0..3).map(|n| queue(&stores.db, n.to_string())));
        let (before, broken, ()) = futures::join!(before, fail_the_commit(stores), held.release());
        assert!(matches!(broken, Err(StoreError::Undone)));
        assert!(
            before.iter().all(|r| matches!(r, Err(StoreError::Undone))),
            "{before:?}"
        );
        assert_eq!(number(&stores.db, COUNT).await, 0);
        queue(&stores.db, "next".to_owned()).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_piece_that_ended_the_transaction_the_next_write_works() {
    on_sqlite(async |stores| {
        // As SQLite itself does when the disk is full.
        assert!(matches!(
            try_change(&stores.db, "ROLLBACK", vec![]).await,
            Err(StoreError::Undone)
        ));
        queue(&stores.db, "next".to_owned()).await.unwrap();
        assert_eq!(number(&stores.db, COUNT).await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_connection_is_set_up_for_durability_and_erasure() {
    on_sqlite(async |stores| {
        let mut readers = Vec::new();
        for _ in 0..8 {
            readers.push(stores.db.read().await.unwrap());
        }
        for tx in &mut readers {
            let (mode,): (String,) = tx.one("PRAGMA journal_mode", []).await.unwrap();
            assert_eq!(mode, "wal");
            for (pragma, value) in PRAGMAS {
                assert_eq!(
                    tx.one::<(i64,)>(pragma, []).await.unwrap().0,
                    value,
                    "{pragma}"
                );
            }
            let refused = tx.execute("DELETE FROM jobs", []).await;
            assert!(
                refused.unwrap_err().to_string().contains("readonly"),
                "a reader can write"
            );
        }
        for (pragma, value) in PRAGMAS.into_iter().chain([("PRAGMA query_only", 0)]) {
            let set = stores
                .db
                .write(move |tx| Box::pin(async move { tx.one::<(i64,)>(pragma, []).await }));
            assert_eq!(set.await.unwrap().0, value, "{pragma}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_writer_stays_set_up_after_it_was_renewed() {
    on_sqlite(async |stores| {
        assert!(fail_the_commit(stores).await.is_err());
        for (pragma, value) in PRAGMAS {
            let set = stores
                .db
                .write(move |tx| Box::pin(async move { tx.one::<(i64,)>(pragma, []).await }));
            assert_eq!(set.await.unwrap().0, value, "{pragma}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_owner_can_read_the_files() {
    on_sqlite(async |stores| {
        queue(&stores.db, "job".to_owned()).await.unwrap();
        stores.customer().await;
        let mut seen = Vec::new();
        for entry in fs::read_dir(stores.home.file(Part::Data).parent().unwrap()).unwrap() {
            let entry = entry.unwrap();
            assert_eq!(
                entry.metadata().unwrap().permissions().mode() & 0o777,
                0o600,
                "{:?}",
                entry.file_name()
            );
            seen.push(entry.file_name().into_string().unwrap());
        }
        seen.sort();
        assert_eq!(
            seen,
            [
                "data.db",
                "data.db-shm",
                "data.db-wal",
                "keys.db",
                "keys.db-shm",
                "keys.db-wal"
            ]
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_others_could_read_is_made_private() {
    on_sqlite(async |stores| {
        let path = stores.home.file(Part::Data).with_file_name("shared.db");
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let db = Db::sqlite(&path).await.unwrap();
        db.migrate(Part::Data).await.unwrap();
        for suffix in ["db", "db-wal", "db-shm"] {
            let mode = fs::metadata(path.with_extension(suffix))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600, "{suffix}");
        }
        db.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_database_is_refused_and_left_as_it_is() {
    on_sqlite(async |stores| {
        let path = stores.home.file(Part::Data).with_file_name("letter.txt");
        let letter = "Dear Ann, this is a letter and no database. ".repeat(40);
        fs::write(&path, &letter).unwrap();
        assert!(matches!(
            Db::sqlite(&path).await,
            Err(StoreError::Database(_))
        ));
        assert_eq!(fs::read_to_string(&path).unwrap(), letter);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_folds_the_log_into_the_file_and_erased_text_is_gone() {
    on_sqlite(async |stores| {
        let marker = seal::new_token(&*random(5));
        for n in 0..50 {
            queue(&stores.db, format!("{n} {marker}")).await.unwrap();
        }
        let file = stores.home.file(Part::Data);
        let holds = |suffix| {
            let bytes = fs::read(file.with_extension(suffix)).unwrap_or_default();
            bytes.windows(marker.len()).any(|w| w == marker.as_bytes())
        };
        assert!(holds("db") || holds("db-wal"), "the marker was never there");
        change(&stores.db, "DELETE FROM jobs", vec![]).await;
        stores.db.close().await;
        assert!(
            !file.with_extension("db-wal").exists(),
            "the log is still there"
        );
        assert!(!holds("db"), "erased text is still in the file");
    })
    .await;
}
