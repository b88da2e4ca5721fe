//! A real company's database that others wrote (Chinook): each of its customers sees exactly what is theirs, to the
//! last column, through the portal as they use it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use fairhold_domain::facts::{Fact, Part, Shown};
use fairhold_domain::present;
use fairhold_portal::company::Current;
use fairhold_portal::my_data::Wanted;
use fairhold_portal::{CollectionName, Customer};
use sqlx::{Row as _, SqliteConnection};

use crate::support::{House, Setup, open};

const PASSWORD: &str = "songs for a long drive";

/// The tables that hold a customer's rows, and which of them are theirs: hand-written, by other means than the portal's.
const TABLES: [(&str, &str); 3] = [
    (
        "Customer",
        "SELECT * FROM Customer WHERE CustomerId = $1 ORDER BY CustomerId",
    ),
    (
        "Invoice",
        "SELECT * FROM Invoice WHERE CustomerId = $1 ORDER BY InvoiceId",
    ),
    (
        "InvoiceLine",
        "SELECT l.* FROM InvoiceLine l JOIN Invoice i ON i.InvoiceId = l.InvoiceId WHERE i.CustomerId = $1 ORDER BY l.InvoiceLineId",
    ),
];

/// A row as a page shows it: column and words, without what is empty.
type Shows = BTreeMap<String, String>;

fn file() -> Option<PathBuf> {
    let path = PathBuf::from("../../shared/data/chinook/chinook.sqlite");
    if !path.exists() {
        println!("skipped: {} is absent", path.display());
        return None;
    }
    Some(path)
}

async fn house(file: &Path) -> House {
    let catalog = Path::new("../crates/connect/tests/fixtures/chinook");
    Setup::demo()
        .await
        .with_catalog(catalog)
        .with_system("chinook", file)
        .start()
        .await
}

async fn expected(
    db: &mut SqliteConnection,
    current: &Current,
    table: &str,
    sql: &'static str,
    customer: i64,
) -> BTreeSet<Shows> {
    let columns: Vec<(String, String)> =
        sqlx::query_as("SELECT name, type FROM pragma_table_info($1)")
            .bind(table)
            .fetch_all(&mut *db)
            .await
            .unwrap();
    let collection = current
        .catalog
        .dataset("chinook")
        .unwrap()
        .collection(table)
        .unwrap();
    let rows = sqlx::query(sql).bind(customer).fetch_all(db).await.unwrap();
    let shows = |row: &sqlx::sqlite::SqliteRow| {
        let cell = |(i, (name, sql_type)): (usize, &(String, String))| {
            let text: Option<String> = row.try_get_unchecked(i).unwrap();
            let kind = present::Kind {
                sql_type,
                column: name,
                field: collection.field(name),
            };
            text.map(|text| (name.clone(), present::value(&text, kind, &current.zone)))
        };
        columns.iter().enumerate().filter_map(cell).collect()
    };
    rows.iter().map(shows).collect()
}

fn plain(fact: &Fact) -> String {
    match &fact.value {
        Shown::Plain(text) => text.clone(),
        other => panic!("{} is {other:?}", fact.path.field),
    }
}

fn rows(part: &Part) -> impl Iterator<Item = Shows> + '_ {
    part.entries.iter().map(|entry| {
        entry
            .facts
            .iter()
            .map(|f| (f.path.field.clone(), plain(f)))
            .collect()
    })
}

/// Every row of a list, page by page, and what shared rows they bring along.
async fn whole_list(house: &House, customer: &Customer, table: &str) -> (Vec<Shows>, Vec<String>) {
    let (mut found, mut context, mut after) = (Vec::new(), Vec::new(), None);
    loop {
        let name = CollectionName::new("chinook", table);
        let part = house
            .portal
            .list(customer, name, after.as_deref(), None)
            .await
            .unwrap()
            .part;
        found.extend(rows(&part));
        context.extend(
            part.entries
                .iter()
                .flat_map(|e| &e.context)
                .flat_map(|c| &c.facts)
                .map(plain),
        );
        match part.next {
            Some(next) => after = Some(next),
            None => return (found, context),
        }
    }
}

#[tokio::test]
async fn each_of_the_59_customers_sees_exactly_their_own() {
    let Some(file) = file() else { return };
    let mut db = open(&file).await;
    let people: Vec<(i64, String)> = sqlx::query_as("SELECT CustomerId, Email FROM Customer")
        .fetch_all(&mut db)
        .await
        .unwrap();
    assert_eq!(people.len(), 59);
    let staff: Vec<(String, String, String, String)> =
        sqlx::query_as("SELECT Email, Address, Phone, Title FROM Employee")
            .fetch_all(&mut db)
            .await
            .unwrap();
    assert_eq!(staff.len(), 8);
    let theirs: BTreeSet<String> = staff
        .into_iter()
        .flat_map(|(a, b, c, d)| [a, b, c, d])
        .collect();

    let house = house(&file).await;
    let current = house.portal.company().current();
    let mut counts = [0; 3];
    for (id, email) in people {
        let customer = house.new_customer(&email, PASSWORD).await;
        let page = house
            .portal
            .my_data(&customer, &Wanted::default())
            .await
            .unwrap();
        let parts: BTreeMap<&str, &Part> = page
            .data
            .parts
            .iter()
            .filter(|p| p.dataset == "chinook")
            .map(|p| (p.collection.as_str(), p))
            .collect();
        assert_eq!(
            parts.keys().copied().collect::<Vec<_>>(),
            ["Customer", "Invoice", "InvoiceLine"],
            "{email}"
        );
        for (at, (table, sql)) in TABLES.into_iter().enumerate() {
            let expected = expected(&mut db, &current, table, sql, id).await;
            let (found, context) = match table {
                "Customer" => (rows(parts[table]).collect(), Vec::new()),
                _ => whole_list(&house, &customer, table).await,
            };
            assert_eq!(found.len(), expected.len(), "{email}: {table}");
            assert_eq!(
                parts[table].count,
                expected.len() as u64,
                "{email}: {table}"
            );
            assert_eq!(
                found.iter().cloned().collect::<BTreeSet<_>>(),
                expected,
                "{email}: {table}"
            );
            let words = found.iter().flat_map(BTreeMap::values).chain(&context);
            assert!(
                words.into_iter().all(|w| !theirs.contains(w)),
                "{email} reads of the staff in {table}"
            );
            counts[at] += found.len();
        }
    }
    assert_eq!(counts, [59, 412, 2_240]);
}

#[tokio::test]
async fn nobody_of_the_staff_finds_anything() {
    let Some(file) = file() else { return };
    let house = house(&file).await;
    let emails: Vec<String> = sqlx::query_scalar("SELECT Email FROM Employee LIMIT 2")
        .fetch_all(&mut open(&file).await)
        .await
        .unwrap();
    for email in emails {
        let customer = house.new_customer(&email, PASSWORD).await;
        let page = house
            .portal
            .my_data(&customer, &Wanted::default())
            .await
            .unwrap();
        assert!(
            page.data.parts.iter().all(|p| p.dataset != "chinook"),
            "{email}"
        );
    }
}

#[tokio::test]
async fn a_customers_pages_hold_their_rows_and_no_neighbours() {
    let Some(file) = file() else { return };
    let house = house(&file).await;
    let email = "luisg@embraer.com.br";
    house.add_with_password(email, PASSWORD).await;
    let mut browser = house.browser();
    browser.log_in(email, PASSWORD).await;
    let mut text = String::new();
    for path in [
        "/my-data",
        "/my-data/chinook/Invoice",
        "/my-data/chinook/InvoiceLine",
    ] {
        let page = browser.get(path).await;
        assert_eq!(page.status, 200);
        text.push_str(&page.text());
    }
    let mut db = open(&file).await;
    let own: (String, String, String) =
        sqlx::query_as("SELECT LastName, Phone, Address FROM Customer WHERE Email = $1")
            .bind(email)
            .fetch_one(&mut db)
            .await
            .unwrap();
    for value in [own.0, own.1, own.2] {
        assert!(text.contains(&value), "{value}");
    }
    let others: Vec<(String, Option<String>, String)> =
        sqlx::query_as("SELECT Email, Phone, Address FROM Customer WHERE Email <> $1")
            .bind(email)
            .fetch_all(&mut db)
            .await
            .unwrap();
    for (address, phone, street) in others {
        for value in [Some(address), phone, Some(street)].into_iter().flatten() {
            assert!(!text.contains(&value), "{value} is a neighbour's");
        }
    }
}
