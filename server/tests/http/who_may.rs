//! Who may do what: every address is in one of the lists below, and each list is tried. Fails when an address is added
//! to the routes and not here.

use std::collections::BTreeSet;

use fairhold_domain::policy::{self, Action, Actor, Role};
use reqwest::Method;

use crate::support::{Answer, Browser, House};

/// Pages and files that a stranger may open.
const OPEN: [&str; 23] = [
    "GET /",
    "GET /sign-up",
    "GET /forgot-password",
    "GET /check-your-mail",
    "GET /set-password/{token}",
    "GET /not-me/{token}",
    "GET /join/{programme}",
    "GET /join/{programme}/embed",
    "GET /joining/{token}",
    "GET /log-in",
    "GET /demo/outbox",
    "GET /staff/log-in",
    "GET /staff/join/{token}",
    "GET /company.css",
    "GET /favicon.svg",
    "GET /healthz",
    "GET /readyz",
    "GET /pkg/{file}",
    "GET /company/{file}",
    "GET /v1/openapi.json",
    "GET /v1/docs",
    "GET /certificates",
    "GET /certificates/{erasure}",
];

/// Forms that a stranger may send.
pub const OPEN_FORMS: [&str; 14] = [
    "POST /certificates",
    "POST /sign-up",
    "POST /forgot-password",
    "POST /set-password/{token}",
    "POST /not-me/{token}",
    "POST /join/{programme}",
    "POST /join/{programme}/embed",
    "POST /joining/{token}",
    "POST /log-in/passkey",
    "POST /log-in",
    "POST /log-out",
    "POST /staff/log-in",
    "POST /staff/join/{token}",
    "POST /staff/log-out",
];

/// Pages and forms in the middle of a log-in: whoever has not begun one is sent to its beginning.
pub const HALF_IN: [&str; 4] = [
    "GET /log-in/code",
    "POST /log-in/code",
    "GET /log-in/passkey",
    "POST /log-in/passkey/answer",
];

/// Pages and forms behind the staff door: everybody else is sent to the staff's log-in.
pub const STAFF: [&str; 23] = [
    "GET /staff/decisions",
    "GET /staff/webhooks",
    "POST /staff/webhooks/again",
    "GET /staff",
    "GET /staff/code",
    "POST /staff/code",
    "GET /staff/people",
    "POST /staff/people",
    "POST /staff/people/role",
    "POST /staff/people/revoke",
    "GET /staff/keys",
    "POST /staff/keys",
    "POST /staff/keys/end",
    "GET /staff/rewards",
    "POST /staff/rewards",
    "GET /staff/rewards/{reward}",
    "POST /staff/rewards/{reward}",
    "POST /staff/rewards/{reward}/pause",
    "POST /staff/rewards/{reward}/codes",
    "GET /staff/asks",
    "POST /staff/asks",
    "GET /staff/points",
    "POST /staff/points",
];

/// Calls of other systems: without a key they are refused.
const SYSTEMS: [&str; 4] = [
    "PUT /v1/customers/{ref}/fields/{key}",
    "GET /v1/whoami",
    "POST /v1/programmes/{id}/members",
    "POST /v1/customers/find",
];

/// Pages for the customer who is logged in: a stranger is sent to the log-in.
pub const CUSTOMERS: [&str; 26] = [
    "GET /delete",
    "GET /download",
    "GET /permissions/receipt/{number}",
    "GET /share",
    "GET /share/{ask}",
    "GET /change/{field}",
    "GET /permissions",
    "GET /account/contacts",
    "GET /account/contacts/code/{id}",
    "GET /account/contacts/again",
    "GET /account/contacts/take-over",
    "GET /account/contacts/log-in",
    "GET /account/contacts/off",
    "GET /account/app/off",
    "GET /account/recovery-codes/kept",
    "GET /account/passkeys/name",
    "GET /account/passkeys/off",
    "GET /still-you",
    "GET /account",
    "GET /account/devices",
    "GET /my-data",
    "GET /my-data/{dataset}/{collection}",
    "GET /is-it-you/{dataset}",
    "GET /who-looked",
    "GET /rewards",
    "GET /rewards/taken/{redemption}",
];

/// Forms of a customer: a stranger's are refused.
pub const CUSTOMERS_FORMS: [&str; 28] = [
    "POST /delete",
    "POST /rewards",
    "POST /download",
    "POST /share/{ask}",
    "POST /change/{field}",
    "POST /permissions",
    "POST /account/contacts",
    "POST /account/contacts/code/{id}",
    "POST /account/contacts/again",
    "POST /account/contacts/take-over",
    "POST /account/contacts/log-in",
    "POST /account/contacts/off",
    "POST /account/app",
    "POST /account/app/new",
    "POST /account/app/off",
    "POST /account/recovery-codes",
    "POST /account/recovery-codes/kept",
    "POST /account/passkeys",
    "POST /account/passkeys/new",
    "POST /account/passkeys/name",
    "POST /account/passkeys/off",
    "POST /still-you",
    "POST /account/devices",
    "POST /account/password",
    "POST /my-data",
    "POST /my-data/{dataset}/{collection}",
    "POST /is-it-you/{dataset}",
    "POST /act/uncover",
];

/// Pages for a customer who showed a short time ago who they are: others are asked to.
pub const PROVEN: [&str; 7] = [
    "GET /download/{id}",
    "GET /account/password",
    "GET /account/app",
    "GET /account/app/new",
    "GET /account/recovery-codes",
    "GET /account/passkeys",
    "GET /account/passkeys/new",
];

/// What a route is in the table of who may do what (`fairhold_domain::policy`); `None` for one that has no row.
pub fn action(route: &str) -> Option<Action> {
    let (method, path) = route.split_once(' ').unwrap();
    let read = |read, change| Some(if method == "GET" { read } else { change });
    match path {
        "/"
        | "/check-your-mail"
        | "/demo/outbox"
        | "/company.css"
        | "/favicon.svg"
        | "/healthz"
        | "/readyz"
        | "/pkg/{file}"
        | "/company/{file}"
        | "/v1/openapi.json"
        | "/v1/docs"
        | "/certificates"
        | "/certificates/{erasure}" => read(Action::OpenPublicPage, Action::OpenPublicPage),
        "/sign-up"
        | "/forgot-password"
        | "/set-password/{token}"
        | "/not-me/{token}"
        | "/join/{programme}"
        | "/join/{programme}/embed"
        | "/joining/{token}"
        | "/log-in"
        | "/log-in/code"
        | "/log-in/passkey"
        | "/log-in/passkey/answer"
        | "/log-out" => read(Action::UseDoor, Action::UseDoor),
        "/staff/log-in" | "/staff/code" | "/staff/join/{token}" | "/staff/log-out" => {
            read(Action::UseDoor, Action::UseDoor)
        }
        "/v1/whoami" => read(Action::AskWhoami, Action::AskWhoami),
        "/v1/programmes/{id}/members" => read(Action::AskToJoin, Action::AskToJoin),
        "/v1/customers/{ref}/fields/{key}" => read(Action::PutField, Action::PutField),
        "/v1/customers/find" => read(Action::FindCustomer, Action::FindCustomer),
        "/staff/webhooks" => read(Action::ReadWebhooks, Action::ReadWebhooks),
        "/staff/webhooks/again" => read(Action::SendWebhookAgain, Action::SendWebhookAgain),
        "/staff" => read(Action::OpenStaffHome, Action::OpenStaffHome),
        "/staff/people" => read(Action::ReadStaff, Action::InviteStaff),
        "/staff/keys" => read(Action::ReadApiKeys, Action::CreateApiKey),
        "/staff/decisions" => read(Action::ReadDecisions, Action::ReadDecisions),
        "/staff/keys/end" => read(Action::RevokeApiKey, Action::RevokeApiKey),
        "/staff/people/role" => read(Action::ChangeStaffRole, Action::ChangeStaffRole),
        "/staff/people/revoke" => read(Action::RevokeStaff, Action::RevokeStaff),
        "/still-you" => read(Action::BeCustomer, Action::BeCustomer),
        "/account/devices" => read(Action::ReadCredentials, Action::EndSessions),
        "/my-data" | "/my-data/{dataset}/{collection}" | "/act/uncover" => {
            read(Action::ReadData, Action::ReadData)
        }
        "/is-it-you/{dataset}" => read(Action::ProveRows, Action::ProveRows),
        "/permissions" | "/permissions/receipt/{number}" | "/share" | "/share/{ask}" => {
            read(Action::ReadGrants, Action::ChangeGrants)
        }
        "/rewards" => read(Action::ReadPoints, Action::TakeReward),
        "/rewards/taken/{redemption}" => read(Action::ReadPoints, Action::ReadPoints),
        "/staff/rewards" | "/staff/rewards/{reward}" => {
            read(Action::ReadRewards, Action::ChangeRewards)
        }
        "/staff/rewards/{reward}/pause" | "/staff/rewards/{reward}/codes" => {
            read(Action::ChangeRewards, Action::ChangeRewards)
        }
        "/staff/asks" => read(Action::ReadAsks, Action::PauseAsks),
        "/staff/points" => read(Action::CorrectPoints, Action::CorrectPoints),
        "/change/{field}" => read(Action::ReadData, Action::ChangeGrants),
        "/delete" => read(Action::EraseData, Action::EraseData),
        "/download" | "/download/{id}" => read(Action::ExportData, Action::ExportData),
        "/who-looked" => read(Action::ReadLooks, Action::ReadLooks),
        path if path == "/account" || path.starts_with("/account/") => {
            read(Action::ReadCredentials, Action::ChangeCredentials)
        }
        _ => None,
    }
}

#[test]
fn every_address_stands_in_the_table_and_in_the_list_that_the_table_asks_for() {
    let open = OPEN.iter().chain(&OPEN_FORMS).chain(&HALF_IN);
    let customers = CUSTOMERS.iter().chain(&PROVEN).chain(&CUSTOMERS_FORMS);
    for (routes, is_open) in [
        (open.collect::<Vec<_>>(), true),
        (customers.collect(), false),
    ] {
        for route in routes {
            let action = action(route).expect(route);
            let may = |actor| policy::may(actor, action);
            assert_eq!(may(Actor::Stranger), is_open, "{route}");
            assert_eq!(may(Actor::OtherCustomer), is_open, "{route}");
            assert!(may(Actor::Owner), "{route}");
        }
    }
    for route in STAFF.iter().filter(|route| !route.ends_with("/code")) {
        let action = action(route).expect(route);
        let may = |actor| policy::may(actor, action);
        assert!(!may(Actor::Stranger) && !may(Actor::Owner), "{route}");
        assert!(may(Actor::Staff(Role::Administrator)), "{route}");
    }
}

/// All addresses of the lists.
pub fn every_route() -> impl Iterator<Item = &'static str> {
    OPEN.into_iter()
        .chain(OPEN_FORMS)
        .chain(CUSTOMERS)
        .chain(PROVEN)
        .chain(HALF_IN)
        .chain(CUSTOMERS_FORMS)
        .chain(STAFF)
        .chain(SYSTEMS)
}

/// The addresses that the source names.
fn routes() -> BTreeSet<String> {
    let sources = [
        include_str!("../../../app/src/routes.rs"),
        include_str!("../../src/http.rs"),
    ];
    let mut found = BTreeSet::new();
    for source in sources {
        for route in source.split(".route(").skip(1) {
            let (path, rest) = route.trim_start()[1..].split_once('"').unwrap();
            let handlers = until_closed(rest);
            for (method, call) in [("GET", "get("), ("POST", "post(")] {
                if handlers.contains(call) {
                    found.insert(format!("{method} {path}"));
                }
            }
        }
        for nest in source.split(".nest(").skip(1) {
            let path = nest.trim_start()[1..].split('"').next().unwrap();
            found.insert(format!("GET {path}/{{file}}"));
        }
    }
    // One line in the table stands for every server function.
    assert!(found.remove("POST /act/{*name}"));
    found.extend(server_function_paths());
    found
}

/// Up to the bracket that closes the call.
fn until_closed(text: &str) -> &str {
    let mut open = 1;
    let end = text.find(|c| {
        open += i32::from(c == '(') - i32::from(c == ')');
        open == 0
    });
    &text[..end.unwrap()]
}

fn server_function_paths() -> impl Iterator<Item = String> {
    server_fn::axum::server_fn_paths().map(|(path, method)| format!("{method} {path}"))
}

#[tokio::test]
async fn every_address_is_in_a_list() {
    let listed: BTreeSet<String> = every_route().map(str::to_owned).collect();
    let (routes, calls) = (routes(), crate::api::calls(&House::demo().await).await);
    // A call is routed by what describes it, and in no other way.
    assert!(!routes.iter().any(|route| route.contains(" /v1")));
    let found: BTreeSet<String> = routes.into_iter().chain(calls).collect();
    assert_eq!(found, listed);
}

/// The method of a route, and an address of it.
pub fn path_of(route: &str) -> (Method, String) {
    let (method, path) = route.split_once(' ').unwrap();
    let path = path
        .replace("/pkg/{file}", "/pkg/fairhold.0c.css")
        .replace("{file}", "logo.svg")
        .replace("{token}", "a-token")
        .replace("{programme}", "club")
        .replace("{id}", "00112233445566778899aabbccddeeff")
        .replace("{dataset}", "shop")
        .replace("{reward}", "free_coffee")
        .replace("{collection}", "orders");
    (method.parse().unwrap(), path)
}

/// Sends what a route takes, with all fields that any form has.
pub async fn call(browser: &mut Browser, route: &str) -> Answer {
    let (method, path) = path_of(route);
    let fields = [
        ("email", "eve@example.com"),
        ("password", "four words that fit"),
        ("id", "00112233445566778899aabbccddeeff"),
        ("show", "00112233445566778899aabbccddeeff"),
        ("answer", "D02 AF30"),
        ("code", "123456"),
        ("name", "my phone"),
        ("role", "support"),
        ("scope", "whoami"),
        ("days", "30"),
        ("passkey", "{}"),
        ("programme", "club"),
        ("purpose", "newsletter"),
        ("version", "1"),
        ("allow", "yes"),
        ("reward", "free_coffee"),
        ("costs", "40"),
        ("ask", "a_wish"),
        ("pause", "true"),
        ("codes", "A-CODE"),
        ("points", "5"),
        ("reason", "We forgot them."),
    ];
    match method {
        Method::GET => browser.get(&path).await,
        Method::POST => browser.post(&path, &fields).await,
        _ => browser.send(method, &path, &[], Vec::new()).await,
    }
}

#[tokio::test]
async fn a_stranger_gets_no_further_than_the_open_pages() {
    let house = House::demo().await;
    house.add("ada@example.com").await;
    // What is named by a number that nobody has is not there for anybody.
    let named = |route: &&&str| route.contains("{token}") || route.contains("{erasure}");
    for route in OPEN.iter().filter(|route| !named(route)) {
        let answer = call(&mut house.browser(), route).await;
        assert_eq!(answer.status, 200, "{route}");
    }
    for route in CUSTOMERS.iter().chain(&PROVEN) {
        let answer = call(&mut house.browser(), route).await;
        assert_eq!(answer.status, 303, "{route}");
        assert!(answer.location().starts_with("/log-in?next=/"), "{route}");
        assert!(answer.body.is_empty(), "{route}");
    }
    for route in HALF_IN {
        let answer = call(&mut house.browser(), route).await;
        assert_eq!(
            (answer.status, answer.location()),
            (303, "/log-in"),
            "{route}"
        );
    }
    for route in CUSTOMERS_FORMS {
        let answer = call(&mut house.browser(), route).await;
        let refused = answer.status == 401
            || (answer.status == 303 && answer.location().starts_with("/log-in"));
        assert!(refused, "{route}: {}", answer.status);
        assert!(!answer.body.contains("ada"), "{route}");
    }
    assert_eq!(
        house.looks().await,
        Vec::<serde_json::Value>::new(),
        "nobody looked at anything"
    );
}

#[tokio::test]
async fn neither_a_stranger_nor_a_customer_gets_behind_the_staff_door() {
    let (house, customer) = House::with("ada@example.com").await;
    house.work().await;
    let before = house.contents(&[]).await;
    for route in STAFF {
        for mut browser in [house.browser(), customer.clone()] {
            let answer = call(&mut browser, route).await;
            assert_eq!(
                (answer.status, answer.location()),
                (303, "/staff/log-in"),
                "{route}"
            );
            assert!(answer.body.is_empty(), "{route}");
        }
    }
    for route in SYSTEMS {
        for mut browser in [house.browser(), customer.clone()] {
            assert_eq!(call(&mut browser, route).await.status, 401, "{route}");
        }
        let may = |actor| policy::may(actor, action(route).expect(route));
        assert!(!may(Actor::Owner) && !may(Actor::System(None)), "{route}");
        assert!(!may(Actor::Staff(Role::Administrator)), "{route}");
    }
    let mut customer = customer;
    // A customer's cookie under the staff's name opens nothing either.
    customer.staff.clone_from(&customer.cookie);
    for route in STAFF {
        let answer = call(&mut customer, route).await;
        assert_eq!(answer.location(), "/staff/log-in", "{route}");
    }
    assert!(before == house.contents(&[]).await, "something changed");
}

#[tokio::test]
async fn an_island_that_a_stranger_calls_hears_that_they_must_log_in() {
    let house = House::demo().await;
    let answer = call(&mut house.browser(), "POST /act/uncover").await;
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (401, "\"log_in_first\"")
    );
    let unknown = house.browser().post("/act/erase_everything", &[]).await;
    assert!((400..500).contains(&unknown.status), "{}", unknown.status);
}

#[tokio::test]
async fn to_open_a_page_changes_nothing() {
    let (house, customer) = House::with("ada@example.com").await;
    house.work().await;
    for route in OPEN.iter().chain(&CUSTOMERS).chain(&PROVEN) {
        for mut browser in [house.browser(), customer.clone()] {
            for method in [Method::GET, Method::HEAD] {
                // That somebody looked is the one thing that a look writes down, with what was learnt to find their rows.
                let records: &[&str] = if browser.cookie.is_some() {
                    &["looks", "look_heads", "last_looks", "links"]
                } else {
                    &[]
                };
                let before = house.contents(records).await;
                let path = route.split_once(' ').unwrap().1;
                let path = path
                    .replace("{dataset}", "shop")
                    .replace("{collection}", "orders")
                    .replace("{token}", "t")
                    .replace("{programme}", "club")
                    .replace("{file}", "f");
                browser.send(method, &path, &[], Vec::new()).await;
                assert!(
                    before == house.contents(records).await,
                    "{route} changed something"
                );
            }
        }
    }
}

#[tokio::test]
async fn the_outbox_is_shown_to_this_machine_alone() {
    let house = House::demo().await;
    house
        .browser()
        .post("/sign-up", &[("email", "eve@example.com")])
        .await;
    house.work().await;
    let page = house.browser().get("/demo/outbox").await;
    assert!(page.text().contains("To eve@example.com"));
    for (name, value) in [
        ("host", "localhost:3000"),
        ("host", "127.0.0.1"),
        ("host", "[::1]:3000"),
    ] {
        let page = house.outbox_with(name, value).await;
        assert_eq!(page.status, 200, "{name}: {value}");
    }
    for (name, value) in [
        ("host", "evil.example"),
        ("host", "localhost.evil.example:3000"),
        ("host", "user@localhost"),
        ("forwarded", "for=203.0.113.9"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-host", "localhost"),
        ("x-forwarded-proto", "https"),
    ] {
        let page = house.outbox_with(name, value).await;
        assert_eq!(page.status, 404, "{name}: {value}");
        assert!(!page.body.contains("eve@"), "{name}: {value}");
    }
    let nameless = house
        .raw(b"GET http://evil.example/demo/outbox HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .await;
    assert!(nameless.starts_with("HTTP/1.1 404"), "{nameless:.60}");
    let nameless = house.raw(b"GET /demo/outbox HTTP/1.0\r\n\r\n").await;
    assert!(nameless.starts_with("HTTP/1.0 404"), "{nameless:.60}");
}

impl House {
    async fn outbox_with(&self, name: &str, value: &str) -> Answer {
        let headers = [(name, value)];
        self.browser()
            .send(Method::GET, "/demo/outbox", &headers, Vec::new())
            .await
    }
}
