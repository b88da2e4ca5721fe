//! Customers, addresses, passwords, links in mails, requests at the door.

use fairhold_domain::email::EmailAddress;
use fairhold_domain::ids::CustomerId;
use fairhold_domain::time::Moment;
use fairhold_store::accounts::{self, Account, LinkKind, Request};
use fairhold_store::db::Result;
use fairhold_store::{Db, StoreError};
use futures::future::join_all;

use crate::support::{Stores, at, change, for_each_engine, is_refusal, number};

async fn add(db: &Db, id: CustomerId, hash: &'static str) -> Result<()> {
    db.write(move |tx| Box::pin(async move { accounts::add(tx, id, hash, at(0)).await }))
        .await
}

async fn add_link(db: &Db, token: &'static str, customer: CustomerId, kind: LinkKind) {
    db.write(move |tx| {
        Box::pin(async move {
            let hash = format!("hash of {customer}");
            accounts::add_link(tx, token, customer, &hash, kind, at(0), at(60)).await
        })
    })
    .await
    .unwrap();
}

async fn use_link(db: &Db, token: &'static str, now: Moment) -> Option<(CustomerId, LinkKind)> {
    let used = db
        .write(move |tx| Box::pin(async move { accounts::use_link(tx, token, now).await }))
        .await;
    used.unwrap().map(|link| (link.customer, link.kind))
}

async fn link(stores: &Stores, token: &str, now: Moment) -> Option<(CustomerId, LinkKind)> {
    let link = accounts::link(&mut stores.db.read().await.unwrap(), token, now).await;
    link.unwrap().map(|link| {
        assert_eq!(link.created_at, at(0));
        (link.customer, link.kind)
    })
}

async fn set_password(db: &Db, customer: CustomerId, now: Moment) -> Result<()> {
    db.write(move |tx| {
        Box::pin(async move { accounts::set_password(tx, customer, "a hash", now).await })
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_added_customer_is_found_by_address() {
    for_each_engine(async |stores| {
        let id = stores.new_id();
        add(&stores.db, id, "ann").await.unwrap();
        let mut tx = stores.db.read().await.unwrap();
        assert_eq!(
            accounts::by_address(&mut tx, "ann").await.unwrap(),
            Some(id)
        );
        assert_eq!(accounts::by_address(&mut tx, "ben").await.unwrap(), None);
        let new = Account {
            created_at: at(0),
            proven_at: None,
            last_log_in_at: None,
            password_changed_at: None,
        };
        assert_eq!(accounts::account(&mut tx, id).await.unwrap(), Some(new));
        assert_eq!(
            accounts::account(&mut tx, stores.new_id()).await.unwrap(),
            None
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_belongs_to_one_customer() {
    for_each_engine(async |stores| {
        let (first, second) = (stores.new_id(), stores.new_id());
        add(&stores.db, first, "ann").await.unwrap();
        assert!(is_refusal(&add(&stores.db, second, "ann").await));
        let mut tx = stores.db.read().await.unwrap();
        assert_eq!(
            accounts::by_address(&mut tx, "ann").await.unwrap(),
            Some(first)
        );
        assert_eq!(
            accounts::account(&mut tx, second).await.unwrap(),
            None,
            "half a customer stayed"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_sign_ups_at_once_gets_the_address() {
    for_each_engine(async |stores| {
        let results = join_all((0..8).map(|_| add(&stores.db, stores.new_id(), "ann"))).await;
        assert_eq!(results.iter().filter(|r| r.is_ok()).count(), 1);
        assert_eq!(
            number(&stores.db, "SELECT COUNT(*) FROM customers").await,
            1
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_proves_the_address_once() {
    for_each_engine(async |stores| {
        let id = stores.new_id();
        add(&stores.db, id, "ann").await.unwrap();
        let before = accounts::credentials(&mut stores.db.read().await.unwrap(), "ann")
            .await
            .unwrap()
            .unwrap();
        assert_eq!((before.customer, before.password_hash), (id, None));
        set_password(&stores.db, id, at(10)).await.unwrap();
        set_password(&stores.db, id, at(20)).await.unwrap();
        let mut tx = stores.db.read().await.unwrap();
        let after = accounts::credentials(&mut tx, "ann")
            .await
            .unwrap()
            .unwrap();
        assert_eq!(after.password_hash.as_deref(), Some("a hash"));
        assert!(
            accounts::credentials(&mut tx, "ben")
                .await
                .unwrap()
                .is_none()
        );
        let account = accounts::account(&mut tx, id).await.unwrap().unwrap();
        assert_eq!(
            (account.proven_at, account.password_changed_at),
            (Some(at(10)), Some(at(20)))
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_noted_of_nobody() {
    for_each_engine(async |stores| {
        let nobody = stores.new_id();
        assert!(matches!(
            set_password(&stores.db, nobody, at(0)).await,
            Err(StoreError::Conflict)
        ));
        let noted: Result<Option<Moment>> = stores
            .db
            .write(move |tx| {
                Box::pin(async move { accounts::note_log_in(tx, nobody, "a hash", at(0)).await })
            })
            .await;
        assert!(matches!(noted, Ok(None)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_in_with_the_password_that_stands_is_noted() {
    for_each_engine(async |stores| {
        let (id, _) = stores.customer().await;
        set_password(&stores.db, id, at(3)).await.unwrap();
        let note = async |hash: &'static str, now| {
            let note = stores.db.write(move |tx| {
                Box::pin(async move { accounts::note_log_in(tx, id, hash, now).await })
            });
            note.await.unwrap()
        };
        assert_eq!(note("a hash", at(5)).await, Some(at(3)));
        assert_eq!(
            note("the hash before", at(6)).await,
            None,
            "the password was changed in between"
        );
        let account = accounts::account(&mut stores.db.read().await.unwrap(), id)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(account.last_log_in_at, Some(at(5)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_acts_once_and_ends_the_customers_others_that_set_a_password() {
    for_each_engine(async |stores| {
        let ((ann, _), (ben, _)) = (stores.customer().await, stores.customer().await);
        add_link(&stores.db, "not me", ann, LinkKind::NotMe).await;
        add_link(&stores.db, "first", ann, LinkKind::SignUp).await;
        add_link(&stores.db, "second", ann, LinkKind::Reset).await;
        add_link(&stores.db, "ben's", ben, LinkKind::Reset).await;
        assert_eq!(
            link(stores, "second", at(1)).await,
            Some((ann, LinkKind::Reset)),
            "looking changes nothing"
        );
        assert_eq!(
            use_link(&stores.db, "second", at(1)).await,
            Some((ann, LinkKind::Reset))
        );
        assert_eq!(use_link(&stores.db, "second", at(1)).await, None);
        assert_eq!(use_link(&stores.db, "first", at(1)).await, None);
        assert_eq!(link(stores, "first", at(1)).await, None);
        assert_eq!(
            link(stores, "ben's", at(1)).await,
            Some((ben, LinkKind::Reset))
        );
        assert_eq!(use_link(&stores.db, "never made", at(1)).await, None);
        assert_eq!(
            use_link(&stores.db, "not me", at(1)).await,
            Some((ann, LinkKind::NotMe)),
            "whoever sets a password ends no owner's way to say that it was not them"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_use_a_link_at_once_one_succeeds() {
    for_each_engine(async |stores| {
        let (ann, _) = stores.customer().await;
        add_link(&stores.db, "link", ann, LinkKind::Reset).await;
        let used = join_all((0..12).map(|_| use_link(&stores.db, "link", at(1)))).await;
        assert_eq!(used.iter().flatten().count(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_ends_at_its_time() {
    for_each_engine(async |stores| {
        let (ann, _) = stores.customer().await;
        add_link(&stores.db, "link", ann, LinkKind::Reset).await;
        assert_eq!(link(stores, "link", at(60)).await, None);
        assert_eq!(use_link(&stores.db, "link", at(60)).await, None);
        assert!(link(stores, "link", at(59)).await.is_some());
        let sweep = async |before| {
            stores
                .db
                .write(move |tx| Box::pin(async move { accounts::sweep_links(tx, before).await }))
                .await
        };
        assert_eq!(sweep(at(60)).await.unwrap(), 0);
        assert_eq!(sweep(at(61)).await.unwrap(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_kept_until_it_is_removed() {
    for_each_engine(async |stores| {
        let add = stores.db.write(|tx| {
            Box::pin(async move {
                accounts::add_request(tx, "r1", Request::SignUp, vec![0, 255], at(0)).await
            })
        });
        add.await.unwrap();
        let kept = accounts::request(&mut stores.db.read().await.unwrap(), "r1")
            .await
            .unwrap();
        assert_eq!(kept, Some((Request::SignUp, vec![0, 255])));
        let remove = async || {
            stores
                .db
                .write(|tx| Box::pin(async { accounts::remove_request(tx, "r1").await }))
                .await
        };
        assert!(remove().await.unwrap());
        assert!(!remove().await.unwrap());
        assert_eq!(
            accounts::request(&mut stores.db.read().await.unwrap(), "r1")
                .await
                .unwrap(),
            None
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_so_many_requests_wait_at_the_door() {
    for_each_engine(async |stores| {
        let fill = stores.db.write(|tx| {
            Box::pin(async move {
                for n in 0..accounts::MOST_REQUESTS {
                    let sql = "INSERT INTO address_requests (request_id, kind, sealed, created_at) VALUES ($1, 'reset', $2, 0)";
                    tx.execute(sql, [format!("r{n}").as_str().into(), vec![1].into()]).await?;
                }
                Ok::<(), StoreError>(())
            })
        });
        fill.await.unwrap();
        let one_more = async || {
            let add = stores.db.write(|tx| {
                Box::pin(async {
                    accounts::add_request(tx, "more", Request::Reset, vec![1], at(1)).await
                })
            });
            add.await
        };
        assert!(matches!(one_more().await, Err(StoreError::Busy)));
        let answered = stores
            .db
            .write(|tx| Box::pin(async { accounts::remove_request(tx, "r0").await }));
        assert!(answered.await.unwrap());
        one_more().await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_nobody_answers_is_swept() {
    for_each_engine(async |stores| {
        for (id, seconds) in [("old", 0), ("new", 5)] {
            let add = stores.db.write(move |tx| {
                Box::pin(async move {
                    accounts::add_request(tx, id, Request::SignUp, vec![1], at(seconds)).await
                })
            });
            add.await.unwrap();
        }
        let sweep = stores
            .db
            .write(|tx| Box::pin(async { accounts::sweep_requests(tx, at(5)).await }));
        assert_eq!(sweep.await.unwrap(), 1);
        let mut tx = stores.db.read().await.unwrap();
        assert!(accounts::request(&mut tx, "new").await.unwrap().is_some());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_never_proved_is_swept_and_nobody_else() {
    for_each_engine(async |stores| {
        let ((ann, _), (ben, _)) = (stores.customer().await, stores.customer().await);
        add_link(&stores.db, "ann's", ann, LinkKind::SignUp).await;
        set_password(&stores.db, ben, at(1)).await.unwrap();
        let never = async |before| {
            accounts::never_proven(&mut stores.db.read().await.unwrap(), before, at(60), 10)
                .await
                .unwrap()
        };
        assert_eq!(never(at(0)).await, []);
        assert_eq!(never(at(1)).await, [ann]);
        let mut tx = stores.db.read().await.unwrap();
        let early = accounts::never_proven(&mut tx, at(1), at(59), 10).await;
        assert_eq!(early.unwrap(), [], "the link still works");
        drop(tx);
        let remove = async |id, now| {
            let removed = stores
                .db
                .write(move |tx| {
                    Box::pin(async move { accounts::remove_never_proven(tx, id, now).await })
                })
                .await;
            removed.unwrap()
        };
        assert!(!remove(ann, at(59)).await, "the link still works");
        assert!(remove(ann, at(60)).await);
        assert!(!remove(ben, at(60)).await);
        for table in [
            "SELECT COUNT(*) FROM address_hashes",
            "SELECT COUNT(*) FROM customers",
        ] {
            assert_eq!(number(&stores.db, table).await, 1, "{table}");
        }
        assert_eq!(
            number(&stores.db, "SELECT COUNT(*) FROM mail_links").await,
            0
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stored_id_that_is_none_is_an_error() {
    for_each_engine(async |stores| {
        let (id, _) = stores.customer().await;
        change(
            &stores.db,
            "UPDATE customers SET created_at = 0 WHERE customer_id = $1",
            vec![id.into()],
        )
        .await;
        change(
            &stores.db,
            "INSERT INTO customers (customer_id, created_at) VALUES ('no id', 0)",
            vec![],
        )
        .await;
        let read =
            accounts::never_proven(&mut stores.db.read().await.unwrap(), at(0), at(0), 10).await;
        assert!(matches!(read, Err(StoreError::Form)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_are_looked_up_by_a_keyed_hash() {
    for_each_engine(async |stores| {
        let address = EmailAddress::parse("Ann@example.com").unwrap();
        let key = &stores.keys.portal().addresses;
        let hash = accounts::address_hash(key, &address);
        assert_eq!(
            hash,
            accounts::address_hash(key, &EmailAddress::parse("ann@example.com").unwrap())
        );
        assert_ne!(
            hash,
            accounts::address_hash(&stores.keys.portal().looks, &address)
        );
        assert!(!hash.contains("ann"));
    })
    .await;
}
