//! What the customer allows: a yes and a no for each purpose that rests on consent, and a record of every answer.

use fairhold_portal::my_data::Wanted;

use crate::html;
use crate::support::{Browser, House};

const ADA: &str = "ada@example.com";
const NEWSLETTER: &str = "We send you our newsletter once a month.";

async fn answer(browser: &mut Browser, purpose: &str, allow: &str) {
    let version = if purpose == "offers_by_text" {
        "2"
    } else {
        "1"
    };
    let fields = [("purpose", purpose), ("version", version), ("allow", allow)];
    let answer = browser.post("/permissions", &fields).await;
    assert_eq!(answer.location(), format!("/permissions#{purpose}"));
}

/// The sentence under a purpose's words.
async fn status(browser: &mut Browser, words: &str) -> String {
    let page = browser.get("/permissions").await;
    let blocks = html::blocks(&page.body);
    let at = blocks.iter().position(|block| block == words).expect(words);
    blocks[at + 1].clone()
}

/// The buttons that are shown as the answer that stands.
async fn pressed(browser: &mut Browser) -> Vec<(String, String)> {
    let page = browser.get("/permissions").await;
    let mut all = html::attributes(&page.body, "aria-pressed");
    all.retain(|(_, pressed)| pressed == "true");
    all
}

async fn records(house: &House) -> i64 {
    let mut db = house.database().await;
    sqlx::query_scalar("SELECT COUNT(*) FROM consent_records")
        .fetch_one(&mut db)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_yes_counts_at_once_and_is_taken_back_as_easily() {
    let (house, mut ada) = House::with(ADA).await;
    assert_eq!(status(&mut ada, NEWSLETTER).await, "You have not said yes.");
    assert!(
        pressed(&mut ada).await.is_empty(),
        "nothing is chosen for anybody (P2)"
    );
    answer(&mut ada, "newsletter", "yes").await;
    assert_eq!(pressed(&mut ada).await.len(), 1);
    assert_eq!(
        status(&mut ada, NEWSLETTER).await,
        "You said yes today at 10:00."
    );
    answer(&mut ada, "newsletter", "yes").await;
    assert_eq!(records(&house).await, 1, "a second yes says nothing new");
    house.clock.pass(600);
    answer(&mut ada, "newsletter", "no").await;
    assert!(
        status(&mut ada, NEWSLETTER)
            .await
            .starts_with("You took your yes back today at 10:10")
    );
    answer(&mut ada, "birthday", "no").await;
    let page = ada.get("/permissions").await.text();
    assert!(page.contains("You said no today at 10:10."));
    assert!(page.contains("What you answered"));
    assert_eq!(records(&house).await, 3);
}

#[tokio::test]
async fn what_rests_on_no_consent_is_told_and_not_asked() {
    let (house, mut ada) = House::with(ADA).await;
    let page = ada.get("/permissions").await.text();
    assert!(
        page.contains("Tax law asks each shop to keep its receipts. (The law asks for it.)"),
        "{page}"
    );
    for purpose in ["tax", "nothing-like-that", "", "newsletter "] {
        let fields = [("purpose", purpose), ("version", "1"), ("allow", "yes")];
        assert_eq!(
            ada.post("/permissions", &fields).await.status,
            404,
            "{purpose}"
        );
    }
    for fields in [
        vec![
            ("purpose", "newsletter"),
            ("version", "1"),
            ("allow", "maybe"),
        ],
        vec![("purpose", "newsletter"), ("version", "1")],
        vec![("purpose", "newsletter"), ("allow", "yes")],
        vec![("version", "1"), ("allow", "yes")],
    ] {
        assert_eq!(ada.post("/permissions", &fields).await.status, 400);
    }
    assert_eq!(records(&house).await, 0);
}

#[tokio::test]
async fn nobody_says_yes_to_words_that_they_have_not_read() {
    let (house, mut ada) = House::with(ADA).await;
    let old = |allow| {
        [
            ("purpose", "newsletter"),
            ("version", "7"),
            ("allow", allow),
        ]
    };
    let page = ada.post("/permissions", &old("yes")).await;
    assert_eq!(page.status, 409);
    assert!(page.text().contains("The words of this have changed."));
    assert_eq!(records(&house).await, 0);
    answer(&mut ada, "newsletter", "yes").await;
    let no = ada.post("/permissions", &old("no")).await;
    assert_eq!(no.status, 303, "a no is a no, whatever the words say");
    assert_eq!(records(&house).await, 2);
}

#[tokio::test]
async fn all_answers_can_be_read_page_by_page() {
    let (_house, mut ada) = House::with(ADA).await;
    for _ in 0..30 {
        answer(&mut ada, "newsletter", "yes").await;
        answer(&mut ada, "newsletter", "no").await;
    }
    let receipts = |page: &crate::support::Answer| {
        let links = html::attributes(&page.body, "href");
        let links = links.into_iter().map(|(_, to)| to);
        links
            .filter(|to| to.starts_with("/permissions/receipt/"))
            .count()
    };
    let newest = ada.get("/permissions").await;
    assert_eq!(receipts(&newest), 50);
    assert!(
        newest.body.contains("/permissions?before=11"),
        "{}",
        newest.text()
    );
    let oldest = ada.get("/permissions?before=11").await;
    assert_eq!(receipts(&oldest), 10);
    assert!(!oldest.text().contains("Older answers"));
}

#[tokio::test]
async fn nobody_answers_for_somebody_else() {
    let (house, mut ada) = House::with(ADA).await;
    let mut ben = house.logged_in("ben@example.com").await;
    answer(&mut ada, "newsletter", "yes").await;
    assert_eq!(status(&mut ben, NEWSLETTER).await, "You have not said yes.");
    answer(&mut ben, "newsletter", "no").await;
    assert_eq!(
        status(&mut ada, NEWSLETTER).await,
        "You said yes today at 10:00."
    );
    // My data goes on as before.
    let ada = house
        .portal
        .log_in(ADA, "a-quiet-harbour-at-dawn".into(), [127, 0, 0, 1].into());
    let ada = house
        .portal
        .customer(ada.await.unwrap().customer)
        .await
        .unwrap();
    house
        .portal
        .my_data(&ada, &Wanted::default())
        .await
        .unwrap();
}
