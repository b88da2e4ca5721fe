//! Whether pages still answer while log-ins pour in: ada's My data at a fixed pace, alone and beside 200 log-ins a second.
//!
//! Both come by the clock, however slow the answers are, and a page's time is counted from when it was due: whoever waits
//! for an answer before asking again would leave out the worst. Each log-in comes from a network of its own, by a header
//! that the program is told to believe, and with an address of its own, or the walls at the doors would refuse it before
//! a password is looked at. Most are wrong; some are right, and must get in.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::load::{self, Connection, Run, Target, request};
use crate::program::{Program, verify};
use crate::report::{Bound, LogIns, Row, median};
use crate::{House, PASSWORD, ROUNDS, WARM_UP, add_customer, newest_orders, password_of};

/// Who opens My data.
const ADA: &str = "ada@example.com";
/// How often a second she opens it: about a tenth of what the machine could do.
const PAGES_A_SECOND: u32 = 25;
/// How many log-ins a second arrive.
const LOG_INS_A_SECOND: u32 = 200;
/// One log-in of so many is right.
const ONE_RIGHT_OF: u32 = 20;
/// How many customers these are of.
const CUSTOMERS: u32 = 20;
/// How long a round is, alone and again with the storm.
const A_ROUND: Duration = Duration::from_secs(8);
/// The storm may make the slowest page of a hundred so many times slower.
const MOST_TIMES: f64 = 3.0;

/// What the storm came to.
pub struct Storm {
    /// The page alone, and beside the storm.
    pub pages: [Row; 2],
    /// What the log-ins were answered.
    pub log_ins: LogIns,
    /// That the page still answers.
    pub bound: Bound,
}

/// Measures on the demo's data.
///
/// # Errors
/// When a page is refused, a look is missing, or no password was checked.
pub async fn measure(house: &House) -> Result<Storm> {
    let portal = house.portal().await?;
    for number in 0..CUSTOMERS {
        add_customer(&portal, &customer(number), Vec::new()).await?;
    }
    portal.close().await;
    let program = Program::start_behind_proxy(&house.data, &house.catalog)?;
    let expected = newest_orders(house, ADA).await?;
    let page = program.my_data(ADA, password_of(ADA)?, expected).await?;

    let strangers = Strangers::new(program.address());
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    open(house, &page, WARM_UP).await?;
    for round in 1..=ROUNDS {
        eprintln!("storm, round {round} of {ROUNDS}");
        alone.push(open(house, &page, A_ROUND).await?);
        let (run, pour) = tokio::join!(open(house, &page, A_ROUND), strangers.pour(A_ROUND));
        beside.push(run?);
        pour?;
    }
    program.stop()?;
    verify(&house.data, &house.catalog)?;

    let log_ins = strangers.answers();
    log_ins.check()?;
    let times = alone.iter().zip(&beside);
    let times = times.map(|(alone, beside)| beside.percentile_ms(99) / alone.percentile_ms(99));
    Ok(Storm {
        bound: Bound::at_most(
            "p99 beside 200 log-ins a second, as times",
            median(times),
            MOST_TIMES,
        ),
        pages: [
            Row::of("My data of ada, at a fixed pace", page.bytes, &alone),
            Row::of("the same beside 200 log-ins a second", page.bytes, &beside),
        ],
        log_ins,
    })
}

/// Opens the page at its pace; each answer must have left a look.
async fn open(house: &House, page: &Arc<Target>, time: Duration) -> Result<Run> {
    let before = house.looks().await?;
    let run = load::pace(page, PAGES_A_SECOND, time).await?;
    let grown = house.looks().await? - before;
    ensure!(
        grown == run.answers(),
        "{} answers, but {grown} looks in the chain",
        run.answers()
    );
    Ok(run)
}

fn customer(number: u32) -> String {
    format!("storm.{number}@example.com")
}

/// Those who try to log in.
struct Strangers {
    address: SocketAddr,
    /// Connections that nobody uses just now.
    free: Mutex<Vec<Connection>>,
    /// How many log-ins there were.
    sent: Mutex<u32>,
    /// How many were answered with each status.
    statuses: Mutex<BTreeMap<u16, u64>>,
}

impl Strangers {
    fn new(address: SocketAddr) -> Arc<Self> {
        Arc::new(Self {
            address,
            free: Mutex::default(),
            sent: Mutex::default(),
            statuses: Mutex::default(),
        })
    }

    /// Sends log-ins for so long, and waits for their answers.
    async fn pour(self: &Arc<Self>, time: Duration) -> Result<()> {
        let start = Instant::now();
        let mut pace = interval(Duration::from_secs(1) / LOG_INS_A_SECOND);
        pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let mut trying = JoinSet::new();
        while start.elapsed() < time {
            pace.tick().await;
            let strangers = self.clone();
            trying.spawn(async move { strangers.log_in().await });
        }
        while let Some(tried) = trying.join_next().await {
            tried?.context("a log-in of the storm")?;
        }
        Ok(())
    }

    async fn log_in(&self) -> Result<()> {
        let number = {
            let mut sent = held(&self.sent);
            *sent += 1;
            *sent
        };
        let free = held(&self.free).pop();
        let mut connection = match free {
            Some(connection) => connection,
            None => Connection::open(self.address).await?,
        };
        let answer = connection.ask(&log_in(number)).await?;
        held(&self.free).push(connection);
        *held(&self.statuses).entry(answer.status).or_default() += 1;
        Ok(())
    }

    fn answers(&self) -> LogIns {
        LogIns(held(&self.statuses).clone())
    }
}

/// The log-in with this number: another network and another address than all others, but for customers of the portal, who
/// come again.
fn log_in(number: u32) -> Vec<u8> {
    let network = Ipv4Addr::from_bits(Ipv4Addr::new(10, 0, 0, 0).to_bits() + number);
    let headers = format!(
        "X-Forwarded-For: {network}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    );
    let (email, password) = if number.is_multiple_of(ONE_RIGHT_OF) {
        (customer(number / ONE_RIGHT_OF % CUSTOMERS), PASSWORD)
    } else {
        let nobody = format!("nobody.{number}@example.com");
        (nobody, "guessed-again-and-again")
    };
    let form = format!("email={}&password={password}", email.replace('@', "%40"));
    request("POST", "/log-in", &headers, &form)
}

/// What is behind the lock; nobody panics while holding it.
fn held<T>(lock: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
