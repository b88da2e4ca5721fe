//! The rule that matters most, on schemas that nobody thought of: whoever reads gets all of their own rows, each once,
//! and never a value of somebody else's.
//!
//! Each own row carries its owner's mark. Own tables hang on earlier own tables, by references in either direction, by
//! one column or two, from one parent or several. Between the owners stand shared rows that all of them point at, and from
//! which a reference leads back into everybody's rows; tables about others; and customers who recruited each other.

use std::fmt::Write as _;

use fairhold_domain::catalog::{
    Collection, ColumnRef, CompositeReference, Dataset, Direction, Field, Place, Reference, Rows,
};
use proptest::prelude::*;

use crate::support::{Database, engines, plan, read_all_pages, shown};

const OWNERS: [&str; 3] = ["ada", "ben", "cleo"];

/// Names that break SQL which is put together carelessly.
const ODD: [&str; 8] = [
    "plain",
    "we\"ird",
    "a b",
    "Größe",
    "order",
    "x'; --",
    "[brackets]",
    "`tick`",
];

#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is drawn by itself")]
struct Table {
    odd: usize,
    /// Indexes of earlier own tables, folded into range; the first is the way to the owner that always exists.
    parents: Vec<usize>,
    /// Whether the first parent points here, instead of this table pointing there.
    parent_points: bool,
    composite: bool,
    without_key: bool,
    ordered: bool,
    rows_each: usize,
    points_at_shared: bool,
}

fn table() -> impl Strategy<Value = Table> {
    (
        0..ODD.len(),
        prop::collection::vec(0..8usize, 1..3),
        any::<[bool; 5]>(),
        1..4usize,
    )
        .prop_map(|(odd, parents, b, rows_each)| Table {
            odd,
            parents,
            parent_points: b[0],
            composite: b[1],
            without_key: b[2],
            ordered: b[3],
            rows_each,
            points_at_shared: b[4],
        })
}

/// A schema and its rows while they are being made.
struct World {
    tables: Vec<Table>,
}

fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn field(name: &str) -> Field {
    Field {
        name: name.to_owned(),
        ..Field::default()
    }
}

fn points(name: &str, collection: &str, column: &str, direction: Direction) -> Field {
    let to = ColumnRef {
        dataset: "d".to_owned(),
        collection: collection.to_owned(),
        field: column.to_owned(),
    };
    Field {
        references: vec![Reference {
            to,
            direction: Some(direction),
            place: Place::default(),
        }],
        ..field(name)
    }
}

impl World {
    fn name(&self, table: usize) -> String {
        format!("{} {table}", ODD[self.tables[table].odd])
    }

    fn parents(&self, table: usize) -> Vec<usize> {
        let mut parents: Vec<usize> = self.tables[table]
            .parents
            .iter()
            .map(|p| p % table)
            .collect();
        parents.dedup();
        parents
    }

    /// Tables whose rows this one points at because they are its children.
    fn pointed_children(&self, table: usize) -> Vec<usize> {
        (1..self.tables.len())
            .filter(|t| self.tables[*t].parent_points && self.parents(*t)[0] == table)
            .collect()
    }

    /// The parents that this table's own columns point at.
    fn pointed_parents(&self, table: usize) -> Vec<usize> {
        let skip = usize::from(self.tables[table].parent_points);
        if table == 0 {
            Vec::new()
        } else {
            self.parents(table).into_iter().skip(skip).collect()
        }
    }

    fn dataset(&self) -> Dataset {
        let mut collections: Vec<Collection> =
            (0..self.tables.len()).map(|t| self.collection(t)).collect();
        collections.push(Collection {
            name: "shared".to_owned(),
            rows: Some(Rows::Shared),
            // The trap: from the shared row back to all customers who point at it.
            fields: vec![points("id", &self.name(0), "shared_id", Direction::To)],
            ..Collection::default()
        });
        collections.push(Collection {
            name: "others".to_owned(),
            rows: Some(Rows::Others),
            fields: vec![points("of", &self.name(0), "k\"1", Direction::From)],
            ..Collection::default()
        });
        Dataset {
            key: "d".to_owned(),
            connection: Some("c".to_owned()),
            collections,
            ..Dataset::default()
        }
    }

    fn collection(&self, table: usize) -> Collection {
        let t = &self.tables[table];
        let mut fields = vec![field("k\"1"), field("k 2"), field("text")];
        let mut references = Vec::new();
        let pointers = self
            .pointed_parents(table)
            .into_iter()
            .map(|p| (p, Direction::From));
        let pointers = pointers.chain(
            self.pointed_children(table)
                .into_iter()
                .map(|c| (c, Direction::To)),
        );
        for (other, direction) in pointers {
            let columns = [format!("to {other}"), format!("too {other}")];
            if self.tables[other].composite {
                references.push(CompositeReference {
                    fields: columns.to_vec(),
                    dataset: "d".to_owned(),
                    collection: self.name(other),
                    columns: vec!["k\"1".to_owned(), "k 2".to_owned()],
                    direction: Some(direction),
                    place: Place::default(),
                });
            } else {
                fields.push(points(&columns[0], &self.name(other), "k\"1", direction));
            }
        }
        if t.points_at_shared {
            fields.push(points("shared_id", "shared", "id", Direction::To));
        }
        if table == 0 {
            fields.push(Field {
                identity: Some("email".to_owned()),
                verified: true,
                ..field("email")
            });
            fields.push(points(
                "recruited_by",
                &self.name(0),
                "k\"1",
                Direction::From,
            ));
        }
        Collection {
            name: self.name(table),
            rows: t.parent_points.then_some(Rows::Own).filter(|_| table > 0),
            order_by: t.ordered.then(|| "when".to_owned()),
            fields,
            references,
            ..Collection::default()
        }
    }

    fn create(&self) -> String {
        let mut sql = "CREATE TABLE shared (id INTEGER PRIMARY KEY, text TEXT); INSERT INTO shared VALUES (1, 'shared');
                       CREATE TABLE others (id INTEGER, \"of\" INTEGER, text TEXT);"
            .to_owned();
        for (table, t) in self.tables.iter().enumerate() {
            let mut columns = vec![
                "\"k\"\"1\" INTEGER".to_owned(),
                "\"k 2\" TEXT".to_owned(),
                "text TEXT".to_owned(),
            ];
            columns.push("\"when\" INTEGER".to_owned());
            columns.push("shared_id INTEGER".to_owned());
            for other in self
                .pointed_parents(table)
                .into_iter()
                .chain(self.pointed_children(table))
            {
                columns.push(format!("\"to {other}\" INTEGER, \"too {other}\" TEXT"));
            }
            if table == 0 {
                columns.push("email TEXT, recruited_by INTEGER".to_owned());
            }
            if !t.without_key {
                columns.push("PRIMARY KEY (\"k\"\"1\", \"k 2\")".to_owned());
            }
            writeln!(
                sql,
                "CREATE TABLE {} ({});",
                quote(&self.name(table)),
                columns.join(", ")
            )
            .unwrap();
        }
        sql
    }

    /// The first part of a row's key. Where keys are composite it says nothing alone: all owners have the same.
    fn keys(&self, table: usize, owner: usize, row: usize) -> (usize, String) {
        if self.tables[table].composite {
            (row, format!("k{owner}"))
        } else {
            (row * 10 + owner + 1, format!("k{owner}"))
        }
    }

    fn rows_each(&self, table: usize) -> usize {
        if table == 0 {
            1
        } else {
            self.tables[table].rows_each
        }
    }

    /// The rows, and what each owner must get.
    fn insert(&self) -> (String, Vec<Vec<String>>) {
        let mut sql = String::new();
        let mut theirs = vec![Vec::new(); OWNERS.len()];
        for owner in 0..OWNERS.len() {
            for table in 0..self.tables.len() {
                for row in 0..self.reached_rows(table) {
                    let mark = format!("mark-{}-{table}-{row}", OWNERS[owner]);
                    sql.push_str(&self.insert_row(table, owner, row, &mark));
                    theirs[owner].push(mark);
                }
            }
            let next = self.keys(0, (owner + 1) % OWNERS.len(), 0).0;
            writeln!(
                sql,
                "INSERT INTO others (\"of\", text) VALUES ({next}, 'mark-{}-others');",
                OWNERS[owner]
            )
            .unwrap();
        }
        (sql, theirs)
    }

    /// A parent's row points at one child row, so no more of them hang on the owner than the parent has rows.
    fn reached_rows(&self, table: usize) -> usize {
        if table > 0 && self.tables[table].parent_points {
            self.rows_each(table)
                .min(self.reached_rows(self.parents(table)[0]))
        } else {
            self.rows_each(table)
        }
    }

    fn insert_row(&self, table: usize, owner: usize, row: usize, mark: &str) -> String {
        let (k1, k2) = self.keys(table, owner, row);
        let mut columns = vec!["\"k\"\"1\"", "\"k 2\"", "text", "\"when\"", "shared_id"]
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>();
        let when = if row % 3 == 2 {
            "NULL".to_owned()
        } else {
            (row / 2).to_string()
        };
        let mut values = vec![
            k1.to_string(),
            format!("'{k2}'"),
            format!("'{mark}'"),
            when,
            "1".to_owned(),
        ];
        for other in self
            .pointed_parents(table)
            .into_iter()
            .chain(self.pointed_children(table))
        {
            let (to, too) = self.keys(other, owner, row % self.reached_rows(other));
            columns.push(format!("\"to {other}\", \"too {other}\""));
            values.push(format!("{to}, '{too}'"));
        }
        if table == 0 {
            columns.push("email, recruited_by".to_owned());
            let recruiter = self.keys(0, (owner + 1) % OWNERS.len(), 0).0;
            values.push(format!("'{}@example.com', {recruiter}", OWNERS[owner]));
        }
        format!(
            "INSERT INTO {} ({}) VALUES ({});\n",
            quote(&self.name(table)),
            columns.join(", "),
            values.join(", ")
        )
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn everyone_gets_all_of_their_own_and_nothing_else(tables in prop::collection::vec(table(), 1..7), page in 1..5u32) {
        let mut world = World { tables };
        // The identity's own key must tell the owners apart for the trap tables to point at one of them.
        world.tables[0].composite = false;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (inserts, theirs) = world.insert();
        for engine in engines() {
            let database = runtime.block_on(Database::on(engine, &[&world.create(), &inserts]));
            let got = runtime.block_on(all_read(&database, &world, page));
            for ((mut own, shared), mut expected) in got.into_iter().zip(theirs.clone()) {
                own.sort();
                expected.sort();
                prop_assert_eq!(own, expected, "on {:?}", engine);
                prop_assert!(shared.iter().all(|text| !text.starts_with("mark-")));
            }
        }
    }
}

/// What each owner reads: the marks of their own rows, and all that stands in shared ones.
async fn all_read(
    database: &Database,
    world: &World,
    page: u32,
) -> Vec<(Vec<String>, Vec<String>)> {
    let connector = &*database.connector();
    let plan = plan(connector, &[world.dataset()]).await;
    assert_eq!(plan.missing(), []);
    let mut got = Vec::new();
    for owner in OWNERS {
        let address = format!("{owner}@example.com");
        let (all, shared) = read_all_pages(connector, &plan, &address, page).await;
        let texts = |row: &fairhold_connect::Row| row.cells.iter().map(shown).collect::<Vec<_>>();
        let own = all.values().flatten().flat_map(texts);
        let own = own.filter(|t| t.starts_with("mark-")).collect();
        got.push((own, shared.iter().flat_map(texts).collect()));
    }
    got
}
