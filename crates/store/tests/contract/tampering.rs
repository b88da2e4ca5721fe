//! What somebody with the database, but without the keys, does to the chains of looks: it shows.

use fairhold_domain::access::Actor;
use fairhold_domain::ids::CustomerId;
use fairhold_store::looks::{self, Break, BreakKind};
use fairhold_store::{Db, StoreError, Value};

use crate::looks::{append, append_many, checkpoint, look, verify};
use crate::support::{Stores, at, change, for_each_engine, is_refusal, try_change};

/// A customer with five looks.
async fn five_looks(stores: &Stores) -> CustomerId {
    let (ann, _) = stores.customer().await;
    append_many(stores, ann, 5).await;
    assert_eq!(verify(stores).await.breaks, []);
    ann
}

async fn assert_broken(stores: &Stores, customer: CustomerId, seq: i64, what: BreakKind) {
    let expected = Break {
        customer_id: customer.to_string(),
        seq,
        what,
    };
    assert_eq!(verify(stores).await.breaks, [expected]);
}

/// Runs one statement on a chain of five looks, and says where the walk must find it.
async fn tampered(sql: &'static str, seq: i64, what: BreakKind) {
    for_each_engine(async |stores| {
        let ann = five_looks(stores).await;
        append_many(stores, stores.customer().await.0, 2).await;
        assert!(change(&stores.db, sql, vec![ann.into()]).await > 0);
        assert_broken(stores, ann, seq, what).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_body_is_found() {
    let sql = "UPDATE looks SET body = REPLACE(body, 'orders', 'offers') WHERE customer_id = $1 AND seq = 3";
    tampered(sql, 3, BreakKind::Changed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_time_is_found() {
    let sql = "UPDATE looks SET at = at + 1 WHERE customer_id = $1 AND seq = 5";
    tampered(sql, 5, BreakKind::Changed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_middle_is_found() {
    tampered(
        "DELETE FROM looks WHERE customer_id = $1 AND seq IN (2, 3)",
        2,
        BreakKind::Gap,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_start_is_found() {
    tampered(
        "DELETE FROM looks WHERE customer_id = $1 AND seq = 1",
        1,
        BreakKind::Gap,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_tail_is_found() {
    tampered(
        "DELETE FROM looks WHERE customer_id = $1 AND seq > 3",
        4,
        BreakKind::CutTail,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_looks_removed_are_found() {
    tampered(
        "DELETE FROM looks WHERE customer_id = $1",
        1,
        BreakKind::CutTail,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_head_is_found() {
    tampered(
        "DELETE FROM look_heads WHERE customer_id = $1",
        5,
        BreakKind::Head,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_put_before_the_first_is_found() {
    let sql = "INSERT INTO looks (customer_id, seq, at, body, mac) \
               SELECT customer_id, 0, at, body, mac FROM looks WHERE customer_id = $1 AND seq = 1";
    tampered(sql, 1, BreakKind::Changed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_put_after_the_last_is_found() {
    let sql = "INSERT INTO looks (customer_id, seq, at, body, mac) \
               SELECT customer_id, 6, at, body, mac FROM looks WHERE customer_id = $1 AND seq = 5";
    tampered(sql, 6, BreakKind::Changed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_moved_forwards_is_found() {
    tampered(
        "UPDATE look_heads SET seq = 6 WHERE customer_id = $1",
        6,
        BreakKind::CutTail,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_tail_with_the_head_moved_back_is_found() {
    for_each_engine(async |stores| {
        let ann = five_looks(stores).await;
        change(&stores.db, "DELETE FROM looks WHERE customer_id = $1 AND seq > 3", vec![ann.into()]).await;
        let sql = "UPDATE look_heads SET seq = 3, mac = (SELECT mac FROM looks WHERE customer_id = $1 AND seq = 3) \
                   WHERE customer_id = $1";
        change(&stores.db, sql, vec![ann.into()]).await;
        assert_broken(stores, ann, 3, BreakKind::Head).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn swapped_records_are_found() {
    for_each_engine(async |stores| {
        let (ann, _) = stores.customer().await;
        append(stores, ann, at(0), look(Actor::Customer, &["orders"]))
            .await
            .unwrap();
        append(stores, ann, at(1), look(Actor::Customer, &["profile"]))
            .await
            .unwrap();
        append(stores, ann, at(2), look(Actor::Customer, &["offers"]))
            .await
            .unwrap();
        for sql in [
            "UPDATE looks SET seq = 9 WHERE customer_id = $1 AND seq = 3",
            "UPDATE looks SET seq = 3 WHERE customer_id = $1 AND seq = 2",
            "UPDATE looks SET seq = 2 WHERE customer_id = $1 AND seq = 9",
        ] {
            change(&stores.db, sql, vec![ann.into()]).await;
        }
        assert_broken(stores, ann, 2, BreakKind::Changed).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_given_to_somebody_else_is_found() {
    for_each_engine(async |stores| {
        let ann = five_looks(stores).await;
        let ben = stores.new_id();
        for sql in [
            "UPDATE looks SET customer_id = $2 WHERE customer_id = $1",
            "UPDATE look_heads SET customer_id = $2 WHERE customer_id = $1",
        ] {
            change(&stores.db, sql, vec![ann.into(), ben.into()]).await;
        }
        assert_broken(stores, ben, 1, BreakKind::Changed).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_chain_removed_after_a_checkpoint_is_found() {
    for_each_engine(async |stores| {
        let ann = five_looks(stores).await;
        checkpoint(stores).await;
        for sql in [
            "DELETE FROM looks WHERE customer_id = $1",
            "DELETE FROM look_heads WHERE customer_id = $1",
        ] {
            change(&stores.db, sql, vec![ann.into()]).await;
        }
        assert_broken(stores, ann, 1, BreakKind::CutTail).await;
        // A chain that begins anew in its place does not hide it, and the next checkpoint does not forgive it.
        for n in 0..6 {
            append(stores, ann, at(100 + n), look(Actor::Customer, &["orders"]))
                .await
                .unwrap();
        }
        assert_eq!(checkpoint(stores).await, 0);
        assert_broken(stores, ann, 5, BreakKind::Checkpoint).await;
    })
    .await;
}

/// The head of a chain, with everything that an older copy of the database would hold.
async fn head(stores: &Stores, customer: CustomerId) -> Vec<Value> {
    let sql = "SELECT seq, mac, seal FROM look_heads WHERE customer_id = $1";
    let (seq, mac, seal): (i64, Vec<u8>, Vec<u8>) = stores
        .db
        .read()
        .await
        .unwrap()
        .one(sql, [customer.into()])
        .await
        .unwrap();
    vec![customer.into(), seq.into(), mac.into(), seal.into()]
}

async fn put_head_back(db: &Db, head: Vec<Value>) {
    change(
        db,
        "UPDATE look_heads SET seq = $2, mac = $3, seal = $4 WHERE customer_id = $1",
        head,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_state_put_back_after_a_checkpoint_is_found_and_never_forgiven() {
    for_each_engine(async |stores| {
        let (ann, _) = stores.customer().await;
        append_many(stores, ann, 3).await;
        let older = head(stores, ann).await;
        append_many(stores, ann, 2).await;
        checkpoint(stores).await;
        change(
            &stores.db,
            "DELETE FROM looks WHERE customer_id = $1 AND seq > 3",
            vec![ann.into()],
        )
        .await;
        put_head_back(&stores.db, older).await;
        assert_broken(stores, ann, 4, BreakKind::CutTail).await;
        // The chain grows past the checkpoint: keyed and whole in itself, but not the one that was seen.
        for n in 0..4 {
            append(stores, ann, at(100 + n), look(Actor::Customer, &["orders"]))
                .await
                .unwrap();
        }
        assert_broken(stores, ann, 5, BreakKind::Checkpoint).await;
        assert_eq!(
            checkpoint(stores).await,
            0,
            "the false chain became the one that was seen"
        );
        assert_broken(stores, ann, 5, BreakKind::Checkpoint).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_head_alone_is_found_and_takes_no_look() {
    for_each_engine(async |stores| {
        let (ann, _) = stores.customer().await;
        append_many(stores, ann, 3).await;
        let older = head(stores, ann).await;
        append_many(stores, ann, 2).await;
        put_head_back(&stores.db, older).await;
        assert_broken(stores, ann, 5, BreakKind::Head).await;
        assert!(is_refusal(
            &append(stores, ann, at(9), look(Actor::Customer, &["orders"])).await
        ));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_head_takes_no_look_and_no_checkpoint() {
    for_each_engine(async |stores| {
        let ann = five_looks(stores).await;
        let whole = head(stores, ann).await;
        let other = vec![0_u8; 32];
        for (column, value) in [
            (1, Value::from(4)),
            (1, Value::from(0)),
            (2, other.clone().into()),
            (3, other.into()),
        ] {
            let mut changed = whole.clone();
            changed[column] = value;
            put_head_back(&stores.db, changed).await;
            let refused = append(stores, ann, at(9), look(Actor::Customer, &["orders"])).await;
            assert!(
                matches!(refused, Err(StoreError::Seal)),
                "{column}: {refused:?}"
            );
            assert_eq!(checkpoint(stores).await, 0);
        }
        put_head_back(&stores.db, whole).await;
        assert_eq!(
            append(stores, ann, at(9), look(Actor::Customer, &["orders"]))
                .await
                .unwrap(),
            6
        );
        assert_eq!(verify(stores).await.breaks, []);
    })
    .await;
}

const CODES: [(&str, &str); 3] = [
    (
        "SELECT mac FROM looks WHERE customer_id = $1 AND seq = 2",
        "UPDATE looks SET mac = $2 WHERE customer_id = $1 AND seq = 2",
    ),
    (
        "SELECT mac FROM look_heads WHERE customer_id = $1",
        "UPDATE look_heads SET mac = $2 WHERE customer_id = $1",
    ),
    (
        "SELECT seal FROM look_heads WHERE customer_id = $1",
        "UPDATE look_heads SET seal = $2 WHERE customer_id = $1",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_flipped_byte_of_a_code_is_found() {
    for_each_engine(async |stores| {
        let ann = five_looks(stores).await;
        for (read, write) in CODES {
            let (whole,): (Vec<u8>,) = stores
                .db
                .read()
                .await
                .unwrap()
                .one(read, [ann.into()])
                .await
                .unwrap();
            for (index, bit) in flips(whole.len()) {
                let mut flipped = whole.clone();
                flipped[index] ^= bit;
                change(&stores.db, write, vec![ann.into(), flipped.into()]).await;
                assert_eq!(
                    verify(stores).await.breaks.len(),
                    1,
                    "byte {index}: {write}"
                );
            }
            change(&stores.db, write, vec![ann.into(), whole.into()]).await;
        }
        assert_eq!(verify(stores).await.breaks, []);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_flipped_bit_of_a_number_is_found() {
    for_each_engine(async |stores| {
        let ann = five_looks(stores).await;
        for (sql, whole) in [
            (
                "UPDATE looks SET seq = $2 WHERE customer_id = $1 AND seq = $3",
                2,
            ),
            (
                "UPDATE looks SET at = $2 WHERE customer_id = $1 AND at = $3",
                at(1).0,
            ),
            (
                "UPDATE look_heads SET seq = $2 WHERE customer_id = $1 AND seq = $3",
                5,
            ),
        ] {
            for bit in 0..64 {
                let flipped = whole ^ (1_i64 << bit);
                let forth = vec![ann.into(), flipped.into(), whole.into()];
                if is_refusal(&try_change(&stores.db, sql, forth).await) {
                    assert!(
                        (1..=5).contains(&flipped),
                        "only a number that is taken can't be stored"
                    );
                    continue;
                }
                assert_eq!(verify(stores).await.breaks.len(), 1, "bit {bit}: {sql}");
                assert_eq!(
                    change(
                        &stores.db,
                        sql,
                        vec![ann.into(), whole.into(), flipped.into()]
                    )
                    .await,
                    1
                );
            }
        }
        assert_eq!(verify(stores).await.breaks, []);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_flipped_byte_of_a_body_is_found() {
    for_each_engine(async |stores| {
        let ann = five_looks(stores).await;
        let sql = "SELECT body FROM looks WHERE customer_id = $1 AND seq = 2";
        let (whole,): (String,) = stores
            .db
            .read()
            .await
            .unwrap()
            .one(sql, [ann.into()])
            .await
            .unwrap();
        for (index, bit) in flips(whole.len()) {
            let mut flipped = whole.clone().into_bytes();
            flipped[index] ^= bit;
            set_body(stores, ann, flipped).await;
            assert_broken(stores, ann, 2, BreakKind::Changed).await;
        }
        set_body(stores, ann, whole.into_bytes()).await;
        assert_eq!(verify(stores).await.breaks, []);
    })
    .await;
}

/// PostgreSQL stores no bytes that are no text; in SQLite's file they can be put.
async fn set_body(stores: &Stores, customer: CustomerId, body: Vec<u8>) {
    let (sql, body): (&str, Value) = match String::from_utf8(body) {
        Ok(text) => (
            "UPDATE looks SET body = $2 WHERE customer_id = $1 AND seq = 2",
            text.into(),
        ),
        Err(_) if !stores.home.is_sqlite() => return,
        Err(e) => (
            "UPDATE looks SET body = CAST($2 AS TEXT) WHERE customer_id = $1 AND seq = 2",
            e.into_bytes().into(),
        ),
    };
    change(&stores.db, sql, vec![customer.into(), body]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_flipped_byte_of_an_id_is_found() {
    for_each_engine(async |stores| {
        let ann = five_looks(stores).await;
        let whole = ann.to_string();
        for (index, _) in flips(whole.len()) {
            let mut flipped = whole.clone().into_bytes();
            flipped[index] ^= 1;
            let flipped = String::from_utf8(flipped).unwrap();
            for (forth, back) in [
                (
                    "UPDATE looks SET customer_id = $2 WHERE customer_id = $1 AND seq = 2",
                    "UPDATE looks SET customer_id = $1 WHERE customer_id = $2",
                ),
                (
                    "UPDATE look_heads SET customer_id = $2 WHERE customer_id = $1",
                    "UPDATE look_heads SET customer_id = $1 WHERE customer_id = $2",
                ),
            ] {
                let args = vec![ann.into(), flipped.as_str().into()];
                change(&stores.db, forth, args.clone()).await;
                assert_eq!(verify(stores).await.breaks.len(), 2, "byte {index}");
                change(&stores.db, back, args).await;
            }
        }
        assert_eq!(verify(stores).await.breaks, []);
    })
    .await;
}

/// Each byte with one of its bits, in turn.
fn flips(length: usize) -> impl Iterator<Item = (usize, u8)> {
    (0..length).map(|index| (index, 1_u8 << (index % 8)))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_of_unknown_form_is_an_error_and_not_a_page() {
    for_each_engine(async |stores| {
        let ann = five_looks(stores).await;
        change(
            &stores.db,
            "UPDATE looks SET body = '{}' WHERE customer_id = $1 AND seq = 4",
            vec![ann.into()],
        )
        .await;
        let page = looks::page(&mut stores.db.read().await.unwrap(), ann, i64::MAX, 10).await;
        assert!(matches!(page, Err(StoreError::Form)));
    })
    .await;
}
