//! Alerts: the owner is told of what is done to their account, and ends it when it was not them (ASVS 5.0, 6.3.5, 6.3.7).

use crate::support::{House, link_in, persona};

const ADA: &str = "ada@example.com";
const NEW: &str = "seven grey geese in a row";

/// How many mails told Ada of a new device.
async fn told_of_devices(house: &House) -> usize {
    let mails = house.mail_to(ADA).await;
    mails
        .iter()
        .filter(|(subject, _)| subject.starts_with("A new device at "))
        .count()
}

#[tokio::test]
async fn a_new_device_is_told_once_and_the_first_of_all_is_not() {
    let (house, mut laptop) = House::with(ADA).await;
    assert_eq!(told_of_devices(&house).await, 0, "the first log-in of all");
    laptop.post("/log-out", &[]).await;
    laptop.log_in(ADA, persona(ADA).password).await;
    assert_eq!(told_of_devices(&house).await, 0, "the same device");
    let mut phone = house.browser();
    phone.log_in(ADA, "wrong").await;
    assert_eq!(told_of_devices(&house).await, 0, "nobody came in");
    for _ in 0..2 {
        phone.log_in(ADA, persona(ADA).password).await;
        assert_eq!(told_of_devices(&house).await, 1);
    }
    let (_, text) = house.mail_to(ADA).await.pop().unwrap();
    assert!(
        text.contains("with a new device: A browser that does not say its name."),
        "{text}"
    );
    assert!(text.contains("It was 15 January 2020"), "{text}");
}

#[tokio::test]
async fn what_no_cookie_of_ours_holds_is_a_new_device() {
    let (house, _) = House::with(ADA).await;
    for (made_up, told) in [("x", 1), (&"A".repeat(43), 2), ("", 3)] {
        let mut browser = house.browser();
        browser.device = Some(made_up.to_owned());
        browser.log_in(ADA, persona(ADA).password).await;
        assert_eq!(told_of_devices(&house).await, told);
        assert_eq!(browser.device.as_ref().unwrap().len(), 43);
    }
}

#[tokio::test]
async fn whoever_says_that_it_was_not_them_ends_it_and_chooses_a_new_password() {
    let (house, mut ada) = House::with(ADA).await;
    let mut thief = house.browser();
    thief.log_in(ADA, persona(ADA).password).await;
    let link = house.link_to(ADA).await;
    assert!(link.starts_with("/not-me/"), "{link}");
    let mut phone = house.device("the thief's phone");
    thief.add_passkey(&mut phone).await;

    let before = house.contents(&[]).await;
    let page = house.browser().get(&link).await;
    assert!(page.text().contains("Was it not you?"));
    assert!(
        before == house.contents(&[]).await,
        "opening it changes nothing"
    );

    let mut owner = house.browser();
    let answer = owner.post(&link, &[]).await;
    assert_eq!(answer.status, 303);
    assert!(!thief.is_logged_in().await && !ada.is_logged_in().await);
    assert_eq!(thief.use_passkey(&mut phone).await.status, 422);
    let reset = answer.location().to_owned();
    assert!(reset.starts_with("/set-password/"), "{reset}");
    owner.post(&reset, &[("password", NEW)]).await;
    assert_eq!(thief.log_in(ADA, persona(ADA).password).await.status, 422);
    assert_eq!(owner.log_in(ADA, NEW).await.location(), "/my-data");
}

/// The link sets no password by itself, acts once, and ends after three days.
#[tokio::test]
async fn the_link_does_one_thing_once() {
    let (house, mut ada) = House::with(ADA).await;
    ada.post("/account/password", &[("password", NEW)]).await;
    let (subject, text) = house.mail_to(ADA).await.pop().unwrap();
    assert!(subject.starts_with("Your password at "), "{subject}");
    let link = link_in(&text);
    let token = link.strip_prefix("/not-me/").unwrap();
    let elsewhere = format!("/set-password/{token}");
    assert_eq!(house.browser().get(&elsewhere).await.status, 410);
    let set = house
        .browser()
        .post(&elsewhere, &[("password", "another one that fits")])
        .await;
    assert_eq!(set.status, 410);

    // A link for a password is none of these.
    house
        .browser()
        .post("/forgot-password", &[("email", ADA)])
        .await;
    let reset = house.link_to(ADA).await;
    let as_alert = reset.replace("/set-password/", "/not-me/");
    assert_eq!(house.browser().post(&as_alert, &[]).await.status, 410);

    house.clock.pass(3 * 24 * 3600 - 60);
    assert_eq!(house.browser().get(&link).await.status, 200);
    assert_eq!(house.browser().post(&link, &[]).await.status, 303);
    assert_eq!(house.browser().post(&link, &[]).await.status, 410);
}

#[tokio::test]
async fn the_link_ends_after_three_days() {
    let (house, mut ada) = House::with(ADA).await;
    ada.post("/account/password", &[("password", NEW)]).await;
    let link = house.link_to(ADA).await;
    house.clock.pass(3 * 24 * 3600);
    assert_eq!(house.browser().get(&link).await.status, 410);
    assert_eq!(house.browser().post(&link, &[]).await.status, 410);
}

/// What was there before the last three days stays: whoever holds the mailbox can't take an older factor off.
#[tokio::test]
async fn an_older_factor_stays() {
    let (house, mut ada) = House::with(ADA).await;
    let mut phone = house.device("Ada's phone");
    ada.add_passkey(&mut phone).await;
    house.work().await;
    house.clock.pass(3 * 24 * 3600);
    ada.use_passkey(&mut phone).await;
    ada.post("/account/password", &[("password", NEW)]).await;
    let link = house.link_to(ADA).await;
    house.browser().post(&link, &[]).await;
    assert_eq!(house.browser().use_passkey(&mut phone).await.status, 303);
}

/// The thief adds an app, then makes recovery codes, and comes in on another device; the owner opens the newest mail of all.
#[tokio::test]
async fn the_newest_mail_takes_back_all_that_was_done_and_locks_nobody_out() {
    let (house, mut thief) = House::with(ADA).await;
    let mut theirs = house.device("the thief's phone");
    thief.add_passkey(&mut theirs).await;
    house.clock.pass(60);
    let codes = thief.post("/account/recovery-codes", &[]).await;
    assert_eq!(codes.location(), "/account/recovery-codes");
    let page = thief.get("/account/recovery-codes").await;
    let code = crate::second_step::codes(&page.body).remove(0);
    house.clock.pass(60);
    let link = house.link_to(ADA).await;
    let mut owner = house.browser();
    let reset = owner.post(&link, &[]).await.location().to_owned();
    owner.post(&reset, &[("password", NEW)]).await;
    assert_eq!(
        owner.log_in(ADA, NEW).await.location(),
        "/my-data",
        "no second step"
    );
    assert_eq!(thief.use_passkey(&mut theirs).await.status, 422);
    let told = told_of_devices(&house).await;
    let known = thief.log_in(ADA, NEW).await;
    assert_eq!(
        known.location(),
        "/my-data",
        "no code is asked for, so {code} opens nothing"
    );
    assert_eq!(
        told_of_devices(&house).await,
        told + 1,
        "their browser is a new device"
    );
    let again = house.browser().post(&link, &[]).await;
    assert_eq!(again.status, 410, "the link acts once");
}

/// However often somebody comes in: the mailbox does not fill, and the owner still gets a link for a new password.
#[tokio::test]
async fn alerts_fill_no_mailbox_and_use_up_no_links() {
    let (house, _) = House::with(ADA).await;
    for _ in 0..14 {
        house.browser().log_in(ADA, persona(ADA).password).await;
    }
    assert_eq!(told_of_devices(&house).await, 10);
    house
        .browser()
        .post("/forgot-password", &[("email", ADA)])
        .await;
    assert!(house.link_to(ADA).await.starts_with("/set-password/"));
}
