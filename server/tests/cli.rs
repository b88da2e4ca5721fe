//! The `fairhold` program as an operator runs it: what it prints, what it refuses, and how it starts and stops.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use fairhold_portal::demo::DemoCustomer;
use fairhold_portal::erasure::When;
use fairhold_portal::my_data::Wanted;
use fairhold_server::config::Config;
use fairhold_server::wiring::{self, Mode};
use serde_json::Value;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection as _, SqliteConnection};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

/// Nothing here takes so long; without a bound a hanging program would hang the tests.
const LONGEST: Duration = Duration::from_mins(1);

/// A folder to run in, with what a portal needs.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn empty() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// A configuration with which `serve` starts.
    async fn ready() -> Self {
        let place = Self::empty();
        place.write("smtp-url", "smtp://127.0.0.1:1");
        place.protect("smtp-url", 0o600);
        place.write("fairhold.toml", &Self::settings());
        std::fs::create_dir_all(place.path("site/pkg")).unwrap();
        place.write("site/hash.txt", "js: 0a\nwasm: 0b\ncss: 0c\n");
        let made = place.run(&["keys", "new", "--out", "master.key"]).await;
        assert_eq!(made.code, 0, "{made:?}");
        place
    }

    /// Good settings.
    fn settings() -> String {
        format!(
            "[server]\npublic_url = \"http://localhost:3000\"\nport = 0\n\
             [data]\nfolder = \"data\"\nmaster_key_file = \"master.key\"\n\
             [company]\ncatalog = \"{}\"\n\
             [mail]\nsmtp_url_file = \"smtp-url\"\nfrom = \"Maeve <data@example.com>\"\n",
            demo_catalog().display()
        )
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// Replaces a piece of the settings, which must be there.
    fn change(&self, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.path("fairhold.toml")).unwrap();
        assert!(text.contains(from), "{from}");
        self.write("fairhold.toml", &text.replace(from, to));
    }

    fn protect(&self, name: &str, mode: u32) {
        std::fs::set_permissions(self.path(name), std::fs::Permissions::from_mode(mode)).unwrap();
    }

    fn mode(&self, name: &str) -> u32 {
        self.path(name).metadata().unwrap().permissions().mode() & 0o777
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fairhold"));
        for (name, _) in std::env::vars() {
            if name.starts_with("FAIRHOLD_")
                || ["PORT", "DATA_DIR", "RUST_LOG"].contains(&name.as_str())
            {
                command.env_remove(name);
            }
        }
        command
            .args(args)
            .current_dir(self.folder.path())
            .env("FAIRHOLD_SITE", self.path("site"))
            .kill_on_drop(true);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    async fn run(&self, args: &[&str]) -> Ran {
        ran(self.command(args)).await
    }

    async fn start(&self) -> Running {
        running(self.command(&["serve"])).await
    }
}

#[derive(Debug)]
struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

async fn ran(mut command: Command) -> Ran {
    let output = tokio::time::timeout(LONGEST, command.output())
        .await
        .expect("it ends")
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran {
        code: output.status.code().unwrap(),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

/// A portal that serves.
struct Running {
    child: Child,
    port: u16,
}

async fn running(mut command: Command) -> Running {
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let port = loop {
        let line = tokio::time::timeout(LONGEST, lines.next_line())
            .await
            .expect("it starts")
            .unwrap();
        let Some(line) = line else {
            let mut words = String::new();
            child
                .stderr
                .take()
                .unwrap()
                .read_to_string(&mut words)
                .await
                .unwrap();
            panic!("it did not start: {words}");
        };
        let digits: String = line
            .chars()
            .skip_while(|c| !c.is_ascii_digit())
            .filter(char::is_ascii_digit)
            .collect();
        if line.contains("listens on port") || line.contains("is ready") {
            break digits.parse().unwrap();
        }
    };
    // What it still prints is read, or it would get stuck on a full pipe.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    Running { child, port }
}

impl Running {
    async fn get(&self, host: &str, path: &str) -> String {
        let mut stream = TcpStream::connect((host, self.port)).await.unwrap();
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    /// Sends a signal; the answer is the exit code.
    async fn stop(mut self, signal: &str) -> Option<i32> {
        let kill = format!("kill -{signal} {}", self.child.id().unwrap());
        assert!(
            Command::new("sh")
                .args(["-c", &kill])
                .status()
                .await
                .unwrap()
                .success()
        );
        tokio::time::timeout(LONGEST, self.child.wait())
            .await
            .expect("it stops")
            .unwrap()
            .code()
    }
}

fn demo_catalog() -> PathBuf {
    Path::new("../catalog/demo").canonicalize().unwrap()
}

async fn sqlite(path: &Path) -> SqliteConnection {
    SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(path))
        .await
        .unwrap()
}

#[tokio::test]
async fn help_tells_a_newcomer_what_to_do() {
    let help = Place::empty().run(&["--help"]).await;
    assert_eq!(help.code, 0);
    for words in [
        "fairhold demo serve",
        "fairhold keys new",
        "fairhold check",
        "serve ",
        "migrate ",
        "verify ",
        "--config <FILE>",
    ] {
        assert!(
            help.stdout.contains(words),
            "{words:?} is missing:\n{}",
            help.stdout
        );
    }
    for command in [
        "serve",
        "check",
        "migrate",
        "demo",
        "verify",
        "keys",
        "passwords",
    ] {
        let help = Place::empty().run(&[command, "--help"]).await;
        assert_eq!(help.code, 0, "{command}");
        assert!(help.stdout.contains("Usage: fairhold"), "{command}");
    }
    let nothing = Place::empty().run(&[]).await;
    assert_eq!(nothing.code, 2);
    assert!(nothing.stderr.contains("Usage:"));
    let wrong = Place::empty().run(&["sevre"]).await;
    assert_eq!(wrong.code, 2);
    assert!(
        wrong.stderr.contains("serve"),
        "it says what was meant: {}",
        wrong.stderr
    );
}

#[tokio::test]
async fn a_new_key_is_its_owners_alone_and_replaces_none() {
    let place = Place::empty();
    let made = place.run(&["keys", "new", "--out", "a.key"]).await;
    assert_eq!(made.code, 0);
    assert!(made.stdout.contains("Keep a copy in a safe place"));
    assert_eq!(place.mode("a.key"), 0o600);
    let key = std::fs::read_to_string(place.path("a.key")).unwrap();
    assert!(fairhold_store::SecretKey::from_text(&key).is_some());
    assert!(!made.stdout.contains(key.trim()) && !made.stderr.contains(key.trim()));
    let again = place.run(&["keys", "new", "--out", "a.key"]).await;
    assert_eq!(again.code, 1);
    assert!(
        again.stderr.contains("it must not exist yet"),
        "{}",
        again.stderr
    );
    assert_eq!(std::fs::read_to_string(place.path("a.key")).unwrap(), key);
}

/// ASVS 5.0, 13.3.4: a secret can be replaced.
#[tokio::test]
async fn the_master_key_is_changed_while_the_portal_serves() {
    let place = Place::ready().await;
    let running = place.start().await;
    let made = place.run(&["keys", "new", "--out", "new.key"]).await;
    assert_eq!(made.code, 0, "{made:?}");
    place.protect("new.key", 0o644);
    let open = place.run(&["keys", "rotate", "--to", "new.key"]).await;
    assert_eq!(open.code, 1);
    assert!(open.stderr.contains("chmod 600"), "{open:?}");
    place.protect("new.key", 0o600);
    let rotated = place.run(&["keys", "rotate", "--to", "new.key"]).await;
    assert_eq!(rotated.code, 0, "{rotated:?}");
    assert!(rotated.stdout.starts_with("4 keys were wrapped again."));
    assert!(
        running
            .get("127.0.0.1", "/readyz")
            .await
            .starts_with("HTTP/1.1 200")
    );
    let early = place.run(&["keys", "rotate", "--finish"]).await;
    assert_eq!(early.code, 1);
    assert!(early.stderr.contains("nothing was changed"), "{early:?}");
    let checked = place.run(&["keys", "check"]).await;
    assert_eq!(checked.code, 0);
    assert!(
        checked
            .stdout
            .contains("4 keys open with the one that is to follow.")
    );
    assert_eq!(running.stop("TERM").await, Some(0));

    std::fs::rename(place.path("master.key"), place.path("old.key")).unwrap();
    std::fs::rename(place.path("new.key"), place.path("master.key")).unwrap();
    let running = place.start().await;
    let finished = place.run(&["keys", "rotate", "--finish"]).await;
    assert_eq!(finished.code, 0, "{finished:?}");
    let checked = place.run(&["keys", "check", "--json"]).await;
    let checked: serde_json::Value = serde_json::from_str(&checked.stdout).unwrap();
    assert_eq!(
        checked,
        serde_json::json!({"open": 4, "follow": 0, "broken": 0, "rotating": false})
    );
    assert_eq!(running.stop("TERM").await, Some(0));
    std::fs::rename(place.path("old.key"), place.path("master.key")).unwrap();
    let old = place.run(&["serve"]).await;
    assert_eq!(old.code, 1);
    assert!(old.stderr.contains("is not the one"), "{old:?}");
}

#[tokio::test]
async fn a_file_of_stolen_passwords_is_made_from_a_list_and_a_broken_one_is_refused() {
    let place = Place::ready().await;
    place.write("list", "one\ntwo\none\n");
    let made = place.run(&["passwords", "build", "list", "stolen"]).await;
    assert_eq!(made.code, 0, "{}", made.stderr);
    assert!(made.stdout.contains("2 passwords are in stolen"));
    let absent = place
        .run(&["passwords", "build", "nowhere", "stolen"])
        .await;
    assert_eq!(absent.code, 1);
    assert!(absent.stderr.contains("nowhere can't be read"));

    place.change("[mail]", "[passwords]\nbreached_file = \"stolen\"\n[mail]");
    drop(place.start().await);
    let file = place.path("stolen");
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, &whole[..whole.len() - 1]).unwrap();
    let refused = place.run(&["serve"]).await;
    assert_eq!(refused.code, 1);
    assert!(
        refused
            .stderr
            .contains("stolen is no whole file of passwords"),
        "{}",
        refused.stderr
    );
}

#[tokio::test]
async fn the_demos_log_ins_are_listed_for_programs() {
    let listed = Place::empty().run(&["demo", "accounts", "--json"]).await;
    assert_eq!(listed.code, 0);
    let accounts: Vec<BTreeMap<String, String>> = serde_json::from_str(&listed.stdout).unwrap();
    assert!(accounts.len() >= 4);
    for account in accounts {
        // Staff need an app's code too; a customer has none.
        let mut keys = vec!["email", "note", "password", "role"];
        if account["role"] != "customer" {
            keys.insert(0, "code_key");
        }
        assert_eq!(account.keys().collect::<Vec<_>>(), keys);
        assert!(account.values().all(|value| !value.is_empty()));
    }
}

/// The demo company's files and a copy of its catalog, which a test may spoil.
async fn company() -> Place {
    let place = Place::empty();
    fairhold_server::demo::build(place.folder.path())
        .await
        .unwrap();
    std::fs::create_dir_all(place.path("catalog/datasets")).unwrap();
    for name in [
        "company.yml",
        "datasets/shop.yml",
        "datasets/newsletter.yml",
        "datasets/analytics.yml",
        "datasets/portal.yml",
    ] {
        std::fs::copy(demo_catalog().join(name), place.path("catalog").join(name)).unwrap();
    }
    place
}

const CHECK: [&str; 9] = [
    "check",
    "--catalog",
    "catalog",
    "--sqlite",
    "shop=shop.db",
    "--sqlite",
    "newsletter=newsletter.db",
    "--sqlite",
    "analytics=analytics.db",
];

#[tokio::test]
async fn check_is_content_with_the_demo_and_says_what_is_wrong_with_file_and_line() {
    let place = company().await;
    let good = place.run(&CHECK).await;
    assert_eq!(
        (good.code, good.stdout.as_str()),
        (0, "All is well.\n"),
        "{}",
        good.stderr
    );

    // A column and a table that nobody described.
    let mut shop = sqlite(&place.path("shop.db")).await;
    sqlx::raw_sql("ALTER TABLE customers ADD COLUMN shoe_size TEXT; CREATE TABLE lottery (x TEXT)")
        .execute(&mut shop)
        .await
        .unwrap();
    shop.close().await.unwrap();
    let found = place.run(&CHECK).await;
    assert_eq!(found.code, 1);
    for name in ["shoe_size", "lottery"] {
        let line = found
            .stdout
            .lines()
            .find(|line| line.contains(name))
            .unwrap_or_else(|| panic!("{name}: {}", found.stdout));
        assert!(is_at_a_line(line, "shop.yml"), "{line}");
    }
    assert!(
        found.stdout.ends_with("2 things to mend.\n"),
        "{}",
        found.stdout
    );

    let json = ran(place.command(&[&CHECK[..], &["--json"]].concat())).await;
    assert_eq!(json.code, 1);
    let findings: Vec<Value> = serde_json::from_str(&json.stdout).unwrap();
    assert!(
        findings
            .iter()
            .any(|f| f["message"].as_str().unwrap().contains("shoe_size")),
        "{findings:?}"
    );
    assert!(
        findings
            .iter()
            .all(|f| f["place"].is_object() || f["place"].is_string()),
        "{findings:?}"
    );
}

/// A shop of two tables, described to the last column.
const SMALL_SHOP: &str = "dataset:
  - fides_key: shop
    name: The shop
    portal: { connection: shop, origin: provided, purposes: [orders], seen_by: [support], keep: { for: 2 years }, erase: delete }
    collections:
      - name: customer
        description: Your account.
        portal: { rows: own, label: Your account, one_row: account, shown_as: facts }
        fields:
          - { name: id, description: A number., data_categories: [user.unique_id], portal: { label: Number, why: It ties your orders to you. } }
          - { name: email, description: Where we write to., data_categories: [user.contact.email], fides_meta: { identity: email }, portal: { verified: true, label: E-mail, why: We send receipts. } }
      - name: prices
        portal: { rows: nobody }
";

#[tokio::test]
async fn check_looks_at_databases_on_servers() {
    let tables = "CREATE TABLE customer (id int PRIMARY KEY, email varchar(90)); CREATE TABLE prices (x int);";
    let change = "ALTER TABLE customer ADD COLUMN shoe_size int; CREATE TABLE lottery (x int)";
    for (kind, variable) in [
        ("postgres", "FAIRHOLD_TEST_POSTGRES"),
        ("mysql", "FAIRHOLD_TEST_MARIADB"),
    ] {
        let Ok(server) = std::env::var(variable) else {
            println!("skipped: {variable} is not set");
            continue;
        };
        let name = format!("checked_{}", std::process::id());
        run_on(kind, &server, &format!("CREATE DATABASE {name}")).await;
        let mut url = format!("{}/{name}", server.rsplit_once('/').unwrap().0);
        if kind == "mysql" {
            let user = format!(
                "CREATE USER {name} IDENTIFIED BY 'se%cret'; GRANT ALL ON {name}.* TO {name}"
            );
            run_on(kind, &server, &user).await;
            url = url.replace("root@", &format!("{name}:se%25cret@"));
        }
        run_on(kind, &url, tables).await;

        let place = Place::empty();
        std::fs::create_dir_all(place.path("catalog/datasets")).unwrap();
        place.write("catalog/company.yml", SMALL_COMPANY);
        place.write("catalog/datasets/shop.yml", SMALL_SHOP);
        place.write("shop-url", &url);
        let settings = format!(
            "[company]\ncatalog = \"catalog\"\n[connections.shop]\nkind = \"{kind}\"\nurl_file = \"shop-url\"\n"
        );
        place.write("fairhold.toml", &settings);
        place.protect("shop-url", 0o644);
        let open = place.run(&["check"]).await;
        assert!(
            open.code == 1 && open.stderr.contains("chmod 600 shop-url"),
            "{open:?}"
        );
        place.protect("shop-url", 0o600);
        let good = place.run(&["check"]).await;
        assert_eq!(
            (good.code, good.stdout.as_str()),
            (0, "All is well.\n"),
            "{kind}"
        );

        run_on(kind, &url, change).await;
        let found = place.run(&["check"]).await;
        assert_eq!(found.code, 1);
        for name in ["shoe_size", "lottery"] {
            let line = found.stdout.lines().find(|line| line.contains(name));
            assert!(
                line.is_some_and(|line| is_at_a_line(line, "shop.yml")),
                "{}",
                found.stdout
            );
        }
        assert!(
            found.stdout.ends_with("2 things to mend.\n"),
            "{}",
            found.stdout
        );
        let begun = place.run(&["check", "--write-missing"]).await;
        let file = std::fs::read_to_string(place.path("catalog/datasets/shop.yml")).unwrap();
        for name in ["- name: shoe_size", "- name: lottery"] {
            assert!(file.contains(name), "{}\n{file}", begun.stdout);
        }

        // The environment wins over the file, and nothing of an address is said.
        let mut elsewhere = place.command(&["check"]);
        elsewhere.env(
            "FAIRHOLD_CONNECTION_SHOP_URL",
            format!("{kind}://u:hunter2@127.0.0.1:1/d"),
        );
        let down = ran(elsewhere).await;
        assert!(
            down.code == 1 && down.stdout.contains("can't be reached"),
            "{down:?}"
        );
        assert!(!format!("{down:?}").contains("hunter2"), "{down:?}");
        let mut wrong = place.command(&["check"]);
        wrong.env(
            "FAIRHOLD_CONNECTION_SHOP_URL",
            "oracle://u:hunter2@127.0.0.1/d",
        );
        let wrong = ran(wrong).await;
        assert!(
            wrong.code == 1 && wrong.stderr.contains("its address has a wrong form"),
            "{wrong:?}"
        );
        assert!(!wrong.stderr.contains("hunter2"), "{wrong:?}");
    }
}

const SMALL_COMPANY: &str = "name: Penny's Records
contact: Ring us.
privacy_contact: Penny
jurisdictions: [EU]
time_zone: Europe/Dublin
connections: [shop]
purposes:
  - { key: orders, use: essential.service.operations, basis: contract, class: service, words: We send you what you bought. }
recipients:
  - { key: support, name: Our support team, what_for: They answer your questions., country: IE, sells: false }
";

async fn run_on(kind: &str, url: &str, sql: &str) {
    let sql = sqlx::AssertSqlSafe(sql.to_owned());
    if kind == "postgres" {
        let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    } else {
        let mut connection = sqlx::MySqlConnection::connect(url).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    }
}

const WRITE: &[&str] = &["--write-missing"];

#[tokio::test]
async fn write_missing_adds_what_a_person_fills_in_until_all_is_well() {
    let place = company().await;
    let mut shop = sqlite(&place.path("shop.db")).await;
    sqlx::raw_sql(
        "ALTER TABLE customers ADD COLUMN shoe_size TEXT; ALTER TABLE customers ADD COLUMN api_token TEXT; \
         CREATE TABLE lottery (id INTEGER PRIMARY KEY, customer INTEGER REFERENCES customers (id))",
    )
    .execute(&mut shop)
    .await
    .unwrap();
    shop.close().await.unwrap();
    let file = place.path("catalog/datasets/shop.yml");
    let label = "              label: First name\n";
    let before = std::fs::read_to_string(&file).unwrap();
    assert!(before.contains(label));
    let before = before.replacen(label, "", 1);
    std::fs::write(&file, &before).unwrap();
    place.protect("catalog/datasets/shop.yml", 0o640);

    let found = ran(place.command(&[&CHECK[..], WRITE].concat())).await;
    assert_eq!(found.code, 1, "{found:?}");
    let after = std::fs::read_to_string(&file).unwrap();
    let mut lines = after.lines();
    assert!(
        before.lines().all(|line| lines.any(|new| new == line)),
        "each line is still there, in order"
    );
    assert_eq!(place.mode("catalog/datasets/shop.yml"), 0o640);
    let empty = |key: &str| after.lines().filter(|line| line.trim() == key).count();
    let added: usize = [
        "label:",
        "why:",
        "origin:",
        "purposes:",
        "keep:",
        "erase:",
        "rows:",
        "withheld:",
        "direction:",
    ]
    .map(empty)
    .iter()
    .sum();
    assert_eq!(
        found.stdout.lines().next(),
        Some(
            format!("catalog/datasets/shop.yml: {added} empty entries were added. Fill them in.")
                .as_str()
        )
    );
    assert!(
        !found.stdout.contains("Nobody described"),
        "{}",
        found.stdout
    );
    for line in found
        .stdout
        .lines()
        .filter(|line| line.contains("says why") || line.contains("has no label"))
    {
        let at = line.split(':').nth(1).unwrap().parse::<usize>().unwrap();
        let there = after.lines().nth(at - 1).unwrap().trim();
        assert!(
            ["label:", "withheld:"].contains(&there),
            "{line} is at {there:?}"
        );
    }

    let again = ran(place.command(&[&CHECK[..], WRITE, &["--json"]].concat())).await;
    assert_eq!(again.code, 1);
    assert!(
        again.stderr.contains("No empty entries were added."),
        "{}",
        again.stderr
    );
    assert!(
        !serde_json::from_str::<Vec<Value>>(&again.stdout)
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        std::fs::read_to_string(&file).unwrap(),
        after,
        "a second time"
    );

    // A person fills them in.
    let filled: String = after
        .lines()
        .map(|line| match line.trim() {
            "label:" | "why:" => format!("{line} You told us"),
            "origin:" => format!("{line} provided"),
            "purposes:" => format!("{line} [account]"),
            "keep:" => format!("{line} 2 years"),
            "erase:" => format!("{line} null"),
            "rows:" => format!("{line} nobody"),
            "withheld:" => format!("{line} A key for programs."),
            _ => line.to_owned(),
        })
        .map(|line| line + "\n")
        .collect();
    std::fs::write(&file, filled).unwrap();
    let good = place.run(&CHECK).await;
    assert_eq!(good.code, 0, "{good:?}");
    assert!(good.stdout.ends_with("\nAll is well.\n"), "{}", good.stdout);
}

#[tokio::test]
async fn write_missing_changes_nothing_where_it_may_not_write() {
    let place = company().await;
    for name in ["shop", "newsletter"] {
        let file = format!("catalog/datasets/{name}.yml");
        let text = std::fs::read_to_string(place.path(&file)).unwrap();
        let at = text.find("              why:").unwrap();
        let end = at + text[at..].find('\n').unwrap() + 1;
        place.write(&file, &format!("{}{}", &text[..at], &text[end..]));
    }
    place.protect("catalog/datasets/shop.yml", 0o444);
    let before = ["shop", "newsletter"]
        .map(|name| std::fs::read(place.path(&format!("catalog/datasets/{name}.yml"))).unwrap());
    let refused = ran(place.command(&[&CHECK[..], WRITE].concat())).await;
    assert_eq!(refused.code, 1);
    assert!(
        refused
            .stderr
            .contains("nothing was written: catalog/datasets/shop.yml can't be written"),
        "{refused:?}"
    );
    let after = ["shop", "newsletter"]
        .map(|name| std::fs::read(place.path(&format!("catalog/datasets/{name}.yml"))).unwrap());
    assert_eq!(before, after);
}

/// Whether the line begins as `path/to/file.yml:12: `.
fn is_at_a_line(line: &str, file: &str) -> bool {
    let number = line
        .split_once(&format!("{file}:"))
        .map(|(_, rest)| rest.split(':').next().unwrap());
    number.is_some_and(|n| n.parse::<u32>().is_ok_and(|n| n > 0))
}

#[tokio::test]
async fn check_names_the_line_of_a_broken_file() {
    let place = company().await;
    let shop = place.path("catalog/datasets/shop.yml");
    let whole = std::fs::read_to_string(&shop).unwrap();
    let label = "              label: First name\n";
    let at = whole.split(label).next().unwrap().lines().count();
    let broken = [
        whole.replace(label, ""),
        whole.replace("rows: own", "rows: mine"),
        format!("{whole}\n  - : [\n"),
        "\u{0}\u{1}".to_owned(),
        "5".to_owned(),
    ];
    for (i, text) in broken.into_iter().enumerate() {
        std::fs::write(&shop, text).unwrap();
        let found = place.run(&CHECK).await;
        assert_eq!(found.code, 1, "{i}: {}", found.stdout);
        let lines: Vec<&str> = found
            .stdout
            .lines()
            .filter(|line| is_at_a_line(line, "shop.yml"))
            .collect();
        assert!(!lines.is_empty(), "{i}: {}", found.stdout);
        if i == 0 {
            let near = lines.iter().any(|line| {
                (at.saturating_sub(6)..=at).any(|n| line.contains(&format!("shop.yml:{n}:")))
            });
            assert!(
                near && lines.iter().any(|line| line.contains("label")),
                "{lines:?}"
            );
        }
        let json = ran(place.command(&[&CHECK[..], &["--json"]].concat())).await;
        assert!(
            !serde_json::from_str::<Vec<Value>>(&json.stdout)
                .unwrap()
                .is_empty(),
            "{i}"
        );
    }
    std::fs::write(&shop, b"dataset:\n  - name: \xff\xfe\n").unwrap();
    assert_eq!(place.run(&CHECK).await.code, 1);
    let none = place.run(&["check", "--catalog", "nowhere"]).await;
    assert_eq!(none.code, 1);
    assert!(none.stderr.contains("company.yml"), "{}", none.stderr);
    let no_file = place
        .run(&["check", "--catalog", "catalog", "--sqlite", "shop=gone.db"])
        .await;
    assert_eq!(no_file.code, 1);
    assert!(!place.path("gone.db").exists(), "looking made a file");
    assert_eq!(place.run(&["check", "--sqlite", "shop"]).await.code, 2);
}

/// A data folder with two customers who looked at their data.
async fn looked(place: &Place) {
    let mut config = Config::default();
    config.data.folder = place.path("data");
    config.data.master_key_file = Some(place.path("master.key"));
    config.company.catalog = demo_catalog();
    let portal = wiring::open(&config, Mode::Demo).await.unwrap();
    for email in ["ada@example.com", "ben@example.com"] {
        let customer = DemoCustomer {
            email,
            password: "four words that fit",
            since: portal.now(),
            values: Vec::new(),
            looks: Vec::new(),
            allows: Vec::new(),
            member: None,
        };
        portal.add_demo_customer(customer).await.unwrap();
    }
    let mut db = sqlite(&place.path("data/fairhold.db")).await;
    let ids: Vec<String> = sqlx::query_scalar("SELECT customer_id FROM customers")
        .fetch_all(&mut db)
        .await
        .unwrap();
    for id in ids {
        let customer = portal
            .customer(fairhold_domain::ids::CustomerId::parse(&id).unwrap())
            .await
            .unwrap();
        for _ in 0..3 {
            portal.my_data(&customer, &Wanted::default()).await.unwrap();
        }
    }
    portal.close().await;
}

#[tokio::test]
async fn verify_finds_what_was_changed_in_the_records_of_looks() {
    let place = Place::ready().await;
    looked(&place).await;
    let whole = place.run(&["verify"]).await;
    let said: Vec<&str> = whole.stdout.lines().collect();
    assert_eq!(
        (whole.code, said.as_slice()),
        (
            0,
            &[
                "Walked 2 chains with 6 looks. All are whole.",
                "Added up 0 journals of points with 0 entries. Every balance is the sum of its entries.",
            ][..]
        ),
        "{}",
        whole.stderr
    );

    let mut db = sqlite(&place.path("data/fairhold.db")).await;
    for (tampering, words) in [
        (
            "UPDATE looks SET body = replace(body, 'customer', 'portal') WHERE seq = 2 AND customer_id = (SELECT min(customer_id) FROM looks)",
            "look 2 was changed",
        ),
        (
            "DELETE FROM looks WHERE seq = 2 AND customer_id = (SELECT max(customer_id) FROM looks)",
            "look 2 is missing",
        ),
    ] {
        assert_eq!(
            sqlx::query(tampering)
                .execute(&mut db)
                .await
                .unwrap()
                .rows_affected(),
            1
        );
        let found = place.run(&["verify"]).await;
        assert_eq!(found.code, 1);
        assert!(found.stdout.contains(words), "{}", found.stdout);
    }
    let json = place.run(&["verify", "--json"]).await;
    assert_eq!(json.code, 1);
    let walk: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(walk["breaks"].as_array().unwrap().len(), 2, "{walk}");
}

#[tokio::test]
async fn serve_refuses_what_is_not_safe_and_says_what_to_do() {
    refuses(&[
        (
            "no master key",
            |p| std::fs::remove_file(p.path("master.key")).unwrap(),
            "fairhold keys new --out master.key",
        ),
        (
            "a key that others can read",
            |p| p.protect("master.key", 0o644),
            "Run `chmod 600 master.key`",
        ),
        (
            "a key that is none",
            |p| p.write("master.key", "secret\n"),
            "it must be 32 bytes in base64",
        ),
        (
            "plain HTTP",
            |p| p.change("http://localhost:3000", "http://data.example.com"),
            "set an address that starts with https://",
        ),
        (
            "no address",
            |p| p.change("public_url", "#"),
            "server.public_url is missing. Set it",
        ),
        (
            "a strange address",
            |p| p.change("http://localhost:3000", "data.example.com"),
            "must start with https://",
        ),
        (
            "no mail",
            |p| p.change("smtp_url_file", "#"),
            "Set mail.smtp_url_file",
        ),
        (
            "mail from nobody",
            |p| p.change("from =", "#"),
            "mail.from is missing",
        ),
        (
            "staff whom no mail reaches",
            |p| p.change("from =", "staff = \"the office\"\nfrom ="),
            "mail.staff is no address: \"the office\". Write one like privacy@example.com.",
        ),
        (
            "a mail address that others can read",
            |p| p.protect("smtp-url", 0o644),
            "Run `chmod 600 smtp-url`",
        ),
        (
            "a setting with a typing mistake",
            |p| p.change("port = 0", "prot = 0"),
            "prot",
        ),
        (
            "a catalog that is not there",
            |p| p.change("catalog/demo", "catalog/nothing"),
            "Name a catalog folder",
        ),
    ])
    .await;
}

#[tokio::test]
async fn serve_refuses_settings_with_which_nothing_would_work_or_be_bounded() {
    refuses(&[
        (
            "nowhere to listen",
            |p| p.change("port = 0", "port = 0\nlisten = []"),
            "server.listen is empty",
        ),
        (
            "no requests",
            |p| p.change("port = 0", "port = 0\nmost_requests = 0"),
            "server.most_requests is 0. Set it to a number from 1 to 100000.",
        ),
        (
            "a proxy that is no address",
            |p| p.change("port = 0", "port = 0\nproxies = [\"10.0.0.0/33\"]"),
            "\"10.0.0.0/33\" is no address or network. Write one like 10.0.0.7 or 10.0.0.0/8.",
        ),
        (
            "a proxy that may be anybody",
            |p| p.change("port = 0", "port = 0\nproxies = [\"0.0.0.0/0\"]"),
            "\"0.0.0.0/0\" is everybody. Name only the proxies that are yours.",
        ),
        (
            "no end of requests",
            |p| p.change("port = 0", "port = 0\nmost_requests = 100001"),
            "from 1 to 100000",
        ),
        (
            "no connections",
            |p| p.change("[company]", "postgres_connections = 0\n[company]"),
            "data.postgres_connections is 0",
        ),
        (
            "systems that never have time",
            |p| p.change("[company]", "[systems]\ntimeout_seconds = 0\n[company]"),
            "from 1 to 25",
        ),
        (
            "systems that take longer than a request may",
            |p| p.change("[company]", "[systems]\ntimeout_seconds = 26\n[company]"),
            "from 1 to 25",
        ),
        (
            "sessions that end before they begin",
            |p| p.change("[company]", "[sessions]\nidle_minutes = -5\n[company]"),
            "sessions.idle_minutes is -5",
        ),
        (
            "sessions without end",
            |p| p.change("[company]", "[sessions]\nabsolute_hours = 745\n[company]"),
            "from 1 to 744",
        ),
        (
            "an address with a path",
            |p| p.change("localhost:3000", "localhost:3000/portal"),
            "a scheme and a host and no more",
        ),
        (
            "an address with a fragment",
            |p| p.change("http://localhost:3000", "https://data.example.com#top"),
            "a scheme and a host and no more",
        ),
        (
            "an address that only looks like this machine's",
            |p| p.change("localhost:3000", "localhost:3000@data.example.com"),
            "a scheme and a host and no more",
        ),
        (
            "a system that nobody knows where to find",
            |p| p.change("[mail]", "[connections.shop]\nkind = \"postgres\"\n[mail]"),
            "FAIRHOLD_CONNECTION_SHOP_URL",
        ),
        (
            "a system whose address says how the line is protected",
            |p| {
                p.write("shop-url", "postgres://u@h/d?sslmode=disable");
                p.protect("shop-url", 0o600);
                p.change(
                    "[mail]",
                    "[connections.shop]\nkind = \"postgres\"\nurl_file = \"shop-url\"\n[mail]",
                );
            },
            "set `tls` beside it",
        ),
        (
            "mail that anybody on the way can read",
            |p| p.write("smtp-url", "smtp://mail.example.com?tls=opportunistic"),
            "Write it with smtps://",
        ),
    ])
    .await;
}

/// What is wrong, how to make a good place so, and words of the answer.
type Refused = (&'static str, fn(&Place), &'static str);

async fn refuses(cases: &[Refused]) {
    for (what, spoil, words) in cases {
        let place = Place::ready().await;
        spoil(&place);
        let refused = place.run(&["serve"]).await;
        assert_eq!(refused.code, 1, "{what}: {refused:?}");
        assert!(refused.stderr.contains(words), "{what}: {}", refused.stderr);
        assert!(
            !refused.stderr.contains("panicked") && !refused.stderr.contains("Error {"),
            "{what}: {}",
            refused.stderr
        );
        assert!(refused.stdout.is_empty(), "{what}");
    }
}

#[tokio::test]
async fn serve_refuses_a_broken_catalog_with_file_and_line() {
    let place = Place::ready().await;
    std::fs::create_dir_all(place.path("catalog/datasets")).unwrap();
    place.write("catalog/company.yml", "name: A shop\n");
    place.write(
        "catalog/datasets/a.yml",
        "dataset:\n  - fides_key: a\n    collections: 5\n",
    );
    place.change(&demo_catalog().display().to_string(), "catalog");
    let refused = place.run(&["serve"]).await;
    assert_eq!(refused.code, 1);
    assert!(
        refused.stderr.contains("the catalog has mistakes")
            && refused.stderr.lines().any(|l| is_at_a_line(l, "a.yml")),
        "{}",
        refused.stderr
    );
}

#[tokio::test]
async fn serve_refuses_one_database_for_data_and_keys() {
    let place = Place::ready().await;
    let url = "postgres://user:a-password@127.0.0.1:1/fairhold";
    for (keys, words) in [(url, "are the same database"), ("", "")] {
        let mut command = place.command(&["serve"]);
        command.env("FAIRHOLD_POSTGRES_URL", url);
        if !keys.is_empty() {
            command.env("FAIRHOLD_KEYS_POSTGRES_URL", keys);
        }
        let refused = ran(command).await;
        assert_eq!(refused.code, 1);
        assert!(
            refused.stderr.contains(if words.is_empty() {
                "must both be in PostgreSQL, or neither"
            } else {
                words
            }),
            "{}",
            refused.stderr
        );
        assert!(!refused.stderr.contains("a-password"));
    }
}

#[tokio::test]
async fn serve_refuses_a_master_key_that_is_not_the_stores() {
    let place = Place::ready().await;
    assert_eq!(place.run(&["migrate"]).await.code, 0);
    std::fs::remove_file(place.path("master.key")).unwrap();
    place.run(&["keys", "new", "--out", "master.key"]).await;
    let refused = place.run(&["serve"]).await;
    assert_eq!(refused.code, 1);
    assert!(
        refused
            .stderr
            .contains("this master key is not the one that the key store was made with"),
        "{}",
        refused.stderr
    );
}

#[tokio::test]
async fn it_starts_serves_stops_cleanly_and_starts_again() {
    let place = Place::ready().await;
    for signal in ["TERM", "INT"] {
        let running = place.start().await;
        for path in ["/healthz", "/readyz", "/"] {
            assert!(
                running
                    .get("127.0.0.1", path)
                    .await
                    .starts_with("HTTP/1.1 200"),
                "{path}"
            );
        }
        assert!(
            running
                .get("127.0.0.1", "/demo/outbox")
                .await
                .starts_with("HTTP/1.1 404"),
            "this is no demo"
        );
        assert_eq!(place.mode("data"), 0o700);
        for file in std::fs::read_dir(place.path("data")).unwrap() {
            let name = format!("data/{}", file.unwrap().file_name().to_str().unwrap());
            assert_eq!(place.mode(&name), 0o600, "{name}");
        }
        assert_eq!(running.stop(signal).await, Some(0), "{signal}");
        let left: Vec<_> = std::fs::read_dir(place.path("data"))
            .unwrap()
            .map(|f| f.unwrap().file_name().into_string().unwrap())
            .collect();
        assert!(
            left.iter().all(|name| !name.ends_with("-wal")),
            "closed cleanly: {left:?}"
        );
    }
    let verified = place.run(&["verify"]).await;
    assert_eq!(verified.code, 0, "{verified:?}");
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let place = Place::ready().await;
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let mut command = place.command(&["serve"]);
    command.env("PORT", &port);
    let refused = ran(command).await;
    assert_eq!(refused.code, 1);
    assert!(
        refused.stderr.contains(&format!(
            "port {port} on 127.0.0.1 is not free. Set PORT to another one"
        )),
        "{}",
        refused.stderr
    );
}

#[tokio::test]
async fn the_demo_runs_from_nothing_and_keeps_to_this_machine() {
    let place = Place::empty();
    std::fs::create_dir_all(place.path("site/pkg")).unwrap();
    place.write("site/hash.txt", "js: 0a\nwasm: 0b\ncss: 0c\n");
    for signal in ["INT", "TERM"] {
        let mut command = place.command(&["demo", "serve"]);
        command
            .env("PORT", "0")
            .env("DATA_DIR", "elsewhere")
            .env("FAIRHOLD_COMPANY__CATALOG", demo_catalog());
        let running = running(command).await;
        assert!(
            running
                .get("127.0.0.1", "/")
                .await
                .contains("Finch &amp; Rowan")
        );
        assert!(
            running
                .get("127.0.0.1", "/demo/outbox")
                .await
                .starts_with("HTTP/1.1 200")
        );
        assert_eq!(
            (place.mode("elsewhere"), place.mode("elsewhere/master.key")),
            (0o700, 0o600)
        );
        assert_eq!(running.stop(signal).await, Some(0));
    }
    let mut command = place.command(&["demo", "serve"]);
    command
        .env("FAIRHOLD_SERVER__LISTEN", "[\"0.0.0.0\"]")
        .env("FAIRHOLD_COMPANY__CATALOG", demo_catalog());
    let refused = ran(command).await;
    assert_eq!(refused.code, 1);
    assert!(
        refused
            .stderr
            .contains("the demo runs on this machine only"),
        "{}",
        refused.stderr
    );
}

/// A place in which the demo has started once.
async fn demo_place() -> Place {
    let place = Place::ready().await;
    place.change("public_url", "#public_url");
    let running = running(place.command(&["demo", "serve"])).await;
    running.get("127.0.0.1", "/healthz").await;
    assert_eq!(running.stop("INT").await, Some(0));
    place
}

#[tokio::test]
async fn the_demo_and_a_real_portal_never_share_their_data() {
    let place = demo_place().await;
    place.change("#public_url", "public_url");
    let refused = place.run(&["serve"]).await;
    assert_eq!(refused.code, 1);
    assert!(
        refused.stderr.contains("this data is the demo's"),
        "{}",
        refused.stderr
    );

    let place = Place::ready().await;
    let running = place.start().await;
    running.get("127.0.0.1", "/healthz").await;
    assert_eq!(running.stop("INT").await, Some(0));
    let refused = place.run(&["demo", "serve"]).await;
    assert_eq!(refused.code, 1);
    assert!(
        refused.stderr.contains("this data is real customers'"),
        "{}",
        refused.stderr
    );
}

#[tokio::test]
async fn the_demo_opens_nothing_of_a_company() {
    let url = "postgres://user:a-password@127.0.0.1:1/fairhold";
    for (name, value, words) in [
        (
            "FAIRHOLD_POSTGRES_URL",
            url,
            "Take away every setting for PostgreSQL",
        ),
        (
            "FAIRHOLD_DATA__KEYS_POSTGRES_URL_FILE",
            "keys-url",
            "Take away every setting for PostgreSQL",
        ),
        (
            "FAIRHOLD_CONNECTIONS__SHOP",
            "{kind=\"sqlite\", path=\"real.db\"}",
            "Take the connection \"shop\" out",
        ),
        (
            "FAIRHOLD_SERVER__PUBLIC_URL",
            "https://data.example.com",
            "the demo runs on this machine only",
        ),
    ] {
        let place = Place::empty();
        let mut command = place.command(&["demo", "serve"]);
        command
            .env(name, value)
            .env("FAIRHOLD_COMPANY__CATALOG", demo_catalog());
        let refused = ran(command).await;
        assert_eq!(refused.code, 1, "{name}");
        assert!(refused.stderr.contains(words), "{name}: {}", refused.stderr);
        assert!(!refused.stderr.contains("a-password"));
        assert!(!place.path("data/keys.db").exists(), "{name}");
    }
}

#[tokio::test]
async fn verify_tells_a_genuine_certificate_from_others() {
    let place = Place::ready().await;
    let catalog = place.path("small");
    std::fs::create_dir(&catalog).unwrap();
    std::fs::write(catalog.join("company.yml"), "name: Penny\n").unwrap();
    let mut config = Config::default();
    config.data.folder = place.path("data");
    config.data.master_key_file = Some(place.path("master.key"));
    config.company.catalog = catalog;
    let portal = wiring::open(&config, Mode::Demo).await.unwrap();
    let customer = DemoCustomer {
        email: "ada@example.com",
        password: "four words that fit",
        since: portal.now(),
        values: Vec::new(),
        looks: Vec::new(),
        allows: Vec::new(),
        member: None,
    };
    portal.add_demo_customer(customer).await.unwrap();
    let mut db = sqlite(&place.path("data/fairhold.db")).await;
    let id: String = sqlx::query_scalar("SELECT customer_id FROM customers")
        .fetch_one(&mut db)
        .await
        .unwrap();
    let id = fairhold_domain::ids::CustomerId::parse(&id).unwrap();
    let customer = portal.customer(id).await.unwrap();
    portal.ask_to_be_erased(customer, When::Now).await.unwrap();
    portal.run_due_jobs().await.unwrap();
    let document: String = sqlx::query_scalar("SELECT document FROM certificates")
        .fetch_one(&mut db)
        .await
        .unwrap();
    portal.close().await;

    let file = place.path("certificate.txt");
    let said = |ran: &Ran| ran.stdout.lines().next().unwrap_or_default().to_owned();
    let verify = ["verify", "--certificate", file.to_str().unwrap()];
    std::fs::write(&file, &document).unwrap();
    let genuine = place.run(&verify).await;
    assert_eq!(genuine.code, 0, "{genuine:?}");
    assert!(said(&genuine).starts_with("This certificate is genuine"));
    std::fs::write(&file, document.replacen("Penny", "Nobody", 1)).unwrap();
    let changed = place.run(&verify).await;
    assert_eq!(changed.code, 1);
    assert_eq!(
        said(&changed),
        "This certificate was changed after it was signed."
    );
    for other in ["", "Certificate of erasure\n", "\u{0}"] {
        std::fs::write(&file, other).unwrap();
        let none = place.run(&verify).await;
        assert_eq!(none.code, 1);
        assert!(
            said(&none).starts_with("This is no certificate"),
            "{none:?}"
        );
    }
    std::fs::remove_file(&file).unwrap();
    assert_eq!(place.run(&verify).await.code, 1);
    let json = [&verify[..], &["--json"]].concat();
    std::fs::write(&file, &document).unwrap();
    let json = place.run(&json).await;
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["genuine"], true);
}

#[tokio::test]
async fn verify_and_migrate_need_the_databases_alone() {
    let place = demo_place().await;
    // An address for customers elsewhere, no catalog and no mail: none of it is theirs to judge.
    place.change("port = 0", "port = 0\nlisten = [\"0.0.0.0\"]");
    place.change("catalog/demo", "catalog/nothing");
    place.change("smtp_url_file", "#smtp_url_file");
    let path = place.path("data/fairhold.db");
    let queued = "SELECT group_concat(job_id || run_at || attempts) FROM jobs";
    let mut db = sqlite(&path).await;
    sqlx::query("DELETE FROM jobs")
        .execute(&mut db)
        .await
        .unwrap();
    for command in ["migrate", "verify"] {
        let ran = place.run(&[command]).await;
        assert_eq!(ran.code, 0, "{command}: {ran:?}");
        let jobs: Option<String> = sqlx::query_scalar(queued).fetch_one(&mut db).await.unwrap();
        assert_eq!(jobs, None, "{command} queued a job");
    }
}

#[tokio::test]
async fn a_data_folder_that_others_can_read_is_closed() {
    let place = Place::ready().await;
    std::fs::create_dir(place.path("data")).unwrap();
    place.protect("data", 0o755);
    let running = place.start().await;
    running.get("127.0.0.1", "/healthz").await;
    assert_eq!(place.mode("data"), 0o700);
    assert_eq!(running.stop("INT").await, Some(0));
}

#[tokio::test]
async fn verify_makes_no_database() {
    let place = Place::ready().await;
    let refused = place.run(&["verify"]).await;
    assert_eq!(refused.code, 1);
    assert!(
        refused
            .stderr
            .contains("there is no database data/fairhold.db"),
        "{}",
        refused.stderr
    );
    assert!(!place.path("data").exists());
}

#[tokio::test]
async fn a_named_configuration_must_be_there() {
    let refused = Place::empty()
        .run(&["--config", "none.toml", "serve"])
        .await;
    assert_eq!(refused.code, 1);
    assert!(
        refused
            .stderr
            .contains("there is no configuration file none.toml"),
        "{}",
        refused.stderr
    );
}

#[tokio::test]
async fn a_wrong_setting_is_named_with_its_file() {
    for (text, words) in [
        ("[server]\nprot = 1\n", "there is no setting server.prot"),
        ("[server]\nport = \"secret\"\n", "server.port has to be "),
        ("[server\n", "fairhold.toml is not right"),
    ] {
        let place = Place::empty();
        place.write("fairhold.toml", text);
        let refused = place.run(&["serve"]).await;
        assert_eq!(refused.code, 1, "{text}");
        let said = &refused.stderr;
        assert!(
            said.contains(words) && said.contains("fairhold.toml"),
            "{said}"
        );
        assert!(
            !said.contains("secret") && said.contains("Mend it"),
            "{said}"
        );
    }
}

#[tokio::test]
async fn the_help_begins_with_a_friendly_sentence() {
    for args in [&[][..], &["-h"]] {
        let ran = Place::empty().run(args).await;
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(
            said.starts_with("Fairhold is a portal where people see"),
            "{said}"
        );
    }
}

/// The settings of the documented file: as it stands, and with every setting in it switched on.
fn documented() -> (String, String) {
    let path = Path::new("../docs/fairhold.toml");
    let text = std::fs::read_to_string(path).unwrap();
    let is_setting = |line: &&str| {
        line.strip_prefix('#')
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase() || c == '['))
    };
    let on = text
        .lines()
        .map(|line| if is_setting(&line) { &line[1..] } else { line })
        .collect::<Vec<_>>()
        .join("\n");
    (text, on)
}

fn read(text: &str) -> Config {
    let place = Place::empty();
    place.write("fairhold.toml", text);
    Config::read(Some(&place.path("fairhold.toml"))).unwrap()
}

#[test]
fn every_setting_is_documented_with_its_default() {
    use figment::providers::{Format as _, Toml};
    let (text, on) = documented();
    let defaults = serde_json::to_value(Config::default()).unwrap();
    assert_eq!(
        serde_json::to_value(read(&text)).unwrap(),
        defaults,
        "as it stands, the file changes nothing"
    );
    let said = serde_json::to_value(
        figment::Figment::from(Toml::string(&on))
            .extract::<Value>()
            .unwrap(),
    )
    .unwrap();
    read(&on);
    for (section, settings) in defaults.as_object().unwrap() {
        assert!(said[section].is_object(), "[{section}] is missing");
        for (name, default) in settings.as_object().unwrap() {
            let value = &said[section][name];
            assert!(!value.is_null(), "{section}.{name} is missing");
            assert!(
                default.is_null() || default == value,
                "{section}.{name} is {default}, not {value}"
            );
        }
    }
    assert!(read(&on).webhooks["club"].secret_file.is_some());
    let shop = &read(&on).connections["shop"];
    assert_eq!(shop.most(), 4, "the default of a connection");
}
