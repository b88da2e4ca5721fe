//! A real company's schema that others wrote: each customer reads exactly what is theirs, to the last column.

use std::{collections::BTreeSet, path::PathBuf};

use fairhold_connect::{Connector as _, Count, Plan, SqliteConnector};
use fairhold_domain::catalog::{
    Dataset,
    load::{SourceFile, load},
};
use sqlx::{ConnectOptions as _, SqliteConnection, sqlite::SqliteConnectOptions};

use crate::support::{address, connector, lines, read, read_all_pages, shown};

fn file() -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data/chinook/chinook.sqlite");
    if !path.exists() {
        println!("skipped: {} is absent", path.display());
        return None;
    }
    Some(path)
}

fn chinook() -> Vec<Dataset> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/chinook");
    let source = |path: &str| SourceFile {
        path: path.to_owned(),
        text: std::fs::read_to_string(folder.join(path)).unwrap(),
    };
    let loaded = load(&[source("company.yml"), source("datasets/chinook.yml")]);
    assert!(loaded.findings.is_empty(), "{:?}", loaded.findings);
    loaded.catalog.datasets
}

async fn open() -> Option<(SqliteConnector, Plan, SqliteConnection)> {
    let path = file()?;
    let connector = connector(&path);
    let plan = crate::support::plan(&connector, &chinook()).await;
    let direct = SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .connect()
        .await
        .unwrap();
    Some((connector, plan, direct))
}

/// Hand-written, and by other means than the connector's: what the three tables hold of one customer.
const CUSTOMER: &str = "SELECT CustomerId, FirstName, LastName, Company, Address, City, State, Country, PostalCode, Phone, Fax, Email, SupportRepId \
                        FROM Customer WHERE CustomerId = ?";
const INVOICES: &str = "SELECT InvoiceId, CustomerId, InvoiceDate, BillingAddress, BillingCity, BillingState, BillingCountry, BillingPostalCode, Total \
                        FROM Invoice WHERE CustomerId = ?";
const LINES: &str = "SELECT l.InvoiceLineId, l.InvoiceId, l.TrackId, l.UnitPrice, l.Quantity \
                     FROM InvoiceLine l JOIN Invoice i ON i.InvoiceId = l.InvoiceId WHERE i.CustomerId = ?";

async fn expected(
    direct: &mut SqliteConnection,
    sql: &'static str,
    customer: i64,
) -> BTreeSet<String> {
    use sqlx::Row as _;
    let rows = sqlx::query(sql)
        .bind(customer)
        .fetch_all(direct)
        .await
        .unwrap();
    let text = |row: &sqlx::sqlite::SqliteRow, i: usize| {
        row.try_get_unchecked::<Option<String>, _>(i)
            .unwrap()
            .unwrap_or_else(|| "∅".to_owned())
    };
    rows.iter()
        .map(|row| {
            (0..row.len())
                .map(|i| text(row, i))
                .collect::<Vec<_>>()
                .join("|")
        })
        .collect()
}

#[tokio::test]
async fn each_customer_reads_exactly_their_own_rows() {
    let Some((connector, plan, mut direct)) = open().await else {
        return;
    };
    let customers: Vec<(i64, String)> = sqlx::query_as("SELECT CustomerId, Email FROM Customer")
        .fetch_all(&mut direct)
        .await
        .unwrap();
    assert_eq!(customers.len(), 59);
    for (id, email) in customers {
        let (all, _) = read_all_pages(&connector, &plan, &email, 7).await;
        assert_eq!(
            all.keys().collect::<Vec<_>>(),
            ["Customer", "Invoice", "InvoiceLine"]
        );
        for (collection, sql) in [
            ("Customer", CUSTOMER),
            ("Invoice", INVOICES),
            ("InvoiceLine", LINES),
        ] {
            let read = lines(&all[collection]);
            let as_set: BTreeSet<String> = read.iter().cloned().collect();
            assert_eq!(as_set.len(), read.len(), "a row of {collection} came twice");
            assert_eq!(
                as_set,
                expected(&mut direct, sql, id).await,
                "{collection} of customer {id}"
            );
        }
        let dates: Vec<String> = all["Invoice"]
            .iter()
            .map(|row| shown(&row.cells[2]))
            .collect();
        assert!(dates.is_sorted_by(|a, b| a >= b), "newest first");
    }
}

#[tokio::test]
async fn no_employees_value_is_ever_read() {
    let Some((connector, plan, mut direct)) = open().await else {
        return;
    };
    let employees: Vec<(String, String, String, String)> =
        sqlx::query_as("SELECT Email, Address, BirthDate, Title FROM Employee")
            .fetch_all(&mut direct)
            .await
            .unwrap();
    assert_eq!(employees.len(), 8);
    let theirs: BTreeSet<String> = employees
        .iter()
        .flat_map(|(a, b, c, d)| [a, b, c, d])
        .cloned()
        .collect();
    let emails: Vec<(String,)> = sqlx::query_as("SELECT Email FROM Customer")
        .fetch_all(&mut direct)
        .await
        .unwrap();
    for (email,) in emails {
        let (all, shared) = read_all_pages(&connector, &plan, &email, 500).await;
        for row in all.values().flatten().chain(&shared) {
            assert!(row.cells.iter().all(|cell| !theirs.contains(&shown(cell))));
        }
    }
    for (email, ..) in employees {
        assert_eq!(connector.find(&plan, &address(&email)).await.unwrap(), []);
    }
}

#[tokio::test]
async fn each_line_brings_its_song_and_nothing_behind_it() {
    let Some((connector, plan, mut direct)) = open().await else {
        return;
    };
    let reading = read(&connector, &plan, "luisg@embraer.com.br").await;
    let names: Vec<&str> = reading
        .shared
        .iter()
        .map(|s| s.name.collection.as_str())
        .collect();
    assert_eq!(names, ["Track"]);
    let bought = &reading.collections[2];
    assert_eq!(bought.count, Count::Exactly(38));
    for row in &bought.rows {
        let [context] = row.context.as_slice() else {
            panic!("one song a line")
        };
        assert_eq!(context.through, ["TrackId"]);
        let song = &reading.shared[context.shared].rows[context.row];
        let name: (String,) = sqlx::query_as("SELECT Name FROM Track WHERE TrackId = ?")
            .bind(shown(&row.cells[2]).parse::<i64>().unwrap())
            .fetch_one(&mut direct)
            .await
            .unwrap();
        assert_eq!(shown(&song.cells[1]), name.0);
    }
}

#[tokio::test]
async fn the_catalog_and_the_file_fit() {
    let Some((_, plan, _)) = open().await else {
        return;
    };
    assert_eq!(plan.missing(), []);
    assert_eq!(plan.undescribed_tables(), Vec::<String>::new());
}
