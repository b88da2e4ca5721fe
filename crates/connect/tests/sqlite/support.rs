//! Files to read, and short ways to read them.

use std::{collections::BTreeMap, path::Path, path::PathBuf, time::Duration};

use fairhold_connect::{
    Cell, CollectionName, CollectionRows, Connector, Found, Plan, ReadRequest, Reading, Row,
    SqliteConnector, SqliteSettings,
};
use fairhold_domain::{
    catalog::{
        Dataset,
        load::{SourceFile, load},
    },
    email::EmailAddress,
};
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;

/// A database in a folder that goes when this is dropped.
pub struct Database {
    _folder: TempDir,
    pub path: PathBuf,
}

impl Database {
    pub async fn new(statements: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("company.db");
        let database = Self {
            _folder: folder,
            path,
        };
        database.run(statements).await;
        database
    }

    pub async fn run(&self, statements: &[&str]) {
        let mut connection = self.writer().await;
        for statement in statements {
            sqlx::raw_sql(sqlx::AssertSqlSafe((*statement).to_owned()))
                .execute(&mut connection)
                .await
                .expect(statement);
        }
        connection.close().await.unwrap();
    }

    pub async fn writer(&self) -> SqliteConnection {
        SqliteConnectOptions::new()
            .filename(&self.path)
            .create_if_missing(true)
            .connect()
            .await
            .unwrap()
    }
}

pub fn connector(path: &Path) -> SqliteConnector {
    SqliteConnector::new(SqliteSettings {
        path: path.to_owned(),
        max_connections: 2,
        timeout: Duration::from_secs(20),
    })
}

/// A dataset `d` with these collections, written as a company would.
pub fn datasets(collections: &str) -> Vec<Dataset> {
    let text = format!(
        "dataset:\n  - fides_key: d\n    name: D\n    portal: {{ connection: c }}\n    collections:\n{collections}"
    );
    let loaded = load(&[SourceFile {
        path: "datasets/d.yml".to_owned(),
        text,
    }]);
    assert_eq!(loaded.catalog.datasets.len(), 1, "{:?}", loaded.findings);
    loaded.catalog.datasets
}

pub async fn plan(connector: &SqliteConnector, datasets: &[Dataset]) -> Plan {
    connector.plan(datasets, &connector.describe().await.unwrap())
}

pub fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

pub fn request(address: &EmailAddress, found: &[Found]) -> ReadRequest {
    ReadRequest {
        address: address.clone(),
        start: found.iter().map(|f| f.row.clone()).collect(),
        proven: Vec::new(),
        only: None,
        after: None,
        page: 500,
        count_up_to: 1_000,
    }
}

/// The first page of everything.
pub async fn read(connector: &SqliteConnector, plan: &Plan, text: &str) -> Reading {
    let address = address(text);
    let found = connector.find(plan, &address).await.unwrap();
    connector
        .read(plan, &request(&address, &found))
        .await
        .unwrap()
}

/// Every page of every collection, by the collection's name; the shared rows of all pages beside them.
pub async fn read_all_pages(
    connector: &SqliteConnector,
    plan: &Plan,
    text: &str,
    page: u32,
) -> (BTreeMap<String, Vec<Row>>, Vec<Row>) {
    let address = address(text);
    let found = connector.find(plan, &address).await.unwrap();
    let mut request = ReadRequest {
        page,
        ..request(&address, &found)
    };
    let first = connector.read(plan, &request).await.unwrap();
    let mut all = BTreeMap::new();
    let mut shared: Vec<Row> = first.shared.into_iter().flat_map(|s| s.rows).collect();
    for mut collection in first.collections {
        let rows: &mut Vec<Row> = all.entry(collection.name.collection.clone()).or_default();
        rows.append(&mut collection.rows);
        request.only = Some(collection.name.clone());
        request.after = collection.next;
        while request.after.is_some() {
            let next = connector.read(plan, &request).await.unwrap();
            shared.extend(next.shared.into_iter().flat_map(|s| s.rows));
            let [mut only] = <[CollectionRows; 1]>::try_from(next.collections).unwrap();
            assert!(only.rows.len() <= page as usize);
            rows.append(&mut only.rows);
            request.after = only.next;
        }
    }
    (all, shared)
}

pub fn rows_of<'a>(reading: &'a Reading, collection: &str) -> &'a CollectionRows {
    reading
        .collections
        .iter()
        .find(|c| c.name == CollectionName::new("d", collection))
        .unwrap()
}

/// What a cell shows, for comparing.
pub fn shown(cell: &Cell) -> String {
    match cell {
        Cell::Empty => "∅".to_owned(),
        Cell::Text(text) => text.clone(),
        Cell::TooLong { start, bytes } => format!("{bytes}:{start}"),
        Cell::Binary { bytes } => format!("binary {bytes}"),
        Cell::Unreadable => "unreadable".to_owned(),
        Cell::Withheld => "withheld".to_owned(),
    }
}

pub fn lines(rows: &[Row]) -> Vec<String> {
    rows.iter()
        .map(|row| row.cells.iter().map(shown).collect::<Vec<_>>().join("|"))
        .collect()
}
