//! Puts the portal together from the configuration, and refuses what would not be safe.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use fairhold_connect::{SqliteConnector, SqliteSettings};
use fairhold_portal::mail::Mailer;
use fairhold_portal::systems::Connections;
use fairhold_portal::world::World;
use fairhold_portal::{CompanySource, Parts, Portal, Settings};
use fairhold_store::keys::KeyStore;
use fairhold_store::{Db, SecretKey};
use lettre::AsyncSmtpTransport;
use secrecy::ExposeSecret;

use crate::config::{Config, Connection, secret};

/// Whether this is the demo, which may do what a real portal must not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// For real customers.
    Production,
    /// On this machine only, with made-up customers.
    Demo,
}

/// Opens the portal.
///
/// # Errors
/// When the configuration is not safe or something in it does not work; the message says what to do.
pub async fn open(config: &Config, mode: Mode) -> anyhow::Result<Portal> {
    Ok(Portal::open(parts(config, mode, World::real()).await?).await?)
}

/// What a portal of this configuration is made of. Tests bring a world of their own and exchange parts.
///
/// # Errors
/// When the configuration is not safe or something in it does not work; the message says what to do.
pub async fn parts(config: &Config, mode: Mode, world: World) -> anyhow::Result<Parts> {
    let public_url = public_url(config, mode)?;
    let master = master_key(config)?;
    let (db, keys_db) = databases(config).await?;
    let keys = KeyStore::open(keys_db, master, world.random.clone()).await.map_err(|e| match e {
        fairhold_store::StoreError::Seal => anyhow!(
            "this master key is not the one that the key store was made with. Use the right key file: {}",
            config.master_key_file().display()
        ),
        e => anyhow!(e).context("the key store does not open"),
    })?;
    Ok(Parts {
        db,
        keys,
        world,
        settings: Settings {
            public_url,
            demo: mode == Mode::Demo,
            system_timeout: Duration::from_secs(config.systems.timeout_seconds.max(1)),
        },
        source: CompanySource {
            folder: config.company.catalog.clone(),
        },
        connections: connections(config),
        mailer: mailer(config, mode)?,
    })
}

/// The connected systems of the configuration. Nothing is opened until it is read.
pub fn connections(config: &Config) -> Connections {
    let connector = |connection: &Connection| match connection {
        Connection::Sqlite { path, connections } => {
            let timeout = Duration::from_secs(config.systems.timeout_seconds.max(1));
            Arc::new(SqliteConnector::new(SqliteSettings {
                path: path.clone(),
                max_connections: *connections,
                timeout,
            }))
        }
    };
    config
        .connections
        .iter()
        .map(|(name, c)| (name.clone(), connector(c) as _))
        .collect()
}

/// The address that customers use. Outside the demo it must be HTTPS, unless it leads to this machine only.
fn public_url(config: &Config, mode: Mode) -> anyhow::Result<String> {
    let on_loopback = config
        .server
        .listen
        .iter()
        .all(std::net::IpAddr::is_loopback);
    if mode == Mode::Demo && !on_loopback {
        bail!("the demo runs on this machine only. Set server.listen to 127.0.0.1 and ::1.");
    }
    let url = match (&config.server.public_url, mode) {
        (Some(url), _) => url.trim_end_matches('/').to_owned(),
        (None, Mode::Demo) => format!("http://localhost:{}", config.server.port),
        (None, Mode::Production) => bail!(
            "server.public_url is missing. Set it to the address that your customers open, such as https://data.example.com."
        ),
    };
    let host = url
        .strip_prefix("http://")
        .map(|rest| rest.split(['/', ':']).next().unwrap_or_default());
    match host {
        None if url.starts_with("https://") => Ok(url),
        Some("localhost" | "127.0.0.1" | "[") if on_loopback => Ok(url),
        Some(_) => bail!(
            "server.public_url is on plain HTTP, so anybody on the way could read your customers' data. Put a server with a certificate in front and set an address that starts with https://."
        ),
        None => bail!("server.public_url must start with https://. It is {url:?}."),
    }
}

/// Reads the master key from the environment or its file.
fn master_key(config: &Config) -> anyhow::Result<SecretKey> {
    let file = config.master_key_file();
    let there = file.exists().then_some(file.as_path());
    let text = secret("FAIRHOLD_MASTER_KEY", there)?.ok_or_else(|| {
        anyhow!(
            "there is no master key. Make one with `fairhold keys new --out {0}`, and keep a copy of {0} in a safe place.",
            file.display()
        )
    })?;
    SecretKey::from_text(text.expose_secret())
        .ok_or_else(|| anyhow!("the master key has a wrong form: it must be 32 bytes in base64, as `fairhold keys new` writes it."))
}

/// The data and the key store: two databases, never one.
async fn databases(config: &Config) -> anyhow::Result<(Db, Db)> {
    let data = &config.data;
    let url = secret("FAIRHOLD_POSTGRES_URL", data.postgres_url_file.as_deref())?;
    let keys_url = secret(
        "FAIRHOLD_KEYS_POSTGRES_URL",
        data.keys_postgres_url_file.as_deref(),
    )?;
    match (url, keys_url) {
        (None, None) => {
            make_folder(&data.folder)?;
            let open = async |name: &str| {
                let path = data.folder.join(name);
                Db::sqlite(&path)
                    .await
                    .with_context(|| format!("{} does not open", path.display()))
            };
            Ok((open("fairhold.db").await?, open("keys.db").await?))
        }
        (Some(url), Some(keys)) if url.expose_secret() == keys.expose_secret() => {
            bail!(
                "the data and the key store are the same database. Give the key store a database of its own."
            )
        }
        (Some(url), Some(keys)) => {
            let open = async |url: &str, what: &str| {
                Db::postgres(url, data.postgres_connections)
                    .await
                    .with_context(|| format!("the database for {what} does not answer"))
            };
            Ok((
                open(url.expose_secret(), "the data").await?,
                open(keys.expose_secret(), "the keys").await?,
            ))
        }
        _ => bail!(
            "the data and the key store must both be in PostgreSQL, or neither. Set data.postgres_url_file and data.keys_postgres_url_file."
        ),
    }
}

/// Makes the data folder, for its owner alone.
pub(crate) fn make_folder(folder: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("the data folder {} can't be made", folder.display()))
}

fn mailer(config: &Config, mode: Mode) -> anyhow::Result<Mailer> {
    if mode == Mode::Demo {
        return Ok(Mailer::Outbox);
    }
    let url = secret("FAIRHOLD_SMTP_URL", config.mail.smtp_url_file.as_deref())?.ok_or_else(|| {
        anyhow!("no mail server is set, so nobody could sign up. Set mail.smtp_url_file to a file that holds its address.")
    })?;
    let transport = AsyncSmtpTransport::<lettre::Tokio1Executor>::from_url(url.expose_secret())
        .map_err(|_| anyhow!("the mail server's address has a wrong form. Write it like smtps://user:password@mail.example.com."))?
        .timeout(Some(Duration::from_secs(20)))
        .build();
    let from = config
        .mail
        .from
        .as_deref()
        .context("mail.from is missing: say whom the portal's mail comes from")?;
    let from = from
        .parse()
        .with_context(|| format!("mail.from is no address: {from:?}"))?;
    Ok(Mailer::Smtp { transport, from })
}
