//! What the shops of programmes are told.

use fairhold_domain::ids::CustomerId;
use fairhold_store::webhook_deliveries::{self as deliveries, Claimed, NewDelivery, Outcome};
use fairhold_store::{accounts, customer_refs};

use crate::support::{Stores, at, for_each_engine};

/// Past every id.
const NEWEST: &str = "~";

async fn queue(
    stores: &Stores,
    programme: &'static str,
    id: &'static str,
    who: CustomerId,
    now: i64,
) {
    let (key, random) = (stores.keys.portal().requests.clone(), stores.random.clone());
    let write = stores.db.write(move |tx| {
        Box::pin(async move {
            let reference = customer_refs::of(tx, &*random, who, at(now)).await?;
            let new = NewDelivery {
                programme,
                webhook_id: id,
                reference: &reference,
                kind: "member.joined",
                body: "the body",
            };
            deliveries::queue(tx, &key, &*random, new, at(now)).await
        })
    });
    write.await.unwrap();
}

async fn claim(stores: &Stores, programme: &str, most: i64, now: i64) -> Vec<Claimed> {
    let key = &stores.keys.portal().requests;
    let mut claimed = deliveries::claim(&stores.db, key, programme, most, at(now))
        .await
        .unwrap();
    claimed.sort_by(|a, b| a.webhook_id.cmp(&b.webhook_id));
    claimed
}

async fn settle(stores: &Stores, claimed: Claimed, outcome: Outcome, now: i64) {
    let write = stores.db.write(move |tx| {
        Box::pin(async move { deliveries::settle(tx, "club", &claimed, outcome, at(now)).await })
    });
    write.await.unwrap();
}

async fn ids(stores: &Stores, before: &str, limit: i64) -> Vec<String> {
    let mut tx = stores.db.read().await.unwrap();
    let page = deliveries::page(&mut tx, before, limit).await.unwrap();
    page.into_iter().map(|d| d.webhook_id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_is_tried_until_it_is_taken() {
    for_each_engine(async |stores| {
        let (ann, _) = stores.customer().await;
        queue(stores, "club", "1", ann, 10).await;
        assert_eq!(claim(stores, "club", 5, 9).await, [], "not yet");
        assert_eq!(claim(stores, "other", 5, 10).await, [], "not theirs");

        let first = claim(stores, "club", 5, 10).await;
        assert_eq!(
            (first[0].body.as_str(), first[0].tries, first[0].step),
            ("the body", 1, 0)
        );
        assert_eq!(claim(stores, "club", 5, 11).await, [], "somebody sends it");

        let failed = Outcome::Failed {
            status: Some(500),
            next: Some(at(40)),
        };
        settle(stores, first[0].clone(), failed, 12).await;
        assert_eq!(claim(stores, "club", 5, 39).await, []);
        let second = claim(stores, "club", 5, 40).await;
        assert_eq!((second[0].tries, second[0].step), (2, 1));
        assert_eq!(second[0].webhook_id, first[0].webhook_id);

        // A sender that slept over its lease changes nothing any more.
        settle(stores, first[0].clone(), Outcome::Delivered(200), 41).await;
        settle(stores, second[0].clone(), Outcome::Delivered(204), 42).await;
        let mut tx = stores.db.read().await.unwrap();
        let done = deliveries::page(&mut tx, NEWEST, 5)
            .await
            .unwrap()
            .remove(0);
        assert_eq!((done.tries, done.last_status), (2, Some(204)));
        assert_eq!((done.next_try_at, done.delivered_at), (None, Some(at(42))));
        assert_eq!((done.queued_at, done.last_try_at), (at(10), Some(at(42))));
        drop(tx);
        assert_eq!(claim(stores, "club", 5, 10_000).await, []);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_whose_sender_died_is_claimed_again_and_one_that_was_given_up_only_on_demand() {
    for_each_engine(async |stores| {
        let (ann, _) = stores.customer().await;
        queue(stores, "club", "1", ann, 0).await;
        claim(stores, "club", 5, 0).await;
        let later = claim(stores, "club", 5, 500).await;
        assert_eq!(later[0].tries, 2);
        let given_up = Outcome::Failed {
            status: None,
            next: None,
        };
        settle(stores, later[0].clone(), given_up, 501).await;
        assert_eq!(claim(stores, "club", 5, 1_000).await, []);

        let again = |programme: &'static str, now: i64| {
            stores.db.write(move |tx| {
                Box::pin(async move { deliveries::send_again(tx, programme, "1", at(now)).await })
            })
        };
        assert!(!again("other", 1_000).await.unwrap());
        assert!(again("club", 1_000).await.unwrap());
        let claimed = claim(stores, "club", 5, 1_000).await;
        assert_eq!((claimed[0].tries, claimed[0].step), (3, 0));
        assert!(!again("club", 1_001).await.unwrap(), "somebody sends it");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn senders_at_once_share_what_is_due() {
    for_each_engine(async |stores| {
        let (ann, _) = stores.customer().await;
        for id in ["1", "2", "3", "4"] {
            queue(stores, "club", id, ann, 0).await;
        }
        let (mut all, more) =
            tokio::join!(claim(stores, "club", 2, 5), claim(stores, "club", 2, 5));
        all.extend(more);
        all.sort_by(|a, b| a.webhook_id.cmp(&b.webhook_id));
        let ids: Vec<_> = all.iter().map(|c| c.webhook_id.as_str()).collect();
        assert_eq!(ids, ["1", "2", "3", "4"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_have_pages_and_what_is_over_is_swept() {
    for_each_engine(async |stores| {
        let ((ann, _), (ben, _)) = (stores.customer().await, stores.customer().await);
        queue(stores, "club", "1", ann, 0).await;
        queue(stores, "other", "2", ben, 10).await;
        queue(stores, "club", "3", ben, 0).await;
        assert_eq!(ids(stores, NEWEST, 2).await, ["3", "2"]);
        assert_eq!(ids(stores, "2", 2).await, ["1"]);

        for claimed in claim(stores, "club", 5, 0).await {
            settle(stores, claimed, Outcome::Delivered(200), 1).await;
        }
        let sweep = |before: i64| {
            stores
                .db
                .write(move |tx| Box::pin(async move { deliveries::sweep(tx, at(before)).await }))
        };
        assert_eq!(sweep(1).await.unwrap(), 0);
        assert_eq!(sweep(2).await.unwrap(), 2);
        assert_eq!(ids(stores, NEWEST, 5).await, ["2"], "it still waits");

        let write = stores
            .db
            .write(move |tx| Box::pin(async move { accounts::give_way(tx, ben).await }));
        assert!(write.await.unwrap());
        assert_eq!(
            ids(stores, NEWEST, 5).await,
            [""; 0],
            "it goes with its customer"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_can_not_be_moved_to_another_delivery() {
    for_each_engine(async |stores| {
        let (ann, _) = stores.customer().await;
        queue(stores, "club", "1", ann, 0).await;
        let write = stores.db.write(move |tx| {
            Box::pin(async move {
                let sql = "UPDATE webhook_deliveries SET webhook_id = $1";
                tx.execute(sql, ["2".into()]).await
            })
        });
        write.await.unwrap();
        let key = &stores.keys.portal().requests;
        let claimed = deliveries::claim(&stores.db, key, "club", 5, at(0)).await;
        assert!(claimed.unwrap().is_empty(), "it is given up");
        let again = deliveries::claim(&stores.db, key, "club", 5, at(1_000)).await;
        assert!(again.unwrap().is_empty(), "for good");
    })
    .await;
}
