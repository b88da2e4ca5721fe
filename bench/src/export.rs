//! What a copy of all that is held costs: 100,000 rows beside `zip -1` on the same bytes, the memory that it takes, how its time
//! grows from 10,000 rows on, and how long a small one takes from the button to the last byte.

use std::io::{Cursor, Read as _};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection};

use crate::load::{Connection, request};
use crate::program::Program;
use crate::report::{Bound, median};
use crate::{House, PASSWORD, add_customer};

/// A copy's JSON must come at this share of the speed of `zip -1` on the same bytes.
const LEAST_SHARE: f64 = 0.5;
/// Ten times the rows may take this many times as long.
const MOST_TIMES: f64 = 12.0;
/// What a copy may take above the idle program, in megabytes.
const MOST_MEMORY: f64 = 64.0;
/// What a small copy should take, in milliseconds.
const SMALL_AIM: f64 = 1_000.0;
const ROUNDS: usize = 3;
const SMALL_ROUNDS: usize = 30;
const MANY: (&str, u32) = ("many@example.com", 100_000);
const TENTH: (&str, u32) = ("tenth@example.com", 10_000);

/// What was measured.
pub struct Measured {
    pub bounds: Vec<Bound>,
    pub aims: Vec<Bound>,
}

/// Measures copies of the demo company's customers; `three` is somebody with 3 orders.
pub async fn measure(folder: &Path, house: &House, three: &str) -> Result<Measured> {
    add_visits(house).await?;
    let portal = house.portal().await?;
    for (email, _) in [MANY, TENTH] {
        add_customer(&portal, email, Vec::new()).await?;
    }
    portal.close().await;
    let program = Program::start(&house.data, &house.catalog)?;
    let mut many = Browser::log_in(&program, MANY.0).await?;
    let mut tenth = Browser::log_in(&program, TENTH.0).await?;
    let mut small = Browser::log_in(&program, three).await?;
    let mut times = Vec::new();
    for _ in 0..SMALL_ROUNDS {
        times.push(small.take().await?.0.as_secs_f64() * 1e3);
    }
    let idle = program.memory()?;
    let (mut shares, mut growths, mut peaks) = (Vec::new(), Vec::new(), Vec::new());
    let mut figures = Vec::new();
    for round in 1..=ROUNDS {
        eprintln!("copies, round {round} of {ROUNDS}");
        let (short, _) = tenth.take().await?;
        let ((long, archive), peak) = watching(&program, many.take()).await?;
        let files = json_of(&archive, folder)?;
        ensure!(files.rows == u64::from(MANY.1), "{} rows", files.rows);
        let own = files.bytes / long.as_secs_f64() / 1e6;
        let zipped = files.zip().context("zip -1")?;
        let by_zip = files.bytes / zipped.as_secs_f64() / 1e6;
        eprintln!(
            "  {own:.1} MB/s of JSON, zip -1 {by_zip:.1} MB/s, {long:?}, 10,000 rows {short:?}"
        );
        figures.push(own);
        shares.push(own / by_zip);
        growths.push(long.as_secs_f64() / short.as_secs_f64());
        peaks.push(peak - idle);
    }
    program.stop()?;
    times.sort_by(f64::total_cmp);
    let of = |percent: usize| {
        let at = (times.len() * percent / 100).min(times.len() - 1);
        times.get(at).copied().unwrap_or(f64::NAN)
    };
    eprintln!("  a small copy: p50 {:.0} ms, p99 {:.0} ms", of(50), of(99));
    let rate = median(figures);
    Ok(Measured {
        bounds: vec![
            Bound::at_least(
                format!("a copy of 100,000 rows ({rate:.1} MB/s of JSON), as a share of zip -1"),
                median(shares.into_iter()),
                LEAST_SHARE,
            ),
            Bound::at_most(
                "a copy of 100,000 rows, as times of 10,000",
                median(growths.into_iter()),
                MOST_TIMES,
            ),
            Bound::at_most(
                "memory of a copy of 100,000 rows above idle, MB",
                peaks.into_iter().fold(0.0, f64::max),
                MOST_MEMORY,
            ),
        ],
        aims: vec![
            Bound::at_most(
                "a small copy, button to last byte, p50 ms",
                of(50),
                SMALL_AIM,
            ),
            Bound::at_most(
                "a small copy, button to last byte, p99 ms",
                of(99),
                2.0 * SMALL_AIM,
            ),
        ],
    })
}

/// Gives two people a long history on the demo's website.
async fn add_visits(house: &House) -> Result<()> {
    let file = house.data.join("company/analytics.db");
    let mut db =
        SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(file)).await?;
    for (email, rows) in [MANY, TENTH] {
        let sql = format!(
            "INSERT INTO visitors VALUES ('{email}', '{email}', 'B-1', 'Cork', {rows}, '2024-01-01 08:00:00', '2025-01-01 08:00:00');
            WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
            INSERT INTO page_views (visitor_id, page, came_from, seen_at, seconds)
            SELECT '{email}', '/teas/green/number-' || (i * 7919 % 10007) || '?colour=' || (i % 13), 'https://search.example/?q=tea+' || (i * 31 % 977),
            datetime('2024-01-01', '+' || (i * 5) || ' minutes'), i % 300 FROM n;"
        );
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut db).await?;
    }
    db.close().await?;
    Ok(())
}

/// A customer who is logged in.
struct Browser {
    connection: Connection,
    cookie: String,
}

impl Browser {
    async fn log_in(program: &Program, email: &str) -> Result<Self> {
        let mut connection = Connection::open(program.address()).await?;
        let form = format!("email={}&password={PASSWORD}", email.replace('@', "%40"));
        let headers = "Content-Type: application/x-www-form-urlencoded\r\n";
        let answer = connection
            .ask(&request("POST", "/log-in", headers, &form))
            .await?;
        let mut cookies = answer
            .headers("set-cookie")
            .filter_map(|value| value.split(';').next());
        let cookie = cookies.find(|cookie| cookie.starts_with("__Host-fairhold="));
        let cookie = cookie.with_context(|| format!("{email} could not log in"))?;
        Ok(Self {
            cookie: cookie.to_owned(),
            connection,
        })
    }

    async fn ask(&mut self, method: &str, path: &str, form: &str) -> Result<(u16, Vec<u8>)> {
        let headers = format!(
            "Cookie: {}\r\nContent-Type: application/x-www-form-urlencoded\r\n",
            self.cookie
        );
        let answer = self
            .connection
            .ask(&request(method, path, &headers, form))
            .await?;
        Ok((answer.status, answer.body().to_vec()))
    }

    /// Presses the button, waits, downloads, and deletes the copy; answers how long it took up to the last byte, and the copy.
    async fn take(&mut self) -> Result<(Duration, Vec<u8>)> {
        let start = Instant::now();
        let (status, _) = self
            .ask("POST", "/download", "act=take&what=everything")
            .await?;
        ensure!(status == 303, "the button answered {status}");
        let link = loop {
            let (_, page) = self.ask("GET", "/download", "").await?;
            let page = String::from_utf8(page)?;
            if let Some((_, rest)) = page.split_once("href=\"/download/") {
                break rest.split('"').next().unwrap_or_default().to_owned();
            }
            ensure!(page.contains("looks again"), "there is no copy");
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        let (status, archive) = self.ask("GET", &format!("/download/{link}"), "").await?;
        let took = start.elapsed();
        if status != 200 {
            bail!("the download answered {status}");
        }
        self.ask("POST", "/download", &format!("act=delete&id={link}"))
            .await?;
        Ok((took, archive))
    }
}

/// Does something, and answers the most memory that the program occupied meanwhile.
async fn watching<T>(
    program: &Program,
    doing: impl Future<Output = Result<T>>,
) -> Result<(T, f64)> {
    let done = Arc::new(AtomicBool::new(false));
    let watch = async {
        let mut most: f64 = 0.0;
        while !done.load(Ordering::Relaxed) {
            most = most.max(program.memory()?);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok::<f64, anyhow::Error>(most)
    };
    let doing = async {
        let did = doing.await;
        done.store(true, Ordering::Relaxed);
        did
    };
    let (did, most) = tokio::join!(doing, watch);
    Ok((did?, most?))
}

/// The JSON of a copy, unpacked into files.
struct Unpacked {
    folder: tempfile::TempDir,
    bytes: f64,
    rows: u64,
}

impl Unpacked {
    /// How long `zip -1` takes for it.
    fn zip(&self) -> Result<Duration> {
        let start = Instant::now();
        let status = Command::new("zip")
            .args(["-1", "-q", "-r", "all.zip", "."])
            .current_dir(self.folder.path())
            .status()
            .context("there is no program `zip`")?;
        ensure!(status.success(), "it ended with {status}");
        Ok(start.elapsed())
    }
}

fn json_of(archive: &[u8], folder: &Path) -> Result<Unpacked> {
    let unpacked = tempfile::tempdir_in(folder)?;
    let mut zip = zip::ZipArchive::new(Cursor::new(archive))?;
    let (mut bytes, mut rows) = (0.0, 0);
    for at in 0..zip.len() {
        let mut file = zip.by_index(at)?;
        let name = file.name()?.into_owned();
        if Path::new(&name).extension() != Some("json".as_ref()) || name == "manifest.json" {
            continue;
        }
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        if name == "analytics/page_views.json" {
            let all: Vec<serde_json::Value> = serde_json::from_str(&text)?;
            rows = all.len() as u64;
        }
        #[expect(clippy::cast_precision_loss, reason = "a length of some megabytes")]
        let length = text.len() as f64;
        bytes += length;
        std::fs::write(unpacked.path().join(name.replace('/', "-")), text)?;
    }
    Ok(Unpacked {
        folder: unpacked,
        bytes,
        rows,
    })
}
