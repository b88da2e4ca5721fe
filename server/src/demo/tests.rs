//! What the rest of the house counts on: the same files everywhere, the people who are told on screen, sound references,
//! and indexes that make a page cost the same for everybody.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::path::Path;
use std::time::Duration;

use fairhold_connect::{Connector as _, SqliteConnector, SqliteSettings};
use fairhold_domain::catalog::check::{check_rules, check_schema};
use fairhold_domain::catalog::load::{SourceFile, load};
use fairhold_domain::catalog::{Catalog, OWN_CONNECTION, Origin, Show};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection as _, Row as _, SqliteConnection};

use super::*;

const FILES: [&str; 3] = [shop::FILE, newsletter::FILE, analytics::FILE];

async fn built() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    build(folder.path()).await.unwrap();
    folder
}

async fn open(folder: &Path, name: &str) -> SqliteConnection {
    SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(folder.join(name)))
        .await
        .unwrap()
}

async fn number(db: &mut SqliteConnection, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(db).await.unwrap()
}

#[tokio::test]
async fn two_builds_are_equal_to_the_last_byte() {
    let (one, other) = (built().await, built().await);
    for name in FILES {
        let (a, b) = (
            std::fs::read(one.path().join(name)).unwrap(),
            std::fs::read(other.path().join(name)).unwrap(),
        );
        assert!(a == b, "{name} differs between two builds");
    }
}

#[tokio::test]
async fn nothing_is_left_beside_the_three_files() {
    let folder = built().await;
    let mut names: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["analytics.db", "newsletter.db", "shop.db"]);
}

#[tokio::test]
async fn a_file_of_this_version_is_left_alone_and_another_is_made_anew() {
    let folder = built().await;
    let mut db = open(folder.path(), newsletter::FILE).await;
    sqlx::query("DELETE FROM clicks")
        .execute(&mut db)
        .await
        .unwrap();
    db.close().await.unwrap();

    build(folder.path()).await.unwrap();
    let mut db = open(folder.path(), newsletter::FILE).await;
    assert_eq!(
        number(&mut db, "SELECT count(*) FROM clicks").await,
        0,
        "an erasure in the demo must last"
    );
    sqlx::query("PRAGMA user_version = 0")
        .execute(&mut db)
        .await
        .unwrap();
    db.close().await.unwrap();

    // A draft that an earlier start left half done does no harm.
    std::fs::write(folder.path().join("newsletter.db.new"), "half a file").unwrap();
    build(folder.path()).await.unwrap();
    let mut db = open(folder.path(), newsletter::FILE).await;
    assert!(number(&mut db, "SELECT count(*) FROM clicks").await > 0);
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_an_error_and_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("nowhere");
    build(&missing).await.unwrap_err();
    assert!(!missing.exists());
}

#[tokio::test]
async fn there_are_200_customers_and_one_of_them_has_5000_orders() {
    let folder = built().await;
    let mut shop = open(folder.path(), shop::FILE).await;
    assert_eq!(
        number(&mut shop, "SELECT count(*) FROM customers").await,
        200
    );
    let orders = "SELECT count(*) FROM orders JOIN customers c ON c.id = customer_id WHERE c.email = 'grace@example.com'";
    assert_eq!(number(&mut shop, orders).await, 5000);
    let most = "SELECT max(n) FROM (SELECT count(*) AS n FROM orders WHERE customer_id <> 3 GROUP BY customer_id)";
    assert!(number(&mut shop, most).await <= 24);
    let few =
        "SELECT count(*) FROM (SELECT 1 FROM orders GROUP BY customer_id HAVING count(*) <= 7)";
    assert!(
        number(&mut shop, few).await >= 150,
        "most customers have a handful of orders"
    );
}

#[tokio::test]
async fn each_persona_is_what_the_note_says() {
    let folder = built().await;
    let mut shop = open(folder.path(), shop::FILE).await;
    let mut newsletter = open(folder.path(), newsletter::FILE).await;
    let mut analytics = open(folder.path(), analytics::FILE).await;

    for sql in [
        "SELECT count(*) FROM addresses WHERE customer_id = 1",
        "SELECT count(*) FROM orders WHERE customer_id = 1 AND gift_note IS NOT NULL",
        "SELECT count(*) FROM returns WHERE customer_id = 1",
        "SELECT count(*) FROM loyalty_points WHERE customer_id = 1",
        "SELECT count(*) FROM support_notes WHERE customer_id = 1",
        "SELECT count(*) FROM customers WHERE email = 'ada@example.com' AND id = 1 AND taste IS NOT NULL",
    ] {
        assert!(number(&mut shop, sql).await > 0, "{sql}");
    }
    assert_eq!(
        number(
            &mut shop,
            "SELECT count(*) FROM orders WHERE customer_id = 1"
        )
        .await,
        9
    );
    for sql in [
        "SELECT count(*) FROM clicks JOIN opens o ON o.id = open_id JOIN subscribers s ON s.id = o.subscriber_id
         WHERE s.email = 'ada@example.com' AND s.best_hour IS NOT NULL AND s.left_at IS NULL",
        "SELECT count(*) FROM opens JOIN subscribers s ON s.id = subscriber_id WHERE s.email = 'cleo@example.net'",
    ] {
        assert!(number(&mut newsletter, sql).await > 0, "{sql}");
    }
    for sql in [
        "SELECT count(*) FROM page_views JOIN visitors v ON v.id = visitor_id WHERE email = 'ada@example.com'",
        "SELECT count(*) FROM searches JOIN visitors v ON v.id = visitor_id WHERE email = 'ada@example.com'",
        "SELECT count(*) FROM devices JOIN visitors v ON v.id = visitor_id WHERE email = 'ada@example.com'",
        "SELECT count(*) FROM interests JOIN visitors v ON v.id = visitor_id WHERE email = 'ada@example.com'",
        "SELECT count(*) FROM guesses JOIN visitors v ON v.id = visitor_id
         WHERE email = 'ada@example.com' AND health_guess IS NOT NULL",
        "SELECT count(*) FROM bought_facts JOIN visitors v ON v.id = visitor_id WHERE email = 'ada@example.com'",
    ] {
        assert!(number(&mut analytics, sql).await > 0, "{sql}");
    }

    let ben = "SELECT count(*) FROM orders JOIN customers c ON c.id = customer_id WHERE c.email = 'ben@example.com'";
    assert_eq!(number(&mut shop, ben).await, 1);
    assert_eq!(
        number(
            &mut shop,
            "SELECT count(*) FROM customers WHERE email = 'cleo@example.net'"
        )
        .await,
        0
    );
    assert_eq!(
        number(
            &mut analytics,
            "SELECT count(*) FROM visitors WHERE email = 'cleo@example.net'"
        )
        .await,
        0
    );
}

#[test]
fn personas_are_known_people_with_long_passwords() {
    let emails = all_customer_emails().unwrap();
    for persona in personas() {
        assert!(
            emails.iter().any(|email| email == persona.email),
            "{} is nobody",
            persona.email
        );
        assert!(
            persona.password.chars().count() >= 15,
            "{}'s password is short",
            persona.email
        );
    }
    let mut once = emails.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), emails.len(), "two people share an address");
}

#[tokio::test]
async fn nobody_real_can_be_reached() {
    for person in people::everyone().unwrap() {
        let domain = person.email.split_once('@').unwrap().1;
        assert!(
            ["example.com", "example.org", "example.net"].contains(&domain),
            "{domain}"
        );
        assert!(
            person
                .phone
                .is_none_or(|phone| phone.starts_with("+353 20 91"))
        );
    }
}

#[tokio::test]
async fn references_sums_and_files_are_sound() {
    let folder = built().await;
    for name in FILES {
        let mut db = open(folder.path(), name).await;
        assert_eq!(
            sqlx::query("PRAGMA foreign_key_check")
                .fetch_all(&mut db)
                .await
                .unwrap()
                .len(),
            0,
            "{name}"
        );
        let answer: String = sqlx::query_scalar("PRAGMA integrity_check")
            .fetch_one(&mut db)
            .await
            .unwrap();
        assert_eq!(answer, "ok", "{name}");
    }
    let mut shop = open(folder.path(), shop::FILE).await;
    for wrong in [
        "SELECT count(*) FROM orders o WHERE total_cents <> goods_cents + delivery_cents
            OR goods_cents <> (SELECT sum(quantity * unit_cents) FROM order_lines WHERE order_id = o.id)",
        "SELECT count(*) FROM customers c
         WHERE loyalty_balance IS NOT (SELECT sum(points) FROM loyalty_points WHERE customer_id = c.id)",
        "SELECT count(*) FROM customers WHERE loyalty_balance < 0",
        "SELECT count(*) FROM order_lines l JOIN orders o ON o.id = l.order_id WHERE o.customer_id <> l.customer_id",
        "SELECT count(*) FROM returns r JOIN orders o ON o.id = r.order_id WHERE o.customer_id <> r.customer_id",
        "SELECT count(*) FROM loyalty_points p JOIN orders o ON o.id = p.order_id WHERE o.customer_id <> p.customer_id",
        "SELECT count(*) FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.placed_at < c.created_at",
        "SELECT count(*) FROM orders WHERE delivered_on < date(placed_at) OR delivered_on > '2026-11-01'",
        "SELECT count(*) FROM returns r JOIN orders o ON o.id = r.order_id WHERE r.returned_on < o.delivered_on",
        "SELECT count(*) FROM orders WHERE placed_at >= '2026-11-01'",
    ] {
        assert_eq!(number(&mut shop, wrong).await, 0, "{wrong}");
    }
}

#[tokio::test]
async fn a_page_of_any_list_comes_straight_from_an_index() {
    let folder = built().await;
    let mut shop = open(folder.path(), shop::FILE).await;
    let mut analytics = open(folder.path(), analytics::FILE).await;
    for sql in [
        "EXPLAIN QUERY PLAN SELECT * FROM customers WHERE lower(email) = 'ada@example.com'",
        "EXPLAIN QUERY PLAN SELECT * FROM addresses WHERE customer_id = 3 ORDER BY created_at DESC, id DESC LIMIT 21",
        "EXPLAIN QUERY PLAN SELECT * FROM orders WHERE customer_id = 3 ORDER BY placed_at DESC, id DESC LIMIT 21",
        "EXPLAIN QUERY PLAN SELECT * FROM order_lines WHERE customer_id = 3 ORDER BY bought_at DESC, id DESC LIMIT 21",
        "EXPLAIN QUERY PLAN SELECT * FROM loyalty_points WHERE customer_id = 3 ORDER BY given_at DESC, id DESC LIMIT 21",
        "EXPLAIN QUERY PLAN SELECT * FROM returns WHERE customer_id = 3 ORDER BY returned_on DESC, id DESC LIMIT 21",
        "EXPLAIN QUERY PLAN SELECT * FROM support_notes WHERE customer_id = 3 ORDER BY written_at DESC, id DESC LIMIT 21",
    ] {
        straight(&mut shop, sql).await;
    }
    for sql in [
        "EXPLAIN QUERY PLAN SELECT * FROM page_views WHERE visitor_id = 'v' ORDER BY seen_at DESC, id DESC LIMIT 21",
        "EXPLAIN QUERY PLAN SELECT * FROM interests WHERE visitor_id = 'v' ORDER BY worked_out_at DESC, id DESC LIMIT 21",
    ] {
        straight(&mut analytics, sql).await;
    }
}

async fn straight(db: &mut SqliteConnection, sql: &'static str) {
    let plan: Vec<String> = sqlx::query(sql)
        .fetch_all(db)
        .await
        .unwrap()
        .iter()
        .map(|row| row.get::<String, _>("detail"))
        .collect();
    assert!(
        plan.iter().all(|step| step.starts_with("SEARCH")),
        "{sql}: {plan:?}"
    );
}

/// A catalog of the project's, which must load without a finding.
fn catalog(name: &str) -> Catalog {
    let folder = Path::new("../catalog").join(name);
    let mut files = Vec::new();
    for part in ["", "datasets"] {
        for entry in std::fs::read_dir(folder.join(part)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "yml") {
                let text = std::fs::read_to_string(&path).unwrap();
                files.push(SourceFile {
                    path: path.to_str().unwrap().to_owned(),
                    text,
                });
            }
        }
    }
    let loaded = load(&files);
    let findings: Vec<_> = loaded
        .findings
        .into_iter()
        .chain(check_rules(&loaded.catalog))
        .collect();
    assert!(findings.is_empty(), "{findings:#?}");
    loaded.catalog
}

#[tokio::test]
async fn the_catalog_describes_all_that_the_systems_hold_and_nothing_else() {
    let catalog = catalog("demo");
    let folder = built().await;
    for (connection, file) in catalog.company.connections.iter().zip(FILES) {
        assert_eq!(format!("{connection}.db"), file);
        let system = SqliteConnector::new(SqliteSettings {
            path: folder.path().join(file),
            max_connections: 1,
            timeout: Duration::from_secs(30),
        });
        let schema = system.describe().await.unwrap();
        assert!(!schema.tables.is_empty(), "{file} has no table");
        assert_eq!(check_schema(&catalog, connection, &schema), [], "{file}");
    }
}

#[test]
fn the_demo_shows_every_origin_and_covers_what_is_sensitive() {
    let catalog = catalog("demo");
    let fields: Vec<_> = catalog
        .datasets
        .iter()
        .flat_map(|d| &d.collections)
        .flat_map(|c| &c.fields)
        .collect();
    for origin in [
        Origin::Provided,
        Origin::Observed,
        Origin::Inferred,
        Origin::Obtained,
    ] {
        assert!(
            fields.iter().any(|field| field.origin == Some(origin)),
            "{origin:?}"
        );
    }
    let sensitive: Vec<_> = fields.iter().filter(|field| field.is_sensitive()).collect();
    assert_eq!(
        sensitive
            .iter()
            .map(|field| field.name.as_str())
            .collect::<Vec<_>>(),
        ["health_guess"]
    );
    for field in sensitive {
        assert_eq!(field.show, Some(Show::Covered));
        assert_eq!(
            field.purposes,
            ["nothing"],
            "a sensitive guess is used for nothing"
        );
        assert!(
            field.seen_by.is_empty(),
            "a sensitive guess is seen by nobody"
        );
    }
}

#[test]
fn the_bench_measures_exactly_60_fields_of_the_portals_own() {
    let catalog = catalog("bench");
    let [dataset] = catalog.datasets.as_slice() else {
        panic!("one dataset")
    };
    let [collection] = dataset.collections.as_slice() else {
        panic!("one collection")
    };
    assert_eq!(dataset.connection.as_deref(), Some(OWN_CONNECTION));
    assert_eq!(
        (collection.name.as_str(), collection.fields.len()),
        ("profile", 60)
    );
}
