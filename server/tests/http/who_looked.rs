//! Who looked: the sentences, and turning the pages.

use crate::html;
use crate::support::House;

#[tokio::test]
async fn each_look_is_told_in_a_sentence() {
    let (house, mut ada) = House::with("ada@example.com").await;
    assert!(
        ada.get("/who-looked")
            .await
            .text()
            .contains("Nobody has looked yet.")
    );
    ada.get("/my-data").await;
    ada.post("/my-data", &[("q", "zanzibar")]).await;
    ada.get("/my-data/shop/orders").await;
    house.clock.pass(24 * 3600);
    let mut ada = house.logged_in("ada@example.com").await;
    let page = ada.get("/who-looked").await;
    let text = page.text();
    for sentence in [
        "This portal used your proven e-mail address to find ",
        "You opened My data and saw",
        "You searched in",
        "You looked at your orders.",
        "yesterday at 10:00",
    ] {
        assert!(text.contains(sentence), "{sentence:?} is missing: {text}");
    }
    let newest = text.find("You looked at your orders.").unwrap();
    let oldest = text.find("This portal used").unwrap();
    assert!(newest < oldest, "the newest stands first");
    assert!(
        !text.contains("zanzibar"),
        "what was searched for is nobody's business"
    );
    assert!(
        html::attributes(&page.body, "datetime")[0]
            .1
            .starts_with("2020-01-15T10:00:00")
    );
}

#[tokio::test]
async fn what_others_looked_at_is_told_with_who_and_why() {
    let house = House::demo().await;
    fairhold_server::demo::seed(&house.portal).await.unwrap();
    let mut ada = house.logged_in("ada@example.com").await;
    let text = ada.get("/who-looked").await.text();
    for words in [
        "Niamh from our support team looked at your orders and your addresses.",
        "Why: You asked where your parcel was.",
        "The shop till looked at your shop account.",
    ] {
        assert!(text.contains(words), "{words:?} is missing: {text}");
    }
    let last = ada.get("/my-data/shop/orders").await.text();
    assert!(
        last.contains("Who looked last Niamh from our support team, on 26 December 2019"),
        "{last}"
    );
    let mut ben = house.logged_in("ben@example.com").await;
    assert!(
        ben.get("/who-looked")
            .await
            .text()
            .contains("Nobody has looked yet."),
        "these looks are Ada's alone"
    );
}

#[tokio::test]
async fn many_looks_are_turned_page_by_page_and_each_comes_once() {
    let (house, mut ben) = House::with("ben@example.com").await;
    for _ in 0..60 {
        ben.get("/my-data/shop/addresses").await;
    }
    let all = house.looks().await.len();
    let mut counts = Vec::new();
    let mut next = Some("/who-looked".to_owned());
    while let Some(path) = next {
        let page = ben.get(&path).await;
        assert_eq!(page.status, 200);
        counts.push(html::attributes(&page.body, "datetime").len());
        next = html::attributes(&page.body, "href")
            .into_iter()
            .map(|(_, href)| href)
            .find(|href| href.contains("?before="));
    }
    assert_eq!(counts, [50, all - 50]);
}

#[tokio::test]
async fn any_number_in_the_address_stays_inside_ones_own_looks() {
    let (house, mut ada) = House::with("ada@example.com").await;
    ada.get("/my-data").await;
    let mut ben = house.logged_in("ben@example.com").await;
    for before in [
        "0",
        "-1",
        "9223372036854775807",
        "-9223372036854775808",
        "1",
    ] {
        let page = ben.get(&format!("/who-looked?before={before}")).await;
        assert_eq!(page.status, 200, "{before}");
        assert!(page.text().contains("Nobody has looked yet."), "{before}");
    }
    for wrong in ["x", "1e9", "9223372036854775808", "%00", ""] {
        let page = ben.get(&format!("/who-looked?before={wrong}")).await;
        assert_eq!(page.status, 400, "{wrong}");
        assert!(
            page.text().contains("We did not understand"),
            "{wrong}: {}",
            page.text()
        );
    }
}
