//! Systems that change while the portal runs: what nobody described yet is told once, even when no customer looks.

use std::path::PathBuf;

use crate::log::{self, Log};
use crate::mail::MailServer;
use crate::support::{House, Setup, link_in, open};

const TEN_MINUTES: i64 = 600;
const STAFF: &str = "staff@example.com";

const COMPANY: &str = "name: The club\ntime_zone: UTC\nconnections: [bar, club]\n";

const DATASETS: &str = "dataset:
  - fides_key: bar
    name: Our bar
    portal: { connection: bar }
    collections:
      - name: guests
        portal: { rows: own, shown_as: facts }
        fields:
          - { name: email, data_categories: [user.contact.email], fides_meta: { identity: email }, portal: { label: E-mail address, verified: true } }
  - fides_key: club
    name: Our club
    portal: { connection: club }
    collections:
      - name: members
        portal: { rows: own, shown_as: facts }
        fields:
          - { name: email, data_categories: [user.contact.email], fides_meta: { identity: email }, portal: { label: E-mail address, verified: true } }
          - { name: nickname, data_categories: [user.name], portal: { label: Nickname } }
";

const CLUB: &str = "CREATE TABLE members (email TEXT, nickname TEXT);
    INSERT INTO members VALUES ('ada@example.com', 'Countess');";

/// A club whose members are described, and a bar that can't be reached.
struct Club {
    house: House,
    file: PathBuf,
    bar: PathBuf,
    post: MailServer,
}

impl Club {
    async fn open() -> Self {
        let post = MailServer::default();
        let mut setup = Setup::production("http://localhost:3000", &post.start().await);
        setup.config.mail.staff = Some(STAFF.to_owned());
        Self::with(setup, post).await
    }

    async fn with(setup: Setup, post: MailServer) -> Self {
        let catalog = setup.folder().join("catalog");
        std::fs::create_dir_all(catalog.join("datasets")).unwrap();
        std::fs::write(catalog.join("company.yml"), COMPANY).unwrap();
        std::fs::write(catalog.join("datasets/club.yml"), DATASETS).unwrap();
        let (file, bar) = (
            setup.folder().join("club.db"),
            setup.folder().join("bar.db"),
        );
        std::fs::File::create(&file).unwrap();
        sqlx::raw_sql(CLUB)
            .execute(&mut open(&file).await)
            .await
            .unwrap();
        let setup = setup
            .with_catalog(&catalog)
            .with_system("bar", &bar)
            .with_system("club", &file);
        let house = setup.start().await;
        house.work().await;
        let club = Self {
            house,
            file,
            bar,
            post,
        };
        assert_eq!(club.mails(), [""; 0], "all that can be seen is described");
        club
    }

    /// Changes what the club holds.
    async fn change(&self, sql: &'static str) {
        sqlx::raw_sql(sql)
            .execute(&mut open(&self.file).await)
            .await
            .unwrap();
    }

    /// Lets ten minutes pass, and does what is due.
    async fn look_again(&self) {
        self.house.clock.pass(TEN_MINUTES);
        self.house.work().await;
    }

    /// How many findings like this one are remembered as told.
    async fn remembers(&self, like: &str) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM told_findings WHERE message LIKE $1")
            .bind(like)
            .fetch_one(&mut self.house.database().await)
            .await
            .unwrap()
    }

    /// All mails so far.
    fn mails(&self) -> Vec<String> {
        self.post.letters().into_iter().map(|l| l.text).collect()
    }
}

#[tokio::test]
async fn staff_are_mailed_once_what_is_new_and_again_when_it_comes_back() {
    let club = Club::open().await;
    club.change("ALTER TABLE members ADD COLUMN mood TEXT; UPDATE members SET mood = 'merry'; CREATE TABLE bets (stake TEXT);")
        .await;
    club.house.clock.pass(TEN_MINUTES - 60);
    club.house.work().await;
    assert_eq!(club.mails(), [""; 0], "not before the ten minutes are over");
    club.look_again().await;
    let letters = club.post.letters();
    let [letter] = letters.as_slice() else {
        panic!("{} letters", letters.len())
    };
    assert!(letter.to.contains(STAFF), "{}", letter.to);
    for words in [
        "Subject: New data that nobody described yet",
        "datasets/club.yml: Nobody described the column `mood` of `members`.",
        "datasets/club.yml: Nobody described the table `bets` in `club`.",
        "Run \"fairhold check --write-missing\".",
    ] {
        assert!(letter.text.contains(words), "{words}: {}", letter.text);
    }
    assert!(
        !letter.text.contains("merry") && !letter.text.contains("ada@"),
        "names of columns, and no values: {}",
        letter.text
    );

    club.look_again().await;
    club.look_again().await;
    assert_eq!(club.mails().len(), 1, "told already");

    club.change("ALTER TABLE members DROP COLUMN mood;").await;
    club.look_again().await;
    assert_eq!(club.mails().len(), 1, "nothing to tell");
    club.change("ALTER TABLE members ADD COLUMN mood TEXT;")
        .await;
    club.look_again().await;
    let mails = club.mails();
    assert_eq!(mails.len(), 2);
    assert!(mails[1].contains("`mood`") && !mails[1].contains("`bets`"));
}

#[tokio::test]
async fn staff_are_mailed_what_is_described_and_gone() {
    let club = Club::open().await;
    club.change("ALTER TABLE members DROP COLUMN nickname;")
        .await;
    club.look_again().await;
    let mails = club.mails();
    assert_eq!(mails.len(), 1);
    assert!(
        mails[0].contains("Subject: Data that is described and gone"),
        "{}",
        mails[0]
    );
    assert!(
        mails[0].contains("`members` has no column `nickname`."),
        "{}",
        mails[0]
    );
}

#[tokio::test]
async fn what_two_nodes_see_is_mailed_by_one() {
    let club = Club::open().await;
    club.change("ALTER TABLE members ADD COLUMN mood TEXT;")
        .await;
    club.house.clock.pass(TEN_MINUTES);
    // Two workers on the same store.
    let (a, b) = tokio::join!(
        club.house.portal.run_due_jobs(),
        club.house.portal.run_due_jobs()
    );
    assert!(a.unwrap() || b.unwrap());
    club.house.work().await;
    assert_eq!(club.mails().len(), 1);
}

#[tokio::test]
async fn a_catalog_that_describes_it_ends_the_matter() {
    let club = Club::open().await;
    club.change("ALTER TABLE members ADD COLUMN mood TEXT;")
        .await;
    club.look_again().await;
    assert_eq!(club.remembers("%mood%").await, 1);
    let described = DATASETS.to_owned()
        + "          - { name: mood, data_categories: [user.behavior], portal: { label: Mood } }\n";
    let file = club.file.with_file_name("catalog/datasets/club.yml");
    std::fs::write(file, described).unwrap();
    assert!(club.house.portal.company().reload().unwrap());
    club.look_again().await;
    assert_eq!(club.remembers("%mood%").await, 0);
    assert_eq!(club.mails().len(), 1);
}

#[tokio::test]
async fn without_an_address_of_the_staff_and_in_the_demo_nobody_is_mailed() {
    let post = MailServer::default();
    let nobody = Setup::production("http://localhost:3000", &post.start().await);
    let mut demo = Setup::demo().await;
    demo.config.mail.staff = Some(STAFF.to_owned());
    for setup in [nobody, demo] {
        let club = Club::with(setup, post.clone()).await;
        club.change("ALTER TABLE members ADD COLUMN mood TEXT;")
            .await;
        club.look_again().await;
        assert_eq!(club.remembers("%mood%").await, 1, "the log was told");
        assert_eq!(club.mails(), [""; 0]);
        let failed: Vec<String> =
            sqlx::query_scalar("SELECT name FROM jobs WHERE last_error IS NOT NULL")
                .fetch_all(&mut club.house.database().await)
                .await
                .unwrap();
        assert_eq!(failed, [""; 0]);
    }
}

#[test]
fn the_log_tells_each_change_once() {
    log::run_alone("drift::in_a_process_of_its_own");
}

#[tokio::test]
async fn in_a_process_of_its_own() {
    if !log::is_alone() {
        return;
    }
    let log = Log::default();
    let _listening = log.listen("info");
    let club = Club::open().await;
    assert_eq!(
        said(
            &log,
            &[
                "WARN",
                "can't be looked at",
                "bar",
                "the system can't be reached"
            ]
        ),
        1
    );
    assert_eq!(club.house.browser().get("/readyz").await.status, 200);

    club.change("ALTER TABLE members ADD COLUMN mood TEXT;")
        .await;
    club.look_again().await;
    let seen = log.take();
    let lines: Vec<&str> = seen.lines().collect();
    assert_eq!(lines.len(), 1, "{seen}");
    for words in [
        "WARN",
        "connection=\"club\"",
        "datasets/club.yml",
        "`mood` of `members`",
    ] {
        assert!(lines[0].contains(words), "{words}: {seen}");
    }
    club.look_again().await;
    assert_eq!(log.take(), "", "told already");

    // The bar opens, with a table as it is described, and closes again.
    std::fs::File::create(&club.bar).unwrap();
    sqlx::raw_sql("CREATE TABLE guests (email TEXT);")
        .execute(&mut open(&club.bar).await)
        .await
        .unwrap();
    club.look_again().await;
    let opened = log.take();
    assert!(
        opened.contains("INFO") && opened.contains("can be looked at again"),
        "{opened}"
    );
    assert_eq!(opened.lines().count(), 1, "{opened}");
    std::fs::write(&club.bar, vec![b'x'; 8192]).unwrap();
    club.look_again().await;
    assert_eq!(said(&log, &["WARN", "can't be looked at", "bar"]), 1);
    club.look_again().await;
    assert_eq!(log.take(), "");
}

/// How many lines were logged since last asked; each must hold these words.
fn said(log: &Log, words: &[&str]) -> usize {
    let said = log.take();
    for line in said.lines() {
        for word in words {
            assert!(line.contains(word), "{word}: {line}");
        }
    }
    said.lines().count()
}

#[tokio::test]
async fn the_staff_are_told_once_of_an_erasure_that_waits() {
    let club = Club::open().await;
    let ada = "ada@example.com";
    let mut browser = club.house.browser();
    browser.post("/sign-up", &[("email", ada)]).await;
    club.house.work().await;
    let link = link_in(club.mails().last().unwrap());
    let password = "four words that fit";
    browser.post(&link, &[("password", password)]).await;
    browser.log_in(ada, password).await;
    let asked = browser.post("/delete", &[("act", "now"), ("sure", "yes")]);
    assert!(asked.await.text().contains("It has begun."));
    for _ in 0..6 {
        club.look_again().await;
    }
    let waits = |mail: &&String| mail.contains("waits for a system");
    let mails = club.mails();
    let told: Vec<_> = mails.iter().filter(waits).collect();
    let [told] = told.as_slice() else {
        panic!("{mails:?}")
    };
    assert!(
        told.contains("Our bar") && !told.contains("Our club"),
        "{told}"
    );
    assert!(!told.contains(ada), "{told}");
}
