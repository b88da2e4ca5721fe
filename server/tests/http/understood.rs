//! What a stranger has to understand: words that fit the order of a list, counts that agree, where a page opens, and
//! whom to write to.

use crate::html;
use crate::support::{House, Setup, company, open};

const ADA: &str = "ada@example.com";

/// What follows each label on a page.
fn values(body: &str, label: &str) -> Vec<String> {
    html::pairs(body)
        .into_iter()
        .filter(|(name, _)| name == label)
        .map(|(_, value)| value)
        .collect()
}

#[tokio::test]
async fn the_newest_thing_stands_first_with_its_order_and_its_date() {
    let (_house, mut grace) = House::with("grace@example.com").await;
    let page = grace.get("/my-data/shop/order_lines").await;
    let mut orders = values(&page.body, "Part of order");
    orders.retain(|value| value.starts_with("FR-"));
    assert_eq!(orders.first().map(String::as_str), Some("FR-105010"));
    assert!(orders.is_sorted_by(|newer, older| newer >= older));
    let text = page.text();
    assert!(
        text.contains("Show older ones") && text.contains("This part is the same for everybody.")
    );
    assert!(!text.contains("Nobody wrote down since when"));
    let order = grace.get("/my-data/shop/orders").await;
    let things = values(&order.body, "What is in it");
    assert_eq!(things.len(), 26, "25 orders, and the words about them");
}

#[tokio::test]
async fn what_was_looked_for_opens_where_it_is() {
    let (_house, mut ada) = House::with(ADA).await;
    let page = ada.get("/my-data").await;
    let ids: Vec<String> = html::attributes(&page.body, "id")
        .into_iter()
        .map(|(_, id)| id)
        .collect();
    let forms: Vec<String> = html::attributes(&page.body, "action")
        .into_iter()
        .map(|(_, action)| action)
        .collect();
    assert!(forms.iter().any(|action| action == "/my-data#found"));
    let shows = forms
        .iter()
        .filter_map(|a| a.strip_prefix("/my-data#fact-"));
    for place in shows.clone() {
        assert!(ids.contains(&format!("fact-{place}")), "it leads somewhere");
    }
    assert!(shows.count() >= 2);
    assert!(!ids.iter().any(|id| id == "found"));

    let found = ada.post("/my-data", &[("q", "phone number")]).await;
    assert!(
        html::attributes(&found.body, "id")
            .iter()
            .any(|(_, id)| id == "found")
    );
    assert!(found.text().contains(" fit"));

    let list = "/my-data/shop/orders";
    let id = html::fields(&ada.get(list).await.body, "show").remove(0);
    let uncovered = ada.post(list, &[("show", &id)]).await;
    let open = html::attributes(&uncovered.body, "open");
    assert_eq!(open.len(), 1, "the entry with the value stays open");
}

#[tokio::test]
async fn counts_agree_also_where_nobody_wrote_down_how_we_got_it() {
    let setup = Setup::demo().await;
    let path = setup.folder().join("shop.db");
    std::fs::copy(company().await.join("shop.db"), &path).unwrap();
    for sql in [
        "ALTER TABLE customers ADD COLUMN shoe_size INTEGER",
        "UPDATE customers SET shoe_size = 38",
    ] {
        sqlx::query(sql)
            .execute(&mut open(&path).await)
            .await
            .unwrap();
    }
    let house = setup.with_system("shop", &path).start().await;
    let mut ada = house.logged_in(ADA).await;
    let page = ada.get("/my-data").await;
    assert!(page.text().contains(" We do not know how 1 "));
    assert!(page.text().contains(" 12 facts, 10 of them worked out "));
    let unknown = ada.get("/my-data?origin=unknown").await.text();
    assert!(unknown.contains(" shoe_size ") && !unknown.contains(" First name "));
    assert_eq!(ada.get("/my-data?origin=other").await.status, 400);
}

#[tokio::test]
async fn a_field_that_is_never_shown_was_not_looked_at() {
    let house = House::demo().await;
    fairhold_server::demo::seed(&house.portal).await.unwrap();
    let mut ada = house.logged_in(ADA).await;
    let text = ada.get("/my-data").await.text();
    let about = |label: &str| {
        let (_, after) = text.split_once(&format!(" {label} ")).unwrap();
        let (explanation, _) = after.split_once("Why we hold this: ").unwrap();
        let (_, own) = after.split_once("Why we hold this: ").unwrap();
        let end = own.find("Why we hold this: ").unwrap();
        format!("{explanation} {}", &own[..end])
    };
    assert!(!about("Shop password").contains("Who looked last"));
    assert!(about("Shop password").contains("Who can see it Nobody. "));
    assert!(about("Phone number").contains("We note that for all of “Your shop account” at once."));
    assert!(
        !text.contains("Nothing is hidden."),
        "a password is not shown"
    );
    assert!(!text.contains("placed at"), "{text}");
    assert!(text.contains("For 7 years, counted from “Ordered on” in your orders."));
}

#[tokio::test]
async fn who_wants_something_erased_reads_whom_to_write_to() {
    let (_house, mut ada) = House::with(ADA).await;
    let page = ada.get("/my-data").await;
    assert!(
        page.text()
            .contains("Yes, under “Delete your data”. We empty it.")
    );
    let links = html::attributes(&page.body, "href");
    for address in ["hello", "data"] {
        let link = format!("mailto:{address}@finch-and-rowan.example");
        assert!(links.iter().any(|(_, href)| *href == link), "{link}");
    }
}

#[tokio::test]
async fn every_page_keeps_the_ways_of_who_is_logged_in_and_names_them_only_beside_their_data() {
    let (house, mut ada) = House::with(ADA).await;
    let looks = house.looks().await.len();
    for path in [
        "/nowhere",
        "/sign-up",
        "/forgot-password",
        "/check-your-mail",
        "/my-data/shop/nowhere",
    ] {
        let page = ada.get(path).await;
        let text = page.text();
        assert!(
            text.contains("You are logged in") && text.contains("Who looked"),
            "{path}: {text}"
        );
        assert!(!page.body.contains(ADA), "{path}");
        let stranger = house.browser().get(path).await.text();
        assert!(!stranger.contains("You are logged in"), "{path}");
    }
    assert_eq!(house.looks().await.len(), looks, "none of them is a look");
}

#[tokio::test]
async fn paper_says_when_it_was_printed_and_what_is_missing() {
    let (_house, mut ada) = House::with(ADA).await;
    let text = ada.get("/my-data").await.text();
    assert!(text.contains("This page shows what stood here on 15 January 2020, 10:00."));
    assert!(text.contains("On this paper: 3 of 9 orders. The rest is on screen."));
    let orders = ada.get("/my-data/shop/orders").await.text();
    assert!(!orders.contains("On this paper"), "all of them are there");
}
