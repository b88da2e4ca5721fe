//! Tries to log in: counted one after the other, by hashes alone, and gone once they have faded.

use fairhold_domain::log_in_tries::{FADES_AFTER, Wait};
use fairhold_store::log_in_tries::{self, Door};
use futures::future::join_all;

use crate::support::{Stores, at, for_each_engine, master, number};

const ADA: &str = "hash of ada's address";
const BEN: &str = "hash of ben's address";
const HOME: &str = "203.0.113.7";
const ELSEWHERE: &str = "198.51.100.1";

fn door(address_hash: &str, network: &str) -> Door {
    Door::new(&master(), address_hash, network.parse().unwrap())
}

async fn try_at(stores: &Stores, door: &Door, seconds: i64) -> Result<(), Wait> {
    let door = door.clone();
    let taken = stores
        .db
        .write(move |tx| Box::pin(async move { log_in_tries::take(tx, &door, at(seconds)).await }));
    taken.await.unwrap()
}

/// Takes the five tries that are free.
async fn five_tries(stores: &Stores, door: &Door) {
    for _ in 0..5 {
        assert_eq!(try_at(stores, door, 0).await, Ok(()));
    }
}

async fn rows(stores: &Stores) -> i64 {
    number(&stores.db, "SELECT COUNT(*) FROM log_in_tries").await
}

#[tokio::test(flavor = "multi_thread")]
async fn after_five_tries_there_is_a_wait_for_this_address_and_network_alone() {
    for_each_engine(async |stores| {
        let (ada, ben) = (door(ADA, HOME), door(BEN, HOME));
        five_tries(stores, &ada).await;
        let until = at(2);
        assert_eq!(try_at(stores, &ada, 0).await, Err(Wait { until }));
        assert_eq!(try_at(stores, &ada, 1).await, Err(Wait { until }));
        assert_eq!(try_at(stores, &ben, 1).await, Ok(()));
        assert_eq!(try_at(stores, &door(ADA, ELSEWHERE), 1).await, Ok(()));
        assert_eq!(try_at(stores, &ada, 2).await, Ok(()));
        assert_eq!(try_at(stores, &ada, 2).await, Err(Wait { until: at(6) }));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tries_at_the_same_time_are_never_more() {
    for_each_engine(async |stores| {
        // The first round finds few connections open, so that its tries come one after the other.
        for address in ["a", "b", "c"] {
            let ada = door(address, HOME);
            let tries = join_all((0..20).map(|_| try_at(stores, &ada, 1))).await;
            assert_eq!(tries.iter().filter(|t| t.is_ok()).count(), 5, "{address}");
        }
        // From twenty networks four times each.
        let doors: Vec<Door> = (0..80)
            .map(|n| door("d", &format!("203.0.113.{}", n % 20)))
            .collect();
        let tries = join_all(doors.iter().map(|door| try_at(stores, door, 1))).await;
        assert_eq!(tries.iter().filter(|t| t.is_ok()).count(), 50);
        let until = at(31);
        let fresh = door("d", ELSEWHERE);
        assert_eq!(try_at(stores, &fresh, 1).await, Err(Wait { until }));
        assert_eq!(try_at(stores, &fresh, 31).await, Ok(()));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_try_can_be_given_back() {
    for_each_engine(async |stores| {
        let ada = door(ADA, HOME);
        five_tries(stores, &ada).await;
        let given = ada.clone();
        let back = stores
            .db
            .write(move |tx| Box::pin(async move { log_in_tries::give_back(tx, &given).await }));
        back.await.unwrap();
        assert_eq!(try_at(stores, &ada, 0).await, Ok(()));
        assert!(try_at(stores, &ada, 0).await.is_err());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_try_clears_its_network_and_a_proven_address_clears_all() {
    for_each_engine(async |stores| {
        let (home, elsewhere) = (door(ADA, HOME), door(ADA, ELSEWHERE));
        five_tries(stores, &home).await;
        five_tries(stores, &elsewhere).await;
        five_tries(stores, &door(BEN, HOME)).await;
        let right = home.clone();
        let forget = stores
            .db
            .write(move |tx| Box::pin(async move { log_in_tries::forget_here(tx, &right).await }));
        forget.await.unwrap();
        five_tries(stores, &home).await;
        assert!(try_at(stores, &home, 0).await.is_err());
        assert!(try_at(stores, &elsewhere, 0).await.is_err());
        let forget = stores
            .db
            .write(move |tx| Box::pin(async move { log_in_tries::forget(tx, ADA).await }));
        forget.await.unwrap();
        five_tries(stores, &home).await;
        five_tries(stores, &elsewhere).await;
        assert!(try_at(stores, &door(BEN, HOME), 0).await.is_err());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_was_put_back_makes_no_long_wait() {
    for_each_engine(async |stores| {
        let ada = door(ADA, HOME);
        five_tries(stores, &ada).await;
        let (earlier, until) = (-10 * FADES_AFTER, at(-10 * FADES_AFTER + 2));
        assert_eq!(try_at(stores, &ada, earlier).await, Err(Wait { until }));
        assert_eq!(try_at(stores, &ada, earlier + 1).await, Err(Wait { until }));
        assert_eq!(try_at(stores, &ada, earlier + 2).await, Ok(()));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn faded_counters_are_swept_and_others_are_not() {
    for_each_engine(async |stores| {
        five_tries(stores, &door(ADA, HOME)).await;
        try_at(stores, &door(ADA, ELSEWHERE), 9).await.unwrap();
        assert_eq!(rows(stores).await, 3);
        let mut left = Vec::new();
        for now in [FADES_AFTER - 1, FADES_AFTER, FADES_AFTER + 9] {
            let sweep = stores
                .db
                .write(move |tx| Box::pin(async move { log_in_tries::sweep(tx, at(now)).await }));
            sweep.await.unwrap();
            left.push(rows(stores).await);
        }
        assert_eq!(left, [3, 2, 0]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_who_nor_where_is_kept_and_a_network_looks_different_at_each_address() {
    for_each_engine(async |stores| {
        try_at(stores, &door(ADA, HOME), 0).await.unwrap();
        try_at(stores, &door(BEN, HOME), 0).await.unwrap();
        let mut tx = stores.db.read().await.unwrap();
        let sql = "SELECT network_hash FROM log_in_tries WHERE network_hash <> ''";
        let kept: Vec<(String,)> = tx.all(sql, []).await.unwrap();
        let [(ada,), (ben,)] = kept.as_slice() else {
            panic!("two doors");
        };
        assert_ne!(ada, ben);
        assert_eq!((ada.len(), ben.len()), (64, 64));
    })
    .await;
}
