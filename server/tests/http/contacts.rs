//! Other addresses and numbers: proven by a code, held by one account, and an address to log in with that can be taken back.

use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use fairhold_portal::texts::{Gateway, Texter};
use secrecy::SecretString;

use crate::html;
use crate::support::{Answer, Browser, House, Setup, link_in, persona, system};

const ADA: &str = "ada@example.com";
const BEN: &str = "ben@example.com";
const OTHER: &str = "ada.lovelace@example.org";
const PHONE: &str = "+353871234567";
const NEW: &str = "seven grey geese in a row";

/// The demo's portal whose texts leave so, and Ada's browser.
async fn with_texter(texter: Texter) -> (House, Browser) {
    let house = Setup::demo().await.with_texter(texter).start().await;
    let ada = house.logged_in(ADA).await;
    (house, ada)
}

/// The code in a text.
fn code_in(text: &str) -> String {
    let mut words = text.split_whitespace();
    let code = words.find(|w| w.len() == 6 && w.bytes().all(|b| b.is_ascii_digit()));
    code.expect("a code").to_owned()
}

async fn code_to(house: &House, to: &str) -> String {
    code_in(&house.mail_to(to).await.pop().expect("a code was sent").1)
}

/// Adds an address or a number; answers the page that asks for its code.
async fn add(browser: &mut Browser, field: &str, text: &str) -> String {
    let answer = browser.post("/account/contacts", &[(field, text)]).await;
    let page = answer.location().to_owned();
    assert!(page.starts_with("/account/contacts/code/"), "{page}");
    page
}

/// Adds and proves; answers what the last page said.
async fn prove(house: &House, browser: &mut Browser, field: &str, text: &str) -> Answer {
    let page = add(browser, field, text).await;
    let code = code_to(house, text).await;
    browser.post(&page, &[("code", &code)]).await
}

fn id_of(page: &str) -> String {
    page.rsplit('/').next().unwrap().to_owned()
}

/// The name in forms of what was added last.
async fn newest_id(browser: &mut Browser) -> String {
    let page = browser.get("/account/contacts").await;
    html::fields(&page.body, "id").pop().expect("one is there")
}

async fn listed(browser: &mut Browser) -> String {
    browser.get("/account/contacts").await.text()
}

#[tokio::test]
async fn what_is_held_under_another_address_shows_once_it_is_proven_and_goes_with_it() {
    let (house, mut ada) = House::with(ADA).await;
    let bens_order = |page: &str| page.contains("ben@example.com");
    assert!(!bens_order(&ada.get("/my-data").await.text()));
    let page = add(&mut ada, "email", " Ben@Example.com ").await;
    assert!(
        listed(&mut ada)
            .await
            .contains("Type the code that we sent")
    );
    assert!(!bens_order(&ada.get("/my-data").await.text()), "not yet");
    let code = code_to(&house, BEN).await;
    let proven = ada
        .post(
            &page,
            &[("code", &format!(" {} {}", &code[..3], &code[3..]))],
        )
        .await;
    assert_eq!(proven.location(), "/account/contacts?done=proven");
    let data = ada.get("/my-data").await.text();
    assert!(bens_order(&data) && data.contains("Other e-mail addresses"));
    let told = house.mail_to(ADA).await.pop().unwrap();
    assert!(
        told.1.contains("another e-mail address was added"),
        "{told:?}"
    );
    assert!(!told.0.contains('@') && !told.1.contains(BEN));
    let gone = ada
        .post("/account/contacts/off", &[("id", &id_of(&page))])
        .await;
    assert_eq!(gone.location(), "/account/contacts?done=removed");
    assert!(!bens_order(&ada.get("/my-data").await.text()), "it is gone");
}

#[tokio::test]
async fn a_code_is_guessed_five_times_at_most_and_ends_after_ten_minutes() {
    let (house, mut ada) = House::with(ADA).await;
    let page = add(&mut ada, "email", OTHER).await;
    let code = code_to(&house, OTHER).await;
    let wrong = if code == "000000" { "000001" } else { "000000" };
    let none = ada.post(&page, &[("code", "12345")]).await;
    assert_eq!(none.status, 422);
    assert!(
        none.text().contains("A code has six digits."),
        "no try was taken"
    );
    for _ in 0..5 {
        let answer = ada.post(&page, &[("code", wrong)]).await;
        assert_eq!(answer.status, 422);
        assert!(answer.text().contains("That is not the code"));
    }
    assert_eq!(
        ada.post(&page, &[("code", &code)]).await.status,
        422,
        "too late"
    );
    let again = ada
        .post("/account/contacts/again", &[("id", &id_of(&page))])
        .await;
    assert_eq!(again.location(), format!("{page}?done=again"));
    let second = code_to(&house, OTHER).await;
    house.clock.pass(10 * 60);
    assert_eq!(
        ada.post(&page, &[("code", &second)]).await.status,
        422,
        "too old"
    );
    ada.log_in(ADA, persona(ADA).password).await;
    ada.post("/account/contacts/again", &[("id", &id_of(&page))])
        .await;
    let third = code_to(&house, OTHER).await;
    assert_eq!(ada.post(&page, &[("code", &third)]).await.status, 303);
    assert_eq!(
        ada.post(&page, &[("code", &third)]).await.status,
        422,
        "once"
    );
}

#[tokio::test]
async fn nobody_has_codes_sent_to_others_without_end() {
    let (house, mut ada) = House::with(ADA).await;
    let page = add(&mut ada, "email", OTHER).await;
    let id = id_of(&page);
    for _ in 0..4 {
        let sent = ada.post("/account/contacts/again", &[("id", &id)]).await;
        assert_eq!(sent.status, 303);
    }
    let held = ada.post("/account/contacts/again", &[("id", &id)]).await;
    assert_eq!(held.status, 422);
    assert!(held.text().contains("Try again tomorrow."));
    // Neither by taking it away and adding it again, nor from another account.
    ada.post("/account/contacts/off", &[("id", &id)]).await;
    assert_eq!(
        ada.post("/account/contacts", &[("email", OTHER)])
            .await
            .status,
        422
    );
    for name in [BEN, "cleo@example.net"] {
        let mut other = house.logged_in(name).await;
        let sent = other.post("/account/contacts", &[("email", OTHER)]).await;
        let full = sent.status == 422;
        assert_eq!(full, name != BEN, "{name}");
        let id = id_of(sent.location());
        for _ in 0..4 {
            other.post("/account/contacts/again", &[("id", &id)]).await;
        }
    }
    assert_eq!(house.mail_to(OTHER).await.len(), 10);
    house.clock.pass(24 * 3600);
    ada.log_in(ADA, persona(ADA).password).await;
    add(&mut ada, "email", OTHER).await;
}

#[tokio::test]
async fn what_is_none_is_said_and_nothing_is_kept() {
    let (house, mut ada) = House::with(ADA).await;
    for (field, text, says) in [
        ("email", "ada", "does not look like an e-mail address"),
        ("email", ADA, "You have this one already."),
        ("phone", "12", "We know no phone number like this."),
        ("phone", "+999 123", "We know no phone number like this."),
        (
            "phone",
            "+353 1 234 5678",
            "We can't send a text to this number.",
        ),
        (
            "phone",
            "+1 201 555 0123",
            "We can't send a text to this number.",
        ),
    ] {
        let answer = ada.post("/account/contacts", &[(field, text)]).await;
        assert_eq!(answer.status, 422, "{text}");
        let page = answer.text();
        assert!(page.contains(says), "{text}");
        assert_eq!(
            html::fields(&answer.body, field),
            [text],
            "what was typed stays"
        );
    }
    assert!(listed(&mut ada).await.contains("None so far."));
    assert!(house.mail_to(ADA).await.is_empty());
    for number in 0..10 {
        add(&mut ada, "email", &format!("ada{number}@example.org")).await;
        // Codes are counted a day, so that these are ten and not too many.
        house.clock.pass(60);
    }
    house.clock.pass(24 * 3600 - 600);
    ada.log_in(ADA, persona(ADA).password).await;
    let many = ada.post("/account/contacts", &[("email", OTHER)]).await;
    assert!(many.text().contains("You have 10 already."));
}

#[tokio::test]
async fn two_accounts_that_prove_the_same_are_told_and_the_newest_proof_may_take_it() {
    let (house, mut ada) = House::with(ADA).await;
    let mut ben = house.logged_in(BEN).await;
    assert_eq!(prove(&house, &mut ada, "email", OTHER).await.status, 303);
    let page = add(&mut ben, "email", OTHER).await;
    let code = code_to(&house, OTHER).await;
    let taken = ben
        .post("/account/contacts/take-over", &[("id", &id_of(&page))])
        .await;
    assert_eq!(
        taken.location(),
        "/account/contacts?done=gone",
        "not without the code"
    );
    let choice = ben.post(&page, &[("code", &code)]).await;
    assert_eq!(choice.location(), page);
    let choice = ben.get(&page).await.text();
    assert!(choice.contains("Another account has it") && choice.contains("Leave it there"));
    assert!(!choice.contains(ADA), "nobody learns whose it is");
    assert!(
        listed(&mut ada).await.contains(OTHER),
        "nothing has changed"
    );
    house.clock.pass(5 * 60);
    let taken = ben
        .post("/account/contacts/take-over", &[("id", &id_of(&page))])
        .await;
    assert_eq!(taken.location(), "/account/contacts?done=proven");
    assert!(listed(&mut ada).await.contains("None so far."));
    let told = house.mail_to(ADA).await.pop().unwrap().1;
    assert!(
        told.contains("Somebody with another account showed that it is theirs."),
        "{told}"
    );
    assert!(!told.contains("ben"), "{told}");
}

#[tokio::test]
async fn the_address_that_another_account_logs_in_with_stays_there() {
    let (house, mut ada) = House::with(ADA).await;
    house.add(BEN).await;
    let answer = prove(&house, &mut ada, "email", BEN).await;
    assert_eq!(answer.location(), "/account/contacts?done=elsewhere");
    assert!(listed(&mut ada).await.contains("None so far."));
    let logged_in = house.browser().log_in(BEN, persona(BEN).password).await;
    assert_eq!(logged_in.status, 303);
}

#[tokio::test]
async fn whoever_signed_up_and_never_proved_the_address_gives_way() {
    let (house, mut ada) = House::with(ADA).await;
    let mut eve = house.browser();
    eve.post("/sign-up", &[("email", OTHER)]).await;
    house.work().await;
    assert_eq!(
        prove(&house, &mut ada, "email", OTHER).await.location(),
        "/account/contacts?done=proven"
    );
}

#[tokio::test]
async fn an_account_of_its_own_takes_the_address_from_the_one_that_held_it() {
    let (house, mut ada) = House::with(ADA).await;
    prove(&house, &mut ada, "email", OTHER).await;
    let mut new = house.browser();
    new.post("/sign-up", &[("email", OTHER)]).await;
    let link = house.link_to(OTHER).await;
    new.post(&link, &[("password", NEW)]).await;
    assert!(new.log_in(OTHER, NEW).await.status == 303);
    assert!(listed(&mut ada).await.contains("None so far."));
    let told = house.mail_to(ADA).await.pop().unwrap().1;
    assert!(told.contains("left your account"), "{told}");
}

#[tokio::test]
async fn the_address_to_log_in_with_is_changed_and_both_are_told() {
    let (house, mut ada) = House::with(ADA).await;
    prove(&house, &mut ada, "email", OTHER).await;
    let id = newest_id(&mut ada).await;
    let changed = ada.post("/account/contacts/log-in", &[("id", &id)]).await;
    assert_eq!(changed.location(), "/account/contacts?done=log-in");
    assert!(ada.is_logged_in().await, "nobody is logged out");
    let mut browser = house.browser();
    assert_eq!(browser.log_in(ADA, persona(ADA).password).await.status, 422);
    assert_eq!(
        browser.log_in(OTHER, persona(ADA).password).await.status,
        303
    );
    for to in [ADA, OTHER] {
        let mails = house.mail_to(to).await;
        let (_, text) = mails
            .iter()
            .rfind(|(subject, _)| subject.starts_with("Your address at "))
            .expect("it is told");
        assert!(
            text.contains("was changed") && !text.contains('@'),
            "{text}"
        );
    }
    let listed = listed(&mut ada).await;
    assert!(
        listed.contains(ADA) && listed.contains(OTHER),
        "the old one stays theirs"
    );
    let order: String = sqlx::query_scalar(
        "SELECT order_number FROM orders WHERE customer_id = 1 ORDER BY placed_at DESC, id DESC LIMIT 1",
    )
    .fetch_one(&mut system("shop").await)
    .await
    .unwrap();
    assert!(
        ada.get("/my-data").await.text().contains(&order),
        "all that was held still shows"
    );
}

/// The thief is logged in, moves the account to an address of their own and on to another, and takes the old one away.
#[tokio::test]
async fn a_stolen_account_comes_back_from_the_old_address_for_three_days() {
    let (house, mut thief) = House::with(ADA).await;
    for stolen in ["thief@example.net", "thief2@example.net"] {
        prove(&house, &mut thief, "email", stolen).await;
        let id = newest_id(&mut thief).await;
        let changed = thief.post("/account/contacts/log-in", &[("id", &id)]).await;
        assert_eq!(
            changed.location(),
            "/account/contacts?done=log-in",
            "{stolen}"
        );
        house.clock.pass(1);
    }
    let mine = house.mail_to(ADA).await;
    let link = link_in(
        &mine
            .iter()
            .rfind(|(s, _)| s.starts_with("Your address at "))
            .unwrap()
            .1,
    );
    let thiefs = house.link_to("thief@example.net").await;
    assert!(thiefs.starts_with("/not-me/"));
    // Nobody gets an account with the old address meanwhile, and whoever tries is told what to do.
    house.clock.pass(3600);
    let mut owner = house.browser();
    owner.post("/sign-up", &[("email", ADA)]).await;
    let told = house.mail_to(ADA).await.pop().unwrap().1;
    assert!(told.contains("You get the address back"), "{told}");
    let again = link_in(&told);
    assert_ne!(again, link, "whoever lost the mail gets another");
    let mails = house.mail_to(ADA).await.len();
    owner.post("/sign-up", &[("email", ADA)]).await;
    assert_eq!(house.mail_to(ADA).await.len(), mails, "once an hour");
    house.clock.pass(3 * 24 * 3600 - 2 * 3600);
    let reset = owner.post(&again, &[]).await;
    let reset = reset.location().to_owned();
    let left = house.mail_to("thief2@example.net").await.pop().unwrap();
    assert!(
        left.1.contains("no longer logs in with this address"),
        "{left:?}"
    );
    assert!(reset.starts_with("/set-password/"), "{reset}");
    assert!(!thief.is_logged_in().await);
    assert_eq!(
        house.browser().get(&thiefs).await.status,
        410,
        "the thief's link is worth nothing"
    );
    owner.post(&reset, &[("password", NEW)]).await;
    assert_eq!(owner.log_in(ADA, NEW).await.status, 303);
    assert!(listed(&mut owner).await.contains("None so far."));
    for stolen in ["thief@example.net", "thief2@example.net"] {
        assert_eq!(
            house
                .browser()
                .log_in(stolen, persona(ADA).password)
                .await
                .status,
            422
        );
        assert_eq!(house.browser().log_in(stolen, NEW).await.status, 422);
    }
}

/// The mail comes when the code was typed, a minute after the address was added.
#[tokio::test]
async fn what_a_thief_added_goes_by_the_mail_about_it_and_so_does_the_password() {
    let (house, mut thief) = House::with(ADA).await;
    let page = add(&mut thief, "email", "thief@example.net").await;
    house.clock.pass(60);
    let code = code_to(&house, "thief@example.net").await;
    thief.post(&page, &[("code", &code)]).await;
    let link = house.link_to(ADA).await;
    let mut owner = house.browser();
    let page = owner.get(&link).await.text();
    assert!(page.contains("an address or a number that was added in the last three days"));
    let reset = owner.post(&link, &[]).await.location().to_owned();
    // The owner does not go on at once.
    let old = thief.log_in(ADA, persona(ADA).password).await;
    assert_eq!(old.status, 422, "the password is of no use any more");
    owner.post(&reset, &[("password", NEW)]).await;
    owner.log_in(ADA, NEW).await;
    assert!(listed(&mut owner).await.contains("None so far."));
}

/// A double click, or two windows: what is asked twice is done once, and nothing breaks.
#[tokio::test]
async fn forms_that_are_sent_twice_at_once_do_it_once() {
    let (house, mut ada) = House::with(ADA).await;
    let page = add(&mut ada, "email", OTHER).await;
    let code = code_to(&house, OTHER).await;
    let id = id_of(&page);
    for (form, fields) in [
        (page.as_str(), [("code", code.as_str())]),
        ("/account/contacts/log-in", [("id", &id)]),
    ] {
        let cookie = ada.cookie.clone().unwrap();
        let (mut first, mut second) = (ada.with_cookie(&cookie), ada.with_cookie(&cookie));
        let (first, second) = tokio::join!(first.post(form, &fields), second.post(form, &fields));
        for answer in [&first, &second] {
            assert!(answer.status < 500, "{form}: {}", answer.status);
        }
        assert!([first.status, second.status].contains(&303), "{form}");
    }
    let mails = house.mail_to(ADA).await;
    for words in ["another e-mail address was added", "that you log in with"] {
        let told = mails.iter().filter(|(_, text)| text.contains(words));
        assert_eq!(told.count(), 1, "{words}");
    }
}

#[tokio::test]
async fn a_stranger_who_signs_up_with_a_proven_address_stops_nobody() {
    let (house, mut ada) = House::with(ADA).await;
    prove(&house, &mut ada, "email", OTHER).await;
    house.browser().post("/sign-up", &[("email", OTHER)]).await;
    house.work().await;
    let id = newest_id(&mut ada).await;
    let changed = ada.post("/account/contacts/log-in", &[("id", &id)]).await;
    assert_eq!(changed.location(), "/account/contacts?done=log-in");
    let mut browser = house.browser();
    assert_eq!(
        browser.log_in(OTHER, persona(ADA).password).await.status,
        303
    );
}

/// ASVS 5.0, 8.2.2.
#[tokio::test]
async fn nobody_touches_what_is_somebody_elses() {
    let (house, mut ada) = House::with(ADA).await;
    let mut ben = house.logged_in(BEN).await;
    let page = add(&mut ada, "email", OTHER).await;
    let code = code_to(&house, OTHER).await;
    house.work().await;
    let id = id_of(&page);
    for form in ["again", "take-over", "log-in", "off"] {
        ben.post(&format!("/account/contacts/{form}"), &[("id", &id)])
            .await;
    }
    assert_eq!(
        ben.get(&page).await.location(),
        "/account/contacts?done=gone"
    );
    assert_eq!(
        ben.post(&page, &[("code", &code)]).await.location(),
        "/account/contacts?done=gone"
    );
    assert_eq!(house.mail_to(OTHER).await.len(), 1);
    assert_eq!(
        ada.post(&page, &[("code", &code)]).await.location(),
        "/account/contacts?done=proven"
    );
}

#[tokio::test]
async fn no_address_number_or_code_stands_anywhere_in_plain() {
    let (house, mut ada) = House::with(ADA).await;
    let page = add(&mut ada, "email", OTHER).await;
    let mailed = code_to(&house, OTHER).await;
    ada.post(&page, &[("code", &mailed)]).await;
    add(&mut ada, "phone", "087 123 4567").await;
    let texted = code_to(&house, PHONE).await;
    let national = &PHONE[4..];
    for (table, rows) in house.contents(&[]).await {
        for value in rows.iter().flatten().flatten() {
            for secret in [OTHER, national, mailed.as_str(), texted.as_str()] {
                // A number of six digits is in a time sooner or later.
                let whole = value.len() < 12 && secret.len() == 6;
                let found = value.windows(secret.len()).any(|w| w == secret.as_bytes());
                assert!(!found || !whole && secret.len() == 6, "{table}: {secret}");
            }
        }
    }
}

/// What a gateway got: the authorization, the idempotency key and the body; and what it answers.
#[derive(Clone)]
struct Got(Arc<Mutex<Vec<(String, String, String)>>>, StatusCode);

async fn gateway(answers: StatusCode) -> (Got, String) {
    let got = Got(Arc::default(), answers);
    let take = async |State(got): State<Got>, headers: HeaderMap, body: String| {
        let header = |name: &str| headers[name].to_str().unwrap().to_owned();
        let text = (header("authorization"), header("idempotency-key"), body);
        got.0.lock().unwrap().push(text);
        got.1
    };
    let app = axum::Router::new()
        .route("/send", post(take))
        .with_state(got.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/send", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (got, url)
}

#[tokio::test]
async fn a_number_is_proven_by_a_text_through_the_gateway() {
    let (got, url) = gateway(StatusCode::ACCEPTED).await;
    let texter = Texter::Gateway(Gateway::new(&url, SecretString::from("gateway-token")).unwrap());
    let (house, mut ada) = with_texter(texter).await;
    let page = add(&mut ada, "phone", "087 123 4567").await;
    house.work().await;
    let texts = got.0.lock().unwrap().clone();
    let [(authorization, key, body)] = texts.as_slice() else {
        panic!("one text: {texts:?}")
    };
    assert_eq!(authorization, "Bearer gateway-token");
    assert_eq!(key.len(), 36);
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["to"], PHONE);
    let text = body["text"].as_str().unwrap();
    assert!(text.chars().count() <= 160, "one text: {text}");
    let proven = ada.post(&page, &[("code", &code_in(text))]).await;
    assert_eq!(proven.location(), "/account/contacts?done=proven");
    let page = ada.get("/my-data").await.text();
    assert!(page.contains("Phone numbers") && page.contains(PHONE));
    // Three orders that the shop knows by the number alone, written in three ways.
    for things in ["1 teapot for two", "1 milk jug", "1 bag of Harbour Blend"] {
        assert!(page.contains(things), "{things}");
    }
    assert!(
        !page.contains("12 small cups"),
        "that is somebody else's number"
    );
}

#[tokio::test]
async fn a_text_that_the_gateway_did_not_take_is_sent_again_under_the_same_key() {
    let (got, url) = gateway(StatusCode::INTERNAL_SERVER_ERROR).await;
    let texter = Texter::Gateway(Gateway::new(&url, SecretString::from("gateway-token")).unwrap());
    let (house, mut ada) = with_texter(texter).await;
    add(&mut ada, "phone", PHONE).await;
    for _ in 0..5 {
        house.work().await;
        house.clock.pass(60);
    }
    let texts = got.0.lock().unwrap().clone();
    assert!(texts.len() > 1, "it is tried again");
    assert!(texts.iter().all(|text| text == &texts[0]));
    house.clock.pass(5 * 60);
    house.work().await;
    house.clock.pass(3600);
    house.work().await;
    assert_eq!(
        got.0.lock().unwrap().len(),
        texts.len(),
        "not when its code has ended"
    );
}

#[tokio::test]
async fn without_a_gateway_no_number_is_asked_for() {
    let (_house, mut ada) = with_texter(Texter::Nowhere).await;
    assert!(!listed(&mut ada).await.contains("phone number\n"));
    let refused = ada.post("/account/contacts", &[("phone", PHONE)]).await;
    assert_eq!(refused.status, 422);
    assert!(!refused.text().contains("Text me a code"));
}
