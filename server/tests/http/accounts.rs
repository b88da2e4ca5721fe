//! Signing up, logging in and out, forgetting the password, and how long a session lasts.

use reqwest::Method;

use crate::html;
use crate::support::{COOKIE_NAME, DEVICE_COOKIE, House, Setup, persona};

const ADA: &str = "ada@example.com";
const NOBODY: &str = "nobody.at.all@example.com";
const GOOD: &str = "four words that fit";

#[tokio::test]
async fn whether_an_address_is_known_does_not_show() {
    let house = House::demo().await;
    house.add(ADA).await;
    for path in ["/sign-up", "/forgot-password"] {
        let mut answers = Vec::new();
        for address in [ADA, NOBODY] {
            let mut browser = house.browser();
            let asked = browser.post(path, &[("email", address)]).await;
            assert_eq!((asked.status, asked.location()), (303, "/check-your-mail"));
            let then = browser.get(asked.location()).await;
            assert_eq!(then.status, 200);
            answers.push((asked.essence(), then.essence(), browser.cookie));
        }
        assert_eq!(answers[0], answers[1], "{path} tells who has an account");
    }
    let to_ada: Vec<String> = house
        .mail_to(ADA)
        .await
        .into_iter()
        .map(|(subject, _)| subject)
        .collect();
    assert_eq!(
        to_ada,
        [
            "You have an account at Finch & Rowan",
            "Choose a new password at Finch & Rowan"
        ]
    );
    let to_nobody: Vec<String> = house
        .mail_to(NOBODY)
        .await
        .into_iter()
        .map(|(subject, _)| subject)
        .collect();
    assert_eq!(to_nobody[0], "See what Finch & Rowan holds about you");
}

#[tokio::test]
async fn a_forgotten_password_of_nobody_is_answered_by_nothing() {
    let house = House::demo().await;
    house
        .browser()
        .post("/forgot-password", &[("email", NOBODY)])
        .await;
    assert_eq!(house.mail_to(NOBODY).await, []);
    let left = house.contents(&[]).await;
    assert!(left["customers"].is_empty() && left["address_requests"].is_empty());
}

/// A new customer's link, as their mail has it.
async fn link(house: &House, address: &str) -> String {
    house
        .browser()
        .post("/sign-up", &[("email", address)])
        .await;
    house.link_to(address).await
}

#[tokio::test]
async fn a_link_changes_nothing_until_its_button_is_pressed_and_then_acts_once() {
    let house = House::demo().await;
    let link = link(&house, NOBODY).await;
    let mut browser = house.browser();

    let before = house.contents(&[]).await;
    for method in [Method::GET, Method::GET, Method::HEAD] {
        assert_eq!(
            browser.send(method, &link, &[], Vec::new()).await.status,
            200
        );
    }
    assert_eq!(
        before,
        house.contents(&[]).await,
        "opening the link changed something"
    );

    let saved = browser.post(&link, &[("password", GOOD)]).await;
    assert_eq!(
        (saved.status, saved.location()),
        (303, "/log-in?done=password")
    );
    assert!(
        !browser.is_logged_in().await,
        "the link alone logs nobody in"
    );
    assert_eq!(browser.log_in(NOBODY, GOOD).await.status, 303);
    assert!(browser.is_logged_in().await);

    let before = house.contents(&[]).await;
    for again in [
        browser.get(&link).await,
        browser
            .post(&link, &[("password", "another four words")])
            .await,
    ] {
        assert_eq!(again.status, 410);
        assert!(again.text().contains("This link has ended"));
    }
    assert_eq!(before, house.contents(&[]).await);
    assert_eq!(
        house.browser().log_in(NOBODY, GOOD).await.status,
        303,
        "the password is still the first one"
    );
}

#[tokio::test]
async fn a_link_ends_after_half_an_hour() {
    let house = House::demo().await;
    let link = link(&house, NOBODY).await;
    house.clock.pass(30 * 60 - 1);
    assert_eq!(house.browser().get(&link).await.status, 200);
    house.clock.pass(1);
    assert_eq!(house.browser().get(&link).await.status, 410);
    assert_eq!(
        house
            .browser()
            .post(&link, &[("password", GOOD)])
            .await
            .status,
        410
    );
    assert_eq!(house.browser().log_in(NOBODY, GOOD).await.status, 422);
}

#[tokio::test]
async fn a_link_that_never_was_has_ended() {
    let house = House::demo().await;
    for token in [
        "x",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "%F0%9F%98%80",
        &"y".repeat(5000),
    ] {
        let path = format!("/set-password/{token}");
        assert_eq!(house.browser().get(&path).await.status, 410, "{path}");
        assert_eq!(
            house
                .browser()
                .post(&path, &[("password", GOOD)])
                .await
                .status,
            410,
            "{path}"
        );
    }
    let nothing = house.browser().get("/set-password/%00").await;
    assert_eq!(nothing.status, 404, "no address has a NUL in it");
}

#[tokio::test]
async fn a_weak_password_is_refused_in_words_and_the_link_stays() {
    let house = House::demo().await;
    let link = link(&house, NOBODY).await;
    let mut browser = house.browser();
    for (weak, words) in [
        ("", "at least 8 characters"),
        ("seven77", "at least 8 characters"),
        ("password123", "too easy to guess"),
        ("aaaaaaaaaaaa", "too easy to guess"),
        (NOBODY, "too easy to guess"),
        (&"long ".repeat(300), "too long"),
    ] {
        let answer = browser.post(&link, &[("password", weak)]).await;
        assert_eq!(answer.status, 422, "{weak:?}");
        assert!(answer.text().contains(words), "{weak:?}: {}", answer.text());
        assert_eq!(
            html::fields(&answer.body, "password"),
            [""],
            "the form comes back, and the password does not"
        );
    }
    assert_eq!(browser.post(&link, &[("password", GOOD)]).await.status, 303);
}

#[tokio::test]
async fn a_password_that_thieves_have_is_refused_in_words_and_the_link_stays() {
    let folder = tempfile::tempdir().unwrap();
    let (list, file) = (folder.path().join("list"), folder.path().join("file"));
    std::fs::write(&list, "four stolen herons wade\n").unwrap();
    fairhold_portal::breached::build(&list, &file).unwrap();
    let mut setup = Setup::demo().await;
    setup.config.passwords.breached_file = Some(file);
    let house = setup.start().await;
    let link = link(&house, NOBODY).await;
    let mut browser = house.browser();
    let password = [("password", "four stolen herons wade")];
    let answer = browser.post(&link, &password).await;
    assert_eq!(answer.status, 422);
    assert!(
        answer.text().contains("Thieves know this password"),
        "{}",
        answer.text()
    );
    assert!(!answer.body.contains("herons"));
    assert_eq!(browser.post(&link, &[("password", GOOD)]).await.status, 303);
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_get_the_same_page() {
    let house = House::demo().await;
    house.add(ADA).await;
    let mut essences = Vec::new();
    for (address, password) in [
        (ADA, "not her password"),
        ("eve@example.com", persona(ADA).password),
    ] {
        let answer = house.browser().log_in(address, password).await;
        assert_eq!(answer.status, 422);
        assert!(answer.set_cookie().is_none());
        assert!(!answer.body.contains(password));
        let (status, headers, body) = answer.essence();
        essences.push((status, headers, body.replace(address, "address")));
    }
    assert_eq!(essences[0], essences[1]);
}

#[tokio::test]
async fn somebody_who_never_proved_the_address_cannot_log_in() {
    let house = House::demo().await;
    link(&house, NOBODY).await;
    for password in ["", "anything at all", "nobody's password"] {
        assert_eq!(house.browser().log_in(NOBODY, password).await.status, 422);
    }
}

#[tokio::test]
async fn the_session_is_a_fresh_one_that_only_this_browser_and_server_know() {
    let house = House::demo().await;
    house.add(ADA).await;
    let mut browser = house.browser();
    // Whoever plants a cookie of their own choice in a browser does not get into the session that begins there.
    let planted = "AAAAAAAAAAAAAAAAAAAAAA";
    browser.cookie = Some(planted.to_owned());
    let first = browser.log_in(ADA, persona(ADA).password).await;
    let cookie = browser.cookie.clone().unwrap();
    assert_ne!(cookie, planted);
    let flags: Vec<&str> = first.set_cookie().unwrap().split("; ").skip(1).collect();
    for flag in ["HttpOnly", "Secure", "SameSite=Lax", "Path=/"] {
        assert!(flags.contains(&flag), "{flag} is missing from {flags:?}");
    }
    assert!(!flags.iter().any(|f| f.to_lowercase().starts_with("domain")));
    assert_eq!(first.headers.get_all("set-cookie").iter().count(), 2);
    let device = first.setting(DEVICE_COOKIE).unwrap();
    for flag in ["HttpOnly", "Secure", "SameSite=Lax", "Path=/"] {
        assert!(device.contains(&format!("; {flag}")), "{device}");
    }

    browser.log_in(ADA, persona(ADA).password).await;
    assert_ne!(
        browser.cookie.as_ref(),
        Some(&cookie),
        "a log-in begins a session with a new id"
    );
    assert!(browser.is_logged_in().await);
    let mut old = browser.with_cookie(&cookie);
    assert!(
        !old.is_logged_in().await,
        "the session before the log-in has ended"
    );

    for (table, rows) in house.contents(&[]).await {
        let now = browser.cookie.as_ref().unwrap().as_bytes();
        let known = rows
            .iter()
            .flatten()
            .flatten()
            .any(|cell| cell.windows(now.len()).any(|w| w == now));
        assert!(!known, "{table} holds the cookie itself");
    }
}

#[tokio::test]
async fn logging_out_ends_the_session_on_the_server_and_in_the_browser() {
    let (house, mut browser) = House::with(ADA).await;
    let cookie = browser.cookie.clone();
    assert!(browser.is_logged_in().await);
    assert_eq!(
        browser.get("/log-out").await.status,
        405,
        "a link or a picture logs nobody out"
    );
    assert!(browser.is_logged_in().await);

    let out = browser.post("/log-out", &[]).await;
    assert_eq!((out.status, out.location()), (303, "/log-in?done=out"));
    // "cookies" would end log-ins at the company's other sites too.
    assert_eq!(out.header("clear-site-data"), "\"cache\", \"storage\"");
    // Browsers take nothing about a cookie of this name without these, its end included.
    let ended = out.set_cookie().unwrap();
    assert!(ended.starts_with(&format!("{COOKIE_NAME}=;")), "{ended}");
    for flag in ["; Secure", "; Path=/", "; Max-Age=0"] {
        assert!(ended.contains(flag), "{flag} is missing from {ended}");
    }
    assert!(
        browser
            .get("/log-in?done=out")
            .await
            .text()
            .contains("You are logged out.")
    );
    let mut thief = house.browser();
    thief.cookie = cookie;
    assert!(
        !thief.is_logged_in().await,
        "the cookie still opens the account"
    );
    assert!(house.contents(&[]).await["sessions"].is_empty());
}

#[tokio::test]
async fn a_new_password_ends_every_session_and_tells_the_owner() {
    let (house, mut phone) = House::with(ADA).await;
    let mut laptop = house.logged_in(ADA).await;
    let mut ben = house.logged_in("ben@example.com").await;

    house
        .browser()
        .post("/forgot-password", &[("email", ADA)])
        .await;
    let link = house.link_to(ADA).await;
    assert!(phone.is_logged_in().await, "to ask for a link ends nothing");
    assert_eq!(
        house
            .browser()
            .post(&link, &[("password", GOOD)])
            .await
            .status,
        303
    );

    assert!(!phone.is_logged_in().await);
    assert!(!laptop.is_logged_in().await);
    assert!(ben.is_logged_in().await, "somebody else's session ended");
    assert_eq!(
        house
            .browser()
            .log_in(ADA, persona(ADA).password)
            .await
            .status,
        422,
        "the old password still works"
    );
    assert_eq!(phone.log_in(ADA, GOOD).await.status, 303);
    let (subject, text) = house.mail_to(ADA).await.pop().unwrap();
    assert_eq!(subject, "Your password at Finch & Rowan was changed");
    assert!(!text.contains(GOOD));
}

#[tokio::test]
async fn only_the_newest_thing_in_a_mail_is_a_link_and_each_link_is_its_own() {
    let house = House::demo().await;
    house.add(ADA).await;
    house
        .browser()
        .post("/forgot-password", &[("email", ADA)])
        .await;
    let first = house.link_to(ADA).await;
    house.clock.pass(60);
    house
        .browser()
        .post("/forgot-password", &[("email", ADA)])
        .await;
    let second = house.link_to(ADA).await;
    assert_ne!(first, second);
    assert_eq!(
        house
            .browser()
            .post(&second, &[("password", GOOD)])
            .await
            .status,
        303
    );
    assert_eq!(
        house.browser().get(&first).await.status,
        410,
        "a used link leaves older ones open"
    );
}

#[tokio::test]
async fn a_cookie_that_is_not_ours_is_a_strangers() {
    let (house, browser) = House::with(ADA).await;
    let other_house = House::demo().await;
    let foreign = other_house.logged_in(ADA).await.cookie.unwrap();
    let real = browser.cookie.unwrap();
    let mut flipped = real.clone().into_bytes();
    flipped[3] = if flipped[3] == b'A' { b'B' } else { b'A' };
    let flipped = String::from_utf8(flipped).unwrap();
    let long = "A".repeat(4000);
    for wrong in [
        flipped.as_str(),
        &foreign,
        "garbage",
        "AAAAAAAAAAAAAAAAAAAAAA",
        "=;=",
        "%00%FF",
        "\"quoted\"",
        &long,
        &format!("{real}A"),
        &real[1..],
    ] {
        let mut browser = house.browser();
        browser.cookie = Some(wrong.to_owned());
        let answer = browser.get("/my-data").await;
        assert_eq!(
            (answer.status, answer.location()),
            (303, "/log-in?next=/my-data"),
            "{wrong}"
        );
        browser.cookie = Some(wrong.to_owned());
        assert_eq!(browser.get("/").await.status, 200, "{wrong}");
    }
}

#[tokio::test]
async fn a_session_ends_when_it_is_not_used() {
    let (house, mut browser) = House::with(ADA).await;
    for _ in 0..3 {
        house.clock.pass(29 * 60);
        assert!(
            browser.is_logged_in().await,
            "each use begins the half hour again"
        );
    }
    house.clock.pass(30 * 60);
    assert!(!browser.is_logged_in().await);
}

#[tokio::test]
async fn a_session_ends_in_any_case() {
    let (house, mut browser) = House::with(ADA).await;
    for _ in 0..12 * 3 - 1 {
        house.clock.pass(20 * 60);
        assert!(browser.is_logged_in().await);
    }
    house.clock.pass(20 * 60);
    assert!(!browser.is_logged_in().await, "twelve hours have passed");
}

#[tokio::test]
async fn the_log_in_leads_back_and_never_away() {
    let house = House::demo().await;
    house.add(ADA).await;
    let asked = house.browser().get("/my-data/shop/orders").await;
    assert_eq!(asked.location(), "/log-in?next=/my-data/shop/orders");
    let form = house.browser().get(asked.location()).await;
    for next in html::fields(&form.body, "next") {
        assert_eq!(next, "/my-data/shop/orders");
    }

    let mut browser = house.browser();
    let fields = [
        ("email", ADA),
        ("password", persona(ADA).password),
        ("next", "/my-data/shop/orders"),
    ];
    assert_eq!(
        browser.post("/log-in", &fields).await.location(),
        "/my-data/shop/orders"
    );
    for away in [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/my-data@evil.example",
        "javascript:alert(1)",
        "/log-out",
        "",
    ] {
        let page = house
            .browser()
            .get(&format!(
                "/log-in?{}",
                crate::support::form(&[("next", away)])
            ))
            .await;
        assert!(
            html::fields(&page.body, "next")
                .iter()
                .all(|next| next == "/my-data"),
            "{away}"
        );
        // Whoever is logged in already is sent on at once.
        let at_once = browser
            .get(&format!(
                "/log-in?{}",
                crate::support::form(&[("next", away)])
            ))
            .await;
        assert_eq!(
            (at_once.status, at_once.location()),
            (303, "/my-data"),
            "{away}"
        );
        let fields = [
            ("email", ADA),
            ("password", persona(ADA).password),
            ("next", away),
        ];
        assert_eq!(
            house.browser().post("/log-in", &fields).await.location(),
            "/my-data",
            "{away}"
        );
    }
}

#[tokio::test]
async fn what_is_no_address_is_answered_in_words() {
    let house = House::demo().await;
    let before = house.contents(&[]).await;
    let long = format!("{}@example.com", "a".repeat(10_000));
    for path in ["/sign-up", "/forgot-password"] {
        for (wrong, words) in [
            ("", "Write your e-mail address"),
            ("   ", "Write your e-mail address"),
            ("ada", "does not look like an e-mail address"),
            (
                "ada@example.com, ben@example.com",
                "does not look like an e-mail address",
            ),
            (
                "ada@example.com\r\nBcc: eve@example.com",
                "does not look like an e-mail address",
            ),
            ("a\0da@example.com", "does not look like an e-mail address"),
            (&long, "too long"),
        ] {
            let answer = house.browser().post(path, &[("email", wrong)]).await;
            assert_eq!(answer.status, 422, "{path} {wrong:.40}");
            assert!(
                answer.text().contains(words),
                "{path} {wrong:.40}: {}",
                answer.text()
            );
        }
    }
    assert_eq!(before, house.contents(&[]).await);
}

#[tokio::test]
async fn addresses_are_the_same_in_any_spelling_that_means_the_same() {
    let house = House::demo().await;
    house.add(ADA).await;
    let mut browser = house.browser();
    assert_eq!(
        browser
            .log_in("  ADA@Example.COM ", persona(ADA).password)
            .await
            .status,
        303
    );
    assert_eq!(
        house
            .browser()
            .log_in("adá@example.com", persona(ADA).password)
            .await
            .status,
        422
    );
}

#[tokio::test]
async fn a_session_of_an_older_password_is_none() {
    let (house, mut ada) = House::with(ADA).await;
    let ben = house.logged_in("ben@example.com").await;
    // As when the session of a log-in is kept only after the password was changed and all sessions were ended.
    sqlx::query("UPDATE customers SET password_changed_at = password_changed_at + 1")
        .execute(&mut house.database().await)
        .await
        .unwrap();
    for mut browser in [ada.clone(), ben] {
        assert!(!browser.is_logged_in().await);
    }
    assert_eq!(ada.log_in(ADA, persona(ADA).password).await.status, 303);
    assert!(ada.is_logged_in().await);
}

#[tokio::test]
async fn nobody_can_fill_anothers_mailbox() {
    let house = House::demo().await;
    house.add(ADA).await;
    let ask = async || {
        for path in ["/forgot-password", "/sign-up", "/forgot-password"] {
            let asked = house.browser().post(path, &[("email", ADA)]).await;
            assert_eq!((asked.status, asked.location()), (303, "/check-your-mail"));
            house.work().await;
        }
    };
    // Signing her up again and again uses none of the mails with which she resets her password.
    for _ in 0..5 {
        house.browser().post("/sign-up", &[("email", ADA)]).await;
        house.work().await;
    }
    assert_eq!(house.mail_to(ADA).await.len(), 1);
    ask().await;
    ask().await;
    assert_eq!(house.mail_to(ADA).await.len(), 4, "and three links");
    assert!(house.contents(&[]).await["address_requests"].is_empty());
    house.clock.pass(3601);
    ask().await;
    assert_eq!(house.mail_to(ADA).await.len(), 6, "an hour later");
}

#[tokio::test]
async fn keys_stay_where_the_data_is_lost() {
    let house = House::demo().await;
    let mut browser = house.logged_in(ADA).await;
    assert_eq!(browser.get("/my-data").await.status, 200);
    house.clock.pass(60);
    house.work().await;
    house.add("ben@example.com").await;
    let keys = async || {
        let count = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM data_keys");
        count
            .fetch_one(&mut house.key_database().await)
            .await
            .unwrap()
    };
    // An older copy of the data, from before Ada; then none at all.
    for lost in [
        "DELETE FROM customers WHERE customer_id IN (SELECT customer_id FROM looks)",
        "DELETE FROM customers",
    ] {
        sqlx::query(sqlx::AssertSqlSafe(lost))
            .execute(&mut house.database().await)
            .await
            .unwrap();
        house.clock.pass(2 * 24 * 3600);
        house.work().await;
        assert_eq!(keys().await, 2, "{lost}");
    }
}

#[tokio::test]
async fn a_key_without_a_customer_is_swept_after_a_day() {
    let house = House::demo().await;
    house.add(ADA).await;
    let mut keys = house.key_database().await;
    for name in [
        "00000000-0000-7000-8000-000000000001",
        "ffffffff-0000-7000-8000-000000000001",
    ] {
        sqlx::query(
            "INSERT INTO data_keys (customer_id, wrapped, created_at) VALUES ($1, x'00', $2)",
        )
        .bind(name)
        .bind(house.portal.now().0)
        .execute(&mut keys)
        .await
        .unwrap();
    }
    let mut left = Vec::new();
    for hours in [23, 2] {
        house.clock.pass(hours * 3600);
        house.work().await;
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM data_keys")
            .fetch_one(&mut keys)
            .await
            .unwrap();
        left.push(count);
    }
    assert_eq!(left, [3, 1], "its data may only just be on its way");
    assert!(house.logged_in(ADA).await.is_logged_in().await);
}

#[tokio::test]
async fn a_job_that_panics_or_fails_often_comes_again_and_holds_up_no_other() {
    let house = House::demo().await;
    house.work().await;
    house.clock.pass(3600);
    let mut db = house.database().await;
    // The last try of an ordinary job.
    sqlx::query("UPDATE jobs SET attempts = 18")
        .execute(&mut db)
        .await
        .unwrap();
    // The first who asks is the worker, the second its first job.
    house.clock.panic_after(1);
    house.work().await;
    let jobs: Vec<(String, Option<String>, bool, i64)> = sqlx::query_as(
        "SELECT job_id, last_error, dead, (run_at - $1) / 1000000 FROM jobs ORDER BY job_id",
    )
    .bind(house.portal.now().0 - 1_000_000)
    .fetch_all(&mut db)
    .await
    .unwrap();
    let (broken, others) = jobs.split_first().unwrap();
    assert_eq!(
        (broken.1.as_deref(), broken.2, broken.3),
        (Some("panic"), false, 60)
    );
    assert!(others.len() > 1, "{jobs:?}");
    for other in others {
        assert_eq!((other.1.as_deref(), other.2), (None, false));
    }
    house.clock.pass(61);
    house.work().await;
    let errors: i64 = sqlx::query_scalar("SELECT count(*) FROM jobs WHERE last_error IS NOT NULL")
        .fetch_one(&mut db)
        .await
        .unwrap();
    assert_eq!(errors, 0);
}
