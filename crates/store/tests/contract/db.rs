//! Writes: whole or not at all, whoever else writes, fails, panics or goes away.

use fairhold_store::db::{Part, Result};
use fairhold_store::{Db, StoreError, Tx, jobs};
use futures::future::join_all;

use crate::support::{Stores, at, change, for_each_engine, number, on_postgres};

const COUNT: &str = "SELECT COUNT(*) FROM jobs";

/// How a piece of work ends after it has written two rows.
#[derive(Clone, Copy, PartialEq)]
enum End {
    Well,
    Fails,
    Panics,
}

async fn two_rows(tx: &mut Tx, name: &str, end: End) -> Result<()> {
    for part in ["a", "b"] {
        jobs::queue(tx, &format!("{name} {part}"), name, "{}", at(0)).await?;
    }
    match end {
        End::Well => Ok(()),
        End::Fails => Err(StoreError::Conflict),
        End::Panics => panic!("the piece of work panics, as the test wants"),
    }
}

async fn write(db: &Db, name: &str, end: End) -> Result<()> {
    let name = name.to_owned();
    db.write(move |tx| Box::pin(async move { two_rows(tx, &name, end).await }))
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_piece_that_fails_or_panics_is_undone_alone() {
    for_each_engine(async |stores| {
        let end = |n: i32| match n % 8 {
            3 => End::Fails,
            6 => End::Panics,
            _ => End::Well,
        };
        let results = join_all(
            (0..80).map(|n| async move { write(&stores.db, &n.to_string(), end(n)).await }),
        )
        .await;
        for (n, result) in (0..).zip(&results) {
            let expected = match end(n) {
                End::Well => matches!(result, Ok(())),
                End::Fails => matches!(result, Err(StoreError::Conflict)),
                End::Panics => matches!(result, Err(StoreError::Undone)),
            };
            assert!(expected, "{n}: {result:?}");
        }
        let names: Vec<(String,)> = stores
            .db
            .read()
            .await
            .unwrap()
            .all("SELECT name FROM jobs ORDER BY job_id", [])
            .await
            .unwrap();
        assert_eq!(names.len(), 120);
        assert!(
            names
                .iter()
                .all(|(name,)| end(name.parse().unwrap()) == End::Well),
            "something undone stayed"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_lone_piece_that_failed_or_panicked_the_next_write_works() {
    for_each_engine(async |stores| {
        for end in [End::Fails, End::Panics, End::Fails] {
            assert!(write(&stores.db, "undone", end).await.is_err());
            assert_eq!(number(&stores.db, COUNT).await, 0);
        }
        write(&stores.db, "kept", End::Well).await.unwrap();
        assert_eq!(number(&stores.db, COUNT).await, 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_the_database_refuses_undoes_its_piece() {
    for_each_engine(async |stores| {
        write(&stores.db, "there", End::Well).await.unwrap();
        let refused: Result<()> = stores
            .db
            .write(|tx| {
                Box::pin(async {
                    jobs::queue(tx, "new", "new", "{}", at(0)).await?;
                    jobs::queue(tx, "there a", "there", "{}", at(0)).await
                })
            })
            .await;
        assert!(matches!(refused, Err(StoreError::Database(_))));
        assert_eq!(number(&stores.db, COUNT).await, 2);
        write(&stores.db, "next", End::Well).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_writes_at_once_are_all_there_after_opening_again() {
    for_each_engine(async |stores| {
        let results = join_all(
            (0..300).map(|n| async move { write(&stores.db, &n.to_string(), End::Well).await }),
        )
        .await;
        assert!(results.iter().all(Result::is_ok));
        let again = stores.home.db(Part::Data).await;
        assert_eq!(number(&again, COUNT).await, 600);
        again.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_caller_goes_the_work_is_kept_whole_or_not_at_all() {
    for_each_engine(async |stores| {
        for polls in 0..40 {
            let name = polls.to_string();
            let mut writing = Box::pin(write(&stores.db, &name, End::Well));
            for _ in 0..polls {
                if futures::poll!(&mut writing).is_ready() {
                    // A future that has answered must not be asked again.
                    break;
                }
                tokio::task::yield_now().await;
            }
            drop(writing);
        }
        write(&stores.db, "last", End::Well).await.unwrap();
        let halves: Vec<(String, i64)> = stores
            .db
            .read()
            .await
            .unwrap()
            .all(
                "SELECT name, COUNT(*) FROM jobs GROUP BY name HAVING COUNT(*) <> 2",
                [],
            )
            .await
            .unwrap();
        assert_eq!(halves, []);
        assert_eq!(
            number(&stores.db, "SELECT COUNT(*) FROM jobs WHERE name = 'last'").await,
            2
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_store_says_so() {
    for_each_engine(async |stores| {
        stores.db.close().await;
        let written = write(&stores.db, "late", End::Well).await;
        let said = if stores.home.is_sqlite() {
            matches!(written, Err(StoreError::Closed))
        } else {
            matches!(written, Err(StoreError::Database(sqlx::Error::PoolClosed)))
        };
        assert!(said, "{written:?}");
        assert!(stores.db.read().await.is_err());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_tells_no_value() {
    for_each_engine(async |stores| {
        let queue = async || {
            let write = stores.db.write(|tx| {
                Box::pin(async {
                    jobs::queue(tx, "ann@example.com", "secret words", "{}", at(0)).await
                })
            });
            write.await
        };
        queue().await.unwrap();
        let error = queue().await.unwrap_err().to_string();
        assert!(
            !error.contains("ann@") && !error.contains("secret"),
            "{error}"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn migrating_again_changes_nothing() {
    for_each_engine(async |stores| {
        write(&stores.db, "there", End::Well).await.unwrap();
        stores.db.migrate(Part::Data).await.unwrap();
        stores.keys_db.migrate(Part::Keys).await.unwrap();
        assert_eq!(number(&stores.db, COUNT).await, 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_newer_than_the_program_is_refused() {
    for_each_engine(async |stores| {
        let sql = "UPDATE _sqlx_migrations SET version = 29990101000001 WHERE version = \
                   (SELECT MAX(version) FROM _sqlx_migrations)";
        change(&stores.db, sql, vec![]).await;
        assert!(matches!(
            stores.db.migrate(Part::Data).await,
            Err(StoreError::Migrate(_))
        ));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_cut_costs_its_own_write_only() {
    on_postgres(async |stores: &Stores| {
        let cut: Result<()> = stores
            .db
            .write(|tx| {
                Box::pin(async {
                    two_rows(tx, "cut", End::Well).await?;
                    // The server ends this very connection; whether it still answers the statement does not matter.
                    tx.execute("SELECT pg_terminate_backend(pg_backend_pid())", [])
                        .await?;
                    tx.execute("SELECT 1", []).await.map(|_| ())
                })
            })
            .await;
        assert!(matches!(cut, Err(StoreError::Database(_))), "{cut:?}");
        write(&stores.db, "next", End::Well).await.unwrap();
        assert_eq!(
            number(&stores.db, "SELECT COUNT(*) FROM jobs WHERE name = 'cut'").await,
            0
        );
    })
    .await;
}
