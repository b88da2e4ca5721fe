//! Take your data: all that a customer owns is in their copy and nothing of anybody else's, however much it is, whatever it is
//! called, and whatever breaks on the way.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fairhold_connect::{
    Collected, ConnectError, Connector, ErasedRows, Found, LongPiece, LongValue, Plan, ReadRequest,
    Reading, SqliteConnector, SqliteSettings,
};
use fairhold_domain::catalog::Dataset;
use fairhold_domain::contact_point::ContactPoints;
use fairhold_domain::export::Wanted;
use fairhold_domain::schema::LiveSchema;
use fairhold_portal::Customer;
use fairhold_portal::export::Stage;
use reqwest::Method;
use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, Row as _, SqliteConnection};
use tokio::sync::{Semaphore, mpsc};

use crate::support::{Browser, House, Setup, company, open, persona};

const ADA: &str = "ada@example.com";
const BEN: &str = "ben@example.com";
const DAY: i64 = 24 * 3600;

/// What is in an archive, by path.
pub type Files = BTreeMap<String, Vec<u8>>;

pub fn unpacked(archive: Vec<u8>) -> Files {
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(archive)).unwrap();
    let mut files = Files::new();
    for at in 0..zip.len() {
        let mut file = zip.by_index(at).unwrap();
        // A path that its reader trusts.
        let path = file.enclosed_name().expect("a safe path");
        let name = file.name().unwrap().into_owned();
        assert_eq!(path.to_str(), Some(name.as_str()));
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        assert!(files.insert(name, bytes).is_none());
    }
    files
}

fn text<'f>(files: &'f Files, path: &str) -> &'f str {
    let file = files.get(path);
    let file = file.unwrap_or_else(|| panic!("{path} is not in {:?}", files.keys()));
    std::str::from_utf8(file).unwrap()
}

fn json(files: &Files, path: &str) -> Value {
    serde_json::from_str(text(files, path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn all_text(files: &Files) -> String {
    let texts = files.values().map(|bytes| String::from_utf8_lossy(bytes));
    texts.collect::<Vec<_>>().join("\n")
}

/// Has a customer take something, and makes it; answers the archive as it is downloaded.
pub async fn taken(house: &House, customer: &Customer, wanted: Wanted) -> Files {
    let id = house.portal.ask_for_copy(customer, wanted).await.unwrap();
    house.work().await;
    let mut download = house
        .portal
        .download(customer, &id, None, None)
        .await
        .expect("it is ready");
    let mut archive = Vec::new();
    while let Some((bytes, rest)) = download.next().await.unwrap() {
        archive.extend(bytes);
        download = rest;
    }
    let files = unpacked(archive);
    holds_what_it_says(&files);
    files
}

/// The manifest tells the truth of every file.
fn holds_what_it_says(files: &Files) {
    let manifest = json(files, "manifest.json");
    let mut said = BTreeSet::from(["manifest.json".to_owned()]);
    for entry in manifest["files"].as_array().unwrap() {
        let path = entry["path"].as_str().unwrap();
        let bytes = &files[path];
        assert_eq!(entry["bytes"], bytes.len(), "{path}");
        let hash = fairhold_store::seal::hex(&Sha256::digest(bytes));
        assert_eq!(entry["sha256"], hash, "{path}");
        if Path::new(path).extension() == Some("json".as_ref()) && entry["rows"].is_u64() {
            let rows = json(files, path).as_array().unwrap().len();
            assert_eq!(entry["rows"], rows, "{path}");
        }
        said.insert(path.to_owned());
    }
    assert_eq!(said, files.keys().cloned().collect());
}

/// What stands in the folder of copies.
fn in_the_folder(house: &House) -> Vec<String> {
    let folder = &house.portal.settings().exports;
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}

async fn stages(house: &House, customer: &Customer) -> Vec<Stage> {
    let copies = house.portal.copies(customer).await.unwrap().copies;
    copies.into_iter().map(|copy| copy.stage).collect()
}

async fn demo_customer(house: &House, email: &str) -> Customer {
    house.new_customer(email, persona(email).password).await
}

/// Plants a mark of its own in each text column of each of the first rows that belong to somebody; answers the marks.
async fn plant(db: &mut SqliteConnection, name: &str, tables: &[(&str, &str)]) -> Vec<String> {
    let mut marks = Vec::new();
    for (table, whose) in tables {
        let columns: Vec<(String, String)> =
            sqlx::query_as("SELECT name, type FROM pragma_table_info($1)")
                .bind(table)
                .fetch_all(&mut *db)
                .await
                .unwrap();
        let rows = format!("SELECT rowid FROM {table} WHERE {whose} ORDER BY rowid LIMIT 4");
        let rows: Vec<i64> = sqlx::query(AssertSqlSafe(rows))
            .fetch_all(&mut *db)
            .await
            .unwrap()
            .iter()
            .map(|row| row.get(0))
            .collect();
        for (column, kind) in columns {
            let is_key = column == "id" || column.ends_with("_id") || column == "email";
            if kind != "TEXT" || is_key || column.contains("password") {
                continue;
            }
            for row in &rows {
                let mark = format!("mark{name}{}x", marks.len());
                let sql = format!("UPDATE {table} SET {column} = '{mark}' WHERE rowid = {row}");
                // A column that takes only words of its own has no place for a mark.
                if sqlx::query(AssertSqlSafe(sql))
                    .execute(&mut *db)
                    .await
                    .is_ok()
                {
                    marks.push(mark);
                }
            }
        }
    }
    marks
}

/// The demo company with marks in what belongs to these two.
async fn marked() -> (House, [Vec<String>; 2]) {
    let mut setup = Setup::demo().await;
    let mut marks = [Vec::new(), Vec::new()];
    for system in ["shop", "analytics", "newsletter"] {
        let path = setup.folder().join(format!("{system}.db"));
        std::fs::copy(company().await.join(format!("{system}.db")), &path).unwrap();
        let mut db = open(&path).await;
        for (email, marks) in [ADA, BEN].iter().zip(&mut marks) {
            let (people, key) = match system {
                "shop" => ("customers", "customer_id"),
                "analytics" => ("visitors", "visitor_id"),
                _ => ("subscribers", "subscriber_id"),
            };
            let own = format!("lower(email) = '{email}'");
            let theirs = format!("{key} IN (SELECT id FROM {people} WHERE {own})");
            let clicks = format!("open_id IN (SELECT id FROM opens WHERE {theirs})");
            let tables: &[&str] = match system {
                "shop" => &[
                    "addresses",
                    "orders",
                    "order_lines",
                    "loyalty_points",
                    "returns",
                ],
                "analytics" => &[
                    "page_views",
                    "searches",
                    "devices",
                    "interests",
                    "guesses",
                    "bought_facts",
                ],
                _ => &["opens"],
            };
            let mut all: Vec<(&str, &str)> = vec![(people, &own)];
            all.extend(tables.iter().map(|table| (*table, theirs.as_str())));
            if system == "newsletter" {
                all.push(("clicks", &clicks));
            }
            let name = format!("{}{system}", &email[..3]);
            marks.extend(plant(&mut db, &name, &all).await);
        }
        setup = setup.with_system(system, &path);
    }
    (setup.start().await, marks)
}

#[tokio::test]
async fn all_that_a_customer_owns_is_in_their_copy_and_nothing_of_anybody_elses() {
    let (house, [adas, bens]) = marked().await;
    let ada = demo_customer(&house, ADA).await;
    demo_customer(&house, BEN).await;
    let files = taken(&house, &ada, Wanted::Everything).await;
    println!(
        "the demo company: {} marks, {} files",
        adas.len(),
        files.len()
    );
    assert!(
        adas.len() > 60 && bens.len() > 30,
        "{} {}",
        adas.len(),
        bens.len()
    );
    let of_kind = |ending: &str| {
        let mut files = files.clone();
        files.retain(|path, _| path.ends_with(ending) && path.contains('/'));
        all_text(&files)
    };
    let (rows, tables) = (of_kind(".json"), of_kind(".csv"));
    let package = text(&files, "access-package.json");
    for mark in &adas {
        assert!(rows.contains(mark), "{mark} in JSON");
        assert!(tables.contains(mark), "{mark} in CSV");
        assert!(package.contains(mark), "{mark} in the access package");
    }
    let all = all_text(&files);
    for mark in &bens {
        assert!(!all.contains(mark), "{mark} is Ben's");
    }
    assert!(!all.contains(BEN));
    // In the shape that Fides answers with: all rows by dataset and collection.
    let package: BTreeMap<String, Vec<Value>> = serde_json::from_str(package).unwrap();
    assert_eq!(package["shop:orders"].len(), 9);
    assert_eq!(package["portal:account"][0]["email"], ADA);
    assert!(package["shop:orders"][0]["id"].is_number());
    // What is withheld is named with its reason, and its value is nowhere.
    let manifest = json(&files, "manifest.json");
    let left_out = manifest["not_included"].as_array().unwrap();
    let password = left_out
        .iter()
        .find(|l| l["field"] == "password_hash")
        .unwrap();
    assert_eq!(password["why"], "withheld");
    assert!(!all.contains("$argon2"));
    assert!(files.contains_key("who-looked.csv"));
}

#[tokio::test]
async fn the_page_in_it_reads_like_my_data_and_loads_nothing() {
    let house = House::demo().await;
    let ada = demo_customer(&house, ADA).await;
    house
        .portal
        .allow(&ada, "offers_by_text", 2, true)
        .await
        .ok();
    let files = taken(&house, &ada, Wanted::Everything).await;
    let page = text(&files, "index.html");
    for words in [
        "How to reach you",
        "What we worked out about you",
        "Why we hold this",
        "You gave it",
    ] {
        assert!(page.contains(words), "{words}");
    }
    for outside in [
        "http:", "https:", "src=", "@import", "url(", "<script", "<link",
    ] {
        assert!(!page.contains(outside), "{outside}");
    }
    // Every link leads to a file that is there, or to a place on the page.
    for (_, href) in crate::html::attributes(page, "href") {
        let is_there =
            files.contains_key(&href) || href.starts_with('#') || href.starts_with("mailto:");
        assert!(is_there, "{href}");
    }
    // What My data covers is not covered here: it is theirs.
    assert!(!page.contains("Covered"), "{page}");
}

#[tokio::test]
async fn a_part_is_that_part_and_no_more() {
    let house = House::demo().await;
    let ada = demo_customer(&house, ADA).await;
    let folders = |files: &Files| -> BTreeSet<String> {
        let folders = files.keys().filter_map(|path| path.split_once('/'));
        folders.map(|(folder, _)| folder.to_owned()).collect()
    };
    let news = taken(&house, &ada, Wanted::Dataset("newsletter".to_owned())).await;
    assert_eq!(folders(&news), BTreeSet::from(["newsletter".to_owned()]));
    assert!(!news.contains_key("who-looked.csv"));
    let reach = Wanted::parse("group:how-to-reach-you").unwrap();
    let reach = taken(&house, &ada, reach).await;
    let all = all_text(&reach);
    assert!(all.contains(ADA), "{all}");
    assert!(
        !reach.contains_key("shop/orders.json"),
        "{:?}",
        reach.keys()
    );
    let nobody = Wanted::Dataset("nowhere".to_owned());
    assert!(matches!(
        house.portal.ask_for_copy(&ada, nobody).await,
        Err(fairhold_portal::Error::NotFound)
    ));
}

const SHOP: &str = "dataset:
  - fides_key: shop
    name: Our shop
    portal: { connection: shop }
    collections:
      - name: people
        fields: [{ name: id, fides_meta: { primary_key: true } }, { name: email, fides_meta: { identity: email }, portal: { verified: true } }]
      - name: visits
        portal: { rows: own, shown_as: list, label: Your visits, one_row: visit }
        fields:
          - { name: id, fides_meta: { primary_key: true } }
          - { name: person, fides_meta: { references: [{ dataset: shop, field: people.id, direction: from }] } }
          - { name: said, portal: { label: What you said } }
";

/// A shop with so many visits of ada's, and twice as many of ben's; with a catalog of its own.
async fn shop_with(visits: u32) -> (Setup, PathBuf) {
    let setup = Setup::demo().await;
    let path = setup.folder().join("visits.db");
    std::fs::File::create(&path).unwrap();
    let mut db = open(&path).await;
    let tables = format!(
        "CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT);
        CREATE TABLE visits (id INTEGER PRIMARY KEY, person INTEGER, said TEXT, price REAL, at TIMESTAMP);
        CREATE INDEX visits_person ON visits (person, id);
        INSERT INTO people VALUES (1, 'ada@example.com'), (2, 'ben@example.com');
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {visits})
        INSERT INTO visits SELECT i, 1, 'visit ' || i || ' of ada', i / 4.0, '2024-05-03 10:00:00' FROM n;
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)
        INSERT INTO visits SELECT i + 1000000, 2, 'of somebody else ' || i, 1, NULL FROM n;"
    );
    sqlx::raw_sql(AssertSqlSafe(tables))
        .execute(&mut db)
        .await
        .unwrap();
    let catalog = setup.folder().join("visits-catalog");
    std::fs::create_dir_all(catalog.join("datasets")).unwrap();
    std::fs::write(
        catalog.join("company.yml"),
        "name: A shop\nconnections: [shop]\n",
    )
    .unwrap();
    std::fs::write(catalog.join("datasets/shop.yml"), SHOP).unwrap();
    (
        setup.with_catalog(&catalog).with_system("shop", &path),
        path,
    )
}

#[tokio::test]
async fn all_of_20_000_rows_are_there() {
    let (setup, _) = shop_with(20_000).await;
    let house = setup.start().await;
    let ada = demo_customer(&house, ADA).await;
    let files = taken(&house, &ada, Wanted::Everything).await;
    let rows = json(&files, "shop/visits.json");
    let ids: BTreeSet<u64> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["id"].as_u64().unwrap())
        .collect();
    assert_eq!(
        (ids.len(), ids.first(), ids.last()),
        (20_000, Some(&1), Some(&20_000))
    );
    assert_eq!(
        rows[0]["price"].as_f64(),
        rows[0]["id"].as_f64().map(|id| id / 4.0)
    );
    assert_eq!(rows[0]["at"], "2024-05-03T10:00:00");
    let table = text(&files, "shop/visits.csv");
    assert_eq!(table.lines().count(), 20_001);
    let package = json(&files, "access-package.json");
    assert_eq!(package["shop:visits"].as_array().unwrap().len(), 20_000);
    assert!(!all_text(&files).contains("somebody else"));
    let page = text(&files, "index.html");
    assert!(page.contains("19,980 more are in the files."), "{page}");
}

#[tokio::test]
async fn long_texts_and_files_are_there_in_full_and_what_is_not_is_named() {
    let (setup, path) = shop_with(3).await;
    let mut db = open(&path).await;
    let long = "=1+\"2\",'ß💚\r\n".repeat(300_000);
    let picture: Vec<u8> = (0..=255).cycle().take(200_001).collect();
    let mut damaged = vec![b'd'; 70_000];
    damaged.push(0xff);
    let bens = vec![b'e'; 99_000];
    for (id, said) in [
        (1, long.as_bytes()),
        (2, &damaged[..]),
        (1_000_001, &bens[..]),
    ] {
        sqlx::query("UPDATE visits SET said = CAST($1 AS TEXT) WHERE id = $2")
            .bind(said)
            .bind(id)
            .execute(&mut db)
            .await
            .unwrap();
    }
    sqlx::query("UPDATE visits SET said = $1 WHERE id = 3")
        .bind(&picture)
        .execute(&mut db)
        .await
        .unwrap();
    let house = setup.start().await;
    let ada = demo_customer(&house, ADA).await;
    let files = taken(&house, &ada, Wanted::Everything).await;
    let package = json(&files, "access-package.json");
    for rows in [&json(&files, "shop/visits.json"), &package["shop:visits"]] {
        let said = |id: u64| {
            let rows = rows.as_array().unwrap();
            rows.iter().find(|row| row["id"] == id).unwrap()["said"]
                .as_str()
                .unwrap()
        };
        assert!(said(1) == long, "a long text");
        assert_eq!(said(2), "d".repeat(1_000), "how a damaged one begins");
        assert!(STANDARD.decode(said(3)).unwrap() == picture, "a file");
    }
    let table = text(&files, "shop/visits.csv");
    assert!(table.contains(&format!("1,1,\"'{}\",", long.replace('"', "\"\""))));
    assert!(!all_text(&files).contains("eeee"));
    let manifest = json(&files, "manifest.json");
    assert_eq!(
        manifest["not_in_full"],
        serde_json::json!([{
            "dataset": "shop", "collection": "visits", "row": [2], "field": "said", "bytes": 70_001, "why": "damaged",
        }])
    );
    let included = manifest["included"].as_array().unwrap();
    let visits = included.iter().find(|c| c["collection"] == "visits");
    assert_eq!(visits.unwrap()["not_in_full"], 1);
    let page = text(&files, "index.html");
    for words in [
        "A text of 4 MB. It is in the table.",
        "A file of 200 kB. It is in the JSON file.",
        "It is damaged, so nobody can read it.",
    ] {
        assert!(page.contains(words), "{words}");
    }
    assert!(page.len() < 100_000, "the page has only how it begins");
    assert_eq!(
        in_the_folder(&house).len(),
        1,
        "nothing but the copy is left"
    );
}

#[tokio::test]
async fn formulas_are_text_and_odd_names_are_plain() {
    let (setup, path) = shop_with(3).await;
    let mut db = open(&path).await;
    let long = "n".repeat(900);
    let sql = format!(
        "UPDATE visits SET said = '=HYPERLINK(\"http://evil.example\",\"x\")' WHERE id = 1;
        UPDATE visits SET said = char(0) || '</script><b>' || char(8238) WHERE id = 2;
        CREATE TABLE \"../../x\" (id INTEGER PRIMARY KEY, person INTEGER, said TEXT);
        INSERT INTO \"../../x\" VALUES (1, 1, 'from above'), (2, 2, 'of somebody else');
        CREATE TABLE \"{long}\" (id INTEGER PRIMARY KEY, person INTEGER, said TEXT);
        INSERT INTO \"{long}\" VALUES (1, 1, 'from afar');
        CREATE TABLE \"Visits?\" (id INTEGER PRIMARY KEY, person INTEGER, \"=1+1\" TEXT);
        INSERT INTO \"Visits?\" VALUES (1, 1, 'from nearby');"
    );
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(&mut db)
        .await
        .unwrap();
    let mut more = String::new();
    for name in ["../../x", &long, "Visits?"] {
        let one = format!(
            "      - name: \"{name}\"\n        portal: {{ rows: own }}\n        fields:\n          \
             - {{ name: person, fides_meta: {{ references: [{{ dataset: shop, field: people.id, direction: from }}] }} }}\n"
        );
        more.push_str(&one);
    }
    let catalog = setup.config.company.catalog.clone();
    std::fs::write(catalog.join("datasets/shop.yml"), format!("{SHOP}{more}")).unwrap();
    let house = setup.start().await;
    let ada = demo_customer(&house, ADA).await;
    let files = taken(&house, &ada, Wanted::Everything).await;
    let table = text(&files, "shop/visits.csv");
    assert!(
        table.contains("\"'=HYPERLINK(\"\"http://evil.example\"\""),
        "{table}"
    );
    let rows = json(&files, "shop/visits.json");
    let said = |id: u64| {
        rows.as_array()
            .unwrap()
            .iter()
            .find(|r| r["id"] == id)
            .unwrap()["said"]
            .clone()
    };
    assert_eq!(said(1), "=HYPERLINK(\"http://evil.example\",\"x\")");
    assert_eq!(said(2), "\0</script><b>\u{202e}");
    assert!(!text(&files, "index.html").contains("</script><b>"));
    let all = all_text(&files);
    for words in ["from above", "from afar", "from nearby"] {
        assert!(all.contains(words), "{words}");
    }
    assert!(!all.contains("somebody else"));
    for path in files.keys() {
        let plain = path
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_./".contains(&b));
        assert!(plain && path.len() < 150 && !path.contains(".."), "{path}");
    }
    assert!(text(&files, "shop/Visits_.csv").starts_with("id,person,\"'=1+1\""));
}

/// A system that answers the first page, and each further one only when the test lets it.
struct Gated {
    inner: SqliteConnector,
    gate: Arc<Semaphore>,
    /// Tells that somebody waits at the gate.
    waits: Arc<Semaphore>,
}

impl Gated {
    fn new(path: &std::path::Path) -> (Self, Arc<Semaphore>, Arc<Semaphore>) {
        let (gate, waits) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let inner = SqliteConnector::new(SqliteSettings {
            path: path.to_owned(),
            max_connections: 4,
            timeout: Duration::from_secs(20),
        });
        let this = Self {
            inner,
            gate: gate.clone(),
            waits: waits.clone(),
        };
        (this, gate, waits)
    }
}

#[async_trait]
impl Connector for Gated {
    async fn describe(&self) -> Result<LiveSchema, ConnectError> {
        self.inner.describe().await
    }

    fn plan(&self, datasets: &[Dataset], schema: &LiveSchema) -> Plan {
        self.inner.plan(datasets, schema)
    }

    async fn find(
        &self,
        plan: &Plan,
        contacts: &ContactPoints,
    ) -> Result<Vec<Found>, ConnectError> {
        self.inner.find(plan, contacts).await
    }

    async fn read(&self, plan: &Plan, request: &ReadRequest) -> Result<Reading, ConnectError> {
        if request.only.is_some() {
            self.waits.add_permits(1);
            self.gate.acquire().await.unwrap().forget();
        }
        self.inner.read(plan, request).await
    }

    async fn collect(&self, plan: &Plan, request: &ReadRequest) -> Result<Collected, ConnectError> {
        self.inner.collect(plan, request).await
    }

    async fn erase(
        &self,
        plan: &Plan,
        request: &ReadRequest,
        collected: &Collected,
        again: bool,
        secret: &[u8],
    ) -> Result<Vec<ErasedRows>, ConnectError> {
        self.inner
            .erase(plan, request, collected, again, secret)
            .await
    }

    async fn long_values(
        &self,
        plan: &Plan,
        request: &ReadRequest,
        wanted: &[LongValue],
        pieces: mpsc::Sender<LongPiece>,
    ) -> Result<(), ConnectError> {
        self.inner.long_values(plan, request, wanted, pieces).await
    }
}

/// A shop of many visits whose further pages wait at a gate.
async fn gated(timeout: Duration) -> (House, Arc<Semaphore>, Arc<Semaphore>) {
    let (setup, path) = shop_with(2_000).await;
    let (connector, gate, waits) = Gated::new(&path);
    let house = setup
        .with_connector("shop", connector, timeout)
        .start()
        .await;
    (house, gate, waits)
}

#[tokio::test]
async fn a_system_that_stops_answering_is_named_and_the_rest_is_there() {
    let (house, ..) = gated(Duration::from_millis(300)).await;
    let mut browser = house.logged_in(ADA).await;
    let ada = customer_of(&house).await;
    let files = taken(&house, &ada, Wanted::Everything).await;
    let manifest = json(&files, "manifest.json");
    let left_out = &manifest["not_included"].as_array().unwrap()[0];
    assert_eq!(
        (&left_out["why"], &left_out["collection"]),
        (&"slow".into(), &"visits".into())
    );
    let visits = manifest["included"]
        .as_array()
        .unwrap()
        .iter()
        .find(|c| c["collection"] == "visits")
        .unwrap();
    assert_eq!(
        (&visits["rows"], &visits["complete"]),
        (&50.into(), &false.into())
    );
    assert!(text(&files, "index.html").contains("Our shop did not answer in time."));
    assert_eq!(json(&files, "portal/account.json")[0]["email"], ADA);
    let page = browser.get("/download").await.text();
    assert!(
        page.contains("Our shop did not answer. Everything else is here."),
        "{page}"
    );
    assert!(page.contains("Try again"), "{page}");
}

/// The one customer there is.
async fn customer_of(house: &House) -> Customer {
    let id: String = sqlx::query_scalar("SELECT customer_id FROM customers")
        .fetch_one(&mut house.database().await)
        .await
        .unwrap();
    let id = fairhold_domain::ids::CustomerId::parse(&id).unwrap();
    house.portal.customer(id).await.unwrap()
}

#[tokio::test]
async fn progress_is_told_and_a_copy_that_is_called_off_leaves_nothing() {
    let (house, gate, waits) = gated(Duration::from_secs(20)).await;
    let mut browser = house.logged_in(ADA).await;
    let ada = customer_of(&house).await;
    let id = house
        .portal
        .ask_for_copy(&ada, Wanted::Everything)
        .await
        .unwrap();
    let portal = house.portal.clone();
    let working = tokio::spawn(async move { portal.run_due_jobs().await });
    waits.acquire().await.unwrap().forget();
    let page = browser.get("/download").await;
    assert!(
        page.text().contains("of about 2,001 rows."),
        "{}",
        page.text()
    );
    assert!(page.body.contains("http-equiv=\"refresh\""));
    // Other jobs go on beside it.
    let other = tokio::time::timeout(Duration::from_secs(10), house.mail_to(BEN));
    other.await.expect("nothing holds the other jobs up");
    let stop = browser
        .post("/download", &[("act", "cancel"), ("id", &id)])
        .await;
    assert_eq!(stop.location(), "/download");
    gate.add_permits(1_000);
    working.await.unwrap().unwrap();
    assert_eq!(stages(&house, &ada).await, [Stage::Cancelled]);
    assert_eq!(in_the_folder(&house), [""; 0]);
    let page = browser.get("/download").await;
    assert!(!page.body.contains("http-equiv=\"refresh\""));
    // Once more, by the customer.
    let portal = house.portal.clone();
    let worker = tokio::spawn(async move { portal.work(std::future::pending()).await });
    let again = browser
        .post("/download", &[("act", "again"), ("id", &id)])
        .await;
    assert_eq!(again.location(), "/download");
    worker.abort();
    assert!(matches!(
        stages(&house, &ada).await[..],
        [Stage::Ready { .. }]
    ));
}

#[tokio::test]
async fn a_copy_whose_maker_died_is_made_once_by_another() {
    let (house, gate, waits) = gated(Duration::from_secs(20)).await;
    house.add(ADA).await;
    let ada = customer_of(&house).await;
    house
        .portal
        .ask_for_copy(&ada, Wanted::Everything)
        .await
        .unwrap();
    let portal = house.portal.clone();
    let first = tokio::spawn(async move { portal.run_due_jobs().await });
    waits.acquire().await.unwrap().forget();
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    // What a killed process leaves behind lies there as well.
    let left = house
        .portal
        .settings()
        .exports
        .join("0123456789abcdef.0.json");
    std::fs::write(&left, "left behind").unwrap();
    assert!(matches!(
        stages(&house, &ada).await[..],
        [Stage::Working { .. }]
    ));
    gate.add_permits(1_000);
    // Until its time is over it is the first one's.
    house.portal.run_due_jobs().await.unwrap();
    assert!(matches!(
        stages(&house, &ada).await[..],
        [Stage::Working { .. }]
    ));
    house.clock.pass(121);
    house.work().await;
    assert!(matches!(
        stages(&house, &ada).await[..],
        [Stage::Ready { .. }]
    ));
    house.clock.pass(3_600);
    house.work().await;
    assert!(!left.exists(), "swept");
    assert_eq!(in_the_folder(&house).len(), 1);
    // It took long, so it was announced, without a word on what is in it.
    let mails = house.mail_to(ADA).await;
    let ready: Vec<_> = mails
        .iter()
        .filter(|(subject, _)| subject.contains("is ready"))
        .collect();
    assert_eq!(ready.len(), 1, "{mails:?}");
    assert!(ready[0].1.contains("/download"));
}

#[tokio::test]
async fn a_worker_that_stops_gives_the_copy_back_at_once() {
    let (house, gate, waits) = gated(Duration::from_secs(20)).await;
    house.add(ADA).await;
    let ada = customer_of(&house).await;
    house
        .portal
        .ask_for_copy(&ada, Wanted::Everything)
        .await
        .unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let portal = house.portal.clone();
    let worker = tokio::spawn(async move {
        portal
            .work(async move { stopped.await.unwrap_or(()) })
            .await;
    });
    waits.acquire().await.unwrap().forget();
    stop.send(()).unwrap();
    worker.await.unwrap();
    gate.add_permits(1_000);
    house.work().await;
    assert!(matches!(
        stages(&house, &ada).await[..],
        [Stage::Ready { .. }]
    ));
}

#[tokio::test]
async fn small_copies_are_there_when_the_page_comes_back_and_two_at_once_are_one() {
    let house = House::demo().await;
    let (mut ada, mut ben) = (house.logged_in(ADA).await, house.logged_in(BEN).await);
    let portal = house.portal.clone();
    let worker = tokio::spawn(async move { portal.work(std::future::pending()).await });
    let take = [("act", "take"), ("what", "everything")];
    let (mut left, mut right) = (ada.clone(), ada.clone());
    let (one, two, bens) = tokio::join!(
        left.post("/download", &take),
        right.post("/download", &take),
        ben.post("/download", &take)
    );
    for answer in [one, two, bens] {
        assert_eq!(answer.location(), "/download");
    }
    let page = ada.get("/download").await;
    assert_eq!(links(&page.body).len(), 1, "{}", page.text());
    assert!(
        page.text().contains("Everything that we hold about you"),
        "{}",
        page.text()
    );
    let bens = ben.get("/download").await;
    let [link] = &links(&bens.body)[..] else {
        panic!("{}", bens.text());
    };
    // Another customer's name for a copy opens nothing.
    assert_eq!(ada.get(link).await.status, 404);
    assert_eq!(ben.get(link).await.status, 200);
    worker.abort();
    // It was quick, so no mail was sent.
    let mails = house.mail_to(ADA).await;
    assert!(
        mails
            .iter()
            .all(|(subject, _)| !subject.contains("is ready"))
    );
}

fn links(page: &str) -> Vec<String> {
    let all = crate::html::attributes(page, "href")
        .into_iter()
        .map(|(_, href)| href);
    all.filter(|href| href.starts_with("/download/")).collect()
}

/// A logged-in browser with a copy that is ready; answers its address.
async fn with_copy() -> (House, Browser, String) {
    let house = House::demo().await;
    let mut ada = house.logged_in(ADA).await;
    let customer = customer_of(&house).await;
    house
        .portal
        .ask_for_copy(&customer, Wanted::Everything)
        .await
        .unwrap();
    house.work().await;
    let page = ada.get("/download").await;
    let link = links(&page.body).pop().unwrap();
    (house, ada, link)
}

#[tokio::test]
async fn a_download_goes_on_where_it_broke_off_and_each_is_a_look() {
    let (house, mut ada, link) = with_copy().await;
    let looks = house.looks().await.len();
    let whole = ada.get(&link).await;
    assert_eq!(whole.status, 200);
    assert_eq!(whole.header("content-type"), "application/zip");
    assert!(
        whole
            .header("content-disposition")
            .starts_with("attachment; filename=\"your-data-2020-01-15.zip\"")
    );
    assert_eq!(
        (whole.header("cache-control"), whole.header("accept-ranges")),
        ("no-store", "bytes")
    );
    assert_eq!(
        whole.header("content-length"),
        whole.bytes.len().to_string()
    );
    let recorded = house.looks().await;
    assert_eq!(recorded.len(), looks + 1);
    assert_eq!(recorded.last().unwrap()["act"], "exported");
    let tag = whole.header("etag").to_owned();
    let mut part =
        async |headers: &[(&str, &str)]| ada.send(Method::GET, &link, headers, Vec::new()).await;
    let bytes = &whole.bytes;
    let end = bytes.len() - 1;
    for (range, first, last) in [
        ("bytes=0-9".to_owned(), 0, 9),
        ("bytes=70000-".to_owned(), 70_000.min(end), end),
        (format!("bytes={}-", end - 4), end - 4, end),
        ("bytes=-7".to_owned(), end - 6, end),
    ] {
        let answer = part(&[("range", &range)]).await;
        if first >= bytes.len() || (range == "bytes=70000-" && end < 70_000) {
            assert_eq!(answer.status, 416, "{range}");
            continue;
        }
        assert_eq!(answer.status, 206, "{range}");
        assert_eq!(answer.bytes, bytes[first..=last], "{range}");
        assert_eq!(
            answer.header("content-range"),
            format!("bytes {first}-{last}/{}", bytes.len())
        );
    }
    let same = part(&[("range", "bytes=5-9"), ("if-range", &tag)]).await;
    assert_eq!((same.status, &same.bytes[..]), (206, &bytes[5..=9]));
    let other = part(&[("range", "bytes=5-9"), ("if-range", "\"another\"")]).await;
    assert_eq!((other.status, other.bytes.len()), (200, bytes.len()));
    let nowhere = part(&[("range", "bytes=999999999-")]).await;
    assert_eq!(nowhere.status, 416);
    assert_eq!(
        nowhere.header("content-range"),
        format!("bytes */{}", bytes.len())
    );
    let told = ada.get("/who-looked").await.text();
    assert!(told.contains("You took a copy of"), "{told}");
    unpacked(whole.bytes);
}

#[tokio::test]
async fn a_copy_is_sealed_and_only_its_customer_gets_it_and_not_for_long() {
    let (house, mut ada, link) = with_copy().await;
    let [file] = &in_the_folder(&house)[..] else {
        panic!("one file")
    };
    let path = house.portal.settings().exports.join(file);
    let sealed = std::fs::read(&path).unwrap();
    for plain in [&b"PK\x03\x04"[..], b"index.html", ADA.as_bytes()] {
        assert!(
            !sealed.windows(plain.len()).any(|w| w == plain),
            "{plain:?}"
        );
    }
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert!(
        house
            .browser()
            .get(&link)
            .await
            .location()
            .starts_with("/log-in")
    );
    // Who did not show for a while who they are is asked once more, to take it and to have another one made.
    house.clock.pass(601);
    assert_eq!(
        ada.get(&link).await.location(),
        format!("/still-you?next={link}")
    );
    let asked = ada
        .post("/download", &[("act", "take"), ("what", "everything")])
        .await;
    assert_eq!(asked.location(), "/still-you?next=/download");
    let fields = [("password", persona(ADA).password), ("next", link.as_str())];
    assert_eq!(ada.post("/still-you", &fields).await.location(), link);
    assert_eq!(ada.get(&link).await.status, 200);
    // Bytes that were changed are not handed on.
    let mut broken = sealed.clone();
    broken[100] ^= 1;
    std::fs::write(&path, &broken).unwrap();
    assert_eq!(ada.get(&link).await.status, 404);
    std::fs::write(&path, &sealed).unwrap();
    // After a week it is gone, and so is its file.
    house.clock.pass(7 * DAY);
    house.work().await;
    assert_eq!(in_the_folder(&house), [""; 0]);
    let customer = customer_of(&house).await;
    assert_eq!(stages(&house, &customer).await, []);
}

#[tokio::test]
async fn a_customer_deletes_a_copy_and_has_room_for_five() {
    let (house, mut ada, link) = with_copy().await;
    let id = link.rsplit('/').next().unwrap();
    ada.post("/download", &[("act", "delete"), ("id", id)])
        .await;
    assert_eq!(in_the_folder(&house), [""; 0]);
    assert_eq!(ada.get(&link).await.status, 404);
    let customer = customer_of(&house).await;
    for dataset in ["shop", "newsletter", "analytics", "portal"] {
        let wanted = Wanted::Dataset(dataset.to_owned());
        house.portal.ask_for_copy(&customer, wanted).await.unwrap();
        house.work().await;
    }
    house
        .portal
        .ask_for_copy(&customer, Wanted::Everything)
        .await
        .unwrap();
    house.work().await;
    let full = ada
        .post("/download", &[("act", "take"), ("what", "group:about-you")])
        .await;
    assert_eq!(full.status, 422);
    assert!(full.text().contains("Delete one"), "{}", full.text());
    assert_eq!(in_the_folder(&house).len(), 5);
    for wrong in ["", "nothing", "dataset:none"] {
        let answer = ada
            .post("/download", &[("act", "take"), ("what", wrong)])
            .await;
        assert!(
            (400..500).contains(&answer.status),
            "{wrong}: {}",
            answer.status
        );
    }
}

#[tokio::test]
async fn a_folder_that_can_not_be_written_is_said_and_tried_again() {
    let house = House::demo().await;
    let mut browser = house.logged_in(ADA).await;
    let ada = customer_of(&house).await;
    // A file stands where the folder should be.
    let folder = house.portal.settings().exports.clone();
    std::fs::write(&folder, "in the way").unwrap();
    let id = house
        .portal
        .ask_for_copy(&ada, Wanted::Everything)
        .await
        .unwrap();
    for _ in 0..6 {
        house.work().await;
        house.clock.pass(20);
    }
    assert_eq!(stages(&house, &ada).await, [Stage::Failed]);
    let page = browser.get("/download").await.text();
    assert!(page.contains("Something went wrong on our side"), "{page}");
    std::fs::remove_file(&folder).unwrap();
    house.portal.try_copy_again(&ada, &id).await.unwrap();
    house.work().await;
    assert!(matches!(
        stages(&house, &ada).await[..],
        [Stage::Ready { .. }]
    ));
}
