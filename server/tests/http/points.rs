//! Points: once for a purpose, kept when a yes is taken back, and once for a number whoever brings it.

use crate::support::{Browser, House};

const ADA: &str = "ada@example.com";
const BEN: &str = "ben@example.com";
const DAY: i64 = 24 * 3600;

/// What came into the journals, in the order of customers: points and what for.
async fn journal(house: &House) -> Vec<(i64, String)> {
    let mut db = house.database().await;
    let sql =
        "SELECT points, kind || ':' || about FROM point_entries ORDER BY at, customer_id, seq";
    sqlx::query_as(sql).fetch_all(&mut db).await.unwrap()
}

fn entry(points: i64, what: &str) -> (i64, String) {
    (points, what.to_owned())
}

async fn say(browser: &mut Browser, ask: &str, answer: &str, typed: &[(&str, &str)]) -> String {
    browser.get(&format!("/share/{ask}")).await;
    let mut fields = vec![("version", "1"), ("answer", answer)];
    fields.extend(typed);
    let answer = browser.post(&format!("/share/{ask}"), &fields).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    answer.location().to_owned()
}

async fn join(browser: &mut Browser) {
    let joined = browser.post("/join/club", &[("nickname", "")]).await;
    assert!(
        joined.status == 200 || joined.status == 303,
        "{}",
        joined.text()
    );
}

/// Types the code that was sent to a number.
async fn prove(house: &House, browser: &mut Browser, page: &str, number: &str) -> String {
    let text = house.mail_to(number).await.pop().expect("a text").1;
    let mut words = text.split_whitespace();
    let code = words.find(|w| w.len() == 6 && w.bytes().all(|b| b.is_ascii_digit()));
    let proven = browser.post(page, &[("code", code.unwrap())]).await;
    assert_eq!(proven.status, 303, "{}", proven.text());
    proven.location().to_owned()
}

#[tokio::test]
async fn a_yes_earns_once_and_what_was_earned_stays() {
    let (house, mut ada) = House::with(ADA).await;
    join(&mut ada).await;
    assert_eq!(journal(&house).await, [entry(20, "joined:")]);
    let wish = [("wish", "Rooibos")];
    assert_eq!(
        say(&mut ada, "a_wish", "yes", &wish).await,
        "/share?done=earned"
    );
    let earned = [entry(20, "joined:"), entry(10, "granted:better_shelves")];
    assert_eq!(journal(&house).await, earned);
    say(&mut ada, "a_wish", "no", &[]).await;
    assert_eq!(journal(&house).await, earned, "a withdrawal takes nothing");
    assert_eq!(
        say(&mut ada, "a_wish", "yes", &wish).await,
        "/share?done=yes"
    );
    ada.post(
        "/permissions",
        &[("purpose", "better_shelves"), ("allow", "no")],
    )
    .await;
    ada.post(
        "/permissions",
        &[("purpose", "better_shelves"), ("allow", "yes")],
    )
    .await;
    house.clock.pass(800 * DAY);
    let mut ada = house.logged_in(ADA).await;
    say(&mut ada, "a_wish", "yes", &wish).await;
    assert_eq!(journal(&house).await, earned, "and it does not earn twice");
    ada.post("/join/club/leave", &[]).await;
    join(&mut ada).await;
    assert_eq!(journal(&house).await, earned, "nor does joining");
    let sums = house.portal.verify_points().await.unwrap();
    assert_eq!((sums.journals, sums.entries, sums.wrong.len()), (1, 2, 0));
}

#[tokio::test]
async fn what_is_asked_every_year_earns_every_year() {
    let (house, mut ada) = House::with(ADA).await;
    join(&mut ada).await;
    let typed = [
        ("address.street", "7 Quiet Lane"),
        ("address.town", "Galway"),
        ("address.code", "H91 E2K3"),
        ("address.country", "IE"),
    ];
    let earned = async |house: &House| {
        let all = journal(house).await;
        all.iter()
            .filter(|(_, what)| what == "granted:offers_by_post")
            .count()
    };
    say(&mut ada, "offers_by_post", "yes", &typed).await;
    house.clock.pass(364 * DAY);
    let mut ada = house.logged_in(ADA).await;
    say(&mut ada, "offers_by_post", "yes", &typed).await;
    assert_eq!(earned(&house).await, 1, "the year is not over");
    house.clock.pass(3 * DAY);
    let mut ada = house.logged_in(ADA).await;
    say(&mut ada, "offers_by_post", "yes", &typed).await;
    assert_eq!(earned(&house).await, 2);
}

#[tokio::test]
async fn who_is_no_member_earns_nothing() {
    let (house, mut ada) = House::with(ADA).await;
    let page = ada.get("/share/a_wish").await.text();
    assert!(
        page.contains("This brings 10 points to members of The Finch Club."),
        "{page}"
    );
    assert_eq!(
        say(&mut ada, "a_wish", "yes", &[("wish", "Rooibos")]).await,
        "/share?done=yes"
    );
    assert_eq!(journal(&house).await, []);
}

#[tokio::test]
async fn a_number_earns_once_it_is_proven_and_once_whoever_brings_it() {
    let number = "+353871234567";
    let (house, mut ada) = House::with(ADA).await;
    house.add(BEN).await;
    let mut ben = house.logged_in(BEN).await;
    join(&mut ada).await;
    join(&mut ben).await;
    let texts = |all: Vec<(i64, String)>| {
        all.into_iter()
            .filter(|(_, what)| what == "granted:order_texts")
            .count()
    };
    let code_page = say(&mut ada, "order_texts", "yes", &[("phone", number)]).await;
    assert_eq!(texts(journal(&house).await), 0, "not before the proof");
    prove(&house, &mut ada, &code_page, number).await;
    assert_eq!(texts(journal(&house).await), 1);
    // The number goes to Ben, and its points do not come again.
    let code_page = say(&mut ben, "order_texts", "yes", &[("phone", number)]).await;
    let held = prove(&house, &mut ben, &code_page, number).await;
    assert_eq!(held, code_page, "another account holds it");
    let id = code_page.rsplit('/').next().unwrap().to_owned();
    let taken = ben
        .post("/account/contacts/take-over", &[("id", &id)])
        .await;
    assert_eq!(taken.status, 303, "{}", taken.text());
    assert_eq!(texts(journal(&house).await), 1);
    let sums = house.portal.verify_points().await.unwrap();
    assert!(sums.wrong.is_empty());
}

#[tokio::test]
async fn a_sum_that_was_tampered_with_shows() {
    let (house, mut ada) = House::with(ADA).await;
    join(&mut ada).await;
    let mut db = house.database().await;
    sqlx::query("UPDATE point_heads SET balance = 5000")
        .execute(&mut db)
        .await
        .unwrap();
    assert_eq!(house.portal.verify_points().await.unwrap().wrong.len(), 1);
    // Nothing more is entered either.
    ada.get("/share/a_wish").await;
    let fields = [("version", "1"), ("answer", "yes"), ("wish", "Rooibos")];
    assert_eq!(ada.post("/share/a_wish", &fields).await.status, 500);
    assert_eq!(journal(&house).await.len(), 1);
}
