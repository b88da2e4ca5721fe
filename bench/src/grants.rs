//! What a yes costs: the grant, its consent record, what was typed and the points, all or nothing and durable, beside bare
//! transactions with as many statements on the same engine in the same run.
//!
//! The portal may gather small transactions into one commit; the bare side commits each of its own. That is the portal's
//! gain on SQLite, where one file has one writer; on PostgreSQL both sides have as many connections.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use fairhold_domain::answer::Typed;
use fairhold_domain::ids::CustomerId;
use fairhold_portal::Portal;
use fairhold_portal::asks::{Choice, WordsRead};
use fairhold_portal::world::World;
use fairhold_server::config::Config;
use fairhold_server::wiring::{Mode, parts};
use fairhold_store::Db;
use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, PgPool, SqlitePool};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::report::{Bound, median};
use crate::{add_customer, master_key};

/// Grants must come to this share of the bare transactions a second.
const LEAST_SHARE: f64 = 0.5;
/// Who says yes to everything below.
const CUSTOMERS: usize = 120;
/// How many answer at the same time, and connections of PostgreSQL on each side.
const AT_ONCE: u32 = 16;
/// Statements of a yes that reads, and that write: counted in `portal::asks` and what it calls.
const READS: usize = 12;
const WRITES: usize = 7;
const ROUNDS: usize = 4;
/// The words of the catalog of benchmarks.
const WORDS: WordsRead = WordsRead { ask: 1, purpose: 1 };

/// What is typed: the field, its part, and the text.
type Answer = (&'static str, &'static str, &'static str);

/// What is said yes to, a round each.
const ASKS: [(&str, &[Answer]); ROUNDS] = [
    (
        "offers_by_post",
        &[
            ("address", "street", "7 Quiet Lane"),
            ("address", "town", "Galway"),
            ("address", "code", "H91 E2K3"),
            ("address", "country", "IE"),
        ],
    ),
    (
        "your_taste",
        &[("favourite_drink", "", "Tea"), ("brewing", "", "In a pot")],
    ),
    (
        "birthday_treat",
        &[
            ("birthday", "day", "27"),
            ("birthday", "month", "3"),
            ("birthday", "year", "1985"),
        ],
    ),
    ("a_wish", &[("wish", "", "More rooibos")]),
];

/// Measures both engines; without a PostgreSQL server, says so and leaves it out.
pub async fn measure(folder: &Path) -> Result<Vec<Bound>> {
    let file = folder.join("bare.db");
    let options = SqliteConnectOptions::new()
        .filename(&file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let pool = SqlitePoolOptions::new().max_connections(1);
    let bare = Bare::Sqlite(pool.connect_with(options).await?);
    let mut bounds = vec![compare("SQLite", &folder.join("grants"), None, &bare).await?];
    match std::env::var("FAIRHOLD_TEST_POSTGRES") {
        Ok(server) => {
            let (host, _) = server.rsplit_once('/').context("the server's address")?;
            let mut root = sqlx::PgConnection::connect(&server).await?;
            for sql in ["CREATE DATABASE bench_grants", "CREATE DATABASE bench_bare"] {
                sqlx::raw_sql(sql).execute(&mut root).await?;
            }
            let pool = PgPoolOptions::new()
                .max_connections(AT_ONCE)
                .test_before_acquire(false);
            let pool = pool.connect(&format!("{host}/bench_bare")).await?;
            let db = Db::postgres(&format!("{host}/bench_grants"), AT_ONCE).await?;
            let bare = Bare::Postgres(pool);
            let folder = folder.join("grants-postgres");
            bounds.push(compare("PostgreSQL", &folder, Some(db), &bare).await?);
        }
        Err(_) => {
            eprintln!("skipped: FAIRHOLD_TEST_POSTGRES is not set, so PostgreSQL was not measured");
        }
    }
    Ok(bounds)
}

async fn compare(engine: &str, folder: &Path, db: Option<Db>, bare: &Bare) -> Result<Bound> {
    let mut config = Config::default();
    config.data.folder = folder.to_path_buf();
    config.company.catalog = Path::new("catalog/demo").canonicalize()?;
    std::fs::create_dir_all(folder)?;
    config.data.master_key_file = Some(master_key(folder)?);
    let mut parts = parts(&config, Mode::Demo, World::real()).await?;
    if let Some(db) = db {
        parts.db = db;
    }
    let portal = Portal::open(parts).await?;
    let customers = members(&portal).await?;
    bare.prepare().await?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for (ask, typed) in ASKS {
        for id in &customers {
            let customer = portal.customer(*id).await?;
            portal.opened_ask(customer, ask, true).await?;
        }
        theirs.push(per_second(bare.round().await?));
        ours.push(per_second(say_yes(&portal, &customers, ask, typed).await?));
    }
    let sums = portal.verify_points().await?;
    // One for joining, and one for each yes.
    let entries = CUSTOMERS * (ASKS.len() + 1);
    ensure!(
        usize::try_from(sums.entries)? == entries && sums.wrong.is_empty(),
        "{entries} entries were to be made: {sums:?}"
    );
    portal.close().await;
    let (ours, theirs) = (median(ours), median(theirs));
    Ok(Bound::at_least(
        format!("{engine}: {ours:.0} grants a second, as a share of {theirs:.0} bare transactions"),
        ours / theirs,
        LEAST_SHARE,
    ))
}

fn per_second(took: Duration) -> f64 {
    f64::from(u32::try_from(CUSTOMERS).unwrap_or(u32::MAX)) / took.as_secs_f64()
}

/// Customers who are in the programme.
async fn members(portal: &Portal) -> Result<Vec<CustomerId>> {
    for number in 0..CUSTOMERS {
        add_customer(portal, &format!("member{number}@example.com"), Vec::new()).await?;
    }
    let sql = "SELECT customer_id FROM customers";
    let ids: Vec<(String,)> = portal.db().read().await?.all(sql, []).await?;
    let ids = ids.into_iter().map(|(id,)| CustomerId::parse(&id));
    let ids = ids.collect::<std::result::Result<Vec<_>, _>>()?;
    for id in &ids {
        portal.join(portal.customer(*id).await?, "club", "").await?;
    }
    Ok(ids)
}

async fn say_yes(
    portal: &Portal,
    customers: &[CustomerId],
    ask: &'static str,
    typed: &[Answer],
) -> Result<Duration> {
    let mut fields: BTreeMap<String, Typed> = BTreeMap::new();
    for (field, part, value) in typed {
        let field = fields.entry((*field).to_owned()).or_default();
        field.insert((*part).to_owned(), vec![(*value).to_owned()]);
    }
    let fields = Arc::new(fields);
    let mut with_keys = Vec::new();
    for id in customers {
        with_keys.push(portal.customer(*id).await?);
    }
    let room = Arc::new(Semaphore::new(AT_ONCE.try_into()?));
    let mut tasks = JoinSet::new();
    let start = Instant::now();
    for customer in with_keys {
        let (portal, fields, room) = (portal.clone(), Arc::clone(&fields), Arc::clone(&room));
        tasks.spawn(async move {
            let _place = room.acquire_owned().await?;
            let answered = portal
                .answer(customer, ask, WORDS, Choice::Yes, &fields)
                .await?;
            ensure!(answered.points > 0, "a yes brought no points");
            Ok(())
        });
    }
    for done in tasks.join_all().await {
        done?;
    }
    Ok(start.elapsed())
}

/// A database with one plain table.
#[derive(Clone)]
enum Bare {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

const CREATE: &str =
    "CREATE TABLE bare (id TEXT PRIMARY KEY, n BIGINT NOT NULL, body TEXT NOT NULL)";
const READ: &str = "SELECT n, body FROM bare WHERE id = $1";
const WRITE: &str = "INSERT INTO bare (id, n, body) VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET n = bare.n + 1";

impl Bare {
    async fn prepare(&self) -> Result<()> {
        match self {
            Self::Sqlite(pool) => sqlx::raw_sql(CREATE).execute(pool).await.map(|_| ())?,
            Self::Postgres(pool) => sqlx::raw_sql(CREATE).execute(pool).await.map(|_| ())?,
        }
        Ok(())
    }

    /// As many transactions as there are customers.
    async fn round(&self) -> Result<Duration> {
        let room = Arc::new(Semaphore::new(AT_ONCE.try_into()?));
        let mut tasks = JoinSet::new();
        let start = Instant::now();
        for number in 0..CUSTOMERS {
            let (bare, room) = (self.clone(), Arc::clone(&room));
            tasks.spawn(async move {
                let _place = room.acquire_owned().await?;
                bare.transaction(number).await
            });
        }
        for done in tasks.join_all().await {
            done?;
        }
        Ok(start.elapsed())
    }

    async fn transaction(&self, number: usize) -> Result<()> {
        let id = |statement: usize| format!("{number}-{statement}");
        let body = "A text as long as what is kept of a yes. ".repeat(5);
        match self {
            Self::Sqlite(pool) => {
                let mut tx = pool.begin_with("BEGIN IMMEDIATE").await?;
                for statement in 0..READS {
                    let read = sqlx::query(READ).bind(id(statement));
                    read.fetch_optional(&mut *tx).await?;
                }
                for statement in 0..WRITES {
                    let write = sqlx::query(WRITE).bind(id(statement)).bind(1_i64);
                    write.bind(&body).execute(&mut *tx).await?;
                }
                tx.commit().await?;
            }
            Self::Postgres(pool) => {
                let mut tx = pool.begin().await?;
                for statement in 0..READS {
                    let read = sqlx::query(READ).bind(id(statement));
                    read.fetch_optional(&mut *tx).await?;
                }
                for statement in 0..WRITES {
                    let write = sqlx::query(WRITE).bind(id(statement)).bind(1_i64);
                    write.bind(&body).execute(&mut *tx).await?;
                }
                tx.commit().await?;
            }
        }
        Ok(())
    }
}
