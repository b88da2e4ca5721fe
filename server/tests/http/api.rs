//! The API for the company's other systems, and its keys.

use fairhold_domain::policy::{Action, Decider, Role, Scope};
use fairhold_portal::api_keys::{MadeApiKey, NewApiKey};
use fairhold_portal::staff::By;
use reqwest::Method;
use serde_json::Value;

use crate::second_step::codes;
use crate::staff::join;
use crate::support::{Answer, House};

async fn make(house: &House, seconds: i64) -> MadeApiKey {
    let new = NewApiKey {
        id: None,
        name: "The shop till".to_owned(),
        scopes: vec![Scope::Whoami],
        purposes: vec!["newsletter".to_owned()],
        expires_at: house.portal.now().plus_seconds(seconds),
    };
    house
        .portal
        .create_api_key(By::Operator, new)
        .await
        .unwrap()
}

async fn ask(house: &House, path: &str, authorization: &str) -> Answer {
    let headers = [("authorization", authorization)];
    house
        .browser()
        .send(Method::GET, path, &headers, Vec::new())
        .await
}

async fn whoami(house: &House, key: &str) -> Answer {
    ask(house, "/v1/whoami", &format!("Bearer {key}")).await
}

fn is_problem(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status);
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(answer.header("cache-control"), "no-store");
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(body["status"], status);
    assert!(body["title"].is_string() && body["detail"].is_string());
}

#[tokio::test]
async fn a_key_says_what_it_may_do_and_when_it_was_used() {
    let house = House::demo().await;
    let made = make(&house, 600).await;
    let answer = whoami(&house, &made.key).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("cache-control"), "no-store");
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(body["id"], made.id.as_str());
    assert_eq!(body["scopes"], serde_json::json!(["whoami"]));
    assert_eq!(body["purposes"], serde_json::json!(["newsletter"]));
    assert!(!answer.body.contains(&made.key));
    let keys = house.portal.list_api_keys(By::Operator).await.unwrap();
    let used = keys[0].last_used_at.unwrap();
    assert_eq!(used.0 % 60_000_000, 0, "to the minute, not closer");
    for (table, rows) in house.contents(&[]).await {
        for value in rows.iter().flatten().flatten() {
            let key = made.key.as_bytes();
            assert!(!value.windows(key.len()).any(|w| w == key), "{table}");
        }
    }
}

#[tokio::test]
async fn a_key_that_is_wrong_ended_or_revoked_opens_nothing() {
    let house = House::demo().await;
    let made = make(&house, 600).await;
    let wrong = format!("{}x", made.key);
    for authorization in [
        String::new(),
        made.key.clone(),
        format!("Basic {}", made.key),
        format!("Bearer {wrong}"),
        format!("Bearer {}", made.id),
        format!("Bearer {}", "a".repeat(5000)),
    ] {
        let answer = ask(&house, "/v1/whoami", &authorization).await;
        is_problem(&answer, 401);
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
    let in_address = format!("/v1/whoami?access_token={}", made.key);
    is_problem(&ask(&house, &in_address, "").await, 401);
    is_problem(&ask(&house, "/v1/nothing", "").await, 404);
    assert_eq!(whoami(&house, &made.key).await.status, 200);
    let short = make(&house, 60).await;
    house.clock.pass(60);
    is_problem(&whoami(&house, &short.key).await, 401);
    house
        .portal
        .revoke_api_key(By::Operator, &made.id)
        .await
        .unwrap();
    is_problem(&whoami(&house, &made.key).await, 401);
    let decisions = house.portal.decisions(By::Operator, 100).await.unwrap();
    let refused: Vec<_> = decisions
        .iter()
        .filter(|d| !d.decision.allowed && d.decision.action == Action::AskWhoami)
        .map(|d| d.decision.by.clone())
        .collect();
    let by = |id: &str| Decider::System { id: id.to_owned() };
    assert_eq!(refused, [by(&made.id), by(&short.id)], "16.3.2");
}

#[tokio::test]
async fn an_administrator_makes_a_key_sees_it_once_and_ends_it() {
    let house = House::demo().await;
    let (mut boss, _) = join(&house, "boss@example.com", Role::Administrator).await;
    let fields = [
        ("name", "The shop till"),
        ("scope", "whoami"),
        ("purposes", "newsletter, orders, newsletter"),
        ("days", "30"),
    ];
    let made = boss.post("/staff/keys", &fields).await;
    assert_eq!(made.status, 200);
    assert_eq!(made.header("cache-control"), "no-store");
    let key = codes(&made.body).remove(0);
    let answer = whoami(&house, &key).await;
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(
        body["purposes"],
        serde_json::json!(["newsletter", "orders"])
    );
    let page = boss.get("/staff/keys").await;
    assert!(page.text().contains("The shop till") && page.text().contains("Last used"));
    assert!(!page.body.contains(&key), "it is shown once");
    let unknown = [
        ("name", "x"),
        ("scope", "whoami"),
        ("purposes", "nothing-like-that"),
        ("days", "30"),
    ];
    let unknown = boss.post("/staff/keys", &unknown).await;
    assert_eq!(unknown.status, 422);
    assert!(unknown.text().contains("The catalog has no such purpose."));
    // The page with the new key is loaded again: its form is sent a second time.
    let page = boss.get("/staff/keys").await;
    let id = crate::html::fields(&page.body, "id").remove(0);
    let form = [
        ("id", id.as_str()),
        ("name", "Twice"),
        ("scope", "whoami"),
        ("days", "30"),
    ];
    assert_eq!(codes(&boss.post("/staff/keys", &form).await.body).len(), 1);
    let again = boss.post("/staff/keys", &form).await;
    assert!(codes(&again.body).is_empty() && again.text().contains("This key was made already"));
    assert_eq!(again.text().matches("End the key of Twice").count(), 1);
    let nameless = [("name", " "), ("scope", "whoami"), ("days", "30")];
    assert_eq!(boss.post("/staff/keys", &nameless).await.status, 422);
    for days in ["0", "-1", "99999999999"] {
        let fields = [("name", "x"), ("scope", "whoami"), ("days", days)];
        assert_eq!(
            boss.post("/staff/keys", &fields).await.status,
            400,
            "{days}"
        );
    }
    let id = body["id"].as_str().unwrap();
    let ended = boss.post("/staff/keys/end", &[("id", id)]).await;
    assert_eq!(ended.location(), "/staff/keys?done=ended");
    is_problem(&whoami(&house, &key).await, 401);
    let none = boss.post("/staff/keys/end", &[("id", "none")]).await;
    assert_eq!(none.status, 404);
}

#[tokio::test]
async fn a_key_opens_no_page_of_customers_or_staff() {
    let house = House::demo().await;
    let made = make(&house, 600).await;
    for path in ["/my-data", "/who-looked", "/staff", "/staff/people"] {
        let answer = ask(&house, path, &format!("Bearer {}", made.key)).await;
        assert_eq!(answer.status, 303, "{path}");
    }
    let no_scope = NewApiKey {
        id: None,
        name: "Nothing".to_owned(),
        scopes: Vec::new(),
        purposes: Vec::new(),
        expires_at: house.portal.now().plus_seconds(60),
    };
    let made = house.portal.create_api_key(By::Operator, no_scope).await;
    assert!(matches!(made, Err(fairhold_portal::Error::ApiKey)));
    assert_eq!(
        Role::ALL
            .iter()
            .filter(|r| r.may(Action::CreateApiKey))
            .count(),
        1
    );
}
