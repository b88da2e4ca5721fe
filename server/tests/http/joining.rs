//! Joining a programme with an e-mail address alone, and leaving it with one click.

use fairhold_domain::policy::Scope;
use fairhold_portal::api_keys::NewApiKey;
use fairhold_portal::staff::By;
use fairhold_server::api::problem::Problem;
use reqwest::Method;
use serde_json::{Value, json};

use crate::api::is_problem_of;
use crate::html;
use crate::support::{Answer, Browser, House, persona};

const ADA: &str = "ada@example.com";
const NOBODY: &str = "nobody.at.all@example.com";
const GOOD: &str = "four words that fit";
const PAGE: &str = "/join/club";
const SHOP: &str = "https://finch-and-rowan.example/welcome";

/// Who is in the programme: the address's customer, and whether they left.
async fn members(house: &House) -> Vec<bool> {
    let sql = "SELECT left_at IS NULL FROM memberships ORDER BY customer_id";
    let mut db = house.database().await;
    sqlx::query_scalar(sql).fetch_all(&mut db).await.unwrap()
}

async fn wish(house: &House, fields: &[(&str, &str)]) -> Answer {
    house.browser().post(PAGE, fields).await
}

/// Asks to join, and opens the link.
async fn link(house: &House, address: &str) -> String {
    let asked = wish(house, &[("email", address)]).await;
    assert_eq!((asked.status, asked.location()), (303, "/check-your-mail"));
    house.link_to(address).await
}

#[tokio::test]
async fn whoever_joins_needs_an_address_and_nothing_else() {
    let house = House::demo().await;
    let mut browser = house.browser();
    let page = browser.get(PAGE).await;
    let needed = html::attributes(&page.body, "required");
    assert_eq!(needed.len(), 1, "the address alone is needed");
    for term in [
        "The Finch Club",
        "You join with an e-mail address.",
        "You can leave with one click.",
    ] {
        assert!(page.text().contains(term), "{term}");
    }
    let link = link(&house, NOBODY).await;
    let opened = browser.get(&link).await;
    assert!(
        opened
            .text()
            .contains("Do you want to join The Finch Club?")
    );
    let joined = browser.post(&link, &[]).await;
    assert_eq!(joined.status, 200);
    assert!(joined.text().contains("You are in"));
    assert_eq!(members(&house).await, [true]);
    assert!(browser.cookie.is_none(), "a link logs nobody in");

    // A password can be chosen straight away.
    let links = html::attributes(&joined.body, "href");
    let set = links.into_iter().map(|(_, to)| to);
    let set = set.into_iter().find(|to| to.starts_with("/set-password/"));
    let set = set.expect("a way to a password");
    let chosen = browser.post(&set, &[("password", GOOD)]).await;
    assert_eq!(chosen.location(), "/log-in?done=password");
    assert_eq!(browser.log_in(NOBODY, GOOD).await.status, 303);
    let data = browser.get("/my-data").await.text();
    assert!(data.contains("Programmes you joined"), "{data}");
    assert!(data.contains("The Finch Club"));
}

#[tokio::test]
async fn whether_an_address_is_known_does_not_show() {
    let house = House::demo().await;
    house.add(ADA).await;
    for path in [PAGE, "/join/club/embed"] {
        let mut answers = Vec::new();
        for address in [ADA, NOBODY] {
            let mut browser = house.browser();
            let asked = browser.post(path, &[("email", address)]).await;
            answers.push((asked.essence(), browser.cookie));
        }
        assert_eq!(answers[0], answers[1], "{path} tells who has an account");
    }
    for address in [ADA, NOBODY] {
        let mails = house.mail_to(address).await;
        let (subject, text) = mails.last().unwrap();
        assert_eq!(subject, "Do you want to join The Finch Club?", "{address}");
        assert!(!text.contains(address));
    }
}

#[tokio::test]
async fn a_link_changes_nothing_until_its_button_is_pressed_and_then_acts_once() {
    let house = House::demo().await;
    let link = link(&house, NOBODY).await;
    let mut browser = house.browser();
    let before = house.contents(&[]).await;
    for method in [Method::GET, Method::HEAD, Method::GET] {
        let answer = browser.send(method, &link, &[], Vec::new()).await;
        assert_eq!(answer.status, 200);
    }
    assert!(before == house.contents(&[]).await);
    assert_eq!(members(&house).await, [false; 0]);
    assert_eq!(browser.post(&link, &[]).await.status, 200);
    for answer in [browser.get(&link).await, browser.post(&link, &[]).await] {
        assert_eq!(answer.status, 410);
    }
    for other in ["/joining/none", "/joining/"] {
        assert!(matches!(browser.get(other).await.status, 404 | 410));
    }
    // A link for something else joins nothing, and the other way round.
    browser
        .post("/sign-up", &[("email", "eve@example.com")])
        .await;
    let sign_up = house.link_to("eve@example.com").await;
    let token = sign_up.rsplit('/').next().unwrap();
    let mixed = browser.post(&format!("/joining/{token}"), &[]).await;
    assert_eq!(mixed.status, 410);
    let late = self::link(&house, "fay@example.com").await;
    let token = late.rsplit('/').next().unwrap().to_owned();
    let password = format!("/set-password/{token}");
    let mixed = browser.post(&password, &[("password", GOOD)]).await;
    assert_eq!(mixed.status, 410);
    house.clock.pass(30 * 60);
    assert_eq!(browser.post(&late, &[]).await.status, 410, "too late");
}

#[tokio::test]
async fn nothing_but_sealed_words_is_kept_before_somebody_confirms() {
    let house = House::demo().await;
    let fields = [
        ("email", NOBODY),
        ("nickname", "Wren of the Hill"),
        ("return_to", SHOP),
    ];
    wish(&house, &fields).await;
    for worked in [false, true] {
        if worked {
            house.work().await;
        }
        for (table, rows) in house.contents(&[]).await {
            for value in rows.iter().flatten().flatten() {
                for secret in [NOBODY, "Wren of the Hill", SHOP] {
                    let found = value.windows(secret.len()).any(|w| w == secret.as_bytes());
                    assert!(!found, "{table}: {secret}");
                }
            }
        }
    }
    let mail = &house.mail_to(NOBODY).await[0].1;
    assert!(!mail.contains("Wren") && !mail.contains("finch-and-rowan.example/welcome"));
    // Nobody confirms: a day later nothing is left.
    house.clock.pass(26 * 3600);
    house.work().await;
    let left = house.contents(&[]).await;
    assert!(left["customers"].is_empty() && left["pending_joins"].is_empty());
}

#[tokio::test]
async fn somebody_who_is_known_joins_by_the_link_and_keeps_their_password() {
    let house = House::demo().await;
    house.add(ADA).await;
    let link = link(&house, ADA).await;
    let joined = house.browser().post(&link, &[]).await;
    assert!(joined.text().contains("Log in and see your data"));
    assert!(!joined.body.contains("/set-password/"));
    assert_eq!(members(&house).await, [true]);
    let mut browser = house.browser();
    let logged_in = browser.log_in(ADA, persona(ADA).password).await;
    assert_eq!(logged_in.status, 303);
    // Joining twice is fine.
    let again = self::link(&house, ADA).await;
    assert_eq!(house.browser().post(&again, &[]).await.status, 200);
    assert_eq!(members(&house).await, [true]);
}

#[tokio::test]
async fn a_name_that_somebody_typed_is_read_before_it_is_taken() {
    let house = House::demo().await;
    let fields = [("email", NOBODY), ("nickname", "Wren <b>of</b> the Hill")];
    wish(&house, &fields).await;
    let link = house.link_to(NOBODY).await;
    let mut browser = house.browser();
    let page = browser.get(&link).await;
    let says = "We will call you Wren <b>of</b> the Hill";
    assert!(page.text().contains(says), "{}", page.text());
    assert_eq!(browser.post(&link, &[]).await.status, 200);
    // Once somebody has a name, no stranger's wish changes it, and the page offers no other.
    wish(&house, &[("email", NOBODY), ("nickname", "Cuckoo")]).await;
    let link = house.link_to(NOBODY).await;
    assert!(!browser.get(&link).await.text().contains("Cuckoo"));
}

#[tokio::test]
async fn a_mailbox_can_not_be_filled() {
    let house = House::demo().await;
    house.add(ADA).await;
    for address in [ADA, NOBODY] {
        for _ in 0..5 {
            wish(&house, &[("email", address)]).await;
        }
        assert_eq!(house.mail_to(address).await.len(), 3, "{address}");
    }
    house
        .browser()
        .post("/forgot-password", &[("email", ADA)])
        .await;
    assert_eq!(house.mail_to(ADA).await.len(), 4, "the way in stays open");
}

#[tokio::test]
async fn a_member_joins_and_leaves_with_one_click_each() {
    let (house, mut ada) = House::with(ADA).await;
    let page = ada.get(PAGE).await;
    assert!(page.text().contains("one press is enough"));
    let fields = [("nickname", "Birdie"), ("return_to", SHOP)];
    let joined = ada.post(PAGE, &fields).await;
    assert_eq!(joined.status, 303);
    let page = ada.get(joined.location()).await;
    assert!(page.text().contains("You are in."));
    let back = html::attributes(&page.body, "href");
    assert_eq!(back.iter().filter(|(_, to)| to == SHOP).count(), 1);
    let data = ada.get("/my-data").await.text();
    assert!(data.contains("Nickname") && data.contains("Birdie"));
    ada.post(
        "/permissions",
        &[
            ("purpose", "newsletter"),
            ("version", "1"),
            ("allow", "yes"),
        ],
    )
    .await;

    let looks = house.looks().await.len();
    let text = ada.get(PAGE).await.text();
    assert_eq!(
        house.looks().await.len(),
        looks + 1,
        "what it shows is a look"
    );
    assert!(text.contains("Your points stay yours, and you can still spend them."));
    let left = ada.post(PAGE, &[("leave", "true")]).await;
    assert_eq!((left.status, left.location()), (303, PAGE));
    let text = ada.get(PAGE).await.text();
    assert!(text.contains("You left") && text.contains("you can still spend them"));
    assert_eq!(members(&house).await, [false]);
    assert!(ada.get("/my-data").await.text().contains("(you left)"));
    let allowed = ada.get("/permissions").await.text();
    assert!(
        allowed.contains("You said yes"),
        "nothing else is taken back"
    );

    assert_eq!(ada.post(PAGE, &[]).await.status, 303);
    assert_eq!(members(&house).await, [true]);
    let wrong = ada.post(PAGE, &[("nickname", "a\u{202e}b")]).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.text().contains("Log out"), "they are still logged in");
}

#[tokio::test]
async fn joining_earns_once_however_often_somebody_joins() {
    let (house, mut ada) = House::with(ADA).await;
    assert!(ada.get(PAGE).await.text().contains("You get 20 points"));
    for _ in 0..3 {
        ada.post(PAGE, &[]).await;
        ada.post(PAGE, &[("leave", "true")]).await;
    }
    let link = link(&house, ADA).await;
    house.browser().post(&link, &[]).await;
    let mut db = house.database().await;
    let earned: Vec<i64> =
        sqlx::query_scalar("SELECT points FROM point_entries WHERE programme = 'club'")
            .fetch_all(&mut db)
            .await
            .unwrap();
    assert_eq!(earned, [20], "and whoever left keeps it");
}

#[tokio::test]
async fn a_stranger_can_not_leave_for_somebody_else() {
    let (house, mut ada) = House::with(ADA).await;
    ada.post(PAGE, &[]).await;
    let fields = [("email", ADA), ("leave", "true")];
    let refused = wish(&house, &fields).await;
    assert_eq!(refused.location(), "/log-in");
    assert_eq!(members(&house).await, [true]);
}

#[tokio::test]
async fn only_addresses_on_the_list_lead_back() {
    let house = House::demo().await;
    let before = house.contents(&[]).await;
    for foreign in [
        "https://evil.example/",
        "//evil.example",
        "https://finch-and-rowan.example@evil.example/",
        "https://finch-and-rowan.example\\@evil.example/",
        "https://finch-and-rowan.example.evil.example/",
        "http://finch-and-rowan.example/",
        "javascript:alert(1)",
        "/my-data",
        "https://finch-and-rowan.example/%2f%2fevil.example",
    ] {
        for path in [PAGE, "/join/club/embed"] {
            let query = crate::support::form(&[("return_to", foreign)]);
            let opened = house.browser().get(&format!("{path}?{query}")).await;
            let fields = [("email", NOBODY), ("return_to", foreign)];
            let sent = house.browser().post(path, &fields).await;
            for answer in [opened, sent] {
                assert_eq!(answer.status, 400, "{path} {foreign}");
                assert!(answer.text().contains("This link does not work"));
                assert!(!answer.body.contains("evil"));
            }
        }
    }
    assert!(before == house.contents(&[]).await, "nothing has begun");

    let fields = [("email", NOBODY), ("return_to", SHOP)];
    wish(&house, &fields).await;
    let link = house.link_to(NOBODY).await;
    let joined = house.browser().post(&link, &[]).await;
    assert!(joined.text().contains("Go back to finch-and-rowan.example"));
    let links = html::attributes(&joined.body, "href");
    assert!(links.iter().any(|(_, to)| to == SHOP));
}

#[tokio::test]
async fn what_is_no_programme_is_not_found_and_what_is_no_address_is_asked_for_again() {
    let house = House::demo().await;
    for path in ["/join/none", "/join/none/embed", "/join/CLUB", "/join/%00"] {
        assert_eq!(house.browser().get(path).await.status, 404, "{path}");
        let sent = house.browser().post(path, &[("email", NOBODY)]).await;
        assert_eq!(sent.status, 404, "{path}");
    }
    for path in [PAGE, "/join/club/embed"] {
        let fields = [("email", "nobody@"), ("nickname", "Wren")];
        let again = house.browser().post(path, &fields).await;
        assert_eq!(again.status, 422);
        let values = html::attributes(&again.body, "value");
        for typed in ["nobody@", "Wren"] {
            assert!(values.iter().any(|(_, value)| value == typed), "{typed}");
        }
        let long = "a".repeat(41);
        let fields = [("email", NOBODY), ("nickname", long.as_str())];
        let again = house.browser().post(path, &fields).await;
        assert_eq!(again.status, 422);
        assert!(again.text().contains("too long for a nickname"));
    }
    assert_eq!(house.mail_to(NOBODY).await, []);
}

/// A key of another system for these calls.
async fn key(house: &House, scopes: &[Scope]) -> String {
    let new = NewApiKey {
        id: None,
        name: "The shop".to_owned(),
        scopes: scopes.to_vec(),
        purposes: Vec::new(),
        expires_at: house.portal.now().plus_seconds(3600),
    };
    let made = house.portal.create_api_key(By::Operator, new).await;
    made.unwrap().key
}

async fn call(house: &House, path: &str, key: &str, once: &str, body: Value) -> Answer {
    let authorization = format!("Bearer {key}");
    let mut headers = vec![
        ("authorization", authorization.as_str()),
        ("content-type", "application/json"),
    ];
    if !once.is_empty() {
        headers.push(("idempotency-key", once));
    }
    let body = body.to_string().into_bytes();
    let mut browser: Browser = house.browser();
    browser.send(Method::POST, path, &headers, body).await
}

const MEMBERS: &str = "/v1/programmes/club/members";
const ONCE: &str = "0123456789abcdef";

#[tokio::test]
async fn a_system_asks_somebody_to_join_and_learns_nothing_about_them() {
    let house = House::demo().await;
    house.add(ADA).await;
    let key = key(&house, &[Scope::Members]).await;
    let ask = async |once: &str, body: Value| call(&house, MEMBERS, &key, once, body).await;
    let known = ask("", json!({"email": ADA})).await;
    let unknown = ask("", json!({"email": NOBODY})).await;
    assert_eq!(known.status, 202);
    assert_eq!(known.essence(), unknown.essence());
    assert_eq!(house.mail_to(ADA).await.len(), 1);
    assert_eq!(members(&house).await, [false; 0], "they decide");

    let whole = json!({"email": "fay@example.com", "nickname": "Fay", "return_to": SHOP});
    for _ in 0..2 {
        assert_eq!(ask(ONCE, whole.clone()).await.status, 202);
    }
    assert_eq!(house.mail_to("fay@example.com").await.len(), 1, "once");
    let other = ask(ONCE, json!({"email": ADA})).await;
    is_problem_of(&other, Problem::IdempotencyKeyUsed);
    let link = house.link_to("fay@example.com").await;
    let joined = house.browser().post(&link, &[]).await;
    assert!(joined.text().contains("Go back to finch-and-rowan.example"));
    assert_eq!(members(&house).await, [true]);
    for _ in 0..5 {
        assert_eq!(ask("", json!({"email": NOBODY})).await.status, 202);
    }
    assert_eq!(house.mail_to(NOBODY).await.len(), 3, "bounded");
}

#[tokio::test]
async fn a_wrong_call_says_which_field_is_wrong_and_changes_nothing() {
    let house = House::demo().await;
    let key = key(&house, &[Scope::Members]).await;
    let before = house.contents(&["api_keys"]).await;
    for (body, pointer) in [
        (json!({"email": "nobody@"}), "/email"),
        (json!({"email": ""}), "/email"),
        (json!({}), "/email"),
        (
            json!({"email": NOBODY, "nickname": "a\u{202e}b"}),
            "/nickname",
        ),
        (
            json!({"email": NOBODY, "return_to": "https://evil.example"}),
            "/return_to",
        ),
        (json!({"email": NOBODY, "name": "Nobody"}), "/name"),
    ] {
        let answer = call(&house, MEMBERS, &key, ONCE, body).await;
        is_problem_of(&answer, Problem::WrongBody);
        let problem: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
        assert!(!answer.body.contains("evil"));
    }
    let nowhere = "/v1/programmes/none/members";
    let answer = call(&house, nowhere, &key, "", json!({"email": NOBODY})).await;
    is_problem_of(&answer, Problem::NotFound);
    assert!(before == house.contents(&["api_keys"]).await);
}

#[tokio::test]
async fn a_system_learns_what_to_call_a_customer_and_nobody_else() {
    let house = House::demo().await;
    house.add(ADA).await;
    let find_key = key(&house, &[Scope::Customers]).await;
    let find = async |email: &str| {
        call(
            &house,
            "/v1/customers/find",
            &find_key,
            "",
            json!({"email": email}),
        )
        .await
    };
    let first = find(ADA).await;
    assert_eq!(first.status, 200);
    let body: Value = serde_json::from_str(&first.body).unwrap();
    let reference = body["ref"].as_str().unwrap();
    assert_eq!(reference.len(), 32);
    assert_eq!(find("ADA@example.com").await.body, first.body, "the same");
    is_problem_of(&find(NOBODY).await, Problem::NotFound);
    is_problem_of(&find("nobody@").await, Problem::WrongBody);
    // Whoever has not confirmed is nobody yet.
    link(&house, NOBODY).await;
    is_problem_of(&find(NOBODY).await, Problem::NotFound);

    let other = key(&house, &[Scope::Whoami, Scope::Members]).await;
    let refused = call(
        &house,
        "/v1/customers/find",
        &other,
        "",
        json!({"email": ADA}),
    )
    .await;
    is_problem_of(&refused, Problem::ScopeMissing);
    let refused = call(&house, MEMBERS, &find_key, "", json!({"email": ADA})).await;
    is_problem_of(&refused, Problem::ScopeMissing);
}
