//! Erasures: asked for, called off, begun once, certified; and what goes with a customer.

use fairhold_store::erasures;
use fairhold_store::{accounts, points};

use crate::support::{at, for_each_engine};

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_can_be_called_off_until_it_begins_and_begins_once() {
    for_each_engine(async |stores| {
        let ((ann, key), (ben, _)) = (stores.customer().await, stores.customer().await);
        let random = stores.random.clone();
        let write = stores.db.write(move |tx| {
            Box::pin(async move {
                erasures::ask(tx, ann, "one", at(1), at(100)).await?;
                erasures::ask(tx, ann, "two", at(2), at(50)).await?;
                erasures::ask(tx, ann, "three", at(3), at(90)).await?;
                let asked = erasures::of(tx, ann).await?.unwrap();
                assert_eq!((asked.erasure_id.as_str(), asked.due_at), ("one", at(50)));
                assert!(!erasures::call_off(tx, ben).await?);
                assert!(erasures::call_off(tx, ann).await?);
                assert_eq!(erasures::of(tx, ann).await?, None);

                erasures::ask(tx, ann, "four", at(4), at(4)).await?;
                assert_eq!(erasures::plan(tx, &key, ann).await?, None);
                erasures::begin(tx, &key, &*random, ann, b"early", at(3)).await?;
                let early = erasures::plan(tx, &key, ann).await?;
                assert_eq!(early, None, "not before its time");
                for plan in [b"first", b"later"] {
                    erasures::begin(tx, &key, &*random, ann, plan, at(5)).await?;
                }
                let plan = erasures::plan(tx, &key, ann).await?;
                assert_eq!(plan.as_deref(), Some(&b"first"[..]), "it begins once");
                assert!(!erasures::call_off(tx, ann).await?, "too late");
                erasures::ask(tx, ann, "five", at(6), at(1)).await?;
                erasures::note(tx, ann, "{}", &["shop".to_owned(), "site".to_owned()]).await?;
                let begun = erasures::of(tx, ann).await?.unwrap();
                assert_eq!((begun.due_at, begun.begun_at), (at(4), Some(at(5))));
                assert_eq!(begun.failing, ["shop", "site"]);
                erasures::certify(tx, ann, "four", "a text", at(7)).await?;
                erasures::forget(tx, ann).await?;
                assert!(
                    erasures::of(tx, ann).await?.is_some(),
                    "until the last mail has left"
                );
                erasures::finish(tx, ann).await?;
                assert_eq!(erasures::of(tx, ann).await?, None);
                assert_eq!(accounts::account(tx, ann).await?, None);
                assert!(accounts::account(tx, ben).await?.is_some());
                let kept = erasures::certificate(tx, "four").await?;
                assert_eq!(kept.as_deref(), Some("a text"), "it has nothing about whom");
                assert!(points::claim_contacts(tx, ben, &["h".to_owned()]).await?);
                erasures::forget(tx, ben).await?;
                let again = points::claim_contacts(tx, ben, &["h".to_owned()]).await?;
                assert!(!again, "an address earns once, also after an erasure");
                Ok::<(), fairhold_store::StoreError>(())
            })
        });
        write.await.unwrap();
    })
    .await;
}
