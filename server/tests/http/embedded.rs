//! The form to join in a frame: only in pages of the origins that the programme names, without any session, and nothing else
//! of the portal.

use reqwest::Method;

use crate::html;
use crate::support::{COOKIE_NAME, House, Setup};
use crate::who_may;

const ADA: &str = "ada@example.com";
const FRAME: &str = "/join/club/embed";

#[tokio::test]
async fn the_frame_stands_in_pages_of_the_named_origins_alone() {
    let house = House::demo().await;
    let opened = house.browser().get(FRAME).await;
    let fields = [("email", "eve@example.com")];
    let sent = house.browser().post(FRAME, &fields).await;
    let wrong = house.browser().post(FRAME, &[("email", "eve")]).await;
    for (answer, status) in [(opened, 200), (sent, 200), (wrong, 422)] {
        assert_eq!(answer.status, status);
        let policy = answer.header("content-security-policy");
        let (_, ancestors) = policy.split_once("frame-ancestors ").unwrap();
        assert_eq!(ancestors, "https://finch-and-rowan.example");
        assert!(policy.contains("form-action 'self'") && policy.contains("default-src 'none'"));
        assert_eq!(answer.header("x-frame-options"), "");
        let shared = answer.header("cross-origin-resource-policy");
        assert_eq!(shared, "cross-origin");
        assert!(!answer.body.contains("<script"), "it needs none");
    }
}

#[tokio::test]
async fn a_programme_that_names_no_origin_stands_in_no_frame() {
    let folder = tempfile::tempdir().unwrap();
    crate::support::copy_catalog(folder.path());
    let company = folder.path().join("company.yml");
    let text = std::fs::read_to_string(&company).unwrap();
    let line = "    embedded_by: [\"https://finch-and-rowan.example\"]\n";
    assert!(text.contains(line));
    std::fs::write(&company, text.replace(line, "")).unwrap();
    let house = Setup::demo()
        .await
        .with_catalog(folder.path())
        .start()
        .await;
    let answer = house.browser().get(FRAME).await;
    let policy = answer.header("content-security-policy");
    assert!(policy.ends_with("frame-ancestors 'none'"), "{policy}");
    assert_eq!(answer.header("x-frame-options"), "DENY");
}

#[tokio::test]
async fn the_frame_reads_no_session_and_sets_no_cookie() {
    let (house, mut ada) = House::with(ADA).await;
    let stranger = house.browser().get(FRAME).await;
    let hers = ada.get(FRAME).await;
    assert_eq!(stranger.essence(), hers.essence(), "it knows nobody");
    // Not even one that is broken is taken away.
    let mut broken = ada.with_cookie("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    let fields = [("email", "eve@example.com"), ("leave", "true")];
    for answer in [
        hers,
        broken.get(FRAME).await,
        ada.post(FRAME, &fields).await,
    ] {
        assert_eq!(answer.status, 200);
        assert!(!answer.headers.contains_key("set-cookie"));
    }
    assert!(ada.is_logged_in().await, "{COOKIE_NAME} is as it was");
    let mails = house.mail_to("eve@example.com").await;
    assert_eq!(mails.len(), 1, "a frame joins and can't leave");
}

#[tokio::test]
async fn a_forged_form_is_refused_and_the_frames_own_is_not() {
    let house = House::demo().await;
    let form = crate::support::form(&[("email", "eve@example.com")]);
    let send = async |site: &str| {
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("sec-fetch-site", site),
            ("sec-fetch-dest", "iframe"),
        ];
        let mut browser = house.browser();
        let body = form.clone().into_bytes();
        browser.send(Method::POST, FRAME, &headers, body).await
    };
    for site in ["cross-site", "same-site"] {
        assert_eq!(send(site).await.status, 403, "{site}");
    }
    assert_eq!(house.mail_to("eve@example.com").await, []);
    assert_eq!(send("same-origin").await.status, 200);
    assert_eq!(house.mail_to("eve@example.com").await.len(), 1);
}

#[tokio::test]
async fn nothing_else_stands_in_a_frame() {
    let (house, ada) = House::with(ADA).await;
    for route in who_may::every_route() {
        if route.ends_with(" /join/{programme}/embed") {
            continue;
        }
        for mut browser in [house.browser(), ada.clone()] {
            let answer = who_may::call(&mut browser, route).await;
            assert_eq!(answer.header("x-frame-options"), "DENY", "{route}");
            let policy = answer.header("content-security-policy");
            // A picture of the company's has a stricter one.
            let closed = policy.contains("frame-ancestors 'none'") || policy.contains("sandbox");
            assert!(closed, "{route}: {policy}");
        }
    }
}

#[tokio::test]
async fn what_leads_out_of_the_frame_opens_a_page_of_its_own() {
    let house = House::demo().await;
    let page = house.browser().get(FRAME).await;
    let links = html::attributes(&page.body, "href");
    let out = links.iter().filter(|(element, _)| element == "a").count();
    let targets = html::attributes(&page.body, "target");
    assert_eq!(targets.len(), out);
    assert!(targets.iter().all(|(_, to)| to == "_blank"));
}
