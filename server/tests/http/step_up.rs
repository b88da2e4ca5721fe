//! Stepping up: what is grave needs a fresh log-in in between (ASVS 5.0, 7.5.1, 7.5.3).

use crate::support::{House, persona};

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
