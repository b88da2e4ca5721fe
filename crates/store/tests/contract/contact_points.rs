//! Contact points: one holder each, codes that end, and addresses that are given back.

use fairhold_domain::contact_point::Kind;
use fairhold_domain::ids::CustomerId;
use fairhold_store::accounts::{self, LinkKind};
use fairhold_store::contact_points::{self, NewContact, StoredContact};
use fairhold_store::{StoreError, Tx, links};

use crate::support::{Stores, at, for_each_engine};

fn contact(id: &str, hash: &str) -> NewContact {
    NewContact {
        contact_id: id.to_owned(),
        contact_hash: hash.to_owned(),
        kind: Kind::Email,
        sealed: b"sealed".to_vec(),
    }
}

/// Adds a contact point at a second, and proves it.
async fn hold(tx: &mut Tx, who: CustomerId, id: &str, hash: &str, second: i64) {
    let new = contact(id, hash);
    contact_points::add(tx, who, &new, at(second))
        .await
        .unwrap();
    contact_points::prove(tx, who, id, at(second))
        .await
        .unwrap();
}

async fn ids(stores: &Stores, who: CustomerId) -> Vec<String> {
    let mut tx = stores.db.read().await.unwrap();
    let all = contact_points::of(&mut tx, who).await.unwrap();
    all.into_iter().map(|c| c.contact_id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_customer_holds_a_contact_point_and_another_can_only_wait_for_it() {
    for_each_engine(async |stores| {
        let ((ann, _), (ben, _)) = (stores.customer().await, stores.customer().await);
        let write = stores.db.write(move |tx| {
            Box::pin(async move {
                hold(tx, ann, "a", "hash", 1).await;
                let again = contact_points::add(tx, ann, &contact("b", "hash"), at(2)).await;
                assert!(
                    matches!(again, Err(StoreError::Conflict)),
                    "once a customer"
                );
                contact_points::add(tx, ben, &contact("c", "hash"), at(2)).await?;
                assert_eq!(contact_points::holder(tx, "hash").await?, Some(ann));
                contact_points::note_right(tx, ben, "c", at(3)).await
            })
        });
        write.await.unwrap();
        let taken = stores.db.write(move |tx| {
            Box::pin(async move { contact_points::prove(tx, ben, "c", at(4)).await })
        });
        taken.await.unwrap_err();
        let moved = stores.db.write(move |tx| {
            Box::pin(async move {
                assert_eq!(contact_points::let_go(tx, "hash").await?, Some(ann));
                assert_eq!(contact_points::let_go(tx, "hash").await?, None);
                contact_points::prove(tx, ben, "c", at(4)).await?;
                contact_points::holder(tx, "hash").await
            })
        });
        assert_eq!(moved.await.unwrap(), Some(ben));
        assert_eq!(ids(stores, ann).await, [""; 0]);
        let mut tx = stores.db.read().await.unwrap();
        let bens = contact_points::one(&mut tx, ben, "c")
            .await
            .unwrap()
            .unwrap();
        assert_eq!((bens.proven_at, bens.right_at), (Some(at(4)), None));
        assert_eq!(contact_points::one(&mut tx, ann, "c").await.unwrap(), None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_has_so_many_tries_and_so_much_time() {
    for_each_engine(async |stores| {
        let (ann, _) = stores.customer().await;
        let write = stores.db.write(move |tx| {
            Box::pin(async move {
                contact_points::add(tx, ann, &contact("a", "hash"), at(0)).await?;
                let stored = contact_points::one(tx, ann, "a").await?.unwrap();
                assert_eq!(
                    contact_points::take_try(tx, ann, "a", 2, at(0)).await?,
                    None
                );
                contact_points::put_code(tx, ann, &stored, "1", "first", at(10)).await?;
                let first = Some("first".to_owned());
                let tries = async |tx: &mut Tx, since| {
                    contact_points::take_try(tx, ann, "a", 2, at(since))
                        .await
                        .unwrap()
                };
                assert_eq!(tries(tx, 10).await, None, "too old");
                assert_eq!(tries(tx, 9).await, first);
                assert_eq!(tries(tx, 9).await, first);
                assert_eq!(tries(tx, 9).await, None, "no try is left");
                contact_points::put_code(tx, ann, &stored, "2", "second", at(11)).await?;
                assert_eq!(tries(tx, 9).await, Some("second".to_owned()));
                let sent = async |tx: &mut Tx, hash: &str, since| {
                    let contact = StoredContact {
                        contact_hash: hash.to_owned(),
                        ..stored.clone()
                    };
                    let sent = contact_points::codes_since(tx, ann, &contact, at(since));
                    let sent = sent.await.unwrap();
                    assert_eq!(
                        (sent.by_customer_here, sent.of_kind),
                        (sent.here, sent.by_customer)
                    );
                    (sent.by_customer, sent.here)
                };
                assert_eq!(sent(tx, "hash", 0).await, (2, 2));
                assert_eq!(sent(tx, "hash", 10).await, (1, 1));
                assert_eq!(sent(tx, "other", 0).await, (2, 0));
                contact_points::prove(tx, ann, "a", at(12)).await?;
                assert_eq!(tries(tx, 9).await, None, "it has ended");
                let late = contact_points::put_code(tx, ann, &stored, "3", "third", at(13)).await;
                assert!(matches!(late, Err(StoreError::Conflict)), "it is proven");
                contact_points::sweep(tx, at(11), at(0)).await?;
                assert_eq!(sent(tx, "hash", 0).await, (1, 1));
                Ok::<(), StoreError>(())
            })
        });
        write.await.unwrap();
        assert_eq!(ids(stores, ann).await, ["a"], "what is proven stays");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_address_is_given_back_with_all_that_came_after() {
    for_each_engine(async |stores| {
        let (ann, key) = stores.customer().await;
        let own = format!("hash of {ann}");
        let (first, random) = (own.clone(), stores.random.clone());
        let write = stores.db.write(move |tx| {
            Box::pin(async move {
                let link = links::Link {
                    dataset: "shop".to_owned(),
                    checked_at: at(1),
                    keys: Vec::new(),
                };
                links::put(tx, &key, &*random, ann, &link).await?;
                links::forget(tx, ann).await?;
                assert!(links::of(tx, &key, ann).await?.is_empty());
                hold(tx, ann, "phone", "number", 1).await;
                hold(tx, ann, "b", "second", 2).await;
                let unproven = contact("c", "third");
                contact_points::add(tx, ann, &unproven, at(2)).await?;
                let old = contact("old-1", &first);
                let change = async |tx: &mut Tx, old: &NewContact, new: &str, second| {
                    let sealed = old.contact_id.clone().into_bytes();
                    contact_points::change_log_in_address(tx, ann, old, new, sealed, at(second))
                        .await
                };
                let unproven = change(tx, &old, "third", 3).await;
                assert!(matches!(unproven, Err(StoreError::Conflict)));
                change(tx, &old, "second", 3).await?;
                assert_eq!(accounts::by_address(tx, "second").await?, Some(ann));
                assert_eq!(accounts::by_address(tx, &first).await?, None);
                assert_eq!(contact_points::holder(tx, &first).await?, Some(ann));
                assert_eq!(contact_points::left_by(tx, &first, at(2)).await?, Some(ann));
                assert_eq!(contact_points::left_by(tx, &first, at(3)).await?, None);
                hold(tx, ann, "d", "fourth", 4).await;
                // Changes are taken back in their order, so none is written down before one that stands.
                let before = change(tx, &contact("old-2", "second"), "fourth", 3).await;
                assert!(matches!(before, Err(StoreError::Conflict)));
                change(tx, &contact("old-2", "second"), "fourth", 5).await?;
                let told = async |tx: &mut Tx, second| {
                    let an_hour_ago = at(second - 3600);
                    contact_points::note_told(tx, ann, &first, an_hour_ago, at(second))
                        .await
                        .unwrap()
                };
                assert_eq!(told(tx, 6).await, Some(at(3)));
                assert_eq!(told(tx, 7).await, None, "told already");
                assert_eq!(told(tx, 6 + 3600).await, Some(at(3)));
                for (token, hash, second) in [
                    ("before", first.as_str(), 2),
                    ("after", first.as_str(), 3),
                    // The thief's clock goes wrong, or their mail is late.
                    ("thief's", "fourth", 2),
                ] {
                    let kind = LinkKind::NotMe;
                    accounts::add_link(tx, token, ann, hash, kind, at(second), at(100)).await?;
                }
                assert_eq!(
                    contact_points::take_back_changes(tx, ann, at(6), "fourth").await?,
                    None
                );
                let given = contact_points::take_back_changes(tx, ann, at(3), "fourth").await?;
                assert_eq!(given, Some(b"old-1".to_vec()));
                assert_eq!(accounts::by_address(tx, &first).await?, Some(ann));
                assert_eq!(accounts::by_address(tx, "fourth").await?, None);
                assert!(accounts::link(tx, "before", at(10)).await?.is_some());
                assert!(accounts::link(tx, "after", at(10)).await?.is_none());
                assert!(accounts::link(tx, "thief's", at(10)).await?.is_none());
                assert!(accounts::use_link(tx, "thief's", at(10)).await?.is_none());
                Ok::<(), StoreError>(())
            })
        });
        write.await.unwrap();
        assert_eq!(ids(stores, ann).await, ["phone", "c"]);
    })
    .await;
}
