//! Links to connected systems.

use fairhold_domain::ids::CustomerId;
use fairhold_store::links::{self, Link};
use fairhold_store::{SecretKey, StoreError};

use crate::support::{Stores, at, change, for_each_engine};

async fn put(
    stores: &Stores,
    customer: CustomerId,
    key: &SecretKey,
    dataset: &str,
    seconds: i64,
    keys: &[u8],
) {
    let link = Link {
        dataset: dataset.to_owned(),
        checked_at: at(seconds),
        keys: keys.to_vec(),
    };
    let (key, random) = (key.clone(), stores.random.clone());
    let put = stores.db.write(move |tx| {
        Box::pin(async move { links::put(tx, &key, &*random, customer, &link).await })
    });
    put.await.unwrap();
}

async fn of(
    stores: &Stores,
    customer: CustomerId,
    key: &SecretKey,
) -> Result<Vec<(String, i64, Vec<u8>)>, StoreError> {
    let mut found = links::of(&mut stores.db.read().await.unwrap(), key, customer).await?;
    found.sort_by(|a, b| a.dataset.cmp(&b.dataset));
    Ok(found
        .into_iter()
        .map(|l| (l.dataset, l.checked_at.0, l.keys))
        .collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_written_over() {
    for_each_engine(async |stores| {
        let ((ann, key), (ben, bens)) = (stores.customer().await, stores.customer().await);
        put(stores, ann, &key, "shop", 1, b"17").await;
        put(stores, ann, &key, "news", 1, b"").await;
        put(stores, ben, &bens, "shop", 1, b"18").await;
        put(stores, ann, &key, "shop", 2, b"17,19").await;
        let expected = [
            ("news".to_owned(), at(1).0, b"".to_vec()),
            ("shop".to_owned(), at(2).0, b"17,19".to_vec()),
        ];
        assert_eq!(of(stores, ann, &key).await.unwrap(), expected);
        assert_eq!(of(stores, stores.new_id(), &key).await.unwrap(), []);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_opens_only_for_its_customer_and_dataset() {
    for_each_engine(async |stores| {
        let (ann, key) = stores.customer().await;
        put(stores, ann, &key, "shop", 1, b"17").await;
        change(&stores.db, "UPDATE links SET dataset = 'news'", vec![]).await;
        assert!(matches!(of(stores, ann, &key).await, Err(StoreError::Seal)));
        change(&stores.db, "UPDATE links SET dataset = 'shop'", vec![]).await;
        let (ben, _) = stores.customer().await;
        change(
            &stores.db,
            "UPDATE links SET customer_id = $1",
            vec![ben.into()],
        )
        .await;
        assert!(matches!(of(stores, ben, &key).await, Err(StoreError::Seal)));
    })
    .await;
}
