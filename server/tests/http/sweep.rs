//! Sweeps over every address of `who_may`: with each role of the staff and with a key of a system where they have no
//! business, and with what no form of ours sends. Strangers and customers are swept in `who_may`.

use fairhold_domain::policy::{Actor, Role, Scope, may};
use fairhold_portal::api_keys::NewApiKey;
use fairhold_portal::staff::By;
use reqwest::Method;

use crate::staff::join;
use crate::support::{Browser, House, STAFF_COOKIE};
use crate::who_may::{
    CUSTOMERS, CUSTOMERS_FORMS, HALF_IN, OPEN_FORMS, PROVEN, STAFF, action, call, path_of,
};

/// What the portal writes down of whoever asks: the record of decisions.
const RECORD: [&str; 2] = ["looks", "look_heads"];

/// Forms that ask for nothing, so there is nothing to get wrong: whatever is sent to them ends the sender's own session.
const LOG_OUTS: [&str; 2] = ["POST /log-out", "POST /staff/log-out"];

async fn looks_of_customers(house: &House) -> usize {
    let looks = house.looks().await;
    looks
        .iter()
        .filter(|look| look.get("seen").is_some())
        .count()
}

#[tokio::test]
async fn no_role_opens_a_customers_page_or_does_what_the_table_does_not_give() {
    let house = House::demo().await;
    house.add("ada@example.com").await;
    for role in Role::ALL {
        let address = format!("{}@example.com", role.key());
        let (mut browser, _) = join(&house, &address, role).await;
        house.work().await;
        let before = house.contents(&RECORD).await;
        for route in CUSTOMERS.iter().chain(&PROVEN).chain(&CUSTOMERS_FORMS) {
            let answer = call(&mut browser, route).await;
            let refused = answer.status == 401
                || (answer.status == 303 && answer.location().starts_with("/log-in"));
            assert!(refused, "{role}, {route}: {}", answer.status);
            assert!(!answer.body.contains("ada@"), "{role}, {route}");
        }
        for route in STAFF.iter().filter(|route| !route.ends_with("/code")) {
            let given = may(Actor::Staff(role), action(route).unwrap());
            if !given {
                let answer = call(&mut browser, route).await;
                assert_eq!(answer.status, 403, "{role}, {route}");
            }
        }
        assert!(
            before == house.contents(&RECORD).await,
            "{role} changed something"
        );
    }
    assert_eq!(looks_of_customers(&house).await, 0, "nothing was read");
}

#[tokio::test]
async fn a_key_of_a_system_opens_nothing_but_its_calls() {
    let house = House::demo().await;
    house.add("ada@example.com").await;
    let new = NewApiKey {
        id: None,
        name: "The shop till".to_owned(),
        scopes: Scope::ALL.to_vec(),
        purposes: Vec::new(),
        expires_at: house.portal.now().plus_seconds(600),
    };
    let made = house.portal.create_api_key(By::Operator, new).await;
    let bearer = format!("Bearer {}", made.unwrap().key);
    house.work().await;
    let before = house.contents(&[]).await;
    let own = CUSTOMERS.iter().chain(&PROVEN).chain(&CUSTOMERS_FORMS);
    for route in own.chain(&STAFF) {
        let (method, path) = path_of(route);
        let form = ("content-type", "application/x-www-form-urlencoded");
        let headers = [("authorization", bearer.as_str()), form];
        let answer = house
            .browser()
            .send(method, &path, &headers, b"id=1".to_vec())
            .await;
        let refused = [400, 401, 422].contains(&answer.status)
            || (answer.status == 303 && answer.location().contains("/log-in"));
        assert!(refused, "{route}: {}", answer.status);
        assert!(!answer.body.contains("ada@"), "{route}");
    }
    assert!(before == house.contents(&[]).await, "something changed");
}

/// One browser that is a customer's and an administrator's, so that every form is reached.
async fn everybody(house: &House) -> Browser {
    let customer = house.logged_in("ada@example.com").await;
    let (mut browser, _) = join(house, "boss@example.com", Role::Administrator).await;
    browser.cookie = customer.cookie;
    assert!(browser.staff.is_some(), "{STAFF_COOKIE}");
    browser
}

#[tokio::test]
async fn what_no_form_of_ours_sends_is_refused_everywhere_and_changes_nothing() {
    let house = House::demo().await;
    let mut browser = everybody(&house).await;
    house.work().await;
    let form = "application/x-www-form-urlencoded";
    let large = format!("email={}", "a".repeat(70 * 1024)).into_bytes();
    let odd: [(&str, &str, Vec<u8>); 5] = [
        ("no text", form, b"email=%ff%fe&id=\xff\xfe".to_vec()),
        ("too large", form, large),
        ("half of JSON", "application/json", b"{\"id\":".to_vec()),
        (
            "JSON in place of a form",
            "application/json",
            b"{}".to_vec(),
        ),
        ("another kind", "multipart/form-data", b"--x".to_vec()),
    ];
    let routes = OPEN_FORMS
        .iter()
        .chain(&HALF_IN)
        .chain(&CUSTOMERS_FORMS)
        .chain(&STAFF);
    let before = house.contents(&[]).await;
    for route in routes.filter(|r| r.starts_with("POST") && !LOG_OUTS.contains(r)) {
        let (_, path) = path_of(route);
        for (what, kind, body) in &odd {
            let headers = [("content-type", *kind)];
            let answer = browser
                .send(Method::POST, &path, &headers, body.clone())
                .await;
            // Whoever is not in the middle of a log-in, or did not just prove who they are, is sent there first.
            let sent_away = answer.status == 303;
            let refused = (400..500).contains(&answer.status) || sent_away;
            assert!(refused, "{route}, {what}: {}", answer.status);
        }
    }
    assert!(before == house.contents(&[]).await, "something changed");
}

#[tokio::test]
async fn values_of_a_wrong_kind_and_fields_said_twice_break_nothing() {
    let house = House::demo().await;
    let mut browser = everybody(&house).await;
    let routes = OPEN_FORMS
        .iter()
        .chain(&HALF_IN)
        .chain(&CUSTOMERS_FORMS)
        .chain(&STAFF);
    for route in routes.filter(|r| r.starts_with("POST") && !LOG_OUTS.contains(r)) {
        let (_, path) = path_of(route);
        for fields in [
            vec![],
            vec![
                ("id", "-1"),
                ("role", "root"),
                ("code", "x"),
                ("email", "\0"),
            ],
            vec![("id", "1"), ("id", "2"), ("email", "a"), ("email", "b")],
        ] {
            let answer = browser.post(&path, &fields).await;
            assert!(answer.status < 500, "{route}: {}", answer.status);
        }
    }
    let staff = house.portal.list_staff(By::Operator).await.unwrap();
    assert_eq!(staff.len(), 1, "nobody was invited");
}
