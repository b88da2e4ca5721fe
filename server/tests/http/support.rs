//! A real portal in this process: real files, real HTTP, a clock that the test turns. Tests talk to it as a browser does.
//!
//! Jobs run when the test says so ([`House::work`]), so that nothing has to be waited for.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use fairhold_app::assets::Assets;
use fairhold_app::state::AppState;
use fairhold_connect::Connector;
use fairhold_domain::ids::CustomerId;
use fairhold_domain::time::Moment;
use fairhold_portal::demo::DemoCustomer;
use fairhold_portal::texts::Texter;
use fairhold_portal::world::{Clock, World};
use fairhold_portal::{Customer, Portal};
use fairhold_server::config::{Config, Connection, Server, Webhook};
use fairhold_server::demo::{self, Persona};
use fairhold_server::wiring::{Mode, parts};
use fairhold_store::SecretKey;
use reqwest::header::{COOKIE, HeaderMap, LOCATION, SET_COOKIE};
use reqwest::{Client, Method};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection as _, Row as _, SqliteConnection};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::OnceCell;

/// The cookie's name: browsers take a name with this prefix only with `Secure`, `Path=/` and no `Domain`.
pub const COOKIE_NAME: &str = "__Host-fairhold";

/// The other cookie: a device on which somebody logged in.
pub const DEVICE_COOKIE: &str = "__Host-fairhold-device";
/// The cookie of the staff's sessions.
pub const STAFF_COOKIE: &str = "__Host-fairhold-staff";

/// A clock that moves only when the test moves it. It begins in the past, so that a place that asks the machine's
/// clock instead is found out.
pub struct TestClock {
    now: AtomicI64,
    /// So many more times it answers before it panics once.
    good_for: AtomicI64,
}

impl TestClock {
    fn start() -> Arc<Self> {
        let start: jiff::Timestamp = "2020-01-15T10:00:00Z".parse().unwrap();
        Arc::new(Self {
            now: AtomicI64::new(Moment::from(start).0),
            good_for: AtomicI64::new(i64::MAX),
        })
    }

    /// Lets time pass.
    pub fn pass(&self, seconds: i64) {
        self.now.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }

    /// Breaks what asks after so many others have asked.
    pub fn panic_after(&self, times: i64) {
        self.good_for.store(times, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    /// No two moments are the same, so that what comes after something can be told.
    fn now(&self) -> Moment {
        assert_ne!(
            self.good_for.fetch_sub(1, Ordering::SeqCst),
            0,
            "as the test wished"
        );
        Moment(self.now.fetch_add(1, Ordering::SeqCst))
    }
}

/// The demo company's three files. They are made once for this build of the tests, and nobody writes to them.
pub async fn company() -> &'static Path {
    static COMPANY: OnceCell<PathBuf> = OnceCell::const_new();
    COMPANY.get_or_init(make_company).await
}

async fn make_company() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("company");
    std::fs::create_dir_all(&folder).unwrap();
    // Test programs may run side by side: one of them makes the files.
    let lock = std::fs::File::create(folder.join("lock")).unwrap();
    lock.lock().unwrap();
    let age = |path: &Path| path.metadata().and_then(|m| m.modified()).ok();
    let program = age(&std::env::current_exe().unwrap());
    let files = demo::SYSTEMS.map(|name| format!("{name}.db"));
    if files.iter().any(|file| age(&folder.join(file)) < program) {
        let fresh = tempfile::tempdir_in(&folder).unwrap();
        demo::build(fresh.path()).await.unwrap();
        for file in files {
            std::fs::rename(fresh.path().join(&file), folder.join(&file)).unwrap();
        }
    }
    folder
}

/// Opens one of the demo company's files, to know by other means than the portal's what is in it.
pub async fn system(name: &str) -> SqliteConnection {
    open(&company().await.join(format!("{name}.db"))).await
}

/// Opens a SQLite file.
pub async fn open(path: &Path) -> SqliteConnection {
    SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(path))
        .await
        .unwrap()
}

/// Somebody who can log in to the demo.
pub fn persona(email: &str) -> &'static Persona {
    demo::personas().iter().find(|p| p.email == email).unwrap()
}

/// What a portal is started with.
pub struct Setup {
    pub config: Config,
    mode: Mode,
    /// In place of configured connections.
    connectors: Vec<(String, Arc<dyn Connector>)>,
    system_timeout: Duration,
    /// In place of the configured one.
    texter: Option<Texter>,
    folder: tempfile::TempDir,
}

impl Setup {
    /// The demo company's portal.
    pub async fn demo() -> Self {
        let mut setup = Self::new(Mode::Demo);
        for name in demo::SYSTEMS {
            setup = setup.with_system(name, &company().await.join(format!("{name}.db")));
        }
        setup
    }

    /// A portal that is no demo, on this address, with this mail server.
    pub fn production(public_url: &str, smtp: &str) -> Self {
        let mut setup = Self::new(Mode::Production);
        setup.config.server.public_url = Some(public_url.to_owned());
        setup.config.mail.smtp_url_file = Some(setup.secret("smtp-url", smtp));
        setup.config.mail.from =
            Some("Finch & Rowan <data@finch-and-rowan.example>".replace('&', "and"));
        setup
    }

    fn new(mode: Mode) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.data.folder = folder.path().join("data");
        config.company.catalog = PathBuf::from("../catalog/demo");
        let mut setup = Self {
            config,
            mode,
            connectors: Vec::new(),
            system_timeout: Duration::from_secs(20),
            texter: None,
            folder,
        };
        let key = SecretKey::generate(&*World::real().random).to_text();
        setup.config.data.master_key_file = Some(setup.secret("master.key", &key));
        setup
    }

    fn secret(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .unwrap();
        std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
        path
    }

    /// A folder for files of the test's own.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The same with another catalog.
    pub fn with_catalog(mut self, folder: &Path) -> Self {
        folder.clone_into(&mut self.config.company.catalog);
        self
    }

    /// The same with this file as a connected system.
    pub fn with_system(mut self, name: &str, path: &Path) -> Self {
        let connection = Connection::Sqlite {
            path: path.to_owned(),
            connections: 4,
        };
        self.config.connections.insert(name.to_owned(), connection);
        self
    }

    /// The same with a database on a server as a connected system: `postgres` or `mysql`.
    pub fn with_server(mut self, name: &str, kind: &str, url: &str) -> Self {
        let server = Server {
            url_file: Some(self.secret(&format!("{name}-url"), url)),
            tls: None,
            ca_file: None,
            connections: 4,
        };
        let connection = match kind {
            "postgres" => Connection::Postgres(server),
            _ => Connection::Mysql(server),
        };
        self.config.connections.insert(name.to_owned(), connection);
        self
    }

    /// The same with this connector in place of a connected system, which then has so long to answer.
    pub fn with_connector(
        mut self,
        name: &str,
        connector: impl Connector + 'static,
        timeout: Duration,
    ) -> Self {
        self.connectors.push((name.to_owned(), Arc::new(connector)));
        self.system_timeout = timeout;
        self
    }

    /// The same, which tells a programme's shop at this address what members do.
    pub fn with_webhook(mut self, programme: &str, url: &str, secret: &str) -> Self {
        let webhook = Webhook {
            url: url.to_owned(),
            secret_file: Some(self.secret(&format!("{programme}-secret"), secret)),
        };
        let webhooks = &mut self.config.webhooks;
        webhooks.insert(programme.to_owned(), webhook);
        self
    }

    /// The same, whose texts to phones leave so.
    pub fn with_texter(mut self, texter: Texter) -> Self {
        self.texter = Some(texter);
        self
    }

    /// Starts it.
    pub async fn start(self) -> House {
        let clock = TestClock::start();
        let world = World {
            clock: clock.clone(),
            ..World::real()
        };
        let mut parts = parts(&self.config, self.mode, world).await.unwrap();
        parts.settings.system_timeout = self.system_timeout;
        parts.connections.extend(self.connectors);
        parts.texter = self.texter.unwrap_or(parts.texter);
        let portal = Portal::open(parts).await.unwrap();
        let site = site(self.folder.path());
        let app = fairhold_server::http::router(
            AppState::new(portal.clone(), Assets::read(&site).unwrap()),
            &self.config,
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            axum::serve(
                listener,
                app.into_make_service_with_connect_info::<SocketAddr>(),
            )
            .await
            .unwrap();
        });
        House {
            portal,
            clock,
            address,
            data: self.config.data.folder.clone(),
            _folder: self.folder,
        }
    }
}

/// Copies the demo's catalog, to be changed.
pub fn copy_catalog(to: &Path) {
    fn copy(from: &Path, to: &Path) {
        std::fs::create_dir_all(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            let to = to.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                copy(&entry.path(), &to);
            } else {
                std::fs::copy(entry.path(), to).unwrap();
            }
        }
    }
    copy(Path::new("../catalog/demo"), to);
}

/// The browser's files, as the build would leave them.
fn site(folder: &Path) -> PathBuf {
    let site = folder.join("site");
    std::fs::create_dir_all(site.join("pkg")).unwrap();
    std::fs::write(site.join("hash.txt"), "js: 0a\nwasm: 0b\ncss: 0c\n").unwrap();
    for (name, text) in [
        ("fairhold.0a.js", "//"),
        ("fairhold.0b.wasm", "\0asm"),
        ("fairhold.0c.css", "a{}"),
    ] {
        std::fs::write(site.join("pkg").join(name), text).unwrap();
    }
    site
}

/// A portal that runs.
pub struct House {
    pub portal: Portal,
    pub clock: Arc<TestClock>,
    pub address: SocketAddr,
    data: PathBuf,
    _folder: tempfile::TempDir,
}

impl House {
    /// The demo's portal.
    pub async fn demo() -> Self {
        Setup::demo().await.start().await
    }

    /// The demo's portal, and a browser that is logged in.
    pub async fn with(email: &str) -> (Self, Browser) {
        let house = Self::demo().await;
        let browser = house.logged_in(email).await;
        (house, browser)
    }

    /// Adds one of the demo's customers.
    pub async fn add(&self, email: &str) {
        self.add_with_password(email, persona(email).password).await;
    }

    /// Adds a customer.
    pub async fn add_with_password(&self, email: &str, password: &str) {
        let since = self.portal.now();
        let customer = DemoCustomer {
            email,
            password,
            since,
            values: Vec::new(),
            looks: Vec::new(),
            allows: Vec::new(),
            member: None,
        };
        self.portal.add_demo_customer(customer).await.unwrap();
    }

    /// Adds a customer, and is them without a browser.
    pub async fn new_customer(&self, email: &str, password: &str) -> Customer {
        let ids = "SELECT customer_id FROM customers";
        let before: Vec<String> = sqlx::query_scalar(ids)
            .fetch_all(&mut self.database().await)
            .await
            .unwrap();
        self.add_with_password(email, password).await;
        let after: Vec<String> = sqlx::query_scalar(ids)
            .fetch_all(&mut self.database().await)
            .await
            .unwrap();
        let id = after.into_iter().find(|id| !before.contains(id)).unwrap();
        let id = CustomerId::parse(&id).unwrap();
        self.portal.customer(id).await.unwrap()
    }

    /// A browser that nobody has used.
    pub fn browser(&self) -> Browser {
        // The gateway's client brings TLS along, so that every client has to be told whose. The first one told is kept.
        drop(rustls::crypto::ring::default_provider().install_default());
        let client = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Browser {
            client,
            base: format!("http://{}", self.address),
            cookie: None,
            device: None,
            staff: None,
        }
    }

    /// A browser in which one of the demo's customers has logged in; they are added where they are missing.
    pub async fn logged_in(&self, email: &str) -> Browser {
        self.add(email).await;
        let mut browser = self.browser();
        let answer = browser.log_in(email, persona(email).password).await;
        assert_eq!(answer.status, 303, "{email} can't log in");
        browser
    }

    /// Does everything that is due.
    pub async fn work(&self) {
        while self.portal.run_due_jobs().await.unwrap() {}
    }

    /// The subjects and texts of the mails to an address, oldest first.
    pub async fn mail_to(&self, address: &str) -> Vec<(String, String)> {
        self.work().await;
        let mut mails: Vec<_> = self.portal.demo_outbox().await.unwrap();
        mails.reverse();
        mails
            .into_iter()
            .filter(|(_, m)| m.to == address)
            .map(|(_, m)| (m.subject, m.text))
            .collect()
    }

    /// The address of the newest link that was mailed to an address.
    pub async fn link_to(&self, address: &str) -> String {
        let mails = self.mail_to(address).await;
        link_in(&mails.last().expect("a mail").1)
    }

    /// Opens the portal's own database.
    pub async fn database(&self) -> SqliteConnection {
        open(&self.data.join("fairhold.db")).await
    }

    /// The folder of the portal's own files.
    pub fn data_folder(&self) -> &Path {
        &self.data
    }

    /// Opens the key store's database.
    pub async fn key_database(&self) -> SqliteConnection {
        open(&self.data.join("keys.db")).await
    }

    /// Everything in the portal's own database, but for the tables that are named.
    pub async fn contents(&self, but_for: &[&str]) -> BTreeMap<String, Vec<Vec<Option<Vec<u8>>>>> {
        let mut db = self.database().await;
        let tables: Vec<String> =
            sqlx::query_scalar("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
                .fetch_all(&mut db)
                .await
                .unwrap();
        let mut contents = BTreeMap::new();
        for table in tables
            .into_iter()
            .filter(|t| !but_for.contains(&t.as_str()))
        {
            let sql = format!("SELECT * FROM \"{table}\" ORDER BY 1, 2");
            let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
                .fetch_all(&mut db)
                .await
                .unwrap();
            let rows = rows
                .iter()
                .map(|row| {
                    (0..row.len())
                        .map(|i| row.try_get_unchecked(i).unwrap())
                        .collect()
                })
                .collect();
            contents.insert(table, rows);
        }
        contents
    }

    /// How many looks are in all chains, and the newest, as it is written down.
    pub async fn looks(&self) -> Vec<serde_json::Value> {
        let bodies: Vec<String> =
            sqlx::query_scalar("SELECT body FROM looks ORDER BY customer_id, seq")
                .fetch_all(&mut self.database().await)
                .await
                .unwrap();
        bodies
            .iter()
            .map(|body| serde_json::from_str(body).unwrap())
            .collect()
    }

    /// Sends bytes as they are, and reads the answer to its end.
    pub async fn raw(&self, bytes: &[u8]) -> String {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        // The server may hang up before it has read everything.
        drop(stream.write_all(bytes).await);
        let mut answer = Vec::new();
        while let Ok(read) = stream.read_buf(&mut answer).await {
            if read == 0 {
                break;
            }
        }
        String::from_utf8_lossy(&answer).into_owned()
    }
}

/// The path of the link in a mail's text.
pub fn link_in(text: &str) -> String {
    let line = text
        .lines()
        .map(str::trim)
        .find(|line| {
            ["/set-password/", "/not-me/", "/staff/join/", "/joining/"]
                .iter()
                .any(|path| line.contains(path))
        })
        .expect("a link");
    format!("/{}", line.splitn(4, '/').nth(3).unwrap())
}

/// A browser: it keeps its cookie and follows no redirect by itself.
#[derive(Clone)]
pub struct Browser {
    client: Client,
    base: String,
    /// `None`: nobody has logged in.
    pub cookie: Option<String>,
    /// The cookie by which the device is known; `None`: nobody ever logged in.
    pub device: Option<String>,
    /// The cookie of the staff; `None`: nobody of them has logged in.
    pub staff: Option<String>,
}

impl Browser {
    /// Opens an address.
    pub async fn get(&mut self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], Vec::new()).await
    }

    /// Sends a form.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.send(
            Method::POST,
            path,
            &[("content-type", "application/x-www-form-urlencoded")],
            form(fields).into(),
        )
        .await
    }

    /// Sends anything.
    pub async fn send(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Answer {
        let mut request = self
            .client
            .request(method, format!("{}{path}", self.base))
            .body(body);
        for (name, value) in [
            (COOKIE_NAME, &self.cookie),
            (DEVICE_COOKIE, &self.device),
            (STAFF_COOKIE, &self.staff),
        ] {
            if let Some(value) = value {
                request = request.header(COOKIE, format!("{name}={value}"));
            }
        }
        // As browsers say it of their own pages, unless the test says otherwise.
        if !headers
            .iter()
            .any(|(name, _)| ["sec-fetch-site", "origin"].contains(name))
        {
            request = request.header("sec-fetch-site", "same-origin");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await.unwrap().to_vec();
        let answer = Answer {
            status,
            headers,
            body: String::from_utf8_lossy(&bytes).into_owned(),
            bytes,
        };
        if let Some(value) = answer.cookie(COOKIE_NAME) {
            self.cookie = Some(value).filter(|v| !v.is_empty());
        }
        if let Some(value) = answer.cookie(STAFF_COOKIE) {
            self.staff = Some(value).filter(|v| !v.is_empty());
        }
        if let Some(value) = answer.cookie(DEVICE_COOKIE) {
            self.device = Some(value);
        }
        answer
    }

    /// The same browser at another server.
    pub fn at(&self, address: SocketAddr) -> Self {
        Self {
            base: format!("http://{address}"),
            ..self.clone()
        }
    }

    /// Another browser, with this cookie in it.
    pub fn with_cookie(&self, cookie: &str) -> Self {
        Self {
            cookie: Some(cookie.to_owned()),
            ..self.clone()
        }
    }

    /// Logs in.
    pub async fn log_in(&mut self, email: &str, password: &str) -> Answer {
        self.post("/log-in", &[("email", email), ("password", password)])
            .await
    }

    /// Whether the server takes this browser for a customer's.
    pub async fn is_logged_in(&mut self) -> bool {
        let answer = self.get("/who-looked").await;
        match answer.status {
            200 => true,
            303 => {
                assert!(
                    answer.location().starts_with("/log-in"),
                    "sent to {}",
                    answer.location()
                );
                false
            }
            other => panic!("neither in nor out: {other}"),
        }
    }
}

/// Fields as a form sends them.
pub fn form(fields: &[(&str, &str)]) -> String {
    let encode = |text: &str| {
        text.bytes().fold(String::new(), |out, byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => out + &char::from(byte).to_string(),
            _ => out + &format!("%{byte:02X}"),
        })
    };
    fields
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect::<Vec<_>>()
        .join("&")
}

/// What the server answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
    /// The body as it came.
    pub bytes: Vec<u8>,
}

impl Answer {
    /// What a person reads.
    pub fn text(&self) -> String {
        crate::html::text(&self.body)
    }

    /// A header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// Where it leads.
    pub fn location(&self) -> &str {
        self.header(LOCATION.as_str())
    }

    /// The `Set-Cookie` header of the session.
    pub fn set_cookie(&self) -> Option<&str> {
        self.setting(COOKIE_NAME)
    }

    /// The `Set-Cookie` header that sets this cookie.
    pub fn setting(&self, name: &str) -> Option<&str> {
        let all = self.headers.get_all(SET_COOKIE).into_iter();
        let mut all = all.map(|value| value.to_str().unwrap());
        all.find(|cookie| cookie.split_once('=').unwrap().0 == name)
    }

    fn cookie(&self, name: &str) -> Option<String> {
        let (_, rest) = self.setting(name)?.split_once('=')?;
        Some(rest.split(';').next().unwrap().to_owned())
    }

    /// Status, headers and body, without what differs between any two answers.
    pub fn essence(&self) -> (u16, BTreeMap<String, String>, String) {
        let nonce = self.nonce().unwrap_or_default();
        let plain = |text: &str| {
            if nonce.is_empty() {
                text.to_owned()
            } else {
                text.replace(&nonce, "nonce")
            }
        };
        let headers = self.headers.iter().filter(|(name, _)| *name != "date");
        let headers = headers
            .map(|(name, value)| (name.to_string(), plain(value.to_str().unwrap())))
            .collect();
        (self.status, headers, plain(&self.body))
    }

    /// The nonce of the page's Content-Security-Policy.
    pub fn nonce(&self) -> Option<String> {
        let (_, rest) = self
            .header("content-security-policy")
            .split_once("'nonce-")?;
        Some(rest.split('\'').next()?.to_owned())
    }
}
