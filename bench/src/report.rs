//! The figures, as a table and as JSON.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Result, ensure};
use serde::Serialize;

use crate::load::Run;

/// All figures.
#[derive(Serialize)]
pub struct Report {
    /// What each page came to.
    pub pages: Vec<Row>,
    /// What must hold.
    pub bounds: Vec<Bound>,
    /// What should hold.
    pub aims: Vec<Bound>,
    /// What the log-ins of the storm were answered.
    pub log_ins: Option<LogIns>,
    /// Megabytes that the demo's program occupied right after the load.
    pub memory_after_load_mb: Option<f64>,
}

/// What a page came to: medians over all rounds.
#[derive(Serialize)]
pub struct Row {
    page: &'static str,
    bytes: usize,
    per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
}

impl Row {
    /// The medians of these runs.
    pub fn of(page: &'static str, bytes: usize, runs: &[Run]) -> Self {
        Self {
            page,
            bytes,
            per_second: median(runs.iter().map(Run::per_second)),
            p50_ms: median(runs.iter().map(|r| r.percentile_ms(50))),
            p99_ms: median(runs.iter().map(|r| r.percentile_ms(99))),
        }
    }
}

/// How many log-ins were answered with each status.
#[derive(Serialize)]
pub struct LogIns(pub BTreeMap<u16, u64>);

impl LogIns {
    fn count(&self, status: u16) -> u64 {
        self.0.get(&status).copied().unwrap_or_default()
    }

    /// That passwords were really checked: wrong ones refused, right ones let in, and none held back before that.
    ///
    /// # Errors
    /// When it is not so.
    pub fn check(&self) -> Result<()> {
        ensure!(
            self.count(422) > 0 && self.count(303) > 0 && self.count(429) == 0,
            "passwords were not checked, so the storm was none: {:?}",
            self.0
        );
        Ok(())
    }
}

impl fmt::Display for LogIns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (status, answers) in &self.0 {
            let what = match status {
                303 => "right, let in",
                422 => "checked, wrong",
                429 => "held back",
                503 => "the portal is busy",
                _ => "something else",
            };
            let what = format!("log-ins answered {status}: {what}");
            writeln!(f, "{what:<46} {answers:>9}")?;
        }
        Ok(())
    }
}

/// A figure with what it is held to.
#[derive(Serialize)]
pub struct Bound {
    what: String,
    figure: f64,
    held_to: String,
    holds: bool,
}

impl Bound {
    /// A figure that must not be smaller.
    pub fn at_least(what: impl Into<String>, figure: f64, least: f64) -> Self {
        Self {
            what: what.into(),
            figure,
            held_to: format!("at least {least}"),
            holds: figure >= least,
        }
    }

    /// A figure that must not be larger.
    pub fn at_most(what: impl Into<String>, figure: f64, most: f64) -> Self {
        Self {
            what: what.into(),
            figure,
            held_to: format!("at most {most}"),
            holds: figure <= most,
        }
    }
}

impl Report {
    /// Whether every bound holds. An aim is no bound.
    pub fn holds(&self) -> bool {
        self.bounds.iter().all(|b| b.holds)
    }
}

/// The table for people.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<40} {:>8} {:>9} {:>8} {:>8}",
            "page", "bytes", "a second", "p50 ms", "p99 ms"
        )?;
        for Row {
            page,
            bytes,
            per_second,
            p50_ms,
            p99_ms,
        } in &self.pages
        {
            writeln!(
                f,
                "{page:<40} {bytes:>8} {per_second:>9.0} {p50_ms:>8.2} {p99_ms:>8.2}"
            )?;
        }
        writeln!(f)?;
        let bounds = self
            .bounds
            .iter()
            .map(|b| (b, if b.holds { "PASS" } else { "FAIL" }));
        let aims = self
            .aims
            .iter()
            .map(|b| (b, if b.holds { "met" } else { "missed" }));
        for (
            Bound {
                what,
                figure,
                held_to,
                ..
            },
            verdict,
        ) in bounds.chain(aims)
        {
            writeln!(f, "{what:<46} {figure:>9.3}   {held_to:<14} {verdict}")?;
        }
        if let Some(log_ins) = &self.log_ins {
            write!(f, "{log_ins}")?;
        }
        match self.memory_after_load_mb {
            Some(memory) => write!(f, "{:<46} {memory:>9.3}", "memory after the load, MB"),
            None => Ok(()),
        }
    }
}

/// The middle of the figures; the upper one of two.
pub fn median(figures: impl IntoIterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.into_iter().collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
