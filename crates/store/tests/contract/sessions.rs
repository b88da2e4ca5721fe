//! Sessions.

use fairhold_domain::ids::CustomerId;
use fairhold_store::StoreError;
use fairhold_store::sessions::{self, Kept, StoredSession, Whose};

use crate::support::{Stores, at, for_each_engine};

fn kept(whose: Option<CustomerId>, token: &str, sealed: &str) -> Kept {
    Kept {
        whose: whose.map(|customer| Whose {
            customer,
            session_id: format!("id of {token}"),
            device: b"a phone".to_vec(),
        }),
        sealed: sealed.into(),
    }
}

async fn add(
    stores: &Stores,
    token: &'static str,
    customer: Option<CustomerId>,
    ends: i64,
) -> bool {
    let add = stores.db.write(move |tx| {
        Box::pin(async move {
            sessions::add(tx, token, at(0), at(ends), kept(customer, token, token)).await
        })
    });
    add.await.unwrap()
}

async fn save(stores: &Stores, token: &'static str, customer: Option<CustomerId>) -> bool {
    let save = stores.db.write(move |tx| {
        Box::pin(async move {
            sessions::save(tx, token, at(2), at(90), kept(customer, token, "saved")).await
        })
    });
    save.await.unwrap()
}

async fn get(stores: &Stores, token: &str) -> Option<StoredSession> {
    sessions::get(&mut stores.db.read().await.unwrap(), token)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_kept_and_its_token_is_taken() {
    for_each_engine(async |stores| {
        assert!(add(stores, "one", None, 60).await);
        let other = stores.db.write(|tx| {
            Box::pin(async move {
                sessions::add(tx, "one", at(5), at(70), kept(None, "one", "other")).await
            })
        });
        assert!(!other.await.unwrap(), "a taken token was given again");
        let kept = get(stores, "one").await.unwrap();
        assert_eq!(
            (kept.created_at, kept.last_seen_at, kept.expires_at),
            (at(0).0, at(0).0, at(60).0)
        );
        assert_eq!(kept.sealed, b"one");
        assert!(get(stores, "two").await.is_none());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn saving_changes_a_session_and_brings_none_back() {
    for_each_engine(async |stores| {
        let (ann, _) = stores.customer().await;
        add(stores, "one", None, 60).await;
        assert!(save(stores, "one", Some(ann)).await);
        let saved = get(stores, "one").await.unwrap();
        assert_eq!(
            (saved.created_at, saved.last_seen_at, saved.expires_at),
            (at(0).0, at(2).0, at(90).0)
        );
        assert_eq!(saved.sealed, b"saved");
        stores
            .db
            .write(|tx| Box::pin(async { sessions::remove(tx, "one").await }))
            .await
            .unwrap();
        assert!(!save(stores, "one", Some(ann)).await);
        assert!(get(stores, "one").await.is_none());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_sessions_of_a_customer_end_at_once() {
    for_each_engine(async |stores| {
        let ((ann, _), (ben, _)) = (stores.customer().await, stores.customer().await);
        add(stores, "ann's", Some(ann), 60).await;
        add(stores, "became ann's", None, 60).await;
        save(stores, "became ann's", Some(ann)).await;
        add(stores, "ben's", Some(ben), 60).await;
        add(stores, "nobody's", None, 60).await;
        let remove = stores
            .db
            .write(move |tx| Box::pin(async move { sessions::remove_all(tx, ann).await }));
        assert_eq!(remove.await.unwrap(), 2);
        assert!(get(stores, "ann's").await.is_none());
        assert!(get(stores, "ben's").await.is_some());
        assert!(get(stores, "nobody's").await.is_some());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ended_and_idle_sessions_are_swept() {
    for_each_engine(async |stores| {
        for token in ["used", "idle"] {
            add(stores, token, None, 60).await;
        }
        add(stores, "ended", None, 29).await;
        for token in ["used", "ended"] {
            let touch = stores
                .db
                .write(move |tx| Box::pin(async move { sessions::touch(tx, token, at(20)).await }));
            touch.await.unwrap();
        }
        assert_eq!(get(stores, "used").await.unwrap().last_seen_at, at(20).0);
        let sweep = stores
            .db
            .write(|tx| Box::pin(async { sessions::sweep(tx, at(30), at(10)).await }));
        assert_eq!(sweep.await.unwrap(), 2);
        assert!(get(stores, "used").await.is_some());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_sees_and_ends_their_own_sessions_alone() {
    for_each_engine(async |stores| {
        let ((ann, _), (ben, _)) = (stores.customer().await, stores.customer().await);
        for (token, whose, ends) in [
            ("phone", ann, 60),
            ("laptop", ann, 60),
            ("ended", ann, 29),
            ("ben's", ben, 60),
        ] {
            add(stores, token, Some(whose), ends).await;
        }
        for (token, used) in [("phone", 20), ("laptop", 25), ("ended", 28), ("ben's", 25)] {
            let touch = stores.db.write(move |tx| {
                Box::pin(async move { sessions::touch(tx, token, at(used)).await })
            });
            touch.await.unwrap();
        }
        let listed = async |idle_since| {
            let mut tx = stores.db.read().await.unwrap();
            let own = sessions::of_customer(&mut tx, ann, at(30), at(idle_since)).await;
            let own = own.unwrap().into_iter();
            own.map(|s| s.session_id).collect::<Vec<_>>()
        };
        assert_eq!(listed(0).await, ["id of laptop", "id of phone"]);
        assert_eq!(listed(20).await, ["id of laptop"], "the other is idle");

        let remove = async |name: &'static str| {
            let remove = stores.db.write(move |tx| {
                Box::pin(async move { sessions::remove_one(tx, ann, name).await })
            });
            remove.await.unwrap()
        };
        assert!(!remove("id of ben's").await, "it is not hers");
        assert!(remove("id of phone").await);
        assert!(!remove("id of phone").await);
        assert!(get(stores, "phone").await.is_none());

        let others = stores.db.write(move |tx| {
            Box::pin(async move { sessions::remove_others(tx, ann, "id of laptop").await })
        });
        assert_eq!(others.await.unwrap(), 1, "the one that has ended");
        assert!(get(stores, "laptop").await.is_some());
        assert!(get(stores, "ben's").await.is_some());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_so_many_sessions_of_strangers_stand_and_no_customer_minds() {
    for_each_engine(async |stores| {
        let (ann, _) = stores.customer().await;
        let fill = stores.db.write(|tx| {
            Box::pin(async move {
                let sql = "INSERT INTO sessions (token_hash, created_at, last_seen_at, expires_at, sealed) \
                           WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1) \
                           SELECT 'stranger ' || i, $2, $2, $3, $4 FROM n";
                let most = sessions::MOST_OF_STRANGERS;
                let args = [most.into(), at(0).into(), at(60).into(), vec![1].into()];
                tx.execute(sql, args).await
            })
        });
        fill.await.unwrap();
        let add_at = async |token: &'static str, customer, seconds| {
            let add = stores.db.write(move |tx| {
                Box::pin(async move {
                    let kept = kept(customer, token, token);
                    sessions::add(tx, token, at(seconds), at(90), kept).await
                })
            });
            add.await
        };
        assert!(matches!(add_at("one more", None, 1).await, Err(StoreError::Busy)));
        assert!(add_at("ann's", Some(ann), 1).await.unwrap());
        assert!(add_at("one more", None, 60).await.unwrap(), "the others have ended");
    })
    .await;
}
