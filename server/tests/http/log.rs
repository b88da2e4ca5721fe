//! The log holds ids and words of ours: no address, password, token, search word or value, however much is logged.

use std::io::Write;
use std::sync::{Arc, Mutex};

use reqwest::Method;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;

use fairhold_server::log::filter;

use crate::html;
use crate::second_fact::{self, Club};
use crate::support::{Setup, system};

/// Keeps what is logged.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Listens until what it answers is dropped.
    pub fn listen(&self, wanted: &str) -> DefaultGuard {
        let listener = tracing_subscriber::fmt()
            .with_env_filter(filter(wanted))
            .with_ansi(false)
            .with_writer(self.clone())
            .finish();
        tracing::subscriber::set_default(listener)
    }

    /// What was logged since it was last asked.
    pub fn take(&self) -> String {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap());
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Says to the test's own second process that it is alone.
const ALONE: &str = "FAIRHOLD_TEST_ALONE";

/// What is typed and sent below.
const TYPED: [&str; 18] = [
    "ada@example.com",
    "eve@example.com",
    "a-quiet-harbour-at-dawn",
    "a-word-of-the-search",
    "a-place-in-the-list",
    "a-path-with",
    "a-token-that-never-was",
    "not-an-address-of-eve",
    "four words that fit",
    "a-password-that-is-wrong",
    "a-cookie-of-garbage",
    "a-browser-that-tells",
    "203.0.113.77",
    "a-body-that-is-odd",
    "a-wrong-answer",
    "D02 AF30",
    "d02af30",
    "a-late-answer",
];

/// What is listened to is settled for a whole process at once, so a test that listens has one of its own.
pub fn run_alone(test: &str) {
    let alone = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(ALONE, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&alone.stdout);
    assert!(
        alone.status.success() && said.contains("1 passed"),
        "{said}\n{}",
        String::from_utf8_lossy(&alone.stderr)
    );
}

/// Whether this is the process of [`run_alone`].
pub fn is_alone() -> bool {
    std::env::var_os(ALONE).is_some()
}

#[test]
fn nothing_personal_is_logged() {
    run_alone("log::in_a_process_of_its_own");
}

#[tokio::test]
async fn in_a_process_of_its_own() {
    if !is_alone() {
        return;
    }
    let log = Log::default();
    // Everything of ours and of what we are built on, down to the last line.
    let _listening = log.listen("trace");

    let setup = Setup::demo().await;
    let nowhere = setup.folder().join("none.db");
    let house = setup.with_system("newsletter", &nowhere).start().await;
    let mut ada = house.logged_in("ada@example.com").await;
    let page = ada.get("/my-data").await;
    let id = html::fields(&page.body, "show").remove(0);
    ada.post("/my-data", &[("show", &id)]).await;
    ada.post("/act/uncover", &[("id", &id)]).await;
    ada.post("/my-data", &[("q", "a-word-of-the-search")]).await;
    ada.get("/my-data/shop/orders?after=a-place-in-the-list")
        .await;
    ada.get("/who-looked").await;
    ada.get("/a-path-with-eve@example.com").await;
    ada.get("/set-password/a-token-that-never-was").await;
    let mut eve = house.browser();
    eve.post("/sign-up", &[("email", "eve@example.com")]).await;
    eve.post("/sign-up", &[("email", "not-an-address-of-eve")])
        .await;
    let link = house.link_to("eve@example.com").await;
    eve.get(&link).await;
    eve.post(&link, &[("password", "four words that fit")])
        .await;
    eve.log_in("eve@example.com", "a-password-that-is-wrong")
        .await;
    eve.log_in("eve@example.com", "four words that fit").await;
    eve.cookie = Some("a-cookie-of-garbage".to_owned());
    eve.get("/my-data").await;
    let odd = [
        ("content-type", "application/json"),
        ("user-agent", "a-browser-that-tells"),
        ("x-forwarded-for", "203.0.113.77"),
    ];
    eve.send(
        Method::POST,
        "/log-in",
        &odd,
        b"a-body-that-is-odd".to_vec(),
    )
    .await;
    sqlx::query("ALTER TABLE looks RENAME TO looks_elsewhere")
        .execute(&mut house.database().await)
        .await
        .unwrap();
    assert_eq!(ada.get("/my-data").await.status, 500);
    answer_second_facts().await;

    let log = log.take();
    for line in [
        "/my-data/{dataset}/{collection}",
        "the store failed",
        "a connected system could not be read",
        "a second fact could not be compared",
    ] {
        assert!(log.contains(line), "the log was not listened to: {line}");
    }
    let mut secrets: Vec<String> = TYPED.map(str::to_owned).into();
    secrets.push(link.rsplit('/').next().unwrap().to_owned());
    secrets.push(ada.cookie.clone().unwrap());
    secrets.push(id);
    let hers: (String, String, String) = sqlx::query_as(
        "SELECT last_name, phone, password_hash FROM customers WHERE email = 'ada@example.com'",
    )
    .fetch_one(&mut system("shop").await)
    .await
    .unwrap();
    secrets.extend([hers.0, hers.1, hers.2]);
    let out = secrets.iter().filter_map(|secret| {
        log.lines()
            .find(|line| line.contains(secret))
            .map(|line| (secret, line))
    });
    assert_eq!(out.collect::<Vec<_>>(), []);
}

/// A wrong one, a right one, and one that can't be compared.
async fn answer_second_facts() {
    let club = Club::open().await;
    let mut member = club.logged_in(second_fact::ADA).await;
    for answer in ["a-wrong-answer", "D02 AF30"] {
        club.answer(&mut member, answer).await;
    }
    club.close();
    club.answer(&mut member, "a-late-answer").await;
}

#[test]
fn no_wish_wakes_what_would_say_too_much() {
    for wish in [
        "tower_http::csrf=trace",
        "info,tower_http::csrf::service=trace",
        "tower_http::csrf",
        "tower_http=trace,tower_http::csrf[span]=debug",
    ] {
        let made = filter(wish).to_string();
        let of_csrf: Vec<&str> = made.split(',').filter(|d| d.contains("csrf")).collect();
        assert_eq!(of_csrf, ["tower_http::csrf=off"], "{wish}");
    }
    assert!(
        filter("info,fairhold_portal=debug")
            .to_string()
            .contains("fairhold_portal=debug")
    );
}
