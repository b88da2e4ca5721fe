//! Copies of a customer's data: a try counts only while the row names its file.

use fairhold_domain::access::Seen;
use fairhold_domain::export::{KEPT_SECONDS, Wanted};
use fairhold_domain::ids::CustomerId;
use fairhold_store::db::Result;
use fairhold_store::exports::{self, Export, Finished, State};
use fairhold_store::jobs;
use futures::future::BoxFuture;

use crate::support::{Stores, at, for_each_engine};

async fn write<T: Send + 'static>(
    stores: &Stores,
    piece: impl for<'t> FnOnce(&'t mut fairhold_store::Tx) -> BoxFuture<'t, Result<T>> + Send + 'static,
) -> T {
    stores.db.write(piece).await.unwrap()
}

async fn add(stores: &Stores, id: CustomerId, name: &'static str, wanted: Wanted, seconds: i64) {
    write(stores, move |tx| {
        Box::pin(async move { exports::add(tx, id, name, &wanted, at(seconds)).await })
    })
    .await;
}

async fn begin(stores: &Stores, id: CustomerId, name: &'static str, file: &'static str) -> bool {
    write(stores, move |tx| {
        Box::pin(async move { exports::begin(tx, id, name, file).await })
    })
    .await
}

async fn progress(stores: &Stores, id: CustomerId, name: &'static str, file: &'static str) -> bool {
    write(stores, move |tx| {
        Box::pin(async move { exports::progress(tx, id, name, file, (3, 7)).await })
    })
    .await
}

fn finished() -> Finished {
    Finished {
        rows: 7,
        bytes: 1_234,
        seen: vec![Seen::all("shop", "orders")],
        missing: vec!["news".to_owned()],
    }
}

async fn finish(stores: &Stores, id: CustomerId, name: &'static str, file: &'static str) -> bool {
    write(stores, move |tx| {
        Box::pin(async move { exports::finish(tx, id, name, file, &finished(), at(50)).await })
    })
    .await
}

async fn get(stores: &Stores, id: CustomerId, name: &str) -> Option<Export> {
    exports::get(&mut stores.db.read().await.unwrap(), id, name)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_goes_from_asked_to_ready() {
    for_each_engine(async |stores| {
        let (id, _) = stores.customer().await;
        let (other, _) = stores.customer().await;
        add(stores, id, "a", Wanted::Dataset("shop".to_owned()), 1).await;
        add(stores, id, "b", Wanted::Everything, 2).await;
        let all = exports::of(&mut stores.db.read().await.unwrap(), id)
            .await
            .unwrap();
        let names: Vec<_> = all.iter().map(|e| e.export_id.as_str()).collect();
        assert_eq!(names, ["b", "a"], "newest first");
        assert_eq!(
            (all[1].state, &all[1].wanted),
            (State::Waiting, &Wanted::Dataset("shop".to_owned()))
        );
        assert_eq!(get(stores, other, "a").await, None);

        assert!(begin(stores, id, "a", "f1").await);
        assert!(progress(stores, id, "a", "f1").await);
        let known = get(stores, id, "a").await.unwrap();
        assert_eq!(
            (known.state, known.rows_done, known.rows_expected),
            (State::Working, 3, Some(7))
        );
        assert!(finish(stores, id, "a", "f1").await);
        let ready = get(stores, id, "a").await.unwrap();
        assert_eq!(
            (ready.state, ready.bytes, ready.rows_done),
            (State::Ready, 1_234, 7)
        );
        assert_eq!(
            (&ready.seen, &ready.missing),
            (&finished().seen, &finished().missing)
        );
        assert_eq!(
            (ready.ready_at, ready.expires_at),
            (Some(at(50)), at(50).plus_seconds(KEPT_SECONDS))
        );
        assert!(
            !begin(stores, id, "a", "f2").await,
            "a copy that is ready is not made again"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_tries_the_later_one_counts_and_none_after_it_was_called_off() {
    for_each_engine(async |stores| {
        let (id, _) = stores.customer().await;
        add(stores, id, "a", Wanted::Everything, 1).await;
        assert!(begin(stores, id, "a", "f1").await);
        assert!(begin(stores, id, "a", "f2").await);
        assert!(!progress(stores, id, "a", "f1").await && !finish(stores, id, "a", "f1").await);
        assert!(finish(stores, id, "a", "f2").await);
        assert!(!finish(stores, id, "a", "f2").await, "only once");

        add(stores, id, "b", Wanted::Everything, 1).await;
        assert!(begin(stores, id, "b", "f3").await);
        let cancel = async || {
            write(stores, move |tx| {
                Box::pin(async move { exports::cancel(tx, id, "b").await })
            })
            .await
        };
        assert!(cancel().await && !cancel().await);
        assert!(!progress(stores, id, "b", "f3").await && !finish(stores, id, "b", "f3").await);
        assert!(!begin(stores, id, "b", "f4").await);

        add(stores, id, "c", Wanted::Everything, 1).await;
        write(stores, move |tx| {
            Box::pin(async move { exports::fail(tx, id, "c", "failed").await })
        })
        .await;
        let failed = get(stores, id, "c").await.unwrap();
        assert_eq!(
            (failed.state, failed.failure.as_deref()),
            (State::Failed, Some("failed"))
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_goes_and_names_its_file() {
    for_each_engine(async |stores| {
        let (id, _) = stores.customer().await;
        for (name, seconds, file) in [("a", 1, "fa"), ("b", 900, "fb"), ("c", 900, "fc")] {
            add(stores, id, name, Wanted::Everything, seconds).await;
            begin(stores, id, name, file).await;
        }
        let names = async |file: &str| {
            exports::names_file(&mut stores.db.read().await.unwrap(), file)
                .await
                .unwrap()
        };
        assert!(names("fa").await && !names("f").await);
        let gone = write(stores, |tx| {
            Box::pin(async move { exports::sweep(tx, at(1).plus_seconds(KEPT_SECONDS)).await })
        });
        assert_eq!(gone.await, ["fa"]);
        let removed = write(stores, move |tx| {
            Box::pin(async move { exports::remove(tx, id, "b").await })
        });
        assert_eq!(removed.await.as_deref(), Some("fb"));
        assert!(!names("fa").await && !names("fb").await && names("fc").await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_job_is_kept_or_given_back() {
    for_each_engine(async |stores| {
        write(stores, |tx| {
            Box::pin(async move { jobs::queue(tx, "long", "make", "{}", at(1)).await })
        })
        .await;
        let claim = async |now, left| jobs::claim_but(&stores.db, at(now), left).await.unwrap();
        assert_eq!(claim(2, "make").await, None, "it is left to others");
        let job = claim(2, "").await.unwrap();
        let renew = async |now| {
            let job = job.clone();
            write(stores, move |tx| {
                Box::pin(async move { jobs::renew(tx, &job, at(now)).await })
            })
            .await
        };
        assert!(renew(100).await);
        assert_eq!(claim(200, "").await, None, "it was kept");
        let theirs = claim(221, "").await.unwrap();
        assert_eq!(theirs.attempts, 2);
        assert!(!renew(222).await, "another worker has it");
        write(stores, move |tx| {
            Box::pin(async move { jobs::give_back(tx, &theirs).await })
        })
        .await;
        assert_eq!(claim(223, "").await.unwrap().attempts, 2, "that was no try");
    })
    .await;
}
