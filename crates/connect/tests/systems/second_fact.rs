//! Rows whose address nobody checked: who knows one thing more gets them, and nobody else does.

use fairhold_connect::{
    ConnectError, Connector, Found, IdentityRow, KeyValue, MAX_FACT_ROWS, Plan, ReadRequest,
    RowKey, SecondFact, second_fact,
};
use fairhold_domain::{catalog::ColumnRef, second_fact::Answer};

use crate::support::{Database, Engine, address, datasets, engines, lines, plan, request, rows_of};

const COLLECTIONS: &str = "
      - name: customer
        fields:
          - name: id
          - { name: email, fides_meta: { identity: email }, portal: { verified: false } }
          - name: postcode
          - { name: note, portal: { withheld: Staff wrote it for themselves. } }
          - name: pin
          - { name: shop, fides_meta: { references: [{ dataset: d, field: shop.id, direction: to }] } }
      - name: purchase
        portal: { order_by: number }
        fields:
          - name: number
          - { name: customer_id, fides_meta: { references: [{ dataset: d, field: customer.id, direction: from }] } }
      - name: shop
        portal: { rows: shared }
        fields: [{ name: id }, { name: town }]
      - name: clerk
        portal: { rows: others }
        fields: [{ name: badge }]
";

const TABLES: &str = "
    CREATE TABLE customer (id INTEGER PRIMARY KEY, email TEXT, postcode TEXT, note TEXT, pin TEXT, shop INTEGER);
    CREATE TABLE purchase (number INTEGER PRIMARY KEY, customer_id INTEGER);
    CREATE TABLE shop (id INTEGER PRIMARY KEY, town TEXT);
    CREATE TABLE clerk (id INTEGER PRIMARY KEY, badge TEXT);
    INSERT INTO shop VALUES (1, 'Dublin');
    INSERT INTO clerk VALUES (1, 'badge of a clerk');
    INSERT INTO customer VALUES
        (1, ' ADA@example.com', 'D02 AF30', 'a note', '4711', 1),
        (2, 'ada@example.com', 'T12 XY34', 'a note', '4711', 1),
        (3, 'ben@example.com', 'H91 BB22', 'a note', '4711', 1);
    INSERT INTO purchase VALUES (1001, 1), (1002, 1), (2001, 2), (3001, 3);";

/// The shop, as it is read.
struct Shop {
    database: Database,
    connector: Box<dyn Connector>,
    plan: Plan,
}

impl Shop {
    async fn open() -> Self {
        Self::on(Engine::Sqlite).await
    }

    async fn on(engine: Engine) -> Self {
        let database = Database::on(engine, &[TABLES]).await;
        let connector = database.connector();
        let plan = plan(&*connector, &datasets(COLLECTIONS)).await;
        Self {
            database,
            connector,
            plan,
        }
    }

    /// The rows that are Ada's by this answer, if she is asked for these facts.
    async fn ask(
        &self,
        rows: &[IdentityRow],
        facts: &[&str],
        answer: &str,
    ) -> Result<Vec<IdentityRow>, ConnectError> {
        let facts: Vec<ColumnRef> = facts.iter().map(|f| column(f)).collect();
        let wanted = SecondFact {
            contacts: &address("ada@example.com"),
            rows,
            facts: &facts,
            answer: &Answer::parse(answer).unwrap(),
        };
        second_fact(&*self.connector, &self.plan, &wanted).await
    }

    async fn proven(&self, facts: &[&str], answer: &str) -> Vec<i64> {
        let rows: Vec<IdentityRow> = [1, 2, 3].map(|id| self.row(id)).into();
        let proven = self.ask(&rows, facts, answer).await.unwrap();
        proven.iter().map(id_of).collect()
    }

    /// A row by its key, which servers give as text.
    fn row(&self, id: i64) -> IdentityRow {
        match self.database.engine {
            Engine::Sqlite => row(id),
            _ => IdentityRow {
                key: RowKey(vec![KeyValue::Text(id.to_string())]),
                ..row(id)
            },
        }
    }

    async fn found(&self, text: &str) -> Vec<Found> {
        let found = self.connector.find(&self.plan, &address(text)).await;
        found.unwrap()
    }
}

fn column(name: &str) -> ColumnRef {
    let (collection, field) = name.split_once('.').unwrap();
    ColumnRef {
        dataset: "d".to_owned(),
        collection: collection.to_owned(),
        field: field.to_owned(),
    }
}

fn row(id: i64) -> IdentityRow {
    IdentityRow {
        place: fairhold_connect::CollectionName::new("d", "customer"),
        key: RowKey(vec![KeyValue::Int(id)]),
    }
}

fn id_of(row: &IdentityRow) -> i64 {
    match row.key.0.as_slice() {
        [KeyValue::Int(id)] => *id,
        [KeyValue::Text(id)] => id.parse().unwrap(),
        other => panic!("no id: {other:?}"),
    }
}

#[tokio::test]
async fn a_fact_proves_the_row_that_it_hangs_on_and_no_other() {
    for engine in engines() {
        let shop = Shop::on(engine).await;
        let both = ["customer.postcode", "purchase.number"];
        for (answer, ids) in [
            ("d02-af30", vec![1]),
            ("T12XY34", vec![2]),
            ("1001", vec![1]),
            ("#1002", vec![1]),
            ("2001", vec![2]),
            ("D02 AF31", vec![]),
            ("100", vec![]),
            ("ada", vec![]),
        ] {
            assert_eq!(shop.proven(&both, answer).await, ids, "{answer}");
        }
        assert_eq!(
            shop.proven(&["purchase.number"], "D02 AF30").await,
            [0; 0],
            "only what was asked for"
        );
        assert_eq!(
            shop.proven(&["CUSTOMER.postcode"], "D02 AF30").await,
            [0; 0],
            "collections have the catalog's names"
        );
        assert_eq!(
            shop.proven(&["customer.PostCode"], "D02 AF30").await,
            [1],
            "columns are found as SQL folds them"
        );
    }
}

#[tokio::test]
async fn a_strangers_row_is_never_proven() {
    let shop = Shop::open().await;
    let both = ["customer.postcode", "purchase.number"];
    for of_ben in ["H91 BB22", "3001"] {
        assert_eq!(shop.proven(&both, of_ben).await, [0; 0], "{of_ben}");
    }
    // Ben's address in another's alphabet is not Ada's, nor is one that looks like hers.
    shop.database
        .run(&["UPDATE customer SET email = 'adá@example.com' WHERE id = 1"])
        .await;
    assert_eq!(shop.proven(&both, "D02 AF30").await, [0; 0]);
    assert_eq!(shop.proven(&both, "1001").await, [0; 0]);
    shop.database
        .run(&["DELETE FROM customer WHERE id = 2"])
        .await;
    assert_eq!(shop.proven(&both, "T12 XY34").await, [0; 0]);
}

#[tokio::test]
async fn what_is_not_theirs_or_not_shown_proves_nothing() {
    let shop = Shop::open().await;
    for (fact, answer) in [
        ("customer.note", "a note"),
        ("customer.pin", "4711"),
        ("customer.nothing", "D02 AF30"),
        ("shop.town", "Dublin"),
        ("clerk.badge", "badge of a clerk"),
        ("nowhere.postcode", "D02 AF30"),
        ("customer.email", "ada@example.com"),
        ("customer.email", "ADA example com"),
    ] {
        assert_eq!(shop.proven(&[fact], answer).await, [0; 0], "{fact}");
    }
}

#[tokio::test]
async fn a_long_history_is_looked_at_as_far_as_its_newest_rows() {
    let shop = Shop::open().await;
    shop.database
        .run(&[
            "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 998) INSERT INTO purchase SELECT 10000 + i, 1 FROM n",
        ])
        .await;
    assert_eq!(MAX_FACT_ROWS, 1_000);
    assert_eq!(shop.proven(&["purchase.number"], "1001").await, [1]);
    shop.database
        .run(&["INSERT INTO purchase VALUES (20000, 1)"])
        .await;
    assert_eq!(shop.proven(&["purchase.number"], "1001").await, [0; 0]);
    assert_eq!(shop.proven(&["purchase.number"], "1002").await, [1]);
    assert_eq!(shop.proven(&["purchase.number"], "20000").await, [1]);
}

#[tokio::test]
async fn a_row_that_was_proven_is_read_while_it_holds_the_address() {
    let shop = Shop::open().await;
    let ada = address("ada@example.com");
    let found = shop.found("ada@example.com").await;
    assert!(found.iter().all(|f| !f.verified));
    let unproven = request(&ada, &found);
    let reading = shop.connector.read(&shop.plan, &unproven).await.unwrap();
    assert_eq!(
        reading.not_theirs, unproven.start,
        "the address alone shows nothing"
    );
    assert!(reading.collections.iter().all(|c| c.rows.is_empty()));

    let proven = ReadRequest {
        start: vec![row(2)],
        proven: vec![row(1)],
        ..unproven
    };
    let reading = shop.connector.read(&shop.plan, &proven).await.unwrap();
    assert_eq!(reading.not_theirs, [row(2)]);
    assert_eq!(
        lines(&rows_of(&reading, "customer").rows),
        ["1| ADA@example.com|D02 AF30|withheld|withheld|1"]
    );
    assert_eq!(
        lines(&rows_of(&reading, "purchase").rows),
        ["1002|1", "1001|1"]
    );

    shop.database
        .run(&["UPDATE customer SET email = 'ben@example.com' WHERE id = 1"])
        .await;
    let reading = shop.connector.read(&shop.plan, &proven).await.unwrap();
    assert_eq!(reading.not_theirs, [row(2), row(1)]);
    assert!(reading.collections.iter().all(|c| c.rows.is_empty()));
}

#[tokio::test]
async fn a_table_that_is_gone_is_an_error_and_no_answer() {
    let shop = Shop::open().await;
    shop.database
        .run(&["ALTER TABLE purchase RENAME TO gone"])
        .await;
    let asked = shop.ask(&[row(1)], &["purchase.number"], "1001").await;
    assert_eq!(asked, Err(ConnectError::Changed));
}
