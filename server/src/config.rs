//! Configuration: a file, overridden by the environment. Every setting is described in `fairhold.toml`.
//!
//! A setting NAME in section SECTION can be given as `FAIRHOLD_SECTION__NAME`. `PORT` and `DATA_DIR` are short for
//! `server.port` and `data.folder`. Secrets come from files or from the environment, never from this file.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use fairhold_domain::peer::Network;
use figment::Figment;
use figment::error::Kind;
use figment::providers::{Env, Format, Serialized, Toml};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

/// Read from the working directory where no other file is named; need not be there.
const DEFAULT_FILE: &str = "fairhold.toml";

/// All settings.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How the portal is reached.
    pub server: Listener,
    /// The portal's own data.
    pub data: Data,
    /// The company's catalog.
    pub company: Company,
    /// The company's systems, by the names that the catalog uses.
    pub connections: BTreeMap<String, Connection>,
    /// How connected systems are read.
    pub systems: Systems,
    /// How mail is sent.
    pub mail: Mail,
    /// How texts to phones are sent.
    pub texts: Texts,
    /// The shops of programmes that are told what members do, by the programmes' keys.
    pub webhooks: BTreeMap<String, Webhook>,
    /// How long a log-in lasts.
    pub sessions: Sessions,
    /// What is asked of a password.
    pub passwords: Passwords,
}

/// How the portal is reached.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Listener {
    /// Addresses to listen on.
    pub listen: Vec<IpAddr>,
    /// Port to listen on; 0 takes any that is free.
    pub port: u16,
    /// Where customers reach the portal, such as `https://data.example.com`.
    pub public_url: Option<String>,
    /// How many requests may be under way before others are told to come back later.
    pub most_requests: usize,
    /// The proxies in front, whose word counts on where a request comes from.
    pub proxies: Vec<Network>,
}

/// The portal's own data.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Data {
    /// The folder for the SQLite files and the master key.
    pub folder: PathBuf,
    /// A file that holds the PostgreSQL address of the data; without one the data is in SQLite.
    pub postgres_url_file: Option<PathBuf>,
    /// A file that holds the PostgreSQL address of the key store: another database, best on another machine.
    pub keys_postgres_url_file: Option<PathBuf>,
    /// Connections to PostgreSQL at most.
    pub postgres_connections: u32,
    /// The file that holds the master key; `master.key` in the data folder without it.
    pub master_key_file: Option<PathBuf>,
}

/// The company's catalog.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Company {
    /// The folder with `company.yml` and `datasets/`.
    pub catalog: PathBuf,
}

/// One of the company's systems.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Connection {
    /// A SQLite file, opened for reading only.
    Sqlite {
        /// The file.
        path: PathBuf,
        /// Connections at most.
        #[serde(default = "four")]
        connections: u32,
    },
    /// A PostgreSQL database.
    Postgres(Server),
    /// A MySQL or MariaDB database.
    #[serde(alias = "mariadb")]
    Mysql(Server),
}

/// A company's database on a server.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// A file that holds its address, password and all; without one it is in the environment: see [`url_variable`].
    #[serde(default)]
    pub url_file: Option<PathBuf>,
    /// How the line to it is protected; `verified` without it, but for servers on this machine.
    #[serde(default)]
    pub tls: Option<Tls>,
    /// The certificate of whoever signed the server's, where that is nobody whom everybody knows.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Connections at most.
    #[serde(default = "four")]
    pub connections: u32,
}

/// How the line to a database server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tls {
    /// Encrypted, and the server proves who it is.
    Verified,
    /// Encrypted; the server may be anybody.
    Encrypted,
    /// Not at all.
    Off,
}

impl Connection {
    /// Connections at most.
    pub const fn most(&self) -> u32 {
        match self {
            Self::Sqlite { connections, .. } => *connections,
            Self::Postgres(server) | Self::Mysql(server) => server.connections,
        }
    }
}

/// The environment variable that holds the address of a connection: `FAIRHOLD_CONNECTION_SHOP_URL` for `shop`.
pub fn url_variable(connection: &str) -> String {
    format!("FAIRHOLD_CONNECTION_{}_URL", in_variable(connection))
}

/// A name as a part of the name of an environment variable.
fn in_variable(name: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_uppercase()
        } else {
            '_'
        }
    };
    name.chars().map(plain).collect()
}

const fn four() -> u32 {
    4
}

/// How connected systems are read.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Systems {
    /// Seconds that one read of one system may take.
    pub timeout_seconds: u64,
}

/// How mail is sent.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mail {
    /// A file that holds the mail server's address, such as `smtps://user:password@mail.example.com`.
    pub smtp_url_file: Option<PathBuf>,
    /// Whom mail comes from: `Finch & Rowan <data@example.com>`.
    pub from: Option<String>,
    /// Whom of the company's staff the portal tells what nobody described yet: `data@example.com`.
    pub staff: Option<String>,
}

/// How texts to phones are sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Texts {
    /// The company's gateway for texts, such as `https://texts.example.com/send`; without one nobody can add a phone number.
    pub gateway_url: Option<String>,
    /// A file that holds the token which the gateway asks for.
    pub token_file: Option<PathBuf>,
    /// The countries to whose phones texts are sent (ISO 3166); without any, the catalog's `phone_country`, or all.
    pub countries: Vec<String>,
    /// Texts to all phones together in a day, at most.
    pub most_a_day: i64,
}

impl Default for Texts {
    fn default() -> Self {
        Self {
            gateway_url: None,
            token_file: None,
            countries: Vec::new(),
            most_a_day: 1_000,
        }
    }
}

/// The shop of a programme.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Where it is told, such as `https://shop.example.com/webhooks`.
    pub url: String,
    /// A file that holds the secret which proves who tells it; without one it is in the environment: see
    /// [`webhook_variable`].
    #[serde(default)]
    pub secret_file: Option<PathBuf>,
}

/// The environment variable that holds the secret of a programme's shop: `FAIRHOLD_WEBHOOK_CLUB_SECRET` for `club`.
pub fn webhook_variable(programme: &str) -> String {
    format!("FAIRHOLD_WEBHOOK_{}_SECRET", in_variable(programme))
}

/// How long a log-in lasts.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sessions {
    /// Minutes without a page after which a session ends (ASVS 5.0, 7.3.1).
    pub idle_minutes: i64,
    /// The same for the staff, who see more than their own.
    pub staff_idle_minutes: i64,
    /// Hours after which a session ends in any case (ASVS 5.0, 7.3.2).
    pub absolute_hours: i64,
}

/// What is asked of a password.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Passwords {
    /// A file of passwords that thieves have already, as `fairhold passwords build` makes it.
    pub breached_file: Option<PathBuf>,
}

impl Default for Listener {
    fn default() -> Self {
        let loopback = vec![
            IpAddr::from([127, 0, 0, 1]),
            IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]),
        ];
        Self {
            listen: loopback,
            port: 3000,
            public_url: None,
            most_requests: 512,
            proxies: Vec::new(),
        }
    }
}

impl Default for Data {
    fn default() -> Self {
        Self {
            folder: PathBuf::from("data"),
            postgres_url_file: None,
            keys_postgres_url_file: None,
            postgres_connections: 16,
            master_key_file: None,
        }
    }
}

impl Default for Company {
    fn default() -> Self {
        Self {
            catalog: PathBuf::from("catalog/demo"),
        }
    }
}

impl Default for Systems {
    fn default() -> Self {
        Self { timeout_seconds: 3 }
    }
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            idle_minutes: 30,
            staff_idle_minutes: 15,
            absolute_hours: 12,
        }
    }
}

impl Config {
    /// Reads the file, `fairhold.toml` where none is named and it exists, and the environment over it.
    ///
    /// # Errors
    /// When the named file is missing, or a setting is unknown or has a wrong form; the message names it.
    pub fn read(file: Option<&Path>) -> anyhow::Result<Self> {
        let mut settings = Figment::from(Serialized::defaults(Self::default()));
        match file {
            Some(file) if !file.is_file() => {
                bail!(
                    "there is no configuration file {}. Name one that exists.",
                    file.display()
                )
            }
            Some(file) => settings = settings.merge(Toml::file_exact(file)),
            None if Path::new(DEFAULT_FILE).is_file() => {
                settings = settings.merge(Toml::file_exact(DEFAULT_FILE));
            }
            None => {}
        }
        settings = settings
            .merge(
                Env::prefixed("FAIRHOLD_")
                    .filter(|key| key.as_str().contains("__"))
                    .split("__"),
            )
            .merge(Env::raw().only(&["PORT"]).map(|_| "server.port".into()))
            .merge(Env::raw().only(&["DATA_DIR"]).map(|_| "data.folder".into()));
        settings.extract().map_err(|error| wrong_setting(&error))
    }

    /// Refuses settings with which nothing would work, or nothing would be bounded.
    ///
    /// # Errors
    /// For the first such setting; the message names it and says what it may be.
    pub fn validate(&self) -> anyhow::Result<()> {
        if self.server.listen.is_empty() {
            bail!("server.listen is empty, so nobody could reach the portal. Set it to 127.0.0.1.");
        }
        within(
            "server.most_requests",
            self.server.most_requests,
            1..=100_000,
        )?;
        within(
            "data.postgres_connections",
            self.data.postgres_connections,
            1..=1000,
        )?;
        within(
            "systems.timeout_seconds",
            self.systems.timeout_seconds,
            1..=25,
        )?;
        within(
            "sessions.idle_minutes",
            self.sessions.idle_minutes,
            1..=24 * 60,
        )?;
        within(
            "sessions.staff_idle_minutes",
            self.sessions.staff_idle_minutes,
            1..=24 * 60,
        )?;
        within(
            "sessions.absolute_hours",
            self.sessions.absolute_hours,
            1..=31 * 24,
        )?;
        for (name, connection) in &self.connections {
            within(
                &format!("connections.{name}.connections"),
                connection.most(),
                1..=1000,
            )?;
        }
        Ok(())
    }

    /// The master key's file.
    pub fn master_key_file(&self) -> PathBuf {
        self.data
            .master_key_file
            .clone()
            .unwrap_or_else(|| self.data.folder.join("master.key"))
    }
}

/// What is wrong with the settings, where, and what to do: the value itself is left out, it may be a secret.
fn wrong_setting(error: &figment::Error) -> anyhow::Error {
    let source = error.metadata.as_ref();
    let place = match source.and_then(|m| m.source.as_ref()) {
        Some(figment::Source::File(file)) => file.display().to_string(),
        _ => source.map_or_else(|| "the settings".to_owned(), |m| m.name.to_string()),
    };
    let key = error.path.join(".");
    let what = match &error.kind {
        Kind::UnknownField(..) => format!("there is no setting {key}"),
        Kind::InvalidType(_, expected) | Kind::InvalidValue(_, expected) => {
            format!("{key} has to be {expected}")
        }
        Kind::MissingField(field) => format!("{key} lacks {field}"),
        Kind::UnknownVariant(_, known) => format!("{key} has to be one of {}", known.join(", ")),
        Kind::Message(message) if key.is_empty() => message.trim_end().to_owned(),
        Kind::Message(message) => format!("{key}: {}", message.trim_end_matches(['.', '\n'])),
        _ => format!("{key} has a wrong form"),
    };
    anyhow!("{place} is not right: {what}. Mend it; docs/fairhold.toml describes every setting.")
}

fn within<T: PartialOrd + Display>(
    name: &str,
    value: T,
    range: RangeInclusive<T>,
) -> anyhow::Result<()> {
    if !range.contains(&value) {
        bail!(
            "{name} is {value}. Set it to a number from {} to {}.",
            range.start(),
            range.end()
        );
    }
    Ok(())
}

/// A secret: from the environment, else from a file.
///
/// # Errors
/// When the file can't be read, or others than its owner can read it.
pub fn secret(variable: &str, file: Option<&Path>) -> anyhow::Result<Option<SecretString>> {
    if let Ok(text) = std::env::var(variable) {
        return Ok(Some(SecretString::from(text.trim())));
    }
    let Some(file) = file else { return Ok(None) };
    refuse_open_file(file)?;
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("{} can't be read", file.display()))?;
    Ok(Some(SecretString::from(text.trim())))
}

/// Refuses a file with a secret that others than its owner can read.
pub(crate) fn refuse_open_file(file: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(file)
        .with_context(|| format!("{} can't be read", file.display()))?
        .permissions()
        .mode();
    if mode & 0o077 != 0 {
        bail!(
            "others than its owner can read {0}. Run `chmod 600 {0}` and start again.",
            file.display()
        );
    }
    Ok(())
}
