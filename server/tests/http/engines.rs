//! Real companies' databases on the servers that they run on: what customers see in the portal is what they see when the same
//! database is a file, and every text of theirs is on My data.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use fairhold_domain::export;
use fairhold_domain::facts::{Fact, Part, Shown};
use fairhold_portal::my_data::{Place, Wanted};
use fairhold_portal::{CollectionName, Customer};
use sqlx::{AssertSqlSafe, Connection as _, MySqlConnection, PgConnection};

use crate::export::taken;
use crate::support::{House, Setup};

const PASSWORD: &str = "songs for a long drive";

/// A database server that tests may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Server {
    Postgres,
    MariaDb,
}

impl Server {
    /// Its address; says on a line of its own where there is none.
    fn address(self) -> Option<String> {
        let variable = match self {
            Self::Postgres => "FAIRHOLD_TEST_POSTGRES",
            Self::MariaDb => "FAIRHOLD_TEST_MARIADB",
        };
        let address = std::env::var(variable).ok();
        if address.is_none() {
            println!("skipped: {variable} is not set, so this was not tried on {self:?}");
        }
        address
    }

    async fn run(self, url: &str, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Postgres => {
                let mut connection = PgConnection::connect(url).await.unwrap();
                sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
            }
            Self::MariaDb => {
                let mut connection = MySqlConnection::connect(url).await.unwrap();
                sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
            }
        }
    }

    /// A database of its own with these tables, and a user who sees no other; its address.
    async fn database(self, name: &str, tables: &str) -> Option<String> {
        let root = self.address()?;
        let name = format!("{name}_{}", std::process::id());
        let (server, _) = root.rsplit_once('/').unwrap();
        let url = match self {
            Self::Postgres => {
                self.run(&root, &format!("CREATE DATABASE {name}")).await;
                format!("{server}/{name}")
            }
            Self::MariaDb => {
                let create = format!(
                    "CREATE DATABASE {name} CHARACTER SET utf8mb4; CREATE USER {name} IDENTIFIED BY 'secret';
                    GRANT ALL ON {name}.* TO {name}"
                );
                self.run(&root, &create).await;
                format!(
                    "{}/{name}",
                    server.replace("root@", &format!("{name}:secret@"))
                )
            }
        };
        self.run(&url, tables).await;
        Some(url)
    }

    const fn kind(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::MariaDb => "mysql",
        }
    }
}

fn shared(file: &str) -> Option<PathBuf> {
    let path = Path::new("../../shared/data").join(file);
    if !path.exists() {
        println!("skipped: {} is absent", path.display());
        return None;
    }
    Some(path)
}

fn fixture(name: &str) -> PathBuf {
    let fixtures = Path::new("../crates/connect/tests/fixtures");
    fixtures.join(name)
}

/// Chinook in a file.
async fn chinook_file() -> Option<House> {
    let file = shared("chinook/chinook.sqlite")?;
    let setup = Setup::demo().await.with_catalog(&fixture("chinook"));
    Some(setup.with_system("chinook", &file).start().await)
}

/// Chinook on a server, with its address.
async fn chinook_on(server: Server, name: &str) -> Option<(House, String)> {
    let (script, enter, catalog) = match server {
        Server::Postgres => (
            "chinook/chinook_postgres.sql",
            r"\c chinook;",
            "chinook_postgres",
        ),
        Server::MariaDb => ("chinook/chinook_mysql.sql", "USE `Chinook`;", "chinook"),
    };
    let script = std::fs::read_to_string(shared(script)?).unwrap();
    // What comes before makes and enters a database of its own.
    let (_, tables) = script.split_once(enter).unwrap();
    let tables = match server {
        Server::Postgres => tables.to_owned(),
        Server::MariaDb => format!("SET SESSION sql_mode = 'NO_BACKSLASH_ESCAPES'; {tables}"),
    };
    let url = server.database(name, &tables).await?;
    let setup = Setup::demo().await.with_catalog(&fixture(catalog));
    let setup = setup.with_server("chinook", server.kind(), &url);
    Some((setup.start().await, url))
}

/// On PostgreSQL the same shop writes `InvoiceLine` as `invoice_line`.
fn underscored(name: &str) -> String {
    let mut underscored = String::new();
    let mut last = '.';
    for c in name.chars() {
        if c.is_uppercase() && last != '.' {
            underscored.push('_');
        }
        underscored.extend(c.to_lowercase());
        last = c;
    }
    underscored
}

/// A fact's words; a covered one is uncovered.
async fn words(house: &House, customer: &Customer, place: &Place, fact: &Fact) -> String {
    match &fact.value {
        Shown::Plain(text) => text.trim_end().to_owned(),
        Shown::Covered | Shown::LastFour(_) => house
            .portal
            .uncover(customer, place, &fact.id)
            .await
            .unwrap(),
        other => format!("{other:?}"),
    }
}

/// All facts of the connected systems that a customer sees: by collection, each entry's in one line, with its context.
async fn everything(house: &House, customer: &Customer) -> BTreeMap<String, Vec<String>> {
    let page = house
        .portal
        .my_data(customer, &Wanted::default())
        .await
        .unwrap();
    let parts = page.data.parts.iter().filter(|p| p.dataset != "portal");
    let mut all = BTreeMap::new();
    for part in parts {
        let mut entries = Vec::new();
        let (mut part, mut place) = (part.clone(), Place::MyData);
        if part.next.is_some() {
            let name = CollectionName::new(&part.dataset, &part.collection);
            place = Place::List(name.clone(), None);
            part = house
                .portal
                .list(customer, name, None, None)
                .await
                .unwrap()
                .part;
        }
        loop {
            entries.extend(lines(house, customer, &place, &part).await);
            let Some(next) = part.next.clone() else { break };
            let name = CollectionName::new(&part.dataset, &part.collection);
            place = Place::List(name.clone(), Some(next.clone()));
            part = house
                .portal
                .list(customer, name, Some(&next), None)
                .await
                .unwrap()
                .part;
        }
        entries.sort();
        all.insert(part.collection.to_lowercase().replace('_', ""), entries);
    }
    all
}

async fn lines(house: &House, customer: &Customer, place: &Place, part: &Part) -> Vec<String> {
    let mut lines = Vec::new();
    for entry in &part.entries {
        let context = entry.context.iter().flat_map(|c| &c.facts);
        let mut line = Vec::new();
        for fact in entry.facts.iter().chain(context) {
            line.push(words(house, customer, place, fact).await);
        }
        lines.push(line.join("|"));
    }
    lines
}

#[tokio::test]
async fn the_59_customers_see_the_same_on_every_engine() {
    let Some(file) = chinook_file().await else {
        return;
    };
    let path = shared("chinook/chinook.sqlite").unwrap();
    let emails: Vec<String> = sqlx::query_scalar("SELECT Email FROM Customer")
        .fetch_all(&mut crate::support::open(&path).await)
        .await
        .unwrap();
    assert_eq!(emails.len(), 59);
    let mut expected = BTreeMap::new();
    for email in &emails {
        let customer = file.new_customer(email, PASSWORD).await;
        expected.insert(email, everything(&file, &customer).await);
    }
    for server in [Server::Postgres, Server::MariaDb] {
        let Some((house, _)) = chinook_on(server, "same").await else {
            continue;
        };
        let mut counts = BTreeMap::new();
        for email in &emails {
            let customer = house.new_customer(email, PASSWORD).await;
            let seen = everything(&house, &customer).await;
            assert_eq!(seen, expected[email], "{server:?}");
            for (collection, entries) in seen {
                *counts.entry(collection).or_insert(0) += entries.len();
            }
        }
        let counts: Vec<(&str, usize)> = counts.iter().map(|(c, n)| (c.as_str(), *n)).collect();
        assert_eq!(
            counts,
            [("customer", 59), ("invoice", 412), ("invoiceline", 2_240)]
        );
    }
}

/// Unique values in the text columns of one customer's rows, and the statement that plants each.
fn planted(columns: &[(&str, &str, &str)], quote: char) -> (Vec<String>, String) {
    let mut sql = String::new();
    let mut markers = Vec::new();
    for (number, (table, column, row)) in columns.iter().enumerate() {
        let marker = format!("Mark{number}");
        write!(
            sql,
            "UPDATE {quote}{table}{quote} SET {quote}{column}{quote} = '{marker}' WHERE {row}; "
        )
        .unwrap();
        markers.push(marker);
    }
    (markers, sql)
}

async fn seen_markers(house: &House, email: &str, markers: &[String]) -> usize {
    let customer = house.new_customer(email, PASSWORD).await;
    let everything = everything(house, &customer).await;
    let words: BTreeSet<&str> = everything
        .values()
        .flatten()
        .flat_map(|l| l.split('|'))
        .collect();
    markers
        .iter()
        .filter(|m| words.contains(m.as_str()))
        .count()
}

#[tokio::test]
async fn every_text_of_a_chinook_customer_is_on_their_page() {
    let customer = [
        "FirstName",
        "LastName",
        "Company",
        "Address",
        "City",
        "State",
        "Country",
        "PostalCode",
        "Phone",
        "Fax",
    ];
    let bill = [
        "BillingAddress",
        "BillingCity",
        "BillingState",
        "BillingCountry",
        "BillingPostalCode",
    ];
    let columns = customer.map(|c| ("Customer", c, "CustomerId = 1"));
    let columns = columns
        .into_iter()
        .chain(bill.map(|c| ("Invoice", c, "CustomerId = 1")));
    let columns: Vec<_> = columns.collect();
    for server in [Server::Postgres, Server::MariaDb] {
        let Some((house, url)) = chinook_on(server, "marked").await else {
            continue;
        };
        let (markers, sql) = match server {
            Server::MariaDb => planted(&columns, '`'),
            Server::Postgres => {
                let names: Vec<[String; 3]> = columns
                    .iter()
                    .map(|(t, c, _)| [underscored(t), underscored(c), "customer_id = 1".to_owned()])
                    .collect();
                let columns: Vec<_> = names
                    .iter()
                    .map(|[t, c, r]| (t.as_str(), c.as_str(), r.as_str()))
                    .collect();
                planted(&columns, '"')
            }
        };
        server.run(&url, &sql).await;
        let seen = seen_markers(&house, "luisg@embraer.com.br", &markers).await;
        println!("Chinook on {server:?}: {seen} of {} markers", markers.len());
        assert_eq!(seen, markers.len(), "{server:?}");
    }
}

#[tokio::test]
async fn every_text_of_a_chinook_customer_is_in_their_copy() {
    let customer = [
        "FirstName",
        "LastName",
        "Company",
        "Address",
        "City",
        "State",
        "Phone",
        "Fax",
    ];
    let of = |id: &str| {
        let rows = format!("CustomerId = {id}");
        let own = customer.map(|column| ("Customer", column, rows.clone()));
        let bills = ["BillingAddress", "BillingCity"];
        let bills = bills.map(|column| ("Invoice", column, rows.clone()));
        own.into_iter().chain(bills).collect::<Vec<_>>()
    };
    // Those of the first customer, and then those of the second, who must not be there.
    let all: Vec<_> = of("1").into_iter().chain(of("2")).collect();
    let own = all.len() / 2;
    let columns: Vec<_> = all.iter().map(|(t, c, r)| (*t, *c, r.as_str())).collect();
    let holds = async |house: &House, markers: &[String], on: &str| {
        let customer = house.new_customer("luisg@embraer.com.br", PASSWORD).await;
        let files = taken(house, &customer, export::Wanted::Everything).await;
        let words = |ending: &str| {
            let of_kind = files.iter().filter(|(path, _)| path.ends_with(ending));
            let texts = of_kind.map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned());
            let all = texts.collect::<Vec<_>>().join("\n");
            let split = all.split(|c: char| !c.is_alphanumeric());
            split.map(str::to_owned).collect::<BTreeSet<_>>()
        };
        for ending in [".json", ".csv", ".html"] {
            let words = words(ending);
            let found = markers.iter().map(|mark| words.contains(mark));
            let found: Vec<bool> = found.collect();
            let mine = found[..own].iter().filter(|there| **there).count();
            println!("Chinook on {on}: {mine} of {own} markers in {ending}");
            assert_eq!(mine, own, "{on}, {ending}");
            assert!(
                !found[own..].contains(&true),
                "{on}, {ending}: of somebody else"
            );
        }
        let package: BTreeMap<String, Vec<serde_json::Value>> =
            serde_json::from_slice(&files["access-package.json"]).unwrap();
        let invoices = package
            .iter()
            .find(|(name, _)| name.to_lowercase().ends_with(":invoice"));
        assert_eq!(invoices.unwrap().1.len(), 7, "{on}");
    };
    if let Some(file) = shared("chinook/chinook.sqlite") {
        let setup = Setup::demo().await.with_catalog(&fixture("chinook"));
        let path = setup.folder().join("chinook.db");
        std::fs::copy(file, &path).unwrap();
        let (markers, sql) = planted(&columns, '"');
        let mut db = crate::support::open(&path).await;
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut db)
            .await
            .unwrap();
        let house = setup.with_system("chinook", &path).start().await;
        holds(&house, &markers, "SQLite").await;
    }
    for server in [Server::Postgres, Server::MariaDb] {
        let Some((house, url)) = chinook_on(server, "taken").await else {
            continue;
        };
        let (markers, sql) = match server {
            Server::MariaDb => planted(&columns, '`'),
            Server::Postgres => {
                let names: Vec<[String; 3]> = columns
                    .iter()
                    .map(|(t, c, r)| [underscored(t), underscored(c), underscored(r)])
                    .collect();
                let columns: Vec<_> = names
                    .iter()
                    .map(|[t, c, r]| (t.as_str(), c.as_str(), r.as_str()))
                    .collect();
                planted(&columns, '"')
            }
        };
        server.run(&url, &sql).await;
        holds(&house, &markers, &format!("{server:?}")).await;
    }
}

#[tokio::test]
async fn every_text_of_a_fides_customer_is_on_their_page() {
    let Some(script) = shared("fides/postgres_sample.sql") else {
        return;
    };
    let tables = std::fs::read_to_string(script).unwrap();
    let Some(url) = Server::Postgres.database("fides", &tables).await else {
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
    let (markers, sql) = planted(&columns, '"');
    Server::Postgres.run(&url, &sql).await;
    let setup = Setup::demo().await;
    let catalog = setup.folder().join("fides");
    std::fs::create_dir_all(catalog.join("datasets")).unwrap();
    std::fs::write(
        catalog.join("company.yml"),
        "name: Cookie House\nconnections: [shop]\n",
    )
    .unwrap();
    let file = std::fs::read_to_string(shared("fides/postgres_example_test_dataset.yml").unwrap())
        .unwrap();
    // Only the connection is added: Fides' files don't know ours.
    let file = file.replacen(
        "    collections:",
        "    portal: { connection: shop }\n    collections:",
        1,
    );
    std::fs::write(catalog.join("datasets/fides.yml"), file).unwrap();
    let house = setup
        .with_catalog(&catalog)
        .with_server("shop", "postgres", &url)
        .start()
        .await;
    let seen = seen_markers(&house, "customer-1@example.com", &markers).await;
    println!("Fides on Postgres: {seen} of {} markers", markers.len());
    assert_eq!(seen, markers.len());
    // Their page says of each that nobody has explained it yet, and of the tables that nobody described that they exist.
    let mut browser = house.browser();
    browser.log_in("customer-1@example.com", PASSWORD).await;
    let page = browser.get("/my-data").await.text();
    assert!(page.contains("backup_schema.customer"), "{page}");
    assert!(!page.contains("Jill") && !page.contains("987654321"));
}
