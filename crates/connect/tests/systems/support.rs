//! Files to read, and short ways to read them.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use fairhold_connect::{
    Cell, CollectionName, CollectionRows, Connector, Found, KeyValue, MySqlConnector, Plan,
    PostgresConnector, ReadRequest, Reading, Row, ServerSettings, SqliteConnector, SqliteSettings,
};
use fairhold_domain::{
    catalog::{
        Dataset,
        load::{SourceFile, load},
    },
    contact_point::ContactPoints,
    email::EmailAddress,
};
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;

/// The engines that a company's database may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
    MariaDb,
}

/// The engines that can be tried here; says on a line of its own which can't.
pub fn engines() -> Vec<Engine> {
    let mut engines = vec![Engine::Sqlite];
    for (engine, variable) in [(Engine::Postgres, POSTGRES), (Engine::MariaDb, MARIADB)] {
        if std::env::var(variable).is_ok() {
            engines.push(engine);
        } else {
            println!("skipped: {variable} is not set, so this was not tried on {engine:?}");
        }
    }
    engines
}

const POSTGRES: &str = "FAIRHOLD_TEST_POSTGRES";
const MARIADB: &str = "FAIRHOLD_TEST_MARIADB";

/// Runs a test on a fresh database of each engine.
pub async fn on_each_engine(statements: &[&str], test: impl AsyncFn(&Database)) {
    for engine in engines() {
        println!("on {engine:?}");
        test(&Database::on(engine, statements).await).await;
    }
}

/// A fresh database. A file goes when this is dropped; one on a server goes with the server.
pub struct Database {
    _folder: TempDir,
    pub engine: Engine,
    /// The file; of a server, nothing.
    pub path: PathBuf,
    /// The address; of a file, nothing.
    pub url: String,
}

impl Database {
    pub async fn new(statements: &[&str]) -> Self {
        Self::on(Engine::Sqlite, statements).await
    }

    pub async fn on(engine: Engine, statements: &[&str]) -> Self {
        let database = Self::empty(engine).await;
        database.run(statements).await;
        database
    }

    /// Runs statements that are written for that engine.
    pub async fn as_written(engine: Engine, statements: &[&str]) -> Self {
        let database = Self::empty(engine).await;
        for statement in statements {
            database.run_as_written(statement).await;
        }
        database
    }

    pub async fn empty(engine: Engine) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::SeqCst);
        let name = format!("company_{}_{number}", std::process::id());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("company.db");
        let url = match engine {
            Engine::Sqlite => String::new(),
            Engine::Postgres => on_server(POSTGRES, &name).await,
            Engine::MariaDb => on_server(MARIADB, &name).await,
        };
        Self {
            _folder: folder,
            engine,
            path,
            url,
        }
    }

    /// Runs statements that every engine understands: `TEXT` is what a key may be, names are in double quotes.
    pub async fn run(&self, statements: &[&str]) {
        for statement in statements {
            if self.engine == Engine::MariaDb {
                let mode =
                    "SET SESSION sql_mode = 'ANSI_QUOTES', max_recursive_iterations = 1000000";
                let statement = statement.replace(" TEXT", " VARCHAR(200)");
                self.run_as_written(&format!("{mode}; {statement}")).await;
            } else {
                self.run_as_written(statement).await;
            }
        }
    }

    pub async fn run_as_written(&self, statements: &str) {
        match self.engine {
            Engine::Sqlite => run_all(&mut self.writer().await, statements).await,
            Engine::Postgres => {
                let mut connection = sqlx::PgConnection::connect(&self.url).await.unwrap();
                run_all(&mut connection, statements).await;
            }
            Engine::MariaDb => {
                let mut connection = sqlx::MySqlConnection::connect(&self.url).await.unwrap();
                run_all(&mut connection, statements).await;
            }
        }
    }

    /// What a statement counts.
    pub async fn number(&self, sql: &str) -> i64 {
        let sql = sqlx::AssertSqlSafe(sql.to_owned());
        if self.engine == Engine::Sqlite {
            let mut writer = self.writer().await;
            return sqlx::query_scalar(sql)
                .fetch_one(&mut writer)
                .await
                .unwrap();
        }
        if self.engine == Engine::Postgres {
            let mut connection = sqlx::PgConnection::connect(&self.url).await.unwrap();
            sqlx::query_scalar(sql)
                .fetch_one(&mut connection)
                .await
                .unwrap()
        } else {
            let mut connection = sqlx::MySqlConnection::connect(&self.url).await.unwrap();
            sqlx::query_scalar(sql)
                .fetch_one(&mut connection)
                .await
                .unwrap()
        }
    }

    /// The database's name, on a server.
    pub fn name(&self) -> String {
        self.url.rsplit_once('/').unwrap().1.to_owned()
    }

    /// Lets this database's user into the other one, on MariaDB.
    pub async fn may_use(&self, other: &Self) {
        let root = std::env::var(MARIADB).unwrap();
        let grant = format!("GRANT ALL ON {}.* TO {}", other.name(), self.name());
        run_all(
            &mut sqlx::MySqlConnection::connect(&root).await.unwrap(),
            &grant,
        )
        .await;
    }

    pub async fn writer(&self) -> SqliteConnection {
        SqliteConnectOptions::new()
            .filename(&self.path)
            .create_if_missing(true)
            .connect()
            .await
            .unwrap()
    }

    pub fn connector(&self) -> Box<dyn Connector> {
        self.connector_within(Duration::from_secs(20))
    }

    pub fn connector_within(&self, timeout: Duration) -> Box<dyn Connector> {
        match self.engine {
            Engine::Sqlite => Box::new(SqliteConnector::new(SqliteSettings {
                path: self.path.clone(),
                max_connections: 2,
                timeout,
            })),
            Engine::Postgres => {
                Box::new(PostgresConnector::new(&server(&self.url, timeout)).unwrap())
            }
            Engine::MariaDb => Box::new(MySqlConnector::new(&server(&self.url, timeout)).unwrap()),
        }
    }
}

pub fn server(url: &str, timeout: Duration) -> ServerSettings {
    ServerSettings {
        url: url.to_owned(),
        tls: None,
        ca_file: None,
        max_connections: 2,
        timeout,
    }
}

async fn run_all<C>(connection: &mut C, statements: &str)
where
    for<'c> &'c mut C: sqlx::Executor<'c>,
{
    sqlx::raw_sql(sqlx::AssertSqlSafe(statements.to_owned()))
        .execute(connection)
        .await
        .expect(statements);
}

/// Makes a database of that name on a server, and gives its address.
async fn on_server(variable: &str, name: &str) -> String {
    let url = std::env::var(variable).unwrap();
    let create = format!("CREATE DATABASE {name}");
    let (server, _) = url.rsplit_once('/').unwrap();
    if variable == POSTGRES {
        run_all(
            &mut sqlx::PgConnection::connect(&url).await.unwrap(),
            &create,
        )
        .await;
        return format!("{server}/{name}");
    }
    // A user who sees this database and no other.
    let user = format!(
        "{create} CHARACTER SET utf8mb4; CREATE USER {name} IDENTIFIED BY 'secret'; GRANT ALL ON {name}.* TO {name}"
    );
    run_all(
        &mut sqlx::MySqlConnection::connect(&url).await.unwrap(),
        &user,
    )
    .await;
    format!(
        "{}/{name}",
        server.replace("root@", &format!("{name}:secret@"))
    )
}

pub fn connector(path: &Path) -> SqliteConnector {
    SqliteConnector::new(SqliteSettings {
        path: path.to_owned(),
        max_connections: 2,
        timeout: Duration::from_secs(20),
    })
}

/// The keys of rows that were found, as text whatever the engine.
pub fn keys(found: &[Found]) -> Vec<String> {
    let part = |value: &KeyValue| match value {
        KeyValue::Int(number) => number.to_string(),
        KeyValue::Text(text) => text.clone(),
        other => format!("{other:?}"),
    };
    let key = |found: &Found| {
        found
            .row
            .key
            .0
            .iter()
            .map(part)
            .collect::<Vec<_>>()
            .join("|")
    };
    found.iter().map(key).collect()
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

pub async fn plan(connector: &dyn Connector, datasets: &[Dataset]) -> Plan {
    connector.plan(datasets, &connector.describe().await.unwrap())
}

pub fn address(text: &str) -> ContactPoints {
    EmailAddress::parse(text).unwrap().into()
}

pub fn request(contacts: &ContactPoints, found: &[Found]) -> ReadRequest {
    ReadRequest {
        contacts: contacts.clone(),
        start: found.iter().map(|f| f.row.clone()).collect(),
        proven: Vec::new(),
        only: None,
        after: None,
        page: 500,
        count_up_to: 1_000,
    }
}

/// The first page of everything.
pub async fn read(connector: &dyn Connector, plan: &Plan, text: &str) -> Reading {
    let address = address(text);
    let found = connector.find(plan, &address).await.unwrap();
    connector
        .read(plan, &request(&address, &found))
        .await
        .unwrap()
}

/// Every page of every collection, by the collection's name; the shared rows of all pages beside them.
pub async fn read_all_pages(
    connector: &dyn Connector,
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
