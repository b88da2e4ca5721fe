//! A portal in this process, without a network: a request goes in, an answer comes out. It is built once.

use std::fs::File;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, Method, Request, Uri};
use fairhold_app::assets::Assets;
use fairhold_app::state::AppState;
use fairhold_portal::demo::DemoCustomer;
use fairhold_portal::world::World;
use fairhold_server::config::Config;
use fairhold_server::http::router;
use fairhold_server::wiring::{Mode, open};
use fairhold_store::SecretKey;
use tokio::runtime::Runtime;
use tower::Service as _;

const ADA: &str = "ada@example.com";
const PASSWORD: &str = "four words that fit";

/// A request.
pub struct Ask {
    method: Method,
    path: String,
    headers: Vec<(&'static str, Vec<u8>)>,
    body: Vec<u8>,
    /// What the body claims to be; nothing where it is empty.
    pub kind: &'static str,
}

/// What came back.
pub struct Answer {
    pub status: u16,
    pub location: String,
    pub cookies: Vec<String>,
    pub body: String,
}

struct House {
    runtime: Runtime,
    router: Router,
    /// The cookie of somebody who is logged in.
    cookie: String,
    /// Where the next request comes from: nobody is held back.
    network: AtomicU32,
    _folder: tempfile::TempDir,
}

static HOUSE: OnceLock<House> = OnceLock::new();

impl Ask {
    /// Opens a page.
    pub fn get(path: &str) -> Self {
        Self {
            method: Method::GET,
            path: path.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
            kind: "",
        }
    }

    /// Sends a form.
    pub fn form(path: &str, body: Vec<u8>) -> Self {
        Self {
            method: Method::POST,
            body,
            kind: "application/x-www-form-urlencoded",
            ..Self::get(path)
        }
    }

    /// The same with a header more.
    pub fn with_header(mut self, name: &'static str, value: &[u8]) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// The same by somebody who is logged in.
    pub fn logged_in(self) -> Self {
        let cookie = house().cookie.clone();
        self.with_header(COOKIE.as_str(), cookie.as_bytes())
    }

    /// `None` where no server would take it for a request.
    fn request(self) -> Option<Request<Body>> {
        let uri: Uri = self.path.parse().ok()?;
        let mut request = Request::builder()
            .method(self.method)
            .uri(uri)
            .body(Body::from(self.body))
            .ok()?;
        let headers = request.headers_mut();
        headers.insert("host", HeaderValue::from_static("localhost"));
        headers.insert("sec-fetch-site", HeaderValue::from_static("same-origin"));
        if !self.kind.is_empty() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.kind));
        }
        for (name, value) in self.headers {
            headers.insert(name, HeaderValue::from_bytes(&value).ok()?);
        }
        Some(request)
    }
}

/// Asks the portal.
pub fn asked(ask: Ask) -> Option<Answer> {
    let request = ask.request()?;
    let house = house();
    Some(house.runtime.block_on(house.answer(request)))
}

/// A secret that is never told: the session's cookie.
pub fn secret() -> &'static str {
    house()
        .cookie
        .split_once('=')
        .map_or("", |(_, value)| value)
}

fn house() -> &'static House {
    HOUSE.get_or_init(House::new)
}

impl House {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let site = folder.path().join("site");
        std::fs::create_dir(&site).unwrap();
        std::fs::write(site.join("hash.txt"), "js: 0a\nwasm: 0b\ncss: 0c\n").unwrap();
        let mut config = Config::default();
        config.data.folder = folder.path().join("data");
        config.data.master_key_file = Some(master_key(folder.path()));
        config.company.catalog = Path::new(env!("CARGO_MANIFEST_DIR")).join("../catalog/demo");
        let router = runtime.block_on(async {
            let portal = open(&config, Mode::Demo).await.unwrap();
            let customer = DemoCustomer {
                email: ADA,
                password: PASSWORD,
                since: portal.now(),
                values: Vec::new(),
                looks: Vec::new(),
                allows: Vec::new(),
                member: None,
            };
            portal.add_demo_customer(customer).await.unwrap();
            router(AppState::new(portal, Assets::read(&site).unwrap()), &config)
        });
        let mut house = Self {
            runtime,
            router,
            cookie: String::new(),
            network: AtomicU32::new(Ipv4Addr::new(10, 0, 0, 0).to_bits()),
            _folder: folder,
        };
        house.cookie = house.log_in();
        house
    }

    fn log_in(&self) -> String {
        let form = b"email=ada%40example.com&password=four+words+that+fit".to_vec();
        let request = Ask::form("/log-in", form).request().unwrap();
        let answer = self.runtime.block_on(self.answer(request));
        let mut cookies = answer.cookies.iter().filter_map(|c| c.split(';').next());
        let cookie = cookies.find(|c| c.starts_with("__Host-fairhold="));
        cookie.expect("ada is logged in").to_owned()
    }

    async fn answer(&self, mut request: Request<Body>) -> Answer {
        let network = self.network.fetch_add(1, Ordering::Relaxed);
        let from = SocketAddr::from((Ipv4Addr::from_bits(network), 1));
        request.extensions_mut().insert(ConnectInfo(from));
        let answer = self.router.clone().call(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: parts.status.as_u16(),
            location: texts(&parts.headers, LOCATION.as_str()).concat(),
            cookies: texts(&parts.headers, SET_COOKIE.as_str()),
            body: String::from_utf8_lossy(&body).into_owned(),
        }
    }
}

fn master_key(folder: &Path) -> PathBuf {
    let path = folder.join("master.key");
    let key = SecretKey::generate(&*World::real().random).to_text();
    let mut file = File::options();
    let mut file = file
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .unwrap();
    file.write_all(key.as_bytes()).unwrap();
    path
}

fn texts(headers: &HeaderMap, name: &str) -> Vec<String> {
    let values = headers.get_all(name).into_iter();
    values
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .collect()
}
