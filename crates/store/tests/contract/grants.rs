//! Grants and their consent records.

use fairhold_domain::grant::{Event, State};
use fairhold_store::grants::{self, NewRecord};
use fairhold_store::{StoreError, accounts};
use futures::future::join_all;

use crate::support::{at, for_each_engine};

fn new(purpose: &'static str, event: Event) -> NewRecord<'static> {
    NewRecord {
        purpose,
        ask: "",
        fields: &[],
        event,
        version: 2,
        ask_version: 3,
        until: None,
        words: "We write to you.",
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_answer_is_a_record_and_the_grant_is_what_the_last_one_left() {
    for_each_engine(async |stores| {
        let ((ann, _), (ben, _)) = (stores.customer().await, stores.customer().await);
        let write = stores.db.write(move |tx| {
            Box::pin(async move {
                for (second, event) in [(1, Event::Given), (2, Event::Withdrawn), (3, Event::Given)]
                {
                    grants::record(tx, ann, &new("news", event), at(second)).await?;
                }
                grants::record(tx, ann, &new("texts", Event::Refused), at(4)).await?;
                let again = grants::record(tx, ann, &new("texts", Event::Withdrawn), at(5)).await;
                assert!(
                    matches!(again, Err(StoreError::Conflict)),
                    "there is no yes"
                );
                grants::record(tx, ben, &new("news", Event::Refused), at(5)).await
            })
        });
        write.await.unwrap();
        let mut tx = stores.db.read().await.unwrap();
        let all = grants::of(&mut tx, ann).await.unwrap();
        let states: Vec<_> = all
            .iter()
            .map(|g| (g.purpose.as_str(), g.standing.state, g.changed_at))
            .collect();
        assert_eq!(
            states,
            [
                ("news", State::Given, at(3)),
                ("texts", State::Refused, at(4))
            ]
        );
        let records = grants::records(&mut tx, ann, i64::MAX, 10).await.unwrap();
        let events: Vec<_> = records.iter().map(|r| (r.seq, r.event)).collect();
        assert_eq!(
            events,
            [
                (4, Event::Refused),
                (3, Event::Given),
                (2, Event::Withdrawn),
                (1, Event::Given)
            ]
        );
        assert_eq!(grants::records(&mut tx, ann, 3, 1).await.unwrap()[0].seq, 2);
        assert_eq!(records[0].words, "We write to you.");
        let nothing = grants::standing(&mut tx, ben, "texts", "").await.unwrap();
        assert_eq!(nothing.state, State::NeverAsked);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_answers_at_once_each_is_recorded_and_one_is_the_first() {
    for_each_engine(async |stores| {
        let (ann, _) = stores.customer().await;
        let answers = (0..8).map(|_| {
            stores.db.write(move |tx| {
                Box::pin(async move {
                    accounts::hold(tx, ann).await?;
                    grants::record(tx, ann, &new("news", Event::Given), at(1)).await
                })
            })
        });
        let given = join_all(answers).await.into_iter().flatten().count();
        assert_eq!(given, 1, "a second yes says nothing new");
        let mut tx = stores.db.read().await.unwrap();
        assert_eq!(
            grants::records(&mut tx, ann, i64::MAX, 10)
                .await
                .unwrap()
                .len(),
            1
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_yes_whose_time_is_over_is_written_down_as_ended_once() {
    for_each_engine(async |stores| {
        let ((ann, _), (ben, _)) = (stores.customer().await, stores.customer().await);
        let write = stores.db.write(move |tx| {
            Box::pin(async move {
                for (customer, ask, until) in [
                    (ann, "a", Some(at(10))),
                    (ann, "b", None),
                    (ben, "a", Some(at(20))),
                ] {
                    let given = NewRecord {
                        ask,
                        until,
                        ..new("news", Event::Given)
                    };
                    grants::record(tx, customer, &given, at(1)).await?;
                }
                assert!(grants::due(tx, at(9), 10).await?.is_empty());
                assert_eq!(grants::due(tx, at(10), 10).await?, [ann]);
                grants::expire(tx, ann, at(10)).await?;
                assert!(grants::due(tx, at(10), 10).await?.is_empty());
                let states: Vec<_> = grants::for_purpose(tx, ann, "news").await?;
                let states: Vec<_> = states
                    .iter()
                    .map(|g| (g.ask.as_str(), g.standing.state))
                    .collect();
                assert_eq!(states, [("a", State::Expired), ("b", State::Given)]);
                let records = grants::records(tx, ann, i64::MAX, 10).await?;
                assert_eq!((records.len(), records[0].event), (3, Event::Expired));
                assert_eq!(
                    (records[0].words.as_str(), records[0].ask_version),
                    ("We write to you.", 3)
                );
                Ok::<(), StoreError>(())
            })
        });
        write.await.unwrap();
    })
    .await;
}
