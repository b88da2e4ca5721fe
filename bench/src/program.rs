//! The release program as a process of its own, as customers meet it.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::load::{Connection, Target, request};

/// A program that serves. Dropping it ends it.
pub struct Program {
    child: Child,
    address: SocketAddr,
    started: Instant,
}

impl Program {
    /// Starts `fairhold demo serve` on this data with this catalog, and waits until it says where it listens.
    ///
    /// # Errors
    /// When it ends before.
    pub fn start(data: &Path, catalog: &Path) -> Result<Self> {
        Self::start_by(command(data, catalog))
    }

    /// The same behind a proxy on this machine, which says where requests come from. What it writes to its log goes to a
    /// file beside the data: each refused request is a line.
    ///
    /// # Errors
    /// When it ends before.
    pub fn start_behind_proxy(data: &Path, catalog: &Path) -> Result<Self> {
        let log = std::fs::File::create(data.with_extension("log"))?;
        let mut command = command(data, catalog);
        command
            .env("FAIRHOLD_SERVER__PROXIES", "[\"127.0.0.1\"]")
            .stderr(log);
        Self::start_by(command)
    }

    fn start_by(mut command: Command) -> Result<Self> {
        let started = Instant::now();
        let mut child = command
            .args(["demo", "serve"])
            .stdout(Stdio::piped())
            .spawn()?;
        let port = port(&mut child);
        let mut program = Self {
            child,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            started,
        };
        program.address.set_port(port?);
        Ok(program)
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Logs the customer in, and opens My data with that session.
    ///
    /// # Errors
    /// When the log-in or the page is refused, or the page lacks an expected text.
    pub async fn my_data(
        &self,
        email: &str,
        password: &str,
        expected: Vec<String>,
    ) -> Result<Arc<Target>> {
        let form = format!("email={}&password={password}", email.replace('@', "%40"));
        let headers = "Content-Type: application/x-www-form-urlencoded\r\n";
        let answer = Connection::open(self.address)
            .await?
            .ask(&request("POST", "/log-in", headers, &form))
            .await?;
        let mut cookies = answer
            .headers("set-cookie")
            .filter_map(|value| value.split(';').next());
        let cookie = cookies.find(|cookie| cookie.starts_with("__Host-fairhold="));
        let cookie =
            cookie.with_context(|| format!("{email} could not log in: {}", answer.status))?;
        Target::new(self.address, "/my-data", cookie, expected)
            .await
            .with_context(|| format!("My data of {email}"))
    }

    /// Asks until there is an answer 200; the time since the program was started.
    ///
    /// # Errors
    /// When there is none within ten seconds.
    pub async fn first_answer(&self, path: &str) -> Result<Duration> {
        let asked = request("GET", path, "", "");
        while self.started.elapsed() < Duration::from_secs(10) {
            if let Ok(mut connection) = Connection::open(self.address).await
                && connection.ask(&asked).await?.status == 200
            {
                return Ok(self.started.elapsed());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        bail!("no answer to {path}")
    }

    /// The memory that it occupies, in megabytes (10^6): `VmRSS`, see proc(5).
    ///
    /// # Errors
    /// When the kernel does not say.
    pub fn memory(&self) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .context("no VmRSS")?;
        let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
        Ok(kib * 1024.0 / 1e6)
    }

    /// Asks it to stop, as a service manager does, and waits until it has.
    ///
    /// # Errors
    /// When it does not end well.
    pub fn stop(mut self) -> Result<()> {
        Command::new("kill")
            .arg("-TERM")
            .arg(self.child.id().to_string())
            .status()?;
        let status = self.child.wait()?;
        ensure!(status.success(), "the program ended with {status}");
        Ok(())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// Ends a child, if it has not ended already.
pub fn end(child: &mut Child) {
    if matches!(child.try_wait(), Ok(None)) && child.kill().is_ok() {
        drop(child.wait());
    }
}

/// The port in the first line of a child's output that holds an address, such as `http://localhost:3000`.
pub fn port(child: &mut Child) -> Result<u16> {
    let mut output = BufReader::new(child.stdout.take().context("the child has no output")?);
    let mut line = String::new();
    while output.read_line(&mut line)? > 0 {
        if let Some((_, port)) = line.split_once("http://localhost:") {
            let port = port
                .trim()
                .parse()
                .context("the child's port is no number")?;
            // What it goes on to say must have somewhere to go.
            std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
            return Ok(port);
        }
        line.clear();
    }
    bail!("the child ended before it listened")
}

/// Walks the chains of looks with `fairhold verify`.
///
/// # Errors
/// When one is broken.
pub fn verify(data: &Path, catalog: &Path) -> Result<()> {
    let output = command(data, catalog).args(["verify", "--json"]).output()?;
    ensure!(
        output.status.success(),
        "fairhold verify: {}",
        String::from_utf8_lossy(&output.stdout)
    );
    Ok(())
}

/// The program that `scripts/bench.sh` names, with settings of its own, whatever this shell has set. It finds the
/// browser's files beside itself.
fn command(data: &Path, catalog: &Path) -> Command {
    let program = std::env::var_os("FAIRHOLD_PROGRAM").unwrap_or_else(|| "fairhold".into());
    let mut command = Command::new(program);
    let folder = data.parent().unwrap_or(data);
    let settings = [("DATA_DIR", data), ("FAIRHOLD_COMPANY__CATALOG", catalog)];
    command
        .current_dir(folder)
        .env_clear()
        .envs(settings)
        .env("PORT", "0");
    command
}
