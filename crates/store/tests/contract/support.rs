//! Fresh databases for each test, on each engine.

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use fairhold_domain::ids::CustomerId;
use fairhold_domain::time::Moment;
use fairhold_store::db::{Part, Result};
use fairhold_store::keys::KeyStore;
use fairhold_store::seal::{Random, random_bytes};
use fairhold_store::{Db, SecretKey, StoreError, Value, accounts};
use futures::FutureExt;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};
use tempfile::TempDir;
use uuid::Uuid;

const POSTGRES: &str = "FAIRHOLD_TEST_POSTGRES";

/// Runs a test on fresh databases of SQLite, and of PostgreSQL where there is a server.
pub async fn for_each_engine(test: impl AsyncFn(&Stores)) {
    run(Home::folder(), &test).await;
    match std::env::var(POSTGRES) {
        Ok(server) => run(Home::server(&server).await, &test).await,
        Err(_) => say_skipped(),
    }
}

/// Runs a test of what only SQLite does.
pub async fn on_sqlite(test: impl AsyncFn(&Stores)) {
    run(Home::folder(), &test).await;
}

/// Runs a test of what only PostgreSQL does, or of both together.
pub async fn on_postgres(test: impl AsyncFn(&Stores)) {
    match std::env::var(POSTGRES) {
        Ok(server) => run(Home::server(&server).await, &test).await,
        Err(_) => say_skipped(),
    }
}

/// Runs a test on databases that nobody has opened yet, on each engine.
pub async fn on_fresh_databases(test: impl AsyncFn(&Home)) {
    test(&Home::folder()).await;
    match std::env::var(POSTGRES) {
        Ok(server) => {
            let home = Home::server(&server).await;
            test(&home).await;
            home.remove().await;
        }
        Err(_) => say_skipped(),
    }
}

fn say_skipped() {
    println!("skipped: {POSTGRES} is not set, so this was not tried on PostgreSQL");
}

async fn run(home: Home, test: &impl AsyncFn(&Stores)) {
    let stores = Stores::open(home).await;
    let result = AssertUnwindSafe(test(&stores)).catch_unwind().await;
    stores.db.close().await;
    stores.keys_db.close().await;
    stores.keys.close().await;
    stores.home.remove().await;
    if let Err(panic) = result {
        resume_unwind(panic);
    }
}

/// An open pair of databases.
pub struct Stores {
    pub db: Db,
    pub keys: KeyStore,
    /// The key store's database, for those who tamper with it.
    pub keys_db: Db,
    pub random: Arc<dyn Random>,
    pub home: Home,
}

impl Stores {
    async fn open(home: Home) -> Self {
        let random = random(1);
        let (db, keys_db) = (home.db(Part::Data).await, home.db(Part::Keys).await);
        db.migrate(Part::Data).await.unwrap();
        let keys = KeyStore::open(home.db(Part::Keys).await, master(), random.clone())
            .await
            .unwrap();
        Self {
            db,
            keys,
            keys_db,
            random,
            home,
        }
    }

    /// A customer with a data key.
    pub async fn customer(&self) -> (CustomerId, SecretKey) {
        let id = self.new_id();
        let key = self.keys.create(id, at(0)).await.unwrap();
        self.db
            .write(move |tx| {
                Box::pin(
                    async move { accounts::add(tx, id, &format!("hash of {id}"), at(0)).await },
                )
            })
            .await
            .unwrap();
        (id, key)
    }

    pub fn new_id(&self) -> CustomerId {
        CustomerId(Uuid::from_bytes(random_bytes(&*self.random)))
    }
}

/// One statement as a write of its own; how many rows it changed.
pub async fn change(db: &Db, sql: &'static str, args: Vec<Value>) -> u64 {
    try_change(db, sql, args).await.unwrap()
}

/// Like [`change`], for what may fail.
pub async fn try_change(db: &Db, sql: &'static str, args: Vec<Value>) -> Result<u64> {
    db.write(move |tx| Box::pin(async move { tx.execute(sql, args).await }))
        .await
}

/// The one number that a query answers.
pub async fn number(db: &Db, sql: &'static str) -> i64 {
    db.read()
        .await
        .unwrap()
        .one::<(i64,)>(sql, [])
        .await
        .unwrap()
        .0
}

/// So many seconds after the start of the test's time.
pub const fn at(seconds: i64) -> Moment {
    Moment(1_800_000_000_000_000).plus_seconds(seconds)
}

/// The master key of all tests.
pub fn master() -> SecretKey {
    SecretKey::new([7; 32])
}

/// Randomness that repeats.
pub fn random(seed: u64) -> Arc<dyn Random> {
    Arc::new(Seeded(Mutex::new(StdRng::seed_from_u64(seed))))
}

struct Seeded(Mutex<StdRng>);

impl Random for Seeded {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.lock().unwrap().fill_bytes(bytes);
    }
}

/// Whether an error is the database's own refusal.
pub fn is_refusal<T>(result: &Result<T>) -> bool {
    matches!(result, Err(StoreError::Database(_)))
}

/// Where a pair of databases lives.
pub enum Home {
    Folder(TempDir),
    Server {
        server: Box<PgConnectOptions>,
        data: String,
        keys: String,
    },
}

impl Home {
    pub fn folder() -> Self {
        Self::Folder(TempDir::new().unwrap())
    }

    async fn server(url: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = |part| format!("fairhold_test_{}_{number}_{part}", std::process::id());
        let server = Box::new(url.parse::<PgConnectOptions>().unwrap());
        let home = Self::Server {
            server,
            data: name("data"),
            keys: name("keys"),
        };
        // Another run may have been killed in its middle.
        home.for_each_database("DROP DATABASE IF EXISTS").await;
        home.for_each_database("CREATE DATABASE").await;
        home
    }

    /// Opens one of the databases once more.
    pub async fn db(&self, part: Part) -> Db {
        match self {
            Self::Folder(_) => Db::sqlite(&self.file(part)).await.unwrap(),
            Self::Server { server, data, keys } => {
                let name = if part == Part::Data { data } else { keys };
                Db::postgres(server.clone().database(name).to_url_lossy().as_str(), 8)
                    .await
                    .unwrap()
            }
        }
    }

    /// The SQLite file of one of the databases.
    pub fn file(&self, part: Part) -> PathBuf {
        let Self::Folder(folder) = self else {
            panic!("PostgreSQL has no files here")
        };
        let folder: &Path = folder.path();
        folder.join(if part == Part::Data {
            "data.db"
        } else {
            "keys.db"
        })
    }

    pub const fn is_sqlite(&self) -> bool {
        matches!(self, Self::Folder(_))
    }

    async fn remove(&self) {
        self.for_each_database("DROP DATABASE").await;
    }

    async fn for_each_database(&self, what: &str) {
        let Self::Server { server, data, keys } = self else {
            return;
        };
        // Side by side: it is what takes the time in these tests.
        let on = async |name: &str| {
            let mut connection = server.connect().await.unwrap();
            connection
                .execute(AssertSqlSafe(format!("{what} {name}")))
                .await
                .unwrap();
            connection.close().await.unwrap();
        };
        futures::join!(on(data), on(keys));
    }
}
