//! Passkeys: add, log in with nothing else, name, take off; and everything that is no passkey of this portal.

use serde_json::Value;

use crate::authenticator::Authenticator;
use crate::html;
use crate::support::{Answer, Browser, House, persona};

const ADA: &str = "ada@example.com";
const BEN: &str = "ben@example.com";

impl House {
    /// A device of this name that a browser on this portal's pages uses.
    pub fn device(&self, name: &str) -> Authenticator {
        Authenticator::new(name, &self.portal.settings().public_url)
    }
}

/// What the page's button asks of the browser.
fn options(page: &Answer) -> Value {
    let (_, props) = html::attributes(&page.body, "data-props").pop().unwrap();
    let props: Value = serde_json::from_str(&props).unwrap();
    serde_json::from_str(props["options"].as_str().unwrap()).unwrap()
}

impl Browser {
    /// Adds a passkey to the account that is logged in; answers what came of it.
    pub async fn add_passkey(&mut self, device: &mut Authenticator) -> Answer {
        let asked = self.asked_to_make().await;
        let made = device.make(&asked);
        self.post(
            "/account/passkeys/new",
            &[("passkey", &made), ("name", "my phone")],
        )
        .await
    }

    async fn asked_to_make(&mut self) -> Value {
        let begun = self.post("/account/passkeys", &[]).await;
        assert_eq!(begun.location(), "/account/passkeys/new");
        options(&self.get(begun.location()).await)
    }

    /// What the browser is asked when somebody wants to log in with a passkey.
    pub async fn asked_to_use(&mut self, next: &str) -> Value {
        let begun = self.post("/log-in/passkey", &[("next", next)]).await;
        assert_eq!(begun.location(), "/log-in/passkey");
        options(&self.get(begun.location()).await)
    }

    /// Logs in with a passkey; answers what came of it.
    pub async fn use_passkey(&mut self, device: &mut Authenticator) -> Answer {
        let asked = self.asked_to_use("/my-data").await;
        let answer = device.answer(&asked);
        self.send_passkey(&answer).await
    }

    async fn send_passkey(&mut self, answer: &str) -> Answer {
        self.post("/log-in/passkey/answer", &[("passkey", answer)])
            .await
    }
}

async fn with_passkey() -> (House, Browser, Authenticator) {
    let (house, mut ada) = House::with(ADA).await;
    let mut phone = house.device("Ada's phone");
    let added = ada.add_passkey(&mut phone).await;
    assert_eq!(added.location(), "/account/recovery-codes");
    (house, ada, phone)
}

#[tokio::test]
async fn a_passkey_logs_in_alone() {
    let (house, mut ada, mut phone) = with_passkey().await;
    assert!(
        ada.get("/account/passkeys")
            .await
            .text()
            .contains("my phone")
    );
    let mut other = house.browser();
    for _ in 0..2 {
        let entered = other.use_passkey(&mut phone).await;
        assert_eq!((entered.status, entered.location()), (303, "/my-data"));
        assert!(other.get("/my-data").await.text().contains(ADA));
    }
    assert!(
        ada.get("/account/passkeys")
            .await
            .text()
            .contains("Used today at")
    );
}

#[tokio::test]
async fn with_a_passkey_the_password_alone_is_not_enough() {
    let (house, _, mut phone) = with_passkey().await;
    let mut other = house.browser();
    let half = other.log_in(ADA, persona(ADA).password).await;
    assert_eq!(half.location(), "/log-in/code?next=/my-data");
    assert!(!other.is_logged_in().await);
    let page = other.get(half.location()).await;
    assert!(page.text().contains("Use my passkey"));
    assert_eq!(other.use_passkey(&mut phone).await.location(), "/my-data");
}

/// ASVS 5.0, 6.5.1.
#[tokio::test]
async fn an_answer_counts_once_and_only_for_what_was_asked() {
    let (house, _, mut phone) = with_passkey().await;
    let mut first = house.browser();
    let asked = first.asked_to_use("/my-data").await;
    let answer = phone.answer(&asked);
    assert_eq!(first.send_passkey(&answer).await.status, 303);

    // The same answer again: in a session that asked nothing, in one that asked something else, and in its own.
    let again = house.browser().send_passkey(&answer).await;
    assert_eq!(again.location(), "/log-in");
    let mut second = house.browser();
    second.asked_to_use("/my-data").await;
    assert_eq!(second.send_passkey(&answer).await.status, 422);
    assert_eq!(second.send_passkey(&answer).await.location(), "/log-in");
    assert_eq!(first.send_passkey(&answer).await.location(), "/log-in");
    assert!(!second.is_logged_in().await);
}

#[tokio::test]
async fn what_a_device_of_this_customer_would_not_answer_is_refused() {
    let (house, _, phone) = with_passkey().await;
    let mut elsewhere = phone.clone();
    elsewhere.origin = "http://localhost.evil.example".to_owned();
    let mut unasked = phone.clone();
    unasked.verifies = false;
    let mut copied = phone.clone();
    copied.counter = 0;
    let mut stranger = house.device("another phone");
    stranger.user = phone.user.clone();
    let mut forged = stranger.clone();
    forged.credential = phone.credential.clone();
    let mut others = phone.clone();
    others.user = vec![7; 16];
    let mut nobodys = phone.clone();
    nobodys.user = Vec::new();
    for (name, device) in [
        ("of another site", &mut elsewhere),
        ("whose device asked nobody", &mut unasked),
        ("that was copied", &mut copied),
        ("that nobody added", &mut stranger),
        ("with another key", &mut forged),
        ("of another user", &mut others),
        ("of no user", &mut nobodys),
    ] {
        let mut browser = house.browser();
        let refused = browser.use_passkey(device).await;
        assert_eq!(refused.status, 422, "a passkey {name}");
        assert!(
            refused.text().contains("We do not know this passkey here."),
            "{name}"
        );
        assert!(!browser.is_logged_in().await, "{name}");
    }
    for junk in ["", "{}", "null", "[]", "{\"id\":1}", &"[".repeat(15_000)] {
        let mut browser = house.browser();
        browser.asked_to_use("/my-data").await;
        assert_eq!(browser.send_passkey(junk).await.status, 422, "{junk:.20}");
    }
}

#[tokio::test]
async fn only_what_logs_in_alone_is_added_and_by_one_alone() {
    let (house, mut ada) = House::with(ADA).await;
    let mut kept_nowhere = house.device("a key that keeps nothing");
    kept_nowhere.discoverable = false;
    assert_eq!(ada.add_passkey(&mut kept_nowhere).await.status, 422);
    let mut unasked = house.device("a device that asks nobody");
    unasked.verifies = false;
    assert_eq!(ada.add_passkey(&mut unasked).await.status, 422);
    let mut elsewhere = Authenticator::new("phone", "https://evil.example");
    assert_eq!(ada.add_passkey(&mut elsewhere).await.status, 422);

    let mut phone = house.device("phone");
    assert_eq!(ada.add_passkey(&mut phone).await.status, 303);
    assert_eq!(ada.add_passkey(&mut phone).await.status, 422, "twice");
    let mut ben = house.logged_in(BEN).await;
    assert_eq!(
        ben.add_passkey(&mut phone.clone()).await.status,
        422,
        "it is Ada's"
    );
    let begun = ada.post("/account/passkeys/new", &[("passkey", "{}"), ("name", "x")]);
    assert_eq!(
        begun.await.location(),
        "/account/passkeys",
        "nothing was asked"
    );
}

#[tokio::test]
async fn a_passkey_steps_its_own_customer_up_and_nobody_else() {
    let (house, mut ada, mut phone) = with_passkey().await;
    let mut ben = house.logged_in(BEN).await;
    house.clock.pass(10 * 60);
    let asked = ben.asked_to_use("/account/password").await;
    let answer = phone.answer(&asked);
    assert_eq!(ben.send_passkey(&answer).await.status, 422);
    assert_eq!(ben.get("/account/password").await.status, 303);

    assert_eq!(ada.get("/account/password").await.status, 303);
    let asked = ada.asked_to_use("/account/password").await;
    let answer = phone.answer(&asked);
    let back = ada.send_passkey(&answer).await;
    assert_eq!(back.location(), "/account/password");
    assert_eq!(ada.get("/account/password").await.status, 200);
}

/// ASVS 5.0, 8.2.2.
#[tokio::test]
async fn a_passkey_is_named_and_taken_off_by_its_owner_alone() {
    let (house, mut ada, mut phone) = with_passkey().await;
    let page = ada.get("/account/passkeys").await;
    let id = html::fields(&page.body, "id").remove(0);
    let mut ben = house.logged_in(BEN).await;
    for (path, name) in [
        ("/account/passkeys/name", "Ben's"),
        ("/account/passkeys/off", ""),
    ] {
        let fields = [("id", id.as_str()), ("name", name)];
        assert_eq!(ben.post(path, &fields).await.status, 404, "{path}");
    }
    let fields = [("id", id.as_str()), ("name", "  the <b>blue</b> one\u{7} ")];
    let renamed = ada.post("/account/passkeys/name", &fields).await;
    assert_eq!(renamed.location(), "/account/passkeys?done=name");
    let page = ada.get("/account/passkeys").await.text();
    assert!(page.contains("the <b>blue</b> one"), "{page}");

    ada.post("/account/passkeys/off", &[("id", &id)]).await;
    assert_eq!(house.browser().use_passkey(&mut phone).await.status, 422);
    let mut other = house.browser();
    let alone = other.log_in(ADA, persona(ADA).password).await;
    assert_eq!(alone.location(), "/my-data", "the last factor is gone");
    let alerts = house.mail_to(ADA).await;
    let told = |words: &str| alerts.iter().any(|(_, text)| text.contains(words));
    assert!(told("a passkey was added") && told("a passkey was taken off"));
}

/// Nothing that Ada typed or her device sent stands in the database in plain.
#[tokio::test]
async fn names_and_keys_are_sealed() {
    let (house, _, phone) = with_passkey().await;
    for (table, rows) in house.contents(&[]).await {
        for value in rows.iter().flatten().flatten() {
            let has = |what: &[u8]| value.windows(what.len()).any(|bytes| bytes == what);
            assert!(
                !has(b"my phone") && !has(&phone.credential) && !has(&phone.user),
                "{table}"
            );
        }
    }
}

/// A session that begins before anybody is known is short: strangers can't fill the store.
#[tokio::test]
async fn what_was_asked_of_a_stranger_ends_after_a_quarter_of_an_hour() {
    let (house, _, mut phone) = with_passkey().await;
    let mut browser = house.browser();
    let asked = browser.asked_to_use("/my-data").await;
    let answer = phone.answer(&asked);
    house.clock.pass(15 * 60);
    assert_eq!(browser.send_passkey(&answer).await.location(), "/log-in");
}
