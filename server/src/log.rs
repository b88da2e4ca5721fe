//! The log: on standard error, in words of ours and ids, never anything personal.

use tracing_subscriber::EnvFilter;

/// Parts of libraries that write into the log what somebody sent: whole addresses, with a link's secret in them, or the
/// answers of passkeys.
const SAY_TOO_MUCH: [&str; 3] = ["tower_http::csrf", "webauthn_rs", "webauthn_rs_core"];

/// Starts it: `RUST_LOG` chooses what, `quiet` does without it; as JSON when `FAIRHOLD_LOG=json`.
pub(crate) fn start(quiet: &str) {
    let wanted = std::env::var("RUST_LOG").unwrap_or_else(|_| quiet.to_owned());
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter(&wanted))
        .with_writer(std::io::stderr);
    let started = if std::env::var("FAIRHOLD_LOG").is_ok_and(|form| form == "json") {
        log.json().try_init()
    } else {
        log.try_init()
    };
    if started.is_err() {
        eprintln!("fairhold: the log was started before");
    }
}

/// What is logged when this much is asked for: all of it, but for what would say too much.
pub fn filter(wanted: &str) -> EnvFilter {
    // A directive that names them more closely than ours would win.
    let wanted: Vec<&str> = wanted
        .split(',')
        .filter(|directive| !SAY_TOO_MUCH.iter().any(|part| directive.contains(part)))
        .collect();
    let silence = SAY_TOO_MUCH
        .iter()
        .filter_map(|part| format!("{part}=off").parse().ok());
    silence.fold(EnvFilter::new(wanted.join(",")), EnvFilter::add_directive)
}
