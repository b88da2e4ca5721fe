//! The commands, one file each.

pub mod check;
pub mod demo;
pub mod keys;
pub mod migrate;
pub mod serve;
pub mod verify;

/// Starts the log on standard error: `RUST_LOG` chooses what; as JSON when `FAIRHOLD_LOG=json`.
pub(crate) fn start_log(quiet: &str) {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| quiet.into());
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = if std::env::var("FAIRHOLD_LOG").is_ok_and(|form| form == "json") {
        log.json().try_init()
    } else {
        log.try_init()
    };
    if started.is_err() {
        eprintln!("fairhold: the log was started before");
    }
}
