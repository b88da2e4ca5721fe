//! What other systems call a customer.

use fairhold_store::{StoreError, accounts, customer_refs};

use crate::support::{at, for_each_engine};

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_is_called_the_same_for_ever_and_nobody_else_is() {
    for_each_engine(async |stores| {
        let ((ann, _), (ben, _)) = (stores.customer().await, stores.customer().await);
        let random = stores.random.clone();
        let write = stores.db.write(move |tx| {
            Box::pin(async move {
                let first = customer_refs::of(tx, &*random, ann, at(1)).await?;
                let again = customer_refs::of(tx, &*random, ann, at(2)).await?;
                let other = customer_refs::of(tx, &*random, ben, at(2)).await?;
                assert_eq!(first, again);
                assert_ne!(first, other);
                assert!(!ann.to_string().contains(&first[..8]), "it says nothing");
                assert_eq!(first.len(), 32);
                assert_eq!(customer_refs::customer_of(tx, &first).await?, Some(ann));
                assert_eq!(customer_refs::customer_of(tx, &other).await?, Some(ben));
                for nobody in ["", &first[..31], &ann.to_string()] {
                    assert_eq!(customer_refs::customer_of(tx, nobody).await?, None);
                }
                Ok::<_, StoreError>(first)
            })
        });
        let first = write.await.unwrap();
        let write = stores.db.write(move |tx| {
            Box::pin(async move {
                assert!(accounts::give_way(tx, ann).await?);
                customer_refs::customer_of(tx, &first).await
            })
        });
        assert_eq!(
            write.await.unwrap(),
            None,
            "it leads nowhere without its customer"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_ask_at_once_get_the_same() {
    for_each_engine(async |stores| {
        let (ann, _) = stores.customer().await;
        let ask = || {
            let random = stores.random.clone();
            stores.db.write(move |tx| {
                Box::pin(async move { customer_refs::of(tx, &*random, ann, at(1)).await })
            })
        };
        let (one, other) = tokio::join!(ask(), ask());
        assert_eq!(one.unwrap(), other.unwrap());
    })
    .await;
}
