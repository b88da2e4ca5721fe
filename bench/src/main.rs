//! Measures My data as customers get it: over HTTP, with the session check and the durable record of the look.
//!
//! Speed counts as a ratio to a bare server that sends the same bytes, in the same run on the same machine; figures
//! alone depend on the machine. Every run alternates (bare, page, bare, page ...), so that a busy moment hits both, and
//! medians are reported. Answers are checked: one that is no 200, or lacks what must be on the page, ends the bench, and so
//! does a look that is missing from the chain. `docs/performance.md` says how to read the figures.
//!
//! A new page to measure is one more [`Page`] in [`measure`].

mod bare;
mod engines;
mod export;
mod grants;
mod load;
mod program;
mod report;
mod storm;

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fairhold_domain::catalog::{Origin, Show};
use fairhold_domain::facts;
use fairhold_portal::demo::DemoCustomer;
use fairhold_portal::{OwnValue, Portal};
use fairhold_server::config::Config;
use fairhold_server::demo::personas;
use fairhold_server::wiring::{Mode, open};
use sqlx::Connection as _;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteConnectOptions;

use bare::BareServer;
use load::{Run, Target};
use program::Program;
use report::{Bound, Report, Row, median};

/// How often each page is measured.
const ROUNDS: usize = 7;
/// How long each page is asked for in a round.
const A_RUN: Duration = Duration::from_secs(2);
/// How long each page is asked for before anything counts.
const WARM_UP: Duration = Duration::from_secs(1);
/// How often the program is started to see how long that takes.
const STARTS: usize = 7;
/// My data must reach this share of the bare server's answers a second.
const LEAST_SHARE: f64 = 0.04;
/// A long history may cost this many times a short one.
const MOST_TIMES: f64 = 2.0;
/// What the idle program should stay below, in megabytes.
const MEMORY_AIM: f64 = 40.0;
/// What a start should stay below, in milliseconds.
const START_AIM: f64 = 150.0;
/// Customers that the bench adds log in with it.
const PASSWORD: &str = "measured-again-and-again";
/// Whose record holds sixty values.
const SIXTY: &str = "sixty@example.com";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let ended = match arguments.split_first() {
        Some((first, files)) if first == bare::ARGUMENT => bare::serve(files).map(|()| true),
        _ => bench(&arguments),
    };
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Measures and prints; answers whether every bound holds. `engines`, `grants`, `copies` and `storm` measure only those.
fn bench(arguments: &[String]) -> Result<bool> {
    let said = |word: &str| arguments.iter().any(|a| a == word);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let report = runtime.block_on(async {
        if said("engines") {
            measure_engines().await
        } else if said("grants") {
            measure_grants().await
        } else if said("storm") {
            measure_storm().await
        } else if said("copies") {
            measure_copies().await
        } else {
            measure().await
        }
    })?;
    println!(
        "{}",
        if said("--json") {
            serde_json::to_string_pretty(&report)?
        } else {
            report.to_string()
        }
    );
    Ok(report.holds())
}

/// A folder with a portal's data, and the catalog that goes with it.
struct House {
    data: PathBuf,
    catalog: PathBuf,
}

impl House {
    /// Makes the demo company, its customers and the portal's own data by starting the program once.
    fn new(folder: &Path, catalog: &str) -> Result<Self> {
        let house = Self {
            data: folder.join(catalog),
            // The program runs in a folder of its own.
            catalog: Path::new("catalog").join(catalog).canonicalize()?,
        };
        Program::start(&house.data, &house.catalog)?.stop()?;
        Ok(house)
    }

    /// The portal on this data, inside this process: to add customers before the program serves them.
    async fn portal(&self) -> Result<Portal> {
        let mut config = Config::default();
        config.data.folder.clone_from(&self.data);
        config.company.catalog.clone_from(&self.catalog);
        open(&config, Mode::Demo).await
    }

    async fn sqlite(&self, file: &str) -> Result<SqliteConnection> {
        let options = SqliteConnectOptions::new()
            .filename(self.data.join(file))
            .read_only(true);
        Ok(SqliteConnection::connect_with(&options).await?)
    }

    /// How many looks are in all chains.
    async fn looks(&self) -> Result<u64> {
        let mut db = self.sqlite("fairhold.db").await?;
        let looks: i64 = sqlx::query_scalar("SELECT count(*) FROM looks")
            .fetch_one(&mut db)
            .await?;
        db.close().await?;
        Ok(looks.try_into()?)
    }
}

/// A page that is measured, with its rounds.
struct Page<'a> {
    name: &'static str,
    target: Arc<Target>,
    /// Whose looks must grow; `None` for the bare server, which keeps none.
    house: Option<&'a House>,
    runs: Vec<Run>,
}

impl<'a> Page<'a> {
    const fn new(name: &'static str, target: Arc<Target>, house: Option<&'a House>) -> Self {
        Self {
            name,
            target,
            house,
            runs: Vec::new(),
        }
    }

    async fn run(&self, time: Duration) -> Result<Run> {
        let before = self.looks().await?;
        let run = load::run(&self.target, time).await.context(self.name)?;
        let grown = self.looks().await? - before;
        let due = if self.house.is_some() {
            run.answers()
        } else {
            0
        };
        ensure!(
            grown == due,
            "{}: {} answers, but {grown} looks in the chain",
            self.name,
            run.answers()
        );
        Ok(run)
    }

    async fn looks(&self) -> Result<u64> {
        match self.house {
            Some(house) => house.looks().await,
            None => Ok(0),
        }
    }

    /// Answers a second as a share of the other page's: the median over the rounds.
    fn against(&self, other: &Self) -> f64 {
        median(
            self.runs
                .iter()
                .zip(&other.runs)
                .map(|(own, other)| own.per_second() / other.per_second()),
        )
    }

    fn row(&self) -> Row {
        Row::of(self.name, self.target.bytes, &self.runs)
    }
}

async fn measure_engines() -> Result<Report> {
    Ok(Report {
        pages: Vec::new(),
        bounds: engines::measure(tempfile::tempdir()?.path()).await?,
        aims: Vec::new(),
        log_ins: None,
        memory_after_load_mb: None,
    })
}

async fn measure_grants() -> Result<Report> {
    let folder = tempfile::tempdir()?;
    Ok(Report {
        pages: Vec::new(),
        bounds: grants::measure(folder.path()).await?,
        aims: Vec::new(),
        log_ins: None,
        memory_after_load_mb: None,
    })
}

async fn measure_storm() -> Result<Report> {
    let folder = tempfile::tempdir()?;
    let storm = storm::measure(&House::new(folder.path(), "demo")?).await?;
    Ok(Report {
        pages: storm.pages.into(),
        bounds: vec![storm.bound],
        aims: Vec::new(),
        log_ins: Some(storm.log_ins),
        memory_after_load_mb: None,
    })
}

async fn measure_copies() -> Result<Report> {
    let folder = tempfile::tempdir()?;
    let demo = House::new(folder.path(), "demo")?;
    let three = add_customer_with_three_orders(&demo).await?;
    let copies = export::measure(folder.path(), &demo, &three).await?;
    Ok(Report {
        pages: Vec::new(),
        bounds: copies.bounds,
        aims: copies.aims,
        log_ins: None,
        memory_after_load_mb: None,
    })
}

async fn measure() -> Result<Report> {
    let folder = tempfile::tempdir()?;
    let demo = House::new(folder.path(), "demo")?;
    let bench = House::new(folder.path(), "bench")?;
    let with_three = add_customer_with_three_orders(&demo).await?;
    let sixty = add_customer_with_sixty_values(&bench).await?;

    let demo_program = Program::start(&demo.data, &demo.catalog)?;
    let bench_program = Program::start(&bench.data, &bench.catalog)?;
    let of_demo = async |email: &str, password: &str| {
        let expected = newest_orders(&demo, email).await?;
        demo_program.my_data(email, password, expected).await
    };
    let ada = of_demo("ada@example.com", password_of("ada@example.com")?).await?;
    let grace = of_demo("grace@example.com", password_of("grace@example.com")?).await?;
    let three = of_demo(&with_three, PASSWORD).await?;
    let sixty = bench_program.my_data(SIXTY, PASSWORD, sixty).await?;
    let bare = BareServer::start(folder.path(), &[&sixty, &ada])?;
    let mut pages = [
        Page::new(
            "bare server, the bytes of 60 fields",
            bare.target(0, &sixty).await?,
            None,
        ),
        Page::new(
            "My data, 60 fields of the portal's own",
            sixty,
            Some(&bench),
        ),
        Page::new(
            "bare server, the bytes of ada's page",
            bare.target(1, &ada).await?,
            None,
        ),
        Page::new("My data of ada, three systems", ada, Some(&demo)),
        Page::new("My data, 3 orders", three, Some(&demo)),
        Page::new("My data of grace, 5,000 orders", grace, Some(&demo)),
    ];
    take_turns(&mut pages).await?;
    let memory_after_load = demo_program.memory()?;
    demo_program.stop()?;
    bench_program.stop()?;
    for house in [&demo, &bench] {
        program::verify(&house.data, &house.catalog)?;
    }

    let [bare_sixty, sixty, bare_ada, ada, three, grace] = &pages;
    let mut bounds = vec![
        Bound::at_least(
            "60 fields, as a share of the bare server",
            sixty.against(bare_sixty),
            LEAST_SHARE,
        ),
        Bound::at_least(
            "ada, as a share of the bare server",
            ada.against(bare_ada),
            LEAST_SHARE,
        ),
        Bound::at_most(
            "5,000 orders, as times of 3 orders",
            three.against(grace),
            MOST_TIMES,
        ),
    ];
    // Before the storm, which leaves a larger folder of data.
    let mut aims: Vec<Bound> = aims(&demo).await?.into();
    let copies = House::new(&folder.path().join("copies"), "demo")?;
    let three = add_customer_with_three_orders(&copies).await?;
    let copies = export::measure(folder.path(), &copies, &three).await?;
    bounds.extend(copies.bounds);
    aims.extend(copies.aims);
    let storm = storm::measure(&demo).await?;
    bounds.push(storm.bound);
    bounds.extend(engines::measure(folder.path()).await?);
    bounds.extend(grants::measure(folder.path()).await?);
    Ok(Report {
        pages: pages.iter().map(Page::row).chain(storm.pages).collect(),
        bounds,
        aims,
        log_ins: Some(storm.log_ins),
        memory_after_load_mb: Some(memory_after_load),
    })
}

/// Measures all pages, one after the other and then again.
async fn take_turns(pages: &mut [Page<'_>]) -> Result<()> {
    for page in &*pages {
        page.run(WARM_UP).await?;
    }
    for round in 1..=ROUNDS {
        eprintln!("round {round} of {ROUNDS}");
        for page in &mut *pages {
            let run = page.run(A_RUN).await?;
            page.runs.push(run);
        }
    }
    Ok(())
}

/// The values that the measured record holds; answers what must be on the page.
async fn add_customer_with_sixty_values(house: &House) -> Result<Vec<String>> {
    let portal = house.portal().await?;
    let current = portal.company().current();
    let collection = current
        .catalog
        .dataset("profile")
        .and_then(|d| d.collection("profile"));
    let fields = &collection
        .context("catalog/bench has no collection profile.profile")?
        .fields;
    ensure!(
        fields.len() == 60,
        "catalog/bench describes {} fields, not 60",
        fields.len()
    );
    let mut values = Vec::new();
    let mut expected = Vec::new();
    for (number, field) in fields.iter().enumerate() {
        let value = format!("A measured value, {}", number + 1);
        expected.extend(field.label.clone());
        if facts::show(Some(field)) == Show::Full {
            expected.push(value.clone());
        }
        let origin = field.origin.unwrap_or(Origin::Provided);
        let value = OwnValue {
            value,
            origin,
            at: portal.now(),
            purpose: None,
            grant: None,
        };
        values.push((format!("profile.{}", field.name), value));
    }
    add_customer(&portal, SIXTY, values).await?;
    portal.close().await;
    Ok(expected)
}

/// Somebody who is in the same systems as grace, with 3 orders; answers their address.
async fn add_customer_with_three_orders(house: &House) -> Result<String> {
    let mut shop = house.sqlite("company/shop.db").await?;
    let sql = "SELECT c.email FROM customers c JOIN orders o ON o.customer_id = c.id \
               WHERE c.loyalty_card IS NOT NULL GROUP BY c.id HAVING count(*) = 3 ORDER BY c.id LIMIT 1";
    let email: String = sqlx::query_scalar(sql)
        .fetch_one(&mut shop)
        .await
        .context("nobody in the demo has 3 orders")?;
    shop.close().await?;
    let portal = house.portal().await?;
    add_customer(&portal, &email, Vec::new()).await?;
    portal.close().await;
    Ok(email)
}

/// A master key of a portal that is only measured, in a file that only we can read.
fn master_key(folder: &Path) -> Result<PathBuf> {
    let key = folder.join("master.key");
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&key)?;
    file.write_all("0b".repeat(32).as_bytes())?;
    Ok(key)
}

async fn add_customer(portal: &Portal, email: &str, values: Vec<(String, OwnValue)>) -> Result<()> {
    let customer = DemoCustomer {
        email,
        password: PASSWORD,
        since: portal.now(),
        values,
        looks: Vec::new(),
        allows: Vec::new(),
        member: None,
    };
    Ok(portal.add_demo_customer(customer).await?)
}

/// What must be on the page of a customer of the demo's shop: their newest orders.
async fn newest_orders(house: &House, email: &str) -> Result<Vec<String>> {
    let mut shop = house.sqlite("company/shop.db").await?;
    let sql = "SELECT o.order_number FROM orders o JOIN customers c ON c.id = o.customer_id \
               WHERE lower(c.email) = $1 ORDER BY o.placed_at DESC, o.id DESC LIMIT 3";
    let orders: Vec<String> = sqlx::query_scalar(sql)
        .bind(email)
        .fetch_all(&mut shop)
        .await?;
    shop.close().await?;
    ensure!(orders.len() == 3, "{email} has too few orders");
    Ok(orders)
}

fn password_of(email: &str) -> Result<&'static str> {
    Ok(personas()
        .iter()
        .find(|p| p.email == email)
        .with_context(|| format!("{email} is not in the demo"))?
        .password)
}

/// Starts the program on its existing data again and again.
async fn aims(house: &House) -> Result<[Bound; 3]> {
    let (mut health, mut page, mut memory) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let program = Program::start(&house.data, &house.catalog)?;
        health.push(program.first_answer("/healthz").await?.as_secs_f64() * 1e3);
        page.push(program.first_answer("/").await?.as_secs_f64() * 1e3);
        // Long enough for what starts along with it to end.
        tokio::time::sleep(Duration::from_secs(1)).await;
        memory.push(program.memory()?);
        program.stop()?;
    }
    Ok([
        Bound::at_most("memory while idle, MB", median(memory), MEMORY_AIM),
        Bound::at_most(
            "from start to the first 200 of /healthz, ms",
            median(health),
            START_AIM,
        ),
        Bound::at_most(
            "from start to the first 200 of /, ms",
            median(page),
            START_AIM,
        ),
    ])
}
