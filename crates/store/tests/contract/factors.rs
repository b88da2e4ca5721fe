//! Second factors, and devices that are known.

use fairhold_domain::ids::CustomerId;
use fairhold_store::factors::{self, Factors, StoredPasskey};
use fairhold_store::known_devices;
use futures::future::join_all;

use crate::support::{Stores, at, for_each_engine};

fn passkey(id: &str, added: i64) -> StoredPasskey {
    StoredPasskey {
        passkey_id: id.to_owned(),
        name: b"a name".to_vec(),
        sealed: b"counter 1".to_vec(),
        added_at: at(added).0,
        used_at: None,
    }
}

async fn add_passkey(stores: &Stores, customer: CustomerId, id: &'static str, added: i64) -> bool {
    let add = stores.db.write(move |tx| {
        Box::pin(async move {
            let hash = format!("hash of {id}");
            factors::add_passkey(tx, customer, &hash, passkey(id, added)).await
        })
    });
    add.await.unwrap()
}

async fn put_app(stores: &Stores, customer: CustomerId, step: i64, added: i64) {
    let put = stores.db.write(move |tx| {
        Box::pin(async move {
            factors::put_app_codes(tx, customer, b"sealed".to_vec(), step, at(added)).await
        })
    });
    put.await.unwrap();
}

async fn put_recovery_codes(
    stores: &Stores,
    customer: CustomerId,
    hashes: &'static [&'static str],
) {
    let put = stores.db.write(move |tx| {
        Box::pin(async move {
            let hashes: Vec<String> = hashes.iter().map(|hash| (*hash).to_owned()).collect();
            factors::put_recovery_codes(tx, customer, &hashes).await
        })
    });
    put.await.unwrap();
}

async fn use_recovery_code(stores: &Stores, customer: CustomerId, hash: &'static str) -> bool {
    let used = stores.db.write(move |tx| {
        Box::pin(async move { factors::use_recovery_code(tx, customer, hash, at(9)).await })
    });
    used.await.unwrap()
}

async fn use_step(stores: &Stores, customer: CustomerId, step: i64) -> bool {
    let used = stores
        .db
        .write(move |tx| Box::pin(async move { factors::use_step(tx, customer, step).await }));
    used.await.unwrap()
}

async fn has(stores: &Stores, customer: CustomerId) -> Factors {
    let mut tx = stores.db.read().await.unwrap();
    factors::factors(&mut tx, customer).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_counts_once_and_none_before_it_does() {
    for_each_engine(async |stores| {
        let ((ann, _), (ben, _)) = (stores.customer().await, stores.customer().await);
        put_app(stores, ann, 100, 1).await;
        put_app(stores, ben, 0, 1).await;
        for (step, works) in [
            (100, false),
            (99, false),
            (101, true),
            (101, false),
            (105, true),
        ] {
            assert_eq!(use_step(stores, ann, step).await, works, "{step}");
        }
        let used = join_all((0..8).map(|_| use_step(stores, ann, 200))).await;
        assert_eq!(used.into_iter().filter(|used| *used).count(), 1);
        assert!(use_step(stores, ben, 1).await, "it is another app");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recovery_code_counts_once_for_its_customer_until_there_are_new_ones() {
    for_each_engine(async |stores| {
        let ((ann, _), (ben, _)) = (stores.customer().await, stores.customer().await);
        put_recovery_codes(stores, ann, &["one", "two"]).await;
        assert!(!use_recovery_code(stores, ben, "one").await);
        let used = join_all((0..8).map(|_| use_recovery_code(stores, ann, "one"))).await;
        assert_eq!(used.into_iter().filter(|used| *used).count(), 1);
        assert_eq!(has(stores, ann).await.recovery_codes, 1);
        put_recovery_codes(stores, ann, &["three"]).await;
        assert!(!use_recovery_code(stores, ann, "two").await);
        assert!(use_recovery_code(stores, ann, "three").await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_belongs_to_one_customer() {
    for_each_engine(async |stores| {
        let ((ann, _), (ben, _)) = (stores.customer().await, stores.customer().await);
        assert!(add_passkey(stores, ann, "phone", 1).await);
        assert!(!add_passkey(stores, ben, "phone", 2).await);
        let mut tx = stores.db.read().await.unwrap();
        let found = factors::passkey_of(&mut tx, "hash of phone").await.unwrap();
        assert_eq!(
            found.map(|(whose, key)| (whose, key.passkey_id)),
            Some((ann, "phone".to_owned()))
        );
        let nobodys = factors::passkey_of(&mut tx, "another").await.unwrap();
        assert!(nobodys.is_none());
        drop(tx);
        let others = stores.db.write(move |tx| {
            Box::pin(async move {
                let renamed = factors::rename_passkey(tx, ben, "phone", b"x".to_vec()).await?;
                Ok::<_, fairhold_store::StoreError>((
                    renamed,
                    factors::remove_passkey(tx, ben, "phone").await?,
                ))
            })
        });
        assert_eq!(others.await.unwrap(), (false, false));
    })
    .await;
}

/// Two answers of one passkey at once: one of them was made by a copy.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_uses_that_read_the_same_counter_one_counts() {
    for_each_engine(async |stores| {
        let (ann, _) = stores.customer().await;
        add_passkey(stores, ann, "phone", 1).await;
        let once = || {
            stores.db.write(|tx| {
                Box::pin(async move {
                    factors::note_passkey_use(
                        tx,
                        "phone",
                        b"counter 1",
                        b"counter 2".to_vec(),
                        at(5),
                    )
                    .await
                })
            })
        };
        let used = join_all((0..6).map(|_| once())).await;
        assert_eq!(
            used.into_iter()
                .filter(|used| *used.as_ref().unwrap())
                .count(),
            1
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_added_since_goes_and_what_was_there_before_stays() {
    for_each_engine(async |stores| {
        let ((ann, _), (ben, _)) = (stores.customer().await, stores.customer().await);
        put_app(stores, ann, 0, 10).await;
        add_passkey(stores, ann, "old", 4).await;
        add_passkey(stores, ann, "new", 11).await;
        add_passkey(stores, ben, "bens", 11).await;
        put_recovery_codes(stores, ann, &["one"]).await;
        let since = async |seconds| {
            let remove = stores.db.write(move |tx| {
                Box::pin(async move { factors::remove_added_since(tx, ann, at(seconds)).await })
            });
            remove.await.unwrap();
            has(stores, ann).await
        };
        let (app, passkeys, recovery_codes) = (false, 1, 1);
        assert_eq!(
            since(10).await,
            Factors {
                app,
                passkeys,
                recovery_codes
            }
        );
        assert_eq!(
            since(4).await,
            Factors::default(),
            "no factor, no recovery codes"
        );
        assert_eq!(has(stores, ben).await.passkeys, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_known_to_whom_it_belongs_and_the_oldest_are_forgotten() {
    for_each_engine(async |stores| {
        let ((ann, _), (ben, _)) = (stores.customer().await, stores.customer().await);
        let note = async |whose, device: &str, seconds| {
            let device = device.to_owned();
            let note = stores.db.write(move |tx| {
                Box::pin(async move { known_devices::note(tx, whose, &device, at(seconds)).await })
            });
            note.await.unwrap()
        };
        let any = async |whose| {
            let mut tx = stores.db.read().await.unwrap();
            known_devices::has_any(&mut tx, whose).await.unwrap()
        };
        assert!(!any(ann).await);
        assert!(!note(ann, "phone", 0).await);
        assert!(note(ann, "phone", 1).await);
        assert!(any(ann).await && !any(ben).await);
        assert!(!note(ben, "phone", 1).await);
        for device in 0..20 {
            note(ann, &format!("device {device}"), 2 + device).await;
        }
        assert!(note(ann, "device 0", 50).await);
        assert!(!note(ann, "phone", 51).await, "it was used longest ago");
        let swept = stores
            .db
            .write(|tx| Box::pin(async move { known_devices::sweep(tx, at(50)).await }));
        swept.await.unwrap();
        assert!(!note(ben, "phone", 60).await);
        assert!(note(ann, "phone", 60).await);
    })
    .await;
}
