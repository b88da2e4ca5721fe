//! What goes wrong with a company's file, and names and values that were made to break us.

use std::time::Duration;

use fairhold_connect::{Cell, CollectionName, ConnectError, Connector, MAX_CELL_BYTES};

use crate::support::{Database, address, connector, datasets, lines, plan, read, request, rows_of};

const CUSTOMER: &str = "
      - name: customer
        fields:
          - { name: email, fides_meta: { identity: email } }
";

const ADA: &str = "CREATE TABLE customer (id INTEGER PRIMARY KEY, email TEXT, note TEXT);
                   INSERT INTO customer VALUES (1, 'ada@example.com', 'hello');";

#[tokio::test]
async fn what_is_no_database_is_an_error_and_stays_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.db");
    assert_eq!(
        connector(&missing).describe().await,
        Err(ConnectError::Down)
    );
    assert!(!missing.exists(), "a file must not be created");
    assert_eq!(
        connector(folder.path()).describe().await,
        Err(ConnectError::Down)
    );
    let text = folder.path().join("text.db");
    std::fs::write(&text, "This is a letter, and no database. ".repeat(100)).unwrap();
    assert_eq!(
        connector(&text).describe().await,
        Err(ConnectError::Damaged)
    );
    assert_eq!(
        connector(&text).describe().await.unwrap_err(),
        ConnectError::Damaged
    );
}

#[tokio::test]
async fn a_good_file_answers_and_is_not_changed() {
    let database = Database::new(&[ADA]).await;
    let before = std::fs::read(&database.path).unwrap();
    let connector = connector(&database.path);
    connector.describe().await.unwrap();
    let plan = plan(&connector, &datasets(CUSTOMER)).await;
    assert_eq!(
        lines(
            &rows_of(
                &read(&connector, &plan, "ada@example.com").await,
                "customer"
            )
            .rows
        ),
        ["1|ada@example.com|hello"]
    );
    assert_eq!(std::fs::read(&database.path).unwrap(), before);
    assert_eq!(
        std::fs::read_dir(database.path.parent().unwrap())
            .unwrap()
            .count(),
        1,
        "no file beside it"
    );
}

#[tokio::test]
async fn a_table_that_went_away_leaves_the_others_readable() {
    let database = Database::new(&[
        ADA,
        "CREATE TABLE gone (customer_id INTEGER, text TEXT); INSERT INTO gone VALUES (1, 'x')",
    ])
    .await;
    let connector = connector(&database.path);
    let gone = "
      - name: gone
        fields:
          - { name: customer_id, fides_meta: { references: [{ dataset: d, field: customer.id, direction: from }] } }
";
    let plan = plan(&connector, &datasets(&format!("{CUSTOMER}{gone}"))).await;
    assert_eq!(
        lines(&rows_of(&read(&connector, &plan, "ada@example.com").await, "gone").rows),
        ["1|x"]
    );
    database.run(&["DROP TABLE gone"]).await;
    let reading = read(&connector, &plan, "ada@example.com").await;
    assert_eq!(reading.failed, [CollectionName::new("d", "gone")]);
    assert_eq!(
        lines(&rows_of(&reading, "customer").rows),
        ["1|ada@example.com|hello"]
    );
    // Without the identity's own table there is nothing to stand on.
    database.run(&["DROP TABLE customer"]).await;
    assert_eq!(
        connector.find(&plan, &address("ada@example.com")).await,
        Err(ConnectError::Changed)
    );
}

#[tokio::test]
async fn a_column_that_went_away_is_never_looked_for_in_an_outer_table() {
    let database = Database::new(&[ADA, "CREATE TABLE middle (id INTEGER PRIMARY KEY, customer_id INTEGER);
        CREATE TABLE leaf (id INTEGER PRIMARY KEY, middle_id INTEGER, customer_id INTEGER, text TEXT);
        INSERT INTO middle VALUES (1, 1), (2, 2); INSERT INTO leaf VALUES (1, 1, 1, 'hers'), (2, 2, 1, 'not hers');"])
    .await;
    let connector = connector(&database.path);
    let rest = "
      - name: middle
        fields:
          - { name: customer_id, fides_meta: { references: [{ dataset: d, field: customer.id, direction: from }] } }
      - name: leaf
        fields:
          - { name: middle_id, fides_meta: { references: [{ dataset: d, field: middle.id, direction: from }] } }
";
    let plan = plan(&connector, &datasets(&format!("{CUSTOMER}{rest}"))).await;
    assert_eq!(
        lines(&rows_of(&read(&connector, &plan, "ada@example.com").await, "leaf").rows),
        ["1|1|1|hers"]
    );
    database
        .run(&["ALTER TABLE middle DROP COLUMN customer_id"])
        .await;
    let reading = read(&connector, &plan, "ada@example.com").await;
    assert_eq!(
        reading.failed,
        [
            CollectionName::new("d", "middle"),
            CollectionName::new("d", "leaf")
        ]
    );
}

#[tokio::test]
async fn a_slow_statement_is_stopped_and_the_system_answers_again() {
    let database = Database::new(&[
        ADA,
        "CREATE VIEW slow AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
        SELECT i, 1 AS customer_id FROM n WHERE i < 0;",
    ])
    .await;
    let slow = "
      - name: slow
        fields:
          - { name: customer_id, fides_meta: { references: [{ dataset: d, field: customer.id, direction: from }] } }
";
    let one = |timeout| {
        fairhold_connect::SqliteConnector::new(fairhold_connect::SqliteSettings {
            path: database.path.clone(),
            max_connections: 1,
            timeout,
        })
    };
    let connector = one(Duration::from_millis(300));
    let plan = plan(&connector, &datasets(&format!("{CUSTOMER}{slow}"))).await;
    let ada = address("ada@example.com");
    let request = request(&ada, &connector.find(&plan, &ada).await.unwrap());
    assert_eq!(
        connector.read(&plan, &request).await.unwrap_err(),
        ConnectError::TooSlow
    );
    // Its worker is gone, not only forgotten: an endless statement would hold the file for ever, and a writer that wants
    // it for itself would not get it.
    let mut writer = database.writer().await;
    sqlx::raw_sql("PRAGMA busy_timeout = 20000; BEGIN EXCLUSIVE; COMMIT")
        .execute(&mut writer)
        .await
        .unwrap();
    connector.describe().await.unwrap();
}

#[tokio::test]
async fn a_file_that_is_gone_is_down_when_it_is_read() {
    let database = Database::new(&[ADA]).await;
    let good = connector(&database.path);
    let plan = plan(&good, &datasets(CUSTOMER)).await;
    let ada = address("ada@example.com");
    let request = request(&ada, &good.find(&plan, &ada).await.unwrap());
    let gone = connector(&database.path.with_file_name("nothing.db"));
    assert_eq!(
        gone.find(&plan, &ada).await.unwrap_err(),
        ConnectError::Down
    );
    assert_eq!(
        gone.read(&plan, &request).await.unwrap_err(),
        ConnectError::Down
    );
}

#[tokio::test]
async fn names_with_quotes_are_only_names() {
    let database = Database::new(&[r#"CREATE TABLE "cust""; DROP TABLE x; --" ("i d" INTEGER PRIMARY KEY, "e""mail" TEXT, "x'y" TEXT, "Größe]" TEXT);
        INSERT INTO "cust""; DROP TABLE x; --" VALUES (1, 'ada@example.com', 'a', 'b');
        CREATE TABLE x ("of ""them""" INTEGER, "select" TEXT); INSERT INTO x VALUES (1, 'mine'), (2, 'not mine');"#])
    .await;
    let collections = r#"
      - name: 'cust"; DROP TABLE x; --'
        fields:
          - { name: 'e"mail', fides_meta: { identity: email } }
      - name: x
        fields:
          - { name: 'of "them"', fides_meta: { references: [{ dataset: d, field: 'cust"; DROP TABLE x; --.i d', direction: from }] } }
"#;
    let connector = connector(&database.path);
    let plan = plan(&connector, &datasets(collections)).await;
    assert_eq!(plan.missing(), []);
    let reading = read(&connector, &plan, "ada@example.com").await;
    assert_eq!(lines(&rows_of(&reading, "x").rows), ["1|mine"]);
    assert_eq!(
        lines(&rows_of(&reading, "cust\"; DROP TABLE x; --").rows),
        ["1|ada@example.com|a|b"]
    );
}

#[tokio::test]
async fn values_of_any_kind_are_read_or_said_to_be_there() {
    let database = Database::new(&["CREATE TABLE customer (id INTEGER PRIMARY KEY, email TEXT, value);
        INSERT INTO customer (email, value) VALUES ('ada@example.com', 7), ('ada@example.com', 0.5), ('ada@example.com', NULL),
            ('ada@example.com', ''), ('ada@example.com', x'00ff'), ('ada@example.com', CAST(x'61ff62' AS TEXT)),
            ('ada@example.com', CAST(x'610062' AS TEXT)), ('ada@example.com', '💚'),
            ('ada@example.com', 'Zoë' || hex(zeroblob(40000))), ('ada@example.com', CAST(zeroblob(3000000) AS TEXT)),
            ('ada@example.com', zeroblob(3000000));"])
    .await;
    let connector = connector(&database.path);
    let plan = plan(&connector, &datasets(CUSTOMER)).await;
    let reading = read(&connector, &plan, "ada@example.com").await;
    let cells: Vec<&Cell> = rows_of(&reading, "customer")
        .rows
        .iter()
        .map(|row| &row.cells[2])
        .collect();
    let text = |t: &str| Cell::Text(t.to_owned());
    let zeros = "0".repeat(997);
    let expected = [
        text("7"),
        text("0.5"),
        Cell::Empty,
        text(""),
        Cell::Binary { bytes: 2 },
        Cell::Unreadable,
        text("a\0b"),
        text("💚"),
        Cell::TooLong {
            start: format!("Zoë{zeros}"),
            bytes: 80_004,
        },
        Cell::TooLong {
            start: String::new(),
            bytes: 3_000_000,
        },
        Cell::Binary { bytes: 3_000_000 },
    ];
    assert!(
        expected
            .iter()
            .any(|c| matches!(c, Cell::TooLong { bytes, .. } if *bytes > MAX_CELL_BYTES))
    );
    assert!(cells.iter().copied().eq(expected.iter()), "{cells:?}");
}

#[tokio::test]
async fn values_do_not_show_in_debug_output() {
    let database = Database::new(&[ADA]).await;
    let connector = connector(&database.path);
    let plan = plan(&connector, &datasets(CUSTOMER)).await;
    let reading = read(&connector, &plan, "ada@example.com").await;
    let debug = format!(
        "{reading:?} {:?}",
        request(&address("ada@example.com"), &[])
    );
    assert!(
        !debug.contains("hello") && !debug.contains("ada@"),
        "{debug}"
    );
}

#[tokio::test]
async fn a_broken_view_hides_nothing_else() {
    let database = Database::new(&[
        ADA,
        "CREATE TABLE t (a); CREATE VIEW broken AS SELECT a FROM t;",
    ])
    .await;
    // Old files hold such views; SQLite itself would refuse to make one.
    database
        .run(&["PRAGMA legacy_alter_table = ON; DROP TABLE t"])
        .await;
    let connector = connector(&database.path);
    let schema = connector.describe().await.unwrap();
    let names: Vec<&str> = schema.tables.iter().map(|t| t.name.as_str()).collect();
    assert_eq!(names, ["broken", "customer"]);
    assert!(schema.tables[0].columns.is_empty());
}

#[tokio::test]
async fn describe_names_keys_types_and_references() {
    let database = Database::new(&["CREATE TABLE parent (a INTEGER, b TEXT NOT NULL, PRIMARY KEY (b, a));
        CREATE TABLE \"Child\" (id INTEGER PRIMARY KEY, x INTEGER, y TEXT, code NVARCHAR(8) UNIQUE, twice INTEGER AS (x * 2),
            FOREIGN KEY (y, x) REFERENCES parent (b, a));
        CREATE VIEW seen AS SELECT id FROM \"Child\";"])
    .await;
    let schema = connector(&database.path).describe().await.unwrap();
    let names: Vec<(&str, bool)> = schema
        .tables
        .iter()
        .map(|t| (t.name.as_str(), t.is_view))
        .collect();
    assert_eq!(names, [("Child", false), ("parent", false), ("seen", true)]);
    assert_eq!(schema.tables[1].primary_key, ["b", "a"]);
    let child = &schema.tables[0];
    assert_eq!(child.primary_key, ["id"]);
    assert_eq!(child.unique, [["code"]]);
    assert_eq!(child.foreign_keys[0].columns, ["y", "x"]);
    assert_eq!(child.foreign_keys[0].references, ["b", "a"]);
    let columns: Vec<(&str, &str, bool, bool)> = child
        .columns
        .iter()
        .map(|c| {
            (
                c.name.as_str(),
                c.sql_type.as_str(),
                c.nullable,
                c.generated,
            )
        })
        .collect();
    assert_eq!(
        columns,
        [
            ("id", "INTEGER", false, false),
            ("x", "INTEGER", true, false),
            ("y", "TEXT", true, false),
            ("code", "NVARCHAR(8)", true, false),
            ("twice", "INTEGER", true, true)
        ]
    );
}
