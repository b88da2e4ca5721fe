//! A system that never checked addresses: it shows nothing until its customer tells one thing more, and nobody else gets
//! there.

use std::path::PathBuf;

use reqwest::Method;
use tokio::task::JoinSet;

use crate::html;
use crate::support::{Answer, Browser, House, Setup, open};

pub const ADA: &str = "ada@example.com";
const BEN: &str = "ben@example.com";
/// Nobody at the club.
const CLEO: &str = "cleo@example.com";
const PASSWORD: &str = "four words that fit";

/// The page that asks.
pub const PAGE: &str = "/is-it-you/club";

const DAY: i64 = 24 * 60 * 60;

const COMPANY: &str = "name: The club\ntime_zone: UTC\nconnections: [club, bar]\n";

const DATASETS: &str = "dataset:
  - fides_key: club
    name: Our club
    portal: { connection: club, second_facts: [members.postcode, visits.ticket] }
    collections:
      - name: members
        portal: { rows: own, label: Your place in the club, shown_as: facts }
        fields:
          - { name: id, data_categories: [user.unique_id], portal: { label: Number } }
          - { name: email, data_categories: [user.contact.email], fides_meta: { identity: email }, portal: { label: E-mail address, verified: false } }
          - { name: postcode, data_categories: [user.contact.address.postal_code], portal: { label: Post code } }
          - { name: nickname, data_categories: [user.name], portal: { label: Nickname } }
      - name: visits
        portal: { rows: own, label: Your visits, one_row: visit, shown_as: list }
        fields:
          - { name: ticket, data_categories: [user.behavior], portal: { label: Your last ticket number } }
          - { name: member, data_categories: [user.unique_id], fides_meta: { references: [{ dataset: club, field: members.id, direction: from }] }, portal: { label: Member } }
  - fides_key: bar
    name: Our bar
    portal: { connection: bar }
    collections:
      - name: guests
        portal: { rows: own, shown_as: facts }
        fields:
          - { name: email, data_categories: [user.contact.email], fides_meta: { identity: email }, portal: { label: E-mail address, verified: false } }
";

const TABLES: &str = "
    CREATE TABLE members (id INTEGER PRIMARY KEY, email TEXT, postcode TEXT, nickname TEXT);
    CREATE TABLE visits (ticket TEXT PRIMARY KEY, member INTEGER);
    INSERT INTO members VALUES (1, 'Ada@example.com', 'D02 AF30', 'Countess'), (2, 'ben@example.com', 'T12 XY34', 'Benny');
    INSERT INTO visits VALUES ('A-1001', 1), ('A-1002', 1), ('B-2001', 2);";

/// The club's portal.
pub struct Club {
    pub house: House,
    file: PathBuf,
}

impl Club {
    /// Opens it, with a bar that names no fact to ask for.
    pub async fn open() -> Self {
        let setup = Setup::demo().await;
        let catalog = setup.folder().join("catalog");
        std::fs::create_dir_all(catalog.join("datasets")).unwrap();
        std::fs::write(catalog.join("company.yml"), COMPANY).unwrap();
        std::fs::write(catalog.join("datasets/club.yml"), DATASETS).unwrap();
        let file = make(setup.folder().join("club.db"), TABLES).await;
        let guests =
            "CREATE TABLE guests (email TEXT); INSERT INTO guests VALUES ('ada@example.com');";
        let bar = make(setup.folder().join("bar.db"), guests).await;
        let setup = setup
            .with_catalog(&catalog)
            .with_system("club", &file)
            .with_system("bar", &bar);
        Self {
            house: setup.start().await,
            file,
        }
    }

    pub async fn logged_in(&self, email: &str) -> Browser {
        self.house.add_with_password(email, PASSWORD).await;
        let mut browser = self.house.browser();
        assert_eq!(browser.log_in(email, PASSWORD).await.status, 303);
        browser
    }

    pub async fn answer(&self, browser: &mut Browser, answer: &str) -> Answer {
        browser.post(PAGE, &[("answer", answer)]).await
    }

    /// Changes what the club holds.
    async fn change(&self, sql: &'static str) {
        sqlx::raw_sql(sql)
            .execute(&mut open(&self.file).await)
            .await
            .unwrap();
    }

    /// The club's file can't be read any more; answers what was in it.
    pub fn close(&self) -> Vec<u8> {
        let bytes = std::fs::read(&self.file).unwrap();
        std::fs::write(&self.file, vec![b'x'; bytes.len()]).unwrap();
        bytes
    }

    /// The acts that were written down, oldest first.
    async fn acts(&self) -> Vec<String> {
        let looks = self.house.looks().await;
        let act = |look: &serde_json::Value| look["act"].as_str().unwrap().to_owned();
        looks.iter().map(act).collect()
    }
}

async fn make(file: PathBuf, sql: &'static str) -> PathBuf {
    std::fs::File::create(&file).unwrap();
    let made = sqlx::raw_sql(sql).execute(&mut open(&file).await).await;
    made.unwrap();
    file
}

/// What the page says where something is left out.
const MAY_KNOW: &str = "Our club may know you. Nobody checked that the address is yours there, so tell us one more thing. Show that it is you";

async fn my_data(browser: &mut Browser) -> String {
    let page = browser.get("/my-data").await;
    assert_eq!(page.status, 200);
    page.text()
}

fn shows_her(text: &str) -> bool {
    let shows = text.contains("Countess");
    assert_eq!(
        shows,
        text.contains("A-1002"),
        "what hangs on the row comes with it: {text}"
    );
    assert!(!text.contains("Benny") && !text.contains("B-2001"));
    shows
}

#[tokio::test]
async fn one_thing_more_shows_what_is_held_and_guessing_ends_after_three_tries() {
    let club = Club::open().await;
    let mut ada = club.logged_in(ADA).await;
    let page = ada.get("/my-data").await;
    assert!(page.text().contains(MAY_KNOW), "{}", page.text());
    assert!(!shows_her(&page.text()));
    assert!(page.text().contains("We hold at least"));
    assert!(
        html::attributes(&page.body, "href")
            .iter()
            .any(|(_, href)| href == PAGE)
    );
    assert_eq!(ada.get("/my-data/club/members").await.status, 404);

    let question = ada.get(PAGE).await;
    assert_eq!(question.status, 200);
    assert!(
        question
            .text()
            .contains("Your post code or your last ticket number"),
        "{}",
        question.text()
    );
    for wrong in ["T12 XY34", "B-2001", "Countess"] {
        let answer = club.answer(&mut ada, wrong).await;
        assert_eq!(answer.status, 422, "{wrong}");
        assert!(
            answer.text().contains("That does not match what we hold."),
            "{}",
            answer.text()
        );
        assert!(!answer.body.contains(wrong) && !shows_her(&answer.text()));
    }
    for right in ["D02 AF30", "A-1002"] {
        let answer = club.answer(&mut ada, right).await;
        assert_eq!(answer.status, 429, "{right}");
        assert!(
            answer
                .text()
                .contains("You can try again on 16 January 2020 at 10:0"),
            "{}",
            answer.text()
        );
        let seconds: i64 = answer.header("retry-after").parse().unwrap();
        assert!((DAY - 60..=DAY).contains(&seconds), "{seconds}");
        assert_eq!(html::fields(&answer.body, "answer"), [""; 0], "no form");
    }
    assert_eq!(ada.get(PAGE).await.status, 200);
    assert!(!shows_her(&my_data(&mut ada).await));

    club.house.clock.pass(DAY + 60);
    let mut ada = club.logged_in_again().await;
    let answer = club.answer(&mut ada, " d02af30").await;
    assert_eq!((answer.status, answer.location()), (303, "/my-data"));
    let text = my_data(&mut ada).await;
    assert!(shows_her(&text), "{text}");
    assert!(!text.contains("Our club may know you"));
    assert_eq!(ada.get("/my-data/club/members").await.status, 200);
    let again = club.answer(&mut ada, "a-1001").await;
    assert_eq!(again.status, 303, "the button was pressed twice");

    let acts = club.acts().await;
    let tries = acts.iter().filter(|act| *act == "tried_to_prove").count();
    let proofs = acts.iter().filter(|act| *act == "proved").count();
    assert_eq!((tries, proofs), (3, 2), "{acts:?}");
    let looked = ada.get("/who-looked").await.text();
    for line in [
        "You answered a question about “Post code” in your place in the club and “Your last ticket number” in your visits, and the answer was right.",
        "and the answer did not match.",
    ] {
        assert!(looked.contains(line), "{looked}");
    }
}

impl Club {
    /// Ada, after a time in which her session has ended.
    async fn logged_in_again(&self) -> Browser {
        let mut browser = self.house.browser();
        assert_eq!(browser.log_in(ADA, PASSWORD).await.status, 303);
        browser
    }
}

#[tokio::test]
async fn whatever_is_wrong_the_answer_is_the_same() {
    let club = Club::open().await;
    let (mut ada, mut ben, mut cleo) = (
        club.logged_in(ADA).await,
        club.logged_in(BEN).await,
        club.logged_in(CLEO).await,
    );
    let wrong = club.answer(&mut ada, "wrong").await;
    assert_eq!(wrong.status, 422);
    let other_fact = club.answer(&mut ben, "D02 AF30").await;
    assert_eq!(other_fact.essence(), wrong.essence(), "another's fact");
    let unknown = club.answer(&mut cleo, "D02 AF30").await;
    assert_eq!(unknown.essence(), wrong.essence(), "nobody there");
    my_data(&mut ada).await;
    club.change("DELETE FROM members WHERE id = 1").await;
    let gone = club.answer(&mut ada, "D02 AF30").await;
    assert_eq!(gone.essence(), wrong.essence(), "the row has gone");
    for dataset in ["bar", "portal", "nowhere", "%22%2f"] {
        let path = format!("/is-it-you/{dataset}");
        let asked = ada.get(&path).await;
        let answered = ada.post(&path, &[("answer", "D02 AF30")]).await;
        assert_eq!((asked.status, answered.status), (404, 404), "{dataset}");
    }
    assert!(
        my_data(&mut ada)
            .await
            .contains("Our bar may know you. Nobody checked that the address is yours there, so we show nothing of it.")
    );
}

#[tokio::test]
async fn tries_at_the_same_time_are_no_more_than_three() {
    let club = Club::open().await;
    let ada = club.logged_in(ADA).await;
    let mut tries = JoinSet::new();
    for _ in 0..9 {
        let mut browser = ada.clone();
        tries.spawn(async move { browser.post(PAGE, &[("answer", "wrong")]).await.status });
    }
    let answers = tries.join_all().await;
    let of = |status| answers.iter().filter(|s| **s == status).count();
    assert_eq!((of(422), of(429)), (3, 6), "{answers:?}");
    let acts = club.acts().await;
    let compared = acts.iter().filter(|act| *act == "tried_to_prove").count();
    assert_eq!(compared, 3, "{acts:?}");
}

#[tokio::test]
async fn what_is_no_answer_or_was_not_compared_takes_no_try() {
    let club = Club::open().await;
    let mut ada = club.logged_in(ADA).await;
    for nothing in ["", " - ", "a", &"long".repeat(400)] {
        let answer = club.answer(&mut ada, nothing).await;
        assert_eq!(answer.status, 422, "{nothing:.9}");
        assert!(!answer.text().contains("does not match"));
    }
    let bytes = club.close();
    for _ in 0..4 {
        let answer = club.answer(&mut ada, "D02 AF30").await;
        assert_eq!(answer.status, 503);
    }
    let looked = ada.get("/who-looked").await.text();
    assert!(
        looked.contains("You tried to look, but it did not work.")
            && looked.contains("This did not answer then: Our club."),
        "{looked}"
    );
    std::fs::write(&club.file, bytes).unwrap();
    assert_eq!(club.answer(&mut ada, "D02 AF30").await.status, 303);
}

#[tokio::test]
async fn a_form_from_elsewhere_takes_no_try() {
    let club = Club::open().await;
    let mut ada = club.logged_in(ADA).await;
    let forged = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("sec-fetch-site", "cross-site"),
    ];
    for _ in 0..4 {
        let answer = ada
            .send(Method::POST, PAGE, &forged, b"answer=wrong".to_vec())
            .await;
        assert_eq!(answer.status, 403);
    }
    assert_eq!(club.answer(&mut ada, "D02 AF30").await.status, 303);
}

#[tokio::test]
async fn a_proof_ends_when_the_row_no_longer_holds_the_address() {
    let club = Club::open().await;
    let mut ada = club.logged_in(ADA).await;
    club.answer(&mut ada, "D02 AF30").await;
    assert!(shows_her(&my_data(&mut ada).await));
    club.change("UPDATE members SET email = 'somebody@example.com' WHERE id = 1")
        .await;
    assert!(!shows_her(&my_data(&mut ada).await));
    // Somebody else may have been given that number by now.
    club.change("UPDATE members SET email = 'ada@example.com' WHERE id = 1")
        .await;
    club.house.clock.pass(11 * 60);
    let text = my_data(&mut ada).await;
    assert!(!shows_her(&text) && text.contains(MAY_KNOW), "{text}");
}

#[tokio::test]
async fn each_row_is_proven_by_its_own_fact() {
    let club = Club::open().await;
    club.change("INSERT INTO members VALUES (3, 'ada@example.com', 'H91 BB22', 'Enchantress')")
        .await;
    let mut ada = club.logged_in(ADA).await;
    club.answer(&mut ada, "D02 AF30").await;
    let text = my_data(&mut ada).await;
    assert!(shows_her(&text) && !text.contains("Enchantress"));
    assert!(
        text.contains(MAY_KNOW),
        "there is more, and the page says so: {text}"
    );
    club.answer(&mut ada, "H91 BB22").await;
    let text = my_data(&mut ada).await;
    assert!(shows_her(&text) && text.contains("Enchantress"), "{text}");
    assert!(!text.contains("Our club may know you"));
}
