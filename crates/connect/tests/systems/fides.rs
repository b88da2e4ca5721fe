//! The Fides sample: a dataset file that others wrote, loaded unchanged, with its database in a real PostgreSQL.

use std::path::PathBuf;

use fairhold_domain::catalog::{
    Dataset,
    load::{SourceFile, load},
};

use crate::support::{Database, Engine, engines, lines, plan, read, shown};

fn folder() -> Option<PathBuf> {
    let folder = PathBuf::from("../../../shared/data/fides");
    if !folder.exists() {
        println!("skipped: {} is absent", folder.display());
        return None;
    }
    Some(folder)
}

async fn sample() -> Option<(Database, Vec<Dataset>)> {
    let folder = folder()?;
    if !engines().contains(&Engine::Postgres) {
        return None;
    }
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let loaded = load(&[SourceFile {
        path: "datasets/fides.yml".to_owned(),
        text: read("postgres_example_test_dataset.yml"),
    }]);
    let database = Database::as_written(Engine::Postgres, &[&read("postgres_sample.sql")]).await;
    Some((database, loaded.catalog.datasets))
}

/// What somebody reads, collection by collection.
async fn all(database: &Database, datasets: &[Dataset], who: &str) -> Vec<(String, Vec<String>)> {
    let connector = &*database.connector();
    let plan = plan(connector, datasets).await;
    let reading = read(connector, &plan, who).await;
    assert_eq!(reading.failed, []);
    let own = reading
        .collections
        .iter()
        .map(|c| (&c.name, lines(&c.rows)));
    let shared = reading.shared.iter().map(|s| (&s.name, lines(&s.rows)));
    own.chain(shared)
        .filter(|(_, rows)| !rows.is_empty())
        .map(|(name, mut rows)| {
            rows.sort();
            (name.collection.clone(), rows)
        })
        .collect()
}

fn expected(collections: &[(&str, &[&str])]) -> Vec<(String, Vec<String>)> {
    let rows = |rows: &[&str]| rows.iter().map(|r| (*r).to_owned()).collect();
    let one = |(name, all): &(&str, &[&str])| ((*name).to_owned(), rows(all));
    collections.iter().map(one).collect()
}

#[tokio::test]
async fn each_customer_reads_what_is_theirs_and_addresses_as_context() {
    let Some((database, datasets)) = sample().await else {
        return;
    };
    // John's card and Jill's are billed to the same address, and John's order came with Jill's card.
    assert_eq!(
        all(&database, &datasets, "customer-1@example.com").await,
        expected(&[
            (
                "customer",
                &["1|customer-1@example.com|John Customer|2020-04-01 11:47:42|1"]
            ),
            (
                "login",
                &[
                    "1|1|2021-01-01 01:00:00",
                    "2|1|2021-01-02 01:00:00",
                    "3|1|2021-01-03 01:00:00",
                    "4|1|2021-01-04 01:00:00",
                    "5|1|2021-01-05 01:00:00",
                    "6|1|2021-01-06 01:00:00",
                ]
            ),
            (
                "orders",
                &[
                    "ord_aaa-aaa|1|2|pay_aaa-aaa",
                    "ord_ccc-ccc|1|1|pay_aaa-aaa",
                    "ord_ddd-ddd|1|1|pay_bbb-bbb",
                ]
            ),
            (
                "order_item",
                &[
                    "ord_aaa-aaa|1|1|1",
                    "ord_ccc-ccc|1|1|1",
                    "ord_ccc-ccc|2|2|1",
                    "ord_ddd-ddd|1|1|1",
                ]
            ),
            (
                "payment_card",
                &["pay_aaa-aaa|Example Card 1|123456789|321|true|1|1"]
            ),
            (
                "service_request",
                &[
                    "ser_aaa-aaa|customer-1@example.com|customer-1-alt@example.com|2021-01-01|2021-01-03|1",
                ]
            ),
            ("visit", &["customer-1@example.com|2021-01-06 01:00:00"]),
            (
                "address",
                &[
                    "1|123|Example Street|Exampletown|NY|12345",
                    "2|4|Example Lane|Exampletown|NY|12321",
                ]
            ),
            (
                "product",
                &[
                    "1|The Choco Chip|Crisp & chewy cookie with milk chocolate chunks|https://harpocrates.ethyca.com/assets/cookie_1.png|$20.00",
                    "2|The Almond Butter|Cream butter cookie with a soft almond filling|https://harpocrates.ethyca.com/assets/cookie_2.png|$20.00",
                ]
            ),
        ])
    );
    let jill = all(&database, &datasets, "customer-2@example.com").await;
    let cards: Vec<_> = jill
        .iter()
        .filter(|(name, _)| name == "payment_card")
        .collect();
    assert_eq!(
        cards[0].1,
        ["pay_bbb-bbb|Example Card 2|987654321|123|false|2|1"]
    );
    for (_, rows) in &jill {
        assert!(
            rows.iter()
                .all(|row| !row.contains("pay_aaa") && !row.contains("John"))
        );
    }
}

#[tokio::test]
async fn tables_of_another_schema_are_named_and_never_read() {
    let Some((database, datasets)) = sample().await else {
        return;
    };
    let plan = plan(&*database.connector(), &datasets).await;
    let undescribed = plan.undescribed_tables();
    assert!(
        undescribed.contains(&"backup_schema.customer".to_owned()),
        "{undescribed:?}"
    );
    assert!(!undescribed.contains(&"customer".to_owned()));
    assert_eq!(
        all(&database, &datasets, "customer-500@example.com").await,
        [],
        "she stands in the other schema alone"
    );
}

/// A value that stands nowhere else, in each text column of John's rows.
#[tokio::test]
async fn every_text_of_a_customer_is_read() {
    let Some((database, datasets)) = sample().await else {
        return;
    };
    let columns = [
        ("customer", "name", "id = 1"),
        ("payment_card", "name", "customer_id = 1"),
        ("service_request", "alt_email", "id = 'ser_aaa-aaa'"),
        ("address", "street", "id = 1"),
        ("address", "city", "id = 1"),
        ("address", "state", "id = 1"),
        ("address", "zip", "id = 1"),
        ("product", "name", "id = 1"),
        ("product", "description", "id = 1"),
        ("product", "url", "id = 1"),
    ];
    let markers: Vec<String> = (0..columns.len()).map(|i| format!("mark-{i}")).collect();
    for ((table, column, row), marker) in columns.iter().zip(&markers) {
        database
            .run_as_written(&format!(
                "UPDATE {table} SET {column} = '{marker}' WHERE {row}"
            ))
            .await;
    }
    let connector = &*database.connector();
    let plan = plan(connector, &datasets).await;
    let reading = read(connector, &plan, "customer-1@example.com").await;
    let own = reading.collections.iter().flat_map(|c| &c.rows);
    let rows = own.chain(reading.shared.iter().flat_map(|s| &s.rows));
    let texts: Vec<String> = rows.flat_map(|r| r.cells.iter().map(shown)).collect();
    let seen = markers.iter().filter(|m| texts.contains(m)).count();
    println!("Fides: {seen} of {} markers", markers.len());
    assert_eq!(seen, markers.len());
}
