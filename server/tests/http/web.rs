//! The web rows of the list to hold the product against: Content-Security-Policy, other headers, forged requests,
//! caching, and that no page asks anything of another origin.

use fairhold_server::api::problem::Problem;
use reqwest::Method;

use crate::api::is_problem_of;
use crate::html::{self, Piece};
use crate::support::{Answer, House, Setup, form};

/// Every kind of page, as Ada or a stranger sees it.
async fn pages(house: &House) -> Vec<(String, Answer)> {
    let mut ada = house.logged_in("ada@example.com").await;
    let mut pages = Vec::new();
    for path in [
        "/my-data",
        "/my-data?origin=guess",
        "/my-data/shop/orders",
        "/my-data/analytics/devices",
        "/who-looked",
        "/nowhere",
    ] {
        pages.push((path.to_owned(), ada.get(path).await));
    }
    pages.push((
        "search".to_owned(),
        ada.post("/my-data", &[("q", "coffee")]).await,
    ));
    let mut stranger = house.browser();
    stranger
        .post("/sign-up", &[("email", "eve@example.com")])
        .await;
    let link = house.link_to("eve@example.com").await;
    for path in [
        "/",
        "/sign-up",
        "/log-in",
        "/log-in?done=out",
        "/forgot-password",
        "/check-your-mail",
        "/demo/outbox",
        "/join/club",
        "/joining/none",
        "/nowhere",
        &link,
        "/set-password/none",
    ] {
        pages.push((path.to_owned(), stranger.get(path).await));
    }
    pages.push((
        "a wrong log-in".to_owned(),
        stranger.log_in("eve@example.com", "wrong").await,
    ));
    pages.push((
        "a wrong address".to_owned(),
        stranger.post("/sign-up", &[("email", "eve")]).await,
    ));
    pages
}

#[tokio::test]
async fn a_page_runs_only_what_the_server_wrote_into_it() {
    let house = House::demo().await;
    let mut nonces = Vec::new();
    for (name, page) in pages(&house).await {
        let policy = page.header("content-security-policy");
        for rule in [
            "default-src 'none'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
            "form-action 'self'",
            "style-src 'self'",
        ] {
            assert!(policy.contains(rule), "{name}: {policy}");
        }
        for hole in ["unsafe-inline", "'unsafe-eval'", "*", "http:", "https:"] {
            assert!(!policy.contains(hole), "{name}: {policy}");
        }
        let nonce = page.nonce().expect("a nonce");
        assert!(nonce.len() >= 22, "{name}: 128 bits at least");
        for piece in html::pieces(&page.body) {
            let Piece::Open(element, attributes) = piece else {
                continue;
            };
            let get = |key: &str| {
                attributes
                    .iter()
                    .find(|(k, _)| k == key)
                    .map(|(_, v)| v.as_str())
            };
            if element == "script" {
                assert_eq!(
                    get("nonce"),
                    Some(nonce.as_str()),
                    "{name}: a script without the nonce"
                );
            }
            if element == "link"
                && get("rel").is_some_and(|rel| rel.contains("preload"))
                && get("nonce").is_some()
            {
                assert_eq!(get("nonce"), Some(nonce.as_str()), "{name}");
            }
            assert_ne!(element, "style", "{name}");
            for (key, value) in &attributes {
                assert!(
                    key != "style" && !key.starts_with("on"),
                    "{name}: {element} has {key}={value:?}"
                );
                assert!(!value.to_lowercase().starts_with("javascript:"), "{name}");
            }
        }
        nonces.push(nonce);
    }
    let count = nonces.len();
    nonces.sort();
    nonces.dedup();
    assert_eq!(nonces.len(), count, "a nonce came twice");
}

#[tokio::test]
async fn islands_bring_their_scripts_and_other_pages_none() {
    let (_house, mut ada) = House::with("ada@example.com").await;
    let scripts = |page: &Answer| {
        html::pieces(&page.body)
            .iter()
            .filter(|p| matches!(p, Piece::Open(name, _) if name == "script"))
            .count()
    };
    assert!(scripts(&ada.get("/my-data").await) > 0);
    assert_eq!(scripts(&ada.get("/who-looked").await), 0);
}

#[tokio::test]
async fn no_page_asks_anything_of_another_origin() {
    let house = House::demo().await;
    for (name, page) in pages(&house).await {
        for attribute in [
            "href",
            "src",
            "action",
            "formaction",
            "srcset",
            "poster",
            "data",
            "ping",
            "background",
        ] {
            for (element, value) in html::attributes(&page.body, attribute) {
                let own = (value.starts_with('/') && !value.starts_with("//"))
                    || value.starts_with('#')
                    || (element == "a" && value.starts_with("mailto:"))
                    || value.is_empty();
                assert!(own, "{name}: {element} {attribute}={value:?}");
            }
        }
        assert!(
            !page.body.contains("@import") && !page.body.contains("://cdn"),
            "{name}"
        );
    }
    let style = house.browser().get("/company.css").await;
    assert!(
        !style.body.contains("url(") && !style.body.contains("//"),
        "{}",
        style.body
    );
}

#[tokio::test]
async fn every_answer_has_the_headers() {
    let house = House::demo().await;
    let mut answers = pages(&house).await;
    for path in [
        "/company.css",
        "/favicon.svg",
        "/healthz",
        "/pkg/fairhold.0c.css",
        "/pkg/none.js",
        "/company/logo.svg",
        "/company/../company.yml",
    ] {
        answers.push((path.to_owned(), house.browser().get(path).await));
    }
    answers.push((
        "a redirect".to_owned(),
        house.browser().get("/my-data").await,
    ));
    answers.push((
        "a wrong method".to_owned(),
        house
            .browser()
            .send(Method::DELETE, "/", &[], Vec::new())
            .await,
    ));
    for (name, answer) in answers {
        for (header, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "same-origin"),
            ("x-frame-options", "DENY"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(header), value, "{name}");
        }
        assert!(
            answer
                .header("content-security-policy")
                .starts_with("default-src 'none'"),
            "{name}: {}",
            answer.header("content-security-policy")
        );
        assert!(
            answer
                .header("permissions-policy")
                .contains("geolocation=()"),
            "{name}"
        );
        assert_eq!(
            answer.header("strict-transport-security"),
            "",
            "{name}: not on plain HTTP"
        );
        assert_eq!(answer.header("server"), "", "{name}");
    }
}

#[tokio::test]
async fn personal_pages_are_stored_nowhere_and_hashed_files_for_ever() {
    let house = House::demo().await;
    for (name, page) in pages(&house).await {
        assert_eq!(page.header("cache-control"), "no-store", "{name}");
        assert_eq!(
            page.header("content-type"),
            "text/html; charset=utf-8",
            "{name}"
        );
    }
    assert_eq!(
        house
            .browser()
            .get("/my-data")
            .await
            .header("cache-control"),
        "no-store"
    );
    let file = house.browser().get("/pkg/fairhold.0c.css").await;
    assert_eq!(
        (file.status, file.header("cache-control")),
        (200, "public, max-age=31536000, immutable")
    );
    assert_eq!(
        house
            .browser()
            .get("/pkg/fairhold.0d.css")
            .await
            .header("cache-control"),
        "no-store",
        "a file that may come later"
    );
}

#[tokio::test]
async fn only_files_of_the_company_are_served_and_nothing_in_them_runs() {
    let house = House::demo().await;
    let logo = house.browser().get("/company/logo.svg").await;
    assert_eq!(
        (logo.status, logo.header("content-type")),
        (200, "image/svg+xml")
    );
    assert!(logo.header("content-security-policy").contains("sandbox"));
    for path in [
        "/company/../company.yml",
        "/company/%2e%2e/company.yml",
        "/company/..%2fcompany.yml",
        "/pkg/..%2fhash.txt",
        "/pkg/%2e%2e/hash.txt",
    ] {
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let answer = house.raw(request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer:.60}");
        assert!(
            !answer.contains("fides") && !answer.contains("wasm: "),
            "{path}"
        );
    }
}

#[tokio::test]
async fn on_https_browsers_are_told_to_stay_there() {
    let house = Setup::production("https://data.example.com", "smtp://127.0.0.1:1")
        .start()
        .await;
    for path in ["/", "/log-in", "/healthz", "/nowhere"] {
        let answer = house.browser().get(path).await;
        assert_eq!(
            answer.header("strict-transport-security"),
            "max-age=31536000; includeSubDomains",
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_form_of_another_site_is_refused_and_changes_nothing() {
    let (house, mut ada) = House::with("ada@example.com").await;
    house.work().await;
    let body = form(&[
        ("email", "eve@example.com"),
        ("password", "four words that fit"),
        ("q", "coffee"),
        ("id", "0"),
        ("show", "0"),
    ]);
    let foreign: [&[(&str, &str)]; 5] = [
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[
            ("sec-fetch-site", "cross-site"),
            ("origin", "http://localhost:3000"),
        ],
    ];
    let before = house.contents(&[]).await;
    for path in [
        "/sign-up",
        "/forgot-password",
        "/log-in",
        "/log-out",
        "/my-data",
        "/my-data/shop/orders",
        "/set-password/t",
        "/act/uncover",
    ] {
        for headers in foreign {
            let headers: Vec<_> = [("content-type", "application/x-www-form-urlencoded")]
                .iter()
                .chain(headers)
                .copied()
                .collect();
            let answer = ada
                .send(Method::POST, path, &headers, body.clone().into_bytes())
                .await;
            assert_eq!(answer.status, 403, "{path} {headers:?}");
            assert!(answer.set_cookie().is_none());
        }
    }
    assert!(
        before == house.contents(&[]).await,
        "a forged form changed something"
    );
    assert!(ada.is_logged_in().await);
    let shown = ada
        .send(
            Method::POST,
            "/my-data",
            &[("sec-fetch-site", "cross-site")],
            Vec::new(),
        )
        .await;
    assert!(
        shown
            .text()
            .contains("This did not come from our own page, so we did nothing.")
    );
    let linked = ada
        .send(
            Method::GET,
            "/my-data",
            &[("sec-fetch-site", "cross-site")],
            Vec::new(),
        )
        .await;
    assert_eq!(
        linked.status, 200,
        "a link from a mail or another page still opens"
    );
}

#[tokio::test]
async fn under_overload_files_are_refused_too_and_the_program_still_says_that_it_lives() {
    use tokio::io::AsyncWriteExt as _;
    let mut setup = Setup::demo().await;
    setup.config.server.most_requests = 1;
    let house = setup.start().await;
    // Somebody who never sends the rest of the form holds the one place.
    let mut holder = tokio::net::TcpStream::connect(house.address).await.unwrap();
    holder
        .write_all(b"POST /log-in HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 9\r\n\r\ne")
        .await
        .unwrap();
    let mut browser = house.browser();
    while browser.get("/log-in").await.status != 503 {}
    for path in ["/readyz", "/company.css", "/pkg/fairhold.0c.css"] {
        assert_eq!(browser.get(path).await.status, 503, "{path}");
    }
    let call = browser.get("/v1/whoami").await;
    is_problem_of(&call, Problem::Busy);
    assert_eq!(call.header("retry-after"), "60");
    assert_eq!(browser.get("/healthz").await.status, 200);
    drop(holder);
}
