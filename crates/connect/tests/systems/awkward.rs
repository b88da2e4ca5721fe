//! Where databases are awkward: inherited tables, keys that are none, collations that differ, fractions and dates that are
//! hard to compare, and an error that belongs to one table.

use fairhold_connect::CollectionName;

use crate::support::{
    Database, Engine, datasets, engines, lines, on_each_engine, plan, read, read_all_pages, rows_of,
};

const CUSTOMER: &str = "
      - name: customer
        fields:
          - name: id
          - { name: email, fides_meta: { identity: email }, portal: { verified: true } }
";

fn child(name: &str, column: &str, parent: &str, direction: &str) -> String {
    format!(
        "      - name: {name}
        fields:
          - {{ name: {column}, fides_meta: {{ references: [{{ dataset: d, field: {parent}, direction: {direction} }}] }} }}
"
    )
}

async fn database(engine: Engine, statements: &[&str]) -> Option<Database> {
    if engines().contains(&engine) {
        Some(Database::as_written(engine, statements).await)
    } else {
        None
    }
}

/// A parent's key holds for its own rows alone: children may have a row of the same key, of another person.
#[tokio::test]
async fn rows_of_tables_that_inherit_are_read_and_told_apart() {
    let tables = "CREATE TABLE customer (id int PRIMARY KEY, email text, note text);
        CREATE TABLE customer_of_old (left_at date) INHERITS (customer);
        INSERT INTO customer VALUES (1, 'ada@example.com', 'here'), (2, 'ben@example.com', 'bens');
        INSERT INTO customer_of_old VALUES (1, 'ben@example.com', 'bens too', '2020-01-01'), (2, 'ada@example.com', 'there', NULL);";
    let Some(database) = database(Engine::Postgres, &[tables]).await else {
        return;
    };
    let connector = &*database.connector();
    let plan = plan(connector, &datasets(CUSTOMER)).await;
    for page in [1, 500] {
        let (all, _) = read_all_pages(connector, &plan, "ada@example.com", page).await;
        let mut rows = lines(&all["customer"]);
        rows.sort();
        assert_eq!(
            rows,
            ["1|ada@example.com|here", "2|ada@example.com|there"],
            "{page}"
        );
    }
}

/// A view has no key; what the catalog calls its key may be that of several people.
#[tokio::test]
async fn a_key_that_is_not_unique_shows_nobody_elses_row() {
    let collection = "      - name: people
        fields:
          - { name: house, fides_meta: { primary_key: true } }
          - { name: email, fides_meta: { identity: email }, portal: { verified: true } }
          - name: door
";
    on_each_engine(&["CREATE TABLE person (id INTEGER PRIMARY KEY, house INTEGER, email TEXT, door TEXT);
        INSERT INTO person VALUES (1, 7, 'ben@example.com', 'bens'), (2, 7, 'ada@example.com', 'hers'), (3, 7, 'Ada@Example.com', 'hers too'),
            (4, 7, 'cleo@example.com', 'cleos'), (5, 8, 'ada@example.com', 'hers as well');",
        "CREATE VIEW people AS SELECT house, email, door FROM person;"], async |database| {
        let connector = &*database.connector();
        let plan = plan(connector, &datasets(collection)).await;
        for (who, expected) in [
            ("ada@example.com", vec!["hers", "hers as well", "hers too"]),
            ("ben@example.com", vec!["bens"]),
            ("cleo@example.com", vec!["cleos"]),
        ] {
            for page in [1, 2, 500] {
                let (all, _) = read_all_pages(connector, &plan, who, page).await;
                let rows = lines(&all["people"]);
                let mut doors: Vec<&str> =
                    rows.iter().map(|r| r.rsplit_once('|').unwrap().1).collect();
                doors.sort_unstable();
                assert_eq!(doors, expected, "{who} on {:?}, {page} a page", database.engine);
            }
        }
    })
    .await;
}

/// 0.1 as a short fraction is not 0.1 as a long one.
#[tokio::test]
async fn rows_that_hang_on_a_short_fraction_are_read() {
    let tables = "CREATE TABLE customer (id FLOAT PRIMARY KEY, email VARCHAR(200));
        CREATE TABLE visit (n INT PRIMARY KEY, customer_id FLOAT);
        INSERT INTO customer VALUES (0.1, 'ada@example.com'), (16777217, 'ben@example.com'), (0.2, 'cleo@example.com');
        INSERT INTO visit VALUES (1, 0.1), (2, 0.1), (3, 0.2), (4, 16777216);";
    let Some(database) = database(Engine::MariaDb, &[tables]).await else {
        return;
    };
    let connector = &*database.connector();
    let visits = child("visit", "customer_id", "customer.id", "from");
    let plan = plan(connector, &datasets(&format!("{CUSTOMER}{visits}"))).await;
    let reading = read(connector, &plan, "ada@example.com").await;
    assert_eq!(rows_of(&reading, "customer").rows.len(), 1);
    assert_eq!(rows_of(&reading, "visit").rows.len(), 2);
    let reading = read(connector, &plan, "ben@example.com").await;
    assert_eq!(
        rows_of(&reading, "visit").rows.len(),
        1,
        "as the database itself stores it"
    );
}

#[tokio::test]
async fn columns_of_different_collations_are_compared() {
    let tables = [
        (
            Engine::Postgres,
            "CREATE COLLATION other (provider = icu, locale = 'de');
             CREATE TABLE customer (id int PRIMARY KEY, email text, code text COLLATE \"C\");
             CREATE TABLE card (number text COLLATE other PRIMARY KEY, code text COLLATE other);
             CREATE TABLE stamp (n int PRIMARY KEY, card text COLLATE \"POSIX\");",
        ),
        (
            Engine::MariaDb,
            "CREATE TABLE customer (id INT PRIMARY KEY, email VARCHAR(200), code VARCHAR(20) COLLATE utf8mb4_unicode_ci);
             CREATE TABLE card (number VARCHAR(20) COLLATE utf8mb4_general_ci PRIMARY KEY, code VARCHAR(20) COLLATE utf8mb4_general_ci);
             CREATE TABLE stamp (n INT PRIMARY KEY, card VARCHAR(20) CHARACTER SET latin1 COLLATE latin1_german1_ci);",
        ),
    ];
    for (engine, tables) in tables {
        let rows = "INSERT INTO customer VALUES (1, 'ada@example.com', 'a'), (2, 'ben@example.com', 'A');
            INSERT INTO card VALUES ('x1', 'a'), ('y1', 'A'); INSERT INTO stamp VALUES (1, 'x1'), (2, 'X1 '), (3, 'x1');";
        let Some(database) = database(engine, &[tables, rows]).await else {
            continue;
        };
        let connector = &*database.connector();
        let cards = child("card", "code", "customer.code", "from");
        let stamps = child("stamp", "card", "card.number", "from");
        let plan = plan(connector, &datasets(&format!("{CUSTOMER}{cards}{stamps}"))).await;
        let reading = read(connector, &plan, "ada@example.com").await;
        assert_eq!(reading.failed, [], "{engine:?}");
        assert_eq!(
            lines(&rows_of(&reading, "card").rows),
            ["x1|a"],
            "{engine:?}"
        );
        let mut stamps = lines(&rows_of(&reading, "stamp").rows);
        stamps.sort();
        assert_eq!(stamps, ["1|x1", "3|x1"], "{engine:?}");
    }
}

#[tokio::test]
async fn dates_that_are_none_end_no_list() {
    let tables = "SET SESSION sql_mode = 'ALLOW_INVALID_DATES';
        CREATE TABLE customer (id INT PRIMARY KEY, email VARCHAR(200));
        CREATE TABLE visit (n INT PRIMARY KEY, customer_id INT, at DATE NOT NULL, moment DATETIME NOT NULL);
        INSERT INTO customer VALUES (1, 'ada@example.com');
        INSERT INTO visit VALUES (1, 1, '2024-01-01', '2024-01-01'), (2, 1, '0000-00-00', '0000-00-00'),
            (3, 1, '2023-02-31', '2023-02-31'), (4, 1, '2024-00-00', '2024-00-00'), (5, 1, '0000-00-00', '2020-01-01');";
    let Some(database) = database(Engine::MariaDb, &[tables]).await else {
        return;
    };
    let visits = "      - name: visit
        portal: { order_by: at }
        fields:
          - { name: customer_id, fides_meta: { references: [{ dataset: d, field: customer.id, direction: from }] } }
";
    let connector = &*database.connector();
    for order in ["order_by: at", "order_by: moment"] {
        let visits = visits.replace("order_by: at", order);
        let plan = plan(connector, &datasets(&format!("{CUSTOMER}{visits}"))).await;
        for page in [1, 2, 500] {
            let (all, _) = read_all_pages(connector, &plan, "ada@example.com", page).await;
            let mut numbers: Vec<String> = lines(&all["visit"]);
            numbers.sort();
            assert_eq!(numbers.len(), 5, "{order}, {page} a page");
            assert!(numbers[1].starts_with("2|1|0000-00-00|"), "{}", numbers[1]);
            assert!(numbers[2].starts_with("3|1|2023-02-31|"), "{}", numbers[2]);
        }
    }
}

#[tokio::test]
async fn a_shared_row_is_tied_however_its_number_is_written() {
    for (engine, tables) in [
        (
            Engine::Postgres,
            "CREATE TABLE tag (id numeric(10, 2) PRIMARY KEY, name text);
             CREATE TABLE customer (id int PRIMARY KEY, email text, tag_id int);",
        ),
        (
            Engine::MariaDb,
            "CREATE TABLE tag (id INT(5) ZEROFILL PRIMARY KEY, name VARCHAR(20));
             CREATE TABLE customer (id INT PRIMARY KEY, email VARCHAR(200), tag_id DECIMAL(10, 2));",
        ),
    ] {
        let rows = "INSERT INTO tag VALUES (42, 'tea'), (4, 'no tea');
            INSERT INTO customer VALUES (1, 'ada@example.com', 42);";
        let Some(database) = database(engine, &[tables, rows]).await else {
            continue;
        };
        let connector = &*database.connector();
        let collections = "
      - name: customer
        fields:
          - name: id
          - { name: email, fides_meta: { identity: email }, portal: { verified: true } }
          - { name: tag_id, fides_meta: { references: [{ dataset: d, field: tag.id, direction: to }] } }
      - { name: tag, portal: { rows: shared }, fields: [{ name: id }, { name: name }] }
";
        let plan = plan(connector, &datasets(collections)).await;
        let reading = read(connector, &plan, "ada@example.com").await;
        let [row] = rows_of(&reading, "customer").rows.as_slice() else {
            panic!("one row")
        };
        let [tied] = row.context.as_slice() else {
            panic!("one shared row on {engine:?}, not {}", row.context.len())
        };
        let shared = lines(std::slice::from_ref(
            &reading.shared[tied.shared].rows[tied.row],
        ));
        assert!(shared[0].ends_with("|tea"), "{shared:?}");
    }
}

/// A view that fails when it is read takes nothing else with it.
#[tokio::test]
async fn an_error_of_one_table_leaves_the_others_whole() {
    for (engine, tables) in [
        (
            Engine::Postgres,
            "CREATE TABLE customer (id int PRIMARY KEY, email text);
             CREATE TABLE visit (n int PRIMARY KEY, customer_id int);
             CREATE FUNCTION broken() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'secret'; END $$;
             CREATE VIEW bad AS SELECT id AS customer_id, broken() AS what FROM customer;",
        ),
        (
            Engine::MariaDb,
            "CREATE TABLE customer (id INT PRIMARY KEY, email VARCHAR(200));
             CREATE TABLE visit (n INT PRIMARY KEY, customer_id INT);
             CREATE TABLE two (n INT PRIMARY KEY); INSERT INTO two VALUES (1), (2);
             CREATE VIEW bad AS SELECT id AS customer_id, (SELECT n FROM two) AS what FROM customer;",
        ),
    ] {
        let rows =
            "INSERT INTO customer VALUES (1, 'ada@example.com'); INSERT INTO visit VALUES (1, 1);";
        let Some(database) = database(engine, &[tables, rows]).await else {
            continue;
        };
        let connector = &*database.connector();
        let bad = child("bad", "customer_id", "customer.id", "from");
        let visits = child("visit", "customer_id", "customer.id", "from");
        let plan = plan(connector, &datasets(&format!("{CUSTOMER}{bad}{visits}"))).await;
        let reading = read(connector, &plan, "ada@example.com").await;
        assert_eq!(reading.failed, [CollectionName::new("d", "bad")], "{engine:?}");
        assert_eq!(rows_of(&reading, "visit").rows.len(), 1, "{engine:?}");
        assert_eq!(rows_of(&reading, "customer").rows.len(), 1, "{engine:?}");
    }
}
