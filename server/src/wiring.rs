//! Puts the portal together from the configuration, and refuses what would not be safe.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use axum::http::Uri;
use axum::http::uri::Authority;
use fairhold_connect::{
    Connector, MySqlConnector, PostgresConnector, ServerSettings, SqliteConnector, SqliteSettings,
    Tls,
};
use fairhold_domain::email::EmailAddress;
use fairhold_domain::phone::HomeCountry;
use fairhold_portal::breached::BreachedPasswords;
use fairhold_portal::mail::Mailer;
use fairhold_portal::systems::Connections;
use fairhold_portal::texts::{Gateway, Texter};
use fairhold_portal::webhooks::{Receiver, Webhooks};
use fairhold_portal::world::World;
use fairhold_portal::{CompanySource, Parts, Portal, Settings};
use fairhold_store::keys::KeyStore;
use fairhold_store::{Db, SecretKey, StoreError};
use lettre::AsyncSmtpTransport;
use secrecy::ExposeSecret;

use crate::config::{self, Config, Connection, Server, secret, url_variable, webhook_variable};

const POSTGRES_URL: &str = "FAIRHOLD_POSTGRES_URL";
const KEYS_POSTGRES_URL: &str = "FAIRHOLD_KEYS_POSTGRES_URL";

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
    config.validate()?;
    let public_url = public_url(config, mode)?;
    if mode == Mode::Demo {
        refuse_postgres(config)?;
    }
    let mailer = mailer(config, mode)?;
    let texter = texter(config, mode)?;
    let webhooks = webhooks(config)?;
    let staff = staff(config)?;
    let breached = config.passwords.breached_file.as_deref();
    let breached = breached.map(BreachedPasswords::open).transpose()?;
    let Stores { db, keys } = stores(config, &world).await?;
    refuse_other_mode(&keys, mode).await?;
    Ok(Parts {
        db,
        keys,
        world,
        settings: Settings {
            public_url,
            demo: mode == Mode::Demo,
            idle_seconds: config.sessions.idle_minutes * 60,
            staff_idle_seconds: config.sessions.staff_idle_minutes * 60,
            staff_absolute_seconds: config.sessions.absolute_hours * 3600,
            system_timeout: Duration::from_secs(config.systems.timeout_seconds),
            exports: config.data.folder.join("exports"),
            text_countries: text_countries(config)?,
            most_texts_a_day: config.texts.most_a_day,
            // The demo's outbox shows the mail of customers alone, so there the log has to do.
            staff: staff.filter(|_| mode == Mode::Production),
        },
        source: CompanySource {
            folder: config.company.catalog.clone(),
        },
        connections: connections(config)?,
        mailer,
        texter,
        webhooks,
        breached,
    })
}

/// The portal's own databases, without the portal.
pub(crate) struct Stores {
    /// The data.
    pub db: Db,
    /// The keys.
    pub keys: KeyStore,
}

impl Stores {
    /// Ends all connections.
    pub(crate) async fn close(self) {
        self.db.close().await;
        self.keys.close().await;
    }
}

/// Opens the databases; the key store is brought up to date.
pub(crate) async fn stores(config: &Config, world: &World) -> anyhow::Result<Stores> {
    let master = master_key(config)?;
    let (db, keys) = databases(config).await?;
    match KeyStore::open(keys, master, world.random.clone()).await {
        Ok(keys) => Ok(Stores { db, keys }),
        Err(e) => Err(no_key_store(config, e)),
    }
}

/// Opens the databases to read them, and makes and changes nothing.
pub(crate) async fn stores_as_they_are(config: &Config, world: &World) -> anyhow::Result<Stores> {
    let master = master_key(config)?;
    for path in sqlite_files(config) {
        if !any_postgres(config) && !path.is_file() {
            bail!(
                "there is no database {}. Set data.folder to where the portal's data is.",
                path.display()
            );
        }
    }
    let (db, keys) = databases(config).await?;
    match KeyStore::open_as_it_is(keys, master, world.random.clone()).await {
        Ok(keys) => Ok(Stores { db, keys }),
        Err(e) => Err(no_key_store(config, e)),
    }
}

fn no_key_store(config: &Config, error: StoreError) -> anyhow::Error {
    match error {
        StoreError::Seal => anyhow!(
            "this master key is not the one that the key store was made with. Use the right key file: {}",
            config.master_key_file().display()
        ),
        e => anyhow!(e).context("the key store does not open"),
    }
}

/// The demo shows everybody's mail, so it must never meet real customers, nor a portal for them made-up ones.
async fn refuse_other_mode(keys: &KeyStore, mode: Mode) -> anyhow::Result<()> {
    let ours = match mode {
        Mode::Production => "production",
        Mode::Demo => "demo",
    };
    match (keys.mark("mode", ours).await?.as_str(), mode) {
        (stands, _) if stands == ours => Ok(()),
        (_, Mode::Demo) => bail!(
            "this data is real customers', and the demo must not touch it. Set data.folder to another folder for the demo."
        ),
        (_, Mode::Production) => bail!(
            "this data is the demo's, with log-ins that anybody can look up. Set data.folder to another folder for your customers."
        ),
    }
}

/// Where PostgreSQL is named: the demo keeps to files of its own.
fn refuse_postgres(config: &Config) -> anyhow::Result<()> {
    if any_postgres(config) {
        bail!(
            "the demo keeps its data in files of its own. Take away every setting for PostgreSQL (FAIRHOLD_POSTGRES_URL, FAIRHOLD_KEYS_POSTGRES_URL, data.postgres_url_file, data.keys_postgres_url_file) and start it again."
        );
    }
    Ok(())
}

fn any_postgres(config: &Config) -> bool {
    config.data.postgres_url_file.is_some()
        || config.data.keys_postgres_url_file.is_some()
        || [POSTGRES_URL, KEYS_POSTGRES_URL]
            .iter()
            .any(|name| std::env::var_os(name).is_some())
}

fn sqlite_files(config: &Config) -> [PathBuf; 2] {
    ["fairhold.db", "keys.db"].map(|name| config.data.folder.join(name))
}

/// The connected systems of the configuration. Nothing is opened until it is read.
///
/// # Errors
/// When a connection's settings can't be right; the message names it and says what to do.
pub fn connections(config: &Config) -> anyhow::Result<Connections> {
    let timeout = Duration::from_secs(config.systems.timeout_seconds);
    let connector = |(name, connection): (&String, &Connection)| {
        let connector = connector(name, connection, timeout)
            .with_context(|| format!("the connection {name:?} can't be used"))?;
        Ok((name.clone(), connector))
    };
    config.connections.iter().map(connector).collect()
}

fn connector(
    name: &str,
    connection: &Connection,
    timeout: Duration,
) -> anyhow::Result<Arc<dyn Connector>> {
    Ok(match connection {
        Connection::Sqlite { path, connections } => {
            Arc::new(SqliteConnector::new(SqliteSettings {
                path: path.clone(),
                max_connections: *connections,
                timeout,
            }))
        }
        Connection::Postgres(server) => {
            Arc::new(PostgresConnector::new(&on_server(name, server, timeout)?)?)
        }
        Connection::Mysql(server) => {
            Arc::new(MySqlConnector::new(&on_server(name, server, timeout)?)?)
        }
    })
}

fn on_server(name: &str, server: &Server, timeout: Duration) -> anyhow::Result<ServerSettings> {
    let variable = url_variable(name);
    let url = secret(&variable, server.url_file.as_deref())?.ok_or_else(|| {
        anyhow!("nothing says where it is. Set `url_file` to a file that holds its address, or {variable} in the environment")
    })?;
    Ok(ServerSettings {
        url: url.expose_secret().to_owned(),
        tls: server.tls.map(|tls| match tls {
            config::Tls::Verified => Tls::Verified,
            config::Tls::Encrypted => Tls::Encrypted,
            config::Tls::Off => Tls::Off,
        }),
        ca_file: server.ca_file.clone(),
        max_connections: server.connections,
        timeout,
    })
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
    let text = match (&config.server.public_url, mode) {
        (Some(url), _) => url.clone(),
        (None, Mode::Demo) => format!("http://localhost:{}", config.server.port),
        (None, Mode::Production) => bail!(
            "server.public_url is missing. Set it to the address that your customers open, such as https://data.example.com."
        ),
    };
    let url = PublicUrl::parse(&text)?;
    if mode == Mode::Demo && !url.leads_here {
        bail!(
            "the demo runs on this machine only. Take server.public_url out of the configuration."
        );
    }
    let stays_here = url.leads_here && on_loopback;
    if !url.https && !stays_here {
        bail!(
            "server.public_url is on plain HTTP, so anybody on the way could read your customers' data. Put a server with a certificate in front and set an address that starts with https://."
        );
    }
    Ok(url.text)
}

/// An address such as `https://data.example.com`, with nothing after the host and its port.
struct PublicUrl {
    /// Without a slash at the end.
    text: String,
    https: bool,
    leads_here: bool,
}

impl PublicUrl {
    fn parse(text: &str) -> anyhow::Result<Self> {
        let https = match text.split_once("://") {
            Some(("https", _)) => true,
            Some(("http", _)) => false,
            _ => bail!("server.public_url must start with https://. It is {text:?}."),
        };
        let uri: Option<Uri> = text.parse().ok();
        let bare = uri.filter(|uri| {
            uri.path() == "/"
                && uri.query().is_none()
                && !text.contains('#')
                && uri.authority().is_some_and(|a| !a.as_str().contains('@'))
        });
        let Some(host) = bare.as_ref().and_then(Uri::host) else {
            bail!(
                "server.public_url must be a scheme and a host and no more, such as https://data.example.com. Take away what stands after the host, and any user and password."
            );
        };
        Ok(Self {
            text: text.trim_end_matches('/').to_owned(),
            https,
            leads_here: is_this_machine(host),
        })
    }
}

/// Whether a host's name, as an address writes it, is this machine's own.
fn is_this_machine(host: &str) -> bool {
    ["localhost", "127.0.0.1", "[::1]"]
        .iter()
        .any(|own| host.eq_ignore_ascii_case(own))
}

/// Reads another master key from a file that only its owner can read.
pub(crate) fn master_key_in(file: &Path) -> anyhow::Result<SecretKey> {
    config::refuse_open_file(file)?;
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("{} can't be read", file.display()))?;
    SecretKey::from_text(&text).ok_or_else(wrong_master_key)
}

fn wrong_master_key() -> anyhow::Error {
    anyhow!(
        "the master key has a wrong form: it must be 32 bytes in base64, as `fairhold keys new` writes it."
    )
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
    SecretKey::from_text(text.expose_secret()).ok_or_else(wrong_master_key)
}

/// The data and the key store: two databases, never one.
async fn databases(config: &Config) -> anyhow::Result<(Db, Db)> {
    let data = &config.data;
    let url = secret(POSTGRES_URL, data.postgres_url_file.as_deref())?;
    let keys_url = secret(KEYS_POSTGRES_URL, data.keys_postgres_url_file.as_deref())?;
    match (url, keys_url) {
        (None, None) => {
            make_folder(&data.folder)?;
            let open = async |path: PathBuf| {
                Db::sqlite(&path)
                    .await
                    .with_context(|| format!("{} does not open", path.display()))
            };
            let [data, keys] = sqlite_files(config);
            Ok((open(data).await?, open(keys).await?))
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
        .with_context(|| format!("the data folder {} can't be made", folder.display()))?;
    close_to_others(folder)
}

/// Takes a folder that was there before away from everybody but its owner.
fn close_to_others(folder: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = folder.metadata()?.permissions().mode();
    if mode & 0o1000 != 0 {
        bail!(
            "{} is a folder that everybody shares. Name one of the portal's own as data folder.",
            folder.display()
        );
    }
    if mode & 0o077 != 0 {
        tracing::warn!(folder = %folder.display(), "others could read the data folder; now only its owner can");
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).with_context(
            || {
                format!(
                    "others can read the data folder {0}. Run `chmod 700 {0}` and start again.",
                    folder.display()
                )
            },
        )?;
    }
    Ok(())
}

/// Mail holds links that open accounts: it leaves this machine only over TLS.
fn refuse_open_mail(url: &str) -> anyhow::Result<()> {
    // Schemes have no case, and lettre reads them so.
    let Some((scheme, rest)) = url.split_once("://") else {
        return Ok(());
    };
    if !scheme.eq_ignore_ascii_case("smtp") {
        return Ok(());
    }
    // lettre's words: `tls=opportunistic` goes on without TLS where somebody on the way says that there is none.
    let (address, query) = rest.split_once('?').unwrap_or((rest, ""));
    let address = address.trim_end_matches('/');
    let host = address.parse::<Authority>().ok();
    let leads_here = host.is_some_and(|a| is_this_machine(a.host()));
    if !leads_here && !query.split('&').any(|setting| setting == "tls=required") {
        bail!(
            "the mail server's address begins with smtp://, so anybody on the way could read your customers' mail. Write it with smtps://, or end it with ?tls=required."
        );
    }
    Ok(())
}

fn mailer(config: &Config, mode: Mode) -> anyhow::Result<Mailer> {
    if mode == Mode::Demo {
        return Ok(Mailer::Outbox);
    }
    let url = secret("FAIRHOLD_SMTP_URL", config.mail.smtp_url_file.as_deref())?.ok_or_else(|| {
        anyhow!("no mail server is set, so nobody could sign up. Set mail.smtp_url_file to a file that holds its address.")
    })?;
    refuse_open_mail(url.expose_secret())?;
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

/// The demo writes texts to a file; its page of mail shows them as well.
fn texter(config: &Config, mode: Mode) -> anyhow::Result<Texter> {
    if mode == Mode::Demo {
        return Ok(Texter::File(config.data.folder.join("texts.jsonl")));
    }
    let Some(url) = &config.texts.gateway_url else {
        return Ok(Texter::Nowhere);
    };
    let token = secret("FAIRHOLD_TEXTS_TOKEN", config.texts.token_file.as_deref())?.context(
        "texts.gateway_url is set, and no token for it. Set texts.token_file to a file that holds the gateway's token.",
    )?;
    let gateway = Gateway::new(url, token).context("texts.gateway_url can't be used")?;
    Ok(Texter::Gateway(gateway))
}

/// The shops that are told what members of their programmes do.
fn webhooks(config: &Config) -> anyhow::Result<Webhooks> {
    let receiver = |(programme, webhook): (&String, &config::Webhook)| {
        let variable = webhook_variable(programme);
        let secret = secret(&variable, webhook.secret_file.as_deref())?.ok_or_else(|| {
            anyhow!("webhooks.{programme} has no secret, so its shop could not tell who sends. Set `secret_file` to a file that holds it, or {variable} in the environment.")
        })?;
        let receiver = Receiver::new(&webhook.url, &secret)
            .with_context(|| format!("webhooks.{programme} can't be used"))?;
        Ok((programme.clone(), receiver))
    };
    config.webhooks.iter().map(receiver).collect()
}

fn text_countries(config: &Config) -> anyhow::Result<Vec<HomeCountry>> {
    let parse = |code: &String| {
        HomeCountry::parse(code).with_context(|| {
            format!("texts.countries names {code:?}, which is no country. Write codes of two letters, such as IE.")
        })
    };
    config.texts.countries.iter().map(parse).collect()
}

/// Whom the staff's mail goes to, where the company wants any.
fn staff(config: &Config) -> anyhow::Result<Option<EmailAddress>> {
    let parse = |staff: &str| {
        EmailAddress::parse(staff).map_err(|_| {
            anyhow!("mail.staff is no address: {staff:?}. Write one like privacy@example.com.")
        })
    };
    config.mail.staff.as_deref().map(parse).transpose()
}
