//! Findings are told once, whoever finds them, and again when they come back.

use fairhold_store::told_findings::{self as told, ToldFinding};
use futures::future::join_all;

use crate::support::{Stores, for_each_engine};

fn finding(connection: &str, message: &str) -> ToldFinding {
    ToldFinding {
        connection: connection.to_owned(),
        code: "undescribed-column".to_owned(),
        message: message.to_owned(),
        file: "datasets/shop.yml".to_owned(),
    }
}

async fn note(stores: &Stores, finding: &ToldFinding, telling: &'static str) -> bool {
    let finding = finding.clone();
    let note = stores
        .db
        .write(move |tx| Box::pin(async move { told::note(tx, &finding, telling).await }));
    note.await.unwrap()
}

async fn forget(stores: &Stores, finding: &ToldFinding) -> bool {
    let finding = finding.clone();
    let forget = stores
        .db
        .write(move |tx| Box::pin(async move { told::forget(tx, &finding).await }));
    forget.await.unwrap()
}

async fn all(stores: &Stores) -> Vec<ToldFinding> {
    let mut tx = stores.db.read().await.unwrap();
    let mut all = told::all(&mut tx).await.unwrap();
    all.sort_by(|a, b| (&a.connection, &a.message).cmp(&(&b.connection, &b.message)));
    all
}

async fn of_telling(stores: &Stores, telling: &str) -> Vec<ToldFinding> {
    let mut tx = stores.db.read().await.unwrap();
    told::of_telling(&mut tx, telling).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finding_is_new_once_and_again_after_it_went_away() {
    for_each_engine(async |stores| {
        let mood = finding("shop", "the column `mood`");
        assert_eq!(all(stores).await, []);
        assert!(note(stores, &mood, "first").await);
        assert!(!note(stores, &mood, "second").await);
        assert_eq!(all(stores).await, std::slice::from_ref(&mood));
        assert_eq!(of_telling(stores, "second").await, []);

        assert!(forget(stores, &mood).await);
        assert!(!forget(stores, &mood).await);
        assert_eq!(all(stores).await, []);
        assert_eq!(of_telling(stores, "first").await, []);
        assert!(note(stores, &mood, "third").await);
        assert_eq!(of_telling(stores, "third").await, [mood]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connection_code_and_message_make_a_finding_and_its_file_does_not() {
    for_each_engine(async |stores| {
        let mood = finding("shop", "the column `mood`");
        let elsewhere = finding("newsletter", "the column `mood`");
        let other_words = finding("shop", "the column `moo`");
        let other_code = ToldFinding {
            code: "no-such-column".to_owned(),
            ..mood.clone()
        };
        for finding in [&mood, &elsewhere, &other_words, &other_code] {
            assert!(note(stores, finding, "one").await, "{finding:?}");
        }
        let moved = ToldFinding {
            file: "datasets/shop-2.yml".to_owned(),
            ..mood.clone()
        };
        assert!(moved.tells_the_same(&mood) && !moved.tells_the_same(&elsewhere));
        assert!(!note(stores, &moved, "two").await);
        assert!(forget(stores, &moved).await);
        assert_eq!(all(stores).await.len(), 3);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_who_find_it_at_the_same_time_one_tells_it() {
    for_each_engine(async |stores| {
        for message in ["a", "b", "c", "d"] {
            let finding = finding("shop", message);
            let told = join_all((0..8).map(|_| note(stores, &finding, "one"))).await;
            assert_eq!(told.iter().filter(|told| **told).count(), 1, "{message}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_found_together_is_told_together_file_by_file() {
    for_each_engine(async |stores| {
        let of_file = |message: &str, file: &str| ToldFinding {
            file: file.to_owned(),
            ..finding("shop", message)
        };
        let (a, b, c) = (
            of_file("c", "a.yml"),
            of_file("a", "b.yml"),
            of_file("b", "b.yml"),
        );
        for finding in [&c, &a, &b] {
            note(stores, finding, "one").await;
        }
        note(stores, &finding("bar", "x"), "two").await;
        assert_eq!(of_telling(stores, "one").await, [a, b, c]);
        assert_eq!(of_telling(stores, "three").await, []);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_may_be_as_long_as_a_system_lets_it_be() {
    for_each_engine(async |stores| {
        // Signs that no engine can press together.
        let long: String = (0..1000)
            .filter_map(|i| char::from_u32(0x4e00 + i * 17 % 20_000))
            .collect();
        let long = finding("shop", &long);
        assert!(note(stores, &long, "one").await);
        assert_eq!(all(stores).await, [long]);
    })
    .await;
}
