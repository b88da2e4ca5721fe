//! Devices: a customer sees where they are logged in, and ends it (ASVS 5.0, 7.4.2, 7.4.3, 7.5.2).

use reqwest::Method;

use crate::support::{Answer, Browser, House, form, persona};

const ADA: &str = "ada@example.com";
const BEN: &str = "ben@example.com";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const IPHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1";

/// Logs in with a browser that calls itself so.
async fn log_in_with(house: &House, email: &str, user_agent: &str) -> Browser {
    let mut browser = house.browser();
    let fields = [("email", email), ("password", persona(email).password)];
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("user-agent", user_agent),
    ];
    let answer = browser
        .send(Method::POST, "/log-in", &headers, form(&fields).into())
        .await;
    assert_eq!(answer.status, 303);
    browser
}

/// The names of the sessions that the page has buttons for.
fn others(page: &Answer) -> Vec<String> {
    let values = page.body.split("name=\"session\" value=\"").skip(1);
    values
        .map(|rest| rest.split('"').next().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_customer_sees_their_devices_and_which_is_this_one() {
    let house = House::demo().await;
    house.add(ADA).await;
    house.add(BEN).await;
    let mut phone = log_in_with(&house, ADA, IPHONE).await;
    let mut laptop = log_in_with(&house, ADA, FIREFOX).await;
    log_in_with(&house, BEN, "<script>alert(1)</script>").await;

    let page = laptop.get("/account/devices").await;
    let text = page.text();
    let (here, elsewhere) = text.split_once("Other devices").unwrap();
    assert!(here.contains("Firefox on Linux"), "{text}");
    assert!(elsewhere.contains("Safari on an iPhone"), "{text}");
    assert!(elsewhere.contains("Logged in today at"), "{text}");
    assert!(!text.contains("does not say its name"), "that is Ben's");
    assert_eq!(others(&page).len(), 1);
    let text = phone.get("/account/devices").await.text();
    let (here, elsewhere) = text.split_once("Other devices").unwrap();
    assert!(here.contains("Safari on an iPhone") && elsewhere.contains("Firefox on Linux"));
}

#[tokio::test]
async fn a_device_is_logged_out_from_another_at_once() {
    let house = House::demo().await;
    house.add(ADA).await;
    let mut phone = log_in_with(&house, ADA, IPHONE).await;
    let mut laptop = log_in_with(&house, ADA, FIREFOX).await;
    let phones = others(&laptop.get("/account/devices").await).remove(0);
    let answer = laptop
        .post("/account/devices", &[("session", &phones)])
        .await;
    assert_eq!(answer.location(), "/account/devices?done=one");
    assert!(!phone.is_logged_in().await);
    assert!(laptop.is_logged_in().await);
    let page = laptop.get("/account/devices?done=one").await.text();
    assert!(page.contains("That device is logged out.") && page.contains("nowhere else"));
}

#[tokio::test]
async fn all_other_devices_are_logged_out_together() {
    let house = House::demo().await;
    house.add(ADA).await;
    let mut others = Vec::new();
    for _ in 0..3 {
        others.push(log_in_with(&house, ADA, IPHONE).await);
    }
    let mut laptop = log_in_with(&house, ADA, FIREFOX).await;
    let answer = laptop.post("/account/devices", &[]).await;
    assert_eq!(answer.location(), "/account/devices?done=others");
    for other in &mut others {
        assert!(!other.is_logged_in().await);
    }
    assert!(laptop.is_logged_in().await);
}

/// ASVS 5.0, 8.2.2.
#[tokio::test]
async fn nobody_ends_or_sees_what_is_somebody_elses() {
    let house = House::demo().await;
    house.add(ADA).await;
    house.add(BEN).await;
    let mut ada = log_in_with(&house, ADA, FIREFOX).await;
    log_in_with(&house, ADA, IPHONE).await;
    let mut ben = log_in_with(&house, BEN, IPHONE).await;
    let phones = others(&ada.get("/account/devices").await).remove(0);
    ben.post("/account/devices", &[("session", &phones)]).await;
    ben.post("/account/devices", &[]).await;
    assert_eq!(others(&ada.get("/account/devices").await), [phones]);
}

#[tokio::test]
async fn a_session_that_has_ended_is_no_device() {
    let house = House::demo().await;
    house.add(ADA).await;
    log_in_with(&house, ADA, IPHONE).await;
    house.clock.pass(29 * 60);
    let mut laptop = log_in_with(&house, ADA, FIREFOX).await;
    assert_eq!(others(&laptop.get("/account/devices").await).len(), 1);
    house.clock.pass(60);
    let page = laptop.get("/account/devices").await;
    assert_eq!(others(&page), Vec::<String>::new(), "the phone was idle");
}

/// The words come out of the database only with the customer's key.
#[tokio::test]
async fn what_device_it_is_stands_nowhere_in_plain() {
    let house = House::demo().await;
    house.add(ADA).await;
    log_in_with(&house, ADA, FIREFOX).await;
    for (table, rows) in house.contents(&[]).await {
        let plain = rows.iter().flatten().flatten().any(|value| {
            value
                .windows(7)
                .any(|bytes| bytes.eq_ignore_ascii_case(b"firefox"))
        });
        assert!(!plain, "{table}");
    }
}

/// What is shown of a log-in is read, so it is written down like everything else.
#[tokio::test]
async fn who_sees_devices_passkeys_or_the_address_of_an_app_leaves_a_look() {
    let (house, mut ada) = House::with(ADA).await;
    ada.post("/account/app", &[]).await;
    for path in ["/account/devices", "/account/passkeys", "/account/app/new"] {
        let before = house.looks().await.len();
        assert_eq!(ada.get(path).await.status, 200);
        assert_eq!(house.looks().await.len(), before + 1, "{path}");
    }
    let told = ada.get("/who-looked").await.text();
    assert!(told.contains("You looked at your log-in."), "{told}");
}
