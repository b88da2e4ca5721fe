//! Answers to changes of other systems: found again for a day, by the same system, for the same request.

use fairhold_store::idempotency_keys::{self, Answer, Asked, Found, KEPT_FOR};
use fairhold_store::{Db, StoreError};
use futures::future::join_all;

use crate::support::{at, for_each_engine, number};

fn asked(system: &str, key: &str, request: &str) -> Asked {
    Asked {
        api_key_id: system.to_owned(),
        key_hash: key.to_owned(),
        request_hash: request.to_owned(),
    }
}

fn answer(body: &str) -> Answer {
    Answer {
        status: 201,
        body: body.to_owned(),
    }
}

/// Makes a change where it is new: one transaction.
async fn change(db: &Db, asked: Asked, seconds: i64, body: &str) -> Found {
    let answer = answer(body);
    let write = db.write(move |tx| {
        Box::pin(async move {
            let found = idempotency_keys::claim(tx, &asked, at(seconds)).await?;
            if found == Found::New {
                idempotency_keys::keep(tx, &asked, &answer).await?;
            }
            Ok::<_, StoreError>(found)
        })
    });
    write.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_new_once_and_then_has_its_answer_for_a_day() {
    for_each_engine(async |stores| {
        let db = &stores.db;
        let ask = || asked("till", "key", "request");
        assert_eq!(change(db, ask(), 0, "{}").await, Found::New);
        let made = Found::Made(answer("{}"));
        assert_eq!(change(db, ask(), 1, "other").await, made);
        let other = asked("till", "key", "another request");
        assert_eq!(change(db, other, 2, "").await, Found::Other);
        assert_eq!(change(db, ask(), KEPT_FOR - 1, "").await, made);
        // Another system may have made up the same key.
        let other = asked("web", "key", "request");
        assert_eq!(change(db, other, 2, "").await, Found::New);
        // A day later the key is new again, swept or not.
        let later = asked("till", "key", "another request");
        assert_eq!(change(db, later, KEPT_FOR, "").await, Found::New);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_that_come_at_once_one_is_new_and_the_others_have_its_answer() {
    for_each_engine(async |stores| {
        for key in ["a", "b", "c"] {
            let all = (0..10).map(|n| {
                let body = format!("{{\"n\":{n}}}");
                async move { change(&stores.db, asked("till", key, "request"), n, &body).await }
            });
            let found = join_all(all).await;
            assert_eq!(found.iter().filter(|f| **f == Found::New).count(), 1);
            let made: Vec<_> = found.iter().filter(|f| **f != Found::New).collect();
            assert!(made.iter().all(|f| **f == *made[0]), "{made:?}");
            assert!(matches!(made[0], Found::Made(_)));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_failed_leaves_its_key_free() {
    for_each_engine(async |stores| {
        let ask = asked("till", "key", "request");
        let failed = stores.db.write(move |tx| {
            Box::pin(async move {
                let found = idempotency_keys::claim(tx, &ask, at(0)).await?;
                assert_eq!(found, Found::New);
                Err::<(), StoreError>(StoreError::Conflict)
            })
        });
        assert!(failed.await.is_err());
        let mended = asked("till", "key", "a mended request");
        assert_eq!(change(&stores.db, mended, 1, "{}").await, Found::New);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_kept_for_a_day_is_swept() {
    for_each_engine(async |stores| {
        change(&stores.db, asked("till", "old", "r"), 0, "{}").await;
        change(&stores.db, asked("till", "new", "r"), 9, "{}").await;
        let mut left = Vec::new();
        for now in [KEPT_FOR - 1, KEPT_FOR, KEPT_FOR + 9] {
            let sweep = stores
                .db
                .write(move |tx| Box::pin(idempotency_keys::sweep(tx, at(now))));
            sweep.await.unwrap();
            let rows = number(&stores.db, "SELECT COUNT(*) FROM idempotency_keys");
            left.push(rows.await);
        }
        assert_eq!(left, [2, 1, 0]);
    })
    .await;
}
