//! Erasing where databases are awkward: rules that reach further than the catalog says, tables without a key, triggers that
//! do nothing, columns that take few values, users who may only read, and tries that broke off.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use fairhold_connect::{ConnectError, Connector, ErasedRows, Plan, ReadRequest};
use fairhold_domain::catalog::Dataset;
use sqlx::{AssertSqlSafe, Connection as _};

use crate::support::{Database, Engine, address, datasets, engines, on_each_engine, plan, request};

const ADA: &str = "ada@example.com";
const BEN: &str = "ben@example.com";
const SECRET: &[u8] = b"a secret of the plan";

async fn claim(connector: &dyn Connector, plan: &Plan, who: &str) -> ReadRequest {
    let contacts = address(who);
    let found = connector.find(plan, &contacts).await.unwrap();
    request(&contacts, &found)
}

/// Collects and erases, once.
async fn erase(
    connector: &dyn Connector,
    datasets: &[Dataset],
    who: &str,
) -> Result<Vec<ErasedRows>, ConnectError> {
    let plan = plan(connector, datasets).await;
    let claim = claim(connector, &plan, who).await;
    let collected = connector.collect(&plan, &claim).await?;
    connector
        .erase(&plan, &claim, &collected, false, SECRET)
        .await
}

/// What a statement yields: one text a row.
async fn texts(database: &Database, sql: &str) -> Vec<String> {
    let sql = AssertSqlSafe(sql.to_owned());
    let rows = match database.engine {
        Engine::Sqlite => {
            let mut writer = database.writer().await;
            sqlx::query_scalar(sql).fetch_all(&mut writer).await
        }
        Engine::Postgres => {
            let mut connection = sqlx::PgConnection::connect(&database.url).await.unwrap();
            sqlx::query_scalar(sql).fetch_all(&mut connection).await
        }
        Engine::MariaDb => {
            let mut connection = sqlx::MySqlConnection::connect(&database.url).await.unwrap();
            sqlx::query_scalar(sql).fetch_all(&mut connection).await
        }
    };
    rows.unwrap()
}

/// All rows of all tables, whole, by other means than the connector's.
async fn dump(database: &Database) -> BTreeMap<String, Vec<String>> {
    let schema = database.connector().describe().await.unwrap();
    let mut all = BTreeMap::new();
    for table in schema.tables.iter().filter(|table| !table.is_view) {
        let (quote, text) = match database.engine {
            Engine::MariaDb => ('`', "CHAR"),
            _ => ('"', "TEXT"),
        };
        let columns = table.columns.iter().map(|column| {
            format!(
                "COALESCE(CAST({quote}{}{quote} AS {text}), '-')",
                column.name
            )
        });
        let columns: Vec<_> = columns.collect();
        let row = match database.engine {
            Engine::MariaDb => format!("CONCAT_WS('|', {})", columns.join(", ")),
            _ => columns.join(" || '|' || "),
        };
        let sql = format!("SELECT {row} FROM {quote}{}{quote}", table.name);
        let mut rows = texts(database, &sql).await;
        rows.sort();
        all.insert(table.name.clone(), rows);
    }
    all
}

/// People who may have a friend, and their orders.
fn shop(people: &str, orders: &str) -> String {
    format!(
        "      - name: people
        portal: {{ rows: own }}
        fields:
          - {{ name: email, fides_meta: {{ identity: email }}, portal: {{ verified: true, {people} }} }}
          - {{ name: name, portal: {{ {people} }} }}
      - name: orders
        portal: {{ rows: own }}
        fields:
          - {{ name: person, fides_meta: {{ references: [{{ dataset: d, field: people.id, direction: from }}] }} }}
          - {{ name: total, portal: {{ {orders}, keep: {{ for: 7 years, because: tax law }} }} }}
"
    )
}

#[tokio::test]
async fn a_rule_that_reaches_further_takes_nobody_elses_rows_and_none_that_is_kept() {
    for (orders, friend, person, catalog) in [
        // Ben's row would go with that of his friend.
        (
            1,
            "CASCADE",
            "CASCADE",
            shop("erase: delete", "erase: delete"),
        ),
        // What the law keeps would go with the account.
        (
            2,
            "SET NULL",
            "CASCADE",
            shop("erase: delete", "erase: keep"),
        ),
    ] {
        let tables = [
            &format!(
                "CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT, name TEXT, friend INTEGER, \
                 FOREIGN KEY (friend) REFERENCES people (id) ON DELETE {friend})"
            ),
            &format!(
                "CREATE TABLE orders (id INTEGER PRIMARY KEY, person INTEGER NOT NULL, total INTEGER, \
                 FOREIGN KEY (person) REFERENCES people (id) ON DELETE {person})"
            ),
            "INSERT INTO people VALUES (1, 'ada@example.com', 'Ada', NULL)",
            "INSERT INTO people VALUES (2, 'ben@example.com', 'Ben', 1)",
            "INSERT INTO orders VALUES (10, 1, 5), (20, 2, 6)",
        ];
        on_each_engine(&tables, async |database| {
            let before = dump(database).await;
            let refused = erase(&*database.connector(), &datasets(&catalog), ADA).await;
            assert_eq!(refused, Err(ConnectError::Bound), "case {orders}");
            assert_eq!(dump(database).await, before, "case {orders}");
        })
        .await;
    }
}

#[tokio::test]
async fn rows_of_others_only_lose_their_link_where_the_database_says_so() {
    let tables = [
        "CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT, name TEXT, friend INTEGER, \
         FOREIGN KEY (friend) REFERENCES people (id) ON DELETE SET NULL)",
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, person INTEGER NOT NULL, total INTEGER, \
         FOREIGN KEY (person) REFERENCES people (id))",
        "CREATE TABLE sessions (id INTEGER PRIMARY KEY, person INTEGER, \
         FOREIGN KEY (person) REFERENCES people (id) ON DELETE CASCADE)",
        "INSERT INTO people VALUES (1, 'ada@example.com', 'Ada', NULL)",
        "INSERT INTO people VALUES (2, 'ben@example.com', 'Ben', 1)",
        "INSERT INTO orders VALUES (10, 1, 5), (20, 2, 6)",
        "INSERT INTO sessions VALUES (1, 1), (2, 2)",
    ];
    on_each_engine(&tables, async |database| {
        let datasets = datasets(&shop("erase: delete", "erase: delete"));
        erase(&*database.connector(), &datasets, ADA).await.unwrap();
        let left = dump(database).await;
        assert_eq!(left["people"], ["2|ben@example.com|Ben|-"]);
        assert_eq!(left["orders"], ["20|2|6"]);
        assert_eq!(
            left["sessions"],
            ["2|2"],
            "a table that no catalog describes follows the database's own rule"
        );
    })
    .await;
}

const LINES: &[&str] = &[
    "CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT, name TEXT)",
    "CREATE TABLE \"lines\" (person INTEGER, line_no INTEGER, what TEXT)",
    "INSERT INTO people VALUES (1, 'ada@example.com', 'Ada'), (2, 'ben@example.com', 'Ben')",
    "INSERT INTO \"lines\" VALUES (1, 1, 'tea'), (1, 2, 'pot'), (1, 2, 'pot'), (2, 1, 'tea'), (2, 2, 'pot')",
];

#[tokio::test]
async fn without_a_key_only_rows_of_ones_own_go() {
    for (case, secret, no, what) in [
        // The catalog calls a key what is none.
        (
            1,
            "",
            ", fides_meta: { primary_key: true }",
            "erase: delete",
        ),
        // Nothing that may be read tells the two customers' rows apart.
        (
            2,
            ", portal: { withheld: it is secret, erase: delete }",
            "",
            "erase: delete",
        ),
        (3, "", ", fides_meta: { primary_key: true }", "erase: mask"),
        (
            4,
            ", portal: { withheld: it is secret, erase: keep }",
            "",
            "erase: mask",
        ),
    ] {
        let deletes = what.contains("delete");
        let catalog = format!(
            "      - name: people
        portal: {{ rows: own }}
        fields:
          - {{ name: email, fides_meta: {{ identity: email }}, portal: {{ verified: true, erase: mask }} }}
          - {{ name: name, portal: {{ erase: mask }} }}
      - name: lines
        portal: {{ rows: own }}
        fields:
          - name: person
            fides_meta: {{ references: [{{ dataset: d, field: people.id, direction: from }}] }}
            {}
          - {{ name: line_no{no} }}
          - {{ name: what, portal: {{ {what} }} }}
",
            secret.trim_start_matches(", ")
        );
        on_each_engine(LINES, async |database| {
            let done = erase(&*database.connector(), &datasets(&catalog), ADA).await;
            let left = &dump(database).await["lines"];
            let bens: Vec<_> = left.iter().filter(|row| row.starts_with('2')).collect();
            assert_eq!(bens, ["2|1|tea", "2|2|pot"], "case {case}");
            let done = done.unwrap();
            let lines = done.iter().find(|rows| rows.name.collection == "lines");
            let rows: u64 = lines.unwrap().done.iter().map(|(_, rows)| rows).sum();
            assert_eq!(rows, 3, "case {case}");
            let adas: Vec<_> = left.iter().filter(|row| row.starts_with('1')).collect();
            if deletes {
                assert!(adas.is_empty(), "case {case}");
            } else {
                assert_eq!(
                    adas,
                    ["1|1|erased", "1|2|erased", "1|2|erased"],
                    "case {case}"
                );
            }
        })
        .await;
    }
}

/// A trigger on a table that makes a change vanish without a word.
fn quiet(database: &Database, act: &str) -> Vec<String> {
    match database.engine {
        Engine::Sqlite => vec![format!(
            "CREATE TRIGGER quiet BEFORE {act} ON people BEGIN SELECT RAISE(IGNORE); END"
        )],
        Engine::Postgres => vec![
            "CREATE FUNCTION quiet() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'"
                .to_owned(),
            format!(
                "CREATE TRIGGER quiet BEFORE {act} ON people FOR EACH ROW EXECUTE FUNCTION quiet()"
            ),
        ],
        // There a trigger can't leave a row out, but it can put the old value back.
        Engine::MariaDb => vec![
            "CREATE TRIGGER quiet BEFORE UPDATE ON people FOR EACH ROW SET NEW.name = OLD.name"
                .to_owned(),
        ],
    }
}

#[tokio::test]
async fn what_a_trigger_undoes_in_silence_is_not_said_to_be_done() {
    for act in ["UPDATE", "DELETE"] {
        for engine in engines() {
            if engine == Engine::MariaDb && act == "DELETE" {
                continue;
            }
            let database = Database::on(engine, LINES).await;
            for statement in quiet(&database, act) {
                database.run_as_written(&statement).await;
            }
            let before = dump(&database).await;
            let strategy = if act == "UPDATE" {
                "erase: mask"
            } else {
                "erase: delete"
            };
            let datasets = datasets(&shop(strategy, strategy));
            let refused = erase(&*database.connector(), &datasets, ADA).await;
            assert_eq!(refused, Err(ConnectError::Bound), "{engine:?} {act}");
            assert_eq!(dump(&database).await, before, "{engine:?} {act}");
        }
    }
}

#[tokio::test]
async fn a_try_that_broke_off_is_not_told_as_done_when_the_address_has_changed_since() {
    for strategy in ["erase: mask", "erase: delete"] {
        on_each_engine(LINES, async |database| {
            let connector = &*database.connector();
            let datasets = datasets(&shop(strategy, strategy));
            let plan = plan(connector, &datasets).await;
            let claim = claim(connector, &plan, ADA).await;
            let collected = connector.collect(&plan, &claim).await.unwrap();
            // The first try never got as far as the end: nothing is erased. Then the company writes another address down.
            database
                .run(&["UPDATE people SET email = 'ada.new@example.com' WHERE id = 1"])
                .await;
            let before = dump(database).await;
            let done = connector
                .erase(&plan, &claim, &collected, true, SECRET)
                .await;
            let told: u64 = done
                .iter()
                .flatten()
                .flat_map(|rows| rows.done.iter().map(|(_, rows)| rows))
                .sum();
            assert_eq!(told, 0, "nothing was done: {strategy}");
            assert_eq!(dump(database).await, before);
        })
        .await;
    }
}

#[tokio::test]
async fn columns_that_take_few_values_hold_up_no_erasure() {
    for engine in engines() {
        let tables: &[&str] = match engine {
            Engine::Sqlite => &[
                "CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT)",
                "CREATE TABLE facts (person INTEGER NOT NULL REFERENCES people (id), day DATE, born DATE UNIQUE, \
                 size TEXT CHECK (size IN ('S', 'M')), prefs TEXT CHECK (json_valid(prefs)), seat SMALLINT UNIQUE, UNIQUE (person, day))",
            ],
            Engine::Postgres => &[
                "CREATE TABLE people (id INTEGER PRIMARY KEY, email VARCHAR(40) NOT NULL UNIQUE, name TEXT)",
                "CREATE TABLE facts (person INTEGER NOT NULL REFERENCES people (id), day DATE, born DATE UNIQUE, \
                 size TEXT CHECK (size IN ('S', 'M')), prefs JSONB NOT NULL, seat SMALLINT UNIQUE, UNIQUE (person, day))",
            ],
            Engine::MariaDb => &[
                "CREATE TABLE people (id INTEGER PRIMARY KEY, email VARCHAR(40) NOT NULL UNIQUE, name TEXT)",
                "CREATE TABLE facts (person INTEGER NOT NULL, day DATE, born DATE UNIQUE, \
                 size ENUM('S', 'M'), prefs JSON NOT NULL, seat SMALLINT UNIQUE, UNIQUE (person, day), \
                 FOREIGN KEY (person) REFERENCES people (id))",
            ],
        };
        let database = Database::as_written(engine, tables).await;
        database
            .run_as_written(
                "INSERT INTO people VALUES (1, 'ada@example.com', 'Ada'), (2, 'ben@example.com', 'Ben'); \
                 INSERT INTO facts VALUES (1, '2020-01-01', '1999-01-01', 'S', '{\"a\": 1}', 1), \
                 (1, '2020-01-02', '1999-01-02', 'M', '{\"a\": 2}', 2), (2, '1900-01-01', '1900-01-01', 'M', '{\"b\": 2}', 3)",
            )
            .await;
        let catalog = "      - name: people
        portal: { rows: own }
        fields:
          - { name: email, fides_meta: { identity: email }, portal: { verified: true, erase: mask } }
          - { name: name, portal: { erase: mask } }
      - name: facts
        portal: { rows: own }
        fields:
          - { name: person, fides_meta: { references: [{ dataset: d, field: people.id, direction: from }] } }
          - { name: day, portal: { erase: mask } }
          - { name: born, portal: { erase: mask } }
          - { name: size, portal: { erase: mask } }
          - { name: prefs, portal: { erase: mask } }
          - { name: seat, portal: { erase: mask } }
";
        let bens = |rows: &[String]| -> Vec<String> {
            let bens = rows.iter().filter(|row| row.starts_with("2|"));
            bens.cloned().collect()
        };
        let before = bens(&dump(&database).await["facts"]);
        let done = erase(&*database.connector(), &datasets(catalog), ADA).await;
        let left = dump(&database).await;
        assert!(done.is_ok(), "{engine:?}: {done:?}");
        assert_eq!(bens(&left["facts"]), before);
        for row in left["facts"].iter().filter(|row| row.starts_with("1|")) {
            for value in ["2020", "1999", "|S|", "|M|", "\"a\""] {
                assert!(!row.contains(value), "{engine:?}: {row}");
            }
        }
    }
}

#[tokio::test]
async fn whoever_may_only_read_is_told_so_and_changes_nothing() {
    for engine in engines() {
        let database = Database::on(engine, LINES).await;
        let name = format!("onlooker_{}", std::process::id());
        let connector: Box<dyn Connector> = match engine {
            Engine::Sqlite => continue,
            Engine::Postgres => {
                database
                    .run_as_written(&format!(
                        "DROP ROLE IF EXISTS {name}; CREATE ROLE {name} LOGIN PASSWORD 'secret'; \
                         GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name}"
                    ))
                    .await;
                let url = database.url.clone();
                let (_, host) = url.rsplit_once('@').unwrap();
                let url = format!("postgres://{name}:secret@{host}");
                let settings = crate::support::server(&url, Duration::from_secs(20));
                Box::new(fairhold_connect::PostgresConnector::new(&settings).unwrap())
            }
            Engine::MariaDb => {
                let root = std::env::var("FAIRHOLD_TEST_MARIADB").unwrap();
                let mut admin = sqlx::MySqlConnection::connect(&root).await.unwrap();
                let user = format!(
                    "CREATE OR REPLACE USER {name} IDENTIFIED BY 'secret'; GRANT SELECT ON {}.* TO {name}",
                    database.name()
                );
                sqlx::raw_sql(AssertSqlSafe(user))
                    .execute(&mut admin)
                    .await
                    .unwrap();
                let (_, host) = database.url.rsplit_once('@').unwrap();
                let url = format!("mysql://{name}:secret@{host}");
                let settings = crate::support::server(&url, Duration::from_secs(20));
                Box::new(fairhold_connect::MySqlConnector::new(&settings).unwrap())
            }
        };
        let before = dump(&database).await;
        for strategy in ["erase: mask", "erase: delete"] {
            let datasets = datasets(&shop(strategy, strategy));
            let refused = erase(&*connector, &datasets, ADA).await;
            assert_eq!(refused, Err(ConnectError::Refused), "{engine:?} {strategy}");
        }
        assert_eq!(dump(&database).await, before);
    }
}

#[tokio::test]
async fn a_try_that_breaks_off_in_the_middle_changes_nothing_and_the_next_one_does_it() {
    on_each_engine(LINES, async |database| {
        let patient = &*database.connector();
        let datasets = datasets(&shop("erase: mask", "erase: delete"));
        let plan = plan(patient, &datasets).await;
        let claim = claim(patient, &plan, ADA).await;
        let collected = patient.collect(&plan, &claim).await.unwrap();
        let connector = &*database.connector_within(Duration::from_millis(200));
        let before = dump(database).await;
        // Somebody else holds the row, so the transaction waits in its middle until its time is up.
        let lock = "UPDATE people SET name = 'held' WHERE id = 1";
        let stuck = match database.engine {
            Engine::Sqlite => {
                let mut other = database.writer().await;
                let mut held = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
                sqlx::query(lock).execute(&mut *held).await.unwrap();
                connector
                    .erase(&plan, &claim, &collected, false, SECRET)
                    .await
            }
            Engine::Postgres => {
                let mut other = sqlx::PgConnection::connect(&database.url).await.unwrap();
                let mut held = other.begin().await.unwrap();
                sqlx::query(lock).execute(&mut *held).await.unwrap();
                connector
                    .erase(&plan, &claim, &collected, false, SECRET)
                    .await
            }
            Engine::MariaDb => {
                let mut other = sqlx::MySqlConnection::connect(&database.url).await.unwrap();
                let mut held = other.begin().await.unwrap();
                sqlx::query(lock).execute(&mut *held).await.unwrap();
                connector
                    .erase(&plan, &claim, &collected, false, SECRET)
                    .await
            }
        };
        assert_eq!(stuck, Err(ConnectError::TooSlow));
        assert_eq!(dump(database).await, before);
        let done = patient.erase(&plan, &claim, &collected, true, SECRET).await;
        assert!(done.is_ok());
        let people = &dump(database).await["people"];
        assert!(
            people
                .iter()
                .all(|row| !row.contains("ada") && !row.contains("Ada"))
        );
        assert!(people.contains(&"2|ben@example.com|Ben".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn a_reference_that_names_no_columns_means_the_key() {
    let tables = [
        "CREATE TABLE addresses (id INTEGER PRIMARY KEY, street TEXT)",
        "CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT, name TEXT, address INTEGER)",
        // Nobody described this table, and only the database knows that it points at addresses.
        "CREATE TABLE shops (id INTEGER PRIMARY KEY, address INTEGER REFERENCES addresses)",
        "INSERT INTO addresses VALUES (1, 'of Ada'), (2, 'of a shop')",
        "INSERT INTO people VALUES (1, 'ada@example.com', 'Ada', 1), (2, 'ben@example.com', 'Ben', NULL)",
        "INSERT INTO people VALUES (3, 'cleo@example.com', 'Cleo', 2)",
        "INSERT INTO shops VALUES (1, 2)",
    ];
    let catalog = "      - name: addresses
        portal: { rows: shared }
        fields:
          - { name: street, portal: { erase: delete } }
      - name: people
        portal: { rows: own }
        fields:
          - { name: email, fides_meta: { identity: email }, portal: { verified: true, erase: delete } }
          - { name: address, fides_meta: { references: [{ dataset: d, field: addresses.id, direction: to }] } }
";
    let database = Database::new(&tables).await;
    for (who, left) in [
        (ADA, vec!["2|of a shop"]),
        ("cleo@example.com", vec!["2|of a shop"]),
        (BEN, vec!["2|of a shop"]),
    ] {
        let done = erase(&*database.connector(), &datasets(catalog), who).await;
        assert!(done.is_ok(), "{who}: {done:?}");
        assert_eq!(dump(&database).await["addresses"], left, "{who}");
    }
}

#[tokio::test]
async fn rows_that_are_known_by_their_number_keep_it() {
    let tables = [
        "CREATE TABLE people (email TEXT, name TEXT)",
        "INSERT INTO people VALUES ('ada@example.com', 'Ada'), ('ben@example.com', 'Ben')",
    ];
    let catalog = "      - name: people
        portal: { rows: own }
        fields:
          - { name: email, fides_meta: { identity: email }, portal: { verified: true, erase: delete } }
          - { name: name }
";
    let database = Database::new(&tables).await;
    let connector = &*database.connector();
    let datasets = datasets(catalog);
    let plan = plan(connector, &datasets).await;
    let bens = claim(connector, &plan, BEN).await;
    erase(connector, &datasets, ADA).await.unwrap();
    let reading = connector.read(&plan, &bens).await.unwrap();
    assert_eq!(
        (reading.not_theirs, reading.collections[0].rows.len()),
        (Vec::new(), 1)
    );
}

#[tokio::test]
async fn a_shared_row_that_points_at_its_own_kind_goes_too() {
    let tables = [
        "CREATE TABLE places (id INTEGER PRIMARY KEY, name TEXT, inside INTEGER, FOREIGN KEY (inside) REFERENCES places (id))",
        "CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT, name TEXT, place INTEGER)",
        "INSERT INTO places VALUES (1, 'a town', NULL), (2, 'a street', 1), (3, 'a yard', NULL)",
        "INSERT INTO people VALUES (1, 'ada@example.com', 'Ada', 3), (2, 'ben@example.com', 'Ben', 1)",
    ];
    let catalog = "      - name: places
        portal: { rows: shared }
        fields:
          - { name: name, portal: { erase: delete } }
      - name: people
        portal: { rows: own }
        fields:
          - { name: email, fides_meta: { identity: email }, portal: { verified: true, erase: delete } }
          - { name: place, fides_meta: { references: [{ dataset: d, field: places.id, direction: to }] } }
";
    on_each_engine(&tables, async |database| {
        for who in [ADA, BEN] {
            erase(&*database.connector(), &datasets(catalog), who)
                .await
                .unwrap();
        }
        let left = &dump(database).await["places"];
        assert_eq!(
            left,
            &["1|a town|-", "2|a street|1"],
            "the street is in the town"
        );
    })
    .await;
}

#[tokio::test]
async fn rows_that_nobody_can_find_any_more_hold_it_up() {
    let datasets = datasets(&shop("erase: delete", "erase: delete"));
    let tables = [
        "CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT, name TEXT)",
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER, total INTEGER)",
        "INSERT INTO people VALUES (1, 'ada@example.com', 'Ada')",
        "INSERT INTO orders VALUES (10, 1, 5)",
    ];
    on_each_engine(&tables, async |database| {
        let before = dump(database).await;
        let held_up = erase(&*database.connector(), &datasets, ADA).await;
        assert_eq!(held_up, Err(ConnectError::Changed));
        assert_eq!(dump(database).await, before);
    })
    .await;
}

#[tokio::test]
async fn thousands_of_rows_with_a_mask_of_their_own_are_done_in_time() {
    let tables = [
        "CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT, name TEXT)",
        "CREATE TABLE letters (id INTEGER PRIMARY KEY, person INTEGER, sent_to TEXT, place INTEGER)",
        "CREATE TABLE places (id INTEGER PRIMARY KEY, name TEXT)",
        "INSERT INTO people VALUES (1, 'ada@example.com', 'Ada')",
    ];
    let catalog = "      - name: people
        portal: { rows: own }
        fields:
          - { name: email, fides_meta: { identity: email }, portal: { verified: true, erase: mask } }
      - name: letters
        portal: { rows: own }
        fields:
          - { name: person, fides_meta: { references: [{ dataset: d, field: people.id, direction: from }] } }
          - { name: sent_to, data_categories: [user.contact.email], portal: { erase: mask } }
          - { name: place, fides_meta: { references: [{ dataset: d, field: places.id, direction: to }] }, portal: { erase: 'null' } }
      - name: places
        portal: { rows: shared }
        fields:
          - { name: name, portal: { erase: delete } }
";
    on_each_engine(&tables, async |database| {
        let many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)";
        for (table, row) in [
            ("places", "i, 'a place'"),
            ("letters", "i, 1, 'ada@example.com', i"),
        ] {
            let insert = if database.engine == Engine::MariaDb {
                format!("INSERT INTO {table} {many} SELECT {row} FROM n")
            } else {
                format!("{many} INSERT INTO {table} SELECT {row} FROM n")
            };
            database.run(&[&insert]).await;
        }
        let begun = std::time::Instant::now();
        erase(&*database.connector(), &datasets(catalog), ADA)
            .await
            .unwrap();
        println!("5,000 rows on {:?}: {:?}", database.engine, begun.elapsed());
        let left = dump(database).await;
        assert_eq!((left["letters"].len(), left["places"].len()), (5_000, 0));
        let masks: BTreeSet<&str> = left["letters"]
            .iter()
            .filter_map(|row| row.split('|').nth(2))
            .collect();
        assert_eq!(masks.len(), 5_000);
        assert!(masks.iter().all(|mask| mask.ends_with("@erased.invalid")));
    })
    .await;
}
