//! Stepping up: what is grave needs a fresh log-in in between (ASVS 5.0, 7.5.1, 7.5.3).

use crate::html;
use crate::support::{House, persona};
use crate::who_may::CUSTOMERS_FORMS;

const ADA: &str = "ada@example.com";
const NEW: &str = "seven grey geese in a row";
/// As long as a log-in is fresh.
const FRESH: i64 = 10 * 60;

#[tokio::test]
async fn a_fresh_log_in_is_asked_nothing_and_an_older_one_is() {
    let (house, mut ada) = House::with(ADA).await;
    house.clock.pass(FRESH - 1);
    assert_eq!(ada.get("/account/password").await.status, 200);
    house.clock.pass(1);
    let asked = ada.get("/account/password").await;
    assert_eq!(asked.location(), "/still-you?next=/account/password");
    let page = ada.get(asked.location()).await;
    assert!(page.text().contains("Is it still you?"));
    let before = ada.cookie.clone();
    let fields = [
        ("password", persona(ADA).password),
        ("next", "/account/password"),
    ];
    let back = ada.post("/still-you", &fields).await;
    assert_eq!(back.location(), "/account/password");
    assert_ne!(ada.cookie, before, "a new id at step-up (7.2.4)");
    assert_eq!(ada.get("/account/password").await.status, 200);
    let mut old = ada.with_cookie(&before.unwrap());
    assert!(!old.is_logged_in().await, "the old id is worth nothing");
}

#[tokio::test]
async fn a_wrong_password_steps_nobody_up_and_is_held_back_like_a_log_in() {
    let (house, mut ada) = House::with(ADA).await;
    house.clock.pass(FRESH);
    for _ in 0..5 {
        let answer = ada.post("/still-you", &[("password", "wrong")]).await;
        assert_eq!(answer.status, 422);
        assert!(answer.text().contains("That is not your password."));
    }
    let held = ada
        .post("/still-you", &[("password", persona(ADA).password)])
        .await;
    assert_eq!((held.status, held.header("retry-after")), (429, "2"));
    assert!(ada.is_logged_in().await, "it is still theirs");
    assert_eq!(ada.get("/account/password").await.status, 303);
}

#[tokio::test]
async fn somebody_elses_password_steps_nobody_up() {
    let (house, mut ada) = House::with(ADA).await;
    house.add("ben@example.com").await;
    house.clock.pass(FRESH);
    let bens = persona("ben@example.com").password;
    let fields = [("password", bens), ("email", "ben@example.com")];
    assert_eq!(ada.post("/still-you", &fields).await.status, 422);
}

#[tokio::test]
async fn a_form_that_comes_too_late_changes_nothing() {
    let (house, mut ada) = House::with(ADA).await;
    house.clock.pass(FRESH);
    let late = ada.post("/account/password", &[("password", NEW)]).await;
    assert_eq!(late.location(), "/still-you?next=/account/password");
    let mut other = house.browser();
    assert_eq!(other.log_in(ADA, NEW).await.status, 422);
    for (table, rows) in house.contents(&[]).await {
        let plain = rows.iter().flatten().flatten();
        let mut found = plain.filter(|v| v.windows(NEW.len()).any(|w| w == NEW.as_bytes()));
        assert!(found.next().is_none(), "{table}");
    }
}

#[tokio::test]
async fn a_new_password_ends_all_other_sessions_and_the_owner_is_told() {
    let (house, mut ada) = House::with(ADA).await;
    let mut phone = house.browser();
    phone.log_in(ADA, persona(ADA).password).await;
    let before = ada.cookie.clone();
    let weak = ada
        .post("/account/password", &[("password", "short")])
        .await;
    assert_eq!(weak.status, 422);
    assert!(phone.is_logged_in().await);
    let changed = ada.post("/account/password", &[("password", NEW)]).await;
    assert_eq!(changed.location(), "/account?done=password");
    assert!(ada.is_logged_in().await);
    assert_ne!(ada.cookie, before);
    assert!(!phone.is_logged_in().await);
    assert_eq!(phone.log_in(ADA, persona(ADA).password).await.status, 422);
    assert_eq!(phone.log_in(ADA, NEW).await.status, 303);
    let mails = house.mail_to(ADA).await;
    let (subject, _) = mails.last().unwrap();
    assert!(subject.starts_with("Your password at "), "{subject}");
}

/// Two people at one browser: nothing that waits in the session of one is shown to the other.
#[tokio::test]
async fn whoever_logs_in_next_finds_nothing_of_who_was_there_before() {
    let (house, mut browser) = House::with(ADA).await;
    house.add("ben@example.com").await;
    browser.post("/account/app", &[]).await;
    browser.add_passkey(&mut house.device("Ada's phone")).await;
    let codes = browser.get("/account/recovery-codes").await;
    assert!(codes.text().contains("I have kept them"));

    let bens = persona("ben@example.com").password;
    browser.log_in("ben@example.com", bens).await;
    let page = browser.get("/account/recovery-codes").await.text();
    assert!(
        page.contains("You get recovery codes when you add"),
        "{page}"
    );
    let app = browser.get("/account/app/new").await;
    assert_eq!(app.location(), "/account/app");
}

/// A half log-in that somebody left behind is in nobody's way.
#[tokio::test]
async fn a_passkey_logs_in_where_somebody_else_gave_up() {
    let (house, mut ada) = House::with(ADA).await;
    let mut phone = house.device("Ada's phone");
    ada.add_passkey(&mut phone).await;
    let mut ben = house.logged_in("ben@example.com").await;
    ben.add_passkey(&mut house.device("Ben's phone")).await;
    let mut browser = house.browser();
    let half = browser
        .log_in("ben@example.com", persona("ben@example.com").password)
        .await;
    assert!(half.location().starts_with("/log-in/code"));
    assert_eq!(browser.use_passkey(&mut phone).await.status, 303);
    assert!(browser.get("/my-data").await.text().contains(ADA));
}

#[tokio::test]
async fn what_was_typed_is_there_again_after_stepping_up() {
    let (house, mut ada) = House::with(ADA).await;
    let mut phone = house.device("Ada's phone");
    ada.add_passkey(&mut phone).await;
    let page = ada.get("/account/passkeys").await;
    let id = html::fields(&page.body, "id").remove(0);
    house.clock.pass(FRESH);
    let fields = [("id", id.as_str()), ("name", "the blue one")];
    let late = ada.post("/account/passkeys/name", &fields).await;
    assert_eq!(late.location(), "/still-you?next=/account/passkeys/name");
    let asked = ada.asked_to_use("/account/passkeys/name").await;
    let answer = [("passkey", phone.answer(&asked))];
    let answer = answer
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let back = ada.post("/log-in/passkey/answer", &answer).await;
    let back = ada.get(back.location()).await;
    assert_eq!(back.location(), "/account/passkeys");
    let page = ada.get(back.location()).await;
    assert_eq!(html::fields(&page.body, "name"), ["the blue one"]);
    assert!(
        page.text().contains("my phone"),
        "it has its old name still"
    );
    ada.post("/account/passkeys/name", &fields).await;
    let page = ada.get("/account/passkeys").await;
    assert_eq!(
        html::fields(&page.body, "name"),
        ["the blue one"],
        "now it is its name"
    );
    assert!(!page.text().contains("my phone"));
}

/// From each form one comes back to its page, and never to an address that opens nothing.
#[tokio::test]
async fn every_form_that_asks_again_leads_back_to_a_page() {
    let (house, mut ada) = House::with(ADA).await;
    ada.add_passkey(&mut house.device("Ada's phone")).await;
    for form in CUSTOMERS_FORMS
        .iter()
        .filter_map(|f| f.strip_prefix("POST "))
        .filter(|f| !f.contains("{id}"))
    {
        house.clock.pass(FRESH);
        let fields = [
            ("email", "eve@example.com"),
            ("password", NEW),
            ("code", "123456"),
            ("id", "x"),
            ("name", "x"),
            ("passkey", "{}"),
        ];
        let late = ada.post(form, &fields).await;
        let Some(next) = late.location().strip_prefix("/still-you?next=") else {
            continue;
        };
        let mut opened = ada.get(next).await;
        while opened.status == 303 && !opened.location().starts_with("/still-you") {
            opened = ada.get(opened.location()).await;
        }
        assert!(
            opened.status == 200 || opened.status == 303,
            "{form} leads to {}",
            opened.status
        );
    }
}
