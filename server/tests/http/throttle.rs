//! Guessing passwords: waits that grow, the same for every address, and never a lock-out of the owner.

use reqwest::Method;
use tokio::task::JoinSet;

use crate::support::{Answer, Browser, House, Setup, form, persona};

const ADA: &str = "ada@example.com";
const NOBODY: &str = "nobody.at.all@example.com";
const WRONG: &str = "not the password";
const HOME: &str = "198.51.100.7";
const ELSEWHERE: &str = "203.0.113.9";

/// A portal with Ada in it, behind a proxy on this machine.
async fn behind_a_proxy() -> House {
    let mut setup = Setup::demo().await;
    setup.config.server.proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let house = setup.start().await;
    house.add(ADA).await;
    house
}

/// A portal with Ada in it, and nothing in front.
async fn open_to_all() -> House {
    let house = House::demo().await;
    house.add(ADA).await;
    house
}

/// Logs in with a header that says where the request comes from.
async fn log_in_from(
    browser: &mut Browser,
    (header, from): (&str, &str),
    email: &str,
    password: &str,
) -> Answer {
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        (header, from),
    ];
    let fields = form(&[("email", email), ("password", password)]);
    browser
        .send(Method::POST, "/log-in", &headers, fields.into())
        .await
}

/// Statuses of wrong log-ins, one after the other.
async fn wrong(house: &House, email: &str, count: usize) -> Vec<u16> {
    let mut statuses = Vec::new();
    for _ in 0..count {
        statuses.push(house.browser().log_in(email, WRONG).await.status);
    }
    statuses
}

fn adas_password() -> &'static str {
    persona(ADA).password
}

#[tokio::test]
async fn after_five_wrong_tries_the_right_password_waits_too_and_then_works() {
    let house = open_to_all().await;
    assert_eq!(wrong(&house, ADA, 5).await, [422; 5]);
    let mut browser = house.browser();
    let fields = [
        ("email", ADA),
        ("password", adas_password()),
        ("next", "/who-looked"),
    ];
    let held = browser.post("/log-in", &fields).await;
    assert_eq!((held.status, held.header("retry-after")), (429, "2"));
    assert!(held.set_cookie().is_none());
    let words =
        "There were too many wrong tries. Wait 2 seconds, then try again. Or set a new password.";
    assert!(held.text().contains(words), "{}", held.text());
    assert_eq!(crate::html::fields(&held.body, "email"), [ADA]);
    let next = crate::html::fields(&held.body, "next");
    assert!(!next.is_empty() && next.iter().all(|next| next == "/who-looked"));
    assert_eq!(crate::html::fields(&held.body, "password"), [""]);
    assert!(!held.body.contains(adas_password()));

    // Asking in between makes no wait longer.
    house.clock.pass(1);
    assert_eq!(browser.log_in(ADA, WRONG).await.header("retry-after"), "1");
    house.clock.pass(1);
    assert_eq!(browser.log_in(ADA, adas_password()).await.status, 303);
    assert_eq!(
        wrong(&house, ADA, 6).await,
        [422, 422, 422, 422, 422, 429],
        "a right password starts the count anew"
    );
}

#[tokio::test]
async fn waits_double_up_to_a_quarter_of_an_hour() {
    let house = open_to_all().await;
    wrong(&house, ADA, 5).await;
    let mut waits = Vec::new();
    for _ in 0..11 {
        let held = house.browser().log_in(ADA, WRONG).await;
        let wait: i64 = held.header("retry-after").parse().unwrap();
        if wait == 900 {
            assert!(held.text().contains("Wait 15 minutes, then try again."));
        }
        waits.push(wait);
        house.clock.pass(wait);
        assert_eq!(wrong(&house, ADA, 1).await, [422]);
    }
    assert_eq!(waits, [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
    house.clock.pass(24 * 3600);
    assert_eq!(wrong(&house, ADA, 6).await, [422, 422, 422, 422, 422, 429]);
}

#[tokio::test]
async fn an_address_that_nobody_has_is_answered_likewise() {
    let house = open_to_all().await;
    // As long as each other, so that the answers are too.
    let mut answers = Vec::new();
    for (address, passwords) in [
        (ADA, vec![adas_password(), WRONG]),
        ("eve@example.com", vec![WRONG]),
        ("ben@example.com", vec![&*"long ".repeat(300)]),
    ] {
        assert_eq!(wrong(&house, address, 5).await, [422; 5]);
        for password in passwords {
            let (status, headers, body) = house.browser().log_in(address, password).await.essence();
            assert_eq!(status, 429);
            answers.push((headers, body.replace(address, "address")));
        }
    }
    let first = answers.first().unwrap();
    assert!(answers.iter().all(|answer| answer == first));
}

#[tokio::test]
async fn tries_at_the_same_time_are_no_more_than_five() {
    let house = open_to_all().await;
    for address in [ADA, NOBODY] {
        let mut tries = JoinSet::new();
        for _ in 0..12 {
            let mut browser = house.browser();
            tries.spawn(async move { browser.log_in(address, WRONG).await.status });
        }
        let statuses = tries.join_all().await;
        assert_eq!(statuses.iter().filter(|s| **s == 422).count(), 5);
        assert_eq!(statuses.iter().filter(|s| **s == 429).count(), 7);
    }
}

#[tokio::test]
async fn whoever_guesses_holds_up_nobody_elsewhere() {
    let house = behind_a_proxy().await;
    for (header, guesser, owner) in [
        ("x-forwarded-for", ELSEWHERE, HOME),
        ("forwarded", "for=192.0.2.77", "for=192.0.2.8"),
        ("x-forwarded-for", "2001:db8:1:2::1", "2001:db8:1:3::1"),
    ] {
        let mut browser = house.browser();
        for _ in 0..5 {
            log_in_from(&mut browser, (header, guesser), ADA, WRONG).await;
        }
        let held = log_in_from(&mut browser, (header, guesser), ADA, adas_password()).await;
        assert_eq!(held.status, 429, "{guesser}");
        let right = log_in_from(&mut browser, (header, owner), ADA, adas_password()).await;
        assert_eq!(right.status, 303, "{owner}");
        let held = log_in_from(&mut browser, (header, guesser), ADA, WRONG).await;
        assert_eq!(
            held.status, 429,
            "the owner's log-in helps nobody who guesses"
        );
    }
    // One household, however many addresses it has.
    let neighbour = ("x-forwarded-for", "2001:db8:1:2::ffff");
    let held = log_in_from(&mut house.browser(), neighbour, ADA, WRONG).await;
    assert_eq!(held.status, 429);
}

#[tokio::test]
async fn what_a_stranger_says_of_where_they_are_changes_nothing() {
    // Without a proxy no header counts; behind one, only what the proxy itself added on the right.
    for (house, own) in [(open_to_all().await, ""), (behind_a_proxy().await, HOME)] {
        let mut statuses = Vec::new();
        for n in 0..6 {
            let forged = format!("203.0.113.{n}, {own}");
            let from = ("x-forwarded-for", forged.trim_end_matches(", "));
            let answer = log_in_from(&mut house.browser(), from, ADA, WRONG).await;
            statuses.push(answer.status);
        }
        assert_eq!(statuses, [422, 422, 422, 422, 422, 429], "{own:?}");
    }
    // A header that the proxy lets through makes no new places either.
    let house = behind_a_proxy().await;
    let mut statuses = Vec::new();
    for n in 0..6 {
        let forged = format!("for=203.0.113.{n}");
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("x-forwarded-for", HOME),
            ("forwarded", forged.as_str()),
        ];
        let fields = form(&[("email", ADA), ("password", WRONG)]);
        let mut browser = house.browser();
        let answer = browser.send(Method::POST, "/log-in", &headers, fields.into());
        statuses.push(answer.await.status);
    }
    assert_eq!(statuses, [422, 422, 422, 422, 422, 429]);
}

#[tokio::test]
async fn guesses_from_everywhere_make_a_short_wait_that_a_link_in_a_mail_ends() {
    let house = behind_a_proxy().await;
    for n in 0..50 {
        let from = format!("203.0.113.{}", n % 10);
        let from = ("x-forwarded-for", from.as_str());
        let guess = log_in_from(&mut house.browser(), from, ADA, WRONG).await;
        assert_eq!(guess.status, 422, "try {n}");
    }
    let home = ("x-forwarded-for", HOME);
    let mut owner = house.browser();
    let held = log_in_from(&mut owner, home, ADA, adas_password()).await;
    assert_eq!((held.status, held.header("retry-after")), (429, "30"));

    owner.post("/forgot-password", &[("email", ADA)]).await;
    let link = house.link_to(ADA).await;
    let saved = owner
        .post(&link, &[("password", "four words that fit")])
        .await;
    assert_eq!(saved.status, 303);
    assert!(house.contents(&[]).await["log_in_tries"].is_empty());
    let right = log_in_from(&mut owner, home, ADA, "four words that fit").await;
    assert_eq!(right.status, 303);
}

#[tokio::test]
async fn after_the_short_wait_the_owner_gets_in() {
    let house = behind_a_proxy().await;
    for n in 0..51 {
        let from = format!("203.0.113.{}", n % 11);
        let from = ("x-forwarded-for", from.as_str());
        log_in_from(&mut house.browser(), from, ADA, WRONG).await;
    }
    house.clock.pass(30);
    let home = ("x-forwarded-for", HOME);
    let right = log_in_from(&mut house.browser(), home, ADA, adas_password()).await;
    assert_eq!(right.status, 303);
}

#[tokio::test]
async fn a_new_password_ends_the_wait() {
    let house = open_to_all().await;
    wrong(&house, ADA, 6).await;
    let mut browser = house.browser();
    browser.post("/forgot-password", &[("email", ADA)]).await;
    let link = house.link_to(ADA).await;
    let new = "four words that fit";
    assert_eq!(browser.post(&link, &[("password", new)]).await.status, 303);
    assert_eq!(browser.log_in(ADA, new).await.status, 303);
}

#[tokio::test]
async fn counters_name_nobody_and_no_place_and_are_swept() {
    let house = behind_a_proxy().await;
    let from = ("x-forwarded-for", ELSEWHERE);
    log_in_from(&mut house.browser(), from, NOBODY, WRONG).await;
    for (table, rows) in house.contents(&[]).await {
        for typed in [NOBODY, ELSEWHERE, WRONG] {
            let holds = |cell: &Vec<u8>| cell.windows(typed.len()).any(|w| w == typed.as_bytes());
            let held = rows.iter().flatten().flatten().any(holds);
            assert!(!held, "{table} holds {typed}");
        }
    }
    assert_eq!(house.contents(&[]).await["log_in_tries"].len(), 2);
    house.work().await;
    assert_eq!(house.contents(&[]).await["log_in_tries"].len(), 2);
    house.clock.pass(24 * 3600);
    house.work().await;
    assert!(house.contents(&[]).await["log_in_tries"].is_empty());
}

#[tokio::test]
async fn one_network_cannot_go_from_address_to_address_and_others_get_in() {
    let house = behind_a_proxy().await;
    let ask = async |from: &'static str, email: &str| {
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("x-forwarded-for", from),
        ];
        let fields = form(&[("email", email)]);
        house
            .browser()
            .send(Method::POST, "/sign-up", &headers, fields.into())
            .await
    };
    for number in 0..100 {
        let answer = ask(HOME, &format!("somebody.{number}@example.com")).await;
        assert_eq!(answer.status, 303, "the try {number}");
    }
    let refused = ask(HOME, NOBODY).await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.headers["retry-after"], "60");
    assert!(refused.text().contains("Wait a minute and try again."));
    house.work().await;
    assert!(house.mail_to(NOBODY).await.is_empty(), "it did nothing");

    assert_eq!(ask(ELSEWHERE, NOBODY).await.status, 303);
    let headers = [("x-forwarded-for", HOME)];
    let mut browser = house.browser();
    let page = browser.send(Method::GET, "/log-in", &headers, Vec::new());
    assert_eq!(page.await.status, 200, "pages are open");
    house.clock.pass(1);
    for expected in [303, 303, 429] {
        assert_eq!(ask(HOME, "later@example.com").await.status, expected);
    }
}
