//! The gate of collection: a value of another system is kept only where the customer said yes.

use axum::http::Method;
use fairhold_domain::policy::Scope;
use fairhold_portal::api_keys::NewApiKey;
use fairhold_portal::staff::By;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Answer, Browser, House, Setup, copy_catalog};

const ADA: &str = "ada@example.com";
/// What the till may speak for.
const PURPOSES: [&str; 5] = [
    "your_offers",
    "better_shelves",
    "offers_by_post",
    "account",
    "club",
];

async fn key(house: &House, scopes: &[Scope], purposes: &[&str]) -> String {
    let portal = &house.portal;
    let new = NewApiKey {
        id: None,
        name: "The till".to_owned(),
        scopes: scopes.to_vec(),
        purposes: purposes.iter().map(|p| (*p).to_owned()).collect(),
        expires_at: portal.now().plus_seconds(3600 * 24 * 300),
    };
    portal.create_api_key(By::Operator, new).await.unwrap().key
}

async fn send(
    house: &House,
    method: Method,
    path: &str,
    key: &str,
    once: &str,
    body: &Value,
) -> Answer {
    let bearer = format!("Bearer {key}");
    let mut headers = vec![
        ("content-type", "application/json"),
        ("authorization", &bearer),
    ];
    if !once.is_empty() {
        headers.push(("idempotency-key", once));
    }
    let mut browser: Browser = house.browser();
    browser
        .send(method, path, &headers, body.to_string().into_bytes())
        .await
}

async fn reference(house: &House, email: &str) -> String {
    let key = key(house, &[Scope::Customers], &[]).await;
    let body = json!({"email": email});
    let found = send(house, Method::POST, "/v1/customers/find", &key, "", &body).await;
    let found: Value = serde_json::from_str(&found.body).unwrap();
    found["ref"].as_str().unwrap().to_owned()
}

fn problem(answer: &Answer) -> (u16, String) {
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let problem: Value = serde_json::from_str(&answer.body).unwrap();
    let kind = problem["type"].as_str().unwrap().to_owned();
    (answer.status, kind.replace("/v1/docs#problem-", ""))
}

async fn allow(browser: &mut Browser, purpose: &str, answer: &str) {
    let fields = [("purpose", purpose), ("version", "1"), ("allow", answer)];
    assert_eq!(browser.post("/permissions", &fields).await.status, 303);
}

#[tokio::test]
async fn nothing_is_kept_before_a_yes_and_after_it_was_taken_back() {
    let (house, mut ada) = House::with(ADA).await;
    let reference = reference(&house, ADA).await;
    let till = key(&house, &[Scope::Fields], &PURPOSES).await;
    let path = format!("/v1/customers/{reference}/fields/favourite_drink");
    let tea = json!({"value": "Tea", "purpose": "your_offers", "origin": "inferred"});
    let put =
        async |once: &str, body: &Value| send(&house, Method::PUT, &path, &till, once, body).await;
    let before = house.contents(&["api_keys", "looks", "look_heads"]).await;
    assert_eq!(problem(&put("", &tea).await), (403, "no-grant".to_owned()));
    assert!(
        before == house.contents(&["api_keys", "looks", "look_heads"]).await,
        "nothing is stored"
    );
    allow(&mut ada, "your_offers", "yes").await;
    let kept = put("0123456789abcdef", &tea).await;
    assert_eq!(
        (kept.status, kept.body.as_str()),
        (200, r#"{"status":"kept"}"#)
    );
    let page = ada.get("/my-data").await.text();
    assert!(page.contains("Favourite drink Tea"), "{page}");
    assert!(page.contains("We worked it out"), "with where it came from");
    allow(&mut ada, "your_offers", "no").await;
    let coffee = json!({"value": "Coffee", "purpose": "your_offers"});
    assert_eq!(
        problem(&put("", &coffee).await),
        (403, "no-grant".to_owned())
    );
    assert_eq!(
        put("0123456789abcdef", &tea).await.status,
        200,
        "the same call again"
    );
    assert_eq!(
        problem(&put("0123456789abcdef", &coffee).await).1,
        "idempotency-key-used"
    );
    assert!(
        ada.get("/my-data")
            .await
            .text()
            .contains("Favourite drink Tea")
    );
}

/// A field that customers do not type.
const GUESS: &str = "          \
- name: guessed_taste
            description: What we think that you like.
            data_categories: [user.behavior]
            portal: { label: Guessed taste, why: It helps us., origin: inferred, purposes: [your_offers], seen_by: [] }
";

#[tokio::test]
async fn what_a_system_put_in_its_customer_takes_away() {
    let folder = TempDir::new().unwrap();
    copy_catalog(folder.path());
    let file = folder.path().join("datasets/portal.yml");
    let text = std::fs::read_to_string(&file).unwrap();
    let next = "          - name: brewing\n";
    assert!(text.contains(next));
    std::fs::write(&file, text.replace(next, &format!("{GUESS}{next}"))).unwrap();
    let setup = Setup::demo().await.with_catalog(folder.path());
    let house = setup.start().await;
    house.add(ADA).await;
    let mut ada = house.logged_in(ADA).await;
    let reference = reference(&house, ADA).await;
    let looked = ada.get("/who-looked").await.text();
    assert!(
        looked.contains("The till looked at your log-in"),
        "to be found is a look: {looked}"
    );
    let till = key(&house, &[Scope::Fields], &PURPOSES).await;
    allow(&mut ada, "your_offers", "yes").await;
    let tea = json!({"value": "Tea", "purpose": "your_offers", "origin": "inferred"});
    let path = format!("/v1/customers/{reference}/fields/guessed_taste");
    let kept = send(&house, Method::PUT, &path, &till, "", &tea).await;
    assert_eq!(kept.status, 200);
    let page = ada.get("/my-data").await;
    assert!(page.body.contains("/change/guessed_taste"));
    let form = ada.get("/change/guessed_taste").await;
    assert!(form.text().contains("Take it away") && !form.text().contains("Keep this"));
    let change = [("do", "change"), ("guessed_taste", "Coffee")];
    let changed = ada.post("/change/guessed_taste", &change).await;
    assert_eq!(changed.status, 404, "nobody types a guess");
    let removed = ada.post("/change/guessed_taste", &[("do", "remove")]).await;
    assert_eq!(removed.location(), "/my-data");
    let page = ada.get("/my-data").await.text();
    assert!(!page.contains("Guessed taste"), "{page}");
    for own in ["email", "points", "programmes", "none"] {
        let path = format!("/change/{own}");
        let refused = ada.post(&path, &[("do", "remove")]).await;
        assert_eq!(refused.status, 404, "{own}");
    }
}

#[tokio::test]
async fn a_yes_to_an_ask_covers_its_fields_and_no_others() {
    let (house, mut ada) = House::with(ADA).await;
    let reference = reference(&house, ADA).await;
    let till = key(&house, &[Scope::Fields], &PURPOSES).await;
    ada.get("/share/a_wish").await;
    let fields = [
        ("version", "1"),
        ("purpose_version", "1"),
        ("answer", "yes"),
        ("wish", "Rooibos"),
    ];
    assert_eq!(ada.post("/share/a_wish", &fields).await.status, 303);
    let put = async |field: &str, purpose: &str| {
        let path = format!("/v1/customers/{reference}/fields/{field}");
        let body = json!({"value": "Tea", "purpose": purpose});
        send(&house, Method::PUT, &path, &till, "", &body).await
    };
    assert_eq!(put("wish", "better_shelves").await.status, 200);
    assert_eq!(
        problem(&put("favourite_drink", "your_offers").await).1,
        "no-grant"
    );
    assert_eq!(
        problem(&put("favourite_drink", "better_shelves").await),
        (422, "wrong-body".to_owned())
    );
    assert_eq!(
        problem(&put("wish", "no_such_purpose").await).1,
        "wrong-body"
    );
    for field in ["nothing", "email", "account.email", "password", "allowed"] {
        assert_eq!(
            problem(&put(field, "account").await),
            (404, "not-found".to_owned()),
            "{field}"
        );
    }
}

#[tokio::test]
async fn a_value_is_checked_and_a_key_speaks_for_its_purposes_alone() {
    let (house, mut ada) = House::with(ADA).await;
    let reference = reference(&house, ADA).await;
    allow(&mut ada, "your_offers", "yes").await;
    allow(&mut ada, "offers_by_post", "yes").await;
    let till = key(&house, &[Scope::Fields], &["offers_by_post"]).await;
    let put = async |reference: &str, field: &str, body: Value| {
        let path = format!("/v1/customers/{reference}/fields/{field}");
        send(&house, Method::PUT, &path, &till, "", &body).await
    };
    let tea = json!({"value": "Tea", "purpose": "your_offers"});
    assert_eq!(
        problem(&put(&reference, "favourite_drink", tea).await),
        (403, "purpose-missing".to_owned())
    );
    let address = |code: &str| {
        json!({"purpose": "offers_by_post", "origin": "provided", "value":
            {"street": "7 Quiet Lane", "town": "Galway", "code": code, "country": "IE"}})
    };
    let wrong = put(&reference, "address", address("12")).await;
    assert_eq!(problem(&wrong), (422, "wrong-body".to_owned()));
    assert!(wrong.body.contains("/value/code") && !wrong.body.contains("Quiet"));
    assert_eq!(
        put(&reference, "address", address("H91 E2K3")).await.status,
        200
    );
    assert!(
        ada.get("/my-data")
            .await
            .text()
            .contains("7 Quiet Lane, Galway, H91 E2K3, Ireland")
    );
    let nobody = "0".repeat(32);
    assert_eq!(
        problem(&put(&nobody, "address", address("H91 E2K3")).await).0,
        404
    );
    let whoami = key(&house, &[Scope::Whoami], &[]).await;
    let path = format!("/v1/customers/{reference}/fields/address");
    let refused = send(
        &house,
        Method::PUT,
        &path,
        &whoami,
        "",
        &address("H91 E2K3"),
    )
    .await;
    assert_eq!(problem(&refused), (403, "scope-missing".to_owned()));
}
