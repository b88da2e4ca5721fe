//! The key store.

use fairhold_store::db::Part;
use fairhold_store::keys::KeyStore;
use fairhold_store::{SecretKey, StoreError};
use futures::future::join_all;

use crate::support::{
    Stores, at, change, for_each_engine, is_refusal, master, on_fresh_databases, random,
};

async fn open(stores: &Stores, master: SecretKey, seed: u64) -> Result<KeyStore, StoreError> {
    KeyStore::open(stores.home.db(Part::Keys).await, master, random(seed)).await
}

fn texts(keys: &KeyStore) -> [String; 4] {
    let portal = keys.portal();
    [
        &portal.addresses,
        &portal.looks,
        &portal.requests,
        &portal.pages,
    ]
    .map(SecretKey::to_text)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_key_is_kept_until_it_is_destroyed() {
    for_each_engine(async |stores| {
        let (ann, ben) = (stores.new_id(), stores.new_id());
        let key = stores.keys.create(ann, at(0)).await.unwrap();
        let bens = stores.keys.create(ben, at(0)).await.unwrap();
        assert_ne!(key.to_text(), bens.to_text());
        assert!(
            is_refusal(&stores.keys.create(ann, at(1)).await),
            "a second key would orphan what the first sealed"
        );
        assert_eq!(stores.keys.of(ann).await.unwrap().to_text(), key.to_text());
        assert!(stores.keys.destroy(ann).await.unwrap());
        assert!(!stores.keys.destroy(ann).await.unwrap());
        assert!(matches!(
            stores.keys.of(ann).await,
            Err(StoreError::KeyDestroyed)
        ));
        assert_eq!(stores.keys.of(ben).await.unwrap().to_text(), bens.to_text());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrapped_key_shows_nothing_and_is_its_customers_own() {
    for_each_engine(async |stores| {
        let ((ann, key), (ben, _)) = (stores.customer().await, stores.customer().await);
        let sql = "SELECT wrapped FROM data_keys WHERE customer_id = $1";
        let (wrapped,): (Vec<u8>,) = stores
            .keys_db
            .read()
            .await
            .unwrap()
            .one(sql, [ann.into()])
            .await
            .unwrap();
        let plain = master().open(&format!("data-key:{ann}"), &wrapped).unwrap();
        assert_eq!(
            SecretKey::new(plain.clone().try_into().unwrap()).to_text(),
            key.to_text()
        );
        assert!(!wrapped.windows(plain.len()).any(|w| w == plain));
        let sql = "UPDATE data_keys SET wrapped = $2 WHERE customer_id = $1";
        change(&stores.keys_db, sql, vec![ben.into(), wrapped.into()]).await;
        assert!(
            matches!(stores.keys.of(ben).await, Err(StoreError::Seal)),
            "ann's key passes as ben's"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_master_key_opens_nothing() {
    for_each_engine(async |stores| {
        let opened = open(stores, SecretKey::new([8; 32]), 2).await;
        assert!(matches!(opened, Err(StoreError::Seal)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_portals_keys_stay_the_same_and_differ_from_each_other() {
    for_each_engine(async |stores| {
        let again = open(stores, master(), 2).await.unwrap();
        let mut keys = texts(&again);
        assert_eq!(keys, texts(&stores.keys));
        keys.sort();
        assert!(keys.windows(2).all(|pair| pair[0] != pair[1]));
        again.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_open_at_once_agree_on_the_portals_keys() {
    for_each_engine(async |stores| {
        change(&stores.keys_db, "DELETE FROM portal_keys", vec![]).await;
        let opened = join_all((2..8).map(|seed| open(stores, master(), seed))).await;
        let opened: Vec<KeyStore> = opened.into_iter().map(Result::unwrap).collect();
        let first = texts(&opened[0]);
        for keys in &opened {
            assert_eq!(texts(keys), first);
            keys.close().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_never_goes_backwards() {
    for_each_engine(async |stores| {
        let write = async |seq: i64, mac: u8| {
            let head = fairhold_store::keys::Checkpoint {
                customer_id: "ann".to_owned(),
                seq,
                mac: vec![mac],
            };
            stores.keys.checkpoint(vec![head], at(seq)).await.unwrap();
        };
        write(5, 1).await;
        write(4, 2).await;
        write(5, 3).await;
        let seen = stores.keys.checkpoint_of("ann").await.unwrap().unwrap();
        assert_eq!((seen.seq, seen.mac), (5, vec![1]));
        write(6, 4).await;
        assert_eq!(
            stores.keys.checkpoint_of("ann").await.unwrap().unwrap().seq,
            6
        );
        assert_eq!(stores.keys.checkpoints("", 10).await.unwrap().len(), 1);
        assert_eq!(stores.keys.checkpoints("ann", 10).await.unwrap(), []);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_stores_answer_while_they_are_open() {
    for_each_engine(async |stores| {
        stores.db.ping().await.unwrap();
        stores.keys.ping().await.unwrap();
        stores.keys.close().await;
        assert!(stores.keys.ping().await.is_err());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_open_a_new_store_at_once_agree() {
    on_fresh_databases(async |home| {
        let mut dbs = Vec::new();
        for _ in 0..4 {
            dbs.push(home.db(Part::Keys).await);
        }
        let opened = (2..)
            .zip(dbs)
            .map(|(seed, db)| KeyStore::open(db, master(), random(seed)));
        let opened = join_all(opened).await;
        let opened: Vec<KeyStore> = opened.into_iter().map(Result::unwrap).collect();
        for keys in &opened {
            assert_eq!(texts(keys), texts(&opened[0]));
        }
        join_all(opened.iter().map(KeyStore::close)).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mark_is_set_once() {
    for_each_engine(async |stores| {
        assert_eq!(stores.keys.mark("mode", "demo").await.unwrap(), "demo");
        assert_eq!(
            stores.keys.mark("mode", "production").await.unwrap(),
            "demo"
        );
        assert_eq!(stores.keys.mark("other", "one").await.unwrap(), "one");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_from_before_a_moment_are_listed_page_by_page() {
    for_each_engine(async |stores| {
        let mut old = Vec::new();
        for seconds in [0, 1, 2, 9] {
            let id = stores.new_id();
            stores.keys.create(id, at(seconds)).await.unwrap();
            if seconds < 9 {
                old.push(id);
            }
        }
        old.sort_by_key(ToString::to_string);
        let first = stores.keys.older_than(at(9), None, 2).await.unwrap();
        let rest = stores
            .keys
            .older_than(at(9), Some(first[1]), 2)
            .await
            .unwrap();
        assert_eq!([first, rest].concat(), old);
    })
    .await;
}

#[test]
fn no_free_connection_means_that_the_store_is_busy() {
    let error = StoreError::from(sqlx::Error::PoolTimedOut);
    assert!(matches!(error, StoreError::Busy));
}

/// Another process serves with the old master key all the while.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_master_key_wraps_all_keys_while_another_process_serves_with_the_old_one() {
    for_each_engine(async |stores| {
        let serving = &stores.keys;
        let mut known = Vec::new();
        for _ in 0..3 {
            let id = stores.new_id();
            known.push((id, serving.create(id, at(0)).await.unwrap().to_text()));
        }
        let new = SecretKey::new([9; 32]);
        let command = open(stores, master(), 2).await.unwrap();
        assert_eq!(command.rotate(&new).await.unwrap(), 4 + 3);
        assert_eq!(command.rotate(&new).await.unwrap(), 0, "begun again");
        let other = SecretKey::new([8; 32]);
        assert!(matches!(
            command.rotate(&other).await,
            Err(StoreError::Conflict)
        ));
        // The old process reads, and makes keys that the new master key wraps.
        let id = stores.new_id();
        known.push((id, serving.create(id, at(1)).await.unwrap().to_text()));
        for (id, key) in &known {
            assert_eq!(&serving.of(*id).await.unwrap().to_text(), key);
        }
        let checked = serving.check().await.unwrap();
        assert_eq!((checked.open, checked.follow, checked.broken), (0, 8, 0));
        assert!(checked.rotating);
        let early = serving.finish_rotation().await;
        assert!(
            matches!(early, Err(StoreError::Conflict)),
            "not with the old one"
        );
        // It is started again with the old one, and then with the new one.
        let again = open(stores, master(), 3).await.unwrap();
        assert_eq!(texts(&again), texts(serving));
        let after = open(stores, new.clone(), 4).await.unwrap();
        assert_eq!(texts(&after), texts(serving));
        for (id, key) in &known {
            assert_eq!(&after.of(*id).await.unwrap().to_text(), key);
        }
        let checked = after.check().await.unwrap();
        assert_eq!((checked.open, checked.follow, checked.broken), (8, 0, 0));
        after.finish_rotation().await.unwrap();
        assert!(!after.check().await.unwrap().rotating);
        // A process that nobody started again makes no keys that only the old master key opens.
        let forgotten = serving.create(stores.new_id(), at(2)).await;
        assert!(matches!(forgotten, Err(StoreError::Seal)));
        assert!(matches!(
            open(stores, master(), 5).await,
            Err(StoreError::Seal)
        ));
        // And once more, to a third.
        assert_eq!(after.rotate(&other).await.unwrap(), 4 + 4);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_destroyed_stays_so_and_one_that_does_not_open_stops_the_rotation() {
    for_each_engine(async |stores| {
        let (ann, ben) = (stores.new_id(), stores.new_id());
        stores.keys.create(ann, at(0)).await.unwrap();
        stores.keys.create(ben, at(0)).await.unwrap();
        stores.keys.destroy(ann).await.unwrap();
        let new = SecretKey::new([9; 32]);
        assert_eq!(stores.keys.rotate(&new).await.unwrap(), 4 + 1);
        assert!(matches!(
            stores.keys.of(ann).await,
            Err(StoreError::KeyDestroyed)
        ));
        let after = open(stores, new, 2).await.unwrap();
        after.finish_rotation().await.unwrap();
        change(
            &stores.keys_db,
            "UPDATE data_keys SET wrapped = $1",
            vec![vec![0_u8; 72].into()],
        )
        .await;
        assert_eq!(after.check().await.unwrap().broken, 1);
        let third = SecretKey::new([7; 32]);
        assert!(matches!(after.rotate(&third).await, Err(StoreError::Seal)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_that_was_stopped_at_its_beginning_is_not_ended_by_the_old_key() {
    for_each_engine(async |stores| {
        let new = SecretKey::new([9; 32]);
        stores.keys.rotate(&new).await.unwrap();
        // As if it had been stopped before it wrapped anything.
        let (old, again) = (master(), open(stores, new.clone(), 2).await.unwrap());
        assert_eq!(
            again.rotate(&new).await.unwrap(),
            0,
            "it is the master key already"
        );
        again.finish_rotation().await.unwrap();
        again.rotate(&old).await.unwrap();
        let back = open(stores, old, 3).await.unwrap();
        back.finish_rotation().await.unwrap();
        let sql = "DELETE FROM data_keys";
        change(&stores.keys_db, sql, vec![]).await;
        back.rotate(&new).await.unwrap();
        assert!(matches!(
            back.finish_rotation().await,
            Err(StoreError::Conflict)
        ));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_is_turned_back_with_the_old_key() {
    for_each_engine(async |stores| {
        let ann = stores.new_id();
        let key = stores.keys.create(ann, at(0)).await.unwrap();
        assert!(matches!(
            stores.keys.turn_back().await,
            Err(StoreError::Conflict)
        ));
        let new = SecretKey::new([9; 32]);
        stores.keys.rotate(&new).await.unwrap();
        let ben = stores.new_id();
        let bens = stores.keys.create(ben, at(1)).await.unwrap();
        assert_eq!(stores.keys.turn_back().await.unwrap(), 4 + 2);
        let checked = stores.keys.check().await.unwrap();
        assert_eq!((checked.open, checked.rotating), (6, false));
        let again = open(stores, master(), 2).await.unwrap();
        assert_eq!(again.of(ann).await.unwrap().to_text(), key.to_text());
        assert_eq!(again.of(ben).await.unwrap().to_text(), bens.to_text());
        assert!(matches!(open(stores, new, 3).await, Err(StoreError::Seal)));
        again.rotate(&SecretKey::new([8; 32])).await.unwrap();
    })
    .await;
}
