//! What reading a company's database costs beside the same rows read by hand: Chinook on each engine, and a customer with
//! 100,000 rows beside one with ten.
//!
//! Both sides run in this process on pools of the same size. By hand means: the statements that a programmer would write
//! for the same rows, in one transaction that reads, through sqlx, with nothing made of what comes back. Rows are counted on
//! both sides, so that neither leaves something out.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use fairhold_connect::{
    Connector, Found, MySqlConnector, Plan, PostgresConnector, ReadRequest, ServerSettings,
    SqliteConnector, SqliteSettings,
};
use fairhold_domain::catalog::Dataset;
use fairhold_domain::catalog::load::{SourceFile, load};
use fairhold_domain::email::EmailAddress;
use fairhold_portal::my_data::Wanted;
use fairhold_portal::world::World;
use fairhold_portal::{Customer, Portal};
use fairhold_server::config::Config;
use fairhold_server::wiring::{Mode, parts};
use sqlx::mysql::MySqlPoolOptions;
use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{AssertSqlSafe, Connection as _, MySqlPool, PgPool, SqlitePool};
use tokio::task::JoinSet;

use crate::report::{Bound, median};
use crate::{PASSWORD, add_customer, master_key};

/// Reading must reach this share of the readings a second by hand.
const LEAST_SHARE: f64 = 0.5;
/// 100,000 rows may cost this many times ten.
const MOST_TIMES: f64 = 2.0;
/// How many read at the same time, on as many connections.
const READERS: u32 = 4;
const ROUNDS: usize = 7;
/// How often each of two customers is read.
const READINGS: usize = 400;
const A_RUN: Duration = Duration::from_secs(1);
/// Rows of each list on My data.
const PAGE: u32 = 3;
/// Counting stops here on My data.
const COUNT_UP_TO: u64 = 1_000;

/// An engine, and what a table with 100,000 rows looks like there.
struct Engine {
    name: &'static str,
    catalog: &'static str,
    script: &'static str,
    /// Where the script has entered a database of its own.
    enter: &'static str,
    /// The environment variable with the server's address.
    variable: &'static str,
}

const POSTGRES: Engine = Engine {
    name: "PostgreSQL",
    catalog: "chinook_postgres",
    script: "chinook_postgres.sql",
    enter: "\\c chinook;",
    variable: "FAIRHOLD_TEST_POSTGRES",
};
const MARIADB: Engine = Engine {
    name: "MariaDB",
    catalog: "chinook",
    script: "chinook_mysql.sql",
    enter: "USE `Chinook`;",
    variable: "FAIRHOLD_TEST_MARIADB",
};

/// A database of an engine: through the portal's connector, and by hand.
struct Database {
    engine: &'static str,
    connector: Arc<dyn Connector>,
    by_hand: ByHand,
}

/// A pool of the same size as the connector's.
#[derive(Clone)]
enum ByHand {
    Sqlite(SqlitePool),
    Postgres(PgPool),
    MySql(MySqlPool),
}

/// Measures all engines that are there. Without the shop's files or a server, says so and leaves it out.
pub async fn measure(folder: &Path) -> Result<Vec<Bound>> {
    let data = Path::new("../shared/data/chinook");
    if !data.exists() {
        eprintln!("skipped: {} is absent", data.display());
        return Ok(Vec::new());
    }
    let mut bounds = Vec::new();
    let file = Database::file(&data.join("chinook.sqlite"));
    bounds.push(against_by_hand(&file, "chinook").await?);
    let many = folder.join("many.db");
    fill_file(&many).await?;
    bounds.push(many_against_few(folder, &Database::file(&many)).await?);
    for engine in [POSTGRES, MARIADB] {
        let Ok(server) = std::env::var(engine.variable) else {
            eprintln!(
                "skipped: {} is not set, so {} was not measured",
                engine.variable, engine.name
            );
            continue;
        };
        let script = std::fs::read_to_string(data.join(engine.script))?;
        let (_, tables) = script
            .split_once(engine.enter)
            .context("the script's database")?;
        let shop = Database::on_server(&engine, &server, "bench_chinook", tables).await?;
        bounds.push(against_by_hand(&shop, engine.catalog).await?);
        let many =
            Database::on_server(&engine, &server, "bench_many", &many_tables(engine.name)).await?;
        bounds.push(many_against_few(folder, &many).await.context(engine.name)?);
    }
    Ok(bounds)
}

impl Database {
    fn file(path: &Path) -> Self {
        let settings = SqliteSettings {
            path: path.to_owned(),
            max_connections: READERS,
            timeout: Duration::from_secs(20),
        };
        let options = SqliteConnectOptions::new().filename(path).read_only(true);
        let pool = SqlitePoolOptions::new()
            .max_connections(READERS)
            .test_before_acquire(false)
            .connect_lazy_with(options);
        Self {
            engine: "SQLite",
            connector: Arc::new(SqliteConnector::new(settings)),
            by_hand: ByHand::Sqlite(pool),
        }
    }

    async fn on_server(engine: &Engine, server: &str, name: &str, tables: &str) -> Result<Self> {
        let create = AssertSqlSafe(format!("DROP DATABASE IF EXISTS {name}"));
        let enter = AssertSqlSafe(format!("CREATE DATABASE {name}"));
        let (host, _) = server.rsplit_once('/').context("the server's address")?;
        let url = format!("{host}/{name}");
        let tables = AssertSqlSafe(tables.to_owned());
        let settings = ServerSettings {
            url: url.clone(),
            tls: None,
            ca_file: None,
            max_connections: READERS,
            timeout: Duration::from_secs(20),
        };
        if engine.name == POSTGRES.name {
            let mut root = sqlx::PgConnection::connect(server).await?;
            sqlx::raw_sql(create).execute(&mut root).await?;
            sqlx::raw_sql(enter).execute(&mut root).await?;
            let pool = PgPoolOptions::new()
                .max_connections(READERS)
                .test_before_acquire(false)
                .connect(&url)
                .await?;
            sqlx::raw_sql(tables).execute(&pool).await?;
            sqlx::raw_sql("ANALYZE").execute(&pool).await?;
            return Ok(Self {
                engine: engine.name,
                connector: Arc::new(PostgresConnector::new(&settings)?),
                by_hand: ByHand::Postgres(pool),
            });
        }
        let mut root = sqlx::MySqlConnection::connect(server).await?;
        sqlx::raw_sql(create).execute(&mut root).await?;
        sqlx::raw_sql(enter).execute(&mut root).await?;
        let pool = MySqlPoolOptions::new()
            .max_connections(READERS)
            .test_before_acquire(false)
            .connect(&url)
            .await?;
        sqlx::raw_sql(tables).execute(&pool).await?;
        Ok(Self {
            engine: engine.name,
            connector: Arc::new(MySqlConnector::new(&settings)?),
            by_hand: ByHand::MySql(pool),
        })
    }

    /// A plan for these datasets, and what is asked for somebody of that address.
    async fn request(
        &self,
        datasets: &[Dataset],
        address: &str,
    ) -> Result<(Arc<Plan>, ReadRequest)> {
        let plan = self
            .connector
            .plan(datasets, &self.connector.describe().await?);
        let contacts = EmailAddress::parse(address)?.into();
        let found: Vec<Found> = self.connector.find(&plan, &contacts).await?;
        ensure!(found.len() == 1, "{}: nobody has that address", self.engine);
        let request = ReadRequest {
            contacts,
            start: found.into_iter().map(|f| f.row).collect(),
            proven: Vec::new(),
            only: None,
            after: None,
            page: PAGE,
            count_up_to: COUNT_UP_TO,
        };
        Ok((Arc::new(plan), request))
    }

    /// Reads once; how many rows there were.
    async fn read(&self, plan: &Plan, request: &ReadRequest) -> Result<usize> {
        let reading = self.connector.read(plan, request).await?;
        let own = reading.collections.iter().map(|c| c.rows.len());
        let shared = reading.shared.iter().map(|s| s.rows.len());
        Ok(own.chain(shared).sum())
    }
}

/// Readings a second of Chinook's customer 1, as a share of those by hand.
async fn against_by_hand(shop: &Database, catalog: &str) -> Result<Bound> {
    let (plan, request) = shop
        .request(&datasets(catalog)?, "luisg@embraer.com.br")
        .await?;
    let rows = shop.read(&plan, &request).await?;
    ensure!(
        rows == by_hand(&shop.by_hand).await?,
        "{}: not the same rows",
        shop.engine
    );
    let mut shares = Vec::new();
    for _ in 0..ROUNDS {
        let (connector, plan, request) = (&shop.connector, &plan, &request);
        let portal = rate(|| {
            let (connector, plan, request) = (connector.clone(), plan.clone(), request.clone());
            async move { Ok(connector.read(&plan, &request).await.map(|_| ())?) }
        })
        .await?;
        let hand = rate(|| {
            let pool = shop.by_hand.clone();
            async move { by_hand(&pool).await.map(|_| ()) }
        })
        .await?;
        eprintln!(
            "{}: {portal:.0} readings a second, {hand:.0} by hand",
            shop.engine
        );
        shares.push(portal / hand);
    }
    let what = format!("Chinook on {}, as a share of by hand", shop.engine);
    Ok(Bound::at_least(what, median(shares), LEAST_SHARE))
}

/// What a customer with 100,000 rows waits until My data is there, as times of what one with ten waits: read, decided,
/// and the look durable, as for every page. Only the writing of HTML is left out, which is the same for both.
async fn many_against_few(folder: &Path, database: &Database) -> Result<Bound> {
    let portal = portal_on(folder, database).await?;
    let few = customer(&portal, "few@example.com").await?;
    let many = customer(&portal, "many@example.com").await?;
    // In turn, so that a busy moment hits both.
    let (mut few_took, mut many_took) = (Vec::new(), Vec::new());
    for _ in 0..READINGS {
        for (customer, took) in [(&few, &mut few_took), (&many, &mut many_took)] {
            let start = Instant::now();
            let page = portal.my_data(customer, &Wanted::default()).await?;
            took.push(start.elapsed().as_secs_f64());
            let of_shop = page.data.parts.iter().filter(|p| p.dataset == "d");
            let rows: usize = of_shop.map(|p| p.entries.len()).sum();
            ensure!(rows == 1 + 2 * PAGE as usize, "{rows} rows");
        }
    }
    portal.close().await;
    let times = median(many_took) / median(few_took);
    let what = format!(
        "My data of 100,000 rows on {}, as times of 10",
        database.engine
    );
    Ok(Bound::at_most(what, times, MOST_TIMES))
}

/// A portal whose company has this database.
async fn portal_on(folder: &Path, database: &Database) -> Result<Portal> {
    let folder = folder.join(format!("many on {}", database.engine));
    let catalog = folder.join("catalog");
    std::fs::create_dir_all(catalog.join("datasets"))?;
    std::fs::write(
        catalog.join("company.yml"),
        "name: Many\nconnections: [c]\n",
    )?;
    std::fs::write(catalog.join("datasets/d.yml"), MANY)?;
    let mut config = Config::default();
    config.data.folder = folder.join("data");
    config.company.catalog = catalog;
    config.data.master_key_file = Some(master_key(&folder)?);
    let mut parts = parts(&config, Mode::Demo, World::real()).await?;
    let connector = database.connector.clone();
    parts.connections = BTreeMap::from([("c".to_owned(), connector)]);
    Ok(Portal::open(parts).await?)
}

async fn customer(portal: &Portal, email: &str) -> Result<Customer> {
    add_customer(portal, email, Vec::new()).await?;
    let peer = IpAddr::from(Ipv4Addr::LOCALHOST);
    let log_in = portal.log_in(email, PASSWORD.into(), peer).await?;
    Ok(portal.customer(log_in.customer).await?)
}

/// Somebody, their bills, and what is on them.
const MANY: &str = "dataset:
  - fides_key: d
    name: Shop
    portal: { connection: c }
    collections:
      - { name: customer, fields: [{ name: id }, { name: email, fides_meta: { identity: email }, portal: { verified: true } }] }
      - name: bill
        portal: { order_by: day }
        fields: [{ name: id }, { name: customer_id, fides_meta: { references: [{ dataset: d, field: customer.id, direction: from }] } }]
      - name: line
        fields: [{ name: bill_id, fides_meta: { references: [{ dataset: d, field: bill.id, direction: from }] } }]
";

/// How often a second it is done, by as many at once as there are connections.
async fn rate<F, W>(work: W) -> Result<f64>
where
    W: Fn() -> F,
    F: Future<Output = Result<()>> + Send + 'static,
    W: Clone,
{
    work().await?;
    let start = Instant::now();
    let mut done: u32 = 0;
    let mut doing = JoinSet::new();
    for _ in 0..READERS {
        doing.spawn(work());
    }
    while let Some(ended) = doing.join_next().await {
        ended??;
        done += 1;
        if start.elapsed() < A_RUN {
            doing.spawn(work());
        }
    }
    Ok(f64::from(done) / start.elapsed().as_secs_f64())
}

/// The statements for customer 1's page: their row, their newest bills, what is on them, how many of these there are, and the
/// songs. The last reads so many songs as the page has.
const SQLITE: [&str; 6] = [
    "SELECT CustomerId, Email FROM Customer WHERE CustomerId = 1",
    "SELECT * FROM Customer WHERE CustomerId = 1",
    "SELECT * FROM Invoice WHERE CustomerId = 1 ORDER BY InvoiceDate DESC, InvoiceId DESC LIMIT 4",
    "SELECT count(*) FROM (SELECT 1 FROM Invoice WHERE CustomerId = 1 LIMIT 1001) AS n",
    "SELECT l.* FROM Invoice i JOIN InvoiceLine l ON l.InvoiceId = i.InvoiceId WHERE i.CustomerId = 1 ORDER BY i.InvoiceDate DESC, i.InvoiceId DESC, l.InvoiceLineId LIMIT 4",
    "SELECT count(*) FROM (SELECT 1 FROM Invoice i JOIN InvoiceLine l ON l.InvoiceId = i.InvoiceId WHERE i.CustomerId = 1 LIMIT 1001) AS n",
];
const POSTGRES_SQL: [&str; 6] = [
    "SELECT customer_id, email FROM customer WHERE customer_id = 1",
    "SELECT * FROM customer WHERE customer_id = 1",
    "SELECT * FROM invoice WHERE customer_id = 1 ORDER BY invoice_date DESC, invoice_id DESC LIMIT 4",
    "SELECT count(*) FROM (SELECT 1 FROM invoice WHERE customer_id = 1 LIMIT 1001) AS n",
    "SELECT l.* FROM invoice i JOIN invoice_line l ON l.invoice_id = i.invoice_id WHERE i.customer_id = 1 ORDER BY i.invoice_date DESC, i.invoice_id DESC, l.invoice_line_id LIMIT 4",
    "SELECT count(*) FROM (SELECT 1 FROM invoice i JOIN invoice_line l ON l.invoice_id = i.invoice_id WHERE i.customer_id = 1 LIMIT 1001) AS n",
];
const SONGS: &str = "SELECT * FROM Track WHERE TrackId IN (SELECT TrackId FROM (SELECT l.TrackId FROM Invoice i JOIN InvoiceLine l ON l.InvoiceId = i.InvoiceId WHERE i.CustomerId = 1 ORDER BY i.InvoiceDate DESC, i.InvoiceId DESC, l.InvoiceLineId LIMIT 3) AS t)";

/// Reads customer 1's page by hand; how many rows belong on it.
async fn by_hand(pool: &ByHand) -> Result<usize> {
    // One row more than a page tells whether there is another.
    let on_page = |rows: usize| rows.min(PAGE as usize);
    let mut rows = Vec::new();
    match pool {
        ByHand::Sqlite(pool) => {
            let mut tx = pool.begin().await?;
            for sql in SQLITE.into_iter().chain([SONGS]) {
                rows.push(on_page(sqlx::query(sql).fetch_all(&mut *tx).await?.len()));
            }
            tx.commit().await?;
        }
        ByHand::MySql(pool) => {
            let mut tx = pool.begin().await?;
            for sql in SQLITE.into_iter().chain([SONGS]) {
                rows.push(on_page(sqlx::query(sql).fetch_all(&mut *tx).await?.len()));
            }
            tx.commit().await?;
        }
        ByHand::Postgres(pool) => {
            let songs = SONGS
                .replace("TrackId", "track_id")
                .replace("InvoiceLineId", "invoice_line_id")
                .replace("InvoiceLine", "invoice_line")
                .replace("InvoiceDate", "invoice_date")
                .replace("InvoiceId", "invoice_id")
                .replace("CustomerId", "customer_id");
            let mut tx = pool.begin().await?;
            for sql in POSTGRES_SQL {
                rows.push(on_page(sqlx::query(sql).fetch_all(&mut *tx).await?.len()));
            }
            let songs = sqlx::query(AssertSqlSafe(songs))
                .fetch_all(&mut *tx)
                .await?;
            rows.push(on_page(songs.len()));
            tx.commit().await?;
        }
    }
    let [_, customer, bills, _, lines, _, songs] = rows.as_slice() else {
        anyhow::bail!("seven statements")
    };
    Ok(customer + bills + lines + songs)
}

fn datasets(catalog: &str) -> Result<Vec<Dataset>> {
    let fixtures = Path::new("crates/connect/tests/fixtures");
    let file: PathBuf = fixtures.join(catalog).join("datasets/chinook.yml");
    of(&std::fs::read_to_string(file)?)
}

fn of(text: &str) -> Result<Vec<Dataset>> {
    let loaded = load(&[SourceFile {
        path: "datasets/bench.yml".to_owned(),
        text: text.to_owned(),
    }]);
    ensure!(
        !loaded.catalog.datasets.is_empty(),
        "the dataset does not load"
    );
    Ok(loaded.catalog.datasets)
}

/// One customer with ten bills of a line each, and one with 100,000.
fn many_tables(engine: &str) -> String {
    let numbers = if engine == MARIADB.name {
        "SELECT seq AS i FROM seq_1_to_100010"
    } else if engine == POSTGRES.name {
        "SELECT i FROM generate_series(1, 100010) AS n(i)"
    } else {
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100010) SELECT i FROM n"
    };
    format!(
        "CREATE TABLE customer (id INTEGER PRIMARY KEY, email VARCHAR(90));
        CREATE TABLE bill (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL, day INTEGER NOT NULL, text VARCHAR(90));
        CREATE TABLE line (id INTEGER PRIMARY KEY, bill_id INTEGER NOT NULL, text VARCHAR(90));
        INSERT INTO customer VALUES (1, 'few@example.com'), (2, 'many@example.com');
        INSERT INTO bill SELECT i, CASE WHEN i <= 10 THEN 1 ELSE 2 END, i % 1000, 'a bill' FROM ({numbers}) AS m;
        INSERT INTO line SELECT id, id, 'a line' FROM bill;
        CREATE INDEX bill_of ON bill (customer_id, day);
        CREATE INDEX line_of ON line (bill_id);"
    )
}

async fn fill_file(path: &Path) -> Result<()> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true);
    let mut file = sqlx::SqliteConnection::connect_with(&options).await?;
    sqlx::raw_sql(AssertSqlSafe(many_tables("SQLite")))
        .execute(&mut file)
        .await?;
    Ok(file.close().await?)
}
