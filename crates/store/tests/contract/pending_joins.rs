//! Who was sent a link to join a programme.

use fairhold_store::StoreError;
use fairhold_store::pending_joins::{self, PendingJoin};

use crate::support::{at, for_each_engine};

#[tokio::test(flavor = "multi_thread")]
async fn what_was_asked_is_there_for_its_customer_alone_until_it_is_over() {
    for_each_engine(async |stores| {
        let ((ann, ann_key), (ben, ben_key)) = (stores.customer().await, stores.customer().await);
        let random = stores.random.clone();
        let write = stores.db.write(move |tx| {
            Box::pin(async move {
                let asked = PendingJoin {
                    programme: "club".to_owned(),
                    nickname: Some("Birdie".to_owned()),
                    return_to: None,
                };
                for (token, now) in [("a", 1), ("b", 2), ("c", 3)] {
                    pending_joins::add(tx, &ann_key, &*random, ann, token, &asked, at(now)).await?;
                }
                let get = pending_joins::get(tx, &ann_key, ann, "a").await?;
                assert_eq!(get, Some(asked.clone()));
                assert_eq!(pending_joins::get(tx, &ben_key, ben, "a").await?, None);
                let stolen = pending_joins::get(tx, &ben_key, ann, "a").await;
                assert!(matches!(stolen, Err(StoreError::Seal)));

                pending_joins::remove(tx, ann, "a").await?;
                pending_joins::remove(tx, ben, "b").await?;
                assert_eq!(pending_joins::get(tx, &ann_key, ann, "a").await?, None);
                assert_eq!(pending_joins::sweep(tx, at(3)).await?, 1);
                assert_eq!(pending_joins::get(tx, &ann_key, ann, "b").await?, None);
                let last = pending_joins::get(tx, &ann_key, ann, "c").await?;
                assert_eq!(last, Some(asked));
                Ok::<(), StoreError>(())
            })
        });
        write.await.unwrap();
    })
    .await;
}
