//! A real company's schema that others wrote: each customer reads exactly what is theirs, to the last column.

use std::{collections::BTreeSet, path::PathBuf};

use fairhold_connect::{
    Cell, CollectedTable, Column, Connector as _, Count, Plan, Reading, Row, SqliteConnector,
};
use fairhold_domain::catalog::{
    Dataset,
    load::{SourceFile, load},
};
use fairhold_domain::present;
use jiff::tz::TimeZone;
use sqlx::{ConnectOptions as _, SqliteConnection, sqlite::SqliteConnectOptions};

use crate::support::{
    Database, Engine, address, connector, engines, lines, plan, read, read_all_pages, request,
    shown,
};

fn file() -> Option<PathBuf> {
    let path = PathBuf::from("../../../shared/data/chinook/chinook.sqlite");
    if !path.exists() {
        println!("skipped: {} is absent", path.display());
        return None;
    }
    Some(path)
}

fn chinook() -> Vec<Dataset> {
    catalog("chinook")
}

fn catalog(fixture: &str) -> Vec<Dataset> {
    let fixtures = PathBuf::from("tests/fixtures");
    let folder = fixtures.join(fixture);
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
    let plan = plan(&connector, &chinook()).await;
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

/// The scripts make and enter a database of their own; what follows that is for any.
const SCRIPTS: [(Engine, &str, &str); 2] = [
    (Engine::Postgres, "chinook_postgres.sql", "\\c chinook;"),
    (Engine::MariaDb, "chinook_mysql.sql", "USE `Chinook`;"),
];

/// The shop on a server, and its catalog in the names that this script uses; `None` where it can't be tried.
async fn on_server(engine: Engine, script: &str, enter: &str) -> Option<(Database, Dataset)> {
    let folder = file()?.parent()?.to_owned();
    if !engines().contains(&engine) {
        return None;
    }
    let text = std::fs::read_to_string(folder.join(script)).unwrap();
    let (_, tables) = text.split_once(enter).unwrap();
    let tables = match engine {
        // Its text has a backslash that is meant as one.
        Engine::MariaDb => format!("SET SESSION sql_mode = 'NO_BACKSLASH_ESCAPES'; {tables}"),
        _ => tables.to_owned(),
    };
    let database = Database::as_written(engine, &[&tables]).await;
    // There, `InvoiceLine` is `invoice_line`.
    let fixture = if engine == Engine::Postgres {
        "chinook_postgres"
    } else {
        "chinook"
    };
    Some((database, catalog(fixture).remove(0)))
}

/// The rows of a collection as a customer reads them: values as a person writes them.
fn facts(dataset: &Dataset, collection: usize, columns: &[Column], rows: &[Row]) -> Vec<String> {
    let collection = &dataset.collections[collection];
    let fact = |(column, cell): (&Column, &Cell)| {
        let kind = present::Kind {
            sql_type: &column.sql_type,
            column: &column.name,
            field: collection.field(&column.name),
        };
        // PostgreSQL drops the blanks at the end of what the script writes as `N'...'`.
        let text = shown(cell).trim_end().to_owned();
        present::value(&text, kind, &TimeZone::UTC)
    };
    let row = |row: &Row| {
        let facts = columns.iter().zip(&row.cells).map(fact);
        facts.collect::<Vec<_>>().join("|")
    };
    rows.iter().map(row).collect()
}

#[tokio::test]
async fn customers_see_the_same_facts_on_every_engine() {
    let Some((file, file_plan, mut direct)) = open().await else {
        return;
    };
    let emails: Vec<(String,)> = sqlx::query_as("SELECT Email FROM Customer")
        .fetch_all(&mut direct)
        .await
        .unwrap();
    assert_eq!(emails.len(), 59);
    let described = chinook().remove(0);
    for (engine, script, enter) in SCRIPTS {
        let Some((database, dataset)) = on_server(engine, script, enter).await else {
            continue;
        };
        let connector = &*database.connector();
        let plan = plan(connector, std::slice::from_ref(&dataset)).await;
        assert_eq!(
            (plan.missing(), plan.undescribed_tables()),
            (&[][..], &[][..])
        );
        for (email,) in &emails {
            let here = read(&file, &file_plan, email).await;
            let there = read(connector, &plan, email).await;
            assert_eq!(there.failed, []);
            for (i, (a, b)) in here.collections.iter().zip(&there.collections).enumerate() {
                assert_eq!(a.count, b.count);
                assert_eq!(
                    facts(&described, i, &a.columns, &a.rows),
                    facts(&dataset, i, &b.columns, &b.rows),
                    "{} on {engine:?}",
                    a.name.collection
                );
            }
            let songs = |reading: &Reading| -> BTreeSet<String> {
                let [shared] = reading.shared.as_slice() else {
                    panic!("songs, and nothing behind them")
                };
                lines(&shared.rows).into_iter().collect()
            };
            assert_eq!(songs(&here), songs(&there), "on {engine:?}");
        }
    }
}

/// Each engine's shop with a value that stands nowhere else in each text column of one customer's rows, and these values.
async fn planted_shops() -> Vec<(Database, Dataset, Vec<String>)> {
    let Some(path) = file() else {
        return Vec::new();
    };
    let mut shops = vec![];
    let copy = Database::new(&[]).await;
    std::fs::copy(&path, &copy.path).unwrap();
    let mut permissions = std::fs::metadata(&copy.path).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o600);
    std::fs::set_permissions(&copy.path, permissions).unwrap();
    shops.push((copy, chinook().remove(0)));
    for (engine, script, enter) in SCRIPTS {
        shops.extend(on_server(engine, script, enter).await);
    }
    let mut all = Vec::new();
    for (database, dataset) in shops {
        let quote = if database.engine == Engine::MariaDb {
            '`'
        } else {
            '"'
        };
        let mut planted = Vec::new();
        let mut statements = Vec::new();
        let customer = &dataset.collections[0];
        let key = &customer.fields[0].name;
        for (number, field) in customer.fields.iter().enumerate() {
            // The address finds her; numbers take no text.
            if [
                "email",
                "customerid",
                "customer_id",
                "supportrepid",
                "support_rep_id",
            ]
            .contains(&field.name.to_lowercase().as_str())
            {
                continue;
            }
            let marker = format!("mark-{number}");
            statements.push(format!(
                "UPDATE {quote}{}{quote} SET {quote}{}{quote} = '{marker}' WHERE {quote}{key}{quote} = 1;",
                customer.name, field.name
            ));
            planted.push(marker);
        }
        let invoice = &dataset.collections[1];
        for (number, field) in invoice.fields.iter().enumerate() {
            if !field.name.to_lowercase().starts_with("billing") {
                continue;
            }
            let marker = format!("bill-{number}");
            statements.push(format!(
                "UPDATE {quote}{}{quote} SET {quote}{}{quote} = '{marker}' WHERE {quote}{key}{quote} = 1;",
                invoice.name, field.name
            ));
            planted.push(marker);
        }
        database.run_as_written(&statements.concat()).await;
        all.push((database, dataset, planted));
    }
    all
}

#[tokio::test]
async fn every_text_of_a_customer_is_read_on_every_engine() {
    for (database, dataset, planted) in planted_shops().await {
        let connector = &*database.connector();
        let plan = plan(connector, &[dataset]).await;
        let reading = read(connector, &plan, "luisg@embraer.com.br").await;
        let rows = reading.collections.iter().flat_map(|c| &c.rows);
        let texts: BTreeSet<String> = rows.flat_map(|r| r.cells.iter().map(shown)).collect();
        let seen = planted.iter().filter(|marker| texts.contains(*marker));
        println!(
            "{:?}: {} of {} markers",
            database.engine,
            seen.clone().count(),
            planted.len()
        );
        assert_eq!(seen.collect::<Vec<_>>(), planted.iter().collect::<Vec<_>>());
        let other = read(connector, &plan, "leonekohler@surfeu.de").await;
        let rows = other.collections.iter().flat_map(|c| &c.rows);
        assert!(
            rows.flat_map(|r| r.cells.iter().map(shown))
                .all(|text| !planted.contains(&text))
        );
    }
}

/// Every text of hers is written over or emptied, but for what her bills must say; nobody else's rows change.
#[tokio::test]
async fn a_customer_is_erased_on_every_engine() {
    for (database, dataset, planted) in planted_shops().await {
        let connector = &*database.connector();
        let plan = plan(connector, std::slice::from_ref(&dataset)).await;
        let contacts = address("luisg@embraer.com.br");
        let found = connector.find(&plan, &contacts).await.unwrap();
        let claim = request(&contacts, &found);
        let others = ["leonekohler@surfeu.de", "ftremblay@gmail.com"];
        let mut before = Vec::new();
        for other in others {
            before.push(read_all_pages(connector, &plan, other, 50).await);
        }
        let collected = connector.collect(&plan, &claim).await.unwrap();
        let rows: u64 = collected.tables.iter().map(CollectedTable::len).sum();
        assert_eq!(rows, 1 + 7 + 38, "her account, her bills and their lines");
        let done = connector.erase(&plan, &claim, &collected, false, b"secret");
        assert_eq!(done.await.unwrap().len(), 3);
        let quote = if database.engine == Engine::MariaDb {
            '`'
        } else {
            '"'
        };
        let mut left = 0;
        for (collection, prefix) in [(0, "mark-"), (1, "bill-")] {
            let collection = &dataset.collections[collection];
            for field in &collection.fields {
                let name = field.name.to_lowercase();
                if name.ends_with("id") || name.ends_with("date") || name == "total" {
                    continue;
                }
                let sql = format!(
                    "SELECT COUNT(*) FROM {quote}{}{quote} WHERE {quote}{}{quote} LIKE '{prefix}%'",
                    collection.name, field.name
                );
                let found = database.number(&sql).await;
                assert!(prefix == "bill-" || found == 0, "{name} is left");
                left += found;
            }
        }
        let bills = planted.iter().filter(|m| m.starts_with("bill-")).count();
        assert_eq!(
            left,
            i64::try_from(7 * bills).unwrap(),
            "tax law keeps her seven bills"
        );
        assert_eq!(connector.find(&plan, &contacts).await.unwrap(), []);
        for (other, (own, shared)) in others.into_iter().zip(&before) {
            let (now, shared_now) = read_all_pages(connector, &plan, other, 50).await;
            assert_eq!(lines(&shared_now), lines(shared));
            for (collection, rows) in own {
                assert_eq!(lines(&now[collection]), lines(rows), "{other}");
            }
        }
        println!(
            "{:?}: {} of {} values are gone",
            database.engine,
            planted.len() - bills,
            planted.len()
        );
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
