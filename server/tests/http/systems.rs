//! Connected systems that are gone, damaged, slow or hostile: their part of the page says so, and the rest is shown.

use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use fairhold_connect::{
    Collected, ConnectError, Connector, ErasedRows, Found, LongPiece, LongValue, Plan, ReadRequest,
    Reading,
};
use fairhold_domain::catalog::Dataset;
use fairhold_domain::contact_point::ContactPoints;
use fairhold_domain::schema::LiveSchema;
use tokio::sync::mpsc;

use crate::html;
use crate::support::{House, Setup, company, open};

const ADA: &str = "ada@example.com";

/// A copy of one of the demo company's files, to be spoilt.
async fn copy(setup: &Setup, name: &str) -> PathBuf {
    let path = setup.folder().join(format!("{name}.db"));
    std::fs::copy(company().await.join(format!("{name}.db")), &path).unwrap();
    path
}

/// The rest of the page is there.
fn shows_the_shop(text: &str) {
    assert!(text.contains(&format!(" E-mail address {ADA} ")), "{text}");
    assert!(text.contains("9 orders"), "{text}");
}

#[tokio::test]
async fn a_system_that_is_gone_leaves_its_part_saying_so() {
    let setup = Setup::demo().await;
    let path = copy(&setup, "analytics").await;
    let house = setup.with_system("analytics", &path).start().await;
    let mut ada = house.logged_in(ADA).await;
    assert!(
        ada.get("/my-data")
            .await
            .text()
            .contains("You seem to shop")
    );
    std::fs::remove_file(&path).unwrap();

    // Open connections may still read what has been unlinked; a portal that starts now finds nothing.
    let setup = Setup::demo().await;
    let house = setup.with_system("analytics", &path).start().await;
    let mut ada = house.logged_in(ADA).await;
    let page = ada.get("/my-data").await;
    assert_eq!(page.status, 200);
    let text = page.text();
    shows_the_shop(&text);
    assert!(
        text.contains("Our website can’t be reached just now, so what it holds is missing here."),
        "{text}"
    );
    assert!(
        text.contains("We hold at least"),
        "the count says that it is not the whole"
    );
    assert!(text.contains("A part is missing: see below.") && !text.contains("Nothing is hidden."));
    let looks = house.looks().await;
    assert_eq!(
        looks.last().unwrap()["failed"],
        serde_json::json!(["analytics"])
    );

    let list = ada.get("/my-data/analytics/page_views").await;
    assert_eq!(list.status, 503);
    assert!(
        list.text()
            .contains("The system that holds this does not answer just now.")
    );
    assert_eq!(list.header("retry-after"), "60");
    assert!(
        ada.get("/who-looked")
            .await
            .text()
            .contains("This did not answer then: Our website.")
    );
}

#[tokio::test]
async fn rows_that_nobody_can_tie_any_more_are_said_to_be_missing() {
    for (renamed, system) in [
        (
            "ALTER TABLE orders RENAME COLUMN customer_id TO buyer",
            "Our shop",
        ),
        (
            "ALTER TABLE customers RENAME COLUMN email TO mail",
            "Our shop",
        ),
    ] {
        let setup = Setup::demo().await;
        let path = copy(&setup, "shop").await;
        let house = setup.with_system("shop", &path).start().await;
        let mut ada = house.logged_in(ADA).await;
        shows_the_shop(&ada.get("/my-data").await.text());
        sqlx::query(sqlx::AssertSqlSafe(renamed))
            .execute(&mut open(&path).await)
            .await
            .unwrap();
        // Whether the old plan fails or a new one was made meanwhile.
        for _ in 0..2 {
            let page = ada.get("/my-data").await;
            assert_eq!(page.status, 200);
            let text = page.text();
            assert!(
                text.contains(&format!("{system} has changed")),
                "{renamed}: {text}"
            );
            assert!(
                !text.contains("Nobody there has your e-mail address"),
                "{text}"
            );
            let looks = house.looks().await;
            assert_eq!(
                looks.last().unwrap()["failed"],
                serde_json::json!(["shop"]),
                "{renamed}"
            );
            house.clock.pass(61);
        }
    }
}

#[tokio::test]
async fn a_table_of_one_row_a_fact_shows_facts() {
    let setup = Setup::demo().await;
    let path = setup.folder().join("shop.db");
    std::fs::File::create(&path).unwrap();
    let mut db = open(&path).await;
    let tables = "CREATE TABLE customer (id INTEGER PRIMARY KEY, email TEXT);
        CREATE TABLE meta (id INTEGER PRIMARY KEY, customer_id INTEGER, what TEXT, said TEXT);
        INSERT INTO customer VALUES (1, 'ada@example.com');
        INSERT INTO meta VALUES (1, 1, 'shoe_size', '39'), (2, 1, 'staff_note', 'hush one'), (3, 1, 'api_token', 'hush two'),
            (4, 1, 'mood', 'hush three');";
    sqlx::raw_sql(tables).execute(&mut db).await.unwrap();
    let catalog = setup.folder().join("catalog");
    std::fs::create_dir_all(catalog.join("datasets")).unwrap();
    std::fs::write(
        catalog.join("company.yml"),
        "name: A shop\nconnections: [shop]\n",
    )
    .unwrap();
    let dataset = "dataset:
  - fides_key: shop
    name: Our shop
    portal: { connection: shop }
    collections:
      - name: customer
        fields: [{ name: id }, { name: email, fides_meta: { identity: email }, portal: { verified: true } }]
      - name: meta
        portal: { rows: own, shown_as: facts, key_value: { key_column: what, value_column: said } }
        fields:
          - { name: customer_id, fides_meta: { references: [{ dataset: shop, field: customer.id, direction: from }] } }
          - { name: shoe_size, portal: { label: Your shoe size } }
          - { name: staff_note, portal: { label: A note, withheld: Staff wrote it for themselves. } }
";
    std::fs::write(catalog.join("datasets/shop.yml"), dataset).unwrap();
    let house = setup
        .with_catalog(&catalog)
        .with_system("shop", &path)
        .start()
        .await;
    let text = house.logged_in(ADA).await.get("/my-data").await.text();
    assert!(text.contains("Your shoe size 39"), "{text}");
    assert!(text.contains("Staff wrote it for themselves."), "{text}");
    assert!(!text.contains("hush"), "{text}");
}

#[tokio::test]
async fn a_damaged_system_leaves_its_part_saying_so() {
    let setup = Setup::demo().await;
    let path = copy(&setup, "newsletter").await;
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[..4096].fill(b'x');
    std::fs::write(&path, bytes).unwrap();
    let house = setup.with_system("newsletter", &path).start().await;
    let page = house.logged_in(ADA).await.get("/my-data").await;
    assert_eq!(page.status, 200);
    shows_the_shop(&page.text());
    assert!(page.text().contains("so what it holds is missing here"));
}

/// What a system does that does not do what it should.
#[derive(Clone, Copy)]
enum Fault {
    Hangs,
    Panics,
}

#[async_trait]
impl Connector for Fault {
    async fn describe(&self) -> Result<LiveSchema, ConnectError> {
        match self {
            Self::Hangs => std::future::pending().await,
            Self::Panics => panic!("a mistake in a connector, with {ADA} in it"),
        }
    }

    fn plan(&self, _: &[Dataset], _: &LiveSchema) -> Plan {
        unreachable!("it was never described")
    }

    async fn find(&self, _: &Plan, _: &ContactPoints) -> Result<Vec<Found>, ConnectError> {
        std::future::pending().await
    }

    async fn read(&self, _: &Plan, _: &ReadRequest) -> Result<Reading, ConnectError> {
        std::future::pending().await
    }

    async fn collect(&self, _: &Plan, _: &ReadRequest) -> Result<Collected, ConnectError> {
        std::future::pending().await
    }

    async fn erase(
        &self,
        _: &Plan,
        _: &ReadRequest,
        _: &Collected,
        _: bool,
        _: &[u8],
    ) -> Result<Vec<ErasedRows>, ConnectError> {
        std::future::pending().await
    }

    async fn long_values(
        &self,
        _: &Plan,
        _: &ReadRequest,
        _: &[LongValue],
        _: mpsc::Sender<LongPiece>,
    ) -> Result<(), ConnectError> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn systems_that_never_answer_are_left_out_in_time() {
    let setup = Setup::demo().await;
    let bound = Duration::from_secs(2);
    let house = setup
        .with_connector("analytics", Fault::Hangs, bound)
        .with_connector("newsletter", Fault::Hangs, bound)
        .start()
        .await;
    let mut ada = house.logged_in(ADA).await;
    // Side by side: both hang, and the page takes no more than one of them may.
    let page = tokio::time::timeout(bound * 10, ada.get("/my-data"))
        .await
        .expect("the page came");
    assert_eq!(page.status, 200);
    let text = page.text();
    shows_the_shop(&text);
    for name in ["Our website", "Our newsletter"] {
        assert!(
            text.contains(&format!("{name} is too slow just now")),
            "{name}: {text}"
        );
    }
    let list = tokio::time::timeout(bound * 10, ada.get("/my-data/analytics/page_views"))
        .await
        .expect("the list came");
    assert_eq!(list.status, 503);
}

#[tokio::test]
async fn a_mistake_of_ours_is_a_page_that_says_sorry_and_nothing_else() {
    let house = Setup::demo()
        .await
        .with_connector("analytics", Fault::Panics, Duration::from_secs(20))
        .start()
        .await;
    let mut ada = house.logged_in(ADA).await;
    let page = ada.get("/my-data").await;
    assert_eq!(page.status, 500);
    assert!(
        page.text().contains("Something went wrong on our side."),
        "{}",
        page.text()
    );
    assert!(!page.body.contains("ada") && !page.body.contains("mistake in a connector"));
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    assert_eq!(
        ada.get("/who-looked").await.status,
        200,
        "the next page works"
    );
}

#[tokio::test]
async fn a_system_that_nobody_connected_is_named() {
    let house = Setup::production("http://localhost:3000", "smtp://127.0.0.1:1")
        .start()
        .await;
    let mut browser = signed_up(&house).await;
    let text = browser.get("/my-data").await.text();
    assert!(
        text.contains("Our shop is not connected to this portal yet"),
        "{text}"
    );
    assert!(text.contains(" E-mail address for this portal eve@example.com "));
}

/// Signs up where no mail arrives: the password is put where a link would have put it.
async fn signed_up(house: &House) -> crate::support::Browser {
    let mut browser = house.browser();
    browser
        .post("/sign-up", &[("email", "eve@example.com")])
        .await;
    house.portal.run_due_jobs().await.unwrap();
    let token = "a-token-of-the-tests";
    sqlx::query("UPDATE mail_links SET token_hash = $1")
        .bind(fairhold_store::seal::token_hash(token))
        .execute(&mut house.database().await)
        .await
        .unwrap();
    assert_eq!(
        browser
            .post(
                &format!("/set-password/{token}"),
                &[("password", "four words that fit")]
            )
            .await
            .status,
        303
    );
    assert_eq!(
        browser
            .log_in("eve@example.com", "four words that fit")
            .await
            .status,
        303
    );
    browser
}

/// Names that hold what SQL, HTML and addresses are made of.
const TABLE: &str = r#"na"me'<script>alert(1)</script>/..; DROP TABLE x --%2f?#é"#;
const COLUMN: &str = r#"co"l'<img src=x onerror=alert(2)>]"#;

async fn hostile_system(folder: &Path) -> PathBuf {
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let path = folder.join("odd.db");
    let sql = format!(
        "CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT NOT NULL);
         CREATE TABLE {table} (id INTEGER PRIMARY KEY, person INTEGER REFERENCES people (id), {column} TEXT, more TEXT);
         CREATE TABLE \"<b>nobody</b>\" (x TEXT);
         INSERT INTO people VALUES (1, 'ada@example.com'), (2, 'ben@example.com');
         INSERT INTO {table} VALUES (1, 1, '<script>alert(3)</script>', 'under the cover'), (2, 2, 'of Ben', 'also of Ben');",
        table = quoted(TABLE),
        column = quoted(COLUMN)
    );
    std::fs::File::create(&path).unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
        .execute(&mut crate::support::open(&path).await)
        .await
        .unwrap();
    path
}

fn hostile_catalog(folder: &Path) {
    let yaml = |text: &str| serde_json::to_string(text).unwrap();
    let company = "name: \"Odd <i>Ltd</i>\"\ntime_zone: UTC\nconnections: [odd]\n";
    let dataset = format!(
        "dataset:
  - fides_key: odd
    name: \"The <u>odd</u> system\"
    portal: {{ connection: odd }}
    collections:
      - name: people
        portal: {{ rows: own, shown_as: facts }}
        fields:
          - {{ name: id, data_categories: [user.unique_id], fides_meta: {{ primary_key: true }}, portal: {{ label: Number }} }}
          - {{ name: email, data_categories: [user.contact.email], fides_meta: {{ identity: email }}, portal: {{ label: E-mail address, verified: true }} }}
      - name: {table}
        portal: {{ rows: own, label: {table} }}
        fields:
          - {{ name: id, data_categories: [user.unique_id], fides_meta: {{ primary_key: true }}, portal: {{ label: Number }} }}
          - {{ name: person, fides_meta: {{ references: [{{ dataset: odd, field: people.id, direction: from }}] }}, portal: {{ label: Person }} }}
          - {{ name: {column}, data_categories: [user.account], portal: {{ label: {column} }} }}
",
        table = yaml(TABLE),
        column = yaml(COLUMN)
    );
    std::fs::create_dir_all(folder.join("datasets")).unwrap();
    std::fs::write(folder.join("company.yml"), company).unwrap();
    std::fs::write(folder.join("datasets/odd.yml"), dataset).unwrap();
}

#[tokio::test]
async fn hostile_names_and_values_are_text_and_nothing_more() {
    let setup = Setup::demo().await;
    let catalog = setup.folder().join("catalog");
    hostile_catalog(&catalog);
    let odd = hostile_system(setup.folder()).await;
    let house = setup
        .with_catalog(&catalog)
        .with_system("odd", &odd)
        .start()
        .await;
    let mut ada = house.logged_in(ADA).await;
    let page = ada.get("/my-data").await;
    let links = html::attributes(&page.body, "href");
    let list = links
        .iter()
        .map(|(_, href)| href)
        .find(|href| href.starts_with("/my-data/odd/"))
        .cloned();
    let encoded: String = TABLE
        .bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect();
    let list = ada
        .get(&list.unwrap_or_else(|| format!("/my-data/odd/{encoded}")))
        .await;
    for page in [page, list] {
        assert_eq!(page.status, 200);
        let text = page.text();
        for shown in [
            &squeeze(TABLE),
            "<script>alert(3)</script>",
            COLUMN,
            "Odd <i>Ltd</i>",
        ] {
            assert!(text.contains(shown), "{shown} is missing: {text}");
        }
        for alive in ["<script>alert", "<img src=x", "<u>odd", "<i>Ltd"] {
            assert!(!page.body.contains(alive), "{alive} is alive in the page");
        }
        assert!(!text.contains("of Ben"));
        assert!(
            !page.body.contains("under the cover"),
            "what nobody described is covered"
        );
        let id = html::fields(&page.body, "show").remove(0);
        let form = html::attributes(&page.body, "action")
            .into_iter()
            .map(|(_, a)| a)
            .find(|a| a.starts_with("/my-data"))
            .unwrap();
        let uncovered = ada.post(&form, &[("show", &id)]).await;
        assert_eq!(uncovered.status, 200, "{form}");
        assert!(uncovered.text().contains("under the cover"));
    }
    assert!(
        ada.get("/my-data")
            .await
            .text()
            .contains("“<b>nobody</b>” in the <u>odd</u> system")
    );
    assert_eq!(ada.get("/who-looked").await.status, 200);
    let back: i64 = sqlx::query_scalar("SELECT count(*) FROM people")
        .fetch_one(&mut crate::support::open(&odd).await)
        .await
        .unwrap();
    assert_eq!(back, 2);
}

fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
