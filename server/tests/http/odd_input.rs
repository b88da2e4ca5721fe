//! What no browser sends: each gets the right refusal in our own words, and changes nothing.

use reqwest::Method;

use crate::support::{Answer, House};

const FORM: &str = "application/x-www-form-urlencoded";

/// A page of ours, in plain words, that tells nothing of the inside.
fn is_our_page(answer: &Answer, status: u16, what: &str) {
    assert_eq!(answer.status, status, "{what}");
    assert_eq!(
        answer.header("content-type"),
        "text/html; charset=utf-8",
        "{what}"
    );
    let text = answer.text();
    assert!(text.contains("Finch & Rowan"), "{what}: {text}");
    for inside in [
        "panicked",
        "unwrap",
        "axum",
        "serde",
        "deserialize",
        "sqlx",
        "rust",
        ".rs:",
    ] {
        assert!(
            !answer.body.to_lowercase().contains(inside),
            "{what} tells {inside:?}"
        );
    }
}

#[tokio::test]
async fn what_is_not_there_is_a_page_of_ours() {
    let (_house, mut ada) = House::with("ada@example.com").await;
    for path in [
        "/nowhere",
        "/my-data/",
        "/my-data/shop",
        "/my-data/shop/none",
        "/my-data/none/orders",
        "/my-data/shop/staff",
        "/my-data/shop/settings",
        "/%F0%9F%98%80",
        "/.git/config",
        "/log-in/x",
    ] {
        is_our_page(&ada.get(path).await, 404, path);
    }
}

#[tokio::test]
async fn a_method_that_a_page_does_not_take_is_refused() {
    let (_house, mut ada) = House::with("ada@example.com").await;
    for (method, path) in [
        (Method::DELETE, "/my-data"),
        (Method::PUT, "/log-in"),
        (Method::PATCH, "/"),
        (Method::POST, "/"),
        (Method::POST, "/who-looked"),
        (Method::GET, "/log-out"),
        (Method::GET, "/act/uncover"),
    ] {
        let answer = ada.send(method.clone(), path, &[], Vec::new()).await;
        assert_eq!(answer.status, 405, "{method} {path}");
        assert!(!answer.header("allow").is_empty(), "{method} {path}");
    }
    let answer = ada.send(Method::DELETE, "/my-data", &[], Vec::new()).await;
    is_our_page(&answer, 405, "DELETE /my-data");
}

#[tokio::test]
async fn a_form_that_is_too_large_is_refused() {
    let (house, mut ada) = House::with("ada@example.com").await;
    house.work().await;
    let before = house.contents(&[]).await;
    let large = format!("email={}&password=x&q=x", "a".repeat(70_000)).into_bytes();
    for path in [
        "/sign-up",
        "/forgot-password",
        "/log-in",
        "/my-data",
        "/my-data/shop/orders",
        "/set-password/t",
    ] {
        let answer = ada
            .send(Method::POST, path, &[("content-type", FORM)], large.clone())
            .await;
        is_our_page(&answer, 413, path);
        assert!(
            answer.text().contains("That was too much at once."),
            "{path}"
        );
    }
    let island = ada
        .send(
            Method::POST,
            "/act/uncover",
            &[("content-type", FORM)],
            large,
        )
        .await;
    assert!([400, 413].contains(&island.status), "{}", island.status);
    // Without a length in front, the server counts while it reads.
    let pieces = format!(
        "POST /sign-up HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: {FORM}\r\nTransfer-Encoding: chunked\r\n\r\n\
         11170\r\n{}\r\n0\r\n\r\n",
        "a".repeat(0x11170)
    );
    let answer = house.raw(pieces.as_bytes()).await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 413"),
        "{answer:.60}"
    );
    assert!(before == house.contents(&[]).await);
}

#[tokio::test]
async fn what_is_no_form_is_refused() {
    let (house, mut ada) = House::with("ada@example.com").await;
    house.work().await;
    let before = house.contents(&[]).await;
    let bodies: [(&str, &[u8]); 9] = [
        ("application/json", br#"{"email":"eve@example.com","password":"x"}"#),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; name=\"email\"\r\n\r\neve@example.com\r\n--x--"),
        ("text/plain", b"email=eve@example.com"),
        ("", b"email=eve@example.com"),
        (FORM, b""),
        (FORM, b"&&&==="),
        (FORM, b"email=%FF%FE&password=%C3%28&show=%FF"),
        (FORM, b"email=\xff\xfe&password=\xc3\x28&show=\xff&q=\xff"),
        (FORM, b"email=a@example.com&email=b@example.com&password=x&password=y&show=1&show=2&q=1&q=2"),
    ];
    for (kind, body) in bodies {
        for path in [
            "/sign-up",
            "/forgot-password",
            "/log-in",
            "/my-data/shop/orders",
            "/set-password/t",
        ] {
            let answer = ada
                .send(Method::POST, path, &[("content-type", kind)], body.to_vec())
                .await;
            let what = format!("{path} {kind} {}", String::from_utf8_lossy(body));
            assert!(
                [400, 404, 410, 415, 422].contains(&answer.status),
                "{what}: {}",
                answer.status
            );
            assert_eq!(answer.status == 415, kind != FORM, "{what}");
            is_our_page(&answer, answer.status, &what);
        }
    }
    let odd = ada
        .send(
            Method::POST,
            "/my-data",
            &[("content-type", "application/json")],
            b"[]".to_vec(),
        )
        .await;
    is_our_page(&odd, 415, "My data as JSON");
    assert!(
        before == house.contents(&[]).await,
        "what is no form changed something"
    );
}

#[tokio::test]
async fn an_address_that_is_no_text_is_refused() {
    let (house, mut ada) = House::with("ada@example.com").await;
    house.work().await;
    let before = house.contents(&[]).await;
    let bodies: [&[u8]; 3] = [
        b"email=%ff%fe@example.com",
        b"email=\xff@example.com",
        b"email=eve%C3@example.com",
    ];
    for body in bodies {
        for path in ["/sign-up", "/forgot-password"] {
            let answer = ada
                .send(Method::POST, path, &[("content-type", FORM)], body.to_vec())
                .await;
            is_our_page(&answer, 400, path);
        }
    }
    for path in ["/sign-up", "/forgot-password"] {
        let answer = ada
            .post(path, &[("email", "e\u{202e}ve@example.com")])
            .await;
        is_our_page(&answer, 422, path);
    }
    assert!(before == house.contents(&[]).await);
}

#[tokio::test]
async fn what_an_island_never_sends_is_refused() {
    let (_house, mut ada) = House::with("ada@example.com").await;
    let bodies: [(&str, &[u8], u16); 6] = [
        (FORM, b"", 400),
        (FORM, b"&&&===", 400),
        (FORM, b"id[a]=1", 400),
        (FORM, b"id=%ff", 400),
        ("application/json", b"{}", 415),
        ("text/plain", b"id=1", 415),
    ];
    for (kind, body, status) in bodies {
        let headers = [("content-type", kind)];
        let answer = ada
            .send(Method::POST, "/act/uncover", &headers, body.to_vec())
            .await;
        let what = format!("{kind} {}", String::from_utf8_lossy(body));
        assert_eq!(answer.status, status, "{what}: {}", answer.body);
    }
}

#[tokio::test]
async fn odd_fields_of_my_data_are_refused_or_find_nothing() {
    let (_house, mut ada) = House::with("ada@example.com").await;
    let long = "x".repeat(201);
    for fields in [[("origin", "sideways")], [("q", long.as_str())]] {
        is_our_page(&ada.post("/my-data", &fields).await, 400, fields[0].0);
    }
    is_our_page(
        &ada.get("/my-data?origin=sideways").await,
        400,
        "an origin that is none",
    );
    for words in [
        "'; DROP TABLE customers; --",
        "\0",
        "%",
        "_",
        "\u{202e}\u{feff}",
        "🫖",
        "\\",
        "<script>alert(1)</script>",
        "(((((",
        "zzzzzzzz",
    ] {
        let page = ada.post("/my-data", &[("q", words)]).await;
        is_our_page(&page, 200, words);
        assert!(
            !page.body.contains("<script>alert"),
            "what was searched for came back as it was"
        );
    }
    let page = ada.post("/my-data", &[("system", "no such system")]).await;
    assert!(page.text().contains("We found nothing that fits."));
    let many = (0..2_000)
        .map(|i| format!("f{i}[a][b][c]={i}"))
        .collect::<Vec<_>>()
        .join("&");
    let page = ada
        .send(
            Method::POST,
            "/my-data",
            &[("content-type", FORM)],
            many.into_bytes(),
        )
        .await;
    assert_eq!(page.status, 200, "fields that nobody asked for are no harm");
}

#[tokio::test]
async fn odd_addresses_are_refused() {
    let (house, ada) = House::with("ada@example.com").await;
    let cookie = ada.cookie.unwrap();
    let long = format!("/{}", "a".repeat(10_000));
    let too_long = format!("/{}", "a".repeat(70_000));
    for (path, status) in [
        ("/%", "404"),
        ("/%zz", "404"),
        ("/%00", "404"),
        ("/%ff%fe", "404"),
        ("/my-data/%ff/%fe", "400"),
        ("/my-data/shop/%00", "404"),
        ("/my-data/shop/%zz", "404"),
        ("/my-data/shop/%27%22%3B--", "404"),
        ("/my-data/shop/..%2f..%2fetc%2fpasswd", "404"),
        ("/set-password/%ff", "400"),
        ("/my-data?origin=%ff", "400"),
        ("/my-data?&&=&", "200"),
        ("/who-looked?before=1&before=2", "400"),
        ("//my-data", "404"),
        ("/my-data/../my-data", "404"),
        (&long, "404"),
        (&too_long, "414"),
        ("http://evil.example/my-data", "200"),
        ("my-data", "404"),
        ("*", "404"),
    ] {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nCookie: __Host-fairhold={cookie}\r\n\r\n"
        );
        let answer = house.raw(request.as_bytes()).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{path:.60}: {answer:.60}"
        );
        let ours = answer.contains("Finch &amp; Rowan");
        // What is not even HTTP never reaches a page.
        assert!(
            ours || ["414", "400"].contains(&status),
            "{path:.60}: {answer}"
        );
    }
}

#[tokio::test]
async fn what_is_not_http_is_hung_up_on() {
    let house = House::demo().await;
    let many = (0..2_000)
        .map(|i| format!("x-{i}: y"))
        .collect::<Vec<_>>()
        .join("\r\n");
    let huge = format!("x: {}\r\n", "y".repeat(600_000));
    for request in [
        "\0\0\0\0\r\n\r\n".to_owned(),
        "GET / HTTP/9.9\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nbad header\r\n\r\n".to_owned(),
        format!("GET / HTTP/1.1\r\nHost: localhost\r\n{many}\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nHost: localhost\r\n{huge}\r\n"),
        "POST /sign-up HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n".to_owned(),
        "POST /sign-up HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nemail".to_owned(),
        "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\u{fc}\u{3}\u{3}".to_owned(),
    ] {
        let answer = house.raw(request.as_bytes()).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{request:.40}: {answer:.60}");
    }
    assert_eq!(
        house.browser().get("/").await.status,
        200,
        "it still serves"
    );
}
