//! What was shown has one answer.

use fairhold_store::shown_asks;
use fairhold_store::{StoreError, accounts};
use futures::future::join_all;

use crate::support::{at, for_each_engine};

#[tokio::test(flavor = "multi_thread")]
async fn only_what_was_shown_is_answered_and_in_the_words_that_were_shown() {
    for_each_engine(async |stores| {
        let ((ann, _), (ben, _)) = (stores.customer().await, stores.customer().await);
        let write = stores.db.write(move |tx| {
            Box::pin(async move {
                assert!(!shown_asks::take_answer(tx, ann, "phone", 1, at(0)).await?);
                shown_asks::show(tx, ann, "phone", 1, true, at(5)).await?;
                assert!(!shown_asks::take_answer(tx, ben, "phone", 1, at(0)).await?);
                assert!(!shown_asks::take_answer(tx, ann, "phone", 2, at(0)).await?);
                assert!(!shown_asks::take_answer(tx, ann, "phone", 1, at(6)).await?);
                assert!(shown_asks::take_answer(tx, ann, "phone", 1, at(5)).await?);
                // Shown again: it is theirs to answer again, and when it was asked stays known.
                shown_asks::show(tx, ann, "phone", 2, false, at(9)).await?;
                let all = shown_asks::of(tx, ann).await?;
                assert_eq!(all.len(), 1);
                assert_eq!((all[0].shown_at, all[0].asked_at), (at(9), Some(at(5))));
                assert_eq!((all[0].version, all[0].answered), (2, false));
                Ok::<(), StoreError>(())
            })
        });
        write.await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_answers_at_once_one_is_taken() {
    for_each_engine(async |stores| {
        let (ann, _) = stores.customer().await;
        let show = stores.db.write(move |tx| {
            Box::pin(async move { shown_asks::show(tx, ann, "phone", 1, true, at(1)).await })
        });
        show.await.unwrap();
        let answers = (0..16).map(|_| {
            stores.db.write(move |tx| {
                Box::pin(async move {
                    accounts::hold(tx, ann).await?;
                    shown_asks::take_answer(tx, ann, "phone", 1, at(0)).await
                })
            })
        });
        let taken = join_all(answers).await.into_iter().map(Result::unwrap);
        assert_eq!(taken.filter(|taken| *taken).count(), 1);
    })
    .await;
}
