//! Points: once for a purpose, kept when a yes is taken back, and once for a number whoever brings it.

use fairhold_domain::policy::Role;

use crate::rewards::{form_id, give};
use crate::support::{Browser, House, Setup};

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
    let mut fields = vec![
        ("version", "1"),
        ("purpose_version", "1"),
        ("answer", answer),
    ];
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
        &[
            ("purpose", "better_shelves"),
            ("version", "1"),
            ("allow", "no"),
        ],
    )
    .await;
    ada.post(
        "/permissions",
        &[
            ("purpose", "better_shelves"),
            ("version", "1"),
            ("allow", "yes"),
        ],
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
    let fields = [
        ("version", "1"),
        ("purpose_version", "1"),
        ("answer", "yes"),
        ("wish", "Rooibos"),
    ];
    assert_eq!(ada.post("/share/a_wish", &fields).await.status, 500);
    assert_eq!(journal(&house).await.len(), 1);
}

/// A portal whose club's points last for so long.
async fn house_where_points_last(lasts: &str) -> House {
    let folder = tempfile::tempdir().unwrap();
    crate::support::copy_catalog(folder.path());
    let company = folder.path().join("company.yml");
    let text = std::fs::read_to_string(&company).unwrap();
    let line = "    joining_points: 20\n";
    assert!(text.contains(line));
    let longer = format!("{line}    points_last: {lasts}\n");
    std::fs::write(&company, text.replace(line, &longer)).unwrap();
    let setup = Setup::demo().await.with_catalog(folder.path());
    setup.start().await
}

/// Lets days pass one after the other, each with all that is due on it.
async fn days(house: &House, count: i64) {
    for _ in 0..count {
        house.clock.pass(DAY);
        house.work().await;
    }
}

/// The mails that say that points end; they are kept for 30 days.
async fn notices(house: &House, address: &str) -> Vec<String> {
    let mails = house.mail_to(address).await.into_iter();
    let end = mails.filter(|(subject, _)| subject.contains("end soon"));
    end.map(|(_, text)| text).collect()
}

#[tokio::test]
async fn points_end_thirty_days_after_a_mail_that_says_so_and_never_before() {
    let house = house_where_points_last("100 days").await;
    house.add(ADA).await;
    give(&house, ADA, 30).await;
    days(&house, 10).await;
    give(&house, ADA, 50).await;
    days(&house, 59).await;
    assert!(notices(&house, ADA).await.is_empty(), "31 days are left");
    days(&house, 2).await;
    let told = notices(&house, ADA).await;
    assert_eq!(told.len(), 1, "once: {told:?}");
    assert!(told[0].contains("30 of your points in The Finch Club end on"));
    days(&house, 28).await;
    assert_eq!(journal(&house).await.len(), 2, "nothing ends too early");
    days(&house, 3).await;
    let mut expected = vec![
        entry(30, "corrected:"),
        entry(50, "corrected:"),
        entry(-30, "expired:"),
    ];
    assert_eq!(journal(&house).await, expected, "the old ones alone");
    // The others are told of in a mail of their own, and have their whole time from then on.
    let told = notices(&house, ADA).await;
    assert!(
        told.last().unwrap().contains("50 of your points"),
        "{told:?}"
    );
    days(&house, 27).await;
    assert_eq!(journal(&house).await, expected);
    days(&house, 5).await;
    expected.push(entry(-50, "expired:"));
    assert_eq!(journal(&house).await, expected);
    days(&house, 60).await;
    assert_eq!(journal(&house).await, expected, "and each once");
    assert!(notices(&house, ADA).await.is_empty());
    let sums = house.portal.verify_points().await.unwrap();
    assert_eq!((sums.entries, sums.wrong.len()), (4, 0));
}

#[tokio::test]
async fn what_was_old_before_anybody_was_told_waits_for_its_mail() {
    let house = house_where_points_last("100 days").await;
    house.add(ADA).await;
    give(&house, ADA, 30).await;
    // The portal stood still for a year.
    house.clock.pass(365 * DAY);
    house.work().await;
    days(&house, 2).await;
    assert_eq!(notices(&house, ADA).await.len(), 1);
    assert_eq!(journal(&house).await.len(), 1, "it was told just now");
    let mut ada = house.logged_in(ADA).await;
    let page = ada.get("/rewards").await.text();
    assert!(
        page.contains("The first of yours end on 13 February 2021."),
        "the page says the mail's day: {page}"
    );
    assert!(notices(&house, ADA).await[0].contains("13 February 2021"));
    days(&house, 30).await;
    assert_eq!(journal(&house).await.len(), 2);
}

#[tokio::test]
async fn a_journal_that_was_tampered_with_holds_nobody_else_up() {
    let house = house_where_points_last("100 days").await;
    house.add(ADA).await;
    house.add(BEN).await;
    give(&house, ADA, 30).await;
    give(&house, BEN, 30).await;
    days(&house, 75).await;
    let mut db = house.database().await;
    let first = "UPDATE point_heads SET balance = 5000 WHERE customer_id = (SELECT MIN(customer_id) FROM point_heads)";
    sqlx::query(first).execute(&mut db).await.unwrap();
    days(&house, 30).await;
    let all = journal(&house).await;
    assert_eq!(all.iter().filter(|(points, _)| *points < 0).count(), 1);
    assert_eq!(house.portal.verify_points().await.unwrap().wrong.len(), 1);
}

#[tokio::test]
async fn more_points_than_one_entry_holds_end_on_one_day() {
    let house = house_where_points_last("100 days").await;
    house.add(ADA).await;
    give(&house, ADA, 1_000_000).await;
    give(&house, ADA, 500_000).await;
    days(&house, 102).await;
    let ended: Vec<i64> = journal(&house).await.iter().map(|(p, _)| *p).collect();
    assert_eq!(ended, [1_000_000, 500_000, -1_000_000, -500_000]);
    // The announcement is used up: if points last less long one day, nothing ends by a mail that was about others.
    let sql = "SELECT COUNT(*) FROM point_heads WHERE noticed_until IS NOT NULL";
    let mut db = house.database().await;
    let open: i64 = sqlx::query_scalar(sql).fetch_one(&mut db).await.unwrap();
    assert_eq!(open, 0);
    let sums = house.portal.verify_points().await.unwrap();
    assert_eq!((sums.entries, sums.wrong.len()), (4, 0));
}

#[tokio::test]
async fn a_form_that_comes_again_with_other_points_is_no_repeat() {
    let house = House::demo().await;
    house.add(ADA).await;
    let (mut mia, _) = crate::staff::join(&house, "mia@example.com", Role::Marketing).await;
    let id = form_id(1);
    let sent = |points| {
        [
            ("id", id.as_str()),
            ("email", ADA),
            ("programme", "club"),
            ("points", points),
            ("reason", "You came to our tasting."),
        ]
    };
    for _ in 0..2 {
        let done = mia.post("/staff/points", &sent("50")).await;
        assert_eq!(done.status, 303, "{}", done.text());
    }
    let other = mia.post("/staff/points", &sent("80")).await;
    assert_eq!(other.status, 422);
    let words = "You sent this form before with other points, and those are entered.";
    assert!(other.text().contains(words), "{}", other.text());
    assert!(!other.body.contains(&id), "it is another form by now");
    assert_eq!(journal(&house).await, [entry(50, "corrected:")]);
}
