//! Erasing in place, on each engine: what is promised goes, what is kept stays, and nobody else's rows change.

use fairhold_connect::{CollectionName, ConnectError, Connector, ErasedRows, Plan, ReadRequest};

use crate::support::{
    Database, Engine, address, datasets, lines, on_each_engine, plan, read_all_pages, request,
};

const ADA: &str = "ada@example.com";
const BEN: &str = "ben@example.com";
const SECRET: &[u8] = b"a secret of the plan";

/// References in all directions, a circle, a key of two columns, a table without a key, a shared address.
const TABLES: &[&str] = &[
    "CREATE TABLE addresses (id INTEGER PRIMARY KEY, street TEXT)",
    "CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT, friend INTEGER, \
     FOREIGN KEY (friend) REFERENCES people (id))",
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, person INTEGER NOT NULL, total INTEGER, note TEXT, address INTEGER, \
     FOREIGN KEY (person) REFERENCES people (id), FOREIGN KEY (address) REFERENCES addresses (id))",
    "CREATE TABLE items (order_id INTEGER NOT NULL, line_no INTEGER NOT NULL, what TEXT, PRIMARY KEY (order_id, line_no), \
     FOREIGN KEY (order_id) REFERENCES orders (id))",
    "CREATE TABLE visits (person INTEGER, page TEXT)",
    "INSERT INTO addresses VALUES (1, 'mark street one'), (2, 'shared street'), (3, 'Ben street')",
    "INSERT INTO people VALUES (1, 'ada@example.com', 'mark Ada', NULL), (2, 'ben@example.com', 'Ben', NULL)",
    "UPDATE people SET friend = 1 WHERE id = 1",
    "INSERT INTO orders VALUES (10, 1, 5, 'mark note', 1), (11, 1, 6, 'mark other', 2), (20, 2, 7, 'Ben note', 2), (21, 2, 8, 'x', 3)",
    "INSERT INTO items VALUES (10, 1, 'mark tea'), (10, 2, 'mark pot'), (11, 1, 'mark cup'), (20, 1, 'Ben cup')",
    "INSERT INTO visits VALUES (1, 'mark page'), (1, 'mark page'), (1, NULL), (2, 'Ben page')",
];

/// The collections, with what erasure does to people and to orders.
fn company(people: &str, orders: &str) -> String {
    format!(
        "      - name: addresses
        portal: {{ rows: shared }}
        fields:
          - {{ name: street, portal: {{ erase: delete }} }}
      - name: people
        portal: {{ rows: own }}
        fields:
          - {{ name: email, fides_meta: {{ identity: email }}, portal: {{ verified: true, {people} }} }}
          - {{ name: name, portal: {{ {people} }} }}
      - name: orders
        portal: {{ rows: own }}
        fields:
          - {{ name: person, fides_meta: {{ references: [{{ dataset: d, field: people.id, direction: from }}] }} }}
          - {{ name: total, portal: {{ {orders}, keep: {{ for: 7 years, because: tax law }} }} }}
          - {{ name: note, portal: {{ erase: MASKED }} }}
          - {{ name: address, fides_meta: {{ references: [{{ dataset: d, field: addresses.id, direction: to }}] }} }}
      - name: items
        portal: {{ rows: own, erase: delete }}
        fields:
          - {{ name: order_id, fides_meta: {{ references: [{{ dataset: d, field: orders.id, direction: from }}] }} }}
          - {{ name: what }}
      - name: visits
        portal: {{ rows: own, erase: delete }}
        fields:
          - {{ name: person, fides_meta: {{ references: [{{ dataset: d, field: people.id, direction: from }}] }} }}
          - {{ name: page }}
"
    )
    .replace("MASKED", if orders.contains("keep") { "mask" } else { "delete" })
}

async fn claim(connector: &dyn Connector, plan: &Plan, who: &str) -> ReadRequest {
    let contacts = address(who);
    let found = connector.find(plan, &contacts).await.unwrap();
    request(&contacts, &found)
}

/// Collects and erases; what was done by collection: how many rows were deleted, changed, kept for others.
async fn erase(
    database: &Database,
    plan: &Plan,
    who: &str,
) -> Result<Vec<(String, u64, u64, u64)>, ConnectError> {
    let connector = &*database.connector();
    let claim = claim(connector, plan, who).await;
    let collected = connector.collect(plan, &claim).await?;
    let done = connector
        .erase(plan, &claim, &collected, false, SECRET)
        .await?;
    // Again, as after a crash: nothing more changes, and it tells the same.
    // Meanwhile the database may have given the numbers out again.
    let theirs = all_of(connector, plan, BEN).await;
    let again = connector
        .erase(plan, &claim, &collected, true, SECRET)
        .await?;
    assert_eq!(sorted(done.clone()), sorted(again));
    assert_eq!(all_of(connector, plan, BEN).await, theirs);
    Ok(summed(&done))
}

fn sorted(mut done: Vec<ErasedRows>) -> Vec<ErasedRows> {
    done.sort_by(|a, b| (&a.name, a.shared).cmp(&(&b.name, b.shared)));
    done
}

fn summed(done: &[ErasedRows]) -> Vec<(String, u64, u64, u64)> {
    let line = |rows: &ErasedRows| {
        let sum = |deletes: bool| {
            let acts = rows.done.iter().filter(|(act, _)| act.deletes == deletes);
            acts.map(|(_, rows)| rows).sum()
        };
        (
            rows.name.collection.clone(),
            sum(true),
            sum(false),
            rows.in_use,
        )
    };
    let mut lines: Vec<_> = done.iter().map(line).collect();
    lines.sort();
    lines
}

/// Texts of hers that are left.
async fn marks(database: &Database) -> i64 {
    let mut left = 0;
    for (table, column) in [
        ("people", "name"),
        ("orders", "note"),
        ("items", "what"),
        ("visits", "page"),
        ("addresses", "street"),
    ] {
        left += database
            .number(&format!(
                "SELECT COUNT(*) FROM {table} WHERE {column} LIKE '%mark%'"
            ))
            .await;
    }
    left
}

/// What somebody reads of themselves, to the last cell.
async fn all_of(connector: &dyn Connector, plan: &Plan, who: &str) -> Vec<(String, Vec<String>)> {
    let (own, shared) = read_all_pages(connector, plan, who, 3).await;
    let mut all: Vec<_> = own
        .iter()
        .map(|(name, rows)| (name.clone(), lines(rows)))
        .collect();
    all.push(("shared".to_owned(), lines(&shared)));
    all
}

fn rows(table: &str, deleted: u64, changed: u64, in_use: u64) -> (String, u64, u64, u64) {
    (table.to_owned(), deleted, changed, in_use)
}

#[tokio::test]
async fn rows_go_with_all_that_hangs_on_them_and_nobody_elses_change() {
    let datasets = datasets(&company("erase: delete", "erase: delete"));
    on_each_engine(TABLES, async |database| {
        let connector = &*database.connector();
        let plan = plan(connector, &datasets).await;
        let before = all_of(connector, &plan, BEN).await;
        let done = erase(database, &plan, ADA).await.unwrap();
        assert_eq!(
            done,
            [
                rows("addresses", 1, 0, 1),
                rows("items", 3, 0, 0),
                rows("orders", 2, 0, 0),
                rows("people", 1, 0, 0),
                rows("visits", 3, 0, 0),
            ],
            "the shared address stays, because Ben's order points at it"
        );
        assert_eq!(marks(database).await, 0);
        assert_eq!(all_of(connector, &plan, BEN).await, before);
        assert_eq!(connector.find(&plan, &address(ADA)).await.unwrap(), []);
        if database.engine == Engine::Sqlite {
            let folder = database.path.parent().unwrap();
            for file in std::fs::read_dir(folder).unwrap() {
                let bytes = std::fs::read(file.unwrap().path()).unwrap();
                assert!(
                    !bytes.windows(4).any(|w| w == b"mark"),
                    "a text is left in the file"
                );
                assert!(!bytes.windows(3).any(|w| w == b"ada"));
            }
        }
    })
    .await;
}

#[tokio::test]
async fn what_the_law_keeps_stays_without_a_name_on_it() {
    let datasets = datasets(&company("erase: mask", "erase: keep"));
    on_each_engine(TABLES, async |database| {
        let connector = &*database.connector();
        let plan = plan(connector, &datasets).await;
        let before = all_of(connector, &plan, BEN).await;
        let done = erase(database, &plan, ADA).await.unwrap();
        assert_eq!(
            done,
            [
                rows("addresses", 0, 0, 2),
                rows("items", 3, 0, 0),
                rows("orders", 0, 2, 0),
                rows("people", 0, 1, 0),
                rows("visits", 3, 0, 0),
            ]
        );
        assert_eq!(marks(database).await, 1, "the address of an order that is kept");
        let kept = "SELECT COUNT(*) FROM orders WHERE person = 1 AND total IN (5, 6) AND note = 'erased'";
        assert_eq!(database.number(kept).await, 2);
        let masked = "SELECT COUNT(*) FROM people WHERE id = 1 AND name = 'erased' AND email LIKE '%@erased.invalid'";
        assert_eq!(database.number(masked).await, 1);
        assert_eq!(all_of(connector, &plan, BEN).await, before);
    })
    .await;
}

#[tokio::test]
async fn rows_that_came_after_the_collecting_go_too() {
    let datasets = datasets(&company("erase: delete", "erase: delete"));
    on_each_engine(TABLES, async |database| {
        let connector = &*database.connector();
        let plan = plan(connector, &datasets).await;
        let claim = claim(connector, &plan, ADA).await;
        let collected = connector.collect(&plan, &claim).await.unwrap();
        database
            .run(&[
                "INSERT INTO orders VALUES (12, 1, 9, 'mark late', 1)",
                "INSERT INTO items VALUES (12, 1, 'mark late too')",
            ])
            .await;
        let done = connector
            .erase(&plan, &claim, &collected, false, SECRET)
            .await;
        assert_eq!(marks(database).await, 0);
        let orders = summed(&done.unwrap());
        assert!(orders.contains(&rows("orders", 3, 0, 0)), "{orders:?}");
    })
    .await;
}

#[tokio::test]
async fn twenty_thousand_rows_are_twenty_thousand() {
    let datasets = datasets(&company("erase: mask", "erase: delete"));
    on_each_engine(TABLES, async |database| {
        let many =
            "WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 20099)";
        let insert = if database.engine == Engine::MariaDb {
            format!("INSERT INTO orders {many} SELECT i, 1, i, CONCAT('mark ', i), 1 FROM n")
        } else {
            format!("{many} INSERT INTO orders SELECT i, 1, i, 'mark ' || i, 1 FROM n")
        };
        database.run(&[&insert]).await;
        let connector = &*database.connector();
        let plan = plan(connector, &datasets).await;
        let done = erase(database, &plan, ADA).await.unwrap();
        assert!(done.contains(&rows("orders", 20_002, 0, 0)), "{done:?}");
        let left = "SELECT COUNT(*) FROM orders WHERE person = 1";
        assert_eq!(database.number(left).await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_rule_in_the_way_changes_nothing_at_all() {
    let datasets = datasets(&company("erase: delete", "erase: delete"));
    on_each_engine(TABLES, async |database| {
        // Somebody else's row that no catalog mentions points at her.
        database
            .run(&[
                "CREATE TABLE notes (id INTEGER PRIMARY KEY, person INTEGER NOT NULL, FOREIGN KEY (person) REFERENCES people (id))",
                "INSERT INTO notes VALUES (1, 1)",
            ])
            .await;
        let connector = &*database.connector();
        let plan = plan(connector, &datasets).await;
        let before = (marks(database).await, all_of(connector, &plan, ADA).await);
        let refused = erase(database, &plan, ADA).await;
        assert_eq!(refused, Err(ConnectError::Bound));
        assert_eq!((marks(database).await, all_of(connector, &plan, ADA).await), before);
        database.run(&["DELETE FROM notes"]).await;
        erase(database, &plan, ADA).await.unwrap();
        assert_eq!(marks(database).await, 0);
    })
    .await;
}

#[tokio::test]
async fn nobody_is_erased_by_an_address_that_is_theirs_no_more() {
    let datasets = datasets(&company("erase: delete", "erase: delete"));
    on_each_engine(TABLES, async |database| {
        let connector = &*database.connector();
        let plan = plan(connector, &datasets).await;
        let stale = claim(connector, &plan, ADA).await;
        database
            .run(&["UPDATE people SET email = 'new@example.com' WHERE id = 1"])
            .await;
        let collected = connector.collect(&plan, &stale).await.unwrap();
        assert_eq!(collected.tables, []);
        let before = marks(database).await;
        let done = connector
            .erase(&plan, &stale, &collected, false, SECRET)
            .await
            .unwrap();
        assert_eq!((done, marks(database).await), (Vec::new(), before));
    })
    .await;
}

#[tokio::test]
async fn what_is_promised_can_be_read_before_anything_is_done() {
    let datasets = datasets(&company("erase: mask", "erase: keep"));
    let database = Database::new(TABLES).await;
    let plan = plan(&*database.connector(), &datasets).await;
    let (name, orders) = plan.fates().nth(1).unwrap();
    assert_eq!(*name, CollectionName::new("d", "orders"));
    let [act] = orders.acts.as_slice() else {
        panic!("one fate for all orders")
    };
    let kept: Vec<_> = act.kept.iter().map(|part| part.label.as_str()).collect();
    assert_eq!(kept, ["id", "person", "total", "address"]);
    assert_eq!(act.changes.len(), 1);
}
