//! Who is in which programme.

use fairhold_store::memberships::{self, Membership};

use crate::support::{at, for_each_engine};

#[tokio::test(flavor = "multi_thread")]
async fn somebody_joins_leaves_and_joins_again() {
    for_each_engine(async |stores| {
        let ((ann, _), (ben, _)) = (stores.customer().await, stores.customer().await);
        let write = stores.db.write(move |tx| {
            Box::pin(async move {
                assert!(memberships::join(tx, ann, "club", at(1)).await?);
                assert!(!memberships::join(tx, ann, "club", at(2)).await?, "twice");
                assert!(memberships::is_member(tx, ann, "club").await?);
                assert!(!memberships::is_member(tx, ben, "club").await?);
                assert!(memberships::leave(tx, ann, "club", at(3)).await?);
                assert!(!memberships::leave(tx, ann, "club", at(4)).await?, "twice");
                assert!(!memberships::is_member(tx, ann, "club").await?);
                let left = Membership {
                    programme: "club".to_owned(),
                    joined_at: at(1),
                    left_at: Some(at(3)),
                };
                assert_eq!(memberships::of(tx, ann).await?, std::slice::from_ref(&left));
                assert!(memberships::join(tx, ann, "club", at(5)).await?);
                let again = Membership {
                    joined_at: at(5),
                    left_at: None,
                    ..left
                };
                assert_eq!(memberships::of(tx, ann).await?, [again]);
                assert_eq!(memberships::of(tx, ben).await?, []);
                Ok::<(), fairhold_store::StoreError>(())
            })
        });
        write.await.unwrap();
    })
    .await;
}
