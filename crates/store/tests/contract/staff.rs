//! The staff: their way in, and the record of decisions.

use fairhold_domain::email::EmailAddress;
use fairhold_domain::ids::StaffId;
use fairhold_domain::policy::{Action, Decider, Decision, Role};
use fairhold_store::looks::{self, BreakKind};
use fairhold_store::{decisions, staff};

use crate::support::{Stores, at, change, for_each_engine};

async fn invited(stores: &Stores, address: &str, role: Role) -> StaffId {
    let id = StaffId(stores.new_id().0);
    let address = EmailAddress::parse(address).unwrap();
    let key = stores.keys.portal().staff();
    let hash = staff::address_hash(&key, &address);
    let sealed = staff::seal_address(&key, &*stores.random, id, &address).unwrap();
    let link = format!("link of {id}");
    stores
        .db
        .write(move |tx| {
            Box::pin(async move {
                staff::invite(tx, id, &hash, sealed, role, at(0)).await?;
                staff::add_link(tx, &link, id, b"token".to_vec(), at(0), at(100)).await
            })
        })
        .await
        .unwrap();
    id
}

async fn accept(stores: &Stores, id: StaffId, seconds: i64) -> bool {
    let link = format!("link of {id}");
    let accept = stores.db.write(move |tx| {
        Box::pin(
            async move { staff::accept(tx, &link, id, "hash", b"app".to_vec(), at(seconds)).await },
        )
    });
    accept.await.unwrap()
}

async fn log_in(stores: &Stores, id: StaffId, token: &'static str, checked: &'static str) -> bool {
    let add = stores.db.write(move |tx| {
        Box::pin(async move { staff::add_session(tx, token, id, checked, at(5), at(50)).await })
    });
    add.await.unwrap()
}

async fn session(stores: &Stores, token: &str) -> Option<staff::StaffSession> {
    let mut tx = stores.db.read().await.unwrap();
    staff::session(&mut tx, token).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_is_found_by_the_address_and_works_once() {
    for_each_engine(async |stores| {
        let niamh = invited(stores, "Niamh@example.com", Role::Support).await;
        let key = stores.keys.portal().staff();
        let mut tx = stores.db.read().await.unwrap();
        let hash = staff::address_hash(&key, &EmailAddress::parse("niamh@example.com").unwrap());
        let found = staff::by_address(&mut tx, &hash).await.unwrap().unwrap();
        assert_eq!((found.id, found.role), (niamh, Role::Support));
        let address = staff::open_address(&key, niamh, &found.sealed).unwrap();
        assert_eq!(address, "niamh@example.com");
        let other = StaffId(stores.new_id().0);
        assert!(staff::open_address(&key, other, &found.sealed).is_err());
        let link = format!("link of {niamh}");
        let at_second = async |seconds| {
            let mut tx = stores.db.read().await.unwrap();
            staff::link(&mut tx, &link, at(seconds)).await.unwrap()
        };
        assert_eq!(at_second(99).await, Some(niamh));
        assert_eq!(at_second(100).await, None, "it has ended");
        drop(tx);
        assert!(!accept(stores, niamh, 100).await, "it has ended");
        assert!(accept(stores, niamh, 99).await);
        assert!(!accept(stores, niamh, 99).await, "it was used");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_needs_the_password_that_stands_and_a_second_step_gives_it_another_token() {
    for_each_engine(async |stores| {
        let niamh = invited(stores, "niamh@example.com", Role::Support).await;
        assert!(
            !log_in(stores, niamh, "early", "hash").await,
            "not accepted"
        );
        accept(stores, niamh, 1).await;
        assert!(!log_in(stores, niamh, "wrong", "another hash").await);
        assert!(log_in(stores, niamh, "half", "hash").await);
        assert!(!session(stores, "half").await.unwrap().proven);
        let prove = async |token: &'static str| {
            let prove = stores.db.write(move |tx| {
                Box::pin(
                    async move { staff::prove_session(tx, token, "whole", at(6), at(90)).await },
                )
            });
            prove.await.unwrap()
        };
        assert!(prove("half").await);
        assert!(!prove("half").await, "the old token is gone");
        assert!(!prove("whole").await, "it was taken");
        assert!(session(stores, "half").await.is_none());
        let whole = session(stores, "whole").await.unwrap();
        assert_eq!((whole.proven, whole.expires_at), (true, at(90)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_counts_once_and_shows_that_the_app_is_set_up() {
    for_each_engine(async |stores| {
        let niamh = invited(stores, "niamh@example.com", Role::Support).await;
        let use_step = async |step| {
            let used = stores.db.write(move |tx| {
                Box::pin(async move { staff::use_step(tx, niamh, step, at(step)).await })
            });
            used.await.unwrap()
        };
        assert!(!use_step(7).await, "there is no app");
        accept(stores, niamh, 1).await;
        assert!(use_step(7).await);
        assert!(!use_step(7).await, "used before");
        assert!(!use_step(6).await, "older than one that was used");
        assert!(use_step(8).await);
        let mut tx = stores.db.read().await.unwrap();
        let stored = staff::get(&mut tx, niamh).await.unwrap().unwrap();
        assert_eq!(stored.app_proven_at, Some(at(7)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn to_revoke_or_to_give_another_role_ends_their_sessions_and_nobody_elses() {
    for_each_engine(async |stores| {
        let ids = [
            invited(stores, "a@example.com", Role::Administrator).await,
            invited(stores, "b@example.com", Role::Administrator).await,
            invited(stores, "c@example.com", Role::Support).await,
        ];
        for (id, token) in ids.into_iter().zip(["a", "b", "c"]) {
            accept(stores, id, 1).await;
            assert!(log_in(stores, id, token, "hash").await);
        }
        let [first, second, third] = ids;
        let write = async |what: i32| {
            let done = stores.db.write(move |tx| {
                Box::pin(async move {
                    match what {
                        0 => staff::set_role(tx, first, Role::Marketing).await,
                        1 => staff::revoke(tx, third, at(9)).await,
                        _ => Ok(staff::hold_role(tx, Role::Administrator).await? == 1),
                    }
                })
            });
            done.await.unwrap()
        };
        assert!(write(0).await);
        assert!(write(1).await);
        assert!(!write(1).await, "there was no way in any more");
        assert!(write(2).await, "one administrator is left");
        assert!(session(stores, "a").await.is_none());
        assert!(session(stores, "b").await.is_some());
        assert!(session(stores, "c").await.is_none());
        assert!(!log_in(stores, third, "again", "hash").await);
        let mut tx = stores.db.read().await.unwrap();
        let roles: Vec<_> = staff::all(&mut tx).await.unwrap();
        let roles: Vec<_> = roles.iter().map(|s| (s.id, s.role)).collect();
        assert!(
            roles.contains(&(first, Role::Marketing))
                && roles.contains(&(second, Role::Administrator))
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn decisions_are_a_chain_that_a_change_breaks() {
    for_each_engine(async |stores| {
        let decision = |allowed| Decision {
            by: Decider::Operator,
            action: Action::InviteStaff,
            allowed,
            about: Some("somebody".to_owned()),
            role: Some(Role::Support),
        };
        for allowed in [true, false] {
            let key = stores.keys.portal().looks.clone();
            let append = stores.db.write(move |tx| {
                Box::pin(async move { decisions::append(tx, &key, at(1), &decision(allowed)).await })
            });
            append.await.unwrap();
        }
        let mut tx = stores.db.read().await.unwrap();
        let page = decisions::page(&mut tx, i64::MAX, 10).await.unwrap();
        let page: Vec<_> = page.iter().map(|r| (r.seq, r.decision.allowed)).collect();
        assert_eq!(page, [(2, false), (1, true)]);
        drop(tx);
        let walk = looks::verify(&stores.db, &stores.keys).await.unwrap();
        assert_eq!((walk.looks, walk.breaks), (2, Vec::new()));
        let sql = "UPDATE looks SET body = REPLACE(body, 'false', 'true') WHERE customer_id = 'decisions' AND seq = 2";
        assert_eq!(change(&stores.db, sql, Vec::new()).await, 1);
        let walk = looks::verify(&stores.db, &stores.keys).await.unwrap();
        let found = walk.breaks.first().unwrap();
        assert_eq!((found.customer_id.as_str(), found.seq), (decisions::CHAIN, 2));
        assert_eq!(found.what, BreakKind::Changed);
    })
    .await;
}
