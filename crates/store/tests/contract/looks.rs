//! The chains of looks, as long as nobody tampers with them.

use std::collections::BTreeMap;

use fairhold_domain::access::{Act, Actor, Look, Seen};
use fairhold_domain::ids::CustomerId;
use fairhold_domain::time::Moment;
use fairhold_store::StoreError;
use fairhold_store::db::Result;
use fairhold_store::looks::{self, LastLook, Walk};
use futures::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::support::{Stores, at, for_each_engine, number, try_change};

/// A look at some collections of the shop.
pub fn look(actor: Actor, collections: &[&str]) -> Look {
    let seen = collections.iter().map(|c| Seen::all("shop", c)).collect();
    Look {
        actor,
        act: Act::Opened,
        reason: None,
        seen,
        failed: Vec::new(),
    }
}

/// Appends a look as a write of its own.
pub async fn append(stores: &Stores, customer: CustomerId, now: Moment, look: Look) -> Result<i64> {
    let key = stores.keys.portal().looks.clone();
    let append = stores.db.write(move |tx| {
        Box::pin(async move { looks::append(tx, &key, customer, now, &look).await })
    });
    append.await
}

/// Appends this many of the customer's own looks.
pub async fn append_many(stores: &Stores, customer: CustomerId, count: i64) {
    for n in 0..count {
        append(stores, customer, at(n), look(Actor::Customer, &["orders"]))
            .await
            .unwrap();
    }
}

/// Copies the heads to the key store.
pub async fn checkpoint(stores: &Stores) -> usize {
    looks::checkpoint(&stores.db, &stores.keys, at(0))
        .await
        .unwrap()
}

/// Walks all chains.
pub async fn verify(stores: &Stores) -> Walk {
    looks::verify(&stores.db, &stores.keys).await.unwrap()
}

async fn numbers(stores: &Stores, customer: CustomerId) -> Vec<i64> {
    let page = looks::page(
        &mut stores.db.read().await.unwrap(),
        customer,
        i64::MAX,
        1_000,
    )
    .await
    .unwrap();
    page.iter().rev().map(|recorded| recorded.seq).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn looks_are_paged_newest_first() {
    for_each_engine(async |stores| {
        let ((ann, _), (ben, _)) = (stores.customer().await, stores.customer().await);
        append_many(stores, ann, 5).await;
        append_many(stores, ben, 1).await;
        let mut tx = stores.db.read().await.unwrap();
        let first = looks::page(&mut tx, ann, i64::MAX, 2).await.unwrap();
        assert_eq!(
            first.iter().map(|r| (r.seq, r.at)).collect::<Vec<_>>(),
            [(5, at(4)), (4, at(3))]
        );
        assert_eq!(first[0].look, look(Actor::Customer, &["orders"]));
        let second = looks::page(&mut tx, ann, 4, 10).await.unwrap();
        assert_eq!(second.iter().map(|r| r.seq).collect::<Vec<_>>(), [3, 2, 1]);
        assert_eq!(looks::page(&mut tx, ann, 1, 10).await.unwrap(), []);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_else_looked_last_is_known_for_each_collection() {
    for_each_engine(async |stores| {
        let ((ann, _), (ben, _)) = (stores.customer().await, stores.customer().await);
        let staff = Actor::Staff {
            role: "Support".into(),
            name: "Niamh".into(),
        };
        let system = Actor::System {
            name: "Delivery".into(),
        };
        append(
            stores,
            ann,
            at(1),
            look(staff.clone(), &["orders", "profile"]),
        )
        .await
        .unwrap();
        append(stores, ann, at(2), look(system.clone(), &["orders"]))
            .await
            .unwrap();
        append(
            stores,
            ann,
            at(3),
            look(Actor::Customer, &["orders", "profile"]),
        )
        .await
        .unwrap();
        append(stores, ann, at(4), look(Actor::Portal, &["orders"]))
            .await
            .unwrap();
        append(stores, ben, at(5), look(staff.clone(), &["orders"]))
            .await
            .unwrap();
        let mut last = looks::last_by_others(&mut stores.db.read().await.unwrap(), ann)
            .await
            .unwrap();
        last.sort_by(|a, b| a.collection.cmp(&b.collection));
        let expected =
            [("orders", 2, system), ("profile", 1, staff)].map(|(collection, seconds, actor)| {
                LastLook {
                    dataset: "shop".to_owned(),
                    collection: collection.to_owned(),
                    at: at(seconds),
                    actor,
                }
            });
        assert_eq!(last, expected);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn looks_at_once_get_numbers_without_a_gap() {
    for_each_engine(async |stores| {
        let (ann, _) = stores.customer().await;
        let tasks = (0..16).map(|n| async move {
            let mut got = Vec::new();
            for _ in 0..4 {
                got.push(
                    append(stores, ann, at(n), look(Actor::Customer, &["orders"]))
                        .await
                        .unwrap(),
                );
            }
            got
        });
        let mut got: Vec<i64> = join_all(tasks).await.into_iter().flatten().collect();
        got.sort_unstable();
        assert_eq!(got, (1..=64).collect::<Vec<_>>());
        assert_eq!(numbers(stores, ann).await, got);
        assert_eq!(
            verify(stores).await,
            Walk {
                chains: 1,
                looks: 64,
                breaks: vec![]
            }
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_in_an_act_that_failed_leaves_no_gap() {
    for_each_engine(async |stores| {
        let (ann, _) = stores.customer().await;
        append_many(stores, ann, 1).await;
        fail_after_a_look(stores, ann).await;
        append_many(stores, ann, 1).await;
        assert_eq!(numbers(stores, ann).await, [1, 2]);
        assert_eq!(verify(stores).await.breaks, []);
    })
    .await;
}

async fn fail_after_a_look(stores: &Stores, customer: CustomerId) {
    let key = stores.keys.portal().looks.clone();
    let failed: Result<()> = stores
        .db
        .write(move |tx| {
            Box::pin(async move {
                looks::append(
                    tx,
                    &key,
                    customer,
                    at(0),
                    &look(Actor::Customer, &["orders"]),
                )
                .await?;
                Err(StoreError::Conflict)
            })
        })
        .await;
    assert!(matches!(failed, Err(StoreError::Conflict)));
}

/// Whatever order looks of several customers come in, side by side or not, kept or undone, with checkpoints between
/// them: all chains are whole and hold what was kept.
#[tokio::test(flavor = "multi_thread")]
async fn chains_are_whole_after_any_order_of_looks() {
    for_each_engine(async |stores| {
        let mut dice = StdRng::seed_from_u64(11);
        let customers = [
            stores.customer().await.0,
            stores.customer().await.0,
            stores.customer().await.0,
        ];
        let mut kept: BTreeMap<CustomerId, i64> = BTreeMap::new();
        for _ in 0..40 {
            match dice.random_range(0..8) {
                0 => {
                    checkpoint(stores).await;
                }
                1 => fail_after_a_look(stores, customers[dice.random_range(0..3)]).await,
                _ => {
                    let round: Vec<CustomerId> = (0..dice.random_range(1..9))
                        .map(|_| customers[dice.random_range(0..3)])
                        .collect();
                    join_all(round.iter().map(|id| append_many(stores, *id, 1))).await;
                    for id in round {
                        *kept.entry(id).or_default() += 1;
                    }
                }
            }
        }
        assert_eq!(verify(stores).await.breaks, []);
        for (id, count) in kept {
            assert_eq!(numbers(stores, id).await, (1..=count).collect::<Vec<_>>());
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_walk_beside_new_looks_finds_no_break() {
    for_each_engine(async |stores| {
        let customers = [stores.customer().await.0, stores.customer().await.0];
        append_many(stores, customers[0], 1).await;
        let writing = join_all(customers.map(|id| append_many(stores, id, 60)));
        let walking = async {
            for _ in 0..20 {
                checkpoint(stores).await;
                assert_eq!(verify(stores).await.breaks, []);
            }
        };
        futures::join!(writing, walking);
        assert_eq!(verify(stores).await.looks, 121);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_copies_the_heads_that_moved() {
    for_each_engine(async |stores| {
        let ((ann, _), (ben, _)) = (stores.customer().await, stores.customer().await);
        append_many(stores, ann, 3).await;
        append_many(stores, ben, 1).await;
        assert_eq!(checkpoint(stores).await, 2);
        assert_eq!(checkpoint(stores).await, 0);
        append_many(stores, ann, 1).await;
        assert_eq!(checkpoint(stores).await, 1);
        let seen = stores
            .keys
            .checkpoint_of(&ann.to_string())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(seen.seq, 4);
        assert_eq!(
            verify(stores).await,
            Walk {
                chains: 2,
                looks: 5,
                breaks: vec![]
            }
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_chains_than_one_stride_are_walked_once_each() {
    for_each_engine(async |stores| {
        for _ in 0..3 {
            let ids: Vec<CustomerId> = (0..400).map(|_| stores.new_id()).collect();
            let key = stores.keys.portal().looks.clone();
            let append = stores.db.write(move |tx| {
                Box::pin(async move {
                    for id in ids {
                        looks::append(tx, &key, id, at(0), &look(Actor::Customer, &["orders"]))
                            .await?;
                    }
                    Ok::<(), StoreError>(())
                })
            });
            append.await.unwrap();
        }
        assert_eq!(checkpoint(stores).await, 1_200);
        assert_eq!(
            number(&stores.db, "SELECT COUNT(*) FROM look_heads WHERE fresh").await,
            0
        );
        // Chains that only the key store knows stand between the others.
        try_change(
            &stores.db,
            "DELETE FROM look_heads WHERE customer_id > 'c'",
            vec![],
        )
        .await
        .unwrap();
        let gone = try_change(
            &stores.db,
            "DELETE FROM looks WHERE customer_id > 'c'",
            vec![],
        )
        .await
        .unwrap();
        let walk = verify(stores).await;
        assert_eq!((walk.chains, walk.looks), (1_200, 1_200 - gone));
        assert_eq!(walk.breaks.len(), usize::try_from(gone).unwrap());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_longer_than_one_stride_is_walked_to_its_end() {
    for_each_engine(async |stores| {
        let (ann, _) = stores.customer().await;
        let key = stores.keys.portal().looks.clone();
        let append = stores.db.write(move |tx| {
            Box::pin(async move {
                for _ in 0..1_001 {
                    looks::append(tx, &key, ann, at(0), &look(Actor::Customer, &["orders"]))
                        .await?;
                }
                Ok::<(), StoreError>(())
            })
        });
        append.await.unwrap();
        assert_eq!(
            verify(stores).await,
            Walk {
                chains: 1,
                looks: 1_001,
                breaks: vec![]
            }
        );
    })
    .await;
}
