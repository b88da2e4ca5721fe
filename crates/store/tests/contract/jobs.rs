//! Jobs.

use std::collections::BTreeSet;

use fairhold_domain::time::Moment;
use fairhold_store::StoreError;
use fairhold_store::db::Result;
use fairhold_store::jobs::{self, Job, MOST_TRIES};
use futures::future::join_all;

use crate::support::{Stores, at, for_each_engine};

/// Longer than a claim lasts.
const LONG: i64 = 1_000;

async fn queue(stores: &Stores, id: &str, seconds: i64) {
    let id = id.to_owned();
    let queue = stores.db.write(move |tx| {
        Box::pin(async move { jobs::queue(tx, &id, "greet", "{}", at(seconds)).await })
    });
    queue.await.unwrap();
}

async fn queue_once(stores: &Stores, seconds: i64) {
    let queue = stores.db.write(move |tx| {
        Box::pin(async move { jobs::queue_once(tx, "sweep", "sweep", at(seconds)).await })
    });
    queue.await.unwrap();
}

async fn claim(stores: &Stores, now: Moment) -> Option<Job> {
    jobs::claim(&stores.db, now).await.unwrap()
}

async fn fail(stores: &Stores, job: &Job, now: Moment) {
    let job = job.clone();
    stores
        .db
        .write(move |tx| Box::pin(async move { jobs::fail(tx, &job, "mail", now).await }))
        .await
        .unwrap();
}

async fn run_at(stores: &Stores, id: &str) -> i64 {
    let sql = "SELECT run_at FROM jobs WHERE job_id = $1";
    let row: (i64,) = stores
        .db
        .read()
        .await
        .unwrap()
        .one(sql, [id.into()])
        .await
        .unwrap();
    row.0
}

async fn counts(stores: &Stores) -> (i64, i64) {
    jobs::counts(&mut stores.db.read().await.unwrap())
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_job_that_is_due_longest_comes_first() {
    for_each_engine(async |stores| {
        for (id, seconds) in [("late", 9), ("b", 2), ("a", 2), ("first", 1)] {
            queue(stores, id, seconds).await;
        }
        let mut order = Vec::new();
        while let Some(job) = claim(stores, at(5)).await {
            assert_eq!(
                (job.name.as_str(), job.payload.as_str(), job.attempts),
                ("greet", "{}", 1)
            );
            order.push(job.job_id);
        }
        assert_eq!(
            order,
            ["first", "a", "b"],
            "a job came before its time, or out of turn"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_ends_when_its_worker_does_not_come_back() {
    for_each_engine(async |stores| {
        queue(stores, "job", 0).await;
        let first = claim(stores, at(0)).await.unwrap();
        assert_eq!(claim(stores, at(1)).await, None);
        let second = claim(stores, at(LONG)).await.unwrap();
        assert_eq!((second.job_id.as_str(), second.attempts), ("job", 2));
        // The first worker comes back after all: the claim is not its own any more.
        fail(stores, &first, at(LONG)).await;
        assert_eq!(
            claim(stores, at(LONG + 60)).await,
            None,
            "a lost claim was given away"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_two_workers_get_the_same_job() {
    for_each_engine(async |stores| {
        for n in 0..40 {
            queue(stores, &format!("job {n}"), 0).await;
        }
        let (other, db) = (
            stores.home.db(fairhold_store::db::Part::Data).await,
            stores.db.clone(),
        );
        let worker = async |db: fairhold_store::Db| {
            let mut got = Vec::new();
            while let Some(job) = jobs::claim(&db, at(1)).await.unwrap() {
                got.push(job.job_id);
            }
            got
        };
        let workers = [&db, &db, &db, &other, &other, &other].map(|db| worker(db.clone()));
        let got: Vec<String> = join_all(workers).await.into_iter().flatten().collect();
        other.close().await;
        assert_eq!(got.len(), 40);
        assert_eq!(
            got.iter().collect::<BTreeSet<_>>().len(),
            40,
            "a job was given twice"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn waits_grow_and_a_job_is_given_up_in_the_end() {
    for_each_engine(async |stores| {
        queue(stores, "job", 0).await;
        let (mut now, mut waits) = (at(0), Vec::new());
        for tries in 1..=MOST_TRIES {
            assert_eq!(counts(stores).await, (1, 0));
            let job = claim(stores, now).await.unwrap();
            assert_eq!(job.attempts, tries);
            fail(stores, &job, now).await;
            let next = Moment(run_at(stores, "job").await);
            waits.push(next.seconds_since(now));
            now = next;
        }
        assert_eq!(counts(stores).await, (0, 1));
        assert_eq!(
            claim(stores, now.plus_seconds(LONG)).await,
            None,
            "a job that was given up came back"
        );
        waits.pop();
        assert!(
            waits.is_sorted() && waits.first() == Some(&2) && waits.last() == Some(&14_400),
            "{waits:?}"
        );
        let hours = waits.iter().sum::<i64>() / 3600;
        assert!(
            (20..28).contains(&hours),
            "tries go on for about a day, not {hours} hours"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finished_job_is_gone() {
    for_each_engine(async |stores| {
        queue(stores, "job", 0).await;
        claim(stores, at(0)).await.unwrap();
        stores
            .db
            .write(|tx| Box::pin(async { jobs::finish(tx, "job").await }))
            .await
            .unwrap();
        assert_eq!(counts(stores).await, (0, 0));
        assert_eq!(claim(stores, at(LONG)).await, None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeating_job_is_queued_once_and_comes_again() {
    for_each_engine(async |stores| {
        queue_once(stores, 0).await;
        queue_once(stores, 5).await;
        assert_eq!(
            run_at(stores, "sweep").await,
            at(0).0,
            "a queued job was changed"
        );
        claim(stores, at(0)).await.unwrap();
        stores
            .db
            .write(|tx| Box::pin(async { jobs::again(tx, "sweep", at(60)).await }))
            .await
            .unwrap();
        assert_eq!(claim(stores, at(59)).await, None);
        assert_eq!(claim(stores, at(60)).await.unwrap().attempts, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeating_job_that_was_given_up_starts_anew() {
    for_each_engine(async |stores| {
        queue_once(stores, 0).await;
        let mut now = at(0);
        while let Some(job) = claim(stores, now).await {
            fail(stores, &job, now).await;
            now = now.plus_seconds(20_000);
        }
        assert_eq!(counts(stores).await, (0, 1));
        queue_once(stores, 7).await;
        assert_eq!(counts(stores).await, (1, 0));
        assert_eq!(claim(stores, at(7)).await.unwrap().attempts, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_queued_in_an_act_that_failed_does_not_exist() {
    for_each_engine(async |stores| {
        let failed: Result<()> = stores
            .db
            .write(|tx| {
                Box::pin(async {
                    jobs::queue(tx, "job", "greet", "{}", at(0)).await?;
                    Err(StoreError::Conflict)
                })
            })
            .await;
        assert!(matches!(failed, Err(StoreError::Conflict)));
        assert_eq!(claim(stores, at(1)).await, None);
        assert_eq!(counts(stores).await, (0, 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_kills_its_worker_at_every_try_is_given_up_and_others_come_after_it() {
    for_each_engine(async |stores| {
        queue(stores, "killer", 0).await;
        let mut now = at(0);
        for tries in 1..=MOST_TRIES {
            assert_eq!(claim(stores, now).await.unwrap().attempts, tries);
            now = now.plus_seconds(LONG);
        }
        queue(stores, "next", 1).await;
        assert_eq!(claim(stores, now).await.unwrap().job_id, "next");
        assert_eq!(counts(stores).await, (1, 1));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeating_job_that_fails_is_put_back_and_never_given_up() {
    for_each_engine(async |stores| {
        queue_once(stores, 0).await;
        for minute in 0..2 * MOST_TRIES {
            let now = at(minute * 60);
            let job = claim(stores, now).await.unwrap();
            let put_back = stores.db.write(move |tx| {
                Box::pin(
                    async move { jobs::put_back(tx, &job, "store", now.plus_seconds(60)).await },
                )
            });
            put_back.await.unwrap();
            assert_eq!(claim(stores, now.plus_seconds(59)).await, None);
        }
        assert_eq!(counts(stores).await, (1, 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_that_were_given_up_are_swept() {
    for_each_engine(async |stores| {
        queue(stores, "job", 0).await;
        let mut now = at(0);
        while let Some(job) = claim(stores, now).await {
            fail(stores, &job, now).await;
            now = now.plus_seconds(20_000);
        }
        queue(stores, "waiting", 0).await;
        let sweep = async |before| {
            let sweep = stores
                .db
                .write(move |tx| Box::pin(async move { jobs::sweep_dead(tx, before).await }));
            sweep.await.unwrap()
        };
        let due = Moment(run_at(stores, "job").await);
        assert_eq!(sweep(due).await, 0);
        assert_eq!(sweep(due.plus_seconds(1)).await, 1);
        assert_eq!(counts(stores).await, (1, 0));
    })
    .await;
}
