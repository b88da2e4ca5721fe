//! The journal of points: a balance is its sum, what is entered twice is entered once, and tampering shows.

use fairhold_domain::ids::CustomerId;
use fairhold_domain::points::{Kind, PointsError, balance};
use fairhold_store::points::{self, Appended, NewEntry};
use fairhold_store::{StoreError, Tx, accounts};
use futures::future::join_all;

use crate::support::{Stores, at, for_each_engine};

fn new(points: i64, key: &str) -> NewEntry<'_> {
    NewEntry {
        points,
        kind: Kind::Granted,
        about: "texts",
        reason: None,
        key,
        spendable_at: at(0),
    }
}

async fn append(stores: &Stores, customer: CustomerId, points: i64, key: &str) -> Appended {
    let (chain, key) = (stores.keys.portal().looks.clone(), key.to_owned());
    let write = stores.db.write(move |tx: &mut Tx| {
        Box::pin(async move {
            accounts::hold(tx, customer).await?;
            points::append(tx, &chain, customer, "club", &new(points, &key), at(1)).await
        })
    });
    write.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_balance_is_the_sum_and_a_key_counts_once() {
    for_each_engine(async |stores| {
        let ((ann, _), (ben, _)) = (stores.customer().await, stores.customer().await);
        assert_eq!(append(stores, ann, 50, "a").await, Appended::Added(50));
        assert_eq!(append(stores, ann, 70, "a").await, Appended::Known(50));
        assert_eq!(append(stores, ann, -20, "b").await, Appended::Added(30));
        assert_eq!(append(stores, ben, 50, "a").await, Appended::Added(50));
        for (points, error) in [
            (0, PointsError::Amount),
            (-31, PointsError::TooFew),
            (i64::MAX, PointsError::Amount),
            (i64::MIN, PointsError::Amount),
        ] {
            let refused = append(stores, ann, points, "c").await;
            assert_eq!(refused, Appended::Refused(error), "{points}");
        }
        let mut tx = stores.db.read().await.unwrap();
        let entries = points::entries(&mut tx, ann, "club").await.unwrap();
        let changes: Vec<_> = entries.iter().map(|entry| entry.change).collect();
        assert_eq!((balance(&changes), entries.len()), (30, 2));
        let balances = points::balances(&mut tx, ann).await.unwrap();
        assert_eq!(balances, [("club".to_owned(), 30)]);
        assert!(
            points::entries(&mut tx, ann, "other")
                .await
                .unwrap()
                .is_empty()
        );
        let holders = points::holders(&mut tx, "club", "", 10).await.unwrap();
        assert_eq!(holders.len(), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_at_once_under_one_key_one_is_entered() {
    for_each_engine(async |stores| {
        let (ann, _) = stores.customer().await;
        let entered = join_all((0..32).map(|_| append(stores, ann, 50, "once"))).await;
        let added = entered.iter().filter(|a| matches!(a, Appended::Added(_)));
        assert_eq!(added.count(), 1);
        let others = join_all(
            (0..32).map(|n| async move { append(stores, ann, 1, &format!("key {n}")).await }),
        );
        assert!(others.await.iter().all(|a| matches!(a, Appended::Added(_))));
        let sums = points::verify(&stores.db, &stores.keys.portal().looks)
            .await
            .unwrap();
        assert_eq!((sums.journals, sums.entries, sums.wrong.len()), (1, 33, 0));
        let mut tx = stores.db.read().await.unwrap();
        assert_eq!(points::balances(&mut tx, ann).await.unwrap()[0].1, 82);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_contact_brings_points_to_one_customer() {
    for_each_engine(async |stores| {
        let ((ann, _), (ben, _)) = (stores.customer().await, stores.customer().await);
        let write = stores.db.write(move |tx| {
            Box::pin(async move {
                let hashes =
                    |names: &[&str]| names.iter().map(|&n| n.to_owned()).collect::<Vec<_>>();
                assert!(points::claim_contacts(tx, ann, &hashes(&["h1"])).await?);
                assert!(
                    points::claim_contacts(tx, ann, &hashes(&["h1"])).await?,
                    "hers still"
                );
                assert!(!points::claim_contacts(tx, ben, &hashes(&["h2", "h1"])).await?);
                assert!(
                    points::claim_contacts(tx, ann, &hashes(&["h2"])).await?,
                    "nobody took it"
                );
                assert!(points::claim_contacts(tx, ben, &hashes(&["h3"])).await?);
                Ok::<(), StoreError>(())
            })
        });
        write.await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_points_is_announced_once() {
    for_each_engine(async |stores| {
        let (ann, _) = stores.customer().await;
        append(stores, ann, 50, "a").await;
        let write = stores.db.write(move |tx| {
            Box::pin(async move {
                assert_eq!(points::noticed_until(tx, ann, "club").await?, None);
                points::note_notice(tx, ann, "club", Some(at(9))).await?;
                assert_eq!(points::noticed_until(tx, ann, "club").await?, Some(at(9)));
                points::note_notice(tx, ann, "club", None).await?;
                assert_eq!(points::noticed_until(tx, ann, "club").await?, None);
                Ok::<(), StoreError>(())
            })
        });
        write.await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_to_change_a_journal_shows() {
    for_each_engine(async |stores| {
        for tampering in [
            "UPDATE point_entries SET points = 500 WHERE seq = 2",
            "UPDATE point_entries SET about = 'other' WHERE seq = 1",
            "UPDATE point_entries SET entry_key = 'other' WHERE seq = 1",
            "UPDATE point_entries SET spendable_at = 7 WHERE seq = 2",
            "DELETE FROM point_entries WHERE seq = 2",
            "DELETE FROM point_entries WHERE seq = 3",
            "UPDATE point_heads SET balance = 5000",
            "UPDATE point_heads SET seq = 2",
            "DELETE FROM point_heads",
        ] {
            let (ann, _) = stores.customer().await;
            for (points, key) in [(50, "a"), (30, "b"), (-10, "c")] {
                append(stores, ann, points, key).await;
            }
            let whole = points::verify(&stores.db, &stores.keys.portal().looks)
                .await
                .unwrap();
            assert!(whole.wrong.is_empty());
            let write = stores
                .db
                .write(move |tx| Box::pin(async move { tx.execute(tampering, []).await }));
            write.await.unwrap();
            let found = points::verify(&stores.db, &stores.keys.portal().looks)
                .await
                .unwrap();
            assert_eq!(found.wrong.len(), 1, "{tampering}");
            let write = stores.db.write(|tx| {
                Box::pin(async move {
                    tx.execute("DELETE FROM point_entries", []).await?;
                    tx.execute("DELETE FROM point_heads", []).await
                })
            });
            write.await.unwrap();
        }
    })
    .await;
}
