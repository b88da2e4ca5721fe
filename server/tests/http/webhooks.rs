//! What the shop of a programme is told: signed, without anything personal, until it takes it, and beside everything else.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fairhold_domain::policy::Role;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tokio::sync::Notify;

use crate::html;
use crate::staff::join;
use crate::support::{Browser, House, Setup};

const ADA: &str = "ada@example.com";
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const HOUR: i64 = 3600;

/// What a shop does when it is told something.
#[derive(Clone, Copy, Debug)]
enum Does {
    Answer(u16),
    /// Sends on to another address of its own.
    Redirect,
    /// Never answers.
    Hang,
    /// Answers, and then never comes to an end.
    EndlessBody,
}

/// One message, as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Told {
    id: String,
    timestamp: i64,
    signature: String,
    body: String,
}

/// A shop that listens.
#[derive(Clone)]
struct Shop {
    told: Arc<Mutex<Vec<Told>>>,
    does: Arc<Mutex<Does>>,
    rung: Arc<Notify>,
    url: String,
}

impl Shop {
    async fn open(does: Does) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hooks", listener.local_addr().unwrap());
        let shop = Self {
            told: Arc::default(),
            does: Arc::new(Mutex::new(does)),
            rung: Arc::default(),
            url,
        };
        let app = axum::Router::new()
            .route("/hooks", post(take))
            .route("/elsewhere", post(take))
            .with_state(shop.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        shop
    }

    fn now(&self, does: Does) {
        *self.does.lock().unwrap() = does;
    }

    fn told(&self) -> Vec<Told> {
        self.told.lock().unwrap().clone()
    }

    /// A portal that tells this shop, and Ada, who is logged in.
    async fn house(&self) -> (House, Browser) {
        let setup = Setup::demo().await;
        let house = setup.with_webhook("club", &self.url, SECRET).start().await;
        let ada = house.logged_in(ADA).await;
        (house, ada)
    }
}

async fn take(State(shop): State<Shop>, headers: HeaderMap, body: String) -> Response {
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "application/json");
    shop.told.lock().unwrap().push(Told {
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp").parse().unwrap(),
        signature: header("webhook-signature"),
        body,
    });
    shop.rung.notify_one();
    let does = *shop.does.lock().unwrap();
    match does {
        Does::Answer(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Does::Redirect => {
            (StatusCode::TEMPORARY_REDIRECT, [("location", "/elsewhere")]).into_response()
        }
        Does::Hang => std::future::pending().await,
        Does::EndlessBody => {
            let more = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b'x'; 65_536]));
            axum::body::Body::from_stream(more).into_response()
        }
    }
}

/// As the documentation tells shops to do it, with nothing of the portal's.
fn is_signed(told: &Told) -> bool {
    let key = STANDARD.decode(&SECRET["whsec_".len()..]).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{}.{}.{}", told.id, told.timestamp, told.body).as_bytes());
    let code = STANDARD.encode(mac.finalize().into_bytes());
    told.signature.split(' ').any(|s| s == format!("v1,{code}"))
}

async fn send(house: &House) {
    house.portal.send_due_webhooks().await.unwrap();
}

#[tokio::test]
async fn a_shop_is_told_who_joined_and_left_and_nothing_personal() {
    let shop = Shop::open(Does::Answer(204)).await;
    let (house, mut ada) = shop.house().await;
    ada.post("/join/club", &[("nickname", "Birdie")]).await;
    ada.post("/join/club", &[]).await;
    ada.post("/join/club", &[("leave", "true")]).await;
    ada.post("/join/club", &[("leave", "true")]).await;
    send(&house).await;
    let mut told = shop.told();
    // They may arrive in any order; each says when it happened.
    told.sort_by_key(|told| !told.body.contains("member.joined"));
    assert_eq!(told.len(), 2, "what changes nothing is not told");
    let bodies: Vec<serde_json::Value> = told
        .iter()
        .map(|told| serde_json::from_str(&told.body).unwrap())
        .collect();
    assert_eq!(bodies[0]["type"], "member.joined");
    assert_eq!(bodies[1]["type"], "member.left");
    for (told, body) in told.iter().zip(&bodies) {
        assert!(is_signed(told));
        assert!(
            body["timestamp"]
                .as_str()
                .unwrap()
                .starts_with("2020-01-15T")
        );
        assert_eq!(body["data"]["programme"], "club");
        assert_eq!(body["data"].as_object().unwrap().len(), 2);
        for personal in [ADA, "Birdie", "Ada"] {
            assert!(!told.body.contains(personal));
        }
    }
    let member = &bodies[0]["data"]["member"];
    assert_eq!(member.as_str().unwrap().len(), 32);
    assert_eq!(member, &bodies[1]["data"]["member"]);
    let id: String = sqlx::query_scalar("SELECT customer_id FROM memberships")
        .fetch_one(&mut house.database().await)
        .await
        .unwrap();
    assert!(!told[0].body.contains(&id), "not our own id");
    send(&house).await;
    assert_eq!(shop.told().len(), 2, "once");
}

#[tokio::test]
async fn what_is_not_committed_is_not_told() {
    let shop = Shop::open(Does::Answer(200)).await;
    let (house, mut ada) = shop.house().await;
    let mut db = house.database().await;
    let sql = "CREATE TRIGGER broken BEFORE INSERT ON webhook_deliveries BEGIN SELECT RAISE(ABORT, 'no'); END";
    sqlx::query(sql).execute(&mut db).await.unwrap();
    let refused = ada.post("/join/club", &[]).await;
    assert_eq!(refused.status, 500);
    let members: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM memberships")
        .fetch_one(&mut db)
        .await
        .unwrap();
    assert_eq!(members, 0, "either both or neither");
}

#[tokio::test]
async fn a_shop_that_hangs_fails_and_works_again_is_told_in_the_end_under_one_id() {
    let shop = Shop::open(Does::Hang).await;
    let (house, mut ada) = shop.house().await;
    ada.post("/join/club", &[]).await;
    send(&house).await;
    shop.now(Does::Answer(500));
    send(&house).await;
    assert_eq!(shop.told().len(), 1, "not at once again");
    house.clock.pass(60);
    send(&house).await;
    shop.now(Does::Redirect);
    house.clock.pass(10 * 60);
    send(&house).await;
    shop.now(Does::EndlessBody);
    house.clock.pass(HOUR);
    send(&house).await;
    let told = shop.told();
    assert_eq!(told.len(), 4, "nothing is followed to another address");
    house.clock.pass(72 * HOUR);
    send(&house).await;
    assert_eq!(shop.told().len(), 4, "its answer's head was enough");
    for one in &told {
        assert_eq!((&one.id, &one.body), (&told[0].id, &told[0].body));
        assert!(is_signed(one));
    }
    let times: Vec<_> = told.iter().map(|one| one.timestamp).collect();
    assert!(times.is_sorted() && times[0] < times[3], "of each try");
}

#[tokio::test]
async fn a_shop_that_never_works_is_given_up_and_told_again_on_demand() {
    let shop = Shop::open(Does::Answer(503)).await;
    let (house, mut ada) = shop.house().await;
    ada.post("/join/club", &[]).await;
    for _ in 0..100 {
        send(&house).await;
        house.clock.pass(HOUR);
    }
    let tries = shop.told().len();
    assert!((8..=13).contains(&tries), "{tries} tries");
    house.clock.pass(500 * HOUR);
    send(&house).await;
    assert_eq!(shop.told().len(), tries, "given up");

    let (mut boss, _) = join(&house, "boss@example.com", Role::Marketing).await;
    let page = boss.get("/staff/webhooks").await;
    let text = page.text();
    for part in [
        "Somebody joined",
        "We gave up.",
        &format!("Tried {tries} times."),
        "The last answer was 503",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains(ADA));
    let field = |name: &str| html::fields(&page.body, name).remove(0);
    let (programme, id) = (field("programme"), field("id"));
    let fields = [("programme", programme.as_str()), ("id", id.as_str())];
    shop.now(Does::Answer(200));
    let again = boss.post("/staff/webhooks/again", &fields).await;
    assert_eq!(again.location(), "/staff/webhooks?done=again");
    send(&house).await;
    let told = shop.told();
    assert_eq!(told.len(), tries + 1);
    assert_eq!(told[tries].id, told[0].id, "the same id");
    assert!(
        boss.get("/staff/webhooks")
            .await
            .text()
            .contains("The shop knows.")
    );
    let unknown = [("programme", "club"), ("id", "none")];
    let refused = boss.post("/staff/webhooks/again", &unknown).await;
    assert_eq!(refused.status, 404);

    let (mut support, _) = join(&house, "support@example.com", Role::Support).await;
    assert_eq!(support.get("/staff/webhooks").await.status, 403);
    let refused = support.post("/staff/webhooks/again", &fields).await;
    assert_eq!(refused.status, 403);
    assert_eq!(shop.told().len(), tries + 1);
}

#[tokio::test]
async fn a_shop_that_hangs_holds_up_neither_mail_nor_another_shop() {
    let (stuck, works) = (
        Shop::open(Does::Hang).await,
        Shop::open(Does::Answer(200)).await,
    );
    let folder = tempfile::tempdir().unwrap();
    crate::support::copy_catalog(folder.path());
    let company = folder.path().join("company.yml");
    let text = std::fs::read_to_string(&company).unwrap();
    let programme = text
        .find("  - key: club\n    name: The Finch Club")
        .unwrap();
    let end = text.find("\nsays_not_sold").unwrap();
    let other = text[programme..end].replace("key: club", "key: guild");
    let other = format!("{}\n{other}{}", &text[..end], &text[end..]);
    std::fs::write(&company, other).unwrap();
    let setup = Setup::demo().await.with_catalog(folder.path());
    let setup = setup.with_webhook("club", &stuck.url, SECRET);
    let house = setup
        .with_webhook("guild", &works.url, SECRET)
        .start()
        .await;
    let mut ada = house.logged_in(ADA).await;

    // The worker as it runs for real.
    let (portal, stop) = (house.portal.clone(), Arc::new(Notify::new()));
    let stopped = stop.clone();
    let worker =
        tokio::spawn(async move { portal.work(async move { stopped.notified().await }).await });
    ada.post("/join/club", &[]).await;
    stuck.rung.notified().await;
    ada.post("/join/guild", &[]).await;
    works.rung.notified().await;
    house
        .browser()
        .post("/sign-up", &[("email", "eve@example.com")])
        .await;
    let mut mails = Vec::new();
    while mails.is_empty() {
        tokio::task::yield_now().await;
        let all = house.portal.demo_outbox().await.unwrap();
        mails = all
            .into_iter()
            .filter(|(_, m)| m.to == "eve@example.com")
            .collect();
    }
    assert_eq!(stuck.told().len(), 1, "it still hangs");
    stop.notify_one();
    // It does not wait for the one that hangs.
    tokio::time::timeout(Duration::from_secs(5), worker)
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn bodies_wait_sealed() {
    let shop = Shop::open(Does::Answer(500)).await;
    let (house, mut ada) = shop.house().await;
    ada.post("/join/club", &[]).await;
    let found = house.contents(&[]).await;
    for value in found["webhook_deliveries"].iter().flatten().flatten() {
        let words = b"\"member\"";
        assert!(!value.windows(words.len()).any(|w| w == words));
    }
}

#[tokio::test]
async fn what_can_not_be_opened_holds_up_nothing_else() {
    let shop = Shop::open(Does::Answer(204)).await;
    let (house, mut ada) = shop.house().await;
    ada.post("/join/club", &[]).await;
    let mut db = house.database().await;
    let broken = "UPDATE webhook_deliveries SET sealed = x'00'";
    sqlx::query(broken).execute(&mut db).await.unwrap();
    ada.post("/join/club", &[("leave", "true")]).await;
    send(&house).await;
    assert_eq!(shop.told().len(), 1, "the one that is whole");
    let left = "SELECT COUNT(*) FROM webhook_deliveries WHERE next_try_at IS NOT NULL";
    let left: i64 = sqlx::query_scalar(left).fetch_one(&mut db).await.unwrap();
    assert_eq!(left, 0, "the other is given up");
}
