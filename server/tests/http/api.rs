//! The API for the company's other systems, and its keys.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use fairhold_domain::policy::{Action, Decider, Role, Scope};
use fairhold_portal::api_keys::{MadeApiKey, NewApiKey, System};
use fairhold_portal::once::{AboutNobody, Turn};
use fairhold_portal::staff::By;
use fairhold_portal::{Error, Portal};
use fairhold_server::api::ask::{self, Change, Path, Query};
use fairhold_server::api::problem::{Problem, Refusal};
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::html;
use crate::second_step::codes;
use crate::staff::join;
use crate::support::{Answer, Browser, House};

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

/// All calls that the description names, as `METHOD /address`.
pub async fn calls(house: &House) -> Vec<String> {
    let description = description(house).await;
    let paths = description["paths"].as_object().unwrap();
    let calls = paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().keys();
        methods.map(move |method| format!("{} {path}", method.to_uppercase()))
    });
    calls.collect()
}

async fn description(house: &House) -> Value {
    let answer = house.browser().get("/v1/openapi.json").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "application/json");
    serde_json::from_str(&answer.body).unwrap()
}

/// Whether it is a refusal of this kind, in the API's form.
pub fn is_problem_of(answer: &Answer, problem: Problem) {
    is_problem(answer, problem.status().as_u16());
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(body["type"], problem.reference(), "{body}");
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

#[tokio::test]
async fn every_described_call_is_answered_and_lists_its_refusals() {
    let house = House::demo().await;
    let description = description(&house).await;
    assert_eq!(description["openapi"], "3.1.0");
    for (path, item) in description["paths"].as_object().unwrap() {
        for (method, call) in item.as_object().unwrap() {
            let what = format!("{method} {path}");
            let method: Method = method.to_uppercase().parse().unwrap();
            // Nobody's key: whoever needs one is refused before anything else is looked at.
            let address = path.replace(['{', '}'], "");
            let mut browser = house.browser();
            let status = browser.send(method, &address, &[], Vec::new()).await.status;
            let keyed = !call["security"].as_array().unwrap().is_empty();
            assert_eq!(status, if keyed { 401 } else { 200 }, "{what}");
            let answers = call["responses"].as_object().unwrap();
            assert!(answers.contains_key("503"), "{what}");
            assert_eq!(answers.contains_key("403"), keyed, "{what}");
            assert!(
                answers.keys().any(|status| status.starts_with('2')),
                "{what}"
            );
            assert!(!call["summary"].as_str().unwrap().is_empty(), "{what}");
            let body = &call["requestBody"]["content"];
            if let Some(kinds) = body.as_object() {
                assert_eq!(
                    kinds.keys().collect::<Vec<_>>(),
                    ["application/json"],
                    "{what}"
                );
                knows_its_fields(&description, &body["application/json"]["schema"], &what);
            }
        }
    }
}

/// Whether no object in a type takes fields that nobody described.
fn knows_its_fields(description: &Value, schema: &Value, what: &str) {
    if let Some(to) = schema["$ref"].as_str() {
        let schema = description.pointer(to.trim_start_matches('#')).unwrap();
        return knows_its_fields(description, schema, what);
    }
    if let Some(fields) = schema["properties"].as_object() {
        assert_eq!(schema["additionalProperties"], false, "{what}: {schema}");
        fields
            .values()
            .for_each(|of| knows_its_fields(description, of, what));
    }
    for of in ["oneOf", "anyOf", "allOf"] {
        let all = schema[of].as_array().into_iter().flatten();
        all.for_each(|of| knows_its_fields(description, of, what));
    }
    if !schema["items"].is_null() {
        knows_its_fields(description, &schema["items"], what);
    }
}

#[tokio::test]
async fn the_page_explains_every_call_and_every_problem_and_loads_nothing_from_elsewhere() {
    let house = House::demo().await;
    let page = house.browser().get("/v1/docs").await;
    assert_eq!(page.status, 200);
    let text = page.text();
    for call in calls(&house).await {
        assert!(text.contains(&call), "{call}");
    }
    for words in [
        "needs the scope whoami",
        "expires_at",
        "--header \"Authorization: Bearer $FAIRHOLD_KEY\"",
    ] {
        assert!(text.contains(words), "{words}");
    }
    let ids: Vec<_> = html::attributes(&page.body, "id");
    for problem in Problem::ALL {
        let anchor = problem.anchor();
        assert_eq!(
            ids.iter().filter(|(_, id)| *id == anchor).count(),
            1,
            "{anchor}"
        );
        assert!(text.contains(problem.detail()), "{anchor}");
    }
    for (_, href) in html::attributes(&page.body, "href") {
        let inside = href.strip_prefix('#');
        assert!(
            inside.is_none_or(|to| to == "main" || ids.iter().any(|(_, id)| id == to)),
            "{href}"
        );
        assert!(!href.contains("://"), "{href}");
    }
    for (_, src) in html::attributes(&page.body, "src") {
        assert!(src.starts_with("/company/"), "{src}");
    }
    assert!(!page.body.contains("<script"));
}

#[tokio::test]
async fn what_the_middleware_refuses_is_a_problem_document_too() {
    let house = House::demo().await;
    let made = make(&house, 600).await;
    let mut browser = house.browser();
    for path in ["/v1", "/v1/", "/v1/nothing", "/v1/whoami/", "/v1/%ff"] {
        is_problem_of(&browser.get(path).await, Problem::NotFound);
    }
    for method in [Method::POST, Method::DELETE, Method::OPTIONS, Method::TRACE] {
        let answer = browser.send(method, "/v1/whoami", &[], Vec::new()).await;
        is_problem_of(&answer, Problem::WrongMethod);
        assert_eq!(answer.header("allow"), "GET,HEAD");
    }
    let large = vec![b'a'; 70_000];
    let answer = browser.send(Method::POST, "/v1/whoami", &[], large).await;
    is_problem_of(&answer, Problem::TooLarge);
    let foreign = [("sec-fetch-site", "cross-site")];
    let answer = browser
        .send(Method::POST, "/v1/whoami", &foreign, Vec::new())
        .await;
    is_problem_of(&answer, Problem::OtherSite);
    house.clock.panic_after(0);
    is_problem_of(&whoami(&house, &made.key).await, Problem::Ours);
    // Pages go on in their own words.
    assert!(
        browser
            .get("/v1x")
            .await
            .header("content-type")
            .starts_with("text/html")
    );
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Guest {
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    most: Option<u8>,
}

#[derive(Serialize)]
struct Added {
    table: u8,
    guests: usize,
}

impl AboutNobody for Added {}

/// What calls of the test's own need.
#[derive(Clone)]
struct Party {
    portal: Portal,
    system: System,
    guests: Arc<AtomicUsize>,
}

async fn add_guest(
    State(party): State<Party>,
    Path(table): Path<u8>,
    change: Change<Guest>,
) -> Result<Response, Refusal> {
    let db = party.portal.db().clone();
    let write = db.write(move |tx| {
        Box::pin(async move {
            let first = match party.portal.turn(tx, &party.system, change.once).await? {
                Turn::Again(answer) => return Ok(answer),
                Turn::First(first) => first,
            };
            if change.asks.name == "nobody" {
                return Err(Error::NotFound);
            }
            let guests = party.guests.fetch_add(1, Ordering::SeqCst) + 1;
            first.keep(tx, 201, &Added { table, guests }).await
        })
    });
    Ok(ask::kept(&write.await?))
}

async fn list_guests(Query(part): Query<Part>) -> String {
    part.most.unwrap_or(9).to_string()
}

/// A browser at calls of the test's own, made as calls of the portal are, and how often one of them did something.
async fn party(house: &House) -> (Browser, Arc<AtomicUsize>) {
    let made = make(house, 600).await;
    let system = house.portal.system(&made.key, Action::AskWhoami).await;
    let party = Party {
        portal: house.portal.clone(),
        system: system.unwrap(),
        guests: Arc::default(),
    };
    let guests = party.guests.clone();
    let routes = Router::new()
        .route("/tables/{table}", post(add_guest))
        .route("/guests", get(list_guests))
        .with_state(party);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    (house.browser().at(address), guests)
}

async fn send(
    browser: &Browser,
    path: &str,
    key: Option<&str>,
    kind: &str,
    body: &str,
) -> (u16, Value) {
    let mut headers = vec![("content-type", kind)];
    headers.extend(key.map(|key| ("idempotency-key", key)));
    let body = body.as_bytes().to_vec();
    let answer = browser
        .clone()
        .send(Method::POST, path, &headers, body)
        .await;
    (answer.status, serde_json::from_str(&answer.body).unwrap())
}

#[tokio::test]
async fn a_change_under_an_idempotency_key_is_made_once() {
    let house = House::demo().await;
    let (browser, guests) = party(&house).await;
    let ada = r#"{"name": "ada@example.com"}"#;
    let add = |key, body| send(&browser, "/tables/4", key, "application/json", body);
    let key = Some("a-key-of-16-signs");
    let all = futures::future::join_all((0..5).map(|_| add(key, ada))).await;
    let first = (201, json!({"table": 4, "guests": 1}));
    assert_eq!(all, vec![first.clone(); 5]);
    assert_eq!(guests.load(Ordering::SeqCst), 1);
    // Another body, or another address, under the same key.
    let used = Problem::IdempotencyKeyUsed;
    let (status, body) = add(key, r#"{"name": "eve@example.com"}"#).await;
    assert_eq!((status, &body["type"]), (422, &json!(used.reference())));
    let other = send(&browser, "/tables/5", key, "application/json", ada);
    assert_eq!(other.await.0, 422);
    // What failed was not made, so that it can be mended under its key.
    let mended = Some("a-key-of-16-signs-too");
    assert_eq!(add(mended, r#"{"name": "nobody"}"#).await.0, 404);
    assert_eq!(add(mended, ada).await.1["guests"], 2);
    // Without a key it is made each time.
    assert_eq!(add(None, ada).await.1["guests"], 3);
    assert_eq!(add(None, ada).await.1["guests"], 4);
    let (status, body) = add(Some("short"), ada).await;
    let wrong = Problem::WrongIdempotencyKey.reference();
    assert_eq!((status, &body["type"]), (400, &json!(wrong)));
    // Neither what was asked nor what the system made up is kept.
    for (table, rows) in house.contents(&[]).await {
        for value in rows.iter().flatten().flatten() {
            let text = String::from_utf8_lossy(value);
            assert!(
                !text.contains("ada@") && !text.contains("a-key-of"),
                "{table}"
            );
        }
    }
    // A day later it is gone.
    house.clock.pass(24 * 3600);
    house.work().await;
    assert!(house.contents(&[]).await["idempotency_keys"].is_empty());
    assert_eq!(add(key, ada).await.1["guests"], 5);
}

#[tokio::test]
async fn a_wrong_body_query_or_address_is_refused_with_what_is_wrong() {
    let house = House::demo().await;
    let (mut browser, guests) = party(&house).await;
    for (kind, body, problem, pointer) in [
        ("text/plain", "{}", Problem::WrongKind, None),
        ("application/json", "{", Problem::NotJson, Some("")),
        ("application/json", "{}", Problem::WrongBody, Some("/name")),
        (
            "application/json; charset=utf-8",
            r#"{"name": "a", "b": 1}"#,
            Problem::WrongBody,
            Some("/b"),
        ),
    ] {
        let (status, answer) = send(&browser, "/tables/4", None, kind, body).await;
        assert_eq!(status, problem.status().as_u16(), "{body}");
        assert_eq!(answer["type"], problem.reference(), "{body}");
        let said = answer["errors"][0]["pointer"].as_str();
        assert_eq!(said, pointer, "{body}");
    }
    let nowhere = send(&browser, "/tables/none", None, "application/json", "{}");
    assert_eq!(nowhere.await.0, 404);
    assert_eq!(guests.load(Ordering::SeqCst), 0);
    let some = browser.get("/guests?most=5").await;
    assert_eq!((some.status, some.body.as_str()), (200, "5"));
    for query in ["most=x", "least=1", "most=1&most=1"] {
        let answer = browser.get(&format!("/guests?{query}")).await;
        assert_eq!(answer.status, 400, "{query}");
        assert!(answer.body.contains("wrong-query"), "{}", answer.body);
    }
}
