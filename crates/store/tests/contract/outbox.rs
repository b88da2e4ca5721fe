//! Mail on its way.

use fairhold_store::StoreError;
use fairhold_store::outbox::{self, Channel, Mail, Stored};

use crate::support::{Stores, at, change, for_each_engine, number};
use fairhold_domain::ids::CustomerId;
use fairhold_store::SecretKey;

fn mail() -> Mail {
    Mail {
        channel: Channel::Mail,
        to: "ann@example.com".into(),
        subject: "Your link".into(),
        text: "Dear Ann, here it is.".into(),
    }
}

async fn put(
    stores: &Stores,
    customer: CustomerId,
    key: &SecretKey,
    id: &'static str,
    seconds: i64,
) {
    let (key, random) = (key.clone(), stores.random.clone());
    let put = stores.db.write(move |tx| {
        Box::pin(async move {
            outbox::put(tx, &key, &*random, customer, id, &mail(), at(seconds)).await
        })
    });
    put.await.unwrap();
}

async fn mark_sent(stores: &Stores, customer: CustomerId, id: &'static str, seconds: i64) {
    let mark = stores.db.write(move |tx| {
        Box::pin(async move { outbox::mark_sent(tx, customer, id, at(seconds)).await })
    });
    mark.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_is_read_back_and_marked_as_sent() {
    for_each_engine(async |stores| {
        let (ann, key) = stores.customer().await;
        put(stores, ann, &key, "m1", 0).await;
        let mut tx = stores.db.read().await.unwrap();
        let stored = |sent_at| Stored {
            mail: mail(),
            created_at: at(0),
            sent_at,
        };
        assert_eq!(
            outbox::get(&mut tx, &key, ann, "m1").await.unwrap(),
            Some(stored(None))
        );
        mark_sent(stores, ann, "m1", 3).await;
        assert_eq!(
            outbox::get(&mut tx, &key, ann, "m1").await.unwrap(),
            Some(stored(Some(at(3))))
        );
        assert_eq!(outbox::get(&mut tx, &key, ann, "m2").await.unwrap(), None);
        let (ben, _) = stores.customer().await;
        assert_eq!(outbox::get(&mut tx, &key, ben, "m1").await.unwrap(), None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_is_sealed_to_its_place() {
    for_each_engine(async |stores| {
        let (ann, key) = stores.customer().await;
        put(stores, ann, &key, "m1", 0).await;
        let mut tx = stores.db.read().await.unwrap();
        let (sealed,): (Vec<u8>,) = tx.one("SELECT sealed FROM outbox", []).await.unwrap();
        assert!(!String::from_utf8_lossy(&sealed).contains("Ann"));
        change(&stores.db, "UPDATE outbox SET mail_id = 'm2'", vec![]).await;
        assert!(matches!(
            outbox::get(&mut tx, &key, ann, "m2").await,
            Err(StoreError::Seal)
        ));
        assert!(
            !format!("{:?}", mail()).contains("ann@"),
            "Debug shows the address"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_mails_come_first() {
    for_each_engine(async |stores| {
        let (ann, key) = stores.customer().await;
        for (id, seconds) in [("m1", 1), ("m3", 2), ("m2", 2), ("m0", 9)] {
            put(stores, ann, &key, id, seconds).await;
        }
        let newest = outbox::newest(&mut stores.db.read().await.unwrap(), 3)
            .await
            .unwrap();
        let ids: Vec<_> = newest.iter().map(|w| w.mail_id.as_str()).collect();
        assert_eq!(ids, ["m0", "m3", "m2"]);
        assert_eq!(
            (newest[0].customer, newest[0].created_at, newest[0].sent_at),
            (ann, at(9), None)
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn old_mail_is_swept_whether_or_not_it_was_sent() {
    for_each_engine(async |stores| {
        let (ann, key) = stores.customer().await;
        for (id, seconds) in [("waiting", 5), ("never sent", 4), ("old", 0), ("new", 0)] {
            put(stores, ann, &key, id, seconds).await;
        }
        mark_sent(stores, ann, "old", 1).await;
        mark_sent(stores, ann, "new", 5).await;
        let sweep = stores
            .db
            .write(|tx| Box::pin(async { outbox::sweep(tx, at(5)).await }));
        assert_eq!(sweep.await.unwrap(), 2);
        assert_eq!(
            number(
                &stores.db,
                "SELECT COUNT(*) FROM outbox WHERE mail_id IN ('waiting', 'new')"
            )
            .await,
            2
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mails_of_a_while_are_counted_for_each_customer() {
    for_each_engine(async |stores| {
        let ((ann, key), (ben, bens)) = (stores.customer().await, stores.customer().await);
        for (id, seconds) in [("m1", 1), ("m2", 2), ("m3", 3)] {
            put(stores, ann, &key, id, seconds).await;
        }
        put(stores, ben, &bens, "m4", 3).await;
        let mut tx = stores.db.read().await.unwrap();
        assert_eq!(outbox::written_since(&mut tx, ann, at(2)).await.unwrap(), 2);
        assert_eq!(outbox::written_since(&mut tx, ben, at(4)).await.unwrap(), 0);
    })
    .await;
}
