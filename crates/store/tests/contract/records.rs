//! The sealed record of own values.

use fairhold_domain::catalog::Origin;
use fairhold_domain::ids::CustomerId;
use fairhold_store::db::Result;
use fairhold_store::records::{self, OwnRecord, OwnValue};
use fairhold_store::{SecretKey, StoreError};
use futures::future::join_all;

use crate::support::{Stores, at, change, for_each_engine};

fn record(value: &str) -> OwnRecord {
    let value = OwnValue {
        value: value.to_owned(),
        origin: Origin::Provided,
        at: at(0),
        purpose: None,
        grant: None,
    };
    OwnRecord {
        values: [("profile.city".to_owned(), value)].into(),
    }
}

async fn write(
    stores: &Stores,
    customer: CustomerId,
    key: &SecretKey,
    value: &str,
    version: i64,
) -> Result<()> {
    let (key, random, record) = (key.clone(), stores.random.clone(), record(value));
    let write = stores.db.write(move |tx| {
        Box::pin(
            async move { records::write(tx, &key, &*random, customer, &record, version).await },
        )
    });
    write.await
}

async fn read(stores: &Stores, customer: CustomerId, key: &SecretKey) -> Result<(OwnRecord, i64)> {
    records::read(&mut stores.db.read().await.unwrap(), key, customer).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_read_as_it_was_written() {
    for_each_engine(async |stores| {
        let (ann, key) = stores.customer().await;
        assert_eq!(
            read(stores, ann, &key).await.unwrap(),
            (OwnRecord::default(), 0)
        );
        write(stores, ann, &key, "Cork", 0).await.unwrap();
        write(stores, ann, &key, "Øster\u{301}bro\0", 1)
            .await
            .unwrap();
        assert_eq!(
            read(stores, ann, &key).await.unwrap(),
            (record("Øster\u{301}bro\0"), 2)
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_write_over_the_same_version_one_is_told() {
    for_each_engine(async |stores| {
        let (ann, key) = stores.customer().await;
        for version in 0..2 {
            let results = join_all((0..8).map(|_| write(stores, ann, &key, "Cork", version))).await;
            assert_eq!(results.iter().filter(|r| r.is_ok()).count(), 1);
            assert!(
                results
                    .iter()
                    .all(|r| matches!(r, Ok(()) | Err(StoreError::Conflict))),
                "{results:?}"
            );
        }
        assert!(matches!(
            write(stores, ann, &key, "Cork", 0).await,
            Err(StoreError::Conflict)
        ));
        assert!(matches!(
            write(stores, ann, &key, "Cork", 7).await,
            Err(StoreError::Conflict)
        ));
        assert_eq!(read(stores, ann, &key).await.unwrap().1, 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stored_bytes_hold_no_plain_text() {
    for_each_engine(async |stores| {
        let (ann, key) = stores.customer().await;
        write(stores, ann, &key, "Ballyvaughan", 0).await.unwrap();
        let sealed = sealed(stores, ann).await;
        for plain in ["Ballyvaughan", "profile", "city"] {
            assert!(
                !sealed.windows(plain.len()).any(|w| w == plain.as_bytes()),
                "{plain} is readable"
            );
        }
        assert!(
            !format!("{:?}", record("Ballyvaughan")).contains("Ballyvaughan"),
            "Debug shows the value"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_bytes_do_not_open() {
    for_each_engine(async |stores| {
        let (ann, key) = stores.customer().await;
        write(stores, ann, &key, "Cork", 0).await.unwrap();
        let whole = sealed(stores, ann).await;
        let mut broken: Vec<Vec<u8>> = (0..whole.len())
            .map(|i| {
                let mut bytes = whole.clone();
                bytes[i] ^= 1;
                bytes
            })
            .collect();
        broken.extend([
            Vec::new(),
            whole[..20].to_vec(),
            whole[..whole.len() - 1].to_vec(),
        ]);
        for bytes in broken {
            let sql = "UPDATE own_records SET sealed = $2 WHERE customer_id = $1";
            change(&stores.db, sql, vec![ann.into(), bytes.into()]).await;
            assert!(matches!(
                read(stores, ann, &key).await,
                Err(StoreError::Seal)
            ));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_opens_only_in_its_own_place() {
    for_each_engine(async |stores| {
        let ((ann, anns_key), (ben, bens_key)) = (stores.customer().await, stores.customer().await);
        write(stores, ann, &anns_key, "Cork", 0).await.unwrap();
        write(stores, ben, &bens_key, "Kerry", 0).await.unwrap();
        let copy = "UPDATE own_records SET sealed = (SELECT sealed FROM own_records WHERE customer_id = $2) \
                    WHERE customer_id = $1";
        change(&stores.db, copy, vec![ben.into(), ann.into()]).await;
        assert!(matches!(read(stores, ben, &bens_key).await, Err(StoreError::Seal)));
        assert!(matches!(read(stores, ben, &anns_key).await, Err(StoreError::Seal)), "ann's record passes as ben's");
        assert!(matches!(read(stores, ann, &bens_key).await, Err(StoreError::Seal)));
        change(&stores.db, "UPDATE own_records SET version = 2 WHERE customer_id = $1", vec![ann.into()]).await;
        assert!(matches!(read(stores, ann, &anns_key).await, Err(StoreError::Seal)), "an old version passes as new");
    })
    .await;
}

async fn sealed(stores: &Stores, customer: CustomerId) -> Vec<u8> {
    let sql = "SELECT sealed FROM own_records WHERE customer_id = $1";
    let row: (Vec<u8>,) = stores
        .db
        .read()
        .await
        .unwrap()
        .one(sql, [customer.into()])
        .await
        .unwrap();
    row.0
}
