//! The second step: codes from an app, and recovery codes (ASVS 5.0, 6.3.3, 6.4.3, 6.5.1).

use totp_rs::{Builder, Secret, Totp};

use crate::html;
use crate::support::{Browser, House, persona};

const ADA: &str = "ada@example.com";
const BEN: &str = "ben@example.com";

/// An app that makes codes.
pub struct App(Totp);

impl App {
    pub fn new(key: &str) -> Self {
        let secret = Secret::try_from_base32(key.replace(' ', "")).unwrap();
        Self(Builder::new().with_secret(secret).build().unwrap())
    }

    /// The code that it shows now, or showed or will show so many steps away.
    pub fn code(&self, house: &House, steps: i64) -> String {
        let seconds = house.portal.now().timestamp().as_second() + 30 * steps;
        self.0.generate(u64::try_from(seconds).unwrap()).to_string()
    }
}

/// The texts of the page's `code` elements.
pub fn codes(body: &str) -> Vec<String> {
    let inside = body.split("<code").skip(1);
    let text = |rest: &str| {
        rest.split_once('>')
            .unwrap()
            .1
            .split('<')
            .next()
            .unwrap()
            .to_owned()
    };
    inside.map(text).collect()
}

/// Sets an app up; answers it and the recovery codes.
async fn set_up(house: &House, browser: &mut Browser) -> (App, Vec<String>) {
    let begun = browser.post("/account/app", &[]).await;
    assert_eq!(begun.location(), "/account/app/new");
    let page = browser.get(begun.location()).await;
    let app = App::new(&codes(&page.body)[0]);
    let wrong = browser
        .post("/account/app/new", &[("code", "000000")])
        .await;
    assert_eq!(wrong.status, 422);
    let code = app.code(house, 0);
    let added = browser.post("/account/app/new", &[("code", &code)]).await;
    assert_eq!(added.location(), "/account/recovery-codes");
    let shown = browser.get(added.location()).await;
    (app, codes(&shown.body))
}

async fn with_app() -> (House, Browser, App, Vec<String>) {
    let (house, mut ada) = House::with(ADA).await;
    let (app, recovery) = set_up(&house, &mut ada).await;
    // The code that set it up is used.
    house.clock.pass(60);
    (house, ada, app, recovery)
}

/// A browser in which Ada's password was right.
async fn half_in(house: &House) -> Browser {
    let mut browser = house.browser();
    let half = browser.log_in(ADA, persona(ADA).password).await;
    assert_eq!(half.location(), "/log-in/code?next=/my-data");
    browser
}

impl Browser {
    async fn send_code(&mut self, code: &str) -> u16 {
        self.post("/log-in/code", &[("code", code)]).await.status
    }
}

#[tokio::test]
async fn with_an_app_a_code_is_asked_for_and_counts_once() {
    let (house, _, app, _) = with_app().await;
    let mut browser = half_in(&house).await;
    let before = browser.cookie.clone();
    let code = app.code(&house, 0);
    assert_eq!(browser.send_code("123456").await, 422);
    assert_eq!(browser.send_code("no code").await, 422);
    assert!(!browser.is_logged_in().await);
    assert_eq!(browser.send_code(&code).await, 303);
    assert!(browser.is_logged_in().await);
    assert_ne!(browser.cookie, before, "a new id (7.2.4)");
    assert_eq!(
        browser.send_code(&code).await,
        303,
        "there is no second step any more"
    );

    let mut again = half_in(&house).await;
    assert_eq!(again.send_code(&code).await, 422, "it was used");
    assert_eq!(
        again.send_code(&app.code(&house, -1)).await,
        422,
        "an older one"
    );
    assert_eq!(
        again.send_code(&app.code(&house, 1)).await,
        303,
        "the next one"
    );
}

#[tokio::test]
async fn a_recovery_code_works_once_and_the_owner_is_told() {
    let (house, mut ada, _, recovery) = with_app().await;
    assert_eq!(recovery.len(), 10);
    let typed = recovery[3].to_lowercase().replace('-', " ");
    assert_eq!(half_in(&house).await.send_code(&typed).await, 303);
    let mut again = half_in(&house).await;
    assert_eq!(again.send_code(&typed).await, 422);
    assert_eq!(again.send_code(&recovery[4]).await, 303);
    let mails = house.mail_to(ADA).await;
    assert!(
        mails
            .iter()
            .any(|(_, text)| text.contains("with a recovery code"))
    );

    // They are shown until their owner kept them, and never again.
    let shown = ada.get("/account/recovery-codes").await;
    assert_eq!(codes(&shown.body), recovery);
    ada.post("/account/recovery-codes/kept", &[]).await;
    let shown = ada.get("/account/recovery-codes").await;
    assert_eq!(codes(&shown.body), Vec::<String>::new());
    assert!(shown.text().contains("You have 8 recovery codes left."));
    ada.post("/account/recovery-codes", &[]).await;
    let new = codes(&ada.get("/account/recovery-codes").await.body);
    assert_eq!(new.len(), 10);
    let mut with_old = half_in(&house).await;
    assert_eq!(
        with_old.send_code(&recovery[5]).await,
        422,
        "the old ones have ended"
    );
    assert_eq!(with_old.send_code(&new[5]).await, 303);
}

#[tokio::test]
async fn nobody_elses_codes_work() {
    let (house, _, _, _) = with_app().await;
    let mut ben = house.logged_in(BEN).await;
    let (bens, recovery) = set_up(&house, &mut ben).await;
    house.clock.pass(60);
    let mut browser = half_in(&house).await;
    assert_eq!(browser.send_code(&bens.code(&house, 0)).await, 422);
    assert_eq!(browser.send_code(&recovery[0]).await, 422);
}

/// ASVS 5.0, 6.3.1.
#[tokio::test]
async fn guessing_codes_is_held_back_whatever_session_it_is_in() {
    let (house, _, app, recovery) = with_app().await;
    for guess in ["111111", "222222", "333333", "AAAAA-AAAAA", "555555"] {
        assert_eq!(half_in(&house).await.send_code(guess).await, 422);
    }
    let mut browser = half_in(&house).await;
    assert_eq!(browser.send_code(&app.code(&house, 0)).await, 429);
    assert_eq!(browser.send_code(&recovery[0]).await, 429);
    assert_eq!(browser.send_code("no code").await, 422, "that takes no try");
    house.clock.pass(2);
    assert_eq!(browser.send_code(&app.code(&house, 0)).await, 303);
}

#[tokio::test]
async fn half_in_is_out_and_ends_soon() {
    let (house, mut ada, app, _) = with_app().await;
    let mut browser = half_in(&house).await;
    for path in ["/my-data", "/account", "/account/app", "/still-you"] {
        assert_eq!(browser.get(path).await.status, 303, "{path}");
    }
    house.clock.pass(10 * 60);
    let late = browser
        .post("/log-in/code", &[("code", &app.code(&house, 0))])
        .await;
    assert_eq!(late.location(), "/log-in");
    assert!(!browser.is_logged_in().await);

    // A password that was changed in between opens nothing.
    let mut browser = half_in(&house).await;
    let asked = [
        ("password", persona(ADA).password),
        ("next", "/account/password"),
    ];
    assert_eq!(
        ada.post("/still-you", &asked).await.location(),
        "/log-in/code?next=/account/password"
    );
    let code = [
        ("code", app.code(&house, 0)),
        ("next", "/account/password".to_owned()),
    ];
    let code = code.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_eq!(
        ada.post("/log-in/code", &code).await.location(),
        "/account/password"
    );
    let changed = ada
        .post(
            "/account/password",
            &[("password", "seven grey geese in a row")],
        )
        .await;
    assert_eq!(changed.status, 303);
    house.clock.pass(30);
    browser.send_code(&app.code(&house, 0)).await;
    assert!(!browser.is_logged_in().await);
}

/// ASVS 5.0, 6.4.3.
#[tokio::test]
async fn a_new_password_does_not_skip_the_second_step() {
    let (house, _, app, _) = with_app().await;
    house
        .browser()
        .post("/forgot-password", &[("email", ADA)])
        .await;
    let link = house.link_to(ADA).await;
    let mut browser = house.browser();
    browser
        .post(&link, &[("password", "seven grey geese in a row")])
        .await;
    let half = browser.log_in(ADA, "seven grey geese in a row").await;
    assert_eq!(half.location(), "/log-in/code?next=/my-data");
    assert!(!browser.is_logged_in().await);
    assert_eq!(browser.send_code(&app.code(&house, 0)).await, 303);
}

#[tokio::test]
async fn an_app_is_taken_off_and_nothing_stays() {
    let (house, mut ada, _, recovery) = with_app().await;
    let off = ada.post("/account/app/off", &[]).await;
    assert_eq!(off.location(), "/account/app?done=off");
    let mut browser = house.browser();
    assert_eq!(
        browser.log_in(ADA, persona(ADA).password).await.location(),
        "/my-data"
    );
    let left = house.contents(&[]).await;
    assert!(left["app_codes"].is_empty() && left["recovery_codes"].is_empty());
    drop(recovery);
}

#[tokio::test]
async fn secrets_and_codes_stand_nowhere_in_plain() {
    let (house, mut ada) = House::with(ADA).await;
    ada.post("/account/app", &[]).await;
    let page = ada.get("/account/app/new").await;
    let key = codes(&page.body)[0].replace(' ', "");
    assert!(
        html::attributes(&page.body, "src")
            .iter()
            .any(|(_, src)| src.starts_with("data:image/svg+xml;base64,"))
    );
    let (_, recovery) = set_up(&house, &mut ada).await;
    for (table, rows) in house.contents(&[]).await {
        for value in rows.iter().flatten().flatten() {
            let has = |what: &str| {
                value
                    .windows(what.len())
                    .any(|bytes| bytes == what.as_bytes())
            };
            assert!(!has(&key) && !has(&recovery[0]), "{table}");
            assert!(!has(&recovery[0].replace('-', "")), "{table}");
        }
    }
}

/// Codes that were shown and not kept end with the last factor, and with newer ones from another browser.
#[tokio::test]
async fn codes_that_let_nobody_in_are_not_shown_as_if_they_did() {
    let (house, mut ada) = House::with(ADA).await;
    ada.add_passkey(&mut house.device("phone")).await;
    let shown = codes(&ada.get("/account/recovery-codes").await.body);
    assert_eq!(shown.len(), 10);
    ada.post("/account/recovery-codes", &[]).await;
    let newer = codes(&ada.get("/account/recovery-codes").await.body);
    assert_ne!(newer, shown);
    let page = ada.get("/account/passkeys").await;
    let id = crate::html::fields(&page.body, "id").remove(0);
    ada.post("/account/passkeys/off", &[("id", &id)]).await;
    let page = ada.get("/account/recovery-codes").await;
    assert!(
        codes(&page.body).is_empty(),
        "they ended with the last factor"
    );
    let kept = ada.post("/account/recovery-codes/kept", &[]).await;
    assert_eq!(
        kept.location(),
        "/account/recovery-codes",
        "nothing was kept"
    );
}
