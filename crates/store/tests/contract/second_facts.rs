//! Second facts: tries are counted one after the other, and proofs belong to one customer and one dataset.

use fairhold_domain::ids::CustomerId;
use fairhold_domain::second_fact::{TRIES, WAIT_SECONDS, Wait};
use fairhold_store::second_facts::{self, Proof};
use fairhold_store::{SecretKey, StoreError};
use futures::future::join_all;

use crate::support::{Stores, at, change, for_each_engine, number};

async fn try_at(
    stores: &Stores,
    customer: CustomerId,
    dataset: &'static str,
    seconds: i64,
) -> Result<(), Wait> {
    stores
        .db
        .write(move |tx| {
            Box::pin(
                async move { second_facts::take_try(tx, customer, dataset, at(seconds)).await },
            )
        })
        .await
        .unwrap()
}

async fn wait_at(
    stores: &Stores,
    customer: CustomerId,
    dataset: &str,
    seconds: i64,
) -> Option<Wait> {
    let mut tx = stores.db.read().await.unwrap();
    second_facts::wait(&mut tx, customer, dataset, at(seconds))
        .await
        .unwrap()
}

/// Adds a key to what is proven.
async fn prove(
    stores: &Stores,
    customer: CustomerId,
    key: &SecretKey,
    dataset: &'static str,
    row: u8,
) {
    let (key, random) = (key.clone(), stores.random.clone());
    let proved = stores.db.write(move |tx| {
        Box::pin(async move {
            let add = move |known: Option<Vec<u8>>| {
                let mut keys = known.unwrap_or_default();
                keys.push(row);
                keys.sort_unstable();
                Some(keys)
            };
            second_facts::change_proof(tx, &key, &*random, customer, dataset, add).await
        })
    });
    proved.await.unwrap();
}

async fn proofs(
    stores: &Stores,
    customer: CustomerId,
    key: &SecretKey,
) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
    let mut tx = stores.db.read().await.unwrap();
    let found: Vec<Proof> = second_facts::proofs(&mut tx, key, customer).await?;
    let mut found: Vec<_> = found.into_iter().map(|p| (p.dataset, p.keys)).collect();
    found.sort();
    Ok(found)
}

#[tokio::test(flavor = "multi_thread")]
async fn after_three_tries_there_is_a_wait_for_this_customer_and_dataset_alone() {
    for_each_engine(async |stores| {
        let ((ann, _), (ben, _)) = (stores.customer().await, stores.customer().await);
        for second in 1..=TRIES {
            assert_eq!(wait_at(stores, ann, "shop", second).await, None);
            assert_eq!(try_at(stores, ann, "shop", second).await, Ok(()));
        }
        let until = at(TRIES + WAIT_SECONDS);
        assert_eq!(try_at(stores, ann, "shop", 4).await, Err(Wait { until }));
        assert_eq!(wait_at(stores, ann, "shop", 5).await, Some(Wait { until }));
        assert_eq!(try_at(stores, ann, "news", 4).await, Ok(()));
        assert_eq!(try_at(stores, ben, "shop", 4).await, Ok(()));
        // A try that is refused makes the wait no longer.
        assert_eq!(
            try_at(stores, ann, "shop", TRIES + WAIT_SECONDS).await,
            Ok(())
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tries_at_the_same_time_are_never_more_than_three() {
    for_each_engine(async |stores| {
        let (ann, _) = stores.customer().await;
        // The first round finds few connections open, so that its tries come one after the other.
        for dataset in ["shop", "news", "club", "bar"] {
            let tries = join_all((0..12).map(|_| try_at(stores, ann, dataset, 1))).await;
            let taken = tries.iter().filter(|t| t.is_ok()).count();
            assert_eq!(taken, usize::try_from(TRIES).unwrap(), "{dataset}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_try_can_be_given_back_and_all_forgotten() {
    for_each_engine(async |stores| {
        let (ann, _) = stores.customer().await;
        for _ in 0..TRIES {
            try_at(stores, ann, "shop", 1).await.unwrap();
        }
        let back = stores.db.write(move |tx| {
            Box::pin(async move { second_facts::give_back_try(tx, ann, "shop").await })
        });
        back.await.unwrap();
        assert_eq!(try_at(stores, ann, "shop", 2).await, Ok(()));
        assert!(try_at(stores, ann, "shop", 2).await.is_err());
        let forget = stores.db.write(move |tx| {
            Box::pin(async move { second_facts::forget_tries(tx, ann, "shop").await })
        });
        forget.await.unwrap();
        for _ in 0..TRIES {
            assert_eq!(try_at(stores, ann, "shop", 3).await, Ok(()));
        }
        assert!(try_at(stores, ann, "shop", 3).await.is_err());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn proofs_are_added_to_each_other_and_taken_away() {
    for_each_engine(async |stores| {
        let ((ann, key), (ben, bens)) = (stores.customer().await, stores.customer().await);
        try_at(stores, ann, "news", 1).await.unwrap();
        assert_eq!(proofs(stores, ann, &key).await.unwrap(), []);
        prove(stores, ben, &bens, "shop", 9).await;
        join_all((0..6).map(|row| prove(stores, ann, &key, "shop", row))).await;
        let all = ("shop".to_owned(), vec![0, 1, 2, 3, 4, 5]);
        assert_eq!(proofs(stores, ann, &key).await.unwrap(), [all]);
        let (random, hers) = (stores.random.clone(), key.clone());
        let none = stores.db.write(move |tx| {
            Box::pin(async move {
                second_facts::change_proof(tx, &hers, &*random, ann, "shop", |_| None).await
            })
        });
        none.await.unwrap();
        assert_eq!(proofs(stores, ann, &key).await.unwrap(), []);
        assert_eq!(
            proofs(stores, ben, &bens).await.unwrap(),
            [("shop".to_owned(), vec![9])]
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_opens_only_for_its_customer_and_dataset() {
    for_each_engine(async |stores| {
        let (ann, key) = stores.customer().await;
        prove(stores, ann, &key, "shop", 1).await;
        let (ben, bens) = stores.customer().await;
        for (sql, who, key) in [
            ("UPDATE second_facts SET dataset = 'news'", ann, &key),
            ("UPDATE second_facts SET dataset = 'shop'", ann, &bens),
        ] {
            change(&stores.db, sql, vec![]).await;
            let opened = proofs(stores, who, key).await;
            assert!(matches!(opened, Err(StoreError::Seal)), "{sql}");
        }
        let sql = "UPDATE second_facts SET customer_id = $1";
        change(&stores.db, sql, vec![ben.into()]).await;
        let opened = proofs(stores, ben, &key).await;
        assert!(matches!(opened, Err(StoreError::Seal)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_tried_and_proven_goes_with_the_customer() {
    for_each_engine(async |stores| {
        let (ann, key) = stores.customer().await;
        prove(stores, ann, &key, "shop", 1).await;
        try_at(stores, ann, "news", 1).await.unwrap();
        let sql = "DELETE FROM customers WHERE customer_id = $1";
        change(&stores.db, sql, vec![ann.into()]).await;
        let left = number(&stores.db, "SELECT COUNT(*) FROM second_facts").await;
        assert_eq!(left, 0);
    })
    .await;
}
