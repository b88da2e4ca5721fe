//! Rewards: a code is given once, a stock is not overdrawn, and what is sent twice is done once, also under concurrency.

use std::sync::Arc;

use fairhold_domain::catalog::{Place, Reward, RewardKind};
use fairhold_domain::ids::CustomerId;
use fairhold_domain::points::Kind;
use fairhold_store::points::{self, Appended, NewEntry};
use fairhold_store::rewards::{self, Count, Redemption};
use fairhold_store::{SecretKey, StoreError, Tx, accounts, paused_asks};
use futures::future::join_all;

use crate::support::{Stores, at, change, for_each_engine, number};

fn reward(key: &str, costs: u32) -> Reward {
    Reward {
        key: key.to_owned(),
        programme: "club".to_owned(),
        name: format!("A {key}"),
        words: "Something nice.".to_owned(),
        kind: RewardKind::Voucher,
        costs,
        stock: None,
        limit: None,
        code: None,
        place: Place::default(),
    }
}

async fn add_codes(stores: &Stores, reward: &'static str, codes: &[String]) -> Vec<String> {
    let (key, random) = (stores.keys.portal().vouchers(), stores.random.clone());
    let codes = codes.to_owned();
    let write = stores.db.write(move |tx: &mut Tx| {
        Box::pin(async move {
            rewards::hold(tx, reward).await?;
            rewards::add_codes(tx, &key, &*random, reward, &codes, at(1)).await
        })
    });
    write.await.unwrap()
}

fn codes(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("CODE-{number}")).collect()
}

async fn earn(stores: &Stores, customer: CustomerId, points: i64) {
    let chain = stores.keys.portal().looks.clone();
    let write = stores.db.write(move |tx: &mut Tx| {
        Box::pin(async move {
            accounts::hold(tx, customer).await?;
            let new = NewEntry {
                points,
                kind: Kind::Joined,
                about: "",
                reason: None,
                key: "joined",
                spendable_at: at(0),
            };
            points::append(tx, &chain, customer, "club", &new, at(1)).await
        })
    });
    assert_eq!(write.await.unwrap(), Appended::Added(points));
}

/// Takes a cup as the portal does: held customer, held reward, code, redemption, points. `None` where none was left.
async fn take(
    stores: &Stores,
    customer: CustomerId,
    key: SecretKey,
    id: String,
) -> Option<Redemption> {
    let (vouchers, chain) = (
        stores.keys.portal().vouchers(),
        stores.keys.portal().looks.clone(),
    );
    let random = stores.random.clone();
    let write = stores.db.write(move |tx: &mut Tx| {
        Box::pin(async move {
            accounts::hold(tx, customer).await?;
            if let Some(taken) = rewards::taken(tx, &key, customer, &id).await? {
                return Ok(Some(taken));
            }
            rewards::hold(tx, "cup").await?;
            let Some(code) = rewards::take_code(tx, &vouchers, "cup", at(2)).await? else {
                return Ok::<_, StoreError>(None);
            };
            let taken = Redemption {
                id,
                programme: "club".to_owned(),
                reward: "cup".to_owned(),
                name: "A cup".to_owned(),
                kind: RewardKind::Voucher,
                costs: 40,
                at: at(2),
                code: Some(code),
            };
            rewards::take(tx, &key, &*random, customer, &taken).await?;
            let new = NewEntry {
                points: -40,
                kind: Kind::Redeemed,
                about: "cup",
                reason: None,
                key: &format!("redeemed:{}", taken.id),
                spendable_at: at(2),
            };
            let paid = points::append(tx, &chain, customer, "club", &new, at(2)).await?;
            match paid {
                Appended::Added(_) => Ok(Some(taken)),
                Appended::Known(_) | Appended::Refused(_) => Err(StoreError::Conflict),
            }
        })
    });
    write.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_staff_change_stands_until_they_change_it_again() {
    for_each_engine(async |stores| {
        let write = stores.db.write(|tx| {
            Box::pin(async move {
                rewards::pause(tx, "cup", true, at(1)).await?;
                rewards::define(tx, &reward("cup", 45), at(2)).await?;
                rewards::define(tx, &reward("mug", 90), at(2)).await?;
                rewards::pause(tx, "tree", true, at(3)).await?;
                rewards::pause(tx, "tree", false, at(4)).await?;
                rewards::changes(tx).await
            })
        });
        let changes = write.await.unwrap();
        let seen: Vec<_> = changes
            .iter()
            .map(|c| {
                (
                    c.key.as_str(),
                    c.definition.as_ref().map(|r| r.costs),
                    c.paused,
                )
            })
            .collect();
        let expected = [
            ("cup", Some(45), true),
            ("mug", Some(90), false),
            ("tree", None, false),
        ];
        assert_eq!(seen, expected);
        assert_eq!(changes[1].definition, Some(reward("mug", 90)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_are_sealed_told_when_they_come_twice_and_given_once() {
    for_each_engine(async |stores| {
        assert_eq!(add_codes(stores, "cup", &codes(2)).await, [""; 0]);
        assert_eq!(add_codes(stores, "cup", &codes(3)).await, codes(2));
        assert_eq!(
            add_codes(stores, "mug", &codes(1)).await,
            codes(1),
            "nor for another"
        );
        let mut tx = stores.db.read().await.unwrap();
        let sql = "SELECT sealed FROM reward_codes";
        let rows: Vec<(Vec<u8>,)> = tx.all(sql, []).await.unwrap();
        let plain = |sealed: &Vec<u8>| sealed.windows(4).any(|bytes| bytes == b"CODE");
        assert!(rows.len() == 3 && !rows.iter().any(|(sealed,)| plain(sealed)));
        drop(tx);
        let ((ann, key), (ben, bens)) = (stores.customer().await, stores.customer().await);
        earn(stores, ann, 200).await;
        let mut given = Vec::new();
        for id in ["a", "b", "c"] {
            let taken = take(stores, ann, key.clone(), id.to_owned()).await.unwrap();
            let again = take(stores, ann, key.clone(), id.to_owned()).await.unwrap();
            assert_eq!(taken, again, "what is sent twice is done once");
            given.extend(taken.code);
        }
        given.sort();
        assert_eq!(given, codes(3));
        assert_eq!(take(stores, ann, key.clone(), "d".to_owned()).await, None);
        assert_eq!(
            add_codes(stores, "cup", &codes(1)).await,
            codes(1),
            "a code that was given is known for ever"
        );
        let mut tx = stores.db.read().await.unwrap();
        let count = rewards::count(&mut tx, "cup").await.unwrap();
        assert_eq!(
            count,
            Count {
                given: 3,
                waiting: 0
            }
        );
        let all = rewards::all_taken(&mut tx, &key, ann, 10).await.unwrap();
        assert_eq!(all.len(), 3);
        let had = rewards::had(&mut tx, ann).await.unwrap();
        assert_eq!(had, [("cup".to_owned(), "A cup".to_owned(), 3)]);
        assert_eq!(rewards::had_of(&mut tx, ann, "cup").await.unwrap(), 3);
        assert_eq!(rewards::had_of(&mut tx, ben, "cup").await.unwrap(), 0);
        let hers = rewards::taken(&mut tx, &bens, ben, "a").await.unwrap();
        assert_eq!(hers, None, "nobody reads another's");
        assert_eq!(points::balances(&mut tx, ann).await.unwrap()[0].1, 80);
        let left = "SELECT COUNT(*) FROM reward_codes WHERE sealed IS NOT NULL";
        assert_eq!(number(&stores.db, left).await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_64_at_once_one_gets_the_last_voucher_and_nobody_else_loses_points() {
    for_each_engine(async |stores| {
        add_codes(stores, "cup", &codes(1)).await;
        let mut customers = Vec::new();
        for _ in 0..64 {
            let (customer, key) = stores.customer().await;
            earn(stores, customer, 40).await;
            customers.push((customer, key));
        }
        let tries = customers
            .iter()
            .map(|(customer, key)| take(stores, *customer, key.clone(), "form".to_owned()));
        let taken = join_all(tries).await;
        let winners = taken.iter().filter(|taken| taken.is_some()).count();
        assert_eq!(winners, 1);
        for ((customer, _), taken) in customers.iter().zip(&taken) {
            let mut tx = stores.db.read().await.unwrap();
            let balance = points::balances(&mut tx, *customer).await.unwrap()[0].1;
            assert_eq!(balance, if taken.is_some() { 0 } else { 40 });
        }
        let sums = points::verify(&stores.db, &stores.keys.portal().looks)
            .await
            .unwrap();
        assert_eq!((sums.entries, sums.wrong.len()), (65, 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_form_that_is_sent_64_times_at_once_takes_one() {
    for_each_engine(async |stores| {
        add_codes(stores, "cup", &codes(64)).await;
        let (ann, key) = stores.customer().await;
        earn(stores, ann, 4000).await;
        let tries = (0..64).map(|_| take(stores, ann, key.clone(), "form".to_owned()));
        let taken = join_all(tries).await;
        assert!(
            taken.iter().all(|one| *one == taken[0] && one.is_some()),
            "{taken:?}"
        );
        let mut tx = stores.db.read().await.unwrap();
        let count = rewards::count(&mut tx, "cup").await.unwrap();
        assert_eq!(
            count,
            Count {
                given: 1,
                waiting: 63
            }
        );
        assert_eq!(points::balances(&mut tx, ann).await.unwrap()[0].1, 3960);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_made_code_is_made_once() {
    for_each_engine(async |stores| {
        let key = Arc::new(stores.keys.portal().vouchers());
        let note = |code: &'static str| {
            let key = key.clone();
            stores.db.write(move |tx| {
                Box::pin(async move { rewards::note_made_code(tx, &key, "ten", code, at(1)).await })
            })
        };
        assert!(note("TEN-AAAA").await.unwrap());
        assert!(!note("TEN-AAAA").await.unwrap());
        assert!(note("TEN-BBBB").await.unwrap());
        let mut tx = stores.db.read().await.unwrap();
        let count = rewards::count(&mut tx, "ten").await.unwrap();
        assert_eq!(count.waiting, 0, "none of them can be given again");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_took_goes_with_their_account_and_their_key() {
    for_each_engine(async |stores| {
        add_codes(stores, "cup", &codes(1)).await;
        let (ann, key) = stores.customer().await;
        earn(stores, ann, 40).await;
        take(stores, ann, key.clone(), "a".to_owned())
            .await
            .unwrap();
        let (_, other) = stores.customer().await;
        let mut tx = stores.db.read().await.unwrap();
        let wrong = rewards::taken(&mut tx, &other, ann, "a").await;
        assert!(matches!(wrong, Err(StoreError::Seal)));
        drop(tx);
        let delete = "DELETE FROM customers WHERE customer_id = $1";
        change(&stores.db, delete, vec![ann.into()]).await;
        assert_eq!(
            number(&stores.db, "SELECT COUNT(*) FROM redemptions").await,
            0
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ask_is_paused_until_somebody_goes_on_with_it() {
    for_each_engine(async |stores| {
        let write = stores.db.write(|tx| {
            Box::pin(async move {
                assert!(paused_asks::pause(tx, "texts", true, at(1)).await?);
                assert!(!paused_asks::pause(tx, "texts", true, at(2)).await?);
                assert!(paused_asks::pause(tx, "post", true, at(2)).await?);
                assert_eq!(paused_asks::paused(tx).await?, ["post", "texts"]);
                assert!(paused_asks::pause(tx, "texts", false, at(3)).await?);
                assert!(!paused_asks::pause(tx, "texts", false, at(3)).await?);
                assert_eq!(paused_asks::paused(tx).await?, ["post"]);
                Ok::<(), StoreError>(())
            })
        });
        write.await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_counted_by_what_stands() {
    for_each_engine(async |stores| {
        let states = [
            ("given", None),
            ("renewed", Some(at(9))),
            ("given", Some(at(4))),
            ("refused", None),
            ("withdrawn", None),
            ("not-now", None),
            ("asked", None),
        ];
        for (state, ends_at) in states {
            let (customer, _) = stores.customer().await;
            let sql = "INSERT INTO grants (customer_id, purpose, ask, fields, state, version, ends_at, changed_at) \
                       VALUES ($1, 'p', 'texts', '', $2, 1, $3, 0)";
            let ends_at: Option<i64> = ends_at.map(|at| at.0);
            let args = vec![customer.into(), state.into(), ends_at.into()];
            change(&stores.db, sql, args).await;
        }
        let mut tx = stores.db.read().await.unwrap();
        let answers = paused_asks::answers(&mut tx, at(5)).await.unwrap();
        assert_eq!(answers.len(), 1);
        let texts = &answers[0];
        assert_eq!((texts.yes, texts.no, texts.not_now), (2, 2, 1));
    })
    .await;
}
