//! The load: connections that stay open, each with one question at a time, and every answer is checked.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// How many ask at the same time.
const CONNECTIONS: usize = 32;
/// How many take turns where pages are asked for at a fixed pace.
const PACED_CONNECTIONS: u32 = 8;
/// No answer that is measured is larger.
const LARGEST_ANSWER: usize = 16 * 1024 * 1024;

/// What is asked, and what must be in the answer.
pub struct Target {
    address: SocketAddr,
    request: Vec<u8>,
    expected: Vec<Expected>,
    /// Bytes of the answer's body.
    pub bytes: usize,
    /// The body of the first answer.
    pub body: Vec<u8>,
}

/// A text that must be in the answer, and where it stood in the first one: so it need not be searched for each time.
struct Expected {
    text: Vec<u8>,
    at: usize,
}

impl Target {
    /// Asks once.
    ///
    /// # Errors
    /// When the answer is no 200 or lacks an expected text.
    pub async fn new(
        address: SocketAddr,
        path: &str,
        cookie: &str,
        expected: Vec<String>,
    ) -> Result<Arc<Self>> {
        let request = request("GET", path, &format!("Cookie: {cookie}\r\n"), "");
        let answer = Connection::open(address).await?.ask(&request).await?;
        ensure!(answer.status == 200, "{path} answered {}", answer.status);
        let find = |text: String| {
            let text = text.into_bytes();
            let at = find(&answer.body, &text);
            at.map(|at| Expected { text, at })
                .context("an expected text is not on the page")
        };
        let expected = expected.into_iter().map(find).collect::<Result<_>>()?;
        Ok(Arc::new(Self {
            address,
            request,
            expected,
            bytes: answer.body.len(),
            body: answer.body,
        }))
    }

    /// The texts that are looked for.
    pub fn expected(&self) -> Vec<String> {
        self.expected
            .iter()
            .map(|e| String::from_utf8_lossy(&e.text).into_owned())
            .collect()
    }

    fn check(&self, answer: &Answer) -> Result<()> {
        ensure!(answer.status == 200, "an answer was {}", answer.status);
        for Expected { text, at } in &self.expected {
            let same_place = answer.body.get(*at..at + text.len()) == Some(text);
            ensure!(
                same_place || find(&answer.body, text).is_some(),
                "an answer lacks what must be on the page"
            );
        }
        Ok(())
    }
}

fn find(body: &[u8], text: &[u8]) -> Option<usize> {
    body.windows(text.len()).position(|window| window == text)
}

/// What one run came to.
pub struct Run {
    took: Duration,
    /// Sorted.
    latencies: Vec<Duration>,
}

impl Run {
    /// How many answers came.
    pub fn answers(&self) -> u64 {
        self.latencies.len() as u64
    }

    /// Answers a second.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    pub fn per_second(&self) -> f64 {
        self.latencies.len() as f64 / self.took.as_secs_f64()
    }

    /// The time within which this share of the answers came, in percent, in milliseconds.
    pub fn percentile_ms(&self, percent: usize) -> f64 {
        let rank = (self.latencies.len() * percent).div_ceil(100).max(1);
        self.latencies
            .get(rank - 1)
            .map_or(f64::NAN, |d| d.as_secs_f64() * 1e3)
    }
}

/// Asks from all connections until the time is over, and waits for the last answers.
pub async fn run(target: &Arc<Target>, time: Duration) -> Result<Run> {
    let start = Instant::now();
    let mut asking = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let target = target.clone();
        asking.spawn(async move {
            let mut connection = Connection::open(target.address).await?;
            let mut latencies = Vec::new();
            while start.elapsed() < time {
                let asked = Instant::now();
                let answer = connection.ask(&target.request).await?;
                latencies.push(asked.elapsed());
                target.check(&answer)?;
                connection.take_back(answer);
            }
            Ok::<_, anyhow::Error>(latencies)
        });
    }
    all(asking, start).await
}

/// Asks so many times a second, by the clock and not when the last answer came. Each answer's time is counted from when the
/// question was due, so that one that had to wait for a slow one before it shows that.
pub async fn pace(target: &Arc<Target>, a_second: u32, time: Duration) -> Result<Run> {
    let start = Instant::now();
    let between = Duration::from_secs(1) / a_second;
    let mut asking = JoinSet::new();
    for number in 0..PACED_CONNECTIONS {
        let target = target.clone();
        asking.spawn(async move {
            let mut connection = Connection::open(target.address).await?;
            let mut latencies = Vec::new();
            let mut due = between * number;
            while due < time {
                tokio::time::sleep_until((start + due).into()).await;
                let answer = connection.ask(&target.request).await?;
                latencies.push(start.elapsed().saturating_sub(due));
                target.check(&answer)?;
                connection.take_back(answer);
                due += between * PACED_CONNECTIONS;
            }
            Ok::<_, anyhow::Error>(latencies)
        });
    }
    all(asking, start).await
}

/// What all connections measured.
async fn all(mut asking: JoinSet<Result<Vec<Duration>>>, start: Instant) -> Result<Run> {
    let mut latencies = Vec::new();
    while let Some(asked) = asking.join_next().await {
        latencies.extend(asked??);
    }
    let took = start.elapsed();
    latencies.sort_unstable();
    Ok(Run { took, latencies })
}

/// A request by HTTP/1.1 (RFC 9112).
pub fn request(method: &str, path: &str, headers: &str, body: &str) -> Vec<u8> {
    format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// An answer.
pub struct Answer {
    /// The status code.
    pub status: u16,
    head: Vec<u8>,
    body: Vec<u8>,
}

impl Answer {
    /// What came after the headers.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The values of a header, which may be there more than once.
    pub fn headers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let head = std::str::from_utf8(&self.head).unwrap_or_default();
        let pairs = head.lines().filter_map(|line| line.split_once(':'));
        pairs
            .filter(move |(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
    }
}

/// A connection that stays open.
pub struct Connection {
    stream: TcpStream,
    /// An answer's body, to be filled again.
    spare: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            spare: Vec::new(),
        })
    }

    /// Sends a request and reads the whole answer.
    pub async fn ask(&mut self, request: &[u8]) -> Result<Answer> {
        self.stream.write_all(request).await?;
        let mut read = std::mem::take(&mut self.spare);
        read.clear();
        let end = loop {
            ensure!(
                self.stream.read_buf(&mut read).await? > 0,
                "the server hung up"
            );
            if let Some(end) = find(
                read.get(..read.len().min(8192)).unwrap_or_default(),
                b"\r\n\r\n",
            ) {
                break end + 4;
            }
        };
        let head: Vec<u8> = read.drain(..end).collect();
        let mut answer = Answer {
            status: 0,
            head,
            body: read,
        };
        let status = answer
            .head
            .get(9..12)
            .and_then(|code| std::str::from_utf8(code).ok()?.parse().ok());
        answer.status = status.context("the answer is not HTTP")?;
        let length: usize = answer
            .headers("content-length")
            .next()
            .context("the answer does not say its length")?
            .parse()?;
        if length > LARGEST_ANSWER {
            bail!("the answer is too large");
        }
        answer
            .body
            .reserve(length.saturating_sub(answer.body.len()));
        while answer.body.len() < length {
            ensure!(
                self.stream.read_buf(&mut answer.body).await? > 0,
                "the server hung up"
            );
        }
        ensure!(
            answer.body.len() == length,
            "the answer is longer than it says"
        );
        Ok(answer)
    }

    /// Takes an answer's memory back for the next one.
    fn take_back(&mut self, answer: Answer) {
        self.spare = answer.body;
    }
}
