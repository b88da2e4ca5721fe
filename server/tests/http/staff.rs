//! The staff: invited, let in by a password and a code, allowed what the table says, and sent away at once (ASVS 5.0,
//! 6.3.3, 6.5.1, 7.3.1, 7.4.2, 8.3.2, 8.4.2, 16.3.2).

use fairhold_domain::policy::{Action, Decider, Role};
use fairhold_portal::Error;
use fairhold_portal::staff::By;
use fairhold_server::demo;

use crate::html;
use crate::second_step::{App, codes};
use crate::support::{Answer, Browser, House};

const BOSS: &str = "boss@example.com";
const PASSWORD: &str = "seven quiet herons wade";

async fn invite(house: &House, address: &str, role: Role) {
    house
        .portal
        .invite_staff(By::Operator, address, role)
        .await
        .unwrap();
}

/// Invites somebody, who joins and logs in.
pub async fn join(house: &House, address: &str, role: Role) -> (Browser, App) {
    invite(house, address, role).await;
    let link = house.link_to(address).await;
    let mut browser = house.browser();
    let joined = browser.post(&link, &[("password", PASSWORD)]).await;
    assert_eq!(joined.location(), "/staff/log-in?done=password");
    let first = log_in(&mut browser, address).await;
    assert_eq!(first.location(), "/staff/code");
    let page = browser.get("/staff/code").await;
    let app = App::new(&codes(&page.body)[0]);
    let whole = browser
        .post("/staff/code", &[("code", &app.code(house, 0))])
        .await;
    assert_eq!(whole.location(), "/staff");
    (browser, app)
}

async fn log_in(browser: &mut Browser, address: &str) -> Answer {
    let fields = [("email", address), ("password", PASSWORD)];
    browser.post("/staff/log-in", &fields).await
}

async fn is_in(browser: &mut Browser) -> bool {
    let answer = browser.get("/staff").await;
    match (answer.status, answer.location()) {
        (200, _) => true,
        (303, "/staff/log-in") => false,
        other => panic!("neither in nor out: {other:?}"),
    }
}

/// The id of somebody, as the page's forms hold it.
async fn id_of(house: &House, address: &str) -> String {
    let id = house.portal.staff_by_address(address).await.unwrap();
    id.to_string()
}

#[tokio::test]
async fn an_invitation_works_once_and_for_a_day() {
    let house = House::demo().await;
    invite(&house, BOSS, Role::Administrator).await;
    let late = house.link_to(BOSS).await;
    house.clock.pass(24 * 3600);
    assert_eq!(house.browser().get(&late).await.status, 410);
    assert_eq!(
        house
            .browser()
            .post(&late, &[("password", PASSWORD)])
            .await
            .status,
        410
    );
    invite(&house, BOSS, Role::Administrator).await;
    let link = house.link_to(BOSS).await;
    assert_eq!(house.browser().get(&link).await.status, 200);
    let short = house.browser().post(&link, &[("password", "short")]).await;
    assert_eq!(short.status, 422);
    let joined = house.browser().post(&link, &[("password", PASSWORD)]).await;
    assert_eq!(joined.status, 303);
    assert!(joined.setting("__Host-fairhold-staff").is_none());
    let again = house.browser().post(&link, &[("password", PASSWORD)]).await;
    assert_eq!(again.status, 410, "6.5.1");
}

#[tokio::test]
async fn nobody_gets_in_without_an_app_and_its_codes_work_once() {
    let house = House::demo().await;
    invite(&house, BOSS, Role::Administrator).await;
    let link = house.link_to(BOSS).await;
    let mut browser = house.browser();
    browser.post(&link, &[("password", PASSWORD)]).await;
    let first = log_in(&mut browser, BOSS).await;
    assert_eq!(first.location(), "/staff/code");
    let half = browser.staff.clone();
    assert!(!is_in(&mut browser).await, "6.3.3: the code is missing");
    let page = browser.get("/staff/code").await;
    assert!(
        page.body.contains("data:image/svg+xml"),
        "a picture to scan"
    );
    let app = App::new(&codes(&page.body)[0]);
    let wrong = browser.post("/staff/code", &[("code", "000000")]).await;
    assert_eq!(wrong.status, 422);
    let code = app.code(&house, 0);
    let whole = browser.post("/staff/code", &[("code", &code)]).await;
    assert_eq!(whole.location(), "/staff");
    assert_ne!(browser.staff, half, "7.2.4: another token");
    let cookie = whole.setting("__Host-fairhold-staff").unwrap();
    for part in ["HttpOnly", "Secure", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(part), "{part}");
    }
    let home = browser.get("/staff").await.text();
    assert!(home.contains("Your role is Administrator."), "{home}");
    assert!(home.contains("invite somebody to work here"), "{home}");

    let mut second = house.browser();
    log_in(&mut second, BOSS).await;
    let page = second.get("/staff/code").await;
    assert!(codes(&page.body).is_empty(), "the key is never shown again");
    let used = second.post("/staff/code", &[("code", &code)]).await;
    assert_eq!(used.status, 422, "6.5.1: used before");
    let next = app.code(&house, 1);
    let right = second.post("/staff/code", &[("code", &next)]).await;
    assert_eq!(right.location(), "/staff");
}

#[tokio::test]
async fn wrong_codes_and_wrong_passwords_are_slowed_down() {
    let house = House::demo().await;
    let (_, app) = join(&house, BOSS, Role::Administrator).await;
    let mut browser = house.browser();
    log_in(&mut browser, BOSS).await;
    let mut statuses = Vec::new();
    for _ in 0..7 {
        let wrong = browser.post("/staff/code", &[("code", "000000")]).await;
        statuses.push(wrong.status);
    }
    assert!(statuses.contains(&429), "{statuses:?}");
    house.clock.pass(120);
    let code = app.code(&house, 0);
    let right = browser.post("/staff/code", &[("code", &code)]).await;
    assert_eq!(right.location(), "/staff", "the wait ends");
    let mut statuses = Vec::new();
    for _ in 0..7 {
        let fields = [("email", BOSS), ("password", "not the right one")];
        let wrong = house.browser().post("/staff/log-in", &fields).await;
        statuses.push(wrong.status);
    }
    assert!(statuses.contains(&429), "{statuses:?}");
}

#[tokio::test]
async fn a_session_ends_when_nobody_uses_it_for_a_quarter_of_an_hour() {
    let house = House::demo().await;
    let (mut boss, _) = join(&house, BOSS, Role::Administrator).await;
    house.clock.pass(14 * 60);
    assert!(is_in(&mut boss).await);
    house.clock.pass(14 * 60);
    assert!(is_in(&mut boss).await, "it was used in between");
    house.clock.pass(15 * 60);
    assert!(!is_in(&mut boss).await, "7.3.1");
}

#[tokio::test]
async fn logging_out_ends_the_session() {
    let house = House::demo().await;
    let (mut boss, _) = join(&house, BOSS, Role::Administrator).await;
    let kept = boss.clone();
    let out = boss.post("/staff/log-out", &[]).await;
    assert_eq!(out.location(), "/staff/log-in?done=out");
    assert!(boss.staff.is_none());
    assert!(
        !is_in(&mut kept.clone()).await,
        "the token is worth nothing"
    );
}

#[tokio::test]
async fn only_an_administrator_sees_and_changes_who_works_here() {
    let house = House::demo().await;
    let (mut boss, _) = join(&house, BOSS, Role::Administrator).await;
    for role in [
        Role::Support,
        Role::Supervisor,
        Role::PrivacyOfficer,
        Role::Marketing,
    ] {
        let address = format!("{}@example.com", role.key());
        let (mut other, _) = join(&house, &address, role).await;
        let id = id_of(&house, BOSS).await;
        let looks = ["looks", "look_heads", "jobs"];
        house.work().await;
        let before = house.contents(&looks).await;
        let refused = [
            other.get("/staff/people").await,
            other
                .post(
                    "/staff/people",
                    &[("email", "x@example.com"), ("role", "administrator")],
                )
                .await,
            other
                .post(
                    "/staff/people/role",
                    &[("id", &id), ("role", "administrator")],
                )
                .await,
            other.post("/staff/people/revoke", &[("id", &id)]).await,
        ];
        for answer in refused {
            assert_eq!(answer.status, 403, "{role}");
            assert!(!answer.body.contains(BOSS), "{role}");
        }
        assert!(before == house.contents(&looks).await, "{role}");
        let page = other.get("/staff").await.text();
        assert!(!page.contains("Who works here"), "{role}");
    }
    let page = boss.get("/staff/people").await;
    assert!(page.text().contains("support@example.com"));
    let decisions = house.portal.decisions(By::Operator, 100).await.unwrap();
    let refused = decisions.iter().filter(|d| !d.decision.allowed).count();
    assert_eq!(refused, 16, "16.3.2: each refusal is written down");
}

/// Who asked, and for what, in sentences; the staff who may not read it get none.
#[tokio::test]
async fn what_was_done_is_read_in_sentences_by_those_who_may() {
    let house = House::demo().await;
    let (mut boss, _) = join(&house, BOSS, Role::Administrator).await;
    let (mut officer, _) = join(&house, "officer@example.com", Role::PrivacyOfficer).await;
    let (mut support, _) = join(&house, "support@example.com", Role::Support).await;
    boss.get("/staff/people").await;
    assert_eq!(support.get("/staff/people").await.status, 403);
    let page = officer.get("/staff/decisions").await.text();
    for sentence in [
        "boss@example.com (Administrator) asked to see who works here. The answer was yes.",
        "support@example.com (Support) asked to see who works here. The answer was no.",
        "officer@example.com (Privacy officer) asked to see what the staff and our systems did. The answer was yes.",
        "Whoever runs the portal asked to invite somebody to work here: support@example.com, as Support.",
    ] {
        assert!(page.contains(sentence), "{sentence}: {page}");
    }
    assert_eq!(support.get("/staff/decisions").await.status, 403);
    for _ in 0..50 {
        boss.get("/staff/people").await;
    }
    let newest = boss.get("/staff/decisions").await;
    let links = html::attributes(&newest.body, "href");
    let older = links
        .iter()
        .find(|(_, to)| to.starts_with("/staff/decisions?before="));
    let older = boss.get(&older.unwrap().1).await.text();
    assert!(older.contains("to invite somebody to work here"), "{older}");
}

/// ASVS 5.0, 15.4.2: the page was asked for while they still had the role.
#[tokio::test]
async fn a_role_that_was_lost_in_between_changes_nothing() {
    let house = House::demo().await;
    let (boss, _) = join(&house, BOSS, Role::Administrator).await;
    join(&house, "second@example.com", Role::Administrator).await;
    let before = house
        .portal
        .staff(boss.staff.as_deref().unwrap())
        .await
        .unwrap();
    let own = house.portal.staff_by_address(BOSS).await.unwrap();
    let support = house
        .portal
        .change_staff_role(By::Operator, own, Role::Support, false);
    support.await.unwrap();
    house.work().await;
    let contents = house.contents(&["looks", "look_heads"]).await;
    let by = By::Staff(before);
    let new = "new@example.com";
    assert!(matches!(
        house
            .portal
            .invite_staff(by, new, Role::Administrator)
            .await,
        Err(Error::NotAllowed)
    ));
    assert!(matches!(
        house
            .portal
            .change_staff_role(by, own, Role::Administrator, false)
            .await,
        Err(Error::NotAllowed)
    ));
    house.work().await;
    assert!(contents == house.contents(&["looks", "look_heads"]).await);
}

#[tokio::test]
async fn whoever_loses_their_role_is_out_at_once() {
    let house = House::demo().await;
    let (mut boss, _) = join(&house, BOSS, Role::Administrator).await;
    let (mut niamh, _) = join(&house, "niamh@example.com", Role::Support).await;
    let (mut omar, _) = join(&house, "omar@example.com", Role::Support).await;
    let (niamhs, omars) = (
        id_of(&house, "niamh@example.com").await,
        id_of(&house, "omar@example.com").await,
    );
    let changed = boss
        .post(
            "/staff/people/role",
            &[("id", &niamhs), ("role", "marketing")],
        )
        .await;
    assert_eq!(changed.location(), "/staff/people?done=role");
    assert!(!is_in(&mut niamh).await, "7.4.2");
    let revoked = boss.post("/staff/people/revoke", &[("id", &omars)]).await;
    assert_eq!(revoked.location(), "/staff/people?done=revoked");
    assert!(!is_in(&mut omar).await, "8.3.2");
    assert_eq!(log_in(&mut omar, "omar@example.com").await.status, 422);
    let own = id_of(&house, BOSS).await;
    let last = boss.post("/staff/people/revoke", &[("id", &own)]).await;
    assert_eq!(last.status, 422);
    assert!(last.text().contains("last administrator"));
    assert!(is_in(&mut boss).await);
    let decisions = house.portal.decisions(By::Operator, 100).await.unwrap();
    let by_boss = |action| {
        decisions.iter().any(|d| {
            d.decision.action == action
                && d.decision.allowed
                && matches!(&d.decision.by, Decider::Staff { id, .. } if *id == own)
        })
    };
    assert!(by_boss(Action::ChangeStaffRole) && by_boss(Action::RevokeStaff));
    assert_eq!(house.portal.verify().await.unwrap().breaks, Vec::new());
}

#[tokio::test]
async fn a_customer_and_somebody_of_the_staff_with_one_address_are_two() {
    let house = House::demo().await;
    house.add_with_password("ada@example.com", PASSWORD).await;
    let (mut staff, _) = join(&house, "ada@example.com", Role::Administrator).await;
    assert!(
        !staff.is_logged_in().await,
        "the staff's session is no customer's"
    );
    // The staff's token under the customers' name opens nothing either.
    staff.cookie.clone_from(&staff.staff);
    assert!(!staff.is_logged_in().await);
    let mut customer = house.browser();
    assert_eq!(
        customer.log_in("ada@example.com", PASSWORD).await.status,
        303
    );
    assert!(customer.is_logged_in().await);
    assert!(!is_in(&mut customer).await);
}

#[tokio::test]
async fn the_demo_has_one_of_each_role_and_its_page_shows_the_keys_for_their_codes() {
    let house = House::demo().await;
    demo::seed(&house.portal).await.unwrap();
    let page = house.browser().get("/demo/outbox").await;
    for persona in demo::staff() {
        assert!(codes(&page.body).contains(&persona.code_key.to_owned()));
        let mut browser = house.browser();
        let fields = [("email", persona.email), ("password", persona.password)];
        let first = browser.post("/staff/log-in", &fields).await;
        assert_eq!(first.location(), "/staff/code", "{}", persona.role);
        let code = App::new(persona.code_key).code(&house, 0);
        let whole = browser.post("/staff/code", &[("code", &code)]).await;
        assert_eq!(whole.location(), "/staff", "{}", persona.role);
        let home = browser.get("/staff").await.text();
        assert!(home.contains(persona.role.name()), "{home}");
    }
}

#[tokio::test]
async fn no_address_and_no_token_of_the_staff_is_stored_in_the_clear() {
    let house = House::demo().await;
    invite(&house, BOSS, Role::Administrator).await;
    let token = house
        .link_to(BOSS)
        .await
        .rsplit('/')
        .next()
        .unwrap()
        .to_owned();
    for (table, rows) in house.contents(&[]).await {
        for value in rows.iter().flatten().flatten() {
            let has = |text: &str| value.windows(text.len()).any(|w| w == text.as_bytes());
            assert!(!has(BOSS) && !has(&token), "{table}");
        }
    }
}
